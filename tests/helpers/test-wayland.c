/* SPDX-License-Identifier: MIT */
/*
 * libdmabroker-wayland on the real libwayland and a real daemon. Stand-ins: the compositor
 * (standin-compositor.c, on the real libwayland-server), devices and memory of the daemon
 * (tests/bus/made-up-*.c: a buffer is a memfd). With real devices: tests/vm/cases/049-wayland.sh.
 */
#include "tests/bus/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <dmabroker-wayland.h>
#include <drm_fourcc.h>
#include <linux-dmabuf-unstable-v1-client-protocol.h>
#include <wayland-client.h>

#define TILED UINT64_C(0x0100000000000001)
#define WAIT_MS 20000

static struct dmabroker *broker;
static struct wl_display *display;
static struct wl_compositor *compositor;
static struct zwp_linux_dmabuf_v1 *dmabuf;
static struct dmabroker_wayland *helper;
static pid_t server;
static char record_path[128];

/* ---- fixtures ---- */

static void on_global(void *data, struct wl_registry *registry, uint32_t name,
		      const char *interface, uint32_t version)
{
	uint32_t wanted = *(uint32_t *)data;

	(void)version;
	if (strcmp(interface, wl_compositor_interface.name) == 0)
		compositor = wl_registry_bind(registry, name, &wl_compositor_interface, 4);
	if (strcmp(interface, zwp_linux_dmabuf_v1_interface.name) == 0)
		dmabuf = wl_registry_bind(registry, name, &zwp_linux_dmabuf_v1_interface, wanted);
}

static void on_global_gone(void *data, struct wl_registry *registry, uint32_t name)
{
	(void)data, (void)registry, (void)name;
}

static const struct wl_registry_listener registry_listener = {on_global, on_global_gone};

/* A compositor that plays a part, with linux-dmabuf of a version. */
static void join(const char *plays, uint32_t version)
{
	char program[512], number[16];
	const char *argv[] = {program,	   "--plays", plays,  "--record",
			      record_path, "--fd",    number, NULL};
	struct wl_registry *registry;
	int fds[2];

	snprintf(program, sizeof(program), "%s/tests/helpers/standin-compositor", getenv("BUILD"));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	fcntl(fds[1], F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", fds[1]);
	server = harness_spawn(argv, "compositor.log");
	close(fds[1]);
	display = wl_display_connect_to_fd(fds[0]);
	ck_assert_ptr_nonnull(display);
	registry = wl_display_get_registry(display);
	wl_registry_add_listener(registry, &registry_listener, &version);
	ck_assert_int_ge(wl_display_roundtrip(display), 0);
	wl_registry_destroy(registry);
	ck_assert_ptr_nonnull(compositor);
	ck_assert_ptr_nonnull(dmabuf);
}

/* And its feedback. */
static void meet(const char *plays)
{
	join(plays, 4);
	ck_assert_int_eq(dmabroker_wayland_create(dmabuf, NULL, &helper), 0);
	ck_assert_uint_eq(dmabroker_wayland_get_feedback_count(helper), 0);
	ck_assert_int_ge(wl_display_roundtrip(display), 0);
}

static void setup(void)
{
	harness_start_made_up("dmabrokerd-made-up-heaps");
	snprintf(record_path, sizeof(record_path), "%s/record", harness.dir);
	ck_assert_int_eq(dmabroker_connect(harness.socket_address, &broker), 0);
}

static void teardown(void)
{
	dmabroker_wayland_destroy(helper);
	if (display) {
		zwp_linux_dmabuf_v1_destroy(dmabuf);
		wl_compositor_destroy(compositor);
		wl_display_disconnect(display);
		ck_assert_int_eq(harness_wait(server, WAIT_MS), 0);
	}
	dmabroker_disconnect(broker);
	harness_stop();
}

/* What the compositor has got. */
static const char *recorded(void)
{
	static char text[8192];
	FILE *file = fopen(record_path, "re");
	size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[len] = '\0';
	if (file)
		fclose(file);
	return text;
}

__attribute__((format(printf, 1, 2))) static void expect_line(const char *format, ...)
{
	char line[160];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	ck_assert_msg(strstr(recorded(), line) != NULL, "no '%s' in: %s", line, recorded());
}

/* ---- constraints ---- */

static struct dmabroker_record *new_request(void)
{
	struct dmabroker_record *request;

	ck_assert_int_eq(dmabroker_request_create(&request), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "width", 640), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "height", 480), 0);
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

static void check_text(const char *says)
{
	ck_assert_msg(strstr(dmabroker_wayland_get_error_text(helper), says), "%s",
		      dmabroker_wayland_get_error_text(helper));
}

static void check_format(const struct dmabroker_record *participant, size_t index, uint32_t format,
			 uint64_t modifier)
{
	uint32_t found = 0;
	uint64_t found_modifier = 77;

	ck_assert_int_eq(
		dmabroker_record_get_format(participant, "formats", index, &found, &found_modifier),
		0);
	ck_assert_uint_eq(found, format);
	ck_assert_uint_eq(found_modifier, modifier);
}

static void check_stride_align(const struct dmabroker_record *participant, uint64_t wanted)
{
	uint64_t align = 0;

	ck_assert_int_eq(dmabroker_record_get_uint(participant, "stride-align", &align), 0);
	ck_assert_uint_eq(align, wanted);
}

START_TEST(render_gets_all_formats_scanout_first)
{
	struct dmabroker_record *request = new_request();
	struct dmabroker_record *participant = add(request, "c", "render", "gpu");

	meet("good");
	ck_assert_uint_eq(dmabroker_wayland_get_feedback_count(helper), 1);
	ck_assert_int_eq(dmabroker_wayland_declare(helper, participant), 0);
	ck_assert_uint_eq(dmabroker_record_get_len(participant, "formats"), 4);
	check_format(participant, 0, DRM_FORMAT_XRGB8888, 0);
	check_format(participant, 1, DRM_FORMAT_ARGB8888, 0);
	check_format(participant, 2, DRM_FORMAT_XRGB8888, TILED);
	check_format(participant, 3, DRM_FORMAT_NV12, 0); /* implicit */
	check_stride_align(participant, 256);
	ck_assert_str_eq(dmabroker_record_get_string(participant, "device"), "gpu");
	expect_line("feedback\n");
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(scanout_gets_its_tranche)
{
	struct dmabroker_record *request = new_request();
	struct dmabroker_record *participant = add(request, "s", "scanout", "vkms");

	meet("good");
	ck_assert_int_eq(dmabroker_record_set_uint(participant, "stride-align", 64), 0);
	ck_assert_int_eq(dmabroker_wayland_declare(helper, participant), 0);
	ck_assert_uint_eq(dmabroker_record_get_len(participant, "formats"), 2);
	check_format(participant, 0, DRM_FORMAT_XRGB8888, 0);
	check_format(participant, 1, DRM_FORMAT_ARGB8888, 0);
	check_stride_align(participant, 64);
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(feedback_may_be_a_surfaces)
{
	struct wl_surface *surface;

	join("good", 4);
	surface = wl_compositor_create_surface(compositor);
	ck_assert_int_eq(dmabroker_wayland_create(dmabuf, surface, &helper), 0);
	ck_assert_int_ge(wl_display_roundtrip(display), 0);
	ck_assert_uint_eq(dmabroker_wayland_get_feedback_count(helper), 1);
	expect_line("feedback for a surface\n");
	wl_surface_destroy(surface);
}
END_TEST

static const struct {
	const char *plays, *role, *device;
	int result;
	const char *says;
} undeclared[] = {
	{"mute", "render", "gpu", -EAGAIN, "not sent its feedback yet"},
	{"plain", "scanout", "vkms", -ENOENT, "none of its tranches is for scanout"},
	{"good", "render", NULL, -ENODEV, "no DRM device here"},
	{"good", "scanout", NULL, -ENODEV, "no DRM device here"},
	{"good", "writeback", "vkms", -EINVAL, "role is writeback"},
	{"good", NULL, "gpu", -EINVAL, "role is not said"},
	/* malformed */
	{"odd-table", "render", "gpu", -EPROTO, "79 bytes: no multiple of 16"},
	{"empty-table", "render", "gpu", -EPROTO, "0 bytes"},
	{"short-table", "render", "gpu", -EPROTO, "shorter than the 96 bytes"},
	{"huge-table", "render", "gpu", -EPROTO, "shorter than the 4294967280 bytes"},
	{"cut-short", "render", "gpu", -EPROTO, "shorter than the 80 bytes"},
	{"pipe-table", "render", "gpu", -EPROTO, "no file"},
	{"no-table", "render", "gpu", -EPROTO, "names format 1 of a table that has 0"},
	{"beyond", "render", "gpu", -EPROTO, "names format 5 of a table that has 5"},
	{"odd-indices", "render", "gpu", -EPROTO, "5 bytes: no multiple of 2"},
	{"short-device", "render", "gpu", -EPROTO, "with 4 bytes instead of 8"},
	{"no-main", "render", "gpu", -EPROTO, "no main device"},
	{"no-target", "render", "gpu", -EPROTO, "without a target device"},
	{"no-formats", "render", "gpu", -EPROTO, "names no format"},
	{"no-tranches", "render", "gpu", -EPROTO, "names no format"},
	{"amid", "render", "gpu", -EPROTO, "amid a tranche"},
	{"tranches", "render", "gpu", -EPROTO, "more than 64 tranches"},
	{"too-many", "render", "gpu", -EPROTO, "more than 65536 formats"},
	{"worse", "render", "gpu", -EPROTO, "names format 5"},
};

START_TEST(bad_feedback_is_refused)
{
	struct dmabroker_record *request = new_request();
	struct dmabroker_record *participant =
		add(request, "c", undeclared[_i].role, undeclared[_i].device);
	size_t fds = harness_count_fds(getpid());

	meet(undeclared[_i].plays);
	ck_assert_int_eq(dmabroker_wayland_declare(helper, participant), undeclared[_i].result);
	check_text(undeclared[_i].says);
	ck_assert_uint_eq(dmabroker_record_get_len(participant, "formats"), 0);
	ck_assert_ptr_null(dmabroker_record_get_origin(participant, "stride-align"));
	/* but for the socket, nothing stays open */
	ck_assert_uint_eq(harness_count_fds(getpid()), fds + 1);
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(later_feedback_counts)
{
	struct dmabroker_record *request = new_request();

	meet("better");
	ck_assert_uint_eq(dmabroker_wayland_get_feedback_count(helper), 2);
	ck_assert_int_eq(dmabroker_wayland_declare(helper, add(request, "c", "render", "gpu")), 0);
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(declaring_needs_an_empty_participant)
{
	struct dmabroker_record *request = new_request();
	struct dmabroker_record *participant = add(request, "c", "render", "gpu");

	meet("good");
	ck_assert_int_eq(dmabroker_wayland_declare(helper, request), -EINVAL);
	check_text("no participant");
	ck_assert_int_eq(dmabroker_wayland_declare(helper, participant), 0);
	ck_assert_int_eq(dmabroker_wayland_declare(helper, participant), -EEXIST);
	ck_assert_uint_eq(dmabroker_record_get_len(participant, "formats"), 4);
	dmabroker_record_destroy(request);
}
END_TEST

/* The compositor has 1500 formats; the linear ones are the last. */
START_TEST(linear_formats_have_room)
{
	struct dmabroker_record *request = new_request();
	struct dmabroker_record *participant = add(request, "c", "render", "gpu");

	meet("many");
	ck_assert_int_eq(dmabroker_wayland_declare(helper, participant), 1500 - 1024);
	ck_assert_uint_eq(dmabroker_record_get_len(participant, "formats"), 1024);
	check_format(participant, 0, DRM_FORMAT_XRGB8888, TILED);
	check_format(participant, 923, DRM_FORMAT_XRGB8888 + 923, TILED);
	check_format(participant, 924, DRM_FORMAT_XRGB8888 + 1400, 0);
	check_format(participant, 1023, DRM_FORMAT_XRGB8888 + 1499, 0);
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(old_version_has_no_feedback)
{
	join("good", 3);
	ck_assert_int_eq(dmabroker_wayland_create(dmabuf, NULL, &helper), -EOPNOTSUPP);
	ck_assert_ptr_null(helper);
}
END_TEST

/* ---- buffers ---- */

static struct dmabroker_collection *allocate_visible(uint32_t format, uint32_t x,
						     uint32_t visible_height)
{
	struct dmabroker_record *participant, *request = new_request();
	struct dmabroker_collection *collection = NULL;
	int result;

	participant = add(request, "c", "render", "gpu");
	ck_assert_int_eq(dmabroker_record_add_format(request, "formats", format, 0), 0);
	if (dmabroker_wayland_get_feedback_count(helper) && format != DRM_FORMAT_RGB565)
		ck_assert_int_eq(dmabroker_wayland_declare(helper, participant), 0);
	else
		ck_assert_int_eq(dmabroker_record_add_format(participant, "formats", format, 0), 0);
	add(request, "cpu", "cpu", NULL);
	if (x)
		ck_assert_int_eq(dmabroker_record_set_uint(request, "visible-x", x), 0);
	if (visible_height)
		ck_assert_int_eq(
			dmabroker_record_set_uint(request, "visible-height", visible_height), 0);
	result = dmabroker_allocate(broker, request, &collection);
	ck_assert_msg(result == 0, "%s", dmabroker_get_error_text(broker));
	dmabroker_record_destroy(request);
	return collection;
}

static struct dmabroker_collection *allocate(uint32_t format)
{
	return allocate_visible(format, 0, 0);
}

struct answer {
	unsigned int times;
	struct wl_buffer *buffer;
};

static void on_created(void *data, struct wl_buffer *buffer)
{
	struct answer *answer = data;

	answer->times++;
	answer->buffer = buffer;
}

/* Asks, and waits for the answer. */
static struct wl_buffer *create(const struct dmabroker_buffer *buffer)
{
	struct answer answer = {.times = 0};

	ck_assert_msg(dmabroker_wayland_create_buffer(helper, buffer, "c", on_created, &answer) ==
			      0,
		      "%s", dmabroker_wayland_get_error_text(helper));
	ck_assert_uint_eq(answer.times, 0);
	ck_assert_int_ge(wl_display_roundtrip(display), 0);
	ck_assert_uint_eq(answer.times, 1);
	return answer.buffer;
}

START_TEST(compositor_gets_the_buffer_itself)
{
	struct dmabroker_collection *collection;
	struct dmabroker_buffer *buffer;
	struct wl_buffer *created;
	size_t fds;

	meet("good");
	collection = allocate(DRM_FORMAT_XRGB8888);
	buffer = dmabroker_collection_get_buffer(collection, 0);
	fds = harness_count_fds(getpid());
	created = create(buffer);
	ck_assert_ptr_nonnull(created);
	ck_assert_uint_eq(harness_count_fds(getpid()), fds);
	expect_line("plane 0 0+2560 modifier 0x0 inode %llu\ncreate 640x480 XR24 flags 0\n",
		    (unsigned long long)dmabroker_buffer_get_inode(buffer, 0));
	wl_buffer_destroy(created);
	dmabroker_collection_release(collection);
}
END_TEST

/* The compositor has NV12 with an implicit modifier only, and is told that one. */
START_TEST(planes_and_implicit_modifier_are_told)
{
	struct dmabroker_collection *collection;
	struct dmabroker_buffer *buffer;
	struct wl_buffer *created;
	unsigned long long inode;

	meet("good");
	collection = allocate(DRM_FORMAT_NV12);
	buffer = dmabroker_collection_get_buffer(collection, 0);
	created = create(buffer);
	ck_assert_ptr_nonnull(created);
	inode = dmabroker_buffer_get_inode(buffer, 0);
	expect_line("plane 0 0+768 modifier 0xffffffffffffff inode %llu\n"
		    "plane 1 %u+768 modifier 0xffffffffffffff inode %llu\n"
		    "create 640x480 NV12 flags 0\n",
		    inode, 768 * 480, inode);
	wl_buffer_destroy(created);
	dmabroker_collection_release(collection);
}
END_TEST

static const struct {
	uint32_t x, height;
	const char *size;
} visible_rows[] = {{0, 470, "640x470"}, {2, 470, "640x480"}, {0, 0, "640x480"}};

START_TEST(visible_rectangle_is_shown)
{
	struct dmabroker_collection *collection;
	struct wl_buffer *created;

	meet("good");
	collection =
		allocate_visible(DRM_FORMAT_XRGB8888, visible_rows[_i].x, visible_rows[_i].height);
	created = create(dmabroker_collection_get_buffer(collection, 0));
	expect_line("create %s XR24", visible_rows[_i].size);
	wl_buffer_destroy(created);
	dmabroker_collection_release(collection);
}
END_TEST

START_TEST(creation_without_an_answer)
{
	struct dmabroker_collection *collection;
	struct wl_buffer *created = NULL;

	meet("good");
	collection = allocate(DRM_FORMAT_XRGB8888);
	ck_assert_int_eq(
		dmabroker_wayland_create_buffer_now(
			helper, dmabroker_collection_get_buffer(collection, 0), "c", &created),
		0);
	ck_assert_ptr_nonnull(created);
	ck_assert_int_ge(wl_display_roundtrip(display), 0);
	expect_line("create_immed 640x480 XR24 flags 0\n");
	wl_buffer_destroy(created);
	dmabroker_collection_release(collection);
}
END_TEST

START_TEST(compositor_may_refuse)
{
	struct dmabroker_collection *collection;
	struct dmabroker_buffer *buffer;
	struct wl_buffer *created;

	meet("choosy");
	collection = allocate(DRM_FORMAT_XRGB8888);
	buffer = dmabroker_collection_get_buffer(collection, 0);
	ck_assert_ptr_null(create(buffer));
	ck_assert_int_eq(dmabroker_wayland_create_buffer_now(helper, buffer, "c", &created), 0);
	ck_assert_int_lt(wl_display_roundtrip(display), 0); /* for good */
	ck_assert_int_eq(wl_display_get_error(display), EPROTO);
	wl_buffer_destroy(created);
	dmabroker_collection_release(collection);
}
END_TEST

static const struct {
	const char *plays;
	uint32_t format;
	const char *participant;
	int result;
	const char *says;
} uncreated[] = {
	{"mute", DRM_FORMAT_XRGB8888, "c", -EAGAIN, "not sent its feedback yet"},
	{"good", DRM_FORMAT_RGB565, "c", -EOPNOTSUPP, "does not take RG16 with modifier 0x0"},
	{"good", DRM_FORMAT_XRGB8888, "nobody", -ENOENT, "no participant called nobody"},
	{"good", DRM_FORMAT_XRGB8888, "cpu", -EINVAL, "cpu is no DRM device"},
};

START_TEST(what_makes_no_wl_buffer_is_refused)
{
	struct dmabroker_collection *collection;
	struct answer answer = {.times = 0};
	struct dmabroker_buffer *buffer;
	struct wl_buffer *created = NULL;

	meet(uncreated[_i].plays);
	collection = allocate(uncreated[_i].format);
	buffer = dmabroker_collection_get_buffer(collection, 0);
	ck_assert_int_eq(dmabroker_wayland_create_buffer(helper, buffer, uncreated[_i].participant,
							 on_created, &answer),
			 uncreated[_i].result);
	check_text(uncreated[_i].says);
	ck_assert_int_eq(dmabroker_wayland_create_buffer_now(helper, buffer,
							     uncreated[_i].participant, &created),
			 uncreated[_i].result);
	ck_assert_ptr_null(created);
	ck_assert_int_ge(wl_display_roundtrip(display), 0);
	ck_assert_uint_eq(answer.times, 0);
	ck_assert_ptr_null(strstr(recorded(), "create"));
	dmabroker_collection_release(collection);
}
END_TEST

START_TEST(nobody_is_called_after_the_end)
{
	struct dmabroker_collection *collection;
	struct answer answer[2] = {{.times = 0}};

	meet("good");
	collection = allocate(DRM_FORMAT_XRGB8888);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(dmabroker_wayland_create_buffer(
					 helper, dmabroker_collection_get_buffer(collection, 0),
					 "c", on_created, &answer[i]),
				 0);
	dmabroker_wayland_destroy(helper);
	helper = NULL;
	ck_assert_int_ge(wl_display_roundtrip(display), 0);
	ck_assert_uint_eq(answer[0].times + answer[1].times, 0);
	expect_line("create 640x480 XR24");
	dmabroker_collection_release(collection);
}
END_TEST

/* ---- the example ---- */

START_TEST(example_runs)
{
	char program[512], example[512];
	const char *argv[] = {program,	  "--record", record_path, example, "--device", "gpu",
			      "--screen", "vkms",     "--frames",  "7",	    NULL};

	snprintf(program, sizeof(program), "%s/tests/helpers/standin-compositor", getenv("BUILD"));
	snprintf(example, sizeof(example), "%s/examples/wayland-buffer", getenv("BUILD"));
	setenv("DMABROKER_ADDRESS", harness.socket_address, 1);
	ck_assert_int_eq(harness_wait(harness_spawn(argv, "example.log"), WAIT_MS), 0);
	expect_line("create 640x480 XR24 flags 0\n");
	for (unsigned int frame = 1; frame <= 7; frame++)
		expect_line("pixel 0x%02x%02x%02x%02x\n", frame, frame, frame, frame);
	ck_assert_ptr_null(strstr(recorded(), "0x08"));
}
END_TEST

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

int main(void)
{
	Suite *suite = suite_create("wayland");
	TCase *tests = tcase_create("wayland");

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, render_gets_all_formats_scanout_first);
	tcase_add_test(tests, scanout_gets_its_tranche);
	tcase_add_test(tests, feedback_may_be_a_surfaces);
	tcase_add_loop_test(tests, bad_feedback_is_refused, 0, ROWS(undeclared));
	tcase_add_test(tests, later_feedback_counts);
	tcase_add_test(tests, declaring_needs_an_empty_participant);
	tcase_add_test(tests, linear_formats_have_room);
	tcase_add_test(tests, old_version_has_no_feedback);
	tcase_add_test(tests, compositor_gets_the_buffer_itself);
	tcase_add_test(tests, planes_and_implicit_modifier_are_told);
	tcase_add_loop_test(tests, visible_rectangle_is_shown, 0, ROWS(visible_rows));
	tcase_add_test(tests, creation_without_an_answer);
	tcase_add_test(tests, compositor_may_refuse);
	tcase_add_loop_test(tests, what_makes_no_wl_buffer_is_refused, 0, ROWS(uncreated));
	tcase_add_test(tests, nobody_is_called_after_the_end);
	tcase_add_test(tests, example_runs);
	suite_add_tcase(suite, tests);
	return harness_main(suite);
}
