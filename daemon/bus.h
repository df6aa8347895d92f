/* SPDX-License-Identifier: MIT */
/* The two transports: the message bus and the direct socket, with the same objects on both. */
#ifndef BUS_H
#define BUS_H

#include "broker/broker.h"

struct bus;
struct loop;
struct peer;

/* Has `on_lost` called, once and from the loop, when the bus or our name on it is lost. `loop` and
 * `broker` are borrowed until bus_destroy. Returns owned. Errors: -ENOMEM. */
int bus_create(struct loop *loop, struct broker *broker, void (*on_lost)(void *data), void *data,
	       struct bus **ret_bus);

/* Takes the bus (or NULL): ends all connections, and with them all clients. */
void bus_destroy(struct bus *bus);

/*
 * Connects to "system", "session" or an address, and takes our name. Waits for the bus.
 * Errors: -ENOTCONN (no such bus), -EEXIST (somebody else has the name), -EACCES (the bus does not
 * give it to us), -ENOMEM. The cause has been logged.
 */
int bus_connect(struct bus *bus, const char *which);

/* Listens at `path` (borrowed until bus_destroy). Errors: as bus_socket_create. */
int bus_listen(struct bus *bus, const char *path);

/* The devices are known: answers the calls that have been waiting for that. */
void bus_settle(struct bus *bus);

/* broker_host.on_change */
void bus_on_change(struct bus *bus, enum broker_change change, const void *descriptor,
		   const void *previous);

/* broker_host.on_collection; `peer` is whom to tell */
void bus_on_collection(struct bus *bus, struct peer *peer, uint64_t number, enum broker_event event,
		       uint32_t generation, const struct error *error);

#endif
