/* SPDX-License-Identifier: MIT */
/*
 * The library's helpers on real drivers: what they leave behind there, and what drivers refuse.
 *
 * usage: test-helpers
 *
 * Environment: DMABROKER_ADDRESS
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xf86drm.h>

#include <dmabroker-kms.h>
#include <dmabroker-v4l2.h>

#include "tests/unit/check.h"
#include "tests/vm/library.h"

#define BUFINFO "/sys/kernel/debug/dma_buf/bufinfo"
#define OUTPUT "v4l2:platform/vivid.0:vivid-000-vid-out:1"

static struct dmabroker *broker;

static int open_device(const char *id)
{
	char node[64];
	int fd;

	library_node(broker, id, node, sizeof(node));
	fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	ck_assert_msg(fd >= 0, "%s: %s", node, strerror(errno));
	return fd;
}

/* How many buffers the device is attached to, as the kernel says. */
static size_t count_attached(const char *device)
{
	char line[64];

	snprintf(line, sizeof(line), "\t%s\n", device);
	return library_count_lines(BUFINFO, line);
}

static void must(int result)
{
	ck_assert_msg(result == 0, "%d: %s", result, dmabroker_get_error_text(broker));
}

static void says(const char *words)
{
	const char *text = dmabroker_get_error_text(broker);

	ck_assert_msg(strstr(text, words), "\"%s\" is not in: %s", words, text);
}

/* Nobody but the CPU has any buffer: it may write them all. */
static void expect_free(struct dmabroker_collection *collection)
{
	for (size_t i = 0; i < dmabroker_collection_get_count(collection); i++) {
		struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, i);

		must(dmabroker_buffer_begin_access(buffer, "cpu", DMABROKER_ACCESS_WRITE));
		must(dmabroker_buffer_end_access(buffer, "cpu"));
	}
}

static void put_all(struct dmabroker_v4l2_queue *queue)
{
	struct dmabroker_buffer *buffer;

	for (size_t i = 0; (buffer = dmabroker_v4l2_queue_get_buffer(queue, i)); i++)
		must(dmabroker_v4l2_queue_put(queue, buffer, NULL));
}

static struct dmabroker_v4l2_frame take(struct dmabroker_v4l2_queue *queue, int fd, short events)
{
	struct pollfd wait = {.fd = fd, .events = events};
	struct dmabroker_v4l2_frame frame;
	int error;

	while ((error = dmabroker_v4l2_queue_take(queue, &frame)) == -EAGAIN)
		ck_assert_int_eq(poll(&wait, 1, WAIT_MS), 1);
	must(error);
	return frame;
}

static void add_writer(struct dmabroker_record *request)
{
	struct dmabroker_record *cpu = library_add(request, "cpu", "cpu", NULL);

	must(dmabroker_record_set_string(cpu, "cpu-writes", "rare"));
}

static struct dmabroker_record *camera_request(const char *camera, unsigned int width,
					       unsigned int height, unsigned int count)
{
	struct dmabroker_record *request = library_request(width, height);

	library_add(request, "camera", "capture", camera);
	add_writer(request);
	must(dmabroker_record_set_uint(request, "count", count));
	return request;
}

/* ---- V4L2 ---- */

START_TEST(camera_lets_go_of_the_buffers)
{
	struct dmabroker_collection *collection;
	struct dmabroker_v4l2_frame frame;
	struct dmabroker_v4l2_queue *queue;
	int fd;

	broker = library_connect();
	collection = library_allocate(broker, camera_request(CAMERA, 640, 480, 3));
	fd = open_device(CAMERA);
	ck_assert_uint_eq(count_attached("vivid.0"), 0);
	for (int round = 0; round < 2; round++) {
		must(dmabroker_v4l2_queue_create(collection, "camera", fd, &queue));
		put_all(queue);
		ck_assert_uint_eq(count_attached("vivid.0"), 3);
		must(dmabroker_v4l2_queue_start(queue));
		frame = take(queue, fd, POLLIN);
		ck_assert_uint_eq(frame.bytesused, 640 * 480 * 4);
		ck_assert_int_gt(frame.timestamp_us, 0);
		must(dmabroker_v4l2_queue_stop(queue));
		expect_free(collection);
		ck_assert_uint_eq(count_attached("vivid.0"), 3);
		put_all(queue);
		dmabroker_v4l2_queue_destroy(queue);
		expect_free(collection);
		ck_assert_uint_eq(count_attached("vivid.0"), 0);
	}
	close(fd);
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}
END_TEST

/* The plan is for the camera that takes any memory, the device is the other one. */
START_TEST(memory_that_the_device_refuses_is_nobodys)
{
	struct dmabroker_collection *collection;
	struct dmabroker_v4l2_queue *queue;
	int fd, error = 0;

	broker = library_connect();
	collection = library_allocate(broker, camera_request(CAMERA_ANY, 1920, 1080, 4));
	fd = open_device(CAMERA);
	must(dmabroker_v4l2_queue_create(collection, "camera", fd, &queue));
	/* one may lie in one piece by luck, but not all */
	for (size_t i = 0; i < 4 && !error; i++)
		error = dmabroker_v4l2_queue_put(
			queue, dmabroker_collection_get_buffer(collection, i), NULL);
	library_refused(broker, error, -EFAULT);
	says("the device cannot use this memory");
	must(dmabroker_v4l2_queue_stop(queue));
	expect_free(collection);
	dmabroker_v4l2_queue_destroy(queue);
	close(fd);
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}
END_TEST

/* A codec's capture queue gives coded frames, whatever it is asked for. */
START_TEST(driver_that_makes_another_format_is_refused)
{
	struct dmabroker_v4l2_queue *queue = NULL;
	struct dmabroker_collection *collection;
	int fd;

	broker = library_connect();
	collection = library_allocate(broker, camera_request(CAMERA_ANY, 640, 480, 2));
	fd = open_device(ENCODER);
	library_refused(broker, dmabroker_v4l2_queue_create(collection, "camera", fd, &queue),
			-EPROTO);
	says("pixelformat FWHT instead of XR24");
	ck_assert_ptr_null(queue);
	close(fd);
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}
END_TEST

START_TEST(device_that_somebody_uses_is_refused)
{
	struct dmabroker_collection *collection, *other;
	struct dmabroker_v4l2_queue *queue, *none = NULL;
	int fd, again;

	broker = library_connect();
	collection = library_allocate(broker, camera_request(CAMERA_ANY, 640, 480, 2));
	other = library_allocate(broker, camera_request(CAMERA_ANY, 1280, 720, 2));
	fd = open_device(CAMERA_ANY);
	again = open_device(CAMERA_ANY);
	must(dmabroker_v4l2_queue_create(collection, "camera", fd, &queue));
	library_refused(broker, dmabroker_v4l2_queue_create(other, "camera", again, &none), -EBUSY);
	says("VIDIOC_S_FMT");
	library_refused(broker, dmabroker_v4l2_queue_create(collection, "camera", again, &none),
			-EBUSY);
	says("VIDIOC_REQBUFS");
	dmabroker_v4l2_queue_destroy(queue);
	must(dmabroker_v4l2_queue_create(other, "camera", again, &queue));
	dmabroker_v4l2_queue_destroy(queue);
	close(fd);
	close(again);
	dmabroker_collection_release(collection);
	dmabroker_collection_release(other);
	library_disconnect(broker);
}
END_TEST

/* What vivid is asked for with V4L2_PIX_FMT_FLAG_SET_CSC it does. */
START_TEST(colours_are_taken_by_a_camera_that_converts)
{
	struct dmabroker_record *request;
	struct dmabroker_collection *collection;
	struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	int fd;

	broker = library_connect();
	request = camera_request(CAMERA_ANY, 640, 480, 2);
	must(dmabroker_record_set_string(request, "colour-primaries", "bt2020"));
	must(dmabroker_record_set_string(request, "colour-range", "limited"));
	collection = library_allocate(broker, request);
	fd = open_device(CAMERA_ANY);
	must(dmabroker_v4l2_set_format(collection, "camera", fd));
	if (ioctl(fd, VIDIOC_G_FMT, &format) < 0) {
		format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
		ck_assert_int_eq(ioctl(fd, VIDIOC_G_FMT, &format), 0);
		ck_assert_uint_eq(format.fmt.pix_mp.colorspace, V4L2_COLORSPACE_BT2020);
		ck_assert_uint_eq(format.fmt.pix_mp.quantization, V4L2_QUANTIZATION_LIM_RANGE);
	} else {
		ck_assert_uint_eq(format.fmt.pix.colorspace, V4L2_COLORSPACE_BT2020);
		ck_assert_uint_eq(format.fmt.pix.quantization, V4L2_QUANTIZATION_LIM_RANGE);
	}
	close(fd);
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}
END_TEST

/* The size of the signal that an output makes is its own. */
static void size_of(int fd, unsigned int *ret_width, unsigned int *ret_height)
{
	struct v4l2_format single = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
	struct v4l2_format multi = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE};

	if (ioctl(fd, VIDIOC_G_FMT, &single) == 0) {
		*ret_width = single.fmt.pix.width;
		*ret_height = single.fmt.pix.height;
		return;
	}
	ck_assert_int_eq(ioctl(fd, VIDIOC_G_FMT, &multi), 0);
	*ret_width = multi.fmt.pix_mp.width;
	*ret_height = multi.fmt.pix_mp.height;
}

static struct dmabroker_collection *allocate_for_output(int fd)
{
	struct dmabroker_record *request;
	unsigned int width, height;

	size_of(fd, &width, &height);
	request = library_request(width, height);
	library_add(request, "out", "output", OUTPUT);
	add_writer(request);
	must(dmabroker_record_set_uint(request, "count", 3));
	return library_allocate(broker, request);
}

/* Returns which it was before. */
static int set_output(int fd, const char *name)
{
	struct v4l2_output output = {0};
	int before;

	ck_assert_int_eq(ioctl(fd, VIDIOC_G_OUTPUT, &before), 0);
	while (ioctl(fd, VIDIOC_ENUMOUTPUT, &output) == 0) {
		int index = (int)output.index++;

		if (!strstr((const char *)output.name, name))
			continue;
		ck_assert_int_eq(ioctl(fd, VIDIOC_S_OUTPUT, &index), 0);
		return before;
	}
	ck_abort_msg("vivid has no output %s", name);
}

static void end_output(int fd, int before, struct dmabroker_collection *collection)
{
	ck_assert_int_eq(ioctl(fd, VIDIOC_S_OUTPUT, &before), 0);
	close(fd);
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}

/* A signal in two fields, and a plan for one. */
START_TEST(driver_that_makes_other_fields_is_refused)
{
	struct dmabroker_v4l2_queue *queue = NULL;
	struct dmabroker_collection *collection;
	int fd, before;

	broker = library_connect();
	fd = open_device(OUTPUT);
	before = set_output(fd, "S-Video");
	collection = allocate_for_output(fd);
	library_refused(broker, dmabroker_v4l2_queue_create(collection, "out", fd, &queue),
			-EPROTO);
	says("another: field 4 instead of 1");
	ck_assert_ptr_null(queue);
	end_output(fd, before, collection);
}
END_TEST

START_TEST(output_reads_and_gives_back)
{
	struct dmabroker_collection *collection;
	struct dmabroker_v4l2_queue *queue;
	int fd, before;

	broker = library_connect();
	fd = open_device(OUTPUT);
	before = set_output(fd, "HDMI");
	collection = allocate_for_output(fd);
	must(dmabroker_v4l2_queue_create(collection, "out", fd, &queue));
	put_all(queue);
	must(dmabroker_v4l2_queue_start(queue));
	for (uint32_t i = 0; i < 6; i++) {
		struct dmabroker_v4l2_frame frame = take(queue, fd, POLLOUT);

		ck_assert_uint_eq(frame.index, i % 3);
		ck_assert_ptr_eq(frame.buffer,
				 dmabroker_collection_get_buffer(collection, frame.index));
		ck_assert_uint_eq(frame.flags & V4L2_BUF_FLAG_ERROR, 0);
		must(dmabroker_v4l2_queue_put(queue, frame.buffer, &frame));
	}
	dmabroker_v4l2_queue_destroy(queue);
	expect_free(collection);
	end_output(fd, before, collection);
}
END_TEST

/* ---- KMS ---- */

static struct dmabroker_collection *allocate_for_screen(void)
{
	struct dmabroker_record *request = library_request(640, 480);

	library_add(request, "screen", "scanout", DISPLAY);
	add_writer(request);
	must(dmabroker_record_set_uint(request, "count", 3));
	return library_allocate(broker, request);
}

/* With the file still open: what it has would go with it. */
START_TEST(card_lets_go_of_the_buffers)
{
	struct dmabroker_collection *collection;
	struct dmabroker_kms *first, *second;
	int fd;

	broker = library_connect();
	collection = allocate_for_screen();
	fd = open_device(DISPLAY);
	ck_assert_uint_eq(count_attached("vkms"), 0);
	must(dmabroker_kms_create(collection, "screen", fd, &first));
	must(dmabroker_kms_create(collection, "screen", fd, &second));
	ck_assert_uint_ge(count_attached("vkms"), 3);
	dmabroker_kms_destroy(first);
	ck_assert_uint_ge(count_attached("vkms"), 3);
	dmabroker_kms_destroy(second);
	ck_assert_uint_eq(count_attached("vkms"), 0);
	expect_free(collection);
	drmDropMaster(fd);
	close(fd);
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}
END_TEST

/* A camera is no card. */
START_TEST(device_that_makes_no_framebuffers_is_refused)
{
	struct dmabroker_collection *collection;
	struct dmabroker_kms *none = NULL;
	int fd;

	broker = library_connect();
	collection = allocate_for_screen();
	fd = open_device(CAMERA);
	library_refused(broker, dmabroker_kms_create(collection, "screen", fd, &none), -ENOTTY);
	says("DRM_IOCTL_PRIME_FD_TO_HANDLE");
	ck_assert_ptr_null(none);
	close(fd);
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("helpers");
	TCase *tcase = tcase_create("helpers");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, camera_lets_go_of_the_buffers);
	tcase_add_test(tcase, memory_that_the_device_refuses_is_nobodys);
	tcase_add_test(tcase, driver_that_makes_another_format_is_refused);
	tcase_add_test(tcase, device_that_somebody_uses_is_refused);
	tcase_add_test(tcase, colours_are_taken_by_a_camera_that_converts);
	tcase_add_test(tcase, driver_that_makes_other_fields_is_refused);
	tcase_add_test(tcase, output_reads_and_gives_back);
	tcase_add_test(tcase, card_lets_go_of_the_buffers);
	tcase_add_test(tcase, device_that_makes_no_framebuffers_is_refused);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
