/* SPDX-License-Identifier: MIT */
/*
 * udmabuf: pages of a memfd as a dma-buf (drivers/dma-buf/udmabuf.c, 6.12). The memfd must be
 * sealed against shrinking and must not be sealed against writing; it lives on in the dma-buf.
 *
 * Of huge pages a buffer is just one: two need not lie side by side. The page is taken with
 * fallocate, which fails where a pool is empty, while touching it would raise SIGBUS; and kernels
 * before 6.11 take none that is not there yet.
 */
#include "broker/heap/heap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/udmabuf.h>

#define HUGE_SHIFT 26 /* MFD_HUGE_SHIFT of linux/memfd.h: the page's size, as a power of two */

static int seal(int memory)
{
	int error;

	if (fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) == 0)
		return memory;
	error = -errno;
	close(memory);
	return error;
}

static int create_memory(uint64_t bytes)
{
	int error, memory = memfd_create("dmabroker", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (memory < 0)
		return -errno;
	if (ftruncate(memory, (off_t)bytes) == 0)
		return seal(memory);
	error = errno == EFBIG ? -ENOMEM : -errno;
	close(memory);
	return error;
}

static unsigned int log2_of(uint64_t value)
{
	unsigned int shift = 0;

	while (value >>= 1)
		shift++;
	return shift;
}

/* ENODEV of memfd_create: there are no such pages at all; ENOSPC of fallocate: none is left. */
static int create_huge_memory(uint64_t bytes)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB;
	int error, memory;

	if (bytes == 0 || (bytes & (bytes - 1)))
		return -EINVAL;
	memory = memfd_create("dmabroker", flags | log2_of(bytes) << HUGE_SHIFT);
	if (memory < 0)
		return errno == ENODEV ? -EINVAL : -errno;
	do
		error = fallocate(memory, 0, 0, (off_t)bytes) < 0 ? errno : 0;
	while (error == EINTR);
	if (!error)
		return seal(memory);
	close(memory);
	return error == ENOSPC ? -ENOMEM : -error;
}

int heap_udmabuf_wrap(const char *node, int memory, uint64_t bytes)
{
	struct udmabuf_create create = {
		.memfd = (uint32_t)memory, .flags = UDMABUF_FLAGS_CLOEXEC, .size = bytes};
	int device = open(node, O_RDONLY | O_CLOEXEC);
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

/* Takes `memory`, or passes the error on that it is. */
static int make_buffer(const char *node, int memory, uint64_t bytes)
{
	int result;

	if (memory < 0)
		return memory;
	result = heap_udmabuf_wrap(node, memory, bytes);
	close(memory);
	return result;
}

int heap_udmabuf_allocate(const char *node, uint64_t bytes)
{
	return make_buffer(node, create_memory(bytes), bytes);
}

int heap_hugetlb_allocate(const char *node, uint64_t bytes)
{
	return make_buffer(node, create_huge_memory(bytes), bytes);
}
