/* SPDX-License-Identifier: MIT */
#include "tests/vm/queue.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "examples/die.h"

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

static uint64_t number(const struct dmabroker_record *record, const char *key)
{
	uint64_t value;

	if (dmabroker_record_get_uint(record, key, &value) < 0)
		die("the plan says no %s", key);
	return value;
}

static const struct dmabroker_record *find_view(const struct dmabroker_record *plan,
						const char *who)
{
	const struct dmabroker_record *view;
	const char *name;

	for (size_t i = 0; dmabroker_record_get_record(plan, "participants", i, &view) == 0; i++) {
		name = dmabroker_record_get_string(view, "name");
		if (name && strcmp(name, who) == 0)
			return view;
	}
	die("the plan says nothing of %s", who);
}

struct v4l2_pix_format queue_format_of(const struct dmabroker_record *plan, const char *who)
{
	const struct dmabroker_record *view = find_view(plan, who);

	return (struct v4l2_pix_format){
		.width = (uint32_t)number(plan, "width"),
		.height = (uint32_t)number(plan, "height"),
		.pixelformat = (uint32_t)number(view, "v4l2-format"),
		.bytesperline = (uint32_t)number(view, "v4l2-bytesperline"),
		.sizeimage = (uint32_t)number(view, "v4l2-sizeimage"),
		.field = V4L2_FIELD_NONE,
	};
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

static void set_control(int fd, const char *name, int value)
{
	struct v4l2_query_ext_ctrl query = {.id = V4L2_CTRL_FLAG_NEXT_CTRL};
	struct v4l2_control control = {.value = value};

	for (; ioctl(fd, VIDIOC_QUERY_EXT_CTRL, &query) == 0; query.id |= V4L2_CTRL_FLAG_NEXT_CTRL)
		if (strcmp(query.name, name) == 0)
			control.id = query.id;
	if (!control.id)
		die("vivid has no control %s", name);
	if (try_ioctl(fd, VIDIOC_S_CTRL, &control) < 0)
		die("%s: %s", name, strerror(errno));
}

void queue_set_item(int fd, const char *name, const char *item)
{
	struct v4l2_query_ext_ctrl query = {.id = V4L2_CTRL_FLAG_NEXT_CTRL};

	for (; ioctl(fd, VIDIOC_QUERY_EXT_CTRL, &query) == 0;
	     query.id |= V4L2_CTRL_FLAG_NEXT_CTRL) {
		struct v4l2_querymenu menu = {.id = query.id};

		if (strcmp(query.name, name) != 0)
			continue;
		for (; menu.index <= (uint32_t)query.maximum; menu.index++)
			if (ioctl(fd, VIDIOC_QUERYMENU, &menu) == 0 &&
			    strcmp((const char *)menu.name, item) == 0) {
				set_control(fd, name, (int)menu.index);
				return;
			}
	}
	die("vivid has no %s of control %s", item, name);
}
