/* SPDX-License-Identifier: MIT */
/* Sizes that a driver takes, and what it answered for some of them. Pure. */
#include "broker/model/arith.h"
#include "broker/probe/v4l2-rule.h"

bool v4l2_samples_add(struct v4l2_samples *samples, const struct v4l2_picture *picture)
{
	for (size_t i = 0; i < samples->len; i++) {
		const struct v4l2_picture *known = &samples->items[i];

		if (known->width == picture->width && known->height == picture->height &&
		    known->stride == picture->stride && known->bytes == picture->bytes)
			return true;
	}
	if (samples->len == V4L2_SAMPLES_MAX)
		return false;
	samples->items[samples->len++] = *picture;
	return true;
}

/* Grains are at most 64: so many steps later everything repeats. */
static bool axis(uint32_t min, uint32_t max, uint32_t step, uint32_t grain, uint32_t *ret_min,
		 uint32_t *ret_step)
{
	uint64_t common, first = min;

	if (step == 0 || grain == 0 || !arith_lcm(step, grain, &common) || common > UINT32_MAX)
		return false;
	for (uint32_t i = 0; first % grain && i < grain; i++)
		first += step;
	if (first % grain || first > max)
		return false;
	*ret_min = (uint32_t)first;
	*ret_step = (uint32_t)common;
	return true;
}

bool v4l2_grid_range(const struct v4l2_grid *grid, struct vocab_size *ret_min,
		     struct vocab_size *ret_step)
{
	return axis(grid->min.width, grid->max.width, grid->step.width, grid->grain.width,
		    &ret_min->width, &ret_step->width) &&
	       axis(grid->min.height, grid->max.height, grid->step.height, grid->grain.height,
		    &ret_min->height, &ret_step->height);
}

static bool on_axis(uint32_t value, uint32_t min, uint32_t max, uint32_t step)
{
	return value >= min && value <= max && (value - min) % step == 0;
}

bool v4l2_grid_has_width(const struct v4l2_grid *grid, uint32_t width)
{
	struct vocab_size min, step;

	for (size_t i = 0; i < grid->sizes_len; i++)
		if (grid->sizes[i].width == width)
			return width % grid->grain.width == 0;
	return !grid->sizes_len && v4l2_grid_range(grid, &min, &step) &&
	       on_axis(width, min.width, grid->max.width, step.width);
}

bool v4l2_grid_has(const struct v4l2_grid *grid, uint32_t width, uint32_t height)
{
	struct vocab_size min, step;

	for (size_t i = 0; i < grid->sizes_len; i++)
		if (grid->sizes[i].width == width && grid->sizes[i].height == height)
			return width % grid->grain.width == 0 && height % grid->grain.height == 0;
	return !grid->sizes_len && v4l2_grid_range(grid, &min, &step) &&
	       on_axis(width, min.width, grid->max.width, step.width) &&
	       on_axis(height, min.height, grid->max.height, step.height);
}

bool v4l2_walk_begin(struct v4l2_walk *walk, const struct v4l2_grid *grid, enum v4l2_walk_kind kind)
{
	*walk = (struct v4l2_walk){.grid = grid, .kind = kind};
	if (grid->sizes_len)
		return true;
	if (!v4l2_grid_range(grid, &walk->min, &walk->step))
		return false;
	walk->widths = (grid->max.width - walk->min.width) / walk->step.width + 1;
	walk->heights = (grid->max.height - walk->min.height) / walk->step.height + 1;
	return true;
}

/* Numbers without a pattern that a driver could share. */
static uint32_t scatter(uint32_t i)
{
	i = (i ^ (i >> 16)) * 0x45d9f3bu;
	i = (i ^ (i >> 16)) * 0x45d9f3bu;
	return i ^ (i >> 16);
}

static bool walk_list(const struct v4l2_grid *grid, uint32_t i, struct vocab_size *ret_size)
{
	for (size_t j = 0; j < grid->sizes_len; j++) {
		*ret_size = grid->sizes[j];
		if (v4l2_grid_has(grid, ret_size->width, ret_size->height) && i-- == 0)
			return true;
	}
	return false;
}

bool v4l2_walk_at(const struct v4l2_walk *walk, uint32_t i, struct vocab_size *ret_size)
{
	uint32_t column = i, row = i;

	if (walk->grid->sizes_len)
		return walk_list(walk->grid, i, ret_size);
	if ((walk->kind == V4L2_WALK_WIDTHS && i >= walk->widths) ||
	    (walk->kind == V4L2_WALK_HEIGHTS && i >= walk->heights))
		return false;
	if (walk->kind == V4L2_WALK_ABOUT) {
		column = scatter(2 * i + 1);
		row = scatter(2 * i + 2);
	}
	ret_size->width = walk->min.width + column % walk->widths * walk->step.width;
	ret_size->height = walk->min.height + row % walk->heights * walk->step.height;
	return true;
}
