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

/* A client, charged to `uid`. Returns owned. Errors: -ENOMEM. */
int broker_client_create(struct broker *broker, uid_t uid, struct broker_client **ret_client);

/* Takes the client (or NULL): its collections are freed, or linger as their request said. Its
 * allocations under way end with the error Gone. */
void broker_client_destroy(struct broker_client *client);

/*
 * Settles and solves without allocating. Takes the request. Returns owned a plan.
 * Errors, with details: InvalidRequest, UnknownDevice, Conflict, NotSupported, TooComplex; -ENOMEM.
 */
int broker_plan(struct broker *broker, struct request *request, struct error *error,
		struct plan **ret_plan);

/*
 * `collection` is borrowed (NULL: it failed and `error` says why); both until the call returns.
 * Called exactly once for each broker_allocate that returned 0, also when the client has been
 * destroyed meanwhile (error Gone then).
 */
typedef void (*broker_allocated_fn)(void *data, struct collection *collection,
				    const struct error *error);

/*
 * Solves, charges and has the buffers allocated by a job; `allocated` is called when it is done,
 * never before this call returns. Takes the request.
 * Errors (then `allocated` is not called): as broker_plan, but OutOfMemory instead of a Conflict
 * that is one for want of capacity; QuotaExceeded. Later, through
 * `allocated`: OutOfMemory, Gone (client or device), NotPermitted (the heap cannot be opened).
 */
int broker_allocate(struct broker_client *client, struct request *request,
		    broker_allocated_fn allocated, void *data, struct error *error);

/*
 * Finds a collection of this client by number; one that lingers becomes this client's if the user
 * is the same. Returns borrowed until it is released or its client destroyed.
 * Errors: Gone (there is none, or it is somebody else's: not told apart).
 */
int broker_find_collection(struct broker_client *client, uint64_t number, struct error *error,
			   struct collection **ret_collection);

uint64_t collection_get_number(const struct collection *collection);
/* Returns borrowed until the collection is released. */
const struct plan *collection_get_plan(const struct collection *collection);

/*
 * The buffers from `first` on, at most `count` and at most as many as `fds_max` fds hold (never
 * less than one buffer). Charges the fds as in flight: until broker_acknowledge with `*ret_serial`
 * or the end of the client. Returns owned an array of `*ret_len` struct buffer_record with fds of
 * their own; the caller destroys each and frees the array.
 * Errors: InvalidRequest (`first` or `count` outside the collection), QuotaExceeded (too many fds
 * in flight: acknowledge first); -ENOMEM, -EMFILE.
 */
int collection_get_buffers(struct collection *collection, uint32_t first, uint32_t count,
			   uint32_t fds_max, struct error *error, uint64_t *ret_serial,
			   struct buffer_record ***ret_buffers, size_t *ret_len);

/* The client says that it has received the fds of a reply. Errors: InvalidRequest (no such
 * serial). */
int broker_acknowledge(struct broker_client *client, uint64_t serial, struct error *error);

/* Takes the collection: closes its buffers, gives its charge back. */
void collection_release(struct collection *collection);

#endif
