/* SPDX-License-Identifier: MIT */
/* What the specification promises, on both transports, on machines without any device. */
#include "tests/bus/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/error.h"
#include "broker/model/plan.h"
#include "protocol/wire.h"

#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

/* ---- introspection ---- */

static char *read_spec(void)
{
	static char text[1 << 17];
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/protocol/org.dmabroker1.xml", getenv("SRC"));
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static char *introspect(DBusConnection *connection, const char *path)
{
	static char text[1 << 16];
	DBusMessage *reply = harness_succeed(
		connection, harness_new_call(path, DBUS_INTERFACE_INTROSPECTABLE, "Introspect"));
	const char *document;

	ck_assert(
		dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &document, DBUS_TYPE_INVALID));
	snprintf(text, sizeof(text), "%s", document);
	dbus_message_unref(reply);
	return text;
}

/* Copies an interface without comments, blanks and line ends. */
static char *squeeze(const char *text, const char *interface)
{
	char begin[128], *squeezed = calloc(1, strlen(text) + 1), *out = squeezed;
	const char *end;

	snprintf(begin, sizeof(begin), "<interface name=\"%s\"", interface);
	text = strstr(text, begin);
	ck_assert_msg(text, "there is no %s", interface);
	end = strstr(text, "</interface>");
	while (text < end) {
		if (strncmp(text, "<!--", 4) == 0)
			text = strstr(text, "-->") + 3;
		else if (strchr(" \t\n", *text))
			text++;
		else
			*out++ = *text++;
	}
	return squeezed;
}

static const struct {
	const char *path;
	const char *interfaces[5];
} homes[] = {
	{WIRE_PATH, {WIRE_MANAGER, OBJECT_MANAGER, DBUS_INTERFACE_PROPERTIES, DBUS_INTERFACE_PEER}},
	{WIRE_PATH_COLLECTION "7", {WIRE_COLLECTION, DBUS_INTERFACE_PROPERTIES}},
	{WIRE_PATH "/device", {DBUS_INTERFACE_INTROSPECTABLE}},
	{"/", {DBUS_INTERFACE_INTROSPECTABLE, DBUS_INTERFACE_PEER}},
};

START_TEST(introspection_is_the_specification)
{
	DBusConnection *connection = harness_connect(_i);
	char *spec = read_spec(), *ours, *theirs;

	for (size_t h = 0; h < sizeof(homes) / sizeof(homes[0]); h++) {
		for (size_t i = 0; homes[h].interfaces[i]; i++) {
			theirs = squeeze(introspect(connection, homes[h].path),
					 homes[h].interfaces[i]);
			ours = squeeze(spec, homes[h].interfaces[i]);
			ck_assert_str_eq(theirs, ours);
			free(theirs);
			free(ours);
		}
	}
	harness_disconnect(connection);
}
END_TEST

START_TEST(a_tool_can_walk_from_the_root)
{
	DBusConnection *connection = harness_connect(_i);

	ck_assert(strstr(introspect(connection, "/"), "<node name=\"org\"/>"));
	ck_assert(strstr(introspect(connection, "/org"), "<node name=\"dmabroker1\"/>"));
	ck_assert(strstr(introspect(connection, WIRE_PATH), "<node name=\"heap\"/>"));
	ck_assert(!strstr(introspect(connection, "/"), WIRE_MANAGER));
	harness_disconnect(connection);
}
END_TEST

/* ---- standard interfaces ---- */

START_TEST(peer_answers_on_every_path)
{
	static const char *const paths[] = {WIRE_PATH, "/", "/nowhere", WIRE_PATH_DEVICE "x"};
	DBusConnection *connection = harness_connect(_i);

	for (size_t i = 0; i < 4; i++) {
		dbus_message_unref(harness_succeed(
			connection, harness_new_call(paths[i], DBUS_INTERFACE_PEER, "Ping")));
		dbus_message_unref(
			harness_succeed(connection, harness_new_call(paths[i], DBUS_INTERFACE_PEER,
								     "GetMachineId")));
	}
	harness_disconnect(connection);
}
END_TEST

static DBusMessage *new_get(const char *path, const char *interface, const char *name)
{
	DBusMessage *call = harness_new_call(path, DBUS_INTERFACE_PROPERTIES, "Get");

	ck_assert(dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING,
					   &name, DBUS_TYPE_INVALID));
	return call;
}

static bool list_has(DBusMessageIter *list, const char *wanted)
{
	DBusMessageIter item;
	const char *text;

	for (dbus_message_iter_recurse(list, &item);
	     dbus_message_iter_get_arg_type(&item) == DBUS_TYPE_STRING;
	     dbus_message_iter_next(&item)) {
		dbus_message_iter_get_basic(&item, &text);
		if (strcmp(text, wanted) == 0)
			return true;
	}
	return false;
}

START_TEST(features_say_what_the_daemon_knows)
{
	DBusConnection *connection = harness_connect(_i);
	DBusMessage *reply =
		harness_succeed(connection, new_get(WIRE_PATH, WIRE_MANAGER, "Features"));
	DBusMessageIter iter, dict, value, word;
	dbus_uint64_t number;

	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_recurse(&iter, &dict);
	ck_assert(dict_find(&dict, "keys", &value));
	ck_assert(list_has(&value, "request.width"));
	ck_assert(list_has(&value, "participant.device-fd"));
	ck_assert(!list_has(&value, "device.number"));
	ck_assert(dict_find(&dict, "errors", &value));
	ck_assert(list_has(&value, "Conflict"));
	ck_assert(dict_find(&dict, "words", &value));
	ck_assert(dict_find(&value, "participant.role", &word));
	ck_assert(list_has(&word, "scanout"));
	ck_assert(dict_find(&value, "request.field", &word));
	ck_assert(list_has(&word, "progressive"));
	ck_assert(!list_has(&word, "interlaced"));
	ck_assert(dict_find(&dict, "limits", &value));
	ck_assert(dict_find(&value, "message-fds", &word));
	dbus_message_iter_get_basic(&word, &number);
	ck_assert_uint_eq(number, 12);
	ck_assert(dict_find(&value, "fds-in-flight-per-client", &word));
	dbus_message_iter_get_basic(&word, &number);
	ck_assert_uint_eq(number, 64);
	dbus_message_unref(reply);
	harness_disconnect(connection);
}
END_TEST

static DBusMessage *new_get_all(const char *path, const char *interface)
{
	DBusMessage *call = harness_new_call(path, DBUS_INTERFACE_PROPERTIES, "GetAll");

	ck_assert(dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID));
	return call;
}

START_TEST(get_all_gives_all)
{
	static const char *const interfaces[] = {WIRE_MANAGER, ""};
	DBusConnection *connection = harness_connect(_i);
	DBusMessageIter iter, value;
	DBusMessage *reply;

	for (size_t i = 0; i < 2; i++) {
		reply = harness_succeed(connection, new_get_all(WIRE_PATH, interfaces[i]));
		dbus_message_iter_init(reply, &iter);
		ck_assert(dict_find(&iter, "Version", &value));
		ck_assert(dict_find(&iter, "Features", &value));
		dbus_message_unref(reply);
	}
	reply = harness_succeed(connection, new_get_all(WIRE_PATH, DBUS_INTERFACE_PEER));
	ck_assert(dbus_message_has_signature(reply, "a{sv}"));
	dbus_message_unref(reply);
	harness_disconnect(connection);
}
END_TEST

START_TEST(managed_objects_have_the_right_form)
{
	DBusConnection *connection = harness_connect(_i);
	DBusMessage *reply = harness_succeed(
		connection, harness_new_call(WIRE_PATH, OBJECT_MANAGER, "GetManagedObjects"));

	ck_assert(dbus_message_has_signature(reply, "a{oa{sa{sv}}}"));
	dbus_message_unref(reply);
	harness_disconnect(connection);
}
END_TEST

START_TEST(what_is_unknown_has_the_usual_error)
{
	DBusConnection *connection = harness_connect(_i);
	DBusMessage *call;
	const char *text = "x";
	dbus_uint32_t number = 1;

	harness_fail(connection, harness_new_call("/nowhere", WIRE_MANAGER, "Plan"),
		     DBUS_ERROR_UNKNOWN_OBJECT, NULL);
	/* the bus's policy does not know of calls to this interface */
	harness_fail(connection, harness_new_call(WIRE_PATH_DEVICE "none", WIRE_DEVICE, "Plan"),
		     _i == TRANSPORT_BUS ? DBUS_ERROR_ACCESS_DENIED : DBUS_ERROR_UNKNOWN_OBJECT,
		     NULL);
	harness_fail(connection, harness_new_call(WIRE_PATH, WIRE_COLLECTION, "Release"),
		     DBUS_ERROR_UNKNOWN_INTERFACE, WIRE_COLLECTION);
	harness_fail(connection, harness_new_call(WIRE_PATH, WIRE_MANAGER, "Guess"),
		     DBUS_ERROR_UNKNOWN_METHOD, "Guess");
	harness_fail(connection,
		     harness_new_call(WIRE_PATH_COLLECTION "01", WIRE_COLLECTION, "Release"),
		     DBUS_ERROR_UNKNOWN_OBJECT, NULL);
	harness_fail(connection,
		     harness_new_call(WIRE_PATH_COLLECTION "99999999999999999999", WIRE_COLLECTION,
				      "Release"),
		     DBUS_ERROR_UNKNOWN_OBJECT, NULL);
	harness_fail(connection, new_get(WIRE_PATH, WIRE_MANAGER, "Colour"),
		     DBUS_ERROR_UNKNOWN_PROPERTY, NULL);
	harness_fail(connection, new_get(WIRE_PATH, WIRE_HEAP, "Id"), DBUS_ERROR_UNKNOWN_INTERFACE,
		     WIRE_HEAP);
	harness_fail(connection, new_get_all(WIRE_PATH, "no.such"), DBUS_ERROR_UNKNOWN_INTERFACE,
		     "no.such");
	/* longer than the sentence that repeats it, which then ends within a character */
	for (int shift = 0; shift < 2; shift++) {
		char interface[402] = "x";

		for (int i = shift; i + 2 < (int)sizeof(interface); i += 2)
			memcpy(interface + i, "\xc3\xa4", 3);
		harness_fail(connection, new_get_all(WIRE_PATH, interface),
			     DBUS_ERROR_UNKNOWN_INTERFACE, NULL);
	}
	call = harness_new_call(WIRE_PATH, WIRE_MANAGER, "Plan");
	dbus_message_append_args(call, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
	harness_fail(connection, call, DBUS_ERROR_INVALID_ARGS, "Plan takes (a{sv}), not (s)");
	call = harness_new_call(WIRE_PATH_COLLECTION "1", WIRE_COLLECTION, "GetBuffers");
	dbus_message_append_args(call, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
	harness_fail(connection, call, DBUS_ERROR_INVALID_ARGS, "GetBuffers takes (uu), not (u)");
	harness_disconnect(connection);
}
END_TEST

START_TEST(properties_are_read_only)
{
	static const char *interface = WIRE_MANAGER, *name = "Version", *text = "2";
	DBusConnection *connection = harness_connect(_i);
	DBusMessage *call = harness_new_call(WIRE_PATH, DBUS_INTERFACE_PROPERTIES, "Set");
	DBusMessageIter iter, variant;

	dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING, &name,
				 DBUS_TYPE_INVALID);
	dbus_message_iter_init_append(call, &iter);
	dbus_message_iter_open_container(&iter, DBUS_TYPE_VARIANT, "s", &variant);
	dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &text);
	dbus_message_iter_close_container(&iter, &variant);
	harness_fail(connection, call, DBUS_ERROR_PROPERTY_READ_ONLY, NULL);
	harness_disconnect(connection);
}
END_TEST

/* ---- Plan ---- */

static void fill_unknown_key(DBusMessageIter *dict)
{
	dict_add_size(dict);
	dict_add_participants(dict, NULL, "cpu", 1);
	dict_add_u32(dict, "colour-of-the-case", 1);
}

static void fill_long_unknown_key(DBusMessageIter *dict)
{
	char key[2001];

	/* of two bytes each, so that no cut at an odd place is a text any more */
	for (size_t i = 0; i < 2000; i += 2)
		memcpy(key + i, "\xc3\xa4", 2);
	key[0] = key[1] = 'a';
	memmove(key + 1, key + 2, 1998);
	key[1999] = '\0';
	dict_add_u32(dict, key, 1);
}

static void fill_wrong_type(DBusMessageIter *dict)
{
	dict_add_string(dict, "width", "640");
	dict_add_u32(dict, "height", 480);
	dict_add_participants(dict, NULL, "cpu", 1);
}

static void fill_sizes(DBusMessageIter *dict, uint32_t width, uint32_t height, uint32_t count)
{
	dict_add_u32(dict, "width", width);
	dict_add_u32(dict, "height", height);
	dict_add_u32(dict, "count", count);
	dict_add_participants(dict, NULL, "cpu", 1);
}

static void fill_width_0(DBusMessageIter *dict)
{
	fill_sizes(dict, 0, 480, 1);
}

static void fill_height_0(DBusMessageIter *dict)
{
	fill_sizes(dict, 640, 0, 1);
}

static void fill_count_0(DBusMessageIter *dict)
{
	fill_sizes(dict, 640, 480, 0);
}

static void fill_count_65(DBusMessageIter *dict)
{
	fill_sizes(dict, 640, 480, 65);
}

static void fill_huge(DBusMessageIter *dict)
{
	fill_sizes(dict, 65536, 65536, 1);
}

static void fill_nothing(DBusMessageIter *dict)
{
	(void)dict;
}

static void fill_no_width(DBusMessageIter *dict)
{
	dict_add_u32(dict, "height", 480);
	dict_add_participants(dict, NULL, "cpu", 1);
}

static void fill_doubled_key(DBusMessageIter *dict)
{
	dict_add_size(dict);
	dict_add_u32(dict, "width", 320);
	dict_add_participants(dict, NULL, "cpu", 1);
}

static void fill_unknown_device(DBusMessageIter *dict)
{
	dict_add_size(dict);
	dict_add_participants(dict, "/dev/video-of-the-neighbours", "capture", 1);
}

static void fill_long_unknown_device(DBusMessageIter *dict)
{
	char device[256];

	for (size_t i = 0; i < 254; i += 2)
		memcpy(device + i, "\xc3\xa4", 2);
	device[254] = '\0';
	dict_add_size(dict);
	dict_add_participants(dict, device, "capture", 1);
}

static void fill_wrong_word(DBusMessageIter *dict)
{
	dict_add_size(dict);
	dict_add_participants(dict, NULL, "decoration", 1);
}

static void fill_unserved_word(DBusMessageIter *dict)
{
	dict_add_size(dict);
	dict_add_string(dict, "field", "interlaced");
	dict_add_participants(dict, NULL, "cpu", 1);
}

static void fill_no_participants(DBusMessageIter *dict)
{
	dict_add_size(dict);
}

static void fill_0_participants(DBusMessageIter *dict)
{
	dict_add_size(dict);
	dict_add_participants(dict, NULL, "cpu", 0);
}

static void fill_17_participants(DBusMessageIter *dict)
{
	dict_add_size(dict);
	dict_add_participants(dict, NULL, "cpu", 17);
}

static void fill_cpu_with_device(DBusMessageIter *dict)
{
	dict_add_size(dict);
	dict_add_participants(dict, "x", "cpu", 1);
}

static void fill_number_of_participants(DBusMessageIter *dict)
{
	dict_add_size(dict);
	dict_add_u32(dict, "participants", 3);
}

/* Variants in variants, as deep as libdbus lets through. */
static void fill_deep(DBusMessageIter *dict)
{
	DBusMessageIter entry, variants[31];
	const char *key = "width", *text = "640";

	dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
	dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
	dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "v", &variants[0]);
	for (int i = 1; i < 30; i++)
		dbus_message_iter_open_container(&variants[i - 1], DBUS_TYPE_VARIANT, "v",
						 &variants[i]);
	dbus_message_iter_open_container(&variants[29], DBUS_TYPE_VARIANT, "s", &variants[30]);
	dbus_message_iter_append_basic(&variants[30], DBUS_TYPE_STRING, &text);
	for (int i = 30; i > 0; i--)
		dbus_message_iter_close_container(&variants[i - 1], &variants[i]);
	dbus_message_iter_close_container(&entry, &variants[0]);
	dbus_message_iter_close_container(dict, &entry);
}

static void fill_formats_of_strings(DBusMessageIter *dict)
{
	DBusMessageIter entry, variant, list;
	const char *key = "formats", *text = "XR24";

	dict_add_size(dict);
	dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
	dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
	dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "as", &variant);
	dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, "s", &list);
	dbus_message_iter_append_basic(&list, DBUS_TYPE_STRING, &text);
	dbus_message_iter_close_container(&variant, &list);
	dbus_message_iter_close_container(&entry, &variant);
	dbus_message_iter_close_container(dict, &entry);
}

static const struct refusal_row {
	const char *name;
	void (*fill)(DBusMessageIter *dict);
	enum error_code code;
	const char *key; /* of the first refusal; NULL: whichever */
} refusal_rows[] = {
	{"unknown key", fill_unknown_key, ERROR_INVALID_REQUEST, "colour-of-the-case"},
	{"long unknown key", fill_long_unknown_key, ERROR_INVALID_REQUEST, NULL},
	{"wrong type", fill_wrong_type, ERROR_INVALID_REQUEST, "width"},
	{"width 0", fill_width_0, ERROR_INVALID_REQUEST, "width"},
	{"height 0", fill_height_0, ERROR_INVALID_REQUEST, "height"},
	{"count 0", fill_count_0, ERROR_INVALID_REQUEST, "count"},
	{"count 65", fill_count_65, ERROR_INVALID_REQUEST, "count"},
	{"65536x65536", fill_huge, ERROR_INVALID_REQUEST, "width"},
	{"nothing", fill_nothing, ERROR_INVALID_REQUEST, NULL},
	{"no width", fill_no_width, ERROR_INVALID_REQUEST, "width"},
	{"doubled key", fill_doubled_key, ERROR_INVALID_REQUEST, "width"},
	{"unknown device", fill_unknown_device, ERROR_UNKNOWN_DEVICE, "device"},
	{"long unknown device", fill_long_unknown_device, ERROR_UNKNOWN_DEVICE, NULL},
	{"wrong word", fill_wrong_word, ERROR_INVALID_REQUEST, "role"},
	{"unserved word", fill_unserved_word, ERROR_NOT_SUPPORTED, "field"},
	{"no participants", fill_no_participants, ERROR_INVALID_REQUEST, "participants"},
	{"0 participants", fill_0_participants, ERROR_INVALID_REQUEST, "participants"},
	{"17 participants", fill_17_participants, ERROR_INVALID_REQUEST, "participants"},
	{"cpu with device", fill_cpu_with_device, ERROR_INVALID_REQUEST, NULL},
	{"number of participants", fill_number_of_participants, ERROR_INVALID_REQUEST,
	 "participants"},
	{"deep nesting", fill_deep, ERROR_INVALID_REQUEST, "width"},
	{"formats as strings", fill_formats_of_strings, ERROR_INVALID_REQUEST, "formats"},
};

#define REFUSAL_ROWS ((int)(sizeof(refusal_rows) / sizeof(refusal_rows[0])))

static const struct refusal *first_refusal(const struct error *error)
{
	ck_assert_ptr_nonnull(error->details);
	ck_assert_uint_ge(error->details->refusals.len, 1);
	return (const struct refusal *)error->details->refusals.items[0];
}

static void expect_refusal(DBusConnection *connection, DBusMessage *call,
			   const struct refusal_row *row)
{
	DBusMessage *reply = harness_call(connection, call);
	struct error error = {0};
	char *text = NULL;
	int number;

	ck_assert_int_eq(dbus_message_get_type(reply), DBUS_MESSAGE_TYPE_ERROR);
	number = wire_read_error(reply, &error, &text);
	ck_assert_msg(number == error_rows[row->code].number, "%s: %s: %s", row->name,
		      dbus_message_get_error_name(reply), text ? text : "");
	ck_assert_int_eq(error.code, row->code);
	if (row->key)
		ck_assert_str_eq(vocab_string(first_refusal(&error), REFUSAL_KEY), row->key);
	ck_assert(text && *text);
	free(text);
	error_finish(&error);
	dbus_message_unref(reply);
}

START_TEST(a_bad_request_is_refused_with_its_reason)
{
	static const char *const members[] = {"Plan", "Allocate"};
	const struct refusal_row *row = &refusal_rows[_i % REFUSAL_ROWS];
	DBusConnection *connection = harness_connect(_i / REFUSAL_ROWS);
	struct request_call call;

	for (size_t i = 0; i < 2; i++) {
		request_begin(&call, members[i]);
		row->fill(&call.dict);
		expect_refusal(connection, request_end(&call), row);
	}
	harness_disconnect(connection);
}
END_TEST

/* For the CPU alone. On a machine with heaps it allows only one that is not there. */
static DBusMessage *new_request_without_heap(DBusConnection *connection, const char *member)
{
	struct request_call call;

	request_begin(&call, member);
	dict_add_size(&call.dict);
	dict_add_u32(&call.dict, "x-colour", 1);
	dict_add_format(&call.dict, 0x34325258, 0);
	dict_add_participants(&call.dict, NULL, "cpu", 1);
	if (harness_count_objects(connection, WIRE_PATH_HEAP))
		dict_add_heap(&call.dict, "none-such");
	return request_end(&call);
}

START_TEST(without_heap_the_cpu_conflicts_with_heaps)
{
	static const char *const members[] = {"Plan", "Allocate"};
	DBusConnection *connection = harness_connect(_i);
	const struct refusal_row row = {"no heaps", NULL, ERROR_CONFLICT, NULL};

	for (size_t i = 0; i < 2; i++) {
		DBusMessage *reply;
		struct error error = {0};
		char *text = NULL;

		expect_refusal(connection, new_request_without_heap(connection, members[i]), &row);
		reply = harness_call(connection, new_request_without_heap(connection, members[i]));
		wire_read_error(reply, &error, &text);
		free(text);
		ck_assert_str_eq(vocab_enum_name(first_refusal(&error), REFUSAL_CONSTRAINT),
				 "heaps");
		error_finish(&error);
		dbus_message_unref(reply);
	}
	harness_disconnect(connection);
}
END_TEST

/* ---- Collection ---- */

START_TEST(what_is_not_ours_is_gone)
{
	DBusConnection *connection = harness_connect(_i);
	dbus_uint32_t first = 0, count = 0;
	dbus_uint64_t serial = 5;
	DBusMessage *call;

	call = harness_new_call(WIRE_PATH_COLLECTION "1", WIRE_COLLECTION, "GetBuffers");
	dbus_message_append_args(call, DBUS_TYPE_UINT32, &first, DBUS_TYPE_UINT32, &count,
				 DBUS_TYPE_INVALID);
	harness_fail(connection, call, ERROR_PREFIX "Gone", NULL);
	call = harness_new_call(WIRE_PATH_COLLECTION "18446744073709551615", WIRE_COLLECTION,
				"Acknowledge");
	dbus_message_append_args(call, DBUS_TYPE_UINT64, &serial, DBUS_TYPE_INVALID);
	/* what matters is the serial alone */
	harness_fail(connection, call, ERROR_PREFIX "InvalidRequest", NULL);
	harness_fail(connection,
		     harness_new_call(WIRE_PATH_COLLECTION "1", WIRE_COLLECTION, "Release"),
		     ERROR_PREFIX "Gone", NULL);
	harness_fail(connection, new_get(WIRE_PATH_COLLECTION "1", WIRE_COLLECTION, "Count"),
		     ERROR_PREFIX "Gone", NULL);
	harness_disconnect(connection);
}
END_TEST

/* less than the 128 that a bus lets one connection wait for */
#define MANY 100

START_TEST(many_calls_at_once_are_all_answered)
{
	DBusConnection *connection = harness_connect(_i);
	DBusPendingCall *pending[MANY];
	struct request_call call;

	for (size_t i = 0; i < MANY; i++) {
		request_begin(&call, i % 2 ? "Plan" : "Allocate");
		fill_unknown_key(&call.dict);
		ck_assert(dbus_connection_send_with_reply(connection, request_end(&call),
							  &pending[i], 15000));
		dbus_message_unref(call.message);
	}
	for (size_t i = 0; i < MANY; i++) {
		DBusMessage *reply;

		dbus_pending_call_block(pending[i]);
		reply = dbus_pending_call_steal_reply(pending[i]);
		dbus_pending_call_unref(pending[i]);
		/* on the bus those that came before the bus said who we are are bounded */
		ck_assert(
			dbus_message_is_error(reply, ERROR_PREFIX "InvalidRequest") ||
			(_i == TRANSPORT_BUS && dbus_message_is_error(reply, ERROR_PREFIX "Busy")));
		dbus_message_unref(reply);
	}
	harness_disconnect(connection);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("methods");
	TCase *tcase = tcase_create("methods");

	tcase_add_checked_fixture(tcase, harness_start, harness_stop);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, introspection_is_the_specification, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, a_tool_can_walk_from_the_root, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, peer_answers_on_every_path, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, features_say_what_the_daemon_knows, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, get_all_gives_all, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, managed_objects_have_the_right_form, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, what_is_unknown_has_the_usual_error, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, properties_are_read_only, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, a_bad_request_is_refused_with_its_reason, 0,
			    TRANSPORTS * REFUSAL_ROWS);
	tcase_add_loop_test(tcase, without_heap_the_cpu_conflicts_with_heaps, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, what_is_not_ours_is_gone, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, many_calls_at_once_are_all_answered, 0, TRANSPORTS);
	suite_add_tcase(suite, tcase);
	return harness_main(suite);
}
