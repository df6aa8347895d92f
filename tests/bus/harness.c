/* SPDX-License-Identifier: MIT */
#include "tests/bus/harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "protocol/wire.h"

#define START_MS 15000
#define STOP_MS 10000
#define CALL_MS 15000

struct harness harness;

/* ---- processes ---- */

static const char *from_environment(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		ck_abort_msg("the environment has no %s", name);
	return value;
}

void harness_sleep_ms(int ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

bool harness_until(bool (*done)(void), int ms)
{
	struct timespec now;
	long long end;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec * 1000LL + now.tv_nsec / 1000000 + ms;
	while (!done()) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec * 1000LL + now.tv_nsec / 1000000 > end)
			return done();
		harness_sleep_ms(5);
	}
	return true;
}

static void redirect(const char *log)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", harness.dir, log);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (fd < 0)
		_exit(126);
	dup2(fd, 1);
	dup2(fd, 2);
}

pid_t harness_spawn(const char *const *argv, const char *log)
{
	pid_t parent = getpid(), pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	if (log)
		redirect(log);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

int harness_wait(pid_t pid, int ms)
{
	int status;

	for (int waited = 0; waited <= ms; waited += 5) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		harness_sleep_ms(5);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

size_t harness_count_fds(pid_t pid)
{
	char path[64];
	size_t len = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		len++;
	closedir(dir);
	return len;
}

size_t harness_count_idle_fds(void)
{
	size_t len = harness_count_fds(harness.daemon), before = 0;

	for (int same = 0; same < 4; same = len == before ? same + 1 : 0) {
		before = len;
		harness_sleep_ms(25);
		len = harness_count_fds(harness.daemon);
	}
	return len;
}

/* ---- the bus ---- */

static const char bus_config[] =
	"<busconfig>\n"
	"  <type>system</type>\n"
	"  <listen>unix:path=%s/bus</listen>\n"
	"  <auth>EXTERNAL</auth>\n"
	"  <policy context=\"default\">\n"
	"    <allow user=\"*\"/>\n"
	"    <deny own=\"*\"/>\n"
	"    <deny send_type=\"method_call\"/>\n"
	"    <allow send_type=\"signal\"/>\n"
	"    <allow send_requested_reply=\"true\" send_type=\"method_return\"/>\n"
	"    <allow send_requested_reply=\"true\" send_type=\"error\"/>\n"
	"    <allow receive_type=\"method_call\"/>\n"
	"    <allow receive_type=\"method_return\"/>\n"
	"    <allow receive_type=\"error\"/>\n"
	"    <allow receive_type=\"signal\"/>\n"
	"    <allow send_destination=\"org.freedesktop.DBus\"/>\n"
	"  </policy>\n"
	"  <include>%s/policy.conf</include>\n"
	"</busconfig>\n";

static FILE *create_file(const char *name)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", harness.dir, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	return file;
}

/* The project's own policy, with the user who runs the test as the daemon's. */
static void write_policy(void)
{
	const struct passwd *user = getpwuid(getuid());
	char path[512], line[512];
	FILE *in, *out = create_file("policy.conf");
	char *at;

	ck_assert_ptr_nonnull(user);
	snprintf(path, sizeof(path), "%s/protocol/org.dmabroker1.conf.in", from_environment("SRC"));
	in = fopen(path, "r");
	ck_assert_ptr_nonnull(in);
	while (fgets(line, sizeof(line), in)) {
		at = strstr(line, "@user@");
		if (at)
			fprintf(out, "%.*s%s%s", (int)(at - line), line, user->pw_name, at + 6);
		else
			fputs(line, out);
	}
	fclose(in);
	fclose(out);
}

static bool bus_answers(void)
{
	DBusConnection *connection = harness_try_connect(TRANSPORT_BUS);

	if (connection)
		harness_disconnect(connection);
	return connection != NULL;
}

static void make_dir(void)
{
	snprintf(harness.dir, sizeof(harness.dir), "/tmp/dmabroker-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(harness.dir));
	chmod(harness.dir, 0755);
	snprintf(harness.bus_address, sizeof(harness.bus_address), "unix:path=%s/bus", harness.dir);
	snprintf(harness.socket_path, sizeof(harness.socket_path), "%s/run/direct", harness.dir);
	snprintf(harness.socket_address, sizeof(harness.socket_address), "unix:path=%s",
		 harness.socket_path);
}

void harness_start_bus(void)
{
	char config[128];
	const char *argv[] = {"dbus-daemon", "--nofork", "--nopidfile", config, NULL};
	FILE *file;

	make_dir();
	write_policy();
	file = create_file("bus.conf");
	fprintf(file, bus_config, harness.dir, harness.dir);
	fclose(file);
	snprintf(config, sizeof(config), "--config-file=%s/bus.conf", harness.dir);
	harness.bus = harness_spawn(argv, "bus.log");
	ck_assert_msg(harness_until(bus_answers, START_MS), "the bus does not start");
}

/* ---- the daemon ---- */

pid_t harness_start_daemon(const char *socket, const char *bus)
{
	char program[512];
	const char *argv[] = {program, "--socket", socket, "--bus", bus, "--verbose", NULL};

	snprintf(program, sizeof(program), "%s/daemon/dmabrokerd", from_environment("BUILD"));
	return harness_spawn(argv, "daemon.log");
}

/* Calls that need the devices are answered when they are known. */
static bool daemon_answers(void)
{
	DBusConnection *connection = harness_try_connect(TRANSPORT_SOCKET);
	DBusMessage *call, *reply;

	if (!connection)
		return false;
	call = harness_new_call(WIRE_PATH, "org.freedesktop.DBus.ObjectManager",
				"GetManagedObjects");
	reply = dbus_connection_send_with_reply_and_block(connection, call, CALL_MS, NULL);
	dbus_message_unref(call);
	harness_disconnect(connection);
	if (reply)
		dbus_message_unref(reply);
	return reply != NULL;
}

void harness_wait_ready(void)
{
	ck_assert_msg(harness_until(daemon_answers, START_MS), "the daemon does not start");
}

void harness_start(void)
{
	harness_start_bus();
	harness.daemon = harness_start_daemon(harness.socket_path, harness.bus_address);
	harness_wait_ready();
}

void harness_start_made_up(const char *program)
{
	char path[512], fifo[128];
	const char *argv[] = {path, "--socket", NULL, "--bus", NULL, NULL};

	harness_start_bus();
	snprintf(fifo, sizeof(fifo), "%s/fifo", harness.dir);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	harness.fifo = open(fifo, O_RDWR | O_CLOEXEC);
	ck_assert_int_gt(harness.fifo, 0);
	setenv("DMABROKER_TEST_FIFO", fifo, 1);
	snprintf(path, sizeof(path), "%s/tests/bus/%s", from_environment("BUILD"), program);
	argv[2] = harness.socket_path;
	argv[4] = harness.bus_address;
	harness.daemon = harness_spawn(argv, "daemon.log");
	harness_wait_ready();
}

void harness_happen(const char *line)
{
	ck_assert_int_eq(write(harness.fifo, line, strlen(line)), (ssize_t)strlen(line));
	ck_assert_int_eq(write(harness.fifo, "\n", 1), 1);
}

static void show_log(const char *name)
{
	char path[160], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", harness.dir, name);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		fprintf(stderr, "# %s", line);
	if (file)
		fclose(file);
}

static void remove_dir(const char *path)
{
	const char *argv[] = {"rm", "-rf", path, NULL};

	harness_wait(harness_spawn(argv, NULL), STOP_MS);
}

void harness_stop(void)
{
	int code = 0;

	if (harness.fifo)
		close(harness.fifo);
	if (harness.daemon) {
		kill(harness.daemon, SIGTERM);
		code = harness_wait(harness.daemon, STOP_MS);
	}
	if (harness.bus) {
		kill(harness.bus, SIGTERM);
		harness_wait(harness.bus, STOP_MS);
	}
	if (code)
		show_log("daemon.log");
	remove_dir(harness.dir);
	harness = (struct harness){0};
	ck_assert_msg(code == 0, "the daemon ended with %d", code);
}

/* ---- calls ---- */

DBusConnection *harness_try_connect(enum transport transport)
{
	bool bus = transport == TRANSPORT_BUS;
	DBusConnection *connection = dbus_connection_open_private(
		bus ? harness.bus_address : harness.socket_address, NULL);

	if (!connection)
		return NULL;
	dbus_connection_set_exit_on_disconnect(connection, FALSE);
	if (bus && !dbus_bus_register(connection, NULL)) {
		harness_disconnect(connection);
		return NULL;
	}
	return connection;
}

DBusConnection *harness_connect(enum transport transport)
{
	DBusConnection *connection = harness_try_connect(transport);

	ck_assert_ptr_nonnull(connection);
	return connection;
}

void harness_disconnect(DBusConnection *connection)
{
	dbus_connection_close(connection);
	dbus_connection_unref(connection);
}

DBusMessage *harness_new_call(const char *path, const char *interface, const char *member)
{
	DBusMessage *call = dbus_message_new_method_call(WIRE_NAME, path, interface, member);

	ck_assert_ptr_nonnull(call);
	return call;
}

DBusMessage *harness_call(DBusConnection *connection, DBusMessage *call)
{
	DBusPendingCall *pending = NULL;
	DBusMessage *reply;

	ck_assert(dbus_connection_send_with_reply(connection, call, &pending, CALL_MS));
	ck_assert_ptr_nonnull(pending);
	dbus_pending_call_block(pending);
	reply = dbus_pending_call_steal_reply(pending);
	dbus_pending_call_unref(pending);
	dbus_message_unref(call);
	ck_assert_ptr_nonnull(reply);
	ck_assert_msg(!dbus_message_is_error(reply, DBUS_ERROR_NO_REPLY), "no answer");
	return reply;
}

static const char *sentence(DBusMessage *reply)
{
	const char *text = "";

	dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
	return text;
}

DBusMessage *harness_succeed(DBusConnection *connection, DBusMessage *call)
{
	DBusMessage *reply = harness_call(connection, call);

	if (dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_ERROR)
		ck_abort_msg("%s: %s", dbus_message_get_error_name(reply), sentence(reply));
	return reply;
}

void harness_fail(DBusConnection *connection, DBusMessage *call, const char *name, const char *text)
{
	DBusMessage *reply = harness_call(connection, call);

	ck_assert_int_eq(dbus_message_get_type(reply), DBUS_MESSAGE_TYPE_ERROR);
	ck_assert_str_eq(dbus_message_get_error_name(reply), name);
	if (text && !strstr(sentence(reply), text))
		ck_abort_msg("'%s' is not in '%s'", text, sentence(reply));
	dbus_message_unref(reply);
}

/* ---- requests ---- */

void request_begin(struct request_call *call, const char *member)
{
	call->message = harness_new_call(WIRE_PATH, WIRE_MANAGER, member);
	dbus_message_iter_init_append(call->message, &call->args);
	dbus_message_iter_open_container(&call->args, DBUS_TYPE_ARRAY, "{sv}", &call->dict);
}

DBusMessage *request_end(struct request_call *call)
{
	dbus_message_iter_close_container(&call->args, &call->dict);
	return call->message;
}

void dict_add(DBusMessageIter *dict, const char *key, int type, const void *value)
{
	char signature[] = {(char)type, '\0'};
	DBusMessageIter entry, variant;

	dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
	dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
	dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, signature, &variant);
	ck_assert(dbus_message_iter_append_basic(&variant, type, value));
	dbus_message_iter_close_container(&entry, &variant);
	dbus_message_iter_close_container(dict, &entry);
}

void dict_add_u32(DBusMessageIter *dict, const char *key, uint32_t value)
{
	dict_add(dict, key, DBUS_TYPE_UINT32, &value);
}

void dict_add_string(DBusMessageIter *dict, const char *key, const char *value)
{
	dict_add(dict, key, DBUS_TYPE_STRING, &value);
}

static void add_participant(DBusMessageIter *list, const char *device, const char *role,
			    size_t number)
{
	DBusMessageIter dict;
	char name[24];

	snprintf(name, sizeof(name), "p%zu", number);
	dbus_message_iter_open_container(list, DBUS_TYPE_ARRAY, "{sv}", &dict);
	dict_add_string(&dict, "name", name);
	if (device)
		dict_add_string(&dict, "device", device);
	if (role)
		dict_add_string(&dict, "role", role);
	dbus_message_iter_close_container(list, &dict);
}

/* A list as the value of a key, while it is filled. */
struct dict_list {
	DBusMessageIter entry, variant, list;
};

/* `signature` is the list's. */
static void list_begin(DBusMessageIter *dict, const char *key, const char *signature,
		       struct dict_list *ret_list)
{
	dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &ret_list->entry);
	dbus_message_iter_append_basic(&ret_list->entry, DBUS_TYPE_STRING, &key);
	dbus_message_iter_open_container(&ret_list->entry, DBUS_TYPE_VARIANT, signature,
					 &ret_list->variant);
	dbus_message_iter_open_container(&ret_list->variant, DBUS_TYPE_ARRAY, signature + 1,
					 &ret_list->list);
}

static void list_end(DBusMessageIter *dict, struct dict_list *list)
{
	dbus_message_iter_close_container(&list->variant, &list->list);
	dbus_message_iter_close_container(&list->entry, &list->variant);
	dbus_message_iter_close_container(dict, &list->entry);
}

void dict_add_participants(DBusMessageIter *dict, const char *device, const char *role, size_t len)
{
	struct dict_list list;

	list_begin(dict, "participants", "aa{sv}", &list);
	for (size_t i = 0; i < len; i++)
		add_participant(&list.list, device, role, i);
	list_end(dict, &list);
}

void dict_add_format(DBusMessageIter *dict, uint32_t fourcc, uint64_t modifier)
{
	struct dict_list list;
	DBusMessageIter pair;

	list_begin(dict, "formats", "a(ut)", &list);
	dbus_message_iter_open_container(&list.list, DBUS_TYPE_STRUCT, NULL, &pair);
	dbus_message_iter_append_basic(&pair, DBUS_TYPE_UINT32, &fourcc);
	dbus_message_iter_append_basic(&pair, DBUS_TYPE_UINT64, &modifier);
	dbus_message_iter_close_container(&list.list, &pair);
	list_end(dict, &list);
}

void dict_add_heap(DBusMessageIter *dict, const char *heap)
{
	struct dict_list list;

	list_begin(dict, "allowed-heaps", "as", &list);
	dbus_message_iter_append_basic(&list.list, DBUS_TYPE_STRING, &heap);
	list_end(dict, &list);
}

void dict_add_size(DBusMessageIter *dict)
{
	dict_add_u32(dict, "width", 640);
	dict_add_u32(dict, "height", 480);
}

bool dict_find(DBusMessageIter *dict, const char *key, DBusMessageIter *ret_value)
{
	DBusMessageIter entries, entry;
	const char *name;

	dbus_message_iter_recurse(dict, &entries);
	for (; dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY;
	     dbus_message_iter_next(&entries)) {
		dbus_message_iter_recurse(&entries, &entry);
		dbus_message_iter_get_basic(&entry, &name);
		if (strcmp(name, key) != 0)
			continue;
		dbus_message_iter_next(&entry);
		if (dbus_message_iter_get_arg_type(&entry) == DBUS_TYPE_VARIANT)
			dbus_message_iter_recurse(&entry, ret_value);
		else
			*ret_value = entry;
		return true;
	}
	return false;
}

size_t harness_count_objects(DBusConnection *connection, const char *prefix)
{
	DBusMessage *reply = harness_succeed(
		connection, harness_new_call(WIRE_PATH, "org.freedesktop.DBus.ObjectManager",
					     "GetManagedObjects"));
	DBusMessageIter iter, entries, entry;
	const char *path;
	size_t len = 0;

	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_recurse(&iter, &entries);
	for (; dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY;
	     dbus_message_iter_next(&entries)) {
		dbus_message_iter_recurse(&entries, &entry);
		dbus_message_iter_get_basic(&entry, &path);
		len += strncmp(path, prefix, strlen(prefix)) == 0;
	}
	dbus_message_unref(reply);
	return len;
}

int harness_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	signal(SIGPIPE, SIG_IGN);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
