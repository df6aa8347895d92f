/* SPDX-License-Identifier: MIT */
/* A connection or server of libdbus in our event loop. */
#ifndef BUS_LOOP_H
#define BUS_LOOP_H

#include <stdbool.h>

struct DBusConnection;
struct DBusServer;
struct bus_watch;
struct loop;

/* A member of what owns the connection or server. */
struct bus_loop {
	struct loop *loop;
	/* Something has happened at an fd or timeout, and libdbus has handled it. */
	void (*on_activity)(void *data);
	void *data;
	/* our own */
	bool paused;
	struct bus_watch *watches; /* bus_watch.next */
};

/* `glue` is borrowed until bus_loop_detach_...; its loop, on_activity and data are set. Errors:
 * -ENOMEM; nothing is attached then. */
int bus_loop_attach_connection(struct bus_loop *glue, struct DBusConnection *connection);
int bus_loop_attach_server(struct bus_loop *glue, struct DBusServer *server);

void bus_loop_detach_connection(struct DBusConnection *connection);
void bus_loop_detach_server(struct DBusServer *server);

/* Watches no fd until it goes on. */
void bus_loop_pause(struct bus_loop *glue);
void bus_loop_resume(struct bus_loop *glue);

#endif
