/* SPDX-License-Identifier: MIT */
/*
 * Planning, allocating and negotiating again by a broker inside this process. What the broker
 * decides later is decided when its jobs have run, so each call knows the answer before it returns.
 * All collections are this process' own: there are no tokens, and no other members.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "libclient/inprocess.h"

#define PAGE 16 /* buffers at once, well below what may be in flight */

void inprocess_write_path(uint64_t number, char path[INPROCESS_PATH_BYTES])
{
	snprintf(path, INPROCESS_PATH_BYTES, "/org/dmabroker1/collection/%" PRIu64, number);
}

/* ---- requests ---- */

static int copy_fds(const void *from, void *to);

static int copy_fd(const void *from, void *to, unsigned int row)
{
	int fd = fcntl(*(const int *)vocab_value(from, row), F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return -errno;
	vocab_set_fd(to, row, fd, vocab_origin(from, row));
	return 0;
}

static int copy_fds_of_list(const struct vocab_dicts *from, const struct vocab_dicts *to)
{
	int error = 0;

	for (size_t i = 0; i < from->len && !error; i++)
		error = copy_fds(from->items[i], to->items[i]);
	return error;
}

/* Gives a copy of a record what vocab_copy leaves out. */
static int copy_fds(const void *from, void *to)
{
	const struct vocab_group *group = ((const struct vocab_head *)from)->group;
	int error = 0;

	for (unsigned int row = 0; row < group->rows_len && !error; row++) {
		if (!vocab_has(from, row))
			continue;
		if (group->rows[row].type == VOCAB_FD)
			error = copy_fd(from, to, row);
		else if (group->rows[row].type == VOCAB_DICTS)
			error = copy_fds_of_list(vocab_value(from, row), vocab_value(to, row));
	}
	return error;
}

/* Returns owned what the broker takes. Errors: -ENOMEM, -EMFILE. */
static int copy_request(const struct request *request, struct request **ret_copy)
{
	struct request *copy;
	int error = vocab_copy(request, &copy);

	if (error)
		return error;
	error = copy_fds(request, copy);
	if (error)
		vocab_destroy(copy);
	else
		*ret_copy = copy;
	return error;
}

static int plan(struct inprocess *inprocess, const struct request *request, struct plan **ret_plan)
{
	struct request *copy;
	int error = copy_request(request, &copy);

	return error ? error
		     : broker_plan(inprocess->broker, copy, &inprocess->base.error, ret_plan);
}

int inprocess_plan(struct dmabroker *broker, const struct request *request, struct plan **ret_plan)
{
	struct inprocess *inprocess = inprocess_enter(broker);

	return inprocess_leave(inprocess, plan(inprocess, request, ret_plan));
}

/* ---- what is decided ---- */

struct decision {
	bool made;
	uint64_t number; /* of the collection; 0: it failed */
	struct error error;
};

static void on_decided(void *data, struct collection *collection, const struct error *error)
{
	struct decision *decision = data;

	decision->made = true;
	if (collection) {
		decision->number = collection_get_number(collection);
		return;
	}
	decision->error.code = error->code;
	if (error->details && vocab_copy(error->details, &decision->error.details))
		decision->error.details = NULL;
}

/* Ends a call of the broker that gave `result`: if it was begun, has it decided. Returns the error,
 * noted in the handle. */
static int decide(struct inprocess *inprocess, int result, struct decision *decision)
{
	if (result)
		return result;
	inprocess_run_jobs(inprocess);
	assert(decision->made); /* a negotiation is a job, or what comes of one */
	if (decision->number)
		return 0;
	inprocess->base.error = decision->error;
	return decision->error.code ? error_rows[decision->error.code].number : -ENOMEM;
}

/* ---- generations ---- */

/* Takes the buffers of a page, also on failure. */
static int take_page(struct inprocess *inprocess, struct generation *generation,
		     struct buffer_record **records, size_t len)
{
	int error = 0;

	for (size_t i = 0; i < len; i++) {
		if (!error)
			error = buffer_init(&generation->buffers[generation->buffers_len],
					    &inprocess->base, generation->plan, records[i]);
		if (error)
			vocab_destroy(records[i]);
		else
			generation->buffers_len++;
	}
	free(records);
	return error;
}

static int fetch_page(struct inprocess *inprocess, struct collection *found,
		      struct generation *generation)
{
	size_t left = generation_count(generation) - generation->buffers_len, len;
	struct buffer_record **records;
	uint64_t serial;
	int error = collection_get_buffers(inprocess->client, found,
					   (uint32_t)generation->buffers_len,
					   (uint32_t)(left < PAGE ? left : PAGE), PAGE,
					   &inprocess->base.error, &serial, &records, &len);

	if (error)
		return error;
	broker_acknowledge(inprocess->client, serial, NULL);
	return take_page(inprocess, generation, records, len);
}

/* Makes the plan that the broker has the newest generation here, with its buffers, unless it is. */
static int fetch_generation(struct dmabroker_collection *collection, struct collection *found)
{
	struct inprocess *inprocess = inprocess_of(collection->broker);
	const struct plan *newest = collection_get_plan(found);
	struct generation *generation;
	struct plan *copy;
	int error;

	if (newest->generation == dmabroker_collection_get_generation(collection))
		return 0;
	error = vocab_copy(newest, &copy);
	if (error)
		return error;
	error = generation_create(copy->generation, copy, &generation);
	if (error) {
		vocab_destroy(copy);
		return error;
	}
	while (!error && generation->buffers_len < generation_count(generation))
		error = fetch_page(inprocess, found, generation);
	if (error)
		generation_drop(generation);
	else
		collection_push(collection, generation);
	return error;
}

static int find(struct dmabroker_collection *collection, struct collection **ret_found)
{
	struct inprocess *inprocess = inprocess_of(collection->broker);

	return broker_find_collection(inprocess->client, collection->number, &inprocess->base.error,
				      ret_found);
}

/* ---- beginning ---- */

static int begin_collection(struct inprocess *inprocess, uint64_t number,
			    struct dmabroker_collection **ret_collection)
{
	char path[INPROCESS_PATH_BYTES];
	int error;

	inprocess_write_path(number, path);
	error = collection_begin(&inprocess->base, path, ret_collection);
	if (!error)
		(*ret_collection)->number = number;
	return error;
}

/* Leaves a collection of the broker that nobody has got. */
static void leave_number(struct inprocess *inprocess, uint64_t number)
{
	struct error error = {0};
	struct collection *found;

	if (!broker_find_collection(inprocess->client, number, &error, &found))
		collection_release(inprocess->client, found);
	error_finish(&error);
}

static int allocate(struct inprocess *inprocess, const struct request *request,
		    uint64_t *ret_number)
{
	struct decision decision = {.made = false};
	struct request *copy;
	int error = copy_request(request, &copy);

	if (!error)
		error = broker_allocate(inprocess->client, copy, on_decided, &decision,
					&inprocess->base.error);
	error = decide(inprocess, error, &decision);
	if (!error)
		*ret_number = decision.number;
	return error;
}

/* Has the collection of the public API for one of the broker, with its buffers. */
static int take_collection(struct inprocess *inprocess, uint64_t number,
			   struct dmabroker_collection **ret_collection)
{
	struct dmabroker_collection *collection;
	struct collection *found;
	int error = begin_collection(inprocess, number, &collection);

	if (error)
		return error;
	error = find(collection, &found);
	if (!error)
		error = fetch_generation(collection, found);
	if (error)
		collection_forget(collection);
	else
		*ret_collection = collection;
	return error;
}

int inprocess_allocate(struct dmabroker *broker, const struct request *request,
		       struct dmabroker_collection **ret_collection)
{
	struct inprocess *inprocess = inprocess_enter(broker);
	uint64_t number = 0;
	int error = allocate(inprocess, request, &number);

	if (error)
		return inprocess_leave(inprocess, error);
	error = take_collection(inprocess, number, ret_collection);
	if (error)
		leave_number(inprocess, number);
	return inprocess_leave(inprocess, error);
}

/* What only a daemon has: others can ask it. */
static int refuse(struct inprocess *inprocess, const char *key)
{
	return error_set(&inprocess->base.error, ERROR_NOT_SUPPORTED, CONSTRAINT_REQUEST, NULL, key,
			 "a daemon, which other processes can ask as well",
			 "a broker inside this process, which serves it alone");
}

static int create(struct inprocess *inprocess, const struct request *request, uint64_t *ret_number)
{
	struct collection *found;
	struct request *copy;
	int error = copy_request(request, &copy);

	if (!error)
		error = broker_create_collection(inprocess->client, copy, 0, &inprocess->base.error,
						 NULL, &found);
	if (error)
		return error;
	*ret_number = collection_get_number(found);
	inprocess_run_jobs(inprocess);
	return 0;
}

int inprocess_create_collection(struct dmabroker *broker, const struct request *request,
				unsigned int tokens, struct dmabroker_collection **ret_collection)
{
	struct inprocess *inprocess = inprocess_enter(broker);
	uint64_t number = 0;
	int error = tokens ? refuse(inprocess, "tokens") : create(inprocess, request, &number);

	if (error)
		return inprocess_leave(inprocess, error);
	error = begin_collection(inprocess, number, ret_collection);
	if (error)
		leave_number(inprocess, number);
	else
		(*ret_collection)->observes = request->participants.len == 0;
	return inprocess_leave(inprocess, error);
}

int inprocess_bind(struct dmabroker *broker, const char *token,
		   struct dmabroker_collection **ret_collection)
{
	struct inprocess *inprocess = inprocess_enter(broker);

	(void)token;
	(void)ret_collection;
	return inprocess_leave(inprocess, refuse(inprocess, "token"));
}

int inprocess_create_tokens(struct dmabroker_collection *collection, unsigned int count)
{
	struct inprocess *inprocess = inprocess_enter(collection->broker);

	(void)count;
	return inprocess_leave(inprocess, refuse(inprocess, "tokens"));
}

/* The only member is the initiator, who has spoken: the broker says so. */
int inprocess_speak(struct dmabroker_collection *collection, const struct request *request)
{
	struct inprocess *inprocess = inprocess_enter(collection->broker);
	struct collection *found;
	int error = find(collection, &found);

	(void)request;
	if (!error)
		error = collection_speak(inprocess->client, found, NULL, &inprocess->base.error);
	return inprocess_leave(inprocess, error);
}

/* ---- waiting ---- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_nothing(void *data, struct collection *collection, const struct error *error)
{
	(void)data;
	(void)collection;
	(void)error;
}

static int get_state(const struct inprocess *inprocess, const struct collection *found)
{
	struct collection_record *record;
	int state, error = collection_get_status(inprocess->client, found, &record);

	if (error)
		return error;
	state = (int)vocab_number(record, COLLECTION_STATE);
	vocab_destroy(record);
	return state;
}

/* Looks how it stands. Errors: -EAGAIN (not decided), or what it has ended with. */
static int look(struct dmabroker_collection *collection)
{
	struct inprocess *inprocess = inprocess_of(collection->broker);
	struct collection *found;
	int state, error = find(collection, &found);

	if (error)
		return error;
	if (collection_get_plan(found))
		return fetch_generation(collection, found);
	state = get_state(inprocess, found);
	if (state < 0)
		return state;
	if (state != COLLECTION_ENDED)
		return -EAGAIN;
	/* of one that has ended it says why, and keeps nobody waiting */
	return collection_wait(inprocess->client, found, on_nothing, NULL, &inprocess->base.error);
}

/* Only what nobody takes part in is not decided at once: it ends by its deadline. */
int inprocess_wait(struct dmabroker_collection *collection, int timeout_ms)
{
	struct inprocess *inprocess = inprocess_enter(collection->broker);
	int64_t left, deadline_ms = now_ms() + timeout_ms;
	int error;

	collection->renewed = false;
	while ((error = look(collection)) == -EAGAIN) {
		left = timeout_ms < 0 ? -1 : deadline_ms - now_ms();
		if (timeout_ms >= 0 && left <= 0)
			break;
		inprocess_pause(inprocess, (int)left);
	}
	if (error == -EAGAIN)
		error = handle_fail(collection->broker, -ETIMEDOUT,
				    "the negotiation has not come to its end");
	return inprocess_leave(inprocess, error);
}

/* ---- again ---- */

/* Ends a call that negotiates again, and gave `result`. */
static int take_decision(struct dmabroker_collection *collection, struct collection *found,
			 int result, struct decision *decision)
{
	int error = decide(inprocess_of(collection->broker), result, decision);

	return error ? error : fetch_generation(collection, found);
}

static int renegotiate(struct dmabroker_collection *collection, const struct request *changes)
{
	struct inprocess *inprocess = inprocess_of(collection->broker);
	struct decision decision = {.made = false};
	struct collection *found = NULL;
	struct request *copy;
	int error = find(collection, &found);

	if (!error)
		error = copy_request(changes, &copy);
	if (!error)
		error = collection_renegotiate(inprocess->client, found, copy, on_decided,
					       &decision, &inprocess->base.error);
	return take_decision(collection, found, error, &decision);
}

int inprocess_renegotiate(struct dmabroker_collection *collection, const struct request *changes)
{
	struct inprocess *inprocess = inprocess_enter(collection->broker);

	return inprocess_leave(inprocess, renegotiate(collection, changes));
}

int inprocess_report(struct dmabroker_collection *collection, const char *participant, int errnum)
{
	struct inprocess *inprocess = inprocess_enter(collection->broker);
	struct decision decision = {.made = false};
	struct collection *found = NULL;
	int error = find(collection, &found);

	if (!error)
		error = collection_report(inprocess->client, found, participant,
					  dmabroker_collection_get_generation(collection),
					  (uint32_t)errnum, on_decided, &decision,
					  &inprocess->base.error);
	return inprocess_leave(inprocess, take_decision(collection, found, error, &decision));
}

static int hand_over(struct dmabroker_collection *collection)
{
	struct inprocess *inprocess = inprocess_of(collection->broker);
	uint32_t number = dmabroker_collection_get_generation(collection);
	const struct plan *newest;
	struct collection *found;
	int error = find(collection, &found);

	if (error)
		return error;
	newest = collection_get_plan(found);
	if (!number || (newest && newest->generation != number))
		return handle_fail(collection->broker, -EAGAIN,
				   "the generation that takes over has still to be waited for");
	error = collection_hand_over(inprocess->client, found, number, &inprocess->base.error);
	if (error)
		return error;
	collection->handed_over = number;
	collection_drop_older(collection);
	return 0;
}

int inprocess_hand_over(struct dmabroker_collection *collection)
{
	struct inprocess *inprocess = inprocess_enter(collection->broker);

	return inprocess_leave(inprocess, hand_over(collection));
}

/* ---- looking, and the end ---- */

int inprocess_get_status(struct dmabroker_collection *collection,
			 struct collection_record **ret_status)
{
	struct inprocess *inprocess = inprocess_enter(collection->broker);
	struct collection *found;
	int error = find(collection, &found);

	if (!error)
		error = collection_get_status(inprocess->client, found, ret_status);
	return inprocess_leave(inprocess, error);
}

static int by_number(const void *a, const void *b)
{
	const void *const *left = a, *const *right = b;
	uint64_t one = vocab_number(*left, COLLECTION_NUMBER);
	uint64_t other = vocab_number(*right, COLLECTION_NUMBER);

	return one < other ? -1 : one > other;
}

int inprocess_list_collections(struct dmabroker *broker, struct dmabroker_record ***ret_records,
			       size_t *ret_len)
{
	struct inprocess *inprocess = inprocess_enter(broker);
	struct collection_record **records;
	size_t len;
	int error = broker_list_collections(inprocess->broker, geteuid(), &records, &len);

	if (error)
		return inprocess_leave(inprocess, error);
	qsort(records, len, sizeof(records[0]), by_number);
	*ret_records = (struct dmabroker_record **)records;
	*ret_len = len;
	return inprocess_leave(inprocess, 0);
}

int inprocess_cancel(struct dmabroker_collection *collection)
{
	struct inprocess *inprocess = inprocess_enter(collection->broker);
	struct collection *found;
	int error = find(collection, &found);

	if (!error)
		error = collection_cancel(inprocess->client, found, &inprocess->base.error);
	return inprocess_leave(inprocess, error);
}

void inprocess_release(struct dmabroker_collection *collection)
{
	struct inprocess *inprocess = inprocess_of(collection->broker);

	leave_number(inprocess, collection->number);
	inprocess_run_jobs(inprocess);
	inprocess_forget_events(inprocess, collection->number);
	inprocess_leave(inprocess, 0);
}
