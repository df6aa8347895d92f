/* SPDX-License-Identifier: MIT */
/* Which object has which interfaces, and the answer to Introspect: text of the specification. */
#ifndef INTROSPECT_H
#define INTROSPECT_H

#include <stdbool.h>
#include <stddef.h>

/* Kinds of objects; a set of them is their sum. */
enum introspect_kind {
	OBJECT_FOLDER = 1 << 0, /* on the way to others */
	OBJECT_MANAGER = 1 << 1,
	OBJECT_DEVICE = 1 << 2,
	OBJECT_HEAP = 1 << 3,
	OBJECT_COLLECTION = 1 << 4,
	OBJECT_ANY = (1 << 5) - 1,
	OBJECT_BUS = 1 << 5, /* at the socket, for tools that expect a bus there */
};

/* The kinds of objects that have an interface; 0: there is no such interface. */
unsigned int introspect_kinds(const char *interface);

/* The introspection document of an object of this kind with these children. Returns owned; NULL
 * where memory is short. */
char *introspect_document(enum introspect_kind kind, const char *const *children, size_t len);

#endif
