/* SPDX-License-Identifier: MIT */
/*
 * The best of all feasible pairs of format and heap. One total order, each rule deciding only what
 * the ones before left open: preference of formats, a cached heap where the CPU reads often, scarce
 * memory last, fewer bytes, then the lower fourcc, modifier and heap id.
 */
#include <string.h>

#include "broker/model/arith.h"
#include "broker/solver/search.h"

static uint64_t format_cost(const struct search *search, const struct candidate *candidate)
{
	uint64_t cost = 0;

	if (search->request->formats.len)
		return candidate->request_position;
	for (unsigned int i = 0; i < search->parties_len; i++)
		cost += candidate->party[i].position;
	return cost;
}

static bool reads_often(const struct search *search)
{
	for (unsigned int i = 0; i < search->parties_len; i++)
		if (vocab_number(search->parties[i].wish, PARTICIPANT_CPU_ACCESS) ==
		    CPU_ACCESS_OFTEN)
			return true;
	return false;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_options(const struct option *a, const struct option *b)
{
	int order = compare_numbers(a->format_cost, b->format_cost);

	if (!order)
		order = compare_numbers(a->uncached, b->uncached);
	if (!order)
		order = compare_numbers(a->scarce, b->scarce);
	if (!order)
		order = compare_numbers(a->merged.memory_bytes, b->merged.memory_bytes);
	if (!order)
		order = compare_numbers(a->candidate->fourcc, b->candidate->fourcc);
	if (!order)
		order = compare_numbers(a->candidate->modifier, b->candidate->modifier);
	return order ? order : strcmp(a->heap->id, b->heap->id);
}

/* The heaps that suit whatever the format: looked at once, not once for each format. */
static size_t suiting_heaps(const struct search *search, const struct heap **heaps)
{
	size_t len = 0;

	for (size_t i = 0; i < search->heaps_len; i++)
		if (suit_heap(search, search->heaps[i]))
			heaps[len++] = search->heaps[i];
	return len;
}

/* Whether the heap can give buffers of the option's layout that all take. */
static bool fits(const struct search *search, struct option *option)
{
	struct merged *merged = &option->merged;

	return arith_align(merged->memory_bytes, vocab_number(option->heap, HEAP_GRANULARITY),
			   &merged->memory_bytes) &&
	       suit_segments(search, option->heap, merged) &&
	       suit_capacity(search, option->heap, merged);
}

bool choose(const struct search *search, struct option *ret_option)
{
	const struct heap *heaps[SEARCH_HEAPS_MAX];
	size_t heaps_len = suiting_heaps(search, heaps);
	bool often = reads_often(search), found = false;

	for (size_t i = 0; i < search->candidates_len && heaps_len; i++) {
		struct option option = {.candidate = &search->candidates[i]};
		struct merged merged;

		if (!merge_candidate(search, option.candidate, &merged))
			continue;
		option.format_cost = format_cost(search, option.candidate);
		for (size_t j = 0; j < heaps_len; j++) {
			option.heap = heaps[j];
			option.merged = merged;
			if (!fits(search, &option))
				continue;
			option.uncached = often && !vocab_number(option.heap, HEAP_CACHED);
			option.scarce = vocab_number(option.heap, HEAP_CONTIGUOUS) != 0;
			if (!found || compare_options(&option, ret_option) < 0)
				*ret_option = option;
			found = true;
		}
	}
	return found;
}
