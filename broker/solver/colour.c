/* SPDX-License-Identifier: MIT */
/*
 * One colour space for all: an entry of each list such that all agree, where what an entry leaves
 * open agrees with anything. Colour spaces are few, so all that the lists so far lead to are kept.
 */
#include <assert.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/solver/search.h"

#define WORDS 4
/* as many as there are words, with `unspecified`: 6 primaries, 6 transfers, 5 matrices, 3 ranges */
#define CANDIDATES_MAX (6 * 6 * 5 * 3)

static void words_of(const void *record, unsigned int first, struct colours *ret_colours)
{
	for (unsigned int i = 0; i < WORDS; i++)
		ret_colours->word[i] = (uint32_t)vocab_number(record, first + i);
}

_Static_assert(COLOUR_TRANSFER == COLOUR_PRIMARIES + 1 && COLOUR_MATRIX == COLOUR_PRIMARIES + 2 &&
		       COLOUR_RANGE == COLOUR_PRIMARIES + 3,
	       "the four words follow each other");
_Static_assert(REQUEST_TRANSFER == REQUEST_PRIMARIES + 1 &&
		       REQUEST_MATRIX == REQUEST_PRIMARIES + 2 &&
		       REQUEST_RANGE == REQUEST_PRIMARIES + 3,
	       "the four words follow each other");

/* Whether two colour spaces can be the same; `*ret_both` is what they are then. */
static bool join(const struct colours *a, const struct colours *b, struct colours *ret_both)
{
	struct colours both;

	for (unsigned int i = 0; i < WORDS; i++) {
		if (a->word[i] && b->word[i] && a->word[i] != b->word[i])
			return false;
		both.word[i] = a->word[i] ? a->word[i] : b->word[i];
	}
	*ret_both = both;
	return true;
}

/* What the lists so far lead to: each colour space once, with the smallest sum of places. */
struct pool {
	struct {
		struct colours colours;
		uint64_t sum;
	} items[CANDIDATES_MAX];
	size_t len;
};

static void add(struct pool *pool, const struct colours *colours, uint64_t sum)
{
	for (size_t i = 0; i < pool->len; i++) {
		if (memcmp(&pool->items[i].colours, colours, sizeof(*colours)) != 0)
			continue;
		pool->items[i].sum = arith_min(pool->items[i].sum, sum);
		return;
	}
	assert(pool->len < CANDIDATES_MAX);
	pool->items[pool->len].colours = *colours;
	pool->items[pool->len++].sum = sum;
}

/* Everything so far, completed by each entry of one more list. */
static void join_list(struct pool *pool, const struct vocab_dicts *list)
{
	struct pool before = *pool;
	struct colours entry, both;

	pool->len = 0;
	for (size_t i = 0; i < list->len; i++) {
		words_of(list->items[i], COLOUR_PRIMARIES, &entry);
		for (size_t j = 0; j < before.len; j++)
			if (join(&before.items[j].colours, &entry, &both))
				add(pool, &both, before.items[j].sum + i);
	}
}

static void join_party(const struct search *search, unsigned int i, const struct wish *wish,
		       struct pool *pool)
{
	if (!search_is_active(search, i) || !wish->has_colours ||
	    !search_counts(search, i, UNIT_COLOURS))
		return;
	for (unsigned int depth = 0; depth < wish->path_len; depth++)
		if (wish->path[depth]->colours.len)
			join_list(pool, &wish->path[depth]->colours);
}

static bool is_lower(const struct colours *a, const struct colours *b)
{
	for (unsigned int i = 0; i < WORDS; i++)
		if (a->word[i] != b->word[i])
			return a->word[i] < b->word[i];
	return false;
}

bool colour_merge(const struct search *search, const struct combination *combination,
		  struct colours *ret_colours)
{
	struct pool pool;
	size_t best = 0;

	memset(&pool.items[0], 0, sizeof(pool.items[0]));
	pool.len = 1;
	if (search_counts(search, search->parties_len, UNIT_REQUEST_COLOUR))
		words_of(search->request, REQUEST_PRIMARIES, &pool.items[0].colours);
	for (unsigned int i = 0; i < search->parties_len && pool.len; i++)
		join_party(search, i, combination->wish[i], &pool);
	for (size_t i = 1; i < pool.len; i++)
		if (pool.items[i].sum < pool.items[best].sum ||
		    (pool.items[i].sum == pool.items[best].sum &&
		     is_lower(&pool.items[i].colours, &pool.items[best].colours)))
			best = i;
	if (pool.len)
		*ret_colours = pool.items[best].colours;
	return pool.len != 0;
}
