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

/* A property of an object: one of the table, or (`property` NULL) the fact of a row. */
struct subject_property {
	const struct subject *subject;
	const struct property *property;
	unsigned int fact;
};

/* All properties of an interface ("": of any but Facts) of an object, or those of some rows. */
struct subject_interface {
	const struct subject *subject;
	const char *interface;
	uint64_t rows; /* 0: all */
};

/* The subject of a device's or heap's record; `*ret_path` is the caller's to free. Errors:
 * -ENOMEM. */
int subject_of(struct broker *broker, const void *record, struct subject *ret_subject,
	       char **ret_path);

/* Finds a property of property->subject. False: it has no such property. */
bool subject_find_property(struct subject_property *property, const char *interface,
			   const char *name);

/* append_fn of a struct subject_property: the value as v. */
bool subject_append_property(struct DBusMessageIter *iter, const void *data);

/* append_fn of a struct subject_interface: all values as a{sv}. */
bool subject_append_properties(struct DBusMessageIter *iter, const void *data);

/* append_fn of a struct subject: all devices and heaps as a{oa{sa{sv}}}. */
bool subject_append_managed(struct DBusMessageIter *iter, const void *data);

/*
 * The signals that tell of a device or heap. Return owned; NULL: no memory.
 *
 * That facts have changed (`rows` as of change_find) takes two, because a record of facts has two
 * faces. PropertiesChanged of the interface Device or Heap has the properties that are facts
 * themselves (Node, Name, Driver), and says that whoever keeps the property Facts must get it
 * anew. PropertiesChanged of the interface Facts has the facts themselves, and names those that
 * became absent.
 */
struct DBusMessage *subject_new_added(const struct subject *subject);
struct DBusMessage *subject_new_removed(const struct subject *subject);
struct DBusMessage *subject_new_properties_changed(const struct subject *subject, uint64_t rows);
struct DBusMessage *subject_new_facts_changed(const struct subject *subject, uint64_t rows);

/* The signal that tells a member what happens to its collection. Returns owned; NULL: no memory. */
struct DBusMessage *subject_new_event(uint64_t number, enum broker_event event, uint32_t generation,
				      const struct error *error);

#endif
