/* SPDX-License-Identifier: MIT */
/*
 * What happens without a broker: allocates from the first heap at hand, knowing nothing of the
 * camera, and finds out at VIDIOC_QBUF whether the camera can use it.
 *
 * Several buffers, because the pages of one may be adjacent by luck.
 *
 * Exit status: 0 the kernel refused, 1 it took all of them, 2 it did not come to that.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <linux/videodev2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define HEAP "/dev/dma_heap/system"
#define WIDTH 1920
#define HEIGHT 1080
#define BUFFERS 4

static const uint32_t type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static int open_or_give_up(const char *node)
{
	int fd = open(node, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		give_up(node);
	return fd;
}

static uint32_t set_format(int camera)
{
	struct v4l2_format format = {.type = type};

	format.fmt.pix.width = WIDTH;
	format.fmt.pix.height = HEIGHT;
	format.fmt.pix.pixelformat = V4L2_PIX_FMT_XBGR32;
	if (ioctl(camera, VIDIOC_S_FMT, &format) < 0)
		give_up("VIDIOC_S_FMT");
	printf("camera: %ux%u, %u bytes a frame\n", format.fmt.pix.width, format.fmt.pix.height,
	       format.fmt.pix.sizeimage);
	return format.fmt.pix.sizeimage;
}

static void request_buffers(int camera)
{
	struct v4l2_requestbuffers request = {
		.count = BUFFERS, .type = type, .memory = V4L2_MEMORY_DMABUF};

	if (ioctl(camera, VIDIOC_REQBUFS, &request) < 0)
		give_up("VIDIOC_REQBUFS");
}

static int allocate(int heap, uint32_t bytes)
{
	struct dma_heap_allocation_data data = {.len = bytes, .fd_flags = O_RDWR | O_CLOEXEC};

	if (ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) < 0)
		give_up("DMA_HEAP_IOCTL_ALLOC");
	return (int)data.fd;
}

static int queue(int camera, uint32_t index, int fd)
{
	struct v4l2_buffer buffer = {.index = index, .type = type, .memory = V4L2_MEMORY_DMABUF};

	buffer.m.fd = fd;
	return ioctl(camera, VIDIOC_QBUF, &buffer);
}

int main(int argc, char **argv)
{
	int camera, heap;
	uint32_t bytes;

	if (argc != 2) {
		fprintf(stderr, "usage: first-allocator /dev/videoN\n");
		return 2;
	}
	camera = open_or_give_up(argv[1]);
	heap = open_or_give_up(HEAP);
	bytes = set_format(camera);
	request_buffers(camera);
	for (uint32_t i = 0; i < BUFFERS; i++) {
		if (queue(camera, i, allocate(heap, bytes)) < 0) {
			printf("camera: refuses buffer %u of %s: %s (%s)\n", i, HEAP,
			       strerrorname_np(errno), strerror(errno));
			return 0;
		}
		printf("camera: takes buffer %u of %s\n", i, HEAP);
	}
	return 1;
}
