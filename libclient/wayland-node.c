/* SPDX-License-Identifier: MIT */
/* From the number of one node of a DRM device to the path of another. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "libclient/wayland.h"

#define DRM_MAJOR 226 /* Documentation/admin-guide/devices.txt */

/* The number behind `kind` in the name of a node, or -1: it is something else. */
static long number_of(const char *name, const char *kind)
{
	size_t len = strlen(kind);
	char *end;
	long number;

	if (strncmp(name, kind, len) != 0 || name[len] < '0' || name[len] > '9')
		return -1;
	number = strtol(name + len, &end, 10);
	return *end ? -1 : number;
}

int node_find(const char *sys, dev_t number, const char *kind, char path[NODE_BYTES])
{
	long found = -1, one;
	char folder[256];
	struct dirent *entry;
	DIR *dir;

	if (major(number) != DRM_MAJOR)
		return -ENODEV;
	snprintf(folder, sizeof(folder), "%s/dev/char/%u:%u/device/drm", sys, major(number),
		 minor(number));
	dir = opendir(folder);
	if (!dir)
		return -ENODEV;
	while ((entry = readdir(dir))) {
		one = number_of(entry->d_name, kind);
		if (one >= 0 && (found < 0 || one < found))
			found = one;
	}
	closedir(dir);
	if (found < 0)
		return -ENOENT;
	snprintf(path, NODE_BYTES, "/dev/dri/%s%ld", kind, found);
	return 0;
}
