/* SPDX-License-Identifier: MIT */
/* The table of exporters; what they have in common. */
#include "broker/heap/heap.h"

#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-buf.h>

typedef int (*allocate_fn)(const char *node, uint64_t bytes);

static const allocate_fn exporters[] = {
	[EXPORTER_DMA_HEAP] = heap_dmaheap_allocate,
	[EXPORTER_UDMABUF] = heap_udmabuf_allocate,
	[EXPORTER_UDMABUF_HUGETLB] = heap_hugetlb_allocate,
};

/* The kernel prints the name as it is into files that are read line by line. */
static void clean_name(char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name < ' ' || *name == 0x7f)
			*name = '?';
}

/* Takes `fd`, or passes the error on that it is. */
static int name_buffer(int fd, const char *name)
{
	char short_name[HEAP_NAME_MAX + 1];
	int error;

	if (fd < 0)
		return fd;
	snprintf(short_name, sizeof(short_name), "%s", name);
	clean_name(short_name);
	if (ioctl(fd, DMA_BUF_SET_NAME, short_name) < 0) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

int heap_allocate(enum exporter exporter, const char *node, uint64_t bytes, const char *name)
{
	return name_buffer(exporters[exporter](node, bytes), name);
}

int heap_wrap(const char *node, int memory, uint64_t bytes, const char *name)
{
	return name_buffer(heap_udmabuf_wrap(node, memory, bytes), name);
}
