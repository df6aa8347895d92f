/* SPDX-License-Identifier: MIT */
/*
 * Collections of several processes through the public library, against an end that does what a test
 * says (fake-daemon.h): waiting, generations, late members, groups, what is told and when.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <dmabroker.h>

#include "tests/unit/check.h"
#include "tests/unit/fake-daemon.h"

#define LONG_MS 10000 /* for what comes at once, on a busy machine */

static struct fake fake;
static struct dmabroker *broker;
static struct dmabroker_record *request;
static struct dmabroker_collection *collection;

/* What the callback was told. */
static struct {
	enum dmabroker_event event;
	uint32_t generation;
	char error[64];
	char text[64];
} told[16];
static size_t told_len;
static bool releases; /* the callback releases the collection */

static void on_event(void *data, struct dmabroker_collection *of, enum dmabroker_event event,
		     uint32_t generation, const char *error, const char *text)
{
	ck_assert_ptr_eq(data, &told);
	ck_assert_ptr_eq(of, collection);
	ck_assert_uint_lt(told_len, 16);
	told[told_len].event = event;
	told[told_len].generation = generation;
	snprintf(told[told_len].error, sizeof(told[0].error), "%s", error ? error : "");
	snprintf(told[told_len].text, sizeof(told[0].text), "%s", text ? text : "");
	told_len++;
	if (releases) {
		dmabroker_collection_release(collection);
		collection = NULL;
	}
}

static void create(unsigned int participants, unsigned int tokens)
{
	struct dmabroker_record *participant;
	char name[2] = "a";

	ck_assert_int_eq(dmabroker_request_create(&request), 0);
	for (unsigned int i = 0; i < participants; i++, name[0]++)
		ck_assert_int_eq(
			dmabroker_request_add_participant(request, name, "cpu", &participant), 0);
	ck_assert_int_eq(dmabroker_create_collection(broker, request, tokens, &collection), 0);
	dmabroker_collection_set_callback(collection, on_event, &told);
}

/* A collection of one participant, "a", and one token. */
static void begin(void)
{
	fake_start(&fake);
	ck_assert_int_eq(dmabroker_connect(fake.address, &broker), 0);
	told_len = 0;
	releases = false;
	create(1, 1);
}

static void finish(void)
{
	dmabroker_collection_release(collection);
	dmabroker_record_destroy(request);
	dmabroker_disconnect(broker);
	fake_stop(&fake);
}

/* The first generation is there and fetched. */
static void begin_ready(void)
{
	begin();
	fake_order(&fake, FAKE_NEGOTIATE);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), 0);
	ck_assert_int_ge(dmabroker_dispatch(broker), 0);
	told_len = 0;
}

/* Dispatches until the callback has been told so often. */
static void expect_told(size_t len)
{
	struct pollfd ready = {.fd = dmabroker_get_fd(broker), .events = POLLIN};

	while (told_len < len) {
		ck_assert_int_eq(poll(&ready, 1, LONG_MS), 1);
		ck_assert_int_ge(dmabroker_dispatch(broker), 0);
	}
	ck_assert_uint_eq(told_len, len);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until so many calls of Wait stand unanswered at the other end. */
static void expect_waiting(uint32_t len)
{
	int64_t deadline = now_ms() + LONG_MS;

	while (fake_look(&fake).waiting != len)
		ck_assert_int_lt(now_ms(), deadline);
}

/* Waits until it has been released so often: nobody waits for the answer of that. */
static void expect_released(uint32_t len)
{
	int64_t deadline = now_ms() + LONG_MS;

	while (fake_look(&fake).released != len)
		ck_assert_int_lt(now_ms(), deadline);
}

static size_t count_fds(void)
{
	size_t len = 0;

	for (int fd = 0; fd < 1024; fd++)
		len += fcntl(fd, F_GETFD) >= 0;
	return len;
}

static const char *heap_of(const struct dmabroker_record *plan)
{
	return dmabroker_record_get_string(plan, "heap");
}

/* ---- beginning ---- */

START_TEST(nothing_is_there_before_the_plan)
{
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 0);
	ck_assert_ptr_null(dmabroker_collection_get_plan(collection));
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 0);
	ck_assert_ptr_null(dmabroker_collection_get_buffer(collection, 0));
	ck_assert_str_eq(dmabroker_collection_get_path(collection), "/org/dmabroker1/collection/7");
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), -EAGAIN);
	ck_assert_uint_eq(fake_look(&fake).participants, 1);
}
END_TEST

START_TEST(tokens_follow_each_other)
{
	ck_assert_str_eq(dmabroker_collection_get_token(collection, 0), "secret-0");
	ck_assert_ptr_null(dmabroker_collection_get_token(collection, 1));
	ck_assert_int_eq(dmabroker_collection_create_tokens(collection, 2), 0);
	ck_assert_str_eq(dmabroker_collection_get_token(collection, 1), "secret-0");
	ck_assert_str_eq(dmabroker_collection_get_token(collection, 2), "secret-1");
	ck_assert_ptr_null(dmabroker_collection_get_token(collection, 3));
	ck_assert_ptr_null(dmabroker_collection_get_token(collection, SIZE_MAX));
}
END_TEST

START_TEST(a_member_binds_and_speaks)
{
	struct dmabroker_collection *member;
	struct dmabroker_record *more;

	ck_assert_int_eq(dmabroker_bind(broker, "secret-0", &member), 0);
	ck_assert_str_eq(dmabroker_collection_get_path(member), "/org/dmabroker1/collection/7");
	ck_assert_ptr_null(dmabroker_collection_get_token(member, 0));
	ck_assert_int_eq(dmabroker_request_create(&more), 0);
	ck_assert_int_eq(dmabroker_collection_speak(member, more), 0);
	ck_assert_uint_eq(fake_look(&fake).participants, 0);
	dmabroker_record_destroy(more);
	ck_assert_int_eq(dmabroker_machine_create(&more), 0);
	ck_assert_int_eq(dmabroker_collection_speak(member, more), -EINVAL);
	ck_assert_str_eq(dmabroker_get_error_text(broker), "the record is no request");
	dmabroker_record_destroy(more);
	dmabroker_collection_release(member);
	expect_released(1);
}
END_TEST

/* ---- waiting ---- */

START_TEST(waiting_in_pieces_is_one_call)
{
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(dmabroker_collection_wait(collection, i % 2), -ETIMEDOUT);
	expect_waiting(1);
	ck_assert_uint_eq(fake_look(&fake).waits, 1);
	ck_assert_uint_eq(fake_order(&fake, FAKE_NEGOTIATE).waiting, 0);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 1);
	ck_assert_str_eq(heap_of(dmabroker_collection_get_plan(collection)), "only");
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 3);
	ck_assert_ptr_nonnull(dmabroker_collection_get_buffer(collection, 2));
	ck_assert_ptr_null(dmabroker_collection_get_buffer(collection, 3));
	ck_assert_uint_eq(fake_look(&fake).pages, 2);
}
END_TEST

START_TEST(waiting_lasts_as_long_as_was_said)
{
	int64_t start = now_ms();

	ck_assert_int_eq(dmabroker_collection_wait(collection, 300), -ETIMEDOUT);
	ck_assert_int_ge(now_ms() - start, 300);
	ck_assert_str_ne(dmabroker_get_error_text(broker), "");
	fake_order(&fake, FAKE_NEGOTIATE);
	ck_assert_int_eq(dmabroker_collection_wait(collection, -1), 0);
}
END_TEST

/* How long a wait shall last whose answer has been read already. Where nothing else comes, the one
 * without an end would last until the test is killed. */
static const int timeouts[] = {0, -1};
#define TIMEOUTS 2

/* Whatever read the answer from the socket: the application's poll must come back, and so
 * must a wait. */
START_TEST(an_answer_that_another_call_reads_is_not_missed)
{
	struct pollfd ready = {.fd = dmabroker_get_fd(broker), .events = POLLIN};
	struct dmabroker_record *status;

	ck_assert_int_eq(dmabroker_collection_wait(collection, 0), -ETIMEDOUT);
	expect_waiting(1);
	fake_order(&fake, FAKE_QUIETLY);
	ck_assert_int_eq(dmabroker_collection_get_status(collection, &status), 0);
	dmabroker_record_destroy(status);
	ck_assert_int_eq(poll(&ready, 1, LONG_MS), 1);
	ck_assert_int_eq(dmabroker_collection_wait(collection, timeouts[_i]), 0);
	ck_assert_uint_eq(fake_look(&fake).waits, 1);
}
END_TEST

/* Two collections wait; the answer of the one is dispatched while the other is waited for. */
START_TEST(an_answer_that_another_wait_dispatches_is_not_missed)
{
	struct dmabroker_collection *other;
	struct pollfd ready = {.events = POLLIN};

	ck_assert_int_eq(dmabroker_bind(broker, "secret-0", &other), 0);
	ck_assert_int_eq(dmabroker_collection_wait(other, 0), -ETIMEDOUT);
	ck_assert_int_eq(dmabroker_collection_wait(collection, 0), -ETIMEDOUT);
	expect_waiting(2);
	fake_order(&fake, FAKE_QUIETLY);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), 0);
	ready.fd = dmabroker_get_fd(broker);
	ck_assert_int_eq(poll(&ready, 1, LONG_MS), 1);
	ck_assert_int_eq(dmabroker_collection_wait(other, timeouts[_i]), 0);
	ck_assert_uint_eq(dmabroker_collection_get_count(other), 3);
	dmabroker_collection_release(other);
}
END_TEST

START_TEST(a_wait_hears_of_the_end)
{
	ck_assert_int_eq(dmabroker_collection_wait(collection, 0), -ETIMEDOUT);
	expect_waiting(1);
	fake_order(&fake, FAKE_END);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), -ESTALE);
	ck_assert_str_eq(dmabroker_get_error(broker), "Gone");
	expect_told(1);
	ck_assert_int_eq(told[0].event, DMABROKER_EVENT_ENDED);
	ck_assert_uint_eq(told[0].generation, 0);
	ck_assert_str_eq(told[0].error, "Gone");
	ck_assert_str_eq(told[0].text, "the initiator has cancelled it");
}
END_TEST

START_TEST(a_wait_hears_that_the_daemon_is_gone)
{
	ck_assert_int_eq(dmabroker_collection_wait(collection, 0), -ETIMEDOUT);
	fake_order(&fake, FAKE_QUIT);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), -ENOTCONN);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), -ENOTCONN);
}
END_TEST

START_TEST(a_collection_that_waits_is_released)
{
	ck_assert_int_eq(dmabroker_collection_wait(collection, 0), -ETIMEDOUT);
	expect_waiting(1);
	dmabroker_collection_release(collection);
	collection = NULL;
	expect_released(1);
	fake_order(&fake, FAKE_NEGOTIATE); /* nobody is there to hear the answer */
	ck_assert_int_ge(dmabroker_dispatch(broker), 0);
	ck_assert_uint_eq(told_len, 0);
}
END_TEST

START_TEST(who_observes_gets_no_buffers)
{
	dmabroker_collection_release(collection);
	dmabroker_record_destroy(request);
	create(0, 1);
	fake_order(&fake, FAKE_NEGOTIATE);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), 0);
	ck_assert_ptr_nonnull(dmabroker_collection_get_plan(collection));
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 0);
	ck_assert_uint_eq(fake_look(&fake).pages, 0);
}
END_TEST

START_TEST(who_observed_gets_buffers_with_its_participants)
{
	struct dmabroker_record *changes, *participant;

	dmabroker_collection_release(collection);
	dmabroker_record_destroy(request);
	create(0, 1);
	fake_order(&fake, FAKE_NEGOTIATE);
	ck_assert_int_eq(dmabroker_collection_renegotiate(collection, request), 0);
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 0); /* it names nobody */
	ck_assert_int_eq(dmabroker_request_create(&changes), 0);
	ck_assert_int_eq(dmabroker_request_add_participant(changes, "a", "cpu", &participant), 0);
	fake_order(&fake, FAKE_REFUSE);
	ck_assert_int_eq(dmabroker_collection_renegotiate(collection, changes), -EXDEV);
	ck_assert_int_eq(dmabroker_collection_renegotiate(collection, request), 0);
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 0); /* still nobody */
	ck_assert_int_eq(dmabroker_collection_renegotiate(collection, changes), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 4);
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 3);
	dmabroker_record_destroy(changes);
}
END_TEST

/* ---- what is told ---- */

START_TEST(no_call_calls_back)
{
	struct pollfd ready = {.fd = dmabroker_get_fd(broker), .events = POLLIN};
	struct dmabroker_record *status;

	fake_order(&fake, FAKE_NEGOTIATE);
	fake_order(&fake, FAKE_HAND_OVER);
	ck_assert_int_eq(dmabroker_collection_get_status(collection, &status), 0);
	dmabroker_record_destroy(status);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), 0);
	ck_assert_uint_eq(told_len, 0);
	ck_assert_int_eq(poll(&ready, 1, 0), 1);
	ck_assert_int_eq(dmabroker_dispatch(broker), 2);
	ck_assert_uint_eq(told_len, 2);
	ck_assert_int_eq(told[0].event, DMABROKER_EVENT_NEGOTIATED);
	ck_assert_int_eq(told[1].event, DMABROKER_EVENT_HANDED_OVER);
	ck_assert_uint_eq(told[1].generation, 1);
	ck_assert_str_eq(told[1].error, "");
	ck_assert_int_eq(poll(&ready, 1, 0), 0);
	ck_assert_int_eq(dmabroker_dispatch(broker), 0);
}
END_TEST

START_TEST(the_last_words_of_a_daemon_are_told)
{
	fake_order(&fake, FAKE_NEGOTIATE);
	fake_order(&fake, FAKE_END);
	fake_order(&fake, FAKE_QUIT);
	ck_assert_int_eq(dmabroker_dispatch(broker), -ENOTCONN);
	ck_assert_uint_eq(told_len, 2);
	ck_assert_int_eq(told[1].event, DMABROKER_EVENT_ENDED);
	ck_assert_int_eq(dmabroker_dispatch(broker), -ENOTCONN);
	ck_assert_uint_eq(told_len, 2);
}
END_TEST

START_TEST(a_callback_may_release)
{
	struct dmabroker_collection *other;

	ck_assert_int_eq(dmabroker_bind(broker, "secret-0", &other), 0);
	releases = true;
	fake_order(&fake, FAKE_NEGOTIATE);
	fake_order(&fake, FAKE_HAND_OVER);
	expect_told(1);
	ck_assert_int_ge(dmabroker_dispatch(broker), 0);
	ck_assert_uint_eq(told_len, 1);
	ck_assert_ptr_null(collection);
	dmabroker_collection_release(other);
	expect_released(2);
}
END_TEST

/* Fetches what it is told of, as applications will. */
static void on_negotiated(void *data, struct dmabroker_collection *of, enum dmabroker_event event,
			  uint32_t generation, const char *error, const char *text)
{
	(void)data;
	(void)error;
	(void)text;
	ck_assert_int_eq(event, DMABROKER_EVENT_NEGOTIATED);
	ck_assert_int_eq(dmabroker_collection_wait(of, LONG_MS), 0);
	ck_assert_uint_ge(dmabroker_collection_get_generation(of), generation);
	told_len++;
}

START_TEST(a_callback_may_wait)
{
	dmabroker_collection_set_callback(collection, on_negotiated, NULL);
	ck_assert_int_eq(dmabroker_collection_wait(collection, 0), -ETIMEDOUT);
	expect_waiting(1);
	/* the answer of the wait is that of the first, and both are here when the first is told */
	fake_order(&fake, FAKE_NEGOTIATE);
	fake_order(&fake, FAKE_NEGOTIATE);
	expect_told(2);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 2);
	dmabroker_collection_set_callback(collection, NULL, NULL);
	fake_order(&fake, FAKE_NEGOTIATE);
	ck_assert_int_ge(dmabroker_dispatch(broker), 0);
	ck_assert_uint_eq(told_len, 2);
}
END_TEST

/* ---- generations ---- */

START_TEST(old_buffers_live_until_the_hand_over)
{
	struct dmabroker_buffer *old = dmabroker_collection_get_buffer(collection, 0);
	const struct dmabroker_record *old_plan = dmabroker_collection_get_plan(collection);
	size_t before = count_fds();
	struct stat status;
	void *address;

	ck_assert_int_eq(dmabroker_buffer_map(old, 0, &address), 0);
	ck_assert_int_eq(dmabroker_collection_renegotiate(collection, request), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 2);
	ck_assert_ptr_ne(dmabroker_collection_get_plan(collection), old_plan);
	ck_assert_ptr_ne(dmabroker_collection_get_buffer(collection, 0), old);
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 3);
	ck_assert_uint_eq(count_fds(), before + 3);
	ck_assert_int_eq(fstat(dmabroker_buffer_get_fd(old, 0), &status), 0);
	*(char *)address = 'x';
	ck_assert_ptr_eq(dmabroker_buffer_get_plan(old), old_plan);
	ck_assert_str_eq(heap_of(old_plan), "only");

	ck_assert_int_eq(dmabroker_collection_hand_over(collection), 0);
	ck_assert_uint_eq(fake_look(&fake).handed_over, 2);
	ck_assert_uint_eq(count_fds(), before);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), 0); /* once more is nothing */
	expect_told(1);
	ck_assert_int_eq(told[0].event, DMABROKER_EVENT_NEGOTIATED);
	ck_assert_uint_eq(told[0].generation, 2);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 2);
	ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(a_failed_renegotiation_changes_nothing)
{
	struct dmabroker_buffer *old = dmabroker_collection_get_buffer(collection, 0);
	size_t before = count_fds();

	fake_order(&fake, FAKE_REFUSE);
	ck_assert_int_eq(dmabroker_collection_renegotiate(collection, request), -EXDEV);
	ck_assert_str_eq(dmabroker_get_error(broker), "Conflict");
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 1);
	ck_assert_ptr_eq(dmabroker_collection_get_buffer(collection, 0), old);
	ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(a_consumer_waits_for_the_producer)
{
	size_t before = count_fds();

	fake_order(&fake, FAKE_CONSUMER);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection),
			 0); /* there is nothing older */
	fake_order(&fake, FAKE_NEGOTIATE);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 2);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), -EAGAIN);
	ck_assert_str_eq(dmabroker_get_error_text(broker),
			 "a has not handed over to generation 2 yet");
	ck_assert_uint_eq(count_fds(), before + 3);
	fake_order(&fake, FAKE_HAND_OVER);
	expect_told(2);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), 0);
	ck_assert_uint_eq(count_fds(), before);
	ck_assert_uint_eq(fake_look(&fake).handed_over, 0);
}
END_TEST

START_TEST(a_consumer_fetches_before_it_goes_over)
{
	fake_order(&fake, FAKE_CONSUMER);
	fake_order(&fake, FAKE_NEGOTIATE);
	fake_order(&fake, FAKE_HAND_OVER);
	expect_told(2);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), -EAGAIN);
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 3);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), 0);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 2);
}
END_TEST

/* Generations 1, 2, and 3 are here, and 2 has taken over. */
static void fetch_three(void)
{
	fake_order(&fake, FAKE_NEGOTIATE);
	fake_order(&fake, FAKE_HAND_OVER);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), 0);
	fake_order(&fake, FAKE_NEGOTIATE);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), 0);
	expect_told(3);
}

START_TEST(a_consumer_frees_what_is_older_than_the_hand_over)
{
	size_t before = count_fds();

	fake_order(&fake, FAKE_CONSUMER);
	fetch_three();
	ck_assert_uint_eq(count_fds(), before + 6);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), 0); /* to 2, not to 3 */
	ck_assert_uint_eq(count_fds(), before + 3);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 3);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), -EAGAIN);
}
END_TEST

START_TEST(a_producer_hands_over)
{
	fake_order(&fake, FAKE_PRODUCER);
	ck_assert_int_eq(dmabroker_collection_renegotiate(collection, request), 0);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), 0);
	ck_assert_uint_eq(fake_look(&fake).handed_over, 2);
}
END_TEST

START_TEST(a_producer_hands_over_when_an_older_one_has_taken_over)
{
	size_t before = count_fds();

	fake_order(&fake, FAKE_PRODUCER);
	fetch_three();
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), 0);
	ck_assert_uint_eq(fake_look(&fake).handed_over, 3);
	ck_assert_uint_eq(count_fds(), before);
}
END_TEST

/* What it was told of is 2; nobody has produced anything in 3. */
START_TEST(an_initiator_follows_before_it_hands_over)
{
	size_t before = count_fds();

	fetch_three();
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), 0);
	ck_assert_uint_eq(fake_look(&fake).handed_over, 0);
	ck_assert_uint_eq(count_fds(), before + 3);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), 0);
	ck_assert_uint_eq(fake_look(&fake).handed_over, 3);
	ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(a_producer_fetches_before_it_hands_over)
{
	size_t before = count_fds();

	fake_order(&fake, FAKE_PRODUCER);
	fetch_three();
	fake_order(&fake, FAKE_QUIETLY);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), -EAGAIN);
	ck_assert_str_eq(dmabroker_get_error(broker), "");
	ck_assert_str_ne(dmabroker_get_error_text(broker), "");
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), 0);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), 0);
	ck_assert_uint_eq(fake_look(&fake).handed_over, 4);
	ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(a_generation_that_is_replaced_is_not_handed_over)
{
	ck_assert_int_eq(dmabroker_collection_renegotiate(collection, request), 0);
	fake_order(&fake, FAKE_QUIETLY);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), -EAGAIN);
	ck_assert_str_eq(dmabroker_get_error_text(broker),
			 "generation 2 has been replaced: the newest has still to be waited for");
}
END_TEST

START_TEST(a_hand_over_that_is_refused_is_an_error)
{
	size_t before = count_fds();

	ck_assert_int_eq(dmabroker_collection_renegotiate(collection, request), 0);
	fake_order(&fake, FAKE_DENY);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), -EINVAL);
	ck_assert_str_eq(dmabroker_get_error(broker), "InvalidRequest");
	ck_assert_uint_eq(count_fds(), before + 3);
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), 0);
	ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(a_generation_that_is_replaced_meanwhile_is_fetched_anew)
{
	size_t before = count_fds();

	fake_order(&fake, FAKE_RACE);
	ck_assert_int_eq(dmabroker_collection_renegotiate(collection, request), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 3);
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 3);
	ck_assert_uint_eq(count_fds(), before + 3);
}
END_TEST

/* What is asked for is no longer there then. */
START_TEST(a_generation_that_shrinks_meanwhile_is_fetched_anew)
{
	size_t before = count_fds();

	fake_order(&fake, FAKE_SHRINK);
	ck_assert_int_eq(dmabroker_collection_renegotiate(collection, request), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 3);
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 1);
	ck_assert_uint_eq(count_fds(), before + 1);
}
END_TEST

START_TEST(buffers_that_are_refused_are_an_error)
{
	fake_order(&fake, FAKE_DENY);
	ck_assert_int_eq(dmabroker_collection_renegotiate(collection, request), -EINVAL);
	ck_assert_str_eq(dmabroker_get_error(broker), "InvalidRequest");
	ck_assert_ptr_nonnull(dmabroker_get_error_details(broker));
	ck_assert_str_ne(dmabroker_get_error_text(broker), "");
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 1);
}
END_TEST

START_TEST(a_report_gets_other_memory)
{
	ck_assert_int_eq(dmabroker_collection_report(collection, "a", ENOMEM), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 2);
	ck_assert_uint_eq(fake_look(&fake).reported, ENOMEM);
	ck_assert_int_eq(dmabroker_collection_report(collection, "a", -EINVAL), -EINVAL);
	ck_assert_int_eq(dmabroker_collection_report(collection, "a", 0), -EINVAL);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 2);
}
END_TEST

/* ---- late members, groups ---- */

START_TEST(a_late_member_disturbs_nobody)
{
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	const struct dmabroker_record *before = dmabroker_collection_get_plan(collection);
	int fd = dmabroker_buffer_get_fd(buffer, 0);

	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "b", DMABROKER_ACCESS_READ), 0);
	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "a-late", DMABROKER_ACCESS_READ),
			 -ENOENT);
	fake_order(&fake, FAKE_LATE);
	expect_told(1);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 1);
	ck_assert_ptr_ne(dmabroker_collection_get_plan(collection), before);
	ck_assert_uint_eq(
		dmabroker_record_get_len(dmabroker_collection_get_plan(collection), "participants"),
		3);
	ck_assert_uint_eq(dmabroker_record_get_len(before, "participants"), 2);
	ck_assert_ptr_eq(dmabroker_collection_get_buffer(collection, 0), buffer);
	ck_assert_int_eq(dmabroker_buffer_get_fd(buffer, 0), fd);
	ck_assert_ptr_eq(dmabroker_buffer_get_plan(buffer),
			 dmabroker_collection_get_plan(collection));

	/* who has begun has still, and the newcomer can */
	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "b", DMABROKER_ACCESS_READ),
			 -EALREADY);
	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "a-late", DMABROKER_ACCESS_WRITE),
			 -EBUSY);
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "b"), 0);
	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "a-late", DMABROKER_ACCESS_WRITE),
			 0);

	before = dmabroker_collection_get_plan(collection);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), 0);
	ck_assert_ptr_eq(dmabroker_collection_get_plan(collection), before); /* nothing is new */
}
END_TEST

START_TEST(buffers_follow_the_plan_of_their_group)
{
	struct dmabroker_buffer *first, *second;
	const struct dmabroker_record *plan;

	fake_order(&fake, FAKE_SPLIT);
	fake_order(&fake, FAKE_NEGOTIATE);
	ck_assert_int_eq(dmabroker_collection_wait(collection, LONG_MS), 0);
	plan = dmabroker_collection_get_plan(collection);
	ck_assert_ptr_null(heap_of(plan));
	ck_assert_uint_eq(dmabroker_record_get_len(plan, "groups"), 2);
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 5);
	first = dmabroker_collection_get_buffer(collection, 2);
	second = dmabroker_collection_get_buffer(collection, 3);
	ck_assert_str_eq(heap_of(dmabroker_buffer_get_plan(first)), "first");
	ck_assert_str_eq(heap_of(dmabroker_buffer_get_plan(second)), "second");
	ck_assert_int_eq(dmabroker_buffer_begin_access(first, "a", DMABROKER_ACCESS_WRITE), 0);
	ck_assert_int_eq(dmabroker_buffer_begin_access(first, "b", DMABROKER_ACCESS_READ), -ENOENT);
	ck_assert_int_eq(dmabroker_buffer_begin_access(second, "b", DMABROKER_ACCESS_READ), 0);
	ck_assert_int_eq(dmabroker_buffer_begin_access(second, "a", DMABROKER_ACCESS_WRITE),
			 -ENOENT);
}
END_TEST

/* ---- looking, failing ---- */

START_TEST(the_status_is_a_record)
{
	struct dmabroker_record *status, **list;
	uint64_t number;
	size_t len;

	ck_assert_int_eq(dmabroker_collection_get_status(collection, &status), 0);
	ck_assert_uint_eq(dmabroker_record_get_len(status, "members"), 2);
	dmabroker_record_destroy(status);
	ck_assert_int_eq(dmabroker_list_collections(broker, &list, &len), 0);
	ck_assert_uint_eq(len, 2);
	ck_assert_int_eq(dmabroker_record_get_uint(list[0], "number", &number), 0);
	ck_assert_uint_eq(number, 7); /* in their order */
	ck_assert_int_eq(dmabroker_record_get_uint(list[1], "number", &number), 0);
	ck_assert_uint_eq(number, 9);
	dmabroker_record_list_destroy(list, len);
	ck_assert_int_eq(dmabroker_collection_cancel(collection), 0);
}
END_TEST

static struct dmabroker_collection *const untouched = (void *)&told;

/* Each call that is answered by more than success. */
static int call(int which)
{
	struct dmabroker_collection *other = untouched;
	struct dmabroker_record *record = (void *)untouched, **list = (void *)untouched;
	size_t len;
	int result = 0;

	switch (which) {
	case 0:
		result = dmabroker_create_collection(broker, request, 1, &other);
		break;
	case 1:
		result = dmabroker_bind(broker, "secret-0", &other);
		break;
	case 2:
		result = dmabroker_collection_create_tokens(collection, 1);
		break;
	case 3:
		result = dmabroker_collection_wait(collection, LONG_MS);
		break;
	case 4:
		result = dmabroker_collection_get_status(collection, &record);
		break;
	case 5:
		result = dmabroker_collection_renegotiate(collection, request);
		break;
	case 6:
		result = dmabroker_collection_report(collection, "a", EINVAL);
		break;
	default:
		result = dmabroker_list_collections(broker, &list, &len);
		break;
	}
	ck_assert_ptr_eq(other, untouched);
	ck_assert_ptr_eq(record, (void *)untouched);
	ck_assert_ptr_eq(list, (void *)untouched);
	return result;
}
#define CALLS 8

START_TEST(wrong_answers_are_not_believed)
{
	size_t before = count_fds();

	fake_order(&fake, FAKE_WRONG);
	ck_assert_int_eq(call(_i), -EPROTO);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 1);
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 3);
	ck_assert_ptr_null(dmabroker_collection_get_token(collection, 1));
	ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(refusals_are_passed_on)
{
	fake_order(&fake, FAKE_REFUSE);
	ck_assert_int_eq(call(_i), -EXDEV);
	ck_assert_str_eq(dmabroker_get_error(broker), "Conflict");
	ck_assert_ptr_nonnull(dmabroker_get_error_details(broker));
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 1);
}
END_TEST

START_TEST(nobody_answers_any_more)
{
	fake_order(&fake, FAKE_QUIT);
	ck_assert_int_eq(call(_i), -ENOTCONN);
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 3); /* they stay */
}
END_TEST

static void add_fresh(TCase *fresh)
{
	tcase_add_checked_fixture(fresh, begin, finish);
	tcase_add_test(fresh, nothing_is_there_before_the_plan);
	tcase_add_test(fresh, tokens_follow_each_other);
	tcase_add_test(fresh, a_member_binds_and_speaks);
	tcase_add_test(fresh, waiting_in_pieces_is_one_call);
	tcase_add_test(fresh, waiting_lasts_as_long_as_was_said);
	tcase_add_loop_test(fresh, an_answer_that_another_call_reads_is_not_missed, 0, TIMEOUTS);
	tcase_add_loop_test(fresh, an_answer_that_another_wait_dispatches_is_not_missed, 0,
			    TIMEOUTS);
	tcase_add_test(fresh, a_wait_hears_of_the_end);
	tcase_add_test(fresh, a_wait_hears_that_the_daemon_is_gone);
	tcase_add_test(fresh, a_collection_that_waits_is_released);
	tcase_add_test(fresh, who_observes_gets_no_buffers);
	tcase_add_test(fresh, who_observed_gets_buffers_with_its_participants);
	tcase_add_test(fresh, no_call_calls_back);
	tcase_add_test(fresh, the_last_words_of_a_daemon_are_told);
	tcase_add_test(fresh, a_callback_may_release);
	tcase_add_test(fresh, a_callback_may_wait);
	tcase_add_test(fresh, the_status_is_a_record);
}

static void add_ready(TCase *ready)
{
	tcase_add_checked_fixture(ready, begin_ready, finish);
	tcase_add_test(ready, old_buffers_live_until_the_hand_over);
	tcase_add_test(ready, a_failed_renegotiation_changes_nothing);
	tcase_add_test(ready, a_consumer_waits_for_the_producer);
	tcase_add_test(ready, a_consumer_fetches_before_it_goes_over);
	tcase_add_test(ready, a_consumer_frees_what_is_older_than_the_hand_over);
	tcase_add_test(ready, a_producer_hands_over);
	tcase_add_test(ready, a_producer_hands_over_when_an_older_one_has_taken_over);
	tcase_add_test(ready, an_initiator_follows_before_it_hands_over);
	tcase_add_test(ready, a_producer_fetches_before_it_hands_over);
	tcase_add_test(ready, a_generation_that_is_replaced_is_not_handed_over);
	tcase_add_test(ready, a_hand_over_that_is_refused_is_an_error);
	tcase_add_test(ready, a_generation_that_is_replaced_meanwhile_is_fetched_anew);
	tcase_add_test(ready, a_generation_that_shrinks_meanwhile_is_fetched_anew);
	tcase_add_test(ready, buffers_that_are_refused_are_an_error);
	tcase_add_test(ready, a_report_gets_other_memory);
	tcase_add_test(ready, a_late_member_disturbs_nobody);
	tcase_add_test(ready, buffers_follow_the_plan_of_their_group);
	tcase_add_loop_test(ready, wrong_answers_are_not_believed, 0, CALLS);
	tcase_add_loop_test(ready, refusals_are_passed_on, 0, CALLS);
	tcase_add_loop_test(ready, nobody_answers_any_more, 0, CALLS);
}

int main(void)
{
	Suite *suite = suite_create("negotiation");
	TCase *fresh = tcase_create("fresh"), *ready = tcase_create("ready");

	add_fresh(fresh);
	add_ready(ready);
	tcase_set_timeout(fresh, 60);
	tcase_set_timeout(ready, 60);
	suite_add_tcase(suite, fresh);
	suite_add_tcase(suite, ready);
	return run_suite(suite);
}
