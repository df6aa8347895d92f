/* SPDX-License-Identifier: MIT */
/*
 * Each member's participants are settled when it says them, so that what is wrong with them is told
 * to it alone. A negotiation is then one request, made of copies: the collection's keys, the
 * participants of all, and as forbidden heaps those that reports have ruled out. What a member
 * wants to have changed stands beside it until it has led to buffers (struct allocation).
 */
#include "broker/negotiation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "broker/allocation.h"
#include "broker/brought.h"
#include "broker/measuring.h"
#include "broker/model/brought.h"
#include "broker/solver/solve.h"

/* ---- settling ---- */

/* What kind of file it is, without asking a file system that a client serves himself (FUSE): it
 * might never answer. Returns 0 and the number of a character device, or -ENODEV. */
static int read_number(int fd, dev_t *ret_number)
{
	struct statx status;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) < 0 ||
	    !S_ISCHR(status.stx_mode))
		return -ENODEV;
	*ret_number = makedev(status.stx_rdev_major, status.stx_rdev_minor);
	return 0;
}

/* Participants that were named by an open file get their device's id. */
static int resolve_fds(const struct broker *broker, struct request *request, struct error *error)
{
	for (size_t i = 0; i < request->participants.len; i++) {
		struct participant *participant =
			(struct participant *)request->participants.items[i];
		const char *name = vocab_string(participant, PARTICIPANT_NAME);
		const struct device *device;
		dev_t number;

		if (!vocab_has(participant, PARTICIPANT_DEVICE_FD))
			continue;
		if (vocab_has(participant, PARTICIPANT_DEVICE))
			return error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name,
					 "device-fd", "either device or device-fd", "both");
		if (read_number(participant->device_fd, &number))
			return error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name,
					 "device-fd", "an open device", "another kind of file");
		device = machine_find_number(broker->machine, number);
		if (!device)
			return error_setf(error, ERROR_UNKNOWN_DEVICE, CONSTRAINT_DEVICE, name,
					  "device-fd", "a device that the broker lists",
					  "character device %u:%u", major(number), minor(number));
		if (vocab_set_string(participant, PARTICIPANT_DEVICE, device->id, VOCAB_DECLARED))
			return -ENOMEM;
		vocab_clear(participant, PARTICIPANT_DEVICE_FD);
	}
	return 0;
}

/* Files that are brought are there where a client plans; of copies it is known what they are. */
static int settle(const struct broker *broker, struct request *request, struct error *error)
{
	int result = resolve_fds(broker, request, error);

	if (!result)
		result = brought_recognise(request, false, error);
	return result ? result : request_settle(request, broker->machine, error);
}

int broker_plan(struct broker *broker, struct request *request, struct error *error,
		struct plan **ret_plan)
{
	int result = settle(broker, request, error);

	if (!result)
		result = solve(broker->machine, request, error, ret_plan);
	vocab_destroy(request);
	return result;
}

static void move_participants(struct request *from, struct request *to)
{
	to->participants = from->participants;
	to->head.origin[REQUEST_PARTICIPANTS] = from->head.origin[REQUEST_PARTICIPANTS];
	from->participants = (struct vocab_dicts){0};
	from->head.origin[REQUEST_PARTICIPANTS] = VOCAB_ABSENT;
}

/* Settles the participants of one member as if there were no others. Whom they read from may
 * belong to others who have not spoken yet. */
static int settle_own(const struct broker *broker, const struct request *base, struct request *said,
		      struct error *error)
{
	struct request *alone;
	int result = vocab_copy(base, &alone);

	if (result)
		return result;
	move_participants(said, alone);
	result = resolve_fds(broker, alone, error);
	if (!result)
		result = brought_recognise(alone, true, error);
	if (!result)
		result = request_settle_part(alone, broker->machine, error);
	move_participants(alone, said);
	vocab_destroy(alone);
	return result;
}

/* Checks what is not a participant's, by settling it with one that asks for nothing. */
static int check_base(const struct broker *broker, const struct request *base, struct error *error)
{
	struct participant *nobody;
	struct request *said = NULL;
	int result = vocab_create(&vocab_request, &said);

	if (!result)
		result = vocab_add_dict(said, REQUEST_PARTICIPANTS, VOCAB_DECLARED, &nobody);
	if (!result) {
		vocab_set_number(nobody, PARTICIPANT_ROLE, ROLE_CPU, VOCAB_DECLARED);
		result = settle_own(broker, base, said, error);
	}
	vocab_destroy(said);
	return result;
}

/* Moves all participants of a request to a record of their own. */
static int take_participants(struct request *request, struct request **ret_said)
{
	struct request *said;
	int error = vocab_create(&vocab_request, &said);

	if (error)
		return error;
	move_participants(request, said);
	*ret_said = said;
	return 0;
}

int negotiation_split(const struct broker *broker, struct request *request, struct error *error,
		      struct request **ret_said)
{
	struct request *said = NULL;
	int result = 0;

	if (request->participants.len)
		result = take_participants(request, &said);
	if (!result)
		result = said ? settle_own(broker, request, said, error)
			      : check_base(broker, request, error);
	if (result)
		vocab_destroy(said);
	else
		*ret_said = said;
	return result;
}

/* ---- the request of all ---- */

static int copy_participants(struct request *request, const struct request *said)
{
	struct participant *copy;
	int error = 0;

	for (size_t i = 0; said && i < said->participants.len && !error; i++) {
		error = vocab_copy(said->participants.items[i], &copy);
		if (error)
			return error;
		error = vocab_take_dict(request, REQUEST_PARTICIPANTS, copy, VOCAB_DECLARED);
		if (error)
			vocab_destroy(copy);
	}
	return error;
}

static int forbid_refused(const struct member *member, struct request *request)
{
	const struct request *refused = member->refused;
	int error = 0;

	for (size_t i = 0; refused && i < refused->forbidden_heaps.len && !error; i++)
		if (!vocab_strings_have(&request->forbidden_heaps,
					refused->forbidden_heaps.items[i]))
			error = vocab_add_string(request, REQUEST_FORBIDDEN_HEAPS,
						 refused->forbidden_heaps.items[i], VOCAB_SOLVED);
	return error;
}

static int forbid_all_refused(const struct collection *collection, struct request *request)
{
	int error = 0;

	for (size_t i = 0; i < collection->members_len && !error; i++)
		error = forbid_refused(&collection->members[i], request);
	return error;
}

/* What is to be otherwise than it stands in the collection. */
struct change {
	const struct request *base; /* NULL: as it stands */
	const struct member *member;
	const struct request *said; /* the member's; NULL: as it stands */
};

static int compose_all(const struct collection *collection, const struct change *change,
		       struct request *request)
{
	int error = 0;

	for (size_t i = 0; i < collection->members_len && !error; i++) {
		const struct member *member = &collection->members[i];
		bool other = change->said && change->member == member;

		error = copy_participants(request, other ? change->said : member->said);
	}
	return error;
}

/* Whether somebody was expected who says nothing (any more). */
static bool lacks_somebody(const struct collection *collection)
{
	for (size_t i = 0; i < collection->members_len; i++)
		if (collection->members[i].state > MEMBER_SPOKEN && !collection->members[i].said)
			return true;
	return collection->lacks_somebody;
}

/* Nobody reads from those who are not there; who then reads from nobody that is named reads from
 * all that write, which is the safe side. */
static void forget_producers(struct request *request)
{
	for (size_t i = 0; i < request->participants.len; i++) {
		struct participant *participant =
			(struct participant *)request->participants.items[i];
		struct vocab_strings *from = &participant->reads_from;
		size_t kept = 0;

		for (size_t j = 0; j < from->len; j++) {
			if (request_has_participant(request, from->items[j]))
				from->items[kept++] = from->items[j];
			else
				free(from->items[j]);
		}
		from->len = kept;
		if (!kept)
			vocab_clear(participant, PARTICIPANT_READS_FROM);
	}
}

/* Makes the settled request of all. */
static int compose(const struct collection *collection, const struct change *change,
		   bool with_refused, struct error *error, struct request **ret_request)
{
	struct request *request;
	int result = vocab_copy(change->base ? change->base : collection->base, &request);

	if (result)
		return result;
	result = compose_all(collection, change, request);
	if (!result && with_refused)
		result = forbid_all_refused(collection, request);
	if (result == -ERANGE)
		result = error_set(error, ERROR_TOO_COMPLEX, CONSTRAINT_REQUEST, NULL, NULL,
				   "at most 16 participants and 64 forbidden heaps", "more");
	if (!result && lacks_somebody(collection))
		forget_producers(request);
	if (!result)
		result = settle(collection->broker, request, error);
	if (result)
		vocab_destroy(request);
	else
		*ret_request = request;
	return result;
}

/* Whether the names of a member's participants are their own, and there are not too many. */
static int check_names(const struct collection *collection, const struct member *member,
		       const struct request *said, struct error *error)
{
	size_t len = said->participants.len;

	for (size_t i = 0; i < collection->members_len; i++) {
		const struct member *other = &collection->members[i];

		if (other == member || !other->said)
			continue;
		if (brought_find(other->said) && brought_find(said))
			return error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST,
					 vocab_string(brought_find(said), PARTICIPANT_NAME),
					 "buffers", "buffers of one participant at most",
					 "another member brings some");
		len += other->said->participants.len;
		for (size_t j = 0; j < said->participants.len; j++) {
			const char *name =
				vocab_string(said->participants.items[j], PARTICIPANT_NAME);

			if (request_has_participant(other->said, name))
				return error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST,
						 name, "name",
						 "a name of its own for each participant",
						 "one that another member has used");
		}
	}
	if (len <= vocab_request.rows[REQUEST_PARTICIPANTS].max)
		return 0;
	return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL, "participants",
			  "at most 16 of all members together", "%zu", len);
}

/* ---- the first negotiation ---- */

static bool all_have_spoken(const struct collection *collection)
{
	bool anybody = collection->members_len > 1 || collection->members[0].said;

	for (size_t i = 0; i < collection->members_len; i++)
		if (collection->members[i].state < MEMBER_SPOKEN)
			return false;
	return anybody;
}

static int begin(struct collection *collection, struct error *error)
{
	const struct change none = {0};
	struct allocation *allocation;
	struct request *request;
	int result = compose(collection, &none, true, error, &request);

	if (!result)
		result = allocation_create(collection, request, 1, &allocation);
	if (result)
		return result;
	result = allocation_start(allocation, error);
	if (result)
		allocation_destroy(allocation);
	return result;
}

static int name_shortage(int result, struct error *error)
{
	if (!result || error->code)
		return result;
	return error_set(error, ERROR_OUT_OF_MEMORY, CONSTRAINT_REQUEST, NULL, NULL,
			 "memory for the broker itself", strerror(-result));
}

void negotiation_check(struct collection *collection)
{
	struct error error = {0};

	if (collection->state != COLLECTION_WAITING || !all_have_spoken(collection))
		return;
	collection->state = COLLECTION_ALLOCATING;
	if (name_shortage(begin(collection, &error), &error))
		collection_end(collection, &error);
	error_finish(&error);
}

int broker_allocate(struct broker_client *client, struct request *request,
		    broker_decided_fn decided, void *data, struct error *error)
{
	struct collection *collection;
	struct request *said;
	int result = negotiation_split(client->broker, request, error, &said);

	if (!result && !said)
		result = error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL,
				   "participants", "a value", "nothing");
	if (result) {
		vocab_destroy(request);
		return result;
	}
	result = collection_create(client, request, said, error, &collection);
	if (result)
		return result;
	collection->secret = true;
	collection->state = COLLECTION_ALLOCATING;
	collection_hold(collection);
	result = waiter_create(&collection->waiters, client, decided, data);
	if (!result)
		result = begin(collection, error);
	if (result) {
		free(collection->waiters);
		collection->waiters = NULL;
		collection_release(client, collection);
	}
	collection_unhold(collection);
	return result;
}

/* ---- what comes out ---- */

static void take_over(struct collection *collection, struct allocation *allocation)
{
	if (allocation->base) {
		vocab_destroy(collection->base);
		collection->base = allocation->base;
		allocation->base = NULL;
	}
	for (size_t i = 0; i < collection->members_len && allocation->said; i++) {
		struct member *member = &collection->members[i];

		if (member->number != allocation->member)
			continue;
		vocab_destroy(member->said);
		member->said = allocation->said;
		allocation->said = NULL;
	}
}

/* The files that were brought are in the generation now, and need not be held twice. */
static void close_files(const struct collection *collection)
{
	for (size_t i = 0; i < collection->members_len; i++) {
		const struct request *said = collection->members[i].said;
		const struct participant *bringer = said ? brought_find(said) : NULL;

		for (size_t j = 0; bringer && j < bringer->buffers.len; j++)
			vocab_clear(bringer->buffers.items[j], MEMORY_FD);
	}
}

static void succeed(struct collection *collection, struct allocation *allocation,
		    struct generation *generation)
{
	generation->next = collection->generations;
	collection->generations = generation;
	collection->state = COLLECTION_READY;
	take_over(collection, allocation);
	close_files(collection);
	/* the answer of Allocate tells its number: from then on there are signals */
	collection_tell(collection, BROKER_NEGOTIATED, generation->plan->generation, NULL);
	collection->secret = false;
	while (collection->waiters)
		waiter_answer(&collection->waiters, collection, &(struct error){0});
	while (allocation->asker)
		waiter_answer(&allocation->asker, collection, &(struct error){0});
}

void negotiation_decided(struct collection *collection, struct allocation *allocation,
			 struct generation *generation, struct error *error)
{
	struct broker_client *client = collection->members[0].client;

	if (generation) {
		succeed(collection, allocation, generation);
	} else if (allocation->generation > 1) {
		while (allocation->asker)
			waiter_answer(&allocation->asker, NULL, error);
	} else {
		collection_end(collection, error);
		if (collection->secret && client && collection->members[0].client == client)
			collection_release(client, collection);
	}
}

/* Whether the member that has this participant, when the allocation has succeeded, is there. */
static bool has_somebody(const struct allocation *allocation, const char *participant)
{
	const struct collection *collection = allocation->collection;

	for (size_t i = 0; i < collection->members_len; i++) {
		const struct member *member = &collection->members[i];
		bool other = allocation->said && allocation->member == member->number;

		if (request_has_participant(other ? allocation->said : member->said, participant))
			return member_is_there(member);
	}
	return false;
}

int negotiation_name_hand_over(struct allocation *allocation)
{
	const struct vocab_dicts *participants = &allocation->request->participants;

	/* they are sorted by name */
	for (size_t i = 0; i < participants->len; i++) {
		const struct participant *participant =
			(const struct participant *)participants->items[i];

		if (participant_usage(participant) & (USAGE_WRITE | USAGE_DECODE) &&
		    has_somebody(allocation, participant->name))
			return vocab_set_string(allocation->plan, PLAN_HAND_OVER, participant->name,
						VOCAB_SOLVED);
	}
	return 0;
}

/* ---- speaking ---- */

/* A late member's participants must fit what there is; then the plan is one with them. */
static int fit(struct collection *collection, struct member *member, const struct request *said,
	       struct error *error)
{
	const struct change change = {.member = member, .said = said};
	struct generation *newest = collection->generations;
	struct solve_options options = {.existing = newest->plan};
	const struct plan *old = newest->plan;
	struct request *request;
	struct plan *plan = NULL;
	int result;

	if (brought_find(said))
		return error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_EXISTING,
				 vocab_string(brought_find(said), PARTICIPANT_NAME), "buffers",
				 "none of a late member: the buffers are there", "some");
	if (old->groups.len)
		return error_set(error, ERROR_NOT_SUPPORTED, CONSTRAINT_EXISTING, NULL, NULL,
				 "a plan without copies, for a late member that takes part",
				 "participants that are split into groups");
	result = compose(collection, &change, false, error, &request);
	if (result)
		return result;
	result = solve_with(collection->broker->machine, request, &options, error, &plan);
	vocab_destroy(request);
	if (result)
		return result;
	vocab_set_number(plan, PLAN_GENERATION, old->generation, VOCAB_SOLVED);
	vocab_set_number(plan, PLAN_COUNT, old->count, VOCAB_SOLVED);
	if (vocab_has(old, PLAN_HAND_OVER))
		result = vocab_set_string(plan, PLAN_HAND_OVER, old->hand_over, VOCAB_SOLVED);
	for (size_t i = 0; i < old->tried.len && !result; i++) {
		struct reason *reason;

		result = vocab_copy(old->tried.items[i], &reason);
		if (!result && vocab_take_dict(plan, PLAN_TRIED, reason, VOCAB_SOLVED)) {
			vocab_destroy(reason);
			result = -ENOMEM;
		}
	}
	if (result) {
		vocab_destroy(plan);
		return result;
	}
	vocab_destroy(newest->plan);
	newest->plan = plan;
	return 0;
}

static int check_may_speak(const struct collection *collection, const struct member *member,
			   struct error *error)
{
	if (collection->state == COLLECTION_ENDED)
		return collection_repeat_error(collection, error);
	if (member->state != MEMBER_BOUND)
		return error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL, NULL,
				 "each member to speak once", "a member that has spoken");
	if (member->late && (!collection->generations || collection->allocation))
		return error_set(error, ERROR_BUSY, CONSTRAINT_REQUEST, NULL, NULL,
				 "a late member to speak when no negotiation is under way",
				 "one that is");
	return 0;
}

static int hear(struct collection *collection, struct member *member, struct request *said,
		struct error *error)
{
	int result = check_may_speak(collection, member, error);

	if (!result && said)
		result = settle_own(collection->broker, collection->base, said, error);
	if (!result && said)
		result = check_names(collection, member, said, error);
	if (!result && said && member->late)
		result = fit(collection, member, said, error);
	return result;
}

int collection_speak(struct broker_client *client, struct collection *collection,
		     struct request *said, struct error *error)
{
	struct member *member = collection_find_member(collection, client);
	int result;

	if (said && !said->participants.len) {
		vocab_destroy(said);
		said = NULL;
	}
	result = hear(collection, member, said, error);
	if (result) {
		vocab_destroy(said);
		return result;
	}
	member->said = said;
	member->state = MEMBER_SPOKEN;
	if (member->late && said)
		collection_tell(collection, BROKER_NEGOTIATED,
				collection_get_plan(collection)->generation, NULL);
	negotiation_check(collection);
	return 0;
}

/* ---- again ---- */

static int copy_row(const struct request *from, struct request *to, unsigned int row)
{
	enum vocab_origin origin = vocab_origin(from, row);
	const struct vocab_strings *strings = vocab_value(from, row);
	const struct vocab_formats *formats = vocab_value(from, row);
	int error = 0;

	switch (vocab_request.rows[row].type) {
	case VOCAB_STRING:
		return vocab_set_string(to, row, vocab_string(from, row), origin);
	case VOCAB_STRINGS:
		vocab_clear(to, row);
		for (size_t i = 0; i < strings->len && !error; i++)
			error = vocab_add_string(to, row, strings->items[i], origin);
		return error;
	case VOCAB_FORMATS:
		vocab_clear(to, row);
		for (size_t i = 0; i < formats->len && !error; i++)
			error = vocab_add_format(to, row, formats->items[i].fourcc,
						 formats->items[i].modifier, origin);
		return error;
	default:
		return vocab_set_number(to, row, vocab_number(from, row), origin);
	}
}

/* The keys of a request with those of `changes` in their places. */
static int change_base(const struct request *base, const struct request *changes,
		       struct request **ret_base)
{
	struct request *changed;
	int error = vocab_copy(base, &changed);

	if (error)
		return error;
	for (unsigned int row = 0; row < vocab_request.rows_len && !error; row++)
		if (row != REQUEST_PARTICIPANTS && vocab_has(changes, row))
			error = copy_row(changes, changed, row);
	if (error)
		vocab_destroy(changed);
	else
		*ret_base = changed;
	return error;
}

static bool has_other_keys(const struct request *changes)
{
	for (unsigned int row = 0; row < vocab_request.rows_len; row++)
		if (row != REQUEST_PARTICIPANTS && vocab_has(changes, row))
			return true;
	return false;
}

static int check_may_renegotiate(const struct collection *collection, const struct member *member,
				 struct error *error)
{
	if (collection->state == COLLECTION_ENDED)
		return collection_repeat_error(collection, error);
	if (member->state != MEMBER_SPOKEN)
		return error_set(error, ERROR_NOT_PERMITTED, CONSTRAINT_REQUEST, NULL, NULL,
				 "a member that has spoken", "one that has not");
	if (!collection->generations || collection->allocation)
		return error_set(error, ERROR_BUSY, CONSTRAINT_REQUEST, NULL, NULL,
				 "no other negotiation under way", "one that is not decided");
	return 0;
}

/* Prepares the allocation that is to follow; what changes is its own now, also on failure. */
static int prepare_again(struct collection *collection, const struct member *member,
			 struct request *base, struct request *said, struct error *error,
			 struct allocation **ret_allocation)
{
	const struct change change = {.base = base, .member = member, .said = said};
	uint32_t generation = collection_get_plan(collection)->generation + 1;
	struct allocation *allocation;
	struct request *request;
	int result = compose(collection, &change, true, error, &request);

	if (!result)
		result = allocation_create(collection, request, generation, &allocation);
	if (result) {
		vocab_destroy(base);
		vocab_destroy(said);
		return result;
	}
	allocation->base = base;
	allocation->said = said;
	allocation->member = member->number;
	*ret_allocation = allocation;
	return 0;
}

/* Starts what has been prepared, and takes it. */
static int start_again(struct allocation *allocation, struct broker_client *client,
		       broker_decided_fn decided, void *data, struct error *error)
{
	int result = waiter_create(&allocation->asker, client, decided, data);

	if (!result)
		result = allocation_start(allocation, error);
	if (result)
		allocation_destroy(allocation);
	return result;
}

/* What a member wants to be otherwise: new keys, new participants, or both. */
static int read_changes(struct collection *collection, const struct member *member,
			struct request *changes, struct error *error, struct request **ret_base,
			struct request **ret_said)
{
	const struct request *base = collection->base;
	int result = 0;

	*ret_base = *ret_said = NULL;
	if (has_other_keys(changes)) {
		if (member->number != 0)
			return error_set(error, ERROR_NOT_PERMITTED, CONSTRAINT_REQUEST, NULL, NULL,
					 "the initiator, for keys other than participants",
					 "another member");
		result = change_base(base, changes, ret_base);
		base = *ret_base;
	}
	if (!result && changes->participants.len)
		result = take_participants(changes, ret_said);
	if (!result && *ret_said)
		result = settle_own(collection->broker, base, *ret_said, error);
	if (!result && *ret_said)
		result = check_names(collection, member, *ret_said, error);
	return result;
}

int collection_renegotiate(struct broker_client *client, struct collection *collection,
			   struct request *changes, broker_decided_fn decided, void *data,
			   struct error *error)
{
	const struct member *member = collection_find_member(collection, client);
	struct request *base = NULL, *said = NULL;
	struct allocation *allocation;
	int result = check_may_renegotiate(collection, member, error);

	if (!result)
		result = read_changes(collection, member, changes, error, &base, &said);
	vocab_destroy(changes);
	if (result) {
		vocab_destroy(base);
		vocab_destroy(said);
		return result;
	}
	result = prepare_again(collection, member, base, said, error, &allocation);
	return result ? result : start_again(allocation, client, decided, data, error);
}

/* ---- what a device has refused ---- */

static uint64_t highest_address(const struct heap *heap)
{
	uint64_t bits = vocab_number(heap, HEAP_ADDRESS_BITS);
	uint64_t top = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
	uint64_t max = vocab_number(heap, HEAP_ADDRESS_MAX);

	return vocab_has(heap, HEAP_ADDRESS_MAX) && max < top ? max : top;
}

/* How far SYNC on its buffers reaches; more is better. */
static int reach_of_sync(const struct heap *heap)
{
	switch (vocab_number(heap, HEAP_MAINTENANCE)) {
	case MAINTENANCE_ATTACHMENTS:
		return 3;
	case MAINTENANCE_EXPORTER:
		return 2;
	case MAINTENANCE_UNKNOWN:
		return 1;
	default:
		return 0;
	}
}

/* Whether a heap is better than one that was refused, in some respect in which a device may be
 * restricted. What is not known is no better. */
static bool is_better(const struct heap *heap, const struct heap *refused)
{
	if (vocab_number(heap, HEAP_CONTIGUOUS) > vocab_number(refused, HEAP_CONTIGUOUS))
		return true;
	if (vocab_number(heap, HEAP_PROTECTED) < vocab_number(refused, HEAP_PROTECTED))
		return true;
	return highest_address(heap) < highest_address(refused) ||
	       reach_of_sync(heap) > reach_of_sync(refused);
}

static int list_no_better(const struct machine *machine, const struct heap *refused,
			  struct request *list)
{
	int error = 0;

	for (size_t i = 0; i < machine->heaps.len && !error; i++) {
		const struct heap *heap = (const struct heap *)machine->heaps.items[i];

		if (!is_better(heap, refused) &&
		    !vocab_strings_have(&list->forbidden_heaps, heap->id))
			error = vocab_add_string(list, REQUEST_FORBIDDEN_HEAPS, heap->id,
						 VOCAB_SOLVED);
	}
	return error;
}

/* From now on the heap, and all that are no better, are not for this collection, as long as the
 * member takes part. */
static int rule_out(const struct collection *collection, struct member *member, const char *id,
		    struct error *error)
{
	const struct machine *machine = collection->broker->machine;
	const struct heap *heap = machine_find_heap(machine, id);
	struct request *list;
	int result;

	if (member->refused)
		result = vocab_copy(member->refused, &list);
	else
		result = vocab_create(&vocab_request, &list);
	if (result)
		return result;
	if (heap)
		result = list_no_better(machine, heap, list);
	else /* brought, or it went away meanwhile; should it come back, it is known by its id */
		result = vocab_add_string(list, REQUEST_FORBIDDEN_HEAPS, id, VOCAB_SOLVED);
	if (result) {
		vocab_destroy(list);
		return result != -ERANGE
			       ? result
			       : error_set(error, ERROR_TOO_COMPLEX, CONSTRAINT_REPORTED, NULL,
					   NULL, "at most 64 heaps to rule out", "more");
	}
	vocab_destroy(member->refused);
	member->refused = list;
	return 0;
}

static int check_report(const struct collection *collection, const struct member *member,
			const char *participant, uint32_t generation, uint32_t number,
			struct error *error)
{
	int result = check_may_renegotiate(collection, member, error);
	const struct plan *plan = collection_get_plan(collection);

	if (result)
		return result;
	if (!request_has_participant(member->said, participant))
		return error_set(error, ERROR_NOT_PERMITTED, CONSTRAINT_REQUEST, participant, NULL,
				 "a participant of the caller's own", "another");
	if (generation != plan->generation)
		return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL,
				  "generation", "the newest generation", "%u", generation);
	if (number < 1 || number > 4095)
		return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL, "errno",
				  "an errno", "%u", number);
	return plan_find_view(&plan, participant) ? 0 : -ENOENT;
}

int collection_report(struct broker_client *client, struct collection *collection,
		      const char *participant, uint32_t generation, uint32_t number,
		      broker_decided_fn decided, void *data, struct error *error)
{
	struct member *member = collection_find_member(collection, client);
	const struct plan *plan;
	struct allocation *allocation;
	const struct view *view;
	int result = check_report(collection, member, participant, generation, number, error);

	if (result)
		return result;
	plan = collection_get_plan(collection);
	view = plan_find_view(&plan, participant);
	if (vocab_has(view, VIEW_DEVICE))
		measuring_check(collection->broker, vocab_string(view, VIEW_DEVICE));
	result = rule_out(collection, member, plan->heap, error);
	if (!result)
		result = prepare_again(collection, member, NULL, NULL, error, &allocation);
	if (result)
		return result;
	result = allocation_remember(allocation, plan->heap, participant, CONSTRAINT_REPORTED,
				     "the device refused to import it: %s", strerror((int)number));
	if (result) {
		allocation_destroy(allocation);
		return result;
	}
	return start_again(allocation, client, decided, data, error);
}

/* Whether a refusal is about a list of heaps that has one in it which a member has ruled out. */
static bool is_reported(const struct member *member, const void *refusal)
{
	const struct request *refused = member->refused;

	for (size_t i = 0; refused && i < refused->forbidden_heaps.len; i++)
		if (strstr(vocab_string(refusal, REFUSAL_VALUE),
			   refused->forbidden_heaps.items[i]) ||
		    strstr(vocab_string(refusal, REFUSAL_WANTED),
			   refused->forbidden_heaps.items[i]))
			return true;
	return false;
}

static void name_reported(const struct collection *collection, void *refusal)
{
	if (vocab_number(refusal, REFUSAL_CONSTRAINT) != CONSTRAINT_HEAPS ||
	    vocab_has(refusal, REFUSAL_PARTICIPANT))
		return;
	for (size_t i = 0; i < collection->members_len; i++)
		if (is_reported(&collection->members[i], refusal))
			vocab_set_number(refusal, REFUSAL_CONSTRAINT, CONSTRAINT_REPORTED,
					 VOCAB_SOLVED);
}

void negotiation_name_reported(const struct collection *collection, struct error *error)
{
	if (!error || !error->details)
		return;
	for (size_t i = 0; i < error->details->refusals.len; i++)
		name_reported(collection, error->details->refusals.items[i]);
}
