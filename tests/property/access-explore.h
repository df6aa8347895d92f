/* SPDX-License-Identifier: MIT */
/*
 * All that can happen with one buffer: the rules of broker/model/access.c and the model of
 * access-model.h side by side, breadth first, every state that can be reached.
 */
#ifndef ACCESS_EXPLORE_H
#define ACCESS_EXPLORE_H

#include <stddef.h>

#include "broker/model/access.h"
#include "tests/property/access-model.h"

/* Each ACCESS_RULE of access.c. */
#define EXPLORE_RULES(X)           \
	X(CLEAN_BEFORE_READ)       \
	X(CLEAN_BEFORE_WRITE)      \
	X(INVALIDATE_BEFORE_READ)  \
	X(INVALIDATE_BEFORE_WRITE) \
	X(CLEAN_BEFORE_INVALIDATE) \
	X(OWN_DATA)                \
	X(COPY_TO_BOUNCED)         \
	X(COHERENT_DIRTY)          \
	X(COPYING_DIRTY)           \
	X(UNKNOWN_DIRTY)           \
	X(UNKNOWN_STALE)           \
	X(BOUNCED_STALE)           \
	X(DIRTY_AT_START)          \
	X(ONE_WRITER)              \
	X(BOUNCED_WRITER_ALONE)    \
	X(BOUNCED_WRITER_SNOOPED)  \
	X(BOUNCED_READER_SNOOPED)

enum explore_rule {
	EXPLORE_ALL_RULES,
#define X(name) RULE_##name,
	EXPLORE_RULES(X)
#undef X
		RULES_LEN
};

extern const char *const explore_rule_names[];

/* When a mapping may go. */
enum explore_let_go {
	LET_GO_NEVER,
	LET_GO_AFTER_ACCESS, /* right after an access of its own */
	LET_GO_CLEAN,	     /* while nothing is dirty; a bounce buffer: is not behind */
	LET_GO_ANY_TIME,
};

#define EXPLORE_PROCESSES_MAX 3

/* Agents as access.c sees them, and what they are in truth. */
struct explore {
	uint8_t agents_len, processes;
	bool cached, dirty, begins_dirty; /* dirty: as access_start is told, and as it is */
	enum explore_let_go let_go;
	struct access_agent agents[MODEL_AGENTS_MAX];
	uint8_t process[MODEL_AGENTS_MAX]; /* to which each belongs */
	struct model_world world;
};

struct explore_count {
	unsigned long sets, refused, worlds, states, transitions;
	unsigned long due, needless; /* different (state, who begins, part of what is due) */
};

/* Leaves a rule out from now on. */
void explore_without(enum explore_rule rule);

/* Whether something can go wrong. `ret_story`: how, if not NULL; borrowed until the next call. */
bool explore_fails(const struct explore *explore, struct explore_count *count,
		   const char **ret_story);

/*
 * After explore_fails has found nothing: leaves out, in each state, each part of what is due, and
 * looks whether anything goes wrong then. What is needed in no world is needless: after the last
 * world of a set explore_needless says how many parts, and forgets.
 */
void explore_parts(const struct explore *explore);
unsigned long explore_needless(struct explore_count *count, const char **ret_first);

/* Two at once, where access_begin refuses that. */
unsigned long explore_refused(const struct explore *explore, unsigned long *ret_harmless);

#endif
