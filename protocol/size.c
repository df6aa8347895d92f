/* SPDX-License-Identifier: MIT */
/*
 * How long a message is. libdbus tells only by making a copy of it, which is no way to find out
 * that it is too long. So this goes through its values as the D-Bus specification lays them out.
 */
#include <string.h>

#include "protocol/wire.h"

struct ruler {
	uint64_t at; /* bytes from the start of the body */
	uint64_t max;
};

static void align(struct ruler *ruler, uint64_t bytes)
{
	ruler->at = (ruler->at + bytes - 1) / bytes * bytes;
}

static uint64_t size_of(int type)
{
	switch (type) {
	case DBUS_TYPE_BYTE:
		return 1;
	case DBUS_TYPE_INT16:
	case DBUS_TYPE_UINT16:
		return 2;
	case DBUS_TYPE_INT64:
	case DBUS_TYPE_UINT64:
	case DBUS_TYPE_DOUBLE:
		return 8;
	default: /* a number, an index of an fd, a length */
		return 4;
	}
}

static uint64_t alignment_of(int type)
{
	switch (type) {
	case DBUS_TYPE_STRUCT:
	case DBUS_TYPE_DICT_ENTRY:
		return 8;
	case DBUS_TYPE_VARIANT:
	case DBUS_TYPE_SIGNATURE:
		return 1;
	default:
		return size_of(type);
	}
}

static void measure_all(struct ruler *ruler, DBusMessageIter *iter);

static void measure_text(struct ruler *ruler, DBusMessageIter *iter, int type)
{
	const char *text;

	dbus_message_iter_get_basic(iter, &text);
	/* its length, the bytes and a zero */
	ruler->at += (type == DBUS_TYPE_SIGNATURE ? 1 : 4) + strlen(text) + 1;
}

static void measure_array(struct ruler *ruler, DBusMessageIter *iter)
{
	int type = dbus_message_iter_get_element_type(iter), len;
	DBusMessageIter elements;
	const void *data;

	ruler->at += 4;
	align(ruler, alignment_of(type));
	dbus_message_iter_recurse(iter, &elements);
	if (!dbus_type_is_fixed(type) || type == DBUS_TYPE_UNIX_FD) {
		measure_all(ruler, &elements);
		return;
	}
	dbus_message_iter_get_fixed_array(&elements, &data, &len);
	ruler->at += (uint64_t)len * size_of(type);
}

static void measure_variant(struct ruler *ruler, DBusMessageIter *iter)
{
	DBusMessageIter value;
	char *signature;

	dbus_message_iter_recurse(iter, &value);
	signature = dbus_message_iter_get_signature(&value);
	ruler->at += 1 + (signature ? strlen(signature) : 1) + 1;
	dbus_free(signature);
	measure_all(ruler, &value);
}

static void measure_one(struct ruler *ruler, DBusMessageIter *iter)
{
	int type = dbus_message_iter_get_arg_type(iter);
	DBusMessageIter members;

	align(ruler, alignment_of(type));
	switch (type) {
	case DBUS_TYPE_STRING:
	case DBUS_TYPE_OBJECT_PATH:
	case DBUS_TYPE_SIGNATURE:
		measure_text(ruler, iter, type);
		break;
	case DBUS_TYPE_ARRAY:
		measure_array(ruler, iter);
		break;
	case DBUS_TYPE_VARIANT:
		measure_variant(ruler, iter);
		break;
	case DBUS_TYPE_STRUCT:
	case DBUS_TYPE_DICT_ENTRY:
		dbus_message_iter_recurse(iter, &members);
		measure_all(ruler, &members);
		break;
	default:
		ruler->at += size_of(type);
	}
}

static void measure_all(struct ruler *ruler, DBusMessageIter *iter)
{
	while (ruler->at <= ruler->max &&
	       dbus_message_iter_get_arg_type(iter) != DBUS_TYPE_INVALID) {
		measure_one(ruler, iter);
		dbus_message_iter_next(iter);
	}
}

uint64_t wire_body_bytes(DBusMessage *message, uint64_t max)
{
	struct ruler ruler = {.max = max};
	DBusMessageIter iter;

	if (dbus_message_iter_init(message, &iter))
		measure_all(&ruler, &iter);
	return ruler.at;
}
