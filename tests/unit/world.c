/* SPDX-License-Identifier: MIT */
#include "tests/unit/world.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker/heap/heap.h"
#include "broker/probe/probe.h"
#include "tests/unit/check.h"
#include "tests/unit/faults.h"
#include "tests/unit/machine.h"

struct machine *world; /* what can be measured */

/* ---- the probe ---- */

static probe_event_fn on_event;
static void *on_event_data;
int enumerate_error; /* after the first node */
int dispatch_error;

static void report_to(probe_event_fn callback, void *data, enum probe_event event, const char *id,
		      const char *subsystem)
{
	struct probe_node node = {.id = (char *)(uintptr_t)id,
				  .node = (char *)(uintptr_t) "/dev/null",
				  .sysfs = (char *)(uintptr_t) "/sys",
				  .subsystem = (char *)(uintptr_t)subsystem};

	callback(data, event, &node);
}

void world_report(enum probe_event event, const char *id, const char *subsystem)
{
	report_to(on_event, on_event_data, event, id, subsystem);
}

int __wrap_probe_create(const struct probe_options *options, struct probe **ret_probe);
int __wrap_probe_create(const struct probe_options *options, struct probe **ret_probe)
{
	(void)options;
	*ret_probe = NULL;
	return 0;
}

void __wrap_probe_destroy(struct probe *probe);
void __wrap_probe_destroy(struct probe *probe)
{
	(void)probe;
}

int __wrap_probe_enumerate(struct probe *probe, probe_event_fn callback, void *data);
int __wrap_probe_enumerate(struct probe *probe, probe_event_fn callback, void *data)
{
	(void)probe;
	if (!on_event) {
		on_event = callback;
		on_event_data = data;
	}
	for (size_t i = 0; i < world->devices.len; i++) {
		report_to(callback, data, PROBE_ADDED,
			  vocab_string(world->devices.items[i], DEVICE_ID), "drm");
		if (enumerate_error)
			return enumerate_error;
	}
	for (size_t i = 0; i < world->heaps.len; i++)
		report_to(callback, data, PROBE_ADDED, vocab_string(world->heaps.items[i], HEAP_ID),
			  "dma_heap");
	return 0;
}

int __wrap_probe_dispatch(struct probe *probe, probe_event_fn callback, void *data);
int __wrap_probe_dispatch(struct probe *probe, probe_event_fn callback, void *data)
{
	(void)probe;
	(void)callback;
	(void)data;
	return dispatch_error;
}

int __wrap_probe_machine(const char *root, struct machine *machine);
int __wrap_probe_machine(const char *root, struct machine *machine)
{
	(void)root;
	(void)machine;
	return 0;
}

const char *busy;	      /* id of the device that is in use */
unsigned int measured_before; /* measurements that were told what was known */
unsigned int measured;

int __wrap_probe_measure(const struct probe_node *node, const struct probe_options *options,
			 const void *previous, void *ret_descriptor, bool *ret_again);
int __wrap_probe_measure(const struct probe_node *node, const struct probe_options *options,
			 const void *previous, void *ret_descriptor, bool *ret_again)
{
	const void *found = probe_node_is_heap(node) ? (void *)machine_find_heap(world, node->id)
						     : (void *)machine_find_device(world, node->id);

	assert(options->quirks && options->platform);
	measured++;
	measured_before += previous != NULL;
	*ret_again = busy && strcmp(busy, node->id) == 0;
	return found ? vocab_copy(found, ret_descriptor) : -ENODEV;
}

/* ---- the heaps: what each answers, by the end of its node's path ---- */

struct world_broken broken[3];

unsigned int heap_calls;

int __wrap_heap_allocate(enum exporter exporter, const char *node, uint64_t bytes,
			 const char *name);
int __wrap_heap_allocate(enum exporter exporter, const char *node, uint64_t bytes, const char *name)
{
	int fd;

	(void)exporter;
	heap_calls++;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		if (broken[i].heap && strcmp(strrchr(node, '/') + 1, broken[i].heap) == 0) {
			if (broken[i].given++ >= broken[i].after) {
				broken[i].given = 0;
				return broken[i].error;
			}
			break;
		}
	fd = memfd_create(name, MFD_CLOEXEC);
	assert(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
	return fd;
}

unsigned int wrap_calls;
int wrap_error;

/* What comes is the memfd once more. */
int __wrap_heap_wrap(const char *node, int memory, uint64_t bytes, const char *name);
int __wrap_heap_wrap(const char *node, int memory, uint64_t bytes, const char *name)
{
	(void)bytes;
	assert(node[0] && name[0]);
	wrap_calls++;
	return wrap_error ? wrap_error : fcntl(memory, F_DUPFD_CLOEXEC, 3);
}

/* ---- the host ---- */

struct broker *broker;
struct broker_job *jobs; /* broker_job.next */
unsigned int settled, added, removed, changed;
unsigned int changed_rows; /* of the last change: how many of the device's own rows */

static void submit(void *data, struct broker_job *job)
{
	(void)data;
	job->next = jobs;
	jobs = job;
}

static void on_change(void *data, enum broker_change change, const void *descriptor,
		      const void *previous)
{
	const struct vocab_head *head = descriptor;

	(void)data;
	assert(head->group);
	assert(previous == NULL || change == BROKER_CHANGED);
	changed += change == BROKER_CHANGED;
	for (unsigned int row = changed_rows = 0; previous && row < head->group->rows_len; row++)
		changed_rows += !vocab_equal(descriptor, previous, row);
	added += change == BROKER_ADDED;
	removed += change == BROKER_REMOVED;
}

static void on_settled(void *data)
{
	(void)data;
	settled++;
}

char told[4096], stuck[512];

static const char *const event_names[] = {[BROKER_NEGOTIATED] = "negotiated",
					  [BROKER_HANDED_OVER] = "handed-over",
					  [BROKER_ENDED] = "ended"};

static void on_collection(void *data, void *client_data, uint64_t number, enum broker_event event,
			  uint32_t generation, const struct error *error)
{
	size_t len = strlen(told);

	(void)data;
	assert((event == BROKER_ENDED) == (error != NULL));
	snprintf(told + len, sizeof(told) - len, "%u %s %u by %u\n",
		 (unsigned int)(uintptr_t)client_data, event_names[event],
		 error ? (unsigned int)error->code : generation, (unsigned int)number);
}

static void on_stuck(void *data, uint64_t number, const struct vocab_strings *missing)
{
	(void)data;
	(void)number;
	for (size_t i = 0; i < missing->len; i++) {
		size_t len = strlen(stuck);

		snprintf(stuck + len, sizeof(stuck) - len, "%s\n", missing->items[i]);
	}
}

const struct broker_host host = {.submit = submit,
				 .on_change = on_change,
				 .on_settled = on_settled,
				 .on_collection = on_collection,
				 .on_stuck = on_stuck};

/* Runs the last job, without its end. */
struct broker_job *run_one(void)
{
	struct broker_job *job = jobs;

	assert(job);
	jobs = job->next;
	job->run(job);
	return job;
}

void run_all(void)
{
	while (jobs)
		broker_job_done(broker, run_one());
}

static long live_before;
static size_t fds_before;

void world_setup(void)
{
	static const struct broker_options options;

	memset(broken, 0, sizeof(broken));
	enumerate_error = dispatch_error = wrap_error = 0;
	wrap_calls = 0;
	settled = added = removed = changed = changed_rows = measured_before = 0;
	on_event = NULL;
	told[0] = stuck[0] = '\0';
	busy = NULL;
	world = machine_by_name("pc");
	fds_before = faults_fds();
	live_before = faults_live();
	ck_assert_int_eq(broker_create(&host, &options, &broker), 0);
	run_all();
}

/* Nothing is left when all has ended. */
void world_teardown(void)
{
	broker_destroy(broker);
	ck_assert_int_eq(faults_live(), live_before);
	ck_assert_uint_eq(faults_fds(), fds_before);
	vocab_destroy(world);
}
