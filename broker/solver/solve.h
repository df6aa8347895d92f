/* SPDX-License-Identifier: MIT */
/* Facts and a request in, a plan or a conflict out. Pure: no I/O, no clock. */
#ifndef SOLVE_H
#define SOLVE_H

#include "broker/model/descriptor.h"
#include "broker/model/error.h"
#include "broker/model/plan.h"
#include "broker/model/request.h"

/*
 * Finds the best plan for a settled request (request_settle) on a machine. The same input gives the
 * same plan to the byte, in whatever order participants, devices and heaps were named.
 * Borrows both. Returns owned a plan of generation 1.
 * Errors, with details: Conflict (the refusals are a minimal set: it cannot hold together, and
 * without any one of its members it can), TooComplex (more than 1,024 different formats are
 * named); -ENOMEM.
 */
int solve(const struct machine *machine, const struct request *request, struct error *error,
	  struct plan **ret_plan);

#endif
