/* SPDX-License-Identifier: MIT */
/* The property Features: what this daemon knows, made from the tables. */
#ifndef METHODS_FEATURES_H
#define METHODS_FEATURES_H

#include <stdbool.h>

struct DBusMessageIter;

/* Appends an a{sv}; false: no memory. */
bool features_append(struct DBusMessageIter *iter);

#endif
