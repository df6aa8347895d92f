/* SPDX-License-Identifier: MIT */
/*
 * Who must do what when a buffer changes hands: the ownership state machine of one buffer. Pure;
 * the caller issues the ioctls. The rules are those of docs/access-policy.md.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/model/vocabulary.h"

enum access_mode { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_READ_WRITE = 3 };

#define ACCESS_AGENTS_MAX 16

/* One buffer. Begins zeroed but for the agents. */
struct access_state {
	bool dirty;  /* the newest data may sit in a CPU cache */
	bool stale;  /* memory is newest, CPU caches may hold old lines */
	bool cached; /* of the heap: else nothing is ever due */
	unsigned int agents_len;
	struct {
		enum agent kind;
		bool may_write;
		uint8_t mode; /* enum access_mode, 0: none at the moment */
	} agents[ACCESS_AGENTS_MAX];
};

/*
 * The agent wants to begin. `*ret_operation` is what is due now; once it is done, call
 * access_begun, and only then is anything changed. Errors: -EBUSY (another writes, or this one
 * would and others read), -EALREADY (it has begun), -EINVAL (no such agent or mode).
 */
int access_begin(const struct access_state *state, unsigned int agent, enum access_mode mode,
		 enum operation *ret_operation);
void access_begun(struct access_state *state, unsigned int agent, enum access_mode mode);

/*
 * Other processes use the buffer, too, and keep a state of their own: before `agent` begins, what
 * any of the other agents may have left is taken for granted. Costs needless operations, never a
 * missing one, as long as each process does so. Errors: -EOPNOTSUPP (one that may write is bounced:
 * whether its copy or the buffer is the newest cannot be told; nothing is changed).
 */
int access_assume_others(struct access_state *state, unsigned int agent);

/*
 * The agent has ended. `*ret_operation` is what is due now, whoever comes next (only after an
 * agent of unknown coherency has written). Errors: -EINVAL (it has not begun).
 */
int access_end(struct access_state *state, unsigned int agent, enum operation *ret_operation);

/* What is due in all when a buffer passes from a writer to the next agent: for the plan. */
enum operation access_hand_over(enum agent from, enum agent to, bool cached);

#endif
