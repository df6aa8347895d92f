/* SPDX-License-Identifier: MIT */
/*
 * Who is to blame: minimal sets of constraints that cannot hold together.
 *
 * Every unit of every party is left out of account in turn. If the rest still has no answer the
 * unit is not needed for the conflict and stays left out; if the rest has one, it is a member. What
 * remains is minimal by itself: without any one of its members there is an answer. Then all its
 * members are left out, and if there is still no answer, another set is looked for: it shares no
 * member with those before.
 *
 * Example: camera needs contiguous memory and the heap `reserved` is forbidden; besides, the
 * encoder takes NV12 only and the display XR24 only. Two sets: {camera contiguity, forbidden-heaps}
 * and {encoder formats, display formats}.
 */
#include <errno.h>
#include <string.h>

#include "broker/solver/search.h"

struct sets {
	uint64_t members[BOUND_SETS][SEARCH_PARTIES_MAX + 1];
	unsigned int len;
};

static bool has_answer(struct search *search)
{
	struct choice choice = {.any = true};

	return choose(search, &choice);
}

/* The units that a participant (parties_len: the request) can have. Without any heap the buffers
 * that there are cannot be left out of account: there is nothing else. */
static uint64_t units_of(const struct search *search, unsigned int i)
{
	uint64_t of_request = ~UINT64_C(0) << UNIT_REQUEST_FORMATS, all = ~UINT64_C(0);

	if (search->stores_len == 1 && search->brought_heap)
		all &= ~(UINT64_C(1) << UNIT_BUFFERS | UINT64_C(1) << UNIT_REQUEST_EXISTING);
	all &= (UINT64_C(1) << UNITS) - 1;
	return i == search->parties_len ? of_request & all : ~of_request & all;
}

/* Leaves out, one by one, what is not needed for there to be no answer. Returns whether there was
 * any. */
static bool leave_out_the_needless(struct search *search)
{
	bool found = false;

	for (unsigned int i = 0; i <= search->parties_len; i++)
		for (uint64_t rest = units_of(search, i) & ~search->ignored[i]; rest;
		     rest &= rest - 1) {
			uint64_t bit = rest & -rest;

			search->ignored[i] |= bit;
			if (has_answer(search))
				search->ignored[i] &= ~bit;
			else
				found = true;
			if (search->exhausted)
				return false;
		}
	return found;
}

/* Once is not enough: a constraint less can make things worse (a smaller stride, and the next plane
 * lies where nobody wants it), so that what was needed before is not needed after. */
static void minimise(struct search *search)
{
	while (leave_out_the_needless(search))
		;
}

/* Leaves out all units at once that nobody has, as far as that can be seen. */
static void leave_out_the_absent(struct search *search)
{
	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct party *party = &search->parties[i];

		for (enum unit unit = 0; unit < UNIT_REQUEST_FORMATS; unit++) {
			/* a heap whose SYNC does harm is none for the CPU either */
			bool absent = unit != UNIT_MAINTENANCE && !party->role &&
				      strncmp(search_units[unit].key, "device.", 7) == 0;

			if (unit == UNIT_BUFFERS)
				absent = !vocab_has(party->record, PARTICIPANT_BUFFERS);
			if (wish_is_number(unit)) {
				absent = true;
				for (unsigned int j = 0; j < party->wishes_len; j++)
					absent &= party->wishes[j].number[unit] ==
						  wish_neutral(unit);
				absent &= unit != UNIT_CAMPING;
			}
			if (absent)
				search->ignored[i] |= UINT64_C(1) << unit;
		}
	}
}

static void note_set(struct search *search, struct sets *sets)
{
	for (unsigned int i = 0; i <= search->parties_len; i++)
		sets->members[sets->len][i] = units_of(search, i) & ~search->ignored[i];
	sets->len++;
}

/* Everything counts but the members of the sets, or of all sets but one. */
static void ignore_sets(struct search *search, const struct sets *sets, unsigned int but)
{
	memset(search->ignored, 0, sizeof(search->ignored));
	for (unsigned int set = 0; set < sets->len; set++)
		for (unsigned int i = 0; i <= search->parties_len && set != but; i++)
			search->ignored[i] |= sets->members[set][i];
}

static void find_sets(struct search *search, struct sets *sets)
{
	while (sets->len < BOUND_SETS && !search->exhausted) {
		ignore_sets(search, sets, BOUND_SETS);
		if (has_answer(search) || search->exhausted)
			return;
		leave_out_the_absent(search);
		if (has_answer(search)) /* not as absent as they seem */
			ignore_sets(search, sets, BOUND_SETS);
		minimise(search);
		if (!search->exhausted)
			note_set(search, sets);
	}
}

static int report_member(struct search *search, unsigned int set, unsigned int i, enum unit unit,
			 struct error *error)
{
	struct description text = {.origin = VOCAB_ASSUMED};
	const struct party *party = i < search->parties_len ? &search->parties[i] : NULL;
	char relaxation[256];
	struct refusal *refusal;
	int result;

	describe(search, i, unit, &text);
	result = error_set(error, ERROR_CONFLICT, search_units[unit].constraint,
			   party ? party->name : NULL, search_units[unit].key, text.wanted,
			   text.offered);
	if (!error || !error->details || !error->details->refusals.len)
		return result;
	refusal =
		(struct refusal *)error->details->refusals.items[error->details->refusals.len - 1];
	if (party && party->device)
		vocab_set_string(refusal, REFUSAL_DEVICE, party->device->id, VOCAB_SOLVED);
	vocab_set_number(refusal, REFUSAL_ORIGIN, text.origin, VOCAB_SOLVED);
	vocab_set_number(refusal, REFUSAL_SET, set, VOCAB_SOLVED);
	if (text.value[0])
		vocab_format_string(refusal, REFUSAL_VALUE, VOCAB_SOLVED, "%s", text.value);
	if (relax(search, i, unit, relaxation, sizeof(relaxation)))
		vocab_format_string(refusal, REFUSAL_RELAXATION, VOCAB_SOLVED, "%s", relaxation);
	else if (search->exhausted)
		vocab_set_string(refusal, REFUSAL_RELAXATION, "not found in bounded time",
				 VOCAB_SOLVED);
	return result;
}

static int report_sets(struct search *search, const struct sets *sets, struct error *error)
{
	for (unsigned int set = 0; set < sets->len; set++) {
		ignore_sets(search, sets, set);
		for (unsigned int i = 0; i <= search->parties_len; i++)
			for (uint64_t rest = sets->members[set][i]; rest; rest &= rest - 1)
				report_member(search, set, i, (enum unit)__builtin_ctzll(rest),
					      error);
	}
	return error_rows[ERROR_CONFLICT].number;
}

static int report_complexity(struct search *search, struct error *error)
{
	if (search->combinations > BOUND_COMBINATIONS)
		return error_setf(error, ERROR_TOO_COMPLEX, CONSTRAINT_REQUEST, NULL,
				  "alternatives", "an answer among the first combinations",
				  "none among the first %d of %llu", BOUND_COMBINATIONS,
				  (unsigned long long)search->combinations);
	return error_set(error, ERROR_TOO_COMPLEX, CONSTRAINT_REQUEST, NULL, "participants",
			 "fewer formats, alternatives or participants",
			 "more than can be looked at in bounded time");
}

int conflict_report(struct search *search, struct error *error)
{
	struct sets sets = {.len = 0};
	uint64_t combinations = search->combinations;
	bool roots = search->exhausted || combinations > BOUND_COMBINATIONS;
	int result;

	/* where there is too much to look at, what the records say without their alternatives may
	 * be a conflict by itself */
	if (roots && combinations == 1)
		return report_complexity(search, error);
	if (roots)
		wish_keep_roots(search);
	search->exhausted = false;
	search->work = 0; /* of looking for an answer; who is to blame may cost as much again */
	formats_forget(search);
	result = formats_collect(search, true);
	if (result == -E2BIG)
		return report_complexity(search, error);
	if (result)
		return result;
	if (!search->candidates_len)
		return error_set(error, ERROR_CONFLICT, CONSTRAINT_INCOMPLETE, NULL, "formats",
				 "at least one format and modifier named by somebody",
				 "none, or wildcards only");
	if (!search->stores_len)
		return error_set(error, ERROR_CONFLICT, CONSTRAINT_HEAPS, NULL, NULL,
				 "a heap to allocate from", "no heap on this machine");
	find_sets(search, &sets);
	if (roots)
		search->combinations = combinations;
	if (search->exhausted || !sets.len)
		return report_complexity(search, error);
	search->work = 0; /* and what would do instead */
	return report_sets(search, &sets, error);
}
