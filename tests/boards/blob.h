/* SPDX-License-Identifier: MIT */
/* A flattened device tree as a source for broker/probe/devicetree. */
#ifndef TESTS_BOARDS_BLOB_H
#define TESTS_BOARDS_BLOB_H

#include "broker/probe/devicetree.h"

/* Reads a .dtb file. Returns owned; blob_source_close() frees it. Errors: -errno; -EINVAL: it is no
 * device tree. */
int blob_source_open(const char *path, struct devicetree_source *ret);
void blob_source_close(struct devicetree_source *source);

#endif
