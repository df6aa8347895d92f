/* SPDX-License-Identifier: MIT */
#include "tests/property/access-explore.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
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

/* ---- a state of everything ---- */

struct process {
	uint8_t bits; /* dirty, stale, unsignalled (2), from_start */
	uint8_t writer;
	uint8_t under_way; /* readers, writers */
	uint8_t behind;
};

struct joint {
	struct model_state model;
	uint8_t owner; /* the process that has the buffer */
	uint8_t spare;
	struct process processes[EXPLORE_PROCESSES_MAX];
};

_Static_assert(sizeof(struct joint) == 24, "no padding: compared as bytes");

enum act { ACT_START, ACT_RUN, ACT_MAP, ACT_LET_GO, ACT_BEGIN, ACT_END, ACT_END_LET_GO, ACT_GIVE };

static const char *const act_names[] = {"start", "runs", "maps",	 "lets go",
					"begin", "end",	 "end, lets go", "release to"};

struct action {
	uint8_t act, agent, mode, omitted;
};

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

/* ---- states that were seen ---- */

#define NOWHERE UINT32_MAX

struct node {
	struct joint joint;
	uint32_t parent;
	struct action action;
	uint32_t round;
};

struct table {
	struct node *nodes;
	uint32_t *index; /* place in nodes, plus 1 */
	uint32_t len, nodes_max, index_len;
};

static uint32_t hash(const struct joint *joint)
{
	uint64_t words[3], value = 0;

	memcpy(words, joint, sizeof(words));
	for (int i = 0; i < 3; i++) {
		value = (value ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		value ^= value >> 29;
	}
	return (uint32_t)(value ^ value >> 32);
}

static void *resize(void *memory, size_t items, size_t size)
{
	memory = realloc(memory, items * size);
	if (!memory)
		abort();
	return memory;
}

static uint32_t *place_of(const struct table *table, const struct joint *joint)
{
	uint32_t at = hash(joint) & (table->index_len - 1);

	while (table->index[at] &&
	       memcmp(&table->nodes[table->index[at] - 1].joint, joint, sizeof(*joint)) != 0)
		at = (at + 1) & (table->index_len - 1);
	return &table->index[at];
}

static void grow(struct table *table)
{
	table->nodes_max = table->nodes_max ? 2 * table->nodes_max : 4096;
	table->nodes = resize(table->nodes, table->nodes_max, sizeof(*table->nodes));
	table->index_len = 2 * table->nodes_max;
	table->index = resize(table->index, table->index_len, sizeof(*table->index));
	memset(table->index, 0, table->index_len * sizeof(*table->index));
	for (uint32_t i = 0; i < table->len; i++)
		*place_of(table, &table->nodes[i].joint) = i + 1;
}

static void clear(struct table *table)
{
	if (!table->nodes)
		return;
	memset(table->index, 0, table->index_len * sizeof(*table->index));
	table->len = 0;
}

static uint32_t find(const struct table *table, const struct joint *joint)
{
	return table->len ? *place_of(table, joint) - 1 : NOWHERE;
}

static uint32_t insert(struct table *table, const struct joint *joint, uint32_t parent,
		       struct action action)
{
	if (table->len == table->nodes_max)
		grow(table);
	table->nodes[table->len] =
		(struct node){.joint = *joint, .parent = parent, .action = action};
	*place_of(table, joint) = ++table->len;
	return table->len - 1;
}

static struct table good, tried; /* all that can be reached; all that can be with a part left out */

/* ---- what may come next ---- */

struct next {
	const struct explore *explore;
	void (*found)(struct next *next, struct joint *joint, struct action action);
	struct table *table;
	uint32_t from;
	uint32_t round;
	unsigned long transitions;
	bool fails;
	uint32_t failed; /* the node in `table` */
};

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

/* Parts of what is due that can be left out. */
enum part { PART_CLEAN = 1, PART_INVALIDATE = 2, PART_WAIT = 4, PART_WAIT_FOR_READERS = 8 };

static const char *part_name(unsigned int part)
{
	return part == PART_CLEAN	 ? "clean"
	       : part == PART_INVALIDATE ? "invalidate"
	       : part == PART_WAIT	 ? "wait"
					 : "wait for readers";
}

/* Who waits for all waits for readers where there are some. */
static unsigned int parts_of(struct access_due due, const struct access_state *state)
{
	bool readers = due.wait & ACCESS_WRITE && state->unsignalled & ACCESS_READ;

	return (due.operation & OPERATION_CLEAN ? PART_CLEAN : 0u) |
	       (due.operation & OPERATION_INVALIDATE ? PART_INVALIDATE : 0u) |
	       (due.wait ? PART_WAIT : 0u) | (readers ? PART_WAIT_FOR_READERS : 0u);
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

/* What an action needs, or an error. `mode` 0: given to another process, `agent`. */
static int ask(const struct explore *explore, const struct joint *joint, struct action action,
	       struct access_state *ret_state, struct access_due *ret_due)
{
	get_access(explore, joint, joint->owner, ret_state);
	if (action.act == ACT_BEGIN)
		return access_begin(ret_state, action.agent, (enum access_mode)action.mode,
				    ret_due);
	return access_release(ret_state, action.mode ? action.agent : ACCESS_NOBODY, ret_due);
}

static void follow(struct next *next, const struct joint *joint, struct action action)
{
	struct access_state state;
	struct access_due due;

	if (ask(next->explore, joint, action, &state, &due))
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

#define ACTIONS_MAX (4 * MODEL_AGENTS_MAX + EXPLORE_PROCESSES_MAX)

/* All that somebody may ask access.c for, whether it will be refused or not. */
static unsigned int list_actions(const struct explore *explore, const struct joint *joint,
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

static void next_of(struct next *next, const struct joint *joint)
{
	struct action actions[ACTIONS_MAX];
	unsigned int len = list_actions(next->explore, joint, actions);

	next_of_model(next, joint);
	next_of_mappings(next, joint);
	for (unsigned int i = 0; i < len; i++)
		follow(next, joint, actions[i]);
	for (unsigned int agent = 0; agent < next->explore->agents_len; agent++)
		if (next->explore->process[agent] == joint->owner)
			end(next, joint, agent);
}

/* ---- how it came to that ---- */

static void say_state(FILE *out, const struct explore *explore, const struct joint *joint)
{
	fprintf(out, "%s;", model_text(&explore->world, &joint->model));
	for (unsigned int i = 0; i < explore->processes; i++) {
		const struct process *process = &joint->processes[i];

		fprintf(out, "%s%s%s writer %d behind %x unsignalled %x",
			joint->owner == i ? " *" : " ", process->bits & 1 ? "dirty " : "",
			process->bits & 2 ? "stale" : "",
			process->writer == ACCESS_NOBODY ? -1 : process->writer, process->behind,
			process->bits >> 2 & 3);
	}
}

static void say_node(FILE *out, const struct explore *explore, const struct table *table,
		     uint32_t at)
{
	const struct node *node = &table->nodes[at];

	if (node->parent != NOWHERE)
		say_node(out, explore, table, node->parent);
	fprintf(out, "#   %s", act_names[node->action.act]);
	if (node->action.act > ACT_RUN)
		fprintf(out, " %u%s%s", node->action.agent, node->action.mode & 1 ? "r" : "",
			node->action.mode & 2 ? "w" : "");
	if (node->action.omitted)
		fprintf(out, " without %s", part_name(node->action.omitted));
	fprintf(out, ": ");
	say_state(out, explore, &node->joint);
	fprintf(out, "\n");
}

static char story[16384];

static const char *tell(const struct explore *explore, const struct table *table, uint32_t at)
{
	FILE *out = fmemopen(story, sizeof(story), "w");

	if (!out)
		abort();
	say_node(out, explore, table, at);
	fclose(out);
	return story;
}

/* ---- breadth first ---- */

static void found_good(struct next *next, struct joint *joint, struct action action)
{
	uint32_t at;

	if (next->fails || find(&good, joint) != NOWHERE)
		return;
	at = insert(&good, joint, next->from, action);
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
	struct next next = {.explore = explore, .found = found_good, .table = &good};
	struct joint joint;

	clear(&good);
	clear(&tried);
	start(explore, &joint);
	next.from = NOWHERE;
	found(&next, &joint, (struct action){.act = ACT_START});
	for (next.from = 0; next.from < good.len && !next.fails; next.from++) {
		joint = good.nodes[next.from].joint;
		next_of(&next, &joint);
	}
	count->worlds++;
	count->states += good.len;
	count->transitions += next.transitions;
	if (next.fails && ret_story)
		*ret_story = tell(explore, &good, next.failed);
	return next.fails;
}

/* ---- what is not needed ---- */

/* The states of `tried` that were reached in a round in which nothing went wrong. */
static bool *harmless;
static uint32_t rounds, rounds_max;

static void begin_round(void)
{
	if (++rounds >= rounds_max) {
		rounds_max = rounds_max ? 2 * rounds_max : 4096;
		harmless = resize(harmless, rounds_max, sizeof(*harmless));
	}
	harmless[rounds] = false;
}

/* Queued are the states of this round: `queue` holds their places. */
static uint32_t *queue, queue_len, queue_max;

static void found_tried(struct next *next, struct joint *joint, struct action action)
{
	uint32_t at;

	if (next->fails || find(&good, joint) != NOWHERE)
		return;
	if (model_is_wrong(&next->explore->world, &joint->model)) {
		next->fails = true;
		return;
	}
	at = find(&tried, joint);
	if (at == NOWHERE)
		at = insert(&tried, joint, next->from, action);
	else if (tried.nodes[at].round == next->round || harmless[tried.nodes[at].round])
		return;
	tried.nodes[at].round = next->round;
	if (queue_len == queue_max) {
		queue_max = queue_max ? 2 * queue_max : 4096;
		queue = resize(queue, queue_max, sizeof(*queue));
	}
	queue[queue_len++] = at;
}

static bool fails_without(const struct explore *explore, const struct joint *joint,
			  struct action action)
{
	struct next next = {.explore = explore, .found = found_tried, .table = &tried};
	struct joint now;

	begin_round();
	next.round = rounds;
	next.from = NOWHERE;
	queue_len = 0;
	follow(&next, joint, action);
	for (uint32_t i = 0; i < queue_len && !next.fails; i++) {
		next.from = queue[i];
		now = tried.nodes[next.from].joint;
		next_of(&next, &now);
	}
	harmless[rounds] = !next.fails;
	return next.fails;
}

struct demand {
	struct process process;
	uint8_t owner;
	struct action action;
	bool used, needed;
};

#define DEMANDS_MAX 65536

static struct demand demands[DEMANDS_MAX];
static struct demand *demands_used[DEMANDS_MAX];
static unsigned int demands_len;

static bool is_demand(const struct demand *demand, const struct joint *joint, struct action action)
{
	return memcmp(&demand->process, &joint->processes[joint->owner], sizeof(demand->process)) ==
		       0 &&
	       demand->owner == joint->owner &&
	       memcmp(&demand->action, &action, sizeof(action)) == 0;
}

static struct demand *get_demand(const struct joint *joint, struct action action)
{
	struct joint key = {.processes[0] = joint->processes[joint->owner], .owner = joint->owner};
	uint32_t at;

	memcpy(&key.processes[1], &action, sizeof(action));
	at = hash(&key) % DEMANDS_MAX;
	while (demands[at].used && !is_demand(&demands[at], joint, action))
		at = (at + 1) % DEMANDS_MAX;
	if (!demands[at].used) {
		assert(demands_len < DEMANDS_MAX / 2);
		demands[at] = (struct demand){.process = joint->processes[joint->owner],
					      .owner = joint->owner,
					      .action = action,
					      .used = true};
		demands_used[demands_len++] = &demands[at];
	}
	return &demands[at];
}

static void try_parts(const struct explore *explore, const struct joint *joint,
		      struct action action)
{
	struct access_state state;
	struct access_due due;
	unsigned int parts;

	if (ask(explore, joint, action, &state, &due))
		return;
	parts = parts_of(due, &state);
	for (uint8_t part = 1; part <= parts; part = (uint8_t)(part << 1)) {
		struct demand *demand;

		if (!(parts & part))
			continue;
		action.omitted = part;
		demand = get_demand(joint, action);
		if (!demand->needed)
			demand->needed = fails_without(explore, joint, action);
	}
}

void explore_parts(const struct explore *explore)
{
	struct action actions[ACTIONS_MAX];

	clear(&tried);
	rounds = 0;
	for (uint32_t i = 0; i < good.len; i++) {
		const struct joint joint = good.nodes[i].joint;
		unsigned int len = list_actions(explore, &joint, actions);

		for (unsigned int j = 0; j < len; j++)
			try_parts(explore, &joint, actions[j]);
	}
}

static const char *tell_demand(const struct demand *demand)
{
	snprintf(story, sizeof(story),
		 "%s %u%s%s: %s; process %u, %s%s writer %d, behind %x, unsignalled %x, under way "
		 "%x",
		 act_names[demand->action.act], demand->action.agent,
		 demand->action.mode & 1 ? "r" : "", demand->action.mode & 2 ? "w" : "",
		 part_name(demand->action.omitted), demand->owner,
		 demand->process.bits & 1 ? "dirty " : "", demand->process.bits & 2 ? "stale" : "",
		 demand->process.writer == ACCESS_NOBODY ? -1 : demand->process.writer,
		 demand->process.behind, demand->process.bits >> 2 & 3, demand->process.under_way);
	return story;
}

unsigned long explore_needless(struct explore_count *count, const char **ret_first)
{
	unsigned long needless = 0;

	for (unsigned int i = 0; i < demands_len; i++) {
		if (!demands_used[i]->needed && !needless++ && ret_first)
			*ret_first = tell_demand(demands_used[i]);
		demands_used[i]->used = false;
	}
	count->due += demands_len;
	count->needless += needless;
	demands_len = 0;
	return needless;
}

/* ---- two at once ---- */

unsigned long explore_refused(const struct explore *explore, unsigned long *ret_harmless)
{
	struct action actions[ACTIONS_MAX];
	unsigned long refused = 0;

	*ret_harmless = 0;
	clear(&tried);
	rounds = 0;
	for (uint32_t i = 0; i < good.len; i++) {
		const struct joint joint = good.nodes[i].joint;
		unsigned int len = list_actions(explore, &joint, actions);
		struct access_state state;
		struct access_due due;

		for (unsigned int j = 0; j < len; j++) {
			if (actions[j].act != ACT_BEGIN ||
			    ask(explore, &joint, actions[j], &state, &due) != -EBUSY)
				continue;
			refused++;
			rule_off = RULE_ONE_WRITER;
			*ret_harmless += !fails_without(explore, &joint, actions[j]);
			rule_off = EXPLORE_ALL_RULES;
		}
	}
	return refused;
}
