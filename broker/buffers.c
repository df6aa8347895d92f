/* SPDX-License-Identifier: MIT */
/* The fds that go out of a collection, and which of them are in flight. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "broker/inside.h"

/* Whoever copies from group to group has been named by nobody, and is anybody. */
static bool is_said_by_others(const struct collection *collection, const struct member *member,
			      const char *name)
{
	for (size_t i = 0; i < collection->members_len; i++)
		if (&collection->members[i] != member &&
		    request_has_participant(collection->members[i].said, name))
			return true;
	return false;
}

/* Names those participants of the plan that are the member's to begin and end; none is an empty
 * list, as without a list they would be all. */
static int add_participants(struct buffer_record *record, const struct collection *collection,
			    const struct member *member, const struct vocab_dicts *views)
{
	int error = 0;

	record->head.origin[BUFFER_PARTICIPANTS] = VOCAB_SOLVED;
	for (size_t i = 0; i < views->len && !error; i++) {
		const char *name = vocab_string(views->items[i], VIEW_NAME);

		if (!is_said_by_others(collection, member, name))
			error = vocab_add_string(record, BUFFER_PARTICIPANTS, name, VOCAB_SOLVED);
	}
	return error;
}

/* Those of the buffer's group, where participants are split. */
static const struct vocab_dicts *views_of(const struct generation *generation, uint32_t index)
{
	const struct plan *plan = generation->plan;

	if (plan->groups.len)
		plan = (const struct plan *)plan->groups.items[generation->buffers[index].group];
	return &plan->participants;
}

static int buffer_record_create(const struct collection *collection, const struct member *member,
				uint32_t index, struct buffer_record **ret_record)
{
	const struct generation *generation = collection->generations;
	const struct collection_buffer *buffer = &generation->buffers[index];
	struct buffer_record *record;
	struct memory_object *memory;
	int fd, error = vocab_create(&vocab_buffer, &record);

	if (error)
		return error;
	vocab_set_number(record, BUFFER_GENERATION, generation->plan->generation, VOCAB_SOLVED);
	vocab_set_number(record, BUFFER_INDEX, index, VOCAB_SOLVED);
	if (generation->plan->groups.len)
		vocab_set_number(record, BUFFER_GROUP, buffer->group, VOCAB_SOLVED);
	error = vocab_add_dict(record, BUFFER_MEMORY, VOCAB_SOLVED, &memory);
	if (error)
		goto err_destroy;
	vocab_set_number(memory, MEMORY_BYTES, buffer->bytes, VOCAB_KERNEL);
	vocab_set_number(memory, MEMORY_INODE, buffer->inode, VOCAB_KERNEL);
	fd = fcntl(buffer->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		error = -errno;
		goto err_destroy;
	}
	vocab_set_fd(memory, MEMORY_FD, fd, VOCAB_KERNEL);
	error = add_participants(record, collection, member, views_of(generation, index));
	if (error)
		goto err_destroy;
	*ret_record = record;
	return 0;
err_destroy:
	vocab_destroy(record);
	return error;
}

static int records_create(const struct collection *collection, const struct member *member,
			  uint32_t first, uint32_t len, struct buffer_record ***ret_records)
{
	struct buffer_record **records = calloc(len, sizeof(records[0]));
	int error = records ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < len && !error; i++)
		error = buffer_record_create(collection, member, first + i, &records[i]);
	if (!error) {
		*ret_records = records;
		return 0;
	}
	for (uint32_t i = 0; records && i < len; i++)
		vocab_destroy(records[i]);
	free(records);
	return error;
}

/* The serial is not to be guessed: only who has read the reply can acknowledge it. */
static int flight_create(struct broker_client *client, uint64_t fds, struct error *error,
			 struct flight **ret_flight)
{
	struct flight *flight = calloc(1, sizeof(*flight));
	enum quota_kind kind;
	uint64_t limit;

	if (!flight)
		return -ENOMEM;
	flight->charge.amount[QUOTA_FDS_IN_FLIGHT] = fds;
	if (quota_charge(&client->quota, &flight->charge, &kind, &limit)) {
		free(flight);
		return error_setf(error, ERROR_QUOTA_EXCEEDED, CONSTRAINT_REQUEST, NULL, NULL,
				  "Acknowledge for replies received before",
				  "%llu fds in flight at most", (unsigned long long)limit);
	}
	while (!flight->serial)
		if (getrandom(&flight->serial, sizeof(flight->serial), GRND_NONBLOCK) !=
		    sizeof(flight->serial))
			flight->serial = ++client->serials; /* early at boot: no address of ours */
	*ret_flight = flight;
	return 0;
}

static void flight_destroy(struct broker_client *client, struct flight *flight)
{
	quota_give_back(&client->quota, &flight->charge);
	free(flight);
}

/* The generation of which a member may have buffers. */
static int find_generation(struct broker_client *client, struct collection *collection,
			   struct error *error, const struct generation **ret_generation)
{
	const struct member *member = collection_find_member(collection, client);

	if (collection->state == COLLECTION_ENDED)
		return collection_repeat_error(collection, error);
	if (!collection->generations)
		return error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL, NULL,
				 "a negotiation that is decided", "one that is not");
	if (member->state != MEMBER_SPOKEN)
		return error_set(error, ERROR_NOT_PERMITTED, CONSTRAINT_REQUEST, NULL, NULL,
				 "a member that has spoken", "one that may not fit");
	*ret_generation = collection->generations;
	return 0;
}

static int check_range(const struct generation *generation, uint32_t first, uint32_t count,
		       struct error *error)
{
	size_t len = generation->buffers_len;

	if (count && first < len && count <= len - first)
		return 0;
	return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL, "count",
			  "buffers of the collection", "%u from %u on, of %zu", count, first, len);
}

int collection_get_buffers(struct broker_client *client, struct collection *collection,
			   uint32_t first, uint32_t count, uint32_t fds_max, struct error *error,
			   uint64_t *ret_serial, struct buffer_record ***ret_buffers,
			   size_t *ret_len)
{
	const struct generation *generation = NULL;
	struct flight *flight = NULL;
	int result = find_generation(client, collection, error, &generation);

	if (!result)
		result = check_range(generation, first, count, error);
	if (result)
		return result;
	if (count > fds_max)
		count = fds_max;
	result = flight_create(client, count, error, &flight);
	if (result)
		return result;
	result = records_create(collection, collection_find_member(collection, client), first,
				count, ret_buffers);
	if (result) {
		flight_destroy(client, flight);
		return result;
	}
	flight->next = client->flights;
	client->flights = flight;
	*ret_serial = flight->serial;
	*ret_len = count;
	return 0;
}

void buffers_forget(struct broker_client *client)
{
	struct flight *flight;

	while ((flight = client->flights)) {
		client->flights = flight->next;
		flight_destroy(client, flight);
	}
}

int broker_acknowledge(struct broker_client *client, uint64_t serial, struct error *error)
{
	for (struct flight **at = &client->flights; *at; at = &(*at)->next) {
		struct flight *flight = *at;

		if (flight->serial != serial)
			continue;
		*at = flight->next;
		flight_destroy(client, flight);
		return 0;
	}
	return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL, "serial",
			  "the serial of a reply that is not acknowledged yet", "%llu",
			  (unsigned long long)serial);
}
