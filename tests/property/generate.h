/* SPDX-License-Identifier: MIT */
/* Small machines and requests out of a seed: values lie near each other, so that conflicts and
 * answers are both common. */
#ifndef TESTS_GENERATE_H
#define TESTS_GENERATE_H

#include <stdio.h>

#include "broker/solver/solve.h"

#define INSTANCE_LIMITS_MAX 2

struct instance {
	struct machine *machine;
	struct request *request;			/* not settled */
	struct solve_limit limits[INSTANCE_LIMITS_MAX]; /* their ids belong to the machine */
	size_t limits_len;
	int late; /* participant that comes when there are buffers already; -1: none does */
};

/* Fills an instance; instance_finish gives it back. The same seed, the same instance. */
void instance_generate(uint64_t seed, struct instance *ret_instance);

/* The same of more participants than every split is looked at for, who may be split. */
void instance_generate_wide(uint64_t seed, struct instance *ret_instance);

/* A deep copy. */
void instance_copy(const struct instance *instance, struct instance *ret_copy);

void instance_finish(struct instance *instance);

/* Puts participants, devices and heaps in another order. `late` is -1 then. */
void instance_shuffle(struct instance *instance, uint64_t seed);

/* Takes away the n-th thing that can be taken away: a key, an element of a list, a participant, a
 * heap. False: there are not that many. */
bool instance_drop(struct instance *instance, unsigned int n);

/* Writes a record with all that is in it, a key in each line. */
void record_print(FILE *out, const void *record, unsigned int indent);

#endif
