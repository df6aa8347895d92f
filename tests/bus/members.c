/* SPDX-License-Identifier: MIT */
#include "tests/bus/members.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/error.h"
#include "protocol/wire.h"

#define CALL_MS 15000
#define STATUS_MS 10000

void members_start(void)
{
	harness_start_made_up("dmabrokerd-made-up-heaps");
}

/* ---- calls ---- */

static void add_one_format(DBusMessageIter *dict, uint32_t format)
{
	if (format)
		dict_add_format(dict, format, 0);
}

static void append_party(DBusMessageIter *list, const struct party *party)
{
	dbus_bool_t optional = TRUE;
	DBusMessageIter dict;

	dbus_message_iter_open_container(list, DBUS_TYPE_ARRAY, "{sv}", &dict);
	dict_add_string(&dict, "name", party->name);
	if (party->device)
		dict_add_string(&dict, "device", party->device);
	dict_add_string(&dict, "role", party->role);
	if (party->optional)
		dict_add(&dict, "optional", DBUS_TYPE_BOOLEAN, &optional);
	if (party->camping)
		dict_add_u32(&dict, "camping", party->camping);
	add_one_format(&dict, party->format);
	dbus_message_iter_close_container(list, &dict);
}

static void append_parties(DBusMessageIter *iter, const struct party *participants)
{
	DBusMessageIter list;

	dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "a{sv}", &list);
	for (; participants && participants->name; participants++)
		append_party(&list, participants);
	dbus_message_iter_close_container(iter, &list);
}

void dict_add_parties(DBusMessageIter *dict, const struct party *participants)
{
	static const char *const key = "participants";
	DBusMessageIter entry, variant;

	dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
	dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
	dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "aa{sv}", &variant);
	append_parties(&variant, participants);
	dbus_message_iter_close_container(&entry, &variant);
	dbus_message_iter_close_container(dict, &entry);
}

DBusMessage *new_create(uint32_t deadline_ms, const struct party *participants, uint32_t tokens)
{
	struct request_call call;

	request_begin(&call, "CreateCollection");
	dict_add_size(&call.dict);
	dict_add_u32(&call.dict, "count", 4);
	dict_add_format(&call.dict, FOURCC_XR24, 0);
	if (deadline_ms)
		dict_add_u32(&call.dict, "deadline-ms", deadline_ms);
	if (participants)
		dict_add_parties(&call.dict, participants);
	request_end(&call);
	dbus_message_iter_append_basic(&call.args, DBUS_TYPE_UINT32, &tokens);
	return call.message;
}

DBusMessage *new_on(const char *path, const char *member)
{
	return harness_new_call(path, WIRE_COLLECTION, member);
}

DBusMessage *new_bind(const char *token)
{
	DBusMessage *call = harness_new_call(WIRE_PATH, WIRE_MANAGER, "Bind");

	dbus_message_append_args(call, DBUS_TYPE_STRING, &token, DBUS_TYPE_INVALID);
	return call;
}

DBusMessage *new_speak(const char *path, const struct party *participants)
{
	DBusMessage *call = new_on(path, "Speak");
	DBusMessageIter iter;

	dbus_message_iter_init_append(call, &iter);
	append_parties(&iter, participants);
	return call;
}

DBusMessage *new_get_buffers(const char *path, uint32_t first, uint32_t count)
{
	DBusMessage *call = new_on(path, "GetBuffers");

	dbus_message_append_args(call, DBUS_TYPE_UINT32, &first, DBUS_TYPE_UINT32, &count,
				 DBUS_TYPE_INVALID);
	return call;
}

void changes_begin(struct request_call *call, const char *path)
{
	call->message = new_on(path, "Renegotiate");
	dbus_message_iter_init_append(call->message, &call->args);
	dbus_message_iter_open_container(&call->args, DBUS_TYPE_ARRAY, "{sv}", &call->dict);
}

/* ---- answers ---- */

void create(DBusConnection *connection, DBusMessage *call, struct created *ret_created)
{
	DBusMessage *reply = harness_succeed(connection, call);
	DBusMessageIter iter, list;
	const char *text;

	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_get_basic(&iter, &text);
	snprintf(ret_created->path, sizeof(ret_created->path), "%s", text);
	dbus_message_iter_next(&iter);
	dbus_message_iter_recurse(&iter, &list);
	for (int i = 0; dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_STRING; i++) {
		dbus_message_iter_get_basic(&list, &text);
		snprintf(ret_created->tokens[i], sizeof(ret_created->tokens[i]), "%s", text);
		dbus_message_iter_next(&list);
	}
	dbus_message_unref(reply);
}

static void describe_members(DBusMessageIter *value, char *text, size_t size)
{
	DBusMessageIter list, state;
	const char *word;

	dbus_message_iter_recurse(value, &list);
	for (; dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_ARRAY;
	     dbus_message_iter_next(&list)) {
		size_t len = strlen(text);

		word = "?";
		if (dict_find(&list, "state", &state))
			dbus_message_iter_get_basic(&state, &word);
		if (len + 1 < size) {
			text[len] = word[0];
			text[len + 1] = '\0';
		}
	}
}

static size_t count_elements(DBusMessageIter *value)
{
	return (size_t)dbus_message_iter_get_element_count(value);
}

bool read_status(DBusConnection *connection, const char *path, char *text, size_t size)
{
	DBusMessage *call =
		dbus_message_new_method_call(WIRE_NAME, path, WIRE_COLLECTION, "GetStatus");
	DBusMessage *reply =
		dbus_connection_send_with_reply_and_block(connection, call, CALL_MS, NULL);
	DBusMessageIter dict, value;
	const char *word = "?";
	size_t missing = 0;

	dbus_message_unref(call);
	if (!reply)
		return false;
	dbus_message_iter_init(reply, &dict);
	if (dict_find(&dict, "state", &value))
		dbus_message_iter_get_basic(&value, &word);
	snprintf(text, size, "%s ", word);
	if (dict_find(&dict, "members", &value))
		describe_members(&value, text, size);
	if (dict_find(&dict, "missing", &value))
		missing = count_elements(&value);
	snprintf(text + strlen(text), size - strlen(text), " %zu", missing);
	dbus_message_unref(reply);
	return true;
}

void expect_status(DBusConnection *connection, const char *path, const char *wanted)
{
	char text[64] = "gone";

	for (int waited = 0; waited < STATUS_MS; waited++) {
		ck_assert(read_status(connection, path, text, sizeof(text)));
		if (strcmp(text, wanted) == 0)
			return;
		harness_sleep_ms(1);
	}
	ck_abort_msg("it stands '%s', not '%s'", text, wanted);
}

DBusPendingCall *send_later(DBusConnection *connection, DBusMessage *call)
{
	DBusPendingCall *pending = NULL;

	ck_assert(dbus_connection_send_with_reply(connection, call, &pending, CALL_MS));
	ck_assert_ptr_nonnull(pending);
	dbus_message_unref(call);
	dbus_connection_flush(connection);
	return pending;
}

void expect_later(DBusPendingCall *pending, const char *error, const char *text)
{
	const char *name, *sentence = "";
	DBusMessage *reply;

	dbus_pending_call_block(pending);
	reply = dbus_pending_call_steal_reply(pending);
	dbus_pending_call_unref(pending);
	ck_assert_ptr_nonnull(reply);
	name = dbus_message_get_error_name(reply);
	if (name && strncmp(name, ERROR_PREFIX, strlen(ERROR_PREFIX)) == 0)
		name += strlen(ERROR_PREFIX);
	if (name)
		dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &sentence, DBUS_TYPE_INVALID);
	ck_assert_msg(strcmp(name ? name : "", error) == 0, "'%s' (%s) where '%s' is wanted",
		      name ? name : "", sentence, error);
	if (text)
		ck_assert_msg(strstr(sentence, text), "'%s' is not in '%s'", text, sentence);
	dbus_message_unref(reply);
}

size_t count_collections(DBusConnection *connection)
{
	DBusMessage *reply = harness_succeed(
		connection, harness_new_call(WIRE_PATH, WIRE_MANAGER, "ListCollections"));
	DBusMessageIter iter;
	size_t len;

	ck_assert_str_eq(dbus_message_get_signature(reply), "aa{sv}");
	dbus_message_iter_init(reply, &iter);
	len = count_elements(&iter);
	dbus_message_unref(reply);
	return len;
}
