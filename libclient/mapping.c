/* SPDX-License-Identifier: MIT */
/*
 * Mappings of buffers. There is one for each memory object, at an address of the right colour:
 *
 * A cache that is indexed by virtual addresses has two lines for one page that is mapped at two
 * addresses, unless these are equal modulo its colour (SHMLBA of arch/.../include/asm/shmparam.h).
 * The kernels of arm, mips, sh, sparc and the like choose such addresses for shared mappings by
 * themselves (arch_get_unmapped_area), unless told otherwise (a personality, a preloaded
 * allocator); so the kernel's choice is looked at, and corrected where it is wrong. parisc colours
 * by the file and refuses other addresses (arch/parisc/kernel/sys_parisc.c, EINVAL): there its
 * choice stands, and is the same for all mappings of one dma-buf.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "libclient/internal.h"

_Static_assert((int)DMABROKER_MAPPING_CACHED == (int)MAPPING_CACHED &&
		       (int)DMABROKER_MAPPING_UNCACHED == (int)MAPPING_UNCACHED &&
		       (int)DMABROKER_MAPPING_WRITE_COMBINED == (int)MAPPING_WRITE_COMBINED,
	       "public and inner numbers are the same");

static void *map_at(void *address, int flags, const struct memory_object *object)
{
	return mmap(address, object->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | flags, object->fd,
		    0);
}

/* Room for `bytes` at a multiple of `colour`; what is around it is given back. */
static void *reserve(uint64_t bytes, uint64_t colour)
{
	uint8_t *room, *start;
	uint64_t before;

	if (bytes > SIZE_MAX - colour)
		return MAP_FAILED;
	room = mmap(NULL, bytes + colour, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		return MAP_FAILED;
	before = (colour - (uintptr_t)room % colour) % colour;
	start = room + before;
	if (before)
		munmap(room, before);
	munmap(start + bytes, colour - before);
	return start;
}

/* Maps once more at an address of the colour. Returns the first mapping where the kernel refuses.
 */
static void *recolour(void *first, const struct memory_object *object, uint64_t colour)
{
	void *place = reserve(object->bytes, colour), *second;

	if (place == MAP_FAILED)
		return first;
	second = map_at(place, MAP_FIXED, object);
	munmap(second == MAP_FAILED ? place : first, object->bytes);
	return second == MAP_FAILED ? first : second;
}

static int map(struct dmabroker_buffer *buffer, const struct memory_object *object,
	       void **ret_address)
{
	uint64_t colour = vocab_number(buffer->plan, PLAN_MAPPING_COLOUR);
	void *address = map_at(NULL, 0, object);

	if (address == MAP_FAILED)
		return handle_fail(buffer->broker, -errno, "mmap of %llu bytes: %s",
				   (unsigned long long)object->bytes, strerror(errno));
	if ((uintptr_t)address % colour)
		address = recolour(address, object, colour);
	*ret_address = address;
	return 0;
}

int dmabroker_buffer_map(struct dmabroker_buffer *buffer, size_t memory, void **ret_address)
{
	const struct memory_object *object = buffer_memory(buffer, memory);
	int error = 0;

	if (!object)
		return handle_fail(buffer->broker, -ERANGE, "the buffer has no memory object %zu",
				   memory);
	if (vocab_number(buffer->plan, PLAN_MAPPING) == MAPPING_NONE) {
		*ret_address = NULL;
		return handle_fail(buffer->broker, -EACCES,
				   "the memory of heap %s is protected: the CPU cannot reach it",
				   vocab_string(buffer->plan, PLAN_HEAP));
	}
	if (!buffer->address[memory])
		error = map(buffer, object, &buffer->address[memory]);
	if (!error)
		*ret_address = buffer->address[memory];
	return error;
}

int dmabroker_buffer_map_as(struct dmabroker_buffer *buffer, size_t memory,
			    enum dmabroker_mapping mapping, void **ret_address)
{
	static const char *const words[] = {"any", "cached", "uncached", "write-combined"};
	uint64_t is = vocab_number(buffer->plan, PLAN_MAPPING);

	if (mapping < DMABROKER_MAPPING_ANY || mapping > DMABROKER_MAPPING_WRITE_COMBINED)
		return handle_fail(buffer->broker, -EINVAL,
				   "a mapping is any, cached, uncached or write-combined");
	if (mapping != DMABROKER_MAPPING_ANY && is != MAPPING_NONE && is != (uint64_t)mapping)
		return handle_fail(
			buffer->broker, -EMEDIUMTYPE,
			"heap %s maps its memory in one way for all (%s), and a page with two "
			"attributes at once is illegal or undefined: not %s; a request can ask "
			"for a heap that does (allowed-heaps, is:%s)",
			vocab_string(buffer->plan, PLAN_HEAP),
			vocab_enum_name(buffer->plan, PLAN_MAPPING), words[mapping],
			mapping == DMABROKER_MAPPING_CACHED ? "cached" : "uncached");
	return dmabroker_buffer_map(buffer, memory, ret_address);
}

/* ---- allocated and mapped in one step ---- */

static int map_all(struct dmabroker_collection *collection)
{
	void *address;
	int error = 0;

	for (size_t i = 0; i < dmabroker_collection_get_count(collection); i++) {
		struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, i);

		for (size_t j = 0; j < buffer->record->memory.len && !error; j++)
			error = dmabroker_buffer_map(buffer, j, &address);
	}
	return error;
}

int dmabroker_allocate_mapped(struct dmabroker *broker, const struct dmabroker_record *request,
			      struct dmabroker_collection **ret_collection)
{
	struct dmabroker_collection *collection;
	int error = dmabroker_allocate(broker, request, &collection);

	if (error)
		return error;
	error = map_all(collection);
	if (error) {
		struct error kept = broker->error;
		char *text = broker->text;

		/* why it could not be mapped, not how it was released */
		broker->error = (struct error){0};
		broker->text = NULL;
		dmabroker_collection_release(collection);
		handle_forget(broker);
		broker->error = kept;
		broker->text = text;
		return error;
	}
	*ret_collection = collection;
	return 0;
}
