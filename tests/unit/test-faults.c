/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of a piece of work fails once: no crash, nothing left behind, and either the
 * answer that would have come (details of an error may be missing) or -ENOMEM.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/model/plan.h"
#include "broker/model/text.h"
#include "broker/solver/solve.h"
#include "protocol/wire.h"
#include "tests/unit/check.h"
#include "tests/unit/faults.h"
#include "tests/unit/machine.h"

/* ---- libdbus: each function that needs memory may say no as well ---- */

bool faults_strike(void);

dbus_bool_t __real_dbus_message_iter_append_basic(DBusMessageIter *iter, int type, const void *at);
dbus_bool_t __wrap_dbus_message_iter_append_basic(DBusMessageIter *iter, int type, const void *at);
dbus_bool_t __wrap_dbus_message_iter_append_basic(DBusMessageIter *iter, int type, const void *at)
{
	return faults_strike() ? FALSE : __real_dbus_message_iter_append_basic(iter, type, at);
}

dbus_bool_t __real_dbus_message_iter_open_container(DBusMessageIter *iter, int type,
						    const char *signature, DBusMessageIter *sub);
dbus_bool_t __wrap_dbus_message_iter_open_container(DBusMessageIter *iter, int type,
						    const char *signature, DBusMessageIter *sub);
dbus_bool_t __wrap_dbus_message_iter_open_container(DBusMessageIter *iter, int type,
						    const char *signature, DBusMessageIter *sub)
{
	return faults_strike()
		       ? FALSE
		       : __real_dbus_message_iter_open_container(iter, type, signature, sub);
}

/* It has closed the container, also where it fails. */
dbus_bool_t __real_dbus_message_iter_close_container(DBusMessageIter *iter, DBusMessageIter *sub);
dbus_bool_t __wrap_dbus_message_iter_close_container(DBusMessageIter *iter, DBusMessageIter *sub);
dbus_bool_t __wrap_dbus_message_iter_close_container(DBusMessageIter *iter, DBusMessageIter *sub)
{
	if (!faults_strike())
		return __real_dbus_message_iter_close_container(iter, sub);
	dbus_message_iter_abandon_container(iter, sub);
	return FALSE;
}

char *__real_dbus_message_iter_get_signature(DBusMessageIter *iter);
char *__wrap_dbus_message_iter_get_signature(DBusMessageIter *iter);
char *__wrap_dbus_message_iter_get_signature(DBusMessageIter *iter)
{
	return faults_strike() ? NULL : __real_dbus_message_iter_get_signature(iter);
}

DBusMessage *__real_dbus_message_new_error(DBusMessage *call, const char *name, const char *text);
DBusMessage *__wrap_dbus_message_new_error(DBusMessage *call, const char *name, const char *text);
DBusMessage *__wrap_dbus_message_new_error(DBusMessage *call, const char *name, const char *text)
{
	return faults_strike() ? NULL : __real_dbus_message_new_error(call, name, text);
}

/* ---- every allocation in turn ---- */

#define ALLOCATIONS_MAX 100000u

/* Does the work once and cleans up. Returns its result. No ck_assert in it: libcheck allocates. */
typedef int (*work_fn)(const void *data);

static void fail_each(work_fn work, const void *data)
{
	int wanted = work(data), result;
	size_t fds = faults_fds();
	long live = faults_live();
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		ck_assert_uint_lt(nth, ALLOCATIONS_MAX);
		faults_begin(nth);
		result = work(data);
		failed = faults_end();
		ck_assert_msg(result == wanted || (failed && result == -ENOMEM),
			      "allocation %u: %d, wanted %d", nth, result, wanted);
		ck_assert_msg(faults_live() == live, "allocation %u: %ld blocks are left", nth,
			      faults_live() - live);
		ck_assert_uint_eq(faults_fds(), fds);
	}
}

/* ---- model and solver ---- */

static struct machine *machine;

static const char *const requests[] = {
	"640x480 camera=cam1:capture encoder=codec:output display=vkms:scanout",
	"650x480 f=XR24 camera=cam1:capture/stride-align=96 display=lcd:scanout cpu=:cpu",
	"640x480 h=system,nowhere camera=cam1:capture encoder=codec:output",
	"640x480 f=NV12 camera=greedy:capture/max-count=2 encoder=codec:output",
	"640x480 camera=cam0:capture display=bochs:scanout",
	"640x480 cpu=:cpu",
	"640x480 a=nothing:capture",
	"640x480 a=codec",
	"640x480 a=lcd",
};

static int work_copy(const void *data)
{
	void *copy;
	int result = vocab_copy(data, &copy);

	if (!result)
		vocab_destroy(copy);
	return result;
}

START_TEST(copying)
{
	machine = machine_by_name("pc");
	fail_each(work_copy, machine);
	vocab_destroy(machine);
}
END_TEST

static int solve_request(struct request *request)
{
	struct error error = {0};
	struct plan *plan = NULL;
	char *text = NULL;
	int result = request_settle(request, machine, &error);

	if (!result)
		result = solve(machine, request, &error, &plan);
	assert((result == 0) == (plan != NULL));
	assert(result == 0 || result == -ENOMEM || error_rows[error.code].number == result);
	text = plan ? text_plan(plan) : text_error(&error);
	free(text);
	vocab_destroy(plan);
	error_finish(&error);
	return result;
}

static int work_solve(const void *data)
{
	struct request *request;
	int result = vocab_copy(data, &request);

	if (result)
		return result;
	result = solve_request(request);
	vocab_destroy(request);
	return result;
}

START_TEST(settling_and_solving)
{
	struct request *request = request_by_text(requests[_i]);

	machine = machine_by_name("pc");
	fail_each(work_solve, request);
	vocab_destroy(request);
	vocab_destroy(machine);
}
END_TEST

/* What came about although memory was short is as it would have been. */
START_TEST(a_plan_is_whole_or_none)
{
	struct error error = {0};
	struct request *request = request_by_text(requests[0]);
	struct plan *plan;
	char *wanted, *text;
	bool failed = true;

	machine = machine_by_name("pc");
	ck_assert_int_eq(request_settle(request, machine, &error), 0);
	ck_assert_int_eq(solve(machine, request, &error, &plan), 0);
	wanted = text_plan(plan);
	vocab_destroy(plan);
	for (unsigned int nth = 1; failed; nth++) {
		plan = NULL;
		faults_begin(nth);
		(void)solve(machine, request, &error, &plan);
		failed = faults_end();
		error_finish(&error);
		if (!plan)
			continue;
		text = text_plan(plan);
		ck_assert_str_eq(text, wanted);
		free(text);
		vocab_destroy(plan);
	}
	free(wanted);
	vocab_destroy(request);
	vocab_destroy(machine);
}
END_TEST

/* ---- wire ---- */

static DBusMessage *new_message(DBusMessageIter *iter)
{
	DBusMessage *message = dbus_message_new_signal("/a", "a.b", "c");

	assert(message);
	dbus_message_iter_init_append(message, iter);
	return message;
}

static int work_append(const void *data)
{
	DBusMessageIter iter;
	DBusMessage *message = new_message(&iter);
	void *const records[] = {(void *)(uintptr_t)data, (void *)(uintptr_t)data};
	int result = wire_append_record(&iter, data);

	if (!result)
		result = wire_append_records(&iter, records, 2);
	dbus_message_unref(message);
	return result;
}

struct letter {
	DBusMessage *message;
	const struct vocab_group *group;
};

static int work_read(const void *data)
{
	const struct letter *letter = data;
	struct error error = {0};
	DBusMessageIter iter;
	void *record = NULL;
	int result;

	dbus_message_iter_init(letter->message, &iter);
	result = wire_read_record(&iter, letter->group, &error, &record);
	assert((result == 0) == (record != NULL));
	vocab_destroy(record);
	error_finish(&error);
	return result;
}

static void travel(const void *record, const struct vocab_group *group)
{
	struct letter letter = {.group = group};
	DBusMessageIter iter;

	fail_each(work_append, record);
	letter.message = new_message(&iter);
	ck_assert_int_eq(wire_append_record(&iter, record), 0);
	fail_each(work_read, &letter);
	dbus_message_unref(letter.message);
}

START_TEST(records_on_the_wire)
{
	struct request *request = request_by_text("640x480 f=XR24 h=a,b a=cam0:capture cpu=:cpu");
	struct participant *first = (struct participant *)request->participants.items[0];
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	machine = machine_by_name("pc");
	travel(machine_find_device(machine, "codec"), &vocab_device);
	travel(machine_find_heap(machine, "reserved"), &vocab_heap);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(vocab_set_fd(first, PARTICIPANT_DEVICE_FD, fd, VOCAB_DECLARED), 0);
	travel(request, &vocab_request);
	/* an answer to those who asked wrongly */
	vocab_clear(request, REQUEST_HEIGHT);
	travel(request, &vocab_request);
	vocab_destroy(request);
	vocab_destroy(machine);
}
END_TEST

static int work_error(const void *data)
{
	DBusMessage *call = (DBusMessage *)(uintptr_t)data, *reply;
	struct error error = {0}, read;
	char *text;
	int result = error_set(&error, ERROR_CONFLICT, CONSTRAINT_REACH, "camera", "key", "this",
			       "that");

	reply = wire_error(call, &error, result);
	error_finish(&error);
	if (!reply)
		return -ENOMEM;
	result = wire_read_error(reply, &read, &text);
	assert(read.code == ERROR_CONFLICT);
	free(text);
	error_finish(&read);
	dbus_message_unref(reply);
	return result;
}

static int work_path(const void *data)
{
	char *path = wire_path(WIRE_PATH_HEAP, data);

	free(path);
	return path ? 0 : -ENOMEM;
}

START_TEST(errors_and_paths)
{
	DBusMessage *call = dbus_message_new_method_call("a.b", "/a", "a.b", "C");

	dbus_message_set_serial(call, 1);
	fail_each(work_error, call);
	fail_each(work_path, "linux,cma");
	dbus_message_unref(call);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("faults");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 60);
	tcase_add_test(all, copying);
	tcase_add_loop_test(all, settling_and_solving, 0,
			    (int)(sizeof(requests) / sizeof(requests[0])));
	tcase_add_test(all, a_plan_is_whole_or_none);
	tcase_add_test(all, records_on_the_wire);
	tcase_add_test(all, errors_and_paths);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
