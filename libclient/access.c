/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is with a buffer, and the maintenance that is due when it changes hands: the rules
 * of broker/model/access.c, made into poll() and DMA_BUF_IOCTL_SYNC.
 *
 * Each process keeps a state of its own. Who writes is responsible for whoever comes next, in other
 * processes too: release_to does what any of theirs may need, so that who is given a buffer has
 * nothing to do for what others did. Hence an agent of another process is never begun here.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "libclient/internal.h"

#define FENCE_TIMEOUT_MS 5000
#define SYNC_TRIES_MAX \
	5000 /* a millisecond apart; the kernel documents EAGAIN, and nobody sends it */

/* ---- agents ---- */

/* The place of a participant, or -ENOENT. */
static int find_agent(const struct dmabroker_buffer *buffer, const char *participant)
{
	for (unsigned int i = 0; i < buffer->access.agents_len; i++)
		if (buffer->names[i][0] == participant[0] &&
		    strcmp(buffer->names[i], participant) == 0)
			return (int)i;
	return -ENOENT;
}

/* What a view does not say is taken for the worst. */
static struct access_agent agent_of(const struct view *view, const struct buffer_record *record)
{
	return (struct access_agent){
		.kind = vocab_has(view, VIEW_AGENT) ? (enum agent)view->agent : AGENT_UNKNOWN,
		.may_write = vocab_has(view, VIEW_WRITES) ? view->writes : true,
		.fences = vocab_has(view, VIEW_COMPLETION) &&
			  role_fences((enum role)view->role, (enum completion)view->completion),
		.waits = vocab_has(view, VIEW_ROLE) && role_waits((enum role)view->role),
		.elsewhere =
			vocab_has(record, BUFFER_PARTICIPANTS) &&
			!vocab_strings_have(&record->participants, vocab_string(view, VIEW_NAME)),
	};
}

static int set_agents(struct dmabroker_buffer *buffer, const struct plan *plan,
		      const struct buffer_record *record)
{
	const struct vocab_dicts *views = &plan->participants;

	if (views->len > ACCESS_AGENTS_MAX)
		return -EPROTO;
	buffer->plan = plan;
	buffer->access.cached = vocab_number(plan, PLAN_CACHED);
	buffer->access.agents_len = (uint8_t)views->len;
	for (size_t i = 0; i < views->len; i++) {
		const struct view *view = (const struct view *)views->items[i];

		buffer->names[i] = vocab_string(view, VIEW_NAME);
		buffer->access.agents[i] = agent_of(view, record);
	}
	/* a daemon that plans so is not to be trusted with the data */
	return access_check(buffer->access.agents, buffer->access.agents_len, buffer->access.cached)
		       ? -EPROTO
		       : 0;
}

int access_init(struct dmabroker_buffer *buffer, const struct plan *plan,
		const struct buffer_record *record)
{
	int error = set_agents(buffer, plan, record);

	if (!error)
		access_start(&buffer->access, vocab_number(plan, PLAN_INITIALLY_DIRTY));
	return error;
}

/* Bits by agent, in the order of another plan. */
static uint16_t follow_bits(const struct dmabroker_buffer *before, uint16_t bits,
			    const struct dmabroker_buffer *buffer)
{
	uint16_t now = 0;

	for (unsigned int i = 0; i < before->access.agents_len; i++) {
		int agent = find_agent(buffer, before->names[i]);

		if (bits >> i & 1 && agent >= 0)
			now |= (uint16_t)(1u << agent);
	}
	return now;
}

int access_follow(struct dmabroker_buffer *buffer, const struct plan *plan)
{
	const struct dmabroker_buffer before = *buffer;
	const struct access_state *was = &before.access;
	int writer = -ENOENT, error = set_agents(buffer, plan, buffer->record);

	if (error) {
		*buffer = before;
		return error;
	}
	if (was->writer != ACCESS_NOBODY)
		writer = find_agent(buffer, before.names[was->writer]);
	buffer->access.writer = writer < 0 ? ACCESS_NOBODY : (uint8_t)writer;
	buffer->access.readers = follow_bits(&before, was->readers, buffer);
	buffer->access.writers = follow_bits(&before, was->writers, buffer);
	buffer->access.behind = follow_bits(&before, was->behind, buffer);
	for (unsigned int i = 0; i < was->agents_len; i++) {
		int agent = find_agent(buffer, before.names[i]);

		if (agent >= 0)
			buffer->begun[agent] = before.begun[i];
	}
	return 0;
}

/* ---- maintenance ---- */

static int sync_once(struct dmabroker_buffer *buffer, int fd, uint64_t flags)
{
	struct dma_buf_sync sync = {.flags = flags};
	unsigned int tries = 0;
	int result = ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);

	while (result < 0 && (errno == EINTR || (errno == EAGAIN && tries < SYNC_TRIES_MAX))) {
		if (errno == EAGAIN) {
			usleep(1000);
			tries++;
		}
		result = ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
	}
	if (result < 0)
		return handle_fail(buffer->broker, -errno, "DMA_BUF_IOCTL_SYNC: %s",
				   strerror(errno));
	buffer->stats.syncs++;
	return 0;
}

/* Start and end of a bracket without an access of ours in between: only the maintenance counts. */
static int sync_bracket(struct dmabroker_buffer *buffer, int fd, uint64_t direction)
{
	int error = sync_once(buffer, fd, DMA_BUF_SYNC_START | direction);

	return error ? error : sync_once(buffer, fd, DMA_BUF_SYNC_END | direction);
}

/* Clean first: invalidating would destroy what is dirty. */
static int maintain(struct dmabroker_buffer *buffer, enum operation operation)
{
	int error = 0;

	for (size_t i = 0; i < buffer->record->memory.len && !error; i++) {
		int fd = buffer_memory(buffer, i)->fd;

		if (operation & OPERATION_CLEAN)
			error = sync_bracket(buffer, fd, DMA_BUF_SYNC_WRITE);
		if (!error && operation & OPERATION_INVALIDATE)
			error = sync_bracket(buffer, fd, DMA_BUF_SYNC_READ);
	}
	if (error)
		return error;
	buffer->stats.cleans += operation & OPERATION_CLEAN ? 1 : 0;
	buffer->stats.invalidates += operation & OPERATION_INVALIDATE ? 1 : 0;
	return 0;
}

/* START invalidates before it waits for fences, so they have to be waited for before. POLLIN: those
 * of writers, POLLOUT: of all. */
static int wait_for_fences(struct dmabroker_buffer *buffer, enum access_mode wait)
{
	short events = wait & ACCESS_WRITE ? POLLOUT : POLLIN;

	for (size_t i = 0; i < buffer->record->memory.len; i++) {
		struct pollfd fence = {.fd = buffer_memory(buffer, i)->fd, .events = events};
		int result;

		do {
			result = poll(&fence, 1, FENCE_TIMEOUT_MS);
		} while (result < 0 && (errno == EINTR || errno == EAGAIN));
		if (result < 0)
			return handle_fail(buffer->broker, -errno, "poll: %s", strerror(errno));
		if (result == 0)
			return handle_fail(buffer->broker, -ETIMEDOUT,
					   "a device has not finished with the buffer within %d s",
					   FENCE_TIMEOUT_MS / 1000);
	}
	buffer->stats.waits++;
	return 0;
}

/* Nothing is noted before all of it is done: after a failure it is all due again. */
static int do_what_is_due(struct dmabroker_buffer *buffer, struct access_due due)
{
	int error;

	if (!due.wait && due.operation == OPERATION_NONE) {
		buffer->stats.elided++;
		return 0;
	}
	error = due.wait ? wait_for_fences(buffer, due.wait) : 0;
	if (!error)
		error = maintain(buffer, due.operation);
	if (!error)
		access_done(&buffer->access, due);
	return error;
}

/* ---- what a caller did wrong ---- */

/* "camera (begun at pipeline.c:12)": somebody whose access is in the way. */
static void describe_holder(const struct dmabroker_buffer *buffer, char *text, size_t size)
{
	uint16_t held = buffer->access.writers ? buffer->access.writers : buffer->access.readers;
	int agent = __builtin_ctz(held);
	const struct access_place *place = &buffer->begun[agent];

	if (place->file)
		snprintf(text, size, "%.80s (begun at %.80s:%d)", buffer->names[agent], place->file,
			 place->line);
	else
		snprintf(text, size, "%.80s", buffer->names[agent]);
}

static int refuse(struct dmabroker_buffer *buffer, int error, const char *participant)
{
	char holder[256] = "";

	buffer->stats.refused++;
	if (buffer->access.readers || buffer->access.writers)
		describe_holder(buffer, holder, sizeof(holder));
	switch (error) {
	case -ENOENT:
		return handle_fail(buffer->broker, error, "the plan has no participant called %s",
				   participant);
	case -EPERM:
		return handle_fail(buffer->broker, error,
				   "%s belongs to another process, which begins and ends for it",
				   participant);
	case -EACCES:
		return handle_fail(buffer->broker, error,
				   "%s only reads by the plan; who writes says so in its usage, "
				   "role or cpu-writes",
				   participant);
	case -EBUSY:
		return handle_fail(buffer->broker, error,
				   "%s cannot have it: %s has not ended its access", participant,
				   holder);
	case -EALREADY:
		return handle_fail(buffer->broker, error, "%s has begun already", participant);
	default:
		return handle_fail(buffer->broker, error, "an access reads, writes, or does both");
	}
}

/* ---- public ---- */

int dmabroker_buffer_begin_access_at(struct dmabroker_buffer *buffer, const char *participant,
				     enum dmabroker_access access, const char *file, int line)
{
	enum access_mode mode = (enum access_mode)access;
	struct access_due due;
	int error, agent = find_agent(buffer, participant);

	if (agent < 0)
		return refuse(buffer, agent, participant);
	error = access_begin(&buffer->access, (unsigned int)agent, mode, &due);
	if (!error && mode & ACCESS_WRITE && !buffer->access.agents[agent].may_write)
		error = -EACCES;
	if (error)
		return refuse(buffer, error, participant);
	error = do_what_is_due(buffer, due);
	if (error)
		return error;
	access_begun(&buffer->access, (unsigned int)agent, mode);
	buffer->begun[agent] = (struct access_place){file, line};
	buffer->stats.begun++;
	return 0;
}

#undef dmabroker_buffer_begin_access
int dmabroker_buffer_begin_access(struct dmabroker_buffer *buffer, const char *participant,
				  enum dmabroker_access access)
{
	return dmabroker_buffer_begin_access_at(buffer, participant, access, NULL, 0);
}

int dmabroker_buffer_end_access(struct dmabroker_buffer *buffer, const char *participant)
{
	int error, agent = find_agent(buffer, participant);

	if (agent < 0)
		return refuse(buffer, agent, participant);
	error = access_end(&buffer->access, (unsigned int)agent);
	if (error) {
		buffer->stats.refused++;
		return handle_fail(buffer->broker, error, "%s has not begun an access",
				   participant);
	}
	buffer->stats.ended++;
	return 0;
}

int dmabroker_buffer_release_to(struct dmabroker_buffer *buffer, const char *participant)
{
	unsigned int agent = ACCESS_NOBODY;
	struct access_due due;
	int error;

	if (participant) {
		int found = find_agent(buffer, participant);

		if (found < 0)
			return refuse(buffer, found, participant);
		agent = (unsigned int)found;
	}
	error = access_release(&buffer->access, agent, &due);
	if (error)
		return refuse(buffer, error, participant ? participant : "another process");
	error = do_what_is_due(buffer, due);
	if (!error)
		buffer->stats.released++;
	return error;
}

void dmabroker_buffer_get_access_stats(const struct dmabroker_buffer *buffer,
				       struct dmabroker_access_stats *ret_stats, size_t size)
{
	struct dmabroker_access_stats stats = buffer->stats;

	stats.held = (uint32_t)__builtin_popcount(buffer->access.readers | buffer->access.writers);
	memset(ret_stats, 0, size);
	memcpy(ret_stats, &stats, size < sizeof(stats) ? size : sizeof(stats));
}

/* ---- what is left behind ---- */

void access_audit(const struct dmabroker_buffer *buffer)
{
	uint16_t held = buffer->access.readers | buffer->access.writers;

	if (!buffer->broker || !buffer->broker->audit)
		return;
	for (unsigned int i = 0; i < buffer->access.agents_len; i++)
		if (held >> i & 1)
			buffer->broker->audit(buffer->broker->audit_data, buffer->names[i],
					      buffer->begun[i].file, buffer->begun[i].line);
}

void dmabroker_set_audit_callback(struct dmabroker *broker, dmabroker_audit_fn callback, void *data)
{
	broker->audit = callback;
	broker->audit_data = data;
}
