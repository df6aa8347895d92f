/* SPDX-License-Identifier: MIT */
/* dma-buf heaps: /dev/dma_heap (drivers/dma-buf/dma-heap.c). */
#include "broker/heap/heap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-heap.h>

int heap_dmaheap_allocate(const char *node, uint64_t bytes)
{
	struct dma_heap_allocation_data data = {.len = bytes, .fd_flags = O_RDWR | O_CLOEXEC};
	int heap = open(node, O_RDONLY | O_CLOEXEC);
	int result;

	if (heap < 0)
		return -errno;
	do {
		result = ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data);
	} while (result < 0 && errno == EINTR);
	result = result < 0 ? -errno : (int)data.fd;
	close(heap);
	return result;
}
