/* SPDX-License-Identifier: MIT */
/* How collections stand, as records. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/inside.h"

static int add_missing(struct collection_record *record, const struct member *member)
{
	char text[80];

	if (member->state == MEMBER_UNBOUND)
		snprintf(text, sizeof(text), "member %u: its token is not bound", member->number);
	else
		snprintf(text, sizeof(text), "member %u: of user %u, has not spoken",
			 member->number, (unsigned int)member->uid);
	return vocab_add_string(record, COLLECTION_MISSING, text, VOCAB_SOLVED);
}

int status_add_missing(const struct collection *collection, struct collection_record *record)
{
	int error = 0;

	if (collection->state != COLLECTION_WAITING)
		return 0;
	for (size_t i = 0; i < collection->members_len && !error; i++)
		if (collection->members[i].state < MEMBER_SPOKEN)
			error = add_missing(record, &collection->members[i]);
	return error;
}

static int add_member(struct collection_record *record, const struct member *member,
		      const struct broker_client *client)
{
	struct member_record *one;
	int error = vocab_add_dict(record, COLLECTION_MEMBERS, VOCAB_SOLVED, &one);

	if (error)
		return error;
	vocab_set_number(one, MEMBER_NUMBER, member->number, VOCAB_SOLVED);
	vocab_set_number(one, MEMBER_STATE, member->state, VOCAB_SOLVED);
	vocab_set_number(one, MEMBER_LATE, member->late, VOCAB_SOLVED);
	if (client)
		vocab_set_number(one, MEMBER_YOU, member->client == client, VOCAB_SOLVED);
	if (member->state != MEMBER_UNBOUND)
		vocab_set_number(one, MEMBER_UID, member->uid, VOCAB_SOLVED);
	for (size_t i = 0; member->said && i < member->said->participants.len && !error; i++)
		error = vocab_add_string(
			one, MEMBER_PARTICIPANTS,
			vocab_string(member->said->participants.items[i], PARTICIPANT_NAME),
			VOCAB_SOLVED);
	return error;
}

static int add_newest(const struct collection *collection, struct collection_record *record)
{
	const struct plan *plan = collection_get_plan(collection);
	uint64_t buffers = 0, bytes = 0;

	for (const struct generation *one = collection->generations; one; one = one->next) {
		buffers += one->charge.amount[QUOTA_BUFFERS];
		bytes += one->charge.amount[QUOTA_BYTES];
	}
	vocab_set_number(record, COLLECTION_GENERATION, plan ? plan->generation : 0, VOCAB_SOLVED);
	vocab_set_number(record, COLLECTION_BUFFERS, buffers, VOCAB_SOLVED);
	vocab_set_number(record, COLLECTION_BYTES, bytes, VOCAB_SOLVED);
	if (!plan)
		return 0;
	if (vocab_has(plan, PLAN_FORMAT))
		vocab_set_number(record, COLLECTION_FORMAT, plan->format, VOCAB_SOLVED);
	vocab_set_number(record, COLLECTION_WIDTH, plan->width, VOCAB_SOLVED);
	vocab_set_number(record, COLLECTION_HEIGHT, plan->height, VOCAB_SOLVED);
	if (!vocab_has(plan, PLAN_HEAP))
		return 0;
	return vocab_set_string(record, COLLECTION_HEAP, plan->heap, VOCAB_SOLVED);
}

static void add_times(const struct collection *collection, struct collection_record *record)
{
	uint64_t now = inside_now_ms();

	vocab_set_number(record, COLLECTION_AGE_MS, now - collection->created_ms, VOCAB_SOLVED);
	if (collection->state == COLLECTION_WAITING)
		vocab_set_number(record, COLLECTION_LEFT_MS,
				 collection->deadline_ms > now ? collection->deadline_ms - now : 0,
				 VOCAB_SOLVED);
}

static int fill(const struct collection *collection, const struct broker_client *client,
		struct collection_record *record)
{
	int error = add_newest(collection, record);

	vocab_set_number(record, COLLECTION_NUMBER, collection->number, VOCAB_SOLVED);
	vocab_set_number(record, COLLECTION_STATE, collection->state, VOCAB_SOLVED);
	vocab_set_number(record, COLLECTION_UID, collection->uid, VOCAB_SOLVED);
	add_times(collection, record);
	if (!error && vocab_has(collection->base, REQUEST_NAME))
		error = vocab_set_string(record, COLLECTION_NAME, collection->base->name,
					 VOCAB_SOLVED);
	if (!error)
		error = status_add_missing(collection, record);
	for (size_t i = 0; i < collection->members_len && !error; i++)
		error = add_member(record, &collection->members[i], client);
	return error;
}

int collection_get_status(const struct broker_client *client, const struct collection *collection,
			  struct collection_record **ret_record)
{
	struct collection_record *record;
	int error = vocab_create(&vocab_collection, &record);

	if (!error)
		error = fill(collection, client, record);
	else
		return error;
	if (error)
		vocab_destroy(record);
	else
		*ret_record = record;
	return error;
}

int broker_list_collections(struct broker *broker, uid_t uid,
			    struct collection_record ***ret_records, size_t *ret_len)
{
	struct collection_record **records;
	size_t len = 0, max = 1;
	int error = 0;

	for (const struct collection *one = broker->collections; one; one = one->next)
		max++;
	records = calloc(max, sizeof(records[0]));
	if (!records)
		return -ENOMEM;
	for (const struct collection *one = broker->collections; one && !error; one = one->next) {
		if (uid != 0 && one->uid != uid)
			continue;
		error = collection_get_status(NULL, one, &records[len]);
		len += !error;
	}
	if (!error) {
		*ret_records = records;
		*ret_len = len;
		return 0;
	}
	while (len)
		vocab_destroy(records[--len]);
	free(records);
	return error;
}
