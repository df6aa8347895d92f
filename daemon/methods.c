/* SPDX-License-Identifier: MIT */
/*
 * A call goes through methods_call: which object (struct subject), which method of it, does the
 * signature fit, is known what the method needs to know (devices, caller); then its handler runs.
 * A handler returns 0 and a reply, HANDLE_LATER, or a negative errno with the details in `error`,
 * from which wire_error makes the reply. Handlers stand in the order of the specification.
 */
#include "daemon/methods.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/change.h"
#include "broker/model/utf8.h"
#include "daemon/log.h"
#include "daemon/methods-append.h"
#include "daemon/methods-call.h"
#include "daemon/methods-collection.h"
#include "daemon/methods-objects.h"
#include "daemon/peer.h"
#include "protocol/limits.h"
#include "protocol/wire.h"

int methods_read_request(const struct call *call, struct error *error, struct request **ret_request)
{
	DBusMessageIter iter;

	dbus_message_iter_init(call->message, &iter);
	return wire_read_record(&iter, &vocab_request, error, ret_request);
}

int methods_create(struct broker *broker, void (*broadcast)(void *data, DBusMessage *signal),
		   void *data, struct methods **ret_methods)
{
	struct methods *methods = calloc(1, sizeof(*methods));

	if (!methods)
		return -ENOMEM;
	methods->broker = broker;
	methods->broadcast = broadcast;
	methods->data = data;
	*ret_methods = methods;
	return 0;
}

void methods_destroy(struct methods *methods)
{
	free(methods);
}

void methods_settle(struct methods *methods)
{
	methods->settled = true;
}

/* Takes the signal; NULL: there was no memory for it. */
static void tell(struct methods *methods, DBusMessage *signal)
{
	if (signal) {
		methods->broadcast(methods->data, signal);
		dbus_message_unref(signal);
	} else {
		log_refusal(LOG_REFUSAL_MEMORY, (uid_t)-1);
	}
}

static void tell_change(struct methods *methods, const struct subject *subject,
			const void *previous)
{
	uint64_t rows = previous ? change_find(subject->record, previous) : UINT64_MAX;

	if (!rows)
		return;
	tell(methods, subject_new_properties_changed(subject, rows));
	tell(methods, subject_new_facts_changed(subject, rows));
}

void methods_on_change(struct methods *methods, enum broker_change change, const void *descriptor,
		       const void *previous)
{
	struct subject subject;
	char *path = NULL;

	if (!methods->settled)
		return;
	if (subject_of(methods->broker, descriptor, &subject, &path))
		log_refusal(LOG_REFUSAL_MEMORY, (uid_t)-1);
	else if (change == BROKER_ADDED)
		tell(methods, subject_new_added(&subject));
	else if (change == BROKER_REMOVED)
		tell(methods, subject_new_removed(&subject));
	else
		tell_change(methods, &subject, previous);
	free(path);
}

/* ---- answering ---- */

/* A connection of our own making can be closed, so that its client learns that an answer is lost;
 * the bus cannot. */
static void give_up(DBusConnection *connection)
{
	log_refusal(LOG_REFUSAL_MEMORY, (uid_t)-1);
	if (!dbus_bus_get_unique_name(connection))
		dbus_connection_close(connection);
}

/* Takes the reply; NULL: there was no memory for it. */
bool methods_send_reply(DBusConnection *connection, DBusMessage *call, DBusMessage *reply)
{
	bool ok = reply != NULL;

	if (ok && !dbus_message_get_no_reply(call))
		ok = dbus_connection_send(connection, reply, NULL);
	if (!ok)
		give_up(connection);
	if (reply)
		dbus_message_unref(reply);
	return ok;
}

void methods_refuse(DBusConnection *connection, DBusMessage *call, enum error_code code,
		    const char *wanted, const char *offered)
{
	struct error error = {0};
	int number = error_set(&error, code, CONSTRAINT_REQUEST, NULL, NULL, wanted, offered);

	methods_send_reply(connection, call, wire_error(call, &error, number));
	error_finish(&error);
}

int methods_reply_with(const struct call *call, append_fn fill, const void *data,
		       DBusMessage **ret_reply)
{
	DBusMessage *reply = dbus_message_new_method_return(call->message);
	DBusMessageIter iter;

	if (!reply)
		return -ENOMEM;
	dbus_message_iter_init_append(reply, &iter);
	if (!fill(&iter, data)) {
		dbus_message_unref(reply);
		return -ENOMEM;
	}
	*ret_reply = reply;
	return 0;
}

static int reply_error(const struct call *call, const char *name, const char *text,
		       DBusMessage **ret_reply)
{
	*ret_reply = dbus_message_new_error(call->message, name, text);
	return *ret_reply ? 0 : -ENOMEM;
}

/* ---- org.dmabroker1.Manager ---- */

static int handle_Plan(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct request *request;
	struct plan *plan;
	int result;

	result = methods_read_request(call, error, &request);
	if (result)
		return result;
	result = broker_plan(call->methods->broker, request, error, &plan);
	if (result)
		return result;
	result = methods_reply_with(call, append_record, plan, ret_reply);
	vocab_destroy(plan);
	return result;
}

/* ---- org.freedesktop.DBus.ObjectManager ---- */

static int handle_GetManagedObjects(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	(void)error;
	return methods_reply_with(call, subject_append_managed, &call->subject, ret_reply);
}

/* ---- org.freedesktop.DBus.Properties ---- */

static int reply_unknown_interface(const struct call *call, const char *interface,
				   DBusMessage **ret_reply)
{
	char text[320];

	snprintf(text, sizeof(text), "%s has no interface %s", call->subject.path, interface);
	utf8_clean(text); /* the caller's string may have been cut */
	return reply_error(call, DBUS_ERROR_UNKNOWN_INTERFACE, text, ret_reply);
}

static bool has_interface(const struct subject *subject, const char *interface)
{
	return introspect_kinds(interface) & subject->kind;
}

/* Finds the property that Get and Set name. Returns 0, and the reply that says no where there is
 * none. */
static int read_property(const struct call *call, struct subject_property *property,
			 DBusMessage **ret_reply)
{
	const char *interface, *name;
	DBusMessageIter iter;
	char text[600];

	dbus_message_iter_init(call->message, &iter);
	dbus_message_iter_get_basic(&iter, &interface);
	dbus_message_iter_next(&iter);
	dbus_message_iter_get_basic(&iter, &name);
	*property = (struct subject_property){.subject = &call->subject};
	if (subject_find_property(property, interface, name))
		return 0;
	if (*interface && !has_interface(&call->subject, interface))
		return reply_unknown_interface(call, interface, ret_reply);
	snprintf(text, sizeof(text), "%s has no such property", call->subject.path);
	return reply_error(call, DBUS_ERROR_UNKNOWN_PROPERTY, text, ret_reply);
}

static int handle_Get(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct subject_property property;
	int result = read_property(call, &property, ret_reply);

	(void)error;
	if (result || *ret_reply)
		return result;
	return methods_reply_with(call, subject_append_property, &property, ret_reply);
}

static int handle_GetAll(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct subject_interface of = {.subject = &call->subject};
	DBusMessageIter iter;

	(void)error;
	dbus_message_iter_init(call->message, &iter);
	dbus_message_iter_get_basic(&iter, &of.interface);
	if (*of.interface && !has_interface(&call->subject, of.interface))
		return reply_unknown_interface(call, of.interface, ret_reply);
	return methods_reply_with(call, subject_append_properties, &of, ret_reply);
}

static int handle_Set(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct subject_property property;
	int result = read_property(call, &property, ret_reply);

	(void)error;
	if (result || *ret_reply)
		return result;
	return reply_error(call, DBUS_ERROR_PROPERTY_READ_ONLY, "all properties are read-only",
			   ret_reply);
}

/* ---- org.freedesktop.DBus.Introspectable ---- */

/* Objects on the way: they are there so that a tool can walk from the root. */
static const struct folder {
	const char *path;
	const char *child; /* NULL: devices, heaps or (untold) collections */
} folders[] = {
	{"/", "org"},
	{"/org", "dmabroker1"},
	{WIRE_PATH "/device", NULL},
	{WIRE_PATH "/heap", NULL},
	{WIRE_PATH "/collection", NULL},
};

struct children {
	const char *names[512];
	char *paths[512];
	size_t len;
};

static int add_records(struct broker *broker, const struct vocab_dicts *records,
		       struct children *children)
{
	struct subject subject;

	for (size_t i = 0; i < records->len && children->len < 512; i++) {
		char **path = &children->paths[children->len];

		if (subject_of(broker, records->items[i], &subject, path))
			return -ENOMEM;
		children->names[children->len++] = strrchr(*path, '/') + 1;
	}
	return 0;
}

static void add_names(const struct subject *subject, struct children *children)
{
	static const char *const below_manager[] = {"device", "heap", "collection"};

	if (subject->kind == OBJECT_MANAGER)
		for (size_t i = 0; i < 3; i++)
			children->names[children->len++] = below_manager[i];
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (folders[i].child && strcmp(folders[i].path, subject->path) == 0)
			children->names[children->len++] = folders[i].child;
}

static int find_children(const struct subject *subject, struct children *children)
{
	const struct machine *machine = broker_get_machine(subject->broker);

	add_names(subject, children);
	if (strcmp(subject->path, WIRE_PATH "/device") == 0)
		return add_records(subject->broker, &machine->devices, children);
	if (strcmp(subject->path, WIRE_PATH "/heap") == 0)
		return add_records(subject->broker, &machine->heaps, children);
	return 0;
}

static int handle_Introspect(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	struct children children = {0};
	char *document = NULL;
	int result = find_children(&call->subject, &children);

	(void)error;
	if (!result) {
		document = introspect_document(call->subject.kind, children.names, children.len);
		result = document ? methods_reply_with(call, append_string, document, ret_reply)
				  : -ENOMEM;
	}
	for (size_t i = 0; i < children.len; i++)
		free(children.paths[i]);
	free(document);
	return result;
}

/* ---- org.freedesktop.DBus, at the socket only ---- */

static int handle_Hello(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	(void)error;
	return methods_reply_with(call, append_string, ":1.1", ret_reply);
}

/* Signals come without being asked for. */
static int handle_AddMatch(struct call *call, struct error *error, DBusMessage **ret_reply)
{
	(void)error;
	return methods_reply_with(call, append_nothing, NULL, ret_reply);
}

/* ---- which object, which method ---- */

enum method_flags {
	NEEDS_PEER = 1 << 0,
	NEEDS_DEVICES = 1 << 1,
	NO_COLLECTION = 1 << 2, /* does not look into the collection */
	NEEDS_REPLY = 1 << 3,	/* does nothing for who wants no answer */
};

static const struct method {
	const char *interface;
	const char *name;
	const char *signature;
	int (*handle)(struct call *call, struct error *error, DBusMessage **ret_reply);
	unsigned int flags;
} methods_table[] = {
	{WIRE_MANAGER, "Plan", "a{sv}", handle_Plan, NEEDS_DEVICES},
	{WIRE_MANAGER, "Allocate", "a{sv}", handle_Allocate,
	 NEEDS_DEVICES | NEEDS_PEER | NEEDS_REPLY},
	{WIRE_MANAGER, "CreateCollection", "a{sv}u", handle_CreateCollection,
	 NEEDS_DEVICES | NEEDS_PEER | NEEDS_REPLY},
	{WIRE_MANAGER, "Bind", "s", handle_Bind, NEEDS_PEER | NEEDS_REPLY},
	{WIRE_MANAGER, "ListCollections", "", handle_ListCollections, NEEDS_PEER},
	{"org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "", handle_GetManagedObjects,
	 NEEDS_DEVICES},
	{DBUS_INTERFACE_PROPERTIES, "Get", "ss", handle_Get, 0},
	{DBUS_INTERFACE_PROPERTIES, "GetAll", "s", handle_GetAll, 0},
	{DBUS_INTERFACE_PROPERTIES, "Set", "ssv", handle_Set, 0},
	{DBUS_INTERFACE_INTROSPECTABLE, "Introspect", "", handle_Introspect, NO_COLLECTION},
	{WIRE_COLLECTION, "CreateTokens", "u", handle_CreateTokens, NEEDS_PEER | NEEDS_REPLY},
	{WIRE_COLLECTION, "Speak", "aa{sv}", handle_Speak, NEEDS_PEER},
	{WIRE_COLLECTION, "Wait", "", handle_Wait, NEEDS_PEER | NEEDS_REPLY},
	{WIRE_COLLECTION, "GetStatus", "", handle_GetStatus, NEEDS_PEER},
	{WIRE_COLLECTION, "Renegotiate", "a{sv}", handle_Renegotiate, NEEDS_PEER},
	{WIRE_COLLECTION, "Report", "suu", handle_Report, NEEDS_PEER},
	{WIRE_COLLECTION, "HandOver", "u", handle_HandOver, NEEDS_PEER},
	{WIRE_COLLECTION, "Cancel", "", handle_Cancel, NEEDS_PEER},
	{WIRE_COLLECTION, "GetBuffers", "uu", handle_GetBuffers, NEEDS_PEER | NEEDS_REPLY},
	{WIRE_COLLECTION, "Acknowledge", "t", handle_Acknowledge, NEEDS_PEER | NO_COLLECTION},
	{WIRE_COLLECTION, "Release", "", handle_Release, NEEDS_PEER},
	{DBUS_INTERFACE_DBUS, "Hello", "", handle_Hello, 0},
	{DBUS_INTERFACE_DBUS, "AddMatch", "s", handle_AddMatch, 0},
	{DBUS_INTERFACE_DBUS, "RemoveMatch", "s", handle_AddMatch, 0},
};

#define METHODS_LEN (sizeof(methods_table) / sizeof(methods_table[0]))

/* "/org/dmabroker1/collection/12": decimal, no zeros in front. */
static bool read_number(const char *path, uint64_t *ret_number)
{
	size_t prefix_len = strlen(WIRE_PATH_COLLECTION);
	size_t len;

	if (strncmp(path, WIRE_PATH_COLLECTION, prefix_len) != 0)
		return false;
	path += prefix_len;
	len = strspn(path, "0123456789");
	if (len < 1 || len > 20 || path[len] || (len > 1 && *path == '0'))
		return false;
	errno = 0;
	*ret_number = strtoull(path, NULL, 10);
	return errno == 0;
}

static int find_record(struct subject *subject, const struct vocab_dicts *records)
{
	struct subject found;
	bool same;
	char *path;

	for (size_t i = 0; i < records->len; i++) {
		if (subject_of(subject->broker, records->items[i], &found, &path))
			return -ENOMEM;
		same = strcmp(path, subject->path) == 0;
		free(path);
		if (same) {
			subject->kind = found.kind;
			subject->record = found.record;
			return 0;
		}
	}
	return -ENOENT;
}

static bool is_folder(const char *path)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (strcmp(folders[i].path, path) == 0)
			return true;
	return false;
}

static bool has_prefix(const char *path, const char *prefix)
{
	return strncmp(path, prefix, strlen(prefix)) == 0;
}

/* Whether the answer depends on the devices that there are: theirs, heaps', and lists of them. */
static bool is_hotplugged(const char *path)
{
	return has_prefix(path, WIRE_PATH "/device") || has_prefix(path, WIRE_PATH "/heap");
}

/* Whether a call came in at the socket: no bus has given this connection a name. */
static bool is_direct(DBusConnection *connection)
{
	return !dbus_bus_get_unique_name(connection);
}

/* Fills in what the path says. Errors: -ENOENT, -ENOMEM. */
static int find_subject(struct subject *subject, bool direct)
{
	const struct machine *machine = broker_get_machine(subject->broker);

	if (strcmp(subject->path, WIRE_PATH) == 0)
		subject->kind = OBJECT_MANAGER;
	else if (is_folder(subject->path))
		subject->kind = OBJECT_FOLDER;
	else if (direct && strcmp(subject->path, DBUS_PATH_DBUS) == 0)
		subject->kind = OBJECT_BUS;
	else if (read_number(subject->path, &subject->number))
		subject->kind = OBJECT_COLLECTION;
	else if (has_prefix(subject->path, WIRE_PATH_DEVICE))
		return find_record(subject, &machine->devices);
	else if (has_prefix(subject->path, WIRE_PATH_HEAP))
		return find_record(subject, &machine->heaps);
	else
		return -ENOENT;
	return 0;
}

static const struct method *find_method(const struct call *call)
{
	const char *interface = dbus_message_get_interface(call->message);
	const char *name = dbus_message_get_member(call->message);

	for (size_t i = 0; i < METHODS_LEN; i++)
		if (strcmp(methods_table[i].name, name) == 0 &&
		    (!interface || strcmp(methods_table[i].interface, interface) == 0) &&
		    introspect_kinds(methods_table[i].interface) & call->subject.kind)
			return &methods_table[i];
	return NULL;
}

static int reply_no_method(const struct call *call, DBusMessage **ret_reply)
{
	const char *interface = dbus_message_get_interface(call->message);
	char text[600];

	if (interface && !has_interface(&call->subject, interface))
		return reply_unknown_interface(call, interface, ret_reply);
	snprintf(text, sizeof(text), "%s has no method %s",
		 interface ? interface : call->subject.path,
		 dbus_message_get_member(call->message));
	return reply_error(call, DBUS_ERROR_UNKNOWN_METHOD, text, ret_reply);
}

static int reply_wrong_signature(const struct call *call, const struct method *method,
				 DBusMessage **ret_reply)
{
	char text[600];

	snprintf(text, sizeof(text), "%s takes (%s), not (%s)", method->name, method->signature,
		 dbus_message_get_signature(call->message));
	return reply_error(call, DBUS_ERROR_INVALID_ARGS, text, ret_reply);
}

static bool needs_collection(const struct call *call, const struct method *method)
{
	return call->subject.kind == OBJECT_COLLECTION && !(method->flags & NO_COLLECTION);
}

static int find_own_collection(struct call *call, struct error *error)
{
	struct broker_client *client;
	int result = peer_get_client(call->peer, &client);

	if (result)
		return result;
	return broker_find_collection(client, call->subject.number, error,
				      &call->subject.collection);
}

static int run_method(struct call *call, const struct method *method, struct error *error,
		      DBusMessage **ret_reply)
{
	int result;

	if (!dbus_message_has_signature(call->message, method->signature))
		return reply_wrong_signature(call, method, ret_reply);
	if (method->flags & NEEDS_REPLY && dbus_message_get_no_reply(call->message))
		return HANDLE_LATER;
	if (needs_collection(call, method)) {
		result = find_own_collection(call, error);
		if (result)
			return result;
	}
	return method->handle(call, error, ret_reply);
}

/* Runs what answers the call, and sends the answer unless it comes later. */
static void answer(struct call *call, const struct method *method, int found)
{
	struct error error = {0};
	DBusMessage *reply = NULL;
	int result;

	if (found == -ENOENT)
		result = reply_error(call, DBUS_ERROR_UNKNOWN_OBJECT, "no such object", &reply);
	else if (found)
		result = found;
	else if (!method)
		result = reply_no_method(call, &reply);
	else
		result = run_method(call, method, &error, &reply);

	if (result < 0)
		reply = wire_error(call->message, &error, result);
	if (result != HANDLE_LATER && !methods_send_reply(call->connection, call->message, reply))
		methods_acknowledge(call);
	error_finish(&error);
}

enum methods_result methods_call(struct methods *methods, struct peer *peer,
				 DBusConnection *connection, DBusMessage *message)
{
	const char *path = dbus_message_get_path(message);
	struct call call = {.methods = methods,
			    .subject = {.broker = methods->broker, .path = path},
			    .peer = peer,
			    .connection = connection,
			    .message = message};
	const struct method *method = NULL;
	int found;

	if (!methods->settled && is_hotplugged(path))
		return METHODS_NEEDS_DEVICES;
	found = find_subject(&call.subject, is_direct(connection));
	if (!found)
		method = find_method(&call);
	if (method && !methods->settled && method->flags & NEEDS_DEVICES)
		return METHODS_NEEDS_DEVICES;
	if (method && !peer && (method->flags & NEEDS_PEER || needs_collection(&call, method)))
		return METHODS_NEEDS_PEER;
	answer(&call, method, found);
	return METHODS_DONE;
}
