/* SPDX-License-Identifier: MIT */
/*
 * One format for all parties, while it is merged: what everybody asks of its layout, and what comes
 * of that. Shared by merge.c, demand.c, stride.c and layout.c.
 */
#ifndef DEMAND_H
#define DEMAND_H

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

static inline const struct device_format *demand_facts(const struct demand *demand, unsigned int i)
{
	const struct party *party = &demand->search->parties[i];

	return party->facts ? party->facts[demand->index] : NULL;
}

static inline void demand_multiply(uint64_t *align, uint64_t more)
{
	if (!*align || !more || !arith_lcm(*align, more, align))
		*align = 0;
}

static inline uint64_t demand_times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return arith_mul(a, b, &product) ? product : 0;
}

/* demand.c: whether all active parties take a picture of this size. */
bool demand_all_take_size(const struct demand *demand, uint32_t width, uint32_t height);

/* demand.c: fills in what all active parties ask. */
void demand_ask(struct demand *demand);

/* stride.c: folds everything that is asked of strides into one alignment of the first plane's. */
void stride_fold(struct demand *demand);

/* stride.c: the alignment that a device asks of strides, in bytes. */
uint64_t stride_device_align(const struct search *search, unsigned int i,
			     const struct device_format *facts);

/* stride.c: the smallest stride of the first plane that suits all, with so many rows in memory. */
bool stride_settle(const struct demand *demand, uint32_t width, uint32_t rows,
		   uint32_t *ret_stride);

/* stride.c: where somebody insists on a stride of his own, `*stride` becomes that; false: they
 * insist on different ones, or on one that does not suit. */
bool stride_settle_insisting(const struct demand *demand, uint64_t natural, uint64_t align,
			     uint64_t *stride);

/* layout.c: a layout of ours for a picture of this size. */
bool layout_make(const struct demand *demand, uint32_t width, uint32_t height,
		 struct format_layout *ret_layout);

/* layout.c: the layout that a participant supplies; of no planes if none is needed. */
bool layout_take_supplied(const struct demand *demand, struct format_layout *ret_layout);

/* layout.c: the layout of the buffers that exist. */
bool layout_take_existing(const struct demand *demand, const struct plan *existing,
			  struct merged *merged);

#endif
