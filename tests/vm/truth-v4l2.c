/* SPDX-License-Identifier: MIT */
/*
 * Real imports by V4L2. A camera's picture is seen to arrive when no page of the buffer still holds
 * what was there before. Of a memory-to-memory device that reads the buffer, the result is compared
 * with the one it makes of the same picture in a buffer of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/vm/truth.h"

#define FRAME_MS 20000
#define SEED 7u

struct queue {
	int fd;
	uint32_t type;
	uint32_t memory;
	struct v4l2_plane plane;
};

static int ask(int fd, unsigned long request, void *argument)
{
	int result;

	do
		result = ioctl(fd, request, argument);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : 0;
}

static bool is_multi(uint32_t type)
{
	return V4L2_TYPE_IS_MULTIPLANAR(type);
}

static uint32_t type_of(const struct device_role *role)
{
	bool multi = vocab_number(role, ROLE_MULTI_PLANAR);

	if (role->role == ROLE_OUTPUT)
		return multi ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE : V4L2_BUF_TYPE_VIDEO_OUTPUT;
	return multi ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE : V4L2_BUF_TYPE_VIDEO_CAPTURE;
}

/* Whether the driver answers with the very picture that was asked for. */
static int set_format(const struct queue *queue, const struct truth_picture *picture,
		      bool *ret_same)
{
	struct v4l2_format format = {.type = queue->type};
	uint32_t stride = picture->layout.stride[0];
	int error;

	if (is_multi(queue->type)) {
		struct v4l2_pix_format_mplane *pix = &format.fmt.pix_mp;

		*pix = (struct v4l2_pix_format_mplane){.width = picture->width,
						       .height = picture->height,
						       .pixelformat = picture->v4l2_format,
						       .field = V4L2_FIELD_NONE,
						       .num_planes = 1};
		pix->plane_fmt[0].bytesperline = stride;
		error = ask(queue->fd, VIDIOC_S_FMT, &format);
		*ret_same = pix->width == picture->width && pix->height == picture->height &&
			    pix->pixelformat == picture->v4l2_format && pix->num_planes == 1 &&
			    pix->plane_fmt[0].bytesperline == stride &&
			    pix->plane_fmt[0].sizeimage <= picture->bytes;
	} else {
		struct v4l2_pix_format *pix = &format.fmt.pix;

		*pix = (struct v4l2_pix_format){.width = picture->width,
						.height = picture->height,
						.pixelformat = picture->v4l2_format,
						.field = V4L2_FIELD_NONE,
						.bytesperline = stride};
		error = ask(queue->fd, VIDIOC_S_FMT, &format);
		*ret_same = pix->width == picture->width && pix->height == picture->height &&
			    pix->pixelformat == picture->v4l2_format &&
			    pix->bytesperline == stride && pix->sizeimage <= picture->bytes;
	}
	return error;
}

static int request(const struct queue *queue, uint32_t count, uint32_t *ret_count)
{
	struct v4l2_requestbuffers buffers = {
		.count = count, .type = queue->type, .memory = queue->memory};
	int error = ask(queue->fd, VIDIOC_REQBUFS, &buffers);

	*ret_count = buffers.count;
	return error;
}

static struct v4l2_buffer describe(struct queue *queue, uint32_t index, int buffer, uint64_t bytes,
				   uint64_t buffer_bytes)
{
	struct v4l2_buffer description = {.index = index,
					  .type = queue->type,
					  .memory = queue->memory,
					  .field = V4L2_FIELD_NONE};

	if (is_multi(queue->type)) {
		queue->plane = (struct v4l2_plane){.length = (uint32_t)buffer_bytes,
						   .bytesused = (uint32_t)bytes};
		queue->plane.m.fd = buffer;
		description.m.planes = &queue->plane;
		description.length = 1;
	} else {
		description.m.fd = buffer;
		description.length = (uint32_t)buffer_bytes;
		description.bytesused = (uint32_t)bytes;
	}
	return description;
}

static int prepare(struct queue *queue, const struct truth_picture *picture, int buffer)
{
	struct v4l2_buffer description = describe(queue, 0, buffer, picture->bytes, picture->bytes);
	int error = ask(queue->fd, VIDIOC_PREPARE_BUF, &description);

	if (error == -ENOTTY)
		error = ask(queue->fd, VIDIOC_QBUF, &description);
	return error;
}

static int wait_and_dequeue(struct queue *queue, uint32_t *ret_bytes)
{
	struct v4l2_buffer description = {.type = queue->type, .memory = queue->memory};
	struct pollfd pollfd = {.fd = queue->fd,
				.events = V4L2_TYPE_IS_OUTPUT(queue->type) ? POLLOUT : POLLIN};
	int error;

	if (is_multi(queue->type)) {
		description.m.planes = &queue->plane;
		description.length = 1;
	}
	if (poll(&pollfd, 1, FRAME_MS) <= 0)
		return -ETIMEDOUT;
	error = ask(queue->fd, VIDIOC_DQBUF, &description);
	if (ret_bytes)
		*ret_bytes = is_multi(queue->type) ? queue->plane.bytesused : description.bytesused;
	return error ? error : (int)description.index;
}

/* --- cameras --- */

/* The first frame that comes, in the buffers given. */
static int capture_frame(struct queue *queue, const struct truth_picture *picture,
			 const int *buffers, unsigned int len)
{
	int error = 0, type = (int)queue->type;

	for (unsigned int i = 0; i < len && !error; i++) {
		struct v4l2_buffer description =
			describe(queue, i, buffers[i], picture->bytes, picture->bytes);

		error = truth_fill(buffers[i], picture->bytes, SEED);
		if (!error)
			error = ask(queue->fd, VIDIOC_QBUF, &description);
	}
	if (!error)
		error = ask(queue->fd, VIDIOC_STREAMON, &type);
	return error ? error : wait_and_dequeue(queue, NULL);
}

static int see_camera(struct queue *queue, const struct truth_picture *picture, const int *buffers,
		      unsigned int len, struct truth_answer *answer)
{
	int index = capture_frame(queue, picture, buffers, len), type = (int)queue->type;
	long untouched;

	if (index == -EPIPE) /* vimc: its sensors and scalers are not set up, nothing to see */
		return 0;
	if (index < 0) {
		truth_refuse(answer, "a frame", -index);
		return 0;
	}
	ask(queue->fd, VIDIOC_STREAMOFF, &type);
	untouched = truth_untouched_pages(buffers[index], picture->layout.total, SEED);
	if (untouched < 0)
		return (int)untouched;
	answer->data = untouched ? TRUTH_DATA_WRONG : TRUTH_DATA_RIGHT;
	return 0;
}

/* --- memory to memory --- */

struct mapped {
	void *address;
	size_t bytes;
};

static int map_buffer(const struct queue *queue, struct mapped *ret_mapped)
{
	struct v4l2_plane plane = {0};
	struct v4l2_buffer description = {.type = queue->type, .memory = V4L2_MEMORY_MMAP};
	uint32_t offset;
	int error;

	if (is_multi(queue->type)) {
		description.m.planes = &plane;
		description.length = 1;
	}
	error = ask(queue->fd, VIDIOC_QUERYBUF, &description);
	if (error)
		return error;
	offset = is_multi(queue->type) ? plane.m.mem_offset : description.m.offset;
	ret_mapped->bytes = is_multi(queue->type) ? plane.length : description.length;
	ret_mapped->address = mmap(NULL, ret_mapped->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
				   queue->fd, offset);
	return ret_mapped->address == MAP_FAILED ? -errno : 0;
}

static uint64_t hash(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t value = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < len; i++)
		value = (value ^ at[i]) * 0x100000001b3ull;
	return value ? value : 1;
}

/* The same size on the side where the result comes out, in whatever format the driver likes. */
static int follow_format(const struct queue *queue, const struct truth_picture *picture)
{
	struct v4l2_format format = {.type = queue->type};
	int error = ask(queue->fd, VIDIOC_G_FMT, &format);

	if (error)
		return error;
	if (is_multi(queue->type)) {
		format.fmt.pix_mp.width = picture->width;
		format.fmt.pix_mp.height = picture->height;
		memset(format.fmt.pix_mp.plane_fmt, 0, sizeof(format.fmt.pix_mp.plane_fmt));
	} else {
		format.fmt.pix.width = picture->width;
		format.fmt.pix.height = picture->height;
		format.fmt.pix.bytesperline = 0;
		format.fmt.pix.sizeimage = 0;
	}
	return ask(queue->fd, VIDIOC_S_FMT, &format);
}

static int fill_mapped(const struct queue *queue, const struct truth_picture *picture)
{
	struct mapped mapped;
	int error = map_buffer(queue, &mapped);
	uint32_t value = SEED;

	if (error)
		return error;
	/* the pattern of truth_fill */
	for (size_t i = 0; i < picture->bytes && i + 4 <= mapped.bytes; i += 4) {
		value = value * 1664525u + 1013904223u;
		memcpy((char *)mapped.address + i, &value, 4);
	}
	munmap(mapped.address, mapped.bytes);
	return 0;
}

static int start(const struct queue *queue)
{
	int type = (int)queue->type;

	return ask(queue->fd, VIDIOC_STREAMON, &type);
}

/* One picture through the device. `buffer` is -1 for one of the device's own. */
static int transform(struct queue *in, struct queue *out, const struct truth_picture *picture,
		     int buffer, uint64_t *ret_hash)
{
	struct v4l2_buffer description;
	struct mapped result;
	uint32_t count, bytes = 0;
	bool same;
	int error;

	error = set_format(in, picture, &same);
	if (!error)
		error = follow_format(out, picture);
	in->memory = buffer < 0 ? V4L2_MEMORY_MMAP : V4L2_MEMORY_DMABUF;
	if (!error)
		error = request(in, 1, &count);
	if (!error)
		error = request(out, 1, &count);
	if (!error)
		error = buffer < 0 ? fill_mapped(in, picture)
				   : truth_fill(buffer, picture->bytes, SEED);
	if (error)
		return error;
	description = describe(in, 0, buffer, picture->bytes, picture->bytes);
	error = ask(in->fd, VIDIOC_QBUF, &description);
	if (error)
		return error;
	description = describe(out, 0, 0, 0, 0);
	error = ask(out->fd, VIDIOC_QBUF, &description);
	if (!error)
		error = start(in);
	if (!error)
		error = start(out);
	if (!error)
		error = wait_and_dequeue(out, &bytes);
	if (error < 0)
		return error;
	error = map_buffer(out, &result);
	if (error)
		return error;
	*ret_hash = hash(result.address, bytes < result.bytes ? bytes : result.bytes);
	munmap(result.address, result.bytes);
	return 0;
}

static int transform_on(const char *node, uint32_t type, const struct truth_picture *picture,
			int buffer, uint64_t *ret_hash)
{
	struct queue in = {.fd = open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC), .type = type};
	struct queue out = {.fd = in.fd,
			    .type = is_multi(type) ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
						   : V4L2_BUF_TYPE_VIDEO_CAPTURE,
			    .memory = V4L2_MEMORY_MMAP};
	int error;

	if (in.fd < 0)
		return -errno;
	error = transform(&in, &out, picture, buffer, ret_hash);
	close(in.fd);
	return error;
}

/* A device that makes nothing of its own buffers either (it wants a stream, or requests) shows
 * nothing. */
static void see_transform(const struct device *device, uint32_t type,
			  const struct truth_picture *picture, int buffer,
			  struct truth_answer *answer)
{
	uint64_t own = 0, foreign = 0;

	if (transform_on(device->node, type, picture, -1, &own))
		return;
	answer->data = transform_on(device->node, type, picture, buffer, &foreign) == 0 &&
				       own == foreign
			       ? TRUTH_DATA_RIGHT
			       : TRUTH_DATA_WRONG;
}

/* --- all --- */

static bool is_m2m(int fd)
{
	struct v4l2_capability answer = {0};

	return ask(fd, VIDIOC_QUERYCAP, &answer) == 0 &&
	       answer.device_caps & (V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE);
}

static void import(struct queue *queue, const struct truth_picture *picture, const int *buffers,
		   struct truth_answer *answer)
{
	uint64_t before = truth_bounced_slots();
	uint32_t count;
	bool same;
	int error;

	error = set_format(queue, picture, &same);
	if (error || !same) {
		truth_refuse(answer, "S_FMT", -error);
		return;
	}
	error = request(queue, 1, &count);
	if (error) {
		truth_refuse(answer, "REQBUFS", -error);
		return;
	}
	error = prepare(queue, picture, buffers[0]);
	answer->bounced = truth_bounced_slots() > before;
	if (error)
		truth_refuse(answer, "PREPARE_BUF", -error);
	request(queue, 0, &count);
}

int truth_import_v4l2(const struct device *device, const struct device_role *role,
		      const struct truth_picture *picture, const int *buffers, unsigned int len,
		      uint64_t buffer_bytes, bool see_data, struct truth_answer *answer)
{
	struct queue queue = {.fd = open(device->node, O_RDWR | O_NONBLOCK | O_CLOEXEC),
			      .type = type_of(role),
			      .memory = V4L2_MEMORY_DMABUF};
	uint32_t count;
	int error = 0;
	bool m2m;

	(void)buffer_bytes;
	if (queue.fd < 0)
		return -errno;
	answer->taken = true;
	import(&queue, picture, buffers, answer);
	m2m = is_m2m(queue.fd);
	if (see_data && answer->taken && !m2m && role->role == ROLE_CAPTURE) {
		error = request(&queue, len, &count);
		if (!error && count <= len)
			error = see_camera(&queue, picture, buffers, count, answer);
	}
	close(queue.fd);
	if (see_data && answer->taken && m2m && role->role == ROLE_OUTPUT)
		see_transform(device, queue.type, picture, buffers[0], answer);
	return error;
}
