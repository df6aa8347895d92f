/* SPDX-License-Identifier: MIT */
/* Planning and allocating by a daemon: the request out, the plan and pages of buffers in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/client.h"
#include "protocol/wire.h"

#define BUFFERS_MAX 1024 /* a plan of more is not believed */

static int call_with_request(struct client *client, const char *method,
			     const struct request *request, const char *signature,
			     DBusMessage **ret_reply)
{
	DBusMessage *call = client_new_call(client, WIRE_PATH, WIRE_MANAGER, method), *reply;
	DBusMessageIter iter;
	int error;

	if (!call)
		return -ENOMEM;
	dbus_message_iter_init_append(call, &iter);
	if (wire_append_record(&iter, request)) {
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
	int error = call_with_request(client, "Plan", request, "a{sv}", &reply);

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

/* Takes the buffers of a reply t aa{sv} into the collection, behind those it has. */
static int read_buffers(struct dmabroker_collection *collection, DBusMessageIter *list)
{
	int error = 0;

	while (dbus_message_iter_get_arg_type(list) == DBUS_TYPE_ARRAY && !error) {
		struct buffer_record *record;

		if (collection->buffers_len >= collection->plan->count)
			return -EPROTO;
		/* moves `list` on */
		error = wire_read_record(list, &vocab_buffer, NULL, &record);
		if (error)
			return error == -EINVAL ? -EPROTO : error;
		error = buffer_init(&collection->buffers[collection->buffers_len], collection,
				    record);
		if (error)
			vocab_destroy(record);
		else
			collection->buffers_len++;
	}
	return error;
}

static int fetch_page(struct dmabroker_collection *collection)
{
	struct client *client = client_of(collection->broker);
	DBusMessage *reply,
		*call = client_new_call(client, collection->path, WIRE_COLLECTION, "GetBuffers");
	dbus_uint32_t first = (dbus_uint32_t)collection->buffers_len;
	dbus_uint32_t count = collection->plan->count - first;
	dbus_uint64_t serial;
	DBusMessageIter iter, list;
	int error;

	if (!call || !dbus_message_append_args(call, DBUS_TYPE_UINT32, &first, DBUS_TYPE_UINT32,
					       &count, DBUS_TYPE_INVALID)) {
		if (call)
			dbus_message_unref(call);
		return -ENOMEM;
	}
	error = client_call(client, call, CLIENT_CALL_MS, &reply);
	if (error)
		return error;
	if (!dbus_message_has_signature(reply, "taa{sv}"))
		return client_wrong_form(client, reply);
	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_get_basic(&iter, &serial);
	dbus_message_iter_next(&iter);
	dbus_message_iter_recurse(&iter, &list);
	error = read_buffers(collection, &list);
	if (!error && collection->buffers_len == first)
		error = -EPROTO;
	/* what has come is no longer in flight, whether it can be used or not */
	acknowledge(client, collection->path, serial);
	if (error == -EPROTO)
		return client_wrong_form(client, reply);
	dbus_message_unref(reply);
	return error;
}

static int read_collection(struct dmabroker_collection *collection, DBusMessage *reply)
{
	DBusMessageIter iter;
	const char *path;
	int error;

	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_get_basic(&iter, &path);
	collection->path = strdup(path);
	if (!collection->path)
		return -ENOMEM;
	dbus_message_iter_next(&iter);
	error = wire_read_record(&iter, &vocab_plan, NULL, &collection->plan);
	if (error)
		return error == -EINVAL ? -EPROTO : error;
	if (collection->plan->count > BUFFERS_MAX)
		return -EPROTO;
	collection->buffers = calloc(collection->plan->count ? collection->plan->count : 1,
				     sizeof(collection->buffers[0]));
	return collection->buffers ? 0 : -ENOMEM;
}

int client_allocate(struct dmabroker *broker, const struct request *request,
		    struct dmabroker_collection **ret_collection)
{
	struct dmabroker_collection *collection;
	DBusMessage *reply;
	int error = call_with_request(client_of(broker), "Allocate", request, "oa{sv}", &reply);

	if (error)
		return error;
	collection = calloc(1, sizeof(*collection));
	if (!collection) {
		dbus_message_unref(reply);
		return -ENOMEM;
	}
	collection->broker = broker;
	error = read_collection(collection, reply);
	dbus_message_unref(reply);
	while (!error && collection->buffers_len < collection->plan->count)
		error = fetch_page(collection);
	if (error) {
		dmabroker_collection_release(collection);
		return error;
	}
	*ret_collection = collection;
	return 0;
}

void client_release(struct dmabroker *broker, const char *path)
{
	struct client *client = client_of(broker);
	DBusMessage *call = client_new_call(client, path, WIRE_COLLECTION, "Release");

	if (call)
		client_send(client, call, true);
}
