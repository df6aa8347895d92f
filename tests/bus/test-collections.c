/* SPDX-License-Identifier: MIT */
/*
 * Collections of several processes on both transports: all but the orders in which they come and go
 * (test-orders.c). The members are connections of their own.
 */
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/model/error.h"
#include "protocol/limits.h"
#include "protocol/wire.h"
#include "tests/bus/members.h"

#define MEMBERS 4
#define NOBODY 65534
#define WAIT_MS 10000

/* The initiator is the first. */
static DBusConnection *members[MEMBERS];
static struct created created;
static size_t fds_before;
static enum transport used;

static const struct party camera[] = {{.name = "camera", .device = "cam0", .role = "capture"}, {0}};
static const struct party encoder[] = {{.name = "encoder", .device = "codec", .role = "output"},
				       {0}};
static const struct party optional[] = {
	{.name = "encoder", .device = "codec", .role = "output", .optional = true}, {0}};
static const struct party display[] = {{.name = "display", .device = "vkms", .role = "scanout"},
				       {0}};
static const struct party lcd[] = {{.name = "lcd", .device = "lcd", .role = "scanout"}, {0}};
static const struct party strange[] = {
	{.name = "encoder", .device = "codec", .role = "output", .format = FOURCC_NV12}, {0}};
static const struct party reader[] = {{.name = "reader", .role = "cpu"}, {0}};

static void begin(enum transport transport)
{
	used = transport;
	for (int i = 0; i < MEMBERS; i++) {
		members[i] = harness_connect(transport);
		/* it is known to the daemon from now on */
		ck_assert_uint_eq(count_collections(members[i]), 0);
	}
	fds_before = harness_count_idle_fds();
}

/* Everything is given back: fds, and collections (all that root sees). */
static void finish(void)
{
	DBusConnection *connection;

	for (int i = 0; i < MEMBERS; i++) {
		if (members[i])
			harness_disconnect(members[i]);
		members[i] = NULL;
	}
	connection = harness_connect(used);
	for (int waited = 0; count_collections(connection) && waited < WAIT_MS; waited++)
		harness_sleep_ms(1);
	ck_assert_uint_eq(count_collections(connection), 0);
	ck_assert_uint_le(harness_count_idle_fds(), fds_before);
	harness_disconnect(connection);
}

static void die(int i)
{
	harness_disconnect(members[i]);
	members[i] = NULL;
}

static void allow(int i, DBusMessage *call)
{
	dbus_message_unref(harness_succeed(members[i], call));
}

static void refuse(int i, DBusMessage *call, const char *error, const char *text)
{
	char name[64];

	snprintf(name, sizeof(name), ERROR_PREFIX "%s", error);
	harness_fail(members[i], call, name, text);
}

static void bind_all(int len)
{
	for (int i = 1; i <= len; i++)
		allow(i, new_bind(created.tokens[i - 1]));
}

/* The initiator observes; of two members each has spoken, and there are buffers. */
static void make_two(const struct party *first, const struct party *second)
{
	create(members[0], new_create(0, NULL, 2), &created);
	bind_all(2);
	allow(1, new_speak(created.path, first));
	allow(2, new_speak(created.path, second));
	allow(1, new_on(created.path, "Wait"));
	expect_status(members[0], created.path, "ready sss 0");
}

/* ---- what comes out ---- */

struct seen {
	dbus_uint32_t generation;
	size_t len;
	ino_t inodes[8];
	off_t bytes;
};

static void see_buffer(DBusMessageIter *record, struct seen *seen)
{
	DBusMessageIter value, objects;
	struct stat status;
	int fd;

	ck_assert(dict_find(record, "generation", &value));
	dbus_message_iter_get_basic(&value, &seen->generation);
	ck_assert(dict_find(record, "memory", &value));
	dbus_message_iter_recurse(&value, &objects);
	ck_assert(dict_find(&objects, "fd", &value));
	dbus_message_iter_get_basic(&value, &fd);
	ck_assert_int_eq(fstat(fd, &status), 0);
	close(fd);
	seen->inodes[seen->len++] = status.st_ino;
	seen->bytes = status.st_size;
}

/* All four buffers, by their fds. */
static void get_buffers(int i, struct seen *ret_seen)
{
	DBusMessage *reply = harness_succeed(members[i], new_get_buffers(created.path, 0, 4));
	DBusMessage *call = new_on(created.path, "Acknowledge");
	DBusMessageIter iter, list;
	dbus_uint64_t serial;

	*ret_seen = (struct seen){0};
	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_get_basic(&iter, &serial);
	dbus_message_iter_next(&iter);
	dbus_message_iter_recurse(&iter, &list);
	for (; dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_ARRAY;
	     dbus_message_iter_next(&list))
		see_buffer(&list, ret_seen);
	dbus_message_unref(reply);
	dbus_message_append_args(call, DBUS_TYPE_UINT64, &serial, DBUS_TYPE_INVALID);
	allow(i, call);
	ck_assert_uint_eq(ret_seen->len, 4);
}

static void expect_same(const struct seen *a, const struct seen *b)
{
	ck_assert_uint_eq(a->generation, b->generation);
	ck_assert_mem_eq(a->inodes, b->inodes, sizeof(a->inodes));
}

/* The next signal of a collection; NULL: none comes in time. */
static DBusMessage *next_signal(int i, int ms)
{
	DBusMessage *message;

	for (int waited = 0; waited <= ms;) {
		message = dbus_connection_pop_message(members[i]);
		if (message && dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL &&
		    dbus_message_has_interface(message, WIRE_COLLECTION))
			return message;
		if (message) {
			dbus_message_unref(message);
			continue;
		}
		dbus_connection_read_write(members[i], 10);
		waited += 10;
	}
	return NULL;
}

static void expect_number(int i, const char *member, dbus_uint32_t wanted)
{
	DBusMessage *signal = next_signal(i, WAIT_MS);
	dbus_uint32_t number;

	ck_assert_msg(signal, "no signal %s", member);
	ck_assert_str_eq(dbus_message_get_member(signal), member);
	ck_assert_str_eq(dbus_message_get_path(signal), created.path);
	ck_assert(
		dbus_message_get_args(signal, NULL, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID));
	ck_assert_uint_eq(number, wanted);
	dbus_message_unref(signal);
}

static void expect_end(int i, const char *error, const char *text)
{
	DBusMessage *signal = next_signal(i, WAIT_MS);
	const char *name, *sentence;

	ck_assert_ptr_nonnull(signal);
	ck_assert_str_eq(dbus_message_get_member(signal), "Ended");
	ck_assert(dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING,
					&sentence, DBUS_TYPE_INVALID));
	ck_assert_str_eq(name, error);
	ck_assert_msg(strstr(sentence, text), "'%s' is not in '%s'", text, sentence);
	dbus_message_unref(signal);
}

/* The value of a word or number in the plan of an answer (u generation, a{sv} plan). */
static void read_plan(DBusMessage *reply, dbus_uint32_t *ret_generation, const char *key,
		      char *text, size_t size)
{
	DBusMessageIter iter, value;
	const char *word = "";

	ck_assert_str_eq(dbus_message_get_signature(reply), "ua{sv}");
	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_get_basic(&iter, ret_generation);
	dbus_message_iter_next(&iter);
	if (dict_find(&iter, key, &value))
		dbus_message_iter_get_basic(&value, &word);
	snprintf(text, size, "%s", word);
	dbus_message_unref(reply);
}

static DBusMessage *new_report(const char *participant, dbus_uint32_t generation,
			       dbus_uint32_t number)
{
	DBusMessage *call = new_on(created.path, "Report");

	dbus_message_append_args(call, DBUS_TYPE_STRING, &participant, DBUS_TYPE_UINT32,
				 &generation, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
	return call;
}

static DBusMessage *new_with_number(const char *member, dbus_uint32_t number)
{
	DBusMessage *call = new_on(created.path, member);

	dbus_message_append_args(call, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
	return call;
}

/* Changes of the size, or (`participants` not NULL) of who takes part. */
static DBusMessage *new_renegotiate(uint32_t width, const struct party *participants)
{
	struct request_call call;

	changes_begin(&call, created.path);
	if (width)
		dict_add_u32(&call.dict, "width", width);
	if (width)
		dict_add_u32(&call.dict, "height", width * 9 / 16);
	if (participants)
		dict_add_parties(&call.dict, participants);
	return request_end(&call);
}

/* ---- the first negotiation ---- */

START_TEST(several_wait_and_get_the_same)
{
	DBusPendingCall *waits[4];
	struct seen first, second;

	begin(_i);
	create(members[0], new_create(0, NULL, 2), &created);
	bind_all(2);
	waits[0] = send_later(members[0], new_on(created.path, "Wait"));
	waits[1] = send_later(members[1], new_on(created.path, "Wait"));
	waits[2] = send_later(members[1], new_on(created.path, "Wait"));
	waits[3] = send_later(members[2], new_on(created.path, "Wait"));
	allow(1, new_speak(created.path, camera));
	expect_status(members[0], created.path, "waiting ssb 1");
	refuse(1, new_get_buffers(created.path, 0, 1), "InvalidRequest", NULL);
	for (int i = 0; i < 4; i++)
		ck_assert(!dbus_pending_call_get_completed(waits[i]));
	allow(2, new_speak(created.path, encoder));
	for (int i = 0; i < 4; i++)
		expect_later(waits[i], "", NULL);
	get_buffers(1, &first);
	get_buffers(2, &second);
	expect_same(&first, &second);
	ck_assert_uint_eq(first.generation, 1);
	for (int i = 0; i < 3; i++)
		expect_number(i, "Negotiated", 1);
	ck_assert_ptr_null(next_signal(3, 100)); /* no member */
	finish();
}
END_TEST

START_TEST(a_conflict_is_told_to_all)
{
	DBusPendingCall *waits[3];

	begin(_i);
	create(members[0], new_create(0, NULL, 2), &created);
	bind_all(2);
	for (int i = 0; i < 3; i++)
		waits[i] = send_later(members[i], new_on(created.path, "Wait"));
	allow(1, new_speak(created.path, lcd));
	allow(2, new_speak(created.path, (const struct party[]){{.name = "x",
								 .device = "codec",
								 .role = "output",
								 .format = FOURCC_NV12},
								{0}}));
	for (int i = 0; i < 3; i++) {
		expect_later(waits[i], "Conflict", "x");
		expect_end(i, ERROR_PREFIX "Conflict", "x");
		refuse(i, new_on(created.path, "Wait"), "Conflict", "x");
	}
	expect_status(members[0], created.path, "ended sss 0");
	refuse(0, new_with_number("CreateTokens", 1), "Conflict", NULL);
	finish();
}
END_TEST

START_TEST(the_deadline_names_who_is_missing)
{
	DBusPendingCall *wait;

	begin(_i);
	create(members[0], new_create(200, NULL, 3), &created);
	bind_all(2);
	allow(1, new_speak(created.path, camera));
	wait = send_later(members[1], new_on(created.path, "Wait"));
	expect_later(wait, "Gone", "member 2: of user");
	expect_end(0, ERROR_PREFIX "Gone", "member 3: its token is not bound");
	expect_status(members[0], created.path, "ended ssbu 0");
	refuse(3, new_bind(created.tokens[2]), "Gone", NULL);
	refuse(2, new_speak(created.path, encoder), "Gone", "member 2");
	finish();
}
END_TEST

static unsigned int count_missing_logged(void)
{
	char path[128], line[256];
	unsigned int len = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/daemon.log", harness.dir);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		len += strstr(line, "waits for member 2: its token is not bound") != NULL;
	if (file)
		fclose(file);
	return len;
}

static bool log_says_who_is_missing(void)
{
	return count_missing_logged() > 0;
}

/* Of one collection: whoever makes many fills no log. */
START_TEST(who_is_missing_is_logged)
{
	struct created another;

	begin(_i);
	/* the tokens of the first are good until its deadline, though nobody comes with them */
	create(members[0], new_create(LIMIT_COLLECTION_STUCK_MS * 2, NULL, 2), &another);
	create(members[0], new_create(0, NULL, 2), &created);
	bind_all(1);
	allow(1, new_speak(created.path, camera));
	ck_assert(!log_says_who_is_missing());
	ck_assert(harness_until(log_says_who_is_missing, 2 * LIMIT_COLLECTION_STUCK_MS));
	expect_status(members[0], created.path, "waiting ssu 1");
	harness_sleep_ms(500);
	ck_assert_uint_eq(count_missing_logged(), 1);
	finish();
}
END_TEST

START_TEST(the_initiator_cancels)
{
	DBusPendingCall *wait;

	begin(_i);
	create(members[0], new_create(0, NULL, 2), &created);
	bind_all(1);
	wait = send_later(members[1], new_on(created.path, "Wait"));
	refuse(1, new_on(created.path, "Cancel"), "NotPermitted", NULL);
	allow(0, new_on(created.path, "Cancel"));
	expect_later(wait, "Gone", "cancelled");
	expect_end(1, ERROR_PREFIX "Gone", "cancelled");
	refuse(2, new_bind(created.tokens[1]), "Gone", NULL);
	refuse(0, new_on(created.path, "Cancel"), "Gone", "cancelled");
	finish();
}
END_TEST

/* ---- tokens, and who is no member ---- */

START_TEST(a_token_is_good_once)
{
	char guess[33];

	begin(_i);
	create(members[0], new_create(0, NULL, 2), &created);
	ck_assert_uint_eq(strspn(created.tokens[0], "0123456789abcdef"), 32);
	snprintf(guess, sizeof(guess), "%s", created.tokens[1]);
	guess[31] = guess[31] == '0' ? '1' : '0';
	refuse(1, new_bind(guess), "Gone", NULL);
	refuse(1, new_bind(""), "Gone", NULL);
	bind_all(1);
	refuse(2, new_bind(created.tokens[0]), "Gone", NULL);
	refuse(1, new_bind(created.tokens[1]), "InvalidRequest", NULL);
	allow(2, new_bind(created.tokens[1]));
	finish();
}
END_TEST

static DBusMessage *new_acknowledge(dbus_uint64_t serial)
{
	DBusMessage *call = new_on(created.path, "Acknowledge");

	dbus_message_append_args(call, DBUS_TYPE_UINT64, &serial, DBUS_TYPE_INVALID);
	return call;
}

/* The fds of more than one answer are in flight when it leaves. */
START_TEST(who_has_left_can_acknowledge)
{
	dbus_uint64_t serials[2];

	begin(_i);
	make_two(camera, encoder);
	for (int i = 0; i < 2; i++) {
		DBusMessage *reply =
			harness_succeed(members[1], new_get_buffers(created.path, 0, 4));

		ck_assert(dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT64, &serials[i],
						DBUS_TYPE_INVALID));
		dbus_message_unref(reply);
	}
	refuse(2, new_acknowledge(serials[0]), "InvalidRequest", NULL);
	allow(1, new_on(created.path, "Release"));
	allow(1, new_acknowledge(serials[0]));
	refuse(1, new_acknowledge(serials[0]), "InvalidRequest", NULL);
	for (int i = 0; i < 3; i += 2)
		allow(i, new_on(created.path, "Release"));
	allow(1, new_acknowledge(serials[1]));
	finish();
}
END_TEST

START_TEST(who_is_no_member_gets_nothing)
{
	static const char *const without[] = {"Wait", "GetStatus", "Cancel", "Release"};

	begin(_i);
	make_two(camera, encoder);
	for (size_t i = 0; i < 4; i++)
		refuse(3, new_on(created.path, without[i]), "Gone", NULL);
	refuse(3, new_with_number("CreateTokens", 1), "Gone", NULL);
	refuse(3, new_with_number("HandOver", 1), "Gone", NULL);
	refuse(3, new_speak(created.path, reader), "Gone", NULL);
	refuse(3, new_renegotiate(320, NULL), "Gone", NULL);
	refuse(3, new_report("camera", 1, 22), "Gone", NULL);
	refuse(3, new_get_buffers(created.path, 0, 1), "Gone", NULL);
	finish();
}
END_TEST

/* Becomes another user, of the group that may use the broker. NULL: it does not work. */
static DBusConnection *become_another(enum transport transport)
{
	gid_t group = 0;

	/* on a machine without the group dmabroker the socket is its owner's alone */
	if (chmod(harness.socket_path, 0666) || setgroups(1, &group) || setgid(NOBODY) ||
	    setuid(NOBODY))
		return NULL;
	return harness_try_connect(transport);
}

static int look_as_another(enum transport transport, const char *path)
{
	DBusConnection *connection = become_another(transport);
	DBusMessage *reply;
	char text[64];

	if (!connection)
		return 3;
	reply = harness_call(connection,
			     harness_new_call(WIRE_PATH, WIRE_MANAGER, "ListCollections"));
	if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_METHOD_RETURN)
		return 4;
	dbus_message_unref(reply);
	if (count_collections(connection) != 0)
		return 5;
	return read_status(connection, path, text, sizeof(text)) ? 6 : 0;
}

START_TEST(another_user_sees_nothing)
{
	pid_t pid;

	begin(_i);
	make_two(camera, encoder);
	ck_assert_uint_eq(count_collections(members[3]), 1);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		_exit(look_as_another(_i, created.path));
	ck_assert_int_eq(harness_wait(pid, WAIT_MS), 0);
	finish();
}
END_TEST

/* Another user binds: the initiator's pays, and sees it. */
static int take_part_as_another(enum transport transport, const char *path, const char *token)
{
	DBusConnection *connection = become_another(transport);

	if (!connection)
		return 3;
	dbus_message_unref(harness_succeed(connection, new_bind(token)));
	dbus_message_unref(harness_succeed(connection, new_speak(path, encoder)));
	dbus_message_unref(harness_succeed(connection, new_on(path, "Wait")));
	dbus_message_unref(harness_succeed(connection, new_get_buffers(path, 0, 4)));
	dbus_message_unref(harness_succeed(connection, new_on(path, "Release")));
	return count_collections(connection) == 0 ? 0 : 4;
}

START_TEST(another_user_takes_part)
{
	pid_t pid;

	begin(_i);
	create(members[0], new_create(0, NULL, 2), &created);
	bind_all(1);
	allow(1, new_speak(created.path, camera));
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		_exit(take_part_as_another(_i, created.path, created.tokens[1]));
	ck_assert_int_eq(harness_wait(pid, WAIT_MS), 0);
	expect_status(members[0], created.path, "ready ssl 0");
	finish();
}
END_TEST

/* A participant may be named by an open file in Speak as in Allocate. */
START_TEST(speak_takes_fds)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	DBusMessageIter iter, list, dict;
	DBusMessage *call;

	begin(_i);
	create(members[0], new_create(0, NULL, 1), &created);
	bind_all(1);
	call = new_on(created.path, "Speak");
	dbus_message_iter_init_append(call, &iter);
	dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "a{sv}", &list);
	dbus_message_iter_open_container(&list, DBUS_TYPE_ARRAY, "{sv}", &dict);
	dict_add(&dict, "device-fd", DBUS_TYPE_UNIX_FD, &fd);
	dbus_message_iter_close_container(&list, &dict);
	dbus_message_iter_close_container(&iter, &list);
	refuse(1, call, "UnknownDevice", "1:3");
	close(fd);
	allow(1, new_speak(created.path, camera));
	finish();
}
END_TEST

/* ---- leaving and dying ---- */

static const struct {
	const struct party *said;
	bool before; /* there are buffers */
	const char *status;
} deaths[] = {
	{optional, true, "ready ssd 0"}, {optional, false, "ready ssd 0"},
	{NULL, true, "ready ssd 0"},	 {NULL, false, "ready ssd 0"},
	{encoder, true, "ended ssd 0"},	 {encoder, false, "ended ssd 0"},
};

#define DEATHS ((int)(sizeof(deaths) / sizeof(deaths[0])))

START_TEST(who_is_optional_or_observes_dies_alone)
{
	bool before = deaths[_i % DEATHS].before;
	bool ends = deaths[_i % DEATHS].said == encoder;
	DBusPendingCall *wait;
	struct seen seen;

	begin(_i / DEATHS);
	create(members[0], new_create(0, NULL, 2), &created);
	bind_all(2);
	wait = send_later(members[1], new_on(created.path, "Wait"));
	allow(2, new_speak(created.path, deaths[_i % DEATHS].said));
	if (before) {
		die(2);
		expect_status(members[0], created.path, ends ? "ended sbd 0" : "waiting sbd 1");
	}
	if (before && ends) {
		expect_later(wait, "Gone", "member 2");
		finish();
		return;
	}
	allow(1, new_speak(created.path, camera));
	expect_later(wait, "", NULL);
	if (!before)
		die(2);
	expect_status(members[0], created.path, deaths[_i % DEATHS].status);
	if (ends)
		refuse(1, new_get_buffers(created.path, 0, 1), "Gone", "member 2");
	else
		get_buffers(1, &seen);
	finish();
}
END_TEST

START_TEST(the_initiator_dies_and_its_user_pays_on)
{
	struct seen seen;

	begin(_i);
	make_two(camera, encoder);
	die(0);
	expect_status(members[1], created.path, "ready dss 0");
	ck_assert_uint_eq(count_collections(members[3]), 1);
	get_buffers(2, &seen);
	allow(1, new_on(created.path, "Release"));
	get_buffers(2, &seen);
	allow(2, new_on(created.path, "Release"));
	ck_assert_uint_eq(count_collections(members[3]), 0);
	refuse(2, new_on(created.path, "GetStatus"), "Gone", NULL);
	finish();
}
END_TEST

/* ---- late members ---- */

START_TEST(a_late_member_must_fit)
{
	struct created late;
	struct seen before, after;
	DBusMessage *reply;
	DBusMessageIter iter, list;
	const char *token;

	begin(_i);
	make_two(camera, encoder);
	get_buffers(1, &before);
	expect_number(1, "Negotiated", 1);
	reply = harness_succeed(members[0], new_with_number("CreateTokens", 1));
	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_recurse(&iter, &list);
	dbus_message_iter_get_basic(&list, &token);
	snprintf(late.tokens[0], sizeof(late.tokens[0]), "%s", token);
	dbus_message_unref(reply);
	allow(3, new_bind(late.tokens[0]));
	expect_status(members[0], created.path, "ready sssb 0");
	refuse(3, new_get_buffers(created.path, 0, 1), "NotPermitted", NULL);
	refuse(3, new_speak(created.path, lcd), "Conflict", NULL);
	ck_assert_ptr_null(next_signal(1, 100));
	get_buffers(1, &after);
	expect_same(&before, &after);
	allow(3, new_speak(created.path, display));
	expect_number(1, "Negotiated", 1);
	allow(3, new_on(created.path, "Wait"));
	get_buffers(3, &after);
	expect_same(&before, &after);
	die(3);
	expect_status(members[0], created.path, "ready sssd 0");
	get_buffers(1, &after);
	finish();
}
END_TEST

/* ---- again ---- */

START_TEST(a_new_generation_beside_the_old)
{
	struct seen old, new;
	dbus_uint32_t generation;
	char text[64];
	size_t fds;

	begin(_i);
	make_two(camera, encoder);
	get_buffers(1, &old);
	expect_number(2, "Negotiated", 1);
	fds = harness_count_idle_fds();
	refuse(1, new_renegotiate(1920, NULL), "NotPermitted", NULL);
	read_plan(harness_succeed(members[0], new_renegotiate(1920, NULL)), &generation,
		  "hand-over", text, sizeof(text));
	ck_assert_uint_eq(generation, 2);
	ck_assert_str_eq(text, "camera");
	expect_number(2, "Negotiated", 2);
	get_buffers(1, &new);
	ck_assert_uint_eq(new.generation, 2);
	ck_assert_int_gt(new.bytes, old.bytes);
	ck_assert_uint_eq(harness_count_idle_fds(), fds + 4);
	refuse(2, new_with_number("HandOver", 2), "NotPermitted", NULL);
	refuse(1, new_with_number("HandOver", 1), "InvalidRequest", NULL);
	allow(1, new_with_number("HandOver", 2));
	expect_number(2, "HandedOver", 2);
	ck_assert_uint_eq(harness_count_idle_fds(), fds);
	finish();
}
END_TEST

START_TEST(what_fails_changes_nothing)
{
	struct seen before, after;

	begin(_i);
	make_two(camera, encoder);
	get_buffers(1, &before);
	refuse(2, new_renegotiate(0, strange), "Conflict", NULL);
	get_buffers(1, &after);
	expect_same(&before, &after);
	get_buffers(2, &after);
	expect_same(&before, &after);
	expect_status(members[0], created.path, "ready sss 0");
	finish();
}
END_TEST

START_TEST(a_member_changes_its_participants)
{
	dbus_uint32_t generation;
	char heap[64];

	begin(_i);
	make_two(camera, display);
	read_plan(harness_succeed(members[2], new_renegotiate(0, lcd)), &generation, "heap", heap,
		  sizeof(heap));
	ck_assert_uint_eq(generation, 2);
	ck_assert_str_eq(heap, "reserved");
	finish();
}
END_TEST

/* ---- reports ---- */

static void expect_heap(const char *wanted)
{
	dbus_uint32_t generation;
	char heap[64];

	read_plan(harness_succeed(members[0], new_on(created.path, "Wait")), &generation, "heap",
		  heap, sizeof(heap));
	ck_assert_str_eq(heap, wanted);
}

START_TEST(a_report_is_for_its_collection_alone)
{
	struct created first;
	dbus_uint32_t generation;
	char heap[64];

	begin(_i);
	make_two(camera, encoder);
	expect_heap("system");
	refuse(1, new_report("encoder", 1, 22), "NotPermitted", NULL);
	refuse(2, new_report("encoder", 7, 22), "InvalidRequest", NULL);
	refuse(2, new_report("encoder", 1, 0), "InvalidRequest", NULL);
	read_plan(harness_succeed(members[2], new_report("encoder", 1, 22)), &generation, "heap",
		  heap, sizeof(heap));
	ck_assert_uint_eq(generation, 2);
	ck_assert_str_eq(heap, "reserved");
	refuse(2, new_report("encoder", 2, 22), "Conflict", NULL);
	first = created;
	make_two(camera, encoder);
	expect_heap("system");
	created = first;
	expect_heap("reserved");
	finish();
}
END_TEST

/* Whether a plan for the encoder alone needs memory in one piece. */
static bool codec_needs_contiguous(void)
{
	DBusMessage *call = harness_new_call(WIRE_PATH, WIRE_MANAGER, "Plan"), *reply;
	struct request_call request = {.message = call};
	DBusMessageIter iter, value;
	const char *heap = "";
	bool reserved;

	dbus_message_iter_init_append(call, &request.args);
	dbus_message_iter_open_container(&request.args, DBUS_TYPE_ARRAY, "{sv}", &request.dict);
	dict_add_size(&request.dict);
	dict_add_format(&request.dict, FOURCC_XR24, 0);
	dict_add_parties(&request.dict, encoder);
	reply = harness_succeed(members[0], request_end(&request));
	dbus_message_iter_init(reply, &iter);
	if (dict_find(&iter, "heap", &value))
		dbus_message_iter_get_basic(&value, &heap);
	reserved = strcmp(heap, "reserved") == 0;
	dbus_message_unref(reply);
	return reserved;
}

START_TEST(what_the_trial_confirms_is_for_all)
{
	begin(_i);
	make_two(camera, encoder);
	ck_assert(!codec_needs_contiguous());
	/* the made-up probe answers so when it is asked next, and nothing asks it but a report */
	harness_happen("quiet codec contiguity whole");
	allow(0, new_on(created.path, "GetStatus"));
	ck_assert(!codec_needs_contiguous());
	allow(2, new_report("encoder", 1, 22));
	ck_assert(harness_until(codec_needs_contiguous, WAIT_MS));
	finish();
}
END_TEST

#define BOTH(test) tcase_add_loop_test(tcase, test, 0, TRANSPORTS)

int main(void)
{
	Suite *suite = suite_create("collections");
	TCase *tcase = tcase_create("collections");

	tcase_add_checked_fixture(tcase, members_start, harness_stop);
	tcase_set_timeout(tcase, 60);
	BOTH(several_wait_and_get_the_same);
	BOTH(a_conflict_is_told_to_all);
	BOTH(the_deadline_names_who_is_missing);
	BOTH(who_is_missing_is_logged);
	BOTH(the_initiator_cancels);
	BOTH(a_token_is_good_once);
	BOTH(who_has_left_can_acknowledge);
	BOTH(who_is_no_member_gets_nothing);
	/* only root can become somebody else */
	if (getuid() == 0) {
		BOTH(another_user_sees_nothing);
		BOTH(another_user_takes_part);
	}
	BOTH(speak_takes_fds);
	tcase_add_loop_test(tcase, who_is_optional_or_observes_dies_alone, 0, TRANSPORTS * DEATHS);
	BOTH(the_initiator_dies_and_its_user_pays_on);
	BOTH(a_late_member_must_fit);
	BOTH(a_new_generation_beside_the_old);
	BOTH(what_fails_changes_nothing);
	BOTH(a_member_changes_its_participants);
	BOTH(a_report_is_for_its_collection_alone);
	BOTH(what_the_trial_confirms_is_for_all);
	suite_add_tcase(suite, tcase);
	return harness_main(suite);
}
