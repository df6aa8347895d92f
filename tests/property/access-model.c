/* SPDX-License-Identifier: MIT */
#include "tests/property/access-model.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- places ---- */

static unsigned int slot_of(const struct model_state *state, unsigned int agent)
{
	return state->slots >> (2 * agent) & 3u;
}

static void set_slot(struct model_state *state, unsigned int agent, unsigned int halves)
{
	state->slots = (uint8_t)((state->slots & ~(3u << (2 * agent))) | halves << (2 * agent));
}

static void load(struct model_state *state, unsigned int line)
{
	if (!(state->lines[line] & MODEL_HELD))
		state->lines[line] = state->memory | MODEL_HELD;
}

static void write_back(struct model_state *state, unsigned int line)
{
	if (!(state->lines[line] & MODEL_DIRTY))
		return;
	state->memory = state->lines[line] & MODEL_BOTH;
	state->lines[line] &= (uint8_t)~MODEL_DIRTY;
}

static void drop(struct model_state *state, unsigned int line)
{
	state->lines[line] = 0;
}

static unsigned int seen_in(const struct model_world *world, const struct model_state *state,
			    unsigned int line)
{
	if (world->lines && state->lines[line] & MODEL_HELD)
		return state->lines[line] & MODEL_BOTH;
	return state->memory;
}

static unsigned int seen_by(const struct model_world *world, const struct model_state *state,
			    unsigned int agent)
{
	switch (world->agents[agent].path) {
	case MODEL_CPU:
		return seen_in(world, state, world->agents[agent].line);
	case MODEL_SNOOPING:
		return seen_in(world, state, world->linear);
	case MODEL_SLOT:
		return slot_of(state, agent);
	default:
		return state->memory;
	}
}

/* ---- sets of states ---- */

void model_add(struct model_set *set, const struct model_state *state)
{
	for (unsigned int i = 0; i < set->len; i++)
		if (memcmp(&set->states[i], state, sizeof(*state)) == 0)
			return;
	assert(set->len < MODEL_SET_MAX);
	set->states[set->len++] = *state;
}

/* What a cache does by itself. */
static void run_cache(const struct model_world *world, const struct model_state *state,
		      struct model_set *next)
{
	for (unsigned int i = 0; i < world->lines; i++) {
		struct model_state now = *state;

		if (state->lines[i] & MODEL_DIRTY)
			write_back(&now, i);
		else if (state->lines[i])
			drop(&now, i);
		else
			load(&now, i);
		model_add(next, &now);
	}
}

static void let_cache_run(const struct model_world *world, struct model_set *set)
{
	for (unsigned int i = 0; i < set->len; i++) {
		struct model_state state = set->states[i];

		run_cache(world, &state, set);
		set->wrong |= model_is_wrong(world, &state);
	}
}

/* ---- accesses ---- */

static unsigned int agent_of(uint8_t access)
{
	return access & 3u;
}

static bool conflict(uint8_t one, uint8_t other)
{
	return (one | other) & MODEL_WRITES;
}

/* Who waits does so for all fences that are in the way. */
static bool is_running(const struct model_world *world, const struct model_state *state,
		       unsigned int place)
{
	uint8_t access = state->under_way[place];

	if (!access)
		return false;
	for (unsigned int i = 0; i < place; i++) {
		uint8_t before = state->under_way[i];

		if (world->agents[agent_of(access)].waits &&
		    world->agents[agent_of(before)].fences && conflict(before, access))
			return false;
	}
	return true;
}

/* What one reads while another writes, and what two write, is half of one and half of the other. */
static bool is_torn(const struct model_world *world, const struct model_state *state)
{
	uint8_t all = 0;
	unsigned int running = 0;

	for (unsigned int i = 0; i < MODEL_UNDER_WAY_MAX && state->under_way[i]; i++)
		if (is_running(world, state, i)) {
			all |= state->under_way[i];
			running++;
		}
	return running > 1 && all & MODEL_WRITES;
}

static bool is_dirty_twice(const struct model_world *world, const struct model_state *state)
{
	unsigned int dirty = 0;

	for (unsigned int i = 0; i < world->lines; i++)
		dirty += (state->lines[i] & MODEL_DIRTY) != 0;
	return dirty > 1;
}

bool model_is_wrong(const struct model_world *world, const struct model_state *state)
{
	if (world->machine_check && is_dirty_twice(world, state))
		return true;
	if (!world->may_tear && is_torn(world, state))
		return true;
	for (unsigned int i = 0; i < MODEL_UNDER_WAY_MAX && state->under_way[i]; i++) {
		uint8_t access = state->under_way[i];

		if (access & MODEL_READS && is_running(world, state, i) &&
		    seen_by(world, state, agent_of(access)) != MODEL_BOTH)
			return true;
	}
	return false;
}

static void forget(struct model_state *state, unsigned int halves)
{
	state->memory &= (uint8_t)~halves;
	for (unsigned int i = 0; i < MODEL_LINES_MAX; i++)
		state->lines[i] &= (uint8_t)~halves;
	for (unsigned int i = 0; i < MODEL_AGENTS_MAX; i++)
		set_slot(state, i, slot_of(state, i) & ~halves);
}

static void write_line(struct model_state *state, unsigned int line, unsigned int halves)
{
	if (halves != MODEL_BOTH)
		load(state, line);
	forget(state, halves);
	state->lines[line] |= (uint8_t)(halves | MODEL_HELD | MODEL_DIRTY);
}

static void write_memory(struct model_state *state, unsigned int halves)
{
	forget(state, halves);
	state->memory |= (uint8_t)halves;
}

/* What a snooping device writes ends in the cache, or in memory, and the line goes. */
static void write_snooping(const struct model_state *state, unsigned int line, unsigned int halves,
			   struct model_set *next)
{
	struct model_state now = *state;

	write_line(&now, line, halves);
	model_add(next, &now);
	now = *state;
	write_back(&now, line);
	drop(&now, line);
	write_memory(&now, halves);
	model_add(next, &now);
}

static void write_halves(const struct model_world *world, const struct model_state *state,
			 unsigned int agent, unsigned int halves, struct model_set *next)
{
	const struct model_agent *writer = &world->agents[agent];
	struct model_state now = *state;

	if (writer->path == MODEL_SLOT) {
		forget(&now, halves);
		set_slot(&now, agent, slot_of(&now, agent) | halves);
	} else if (!world->lines || writer->path == MODEL_MEMORY) {
		write_memory(&now, halves);
	} else if (writer->path == MODEL_CPU) {
		write_line(&now, writer->line, halves);
	} else {
		write_snooping(state, world->linear, halves, next);
		return;
	}
	model_add(next, &now);
}

static void write_some(const struct model_world *world, const struct model_state *state,
		       unsigned int place, struct model_set *next)
{
	struct model_state now = *state;
	unsigned int agent = agent_of(state->under_way[place]);

	if (!world->agents[agent].whole) {
		write_halves(world, state, agent, MODEL_FIRST, next);
		write_halves(world, state, agent, MODEL_SECOND, next);
	} else {
		now.under_way[place] |= MODEL_WRITTEN;
	}
	write_halves(world, &now, agent, MODEL_BOTH, next);
}

static void remove_access(struct model_state *state, unsigned int place)
{
	memmove(&state->under_way[place], &state->under_way[place + 1],
		MODEL_UNDER_WAY_MAX - 1 - place);
	state->under_way[MODEL_UNDER_WAY_MAX - 1] = 0;
}

void model_run(const struct model_world *world, const struct model_state *state,
	       struct model_set *ret_next)
{
	ret_next->len = 0;
	ret_next->wrong = false;
	run_cache(world, state, ret_next);
	for (unsigned int i = 0; i < MODEL_UNDER_WAY_MAX && state->under_way[i]; i++) {
		uint8_t access = state->under_way[i];
		struct model_state now = *state;

		if (!is_running(world, state, i))
			continue;
		if (access & MODEL_WRITES)
			write_some(world, state, i, ret_next);
		if (access & MODEL_ENDED) {
			remove_access(&now, i);
			model_add(ret_next, &now);
		}
	}
}

/* The kernel's own mapping of a buffer: vmap() writes back and drops all lines (flush_cache_vmap)
 * where the cache aliases. */
static void map_kernel(const struct model_world *world, struct model_state *state,
		       unsigned int agent)
{
	if (world->agents[agent].path != MODEL_CPU || world->vmap >= world->lines ||
	    world->agents[agent].line != world->vmap || state->mapped & MODEL_VMAPPED)
		return;
	state->mapped |= MODEL_VMAPPED;
	for (unsigned int i = 0; i < world->lines; i++) {
		write_back(state, i);
		drop(state, i);
	}
}

bool model_begin(const struct model_world *world, struct model_state *state, unsigned int agent,
		 unsigned int mode)
{
	unsigned int place = 0;

	if (state->under_way[world->under_way_max - 1])
		return false;
	map_kernel(world, state, agent);
	while (state->under_way[place] &&
	       (world->orders || agent_of(state->under_way[place]) < agent))
		place++;
	memmove(&state->under_way[place + 1], &state->under_way[place],
		MODEL_UNDER_WAY_MAX - 1 - place);
	state->under_way[place] = (uint8_t)(MODEL_UNDER_WAY | mode | agent);
	return true;
}

bool model_end(const struct model_world *world, struct model_state *state, unsigned int agent)
{
	for (unsigned int i = 0; i < MODEL_UNDER_WAY_MAX && state->under_way[i]; i++) {
		if (agent_of(state->under_way[i]) != agent || state->under_way[i] & MODEL_ENDED)
			continue;
		if (world->agents[agent].whole && !(state->under_way[i] & MODEL_WRITTEN))
			return false;
		/* done is only who has begun */
		if (!world->agents[agent].fences && !is_running(world, state, i))
			return false;
		if (world->agents[agent].fences)
			state->under_way[i] |= MODEL_ENDED;
		else
			remove_access(state, i);
		return true;
	}
	return false;
}

bool model_is_pending(const struct model_state *state, bool only_writes)
{
	for (unsigned int i = 0; i < MODEL_UNDER_WAY_MAX; i++)
		if (state->under_way[i] & MODEL_ENDED &&
		    (!only_writes || state->under_way[i] & MODEL_WRITES))
			return true;
	return false;
}

/* ---- the kernel ---- */

bool model_has_mapping(const struct model_world *world, unsigned int agent)
{
	return world->agents[agent].path == MODEL_SLOT ||
	       (world->lines && world->agents[agent].maintained && !world->udmabuf);
}

bool model_may_map_early(const struct model_world *world, unsigned int agent)
{
	return world->arch == MODEL_ARM64 || world->agents[agent].path == MODEL_SLOT ||
	       world->agents[agent].direction != MODEL_FROM_DEVICE;
}

/* swiotlb copies with the CPU, through the linear mapping. */
static void copy_to_slot(const struct model_world *world, struct model_state *state,
			 unsigned int agent)
{
	set_slot(state, agent, seen_in(world, state, world->linear));
}

static void copy_from_slot(const struct model_world *world, struct model_state *state,
			   unsigned int agent)
{
	if (world->lines)
		state->lines[world->linear] =
			(uint8_t)(slot_of(state, agent) | MODEL_HELD | MODEL_DIRTY);
	else
		state->memory = (uint8_t)slot_of(state, agent);
}

/* arch_sync_dma_for_device */
static void for_device(const struct model_world *world, struct model_state *state,
		       enum model_direction direction)
{
	if (world->arch == MODEL_ARM64 || direction != MODEL_FROM_DEVICE)
		write_back(state, world->linear);
	else
		drop(state, world->linear);
}

/* arch_sync_dma_for_cpu */
static void for_cpu(const struct model_world *world, struct model_state *state,
		    enum model_direction direction)
{
	if (world->arch != MODEL_MIPS && direction != MODEL_TO_DEVICE)
		drop(state, world->linear);
}

/* Whatever the direction, a bounce buffer is filled (swiotlb_tbl_map_single). */
void model_map(const struct model_world *world, struct model_state *state, unsigned int agent)
{
	if (!model_has_mapping(world, agent) || state->mapped >> agent & 1)
		return;
	state->mapped |= (uint8_t)(1u << agent);
	if (world->agents[agent].path == MODEL_SLOT)
		copy_to_slot(world, state, agent);
	else
		for_device(world, state, world->agents[agent].direction);
}

void model_unmap(const struct model_world *world, struct model_state *state, unsigned int agent)
{
	enum model_direction direction = world->agents[agent].direction;

	if (!(state->mapped >> agent & 1))
		return;
	state->mapped &= (uint8_t) ~(1u << agent);
	if (world->agents[agent].path != MODEL_SLOT) {
		for_cpu(world, state, direction);
		return;
	}
	if (direction != MODEL_TO_DEVICE && !world->udmabuf)
		copy_from_slot(world, state, agent);
	set_slot(state, agent, 0);
}

static void sync_attachment(const struct model_world *world, struct model_state *state,
			    unsigned int agent, bool starts, enum model_direction direction)
{
	bool is_slot = agent < world->agents_len && world->agents[agent].path == MODEL_SLOT;

	if (is_slot && starts && direction == MODEL_FROM_DEVICE)
		copy_from_slot(world, state, agent);
	else if (is_slot && !starts && direction == MODEL_TO_DEVICE)
		copy_to_slot(world, state, agent);
	else if (!is_slot && starts)
		for_cpu(world, state, direction);
	else if (!is_slot)
		for_device(world, state, direction);
}

/* All attachments of `left`, in any order, and what the cache does between them. */
static void sync_in_any_order(const struct model_world *world, const struct model_set *set,
			      unsigned int left, bool starts, enum model_direction direction,
			      struct model_set *ret_all)
{
	struct model_set then;

	ret_all->wrong |= set->wrong;
	for (unsigned int i = 0; i < set->len && !left; i++)
		model_add(ret_all, &set->states[i]);
	for (unsigned int agent = 0; agent <= MODEL_AGENTS_MAX; agent++) {
		if (!(left >> agent & 1))
			continue;
		then.len = 0;
		then.wrong = set->wrong;
		for (unsigned int i = 0; i < set->len; i++) {
			struct model_state state = set->states[i];

			sync_attachment(world, &state, agent, starts, direction);
			model_add(&then, &state);
		}
		let_cache_run(world, &then);
		sync_in_any_order(world, &then, left & ~(1u << agent), starts, direction, ret_all);
	}
}

/* One that is maintained is like any other, and two are like one. */
static unsigned int attachments(const struct model_world *world, const struct model_state *state)
{
	unsigned int acted = world->udmabuf && !world->udmabuf_snoops ? 1u << MODEL_AGENTS_MAX : 0;
	bool maintained = false;

	for (unsigned int i = 0; i < world->agents_len && !world->udmabuf; i++) {
		bool is_slot = world->agents[i].path == MODEL_SLOT;

		if (!(state->mapped >> i & 1) || (!is_slot && maintained))
			continue;
		maintained |= !is_slot;
		acted |= 1u << i;
	}
	return acted;
}

/* The heaps' begin_cpu_access invalidates the kernel's own mapping, whatever the direction;
 * end_cpu_access flushes it (drivers/dma-buf/heaps/system_heap.c, 6.12). */
static void sync_vmap(const struct model_world *world, struct model_set *set, bool starts)
{
	for (unsigned int i = 0; i < set->len && set->states[i].mapped & MODEL_VMAPPED; i++) {
		if (!starts || !world->vmap_destroys)
			write_back(&set->states[i], world->vmap);
		drop(&set->states[i], world->vmap);
	}
}

static void sync_phase(const struct model_world *world, struct model_set *set, bool starts,
		       enum model_direction direction)
{
	struct model_set all = {.wrong = set->wrong};

	sync_vmap(world, set, starts);
	let_cache_run(world, set);
	sync_in_any_order(world, set, attachments(world, &set->states[0]), starts, direction, &all);
	*set = all;
}

void model_sync(const struct model_world *world, struct model_set *set, enum model_sync sync)
{
	enum model_direction direction = sync == MODEL_CLEAN ? MODEL_TO_DEVICE : MODEL_FROM_DEVICE;

	if (!world->lines)
		return;
	sync_phase(world, set, true, direction);
	sync_phase(world, set, false, direction);
}

void model_start(struct model_state *state, const struct model_world *world, bool dirty)
{
	memset(state, 0, sizeof(*state));
	state->memory = world->lines && dirty ? 0 : MODEL_BOTH;
	if (world->lines && dirty)
		state->lines[world->linear] = MODEL_BOTH | MODEL_HELD | MODEL_DIRTY;
}

static uint8_t swap(uint8_t bits)
{
	return (uint8_t)((bits & ~MODEL_BOTH) | (bits >> 1 & 1) | (bits << 1 & 2));
}

void model_normalize(struct model_state *state)
{
	struct model_state other = *state;

	other.memory = swap(state->memory);
	for (unsigned int i = 0; i < MODEL_LINES_MAX; i++)
		other.lines[i] = swap(state->lines[i]);
	other.slots = (uint8_t)((state->slots >> 1 & 0x55) | (state->slots << 1 & 0xaa));
	if (memcmp(&other, state, sizeof(other)) < 0)
		*state = other;
}

/* ---- for people ---- */

static char *say_halves(char *at, unsigned int halves)
{
	static const char *const names[] = {"old", "new/old", "old/new", "new"};

	return at + sprintf(at, "%s", names[halves & MODEL_BOTH]);
}

const char *model_text(const struct model_world *world, const struct model_state *state)
{
	static char text[256];
	char *at = text;

	at = say_halves(at + sprintf(at, "memory "), state->memory);
	for (unsigned int i = 0; i < world->lines; i++) {
		at += sprintf(at, ", line ");
		if (!state->lines[i])
			at += sprintf(at, "none");
		else
			at = say_halves(at, state->lines[i]);
		at += sprintf(at, "%s", state->lines[i] & MODEL_DIRTY ? " dirty" : "");
	}
	for (unsigned int i = 0; i < world->agents_len; i++)
		if (world->agents[i].path == MODEL_SLOT && state->mapped >> i & 1)
			at = say_halves(at + sprintf(at, ", slot %u ", i), slot_of(state, i));
	at += sprintf(at, ", mapped %x, under way", state->mapped);
	for (unsigned int i = 0; i < MODEL_UNDER_WAY_MAX && state->under_way[i]; i++)
		at += sprintf(at, " %u%s%s%s", agent_of(state->under_way[i]),
			      state->under_way[i] & MODEL_READS ? "r" : "",
			      state->under_way[i] & MODEL_WRITES ? "w" : "",
			      state->under_way[i] & MODEL_ENDED ? "(ended)" : "");
	return text;
}
