/* SPDX-License-Identifier: MIT */
#include "tests/property/access-inside.h"

#include <string.h>

/* The code under test, with a way to leave a rule out. */
static enum explore_rule rule_off;

#define ACCESS_RULE(name, condition) (rule_off != RULE_##name && (condition))
#include "broker/model/access.c"

const char *const explore_rule_names[] = {"all",
#define X(name) #name,
					  EXPLORE_RULES(X)
#undef X
};

void explore_without(enum explore_rule rule)
{
	rule_off = rule;
}

/* ---- the state of a process ---- */

static void get_access(const struct explore *explore, const struct joint *joint,
		       unsigned int process, struct access_state *ret_state)
{
	const struct process *from = &joint->processes[process];

	*ret_state = (struct access_state){
		.cached = explore->cached,
		.dirty = from->bits & 1,
		.stale = from->bits >> 1 & 1,
		.unsignalled = from->bits >> 2 & 3,
		.from_start = from->bits >> 4 & 1,
		.writer = from->writer,
		.agents_len = explore->agents_len,
		.readers = from->under_way & 15,
		.writers = from->under_way >> 4,
		.behind = from->behind,
	};
	memcpy(ret_state->agents, explore->agents, sizeof(explore->agents));
	for (unsigned int i = 0; i < explore->agents_len; i++)
		ret_state->agents[i].elsewhere = explore->process[i] != process;
}

static void set_access(struct joint *joint, unsigned int process, const struct access_state *state)
{
	joint->processes[process] = (struct process){
		.bits = (uint8_t)(state->dirty | state->stale << 1 | state->unsignalled << 2 |
				  state->from_start << 4),
		.writer = state->writer,
		.under_way = (uint8_t)(state->readers | state->writers << 4),
		.behind = (uint8_t)state->behind,
	};
}

/* ---- what may come next ---- */

struct table explore_good;

static void found(struct next *next, struct joint *joint, struct action action)
{
	model_normalize(&joint->model);
	next->transitions++;
	next->found(next, joint, action);
}

static void found_wrong(struct next *next)
{
	if (!next->fails)
		next->failed = next->from;
	next->fails = true;
}

static void next_of_model(struct next *next, const struct joint *joint)
{
	struct model_set set;

	model_run(&next->explore->world, &joint->model, &set);
	for (unsigned int i = 0; i < set.len; i++) {
		struct joint now = *joint;

		now.model = set.states[i];
		found(next, &now, (struct action){.act = ACT_RUN});
	}
}

static bool is_under_way(const struct joint *joint, unsigned int agent)
{
	for (unsigned int i = 0; i < MODEL_UNDER_WAY_MAX; i++)
		if (joint->model.under_way[i] && (joint->model.under_way[i] & 3u) == agent)
			return true;
	return false;
}

static bool may_let_go(const struct explore *explore, const struct joint *joint, unsigned int agent)
{
	const struct process *process = &joint->processes[joint->owner];

	if (is_under_way(joint, agent) || explore->let_go < LET_GO_CLEAN)
		return false;
	if (explore->let_go == LET_GO_ANY_TIME)
		return true;
	if (process->under_way >> 4 || explore->process[agent] != joint->owner)
		return false;
	/* what others have written may be dirty, and nobody has cleaned it for this one */
	if (explore->processes > 1 && explore->agents[agent].kind == AGENT_CPU_COPYING)
		return false;
	if (explore->world.agents[agent].path == MODEL_SLOT)
		return !(process->behind >> agent & 1);
	return !(process->bits & 3);
}

static void next_of_mappings(struct next *next, const struct joint *joint)
{
	const struct explore *explore = next->explore;

	for (uint8_t agent = 0; agent < explore->agents_len; agent++) {
		struct joint now = *joint;

		if (!model_has_mapping(&explore->world, agent))
			continue;
		if (!(joint->model.mapped >> agent & 1)) {
			if (!model_may_map_early(&explore->world, agent))
				continue;
			model_map(&explore->world, &now.model, agent);
			found(next, &now, (struct action){.act = ACT_MAP, .agent = agent});
		} else if (may_let_go(explore, joint, agent)) {
			model_unmap(&explore->world, &now.model, agent);
			found(next, &now, (struct action){.act = ACT_LET_GO, .agent = agent});
		}
	}
}

/* START waits for the fences of all, or with READ of who writes, for however long that takes
 * (drivers/dma-buf/dma-buf.c, __dma_buf_begin_cpu_access, 6.12): a wait of ours has a limit. */
static bool waits_in_kernel(const struct model_state *state, unsigned int operation)
{
	return (operation & OPERATION_CLEAN && model_is_pending(state, false)) ||
	       (operation & OPERATION_INVALIDATE && model_is_pending(state, true));
}

_Static_assert((int)PART_CLEAN == OPERATION_CLEAN && (int)PART_INVALIDATE == OPERATION_INVALIDATE,
	       "parts of an operation are its bits");

/* Does what is due, but for a part. False: fences are pending, so that it is not the time yet. */
static bool do_due(struct next *next, const struct joint *joint, struct access_due due,
		   unsigned int omitted, struct model_set *set)
{
	const struct model_world *world = &next->explore->world;

	if (due.wait && !(omitted & PART_WAIT) &&
	    model_is_pending(&joint->model,
			     due.wait == ACCESS_READ || omitted & PART_WAIT_FOR_READERS))
		return false;
	set->len = 0;
	set->wrong = waits_in_kernel(&joint->model, due.operation & (OPERATION_BOTH & ~omitted));
	model_add(set, &joint->model);
	if (due.operation & OPERATION_CLEAN && !(omitted & PART_CLEAN))
		model_sync(world, set, MODEL_CLEAN);
	if (due.operation & OPERATION_INVALIDATE && !(omitted & PART_INVALIDATE))
		model_sync(world, set, MODEL_INVALIDATE);
	if (set->wrong)
		found_wrong(next);
	return true;
}

static unsigned int mode_bits(unsigned int mode)
{
	return (mode & ACCESS_READ ? MODEL_READS : 0u) | (mode & ACCESS_WRITE ? MODEL_WRITES : 0u);
}

static void begin(struct next *next, const struct joint *joint, struct access_state *state,
		  struct access_due due, struct action action)
{
	const struct model_world *world = &next->explore->world;
	struct joint now = *joint;
	struct model_set set;

	if (!do_due(next, joint, due, action.omitted, &set))
		return;
	access_done(state, due);
	access_begun(state, action.agent, (enum access_mode)action.mode);
	set_access(&now, joint->owner, state);
	for (unsigned int i = 0; i < set.len; i++) {
		now.model = set.states[i];
		model_map(world, &now.model, action.agent);
		if (model_begin(world, &now.model, action.agent, mode_bits(action.mode)))
			found(next, &now, action);
	}
}

static void give(struct next *next, const struct joint *joint, struct access_state *state,
		 struct access_due due, struct action action)
{
	struct joint now = *joint;
	struct model_set set;

	if (!do_due(next, joint, due, action.omitted, &set))
		return;
	access_done(state, due);
	set_access(&now, joint->owner, state);
	for (unsigned int i = 0; i < set.len; i++) {
		now.model = set.states[i];
		now.owner = action.mode ? next->explore->process[action.agent] : action.agent;
		found(next, &now, action);
	}
}

static void end(struct next *next, const struct joint *joint, unsigned int agent)
{
	const struct explore *explore = next->explore;
	struct access_state state;
	struct joint now = *joint;

	get_access(explore, joint, joint->owner, &state);
	if (access_end(&state, agent))
		return;
	set_access(&now, joint->owner, &state);
	if (!model_end(&explore->world, &now.model, agent))
		return;
	found(next, &now, (struct action){.act = ACT_END, .agent = (uint8_t)agent});
	if (explore->let_go != LET_GO_AFTER_ACCESS || explore->world.agents[agent].fences ||
	    !(now.model.mapped >> agent & 1))
		return;
	set_access(&now, joint->owner, &state);
	model_unmap(&explore->world, &now.model, agent);
	found(next, &now, (struct action){.act = ACT_END_LET_GO, .agent = (uint8_t)agent});
}

int explore_ask(const struct explore *explore, const struct joint *joint, struct action action,
		struct access_state *ret_state, struct access_due *ret_due)
{
	get_access(explore, joint, joint->owner, ret_state);
	if (action.act == ACT_BEGIN)
		return access_begin(ret_state, action.agent, (enum access_mode)action.mode,
				    ret_due);
	return access_release(ret_state, action.mode ? action.agent : ACCESS_NOBODY, ret_due);
}

void explore_follow(struct next *next, const struct joint *joint, struct action action)
{
	struct access_state state;
	struct access_due due;

	if (explore_ask(next->explore, joint, action, &state, &due))
		return;
	if (action.act == ACT_BEGIN)
		begin(next, joint, &state, due, action);
	else
		give(next, joint, &state, due, action);
}

static bool may_do(const struct explore *explore, unsigned int agent, unsigned int mode)
{
	return (!(mode & ACCESS_WRITE) || explore->agents[agent].may_write) &&
	       (!(mode & ACCESS_READ) || !explore->world.agents[agent].whole);
}

unsigned int explore_actions(const struct explore *explore, const struct joint *joint,
			     struct action *ret_actions)
{
	unsigned int len = 0;

	for (uint8_t agent = 0; agent < explore->agents_len; agent++) {
		if (explore->process[agent] != joint->owner)
			continue;
		for (uint8_t mode = ACCESS_READ; mode <= ACCESS_READ_WRITE; mode++)
			if (may_do(explore, agent, mode))
				ret_actions[len++] = (struct action){ACT_BEGIN, agent, mode, 0};
		ret_actions[len++] = (struct action){ACT_GIVE, agent, 1, 0};
	}
	for (uint8_t process = 0; process < explore->processes; process++)
		if (process != joint->owner)
			ret_actions[len++] = (struct action){ACT_GIVE, process, 0, 0};
	return len;
}

void explore_next(struct next *next, const struct joint *joint)
{
	struct action actions[ACTIONS_MAX];
	unsigned int len = explore_actions(next->explore, joint, actions);

	next_of_model(next, joint);
	next_of_mappings(next, joint);
	for (unsigned int i = 0; i < len; i++)
		explore_follow(next, joint, actions[i]);
	for (unsigned int agent = 0; agent < next->explore->agents_len; agent++)
		if (next->explore->process[agent] == joint->owner)
			end(next, joint, agent);
}

/* ---- breadth first ---- */

static void found_good(struct next *next, struct joint *joint, struct action action)
{
	uint32_t at;

	if (next->fails || table_find(&explore_good, joint) != NOWHERE)
		return;
	at = table_insert(&explore_good, joint, next->from, action);
	if (model_is_wrong(&next->explore->world, &joint->model)) {
		next->fails = true;
		next->failed = at;
	}
}

static void start(const struct explore *explore, struct joint *ret_joint)
{
	struct access_state state;

	memset(ret_joint, 0, sizeof(*ret_joint));
	model_start(&ret_joint->model, &explore->world, explore->begins_dirty);
	for (unsigned int i = 0; i < explore->processes; i++) {
		get_access(explore, ret_joint, i, &state);
		access_start(&state, explore->dirty);
		set_access(ret_joint, i, &state);
	}
}

bool explore_fails(const struct explore *explore, struct explore_count *count,
		   const char **ret_story)
{
	struct next next = {.explore = explore, .found = found_good, .table = &explore_good};
	struct joint joint;

	table_clear(&explore_good);
	start(explore, &joint);
	next.from = NOWHERE;
	found(&next, &joint, (struct action){.act = ACT_START});
	for (next.from = 0; next.from < explore_good.len && !next.fails; next.from++) {
		joint = explore_good.nodes[next.from].joint;
		explore_next(&next, &joint);
	}
	count->worlds++;
	count->states += explore_good.len;
	count->transitions += next.transitions;
	if (next.fails && ret_story)
		*ret_story = table_tell(explore, &explore_good, next.failed);
	return next.fails;
}
