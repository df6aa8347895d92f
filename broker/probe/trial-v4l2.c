/* SPDX-License-Identifier: MIT */
/*
 * Trials of a V4L2 queue. First one buffer of the driver's own: the kernel's name of its exporter
 * says which allocator stands behind the queue. Then foreign buffers, which are prepared and never
 * given to the hardware.
 *
 * Whoever has buffers owns the queue, and everybody else gets EBUSY: so there is one short spell of
 * ownership, from the first REQBUFS to the last, in which the memory type changes but the queue is
 * never let go. If somebody else owns it, the first REQBUFS says so, and that is the end.
 *
 * Only a memory-to-memory device, where each open file is a context of its own, is set to its
 * smallest picture first: the format of any other belongs to its users.
 *
 * How videobuf2 sees a foreign buffer (6.12 videobuf2-core.c, __prepare_dmabuf):
 * - It must be as long as the plane; ours are, so that EFAULT means: not contiguous.
 * - The length that we say is what has to be contiguous, not the length of the buffer. So a queue
 *   whose pictures fit into one page is also asked whether the used part is enough ("used"); larger
 *   ones cannot be, since nobody can make a contiguous beginning here without taking scarce memory
 *   from others.
 * - If it refuses the first of several memory planes it forgets to put the dma-bufs of the others.
 *   So formats of several memory planes are not tried.
 * Where a driver has no PREPARE_BUF (ENOTTY), QBUF before STREAMON does the same, but such drivers
 * have rules of their own: of their refusals only EFAULT is believed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/probe/fdinfo.h"
#include "broker/probe/trial-child.h"

#define FORMATS_MAX 64u

struct queue {
	int fd;
	uint32_t type;
	uint32_t planes; /* memory planes of the format */
	uint64_t bytes;	 /* of the first one */
	uint32_t field;
};

/* --- format --- */

static bool is_m2m(int fd)
{
	struct v4l2_capability answer = {0};

	if (trial_ioctl(fd, VIDIOC_QUERYCAP, &answer) < 0)
		return false;
	return answer.device_caps & (V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE);
}

/* Refused: then the format that is set has to do. */
static void set_smallest(const struct queue *queue, struct v4l2_format *format)
{
	if (V4L2_TYPE_IS_MULTIPLANAR(queue->type)) {
		format->fmt.pix_mp.width = 1;
		format->fmt.pix_mp.height = 1;
		memset(format->fmt.pix_mp.plane_fmt, 0, sizeof(format->fmt.pix_mp.plane_fmt));
	} else {
		format->fmt.pix.width = 1;
		format->fmt.pix.height = 1;
		format->fmt.pix.bytesperline = 0;
		format->fmt.pix.sizeimage = 0;
	}
	trial_ioctl(queue->fd, VIDIOC_S_FMT, format);
}

static int read_format(struct queue *queue, struct v4l2_format *format)
{
	int error;

	*format = (struct v4l2_format){.type = queue->type};
	error = trial_ioctl(queue->fd, VIDIOC_G_FMT, format);
	if (error)
		return error;
	if (V4L2_TYPE_IS_MULTIPLANAR(queue->type)) {
		queue->planes = format->fmt.pix_mp.num_planes;
		queue->bytes = format->fmt.pix_mp.plane_fmt[0].sizeimage;
		queue->field = format->fmt.pix_mp.field;
	} else {
		queue->planes = 1;
		queue->bytes = format->fmt.pix.sizeimage;
		queue->field = format->fmt.pix.field;
	}
	return 0;
}

/* The first format of a single memory plane, if the context has another. */
static void set_one_plane(struct queue *queue, struct v4l2_format *format)
{
	for (uint32_t index = 0; index < FORMATS_MAX && queue->planes > 1; index++) {
		struct v4l2_fmtdesc description = {.index = index, .type = queue->type};

		if (trial_ioctl(queue->fd, VIDIOC_ENUM_FMT, &description) < 0)
			return;
		format->fmt.pix_mp.pixelformat = description.pixelformat;
		set_smallest(queue, format);
		if (read_format(queue, format))
			return;
	}
}

/* Errors: those of G_FMT: there is no such queue. */
static int prepare_format(struct queue *queue)
{
	struct v4l2_format format;
	int error = read_format(queue, &format);

	if (error || !is_m2m(queue->fd))
		return error;
	set_smallest(queue, &format);
	error = read_format(queue, &format);
	if (!error)
		set_one_plane(queue, &format);
	return error;
}

/* --- the driver's own buffer --- */

static int request_buffers(const struct queue *queue, uint32_t count, enum v4l2_memory memory,
			   uint32_t *capabilities)
{
	struct v4l2_requestbuffers request = {
		.count = count, .type = queue->type, .memory = memory};
	int error = trial_ioctl(queue->fd, VIDIOC_REQBUFS, &request);

	if (!error && capabilities)
		*capabilities = request.capabilities;
	return error;
}

static int exporter_name(int fd, char name[TRIAL_EXPORTER_BYTES])
{
	char path[64];
	int error;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	error = fdinfo_exporter(file, name, TRIAL_EXPORTER_BYTES);
	fclose(file);
	return error;
}

/* The exported fd is closed before the buffers are freed, which it would keep busy. */
static void export_one(const struct queue *queue, char exporter[TRIAL_EXPORTER_BYTES])
{
	struct v4l2_exportbuffer export = {.type = queue->type, .flags = O_CLOEXEC};

	if (trial_ioctl(queue->fd, VIDIOC_EXPBUF, &export) < 0)
		return;
	if (exporter_name(export.fd, exporter) < 0)
		exporter[0] = '\0';
	close(export.fd);
}

/* --- foreign buffers --- */

struct import {
	int fd;
	uint32_t length; /* of the plane: what must be contiguous */
	struct v4l2_plane plane;
	struct v4l2_buffer buffer;
};

static void fill_import(const struct queue *queue, struct import *import)
{
	struct v4l2_buffer *buffer = &import->buffer;

	*buffer = (struct v4l2_buffer){
		.type = queue->type, .memory = V4L2_MEMORY_DMABUF, .field = queue->field};
	/* a picture as it would come: without it drivers of output queues complain in the log */
	if (V4L2_TYPE_IS_MULTIPLANAR(queue->type)) {
		import->plane = (struct v4l2_plane){.bytesused = (uint32_t)queue->bytes,
						    .length = import->length,
						    .m.fd = import->fd};
		buffer->m.planes = &import->plane;
		buffer->length = 1;
	} else {
		buffer->bytesused = (uint32_t)queue->bytes;
		buffer->length = import->length;
		buffer->m.fd = import->fd;
	}
}

static int prepare(const struct queue *queue, struct import *import)
{
	int error;

	fill_import(queue, import);
	error = trial_ioctl(queue->fd, VIDIOC_PREPARE_BUF, &import->buffer);
	if (error != -ENOTTY)
		return error;
	fill_import(queue, import);
	error = trial_ioctl(queue->fd, VIDIOC_QBUF, &import->buffer);
	return error == 0 || error == -EFAULT ? error : -ENOTTY;
}

/* Each on fresh buffers: REQBUFS frees what was prepared before. */
static void try_import(const struct queue *queue, int fd, uint64_t length,
		       enum trial_verdict *verdict, uint32_t *refusal)
{
	struct import import = {.fd = fd, .length = (uint32_t)length};

	if (length > UINT32_MAX || request_buffers(queue, 1, V4L2_MEMORY_DMABUF, NULL) < 0)
		return;
	trial_note(prepare(queue, &import), verdict, refusal);
}

static void try_imports(const struct queue *queue, struct trial_answer *answer)
{
	struct trial_memory memory;
	uint64_t page_bytes, bytes;
	int fd;

	if (queue->planes != 1 || queue->bytes == 0 || trial_memory_open(&memory))
		return;
	page_bytes = memory.limits.page_bytes;
	/* the picture and a page more: then there are two at least */
	bytes = queue->bytes + page_bytes;
	if (bytes < TRIAL_SCATTERED_BYTES)
		bytes = TRIAL_SCATTERED_BYTES;
	fd = trial_memory_make(&memory, bytes, &bytes);
	if (fd >= 0) {
		try_import(queue, fd, bytes, &answer->scattered, &answer->errors.scattered);
		if (queue->bytes <= page_bytes)
			try_import(queue, fd, page_bytes, &answer->used, &answer->errors.used);
		close(fd);
	}
	trial_memory_close(&memory);
}

/* --- the queue --- */

/* Old kernels say nothing. */
static bool imports_at_all(uint32_t capabilities)
{
	return capabilities == 0 || (capabilities & V4L2_BUF_CAP_SUPPORTS_DMABUF);
}

/* Ends with the queue free again, as it was. A driver that has no memory for a buffer of its own
 * may still take foreign ones. Errors: as trial_v4l2. */
static int try_queue(const struct queue *queue, const struct trial *trial,
		     char exporter[TRIAL_EXPORTER_BYTES], struct trial_answer *answer)
{
	int error = request_buffers(queue, 1, V4L2_MEMORY_MMAP, &answer->capabilities);

	if (error == -EBUSY) {
		answer->busy = true;
		return 0;
	}
	if (!error)
		export_one(queue, exporter);
	if (!trial->no_imports && imports_at_all(answer->capabilities))
		try_imports(queue, answer);
	request_buffers(queue, 0, error ? V4L2_MEMORY_DMABUF : V4L2_MEMORY_MMAP, NULL);
	return answer->scattered == TRIAL_NOT_MADE ? error : 0;
}

int trial_v4l2(const struct trial *trial, char exporter[TRIAL_EXPORTER_BYTES],
	       struct trial_answer *ret_answer)
{
	struct queue queue = {.type = trial->queue_type};
	int error;

	*ret_answer = (struct trial_answer){0};
	exporter[0] = '\0';
	queue.fd = open(trial->node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (queue.fd < 0)
		return -errno;
	error = prepare_format(&queue);
	if (!error)
		error = try_queue(&queue, trial, exporter, ret_answer);
	close(queue.fd);
	return error;
}
