/* SPDX-License-Identifier: MIT */
/*
 * libdbus says which fds and timeouts to watch, and toggles them whenever it likes; what it wants
 * is read anew each time. Handling a watch or timeout may remove it, so nothing of it is touched
 * afterwards.
 */
#include "daemon/bus-loop.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/loop.h"

struct bus_watch {
	struct bus_loop *glue;
	struct loop_source source;
	DBusWatch *watch;
	struct bus_watch *next; /* bus_loop.watches */
};

struct bus_timeout {
	struct bus_loop *glue;
	struct loop_timer timer;
	DBusTimeout *timeout;
};

/* ---- watches ---- */

static uint32_t wanted_events(const struct bus_loop *glue, DBusWatch *watch)
{
	unsigned int flags = dbus_watch_get_flags(watch);

	if (glue->paused || !dbus_watch_get_enabled(watch))
		return 0;
	return (flags & DBUS_WATCH_READABLE ? (uint32_t)EPOLLIN : 0) |
	       (flags & DBUS_WATCH_WRITABLE ? (uint32_t)EPOLLOUT : 0);
}

static unsigned int watch_flags(uint32_t events)
{
	return (events & EPOLLIN ? DBUS_WATCH_READABLE : 0u) |
	       (events & EPOLLOUT ? DBUS_WATCH_WRITABLE : 0u) |
	       (events & EPOLLERR ? DBUS_WATCH_ERROR : 0u) |
	       (events & EPOLLHUP ? DBUS_WATCH_HANGUP : 0u);
}

static void on_events(void *data, uint32_t events)
{
	struct bus_watch *watch = data;
	struct bus_loop *glue = watch->glue;

	dbus_watch_handle(watch->watch, watch_flags(events));
	glue->on_activity(glue->data);
}

static dbus_bool_t on_watch_added(DBusWatch *dbus_watch, void *data)
{
	struct bus_loop *glue = data;
	struct bus_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return FALSE;
	watch->glue = glue;
	watch->watch = dbus_watch;
	watch->source = (struct loop_source){.on_events = on_events, .data = watch};
	if (loop_watch(glue->loop, &watch->source, dbus_watch_get_unix_fd(dbus_watch),
		       wanted_events(glue, dbus_watch))) {
		free(watch);
		return FALSE;
	}
	watch->next = glue->watches;
	glue->watches = watch;
	dbus_watch_set_data(dbus_watch, watch, NULL);
	return TRUE;
}

static void on_watch_removed(DBusWatch *dbus_watch, void *data)
{
	struct bus_watch *watch = dbus_watch_get_data(dbus_watch), **place;

	(void)data;
	if (!watch)
		return;
	for (place = &watch->glue->watches; *place != watch; place = &(*place)->next)
		;
	*place = watch->next;
	dbus_watch_set_data(dbus_watch, NULL, NULL);
	loop_stop(watch->glue->loop, &watch->source);
	free(watch);
}

static void update(struct bus_watch *watch)
{
	int error = loop_change(watch->glue->loop, &watch->source,
				wanted_events(watch->glue, watch->watch));

	if (error)
		log_error("an fd cannot be watched any more: %s", strerror(-error));
}

static void on_watch_toggled(DBusWatch *dbus_watch, void *data)
{
	struct bus_watch *watch = dbus_watch_get_data(dbus_watch);

	(void)data;
	if (watch)
		update(watch);
}

static void set_paused(struct bus_loop *glue, bool paused)
{
	glue->paused = paused;
	for (struct bus_watch *watch = glue->watches; watch; watch = watch->next)
		update(watch);
}

void bus_loop_pause(struct bus_loop *glue)
{
	set_paused(glue, true);
}

void bus_loop_resume(struct bus_loop *glue)
{
	set_paused(glue, false);
}

/* ---- timeouts ---- */

static void start(struct bus_timeout *timeout)
{
	loop_start_timer(timeout->glue->loop, &timeout->timer,
			 (uint64_t)dbus_timeout_get_interval(timeout->timeout));
}

static void on_time(void *data)
{
	struct bus_timeout *timeout = data;
	struct bus_loop *glue = timeout->glue;

	start(timeout);
	dbus_timeout_handle(timeout->timeout);
	glue->on_activity(glue->data);
}

static void on_timeout_toggled(DBusTimeout *dbus_timeout, void *data)
{
	struct bus_timeout *timeout = dbus_timeout_get_data(dbus_timeout);

	(void)data;
	if (!timeout)
		return;
	if (dbus_timeout_get_enabled(dbus_timeout))
		start(timeout);
	else
		loop_stop_timer(timeout->glue->loop, &timeout->timer);
}

static dbus_bool_t on_timeout_added(DBusTimeout *dbus_timeout, void *data)
{
	struct bus_timeout *timeout = calloc(1, sizeof(*timeout));

	if (!timeout)
		return FALSE;
	timeout->glue = data;
	timeout->timer = (struct loop_timer){.on_time = on_time, .data = timeout};
	timeout->timeout = dbus_timeout;
	dbus_timeout_set_data(dbus_timeout, timeout, NULL);
	on_timeout_toggled(dbus_timeout, NULL);
	return TRUE;
}

static void on_timeout_removed(DBusTimeout *dbus_timeout, void *data)
{
	struct bus_timeout *timeout = dbus_timeout_get_data(dbus_timeout);

	(void)data;
	if (!timeout)
		return;
	dbus_timeout_set_data(dbus_timeout, NULL, NULL);
	loop_stop_timer(timeout->glue->loop, &timeout->timer);
	free(timeout);
}

/* ---- both, of a connection or of a server ---- */

int bus_loop_attach_connection(struct bus_loop *glue, DBusConnection *connection)
{
	if (dbus_connection_set_watch_functions(connection, on_watch_added, on_watch_removed,
						on_watch_toggled, glue, NULL) &&
	    dbus_connection_set_timeout_functions(connection, on_timeout_added, on_timeout_removed,
						  on_timeout_toggled, glue, NULL))
		return 0;
	bus_loop_detach_connection(connection);
	return -ENOMEM;
}

void bus_loop_detach_connection(DBusConnection *connection)
{
	dbus_connection_set_watch_functions(connection, NULL, NULL, NULL, NULL, NULL);
	dbus_connection_set_timeout_functions(connection, NULL, NULL, NULL, NULL, NULL);
}

int bus_loop_attach_server(struct bus_loop *glue, DBusServer *server)
{
	if (dbus_server_set_watch_functions(server, on_watch_added, on_watch_removed,
					    on_watch_toggled, glue, NULL) &&
	    dbus_server_set_timeout_functions(server, on_timeout_added, on_timeout_removed,
					      on_timeout_toggled, glue, NULL))
		return 0;
	bus_loop_detach_server(server);
	return -ENOMEM;
}

void bus_loop_detach_server(DBusServer *server)
{
	dbus_server_set_watch_functions(server, NULL, NULL, NULL, NULL, NULL);
	dbus_server_set_timeout_functions(server, NULL, NULL, NULL, NULL, NULL);
}
