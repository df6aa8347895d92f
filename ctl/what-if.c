/* SPDX-License-Identifier: MIT */
/*
 * `plan --what-if`: the same request is planned twice, as it is and with other values of some keys.
 */
#include "ctl/what-if.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/change.h"
#include "ctl/conflict.h"
#include "ctl/copies.h"
#include "ctl/facts.h"
#include "ctl/json.h"
#include "ctl/text.h"

#define OPTION "--what-if"

/* What came of a request. */
struct answer {
	int error;
	struct dmabroker_record *plan; /* owned; NULL where there is an error */
	char *name;		       /* owned: of the error; "" where it has none */
	char *text;		       /* owned: of the error */
	size_t conflicts;	       /* minimal sets of a Conflict */
	struct json_object *json;      /* owned */
};

int what_if_apply(struct ctl *ctl, const char *value)
{
	size_t len = 0;

	while (ctl->what_if[len])
		len++;
	if (len == CTL_WHAT_IF_MAX)
		return ctl_error(CTL_USAGE, OPTION ": more than %d", CTL_WHAT_IF_MAX);
	ctl->what_if[len] = value;
	return 0;
}

/* ---- asking ---- */

static void ask(struct ctl *ctl, const struct dmabroker_record *request, struct answer *answer)
{
	const struct dmabroker_record *details;

	*answer = (struct answer){0};
	answer->error = dmabroker_plan(ctl->broker, request, &answer->plan);
	if (!answer->error) {
		answer->json = json_from_record(answer->plan);
		return;
	}
	answer->name = text_format("%s", dmabroker_get_error(ctl->broker));
	answer->text = text_format("%s", dmabroker_get_error_text(ctl->broker));
	details = dmabroker_get_error_details(ctl->broker);
	answer->json = json_from_error(answer->name, answer->text, details);
	if (answer->error == -EXDEV && details)
		answer->conflicts = conflict_sets(details);
}

static void finish(struct answer *answer)
{
	dmabroker_record_destroy(answer->plan);
	free(answer->name);
	free(answer->text);
	json_object_put(answer->json);
}

/* ---- showing ---- */

/* The value of a key of the plan, or of all its groups. Returns owned. */
static char *key_words(const struct dmabroker_record *plan, const char *key,
		       enum dmabroker_type type)
{
	const struct dmabroker_record *group;
	char *words = NULL, *value, *longer;

	for (size_t i = 0; dmabroker_record_get_record(plan, "groups", i, &group) == 0; i++) {
		value = text_value(group, key, type);
		longer = text_format("%s%s%s", words ? words : "", words ? ", " : "", value);
		free(words);
		free(value);
		words = longer;
	}
	return words ? words : text_value(plan, key, type);
}

static char *size_words(const struct dmabroker_record *plan)
{
	return text_format("%" PRIu64 "x%" PRIu64, facts_number(plan, "width", 0),
			   facts_number(plan, "height", 0));
}

static char *stride_words(const struct dmabroker_record *plan)
{
	const struct dmabroker_record *plane;

	if (dmabroker_record_get_record(plan, "planes", 0, &plane) < 0)
		return text_format("-");
	return text_value(plane, "stride", DMABROKER_TYPE_UINT);
}

static char *alternative_words(const struct dmabroker_record *plan)
{
	const struct dmabroker_record *view;
	const char *alternative;
	char *words = text_format("%s", ""), *longer;

	for (size_t i = 0; dmabroker_record_get_record(plan, "participants", i, &view) == 0; i++) {
		alternative = dmabroker_record_get_string(view, "alternative");
		if (!alternative || !*alternative)
			continue;
		longer = text_format("%s%s%s %s", words, *words ? ", " : "",
				     text_string(view, "name", "?"), alternative);
		free(words);
		words = longer;
	}
	if (*words)
		return words;
	free(words);
	return text_format("-");
}

static char *copied_words(const struct dmabroker_record *plan)
{
	return dmabroker_record_get_origin(plan, "copied-bytes")
		       ? text_bytes(facts_number(plan, "copied-bytes", 0))
		       : text_format("-");
}

enum line {
	ANSWER,
	CONFLICTS,
	SIZE,
	HEAP,
	FORMAT,
	MODIFIER,
	STRIDE,
	BYTES,
	BUFFERS,
	ALTERNATIVE,
	COPIED,
	LINES
};

static const char *const labels[LINES] = {"answer",  "conflicts",   "size",   "heap",
					  "format",  "modifier",    "stride", "bytes",
					  "buffers", "alternative", "copied"};

/* What an answer says in one line of the table. Returns owned. */
static char *words_of(const struct answer *answer, enum line line)
{
	if (line == ANSWER)
		return text_format("%s", !answer->error	 ? "a plan"
					 : *answer->name ? answer->name
							 : strerror(-answer->error));
	if (line == CONFLICTS && answer->conflicts)
		return text_format("%zu", answer->conflicts);
	if (answer->error || line == CONFLICTS)
		return text_format("-");
	switch (line) {
	case SIZE:
		return size_words(answer->plan);
	case HEAP:
		return key_words(answer->plan, "heap", DMABROKER_TYPE_STRING);
	case FORMAT:
		return key_words(answer->plan, "format", DMABROKER_TYPE_FOURCC);
	case MODIFIER:
		return key_words(answer->plan, "modifier", DMABROKER_TYPE_MODIFIER);
	case STRIDE:
		return stride_words(answer->plan);
	case BYTES:
		return key_words(answer->plan, "picture-bytes", DMABROKER_TYPE_UINT);
	case BUFFERS:
		return key_words(answer->plan, "count", DMABROKER_TYPE_UINT);
	case ALTERNATIVE:
		return alternative_words(answer->plan);
	default:
		return copied_words(answer->plan);
	}
}

/* Prints both, line by line. Returns whether they differ. */
static bool show_table(const struct ctl *ctl, const struct answer *now, const struct answer *then)
{
	static const char *const headings[] = {"", "AS IT IS", "WHAT IF", ""};
	struct text_table *table = text_table_create(headings, 4);
	bool differ = false, other;

	for (int i = 0; i < LINES; i++) {
		char *before = words_of(now, (enum line)i), *after = words_of(then, (enum line)i);

		other = strcmp(before, after) != 0;
		differ |= other;
		if (i == ANSWER || strcmp(before, "-") != 0 || strcmp(after, "-") != 0) {
			text_table_add(table, "%s", labels[i]);
			text_table_add(table, "%s", before);
			text_table_add(table, "%s", after);
			text_table_add(table, "%s", other ? "*" : "");
		}
		free(after);
		free(before);
	}
	text_table_print(ctl, table, 0);
	return differ;
}

/* In one sentence what the changes are good for. */
static const char *sentence(const struct answer *now, const struct answer *then, bool differ)
{
	if (now->error && !then->error)
		return "With this there is a plan.";
	if (!now->error && then->error)
		return "With this there is no plan any more.";
	if (now->error)
		return "There is no plan either way.";
	return differ ? "There is a plan either way; * marks what differs."
		      : "This changes nothing of the plan.";
}

static void show_error(const struct answer *answer, const char *title)
{
	char *text;

	if (!answer->error)
		return;
	putchar('\n');
	text = text_format("%s: %s\n", title, answer->text);
	text_lines(text);
	free(text);
}

static void show(const struct ctl *ctl, const struct answer *now, const struct answer *then)
{
	bool differ;

	for (size_t i = 0; ctl->what_if[i] && ctl->legend; i++) {
		printf("%s ", i ? "    and" : "what if");
		text_line(0, ctl->what_if[i]);
	}
	if (ctl->legend)
		putchar('\n');
	differ = show_table(ctl, now, then);
	if (ctl->legend)
		printf("\n%s\n", sentence(now, then, differ));
	show_error(now, "as it is");
	if (!now->error || !then->error || strcmp(now->text, then->text) != 0)
		show_error(then, "what if");
}

static void show_json(const struct ctl *ctl, const struct answer *now, const struct answer *then)
{
	struct json_object *object = json_object_new_object();

	if (json_object_object_add(object, "as-is", json_object_get(now->json)) < 0 ||
	    json_object_object_add(object, "what-if", json_object_get(then->json)) < 0)
		ctl_out_of_memory();
	json_print(ctl, object);
}

int what_if_run(struct ctl *ctl)
{
	struct dmabroker_record *changed;
	struct answer now, then;
	int status = change_request(ctl->request, OPTION, ctl->what_if, &changed);

	if (status)
		return status;
	ask(ctl, ctl->request, &now);
	ask(ctl, changed, &then);
	if (then.error == -ENOTCONN || then.error == -ETIMEDOUT) {
		status = ctl_failed(ctl, then.error);
	} else {
		status = then.error ? (int)ctl_class(then.error) : CTL_OK;
		if (ctl->json)
			show_json(ctl, &now, &then);
		else
			show(ctl, &now, &then);
	}
	finish(&now);
	finish(&then);
	dmabroker_record_destroy(changed);
	return status;
}
