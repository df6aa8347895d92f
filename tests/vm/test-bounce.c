/* SPDX-License-Identifier: MIT */
/*
 * Bounce buffers, never silently: a camera of tests/vm/modules that does not reach the memory, or
 * on a machine that bounces everything, with the real daemon.
 *
 * usage: test-bounce reach|forced NODE OTHER
 *
 * NODE is of a camera that does real DMA, OTHER of a second camera that would be bounced as well.
 * Environment: DMABROKER_ADDRESS
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/unit/check.h"
#include "tests/vm/library.h"

#define WIDTH 64u /* the engine takes a second for these 8 KiB */
#define HEIGHT 32u
#define LARGEST                                                                          \
	256u /* XR24 of this width and height: 256 KiB, what can be bounced in one piece \
	      */
#define FRAMES 3u
#define OLD 0xeeu
#define PAGE 4096u
#define MAGIC 0x54504d49u /* tests/vm/modules/importer.h */

/* vivid has no smaller picture */
#define VIVID_WIDTH 320u
#define VIVID_HEIGHT 180u

static const char *camera_node, *other_node;
static const char *constraint; /* what is wrong with memory that would have to be bounced */

/* ---- requests ---- */

enum wishes { ALLOW = 1, SYSTEM_ONLY = 2 };

/* A camera and the CPU. */
static struct dmabroker_record *request_of(const char *camera, uint32_t width, uint32_t height,
					   unsigned int wishes)
{
	struct dmabroker_record *request = library_request(width, height);

	library_add(request, "camera", "capture", camera);
	library_add(request, "cpu", "cpu", NULL);
	if (wishes & ALLOW)
		ck_assert_int_eq(dmabroker_record_set_bool(request, "allow-bounce", 1), 0);
	if (wishes & SYSTEM_ONLY)
		ck_assert_int_eq(dmabroker_record_add_string(request, "allowed-heaps", "system"),
				 0);
	return request;
}

/* Whether the last Conflict has a refusal of `participant` for `constraint`. */
static bool is_refused(struct dmabroker *broker, const char *participant)
{
	const struct dmabroker_record *details = dmabroker_get_error_details(broker), *refusal;

	ck_assert_ptr_nonnull(details);
	for (size_t i = 0; !dmabroker_record_get_record(details, "refusals", i, &refusal); i++) {
		const char *who = dmabroker_record_get_string(refusal, "participant");
		const char *what = dmabroker_record_get_string(refusal, "constraint");

		if (who && what && strcmp(who, participant) == 0 && strcmp(what, constraint) == 0)
			return true;
	}
	return false;
}

/* Takes the request; it must be a Conflict with a refusal of `participant`. */
static void conflict(struct dmabroker *broker, struct dmabroker_record *request,
		     const char *participant)
{
	struct dmabroker_record *plan = NULL;

	ck_assert_int_eq(dmabroker_plan(broker, request, &plan), -EXDEV);
	ck_assert_str_eq(dmabroker_get_error(broker), "Conflict");
	ck_assert_msg(is_refused(broker, participant), "no %s of %s: %s", constraint, participant,
		      dmabroker_get_error_text(broker));
	dmabroker_record_destroy(request);
}

/* ---- plans ---- */

static bool is_bounced(const struct dmabroker_record *record)
{
	uint64_t value = 0;

	(void)dmabroker_record_get_uint(record, "bounced", &value);
	return value;
}

static bool view_is_bounced(const struct dmabroker_record *plan, const char *name)
{
	const struct dmabroker_record *view = library_find(plan, "participants", "name", name);

	ck_assert_msg(view != NULL, "no view of %s", name);
	return is_bounced(view);
}

static void check_bounced(const struct dmabroker_record *plan)
{
	const struct dmabroker_record *view = library_find(plan, "participants", "name", "camera");

	ck_assert(is_bounced(plan));
	ck_assert(view_is_bounced(plan, "camera"));
	ck_assert_str_eq(dmabroker_record_get_string(view, "agent"), "bounced");
	ck_assert(!view_is_bounced(plan, "cpu"));
	ck_assert_str_eq(dmabroker_record_get_string(plan, "heap"), "system");
}

/* `wishes`: what it takes to be bounced here. */
static void plan_says_it(unsigned int wishes)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_record *plan =
		library_plan(broker, request_of(camera_node, WIDTH, HEIGHT, wishes));
	char *text = dmabroker_plan_describe(plan);

	check_bounced(plan);
	ck_assert_ptr_nonnull(text);
	ck_assert_msg(strstr(text, "bounce"), "not a word of it: %s", text);
	free(text);
	dmabroker_record_destroy(plan);
	library_disconnect(broker);
}

START_TEST(nothing_is_bounced_unasked)
{
	struct dmabroker *broker = library_connect();

	conflict(broker, request_of(camera_node, WIDTH, HEIGHT, SYSTEM_ONLY), "camera");
	/* no other heap is certainly within its reach */
	conflict(broker, request_of(camera_node, WIDTH, HEIGHT, 0), "camera");
	library_disconnect(broker);
}
END_TEST

START_TEST(what_is_allowed_is_named)
{
	plan_says_it(ALLOW | SYSTEM_ONLY);
	plan_says_it(ALLOW);
}
END_TEST

START_TEST(what_is_forced_is_named)
{
	plan_says_it(SYSTEM_ONLY);
	plan_says_it(0);
}
END_TEST

START_TEST(large_pictures_are_not_bounced)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_record *plan =
		library_plan(broker, request_of(camera_node, LARGEST, LARGEST, ALLOW));

	ck_assert(is_bounced(plan));
	dmabroker_record_destroy(plan);
	conflict(broker, request_of(camera_node, LARGEST, LARGEST + 2, ALLOW), "camera");
	library_disconnect(broker);
}
END_TEST

/* Its driver writes the buffer with the CPU, and has it mapped besides. */
START_TEST(who_copies_is_not_bounced)
{
	struct dmabroker *broker = library_connect();

	conflict(broker, request_of(CAMERA, VIVID_WIDTH, VIVID_HEIGHT, ALLOW), "camera");
	library_disconnect(broker);
}
END_TEST

/* Its driver writes the buffer with the CPU and has nothing mapped. */
START_TEST(who_maps_nothing_is_not_bounced)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_record *plan =
		library_plan(broker, request_of(CAMERA_ANY, VIVID_WIDTH, VIVID_HEIGHT, 0));

	ck_assert(!is_bounced(plan));
	ck_assert(!view_is_bounced(plan, "camera"));
	dmabroker_record_destroy(plan);
	library_disconnect(broker);
}
END_TEST

START_TEST(two_are_not_bounced)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_record *request = request_of(camera_node, WIDTH, HEIGHT, ALLOW), *plan;

	plan = library_plan(broker, request_of(other_node, WIDTH, HEIGHT, ALLOW));
	ck_assert(is_bounced(plan));
	dmabroker_record_destroy(plan);
	library_add(request, "other", "capture", other_node);
	conflict(broker, request, "camera");
	library_disconnect(broker);
}
END_TEST

/* ---- pictures ---- */

static void camera_ioctl(int camera, unsigned long request, void *argument, const char *name)
{
	ck_assert_msg(ioctl(camera, request, argument) == 0, "%s: %s", name, strerror(errno));
}

/* Returns the camera, with as many buffers as the collection has. */
static int open_camera(struct dmabroker_collection *collection)
{
	const struct dmabroker_record *plan = dmabroker_collection_get_plan(collection);
	const struct dmabroker_record *view = library_find(plan, "participants", "name", "camera");
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {.width = (uint32_t)library_number(plan, "width"),
			    .height = (uint32_t)library_number(plan, "height"),
			    .pixelformat = (uint32_t)library_number(view, "v4l2-format"),
			    .bytesperline = (uint32_t)library_number(view, "v4l2-bytesperline")}};
	struct v4l2_requestbuffers buffers = {
		.count = (uint32_t)dmabroker_collection_get_count(collection),
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF};
	int camera = open(camera_node, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(camera, 0);
	camera_ioctl(camera, VIDIOC_S_FMT, &format, "S_FMT");
	ck_assert_uint_eq(format.fmt.pix.sizeimage, library_number(view, "v4l2-sizeimage"));
	camera_ioctl(camera, VIDIOC_REQBUFS, &buffers, "REQBUFS");
	return camera;
}

/* For `request`: VIDIOC_QBUF or VIDIOC_PREPARE_BUF. */
static void give(int camera, unsigned long request, const struct dmabroker_buffer *buffer,
		 uint32_t index)
{
	struct v4l2_buffer data = {.index = index,
				   .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
				   .memory = V4L2_MEMORY_DMABUF,
				   .m.fd = dmabroker_buffer_get_fd(buffer, 0),
				   .length = (uint32_t)dmabroker_buffer_get_bytes(buffer, 0)};

	camera_ioctl(camera, request, &data, "QBUF");
}

/* Waits for a picture. Returns its buffer's index. */
static uint32_t take(int camera, uint32_t *ret_frame)
{
	struct v4l2_buffer data = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
				   .memory = V4L2_MEMORY_DMABUF};
	struct pollfd pollfd = {.fd = camera, .events = POLLIN};

	ck_assert_int_eq(poll(&pollfd, 1, WAIT_MS), 1);
	camera_ioctl(camera, VIDIOC_DQBUF, &data, "DQBUF");
	ck_assert_uint_eq(data.flags & V4L2_BUF_FLAG_ERROR, 0);
	*ret_frame = data.sequence;
	return data.index;
}

/* What the kernel did with the buffer that the camera was given last. */
static uint64_t bounced_bytes(void)
{
	char path[128], line[128];
	uint64_t bytes = 0;
	struct stat status;
	FILE *file;

	ck_assert_int_eq(stat(camera_node, &status), 0);
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device/importer/import",
		 major(status.st_rdev), minor(status.st_rdev));
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, "bounced-bytes ", 14) == 0)
			bytes = strtoull(line + 14, NULL, 0);
	fclose(file);
	return bytes;
}

/* How many of the picture's pieces of 16 bytes are those of this frame; tests/vm/modules. */
static size_t count_pieces(const void *bytes, uint32_t frame)
{
	const volatile uint32_t *words = bytes;
	size_t right = 0;

	for (size_t at = 0; at < WIDTH * HEIGHT * 4; at += 16, words += 4)
		right += words[0] == MAGIC && words[1] == frame && words[2] == at / PAGE &&
			 words[3] == at % PAGE;
	return right;
}

static bool is_old(const uint8_t *bytes)
{
	for (size_t i = 0; i < WIDTH * HEIGHT * 4; i++)
		if (bytes[i] != OLD)
			return false;
	return true;
}

static void begin(struct dmabroker *broker, struct dmabroker_buffer *buffer, const char *who,
		  enum dmabroker_access access)
{
	ck_assert_msg(dmabroker_buffer_begin_access(buffer, who, access) == 0, "%s: %s", who,
		      dmabroker_get_error_text(broker));
}

static void end(struct dmabroker_buffer *buffer, const char *who)
{
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, who), 0);
}

/* An old picture of the CPU's; then the camera has the buffer. */
static void give_old(struct dmabroker *broker, int camera, struct dmabroker_buffer *buffer,
		     uint32_t index)
{
	void *bytes;

	ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &bytes), 0);
	begin(broker, buffer, "cpu", DMABROKER_ACCESS_WRITE);
	memset(bytes, OLD, dmabroker_buffer_get_bytes(buffer, 0));
	end(buffer, "cpu");
	begin(broker, buffer, "camera", DMABROKER_ACCESS_WRITE);
	give(camera, VIDIOC_QBUF, buffer, index);
	ck_assert_uint_eq(bounced_bytes(), dmabroker_buffer_get_bytes(buffer, 0));
}

/* The picture is in the buffer when the CPU's access has begun, and not a moment earlier. */
static void check_picture(struct dmabroker *broker, struct dmabroker_buffer *buffer, uint32_t frame)
{
	void *bytes;

	ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &bytes), 0);
	ck_assert(is_old(bytes));
	end(buffer, "camera");
	ck_assert(is_old(bytes));
	begin(broker, buffer, "cpu", DMABROKER_ACCESS_READ);
	ck_assert_uint_eq(count_pieces(bytes, frame), WIDTH * HEIGHT / 4);
	end(buffer, "cpu");
}

static void take_pictures(struct dmabroker *broker, struct dmabroker_collection *collection)
{
	int camera = open_camera(collection), type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	uint32_t frame;

	give_old(broker, camera, buffer, 0);
	camera_ioctl(camera, VIDIOC_STREAMON, &type, "STREAMON");
	for (uint32_t i = 0; i < FRAMES; i++) {
		ck_assert_uint_eq(take(camera, &frame), 0);
		ck_assert_uint_eq(frame, i);
		check_picture(broker, buffer, frame);
		if (i + 1 < FRAMES)
			give_old(broker, camera, buffer, 0);
	}
	close(camera);
}

static void pictures_arrive(unsigned int wishes)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_collection *collection =
		library_allocate(broker, request_of(camera_node, WIDTH, HEIGHT, wishes));

	check_bounced(dmabroker_collection_get_plan(collection));
	take_pictures(broker, collection);
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}

START_TEST(policy_brings_the_picture_that_was_allowed)
{
	pictures_arrive(ALLOW);
}
END_TEST

START_TEST(policy_brings_the_picture_that_was_forced)
{
	pictures_arrive(0);
}
END_TEST

/* The largest picture that is planned is one that the kernel does bounce. */
START_TEST(largest_picture_is_taken)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_collection *collection =
		library_allocate(broker, request_of(camera_node, LARGEST, LARGEST, ALLOW));
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	int camera = open_camera(collection);

	begin(broker, buffer, "camera", DMABROKER_ACCESS_WRITE);
	give(camera, VIDIOC_PREPARE_BUF, buffer, 0);
	ck_assert_uint_eq(bounced_bytes(), LARGEST * LARGEST * 4);
	close(camera);
	end(buffer, "camera");
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}
END_TEST

/* ---- the program ---- */

static void add_reach(TCase *tcase)
{
	tcase_add_test(tcase, nothing_is_bounced_unasked);
	tcase_add_test(tcase, what_is_allowed_is_named);
	tcase_add_test(tcase, policy_brings_the_picture_that_was_allowed);
}

static void add_forced(TCase *tcase)
{
	tcase_add_test(tcase, what_is_forced_is_named);
	tcase_add_test(tcase, policy_brings_the_picture_that_was_forced);
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("bounce");
	TCase *tcase = tcase_create("bounce");

	if (argc != 4)
		return 2;
	camera_node = argv[2];
	other_node = argv[3];
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	constraint = strcmp(argv[1], "forced") == 0 ? "bounce" : "reach";
	if (strcmp(argv[1], "forced") == 0)
		add_forced(tcase);
	else
		add_reach(tcase);
	tcase_add_test(tcase, large_pictures_are_not_bounced);
	tcase_add_test(tcase, largest_picture_is_taken);
	tcase_add_test(tcase, two_are_not_bounced);
	tcase_add_test(tcase, who_copies_is_not_bounced);
	tcase_add_test(tcase, who_maps_nothing_is_not_bounced);
	return run_suite(suite);
}
