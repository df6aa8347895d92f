/* SPDX-License-Identifier: MIT */
/*
 * One format for all parties: size, stride, rows, offsets and bytes that suit everybody.
 *
 * Alignments merge by their least common multiple, minima by the largest, maxima by the smallest.
 * A V4L2 queue that does not honour a stride of ours insists on its own; then everybody has to take
 * that one. An alignment that a display or a client asks of every plane becomes one of the first
 * plane's stride, from which the others follow.
 *
 * A layout that is given (supplied by a participant, or that of buffers that exist) is only looked
 * at: nothing in it can be moved.
 */
#include <string.h>

#include "broker/model/arith.h"
#include "broker/solver/search.h"

/* Everything that is asked of a layout, by all, for one candidate. */
struct demand {
	struct search *search;
	const struct combination *combination;
	const struct candidate *candidate;
	unsigned int index;		/* of the candidate */
	const struct format_info *info; /* NULL: not linear */
	/* alignments; 0: they cannot be met at once */
	uint64_t first_align;  /* of the first plane's stride */
	uint64_t plane_align;  /* of every plane's stride */
	uint64_t stride_align; /* of the first plane's stride, by which all of them are met */
	bool whole_pixels;
	uint64_t stride_min, stride_max; /* of the first plane */
	uint64_t offset_align;
	bool packed;
	uint64_t rows_align;
	uint64_t bytes_min, bytes_max, bytes_align;
};

static const struct device_format *facts_of(const struct demand *demand, unsigned int i)
{
	const struct party *party = &demand->search->parties[i];

	return party->facts ? party->facts[demand->index] : NULL;
}

static void multiply(uint64_t *align, uint64_t more)
{
	if (!*align || !more || !arith_lcm(*align, more, align))
		*align = 0;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return arith_mul(a, b, &product) ? product : 0;
}

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
	uint64_t whole = times(align, d);

	return whole ? whole / arith_gcd(whole, n) : 0;
}

/* Folds everything that is asked of strides into one alignment of the first plane's. */
static void fold_strides(struct demand *demand)
{
	demand->stride_align = demand->first_align;
	for (unsigned int i = 0; demand->info && i < demand->info->planes_len; i++) {
		uint64_t n, d;

		plane_ratio(demand->info, i, &n, &d);
		multiply(&demand->stride_align, multiple_for(n, d, demand->plane_align));
		if (demand->whole_pixels)
			multiply(&demand->stride_align,
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
		multiply(&align, multiple_for(sum, divisor, demand->offset_align));
	}
	return align;
}

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
	const struct device_format *facts = facts_of(demand, i);
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

static bool all_take_size(const struct demand *demand, uint32_t width, uint32_t height)
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
	multiply(&demand->plane_align, search_declared(search, i, wish, UNIT_STRIDE_ALIGN, 1));
	if (search_declared(search, i, wish, UNIT_STRIDE_PIXELS, 0))
		demand->whole_pixels = true;
}

static uint64_t device_stride_align(const struct search *search, unsigned int i,
				    const struct device_format *facts)
{
	return search_value(search, i, UNIT_DEVICE_STRIDE,
			    search_fact(facts, FORMAT_STRIDE_ALIGN, facts->stride_align), 1);
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
	multiply(search->parties[i].is_v4l2 ? &demand->first_align : &demand->plane_align,
		 device_stride_align(search, i, facts));
}

static void ask_offsets(struct demand *demand, unsigned int i, const struct wish *wish)
{
	const struct search *search = demand->search;
	const struct party *party = &search->parties[i];

	multiply(&demand->offset_align, search_declared(search, i, wish, UNIT_OFFSET_ALIGN, 1));
	if (party->role)
		multiply(&demand->offset_align,
			 search_value(search, i, UNIT_DEVICE_OFFSET,
				      search_fact(party->role, ROLE_OFFSET_ALIGN,
						  party->role->offset_align),
				      1));
	if (party->is_v4l2 && search_counts(search, i, UNIT_DEVICE_PACKED))
		demand->packed = true;
	multiply(&demand->rows_align, search_declared(search, i, wish, UNIT_ROWS_ALIGN, 1));
}

static void ask_bytes(struct demand *demand, unsigned int i, const struct wish *wish)
{
	const struct search *search = demand->search;

	demand->bytes_min =
		arith_max(demand->bytes_min, search_declared(search, i, wish, UNIT_BYTES_MIN, 0));
	demand->bytes_max = arith_min(demand->bytes_max,
				      search_declared(search, i, wish, UNIT_BYTES_MAX, UINT64_MAX));
	multiply(&demand->bytes_align, search_declared(search, i, wish, UNIT_BYTES_ALIGN, 1));
}

static void ask_all(struct demand *demand)
{
	const struct search *search = demand->search;

	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct wish *wish = demand->combination->wish[i];
		const struct device_format *facts = facts_of(demand, i);

		if (!search_is_active(search, i))
			continue;
		ask_declared_stride(demand, i, wish);
		if (facts)
			ask_device_stride(demand, i, facts);
		ask_offsets(demand, i, wish);
		ask_bytes(demand, i, wish);
	}
	fold_strides(demand);
}

/* ---- layouts that we make ---- */

/* What a queue or plane that takes no other stride computes itself; 0: it overflows. */
static uint64_t own_stride(const struct demand *demand, unsigned int i,
			   const struct device_format *facts, uint64_t natural)
{
	uint64_t align = device_stride_align(demand->search, i, facts), own, n, d, every = 1;

	for (unsigned int p = 0; p < demand->info->planes_len; p++) {
		plane_ratio(demand->info, p, &n, &d);
		multiply(&every, multiple_for(n, d, align));
	}
	if (!demand->search->parties[i].is_v4l2)
		align = every;
	return align && arith_align(natural, align, &own) ? own : 0;
}

static bool settle_insisting(const struct demand *demand, uint64_t natural, uint64_t align,
			     uint64_t *stride)
{
	const struct search *search = demand->search;
	uint64_t fixed = 0;

	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct device_format *facts = facts_of(demand, i);
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

static bool settle_stride(const struct demand *demand, uint32_t width, uint32_t rows,
			  uint32_t *ret_stride)
{
	uint64_t natural = format_stride_min(demand->info, width), stride;
	uint64_t align = fold_offsets(demand, rows);

	if (!natural || !align ||
	    !arith_align(arith_max(natural, demand->stride_min), align, &stride) ||
	    !settle_insisting(demand, natural, align, &stride) || stride > demand->stride_max ||
	    stride > UINT32_MAX)
		return false;
	*ret_stride = (uint32_t)stride;
	return true;
}

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
		const struct device_format *facts = facts_of(demand, i);

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

static bool lay_out(const struct demand *demand, uint32_t width, uint32_t height,
		    struct format_layout *ret_layout)
{
	uint32_t stride, rows;

	return settle_rows(demand, height, demand->info->planes_len > 1, &rows) &&
	       settle_stride(demand, width, rows, &stride) && demand->offset_align &&
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
	       settle_insisting(demand, natural, arith_max(demand->stride_align, 1), &settled) &&
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
		   take_planes(&layout->planes, layout->bytes, &planes) &&
		   layout_holds(demand, &planes)) {
		supply->another = layout;
	}
}

static struct supply find_supply(const struct demand *demand)
{
	struct search *search = demand->search;
	struct supply supply = {NULL, NULL, false};

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
static bool take_supplied(const struct demand *demand, struct format_layout *ret_layout)
{
	struct supply supply = find_supply(demand);
	const struct supplied_layout *layout = supply.agreed ? supply.agreed : supply.another;

	if (supply.disputed)
		return false;
	if (!supply.agreed &&
	    !search_counts(demand->search, demand->search->parties_len, UNIT_REQUEST_LAYOUT))
		return take_none(ret_layout);
	return layout && take_planes(&layout->planes, layout->bytes, ret_layout) &&
	       layout_holds(demand, ret_layout);
}

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

		if (!all_take_size(demand, sizes->items[i].width, sizes->items[i].height))
			return false;
		if (!merged->layout.planes_len)
			continue; /* its layout is left out of account */
		if (!demand->info ||
		    !lay_out(demand, sizes->items[i].width, sizes->items[i].height, &layout) ||
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
	const struct device_format *facts = facts_of(demand, i);
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

/* ---- buffers that exist ---- */

/* Of a layout that somebody supplies metadata may follow the planes; it must be the one that is. */
static bool is_supplied(const struct demand *demand, const struct plan *existing, uint64_t *end)
{
	struct supply supply = find_supply(demand);
	const struct supplied_layout *layout = supply.agreed ? supply.agreed : supply.another;

	if (layout)
		*end = arith_max(*end, layout->bytes);
	return !supply.disputed &&
	       (!supply.agreed || same_planes(&supply.agreed->planes, &existing->planes));
}

static bool is_existing(const struct demand *demand, const struct plan *existing,
			struct merged *merged)
{
	uint64_t end = end_of(&existing->planes);

	return existing->format == demand->candidate->fourcc &&
	       existing->modifier == demand->candidate->modifier &&
	       (demand->info || is_supplied(demand, existing, &end)) &&
	       take_planes(&existing->planes, end, &merged->layout) &&
	       layout_holds(demand, &merged->layout);
}

static bool settle_layout(const struct demand *demand, struct merged *merged)
{
	const struct plan *existing = search_existing(demand->search);

	if (existing)
		return is_existing(demand, existing, merged);
	if (!demand->info)
		return take_supplied(demand, &merged->layout);
	return lay_out(demand, demand->search->request->width, demand->search->request->height,
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

	if (!all_take_size(&demand, search->request->width, search->request->height))
		return false;
	ask_all(&demand);
	if (!settle_layout(&demand, &merged) || !settle_bytes(&demand, &merged) ||
	    !arith_align(merged.picture_bytes, search->page_bytes, &merged.memory_bytes) ||
	    !all_can_express(&demand, &merged))
		return false;
	if (existing) {
		uint64_t bytes = ((const struct memory_object *)existing->memory.items[0])->bytes;

		if (merged.memory_bytes > bytes)
			return false;
		if (!candidate->info) /* nobody may know any more what follows the planes */
			merged.picture_bytes =
				arith_max(merged.picture_bytes, existing->picture_bytes);
		merged.memory_bytes = bytes;
	}
	*ret_merged = merged;
	return true;
}
