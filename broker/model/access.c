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
 * so clean comes first where both are due. A device of unknown coherency gets what either kind
 * would need.
 *
 * A bounced device sees a copy. END(WRITE) brings the copy up to date, START(READ) brings the
 *buffer up to date from it: so before it begins it is cleaned, always, unless it was the last to
 *write and its copy is the newest; and after it has written the buffer is stale for everybody else.
 *
 * Example, on a cached heap: vivid with vmalloc (cpu-copying) writes: dirty. A non-coherent display
 * reads: clean, then nothing is due any more. A non-coherent camera writes: stale. The CPU reads:
 * invalidate.
 */
#include "broker/model/access.h"

#include <errno.h>

static bool goes_through_cache(enum agent kind)
{
	return kind == AGENT_CPU || kind == AGENT_CPU_COPYING || kind == AGENT_COHERENT ||
	       kind == AGENT_UNKNOWN;
}

static bool goes_to_memory(enum agent kind)
{
	return kind == AGENT_NON_COHERENT || kind == AGENT_UNKNOWN;
}

static enum operation due_before(const struct access_state *state, enum agent kind)
{
	bool clean = state->dirty && goes_to_memory(kind);
	bool invalidate = state->stale && goes_through_cache(kind);

	if (!state->cached)
		return OPERATION_NONE;
	if (kind == AGENT_BOUNCED)
		return state->stale ? OPERATION_NONE : OPERATION_CLEAN;
	/* what is dirty and stale at once (an unknown device wrote after the CPU) must not be
	 * invalidated before it was cleaned */
	if (invalidate && state->dirty)
		clean = true;
	return (enum operation)((clean ? OPERATION_CLEAN : 0) |
				(invalidate ? OPERATION_INVALIDATE : 0));
}

_Static_assert((OPERATION_CLEAN | OPERATION_INVALIDATE) == OPERATION_BOTH, "operations are bits");

int access_assume_others(struct access_state *state, unsigned int agent)
{
	for (unsigned int i = 0; i < state->agents_len; i++)
		if (state->agents[i].may_write && state->agents[i].kind == AGENT_BOUNCED)
			return -EOPNOTSUPP;
	for (unsigned int i = 0; i < state->agents_len; i++) {
		if (i == agent || !state->agents[i].may_write)
			continue;
		state->dirty |= goes_through_cache(state->agents[i].kind);
		state->stale |= goes_to_memory(state->agents[i].kind);
	}
	return 0;
}

int access_begin(const struct access_state *state, unsigned int agent, enum access_mode mode,
		 enum operation *ret_operation)
{
	if (agent >= state->agents_len || mode < ACCESS_READ || mode > ACCESS_READ_WRITE)
		return -EINVAL;
	if (state->agents[agent].mode)
		return -EALREADY;
	for (unsigned int i = 0; i < state->agents_len; i++)
		if ((state->agents[i].mode | (state->agents[i].mode ? mode : 0)) & ACCESS_WRITE)
			return -EBUSY;
	*ret_operation = due_before(state, state->agents[agent].kind);
	return 0;
}

void access_begun(struct access_state *state, unsigned int agent, enum access_mode mode)
{
	enum operation done = due_before(state, state->agents[agent].kind);

	if (done & OPERATION_CLEAN)
		state->dirty = false;
	if (done & OPERATION_INVALIDATE)
		state->stale = false;
	state->agents[agent].mode = (uint8_t)mode;
}

int access_end(struct access_state *state, unsigned int agent, enum operation *ret_operation)
{
	enum agent kind;

	if (agent >= state->agents_len || !state->agents[agent].mode)
		return -EINVAL;
	kind = state->agents[agent].kind;
	*ret_operation = OPERATION_NONE;
	if (state->agents[agent].mode & ACCESS_WRITE) {
		if (kind == AGENT_UNKNOWN && state->cached)
			*ret_operation = OPERATION_CLEAN;
		state->dirty = goes_through_cache(kind) && kind != AGENT_UNKNOWN;
		state->stale = goes_to_memory(kind) || kind == AGENT_BOUNCED;
	}
	state->agents[agent].mode = 0;
	return 0;
}

enum operation access_hand_over(enum agent from, enum agent to, bool cached)
{
	struct access_state state = {.cached = cached, .agents_len = 1, .agents = {{.kind = from}}};
	enum operation after, before;

	access_begun(&state, 0, ACCESS_WRITE);
	access_end(&state, 0, &after);
	before = due_before(&state, to);
	return (enum operation)(after | before);
}
