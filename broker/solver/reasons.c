/* SPDX-License-Identifier: MIT */
/* For each choice of a plan why, and the key by which it was preferred. */
#include <stdio.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/solver/search.h"

static int put(void *record, unsigned int row, uint64_t value)
{
	return vocab_set_number(record, row, value, VOCAB_SOLVED);
}

struct why {
	const char *choice;
	const char *value;
	const struct party *party; /* NULL: nobody in particular */
	enum constraint constraint;
	const char *wanted;
	enum vocab_origin origin;
};

static int add_reason(struct plan *plan, const struct why *why)
{
	struct reason *reason;
	int error = vocab_add_dict(plan, PLAN_REASONS, VOCAB_SOLVED, &reason);

	if (!error)
		error = vocab_set_string(reason, REASON_CHOICE, why->choice, VOCAB_SOLVED);
	if (!error)
		error = vocab_set_string(reason, REASON_VALUE, why->value, VOCAB_SOLVED);
	if (!error && why->party)
		error = vocab_set_string(reason, REASON_PARTICIPANT, why->party->name,
					 VOCAB_SOLVED);
	if (!error)
		error = put(reason, REASON_CONSTRAINT, why->constraint);
	if (!error)
		error = vocab_format_string(reason, REASON_WANTED, VOCAB_SOLVED, "%s", why->wanted);
	if (!error)
		error = put(reason, REASON_ORIGIN, why->origin);
	return error;
}

static bool declares_contiguous(const struct option *option, unsigned int i)
{
	return option->combination.wish[i]->number[UNIT_CONTIGUOUS];
}

static bool device_needs_contiguous(const struct party *party)
{
	return party->role && vocab_number(party->role, ROLE_CONTIGUITY) != CONTIGUITY_NONE &&
	       !vocab_number(party->device, DEVICE_IOMMU);
}

/* "contiguous memory: dma-contig, v4l2:...": what the party needs and what it rests on. */
static void contiguity_text(const struct party *party, char *text, size_t size)
{
	if (!party->role)
		snprintf(text, size, "contiguous memory");
	else
		snprintf(text, size, "contiguous memory: %s, %s",
			 vocab_string(party->device, DEVICE_NAME),
			 vocab_enum_name(party->role, ROLE_MEMORY_MODEL));
}

static int add_contiguous_reasons(struct plan *plan, const struct search *search,
				  const struct option *option, unsigned int *ret_len)
{
	int error = 0;

	*ret_len = 0;
	for (unsigned int i = 0; i < search->parties_len && !error; i++) {
		const struct party *party = &search->parties[i];
		bool declared;
		char wanted[255];

		if (!search_is_active(search, i))
			continue;
		declared = declares_contiguous(option, i);
		if (!declared && !device_needs_contiguous(party))
			continue;
		contiguity_text(party, wanted, sizeof(wanted));
		error = add_reason(
			plan,
			&(struct why){"heap", plan->heap, party, CONSTRAINT_CONTIGUITY, wanted,
				      declared ? VOCAB_DECLARED
				      : vocab_has(party->role, ROLE_CONTIGUITY)
					      ? vocab_origin(party->role, ROLE_CONTIGUITY)
					      : VOCAB_ASSUMED});
		++*ret_len;
	}
	return error;
}

static int add_heap_rule(struct plan *plan, enum constraint constraint, const char *wanted,
			 enum vocab_origin origin)
{
	return add_reason(plan,
			  &(struct why){"heap", plan->heap, NULL, constraint, wanted, origin});
}

static int add_heap_reasons(struct plan *plan, const struct search *search,
			    const struct option *option)
{
	unsigned int needing = 0;
	int error = 0;

	if (option->bounced)
		return add_heap_rule(plan, CONSTRAINT_BOUNCE,
				     "nothing is left that no participant is bounced from",
				     VOCAB_SOLVED);
	if (search->request->allowed_heaps.len)
		return add_heap_rule(plan, CONSTRAINT_HEAPS,
				     "one of the heaps that the request allows", VOCAB_DECLARED);
	if (option->store->is_protected)
		return add_heap_rule(plan, CONSTRAINT_PROTECTED,
				     "somebody needs memory that the CPU cannot reach",
				     VOCAB_DECLARED);
	if (option->store->contiguous)
		error = add_contiguous_reasons(plan, search, option, &needing);
	if (error || needing)
		return error;
	if (option->store->contiguous)
		return add_heap_rule(plan, CONSTRAINT_HEAPS, "no other heap suits all",
				     VOCAB_SOLVED);
	return add_heap_rule(plan, CONSTRAINT_SCARCE,
			     "all take scattered memory; contiguous memory is scarce and kept",
			     VOCAB_SOLVED);
}

static int add_format_reason(struct plan *plan, const struct search *search,
			     const struct option *option)
{
	char name[FORMAT_TEXT_BYTES];

	format_text(option->candidate->fourcc, name);
	if (search->request->formats.len)
		return add_reason(plan, &(struct why){"format", name, NULL, CONSTRAINT_PREFERENCE,
						      "first in the request's list that suits all",
						      VOCAB_DECLARED});
	return add_reason(plan, &(struct why){"format", name, NULL, CONSTRAINT_PREFERENCE,
					      "first in the participants' lists, by the sum of "
					      "its positions, of those that suit all",
					      VOCAB_SOLVED});
}

static int add_number_reason(struct plan *plan, const struct search *search, const char *choice,
			     uint64_t value, unsigned int by, enum constraint constraint,
			     const char *wanted)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return add_reason(plan, &(struct why){choice, text,
					      by == SEARCH_NOBODY ? NULL : &search->parties[by],
					      constraint, wanted, VOCAB_SOLVED});
}

static const char *count_words(const struct option *option)
{
	const struct counts *counts = &option->counts;

	if (option->count < counts->target)
		return "what the heap has room for: slack was cut";
	if (counts->target < counts->wanted)
		return "the most that somebody takes: slack was cut";
	return counts->by == SEARCH_NOBODY ? "as the request or a least number says"
					   : "what all hold at once, summed; none holds more than "
					     "it";
}

static int add_reasons(struct plan *plan, const struct search *search, const struct option *option)
{
	const struct merged *merged = &option->merged;
	int error = add_heap_reasons(plan, search, option);

	if (!error)
		error = add_format_reason(plan, search, option);
	if (!error)
		error = add_number_reason(plan, search, "stride", merged->layout.stride[0],
					  merged->stride_by, CONSTRAINT_STRIDE,
					  merged->stride_by == SEARCH_NOBODY
						  ? "the least that the picture needs"
						  : "its alignment, or a stride of its own");
	if (!error)
		error = add_number_reason(plan, search, "bytes", merged->picture_bytes,
					  merged->bytes_by, CONSTRAINT_BYTES,
					  merged->bytes_by == SEARCH_NOBODY
						  ? "the picture, nothing behind it"
						  : "room beyond the picture");
	if (!error)
		error = add_number_reason(plan, search, "count", option->count, option->counts.by,
					  CONSTRAINT_COUNT, count_words(option));
	return error;
}

static int add_cost(struct plan *plan, enum rule rule, const struct choice *choice)
{
	struct cost *cost;
	int error = vocab_add_dict(plan, PLAN_COSTS, VOCAB_SOLVED, &cost);

	if (error)
		return error;
	put(cost, COST_RULE, rule);
	put(cost, COST_VALUE, choice->best.key[rule]);
	if (choice->has_second)
		put(cost, COST_RUNNER_UP, choice->second.key[rule]);
	return 0;
}

static int add_costs(struct plan *plan, const struct choice *choice)
{
	char name[FORMAT_TEXT_BYTES];
	int error = 0;

	for (enum rule rule = 0; rule < RULES && !error; rule++)
		error = add_cost(plan, rule, choice);
	if (error || !choice->has_second)
		return error;
	format_text(choice->second.candidate->fourcc, name);
	return vocab_format_string(plan, PLAN_RUNNER_UP, VOCAB_SOLVED, "%s:0x%llx in %s", name,
				   (unsigned long long)choice->second.candidate->modifier,
				   vocab_string(choice->second.store->heap, HEAP_ID));
}

int reasons_add(struct plan *plan, const struct search *search, const struct choice *choice)
{
	int error = add_reasons(plan, search, &choice->best);

	return error ? error : add_costs(plan, choice);
}
