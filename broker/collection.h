/* SPDX-License-Identifier: MIT */
/* A collection: a plan, its buffers, and who pays for them. broker.h has what the host may call. */
#ifndef COLLECTION_H
#define COLLECTION_H

#include "broker/broker.h"
#include "broker/quota.h"

/* fds sent to a client in one reply and not yet acknowledged */
struct flight {
	struct flight *next; /* broker_client.flights */
	uint64_t serial;
	struct quota_charge charge;
};

struct broker_client {
	struct broker *broker;
	struct broker_client *next; /* broker.clients */
	struct quota_client quota;
	uid_t uid;
	bool gone;			/* destroyed by the host; freed when nothing is under way */
	struct allocation *allocations; /* under way */
	struct collection *collections;
	struct flight *flights;
	uint64_t serials; /* counted where there is no randomness */
};

struct collection_buffer {
	int fd; /* one memory object so far */
	uint64_t bytes;
	uint64_t inode;
};

struct collection {
	struct collection *next; /* broker_client.collections or broker.lingering */
	struct broker *broker;
	struct broker_client *client; /* NULL: it lingers */
	struct quota_client own;      /* who pays while it lingers */
	struct quota_charge charge;
	uint64_t number;
	uid_t uid;
	uint32_t linger_ms;
	uint64_t deadline_ms; /* of lingering, CLOCK_MONOTONIC */
	struct plan *plan;
	struct collection_buffer *buffers;
	size_t buffers_len;
};

/*
 * Makes a collection of a client out of a plan and as many dma-bufs as it counts, whose cost has
 * been charged to the client. Takes `plan`, `charge` and the fds on success. Errors: -ENOMEM, or
 * fstat's.
 */
int collection_create(struct broker_client *client, uint64_t number, uint32_t linger_ms,
		      struct plan *plan, const int *fds, size_t fds_len,
		      const struct quota_charge *charge, struct collection **ret_collection);

/* Closes the buffers and frees it; its charge goes back to whoever pays. It is in no list. */
void collection_destroy(struct collection *collection);

/* Unlinks a collection from a list. */
void collection_unlink(struct collection **list, struct collection *collection);

#endif
