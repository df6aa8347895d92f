/* SPDX-License-Identifier: MIT */
/*
 * The solver against a second one (brute.c) on small instances that are made up: the same answer,
 * or a conflict whose sets are what the page says of them.
 *
 * DMABROKER_PROPERTY_RUNS    how many instances (default: a few seconds of them)
 * DMABROKER_PROPERTY_SEED    the first of them (0)
 *
 * usage: test-property [-w] [SEED]    one instance, printed with its answers; -w: of many
 * participants
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/text.h"
#include "tests/property/brute.h"
#include "tests/property/generate.h"

#ifdef NDEBUG
#error "tests need assertions"
#endif

#ifndef PROPERTY_RUNS
#define PROPERTY_RUNS 30000u
#endif
#define DIFFERENCES_MAX 4u
#define SETS_MAX 8u
#define MEMBERS_MAX 512u
#define WIDE_SHARE 100u /* of so many instances one more, of many participants */
#define MUCH_TO_EXPLAIN 2048u

struct statistics {
	unsigned long instances, refused, answers, conflicts, too_complex, splits, bounced, sets,
		members, relaxations, late, limited, widened, brought, used;
	unsigned long differences;
	unsigned int kinds_len;
	char kinds[DIFFERENCES_MAX][80]; /* of differences that were reported */
	bool unit_seen[BRUTE_UNITS_LEN];
	unsigned long rule_used[RULES];
};

/* One instance, settled, with the answers of both. */
struct trial {
	struct instance instance;
	struct solve_options options;
	struct plan *existing;
	struct brute_brought brought;
	struct brute_input input;
	struct brute_answer *brute;
	int result;
	struct plan *plan;
	struct error error;
	FILE *why; /* what is different is written here */
	bool differs;
	struct statistics *statistics;
};

__attribute__((format(printf, 2, 3))) static void differ(struct trial *trial, const char *format,
							 ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(trial->why, format, arguments);
	va_end(arguments);
	fputc('\n', trial->why);
	trial->differs = true;
}

static void differ_number(struct trial *trial, const char *what, uint64_t expected, uint64_t got)
{
	if (expected != got)
		differ(trial, "%s: expected %llu, the solver says %llu", what,
		       (unsigned long long)expected, (unsigned long long)got);
}

static const struct participant *participant_of(const struct trial *trial, unsigned int i)
{
	return (const struct participant *)trial->instance.request->participants.items[i];
}

static unsigned int participants_len(const struct trial *trial)
{
	return (unsigned int)trial->instance.request->participants.len;
}

/* ---- plans ---- */

static void compare_layout(struct trial *trial, const struct brute_plan *expected,
			   const struct plan *plan)
{
	differ_number(trial, "planes", expected->planes_len, plan->planes.len);
	for (unsigned int i = 0; i < expected->planes_len && i < plan->planes.len; i++) {
		const struct plane *plane = (const struct plane *)plan->planes.items[i];

		differ_number(trial, "stride", expected->stride[i], plane->stride);
		differ_number(trial, "offset", expected->offset[i], plane->offset);
	}
	differ_number(trial, "picture bytes", expected->picture_bytes, plan->picture_bytes);
	if (plan->memory.len == 1)
		differ_number(trial, "memory bytes", expected->memory_bytes,
			      ((const struct memory_object *)plan->memory.items[0])->bytes);
	else
		differ(trial, "%zu memory objects", plan->memory.len);
}

static void compare_key(struct trial *trial, const struct brute_plan *expected,
			const struct plan *plan)
{
	differ_number(trial, "parts of the key", RULES, plan->costs.len);
	for (unsigned int i = 0; i < RULES && i < plan->costs.len; i++) {
		const struct cost *cost = (const struct cost *)plan->costs.items[i];

		differ_number(trial, "rule", i, vocab_number(cost, COST_RULE));
		differ_number(trial, vocab_rule_names[i], expected->key[i],
			      vocab_number(cost, COST_VALUE));
	}
}

/* Who copies is the CPU. */
static void compare_copier(struct trial *trial, const struct plan *plan, unsigned int place)
{
	const struct view *view;

	if (place >= plan->participants.len) {
		differ(trial, "no view of who copies");
		return;
	}
	view = (const struct view *)plan->participants.items[place];
	if (strcmp(vocab_string(view, VIEW_NAME), "copy") != 0)
		differ(trial, "a view of %s, not of copy", vocab_string(view, VIEW_NAME));
	differ_number(trial, "agent of copy", AGENT_CPU, vocab_number(view, VIEW_AGENT));
	differ_number(trial, "copy bounced", false, vocab_number(view, VIEW_BOUNCED));
}

static void compare_views(struct trial *trial, const struct brute_plan *expected, uint32_t members,
			  bool copied, const struct plan *plan)
{
	unsigned int next = 0;

	for (unsigned int i = 0; i < participants_len(trial); i++) {
		const struct participant *participant = participant_of(trial, i);
		char leaf[64] = "";
		const struct view *view;

		if (!(members & 1u << i))
			continue;
		if (next >= plan->participants.len) {
			differ(trial, "no view of %s", participant->name);
			return;
		}
		view = (const struct view *)plan->participants.items[next++];
		brute_leaf_text(participant, expected->leaf[i], leaf);
		if (strcmp(vocab_string(view, VIEW_NAME), participant->name) != 0)
			differ(trial, "a view of %s, not of %s", vocab_string(view, VIEW_NAME),
			       participant->name);
		if (strcmp(vocab_string(view, VIEW_ALTERNATIVE), leaf) != 0)
			differ(trial, "alternative of %s: expected %s, the solver says %s",
			       participant->name, leaf, vocab_string(view, VIEW_ALTERNATIVE));
		differ_number(trial, "bounced", expected->bounced[i],
			      vocab_number(view, VIEW_BOUNCED));
		differ_number(trial, "agent", expected->agent[i], vocab_number(view, VIEW_AGENT));
	}
	if (copied)
		compare_copier(trial, plan, next++);
	differ_number(trial, "views", next, plan->participants.len);
}

static void compare_usage(struct trial *trial, const struct brute_plan *expected,
			  const struct plan *plan)
{
	size_t next = 0;

	for (unsigned int i = 0; i < BRUTE_USAGE_LEN; i++) {
		if (!expected->usage[i])
			continue;
		if (next >= plan->usage.len || strcmp(plan->usage.items[next], brute_usage[i]) != 0)
			differ(trial, "usage: no %s where it should be", brute_usage[i]);
		next++;
	}
	differ_number(trial, "words of usage", next, plan->usage.len);
}

/* Whose buffers they are, and what may be in the caches. */
static void compare_brought(struct trial *trial, const struct brute_plan *expected,
			    const struct plan *plan)
{
	bool brought = expected->heap == trial->brought.heap;
	const char *name = brought ? participant_of(trial, trial->brought.user)->name : "";
	bool pages = vocab_has(expected->heap, HEAP_EXPORTER) &&
		     expected->heap->exporter != EXPORTER_DMA_HEAP;

	trial->statistics->used += brought;
	if (strcmp(vocab_string(plan, PLAN_BROUGHT_BY), name) != 0)
		differ(trial, "brought by: expected %s, the solver says %s", name,
		       vocab_string(plan, PLAN_BROUGHT_BY));
	differ_number(trial, "initially dirty", brought || pages,
		      vocab_number(plan, PLAN_INITIALLY_DIRTY));
}

static void compare_plan(struct trial *trial, const struct brute_plan *expected, uint32_t members,
			 bool copied, const struct plan *plan)
{
	static const unsigned int colour_rows[] = {PLAN_PRIMARIES, PLAN_TRANSFER, PLAN_MATRIX,
						   PLAN_RANGE};

	if (strcmp(expected->heap->id, vocab_string(plan, PLAN_HEAP)) != 0)
		differ(trial, "heap: expected %s, the solver says %s", expected->heap->id,
		       vocab_string(plan, PLAN_HEAP));
	differ_number(trial, "format", expected->fourcc, plan->format);
	differ_number(trial, "modifier", expected->modifier, plan->modifier);
	differ_number(trial, "count", expected->count, plan->count);
	differ_number(trial, "count-needed", expected->count_needed, plan->count_needed);
	differ_number(trial, "count-wanted", expected->count_wanted, plan->count_wanted);
	differ_number(trial, "plan bounced", expected->key[RULE_BOUNCE],
		      vocab_number(plan, PLAN_BOUNCED));
	for (unsigned int i = 0; i < 4; i++)
		differ_number(trial, "colour", expected->colour[i],
			      vocab_number(plan, colour_rows[i]));
	compare_brought(trial, expected, plan);
	compare_layout(trial, expected, plan);
	compare_key(trial, expected, plan);
	compare_views(trial, expected, members, copied, plan);
	compare_usage(trial, expected, plan);
	for (unsigned int i = 0; i < RULES; i++)
		trial->statistics->rule_used[i] += expected->key[i] != 0;
	trial->statistics->bounced += expected->key[RULE_BOUNCE] != 0;
}

/* The names of those whose bits are set, in order. */
static void compare_names(struct trial *trial, const char *what, uint32_t members,
			  const struct vocab_strings *names)
{
	size_t next = 0;

	for (unsigned int i = 0; i < participants_len(trial); i++) {
		if (!(members & 1u << i))
			continue;
		if (next >= names->len ||
		    strcmp(names->items[next], participant_of(trial, i)->name) != 0)
			differ(trial, "%s of a hop: no %s where it should be", what,
			       participant_of(trial, i)->name);
		next++;
	}
	differ_number(trial, what, next, names->len);
}

/* Whether a hop begins or ends in a group. */
static bool is_copied(const struct brute_answer *answer, unsigned int group)
{
	for (unsigned int i = 0; i < answer->hops_len; i++)
		if (answer->hops[i].from == group || answer->hops[i].to == group)
			return true;
	return false;
}

static void compare_split(struct trial *trial)
{
	const struct brute_answer *expected = trial->brute;
	const struct plan *plan = trial->plan;

	trial->statistics->splits++;
	differ_number(trial, "copied bytes", expected->copied_bytes,
		      vocab_number(plan, PLAN_COPIED_BYTES));
	differ_number(trial, "exact", participants_len(trial) <= BRUTE_SPLIT_MAX,
		      vocab_number(plan, PLAN_EXACT));
	differ_number(trial, "groups", expected->groups_len, plan->groups.len);
	for (unsigned int i = 0; i < expected->groups_len && i < plan->groups.len; i++) {
		uint32_t members = 0;

		for (unsigned int j = 0; j < participants_len(trial); j++)
			if (expected->group_of[j] == i)
				members |= 1u << j;
		compare_plan(trial, &expected->groups[i], members, is_copied(expected, i),
			     (const struct plan *)plan->groups.items[i]);
	}
	differ_number(trial, "hops", expected->hops_len, plan->hops.len);
	for (unsigned int i = 0; i < expected->hops_len && i < plan->hops.len; i++) {
		const struct hop *hop = (const struct hop *)plan->hops.items[i];

		differ_number(trial, "hop from", expected->hops[i].from, hop->from);
		differ_number(trial, "hop to", expected->hops[i].to, hop->to);
		differ_number(trial, "hop bytes", expected->hops[i].bytes, hop->bytes);
		compare_names(trial, "producers", expected->hops[i].producers, &hop->producers);
		compare_names(trial, "consumers", expected->hops[i].consumers, &hop->consumers);
	}
}

/* ---- conflicts ---- */

struct member {
	unsigned int set;
	unsigned int user; /* or BRUTE_REQUEST */
	enum brute_unit unit;
	const struct refusal *refusal;
};

static unsigned int find_user(const struct trial *trial, const char *name)
{
	for (unsigned int i = 0; i < participants_len(trial); i++)
		if (strcmp(participant_of(trial, i)->name, name) == 0)
			return i;
	return BRUTE_REQUEST;
}

static bool read_member(struct trial *trial, const struct refusal *refusal,
			struct member *ret_member)
{
	const char *name = vocab_string(refusal, REFUSAL_PARTICIPANT);
	const char *key = vocab_string(refusal, REFUSAL_KEY);
	bool of_request = !name[0];

	for (unsigned int i = 0; i < BRUTE_UNITS_LEN; i++)
		if (brute_units[i].constraint == (enum constraint)refusal->constraint &&
		    strcmp(brute_units[i].key, key) == 0 && of_request == (i >= BRUTE_OF_REQUEST)) {
			*ret_member =
				(struct member){(unsigned int)vocab_number(refusal, REFUSAL_SET),
						of_request ? BRUTE_REQUEST : find_user(trial, name),
						(enum brute_unit)i, refusal};
			trial->statistics->unit_seen[i] = true;
			if (of_request || ret_member->user != BRUTE_REQUEST)
				return true;
		}
	differ(trial, "an unknown member: %s:%s@%s", name,
	       vocab_constraint_names[refusal->constraint], key);
	return false;
}

static bool is_feasible(struct trial *trial, const struct brute_filter *filter)
{
	struct brute_input input = trial->input;
	struct brute_answer *answer = malloc(sizeof(*answer));
	bool feasible;

	if (!answer)
		abort();
	input.filter = filter;
	brute_solve(&input, answer);
	feasible = answer->code == ERROR_NONE;
	free(answer);
	return feasible;
}

/* A set alone is not to be had; without any one of its members it is. */
static void check_set(struct trial *trial, const struct member *members, size_t len,
		      unsigned int set)
{
	struct brute_filter *filter = malloc(sizeof(*filter));
	unsigned int members_of_set = 0;

	if (!filter)
		abort();
	*filter = (struct brute_filter){0};
	memset(filter->out, true, sizeof(filter->out));
	for (size_t i = 0; i < len; i++)
		if (members[i].set == set) {
			filter->out[members[i].user][members[i].unit] = false;
			members_of_set++;
		}
	if (!members_of_set)
		differ(trial, "set %u has no members", set);
	else if (is_feasible(trial, filter))
		differ(trial, "set %u alone is no conflict", set);
	for (size_t i = 0; i < len; i++) {
		if (members[i].set != set)
			continue;
		filter->out[members[i].user][members[i].unit] = true;
		if (!is_feasible(trial, filter))
			differ(trial, "set %u does not need %s@%s", set,
			       vocab_string(members[i].refusal, REFUSAL_PARTICIPANT),
			       brute_units[members[i].unit].key);
		filter->out[members[i].user][members[i].unit] = false;
	}
	free(filter);
	trial->statistics->sets++;
	trial->statistics->members += members_of_set;
}

static void check_disjoint(struct trial *trial, const struct member *members, size_t len)
{
	for (size_t i = 0; i < len; i++)
		for (size_t j = 0; j < i; j++)
			if (members[i].user == members[j].user &&
			    members[i].unit == members[j].unit)
				differ(trial, "%s@%s twice",
				       vocab_string(members[i].refusal, REFUSAL_PARTICIPANT),
				       brute_units[members[i].unit].key);
}

/* ---- relaxations ---- */

enum kind_of_key { KEY_OTHER, KEY_ALIGNMENT, KEY_MINIMUM, KEY_MAXIMUM, KEY_BOOL };

struct numeric_key {
	enum brute_unit unit;
	unsigned int row;
	enum kind_of_key kind;
};

static const struct numeric_key numeric_keys[] = {
	{BRUTE_WIDTH_MIN, PARTICIPANT_WIDTH_MIN, KEY_MINIMUM},
	{BRUTE_WIDTH_MAX, PARTICIPANT_WIDTH_MAX, KEY_MAXIMUM},
	{BRUTE_HEIGHT_MIN, PARTICIPANT_HEIGHT_MIN, KEY_MINIMUM},
	{BRUTE_HEIGHT_MAX, PARTICIPANT_HEIGHT_MAX, KEY_MAXIMUM},
	{BRUTE_AREA_MAX, PARTICIPANT_AREA_MAX, KEY_MAXIMUM},
	{BRUTE_WIDTH_ALIGN, PARTICIPANT_WIDTH_ALIGN, KEY_ALIGNMENT},
	{BRUTE_HEIGHT_ALIGN, PARTICIPANT_HEIGHT_ALIGN, KEY_ALIGNMENT},
	{BRUTE_STRIDE_MIN, PARTICIPANT_STRIDE_MIN, KEY_MINIMUM},
	{BRUTE_STRIDE_MAX, PARTICIPANT_STRIDE_MAX, KEY_MAXIMUM},
	{BRUTE_STRIDE_ALIGN, PARTICIPANT_STRIDE_ALIGN, KEY_ALIGNMENT},
	{BRUTE_STRIDE_PIXELS, PARTICIPANT_STRIDE_PIXELS, KEY_BOOL},
	{BRUTE_OFFSET_ALIGN, PARTICIPANT_OFFSET_ALIGN, KEY_ALIGNMENT},
	{BRUTE_ROWS_ALIGN, PARTICIPANT_ROWS_ALIGN, KEY_ALIGNMENT},
	{BRUTE_BYTES_MIN, PARTICIPANT_BYTES_MIN, KEY_MINIMUM},
	{BRUTE_BYTES_MAX, PARTICIPANT_BYTES_MAX, KEY_MAXIMUM},
	{BRUTE_BYTES_ALIGN, PARTICIPANT_BYTES_ALIGN, KEY_ALIGNMENT},
	{BRUTE_TAIL, PARTICIPANT_TAIL_BYTES, KEY_MINIMUM},
	{BRUTE_CONTIGUOUS, PARTICIPANT_CONTIGUOUS, KEY_BOOL},
	{BRUTE_BASE_ALIGN, PARTICIPANT_BASE_ALIGN, KEY_ALIGNMENT},
	{BRUTE_ADDRESS_BITS, PARTICIPANT_ADDRESS_BITS, KEY_MAXIMUM},
	{BRUTE_SEGMENTS, PARTICIPANT_SEGMENTS_MAX, KEY_MAXIMUM},
	{BRUTE_SEGMENT_BYTES, PARTICIPANT_SEGMENT_BYTES_MAX, KEY_MAXIMUM},
	{BRUTE_PROTECTED, PARTICIPANT_PROTECTED, KEY_BOOL},
	{BRUTE_MIN_COUNT, PARTICIPANT_MIN_COUNT, KEY_MINIMUM},
	{BRUTE_MAX_COUNT, PARTICIPANT_MAX_COUNT, KEY_MAXIMUM},
	{BRUTE_REQUEST_COUNT, REQUEST_COUNT, KEY_MINIMUM},
};

static const struct numeric_key *numeric_key(enum brute_unit unit)
{
	for (size_t i = 0; i < sizeof(numeric_keys) / sizeof(numeric_keys[0]); i++)
		if (numeric_keys[i].unit == unit)
			return &numeric_keys[i];
	return NULL;
}

/* How often a key stands in a record and its alternatives. */
static unsigned int count_values(const struct participant *record, unsigned int row)
{
	unsigned int sum = vocab_has(record, row);

	for (size_t i = 0; i < record->alternatives.len; i++)
		sum += count_values((const struct participant *)record->alternatives.items[i], row);
	return sum;
}

static bool feasible_with(struct trial *trial, struct brute_filter *filter, uint64_t value)
{
	filter->instead = true;
	filter->instead_value = value;
	return is_feasible(trial, filter);
}

static bool read_number(const char *text, enum kind_of_key kind, uint64_t *ret_number)
{
	char *end;

	if (kind == KEY_BOOL) {
		*ret_number = strcmp(text, "yes") == 0;
		return *ret_number || strcmp(text, "no") == 0;
	}
	*ret_number = strtoull(text, &end, 10);
	return end != text && (*end == '\0' || *end == ' ');
}

/* Nothing between the value and its relaxation may work. */
static void check_nearest(struct trial *trial, struct brute_filter *filter,
			  const struct member *member, enum kind_of_key kind, uint64_t value,
			  uint64_t relaxed)
{
	const char *key = brute_units[member->unit].key;
	uint64_t nearer = 0;

	if (kind == KEY_ALIGNMENT) {
		if (value % relaxed || relaxed == value)
			differ(trial, "%s: %llu is no smaller divisor of %llu", key,
			       (unsigned long long)relaxed, (unsigned long long)value);
		for (uint64_t d = relaxed + 1; d < value && !nearer; d++)
			if (value % d == 0 && feasible_with(trial, filter, d))
				nearer = d;
	} else if (kind == KEY_MINIMUM) {
		if (relaxed >= value)
			differ(trial, "%s: a minimum grows", key);
		else if (relaxed + 1 < value && feasible_with(trial, filter, relaxed + 1))
			nearer = relaxed + 1;
	} else if (kind == KEY_MAXIMUM) {
		if (relaxed <= value)
			differ(trial, "%s: a maximum shrinks", key);
		else if (relaxed - 1 > value && feasible_with(trial, filter, relaxed - 1))
			nearer = relaxed - 1;
	}
	if (nearer)
		differ(trial, "%s: %llu works too, and is nearer than %llu", key,
		       (unsigned long long)nearer, (unsigned long long)relaxed);
}

static bool is_one_value(const struct member *member, const void *record,
			 const struct numeric_key *key)
{
	return member->user == BRUTE_REQUEST || count_values(record, key->row) == 1;
}

static void check_number(struct trial *trial, const struct member *member,
			 const struct numeric_key *key, struct brute_filter *filter)
{
	const char *text = vocab_string(member->refusal, REFUSAL_RELAXATION);
	const void *record = member->user == BRUTE_REQUEST
				     ? (const void *)trial->instance.request
				     : (const void *)participant_of(trial, member->user);
	uint64_t relaxed;

	/* which of them should be relaxed? Of a yes there is but one */
	if (key->kind != KEY_BOOL && !is_one_value(member, record, key)) {
		if (text[0])
			differ(trial, "%s: relaxed to %s, of several values",
			       brute_units[member->unit].key, text);
		return;
	}
	if (!text[0]) {
		filter->out[member->user][member->unit] = true;
		if (is_feasible(trial, filter))
			differ(trial, "%s:%s could be relaxed",
			       vocab_string(member->refusal, REFUSAL_PARTICIPANT),
			       brute_units[member->unit].key);
	} else if (!read_number(text, key->kind, &relaxed)) {
		differ(trial, "%s: the relaxation \"%s\" is no number", brute_units[key->unit].key,
		       text);
	} else if (!feasible_with(trial, filter, relaxed)) {
		differ(trial, "%s:%s relaxed to %s does not work",
		       vocab_string(member->refusal, REFUSAL_PARTICIPANT),
		       brute_units[key->unit].key, text);
	} else if (vocab_has(record, key->row)) {
		check_nearest(trial, filter, member, key->kind, vocab_number(record, key->row),
			      relaxed);
	}
}

/* "XR24", or "XR24:0x100000000000001". */
static bool read_pair(const char *text, struct vocab_format *ret_pair)
{
	const char *modifier = strchr(text, ':');
	struct vocab_format pair = {0, modifier ? strtoull(modifier + 1, NULL, 16) : 0};

	if ((modifier ? (size_t)(modifier - text) : strlen(text)) != 4)
		return false;
	memcpy(&pair.fourcc, text, 4);
	*ret_pair = pair;
	return true;
}

static bool is_yes_or_no(enum brute_unit unit)
{
	return unit == BRUTE_IMPORTS || unit == BRUTE_DEVICE_CONTIGUITY || unit == BRUTE_BOUNCED ||
	       unit == BRUTE_MAINTENANCE || unit == BRUTE_KERNEL_MAP || unit == BRUTE_CACHE_ALIAS ||
	       unit == BRUTE_UNPROTECTED || unit == BRUTE_REQUEST_SCARCE;
}

static bool is_about_heaps(enum brute_unit unit)
{
	return unit == BRUTE_ALLOWED_HEAPS || unit == BRUTE_FORBIDDEN_HEAPS ||
	       unit == BRUTE_REQUEST_ALLOWED || unit == BRUTE_REQUEST_FORBIDDEN ||
	       unit == BRUTE_REQUEST_KNOWN;
}

/* Of lists: what is to be added, or not to be there. Of a yes or no: the opposite. That comes to
 * the same as leaving it out, with this pair or heap. */
static void check_element(struct trial *trial, const struct member *member,
			  struct brute_filter *filter)
{
	const char *text = vocab_string(member->refusal, REFUSAL_RELAXATION);
	struct vocab_format pair;
	bool feasible;

	filter->out[member->user][member->unit] = true;
	if (is_about_heaps(member->unit) && text[0]) {
		if (strncmp(text, "add ", 4) != 0 && strncmp(text, "not ", 4) != 0)
			differ(trial, "relaxation of heaps: %s", text);
		filter->only_heap = text + 4;
	} else if (brute_units[member->unit].constraint == CONSTRAINT_FORMAT && text[0]) {
		if (strncmp(text, "add ", 4) != 0 || !read_pair(text + 4, &pair))
			differ(trial, "relaxation of formats: %s", text);
		filter->only_pair = &pair;
	} else if (!is_yes_or_no(member->unit)) {
		return;
	}
	feasible = is_feasible(trial, filter);
	if (feasible != (text[0] != '\0'))
		differ(trial, "%s@%s: relaxed to %s, and that %s",
		       vocab_string(member->refusal, REFUSAL_PARTICIPANT),
		       brute_units[member->unit].key, text[0] ? text : "nothing",
		       feasible ? "works" : "does not work");
}

/* Bouncing is what helps whom the memory does not reach, where it does. */
static void check_bouncing(struct trial *trial, const struct member *member,
			   struct brute_filter *filter)
{
	bool said =
		strcmp(vocab_string(member->refusal, REFUSAL_RELAXATION), "allow-bounce: yes") == 0;
	bool may = !vocab_number(trial->instance.request, REQUEST_ALLOW_BOUNCE);

	filter->bounces = true;
	if (said != (may && is_feasible(trial, filter)))
		differ(trial, "%s@%s: bouncing is %ssaid to help, and that is wrong",
		       vocab_string(member->refusal, REFUSAL_PARTICIPANT),
		       brute_units[member->unit].key, said ? "" : "not ");
	filter->bounces = false;
	if (!said && member->unit == BRUTE_BOUNCED)
		check_element(trial, member, filter);
}

static void check_relaxation(struct trial *trial, const struct member *members, size_t len,
			     const struct member *member)
{
	const struct numeric_key *key = numeric_key(member->unit);
	struct brute_filter *filter = calloc(1, sizeof(*filter));

	if (!filter)
		abort();
	for (size_t i = 0; i < len; i++)
		if (members[i].set != member->set)
			filter->out[members[i].user][members[i].unit] = true;
	filter->instead_user = member->user;
	filter->instead_unit = member->unit;
	if (key)
		check_number(trial, member, key, filter);
	else if (member->unit == BRUTE_BOUNCED || member->unit == BRUTE_DEVICE_REACH)
		check_bouncing(trial, member, filter);
	else
		check_element(trial, member, filter);
	trial->statistics->relaxations += vocab_has(member->refusal, REFUSAL_RELAXATION);
	free(filter);
}

static void check_conflict(struct trial *trial)
{
	const struct vocab_dicts *list = &trial->error.details->refusals;
	struct member members[MEMBERS_MAX];
	unsigned int sets = 0;
	size_t len = 0;

	if (trial->brute->incomplete) {
		if (list->len != 1 ||
		    ((const struct refusal *)list->items[0])->constraint != CONSTRAINT_INCOMPLETE)
			differ(trial, "nobody names a format, and that is not what is said");
		return;
	}
	if (!trial->instance.machine->heaps.len &&
	    !trial->brought.plan) { /* no set could be satisfied */
		if (list->len != 1 ||
		    ((const struct refusal *)list->items[0])->constraint != CONSTRAINT_HEAPS)
			differ(trial, "there is no heap, and that is not what is said");
		return;
	}
	for (size_t i = 0; i < list->len && len < MEMBERS_MAX; i++) {
		if (!read_member(trial, (const struct refusal *)list->items[i], &members[len]))
			return;
		if (members[len].set >= sets)
			sets = members[len].set + 1;
		len++;
	}
	if (!len || sets > SETS_MAX)
		differ(trial, "%zu members in %u sets", len, sets);
	check_disjoint(trial, members, len);
	for (unsigned int i = 0; i < sets; i++)
		check_set(trial, members, len, i);
	for (size_t i = 0; i < len && !trial->differs; i++)
		check_relaxation(trial, members, len, &members[i]);
}

/* ---- a trial ---- */

/* The search for who is to blame looks at a bounded number of things: it may give up where there
 * are many combinations, each of which it looks at for each participant and for each member that
 * there might be. */
static bool is_too_complex_to_explain(const struct trial *trial, enum error_code code)
{
	return trial->brute->code == ERROR_CONFLICT && code == ERROR_TOO_COMPLEX &&
	       trial->brute->combinations * participants_len(trial) * participants_len(trial) >=
		       MUCH_TO_EXPLAIN;
}

static void compare_answers(struct trial *trial)
{
	enum error_code code = trial->result ? trial->error.code : ERROR_NONE;

	if (trial->result && (!code || !trial->error.details)) {
		differ(trial, "an error without name or details: %d", trial->result);
		return;
	}
	if (is_too_complex_to_explain(trial, code)) {
		trial->statistics->too_complex++;
		return;
	}
	if (trial->brute->code != code) {
		differ(trial, "expected %s, the solver says %s",
		       trial->brute->code ? error_rows[trial->brute->code].name : "a plan",
		       code ? error_rows[code].name : "a plan");
		return;
	}
	if (code == ERROR_NONE && trial->brute->groups_len)
		compare_split(trial);
	else if (code == ERROR_NONE && trial->plan->groups.len)
		differ(trial, "the solver splits");
	else if (code == ERROR_NONE)
		compare_plan(trial, &trial->brute->plan, trial->input.members, false, trial->plan);
	else if (code == ERROR_CONFLICT)
		check_conflict(trial);
	trial->statistics->answers += code == ERROR_NONE;
	trial->statistics->conflicts += code == ERROR_CONFLICT;
	trial->statistics->too_complex += code == ERROR_TOO_COMPLEX;
}

static bool is_read_from(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->participants.len; i++) {
		const struct participant *one =
			(const struct participant *)request->participants.items[i];

		for (size_t j = 0; j < one->reads_from.len; j++)
			if (strcmp(one->reads_from.items[j], name) == 0)
				return true;
	}
	return false;
}

/* The buffers that there are before the last participant comes. */
static void make_existing(struct trial *trial, const char *late)
{
	struct request *request;
	struct error error = {0};
	struct vocab_dicts *list;
	size_t i = 0;

	if (is_read_from(trial->instance.request, late) ||
	    vocab_copy(trial->instance.request, &request))
		return;
	list = &request->participants;
	while (strcmp(vocab_string(list->items[i], PARTICIPANT_NAME), late) != 0)
		i++;
	vocab_destroy(list->items[i]);
	memmove(&list->items[i], &list->items[i + 1], (list->len - i - 1) * sizeof(list->items[0]));
	list->len--;
	if (list->len && solve_with(trial->instance.machine, request, &trial->options, &error,
				    &trial->existing) == 0) {
		if (trial->existing->groups.len) {
			vocab_destroy(trial->existing);
			trial->existing = NULL;
		}
	}
	trial->statistics->late += trial->existing != NULL;
	error_finish(&error);
	vocab_destroy(request);
}

/* Settles a copy of the instance and has both solve it. False: it is refused before. */
static bool trial_start(struct trial *trial, const struct instance *instance)
{
	struct error error = {0};
	char late[256] = "";
	int result;

	instance_copy(instance, &trial->instance);
	if (instance->late >= 0 && instance->late < (int)participants_len(trial))
		snprintf(late, sizeof(late), "%s",
			 vocab_string(participant_of(trial, (unsigned int)instance->late),
				      PARTICIPANT_NAME));
	result = request_settle(trial->instance.request, trial->instance.machine, &error);
	error_finish(&error);
	if (result)
		return false;
	trial->options = (struct solve_options){.limits = trial->instance.limits,
						.limits_len = trial->instance.limits_len};
	if (late[0] && participants_len(trial) > 1)
		make_existing(trial, late);
	trial->options.existing = trial->existing;
	trial->statistics->limited += trial->options.limits_len > 0;
	brute_bring(trial->instance.machine, trial->instance.request, &trial->brought);
	trial->statistics->brought += trial->brought.plan != NULL;
	trial->input = (struct brute_input){.machine = trial->instance.machine,
					    .request = trial->instance.request,
					    .brought = &trial->brought,
					    .options = &trial->options,
					    .members = (1u << participants_len(trial)) - 1};
	trial->result = solve_with(trial->instance.machine, trial->instance.request,
				   &trial->options, &trial->error, &trial->plan);
	return true;
}

static void trial_finish(struct trial *trial)
{
	vocab_destroy(trial->plan);
	vocab_destroy(trial->existing);
	brute_brought_finish(&trial->brought);
	error_finish(&trial->error);
	free(trial->brute);
	instance_finish(&trial->instance);
}

/* ---- more participants than every split is looked at for ---- */

/* Who is in which group by the solver's plan. False: somebody is in none, or in two. */
static bool read_groups(struct trial *trial, unsigned int *group_of, uint32_t *fourccs)
{
	const struct vocab_dicts *groups = &trial->plan->groups;
	unsigned int found = 0, next = 0;

	for (size_t i = 0; i < groups->len; i++) {
		const struct plan *group = (const struct plan *)groups->items[i];

		fourccs[i] = group->format;
		for (size_t j = 0; j < group->participants.len; j++) {
			unsigned int user = find_user(
				trial, vocab_string(group->participants.items[j], VIEW_NAME));

			if (user == BRUTE_REQUEST)
				continue; /* who copies */
			group_of[user] = (unsigned int)i;
			found++;
		}
	}
	for (unsigned int i = 0; i < participants_len(trial); i++) {
		if (group_of[i] > next)
			return false; /* numbered by first member */
		next += group_of[i] == next;
	}
	return found == participants_len(trial) && next == groups->len;
}

/* The split need not be the best, but each group's plan is that of section 6 in its format. */
static void check_wide_split(struct trial *trial)
{
	unsigned int group_of[BRUTE_USERS_MAX];
	uint32_t fourccs[BRUTE_USERS_MAX] = {0};

	memset(group_of, 0xff, sizeof(group_of));
	if (!read_groups(trial, group_of, fourccs)) {
		differ(trial, "groups are not numbered by their first members");
		return;
	}
	brute_solve_split(&trial->input, group_of, fourccs, trial->brute);
	if (trial->brute->code != ERROR_NONE)
		differ(trial, "the groups cannot be had");
	else
		compare_split(trial);
	trial->statistics->answers++;
}

/* It begins with single participants: where these have plans, there is an answer. */
static void check_wide_conflict(struct trial *trial)
{
	struct brute_answer *answer = malloc(sizeof(*answer));
	unsigned int group_of[BRUTE_USERS_MAX];

	if (!answer)
		abort();
	for (unsigned int i = 0; i < BRUTE_USERS_MAX; i++)
		group_of[i] = i;
	brute_solve_split(&trial->input, group_of, NULL, answer);
	if (answer->code == ERROR_NONE && !trial->existing && !trial->brute->plain &&
	    vocab_number(trial->instance.request, REQUEST_ALLOW_COPIES))
		differ(trial, "each of them alone has a plan, and the solver has none");
	free(answer);
	if (trial->error.code == ERROR_CONFLICT)
		compare_answers(trial);
	else
		trial->statistics->too_complex++; /* so many splits may be too much to look at */
}

static void judge_wide(struct trial *trial)
{
	enum error_code code = trial->result ? trial->error.code : ERROR_NONE;

	if (trial->brute->code == ERROR_CONFLICT && code == ERROR_NONE && trial->plan->groups.len)
		check_wide_split(trial);
	else if (trial->brute->code == ERROR_CONFLICT &&
		 (code == ERROR_CONFLICT || code == ERROR_TOO_COMPLEX))
		check_wide_conflict(trial);
	else
		compare_answers(trial);
}

/* All that the solver has said, as text. Returns owned. */
static char *dump(const struct trial *trial)
{
	char *text = NULL, *lines;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	if (trial->result) {
		fprintf(out, "%d\n", trial->result);
		if (trial->error.details)
			record_print(out, trial->error.details, 0);
		lines = text_error(&trial->error);
	} else {
		record_print(out, trial->plan, 0);
		lines = text_plan(trial->plan);
	}
	fputs(lines ? lines : "", out);
	free(lines);
	fclose(out);
	return text;
}

/* The answer is the same to the byte, in whatever order all is named. */
static void check_order(struct trial *trial, const struct instance *instance, uint64_t seed)
{
	struct trial other = {.why = trial->why, .statistics = trial->statistics};
	struct instance shuffled;
	char *first, *second;

	if (trial->existing)
		return;
	instance_copy(instance, &shuffled);
	instance_shuffle(&shuffled, seed);
	if (trial_start(&other, &shuffled)) {
		first = dump(trial);
		second = dump(&other);
		if (strcmp(first, second) != 0)
			differ(trial, "another order, another answer:\n%s\n%s", first, second);
		free(first);
		free(second);
	}
	trial_finish(&other);
	instance_finish(&shuffled);
}

/* ---- nobody who comes makes anything possible ---- */

static bool has_wildcards(const struct vocab_formats *list)
{
	for (size_t i = 0; i < list->len; i++)
		if (!list->items[i].fourcc || list->items[i].modifier == 0x00ffffffffffffffull)
			return true;
	return false;
}

static bool may_widen(const struct participant *record)
{
	bool may = has_wildcards(&record->formats) || record->layouts.len;

	for (size_t i = 0; i < record->alternatives.len; i++)
		may = may || may_widen((const struct participant *)record->alternatives.items[i]);
	return may;
}

/* Whether the solver finds an answer with this pair on this heap. */
static bool solver_serves(const struct trial *trial, const struct request *request,
			  struct vocab_format pair, const char *heap)
{
	struct request *narrow;
	struct error error = {0};
	struct plan *plan = NULL;
	int result;

	if (vocab_copy(request, &narrow))
		abort();
	vocab_clear(narrow, REQUEST_FORMATS);
	vocab_clear(narrow, REQUEST_ALLOWED_HEAPS);
	vocab_clear(narrow, REQUEST_ALLOW_COPIES);
	if (vocab_add_format(narrow, REQUEST_FORMATS, pair.fourcc, pair.modifier, VOCAB_DECLARED) ||
	    vocab_add_string(narrow, REQUEST_ALLOWED_HEAPS, heap, VOCAB_DECLARED))
		abort();
	result = solve_with(trial->instance.machine, narrow, &trial->options, &error, &plan);
	vocab_destroy(plan);
	error_finish(&error);
	vocab_destroy(narrow);
	return result == 0;
}

static void check_pair_on_heap(struct trial *trial, const struct request *fewer,
			       struct vocab_format pair, const struct heap *heap)
{
	if (solver_serves(trial, trial->instance.request, pair, heap->id) &&
	    !solver_serves(trial, fewer, pair, heap->id))
		differ(trial, "%.4s 0x%llx on %s is possible only with more participants",
		       (const char *)&pair.fourcc, (unsigned long long)pair.modifier, heap->id);
}

static void check_widening(struct trial *trial, uint64_t seed)
{
	static const uint32_t fourccs[] = {0x34325258, 0x3231564e, 0x32315559, 0x56595559};
	const struct vocab_dicts *heaps = &trial->instance.machine->heaps;
	struct request *fewer;
	struct vocab_dicts *list;
	size_t gone;

	for (unsigned int i = 0; i < participants_len(trial); i++)
		if (may_widen(participant_of(trial, i)))
			return;
	if (trial->existing || trial->brought.plan || participants_len(trial) < 2)
		return;
	if (vocab_copy(trial->instance.request, &fewer))
		abort();
	list = &fewer->participants;
	gone = seed % list->len;
	vocab_destroy(list->items[gone]);
	memmove(&list->items[gone], &list->items[gone + 1],
		(list->len - gone - 1) * sizeof(list->items[0]));
	list->len--;
	for (size_t i = 0; i < sizeof(fourccs) / sizeof(fourccs[0]); i++)
		for (size_t j = 0; j < heaps->len; j++)
			check_pair_on_heap(trial, fewer, (struct vocab_format){fourccs[i], 0},
					   (const struct heap *)heaps->items[j]);
	trial->statistics->widened++;
	vocab_destroy(fewer);
}

/* ---- an instance ---- */

static void print_instance(FILE *out, const struct instance *instance)
{
	fprintf(out, "request:\n");
	record_print(out, instance->request, 2);
	fprintf(out, "machine:\n");
	record_print(out, instance->machine, 2);
	for (size_t i = 0; i < instance->limits_len; i++)
		fprintf(out, "limit of %s: %llu\n", instance->limits[i].heap,
			(unsigned long long)instance->limits[i].bytes);
	if (instance->late >= 0)
		fprintf(out, "late: participant %d\n", instance->late);
}

/* A line for each member of a conflict. Returns owned. */
static char *sets_text(const struct error *error)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	fprintf(out, "%s\n", error_rows[error->code].name);
	for (size_t i = 0; error->details && i < error->details->refusals.len; i++) {
		const void *refusal = error->details->refusals.items[i];

		fprintf(out, "  set %llu: %s %s %s = %s -> %s\n",
			(unsigned long long)vocab_number(refusal, REFUSAL_SET),
			vocab_string(refusal, REFUSAL_PARTICIPANT),
			vocab_enum_name(refusal, REFUSAL_CONSTRAINT),
			vocab_string(refusal, REFUSAL_KEY), vocab_string(refusal, REFUSAL_VALUE),
			vocab_string(refusal, REFUSAL_RELAXATION));
	}
	fclose(out);
	return text;
}

/* Judges an instance. Returns whether something differs; writes what. */
static bool judge(const struct instance *instance, uint64_t seed, bool print, FILE *why,
		  struct statistics *statistics)
{
	struct trial trial = {.why = why, .statistics = statistics};

	statistics->instances++;
	trial.brute = calloc(1, sizeof(*trial.brute));
	if (!trial.brute)
		abort();
	if (trial_start(&trial, instance)) {
		brute_solve(&trial.input, trial.brute);
		trial.input.plain = trial.brute->plain;
		if (participants_len(&trial) > BRUTE_SPLIT_MAX)
			judge_wide(&trial);
		else
			compare_answers(&trial);
		if (seed % 4 == 0)
			check_order(&trial, instance, seed);
		if (seed % 8 == 1)
			check_widening(&trial, seed / 8);
		if (print) {
			char *text = trial.result ? sets_text(&trial.error) : text_plan(trial.plan);

			fprintf(why, "the solver says:\n%s\n", text ? text : "");
			free(text);
		}
	} else {
		statistics->refused++;
	}
	trial_finish(&trial);
	return trial.differs;
}

/* The first line of what differs, without its values. Returns owned. */
static char *first_difference(const struct instance *instance, uint64_t seed)
{
	struct statistics ignored = {0};
	char *why = NULL;
	size_t size;
	FILE *out = open_memstream(&why, &size);

	if (!out)
		abort();
	judge(instance, seed, false, out, &ignored);
	fclose(out);
	why[strcspn(why, ":\n")] = '\0';
	return why;
}

static bool differs_alike(const struct instance *instance, uint64_t seed, const char *first)
{
	char *why = first_difference(instance, seed);
	bool alike = strcmp(why, first) == 0;

	free(why);
	return alike;
}

/* Takes away what can be taken away while the difference stays. */
static void shrink(struct instance *instance, uint64_t seed)
{
	char *first = first_difference(instance, seed);
	unsigned int n = 0;

	for (;;) {
		struct instance smaller;

		instance_copy(instance, &smaller);
		if (!instance_drop(&smaller, n)) {
			instance_finish(&smaller);
			break;
		}
		if (differs_alike(&smaller, seed, first)) {
			instance_finish(instance);
			*instance = smaller;
		} else {
			instance_finish(&smaller);
			n++;
		}
	}
	free(first);
}

/* Whether a difference like this one has been reported already. */
static bool is_known(const struct instance *instance, uint64_t seed, struct statistics *statistics)
{
	char *first = first_difference(instance, seed);

	for (unsigned int i = 0; i < statistics->kinds_len; i++)
		if (strcmp(statistics->kinds[i], first) == 0) {
			free(first);
			return true;
		}
	snprintf(statistics->kinds[statistics->kinds_len++], sizeof(statistics->kinds[0]), "%s",
		 first);
	free(first);
	return false;
}

static void report(const struct instance *instance, uint64_t seed)
{
	struct statistics ignored = {0};
	struct instance smaller;
	char *text = NULL, *rest = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	instance_copy(instance, &smaller);
	shrink(&smaller, seed);
	fprintf(out, "seed %llu\n", (unsigned long long)seed);
	judge(&smaller, seed, true, out, &ignored);
	print_instance(out, &smaller);
	instance_finish(&smaller);
	fclose(out);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		printf("# %s\n", line);
	free(text);
}

static bool judge_seed(uint64_t seed, bool wide, struct statistics *statistics)
{
	struct instance instance;
	char *why = NULL;
	size_t size;
	FILE *out = open_memstream(&why, &size);
	bool differs;

	if (!out)
		abort();
	(wide ? instance_generate_wide : instance_generate)(seed, &instance);
	differs = judge(&instance, seed, false, out, statistics);
	fclose(out);
	if (differs && !is_known(&instance, seed, statistics))
		report(&instance, seed);
	free(why);
	instance_finish(&instance);
	return differs;
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static int show(uint64_t seed, bool wide)
{
	struct statistics statistics = {0};
	struct instance instance;
	bool differs;

	(wide ? instance_generate_wide : instance_generate)(seed, &instance);
	print_instance(stdout, &instance);
	differs = judge(&instance, seed, true, stdout, &statistics);
	instance_finish(&instance);
	return differs ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void print_statistics(const struct statistics *s)
{
	printf("# %lu instances, %lu differ: %lu answers (%lu split, %lu bounced), %lu conflicts "
	       "(%lu sets, "
	       "%lu "
	       "members, %lu relaxations), %lu too complex, %lu refused\n",
	       s->instances, s->differences, s->answers, s->splits, s->bounced, s->conflicts,
	       s->sets, s->members, s->relaxations, s->too_complex, s->refused);
	printf("# %lu with limits, %lu with buffers that exist, %lu with buffers that are brought "
	       "(%lu plans of these), %lu against widening\n",
	       s->limited, s->late, s->brought, s->used, s->widened);
	for (unsigned int i = 0; i < RULES; i++)
		printf("# rule %s: %lu\n", vocab_rule_names[i], s->rule_used[i]);
	for (unsigned int i = 0; i < BRUTE_UNITS_LEN; i++)
		if (!s->unit_seen[i])
			printf("# never in a conflict: %s %s%s\n",
			       vocab_constraint_names[brute_units[i].constraint],
			       brute_units[i].key, i >= BRUTE_OF_REQUEST ? " of the request" : "");
}

/* What is made up must be worth comparing. */
static bool is_telling(const struct statistics *s)
{
	unsigned long solved = s->instances - s->refused;

	return s->instances < 1000 ||
	       (s->answers * 10 >= solved * 3 && s->answers * 10 <= solved * 7 && s->splits &&
		s->bounced && s->sets > s->conflicts && s->relaxations && s->late && s->limited &&
		s->widened && s->used && s->brought > 2 * s->used &&
		s->refused * 20 < s->instances);
}

/* Returns how many differ. */
static unsigned long judge_all(uint64_t first, uint64_t runs, bool wide,
			       struct statistics *statistics)
{
	for (uint64_t i = 0; i < runs && statistics->kinds_len < DIFFERENCES_MAX; i++)
		statistics->differences += judge_seed(first + i, wide, statistics);
	return statistics->differences;
}

int main(int argc, char **argv)
{
	uint64_t runs = from_environment("DMABROKER_PROPERTY_RUNS", PROPERTY_RUNS);
	uint64_t first = from_environment("DMABROKER_PROPERTY_SEED", 0);
	struct statistics few = {0}, many = {0};
	bool telling, splits;

	if (argc > 1)
		return show(strtoull(argv[argc - 1], NULL, 10), argc > 2);
	setvbuf(stdout, NULL, _IOLBF, 0);
	judge_all(first, runs, false, &few);
	print_statistics(&few);
	telling = is_telling(&few);
	printf("%sok 1 - both solvers answer the same, and conflicts are minimal\n",
	       few.differences ? "not " : "");
	printf("%sok 2 - the instances are worth comparing\n", telling ? "" : "not ");
	judge_all(first, runs / WIDE_SHARE, true, &many);
	printf("# of more than %u participants: %lu instances, %lu differ: %lu answers (%lu "
	       "split), "
	       "%lu conflicts, %lu too complex\n",
	       BRUTE_SPLIT_MAX, many.instances, many.differences, many.answers, many.splits,
	       many.conflicts, many.too_complex);
	splits = many.instances < 100 || (many.splits * 20 > many.instances && many.conflicts);
	printf("%sok 3 - what many participants are split into can be had\n",
	       many.differences ? "not " : "");
	printf("%sok 4 - many of them are split\n1..4\n", splits ? "" : "not ");
	return few.differences || many.differences || !telling || !splits ? EXIT_FAILURE
									  : EXIT_SUCCESS;
}
