/* SPDX-License-Identifier: MIT */
/*
 * Buffers that a participant brings: dma-bufs of others, and memory of the application.
 *
 * The kernel makes dma-bufs of memfds only (drivers/dma-buf/udmabuf.c, 6.12): their pages belong to
 * a file, which the kernel can hold on to. So memory that is to become a buffer has to begin as
 * one, and the handle knows what it has made: an address in it leads to its file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libclient/internal.h"

struct dmabroker_memory {
	struct dmabroker *broker;      /* borrowed; NULL: it has gone before */
	struct dmabroker_memory *next; /* dmabroker.memories */
	void *address;
	uint64_t bytes;
	int fd;
};

/* ---- memory ---- */

static int make_file(uint64_t bytes)
{
	int error, fd = memfd_create("dmabroker-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	/* udmabuf wants the first seal; what it pins must not grow away from it either */
	if (ftruncate(fd, (off_t)bytes) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
		return fd;
	error = errno == EFBIG ? -ENOMEM : -errno;
	close(fd);
	return error;
}

/* Fills in file and mapping. */
static int make_memory(struct dmabroker_memory *memory)
{
	int error;

	memory->fd = make_file(memory->bytes);
	if (memory->fd < 0)
		return memory->fd;
	memory->address =
		mmap(NULL, memory->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
	if (memory->address != MAP_FAILED)
		return 0;
	error = -errno;
	close(memory->fd);
	return error;
}

int dmabroker_memory_create(struct dmabroker *broker, uint64_t bytes,
			    struct dmabroker_memory **ret_memory)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct dmabroker_memory *memory;
	int error;

	if (!bytes || bytes > (uint64_t)PTRDIFF_MAX - page)
		return handle_fail(broker, -EINVAL, "memory has 1 to %lld bytes",
				   (long long)((uint64_t)PTRDIFF_MAX - page));
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return -ENOMEM;
	memory->bytes = (bytes + page - 1) / page * page;
	error = make_memory(memory);
	if (error) {
		free(memory);
		return handle_fail(broker, error, "a memfd of %llu bytes: %s",
				   (unsigned long long)bytes, strerror(-error));
	}
	memory->broker = broker;
	memory->next = broker->memories;
	broker->memories = memory;
	*ret_memory = memory;
	return 0;
}

static void forget(struct dmabroker_memory *memory)
{
	struct dmabroker_memory **at = &memory->broker->memories;

	while (*at != memory)
		at = &(*at)->next;
	*at = memory->next;
}

void dmabroker_memory_destroy(struct dmabroker_memory *memory)
{
	if (!memory)
		return;
	if (memory->broker)
		forget(memory);
	munmap(memory->address, memory->bytes);
	close(memory->fd);
	free(memory);
}

void memory_forget_all(struct dmabroker *broker)
{
	for (struct dmabroker_memory *memory = broker->memories; memory; memory = memory->next)
		memory->broker = NULL;
	broker->memories = NULL;
}

void *dmabroker_memory_get_address(const struct dmabroker_memory *memory)
{
	return memory->address;
}

uint64_t dmabroker_memory_get_bytes(const struct dmabroker_memory *memory)
{
	return memory->bytes;
}

int dmabroker_memory_get_fd(const struct dmabroker_memory *memory)
{
	return memory->fd;
}

/* ---- bringing ---- */

static bool is_participant(const struct dmabroker_record *record)
{
	return ((const struct vocab_head *)record)->group == &vocab_participant;
}

int dmabroker_participant_add_buffer(struct dmabroker_record *participant, int fd)
{
	struct vocab_head *buffer;
	int error;

	if (!is_participant(participant))
		return -EINVAL;
	error = vocab_create(&vocab_memory, &buffer);
	if (error)
		return error;
	error = dmabroker_record_set_fd((struct dmabroker_record *)buffer, "fd", fd);
	if (!error)
		error = vocab_take_dict(participant, PARTICIPANT_BUFFERS, buffer, VOCAB_DECLARED);
	if (error)
		vocab_destroy(buffer);
	return error;
}

int dmabroker_participant_add_memory(struct dmabroker_record *participant,
				     const struct dmabroker_memory *memory)
{
	return dmabroker_participant_add_buffer(participant, memory->fd);
}

/* The memory of this handle that has all these bytes, else NULL. */
static const struct dmabroker_memory *find_memory(const struct dmabroker *broker,
						  const void *address, uint64_t bytes)
{
	for (const struct dmabroker_memory *memory = broker->memories; memory;
	     memory = memory->next) {
		uintptr_t begin = (uintptr_t)memory->address, at = (uintptr_t)address;

		if (at >= begin && at - begin < memory->bytes &&
		    bytes <= memory->bytes - (at - begin))
			return memory;
	}
	return NULL;
}

int dmabroker_participant_add_address(struct dmabroker *broker,
				      struct dmabroker_record *participant, const void *address,
				      uint64_t bytes, uint64_t *ret_offset)
{
	const struct dmabroker_memory *memory = find_memory(broker, address, bytes);
	int error;

	if (!memory)
		return handle_fail(broker, -EOPNOTSUPP,
				   "%llu bytes at %p are not of dmabroker_memory_create. The "
				   "kernel makes a dma-buf of a memfd only: pages of malloc, of "
				   "the stack or of a private mapping can be moved and copied on "
				   "write, and a device would go on with the old ones. Have "
				   "dmabroker_memory_create make the memory, or copy into it",
				   (unsigned long long)bytes, address);
	error = dmabroker_participant_add_memory(participant, memory);
	if (error)
		return handle_fail(broker, error, "the participant takes no more buffers: %s",
				   strerror(-error));
	*ret_offset = (uint64_t)((uintptr_t)address - (uintptr_t)memory->address);
	return 0;
}

/* ---- their layout ---- */

static int add_plane(struct vocab_head *layout, uint64_t offset, uint32_t stride, uint64_t bytes)
{
	struct vocab_head *plane;
	int error = vocab_add_dict(layout, LAYOUT_PLANES, VOCAB_DECLARED, &plane);

	if (!error)
		error = vocab_set_number(plane, PLANE_OFFSET, offset, VOCAB_DECLARED);
	if (!error)
		error = vocab_set_number(plane, PLANE_STRIDE, stride, VOCAB_DECLARED);
	return error ? error : vocab_set_number(plane, PLANE_BYTES, bytes, VOCAB_DECLARED);
}

static int fill_layout(struct vocab_head *layout, uint32_t fourcc, uint64_t modifier,
		       uint64_t bytes, const uint64_t *offsets, const uint32_t *strides, size_t len)
{
	int error = vocab_set_number(layout, LAYOUT_BYTES, bytes, VOCAB_DECLARED);

	vocab_set_number(layout, LAYOUT_FORMAT, fourcc, VOCAB_DECLARED);
	vocab_set_number(layout, LAYOUT_MODIFIER, modifier, VOCAB_DECLARED);
	for (size_t i = 0; i < len && !error; i++) {
		uint64_t end = i + 1 < len ? offsets[i + 1] : bytes;

		error = end > offsets[i]
				? add_plane(layout, offsets[i], strides[i], end - offsets[i])
				: -EINVAL;
	}
	return error;
}

int dmabroker_participant_set_layout(struct dmabroker_record *participant, uint32_t fourcc,
				     uint64_t modifier, uint64_t bytes, const uint64_t *offsets,
				     const uint32_t *strides, size_t len)
{
	struct vocab_head *layout;
	int error;

	if (!is_participant(participant) || !len || !bytes)
		return -EINVAL;
	error = vocab_create(&vocab_layout, &layout);
	if (error)
		return error;
	error = fill_layout(layout, fourcc, modifier, bytes, offsets, strides, len);
	if (!error) {
		vocab_clear(participant, PARTICIPANT_LAYOUTS);
		error = vocab_take_dict(participant, PARTICIPANT_LAYOUTS, layout, VOCAB_DECLARED);
	}
	if (error)
		vocab_destroy(layout);
	return error;
}
