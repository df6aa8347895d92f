/* SPDX-License-Identifier: MIT */
/*
 * Plan -> buffers. The job carries copies of all it needs, so while it runs its collection may end
 * or be deserted (then the buffers are closed again when it is back), and a device of its plan may
 * go (error Gone).
 *
 * A heap that gives k buffers of b bytes and no more is from then on one of k*b bytes: with this
 * limit the solver takes the next heap at full count, or fewer buffers where there is none
 * (docs/negotiation.md, section 6). Each such limit is smaller than what was asked of the heap, so
 * that this ends; and it ends after COLLECTION_TRIES_MAX in any case.
 *
 * Of buffers that a participant brings the job gets duplicates. The first time they are the files
 * that its client sent; later they are the dma-bufs that became of these, out of the newest
 * generation.
 */
#include "broker/allocation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/heap/heap.h"
#include "broker/model/arith.h"
#include "broker/model/brought.h"
#include "broker/model/exporter.h"
#include "broker/negotiation.h"

/* ---- the job ---- */

static void close_fds(struct allocation *allocation)
{
	for (size_t i = 0; i < allocation->fds_len; i++)
		close(allocation->fds[i]);
	allocation->fds_len = 0;
}

/* The next of the buffers that are brought. Returns owned a dma-buf, or a negative errno. */
static int take_brought(const struct part *part, size_t i, const char *name)
{
	int fd;

	if (part->memfds)
		return heap_wrap(part->node, part->given[i], part->bytes, name);
	fd = fcntl(part->given[i], F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

/* Buffer number `i` of the part; false: it cannot be had. */
static bool allocate_one(struct allocation *allocation, const struct part *part, size_t i)
{
	const char *name = vocab_string(allocation->request, REQUEST_NAME);
	char text[80]; /* heap_allocate cuts it */
	int fd;

	snprintf(text, sizeof(text), "%s#%llu.%zu u%u", name[0] ? name : "dmabroker",
		 (unsigned long long)allocation->number, allocation->fds_len, allocation->uid);
	if (part->brought)
		fd = take_brought(part, i, text);
	else
		fd = heap_allocate(part->exporter, part->node, part->bytes, text);
	if (fd < 0)
		allocation->result = fd;
	else
		allocation->fds[allocation->fds_len++] = fd;
	return fd >= 0;
}

static void run_allocation(struct broker_job *job)
{
	struct allocation *allocation = (struct allocation *)job;

	allocation->result = 0;
	for (size_t p = 0; p < allocation->parts_len; p++) {
		allocation->failed = p;
		for (size_t i = 0; i < allocation->parts[p].count; i++)
			if (atomic_load(&allocation->cancelled) ||
			    !allocate_one(allocation, &allocation->parts[p], i))
				return;
	}
}

/* ---- creating ---- */

int allocation_create(struct collection *collection, struct request *request, uint32_t generation,
		      struct allocation **ret_allocation)
{
	struct allocation *allocation = calloc(1, sizeof(*allocation));

	if (!allocation || vocab_create(&vocab_plan, &allocation->tried)) {
		vocab_destroy(request);
		free(allocation);
		return -ENOMEM;
	}
	allocation->job.run = run_allocation;
	allocation->collection = collection;
	allocation->request = request;
	allocation->generation = generation;
	allocation->number = collection->number;
	allocation->uid = collection->uid;
	*ret_allocation = allocation;
	return 0;
}

static void drop_parts(struct allocation *allocation)
{
	for (size_t i = 0; i < allocation->parts_len; i++) {
		struct part *part = &allocation->parts[i];

		for (size_t j = 0; j < part->given_len; j++)
			close(part->given[j]);
		free(part->node);
		free(part->heap);
	}
	allocation->parts_len = 0;
	close_fds(allocation);
	free(allocation->fds);
	allocation->fds = NULL;
}

void allocation_destroy(struct allocation *allocation)
{
	if (!allocation)
		return;
	drop_parts(allocation);
	vocab_destroy(allocation->request);
	vocab_destroy(allocation->base);
	vocab_destroy(allocation->said);
	vocab_destroy(allocation->plan);
	vocab_destroy(allocation->tried);
	free(allocation->asker);
	free(allocation);
}

/* ---- starting ---- */

/* The participant of this name with its open files, among those who speak; NULL: its files are in
 * the newest generation already. */
static const struct participant *find_files(const struct allocation *allocation, const char *name)
{
	const struct collection *collection = allocation->collection;

	for (size_t i = 0; i < collection->members_len; i++) {
		const struct member *member = &collection->members[i];
		bool other = allocation->said && allocation->member == member->number;
		const struct request *said = other ? allocation->said : member->said;
		const struct participant *found = said ? brought_find(said) : NULL;

		if (found && strcmp(vocab_string(found, PARTICIPANT_NAME), name) == 0 &&
		    vocab_has(found->buffers.items[0], MEMORY_FD))
			return found;
	}
	return NULL;
}

static int give(struct part *part, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		return -errno;
	part->given[part->given_len++] = copy;
	return 0;
}

/* The dma-bufs of the newest generation that the same participant has brought. */
static int give_former(const struct allocation *allocation, struct part *part, const char *name)
{
	const struct generation *former = allocation->collection->generations;
	int error = 0;

	for (size_t i = 0; former && i < former->buffers_len && !error; i++) {
		const struct plan *plan = former->plan;

		if (plan->groups.len)
			plan = (const struct plan *)plan->groups.items[former->buffers[i].group];
		if (strcmp(vocab_string(plan, PLAN_BROUGHT_BY), name) == 0 &&
		    part->given_len < part->count)
			error = give(part, former->buffers[i].fd);
	}
	return error;
}

static int give_all(const struct allocation *allocation, struct part *part, const char *name)
{
	const struct participant *files = find_files(allocation, name);
	int error = 0;

	if (!files)
		error = give_former(allocation, part, name);
	for (size_t i = 0; files && i < files->buffers.len && !error; i++)
		error = give(part, ((struct memory_object *)files->buffers.items[i])->fd);
	part->memfds = files && part->pinned;
	return error || part->given_len == part->count ? error : -EBADF;
}

/* Where udmabuf is, or "". */
static const char *find_udmabuf(const struct machine *machine)
{
	for (size_t i = 0; i < machine->heaps.len; i++) {
		const struct heap *heap = (const struct heap *)machine->heaps.items[i];

		if (vocab_has(heap, HEAP_EXPORTER) && heap->exporter == EXPORTER_UDMABUF)
			return vocab_string(heap, HEAP_NODE);
	}
	return "";
}

static int add_brought(struct allocation *allocation, struct part *part, const struct plan *plan)
{
	const struct memory_object *memory = (struct memory_object *)plan->memory.items[0];

	part->brought = true;
	part->pinned = exporter_is_memfd(vocab_string(memory, MEMORY_EXPORTER));
	part->node = strdup(find_udmabuf(allocation->collection->broker->machine));
	return part->node ? give_all(allocation, part, vocab_string(plan, PLAN_BROUGHT_BY))
			  : -ENOMEM;
}

static int add_part(struct allocation *allocation, const struct plan *plan)
{
	const struct heap *heap =
		machine_find_heap(allocation->collection->broker->machine, plan->heap);
	struct part *part = &allocation->parts[allocation->parts_len++];

	*part = (struct part){.heap = strdup(plan->heap),
			      .bytes = ((struct memory_object *)plan->memory.items[0])->bytes,
			      .count = plan->count};
	if (!part->heap)
		return -ENOMEM;
	if (vocab_has(plan, PLAN_BROUGHT_BY))
		return add_brought(allocation, part, plan);
	part->exporter = (enum exporter)vocab_number(heap, HEAP_EXPORTER);
	part->node = strdup(vocab_string(heap, HEAP_NODE));
	return part->node ? 0 : -ENOMEM;
}

/* What is to be allocated: the plan's buffers, or those of its groups one after the other. */
static int make_parts(struct allocation *allocation)
{
	const struct plan *plan = allocation->plan;
	size_t count = 0;
	int result = 0;

	drop_parts(allocation);
	if (!plan->groups.len)
		result = add_part(allocation, plan);
	for (size_t i = 0; i < plan->groups.len && !result; i++)
		result = add_part(allocation, (const struct plan *)plan->groups.items[i]);
	for (size_t i = 0; i < allocation->parts_len; i++)
		count += allocation->parts[i].count;
	allocation->fds = calloc(count ? count : 1, sizeof(allocation->fds[0]));
	if (!result)
		vocab_set_number(allocation->plan, PLAN_COUNT, count, VOCAB_SOLVED);
	return !result && !allocation->fds ? -ENOMEM : result;
}

/* Returns false: a sum that no number holds, so that no limit would see it. */
static bool sum_up(const struct allocation *allocation, struct quota_charge *ret_charge)
{
	struct quota_charge charge = {{0}};
	uint64_t *sum = &charge.amount[QUOTA_BYTES], bytes;

	for (size_t i = 0; i < allocation->parts_len; i++) {
		const struct part *part = &allocation->parts[i];

		charge.amount[QUOTA_BUFFERS] += part->count;
		if (part->brought && !part->pinned)
			continue; /* its memory is somebody else's */
		if (!arith_mul(part->count, part->bytes, &bytes) || !arith_add(*sum, bytes, sum))
			return false;
	}
	*ret_charge = charge;
	return true;
}

static int charge(struct allocation *allocation, struct error *error)
{
	struct quota_charge charge;
	int result;

	if (!sum_up(allocation, &charge))
		return error_setf(error, ERROR_QUOTA_EXCEEDED, CONSTRAINT_REQUEST, NULL, NULL,
				  "fewer or smaller buffers", "at most %llu %s",
				  (unsigned long long)quota_limits[QUOTA_BYTES].client,
				  quota_limits[QUOTA_BYTES].name);
	result = collection_charge(allocation->collection, &charge, error);
	if (!result)
		allocation->charge = charge;
	return result;
}

static void give_back(struct allocation *allocation)
{
	quota_give_back(collection_payer(allocation->collection), &allocation->charge);
	allocation->charge = (struct quota_charge){{0}};
}

/* Whether a conflict is one only because the heaps are too small. */
static bool lacks_capacity(const struct error *error)
{
	if (error->code != ERROR_CONFLICT || !error->details)
		return false;
	for (size_t i = 0; i < error->details->refusals.len; i++)
		if (vocab_number(error->details->refusals.items[i], REFUSAL_CONSTRAINT) ==
		    CONSTRAINT_CAPACITY)
			return true;
	return false;
}

/* A plan that needs more than a heap could ever give is a conflict; who wants the memory itself is
 * told that there is not enough, with the same details. */
static int name_lack(int result, struct error *error)
{
	if (!error || !lacks_capacity(error))
		return result;
	error->code = ERROR_OUT_OF_MEMORY;
	return error_rows[ERROR_OUT_OF_MEMORY].number;
}

static void number_plan(struct plan *plan, uint32_t generation)
{
	vocab_set_number(plan, PLAN_GENERATION, generation, VOCAB_SOLVED);
	for (size_t i = 0; i < plan->groups.len; i++)
		vocab_set_number(plan->groups.items[i], PLAN_GENERATION, generation, VOCAB_SOLVED);
}

static int solve_request(struct allocation *allocation, struct error *error)
{
	struct solve_options options = {.limits = allocation->limits,
					.limits_len = allocation->limits_len};
	struct plan *plan;
	int result = solve_with(allocation->collection->broker->machine, allocation->request,
				&options, error, &plan);

	if (result) {
		negotiation_name_reported(allocation->collection, error);
		return name_lack(result, error);
	}
	vocab_destroy(allocation->plan);
	allocation->plan = plan;
	number_plan(plan, allocation->generation);
	if (allocation->generation == 1)
		return 0;
	return negotiation_name_hand_over(allocation);
}

int allocation_start(struct allocation *allocation, struct error *error)
{
	struct broker *broker = allocation->collection->broker;
	int result = solve_request(allocation, error);

	if (!result)
		result = make_parts(allocation);
	if (!result)
		result = charge(allocation, error);
	if (result)
		return result;
	allocation->collection->allocation = allocation;
	broker->host.submit(broker->host.data, &allocation->job);
	return 0;
}

void allocation_cancel(struct allocation *allocation)
{
	atomic_store(&allocation->cancelled, true);
}

/* ---- done ---- */

int allocation_remember(struct allocation *allocation, const char *heap, const char *participant,
			enum constraint constraint, const char *format, ...)
{
	struct reason *reason;
	char text[200];
	va_list args;
	int error = vocab_add_dict(allocation->tried, PLAN_TRIED, VOCAB_SOLVED, &reason);

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!error)
		error = vocab_set_string(reason, REASON_CHOICE, "heap", VOCAB_SOLVED);
	if (!error)
		error = vocab_set_string(reason, REASON_VALUE, heap, VOCAB_SOLVED);
	if (!error && participant)
		error = vocab_set_string(reason, REASON_PARTICIPANT, participant, VOCAB_SOLVED);
	if (!error)
		error = vocab_set_number(reason, REASON_CONSTRAINT, constraint, VOCAB_SOLVED);
	if (!error)
		error = vocab_set_string(reason, REASON_WANTED, text, VOCAB_SOLVED);
	return error;
}

/* How much of the heap that failed we had in our hands. */
static uint64_t got_of(const struct allocation *allocation, const char *heap)
{
	uint64_t bytes = 0;
	size_t left = allocation->fds_len;

	for (size_t i = 0; i <= allocation->failed; i++) {
		const struct part *part = &allocation->parts[i];
		size_t count = part->count < left ? part->count : left;

		left -= count;
		if (strcmp(part->heap, heap) == 0)
			bytes += count * part->bytes;
	}
	return bytes;
}

static int limit_heap(struct allocation *allocation)
{
	const struct part *part = &allocation->parts[allocation->failed];
	const struct vocab_dicts *tried = &allocation->tried->tried;
	uint64_t got = got_of(allocation, part->heap);
	int result;

	if (allocation->limits_len == COLLECTION_TRIES_MAX)
		return -ERANGE;
	result = allocation_remember(
		allocation, part->heap, NULL, CONSTRAINT_CAPACITY, "%zu buffers of %llu bytes: %s",
		part->count, (unsigned long long)part->bytes, strerror(-allocation->result));
	if (result)
		return result;
	allocation->limits[allocation->limits_len++] = (struct solve_limit){
		.heap = vocab_string(tried->items[tried->len - 1], REASON_VALUE), .bytes = got};
	return 0;
}

static int out_of_memory(const struct allocation *allocation, struct error *error)
{
	const struct vocab_dicts *tried = &allocation->tried->tried;

	error_finish(error);
	for (size_t i = 0; i < tried->len; i++)
		if (vocab_number(tried->items[i], REASON_CONSTRAINT) == CONSTRAINT_CAPACITY)
			error_setf(error, ERROR_OUT_OF_MEMORY, CONSTRAINT_CAPACITY, NULL, NULL,
				   vocab_string(tried->items[i], REASON_WANTED),
				   "heap %s is exhausted",
				   vocab_string(tried->items[i], REASON_VALUE));
	return error_rows[ERROR_OUT_OF_MEMORY].number;
}

static int check_views(const struct machine *machine, const struct plan *plan, struct error *error)
{
	for (size_t i = 0; i < plan->participants.len; i++) {
		const void *view = plan->participants.items[i];

		if (vocab_has(view, VIEW_DEVICE) &&
		    !machine_find_device(machine, vocab_string(view, VIEW_DEVICE)))
			return error_set(error, ERROR_GONE, CONSTRAINT_DEVICE,
					 vocab_string(view, VIEW_NAME), NULL,
					 "its device to stay until the buffers are there",
					 "it went away");
	}
	return 0;
}

/* Whether every device of the plan is still there. */
static int check_devices(const struct allocation *allocation, struct error *error)
{
	const struct machine *machine = allocation->collection->broker->machine;
	const struct plan *plan = allocation->plan;
	int result = check_views(machine, plan, error);

	for (size_t i = 0; i < plan->groups.len && !result; i++)
		result = check_views(machine, (const struct plan *)plan->groups.items[i], error);
	return result;
}

/* The heap has not enough: the next best. Returns 0 if it is tried. */
static int try_next(struct allocation *allocation, struct error *error)
{
	int result = check_devices(allocation, error);

	if (!result)
		result = limit_heap(allocation);
	if (result == -ERANGE) /* enough has been tried */
		return out_of_memory(allocation, error);
	if (result)
		return result;
	result = allocation_start(allocation, error);
	if (result && (error->code == ERROR_CONFLICT || error->code == ERROR_OUT_OF_MEMORY))
		return out_of_memory(allocation, error);
	return result;
}

static int name_failure(const struct allocation *allocation, int number, struct error *error)
{
	const struct part *part = &allocation->parts[allocation->failed];
	const char *heap = part->heap;

	if (part->brought && (number == -EINVAL || number == -EBADFD))
		return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL, "buffers",
				  "memory that udmabuf takes (drivers/dma-buf/udmabuf.c)", "%s: %s",
				  heap, strerror(-number));
	switch (number) {
	case -EACCES:
	case -EPERM:
		return error_setf(error, ERROR_NOT_PERMITTED, CONSTRAINT_HEAPS, NULL, NULL,
				  "to open the heap", "%s: %s", heap, strerror(-number));
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return error_setf(error, ERROR_GONE, CONSTRAINT_HEAPS, NULL, NULL,
				  "the heap of the plan", "%s: %s", heap, strerror(-number));
	case -EMFILE:
	case -ENFILE:
		return error_setf(error, ERROR_BUSY, CONSTRAINT_REQUEST, NULL, NULL,
				  "room for more open files", "%s", strerror(-number));
	default:
		return error_set(error, ERROR_OUT_OF_MEMORY, CONSTRAINT_CAPACITY, NULL, NULL,
				 "the allocation to succeed", strerror(-number));
	}
}

/* Moves what was tried into the plan that held. */
static void attach_tried(struct allocation *allocation)
{
	struct vocab_dicts *tried = &allocation->tried->tried;

	while (tried->len) {
		struct vocab_head *first = tried->items[0];

		if (vocab_take_dict(allocation->plan, PLAN_TRIED, first, VOCAB_SOLVED))
			return;
		memmove(&tried->items[0], &tried->items[1],
			(tried->len - 1) * sizeof(tried->items[0]));
		tried->len--;
	}
}

static int fill_buffers(const struct allocation *allocation, struct collection_buffer *buffers)
{
	uint32_t group = 0;
	size_t end = allocation->parts[0].count;
	struct stat status;

	for (size_t i = 0; i < allocation->fds_len; i++) {
		while (i == end)
			end += allocation->parts[++group].count;
		if (fstat(allocation->fds[i], &status) < 0)
			return -errno;
		buffers[i] = (struct collection_buffer){.fd = allocation->fds[i],
							.group = group,
							.bytes = (uint64_t)status.st_size,
							.inode = status.st_ino};
	}
	return 0;
}

/* The generation that has come out; it takes plan, fds and charge. */
static int make_generation(struct allocation *allocation, struct error *error,
			   struct generation **ret_generation)
{
	struct generation *generation;
	int result = check_devices(allocation, error);

	if (result)
		return result;
	generation = calloc(1, sizeof(*generation));
	if (!generation)
		return -ENOMEM;
	generation->buffers = calloc(allocation->fds_len, sizeof(generation->buffers[0]));
	result = generation->buffers ? fill_buffers(allocation, generation->buffers) : -ENOMEM;
	if (result) {
		free(generation->buffers);
		free(generation);
		return result;
	}
	attach_tried(allocation);
	generation->buffers_len = allocation->fds_len;
	generation->plan = allocation->plan;
	generation->charge = allocation->charge;
	allocation->fds_len = 0;
	allocation->plan = NULL;
	allocation->charge = (struct quota_charge){{0}};
	*ret_generation = generation;
	return 0;
}

/* The job is back. Returns 1 where it has been submitted once more. */
static int finish(struct allocation *allocation, struct error *error,
		  struct generation **ret_generation)
{
	int number = allocation->result, result = number;

	if (!result)
		result = make_generation(allocation, error, ret_generation);
	if (!result)
		return 0;
	give_back(allocation);
	if (number != -ENOMEM || allocation->parts[allocation->failed].brought)
		return error->code ? result : name_failure(allocation, result, error);
	result = try_next(allocation, error);
	if (!result)
		return 1;
	return error->code ? result : name_failure(allocation, result, error);
}

static void done(struct allocation *allocation)
{
	struct collection *collection = allocation->collection;
	struct generation *generation = NULL;
	struct error error = {0};
	int result = 0;

	collection_hold(collection);
	if (atomic_load(&allocation->cancelled))
		give_back(allocation);
	else
		result = finish(allocation, &error, &generation);
	if (result <= 0) {
		collection->allocation = NULL;
		if (!atomic_load(&allocation->cancelled))
			negotiation_decided(collection, allocation, generation, &error);
		allocation_destroy(allocation);
	}
	error_finish(&error);
	collection_unhold(collection);
}

bool allocation_done(struct broker_job *job)
{
	if (job->run != run_allocation)
		return false;
	done((struct allocation *)job);
	return true;
}
