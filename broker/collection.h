/* SPDX-License-Identifier: MIT */
/*
 * A collection: who takes part, the generations of buffers, who pays. broker.h has what the host
 * may call; docs/collections.md tells the life of one.
 */
#ifndef COLLECTION_H
#define COLLECTION_H

#include "broker/broker.h"
#include "broker/quota.h"

struct allocation;

/* fds sent to a client in one reply and not yet acknowledged */
struct flight {
	struct flight *next; /* broker_client.flights */
	uint64_t serial;
	struct quota_charge charge;
};

struct collection_buffer {
	int fd; /* one memory object so far */
	uint32_t group;
	uint64_t bytes;
	uint64_t inode;
};

/* A process that takes part. Number 0 is the initiator, and always the first. */
struct member {
	uint32_t number;
	enum member_state state;
	bool late;		      /* its token was made when all was decided */
	struct broker_client *client; /* NULL: unbound, away, left or dead */
	uint64_t away_ms;	      /* the initiator is away until then; 0: it is not */
	uid_t uid;		      /* valid unless unbound */
	char token[sizeof(struct broker_token)]; /* empty: none, or used */
	struct request *said;	 /* holds its settled participants only; NULL: it has none */
	struct request *refused; /* its forbidden-heaps: what its reports rule out; may be NULL */
};

/* The plan of one negotiation and its buffers. */
struct generation {
	struct generation *next; /* the one before */
	struct plan *plan;
	struct collection_buffer *buffers;
	size_t buffers_len;
	struct quota_charge charge;
};

/* Somebody who is to be told. */
struct waiter {
	struct waiter *next; /* collection.waiters */
	struct broker_client *client;
	broker_decided_fn decided;
	void *data;
};

struct collection {
	struct collection *next; /* broker.collections */
	struct broker *broker;
	uint64_t number;
	uid_t uid;		    /* whose memory it is */
	struct quota_client own;    /* who pays while the initiator is not there */
	struct quota_charge charge; /* what is not a generation's or an allocation's */
	enum collection_state state;
	bool secret;	   /* nobody has been told its number yet */
	unsigned int held; /* not to be freed now, whatever happens */
	uint64_t created_ms;
	uint64_t deadline_ms; /* of the first negotiation, CLOCK_MONOTONIC */
	uint64_t stuck_ms;    /* when to say who is missing; 0: said */
	struct request *base; /* all but participants, as asked for */
	struct member members[COLLECTION_MEMBERS_MAX];
	size_t members_len;
	uint32_t members_numbered;	/* the last number that was given */
	bool lacks_somebody;		/* members have gone and are not among `members` any more */
	struct generation *generations; /* newest first */
	struct allocation *allocation;	/* under way */
	struct waiter *waiters;		/* for the first negotiation */
	struct error error;		/* why it ended */
};

/*
 * A collection with its initiator, charged and in the broker's list. Takes `base` and `said` (may
 * be NULL: the initiator observes), also on failure. Errors, with details: QuotaExceeded; -ENOMEM.
 */
int collection_create(struct broker_client *client, struct request *base, struct request *said,
		      struct error *error, struct collection **ret_collection);

/* Ends a collection for all who take part, and says why to those who wait. Takes the details of
 * `error`. The collection may be freed by this unless it is held. */
void collection_end(struct collection *collection, struct error *error);

/* Not freed between the two, so that callbacks may do what they like. */
void collection_hold(struct collection *collection);
void collection_unhold(struct collection *collection);

/* The member that this client is; NULL: none. */
struct member *collection_find_member(struct collection *collection,
				      const struct broker_client *client);

/* Whether it may still do something: by its connection, or, as initiator, by the next one. */
bool member_is_there(const struct member *member);

/* Says again why the collection has ended. Returns the error's negative errno. */
int collection_repeat_error(const struct collection *collection, struct error *error);

/* The ledger to which all of it is charged. */
struct quota_client *collection_payer(struct collection *collection);

/* Charges to the payer. Errors, with details: QuotaExceeded. */
int collection_charge(struct collection *collection, const struct quota_charge *charge,
		      struct error *error);

/* Adds one who is to be told. Takes nothing. Errors: -ENOMEM. */
int waiter_create(struct waiter **list, struct broker_client *client, broker_decided_fn decided,
		  void *data);

/* Tells the first of a list, and forgets it. `collection` NULL: it failed. */
void waiter_answer(struct waiter **list, struct collection *collection, const struct error *error);

/* Tells those of a list who are this client that it went. Whether there was any. */
bool waiters_give_up(struct waiter **list, const struct broker_client *client);

/* Tells each member that is there. */
void collection_tell(struct collection *collection, enum broker_event event, uint32_t generation,
		     const struct error *error);

/* Of a generation, which is in no list any more: closes the buffers, gives the charge back. */
void generation_destroy(struct collection *collection, struct generation *generation);

/* The connection of a client has ended. */
void collections_client_died(struct broker_client *client);

/* When one of a broker's collections has something to do; UINT64_MAX: never. */
uint64_t collections_due(const struct broker *broker);
void collections_dispatch(struct broker *broker);

/* Frees all. */
void collections_finish(struct broker *broker);

/* status.c: who has not spoken, for people. Errors: -ENOMEM. */
int status_add_missing(const struct collection *collection, struct collection_record *record);

/* buffers.c: forgets what a client has not acknowledged */
void buffers_forget(struct broker_client *client);

#endif
