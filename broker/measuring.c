/* SPDX-License-Identifier: MIT */
/*
 * Measuring: a node is measured by a job that carries copies of all it needs. While it runs its
 * node may go or change (the result is dropped then). A device that was in use is asked again, and
 * so is one that a client reports to have refused memory which should suit it.
 */
#include "broker/measuring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/measured.h"
#include "broker/probe/probe.h"

#define AGAIN_MS 1000 /* until what was missed is looked for */

/* Until a device that was in use is asked again: for a start soon, then ever more rarely, as asking
 * opens its node. */
#define RETRY_FIRST_MS 1000
#define RETRY_LAST_MS 300000

/* A client that reports does not make us open a device more often than this. */
#define REPORT_PAUSE_MS 60000

struct measurement {
	struct broker_job job;	  /* first: a job is found back by its address */
	struct measurement *next; /* broker.measurements */
	const struct probe_options *options;
	struct probe_node node;
	void *previous;		/* a copy of what was known before, for the job; may be NULL */
	bool afresh;		/* trials are made even if they were before */
	bool again;		/* the job's answer: something was in use */
	bool stale;		/* the node went or changed while we measured */
	struct probe_node then; /* measure this after it: two at once would disturb each other */
	bool then_afresh;
	int result;
	void *descriptor; /* NULL, though it went well: what is known stays */
};

/* A device that was in use when it was measured: it is asked again, more and more rarely. */
struct retry {
	struct retry *next; /* broker.retries */
	struct probe_node node;
	uint64_t due_ms;
	uint64_t pause_ms;
	bool afresh;
};

static int measure_now(struct measurement *measurement, const void *previous)
{
	bool again;
	int error = probe_measure(&measurement->node, measurement->options, previous,
				  &measurement->descriptor, &again);

	measurement->again = measurement->again || (!error && again);
	return error;
}

/* From scratch. What is in use cannot be tried: then all that is known stays until it is idle. So
 * does what was measured before and no trial has looked for now. */
static int measure_afresh(struct measurement *measurement)
{
	int error = measure_now(measurement, NULL);

	if (error || !measurement->previous)
		return error;
	if (measurement->again) {
		vocab_destroy(measurement->descriptor);
		measurement->descriptor = NULL;
	} else {
		measured_keep(measurement->previous, measurement->descriptor);
	}
	return 0;
}

static void run_measurement(struct broker_job *job)
{
	struct measurement *measurement = (struct measurement *)job;

	measurement->result = measurement->afresh ? measure_afresh(measurement)
						  : measure_now(measurement, measurement->previous);
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

/* What is known of the node so far. Errors: -ENOMEM. */
static int copy_previous(const struct broker *broker, const struct probe_node *node,
			 struct measurement *measurement)
{
	const void *known = find_descriptor(broker, probe_node_is_heap(node), node->id);

	return known ? vocab_copy(known, &measurement->previous) : 0;
}

static int start_measurement(struct broker *broker, const struct probe_node *node, bool afresh)
{
	struct measurement *measurement = calloc(1, sizeof(*measurement));
	int error;

	if (!measurement)
		return -ENOMEM;
	error = probe_node_copy(node, &measurement->node);
	if (!error)
		error = copy_previous(broker, node, measurement);
	if (error) {
		measurement_destroy(measurement);
		return error;
	}
	measurement->afresh = afresh && !probe_node_is_heap(node);
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

/* Has it measured once more when it is done. */
static int measure_after(struct measurement *running, const struct probe_node *node, bool afresh)
{
	running->then_afresh = running->then_afresh || afresh;
	probe_node_finish(&running->then);
	return probe_node_copy(node, &running->then);
}

/* Has a node measured, now or after the measurement that is under way. */
static void measure(struct broker *broker, const struct probe_node *node, bool afresh)
{
	struct measurement *running = find_measurement(broker, node->id);
	int error = running ? measure_after(running, node, afresh)
			    : start_measurement(broker, node, afresh);

	if (error)
		broker->again_ms = inside_now_ms() + AGAIN_MS;
}

/* What is being measured was measured too early. */
static void outdate_measurement(struct broker *broker, const char *id)
{
	struct measurement *running = find_measurement(broker, id);

	if (!running)
		return;
	running->stale = true;
	running->then_afresh = false;
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
static void retry_later(struct broker *broker, const struct probe_node *node, bool afresh)
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
	retry->afresh = afresh;
	retry->pause_ms = retry->pause_ms ? retry->pause_ms * 2 : RETRY_FIRST_MS;
	if (retry->pause_ms > RETRY_LAST_MS)
		retry->pause_ms = RETRY_LAST_MS;
	retry->due_ms = inside_now_ms() + retry->pause_ms;
}

/* What is due is measured; until that is done it is not due again. */
void measuring_retry(struct broker *broker)
{
	uint64_t now = inside_now_ms();

	for (struct retry *retry = broker->retries; retry; retry = retry->next) {
		if (retry->due_ms > now)
			continue;
		retry->due_ms = UINT64_MAX;
		if (!find_measurement(broker, retry->node.id))
			measure(broker, &retry->node, retry->afresh);
	}
}

/* Whether it is to be measured from scratch, now or when it is idle. */
static bool is_doubted(struct broker *broker, const char *id)
{
	const struct measurement *running = find_measurement(broker, id);
	const struct retry *retry = *find_retry(broker, id);

	return (running && (running->afresh || running->then_afresh)) || (retry && retry->afresh);
}

void measuring_on_node(void *data, enum probe_event event, const struct probe_node *node)
{
	struct broker *broker = data;
	bool is_heap = probe_node_is_heap(node), afresh = is_doubted(broker, node->id);
	void *descriptor;

	outdate_measurement(broker, node->id);
	drop_retry(broker, node->id);
	if (event != PROBE_REMOVED) {
		measure(broker, node, afresh);
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

static void finish_measurement(struct broker *broker, struct measurement *measurement)
{
	if (measurement->stale) {
		if (!measurement->result)
			vocab_destroy(measurement->descriptor);
	} else {
		if (!measurement->result && measurement->descriptor)
			put_descriptor(broker, measurement);
		if (!measurement->result && measurement->again)
			retry_later(broker, &measurement->node, measurement->afresh);
		else
			drop_retry(broker, measurement->node.id);
	}
	forget_measurement(broker, measurement);
	if (measurement->then.id)
		measure(broker, &measurement->then, measurement->then_afresh);
	measurement_destroy(measurement);
}

/* The first time that nothing is being measured any more. */
void measuring_check_settled(struct broker *broker)
{
	if (broker->settled || broker->measurements)
		return;
	broker->settled = true;
	if (broker->host.on_settled)
		broker->host.on_settled(broker->host.data);
}

bool measuring_done(struct broker *broker, struct broker_job *job)
{
	if (job->run != run_measurement)
		return false;
	finish_measurement(broker, (struct measurement *)job);
	measuring_check_settled(broker);
	return true;
}

void measuring_finish(struct broker *broker)
{
	while (broker->retries)
		drop_retry(broker, broker->retries->node.id);
}

uint64_t measuring_due(const struct broker *broker)
{
	uint64_t first = broker->again_ms ? broker->again_ms : UINT64_MAX;

	for (const struct retry *retry = broker->retries; retry; retry = retry->next)
		if (retry->due_ms < first)
			first = retry->due_ms;
	return first;
}

int measuring_enumerate(struct broker *broker)
{
	int error;

	broker->again_ms = 0;
	error = probe_enumerate(broker->probe, measuring_on_node, broker);
	if (error)
		broker->again_ms = inside_now_ms() + AGAIN_MS;
	return error;
}

/* ---- what a client reports ---- */

/* FNV-1a: ids are compared by it where no memory shall be needed. */
static uint64_t hash(const char *text)
{
	uint64_t value = 0xcbf29ce484222325;

	for (; *text; text++)
		value = (value ^ (unsigned char)*text) * 0x100000001b3;
	return value;
}

/* Whether a device may be measured for the sake of a report now; it may not again soon. */
static bool may_measure_reported(struct broker *broker, const char *id)
{
	uint64_t now = inside_now_ms(), key = hash(id);
	struct reported *oldest = &broker->reported[0];

	for (size_t i = 0; i < BROKER_REPORTED_MAX; i++) {
		struct reported *one = &broker->reported[i];

		if (one->device == key && now < one->until_ms)
			return false;
		if (one->until_ms < oldest->until_ms)
			oldest = one;
	}
	if (now < oldest->until_ms)
		return false;
	*oldest = (struct reported){.device = key, .until_ms = now + REPORT_PAUSE_MS};
	return true;
}

struct again {
	struct broker *broker;
	const char *id;
};

static void on_reported_node(void *data, enum probe_event event, const struct probe_node *node)
{
	struct again *again = data;

	if (event == PROBE_REMOVED)
		measuring_on_node(again->broker, event, node);
	else if (strcmp(node->id, again->id) == 0)
		measure(again->broker, node, true);
}

void measuring_check(struct broker *broker, const char *device)
{
	struct again again = {.broker = broker, .id = device};

	if (may_measure_reported(broker, device))
		(void)probe_enumerate(broker->probe, on_reported_node, &again);
}
