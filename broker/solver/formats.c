/* SPDX-License-Identifier: MIT */
/*
 * Which formats come into question, and where everybody has them in his list.
 *
 * The answer is a pair that somebody names concretely and that everybody takes. If some list that
 * counts in any case has no wildcard, the pair is in it, and the shortest such list is all that has
 * to be looked at. Else all concrete pairs of all lists are. Each list is then read once, and
 * leaves two numbers for each candidate: the place of the first entry that matches the pair, and
 * that of the first entry that matches its fourcc.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/solver/search.h"

#define ANY_FOURCC 0u
#define ANY_MODIFIER UINT64_C(0x00ffffffffffffff)

static size_t list_len(const struct list *list)
{
	return list->formats ? list->formats->len : list->role->formats.len;
}

static void entry_of(const struct list *list, size_t i, struct vocab_format *ret_entry)
{
	const struct device_format *facts;

	if (list->formats) {
		*ret_entry = list->formats->items[i];
		return;
	}
	facts = (const struct device_format *)list->role->formats.items[i];
	ret_entry->fourcc = (uint32_t)search_fact(facts, FORMAT_FORMAT, facts->format);
	ret_entry->modifier = search_fact(facts, FORMAT_MODIFIER, facts->modifier);
}

static bool is_wild(const struct list *list, const struct vocab_format *entry)
{
	return list->formats && (entry->fourcc == ANY_FOURCC || entry->modifier == ANY_MODIFIER);
}

static bool has_wildcard(const struct list *list)
{
	for (size_t i = 0; list->formats && i < list->formats->len; i++)
		if (is_wild(list, &list->formats->items[i]))
			return true;
	return false;
}

/* ---- the lists ---- */

static const struct list *add_list(struct search *search, const struct vocab_formats *formats,
				   const struct device_role *role)
{
	struct list *list = &search->lists[search->lists_len++];

	*list = (struct list){.formats = formats, .role = role};
	return list;
}

/* Leaves share the lists of the records that their paths share. */
static const struct list *find_list(const struct search *search,
				    const struct vocab_formats *formats)
{
	for (unsigned int i = search->lists_len; i-- > 0;)
		if (search->lists[i].formats == formats)
			return &search->lists[i];
	return NULL;
}

static void list_wish(struct search *search, struct wish *wish)
{
	for (unsigned int depth = 0; depth < wish->path_len; depth++) {
		const struct vocab_formats *formats = &wish->path[depth]->formats;
		const struct list *list;

		if (!formats->len)
			continue;
		list = find_list(search, formats);
		wish->lists[wish->lists_len++] = list ? list : add_list(search, formats, NULL);
	}
}

static unsigned int count_lists(const struct search *search)
{
	unsigned int len = 1;

	for (unsigned int i = 0; i < search->parties_len; i++) {
		len++;
		for (unsigned int j = 0; j < search->parties[i].wishes_len; j++)
			len += search->parties[i].wishes[j].path_len;
	}
	return len;
}

static int make_lists(struct search *search)
{
	search->lists = calloc(count_lists(search), sizeof(search->lists[0]));
	if (!search->lists)
		return -ENOMEM;
	if (search->request->formats.len)
		search->request_list = add_list(search, &search->request->formats, NULL);
	for (unsigned int i = 0; i < search->parties_len; i++) {
		struct party *party = &search->parties[i];

		for (unsigned int j = 0; j < party->wishes_len; j++)
			list_wish(search, &party->wishes[j]);
		if (party->role && party->role->formats.len)
			party->list = add_list(search, NULL, party->role);
	}
	return 0;
}

/* ---- the candidates ---- */

/* The shortest list without wildcard that counts whatever alternatives are chosen, or NULL. */
static const struct list *find_shortest(const struct search *search)
{
	const struct list *best = NULL;

	for (unsigned int i = 0; i < search->lists_len; i++) {
		const struct list *list = &search->lists[i];
		bool always = list == search->request_list || list->role;

		for (unsigned int j = 0; j < search->parties_len && !always; j++)
			always = list->formats == &search->parties[j].record->formats;
		if (always && (!best || list_len(list) < list_len(best)) && !has_wildcard(list))
			best = list;
	}
	return best;
}

static int by_format(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;

	if (left->fourcc != right->fourcc)
		return left->fourcc < right->fourcc ? -1 : 1;
	if (left->modifier != right->modifier)
		return left->modifier < right->modifier ? -1 : 1;
	return 0;
}

static void add_entries(struct search *search, const struct list *list)
{
	struct vocab_format entry;

	for (size_t i = 0; i < list_len(list); i++) {
		entry_of(list, i, &entry);
		if (!is_wild(list, &entry))
			search->candidates[search->candidates_len++] = (struct candidate){
				.fourcc = entry.fourcc, .modifier = entry.modifier};
	}
}

static void sort_candidates(struct search *search)
{
	unsigned int len = 0;

	if (!search->candidates_len)
		return;
	qsort(search->candidates, search->candidates_len, sizeof(search->candidates[0]), by_format);
	for (unsigned int i = 1; i < search->candidates_len; i++)
		if (by_format(&search->candidates[len], &search->candidates[i]))
			search->candidates[++len] = search->candidates[i];
	search->candidates_len = len + 1;
}

static int make_candidates(struct search *search, bool all)
{
	const struct list *only = all ? NULL : find_shortest(search);
	size_t len = only ? list_len(only) : 0;

	for (unsigned int i = 0; i < search->lists_len && !only; i++)
		len += list_len(&search->lists[i]);
	search->candidates = calloc(len + 1, sizeof(search->candidates[0]));
	if (!search->candidates)
		return -ENOMEM;
	for (unsigned int i = 0; i < search->lists_len; i++)
		if (!only || only == &search->lists[i])
			add_entries(search, &search->lists[i]);
	if (search->brought && !only)
		search->candidates[search->candidates_len++] = (struct candidate){
			.fourcc = search->brought->format, .modifier = search->brought->modifier};
	sort_candidates(search);
	return 0;
}

/* ---- a table of candidates by their names, while lists are read ---- */

struct table {
	uint32_t *pairs;   /* index + 1, by hash of fourcc and modifier */
	uint32_t *fourccs; /* index + 1 of the first candidate of a fourcc, by hash of it */
	uint32_t mask;
};

static uint32_t hash(uint32_t fourcc, uint64_t modifier)
{
	uint64_t mixed = (modifier ^ fourcc * UINT64_C(0x9e3779b97f4a7c15)) *
			 UINT64_C(0xff51afd7ed558ccd);

	return (uint32_t)(mixed >> 32);
}

static uint32_t *pair_slot(const struct search *search, const struct table *table, uint32_t fourcc,
			   uint64_t modifier)
{
	uint32_t at = hash(fourcc, modifier) & table->mask;

	while (table->pairs[at] && (search->candidates[table->pairs[at] - 1].fourcc != fourcc ||
				    search->candidates[table->pairs[at] - 1].modifier != modifier))
		at = (at + 1) & table->mask;
	return &table->pairs[at];
}

static uint32_t *fourcc_slot(const struct search *search, const struct table *table,
			     uint32_t fourcc)
{
	uint32_t at = hash(fourcc, 0) & table->mask;

	while (table->fourccs[at] && search->candidates[table->fourccs[at] - 1].fourcc != fourcc)
		at = (at + 1) & table->mask;
	return &table->fourccs[at];
}

static void fill_table(const struct search *search, const struct table *table)
{
	for (uint32_t i = 0; i < search->candidates_len; i++) {
		const struct candidate *candidate = &search->candidates[i];
		uint32_t *slot = fourcc_slot(search, table, candidate->fourcc);

		*pair_slot(search, table, candidate->fourcc, candidate->modifier) = i + 1;
		if (!*slot)
			*slot = i + 1;
	}
}

static void note(uint16_t *place, size_t i)
{
	if (!*place)
		*place = (uint16_t)(i + 1);
}

static void note_pair(const struct search *search, const struct list *list, unsigned int candidate,
		      size_t i)
{
	(void)search;
	note(&list->pair[candidate], i);
	list->takes[candidate / 64] |= UINT64_C(1) << (candidate % 64);
}

static void note_wild(const struct search *search, const struct list *list,
		      const struct vocab_format *entry, size_t i)
{
	for (unsigned int j = 0; j < search->candidates_len; j++) {
		const struct candidate *candidate = &search->candidates[j];

		if (entry->fourcc != ANY_FOURCC && entry->fourcc != candidate->fourcc)
			continue;
		note(&list->fourcc[j], i);
		if (entry->modifier == ANY_MODIFIER || entry->modifier == candidate->modifier)
			note_pair(search, list, j, i);
	}
}

static void read_list(const struct search *search, const struct table *table,
		      const struct list *list, const struct device_format **facts)
{
	struct vocab_format entry;

	for (size_t i = 0; i < list_len(list); i++) {
		uint32_t found;

		entry_of(list, i, &entry);
		if (is_wild(list, &entry)) {
			note_wild(search, list, &entry, i);
			continue;
		}
		found = *fourcc_slot(search, table, entry.fourcc);
		if (!found)
			continue;
		note(&list->fourcc[found - 1], i);
		found = *pair_slot(search, table, entry.fourcc, entry.modifier);
		if (!found)
			continue;
		note_pair(search, list, found - 1, i);
		if (facts && !facts[found - 1])
			facts[found - 1] =
				(const struct device_format *)list->role->formats.items[i];
	}
	/* the first candidate of a fourcc speaks for the others of it */
	for (unsigned int j = 1; j < search->candidates_len; j++)
		if (search->candidates[j].fourcc == search->candidates[j - 1].fourcc &&
		    list->fourcc[j - 1] &&
		    (!list->fourcc[j] || list->fourcc[j] > list->fourcc[j - 1]))
			list->fourcc[j] = list->fourcc[j - 1];
}

static void read_lists(struct search *search, const struct table *table)
{
	fill_table(search, table);
	for (unsigned int i = 0; i < search->lists_len; i++)
		if (!search->lists[i].role)
			read_list(search, table, &search->lists[i], NULL);
	for (unsigned int i = 0; i < search->parties_len; i++)
		if (search->parties[i].list)
			read_list(search, table, search->parties[i].list, search->parties[i].facts);
}

/* ---- room for all of it ---- */

static uint32_t table_len(unsigned int candidates)
{
	uint32_t len = 16;

	while (len < 2 * candidates)
		len *= 2;
	return len;
}

static void *take(char **at, size_t bytes)
{
	void *taken = *at;

	*at += (bytes + 7) / 8 * 8;
	return taken;
}

static int make_room(struct search *search, struct table *table)
{
	size_t len = search->candidates_len, places = (2 * len + 7) / 8 * 8;
	size_t bits = (search->words = (unsigned int)(len + 63) / 64) * sizeof(uint64_t);
	uint32_t slots = table_len((unsigned int)len);
	size_t bytes = search->lists_len * (2 * places + bits) +
		       search->parties_len * len * sizeof(void *) + 3 * bits +
		       len * sizeof(uint64_t) + 2 * slots * sizeof(uint32_t) + 64;
	char *at;

	if (len * search->lists_len > BOUND_PLACES || len > BOUND_PAIRS)
		return -E2BIG;
	search->memory = at = calloc(1, bytes);
	if (!at)
		return -ENOMEM;
	for (unsigned int i = 0; i < search->lists_len; i++) {
		search->lists[i].pair = take(&at, 2 * len);
		search->lists[i].fourcc = take(&at, 2 * len);
		search->lists[i].takes = take(&at, bits);
	}
	for (unsigned int i = 0; i < search->parties_len; i++)
		if (search->parties[i].role)
			search->parties[i].facts = take(&at, len * sizeof(void *));
	search->linear = take(&at, bits);
	search->laid_out = take(&at, bits);
	search->scratch = take(&at, bits);
	search->order = take(&at, len * sizeof(uint64_t));
	table->pairs = take(&at, slots * sizeof(uint32_t));
	table->fourccs = take(&at, slots * sizeof(uint32_t));
	table->mask = slots - 1;
	return 0;
}

/* ---- layouts ---- */

static struct candidate *find_candidate(struct search *search, uint32_t fourcc, uint64_t modifier)
{
	struct candidate key = {.fourcc = fourcc, .modifier = modifier};

	if (!search->candidates_len)
		return NULL;
	return bsearch(&key, search->candidates, search->candidates_len, sizeof(key), by_format);
}

/* The first that is supplied stands in for all: merge.c looks whether they are the same. */
static void supply(struct search *search, const struct participant *record)
{
	for (size_t i = 0; i < record->layouts.len; i++) {
		const struct supplied_layout *layout =
			(const struct supplied_layout *)record->layouts.items[i];
		struct candidate *candidate =
			find_candidate(search, layout->format, layout->modifier);

		if (candidate && !candidate->supplied)
			candidate->supplied = layout;
	}
}

static void find_layouts(struct search *search)
{
	for (unsigned int i = 0; i < search->candidates_len; i++) {
		struct candidate *candidate = &search->candidates[i];
		uint64_t bit = UINT64_C(1) << (i % 64);

		if (candidate->modifier == FORMAT_MODIFIER_LINEAR)
			candidate->info = format_find(candidate->fourcc);
		if (candidate->info)
			search->linear[i / 64] |= bit;
	}
	for (unsigned int i = 0; i < search->parties_len; i++)
		for (unsigned int j = 0; j < search->parties[i].wishes_len; j++) {
			const struct wish *wish = &search->parties[i].wishes[j];

			for (unsigned int depth = 0; wish->has_layouts && depth < wish->path_len;
			     depth++)
				supply(search, wish->path[depth]);
		}
	for (unsigned int i = 0; i < search->candidates_len; i++)
		if (search->candidates[i].info || search->candidates[i].supplied)
			search->laid_out[i / 64] |= UINT64_C(1) << (i % 64);
}

int formats_collect(struct search *search, bool all)
{
	struct table table;
	int error = make_lists(search);

	if (!error)
		error = make_candidates(search, all);
	if (!error)
		error = make_room(search, &table);
	if (error)
		return error;
	read_lists(search, &table);
	find_layouts(search);
	return 0;
}

void formats_forget(struct search *search)
{
	free(search->lists);
	free(search->candidates);
	free(search->memory);
	search->lists = NULL;
	search->lists_len = 0;
	search->request_list = NULL;
	search->candidates = NULL;
	search->candidates_len = 0;
	search->memory = NULL;
	for (unsigned int i = 0; i < search->parties_len; i++) {
		search->parties[i].list = NULL;
		for (unsigned int j = 0; j < search->parties[i].wishes_len; j++)
			search->parties[i].wishes[j].lists_len = 0;
	}
}

/* ---- questions ---- */

static void keep(struct search *search, const uint64_t *set)
{
	for (unsigned int i = 0; i < search->words; i++)
		search->scratch[i] &= set[i];
}

static void keep_format(struct search *search)
{
	for (unsigned int i = 0; i < search->candidates_len; i++)
		if (search->candidates[i].fourcc != search->only_format)
			search->scratch[i / 64] &= ~(UINT64_C(1) << (i % 64));
	keep(search, search->linear);
}

bool formats_accepted(struct search *search, const struct combination *combination)
{
	uint64_t some = 0;

	search->work += search->words * (search->parties_len + 1) / 8;
	memset(search->scratch, 0xff, search->words * sizeof(uint64_t));
	if (search->candidates_len % 64)
		search->scratch[search->words - 1] =
			(UINT64_C(1) << (search->candidates_len % 64)) - 1;
	if (search_counts(search, search->parties_len, UNIT_REQUEST_LAYOUT))
		keep(search, search->laid_out);
	if (search->request_list &&
	    search_counts(search, search->parties_len, UNIT_REQUEST_FORMATS))
		keep(search, search->request_list->takes);
	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct wish *wish = combination->wish[i];

		if (!search_is_active(search, i))
			continue;
		for (unsigned int j = 0;
		     j < wish->lists_len && search_counts(search, i, UNIT_FORMATS); j++)
			keep(search, wish->lists[j]->takes);
		if (!search_counts(search, i, UNIT_DEVICE_FORMATS))
			continue;
		if (search->parties[i].list)
			keep(search, search->parties[i].list->takes);
		else if (search->parties[i].role && !wish->lists_len)
			return false; /* nobody knows what it takes */
	}
	if (search->only_format)
		keep_format(search);
	for (unsigned int i = 0; i < search->words; i++)
		some |= search->scratch[i];
	return some != 0;
}

static const struct list *own_list(const struct search *search,
				   const struct combination *combination, unsigned int i)
{
	return combination->wish[i]->lists_len ? combination->wish[i]->lists[0]
					       : search->parties[i].list;
}

/* A place that does not count (its constraint is left out of account) adds nothing. */
static uint64_t place(const uint16_t *places, unsigned int candidate)
{
	return places[candidate] ? places[candidate] - 1u : 0;
}

uint64_t formats_cost(const struct search *search, const struct combination *combination,
		      unsigned int candidate)
{
	uint64_t cost = 0;

	if (search->request_list)
		return place(search->request_list->pair, candidate);
	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct list *list = own_list(search, combination, i);

		if (list && search_is_active(search, i))
			cost += place(list->fourcc, candidate);
	}
	return cost;
}

uint64_t formats_modifier_cost(const struct search *search, const struct combination *combination,
			       unsigned int candidate)
{
	uint64_t cost = 0;

	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct list *list = own_list(search, combination, i);

		if (list && search_is_active(search, i))
			cost += place(list->pair, candidate);
	}
	return cost;
}
