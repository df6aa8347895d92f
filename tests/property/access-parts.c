/* SPDX-License-Identifier: MIT */
/* What happens if a part of what is due is left out, or something is let begin that is refused. */
#include "tests/property/access-inside.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct table tried; /* what can be reached then, and not otherwise */

/* ---- what is not needed ---- */

/* The states of `tried` that were reached in a round in which nothing went wrong. */
static bool *harmless;
static uint32_t rounds, rounds_max;

static void begin_round(void)
{
	if (++rounds >= rounds_max) {
		rounds_max = rounds_max ? 2 * rounds_max : 4096;
		harmless = explore_resize(harmless, rounds_max, sizeof(*harmless));
	}
	harmless[rounds] = false;
}

/* Queued are the states of this round: `queue` holds their places. */
static uint32_t *queue, queue_len, queue_max;

static void found_tried(struct next *next, struct joint *joint, struct action action)
{
	uint32_t at;

	if (next->fails || table_find(&explore_good, joint) != NOWHERE)
		return;
	if (model_is_wrong(&next->explore->world, &joint->model)) {
		next->fails = true;
		return;
	}
	at = table_find(&tried, joint);
	if (at == NOWHERE)
		at = table_insert(&tried, joint, next->from, action);
	else if (tried.nodes[at].round == next->round || harmless[tried.nodes[at].round])
		return;
	tried.nodes[at].round = next->round;
	if (queue_len == queue_max) {
		queue_max = queue_max ? 2 * queue_max : 4096;
		queue = explore_resize(queue, queue_max, sizeof(*queue));
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
	explore_follow(&next, joint, action);
	for (uint32_t i = 0; i < queue_len && !next.fails; i++) {
		next.from = queue[i];
		now = tried.nodes[next.from].joint;
		explore_next(&next, &now);
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
	at = table_hash(&key) % DEMANDS_MAX;
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

/* Who waits for all waits for readers where there are some. */
static unsigned int parts_of(struct access_due due, const struct access_state *state)
{
	bool readers = due.wait & ACCESS_WRITE && state->unsignalled & ACCESS_READ;

	return (due.operation & OPERATION_CLEAN ? PART_CLEAN : 0u) |
	       (due.operation & OPERATION_INVALIDATE ? PART_INVALIDATE : 0u) |
	       (due.wait ? PART_WAIT : 0u) | (readers ? PART_WAIT_FOR_READERS : 0u);
}

static void try_parts(const struct explore *explore, const struct joint *joint,
		      struct action action)
{
	struct access_state state;
	struct access_due due;
	unsigned int parts;

	if (explore_ask(explore, joint, action, &state, &due))
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

	table_clear(&tried);
	rounds = 0;
	for (uint32_t i = 0; i < explore_good.len; i++) {
		const struct joint joint = explore_good.nodes[i].joint;
		unsigned int len = explore_actions(explore, &joint, actions);

		for (unsigned int j = 0; j < len; j++)
			try_parts(explore, &joint, actions[j]);
	}
}

static const char *tell_demand(const struct demand *demand)
{
	static char text[256];

	snprintf(text, sizeof(text),
		 "%s %u%s%s: %s; process %u, %s%s writer %d, behind %x, unsignalled %x, under way "
		 "%x",
		 action_name(demand->action), demand->action.agent,
		 demand->action.mode & 1 ? "r" : "", demand->action.mode & 2 ? "w" : "",
		 part_name(demand->action.omitted), demand->owner,
		 demand->process.bits & 1 ? "dirty " : "", demand->process.bits & 2 ? "stale" : "",
		 demand->process.writer == ACCESS_NOBODY ? -1 : demand->process.writer,
		 demand->process.behind, demand->process.bits >> 2 & 3, demand->process.under_way);
	return text;
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
	table_clear(&tried);
	rounds = 0;
	for (uint32_t i = 0; i < explore_good.len; i++) {
		const struct joint joint = explore_good.nodes[i].joint;
		unsigned int len = explore_actions(explore, &joint, actions);
		struct access_state state;
		struct access_due due;

		for (unsigned int j = 0; j < len; j++) {
			if (actions[j].act != ACT_BEGIN ||
			    explore_ask(explore, &joint, actions[j], &state, &due) != -EBUSY)
				continue;
			refused++;
			explore_without(RULE_ONE_WRITER);
			*ret_harmless += !fails_without(explore, &joint, actions[j]);
			explore_without(EXPLORE_ALL_RULES);
		}
	}
	return refused;
}
