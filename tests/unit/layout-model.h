/* SPDX-License-Identifier: MIT */
/*
 * The layout of linear formats in 128 bit, in which nothing can wrap: written from section 4 of
 * docs/negotiation.md, not from format.c. The blocks of a format are those of the table, which
 * formats.sh compares with the kernel's. And random numbers for cases to compare.
 */
#ifndef LAYOUT_MODEL_H
#define LAYOUT_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "broker/model/format.h"

typedef unsigned __int128 wide;

#define MOST32 ((wide)UINT32_MAX)
#define MOST64 ((wide)UINT64_MAX)

/* ---- the model ---- */

/* Rounded up to a whole number. */
static inline wide quotient(wide dividend, wide divisor)
{
	return (dividend + divisor - 1) / divisor;
}

/* stride_i = stride_0 * above / below, of the page's formula. */
struct share {
	wide above, below;
};

static inline struct share share_of(const struct format_info *info, unsigned int i)
{
	return (struct share){(wide)info->planes[0].block_width * info->planes[i].block_bytes,
			      (wide)info->planes[0].block_bytes * info->planes[i].block_width};
}

/* The smallest stride that holds a row in every plane. */
static inline wide model_natural(const struct format_info *info, wide width)
{
	wide natural = 0;

	for (unsigned int i = 0; i < info->planes_len; i++) {
		wide row = quotient(width, info->planes[i].block_width) *
			   info->planes[i].block_bytes;
		struct share share = share_of(info, i);

		/* stride * above / below >= row */
		if (natural < quotient(row * share.below, share.above))
			natural = quotient(row * share.below, share.above);
	}
	return natural;
}

static inline wide model_gcd(wide a, wide b)
{
	return b ? model_gcd(b, a % b) : a;
}

/* The least common multiple; 0: it is more than 64 bit hold, or one of both was. */
static inline wide model_lcm(wide a, wide b)
{
	wide parts = a && b ? a / model_gcd(a, b) : 0;

	return parts && b <= MOST64 && parts * b <= MOST64 ? parts * b : 0;
}

/* m_i(align) of the page: what makes the stride of plane i a multiple of `align`. */
static inline wide model_multiple(const struct format_info *info, unsigned int i, wide align)
{
	struct share share = share_of(info, i);
	wide common = model_gcd(share.above, share.below);

	return align * (share.below / common) /
	       model_gcd(align * (share.below / common), share.above / common);
}

struct model {
	wide stride[FORMAT_PLANES_MAX], offset[FORMAT_PLANES_MAX], bytes[FORMAT_PLANES_MAX], total;
};

/* Returns false: a stride is no whole number, or a number is too large for its place. */
static inline bool model_layout(const struct format_info *info, wide height, wide stride,
				wide align, struct model *ret_model)
{
	struct model model = {.total = 0};

	for (unsigned int i = 0; i < info->planes_len; i++) {
		struct share share = share_of(info, i);

		if (stride * share.above % share.below)
			return false;
		model.stride[i] = stride * share.above / share.below;
		model.bytes[i] = model.stride[i] * quotient(height, info->planes[i].row_height);
		model.offset[i] = quotient(model.total, align) * align;
		model.total = model.offset[i] + model.bytes[i];
		if (!model.stride[i] || model.stride[i] > MOST32 || model.total > MOST64)
			return false;
	}
	*ret_model = model;
	return true;
}

/* ---- random numbers ---- */

static uint64_t random_state;

static inline uint64_t draw(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

static inline uint64_t draw_below(uint64_t end)
{
	return (draw() >> 16) % end;
}

static inline uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

#endif
