/* SPDX-License-Identifier: MIT */
/* The connection to a daemon: what client.c gives to the other files client-*.c. */
#ifndef CLIENT_H
#define CLIENT_H

#include <dbus/dbus.h>

#include "libclient/internal.h"

#define CLIENT_CALL_MS 30000
#define CLIENT_LIST_MS 10000
#define CLIENT_FAREWELL_MS 2000

/* A signal that waits for dmabroker_dispatch. */
struct client_signal {
	DBusMessage *message; /* owned */
	struct client_signal *next;
};

struct client {
	struct dmabroker base;
	DBusConnection *connection;
	const char *destination; /* NULL on the direct socket */
	char *owner;		 /* who has the name `destination`; NULL on the direct socket */
	bool gone;		 /* the daemon has left the bus */
	int poll_fd;
	int left_fd; /* raised: something is left to dispatch */
	struct client_signal *signals, **signals_end;
};

static inline struct client *client_of(struct dmabroker *broker)
{
	return (struct client *)broker; /* its first member */
}

/* A method call to the daemon that answered first, not to one that may follow it. Returns owned;
 * NULL: no memory. */
DBusMessage *client_new_call(const struct client *client, const char *path, const char *interface,
			     const char *method);

/* Sends `call` (taken; NULL: -ENOMEM) and waits. Returns owned a reply that is no error. Errors: as
 * the public functions', noted in the handle. */
int client_call(struct client *client, DBusMessage *call, int timeout_ms, DBusMessage **ret_reply);

/* Sends `call` (taken; NULL: -ENOMEM) without waiting. Returns owned what stands for its answer,
 * which may take for ever. */
int client_begin_call(struct client *client, DBusMessage *call, DBusPendingCall **ret_pending);

/* Waits for the answer of `pending` (borrowed), `timeout_ms` at most, negative: without an end.
 * Errors: -ETIMEDOUT, -ENOTCONN. */
int client_await(struct client *client, DBusPendingCall *pending, int timeout_ms);

/* Takes `pending`, whose answer is there. Returns owned a reply that is no error. Errors: as
 * client_call. */
int client_finish_call(struct client *client, DBusPendingCall *pending, DBusMessage **ret_reply);

/* Sends `call` (taken) that wants no answer, if the daemon has not gone. Waits for it to be written
 * if `farewell`. */
void client_send(struct client *client, DBusMessage *call, bool farewell);

/* The reply (taken) cannot be read. Returns -EPROTO. */
int client_wrong_form(struct client *client, DBusMessage *reply);

/*
 * Ends the reading of a list: takes the reply, and `list`, which was read from it with `error`.
 * Returns the error, -EPROTO with its text for a reply that cannot be read, or 0 with the list
 * owned.
 */
int client_end_list(struct client *client, DBusMessage *reply, int error, struct handle_list *list,
		    struct dmabroker_record ***ret_records, size_t *ret_len);

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

/* Calls a method of the Manager with a request and, unless NULL, a number. Returns owned a reply of
 * this signature. */
int client_ask(struct client *client, const char *method, const struct request *request,
	       const dbus_uint32_t *number, const char *signature, DBusMessage **ret_reply);

/* Fetches the buffers of a generation. Errors: -EAGAIN (the broker has a newer one already). */
int client_fetch_buffers(struct dmabroker_collection *collection, struct generation *generation);

/* ---- client-negotiate.c ---- */

int client_create_collection(struct dmabroker *broker, const struct request *request,
			     unsigned int tokens, struct dmabroker_collection **ret_collection);
int client_bind(struct dmabroker *broker, const char *token,
		struct dmabroker_collection **ret_collection);
int client_list_collections(struct dmabroker *broker, struct dmabroker_record ***ret_records,
			    size_t *ret_len);
void client_release(struct dmabroker_collection *collection);
int client_create_tokens(struct dmabroker_collection *collection, unsigned int count);
int client_speak(struct dmabroker_collection *collection, const struct request *request);
int client_wait(struct dmabroker_collection *collection, int timeout_ms);
int client_get_status(struct dmabroker_collection *collection,
		      struct collection_record **ret_status);
int client_renegotiate(struct dmabroker_collection *collection, const struct request *changes);
int client_report(struct dmabroker_collection *collection, const char *participant, int errnum);
int client_hand_over(struct dmabroker_collection *collection);
int client_cancel(struct dmabroker_collection *collection);

/* Tells the application what a signal says, if it is one of a collection. */
void client_hear_collection(struct client *client, DBusMessage *signal);

#endif
