/* SPDX-License-Identifier: MIT */
/* Records as JSON, and JSON from files; the forms stand in json.h. */
#include "ctl/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"

#define VALUES_MAX 1000000 /* of a file; each takes some 100 bytes of memory */

/* Takes `value`. */
static void add(struct json_object *object, const char *key, struct json_object *value)
{
	if (json_object_object_add(object, key, value) < 0)
		ctl_out_of_memory();
}

/* Takes `text`. */
static struct json_object *string_from(char *text)
{
	struct json_object *string = json_object_new_string(text);

	free(text);
	return string;
}

static struct json_object *fourcc_from(uint32_t fourcc)
{
	return string_from(text_fourcc(fourcc));
}

static struct json_object *modifier_from(uint64_t modifier)
{
	return string_from(text_format("0x%" PRIx64, modifier));
}

static struct json_object *format_from(const struct dmabroker_record *record, const char *key,
				       size_t index)
{
	struct json_object *object = json_object_new_object();
	uint32_t fourcc = 0;
	uint64_t modifier = 0;

	dmabroker_record_get_format(record, key, index, &fourcc, &modifier);
	add(object, "format", string_from(text_listed_fourcc(fourcc)));
	add(object, "modifier", string_from(text_listed_modifier(modifier)));
	return object;
}

static struct json_object *size_from(const struct dmabroker_record *record, const char *key,
				     size_t index)
{
	struct json_object *object = json_object_new_object();
	uint32_t width = 0, height = 0;

	dmabroker_record_get_size(record, key, index, &width, &height);
	add(object, "width", json_object_new_uint64(width));
	add(object, "height", json_object_new_uint64(height));
	return object;
}

static struct json_object *element_from(const struct dmabroker_record *record, const char *key,
					enum dmabroker_type type, size_t index)
{
	const struct dmabroker_record *element;
	const char *string = "";

	switch (type) {
	case DMABROKER_TYPE_FORMATS:
		return format_from(record, key, index);
	case DMABROKER_TYPE_SIZES:
		return size_from(record, key, index);
	case DMABROKER_TYPE_RECORDS:
		if (dmabroker_record_get_record(record, key, index, &element) < 0)
			return NULL;
		return json_from_record(element);
	default:
		dmabroker_record_get_string_at(record, key, index, &string);
		return json_object_new_string(string);
	}
}

static struct json_object *list_from(const struct dmabroker_record *record, const char *key,
				     enum dmabroker_type type)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < dmabroker_record_get_len(record, key); i++)
		if (json_object_array_add(list, element_from(record, key, type, i)) < 0)
			ctl_out_of_memory();
	return list;
}

static struct json_object *value_from(const struct dmabroker_record *record, const char *key,
				      enum dmabroker_type type)
{
	uint64_t number = 0;

	switch (type) {
	case DMABROKER_TYPE_BOOL:
		dmabroker_record_get_uint(record, key, &number);
		return json_object_new_boolean(number != 0);
	case DMABROKER_TYPE_UINT:
		dmabroker_record_get_uint(record, key, &number);
		return json_object_new_uint64(number);
	case DMABROKER_TYPE_FOURCC:
		dmabroker_record_get_uint(record, key, &number);
		return fourcc_from((uint32_t)number);
	case DMABROKER_TYPE_MODIFIER:
		dmabroker_record_get_uint(record, key, &number);
		return modifier_from(number);
	case DMABROKER_TYPE_STRING:
		return json_object_new_string(text_string(record, key, ""));
	default:
		return list_from(record, key, type);
	}
}

static struct json_object *fact_from(struct json_object *value, const char *origin)
{
	struct json_object *fact = json_object_new_object();

	add(fact, "value", value);
	add(fact, "origin", json_object_new_string(origin ? origin : ""));
	return fact;
}

struct json_object *json_from_record(const struct dmabroker_record *record)
{
	struct json_object *object = json_object_new_object(), *value;
	bool facts = dmabroker_record_has_facts(record);
	enum dmabroker_type type;
	size_t position = 0;
	const char *key, *unit;

	while ((key = dmabroker_record_next(record, &position, &type, &unit))) {
		if (type == DMABROKER_TYPE_FD)
			continue;
		value = value_from(record, key, type);
		if (facts && type != DMABROKER_TYPE_RECORDS)
			value = fact_from(value, dmabroker_record_get_origin(record, key));
		add(object, key, value);
	}
	return object;
}

/* json-c leaves DEL and C1 as they are. The only control characters outside of strings are its own
 * line feeds. */
void json_write(FILE *file, struct json_object *value, int flags)
{
	const char *text = json_object_to_json_string_ext(value, flags);
	size_t control;

	if (!text)
		ctl_out_of_memory();
	while (*text) {
		control = *text == '\n' ? 0 : text_control_bytes(text);
		if (control)
			fprintf(file, "\\u%04x", (unsigned char)text[control - 1]);
		else
			fputc(*text, file);
		text += control ? control : 1;
	}
}

void json_print(const struct ctl *ctl, struct json_object *value)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	if (ctl->json == CTL_JSON_PRETTY)
		flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
	json_write(stdout, value, flags);
	putchar('\n');
	json_object_put(value);
}

void json_print_records(const struct ctl *ctl, struct dmabroker_record *const *records, size_t len)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < len; i++)
		if (json_object_array_add(list, json_from_record(records[i])) < 0)
			ctl_out_of_memory();
	json_print(ctl, list);
}

struct json_object *json_from_error(const char *name, const char *text,
				    const struct dmabroker_record *details)
{
	struct json_object *object = json_object_new_object(), *more;

	add(object, "error", json_object_new_string(name));
	add(object, "message", json_object_new_string(text));
	if (details) {
		more = json_from_record(details);
		json_object_object_foreach(more, key, value)
		{
			add(object, key, json_object_get(value));
		}
		json_object_put(more);
	}
	return object;
}

struct json_object *json_parse(const char *text)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *value;

	if (!tokener)
		ctl_out_of_memory();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	/* with its end, so that a number is known to be whole */
	value = json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
	if (json_tokener_get_error(tokener) != json_tokener_success) {
		json_object_put(value);
		value = NULL;
	}
	json_tokener_free(tokener);
	return value;
}

/* Reads at most `max` bytes. Returns owned; NULL: it has said why. */
static char *read_all(const char *path, FILE *file, size_t max, size_t *ret_len)
{
	char *text = malloc(max + 1);
	size_t len;

	if (!text)
		ctl_out_of_memory();
	len = fread(text, 1, max + 1, file);
	if (!ferror(file) && len <= max) {
		*ret_len = len;
		return text;
	}
	if (ferror(file))
		ctl_error(CTL_USAGE, "%s: %m", path);
	else
		ctl_error(CTL_USAGE, "%s: larger than %zu bytes", path, max);
	free(text);
	return NULL;
}

static char *read_file(const char *path, size_t max, size_t *ret_len)
{
	char *text;
	FILE *file;

	if (strcmp(path, "-") == 0)
		return read_all("stdin", stdin, max, ret_len);
	file = fopen(path, "re");
	if (!file) {
		ctl_error(CTL_USAGE, "%s: %m", path);
		return NULL;
	}
	text = read_all(path, file, max, ret_len);
	fclose(file);
	return text;
}

/* ---- what json-c passes over: doubled keys and numbers that are too large ---- */

/* Bytes of the string that begins at `text` with its quote. */
static size_t string_bytes(const char *text, size_t len)
{
	size_t at = 1;

	while (at < len && text[at] != '"')
		at += text[at] == '\\' ? 2 : 1;
	return at < len ? at + 1 : len;
}

static bool is_too_large(const char *digits, size_t len)
{
	static const char most[] = "18446744073709551615";
	size_t most_len = sizeof(most) - 1;

	return len > most_len || (len == most_len && strncmp(digits, most, len) > 0);
}

/* Walks through the text: how many keys and values there are, and where a whole number is too large
 * for 64 bits, of which json-c makes the largest one there is. */
static int scan(const char *path, const char *text, size_t len, size_t *ret_keys)
{
	size_t keys = 0, values = 1, step;

	for (size_t at = 0; at < len; at += step) {
		step = text[at] == '"' ? string_bytes(text + at, len - at) : 1;
		keys += text[at] == ':';
		values += text[at] == ',' || text[at] == ':';
		if (text[at] < '0' || text[at] > '9')
			continue;
		while (at + step < len && strchr("0123456789.eE+-", text[at + step]) &&
		       text[at + step])
			step++;
		if (strspn(text + at, "0123456789") >= step && is_too_large(text + at, step))
			return ctl_error(CTL_USAGE,
					 "%s: the number at byte %zu has more than 64 bits", path,
					 at);
	}
	if (values > VALUES_MAX)
		return ctl_error(CTL_USAGE, "%s: more than %d values", path, VALUES_MAX);
	*ret_keys = keys;
	return 0;
}

/* All keys of all objects in a value. */
static size_t count_keys(struct json_object *value)
{
	size_t keys = 0;

	if (json_object_is_type(value, json_type_array))
		for (size_t i = 0; i < json_object_array_length(value); i++)
			keys += count_keys(json_object_array_get_idx(value, i));
	if (!json_object_is_type(value, json_type_object))
		return keys;
	json_object_object_foreach(value, key, member)
	{
		(void)key;
		keys += 1 + count_keys(member);
	}
	return keys;
}

/* Only white space may follow the object. */
static bool has_rest(const char *text, size_t len, size_t parsed)
{
	while (parsed < len && strchr(" \t\r\n", text[parsed]))
		parsed++;
	return parsed < len;
}

static int parse(const char *path, const char *text, size_t len, struct json_object **ret_object)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;
	enum json_tokener_error problem;
	size_t parsed;

	if (!tokener)
		ctl_out_of_memory();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS |
						JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, text, (int)len);
	problem = json_tokener_get_error(tokener);
	parsed = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	if (problem == json_tokener_success && json_object_is_type(object, json_type_object) &&
	    !has_rest(text, len, parsed)) {
		*ret_object = object;
		return 0;
	}
	json_object_put(object);
	if (problem == json_tokener_success || problem == json_tokener_continue)
		return ctl_error(CTL_USAGE, "%s: not one whole JSON object", path);
	return ctl_error(CTL_USAGE, "%s: no JSON: %s at byte %zu", path,
			 json_tokener_error_desc(problem), parsed);
}

static int load(const char *path, const char *text, size_t len, struct json_object **ret_object)
{
	struct json_object *object = NULL;
	size_t keys = 0;
	int status = scan(path, text, len, &keys);

	if (!status)
		status = parse(path, text, len, &object);
	if (status)
		return status;
	if (count_keys(object) == keys) {
		*ret_object = object;
		return 0;
	}
	json_object_put(object);
	return ctl_error(CTL_USAGE, "%s: a key comes twice in the same object", path);
}

int json_load(const char *path, size_t bytes_max, struct json_object **ret_object)
{
	size_t len = 0;
	char *text = read_file(path, bytes_max, &len);
	int status;

	if (!text)
		return CTL_USAGE;
	status = load(path, text, len, ret_object);
	free(text);
	return status;
}
