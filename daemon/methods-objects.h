/* SPDX-License-Identifier: MIT */
/* The objects: their paths, properties and signals. */
#ifndef METHODS_OBJECTS_H
#define METHODS_OBJECTS_H

#include <stdint.h>

#include "broker/broker.h"
#include "daemon/introspect.h"
#include "daemon/methods-append.h"

struct DBusMessage;

/* The object of a call or signal. */
struct subject {
	struct broker *broker;
	enum introspect_kind kind;
	const char *path;
	const void *record;	       /* of a device or heap; borrowed from the broker */
	uint64_t number;	       /* of a collection */
	struct collection *collection; /* borrowed; NULL until the caller is known */
};

struct property;

/* A property, or all of an interface ("": of any interface), of an object. */
struct subject_property {
	const struct subject *subject;
	const struct property *property;
};

struct subject_interface {
	const struct subject *subject;
	const char *interface;
};

/* The subject of a device's or heap's record; `*ret_path` is the caller's to free. Errors:
 * -ENOMEM. */
int subject_of(struct broker *broker, const void *record, struct subject *ret_subject,
	       char **ret_path);

/* NULL: it has no such property. */
const struct property *subject_find_property(const struct subject *subject, const char *interface,
					     const char *name);

/* append_fn of a struct subject_property: the value as v. */
bool subject_append_property(struct DBusMessageIter *iter, const void *data);

/* append_fn of a struct subject_interface: all values as a{sv}. */
bool subject_append_properties(struct DBusMessageIter *iter, const void *data);

/* append_fn of a struct subject: all devices and heaps as a{oa{sa{sv}}}. */
bool subject_append_managed(struct DBusMessageIter *iter, const void *data);

/* The signal that tells of a change of a device or heap. Returns owned; NULL: no memory. */
struct DBusMessage *subject_new_signal(const struct subject *subject, enum broker_change change);

#endif
