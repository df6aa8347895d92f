/* SPDX-License-Identifier: MIT */
#include "daemon/methods-objects.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/text.h"
#include "daemon/methods-features.h"
#include "protocol/wire.h"

#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

/* ---- properties ---- */

struct property {
	const char *interface;
	const char *name;
	const char *signature;
	bool (*append)(DBusMessageIter *iter, const struct subject *subject, unsigned int row);
	unsigned int row; /* of the record, for append_row */
};

static bool append_version(DBusMessageIter *iter, const struct subject *subject, unsigned int row)
{
	(void)subject;
	(void)row;
	return append_string(iter, DMABROKER_VERSION);
}

static bool append_features(DBusMessageIter *iter, const struct subject *subject, unsigned int row)
{
	(void)subject;
	(void)row;
	return features_append(iter);
}

static bool append_row(DBusMessageIter *iter, const struct subject *subject, unsigned int row)
{
	return append_string(iter, vocab_string(subject->record, row));
}

static bool append_facts(DBusMessageIter *iter, const struct subject *subject, unsigned int row)
{
	(void)row;
	return wire_append_record(iter, subject->record) == 0;
}

/* The machine's own facts: devices and heaps are objects of their own. */
static bool append_machine(DBusMessageIter *iter, const struct subject *subject, unsigned int row)
{
	(void)row;
	return wire_append_rows(iter, broker_get_machine(subject->broker),
				~(WIRE_ROW(MACHINE_DEVICES) | WIRE_ROW(MACHINE_HEAPS))) == 0;
}

static bool append_plan(DBusMessageIter *iter, const struct subject *subject, unsigned int row)
{
	const struct plan *plan = collection_get_plan(subject->collection);

	(void)row;
	return plan ? wire_append_record(iter, plan) == 0
		    : append_in(iter, DBUS_TYPE_ARRAY, "{sv}", append_nothing, NULL);
}

static bool append_plan_row(DBusMessageIter *iter, const struct subject *subject, unsigned int row)
{
	const struct plan *plan = collection_get_plan(subject->collection);
	uint32_t value = plan ? (uint32_t)vocab_number(plan, row) : 0;

	return dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT32, &value);
}

static const struct property properties[] = {
	{WIRE_MANAGER, "Version", "s", append_version, 0},
	{WIRE_MANAGER, "Features", "a{sv}", append_features, 0},
	{WIRE_MANAGER, "Machine", "a{sv}", append_machine, 0},
	{WIRE_DEVICE, "Id", "s", append_row, DEVICE_ID},
	{WIRE_DEVICE, "Node", "s", append_row, DEVICE_NODE},
	{WIRE_DEVICE, "Name", "s", append_row, DEVICE_NAME},
	{WIRE_DEVICE, "Driver", "s", append_row, DEVICE_DRIVER},
	{WIRE_DEVICE, "Facts", "a{sv}", append_facts, 0},
	{WIRE_HEAP, "Id", "s", append_row, HEAP_ID},
	{WIRE_HEAP, "Node", "s", append_row, HEAP_NODE},
	{WIRE_HEAP, "Facts", "a{sv}", append_facts, 0},
	{WIRE_COLLECTION, "Plan", "a{sv}", append_plan, 0},
	{WIRE_COLLECTION, "Generation", "u", append_plan_row, PLAN_GENERATION},
	{WIRE_COLLECTION, "Count", "u", append_plan_row, PLAN_COUNT},
};

#define PROPERTIES_LEN (sizeof(properties) / sizeof(properties[0]))

/* Whether a property is one of the object's, and of this interface ("": of any). */
static bool property_fits(const struct property *property, const struct subject *subject,
			  const char *interface)
{
	return introspect_kinds(property->interface) & subject->kind &&
	       (!*interface || strcmp(property->interface, interface) == 0);
}

/* The interface of which every fact is a property, by its key. */
static bool has_facts(const struct subject *subject)
{
	return introspect_kinds(WIRE_FACTS) & subject->kind;
}

static bool fill_value(DBusMessageIter *iter, const void *data)
{
	const struct subject_property *of = data;

	return of->property->append(iter, of->subject, of->property->row);
}

bool subject_append_property(DBusMessageIter *iter, const void *data)
{
	const struct subject_property *of = data;

	if (!of->property)
		return wire_append_value(iter, of->subject->record, of->fact) == 0;
	return append_in(iter, DBUS_TYPE_VARIANT, of->property->signature, fill_value, of);
}

static bool fill_property_entry(DBusMessageIter *iter, const void *data)
{
	const struct subject_property *of = data;

	return append_string(iter, of->property->name) && subject_append_property(iter, of);
}

/* Whether a property of a device or heap is one row, and that one has changed. */
static bool is_changed(const struct property *property, uint64_t rows)
{
	return property->append == append_row && rows & WIRE_ROW(property->row);
}

static bool fill_properties(DBusMessageIter *iter, const void *data)
{
	const struct subject_interface *of = data;
	struct subject_property property = {.subject = of->subject};

	for (size_t i = 0; i < PROPERTIES_LEN; i++) {
		property.property = &properties[i];
		if (property_fits(&properties[i], of->subject, of->interface) &&
		    (!of->rows || is_changed(&properties[i], of->rows)) &&
		    !append_in(iter, DBUS_TYPE_DICT_ENTRY, NULL, fill_property_entry, &property))
			return false;
	}
	return true;
}

bool subject_append_properties(DBusMessageIter *iter, const void *data)
{
	const struct subject_interface *of = data;

	if (strcmp(of->interface, WIRE_FACTS) == 0)
		return wire_append_record(iter, of->subject->record) == 0;
	return append_in(iter, DBUS_TYPE_ARRAY, "{sv}", fill_properties, data);
}

static bool find_fact(struct subject_property *property, const char *key)
{
	const struct vocab_head *record = property->subject->record;
	int row = vocab_find(record->group, key);

	if (row < 0 || !vocab_has(record, (unsigned int)row) ||
	    record->group->rows[row].flags & VOCAB_LOCAL)
		return false;
	property->fact = (unsigned int)row;
	return true;
}

bool subject_find_property(struct subject_property *property, const char *interface,
			   const char *name)
{
	if (strcmp(interface, WIRE_FACTS) == 0 && has_facts(property->subject))
		return find_fact(property, name);
	for (size_t i = 0; i < PROPERTIES_LEN && !property->property; i++)
		if (property_fits(&properties[i], property->subject, interface) &&
		    strcmp(properties[i].name, name) == 0)
			property->property = &properties[i];
	return property->property != NULL;
}

/* ---- devices and heaps as objects ---- */

/* The subject of a device's or heap's record; its path is owned by the caller. Errors: -ENOMEM. */
int subject_of(struct broker *broker, const void *record, struct subject *ret_subject,
	       char **ret_path)
{
	bool is_heap = ((const struct vocab_head *)record)->group == &vocab_heap;
	char *path = wire_path(is_heap ? WIRE_PATH_HEAP : WIRE_PATH_DEVICE,
			       vocab_string(record, is_heap ? HEAP_ID : DEVICE_ID));

	if (!path)
		return -ENOMEM;
	*ret_subject = (struct subject){.broker = broker,
					.kind = is_heap ? OBJECT_HEAP : OBJECT_DEVICE,
					.path = path,
					.record = record};
	*ret_path = path;
	return 0;
}

static const char *interface_of(const struct subject *subject)
{
	return subject->kind == OBJECT_HEAP ? WIRE_HEAP : WIRE_DEVICE;
}

static bool fill_interface_entry(DBusMessageIter *iter, const void *data)
{
	const struct subject *subject = data;
	struct subject_interface of = {.interface = interface_of(subject), .subject = subject};

	return append_string(iter, of.interface) && subject_append_properties(iter, &of);
}

static bool fill_interfaces(DBusMessageIter *iter, const void *data)
{
	return append_in(iter, DBUS_TYPE_DICT_ENTRY, NULL, fill_interface_entry, data);
}

static bool fill_object(DBusMessageIter *iter, const void *data)
{
	const struct subject *subject = data;

	return append_path(iter, subject->path) &&
	       append_in(iter, DBUS_TYPE_ARRAY, "{sa{sv}}", fill_interfaces, subject);
}

static bool append_objects(DBusMessageIter *iter, struct broker *broker,
			   const struct vocab_dicts *records)
{
	struct subject subject;
	char *path;
	bool ok = true;

	for (size_t i = 0; i < records->len && ok; i++) {
		if (subject_of(broker, records->items[i], &subject, &path))
			return false;
		ok = append_in(iter, DBUS_TYPE_DICT_ENTRY, NULL, fill_object, &subject);
		free(path);
	}
	return ok;
}

static bool fill_objects(DBusMessageIter *iter, const void *data)
{
	const struct subject *subject = data;
	const struct machine *machine = broker_get_machine(subject->broker);

	return append_objects(iter, subject->broker, &machine->devices) &&
	       append_objects(iter, subject->broker, &machine->heaps);
}

bool subject_append_managed(DBusMessageIter *iter, const void *data)
{
	return append_in(iter, DBUS_TYPE_ARRAY, "{oa{sa{sv}}}", fill_objects, data);
}

/* ---- signals ---- */

static bool fill_interface_name(DBusMessageIter *iter, const void *data)
{
	return append_string(iter, interface_of(data));
}

static bool append_removed(DBusMessageIter *iter, const void *data)
{
	const struct subject *subject = data;

	return append_path(iter, subject->path) &&
	       append_in(iter, DBUS_TYPE_ARRAY, "s", fill_interface_name, subject);
}

static DBusMessage *new_signal(const char *path, const char *interface, const char *member,
			       append_fn body, const void *data)
{
	DBusMessage *signal = dbus_message_new_signal(path, interface, member);
	DBusMessageIter iter;

	if (!signal)
		return NULL;
	dbus_message_iter_init_append(signal, &iter);
	if (body(&iter, data))
		return signal;
	dbus_message_unref(signal);
	return NULL;
}

DBusMessage *subject_new_added(const struct subject *subject)
{
	return new_signal(WIRE_PATH, OBJECT_MANAGER, "InterfacesAdded", fill_object, subject);
}

DBusMessage *subject_new_removed(const struct subject *subject)
{
	return new_signal(WIRE_PATH, OBJECT_MANAGER, "InterfacesRemoved", append_removed, subject);
}

static bool fill_invalidated(DBusMessageIter *iter, const void *data)
{
	(void)data;
	return append_string(iter, "Facts");
}

static bool append_changed_properties(DBusMessageIter *iter, const void *data)
{
	const struct subject_interface *of = data;

	return append_string(iter, of->interface) && subject_append_properties(iter, of) &&
	       append_in(iter, DBUS_TYPE_ARRAY, "s", fill_invalidated, NULL);
}

DBusMessage *subject_new_properties_changed(const struct subject *subject, uint64_t rows)
{
	struct subject_interface of = {
		.subject = subject, .interface = interface_of(subject), .rows = rows};

	return new_signal(subject->path, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged",
			  append_changed_properties, &of);
}

static bool fill_absent(DBusMessageIter *iter, const void *data)
{
	const struct subject_interface *of = data;
	const struct vocab_head *record = of->subject->record;

	for (unsigned int i = 0; i < record->group->rows_len; i++)
		if (of->rows & WIRE_ROW(i) && !vocab_has(record, i) &&
		    !append_string(iter, record->group->rows[i].name))
			return false;
	return true;
}

static bool append_changed_facts(DBusMessageIter *iter, const void *data)
{
	const struct subject_interface *of = data;

	return append_string(iter, of->interface) &&
	       wire_append_rows(iter, of->subject->record, of->rows) == 0 &&
	       append_in(iter, DBUS_TYPE_ARRAY, "s", fill_absent, of);
}

DBusMessage *subject_new_facts_changed(const struct subject *subject, uint64_t rows)
{
	struct subject_interface of = {.subject = subject, .interface = WIRE_FACTS, .rows = rows};

	return new_signal(subject->path, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged",
			  append_changed_facts, &of);
}

/* ---- collections ---- */

/* An event of a collection. */
struct event {
	enum broker_event event;
	uint32_t generation;
	const struct error *error;
};

static bool append_event(DBusMessageIter *iter, const void *data)
{
	const struct event *event = data;
	char name[64];
	char *text;
	bool ok;

	if (event->event != BROKER_ENDED)
		return dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT32, &event->generation);
	text = text_error(event->error);
	snprintf(name, sizeof(name), ERROR_PREFIX "%s", error_rows[event->error->code].name);
	ok = text && append_string(iter, name) && append_string(iter, text);
	free(text);
	return ok;
}

DBusMessage *subject_new_event(uint64_t number, enum broker_event event, uint32_t generation,
			       const struct error *error)
{
	static const char *const names[] = {[BROKER_NEGOTIATED] = "Negotiated",
					    [BROKER_HANDED_OVER] = "HandedOver",
					    [BROKER_ENDED] = "Ended"};
	struct event body = {.event = event, .generation = generation, .error = error};
	char path[sizeof(WIRE_PATH_COLLECTION) + 24];

	snprintf(path, sizeof(path), WIRE_PATH_COLLECTION "%llu", (unsigned long long)number);
	return new_signal(path, WIRE_COLLECTION, names[event], append_event, &body);
}
