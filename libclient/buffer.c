/* SPDX-License-Identifier: MIT */
/* Buffers: fds. Mappings are in mapping.c, who accesses them in access.c. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "libclient/internal.h"

struct memory_object *buffer_memory(const struct dmabroker_buffer *buffer, size_t memory)
{
	const struct vocab_dicts *list = &buffer->record->memory;

	return memory < list->len ? (struct memory_object *)list->items[memory] : NULL;
}

/* The plan that a buffer follows: its group's where participants are split. NULL: no such group. */
static const struct plan *plan_of(const struct plan *plan, const struct buffer_record *record)
{
	if (!plan->groups.len)
		return plan;
	if (!vocab_has(record, BUFFER_GROUP) || record->group >= plan->groups.len)
		return NULL;
	return (const struct plan *)plan->groups.items[record->group];
}

int buffer_init(struct dmabroker_buffer *buffer, struct dmabroker *broker, const struct plan *plan,
		struct buffer_record *record)
{
	int error;

	plan = plan_of(plan, record);
	if (!plan || !record->memory.len || record->memory.len > 4)
		return -EPROTO;
	for (size_t i = 0; i < record->memory.len; i++)
		if (!vocab_has(record->memory.items[i], MEMORY_FD))
			return -EPROTO;
	error = access_init(buffer, plan, record);
	if (error)
		return error;
	buffer->broker = broker;
	buffer->record = record;
	return 0;
}

int buffer_follow(struct dmabroker_buffer *buffer, const struct plan *plan)
{
	plan = plan_of(plan, buffer->record);
	return plan ? access_follow(buffer, plan) : -EPROTO;
}

void buffer_finish(struct dmabroker_buffer *buffer)
{
	access_audit(buffer);
	for (size_t i = 0; buffer->record && i < buffer->record->memory.len; i++)
		if (buffer->address[i])
			munmap(buffer->address[i], dmabroker_buffer_get_bytes(buffer, i));
	vocab_destroy(buffer->record);
}

const struct dmabroker_record *dmabroker_buffer_get_plan(const struct dmabroker_buffer *buffer)
{
	return (const struct dmabroker_record *)buffer->plan;
}

size_t dmabroker_buffer_get_memory_count(const struct dmabroker_buffer *buffer)
{
	return buffer->record->memory.len;
}

int dmabroker_buffer_get_fd(const struct dmabroker_buffer *buffer, size_t memory)
{
	const struct memory_object *object = buffer_memory(buffer, memory);

	return object ? object->fd : -ERANGE;
}

uint64_t dmabroker_buffer_get_bytes(const struct dmabroker_buffer *buffer, size_t memory)
{
	const struct memory_object *object = buffer_memory(buffer, memory);

	return object ? object->bytes : 0;
}

uint64_t dmabroker_buffer_get_inode(const struct dmabroker_buffer *buffer, size_t memory)
{
	const struct memory_object *object = buffer_memory(buffer, memory);

	return object ? object->inode : 0;
}
