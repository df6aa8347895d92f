/* SPDX-License-Identifier: MIT */
/* What a collection that is held looks like, and what happens to it: for stdout. */
#ifndef CTL_HELD_H
#define CTL_HELD_H

#include <json-c/json.h>

#include "ctl/ctl.h"

/* As dmabroker_event_fn has it; all is borrowed. */
struct held_event {
	enum dmabroker_event event;
	uint32_t generation;
	const char *error;
	const char *text;
};

/* Its path, plan and buffers. Returns owned. */
struct json_object *held_json(struct dmabroker_collection *collection);

/* Prints the table with the inodes of its buffers. */
void held_show_table(const struct ctl *ctl, struct dmabroker_collection *collection);

/* Prints the one or the other, as ctl->json says. */
void held_show(const struct ctl *ctl, struct dmabroker_collection *collection);

/* "WORD: generation 2: camera, display: 5 buffers of 3133440 bytes from heap system: ..." Returns
 * owned. */
char *held_line(const char *word, struct dmabroker_collection *collection);

/* Prints what has happened to it; what has been negotiated is there already. */
void held_tell(const struct ctl *ctl, struct dmabroker_collection *collection,
	       const struct held_event *event);

#endif
