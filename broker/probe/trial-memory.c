/* SPDX-License-Identifier: MIT */
/*
 * Buffers that are contiguous for nobody: udmabufs that list the same page of a memfd again and
 * again. A heap's buffer may be contiguous by luck, so that a driver that needs this takes it today
 * and refuses it tomorrow; here two neighbours of a buffer never are neighbours in memory. (Pages
 * in reversed order would not do: 6.12 takes them by luck as well.)
 *
 * udmabuf allows so many items in a list (module parameter list_limit, 1024). Where a buffer needs
 * more pages than that, an item covers several, and the whole memfd is repeated: A B A B A ... is
 * never one run either, as soon as it has a third page.
 *
 * The pages cost next to nothing: the memfd has one, or few; the rest is the kernel's list.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker/probe/trial-child.h"

#define PARAMETERS "/sys/module/udmabuf/parameters/"
#define LIST_LIMIT 1024 /* 6.12 drivers/dma-buf/udmabuf.c */
#define SIZE_LIMIT_MB 64
#define ITEMS_MAX 65536u /* that we list, whatever the kernel allows */

int trial_pattern(uint64_t bytes, const struct trial_limits *limits,
		  struct trial_pattern *ret_pattern)
{
	uint64_t pages = bytes / limits->page_bytes + (bytes % limits->page_bytes != 0);
	uint64_t each = 1, times;

	if (pages == 0 || pages > limits->bytes / limits->page_bytes || limits->items == 0)
		return -EFBIG;
	each = (pages + limits->items - 1) / limits->items;
	times = (pages + each - 1) / each;
	if ((pages > 1 && times < 2) || times * each > limits->bytes / limits->page_bytes)
		return -EFBIG;
	*ret_pattern = (struct trial_pattern){(uint32_t)each, (uint32_t)times};
	return 0;
}

/* Both are ints that root may have set to anything. */
static uint64_t read_parameter(const char *path, long fallback)
{
	FILE *file = fopen(path, "re");
	long value;

	if (!file)
		return (uint64_t)fallback;
	if (fscanf(file, "%ld", &value) != 1)
		value = fallback;
	fclose(file);
	return value > 0 ? (uint64_t)value : 0;
}

static void read_limits(struct trial_limits *limits)
{
	uint64_t items = read_parameter(PARAMETERS "list_limit", LIST_LIMIT);

	limits->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	limits->items = items < ITEMS_MAX ? (uint32_t)items : ITEMS_MAX;
	limits->bytes = read_parameter(PARAMETERS "size_limit_mb", SIZE_LIMIT_MB) << 20;
}

int trial_memory_open(struct trial_memory *ret_memory)
{
	struct trial_memory memory = {.device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC)};
	int error;

	if (memory.device < 0)
		return -errno;
	memory.memfd = memfd_create("dmabroker-trial", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory.memfd < 0 || fcntl(memory.memfd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
		error = -errno;
		trial_memory_close(&memory);
		return error;
	}
	read_limits(&memory.limits);
	*ret_memory = memory;
	return 0;
}

void trial_memory_close(struct trial_memory *memory)
{
	close(memory->device);
	if (memory->memfd >= 0)
		close(memory->memfd);
}

/* The memfd may only grow. */
static int grow(int memfd, uint64_t bytes)
{
	off_t end = lseek(memfd, 0, SEEK_END);

	if (end < 0)
		return -errno;
	if ((uint64_t)end < bytes && ftruncate(memfd, (off_t)bytes) < 0)
		return -errno;
	return 0;
}

/* UDMABUF_CREATE_LIST returns the fd itself. */
static int create(int device, struct udmabuf_create_list *list)
{
	int fd;

	do
		fd = ioctl(device, UDMABUF_CREATE_LIST, list);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int trial_memory_make(const struct trial_memory *memory, uint64_t bytes, uint64_t *ret_bytes)
{
	struct trial_pattern pattern;
	struct udmabuf_create_list *list;
	uint64_t item_bytes;
	int error, fd;

	error = trial_pattern(bytes, &memory->limits, &pattern);
	if (error)
		return error;
	item_bytes = pattern.pages * memory->limits.page_bytes;
	error = grow(memory->memfd, item_bytes);
	if (error)
		return error;
	list = calloc(1, sizeof(*list) + pattern.times * sizeof(list->list[0]));
	if (!list)
		return -ENOMEM;
	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = pattern.times;
	for (uint32_t i = 0; i < pattern.times; i++)
		list->list[i] = (struct udmabuf_create_item){.memfd = (uint32_t)memory->memfd,
							     .size = item_bytes};
	fd = create(memory->device, list);
	free(list);
	*ret_bytes = item_bytes * pattern.times;
	return fd;
}
