/* SPDX-License-Identifier: MIT */
/* The methods, properties and signals of protocol/org.dmabroker1.xml, whatever the transport. */
#ifndef METHODS_H
#define METHODS_H

#include <stdbool.h>

#include "broker/broker.h"

struct DBusConnection;
struct DBusMessage;
struct methods;
struct peer;

/* Has `broadcast` called with each signal (borrowed until the call returns). `broker` is borrowed
 * until methods_destroy. Returns owned. Errors: -ENOMEM. */
int methods_create(struct broker *broker, void (*broadcast)(void *data, struct DBusMessage *signal),
		   void *data, struct methods **ret_methods);

/* Takes the methods (or NULL). No call may be under way. */
void methods_destroy(struct methods *methods);

/* The devices are known: from now on calls that need them are answered and changes announced. */
void methods_settle(struct methods *methods);

/* broker_host.on_change */
void methods_on_change(struct methods *methods, enum broker_change change, const void *descriptor,
		       const void *previous);

/* Why a call has not been answered; offer it again when that has changed. */
enum methods_result { METHODS_DONE, METHODS_NEEDS_PEER, METHODS_NEEDS_DEVICES };

/*
 * Answers a method call, at once or later, or says why not. `peer` NULL: it is not known who calls.
 * Borrows connection and message, and keeps references where the answer comes later.
 */
enum methods_result methods_call(struct methods *methods, struct peer *peer,
				 struct DBusConnection *connection, struct DBusMessage *message);

/* Answers `call` with an error of ours that has one refusal, or one of the bus's names. */
void methods_refuse(struct DBusConnection *connection, struct DBusMessage *call,
		    enum error_code code, const char *wanted, const char *offered);

#endif
