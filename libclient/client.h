/* SPDX-License-Identifier: MIT */
/* The connection to a daemon: what client.c gives to client-look.c and client-allocate.c. */
#ifndef CLIENT_H
#define CLIENT_H

#include <dbus/dbus.h>

#include "libclient/internal.h"

#define CLIENT_CALL_MS 30000
#define CLIENT_LIST_MS 10000
#define CLIENT_FAREWELL_MS 2000

struct client {
	struct dmabroker base;
	DBusConnection *connection;
	const char *destination; /* NULL on the direct socket */
	char *owner;		 /* who has the name `destination`; NULL on the direct socket */
	bool gone;		 /* the daemon has left the bus */
	int poll_fd;
	int left_fd; /* raised: signals are left to dispatch */
};

static inline struct client *client_of(struct dmabroker *broker)
{
	return (struct client *)broker; /* its first member */
}

/* A method call to the daemon. Returns owned; NULL: no memory. */
DBusMessage *client_new_call(const struct client *client, const char *path, const char *interface,
			     const char *method);

/* Sends `call` (taken; NULL: -ENOMEM) and waits. Returns owned a reply that is no error. Errors: as
 * the public functions', noted in the handle. */
int client_call(struct client *client, DBusMessage *call, int timeout_ms, DBusMessage **ret_reply);

/* Sends `call` (taken) that wants no answer. Waits for it to be written if `farewell`. */
void client_send(struct client *client, DBusMessage *call, bool farewell);

/* The reply (taken) cannot be read. Returns -EPROTO. */
int client_wrong_form(struct client *client, DBusMessage *reply);

/* ---- client-look.c ---- */

int client_list(struct dmabroker *broker, const struct vocab_group *group,
		struct dmabroker_record ***ret_records, size_t *ret_len);
int client_get_machine(struct dmabroker *broker, struct machine **ret_machine);

/* Tells the application what a signal says, if it is one about devices and heaps. */
void client_hear(struct client *client, DBusMessage *signal);

/* ---- client-allocate.c ---- */

int client_plan(struct dmabroker *broker, const struct request *request, struct plan **ret_plan);
int client_allocate(struct dmabroker *broker, const struct request *request,
		    struct dmabroker_collection **ret_collection);
void client_release(struct dmabroker *broker, const char *path);

#endif
