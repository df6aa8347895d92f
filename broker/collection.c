/* SPDX-License-Identifier: MIT */
/* A collection and the fds that go out of it. */
#include "broker/collection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

int collection_create(struct broker_client *client, uint64_t number, uint32_t linger_ms,
		      struct plan *plan, const int *fds, size_t fds_len,
		      const struct quota_charge *charge, struct collection **ret_collection)
{
	struct collection *collection = calloc(1, sizeof(*collection));
	struct stat status;
	int error;

	if (!collection)
		return -ENOMEM;
	collection->buffers = calloc(fds_len ? fds_len : 1, sizeof(collection->buffers[0]));
	if (!collection->buffers) {
		free(collection);
		return -ENOMEM;
	}
	for (size_t i = 0; i < fds_len; i++) {
		if (fstat(fds[i], &status) < 0) {
			error = -errno;
			free(collection->buffers);
			free(collection);
			return error;
		}
		collection->buffers[i] = (struct collection_buffer){
			.fd = fds[i],
			.bytes = (uint64_t)status.st_size,
			.inode = status.st_ino,
		};
	}
	collection->broker = client->broker;
	collection->client = client;
	collection->charge = *charge;
	collection->number = number;
	collection->uid = client->uid;
	collection->linger_ms = linger_ms;
	collection->plan = plan;
	collection->buffers_len = fds_len;
	*ret_collection = collection;
	return 0;
}

void collection_destroy(struct collection *collection)
{
	for (size_t i = 0; i < collection->buffers_len; i++)
		close(collection->buffers[i].fd);
	quota_give_back(collection->client ? &collection->client->quota : &collection->own,
			&collection->charge);
	quota_client_finish(&collection->own);
	vocab_destroy(collection->plan);
	free(collection->buffers);
	free(collection);
}

void collection_unlink(struct collection **list, struct collection *collection)
{
	while (*list && *list != collection)
		list = &(*list)->next;
	if (*list)
		*list = collection->next;
	collection->next = NULL;
}

void collection_release(struct collection *collection)
{
	collection_unlink(&collection->client->collections, collection);
	collection_destroy(collection);
}

uint64_t collection_get_number(const struct collection *collection)
{
	return collection->number;
}

const struct plan *collection_get_plan(const struct collection *collection)
{
	return collection->plan;
}

static int buffer_record_create(const struct collection *collection, uint32_t index,
				struct buffer_record **ret_record)
{
	const struct collection_buffer *buffer = &collection->buffers[index];
	struct buffer_record *record;
	struct memory_object *memory;
	int fd, error = vocab_create(&vocab_buffer, &record);

	if (error)
		return error;
	vocab_set_number(record, BUFFER_GENERATION, collection->plan->generation, VOCAB_SOLVED);
	vocab_set_number(record, BUFFER_INDEX, index, VOCAB_SOLVED);
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
	*ret_record = record;
	return 0;
err_destroy:
	vocab_destroy(record);
	return error;
}

static int records_create(const struct collection *collection, uint32_t first, uint32_t len,
			  struct buffer_record ***ret_records)
{
	struct buffer_record **records = calloc(len, sizeof(records[0]));
	int error = records ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < len && !error; i++)
		error = buffer_record_create(collection, first + i, &records[i]);
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

int collection_get_buffers(struct collection *collection, uint32_t first, uint32_t count,
			   uint32_t fds_max, struct error *error, uint64_t *ret_serial,
			   struct buffer_record ***ret_buffers, size_t *ret_len)
{
	struct broker_client *client = collection->client;
	struct flight *flight = NULL;
	int result;

	if (!count || first >= collection->buffers_len || count > collection->buffers_len - first)
		return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL, "count",
				  "buffers of the collection", "%u from %u on, of %zu", count,
				  first, collection->buffers_len);
	if (count > fds_max)
		count = fds_max;
	result = flight_create(client, count, error, &flight);
	if (result)
		return result;
	result = records_create(collection, first, count, ret_buffers);
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
