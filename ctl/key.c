/* SPDX-License-Identifier: MIT */
/* Values of keys from text and JSON; see key.h. */
#include "ctl/key.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEE "see dmabroker-protocol(7)"

bool key_parse_number(const char *text, uint64_t *ret_number)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	unsigned long long number;
	char *end;

	if (!*digits || !strchr("0123456789abcdefABCDEF", *digits))
		return false;
	errno = 0;
	number = strtoull(digits, &end, hex ? 16 : 10);
	if (errno || *end || end == digits)
		return false;
	*ret_number = number;
	return true;
}

static bool parse_fourcc(const char *text, size_t len, uint32_t *ret_fourcc)
{
	uint32_t fourcc = 0;
	uint32_t byte;

	if (len < 1 || len > 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		byte = i < len ? (unsigned char)text[i] : ' ';
		if (byte < 0x20 || byte > 0x7e)
			return false;
		fourcc |= byte << (8 * i);
	}
	*ret_fourcc = fourcc;
	return true;
}

bool key_parse_format(const char *text, uint32_t *ret_fourcc, uint64_t *ret_modifier)
{
	size_t len = strcspn(text, ":");
	uint64_t number, modifier = 0;
	uint32_t fourcc;

	if (!parse_fourcc(text, len, &fourcc)) {
		if (strncmp(text, "0x", 2) != 0 || text[len] || !key_parse_number(text, &number) ||
		    number > UINT32_MAX)
			return false;
		fourcc = (uint32_t)number;
	}
	if (text[len] && !key_parse_number(text + len + 1, &modifier))
		return false;
	*ret_fourcc = fourcc;
	*ret_modifier = modifier;
	return true;
}

static bool parse_bool(const char *text, bool *ret_value)
{
	static const char *const words[] = {"no", "yes", "false", "true", "0", "1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) != 0)
			continue;
		*ret_value = i % 2;
		return true;
	}
	return false;
}

/* Asks each setter that could take the text. -EINVAL: none does. */
static int set_text(struct dmabroker_record *record, const char *key, const char *text)
{
	uint64_t number, modifier;
	uint32_t fourcc;
	bool yes;
	int error;

	error = dmabroker_record_set_string(record, key, text);
	if (error == -EINVAL)
		error = dmabroker_record_add_string(record, key, text);
	if (error == -EINVAL && key_parse_format(text, &fourcc, &modifier))
		error = dmabroker_record_add_format(record, key, fourcc, modifier);
	if (error == -EINVAL && parse_bool(text, &yes))
		error = dmabroker_record_set_bool(record, key, yes);
	if (error == -EINVAL && key_parse_number(text, &number))
		error = dmabroker_record_set_uint(record, key, number);
	return error;
}

/* What the key would have taken. The record is given up already, so it may be tried out. */
static const char *wanted(struct dmabroker_record *record, const char *key)
{
	int error = dmabroker_record_set_bool(record, key, 1);

	if (!error)
		return "yes or no";
	error = dmabroker_record_set_uint(record, key, 1);
	if (!error || error == -ERANGE)
		return "a whole number";
	error = dmabroker_record_add_format(record, key, 0x34325258, 0);
	if (!error || error == -ERANGE)
		return "formats such as XR24 or NV12:0x0";
	error = dmabroker_record_add_string(record, key, "x");
	if (!error || error == -ERANGE)
		return "a list of strings";
	return "one of its words, " SEE;
}

/*
 * The limit that `number` crosses: limits are an interval, so between a number that works and one
 * that does not there is one border. Returns `number` where none is found.
 */
static uint64_t nearest_number(struct dmabroker_record *record, const char *key, uint64_t number)
{
	uint64_t good = 0, bad = number, middle;
	int error = -ERANGE;

	for (int bit = 0; bit < 64 && error; bit++) {
		good = UINT64_C(1) << bit;
		error = dmabroker_record_set_uint(record, key, good);
	}
	if (error)
		return number;
	while (good > bad ? good - bad > 1 : bad - good > 1) {
		middle = good > bad ? bad + (good - bad) / 2 : good + (bad - good) / 2;
		if (dmabroker_record_set_uint(record, key, middle) == 0)
			good = middle;
		else
			bad = middle;
	}
	return good;
}

/* A string has no place for `text`: says how much of it would have one. */
static int explain_length(struct dmabroker_record *record, const char *where, const char *key,
			  const char *text)
{
	size_t len = strlen(text);
	char *shorter = strdup(text);
	int error = -ERANGE;

	if (!shorter)
		ctl_out_of_memory();
	while (len > 0 && error == -ERANGE) {
		shorter[--len] = '\0';
		error = dmabroker_record_set_string(record, key, shorter);
	}
	free(shorter);
	if (!*text)
		return ctl_error(CTL_USAGE, "%s: must not be empty", where);
	if (!error)
		return ctl_error(CTL_USAGE, "%s: '%s' is too long: at most %zu bytes", where, text,
				 len);
	return ctl_error(CTL_USAGE, "%s: '%s' is one too many, or too long", where, text);
}

static int explain_range(struct dmabroker_record *record, const char *where, const char *key,
			 const char *text)
{
	uint64_t number, nearest;

	if (!key_parse_number(text, &number) ||
	    dmabroker_record_set_uint(record, key, number) != -ERANGE)
		return explain_length(record, where, key, text);
	nearest = nearest_number(record, key, number);
	if (nearest == number)
		return ctl_error(CTL_USAGE, "%s: %s is out of range, " SEE, where, text);
	return ctl_error(CTL_USAGE, "%s: %s is out of range: at %s %" PRIu64, where, text,
			 nearest < number ? "most" : "least", nearest);
}

static int explain(struct dmabroker_record *record, const char *where, const char *key,
		   const char *text, int error)
{
	switch (error) {
	case 0:
		return 0;
	case -ENOENT:
		return ctl_error(CTL_USAGE, "%s: there is no such key, " SEE, where);
	case -EINVAL:
		return ctl_error(CTL_USAGE, "%s: '%s' is wrong: right is %s", where, text,
				 wanted(record, key));
	case -ERANGE:
		return explain_range(record, where, key, text);
	case -EOPNOTSUPP:
		return ctl_error(CTL_REFUSED, "%s: '%s' is known but not served yet", where, text);
	default:
		return ctl_error(CTL_REFUSED, "%s: %s", where, strerror(-error));
	}
}

int key_set_text(struct dmabroker_record *record, const char *where, const char *key,
		 const char *text)
{
	return explain(record, where, key, text, set_text(record, key, text));
}

static int set_number(struct dmabroker_record *record, const char *key, struct json_object *value)
{
	if (json_object_get_int64(value) < 0)
		return -EINVAL;
	return dmabroker_record_set_uint(record, key, json_object_get_uint64(value));
}

/* {"format": "XR24", "modifier": "0x0"} */
static int add_format(struct dmabroker_record *record, const char *key, struct json_object *value)
{
	struct json_object *format = json_object_object_get(value, "format");
	struct json_object *number = json_object_object_get(value, "modifier");
	uint64_t modifier = 0, unused;
	uint32_t fourcc;
	bool valid;

	valid = json_object_is_type(format, json_type_string) &&
		json_object_object_length(value) == (number ? 2 : 1) &&
		key_parse_format(json_object_get_string(format), &fourcc, &unused);
	if (number)
		valid = valid && json_object_is_type(number, json_type_string) &&
			key_parse_number(json_object_get_string(number), &modifier);
	if (!valid)
		return -EINVAL;
	return dmabroker_record_add_format(record, key, fourcc, modifier);
}

static int set_element(struct dmabroker_record *record, const char *where, const char *key,
		       struct json_object *value)
{
	const char *text = json_object_get_string(value);
	uint64_t modifier;
	uint32_t fourcc;
	int error = -EINVAL;

	if (json_object_is_type(value, json_type_object))
		error = add_format(record, key, value);
	if (json_object_is_type(value, json_type_string))
		error = dmabroker_record_add_string(record, key, text);
	if (json_object_is_type(value, json_type_string) && error == -EINVAL &&
	    key_parse_format(text, &fourcc, &modifier))
		error = dmabroker_record_add_format(record, key, fourcc, modifier);
	return explain(record, where, key, text ? text : "null", error);
}

int key_set_json(struct dmabroker_record *record, const char *where, const char *key,
		 struct json_object *value)
{
	const char *text = json_object_get_string(value);
	int status = 0, error = -EINVAL;
	size_t len;

	switch (json_object_get_type(value)) {
	case json_type_array:
		len = json_object_array_length(value);
		for (size_t i = 0; i < len && !status; i++)
			status = set_element(record, where, key,
					     json_object_array_get_idx(value, i));
		return status;
	case json_type_string:
		error = dmabroker_record_set_string(record, key, text);
		break;
	case json_type_boolean:
		error = dmabroker_record_set_bool(record, key, json_object_get_boolean(value));
		break;
	case json_type_int:
		error = set_number(record, key, value);
		break;
	default:
		break;
	}
	return explain(record, where, key, text ? text : "null", error);
}
