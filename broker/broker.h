/* SPDX-License-Identifier: MIT */
/*
 * The broker: the only place where probe, solver, heaps, quota and collections meet. No D-Bus, no
 * clients' sockets, no threads. Its host (the daemon, or a process that runs it inside itself)
 * calls everything here from one thread and lends it a place for jobs that may block.
 */
#ifndef BROKER_H
#define BROKER_H

#include <sys/types.h>

#include "broker/model/descriptor.h"
#include "broker/model/error.h"
#include "broker/model/plan.h"
#include "broker/model/request.h"

struct broker;
struct broker_client;
struct collection;

/* A piece of work that may block. `run` may be called on any thread and touches nothing but the
 * job. */
struct broker_job {
	void (*run)(struct broker_job *job);
	struct broker_job *next; /* the host's: broker_host's queue */
};

enum broker_change { BROKER_ADDED, BROKER_CHANGED, BROKER_REMOVED };

/* What happens to a collection. */
enum broker_event {
	BROKER_NEGOTIATED, /* there is a generation, or a late member has changed its plan */
	BROKER_HANDED_OVER,
	BROKER_ENDED,
};

struct broker_host {
	void *data;
	/* Has job->run called once, now or later, on this thread or another; afterwards the host
	 * calls broker_job_done from the broker's thread. Must not call broker_job_done itself
	 * before it has returned. */
	void (*submit)(void *data, struct broker_job *job);
	/* A device or heap (struct device or struct heap) has come, changed or is about to go. What
	 * was known of it before is `previous` where it has changed, else NULL. Both are borrowed
	 * until the call returns. May be NULL. */
	void (*on_change)(void *data, enum broker_change change, const void *descriptor,
			  const void *previous);
	/* All nodes that were there when the broker was created have been measured. Called once;
	 * may be NULL. */
	void (*on_settled)(void *data);
	/* Something has happened to collection `number`; called for each client that takes part in
	 * it, `client_data` being that of broker_client_create. `error` only when it has ended,
	 * else NULL; borrowed until the call returns. May be NULL. */
	void (*on_collection)(void *data, void *client_data, uint64_t number,
			      enum broker_event event, uint32_t generation,
			      const struct error *error);
	/* A negotiation waits for somebody since COLLECTION_STUCK_MS. Called once for a collection;
	 * `missing` says who, and has nothing in it that clients wrote. May be NULL. */
	void (*on_stuck)(void *data, uint64_t number, const struct vocab_strings *missing);
};

struct broker_options {
	const char *trial_program;  /* see probe.h; NULL: no trials. Copied */
	uint32_t trial_deadline_ms; /* 0: the default */
	/* Where the quirk files are (docs/quirks.md), the later winning, NULL at the end; NULL: no
	 * quirks. Read before broker_create returns. */
	const char *const *quirk_directories;
	/* Told of what is wrong with a quirk file; may be NULL. */
	void (*on_quirk_problem)(void *data, const char *file, unsigned int line, const char *text);
	void *on_quirk_problem_data;
};

/* Creates a broker and submits the first measurements. `host` is copied. Returns owned.
 * Errors: -ENOMEM, or udev's own. */
int broker_create(const struct broker_host *host, const struct broker_options *options,
		  struct broker **ret_broker);

/* Takes the broker (or NULL). Every job must have been handed to broker_job_done and every client
 * destroyed before. */
void broker_destroy(struct broker *broker);

/* Takes a job that has run. From the broker's thread only. */
void broker_job_done(struct broker *broker, struct broker_job *job);

/* Returns borrowed until broker_destroy: readable when broker_dispatch has work. */
int broker_get_fd(const struct broker *broker);

/* Milliseconds until broker_dispatch has work even if the fd stays silent; -1: never. */
int broker_get_timeout(const struct broker *broker);

/* Handles hotplug and deadlines, without waiting. Errors: udev's own. */
int broker_dispatch(struct broker *broker);

/* Returns borrowed until the next call of the broker: all facts. */
const struct machine *broker_get_machine(const struct broker *broker);

/* A client, charged to `uid`. `data` is the host's own. Returns owned. Errors: -ENOMEM. */
int broker_client_create(struct broker *broker, uid_t uid, void *data,
			 struct broker_client **ret_client);

/* Takes the client (or NULL), whose connection has ended: it dies in every collection it takes part
 * in (docs/collections.md). Whoever waits is told before this returns, itself with Gone. */
void broker_client_destroy(struct broker_client *client);

/*
 * Settles and solves without allocating. Takes the request. Returns owned a plan.
 * Errors, with details: InvalidRequest, UnknownDevice, Conflict, NotSupported, TooComplex; -ENOMEM.
 */
int broker_plan(struct broker *broker, struct request *request, struct error *error,
		struct plan **ret_plan);

/* ---- collections ---- */

#define COLLECTION_MEMBERS_MAX 17 /* the initiator and as many tokens as */
#define COLLECTION_TOKENS_MAX 16
#define COLLECTION_STUCK_MS 5000
#define COLLECTION_TRIES_MAX 64 /* of one allocation */

/* 128 bits that nobody can guess, in hexadecimal. */
struct broker_token {
	char text[33];
};

/*
 * `collection` is borrowed (NULL: it failed and `error` says why); both until the call returns.
 * Called exactly once for each function that was given it and returned 0, also when the client has
 * been destroyed meanwhile (error Gone then). Never before that function has returned.
 */
typedef void (*broker_decided_fn)(void *data, struct collection *collection,
				  const struct error *error);

/*
 * A collection of one client that names all participants. Solves, charges and has the buffers
 * allocated by a job. Takes the request.
 * Errors (then `decided` is not called): as broker_plan, but OutOfMemory instead of a Conflict
 * that is one for want of capacity; QuotaExceeded. Later, through
 * `decided`: OutOfMemory, Gone (client or device), NotPermitted (the heap cannot be opened), Busy.
 */
int broker_allocate(struct broker_client *client, struct request *request,
		    broker_decided_fn decided, void *data, struct error *error);

/*
 * A collection of several clients. Takes the request; its participants are the initiator's own,
 * none: it observes. Fills in `tokens` of `ret_tokens`. Returns borrowed as
 * broker_find_collection.
 * Errors, with details: InvalidRequest, UnknownDevice, NotSupported, TooComplex (alternatives),
 * QuotaExceeded, Busy (no randomness yet); -ENOMEM.
 */
int broker_create_collection(struct broker_client *client, struct request *request, uint32_t tokens,
			     struct error *error, struct broker_token *ret_tokens,
			     struct collection **ret_collection);

/*
 * Makes the client a member. The token is used up by success only. Returns borrowed as
 * broker_find_collection.
 * Errors, with details: Gone (no such token, used, or its collection has ended), InvalidRequest
 * (the client takes part already).
 */
int broker_bind(struct broker_client *client, const char *token, struct error *error,
		struct collection **ret_collection);

/* Every collection of a user, or with `uid` 0 of all. Returns owned an array of records and
 * each of them. Errors: -ENOMEM. */
int broker_list_collections(struct broker *broker, uid_t uid,
			    struct collection_record ***ret_records, size_t *ret_len);

/*
 * Finds a collection in which this client takes part, by number; where the initiator is away
 * (linger-ms), a client of its user becomes the initiator. Returns borrowed until the client leaves
 * or is destroyed.
 * Errors: Gone (there is none, or the client takes no part in it: not told apart), QuotaExceeded.
 */
int broker_find_collection(struct broker_client *client, uint64_t number, struct error *error,
			   struct collection **ret_collection);

uint64_t collection_get_number(const struct collection *collection);

/* The plan of the newest generation; NULL: there is none. Returns borrowed until the next call of
 * the broker. */
const struct plan *collection_get_plan(const struct collection *collection);

/*
 * Of all that follow `client` takes part in `collection`; each may fail with what the collection
 * has ended with.
 */

/*
 * More tokens, as broker_create_collection. When all is decided already they are for late members.
 * Errors, with details: NotPermitted (not the initiator), InvalidRequest (0, or more members than
 * there may be), QuotaExceeded, Busy.
 */
int collection_create_tokens(struct broker_client *client, struct collection *collection,
			     uint32_t count, struct error *error, struct broker_token *ret_tokens);

/*
 * The participants of a member, once; `said` (taken) holds nothing else, none: it observes. When
 * all have spoken, the negotiation begins. A late member must fit what there is, and may try again.
 * Errors, with details: InvalidRequest, UnknownDevice, NotSupported, TooComplex (alternatives); of
 * a late member also Conflict, TooComplex, Busy (a negotiation is under way); -ENOMEM. Nothing has
 * been said then.
 */
int collection_speak(struct broker_client *client, struct collection *collection,
		     struct request *said, struct error *error);

/*
 * Has `decided` called when the negotiation is. Returns 1, and calls nobody, where there is a
 * generation already.
 * Errors: -ENOMEM. Later, through `decided`: whatever the negotiation ends with.
 */
int collection_wait(struct broker_client *client, struct collection *collection,
		    broker_decided_fn decided, void *data, struct error *error);

/* How it stands. Returns owned. Errors: -ENOMEM. */
int collection_get_status(const struct broker_client *client, const struct collection *collection,
			  struct collection_record **ret_record);

/*
 * Negotiates again while the old buffers live. Takes `changes`: participants replace the client's
 * own, other keys those of the request. Success is a new generation; after a failure all is as it
 * was.
 * Errors, with details: NotPermitted (other keys, and not the initiator), Busy (a negotiation is
 * under way), InvalidRequest, and as broker_allocate.
 */
int collection_renegotiate(struct broker_client *client, struct collection *collection,
			   struct request *changes, broker_decided_fn decided, void *data,
			   struct error *error);

/*
 * The device of a participant has refused to import a buffer of the newest generation, with
 * `number` (an errno). Negotiates again without the heap and all that are no better, for this
 * collection only; the device is measured again.
 * Errors, with details: NotPermitted (not the client's participant), InvalidRequest (not the newest
 * generation, no errno), and as collection_renegotiate.
 */
int collection_report(struct broker_client *client, struct collection *collection,
		      const char *participant, uint32_t generation, uint32_t number,
		      broker_decided_fn decided, void *data, struct error *error);

/*
 * The newest generation is in use: closes the buffers of older ones. Doing it twice does no harm.
 * Errors, with details: NotPermitted (neither the initiator nor who has the participant that the
 * plan names, and not both of them have gone), InvalidRequest (not the newest).
 */
int collection_hand_over(struct broker_client *client, struct collection *collection,
			 uint32_t generation, struct error *error);

/* Ends a negotiation that is not decided yet. Errors, with details: NotPermitted (not the
 * initiator), InvalidRequest (there are buffers). */
int collection_cancel(struct broker_client *client, struct collection *collection,
		      struct error *error);

/*
 * The buffers of the newest generation from `first` on, at most `count` and at most as many as
 * `fds_max` fds hold (never less than one buffer). Charges the fds as in flight: until
 * broker_acknowledge with `*ret_serial` or the end of the client. Returns owned an array of
 * `*ret_len` struct buffer_record with fds of their own; the caller destroys each and frees the
 * array.
 * Errors: InvalidRequest (`first` or `count` outside the generation, or there is none yet),
 * NotPermitted (a late member that has not spoken), QuotaExceeded (too many fds in flight:
 * acknowledge first); -ENOMEM, -EMFILE.
 */
int collection_get_buffers(struct broker_client *client, struct collection *collection,
			   uint32_t first, uint32_t count, uint32_t fds_max, struct error *error,
			   uint64_t *ret_serial, struct buffer_record ***ret_buffers,
			   size_t *ret_len);

/* The client says that it has received the fds of a reply. Errors: InvalidRequest (no such
 * serial). */
int broker_acknowledge(struct broker_client *client, uint64_t serial, struct error *error);

/* The client leaves. With the last who leaves the collection ends: its buffers are closed, its
 * charge is given back. */
void collection_release(struct broker_client *client, struct collection *collection);

#endif
