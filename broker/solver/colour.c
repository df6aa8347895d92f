/* SPDX-License-Identifier: MIT */
/*
 * One colour space for all: an entry of each list such that all agree, where what an entry leaves
 * open agrees with anything. Colour spaces are few, so all that the lists so far lead to are kept.
 */
#include <string.h>

#include "broker/model/arith.h"
#include "broker/solver/search.h"

#define WORDS 4
/* as many as there are words, `unspecified` among them */
#define PRIMARIES 6
#define TRANSFERS 6
#define MATRICES 5
#define RANGES 3
#define COLOURS (PRIMARIES * TRANSFERS * MATRICES * RANGES)

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

/* What the lists so far lead to: for each colour space the smallest sum of places; UINT64_MAX: it
 * is not among them. */
struct pool {
	uint64_t sum[COLOURS];
};

static unsigned int index_of(const struct colours *colours)
{
	return ((colours->word[0] * TRANSFERS + colours->word[1]) * MATRICES + colours->word[2]) *
		       RANGES +
	       colours->word[3];
}

/* The numbers of the indices are in the order of the words. */
static struct colours colours_at(unsigned int index)
{
	return (struct colours){{index / RANGES / MATRICES / TRANSFERS,
				 index / RANGES / MATRICES % TRANSFERS, index / RANGES % MATRICES,
				 index % RANGES}};
}

/* Everything so far, completed by each entry of one more list. */
static void join_list(struct search *search, struct pool *pool, const struct vocab_dicts *list)
{
	struct pool before = *pool;
	struct colours entry, both;

	memset(pool, 0xff, sizeof(*pool));
	for (unsigned int j = 0; j < COLOURS; j++) {
		struct colours colours = colours_at(j);

		if (before.sum[j] == UINT64_MAX)
			continue;
		search->work += list->len;
		for (size_t i = 0; i < list->len; i++) {
			uint64_t *sum;

			words_of(list->items[i], COLOUR_PRIMARIES, &entry);
			if (!join(&colours, &entry, &both))
				continue;
			sum = &pool->sum[index_of(&both)];
			*sum = arith_min(*sum, before.sum[j] + i);
		}
	}
}

static void join_party(struct search *search, unsigned int i, const struct wish *wish,
		       struct pool *pool)
{
	if (!search_is_active(search, i) || !wish->has_colours ||
	    !search_counts(search, i, UNIT_COLOURS))
		return;
	for (unsigned int depth = 0; depth < wish->path_len; depth++)
		if (wish->path[depth]->colours.len)
			join_list(search, pool, &wish->path[depth]->colours);
}

static bool anybody_lists(const struct search *search, const struct combination *combination)
{
	for (unsigned int i = 0; i < search->parties_len; i++)
		if (search_is_active(search, i) && combination->wish[i]->has_colours &&
		    search_counts(search, i, UNIT_COLOURS))
			return true;
	return false;
}

bool colour_merge(struct search *search, const struct combination *combination,
		  struct colours *ret_colours)
{
	struct colours asked = {{0}};
	unsigned int best = 0;
	struct pool pool;

	if (search_counts(search, search->parties_len, UNIT_REQUEST_COLOUR))
		words_of(search->request, REQUEST_PRIMARIES, &asked);
	*ret_colours = asked;
	if (!anybody_lists(search, combination))
		return true;
	memset(&pool, 0xff, sizeof(pool));
	pool.sum[index_of(&asked)] = 0;
	for (unsigned int i = 0; i < search->parties_len; i++)
		join_party(search, i, combination->wish[i], &pool);
	for (unsigned int j = 1; j < COLOURS; j++)
		if (pool.sum[j] < pool.sum[best])
			best = j;
	if (pool.sum[best] != UINT64_MAX)
		*ret_colours = colours_at(best);
	return pool.sum[best] != UINT64_MAX;
}
