/* SPDX-License-Identifier: MIT */
/*
 * A collection as if it had been allocated: a plan of the solver, and buffers of which the memory
 * are memfds instead of dma-bufs. The library's objects are linked into the test, so that chosen
 * functions can be replaced.
 */
#ifndef TESTS_HELD_H
#define TESTS_HELD_H

#include "libclient/internal.h"

struct held {
	struct dmabroker *broker;
	struct dmabroker_collection *collection;
	struct machine *machine;
};

/* A machine and a request as tests/unit/machine.h has them; the request must have a plan. */
struct held held_create(const char *machine, const char *request);
void held_destroy(struct held *held);

/* One more generation, of another request. */
void held_renegotiate(struct held *held, const char *request);

struct dmabroker_buffer *held_buffer(const struct held *held, size_t index);

/* The participant's view, to be changed. */
struct view *held_view(const struct held *held, const char *participant);

/* Whether a participant of the name has begun an access to the buffer and not ended it. */
bool held_has(const struct held *held, size_t index, const char *participant);

#endif
