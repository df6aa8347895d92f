/* SPDX-License-Identifier: MIT */
/*
 * One format for all parties: stride, offsets, bytes and count that suit everybody.
 *
 * Alignments merge by their least common multiple, minima by the largest, maxima by the smallest.
 * A V4L2 queue that does not honour a stride of ours insists on its own; then everybody has to take
 * that one. An alignment that a display or a client asks of every plane becomes one of the first
 * plane's stride, from which the others follow.
 */
#include "broker/model/arith.h"
#include "broker/solver/search.h"

static bool counts(const struct search *search, unsigned int i, enum constraint constraint)
{
	return search_counts(search, i, constraint);
}

/* What the strides of all planes have in common with the first plane's: how many times larger the
 * first plane's stride is than the smallest. */
static uint64_t stride_ratio(const struct format_info *info)
{
	uint64_t ratio = 1;

	for (unsigned int i = 1; i < info->planes_len; i++)
		ratio = arith_max(ratio, (uint64_t)info->planes[0].block_bytes *
						 info->planes[i].block_width /
						 info->planes[i].block_bytes);
	return ratio;
}

static bool in_range(uint64_t value, uint64_t min, uint64_t max, uint64_t step)
{
	return value >= min && value <= max && (value - min) % step == 0;
}

static bool size_fits(const struct device_format *facts, uint32_t width, uint32_t height)
{
	for (size_t i = 0; i < facts->sizes.len; i++)
		if (facts->sizes.items[i].width == width && facts->sizes.items[i].height == height)
			return true;
	if (facts->sizes.len)
		return false;
	return in_range(width, vocab_number(facts, FORMAT_WIDTH_MIN),
			vocab_number(facts, FORMAT_WIDTH_MAX),
			vocab_number(facts, FORMAT_WIDTH_STEP)) &&
	       in_range(height, vocab_number(facts, FORMAT_HEIGHT_MIN),
			vocab_number(facts, FORMAT_HEIGHT_MAX),
			vocab_number(facts, FORMAT_HEIGHT_STEP));
}

static bool formats_fit(const struct search *search, const struct candidate *candidate)
{
	if (!candidate->info)
		return false;
	if (counts(search, search->parties_len, CONSTRAINT_FORMAT) &&
	    candidate->request_position == SEARCH_NOWHERE)
		return false;
	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct device_format *facts = candidate->party[i].facts;

		if (counts(search, i, CONSTRAINT_FORMAT) &&
		    candidate->party[i].position == SEARCH_NOWHERE)
			return false;
		if (facts && counts(search, i, CONSTRAINT_SIZE) &&
		    !size_fits(facts, search->request->width, search->request->height))
			return false;
	}
	return true;
}

struct strides {
	uint64_t min;
	uint64_t max;
	uint64_t align;
	uint64_t fixed; /* 0: nobody insists */
};

static bool merge_device_stride(const struct device_format *facts, bool is_v4l2, uint64_t ratio,
				uint64_t natural, struct strides *strides)
{
	uint64_t align = vocab_number(facts, FORMAT_STRIDE_ALIGN);
	uint64_t fixed;

	if (!is_v4l2 && !arith_mul(align, ratio, &align))
		return false;
	strides->max = arith_min(strides->max, vocab_number(facts, FORMAT_STRIDE_MAX));
	if (vocab_number(facts, FORMAT_STRIDE_CUSTOM))
		return arith_lcm(strides->align, align, &strides->align);
	if (!arith_align(natural, align, &fixed))
		return false;
	if (strides->fixed && strides->fixed != fixed)
		return false;
	strides->fixed = fixed;
	return true;
}

static bool merge_wished_stride(const struct participant *wish, uint64_t ratio,
				struct strides *strides)
{
	uint64_t align = vocab_number(wish, PARTICIPANT_STRIDE_ALIGN);

	strides->min = arith_max(strides->min, vocab_number(wish, PARTICIPANT_STRIDE_MIN));
	strides->max = arith_min(strides->max, vocab_number(wish, PARTICIPANT_STRIDE_MAX));
	return arith_mul(align, ratio, &align) && arith_lcm(strides->align, align, &strides->align);
}

/* The smallest stride that suits everybody. */
static bool settle_stride(const struct strides *strides, uint32_t *ret_stride)
{
	uint64_t stride;

	if (!arith_align(strides->min, strides->align, &stride))
		return false;
	if (strides->fixed) {
		if (strides->fixed < strides->min || strides->fixed % strides->align)
			return false;
		stride = strides->fixed;
	}
	if (stride > strides->max || stride > UINT32_MAX)
		return false;
	*ret_stride = (uint32_t)stride;
	return true;
}

static bool merge_stride(const struct search *search, const struct candidate *candidate,
			 uint32_t *ret_stride, unsigned int *ret_by)
{
	uint64_t natural = format_stride_min(candidate->info, search->request->width);
	uint64_t ratio = stride_ratio(candidate->info);
	struct strides strides = {.min = natural, .max = UINT32_MAX, .align = 1};
	uint32_t stride = (uint32_t)natural;

	if (!natural || !arith_align(natural, ratio, &strides.min))
		return false;
	*ret_by = SEARCH_NOBODY;
	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct party *party = &search->parties[i];
		const struct device_format *facts = candidate->party[i].facts;
		uint32_t before = stride;

		if (!counts(search, i, CONSTRAINT_STRIDE))
			continue;
		if (facts && !merge_device_stride(facts, party->device->kind == KIND_V4L2, ratio,
						  natural, &strides))
			return false;
		if (!merge_wished_stride(party->wish, ratio, &strides))
			return false;
		if (!settle_stride(&strides, &stride))
			continue; /* a later party may still insist on a larger one */
		if (stride != before)
			*ret_by = i;
	}
	return settle_stride(&strides, ret_stride);
}

static bool is_packed(const struct format_info *info, uint32_t height, uint32_t stride,
		      const struct format_layout *layout)
{
	struct format_layout packed;

	if (!format_layout(info, height, stride, 1, &packed))
		return false;
	return packed.total == layout->total;
}

/*
 * The rows that planes have in memory. A V4L2 driver that pads the height insists on it where
 * planes follow: its next plane begins behind the padding. In a single plane it is only bytes at
 * the end.
 */
static bool merge_height(const struct search *search, const struct candidate *candidate,
			 uint32_t *ret_height)
{
	uint64_t rows = 0, own;

	*ret_height = search->request->height;
	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct device_format *facts = candidate->party[i].facts;

		if (candidate->info->planes_len == 1 || !facts ||
		    search->parties[i].device->kind != KIND_V4L2 ||
		    !counts(search, i, CONSTRAINT_OFFSET))
			continue;
		if (!arith_align(search->request->height, vocab_number(facts, FORMAT_HEIGHT_ALIGN),
				 &own) ||
		    own > UINT32_MAX || (rows && rows != own))
			return false;
		rows = own;
		*ret_height = (uint32_t)rows;
	}
	return true;
}

/* V4L2 has no words for plane offsets: there the planes follow each other without a gap. */
static bool merge_offsets(const struct search *search, const struct candidate *candidate,
			  uint32_t stride, struct format_layout *ret_layout)
{
	const struct format_info *info = candidate->info;
	uint64_t align = 1;
	uint32_t height;

	if (!merge_height(search, candidate, &height))
		return false;
	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct party *party = &search->parties[i];

		if (!counts(search, i, CONSTRAINT_OFFSET))
			continue;
		if (!arith_lcm(align, vocab_number(party->wish, PARTICIPANT_OFFSET_ALIGN), &align))
			return false;
		if (party->role &&
		    !arith_lcm(align, vocab_number(party->role, ROLE_OFFSET_ALIGN), &align))
			return false;
	}
	if (align > UINT32_MAX || !format_layout(info, height, stride, (uint32_t)align, ret_layout))
		return false;
	for (unsigned int i = 0; i < search->parties_len; i++)
		if (search->parties[i].device && search->parties[i].device->kind == KIND_V4L2 &&
		    counts(search, i, CONSTRAINT_OFFSET) &&
		    !is_packed(info, height, stride, ret_layout))
			return false;
	return true;
}

uint64_t merge_tail(const struct device_format *facts, const struct format_info *info,
		    uint32_t height, const struct format_layout *layout)
{
	uint64_t rows, tail = vocab_number(facts, FORMAT_TAIL_BYTES), padding = 0;

	if (info->planes_len == 1 &&
	    arith_align(height, vocab_number(facts, FORMAT_HEIGHT_ALIGN), &rows))
		padding = (rows - height) * layout->stride[0];
	return arith_add(tail, padding, &tail) ? tail : UINT64_MAX;
}

static bool merge_bytes(const struct search *search, const struct candidate *candidate,
			struct merged *merged)
{
	uint64_t bytes = merged->layout.total, most = UINT64_MAX, wanted;
	uint64_t page = vocab_number(search->machine, MACHINE_PAGE_BYTES);

	merged->bytes_by = SEARCH_NOBODY;
	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct device_format *facts = candidate->party[i].facts;

		if (!counts(search, i, CONSTRAINT_BYTES))
			continue;
		if (!arith_add(merged->layout.total,
			       facts ? merge_tail(facts, candidate->info, search->request->height,
						  &merged->layout)
				     : 0,
			       &wanted))
			return false;
		wanted = arith_max(wanted,
				   vocab_number(search->parties[i].wish, PARTICIPANT_BYTES_MIN));
		if (wanted > bytes) {
			bytes = wanted;
			merged->bytes_by = i;
		}
		most = arith_min(most,
				 vocab_number(search->parties[i].wish, PARTICIPANT_BYTES_MAX));
	}
	merged->picture_bytes = bytes;
	return bytes <= most && arith_align(bytes, page, &merged->memory_bytes);
}

/* The hard need is the sum of what each holds at once; slack is a wish and gives way. */
static bool merge_count(const struct search *search, struct merged *merged)
{
	uint64_t needed = 0, slack = 0, most = 64, largest = 0;

	merged->count_by = SEARCH_NOBODY;
	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct party *party = &search->parties[i];
		uint64_t camping = vocab_number(party->wish, PARTICIPANT_CAMPING);

		if (!counts(search, i, CONSTRAINT_COUNT))
			continue;
		if (party->role)
			camping = arith_max(camping, vocab_number(party->role, ROLE_MIN_BUFFERS));
		needed += camping;
		slack += vocab_number(party->wish, PARTICIPANT_SLACK);
		most = arith_min(most, vocab_number(party->wish, PARTICIPANT_MAX_COUNT));
		if (camping > largest) {
			largest = camping;
			merged->count_by = i;
		}
	}
	if (counts(search, search->parties_len, CONSTRAINT_COUNT) &&
	    vocab_number(search->request, REQUEST_COUNT) > needed) {
		needed = vocab_number(search->request, REQUEST_COUNT);
		merged->count_by = SEARCH_NOBODY;
	}
	needed = arith_max(needed, 1);
	merged->count_needed = (uint32_t)needed;
	merged->count = (uint32_t)arith_max(needed, arith_min(needed + slack, most));
	return needed <= most;
}

bool merge_candidate(const struct search *search, const struct candidate *candidate,
		     struct merged *ret_merged)
{
	struct merged merged;
	uint32_t stride;

	if (!formats_fit(search, candidate) ||
	    !merge_stride(search, candidate, &stride, &merged.stride_by) ||
	    !merge_offsets(search, candidate, stride, &merged.layout) ||
	    !merge_bytes(search, candidate, &merged) || !merge_count(search, &merged))
		return false;
	*ret_merged = merged;
	return true;
}
