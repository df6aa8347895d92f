/* SPDX-License-Identifier: MIT */
#include "daemon/introspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* introspect_interfaces[]: {name, xml} of each interface in protocol/org.dmabroker1.xml */
#include "introspect-xml.h"

static const char document_head[] =
	"<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n"
	"<node>\n";

static const struct {
	const char *interface;
	unsigned int kinds;
} homes[] = {
	{"org.dmabroker1.Manager", OBJECT_MANAGER},
	{"org.dmabroker1.Device", OBJECT_DEVICE},
	{"org.dmabroker1.Heap", OBJECT_HEAP},
	{"org.dmabroker1.Facts", OBJECT_DEVICE | OBJECT_HEAP},
	{"org.dmabroker1.Collection", OBJECT_COLLECTION},
	{"org.freedesktop.DBus.ObjectManager", OBJECT_MANAGER},
	{"org.freedesktop.DBus.Properties", OBJECT_ANY},
	{"org.freedesktop.DBus.Introspectable", OBJECT_ANY},
	{"org.freedesktop.DBus.Peer", OBJECT_ANY},
	{"org.freedesktop.DBus", OBJECT_BUS},
};

unsigned int introspect_kinds(const char *interface)
{
	for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++)
		if (strcmp(homes[i].interface, interface) == 0)
			return homes[i].kinds;
	return 0;
}

static void print_interfaces(FILE *file, enum introspect_kind kind)
{
	for (size_t i = 0; introspect_interfaces[i].name; i++)
		if (introspect_kinds(introspect_interfaces[i].name) & kind)
			fputs(introspect_interfaces[i].xml, file);
}

char *introspect_document(enum introspect_kind kind, const char *const *children, size_t len)
{
	char *text = NULL;
	size_t text_len;
	FILE *file = open_memstream(&text, &text_len);

	if (!file)
		return NULL;
	fputs(document_head, file);
	print_interfaces(file, kind);
	for (size_t i = 0; i < len; i++)
		fprintf(file, "  <node name=\"%s\"/>\n", children[i]);
	fputs("</node>\n", file);
	if (ferror(file) | fclose(file)) {
		free(text);
		return NULL;
	}
	return text;
}
