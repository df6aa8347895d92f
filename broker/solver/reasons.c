/* SPDX-License-Identifier: MIT */
/* For each choice of a plan why, and the key by which it was preferred. */
#include <stdio.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/model/brought.h"
#include "broker/model/exporter.h"
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

static enum vocab_origin reach_origin(const struct party *party)
{
	return vocab_has(party->device, DEVICE_ADDRESS_MAX)
		       ? vocab_origin(party->device, DEVICE_ADDRESS_MAX)
		       : vocab_origin(party->device, DEVICE_ADDRESS_BITS);
}

/* Why a participant does not take the memory of a heap that would have been preferred. */
static int add_refusal(struct plan *plan, const struct party *party, enum unit unit,
		       const struct store *store)
{
	struct why why = {"heap", plan->heap,	 party, search_units[unit].constraint,
			  NULL,	  VOCAB_DECLARED};
	char wanted[255];

	switch (unit) {
	case UNIT_CONTIGUOUS:
	case UNIT_DEVICE_CONTIGUITY:
		contiguity_text(party, wanted, sizeof(wanted));
		if (unit == UNIT_DEVICE_CONTIGUITY)
			why.origin = vocab_has(party->role, ROLE_CONTIGUITY)
					     ? vocab_origin(party->role, ROLE_CONTIGUITY)
					     : VOCAB_ASSUMED;
		break;
	case UNIT_DEVICE_REACH:
		snprintf(wanted, sizeof(wanted), "memory up to 0x%llx; %s lies up to 0x%llx",
			 (unsigned long long)party->device_reach,
			 vocab_string(store->heap, HEAP_ID), (unsigned long long)store->top);
		why.origin = reach_origin(party);
		break;
	default:
		snprintf(wanted, sizeof(wanted), "%s, and not %s", search_units[unit].key,
			 vocab_string(store->heap, HEAP_ID));
		break;
	}
	why.wanted = wanted;
	return add_reason(plan, &why);
}

/* Each constraint for which the party takes none, or not all, of the less scarce heaps, once. */
static int add_refusals(struct plan *plan, const struct search *search, const struct option *option,
			unsigned int i, unsigned int *ret_len)
{
	const struct wish *wish = option->combination.wish[i];
	uint64_t told = 0;
	int error = 0;

	for (unsigned int j = 0; j < search->stores_len && !error; j++) {
		const struct store *store = &search->stores[j];
		enum unit unit = UNITS;

		if (!store->known || store->brought || store->scarce >= option->store->scarce)
			continue;
		if ((wish->has_allowed && !heap_set_has(&wish->allowed, j)) ||
		    heap_set_has(&wish->forbidden, j))
			unit = wish->has_allowed ? UNIT_ALLOWED_HEAPS : UNIT_FORBIDDEN_HEAPS;
		else
			unit = suit_refusal(search, i, wish, store);
		if (unit == UNITS || told >> unit & 1)
			continue;
		told |= UINT64_C(1) << unit;
		error = add_refusal(plan, &search->parties[i], unit, store);
		++*ret_len;
	}
	return error;
}

static int add_all_refusals(struct plan *plan, const struct search *search,
			    const struct option *option, unsigned int *ret_len)
{
	int error = 0;

	*ret_len = 0;
	for (unsigned int i = 0; i < search->parties_len && !error; i++)
		if (search_is_active(search, i))
			error = add_refusals(plan, search, option, i, ret_len);
	return error;
}

static int add_heap_rule(struct plan *plan, enum constraint constraint, const char *wanted,
			 enum vocab_origin origin)
{
	return add_reason(plan,
			  &(struct why){"heap", plan->heap, NULL, constraint, wanted, origin});
}

/* "its own buffers: videobuf2_vmalloc (drivers/...)" */
static int add_brought_reason(struct plan *plan, const struct search *search)
{
	const struct party *party = &search->parties[search->bringer];
	const char *exporter = brought_exporter(party->record);
	const char *source = exporter_source(exporter);
	struct why why = {"heap", plan->heap, party, CONSTRAINT_EXISTING, NULL, VOCAB_DECLARED};
	char wanted[255];

	snprintf(wanted, sizeof(wanted), "these buffers and no others: %s%s%s%s", exporter,
		 source ? " (" : "", source ? source : "", source ? ")" : "");
	why.wanted = wanted;
	return add_reason(plan, &why);
}

static int add_heap_reasons(struct plan *plan, const struct search *search,
			    const struct option *option)
{
	unsigned int needing = 0;
	int error = 0;

	if (option->store->brought)
		return add_brought_reason(plan, search);
	if (option->bounced)
		return add_heap_rule(plan, CONSTRAINT_BOUNCE,
				     "nothing is left that no participant is bounced from",
				     VOCAB_SOLVED);
	if (search->request->allowed_heaps.len)
		return add_heap_rule(plan, CONSTRAINT_HEAPS,
				     "one of the heaps that the request allows", VOCAB_DECLARED);
	if (option->store->scarce)
		error = add_all_refusals(plan, search, option, &needing);
	if (error || needing)
		return error;
	if (option->store->scarce)
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

/* ---- numbers ---- */

#define BIT(unit) (UINT64_C(1) << (unit))

/* Of these the stride, and of these the bytes of a picture come. */
#define STRIDE_UNITS                                                                  \
	(BIT(UNIT_STRIDE_MIN) | BIT(UNIT_STRIDE_ALIGN) | BIT(UNIT_STRIDE_PIXELS) |    \
	 BIT(UNIT_DEVICE_STRIDE) | BIT(UNIT_OFFSET_ALIGN) | BIT(UNIT_DEVICE_OFFSET) | \
	 BIT(UNIT_ROWS_ALIGN) | BIT(UNIT_DEVICE_ROWS))
#define BYTES_UNITS                                                                             \
	(BIT(UNIT_BYTES_MIN) | BIT(UNIT_BYTES_ALIGN) | BIT(UNIT_TAIL) | BIT(UNIT_DEVICE_TAIL) | \
	 BIT(UNIT_DEVICE_ROWS) | BIT(UNIT_SIZES))

/* The layout there would be without these constraints of a party. */
static bool merge_without(struct search *search, const struct option *option, unsigned int i,
			  uint64_t units, struct merged *ret_merged)
{
	uint64_t before = search->ignored[i];
	bool found;

	search->ignored[i] |= units;
	found = merge_candidate(search, &option->combination, option->candidate, ret_merged);
	search->ignored[i] = before;
	return found;
}

/* The first without whom the stride would be another; SEARCH_NOBODY: no single one. */
static unsigned int who_made_stride(struct search *search, const struct option *option)
{
	struct merged merged;

	for (unsigned int i = 0; i < search->parties_len; i++)
		if (search_is_active(search, i) &&
		    merge_without(search, option, i, STRIDE_UNITS, &merged) &&
		    merged.layout.stride[0] != option->merged.layout.stride[0])
			return i;
	return SEARCH_NOBODY;
}

static unsigned int who_made_bytes(struct search *search, const struct option *option)
{
	struct merged merged;

	for (unsigned int i = 0; i < search->parties_len; i++)
		if (search_is_active(search, i) &&
		    merge_without(search, option, i, BYTES_UNITS, &merged) &&
		    merged.picture_bytes != option->merged.picture_bytes)
			return i;
	return SEARCH_NOBODY;
}

static int add_stride_reason(struct plan *plan, struct search *search, const struct option *option)
{
	const struct format_info *info = option->candidate->info;
	uint32_t stride = option->merged.layout.stride[0];
	bool least = info && stride == format_stride_min(info, search->request->width);
	unsigned int by = least ? SEARCH_NOBODY : who_made_stride(search, option);

	return add_number_reason(plan, search, "stride", stride, by, CONSTRAINT_STRIDE,
				 least		       ? "the least that the picture needs"
				 : !info	       ? "as it is supplied"
				 : by == SEARCH_NOBODY ? "more than one asks for it"
						       : "its alignment, or a stride of its own");
}

static int add_bytes_reason(struct plan *plan, struct search *search, const struct option *option)
{
	uint64_t bytes = option->merged.picture_bytes;
	bool least = bytes == option->merged.layout.total;
	unsigned int by = least ? SEARCH_NOBODY : who_made_bytes(search, option);

	return add_number_reason(plan, search, "bytes", bytes, by, CONSTRAINT_BYTES,
				 least		       ? "the picture, nothing behind it"
				 : by == SEARCH_NOBODY ? "more than one asks for room beyond the "
							 "picture"
						       : "room beyond the picture, or for "
							 "another size");
}

/* "camera 2 + display 1": what they hold at once. */
static void campings_text(const struct search *search, const struct option *option, char *text,
			  size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < search->parties_len && used < size; i++) {
		uint64_t camping;

		if (!search_is_active(search, i))
			continue;
		camping = count_camping(search, i, option->combination.wish[i]);
		if (camping)
			used += (size_t)snprintf(text + used, size - used, "%s%s %llu",
						 used ? " + " : "", search->parties[i].name,
						 (unsigned long long)camping);
	}
	if (search->copier && used < size)
		snprintf(text + used, size - used, " + who copies 1");
}

static uint64_t sum_campings(const struct search *search, const struct option *option)
{
	uint64_t sum = search->copier;

	for (unsigned int i = 0; i < search->parties_len; i++)
		if (search_is_active(search, i))
			sum += count_camping(search, i, option->combination.wish[i]);
	return sum;
}

static int add_count_reason(struct plan *plan, const struct search *search,
			    const struct option *option)
{
	const struct counts *counts = &option->counts;
	char text[255];

	if (option->store->brought)
		return add_number_reason(plan, search, "count", option->count, search->bringer,
					 CONSTRAINT_EXISTING, "as many as it brings");
	if (option->count < counts->target)
		snprintf(text, sizeof(text), "what the heap has room for: slack was cut");
	else if (counts->target < counts->wanted)
		snprintf(text, sizeof(text), "the most that somebody takes: slack was cut");
	else if (counts->needed > sum_campings(search, option))
		snprintf(text, sizeof(text), "as the request or a least number says");
	else
		campings_text(search, option, text, sizeof(text));
	if (option->count > counts->needed && strlen(text) + 16 < sizeof(text))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ", slack %u",
			 option->count - counts->needed);
	return add_number_reason(plan, search, "count", option->count, SEARCH_NOBODY,
				 CONSTRAINT_COUNT, text);
}

/* Who reads often from memory that is not cached is told so. */
static int add_mapping_reasons(struct plan *plan, const struct search *search,
			       const struct option *option)
{
	int error = 0;

	if (option->store->known_cached)
		return 0;
	for (unsigned int i = 0; i < search->parties_len && !error; i++)
		if (search_is_active(search, i) && search->parties[i].cpu_reads == CPU_ACCESS_OFTEN)
			error = add_reason(
				plan, &(struct why){"mapping", vocab_enum_name(plan, PLAN_MAPPING),
						    &search->parties[i], CONSTRAINT_PREFERENCE,
						    "it reads often with the CPU, which is slow "
						    "here: no heap that is "
						    "known to be cached serves all",
						    VOCAB_SOLVED});
	return error;
}

static int add_reasons(struct plan *plan, struct search *search, const struct option *option)
{
	int error = add_heap_reasons(plan, search, option);

	if (!error)
		error = add_format_reason(plan, search, option);
	if (!error)
		error = add_stride_reason(plan, search, option);
	if (!error)
		error = add_bytes_reason(plan, search, option);
	if (!error)
		error = add_mapping_reasons(plan, search, option);
	return error ? error : add_count_reason(plan, search, option);
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

int reasons_add(struct plan *plan, struct search *search, const struct choice *choice)
{
	int error = add_reasons(plan, search, &choice->best);

	return error ? error : add_costs(plan, choice);
}
