/* SPDX-License-Identifier: MIT */
/*
 * Small files of sysfs and procfs, below a root.
 *
 * `root` comes before every path, without a slash at its end; NULL or "": none, it is the machine's
 * own /sys and /proc. Links are followed as if the root were "/": none leads out of it.
 * Only regular files are opened, so that no pipe or device in a made-up tree makes anybody wait.
 */
#ifndef PROBE_SYSFS_H
#define PROBE_SYSFS_H

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Where `path` leads to when all links in it are followed: below the root, without it, "/sys/...".
 * Errors: -errno; -ELOOP: more than 40 links; -ENAMETOOLONG.
 */
int sysfs_resolve(const char *root, const char *path, char ret_path[PATH_MAX]);

/* Whether there is such a file, directory, or link to one. */
bool sysfs_exists(const char *root, const char *directory, const char *name);

/*
 * All bytes of directory/name, which need not be text. Errors: -errno; -EINVAL: it is no regular
 * file; -EFBIG: it has more than `size` bytes.
 */
int sysfs_bytes(const char *root, const char *directory, const char *name, void *bytes, size_t size,
		size_t *ret_len);

/* The first line of directory/name, without its end, cut to size. Errors: -errno; -EINVAL: it is
 * no regular file. */
int sysfs_line(const char *root, const char *directory, const char *name, char *line, size_t size);

/* The decimal number in directory/name, which holds nothing else. Errors: -errno; -EINVAL: it is
 * something else. */
int sysfs_number(const char *root, const char *directory, const char *name, uint64_t *ret_number);

/* The last component of what the link directory/name points at, be that there or not.
 * Errors: -errno; -EINVAL: it is no link; -ERANGE: it is longer than `size`. */
int sysfs_link_name(const char *root, const char *directory, const char *name, char *target,
		    size_t size);

/* Opens a regular file for reading, close-on-exec. Returns owned, or NULL and errno. */
FILE *sysfs_open(const char *root, const char *path);

/* Opens a directory. Returns owned (closedir), or NULL and errno. */
DIR *sysfs_opendir(const char *root, const char *path);

#endif
