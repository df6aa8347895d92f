/* SPDX-License-Identifier: MIT */
/*
 * From answers to VIDIOC_TRY_FMT to the rule behind them.
 *
 * V4L2 tells of a picture in one memory plane its size, the stride of the first plane, and the
 * bytes of all. Where the other planes begin is nowhere said: by the specification they follow each
 * other, with a stride that follows from the first one's; codecs begin them behind rows that are
 * padded to whole macroblocks. A plan that is wrong in this shows a torn picture, so it is not
 * enough that a rule explains the answers seen:
 *
 *   stride    the bytes of a row, rounded up to an alignment
 *   planes    follow each other, each with the picture's rows rounded up to an alignment
 *   bytes     all planes and a constant rest, rounded up
 *
 * v4l2_rule_fit takes the simplest such rule that explains all answers (small alignments first),
 * and then looks for rivals: others that explain them as well. Rivals are the same with other
 * alignments, and drivers that round up the bytes of planes or the strides of chroma by themselves.
 * Where a rival would answer otherwise at some size on the grid, that size is the witness, to be
 * asked next; where it would answer the same and mean something else, nobody can tell, and there is
 * no rule.
 *
 *   NV12, 640x480: stride 640, 491520 bytes: 30720 more than the picture. Rows up to a multiple of
 *   512, or so many bytes at the end? 640x16 tells: 491520 bytes or 46080. If there is one size
 *   only, it cannot be told.
 *
 * Two things no answer can tell and are believed: that a constant rest lies behind the last plane,
 * as the specification has it, and that padded rows lie behind each.
 *
 * What a rule cannot say makes the driver fail to fit: chroma strides rounded by themselves, room
 * for motion vectors that grows with the picture. v4l2-format.c then tries again on coarser grids:
 * where width and height are multiples of 64, most of that vanishes.
 */
#include "broker/probe/v4l2-rule.h"

#include "broker/model/arith.h"

#define STRIDE_ALIGN_MAX 4096u
#define HEIGHT_ALIGN_MAX 512u
#define CHROMA_ALIGN_MAX 256u
#define ROUND_MIN 8u
#define ROUND_MAX 65536u
#define TAIL_MAX (64u << 20)
#define PLACES_MAX 4096u /* sizes at which rules are compared */
#define PLACES_ROUNDED 256u

/* --- what a rule says of a picture --- */

uint32_t v4l2_rule_stride(const struct v4l2_rule *rule, const struct format_info *info,
			  uint32_t width)
{
	uint64_t stride;

	if (!arith_align(format_stride_min(info, width), rule->stride_align, &stride))
		return 0;
	return stride > UINT32_MAX ? 0 : (uint32_t)stride;
}

struct places {
	uint32_t stride; /* of the last plane */
	uint64_t last;	 /* where it begins */
	uint64_t end;	 /* ... and ends */
	uint64_t bytes;	 /* sizeimage */
};

static bool is_rounded(const struct v4l2_rule *rule, unsigned int plane, unsigned int planes_len)
{
	return rule->padding == V4L2_PADDING_EACH ||
	       (rule->padding == V4L2_PADDING_BETWEEN && plane + 1 < planes_len);
}

/* A chroma stride that does not follow from the first one. */
static uint32_t own_stride(const struct v4l2_rule *rule, const struct format_plane *plane,
			   uint32_t width)
{
	uint32_t blocks = width / plane->block_width + (width % plane->block_width != 0);
	uint64_t stride;

	/* widths are of 32 bit, blocks of a few bytes */
	if (!arith_align((uint64_t)blocks * plane->block_bytes, rule->chroma_align, &stride) ||
	    stride > UINT32_MAX)
		return 0;
	return (uint32_t)stride;
}

/* Puts plane `i` of a layout behind what is there already. */
static bool place_plane(const struct v4l2_rule *rule, const struct format_info *info,
			unsigned int i, uint32_t width, const struct format_layout *layout,
			struct places *places)
{
	uint64_t bytes = layout->bytes[i];

	places->stride = layout->stride[i];
	if (i > 0 && rule->chroma_align) {
		places->stride = own_stride(rule, &info->planes[i], width);
		bytes = bytes / layout->stride[i] * places->stride;
	}
	if (is_rounded(rule, i, layout->planes_len) &&
	    !arith_align(bytes, rule->plane_round, &bytes))
		return false;
	places->last = places->end;
	return arith_add(places->end, bytes, &places->end);
}

static bool place_planes(const struct v4l2_rule *rule, const struct format_info *info,
			 const struct v4l2_picture *picture, struct places *ret_places)
{
	struct places places = {0};
	struct format_layout layout;
	uint64_t rows;

	if (!arith_align(picture->height, rule->height_align, &rows) || rows > UINT32_MAX ||
	    !format_layout(info, (uint32_t)rows, picture->stride, 1, &layout))
		return false;
	for (unsigned int i = 0; i < layout.planes_len; i++)
		if (!place_plane(rule, info, i, picture->width, &layout, &places))
			return false;
	if (!arith_add(places.end, rule->tail, &places.bytes) ||
	    !arith_align(places.bytes, rule->round, &places.bytes))
		return false;
	*ret_places = places;
	return true;
}

bool v4l2_rule_holds(const struct v4l2_rule *rule, const struct format_info *info,
		     const struct v4l2_picture *picture)
{
	struct places places;

	return place_planes(rule, info, picture, &places) && picture->bytes == places.bytes;
}

/* --- which rules explain the samples --- */

static bool explains_strides(const struct v4l2_rule *rule, const struct v4l2_samples *samples,
			     const struct format_info *info)
{
	for (size_t i = 0; i < samples->len; i++) {
		uint32_t stride = v4l2_rule_stride(rule, info, samples->items[i].width);

		if (stride == 0 || stride != samples->items[i].stride)
			return false;
	}
	return true;
}

/* Which constant rests explain what this sample has beyond the end of its planes. */
static bool narrow_tail(const struct v4l2_rule *rule, uint64_t bytes, uint64_t end, uint64_t *low,
			uint64_t *high)
{
	uint64_t rest;

	if (bytes < end || bytes % rule->round)
		return false;
	rest = bytes - end;
	*high = arith_min(*high, rest);
	if (rest >= rule->round)
		*low = arith_max(*low, rest - rule->round + 1);
	return *low <= *high;
}

static bool is_expressible(const struct v4l2_rule *rule)
{
	return rule->padding == V4L2_PADDING_END && !rule->chroma_align;
}

/* Finds the rule's tail; false: there is none that explains all bytes. */
static bool explains_bytes(struct v4l2_rule *rule, const struct v4l2_samples *samples,
			   const struct format_info *info)
{
	uint64_t low = 0, high = TAIL_MAX;
	struct places places;

	rule->tail = 0;
	for (size_t i = 0; i < samples->len; i++)
		if (!place_planes(rule, info, &samples->items[i], &places) ||
		    !narrow_tail(rule, samples->items[i].bytes, places.end, &low, &high))
			return false;
	rule->tail = high;
	rule->tail_bytes = high + rule->round - 1;
	if (info->planes_len == 1 || rule->round == 1 || !is_expressible(rule))
		return true;
	/* Where planes follow, a rest that is rounded as well leaves too much to be believed. */
	rule->tail = 0;
	return low == 0;
}

/* Three times a power of two: pixels of three bytes. */
static uint32_t next_stride_align(uint32_t align)
{
	if (align & (align - 1))
		return align / 3 * 4;
	return align < 2 ? 2 : align / 2 * 3;
}

static bool find_stride_align(const struct v4l2_samples *samples, const struct format_info *info,
			      struct v4l2_rule *rule)
{
	for (rule->stride_align = 1; rule->stride_align <= STRIDE_ALIGN_MAX;
	     rule->stride_align = next_stride_align(rule->stride_align))
		if (explains_strides(rule, samples, info))
			return true;
	return false;
}

/* The least height alignment from `first` on with which the rule explains all bytes. */
static bool find_height_align(const struct v4l2_samples *samples, const struct format_info *info,
			      uint32_t first, struct v4l2_rule *rule)
{
	for (rule->height_align = first; rule->height_align <= HEIGHT_ALIGN_MAX;
	     rule->height_align *= 2)
		if (explains_bytes(rule, samples, info))
			return true;
	return false;
}

static uint32_t next_round(uint32_t round)
{
	return round < ROUND_MIN ? ROUND_MIN : round * 2;
}

static bool find_bytes(const struct v4l2_samples *samples, const struct format_info *info,
		       struct v4l2_rule *rule)
{
	for (rule->round = 1; rule->round <= ROUND_MAX; rule->round = next_round(rule->round))
		if (find_height_align(samples, info, 1, rule))
			return true;
	return false;
}

/* --- rivals --- */

struct fit {
	const struct v4l2_samples *samples; /* on the grid */
	const struct v4l2_samples *widths;  /* of widths on the grid, for strides */
	const struct format_info *info;
	const struct v4l2_grid *grid;
	struct v4l2_rule rule;
	struct vocab_size *witness;
};

/* How the rule and a rival differ at a size; RULE: not at all. */
static enum v4l2_fit compare_at(const struct fit *fit, const struct v4l2_rule *rival,
				const struct vocab_size *size)
{
	struct v4l2_picture picture = {.width = size->width, .height = size->height};
	struct places places, others;

	picture.stride = v4l2_rule_stride(&fit->rule, fit->info, size->width);
	if (picture.stride != v4l2_rule_stride(rival, fit->info, size->width))
		return V4L2_FIT_MORE;
	if (!place_planes(&fit->rule, fit->info, &picture, &places) ||
	    !place_planes(rival, fit->info, &picture, &others))
		return V4L2_FIT_RULE; /* no picture is laid out there */
	if (places.bytes != others.bytes)
		return V4L2_FIT_MORE;
	return places.last == others.last && places.stride == others.stride ? V4L2_FIT_RULE
									    : V4L2_FIT_NONE;
}

static enum v4l2_fit compare(const struct fit *fit, const struct v4l2_rule *rival,
			     enum v4l2_walk_kind kind, uint32_t places)
{
	enum v4l2_fit result = V4L2_FIT_RULE, here;
	struct vocab_size size;
	struct v4l2_walk walk;

	if (!v4l2_walk_begin(&walk, fit->grid, kind))
		return V4L2_FIT_NONE;
	for (uint32_t i = 0; i < places && v4l2_walk_at(&walk, i, &size); i++) {
		here = compare_at(fit, rival, &size);
		if (here == V4L2_FIT_MORE) {
			*fit->witness = size;
			return here;
		}
		if (here == V4L2_FIT_NONE)
			result = here;
	}
	return result;
}

/* A stride alignment repeats after so many bytes, and each step of the width is one at least; of
 * odd widths every second is like its neighbour. */
static enum v4l2_fit check_strides(const struct fit *fit)
{
	struct v4l2_rule rival = fit->rule;
	enum v4l2_fit result = V4L2_FIT_RULE;

	for (rival.stride_align = next_stride_align(fit->rule.stride_align);
	     rival.stride_align <= STRIDE_ALIGN_MAX && result == V4L2_FIT_RULE;
	     rival.stride_align = next_stride_align(rival.stride_align))
		if (explains_strides(&rival, fit->widths, fit->info))
			result = compare(fit, &rival, V4L2_WALK_WIDTHS, 2 * rival.stride_align);
	return result;
}

static enum v4l2_fit check_heights(const struct fit *fit)
{
	struct v4l2_rule rival = fit->rule;
	enum v4l2_fit result = V4L2_FIT_RULE;

	for (uint32_t align = 2 * fit->rule.height_align;
	     result == V4L2_FIT_RULE && find_height_align(fit->samples, fit->info, align, &rival);
	     align = 2 * rival.height_align)
		result = compare(fit, &rival, V4L2_WALK_HEIGHTS,
				 rival.round > 1 ? PLACES_MAX : 2 * rival.height_align);
	return result;
}

static enum v4l2_fit check_rounding(const struct fit *fit)
{
	struct v4l2_rule rival = fit->rule;
	enum v4l2_fit result = V4L2_FIT_RULE;

	for (rival.round = next_round(fit->rule.round);
	     rival.round <= ROUND_MAX && result == V4L2_FIT_RULE;
	     rival.round = next_round(rival.round))
		if (find_height_align(fit->samples, fit->info, 1, &rival))
			result = compare(fit, &rival, V4L2_WALK_ABOUT, PLACES_ROUNDED);
	return result;
}

static bool is_plain(const struct v4l2_rule *rule)
{
	return rule->height_align == 1 && rule->tail == 0 && rule->round == 1;
}

/* Drivers that round up planes by themselves, and then perhaps all of them once more. */
static enum v4l2_fit check_planes(const struct fit *fit, enum v4l2_padding padding, uint32_t round,
				  uint32_t height_align)
{
	struct v4l2_rule rival = {.stride_align = fit->rule.stride_align,
				  .height_align = height_align,
				  .round = round,
				  .padding = padding};
	enum v4l2_fit result = V4L2_FIT_RULE;

	for (rival.plane_round = ROUND_MIN;
	     rival.plane_round <= ROUND_MAX && result == V4L2_FIT_RULE; rival.plane_round *= 2)
		if (explains_bytes(&rival, fit->samples, fit->info))
			result = compare(fit, &rival, V4L2_WALK_ABOUT, PLACES_ROUNDED);
	return result;
}

/* Drivers that round chroma strides by themselves. */
static enum v4l2_fit check_chroma(const struct fit *fit)
{
	struct v4l2_rule rival = fit->rule;
	enum v4l2_fit result = V4L2_FIT_RULE;

	for (rival.chroma_align = 1;
	     rival.chroma_align <= CHROMA_ALIGN_MAX && result == V4L2_FIT_RULE;
	     rival.chroma_align *= 2)
		if (explains_bytes(&rival, fit->samples, fit->info))
			result = compare(fit, &rival, V4L2_WALK_ABOUT, PLACES_ROUNDED);
	return result;
}

/* Where nothing is padded there is little room for that. */
static enum v4l2_fit check_padding(const struct fit *fit, enum v4l2_padding padding)
{
	bool is_certain = fit->info->planes_len == 1 || is_plain(&fit->rule);
	uint32_t round_max = is_certain ? 1 : ROUND_MAX;
	uint32_t height_max = is_certain ? fit->rule.height_align : HEIGHT_ALIGN_MAX;
	enum v4l2_fit result = V4L2_FIT_RULE;

	for (uint32_t round = 1; round <= round_max; round = next_round(round))
		for (uint32_t align = 1; align <= height_max && result == V4L2_FIT_RULE; align *= 2)
			result = check_planes(fit, padding, round, align);
	return result;
}

static enum v4l2_fit check_rivals(const struct fit *fit)
{
	enum v4l2_fit result = check_strides(fit);

	if (result == V4L2_FIT_RULE)
		result = check_heights(fit);
	if (result == V4L2_FIT_RULE)
		result = check_rounding(fit);
	if (result == V4L2_FIT_RULE && fit->info->planes_len > 1)
		result = check_chroma(fit);
	if (result == V4L2_FIT_RULE)
		result = check_padding(fit, V4L2_PADDING_BETWEEN);
	if (result == V4L2_FIT_RULE)
		result = check_padding(fit, V4L2_PADDING_EACH);
	return result;
}

/* --- fitting --- */

static bool stride_is_told(const struct v4l2_samples *samples)
{
	for (size_t i = 0; i < samples->len; i++)
		if (samples->items[i].stride == 0)
			return false;
	return samples->len > 0;
}

static bool has_all_bytes(const struct v4l2_samples *samples, const struct format_info *info)
{
	const struct v4l2_rule least = {.height_align = 1, .round = 1, .plane_round = 1};
	struct places places;

	for (size_t i = 0; i < samples->len; i++)
		if (place_planes(&least, info, &samples->items[i], &places) &&
		    samples->items[i].bytes < places.end)
			return false;
	return true;
}

/* Whether a sample before the `len`th has the height. */
static bool is_seen(const struct v4l2_samples *samples, size_t len, uint32_t height)
{
	for (size_t i = 0; i < len; i++)
		if (samples->items[i].height == height)
			return true;
	return false;
}

/* Where planes follow, padding has to be seen at several heights before its place is believed. */
static bool is_seen_often(const struct fit *fit)
{
	unsigned int heights = 0, wanted = fit->rule.tail || fit->rule.round > 1 ? 3 : 2;

	if (fit->info->planes_len == 1 || is_plain(&fit->rule))
		return true;
	for (size_t i = 0; i < fit->samples->len; i++)
		heights += !is_seen(fit->samples, i, fit->samples->items[i].height);
	return heights >= wanted;
}

/* A height on the grid that no sample has. */
static enum v4l2_fit find_unseen(const struct fit *fit)
{
	struct vocab_size size;
	struct v4l2_walk walk;

	if (!v4l2_walk_begin(&walk, fit->grid, V4L2_WALK_HEIGHTS))
		return V4L2_FIT_NONE;
	for (uint32_t i = 0; i < PLACES_MAX && v4l2_walk_at(&walk, i, &size); i++)
		if (!is_seen(fit->samples, fit->samples->len, size.height)) {
			*fit->witness = size;
			return V4L2_FIT_MORE;
		}
	return V4L2_FIT_NONE;
}

static const char *find_rule(struct fit *fit)
{
	if (!stride_is_told(fit->widths))
		return "the driver does not tell a stride";
	if (!find_stride_align(fit->widths, fit->info, &fit->rule))
		return "no alignment explains its strides";
	if (!has_all_bytes(fit->samples, fit->info))
		return "sizeimage is less than its picture";
	if (!find_bytes(fit->samples, fit->info, &fit->rule))
		return "sizeimage fits neither padded rows nor bytes at the end";
	return NULL;
}

/* Of a rule that explains all: whether it is the only one. */
static enum v4l2_fit check_rule(const struct fit *fit, const char **ret_reason)
{
	if (is_seen_often(fit)) {
		*ret_reason = "it cannot be told where the padding lies";
		return check_rivals(fit);
	}
	*ret_reason = "too few sizes to tell where the padding lies";
	return find_unseen(fit);
}

enum v4l2_fit v4l2_rule_fit(const struct v4l2_samples *samples, const struct format_info *info,
			    const struct v4l2_grid *grid, struct v4l2_rule *ret_rule,
			    struct vocab_size *ret_witness, const char **ret_reason)
{
	struct v4l2_samples seen = {.len = 0}, widths = {.len = 0};
	struct fit fit = {.samples = &seen,
			  .widths = &widths,
			  .info = info,
			  .grid = grid,
			  .witness = ret_witness};
	enum v4l2_fit result;

	for (size_t i = 0; i < samples->len; i++) {
		const struct v4l2_picture *sample = &samples->items[i];

		if (v4l2_grid_has_width(grid, sample->width))
			v4l2_samples_add(&widths, sample);
		if (v4l2_grid_has(grid, sample->width, sample->height))
			v4l2_samples_add(&seen, sample);
	}
	*ret_reason = "there are no such sizes";
	if (seen.len == 0)
		return find_unseen(&fit);
	*ret_reason = find_rule(&fit);
	if (*ret_reason)
		return V4L2_FIT_NONE;
	result = check_rule(&fit, ret_reason);
	if (result == V4L2_FIT_RULE)
		*ret_rule = fit.rule;
	return result;
}
