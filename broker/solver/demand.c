/* SPDX-License-Identifier: MIT */
/* What all parties ask of one format: sizes, strides, offsets, bytes. */
#include "broker/solver/demand.h"

/* ---- size ---- */

static bool in_range(uint64_t value, uint64_t min, uint64_t max, uint64_t step)
{
	return value >= min && value <= max && (value - min) % step == 0;
}

static bool device_takes_size(const struct device_format *facts, uint32_t width, uint32_t height)
{
	for (size_t i = 0; i < facts->sizes.len; i++)
		if (facts->sizes.items[i].width == width && facts->sizes.items[i].height == height)
			return true;
	if (facts->sizes.len)
		return false;
	return in_range(width, search_fact(facts, FORMAT_WIDTH_MIN, facts->width_min),
			search_fact(facts, FORMAT_WIDTH_MAX, facts->width_max),
			search_fact(facts, FORMAT_WIDTH_STEP, facts->width_step)) &&
	       in_range(height, search_fact(facts, FORMAT_HEIGHT_MIN, facts->height_min),
			search_fact(facts, FORMAT_HEIGHT_MAX, facts->height_max),
			search_fact(facts, FORMAT_HEIGHT_STEP, facts->height_step));
}

static bool party_takes_size(const struct demand *demand, unsigned int i, uint32_t width,
			     uint32_t height)
{
	const struct search *search = demand->search;
	const struct wish *wish = demand->combination->wish[i];
	const struct device_format *facts = demand_facts(demand, i);
	uint64_t width_align = search_declared(search, i, wish, UNIT_WIDTH_ALIGN, 1);
	uint64_t height_align = search_declared(search, i, wish, UNIT_HEIGHT_ALIGN, 1);

	return width >= search_declared(search, i, wish, UNIT_WIDTH_MIN, 1) &&
	       width <= search_declared(search, i, wish, UNIT_WIDTH_MAX, UINT64_MAX) &&
	       height >= search_declared(search, i, wish, UNIT_HEIGHT_MIN, 1) &&
	       height <= search_declared(search, i, wish, UNIT_HEIGHT_MAX, UINT64_MAX) &&
	       (uint64_t)width * height <=
		       search_declared(search, i, wish, UNIT_AREA_MAX, UINT64_MAX) &&
	       width_align && width % width_align == 0 && height_align &&
	       height % height_align == 0 &&
	       (!facts || !search_counts(search, i, UNIT_DEVICE_SIZE) ||
		device_takes_size(facts, width, height));
}

bool demand_all_take_size(const struct demand *demand, uint32_t width, uint32_t height)
{
	for (unsigned int i = 0; i < demand->search->parties_len; i++)
		if (search_is_active(demand->search, i) &&
		    !party_takes_size(demand, i, width, height))
			return false;
	return true;
}

/* ---- what is asked ---- */

static void ask_declared_stride(struct demand *demand, unsigned int i, const struct wish *wish)
{
	const struct search *search = demand->search;

	demand->stride_min =
		arith_max(demand->stride_min, search_declared(search, i, wish, UNIT_STRIDE_MIN, 0));
	demand->stride_max = arith_min(
		demand->stride_max, search_declared(search, i, wish, UNIT_STRIDE_MAX, UINT32_MAX));
	demand_multiply(&demand->plane_align,
			search_declared(search, i, wish, UNIT_STRIDE_ALIGN, 1));
	if (search_declared(search, i, wish, UNIT_STRIDE_PIXELS, 0))
		demand->whole_pixels = true;
}

/* V4L2's alignment is one of the first plane, DRM's one of every plane. */
static void ask_device_stride(struct demand *demand, unsigned int i,
			      const struct device_format *facts)
{
	const struct search *search = demand->search;

	demand->stride_max = arith_min(
		demand->stride_max,
		search_value(search, i, UNIT_DEVICE_STRIDE_MAX,
			     search_fact(facts, FORMAT_STRIDE_MAX, facts->stride_max), UINT32_MAX));
	if (!search_fact(facts, FORMAT_STRIDE_CUSTOM, facts->stride_custom) ||
	    !search_counts(search, i, UNIT_DEVICE_STRIDE))
		return;
	demand_multiply(search->parties[i].is_v4l2 ? &demand->first_align : &demand->plane_align,
			stride_device_align(search, i, facts));
}

static void ask_offsets(struct demand *demand, unsigned int i, const struct wish *wish)
{
	const struct search *search = demand->search;
	const struct party *party = &search->parties[i];

	demand_multiply(&demand->offset_align,
			search_declared(search, i, wish, UNIT_OFFSET_ALIGN, 1));
	if (party->role)
		demand_multiply(&demand->offset_align,
				search_value(search, i, UNIT_DEVICE_OFFSET,
					     search_fact(party->role, ROLE_OFFSET_ALIGN,
							 party->role->offset_align),
					     1));
	if (party->is_v4l2 && search_counts(search, i, UNIT_DEVICE_PACKED))
		demand->packed = true;
	demand_multiply(&demand->rows_align, search_declared(search, i, wish, UNIT_ROWS_ALIGN, 1));
}

static void ask_bytes(struct demand *demand, unsigned int i, const struct wish *wish)
{
	const struct search *search = demand->search;

	demand->bytes_min =
		arith_max(demand->bytes_min, search_declared(search, i, wish, UNIT_BYTES_MIN, 0));
	demand->bytes_max = arith_min(demand->bytes_max,
				      search_declared(search, i, wish, UNIT_BYTES_MAX, UINT64_MAX));
	demand_multiply(&demand->bytes_align,
			search_declared(search, i, wish, UNIT_BYTES_ALIGN, 1));
}

void demand_ask(struct demand *demand)
{
	const struct search *search = demand->search;

	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct wish *wish = demand->combination->wish[i];
		const struct device_format *facts = demand_facts(demand, i);

		if (!search_is_active(search, i))
			continue;
		ask_declared_stride(demand, i, wish);
		if (facts)
			ask_device_stride(demand, i, facts);
		ask_offsets(demand, i, wish);
		ask_bytes(demand, i, wish);
	}
	stride_fold(demand);
}
