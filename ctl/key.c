/* SPDX-License-Identifier: MIT */
/* Values of keys from text and JSON; see key.h. */
#include "ctl/key.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/json.h"
#include "ctl/text.h"

#define SEE "see dmabroker-protocol(7)"
#define SHOWN 60 /* bytes of a wrong value that are repeated */

/* ---- words ---- */

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

/* "XR24", "0x34325258", or "*", of which only the first `len` bytes count. */
static bool parse_format_name(const char *text, size_t len, uint32_t *ret_fourcc)
{
	uint64_t number;

	if (len == 1 && text[0] == '*')
		*ret_fourcc = KEY_ANY_FOURCC;
	else if (!parse_fourcc(text, len, ret_fourcc)) {
		if (strncmp(text, "0x", 2) != 0 || text[len] || !key_parse_number(text, &number) ||
		    number > UINT32_MAX)
			return false;
		*ret_fourcc = (uint32_t)number;
	}
	return true;
}

/* "0x0", or "*" */
static bool parse_modifier(const char *text, uint64_t *ret_modifier)
{
	if (strcmp(text, "*") != 0)
		return key_parse_number(text, ret_modifier);
	*ret_modifier = KEY_ANY_MODIFIER;
	return true;
}

bool key_parse_format(const char *text, uint32_t *ret_fourcc, uint64_t *ret_modifier)
{
	size_t len = strcspn(text, ":");
	uint64_t modifier = strcmp(text, "*") == 0 ? KEY_ANY_MODIFIER : 0;
	uint32_t fourcc;

	if (!parse_format_name(text, len, &fourcc) ||
	    (text[len] && !parse_modifier(text + len + 1, &modifier)))
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

/* "640x480" */
static bool parse_size(const char *text, uint32_t *ret_width, uint32_t *ret_height)
{
	size_t len = strcspn(text, "x");
	char *first = text_format("%.*s", (int)len, text);
	uint64_t width, height;
	bool valid;

	valid = text[len] && key_parse_number(first, &width) &&
		key_parse_number(text + len + 1, &height) && width <= UINT32_MAX &&
		height <= UINT32_MAX;
	free(first);
	if (!valid)
		return false;
	*ret_width = (uint32_t)width;
	*ret_height = (uint32_t)height;
	return true;
}

/* ---- complaints ---- */

/* Says why a setter refused the value that is `shown`. */
static int explain(const struct dmabroker_record *record, const char *where, const char *key,
		   const char *shown, int error)
{
	const char *cut = strlen(shown) > SHOWN ? "..." : "";
	char *right;
	int status;

	if (error == -ENOENT)
		return ctl_error(CTL_USAGE, "%s: there is no such key, " SEE, where);
	if (error == -EOPNOTSUPP)
		return ctl_error(CTL_REFUSED, "%s: %.*s%s is known but not served yet", where,
				 SHOWN, shown, cut);
	if (error != -EINVAL && error != -ERANGE)
		return ctl_error(CTL_REFUSED, "%s: %s", where, strerror(-error));
	right = dmabroker_record_describe_key(record, key);
	if (!right)
		ctl_out_of_memory();
	status = ctl_error(CTL_USAGE, "%s: %.*s%s is wrong: right is %s", where, SHOWN, shown, cut,
			   right);
	free(right);
	return status;
}

static int explain_text(const struct dmabroker_record *record, const char *where, const char *key,
			const char *text, int error)
{
	char *shown;
	int status;

	if (!error)
		return 0;
	shown = text_format("'%s'", text);
	status = explain(record, where, key, shown, error);
	free(shown);
	return status;
}

static int explain_json(const struct dmabroker_record *record, const char *where, const char *key,
			struct json_object *value, int error)
{
	return error ? explain(record, where, key,
			       json_object_to_json_string_ext(value,
							      JSON_C_TO_STRING_NOSLASHESCAPE),
			       error)
		     : 0;
}

/* ---- from text ---- */

static int set_number_text(struct dmabroker_record *record, const char *key, const char *text)
{
	uint64_t number;

	return key_parse_number(text, &number) ? dmabroker_record_set_uint(record, key, number)
					       : -EINVAL;
}

static int set_fourcc_text(struct dmabroker_record *record, const char *key, const char *text)
{
	uint64_t modifier;
	uint32_t fourcc;

	if (strpbrk(text, ":*") || !key_parse_format(text, &fourcc, &modifier))
		return -EINVAL;
	return dmabroker_record_set_uint(record, key, fourcc);
}

static int add_format_text(struct dmabroker_record *record, const char *key, const char *text)
{
	uint64_t modifier;
	uint32_t fourcc;

	if (!key_parse_format(text, &fourcc, &modifier))
		return -EINVAL;
	return dmabroker_record_add_format(record, key, fourcc, modifier);
}

static int add_size_text(struct dmabroker_record *record, const char *key, const char *text)
{
	uint32_t width, height;

	if (!parse_size(text, &width, &height))
		return -EINVAL;
	return dmabroker_record_add_size(record, key, width, height);
}

static int set_text(struct dmabroker_record *record, const char *key, const char *text)
{
	int type = dmabroker_record_get_type(record, key);
	bool yes;

	switch (type) {
	case DMABROKER_TYPE_BOOL:
		return parse_bool(text, &yes) ? dmabroker_record_set_bool(record, key, yes)
					      : -EINVAL;
	case DMABROKER_TYPE_UINT:
	case DMABROKER_TYPE_MODIFIER:
		return set_number_text(record, key, text);
	case DMABROKER_TYPE_FOURCC:
		return set_fourcc_text(record, key, text);
	case DMABROKER_TYPE_STRING:
		return dmabroker_record_set_string(record, key, text);
	case DMABROKER_TYPE_STRINGS:
		return dmabroker_record_add_string(record, key, text);
	case DMABROKER_TYPE_FORMATS:
		return add_format_text(record, key, text);
	case DMABROKER_TYPE_SIZES:
		return add_size_text(record, key, text);
	default:
		return type < 0 ? type : -EINVAL;
	}
}

/* A list of objects, or a single one, as JSON. */
static int set_records_text(struct dmabroker_record *record, const char *where, const char *key,
			    const char *text)
{
	struct json_object *value = json_parse(text), *list;
	int status;

	if (!json_object_is_type(value, json_type_object)) {
		status = json_object_is_type(value, json_type_array)
				 ? key_set_json(record, where, key, value)
				 : explain_text(record, where, key, text, -EINVAL);
		json_object_put(value);
		return status;
	}
	list = json_object_new_array();
	if (json_object_array_add(list, value) < 0)
		ctl_out_of_memory();
	status = key_set_json(record, where, key, list);
	json_object_put(list);
	return status;
}

int key_set_text(struct dmabroker_record *record, const char *where, const char *key,
		 const char *text)
{
	if (dmabroker_record_get_type(record, key) == DMABROKER_TYPE_RECORDS)
		return set_records_text(record, where, key, text);
	return explain_text(record, where, key, text, set_text(record, key, text));
}

/* ---- from JSON ---- */

/* The text of a JSON string. Returns borrowed; NULL: another type, or a NUL inside. */
static const char *text_of(struct json_object *value)
{
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return NULL;
	text = json_object_get_string(value);
	return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

/* {"format": "XR24", "modifier": "0x0"}, or "XR24:0x0" */
static int add_format(struct dmabroker_record *record, const char *key, struct json_object *value)
{
	struct json_object *format = NULL, *number = NULL;
	const char *text = text_of(value), *fourcc_text, *modifier_text = "0x0";
	uint64_t modifier = 0, unused;
	uint32_t fourcc;

	if (text)
		return add_format_text(record, key, text);
	if (!json_object_is_type(value, json_type_object))
		return -EINVAL;
	json_object_object_get_ex(value, "format", &format);
	if (json_object_object_get_ex(value, "modifier", &number))
		modifier_text = text_of(number);
	fourcc_text = text_of(format);
	if (json_object_object_length(value) != (number ? 2 : 1) || !fourcc_text ||
	    !modifier_text || !key_parse_format(fourcc_text, &fourcc, &unused) ||
	    !parse_modifier(modifier_text, &modifier))
		return -EINVAL;
	return dmabroker_record_add_format(record, key, fourcc, modifier);
}

static bool side_of(struct json_object *value, const char *side, uint32_t *ret_pixels)
{
	struct json_object *number;

	if (!json_object_object_get_ex(value, side, &number) ||
	    !json_object_is_type(number, json_type_int) || json_object_get_int64(number) < 0 ||
	    json_object_get_int64(number) > UINT32_MAX)
		return false;
	*ret_pixels = (uint32_t)json_object_get_int64(number);
	return true;
}

/* {"width": 640, "height": 480}, or "640x480" */
static int add_size(struct dmabroker_record *record, const char *key, struct json_object *value)
{
	const char *text = text_of(value);
	uint32_t width, height;

	if (text)
		return add_size_text(record, key, text);
	if (!json_object_is_type(value, json_type_object) ||
	    json_object_object_length(value) != 2 || !side_of(value, "width", &width) ||
	    !side_of(value, "height", &height))
		return -EINVAL;
	return dmabroker_record_add_size(record, key, width, height);
}

static int add_element(struct dmabroker_record *record, const char *key, int type,
		       struct json_object *value)
{
	const char *text = text_of(value);

	switch (type) {
	case DMABROKER_TYPE_FORMATS:
		return add_format(record, key, value);
	case DMABROKER_TYPE_SIZES:
		return add_size(record, key, value);
	default:
		return text ? dmabroker_record_add_string(record, key, text) : -EINVAL;
	}
}

static int add_elements(struct dmabroker_record *record, const char *where, const char *key,
			int type, struct json_object *list)
{
	size_t len = json_object_array_length(list);
	struct json_object *value;
	int status = 0;
	char *label;

	for (size_t i = 0; i < len && !status; i++) {
		value = json_object_array_get_idx(list, i);
		label = text_format("%s[%zu]", where, i);
		status = explain_json(record, label, key, value,
				      add_element(record, key, type, value));
		free(label);
	}
	return status;
}

static int set_json(struct dmabroker_record *record, const char *key, int type,
		    struct json_object *value)
{
	const char *text = text_of(value);

	switch (type) {
	case DMABROKER_TYPE_BOOL:
		return json_object_is_type(value, json_type_boolean)
			       ? dmabroker_record_set_bool(record, key,
							   json_object_get_boolean(value))
			       : -EINVAL;
	case DMABROKER_TYPE_UINT:
		return json_object_is_type(value, json_type_int) &&
				       json_object_get_int64(value) >= 0
			       ? dmabroker_record_set_uint(record, key,
							   json_object_get_uint64(value))
			       : -EINVAL;
	case DMABROKER_TYPE_FOURCC:
	case DMABROKER_TYPE_MODIFIER:
	case DMABROKER_TYPE_STRING:
		return text ? set_text(record, key, text) : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* A key whose value is a list of objects. */
static int set_records(struct dmabroker_record *record, const char *where, const char *key,
		       struct json_object *list)
{
	struct dmabroker_record *element;
	int status = 0, error;
	char *label;

	for (size_t i = 0; i < json_object_array_length(list) && !status; i++) {
		label = text_format("%s[%zu]", where, i);
		error = dmabroker_record_add_record(record, key, &element);
		status = error == -ERANGE ? ctl_error(CTL_USAGE, "%s: one too many", label)
			 : error	  ? explain_json(record, label, key, list, error)
					  : key_set_object(element, label,
							   json_object_array_get_idx(list, i));
		free(label);
	}
	return status;
}

int key_set_object(struct dmabroker_record *record, const char *where, struct json_object *object)
{
	int status = 0;
	char *label;

	if (!json_object_is_type(object, json_type_object))
		return ctl_error(CTL_USAGE, "%s: right is an object", where);
	json_object_object_foreach(object, key, value)
	{
		if (status || strncmp(key, "x-", 2) == 0)
			continue;
		label = text_format("%s: %.64s", where, key);
		status = key_set_json(record, label, key, value);
		free(label);
	}
	return status;
}

int key_set_json(struct dmabroker_record *record, const char *where, const char *key,
		 struct json_object *value)
{
	int type = dmabroker_record_get_type(record, key);

	if (type == DMABROKER_TYPE_RECORDS && json_object_is_type(value, json_type_array))
		return set_records(record, where, key, value);
	if (type >= DMABROKER_TYPE_STRINGS && type < DMABROKER_TYPE_RECORDS &&
	    json_object_is_type(value, json_type_array))
		return add_elements(record, where, key, type, value);
	return explain_json(record, where, key, value,
			    type < 0 ? type : set_json(record, key, type, value));
}
