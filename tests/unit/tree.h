/* SPDX-License-Identifier: MIT */
/* Made-up trees of /sys and /proc in a directory of their own. */
#ifndef TESTS_TREE_H
#define TESTS_TREE_H

#include <stddef.h>

/* For checked fixtures: makes an empty root, and removes all that is in it. */
void tree_setup(void);
void tree_teardown(void);

/* What goes before every path: "/tmp/...", without a slash at its end. */
const char *tree_root(void);

/* Each makes the directories above it, and replaces what there was. Paths begin with '/'. */
void tree_text(const char *path, const char *text);
void tree_bytes(const char *path, const void *bytes, size_t len);
void tree_link(const char *path, const char *target);
/* As sysfs does it: `target` begins with '/', and the link with "../". */
void tree_relative_link(const char *path, const char *target);
void tree_pipe(const char *path);
void tree_directory(const char *path);
void tree_remove(const char *path);

/* Calls `visit` for every file and link in the tree, with its path below the root. */
void tree_visit(void (*visit)(const char *path, void *data), void *data);

/* One zone of a /proc/zoneinfo, in pages. */
#define TREE_ZONE(start, spanned)                                                               \
	"Node 0, zone   Normal\n  pages free     3999\n        min      1\n        spanned "    \
	" " #spanned "\n        present  3998\n        managed  3840\n  pagesets\n    cpu: 0\n" \
	"              count: 0\n  node_unreclaimable:  0\n  start_pfn:           " #start "\n"

#endif
