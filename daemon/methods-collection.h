/* SPDX-License-Identifier: MIT */
/* The methods of collections, those of the Manager that make or find them included. */
#ifndef METHODS_COLLECTION_H
#define METHODS_COLLECTION_H

#include "broker/model/error.h"

struct DBusMessage;
struct call;

typedef int handle_fn(struct call *call, struct error *error, struct DBusMessage **ret_reply);

handle_fn handle_Allocate, handle_CreateCollection, handle_Bind, handle_ListCollections;
handle_fn handle_CreateTokens, handle_Speak, handle_Wait, handle_GetStatus, handle_Renegotiate,
	handle_Report, handle_HandOver, handle_Cancel, handle_GetBuffers, handle_Acknowledge,
	handle_Release;

/* The fds of a reply that never left are not in flight. */
void methods_acknowledge(const struct call *call);

#endif
