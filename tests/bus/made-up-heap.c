/* SPDX-License-Identifier: MIT */
/*
 * Memory for a daemon that is real otherwise, on a machine without heaps: the program is linked
 * with
 * --wrap for heap_allocate and heap_wrap. What comes is a memfd, which can be mapped and has an
 * inode, and is no dma-buf.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker/heap/heap.h"

int __wrap_heap_allocate(enum exporter exporter, const char *node, uint64_t bytes,
			 const char *name);

int __wrap_heap_allocate(enum exporter exporter, const char *node, uint64_t bytes, const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	(void)exporter;
	(void)node;
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)bytes) == 0)
		return fd;
	close(fd);
	return -ENOMEM;
}

int __wrap_heap_wrap(const char *node, int memory, uint64_t bytes, const char *name);

/* Of a memfd that somebody brings, the memfd itself. */
int __wrap_heap_wrap(const char *node, int memory, uint64_t bytes, const char *name)
{
	int fd = fcntl(memory, F_DUPFD_CLOEXEC, 3);

	(void)node;
	(void)bytes;
	(void)name;
	return fd < 0 ? -errno : fd;
}
