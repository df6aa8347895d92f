/* SPDX-License-Identifier: MIT */
/*
 * Records <-> messages. The reader checks in this order: is the key known, is its type exactly the
 * one of its row, is the length within the row's limit; only then it allocates. How deep a message
 * can nest is given by the groups of the vocabulary, and for those that have records of their own
 * kind (alternatives, groups of a plan) by PARTICIPANT_DEPTH_MAX.
 */
#include "protocol/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/model/plan.h"
#include "broker/model/request.h"
#include "broker/model/text.h"
#include "protocol/limits.h"

static const char *signature_of(const struct vocab_row *row)
{
	switch (row->type) {
	case VOCAB_BOOL:
		return "b";
	case VOCAB_U32:
	case VOCAB_FOURCC:
		return "u";
	case VOCAB_U64:
	case VOCAB_MODIFIER:
		return "t";
	case VOCAB_ENUM:
	case VOCAB_STRING:
		return "s";
	case VOCAB_FD:
		return "h";
	case VOCAB_STRINGS:
		return "as";
	case VOCAB_FORMATS:
		return "a(ut)";
	case VOCAB_SIZES:
		return "a(uu)";
	default:
		return "aa{sv}";
	}
}

/* ---- reading ---- */

struct reader {
	struct error *error;
	/* What a client asks is read to the letter, with all that is in it. In an answer, keys and
	 * words of a newer daemon are passed over. */
	bool asked;
	unsigned int records; /* so far */
	unsigned int nested;  /* in how many records of its own kind the one is that is read */
};

static struct reader begin(const struct vocab_group *outermost, struct error *error)
{
	return (struct reader){.error = error,
			       .asked = outermost == &vocab_request ||
					outermost == &vocab_participant};
}

static int refuse(struct reader *reader, const char *key, const char *wanted, const char *offered)
{
	return error_set(reader->error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL, key,
			 wanted, offered);
}

static int too_complex(struct reader *reader, const char *key, const char *wanted,
		       unsigned int limit)
{
	return error_setf(reader->error, ERROR_TOO_COMPLEX, CONSTRAINT_REQUEST, NULL, key, wanted,
			  "more than %u", limit);
}

static int read_group(struct reader *reader, DBusMessageIter *iter, const struct vocab_group *group,
		      void *ret_record);

static void limits_text(const struct vocab_row *row, char *text, size_t size)
{
	const char *what = row->unit;

	if (row->type == VOCAB_STRING)
		what = "bytes";
	else if (row->type >= VOCAB_STRINGS)
		what = "elements";
	snprintf(text, size, "%llu to %llu%s%s", (unsigned long long)row->min,
		 (unsigned long long)row->max, what[0] ? " " : "", what);
}

static void names_text(const struct vocab_row *row, char *text, size_t size)
{
	size_t used = 0;

	for (int i = 0; row->names[i] && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "one of ",
					 row->names[i]);
}

/* Says why a setter refused a value. */
static int explain(struct reader *reader, const struct vocab_row *row, int error,
		   const char *offered)
{
	char wanted[512];

	if (error == -EOPNOTSUPP)
		return error_set(reader->error, ERROR_NOT_SUPPORTED, CONSTRAINT_REQUEST, NULL,
				 row->name, row->names[0], offered);
	if (error != -ERANGE)
		return error;
	if (row->type == VOCAB_ENUM)
		names_text(row, wanted, sizeof(wanted));
	else
		limits_text(row, wanted, sizeof(wanted));
	return refuse(reader, row->name, wanted, offered);
}

static int read_number(struct reader *reader, DBusMessageIter *value, void *record,
		       const struct vocab_row *row, unsigned int index, enum vocab_origin origin)
{
	DBusBasicValue basic;
	char offered[24];
	uint64_t number;

	dbus_message_iter_get_basic(value, &basic);
	if (row->type == VOCAB_BOOL)
		number = basic.bool_val != 0;
	else if (row->type == VOCAB_U64 || row->type == VOCAB_MODIFIER)
		number = basic.u64;
	else
		number = basic.u32;
	snprintf(offered, sizeof(offered), "%llu", (unsigned long long)number);
	return explain(reader, row, vocab_set_number(record, index, number, origin), offered);
}

static int read_string(struct reader *reader, DBusMessageIter *value, void *record,
		       const struct vocab_row *row, unsigned int index, enum vocab_origin origin)
{
	const char *text;
	int name;

	dbus_message_iter_get_basic(value, &text);
	if (row->type == VOCAB_STRING) {
		if (strlen(text) > row->max || strlen(text) < row->min)
			return explain(reader, row, -ERANGE, "a string of another length");
		return vocab_set_string(record, index, text, origin);
	}
	name = vocab_name_index(row->names, text);
	if (name < 0 && !reader->asked)
		return 0; /* a word of a newer daemon is not known, as its keys are not */
	if (name < 0)
		return explain(reader, row, -ERANGE, text);
	return explain(reader, row, vocab_set_number(record, index, (uint64_t)name, origin), text);
}

static int read_fd(DBusMessageIter *value, void *record, unsigned int index,
		   enum vocab_origin origin)
{
	int fd, error;

	dbus_message_iter_get_basic(value, &fd);
	if (fd < 0)
		return -EMFILE;
	error = vocab_set_fd(record, index, fd, origin);
	if (error)
		close(fd);
	return error;
}

static int read_pair(DBusMessageIter *element, void *record, const struct vocab_row *row,
		     unsigned int index, enum vocab_origin origin)
{
	DBusMessageIter pair;
	DBusBasicValue first, second;

	dbus_message_iter_recurse(element, &pair);
	dbus_message_iter_get_basic(&pair, &first);
	dbus_message_iter_next(&pair);
	dbus_message_iter_get_basic(&pair, &second);
	if (row->type == VOCAB_FORMATS)
		return vocab_add_format(record, index, first.u32, second.u64, origin);
	return vocab_add_size(record, index, first.u32, second.u32, origin);
}

static int read_dict(struct reader *reader, DBusMessageIter *element, void *record,
		     const struct vocab_row *row, unsigned int index, enum vocab_origin origin)
{
	bool nests = row->group == ((struct vocab_head *)record)->group;
	struct vocab_head *dict;
	int error;

	if (nests && reader->nested >= PARTICIPANT_DEPTH_MAX)
		return too_complex(reader, row->name, "records that nest less",
				   PARTICIPANT_DEPTH_MAX);
	reader->nested += nests;
	error = read_group(reader, element, row->group, &dict);
	reader->nested -= nests;
	if (error)
		return error;
	error = vocab_take_dict(record, index, dict, origin);
	if (error)
		vocab_destroy(dict);
	return error;
}

static int read_element(struct reader *reader, DBusMessageIter *element, void *record,
			const struct vocab_row *row, unsigned int index, enum vocab_origin origin)
{
	const char *text;

	switch (row->type) {
	case VOCAB_STRINGS:
		dbus_message_iter_get_basic(element, &text);
		if (strlen(text) > 255)
			return refuse(reader, row->name, "strings of at most 255 bytes",
				      "a longer one");
		return vocab_add_string(record, index, text, origin);
	case VOCAB_DICTS:
		return read_dict(reader, element, record, row, index, origin);
	default:
		return read_pair(element, record, row, index, origin);
	}
}

static int read_list(struct reader *reader, DBusMessageIter *value, void *record,
		     const struct vocab_row *row, unsigned int index, enum vocab_origin origin)
{
	DBusMessageIter element;
	uint64_t len = 0;
	int error = 0;

	dbus_message_iter_recurse(value, &element);
	for (; dbus_message_iter_get_arg_type(&element) != DBUS_TYPE_INVALID && !error; len++) {
		if (len >= row->max)
			return explain(reader, row, -ERANGE, "more");
		error = read_element(reader, &element, record, row, index, origin);
		dbus_message_iter_next(&element);
	}
	if (!error && len < row->min)
		return explain(reader, row, -ERANGE, "an empty list");
	/* who lists no names says something else than who says nothing */
	if (!error && !len && row->type == VOCAB_STRINGS)
		((struct vocab_head *)record)->origin[index] = (uint8_t)origin;
	return error;
}

static int read_value(struct reader *reader, DBusMessageIter *value, void *record,
		      const struct vocab_row *row, unsigned int index, enum vocab_origin origin)
{
	char *signature = dbus_message_iter_get_signature(value);
	int error = 0;

	if (!signature)
		return -ENOMEM;
	if (strcmp(signature, signature_of(row)) != 0) {
		char wanted[32], offered[280];

		snprintf(wanted, sizeof(wanted), "type %s", signature_of(row));
		snprintf(offered, sizeof(offered), "type %s", signature);
		error = refuse(reader, row->name, wanted, offered);
	}
	dbus_free(signature);
	if (error)
		return error;
	switch (row->type) {
	case VOCAB_ENUM:
	case VOCAB_STRING:
		return read_string(reader, value, record, row, index, origin);
	case VOCAB_FD:
		return read_fd(value, record, index, origin);
	case VOCAB_STRINGS:
	case VOCAB_FORMATS:
	case VOCAB_SIZES:
	case VOCAB_DICTS:
		return read_list(reader, value, record, row, index, origin);
	default:
		return read_number(reader, value, record, row, index, origin);
	}
}

/* A fact: (vs), value and origin. */
static int read_fact(struct reader *reader, DBusMessageIter *variant, void *record,
		     const struct vocab_row *row, unsigned int index)
{
	DBusMessageIter pair, value;
	const char *name;
	int origin;

	if (dbus_message_iter_get_arg_type(variant) != DBUS_TYPE_STRUCT)
		return refuse(reader, row->name, "a fact: (vs)", "another type");
	dbus_message_iter_recurse(variant, &pair);
	if (dbus_message_iter_get_arg_type(&pair) != DBUS_TYPE_VARIANT)
		return refuse(reader, row->name, "a fact: (vs)", "another structure");
	dbus_message_iter_recurse(&pair, &value);
	dbus_message_iter_next(&pair);
	if (dbus_message_iter_get_arg_type(&pair) != DBUS_TYPE_STRING)
		return refuse(reader, row->name, "a fact: (vs)", "another structure");
	dbus_message_iter_get_basic(&pair, &name);
	origin = vocab_name_index(vocab_origin_names, name);
	if (origin < 0)
		origin = VOCAB_ASSUMED; /* a word of a newer daemon: the weakest there is */
	if (origin == VOCAB_ABSENT)
		return refuse(reader, row->name, "an origin", name);
	return read_value(reader, &value, record, row, index, (enum vocab_origin)origin);
}

static int read_entry(struct reader *reader, DBusMessageIter *entry, void *record)
{
	const struct vocab_group *group = ((struct vocab_head *)record)->group;
	DBusMessageIter variant;
	const char *key;
	int index;

	dbus_message_iter_get_basic(entry, &key);
	if (strncmp(key, "x-", 2) == 0)
		return 0;
	index = vocab_find(group, key);
	if (index < 0 || group->rows[index].flags & VOCAB_LOCAL) {
		char wanted[64];

		if (!reader->asked)
			return 0;
		snprintf(wanted, sizeof(wanted), "a key of a %s, or one that begins with x-",
			 group->name);
		return refuse(reader, key, wanted, "an unknown key");
	}
	if (vocab_has(record, (unsigned int)index))
		return refuse(reader, key, "each key once", "the same twice");
	dbus_message_iter_next(entry);
	dbus_message_iter_recurse(entry, &variant);
	if (group->facts && group->rows[index].type != VOCAB_DICTS)
		return read_fact(reader, &variant, record, &group->rows[index],
				 (unsigned int)index);
	return read_value(reader, &variant, record, &group->rows[index], (unsigned int)index,
			  VOCAB_DECLARED);
}

static int read_entries(struct reader *reader, DBusMessageIter *iter, void *record)
{
	DBusMessageIter entries, entry;
	int error = 0, missing;

	dbus_message_iter_recurse(iter, &entries);
	while (dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY && !error) {
		dbus_message_iter_recurse(&entries, &entry);
		error = read_entry(reader, &entry, record);
		dbus_message_iter_next(&entries);
	}
	if (error)
		return error;
	missing = vocab_missing(record);
	if (missing < 0)
		return 0;
	return refuse(reader, ((struct vocab_head *)record)->group->rows[missing].name, "a value",
		      "nothing");
}

static int read_group(struct reader *reader, DBusMessageIter *iter, const struct vocab_group *group,
		      void *ret_record)
{
	struct vocab_head *record;
	int error;

	if (reader->asked && ++reader->records > LIMIT_MESSAGE_RECORDS)
		return too_complex(reader, NULL, "fewer records in one message",
				   LIMIT_MESSAGE_RECORDS);
	error = vocab_create(group, &record);
	if (error)
		return error;
	error = read_entries(reader, iter, record);
	if (error) {
		vocab_destroy(record);
		return error;
	}
	memcpy(ret_record, &record, sizeof(record));
	return 0;
}

/* Returns 0 or 1. Errors: -ENOMEM. */
static int has_type(DBusMessageIter *iter, const char *wanted)
{
	char *signature;
	int same;

	if (dbus_message_iter_get_arg_type(iter) == DBUS_TYPE_INVALID)
		return 0;
	signature = dbus_message_iter_get_signature(iter);
	if (!signature)
		return -ENOMEM;
	same = strcmp(signature, wanted) == 0;
	dbus_free(signature);
	return same;
}

int wire_read_record(DBusMessageIter *iter, const struct vocab_group *group, struct error *error,
		     void *ret_record)
{
	struct reader reader = begin(group, error);
	int result = has_type(iter, "a{sv}");

	if (result > 0)
		result = read_group(&reader, iter, group, ret_record);
	else if (result == 0)
		result = refuse(&reader, NULL, "a record: a{sv}", "another type");
	dbus_message_iter_next(iter);
	return result;
}

int wire_read_list(DBusMessageIter *iter, void *record, unsigned int index, struct error *error)
{
	const struct vocab_row *row = &((struct vocab_head *)record)->group->rows[index];
	struct reader reader = begin(((struct vocab_head *)record)->group, error);
	int result = has_type(iter, "aa{sv}");

	if (result > 0 && dbus_message_iter_get_element_count(iter) == 0)
		result = 0;
	else if (result > 0)
		result = read_list(&reader, iter, record, row, index, VOCAB_DECLARED);
	else if (result == 0)
		result = refuse(&reader, row->name, "records: aa{sv}", "another type");
	dbus_message_iter_next(iter);
	return result;
}

/* ---- writing; every step may be out of memory, and what was opened is abandoned then ---- */

static bool append_basic(DBusMessageIter *iter, const void *record, const struct vocab_row *row,
			 unsigned int index)
{
	uint64_t number;
	uint32_t number32;
	dbus_bool_t boolean;
	const char *text;

	switch (row->type) {
	case VOCAB_BOOL:
		boolean = vocab_number(record, index) != 0;
		return dbus_message_iter_append_basic(iter, DBUS_TYPE_BOOLEAN, &boolean);
	case VOCAB_U64:
	case VOCAB_MODIFIER:
		number = vocab_number(record, index);
		return dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT64, &number);
	case VOCAB_ENUM:
		text = vocab_enum_name(record, index);
		return dbus_message_iter_append_basic(iter, DBUS_TYPE_STRING, &text);
	case VOCAB_STRING:
		text = vocab_string(record, index);
		return dbus_message_iter_append_basic(iter, DBUS_TYPE_STRING, &text);
	case VOCAB_FD:
		return dbus_message_iter_append_basic(iter, DBUS_TYPE_UNIX_FD,
						      vocab_value(record, index));
	default:
		number32 = (uint32_t)vocab_number(record, index);
		return dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT32, &number32);
	}
}

static bool append_pair(DBusMessageIter *list, int second_type, const void *first,
			const void *second)
{
	DBusMessageIter pair;

	if (!dbus_message_iter_open_container(list, DBUS_TYPE_STRUCT, NULL, &pair))
		return false;
	if (!dbus_message_iter_append_basic(&pair, DBUS_TYPE_UINT32, first) ||
	    !dbus_message_iter_append_basic(&pair, second_type, second)) {
		dbus_message_iter_abandon_container(list, &pair);
		return false;
	}
	return dbus_message_iter_close_container(list, &pair);
}

static bool append_elements(DBusMessageIter *list, const void *record, const struct vocab_row *row,
			    unsigned int index)
{
	const void *value = vocab_value(record, index);
	const struct vocab_strings *strings = value;
	const struct vocab_formats *formats = value;
	const struct vocab_sizes *sizes = value;
	const struct vocab_dicts *dicts = value;
	bool ok = true;

	switch (row->type) {
	case VOCAB_STRINGS:
		for (size_t i = 0; i < strings->len && ok; i++)
			ok = dbus_message_iter_append_basic(list, DBUS_TYPE_STRING,
							    &strings->items[i]);
		return ok;
	case VOCAB_FORMATS:
		for (size_t i = 0; i < formats->len && ok; i++)
			ok = append_pair(list, DBUS_TYPE_UINT64, &formats->items[i].fourcc,
					 &formats->items[i].modifier);
		return ok;
	case VOCAB_SIZES:
		for (size_t i = 0; i < sizes->len && ok; i++)
			ok = append_pair(list, DBUS_TYPE_UINT32, &sizes->items[i].width,
					 &sizes->items[i].height);
		return ok;
	default:
		for (size_t i = 0; i < dicts->len && ok; i++)
			ok = wire_append_record(list, dicts->items[i]) == 0;
		return ok;
	}
}

static bool append_value(DBusMessageIter *iter, const void *record, const struct vocab_row *row,
			 unsigned int index)
{
	DBusMessageIter list;

	if (row->type < VOCAB_STRINGS)
		return append_basic(iter, record, row, index);
	if (!dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, signature_of(row) + 1, &list))
		return false;
	if (!append_elements(&list, record, row, index)) {
		dbus_message_iter_abandon_container(iter, &list);
		return false;
	}
	return dbus_message_iter_close_container(iter, &list);
}

static bool append_variant(DBusMessageIter *iter, const void *record, const struct vocab_row *row,
			   unsigned int index)
{
	DBusMessageIter variant;

	if (!dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, signature_of(row), &variant))
		return false;
	if (!append_value(&variant, record, row, index)) {
		dbus_message_iter_abandon_container(iter, &variant);
		return false;
	}
	return dbus_message_iter_close_container(iter, &variant);
}

static bool append_fact_pair(DBusMessageIter *variant, const void *record,
			     const struct vocab_row *row, unsigned int index)
{
	const char *origin = vocab_origin_names[vocab_origin(record, index)];
	DBusMessageIter pair;

	if (!dbus_message_iter_open_container(variant, DBUS_TYPE_STRUCT, NULL, &pair))
		return false;
	if (!append_variant(&pair, record, row, index) ||
	    !dbus_message_iter_append_basic(&pair, DBUS_TYPE_STRING, &origin)) {
		dbus_message_iter_abandon_container(variant, &pair);
		return false;
	}
	return dbus_message_iter_close_container(variant, &pair);
}

static bool append_fact(DBusMessageIter *iter, const void *record, const struct vocab_row *row,
			unsigned int index)
{
	DBusMessageIter variant;

	if (!dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, "(vs)", &variant))
		return false;
	if (!append_fact_pair(&variant, record, row, index)) {
		dbus_message_iter_abandon_container(iter, &variant);
		return false;
	}
	return dbus_message_iter_close_container(iter, &variant);
}

static bool append_entry(DBusMessageIter *entries, const void *record, unsigned int index)
{
	const struct vocab_group *group = ((const struct vocab_head *)record)->group;
	DBusMessageIter entry;

	if (!dbus_message_iter_open_container(entries, DBUS_TYPE_DICT_ENTRY, NULL, &entry))
		return false;
	if (!dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &group->rows[index].name) ||
	    wire_append_value(&entry, record, index)) {
		dbus_message_iter_abandon_container(entries, &entry);
		return false;
	}
	return dbus_message_iter_close_container(entries, &entry);
}

int wire_append_value(DBusMessageIter *iter, const void *record, unsigned int index)
{
	const struct vocab_group *group = ((const struct vocab_head *)record)->group;
	const struct vocab_row *row = &group->rows[index];
	bool ok = group->facts && row->type != VOCAB_DICTS
			  ? append_fact(iter, record, row, index)
			  : append_variant(iter, record, row, index);

	return ok ? 0 : -ENOMEM;
}

int wire_append_rows(DBusMessageIter *iter, const void *record, uint64_t rows)
{
	const struct vocab_group *group = ((const struct vocab_head *)record)->group;
	DBusMessageIter entries;

	if (!dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &entries))
		return -ENOMEM;
	for (unsigned int i = 0; i < group->rows_len; i++) {
		if (!(rows & WIRE_ROW(i)) || !vocab_has(record, i) ||
		    group->rows[i].flags & VOCAB_LOCAL)
			continue;
		if (!append_entry(&entries, record, i)) {
			dbus_message_iter_abandon_container(iter, &entries);
			return -ENOMEM;
		}
	}
	return dbus_message_iter_close_container(iter, &entries) ? 0 : -ENOMEM;
}

int wire_append_record(DBusMessageIter *iter, const void *record)
{
	return wire_append_rows(iter, record, UINT64_MAX);
}

int wire_append_records(DBusMessageIter *iter, void *const *records, size_t len)
{
	DBusMessageIter list;

	if (!dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "a{sv}", &list))
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		if (wire_append_record(&list, records[i])) {
			dbus_message_iter_abandon_container(iter, &list);
			return -ENOMEM;
		}
	}
	return dbus_message_iter_close_container(iter, &list) ? 0 : -ENOMEM;
}

/* ---- errors and paths ---- */

static DBusMessage *append_details(DBusMessage *reply, const struct error *error)
{
	DBusMessageIter iter, entries;
	bool ok;

	dbus_message_iter_init_append(reply, &iter);
	/* behind the sentence that dbus_message_new_error has put there */
	if (error->details) {
		ok = wire_append_record(&iter, error->details) == 0;
	} else {
		ok = dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &entries) &&
		     dbus_message_iter_close_container(&iter, &entries);
	}
	if (ok)
		return reply;
	dbus_message_unref(reply);
	return NULL;
}

DBusMessage *wire_error(DBusMessage *call, const struct error *error, int number)
{
	char name[64], *text;
	DBusMessage *reply;

	if (!error || error->code == ERROR_NONE)
		return dbus_message_new_error(
			call, number == -ENOMEM ? DBUS_ERROR_NO_MEMORY : DBUS_ERROR_FAILED,
			strerror(-number));
	snprintf(name, sizeof(name), ERROR_PREFIX "%s", error_rows[error->code].name);
	text = text_error(error);
	reply = dbus_message_new_error(call, name, text ? text : error_rows[error->code].doc);
	free(text);
	return reply ? append_details(reply, error) : NULL;
}

static int read_details(DBusMessage *reply, struct error *error, char **ret_text)
{
	DBusMessageIter iter;
	const char *text;

	if (!dbus_message_iter_init(reply, &iter) ||
	    dbus_message_iter_get_arg_type(&iter) != DBUS_TYPE_STRING)
		return 0;
	dbus_message_iter_get_basic(&iter, &text);
	*ret_text = strdup(text);
	if (!*ret_text)
		return -ENOMEM;
	dbus_message_iter_next(&iter);
	if (dbus_message_iter_get_arg_type(&iter) != DBUS_TYPE_ARRAY ||
	    dbus_message_iter_get_element_type(&iter) != DBUS_TYPE_DICT_ENTRY)
		return 0;
	/* details that cannot be read are left out: code and sentence stand */
	wire_read_record(&iter, &vocab_error, NULL, &error->details);
	return 0;
}

int wire_read_error(DBusMessage *reply, struct error *error, char **ret_text)
{
	const char *name = dbus_message_get_error_name(reply);

	*error = (struct error){.code = error_from_name(name ? name : "")};
	*ret_text = NULL;
	if (read_details(reply, error, ret_text))
		return -ENOMEM;
	if (error->code)
		return error_rows[error->code].number;
	if (name && strcmp(name, DBUS_ERROR_NO_MEMORY) == 0)
		return -ENOMEM;
	if (name && strcmp(name, DBUS_ERROR_ACCESS_DENIED) == 0)
		return -EACCES;
	return -EPROTO;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char *wire_path(const char *prefix, const char *id)
{
	size_t len = strlen(prefix);
	char *path = malloc(len + 3 * strlen(id) + 1), *at;

	if (!path)
		return NULL;
	memcpy(path, prefix, len);
	at = path + len;
	for (; *id; id++)
		if (is_plain(*id))
			*at++ = *id;
		else
			at += sprintf(at, "_%02x", (unsigned char)*id);
	*at = '\0';
	return path;
}
