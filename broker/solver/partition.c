/* SPDX-License-Identifier: MIT */
/*
 * Copies as a way out: the participants are split into groups with a plan each, and each frame is
 * copied from group to group along who produces for whom.
 *
 * Up to BOUND_SPLIT_PARTICIPANTS participants every split is looked at, in the order of the group
 * numbers of the participants (0 0 1: the first two share), so that of equal ones the first stands.
 * Whether some of them can share a format, and at how many bytes, is found once for each set and
 * format (share). Beyond, groups begin as single participants and are merged while that saves
 * bytes.
 *
 * Example: camera (contiguous memory) and encoder (needs protected memory, takes copies) share
 * nothing. Split 0 1: one hop, camera to encoder, of the bytes of the camera's picture.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/solver/search.h"

/* What a set of participants shares in one format. */
struct share {
	bool known, works;
	uint64_t bytes;	      /* of the picture */
	uint64_t place;	      /* of the format in their lists */
	uint64_t combination; /* of their alternatives */
};

struct split {
	unsigned int groups_len, hops_len;
	uint8_t group[SEARCH_PARTIES_MAX]; /* of each participant, numbered by first member */
	uint32_t members[SEARCH_PARTIES_MAX];
	uint32_t format[SEARCH_PARTIES_MAX];	    /* of each group; 0: its own choice */
	struct colours colours[SEARCH_PARTIES_MAX]; /* of each group that hops join to another */
	uint64_t bytes;
};

struct partition {
	struct search *search;
	uint32_t *formats; /* linear ones, ascending */
	unsigned int formats_len;
	struct share *shares; /* by set and format; NULL: not kept */
	struct split best;
	bool found;
};

/* As views and policy call whoever copies, unless a participant is called so. */
#define COPIER "copy"

/* ---- who produces for whom ---- */

/* Whether somebody of one group produces for somebody of the other. */
static bool is_hop(const struct partition *partition, uint32_t from, uint32_t to)
{
	for (unsigned int i = 0; i < partition->search->parties_len; i++)
		if (from >> i & 1 && partition->search->parties[i].feeds & to)
			return true;
	return false;
}

/* ---- what a set shares ---- */

static bool solve_group(struct partition *partition, uint32_t members, uint32_t format,
			struct choice *choice)
{
	struct search *search = partition->search;
	bool found;

	search->active = members;
	search->only_format = format;
	search->copier = format != 0;
	*choice = (struct choice){.any = false};
	found = choose(search, choice);
	search->only_format = 0;
	return found;
}

static void find_share(struct partition *partition, uint32_t members, uint32_t format,
		       struct share *share)
{
	struct choice choice;

	*share = (struct share){.known = true};
	share->works = solve_group(partition, members, format, &choice);
	if (!share->works)
		return;
	share->bytes = choice.best.merged.picture_bytes;
	share->place = choice.best.key[RULE_FORMAT];
	share->combination = choice.best.combination.number;
}

static struct share share(struct partition *partition, uint32_t members, unsigned int format)
{
	struct share other, *share = &other;

	if (partition->shares)
		share = &partition->shares[(size_t)members * (partition->formats_len + 1) + format];
	else
		other.known = false;
	if (!share->known)
		find_share(partition, members,
			   format < partition->formats_len ? partition->formats[format] : 0, share);
	return *share;
}

/* ---- the cost of a split ---- */

/* Groups that hops join, whatever their direction: the lowest of them stands for all. */
static void join_groups(const struct partition *partition, const struct split *split,
			uint8_t joined[SEARCH_PARTIES_MAX])
{
	bool changed = true;

	for (unsigned int i = 0; i < split->groups_len; i++)
		joined[i] = (uint8_t)i;
	while (changed) {
		changed = false;
		for (unsigned int i = 0; i < split->groups_len; i++)
			for (unsigned int j = 0; j < split->groups_len; j++) {
				uint8_t low = joined[i] < joined[j] ? joined[i] : joined[j];

				if (i == j || joined[i] == joined[j] ||
				    !is_hop(partition, split->members[i], split->members[j]))
					continue;
				joined[i] = joined[j] = low;
				changed = true;
			}
	}
}

/* Bytes per frame that leave a group. */
static bool leaving(const struct partition *partition, const struct split *split, unsigned int i,
		    uint64_t bytes, uint64_t *ret_bytes)
{
	uint64_t hops = 0;

	for (unsigned int j = 0; j < split->groups_len; j++)
		hops += i != j && is_hop(partition, split->members[i], split->members[j]);
	return arith_mul(bytes, hops, ret_bytes);
}

/* Whether all groups joined to `first` can have the format; what they copy, and its places. */
static bool cost_format(struct partition *partition, const struct split *split,
			const uint8_t *joined, uint8_t first, unsigned int format,
			uint64_t *ret_bytes, uint64_t *ret_place)
{
	uint64_t bytes, all = 0, place = 0;

	for (unsigned int i = 0; i < split->groups_len; i++) {
		struct share shared;

		if (joined[i] != first)
			continue;
		shared = share(partition, split->members[i], format);
		if (!shared.works || !leaving(partition, split, i, shared.bytes, &bytes) ||
		    !arith_add(all, bytes, &all))
			return false;
		place += shared.place;
	}
	*ret_bytes = all;
	*ret_place = place;
	return true;
}

/* A copy converts no colours either: those of all joined groups agree. */
static bool agree_on_colours(struct partition *partition, const struct split *split,
			     const uint8_t *joined, uint8_t first, unsigned int format,
			     struct colours *ret_colours)
{
	struct search *search = partition->search;
	struct combination all = {0}, own;
	uint32_t members = 0;

	for (unsigned int i = 0; i < split->groups_len; i++) {
		if (joined[i] != first)
			continue;
		search->active = split->members[i];
		choose_combination(search, share(partition, split->members[i], format).combination,
				   &own);
		for (unsigned int p = 0; p < search->parties_len; p++)
			if (split->members[i] >> p & 1)
				all.wish[p] = own.wish[p];
		members |= split->members[i];
	}
	search->active = members;
	return colour_merge(search, &all, ret_colours);
}

/* A group that no hop touches has its own choice; others have the format that copies least. */
static bool cost_joined(struct partition *partition, struct split *split, const uint8_t *joined,
			uint8_t first, unsigned int formats_len, uint64_t *ret_bytes)
{
	unsigned int len = 0, best = SEARCH_NOBODY;
	uint64_t bytes, place, best_bytes = 0, best_place = 0;
	struct colours colours, best_colours = {{0}};

	for (unsigned int i = 0; i < split->groups_len; i++)
		len += joined[i] == first;
	if (len == 1) {
		*ret_bytes = 0;
		split->format[first] = 0;
		return share(partition, split->members[first], partition->formats_len).works;
	}
	for (unsigned int f = 0; f < formats_len; f++) {
		if (!cost_format(partition, split, joined, first, f, &bytes, &place))
			continue;
		if (best != SEARCH_NOBODY &&
		    (bytes > best_bytes || (bytes == best_bytes && place >= best_place)))
			continue;
		if (!agree_on_colours(partition, split, joined, first, f, &colours))
			continue;
		best_colours = colours;
		best = f;
		best_bytes = bytes;
		best_place = place;
	}
	for (unsigned int i = 0; i < split->groups_len && best != SEARCH_NOBODY; i++)
		if (joined[i] == first) {
			split->format[i] = partition->formats[best];
			split->colours[i] = best_colours;
		}
	*ret_bytes = best_bytes;
	return best != SEARCH_NOBODY;
}

/* Fills in formats, hops and bytes. False: some group has no plan. */
static bool cost_split(struct partition *partition, struct split *split, unsigned int formats_len)
{
	uint8_t joined[SEARCH_PARTIES_MAX];
	uint64_t bytes;

	split->bytes = 0;
	split->hops_len = 0;
	join_groups(partition, split, joined);
	for (unsigned int i = 0; i < split->groups_len; i++) {
		for (unsigned int j = 0; j < split->groups_len; j++)
			split->hops_len += i != j &&
					   is_hop(partition, split->members[i], split->members[j]);
		if (joined[i] != i)
			continue;
		if (!cost_joined(partition, split, joined, (uint8_t)i, formats_len, &bytes) ||
		    !arith_add(split->bytes, bytes, &split->bytes))
			return false;
	}
	return true;
}

static bool is_better(const struct split *a, const struct split *b)
{
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes;
	if (a->groups_len != b->groups_len)
		return a->groups_len < b->groups_len;
	if (a->hops_len != b->hops_len)
		return a->hops_len < b->hops_len;
	return memcmp(a->group, b->group, sizeof(a->group)) < 0;
}

static void offer_split(struct partition *partition, const struct split *split)
{
	if (partition->found && !is_better(split, &partition->best))
		return;
	partition->best = *split;
	partition->found = true;
}

/* ---- every split ---- */

static void number_groups(struct split *split, unsigned int parties_len)
{
	split->groups_len = 0;
	memset(split->members, 0, sizeof(split->members));
	for (unsigned int i = 0; i < parties_len; i++) {
		split->members[split->group[i]] |= 1u << i;
		if (split->group[i] >= split->groups_len)
			split->groups_len = split->group[i] + 1u;
	}
}

/* The next list of group numbers in which each is at most one more than all before. */
static bool next_split(struct split *split, unsigned int parties_len)
{
	for (unsigned int i = parties_len; i-- > 1;) {
		uint8_t most = 0;

		for (unsigned int j = 0; j < i; j++)
			most = split->group[j] > most ? split->group[j] : most;
		if (split->group[i] > most)
			continue;
		split->group[i]++;
		memset(split->group + i + 1, 0, parties_len - i - 1);
		return true;
	}
	return false;
}

static void try_all(struct partition *partition)
{
	unsigned int len = partition->search->parties_len;
	struct split split = {.groups_len = 1};

	while (next_split(&split, len) && !partition->search->exhausted) {
		number_groups(&split, len);
		if (cost_split(partition, &split, partition->formats_len))
			offer_split(partition, &split);
	}
}

/* ---- merging pair by pair ---- */

/* The split in which the groups a and b are one. */
static void merge_groups(const struct split *split, unsigned int parties_len, unsigned int a,
			 unsigned int b, struct split *ret_split)
{
	uint8_t number[SEARCH_PARTIES_MAX], next = 0;

	*ret_split = *split;
	memset(number, 0xff, sizeof(number));
	for (unsigned int i = 0; i < parties_len; i++) {
		uint8_t group = split->group[i] == b ? (uint8_t)a : split->group[i];

		if (number[group] == 0xff)
			number[group] = next++;
		ret_split->group[i] = number[group];
	}
	number_groups(ret_split, parties_len);
}

/* The best split that merges two groups of this one; false: none is better. */
static bool improve(struct partition *partition, struct split *split, unsigned int formats_len)
{
	unsigned int len = partition->search->parties_len;
	struct split merged, best = *split;
	bool found = false;

	for (unsigned int a = 0; a < split->groups_len; a++)
		for (unsigned int b = a + 1; b < split->groups_len; b++) {
			merge_groups(split, len, a, b, &merged);
			if (merged.groups_len < 2 || partition->search->exhausted ||
			    !cost_split(partition, &merged, formats_len) ||
			    !is_better(&merged, &best))
				continue;
			best = merged;
			found = true;
		}
	*split = best;
	return found;
}

/* Whether every participant that hops join to another has a plan in the format. */
static bool suits_singles(struct partition *partition, const struct split *singles,
			  unsigned int format)
{
	uint8_t joined[SEARCH_PARTIES_MAX];
	bool suits = true;

	join_groups(partition, singles, joined);
	for (unsigned int i = 0; i < singles->groups_len && suits; i++) {
		bool alone = true;

		for (unsigned int j = 0; j < singles->groups_len; j++)
			alone &= i == j || joined[i] != joined[j];
		suits = alone || share(partition, singles->members[i], format).works;
	}
	return suits;
}

/* Of formats that somebody does not take by himself no group has to be asked. */
static void keep_shared_formats(struct partition *partition, const struct split *singles)
{
	unsigned int len = 0;

	for (unsigned int f = 0; f < partition->formats_len; f++)
		if (len < BOUND_SPLIT_FORMATS && suits_singles(partition, singles, f))
			partition->formats[len++] = partition->formats[f];
	partition->formats_len = len;
}

static void try_merging(struct partition *partition)
{
	unsigned int len = partition->search->parties_len;
	struct split split = {.groups_len = 0};

	for (unsigned int i = 0; i < len; i++)
		split.group[i] = (uint8_t)i;
	number_groups(&split, len);
	keep_shared_formats(partition, &split);
	if (!cost_split(partition, &split, partition->formats_len))
		return;
	while (improve(partition, &split, partition->formats_len))
		;
	offer_split(partition, &split);
}

/* ---- the plan ---- */

static int add_names(void *record, unsigned int row, const struct search *search, uint32_t members)
{
	int error = 0;

	for (unsigned int i = 0; i < search->parties_len && !error; i++)
		if (members >> i & 1)
			error = vocab_add_string(record, row, search->parties[i].name,
						 VOCAB_SOLVED);
	return error;
}

static int add_hop(struct plan *plan, const struct partition *partition, unsigned int from,
		   unsigned int to)
{
	const struct split *split = &partition->best;
	const struct plan *source = (const struct plan *)plan->groups.items[from];
	uint32_t producers = 0, consumers = 0;
	struct hop *hop;
	int error = vocab_add_dict(plan, PLAN_HOPS, VOCAB_SOLVED, &hop);

	if (error)
		return error;
	for (unsigned int i = 0; i < partition->search->parties_len; i++) {
		if (!(split->members[from] >> i & 1) ||
		    !(partition->search->parties[i].feeds & split->members[to]))
			continue;
		producers |= 1u << i;
		consumers |= partition->search->parties[i].feeds & split->members[to];
	}
	vocab_set_number(hop, HOP_FROM, from, VOCAB_SOLVED);
	vocab_set_number(hop, HOP_TO, to, VOCAB_SOLVED);
	vocab_set_number(hop, HOP_BYTES, source->picture_bytes, VOCAB_SOLVED);
	error = add_names(hop, HOP_PRODUCERS, partition->search, producers);
	return error ? error : add_names(hop, HOP_CONSUMERS, partition->search, consumers);
}

static const char *copier_name(const struct search *search, char *text, size_t size)
{
	unsigned int number = 1;

	snprintf(text, size, COPIER);
	for (unsigned int i = 0; i < search->parties_len; i++)
		if (strcmp(search->parties[i].name, text) == 0) {
			snprintf(text, size, COPIER "-%u", ++number);
			i = SEARCH_NOBODY; /* from the first again */
		}
	return text;
}

static const struct party *find_party(const struct search *search, const char *name)
{
	const struct party *party = search->parties;

	while (strcmp(party->name, name) != 0)
		party++;
	return party;
}

/* Whoever copies is an agent of each group that a hop touches: it reads what others have written
 * in the groups it copies from, and others read what it has written in those it copies to. */
static int add_copier(struct plan *group, const struct partition *partition, unsigned int i,
		      const struct option *option)
{
	const struct split *split = &partition->best;
	size_t views_len = group->participants.len;
	struct policy_buffer buffer =
		policy_buffer_of(partition->search, split->members[i], option);
	struct policy_end copier = {.agent = {.kind = AGENT_CPU}};
	bool reads = false, writes = false;
	char name[24];
	struct view *view;
	int error = 0;

	copier_name(partition->search, name, sizeof(name));
	copier.name = name;
	for (unsigned int j = 0; j < split->groups_len; j++) {
		reads |= j != i && is_hop(partition, split->members[i], split->members[j]);
		writes |= j != i && is_hop(partition, split->members[j], split->members[i]);
	}
	copier.agent.may_write = writes;
	for (size_t k = 0; k < views_len && !error; k++) {
		const struct view *other = (const struct view *)group->participants.items[k];
		const struct party *party = find_party(partition->search, other->name);
		struct policy_end end = policy_end_of(party, vocab_number(other, VIEW_BOUNCED));

		if (reads && party->writes)
			error = policy_add_edge(group, &end, &copier, &buffer);
		if (writes && !party->idle && !error)
			error = policy_add_edge(group, &copier, &end, &buffer);
	}
	if (!error)
		error = vocab_add_dict(group, PLAN_PARTICIPANTS, VOCAB_SOLVED, &view);
	if (error)
		return error;
	vocab_set_number(view, VIEW_ROLE, ROLE_CPU, VOCAB_SOLVED);
	vocab_set_number(view, VIEW_AGENT, AGENT_CPU, VOCAB_SOLVED);
	vocab_set_number(view, VIEW_READS, reads, VOCAB_SOLVED);
	vocab_set_number(view, VIEW_WRITES, writes, VOCAB_SOLVED);
	return vocab_set_string(view, VIEW_NAME, name, VOCAB_SOLVED);
}

static int add_group(struct plan *plan, struct partition *partition, unsigned int i)
{
	const struct split *split = &partition->best;
	struct choice choice;
	struct plan *group;
	int error;

	if (!solve_group(partition, split->members[i], split->format[i], &choice))
		return -E2BIG;
	if (split->format[i])
		choice.best.colours = split->colours[i];
	error = answer_plan(partition->search, &choice, &group);
	if (error)
		return error;
	if (split->format[i])
		error = add_copier(group, partition, i, &choice.best);
	if (!error)
		error = vocab_take_dict(plan, PLAN_GROUPS, group, VOCAB_SOLVED);
	if (error)
		vocab_destroy(group);
	return error;
}

static void sum_counts(struct plan *plan, const struct request *request)
{
	uint64_t sums[3] = {0};
	static const unsigned int rows[] = {PLAN_COUNT, PLAN_COUNT_NEEDED, PLAN_COUNT_WANTED};

	for (unsigned int k = 0; k < 3; k++) {
		for (size_t i = 0; i < plan->groups.len; i++)
			sums[k] += vocab_number(plan->groups.items[i], rows[k]);
		vocab_set_number(plan, rows[k], sums[k], VOCAB_SOLVED);
	}
	vocab_set_number(plan, PLAN_GENERATION, 1, VOCAB_SOLVED);
	vocab_set_number(plan, PLAN_WIDTH, request->width, VOCAB_SOLVED);
	vocab_set_number(plan, PLAN_HEIGHT, request->height, VOCAB_SOLVED);
}

static int fill_plan(struct plan *plan, struct partition *partition, bool exact)
{
	const struct split *split = &partition->best;
	struct cost *cost;
	int error = 0;

	for (unsigned int i = 0; i < split->groups_len && !error; i++)
		error = add_group(plan, partition, i);
	for (unsigned int i = 0; i < split->groups_len; i++)
		for (unsigned int j = 0; j < split->groups_len && !error; j++)
			if (i != j && is_hop(partition, split->members[i], split->members[j]))
				error = add_hop(plan, partition, i, j);
	if (!error)
		error = vocab_add_dict(plan, PLAN_COSTS, VOCAB_SOLVED, &cost);
	if (error)
		return error;
	vocab_set_number(cost, COST_RULE, RULE_COPIES, VOCAB_SOLVED);
	vocab_set_number(cost, COST_VALUE, 1, VOCAB_SOLVED);
	vocab_set_number(plan, PLAN_COPIED_BYTES, split->bytes, VOCAB_SOLVED);
	vocab_set_number(plan, PLAN_EXACT, exact, VOCAB_SOLVED);
	sum_counts(plan, partition->search->request);
	return 0;
}

/* ---- all of it ---- */

static int find_formats(struct partition *partition)
{
	const struct search *search = partition->search;

	partition->formats =
		calloc(search->candidates_len ? search->candidates_len : 1, sizeof(uint32_t));
	if (!partition->formats)
		return -ENOMEM;
	for (unsigned int i = 0; i < search->candidates_len; i++) {
		unsigned int len = partition->formats_len;

		if (search->candidates[i].info &&
		    (!len || partition->formats[len - 1] != search->candidates[i].fourcc))
			partition->formats[partition->formats_len++] = search->candidates[i].fourcc;
	}
	return 0;
}

/* Returns 0 or 1: whether every split is looked at. Errors: -ENOMEM. */
static int prepare(struct partition *partition)
{
	unsigned int len = partition->search->parties_len;
	size_t shares;
	int error = find_formats(partition);

	if (error)
		return error;
	shares = ((size_t)1 << len) * (partition->formats_len + 1);
	if (len > BOUND_SPLIT_PARTICIPANTS || shares > BOUND_SPLIT_SHARES)
		return 0;
	partition->shares = calloc(shares, sizeof(partition->shares[0]));
	return partition->shares ? 1 : -ENOMEM;
}

static int make_plan(struct partition *partition, bool exact, struct plan **ret_plan)
{
	struct plan *plan;
	int error = vocab_create(&vocab_plan, &plan);

	if (error)
		return error;
	error = fill_plan(plan, partition, exact);
	if (error) {
		vocab_destroy(plan);
		return error == -E2BIG ? 1 : error;
	}
	*ret_plan = plan;
	return 0;
}

int partition(struct search *search, struct plan **ret_plan)
{
	struct partition partition = {.search = search};
	uint32_t all = search->active;
	int exact, result;

	formats_forget(search);
	result = formats_collect(search, true);
	if (result)
		return result == -E2BIG ? 1 : result;
	exact = prepare(&partition);
	if (exact > 0)
		try_all(&partition);
	else if (exact == 0)
		try_merging(&partition);
	result = exact < 0 ? exact : 1;
	if (partition.found) {
		/* what was found before there was too much to look at will do */
		exact = exact > 0 && !search->exhausted;
		search->exhausted = false;
		search->work = 0;
		result = make_plan(&partition, exact, ret_plan);
	}
	free(partition.formats);
	free(partition.shares);
	search->active = all;
	search->copier = false;
	return result;
}
