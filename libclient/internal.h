/* SPDX-License-Identifier: MIT */
/* What the files of the library share. A struct dmabroker_record is a struct vocab_head. */
#ifndef INTERNAL_H
#define INTERNAL_H

#include <stdbool.h>

#include "broker/model/access.h"
#include "broker/model/descriptor.h"
#include "broker/model/error.h"
#include "broker/model/plan.h"
#include "broker/model/request.h"
#include "dmabroker.h"

/* ---- handle.c: what a struct dmabroker is, whoever answers behind it ---- */

/* Who answers: a daemon (client.c), or the facts of a machine (offline.c). Each function does what
 * the public one of its name promises; `destroy` does not free the struct's own members. */
struct handle_backend {
	void (*destroy)(struct dmabroker *broker);
	int (*get_fd)(struct dmabroker *broker);
	int (*dispatch)(struct dmabroker *broker);
	/* devices (vocab_device) or heaps (vocab_heap) */
	int (*list)(struct dmabroker *broker, const struct vocab_group *group,
		    struct dmabroker_record ***ret_records, size_t *ret_len);
	int (*get_machine)(struct dmabroker *broker, struct machine **ret_machine);
	int (*plan)(struct dmabroker *broker, const struct request *request,
		    struct plan **ret_plan);
	int (*allocate)(struct dmabroker *broker, const struct request *request,
			struct dmabroker_collection **ret_collection);
	/* a collection by its object path */
	void (*release)(struct dmabroker *broker, const char *path);
};

struct dmabroker {
	const struct handle_backend *backend;
	dmabroker_change_fn callback;
	void *callback_data;
	/* of the last call that failed */
	struct error error;
	char *text;
};

/* Notes an error that has no name of its own, as a sentence. Returns `number`. */
int handle_fail(struct dmabroker *broker, int number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Forgets the error of an earlier call. */
void handle_forget(struct dmabroker *broker);

/* A list of records while it grows. */
struct handle_list {
	struct dmabroker_record **records;
	size_t len;
};

/* Takes `record` on success. Errors: -ENOMEM. */
int handle_list_add(struct handle_list *list, void *record);

/* ---- buffer.c, collection.c ---- */

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

#endif
