/* SPDX-License-Identifier: MIT */
/*
 * Whether what broker/probe finds of a driver's formats is true of real drivers: VIDIOC_TRY_FMT is
 * asked for a great many of the sizes that the facts allow, with and without strides of ours, and
 * the answer compared with the layout that the solver would plan. Prints TAP, one test a queue.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "broker/model/arith.h"
#include "broker/model/format.h"
#include "broker/probe/probe.h"

#define WIDTHS 24u
#define HEIGHTS 16u

struct queue {
	const char *id;
	int fd;
	const struct device_role *role;
	const struct device_format *format;
	unsigned int asked, wrong;
};

static unsigned int tests, failed;

static uint32_t type_of(const struct device_role *role)
{
	if (role->role == ROLE_CAPTURE)
		return role->multi_planar ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
					  : V4L2_BUF_TYPE_VIDEO_CAPTURE;
	return role->multi_planar ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE : V4L2_BUF_TYPE_VIDEO_OUTPUT;
}

/* What the driver makes of a picture; false: it refuses. */
static bool try(const struct queue *queue, struct v4l2_pix_format *picture)
{
	struct v4l2_format format = {.type = type_of(queue->role)};
	struct v4l2_pix_format_mplane *multi = &format.fmt.pix_mp;
	int result;

	picture->pixelformat = queue->format->v4l2_format;
	picture->field = V4L2_FIELD_NONE;
	format.fmt.pix = *picture;
	if (queue->role->multi_planar) {
		memset(multi, 0, sizeof(*multi));
		multi->width = picture->width;
		multi->height = picture->height;
		multi->pixelformat = picture->pixelformat;
		multi->field = picture->field;
		multi->plane_fmt[0].bytesperline = picture->bytesperline;
		multi->num_planes = 1;
	}
	result = ioctl(queue->fd, VIDIOC_TRY_FMT, &format);
	*picture = format.fmt.pix;
	if (queue->role->multi_planar) {
		picture->bytesperline = multi->plane_fmt[0].bytesperline;
		picture->sizeimage = multi->plane_fmt[0].sizeimage;
	}
	return result == 0;
}

/* Bytes as broker/solver/merge.c plans them; 0: there is no such layout. */
static uint64_t planned_bytes(const struct device_format *format, uint32_t height, uint32_t stride)
{
	const struct format_info *info = format_find(format->format);
	struct format_layout layout;
	uint64_t rows;

	if (!arith_align(height, format->height_align, &rows) ||
	    !format_layout(info, (uint32_t)rows, stride, 1, &layout))
		return 0;
	return layout.total + format->tail_bytes;
}

static void check(struct queue *queue, uint32_t width, uint32_t height, uint32_t stride,
		  bool is_ours)
{
	struct v4l2_pix_format answer = {
		.width = width, .height = height, .bytesperline = is_ours ? stride : 0};
	uint64_t bytes = planned_bytes(queue->format, height, stride);
	char fourcc[FORMAT_TEXT_BYTES];

	queue->asked++;
	if (try(queue, &answer) && answer.width == width && answer.height == height &&
	    answer.bytesperline == stride && answer.sizeimage <= bytes)
		return;
	if (queue->wrong++ > 4)
		return;
	format_text(queue->format->format, fourcc);
	printf("# %s %s %ux%u: planned stride %u%s, %llu bytes; the driver: %ux%u %u %u\n",
	       queue->id, fourcc, width, height, stride, is_ours ? " (ours)" : "",
	       (unsigned long long)bytes, answer.width, answer.height, answer.bytesperline,
	       answer.sizeimage);
}

static void check_size(struct queue *queue, uint32_t width, uint32_t height)
{
	const struct device_format *format = queue->format;
	uint64_t stride;

	if (!arith_align(format_stride_min(format_find(format->format), width),
			 format->stride_align, &stride))
		return;
	if (!format->stride_custom) {
		check(queue, width, height, (uint32_t)stride, false);
		return;
	}
	for (uint32_t steps = 0; steps < 4; steps++)
		if (stride + steps * format->stride_align <= format->stride_max)
			check(queue, width, height, (uint32_t)stride + steps * format->stride_align,
			      true);
	check(queue, width, height,
	      format->stride_max / format->stride_align * format->stride_align, true);
}

static uint32_t step_to(uint32_t min, uint32_t max, uint32_t step, uint32_t i, uint32_t parts)
{
	uint32_t steps = (max - min) / step;

	/* the first ones one by one, then all over */
	return min +
	       (i < parts / 2 ? (i < steps ? i : steps) : steps * (uint64_t)i / (parts - 1)) * step;
}

static void check_range(struct queue *queue)
{
	const struct device_format *f = queue->format;

	for (uint32_t i = 0; i < WIDTHS; i++)
		for (uint32_t j = 0; j < HEIGHTS; j++)
			check_size(
				queue,
				step_to(f->width_min, f->width_max, f->width_step, i, WIDTHS),
				step_to(f->height_min, f->height_max, f->height_step, j, HEIGHTS));
}

static void check_role(struct queue *queue)
{
	unsigned int planned = 0;

	for (size_t i = 0; i < queue->role->formats.len; i++) {
		queue->format = (const void *)queue->role->formats.items[i];
		if (!vocab_has(queue->format, FORMAT_MODIFIER) || queue->format->modifier)
			continue;
		planned++;
		for (size_t j = 0; j < queue->format->sizes.len; j++)
			check_size(queue, queue->format->sizes.items[j].width,
				   queue->format->sizes.items[j].height);
		if (!queue->format->sizes.len)
			check_range(queue);
	}
	if (!planned)
		return;
	failed += queue->wrong != 0;
	printf("%sok %u - %s %s: %u formats, %u of %u answers as planned\n",
	       queue->wrong ? "not " : "", ++tests, queue->id,
	       vocab_enum_name(queue->role, ROLE_ROLE), planned, queue->asked - queue->wrong,
	       queue->asked);
}

static void check_node(void *data, enum probe_event event, const struct probe_node *node)
{
	const struct probe_options *options = data;
	struct device *device = NULL;
	struct queue queue = {.id = node->id};
	bool again;

	if (event != PROBE_ADDED || strcmp(node->subsystem, "video4linux") != 0 ||
	    probe_measure(node, options, NULL, &device, &again) < 0)
		return;
	queue.fd = open(node->node, O_RDWR | O_CLOEXEC);
	for (size_t i = 0; i < device->roles.len && queue.fd >= 0; i++) {
		queue.role = (const void *)device->roles.items[i];
		queue.asked = queue.wrong = 0;
		check_role(&queue);
	}
	close(queue.fd);
	vocab_destroy(device);
}

int main(void)
{
	struct probe_options options = {.trial_program = NULL};
	struct probe *probe;
	int error = probe_create(&options, &probe);

	if (!error) {
		error = probe_enumerate(probe, check_node, &options);
		probe_destroy(probe);
	}
	printf("1..%u\n", tests);
	if (error)
		fprintf(stderr, "v4l2-sizes: %s\n", strerror(-error));
	return error || failed || !tests ? 1 : 0;
}
