/* SPDX-License-Identifier: MIT */
/*
 * The search.
 *
 * A plan is a format (with modifier) and a heap; everything else follows from these two. So the
 * search has two levels and needs no backtracking:
 *
 *	for each format that anybody named             (candidates_collect)
 *	    does it suit everybody, and which stride,  (merge.c)
 *	    offsets, bytes and count does it lead to?
 *	    for each heap
 *	        does its memory suit everybody?        (suit.c)
 *	    the best of all pairs by one total order   (choose.c)
 *	the plan, and for each choice why              (answer.c)
 *	or, if no pair is left, who is to blame        (conflict.c)
 *
 * Which party names which format where in its list is looked up once, before the search, because
 * conflict.c searches again and again with one constraint after the other left out of account.
 *
 * Example: vivid-001 (contiguous), vicodec and vkms (scattered), 640x480. XRGB8888 is what all
 * three list, its stride is 2560. Of the heaps `system` and `reserved` only the second suits
 * vivid-001, so it is taken though it is scarce, and the plan's reasons name vivid-001.
 */
#include "broker/solver/solve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/solver/search.h"

static int by_format(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;

	if (left->fourcc != right->fourcc)
		return left->fourcc < right->fourcc ? -1 : 1;
	if (left->modifier != right->modifier)
		return left->modifier < right->modifier ? -1 : 1;
	return 0;
}

/* The formats named so far, sorted; `candidates` has room for SEARCH_CANDIDATES_MAX. */
static int add_candidate(struct search *search, uint32_t fourcc, uint64_t modifier)
{
	struct candidate key = {.fourcc = fourcc, .modifier = modifier};
	size_t low = 0, high = search->candidates_len;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = by_format(&search->candidates[middle], &key);

		if (order == 0)
			return 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (search->candidates_len == SEARCH_CANDIDATES_MAX)
		return -E2BIG;
	memmove(&search->candidates[low + 1], &search->candidates[low],
		(search->candidates_len - low) * sizeof(key));
	search->candidates[low] = key;
	search->candidates_len++;
	return 0;
}

static int add_formats(struct search *search, const struct vocab_formats *formats)
{
	int error = 0;

	for (size_t i = 0; i < formats->len && !error; i++)
		error = add_candidate(search, formats->items[i].fourcc, formats->items[i].modifier);
	return error;
}

static const struct format_info *find_info(uint32_t fourcc, uint64_t modifier)
{
	return modifier == FORMAT_MODIFIER_LINEAR ? format_find(fourcc) : NULL;
}

/* The formats of a device: those that could be planned, or the others. */
static int add_role_formats(struct search *search, const struct device_role *role, bool plannable)
{
	int error = 0;

	for (size_t i = 0; role && i < role->formats.len && !error; i++) {
		const void *format = role->formats.items[i];
		uint32_t fourcc = (uint32_t)vocab_number(format, FORMAT_FORMAT);
		uint64_t modifier = vocab_number(format, FORMAT_MODIFIER);

		if ((find_info(fourcc, modifier) != NULL) == plannable)
			error = add_candidate(search, fourcc, modifier);
	}
	return error;
}

static int candidates_collect(struct search *search)
{
	int error = add_formats(search, &search->request->formats);

	for (unsigned int i = 0; i < search->parties_len && !error; i++) {
		error = add_formats(search, &search->parties[i].wish->formats);
		if (!error)
			error = add_role_formats(search, search->parties[i].role, true);
	}
	/* what devices list and nobody could be given is there for the words of a conflict only: as
	 * much as there is room for */
	for (unsigned int i = 0; i < search->parties_len && !error; i++)
		(void)add_role_formats(search, search->parties[i].role, false);
	return error;
}

static struct candidate *find_candidate(struct search *search, uint32_t fourcc, uint64_t modifier)
{
	struct candidate key = {.fourcc = fourcc, .modifier = modifier};

	return bsearch(&key, search->candidates, search->candidates_len, sizeof(key), by_format);
}

/* The client's own list, if it gave one: what is not in it is refused. Else anything goes so far.
 */
static void mark_wished(struct search *search, unsigned int i)
{
	const struct vocab_formats *wished = &search->parties[i].wish->formats;

	for (size_t j = 0; j < search->candidates_len; j++)
		search->candidates[j].party[i].position = wished->len ? SEARCH_NOWHERE : 0;
	for (size_t j = wished->len; j-- > 0;)
		find_candidate(search, wished->items[j].fourcc, wished->items[j].modifier)
			->party[i]
			.position = (uint32_t)j;
}

/* The device's list: its facts, and its order where the client has none of its own. */
static void mark_listed(struct search *search, unsigned int i)
{
	const struct vocab_dicts *listed = &search->parties[i].role->formats;
	size_t wished_len = search->parties[i].wish->formats.len;

	for (size_t j = 0; j < listed->len; j++) {
		const void *facts = listed->items[j];
		struct candidate *candidate =
			find_candidate(search, (uint32_t)vocab_number(facts, FORMAT_FORMAT),
				       vocab_number(facts, FORMAT_MODIFIER));

		if (!candidate || candidate->party[i].facts)
			continue;
		candidate->party[i].facts = facts;
		if (!wished_len)
			candidate->party[i].position = (uint32_t)j;
	}
	/* of a device without list (a render node) what the client declares is all there is */
	if (!listed->len && wished_len)
		return;
	for (size_t j = 0; j < search->candidates_len; j++)
		if (!search->candidates[j].party[i].facts)
			search->candidates[j].party[i].position = SEARCH_NOWHERE;
}

/* Marks where in its own list the party names each candidate; the first mention counts. The CPU
 * takes all that can be laid out. */
static void mark_party(struct search *search, unsigned int i)
{
	mark_wished(search, i);
	if (search->parties[i].role)
		mark_listed(search, i);
}

static void mark_candidates(struct search *search)
{
	const struct vocab_formats *asked = &search->request->formats;

	for (size_t i = 0; i < search->candidates_len; i++) {
		struct candidate *candidate = &search->candidates[i];

		candidate->info = find_info(candidate->fourcc, candidate->modifier);
		candidate->request_position = asked->len ? SEARCH_NOWHERE : 0;
	}
	for (size_t i = asked->len; i-- > 0;)
		find_candidate(search, asked->items[i].fourcc, asked->items[i].modifier)
			->request_position = (uint32_t)i;
	for (unsigned int i = 0; i < search->parties_len; i++)
		mark_party(search, i);
}

static void parties_init(struct search *search)
{
	const struct vocab_dicts *list = &search->request->participants;

	search->parties_len = (unsigned int)list->len;
	for (unsigned int i = 0; i < search->parties_len; i++) {
		struct party *party = &search->parties[i];

		party->wish = (const struct participant *)list->items[i];
		party->name = vocab_string(party->wish, PARTICIPANT_NAME);
		party->agent = AGENT_CPU;
		if (party->wish->role == ROLE_CPU)
			continue;
		party->device = machine_find_device(search->machine, party->wish->device);
		party->role = device_find_role(party->device, (enum role)party->wish->role);
		party->agent = suit_agent(party->device, party->role);
	}
}

static int by_id(const void *a, const void *b)
{
	const struct heap *const *left = a, *const *right = b;

	return strcmp((*left)->id, (*right)->id);
}

static void heaps_init(struct search *search)
{
	const struct vocab_dicts *list = &search->machine->heaps;

	for (size_t i = 0; i < list->len; i++)
		search->heaps[i] = (const struct heap *)list->items[i];
	search->heaps_len = list->len;
	qsort(search->heaps, search->heaps_len, sizeof(search->heaps[0]), by_id);
}

static int search_run(struct search *search, struct error *error, struct plan **ret_plan)
{
	struct option option;

	if (search->candidates_len == 0)
		return error_set(error, ERROR_CONFLICT, CONSTRAINT_INCOMPLETE, NULL, "formats",
				 "at least one format named by somebody", "none");
	mark_candidates(search);
	if (!choose(search, &option))
		return conflict_report(search, error);
	return answer_plan(search, &option, ret_plan);
}

int solve(const struct machine *machine, const struct request *request, struct error *error,
	  struct plan **ret_plan)
{
	return solve_with(machine, request, NULL, error, ret_plan);
}

int solve_with(const struct machine *machine, const struct request *request,
	       const struct solve_options *options, struct error *error, struct plan **ret_plan)
{
	struct search search = {.machine = machine, .request = request};
	int result;

	(void)options;
	search.candidates = calloc(SEARCH_CANDIDATES_MAX, sizeof(search.candidates[0]));
	if (!search.candidates)
		return -ENOMEM;
	parties_init(&search);
	heaps_init(&search);
	if (candidates_collect(&search))
		result = error_setf(error, ERROR_TOO_COMPLEX, CONSTRAINT_FORMAT, NULL, "formats",
				    "fewer formats", "more than %d different ones",
				    SEARCH_CANDIDATES_MAX);
	else
		result = search_run(&search, error, ret_plan);
	free(search.candidates);
	return result;
}
