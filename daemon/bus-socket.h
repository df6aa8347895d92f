/* SPDX-License-Identifier: MIT */
/* The direct socket: where clients connect without a bus. */
#ifndef BUS_SOCKET_H
#define BUS_SOCKET_H

#include <sys/types.h>

struct DBusConnection;
struct bus_socket;
struct loop;

/*
 * Listens at `path` (borrowed until bus_socket_destroy), whose folder is made if it is not there; a
 * socket that nobody listens at is replaced. Has `on_connection` called for each connection, not
 * authenticated yet, with what the kernel says of its user; a connection of which no reference is
 * taken is closed. Returns owned.
 * Errors: -EADDRINUSE (another daemon listens there), or mkdir's, rename's or libdbus's own. The
 * cause has been logged.
 */
int bus_socket_create(struct loop *loop, const char *path,
		      void (*on_connection)(void *data, struct DBusConnection *connection,
					    uid_t uid),
		      void *data, struct bus_socket **ret_socket);

/* Takes the socket (or NULL). Connections stay. */
void bus_socket_destroy(struct bus_socket *socket);

#endif
