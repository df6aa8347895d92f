/* SPDX-License-Identifier: MIT */
/*
 * Who is at the other end, on both transports.
 *
 * A struct link is a connection: the one to the bus, or one that came in at the direct socket.
 * Whenever something has happened to a link its `dispatch` is deferred, and only there messages are
 * handled and links end. So no callback of libdbus ever sees its link freed. A link whose answers
 * pile up is not dispatched until its client reads.
 *
 * At the socket the kernel says who connects. On the bus a struct caller stands for each unique
 * name that has called something of its own; the bus is asked once who that is, its calls are held
 * meanwhile, and the caller ends with its name. Any error is taken as a refusal.
 *
 * Traps of libdbus that are dealt with here: bus connections exit the process on disconnect; a
 * server admits only root and its own uid; signals carry any sender's name at the socket and
 * anybody's content on the bus; a message over a limit of ours on the bus would disconnect *us*.
 */
#include "daemon/bus.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus-loop.h"
#include "daemon/bus-socket.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/methods-objects.h"
#include "daemon/methods.h"
#include "daemon/peer.h"
#include "protocol/limits.h"
#include "protocol/wire.h"

#define TURN_MESSAGES 32 /* of one link, before others have their turn */
#define RETRY_MS 100
#define HELD_MAX 256
#define CREDENTIALS_MS 10000
#define KERNEL_FDS_MAX 253 /* in one message, whatever sends it */

/* A connection. */
struct link {
	struct bus *bus;
	DBusConnection *connection;
	struct peer *peer; /* NULL: the bus */
	struct bus_loop glue;
	struct loop_call dispatch;
	struct loop_timer retry;
	struct loop_timer deadline;   /* of the authentication */
	struct link *next, *previous; /* bus.links */
};

/* A call that waits until something is known. */
struct held {
	struct link *link;
	DBusMessage *message;
	struct held *next; /* bus.early or caller.held */
};

struct held_list {
	struct held *first;
};

/* A unique name on the bus. */
struct caller {
	struct bus *bus;
	char *name;
	struct peer *peer;	 /* NULL while the bus is asked */
	DBusPendingCall *asking; /* NULL once it has answered */
	struct held_list held;
	struct caller *next; /* bus.callers */
};

struct bus {
	struct loop *loop;
	struct broker *broker;
	struct methods *methods;
	struct link *links;
	struct link *bus_link; /* NULL: no bus */
	struct caller *callers;
	struct held_list early;	   /* calls that wait for the devices */
	struct bus_socket *socket; /* NULL: none */
	void (*on_lost)(void *data);
	void *data;
	struct loop_call lost;
};

/* ---- calls that wait ---- */

static size_t held_len(const struct held_list *list, const struct link *link, const char *sender)
{
	size_t len = 0;

	for (const struct held *held = list->first; held; held = held->next)
		if (!link || (held->link == link &&
			      (!sender || dbus_message_has_sender(held->message, sender))))
			len++;
	return len;
}

static int hold(struct held_list *list, struct link *link, DBusMessage *message)
{
	struct held *held = calloc(1, sizeof(*held)), **last = &list->first;

	if (!held)
		return -ENOMEM;
	held->link = link;
	held->message = dbus_message_ref(message);
	while (*last)
		last = &(*last)->next;
	*last = held;
	return 0;
}

static struct held *take_held(struct held_list *list)
{
	struct held *first = list->first;

	list->first = NULL;
	return first;
}

static struct held *held_destroy(struct held *held)
{
	struct held *next = held->next;

	dbus_message_unref(held->message);
	free(held);
	return next;
}

/* Forgets the calls of a link. */
static void forget_held(struct held_list *list, const struct link *link)
{
	struct held **place = &list->first;

	while (*place) {
		if ((*place)->link == link)
			*place = held_destroy(*place);
		else
			place = &(*place)->next;
	}
}

static void refuse_held(struct held_list *list, enum error_code code, const char *wanted,
			const char *offered)
{
	struct held *held = take_held(list);

	while (held) {
		methods_refuse(held->link->connection, held->message, code, wanted, offered);
		held = held_destroy(held);
	}
}

/* ---- callers on the bus ---- */

static void offer_held(struct held_list *list);

static struct caller *find_caller(const struct bus *bus, const char *name)
{
	struct caller *caller = bus->callers;

	while (caller && strcmp(caller->name, name) != 0)
		caller = caller->next;
	return caller;
}

static void caller_destroy(struct caller *caller)
{
	struct caller **place = &caller->bus->callers;

	while (*place != caller)
		place = &(*place)->next;
	*place = caller->next;
	if (caller->asking) {
		dbus_pending_call_cancel(caller->asking);
		dbus_pending_call_unref(caller->asking);
	}
	forget_held(&caller->held, caller->bus->bus_link);
	peer_destroy(caller->peer);
	free(caller->name);
	free(caller);
}

static bool has_uid(const struct peer *peer, uid_t uid)
{
	return peer && peer_get_uid(peer) == uid;
}

/* Connections and callers that are known: of one user, or all of them. */
static unsigned int count_peers(const struct bus *bus, const uid_t *uid)
{
	unsigned int len = 0;

	for (const struct link *link = bus->links; link; link = link->next)
		len += link->peer && (!uid || has_uid(link->peer, *uid));
	for (const struct caller *caller = bus->callers; caller; caller = caller->next)
		len += !uid || has_uid(caller->peer, *uid);
	return len;
}

/* Reads the uid from the answer of GetConnectionCredentials. */
static int read_uid(DBusMessage *reply, uid_t *ret_uid)
{
	DBusMessageIter iter, entries, entry, value;
	const char *key;
	dbus_uint32_t uid;

	if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_METHOD_RETURN ||
	    !dbus_message_has_signature(reply, "a{sv}"))
		return -EPROTO;
	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_recurse(&iter, &entries);
	for (; dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY;
	     dbus_message_iter_next(&entries)) {
		dbus_message_iter_recurse(&entries, &entry);
		dbus_message_iter_get_basic(&entry, &key);
		dbus_message_iter_next(&entry);
		dbus_message_iter_recurse(&entry, &value);
		if (strcmp(key, "UnixUserID") != 0 ||
		    dbus_message_iter_get_arg_type(&value) != DBUS_TYPE_UINT32)
			continue;
		dbus_message_iter_get_basic(&value, &uid);
		*ret_uid = uid;
		return 0;
	}
	return -ENOENT;
}

/* Makes the caller a peer, or says why not. */
static bool admit_caller(struct caller *caller, DBusMessage *reply)
{
	uid_t uid;

	if (!reply || read_uid(reply, &uid)) {
		log_refusal(LOG_REFUSAL_IDENTITY, (uid_t)-1);
		refuse_held(&caller->held, ERROR_NOT_PERMITTED, "a known user",
			    "the bus does not say who calls");
		return false;
	}
	if (count_peers(caller->bus, &uid) >= LIMIT_CONNECTIONS_PER_USER) {
		log_refusal(LOG_REFUSAL_CONNECTIONS_OF_USER, uid);
		refuse_held(&caller->held, ERROR_QUOTA_EXCEEDED, "one connection more",
			    "all of this user's are in use");
		return false;
	}
	if (peer_create(caller->bus->broker, uid, &caller->peer)) {
		log_refusal(LOG_REFUSAL_MEMORY, uid);
		refuse_held(&caller->held, ERROR_BUSY, NULL, "no memory");
		return false;
	}
	return true;
}

static void on_credentials(DBusPendingCall *pending, void *data)
{
	struct caller *caller = data;
	DBusMessage *reply = dbus_pending_call_steal_reply(pending);

	caller->asking = NULL;
	dbus_pending_call_unref(pending);
	if (admit_caller(caller, reply))
		offer_held(&caller->held);
	else
		caller_destroy(caller);
	if (reply)
		dbus_message_unref(reply);
}

/* Asks the bus who the caller is. */
static int ask_credentials(struct caller *caller)
{
	DBusMessage *question = dbus_message_new_method_call(
		DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "GetConnectionCredentials");
	int error = -ENOMEM;

	if (!question)
		return -ENOMEM;
	if (dbus_message_append_args(question, DBUS_TYPE_STRING, &caller->name,
				     DBUS_TYPE_INVALID) &&
	    dbus_connection_send_with_reply(caller->bus->bus_link->connection, question,
					    &caller->asking, CREDENTIALS_MS) &&
	    caller->asking &&
	    dbus_pending_call_set_notify(caller->asking, on_credentials, caller, NULL))
		error = 0;
	dbus_message_unref(question);
	return error;
}

static int caller_create(struct bus *bus, const char *name, struct caller **ret_caller)
{
	struct caller *caller = calloc(1, sizeof(*caller));
	int error;

	if (!caller)
		return -ENOMEM;
	caller->bus = bus;
	caller->next = bus->callers;
	bus->callers = caller;
	caller->name = strdup(name);
	error = caller->name ? ask_credentials(caller) : -ENOMEM;
	if (error)
		caller_destroy(caller);
	else
		*ret_caller = caller;
	return error;
}

/* Holds a call until it is known who calls. */
static void identify(struct link *link, DBusMessage *message)
{
	struct bus *bus = link->bus;
	const char *sender = dbus_message_get_sender(message);
	struct caller *caller = sender ? find_caller(bus, sender) : NULL;
	int error = 0;

	if (!sender)
		return;
	if (!caller && count_peers(bus, NULL) >= LIMIT_CONNECTIONS) {
		log_refusal(LOG_REFUSAL_CONNECTIONS, (uid_t)-1);
		methods_refuse(link->connection, message, ERROR_BUSY, NULL, "too many clients");
		return;
	}
	if (!caller)
		error = caller_create(bus, sender, &caller);
	if (!error && held_len(&caller->held, NULL, NULL) >= LIMIT_PENDING_CALLS)
		error = -EDQUOT;
	if (!error)
		error = hold(&caller->held, link, message);
	if (error)
		methods_refuse(link->connection, message, ERROR_BUSY, NULL,
			       error == -EDQUOT ? "too many calls at once" : "no memory");
}

/* ---- messages ---- */

static void wait_for_devices(struct link *link, DBusMessage *message)
{
	struct held_list *early = &link->bus->early;
	const char *sender = link->peer ? NULL : dbus_message_get_sender(message);

	if (held_len(early, NULL, NULL) >= HELD_MAX ||
	    held_len(early, link, sender) >= LIMIT_PENDING_CALLS || hold(early, link, message)) {
		log_refusal(LOG_REFUSAL_EARLY_CALLS,
			    link->peer ? peer_get_uid(link->peer) : (uid_t)-1);
		methods_refuse(link->connection, message, ERROR_BUSY, NULL,
			       "too many calls before the devices are known");
	}
}

static void on_call(struct link *link, DBusMessage *message)
{
	const char *sender = dbus_message_get_sender(message);
	struct peer *peer = link->peer;
	struct caller *caller;

	if (!peer) {
		caller = sender ? find_caller(link->bus, sender) : NULL;
		peer = caller ? caller->peer : NULL;
	}
	switch (methods_call(link->bus->methods, peer, link->connection, message)) {
	case METHODS_NEEDS_DEVICES:
		wait_for_devices(link, message);
		break;
	case METHODS_NEEDS_PEER:
		identify(link, message);
		break;
	case METHODS_DONE:
		break;
	}
}

static void offer_held(struct held_list *list)
{
	struct held *held = take_held(list);

	while (held) {
		on_call(held->link, held->message);
		held = held_destroy(held);
	}
}

static void on_name_owner_changed(struct bus *bus, DBusMessage *signal)
{
	const char *name, *old_owner, *new_owner;
	struct caller *caller;

	if (!dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING,
				   &old_owner, DBUS_TYPE_STRING, &new_owner, DBUS_TYPE_INVALID) ||
	    *new_owner)
		return;
	caller = find_caller(bus, name);
	if (caller)
		caller_destroy(caller);
}

/* Only the bus itself is believed. */
static void on_bus_signal(struct bus *bus, DBusMessage *signal)
{
	const char *name;

	if (!dbus_message_has_sender(signal, DBUS_SERVICE_DBUS))
		return;
	if (dbus_message_is_signal(signal, DBUS_INTERFACE_DBUS, "NameOwnerChanged"))
		on_name_owner_changed(bus, signal);
	if (dbus_message_is_signal(signal, DBUS_INTERFACE_DBUS, "NameLost") &&
	    dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID) &&
	    strcmp(name, WIRE_NAME) == 0) {
		log_error("the name " WIRE_NAME " is lost");
		loop_defer(bus->loop, &bus->lost);
	}
}

/* At the socket libdbus ends a connection for it. */
static bool is_too_long(const struct link *link, DBusMessage *message)
{
	return !link->peer && wire_body_bytes(message, LIMIT_MESSAGE_BYTES) > LIMIT_MESSAGE_BYTES;
}

static void refuse_length(struct link *link, DBusMessage *message)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "a message of at most %d bytes", LIMIT_MESSAGE_BYTES);
	methods_refuse(link->connection, message, ERROR_INVALID_REQUEST, wanted, "a longer one");
}

static DBusHandlerResult on_message(DBusConnection *connection, DBusMessage *message, void *data)
{
	struct link *link = data;
	bool is_call = dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_METHOD_CALL;

	(void)connection;
	if (is_call && is_too_long(link, message))
		refuse_length(link, message);
	else if (is_call)
		on_call(link, message);
	else if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL && !link->peer)
		on_bus_signal(link->bus, message);
	return DBUS_HANDLER_RESULT_HANDLED;
}

/* ---- links ---- */

static void link_destroy(struct link *link)
{
	struct bus *bus = link->bus;
	DBusConnection *connection = link->connection;

	dbus_connection_close(connection);
	forget_held(&bus->early, link);
	peer_destroy(link->peer);
	loop_cancel(bus->loop, &link->dispatch);
	loop_stop_timer(bus->loop, &link->retry);
	loop_stop_timer(bus->loop, &link->deadline);
	dbus_connection_set_dispatch_status_function(connection, NULL, NULL, NULL);
	dbus_connection_set_unix_user_function(connection, NULL, NULL, NULL);
	bus_loop_detach_connection(connection);
	dbus_connection_remove_filter(connection, on_message, link);
	dbus_connection_unref(connection);
	/* what libdbus told us meanwhile */
	loop_cancel(bus->loop, &link->dispatch);
	if (link->next)
		link->next->previous = link->previous;
	if (link->previous)
		link->previous->next = link->next;
	else
		bus->links = link->next;
	free(link);
}

static void on_link_ended(struct link *link)
{
	struct bus *bus = link->bus;

	if (link == bus->bus_link) {
		log_error("the bus is gone");
		loop_defer(bus->loop, &bus->lost);
		return;
	}
	link_destroy(link);
}

/* Its answers pile up: no more of them until some have been read. */
static bool is_choked(const struct link *link)
{
	return dbus_connection_get_is_connected(link->connection) &&
	       dbus_connection_get_outgoing_size(link->connection) > LIMIT_MESSAGE_BYTES;
}

static DBusDispatchStatus dispatch_some(struct link *link)
{
	DBusDispatchStatus status = dbus_connection_get_dispatch_status(link->connection);

	for (int i = 0; i < TURN_MESSAGES && status == DBUS_DISPATCH_DATA_REMAINS; i++) {
		if (is_choked(link))
			break;
		status = dbus_connection_dispatch(link->connection);
	}
	return status;
}

static void on_dispatch(void *data)
{
	struct link *link = data;

	switch (dispatch_some(link)) {
	case DBUS_DISPATCH_DATA_REMAINS:
		/* choked: the next event at its fd defers us again */
		if (!is_choked(link))
			loop_defer(link->bus->loop, &link->dispatch);
		break;
	case DBUS_DISPATCH_NEED_MEMORY:
		loop_start_timer(link->bus->loop, &link->retry, RETRY_MS);
		break;
	case DBUS_DISPATCH_COMPLETE:
		if (!dbus_connection_get_is_connected(link->connection))
			on_link_ended(link);
		break;
	}
}

static void on_dispatch_status(DBusConnection *connection, DBusDispatchStatus status, void *data)
{
	struct link *link = data;

	(void)connection;
	(void)status;
	loop_defer(link->bus->loop, &link->dispatch);
}

/* At an fd, at a timeout, or it is time to try again. */
static void on_activity(void *data)
{
	struct link *link = data;

	loop_defer(link->bus->loop, &link->dispatch);
}

static void close_link(struct link *link)
{
	dbus_connection_close(link->connection);
	loop_defer(link->bus->loop, &link->dispatch);
}

static void on_deadline(void *data)
{
	struct link *link = data;

	if (dbus_connection_get_is_authenticated(link->connection))
		return;
	log_refusal(LOG_REFUSAL_AUTHENTICATION, peer_get_uid(link->peer));
	close_link(link);
}

/* Takes a reference of the connection. `peer` (taken) NULL: the bus. */
static int link_create(struct bus *bus, DBusConnection *connection, struct peer *peer,
		       struct link **ret_link)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link) {
		peer_destroy(peer);
		return -ENOMEM;
	}
	link->bus = bus;
	link->connection = dbus_connection_ref(connection);
	link->peer = peer;
	link->glue = (struct bus_loop){.loop = bus->loop, .on_activity = on_activity, .data = link};
	link->dispatch = (struct loop_call){.on_call = on_dispatch, .data = link};
	link->retry = (struct loop_timer){.on_time = on_activity, .data = link};
	link->deadline = (struct loop_timer){.on_time = on_deadline, .data = link};
	link->next = bus->links;
	if (link->next)
		link->next->previous = link;
	bus->links = link;
	if (!dbus_connection_add_filter(connection, on_message, link, NULL) ||
	    bus_loop_attach_connection(&link->glue, connection)) {
		link_destroy(link);
		return -ENOMEM;
	}
	dbus_connection_set_dispatch_status_function(connection, on_dispatch_status, link, NULL);
	loop_defer(bus->loop, &link->dispatch);
	*ret_link = link;
	return 0;
}

/* ---- the bus ---- */

static int fail_bus(DBusError *error, const char *what, int number)
{
	log_error("%s: %s", what, dbus_error_is_set(error) ? error->message : strerror(-number));
	dbus_error_free(error);
	return number;
}

static DBusConnection *open_bus(const char *which, DBusError *error)
{
	DBusConnection *connection;

	if (strcmp(which, "system") == 0)
		return dbus_bus_get_private(DBUS_BUS_SYSTEM, error);
	if (strcmp(which, "session") == 0)
		return dbus_bus_get_private(DBUS_BUS_SESSION, error);
	connection = dbus_connection_open_private(which, error);
	if (connection && !dbus_bus_register(connection, error)) {
		dbus_connection_close(connection);
		dbus_connection_unref(connection);
		return NULL;
	}
	return connection;
}

/* What one sends to us on the bus must not exceed what our end takes, or *we* are disconnected: the
 * limits here are those of the kernel and of libdbus. */
static void set_bus_limits(DBusConnection *connection)
{
	dbus_connection_set_exit_on_disconnect(connection, FALSE);
	dbus_connection_set_max_message_unix_fds(connection, KERNEL_FDS_MAX);
}

static int take_name(DBusConnection *connection, DBusError *error)
{
	static const char match[] = "type='signal',sender='" DBUS_SERVICE_DBUS
				    "',path='" DBUS_PATH_DBUS "',interface='" DBUS_INTERFACE_DBUS
				    "',member='NameOwnerChanged',arg2=''";
	int result;

	dbus_bus_add_match(connection, match, error);
	if (dbus_error_is_set(error))
		return fail_bus(error, "the bus does not tell of clients that end", -EACCES);
	result = dbus_bus_request_name(connection, WIRE_NAME, DBUS_NAME_FLAG_DO_NOT_QUEUE, error);
	if (result < 0)
		return fail_bus(error, "the bus does not give us the name " WIRE_NAME, -EACCES);
	if (result != DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER)
		return fail_bus(error, "the name " WIRE_NAME " is taken", -EEXIST);
	return 0;
}

int bus_connect(struct bus *bus, const char *which)
{
	DBusError error = DBUS_ERROR_INIT;
	DBusConnection *connection = open_bus(which, &error);
	int result;

	if (!connection)
		return fail_bus(&error, "no bus", -ENOTCONN);
	set_bus_limits(connection);
	result = take_name(connection, &error);
	if (!result)
		result = link_create(bus, connection, NULL, &bus->bus_link);
	if (result)
		dbus_connection_close(connection);
	dbus_connection_unref(connection);
	return result;
}

/* ---- the direct socket ---- */

static dbus_bool_t is_connecting_user(DBusConnection *connection, unsigned long uid, void *data)
{
	struct link *link = data;

	(void)connection;
	return uid == peer_get_uid(link->peer);
}

static bool has_room(struct bus *bus, uid_t uid)
{
	if (count_peers(bus, NULL) >= LIMIT_CONNECTIONS) {
		log_refusal(LOG_REFUSAL_CONNECTIONS, uid);
		return false;
	}
	if (count_peers(bus, &uid) >= LIMIT_CONNECTIONS_PER_USER) {
		log_refusal(LOG_REFUSAL_CONNECTIONS_OF_USER, uid);
		return false;
	}
	return true;
}

static void on_connection(void *data, DBusConnection *connection, uid_t uid)
{
	struct bus *bus = data;
	struct peer *peer;
	struct link *link;

	if (!has_room(bus, uid))
		return;
	if (peer_create(bus->broker, uid, &peer) || link_create(bus, connection, peer, &link)) {
		log_refusal(LOG_REFUSAL_MEMORY, uid);
		return;
	}
	dbus_connection_set_unix_user_function(connection, is_connecting_user, link, NULL);
	loop_start_timer(bus->loop, &link->deadline, LIMIT_AUTHENTICATION_MS);
}

int bus_listen(struct bus *bus, const char *path)
{
	return bus_socket_create(bus->loop, path, on_connection, bus, &bus->socket);
}

/* ---- both ---- */

/* A client that leaves even signals unread for long is no client. */
static void send_signal(struct link *link, DBusMessage *signal)
{
	DBusMessage *copy;

	if (!dbus_connection_get_is_authenticated(link->connection))
		return;
	if (dbus_connection_get_outgoing_size(link->connection) > LIMIT_MESSAGE_BYTES_OUT) {
		log_refusal(LOG_REFUSAL_SLOW, link->peer ? peer_get_uid(link->peer) : 0);
		close_link(link);
		return;
	}
	copy = dbus_message_copy(signal);
	if (!copy || !dbus_connection_send(link->connection, copy, NULL))
		log_refusal(LOG_REFUSAL_MEMORY, link->peer ? peer_get_uid(link->peer) : 0);
	if (copy)
		dbus_message_unref(copy);
}

static void broadcast(void *data, DBusMessage *signal)
{
	struct bus *bus = data;

	for (struct link *link = bus->links; link; link = link->next)
		send_signal(link, signal);
}

static void on_lost(void *data)
{
	struct bus *bus = data;

	bus->on_lost(bus->data);
}

int bus_create(struct loop *loop, struct broker *broker, void (*on_bus_lost)(void *data),
	       void *data, struct bus **ret_bus)
{
	struct bus *bus = calloc(1, sizeof(*bus));
	int error;

	if (!bus)
		return -ENOMEM;
	bus->loop = loop;
	bus->broker = broker;
	bus->on_lost = on_bus_lost;
	bus->data = data;
	bus->lost = (struct loop_call){.on_call = on_lost, .data = bus};
	error = methods_create(broker, broadcast, bus, &bus->methods);
	if (error) {
		free(bus);
		return error;
	}
	*ret_bus = bus;
	return 0;
}

void bus_destroy(struct bus *bus)
{
	if (!bus)
		return;
	loop_cancel(bus->loop, &bus->lost);
	bus_socket_destroy(bus->socket);
	while (bus->callers)
		caller_destroy(bus->callers);
	while (bus->links)
		link_destroy(bus->links);
	methods_destroy(bus->methods);
	free(bus);
}

void bus_settle(struct bus *bus)
{
	methods_settle(bus->methods);
	offer_held(&bus->early);
}

void bus_on_change(struct bus *bus, enum broker_change change, const void *descriptor,
		   const void *previous)
{
	methods_on_change(bus->methods, change, descriptor, previous);
}

/* To one client alone, on whichever transport it is. */
static void send_to(struct bus *bus, const struct peer *peer, DBusMessage *signal)
{
	for (struct link *link = bus->links; link; link = link->next)
		if (link->peer == peer)
			send_signal(link, signal);
	for (struct caller *caller = bus->callers; caller; caller = caller->next) {
		if (caller->peer != peer)
			continue;
		if (dbus_message_set_destination(signal, caller->name))
			send_signal(bus->bus_link, signal);
		else
			log_refusal(LOG_REFUSAL_MEMORY, peer_get_uid(peer));
	}
}

void bus_on_collection(struct bus *bus, struct peer *peer, uint64_t number, enum broker_event event,
		       uint32_t generation, const struct error *error)
{
	DBusMessage *signal = subject_new_event(number, event, generation, error);

	if (signal) {
		send_to(bus, peer, signal);
		dbus_message_unref(signal);
	} else {
		log_refusal(LOG_REFUSAL_MEMORY, peer_get_uid(peer));
	}
}
