/* SPDX-License-Identifier: MIT */
/*
 * The best of all feasible choices. One total order: each choice has one key, compared from left to
 * right, the rules of preference in the order of enum rule, each deciding only what the ones before
 * left open; what is equal in all of them is decided by fourcc, modifier and heap id.
 *
 *	for each combination of alternatives, in the order of preference       (choose)
 *	    is there a count, a colour space, a heap that all take?
 *	    for each format that all take, the preferred first                 (try_combination)
 *	        which layout does it lead to?                                  (merge.c)
 *	        for each heap: do these bytes suit it?                         (try_heap)
 *
 * The search stops as soon as what is left cannot be better: a choice without bouncing that lacks
 *no slack is better than every later combination, and, of its own, than every format that costs
 *more.
 */
#include <string.h>

#include "broker/model/arith.h"
#include "broker/solver/search.h"

/* Passes over the picture that CPU access costs on a heap that is not cached. */
static const uint64_t uncached_reads[] = {
	[CPU_ACCESS_NEVER] = 0, [CPU_ACCESS_RARE] = 4, [CPU_ACCESS_OFTEN] = 16};
static const uint64_t uncached_writes[] = {
	[CPU_ACCESS_NEVER] = 0, [CPU_ACCESS_RARE] = 1, [CPU_ACCESS_OFTEN] = 2};

enum agent choose_agent(const struct party *party, bool bounced)
{
	return bounced ? AGENT_BOUNCED : party->agent;
}

static uint64_t hand_overs(const struct search *search, const struct store *store, uint32_t bounced)
{
	uint64_t passes = 0;

	for (unsigned int i = 0; i < search->parties_len; i++)
		for (unsigned int j = 0; j < search->parties_len; j++) {
			const struct party *writer = &search->parties[i];
			const struct party *reader = &search->parties[j];
			enum operation operation;

			if (!search_is_active(search, i) || !search_is_active(search, j) ||
			    !(writer->feeds >> j & 1))
				continue;
			operation = access_hand_over(choose_agent(writer, bounced >> i & 1),
						     choose_agent(reader, bounced >> j & 1),
						     store->cached);
			passes += (operation & OPERATION_CLEAN ? 1 : 0) +
				  (operation & OPERATION_INVALIDATE ? 1 : 0);
		}
	return passes;
}

uint64_t choose_passes(const struct search *search, const struct store *store, uint32_t bounced)
{
	uint64_t passes = 0;

	if (store->cached)
		return hand_overs(search, store, bounced);
	for (unsigned int i = 0; i < search->parties_len; i++)
		if (search_is_active(search, i))
			passes += uncached_reads[search->parties[i].cpu_reads] +
				  uncached_writes[search->parties[i].cpu_writes];
	return passes;
}

static bool reads_often(const struct search *search)
{
	for (unsigned int i = 0; i < search->parties_len; i++)
		if (search_is_active(search, i) && search->parties[i].cpu_reads == CPU_ACCESS_OFTEN)
			return true;
	return false;
}

/* ---- comparing ---- */

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_options(const struct option *a, const struct option *b)
{
	int order = 0;

	for (unsigned int i = 0; i < RULES && !order; i++)
		order = compare_numbers(a->key[i], b->key[i]);
	if (!order)
		order = compare_numbers(a->candidate->fourcc, b->candidate->fourcc);
	if (!order)
		order = compare_numbers(a->candidate->modifier, b->candidate->modifier);
	/* the stores are sorted by id */
	return order ? order : (a->store > b->store) - (a->store < b->store);
}

static void offer(struct choice *choice, const struct option *option)
{
	if (!choice->found || compare_options(option, &choice->best) < 0) {
		if (choice->found)
			choice->second = choice->best;
		choice->has_second = choice->found;
		choice->best = *option;
		choice->found = true;
	} else if (!choice->has_second || compare_options(option, &choice->second) < 0) {
		choice->second = *option;
		choice->has_second = true;
	}
}

/* ---- one combination ---- */

struct attempt {
	struct search *search;
	struct choice *choice;
	struct option option; /* what is the same for all formats and heaps is filled in */
	const struct store *stores[SEARCH_HEAPS_MAX];
	unsigned int stores_len;
	bool often;
};

/* How many buffers the heap could ever give; 0: not one. */
static uint64_t room_for(const struct search *search, const struct store *store, uint64_t bytes)
{
	uint64_t least = 0;

	if (!search_counts(search, search->parties_len, UNIT_REQUEST_CAPACITY) || !bytes)
		return UINT32_MAX;
	if (search->tweak.unit == UNIT_REQUEST_CAPACITY &&
	    search->tweak.party == search->parties_len)
		least = search->tweak.to;
	return bytes <= arith_max(store->buffer_max, least)
		       ? arith_max(store->capacity, least) / bytes
		       : 0;
}

/* Buffers that exist are as many as they are. */
static bool settle_count(const struct search *search, struct option *option, uint64_t room)
{
	const struct plan *existing = search_existing(search);

	if (existing) {
		option->count = existing->count;
		return option->counts.needed <= existing->count &&
		       option->counts.most >= existing->count;
	}
	option->count = (uint32_t)arith_min(option->counts.target, room);
	return option->count >= option->counts.needed;
}

static void try_heap(struct attempt *attempt, unsigned int i)
{
	const struct search *search = attempt->search;
	const struct store *store = attempt->stores[i];
	struct option *option = &attempt->option;
	uint64_t bytes = option->merged.memory_bytes, cost;
	const struct plan *existing = search_existing(search);

	if (!existing && !arith_align(bytes, store->granularity, &bytes))
		return;
	if (!suit_segments(search, &option->combination, store, bytes) ||
	    (store->bounced && !suit_bounce(search, store, store->bounced, bytes)) ||
	    !settle_count(search, option, existing ? UINT32_MAX : room_for(search, store, bytes)))
		return;
	option->store = store;
	option->bounced = store->bounced;
	option->key[RULE_BOUNCE] = store->bounced != 0;
	option->key[RULE_SLACK] =
		option->counts.target > option->count ? option->counts.target - option->count : 0;
	option->key[RULE_UNCACHED] = attempt->often && !store->known_cached;
	option->key[RULE_SCARCE] = store->scarce;
	option->key[RULE_ACCESS] =
		arith_mul(option->merged.picture_bytes, store->passes, &cost) ? cost : UINT64_MAX;
	option->key[RULE_BYTES] = bytes;
	offer(attempt->choice, option);
}

static bool is_exhausted(struct search *search)
{
	search->exhausted |= search->work > BOUND_WORK;
	return search->exhausted;
}

static void try_format(struct attempt *attempt, unsigned int i, uint64_t cost)
{
	struct search *search = attempt->search;
	struct option *option = &attempt->option;

	search->work += search->parties_len;
	if (is_exhausted(search))
		return;
	option->candidate = &search->candidates[i];
	if (!merge_candidate(search, &option->combination, option->candidate, &option->merged))
		return;
	option->key[RULE_FORMAT] = cost;
	option->key[RULE_MODIFIER] = formats_modifier_cost(search, &option->combination, i);
	option->key[RULE_LINEAR] = option->candidate->modifier != FORMAT_MODIFIER_LINEAR;
	search->work += attempt->stores_len * search->parties_len;
	for (unsigned int j = 0; j < attempt->stores_len; j++)
		try_heap(attempt, j);
}

static bool is_clean(const struct option *option)
{
	return !option->key[RULE_BOUNCE] && !option->key[RULE_SLACK];
}

/* Whether nothing that follows can be better: nobody is bounced, and no slack is missing. */
static bool is_settled(const struct search *search, const struct choice *choice)
{
	return search->exhausted || (choice->found && (choice->any || is_clean(&choice->best)));
}

/* The same within one combination, whose second best is of interest as well. */
static bool is_complete(const struct search *search, const struct choice *choice)
{
	return is_settled(search, choice) && (search->exhausted || choice->any ||
					      (choice->has_second && is_clean(&choice->second)));
}

/* Sinks the number at `at` to its place in a heap of `len` numbers. */
static void sink(uint64_t *numbers, size_t len, size_t at)
{
	for (size_t child; (child = 2 * at + 1) < len; at = child) {
		uint64_t number = numbers[at];

		child += child + 1 < len && numbers[child + 1] > numbers[child];
		if (numbers[child] <= number)
			return;
		numbers[at] = numbers[child];
		numbers[child] = number;
	}
}

/* Ascending; in place, where qsort of glibc takes memory. */
static void sort_numbers(uint64_t *numbers, size_t len)
{
	for (size_t i = len / 2; i-- > 0;)
		sink(numbers, len, i);
	for (size_t i = len; i-- > 1;) {
		uint64_t largest = numbers[0];

		numbers[0] = numbers[i];
		numbers[i] = largest;
		sink(numbers, i, 0);
	}
}

#define INDEX_BITS 16
_Static_assert(BOUND_PAIRS <= UINT16_MAX, "an index has 16 bit");

/* The formats that all take, the preferred first: those of the least cost are looked at before the
 * others are even put in order. */
static void try_formats(struct attempt *attempt)
{
	struct search *search = attempt->search;
	uint64_t *order = search->order, least = UINT64_MAX;
	size_t len = 0;

	for (unsigned int word = 0; word < search->words; word++)
		for (uint64_t bits = search->scratch[word]; bits; bits &= bits - 1) {
			unsigned int i = word * 64 + (unsigned int)__builtin_ctzll(bits);
			uint64_t cost = formats_cost(search, &attempt->option.combination, i);

			order[len++] = cost << INDEX_BITS | i;
			least = arith_min(least, cost);
		}
	for (size_t i = 0; i < len && !search->exhausted; i++)
		if (order[i] >> INDEX_BITS == least)
			try_format(attempt, order[i] & UINT16_MAX, least);
	if (is_complete(search, attempt->choice) || len < 2)
		return;
	sort_numbers(order, len);
	for (size_t i = 0; i < len; i++) {
		uint64_t cost = order[i] >> INDEX_BITS;

		if (i && cost != order[i - 1] >> INDEX_BITS && is_complete(search, attempt->choice))
			return;
		if (cost != least && !search->exhausted)
			try_format(attempt, order[i] & UINT16_MAX, cost);
	}
}

/* What is the same for all formats and combinations: looked at once in each round. */
static void look_at_store(struct search *search, struct store *store)
{
	if (store->round == search->round)
		return;
	store->round = search->round;
	store->bounced = suit_bounced(search, store);
	store->passes = choose_passes(search, store, store->bounced);
	search->work += search->parties_len;
}

static void collect_stores(struct attempt *attempt)
{
	struct search *search = attempt->search;
	struct heap_set set;

	suit_heaps(search, &attempt->option.combination, &set);
	for (unsigned int i = 0; i < search->stores_len; i++) {
		if (!heap_set_has(&set, i))
			continue;
		look_at_store(search, &search->stores[i]);
		attempt->stores[attempt->stores_len++] = &search->stores[i];
	}
}

static void try_combination(struct search *search, uint64_t number, struct choice *choice)
{
	struct attempt attempt = {.search = search, .choice = choice};
	struct option *option = &attempt.option;

	memset(option, 0, sizeof(*option));
	choose_combination(search, number, &option->combination);
	option->key[RULE_ALTERNATIVE] = number;
	attempt.stores_len = 0;
	attempt.often = reads_often(search);
	search->work += search->parties_len;
	if (is_exhausted(search) || !count_merge(search, &option->combination, &option->counts) ||
	    !colour_merge(search, &option->combination, &option->colours))
		return;
	collect_stores(&attempt);
	if (attempt.stores_len && formats_accepted(search, &option->combination))
		try_formats(&attempt);
}

/* ---- all combinations ---- */

/* Who is not solved for has no choice. */
static unsigned int leaves_of(const struct search *search, unsigned int i)
{
	return search_is_active(search, i) ? search->parties[i].wishes_len : 1;
}

void choose_combination(const struct search *search, uint64_t number,
			struct combination *ret_combination)
{
	ret_combination->number = number;
	for (unsigned int i = search->parties_len; i-- > 0;) {
		unsigned int at = search->by_rank[i];

		ret_combination->wish[at] =
			&search->parties[at].wishes[number % leaves_of(search, at)];
		number /= leaves_of(search, at);
	}
}

/* How many combinations are looked at. */
static uint64_t combinations_of(const struct search *search)
{
	uint64_t len = 1;

	for (unsigned int i = 0; i < search->parties_len; i++)
		len = arith_min(len * leaves_of(search, i), BOUND_COMBINATIONS);
	return len;
}

bool choose(struct search *search, struct choice *choice)
{
	uint64_t len = combinations_of(search);

	search->round++;
	choice->found = choice->has_second = false;
	for (uint64_t number = 0; number < len && !is_settled(search, choice); number++)
		try_combination(search, number, choice);
	/* the runner-up is one of the same alternatives */
	if (choice->has_second &&
	    choice->second.combination.number != choice->best.combination.number)
		choice->has_second = false;
	return choice->found && !search->exhausted;
}
