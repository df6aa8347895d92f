/* SPDX-License-Identifier: MIT */
/*
 * A camera of tests/vm/modules that refuses memory which it should take by all that is known of it,
 * and what comes of saying so, with the real daemon.
 *
 * usage: test-report claimed NODE       the daemon makes no trials, and is told wrong things of
 * NODE test-report confirmed NODE     it makes trials; NODE takes scattered memory until it is told
 * not to test-report vetoed NODE        it makes trials, and is told wrong things of NODE
 *
 * Environment: DMABROKER_ADDRESS
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/unit/check.h"
#include "tests/vm/library.h"

#define BUFFERS 2u
#define UNCHANGED_TRIES 30u /* of 100 ms, in which nothing may change */

static const char *node;

/* ---- the camera ---- */

static int open_camera(const struct dmabroker_collection *collection)
{
	const struct dmabroker_record *plan = dmabroker_collection_get_plan(collection);
	struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
				     .fmt.pix = {.width = (uint32_t)library_number(plan, "width"),
						 .height = (uint32_t)library_number(plan, "height"),
						 .pixelformat = v4l2_fourcc('X', 'R', '2', '4')}};
	int camera = open(node, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(camera, 0);
	ck_assert_int_eq(ioctl(camera, VIDIOC_S_FMT, &format), 0);
	return camera;
}

/* Gives the buffers of the newest generation to the camera, instead of those that it has; it has
 * them until it is closed. Returns the errno of the first that it refuses, or 0. */
static int import(int camera, struct dmabroker_collection *collection)
{
	struct v4l2_requestbuffers request = {.count = BUFFERS,
					      .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
					      .memory = V4L2_MEMORY_DMABUF};

	ck_assert_int_eq(ioctl(camera, VIDIOC_REQBUFS, &request), 0);
	ck_assert_uint_eq(dmabroker_collection_get_count(collection), BUFFERS);
	for (uint32_t i = 0; i < BUFFERS; i++) {
		const struct dmabroker_buffer *buffer =
			dmabroker_collection_get_buffer(collection, i);
		struct v4l2_buffer data = {
			.index = i,
			.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
			.memory = V4L2_MEMORY_DMABUF,
			.m.fd = dmabroker_buffer_get_fd(buffer, 0),
			.length = (uint32_t)dmabroker_buffer_get_bytes(buffer, 0)};

		if (ioctl(camera, VIDIOC_PREPARE_BUF, &data) < 0)
			return errno;
	}
	return 0;
}

/* From now on it takes contiguous memory only, whatever it was before. */
static void take_one_segment(void)
{
	struct stat status;
	char path[128];
	int fd;

	ck_assert_int_eq(stat(node, &status), 0);
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device/importer/segments",
		 major(status.st_rdev), minor(status.st_rdev));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "1", 1), 1);
	close(fd);
}

/* ---- plans ---- */

static struct dmabroker_record *request_of(void)
{
	return library_camera_request(node, 640, 480, BUFFERS);
}

static bool is_heap(const struct dmabroker_record *plan, const char *heap)
{
	return strcmp(dmabroker_record_get_string(plan, "heap"), heap) == 0;
}

static bool plans_reserved(void *broker)
{
	struct dmabroker_record *plan = library_plan(broker, request_of());
	bool reserved = is_heap(plan, "reserved");

	ck_assert(reserved || is_heap(plan, "system"));
	dmabroker_record_destroy(plan);
	return reserved;
}

/* What one client says of its device is no fact for others. */
static void check_unchanged(struct dmabroker *other)
{
	for (unsigned int i = 0; i < UNCHANGED_TRIES; i++) {
		ck_assert_msg(!plans_reserved(other), "after %u of %u tries", i, UNCHANGED_TRIES);
		usleep(100000);
	}
}

/* What of its device's memory the camera needs contiguous, and how it is known. */
static void check_contiguity(struct dmabroker *broker, const char *value, const char *origin)
{
	struct dmabroker_record **all;
	size_t len, found = 0;

	ck_assert_int_eq(dmabroker_list_devices(broker, &all, &len), 0);
	for (size_t i = 0; i < len; i++) {
		const struct dmabroker_record *role;

		if (strcmp(dmabroker_record_get_string(all[i], "node"), node) != 0)
			continue;
		role = library_find(all[i], "roles", "role", "capture");
		ck_assert_ptr_nonnull(role);
		ck_assert_msg(strcmp(dmabroker_record_get_string(role, "contiguity"), value) == 0 &&
				      strcmp(dmabroker_record_get_origin(role, "contiguity"),
					     origin) == 0,
			      "%s (%s) instead of %s (%s)",
			      dmabroker_record_get_string(role, "contiguity"),
			      dmabroker_record_get_origin(role, "contiguity"), value, origin);
		found++;
	}
	ck_assert_uint_eq(found, 1);
	dmabroker_record_list_destroy(all, len);
}

/* ---- reports ---- */

static struct dmabroker_collection *allocate_scattered(struct dmabroker *broker)
{
	struct dmabroker_collection *collection = library_allocate(broker, request_of());

	ck_assert(is_heap(dmabroker_collection_get_plan(collection), "system"));
	return collection;
}

/* The camera refuses, its client says so, and gets what the camera takes. The camera is never
 * without buffers meanwhile. */
static void report(struct dmabroker *broker, struct dmabroker_collection *collection, int camera,
		   int refusal)
{
	const struct dmabroker_record *plan, *tried;

	ck_assert_int_eq(import(camera, collection), refusal);
	ck_assert_msg(dmabroker_collection_report(collection, "camera", refusal) == 0, "%s",
		      dmabroker_get_error_text(broker));
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 2);
	plan = dmabroker_collection_get_plan(collection);
	ck_assert(is_heap(plan, "reserved"));
	tried = library_find(plan, "tried", "value", "system");
	ck_assert_ptr_nonnull(tried);
	ck_assert_str_eq(dmabroker_record_get_string(tried, "participant"), "camera");
	ck_assert_str_eq(dmabroker_record_get_string(tried, "constraint"), "reported");
	ck_assert_int_eq(import(camera, collection), 0);
}

/* There is nothing better than contiguous memory. What there is stays. */
static void report_again(struct dmabroker *broker, struct dmabroker_collection *collection,
			 int camera)
{
	const struct dmabroker_record *details;

	ck_assert_int_eq(dmabroker_collection_report(collection, "camera", EFAULT), -EXDEV);
	details = dmabroker_get_error_details(broker);
	ck_assert_ptr_nonnull(details);
	ck_assert_msg(library_find(details, "refusals", "constraint", "reported") != NULL, "%s",
		      dmabroker_get_error_text(broker));
	ck_assert_uint_eq(dmabroker_collection_get_generation(collection), 2);
	ck_assert_int_eq(import(camera, collection), 0);
}

START_TEST(claim_counts_for_its_collection)
{
	struct dmabroker *broker = library_connect(), *other;
	struct dmabroker_collection *collection = allocate_scattered(broker), *next;
	int camera = open_camera(collection);

	ck_assert_int_eq(dmabroker_connect(NULL, &other), 0);
	check_contiguity(other, "none", "quirk");
	report(broker, collection, camera, EFAULT);
	check_unchanged(other);
	check_contiguity(other, "none", "quirk");
	report_again(broker, collection, camera);
	close(camera);
	next = allocate_scattered(broker); /* nor does it count for the next of this client */
	dmabroker_collection_release(next);
	dmabroker_collection_release(collection);
	dmabroker_disconnect(other);
	library_disconnect(broker);
}
END_TEST

START_TEST(trial_makes_it_a_fact)
{
	struct dmabroker *broker = library_connect(), *other;
	struct dmabroker_collection *collection = allocate_scattered(broker);
	int camera = open_camera(collection);

	ck_assert_int_eq(dmabroker_connect(NULL, &other), 0);
	check_contiguity(other, "none", "measured");
	ck_assert_int_eq(import(camera, collection), 0);
	take_one_segment();
	ck_assert(!plans_reserved(other));

	report(broker, collection, camera, EFBIG);
	check_unchanged(other); /* there is no trial while it has buffers */
	check_contiguity(other, "none", "measured");
	close(camera);
	ck_assert(library_until(plans_reserved, other));
	check_contiguity(other, "whole", "measured");
	dmabroker_collection_release(collection);
	dmabroker_disconnect(other);
	library_disconnect(broker);
}
END_TEST

/* A refusal that is real counts, whatever a quirk says: there is nothing to report. */
START_TEST(trial_is_believed_before_a_quirk)
{
	struct dmabroker *broker = library_connect();
	struct dmabroker_collection *collection = library_allocate(broker, request_of());
	int camera = open_camera(collection);

	ck_assert(is_heap(dmabroker_collection_get_plan(collection), "reserved"));
	ck_assert_int_eq(import(camera, collection), 0);
	close(camera);
	dmabroker_collection_release(collection);
	library_disconnect(broker);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("report");
	TCase *tcase = tcase_create("report");

	if (argc != 3)
		return 2;
	node = argv[2];
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	if (strcmp(argv[1], "claimed") == 0)
		tcase_add_test(tcase, claim_counts_for_its_collection);
	else if (strcmp(argv[1], "confirmed") == 0)
		tcase_add_test(tcase, trial_makes_it_a_fact);
	else if (strcmp(argv[1], "vetoed") == 0)
		tcase_add_test(tcase, trial_is_believed_before_a_quirk);
	return run_suite(suite);
}
