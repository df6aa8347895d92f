/* SPDX-License-Identifier: MIT */
/*
 * Two bits per buffer say what is due, whatever the pair of agents:
 *
 *	dirty: the newest data may sit in a CPU cache (the CPU, a driver that copies with the CPU,
 *	       or a snooping device has written)
 *	stale: memory is newest, CPU caches may hold old lines (a device that does not snoop has
 *	       written)
 *
 * Before a non-coherent device reads or writes, what is dirty is cleaned (before a write too: an
 * old dirty line evicted later would overwrite the device's data). Before anybody who goes through
 * the CPU caches reads or writes, what is stale is invalidated. Invalidating destroys dirty lines,
 * so clean comes first where both are due.
 *
 * A device of unknown coherency gets what either kind would need, and leaves what either kind would
 * leave: dirty if it snoops, stale if it does not. It is due nothing for what itself wrote last:
 * whichever kind it is, it finds that where it left it.
 *
 * A bounced device sees a copy. END(WRITE) brings all copies up to date, START(READ) brings the
 * buffer up to date from them. So a copy is `behind` once somebody else has written, and the
 * buffer is stale once the bounced device has.
 *
 * Example, on a cached heap: vivid with vmalloc (cpu-copying) writes: dirty. A non-coherent display
 * reads: clean, then nothing is due any more. A non-coherent camera writes: stale. The CPU reads:
 * invalidate.
 *
 * Each rule has a name, so that a test can leave it out and see what then goes wrong.
 */
#include "broker/model/access.h"

#include <errno.h>

#ifndef ACCESS_RULE
#define ACCESS_RULE(name, condition) (condition)
#endif

static bool goes_through_cache(enum agent kind)
{
	return kind == AGENT_CPU || kind == AGENT_CPU_COPYING || kind == AGENT_COHERENT ||
	       kind == AGENT_UNKNOWN;
}

static bool goes_to_memory(enum agent kind)
{
	return kind == AGENT_NON_COHERENT || kind == AGENT_UNKNOWN;
}

_Static_assert((OPERATION_CLEAN | OPERATION_INVALIDATE) == OPERATION_BOTH, "operations are bits");

/* What is due before this agent does `mode`, whoever may be doing what. */
static enum operation maintenance_before(const struct access_state *state, unsigned int agent,
					 enum access_mode mode)
{
	enum agent kind = state->agents[agent].kind;
	bool reads = mode & ACCESS_READ, writes = mode & ACCESS_WRITE, clean, invalidate;

	if (!state->cached)
		return OPERATION_NONE;
	if (kind == AGENT_BOUNCED)
		return ACCESS_RULE(COPY_TO_BOUNCED, state->behind >> agent & 1) ? OPERATION_CLEAN
										: OPERATION_NONE;
	if (kind == AGENT_UNKNOWN && ACCESS_RULE(OWN_DATA, state->writer == agent))
		return OPERATION_NONE;
	clean = state->dirty && goes_to_memory(kind) &&
		((reads && ACCESS_RULE(CLEAN_BEFORE_READ, true)) ||
		 (writes && ACCESS_RULE(CLEAN_BEFORE_WRITE, true)));
	invalidate = state->stale && goes_through_cache(kind) &&
		     ((reads && ACCESS_RULE(INVALIDATE_BEFORE_READ, true)) ||
		      (writes && ACCESS_RULE(INVALIDATE_BEFORE_WRITE, true)));
	if (invalidate && ACCESS_RULE(CLEAN_BEFORE_INVALIDATE, state->dirty))
		clean = true;
	return (enum operation)((clean ? OPERATION_CLEAN : 0) |
				(invalidate ? OPERATION_INVALIDATE : 0));
}

/*
 * Fences count before the CPU, a driver that waits for none (V4L2), and before maintenance: START
 * invalidates before it waits (drivers/dma-buf/dma-buf.c, dma_buf_begin_cpu_access, 6.12). Who
 * reads waits for who writes, who writes for all; START(WRITE) does the latter, too, but without a
 * limit of ours.
 */
static enum access_mode fences_before(const struct access_state *state, unsigned int agent,
				      enum access_mode mode, enum operation operation)
{
	bool waits_by_itself = state->agents[agent].waits;

	if (!state->unsignalled || (waits_by_itself && operation == OPERATION_NONE))
		return (enum access_mode)0;
	if (mode & ACCESS_WRITE && !waits_by_itself)
		return ACCESS_WRITE;
	if (operation & OPERATION_CLEAN && state->unsignalled & ACCESS_READ)
		return ACCESS_WRITE;
	return state->unsignalled & ACCESS_WRITE ? ACCESS_READ : (enum access_mode)0;
}

static struct access_due due_before(const struct access_state *state, unsigned int agent,
				    enum access_mode mode)
{
	struct access_due due = {.operation = maintenance_before(state, agent, mode)};

	due.wait = fences_before(state, agent, mode, due.operation);
	return due;
}

/* ---- who can share ---- */

/* START(READ) drops what the CPU has just copied out of a bounce buffer, if it comes to the
 * attachment of such an agent after that of the bounced one. */
static bool is_dropped_for(const struct access_agent *agent)
{
	return goes_to_memory(agent->kind) || (agent->synced && agent->kind != AGENT_BOUNCED);
}

int access_check(const struct access_agent *agents, unsigned int agents_len, bool cached)
{
	unsigned int bounced = 0, bounced_writers = 0, dropping = 0, memory_writers = 0;

	for (unsigned int i = 0; i < agents_len; i++) {
		if (agents[i].kind == AGENT_BOUNCED) {
			bounced++;
			bounced_writers += agents[i].may_write;
		}
		dropping += is_dropped_for(&agents[i]);
		memory_writers += agents[i].may_write && goes_to_memory(agents[i].kind);
	}
	if (bounced && !cached)
		return -EOPNOTSUPP;
	if (bounced_writers && (ACCESS_RULE(BOUNCED_WRITER_ALONE, bounced > 1) ||
				ACCESS_RULE(BOUNCED_WRITER_SNOOPED, dropping)))
		return -EOPNOTSUPP;
	if (bounced && ACCESS_RULE(BOUNCED_READER_SNOOPED, memory_writers))
		return -EOPNOTSUPP;
	return 0;
}

/* ---- what happens ---- */

static uint16_t all_bounced(const struct access_state *state)
{
	uint16_t bounced = 0;

	for (unsigned int i = 0; i < state->agents_len; i++)
		if (state->agents[i].kind == AGENT_BOUNCED)
			bounced |= (uint16_t)(1u << i);
	return bounced;
}

void access_start(struct access_state *state, bool dirty)
{
	state->dirty = state->from_start = ACCESS_RULE(DIRTY_AT_START, dirty);
	state->stale = false;
	state->writer = ACCESS_NOBODY;
	state->unsignalled = 0;
	state->readers = state->writers = 0;
	state->behind = 0; /* mapping copies (kernel/dma/swiotlb.c, swiotlb_tbl_map_single) */
}

int access_begin(const struct access_state *state, unsigned int agent, enum access_mode mode,
		 struct access_due *ret_due)
{
	if (agent >= state->agents_len || mode < ACCESS_READ || mode > ACCESS_READ_WRITE)
		return -EINVAL;
	if (state->agents[agent].elsewhere)
		return -EPERM;
	if ((state->readers | state->writers) >> agent & 1)
		return -EALREADY;
	if (ACCESS_RULE(ONE_WRITER, state->writers || (mode & ACCESS_WRITE && state->readers)))
		return -EBUSY;
	*ret_due = due_before(state, agent, mode);
	return 0;
}

/* Fences of readers that are still at it: nobody can have waited for all of them. */
static bool fences_come(const struct access_state *state)
{
	for (unsigned int i = 0; i < state->agents_len; i++)
		if (state->readers >> i & 1 && state->agents[i].fences)
			return true;
	return false;
}

void access_done(struct access_state *state, struct access_due due)
{
	if (due.wait)
		state->unsignalled &= due.wait & ACCESS_WRITE && !fences_come(state) ? 0
										     : ACCESS_READ;
	if (due.operation & OPERATION_CLEAN) {
		state->dirty = state->from_start = false;
		state->behind = 0;
	}
	if (due.operation & OPERATION_INVALIDATE) {
		/* from a bounce buffer the CPU copies, and leaves dirty lines; whose it was is not
		 * known where the writer has left the plan */
		state->dirty = state->writer == ACCESS_NOBODY ||
			       state->agents[state->writer].kind == AGENT_BOUNCED;
		state->from_start = false;
		state->stale = false;
	}
}

void access_begun(struct access_state *state, unsigned int agent, enum access_mode mode)
{
	if (mode & ACCESS_WRITE)
		state->writers |= (uint16_t)(1u << agent);
	else
		state->readers |= (uint16_t)(1u << agent);
	/* a fence may be there as soon as the device has been given the buffer */
	if (state->agents[agent].fences)
		state->unsignalled |= mode & ACCESS_WRITE ? ACCESS_WRITE : ACCESS_READ;
}

static void note_write(struct access_state *state, unsigned int agent)
{
	enum agent kind = state->agents[agent].kind;
	bool unknown = kind == AGENT_UNKNOWN;

	state->dirty = goes_through_cache(kind) && (!unknown || ACCESS_RULE(UNKNOWN_DIRTY, true));
	if (kind == AGENT_COHERENT)
		state->dirty = ACCESS_RULE(COHERENT_DIRTY, true);
	if (kind == AGENT_CPU_COPYING)
		state->dirty = ACCESS_RULE(COPYING_DIRTY, true);
	state->stale = (goes_to_memory(kind) && (!unknown || ACCESS_RULE(UNKNOWN_STALE, true))) ||
		       (kind == AGENT_BOUNCED && ACCESS_RULE(BOUNCED_STALE, true));
	state->from_start = false;
	state->writer = (uint8_t)agent;
	state->behind = all_bounced(state) & (uint16_t) ~(1u << agent);
}

int access_end(struct access_state *state, unsigned int agent)
{
	uint16_t bit;

	if (agent >= state->agents_len || !((state->readers | state->writers) >> agent & 1))
		return -EINVAL;
	bit = (uint16_t)(1u << agent);
	if (state->writers & bit)
		note_write(state, agent);
	state->readers &= (uint16_t)~bit;
	state->writers &= (uint16_t)~bit;
	return 0;
}

/* What any agent of other processes needs, whatever it is going to do. What was dirty from the
 * start is so for each process, and whoever comes first cleans it. */
static struct access_due due_elsewhere(const struct access_state *state)
{
	struct access_state written = *state;
	struct access_due all = {0};

	written.dirty &= !state->from_start;
	for (unsigned int i = 0; i < state->agents_len; i++) {
		struct access_due due;

		if (!state->agents[i].elsewhere)
			continue;
		due = due_before(&written, i,
				 state->agents[i].may_write ? ACCESS_READ_WRITE : ACCESS_READ);
		all.wait |= due.wait;
		all.operation |= due.operation;
	}
	return all;
}

int access_release(const struct access_state *state, unsigned int agent, struct access_due *ret_due)
{
	if (agent != ACCESS_NOBODY && agent >= state->agents_len)
		return -EINVAL;
	if (state->readers || state->writers)
		return -EBUSY;
	if (agent == ACCESS_NOBODY || state->agents[agent].elsewhere)
		*ret_due = due_elsewhere(state);
	else
		*ret_due = due_before(state, agent,
				      state->agents[agent].may_write ? ACCESS_READ_WRITE
								     : ACCESS_READ);
	return 0;
}

struct access_due access_pass(const struct access_agent *from, const struct access_agent *to,
			      bool cached)
{
	struct access_state state = {.cached = cached, .agents_len = 2, .agents = {*from, *to}};

	access_start(&state, false);
	access_begun(&state, 0, ACCESS_WRITE);
	access_end(&state, 0);
	return due_before(&state, 1, to->may_write ? ACCESS_READ_WRITE : ACCESS_READ);
}

enum operation access_hand_over(enum agent from, enum agent to, bool cached)
{
	const struct access_agent writer = {.kind = from}, next = {.kind = to};

	return access_pass(&writer, &next, cached).operation;
}
