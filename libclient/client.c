/* SPDX-License-Identifier: MIT */
/*
 * The connection: calls that wait for their answer, and signals that wait for dmabroker_dispatch.
 *
 * libdbus reads everything that arrives while a call waits, signals too; the socket is then silent
 * although there is something to dispatch. So the fd that the application polls is an epoll of the
 * socket and of an eventfd, which is raised after a call that left signals behind.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <dbus/dbus.h>

#include "broker/model/descriptor.h"
#include "broker/model/text.h"
#include "libclient/internal.h"
#include "protocol/wire.h"

#define CONNECT_TIMEOUT_MS 5000
#define CALL_TIMEOUT_MS 30000
#define LIST_TIMEOUT_MS 10000
#define BUFFERS_MAX 1024 /* a plan of more is not believed */
#define FAREWELL_TIMEOUT_MS 2000

/* where the specification of D-Bus has it */
#define SYSTEM_BUS_ADDRESS "unix:path=/var/run/dbus/system_bus_socket"

struct dmabroker {
	DBusConnection *connection;
	const char *destination; /* NULL on the direct socket */
	bool gone;		 /* the daemon has left the bus */
	int poll_fd;
	int left_fd; /* raised: signals are left to dispatch */
	dmabroker_change_fn callback;
	void *callback_data;
	/* of the last call that failed */
	struct error error;
	char *text;
};

/* ---- errors ---- */

static void forget_error(struct dmabroker *broker)
{
	error_finish(&broker->error);
	free(broker->text);
	broker->text = NULL;
}

int client_fail(struct dmabroker *broker, int number, const char *format, ...)
{
	va_list args;

	forget_error(broker);
	va_start(args, format);
	if (vasprintf(&broker->text, format, args) < 0)
		broker->text = NULL;
	va_end(args);
	return number;
}

const char *dmabroker_get_error(struct dmabroker *broker)
{
	return error_rows[broker->error.code].name;
}

const char *dmabroker_get_error_text(struct dmabroker *broker)
{
	return broker->text ? broker->text : "";
}

const struct dmabroker_record *dmabroker_get_error_details(struct dmabroker *broker)
{
	return (const struct dmabroker_record *)broker->error.details;
}

/* ---- calls ---- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_connected(struct dmabroker *broker)
{
	return !broker->gone && dbus_connection_get_is_connected(broker->connection);
}

static int say_gone(struct dmabroker *broker)
{
	return client_fail(broker, -ENOTCONN, "the broker has closed the connection");
}

/*
 * Has libdbus read and write until `done`. False: the connection or the time came to its end.
 * libdbus itself waits without an end for a peer that does not authenticate or does not read, in
 * dbus_connection_flush and in every call that blocks.
 */
static bool run_until(struct dmabroker *broker, bool (*done)(struct dmabroker *broker),
		      int64_t deadline_ms)
{
	while (!done(broker)) {
		int64_t left = deadline_ms - now_ms();

		if (left <= 0 || !dbus_connection_read_write(broker->connection, (int)left))
			return done(broker);
	}
	return true;
}

static bool is_authenticated(struct dmabroker *broker)
{
	return dbus_connection_get_is_authenticated(broker->connection);
}

static bool is_written(struct dmabroker *broker)
{
	return !dbus_connection_has_messages_to_send(broker->connection);
}

/* Raises the eventfd if libdbus holds signals that nobody has seen. */
static void note_left_signals(struct dmabroker *broker)
{
	if (dbus_connection_get_dispatch_status(broker->connection) == DBUS_DISPATCH_DATA_REMAINS)
		eventfd_write(broker->left_fd, 1);
}

static int name_reply_error(struct dmabroker *broker, DBusMessage *reply)
{
	const char *name = dbus_message_get_error_name(reply);
	int number;

	number = wire_read_error(reply, &broker->error, &broker->text);
	if (broker->error.code || !name)
		return number;
	/* libdbus itself says so when the time is over; the bus, when the daemon died meanwhile */
	if (strcmp(name, DBUS_ERROR_NO_REPLY) == 0 || strcmp(name, DBUS_ERROR_TIMEOUT) == 0)
		return is_connected(broker) && !dbus_message_get_sender(reply) ? -ETIMEDOUT
									       : -ENOTCONN;
	if (strcmp(name, DBUS_ERROR_SERVICE_UNKNOWN) == 0 ||
	    strcmp(name, DBUS_ERROR_DISCONNECTED) == 0 ||
	    strcmp(name, DBUS_ERROR_NAME_HAS_NO_OWNER) == 0)
		return -ENOTCONN;
	return number;
}

/* Sends `call` (taken) and waits. Returns owned a reply that is no error. */
static int call_and_wait(struct dmabroker *broker, DBusMessage *call, int timeout_ms,
			 DBusMessage **ret_reply)
{
	int64_t deadline = now_ms() + timeout_ms;
	DBusPendingCall *pending = NULL;
	DBusMessage *reply;
	int error;

	forget_error(broker);
	if (broker->gone) {
		dbus_message_unref(call);
		return say_gone(broker);
	}
	if (!dbus_connection_send_with_reply(broker->connection, call, &pending, timeout_ms)) {
		dbus_message_unref(call);
		return -ENOMEM;
	}
	dbus_message_unref(call);
	if (!pending)
		return say_gone(broker);
	if (!run_until(broker, is_written, deadline) && is_connected(broker)) {
		dbus_pending_call_cancel(pending);
		dbus_pending_call_unref(pending);
		return client_fail(broker, -ETIMEDOUT, "the broker does not take the call");
	}
	dbus_pending_call_block(pending);
	reply = dbus_pending_call_steal_reply(pending);
	dbus_pending_call_unref(pending);
	note_left_signals(broker);
	if (!reply)
		return -ENOMEM;
	if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_ERROR) {
		*ret_reply = reply;
		return 0;
	}
	error = name_reply_error(broker, reply);
	dbus_message_unref(reply);
	return error;
}

static DBusMessage *new_call(const struct dmabroker *broker, const char *path,
			     const char *interface, const char *method)
{
	return dbus_message_new_method_call(broker->destination, path, interface, method);
}

static int wrong_form(struct dmabroker *broker, DBusMessage *reply)
{
	dbus_message_unref(reply);
	return client_fail(broker, -EPROTO, "the broker's answer has another form than expected");
}

/* ---- connecting ---- */

static DBusHandlerResult on_message(DBusConnection *connection, DBusMessage *message, void *data);

static int watch_fds(struct dmabroker *broker)
{
	struct epoll_event event = {.events = EPOLLIN};
	int socket_fd;

	broker->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	broker->left_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (broker->poll_fd < 0 || broker->left_fd < 0)
		return -errno;
	if (!dbus_connection_get_unix_fd(broker->connection, &socket_fd))
		return -ENOTCONN;
	if (epoll_ctl(broker->poll_fd, EPOLL_CTL_ADD, socket_fd, &event) < 0 ||
	    epoll_ctl(broker->poll_fd, EPOLL_CTL_ADD, broker->left_fd, &event) < 0)
		return -errno;
	return 0;
}

/* Calls a method without arguments until the deadline. Returns owned the reply. */
static int greet(struct dmabroker *broker, DBusMessage *call, int64_t deadline_ms,
		 DBusMessage **ret_reply)
{
	int64_t left = deadline_ms - now_ms();
	int error;

	if (!call)
		return -ENOMEM;
	error = call_and_wait(broker, call, left > 0 ? (int)left : 0, ret_reply);
	return !error || error == -EACCES || error == -ENOMEM ? error : -ENOTCONN;
}

/* What dbus_bus_get_private does, in bounded time. */
static int say_hello(struct dmabroker *broker, int64_t deadline_ms)
{
	DBusMessage *call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
							 DBUS_INTERFACE_DBUS, "Hello"),
		    *reply;
	int error = greet(broker, call, deadline_ms, &reply);

	if (!error)
		dbus_message_unref(reply);
	return error;
}

/* Whether a broker answers at the other end. */
static int check_answer(struct dmabroker *broker, int64_t deadline_ms)
{
	DBusMessage *call = new_call(broker, WIRE_PATH, DBUS_INTERFACE_PEER, "Ping"), *reply;
	int error = greet(broker, call, deadline_ms, &reply);

	if (!error)
		dbus_message_unref(reply);
	return error;
}

static int open_connection(struct dmabroker *broker, const char *address)
{
	DBusError error = DBUS_ERROR_INIT;
	int number = -ENOTCONN;

	if (strcmp(address, "system") == 0) {
		broker->destination = WIRE_NAME;
		address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
		if (!address)
			address = SYSTEM_BUS_ADDRESS;
	}
	broker->connection = dbus_connection_open_private(address, &error);
	if (broker->connection)
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
static int subscribe(struct dmabroker *broker)
{
	if (!dbus_connection_add_filter(broker->connection, on_message, broker, NULL))
		return -ENOMEM;
	if (!broker->destination)
		return 0;
	dbus_bus_add_match(broker->connection,
			   "type='signal',sender='" WIRE_NAME
			   "',interface='org.freedesktop.DBus.ObjectManager'",
			   NULL);
	dbus_bus_add_match(broker->connection,
			   "type='signal',sender='" DBUS_SERVICE_DBUS
			   "',member='NameOwnerChanged',arg0='" WIRE_NAME "'",
			   NULL);
	return 0;
}

static int greet_all(struct dmabroker *broker, int64_t deadline_ms)
{
	int error = 0;

	if (!run_until(broker, is_authenticated, deadline_ms))
		return -ENOTCONN;
	if (broker->destination)
		error = say_hello(broker, deadline_ms);
	if (!error)
		error = subscribe(broker);
	return error ? error : check_answer(broker, deadline_ms);
}

static int connect_to(const char *address, struct dmabroker **ret_broker)
{
	int64_t deadline_ms = now_ms() + CONNECT_TIMEOUT_MS;
	struct dmabroker *broker = calloc(1, sizeof(*broker));
	int error;

	if (!broker)
		return -ENOMEM;
	broker->poll_fd = broker->left_fd = -1;
	error = open_connection(broker, address);
	if (!error)
		error = watch_fds(broker);
	if (!error)
		error = greet_all(broker, deadline_ms);
	if (error) {
		dmabroker_disconnect(broker);
		return error;
	}
	*ret_broker = broker;
	return 0;
}

int dmabroker_connect(const char *address, struct dmabroker **ret_broker)
{
	int error, bus_error;

	if (!address)
		address = getenv("DMABROKER_ADDRESS");
	if (address)
		return connect_to(address, ret_broker);
	error = connect_to("unix:path=" DMABROKER_SOCKET_PATH, ret_broker);
	if (error != -ENOTCONN && error != -EACCES)
		return error;
	bus_error = connect_to("system", ret_broker);
	/* a daemon that refuses us says more than a bus that has none */
	return bus_error == -ENOTCONN ? error : bus_error;
}

void dmabroker_disconnect(struct dmabroker *broker)
{
	if (!broker)
		return;
	if (broker->connection) {
		run_until(broker, is_written, now_ms() + FAREWELL_TIMEOUT_MS);
		dbus_connection_close(broker->connection);
		dbus_connection_unref(broker->connection);
	}
	if (broker->poll_fd >= 0)
		close(broker->poll_fd);
	if (broker->left_fd >= 0)
		close(broker->left_fd);
	forget_error(broker);
	free(broker);
}

/* ---- signals ---- */

int dmabroker_get_fd(struct dmabroker *broker)
{
	if (!is_connected(broker))
		return say_gone(broker);
	return broker->poll_fd;
}

int dmabroker_dispatch(struct dmabroker *broker)
{
	eventfd_t raised;
	int handled = 0;

	eventfd_read(broker->left_fd, &raised);
	if (broker->gone || !dbus_connection_read_write(broker->connection, 0))
		return say_gone(broker);
	while (dbus_connection_get_dispatch_status(broker->connection) ==
	       DBUS_DISPATCH_DATA_REMAINS) {
		dbus_connection_dispatch(broker->connection);
		handled++;
	}
	return broker->gone ? say_gone(broker) : handled;
}

void dmabroker_set_change_callback(struct dmabroker *broker, dmabroker_change_fn callback,
				   void *data)
{
	broker->callback = callback;
	broker->callback_data = data;
}

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

static void say_change(struct dmabroker *broker, enum dmabroker_change change, const char *path)
{
	const char *kind = NULL, *escaped = NULL;
	char id[256];

	if (strncmp(path, WIRE_PATH_DEVICE, strlen(WIRE_PATH_DEVICE)) == 0) {
		kind = "device";
		escaped = path + strlen(WIRE_PATH_DEVICE);
	} else if (strncmp(path, WIRE_PATH_HEAP, strlen(WIRE_PATH_HEAP)) == 0) {
		kind = "heap";
		escaped = path + strlen(WIRE_PATH_HEAP);
	}
	if (!kind || !broker->callback)
		return;
	id_from_path(escaped, id, sizeof(id));
	broker->callback(broker->callback_data, change, kind, id);
}

/* Another daemon may follow, but it knows nothing of what this one gave. */
static void note_owner(struct dmabroker *broker, DBusMessage *message)
{
	const char *name, *before, *after;

	if (dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
				  DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID) &&
	    strcmp(name, WIRE_NAME) == 0 && before[0])
		broker->gone = true;
}

static DBusHandlerResult on_message(DBusConnection *connection, DBusMessage *message, void *data)
{
	struct dmabroker *broker = data;
	enum dmabroker_change change;
	DBusMessageIter iter;
	const char *path;

	(void)connection;
	if (broker->destination && dbus_message_has_sender(message, DBUS_SERVICE_DBUS) &&
	    dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged")) {
		note_owner(broker, message);
		return DBUS_HANDLER_RESULT_HANDLED;
	}
	if (dbus_message_is_signal(message, "org.freedesktop.DBus.ObjectManager",
				   "InterfacesAdded"))
		change = DMABROKER_CHANGE_ADDED;
	else if (dbus_message_is_signal(message, "org.freedesktop.DBus.ObjectManager",
					"InterfacesRemoved"))
		change = DMABROKER_CHANGE_REMOVED;
	else
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	if (!dbus_message_iter_init(message, &iter) ||
	    dbus_message_iter_get_arg_type(&iter) != DBUS_TYPE_OBJECT_PATH)
		return DBUS_HANDLER_RESULT_HANDLED;
	dbus_message_iter_get_basic(&iter, &path);
	say_change(broker, change, path);
	return DBUS_HANDLER_RESULT_HANDLED;
}

/* ---- looking ---- */

struct list {
	struct dmabroker_record **records;
	size_t len;
};

static int list_add(struct list *list, void *record)
{
	struct dmabroker_record **grown =
		realloc(list->records, (list->len + 1) * sizeof(list->records[0]));

	if (!grown)
		return -ENOMEM;
	list->records = grown;
	list->records[list->len++] = record;
	return 0;
}

/* Reads the property Facts out of the a{sv} of an interface. */
static int read_facts(DBusMessageIter *properties, const struct vocab_group *group,
		      struct list *list)
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
		error = list_add(list, record);
		if (error)
			vocab_destroy(record);
		return error;
	}
	return 0;
}

/* Reads the interface `wanted` out of the a{sa{sv}} of an object. */
static int read_object(DBusMessageIter *object, const char *wanted, const struct vocab_group *group,
		       struct list *list)
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
			struct list *list)
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

static int list_objects(struct dmabroker *broker, const char *wanted,
			const struct vocab_group *group, struct dmabroker_record ***ret_records,
			size_t *ret_len)
{
	DBusMessage *reply,
		*call = new_call(broker, WIRE_PATH, "org.freedesktop.DBus.ObjectManager",
				 "GetManagedObjects");
	struct list list = {0};
	int error;

	if (!call)
		return -ENOMEM;
	error = call_and_wait(broker, call, LIST_TIMEOUT_MS, &reply);
	if (error)
		return error;
	error = read_objects(reply, wanted, group, &list);
	if (error) {
		dmabroker_record_list_destroy(list.records, list.len);
		return error == -EPROTO ? wrong_form(broker, reply)
					: (dbus_message_unref(reply), error);
	}
	dbus_message_unref(reply);
	if (list.len)
		qsort(list.records, list.len, sizeof(list.records[0]), by_id);
	*ret_records = list.records;
	*ret_len = list.len;
	return 0;
}

int dmabroker_list_devices(struct dmabroker *broker, struct dmabroker_record ***ret_records,
			   size_t *ret_len)
{
	return list_objects(broker, WIRE_DEVICE, &vocab_device, ret_records, ret_len);
}

int dmabroker_list_heaps(struct dmabroker *broker, struct dmabroker_record ***ret_records,
			 size_t *ret_len)
{
	return list_objects(broker, WIRE_HEAP, &vocab_heap, ret_records, ret_len);
}

void dmabroker_record_list_destroy(struct dmabroker_record **records, size_t len)
{
	for (size_t i = 0; i < len; i++)
		vocab_destroy(records[i]);
	free(records);
}

/* ---- planning and allocating ---- */

static int call_with_request(struct dmabroker *broker, const char *method,
			     const struct dmabroker_record *request, const char *signature,
			     DBusMessage **ret_reply)
{
	DBusMessage *call = new_call(broker, WIRE_PATH, WIRE_MANAGER, method), *reply;
	DBusMessageIter iter;
	int error;

	if (!call)
		return -ENOMEM;
	dbus_message_iter_init_append(call, &iter);
	if (wire_append_record(&iter, request)) {
		dbus_message_unref(call);
		return -ENOMEM;
	}
	error = call_and_wait(broker, call, CALL_TIMEOUT_MS, &reply);
	if (error)
		return error;
	if (!dbus_message_has_signature(reply, signature))
		return wrong_form(broker, reply);
	*ret_reply = reply;
	return 0;
}

int dmabroker_plan(struct dmabroker *broker, const struct dmabroker_record *request,
		   struct dmabroker_record **ret_plan)
{
	DBusMessage *reply;
	DBusMessageIter iter;
	int error = call_with_request(broker, "Plan", request, "a{sv}", &reply);

	if (error)
		return error;
	dbus_message_iter_init(reply, &iter);
	error = wire_read_record(&iter, &vocab_plan, NULL, ret_plan);
	if (error == -EINVAL)
		return wrong_form(broker, reply);
	dbus_message_unref(reply);
	return error;
}

static void acknowledge(struct dmabroker *broker, const char *path, dbus_uint64_t serial)
{
	DBusMessage *call = new_call(broker, path, WIRE_COLLECTION, "Acknowledge");

	if (!call)
		return;
	dbus_message_set_no_reply(call, TRUE);
	if (dbus_message_append_args(call, DBUS_TYPE_UINT64, &serial, DBUS_TYPE_INVALID))
		dbus_connection_send(broker->connection, call, NULL);
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
	struct dmabroker *broker = collection->broker;
	DBusMessage *reply,
		*call = new_call(broker, collection->path, WIRE_COLLECTION, "GetBuffers");
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
	error = call_and_wait(broker, call, CALL_TIMEOUT_MS, &reply);
	if (error)
		return error;
	if (!dbus_message_has_signature(reply, "taa{sv}"))
		return wrong_form(broker, reply);
	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_get_basic(&iter, &serial);
	dbus_message_iter_next(&iter);
	dbus_message_iter_recurse(&iter, &list);
	error = read_buffers(collection, &list);
	if (!error && collection->buffers_len == first)
		error = -EPROTO;
	/* what has come is no longer in flight, whether it can be used or not */
	acknowledge(broker, collection->path, serial);
	if (error == -EPROTO)
		return wrong_form(broker, reply);
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

int dmabroker_allocate(struct dmabroker *broker, const struct dmabroker_record *request,
		       struct dmabroker_collection **ret_collection)
{
	struct dmabroker_collection *collection;
	DBusMessage *reply;
	int error = call_with_request(broker, "Allocate", request, "oa{sv}", &reply);

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
	DBusMessage *call = new_call(broker, path, WIRE_COLLECTION, "Release");

	if (!call)
		return;
	dbus_message_set_no_reply(call, TRUE);
	dbus_connection_send(broker->connection, call, NULL);
	run_until(broker, is_written, now_ms() + FAREWELL_TIMEOUT_MS);
	dbus_message_unref(call);
}
