/* SPDX-License-Identifier: MIT */
/* A broker inside this process: what inprocess.c gives to the other files inprocess-*.c. */
#ifndef INPROCESS_H
#define INPROCESS_H

#include "broker/broker.h"
#include "libclient/internal.h"

struct inprocess_event;

struct inprocess {
	struct dmabroker base;
	struct broker *broker;
	struct broker_client *client;
	struct broker_job *jobs, **jobs_end; /* broker_job.next */
	struct inprocess_event *events, **events_end;
	bool settled;
	bool listening; /* what happens is told from now on */
	int poll_fd;
	int timer_fd; /* when the broker has something to do without being asked */
	int left_fd;  /* raised: an event waits for dmabroker_dispatch */
};

static inline struct inprocess *inprocess_of(struct dmabroker *broker)
{
	return (struct inprocess *)broker; /* its first member */
}

/* Begins a call: forgets the last error, and lets the broker know what has happened meanwhile.
 * Returns borrowed. */
struct inprocess *inprocess_enter(struct dmabroker *broker);

/* Ends it: makes the text of the error that was noted, and whoever polls learns what is left to
 * dispatch. Returns `result`. */
int inprocess_leave(struct inprocess *inprocess, int result);

/* Runs all jobs there are, and those that come of it. */
void inprocess_run_jobs(struct inprocess *inprocess);

/* Nobody is told any more of what has happened to a collection. */
void inprocess_forget_events(struct inprocess *inprocess, uint64_t number);

/* Waits until the broker has something to do, `timeout_ms` at most (negative: without an end), and
 * has it do that. */
void inprocess_pause(struct inprocess *inprocess, int timeout_ms);

/* ---- inprocess-collection.c ---- */

int inprocess_plan(struct dmabroker *broker, const struct request *request, struct plan **ret_plan);
int inprocess_allocate(struct dmabroker *broker, const struct request *request,
		       struct dmabroker_collection **ret_collection);
int inprocess_create_collection(struct dmabroker *broker, const struct request *request,
				unsigned int tokens, struct dmabroker_collection **ret_collection);
int inprocess_bind(struct dmabroker *broker, const char *token,
		   struct dmabroker_collection **ret_collection);
int inprocess_list_collections(struct dmabroker *broker, struct dmabroker_record ***ret_records,
			       size_t *ret_len);
void inprocess_release(struct dmabroker_collection *collection);
int inprocess_create_tokens(struct dmabroker_collection *collection, unsigned int count);
int inprocess_speak(struct dmabroker_collection *collection, const struct request *request);
int inprocess_wait(struct dmabroker_collection *collection, int timeout_ms);
int inprocess_get_status(struct dmabroker_collection *collection,
			 struct collection_record **ret_status);
int inprocess_renegotiate(struct dmabroker_collection *collection, const struct request *changes);
int inprocess_report(struct dmabroker_collection *collection, const char *participant, int errnum);
int inprocess_hand_over(struct dmabroker_collection *collection);
int inprocess_cancel(struct dmabroker_collection *collection);

/* The path of a collection, as a daemon would have it. */
#define INPROCESS_PATH_BYTES 64
void inprocess_write_path(uint64_t number, char path[INPROCESS_PATH_BYTES]);

#endif
