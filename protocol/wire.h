/* SPDX-License-Identifier: MIT */
/*
 * Records <-> D-Bus messages, both directions, strict. A record travels as a{sv}; its keys, their
 * types and limits are rows of broker/model/vocabulary.h. In a record of facts each value that is
 * not a list of records travels as (vs): value and origin. What the words mean stands in
 * protocol/org.dmabroker1.xml.
 */
#ifndef WIRE_H
#define WIRE_H

#include <dbus/dbus.h>

#include "broker/model/error.h"
#include "broker/model/vocabulary.h"

#define WIRE_NAME "org.dmabroker1"
#define WIRE_PATH "/org/dmabroker1"
#define WIRE_PATH_DEVICE WIRE_PATH "/device/"
#define WIRE_PATH_HEAP WIRE_PATH "/heap/"
#define WIRE_PATH_COLLECTION WIRE_PATH "/collection/"
#define WIRE_MANAGER "org.dmabroker1.Manager"
#define WIRE_DEVICE "org.dmabroker1.Device"
#define WIRE_HEAP "org.dmabroker1.Heap"
#define WIRE_FACTS "org.dmabroker1.Facts" /* of a device or heap: its facts as properties */
#define WIRE_COLLECTION "org.dmabroker1.Collection"

/*
 * Reads the a{sv} at `iter` into a record of `group` and moves on. Keys that begin with x- are
 * passed over, and so are unknown keys and words of an answer (anything but a request or a
 * participant, with all that is in them). Nothing is allocated beyond the rows' limits, nor, of a
 * request, more than LIMIT_MESSAGE_RECORDS records. Fds become the record's own.
 * Returns owned. Errors, with details: InvalidRequest (unknown, doubled or missing key, wrong type,
 * value outside its limits), NotSupported (a word that is known and not served), TooComplex
 * (records that nest more than PARTICIPANT_DEPTH_MAX deep, or too many); -ENOMEM.
 */
int wire_read_record(DBusMessageIter *iter, const struct vocab_group *group, struct error *error,
		     void *ret_record);

/*
 * Reads the aa{sv} at `iter` into the list of a row of `record`, which has none yet, and moves on.
 * An empty list leaves the row absent. Errors: as wire_read_record.
 */
int wire_read_list(DBusMessageIter *iter, void *record, unsigned int row, struct error *error);

/* How long the body of a message is, in bytes; a number above `max` (and not more of the message is
 * looked at than that takes) where it is longer. */
uint64_t wire_body_bytes(DBusMessage *message, uint64_t max);

/* Appends a record as a{sv}; its fds are duplicated into the message. Errors: -ENOMEM. */
int wire_append_record(DBusMessageIter *iter, const void *record);

/* A row as an element of a set of rows. */
#define WIRE_ROW(row) (UINT64_C(1) << (row))

/* Appends some rows of a record as a{sv}: those that are in the set and have a value. Errors:
 * -ENOMEM. */
int wire_append_rows(DBusMessageIter *iter, const void *record, uint64_t rows);

/* Appends the value of one row as a record holds it: a variant. Errors: -ENOMEM. */
int wire_append_value(DBusMessageIter *iter, const void *record, unsigned int row);

/* Appends records as aa{sv}. Errors: -ENOMEM. */
int wire_append_records(DBusMessageIter *iter, void *const *records, size_t len);

/*
 * The answer to `call` that says `error`: the error's D-Bus name, a sentence for a person, and the
 * details as a{sv}. A plain errno without code becomes org.freedesktop.DBus.Error.Failed.
 * Returns owned; NULL where memory is short.
 */
DBusMessage *wire_error(DBusMessage *call, const struct error *error, int number);

/*
 * Reads an error reply. Returns the negative errno (-EPROTO where the error is none of ours,
 * -ENOMEM); `error` gets code and details, `*ret_text` (owned) the sentence, or NULL.
 */
int wire_read_error(DBusMessage *reply, struct error *error, char **ret_text);

/* The object path of a device or heap: `prefix` and the id with all but [A-Za-z0-9] as _xx.
 * Returns owned; NULL where memory is short. */
char *wire_path(const char *prefix, const char *id);

#endif
