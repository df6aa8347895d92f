/* SPDX-License-Identifier: MIT */
/*
 * The nearest value of a constraint with which the request has an answer. A number is tried in the
 * constraint's place (search->tweak): of a limit more is ever easier, so the nearest is found by
 * halving; of an alignment the divisors are tried from the largest down. Of what is no number the
 * answer without it says what to add.
 */
#include <stdio.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/solver/search.h"

static bool works(struct search *search, uint64_t value)
{
	struct choice choice = {.any = true};

	search->tweak.to = value;
	return choose(search, &choice);
}

/* The best answer with the unit left out of account. */
static bool answer_without(struct search *search, unsigned int party, enum unit unit,
			   struct choice *choice)
{
	uint64_t before = search->ignored[party];
	bool found;

	*choice = (struct choice){.any = false};
	search->ignored[party] |= UINT64_C(1) << unit;
	found = choose(search, choice);
	search->ignored[party] = before;
	return found;
}

/* The largest value below `from` that works, down to `least`. */
static bool largest_below(struct search *search, uint64_t from, uint64_t least, uint64_t *ret_value)
{
	uint64_t low = least, high = from;

	if (from <= least || !works(search, least))
		return false;
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (works(search, middle))
			low = middle;
		else
			high = middle;
	}
	*ret_value = low;
	return true;
}

/* The smallest value above `from` that works, up to `most`. */
static bool smallest_above(struct search *search, uint64_t from, uint64_t most, uint64_t *ret_value)
{
	uint64_t low = from, high = most;

	if (from >= most || !works(search, most))
		return false;
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (works(search, middle))
			high = middle;
		else
			low = middle;
	}
	*ret_value = high;
	return true;
}

/* The largest divisor of `from` that works. An alignment is below 2^32 where it is one value. */
static bool largest_divisor(struct search *search, uint64_t from, uint64_t *ret_value)
{
	if (from < 2 || from > UINT32_MAX)
		return false;
	for (uint64_t small = 2; small <= from / small; small++)
		if (from % small == 0 && works(search, from / small)) {
			*ret_value = from / small;
			return true;
		}
	/* the other half of the divisors, from above */
	for (uint64_t small = 65536; small > 0; small--)
		if (small < from && small <= from / small && from % small == 0 &&
		    works(search, small)) {
			*ret_value = small;
			return true;
		}
	return false;
}

/* How a unit that is a number gets easier. */
enum easier { EASIER_NOT, EASIER_BELOW, EASIER_ABOVE, EASIER_DIVISOR };

static enum easier how_easier(enum unit unit)
{
	switch (unit) {
	case UNIT_WIDTH_MIN:
	case UNIT_HEIGHT_MIN:
	case UNIT_STRIDE_MIN:
	case UNIT_BYTES_MIN:
	case UNIT_TAIL:
	case UNIT_DEVICE_TAIL:
	case UNIT_CAMPING:
	case UNIT_MIN_COUNT:
	case UNIT_REQUEST_COUNT:
		return EASIER_BELOW;
	case UNIT_WIDTH_MAX:
	case UNIT_HEIGHT_MAX:
	case UNIT_AREA_MAX:
	case UNIT_STRIDE_MAX:
	case UNIT_DEVICE_STRIDE_MAX:
	case UNIT_BYTES_MAX:
	case UNIT_ADDRESS_BITS:
	case UNIT_SEGMENTS:
	case UNIT_SEGMENT_BYTES:
	case UNIT_MAX_COUNT:
	case UNIT_REQUEST_CAPACITY:
		return EASIER_ABOVE;
	case UNIT_WIDTH_ALIGN:
	case UNIT_HEIGHT_ALIGN:
	case UNIT_STRIDE_ALIGN:
	case UNIT_DEVICE_STRIDE:
	case UNIT_OFFSET_ALIGN:
	case UNIT_DEVICE_OFFSET:
	case UNIT_ROWS_ALIGN:
	case UNIT_DEVICE_ROWS:
	case UNIT_BYTES_ALIGN:
	case UNIT_BASE_ALIGN:
		return EASIER_DIVISOR;
	default:
		return EASIER_NOT;
	}
}

static bool relax_number(struct search *search, unsigned int party, enum unit unit,
			 uint64_t *ret_value)
{
	uint64_t from, most = UINT64_MAX, least = 0;
	bool found = false;

	if (!describe_number(search, party, unit, &from) ||
	    (party < search->parties_len && wish_is_number(unit) &&
	     wish_count_records(&search->parties[party], unit) > 1))
		return false; /* merged of several values: none of them is the one to change */
	if (wish_is_number(unit))
		most = least = wish_neutral(unit);
	if (unit == UNIT_CAMPING)
		least = 0;
	search->tweak = (struct tweak){.party = party, .unit = unit, .from = from};
	switch (how_easier(unit)) {
	case EASIER_BELOW:
		found = largest_below(search, from, least, ret_value);
		break;
	case EASIER_ABOVE:
		found = smallest_above(search, from, most, ret_value);
		break;
	case EASIER_DIVISOR:
		found = largest_divisor(search, from, ret_value);
		break;
	default:
		break;
	}
	search->tweak.party = SEARCH_NOBODY;
	return found && !search->exhausted;
}

static void name_format(const struct choice *choice, char *text, size_t size)
{
	const struct candidate *candidate = choice->best.candidate;
	char name[FORMAT_TEXT_BYTES];

	format_text(candidate->fourcc, name);
	if (candidate->modifier == FORMAT_MODIFIER_LINEAR)
		snprintf(text, size, "add %s", name);
	else
		snprintf(text, size, "add %s:0x%llx", name,
			 (unsigned long long)candidate->modifier);
}

static void name_colour(const struct choice *choice, char *text, size_t size)
{
	const uint32_t *word = choice->best.colours.word;

	snprintf(text, size, "%s/%s/%s/%s", vocab_primaries_names[word[0]],
		 vocab_transfer_names[word[1]], vocab_matrix_names[word[2]],
		 vocab_range_names[word[3]]);
}

/* The other word of what is one or the other. */
static const char *opposite(enum unit unit)
{
	switch (unit) {
	case UNIT_IMPORTS:
	case UNIT_UNPROTECTED:
		return "yes";
	case UNIT_DEVICE_CONTIGUITY:
		return "none";
	case UNIT_MAINTENANCE:
		return "coherent";
	case UNIT_CACHE_ALIAS:
		return "never";
	case UNIT_DEVICE_PACKED:
		return "planes at any offset";
	case UNIT_EXPRESS:
		return "another interface";
	case UNIT_LAYOUTS:
		return "the same layout as the others";
	case UNIT_REQUEST_LAYOUT:
		return "a layout that some participant supplies";
	default:
		return "no";
	}
}

/* Whether the kernel's bounce buffers would do, which a request has to allow. */
static bool bounce_helps(struct search *search)
{
	struct choice choice = {.any = true};
	bool found;

	if (search->bounce_allowed)
		return false;
	search->bounce_allowed = true;
	found = choose(search, &choice);
	search->bounce_allowed = false;
	return found;
}

static bool relax_other(struct search *search, unsigned int party, enum unit unit, char *text,
			size_t size)
{
	struct choice choice;
	const char *heap;

	if ((unit == UNIT_DEVICE_REACH || unit == UNIT_BOUNCED) && bounce_helps(search)) {
		snprintf(text, size, "allow-bounce: yes");
		return true;
	}
	if (!answer_without(search, party, unit, &choice))
		return false;
	heap = vocab_string(choice.best.store->heap, HEAP_ID);
	switch (unit) {
	case UNIT_FORMATS:
	case UNIT_DEVICE_FORMATS:
	case UNIT_REQUEST_FORMATS:
		name_format(&choice, text, size);
		break;
	case UNIT_COLOURS:
	case UNIT_REQUEST_COLOUR:
		name_colour(&choice, text, size);
		break;
	case UNIT_ALLOWED_HEAPS:
	case UNIT_REQUEST_ALLOWED:
	case UNIT_REQUEST_KNOWN:
		snprintf(text, size, "add %s", heap);
		break;
	case UNIT_FORBIDDEN_HEAPS:
	case UNIT_REQUEST_FORBIDDEN:
		snprintf(text, size, "not %s", heap);
		break;
	case UNIT_BUFFERS:
		snprintf(text, size, "none: buffers from %s", heap);
		break;
	case UNIT_DEVICE_SIZE:
		snprintf(text, size, "add %ux%u", search->request->width, search->request->height);
		break;
	case UNIT_DEVICE_REACH:
		snprintf(text, size, "0x%llx", (unsigned long long)choice.best.store->top);
		break;
	case UNIT_DEVICE_SEGMENTS:
		snprintf(text, size, "pieces as those of %s", heap);
		break;
	case UNIT_SIZES:
	case UNIT_REQUEST_EXISTING:
		return false;
	default:
		snprintf(text, size, "%s", opposite(unit));
		break;
	}
	return true;
}

bool relax(struct search *search, unsigned int party, enum unit unit, char *text, size_t size)
{
	uint64_t value;

	if (how_easier(unit) == EASIER_NOT)
		return relax_other(search, party, unit, text, size);
	if (!relax_number(search, party, unit, &value))
		return false;
	snprintf(text, size, "%llu", (unsigned long long)value);
	return true;
}
