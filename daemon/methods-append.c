/* SPDX-License-Identifier: MIT */
#include "daemon/methods-append.h"

#include <dbus/dbus.h>

#include "protocol/wire.h"

bool append_in(DBusMessageIter *iter, int type, const char *contained, append_fn fill,
	       const void *data)
{
	DBusMessageIter inner;

	if (!dbus_message_iter_open_container(iter, type, contained, &inner))
		return false;
	if (!fill(&inner, data)) {
		dbus_message_iter_abandon_container(iter, &inner);
		return false;
	}
	return dbus_message_iter_close_container(iter, &inner);
}

bool append_string(DBusMessageIter *iter, const void *data)
{
	const char *text = data;

	return dbus_message_iter_append_basic(iter, DBUS_TYPE_STRING, &text);
}

bool append_path(DBusMessageIter *iter, const char *path)
{
	return dbus_message_iter_append_basic(iter, DBUS_TYPE_OBJECT_PATH, &path);
}

bool append_nothing(DBusMessageIter *iter, const void *data)
{
	(void)iter;
	(void)data;
	return true;
}

bool append_record(DBusMessageIter *iter, const void *data)
{
	return wire_append_record(iter, data) == 0;
}
