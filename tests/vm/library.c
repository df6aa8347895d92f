/* SPDX-License-Identifier: MIT */
#include "tests/vm/library.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* ---- this process ---- */

static struct {
	size_t fds, mappings;
} before;

struct dmabroker *library_connect(void)
{
	struct dmabroker *broker = NULL;

	before.fds = library_count_fds();
	before.mappings = library_count_lines("/proc/self/maps", "dmabuf");
	ck_assert_int_eq(dmabroker_connect(NULL, &broker), 0);
	ck_assert_ptr_nonnull(broker);
	return broker;
}

void library_disconnect(struct dmabroker *broker)
{
	dmabroker_disconnect(broker);
	ck_assert_uint_eq(library_count_fds(), before.fds);
	ck_assert_uint_eq(library_count_lines("/proc/self/maps", "dmabuf"), before.mappings);
}

size_t library_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t len = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		len++;
	closedir(dir);
	return len;
}

size_t library_count_lines(const char *path, const char *text)
{
	FILE *file = fopen(path, "re");
	char line[1024];
	size_t len = 0;

	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file))
		len += strstr(line, text) != NULL;
	fclose(file);
	return len;
}

long library_meminfo(const char *key)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long value = -1;

	ck_assert_ptr_nonnull(file);
	while (value < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
			value = strtol(line + strlen(key) + 1, NULL, 10);
	fclose(file);
	ck_assert_msg(value >= 0, "no %s", key);
	return value;
}

double library_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

bool library_until(bool (*done)(void *data), void *data)
{
	double end = library_now() + WAIT_MS / 1000.0;
	bool is_done;

	while (!(is_done = done(data)) && library_now() < end)
		usleep(50000);
	return is_done;
}

/* ---- requests ---- */

struct dmabroker_record *library_request(unsigned int width, unsigned int height)
{
	struct dmabroker_record *request;

	ck_assert_int_eq(dmabroker_request_create(&request), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "width", width), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "height", height), 0);
	ck_assert_int_eq(dmabroker_record_add_format(request, "formats", XR24, 0), 0);
	return request;
}

struct dmabroker_record *library_add(struct dmabroker_record *request, const char *name,
				     const char *role, const char *device)
{
	struct dmabroker_record *participant;

	ck_assert_int_eq(dmabroker_request_add_participant(request, name, role, &participant), 0);
	if (device)
		ck_assert_int_eq(dmabroker_record_set_string(participant, "device", device), 0);
	return participant;
}

struct dmabroker_record *library_camera_request(const char *camera, unsigned int width,
						unsigned int height, unsigned int count)
{
	struct dmabroker_record *request = library_request(width, height);

	library_add(request, "camera", "capture", camera);
	library_add(request, "cpu", "cpu", NULL);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "count", count), 0);
	return request;
}

struct dmabroker_record *library_plan(struct dmabroker *broker, struct dmabroker_record *request)
{
	struct dmabroker_record *plan = NULL;
	int result = dmabroker_plan(broker, request, &plan);

	ck_assert_msg(result == 0, "plan: %d %s: %s", result, dmabroker_get_error(broker),
		      dmabroker_get_error_text(broker));
	dmabroker_record_destroy(request);
	return plan;
}

struct dmabroker_collection *library_allocate(struct dmabroker *broker,
					      struct dmabroker_record *request)
{
	struct dmabroker_collection *collection = NULL;
	int result = dmabroker_allocate(broker, request, &collection);

	ck_assert_msg(result == 0, "allocate: %d %s: %s", result, dmabroker_get_error(broker),
		      dmabroker_get_error_text(broker));
	dmabroker_record_destroy(request);
	return collection;
}

/* ---- answers ---- */

uint64_t library_number(const struct dmabroker_record *record, const char *key)
{
	uint64_t value = 0;
	int result = dmabroker_record_get_uint(record, key, &value);

	ck_assert_msg(result == 0, "%s: %d", key, result);
	return value;
}

const struct dmabroker_record *library_find(const struct dmabroker_record *record, const char *key,
					    const char *name, const char *value)
{
	const struct dmabroker_record *element;

	for (size_t i = 0; i < dmabroker_record_get_len(record, key); i++) {
		const char *found;

		ck_assert_int_eq(dmabroker_record_get_record(record, key, i, &element), 0);
		found = dmabroker_record_get_string(element, name);
		if (found && strcmp(found, value) == 0)
			return element;
	}
	return NULL;
}

const struct dmabroker_record *library_find_id(struct dmabroker_record *const *records, size_t len,
					       const char *id)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(dmabroker_record_get_string(records[i], "id"), id) == 0)
			return records[i];
	return NULL;
}

bool library_has_device(struct dmabroker *broker, const char *id)
{
	struct dmabroker_record **devices;
	size_t len;
	bool found;

	ck_assert_int_eq(dmabroker_list_devices(broker, &devices, &len), 0);
	found = library_find_id(devices, len, id) != NULL;
	dmabroker_record_list_destroy(devices, len);
	return found;
}

void library_node(struct dmabroker *broker, const char *id, char *path, size_t size)
{
	const struct dmabroker_record *device;
	struct dmabroker_record **devices;
	size_t len;

	ck_assert_int_eq(dmabroker_list_devices(broker, &devices, &len), 0);
	device = library_find_id(devices, len, id);
	ck_assert_msg(device != NULL, "no device %s", id);
	snprintf(path, size, "%s", dmabroker_record_get_string(device, "node"));
	dmabroker_record_list_destroy(devices, len);
	ck_assert_msg(strncmp(path, "/dev/", 5) == 0, "the node of %s is %s", id, path);
}

void library_refused(struct dmabroker *broker, int result, int number)
{
	ck_assert_msg(result == number, "%d instead of %d: %s", result, number,
		      dmabroker_get_error_text(broker));
	ck_assert_str_ne(dmabroker_get_error_text(broker), "");
	ck_assert_str_eq(dmabroker_get_error(broker), "");
	ck_assert_ptr_null(dmabroker_get_error_details(broker));
}

uint8_t *library_map_again(const struct dmabroker_buffer *buffer)
{
	void *address = mmap(NULL, dmabroker_buffer_get_bytes(buffer, 0), PROT_READ | PROT_WRITE,
			     MAP_SHARED, dmabroker_buffer_get_fd(buffer, 0), 0);

	ck_assert_msg(address != MAP_FAILED, "mmap: %s", strerror(errno));
	return address;
}

/* ---- V4L2 ---- */

static void queue_ioctl(int fd, unsigned long request, void *argument, const char *name)
{
	int result;

	do
		result = ioctl(fd, request, argument);
	while (result < 0 && errno == EINTR);
	ck_assert_msg(result == 0, "%s: %s", name, strerror(errno));
}

/* Sets the layout of the plan; the driver must take it as it is. */
static void set_format(int fd, const struct dmabroker_record *plan,
		       const struct dmabroker_record *view)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {.width = (uint32_t)library_number(plan, "width"),
			    .height = (uint32_t)library_number(plan, "height"),
			    .pixelformat = (uint32_t)library_number(view, "v4l2-format"),
			    .bytesperline = (uint32_t)library_number(view, "v4l2-bytesperline"),
			    .field = V4L2_FIELD_NONE}};
	struct v4l2_format wanted = format;

	queue_ioctl(fd, VIDIOC_S_FMT, &format, "S_FMT");
	ck_assert_uint_eq(format.fmt.pix.width, wanted.fmt.pix.width);
	ck_assert_uint_eq(format.fmt.pix.height, wanted.fmt.pix.height);
	ck_assert_uint_eq(format.fmt.pix.pixelformat, wanted.fmt.pix.pixelformat);
	ck_assert_uint_eq(format.fmt.pix.bytesperline, wanted.fmt.pix.bytesperline);
	ck_assert_uint_eq(format.fmt.pix.sizeimage, library_number(view, "v4l2-sizeimage"));
}

static void put(struct dmabroker *broker, int fd, struct dmabroker_buffer *buffer, uint32_t index)
{
	struct v4l2_buffer queued = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
				     .memory = V4L2_MEMORY_DMABUF,
				     .index = index,
				     .m.fd = dmabroker_buffer_get_fd(buffer, 0),
				     .length = (uint32_t)dmabroker_buffer_get_bytes(buffer, 0)};

	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "camera", DMABROKER_ACCESS_WRITE),
			 0);
	/* it is the camera's now */
	library_refused(broker, dmabroker_buffer_begin_access(buffer, "cpu", DMABROKER_ACCESS_READ),
			-EBUSY);
	queue_ioctl(fd, VIDIOC_QBUF, &queued, "QBUF");
}

/* Waits for a frame. Returns its buffer's index. */
static uint32_t take(int fd)
{
	struct v4l2_buffer taken = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
				    .memory = V4L2_MEMORY_DMABUF};
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	ck_assert_int_eq(poll(&pollfd, 1, WAIT_MS), 1);
	queue_ioctl(fd, VIDIOC_DQBUF, &taken, "DQBUF");
	ck_assert_uint_eq(taken.flags & V4L2_BUF_FLAG_ERROR, 0);
	return taken.index;
}

/* Neighbours that differ: a test picture has bars. */
static void check_picture(const struct dmabroker_record *plan, const uint8_t *bytes)
{
	const struct dmabroker_record *plane;
	const uint32_t *row;
	unsigned int edges = 0;

	ck_assert_int_eq(dmabroker_record_get_record(plan, "planes", 0, &plane), 0);
	row = (const void *)(bytes + library_number(plane, "offset") +
			     library_number(plane, "stride") * library_number(plan, "height") / 2);
	for (size_t i = 1; i < library_number(plan, "width"); i++)
		edges += (row[i] & 0xffffff) != (row[i - 1] & 0xffffff);
	ck_assert_msg(edges >= 4, "only %u edges", edges);
}

static void look(const struct dmabroker_record *plan, struct dmabroker_buffer *buffer)
{
	void *bytes;

	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "camera"), 0);
	ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &bytes), 0);
	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "cpu", DMABROKER_ACCESS_READ_WRITE),
			 0);
	check_picture(plan, bytes);
	memset(bytes, 0, dmabroker_buffer_get_bytes(buffer, 0)); /* the next frame is a new one */
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "cpu"), 0);
}

static void start(int fd, uint32_t count)
{
	struct v4l2_requestbuffers request = {
		.count = count, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_DMABUF};

	queue_ioctl(fd, VIDIOC_REQBUFS, &request, "REQBUFS");
	ck_assert_uint_ge(request.count, count);
}

void library_capture(struct dmabroker *broker, struct dmabroker_collection *collection,
		     unsigned int frames)
{
	const struct dmabroker_record *plan = dmabroker_collection_get_plan(collection);
	const struct dmabroker_record *view = library_find(plan, "participants", "name", "camera");
	int fd = open(dmabroker_record_get_string(view, "node"), O_RDWR | O_CLOEXEC | O_NONBLOCK);
	size_t count = dmabroker_collection_get_count(collection);
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	uint32_t index;

	ck_assert_int_ge(fd, 0);
	set_format(fd, plan, view);
	start(fd, (uint32_t)count);
	for (index = 0; index < count; index++)
		put(broker, fd, dmabroker_collection_get_buffer(collection, index), index);
	queue_ioctl(fd, VIDIOC_STREAMON, &type, "STREAMON");
	for (unsigned int i = 0; i < frames; i++) {
		index = take(fd);
		look(plan, dmabroker_collection_get_buffer(collection, index));
		put(broker, fd, dmabroker_collection_get_buffer(collection, index), index);
	}
	queue_ioctl(fd, VIDIOC_STREAMOFF, &type, "STREAMOFF");
	for (index = 0; index < count; index++)
		ck_assert_int_eq(
			dmabroker_buffer_end_access(
				dmabroker_collection_get_buffer(collection, index), "camera"),
			0);
	close(fd);
}
