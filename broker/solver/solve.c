/* SPDX-License-Identifier: MIT */
/*
 * The search. docs/negotiation.md has the rules; here is how they are followed.
 *
 * A plan is a combination of alternatives, a format (with modifier) and a heap; everything else
 * follows from these three. So there are three levels and no backtracking:
 *
 *	buffers that somebody brings                              (bring.c)
 *	what everybody declares, as plain numbers                 (wish.c)
 *	which formats come into question, and everybody's places  (formats.c)
 *	for each combination of alternatives, in order            (choose.c)
 *	    count, colour space, heaps that suit                  (count.c, colour.c, suit.c)
 *	    for each format that all take, the preferred first
 *	        stride, rows, offsets, bytes                      (merge.c)
 *	        for each heap: the key                            (choose.c)
 *	the plan of the least key, and for each choice why        (answer.c, reasons.c)
 *	or groups with copies between them                        (partition.c)
 *	or, if nothing is left, who is to blame                   (conflict.c, relax.c, describe.c)
 *
 * Memory is taken before the search and given back after it; inside there is none to take.
 *
 * Example: vivid-001 (contiguous), vicodec and vkms (scattered), 640x480. XRGB8888 is what all
 * three list, its stride is 2560. Of the heaps `system` and `reserved` only the second suits
 * vivid-001, so it is taken though it is scarce, and the plan's reasons name vivid-001.
 */
#include "broker/solver/solve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/model/brought.h"
#include "broker/model/exporter.h"
#include "broker/solver/search.h"

static void party_init(struct search *search, unsigned int i, const struct participant *record)
{
	struct party *party = &search->parties[i];
	unsigned int usage = participant_usage(record);

	party->record = record;
	party->name = vocab_string(record, PARTICIPANT_NAME);
	party->reads = usage & USAGE_READ;
	party->writes = usage & USAGE_WRITE;
	party->idle = usage & USAGE_NONE;
	party->cpu_reads = participant_cpu_reads(record);
	party->cpu_writes = participant_cpu_writes(record);
	if (record->role != ROLE_CPU) {
		party->device = machine_find_device(search->machine, record->device);
		party->role = device_find_role(party->device, (enum role)record->role);
	}
	party->own = vocab_has(record, PARTICIPANT_BUFFERS) &&
		     exporter_is_own(brought_exporter(record), party->device, party->role);
	suit_describe_party(search, i);
}

/* By rank, then by name: the participants are sorted by name already. */
static void order_parties(struct search *search)
{
	unsigned int len = 0;

	for (unsigned int i = 0; i < search->parties_len; i++) {
		uint64_t rank = vocab_number(search->parties[i].record, PARTICIPANT_RANK);
		unsigned int at = len++;

		for (; at > 0 && vocab_number(search->parties[search->by_rank[at - 1]].record,
					      PARTICIPANT_RANK) > rank;
		     at--)
			search->by_rank[at] = search->by_rank[at - 1];
		search->by_rank[at] = i;
	}
}

static bool reads_from(const struct party *reader, const struct party *writer)
{
	const struct vocab_strings *names = &reader->record->reads_from;

	return !names->len || vocab_strings_have(names, writer->name);
}

static void find_feeds(struct search *search)
{
	for (unsigned int i = 0; i < search->parties_len; i++)
		for (unsigned int j = 0; j < search->parties_len; j++)
			if (i != j && search->parties[i].writes && search->parties[j].reads &&
			    reads_from(&search->parties[j], &search->parties[i]))
				search->parties[i].feeds |= 1u << j;
}

static void count_combinations(struct search *search)
{
	search->combinations = 1;
	for (unsigned int i = 0; i < search->parties_len; i++)
		if (!arith_mul(search->combinations, search->parties[i].wishes_len,
			       &search->combinations))
			search->combinations = UINT64_MAX;
}

static int search_init(struct search *search)
{
	const struct vocab_dicts *list = &search->request->participants;
	int error;

	search->parties_len = (unsigned int)list->len;
	search->active = (1u << list->len) - 1;
	search->tweak.party = SEARCH_NOBODY;
	search->page_bytes = vocab_number(search->machine, MACHINE_PAGE_BYTES);
	search->bounce_allowed = vocab_number(search->request, REQUEST_ALLOW_BOUNCE) ||
				 vocab_number(search->machine, MACHINE_BOUNCE) == BOUNCE_ALWAYS;
	for (unsigned int i = 0; i < search->parties_len; i++)
		party_init(search, i, (const struct participant *)list->items[i]);
	order_parties(search);
	find_feeds(search);
	error = bring_prepare(search);
	if (error)
		return error;
	suit_describe_heaps(search);
	error = wish_collect(search);
	if (error)
		return error;
	count_combinations(search);
	return formats_collect(search, false);
}

static void search_finish(struct search *search)
{
	formats_forget(search);
	bring_forget(search);
	free(search->wishes);
}

/* Buffers that exist are not split any more. */
static bool may_split(const struct search *search)
{
	return !search->exhausted && search->combinations <= BOUND_COMBINATIONS &&
	       (!search->options || !search->options->existing);
}

/* Who brings buffers that do not suit all is told what copies would cost, though it has not allowed
 * any. Returns the bytes copied for each frame; 0: they would not do either. */
static uint64_t ask_for_copies(struct search *search)
{
	struct plan *plan;
	uint64_t bytes;

	if (!search->brought || partition(search, &plan) != 0)
		return 0;
	bytes = vocab_number(plan, PLAN_COPIED_BYTES);
	vocab_destroy(plan);
	return bytes;
}

static int report(struct search *search, uint64_t copied_bytes, struct error *error)
{
	int result = conflict_report(search, error);

	if (copied_bytes && error->code == ERROR_CONFLICT && error->details)
		vocab_set_number(error->details, ERROR_COPIED_BYTES, copied_bytes, VOCAB_SOLVED);
	return result;
}

static int search_run(struct search *search, struct error *error, struct plan **ret_plan)
{
	struct choice choice = {.any = false};
	uint64_t copied_bytes = 0;
	int result;

	if (choose(search, &choice))
		return answer_plan(search, &choice, ret_plan);
	if (may_split(search) && vocab_number(search->request, REQUEST_ALLOW_COPIES)) {
		result = partition(search, ret_plan);
		if (result <= 0)
			return result;
	} else if (may_split(search)) {
		copied_bytes = ask_for_copies(search);
	}
	return report(search, copied_bytes, error);
}

int solve_with(const struct machine *machine, const struct request *request,
	       const struct solve_options *options, struct error *error, struct plan **ret_plan)
{
	struct search *search = calloc(1, sizeof(*search));
	int result;

	if (!search)
		return -ENOMEM;
	search->machine = machine;
	search->request = request;
	search->options = options;
	result = search_init(search);
	if (result == -E2BIG)
		result = error_set(error, ERROR_TOO_COMPLEX, CONSTRAINT_FORMAT, NULL, "formats",
				   "fewer formats", "more than can be looked at in bounded time");
	else if (!result)
		result = search_run(search, error, ret_plan);
	search_finish(search);
	free(search);
	return result;
}

int solve(const struct machine *machine, const struct request *request, struct error *error,
	  struct plan **ret_plan)
{
	return solve_with(machine, request, NULL, error, ret_plan);
}
