/* SPDX-License-Identifier: MIT */
/*
 * The ids of devices and heaps. They are kept in machine files and in requests, so they must be the
 * same after a reboot. Node numbers are not: video0 is whoever came first. What stays is where the
 * device sits, its bus path:
 *
 *   /devices/platform/vivid.0/video4linux/video3   v4l2:platform/vivid.0:vivid-000-vid-cap:0
 *   /devices/pci0000:00/0000:00:02.0/drm/card1     drm:pci0000:00/0000:00:02.0:card
 *   /devices/virtual/dma_heap/linux,cma            linux,cma
 *
 * The name is in a V4L2 id because many nodes may share the parent, and the index too: both
 * instances of vivid are index 0 of platform/vivid.0.
 */
#include "broker/probe/id.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The path of the device below /devices: without the node's own directory and the one of its
 * subsystem. Returns its length. */
static size_t parent_path(const char *devpath, const char **ret_path)
{
	static const char root[] = "/devices/";
	size_t len = strlen(devpath);

	for (int components = 0; components < 2; components++) {
		while (len > 0 && devpath[len - 1] != '/')
			len--;
		if (len > 0)
			len--;
	}
	if (strncmp(devpath, root, sizeof(root) - 1) != 0 || len < sizeof(root))
		return 0;
	*ret_path = devpath + sizeof(root) - 1;
	return len - (sizeof(root) - 1);
}

static bool allowed(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c && strchr("._/:-", c));
}

static uint64_t hash(const char *text)
{
	uint64_t value = 0xcbf29ce484222325ull;

	for (; *text; text++)
		value = (value ^ (unsigned char)*text) * 0x100000001b3ull;
	return value;
}

/* An id that is too long keeps its beginning and is told apart by a hash of all of it. */
static void finish(char *text, char ret_id[ID_BYTES])
{
	for (char *c = text; *c; c++)
		if (!allowed(*c))
			*c = '-';
	if (strlen(text) < ID_BYTES)
		strcpy(ret_id, text);
	else
		snprintf(ret_id, ID_BYTES, "%.*s-%016llx", ID_BYTES - 1 - 17, text,
			 (unsigned long long)hash(text));
}

static bool all_digits(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* The nodes of connectors (card0-HDMI-A-1) have no file; sub-devices, radio and teletext carry no
 * pictures that could be shared. */
static const char *drm_minor(const char *sysname)
{
	if (strncmp(sysname, "card", 4) == 0 && all_digits(sysname + 4))
		return "card";
	if (strncmp(sysname, "renderD", 7) == 0 && all_digits(sysname + 7))
		return "render";
	return NULL;
}

/* The kernel's own name, which requests use: only what could not be printed is replaced. */
static void heap_id(const char *sysname, char ret_id[ID_BYTES])
{
	size_t len = 0;

	for (; sysname[len] && len < ID_BYTES - 1; len++)
		ret_id[len] = sysname[len] > 0x20 && sysname[len] < 0x7f ? sysname[len] : '-';
	ret_id[len] = '\0';
}

int id_of_node(const char *subsystem, const char *sysname, const char *devpath, const char *name,
	       const char *index, char ret_id[ID_BYTES])
{
	const char *parent = "", *minor;
	int parent_len = (int)parent_path(devpath, &parent);
	char text[4096];

	if (strcmp(subsystem, "dma_heap") == 0 && *sysname) {
		heap_id(sysname, ret_id);
		return 0;
	}
	if (strcmp(subsystem, "misc") == 0 && strcmp(sysname, "udmabuf") == 0) {
		strcpy(ret_id, "udmabuf");
		return 0;
	}
	if (strcmp(subsystem, "video4linux") == 0 && strncmp(sysname, "video", 5) == 0 && name &&
	    index) {
		snprintf(text, sizeof(text), "v4l2:%.*s:%s:%s", parent_len, parent, name, index);
		finish(text, ret_id);
		return 0;
	}
	minor = strcmp(subsystem, "drm") == 0 ? drm_minor(sysname) : NULL;
	if (!minor)
		return -ENOTSUP;
	snprintf(text, sizeof(text), "drm:%.*s:%s", parent_len, parent, minor);
	finish(text, ret_id);
	return 0;
}
