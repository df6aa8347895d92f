/* SPDX-License-Identifier: MIT */
/* Clients that die, flood, stall or lie, and a bus that goes away. */
#include "tests/bus/harness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/model/error.h"
#include "protocol/limits.h"
#include "protocol/wire.h"

/* ---- the daemon is as it was ---- */

static size_t fds_before;

static void remember_fds(void)
{
	fds_before = harness_count_idle_fds();
}

static bool has_fds_of_before(void)
{
	return harness_count_fds(harness.daemon) == fds_before;
}

static void expect_fds_of_before(void)
{
	ck_assert_msg(harness_until(has_fds_of_before, 1000), "%zu fds before, %zu a second later",
		      fds_before, harness_count_fds(harness.daemon));
}

static void expect_alive(enum transport transport)
{
	DBusConnection *connection = harness_connect(transport);

	harness_count_objects(connection, "/");
	harness_disconnect(connection);
}

static DBusMessage *new_allocate(void)
{
	struct request_call call;

	request_begin(&call, "Allocate");
	dict_add_size(&call.dict);
	dict_add_participants(&call.dict, NULL, "cpu", 1);
	return request_end(&call);
}

/* ---- death ---- */

/* In a process of its own: sends and is dead before an answer can come. */
static void send_and_die(enum transport transport)
{
	DBusConnection *connection = harness_try_connect(transport);

	if (!connection)
		_exit(1);
	for (int i = 0; i < 8; i++)
		dbus_connection_send(connection, new_allocate(), NULL);
	dbus_connection_flush(connection);
	kill(getpid(), SIGKILL);
}

START_TEST(a_client_killed_between_call_and_answer_leaves_nothing)
{
	int status;
	pid_t pid;

	remember_fds();
	for (int i = 0; i < 10; i++) {
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (!pid)
			send_and_die(_i);
		waitpid(pid, &status, 0);
		ck_assert(WIFSIGNALED(status));
	}
	expect_fds_of_before();
	expect_alive(_i);
}
END_TEST

START_TEST(connections_that_come_and_go_leave_nothing)
{
	remember_fds();
	for (int i = 0; i < 100; i++) {
		DBusConnection *connection = harness_connect(_i);

		if (i % 2) {
			DBusMessage *call = new_allocate();

			dbus_connection_send(connection, call, NULL);
			dbus_message_unref(call);
		}
		harness_disconnect(connection);
	}
	expect_fds_of_before();
	expect_alive(_i);
}
END_TEST

/* ---- the direct socket without libdbus ---- */

static int connect_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", harness.socket_path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Whether the daemon hangs up within `ms`. */
static bool is_hung_up(int fd, int ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	char byte[256];

	while (poll(&poll_fd, 1, ms) > 0)
		if (read(fd, byte, sizeof(byte)) <= 0)
			return true;
	return false;
}

START_TEST(who_does_not_authenticate_is_cut_off)
{
	int silent = connect_socket(), slow = connect_socket();

	ck_assert_int_eq(write(slow, "\0AUTH EX", 8), 8);
	ck_assert(!is_hung_up(silent, LIMIT_AUTHENTICATION_MS / 2));
	ck_assert(is_hung_up(silent, LIMIT_AUTHENTICATION_MS));
	ck_assert(is_hung_up(slow, 1000));
	close(silent);
	close(slow);
	expect_alive(TRANSPORT_SOCKET);
}
END_TEST

/* Whether the daemon answers `line` of the authentication with `answer`. */
static bool authentication_answers(const char *line, const char *answer)
{
	int fd = connect_socket();
	char text[256] = "";
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	ck_assert_int_eq(write(fd, "", 1), 1);
	ck_assert_int_eq(write(fd, line, strlen(line)), (ssize_t)strlen(line));
	ck_assert_int_eq(poll(&poll_fd, 1, 5000), 1);
	ck_assert_int_ge(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	return strncmp(text, answer, strlen(answer)) == 0;
}

START_TEST(only_the_kernel_says_who_connects)
{
	char own[64], hex[32] = "", lie[64];
	size_t len = 0;

	snprintf(own, sizeof(own), "%u", (unsigned int)getuid());
	for (const char *digit = own; *digit; digit++)
		len += (size_t)snprintf(hex + len, sizeof(hex) - len, "%02x", *digit);
	snprintf(own, sizeof(own), "AUTH EXTERNAL %s\r\n", hex);
	snprintf(lie, sizeof(lie), "AUTH EXTERNAL %s\r\n", "34323432");
	ck_assert(authentication_answers(own, "OK "));
	ck_assert(authentication_answers(lie, "REJECTED EXTERNAL\r\n"));
	ck_assert(authentication_answers("AUTH ANONYMOUS\r\n", "REJECTED EXTERNAL\r\n"));
	ck_assert(authentication_answers("AUTH DBUS_COOKIE_SHA1 30\r\n", "REJECTED EXTERNAL\r\n"));
}
END_TEST

START_TEST(garbage_ends_only_its_own_connection)
{
	static const char lines[][9] = {"GET / H\n", "\0\0\0\0\0\0\0\0", "\r\n\r\n\r\n\r\n"};
	int fd;

	remember_fds();
	for (size_t i = 0; i < 3; i++) {
		fd = connect_socket();
		for (int n = 0; n < 4000; n++)
			if (send(fd, lines[i], 8, MSG_NOSIGNAL) < 0)
				break;
		close(fd);
	}
	expect_fds_of_before();
	expect_alive(TRANSPORT_SOCKET);
}
END_TEST

START_TEST(garbage_after_authentication_ends_only_its_own_connection)
{
	DBusConnection *connection = harness_connect(TRANSPORT_SOCKET);
	char garbage[4096];
	int fd;

	harness_count_objects(connection, "/");
	memset(garbage, 'l', sizeof(garbage));
	ck_assert(dbus_connection_get_unix_fd(connection, &fd));
	ck_assert_int_eq(write(fd, garbage, sizeof(garbage)), (ssize_t)sizeof(garbage));
	ck_assert(is_hung_up(fd, 2000));
	harness_disconnect(connection);
	expect_alive(TRANSPORT_SOCKET);
}
END_TEST

START_TEST(one_user_has_so_many_connections)
{
	DBusConnection *connections[LIMIT_CONNECTIONS_PER_USER];
	int fd;

	remember_fds();
	for (int i = 0; i < LIMIT_CONNECTIONS_PER_USER; i++) {
		connections[i] = harness_connect(TRANSPORT_SOCKET);
		harness_count_objects(connections[i], "/");
	}
	fd = connect_socket();
	ck_assert(is_hung_up(fd, 2000));
	close(fd);
	harness_disconnect(connections[0]);
	for (int i = 1; i < LIMIT_CONNECTIONS_PER_USER; i++)
		harness_disconnect(connections[i]);
	expect_fds_of_before();
	expect_alive(TRANSPORT_SOCKET);
}
END_TEST

START_TEST(one_user_has_so_many_callers_on_the_bus)
{
	DBusConnection *connections[LIMIT_CONNECTIONS_PER_USER + 1];
	const char *expected = ERROR_PREFIX "Gone";

	for (int i = 0; i <= LIMIT_CONNECTIONS_PER_USER; i++) {
		connections[i] = harness_connect(TRANSPORT_BUS);
		if (i == LIMIT_CONNECTIONS_PER_USER)
			expected = ERROR_PREFIX "QuotaExceeded";
		harness_fail(connections[i],
			     harness_new_call(WIRE_PATH_COLLECTION "1", WIRE_COLLECTION, "Release"),
			     expected, NULL);
	}
	/* the place of one that ends is free at once */
	harness_disconnect(connections[0]);
	harness_sleep_ms(200);
	harness_fail(connections[LIMIT_CONNECTIONS_PER_USER],
		     harness_new_call(WIRE_PATH_COLLECTION "1", WIRE_COLLECTION, "Release"),
		     ERROR_PREFIX "Gone", NULL);
	for (int i = 1; i <= LIMIT_CONNECTIONS_PER_USER; i++)
		harness_disconnect(connections[i]);
}
END_TEST

/* Ticks of processor time that the daemon has used. */
static unsigned long used_ticks(void)
{
	char path[64];
	unsigned long user = 0, system = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)harness.daemon);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file,
				"%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				&user, &system),
			 2);
	fclose(file);
	return user + system;
}

START_TEST(without_fds_the_daemon_rests_and_recovers)
{
	struct rlimit before, none;
	unsigned long ticks;
	int fd;

	ck_assert_int_eq(prlimit(harness.daemon, RLIMIT_NOFILE, NULL, &before), 0);
	none = before;
	none.rlim_cur = 3;
	ck_assert_int_eq(prlimit(harness.daemon, RLIMIT_NOFILE, &none, NULL), 0);
	fd = connect_socket();
	ticks = used_ticks();
	harness_sleep_ms(1000);
	ck_assert_uint_le(used_ticks() - ticks, (unsigned long)sysconf(_SC_CLK_TCK) / 20);
	ck_assert_int_eq(prlimit(harness.daemon, RLIMIT_NOFILE, &before, NULL), 0);
	expect_alive(TRANSPORT_SOCKET);
	close(fd);
}
END_TEST

/* ---- messages that are too much ---- */

static DBusMessage *new_big_call(size_t bytes)
{
	DBusMessage *call = harness_new_call(WIRE_PATH, WIRE_MANAGER, "Plan");
	unsigned char *data = calloc(1, bytes);
	unsigned char *array = data;

	ck_assert_ptr_nonnull(data);
	ck_assert(dbus_message_append_args(call, DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &array,
					   (int)bytes, DBUS_TYPE_INVALID));
	free(data);
	return call;
}

START_TEST(a_message_too_long_ends_only_its_own_connection)
{
	DBusConnection *connection = harness_connect(_i);
	DBusMessage *call = new_big_call(2 * LIMIT_MESSAGE_BYTES), *reply;
	DBusError error = DBUS_ERROR_INIT;

	reply = dbus_connection_send_with_reply_and_block(connection, call, 5000, &error);
	ck_assert_ptr_null(reply);
	/* on the bus the connection is everybody's: there it is refused */
	if (_i == TRANSPORT_BUS)
		ck_assert_str_eq(error.name, ERROR_PREFIX "InvalidRequest");
	else
		ck_assert(!dbus_connection_get_is_connected(connection));
	dbus_error_free(&error);
	dbus_message_unref(call);
	harness_disconnect(connection);
	expect_alive(_i);
}
END_TEST

/* Fds under keys that are passed over, or take none. */
START_TEST(fds_that_nobody_asked_for_are_closed)
{
	DBusConnection *connection = harness_connect(_i);
	struct request_call call;
	int fd = dup(1);

	/* fds can be sent when the authentication is over */
	harness_count_objects(connection, "/");
	remember_fds();
	for (int round = 0; round < 20; round++) {
		request_begin(&call, "Plan");
		for (int i = 0; i < 8; i++)
			dict_add(&call.dict, "x-fd", DBUS_TYPE_UNIX_FD, &fd);
		dict_add(&call.dict, "width", DBUS_TYPE_UNIX_FD, &fd);
		harness_fail(connection, request_end(&call), ERROR_PREFIX "InvalidRequest", NULL);
	}
	close(fd);
	expect_fds_of_before();
	harness_disconnect(connection);
}
END_TEST

/* Who asks and never reads makes the daemon hold back, not grow. */
START_TEST(a_client_that_does_not_read_harms_nobody)
{
	DBusConnection *connection = harness_connect(_i);
	DBusMessage *call;
	int fd;

	harness_count_objects(connection, "/");
	ck_assert(dbus_connection_get_unix_fd(connection, &fd));
	for (int i = 0; i < 5000; i++) {
		call = harness_new_call(WIRE_PATH, DBUS_INTERFACE_INTROSPECTABLE, "Introspect");
		ck_assert(dbus_connection_send(connection, call, NULL));
		dbus_message_unref(call);
		if (dbus_connection_has_messages_to_send(connection) && i > 2000)
			break;
	}
	expect_alive(_i);
	expect_alive(!_i);
	harness_disconnect(connection);
	expect_alive(_i);
}
END_TEST

/* A signal that looks like the bus's own, from a client. */
START_TEST(nobody_else_is_believed_to_be_the_bus)
{
	static const char *name = WIRE_NAME, *old_owner = ":1.1", *new_owner = "";
	DBusConnection *connection = harness_connect(_i);
	DBusMessage *signal;

	signal = dbus_message_new_signal(DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "NameLost");
	dbus_message_set_destination(signal, WIRE_NAME);
	dbus_message_set_sender(signal, DBUS_SERVICE_DBUS);
	dbus_message_append_args(signal, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID);
	dbus_connection_send(connection, signal, NULL);
	dbus_message_unref(signal);
	signal = dbus_message_new_signal(DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "NameOwnerChanged");
	dbus_message_set_destination(signal, WIRE_NAME);
	dbus_message_set_sender(signal, DBUS_SERVICE_DBUS);
	dbus_message_append_args(signal, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old_owner,
				 DBUS_TYPE_STRING, &new_owner, DBUS_TYPE_INVALID);
	dbus_connection_send(connection, signal, NULL);
	dbus_message_unref(signal);
	dbus_connection_flush(connection);
	harness_disconnect(connection);
	expect_alive(_i);
}
END_TEST

/* ---- the daemon's own life ---- */

static void forget_daemon(int expected)
{
	int code = harness_wait(harness.daemon, 10000);

	harness.daemon = 0;
	ck_assert_int_eq(code, expected);
}

START_TEST(a_second_daemon_finds_the_name_taken)
{
	char path[128];
	struct stat status;

	snprintf(path, sizeof(path), "%s/second", harness.dir);
	ck_assert_int_eq(harness_wait(harness_start_daemon(path, harness.bus_address), 10000), 3);
	ck_assert_int_ne(stat(path, &status), 0);
	expect_alive(TRANSPORT_SOCKET);
}
END_TEST

START_TEST(a_second_daemon_finds_the_socket_taken)
{
	ck_assert_int_eq(harness_wait(harness_start_daemon(harness.socket_path, "none"), 10000), 1);
	expect_alive(TRANSPORT_SOCKET);
}
END_TEST

START_TEST(a_stale_socket_is_replaced)
{
	kill(harness.daemon, SIGKILL);
	harness_wait(harness.daemon, 10000);
	harness.daemon = harness_start_daemon(harness.socket_path, harness.bus_address);
	harness_wait_ready();
	expect_alive(TRANSPORT_SOCKET);
}
END_TEST

START_TEST(without_the_bus_the_daemon_ends)
{
	kill(harness.bus, SIGKILL);
	harness_wait(harness.bus, 10000);
	harness.bus = 0;
	forget_daemon(3);
}
END_TEST

START_TEST(a_bus_that_is_not_there_is_no_harm_to_the_socket)
{
	kill(harness.daemon, SIGTERM);
	forget_daemon(0);
	harness.daemon = harness_start_daemon(harness.socket_path, "unix:path=/nonexistent/bus");
	harness_wait_ready();
	expect_alive(TRANSPORT_SOCKET);
	ck_assert_int_eq(
		harness_wait(harness_start_daemon("none", "unix:path=/nonexistent/bus"), 10000), 3);
}
END_TEST

START_TEST(stopped_it_leaves_no_socket)
{
	struct stat status;

	ck_assert_int_eq(stat(harness.socket_path, &status), 0);
	ck_assert(S_ISSOCK(status.st_mode));
	ck_assert_int_eq(status.st_mode & 07, 0);
	kill(harness.daemon, SIGTERM);
	forget_daemon(0);
	ck_assert_int_ne(stat(harness.socket_path, &status), 0);
}
END_TEST

START_TEST(the_command_line_is_checked)
{
	static const char *const wrong[][4] = {
		{"--workers", "0"},  {"--workers", "many"}, {"--bus", "none", "--socket", "none"},
		{"--guess", "more"}, {"rest", "of"},	    {"--quirks", "none", "--quirks", "/x"},
	};
	char program[512];
	const char *argv[6] = {program};

	snprintf(program, sizeof(program), "%s/daemon/dmabrokerd", getenv("BUILD"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(argv + 1, wrong[i], sizeof(wrong[i]));
		ck_assert_int_eq(harness_wait(harness_spawn(argv, "usage.log"), 10000), 2);
	}
	argv[1] = "--version";
	argv[2] = NULL;
	ck_assert_int_eq(harness_wait(harness_spawn(argv, "usage.log"), 10000), 0);
	argv[1] = "--help";
	ck_assert_int_eq(harness_wait(harness_spawn(argv, "usage.log"), 10000), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clients");
	TCase *tcase = tcase_create("clients");

	tcase_add_checked_fixture(tcase, harness_start, harness_stop);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, a_client_killed_between_call_and_answer_leaves_nothing, 0,
			    TRANSPORTS);
	tcase_add_loop_test(tcase, connections_that_come_and_go_leave_nothing, 0, TRANSPORTS);
	tcase_add_test(tcase, who_does_not_authenticate_is_cut_off);
	tcase_add_test(tcase, only_the_kernel_says_who_connects);
	tcase_add_test(tcase, garbage_ends_only_its_own_connection);
	tcase_add_test(tcase, garbage_after_authentication_ends_only_its_own_connection);
	tcase_add_test(tcase, one_user_has_so_many_connections);
	tcase_add_test(tcase, one_user_has_so_many_callers_on_the_bus);
	tcase_add_test(tcase, without_fds_the_daemon_rests_and_recovers);
	tcase_add_loop_test(tcase, a_message_too_long_ends_only_its_own_connection, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, fds_that_nobody_asked_for_are_closed, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, a_client_that_does_not_read_harms_nobody, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, nobody_else_is_believed_to_be_the_bus, 0, TRANSPORTS);
	tcase_add_test(tcase, a_second_daemon_finds_the_name_taken);
	tcase_add_test(tcase, a_second_daemon_finds_the_socket_taken);
	tcase_add_test(tcase, a_stale_socket_is_replaced);
	tcase_add_test(tcase, without_the_bus_the_daemon_ends);
	tcase_add_test(tcase, a_bus_that_is_not_there_is_no_harm_to_the_socket);
	tcase_add_test(tcase, stopped_it_leaves_no_socket);
	tcase_add_test(tcase, the_command_line_is_checked);
	suite_add_tcase(suite, tcase);
	return harness_main(suite);
}
