/* SPDX-License-Identifier: MIT */
/*
 * Which sizes a driver takes. A size counts if TRY_FMT answers the very size that was asked for:
 * what is asked for later with S_FMT must come out as it was planned.
 *
 * Listed sizes (ENUM_FRAMESIZES) are tried one by one, and a driver that makes 1920x1088 of its
 * 1920x1080 is taken at its answer. Of ranges the ends are tried, and sizes in between; where an
 * answer is another size, the steps are what the distances of the answers have in common. A driver
 * that follows no steps is left with the sizes it has taken.
 */
#include <errno.h>
#include <linux/videodev2.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/probe/v4l2-asker.h"

#define EXTREME 32768u /* as large as a request may ask */
#define OFFSETS 8u
#define SCATTERED 16u /* sizes all over a range, besides */

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* --- sizes that are listed --- */

static bool ask_size(struct v4l2_asker *asker, uint32_t index, struct v4l2_frmsizeenum *ret_size)
{
	*ret_size = (struct v4l2_frmsizeenum){.index = index, .pixel_format = asker->fourcc};
	return v4l2_ask(asker->queue, VIDIOC_ENUM_FRAMESIZES, ret_size) == 0;
}

static void list_size(struct v4l2_asker *asker, uint32_t width, uint32_t height)
{
	struct v4l2_grid *grid = &asker->grid;

	for (size_t i = 0; i < grid->sizes_len; i++)
		if (grid->sizes[i].width == width && grid->sizes[i].height == height)
			return;
	if (grid->sizes_len == V4L2_SIZES_MAX)
		return;
	asker->sizes[grid->sizes_len++] = (struct vocab_size){width, height};
}

/* A size that the driver lists, or what it makes of it. Errors: the driver's. */
static int try_listed(struct v4l2_asker *asker, const struct v4l2_frmsize_discrete *listed)
{
	struct v4l2_picture answer;
	int error = v4l2_sample(asker, listed->width, listed->height, &answer);

	if (error == -ERANGE) {
		asker->origin = VOCAB_MEASURED;
		error = v4l2_sample(asker, answer.width, answer.height, &answer);
	}
	if (!error)
		list_size(asker, answer.width, answer.height);
	return error;
}

/* Drivers may list the first of many sizes and continue with ranges: only a list counts as such. */
static int list_sizes(struct v4l2_asker *asker, const struct v4l2_frmsizeenum *first)
{
	struct v4l2_frmsizeenum size = *first;
	uint32_t index = 0;
	int error;

	asker->grid.sizes = asker->sizes;
	do {
		error = try_listed(asker, &size.discrete);
		if (error == -ENOTSUP)
			return error;
		if (error)
			asker->origin = VOCAB_MEASURED;
		index++;
	} while (index < V4L2_SIZES_MAX && ask_size(asker, index, &size) &&
		 size.type == V4L2_FRMSIZE_TYPE_DISCRETE);
	return asker->grid.sizes_len ? 0 : error;
}

void v4l2_sizes_keep(struct v4l2_asker *asker)
{
	asker->origin = VOCAB_MEASURED;
	asker->grid.sizes = asker->sizes;
	for (size_t i = 0; i < asker->samples.len; i++)
		list_size(asker, asker->samples.items[i].width, asker->samples.items[i].height);
}

/* --- ranges --- */

/* What is asked for, as distances from the smallest size: odd ones, and whatever power of two up to
 * 64 a driver rounds to, down, up or to the nearest, the answers have no larger step in common. */
static const struct vocab_size offsets[OFFSETS] = {
	{1, 23}, {2, 47}, {5, 95}, {11, 191}, {23, 1}, {47, 2}, {95, 5}, {191, 11},
};

static const struct vocab_size usual[] = {{640, 480}, {1280, 720}, {1920, 1080}};

/* The size of that number of steps, of as many as there are. */
static uint32_t step_to(uint32_t min, uint32_t max, uint32_t step, uint32_t offset)
{
	uint32_t steps = (max - min) / step + 1;

	return min + (offset + step - 1) / step % steps * step;
}

static struct vocab_size size_at(const struct v4l2_grid *grid, const struct vocab_size *min,
				 const struct vocab_size *step, const struct vocab_size *offset)
{
	return (struct vocab_size){
		step_to(min->width, grid->max.width, step->width, offset->width),
		step_to(min->height, grid->max.height, step->height, offset->height)};
}

struct steps {
	uint64_t width, height; /* what the answers' distances have in common; 0: nothing seen */
	bool astray;		/* an answer was another size than was asked for */
};

static void note_steps(const struct v4l2_grid *grid, const struct v4l2_picture *answer,
		       struct steps *steps)
{
	if (answer->width > grid->min.width && answer->width < grid->max.width)
		steps->width = arith_gcd(steps->width, answer->width - grid->min.width);
	if (answer->height > grid->min.height && answer->height < grid->max.height)
		steps->height = arith_gcd(steps->height, answer->height - grid->min.height);
}

static uint32_t step_of(uint64_t common, uint32_t min, uint32_t max)
{
	if (common)
		return (uint32_t)common;
	return max > min ? max - min : 1;
}

/* Walks the grid as it was told. Errors: the driver's. */
static int find_steps(struct v4l2_asker *asker, struct steps *steps)
{
	struct v4l2_grid *grid = &asker->grid;
	struct v4l2_picture answer;

	for (size_t i = 0; i < OFFSETS; i++) {
		struct vocab_size size = size_at(grid, &grid->min, &grid->step, &offsets[i]);
		int error = v4l2_sample(asker, size.width, size.height, &answer);

		if (error && error != -ERANGE)
			return error;
		steps->astray = steps->astray || error == -ERANGE;
		note_steps(grid, &answer, steps);
	}
	return 0;
}

/* One end of the range, as the driver answers it. */
static int find_end(struct v4l2_asker *asker, struct vocab_size *end)
{
	struct v4l2_picture answer;
	int error = v4l2_sample(asker, end->width, end->height, &answer);

	if (error && error != -ERANGE)
		return error;
	end->width = answer.width;
	end->height = answer.height;
	return error == -ERANGE ? v4l2_sample(asker, end->width, end->height, &answer) : 0;
}

static bool is_range(const struct v4l2_grid *grid)
{
	return grid->min.width && grid->min.height && grid->step.width && grid->step.height &&
	       grid->min.width <= grid->max.width && grid->min.height <= grid->max.height;
}

/* The grid is what the driver tells, or all that can be asked for. */
static int measure_range(struct v4l2_asker *asker, bool told)
{
	struct v4l2_grid *grid = &asker->grid, before;
	struct steps steps = {0};
	int error;

	if (!is_range(grid))
		return -EINVAL;
	before = *grid;
	error = find_end(asker, &grid->min);
	if (!error)
		error = find_end(asker, &grid->max);
	if (!error && !is_range(grid))
		error = -EINVAL;
	if (!error)
		error = find_steps(asker, &steps);
	if (error)
		return error;
	if (steps.astray) {
		grid->step.width = step_of(steps.width, grid->min.width, grid->max.width);
		grid->step.height = step_of(steps.height, grid->min.height, grid->max.height);
	}
	if (!told || memcmp(&before, grid, sizeof(before)) != 0)
		asker->origin = VOCAB_MEASURED;
	return 0;
}

static void take_stepwise(const struct v4l2_frmsizeenum *size, struct v4l2_grid *grid)
{
	const struct v4l2_frmsize_stepwise *sizes = &size->stepwise;
	bool is_stepwise = size->type == V4L2_FRMSIZE_TYPE_STEPWISE;

	grid->min = (struct vocab_size){sizes->min_width, sizes->min_height};
	grid->max = (struct vocab_size){sizes->max_width, sizes->max_height};
	grid->step.width = is_stepwise && sizes->step_width ? sizes->step_width : 1;
	grid->step.height = is_stepwise && sizes->step_height ? sizes->step_height : 1;
}

int v4l2_sizes_find(struct v4l2_asker *asker)
{
	struct v4l2_frmsizeenum first;
	bool told = ask_size(asker, 0, &first);

	if (told && first.type == V4L2_FRMSIZE_TYPE_DISCRETE)
		return list_sizes(asker, &first);
	asker->grid.min = (struct vocab_size){1, 1};
	asker->grid.max = (struct vocab_size){EXTREME, EXTREME};
	asker->grid.step = (struct vocab_size){1, 1};
	if (told)
		take_stepwise(&first, &asker->grid);
	return measure_range(asker, told);
}

/* --- samples --- */

/* The last size there is. */
static struct vocab_size last_size(const struct v4l2_grid *grid, const struct vocab_size *min,
				   const struct vocab_size *step)
{
	return (struct vocab_size){
		min->width + (grid->max.width - min->width) / step->width * step->width,
		min->height + (grid->max.height - min->height) / step->height * step->height};
}

int v4l2_sizes_sample(struct v4l2_asker *asker)
{
	const struct v4l2_grid *grid = &asker->grid;
	struct vocab_size size;
	struct v4l2_walk walk;
	int error = 0;

	if (grid->sizes_len || !v4l2_walk_begin(&walk, grid, V4L2_WALK_ABOUT))
		return 0;
	for (size_t i = 0; i < OFFSETS && !error; i++) {
		size = size_at(grid, &walk.min, &walk.step, &offsets[i]);
		error = v4l2_sample_size(asker, &size);
	}
	for (uint32_t i = 0; i < SCATTERED && !error && v4l2_walk_at(&walk, i, &size); i++)
		error = v4l2_sample_size(asker, &size);
	for (size_t i = 0; i < LEN(usual) && !error; i++)
		if (v4l2_grid_has(grid, usual[i].width, usual[i].height))
			error = v4l2_sample_size(asker, &usual[i]);
	size = last_size(grid, &walk.min, &walk.step);
	return error ? error : v4l2_sample_size(asker, &size);
}
