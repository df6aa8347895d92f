/* SPDX-License-Identifier: MIT */
/*
 * The daemon with real heaps and devices, over raw libdbus: what the fds are, that nothing is kept
 * of a client that dies or of an allocation that fails, that devices come and go. Runs in the rig's
 * machine, as root.
 */
#include "tests/bus/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "broker/model/error.h"
#include "broker/model/plan.h"
#include "protocol/limits.h"
#include "protocol/wire.h"

#define XR24 0x34325258
#define CAMERA "v4l2:platform/vivid.0:vivid-000-vid-cap:0"
#define UNBIND "/sys/bus/platform/drivers/vivid/unbind"
#define BIND "/sys/bus/platform/drivers/vivid/bind"

/* ---- requests and answers ---- */

/* What a test asks for; 0 and NULL: not said. */
struct wish {
	uint32_t width, height, count, linger_ms;
	const char *name, *heap, *device, *role;
};

static DBusMessage *new_request(const char *member, const struct wish *wish)
{
	struct request_call call;

	request_begin(&call, member);
	dict_add_u32(&call.dict, "width", wish->width ? wish->width : 640);
	dict_add_u32(&call.dict, "height", wish->height ? wish->height : 480);
	if (wish->count)
		dict_add_u32(&call.dict, "count", wish->count);
	if (wish->linger_ms)
		dict_add_u32(&call.dict, "linger-ms", wish->linger_ms);
	if (wish->name)
		dict_add_string(&call.dict, "name", wish->name);
	if (wish->heap)
		dict_add_heap(&call.dict, wish->heap);
	if (!wish->device)
		dict_add_format(&call.dict, XR24, 0);
	dict_add_participants(&call.dict, wish->device, wish->role ? wish->role : "cpu", 1);
	return request_end(&call);
}

/* Allocates; `path` gets the collection's. Returns owned the plan. */
static struct plan *allocate(DBusConnection *connection, const struct wish *wish, char path[64])
{
	DBusMessage *reply = harness_succeed(connection, new_request("Allocate", wish));
	struct error error = {0};
	struct plan *plan;
	DBusMessageIter iter;
	const char *text;

	ck_assert(dbus_message_has_signature(reply, "oa{sv}"));
	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_get_basic(&iter, &text);
	snprintf(path, 64, "%s", text);
	dbus_message_iter_next(&iter);
	ck_assert_int_eq(wire_read_record(&iter, &vocab_plan, &error, &plan), 0);
	dbus_message_unref(reply);
	return plan;
}

static void allocate_only(DBusConnection *connection, const struct wish *wish, char path[64])
{
	vocab_destroy(allocate(connection, wish, path));
}

static DBusMessage *new_get_buffers(const char *path, uint32_t first, uint32_t count)
{
	DBusMessage *call = harness_new_call(path, WIRE_COLLECTION, "GetBuffers");

	ck_assert(dbus_message_append_args(call, DBUS_TYPE_UINT32, &first, DBUS_TYPE_UINT32, &count,
					   DBUS_TYPE_INVALID));
	return call;
}

struct page {
	uint64_t serial;
	struct buffer_record *buffers[16];
	size_t len;
};

static void get_buffers(DBusConnection *connection, const char *path, uint32_t first,
			uint32_t count, struct page *page)
{
	DBusMessage *reply = harness_succeed(connection, new_get_buffers(path, first, count));
	struct error error = {0};
	DBusMessageIter iter, list;

	ck_assert(dbus_message_has_signature(reply, "taa{sv}"));
	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_get_basic(&iter, &page->serial);
	dbus_message_iter_next(&iter);
	page->len = 0;
	for (dbus_message_iter_recurse(&iter, &list);
	     dbus_message_iter_get_arg_type(&list) != DBUS_TYPE_INVALID;) {
		ck_assert_uint_lt(page->len, 16);
		ck_assert_int_eq(
			wire_read_record(&list, &vocab_buffer, &error, &page->buffers[page->len++]),
			0);
	}
	dbus_message_unref(reply);
}

static void page_finish(struct page *page)
{
	for (size_t i = 0; i < page->len; i++)
		vocab_destroy(page->buffers[i]);
	page->len = 0;
}

static DBusMessage *new_acknowledge(const char *path, uint64_t serial)
{
	DBusMessage *call = harness_new_call(path, WIRE_COLLECTION, "Acknowledge");

	ck_assert(dbus_message_append_args(call, DBUS_TYPE_UINT64, &serial, DBUS_TYPE_INVALID));
	return call;
}

static void acknowledge(DBusConnection *connection, const char *path, uint64_t serial)
{
	dbus_message_unref(harness_succeed(connection, new_acknowledge(path, serial)));
}

static void release(DBusConnection *connection, const char *path)
{
	dbus_message_unref(
		harness_succeed(connection, harness_new_call(path, WIRE_COLLECTION, "Release")));
}

/* ---- what the machine has left ---- */

/* All dma-bufs there are, as the kernel counts them: "Total 12 objects, 345678 bytes". Not CmaFree:
 * the kernel lends that memory to whoever has movable pages. */
static unsigned long long count_dma_bufs(void)
{
	FILE *file = fopen("/sys/kernel/debug/dma_buf/bufinfo", "r");
	unsigned long long objects = 0;
	char line[512];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, "Total ", 6) == 0)
			objects = strtoull(line + 6, NULL, 10);
	fclose(file);
	return objects;
}

static size_t fds_before;
static unsigned long long bufs_before;

static void remember(void)
{
	fds_before = harness_count_idle_fds();
	bufs_before = count_dma_bufs();
}

static bool is_as_before(void)
{
	return harness_count_fds(harness.daemon) == fds_before && count_dma_bufs() == bufs_before;
}

static void expect_as_before(void)
{
	ck_assert_msg(harness_until(is_as_before, 1000),
		      "%zu fds, %llu dma-bufs before; %zu, %llu a second later", fds_before,
		      bufs_before, harness_count_fds(harness.daemon), count_dma_bufs());
}

/* ---- buffers ---- */

static void expect_in_fdinfo(int fd, const char *wanted)
{
	char path[64], text[1024];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	ck_assert_msg(strstr(text, wanted), "'%s' is not in\n%s", wanted, text);
}

START_TEST(fds_are_dma_bufs_of_the_plan)
{
	DBusConnection *connection = harness_connect(_i);
	struct wish wish = {.count = 3, .name = "test"};
	struct memory_object *planned, *memory;
	struct stat status;
	struct plan *plan;
	struct page page;
	const char *exporter;
	char path[64];

	plan = allocate(connection, &wish, path);
	ck_assert_uint_eq(plan->count, 3);
	planned = (struct memory_object *)plan->memory.items[0];
	get_buffers(connection, path, 0, 3, &page);
	ck_assert_uint_eq(page.len, 3);
	exporter = strcmp(plan->heap, "udmabuf") == 0 ? "udmabuf" : plan->heap;
	for (size_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(page.buffers[i]->index, i);
		ck_assert_uint_eq(page.buffers[i]->generation, 1);
		memory = (struct memory_object *)page.buffers[i]->memory.items[0];
		ck_assert_uint_eq(memory->bytes, planned->bytes);
		ck_assert_int_eq(lseek(memory->fd, 0, SEEK_END), (off_t)planned->bytes);
		ck_assert_int_eq(fstat(memory->fd, &status), 0);
		ck_assert_uint_eq(status.st_ino, memory->inode);
		ck_assert(fcntl(memory->fd, F_GETFD) & FD_CLOEXEC);
		expect_in_fdinfo(memory->fd, "exp_name:");
		expect_in_fdinfo(memory->fd, exporter);
		expect_in_fdinfo(memory->fd, "name:\ttest");
	}
	acknowledge(connection, path, page.serial);
	page_finish(&page);
	vocab_destroy(plan);
	harness_disconnect(connection);
}
END_TEST

START_TEST(a_collection_has_its_plan_and_count)
{
	static const char *interface = WIRE_COLLECTION;
	DBusConnection *connection = harness_connect(_i);
	struct wish wish = {.count = 2};
	DBusMessageIter iter, value;
	DBusMessage *call, *reply;
	dbus_uint32_t count;
	char path[64];

	allocate_only(connection, &wish, path);
	call = harness_new_call(path, DBUS_INTERFACE_PROPERTIES, "GetAll");
	dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID);
	reply = harness_succeed(connection, call);
	dbus_message_iter_init(reply, &iter);
	ck_assert(dict_find(&iter, "Count", &value));
	dbus_message_iter_get_basic(&value, &count);
	ck_assert_uint_eq(count, 2);
	ck_assert(dict_find(&iter, "Generation", &value));
	dbus_message_iter_get_basic(&value, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert(dict_find(&iter, "Plan", &value));
	ck_assert(dict_find(&value, "heap", &iter));
	dbus_message_unref(reply);
	harness_disconnect(connection);
}
END_TEST

START_TEST(more_than_12_fds_come_in_pages)
{
	DBusConnection *connection = harness_connect(_i);
	struct wish wish = {.count = 13};
	struct page page;
	char path[64];

	allocate_only(connection, &wish, path);
	get_buffers(connection, path, 0, 11, &page);
	ck_assert_uint_eq(page.len, 11);
	page_finish(&page);
	get_buffers(connection, path, 0, 13, &page);
	ck_assert_uint_eq(page.len, LIMIT_MESSAGE_FDS);
	page_finish(&page);
	get_buffers(connection, path, 12, 1, &page);
	ck_assert_uint_eq(page.len, 1);
	ck_assert_uint_eq(page.buffers[0]->index, 12);
	page_finish(&page);
	harness_fail(connection, new_get_buffers(path, 0, 0), ERROR_PREFIX "InvalidRequest", NULL);
	harness_fail(connection, new_get_buffers(path, 0, 14), ERROR_PREFIX "InvalidRequest", NULL);
	harness_fail(connection, new_get_buffers(path, 13, 1), ERROR_PREFIX "InvalidRequest", NULL);
	harness_fail(connection, new_get_buffers(path, 0xffffffff, 2),
		     ERROR_PREFIX "InvalidRequest", NULL);
	harness_disconnect(connection);
}
END_TEST

START_TEST(at_most_64_fds_are_in_flight)
{
	DBusConnection *connection = harness_connect(_i);
	struct wish wish = {.count = 12};
	uint64_t first_serial = 0;
	struct page page;
	char path[64];

	allocate_only(connection, &wish, path);
	for (int i = 0; i < 5; i++) {
		get_buffers(connection, path, 0, 12, &page);
		if (!i)
			first_serial = page.serial;
		page_finish(&page);
	}
	harness_fail(connection, new_get_buffers(path, 0, 12), ERROR_PREFIX "QuotaExceeded", NULL);
	get_buffers(connection, path, 0, 4, &page);
	page_finish(&page);
	harness_fail(connection, new_get_buffers(path, 0, 1), ERROR_PREFIX "QuotaExceeded", NULL);
	harness_fail(connection, new_acknowledge(path, 12345), ERROR_PREFIX "InvalidRequest", NULL);
	acknowledge(connection, path, first_serial);
	harness_fail(connection, new_acknowledge(path, first_serial), ERROR_PREFIX "InvalidRequest",
		     NULL);
	get_buffers(connection, path, 0, 12, &page);
	page_finish(&page);
	harness_disconnect(connection);
}
END_TEST

START_TEST(what_is_released_is_gone)
{
	DBusConnection *connection = harness_connect(_i), *other = harness_connect(_i);
	struct wish wish = {.count = 4, .heap = "reserved"};
	char path[64];

	harness_count_objects(connection, "/");
	harness_count_objects(other, "/");
	remember();
	allocate_only(connection, &wish, path);
	ck_assert_uint_gt(harness_count_fds(harness.daemon), fds_before);
	harness_fail(other, new_get_buffers(path, 0, 1), ERROR_PREFIX "Gone", NULL);
	release(connection, path);
	expect_as_before();
	harness_fail(connection, new_get_buffers(path, 0, 1), ERROR_PREFIX "Gone", NULL);
	harness_disconnect(connection);
	harness_disconnect(other);
}
END_TEST

START_TEST(no_collection_more_than_allowed)
{
	DBusConnection *connection = harness_connect(_i);
	struct wish wish = {.width = 64, .height = 64, .count = 1};
	char path[64], first[64];

	allocate_only(connection, &wish, first);
	for (int i = 1; i < 16; i++)
		allocate_only(connection, &wish, path);
	harness_fail(connection, new_request("Allocate", &wish), ERROR_PREFIX "QuotaExceeded",
		     NULL);
	release(connection, first);
	allocate_only(connection, &wish, path);
	harness_disconnect(connection);
}
END_TEST

/* ---- death ---- */

/* In a process of its own: has buffers, says so, waits to be killed. */
static void hold_buffers(enum transport transport, int ready)
{
	struct wish wish = {.count = 4, .heap = "reserved", .width = 1024, .height = 768};
	DBusConnection *connection = harness_connect(transport);
	struct page page;
	char path[64];

	allocate_only(connection, &wish, path);
	get_buffers(connection, path, 0, 4, &page);
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

START_TEST(a_client_killed_while_it_holds_buffers_leaves_nothing)
{
	int ready[2], status;
	char byte;
	pid_t pid;

	remember();
	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		hold_buffers(_i, ready[1]);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	ck_assert_uint_gt(harness_count_fds(harness.daemon), fds_before);
	ck_assert_uint_eq(count_dma_bufs(), bufs_before + 4);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	expect_as_before();
}
END_TEST

/* Sends so many calls and is gone before the answers. */
START_TEST(clients_that_vanish_while_buffers_come_leave_nothing)
{
	struct wish wish = {.count = 8, .heap = "reserved"};
	DBusConnection *connection;
	DBusMessage *call;

	remember();
	for (int i = 0; i < 30; i++) {
		connection = harness_connect(_i);
		call = new_request("Allocate", &wish);
		ck_assert(dbus_connection_send(connection, call, NULL));
		dbus_message_unref(call);
		dbus_connection_flush(connection);
		harness_disconnect(connection);
	}
	/* what was begun is finished before it is dropped */
	harness_until(is_as_before, 10000);
	expect_as_before();
}
END_TEST

/* ---- lingering ---- */

START_TEST(a_lingering_collection_is_taken_over)
{
	struct wish wish = {.count = 2, .linger_ms = 20000, .heap = "reserved"};
	DBusConnection *connection;
	struct page page;
	char path[64];

	remember();
	connection = harness_connect(_i);
	allocate_only(connection, &wish, path);
	harness_disconnect(connection);
	/* on the bus we may be faster than the news of our own end */
	harness_sleep_ms(200);
	connection = harness_connect(_i);
	get_buffers(connection, path, 0, 2, &page);
	ck_assert_uint_eq(page.len, 2);
	page_finish(&page);
	release(connection, path);
	harness_disconnect(connection);
	expect_as_before();
}
END_TEST

static bool has_no_collection(void)
{
	return harness_count_fds(harness.daemon) == fds_before;
}

START_TEST(a_lingering_collection_ends_in_time)
{
	struct wish wish = {.count = 2, .linger_ms = 1000};
	DBusConnection *connection;
	char path[64];

	remember();
	connection = harness_connect(_i);
	allocate_only(connection, &wish, path);
	harness_disconnect(connection);
	harness_sleep_ms(500);
	ck_assert(!has_no_collection());
	ck_assert(harness_until(has_no_collection, 2000));
	connection = harness_connect(_i);
	harness_fail(connection, new_get_buffers(path, 0, 1), ERROR_PREFIX "Gone", NULL);
	harness_disconnect(connection);
}
END_TEST

/* In a process of another user who may call: 0 if it is told that there is no such collection. */
static int call_as_other(const char *path)
{
	gid_t group = 0;
	DBusConnection *connection;
	DBusMessage *reply;
	int result;

	if (setgroups(1, &group) || setuid(65534))
		return 2;
	connection = harness_try_connect(TRANSPORT_BUS);
	if (!connection)
		return 3;
	reply = harness_call(connection, new_get_buffers(path, 0, 1));
	result = dbus_message_is_error(reply, ERROR_PREFIX "Gone") ? 0 : 1;
	dbus_message_unref(reply);
	harness_disconnect(connection);
	return result;
}

START_TEST(a_lingering_collection_is_not_taken_over_by_others)
{
	DBusConnection *connection = harness_connect(TRANSPORT_BUS);
	struct wish wish = {.count = 2, .linger_ms = 20000};
	struct page page;
	char path[64];
	int status;
	pid_t pid;

	allocate_only(connection, &wish, path);
	harness_disconnect(connection);
	harness_sleep_ms(200);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		_exit(call_as_other(path));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	connection = harness_connect(TRANSPORT_BUS);
	get_buffers(connection, path, 0, 2, &page);
	page_finish(&page);
	harness_disconnect(connection);
}
END_TEST

/* ---- memory that is not there ---- */

START_TEST(exhausted_memory_is_an_answer)
{
	/* of 64 MiB of CMA: 32 are there, twice 32 are not, nor are 34 beside 32 */
	struct wish half = {.width = 4096, .height = 2048, .count = 1, .heap = "reserved"};
	struct wish more = {.width = 4096, .height = 2048, .count = 2, .heap = "reserved"};
	DBusConnection *connection = harness_connect(_i);
	char path[64];

	harness_count_objects(connection, "/");
	allocate_only(connection, &half, path);
	remember();
	harness_fail(connection, new_request("Allocate", &more), ERROR_PREFIX "OutOfMemory", NULL);
	expect_as_before();
	harness_fail(connection, new_request("Allocate", &more), ERROR_PREFIX "OutOfMemory", NULL);
	release(connection, path);
	allocate_only(connection, &half, path);
	harness_disconnect(connection);
}
END_TEST

START_TEST(a_heap_that_is_not_there_is_a_conflict)
{
	struct wish wish = {.heap = "secret"};
	DBusConnection *connection = harness_connect(_i);

	harness_fail(connection, new_request("Plan", &wish), ERROR_PREFIX "Conflict", "heaps");
	harness_fail(connection, new_request("Allocate", &wish), ERROR_PREFIX "Conflict", "heaps");
	harness_disconnect(connection);
}
END_TEST

/* ---- devices ---- */

START_TEST(a_device_in_a_role_it_has_not_is_refused)
{
	struct wish wish = {.device = CAMERA, .role = "scanout"};
	DBusConnection *connection = harness_connect(_i);

	harness_fail(connection, new_request("Plan", &wish), ERROR_PREFIX "InvalidRequest", NULL);
	harness_disconnect(connection);
}
END_TEST

static int open_camera(DBusConnection *connection)
{
	static const char *interface = WIRE_DEVICE, *name = "Node";
	char *path = wire_path(WIRE_PATH_DEVICE, CAMERA);
	DBusMessage *call = harness_new_call(path, DBUS_INTERFACE_PROPERTIES, "Get"), *reply;
	DBusMessageIter iter, value;
	const char *node;
	int fd;

	dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING, &name,
				 DBUS_TYPE_INVALID);
	reply = harness_succeed(connection, call);
	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_recurse(&iter, &value);
	dbus_message_iter_get_basic(&value, &node);
	fd = open(node, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	dbus_message_unref(reply);
	free(path);
	return fd;
}

/* Plans for the camera, named by an open file of it. */
START_TEST(a_device_may_be_named_by_an_fd)
{
	DBusConnection *connection = harness_connect(_i);
	const char *key = "participants";
	DBusMessageIter entry, variant, list, participant;
	struct request_call call;
	int fd = open_camera(connection), other = open("/dev/null", O_RDONLY);

	for (int round = 0; round < 2; round++) {
		request_begin(&call, "Plan");
		dict_add_size(&call.dict);
		dbus_message_iter_open_container(&call.dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
		dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
		dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "aa{sv}", &variant);
		dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, "a{sv}", &list);
		dbus_message_iter_open_container(&list, DBUS_TYPE_ARRAY, "{sv}", &participant);
		dict_add(&participant, "device-fd", DBUS_TYPE_UNIX_FD, round ? &other : &fd);
		dbus_message_iter_close_container(&list, &participant);
		dbus_message_iter_close_container(&variant, &list);
		dbus_message_iter_close_container(&entry, &variant);
		dbus_message_iter_close_container(&call.dict, &entry);
		if (round)
			harness_fail(connection, request_end(&call), ERROR_PREFIX "UnknownDevice",
				     NULL);
		else
			dbus_message_unref(harness_succeed(connection, request_end(&call)));
	}
	close(fd);
	close(other);
	harness_disconnect(connection);
}
END_TEST

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* Waits for the signal `member` about the camera. */
static bool hears(DBusConnection *connection, const char *member, int ms)
{
	DBusMessage *message;
	const char *path = "";
	bool heard = false;
	struct timespec now;
	long long end;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec * 1000LL + now.tv_nsec / 1000000 + ms;
	while (!heard && now.tv_sec * 1000LL + now.tv_nsec / 1000000 < end) {
		dbus_connection_read_write(connection, 50);
		while (!heard && (message = dbus_connection_pop_message(connection))) {
			if (dbus_message_is_signal(message, "org.freedesktop.DBus.ObjectManager",
						   member)) {
				DBusMessageIter iter;

				dbus_message_iter_init(message, &iter);
				dbus_message_iter_get_basic(&iter, &path);
				heard = strstr(path, "vivid_2d000_2dvid_2dcap") != NULL;
			}
			dbus_message_unref(message);
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	return heard;
}

START_TEST(devices_come_and_go)
{
	DBusConnection *connection = harness_connect(_i);
	struct wish wish = {.device = CAMERA, .role = "capture"};
	size_t devices;
	char path[64];

	if (_i == TRANSPORT_BUS)
		dbus_bus_add_match(connection,
				   "type='signal',interface='org.freedesktop.DBus.ObjectManager'",
				   NULL);
	devices = harness_count_objects(connection, WIRE_PATH_DEVICE);
	dbus_message_unref(harness_succeed(connection, new_request("Plan", &wish)));
	write_file(UNBIND, "vivid.0");
	ck_assert(hears(connection, "InterfacesRemoved", 10000));
	harness_fail(connection, new_request("Allocate", &wish), ERROR_PREFIX "UnknownDevice",
		     NULL);
	ck_assert_uint_lt(harness_count_objects(connection, WIRE_PATH_DEVICE), devices);
	write_file(BIND, "vivid.0");
	ck_assert(hears(connection, "InterfacesAdded", 20000));
	allocate_only(connection, &wish, path);
	harness_disconnect(connection);
}
END_TEST

/* The camera goes while buffers for it are being allocated: any answer but a hang. */
START_TEST(a_device_may_go_at_any_time)
{
	DBusConnection *connection = harness_connect(_i);
	struct wish wish = {.device = CAMERA, .role = "capture", .count = 16};
	DBusPendingCall *pending[8];
	DBusMessage *reply, *call;

	harness_count_objects(connection, "/");
	for (size_t i = 0; i < 8; i++) {
		call = new_request("Allocate", &wish);
		ck_assert(dbus_connection_send_with_reply(connection, call, &pending[i], 15000));
		dbus_message_unref(call);
	}
	dbus_connection_flush(connection);
	write_file(UNBIND, "vivid.0");
	for (size_t i = 0; i < 8; i++) {
		dbus_pending_call_block(pending[i]);
		reply = dbus_pending_call_steal_reply(pending[i]);
		dbus_pending_call_unref(pending[i]);
		ck_assert(!dbus_message_is_error(reply, DBUS_ERROR_NO_REPLY));
		dbus_message_unref(reply);
	}
	write_file(BIND, "vivid.0");
	harness_disconnect(connection);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("devices");
	TCase *tcase = tcase_create("devices"), *hotplug = tcase_create("hotplug");

	/* one daemon for all: each leaves nothing behind, or the next one notices */
	tcase_add_unchecked_fixture(tcase, harness_start, harness_stop);
	tcase_add_checked_fixture(hotplug, harness_start, harness_stop);
	tcase_set_timeout(tcase, 60);
	tcase_set_timeout(hotplug, 60);
	tcase_add_loop_test(tcase, fds_are_dma_bufs_of_the_plan, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, a_collection_has_its_plan_and_count, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, more_than_12_fds_come_in_pages, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, at_most_64_fds_are_in_flight, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, what_is_released_is_gone, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, no_collection_more_than_allowed, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, a_client_killed_while_it_holds_buffers_leaves_nothing, 0,
			    TRANSPORTS);
	tcase_add_loop_test(tcase, clients_that_vanish_while_buffers_come_leave_nothing, 0,
			    TRANSPORTS);
	tcase_add_loop_test(tcase, a_lingering_collection_is_taken_over, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, a_lingering_collection_ends_in_time, 0, TRANSPORTS);
	tcase_add_test(tcase, a_lingering_collection_is_not_taken_over_by_others);
	tcase_add_loop_test(tcase, exhausted_memory_is_an_answer, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, a_heap_that_is_not_there_is_a_conflict, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, a_device_in_a_role_it_has_not_is_refused, 0, TRANSPORTS);
	tcase_add_loop_test(tcase, a_device_may_be_named_by_an_fd, 0, TRANSPORTS);
	tcase_add_loop_test(hotplug, devices_come_and_go, 0, TRANSPORTS);
	tcase_add_loop_test(hotplug, a_device_may_go_at_any_time, 0, TRANSPORTS);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, hotplug);
	return harness_main(suite);
}
