/* SPDX-License-Identifier: MIT */
/*
 * libdmabroker-va on the real libva and a real daemon. Stand-ins: the VA driver
 * (standin-va-driver.c), its render node (standin-node.c), devices and memory of the daemon
 * (tests/bus/made-up-*.c: a buffer is a memfd). On a real render node: tests/vm/cases/048-va.sh.
 */
#include "tests/bus/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dmabroker-va.h>
#include <va/va_drm.h>

#define CODE(a, b, c, d) \
	((uint32_t)(a) | ((uint32_t)(b) << 8) | ((uint32_t)(c) << 16) | ((uint32_t)(d) << 24))
#define XR24 CODE('X', 'R', '2', '4')
#define RG24 CODE('R', 'G', '2', '4')
#define NV12 CODE('N', 'V', '1', '2')
#define YU12 CODE('Y', 'U', '1', '2')
#define WAIT_MS 20000

static struct dmabroker *broker;
static struct dmabroker_va *va;
static VADisplay display;
static int node;
static char record_path[128];

/* ---- fixtures ---- */

static void quiet(void *data, const char *message)
{
	(void)data, (void)message;
}

static void start_va(void)
{
	int major, minor;

	setenv("LIBVA_DRIVER_NAME", "standin", 1);
	unsetenv("STANDIN_VA_PLAYS");
	node = open("/dev/null", O_RDWR | O_CLOEXEC);
	display = vaGetDisplayDRM(node);
	ck_assert_ptr_nonnull(display);
	vaSetInfoCallback(display, quiet, NULL);
	vaSetErrorCallback(display, quiet, NULL);
	ck_assert_int_eq(vaInitialize(display, &major, &minor), VA_STATUS_SUCCESS);
	ck_assert_ptr_nonnull(strstr(vaQueryVendorString(display), "stand-in"));
	ck_assert_int_eq(dmabroker_va_create(display, &va), 0);
}

static void stop_va(void)
{
	dmabroker_va_destroy(va);
	vaTerminate(display);
	close(node);
}

static void setup(void)
{
	harness_start_made_up("dmabrokerd-made-up-heaps");
	snprintf(record_path, sizeof(record_path), "%s/surfaces", harness.dir);
	setenv("STANDIN_VA_RECORD", record_path, 1);
	ck_assert_int_eq(dmabroker_connect(harness.socket_address, &broker), 0);
	start_va();
}

static void teardown(void)
{
	stop_va();
	dmabroker_disconnect(broker);
	harness_stop();
}

static VAConfigID create_config(void)
{
	VAConfigID config;

	ck_assert_int_eq(
		vaCreateConfig(display, VAProfileNone, VAEntrypointVideoProc, NULL, 0, &config),
		VA_STATUS_SUCCESS);
	return config;
}

/* ---- what a driver takes ---- */

static struct dmabroker_record *new_request(const char *role,
					    struct dmabroker_record **ret_participant)
{
	struct dmabroker_record *request;

	ck_assert_int_eq(dmabroker_request_create(&request), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "width", 640), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "height", 480), 0);
	ck_assert_int_eq(dmabroker_request_add_participant(request, "va", role, ret_participant),
			 0);
	return request;
}

static void check_number(const struct dmabroker_record *record, const char *key, uint64_t wanted)
{
	uint64_t value = 0;

	ck_assert_int_eq(dmabroker_record_get_uint(record, key, &value), 0);
	ck_assert_msg(value == wanted, "%s is %llu instead of %llu", key, (unsigned long long)value,
		      (unsigned long long)wanted);
}

static void check_format(const struct dmabroker_record *participant, size_t index, uint32_t wanted)
{
	uint32_t fourcc = 0;
	uint64_t modifier = 1;

	ck_assert_int_eq(
		dmabroker_record_get_format(participant, "formats", index, &fourcc, &modifier), 0);
	ck_assert_uint_eq(fourcc, wanted);
	ck_assert_uint_eq(modifier, 0);
}

static void check_absent(const struct dmabroker_record *record, const char *key)
{
	uint64_t value;

	ck_assert_msg(dmabroker_record_get_uint(record, key, &value) == -ENOENT, "there is %s",
		      key);
}

START_TEST(driver_says_formats_and_sizes)
{
	struct dmabroker_record *participant, *request = new_request("render", &participant);

	ck_assert_int_eq(dmabroker_va_declare(va, create_config(), participant), 0);
	ck_assert_uint_eq(dmabroker_record_get_len(participant, "formats"), 3);
	check_format(participant, 0, NV12);
	check_format(participant, 1, XR24);
	check_format(participant, 2, YU12);
	check_number(participant, "width-min", 16);
	check_number(participant, "width-max", 4096);
	check_number(participant, "height-min", 8);
	check_absent(participant, "height-max"); /* more than any picture has */
	check_number(participant, "stride-align", 256);
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(own_stride_rule_stays)
{
	struct dmabroker_record *participant, *request = new_request(NULL, &participant);

	ck_assert_int_eq(dmabroker_record_set_uint(participant, "stride-align", 64), 0);
	ck_assert_int_eq(dmabroker_va_declare(va, create_config(), participant), 0);
	check_number(participant, "stride-align", 64);
	dmabroker_record_destroy(request);
}
END_TEST

static const struct {
	const char *plays, *role; /* of the driver; of the participant */
	int result;
	const char *says;
} bad_drivers[] = {
	{"no-dmabuf", "render", -EOPNOTSUPP, "DRM_PRIME_2"},
	{"odd", "render", -EOPNOTSUPP, "no pixel format that DRM has a name for"},
	{"mute", "render", -EIO, "vaQuerySurfaceAttributes"},
	{"good", "scanout", -EINVAL, "whose role is render"},
	{"good", "cpu", -EINVAL, "whose role is render"},
};

START_TEST(bad_driver_is_refused)
{
	struct dmabroker_record *participant;
	struct dmabroker_record *request = new_request(bad_drivers[_i].role, &participant);
	VAConfigID config = create_config();

	setenv("STANDIN_VA_PLAYS", bad_drivers[_i].plays, 1);
	ck_assert_int_eq(dmabroker_va_declare(va, config, participant), bad_drivers[_i].result);
	ck_assert_msg(strstr(dmabroker_va_get_error_text(va), bad_drivers[_i].says), "%s",
		      dmabroker_va_get_error_text(va));
	ck_assert_uint_eq(dmabroker_record_get_len(participant, "formats"), 0);
	check_absent(participant, "width-min");
	check_absent(participant, "stride-align");
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(declaring_needs_participant_and_display)
{
	struct dmabroker_record *participant, *request = new_request("render", &participant);
	VAConfigID config = create_config();
	struct dmabroker_va *blind;

	ck_assert_int_eq(dmabroker_va_declare(va, config, request), -EINVAL);
	ck_assert_ptr_nonnull(strstr(dmabroker_va_get_error_text(va), "no participant"));
	ck_assert_int_eq(dmabroker_va_create(NULL, &blind), 0);
	ck_assert_int_eq(dmabroker_va_declare(blind, config, participant), -EINVAL);
	ck_assert_ptr_nonnull(strstr(dmabroker_va_get_error_text(blind), "no VA display"));
	dmabroker_va_destroy(blind);
	ck_assert_int_eq(dmabroker_va_declare(va, config, participant), 0);
	ck_assert_int_eq(dmabroker_va_declare(va, config, participant), -EEXIST);
	ck_assert_uint_eq(dmabroker_record_get_len(participant, "formats"), 3);
	dmabroker_record_destroy(request);
}
END_TEST

/* ---- buffers ---- */

/* The GPU and the CPU, in one format; 0: what the driver says. */
static struct dmabroker_collection *allocate(uint32_t format)
{
	struct dmabroker_record *participant, *cpu, *request = new_request("render", &participant);
	struct dmabroker_collection *collection = NULL;
	int result;

	ck_assert_int_eq(dmabroker_record_set_string(participant, "device", "gpu"), 0);
	if (format)
		ck_assert_int_eq(dmabroker_record_add_format(participant, "formats", format, 0), 0);
	else
		ck_assert_int_eq(dmabroker_va_declare(va, create_config(), participant), 0);
	ck_assert_int_eq(dmabroker_request_add_participant(request, "cpu", "cpu", &cpu), 0);
	result = dmabroker_allocate(broker, request, &collection);
	ck_assert_msg(result == 0, "%s", dmabroker_get_error_text(broker));
	dmabroker_record_destroy(request);
	return collection;
}

static const struct dmabroker_record *view_of(const struct dmabroker_buffer *buffer)
{
	const struct dmabroker_record *view;

	for (size_t i = 0;; i++) {
		ck_assert_int_eq(dmabroker_record_get_record(dmabroker_buffer_get_plan(buffer),
							     "participants", i, &view),
				 0);
		if (strcmp(dmabroker_record_get_string(view, "name"), "va") == 0)
			return view;
	}
}

static uint64_t number_of(const struct dmabroker_record *record, const char *key)
{
	uint64_t value = 0;

	ck_assert_int_eq(dmabroker_record_get_uint(record, key, &value), 0);
	return value;
}

/* Plane `i` of the plan is plane `plane` of a layer. */
static void check_plane(const struct dmabroker_buffer *buffer,
			const VADRMPRIMESurfaceDescriptor *descriptor, size_t i, unsigned int layer,
			unsigned int plane)
{
	const struct dmabroker_record *record;

	ck_assert_int_eq(dmabroker_record_get_record(view_of(buffer), "drm-planes", i, &record), 0);
	ck_assert_uint_eq(descriptor->layers[layer].object_index[plane], 0);
	ck_assert_uint_eq(descriptor->layers[layer].offset[plane], number_of(record, "offset"));
	ck_assert_uint_eq(descriptor->layers[layer].pitch[plane], number_of(record, "stride"));
}

static void check_head(const struct dmabroker_buffer *buffer,
		       const VADRMPRIMESurfaceDescriptor *descriptor, uint32_t fourcc)
{
	struct stat status;

	ck_assert_uint_eq(descriptor->fourcc, fourcc);
	ck_assert_uint_eq(descriptor->width, 640);
	ck_assert_uint_eq(descriptor->height, 480);
	ck_assert_uint_eq(descriptor->num_objects, 1);
	ck_assert_int_eq(descriptor->objects[0].fd, dmabroker_buffer_get_fd(buffer, 0));
	ck_assert_int_eq(fstat(descriptor->objects[0].fd, &status), 0);
	ck_assert_uint_eq(status.st_ino, dmabroker_buffer_get_inode(buffer, 0));
	ck_assert_uint_eq(descriptor->objects[0].size,
			  number_of(view_of(buffer), "va-object-bytes"));
	ck_assert_uint_eq(descriptor->objects[0].size, dmabroker_buffer_get_bytes(buffer, 0));
	ck_assert_uint_eq(descriptor->objects[0].drm_format_modifier, 0);
}

static const struct {
	uint32_t format, fourcc;
	size_t planes;
	uint32_t separate[4]; /* names of the layers */
} described[] = {
	{NV12, VA_FOURCC_NV12, 2, {CODE('R', '8', ' ', ' '), CODE('G', 'R', '8', '8')}},
	{YU12,
	 VA_FOURCC_I420,
	 3,
	 {CODE('R', '8', ' ', ' '), CODE('R', '8', ' ', ' '), CODE('R', '8', ' ', ' ')}},
	{XR24, VA_FOURCC_BGRX, 1, {XR24}},
};

START_TEST(one_layer_has_all_planes)
{
	struct dmabroker_collection *collection = allocate(described[_i].format);
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	VADRMPRIMESurfaceDescriptor descriptor;

	ck_assert_int_eq(
		dmabroker_va_describe(va, buffer, "va", DMABROKER_VA_LAYERS_COMPOSED, &descriptor),
		0);
	check_head(buffer, &descriptor, described[_i].fourcc);
	ck_assert_uint_eq(descriptor.num_layers, 1);
	ck_assert_uint_eq(descriptor.layers[0].drm_format, described[_i].format);
	ck_assert_uint_eq(descriptor.layers[0].num_planes, described[_i].planes);
	for (unsigned int i = 0; i < described[_i].planes; i++)
		check_plane(buffer, &descriptor, i, 0, i);
	dmabroker_collection_release(collection);
}
END_TEST

START_TEST(separate_layers_have_one_plane_each)
{
	struct dmabroker_collection *collection = allocate(described[_i].format);
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	VADRMPRIMESurfaceDescriptor descriptor;

	ck_assert_int_eq(
		dmabroker_va_describe(va, buffer, "va", DMABROKER_VA_LAYERS_SEPARATE, &descriptor),
		0);
	check_head(buffer, &descriptor, described[_i].fourcc);
	ck_assert_uint_eq(descriptor.num_layers, described[_i].planes);
	for (unsigned int i = 0; i < described[_i].planes; i++) {
		ck_assert_uint_eq(descriptor.layers[i].drm_format, described[_i].separate[i]);
		ck_assert_uint_eq(descriptor.layers[i].num_planes, 1);
		check_plane(buffer, &descriptor, i, i, 0);
	}
	dmabroker_collection_release(collection);
}
END_TEST

/* A layout with planes that the format by itself has not, as those with compression have: 4. */
static struct dmabroker_collection *allocate_compressed(void)
{
	struct dmabroker_record *participant, *layout, *plane;
	struct dmabroker_record *request = new_request("render", &participant);
	struct dmabroker_collection *collection = NULL;
	int result;

	ck_assert_int_eq(dmabroker_record_set_string(participant, "device", "gpu"), 0);
	ck_assert_int_eq(dmabroker_record_add_format(participant, "formats", NV12, 1), 0);
	ck_assert_int_eq(dmabroker_record_add_record(participant, "layouts", &layout), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(layout, "format", NV12), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(layout, "modifier", 1), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(layout, "bytes", 1048576), 0);
	for (unsigned int i = 0; i < 4; i++) {
		ck_assert_int_eq(dmabroker_record_add_record(layout, "planes", &plane), 0);
		ck_assert_int_eq(dmabroker_record_set_uint(plane, "offset", i * 262144), 0);
		ck_assert_int_eq(dmabroker_record_set_uint(plane, "stride", 1024), 0);
		ck_assert_int_eq(dmabroker_record_set_uint(plane, "bytes", 262144), 0);
	}
	result = dmabroker_allocate(broker, request, &collection);
	ck_assert_msg(result == 0, "%s", dmabroker_get_error_text(broker));
	dmabroker_record_destroy(request);
	return collection;
}

START_TEST(planes_of_a_modifier_have_no_names_of_their_own)
{
	struct dmabroker_collection *collection = allocate_compressed();
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	VADRMPRIMESurfaceDescriptor descriptor;

	ck_assert_int_eq(
		dmabroker_va_describe(va, buffer, "va", DMABROKER_VA_LAYERS_COMPOSED, &descriptor),
		0);
	ck_assert_uint_eq(descriptor.objects[0].drm_format_modifier, 1);
	ck_assert_uint_eq(descriptor.layers[0].num_planes, 4);
	ck_assert_uint_eq(descriptor.layers[0].offset[3], 3 * 262144);
	ck_assert_int_eq(
		dmabroker_va_describe(va, buffer, "va", DMABROKER_VA_LAYERS_SEPARATE, &descriptor),
		-EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(dmabroker_va_get_error_text(va), "composed layers"));
	ck_assert_uint_eq(descriptor.num_layers, 1);
	dmabroker_collection_release(collection);
}
END_TEST

static const struct {
	uint32_t format;
	const char *participant;
	int layers, result;
	const char *says;
} undescribed[] = {
	{NV12, "nobody", 0, -ENOENT, "no participant called nobody"},
	{NV12, "cpu", 0, -EINVAL, "cpu has the role cpu"},
	{NV12, "va", 7, -EINVAL, "composed or separate"},
	{RG24, "va", 0, -EOPNOTSUPP, "VA has no name for the format RG24"},
};

START_TEST(what_has_no_descriptor_is_refused)
{
	struct dmabroker_collection *collection = allocate(undescribed[_i].format);
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	VADRMPRIMESurfaceDescriptor descriptor, before;
	VASurfaceID surface = 77;

	memset(&descriptor, 0x55, sizeof(descriptor));
	before = descriptor;
	ck_assert_int_eq(dmabroker_va_describe(va, buffer, undescribed[_i].participant,
					       (enum dmabroker_va_layers)undescribed[_i].layers,
					       &descriptor),
			 undescribed[_i].result);
	ck_assert_msg(strstr(dmabroker_va_get_error_text(va), undescribed[_i].says), "%s",
		      dmabroker_va_get_error_text(va));
	ck_assert_mem_eq(&descriptor, &before, sizeof(before));
	ck_assert_int_eq(dmabroker_va_import(va, buffer, undescribed[_i].participant,
					     (enum dmabroker_va_layers)undescribed[_i].layers,
					     &surface),
			 undescribed[_i].result);
	ck_assert_uint_eq(surface, 77);
	dmabroker_collection_release(collection);
}
END_TEST

/* ---- surfaces ---- */

/* What the driver has recorded. */
static const char *recorded(void)
{
	static char text[4096];
	FILE *file = fopen(record_path, "re");
	size_t len;

	ck_assert_msg(file != NULL, "the driver has got no surface");
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

__attribute__((format(printf, 1, 2))) static void expect_line(const char *format, ...)
{
	char line[128];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	ck_assert_msg(strstr(recorded(), line) != NULL, "no '%s' in: %s", line, recorded());
}

START_TEST(driver_gets_the_buffer_itself)
{
	struct dmabroker_collection *collection = allocate(0);
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	VASurfaceID surface;
	int result = dmabroker_va_import(va, buffer, "va", _i, &surface);

	ck_assert_msg(result == 0, "%s", dmabroker_va_get_error_text(va));
	ck_assert_int_eq(vaSyncSurface(display, surface), VA_STATUS_SUCCESS);
	expect_line("surface NV12 640x480 prime no\n"); /* no node here */
	expect_line("object inode %llu size",
		    (unsigned long long)dmabroker_buffer_get_inode(buffer, 0));
	/* strides are a multiple of 256, as declared */
	if (_i)
		expect_line("layer R8   0:0+768\nlayer GR88 0:%d+768\n", 768 * 480);
	else
		expect_line("layer NV12 0:0+768 0:%d+768\n", 768 * 480);
	ck_assert_int_eq(vaDestroySurfaces(display, &surface, 1), VA_STATUS_SUCCESS);
	dmabroker_collection_release(collection);
}
END_TEST

START_TEST(fds_stay_the_buffers)
{
	size_t fds = harness_count_fds(getpid());
	struct dmabroker_collection *collection = allocate(NV12);
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	VASurfaceID surface;

	ck_assert_int_eq(dmabroker_va_import(va, buffer, "va", 0, &surface), 0);
	ck_assert_int_ge(fcntl(dmabroker_buffer_get_fd(buffer, 0), F_GETFD), 0);
	dmabroker_collection_release(collection);
	ck_assert_int_eq(vaSyncSurface(display, surface), VA_STATUS_SUCCESS);
	ck_assert_int_eq(vaDestroySurfaces(display, &surface, 1), VA_STATUS_SUCCESS);
	ck_assert_uint_eq(harness_count_fds(getpid()), fds);
}
END_TEST

static const struct {
	const char *plays;
	int result;
	const char *says;
} refusing[] = {
	{"choosy", -EINVAL, "vaCreateSurfaces refuses 640x480 of NV12, stride 640"},
	{"full", -ENOMEM, "resource allocation failed"},
};

START_TEST(driver_may_refuse)
{
	struct dmabroker_collection *collection = allocate(NV12);
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	VASurfaceID surface = 77;

	setenv("STANDIN_VA_PLAYS", refusing[_i].plays, 1);
	ck_assert_int_eq(dmabroker_va_import(va, buffer, "va", 0, &surface), refusing[_i].result);
	ck_assert_msg(strstr(dmabroker_va_get_error_text(va), refusing[_i].says), "%s",
		      dmabroker_va_get_error_text(va));
	ck_assert_uint_eq(surface, 77);
	unsetenv("STANDIN_VA_PLAYS");
	ck_assert_int_eq(dmabroker_va_import(va, buffer, "va", 0, &surface), 0);
	dmabroker_collection_release(collection);
}
END_TEST

/* ---- the example ---- */

START_TEST(example_runs)
{
	char program[512];
	const char *argv[] = {program, "--node", "/dev/null", "--device",
			      "gpu",   "--size", "320x240",   NULL};

	snprintf(program, sizeof(program), "%s/tests/helpers/va-surface-standin", getenv("BUILD"));
	setenv("DMABROKER_ADDRESS", harness.socket_address, 1);
	ck_assert_int_eq(harness_wait(harness_spawn(argv, "example.log"), WAIT_MS), 0);
	expect_line("surface NV12 320x240 prime no\n");
	expect_line("layer NV12 0:0+512 0:%d+512\n", 512 * 240);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("va");
	TCase *tests = tcase_create("va");
	char path[512];

	snprintf(path, sizeof(path), "%s/tests/helpers", getenv("BUILD"));
	setenv("LIBVA_DRIVERS_PATH", path, 1);
	setenv("LIBVA_MESSAGING_LEVEL", "0", 1);
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, driver_says_formats_and_sizes);
	tcase_add_test(tests, own_stride_rule_stays);
	tcase_add_loop_test(tests, bad_driver_is_refused, 0,
			    sizeof(bad_drivers) / sizeof(bad_drivers[0]));
	tcase_add_test(tests, declaring_needs_participant_and_display);
	tcase_add_loop_test(tests, one_layer_has_all_planes, 0, 3);
	tcase_add_loop_test(tests, separate_layers_have_one_plane_each, 0, 3);
	tcase_add_test(tests, planes_of_a_modifier_have_no_names_of_their_own);
	tcase_add_loop_test(tests, what_has_no_descriptor_is_refused, 0,
			    sizeof(undescribed) / sizeof(undescribed[0]));
	tcase_add_loop_test(tests, driver_gets_the_buffer_itself, 0, 2);
	tcase_add_test(tests, fds_stay_the_buffers);
	tcase_add_loop_test(tests, driver_may_refuse, 0, 2);
	tcase_add_test(tests, example_runs);
	suite_add_tcase(suite, tests);
	return harness_main(suite);
}
