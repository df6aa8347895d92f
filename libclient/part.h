/* SPDX-License-Identifier: MIT */
/* A participant's part of a collection: its plan, its view of it, its buffers. For the helpers. */
#ifndef PART_H
#define PART_H

#include "libclient/internal.h"

/* All of it borrowed from the collection's newest generation, but for the list itself. */
struct part {
	struct dmabroker *broker;
	const struct plan *plan; /* its group's, where participants are split */
	const struct view *view;
	const char *name;
	struct dmabroker_buffer **buffers; /* owned */
	size_t buffers_len;
};

/* Errors, with a sentence: -ENOENT (no such participant, or no plan yet), -ENOMEM. */
int part_init(struct part *part, struct dmabroker_collection *collection, const char *participant);
void part_finish(struct part *part);

/* The place of a buffer in the part. Errors, without a sentence: -ENOENT. */
int part_find(const struct part *part, const struct dmabroker_buffer *buffer);

/* Where in the program an access begins; `file` NULL: not known. Borrowed for ever. */
struct part_place {
	const char *file;
	int line;
};

/* Begins and ends the participant's access to the buffer at `index`. */
int part_begin(const struct part *part, size_t index, enum dmabroker_access access,
	       struct part_place place);
int part_end(const struct part *part, size_t index);

#endif
