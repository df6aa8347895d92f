/* SPDX-License-Identifier: MIT */
/*
 * dmabroker-trial NODE QUEUE-TYPE: makes one buffer on an idle V4L2 queue, and prints the name of
 * the kernel's exporter of that buffer and the capabilities of the queue (in hex). See trial.c.
 *
 * A queue in use answers EBUSY, and that is the end of it. Only a memory-to-memory device, where
 * each open file is a context of its own, is set to its smallest picture first: the format of any
 * other belongs to its users.
 *
 * Whatever is still held at the end, the exit gives back.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "broker/probe/fdinfo.h"

#define OWN_DEADLINE_S 30 /* should the parent die and nobody kill us */

static int xioctl(int fd, unsigned long request, void *argument)
{
	int result;

	do
		result = ioctl(fd, request, argument);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : 0;
}

static void confine(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(OWN_DEADLINE_S);
#ifdef SYS_close_range
	/* What the parent's other libraries forgot to mark. */
	syscall(SYS_close_range, 3u, ~0u, 0u);
#endif
}

static bool is_m2m(int fd)
{
	struct v4l2_capability answer = {0};

	if (xioctl(fd, VIDIOC_QUERYCAP, &answer) < 0)
		return false;
	return answer.device_caps & (V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE);
}

static void shrink(int fd, uint32_t type)
{
	struct v4l2_format format = {.type = type};

	if (xioctl(fd, VIDIOC_G_FMT, &format) < 0)
		return;
	if (V4L2_TYPE_IS_MULTIPLANAR(type)) {
		format.fmt.pix_mp.width = 1;
		format.fmt.pix_mp.height = 1;
		memset(format.fmt.pix_mp.plane_fmt, 0, sizeof(format.fmt.pix_mp.plane_fmt));
	} else {
		format.fmt.pix.width = 1;
		format.fmt.pix.height = 1;
		format.fmt.pix.bytesperline = 0;
		format.fmt.pix.sizeimage = 0;
	}
	/* Refused: then the default size has to do. */
	xioctl(fd, VIDIOC_S_FMT, &format);
}

static int exporter_name(int fd, char *name, size_t size)
{
	char path[64];
	int result;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	result = fdinfo_exporter(file, name, size);
	fclose(file);
	return result;
}

/* The exported fd is closed before the buffers are freed, which it would keep busy. */
static int export_one(int fd, uint32_t type, char *name, size_t size)
{
	struct v4l2_exportbuffer export = {.type = type, .flags = O_CLOEXEC};
	int result = xioctl(fd, VIDIOC_EXPBUF, &export);

	if (result < 0)
		return result;
	result = exporter_name(export.fd, name, size);
	close(export.fd);
	return result;
}

static int try_one(int fd, uint32_t type, char *name, size_t size, uint32_t *ret_capabilities)
{
	struct v4l2_requestbuffers one = {.count = 1, .type = type, .memory = V4L2_MEMORY_MMAP};
	struct v4l2_requestbuffers none = {.type = type, .memory = V4L2_MEMORY_MMAP};
	int result = xioctl(fd, VIDIOC_REQBUFS, &one);

	if (result < 0)
		return result;
	*ret_capabilities = one.capabilities;
	result = export_one(fd, type, name, size);
	xioctl(fd, VIDIOC_REQBUFS, &none);
	return result;
}

int main(int argc, char **argv)
{
	uint32_t type, capabilities = 0;
	char name[100];
	int fd, result;

	if (argc != 3) {
		fprintf(stderr, "usage: dmabroker-trial NODE QUEUE-TYPE\n");
		return 2;
	}
	confine();
	type = (uint32_t)strtoul(argv[2], NULL, 10);
	fd = open(argv[1], O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	if (is_m2m(fd))
		shrink(fd, type);
	result = try_one(fd, type, name, sizeof(name), &capabilities);
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-result));
		return 1;
	}
	printf("%s %x\n", name, capabilities);
	return fflush(stdout) == 0 ? 0 : 1;
}
