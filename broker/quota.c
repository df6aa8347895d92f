/* SPDX-License-Identifier: MIT */
/*
 * Three ledgers: of the client, of its user (shared by all his clients), of the machine. A charge
 * is made in all three or in none.
 */
#include "broker/quota.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct quota_user {
	struct quota_user *next; /* quota.users */
	uid_t uid;
	unsigned int clients;
	uint64_t used[QUOTA_KINDS];
};

#define LIMIT(kind, text, of_client, of_user, in_all) \
	[kind] = {.name = (text), .client = (of_client), .user = (of_user), .total = (in_all)},

const struct quota_limit quota_limits[QUOTA_KINDS] = {QUOTA_LIMITS(LIMIT)};

int quota_client_init(struct quota_client *client, struct quota *quota, uid_t uid)
{
	struct quota_user *user = quota->users;

	while (user && user->uid != uid)
		user = user->next;
	if (!user) {
		user = calloc(1, sizeof(*user));
		if (!user)
			return -ENOMEM;
		user->uid = uid;
		user->next = quota->users;
		quota->users = user;
	}
	user->clients++;
	*client = (struct quota_client){.quota = quota, .user = user};
	return 0;
}

void quota_client_finish(struct quota_client *client)
{
	struct quota_user **at;

	if (!client->quota)
		return;
	for (int kind = 0; kind < QUOTA_KINDS; kind++)
		assert(client->used[kind] == 0);
	if (--client->user->clients == 0) {
		for (at = &client->quota->users; *at != client->user;)
			at = &(*at)->next;
		*at = client->user->next;
		free(client->user);
	}
	*client = (struct quota_client){0};
}

static bool exceeds(uint64_t used, uint64_t amount, uint64_t limit, uint64_t *ret_limit)
{
	if (used <= limit && amount <= limit - used)
		return false;
	*ret_limit = limit;
	return true;
}

int quota_charge(struct quota_client *client, const struct quota_charge *charge,
		 enum quota_kind *ret_kind, uint64_t *ret_limit)
{
	for (int kind = 0; kind < QUOTA_KINDS; kind++) {
		const struct quota_limit *limit = &quota_limits[kind];
		uint64_t amount = charge->amount[kind];

		*ret_kind = (enum quota_kind)kind;
		if (!amount)
			continue;
		if (exceeds(client->used[kind], amount, limit->client, ret_limit) ||
		    exceeds(client->user->used[kind], amount, limit->user, ret_limit) ||
		    exceeds(client->quota->used[kind], amount, limit->total, ret_limit))
			return -EDQUOT;
	}
	for (int kind = 0; kind < QUOTA_KINDS; kind++) {
		client->used[kind] += charge->amount[kind];
		client->user->used[kind] += charge->amount[kind];
		client->quota->used[kind] += charge->amount[kind];
	}
	return 0;
}

void quota_give_back(struct quota_client *client, const struct quota_charge *charge)
{
	for (int kind = 0; kind < QUOTA_KINDS; kind++) {
		assert(client->used[kind] >= charge->amount[kind]);
		client->used[kind] -= charge->amount[kind];
		client->user->used[kind] -= charge->amount[kind];
		client->quota->used[kind] -= charge->amount[kind];
	}
}

void quota_move(struct quota_client *from, struct quota_client *to,
		const struct quota_charge *charge)
{
	assert(from->user == to->user);
	for (int kind = 0; kind < QUOTA_KINDS; kind++) {
		assert(from->used[kind] >= charge->amount[kind]);
		from->used[kind] -= charge->amount[kind];
		to->used[kind] += charge->amount[kind];
	}
}
