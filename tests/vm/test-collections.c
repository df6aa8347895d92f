/* SPDX-License-Identifier: MIT */
/*
 * A camera, an encoder and a display in three processes, which share buffers with a fourth that
 * brings them together, with the real daemon and real drivers.
 *
 * usage: test-collections
 *
 * Environment: DMABROKER_ADDRESS
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "examples/picture.h"
#include "tests/unit/check.h"
#include "tests/vm/library.h"
#include "tests/vm/members.h"

#define BUFINFO "/sys/kernel/debug/dma_buf/bufinfo"
#define NAME "together"
#define CODED_LEAST 2000u /* bytes; a picture with nothing in it needs fewer */

static const char *const devices[MEMBERS] = {CAMERA, ENCODER, DISPLAY};
static const char *const wanted[MEMBERS] = {"vivid-001", "vicodec", "vkms"};
static const char *const roles[MEMBERS] = {"capture", "output", "scanout"};
static const unsigned int campings[MEMBERS] = {2, 1, 2};

/* What all tests begin with. */
struct together {
	struct dmabroker *broker;
	struct dmabroker_collection *collection;
	int sockets[MEMBERS], pids[MEMBERS];
	unsigned int told[4]; /* events, by kind */
	uint32_t generation;  /* of the last one */
};

static size_t count_buffers(void)
{
	return library_count_lines(BUFINFO, NAME "#");
}

static bool there_are(void *data)
{
	return count_buffers() == *(const size_t *)data;
}

static void expect_buffers(size_t count)
{
	ck_assert_msg(library_until(there_are, &count), "%zu buffers instead of %zu",
		      count_buffers(), count);
}

/* ---- requests ---- */

static struct dmabroker_record *request_of_cpu(uint32_t width, uint32_t height)
{
	struct dmabroker_record *request = library_request(width, height), *cpu;

	ck_assert_int_eq(dmabroker_record_set_string(request, "name", NAME), 0);
	cpu = library_add(request, "cpu", "cpu", NULL);
	ck_assert_int_eq(dmabroker_record_set_uint(cpu, "camping", 0), 0);
	ck_assert_int_eq(dmabroker_record_add_string(cpu, "usage", "read"), 0);
	return request;
}

/* What one process would get that knows of all. Returns owned. */
static char *plan_of_one(struct dmabroker *broker, uint32_t width, uint32_t height)
{
	struct dmabroker_record *request = request_of_cpu(width, height), *plan;
	char *text;

	for (int i = 0; i < MEMBERS; i++)
		ck_assert_int_eq(dmabroker_record_set_uint(
					 library_add(request, member_name((enum member_kind)i),
						     roles[i], devices[i]),
					 "camping", campings[i]),
				 0);
	plan = library_plan(broker, request);
	text = dmabroker_plan_describe(plan);
	ck_assert_ptr_nonnull(text);
	dmabroker_record_destroy(plan);
	return text;
}

/* ---- coming together ---- */

static void on_event(void *data, struct dmabroker_collection *collection,
		     enum dmabroker_event event, uint32_t generation, const char *error,
		     const char *text)
{
	struct together *t = data;

	(void)collection, (void)error, (void)text;
	t->told[event]++;
	t->generation = generation;
}

static void told(struct together *t, enum dmabroker_event event)
{
	struct pollfd pollfd = {.fd = dmabroker_get_fd(t->broker), .events = POLLIN};

	while (!t->told[event]) {
		ck_assert_int_eq(poll(&pollfd, 1, WAIT_MS), 1);
		ck_assert_int_ge(dmabroker_dispatch(t->broker), 0);
	}
	t->told[event] = 0;
}

/* Has a member do something that must succeed. */
static struct member_answer tell(const struct together *t, enum member_kind kind,
				 enum member_command command, uint64_t number)
{
	struct member_answer answer = member_do(t->sockets[kind], command, number, NULL);

	ck_assert_msg(answer.result == 0, "%s, command %d: %d: %s", member_name(kind), command,
		      answer.result, answer.text);
	return answer;
}

static void tell_all(const struct together *t, enum member_command command, uint64_t number)
{
	for (int i = 0; i < MEMBERS; i++)
		tell(t, (enum member_kind)i, command, number);
}

static void begin(struct together *t)
{
	struct dmabroker_record *request = request_of_cpu(640, 480);

	memset(t, 0, sizeof(*t));
	for (int i = 0; i < MEMBERS; i++)
		t->sockets[i] = member_start((enum member_kind)i, wanted[i], &t->pids[i]);
	ck_assert_int_eq(dmabroker_connect(NULL, &t->broker), 0);
	ck_assert_int_eq(dmabroker_create_collection(t->broker, request, MEMBERS, &t->collection),
			 0);
	dmabroker_collection_set_callback(t->collection, on_event, t);
	dmabroker_record_destroy(request);
	for (int i = 0; i < MEMBERS; i++)
		ck_assert_int_eq(member_do(t->sockets[i], MEMBER_BIND, 0,
					   dmabroker_collection_get_token(t->collection, (size_t)i))
					 .result,
				 0);
}

/* All have spoken and have the first generation. */
static void negotiate(struct together *t)
{
	tell_all(t, MEMBER_SPEAK, 0);
	ck_assert_int_eq(dmabroker_collection_wait(t->collection, WAIT_MS), 0);
	tell_all(t, MEMBER_WAIT, WAIT_MS);
}

static void end_member(struct together *t, enum member_kind kind)
{
	int status;

	close(t->sockets[kind]);
	ck_assert_int_eq(waitpid(t->pids[kind], &status, 0), t->pids[kind]);
}

static void end(struct together *t)
{
	dmabroker_collection_release(t->collection);
	dmabroker_disconnect(t->broker);
	expect_buffers(0);
}

/* ---- pictures ---- */

static uint64_t sum_of(struct together *t, struct dmabroker_buffer *buffer)
{
	struct picture picture = picture_of_plan(dmabroker_buffer_get_plan(buffer));
	uint64_t sum;
	void *memory;

	ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &memory), 0);
	ck_assert_msg(dmabroker_buffer_begin_access(buffer, "cpu", DMABROKER_ACCESS_READ) == 0,
		      "%s", dmabroker_get_error_text(t->broker));
	sum = members_sum(&picture, memory);
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "cpu"), 0);
	return sum;
}

/* One that the camera takes is the one that the display shows, and the encoder has it, too: all of
 * them have the memory of our buffers. Returns its sum. */
static uint64_t picture_passes(struct together *t, struct dmabroker_buffer *const *buffers)
{
	struct member_answer camera = tell(t, MEMBER_CAMERA, MEMBER_FRAME, 0), encoder, display;
	uint64_t sum = sum_of(t, buffers[camera.number]);
	uint64_t inode = dmabroker_buffer_get_inode(buffers[camera.number], 0);

	ck_assert_uint_ne(inode, 0);
	ck_assert_uint_eq(camera.inodes[camera.number], inode);
	encoder = tell(t, MEMBER_ENCODER, MEMBER_FRAME, camera.number);
	ck_assert_uint_eq(encoder.inodes[camera.number], inode);
	ck_assert_uint_ge(encoder.number, CODED_LEAST);
	display = tell(t, MEMBER_DISPLAY, MEMBER_FRAME, camera.number);
	ck_assert_uint_eq(display.number, sum);
	return sum;
}

static void get_buffers(struct together *t, struct dmabroker_buffer *buffers[MEMBERS_BUFFERS_MAX])
{
	for (size_t i = 0; i < dmabroker_collection_get_count(t->collection); i++)
		buffers[i] = dmabroker_collection_get_buffer(t->collection, i);
}

/* The inodes of `answer` are those of our buffers. */
static void check_inodes(struct together *t, const struct member_answer *answer)
{
	for (size_t i = 0; i < dmabroker_collection_get_count(t->collection); i++)
		ck_assert_uint_eq(answer->inodes[i],
				  dmabroker_buffer_get_inode(
					  dmabroker_collection_get_buffer(t->collection, i), 0));
}

/* ---- tests ---- */

static void check_waiting(struct together *t, size_t missing)
{
	struct dmabroker_record *status;

	ck_assert_int_eq(dmabroker_collection_get_status(t->collection, &status), 0);
	ck_assert_str_eq(dmabroker_record_get_string(status, "state"), "waiting");
	ck_assert_uint_eq(dmabroker_record_get_len(status, "missing"), missing);
	dmabroker_record_destroy(status);
	ck_assert_uint_eq(count_buffers(), 0);
	ck_assert_int_eq(dmabroker_collection_wait(t->collection, 200), -ETIMEDOUT);
}

START_TEST(nothing_before_all_have_spoken)
{
	struct together t;

	begin(&t);
	check_waiting(&t, 3);
	tell(&t, MEMBER_DISPLAY, MEMBER_SPEAK, 0);
	check_waiting(&t, 2);
	tell(&t, MEMBER_CAMERA, MEMBER_SPEAK, 0);
	check_waiting(&t, 1);
	ck_assert_int_eq(member_do(t.sockets[MEMBER_CAMERA], MEMBER_WAIT, 200, NULL).result,
			 -ETIMEDOUT);
	tell(&t, MEMBER_ENCODER, MEMBER_SPEAK, 0);
	ck_assert_int_eq(dmabroker_collection_wait(t.collection, WAIT_MS), 0);
	expect_buffers(dmabroker_collection_get_count(t.collection));
	for (int i = 0; i < MEMBERS; i++)
		end_member(&t, (enum member_kind)i);
	end(&t);
}
END_TEST

START_TEST(plan_is_that_of_one_process)
{
	struct member_answer answer;
	struct together t;
	char *text;

	begin(&t);
	negotiate(&t);
	text = plan_of_one(t.broker, 640, 480);
	ck_assert_ptr_nonnull(strstr(text, "reserved"));
	for (int i = 0; i < MEMBERS; i++) {
		answer = tell(&t, (enum member_kind)i, MEMBER_WAIT, WAIT_MS);
		ck_assert_str_eq(answer.text, text);
		ck_assert_uint_eq(answer.generation, 1);
		ck_assert_uint_eq(answer.count, dmabroker_collection_get_count(t.collection));
		check_inodes(&t, &answer);
	}
	free(text);
	for (int i = 0; i < MEMBERS; i++)
		end_member(&t, (enum member_kind)i);
	end(&t);
}
END_TEST

START_TEST(pictures_pass)
{
	struct dmabroker_buffer *buffers[MEMBERS_BUFFERS_MAX];
	struct member_answer display;
	struct together t;

	begin(&t);
	negotiate(&t);
	get_buffers(&t, buffers);
	tell(&t, MEMBER_ENCODER, MEMBER_IMPORT, 0);
	/* a buffer that nobody has filled */
	ck_assert_uint_lt(tell(&t, MEMBER_ENCODER, MEMBER_FRAME, 0).number, CODED_LEAST);
	display = tell(&t, MEMBER_DISPLAY, MEMBER_IMPORT, 0);
	check_inodes(&t, &display);
	tell(&t, MEMBER_CAMERA, MEMBER_IMPORT, 0);
	/* the test picture has a clock in it */
	ck_assert_uint_ne(picture_passes(&t, buffers), picture_passes(&t, buffers));
	for (int i = 0; i < MEMBERS; i++)
		end_member(&t, (enum member_kind)i);
	end(&t);
}
END_TEST

static void renegotiate(struct together *t, uint32_t width, uint32_t height)
{
	struct dmabroker_record *changes;

	ck_assert_int_eq(dmabroker_request_create(&changes), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(changes, "width", width), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(changes, "height", height), 0);
	ck_assert_msg(dmabroker_collection_renegotiate(t->collection, changes) == 0, "%s",
		      dmabroker_get_error_text(t->broker));
	dmabroker_record_destroy(changes);
	ck_assert_uint_eq(dmabroker_collection_get_generation(t->collection), 2);
	for (int i = 0; i < MEMBERS; i++) {
		tell(t, (enum member_kind)i, MEMBER_TOLD, DMABROKER_EVENT_NEGOTIATED);
		ck_assert_uint_eq(tell(t, (enum member_kind)i, MEMBER_WAIT, WAIT_MS).generation, 2);
	}
}

/* The camera takes its first picture into the new buffers; then the others go over. */
static void hand_over(struct together *t)
{
	ck_assert_int_eq(member_do(t->sockets[MEMBER_DISPLAY], MEMBER_HAND_OVER, 0, NULL).result,
			 -EAGAIN);
	ck_assert_str_eq(dmabroker_record_get_string(dmabroker_collection_get_plan(t->collection),
						     "hand-over"),
			 "camera");
	tell(t, MEMBER_CAMERA, MEMBER_IMPORT, 0);
	tell(t, MEMBER_CAMERA, MEMBER_HAND_OVER, 0);
	for (int i = MEMBER_ENCODER; i < MEMBERS; i++) {
		tell(t, (enum member_kind)i, MEMBER_TOLD, DMABROKER_EVENT_HANDED_OVER);
		tell(t, (enum member_kind)i, MEMBER_IMPORT, 0);
		tell(t, (enum member_kind)i, MEMBER_HAND_OVER, 0);
	}
	told(t, DMABROKER_EVENT_HANDED_OVER);
	ck_assert_uint_eq(t->generation, 2);
	ck_assert_int_eq(dmabroker_collection_hand_over(t->collection), 0);
}

static bool has_free(void *data)
{
	return library_meminfo("CmaFree") >= *(const long *)data;
}

START_TEST(size_changes_while_pictures_pass)
{
	struct dmabroker_buffer *old[MEMBERS_BUFFERS_MAX], *buffers[MEMBERS_BUFFERS_MAX];
	struct together t;
	size_t old_count, count;
	long both_free;
	char *text;

	begin(&t);
	negotiate(&t);
	get_buffers(&t, old);
	old_count = dmabroker_collection_get_count(t.collection);
	tell_all(&t, MEMBER_IMPORT, 0);
	picture_passes(&t, old);

	renegotiate(&t, 1280, 720);
	count = dmabroker_collection_get_count(t.collection);
	ck_assert_uint_eq(count_buffers(), old_count + count);
	picture_passes(&t, old);
	get_buffers(&t, buffers);
	text = dmabroker_plan_describe(dmabroker_collection_get_plan(t.collection));
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text, "1280x720"));
	free(text);

	both_free = library_meminfo("CmaFree") + (long)old_count * 640 * 480 * 4 / 1024 * 3 / 4;
	hand_over(&t);
	expect_buffers(count);
	ck_assert_msg(library_until(has_free, &both_free), "%ld of %ld KiB are free",
		      library_meminfo("CmaFree"), both_free);
	picture_passes(&t, buffers);
	for (int i = 0; i < MEMBERS; i++)
		end_member(&t, (enum member_kind)i);
	end(&t);
}
END_TEST

START_TEST(death_ends_it_for_all)
{
	struct dmabroker_buffer *buffers[MEMBERS_BUFFERS_MAX];
	struct together t;

	begin(&t);
	negotiate(&t);
	get_buffers(&t, buffers);
	tell_all(&t, MEMBER_IMPORT, 0);
	picture_passes(&t, buffers);
	ck_assert_int_eq(kill(t.pids[MEMBER_DISPLAY], SIGKILL), 0);
	end_member(&t, MEMBER_DISPLAY);
	told(&t, DMABROKER_EVENT_ENDED);
	tell(&t, MEMBER_CAMERA, MEMBER_TOLD, DMABROKER_EVENT_ENDED);
	tell(&t, MEMBER_ENCODER, MEMBER_TOLD, DMABROKER_EVENT_ENDED);
	ck_assert_int_eq(member_do(t.sockets[MEMBER_CAMERA], MEMBER_WAIT, WAIT_MS, NULL).result,
			 -ESTALE);
	/* what they have they keep */
	tell(&t, MEMBER_CAMERA, MEMBER_FRAME, 0);
	ck_assert_uint_gt(count_buffers(), 0);
	end_member(&t, MEMBER_CAMERA);
	end_member(&t, MEMBER_ENCODER);
	end(&t);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("collections");
	TCase *tcase = tcase_create("collections");

	if (members_main(argc, argv))
		return 0;
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, nothing_before_all_have_spoken);
	tcase_add_test(tcase, plan_is_that_of_one_process);
	tcase_add_test(tcase, pictures_pass);
	tcase_add_test(tcase, size_changes_while_pictures_pass);
	tcase_add_test(tcase, death_ends_it_for_all);
	return run_suite(suite);
}
