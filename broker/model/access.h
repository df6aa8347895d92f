/* SPDX-License-Identifier: MIT */
/*
 * Who must do what when a buffer changes hands: the ownership state machine of one buffer. Pure;
 * the caller issues the ioctls. The rules are those of docs/access-policy.md; tests/property
 * explores all that can happen with them.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/model/vocabulary.h"

enum access_mode { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_READ_WRITE = 3 };

#define ACCESS_AGENTS_MAX 16
#define ACCESS_NOBODY 0xff

/* Somebody who touches the buffer: a participant of a plan. */
struct access_agent {
	enum agent kind;
	bool may_write;
	/* SYNC acts on its attachment: it maps for DMA and does not certainly snoop. */
	bool synced;
	/* Its driver puts a fence on the buffer while the device is at it: rendering. Scanout and
	 * writeback put none (drivers/gpu/drm/drm_atomic_helper.c, 6.12), nor does V4L2. */
	bool fences;
	/* Its driver waits for the fences of others: rendering, and scanout for writers
	 * (drm_gem_plane_helper_prepare_fb, drivers/gpu/drm/drm_gem_atomic_helper.c, 6.12). */
	bool waits;
	/* It belongs to another process, which keeps a state of its own. */
	bool elsewhere;
};

/* What is due, in this order. */
struct access_due {
	enum access_mode wait; /* for fences: READ: of who writes, WRITE: of all; 0: for none */
	enum operation operation;
};

/* One buffer. Begins zeroed but for `cached`, `agents` and what access_start sets. */
struct access_state {
	bool cached;	     /* of the heap: else nothing is ever maintained */
	bool dirty;	     /* the newest data may sit in a CPU cache */
	bool from_start;     /* and nobody here has written it: as access_start was told */
	bool stale;	     /* memory (or the bounce buffer of `writer`) is newest */
	uint8_t writer;	     /* the agent that wrote last; ACCESS_NOBODY */
	uint8_t unsignalled; /* fences that may be pending: bits of enum access_mode */
	uint8_t agents_len;
	uint16_t readers, writers; /* whose access is under way: bits of agents */
	uint16_t behind;	   /* bounced agents whose bounce buffer is not up to date */
	struct access_agent agents[ACCESS_AGENTS_MAX];
};

/*
 * Begins the state of a new buffer. `dirty`: there may be lines in the CPU caches that nobody is
 * going to clean: udmabuf, whose importers map without maintenance (vb2 and DRM map by
 * udmabuf's map_udmabuf with DMA_ATTR_SKIP_CPU_SYNC, drivers/dma-buf/udmabuf.c, 6.12.y). Everybody
 * else's mapping cleans.
 */
void access_start(struct access_state *state, bool dirty);

/*
 * Whether these agents can share a buffer at all. Errors: -EOPNOTSUPP (there would be need of a
 * START(READ) that copies a bounce buffer with old content over the buffer).
 */
int access_check(const struct access_agent *agents, unsigned int agents_len, bool cached);

/*
 * The agent wants to begin. `*ret_due` is what is due now; once it is done, call access_done and
 * access_begun, and only then is anything changed. Errors: -EINVAL (no such agent or mode), -EPERM
 * (it belongs to another process), -EALREADY (it has begun), -EBUSY (another writes, or this one
 * would and others read).
 */
int access_begin(const struct access_state *state, unsigned int agent, enum access_mode mode,
		 struct access_due *ret_due);
void access_done(struct access_state *state, struct access_due due);
void access_begun(struct access_state *state, unsigned int agent, enum access_mode mode);

/* The agent has ended; this only notes what happened. Errors: -EINVAL (it has not begun). */
int access_end(struct access_state *state, unsigned int agent);

/*
 * The buffer goes to `agent`, or with ACCESS_NOBODY to whoever comes next in other processes.
 * `*ret_due` is what is due now; once it is done, call access_done. A process that is given a
 * buffer cannot know what has been written, and hands it on: so to whichever of them it goes, what
 * any agent of other processes needs is due. To an agent of this process what it needs is due, and
 * not again when it begins. Errors: -EINVAL (no such agent), -EBUSY (somebody has begun and not
 * ended).
 */
int access_release(const struct access_state *state, unsigned int agent,
		   struct access_due *ret_due);

/* What is due in all when a buffer passes from a writer to the next agent: for the plan. */
struct access_due access_pass(const struct access_agent *from, const struct access_agent *to,
			      bool cached);
enum operation access_hand_over(enum agent from, enum agent to, bool cached);

#endif
