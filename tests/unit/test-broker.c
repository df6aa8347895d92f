/* SPDX-License-Identifier: MIT */
/* The broker among nodes and heaps that are made up (world.h). */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "broker/broker.h"
#include "broker/probe/probe.h"
#include "broker/quota.h"
#include "tests/unit/check.h"
#include "tests/unit/faults.h"
#include "tests/unit/machine.h"
#include "tests/unit/world.h"

#define ALLOCATIONS_MAX 10000u

/* ---- a client ---- */

struct answer {
	unsigned int times;
	enum error_code code;
	struct collection *collection;
	unsigned int refusals;
	struct broker_client *dies; /* as soon as the answer is there */
};

static void on_allocated(void *data, struct collection *collection, const struct error *error)
{
	struct answer *answer = data;

	answer->times++;
	answer->code = error->code;
	answer->collection = collection;
	answer->refusals = error->details ? (unsigned int)error->details->refusals.len : 0;
	assert((collection == NULL) == (error->code != ERROR_NONE));
	if (answer->dies)
		broker_client_destroy(answer->dies);
}

static struct broker_client *new_client(uid_t uid)
{
	struct broker_client *client;

	ck_assert_int_eq(broker_client_create(broker, uid, NULL, &client), 0);
	return client;
}

static int begin(struct broker_client *client, const char *text, struct answer *answer)
{
	struct error error = {0};
	int result = broker_allocate(client, request_by_text(text), on_allocated, answer, &error);

	answer->code = error.code;
	error_finish(&error);
	return result;
}

static struct answer allocate(struct broker_client *client, const char *text)
{
	struct answer answer = {0};

	ck_assert_int_eq(begin(client, text, &answer), 0);
	ck_assert_uint_eq(answer.times, 0);
	run_all();
	ck_assert_uint_eq(answer.times, 1);
	return answer;
}

static void break_heap(size_t i, const char *heap, int error)
{
	broken[i].heap = heap;
	broken[i].error = error;
}

static const char camera[] = "640x480 n=3 camera=cam0:capture encoder=codec:output";

/* ---- nodes ---- */

START_TEST(all_nodes_are_measured_once)
{
	ck_assert_uint_eq(settled, 1);
	ck_assert_uint_eq(added, world->devices.len + world->heaps.len);
	ck_assert_uint_eq(broker_get_machine(broker)->devices.len, world->devices.len);
	ck_assert_int_eq(broker_get_timeout(broker), -1);
}
END_TEST

START_TEST(a_node_that_goes_while_it_is_measured_stays_away)
{
	struct broker_job *job;

	world_report(PROBE_REMOVED, "cam0", "video4linux");
	ck_assert_uint_eq(removed, 1);
	world_report(PROBE_ADDED, "cam0", "video4linux");
	job = run_one();
	world_report(PROBE_REMOVED, "cam0", "video4linux");
	broker_job_done(broker, job);
	ck_assert_ptr_null(machine_find_device(broker_get_machine(broker), "cam0"));
	ck_assert_uint_eq(removed, 1);
}
END_TEST

static unsigned int jobs_waiting(void)
{
	unsigned int len = 0;

	for (struct broker_job *job = jobs; job; job = job->next)
		len++;
	return len;
}

START_TEST(a_node_that_changes_while_it_is_measured_is_measured_afterwards)
{
	struct broker_job *job;
	unsigned int before = added;

	world_report(PROBE_REMOVED, "cam0", "video4linux");
	world_report(PROBE_ADDED, "cam0", "video4linux");
	job = run_one();
	world_report(PROBE_CHANGED, "cam0", "video4linux");
	world_report(PROBE_CHANGED, "cam0", "video4linux");
	ck_assert_uint_eq(jobs_waiting(), 0); /* two trials at once would disturb each other */
	broker_job_done(broker, job);
	ck_assert_ptr_null(machine_find_device(broker_get_machine(broker), "cam0"));
	ck_assert_uint_eq(jobs_waiting(), 1);
	run_all();
	ck_assert_ptr_nonnull(machine_find_device(broker_get_machine(broker), "cam0"));
	ck_assert_uint_eq(added, before + 1);
}
END_TEST

START_TEST(a_change_is_told_with_what_was_known_before)
{
	struct device *cam0 = machine_find_device(world, "cam0");

	world_report(PROBE_CHANGED, "cam0", "video4linux");
	run_all();
	ck_assert_uint_eq(measured_before, 1);
	ck_assert_uint_eq(changed, 1);
	ck_assert_uint_eq(changed_rows, 0);
	ck_assert_int_eq(vocab_set_number(cam0, DEVICE_ADDRESS_BITS, 40, VOCAB_KERNEL), 0);
	world_report(PROBE_CHANGED, "cam0", "video4linux");
	run_all();
	ck_assert_uint_eq(changed_rows, 1);
	world_report(PROBE_REMOVED, "cam0", "video4linux");
	world_report(PROBE_ADDED, "cam0", "video4linux");
	run_all();
	ck_assert_uint_eq(measured_before, 2); /* what has gone is measured from scratch */
}
END_TEST

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

START_TEST(a_device_in_use_is_asked_again_until_it_is_idle)
{
	busy = "cam0";
	world_report(PROBE_CHANGED, "cam0", "video4linux");
	run_all();
	ck_assert_int_gt(broker_get_timeout(broker), 0);
	ck_assert_int_le(broker_get_timeout(broker), 1000);
	ck_assert_int_eq(broker_dispatch(broker), 0);
	ck_assert_uint_eq(jobs_waiting(), 0);
	sleep_ms(1010);
	ck_assert_int_eq(broker_get_timeout(broker), 0);
	ck_assert_int_eq(broker_dispatch(broker), 0);
	ck_assert_uint_eq(jobs_waiting(), 1);
	ck_assert_int_eq(broker_dispatch(broker), 0);
	ck_assert_uint_eq(jobs_waiting(), 1);
	run_all();
	ck_assert_int_gt(broker_get_timeout(broker), 1000); /* the pauses grow */
	busy = NULL;
	sleep_ms(2010);
	ck_assert_int_eq(broker_dispatch(broker), 0);
	run_all();
	ck_assert_int_eq(broker_get_timeout(broker), -1);
	ck_assert_uint_eq(changed, 3);
}
END_TEST

START_TEST(a_device_in_use_that_goes_is_forgotten)
{
	busy = "cam0";
	world_report(PROBE_CHANGED, "cam0", "video4linux");
	run_all();
	ck_assert_int_gt(broker_get_timeout(broker), 0);
	world_report(PROBE_REMOVED, "cam0", "video4linux");
	ck_assert_int_eq(broker_get_timeout(broker), -1);
	world_report(PROBE_ADDED, "cam0", "video4linux"); /* and one that waits when all ends */
	run_all();
	ck_assert_int_gt(broker_get_timeout(broker), 0);
}
END_TEST

START_TEST(what_was_missed_is_looked_for_again)
{
	world_report(PROBE_REMOVED, "cam0", "video4linux");
	dispatch_error = -ENOBUFS;
	enumerate_error = -ENOMEM;
	ck_assert_int_eq(broker_dispatch(broker), -ENOMEM);
	run_all();
	ck_assert_int_gt(broker_get_timeout(broker), 0);
	dispatch_error = enumerate_error = 0;
	nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 10000000}, NULL);
	ck_assert_int_eq(broker_get_timeout(broker), 0);
	ck_assert_int_eq(broker_dispatch(broker), 0);
	run_all();
	ck_assert_ptr_nonnull(machine_find_device(broker_get_machine(broker), "cam0"));
	ck_assert_int_eq(broker_get_timeout(broker), -1);
}
END_TEST

START_TEST(a_broker_with_jobs_under_way_is_no_failure)
{
	static const struct broker_options options;
	struct broker *first = broker;

	enumerate_error = -ENOMEM;
	ck_assert_int_eq(broker_create(&host, &options, &broker), 0);
	run_all();
	ck_assert_uint_eq(broker_get_machine(broker)->devices.len, 1);
	ck_assert_int_gt(broker_get_timeout(broker), 0);
	broker_destroy(broker);
	broker = first;
}
END_TEST

/* ---- allocating ---- */

START_TEST(buffers_come_and_go)
{
	struct broker_client *client = new_client(1000);
	struct answer answer = allocate(client, camera);
	struct buffer_record **records;
	struct error error = {0};
	uint64_t serial;
	size_t len;

	ck_assert_int_eq(answer.code, ERROR_NONE);
	ck_assert_uint_eq(collection_get_plan(answer.collection)->count, 3);
	ck_assert_int_eq(collection_get_buffers(client, answer.collection, 1, 2, 12, &error,
						&serial, &records, &len),
			 0);
	ck_assert_uint_eq(len, 2);
	ck_assert_uint_eq(vocab_number(records[0], BUFFER_INDEX), 1);
	for (size_t i = 0; i < len; i++)
		vocab_destroy(records[i]);
	free(records);
	ck_assert_int_eq(broker_acknowledge(client, serial, &error), 0);
	ck_assert_int_eq(broker_acknowledge(client, serial, &error), -EINVAL);
	error_finish(&error);
	collection_release(client, answer.collection);
	broker_client_destroy(client);
}
END_TEST

START_TEST(buffers_outside_the_collection_are_refused)
{
	static const uint32_t asked[][2] = {
		{0, 0}, {0, 4}, {3, 1}, {1, UINT32_MAX}, {UINT32_MAX, 1}};
	struct broker_client *client = new_client(1000);
	struct answer answer = allocate(client, camera);
	struct buffer_record **records;
	struct error error = {0};
	uint64_t serial;
	size_t len;

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		ck_assert_int_eq(collection_get_buffers(client, answer.collection, asked[i][0],
							asked[i][1], 12, &error, &serial, &records,
							&len),
				 -EINVAL);
		error_finish(&error);
	}
	broker_client_destroy(client);
}
END_TEST

START_TEST(fds_in_flight_are_limited_until_acknowledged)
{
	struct broker_client *client = new_client(1000);
	struct answer answer = allocate(client, camera);
	uint64_t limit = quota_limits[QUOTA_FDS_IN_FLIGHT].client, sent = 0, serial = 0;
	struct error error = {0};
	int result = 0;

	while (!result) {
		struct buffer_record **records;
		size_t len;

		result = collection_get_buffers(client, answer.collection, 0, 3, 12, &error,
						&serial, &records, &len);
		for (size_t i = 0; i < len && !result; i++)
			vocab_destroy(records[i]);
		if (!result)
			free(records);
		sent += result ? 0 : 3;
	}
	ck_assert_int_eq(result, -EDQUOT);
	ck_assert_uint_eq(sent, limit - limit % 3);
	error_finish(&error);
	broker_client_destroy(client);
}
END_TEST

START_TEST(collections_are_limited)
{
	struct broker_client *client = new_client(1000);
	struct answer answer = {0};
	uint64_t had = 0;

	while (begin(client, camera, &answer) == 0) {
		run_all();
		had++;
	}
	ck_assert_int_eq(answer.code, ERROR_QUOTA_EXCEEDED);
	ck_assert_uint_eq(had, quota_limits[QUOTA_COLLECTIONS].client);
	broker_client_destroy(client);
}
END_TEST

/* Two groups of two buffers of 2^62 bytes have 2^64: none, for who does not look. */
START_TEST(bytes_that_no_number_holds_are_too_many)
{
	static const char much[] =
		"640x480 f=XR24 allow-copies=1 "
		"writer=:cpu/stride-min=4096/bytes-min=0x4000000000000000/h=system "
		"display=vkms:scanout/stride-max=2560/bytes-min=0x4000000000000000/h=udmabuf";
	struct broker_client *client = new_client(1000);
	struct answer answer = {0};

	for (size_t i = 0; i < world->heaps.len; i++) {
		vocab_clear(world->heaps.items[i], HEAP_CAPACITY_BYTES);
		vocab_clear(world->heaps.items[i], HEAP_BUFFER_BYTES_MAX);
		world_report(PROBE_CHANGED, vocab_string(world->heaps.items[i], HEAP_ID),
			     "dma_heap");
	}
	run_all();
	ck_assert_int_eq(begin(client, much, &answer), -EDQUOT);
	ck_assert_int_eq(answer.code, ERROR_QUOTA_EXCEEDED);
	ck_assert_ptr_null(jobs);
	broker_client_destroy(client);
}
END_TEST

START_TEST(an_exhausted_heap_is_followed_by_the_next)
{
	struct broker_client *client = new_client(1000);
	const struct plan *plan;
	struct answer answer;

	break_heap(0, "system", -ENOMEM);
	answer = allocate(client, camera);
	ck_assert_int_eq(answer.code, ERROR_NONE);
	plan = collection_get_plan(answer.collection);
	ck_assert_str_eq(plan->heap, "udmabuf");
	ck_assert_uint_eq(plan->tried.len, 1);
	ck_assert_str_eq(vocab_string(plan->tried.items[0], REASON_VALUE), "system");
	broker_client_destroy(client);
}
END_TEST

static void exhaust_all(void)
{
	break_heap(0, "system", -ENOMEM);
	break_heap(1, "udmabuf", -ENOMEM);
	break_heap(2, "reserved", -ENOMEM);
}

START_TEST(all_heaps_exhausted)
{
	struct broker_client *client = new_client(1000);
	struct answer answer;

	exhaust_all();
	answer = allocate(client, camera);
	ck_assert_int_eq(answer.code, ERROR_OUT_OF_MEMORY);
	ck_assert_uint_eq(answer.refusals, 3);
	broker_client_destroy(client);
}
END_TEST

/* "reserved" holds 64 MiB: nine of these pictures can never lie in it. */
START_TEST(a_heap_smaller_than_what_is_asked)
{
	static const char much[] = "1920x1080 n=9 f=XR24 h=reserved camera=cam1:capture";
	struct broker_client *client = new_client(1000);
	struct answer answer = {0};
	struct error error = {0};
	struct plan *plan;

	ck_assert_int_eq(begin(client, much, &answer), -ENOMEM);
	ck_assert_int_eq(answer.code, ERROR_OUT_OF_MEMORY);
	ck_assert_ptr_null(jobs);
	ck_assert_int_eq(broker_plan(broker, request_by_text(much), &error, &plan), -EXDEV);
	ck_assert_int_eq(error.code, ERROR_CONFLICT);
	error_finish(&error);
	broker_client_destroy(client); /* asserts that nothing is charged */
}
END_TEST

START_TEST(a_full_list_of_forbidden_heaps_is_no_obstacle)
{
	struct broker_client *client = new_client(1000);
	struct request *request = request_by_text(camera);
	struct answer answer = {0};
	struct error error = {0};

	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(vocab_add_string(request, REQUEST_FORBIDDEN_HEAPS, "nobody",
						  VOCAB_DECLARED),
				 0);
	exhaust_all();
	ck_assert_int_eq(broker_allocate(client, request, on_allocated, &answer, &error), 0);
	run_all();
	ck_assert_int_eq(answer.code, ERROR_OUT_OF_MEMORY);
	ck_assert_uint_eq(answer.refusals, 3);
	broker_client_destroy(client);
}
END_TEST

static const struct {
	int error;
	enum error_code code;
} failures[] = {
	{-EACCES, ERROR_NOT_PERMITTED}, {-EPERM, ERROR_NOT_PERMITTED},
	{-ENOENT, ERROR_GONE},		{-ENODEV, ERROR_GONE},
	{-EMFILE, ERROR_BUSY},		{-EINVAL, ERROR_OUT_OF_MEMORY},
};

START_TEST(a_heap_that_fails_otherwise_is_named)
{
	struct broker_client *client = new_client(1000);
	struct answer answer;

	break_heap(0, "system", failures[_i].error);
	answer = allocate(client, camera);
	ck_assert_int_eq(answer.code, failures[_i].code);
	broker_client_destroy(client);
}
END_TEST

/* ---- who goes meanwhile ---- */

START_TEST(the_client_goes)
{
	struct broker_client *client = new_client(1000);
	struct answer answer = {0};
	struct broker_job *job;

	exhaust_all();
	broken[1].heap = _i ? NULL : broken[1].heap;
	ck_assert_int_eq(begin(client, camera, &answer), 0);
	job = run_one();
	broker_client_destroy(client);
	ck_assert_uint_eq(answer.times, 1);
	ck_assert_int_eq(answer.code, ERROR_GONE);
	broker_job_done(broker, job);
	ck_assert_uint_eq(answer.times, 1);
}
END_TEST

START_TEST(nothing_is_allocated_for_a_client_that_has_gone)
{
	struct broker_client *client = new_client(1000);
	struct answer answer = {0};
	unsigned int before = heap_calls;

	ck_assert_int_eq(begin(client, camera, &answer), 0);
	broker_client_destroy(client);
	run_all();
	ck_assert_uint_eq(heap_calls, before);
	ck_assert_int_eq(answer.code, ERROR_GONE);
}
END_TEST

START_TEST(the_client_goes_at_the_answer)
{
	struct answer answer = {.dies = new_client(1000)};

	if (_i)
		exhaust_all();
	ck_assert_int_eq(begin(answer.dies, camera, &answer), 0);
	run_all();
	ck_assert_uint_eq(answer.times, 1);
}
END_TEST

START_TEST(a_device_goes)
{
	struct broker_client *client = new_client(1000);
	struct answer answer = {0};
	struct broker_job *job;

	if (_i)
		break_heap(0, "system", -ENOMEM);
	ck_assert_int_eq(begin(client, camera, &answer), 0);
	job = run_one();
	world_report(PROBE_REMOVED, "codec", "video4linux");
	broker_job_done(broker, job);
	run_all();
	ck_assert_uint_eq(answer.times, 1);
	ck_assert_int_eq(answer.code, ERROR_GONE);
	broker_client_destroy(client);
}
END_TEST

/* ---- lingering ---- */

START_TEST(a_collection_lingers_for_its_user_alone)
{
	struct broker_client *client = new_client(1000), *other = new_client(1001);
	struct collection *found, *first;
	struct error error = {0};
	struct answer answer =
		allocate(client, "640x480 linger-ms=60000 f=XR24 camera=cam0:capture");
	uint64_t number = collection_get_number(answer.collection);

	ck_assert_int_eq(broker_find_collection(other, number, &error, &found), -ESTALE);
	broker_client_destroy(client);
	ck_assert_int_gt(broker_get_timeout(broker), 0);
	ck_assert_int_eq(broker_find_collection(other, number, &error, &found), -ESTALE);
	error_finish(&error);
	client = new_client(1000);
	ck_assert_int_eq(broker_find_collection(client, number, &error, &found), 0);
	ck_assert_int_eq(broker_find_collection(client, number, &error, &first), 0);
	ck_assert_ptr_eq(found, first);
	ck_assert_int_eq(broker_get_timeout(broker), -1);
	collection_release(client, found);
	broker_client_destroy(client);
	broker_client_destroy(other);
}
END_TEST

START_TEST(a_client_with_enough_takes_over_nothing)
{
	struct broker_client *client = new_client(1000);
	struct answer answer =
		allocate(client, "640x480 linger-ms=60000 f=XR24 camera=cam0:capture");
	uint64_t number = collection_get_number(answer.collection);
	struct collection *found;
	struct error error = {0};

	broker_client_destroy(client);
	client = new_client(1000);
	while (begin(client, camera, &answer) == 0)
		run_all();
	ck_assert_int_eq(broker_find_collection(client, number, &error, &found), -EDQUOT);
	error_finish(&error);
	broker_client_destroy(client);
	/* it lingers still, and goes with the broker */
	ck_assert_int_gt(broker_get_timeout(broker), 0);
}
END_TEST

START_TEST(lingering_ends)
{
	struct broker_client *client = new_client(1000);

	allocate(client, "640x480 linger-ms=1 f=XR24 camera=cam0:capture");
	broker_client_destroy(client);
	nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	ck_assert_int_eq(broker_get_timeout(broker), 0);
	ck_assert_int_eq(broker_dispatch(broker), 0);
	ck_assert_int_eq(broker_get_timeout(broker), -1);
}
END_TEST

/* ---- no memory ---- */

/* One life: a client that allocates, takes its buffers and goes. No ck_assert: libcheck allocates.
 */
static void live_once(struct request *request)
{
	struct answer answer = {0};
	struct broker_client *client;
	struct buffer_record **records;
	struct error error = {0};
	uint64_t serial;
	size_t len;

	if (broker_client_create(broker, 1000, NULL, &client)) {
		vocab_destroy(request);
		return;
	}
	if (broker_allocate(client, request, on_allocated, &answer, &error) == 0) {
		run_all();
		assert(answer.times == 1);
	}
	if (answer.collection && collection_get_buffers(client, answer.collection, 0, 2, 12, &error,
							&serial, &records, &len) == 0) {
		for (size_t i = 0; i < len; i++)
			vocab_destroy(records[i]);
		free(records);
	}
	error_finish(&error);
	broker_client_destroy(client);
}

START_TEST(every_allocation_fails_once)
{
	long live = faults_live();
	bool failed = true;

	if (_i)
		exhaust_all();
	for (unsigned int nth = 1; failed; nth++) {
		struct request *request = request_by_text(camera);

		ck_assert_uint_lt(nth, ALLOCATIONS_MAX);
		faults_begin(nth);
		live_once(request);
		failed = faults_end();
		ck_assert_msg(faults_live() == live, "allocation %u: %ld blocks are left", nth,
			      faults_live() - live);
	}
}
END_TEST

/* While nodes come: what could not be measured is looked for again. */
START_TEST(every_allocation_fails_once_while_nodes_come)
{
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		world_report(PROBE_REMOVED, "cam0", "video4linux");
		faults_begin(nth);
		world_report(PROBE_ADDED, "cam0", "video4linux");
		failed = faults_end();
		ck_assert(failed == (jobs == NULL));
		ck_assert_int_eq(broker_get_timeout(broker) >= 0, failed || nth > 1);
		run_all();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broker");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, world_setup, world_teardown);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, all_nodes_are_measured_once);
	tcase_add_test(all, a_node_that_changes_while_it_is_measured_is_measured_afterwards);
	tcase_add_test(all, nothing_is_allocated_for_a_client_that_has_gone);
	tcase_add_test(all, a_heap_smaller_than_what_is_asked);
	tcase_add_test(all, a_node_that_goes_while_it_is_measured_stays_away);
	tcase_add_test(all, what_was_missed_is_looked_for_again);
	tcase_add_test(all, a_change_is_told_with_what_was_known_before);
	tcase_add_test(all, a_device_in_use_is_asked_again_until_it_is_idle);
	tcase_add_test(all, a_device_in_use_that_goes_is_forgotten);
	tcase_add_test(all, a_broker_with_jobs_under_way_is_no_failure);
	tcase_add_test(all, buffers_come_and_go);
	tcase_add_test(all, buffers_outside_the_collection_are_refused);
	tcase_add_test(all, fds_in_flight_are_limited_until_acknowledged);
	tcase_add_test(all, collections_are_limited);
	tcase_add_test(all, bytes_that_no_number_holds_are_too_many);
	tcase_add_test(all, an_exhausted_heap_is_followed_by_the_next);
	tcase_add_test(all, all_heaps_exhausted);
	tcase_add_test(all, a_full_list_of_forbidden_heaps_is_no_obstacle);
	tcase_add_loop_test(all, a_heap_that_fails_otherwise_is_named, 0,
			    (int)(sizeof(failures) / sizeof(failures[0])));
	tcase_add_loop_test(all, the_client_goes, 0, 2);
	tcase_add_loop_test(all, the_client_goes_at_the_answer, 0, 2);
	tcase_add_loop_test(all, a_device_goes, 0, 2);
	tcase_add_test(all, a_collection_lingers_for_its_user_alone);
	tcase_add_test(all, a_client_with_enough_takes_over_nothing);
	tcase_add_test(all, lingering_ends);
	tcase_add_loop_test(all, every_allocation_fails_once, 0, 2);
	tcase_add_test(all, every_allocation_fails_once_while_nodes_come);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
