/* SPDX-License-Identifier: MIT */
/* Records through messages and back, and messages that are no records. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/model/descriptor.h"
#include "broker/model/plan.h"
#include "broker/model/request.h"
#include "protocol/wire.h"
#include "tests/unit/check.h"
#include "tests/unit/machine.h"

static DBusMessage *new_message(DBusMessageIter *iter)
{
	DBusMessage *message = dbus_message_new_signal("/a", "a.b", "c");

	ck_assert_ptr_nonnull(message);
	dbus_message_iter_init_append(message, iter);
	return message;
}

/* Appends, reads back and says whether both read the same when appended again. */
static void *round_trip(const void *record, const struct vocab_group *group)
{
	DBusMessageIter iter;
	DBusMessage *message = new_message(&iter);
	struct error error = {0};
	void *copy;

	ck_assert_int_eq(wire_append_record(&iter, record), 0);
	ck_assert_str_eq(dbus_message_get_signature(message), "a{sv}");
	dbus_message_iter_init(message, &iter);
	ck_assert_int_eq(wire_read_record(&iter, group, &error, &copy), 0);
	dbus_message_unref(message);
	return copy;
}

static char *fill_text(const struct vocab_row *row, char *text, size_t size)
{
	size_t len = row->max < size - 1 ? row->max : size - 1;

	memset(text, 'x', len);
	text[len] = '\0';
	return text;
}

static void fill(void *record, unsigned int depth);

static void fill_row(void *record, unsigned int i, unsigned int depth)
{
	const struct vocab_row *row = &((struct vocab_head *)record)->group->rows[i];
	enum vocab_origin origin = ((struct vocab_head *)record)->group->facts ? VOCAB_MEASURED
									       : VOCAB_DECLARED;
	char text[1200];
	void *element;

	switch (row->type) {
	case VOCAB_STRING:
		ck_assert_int_eq(
			vocab_set_string(record, i, fill_text(row, text, sizeof(text)), origin), 0);
		break;
	case VOCAB_FD:
		ck_assert_int_eq(
			vocab_set_fd(record, i, open("/dev/null", O_RDONLY | O_CLOEXEC), origin),
			0);
		break;
	case VOCAB_STRINGS:
		ck_assert_int_eq(vocab_add_string(record, i, "one", origin), 0);
		ck_assert_int_eq(vocab_add_string(record, i, "two", origin), 0);
		break;
	case VOCAB_FORMATS:
		ck_assert_int_eq(vocab_add_format(record, i, 1, UINT64_MAX, origin), 0);
		break;
	case VOCAB_SIZES:
		ck_assert_int_eq(vocab_add_size(record, i, 640, 480, origin), 0);
		break;
	case VOCAB_DICTS:
		/* alternatives have alternatives, and plans plans: one within the other will do */
		if (row->group == ((struct vocab_head *)record)->group && depth > 2)
			break;
		ck_assert_int_eq(vocab_add_dict(record, i, origin, &element), 0);
		fill(element, depth + 1);
		break;
	case VOCAB_ENUM:
		ck_assert_int_eq(vocab_set_number(record, i, 0, origin), 0);
		break;
	case VOCAB_BOOL:
		ck_assert_int_eq(vocab_set_number(record, i, true, origin), 0);
		break;
	default:
		ck_assert_int_eq(vocab_set_number(record, i, row->max, origin), 0);
		break;
	}
}

static void fill(void *record, unsigned int depth)
{
	const struct vocab_group *group = ((struct vocab_head *)record)->group;

	ck_assert_uint_lt(depth, 8);
	for (unsigned int i = 0; i < group->rows_len; i++)
		fill_row(record, i, depth);
}

static void compare(const void *a, const void *b)
{
	const struct vocab_group *group = ((const struct vocab_head *)a)->group;

	for (unsigned int i = 0; i < group->rows_len; i++) {
		const struct vocab_row *row = &group->rows[i];
		const struct vocab_dicts *left = vocab_value(a, i), *right = vocab_value(b, i);

		if (row->flags & VOCAB_LOCAL) {
			ck_assert(!vocab_has(b, i));
			continue;
		}
		if (row->group == group && !vocab_has(a, i)) { /* the innermost: see fill_row */
			ck_assert(!vocab_has(b, i));
			continue;
		}
		ck_assert_msg(vocab_has(b, i), "%s.%s is lost", group->name, row->name);
		if (group->facts && row->type != VOCAB_DICTS)
			ck_assert_int_eq(vocab_origin(a, i), vocab_origin(b, i));
		if (row->type == VOCAB_STRING)
			ck_assert_str_eq(vocab_string(a, i), vocab_string(b, i));
		else if (row->type == VOCAB_DICTS)
			compare(left->items[0], right->items[0]);
		else if (row->type < VOCAB_STRING)
			ck_assert_uint_eq(vocab_number(a, i), vocab_number(b, i));
	}
}

START_TEST(every_key_of_every_group_survives)
{
	const struct vocab_group *group = vocab_groups[_i];
	void *record, *copy;

	ck_assert_int_eq(vocab_create(group, &record), 0);
	fill(record, 0);
	copy = round_trip(record, group);
	compare(record, copy);
	vocab_destroy(record);
	vocab_destroy(copy);
}
END_TEST

START_TEST(no_names_are_a_list_too)
{
	struct buffer_record *record, *copy;

	ck_assert_int_eq(vocab_create(&vocab_buffer, &record), 0);
	copy = round_trip(record, &vocab_buffer);
	ck_assert(!vocab_has(copy, BUFFER_PARTICIPANTS));
	vocab_destroy(copy);
	record->head.origin[BUFFER_PARTICIPANTS] = VOCAB_SOLVED;
	copy = round_trip(record, &vocab_buffer);
	ck_assert(vocab_has(copy, BUFFER_PARTICIPANTS));
	ck_assert_uint_eq(copy->participants.len, 0);
	vocab_destroy(copy);
	vocab_destroy(record);
}
END_TEST

START_TEST(fds_travel_as_duplicates)
{
	struct memory_object *memory, *copy;
	struct stat before, after;

	ck_assert_int_eq(vocab_create(&vocab_memory, &memory), 0);
	ck_assert_int_eq(vocab_set_fd(memory, MEMORY_FD, open("/dev/null", O_RDONLY | O_CLOEXEC),
				      VOCAB_KERNEL),
			 0);
	copy = round_trip(memory, &vocab_memory);
	ck_assert_int_ne(copy->fd, memory->fd);
	ck_assert_int_eq(fstat(memory->fd, &before), 0);
	ck_assert_int_eq(fstat(copy->fd, &after), 0);
	ck_assert_uint_eq(before.st_rdev, after.st_rdev);
	vocab_destroy(memory);
	vocab_destroy(copy);
}
END_TEST

/* ---- messages that are wrong: one value under one key ---- */

struct bad {
	const char *name;
	const char *key;
	const char *type;
	uint64_t number;
	const char *text;
	enum error_code code;
	const char *offered; /* part of what the refusal says was offered */
};

static const struct bad bads[] = {
	{"an unknown key", "colour", "u", 1, NULL, ERROR_INVALID_REQUEST, "unknown"},
	{"an empty key", "", "u", 1, NULL, ERROR_INVALID_REQUEST, "unknown"},
	{"a key for us alone", "x-mine", "u", 1, NULL, ERROR_NONE, NULL},
	{"a string for a number", "width", "s", 0, "640", ERROR_INVALID_REQUEST, "type s"},
	{"a larger number type", "width", "t", 640, NULL, ERROR_INVALID_REQUEST, "type t"},
	{"a number for a word", "field", "u", 0, NULL, ERROR_INVALID_REQUEST, "type u"},
	{"a number for a list", "formats", "u", 1, NULL, ERROR_INVALID_REQUEST, "type u"},
	{"no pixels", "width", "u", 0, NULL, ERROR_INVALID_REQUEST, "0"},
	{"the largest width", "width", "u", 32768, NULL, ERROR_NONE, NULL},
	{"one more", "width", "u", 32769, NULL, ERROR_INVALID_REQUEST, "32769"},
	{"65536 pixels", "height", "u", 65536, NULL, ERROR_INVALID_REQUEST, "65536"},
	{"no buffers", "count", "u", 0, NULL, ERROR_INVALID_REQUEST, "0"},
	{"64 buffers", "count", "u", 64, NULL, ERROR_NONE, NULL},
	{"65 buffers", "count", "u", 65, NULL, ERROR_INVALID_REQUEST, "65"},
	{"a word that is served", "field", "s", 0, "progressive", ERROR_NONE, NULL},
	{"a word that is not served", "field", "s", 0, "interlaced", ERROR_NOT_SUPPORTED,
	 "interlaced"},
	{"a word that does not exist", "field", "s", 0, "sideways", ERROR_INVALID_REQUEST,
	 "sideways"},
	{"memory objects per plane", "memory-objects", "s", 0, "per-plane", ERROR_NOT_SUPPORTED,
	 "per-plane"},
	{"an empty name", "name", "s", 0, "", ERROR_INVALID_REQUEST, "length"},
	{"a name of 24 bytes", "name", "s", 0, "abcdefghijklmnopqrstuvwx", ERROR_NONE, NULL},
	{"a name of 25 bytes", "name", "s", 0, "abcdefghijklmnopqrstuvwxy", ERROR_INVALID_REQUEST,
	 "length"},
};

static void append_entry(DBusMessageIter *dict, const char *key, const char *type, uint64_t number,
			 const char *text)
{
	DBusMessageIter entry, variant;
	dbus_uint32_t number32 = (dbus_uint32_t)number;
	const void *value = type[0] == 's'   ? (const void *)&text
			    : type[0] == 't' ? (const void *)&number
					     : (const void *)&number32;

	ck_assert(dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry));
	ck_assert(dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key));
	ck_assert(dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, type, &variant));
	ck_assert(dbus_message_iter_append_basic(&variant, type[0], value));
	ck_assert(dbus_message_iter_close_container(&entry, &variant));
	ck_assert(dbus_message_iter_close_container(dict, &entry));
}

static void append_participants(DBusMessageIter *dict, unsigned int len)
{
	static const char key[] = "participants", role[] = "role", cpu[] = "cpu";
	const char *key_text = key;
	DBusMessageIter entry, variant, list, participant;

	ck_assert(dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry));
	ck_assert(dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key_text));
	ck_assert(dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "aa{sv}", &variant));
	ck_assert(dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, "a{sv}", &list));
	for (unsigned int i = 0; i < len; i++) {
		ck_assert(dbus_message_iter_open_container(&list, DBUS_TYPE_ARRAY, "{sv}",
							   &participant));
		append_entry(&participant, role, "s", 0, cpu);
		ck_assert(dbus_message_iter_close_container(&list, &participant));
	}
	ck_assert(dbus_message_iter_close_container(&variant, &list));
	ck_assert(dbus_message_iter_close_container(&entry, &variant));
	ck_assert(dbus_message_iter_close_container(dict, &entry));
}

/* A list of one record that has a list of one record, and so on, the last of them empty. */
static void append_nested(DBusMessageIter *dict, const char *outer, const char *inner,
			  unsigned int depth)
{
	DBusMessageIter entry, variant, list, record;

	ck_assert(dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry));
	ck_assert(dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &outer));
	ck_assert(dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "aa{sv}", &variant));
	ck_assert(dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, "a{sv}", &list));
	ck_assert(dbus_message_iter_open_container(&list, DBUS_TYPE_ARRAY, "{sv}", &record));
	if (depth)
		append_nested(&record, inner, inner, depth - 1);
	ck_assert(dbus_message_iter_close_container(&list, &record));
	ck_assert(dbus_message_iter_close_container(&variant, &list));
	ck_assert(dbus_message_iter_close_container(&entry, &variant));
	ck_assert(dbus_message_iter_close_container(dict, &entry));
}

struct built {
	DBusMessage *message;
	DBusMessageIter iter, dict;
};

static void begin(struct built *built)
{
	built->message = new_message(&built->iter);
	ck_assert(dbus_message_iter_open_container(&built->iter, DBUS_TYPE_ARRAY, "{sv}",
						   &built->dict));
}

/* Reads the request; returns owned, or NULL. */
static struct request *end(struct built *built, struct error *error)
{
	struct request *request = NULL;
	int result;

	ck_assert(dbus_message_iter_close_container(&built->iter, &built->dict));
	dbus_message_iter_init(built->message, &built->iter);
	result = wire_read_record(&built->iter, &vocab_request, error, &request);
	ck_assert_int_eq(result, error_rows[error->code].number);
	ck_assert_int_eq(result == 0, request != NULL);
	dbus_message_unref(built->message);
	return request;
}

START_TEST(value_is_judged)
{
	const struct bad *bad = &bads[_i];
	struct built built;
	struct error error = {0};
	struct request *request;

	begin(&built);
	append_entry(&built.dict, bad->key, bad->type, bad->number, bad->text);
	if (strcmp(bad->key, "width") != 0)
		append_entry(&built.dict, "width", "u", 640, NULL);
	if (strcmp(bad->key, "height") != 0)
		append_entry(&built.dict, "height", "u", 480, NULL);
	append_participants(&built.dict, 1);
	request = end(&built, &error);
	ck_assert_msg(error.code == bad->code, "%s: got %s", bad->name,
		      error_rows[error.code].name);
	if (bad->code) {
		const void *refusal = error.details->refusals.items[0];

		ck_assert_str_eq(vocab_string(refusal, REFUSAL_KEY), bad->key);
		ck_assert_str_ne(vocab_string(refusal, REFUSAL_WANTED), "");
		ck_assert_msg(strstr(vocab_string(refusal, REFUSAL_OFFERED), bad->offered) != NULL,
			      "%s: offered %s", bad->name, vocab_string(refusal, REFUSAL_OFFERED));
	}
	vocab_destroy(request);
	error_finish(&error);
}
END_TEST

static void check_refused(struct built *built, const char *key)
{
	struct error error = {0};

	ck_assert_ptr_null(end(built, &error));
	ck_assert_int_eq(error.code, ERROR_INVALID_REQUEST);
	ck_assert_str_eq(vocab_string(error.details->refusals.items[0], REFUSAL_KEY), key);
	error_finish(&error);
}

START_TEST(missing_and_doubled_keys_are_refused)
{
	struct built built;

	begin(&built);
	append_entry(&built.dict, "width", "u", 640, NULL);
	append_entry(&built.dict, "width", "u", 640, NULL);
	check_refused(&built, "width");
	begin(&built);
	append_nested(&built.dict, "participants", "layouts", 1);
	check_refused(&built, "format");
	begin(&built);
	append_participants(&built.dict, 0);
	check_refused(&built, "participants");
	begin(&built);
	append_participants(&built.dict, 17);
	check_refused(&built, "participants");
}
END_TEST

START_TEST(alternatives_nest)
{
	struct error error = {0};
	struct request *request;
	const struct participant *record;
	struct built built;

	begin(&built);
	append_nested(&built.dict, "participants", "alternatives", PARTICIPANT_DEPTH_MAX);
	request = end(&built, &error);
	ck_assert_ptr_nonnull(request);
	record = (const struct participant *)request->participants.items[0];
	for (unsigned int depth = 0; depth < PARTICIPANT_DEPTH_MAX; depth++) {
		ck_assert_uint_eq(record->alternatives.len, 1);
		record = (const struct participant *)record->alternatives.items[0];
	}
	ck_assert_uint_eq(record->alternatives.len, 0);
	vocab_destroy(request);
	begin(&built);
	append_nested(&built.dict, "participants", "alternatives", PARTICIPANT_DEPTH_MAX + 1);
	ck_assert_ptr_null(end(&built, &error));
	ck_assert_int_eq(error.code, ERROR_TOO_COMPLEX);
	error_finish(&error);
}
END_TEST

/* A list of `width` records, each of which has such a list of alternatives, `depth` deep. */
static void append_tree(DBusMessageIter *dict, const char *key, unsigned int width,
			unsigned int depth)
{
	DBusMessageIter entry, variant, list, record;

	ck_assert(dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry));
	ck_assert(dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key));
	ck_assert(dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "aa{sv}", &variant));
	ck_assert(dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, "a{sv}", &list));
	for (unsigned int i = 0; i < width; i++) {
		ck_assert(
			dbus_message_iter_open_container(&list, DBUS_TYPE_ARRAY, "{sv}", &record));
		if (depth)
			append_tree(&record, "alternatives", width, depth - 1);
		ck_assert(dbus_message_iter_close_container(&list, &record));
	}
	ck_assert(dbus_message_iter_close_container(&variant, &list));
	ck_assert(dbus_message_iter_close_container(&entry, &variant));
	ck_assert(dbus_message_iter_close_container(dict, &entry));
}

/* 8 participants with 8 alternatives, which have 8 alternatives, and so on. */
START_TEST(records_are_counted)
{
	struct error error = {0};
	struct request *request;
	struct built built;

	begin(&built);
	append_tree(&built.dict, "participants", 8, 2);
	request = end(&built, &error);
	ck_assert_ptr_nonnull(request);
	vocab_destroy(request);
	begin(&built);
	append_tree(&built.dict, "participants", 8, 3);
	ck_assert_ptr_null(end(&built, &error));
	ck_assert_int_eq(error.code, ERROR_TOO_COMPLEX);
	ck_assert_str_eq(vocab_string(error.details->refusals.items[0], REFUSAL_OFFERED),
			 "more than 4096");
	error_finish(&error);
}
END_TEST

static void open_list(DBusMessageIter *dict, const char *key, DBusMessageIter levels[4])
{
	ck_assert(dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &levels[0]));
	ck_assert(dbus_message_iter_append_basic(&levels[0], DBUS_TYPE_STRING, &key));
	ck_assert(dbus_message_iter_open_container(&levels[0], DBUS_TYPE_VARIANT, "aa{sv}",
						   &levels[1]));
	ck_assert(
		dbus_message_iter_open_container(&levels[1], DBUS_TYPE_ARRAY, "a{sv}", &levels[2]));
	ck_assert(
		dbus_message_iter_open_container(&levels[2], DBUS_TYPE_ARRAY, "{sv}", &levels[3]));
}

static void close_list(DBusMessageIter *dict, DBusMessageIter levels[4])
{
	for (int i = 2; i >= 0; i--)
		ck_assert(dbus_message_iter_close_container(&levels[i], &levels[i + 1]));
	ck_assert(dbus_message_iter_close_container(dict, &levels[0]));
}

static const struct {
	const char *lists[3]; /* one record of each, the next in it */
	const char *key, *word;
} mistakes[] = {
	{{"participants", "colours"}, "primaires", "bt709"},
	{{"participants", "colours"}, "primaries", "bt710"},
	{{"participants", "layouts"}, "fromat", "XR24"},
	{{"participants", "layouts", "planes"}, "pitch", "2560"},
	{{"participants", "alternatives", "colours"}, "range", "fuller"},
};

/* The request is read to the letter down to its last record. */
START_TEST(mistakes_deep_in_a_request_are_refused)
{
	DBusMessageIter levels[3][4], *dict;
	struct built built;
	int depth = 0;

	begin(&built);
	dict = &built.dict;
	for (; depth < 3 && mistakes[_i].lists[depth]; depth++) {
		open_list(dict, mistakes[_i].lists[depth], levels[depth]);
		dict = &levels[depth][3];
	}
	append_entry(dict, mistakes[_i].key, "s", 0, mistakes[_i].word);
	while (depth--)
		close_list(depth ? &levels[depth - 1][3] : &built.dict, levels[depth]);
	check_refused(&built, mistakes[_i].key);
}
END_TEST

/* The same record in an answer. */
START_TEST(planes_of_the_future_are_read)
{
	DBusMessageIter levels[4];
	struct built built;
	struct plan *plan;

	begin(&built);
	open_list(&built.dict, "planes", levels);
	append_entry(&levels[3], "pitch", "s", 0, "2560");
	append_entry(&levels[3], "stride", "u", 2560, NULL);
	close_list(&built.dict, levels);
	ck_assert(dbus_message_iter_close_container(&built.iter, &built.dict));
	dbus_message_iter_init(built.message, &built.iter);
	ck_assert_int_eq(wire_read_record(&built.iter, &vocab_plan, NULL, &plan), 0);
	ck_assert_uint_eq(vocab_number(plan->planes.items[0], PLANE_STRIDE), 2560);
	vocab_destroy(plan);
	dbus_message_unref(built.message);
}
END_TEST

/* How long libdbus says a body is: the second number of the message, in our order of bytes. */
static uint64_t marshalled_bytes(DBusMessage *message)
{
	uint32_t bytes;
	char *data;
	int len;

	dbus_message_set_serial(message, 1);
	ck_assert(dbus_message_marshal(message, &data, &len));
	memcpy(&bytes, data + 4, sizeof(bytes));
	dbus_free(data);
	return bytes;
}

static void append_odd_ones(DBusMessageIter *iter)
{
	static const unsigned char bytes[] = {1, 2, 3};
	static const double doubles[] = {1, 2};
	const void *bytes_at = bytes, *doubles_at = doubles;
	const char *text = "a(vs)", *path = "/a/b";
	DBusMessageIter list, element;

	ck_assert(dbus_message_iter_append_basic(iter, DBUS_TYPE_BYTE, bytes));
	ck_assert(dbus_message_iter_append_basic(iter, DBUS_TYPE_SIGNATURE, &text));
	ck_assert(dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "y", &list));
	ck_assert(dbus_message_iter_append_fixed_array(&list, DBUS_TYPE_BYTE, &bytes_at, 3));
	ck_assert(dbus_message_iter_close_container(iter, &list));
	ck_assert(dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "d", &list));
	ck_assert(dbus_message_iter_append_fixed_array(&list, DBUS_TYPE_DOUBLE, &doubles_at, 2));
	ck_assert(dbus_message_iter_close_container(iter, &list));
	ck_assert(dbus_message_iter_append_basic(iter, DBUS_TYPE_BYTE, bytes));
	ck_assert(dbus_message_iter_append_basic(iter, DBUS_TYPE_INT16, bytes));
	ck_assert(dbus_message_iter_append_basic(iter, DBUS_TYPE_OBJECT_PATH, &path));
	ck_assert(dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "(t)", &list));
	ck_assert(dbus_message_iter_close_container(iter, &list));
	ck_assert(dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, "g", &element));
	ck_assert(dbus_message_iter_append_basic(&element, DBUS_TYPE_SIGNATURE, &text));
	ck_assert(dbus_message_iter_close_container(iter, &element));
}

START_TEST(a_body_is_as_long_as_libdbus_makes_it)
{
	DBusMessageIter iter;
	DBusMessage *message = new_message(&iter);
	uint64_t bytes;
	void *record;

	ck_assert_uint_eq(wire_body_bytes(message, 100), 0);
	append_odd_ones(&iter);
	ck_assert_uint_eq(wire_body_bytes(message, UINT64_MAX), marshalled_bytes(message));
	dbus_message_unref(message);
	for (int i = 0; vocab_groups[i]; i++) {
		ck_assert_int_eq(vocab_create(vocab_groups[i], &record), 0);
		fill(record, 0);
		message = new_message(&iter);
		ck_assert_int_eq(wire_append_record(&iter, record), 0);
		bytes = marshalled_bytes(message);
		ck_assert_uint_eq(wire_body_bytes(message, UINT64_MAX), bytes);
		ck_assert_uint_eq(wire_body_bytes(message, bytes), bytes);
		ck_assert_uint_gt(wire_body_bytes(message, bytes - 1), bytes - 1);
		ck_assert_uint_gt(wire_body_bytes(message, 8), 8);
		dbus_message_unref(message);
		vocab_destroy(record);
	}
}
END_TEST

START_TEST(answers_may_have_keys_of_the_future)
{
	struct built built;
	struct plan *plan;

	begin(&built);
	append_entry(&built.dict, "heap", "s", 0, "system");
	append_entry(&built.dict, "from-the-future", "u", 1, NULL);
	ck_assert(dbus_message_iter_close_container(&built.iter, &built.dict));
	dbus_message_iter_init(built.message, &built.iter);
	ck_assert_int_eq(wire_read_record(&built.iter, &vocab_plan, NULL, &plan), 0);
	ck_assert_str_eq(plan->heap, "system");
	vocab_destroy(plan);
	dbus_message_unref(built.message);
}
END_TEST

/* A word of a newer daemon is absent; what a client asks is read to the letter. */
START_TEST(answers_may_have_words_of_the_future)
{
	struct built built;
	void *view;

	begin(&built);
	append_entry(&built.dict, "name", "s", 0, "camera");
	append_entry(&built.dict, "agent", "s", 0, "from-the-future");
	ck_assert(dbus_message_iter_close_container(&built.iter, &built.dict));
	dbus_message_iter_init(built.message, &built.iter);
	ck_assert_int_eq(wire_read_record(&built.iter, &vocab_view, NULL, &view), 0);
	ck_assert_str_eq(vocab_string(view, VIEW_NAME), "camera");
	ck_assert(!vocab_has(view, VIEW_AGENT));
	vocab_destroy(view);
	dbus_message_unref(built.message);
}
END_TEST

/* A fact (vs). */
static void append_fact(DBusMessageIter *dict, const char *key, dbus_uint32_t number,
			const char *origin)
{
	DBusMessageIter entry, variant, pair, value;

	ck_assert(dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry));
	ck_assert(dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key));
	ck_assert(dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "(vs)", &variant));
	ck_assert(dbus_message_iter_open_container(&variant, DBUS_TYPE_STRUCT, NULL, &pair));
	ck_assert(dbus_message_iter_open_container(&pair, DBUS_TYPE_VARIANT, "u", &value));
	ck_assert(dbus_message_iter_append_basic(&value, DBUS_TYPE_UINT32, &number));
	ck_assert(dbus_message_iter_close_container(&pair, &value));
	ck_assert(dbus_message_iter_append_basic(&pair, DBUS_TYPE_STRING, &origin));
	ck_assert(dbus_message_iter_close_container(&variant, &pair));
	ck_assert(dbus_message_iter_close_container(&entry, &variant));
	ck_assert(dbus_message_iter_close_container(dict, &entry));
}

/* A newer daemon knows more of a machine than this library. */
START_TEST(facts_of_the_future_are_passed_over)
{
	struct machine *machine;
	struct built built;

	begin(&built);
	append_fact(&built.dict, "page-bytes", 16384, "guessed");
	append_fact(&built.dict, "cache-lines", 64, "kernel");
	append_entry(&built.dict, "no-fact-at-all", "u", 1, NULL);
	append_participants(&built.dict, 3);
	append_fact(&built.dict, "mapping-colour", 65536, "kernel");
	ck_assert(dbus_message_iter_close_container(&built.iter, &built.dict));
	dbus_message_iter_init(built.message, &built.iter);
	ck_assert_int_eq(wire_read_record(&built.iter, &vocab_machine, NULL, &machine), 0);
	ck_assert_uint_eq(machine->page_bytes, 16384);
	ck_assert_int_eq(vocab_origin(machine, MACHINE_PAGE_BYTES), VOCAB_ASSUMED);
	ck_assert_uint_eq(machine->mapping_colour, 65536);
	ck_assert_int_eq(vocab_origin(machine, MACHINE_MAPPING_COLOUR), VOCAB_KERNEL);
	for (unsigned int row = 0; row < MACHINE_ROWS; row++)
		if (row != MACHINE_PAGE_BYTES && row != MACHINE_MAPPING_COLOUR)
			ck_assert(!vocab_has(machine, row));
	vocab_destroy(machine);
	dbus_message_unref(built.message);
}
END_TEST

static const struct {
	dbus_uint32_t number;
	const char *origin;
} bad_facts[] = {{1, "kernel"}, {1u << 20, "kernel"}, {4096, "absent"}, {4096, "solved"}};

START_TEST(facts_out_of_limits_are_refused)
{
	struct machine *machine = NULL;
	struct error error = {0};
	struct built built;
	bool solved = strcmp(bad_facts[_i].origin, "solved") == 0;

	begin(&built);
	append_fact(&built.dict, "page-bytes", bad_facts[_i].number, bad_facts[_i].origin);
	ck_assert(dbus_message_iter_close_container(&built.iter, &built.dict));
	dbus_message_iter_init(built.message, &built.iter);
	ck_assert_int_eq(wire_read_record(&built.iter, &vocab_machine, &error, &machine),
			 solved ? 0 : -EINVAL);
	ck_assert_int_eq(machine != NULL, solved);
	vocab_destroy(machine);
	error_finish(&error);
	dbus_message_unref(built.message);
}
END_TEST

/* ---- parts of a record ---- */

START_TEST(only_the_rows_asked_for_are_appended)
{
	static const uint64_t rows = WIRE_ROW(MACHINE_KERNEL) | WIRE_ROW(MACHINE_XEN) |
				     WIRE_ROW(MACHINE_HEAPS) | WIRE_ROW(MACHINE_BOUNCE);
	struct machine *machine, *copy;
	DBusMessageIter iter;
	DBusMessage *message = new_message(&iter);

	ck_assert_int_eq(vocab_create(&vocab_machine, &machine), 0);
	fill(machine, 0);
	vocab_clear(machine, MACHINE_BOUNCE);
	ck_assert_int_eq(wire_append_rows(&iter, machine, rows), 0);
	ck_assert_str_eq(dbus_message_get_signature(message), "a{sv}");
	dbus_message_iter_init(message, &iter);
	ck_assert_int_eq(wire_read_record(&iter, &vocab_machine, NULL, &copy), 0);
	for (unsigned int row = 0; row < MACHINE_ROWS; row++)
		ck_assert_int_eq(vocab_has(copy, row),
				 rows & WIRE_ROW(row) && row != MACHINE_BOUNCE);
	vocab_destroy(machine);
	vocab_destroy(copy);
	dbus_message_unref(message);
}
END_TEST

START_TEST(no_rows_are_an_empty_record)
{
	struct machine *machine, *copy;
	DBusMessageIter iter;
	DBusMessage *message = new_message(&iter);

	ck_assert_int_eq(vocab_create(&vocab_machine, &machine), 0);
	fill(machine, 0);
	ck_assert_int_eq(wire_append_rows(&iter, machine, 0), 0);
	dbus_message_iter_init(message, &iter);
	ck_assert_int_eq(wire_read_record(&iter, &vocab_machine, NULL, &copy), 0);
	for (unsigned int row = 0; row < MACHINE_ROWS; row++)
		ck_assert(!vocab_has(copy, row));
	vocab_destroy(machine);
	vocab_destroy(copy);
	dbus_message_unref(message);
}
END_TEST

/* The value that stands in a record: of a fact with its origin, of a list of records without. */
START_TEST(one_value_is_a_variant)
{
	static const struct {
		unsigned int row;
		const char *signature;
	} values[] = {{MACHINE_KERNEL, "(vs)"}, {MACHINE_HOW, "(vs)"}, {MACHINE_HEAPS, "aa{sv}"}};
	DBusMessageIter iter, variant;
	DBusMessage *message = new_message(&iter);
	struct machine *machine;
	char *signature;

	ck_assert_int_eq(vocab_create(&vocab_machine, &machine), 0);
	fill(machine, 0);
	ck_assert_int_eq(wire_append_value(&iter, machine, values[_i].row), 0);
	ck_assert_str_eq(dbus_message_get_signature(message), "v");
	dbus_message_iter_init(message, &iter);
	dbus_message_iter_recurse(&iter, &variant);
	signature = dbus_message_iter_get_signature(&variant);
	ck_assert_str_eq(signature, values[_i].signature);
	dbus_free(signature);
	vocab_destroy(machine);
	dbus_message_unref(message);
}
END_TEST

/* A dictionary whose keys or values are something else, a number, nothing at all. */
START_TEST(what_is_no_record_is_refused)
{
	static const char *const types[] = {"{ss}", "{uv}", "{sa{sv}}", "a{sv}", NULL};
	const char *type = types[_i];
	struct error error = {0};
	DBusMessageIter iter, list;
	DBusMessage *message = new_message(&iter);
	dbus_uint32_t number = 1;
	void *record = NULL;

	if (type) {
		ck_assert(dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, type, &list));
		ck_assert(dbus_message_iter_close_container(&iter, &list));
	}
	ck_assert(dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT32, &number));
	dbus_message_iter_init(message, &iter);
	for (int i = 0; i < 3; i++) { /* the list, the number, the end */
		ck_assert_int_eq(wire_read_record(&iter, &vocab_plan, &error, &record), -EINVAL);
		ck_assert_ptr_null(record);
	}
	error_finish(&error);
	dbus_message_unref(message);
}
END_TEST

/* libdbus ends the process that says anything but UTF-8: a client's text, cut to the limit of a
 * row, must not end within a character. */
START_TEST(texts_are_cut_between_characters)
{
	DBusMessage *call = dbus_message_new_method_call("a.b", "/a", "a.b", "C"), *reply;
	struct error error = {0}, read = {0};
	char text[2400];
	struct built built;
	char *sentence;

	memset(text, 'x', (size_t)_i);
	for (size_t at = (size_t)_i; at < 2200; at += 3)
		strcpy(text + at, "\xe2\x82\xac");
	begin(&built);
	append_entry(&built.dict, text, "u", 1, NULL);
	ck_assert_ptr_null(end(&built, &error));
	error_set(&error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, text, text, text, text);
	error_setf(&error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, text, text, text, "%s", text);
	dbus_message_set_serial(call, 1);
	reply = wire_error(call, &error, -EINVAL);
	ck_assert_ptr_nonnull(reply);
	ck_assert_int_eq(wire_read_error(reply, &read, &sentence), -EINVAL);
	ck_assert_uint_eq(read.details->refusals.len, 3);
	free(sentence);
	error_finish(&read);
	error_finish(&error);
	dbus_message_unref(reply);
	dbus_message_unref(call);
}
END_TEST

START_TEST(errors_survive)
{
	DBusMessage *call = dbus_message_new_method_call("a.b", "/a", "a.b", "C"), *reply;
	struct error error = {0}, read = {0};
	char *text;

	dbus_message_set_serial(call, 1);
	error_set(&error, ERROR_CONFLICT, CONSTRAINT_CONTIGUITY, "camera", NULL, "one thing",
		  "another");
	reply = wire_error(call, &error, -EXDEV);
	ck_assert_str_eq(dbus_message_get_error_name(reply), "org.dmabroker1.Error.Conflict");
	ck_assert_str_eq(dbus_message_get_signature(reply), "sa{sv}");
	ck_assert_int_eq(wire_read_error(reply, &read, &text), -EXDEV);
	ck_assert_int_eq(read.code, ERROR_CONFLICT);
	ck_assert_str_eq(vocab_string(read.details->refusals.items[0], REFUSAL_PARTICIPANT),
			 "camera");
	ck_assert_ptr_nonnull(strstr(text, "camera: contiguity: wants one thing"));
	free(text);
	error_finish(&read);
	dbus_message_unref(reply);
	reply = wire_error(call, NULL, -ENOMEM);
	ck_assert_int_eq(wire_read_error(reply, &read, &text), -ENOMEM);
	free(text);
	error_finish(&read);
	error_finish(&error);
	dbus_message_unref(reply);
	dbus_message_unref(call);
}
END_TEST

START_TEST(paths_are_escaped)
{
	char *path = wire_path(WIRE_PATH_HEAP, "linux,cma_1");

	ck_assert_str_eq(path, "/org/dmabroker1/heap/linux_2ccma_5f1");
	ck_assert(dbus_validate_path(path, NULL));
	free(path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *all = tcase_create("all");
	int groups_len = 0;

	while (vocab_groups[groups_len])
		groups_len++;
	tcase_add_loop_test(all, every_key_of_every_group_survives, 0, groups_len);
	tcase_add_test(all, no_names_are_a_list_too);
	tcase_add_test(all, fds_travel_as_duplicates);
	tcase_add_loop_test(all, value_is_judged, 0, (int)(sizeof(bads) / sizeof(bads[0])));
	tcase_add_test(all, missing_and_doubled_keys_are_refused);
	tcase_add_test(all, alternatives_nest);
	tcase_add_test(all, records_are_counted);
	tcase_add_loop_test(all, mistakes_deep_in_a_request_are_refused, 0,
			    (int)(sizeof(mistakes) / sizeof(mistakes[0])));
	tcase_add_test(all, planes_of_the_future_are_read);
	tcase_add_test(all, a_body_is_as_long_as_libdbus_makes_it);
	tcase_add_test(all, answers_may_have_keys_of_the_future);
	tcase_add_test(all, answers_may_have_words_of_the_future);
	tcase_add_test(all, facts_of_the_future_are_passed_over);
	tcase_add_loop_test(all, facts_out_of_limits_are_refused, 0, 4);
	tcase_add_test(all, only_the_rows_asked_for_are_appended);
	tcase_add_test(all, no_rows_are_an_empty_record);
	tcase_add_loop_test(all, one_value_is_a_variant, 0, 3);
	tcase_add_loop_test(all, what_is_no_record_is_refused, 0, 5);
	tcase_add_loop_test(all, texts_are_cut_between_characters, 0, 3);
	tcase_add_test(all, errors_survive);
	tcase_add_test(all, paths_are_escaped);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
