/* SPDX-License-Identifier: MIT */
#include "tests/unit/held.h"

#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker/solver/solve.h"
#include "tests/unit/machine.h"

static struct plan *plan_of(const struct machine *machine, const char *text)
{
	struct request *request = request_by_text(text);
	struct error error = {0};
	struct plan *plan = NULL;

	ck_assert_int_eq(request_settle(request, machine, &error), 0);
	ck_assert_int_eq(solve(machine, request, &error, &plan), 0);
	vocab_destroy(request);
	return plan;
}

static const struct plan *group_of(const struct plan *plan, size_t group)
{
	return plan->groups.len ? (const struct plan *)plan->groups.items[group] : plan;
}

static struct buffer_record *record_create(const struct plan *plan, size_t group, bool split)
{
	struct buffer_record *record;

	ck_assert_int_eq(vocab_create(&vocab_buffer, &record), 0);
	if (split)
		vocab_set_number(record, BUFFER_GROUP, group, VOCAB_SOLVED);
	for (size_t i = 0; i < plan->memory.len; i++) {
		const struct memory_object *planned = (const void *)plan->memory.items[i];
		struct memory_object *memory;
		int fd = memfd_create("held", MFD_CLOEXEC);

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(ftruncate(fd, (off_t)planned->bytes), 0);
		ck_assert_int_eq(vocab_add_dict(record, BUFFER_MEMORY, VOCAB_SOLVED, &memory), 0);
		vocab_set_number(memory, MEMORY_BYTES, planned->bytes, VOCAB_SOLVED);
		ck_assert_int_eq(vocab_set_fd(memory, MEMORY_FD, fd, VOCAB_SOLVED), 0);
	}
	return record;
}

static void add_buffers(struct held *held, struct generation *generation)
{
	const struct plan *plan = generation->plan;
	size_t groups = plan->groups.len ? plan->groups.len : 1;

	for (size_t i = 0; i < groups; i++)
		for (uint32_t j = 0; j < group_of(plan, i)->count; j++)
			ck_assert_int_eq(
				buffer_init(&generation->buffers[generation->buffers_len++],
					    held->broker, plan,
					    record_create(group_of(plan, i), i, plan->groups.len)),
				0);
}

void held_renegotiate(struct held *held, const char *request)
{
	struct plan *plan = plan_of(held->machine, request);
	struct generation *generation;
	uint32_t number = dmabroker_collection_get_generation(held->collection) + 1;

	ck_assert_int_eq(generation_create(number, plan, &generation), 0);
	add_buffers(held, generation);
	collection_push(held->collection, generation);
}

struct held held_create(const char *machine, const char *request)
{
	struct held held = {.machine = machine_by_name(machine)};

	ck_assert_int_eq(
		dmabroker_open_machine((const struct dmabroker_record *)held.machine, &held.broker),
		0);
	ck_assert_int_eq(collection_begin(held.broker, "/held", &held.collection), 0);
	if (request)
		held_renegotiate(&held, request);
	return held;
}

/* Nobody is told: there is no broker behind it. */
void held_destroy(struct held *held)
{
	collection_forget(held->collection);
	dmabroker_disconnect(held->broker);
	vocab_destroy(held->machine);
}

struct dmabroker_buffer *held_buffer(const struct held *held, size_t index)
{
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(held->collection, index);

	ck_assert_ptr_nonnull(buffer);
	return buffer;
}

static struct view *find_in(const struct plan *plan, const char *participant)
{
	for (size_t i = 0; i < plan->participants.len; i++)
		if (strcmp(vocab_string(plan->participants.items[i], VIEW_NAME), participant) == 0)
			return (struct view *)plan->participants.items[i];
	return NULL;
}

struct view *held_view(const struct held *held, const char *participant)
{
	const struct plan *plan = held->collection->newest->plan;
	struct view *view = find_in(plan, participant);

	for (size_t i = 0; i < plan->groups.len && !view; i++)
		view = find_in(group_of(plan, i), participant);
	ck_assert_ptr_nonnull(view);
	return view;
}

bool held_has(const struct held *held, size_t index, const char *participant)
{
	const struct dmabroker_buffer *buffer = held_buffer(held, index);
	const struct vocab_dicts *views = &buffer->plan->participants;

	for (size_t i = 0; i < views->len; i++)
		if (strcmp(vocab_string(views->items[i], VIEW_NAME), participant) == 0)
			return (buffer->access.readers | buffer->access.writers) >> i & 1;
	return false;
}
