/* SPDX-License-Identifier: MIT */
/* What a participant says of the buffers that it brings. */
#include "broker/model/brought.h"

#include <errno.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/model/exporter.h"
#include "broker/model/format.h"
#include "broker/model/plan.h"

const char *brought_exporter(const struct participant *participant)
{
	return vocab_string(participant->buffers.items[0], MEMORY_EXPORTER);
}

uint64_t brought_bytes(const struct participant *participant)
{
	uint64_t bytes = UINT64_MAX;

	for (size_t i = 0; i < participant->buffers.len; i++)
		bytes = arith_min(bytes, vocab_number(participant->buffers.items[i], MEMORY_BYTES));
	return bytes;
}

const struct supplied_layout *brought_layout(const struct participant *participant)
{
	return (const struct supplied_layout *)participant->layouts.items[0];
}

struct participant *brought_find(const struct request *request)
{
	for (size_t i = 0; i < request->participants.len; i++)
		if (vocab_has(request->participants.items[i], PARTICIPANT_BUFFERS))
			return (struct participant *)request->participants.items[i];
	return NULL;
}

static int invalid(struct error *error, const char *name, const char *key, const char *wanted,
		   const char *offered)
{
	return error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name, key, wanted,
			 offered);
}

int brought_check_one(const struct request *request, struct error *error)
{
	const struct participant *first = brought_find(request);

	for (size_t i = 0; i < request->participants.len; i++) {
		const void *other = request->participants.items[i];

		if (other != first && vocab_has(other, PARTICIPANT_BUFFERS))
			return invalid(error, vocab_string(other, PARTICIPANT_NAME), "buffers",
				       "buffers of one participant at most",
				       vocab_string(first, PARTICIPANT_NAME));
	}
	return 0;
}

/* ---- what each buffer is ---- */

static int check_buffer(const void *buffer, const void *first, const char *name,
			struct error *error)
{
	const char *exporter = vocab_string(buffer, MEMORY_EXPORTER);

	if (!exporter[0])
		return invalid(error, name, "buffers",
			       "an open dma-buf or memfd (fd); where nothing is allocated, its "
			       "exporter",
			       "neither");
	if (strcmp(exporter, vocab_string(first, MEMORY_EXPORTER)) != 0)
		return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name, "buffers",
				  "buffers of one exporter", "%s and %s",
				  vocab_string(first, MEMORY_EXPORTER), exporter);
	if (!vocab_number(buffer, MEMORY_BYTES))
		return invalid(error, name, "buffers", "buffers of some bytes", "one of none");
	if (!vocab_equal(buffer, first, MEMORY_CACHED))
		return invalid(error, name, "buffers", "buffers that are all cached, or all not",
			       "different ones");
	return 0;
}

/* Whether udmabuf makes dma-bufs of them. */
static int check_memfds(const struct participant *participant, const struct machine *machine,
			const char *name, struct error *error)
{
	const struct heap *udmabuf = machine_find_exporter(machine, EXPORTER_UDMABUF);
	uint64_t most = udmabuf ? vocab_number(udmabuf, HEAP_BUFFER_BYTES_MAX) : 0;

	if (!udmabuf)
		return error_set(error, ERROR_NOT_SUPPORTED, CONSTRAINT_HEAPS, name, "buffers",
				 "dma-bufs: without udmabuf (/dev/udmabuf) none is made of a memfd",
				 "memfds");
	for (size_t i = 0; i < participant->buffers.len; i++) {
		uint64_t bytes = vocab_number(participant->buffers.items[i], MEMORY_BYTES);

		if (bytes > most)
			return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name,
					  "buffers", "memory that udmabuf takes",
					  "%llu bytes, of "
					  "at most %llu (size_limit_mb)",
					  (unsigned long long)bytes, (unsigned long long)most);
	}
	return 0;
}

static int check_buffers(const struct participant *participant, const struct machine *machine,
			 const char *name, struct error *error)
{
	const struct vocab_dicts *list = &participant->buffers;
	int result = 0;

	for (size_t i = 0; i < list->len && !result; i++)
		result = check_buffer(list->items[i], list->items[0], name, error);
	if (!result && exporter_is_memfd(brought_exporter(participant)))
		result = check_memfds(participant, machine, name, error);
	return result;
}

/* ---- their layout ---- */

/* Whether a linear layout has room for the picture in planes as the format has them. */
static bool is_regular(const struct supplied_layout *layout, const struct format_info *info,
		       uint32_t height)
{
	const struct vocab_dicts *planes = &layout->planes;
	uint32_t stride = ((const struct plane *)planes->items[0])->stride;
	struct format_layout least;
	uint64_t next = 0;

	if (planes->len != info->planes_len || !format_layout(info, height, stride, 1, &least))
		return false;
	for (unsigned int i = 0; i < planes->len; i++) {
		const struct plane *plane = (const struct plane *)planes->items[i];
		uint64_t offset = vocab_number(plane, PLANE_OFFSET);

		if (plane->stride != least.stride[i] || plane->bytes < least.bytes[i] ||
		    offset < next)
			return false;
		next = offset + plane->bytes;
	}
	return true;
}

static int check_layout(const struct participant *participant, uint32_t height, const char *name,
			struct error *error)
{
	const struct supplied_layout *layout;
	const struct format_info *info;
	int missing;

	if (participant->layouts.len != 1)
		return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name, "layouts",
				  "the layout of the buffers, and no other", "%zu of them",
				  participant->layouts.len);
	layout = brought_layout(participant);
	missing = vocab_missing(layout);
	if (missing >= 0)
		return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name, "layouts",
				  "a layout with format, modifier, bytes and planes",
				  "one without %s", vocab_layout.rows[missing].name);
	if (layout->bytes > brought_bytes(participant))
		return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name, "layouts",
				  "a layout within each buffer", "%llu bytes in one of %llu",
				  (unsigned long long)layout->bytes,
				  (unsigned long long)brought_bytes(participant));
	info = layout->modifier == FORMAT_MODIFIER_LINEAR ? format_find(layout->format) : NULL;
	if (info && !is_regular(layout, info, height))
		return invalid(error, name, "layouts",
			       "planes as the format has them, one after the other, with room for "
			       "the picture",
			       "others");
	return 0;
}

/* It becomes part of the id of a heap, which has an end. */
static int check_name(const char *name, struct error *error)
{
	size_t most = (size_t)vocab_heap.rows[HEAP_ID].max - strlen(EXPORTER_HEAP);

	if (strlen(name) <= most)
		return 0;
	return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name, "name",
			  "a shorter name of who brings buffers", "%zu bytes, of at most %zu",
			  strlen(name), most);
}

int brought_settle(struct participant *participant, const struct machine *machine, uint32_t height,
		   const char *name, struct error *error)
{
	int result = check_name(name, error);

	if (!result)
		result = check_buffers(participant, machine, name, error);
	if (!result)
		result = check_layout(participant, height, name, error);
	if (result || vocab_has(participant, PARTICIPANT_FORMATS))
		return result;
	return vocab_add_format(participant, PARTICIPANT_FORMATS,
				brought_layout(participant)->format,
				brought_layout(participant)->modifier, VOCAB_DECLARED);
}
