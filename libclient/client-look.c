/* SPDX-License-Identifier: MIT */
/* What a daemon knows of devices, heaps and the machine, and what it tells of changes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/client.h"
#include "protocol/wire.h"

#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define ID_BYTES 256

/* ---- changes ---- */

/* Gives back the id of a device or heap from its object path: _xx is a byte in hexadecimal. */
static void id_from_path(const char *escaped, char *id, size_t size)
{
	size_t used = 0;

	while (*escaped && used + 1 < size) {
		unsigned int byte;

		if (*escaped == '_' && sscanf(escaped + 1, "%2x", &byte) == 1 && escaped[2]) {
			id[used++] = (char)byte;
			escaped += 3;
		} else {
			id[used++] = *escaped++;
		}
	}
	id[used] = '\0';
}

/* What an object path stands for: "device" or "heap", its id, and its group. NULL: neither. */
static const char *read_path(const char *path, char *id, const struct vocab_group **ret_group)
{
	static const struct {
		const char *prefix;
		const char *kind;
		const struct vocab_group *group;
	} kinds[] = {{WIRE_PATH_DEVICE, "device", &vocab_device},
		     {WIRE_PATH_HEAP, "heap", &vocab_heap}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].prefix);

		if (strncmp(path, kinds[i].prefix, len) != 0)
			continue;
		id_from_path(path + len, id, ID_BYTES);
		*ret_group = kinds[i].group;
		return kinds[i].kind;
	}
	return NULL;
}

static void say_change(struct client *client, enum dmabroker_change change, const char *path)
{
	const struct vocab_group *group;
	char id[ID_BYTES];
	const char *kind = read_path(path, id, &group);

	if (kind && client->base.callback)
		client->base.callback(client->base.callback_data, change, kind, id, NULL);
}

/* InterfacesAdded and InterfacesRemoved: both begin with the object's path. */
static void hear_object(struct client *client, enum dmabroker_change change, DBusMessage *signal)
{
	DBusMessageIter iter;
	const char *path;

	if (!dbus_message_iter_init(signal, &iter) ||
	    dbus_message_iter_get_arg_type(&iter) != DBUS_TYPE_OBJECT_PATH)
		return;
	dbus_message_iter_get_basic(&iter, &path);
	say_change(client, change, path);
}

/* The keys of a group that a signal names; a newer daemon's others are not known here. */
struct keys {
	const struct vocab_group *group;
	const char *names[VOCAB_ROWS_MAX + 1]; /* of the vocabulary; ends with NULL */
	size_t len;
};

static void add_key(struct keys *keys, const char *name)
{
	int row = vocab_find(keys->group, name);

	if (row >= 0 && keys->len < VOCAB_ROWS_MAX)
		keys->names[keys->len++] = keys->group->rows[row].name;
}

static void read_keys(DBusMessageIter *iter, struct keys *keys)
{
	DBusMessageIter list, entry;
	const char *name;

	dbus_message_iter_recurse(iter, &list);
	for (; dbus_message_iter_get_arg_type(&list) != DBUS_TYPE_INVALID;
	     dbus_message_iter_next(&list)) {
		entry = list;
		if (dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_DICT_ENTRY)
			dbus_message_iter_recurse(&list, &entry);
		dbus_message_iter_get_basic(&entry, &name);
		add_key(keys, name);
	}
}

/* PropertiesChanged of the interface Facts: the facts themselves, and those that became absent. */
static void hear_facts(struct client *client, DBusMessage *signal)
{
	const char *path = dbus_message_get_path(signal), *interface, *kind;
	struct keys keys = {0};
	DBusMessageIter iter;
	char id[ID_BYTES];

	if (!path || !dbus_message_has_signature(signal, "sa{sv}as"))
		return;
	dbus_message_iter_init(signal, &iter);
	dbus_message_iter_get_basic(&iter, &interface);
	kind = read_path(path, id, &keys.group);
	if (!kind || strcmp(interface, WIRE_FACTS) != 0 || !client->base.callback)
		return;
	while (dbus_message_iter_next(&iter))
		read_keys(&iter, &keys);
	if (keys.len)
		client->base.callback(client->base.callback_data, DMABROKER_CHANGE_CHANGED, kind,
				      id, keys.names);
}

void client_hear(struct client *client, DBusMessage *signal)
{
	if (dbus_message_is_signal(signal, OBJECT_MANAGER, "InterfacesAdded"))
		hear_object(client, DMABROKER_CHANGE_ADDED, signal);
	else if (dbus_message_is_signal(signal, OBJECT_MANAGER, "InterfacesRemoved"))
		hear_object(client, DMABROKER_CHANGE_REMOVED, signal);
	else if (dbus_message_is_signal(signal, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged"))
		hear_facts(client, signal);
}

/* ---- looking ---- */

/* Reads the property Facts out of the a{sv} of an interface. */
static int read_facts(DBusMessageIter *properties, const struct vocab_group *group,
		      struct handle_list *list)
{
	DBusMessageIter entry, variant;
	struct vocab_head *record;
	const char *name;
	int error;

	for (; dbus_message_iter_get_arg_type(properties) == DBUS_TYPE_DICT_ENTRY;
	     dbus_message_iter_next(properties)) {
		dbus_message_iter_recurse(properties, &entry);
		dbus_message_iter_get_basic(&entry, &name);
		if (strcmp(name, "Facts") != 0)
			continue;
		dbus_message_iter_next(&entry);
		dbus_message_iter_recurse(&entry, &variant);
		if (dbus_message_iter_get_arg_type(&variant) != DBUS_TYPE_ARRAY ||
		    dbus_message_iter_get_element_type(&variant) != DBUS_TYPE_DICT_ENTRY)
			return -EPROTO;
		error = wire_read_record(&variant, group, NULL, &record);
		if (error)
			return error == -ENOMEM ? error : -EPROTO;
		error = handle_list_add(list, record);
		if (error)
			vocab_destroy(record);
		return error;
	}
	return 0;
}

/* Reads the interface `wanted` out of the a{sa{sv}} of an object. */
static int read_object(DBusMessageIter *object, const char *wanted, const struct vocab_group *group,
		       struct handle_list *list)
{
	DBusMessageIter interfaces, interface, properties;
	const char *name;
	int error = 0;

	dbus_message_iter_next(object); /* behind the path */
	dbus_message_iter_recurse(object, &interfaces);
	for (; dbus_message_iter_get_arg_type(&interfaces) == DBUS_TYPE_DICT_ENTRY && !error;
	     dbus_message_iter_next(&interfaces)) {
		dbus_message_iter_recurse(&interfaces, &interface);
		dbus_message_iter_get_basic(&interface, &name);
		if (strcmp(name, wanted) != 0)
			continue;
		dbus_message_iter_next(&interface);
		dbus_message_iter_recurse(&interface, &properties);
		error = read_facts(&properties, group, list);
	}
	return error;
}

static int read_objects(DBusMessage *reply, const char *wanted, const struct vocab_group *group,
			struct handle_list *list)
{
	DBusMessageIter iter, objects, object;
	int error = 0;

	if (!dbus_message_has_signature(reply, "a{oa{sa{sv}}}"))
		return -EPROTO;
	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_recurse(&iter, &objects);
	for (; dbus_message_iter_get_arg_type(&objects) == DBUS_TYPE_DICT_ENTRY && !error;
	     dbus_message_iter_next(&objects)) {
		dbus_message_iter_recurse(&objects, &object);
		error = read_object(&object, wanted, group, list);
	}
	return error;
}

static int by_id(const void *a, const void *b)
{
	const struct dmabroker_record *const *left = a, *const *right = b;

	return strcmp(dmabroker_record_get_string(*left, "id"),
		      dmabroker_record_get_string(*right, "id"));
}

/* Calls for all objects. Returns owned the reply. */
static int get_objects(struct client *client, DBusMessage **ret_reply)
{
	DBusMessage *call = client_new_call(client, WIRE_PATH, OBJECT_MANAGER, "GetManagedObjects");

	return client_call(client, call, CLIENT_LIST_MS, ret_reply);
}

/* The devices or heaps of the reply, in the order of their ids. */
static int read_list(DBusMessage *reply, const struct vocab_group *group, struct handle_list *list)
{
	const char *interface = group == &vocab_device ? WIRE_DEVICE : WIRE_HEAP;
	int error = read_objects(reply, interface, group, list);

	if (!error && list->len)
		qsort(list->records, list->len, sizeof(list->records[0]), by_id);
	return error;
}

int client_list(struct dmabroker *broker, const struct vocab_group *group,
		struct dmabroker_record ***ret_records, size_t *ret_len)
{
	struct client *client = client_of(broker);
	struct handle_list list = {0};
	DBusMessage *reply;
	int error;

	if (group == &vocab_collection)
		return client_list_collections(broker, ret_records, ret_len);
	error = get_objects(client, &reply);
	if (error)
		return error;
	error = read_list(reply, group, &list);
	return client_end_list(client, reply, error, &list, ret_records, ret_len);
}

/* ---- the machine ---- */

/* The machine's own facts. Returns owned. */
static int get_own_facts(struct client *client, struct machine **ret_machine)
{
	DBusMessage *call = client_new_call(client, WIRE_PATH, DBUS_INTERFACE_PROPERTIES, "Get");
	const char *interface = WIRE_MANAGER, *name = "Machine";
	DBusMessageIter iter, variant;
	DBusMessage *reply;
	int error;

	if (call && !dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING,
					      &name, DBUS_TYPE_INVALID)) {
		dbus_message_unref(call);
		return -ENOMEM;
	}
	error = client_call(client, call, CLIENT_LIST_MS, &reply);
	if (error)
		return error;
	if (!dbus_message_has_signature(reply, "v"))
		return client_wrong_form(client, reply);
	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_recurse(&iter, &variant);
	error = wire_read_record(&variant, &vocab_machine, NULL, ret_machine);
	if (error && error != -ENOMEM)
		return client_wrong_form(client, reply);
	dbus_message_unref(reply);
	return error;
}

/* Puts the devices or heaps of the reply into the machine. */
static int put_objects(struct machine *machine, DBusMessage *reply, const struct vocab_group *group)
{
	struct handle_list list = {0};
	int error = read_list(reply, group, &list);

	for (size_t i = 0; i < list.len; i++) {
		if (!error)
			error = machine_put(machine, list.records[i]);
		if (error)
			vocab_destroy(list.records[i]);
	}
	free(list.records);
	return error == -ERANGE ? -EPROTO : error;
}

int client_get_machine(struct dmabroker *broker, struct machine **ret_machine)
{
	struct client *client = client_of(broker);
	struct machine *machine;
	DBusMessage *reply;
	int error = get_own_facts(client, &machine);

	if (error)
		return error;
	error = get_objects(client, &reply);
	if (!error) {
		error = put_objects(machine, reply, &vocab_device);
		if (!error)
			error = put_objects(machine, reply, &vocab_heap);
		if (error == -EPROTO)
			error = client_wrong_form(client, reply);
		else
			dbus_message_unref(reply);
	}
	if (error) {
		vocab_destroy(machine);
		return error;
	}
	*ret_machine = machine;
	return 0;
}
