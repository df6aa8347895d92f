/* SPDX-License-Identifier: MIT */
/* Large machines and requests, made to measure. */
#ifndef TESTS_BENCH_MADE_H
#define TESTS_BENCH_MADE_H

#include "broker/model/descriptor.h"
#include "broker/model/request.h"

enum made_kind {
	MADE_DECLARED, /* the pairs are the participants' own lists; they are the CPU */
	MADE_DEVICES,  /* the pairs are the lists of DRM devices */
};

struct made_size {
	enum made_kind kind;
	unsigned int participants; /* 1 to 16 */
	unsigned int pairs;	   /* of each, up to 1024 */
	unsigned int heaps;	   /* up to 128 */
	unsigned int leaves;	   /* of each, up to 64; 1: no alternatives */
	/* Nothing suits all: the last participant takes no picture so large (0), with every
	 * leaf of each participant (1), no heap (2), none of the formats (3). */
	bool conflict;
	unsigned int conflict_kind;
	uint64_t seed; /* of the orders of the lists */
};

struct made {
	struct machine *machine;
	struct request *request; /* settled */
};

/* Fills both; made_finish gives them back. */
void made_create(const struct made_size *size, struct made *ret_made);
void made_finish(struct made *made);

#endif
