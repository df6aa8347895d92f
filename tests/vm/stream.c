/* SPDX-License-Identifier: MIT */
/*
 * Streams from a V4L2 camera as any program would, with buffers of its own, and complains of
 * whatever another program should not have been able to do to it.
 *
 * usage: stream NODE FRAMES [FRAMES-PER-SECOND]    (ends earlier by SIGTERM)
 * Prints "streaming" after the first frame. Ends with success if all frames came, in order, each
 * within some seconds, and the format is at the end what it was. With a rate no frame may be
 * missing either; it has to be one that the machine can keep up with (an emulated one: a few per
 * second).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define BUFFERS 4u
#define FRAME_MS 10000
#define CAPTURE V4L2_BUF_TYPE_VIDEO_CAPTURE

static volatile sig_atomic_t told_to_end;

static void on_sigterm(int number)
{
	(void)number;
	told_to_end = 1;
}

static int complain(const char *what)
{
	fprintf(stderr, "stream: %s: %s\n", what, strerror(errno));
	return -1;
}

static int queue(int fd, uint32_t index)
{
	struct v4l2_buffer buffer = {.type = CAPTURE, .memory = V4L2_MEMORY_MMAP, .index = index};

	return ioctl(fd, VIDIOC_QBUF, &buffer) < 0 ? complain("QBUF") : 0;
}

static int start(int fd)
{
	struct v4l2_requestbuffers request = {
		.count = BUFFERS, .type = CAPTURE, .memory = V4L2_MEMORY_MMAP};
	int type = CAPTURE;

	if (ioctl(fd, VIDIOC_REQBUFS, &request) < 0)
		return complain("REQBUFS");
	for (uint32_t i = 0; i < request.count; i++)
		if (queue(fd, i) < 0)
			return -1;
	return ioctl(fd, VIDIOC_STREAMON, &type) < 0 ? complain("STREAMON") : 0;
}

/* One frame, which goes back at once. */
static int next(int fd, int64_t *last)
{
	struct v4l2_buffer buffer = {.type = CAPTURE, .memory = V4L2_MEMORY_MMAP};
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	int ready;

	do {
		errno = ETIMEDOUT;
		ready = poll(&pollfd, 1, FRAME_MS);
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return complain("no frame");
	if (ioctl(fd, VIDIOC_DQBUF, &buffer) < 0)
		return complain("DQBUF");
	if (buffer.flags & V4L2_BUF_FLAG_ERROR || buffer.sequence <= *last) {
		errno = EIO;
		return complain("bad frame");
	}
	*last = buffer.sequence;
	return queue(fd, buffer.index);
}

/* The smallest picture, and so many of it in a second. */
static int set_rate(int fd, int rate)
{
	struct v4l2_format format = {.type = CAPTURE};
	struct v4l2_streamparm parameters = {.type = CAPTURE};

	if (ioctl(fd, VIDIOC_G_FMT, &format) < 0)
		return complain("G_FMT");
	format.fmt.pix.width = format.fmt.pix.height = 1;
	format.fmt.pix.bytesperline = 0;
	parameters.parm.capture.timeperframe = (struct v4l2_fract){1, (uint32_t)rate};
	if (ioctl(fd, VIDIOC_S_FMT, &format) < 0)
		return complain("S_FMT");
	return ioctl(fd, VIDIOC_S_PARM, &parameters) < 0 ? complain("S_PARM") : 0;
}

static int run(int fd, int frames, int rate)
{
	struct v4l2_format before = {.type = CAPTURE}, after = {.type = CAPTURE};
	int64_t last = -1, before_last;
	unsigned int missing = 0;

	if (rate && set_rate(fd, rate) < 0)
		return -1;
	if (ioctl(fd, VIDIOC_G_FMT, &before) < 0 || start(fd) < 0)
		return -1;
	for (int i = 0; i < frames && !told_to_end; i++) {
		before_last = last;
		if (next(fd, &last) < 0)
			return -1;
		missing += i && last > before_last + 1 ? (unsigned int)(last - before_last - 1) : 0;
		if (i == 0)
			puts("streaming");
		fflush(stdout);
	}
	printf("frames up to %lld, missing %u\n", (long long)last, missing);
	if (rate && missing) {
		errno = EIO;
		return complain("frames are missing");
	}
	if (ioctl(fd, VIDIOC_G_FMT, &after) < 0 || memcmp(&before, &after, sizeof(before)) != 0)
		return complain("the format has changed");
	return 0;
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 3 && argc != 4)
		return 2;
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_sigterm, .sa_flags = SA_RESTART},
		  NULL);
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		complain(argv[1]);
		return 1;
	}
	return run(fd, atoi(argv[2]), argc == 4 ? atoi(argv[3]) : 0) < 0 ? 1 : 0;
}
