/* SPDX-License-Identifier: MIT */
#include "ctl/machine-file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/json.h"
#include "ctl/key.h"
#include "ctl/text.h"

#define BYTES_MAX (32 * 1024 * 1024)
#define INDENT 2

/* ---- reading ---- */

/* What an element of a list must say of itself. */
static const struct {
	const char *list;
	const char *key;
} needed[] = {{"devices", "id"}, {"heaps", "id"}, {"roles", "role"}, {"formats", "format"}};

static int read_record(struct dmabroker_record *record, const char *where,
		       struct json_object *object);

static int check_needed(const struct dmabroker_record *record, const char *where, const char *list)
{
	char *right;
	int status = 0;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]) && !status; i++) {
		if (strcmp(needed[i].list, list) != 0 ||
		    dmabroker_record_get_origin(record, needed[i].key))
			continue;
		right = dmabroker_record_describe_key(record, needed[i].key);
		if (!right)
			ctl_out_of_memory();
		status = ctl_error(CTL_USAGE, "%s.%s: missing: right is %s", where, needed[i].key,
				   right);
		free(right);
	}
	return status;
}

static int read_element(struct dmabroker_record *record, const char *where, const char *key,
			struct json_object *value)
{
	struct dmabroker_record *element;
	int status, error;

	if (!json_object_is_type(value, json_type_object))
		return ctl_error(CTL_USAGE, "%s: right is an object", where);
	error = dmabroker_record_add_record(record, key, &element);
	if (error == -ERANGE)
		return ctl_error(CTL_USAGE, "%s: one too many", where);
	if (error)
		ctl_out_of_memory();
	status = read_record(element, where, value);
	return status ? status : check_needed(element, where, key);
}

static int read_records(struct dmabroker_record *record, const char *where, const char *key,
			struct json_object *list)
{
	int status = 0;
	char *path;

	if (!json_object_is_type(list, json_type_array))
		return ctl_error(CTL_USAGE, "%s: right is a list of objects", where);
	for (size_t i = 0; i < json_object_array_length(list) && !status; i++) {
		path = text_format("%s[%zu]", where, i);
		status = read_element(record, path, key, json_object_array_get_idx(list, i));
		free(path);
	}
	return status;
}

/* {"value": ..., "origin": "kernel"} */
static int read_fact(struct dmabroker_record *record, const char *where, const char *key,
		     struct json_object *fact)
{
	struct json_object *value, *origin;
	int status, error;

	if (json_object_object_length(fact) != 2 ||
	    !json_object_object_get_ex(fact, "value", &value) ||
	    !json_object_object_get_ex(fact, "origin", &origin) ||
	    !json_object_is_type(origin, json_type_string))
		return ctl_error(CTL_USAGE,
				 "%s: right is the value itself, or {\"value\": ..., \"origin\": "
				 "\"kernel\"}",
				 where);
	status = key_set_json(record, where, key, value);
	if (status || !dmabroker_record_get_origin(record, key)) /* an empty list is absent */
		return status;
	error = dmabroker_record_set_origin(record, key, json_object_get_string(origin));
	if (error)
		return ctl_error(CTL_USAGE,
				 "%s.origin: '%.40s' is wrong: right is one of measured, kernel, "
				 "quirk, declared, assumed",
				 where, json_object_get_string(origin));
	return 0;
}

static int read_key(struct dmabroker_record *record, const char *where, const char *key,
		    struct json_object *value)
{
	if (dmabroker_record_get_type(record, key) == DMABROKER_TYPE_RECORDS)
		return read_records(record, where, key, value);
	if (json_object_is_type(value, json_type_object) &&
	    dmabroker_record_get_type(record, key) >= 0)
		return read_fact(record, where, key, value);
	return key_set_json(record, where, key, value);
}

/* `where` is the path of the object; of the whole file it is the file's name with a space at its
 * end. */
static int read_record(struct dmabroker_record *record, const char *where,
		       struct json_object *object)
{
	const char *dot = where[strlen(where) - 1] == ' ' ? "" : ".";
	int status = 0;
	char *path;

	json_object_object_foreach(object, key, value)
	{
		if (status || strncmp(key, "x-", 2) == 0)
			continue;
		path = text_format("%s%s%.64s", where, dot, key);
		status = read_key(record, path, key, value);
		free(path);
	}
	return status;
}

static int check_version(const char *path, struct json_object *object)
{
	struct json_object *version;

	if (!json_object_object_get_ex(object, MACHINE_FILE_KEY, &version))
		return ctl_error(CTL_USAGE, "%s: no machine file: \"%s\": %d is missing", path,
				 MACHINE_FILE_KEY, MACHINE_FILE_VERSION);
	if (!json_object_is_type(version, json_type_int) ||
	    json_object_get_int64(version) != MACHINE_FILE_VERSION)
		return ctl_error(CTL_USAGE, "%s: %s: this version reads %d only", path,
				 MACHINE_FILE_KEY, MACHINE_FILE_VERSION);
	json_object_object_del(object, MACHINE_FILE_KEY);
	return 0;
}

static int read_machine(const char *path, struct json_object *object,
			struct dmabroker_record **ret_machine)
{
	struct dmabroker_record *machine;
	int status = check_version(path, object);
	char *where;

	if (status)
		return status;
	if (dmabroker_machine_create(&machine) < 0)
		ctl_out_of_memory();
	where = text_format("%s: ", path);
	status = read_record(machine, where, object);
	free(where);
	if (status) {
		dmabroker_record_destroy(machine);
		return status;
	}
	*ret_machine = machine;
	return 0;
}

int machine_file_load(const char *path, struct dmabroker_record **ret_machine)
{
	struct json_object *object;
	int status = json_load(path, BYTES_MAX, &object);

	if (status)
		return status;
	status = read_machine(path, object, ret_machine);
	json_object_put(object);
	return status;
}

/* ---- writing ---- */

struct json_object *machine_file_from(const struct dmabroker_record *machine)
{
	struct json_object *file = json_object_new_object(), *facts = json_from_record(machine);

	if (json_object_object_add(file, MACHINE_FILE_KEY,
				   json_object_new_int(MACHINE_FILE_VERSION)) < 0)
		ctl_out_of_memory();
	json_object_object_foreach(facts, key, value)
	{
		if (json_object_object_add(file, key, json_object_get(value)) < 0)
			ctl_out_of_memory();
	}
	json_object_put(facts);
	return file;
}

static void write_value(FILE *file, struct json_object *value, int indent);

/* A list of records has a record a block; other lists, and facts, are one line. */
static bool is_block(struct json_object *value)
{
	if (json_object_is_type(value, json_type_object))
		return !json_object_object_get_ex(value, "origin", NULL);
	return json_object_is_type(value, json_type_array) && json_object_array_length(value) &&
	       json_object_is_type(json_object_array_get_idx(value, 0), json_type_object);
}

static void write_object(FILE *file, struct json_object *object, int indent)
{
	const char *comma = "";
	struct json_object *name;

	fputc('{', file);
	json_object_object_foreach(object, key, value)
	{
		name = json_object_new_string(key);
		fprintf(file, "%s\n%*s", comma, indent + INDENT, "");
		json_write(file, name, JSON_C_TO_STRING_NOSLASHESCAPE);
		fputs(": ", file);
		json_object_put(name);
		write_value(file, value, indent + INDENT);
		comma = ",";
	}
	fprintf(file, "\n%*s}", indent, "");
}

static void write_list(FILE *file, struct json_object *list, int indent)
{
	fputc('[', file);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		if (i)
			fputs(", ", file);
		write_value(file, json_object_array_get_idx(list, i), indent);
	}
	fputc(']', file);
}

static void write_value(FILE *file, struct json_object *value, int indent)
{
	if (!is_block(value))
		json_write(file, value, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
	else if (json_object_is_type(value, json_type_object))
		write_object(file, value, indent);
	else
		write_list(file, value, indent);
}

void machine_file_write(FILE *file, struct json_object *machine)
{
	write_value(file, machine, 0);
	fputc('\n', file);
}
