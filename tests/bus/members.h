/* SPDX-License-Identifier: MIT */
/* A daemon with made-up devices and heaps, and calls of the members of collections. */
#ifndef MEMBERS_H
#define MEMBERS_H

#include "tests/bus/harness.h"

#define FOURCC_XR24 0x34325258u
#define FOURCC_NV12 0x3231564eu

/* Fixture; harness_stop ends it. */
void members_start(void);

/* What one participant is. */
struct party {
	const char *name;
	const char *device; /* NULL: the CPU */
	const char *role;
	bool optional;
	uint32_t format;  /* 0: any */
	uint32_t camping; /* 0: not said */
};

/* Calls, not sent. `participants` ends with one without name; NULL: none. */
DBusMessage *new_create(uint32_t deadline_ms, const struct party *participants, uint32_t tokens);
DBusMessage *new_on(const char *path, const char *member);
DBusMessage *new_bind(const char *token);
DBusMessage *new_speak(const char *path, const struct party *participants);
DBusMessage *new_get_buffers(const char *path, uint32_t first, uint32_t count);

/* Opens the record that a call of a collection begins with; closed by request_end. */
void changes_begin(struct request_call *call, const char *path);
void dict_add_parties(DBusMessageIter *dict, const struct party *participants);

/* Creates a collection: its path and tokens. */
struct created {
	char path[64];
	char tokens[16][33];
};
void create(DBusConnection *connection, DBusMessage *call, struct created *ret_created);

/* How the caller's collection stands, in one line: state, then a letter per member (u b s l d),
 * then how many are missing: "waiting sbu 2". Returns false where it is gone. No ck_ inside. */
bool read_status(DBusConnection *connection, const char *path, char *text, size_t size);

/* Waits until it stands like that; fails the test after some seconds. */
void expect_status(DBusConnection *connection, const char *path, const char *wanted);

/* Sends a call whose answer comes later. */
DBusPendingCall *send_later(DBusConnection *connection, DBusMessage *call);

/* Waits for it: "" or the error's name without prefix. `ret_text` (may be NULL) gets the
 * sentence. */
void expect_later(DBusPendingCall *pending, const char *error, const char *text);

/* The collections that the caller may see. */
size_t count_collections(DBusConnection *connection);

#endif
