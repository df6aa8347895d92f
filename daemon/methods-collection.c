/* SPDX-License-Identifier: MIT */
/*
 * Collections. What the broker decides later (Allocate, Wait, Renegotiate, Report) is a struct
 * later until then; it counts as a call under way of its client, and outlives it.
 */
#include "daemon/methods-collection.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/log.h"
#include "daemon/methods-call.h"
#include "daemon/peer.h"
#include "protocol/limits.h"
#include "protocol/wire.h"

/* the specification and the broker say the same */
_Static_assert(LIMIT_COLLECTION_MEMBERS == COLLECTION_MEMBERS_MAX, "members");
_Static_assert(LIMIT_COLLECTION_TOKENS == COLLECTION_TOKENS_MAX, "tokens");
_Static_assert(LIMIT_COLLECTION_TRIES == COLLECTION_TRIES_MAX, "tries");
_Static_assert(LIMIT_COLLECTION_STUCK_MS == COLLECTION_STUCK_MS, "stuck");

/* ---- answers that come later ---- */

struct later {
	struct peer_call call;
	DBusConnection *connection;
	DBusMessage *message;
	append_fn fill; /* of a struct collection */
};

static void later_destroy(struct later *later)
{
	peer_end_call(&later->call);
	dbus_message_unref(later->message);
	dbus_connection_unref(later->connection);
	free(later);
}

static int later_create(struct call *call, append_fn fill, struct error *error,
			struct later **ret_later)
{
	struct later *later = calloc(1, sizeof(*later));

	if (!later)
		return -ENOMEM;
	if (peer_begin_call(call->peer, &later->call)) {
		free(later);
		log_refusal(LOG_REFUSAL_CALLS, peer_get_uid(call->peer));
		return error_setf(error, ERROR_QUOTA_EXCEEDED, CONSTRAINT_REQUEST, NULL, NULL,
				  "one call more under way", "%d", LIMIT_PENDING_CALLS);
	}
	later->connection = dbus_connection_ref(call->connection);
	later->message = dbus_message_ref(call->message);
	later->fill = fill;
	*ret_later = later;
	return 0;
}

static void on_decided(void *data, struct collection *collection, const struct error *error)
{
	struct later *later = data;
	struct call call = {.connection = later->connection, .message = later->message};
	DBusMessage *reply = NULL;

	if (!later->call.peer) {
		log_debug("a client went away before its answer came");
	} else {
		if (!collection)
			reply = wire_error(call.message, error, error_rows[error->code].number);
		else if (methods_reply_with(&call, later->fill, collection, &reply))
			reply = NULL;
		methods_send_reply(call.connection, call.message, reply);
	}
	later_destroy(later);
}

/* ---- what is answered ---- */

static bool append_path_of(DBusMessageIter *iter, const void *data)
{
	char path[sizeof(WIRE_PATH_COLLECTION) + 24];

	snprintf(path, sizeof(path), WIRE_PATH_COLLECTION "%llu",
		 (unsigned long long)collection_get_number(data));
	return append_path(iter, path);
}

static bool append_allocated(DBusMessageIter *iter, const void *data)
{
	return append_path_of(iter, data) && append_record(iter, collection_get_plan(data));
}

static bool append_decided(DBusMessageIter *iter, const void *data)
{
	const struct plan *plan = collection_get_plan(data);

	return dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT32, &plan->generation) &&
	       append_record(iter, plan);
}

struct tokens {
	const struct collection *collection; /* NULL: its path is known */
	struct broker_token list[COLLECTION_TOKENS_MAX];
	uint32_t len;
};

static bool fill_tokens(DBusMessageIter *iter, const void *data)
{
	const struct tokens *tokens = data;

	for (uint32_t i = 0; i < tokens->len; i++)
		if (!append_string(iter, tokens->list[i].text))
			return false;
	return true;
}

static bool append_tokens(DBusMessageIter *iter, const void *data)
{
	const struct tokens *tokens = data;

	return (!tokens->collection || append_path_of(iter, tokens->collection)) &&
	       append_in(iter, DBUS_TYPE_ARRAY, "s", fill_tokens, tokens);
}

/* ---- org.dmabroker1.Manager ---- */

int handle_Allocate(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct broker_client *client;
	struct later *later = NULL;
	struct request *request;
	int result;

	(void)ret_reply;
	result = peer_get_client(call->peer, &client);
	if (!result)
		result = methods_read_request(call, error, &request);
	if (result)
		return result;
	result = later_create(call, append_allocated, error, &later);
	if (result) {
		vocab_destroy(request);
		return result;
	}
	result = broker_allocate(client, request, on_decided, later, error);
	if (!result)
		return HANDLE_LATER;
	later_destroy(later);
	return result;
}

static int read_creation(const struct call *call, struct error *error, struct request **ret_request,
			 uint32_t *ret_len)
{
	DBusMessageIter iter;
	int result;

	dbus_message_iter_init(call->message, &iter);
	result = wire_read_record(&iter, &vocab_request, error, ret_request);
	if (!result)
		dbus_message_iter_get_basic(&iter, ret_len);
	return result;
}

int handle_CreateCollection(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct broker_client *client;
	struct collection *collection;
	struct request *request;
	struct tokens tokens = {.len = 0};
	int result = peer_get_client(call->peer, &client);

	if (!result)
		result = read_creation(call, error, &request, &tokens.len);
	if (!result)
		result = broker_create_collection(client, request, tokens.len, error, tokens.list,
						  &collection);
	if (result)
		return result;
	tokens.collection = collection;
	result = methods_reply_with(call, append_tokens, &tokens, ret_reply);
	if (result) {
		collection_cancel(client, collection, NULL);
		collection_release(client, collection);
	}
	return result;
}

int handle_Bind(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct broker_client *client;
	struct collection *collection;
	const char *token;
	int result = peer_get_client(call->peer, &client);

	if (!dbus_message_get_args(call->message, NULL, DBUS_TYPE_STRING, &token,
				   DBUS_TYPE_INVALID))
		return -ENOMEM;
	if (!result)
		result = broker_bind(client, token, error, &collection);
	if (result)
		return result;
	result = methods_reply_with(call, append_path_of, collection, ret_reply);
	if (result)
		collection_release(client, collection);
	return result;
}

struct records {
	struct collection_record **items;
	size_t len;
};

static bool append_records(DBusMessageIter *iter, const void *data)
{
	const struct records *records = data;

	return wire_append_records(iter, (void *const *)records->items, records->len) == 0;
}

int handle_ListCollections(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct records records;
	int result = broker_list_collections(call->methods->broker, peer_get_uid(call->peer),
					     &records.items, &records.len);

	(void)error;
	if (result)
		return result;
	result = methods_reply_with(call, append_records, &records, ret_reply);
	for (size_t i = 0; i < records.len; i++)
		vocab_destroy(records.items[i]);
	free(records.items);
	return result;
}

/* ---- org.dmabroker1.Collection ---- */

int handle_CreateTokens(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct tokens tokens = {.len = 0};
	struct broker_client *client;
	int result = peer_get_client(call->peer, &client);

	if (!dbus_message_get_args(call->message, NULL, DBUS_TYPE_UINT32, &tokens.len,
				   DBUS_TYPE_INVALID))
		return -ENOMEM;
	if (!result)
		result = collection_create_tokens(client, call->subject.collection, tokens.len,
						  error, tokens.list);
	return result ? result : methods_reply_with(call, append_tokens, &tokens, ret_reply);
}

static int read_participants(const struct call *call, struct error *error,
			     struct request **ret_said)
{
	struct request *said;
	DBusMessageIter iter;
	int result = vocab_create(&vocab_request, &said);

	if (result)
		return result;
	dbus_message_iter_init(call->message, &iter);
	result = wire_read_list(&iter, said, REQUEST_PARTICIPANTS, error);
	if (result)
		vocab_destroy(said);
	else
		*ret_said = said;
	return result;
}

int handle_Speak(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct broker_client *client;
	struct request *said;
	int result = peer_get_client(call->peer, &client);

	if (!result)
		result = read_participants(call, error, &said);
	if (!result)
		result = collection_speak(client, call->subject.collection, said, error);
	return result ? result : methods_reply_with(call, append_nothing, NULL, ret_reply);
}

int handle_Wait(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct broker_client *client;
	struct later *later = NULL;
	int result = peer_get_client(call->peer, &client);

	if (!result)
		result = later_create(call, append_decided, error, &later);
	if (result)
		return result;
	result = collection_wait(client, call->subject.collection, on_decided, later, error);
	if (!result)
		return HANDLE_LATER;
	later_destroy(later);
	if (result < 0)
		return result;
	return methods_reply_with(call, append_decided, call->subject.collection, ret_reply);
}

int handle_GetStatus(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct collection_record *record;
	struct broker_client *client;
	int result = peer_get_client(call->peer, &client);

	(void)error;
	if (!result)
		result = collection_get_status(client, call->subject.collection, &record);
	if (result)
		return result;
	result = methods_reply_with(call, append_record, record, ret_reply);
	vocab_destroy(record);
	return result;
}

int handle_Renegotiate(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct broker_client *client;
	struct later *later = NULL;
	struct request *changes;
	int result = peer_get_client(call->peer, &client);

	(void)ret_reply;
	if (!result)
		result = methods_read_request(call, error, &changes);
	if (result)
		return result;
	result = later_create(call, append_decided, error, &later);
	if (result) {
		vocab_destroy(changes);
		return result;
	}
	result = collection_renegotiate(client, call->subject.collection, changes, on_decided,
					later, error);
	if (!result)
		return HANDLE_LATER;
	later_destroy(later);
	return result;
}

int handle_Report(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	dbus_uint32_t generation, number;
	struct broker_client *client;
	struct later *later = NULL;
	const char *participant;
	int result = peer_get_client(call->peer, &client);

	(void)ret_reply;
	if (!dbus_message_get_args(call->message, NULL, DBUS_TYPE_STRING, &participant,
				   DBUS_TYPE_UINT32, &generation, DBUS_TYPE_UINT32, &number,
				   DBUS_TYPE_INVALID))
		return -ENOMEM;
	if (!result)
		result = later_create(call, append_decided, error, &later);
	if (result)
		return result;
	result = collection_report(client, call->subject.collection, participant, generation,
				   number, on_decided, later, error);
	if (!result)
		return HANDLE_LATER;
	later_destroy(later);
	return result;
}

int handle_HandOver(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct broker_client *client;
	dbus_uint32_t generation;
	int result = peer_get_client(call->peer, &client);

	if (!dbus_message_get_args(call->message, NULL, DBUS_TYPE_UINT32, &generation,
				   DBUS_TYPE_INVALID))
		return -ENOMEM;
	if (!result)
		result = collection_hand_over(client, call->subject.collection, generation, error);
	return result ? result : methods_reply_with(call, append_nothing, NULL, ret_reply);
}

int handle_Cancel(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct broker_client *client;
	int result = peer_get_client(call->peer, &client);

	if (!result)
		result = collection_cancel(client, call->subject.collection, error);
	return result ? result : methods_reply_with(call, append_nothing, NULL, ret_reply);
}

struct buffers {
	uint64_t serial;
	struct buffer_record **records;
	size_t len;
};

static bool append_buffers(DBusMessageIter *iter, const void *data)
{
	const struct buffers *buffers = data;

	return dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT64, &buffers->serial) &&
	       wire_append_records(iter, (void *const *)buffers->records, buffers->len) == 0;
}

static void destroy_buffers(struct buffers *buffers)
{
	for (size_t i = 0; i < buffers->len; i++)
		vocab_destroy(buffers->records[i]);
	free(buffers->records);
}

/* The fds of a reply that never left are not in flight. */
void methods_acknowledge(const struct call *call)
{
	struct broker_client *client;

	if (call->serial && peer_get_client(call->peer, &client) == 0)
		broker_acknowledge(client, call->serial, NULL);
}

int handle_GetBuffers(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct broker_client *client;
	struct buffers buffers;
	dbus_uint32_t first, count;
	int result;

	if (!dbus_connection_can_send_type(call->connection, DBUS_TYPE_UNIX_FD))
		return error_set(error, ERROR_NOT_SUPPORTED, CONSTRAINT_REQUEST, NULL, NULL,
				 "a connection that takes file descriptors", "one that does not");
	if (!dbus_message_get_args(call->message, NULL, DBUS_TYPE_UINT32, &first, DBUS_TYPE_UINT32,
				   &count, DBUS_TYPE_INVALID))
		return -ENOMEM;
	result = peer_get_client(call->peer, &client);
	if (!result)
		result = collection_get_buffers(client, call->subject.collection, first, count,
						LIMIT_MESSAGE_FDS, error, &buffers.serial,
						&buffers.records, &buffers.len);
	if (result)
		return result;
	call->serial = buffers.serial;
	result = methods_reply_with(call, append_buffers, &buffers, ret_reply);
	destroy_buffers(&buffers);
	if (result)
		methods_acknowledge(call);
	return result;
}

int handle_Acknowledge(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct broker_client *client;
	dbus_uint64_t serial;
	int result;

	if (!dbus_message_get_args(call->message, NULL, DBUS_TYPE_UINT64, &serial,
				   DBUS_TYPE_INVALID))
		return -ENOMEM;
	result = peer_get_client(call->peer, &client);
	if (!result)
		result = broker_acknowledge(client, serial, error);
	if (result)
		return result;
	return methods_reply_with(call, append_nothing, NULL, ret_reply);
}

int handle_Release(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct broker_client *client;
	int result = peer_get_client(call->peer, &client);

	(void)error;
	if (!result)
		result = methods_reply_with(call, append_nothing, NULL, ret_reply);
	if (!result)
		collection_release(client, call->subject.collection);
	return result;
}
