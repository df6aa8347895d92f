/* SPDX-License-Identifier: MIT */
/*
 * Who has how much: every collection, buffer, byte and fd in flight is charged to a client, to its
 * user and to the machine before it is spent, and given back when what it paid for is gone.
 */
#ifndef QUOTA_H
#define QUOTA_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum quota_kind {
	QUOTA_COLLECTIONS,
	QUOTA_BUFFERS,
	QUOTA_BYTES,	     /* page-rounded */
	QUOTA_FDS_IN_FLIGHT, /* sent and not acknowledged */
	QUOTA_TOKENS,	     /* members of collections, used or not, but for the initiators */
	QUOTA_KINDS
};

/* The table of limits: one row per kind. docs/limits.md repeats it, a test compares. */
#define QUOTA_LIMITS(X)                                             \
	/* kind, per client, per user, in all */                    \
	X(QUOTA_COLLECTIONS, "collections", 16, 64, 512)            \
	X(QUOTA_BUFFERS, "buffers", 128, 256, 1024)                 \
	X(QUOTA_BYTES, "bytes", 1ull << 30, 2ull << 30, 8ull << 30) \
	X(QUOTA_FDS_IN_FLIGHT, "fds in flight", 64, 256, 4096)      \
	X(QUOTA_TOKENS, "tokens", 64, 128, 1024)

struct quota_limit {
	const char *name;
	uint64_t client, user, total;
};

extern const struct quota_limit quota_limits[QUOTA_KINDS];

struct quota_user;

struct quota {
	uint64_t used[QUOTA_KINDS];
	struct quota_user *users; /* quota_user.next */
};

struct quota_client {
	struct quota *quota;
	struct quota_user *user;
	uint64_t used[QUOTA_KINDS];
};

/* What one thing has cost, per kind. Plain value. */
struct quota_charge {
	uint64_t amount[QUOTA_KINDS];
};

/* Begins a client of a user. `quota` is borrowed until quota_client_finish. Errors: -ENOMEM. */
int quota_client_init(struct quota_client *client, struct quota *quota, uid_t uid);

/* Everything must have been given back. */
void quota_client_finish(struct quota_client *client);

/*
 * Charges all of `charge` or nothing. Errors: -EDQUOT; `*ret_kind` is the kind that is exhausted,
 * `*ret_limit` the limit that was met.
 */
int quota_charge(struct quota_client *client, const struct quota_charge *charge,
		 enum quota_kind *ret_kind, uint64_t *ret_limit);

/* Gives a charge back. */
void quota_give_back(struct quota_client *client, const struct quota_charge *charge);

/* Moves a charge from one client to another of the same user; limits per client are not looked at
 * again. */
void quota_move(struct quota_client *from, struct quota_client *to,
		const struct quota_charge *charge);

#endif
