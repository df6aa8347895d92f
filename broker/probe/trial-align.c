/* SPDX-License-Identifier: MIT */
/*
 * Alignments by trial and error. If the driver takes v and v + a for some v, then both are
 * multiples of its own alignment, and so is a: the least such a is that alignment, if it is among
 * the ones that are tried. The third multiple tells a rule from two lucky hits.
 *
 * Powers of two would do for nearly all. The triples are for pixels of three bytes, and for widths
 * that count in 12 or 24 pixels. Each refusal may be a line in some driver's log, so that walking
 * over all numbers is no way.
 */
#include "broker/model/arith.h"
#include "broker/probe/trial-child.h"

static bool takes_multiples(uint32_t align, uint32_t least, trial_takes_fn takes, void *data)
{
	uint32_t first = least / align + (least % align != 0);

	return takes(data, first * align) && takes(data, (first + 1) * align) &&
	       takes(data, (first + 3) * align);
}

/* 1, 2, 3, 4, 6, 8, 12, 16, 24 ... */
static uint32_t next_align(uint32_t align)
{
	bool is_power = (align & (align - 1)) == 0;

	if (align < 2)
		return 2;
	return is_power ? align / 2 * 3 : align / 3 * 4;
}

uint32_t trial_find_align(uint32_t least, uint32_t hint, trial_takes_fn takes, void *data)
{
	bool hinted = hint == 0 || hint > TRIAL_ALIGN_MAX;

	for (uint32_t align = 1; align <= TRIAL_ALIGN_MAX; align = next_align(align)) {
		if (!hinted && hint <= align) {
			hinted = true;
			if (hint < align && takes_multiples(hint, least, takes, data))
				return hint;
		}
		if (takes_multiples(align, least, takes, data))
			return align;
	}
	return 0;
}

uint32_t trial_pitch_align(const uint32_t *pitches, const uint32_t *row_bytes, size_t len)
{
	bool exact = true;
	uint64_t align = 0;

	for (size_t i = 0; i < len; i++) {
		exact = exact && pitches[i] == row_bytes[i];
		align = arith_gcd(align, pitches[i]);
	}
	return exact ? 1 : (uint32_t)align;
}
