/* SPDX-License-Identifier: MIT */
/* What the parts of the exploration share. */
#ifndef ACCESS_INSIDE_H
#define ACCESS_INSIDE_H

#include "tests/property/access-explore.h"

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

struct action {
	uint8_t act, agent, mode, omitted;
};

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

/* Aborts where there is no memory. */
void *explore_resize(void *memory, size_t items, size_t size);

uint32_t table_hash(const struct joint *joint);
void table_clear(struct table *table);
uint32_t table_find(const struct table *table, const struct joint *joint); /* or NOWHERE */
uint32_t table_insert(struct table *table, const struct joint *joint, uint32_t parent,
		      struct action action);

/* How it came to a state; borrowed until the next call. */
const char *table_tell(const struct explore *explore, const struct table *table, uint32_t at);

const char *action_name(struct action action);
const char *part_name(unsigned int part);

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

/* Parts of what is due that can be left out. */
enum part { PART_CLEAN = 1, PART_INVALIDATE = 2, PART_WAIT = 4, PART_WAIT_FOR_READERS = 8 };

#define ACTIONS_MAX (4 * MODEL_AGENTS_MAX + EXPLORE_PROCESSES_MAX)

/* All that can be reached: what explore_fails has found. */
extern struct table explore_good;

/* All that may come next goes to next->found. */
void explore_next(struct next *next, const struct joint *joint);

/* The same for one action, which must be allowed. */
void explore_follow(struct next *next, const struct joint *joint, struct action action);

/* All that somebody may ask access.c for, whether it will be refused or not. */
unsigned int explore_actions(const struct explore *explore, const struct joint *joint,
			     struct action *ret_actions);

/* What an action needs, or an error. `mode` 0: given to another process, `agent`. */
int explore_ask(const struct explore *explore, const struct joint *joint, struct action action,
		struct access_state *ret_state, struct access_due *ret_due);

#endif
