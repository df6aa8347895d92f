/* SPDX-License-Identifier: MIT */
/* How many buffers: the hard need is the sum of what each holds at once; slack is a wish. */
#include "broker/model/arith.h"
#include "broker/solver/search.h"

uint64_t count_camping(const struct search *search, unsigned int i, const struct wish *wish)
{
	const struct party *party = &search->parties[i];
	uint64_t camping;

	if (party->idle || !search_counts(search, i, UNIT_CAMPING))
		return 0;
	camping = search_declared(search, i, wish, UNIT_CAMPING, 1);
	return party->role ? arith_max(camping, party->min_buffers) : camping;
}

/* The sums are of at most 17 numbers below 65 and cannot overflow. */
bool count_merge(const struct search *search, const struct combination *combination,
		 struct counts *ret_counts)
{
	uint64_t sum = search->copier, needed = 1, slack = 0, shared = 0, most = SEARCH_COUNT_MAX;

	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct wish *wish = combination->wish[i];

		if (!search_is_active(search, i))
			continue;
		sum += count_camping(search, i, wish);
		needed = arith_max(needed, search_declared(search, i, wish, UNIT_MIN_COUNT, 0));
		slack += wish->slack;
		shared = arith_max(shared, wish->shared_slack);
		most = arith_min(
			most, search_declared(search, i, wish, UNIT_MAX_COUNT, SEARCH_COUNT_MAX));
	}
	if (search_counts(search, search->parties_len, UNIT_REQUEST_COUNT))
		needed = arith_max(needed,
				   search_value(search, search->parties_len, UNIT_REQUEST_COUNT,
						vocab_number(search->request, REQUEST_COUNT), 0));
	needed = arith_max(needed, sum);
	ret_counts->needed = (uint32_t)needed;
	ret_counts->wanted = (uint32_t)(needed + slack + shared);
	ret_counts->most = (uint32_t)most;
	ret_counts->target = (uint32_t)arith_min(ret_counts->wanted, most);
	return needed <= most;
}
