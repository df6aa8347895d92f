/* SPDX-License-Identifier: MIT */
/* Small files of sysfs and procfs. */
#ifndef PROBE_SYSFS_H
#define PROBE_SYSFS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The first line of directory/name, without its end, cut to size. Errors: -errno. */
int sysfs_line(const char *directory, const char *name, char *line, size_t size);

/* The decimal number in directory/name. Errors: -errno; -EINVAL: it is something else. */
int sysfs_number(const char *directory, const char *name, uint64_t *ret_number);

/* The last component of what the link directory/name points at. Errors: -errno; -ERANGE. */
int sysfs_link_name(const char *directory, const char *name, char *target, size_t size);

/* Opens a file for reading, close-on-exec. Returns owned, or NULL and errno. */
FILE *sysfs_open(const char *path);

#endif
