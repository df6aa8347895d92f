/* SPDX-License-Identifier: MIT */
/* Solving a request of a collection and having its buffers allocated by a job. */
#ifndef ALLOCATION_H
#define ALLOCATION_H

#include "broker/inside.h"
#include "broker/solver/solve.h"

/* as many groups as a plan may have, each with a heap of its own */
#define ALLOCATION_PARTS_MAX 16
/* as many buffers as a participant may bring */
#define ALLOCATION_BROUGHT_MAX 12

/* Buffers of one kind: those of a plan, or of one of its groups. */
struct part {
	char *node;
	char *heap;
	enum exporter exporter;
	uint64_t bytes;
	size_t count;
	/* Buffers that a participant brings: `given` are what the first `given_len` come from. */
	bool brought;
	bool memfds; /* they still are: udmabuf makes dma-bufs of them */
	bool pinned; /* pages of memfds, whoever has to find them */
	int given[ALLOCATION_BROUGHT_MAX];
	size_t given_len;
};

struct allocation {
	struct broker_job job; /* first: a job is found back by its address */
	struct collection *collection;
	struct request *request; /* settled, what is solved */
	uint32_t generation;	 /* the number of what comes out */
	/* What takes its place in the collection when it succeeds. */
	struct request *base; /* NULL: stays as it is */
	struct request *said; /* of member `member`; NULL: stays as it is */
	uint32_t member;
	struct waiter *asker; /* who negotiates again; NULL: nobody, it is the first time */
	struct plan *plan;
	struct quota_charge charge;
	struct plan *tried;				 /* collects what failed so far */
	struct solve_limit limits[COLLECTION_TRIES_MAX]; /* their heaps are those of `tried` */
	size_t limits_len;
	/* for the job */
	atomic_bool cancelled; /* nobody wants it any more */
	uint64_t number;
	uid_t uid;
	struct part parts[ALLOCATION_PARTS_MAX];
	size_t parts_len;
	int *fds;
	size_t fds_len;
	size_t failed; /* which part */
	int result;
};

/* Takes the request, also on failure. Returns owned. Errors: -ENOMEM. */
int allocation_create(struct collection *collection, struct request *request, uint32_t generation,
		      struct allocation **ret_allocation);

/* Of an allocation that has not been started, or is done. */
void allocation_destroy(struct allocation *allocation);

/*
 * Solves, charges and submits; takes the allocation, which is the collection's now, on success. On
 * failure nothing is charged. Errors, with details: those of broker_allocate.
 */
int allocation_start(struct allocation *allocation, struct error *error);

/* Its result will be dropped. */
void allocation_cancel(struct allocation *allocation);

/* Takes a job that has run; false: it is none of these. */
bool allocation_done(struct broker_job *job);

/* A line of `tried`. Errors: -ENOMEM, -ERANGE (too many). */
int allocation_remember(struct allocation *allocation, const char *heap, const char *participant,
			enum constraint constraint, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

#endif
