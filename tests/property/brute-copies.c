/* SPDX-License-Identifier: MIT */
/* Section 8 of docs/negotiation.md: every way to split the participants into groups. */
#include <stdlib.h>
#include <string.h>

#include "tests/property/brute-inside.h"

/* ---- 8. copies ---- */

/* One way to split them, with the formats that suit it best. */
struct split {
	unsigned int groups_len;
	unsigned int group_of[BRUTE_USERS_MAX];
	bool hop[BRUTE_USERS_MAX][BRUTE_USERS_MAX];
	unsigned int hops_len;
	uint64_t bytes;
	struct brute_plan plans[BRUTE_USERS_MAX];
};

static uint64_t add_bytes(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void find_hops(const struct scene *all, struct split *split)
{
	memset(split->hop, 0, sizeof(split->hop));
	split->hops_len = 0;
	for (unsigned int i = 0; i < all->len; i++)
		for (unsigned int j = 0; j < all->len; j++) {
			unsigned int from = split->group_of[i], to = split->group_of[j];

			if (from == to || split->hop[from][to] ||
			    !produces(&all->users[i], &all->users[j]))
				continue;
			split->hop[from][to] = true;
			split->hops_len++;
		}
}

/* The groups that are joined with the first one, as bits. */
static uint32_t joined_with(const struct split *split, unsigned int first)
{
	uint32_t joined = 1u << first, before = 0;

	while (joined != before) {
		before = joined;
		for (unsigned int i = 0; i < split->groups_len; i++)
			for (unsigned int j = 0; j < split->groups_len; j++)
				if ((split->hop[i][j] || split->hop[j][i]) && joined & 1u << i)
					joined |= 1u << j;
	}
	return joined;
}

static bool solve_group(const struct brute_input *input, const struct split *split,
			unsigned int group, bool restricted, uint32_t fourcc,
			struct brute_plan *ret_plan)
{
	struct brute_input part = *input;
	struct brute_answer *answer = calloc(1, sizeof(*answer));
	bool found;

	if (!answer)
		abort();
	part.members = 0;
	for (unsigned int i = 0; i < input->request->participants.len; i++)
		if (split->group_of[i] == group)
			part.members |= 1u << i;
	part.restricted = part.linear = part.copied = restricted;
	part.fourcc = fourcc;
	solve_together(&part, answer);
	found = answer->code == ERROR_NONE;
	if (found)
		*ret_plan = answer->plan;
	free(answer);
	return found;
}

struct joined_answer {
	bool found;
	uint64_t bytes, places;
	struct brute_plan plans[BRUTE_USERS_MAX];
};

/* Groups that are joined have one colour space; false: there is none. */
static bool join_colours(const struct brute_input *input, const struct split *split,
			 uint32_t joined, struct joined_answer *one)
{
	struct scene scene = {.input = input};
	uint32_t colour[4];

	for (unsigned int i = 0; i < input->request->participants.len; i++) {
		unsigned int group = split->group_of[i];

		if (joined & 1u << group)
			set_user(input, &scene.users[scene.len++], i, one->plans[group].leaf[i]);
	}
	if (!choose_colour(&scene, colour))
		return false;
	for (unsigned int i = 0; i < split->groups_len; i++)
		if (joined & 1u << i)
			memcpy(one->plans[i].colour, colour, sizeof(colour));
	return true;
}

/* Plans of groups that are joined, in one format. */
static void try_format(const struct brute_input *input, const struct split *split, uint32_t joined,
		       uint32_t fourcc, struct joined_answer *best)
{
	struct joined_answer one = {.found = true};

	for (unsigned int i = 0; i < split->groups_len; i++) {
		if (!(joined & 1u << i))
			continue;
		if (!solve_group(input, split, i, true, fourcc, &one.plans[i]))
			return;
		one.places += one.plans[i].key[RULE_FORMAT];
		for (unsigned int j = 0; j < split->groups_len; j++)
			if (split->hop[i][j])
				one.bytes = add_bytes(one.bytes, one.plans[i].picture_bytes);
	}
	if (!join_colours(input, split, joined, &one))
		return;
	/* formats come in ascending order: of equals the first stays */
	if (!best->found || one.bytes < best->bytes ||
	    (one.bytes == best->bytes && one.places < best->places))
		*best = one;
}

static bool solve_joined(const struct brute_input *input, struct split *split, uint32_t joined,
			 const uint32_t *fourccs, size_t fourccs_len)
{
	struct joined_answer best = {0};

	if (!(joined & (joined - 1))) { /* alone */
		unsigned int group = (unsigned int)__builtin_ctz(joined);

		return solve_group(input, split, group, false, 0, &split->plans[group]);
	}
	for (size_t i = 0; i < fourccs_len; i++)
		try_format(input, split, joined, fourccs[i], &best);
	for (unsigned int i = 0; best.found && i < split->groups_len; i++)
		if (joined & 1u << i)
			split->plans[i] = best.plans[i];
	split->bytes = add_bytes(split->bytes, best.bytes);
	return best.found;
}

static int by_fourcc(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Every fourcc that anybody names and whose layout is known, in ascending order. */
static size_t all_fourccs(const struct brute_input *input, uint32_t fourccs[PAIRS_MAX])
{
	struct pairs pairs;
	size_t n = 0;

	collect_pairs(input, &pairs);
	for (size_t i = 0; i < pairs.len; i++)
		if (format_find(pairs.items[i].fourcc))
			fourccs[n++] = pairs.items[i].fourcc;
	qsort(fourccs, n, sizeof(fourccs[0]), by_fourcc);
	return n;
}

static bool split_is_better(const struct split *a, const struct split *b, unsigned int users)
{
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes;
	if (a->groups_len != b->groups_len)
		return a->groups_len < b->groups_len;
	if (a->hops_len != b->hops_len)
		return a->hops_len < b->hops_len;
	for (unsigned int i = 0; i < users; i++)
		if (a->group_of[i] != b->group_of[i])
			return a->group_of[i] < b->group_of[i];
	return false;
}

static bool solve_split(const struct brute_input *input, struct split *split,
			const uint32_t *fourccs, size_t fourccs_len)
{
	uint32_t done = 0;

	split->bytes = 0;
	for (unsigned int i = 0; i < split->groups_len; i++) {
		uint32_t joined = joined_with(split, i);

		if (done & 1u << i)
			continue;
		if (!solve_joined(input, split, joined, fourccs, fourccs_len))
			return false;
		done |= joined;
	}
	return true;
}

/* The next way to put users into groups that are numbered by their first member. */
static bool next_split(struct split *split, unsigned int users)
{
	for (unsigned int i = users - 1; i > 0; i--) {
		unsigned int most = 0;

		for (unsigned int j = 0; j < i; j++)
			if (split->group_of[j] + 1 > most)
				most = split->group_of[j] + 1;
		if (split->group_of[i] < most) {
			split->group_of[i]++;
			for (unsigned int j = i + 1; j < users; j++)
				split->group_of[j] = 0;
			return true;
		}
	}
	return false;
}

static void take_hop(const struct scene *all, const struct split *split, unsigned int from,
		     unsigned int to, struct brute_answer *answer)
{
	struct brute_hop *hop = &answer->hops[answer->hops_len++];

	*hop = (struct brute_hop){from, to, split->plans[from].picture_bytes, 0, 0};
	for (unsigned int i = 0; i < all->len; i++)
		for (unsigned int j = 0; j < all->len; j++)
			if (split->group_of[i] == from && split->group_of[j] == to &&
			    produces(&all->users[i], &all->users[j])) {
				hop->producers |= 1u << i;
				hop->consumers |= 1u << j;
			}
}

static void take_split(const struct scene *all, const struct split *split,
		       struct brute_answer *answer)
{
	answer->code = ERROR_NONE;
	answer->groups_len = split->groups_len;
	answer->copied_bytes = split->bytes;
	memcpy(answer->group_of, split->group_of, sizeof(answer->group_of));
	memcpy(answer->groups, split->plans, sizeof(split->plans));
	answer->hops_len = 0;
	for (unsigned int i = 0; i < split->groups_len; i++)
		for (unsigned int j = 0; j < split->groups_len; j++)
			if (split->hop[i][j])
				take_hop(all, split, i, j, answer);
}

/* Restricted to the format that each group has. */
static bool solve_in_formats(const struct brute_input *input, struct split *split,
			     const uint32_t *fourccs)
{
	split->bytes = 0;
	for (unsigned int i = 0; i < split->groups_len; i++) {
		uint32_t joined = joined_with(split, i);
		struct split part = *split;

		for (unsigned int j = 0; j < split->groups_len; j++)
			if (joined & 1u << j && fourccs[j] != fourccs[i])
				return false;
		part.bytes = 0;
		if (!solve_joined(input, &part, joined, &fourccs[i], 1))
			return false;
		split->plans[i] = part.plans[i];
		if (!(joined & ((1u << i) - 1))) /* once for all that are joined */
			split->bytes = add_bytes(split->bytes, part.bytes);
	}
	return true;
}

void brute_solve_split(const struct brute_input *input, const unsigned int *group_of,
		       const uint32_t *fourccs, struct brute_answer *ret_answer)
{
	unsigned int users = (unsigned int)input->request->participants.len;
	struct split *split = calloc(1, sizeof(*split));
	unsigned int order[BRUTE_USERS_MAX];
	uint32_t all_of_them[PAIRS_MAX];
	struct brute_plan start;
	struct scene all;

	if (!split)
		abort();
	memset(ret_answer, 0, sizeof(*ret_answer));
	ret_answer->code = ERROR_CONFLICT;
	set_scene(input, order, order_users(input, order), 0, &all, &start);
	for (unsigned int i = 0; i < users; i++) {
		split->group_of[i] = group_of[i];
		if (group_of[i] >= split->groups_len)
			split->groups_len = group_of[i] + 1;
	}
	find_hops(&all, split);
	if (fourccs ? solve_in_formats(input, split, fourccs)
		    : solve_split(input, split, all_of_them, all_fourccs(input, all_of_them)))
		take_split(&all, split, ret_answer);
	free(split);
}

static void solve_apart(const struct brute_input *input, struct brute_answer *answer)
{
	unsigned int users = (unsigned int)input->request->participants.len;
	struct split *split = calloc(2, sizeof(*split)), *best = split ? split + 1 : NULL;
	unsigned int order[BRUTE_USERS_MAX];
	uint32_t fourccs[PAIRS_MAX];
	size_t fourccs_len = all_fourccs(input, fourccs);
	struct brute_plan start;
	struct scene all;

	if (!split)
		abort();
	set_scene(input, order, order_users(input, order), 0, &all, &start);
	while (next_split(split, users)) {
		split->groups_len = 0;
		for (unsigned int i = 0; i < users; i++)
			if (split->group_of[i] + 1 > split->groups_len)
				split->groups_len = split->group_of[i] + 1;
		find_hops(&all, split);
		if (solve_split(input, split, fourccs, fourccs_len) &&
		    (!best->groups_len || split_is_better(split, best, users)))
			*best = *split;
	}
	if (best->groups_len)
		take_split(&all, best, answer);
	free(split);
}

void brute_solve(const struct brute_input *input, struct brute_answer *ret_answer)
{
	memset(ret_answer, 0, sizeof(*ret_answer));
	solve_together(input, ret_answer);
	if (ret_answer->code == ERROR_CONFLICT && !ret_answer->plain && !input->filter &&
	    !(input->options && input->options->existing) &&
	    input->request->participants.len <= BRUTE_SPLIT_MAX &&
	    vocab_number(input->request, REQUEST_ALLOW_COPIES))
		solve_apart(input, ret_answer);
}
