/* SPDX-License-Identifier: MIT */
#include "tests/unit/fake-daemon.h"

#include <check.h>
#include <dbus/dbus.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "broker/model/plan.h"
#include "broker/model/request.h"
#include "protocol/wire.h"

#define PATH WIRE_PATH_COLLECTION "7"
#define LOOK '?'
#define COUNT 3	      /* buffers of a plan, or of the first group */
#define COUNT_OTHER 2 /* of the second group */
#define COUNT_SMALL 1 /* of a plan that has shrunk */
#define PAGE 2	      /* buffers in an answer */
#define WAITS_MAX 64
#define ORDER_MS 10000

/* The child's own. */
struct end {
	DBusConnection *connection;
	DBusMessage *waits[WAITS_MAX]; /* owned: calls of Wait without an answer */
	struct fake_seen seen;
	uint32_t generation;
	bool late, split, race, shrinks, small, wrong, refuse, deny;
	uint32_t number; /* of the member that the caller is */
	const char *participant;
};

static void need(bool holds)
{
	if (!holds)
		_exit(3);
}

/* ---- records ---- */

static void add_view(struct plan *plan, const char *name)
{
	struct view *view;

	need(vocab_add_dict(plan, PLAN_PARTICIPANTS, VOCAB_SOLVED, &view) == 0);
	need(vocab_set_string(view, VIEW_NAME, name, VOCAB_SOLVED) == 0);
	need(vocab_set_number(view, VIEW_AGENT, AGENT_COHERENT, VOCAB_SOLVED) == 0);
}

static void fill_plan(struct plan *plan, const char *heap, uint32_t count)
{
	need(vocab_set_string(plan, PLAN_HEAP, heap, VOCAB_SOLVED) == 0);
	need(vocab_set_number(plan, PLAN_COUNT, count, VOCAB_SOLVED) == 0);
	need(vocab_set_number(plan, PLAN_FORMAT, 0x34325258, VOCAB_SOLVED) == 0);
}

/* Buffers of the newest generation. */
static uint32_t count_of(const struct end *end)
{
	return end->split ? COUNT + COUNT_OTHER : end->small ? COUNT_SMALL : COUNT;
}

static struct plan *new_plan(const struct end *end)
{
	struct plan *plan, *group;

	need(vocab_create(&vocab_plan, &plan) == 0);
	vocab_set_number(plan, PLAN_GENERATION, end->generation, VOCAB_SOLVED);
	if (end->generation > 1)
		vocab_set_string(plan, PLAN_HAND_OVER, "a", VOCAB_SOLVED);
	if (end->split) {
		need(vocab_add_dict(plan, PLAN_GROUPS, VOCAB_SOLVED, &group) == 0);
		fill_plan(group, "first", COUNT);
		add_view(group, "a");
		need(vocab_add_dict(plan, PLAN_GROUPS, VOCAB_SOLVED, &group) == 0);
		fill_plan(group, "second", COUNT_OTHER);
		add_view(group, "b");
		return plan;
	}
	fill_plan(plan, "only", count_of(end));
	add_view(plan, "a");
	if (end->late)
		add_view(plan, "a-late"); /* in the order of their names: "b" has another place */
	add_view(plan, "b");
	return plan;
}

static struct collection_record *new_status(const struct end *end, uint64_t number)
{
	struct collection_record *status;
	struct member_record *member;

	need(vocab_create(&vocab_collection, &status) == 0);
	vocab_set_number(status, COLLECTION_NUMBER, number, VOCAB_SOLVED);
	vocab_set_number(status, COLLECTION_GENERATION, end->generation, VOCAB_SOLVED);
	for (uint32_t i = 0; i < 2; i++) {
		need(vocab_add_dict(status, COLLECTION_MEMBERS, VOCAB_SOLVED, &member) == 0);
		vocab_set_number(member, MEMBER_NUMBER, i, VOCAB_SOLVED);
		vocab_set_number(member, MEMBER_YOU, i == end->number, VOCAB_SOLVED);
		if (i == end->number && end->participant)
			vocab_add_string(member, MEMBER_PARTICIPANTS, end->participant,
					 VOCAB_SOLVED);
	}
	return status;
}

static struct buffer_record *new_buffer(const struct end *end, uint32_t index)
{
	struct buffer_record *buffer;
	struct memory_object *memory;
	int fd = memfd_create("fake", MFD_CLOEXEC);

	need(fd >= 0 && ftruncate(fd, 4096) == 0);
	need(vocab_create(&vocab_buffer, &buffer) == 0);
	vocab_set_number(buffer, BUFFER_GENERATION, end->generation, VOCAB_SOLVED);
	vocab_set_number(buffer, BUFFER_INDEX, index, VOCAB_SOLVED);
	if (end->split)
		vocab_set_number(buffer, BUFFER_GROUP, index >= COUNT, VOCAB_SOLVED);
	need(vocab_add_dict(buffer, BUFFER_MEMORY, VOCAB_SOLVED, &memory) == 0);
	vocab_set_number(memory, MEMORY_BYTES, 4096, VOCAB_SOLVED);
	need(vocab_set_fd(memory, MEMORY_FD, fd, VOCAB_SOLVED) == 0);
	return buffer;
}

/* ---- answers ---- */

static void append(DBusMessage *message, int type, const void *value)
{
	DBusMessageIter iter;

	dbus_message_iter_init_append(message, &iter);
	need(dbus_message_iter_append_basic(&iter, type, value));
}

/* Takes `record` (NULL: none). */
static void append_record(DBusMessage *message, void *record)
{
	DBusMessageIter iter;

	dbus_message_iter_init_append(message, &iter);
	need(wire_append_record(&iter, record) == 0);
	vocab_destroy(record);
}

static void append_tokens(DBusMessage *message, uint32_t len)
{
	const char *const tokens[] = {"secret-0", "secret-1", "secret-2", "secret-3"};
	const char *const *list = tokens;

	need(len <= 4);
	need(dbus_message_append_args(message, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &list, len,
				      DBUS_TYPE_INVALID));
}

/* Takes `message`. */
static void send(struct end *end, DBusMessage *message)
{
	need(message && dbus_connection_send(end->connection, message, NULL));
	dbus_message_unref(message);
}

static void send_signal(struct end *end, const char *name, uint32_t generation)
{
	DBusMessage *signal = dbus_message_new_signal(PATH, WIRE_COLLECTION, name);

	append(signal, DBUS_TYPE_UINT32, &generation);
	send(end, signal);
}

/* Takes `call`. */
static void answer_generation(struct end *end, DBusMessage *call)
{
	DBusMessage *reply = dbus_message_new_method_return(call);

	append(reply, DBUS_TYPE_UINT32, &end->generation);
	append_record(reply, new_plan(end));
	send(end, reply);
	dbus_message_unref(call);
}

/* Takes `call`. */
static void answer_error(struct end *end, DBusMessage *call, enum error_code code)
{
	struct error error = {0};

	error_set(&error, code, CONSTRAINT_COUNT, "a", "camping", "the moon", "a stone");
	send(end, wire_error(call, &error, 0));
	error_finish(&error);
	dbus_message_unref(call);
}

static void answer_waits(struct end *end, enum error_code code)
{
	for (uint32_t i = 0; i < end->seen.waiting; i++) {
		if (code)
			answer_error(end, end->waits[i], code);
		else
			answer_generation(end, end->waits[i]);
	}
	end->seen.waiting = 0;
}

static void negotiate(struct end *end, bool tells)
{
	end->generation++;
	answer_waits(end, ERROR_NONE);
	if (tells)
		send_signal(end, "Negotiated", end->generation);
}

/* ---- calls ---- */

static uint32_t u32_of(DBusMessage *call, int index)
{
	DBusMessageIter iter;
	uint32_t number;

	need(dbus_message_iter_init(call, &iter));
	while (index--)
		need(dbus_message_iter_next(&iter));
	need(dbus_message_iter_get_arg_type(&iter) == DBUS_TYPE_UINT32);
	dbus_message_iter_get_basic(&iter, &number);
	return number;
}

/* The participants of a record of a request, or of a list of records. */
static uint32_t count_participants(DBusMessage *call)
{
	struct request *request;
	DBusMessageIter iter, list;
	uint32_t len = 0;

	need(dbus_message_iter_init(call, &iter));
	if (dbus_message_has_signature(call, "aa{sv}")) {
		dbus_message_iter_recurse(&iter, &list);
		for (; dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_ARRAY;
		     dbus_message_iter_next(&list))
			len++;
		return len;
	}
	need(wire_read_record(&iter, &vocab_request, NULL, &request) == 0);
	len = (uint32_t)request->participants.len;
	vocab_destroy(request);
	return len;
}

static void append_buffers(struct end *end, DBusMessage *reply, uint32_t first, uint32_t count)
{
	struct buffer_record *buffers[PAGE];
	DBusMessageIter iter;
	uint32_t len = 0;

	while (len < PAGE && len < count) {
		buffers[len] = new_buffer(end, first + len);
		len++;
	}
	dbus_message_iter_init_append(reply, &iter);
	need(wire_append_records(&iter, (void *const *)buffers, len) == 0);
	while (len--)
		vocab_destroy(buffers[len]);
}

static void get_buffers(struct end *end, DBusMessage *call, DBusMessage *reply)
{
	dbus_uint64_t serial = ++end->seen.pages;

	append(reply, DBUS_TYPE_UINT64, &serial);
	append_buffers(end, reply, u32_of(call, 0), u32_of(call, 1));
}

static void list_collections(struct end *end, DBusMessage *reply)
{
	struct collection_record *records[2] = {new_status(end, 9), new_status(end, 7)};
	DBusMessageIter iter;

	dbus_message_iter_init_append(reply, &iter);
	need(wire_append_records(&iter, (void *const *)records, 2) == 0);
	vocab_destroy(records[0]);
	vocab_destroy(records[1]);
}

/* Appends what the call is answered with. False: nobody knows the call. */
static bool fill_reply(struct end *end, DBusMessage *call, DBusMessage *reply)
{
	const char *member = dbus_message_get_member(call), *path = PATH;

	if (strcmp(member, "CreateCollection") == 0) {
		end->seen.participants = count_participants(call);
		append(reply, DBUS_TYPE_OBJECT_PATH, &path);
		append_tokens(reply, u32_of(call, 1));
	} else if (strcmp(member, "Bind") == 0) {
		append(reply, DBUS_TYPE_OBJECT_PATH, &path);
	} else if (strcmp(member, "CreateTokens") == 0) {
		append_tokens(reply, u32_of(call, 0));
	} else if (strcmp(member, "Speak") == 0) {
		end->seen.participants = count_participants(call);
	} else if (strcmp(member, "GetStatus") == 0) {
		append_record(reply, new_status(end, 7));
	} else if (strcmp(member, "HandOver") == 0) {
		end->seen.handed_over = u32_of(call, 0);
	} else if (strcmp(member, "GetBuffers") == 0) {
		get_buffers(end, call, reply);
	} else if (strcmp(member, "ListCollections") == 0) {
		list_collections(end, reply);
	} else if (strcmp(member, "Release") == 0) {
		end->seen.released++;
	} else {
		return strcmp(member, "Ping") == 0 || strcmp(member, "Cancel") == 0 ||
		       strcmp(member, "Acknowledge") == 0;
	}
	return true;
}

/* Calls that are answered with a generation. False: it is none of them. */
static bool answer_later(struct end *end, DBusMessage *call)
{
	const char *member = dbus_message_get_member(call);

	if (strcmp(member, "Report") == 0)
		end->seen.reported = u32_of(call, 2);
	if (strcmp(member, "Report") == 0 || strcmp(member, "Renegotiate") == 0) {
		end->generation++;
		answer_generation(end, dbus_message_ref(call));
		send_signal(end, "Negotiated", end->generation);
		return true;
	}
	if (strcmp(member, "Wait") != 0)
		return false;
	end->seen.waits++;
	need(end->seen.waiting < WAITS_MAX);
	end->waits[end->seen.waiting++] = dbus_message_ref(call);
	if (end->generation)
		answer_waits(end, ERROR_NONE);
	return true;
}

/* Takes part in a race that the caller loses. */
static void race(struct end *end)
{
	end->small |= end->shrinks;
	if (end->race)
		negotiate(end, true);
	end->race = end->shrinks = false;
}

/* Answers what the broker would call invalid. False: it is not. */
static bool answer_invalid(struct end *end, DBusMessage *call)
{
	bool buffers = dbus_message_has_member(call, "GetBuffers");
	bool hand_over = dbus_message_has_member(call, "HandOver");

	if (buffers)
		race(end);
	if (!((buffers || hand_over) && end->deny) &&
	    !(buffers && u32_of(call, 0) + u32_of(call, 1) > count_of(end)) &&
	    !(hand_over && u32_of(call, 0) != end->generation))
		return false;
	end->deny = false;
	answer_error(end, dbus_message_ref(call), ERROR_INVALID_REQUEST);
	return true;
}

static DBusHandlerResult on_call(DBusConnection *connection, DBusMessage *call, void *data)
{
	struct end *end = data;
	DBusMessage *reply;
	bool wrong = end->wrong, refuse = end->refuse;

	(void)connection;
	if (dbus_message_get_type(call) != DBUS_MESSAGE_TYPE_METHOD_CALL)
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	if (strcmp(dbus_message_get_member(call), "Acknowledge") != 0)
		end->wrong = end->refuse = false;
	if (refuse) {
		answer_error(end, dbus_message_ref(call), ERROR_CONFLICT);
		return DBUS_HANDLER_RESULT_HANDLED;
	}
	if (!wrong && (answer_invalid(end, call) || answer_later(end, call)))
		return DBUS_HANDLER_RESULT_HANDLED;
	reply = dbus_message_new_method_return(call);
	if (wrong)
		append(reply, DBUS_TYPE_BOOLEAN, &(dbus_bool_t){TRUE});
	else
		need(fill_reply(end, call, reply));
	if (dbus_message_get_no_reply(call))
		dbus_message_unref(reply);
	else
		send(end, reply);
	return DBUS_HANDLER_RESULT_HANDLED;
}

/* ---- the child ---- */

static void end_collection(struct end *end)
{
	const char *name = ERROR_PREFIX "Gone", *text = "the initiator has cancelled it";
	DBusMessage *signal = dbus_message_new_signal(PATH, WIRE_COLLECTION, "Ended");

	answer_waits(end, ERROR_GONE);
	need(dbus_message_append_args(signal, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &text,
				      DBUS_TYPE_INVALID));
	send(end, signal);
}

static void obey(struct end *end, char order)
{
	switch (order) {
	case FAKE_NEGOTIATE:
	case FAKE_QUIETLY:
		negotiate(end, order == FAKE_NEGOTIATE);
		break;
	case FAKE_HAND_OVER:
		send_signal(end, "HandedOver", end->generation);
		break;
	case FAKE_END:
		end_collection(end);
		break;
	case FAKE_LATE:
		end->late = true;
		send_signal(end, "Negotiated", end->generation);
		break;
	case FAKE_SPLIT:
		end->split = true;
		break;
	case FAKE_RACE:
	case FAKE_SHRINK:
		end->race = true;
		end->shrinks = order == FAKE_SHRINK;
		break;
	case FAKE_DENY:
		end->deny = true;
		break;
	case FAKE_CONSUMER:
	case FAKE_PRODUCER:
		end->number = 1;
		end->participant = order == FAKE_PRODUCER ? "a" : "b";
		break;
	case FAKE_WRONG:
		end->wrong = true;
		break;
	case FAKE_REFUSE:
		end->refuse = true;
		break;
	default:
		break;
	}
}

static void on_connection(DBusServer *server, DBusConnection *connection, void *data)
{
	struct end *end = data;

	(void)server;
	end->connection = dbus_connection_ref(connection);
	need(dbus_connection_add_filter(connection, on_call, end, NULL));
}

static dbus_bool_t add_watch(DBusWatch *watch, void *data)
{
	*(DBusWatch **)data = watch;
	return TRUE;
}

static void remove_watch(DBusWatch *watch, void *data)
{
	(void)watch;
	(void)data;
}

/* Waits for the visitor. */
static DBusServer *serve(struct end *end, int answers)
{
	DBusWatch *watch = NULL;
	struct pollfd ready = {.events = POLLIN};
	char *address, line[128] = {0};
	DBusServer *server;

	snprintf(line, sizeof(line), "unix:abstract=dmabroker-fake-%d", getpid());
	server = dbus_server_listen(line, NULL);
	need(server &&
	     dbus_server_set_watch_functions(server, add_watch, remove_watch, NULL, &watch, NULL));
	dbus_server_set_new_connection_function(server, on_connection, end, NULL);
	address = dbus_server_get_address(server);
	snprintf(line, sizeof(line), "%s", address);
	need(write(answers, line, sizeof(line)) == (ssize_t)sizeof(line));
	dbus_free(address);
	ready.fd = dbus_watch_get_unix_fd(watch);
	while (!end->connection) {
		need(poll(&ready, 1, ORDER_MS) == 1);
		dbus_watch_handle(watch, DBUS_WATCH_READABLE);
	}
	return server;
}

static void run(int orders, int answers)
{
	struct end end = {.number = 0};
	DBusServer *server;
	char order = LOOK;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	server = serve(&end, answers);
	while (order != FAKE_QUIT) {
		struct pollfd ready = {.fd = orders, .events = POLLIN};

		dbus_connection_read_write(end.connection, 5);
		while (dbus_connection_dispatch(end.connection) == DBUS_DISPATCH_DATA_REMAINS)
			;
		if (poll(&ready, 1, 0) != 1)
			continue;
		if (read(orders, &order, 1) != 1)
			break;
		obey(&end, order);
		dbus_connection_flush(end.connection);
		if (order == FAKE_QUIT)
			dbus_connection_close(end.connection);
		need(write(answers, &end.seen, sizeof(end.seen)) == (ssize_t)sizeof(end.seen));
	}
	dbus_server_disconnect(server);
	_exit(0);
}

/* ---- the test's side ---- */

void fake_start(struct fake *fake)
{
	int orders[2], answers[2];

	ck_assert_int_eq(pipe(orders), 0);
	ck_assert_int_eq(pipe(answers), 0);
	fake->child = fork();
	ck_assert_int_ge(fake->child, 0);
	if (fake->child == 0) {
		close(orders[1]);
		close(answers[0]);
		run(orders[0], answers[1]);
	}
	close(orders[0]);
	close(answers[1]);
	fake->orders = orders[1];
	fake->answers = answers[0];
	ck_assert_int_eq(read(fake->answers, fake->address, sizeof(fake->address)),
			 (int)sizeof(fake->address));
}

void fake_stop(struct fake *fake)
{
	int status;

	close(fake->orders);
	close(fake->answers);
	ck_assert_int_eq(waitpid(fake->child, &status, 0), fake->child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the other end: %#x", status);
}

struct fake_seen fake_order(struct fake *fake, enum fake_order order)
{
	struct pollfd ready = {.fd = fake->answers, .events = POLLIN};
	char letter = (char)order;
	struct fake_seen seen;

	ck_assert_int_eq(write(fake->orders, &letter, 1), 1);
	ck_assert_int_eq(poll(&ready, 1, ORDER_MS), 1);
	ck_assert_int_eq(read(fake->answers, &seen, sizeof(seen)), (int)sizeof(seen));
	return seen;
}

struct fake_seen fake_look(struct fake *fake)
{
	return fake_order(fake, (enum fake_order)LOOK);
}
