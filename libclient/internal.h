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

/* Who answers: a daemon (client.c), a broker inside this process (inprocess.c), or the facts of a
 * machine (offline.c). Each function does what the public one of its name promises; `destroy` does
 * not free the struct's own members. */
struct handle_backend {
	void (*destroy)(struct dmabroker *broker);
	int (*get_fd)(struct dmabroker *broker);
	int (*dispatch)(struct dmabroker *broker);
	/* devices (vocab_device), heaps (vocab_heap) or collections (vocab_collection) */
	int (*list)(struct dmabroker *broker, const struct vocab_group *group,
		    struct dmabroker_record ***ret_records, size_t *ret_len);
	int (*get_machine)(struct dmabroker *broker, struct machine **ret_machine);
	int (*plan)(struct dmabroker *broker, const struct request *request,
		    struct plan **ret_plan);
	int (*allocate)(struct dmabroker *broker, const struct request *request,
			struct dmabroker_collection **ret_collection);
	int (*create_collection)(struct dmabroker *broker, const struct request *request,
				 unsigned int tokens, struct dmabroker_collection **ret_collection);
	int (*bind)(struct dmabroker *broker, const char *token,
		    struct dmabroker_collection **ret_collection);

	/* The rest is of collections, which a machine's facts have none of: NULL there. */
	void (*release)(struct dmabroker_collection *collection);
	int (*create_tokens)(struct dmabroker_collection *collection, unsigned int count);
	int (*speak)(struct dmabroker_collection *collection, const struct request *request);
	int (*wait)(struct dmabroker_collection *collection, int timeout_ms);
	int (*get_status)(struct dmabroker_collection *collection,
			  struct collection_record **ret_status);
	int (*renegotiate)(struct dmabroker_collection *collection, const struct request *changes);
	int (*report)(struct dmabroker_collection *collection, const char *participant, int errnum);
	int (*hand_over)(struct dmabroker_collection *collection);
	int (*cancel)(struct dmabroker_collection *collection);
};

struct dmabroker {
	const struct handle_backend *backend;
	dmabroker_change_fn callback;
	void *callback_data;
	struct dmabroker_collection
		*collections;		   /* borrowed; linked by dmabroker_collection.next */
	struct dmabroker_memory *memories; /* borrowed; linked by dmabroker_memory.next */
	dmabroker_audit_fn audit;
	void *audit_data;
	unsigned int events; /* told so far, for collection_announce */
	/* of the last call that failed */
	struct error error;
	char *text;
};

/* Notes an error that has no name of its own, as a sentence. Returns `number`. */
int handle_fail(struct dmabroker *broker, int number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Makes the text of the error that a call has noted in `broker->error`, or of `number` where it has
 * no name; there is none yet. Returns `number`. */
int handle_note_error(struct dmabroker *broker, int number);

/* Errors: -EINVAL (the record is no request), -E2BIG (more open files than a message carries). */
int handle_check_request(struct dmabroker *broker, const struct dmabroker_record *request);

/* Forgets the error of an earlier call. */
void handle_forget(struct dmabroker *broker);

/* A list of records while it grows. */
struct handle_list {
	struct dmabroker_record **records;
	size_t len;
};

/* Takes `record` on success. Errors: -ENOMEM. */
int handle_list_add(struct handle_list *list, void *record);

/* Copies all records of `from`. Returns owned as the public functions do. Errors: -ENOMEM. */
int handle_list_copy(const struct vocab_dicts *from, struct dmabroker_record ***ret_records,
		     size_t *ret_len);

/* ---- client.c ---- */

/* Connects to a daemon at a D-Bus address or "system". Returns owned. Errors: as
 * dmabroker_connect. */
int client_connect(const char *address, struct dmabroker **ret_broker);

/* ---- inprocess.c ---- */

/* Whether an address is that of a broker inside this process, right or wrong in the rest. */
bool inprocess_is_address(const char *address);

/* Begins a broker inside this process. Returns owned. Errors: -EINVAL (the address is malformed),
 * -ENOMEM, or what the kernel has against a broker (-EMFILE and the like). */
int inprocess_connect(const char *address, struct dmabroker **ret_broker);

/* Whether this process may open any heap. */
bool inprocess_may_allocate(void);

/* ---- memory.c ---- */

/* The memories of a broker that goes stay their owners'. */
void memory_forget_all(struct dmabroker *broker);

/* ---- buffer.c ---- */

struct dmabroker_buffer {
	struct dmabroker *broker;     /* borrowed */
	const struct plan *plan;      /* borrowed from the generation: the group's, or the whole */
	struct buffer_record *record; /* owned; its memory objects hold the fds */
	void *address[4];	      /* mappings, NULL: none */
	struct access_state access;
	const char *names[ACCESS_AGENTS_MAX]; /* borrowed from the plan, by agent */
	struct access_place {
		const char *file; /* borrowed for ever: __FILE__; NULL: not known */
		int line;
	} begun[ACCESS_AGENTS_MAX];	     /* by agent: where its access began */
	struct dmabroker_access_stats stats; /* but for `held` */
};

/* A memory object of a buffer, or NULL. Returns borrowed. */
struct memory_object *buffer_memory(const struct dmabroker_buffer *buffer, size_t memory);

/* Begins a buffer of `plan` (borrowed): takes `record`. Errors: -EPROTO (the record has no memory
 * objects, or a group that the plan has not). */
int buffer_init(struct dmabroker_buffer *buffer, struct dmabroker *broker, const struct plan *plan,
		struct buffer_record *record);
/* Unmaps and closes. */
void buffer_finish(struct dmabroker_buffer *buffer);
/* Has the buffer follow another plan of the same generation; who accesses it goes on. Errors:
 * -EPROTO (as buffer_init; nothing has changed). */
int buffer_follow(struct dmabroker_buffer *buffer, const struct plan *plan);

/* ---- access.c ---- */

/* Begins the state of access: the agents are the plan's participants, those that `record` (borrowed
 * for the call) does not list being of other processes. The plan is borrowed as long as the buffer.
 * Errors: -EPROTO (more participants than a plan has, or such as cannot share a buffer). */
int access_init(struct dmabroker_buffer *buffer, const struct plan *plan,
		const struct buffer_record *record);
/* The same agents, and more, by another plan. Errors: -EPROTO (nothing has changed). */
int access_follow(struct dmabroker_buffer *buffer, const struct plan *plan);
/* Tells the audit callback of each access that has not ended. */
void access_audit(const struct dmabroker_buffer *buffer);

/* ---- collection.c ---- */

/* A plan that has been negotiated, and its buffers. */
struct generation {
	uint32_t number;
	struct plan *plan;
	struct vocab_dicts former;	  /* plans before late members came: somebody may look */
	struct dmabroker_buffer *buffers; /* room for all the plan has */
	size_t buffers_len;
	struct generation *older; /* owned; NULL: none */
};

/* Takes `plan`, on success. Errors: -EPROTO (more buffers than can be believed), -ENOMEM. */
int generation_create(uint32_t number, struct plan *plan, struct generation **ret_generation);
/* Takes `plan`, on success, in the place of the generation's: a late member has come to the same
 * buffers. Errors: -EPROTO, -ENOMEM. */
int generation_replace_plan(struct generation *generation, struct plan *plan);
/* Takes the generation (or NULL) and all older ones. */
void generation_drop(struct generation *generation);
/* Buffers that its plan says there are. */
size_t generation_count(const struct generation *generation);

struct dmabroker_collection {
	struct dmabroker *broker;	   /* borrowed */
	struct dmabroker_collection *next; /* borrowed: dmabroker.collections */
	char *path;
	char **tokens;
	size_t tokens_len;
	bool renewed;		   /* Negotiated has been told since the last wait */
	bool observes;		   /* has said that it takes no buffers */
	struct generation *newest; /* owned, the older ones behind it; NULL: not negotiated */
	uint32_t handed_over;	   /* the generation that took over last; 0: none */
	dmabroker_event_fn callback;
	void *callback_data;
	unsigned int told; /* the last of dmabroker.events that it was told */
	void *waiting;	   /* a daemon's: a call that waits for a plan; NULL: none */
	uint64_t number;   /* a broker's inside this process */
};

/* Begins a collection (its path is borrowed) and makes it known to the broker. Errors: -ENOMEM. */
int collection_begin(struct dmabroker *broker, const char *path,
		     struct dmabroker_collection **ret_collection);

/* Frees a collection without a word to the broker. */
void collection_forget(struct dmabroker_collection *collection);

/* Takes `generation` as the newest. */
void collection_push(struct dmabroker_collection *collection, struct generation *generation);

/* Frees the generations before the one that has taken over. Returns whether there were any. */
bool collection_drop_older(struct dmabroker_collection *collection);

/* Something that happened to a collection; `error` and `text` as in dmabroker_event_fn. */
struct collection_event {
	enum dmabroker_event event;
	uint32_t generation;
	const char *error;
	const char *text;
};

/* Tells all collections of this path, and they their callbacks. */
void collection_announce(struct dmabroker *broker, const char *path,
			 const struct collection_event *event);

#endif
