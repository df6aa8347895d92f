/* SPDX-License-Identifier: MIT */
/* Buffers: fds, mappings, and the maintenance that is due when they change hands. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/dma-buf.h>

#include "libclient/internal.h"

#define FENCE_TIMEOUT_MS 5000

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

/* Begins the state of access by the participants of a plan. */
static int set_plan(struct dmabroker_buffer *buffer, const struct plan *plan)
{
	const struct vocab_dicts *views = &plan->participants;

	if (views->len > ACCESS_AGENTS_MAX)
		return -EPROTO;
	buffer->plan = plan;
	buffer->access = (struct access_state){.cached = vocab_number(plan, PLAN_CACHED),
					       .agents_len = (unsigned int)views->len};
	for (size_t i = 0; i < views->len; i++) {
		buffer->access.agents[i].kind =
			vocab_has(views->items[i], VIEW_AGENT)
				? (enum agent)vocab_number(views->items[i], VIEW_AGENT)
				: AGENT_UNKNOWN;
		buffer->access.agents[i].may_write =
			vocab_number(views->items[i], VIEW_ROLE) != ROLE_OUTPUT &&
			vocab_number(views->items[i], VIEW_ROLE) != ROLE_SCANOUT;
	}
	return 0;
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
	error = set_plan(buffer, plan);
	if (error)
		return error;
	buffer->broker = broker;
	buffer->record = record;
	return 0;
}

/* The place of a participant in a plan, or -ENOENT. */
static int find_view(const struct plan *plan, const char *participant)
{
	const struct vocab_dicts *views = &plan->participants;

	for (size_t i = 0; i < views->len; i++)
		if (strcmp(vocab_string(views->items[i], VIEW_NAME), participant) == 0)
			return (int)i;
	return -ENOENT;
}

int buffer_follow(struct dmabroker_buffer *buffer, const struct plan *plan)
{
	const struct access_state before = buffer->access;
	const struct vocab_dicts *views = &buffer->plan->participants;
	int error, agent;

	plan = plan_of(plan, buffer->record);
	error = plan ? set_plan(buffer, plan) : -EPROTO;
	if (error)
		return error;
	buffer->access.dirty = before.dirty;
	buffer->access.stale = before.stale;
	for (size_t i = 0; i < views->len; i++) {
		agent = find_view(plan, vocab_string(views->items[i], VIEW_NAME));
		if (agent >= 0)
			buffer->access.agents[agent].mode = before.agents[i].mode;
	}
	return 0;
}

void buffer_finish(struct dmabroker_buffer *buffer)
{
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

int dmabroker_buffer_map(struct dmabroker_buffer *buffer, size_t memory, void **ret_address)
{
	const struct memory_object *object = buffer_memory(buffer, memory);
	void *address;

	if (!object)
		return handle_fail(buffer->broker, -ERANGE, "the buffer has no memory object %zu",
				   memory);
	if (!buffer->address[memory]) {
		address = mmap(NULL, object->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, object->fd,
			       0);
		if (address == MAP_FAILED)
			return handle_fail(buffer->broker, -errno, "mmap of %llu bytes: %s",
					   (unsigned long long)object->bytes, strerror(errno));
		buffer->address[memory] = address;
	}
	*ret_address = buffer->address[memory];
	return 0;
}

/* ---- access ---- */

static int find_agent(const struct dmabroker_buffer *buffer, const char *participant)
{
	int agent = find_view(buffer->plan, participant);

	if (agent < 0)
		return handle_fail(buffer->broker, -ENOENT, "the plan has no participant called %s",
				   participant);
	return agent;
}

/* Start and end of a bracket without an access of ours in between: only the maintenance counts. */
static int sync_bracket(int fd, uint64_t direction)
{
	static const uint64_t ends[] = {DMA_BUF_SYNC_START, DMA_BUF_SYNC_END};
	int result;

	for (int i = 0; i < 2; i++) {
		struct dma_buf_sync sync = {.flags = ends[i] | direction};

		do {
			result = ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
		} while (result < 0 && (errno == EINTR || errno == EAGAIN));
		if (result < 0)
			return -errno;
	}
	return 0;
}

static int maintain(const struct dmabroker_buffer *buffer, enum operation operation)
{
	int error = 0;

	for (size_t i = 0; i < buffer->record->memory.len && !error; i++) {
		int fd = buffer_memory(buffer, i)->fd;

		/* clean first: invalidating would destroy what is dirty */
		if (operation & OPERATION_CLEAN)
			error = sync_bracket(fd, DMA_BUF_SYNC_WRITE);
		if (!error && operation & OPERATION_INVALIDATE)
			error = sync_bracket(fd, DMA_BUF_SYNC_READ);
	}
	if (error)
		return handle_fail(buffer->broker, error, "DMA_BUF_IOCTL_SYNC: %s",
				   strerror(-error));
	return 0;
}

/* START invalidates before it waits for fences, so they have to be waited for before. A reader
 * waits for writers (POLLIN), a writer for everybody (POLLOUT). */
static int wait_for_fences(const struct dmabroker_buffer *buffer, enum access_mode mode)
{
	short events = mode & ACCESS_WRITE ? POLLOUT : POLLIN;

	for (size_t i = 0; i < buffer->record->memory.len; i++) {
		struct pollfd wait = {.fd = buffer_memory(buffer, i)->fd, .events = events};
		int result;

		do {
			result = poll(&wait, 1, FENCE_TIMEOUT_MS);
		} while (result < 0 && (errno == EINTR || errno == EAGAIN));
		if (result < 0)
			return handle_fail(buffer->broker, -errno, "poll: %s", strerror(errno));
		if (result == 0)
			return handle_fail(buffer->broker, -ETIMEDOUT,
					   "a device has not finished with the buffer within %d s",
					   FENCE_TIMEOUT_MS / 1000);
	}
	return 0;
}

static int explain_refusal(const struct dmabroker_buffer *buffer, int error,
			   const char *participant)
{
	switch (error) {
	case -EBUSY:
		return handle_fail(buffer->broker, error,
				   "%s cannot begin: another participant has not ended its access",
				   participant);
	case -EOPNOTSUPP:
		return handle_fail(buffer->broker, error,
				   "%s cannot begin: somebody who writes is bounced, and other "
				   "processes take part",
				   participant);
	case -EALREADY:
		return handle_fail(buffer->broker, error, "%s has begun already", participant);
	default:
		return handle_fail(buffer->broker, error, "an access reads, writes, or does both");
	}
}

int dmabroker_buffer_begin_access(struct dmabroker_buffer *buffer, const char *participant,
				  enum dmabroker_access access)
{
	enum access_mode mode = (enum access_mode)access;
	enum operation operation;
	int error = 0, agent = find_agent(buffer, participant);

	if (agent < 0)
		return agent;
	if (buffer->shared && *buffer->shared)
		error = access_assume_others(&buffer->access, (unsigned int)agent);
	if (!error)
		error = access_begin(&buffer->access, (unsigned int)agent, mode, &operation);
	if (error)
		return explain_refusal(buffer, error, participant);
	if (buffer->access.agents[agent].kind == AGENT_CPU ||
	    buffer->access.agents[agent].kind == AGENT_UNKNOWN)
		error = wait_for_fences(buffer, mode);
	if (!error)
		error = maintain(buffer, operation);
	if (!error)
		access_begun(&buffer->access, (unsigned int)agent, mode);
	return error;
}

int dmabroker_buffer_end_access(struct dmabroker_buffer *buffer, const char *participant)
{
	enum operation operation;
	int error, agent = find_agent(buffer, participant);

	if (agent < 0)
		return agent;
	error = access_end(&buffer->access, (unsigned int)agent, &operation);
	if (error)
		return handle_fail(buffer->broker, error, "%s has not begun an access",
				   participant);
	return maintain(buffer, operation);
}
