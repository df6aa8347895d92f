/* SPDX-License-Identifier: MIT */
/*
 * A broker inside the process, through the public library. Its devices are made up
 * (made-up-probe.c), and its heaps are memfds that fail when the test says so; all else is real.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <dmabroker.h>

#include "broker/broker.h"
#include "broker/heap/heap.h"
#include "tests/unit/check.h"
#include "tests/unit/faults.h"

#define LEN(array) (int)(sizeof(array) / sizeof((array)[0]))
#define WAIT_MS 10000
#define XR24 0x34325258u
#define FRAME (640 * 480 * 4)

static struct dmabroker *broker;
static char folder[64], fifo[80];
static size_t fds_before;

/* ---- what is made up ---- */

/* From now on so many buffers, and then this error; as often as it is asked. */
static struct {
	unsigned int left;
	int error;  /* 0: any number of buffers */
	int sealed; /* the buffer of this number, from 1, cannot be mapped for writing */
} heaps;

int __wrap_heap_allocate(enum exporter exporter, const char *node, uint64_t bytes,
			 const char *name);

int __wrap_heap_allocate(enum exporter exporter, const char *node, uint64_t bytes, const char *name)
{
	int fd;

	(void)exporter;
	(void)node;
	if (heaps.error && heaps.left == 0)
		return heaps.error;
	heaps.left -= heaps.error != 0;
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		return -errno;
	if (heaps.sealed && --heaps.sealed == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) < 0)
		return -errno;
	return fd;
}

/* Of a memfd that is brought, the memfd itself. */
int __wrap_heap_wrap(const char *node, int memory, uint64_t bytes, const char *name);

int __wrap_heap_wrap(const char *node, int memory, uint64_t bytes, const char *name)
{
	int fd = fcntl(memory, F_DUPFD_CLOEXEC, 3);

	(void)node;
	(void)bytes;
	(void)name;
	return fd < 0 ? -errno : fd;
}

/* What the library asks the broker for: "PROGRAM DIRECTORY...". */
static char asked[256];

int __real_broker_create(const struct broker_host *host, const struct broker_options *options,
			 struct broker **ret_broker);
int __wrap_broker_create(const struct broker_host *host, const struct broker_options *options,
			 struct broker **ret_broker);

int __wrap_broker_create(const struct broker_host *host, const struct broker_options *options,
			 struct broker **ret_broker)
{
	const char *const *directory = options->quirk_directories;

	snprintf(asked, sizeof(asked), "%s",
		 options->trial_program ? options->trial_program : "no-trials");
	for (; directory && *directory; directory++)
		snprintf(asked + strlen(asked), sizeof(asked) - strlen(asked), " %s", *directory);
	return __real_broker_create(host, options, ret_broker);
}

/* The machine is no memory of the library's. */
struct machine *__real_machine_by_name(const char *text);
struct machine *__wrap_machine_by_name(const char *text);

struct machine *__wrap_machine_by_name(const char *text)
{
	struct machine *machine;

	faults_pause();
	machine = __real_machine_by_name(text);
	faults_resume();
	return machine;
}

/* Whether any heap may be opened. */
static bool may_allocate;

bool __wrap_inprocess_may_allocate(void);

bool __wrap_inprocess_may_allocate(void)
{
	return may_allocate;
}

/* A line of made-up-probe.c. */
static void happen(const char *line)
{
	int fd = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(dprintf(fd, "%s\n", line), (int)strlen(line) + 1);
	close(fd);
}

/* ---- what is told ---- */

/* A line for each callback: "added device cam0", "changed device cam0 name,roles,", "negotiated 1",
 * "ended Gone". */
static char told[1024];

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
	size_t len = strlen(told);
	va_list args;

	va_start(args, format);
	vsnprintf(told + len, sizeof(told) - len, format, args);
	va_end(args);
}

static void on_change(void *data, enum dmabroker_change change, const char *kind, const char *id,
		      const char *const *keys)
{
	static const char *const words[] = {[DMABROKER_CHANGE_ADDED] = "added",
					    [DMABROKER_CHANGE_REMOVED] = "removed",
					    [DMABROKER_CHANGE_CHANGED] = "changed"};

	ck_assert_ptr_eq(data, &told);
	ck_assert_int_eq(change == DMABROKER_CHANGE_CHANGED, keys != NULL);
	note("%s %s %s%s", words[change], kind, id, keys ? " " : "");
	for (; keys && *keys; keys++)
		note("%s,", *keys);
	note("\n");
}

static void on_event(void *data, struct dmabroker_collection *collection,
		     enum dmabroker_event event, uint32_t generation, const char *error,
		     const char *text)
{
	ck_assert_ptr_eq(data, collection);
	ck_assert_int_eq(event == DMABROKER_EVENT_ENDED, error != NULL);
	ck_assert_int_eq(error != NULL, text && *text);
	if (event == DMABROKER_EVENT_ENDED)
		note("ended %s\n", error);
	else
		note("%s %u\n", event == DMABROKER_EVENT_NEGOTIATED ? "negotiated" : "handed over",
		     generation);
}

static bool is_readable(int ms)
{
	struct pollfd ready = {.fd = dmabroker_get_fd(broker), .events = POLLIN};

	ck_assert_int_ge(ready.fd, 0);
	return poll(&ready, 1, ms) == 1;
}

/* What is told by dispatching, and by nothing else. */
static void expect_told(const char *lines)
{
	int count = 0;

	ck_assert_str_eq(told, "");
	for (const char *at = lines; *at; at++)
		count += *at == '\n';
	if (count)
		ck_assert(is_readable(WAIT_MS));
	ck_assert_int_eq(dmabroker_dispatch(broker), count);
	ck_assert_str_eq(told, lines);
	ck_assert(!is_readable(0));
	told[0] = '\0';
}

/* ---- beginning and end ---- */

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/dmabroker-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	setenv("DMABROKER_TEST_FIFO", fifo, 1);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	unsetenv("DMABROKER_ADDRESS");
	fds_before = faults_fds();
}

static void teardown(void)
{
	unlink(fifo);
	rmdir(folder);
}

static void setup_broker(void)
{
	setup();
	ck_assert_int_eq(dmabroker_connect("in-process:quirks=none", &broker), 0);
	dmabroker_set_change_callback(broker, on_change, told);
}

/* Every fd is closed again, and every block of memory freed. */
static void teardown_broker(void)
{
	dmabroker_disconnect(broker);
	ck_assert_uint_eq(faults_fds(), fds_before);
	teardown();
}

/* ---- requests ---- */

static struct dmabroker_record *ask_for(uint32_t width)
{
	struct dmabroker_record *request;

	ck_assert_int_eq(dmabroker_request_create(&request), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "width", width), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "height", 480), 0);
	ck_assert_int_eq(dmabroker_record_add_format(request, "formats", XR24, 0), 0);
	return request;
}

static struct dmabroker_record *add(struct dmabroker_record *request, const char *name,
				    const char *role, const char *device)
{
	struct dmabroker_record *participant;

	ck_assert_int_eq(dmabroker_request_add_participant(request, name, role, &participant), 0);
	if (device)
		ck_assert_int_eq(dmabroker_record_set_string(participant, "device", device), 0);
	return participant;
}

/* A camera, whose frames the CPU reads. */
static struct dmabroker_record *ask_for_camera(const char *device)
{
	struct dmabroker_record *request = ask_for(640);

	add(request, "camera", "capture", device);
	add(request, "reader", "cpu", NULL);
	return request;
}

/* Takes the request. */
static int allocate(struct dmabroker_record *request, struct dmabroker_collection **ret_collection)
{
	int result = dmabroker_allocate(broker, request, ret_collection);

	dmabroker_record_destroy(request);
	return result;
}

static struct dmabroker_collection *must_allocate(struct dmabroker_record *request)
{
	struct dmabroker_collection *collection;

	ck_assert_int_eq(allocate(request, &collection), 0);
	dmabroker_collection_set_callback(collection, on_event, collection);
	return collection;
}

/* An error with its name, a text, and a first refusal that says what would be right. */
static void check_error(int result, int number, const char *name)
{
	const struct dmabroker_record *details = dmabroker_get_error_details(broker), *refusal;

	ck_assert_int_eq(result, number);
	ck_assert_str_eq(dmabroker_get_error(broker), name);
	ck_assert_str_ne(dmabroker_get_error_text(broker), "");
	ck_assert_ptr_nonnull(details);
	ck_assert_int_eq(dmabroker_record_get_record(details, "refusals", 0, &refusal), 0);
	ck_assert_ptr_nonnull(dmabroker_record_get_string(refusal, "wanted"));
	ck_assert_ptr_nonnull(dmabroker_record_get_string(refusal, "offered"));
}

static const char *heap_of(const struct dmabroker_collection *collection)
{
	return dmabroker_record_get_string(dmabroker_collection_get_plan(collection), "heap");
}

static bool is_listed(const char *id)
{
	struct dmabroker_record **list;
	bool found = false;
	size_t len;

	ck_assert_int_eq(dmabroker_list_devices(broker, &list, &len), 0);
	for (size_t i = 0; i < len; i++)
		found |= strcmp(dmabroker_record_get_string(list[i], "id"), id) == 0;
	dmabroker_record_list_destroy(list, len);
	return found;
}

/* ---- allocating and mapping ---- */

/* Mappings of buffers' memory. */
static int count_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int count = 0;

	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "/memfd:") != NULL;
	fclose(maps);
	return count;
}

START_TEST(buffers_come_mapped)
{
	struct dmabroker_record *request = ask_for_camera("cam0");
	struct dmabroker_collection *collection;
	int before = count_mappings(), count;
	void *address;

	ck_assert_int_eq(dmabroker_allocate_mapped(broker, request, &collection), 0);
	count = (int)dmabroker_collection_get_count(collection);
	ck_assert_int_gt(count, 1);
	ck_assert_int_eq(count_mappings(), before + count);
	for (int i = 0; i < count; i++) {
		ck_assert_int_eq(
			dmabroker_buffer_map(dmabroker_collection_get_buffer(collection, (size_t)i),
					     0, &address),
			0);
		memset(address, i, 640 * 480 * 4);
	}
	ck_assert_int_eq(count_mappings(), before + count);
	dmabroker_collection_release(collection);
	ck_assert_int_eq(count_mappings(), before);
	dmabroker_record_destroy(request);
}
END_TEST

/* All or none, and the error says why it could not be mapped. */
START_TEST(what_cannot_be_mapped_is_not_kept)
{
	struct dmabroker_record *request = ask_for_camera("cam0"), **list;
	struct dmabroker_collection *collection = NULL;
	int before = count_mappings();
	size_t len;

	heaps.sealed = _i;
	ck_assert_int_eq(dmabroker_allocate_mapped(broker, request, &collection), -EPERM);
	ck_assert_ptr_null(collection);
	ck_assert_msg(strstr(dmabroker_get_error_text(broker), "mmap of "), "%s",
		      dmabroker_get_error_text(broker));
	ck_assert_int_eq(count_mappings(), before);
	ck_assert_int_eq(dmabroker_list_collections(broker, &list, &len), 0);
	ck_assert_uint_eq(len, 0);
	dmabroker_record_list_destroy(list, len);
	dmabroker_record_destroy(request);
}
END_TEST

/* ---- addresses ---- */

static const struct {
	const char *address;
	const char *asked; /* ends so; NULL: -EINVAL */
} addresses[] = {
	{"in-process", "no-trials " DMABROKER_QUIRKS_DIRECTORY " " DMABROKER_QUIRKS_OVERRIDE},
	{"in-process:trials=no,quirks=none", "no-trials"},
	{"in-process:trials=yes,quirks=none", DMABROKER_TRIAL_PROGRAM},
	{"in-process:quirks=/a,trials=/bin/trial,quirks=/b/c", "/bin/trial /a /b/c"},
	{"in-process:", NULL},
	{"in-process:trials", NULL},
	{"in-process:trials=", NULL},
	{"in-process:trials=maybe", NULL},
	{"in-process:quirks=", NULL},
	{"in-process:quirks=/a,quirks=none", NULL},
	{"in-process:trials=yes,,quirks=none", NULL},
	{"in-process:frobnicate=1", NULL},
	{"in-process,trials=yes", NULL},
	{"in-processes", NULL},
};

START_TEST(address_says_what_the_broker_is_to_do)
{
	const char *address = addresses[_i].address, *wanted = addresses[_i].asked;

	for (int environment = 0; environment < 2; environment++) {
		asked[0] = '\0';
		if (environment)
			setenv("DMABROKER_ADDRESS", address, 1);
		ck_assert_int_eq(dmabroker_connect(environment ? NULL : address, &broker),
				 wanted ? 0 : -EINVAL);
		ck_assert_str_eq(asked, wanted ? wanted : "");
		if (wanted)
			dmabroker_disconnect(broker);
		ck_assert_uint_eq(faults_fds(), fds_before);
	}
}
END_TEST

START_TEST(without_a_daemon_it_is_the_last_resort)
{
	may_allocate = false;
	ck_assert_int_eq(dmabroker_connect(NULL, &broker), -ENOTCONN);
	may_allocate = true;
	ck_assert_int_eq(dmabroker_connect("system", &broker), -ENOTCONN);
	setenv("DMABROKER_ADDRESS", "unix:path=/nonexistent/bus", 1);
	ck_assert_int_eq(dmabroker_connect(NULL, &broker), -ENOTCONN);
	unsetenv("DMABROKER_ADDRESS");
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "frobnicate", 1); /* not that there is nobody */
	ck_assert_int_eq(dmabroker_connect(NULL, &broker), -EINVAL);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	ck_assert_str_eq(asked, "");
	ck_assert_int_eq(dmabroker_connect(NULL, &broker), 0);
	ck_assert(strncmp(asked, "no-trials ", 10) == 0);
	ck_assert(is_listed("cam0"));
	dmabroker_disconnect(broker);
}
END_TEST

/* ---- looking ---- */

START_TEST(what_is_there_is_listed_when_it_is_connected)
{
	struct dmabroker_record **list, *machine;
	size_t devices, heaps_len;

	ck_assert_int_eq(dmabroker_list_devices(broker, &list, &devices), 0);
	ck_assert_uint_ge(devices, 8);
	for (size_t i = 1; i < devices; i++)
		ck_assert_str_lt(dmabroker_record_get_string(list[i - 1], "id"),
				 dmabroker_record_get_string(list[i], "id"));
	dmabroker_record_list_destroy(list, devices);
	ck_assert_int_eq(dmabroker_list_heaps(broker, &list, &heaps_len), 0);
	ck_assert_uint_eq(heaps_len, 4);
	dmabroker_record_list_destroy(list, heaps_len);
	ck_assert_int_eq(dmabroker_get_machine(broker, &machine), 0);
	ck_assert_uint_eq(dmabroker_record_get_len(machine, "devices"), devices);
	ck_assert_uint_eq(dmabroker_record_get_len(machine, "heaps"), heaps_len);
	ck_assert_str_eq(dmabroker_record_get_string(machine, "architecture"), "made-up");
	dmabroker_record_destroy(machine);
	expect_told("");
}
END_TEST

/* ---- allocating ---- */

static void check_buffer(struct dmabroker_buffer *buffer)
{
	struct stat status;
	char *address;
	void *mapped;

	ck_assert_int_eq(fstat(dmabroker_buffer_get_fd(buffer, 0), &status), 0);
	ck_assert_uint_eq(status.st_ino, dmabroker_buffer_get_inode(buffer, 0));
	ck_assert_uint_ge(dmabroker_buffer_get_bytes(buffer, 0), FRAME);
	ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &mapped), 0);
	address = mapped;
	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "camera", DMABROKER_ACCESS_WRITE),
			 0);
	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "camera", DMABROKER_ACCESS_WRITE),
			 -EALREADY);
	memset(address, 7, FRAME);
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "camera"), 0);
}

START_TEST(buffers_are_allocated_and_go)
{
	size_t fds = faults_fds(), count;
	struct dmabroker_collection *collection = must_allocate(ask_for_camera("cam0"));

	count = dmabroker_collection_get_count(collection);
	ck_assert_uint_ge(count, 2);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 1);
	ck_assert_str_eq(dmabroker_collection_get_path(collection), "/org/dmabroker1/collection/1");
	for (size_t i = 0; i < count; i++)
		check_buffer(dmabroker_collection_get_buffer(collection, i));
	ck_assert_uint_ne(
		dmabroker_buffer_get_inode(dmabroker_collection_get_buffer(collection, 0), 0),
		dmabroker_buffer_get_inode(dmabroker_collection_get_buffer(collection, 1), 0));
	expect_told(""); /* an allocation is told by its answer */
	dmabroker_collection_release(collection);
	ck_assert_uint_eq(faults_fds(), fds);
	expect_told("");
}
END_TEST

static void check_inodes(struct dmabroker_collection *collection)
{
	for (size_t i = 1; i < dmabroker_collection_get_count(collection); i++)
		ck_assert_uint_ne(dmabroker_buffer_get_inode(
					  dmabroker_collection_get_buffer(collection, i - 1), 0),
				  dmabroker_buffer_get_inode(
					  dmabroker_collection_get_buffer(collection, i), 0));
}

/* Twice: what has been received counts as in flight no longer. */
START_TEST(more_buffers_than_one_page)
{
	struct dmabroker_record *request;
	struct dmabroker_collection *collection;

	for (int i = 0; i < 2; i++) {
		request = ask_for_camera("cam0");
		ck_assert_int_eq(dmabroker_record_set_uint(request, "count", 64), 0);
		collection = must_allocate(request);
		ck_assert_uint_eq(dmabroker_collection_get_count(collection), 64);
		check_inodes(collection);
		dmabroker_collection_release(collection);
	}
}
END_TEST

START_TEST(a_device_is_named_by_an_open_file)
{
	struct dmabroker_record *request = ask_for(640), *camera;
	struct dmabroker_collection *collection;
	char line[64];
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), other = open("/dev/zero", O_RDWR);

	snprintf(line, sizeof(line), "set cam1 number %llu",
		 (unsigned long long)makedev(1, 3)); /* the kernel's of /dev/null */
	happen(line);
	camera = add(request, "camera", NULL, NULL);
	ck_assert_int_eq(dmabroker_record_set_fd(camera, "device-fd", fd), 0);
	collection = must_allocate(request);
	ck_assert_str_eq(heap_of(collection), "reserved"); /* cam1 needs contiguous memory */
	dmabroker_collection_release(collection);

	request = ask_for(640);
	camera = add(request, "camera", "capture", NULL);
	ck_assert_int_eq(dmabroker_record_set_fd(camera, "device-fd", other), 0);
	check_error(allocate(request, &collection), -ENODEV, "UnknownDevice");
	close(fd);
	close(other);
}
END_TEST

/* ---- again ---- */

START_TEST(a_new_generation_is_negotiated_and_handed_over)
{
	struct dmabroker_collection *collection = must_allocate(ask_for_camera("cam0"));
	struct dmabroker_buffer *old = dmabroker_collection_get_buffer(collection, 0);
	struct dmabroker_record *changes;
	size_t fds = faults_fds();

	ck_assert_int_eq(dmabroker_collection_hand_over(collection), 0); /* nothing to do */
	ck_assert_int_eq(dmabroker_request_create(&changes), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(changes, "width", 1920), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(changes, "height", 1080), 0);
	ck_assert_int_eq(dmabroker_collection_renegotiate(collection, changes), 0);
	dmabroker_record_destroy(changes);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 2);
	ck_assert_uint_eq(dmabroker_buffer_get_bytes(old, 0), FRAME);
	ck_assert_uint_eq(
		dmabroker_buffer_get_bytes(dmabroker_collection_get_buffer(collection, 0), 0),
		1920 * 1080 * 4);
	ck_assert_uint_gt(faults_fds(), fds);
	expect_told("negotiated 2\n");
	ck_assert_int_eq(dmabroker_collection_wait(collection, 0), 0); /* it is here */
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), 0);
	ck_assert_uint_eq(faults_fds(), fds);
	expect_told("handed over 2\n");
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), 0);
	expect_told("");
	dmabroker_collection_release(collection);
}
END_TEST

START_TEST(what_cannot_be_changed_stays)
{
	struct dmabroker_collection *collection = must_allocate(ask_for_camera("cam0"));
	struct dmabroker_record *changes;
	size_t fds = faults_fds();

	ck_assert_int_eq(dmabroker_request_create(&changes), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(changes, "width", 333), 0);
	check_error(dmabroker_collection_renegotiate(collection, changes), -EXDEV, "Conflict");
	ck_assert_int_eq(dmabroker_record_set_uint(changes, "width", 320), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(changes, "height", 180), 0);
	heaps.error = -EACCES;
	heaps.left = 1;
	check_error(dmabroker_collection_renegotiate(collection, changes), -EPERM, "NotPermitted");
	heaps.error = 0;
	dmabroker_record_destroy(changes);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 1);
	ck_assert_uint_eq(faults_fds(), fds);
	expect_told("");
	dmabroker_collection_release(collection);
}
END_TEST

START_TEST(a_report_brings_other_memory)
{
	struct dmabroker_collection *collection = must_allocate(ask_for_camera("cam0"));
	char heap[64];

	snprintf(heap, sizeof(heap), "%s", heap_of(collection));
	check_error(dmabroker_collection_report(collection, "nobody", EINVAL), -EPERM,
		    "NotPermitted");
	ck_assert_int_eq(dmabroker_collection_report(collection, "camera", EINVAL), 0);
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 2);
	ck_assert_str_ne(heap_of(collection), heap);
	expect_told("negotiated 2\n");
	dmabroker_collection_release(collection);
}
END_TEST

/* ---- collections of one ---- */

static struct dmabroker_collection *create(struct dmabroker_record *request)
{
	struct dmabroker_collection *collection;

	ck_assert_int_eq(dmabroker_create_collection(broker, request, 0, &collection), 0);
	dmabroker_collection_set_callback(collection, on_event, collection);
	dmabroker_record_destroy(request);
	return collection;
}

START_TEST(a_collection_without_tokens_is_negotiated_at_once)
{
	struct dmabroker_collection *collection = create(ask_for_camera("cam0"));
	struct dmabroker_record *status, **list;
	uint64_t number;
	size_t len;

	ck_assert_ptr_null(dmabroker_collection_get_token(collection, 0));
	ck_assert_ptr_null(dmabroker_collection_get_plan(collection));
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), -EAGAIN);
	expect_told("negotiated 1\n");
	ck_assert_int_eq(dmabroker_collection_wait(collection, WAIT_MS), 0);
	ck_assert_uint_ge(dmabroker_collection_get_count(collection), 2);
	check_error(dmabroker_collection_cancel(collection), -EINVAL, "InvalidRequest");
	ck_assert_int_eq(dmabroker_collection_get_status(collection, &status), 0);
	ck_assert_str_eq(dmabroker_record_get_string(status, "state"), "ready");
	dmabroker_record_destroy(status);
	ck_assert_int_eq(dmabroker_list_collections(broker, &list, &len), 0);
	ck_assert_uint_eq(len, 1);
	ck_assert_int_eq(dmabroker_record_get_uint(list[0], "uid", &number), 0);
	ck_assert_uint_eq(number, geteuid());
	dmabroker_record_list_destroy(list, len);
	dmabroker_collection_release(collection);
	ck_assert_int_eq(dmabroker_list_collections(broker, &list, &len), 0);
	ck_assert_uint_eq(len, 0);
	dmabroker_record_list_destroy(list, len);
}
END_TEST

START_TEST(a_negotiation_that_fails_ends_the_collection)
{
	struct dmabroker_record *request = ask_for_camera("cam0");
	struct dmabroker_collection *collection;

	ck_assert_int_eq(dmabroker_record_set_uint(request, "width", 333), 0);
	collection = create(request);
	check_error(dmabroker_collection_wait(collection, -1), -EXDEV, "Conflict");
	expect_told("ended Conflict\n");
	ck_assert_int_eq(dmabroker_collection_hand_over(collection), -EAGAIN); /* no plan */
	dmabroker_collection_release(collection);
}
END_TEST

/* Nobody takes part, and nobody else can come. */
START_TEST(a_collection_of_nobody_ends_by_its_deadline)
{
	struct dmabroker_record *request = ask_for(640);
	struct dmabroker_collection *collection;

	ck_assert_int_eq(dmabroker_record_set_uint(request, "deadline-ms", 200), 0);
	collection = create(request);
	if (_i) { /* told */
		expect_told("ended Gone\n");
	} else { /* waited for */
		ck_assert_int_eq(dmabroker_collection_wait(collection, 0), -ETIMEDOUT);
		check_error(dmabroker_collection_wait(collection, -1), -ESTALE, "Gone");
	}
	dmabroker_collection_release(collection);
}
END_TEST

START_TEST(a_negotiation_is_cancelled)
{
	struct dmabroker_collection *collection = create(ask_for(640));

	ck_assert_int_eq(dmabroker_collection_cancel(collection), 0);
	expect_told("ended Gone\n");
	check_error(dmabroker_collection_wait(collection, 0), -ESTALE, "Gone");
	dmabroker_collection_release(collection);
}
END_TEST

START_TEST(memory_of_the_process_becomes_a_buffer)
{
	static const uint64_t offset;
	static const uint32_t stride = 640 * 4;
	struct dmabroker_record *request = ask_for(640), *app;
	struct dmabroker_collection *collection;
	struct dmabroker_memory *memory;
	void *address;

	ck_assert_int_eq(dmabroker_memory_create(broker, 640 * 480 * 4, &memory), 0);
	ck_assert_int_eq(dmabroker_request_add_participant(request, "app", "cpu", &app), 0);
	ck_assert_int_eq(dmabroker_participant_add_memory(app, memory), 0);
	ck_assert_int_eq(
		dmabroker_participant_set_layout(app, XR24, 0, stride * 480, &offset, &stride, 1),
		0);
	ck_assert_int_eq(dmabroker_allocate(broker, request, &collection), 0);
	ck_assert_str_eq(
		dmabroker_record_get_string(dmabroker_collection_get_plan(collection), "heap"),
		"brought:app");
	strcpy(dmabroker_memory_get_address(memory), "seen");
	ck_assert_int_eq(
		dmabroker_buffer_map(dmabroker_collection_get_buffer(collection, 0), 0, &address),
		0);
	ck_assert_str_eq(address, "seen");
	dmabroker_collection_release(collection);
	dmabroker_record_destroy(request);
	dmabroker_memory_destroy(memory);
}
END_TEST

START_TEST(tokens_need_a_daemon)
{
	struct dmabroker_collection *collection, *none = NULL;
	struct dmabroker_record *request = ask_for_camera("cam0");
	size_t fds = faults_fds();

	check_error(dmabroker_create_collection(broker, request, 1, &none), -EOPNOTSUPP,
		    "NotSupported");
	ck_assert_ptr_nonnull(strstr(dmabroker_get_error_text(broker), "daemon"));
	check_error(dmabroker_bind(broker, "0123456789abcdef0123456789abcdef", &none), -EOPNOTSUPP,
		    "NotSupported");
	ck_assert_ptr_null(none);
	ck_assert_uint_eq(faults_fds(), fds);
	collection = create(request);
	check_error(dmabroker_collection_create_tokens(collection, 1), -EOPNOTSUPP, "NotSupported");
	request = ask_for_camera("cam0");
	check_error(dmabroker_collection_speak(collection, request), -EINVAL, "InvalidRequest");
	dmabroker_record_destroy(request);
	dmabroker_collection_release(collection);
}
END_TEST

/* ---- errors ---- */

static const struct {
	uint32_t width;
	const char *device;
	unsigned int given; /* buffers that the heaps give */
	int heap_error;
	int number;
	const char *name;
} failures[] = {
	{640, "nobody", 0, 0, -ENODEV, "UnknownDevice"},
	{333, "cam0", 0, 0, -EXDEV, "Conflict"},
	{640, "lcd", 0, 0, -EINVAL, "InvalidRequest"}, /* it captures nothing */
	{640, "cam0", 0, -ENOMEM, -ENOMEM, "OutOfMemory"},
	{640, "cam0", 1, -ENOMEM, -ENOMEM, "OutOfMemory"},
	{640, "cam0", 1, -EACCES, -EPERM, "NotPermitted"},
	{640, "cam0", 1, -ENODEV, -ESTALE, "Gone"},
	{640, "cam0", 1, -EMFILE, -EBUSY, "Busy"},
};

START_TEST(a_failure_is_named_and_leaves_nothing)
{
	struct dmabroker_collection *untouched = (void *)failures, *collection = untouched;
	struct dmabroker_record *request = ask_for_camera(failures[_i].device);
	struct dmabroker_record **list;
	size_t fds, len;

	ck_assert_int_eq(dmabroker_record_set_uint(request, "width", failures[_i].width), 0);
	fds = faults_fds();
	heaps.error = failures[_i].heap_error;
	heaps.left = failures[_i].given;
	check_error(dmabroker_allocate(broker, request, &collection), failures[_i].number,
		    failures[_i].name);
	ck_assert_ptr_eq(collection, untouched);
	ck_assert_uint_eq(faults_fds(), fds);
	ck_assert_int_eq(dmabroker_list_collections(broker, &list, &len), 0);
	ck_assert_uint_eq(len, 0);
	dmabroker_record_list_destroy(list, len);
	dmabroker_record_destroy(request);
	heaps.error = 0;
	dmabroker_collection_release(must_allocate(ask_for_camera("cam0")));
}
END_TEST

START_TEST(limits_hold_here_too)
{
	struct dmabroker_collection *list[16], *more;

	for (int i = 0; i < LEN(list); i++)
		list[i] = must_allocate(ask_for_camera("cam0"));
	check_error(allocate(ask_for_camera("cam0"), &more), -EDQUOT, "QuotaExceeded");
	dmabroker_collection_release(list[3]);
	list[3] = must_allocate(ask_for_camera("cam0"));
	for (int i = 0; i < LEN(list); i++)
		dmabroker_collection_release(list[i]);
}
END_TEST

/* Whatever number of files there may still be, it works or is Busy, and nothing stays behind. */
START_TEST(files_run_short)
{
	struct dmabroker_record *request = ask_for_camera("cam0");
	struct dmabroker_collection *collection;
	struct rlimit before, limit;
	size_t fds = faults_fds();
	int result = -EBUSY;

	getrlimit(RLIMIT_NOFILE, &before);
	for (size_t more = 0; result == -EBUSY; more++) {
		limit = (struct rlimit){.rlim_cur = fds + more, .rlim_max = before.rlim_max};
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		result = dmabroker_allocate(broker, request, &collection);
		setrlimit(RLIMIT_NOFILE, &before);
		if (result)
			check_error(result, -EBUSY, "Busy");
		ck_assert_uint_lt(more, 64);
		ck_assert_uint_eq(faults_fds() == fds, result != 0);
	}
	dmabroker_collection_release(collection);
	dmabroker_record_destroy(request);
}
END_TEST

/* ---- hotplug ---- */

START_TEST(devices_come_go_and_change)
{
	happen("remove cam0");
	expect_told("removed device cam0\n");
	ck_assert(!is_listed("cam0"));
	happen("add cam0");
	expect_told("added device cam0\n");
	ck_assert(is_listed("cam0"));
	happen("set cam0 name other");
	happen("remove udmabuf");
	expect_told("removed heap udmabuf\nchanged device cam0 name,\n"); /* when measured */
	happen("clear cam0 name");
	expect_told("changed device cam0 name,\n");
	happen("role cam0 min-buffers 3");
	expect_told("changed device cam0 roles,\n");
	happen("touch cam0");
	expect_told("");
	happen("set system free-bytes 4096");
	expect_told("");
	dmabroker_set_change_callback(broker, NULL, NULL);
	happen("remove cam0");
	ck_assert(is_readable(WAIT_MS));
	ck_assert_int_eq(dmabroker_dispatch(broker), 1);
	ck_assert_str_eq(told, "");
}
END_TEST

/* A call knows what has happened before it, and the callback is not called by it. */
START_TEST(a_call_finds_what_has_happened)
{
	struct dmabroker_collection *collection;

	happen("remove cam0");
	check_error(allocate(ask_for_camera("cam0"), &collection), -ENODEV, "UnknownDevice");
	ck_assert(!is_listed("cam0"));
	happen("add cam0");
	collection = must_allocate(ask_for_camera("cam0"));
	dmabroker_collection_release(collection);
	expect_told("removed device cam0\nadded device cam0\n");
}
END_TEST

/* Who does not dispatch has no more of it than there are devices and keys. */
START_TEST(what_is_not_told_is_told_together)
{
	char line[64];

	for (int i = 0; i < 20; i++) {
		snprintf(line, sizeof(line), "set cam0 name name%d", i);
		happen(line);
		ck_assert(is_listed("cam0"));
	}
	happen("role cam0 min-buffers 3");
	happen("set cam1 name other");
	ck_assert(is_listed("cam1"));
	happen("remove cam0");
	happen("set cam1 driver other");
	ck_assert(!is_listed("cam0"));
	happen("add cam0");
	ck_assert(is_listed("cam0"));
	happen("set cam0 name last");
	expect_told("changed device cam0 name,roles,\nchanged device cam1 name,driver,\n"
		    "removed device cam0\nadded device cam0\nchanged device cam0 name,\n");
}
END_TEST

START_TEST(what_happened_to_a_released_collection_is_not_told)
{
	struct dmabroker_collection *collection = create(ask_for_camera("cam0"));
	struct dmabroker_collection *other = create(ask_for_camera("cam0"));

	happen("remove cam1");
	ck_assert(is_listed("cam0"));
	dmabroker_collection_release(collection);
	expect_told("negotiated 1\nremoved device cam1\n");
	dmabroker_collection_release(other);
	expect_told("");
}
END_TEST

/* Does what it may from a callback: releases, allocates, and learns of what that leads to. */
static void on_negotiated(void *data, struct dmabroker_collection *collection,
			  enum dmabroker_event event, uint32_t generation, const char *error,
			  const char *text)
{
	struct dmabroker_collection **next = data;

	(void)error;
	(void)text;
	ck_assert_int_eq(event, DMABROKER_EVENT_NEGOTIATED);
	ck_assert_uint_eq(generation, 1);
	ck_assert_int_eq(dmabroker_collection_wait(collection, 0), 0);
	dmabroker_collection_release(collection);
	*next = create(ask_for_camera("cam1"));
}

START_TEST(a_callback_may_do_what_it_likes)
{
	struct dmabroker_collection *next = NULL;
	struct dmabroker_collection *collection = create(ask_for_camera("cam0"));

	dmabroker_collection_set_callback(collection, on_negotiated, &next);
	ck_assert_int_eq(dmabroker_dispatch(broker), 2);
	ck_assert_str_eq(told, "negotiated 1\n");
	ck_assert(!is_readable(0));
	dmabroker_collection_release(next);
}
END_TEST

START_TEST(two_brokers_know_nothing_of_each_other)
{
	struct dmabroker_collection *collection = must_allocate(ask_for_camera("cam0"));
	struct dmabroker *other;
	struct dmabroker_record **list;
	size_t len;

	ck_assert_int_eq(dmabroker_connect("in-process:quirks=none", &other), 0);
	ck_assert_int_eq(dmabroker_list_collections(other, &list, &len), 0);
	ck_assert_uint_eq(len, 0);
	dmabroker_record_list_destroy(list, len);
	dmabroker_disconnect(other);
	dmabroker_collection_release(collection);
}
END_TEST

/* ---- every allocation of memory fails once ---- */

static int work_with(struct dmabroker *one, struct dmabroker_record *request,
		     struct dmabroker_record *changes)
{
	struct dmabroker_collection *collection;
	int result = dmabroker_allocate(one, request, &collection);

	if (result)
		return result;
	result = dmabroker_collection_renegotiate(collection, changes);
	if (!result)
		result = dmabroker_collection_hand_over(collection);
	dmabroker_dispatch(one);
	dmabroker_collection_release(collection);
	return result;
}

static int work(struct dmabroker_record *request, struct dmabroker_record *changes)
{
	struct dmabroker *one;
	int result = dmabroker_connect("in-process:quirks=none", &one);

	if (result)
		return result;
	result = work_with(one, request, changes);
	dmabroker_disconnect(one);
	return result;
}

/* What could not be measured is missing; then something else is planned, or nothing. */
static bool may_end_with(int result)
{
	return result == 0 || result == -ENOMEM || result == -EXDEV;
}

/* libcheck allocates, too: nothing is asserted between the two counts. */
START_TEST(every_allocation_fails_once)
{
	struct dmabroker_record *request = ask_for(640), *changes = ask_for(1280);
	bool failed = true;
	size_t fds;
	long live;
	int result;

	add(request, "reader", "cpu", NULL);
	ck_assert_int_eq(work(request, changes), 0);
	for (unsigned int nth = 1; failed; nth++) {
		live = faults_live();
		fds = faults_fds();
		faults_begin(nth);
		result = work(request, changes);
		failed = faults_end();
		live = faults_live() - live;
		fds = faults_fds() - fds;
		ck_assert_msg(may_end_with(result) && (failed || !result), "allocation %u: %d", nth,
			      result);
		ck_assert_msg(live == 0, "allocation %u: %ld blocks are left", nth, live);
		ck_assert_msg(fds == 0, "allocation %u: fds are left", nth);
		ck_assert_uint_lt(nth, 100000);
	}
	dmabroker_record_destroy(request);
	dmabroker_record_destroy(changes);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, SFun begin, SFun end)
{
	TCase *all = tcase_create(name);

	tcase_add_checked_fixture(all, begin, end);
	tcase_set_timeout(all, 120);
	suite_add_tcase(suite, all);
	return all;
}

int main(void)
{
	Suite *suite = suite_create("inprocess");
	TCase *all = add_case(suite, "connecting", setup, teardown);

	tcase_add_loop_test(all, address_says_what_the_broker_is_to_do, 0, LEN(addresses));
	tcase_add_test(all, without_a_daemon_it_is_the_last_resort);
	tcase_add_test(all, every_allocation_fails_once);

	all = add_case(suite, "connected", setup_broker, teardown_broker);
	tcase_add_test(all, what_is_there_is_listed_when_it_is_connected);
	tcase_add_test(all, buffers_are_allocated_and_go);
	tcase_add_test(all, buffers_come_mapped);
	tcase_add_loop_test(all, what_cannot_be_mapped_is_not_kept, 1, 3);
	tcase_add_test(all, more_buffers_than_one_page);
	tcase_add_test(all, a_device_is_named_by_an_open_file);
	tcase_add_test(all, a_new_generation_is_negotiated_and_handed_over);
	tcase_add_test(all, what_cannot_be_changed_stays);
	tcase_add_test(all, a_report_brings_other_memory);
	tcase_add_test(all, a_collection_without_tokens_is_negotiated_at_once);
	tcase_add_test(all, a_negotiation_that_fails_ends_the_collection);
	tcase_add_loop_test(all, a_collection_of_nobody_ends_by_its_deadline, 0, 2);
	tcase_add_test(all, a_negotiation_is_cancelled);
	tcase_add_test(all, memory_of_the_process_becomes_a_buffer);
	tcase_add_test(all, tokens_need_a_daemon);
	tcase_add_loop_test(all, a_failure_is_named_and_leaves_nothing, 0, LEN(failures));
	tcase_add_test(all, limits_hold_here_too);
	tcase_add_test(all, files_run_short);
	tcase_add_test(all, devices_come_go_and_change);
	tcase_add_test(all, a_call_finds_what_has_happened);
	tcase_add_test(all, what_is_not_told_is_told_together);
	tcase_add_test(all, what_happened_to_a_released_collection_is_not_told);
	tcase_add_test(all, a_callback_may_do_what_it_likes);
	tcase_add_test(all, two_brokers_know_nothing_of_each_other);
	return run_suite(suite);
}
