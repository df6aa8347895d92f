/* SPDX-License-Identifier: MIT */
/*
 * Appending to messages. Whatever libdbus is asked to append may fail for want of memory, and a
 * container that was opened must be closed or abandoned. So everything that is appended is a
 * function that says whether it worked, and append_in does the rest.
 */
#ifndef METHODS_APPEND_H
#define METHODS_APPEND_H

#include <stdbool.h>

struct DBusMessageIter;

/* Appends what `data` (borrowed) stands for; false: no memory. */
typedef bool (*append_fn)(struct DBusMessageIter *iter, const void *data);

/* Opens a container (a DBUS_TYPE), has it filled, closes it; `contained` as for libdbus. */
bool append_in(struct DBusMessageIter *iter, int type, const char *contained, append_fn fill,
	       const void *data);

/* Two append_fn: a text, and nothing at all. */
bool append_string(struct DBusMessageIter *iter, const void *text);
bool append_nothing(struct DBusMessageIter *iter, const void *data);

/* The same: a record as a{sv}. */
bool append_record(struct DBusMessageIter *iter, const void *record);

bool append_path(struct DBusMessageIter *iter, const char *path);

#endif
