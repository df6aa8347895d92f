/* SPDX-License-Identifier: MIT */
/*
 * The stride of the first plane, from which those of the others follow.
 *
 * Alignments merge by their least common multiple. One that is asked of every plane, or of offsets
 * where planes follow without a gap, becomes one of the first plane's stride. A V4L2 queue that
 * does not honour a stride of ours insists on its own; then everybody has to take that one.
 */
#include "broker/solver/demand.h"

/* ---- planes ---- */

/* The stride of plane i is that of the first times `n` / `d`, in lowest terms. */
static void plane_ratio(const struct format_info *info, unsigned int i, uint64_t *ret_n,
			uint64_t *ret_d)
{
	const struct format_plane *first = &info->planes[0], *plane = &info->planes[i];
	uint64_t n = (uint64_t)first->block_width * plane->block_bytes;
	uint64_t d = (uint64_t)first->block_bytes * plane->block_width;
	uint64_t common = arith_gcd(n, d);

	*ret_n = n / common;
	*ret_d = d / common;
}

/* What the first plane's stride must be a multiple of, so that stride times `n` / `d` is one of
 * `align`. */
static uint64_t multiple_for(uint64_t n, uint64_t d, uint64_t align)
{
	uint64_t whole = demand_times(align, d);

	return whole ? whole / arith_gcd(whole, n) : 0;
}

/* Folds everything that is asked of strides into one alignment of the first plane's. */
void stride_fold(struct demand *demand)
{
	demand->stride_align = demand->first_align;
	for (unsigned int i = 0; demand->info && i < demand->info->planes_len; i++) {
		uint64_t n, d;

		plane_ratio(demand->info, i, &n, &d);
		demand_multiply(&demand->stride_align, multiple_for(n, d, demand->plane_align));
		if (demand->whole_pixels)
			demand_multiply(&demand->stride_align,
					multiple_for(n, d, demand->info->planes[i].block_bytes));
	}
}

/*
 * Where planes follow without a gap, offsets are a matter of the stride: that of plane k is the
 * first plane's stride times the sum of rows * n / d over the planes before it.
 */
static uint64_t fold_offsets(const struct demand *demand, uint32_t rows)
{
	uint64_t align = demand->stride_align, sum = 0, divisor = 1;

	for (unsigned int i = 0; demand->packed && i + 1 < demand->info->planes_len; i++) {
		uint64_t n, d,
			plane_rows = ((uint64_t)rows + demand->info->planes[i].row_height - 1) /
				     demand->info->planes[i].row_height;

		plane_ratio(demand->info, i, &n, &d);
		sum = sum * d + plane_rows * n * divisor;
		divisor *= d;
		demand_multiply(&align, multiple_for(sum, divisor, demand->offset_align));
	}
	return align;
}

uint64_t stride_device_align(const struct search *search, unsigned int i,
			     const struct device_format *facts)
{
	return search_value(search, i, UNIT_DEVICE_STRIDE,
			    search_fact(facts, FORMAT_STRIDE_ALIGN, facts->stride_align), 1);
}

/* ---- the stride ---- */

/* What a queue or plane that takes no other stride computes itself; 0: it overflows. */
static uint64_t own_stride(const struct demand *demand, unsigned int i,
			   const struct device_format *facts, uint64_t natural)
{
	uint64_t align = stride_device_align(demand->search, i, facts), own, n, d, every = 1;

	for (unsigned int p = 0; p < demand->info->planes_len; p++) {
		plane_ratio(demand->info, p, &n, &d);
		demand_multiply(&every, multiple_for(n, d, align));
	}
	if (!demand->search->parties[i].is_v4l2)
		align = every;
	return align && arith_align(natural, align, &own) ? own : 0;
}

bool stride_settle_insisting(const struct demand *demand, uint64_t natural, uint64_t align,
			     uint64_t *stride)
{
	const struct search *search = demand->search;
	uint64_t fixed = 0;

	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct device_format *facts = demand_facts(demand, i);
		uint64_t own;

		if (!facts || !search_is_active(search, i) ||
		    !search_counts(search, i, UNIT_DEVICE_STRIDE) ||
		    search_fact(facts, FORMAT_STRIDE_CUSTOM, facts->stride_custom))
			continue;
		own = own_stride(demand, i, facts, natural);
		if (!own || (fixed && fixed != own))
			return false;
		fixed = own;
	}
	if (!fixed)
		return true;
	if (fixed < *stride || fixed % align)
		return false;
	*stride = fixed;
	return true;
}

bool stride_settle(const struct demand *demand, uint32_t width, uint32_t rows, uint32_t *ret_stride)
{
	uint64_t natural = format_stride_min(demand->info, width), stride;
	uint64_t align = fold_offsets(demand, rows);

	if (!natural || !align ||
	    !arith_align(arith_max(natural, demand->stride_min), align, &stride) ||
	    !stride_settle_insisting(demand, natural, align, &stride) ||
	    stride > demand->stride_max || stride > UINT32_MAX)
		return false;
	*ret_stride = (uint32_t)stride;
	return true;
}
