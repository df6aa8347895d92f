/* SPDX-License-Identifier: MIT */
/* What the files of the library share. A struct dmabroker_record is a struct vocab_head. */
#ifndef INTERNAL_H
#define INTERNAL_H

#include <stdbool.h>

#include "broker/model/access.h"
#include "broker/model/error.h"
#include "broker/model/plan.h"
#include "broker/model/request.h"
#include "dmabroker.h"

struct dmabroker_buffer {
	struct dmabroker_collection *collection; /* borrowed */
	struct buffer_record *record;		 /* owned; its memory objects hold the fds */
	void *address[4];			 /* mappings, NULL: none */
	struct access_state access;
};

struct dmabroker_collection {
	struct dmabroker *broker; /* borrowed */
	char *path;
	struct plan *plan;
	struct dmabroker_buffer *buffers;
	size_t buffers_len;
};

/* A memory object of a buffer, or NULL. Returns borrowed. */
struct memory_object *buffer_memory(const struct dmabroker_buffer *buffer, size_t memory);

/* Begins a buffer: takes `record`. Errors: -EPROTO (the record has no memory objects). */
int buffer_init(struct dmabroker_buffer *buffer, struct dmabroker_collection *collection,
		struct buffer_record *record);
/* Unmaps and closes. */
void buffer_finish(struct dmabroker_buffer *buffer);

/* Notes an error of a call that did not reach the broker, as a sentence. Returns `number`. */
int client_fail(struct dmabroker *broker, int number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Tells the broker that a collection is no longer used. */
void client_release(struct dmabroker *broker, const char *path);

#endif
