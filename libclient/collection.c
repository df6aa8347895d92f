/* SPDX-License-Identifier: MIT */
/*
 * A collection: the generations of its plan and its buffers, newest first, and what is told of it.
 *
 * Older generations stay until this member has gone over to a newer one (hand_over), since devices
 * may still hold their buffers. Everything that asks the broker is in client-negotiate.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/internal.h"

#define BUFFERS_MAX 1024 /* a plan of more is not believed */

/* ---- generations ---- */

static size_t count_of(const struct plan *plan)
{
	size_t count = 0;

	if (!plan->groups.len)
		return plan->count;
	for (size_t i = 0; i < plan->groups.len && count <= BUFFERS_MAX; i++)
		count += ((const struct plan *)plan->groups.items[i])->count;
	return count;
}

size_t generation_count(const struct generation *generation)
{
	return count_of(generation->plan);
}

int generation_create(uint32_t number, struct plan *plan, struct generation **ret_generation)
{
	size_t count = count_of(plan);
	struct generation *generation;

	if (count > BUFFERS_MAX)
		return -EPROTO;
	generation = calloc(1, sizeof(*generation));
	if (!generation)
		return -ENOMEM;
	generation->buffers = calloc(count ? count : 1, sizeof(generation->buffers[0]));
	if (!generation->buffers) {
		free(generation);
		return -ENOMEM;
	}
	generation->number = number;
	generation->plan = plan;
	*ret_generation = generation;
	return 0;
}

/* Keeps the plan that was: pointers to it are still valid. */
static int retire_plan(struct generation *generation)
{
	struct vocab_dicts *former = &generation->former;
	struct vocab_head **grown =
		realloc(former->items, (former->len + 1) * sizeof(former->items[0]));

	if (!grown)
		return -ENOMEM;
	former->items = grown;
	grown[former->len++] = &generation->plan->head;
	return 0;
}

int generation_replace_plan(struct generation *generation, struct plan *plan)
{
	int error = count_of(plan) == count_of(generation->plan) ? 0 : -EPROTO;

	for (size_t i = 0; i < generation->buffers_len && !error; i++)
		error = buffer_follow(&generation->buffers[i], plan);
	if (!error)
		error = retire_plan(generation);
	if (!error) {
		generation->plan = plan;
		return 0;
	}
	for (size_t i = 0; i < generation->buffers_len; i++)
		buffer_follow(&generation->buffers[i], generation->plan);
	return error;
}

void generation_drop(struct generation *generation)
{
	while (generation) {
		struct generation *older = generation->older;

		for (size_t i = 0; i < generation->buffers_len; i++)
			buffer_finish(&generation->buffers[i]);
		free(generation->buffers);
		vocab_destroy(generation->plan);
		for (size_t i = 0; i < generation->former.len; i++)
			vocab_destroy(generation->former.items[i]);
		free(generation->former.items);
		free(generation);
		generation = older;
	}
}

/* ---- beginning and end ---- */

int collection_begin(struct dmabroker *broker, const char *path,
		     struct dmabroker_collection **ret_collection)
{
	struct dmabroker_collection *collection = calloc(1, sizeof(*collection));

	if (!collection)
		return -ENOMEM;
	collection->path = strdup(path);
	if (!collection->path) {
		free(collection);
		return -ENOMEM;
	}
	collection->broker = broker;
	collection->told = broker->events;
	collection->next = broker->collections;
	broker->collections = collection;
	*ret_collection = collection;
	return 0;
}

void collection_forget(struct dmabroker_collection *collection)
{
	struct dmabroker_collection **link = &collection->broker->collections;

	while (*link != collection)
		link = &(*link)->next;
	*link = collection->next;
	generation_drop(collection->newest);
	for (size_t i = 0; i < collection->tokens_len; i++)
		free(collection->tokens[i]);
	free(collection->tokens);
	free(collection->path);
	free(collection);
}

void dmabroker_collection_release(struct dmabroker_collection *collection)
{
	if (!collection)
		return;
	/* its fds first: what the broker is told to give back shall be free */
	generation_drop(collection->newest);
	collection->newest = NULL;
	collection->broker->backend->release(collection);
	collection_forget(collection);
}

void collection_push(struct dmabroker_collection *collection, struct generation *generation)
{
	generation->older = collection->newest;
	collection->newest = generation;
}

bool collection_drop_older(struct dmabroker_collection *collection)
{
	struct generation *last = collection->newest, *older;

	while (last->older && last->older->number >= collection->handed_over)
		last = last->older;
	older = last->older;
	last->older = NULL;
	generation_drop(older);
	return older != NULL;
}

/* ---- what is told ---- */

static void tell(struct dmabroker_collection *collection, const struct collection_event *event)
{
	if (event->event == DMABROKER_EVENT_NEGOTIATED)
		collection->renewed = true;
	if (event->event == DMABROKER_EVENT_HANDED_OVER &&
	    event->generation > collection->handed_over)
		collection->handed_over = event->generation;
	if (collection->callback)
		collection->callback(collection->callback_data, collection, event->event,
				     event->generation, event->error, event->text);
}

/* The list is looked through anew after each callback, since that may release any collection. */
void collection_announce(struct dmabroker *broker, const char *path,
			 const struct collection_event *event)
{
	struct dmabroker_collection *collection = broker->collections;

	broker->events++;
	while (collection) {
		if (collection->told == broker->events || strcmp(collection->path, path) != 0) {
			collection = collection->next;
			continue;
		}
		collection->told = broker->events;
		tell(collection, event);
		collection = broker->collections;
	}
}

void dmabroker_collection_set_callback(struct dmabroker_collection *collection,
				       dmabroker_event_fn callback, void *data)
{
	collection->callback = callback;
	collection->callback_data = data;
}

/* ---- what there is ---- */

const struct dmabroker_record *
dmabroker_collection_get_plan(const struct dmabroker_collection *collection)
{
	return collection->newest ? (const struct dmabroker_record *)collection->newest->plan
				  : NULL;
}

const char *dmabroker_collection_get_path(const struct dmabroker_collection *collection)
{
	return collection->path;
}

uint32_t dmabroker_collection_get_generation(const struct dmabroker_collection *collection)
{
	return collection->newest ? collection->newest->number : 0;
}

const char *dmabroker_collection_get_token(const struct dmabroker_collection *collection,
					   size_t index)
{
	return index < collection->tokens_len ? collection->tokens[index] : NULL;
}

size_t dmabroker_collection_get_count(const struct dmabroker_collection *collection)
{
	return collection->newest ? collection->newest->buffers_len : 0;
}

struct dmabroker_buffer *dmabroker_collection_get_buffer(struct dmabroker_collection *collection,
							 size_t index)
{
	return index < dmabroker_collection_get_count(collection)
		       ? &collection->newest->buffers[index]
		       : NULL;
}

/* ---- what is asked of the broker ---- */

int dmabroker_collection_create_tokens(struct dmabroker_collection *collection, unsigned int count)
{
	return collection->broker->backend->create_tokens(collection, count);
}

int dmabroker_collection_speak(struct dmabroker_collection *collection,
			       const struct dmabroker_record *request)
{
	int error = handle_check_request(collection->broker, request);

	return error ? error
		     : collection->broker->backend->speak(collection,
							  (const struct request *)request);
}

int dmabroker_collection_wait(struct dmabroker_collection *collection, int timeout_ms)
{
	return collection->broker->backend->wait(collection, timeout_ms);
}

int dmabroker_collection_get_status(struct dmabroker_collection *collection,
				    struct dmabroker_record **ret_status)
{
	struct collection_record *status;
	int error = collection->broker->backend->get_status(collection, &status);

	if (!error)
		*ret_status = (struct dmabroker_record *)status;
	return error;
}

int dmabroker_collection_renegotiate(struct dmabroker_collection *collection,
				     const struct dmabroker_record *changes)
{
	int error = handle_check_request(collection->broker, changes);

	return error ? error
		     : collection->broker->backend->renegotiate(collection,
								(const struct request *)changes);
}

int dmabroker_collection_report(struct dmabroker_collection *collection, const char *participant,
				int errnum)
{
	if (errnum <= 0)
		return handle_fail(collection->broker, -EINVAL, "%d is no errno: it is positive",
				   errnum);
	return collection->broker->backend->report(collection, participant, errnum);
}

int dmabroker_collection_hand_over(struct dmabroker_collection *collection)
{
	return collection->broker->backend->hand_over(collection);
}

int dmabroker_collection_cancel(struct dmabroker_collection *collection)
{
	return collection->broker->backend->cancel(collection);
}
