/* SPDX-License-Identifier: MIT */
/*
 * The public library with the real daemon and real drivers.
 *
 * usage: test-library DAEMON-PID           everything that leaves the daemon as it is
 *        test-library DAEMON-PID killed    what is left when it dies: it is killed
 *
 * Environment: DMABROKER_ADDRESS
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/check.h"
#include "tests/vm/library.h"

#define BUFINFO "/sys/kernel/debug/dma_buf/bufinfo"

static pid_t daemon_pid;

/* ---- looking ---- */

static void check_fact(const struct dmabroker_record *record, const char *key, const char *value,
		       const char *origin)
{
	const char *found = dmabroker_record_get_string(record, key);

	ck_assert_msg(found && strcmp(found, value) == 0, "%s is %s instead of %s", key,
		      found ? found : "absent", value);
	ck_assert_str_eq(dmabroker_record_get_origin(record, key), origin);
}

static void check_number_fact(const struct dmabroker_record *record, const char *key,
			      uint64_t value, const char *origin)
{
	ck_assert_uint_eq(library_number(record, key), value);
	ck_assert_str_eq(dmabroker_record_get_origin(record, key), origin);
}

/* Which part of a buffer the role needs to be contiguous, and how it is known. */
static void check_role(const struct dmabroker_record *device, const char *name, const char *model,
		       const char *contiguity, const char *origin)
{
	const struct dmabroker_record *role = library_find(device, "roles", "role", name);

	ck_assert_msg(role != NULL, "no role %s", name);
	check_fact(role, "memory-model", model, origin);
	check_fact(role, "contiguity", contiguity, origin);
	check_number_fact(role, "cpu-copies", 1, "quirk");
	ck_assert_uint_ge(dmabroker_record_get_len(role, "formats"), 1);
}

static void check_ordered(struct dmabroker_record *const *records, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const char *id = dmabroker_record_get_string(records[i], "id");

		ck_assert_ptr_nonnull(id);
		ck_assert_int_eq(dmabroker_record_has_facts(records[i]), 1);
		if (i)
			ck_assert_str_gt(id, dmabroker_record_get_string(records[i - 1], "id"));
	}
}

START_TEST(devices_are_listed)
{
	struct dmabroker *broker = library_connect();
	const struct dmabroker_record *device;
	struct dmabroker_record **devices;
	size_t len;

	ck_assert_int_eq(dmabroker_list_devices(broker, &devices, &len), 0);
	check_ordered(devices, len);
	ck_assert_uint_ge(len, 10);

	device = library_find_id(devices, len, CAMERA_ANY);
	ck_assert_ptr_nonnull(device);
	check_role(device, "capture", "vmalloc", "none", "measured");
	device = library_find_id(devices, len, CAMERA);
	ck_assert_ptr_nonnull(device);
	check_fact(device, "driver", "vivid", "kernel");
	check_fact(device, "kind", "v4l2", "kernel");
	check_fact(device, "coherency", "coherent", "kernel");
	check_number_fact(device, "address-bits", 32, "quirk");
	check_role(device, "capture", "dma-contig", "used", "measured");
	device = library_find_id(devices, len, ENCODER);
	ck_assert_ptr_nonnull(device);
	ck_assert_ptr_nonnull(library_find(device, "roles", "role", "output"));
	device = library_find_id(devices, len, DISPLAY);
	ck_assert_ptr_nonnull(device);
	check_fact(device, "kind", "drm", "kernel");
	check_role(device, "scanout", "gem-shmem", "none", "quirk");

	ck_assert_ptr_null(library_find_id(devices, len, "reserved"));
	dmabroker_record_list_destroy(devices, len);
	library_disconnect(broker);
}
END_TEST

START_TEST(heaps_are_listed)
{
	static const char *const ids[] = {"reserved", "system", "udmabuf"};
	struct dmabroker *broker = library_connect();
	struct dmabroker_record **heaps;
	size_t len;

	ck_assert_int_eq(dmabroker_list_heaps(broker, &heaps, &len), 0);
	ck_assert_uint_eq(len, 3);
	check_ordered(heaps, len);
	for (size_t i = 0; i < len; i++) {
		check_fact(heaps[i], "id", ids[i], "kernel");
		check_fact(heaps[i], "exporter", i == 2 ? "udmabuf" : "dma-heap", "kernel");
		check_number_fact(heaps[i], "known", 1, "quirk");
		check_number_fact(heaps[i], "contiguous", i == 0, "quirk");
	}
	check_number_fact(heaps[0], "capacity-bytes", 64 << 20, "kernel");
	check_fact(heaps[0], "node", "/dev/dma_heap/reserved", "kernel");
	check_fact(heaps[2], "node", "/dev/udmabuf", "kernel");
	dmabroker_record_list_destroy(heaps, len);
	library_disconnect(broker);
}
END_TEST

/* ---- planning ---- */

static struct dmabroker_record *pipeline(const char *camera)
{
	struct dmabroker_record *request = library_request(640, 480);

	dmabroker_record_set_uint(library_add(request, "camera", "capture", camera), "camping", 2);
	library_add(request, "encoder", "output", ENCODER);
	dmabroker_record_set_uint(library_add(request, "display", "scanout", DISPLAY), "camping",
				  2);
	dmabroker_record_set_uint(library_add(request, "cpu", "cpu", NULL), "camping", 0);
	return request;
}

static void check_view(const struct dmabroker_record *plan, const char *name, const char *device,
		       const char *agent)
{
	const struct dmabroker_record *view = library_find(plan, "participants", "name", name);
	const char *id;

	ck_assert_msg(view != NULL, "no view of %s", name);
	ck_assert_str_eq(dmabroker_record_get_string(view, "agent"), agent);
	id = dmabroker_record_get_string(view, "device");
	ck_assert_int_eq(id != NULL, device != NULL);
	if (device)
		ck_assert_str_eq(id, device);
}

static void check_layout(const struct dmabroker_record *plan)
{
	const struct dmabroker_record *element;

	ck_assert_uint_eq(library_number(plan, "width"), 640);
	ck_assert_uint_eq(library_number(plan, "height"), 480);
	ck_assert_uint_eq(library_number(plan, "format"), XR24);
	ck_assert_uint_eq(library_number(plan, "modifier"), 0);
	ck_assert_uint_eq(library_number(plan, "count"), 5);
	ck_assert_uint_eq(library_number(plan, "generation"), 1);
	ck_assert_uint_eq(dmabroker_record_get_len(plan, "planes"), 1);
	ck_assert_int_eq(dmabroker_record_get_record(plan, "planes", 0, &element), 0);
	ck_assert_uint_eq(library_number(element, "stride"), 640 * 4);
	ck_assert_uint_eq(library_number(element, "bytes"), 640 * 480 * 4);
	ck_assert_int_eq(dmabroker_record_get_record(plan, "memory", 0, &element), 0);
	ck_assert_uint_ge(library_number(element, "bytes"), 640 * 480 * 4);
	ck_assert_uint_eq(library_number(element, "bytes") % 4096, 0);
}

static void check_plan(const struct dmabroker_record *plan, const char *camera, const char *heap)
{
	const struct dmabroker_record *reason;

	ck_assert_str_eq(dmabroker_record_get_string(plan, "heap"), heap);
	check_layout(plan);
	check_view(plan, "camera", camera, "cpu-copying");
	check_view(plan, "encoder", ENCODER, "cpu-copying");
	check_view(plan, "display", DISPLAY, "cpu-copying");
	check_view(plan, "cpu", NULL, "cpu");
	/* every writer to everybody else */
	ck_assert_uint_eq(dmabroker_record_get_len(plan, "policy"), 6);
	reason = library_find(plan, "reasons", "choice", "heap");
	ck_assert_ptr_nonnull(reason);
	ck_assert_str_eq(dmabroker_record_get_string(reason, "value"), heap);
	if (strcmp(heap, "reserved") == 0) {
		ck_assert_str_eq(dmabroker_record_get_string(reason, "participant"), "camera");
		ck_assert_str_eq(dmabroker_record_get_string(reason, "constraint"), "contiguity");
		ck_assert_str_eq(dmabroker_record_get_string(reason, "origin"), "measured");
	}
}

static const struct {
	const char *camera, *heap;
} pipelines[] = {{CAMERA_ANY, "system"}, {CAMERA, "reserved"}};

START_TEST(plan_suits_all)
{
	struct dmabroker *broker = library_connect();
	const char *camera = pipelines[_i].camera, *heap = pipelines[_i].heap;
	size_t buffers = library_count_lines(BUFINFO, "library");
	struct dmabroker_record *request = pipeline(camera), *plan;
	char *text;

	ck_assert_int_eq(dmabroker_record_set_string(request, "name", "library"), 0);
	plan = library_plan(broker, request);
	check_plan(plan, camera, heap);
	text = dmabroker_plan_describe(plan);
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text, heap));
	ck_assert_ptr_nonnull(strstr(text, "640x480 XR24"));
	free(text);
	dmabroker_record_destroy(plan);
	ck_assert_uint_eq(library_count_lines(BUFINFO, "library"), buffers);
	library_disconnect(broker);
}
END_TEST

static bool no_library_buffers(void *data)
{
	(void)data;
	return library_count_lines(BUFINFO, "library") == 0;
}

START_TEST(collection_suits_all)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_record *request = pipeline(pipelines[_i].camera);
	struct dmabroker_collection *collection;

	ck_assert_int_eq(dmabroker_record_set_string(request, "name", "library"), 0);
	collection = library_allocate(broker, request);
	check_plan(dmabroker_collection_get_plan(collection), pipelines[_i].camera,
		   pipelines[_i].heap);
	ck_assert_int_eq(strncmp(dmabroker_collection_get_path(collection),
				 "/org/dmabroker1/collection/", 27),
			 0);
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), 5);
	ck_assert_uint_eq(library_count_lines(BUFINFO, "library"), 5);
	dmabroker_collection_release(collection);
	ck_assert(library_until(no_library_buffers, NULL));
	dmabroker_collection_release(NULL);
	library_disconnect(broker);
}
END_TEST

START_TEST(count_is_what_all_hold_at_least)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_record *request = pipeline(CAMERA_ANY), *plan;

	ck_assert_int_eq(dmabroker_record_set_uint(request, "count", _i), 0);
	plan = library_plan(broker, request);
	ck_assert_uint_eq(library_number(plan, "count"), _i < 5 ? 5 : (unsigned int)_i);
	dmabroker_record_destroy(plan);
	library_disconnect(broker);
}
END_TEST

enum naming { BY_ID, BY_NODE, BY_FD, NAMINGS };

START_TEST(device_is_named)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_record *request = library_request(640, 480), *camera, *plan;
	char node[64];
	int fd;

	library_node(broker, CAMERA, node, sizeof(node));
	camera = library_add(request, "camera", NULL, _i == BY_ID ? CAMERA : NULL);
	if (_i == BY_NODE)
		ck_assert_int_eq(dmabroker_record_set_string(camera, "device", node), 0);
	if (_i == BY_FD) {
		fd = open(node, O_RDWR | O_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(dmabroker_record_set_fd(camera, "device-fd", fd), 0);
		close(fd);
	}
	plan = library_plan(broker, request);
	check_view(plan, "camera", CAMERA, "cpu-copying");
	ck_assert_str_eq(dmabroker_record_get_string(plan, "heap"), "reserved");
	dmabroker_record_destroy(plan);
	library_disconnect(broker);
}
END_TEST

START_TEST(devices_are_named_by_many_files)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_record *request = library_request(640, 480), *plan;
	char node[64], name[16];
	int fd;

	library_node(broker, CAMERA, node, sizeof(node));
	fd = open(node, O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "camera %02d", i);
		ck_assert_int_eq(
			dmabroker_record_set_fd(library_add(request, name, "capture", NULL),
						"device-fd", fd),
			0);
	}
	close(fd);
	plan = library_plan(broker, request);
	ck_assert_uint_eq(dmabroker_record_get_len(plan, "participants"), 16);
	check_view(plan, "camera 15", CAMERA, "cpu-copying");
	dmabroker_record_destroy(plan);
	library_disconnect(broker);
}
END_TEST

/* ---- requests that are refused ---- */

struct refused {
	const char *error;
	int number;
	const char *participant, *constraint, *key, *wanted, *offered; /* NULL: whatever */
};

static bool says(const struct dmabroker_record *refusal, const char *key, const char *part)
{
	const char *text = dmabroker_record_get_string(refusal, key);

	return !part || (text && strstr(text, part));
}

static bool is_member(const struct dmabroker_record *refusal, const struct refused *wanted)
{
	return says(refusal, "participant", wanted->participant) &&
	       says(refusal, "constraint", wanted->constraint) &&
	       says(refusal, "key", wanted->key) && says(refusal, "wanted", wanted->wanted) &&
	       says(refusal, "offered", wanted->offered);
}

static void check_refusal(struct dmabroker *broker, const struct refused *wanted)
{
	const struct dmabroker_record *details = dmabroker_get_error_details(broker), *refusal;
	const char *text = dmabroker_get_error_text(broker);

	ck_assert_ptr_nonnull(details);
	for (size_t i = 0; i < dmabroker_record_get_len(details, "refusals"); i++) {
		ck_assert_int_eq(dmabroker_record_get_record(details, "refusals", i, &refusal), 0);
		if (is_member(refusal, wanted))
			return;
	}
	ck_abort_msg("no refusal of %s because of %s, wanted %s, offered %s, but: %s",
		     wanted->participant ? wanted->participant : "any",
		     wanted->constraint ? wanted->constraint : "any",
		     wanted->wanted ? wanted->wanted : "any",
		     wanted->offered ? wanted->offered : "any", text);
}

/* A plan that no heap is large enough for is a conflict; who wants the memory itself is told that
 * there is not enough. All else fails alike. */
static const char *error_of(bool allocated, const struct refused *wanted, int *ret_number)
{
	bool lacks = allocated && strcmp(wanted->constraint, "capacity") == 0;

	*ret_number = lacks ? -ENOMEM : wanted->number;
	return lacks ? "OutOfMemory" : wanted->error;
}

/* Plans and allocates. The first of the refusals decides on the error. */
static void expect(struct dmabroker *broker, const struct dmabroker_record *request,
		   const struct refused *wanted, size_t wanted_len)
{
	struct dmabroker_record *plan = (void *)broker;
	struct dmabroker_collection *collection = (void *)broker;

	for (int i = 0; i < 2; i++) {
		int number, result = i ? dmabroker_allocate(broker, request, &collection)
				       : dmabroker_plan(broker, request, &plan);
		const char *error = error_of(i, wanted, &number);

		ck_assert_msg(result == number, "%d instead of %d: %s: %s", result, number,
			      dmabroker_get_error(broker), dmabroker_get_error_text(broker));
		ck_assert_str_eq(dmabroker_get_error(broker), error);
		ck_assert_str_ne(dmabroker_get_error_text(broker), "");
		for (size_t j = 0; j < wanted_len; j++)
			check_refusal(broker, &wanted[j]);
		ck_assert_uint_eq(
			dmabroker_record_get_len(dmabroker_get_error_details(broker), "refusals"),
			wanted_len);
	}
	ck_assert_ptr_eq((void *)plan, broker);
	ck_assert_ptr_eq((void *)collection, broker);
}

typedef struct dmabroker_record *(*bad_fn)(void);

static struct dmabroker_record *no_common_format(void)
{
	struct dmabroker_record *request;

	ck_assert_int_eq(dmabroker_request_create(&request), 0);
	dmabroker_record_set_uint(request, "width", 640);
	dmabroker_record_set_uint(request, "height", 480);
	dmabroker_record_add_format(library_add(request, "camera", "capture", CAMERA), "formats",
				    NV12, 0);
	dmabroker_record_add_format(library_add(request, "encoder", "output", ENCODER), "formats",
				    XR24, 0);
	return request;
}

static struct dmabroker_record *unknown_device(void)
{
	return library_camera_request("v4l2:platform/none:0", 640, 480, 2);
}

static struct dmabroker_record *unknown_role(void)
{
	struct dmabroker_record *request = library_request(640, 480);

	library_add(request, "camera", "scanout", CAMERA);
	return request;
}

static struct dmabroker_record *too_many_held(void)
{
	struct dmabroker_record *request = library_request(640, 480);

	dmabroker_record_set_uint(library_add(request, "camera", "capture", CAMERA_ANY), "camping",
				  33);
	dmabroker_record_set_uint(library_add(request, "display", "scanout", DISPLAY), "camping",
				  32);
	return request;
}

static struct dmabroker_record *takes_too_few(void)
{
	struct dmabroker_record *request = library_request(640, 480);

	dmabroker_record_set_uint(library_add(request, "camera", "capture", CAMERA_ANY),
				  "max-count", 2);
	dmabroker_record_set_uint(library_add(request, "display", "scanout", DISPLAY), "camping",
				  3);
	return request;
}

static struct dmabroker_record *wrong_heap(void)
{
	struct dmabroker_record *request = library_camera_request(CAMERA, 640, 480, 2);

	dmabroker_record_add_string(request, "allowed-heaps", "system");
	return request;
}

static struct dmabroker_record *wrong_size(void)
{
	return library_camera_request(CAMERA, 800, 600, 2);
}

static struct dmabroker_record *too_large(void)
{
	struct dmabroker_record *request = library_request(8192, 8192);

	library_add(request, "cpu", "cpu", NULL);
	dmabroker_record_add_string(request, "allowed-heaps", "reserved");
	return request;
}

static struct dmabroker_record *no_width(void)
{
	struct dmabroker_record *request;

	ck_assert_int_eq(dmabroker_request_create(&request), 0);
	dmabroker_record_set_uint(request, "height", 480);
	library_add(request, "cpu", "cpu", NULL);
	return request;
}

static struct dmabroker_record *nobody(void)
{
	return library_request(640, 480);
}

static struct dmabroker_record *same_name(void)
{
	struct dmabroker_record *request = library_camera_request(CAMERA, 640, 480, 2);

	library_add(request, "camera", "cpu", NULL);
	return request;
}

static struct dmabroker_record *device_twice(void)
{
	struct dmabroker_record *request = library_request(640, 480);

	dmabroker_record_set_fd(library_add(request, "camera", "capture", CAMERA), "device-fd",
				STDIN_FILENO);
	return request;
}

static struct dmabroker_record *regular_file(void)
{
	struct dmabroker_record *request = library_request(640, 480);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	dmabroker_record_set_fd(library_add(request, "camera", "capture", NULL), "device-fd", fd);
	close(fd);
	return request;
}

static struct dmabroker_record *unlisted_device(void)
{
	struct dmabroker_record *request = library_request(640, 480);
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	dmabroker_record_set_fd(library_add(request, "camera", "capture", NULL), "device-fd", fd);
	close(fd);
	return request;
}

static const struct {
	bad_fn request;
	size_t refused_len;
	struct refused refused[3];
} bads[] = {
	{no_common_format,
	 2,
	 {{"Conflict", -EXDEV, "camera", "format", "formats", "NV12", "XR24"},
	  {"Conflict", -EXDEV, "encoder", "format", "formats", "XR24", "NV12"}}},
	{unknown_device,
	 1,
	 {{"UnknownDevice", -ENODEV, "camera", "device", "device", "lists",
	   "v4l2:platform/none:0"}}},
	{unknown_role,
	 1,
	 {{"InvalidRequest", -EINVAL, "camera", "request", "role", "capture", "scanout"}}},
	{too_many_held,
	 2,
	 {{"Conflict", -EXDEV, "camera", "count", NULL, "to hold 33", "65 held"},
	  {"Conflict", -EXDEV, "display", "count", NULL, "to hold 32", "65 held"}}},
	{takes_too_few,
	 2,
	 {{"Conflict", -EXDEV, "camera", "count", "max-count", "at most 2", "4 held"},
	  {"Conflict", -EXDEV, "display", "count", "camping", "to hold 3", "4 held"}}},
	{wrong_heap,
	 2,
	 {{"Conflict", -EXDEV, "camera", "contiguity", NULL, "contiguous memory", "system"},
	  {"Conflict", -EXDEV, NULL, "heaps", "allowed-heaps", "only system", "reserved"}}},
	{wrong_size, 1, {{"Conflict", -EXDEV, "camera", "size", NULL, "640x480", "800x600"}}},
	{too_large,
	 2,
	 {{"Conflict", -EXDEV, NULL, "capacity", NULL, "268435456", "67108864"},
	  {"Conflict", -EXDEV, NULL, "heaps", "allowed-heaps", "only reserved", "system"}}},
	{no_width, 1, {{"InvalidRequest", -EINVAL, NULL, "request", "width", NULL, NULL}}},
	{nobody, 1, {{"InvalidRequest", -EINVAL, NULL, "request", "participants", NULL, NULL}}},
	{same_name,
	 1,
	 {{"InvalidRequest", -EINVAL, "camera", "request", "name", "of its own", "twice"}}},
	{device_twice,
	 1,
	 {{"InvalidRequest", -EINVAL, "camera", "request", "device-fd", "either", "both"}}},
	{regular_file,
	 1,
	 {{"InvalidRequest", -EINVAL, "camera", "request", "device-fd", "an open device",
	   "another kind"}}},
	{unlisted_device,
	 1,
	 {{"UnknownDevice", -ENODEV, "camera", "device", "device-fd", "lists", "1:3"}}},
};

START_TEST(request_is_refused)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_record *request = bads[_i].request();

	expect(broker, request, bads[_i].refused, bads[_i].refused_len);
	dmabroker_record_destroy(request);

	/* the next call knows nothing of it */
	ck_assert(library_has_device(broker, CAMERA));
	ck_assert_str_eq(dmabroker_get_error(broker), "");
	ck_assert_str_eq(dmabroker_get_error_text(broker), "");
	ck_assert_ptr_null(dmabroker_get_error_details(broker));
	library_disconnect(broker);
}
END_TEST

/* ---- buffers ---- */

#define THIRTEEN 13 /* more than one message brings */

static void check_buffer(struct dmabroker_collection *collection, size_t i)
{
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, i);
	const struct dmabroker_record *memory;
	struct stat status;
	char path[64];
	int fd;

	ck_assert_int_eq(dmabroker_record_get_record(dmabroker_collection_get_plan(collection),
						     "memory", 0, &memory),
			 0);
	ck_assert_uint_eq(dmabroker_buffer_get_memory_count(buffer), 1);
	fd = dmabroker_buffer_get_fd(buffer, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert_uint_eq(status.st_ino, dmabroker_buffer_get_inode(buffer, 0));
	ck_assert_int_eq(status.st_size, dmabroker_buffer_get_bytes(buffer, 0));
	ck_assert_uint_eq(dmabroker_buffer_get_bytes(buffer, 0), library_number(memory, "bytes"));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	ck_assert_uint_eq(library_count_lines(path, "name:\tthirteen"), 1);
	ck_assert_uint_eq(library_count_lines(path, "exp_name:\treserved"), 1);

	ck_assert_int_eq(dmabroker_buffer_get_fd(buffer, 1), -ERANGE);
	ck_assert_uint_eq(dmabroker_buffer_get_bytes(buffer, 1), 0);
	ck_assert_uint_eq(dmabroker_buffer_get_inode(buffer, 1), 0);
	for (size_t j = 0; j < i; j++)
		ck_assert_uint_ne(dmabroker_buffer_get_inode(
					  dmabroker_collection_get_buffer(collection, j), 0),
				  dmabroker_buffer_get_inode(buffer, 0));
}

START_TEST(buffers_are_many)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_record *request = library_camera_request(CAMERA, 320, 180, THIRTEEN);
	struct dmabroker_collection *collection;

	ck_assert_int_eq(dmabroker_record_set_string(request, "name", "thirteen"), 0);
	collection = library_allocate(broker, request);
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), THIRTEEN);
	for (size_t i = 0; i < THIRTEEN; i++)
		check_buffer(collection, i);
	ck_assert_ptr_null(dmabroker_collection_get_buffer(collection, THIRTEEN));
	ck_assert_uint_eq(library_count_lines(BUFINFO, "thirteen"), THIRTEEN);
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}
END_TEST

/* As many as there may be, so often that fds in flight run out if they were not acknowledged. */
START_TEST(buffers_are_many_and_often)
{
	struct dmabroker *broker = library_connect();

	for (int i = 0; i < 6; i++) {
		struct dmabroker_record *request = library_request(64, 64);
		struct dmabroker_collection *collection;

		library_add(request, "cpu", "cpu", NULL);
		ck_assert_int_eq(dmabroker_record_set_uint(request, "count", 64), 0);
		collection = library_allocate(broker, request);
		ck_assert_uint_eq(dmabroker_collection_get_count(collection), 64);
		dmabroker_collection_release(collection);
	}
	library_disconnect(broker);
}
END_TEST

static struct dmabroker_collection *allocate_one(struct dmabroker *broker, const char *heap)
{
	struct dmabroker_record *request = library_request(640, 480);

	library_add(request, "reader", "cpu", NULL);
	library_add(request, "writer", "cpu", NULL);
	ck_assert_int_eq(dmabroker_record_add_string(request, "allowed-heaps", heap), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "count", 2), 0);
	return library_allocate(broker, request);
}

static const char *const heap_ids[] = {"system", "reserved", "udmabuf"};

START_TEST(what_is_written_is_read)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_collection *collection = allocate_one(broker, heap_ids[_i]);
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	size_t bytes = dmabroker_buffer_get_bytes(buffer, 0);
	void *first = NULL, *second = NULL;
	uint8_t *again;

	ck_assert_str_eq(
		dmabroker_record_get_string(dmabroker_collection_get_plan(collection), "heap"),
		heap_ids[_i]);
	ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &first), 0);
	ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &second), 0);
	ck_assert_ptr_eq(first, second);
	library_refused(broker, dmabroker_buffer_map(buffer, 1, &second), -ERANGE);
	ck_assert_ptr_eq(first, second);

	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "writer", DMABROKER_ACCESS_WRITE),
			 0);
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)first)[i] = (uint8_t)(i * 7 + i / 4096);
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "writer"), 0);

	again = library_map_again(buffer);
	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "reader", DMABROKER_ACCESS_READ), 0);
	for (size_t i = 0; i < bytes; i++)
		ck_assert_msg(again[i] == (uint8_t)(i * 7 + i / 4096), "byte %zu", i);
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "reader"), 0);
	munmap(again, bytes);
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}
END_TEST

static int begin(struct dmabroker_buffer *buffer, const char *who, int access)
{
	return dmabroker_buffer_begin_access(buffer, who, (enum dmabroker_access)access);
}

/* Whatever went before: nobody has the buffer now. */
static void check_free(struct dmabroker *broker, struct dmabroker_buffer *buffer)
{
	library_refused(broker, dmabroker_buffer_end_access(buffer, "reader"), -EINVAL);
	library_refused(broker, dmabroker_buffer_end_access(buffer, "writer"), -EINVAL);
	ck_assert_int_eq(begin(buffer, "writer", DMABROKER_ACCESS_READ_WRITE), 0);
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "writer"), 0);
}

START_TEST(wrong_access_is_refused)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_collection *collection = allocate_one(broker, "system");
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);

	library_refused(broker, begin(buffer, "nobody", DMABROKER_ACCESS_READ), -ENOENT);
	library_refused(broker, dmabroker_buffer_end_access(buffer, "nobody"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(dmabroker_get_error_text(broker), "nobody"));
	library_refused(broker, begin(buffer, "reader", 0), -EINVAL);
	library_refused(broker, begin(buffer, "reader", 4), -EINVAL);
	check_free(broker, buffer);

	ck_assert_int_eq(begin(buffer, "writer", DMABROKER_ACCESS_WRITE), 0);
	library_refused(broker, begin(buffer, "writer", DMABROKER_ACCESS_WRITE), -EALREADY);
	library_refused(broker, begin(buffer, "reader", DMABROKER_ACCESS_WRITE), -EBUSY);
	library_refused(broker, begin(buffer, "reader", DMABROKER_ACCESS_READ), -EBUSY);
	ck_assert_ptr_nonnull(strstr(dmabroker_get_error_text(broker), "reader"));
	library_refused(broker, dmabroker_buffer_end_access(buffer, "reader"), -EINVAL);
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "writer"), 0);
	check_free(broker, buffer);

	ck_assert_int_eq(begin(buffer, "reader", DMABROKER_ACCESS_READ), 0);
	library_refused(broker, begin(buffer, "reader", DMABROKER_ACCESS_WRITE), -EALREADY);
	library_refused(broker, begin(buffer, "writer", DMABROKER_ACCESS_WRITE), -EBUSY);
	library_refused(broker, begin(buffer, "writer", DMABROKER_ACCESS_READ_WRITE), -EBUSY);
	ck_assert_int_eq(begin(buffer, "writer", DMABROKER_ACCESS_READ), 0); /* readers: any */
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "reader"), 0);
	library_refused(broker, begin(buffer, "reader", DMABROKER_ACCESS_WRITE), -EBUSY);
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "writer"), 0);
	check_free(broker, buffer);

	dmabroker_collection_release(collection);
	library_disconnect(broker);
}
END_TEST

START_TEST(each_buffer_has_its_own_access)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_collection *collection = allocate_one(broker, "system");
	struct dmabroker_buffer *first = dmabroker_collection_get_buffer(collection, 0);
	struct dmabroker_buffer *second = dmabroker_collection_get_buffer(collection, 1);

	ck_assert_int_eq(begin(first, "writer", DMABROKER_ACCESS_WRITE), 0);
	check_free(broker, second);
	ck_assert_int_eq(dmabroker_buffer_end_access(first, "writer"), 0);
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}
END_TEST

START_TEST(camera_fills_the_buffers)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_collection *collection =
		library_allocate(broker, library_camera_request(pipelines[_i].camera, 640, 360, 3));

	ck_assert_str_eq(
		dmabroker_record_get_string(dmabroker_collection_get_plan(collection), "heap"),
		pipelines[_i].heap);
	library_capture(broker, collection, 3);
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}
END_TEST

/* ---- what comes and goes ---- */

#define DRIVER "/sys/bus/platform/drivers/vim2m"
#define FICKLE "v4l2:platform/vim2m.0:vim2m:0"

struct changes {
	int added, removed;
};

static void on_change(void *data, enum dmabroker_change change, const char *kind, const char *id,
		      const char *const *keys)
{
	struct changes *changes = data;

	ck_assert((change == DMABROKER_CHANGE_CHANGED) == (keys != NULL));
	if (strcmp(kind, "device") != 0 || strcmp(id, FICKLE) != 0)
		return;
	changes->added += change == DMABROKER_CHANGE_ADDED;
	changes->removed += change == DMABROKER_CHANGE_REMOVED;
}

/* Has the driver let go of its device ("unbind") or take it ("bind"). */
static void drive(const char *what)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", DRIVER, what);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "vim2m.0", 7), 7);
	close(fd);
}

/* Polls and dispatches until `*count` is 1. */
static void wait_for_change(struct dmabroker *broker, const int *count)
{
	double end = library_now() + WAIT_MS / 1000.0;
	struct pollfd pollfd = {.fd = dmabroker_get_fd(broker), .events = POLLIN};

	ck_assert_int_ge(pollfd.fd, 0);
	while (!*count && library_now() < end) {
		if (poll(&pollfd, 1, 1000) > 0)
			ck_assert_int_ge(dmabroker_dispatch(broker), 0);
	}
	ck_assert_int_eq(*count, 1);
}

static void drain(struct dmabroker *broker)
{
	struct pollfd pollfd = {.fd = dmabroker_get_fd(broker), .events = POLLIN};

	while (poll(&pollfd, 1, 500) > 0)
		ck_assert_int_ge(dmabroker_dispatch(broker), 0);
}

START_TEST(changes_are_told)
{
	struct dmabroker *broker = library_connect();
	struct changes changes = {0};

	ck_assert(library_has_device(broker, FICKLE));
	drain(broker);
	dmabroker_set_change_callback(broker, on_change, &changes);
	drive("unbind");
	wait_for_change(broker, &changes.removed);
	ck_assert(!library_has_device(broker, FICKLE));
	ck_assert_int_eq(changes.added, 0);
	drive("bind");
	wait_for_change(broker, &changes.added);
	ck_assert(library_has_device(broker, FICKLE));
	ck_assert_int_eq(changes.removed, 1);

	drain(broker);
	ck_assert_int_eq(dmabroker_dispatch(broker), 0);
	dmabroker_set_change_callback(broker, NULL, NULL);
	library_disconnect(broker);
}
END_TEST

struct presence {
	struct dmabroker *broker;
	bool wanted;
};

static bool is_so(void *data)
{
	const struct presence *presence = data;

	return library_has_device(presence->broker, FICKLE) == presence->wanted;
}

/* The daemon says that a device went before it answers without it, so that the signal has arrived
 * with the answer: nothing is left in the socket, and yet the fd must be readable. */
static void change_during_calls(struct dmabroker *broker, const char *what, bool wanted,
				const int *count)
{
	struct presence presence = {.broker = broker, .wanted = wanted};
	struct pollfd pollfd = {.fd = dmabroker_get_fd(broker), .events = POLLIN};

	drain(broker);
	ck_assert_int_eq(poll(&pollfd, 1, 0), 0);
	drive(what);
	ck_assert(library_until(is_so, &presence));
	ck_assert_int_eq(*count, 0);
	ck_assert_int_eq(poll(&pollfd, 1, 0), 1);
	ck_assert_int_ge(dmabroker_dispatch(broker), 1);
	ck_assert_int_eq(*count, 1);
}

START_TEST(changes_during_calls_are_told)
{
	struct dmabroker *broker = library_connect();
	struct changes changes = {0};

	ck_assert(library_has_device(broker, FICKLE));
	dmabroker_set_change_callback(broker, on_change, &changes);
	change_during_calls(broker, "unbind", false, &changes.removed);
	change_during_calls(broker, "bind", true, &changes.added);
	library_disconnect(broker);
}
END_TEST

/* Before each of these tests, whatever the one before has left. */
static void bind_driver(void)
{
	struct presence presence = {.wanted = true};

	if (access(DRIVER "/vim2m.0", F_OK) == 0)
		return;
	drive("bind");
	presence.broker = library_connect();
	ck_assert(library_until(is_so, &presence));
	library_disconnect(presence.broker);
}

START_TEST(device_that_went_is_unknown)
{
	static const struct refused unknown = {"UnknownDevice", -ENODEV, "it",	"device",
					       "device",	"lists", FICKLE};
	struct dmabroker *broker = library_connect();
	struct presence presence = {.broker = broker, .wanted = false};
	struct dmabroker_record *request = library_request(640, 480);

	library_add(request, "it", "output", FICKLE);
	drive("unbind");
	ck_assert(library_until(is_so, &presence));
	expect(broker, request, &unknown, 1);
	drive("bind");
	presence.wanted = true;
	ck_assert(library_until(is_so, &presence));
	dmabroker_record_destroy(request);
	library_disconnect(broker);
}
END_TEST

/* ---- limits ---- */

/* Big enough that few of them fill the contiguous memory. */
static struct dmabroker_record *big_request(void)
{
	struct dmabroker_record *request = library_camera_request(CAMERA, 1920, 1080, 2);

	ck_assert_int_eq(dmabroker_record_set_string(request, "name", "library"), 0);
	return request;
}

#define BIG_MAX 16

/* Allocates until there is no more. Returns how often it went. */
static size_t exhaust(struct dmabroker *broker, struct dmabroker_collection *collections[BIG_MAX])
{
	static const struct refused exhausted = {
		"OutOfMemory", -ENOMEM, NULL, "capacity", NULL, "2 buffers", "heap reserved"};
	struct dmabroker_record *request = big_request();
	size_t len = 0;
	int result = 0;

	while (len < BIG_MAX && !result) {
		result = dmabroker_allocate(broker, request, &collections[len]);
		len += !result;
	}
	ck_assert_int_eq(result, exhausted.number);
	ck_assert_str_eq(dmabroker_get_error(broker), exhausted.error);
	check_refusal(broker, &exhausted);
	dmabroker_record_destroy(request);
	return len;
}

static bool cma_is_free(void *data)
{
	return library_meminfo("CmaFree") + 4096 >= *(long *)data;
}

START_TEST(memory_runs_out_and_comes_back)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_collection *collections[BIG_MAX];
	long free_before;
	size_t len;

	ck_assert(library_until(no_library_buffers, NULL));
	free_before = library_meminfo("CmaFree");
	for (int round = 0; round < 2; round++) {
		len = exhaust(broker, collections);
		ck_assert_uint_ge(len, 2); /* 16 MB each, of 64 */
		ck_assert_int_lt(library_meminfo("CmaFree"), free_before - 2 * 15000);
		ck_assert_uint_eq(library_count_lines(BUFINFO, "library"), 2 * len);
		while (len)
			dmabroker_collection_release(collections[--len]);
		ck_assert(library_until(no_library_buffers, NULL));
		ck_assert_msg(library_until(cma_is_free, &free_before), "%ld of %ld KiB free",
			      library_meminfo("CmaFree"), free_before);
	}
	library_disconnect(broker);
}
END_TEST

START_TEST(no_more_than_the_quota)
{
	static const struct refused refused = {"QuotaExceeded", -EDQUOT,	 NULL, NULL, NULL,
					       "release",	"16 collections"};
	struct dmabroker *broker = library_connect();
	struct dmabroker_collection *collections[16], *another = NULL;
	struct dmabroker_record *request = library_request(64, 64);

	library_add(request, "cpu", "cpu", NULL);
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(dmabroker_allocate(broker, request, &collections[i]), 0);
	ck_assert_int_eq(dmabroker_allocate(broker, request, &another), refused.number);
	ck_assert_str_eq(dmabroker_get_error(broker), refused.error);
	check_refusal(broker, &refused);
	ck_assert_ptr_null(another);
	dmabroker_collection_release(collections[7]);
	ck_assert_int_eq(dmabroker_allocate(broker, request, &collections[7]), 0);
	for (int i = 0; i < 16; i++)
		dmabroker_collection_release(collections[i]);
	dmabroker_record_destroy(request);
	library_disconnect(broker);
}
END_TEST

START_TEST(connections_do_not_know_each_other)
{
	struct dmabroker *first = library_connect(), *second;
	struct dmabroker_collection *of_first, *of_second;

	ck_assert_int_eq(dmabroker_connect(NULL, &second), 0);
	of_first = allocate_one(first, "system");
	of_second = allocate_one(second, "system");
	ck_assert_str_ne(dmabroker_collection_get_path(of_first),
			 dmabroker_collection_get_path(of_second));
	dmabroker_collection_release(of_first);
	check_free(second, dmabroker_collection_get_buffer(of_second, 0));
	ck_assert(library_has_device(second, CAMERA));
	dmabroker_collection_release(of_second);
	dmabroker_disconnect(second);
	library_disconnect(first);
}
END_TEST

/* ---- a daemon that stops or dies ---- */

START_TEST(daemon_stands_still)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_record **devices = (void *)broker;
	size_t len = 77;
	double start = library_now(), time;

	ck_assert_int_eq(kill(daemon_pid, SIGSTOP), 0);
	library_refused(broker, dmabroker_list_devices(broker, &devices, &len), -ETIMEDOUT);
	time = library_now() - start;
	ck_assert_int_eq(kill(daemon_pid, SIGCONT), 0);
	ck_assert_msg(time > 5 && time < 20, "%.1f s", time);
	ck_assert_ptr_eq((void *)devices, broker);
	ck_assert_uint_eq(len, 77);
	ck_assert(library_has_device(broker, CAMERA)); /* the late answer confuses nobody */
	library_disconnect(broker);
}
END_TEST

static void fill(struct dmabroker_buffer *buffer, uint8_t value)
{
	void *bytes;

	ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &bytes), 0);
	ck_assert_int_eq(begin(buffer, "cpu", DMABROKER_ACCESS_WRITE), 0);
	memset(bytes, value, dmabroker_buffer_get_bytes(buffer, 0));
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "cpu"), 0);
}

static void check_filled(struct dmabroker_buffer *buffer, uint8_t value)
{
	uint8_t *again = library_map_again(buffer);
	size_t bytes = dmabroker_buffer_get_bytes(buffer, 0);

	ck_assert_int_eq(begin(buffer, "cpu", DMABROKER_ACCESS_READ), 0);
	for (size_t i = 0; i < bytes; i++)
		ck_assert_uint_eq(again[i], value);
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "cpu"), 0);
	munmap(again, bytes);
}

/* Waits until the fd tells. */
static void notice_death(struct dmabroker *broker)
{
	double end = library_now() + WAIT_MS / 1000.0;
	struct pollfd pollfd = {.fd = dmabroker_get_fd(broker), .events = POLLIN};
	int result = 0;

	ck_assert_int_ge(pollfd.fd, 0);
	while (result >= 0 && library_now() < end)
		if (poll(&pollfd, 1, 1000) > 0)
			result = dmabroker_dispatch(broker);
	library_refused(broker, result, -ENOTCONN);
}

static void check_calls_fail(struct dmabroker *broker)
{
	struct dmabroker_record *request = library_camera_request(CAMERA, 640, 360, 3);
	struct dmabroker_collection *collection = NULL;
	struct dmabroker_record **records = NULL, *plan = NULL;
	size_t len = 77;

	library_refused(broker, dmabroker_get_fd(broker), -ENOTCONN);
	library_refused(broker, dmabroker_dispatch(broker), -ENOTCONN);
	library_refused(broker, dmabroker_list_devices(broker, &records, &len), -ENOTCONN);
	library_refused(broker, dmabroker_list_heaps(broker, &records, &len), -ENOTCONN);
	library_refused(broker, dmabroker_plan(broker, request, &plan), -ENOTCONN);
	library_refused(broker, dmabroker_allocate(broker, request, &collection), -ENOTCONN);
	ck_assert(!records && !plan && !collection && len == 77);
	dmabroker_record_destroy(request);
}

START_TEST(daemon_dies)
{
	struct dmabroker *broker = library_connect(), *idle, *other = NULL;
	struct dmabroker_collection *collection =
		library_allocate(broker, library_camera_request(CAMERA, 640, 360, 3));
	struct dmabroker_record **devices = NULL;
	size_t len;

	ck_assert_int_eq(dmabroker_connect(NULL, &idle), 0);
	for (size_t i = 0; i < 3; i++)
		fill(dmabroker_collection_get_buffer(collection, i), (uint8_t)(i + 1));
	ck_assert_int_eq(kill(daemon_pid, SIGKILL), 0);

	/* who only calls, and who polls */
	ck_assert_int_eq(dmabroker_list_devices(idle, &devices, &len), -ENOTCONN);
	dmabroker_disconnect(idle);
	notice_death(broker);
	check_calls_fail(broker);
	ck_assert_int_eq(dmabroker_connect(NULL, &other), -ENOTCONN);
	ck_assert_ptr_null(other);

	for (size_t i = 0; i < 3; i++)
		check_filled(dmabroker_collection_get_buffer(collection, i), (uint8_t)(i + 1));
	library_capture(broker, collection, 3);
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}
END_TEST

/* ---- the program ---- */

static TCase *new_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return tcase;
}

static void add_plans(Suite *suite)
{
	TCase *plans = new_case(suite, "plans");

	tcase_add_test(plans, devices_are_listed);
	tcase_add_test(plans, heaps_are_listed);
	tcase_add_loop_test(plans, plan_suits_all, 0, 2);
	tcase_add_loop_test(plans, collection_suits_all, 0, 2);
	tcase_add_loop_test(plans, count_is_what_all_hold_at_least, 4, 7);
	tcase_add_loop_test(plans, device_is_named, 0, NAMINGS);
	tcase_add_test(plans, devices_are_named_by_many_files);
	tcase_add_loop_test(plans, request_is_refused, 0, (int)(sizeof(bads) / sizeof(bads[0])));
}

static void add_buffers(Suite *suite)
{
	TCase *buffers = new_case(suite, "buffers");

	tcase_add_test(buffers, buffers_are_many);
	tcase_add_test(buffers, buffers_are_many_and_often);
	tcase_add_test(buffers, wrong_access_is_refused);
	tcase_add_test(buffers, each_buffer_has_its_own_access);
	tcase_add_loop_test(buffers, camera_fills_the_buffers, 0, 2);
	tcase_add_test(buffers, no_more_than_the_quota);
	tcase_add_test(buffers, connections_do_not_know_each_other);
}

/* Slow, and nothing in them depends on the transport. */
static void add_memory(Suite *suite)
{
	TCase *memory = new_case(suite, "memory");

	tcase_add_loop_test(memory, what_is_written_is_read, 0, 3);
	tcase_add_test(memory, memory_runs_out_and_comes_back);
}

static void add_changes(Suite *suite)
{
	TCase *changes = new_case(suite, "changes");

	tcase_add_checked_fixture(changes, bind_driver, NULL);
	tcase_add_test(changes, changes_are_told);
	tcase_add_test(changes, changes_during_calls_are_told);
	tcase_add_test(changes, device_that_went_is_unknown);
	tcase_add_test(changes, daemon_stands_still);
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("library");
	int result;

	if (argc < 2)
		return 2;
	daemon_pid = (pid_t)strtol(argv[1], NULL, 10);
	if (daemon_pid <= 1)
		return 2;
	if (argc > 2 && strcmp(argv[2], "killed") == 0) {
		tcase_add_test(new_case(suite, "killed"), daemon_dies);
		return run_suite(suite);
	}
	add_plans(suite);
	add_buffers(suite);
	if (argc < 3 || strcmp(argv[2], "no-memory") != 0)
		add_memory(suite);
	add_changes(suite);
	result = run_suite(suite);
	kill(daemon_pid, SIGCONT); /* a test that failed may have left it stopped */
	return result;
}
