/* SPDX-License-Identifier: MIT */
/* Plans and refusals as text. */
#include "broker/model/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/format.h"

/* What a request or a device has named stays in its line, and does nothing to a terminal. */
static void put(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

/* The value of a string between two words. */
static void put_string(FILE *out, const char *before, const void *record, unsigned int row,
		       const char *after)
{
	fputs(before, out);
	put(out, vocab_string(record, row));
	fputs(after, out);
}

/* "brought by camera: videobuf2_vmalloc" */
static void write_bringer(FILE *out, const struct plan *plan)
{
	put_string(out, "brought by ", plan, PLAN_BROUGHT_BY, "");
	if (plan->memory.len)
		put_string(out, ": ", plan->memory.items[0], MEMORY_EXPORTER, "");
}

static void write_heading(FILE *out, const struct plan *plan)
{
	char format[FORMAT_TEXT_BYTES];

	format_text(plan->format, format);
	fprintf(out, "%u buffer%s of %llu bytes ", plan->count, plan->count == 1 ? "" : "s",
		(unsigned long long)plan->picture_bytes);
	if (vocab_has(plan, PLAN_BROUGHT_BY))
		write_bringer(out, plan);
	else
		put_string(out, "from heap ", plan, PLAN_HEAP, "");
	fprintf(out, ": %ux%u %s", plan->width, plan->height, format);
	if (plan->modifier != FORMAT_MODIFIER_LINEAR)
		fprintf(out, " modifier 0x%llx", (unsigned long long)plan->modifier);
	for (size_t i = 0; i < plan->planes.len; i++)
		fprintf(out, "%s%u", i ? ", " : ", stride ",
			((const struct plane *)plan->planes.items[i])->stride);
	fputc('\n', out);
}

static void write_reasons(FILE *out, const struct vocab_dicts *reasons, const char *prefix)
{
	for (size_t i = 0; i < reasons->len; i++) {
		const void *reason = reasons->items[i];
		enum vocab_origin origin = (enum vocab_origin)vocab_number(reason, REASON_ORIGIN);

		fprintf(out, "  %s", prefix);
		put_string(out, "", reason, REASON_CHOICE, " ");
		put_string(out, "", reason, REASON_VALUE, ": ");
		if (vocab_string(reason, REASON_PARTICIPANT)[0])
			put_string(out, "because of ", reason, REASON_PARTICIPANT, ": ");
		put_string(out, "", reason, REASON_WANTED, "");
		if (origin != VOCAB_ABSENT && origin != VOCAB_SOLVED)
			fprintf(out, " [%s]", vocab_origin_names[origin]);
		fputc('\n', out);
	}
}

/* What a rule has against the runner-up. */
static void write_rule(FILE *out, enum rule rule, unsigned long long mine, unsigned long long other)
{
	static const char *const words[] = {
		[RULE_COPIES] = "nothing is copied",
		[RULE_BOUNCE] = "the kernel copies no frame through bounce buffers",
		[RULE_SLACK] = "more of the buffers that are wanted",
		[RULE_ALTERNATIVE] = "an alternative that comes earlier",
		[RULE_FORMAT] = "a format that comes earlier in the lists",
		[RULE_UNCACHED] = "the CPU reads often, and this memory is cached",
		[RULE_SCARCE] = "scarce memory is kept",
		[RULE_MODIFIER] = "a modifier that comes earlier in the lists",
		[RULE_LINEAR] = "linear comes first where nobody says otherwise",
	};

	if (rule == RULE_BYTES)
		fprintf(out, "%llu bytes instead of %llu", mine, other);
	else if (rule == RULE_ACCESS)
		fprintf(out, "access and hand-overs touch %llu bytes instead of %llu", mine, other);
	else if ((size_t)rule < sizeof(words) / sizeof(words[0]) && words[rule])
		fputs(words[rule], out);
	else
		fprintf(out, "rule %d: %llu instead of %llu", (int)rule, mine, other);
}

/* "better than NV12:0x0 in reserved: scarce memory is kept": the first rule that made a difference.
 */
static void write_preference(FILE *out, const struct plan *plan)
{
	if (!vocab_has(plan, PLAN_RUNNER_UP))
		return;
	put_string(out, "  better than ", plan, PLAN_RUNNER_UP, ": ");
	for (size_t i = 0; i < plan->costs.len; i++) {
		const void *cost = plan->costs.items[i];

		if (!vocab_has(cost, COST_RUNNER_UP) ||
		    vocab_number(cost, COST_VALUE) == vocab_number(cost, COST_RUNNER_UP))
			continue;
		write_rule(out, (enum rule)vocab_number(cost, COST_RULE),
			   vocab_number(cost, COST_VALUE), vocab_number(cost, COST_RUNNER_UP));
		fputc('\n', out);
		return;
	}
	fputs("all else is equal, the name decides\n", out);
}

static void write_bounced(FILE *out, const struct plan *plan)
{
	for (size_t i = 0; i < plan->participants.len; i++)
		if (vocab_number(plan->participants.items[i], VIEW_BOUNCED))
			put_string(out, "  bounced: the kernel copies each frame for ",
				   plan->participants.items[i], VIEW_NAME, "\n");
}

/* A plan with buffers of its own. */
static void write_plan(FILE *out, const struct plan *plan)
{
	write_heading(out, plan);
	write_reasons(out, &plan->reasons, "");
	write_bounced(out, plan);
	write_preference(out, plan);
}

static void write_names(FILE *out, const struct vocab_strings *names)
{
	for (size_t i = 0; i < names->len; i++) {
		fputs(i ? ", " : "", out);
		put(out, names->items[i]);
	}
}

static void write_group(FILE *out, size_t number, const struct plan *group)
{
	fprintf(out, "group %zu (", number);
	for (size_t i = 0; i < group->participants.len; i++)
		put_string(out, i ? ", " : "", group->participants.items[i], VIEW_NAME, "");
	fputs("): ", out);
	write_plan(out, group);
}

static void write_hop(FILE *out, const struct hop *hop)
{
	fprintf(out, "copy from group %u to group %u: %llu bytes: ", hop->from, hop->to,
		(unsigned long long)hop->bytes);
	write_names(out, &hop->producers);
	fputs(" -> ", out);
	write_names(out, &hop->consumers);
	fputc('\n', out);
}

/* Participants that share no memory. */
static void write_split(FILE *out, const struct plan *plan)
{
	fprintf(out, "%zu groups, %llu bytes copied for each frame%s\n", plan->groups.len,
		(unsigned long long)plan->copied_bytes,
		vocab_number(plan, PLAN_EXACT)
			? ""
			: "; the search was cut short, another split may copy less");
	for (size_t i = 0; i < plan->groups.len; i++)
		write_group(out, i, (const struct plan *)plan->groups.items[i]);
	for (size_t i = 0; i < plan->hops.len; i++)
		write_hop(out, (const struct hop *)plan->hops.items[i]);
}

static void write_whole(FILE *out, const struct plan *plan)
{
	if (plan->groups.len)
		write_split(out, plan);
	else
		write_plan(out, plan);
	write_reasons(out, &plan->tried, "tried ");
	if (!vocab_has(plan, PLAN_HAND_OVER))
		return;
	fprintf(out, "  generation %u: ", plan->generation);
	put_string(out, "", plan, PLAN_HAND_OVER, " hands over\n");
}

char *text_plan(const struct plan *plan)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	write_whole(out, plan);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static const char *sentence(enum error_code code)
{
	switch (code) {
	case ERROR_CONFLICT:
		return "these cannot hold together";
	case ERROR_INVALID_REQUEST:
		return "the request is wrong";
	default:
		return error_rows[code].doc;
	}
}

static void write_refusal(FILE *out, const void *refusal, bool with_constraint)
{
	if (vocab_string(refusal, REFUSAL_PARTICIPANT)[0])
		put_string(out, "", refusal, REFUSAL_PARTICIPANT, ": ");
	if (with_constraint)
		fprintf(out, "%s: ", vocab_enum_name(refusal, REFUSAL_CONSTRAINT));
	else if (vocab_string(refusal, REFUSAL_KEY)[0])
		put_string(out, "", refusal, REFUSAL_KEY, ": ");
	put_string(out, "wants ", refusal, REFUSAL_WANTED, "");
	if (vocab_has(refusal, REFUSAL_OFFERED))
		put_string(out, "; offered: ", refusal, REFUSAL_OFFERED, "");
}

/* How many minimal sets the refusals of a conflict belong to. */
static uint32_t count_sets(const struct vocab_dicts *refusals)
{
	uint32_t sets = 1;

	for (size_t i = 0; i < refusals->len; i++) {
		uint64_t set = vocab_number(refusals->items[i], REFUSAL_SET);

		if (set < refusals->len && set >= sets)
			sets = (uint32_t)set + 1;
	}
	return sets;
}

/* Whether a fact of a device may stay as it is if the request allows something. */
static bool is_permission(const void *refusal)
{
	return strncmp(vocab_string(refusal, REFUSAL_RELAXATION), "allow-", 6) == 0;
}

/* "encoder: stride-align 256 -> 64", "allowed-heaps: add reserved", "allow-bounce: yes" */
static void write_relaxation(FILE *out, const void *refusal)
{
	bool adds = strncmp(vocab_string(refusal, REFUSAL_RELAXATION), "add ", 4) == 0;

	fputs("\n  ", out);
	if (is_permission(refusal)) {
		put_string(out, "", refusal, REFUSAL_RELAXATION, "");
		return;
	}
	if (vocab_has(refusal, REFUSAL_PARTICIPANT))
		put_string(out, "", refusal, REFUSAL_PARTICIPANT, ": ");
	fputs(vocab_has(refusal, REFUSAL_KEY) ? vocab_string(refusal, REFUSAL_KEY)
					      : vocab_enum_name(refusal, REFUSAL_CONSTRAINT),
	      out);
	if (vocab_has(refusal, REFUSAL_VALUE) && !adds)
		put_string(out, " ", refusal, REFUSAL_VALUE, "");
	put_string(out, adds ? ": " : " -> ", refusal, REFUSAL_RELAXATION, "");
}

/* Whether a relaxation changes the request; else a device or the heaps would have to be others. */
static bool is_of_request(const void *refusal)
{
	const char *key = vocab_string(refusal, REFUSAL_KEY);

	return (strncmp(key, "device.", 7) != 0 && strcmp(key, "capacity-bytes") != 0) ||
	       is_permission(refusal);
}

/* Returns whether there are any. */
static bool write_relaxations(FILE *out, const struct vocab_dicts *refusals, uint32_t set,
			      bool of_request, const char *heading)
{
	bool any = false;

	for (size_t i = 0; i < refusals->len; i++) {
		if (vocab_number(refusals->items[i], REFUSAL_SET) != set ||
		    !vocab_has(refusals->items[i], REFUSAL_RELAXATION) ||
		    is_of_request(refusals->items[i]) != of_request)
			continue;
		if (!any)
			fprintf(out, "\n%s", heading);
		any = true;
		write_relaxation(out, refusals->items[i]);
	}
	return any;
}

/* The members of one minimal set, and what would do instead. */
static void write_set(FILE *out, const struct vocab_dicts *refusals, uint32_t set)
{
	bool any;

	for (size_t i = 0; i < refusals->len; i++) {
		if (vocab_number(refusals->items[i], REFUSAL_SET) != set)
			continue;
		fputs("\n  ", out);
		write_refusal(out, refusals->items[i], true);
	}
	any = write_relaxations(out, refusals, set, true, "any one of these would do:");
	write_relaxations(out, refusals, set, false,
			  any ? "or if device or heap were otherwise:"
			      : "only if device or heap were otherwise:");
}

static void write_conflict(FILE *out, const struct vocab_dicts *refusals)
{
	uint32_t sets = count_sets(refusals);

	for (uint32_t set = 0; set < sets; set++) {
		if (sets > 1)
			fprintf(out, "%sconflict %u of %u: ", set ? "\n" : "", set + 1, sets);
		fprintf(out, "%s:", sentence(ERROR_CONFLICT));
		write_set(out, refusals, set);
	}
}

static void write_copies(FILE *out, const struct error_details *details)
{
	if (vocab_has(details, ERROR_COPIED_BYTES))
		fprintf(out, "\nor copies, with allow-copies: yes: %llu bytes for each frame",
			(unsigned long long)vocab_number(details, ERROR_COPIED_BYTES));
}

static void write_error(FILE *out, const struct error *error)
{
	size_t len = error->details ? error->details->refusals.len : 0;

	if (error->code == ERROR_CONFLICT && len) {
		write_conflict(out, &error->details->refusals);
		write_copies(out, error->details);
		return;
	}
	fputs(sentence(error->code), out);
	for (size_t i = 0; i < len; i++) {
		fputs(len == 1 ? ": " : (i ? "\n  " : ":\n  "), out);
		write_refusal(out, error->details->refusals.items[i],
			      error->code == ERROR_OUT_OF_MEMORY);
	}
}

char *text_error(const struct error *error)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	write_error(out, error);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
