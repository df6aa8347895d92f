/* SPDX-License-Identifier: MIT */
/* One client: who it is, what it has of the broker, which of its calls are under way. */
#ifndef PEER_H
#define PEER_H

#include <sys/types.h>

struct broker;
struct broker_client;
struct peer;

/* A call that is answered later. A member of what the answer needs. */
struct peer_call {
	struct peer *peer;		   /* NULL: the client is gone */
	struct peer_call *next, *previous; /* peer.calls */
};

/* `broker` is borrowed until peer_destroy. Returns owned. Errors: -ENOMEM. */
int peer_create(struct broker *broker, uid_t uid, struct peer **ret_peer);

/* Takes the peer (or NULL): the broker gives back all it had. */
void peer_destroy(struct peer *peer);

uid_t peer_get_uid(const struct peer *peer);

/* Returns borrowed until peer_destroy; the broker's client is made by the first call of this.
 * Errors: -ENOMEM. */
int peer_get_client(struct peer *peer, struct broker_client **ret_client);

/* Errors: -EDQUOT (LIMIT_PENDING_CALLS are under way). */
int peer_begin_call(struct peer *peer, struct peer_call *call);

/* Also after the peer has been destroyed. */
void peer_end_call(struct peer_call *call);

#endif
