/* SPDX-License-Identifier: MIT */
/* V4L2 nodes -> facts. */
#ifndef PROBE_V4L2_H
#define PROBE_V4L2_H

#include "broker/model/format.h"
#include "broker/probe/measure.h"

/* The layout of a picture cannot be told: such a format is listed and never planned. */
#define V4L2_MODIFIER_UNKNOWN 0x00ffffffffffffffull /* DRM_FORMAT_MOD_INVALID */

/* Kind, driver and name of an open V4L2 node. Errors: -ENOTSUP (no streaming), -ENODEV, -ENOMEM. */
int v4l2_identify(struct measure *measure);

/* The roles. Errors: -ENOTSUP (no pictures), -ENODEV, -ENOMEM. */
int v4l2_measure(struct measure *measure);

/* A queue that is being asked. */
struct v4l2_queue {
	int fd;
	uint32_t type; /* enum v4l2_buf_type */
	bool multi_planar;
	unsigned int questions_left;
	bool busy; /* a question was answered with EBUSY */
	bool gone; /* ... with ENODEV */
};

/* An ioctl that costs a question. Errors: -errno; -E2BIG: enough was asked of this queue. */
int v4l2_ask(struct v4l2_queue *queue, unsigned long request, void *argument);

/*
 * v4l2-memory.c: what memory a queue takes, whatever the format.
 */
struct v4l2_memory_facts {
	uint32_t capabilities; /* V4L2_BUF_CAP_* by CREATE_BUFS; 0: it has not said */
	int buffers;	       /* that the queue has, or -errno; above 0 it has a user */
	bool is_decoder;       /* without a stream it has no buffers */
	bool has_pictures;     /* else nobody asks */
	/* of the role by this device's last measurement, else NULL; borrowed */
	const struct device_role *previous;
};

/* Asks how many buffers the queue has, and what it can do with them. */
void v4l2_memory_ask(struct v4l2_queue *queue, struct v4l2_memory_facts *facts);

/* Imports, memory model, contiguity and what follows from them. May run a trial. */
void v4l2_memory_measure(struct measure *measure, const struct v4l2_queue *queue,
			 const struct v4l2_memory_facts *facts, struct device_role *role);

/*
 * v4l2-format.c: sizes, strides and bytes of one format of a queue. `info` describes the format,
 * `v4l2_format` is how the driver calls it.
 * Errors: -ENOTSUP (no rule that we know describes its layout; `*ret_reason`, borrowed for ever,
 * says in what), -ENOMEM.
 */
int v4l2_format_measure(struct v4l2_queue *queue, uint32_t v4l2_format,
			const struct format_info *info, struct device_format *format,
			const char **ret_reason);

#endif
