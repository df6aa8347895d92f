/* SPDX-License-Identifier: MIT */
#include "daemon/peer.h"

#include <errno.h>
#include <stdlib.h>

#include "broker/broker.h"
#include "protocol/limits.h"

struct peer {
	struct broker *broker;
	uid_t uid;
	struct broker_client *client; /* NULL until it is needed */
	struct peer_call *calls;      /* peer_call.next */
	unsigned int calls_len;
};

int peer_create(struct broker *broker, uid_t uid, struct peer **ret_peer)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return -ENOMEM;
	peer->broker = broker;
	peer->uid = uid;
	*ret_peer = peer;
	return 0;
}

void peer_destroy(struct peer *peer)
{
	if (!peer)
		return;
	while (peer->calls)
		peer_end_call(peer->calls);
	broker_client_destroy(peer->client);
	free(peer);
}

uid_t peer_get_uid(const struct peer *peer)
{
	return peer->uid;
}

int peer_get_client(struct peer *peer, struct broker_client **ret_client)
{
	int error;

	if (!peer->client) {
		error = broker_client_create(peer->broker, peer->uid, peer, &peer->client);
		if (error)
			return error;
	}
	*ret_client = peer->client;
	return 0;
}

int peer_begin_call(struct peer *peer, struct peer_call *call)
{
	if (peer->calls_len >= LIMIT_PENDING_CALLS)
		return -EDQUOT;
	call->peer = peer;
	call->previous = NULL;
	call->next = peer->calls;
	if (call->next)
		call->next->previous = call;
	peer->calls = call;
	peer->calls_len++;
	return 0;
}

void peer_end_call(struct peer_call *call)
{
	if (!call->peer)
		return;
	if (call->next)
		call->next->previous = call->previous;
	if (call->previous)
		call->previous->next = call->next;
	else
		call->peer->calls = call->next;
	call->peer->calls_len--;
	call->peer = NULL;
}
