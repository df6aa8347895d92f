/* SPDX-License-Identifier: MIT */
/*
 * One format for all parties: size, stride, rows, offsets and bytes that suit everybody. What all
 * ask is in demand.c, strides are in stride.c, rows and offsets in layout.c; here are the bytes,
 * and whether everybody has words for the result.
 */
#include "broker/solver/demand.h"

/* ---- bytes ---- */

uint64_t merge_tail(const struct search *search, unsigned int i, const struct wish *wish,
		    const struct candidate *candidate, uint32_t height,
		    const struct format_layout *layout)
{
	const struct device_format *facts =
		search->parties[i].facts ? search->parties[i].facts[candidate - search->candidates]
					 : NULL;
	uint64_t tail = search_declared(search, i, wish, UNIT_TAIL, 0), rows, padding = 0;

	if (!facts)
		return tail;
	tail = arith_max(tail,
			 search_value(search, i, UNIT_DEVICE_TAIL,
				      search_fact(facts, FORMAT_TAIL_BYTES, facts->tail_bytes), 0));
	if (candidate->info && candidate->info->planes_len == 1 && search->parties[i].is_v4l2 &&
	    arith_align(height,
			search_value(search, i, UNIT_DEVICE_ROWS,
				     search_fact(facts, FORMAT_HEIGHT_ALIGN, facts->height_align),
				     1),
			&rows) &&
	    rows > layout->bytes[0] / layout->stride[0])
		padding = (rows - layout->bytes[0] / layout->stride[0]) * layout->stride[0];
	return arith_add(tail, padding, &tail) ? tail : UINT64_MAX;
}

static bool add_tails(const struct demand *demand, uint32_t height,
		      const struct format_layout *layout, uint64_t *ret_bytes)
{
	const struct search *search = demand->search;
	uint64_t most = 0;

	for (unsigned int i = 0; i < search->parties_len; i++) {
		uint64_t tail;

		if (!search_is_active(search, i))
			continue;
		tail = merge_tail(search, i, demand->combination->wish[i], demand->candidate,
				  height, layout);
		most = arith_max(most, tail);
	}
	return arith_add(layout->total, most, ret_bytes);
}

/* The further sizes that must fit as well. */
static bool fit_sizes(const struct demand *demand, const struct vocab_sizes *sizes,
		      struct merged *merged)
{
	demand->search->work += sizes->len * demand->search->parties_len;
	for (size_t i = 0; i < sizes->len; i++) {
		struct format_layout layout;
		uint64_t bytes;

		if (!demand_all_take_size(demand, sizes->items[i].width, sizes->items[i].height))
			return false;
		if (!merged->layout.planes_len)
			continue; /* its layout is left out of account */
		if (!demand->info ||
		    !layout_make(demand, sizes->items[i].width, sizes->items[i].height, &layout) ||
		    !add_tails(demand, sizes->items[i].height, &layout, &bytes))
			return false;
		if (bytes > merged->picture_bytes)
			merged->picture_bytes = bytes;
	}
	return true;
}

static bool fit_all_sizes(const struct demand *demand, struct merged *merged)
{
	const struct search *search = demand->search;

	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct wish *wish = demand->combination->wish[i];

		if (!search_is_active(search, i) || !wish->has_sizes ||
		    !search_counts(search, i, UNIT_SIZES))
			continue;
		for (unsigned int depth = 0; depth < wish->path_len; depth++)
			if (!fit_sizes(demand, &wish->path[depth]->sizes, merged))
				return false;
	}
	return true;
}

static bool settle_bytes(const struct demand *demand, struct merged *merged)
{
	if (!merged->layout.planes_len)
		return fit_all_sizes(demand, merged);
	if (!add_tails(demand, demand->search->request->height, &merged->layout,
		       &merged->picture_bytes) ||
	    !fit_all_sizes(demand, merged))
		return false;
	merged->picture_bytes = arith_max(merged->picture_bytes, demand->bytes_min);
	return demand->bytes_align &&
	       arith_align(merged->picture_bytes, demand->bytes_align, &merged->picture_bytes) &&
	       merged->picture_bytes <= demand->bytes_max;
}

/* ---- can everybody say it ---- */

uint32_t merge_v4l2_format(const struct device_format *facts, const struct candidate *candidate)
{
	if (vocab_has(facts, FORMAT_V4L2_FORMAT))
		return facts->v4l2_format;
	return candidate->info ? candidate->info->v4l2[0] : 0;
}

/* V4L2: bytesperline and sizeimage; DRM: pitches and offsets; VA: besides, the object's size. */
static bool can_express(const struct demand *demand, unsigned int i, const struct merged *merged)
{
	const struct party *party = &demand->search->parties[i];
	const struct device_format *facts = demand_facts(demand, i);
	const struct format_layout *layout = &merged->layout;
	uint64_t bytes;

	if (!party->device || !layout->planes_len)
		return true;
	if (party->is_v4l2)
		return (!facts || merge_v4l2_format(facts, demand->candidate)) &&
		       arith_add(layout->total,
				 merge_tail(demand->search, i, demand->combination->wish[i],
					    demand->candidate, demand->search->request->height,
					    layout),
				 &bytes) &&
		       bytes <= UINT32_MAX;
	if (party->record->role == ROLE_RENDER && merged->memory_bytes > UINT32_MAX)
		return false;
	return layout->offset[layout->planes_len - 1] <= UINT32_MAX &&
	       (!demand->info || demand->info->drm);
}

static bool all_can_express(const struct demand *demand, const struct merged *merged)
{
	const struct search *search = demand->search;

	for (unsigned int i = 0; i < search->parties_len; i++)
		if (search_is_active(search, i) && search_counts(search, i, UNIT_EXPRESS) &&
		    !can_express(demand, i, merged))
			return false;
	return true;
}

/* ---- all of it ---- */

static bool settle_layout(const struct demand *demand, struct merged *merged)
{
	const struct plan *existing = search_existing(demand->search);

	if (existing)
		return layout_take_existing(demand, existing, merged);
	if (!demand->info)
		return layout_take_supplied(demand, &merged->layout);
	return layout_make(demand, demand->search->request->width, demand->search->request->height,
			   &merged->layout);
}

bool merge_candidate(struct search *search, const struct combination *combination,
		     const struct candidate *candidate, struct merged *ret_merged)
{
	struct demand demand = {.search = search,
				.combination = combination,
				.candidate = candidate,
				.index = (unsigned int)(candidate - search->candidates),
				.info = candidate->info,
				.stride_max = UINT32_MAX,
				.first_align = 1,
				.plane_align = 1,
				.offset_align = 1,
				.rows_align = 1,
				.bytes_max = UINT64_MAX,
				.bytes_align = 1};
	const struct plan *existing = search_existing(search);
	struct merged merged = {0};

	if (!demand_all_take_size(&demand, search->request->width, search->request->height))
		return false;
	demand_ask(&demand);
	if (!settle_layout(&demand, &merged) || !settle_bytes(&demand, &merged) ||
	    !arith_align(merged.picture_bytes, search->page_bytes, &merged.memory_bytes) ||
	    !all_can_express(&demand, &merged))
		return false;
	if (existing) {
		uint64_t bytes = ((const struct memory_object *)existing->memory.items[0])->bytes;

		if (merged.picture_bytes > bytes)
			return false;
		if (!candidate->info) /* nobody may know any more what follows the planes */
			merged.picture_bytes =
				arith_max(merged.picture_bytes, existing->picture_bytes);
		merged.memory_bytes = bytes;
	}
	*ret_merged = merged;
	return true;
}
