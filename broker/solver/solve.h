/* SPDX-License-Identifier: MIT */
/* Facts and a request in, a plan or a conflict out. Pure: no I/O, no clock. */
#ifndef SOLVE_H
#define SOLVE_H

#include "broker/model/descriptor.h"
#include "broker/model/error.h"
#include "broker/model/plan.h"
#include "broker/model/request.h"

/* A heap that gave less than was asked: as if its capacity were this. */
struct solve_limit {
	const char *heap; /* its id */
	uint64_t bytes;	  /* of all buffers together */
};

struct solve_options {
	const struct solve_limit *limits; /* borrowed; several of one heap: the smallest counts */
	size_t limits_len;
	/* Borrowed; NULL: none. Buffers that exist, made by an earlier plan: the answer must be the
	 * same heap, format, modifier, layout and count, or it is a Conflict with the constraint
	 * `existing`. The hard need of all participants must be met by their number. */
	const struct plan *existing;
};

/*
 * Finds the best plan for a settled request (request_settle) on a machine: docs/negotiation.md. The
 * same input gives the same plan to the byte, in whatever order participants, devices and heaps
 * were named. Borrows all. `options` may be NULL. Returns owned a plan of generation 1.
 *
 * Errors, with details: Conflict (the refusals are minimal sets, by their key `set`; each cannot
 * hold together, and without any one of its members it can), TooComplex (more combinations of
 * alternatives than are looked at); -ENOMEM.
 */
int solve_with(const struct machine *machine, const struct request *request,
	       const struct solve_options *options, struct error *error, struct plan **ret_plan);

/* solve_with without options. */
int solve(const struct machine *machine, const struct request *request, struct error *error,
	  struct plan **ret_plan);

#endif
