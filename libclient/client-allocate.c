/* SPDX-License-Identifier: MIT */
/* Planning and allocating by a daemon: the request out, the plan and pages of buffers in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/client.h"
#include "protocol/wire.h"

int client_ask(struct client *client, const char *method, const struct request *request,
	       const dbus_uint32_t *number, const char *signature, DBusMessage **ret_reply)
{
	DBusMessage *call = client_new_call(client, WIRE_PATH, WIRE_MANAGER, method), *reply;
	DBusMessageIter iter;
	int error;

	if (!call)
		return -ENOMEM;
	dbus_message_iter_init_append(call, &iter);
	if (wire_append_record(&iter, request) ||
	    (number && !dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT32, number))) {
		dbus_message_unref(call);
		return -ENOMEM;
	}
	error = client_call(client, call, CLIENT_CALL_MS, &reply);
	if (error)
		return error;
	if (!dbus_message_has_signature(reply, signature))
		return client_wrong_form(client, reply);
	*ret_reply = reply;
	return 0;
}

int client_plan(struct dmabroker *broker, const struct request *request, struct plan **ret_plan)
{
	struct client *client = client_of(broker);
	DBusMessage *reply;
	DBusMessageIter iter;
	int error = client_ask(client, "Plan", request, NULL, "a{sv}", &reply);

	if (error)
		return error;
	dbus_message_iter_init(reply, &iter);
	error = wire_read_record(&iter, &vocab_plan, NULL, ret_plan);
	if (error == -EINVAL)
		return client_wrong_form(client, reply);
	dbus_message_unref(reply);
	return error;
}

static void acknowledge(struct client *client, const char *path, dbus_uint64_t serial)
{
	DBusMessage *call = client_new_call(client, path, WIRE_COLLECTION, "Acknowledge");

	if (!call)
		return;
	if (dbus_message_append_args(call, DBUS_TYPE_UINT64, &serial, DBUS_TYPE_INVALID))
		client_send(client, call, false);
	else
		dbus_message_unref(call);
}

/* Takes the buffers of a reply t aa{sv} into the generation, behind those it has. */
static int read_buffers(struct dmabroker *broker, struct generation *generation,
			DBusMessageIter *list)
{
	int error = 0;

	while (dbus_message_iter_get_arg_type(list) == DBUS_TYPE_ARRAY && !error) {
		struct buffer_record *record;

		if (generation->buffers_len >= generation_count(generation))
			return -EPROTO;
		/* moves `list` on */
		error = wire_read_record(list, &vocab_buffer, NULL, &record);
		if (error)
			return error == -EINVAL ? -EPROTO : error;
		if (vocab_has(record, BUFFER_GENERATION) &&
		    record->generation != generation->number)
			error = -EAGAIN;
		else
			error = buffer_init(&generation->buffers[generation->buffers_len], broker,
					    generation->plan, record);
		if (error)
			vocab_destroy(record);
		else
			generation->buffers_len++;
	}
	return error;
}

static int call_for_page(struct dmabroker_collection *collection,
			 const struct generation *generation, DBusMessage **ret_reply)
{
	struct client *client = client_of(collection->broker);
	DBusMessage *call =
		client_new_call(client, collection->path, WIRE_COLLECTION, "GetBuffers");
	dbus_uint32_t first = (dbus_uint32_t)generation->buffers_len;
	dbus_uint32_t count = (dbus_uint32_t)generation_count(generation) - first;

	if (call && !dbus_message_append_args(call, DBUS_TYPE_UINT32, &first, DBUS_TYPE_UINT32,
					      &count, DBUS_TYPE_INVALID)) {
		dbus_message_unref(call);
		return -ENOMEM;
	}
	return client_call(client, call, CLIENT_CALL_MS, ret_reply);
}

static int fetch_page(struct dmabroker_collection *collection, struct generation *generation)
{
	struct client *client = client_of(collection->broker);
	size_t before = generation->buffers_len;
	DBusMessageIter iter, list;
	dbus_uint64_t serial;
	DBusMessage *reply;
	int error = call_for_page(collection, generation, &reply);

	if (error)
		return error;
	if (!dbus_message_has_signature(reply, "taa{sv}"))
		return client_wrong_form(client, reply);
	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_get_basic(&iter, &serial);
	dbus_message_iter_next(&iter);
	dbus_message_iter_recurse(&iter, &list);
	error = read_buffers(&client->base, generation, &list);
	if (!error && generation->buffers_len == before)
		error = -EPROTO;
	/* what has come is no longer in flight, whether it can be used or not */
	acknowledge(client, collection->path, serial);
	if (error == -EPROTO)
		return client_wrong_form(client, reply);
	dbus_message_unref(reply);
	return error;
}

int client_fetch_buffers(struct dmabroker_collection *collection, struct generation *generation)
{
	int error = 0;

	while (!error && generation->buffers_len < generation_count(generation))
		error = fetch_page(collection, generation);
	return error;
}

/* Begins the collection of a reply oa{sv}. */
static int read_collection(struct client *client, DBusMessage *reply,
			   struct dmabroker_collection **ret_collection)
{
	struct dmabroker_collection *collection;
	struct generation *generation;
	DBusMessageIter iter;
	struct plan *plan;
	const char *path;
	int error;

	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_get_basic(&iter, &path);
	dbus_message_iter_next(&iter);
	error = collection_begin(&client->base, path, &collection);
	if (error)
		return error;
	*ret_collection = collection;
	error = wire_read_record(&iter, &vocab_plan, NULL, &plan);
	if (error)
		return error == -EINVAL ? -EPROTO : error;
	error = generation_create(vocab_has(plan, PLAN_GENERATION) ? plan->generation : 1, plan,
				  &generation);
	if (error)
		vocab_destroy(plan);
	else
		collection_push(collection, generation);
	return error;
}

int client_allocate(struct dmabroker *broker, const struct request *request,
		    struct dmabroker_collection **ret_collection)
{
	struct dmabroker_collection *collection = NULL;
	DBusMessage *reply;
	int error = client_ask(client_of(broker), "Allocate", request, NULL, "oa{sv}", &reply);

	if (error)
		return error;
	error = read_collection(client_of(broker), reply, &collection);
	dbus_message_unref(reply);
	if (!error)
		error = client_fetch_buffers(collection, collection->newest);
	if (error) {
		dmabroker_collection_release(collection);
		return error;
	}
	*ret_collection = collection;
	return 0;
}
