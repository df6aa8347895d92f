/* SPDX-License-Identifier: MIT */
#include "coded.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "die.h"

static const uint32_t type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

static void call(struct coded *coded, unsigned long request, void *argument, const char *name)
{
	if (ioctl(coded->fd, request, argument) < 0)
		die("encoder: %s: %s", name, strerror(errno));
}

static void put(struct coded *coded, uint32_t index)
{
	struct v4l2_buffer buffer = {.index = index, .type = type, .memory = V4L2_MEMORY_MMAP};

	call(coded, VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
}

void coded_begin(struct coded *coded, int fd, uint32_t width, uint32_t height)
{
	struct v4l2_format format = {.type = type};

	format.fmt.pix = (struct v4l2_pix_format){
		.width = width, .height = height, .pixelformat = V4L2_PIX_FMT_FWHT};
	coded->fd = fd;
	call(coded, VIDIOC_S_FMT, &format, "VIDIOC_S_FMT");
}

static void map(struct coded *coded, uint32_t index)
{
	struct v4l2_buffer buffer = {.index = index, .type = type, .memory = V4L2_MEMORY_MMAP};

	call(coded, VIDIOC_QUERYBUF, &buffer, "VIDIOC_QUERYBUF");
	coded->data[index] =
		mmap(NULL, buffer.length, PROT_READ, MAP_SHARED, coded->fd, buffer.m.offset);
	if (coded->data[index] == MAP_FAILED)
		die("encoder: mmap: %s", strerror(errno));
}

void coded_start(struct coded *coded)
{
	struct v4l2_requestbuffers request = {
		.count = CODED_BUFFERS, .type = type, .memory = V4L2_MEMORY_MMAP};
	int start = (int)type;

	call(coded, VIDIOC_REQBUFS, &request, "VIDIOC_REQBUFS");
	for (uint32_t i = 0; i < CODED_BUFFERS && i < request.count; i++) {
		map(coded, i);
		put(coded, i);
	}
	call(coded, VIDIOC_STREAMON, &start, "VIDIOC_STREAMON");
}

uint32_t coded_write(struct coded *coded, FILE *file, bool *last)
{
	struct v4l2_buffer buffer = {.type = type, .memory = V4L2_MEMORY_MMAP};

	if (ioctl(coded->fd, VIDIOC_DQBUF, &buffer) < 0) {
		if (errno != EAGAIN)
			die("encoder: VIDIOC_DQBUF: %s", strerror(errno));
		return 0;
	}
	if (file)
		fwrite(coded->data[buffer.index], 1, buffer.bytesused, file);
	if (buffer.flags & V4L2_BUF_FLAG_LAST)
		*last = true;
	else
		put(coded, buffer.index);
	return buffer.bytesused;
}

void coded_drain(struct coded *coded)
{
	struct v4l2_encoder_cmd stop = {.cmd = V4L2_ENC_CMD_STOP};

	call(coded, VIDIOC_ENCODER_CMD, &stop, "VIDIOC_ENCODER_CMD");
}

void coded_stop(struct coded *coded)
{
	int stop = (int)type;

	call(coded, VIDIOC_STREAMOFF, &stop, "VIDIOC_STREAMOFF");
}
