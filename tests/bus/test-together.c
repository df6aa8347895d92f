/* SPDX-License-Identifier: MIT */
/*
 * Several members of a collection through the public library, against the real daemon, whose
 * devices and memory are made up, on both transports. Each member is a connection of its own.
 */
#include "tests/bus/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dmabroker.h>

#define WAIT_MS 10000
#define XR24 0x34325258u

struct member {
	struct dmabroker *broker;
	struct dmabroker_collection *collection;
	enum dmabroker_event event; /* the last one told */
	uint32_t generation;
	unsigned int told;
	char error[32];
};

static struct member one, two, three;
static bool spare; /* there is a buffer more than "a" and "b" hold */

static void setup(void)
{
	harness_start_made_up("dmabrokerd-made-up-heaps");
	setenv("DBUS_SYSTEM_BUS_ADDRESS", harness.bus_address, 1);
}

/* ---- members ---- */

static void on_event(void *data, struct dmabroker_collection *collection,
		     enum dmabroker_event event, uint32_t generation, const char *error,
		     const char *text)
{
	struct member *member = data;

	(void)text;
	ck_assert_ptr_eq(collection, member->collection);
	member->event = event;
	member->generation = generation;
	member->told++;
	snprintf(member->error, sizeof(member->error), "%s", error ? error : "");
}

static void come(struct member *member, int transport)
{
	*member = (struct member){.broker = NULL};
	ck_assert_int_eq(
		dmabroker_connect(transport == TRANSPORT_BUS ? "system" : harness.socket_address,
				  &member->broker),
		0);
}

static void leave(struct member *member)
{
	dmabroker_collection_release(member->collection);
	dmabroker_disconnect(member->broker);
}

static void add_cpu(struct dmabroker_record *request, const char *name, uint64_t stride_max)
{
	struct dmabroker_record *participant;

	ck_assert_int_eq(dmabroker_request_add_participant(request, name, "cpu", &participant), 0);
	if (stride_max)
		ck_assert_int_eq(dmabroker_record_set_uint(participant, "stride-max", stride_max),
				 0);
}

/* A request of a picture with one participant of the CPU; NULL: none. */
static struct dmabroker_record *ask_for(uint32_t width, const char *name, uint64_t stride_max)
{
	struct dmabroker_record *request;

	ck_assert_int_eq(dmabroker_request_create(&request), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "width", width), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "height", 480), 0);
	ck_assert_int_eq(dmabroker_record_add_format(request, "formats", XR24, 0), 0);
	if (name)
		add_cpu(request, name, stride_max);
	return request;
}

static void create(struct member *member, const char *name, unsigned int tokens)
{
	struct dmabroker_record *request = ask_for(640, name, 0);

	if (spare)
		ck_assert_int_eq(dmabroker_record_set_uint(request, "count", 3), 0);
	ck_assert_int_eq(
		dmabroker_create_collection(member->broker, request, tokens, &member->collection),
		0);
	dmabroker_collection_set_callback(member->collection, on_event, member);
	dmabroker_record_destroy(request);
}

/* Binds the initiator's token and speaks. */
static int join(struct member *member, const struct member *initiator, size_t token,
		const char *name, uint64_t stride_max)
{
	struct dmabroker_record *request = ask_for(1, name, stride_max);
	int result;

	ck_assert_int_eq(
		dmabroker_bind(member->broker,
			       dmabroker_collection_get_token(initiator->collection, token),
			       &member->collection),
		0);
	dmabroker_collection_set_callback(member->collection, on_event, member);
	result = dmabroker_collection_speak(member->collection, request);
	dmabroker_record_destroy(request);
	return result;
}

/* Dispatches until it has been told so often. */
static void expect_told(struct member *member, unsigned int told)
{
	struct pollfd ready = {.fd = dmabroker_get_fd(member->broker), .events = POLLIN};

	while (member->told < told) {
		ck_assert_int_eq(poll(&ready, 1, WAIT_MS), 1);
		ck_assert_int_ge(dmabroker_dispatch(member->broker), 0);
	}
	ck_assert_uint_eq(member->told, told);
}

static int wait_for(struct member *member)
{
	return dmabroker_collection_wait(member->collection, WAIT_MS);
}

static uint64_t inode_of(const struct member *member, size_t index)
{
	return dmabroker_buffer_get_inode(
		dmabroker_collection_get_buffer(member->collection, index), 0);
}

static size_t participants_of(const struct member *member)
{
	return dmabroker_record_get_len(dmabroker_collection_get_plan(member->collection),
					"participants");
}

static const char *heap_of(const struct member *member)
{
	return dmabroker_record_get_string(dmabroker_collection_get_plan(member->collection),
					   "heap");
}

static size_t count_fds(void)
{
	size_t len = 0;

	for (int fd = 0; fd < 1024; fd++)
		len += fcntl(fd, F_GETFD) >= 0;
	return len;
}

/* Two members with buffers: "a", who is the initiator, and "b". */
static void begin(int transport)
{
	come(&one, transport);
	come(&two, transport);
	create(&one, "a", 1);
	ck_assert_int_eq(join(&two, &one, 0, "b", 0), 0);
	ck_assert_int_eq(wait_for(&one), 0);
	ck_assert_int_eq(wait_for(&two), 0);
	expect_told(&one, 1);
	expect_told(&two, 1);
}

/* ---- tests ---- */

START_TEST(all_get_the_same_buffers_when_all_have_spoken)
{
	come(&one, _i);
	come(&two, _i);
	come(&three, _i);
	create(&one, "a", 2);
	ck_assert_int_eq(dmabroker_collection_wait(one.collection, 0), -ETIMEDOUT);
	ck_assert_int_eq(join(&two, &one, 0, "b", 0), 0);
	ck_assert_int_eq(dmabroker_collection_wait(two.collection, 50), -ETIMEDOUT);
	ck_assert_int_eq(dmabroker_collection_wait(one.collection, 50), -ETIMEDOUT);
	ck_assert_int_eq(join(&three, &one, 1, NULL, 0), 0);
	ck_assert_int_eq(wait_for(&three), 0);
	ck_assert_int_eq(wait_for(&two), 0);
	ck_assert_int_eq(wait_for(&one), 0);
	ck_assert_uint_eq(dmabroker_collection_get_count(one.collection), 2);
	ck_assert_uint_eq(dmabroker_collection_get_count(two.collection), 2);
	ck_assert_uint_eq(dmabroker_collection_get_count(three.collection), 0);
	for (size_t i = 0; i < 2; i++)
		ck_assert_uint_eq(inode_of(&one, i), inode_of(&two, i));
	ck_assert_uint_ne(inode_of(&one, 0), inode_of(&one, 1));
	ck_assert_uint_eq(participants_of(&three), 2);
	leave(&one);
	leave(&two);
	leave(&three);
}
END_TEST

START_TEST(a_new_generation_is_negotiated_and_handed_over)
{
	struct dmabroker_record *changes;
	struct dmabroker_buffer *old;
	size_t fds;

	begin(_i);
	fds = count_fds();
	old = dmabroker_collection_get_buffer(two.collection, 0);
	changes = ask_for(1280, "a", 0);
	ck_assert_int_eq(dmabroker_collection_renegotiate(one.collection, changes), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(one.collection), 2);
	expect_told(&two, 2);
	ck_assert_int_eq(two.event, DMABROKER_EVENT_NEGOTIATED);
	ck_assert_uint_eq(two.generation, 2);
	ck_assert_int_eq(wait_for(&two), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(two.collection), 2);
	ck_assert_uint_eq(dmabroker_buffer_get_bytes(old, 0), 640 * 480 * 4);
	ck_assert_uint_eq(
		dmabroker_buffer_get_bytes(dmabroker_collection_get_buffer(two.collection, 0), 0),
		1280 * 480 * 4);
	ck_assert_uint_eq(count_fds(), fds + 4);
	ck_assert_int_eq(dmabroker_collection_hand_over(two.collection), -EAGAIN);
	ck_assert_int_eq(dmabroker_collection_hand_over(one.collection), 0);
	expect_told(&two, 3);
	ck_assert_int_eq(two.event, DMABROKER_EVENT_HANDED_OVER);
	ck_assert_int_eq(dmabroker_collection_hand_over(two.collection), 0);
	ck_assert_uint_eq(count_fds(), fds);

	/* what cannot be leaves everything as it is */
	dmabroker_record_destroy(changes);
	changes = ask_for(1920, "a", 100);
	ck_assert_int_eq(dmabroker_collection_renegotiate(one.collection, changes), -EXDEV);
	ck_assert_uint_eq(dmabroker_collection_get_generation(one.collection), 2);
	ck_assert_uint_eq(count_fds(), fds);
	dmabroker_record_destroy(changes);
	leave(&one);
	leave(&two);
}
END_TEST

START_TEST(who_observed_takes_part)
{
	struct dmabroker_record *changes;

	come(&one, _i);
	come(&two, _i);
	create(&one, "a", 1);
	ck_assert_int_eq(join(&two, &one, 0, NULL, 0), 0);
	ck_assert_int_eq(wait_for(&two), 0);
	ck_assert_uint_eq(dmabroker_collection_get_count(two.collection), 0);
	ck_assert_int_eq(dmabroker_request_create(&changes), 0);
	add_cpu(changes, "b", 0);
	ck_assert_int_eq(dmabroker_collection_renegotiate(two.collection, changes), 0);
	ck_assert_int_eq(wait_for(&one), 0);
	ck_assert_uint_eq(participants_of(&one), 2);
	ck_assert_uint_eq(dmabroker_collection_get_count(two.collection), 2);
	ck_assert_uint_eq(inode_of(&two, 1), inode_of(&one, 1));
	dmabroker_record_destroy(changes);
	leave(&one);
	leave(&two);
}
END_TEST

START_TEST(when_the_producer_has_left_another_hands_over)
{
	struct dmabroker_record *changes;
	int result = -EAGAIN;

	begin(_i);
	changes = ask_for(1280, "a", 0);
	ck_assert_int_eq(dmabroker_collection_renegotiate(one.collection, changes), 0);
	dmabroker_record_destroy(changes);
	expect_told(&two, 2);
	ck_assert_int_eq(wait_for(&two), 0);
	ck_assert_int_eq(dmabroker_collection_hand_over(two.collection), -EAGAIN);
	leave(&one);
	/* who leaves does not wait for an answer, so it may take a while */
	for (int i = 0; i < WAIT_MS / 10 && result == -EAGAIN; i++) {
		harness_sleep_ms(10);
		result = dmabroker_collection_hand_over(two.collection);
	}
	ck_assert_int_eq(result, 0);
	leave(&two);
}
END_TEST

/* Each process begins for its own participants only, and is responsible for what they wrote. */
static void expect_only_own(struct member *who, const char *other)
{
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(who->collection, 0);

	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, other, DMABROKER_ACCESS_READ),
			 -EPERM);
	ck_assert_msg(strstr(dmabroker_get_error_text(who->broker), "another process"), "%s",
		      dmabroker_get_error_text(who->broker));
	ck_assert_int_eq(dmabroker_buffer_release_to(buffer, other), 0);
}

START_TEST(who_comes_late_gets_what_there_is)
{
	spare = true;
	begin(_i);
	spare = false;
	come(&three, _i);
	ck_assert_int_eq(dmabroker_collection_create_tokens(two.collection, 1), -EPERM);
	ck_assert_int_eq(dmabroker_collection_create_tokens(one.collection, 1), 0);
	ck_assert_int_eq(join(&three, &one, 1, "late", 100), -EXDEV); /* does not fit */
	ck_assert_uint_eq(one.told, 1);
	dmabroker_collection_release(three.collection);
	three.collection = NULL;
	ck_assert_int_eq(dmabroker_collection_create_tokens(one.collection, 1), 0);
	ck_assert_int_eq(join(&three, &one, 2, "late", 0), 0);
	ck_assert_int_eq(wait_for(&three), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(three.collection), 1);
	ck_assert_uint_eq(dmabroker_collection_get_count(three.collection), 3);
	ck_assert_uint_eq(inode_of(&three, 2), inode_of(&one, 2));
	expect_told(&one, 2);
	ck_assert_int_eq(one.event, DMABROKER_EVENT_NEGOTIATED);
	ck_assert_uint_eq(one.generation, 1);
	ck_assert_uint_eq(participants_of(&one), 2);
	ck_assert_int_eq(wait_for(&one), 0);
	ck_assert_uint_eq(participants_of(&one), 3);
	expect_only_own(&one, "late");
	expect_only_own(&three, "a");
	leave(&three);
	leave(&one);
	leave(&two);
}
END_TEST

START_TEST(a_report_brings_other_memory)
{
	char heap[64];

	begin(_i);
	snprintf(heap, sizeof(heap), "%s", heap_of(&two));
	ck_assert_int_eq(dmabroker_collection_report(two.collection, "a", EINVAL), -EPERM);
	ck_assert_int_eq(dmabroker_collection_report(two.collection, "b", EINVAL), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(two.collection), 2);
	ck_assert_str_ne(heap_of(&two), heap);
	expect_told(&one, 2);
	ck_assert_int_eq(wait_for(&one), 0);
	ck_assert_str_eq(heap_of(&one), heap_of(&two));
	ck_assert_uint_eq(inode_of(&one, 0), inode_of(&two, 0));
	leave(&one);
	leave(&two);
}
END_TEST

START_TEST(a_conflict_is_everybodys)
{
	come(&one, _i);
	come(&two, _i);
	create(&one, "a", 1);
	ck_assert_int_eq(join(&two, &one, 0, "b", 100), 0);
	ck_assert_int_eq(wait_for(&one), -EXDEV);
	ck_assert_ptr_nonnull(strstr(dmabroker_get_error_text(one.broker), "stride-max 100 -> "));
	ck_assert_int_eq(wait_for(&two), -EXDEV);
	ck_assert_ptr_nonnull(dmabroker_get_error_details(two.broker));
	expect_told(&two, 1);
	ck_assert_int_eq(two.event, DMABROKER_EVENT_ENDED);
	ck_assert_str_eq(two.error, "Conflict");
	leave(&one);
	leave(&two);
}
END_TEST

START_TEST(a_cancelled_negotiation_is_over)
{
	struct member stranger;

	come(&one, _i);
	come(&two, _i);
	come(&stranger, _i);
	create(&one, "a", 2);
	ck_assert_int_eq(join(&two, &one, 0, "b", 0), 0);
	ck_assert_int_eq(dmabroker_bind(stranger.broker,
					dmabroker_collection_get_token(one.collection, 0),
					&stranger.collection),
			 -ESTALE);
	ck_assert_str_eq(dmabroker_get_error(stranger.broker), "Gone");
	ck_assert_int_eq(dmabroker_collection_cancel(two.collection), -EPERM);
	ck_assert_int_eq(dmabroker_collection_cancel(one.collection), 0);
	ck_assert_int_eq(wait_for(&two), -ESTALE);
	expect_told(&two, 1);
	ck_assert_int_eq(two.event, DMABROKER_EVENT_ENDED);
	ck_assert_str_eq(two.error, "Gone");
	leave(&stranger);
	leave(&one);
	leave(&two);
}
END_TEST

/* A process that joins, gets the buffers, says so, and waits to be killed. */
static pid_t start_victim(int transport)
{
	int ready[2];
	pid_t child;
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		come(&two, transport);
		if (join(&two, &one, 0, "b", 0) || wait_for(&two) || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

START_TEST(who_dies_takes_the_collection_along)
{
	pid_t child;

	come(&one, _i);
	create(&one, "a", 1);
	child = start_victim(_i);
	ck_assert_int_eq(wait_for(&one), 0);
	expect_told(&one, 1);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	harness_wait(child, WAIT_MS);
	expect_told(&one, 2);
	ck_assert_int_eq(one.event, DMABROKER_EVENT_ENDED);
	ck_assert_str_eq(one.error, "Gone");
	ck_assert_uint_eq(dmabroker_collection_get_count(one.collection), 2); /* they stay usable */
	leave(&one);
}
END_TEST

static DBusConnection *next_daemon;

static bool name_is_free(void)
{
	return !dbus_bus_name_has_owner(next_daemon, "org.dmabroker1", NULL);
}

/* The daemon dies, and another one follows on the bus, which only listens. */
static void replace_daemon(void)
{
	DBusError error = DBUS_ERROR_INIT;

	next_daemon = harness_connect(TRANSPORT_BUS);
	kill(harness.daemon, SIGKILL);
	harness_wait(harness.daemon, WAIT_MS);
	harness.daemon = 0;
	ck_assert(harness_until(name_is_free, WAIT_MS));
	ck_assert_int_eq(dbus_bus_request_name(next_daemon, "org.dmabroker1", 0, NULL),
			 DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER);
	/* with an error it waits until the bus has heard it */
	dbus_bus_add_match(next_daemon, "type='signal',member='NameOwnerChanged'", &error);
	ck_assert(!dbus_error_is_set(&error));
}

/* Whether a connection has left the bus. */
static bool is_end(DBusMessage *message)
{
	const char *name, *before, *after;

	return dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
	       dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING,
				     &before, DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID) &&
	       name[0] == ':' && !after[0];
}

static int wait_readable(DBusConnection *connection)
{
	struct pollfd ready = {.events = POLLIN};

	ck_assert(dbus_connection_get_unix_fd(connection, &ready.fd));
	return poll(&ready, 1, WAIT_MS);
}

/* Calls that the next daemon gets until somebody leaves the bus. */
static unsigned int count_calls(void)
{
	unsigned int calls = 0;
	DBusMessage *message;
	bool end = false;

	while (!end) {
		message = dbus_connection_pop_message(next_daemon);
		if (!message) {
			ck_assert_int_eq(wait_readable(next_daemon), 1);
			dbus_connection_read_write(next_daemon, 0);
			continue;
		}
		calls += dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_METHOD_CALL;
		end = is_end(message);
		dbus_message_unref(message);
	}
	return calls;
}

/* What the member knows of its daemon's end when it leaves. */
enum knowledge { KNOWS_NOTHING, HAS_ASKED, HAS_BEEN_TOLD, KNOWLEDGE };

START_TEST(nothing_is_said_to_the_next_daemon)
{
	struct dmabroker_record *status;
	struct pollfd ready = {.events = POLLIN};

	come(&one, TRANSPORT_BUS);
	create(&one, "a", 0);
	ck_assert_int_eq(wait_for(&one), 0);
	ready.fd = dmabroker_get_fd(one.broker);
	replace_daemon();
	if (_i == HAS_ASKED)
		ck_assert_int_eq(dmabroker_collection_get_status(one.collection, &status),
				 -ENOTCONN);
	while (_i == HAS_BEEN_TOLD && dmabroker_dispatch(one.broker) != -ENOTCONN)
		ck_assert_int_eq(poll(&ready, 1, WAIT_MS), 1);
	leave(&one);
	ck_assert_uint_eq(count_calls(), 0);
	harness_disconnect(next_daemon);
}
END_TEST

START_TEST(collections_are_listed)
{
	struct dmabroker_record **list, *status;
	uint64_t number, you = 0;
	const struct dmabroker_record *member;
	size_t len;

	begin(_i);
	ck_assert_int_eq(dmabroker_list_collections(two.broker, &list, &len), 0);
	ck_assert_uint_eq(len, 1);
	ck_assert_str_eq(dmabroker_record_get_string(list[0], "state"), "ready");
	ck_assert_int_eq(dmabroker_record_get_uint(list[0], "buffers", &number), 0);
	ck_assert_uint_eq(number, 2);
	dmabroker_record_list_destroy(list, len);
	ck_assert_int_eq(dmabroker_collection_get_status(two.collection, &status), 0);
	ck_assert_int_eq(dmabroker_record_get_record(status, "members", 1, &member), 0);
	ck_assert_int_eq(dmabroker_record_get_uint(member, "you", &you), 0);
	ck_assert_uint_eq(you, 1);
	dmabroker_record_destroy(status);
	leave(&one);
	leave(&two);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("together");
	TCase *all = tcase_create("together");

	tcase_add_checked_fixture(all, setup, harness_stop);
	tcase_set_timeout(all, 60);
	tcase_add_loop_test(all, all_get_the_same_buffers_when_all_have_spoken, 0, TRANSPORTS);
	tcase_add_loop_test(all, a_new_generation_is_negotiated_and_handed_over, 0, TRANSPORTS);
	tcase_add_loop_test(all, who_observed_takes_part, 0, TRANSPORTS);
	tcase_add_loop_test(all, when_the_producer_has_left_another_hands_over, 0, TRANSPORTS);
	tcase_add_loop_test(all, who_comes_late_gets_what_there_is, 0, TRANSPORTS);
	tcase_add_loop_test(all, a_report_brings_other_memory, 0, TRANSPORTS);
	tcase_add_loop_test(all, a_conflict_is_everybodys, 0, TRANSPORTS);
	tcase_add_loop_test(all, a_cancelled_negotiation_is_over, 0, TRANSPORTS);
	tcase_add_loop_test(all, who_dies_takes_the_collection_along, 0, TRANSPORTS);
	tcase_add_loop_test(all, nothing_is_said_to_the_next_daemon, 0, KNOWLEDGE);
	tcase_add_loop_test(all, collections_are_listed, 0, TRANSPORTS);
	suite_add_tcase(suite, all);
	return harness_main(suite);
}
