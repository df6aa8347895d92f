/* SPDX-License-Identifier: MIT */
/*
 * udmabuf: pages of a memfd as a dma-buf (drivers/dma-buf/udmabuf.c, 6.12). The memfd must be
 * sealed against shrinking and must not be sealed against writing; it lives on in the dma-buf.
 */
#include "broker/heap/heap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/udmabuf.h>

static int create_memory(uint64_t bytes)
{
	int error, memory = memfd_create("dmabroker", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (memory < 0)
		return -errno;
	if (ftruncate(memory, (off_t)bytes) == 0 && fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) == 0)
		return memory;
	error = errno == EFBIG ? -ENOMEM : -errno;
	close(memory);
	return error;
}

static int create_buffer(const char *node, int memory, uint64_t bytes)
{
	struct udmabuf_create create = {
		.memfd = (uint32_t)memory, .flags = UDMABUF_FLAGS_CLOEXEC, .size = bytes};
	int device = open(node, O_RDWR | O_CLOEXEC);
	int result;

	if (device < 0)
		return -errno;
	do {
		result = ioctl(device, UDMABUF_CREATE, &create);
	} while (result < 0 && errno == EINTR);
	if (result < 0)
		result = -errno;
	close(device);
	return result;
}

int heap_udmabuf_allocate(const char *node, uint64_t bytes)
{
	int memory = create_memory(bytes);
	int result;

	if (memory < 0)
		return memory;
	result = create_buffer(node, memory, bytes);
	close(memory);
	return result;
}
