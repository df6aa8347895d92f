/* SPDX-License-Identifier: MIT */
/* From answers of a V4L2 driver to the rule behind them. Pure: v4l2-grid.c, v4l2-rule.c. */
#ifndef PROBE_V4L2_RULE_H
#define PROBE_V4L2_RULE_H

#include "broker/model/format.h"
#include "broker/model/vocabulary.h"

/* The picture that a driver answered to a VIDIOC_TRY_FMT. */
struct v4l2_picture {
	uint32_t width;
	uint32_t height;
	uint32_t stride; /* bytesperline of the first plane; 0: the driver does not say */
	uint64_t bytes;	 /* sizeimage */
};

#define V4L2_SAMPLES_MAX 160u

struct v4l2_samples {
	struct v4l2_picture items[V4L2_SAMPLES_MAX];
	size_t len;
};

/* False: it is full. The same picture is added once. */
bool v4l2_samples_add(struct v4l2_samples *samples, const struct v4l2_picture *picture);

/* The sizes for which a rule is to hold: a list, or ranges with steps. */
struct v4l2_grid {
	const struct vocab_size *sizes; /* borrowed */
	size_t sizes_len;		/* 0: the ranges count */
	struct vocab_size min, max, step;
	struct vocab_size grain; /* only sizes that are multiples of these */
};

/* The least size of a range on the grid, and its steps, grain included. False: it is empty. */
bool v4l2_grid_range(const struct v4l2_grid *grid, struct vocab_size *ret_min,
		     struct vocab_size *ret_step);

bool v4l2_grid_has(const struct v4l2_grid *grid, uint32_t width, uint32_t height);

/* Whether sizes of this width are on the grid. */
bool v4l2_grid_has_width(const struct v4l2_grid *grid, uint32_t width);

/* Sizes on a grid: of ranges one width or height after the other, or here and there, without a
 * pattern and always the same; of a list all. */
enum v4l2_walk_kind { V4L2_WALK_WIDTHS, V4L2_WALK_HEIGHTS, V4L2_WALK_ABOUT };

struct v4l2_walk {
	const struct v4l2_grid *grid; /* borrowed */
	enum v4l2_walk_kind kind;
	struct vocab_size min, step;
	uint32_t widths, heights; /* how many there are */
};

/* False: the grid is empty. */
bool v4l2_walk_begin(struct v4l2_walk *walk, const struct v4l2_grid *grid,
		     enum v4l2_walk_kind kind);

/* The `i`th size. False: there are no more; of those here and there always more. */
bool v4l2_walk_at(const struct v4l2_walk *walk, uint32_t i, struct vocab_size *ret_size);

/* What the solver knows how to lay out. */
struct v4l2_rule {
	uint32_t stride_align; /* bytes */
	uint32_t height_align; /* rows of the picture */
	uint64_t tail_bytes;   /* behind the last plane, rounding included: never less */
	uint64_t tail;	       /* behind the last plane, before rounding */
	uint32_t round;	       /* sizeimage is a multiple of so many bytes */
	/* What the solver knows nothing of, and what a rule has to be told apart from: which planes
	 * are rounded up by themselves, to how many bytes; chroma strides that do not follow from
	 * the first, 0: they do. */
	enum v4l2_padding {
		V4L2_PADDING_END,     /* none */
		V4L2_PADDING_BETWEEN, /* all but the last */
		V4L2_PADDING_EACH,
	} padding;
	uint32_t plane_round;
	uint32_t chroma_align;
};

enum v4l2_fit {
	V4L2_FIT_NONE,
	V4L2_FIT_RULE, /* and no other rule explains the answers and differs anywhere on the grid */
	V4L2_FIT_MORE, /* there is another one: the size `ret_witness` tells them apart */
};

/*
 * Which rule explains all samples that lie on the grid. `*ret_reason`, borrowed for ever, says why
 * none does. How a rule is found: v4l2-rule.c.
 */
enum v4l2_fit v4l2_rule_fit(const struct v4l2_samples *samples, const struct format_info *info,
			    const struct v4l2_grid *grid, struct v4l2_rule *ret_rule,
			    struct vocab_size *ret_witness, const char **ret_reason);

/* The stride the rule gives a width; 0: none that fits 32 bit. */
uint32_t v4l2_rule_stride(const struct v4l2_rule *rule, const struct format_info *info,
			  uint32_t width);

/* Whether a driver that follows the rule may answer so for a stride of our own. */
bool v4l2_rule_holds(const struct v4l2_rule *rule, const struct format_info *info,
		     const struct v4l2_picture *picture);

#endif
