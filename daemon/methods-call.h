/* SPDX-License-Identifier: MIT */
/* A call while it is answered: what the files of the methods share. */
#ifndef METHODS_CALL_H
#define METHODS_CALL_H

#include "daemon/methods-append.h"
#include "daemon/methods-objects.h"
#include "daemon/methods.h"

/* What a handler returns that answers later, or not at all. */
#define HANDLE_LATER 1

struct methods {
	struct broker *broker;
	void (*broadcast)(void *data, struct DBusMessage *signal);
	void *data;
	bool settled;
};

struct call {
	struct methods *methods;
	struct subject subject;
	struct peer *peer; /* NULL: not known, and not needed */
	struct DBusConnection *connection;
	struct DBusMessage *message;
	uint64_t serial; /* of fds in the reply; 0: none */
};

/* Reads the record of the group request that a call begins with. Returns owned. */
int methods_read_request(const struct call *call, struct error *error,
			 struct request **ret_request);

/* Returns owned the answer whose arguments `fill` appends. Errors: -ENOMEM. */
int methods_reply_with(const struct call *call, append_fn fill, const void *data,
		       struct DBusMessage **ret_reply);

/* Takes the reply; NULL: there was no memory for it. */
bool methods_send_reply(struct DBusConnection *connection, struct DBusMessage *call,
			struct DBusMessage *reply);

#endif
