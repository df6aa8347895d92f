/* SPDX-License-Identifier: MIT */
/* A broker, whoever answers behind it: errors, and the way to the one who answers. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/text.h"
#include "libclient/internal.h"
#include "protocol/limits.h"

/* ---- errors ---- */

void handle_forget(struct dmabroker *broker)
{
	error_finish(&broker->error);
	free(broker->text);
	broker->text = NULL;
}

int handle_fail(struct dmabroker *broker, int number, const char *format, ...)
{
	va_list args;

	handle_forget(broker);
	va_start(args, format);
	if (vasprintf(&broker->text, format, args) < 0)
		broker->text = NULL;
	va_end(args);
	return number;
}

int handle_note_error(struct dmabroker *broker, int number)
{
	if (broker->error.code)
		broker->text = text_error(&broker->error);
	else if (number < 0)
		broker->text = strdup(strerror(-number));
	return number;
}

const char *dmabroker_get_error(struct dmabroker *broker)
{
	return error_rows[broker->error.code].name;
}

const char *dmabroker_get_error_text(struct dmabroker *broker)
{
	return broker->text ? broker->text : "";
}

const struct dmabroker_record *dmabroker_get_error_details(struct dmabroker *broker)
{
	return (const struct dmabroker_record *)broker->error.details;
}

/* ---- the connection ---- */

void dmabroker_disconnect(struct dmabroker *broker)
{
	if (!broker)
		return;
	broker->backend->destroy(broker);
	memory_forget_all(broker);
	handle_forget(broker);
	free(broker);
}

int dmabroker_get_fd(struct dmabroker *broker)
{
	return broker->backend->get_fd(broker);
}

int dmabroker_dispatch(struct dmabroker *broker)
{
	return broker->backend->dispatch(broker);
}

void dmabroker_set_change_callback(struct dmabroker *broker, dmabroker_change_fn callback,
				   void *data)
{
	broker->callback = callback;
	broker->callback_data = data;
}

/* ---- looking ---- */

int handle_list_add(struct handle_list *list, void *record)
{
	struct dmabroker_record **grown =
		realloc(list->records, (list->len + 1) * sizeof(list->records[0]));

	if (!grown)
		return -ENOMEM;
	list->records = grown;
	list->records[list->len++] = record;
	return 0;
}

static int add_copy(struct handle_list *list, const void *record)
{
	struct vocab_head *copy;
	int error = vocab_copy(record, &copy);

	if (error)
		return error;
	error = handle_list_add(list, copy);
	if (error)
		vocab_destroy(copy);
	return error;
}

int handle_list_copy(const struct vocab_dicts *from, struct dmabroker_record ***ret_records,
		     size_t *ret_len)
{
	struct handle_list copies = {0};
	int error = 0;

	for (size_t i = 0; i < from->len && !error; i++)
		error = add_copy(&copies, from->items[i]);
	if (error) {
		dmabroker_record_list_destroy(copies.records, copies.len);
		return error;
	}
	*ret_records = copies.records;
	*ret_len = copies.len;
	return 0;
}

int dmabroker_list_devices(struct dmabroker *broker, struct dmabroker_record ***ret_records,
			   size_t *ret_len)
{
	return broker->backend->list(broker, &vocab_device, ret_records, ret_len);
}

int dmabroker_list_heaps(struct dmabroker *broker, struct dmabroker_record ***ret_records,
			 size_t *ret_len)
{
	return broker->backend->list(broker, &vocab_heap, ret_records, ret_len);
}

void dmabroker_record_list_destroy(struct dmabroker_record **records, size_t len)
{
	for (size_t i = 0; i < len; i++)
		vocab_destroy(records[i]);
	free(records);
}

int dmabroker_get_machine(struct dmabroker *broker, struct dmabroker_record **ret_machine)
{
	struct machine *machine;
	int error = broker->backend->get_machine(broker, &machine);

	if (!error)
		*ret_machine = (struct dmabroker_record *)machine;
	return error;
}

/* ---- planning and allocating ---- */

static size_t count_files(const struct request *request)
{
	size_t len = 0;

	for (size_t i = 0; i < request->participants.len; i++) {
		const struct participant *participant =
			(const struct participant *)request->participants.items[i];

		len += vocab_has(participant, PARTICIPANT_DEVICE_FD);
		for (size_t j = 0; j < participant->buffers.len; j++)
			len += vocab_has(participant->buffers.items[j], MEMORY_FD);
	}
	return len;
}

/* A bus daemon disconnects whoever sends more files in one message. */
int handle_check_request(struct dmabroker *broker, const struct dmabroker_record *request)
{
	size_t len;

	if (((const struct vocab_head *)request)->group != &vocab_request)
		return handle_fail(broker, -EINVAL, "the record is no request");
	len = count_files((const struct request *)request);
	if (len <= LIMIT_MESSAGE_FDS_IN)
		return 0;
	return handle_fail(broker, -E2BIG,
			   "%zu open files in one request, at most %d: name devices by their id "
			   "instead of device-fd, or bring fewer buffers",
			   len, LIMIT_MESSAGE_FDS_IN);
}

int dmabroker_plan(struct dmabroker *broker, const struct dmabroker_record *request,
		   struct dmabroker_record **ret_plan)
{
	struct plan *plan;
	int error = handle_check_request(broker, request);

	if (!error)
		error = broker->backend->plan(broker, (const struct request *)request, &plan);
	if (!error)
		*ret_plan = (struct dmabroker_record *)plan;
	return error;
}

int dmabroker_allocate(struct dmabroker *broker, const struct dmabroker_record *request,
		       struct dmabroker_collection **ret_collection)
{
	int error = handle_check_request(broker, request);

	return error ? error
		     : broker->backend->allocate(broker, (const struct request *)request,
						 ret_collection);
}

/* ---- collections of several processes ---- */

int dmabroker_create_collection(struct dmabroker *broker, const struct dmabroker_record *request,
				unsigned int tokens, struct dmabroker_collection **ret_collection)
{
	int error = handle_check_request(broker, request);

	return error ? error
		     : broker->backend->create_collection(broker, (const struct request *)request,
							  tokens, ret_collection);
}

int dmabroker_bind(struct dmabroker *broker, const char *token,
		   struct dmabroker_collection **ret_collection)
{
	return broker->backend->bind(broker, token, ret_collection);
}

int dmabroker_list_collections(struct dmabroker *broker, struct dmabroker_record ***ret_records,
			       size_t *ret_len)
{
	return broker->backend->list(broker, &vocab_collection, ret_records, ret_len);
}
