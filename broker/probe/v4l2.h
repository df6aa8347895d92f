/* SPDX-License-Identifier: MIT */
/* V4L2 nodes -> facts. */
#ifndef PROBE_V4L2_H
#define PROBE_V4L2_H

#include "broker/model/descriptor.h"
#include "broker/model/format.h"
#include "broker/probe/probe.h"

/* The roles of an open V4L2 node. Errors: -ENOTSUP (no pictures, or no streaming), -ENOMEM. */
int v4l2_measure(int fd, const struct probe_node *node, const struct probe_options *options,
		 struct device *device);

/* A queue that is being asked. */
struct v4l2_queue {
	int fd;
	uint32_t type; /* enum v4l2_buf_type */
	bool multi_planar;
	unsigned int questions_left;
};

/* An ioctl that costs a question. Errors: -errno; -E2BIG: enough was asked of this queue. */
int v4l2_ask(struct v4l2_queue *queue, unsigned long request, void *argument);

/*
 * v4l2-format.c: sizes, strides and bytes of one format of a queue. `info` describes the format,
 * `v4l2_format` is how the driver calls it.
 * Errors: -ENOTSUP (it has several memory planes), -ENOMEM. Any other refusal leaves facts out.
 */
int v4l2_format_measure(struct v4l2_queue *queue, uint32_t v4l2_format,
			const struct format_info *info, struct device_format *format);

/* v4l2-format.c: the picture that a driver answered to a VIDIOC_TRY_FMT. */
struct v4l2_picture {
	uint32_t width;
	uint32_t height;
	uint32_t stride; /* bytesperline of the first plane; 0: the driver does not say */
	uint64_t bytes;	 /* sizeimage */
};

/* v4l2-format.c: what is learnt from several of them. Zeroed in the beginning. */
struct v4l2_strides {
	struct v4l2_picture samples[16];
	size_t samples_len;
};

void v4l2_strides_add(struct v4l2_strides *strides, const struct v4l2_picture *picture);

/* The alignment that explains the strides seen; 0: they cannot be told. */
uint32_t v4l2_strides_align(const struct v4l2_strides *strides, const struct format_info *info);

/* The most bytes that the driver wanted beyond a picture. */
uint64_t v4l2_strides_tail(const struct v4l2_strides *strides, const struct format_info *info);

#endif
