/* SPDX-License-Identifier: MIT */
/* One format of a V4L2 queue while it is asked for: v4l2-try.c, v4l2-sizes.c, v4l2-format.c. */
#ifndef PROBE_V4L2_ASKER_H
#define PROBE_V4L2_ASKER_H

#include "broker/probe/v4l2-rule.h"
#include "broker/probe/v4l2.h"

#define V4L2_SIZES_MAX 128u

struct v4l2_asker {
	struct v4l2_queue *queue;
	uint32_t fourcc; /* V4L2 */
	const struct format_info *info;
	struct v4l2_samples samples;
	struct v4l2_grid grid;
	struct vocab_size sizes[V4L2_SIZES_MAX]; /* of the grid, if it is a list */
	enum vocab_origin origin;		 /* of the sizes */
	struct v4l2_rule rule;
	const char *reason; /* why there is none */
};

/*
 * v4l2-try.c: what the driver makes of a picture.
 * Errors: -ENOTSUP (several memory planes), -EINVAL (another format, or fields apart), the
 * driver's.
 */
int v4l2_try(struct v4l2_asker *asker, const struct v4l2_picture *ask,
	     struct v4l2_picture *ret_answer);

/* Adds what the driver answers to the samples, if it is the size that was asked for.
 * Errors: -ERANGE: it is another one, `*ret_answer`; as v4l2_try. */
int v4l2_sample(struct v4l2_asker *asker, uint32_t width, uint32_t height,
		struct v4l2_picture *ret_answer);
int v4l2_sample_size(struct v4l2_asker *asker, const struct vocab_size *size);

/* v4l2-sizes.c: finds the grid. Errors: as v4l2_try. */
int v4l2_sizes_find(struct v4l2_asker *asker);

/* No steps explain what the driver makes of sizes: the grid is the list of those it has taken. */
void v4l2_sizes_keep(struct v4l2_asker *asker);

/* Samples of all kinds on the grid's ranges, as many as a rule needs at least. Errors: -ERANGE: the
 * grid is wrong; as v4l2_try. */
int v4l2_sizes_sample(struct v4l2_asker *asker);

#endif
