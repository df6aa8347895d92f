/* SPDX-License-Identifier: MIT */
/* Plans and refusals as text. */
#include "broker/model/text.h"

#include <stdio.h>
#include <stdlib.h>

#include "broker/model/format.h"

static void write_heading(FILE *out, const struct plan *plan)
{
	char format[FORMAT_TEXT_BYTES];

	format_text(plan->format, format);
	fprintf(out, "%u buffer%s of %llu bytes from heap %s: %ux%u %s", plan->count,
		plan->count == 1 ? "" : "s", (unsigned long long)plan->picture_bytes,
		vocab_string(plan, PLAN_HEAP), plan->width, plan->height, format);
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
		const char *participant = vocab_string(reason, REASON_PARTICIPANT);
		enum vocab_origin origin = (enum vocab_origin)vocab_number(reason, REASON_ORIGIN);

		fprintf(out, "  %s%s %s: ", prefix, vocab_string(reason, REASON_CHOICE),
			vocab_string(reason, REASON_VALUE));
		if (participant[0])
			fprintf(out, "because of %s: ", participant);
		fputs(vocab_string(reason, REASON_WANTED), out);
		if (origin != VOCAB_ABSENT && origin != VOCAB_SOLVED)
			fprintf(out, " [%s]", vocab_origin_names[origin]);
		fputc('\n', out);
	}
}

char *text_plan(const struct plan *plan)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	write_heading(out, plan);
	write_reasons(out, &plan->reasons, "");
	write_reasons(out, &plan->tried, "tried ");
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
	const char *participant = vocab_string(refusal, REFUSAL_PARTICIPANT);
	const char *key = vocab_string(refusal, REFUSAL_KEY);

	if (participant[0])
		fprintf(out, "%s: ", participant);
	if (with_constraint)
		fprintf(out, "%s: ", vocab_enum_name(refusal, REFUSAL_CONSTRAINT));
	else if (key[0])
		fprintf(out, "%s: ", key);
	fprintf(out, "wants %s", vocab_string(refusal, REFUSAL_WANTED));
	if (vocab_has(refusal, REFUSAL_OFFERED))
		fprintf(out, "; offered: %s", vocab_string(refusal, REFUSAL_OFFERED));
}

static void write_error(FILE *out, const struct error *error)
{
	size_t len = error->details ? error->details->refusals.len : 0;
	bool conflict = error->code == ERROR_CONFLICT;
	bool with_constraint = conflict || error->code == ERROR_OUT_OF_MEMORY;

	fputs(sentence(error->code), out);
	for (size_t i = 0; i < len; i++) {
		fputs(len == 1 && !conflict ? ": " : (i ? "\n  " : ":\n  "), out);
		write_refusal(out, error->details->refusals.items[i], with_constraint);
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
