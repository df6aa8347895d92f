/* SPDX-License-Identifier: MIT */
/*
 * The connection: calls that wait for their answer, and signals that wait for dmabroker_dispatch.
 *
 * libdbus reads everything that arrives while a call waits, signals too; the socket is then silent
 * although there is something to dispatch. So the fd that the application polls is an epoll of the
 * socket and of an eventfd, which is raised after a call that left something behind.
 *
 * Callbacks are called by dmabroker_dispatch only. So signals that libdbus dispatches while a call
 * waits are kept in a list. They count as unread for libdbus' own limit until they are handled.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "libclient/client.h"
#include "protocol/wire.h"

#define CONNECT_TIMEOUT_MS 5000

/* where the specification of D-Bus has it */
#define SYSTEM_BUS_ADDRESS "unix:path=/var/run/dbus/system_bus_socket"

/* ---- calls ---- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_connected(struct client *client)
{
	return !client->gone && dbus_connection_get_is_connected(client->connection);
}

static int say_gone(struct client *client)
{
	return handle_fail(&client->base, -ENOTCONN, "the broker has closed the connection");
}

/*
 * Has libdbus read and write until `done`. False: the connection or the time came to its end.
 * libdbus itself waits without an end for a peer that does not authenticate or does not read, in
 * dbus_connection_flush and in every call that blocks.
 */
static bool run_until(struct client *client, bool (*done)(struct client *client),
		      int64_t deadline_ms)
{
	while (!done(client)) {
		int64_t left = deadline_ms - now_ms();

		if (left <= 0 || !dbus_connection_read_write(client->connection, (int)left))
			return done(client);
	}
	return true;
}

static bool is_authenticated(struct client *client)
{
	return dbus_connection_get_is_authenticated(client->connection);
}

static bool is_written(struct client *client)
{
	return !dbus_connection_has_messages_to_send(client->connection);
}

/* Whether the answer that a collection waits for has come while something else was waited for. */
static bool has_answer(const struct client *client)
{
	for (const struct dmabroker_collection *collection = client->base.collections; collection;
	     collection = collection->next)
		if (collection->waiting && dbus_pending_call_get_completed(collection->waiting))
			return true;
	return false;
}

/* Raises the eventfd if there is something that nobody has seen. */
static void note_left(struct client *client)
{
	if (client->signals || has_answer(client) ||
	    dbus_connection_get_dispatch_status(client->connection) == DBUS_DISPATCH_DATA_REMAINS)
		eventfd_write(client->left_fd, 1);
}

static int name_reply_error(struct client *client, DBusMessage *reply)
{
	const char *name = dbus_message_get_error_name(reply);
	int number;

	number = wire_read_error(reply, &client->base.error, &client->base.text);
	if (client->base.error.code || !name)
		return number;
	/* libdbus itself says so when the time is over; the bus, when the daemon died meanwhile */
	if (strcmp(name, DBUS_ERROR_NO_REPLY) == 0 || strcmp(name, DBUS_ERROR_TIMEOUT) == 0)
		return is_connected(client) && !dbus_message_get_sender(reply) ? -ETIMEDOUT
									       : -ENOTCONN;
	if (strcmp(name, DBUS_ERROR_SERVICE_UNKNOWN) == 0 ||
	    strcmp(name, DBUS_ERROR_DISCONNECTED) == 0 ||
	    strcmp(name, DBUS_ERROR_NAME_HAS_NO_OWNER) == 0)
		return -ENOTCONN;
	return number;
}

static int begin_call(struct client *client, DBusMessage *call, int timeout_ms,
		      DBusPendingCall **ret_pending)
{
	DBusPendingCall *pending = NULL;
	bool sent;

	handle_forget(&client->base);
	if (!call)
		return -ENOMEM;
	if (client->gone) {
		dbus_message_unref(call);
		return say_gone(client);
	}
	sent = dbus_connection_send_with_reply(client->connection, call, &pending, timeout_ms);
	dbus_message_unref(call);
	if (!sent)
		return -ENOMEM;
	if (!pending)
		return say_gone(client);
	*ret_pending = pending;
	return 0;
}

int client_begin_call(struct client *client, DBusMessage *call, DBusPendingCall **ret_pending)
{
	return begin_call(client, call, DBUS_TIMEOUT_INFINITE, ret_pending);
}

int client_finish_call(struct client *client, DBusPendingCall *pending, DBusMessage **ret_reply)
{
	DBusMessage *reply = dbus_pending_call_steal_reply(pending);
	int error;

	dbus_pending_call_unref(pending);
	if (!reply)
		return -ENOMEM;
	if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_ERROR) {
		*ret_reply = reply;
		return 0;
	}
	error = name_reply_error(client, reply);
	dbus_message_unref(reply);
	return error;
}

int client_call(struct client *client, DBusMessage *call, int timeout_ms, DBusMessage **ret_reply)
{
	int64_t deadline = now_ms() + timeout_ms;
	DBusPendingCall *pending;
	int error = begin_call(client, call, timeout_ms, &pending);

	if (error)
		return error;
	if (!run_until(client, is_written, deadline) && is_connected(client)) {
		dbus_pending_call_cancel(pending);
		dbus_pending_call_unref(pending);
		return handle_fail(&client->base, -ETIMEDOUT, "the broker does not take the call");
	}
	dbus_pending_call_block(pending);
	error = client_finish_call(client, pending, ret_reply);
	note_left(client);
	return error;
}

/* Dispatches what libdbus has; the filter keeps the signals. Returns the number of messages. */
static int dispatch_all(struct client *client)
{
	int handled = 0;

	while (dbus_connection_get_dispatch_status(client->connection) ==
	       DBUS_DISPATCH_DATA_REMAINS) {
		dbus_connection_dispatch(client->connection);
		handled++;
	}
	return handled;
}

/*
 * libdbus completes a call that is not blocked on when its answer is dispatched. An answer that
 * another call has read stands in libdbus' queue, and the socket is silent: so what is there is
 * dispatched before anything is waited for.
 */
int client_await(struct client *client, DBusPendingCall *pending, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms, left = 1;
	bool connected = true;

	dispatch_all(client);
	while (!dbus_pending_call_get_completed(pending) && connected && left) {
		left = timeout_ms < 0 ? -1 : deadline - now_ms();
		if (timeout_ms >= 0 && left < 0)
			left = 0;
		connected = dbus_connection_read_write(client->connection, (int)left);
		dispatch_all(client);
	}
	note_left(client);
	if (dbus_pending_call_get_completed(pending))
		return 0;
	return connected ? -ETIMEDOUT : -ENOTCONN;
}

DBusMessage *client_new_call(const struct client *client, const char *path, const char *interface,
			     const char *method)
{
	return dbus_message_new_method_call(client->owner ? client->owner : client->destination,
					    path, interface, method);
}

void client_send(struct client *client, DBusMessage *call, bool farewell)
{
	if (!client->gone) {
		dbus_message_set_no_reply(call, TRUE);
		dbus_connection_send(client->connection, call, NULL);
		if (farewell)
			run_until(client, is_written, now_ms() + CLIENT_FAREWELL_MS);
	}
	dbus_message_unref(call);
}

int client_wrong_form(struct client *client, DBusMessage *reply)
{
	dbus_message_unref(reply);
	return handle_fail(&client->base, -EPROTO,
			   "the broker's answer has another form than expected");
}

int client_end_list(struct client *client, DBusMessage *reply, int error, struct handle_list *list,
		    struct dmabroker_record ***ret_records, size_t *ret_len)
{
	if (error)
		dmabroker_record_list_destroy(list->records, list->len);
	if (error == -EPROTO)
		return client_wrong_form(client, reply);
	dbus_message_unref(reply);
	if (error)
		return error;
	*ret_records = list->records;
	*ret_len = list->len;
	return 0;
}

/* ---- connecting ---- */

static DBusHandlerResult on_message(DBusConnection *connection, DBusMessage *message, void *data);

static int watch_fds(struct client *client)
{
	struct epoll_event event = {.events = EPOLLIN};
	int socket_fd;

	client->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	client->left_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (client->poll_fd < 0 || client->left_fd < 0)
		return -errno;
	if (!dbus_connection_get_unix_fd(client->connection, &socket_fd))
		return -ENOTCONN;
	if (epoll_ctl(client->poll_fd, EPOLL_CTL_ADD, socket_fd, &event) < 0 ||
	    epoll_ctl(client->poll_fd, EPOLL_CTL_ADD, client->left_fd, &event) < 0)
		return -errno;
	return 0;
}

/* Calls a method without arguments until the deadline. Returns owned the reply. */
static int greet(struct client *client, DBusMessage *call, int64_t deadline_ms,
		 DBusMessage **ret_reply)
{
	int64_t left = deadline_ms - now_ms();
	int error = client_call(client, call, left > 0 ? (int)left : 0, ret_reply);

	return !error || error == -EACCES || error == -ENOMEM ? error : -ENOTCONN;
}

/* What dbus_bus_get_private does, in bounded time. */
static int say_hello(struct client *client, int64_t deadline_ms)
{
	DBusMessage *call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
							 DBUS_INTERFACE_DBUS, "Hello"),
		    *reply;
	int error = greet(client, call, deadline_ms, &reply);

	if (!error)
		dbus_message_unref(reply);
	return error;
}

/* Whether a broker answers at the other end, and who it is. */
static int check_answer(struct client *client, int64_t deadline_ms)
{
	DBusMessage *call = client_new_call(client, WIRE_PATH, DBUS_INTERFACE_PEER, "Ping"), *reply;
	int error = greet(client, call, deadline_ms, &reply);
	const char *sender;

	if (error)
		return error;
	sender = dbus_message_get_sender(reply);
	if (client->destination && sender) {
		client->owner = strdup(sender);
		error = client->owner ? 0 : -ENOMEM;
	}
	dbus_message_unref(reply);
	return error;
}

static int open_connection(struct client *client, const char *address)
{
	DBusError error = DBUS_ERROR_INIT;
	int number = -ENOTCONN;

	if (strcmp(address, "system") == 0) {
		client->destination = WIRE_NAME;
		address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
		if (!address)
			address = SYSTEM_BUS_ADDRESS;
	}
	client->connection = dbus_connection_open_private(address, &error);
	if (client->connection)
		return 0;
	if (dbus_error_has_name(&error, DBUS_ERROR_BAD_ADDRESS))
		number = -EINVAL;
	else if (dbus_error_has_name(&error, DBUS_ERROR_ACCESS_DENIED))
		number = -EACCES;
	dbus_error_free(&error);
	return number;
}

/* Signals arrive unasked on the direct socket. On the bus they are asked for, and so is the end of
 * the daemon, which is no end of the connection there. */
static int subscribe(struct client *client)
{
	if (!dbus_connection_add_filter(client->connection, on_message, client, NULL))
		return -ENOMEM;
	if (!client->destination)
		return 0;
	dbus_bus_add_match(client->connection,
			   "type='signal',sender='" WIRE_NAME
			   "',interface='org.freedesktop.DBus.ObjectManager'",
			   NULL);
	dbus_bus_add_match(client->connection,
			   "type='signal',sender='" WIRE_NAME
			   "',interface='" DBUS_INTERFACE_PROPERTIES "',arg0='" WIRE_FACTS "'",
			   NULL);
	dbus_bus_add_match(client->connection,
			   "type='signal',sender='" DBUS_SERVICE_DBUS
			   "',member='NameOwnerChanged',arg0='" WIRE_NAME "'",
			   NULL);
	return 0;
}

static int greet_all(struct client *client, int64_t deadline_ms)
{
	int error = 0;

	if (!run_until(client, is_authenticated, deadline_ms))
		return -ENOTCONN;
	if (client->destination)
		error = say_hello(client, deadline_ms);
	if (!error)
		error = subscribe(client);
	return error ? error : check_answer(client, deadline_ms);
}

static const struct handle_backend daemon_backend;

int client_connect(const char *address, struct dmabroker **ret_broker)
{
	int64_t deadline_ms = now_ms() + CONNECT_TIMEOUT_MS;
	struct client *client = calloc(1, sizeof(*client));
	int error;

	if (!client)
		return -ENOMEM;
	client->base.backend = &daemon_backend;
	client->poll_fd = client->left_fd = -1;
	client->signals_end = &client->signals;
	error = open_connection(client, address);
	if (!error)
		error = watch_fds(client);
	if (!error)
		error = greet_all(client, deadline_ms);
	if (error) {
		dmabroker_disconnect(&client->base);
		return error;
	}
	*ret_broker = &client->base;
	return 0;
}

static void drop_signals(struct client *client)
{
	while (client->signals) {
		struct client_signal *first = client->signals;

		client->signals = first->next;
		dbus_message_unref(first->message);
		free(first);
	}
}

static void disconnect(struct dmabroker *broker)
{
	struct client *client = client_of(broker);

	drop_signals(client);
	if (client->connection) {
		run_until(client, is_written, now_ms() + CLIENT_FAREWELL_MS);
		dbus_connection_close(client->connection);
		dbus_connection_unref(client->connection);
	}
	if (client->poll_fd >= 0)
		close(client->poll_fd);
	if (client->left_fd >= 0)
		close(client->left_fd);
	free(client->owner);
}

/* ---- signals ---- */

static int get_fd(struct dmabroker *broker)
{
	struct client *client = client_of(broker);

	return is_connected(client) ? client->poll_fd : say_gone(client);
}

/* Tells the application of the signals there are, in their order. A callback may let more come. */
static void hear_all(struct client *client)
{
	while (client->signals) {
		struct client_signal *first = client->signals;

		client->signals = first->next;
		if (!client->signals)
			client->signals_end = &client->signals;
		client_hear(client, first->message);
		client_hear_collection(client, first->message);
		dbus_message_unref(first->message);
		free(first);
	}
}

static int dispatch(struct dmabroker *broker)
{
	struct client *client = client_of(broker);
	eventfd_t raised;
	int handled = 0;

	eventfd_read(client->left_fd, &raised);
	for (struct client_signal *signal = client->signals; signal; signal = signal->next)
		handled++;
	dbus_connection_read_write(client->connection, 0);
	handled += dispatch_all(client);
	hear_all(client);
	/* what the daemon has said before its end has been told */
	return is_connected(client) ? handled : say_gone(client);
}

/* Another daemon may follow, but it knows nothing of what this one gave. Nor does it get calls that
 * are meant for this one: they are addressed to its own name on the bus. */
static void note_owner(struct client *client, DBusMessage *message)
{
	const char *name, *before, *after;

	if (dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
				  DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID) &&
	    strcmp(name, WIRE_NAME) == 0 && before[0])
		client->gone = true;
}

/* Anybody on the bus may send us a signal that looks like the daemon's. */
static bool is_from_daemon(const struct client *client, DBusMessage *message)
{
	return !client->destination ||
	       (client->owner && dbus_message_has_sender(message, client->owner));
}

static DBusHandlerResult keep_signal(struct client *client, DBusMessage *message)
{
	struct client_signal *signal = calloc(1, sizeof(*signal));

	if (!signal)
		return DBUS_HANDLER_RESULT_NEED_MEMORY; /* libdbus keeps it and tries again */
	signal->message = dbus_message_ref(message);
	*client->signals_end = signal;
	client->signals_end = &signal->next;
	return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static DBusHandlerResult on_message(DBusConnection *connection, DBusMessage *message, void *data)
{
	struct client *client = data;

	(void)connection;
	if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_SIGNAL)
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	if (client->destination && dbus_message_has_sender(message, DBUS_SERVICE_DBUS) &&
	    dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged"))
		note_owner(client, message);
	else if (is_from_daemon(client, message))
		return keep_signal(client, message);
	return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static const struct handle_backend daemon_backend = {
	.destroy = disconnect,
	.get_fd = get_fd,
	.dispatch = dispatch,
	.list = client_list,
	.get_machine = client_get_machine,
	.plan = client_plan,
	.allocate = client_allocate,
	.create_collection = client_create_collection,
	.bind = client_bind,
	.release = client_release,
	.create_tokens = client_create_tokens,
	.speak = client_speak,
	.wait = client_wait,
	.get_status = client_get_status,
	.renegotiate = client_renegotiate,
	.report = client_report,
	.hand_over = client_hand_over,
	.cancel = client_cancel,
};
