/* SPDX-License-Identifier: MIT */
/*
 * Rows and offsets. A layout that is given (supplied by a participant, or that of buffers that
 * exist) is only looked at: nothing in it can be moved.
 */
#include "broker/solver/demand.h"

/* ---- layouts that we make ---- */

/*
 * The rows that planes have in memory. A V4L2 driver that pads the height insists on it where
 * planes follow: its next plane begins behind the padding.
 */
static bool settle_rows(const struct demand *demand, uint32_t height, bool several,
			uint32_t *ret_rows)
{
	const struct search *search = demand->search;
	uint64_t rows = 0, own;

	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct device_format *facts = demand_facts(demand, i);

		if (!several || !facts || !search->parties[i].is_v4l2 ||
		    !search_is_active(search, i) || !search_counts(search, i, UNIT_DEVICE_ROWS))
			continue;
		if (!arith_align(height,
				 search_value(search, i, UNIT_DEVICE_ROWS,
					      search_fact(facts, FORMAT_HEIGHT_ALIGN,
							  facts->height_align),
					      1),
				 &own) ||
		    (rows && rows != own))
			return false;
		rows = own;
	}
	if (!demand->rows_align || !arith_align(height, demand->rows_align, &own))
		return false;
	if (rows && demand->rows_align != 1 && rows != own)
		return false;
	rows = rows ? rows : own;
	*ret_rows = (uint32_t)rows;
	return rows <= UINT32_MAX;
}

/* V4L2 has no words for plane offsets: there the planes follow each other without a gap. */
static bool is_packed(const struct format_layout *layout)
{
	uint64_t next = 0;

	for (unsigned int i = 0; i < layout->planes_len; i++) {
		if (layout->offset[i] != next)
			return false;
		next = layout->offset[i] + layout->bytes[i];
	}
	return true;
}

bool layout_make(const struct demand *demand, uint32_t width, uint32_t height,
		 struct format_layout *ret_layout)
{
	uint32_t stride, rows;

	return settle_rows(demand, height, demand->info->planes_len > 1, &rows) &&
	       stride_settle(demand, width, rows, &stride) && demand->offset_align &&
	       format_layout(demand->info, rows, stride, demand->offset_align, ret_layout) &&
	       (!demand->packed || is_packed(ret_layout));
}

/* ---- layouts that are given ---- */

static bool take_planes(const struct vocab_dicts *planes, uint64_t total,
			struct format_layout *ret_layout)
{
	struct format_layout layout = {.planes_len = (uint8_t)planes->len, .total = total};

	if (planes->len > FORMAT_PLANES_MAX)
		return false;
	for (size_t i = 0; i < planes->len; i++) {
		const struct plane *plane = (const struct plane *)planes->items[i];

		layout.stride[i] = plane->stride;
		layout.offset[i] = vocab_number(plane, PLANE_OFFSET);
		layout.bytes[i] = vocab_number(plane, PLANE_BYTES);
	}
	*ret_layout = layout;
	return true;
}

/* The end of the last plane. */
static uint64_t end_of(const struct vocab_dicts *planes)
{
	uint64_t end = 0;

	for (size_t i = 0; i < planes->len; i++)
		end = arith_max(end, vocab_number(planes->items[i], PLANE_OFFSET) +
					     vocab_number(planes->items[i], PLANE_BYTES));
	return end;
}

/* Rows of a linear layout that exists must be those that everybody asks for. */
static bool rows_hold(const struct demand *demand, const struct format_layout *layout)
{
	uint32_t height = demand->search->request->height, rows, asked;

	if (!demand->info)
		return demand->rows_align == 1;
	rows = (uint32_t)(layout->bytes[0] / layout->stride[0]);
	if (!settle_rows(demand, height, demand->info->planes_len > 1, &asked))
		return false;
	return rows == asked ||
	       (rows > asked && demand->rows_align && rows % demand->rows_align == 0 &&
		(!demand->packed || layout->planes_len == 1));
}

/* A queue that insists on a stride of its own must find it there. */
static bool insisting_hold(const struct demand *demand, uint64_t stride)
{
	uint64_t natural, settled = stride;

	if (!demand->info)
		return true;
	natural = format_stride_min(demand->info, demand->search->request->width);
	return stride >= natural &&
	       stride_settle_insisting(demand, natural, arith_max(demand->stride_align, 1),
				       &settled) &&
	       settled == stride;
}

static bool layout_holds(const struct demand *demand, const struct format_layout *layout)
{
	if (layout->stride[0] < demand->stride_min || layout->stride[0] > demand->stride_max ||
	    !demand->first_align || !demand->plane_align || !demand->offset_align ||
	    layout->stride[0] % demand->first_align)
		return false;
	for (unsigned int i = 0; i < layout->planes_len; i++)
		if (layout->stride[i] % demand->plane_align ||
		    layout->offset[i] % demand->offset_align)
			return false;
	if (demand->info && (!demand->stride_align || layout->stride[0] % demand->stride_align))
		return false;
	return insisting_hold(demand, layout->stride[0]) && rows_hold(demand, layout) &&
	       (!demand->packed || is_packed(layout));
}

static bool same_planes(const struct vocab_dicts *a, const struct vocab_dicts *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		for (unsigned int row = PLANE_MEMORY; row < PLANE_ROWS; row++)
			if (vocab_number(a->items[i], row) != vocab_number(b->items[i], row))
				return false;
	return true;
}

/* What is supplied for the pair. */
struct supply {
	const struct supplied_layout *agreed;  /* by all whose layouts count; NULL: by none */
	const struct supplied_layout *another; /* by somebody whose layouts do not, that holds */
	bool disputed;
	const struct plan *existing; /* NULL, or the other is one of these planes */
};

static void add_supply(const struct demand *demand, const struct supplied_layout *layout,
		       bool counts, struct supply *supply)
{
	struct format_layout planes;

	if (layout->format != demand->candidate->fourcc ||
	    layout->modifier != demand->candidate->modifier)
		return;
	if (counts) {
		supply->disputed |= supply->agreed &&
				    (supply->agreed->bytes != layout->bytes ||
				     !same_planes(&supply->agreed->planes, &layout->planes));
		supply->agreed = layout;
	} else if ((!supply->another || layout->bytes < supply->another->bytes) &&
		   (!supply->existing || same_planes(&layout->planes, &supply->existing->planes)) &&
		   take_planes(&layout->planes, layout->bytes, &planes) &&
		   layout_holds(demand, &planes)) {
		supply->another = layout;
	}
}

static struct supply find_supply(const struct demand *demand, const struct plan *existing)
{
	struct search *search = demand->search;
	struct supply supply = {.existing = existing};

	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct wish *wish = demand->combination->wish[i];
		bool counts = search_counts(search, i, UNIT_LAYOUTS);

		if (!search_is_active(search, i) || !wish->has_layouts)
			continue;
		for (unsigned int depth = 0; depth < wish->path_len; depth++) {
			const struct vocab_dicts *list = &wish->path[depth]->layouts;

			search->work += list->len;
			for (size_t j = 0; j < list->len; j++)
				add_supply(demand, (const struct supplied_layout *)list->items[j],
					   counts, &supply);
		}
	}
	return supply;
}

/* Nobody supplies it, and that is left out of account. */
static bool take_none(struct format_layout *ret_layout)
{
	*ret_layout = (struct format_layout){0};
	return true;
}

/* Whose layouts are left out of account still supplies one; he need not agree with others. */
bool layout_take_supplied(const struct demand *demand, struct format_layout *ret_layout)
{
	struct supply supply = find_supply(demand, NULL);
	const struct supplied_layout *layout = supply.agreed ? supply.agreed : supply.another;

	if (supply.disputed)
		return false;
	if (!supply.agreed &&
	    !search_counts(demand->search, demand->search->parties_len, UNIT_REQUEST_LAYOUT))
		return take_none(ret_layout);
	return layout && take_planes(&layout->planes, layout->bytes, ret_layout) &&
	       layout_holds(demand, ret_layout);
}

/* ---- buffers that exist ---- */

/* Of a layout that somebody supplies metadata may follow the planes; it must be the one that is. */
static bool is_supplied(const struct demand *demand, const struct plan *existing, uint64_t *end)
{
	struct supply supply = find_supply(demand, existing);
	const struct supplied_layout *layout = supply.agreed ? supply.agreed : supply.another;

	if (layout)
		*end = arith_max(*end, layout->bytes);
	return !supply.disputed &&
	       (!supply.agreed || same_planes(&supply.agreed->planes, &existing->planes));
}

bool layout_take_existing(const struct demand *demand, const struct plan *existing,
			  struct merged *merged)
{
	uint64_t end = end_of(&existing->planes);

	return existing->format == demand->candidate->fourcc &&
	       existing->modifier == demand->candidate->modifier &&
	       (demand->info || is_supplied(demand, existing, &end)) &&
	       take_planes(&existing->planes, end, &merged->layout) &&
	       layout_holds(demand, &merged->layout);
}
