/* SPDX-License-Identifier: MIT */
/*
 * Where the parts meet:
 *
 *	probe -> descriptor -> solver -> plan -> heap -> buffer
 *
 * Two kinds of work may block and are jobs: measuring a node (struct measurement) and allocating
 * the buffers of a plan (struct allocation). A job carries copies of all it needs. While it runs,
 * anything may happen here: its node may go (the result is dropped), its client may die (the
 * buffers are closed again), a device of its plan may go (error Gone). A client that dies with
 * allocations under way stays in the list, marked, until the last of them is done.
 */
#include "broker/broker.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "broker/collection.h"
#include "broker/heap/heap.h"
#include "broker/probe/probe.h"
#include "broker/probe/quirks.h"
#include "broker/solver/solve.h"

#define AGAIN_MS 1000 /* until what was missed is looked for */

/* Until a device that was in use is asked again: for a start soon, then ever more rarely, as asking
 * opens its node. */
#define RETRY_FIRST_MS 1000
#define RETRY_LAST_MS 300000

struct measurement {
	struct broker_job job;	  /* first: a job is found back by its address */
	struct measurement *next; /* broker.measurements */
	const struct probe_options *options;
	struct probe_node node;
	void *previous;		/* a copy of what was known before, for the job; may be NULL */
	bool again;		/* the job's answer: something was in use */
	bool stale;		/* the node went or changed while we measured */
	struct probe_node then; /* measure this after it: two at once would disturb each other */
	int result;
	void *descriptor;
};

struct allocation {
	struct broker_job job;	 /* first */
	struct allocation *next; /* broker_client.allocations */
	struct broker_client *client;
	struct request *request;
	struct plan *plan;
	uint64_t number;
	struct quota_charge charge;
	struct vocab_head *tried; /* a plan record that collects what failed so far */
	broker_allocated_fn allocated;
	void *data;
	atomic_bool cancelled; /* nobody waits any more: the job may stop */
	/* for the job */
	uid_t uid;
	char *node;
	enum exporter exporter;
	uint64_t bytes;
	size_t count;
	int *fds;
	size_t fds_len;
	int result;
};

/* A device that was in use when it was measured: it is asked again, more and more rarely. */
struct retry {
	struct retry *next; /* broker.retries */
	struct probe_node node;
	uint64_t due_ms;
	uint64_t pause_ms;
};

struct broker {
	struct broker_host host;
	struct probe_options options;
	char *trial_program;
	struct probe *probe;
	struct machine *machine;
	struct measurement *measurements;
	struct retry *retries;
	struct quirks *quirks;
	struct machine
		*platform; /* the machine's own facts once more: never changes, for the jobs */
	bool settled;
	uint64_t again_ms; /* something was missed: when to look again, CLOCK_MONOTONIC; 0: never */
	struct quota quota;
	struct broker_client *clients;
	struct collection *lingering;
	uint64_t next_number;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- measuring ---- */

static void run_measurement(struct broker_job *job)
{
	struct measurement *measurement = (struct measurement *)job;

	measurement->result = probe_measure(&measurement->node, measurement->options,
					    measurement->previous, &measurement->descriptor,
					    &measurement->again);
}

static void measurement_destroy(struct measurement *measurement)
{
	probe_node_finish(&measurement->node);
	probe_node_finish(&measurement->then);
	vocab_destroy(measurement->previous);
	free(measurement);
}

static void *find_descriptor(const struct broker *broker, bool is_heap, const char *id)
{
	return is_heap ? (void *)machine_find_heap(broker->machine, id)
		       : (void *)machine_find_device(broker->machine, id);
}

/* What is known of the node so far: measured facts are not measured again. */
static void copy_previous(const struct broker *broker, const struct probe_node *node,
			  struct measurement *measurement)
{
	const void *known = find_descriptor(broker, probe_node_is_heap(node), node->id);

	if (known && vocab_copy(known, &measurement->previous))
		measurement->previous = NULL;
}

static int start_measurement(struct broker *broker, const struct probe_node *node)
{
	struct measurement *measurement = calloc(1, sizeof(*measurement));
	int error;

	if (!measurement)
		return -ENOMEM;
	error = probe_node_copy(node, &measurement->node);
	if (error) {
		free(measurement);
		return error;
	}
	copy_previous(broker, node, measurement);
	measurement->job.run = run_measurement;
	measurement->options = &broker->options;
	measurement->next = broker->measurements;
	broker->measurements = measurement;
	broker->host.submit(broker->host.data, &measurement->job);
	return 0;
}

static struct measurement *find_measurement(struct broker *broker, const char *id)
{
	struct measurement *measurement = broker->measurements;

	while (measurement && strcmp(measurement->node.id, id) != 0)
		measurement = measurement->next;
	return measurement;
}

/* Has a node measured, now or after the measurement that is under way. */
static void measure(struct broker *broker, const struct probe_node *node)
{
	struct measurement *running = find_measurement(broker, node->id);
	int error = running ? probe_node_copy(node, &running->then)
			    : start_measurement(broker, node);

	if (error)
		broker->again_ms = now_ms() + AGAIN_MS;
}

/* What is being measured was measured too early. */
static void outdate_measurement(struct broker *broker, const char *id)
{
	struct measurement *running = find_measurement(broker, id);

	if (!running)
		return;
	running->stale = true;
	probe_node_finish(&running->then);
}

static void say_change(struct broker *broker, enum broker_change change, const void *descriptor,
		       const void *previous)
{
	if (broker->host.on_change)
		broker->host.on_change(broker->host.data, change, descriptor, previous);
}

/* --- once more, when it is idle --- */

static struct retry **find_retry(struct broker *broker, const char *id)
{
	struct retry **at = &broker->retries;

	while (*at && strcmp((*at)->node.id, id) != 0)
		at = &(*at)->next;
	return at;
}

static void drop_retry(struct broker *broker, const char *id)
{
	struct retry **at = find_retry(broker, id), *retry = *at;

	if (!retry)
		return;
	*at = retry->next;
	probe_node_finish(&retry->node);
	free(retry);
}

/* Without memory the device keeps its assumed facts until udev speaks of it. */
static void retry_later(struct broker *broker, const struct probe_node *node)
{
	struct retry *retry = *find_retry(broker, node->id);

	if (!retry) {
		retry = calloc(1, sizeof(*retry));
		if (!retry || probe_node_copy(node, &retry->node)) {
			free(retry);
			return;
		}
		retry->next = broker->retries;
		broker->retries = retry;
	}
	retry->pause_ms = retry->pause_ms ? retry->pause_ms * 2 : RETRY_FIRST_MS;
	if (retry->pause_ms > RETRY_LAST_MS)
		retry->pause_ms = RETRY_LAST_MS;
	retry->due_ms = now_ms() + retry->pause_ms;
}

/* What is due is measured; until that is done it is not due again. */
static void retry_due(struct broker *broker)
{
	uint64_t now = now_ms();

	for (struct retry *retry = broker->retries; retry; retry = retry->next) {
		if (retry->due_ms > now)
			continue;
		retry->due_ms = UINT64_MAX;
		if (!find_measurement(broker, retry->node.id))
			measure(broker, &retry->node);
	}
}

static void on_node(void *data, enum probe_event event, const struct probe_node *node)
{
	struct broker *broker = data;
	bool is_heap = probe_node_is_heap(node);
	void *descriptor;

	outdate_measurement(broker, node->id);
	drop_retry(broker, node->id);
	if (event != PROBE_REMOVED) {
		measure(broker, node);
		return;
	}
	descriptor = find_descriptor(broker, is_heap, node->id);
	if (!descriptor)
		return;
	say_change(broker, BROKER_REMOVED, descriptor, NULL);
	machine_remove(broker->machine, is_heap ? MACHINE_HEAPS : MACHINE_DEVICES, node->id);
}

static void forget_measurement(struct broker *broker, const struct measurement *measurement)
{
	struct measurement **at = &broker->measurements;

	while (*at != measurement)
		at = &(*at)->next;
	*at = measurement->next;
}

/* The facts of a node take their place; whoever listens hears of what is new. */
static void put_descriptor(struct broker *broker, const struct measurement *measurement)
{
	void *descriptor = measurement->descriptor, *known, *before = NULL;

	known = find_descriptor(broker, probe_node_is_heap(&measurement->node),
				measurement->node.id);
	if (known && vocab_copy(known, &before))
		before = NULL;
	if (machine_put(broker->machine, descriptor))
		vocab_destroy(descriptor);
	else
		say_change(broker, known ? BROKER_CHANGED : BROKER_ADDED, descriptor, before);
	vocab_destroy(before);
}

static void measurement_done(struct broker *broker, struct measurement *measurement)
{
	if (measurement->stale) {
		if (!measurement->result)
			vocab_destroy(measurement->descriptor);
	} else {
		if (!measurement->result)
			put_descriptor(broker, measurement);
		if (!measurement->result && measurement->again)
			retry_later(broker, &measurement->node);
		else
			drop_retry(broker, measurement->node.id);
	}
	forget_measurement(broker, measurement);
	if (measurement->then.id)
		measure(broker, &measurement->then);
	measurement_destroy(measurement);
}

/* The first time that nothing is being measured any more. */
static void check_settled(struct broker *broker)
{
	if (broker->settled || broker->measurements)
		return;
	broker->settled = true;
	if (broker->host.on_settled)
		broker->host.on_settled(broker->host.data);
}

/* ---- the broker itself ---- */

static int enumerate(struct broker *broker)
{
	int error;

	broker->again_ms = 0;
	error = probe_enumerate(broker->probe, on_node, broker);
	if (error)
		broker->again_ms = now_ms() + AGAIN_MS;
	return error;
}

static void ignore_problem(void *data, const char *file, unsigned int line, const char *text)
{
	(void)data;
	(void)file;
	(void)line;
	(void)text;
}

/* A file with mistakes has been reported and is no reason to give up: what is left out of it is not
 * known then. Errors: -ENOMEM. */
static int load_quirks(struct broker *broker, const struct broker_options *options)
{
	quirks_report_fn report = options->on_quirk_problem ? options->on_quirk_problem
							    : ignore_problem;
	int error = quirks_create(&broker->quirks);

	if (error || !options->quirk_directories)
		return error;
	error = quirks_load_directories(broker->quirks, options->quirk_directories, report,
					options->on_quirk_problem_data);
	return error == -ENOMEM ? error : 0;
}

/* What measurements need: it stays as it is from now on. */
static int prepare_measuring(struct broker *broker, const struct broker_options *options)
{
	int error = load_quirks(broker, options);

	if (!error && options->trial_program) {
		broker->trial_program = strdup(options->trial_program);
		error = broker->trial_program ? 0 : -ENOMEM;
	}
	if (!error)
		error = probe_machine(NULL, broker->machine);
	if (!error)
		error = vocab_copy(broker->machine, &broker->platform);
	broker->options = (struct probe_options){.trial_program = broker->trial_program,
						 .trial_deadline_ms = options->trial_deadline_ms,
						 .quirks = broker->quirks,
						 .platform = broker->platform};
	return error;
}

int broker_create(const struct broker_host *host, const struct broker_options *options,
		  struct broker **ret_broker)
{
	struct broker *broker = calloc(1, sizeof(*broker));
	int error;

	if (!broker)
		return -ENOMEM;
	broker->host = *host;
	broker->next_number = 1;
	error = vocab_create(&vocab_machine, &broker->machine);
	if (!error)
		error = prepare_measuring(broker, options);
	if (!error)
		error = probe_create(&broker->options, &broker->probe);
	if (!error)
		error = enumerate(broker);
	/* what has been submitted cannot be undone: the rest is tried again */
	if (error && !broker->measurements) {
		broker_destroy(broker);
		return error;
	}
	*ret_broker = broker;
	return 0;
}

void broker_destroy(struct broker *broker)
{
	struct collection *collection;

	if (!broker)
		return;
	while ((collection = broker->lingering)) {
		broker->lingering = collection->next;
		collection_destroy(collection);
	}
	while (broker->retries)
		drop_retry(broker, broker->retries->node.id);
	probe_destroy(broker->probe);
	quirks_destroy(broker->quirks);
	vocab_destroy(broker->platform);
	vocab_destroy(broker->machine);
	free(broker->trial_program);
	free(broker);
}

int broker_get_fd(const struct broker *broker)
{
	return probe_get_fd(broker->probe);
}

int broker_get_timeout(const struct broker *broker)
{
	uint64_t now = now_ms(), first = broker->again_ms ? broker->again_ms : UINT64_MAX;

	if (!broker->settled && !broker->measurements)
		return 0;
	for (struct collection *c = broker->lingering; c; c = c->next)
		if (c->deadline_ms < first)
			first = c->deadline_ms;
	for (struct retry *retry = broker->retries; retry; retry = retry->next)
		if (retry->due_ms < first)
			first = retry->due_ms;
	if (first == UINT64_MAX)
		return -1;
	return first <= now ? 0 : (int)(first - now);
}

static void end_lingering(struct broker *broker)
{
	uint64_t now = now_ms();

	for (struct collection **at = &broker->lingering; *at;) {
		struct collection *collection = *at;

		if (collection->deadline_ms > now) {
			at = &collection->next;
			continue;
		}
		*at = collection->next;
		collection_destroy(collection);
	}
}

int broker_dispatch(struct broker *broker)
{
	int error = probe_dispatch(broker->probe, on_node, broker);

	if (error == -ENOBUFS || (!error && broker->again_ms && broker->again_ms <= now_ms()))
		error = enumerate(broker);
	retry_due(broker);
	end_lingering(broker);
	check_settled(broker);
	return error;
}

const struct machine *broker_get_machine(const struct broker *broker)
{
	return broker->machine;
}

/* ---- clients ---- */

int broker_client_create(struct broker *broker, uid_t uid, struct broker_client **ret_client)
{
	struct broker_client *client = calloc(1, sizeof(*client));
	int error;

	if (!client)
		return -ENOMEM;
	error = quota_client_init(&client->quota, &broker->quota, uid);
	if (error) {
		free(client);
		return error;
	}
	client->broker = broker;
	client->uid = uid;
	client->next = broker->clients;
	broker->clients = client;
	*ret_client = client;
	return 0;
}

static void client_free_if_idle(struct broker_client *client)
{
	struct broker_client **at = &client->broker->clients;

	if (!client->gone || client->allocations)
		return;
	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	quota_client_finish(&client->quota);
	free(client);
}

/* Lets a collection outlive its client, if its request said so. */
static bool linger(struct collection *collection)
{
	struct broker *broker = collection->broker;
	struct broker_client *client = collection->client;

	if (!collection->linger_ms ||
	    quota_client_init(&collection->own, &broker->quota, collection->uid))
		return false;
	quota_move(&client->quota, &collection->own, &collection->charge);
	collection->client = NULL;
	collection->deadline_ms = now_ms() + collection->linger_ms;
	collection->next = broker->lingering;
	broker->lingering = collection;
	return true;
}

void broker_client_destroy(struct broker_client *client)
{
	struct collection *collection;
	struct flight *flight;

	if (!client)
		return;
	while ((flight = client->flights)) {
		client->flights = flight->next;
		quota_give_back(&client->quota, &flight->charge);
		free(flight);
	}
	while ((collection = client->collections)) {
		client->collections = collection->next;
		if (!linger(collection))
			collection_destroy(collection);
	}
	client->gone = true;
	for (struct allocation *a = client->allocations; a; a = a->next)
		atomic_store(&a->cancelled, true);
	client_free_if_idle(client);
}

/* A lingering collection becomes its new client's; the limit per client counts. */
static int adopt(struct broker_client *client, struct collection *collection, struct error *error)
{
	enum quota_kind kind;
	uint64_t limit;

	quota_give_back(&collection->own, &collection->charge);
	if (quota_charge(&client->quota, &collection->charge, &kind, &limit)) {
		quota_charge(&collection->own, &collection->charge, &kind, &limit);
		return error_setf(error, ERROR_QUOTA_EXCEEDED, CONSTRAINT_REQUEST, NULL, NULL,
				  "to take over a collection", "at most %llu %s",
				  (unsigned long long)limit, quota_limits[kind].name);
	}
	quota_client_finish(&collection->own);
	collection_unlink(&client->broker->lingering, collection);
	collection->client = client;
	collection->next = client->collections;
	client->collections = collection;
	return 0;
}

int broker_find_collection(struct broker_client *client, uint64_t number, struct error *error,
			   struct collection **ret_collection)
{
	struct collection *collection = client->collections;
	int result;

	while (collection && collection->number != number)
		collection = collection->next;
	if (collection) {
		*ret_collection = collection;
		return 0;
	}
	for (collection = client->broker->lingering; collection; collection = collection->next) {
		if (collection->number != number || collection->uid != client->uid)
			continue;
		result = adopt(client, collection, error);
		if (!result)
			*ret_collection = collection;
		return result;
	}
	return error_setf(error, ERROR_GONE, CONSTRAINT_REQUEST, NULL, NULL,
			  "a collection of this client", "none of number %llu",
			  (unsigned long long)number);
}

/* ---- planning ---- */

/* Participants that were named by an open file get their device's id. */
static int resolve_fds(const struct broker *broker, struct request *request, struct error *error)
{
	for (size_t i = 0; i < request->participants.len; i++) {
		struct participant *participant =
			(struct participant *)request->participants.items[i];
		const char *name = vocab_string(participant, PARTICIPANT_NAME);
		const struct device *device;
		struct stat status;

		if (!vocab_has(participant, PARTICIPANT_DEVICE_FD))
			continue;
		if (vocab_has(participant, PARTICIPANT_DEVICE))
			return error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name,
					 "device-fd", "either device or device-fd", "both");
		if (fstat(participant->device_fd, &status) < 0 || !S_ISCHR(status.st_mode))
			return error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name,
					 "device-fd", "an open device", "another kind of file");
		device = machine_find_number(broker->machine, status.st_rdev);
		if (!device)
			return error_setf(error, ERROR_UNKNOWN_DEVICE, CONSTRAINT_DEVICE, name,
					  "device-fd", "a device that the broker lists",
					  "character device %u:%u", major(status.st_rdev),
					  minor(status.st_rdev));
		if (vocab_set_string(participant, PARTICIPANT_DEVICE, device->id, VOCAB_DECLARED))
			return -ENOMEM;
		vocab_clear(participant, PARTICIPANT_DEVICE_FD);
	}
	return 0;
}

static int plan_settled(const struct broker *broker, struct request *request, struct error *error,
			struct plan **ret_plan)
{
	int result = resolve_fds(broker, request, error);

	if (!result)
		result = request_settle(request, broker->machine, error);
	return result ? result : solve(broker->machine, request, error, ret_plan);
}

int broker_plan(struct broker *broker, struct request *request, struct error *error,
		struct plan **ret_plan)
{
	int result = plan_settled(broker, request, error, ret_plan);

	vocab_destroy(request);
	return result;
}

/* ---- allocating ---- */

static void close_fds(struct allocation *allocation)
{
	for (size_t i = 0; i < allocation->fds_len; i++)
		close(allocation->fds[i]);
	allocation->fds_len = 0;
}

static void run_allocation(struct broker_job *job)
{
	struct allocation *allocation = (struct allocation *)job;
	const char *name = vocab_string(allocation->request, REQUEST_NAME);

	allocation->result = 0;
	while (allocation->fds_len < allocation->count && !atomic_load(&allocation->cancelled)) {
		char text[80]; /* heap_allocate cuts it */
		int fd;

		snprintf(text, sizeof(text), "%s#%llu.%zu u%u", name[0] ? name : "dmabroker",
			 (unsigned long long)allocation->number, allocation->fds_len,
			 allocation->uid);
		fd = heap_allocate(allocation->exporter, allocation->node, allocation->bytes, text);
		if (fd < 0) {
			allocation->result = fd;
			close_fds(allocation);
			return;
		}
		allocation->fds[allocation->fds_len++] = fd;
	}
}

/* Frees an allocation; what it has charged has been given back or handed on. */
static void allocation_destroy(struct allocation *allocation)
{
	close_fds(allocation);
	vocab_destroy(allocation->request);
	vocab_destroy(allocation->plan);
	vocab_destroy(allocation->tried);
	free(allocation->node);
	free(allocation->fds);
	free(allocation);
}

static int charge_plan(struct allocation *allocation, struct error *error)
{
	struct plan *plan = allocation->plan;
	enum quota_kind kind;
	uint64_t limit;

	allocation->bytes = ((struct memory_object *)plan->memory.items[0])->bytes;
	allocation->count = plan->count;
	allocation->charge =
		(struct quota_charge){{[QUOTA_COLLECTIONS] = 1,
				       [QUOTA_BUFFERS] = plan->count,
				       [QUOTA_BYTES] = allocation->bytes * plan->count}};
	if (!quota_charge(&allocation->client->quota, &allocation->charge, &kind, &limit))
		return 0;
	return error_setf(error, ERROR_QUOTA_EXCEEDED, CONSTRAINT_REQUEST, NULL, NULL,
			  "to release something first", "at most %llu %s",
			  (unsigned long long)limit, quota_limits[kind].name);
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

/* Solves, charges and submits. On failure nothing is charged. */
static int start_allocation(struct allocation *allocation, struct error *error)
{
	struct broker *broker = allocation->client->broker;
	const struct heap *heap;
	int result = plan_settled(broker, allocation->request, error, &allocation->plan);

	if (result)
		return name_lack(result, error);
	heap = machine_find_heap(broker->machine, allocation->plan->heap);
	free(allocation->node);
	allocation->node = strdup(vocab_string(heap, HEAP_NODE));
	allocation->exporter = (enum exporter)vocab_number(heap, HEAP_EXPORTER);
	free(allocation->fds);
	allocation->fds = calloc(allocation->plan->count, sizeof(allocation->fds[0]));
	if (!allocation->node || !allocation->fds)
		return -ENOMEM;
	result = charge_plan(allocation, error);
	if (result)
		return result;
	broker->host.submit(broker->host.data, &allocation->job);
	return 0;
}

int broker_allocate(struct broker_client *client, struct request *request,
		    broker_allocated_fn allocated, void *data, struct error *error)
{
	struct allocation *allocation = calloc(1, sizeof(*allocation));
	int result;

	if (!allocation) {
		vocab_destroy(request);
		return -ENOMEM;
	}
	allocation->job.run = run_allocation;
	allocation->client = client;
	allocation->uid = client->uid;
	allocation->request = request;
	allocation->allocated = allocated;
	allocation->data = data;
	allocation->number = client->broker->next_number++;
	result = vocab_create(&vocab_plan, &allocation->tried);
	if (!result)
		result = start_allocation(allocation, error);
	if (result) {
		allocation_destroy(allocation);
		return result;
	}
	allocation->next = client->allocations;
	client->allocations = allocation;
	return 0;
}

static int remember_try(struct allocation *allocation)
{
	struct reason *reason;
	int error = vocab_add_dict(allocation->tried, PLAN_TRIED, VOCAB_SOLVED, &reason);

	if (!error)
		error = vocab_set_string(reason, REASON_CHOICE, "heap", VOCAB_SOLVED);
	if (!error)
		error = vocab_set_string(reason, REASON_VALUE, allocation->plan->heap,
					 VOCAB_SOLVED);
	if (!error)
		error = vocab_set_number(reason, REASON_CONSTRAINT, CONSTRAINT_CAPACITY,
					 VOCAB_SOLVED);
	if (!error)
		error = vocab_format_string(reason, REASON_WANTED, VOCAB_SOLVED,
					    "%zu buffers of %llu bytes: %s", allocation->count,
					    (unsigned long long)allocation->bytes,
					    strerror(-allocation->result));
	return error;
}

static int out_of_memory(const struct allocation *allocation, struct error *error)
{
	const struct vocab_dicts *tried = &((struct plan *)allocation->tried)->tried;

	error_finish(error);
	for (size_t i = 0; i < tried->len; i++)
		error_setf(error, ERROR_OUT_OF_MEMORY, CONSTRAINT_CAPACITY, NULL, NULL,
			   vocab_string(tried->items[i], REASON_WANTED), "heap %s is exhausted",
			   vocab_string(tried->items[i], REASON_VALUE));
	return error_rows[ERROR_OUT_OF_MEMORY].number;
}

/* Whether every device of the plan is still there. */
static int check_devices(const struct allocation *allocation, struct error *error)
{
	const struct machine *machine = allocation->client->broker->machine;

	for (size_t i = 0; i < allocation->plan->participants.len; i++) {
		const void *view = allocation->plan->participants.items[i];

		if (vocab_has(view, VIEW_DEVICE) &&
		    !machine_find_device(machine, vocab_string(view, VIEW_DEVICE)))
			return error_set(error, ERROR_GONE, CONSTRAINT_DEVICE,
					 vocab_string(view, VIEW_NAME), NULL,
					 "its device to stay until the buffers are there",
					 "it went away");
	}
	return 0;
}

/* The heap has not enough: the next one in the order of preference. Returns 0 if it is tried. */
static int try_next_heap(struct allocation *allocation, struct error *error)
{
	int result = check_devices(allocation, error);

	if (!result)
		result = remember_try(allocation);
	if (!result)
		result = vocab_add_string(allocation->request, REQUEST_FORBIDDEN_HEAPS,
					  allocation->plan->heap, VOCAB_SOLVED);
	if (result == -ERANGE) /* the list is full */
		return out_of_memory(allocation, error);
	if (result)
		return result;
	vocab_destroy(allocation->plan);
	allocation->plan = NULL;
	result = start_allocation(allocation, error);
	if (result == error_rows[ERROR_CONFLICT].number ||
	    (result && error->code == ERROR_OUT_OF_MEMORY))
		return out_of_memory(allocation, error);
	return result;
}

static int name_failure(const struct allocation *allocation, int number, struct error *error)
{
	const char *heap = allocation->plan->heap;

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
		return number;
	}
}

/* Moves what was tried into the plan that held. */
static void attach_tried(struct allocation *allocation)
{
	struct vocab_dicts *tried = &((struct plan *)allocation->tried)->tried;

	while (tried->len) {
		struct vocab_head *first = tried->items[0];

		if (vocab_take_dict(allocation->plan, PLAN_TRIED, first, VOCAB_SOLVED))
			return;
		memmove(&tried->items[0], &tried->items[1],
			(tried->len - 1) * sizeof(tried->items[0]));
		tried->len--;
	}
}

static int make_collection(struct allocation *allocation, struct error *error,
			   struct collection **ret_collection)
{
	struct broker_client *client = allocation->client;
	struct collection *collection;
	int result = check_devices(allocation, error);

	if (result)
		return result;
	attach_tried(allocation);
	result = collection_create(client, allocation->number,
				   (uint32_t)vocab_number(allocation->request, REQUEST_LINGER_MS),
				   allocation->plan, allocation->fds, allocation->fds_len,
				   &allocation->charge, &collection);
	if (result)
		return result;
	allocation->plan = NULL;
	allocation->fds_len = 0;
	collection->next = client->collections;
	client->collections = collection;
	*ret_collection = collection;
	return 0;
}

static void forget_allocation(struct allocation *allocation)
{
	struct allocation **at = &allocation->client->allocations;

	while (*at != allocation)
		at = &(*at)->next;
	*at = allocation->next;
}

static void allocation_done(struct broker *broker, struct allocation *allocation)
{
	struct broker_client *client = allocation->client;
	struct collection *collection = NULL;
	struct error error = {0};
	int result = allocation->result;

	(void)broker;
	if (client->gone)
		result = error_set(&error, ERROR_GONE, CONSTRAINT_REQUEST, NULL, NULL,
				   "the client to wait for its answer", "it went away");
	else if (result == 0)
		result = make_collection(allocation, &error, &collection);
	if (result)
		quota_give_back(&client->quota, &allocation->charge);
	if (result == -ENOMEM && allocation->result == -ENOMEM && !client->gone) {
		result = try_next_heap(allocation, &error);
		if (result == 0)
			return;
	} else if (result && !error.code) {
		result = name_failure(allocation, result, &error);
	}
	if (result && !error.code)
		error_set(&error, ERROR_OUT_OF_MEMORY, CONSTRAINT_CAPACITY, NULL, NULL,
			  "the allocation to succeed", strerror(-result));
	allocation->allocated(allocation->data, collection, &error);
	error_finish(&error);
	/* not before: the host may have destroyed the client just now */
	forget_allocation(allocation);
	allocation_destroy(allocation);
	client_free_if_idle(client);
}

void broker_job_done(struct broker *broker, struct broker_job *job)
{
	if (job->run == run_measurement) {
		measurement_done(broker, (struct measurement *)job);
		check_settled(broker);
	} else {
		allocation_done(broker, (struct allocation *)job);
	}
}
