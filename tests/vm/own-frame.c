/* SPDX-License-Identifier: MIT */
/*
 * What vivid's camera makes without any help of ours.
 *
 * usage: own-frame NODE still|moving    a picture that stands still, or as the driver begins
 *        own-frame NODE FILE            a frame in the format that is set, by way of a buffer of
 *                                       the driver's own, to the file
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "examples/die.h"
#include "tests/vm/queue.h"

#define WAIT_MS 10000

struct camera {
	int fd;
	uint32_t type;
	uint8_t *frame; /* of the driver's buffer 0 */
};

static void call(const struct camera *camera, unsigned long request, void *argument,
		 const char *name)
{
	if (ioctl(camera->fd, request, argument) < 0)
		die("%s: %s", name, strerror(errno));
}

/* Either API: of the multi-planar one with one plane. */
static struct v4l2_buffer buffer_of(const struct camera *camera, struct v4l2_plane *plane)
{
	struct v4l2_buffer buffer = {.type = camera->type, .memory = V4L2_MEMORY_MMAP};

	if (V4L2_TYPE_IS_MULTIPLANAR(camera->type)) {
		buffer.m.planes = plane;
		buffer.length = 1;
	}
	return buffer;
}

static void map(struct camera *camera)
{
	struct v4l2_requestbuffers request = {
		.count = 1, .type = camera->type, .memory = V4L2_MEMORY_MMAP};
	struct v4l2_plane plane = {0};
	struct v4l2_buffer buffer = buffer_of(camera, &plane);
	bool multi = V4L2_TYPE_IS_MULTIPLANAR(camera->type);

	call(camera, VIDIOC_REQBUFS, &request, "VIDIOC_REQBUFS");
	call(camera, VIDIOC_QUERYBUF, &buffer, "VIDIOC_QUERYBUF");
	camera->frame = mmap(NULL, multi ? plane.length : buffer.length, PROT_READ, MAP_SHARED,
			     camera->fd, multi ? plane.m.mem_offset : buffer.m.offset);
	if (camera->frame == MAP_FAILED)
		die("mmap: %s", strerror(errno));
}

/* Returns its bytes. */
static uint32_t take(const struct camera *camera)
{
	struct v4l2_plane plane = {0};
	struct v4l2_buffer buffer = buffer_of(camera, &plane);
	struct pollfd wait = {.fd = camera->fd, .events = POLLIN};
	int type = (int)camera->type;

	call(camera, VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
	call(camera, VIDIOC_STREAMON, &type, "VIDIOC_STREAMON");
	if (poll(&wait, 1, WAIT_MS) != 1)
		die("no frame in %d ms", WAIT_MS);
	call(camera, VIDIOC_DQBUF, &buffer, "VIDIOC_DQBUF");
	call(camera, VIDIOC_STREAMOFF, &type, "VIDIOC_STREAMOFF");
	return V4L2_TYPE_IS_MULTIPLANAR(camera->type) ? plane.bytesused : buffer.bytesused;
}

static void save_frame(int fd, const char *name)
{
	struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	struct camera camera = {.fd = fd, .type = format.type};
	FILE *file = fopen(name, "w");
	uint32_t bytes;

	if (!file)
		die("%s: %s", name, strerror(errno));
	if (ioctl(fd, VIDIOC_G_FMT, &format) < 0)
		camera.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
	map(&camera);
	bytes = take(&camera);
	if (fwrite(camera.frame, bytes, 1, file) != 1 || fclose(file))
		die("%s: %s", name, strerror(errno));
}

int main(int argc, char **argv)
{
	bool still = argc == 3 && strcmp(argv[2], "still") == 0;
	bool moving = argc == 3 && strcmp(argv[2], "moving") == 0;
	int fd = argc == 3 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		die("usage: own-frame NODE still|moving|FILE (%s)", strerror(errno));
	if (still || moving) {
		queue_set_item(fd, "Test Pattern", still ? "100% Color Squares" : "75% Colorbar");
		queue_set_item(fd, "OSD Text Mode", still ? "None" : "All");
	} else {
		save_frame(fd, argv[2]);
	}
	close(fd);
	return 0;
}
