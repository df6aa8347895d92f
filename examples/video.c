/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "die.h"
#include "video.h"

static int try_ioctl(int fd, unsigned long request, void *argument)
{
	int result;

	do
		result = ioctl(fd, request, argument);
	while (result < 0 && errno == EINTR);
	return result;
}

static void queue_ioctl(struct queue *queue, unsigned long request, void *argument,
			const char *name)
{
	if (try_ioctl(queue->fd, request, argument) < 0)
		die("%s: %s: %s", queue->who, name, strerror(errno));
}

static bool has_format(int fd, uint32_t type, uint32_t format)
{
	struct v4l2_fmtdesc description = {.type = type};

	for (; try_ioctl(fd, VIDIOC_ENUM_FMT, &description) == 0; description.index++)
		if (description.pixelformat == format)
			return true;
	return false;
}

bool video_is_camera(int fd, uint32_t capabilities)
{
	(void)fd;
	return (capabilities & V4L2_CAP_VIDEO_CAPTURE) && (capabilities & V4L2_CAP_STREAMING) &&
	       !(capabilities & V4L2_CAP_IO_MC);
}

bool video_is_encoder(int fd, uint32_t capabilities)
{
	return (capabilities & V4L2_CAP_VIDEO_M2M) &&
	       has_format(fd, V4L2_BUF_TYPE_VIDEO_CAPTURE, V4L2_PIX_FMT_FWHT);
}

static bool open_if(struct video *video, const char *node, const char *name, video_suits_fn suits)
{
	struct v4l2_capability caps;

	video->fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (video->fd < 0)
		return false;
	if (try_ioctl(video->fd, VIDIOC_QUERYCAP, &caps) == 0 &&
	    suits(video->fd, caps.device_caps)) {
		snprintf(video->node, sizeof(video->node), "%s", node);
		snprintf(video->name, sizeof(video->name), "%s, %s", caps.card, caps.bus_info);
		if (strstr(video->name, name))
			return true;
	}
	close(video->fd);
	return false;
}

void video_find(struct video *video, const char *what, const char *wanted, video_suits_fn suits)
{
	bool is_node = wanted[0] == '/';
	bool found = is_node && open_if(video, wanted, "", suits);
	char node[64];

	for (unsigned int i = 0; !is_node && !found && i < 64; i++) {
		snprintf(node, sizeof(node), "/dev/video%u", i);
		found = open_if(video, node, wanted, suits);
	}
	if (!found)
		die("found no %s%s%s", what, *wanted ? " " : "", wanted);
	printf("%-8s %s (%s)\n", what, video->node, video->name);
}

void queue_set_format(struct queue *queue, struct v4l2_pix_format *pix)
{
	struct v4l2_format format = {.type = queue->type, .fmt.pix = *pix};

	queue_ioctl(queue, VIDIOC_S_FMT, &format, "VIDIOC_S_FMT");
	*pix = format.fmt.pix;
	queue->bytes = pix->sizeimage;
}

void queue_set_exact_format(struct queue *queue, const struct v4l2_pix_format *pix)
{
	struct v4l2_pix_format got = *pix;

	queue_set_format(queue, &got);
	if (got.width != pix->width || got.height != pix->height ||
	    got.pixelformat != pix->pixelformat || got.bytesperline != pix->bytesperline ||
	    got.sizeimage > pix->sizeimage)
		die("%s: wanted %ux%u with %u bytes per line, %u in all; "
		    "the driver says %ux%u, %u, %u",
		    queue->who, pix->width, pix->height, pix->bytesperline, pix->sizeimage,
		    got.width, got.height, got.bytesperline, got.sizeimage);
	queue->bytes = pix->sizeimage;
}

void queue_request(struct queue *queue, unsigned int count)
{
	struct v4l2_requestbuffers request = {
		.count = count, .type = queue->type, .memory = queue->memory};

	queue_ioctl(queue, VIDIOC_REQBUFS, &request, "VIDIOC_REQBUFS");
	if (request.count < count)
		die("%s: takes %u buffers only", queue->who, request.count);
}

void *queue_map(struct queue *queue, unsigned int index)
{
	struct v4l2_buffer buffer = {.index = index, .type = queue->type, .memory = queue->memory};
	void *address;

	queue_ioctl(queue, VIDIOC_QUERYBUF, &buffer, "VIDIOC_QUERYBUF");
	address = mmap(NULL, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED, queue->fd,
		       buffer.m.offset);
	if (address == MAP_FAILED)
		die("%s: mmap: %s", queue->who, strerror(errno));
	return address;
}

void queue_put(struct queue *queue, unsigned int index, int fd)
{
	struct v4l2_buffer buffer = {
		.index = index,
		.type = queue->type,
		.memory = queue->memory,
		.length = queue->bytes,
		.bytesused = queue->type == V4L2_BUF_TYPE_VIDEO_OUTPUT ? queue->bytes : 0,
	};

	if (queue->memory == V4L2_MEMORY_DMABUF)
		buffer.m.fd = fd;
	queue_ioctl(queue, VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
}

bool queue_take(struct queue *queue, struct v4l2_buffer *ret_buffer)
{
	*ret_buffer = (struct v4l2_buffer){.type = queue->type, .memory = queue->memory};
	if (try_ioctl(queue->fd, VIDIOC_DQBUF, ret_buffer) == 0)
		return true;
	if (errno != EAGAIN)
		die("%s: VIDIOC_DQBUF: %s", queue->who, strerror(errno));
	return false;
}

void queue_start(struct queue *queue)
{
	int type = (int)queue->type;

	queue_ioctl(queue, VIDIOC_STREAMON, &type, "VIDIOC_STREAMON");
}

void queue_stop(struct queue *queue)
{
	int type = (int)queue->type;

	queue_ioctl(queue, VIDIOC_STREAMOFF, &type, "VIDIOC_STREAMOFF");
}
