/* SPDX-License-Identifier: MIT */
/*
 * Strides and bytes of one format of a V4L2 queue. VIDIOC_TRY_FMT answers what the driver would
 * make of a format and changes nothing, so its rules can be found by asking.
 *
 * Layout. The samples, sizes of all kinds (v4l2-sizes.c), go to v4l2-rule.c, which asks for more
 * until one rule is left, or none. Then it is tried again with coarser grids: a driver that rounds
 * the stride of each plane by itself is planned for the widths where that makes no difference.
 *
 * Custom stride. Larger strides are asked for: whether the driver keeps them, multiples of what,
 * and the largest it takes. They count only where sizeimage follows them by the same rule.
 */
#include <errno.h>
#include <string.h>
#include <sys/param.h>

#include "broker/model/arith.h"
#include "broker/probe/fact.h"
#include "broker/probe/v4l2-asker.h"

#define STRIDE_EXTREME (1u << 19) /* more than any picture needs, small enough for 32-bit sums */
#define CUSTOM_ALIGN_MAX 256u	  /* an alignment that nobody exceeds */
#define CUSTOM_BASES 10u	  /* pictures of which strides of ours are tried */
#define CUSTOM_GRAIN_MAX 2u
#define GRAIN_MAX 64u
#define WITNESSES_MAX 24u

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* --- layout --- */

static enum v4l2_fit fit(struct v4l2_asker *asker, struct vocab_size *ret_witness)
{
	return v4l2_rule_fit(&asker->samples, asker->info, &asker->grid, &asker->rule, ret_witness,
			     &asker->reason);
}

/* Asks for witnesses until one rule is left on the grid. Errors: -ENOTSUP: none is; -ERANGE: the
 * grid is wrong; others: the driver's. */
static int fit_grid(struct v4l2_asker *asker)
{
	struct vocab_size witness;
	int error;

	if (fit(asker, &witness) == V4L2_FIT_NONE)
		return -ENOTSUP;
	error = v4l2_sizes_sample(asker);
	for (unsigned int i = 0; i < WITNESSES_MAX && !error; i++) {
		enum v4l2_fit result = fit(asker, &witness);

		if (result != V4L2_FIT_MORE)
			return result == V4L2_FIT_RULE ? 0 : -ENOTSUP;
		error = v4l2_sample_size(asker, &witness);
	}
	asker->reason = "its answers follow no rule";
	return error ? error : -ENOTSUP;
}

/* Odd pictures of formats that share samples between pixels: every driver has its own way. */
static struct vocab_size least_grain(const struct format_info *info)
{
	struct vocab_size grain = {1, 1};

	for (unsigned int i = 0; i < info->planes_len; i++) {
		if (info->planes[i].block_width > grain.width)
			grain.width = info->planes[i].block_width;
		if (info->planes[i].row_height > grain.height)
			grain.height = info->planes[i].row_height;
	}
	return grain;
}

/* From fine to coarse. Errors: as fit_grid; the reason is the finest grid's. */
static int fit_grains(struct v4l2_asker *asker)
{
	const struct vocab_size least = least_grain(asker->info);
	const char *reason = NULL;
	int error = -ENOTSUP;

	for (uint32_t grain = 1; grain <= GRAIN_MAX && error == -ENOTSUP; grain *= 2) {
		const struct vocab_size grains[] = {
			{grain, 1}, {grain, 2}, {1, grain}, {2, grain}, {grain, grain}};

		for (size_t i = 0; i < LEN(grains) && error == -ENOTSUP; i++) {
			asker->grid.grain.width = MAX(grains[i].width, least.width);
			asker->grid.grain.height = MAX(grains[i].height, least.height);
			error = fit_grid(asker);
			reason = reason ? reason : asker->reason;
		}
	}
	asker->reason = reason;
	return error;
}

static int fit_layout(struct v4l2_asker *asker)
{
	int error = fit_grains(asker);

	if (error != -ERANGE)
		return error;
	v4l2_sizes_keep(asker);
	return fit_grains(asker);
}

/* --- custom strides --- */

/* Whether the driver keeps a stride of ours, and its bytes follow. */
static bool keeps(struct v4l2_asker *asker, const struct v4l2_picture *base, uint32_t stride)
{
	struct v4l2_picture ask = *base, answer;

	ask.stride = stride;
	return v4l2_try(asker, &ask, &answer) == 0 && answer.width == base->width &&
	       answer.height == base->height && answer.stride == stride &&
	       v4l2_rule_holds(&asker->rule, asker->info, &answer);
}

/* What the driver makes of a larger stride; 0: it drops it. */
static uint32_t try_stride(struct v4l2_asker *asker, const struct v4l2_picture *base,
			   uint32_t stride)
{
	struct v4l2_picture ask = *base, answer;

	ask.stride = stride;
	if (v4l2_try(asker, &ask, &answer) < 0 || answer.width != base->width)
		return 0;
	return answer.stride > base->stride ? answer.stride : 0;
}

static uint32_t above(const struct v4l2_picture *base, uint32_t align, uint32_t steps)
{
	return (base->stride / align + steps) * align;
}

/* The least alignment of strides that the driver keeps; 0: it keeps none. One byte more shows
 * whether it keeps any, or, if it drops that byte, a large alignment does. */
static uint32_t find_custom(struct v4l2_asker *asker, const struct v4l2_picture *base)
{
	uint32_t next = try_stride(asker, base, base->stride + 1);

	for (uint32_t align = next ? 1 : CUSTOM_ALIGN_MAX; align <= CUSTOM_ALIGN_MAX; align *= 2)
		if (keeps(asker, base, above(base, align, 1)) &&
		    keeps(asker, base, above(base, align, 2)) &&
		    keeps(asker, base, above(base, align, 5)))
			return align;
	return 0;
}

/* A sample on the grid from `start` on, of a stride that leaves room above it. */
static const struct v4l2_picture *find_base(const struct v4l2_asker *asker, size_t start)
{
	for (size_t i = start; i < asker->samples.len; i++) {
		const struct v4l2_picture *sample = &asker->samples.items[i];

		if (v4l2_grid_has(&asker->grid, sample->width, sample->height) &&
		    sample->stride < STRIDE_EXTREME / 4)
			return sample;
	}
	return NULL;
}

/* The largest multiple of `align` that is known to be kept. */
static uint32_t find_longest(struct v4l2_asker *asker, const struct v4l2_picture *base,
			     uint32_t align)
{
	uint32_t most = try_stride(asker, base, STRIDE_EXTREME / align * align);

	if (most && keeps(asker, base, most / align * align))
		return most / align * align;
	most = (base->stride / align + 1) * align;
	while (most < STRIDE_EXTREME / 2 && keeps(asker, base, most * 2))
		most *= 2;
	return most;
}

/* Whether strides of such an alignment, up to the longest, are kept of pictures of all kinds. */
static bool is_kept(struct v4l2_asker *asker, uint32_t align, uint32_t longest)
{
	const struct v4l2_picture *base = find_base(asker, 0);

	for (uint32_t steps = 1; base && steps <= CUSTOM_BASES; steps++) {
		uint32_t stride = above(base, align, steps);

		if (stride <= longest && !keeps(asker, base, stride))
			return false;
		base = find_base(asker, (size_t)(base - asker->samples.items) + 1);
	}
	return true;
}

/* An alignment of strides that the driver keeps, the rule's own included, and the longest of them;
 * false: it keeps none. A rule that holds only where sizes are multiples of much says nothing of
 * other strides. */
static bool find_strides(struct v4l2_asker *asker, uint32_t *ret_align, uint32_t *ret_longest)
{
	const struct vocab_size *grain = &asker->grid.grain;
	const struct v4l2_picture *base = find_base(asker, 0);
	uint32_t align = 0;
	uint64_t common;

	if (base && grain->width <= CUSTOM_GRAIN_MAX && grain->height <= CUSTOM_GRAIN_MAX)
		align = find_custom(asker, base);
	if (align == 0 || !arith_lcm(align, asker->rule.stride_align, &common))
		return false;
	*ret_align = (uint32_t)common;
	*ret_longest = find_longest(asker, base, *ret_align);
	return is_kept(asker, *ret_align, *ret_longest);
}

static void measure_custom(struct v4l2_asker *asker, struct device_format *format)
{
	uint32_t align, longest;
	bool keeps_any = find_strides(asker, &align, &longest);

	fact_number(format, FORMAT_STRIDE_CUSTOM, keeps_any, VOCAB_MEASURED);
	fact_how(format, FORMAT_HOW, FORMAT_STRIDE_CUSTOM, "VIDIOC_TRY_FMT %s larger strides",
		 keeps_any ? "keeps" : "drops");
	if (!keeps_any)
		return;
	asker->rule.stride_align = align;
	fact_number(format, FORMAT_STRIDE_MAX, longest, VOCAB_MEASURED);
}

/* --- facts --- */

/* Whether the grain leaves less than all sizes. */
static bool is_narrowed(const struct v4l2_grid *grid)
{
	struct vocab_size min, step;

	for (size_t i = 0; i < grid->sizes_len; i++)
		if (!v4l2_grid_has(grid, grid->sizes[i].width, grid->sizes[i].height))
			return true;
	return !grid->sizes_len && v4l2_grid_range(grid, &min, &step) &&
	       (memcmp(&min, &grid->min, sizeof(min)) != 0 ||
		memcmp(&step, &grid->step, sizeof(step)) != 0);
}

static int write_list(const struct v4l2_asker *asker, struct device_format *format)
{
	const struct v4l2_grid *grid = &asker->grid;
	int error = 0;

	for (size_t i = 0; i < grid->sizes_len && !error; i++)
		if (v4l2_grid_has(grid, grid->sizes[i].width, grid->sizes[i].height))
			error = vocab_add_size(format, FORMAT_SIZES, grid->sizes[i].width,
					       grid->sizes[i].height, asker->origin);
	if (asker->origin == VOCAB_MEASURED)
		fact_how(format, FORMAT_HOW, FORMAT_SIZES, "sizes that VIDIOC_TRY_FMT keeps");
	return error;
}

static void write_range(const struct v4l2_asker *asker, struct device_format *format)
{
	const struct v4l2_grid *grid = &asker->grid;
	struct vocab_size min, step;

	if (!v4l2_grid_range(grid, &min, &step))
		return;
	fact_number(format, FORMAT_WIDTH_MIN, min.width, asker->origin);
	fact_number(format, FORMAT_WIDTH_MAX, grid->max.width, asker->origin);
	fact_number(format, FORMAT_WIDTH_STEP, step.width, asker->origin);
	fact_number(format, FORMAT_HEIGHT_MIN, min.height, asker->origin);
	fact_number(format, FORMAT_HEIGHT_MAX, grid->max.height, asker->origin);
	fact_number(format, FORMAT_HEIGHT_STEP, step.height, asker->origin);
	if (asker->origin == VOCAB_MEASURED)
		fact_how(format, FORMAT_HOW, FORMAT_WIDTH_STEP,
			 "limits and steps: sizes that VIDIOC_TRY_FMT keeps");
}

static void write_rule(const struct v4l2_asker *asker, struct device_format *format)
{
	const struct v4l2_rule *rule = &asker->rule;

	fact_number(format, FORMAT_STRIDE_ALIGN, rule->stride_align, VOCAB_MEASURED);
	fact_how(format, FORMAT_HOW, FORMAT_STRIDE_ALIGN, "VIDIOC_TRY_FMT: %zu answers fit %u%s",
		 asker->samples.len, rule->stride_align,
		 rule->height_align > 1 || rule->tail_bytes ? "" : ", and have no padding");
	fact_number(format, FORMAT_HEIGHT_ALIGN, rule->height_align, VOCAB_MEASURED);
	fact_number(format, FORMAT_TAIL_BYTES, rule->tail_bytes, VOCAB_MEASURED);
	if (rule->height_align > 1)
		fact_how(format, FORMAT_HOW, FORMAT_HEIGHT_ALIGN,
			 "sizeimage of %zu answers has rows up to a multiple of %u",
			 asker->samples.len, rule->height_align);
	if (rule->round > 1)
		fact_how(format, FORMAT_HOW, FORMAT_TAIL_BYTES, "sizeimage is rounded up to %u",
			 rule->round);
	else if (rule->tail)
		fact_how(format, FORMAT_HOW, FORMAT_TAIL_BYTES,
			 "sizeimage of %zu answers is so much more than the rows",
			 asker->samples.len);
}

static const char *reason_of(const struct v4l2_asker *asker, int error)
{
	if (asker->queue->gone)
		return "the device went away";
	if (error == -E2BIG)
		return "VIDIOC_TRY_FMT was asked often enough";
	if (error == -ENOTSUP && asker->reason)
		return asker->reason;
	return "VIDIOC_TRY_FMT refuses";
}

int v4l2_format_measure(struct v4l2_queue *queue, uint32_t v4l2_format,
			const struct format_info *info, struct device_format *format,
			const char **ret_reason)
{
	struct v4l2_asker asker = {.queue = queue,
				   .fourcc = v4l2_format,
				   .info = info,
				   .origin = VOCAB_KERNEL,
				   .grid = {.grain = {1, 1}}};
	int error = v4l2_sizes_find(&asker);

	if (!error)
		error = fit_layout(&asker);
	if (error) {
		*ret_reason = reason_of(&asker, error);
		return -ENOTSUP;
	}
	if (is_narrowed(&asker.grid))
		asker.origin = VOCAB_MEASURED;
	measure_custom(&asker, format);
	write_rule(&asker, format);
	if (asker.grid.sizes_len)
		return write_list(&asker, format);
	write_range(&asker, format);
	return 0;
}
