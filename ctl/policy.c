/* SPDX-License-Identifier: MIT */
#include "ctl/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"

/* docs/access-policy.md has the rules. */
size_t policy_steps(const char *operation, const struct policy_step **ret_steps)
{
	static const struct policy_step steps[] = {
		{"START", "WRITE"}, {"END", "WRITE"}, {"START", "READ"}, {"END", "READ"}};
	static const struct {
		const char *operation;
		size_t first, len;
	} rows[] = {{"clean", 0, 2}, {"invalidate", 2, 2}, {"clean+invalidate", 0, 4}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].operation, operation) != 0)
			continue;
		*ret_steps = steps + rows[i].first;
		return rows[i].len;
	}
	return 0;
}

char *policy_ioctls(const char *operation, char between)
{
	const struct policy_step *steps;
	size_t len = policy_steps(operation, &steps);
	char *words = text_format("%s", ""), *longer;

	for (size_t i = 0; i < len; i++) {
		longer = text_format("%s%s%s%c%s", words, i ? ", " : "", steps[i].when, between,
				     steps[i].what);
		free(words);
		words = longer;
	}
	return words;
}

static const struct dmabroker_record *edge_at(const struct dmabroker_record *plan, size_t index)
{
	const struct dmabroker_record *edge;

	return dmabroker_record_get_record(plan, "policy", index, &edge) < 0 ? NULL : edge;
}

static bool needs_fence(const struct dmabroker_record *edge)
{
	uint64_t fence;

	return dmabroker_record_get_uint(edge, "fence", &fence) == 0 && fence;
}

static bool needs_nothing(const struct dmabroker_record *edge)
{
	return strcmp(text_string(edge, "operation", "none"), "none") == 0 && !needs_fence(edge);
}

static bool have_same(const struct dmabroker_record *a, const struct dmabroker_record *b,
		      const char *key)
{
	return strcmp(text_string(a, key, ""), text_string(b, key, "")) == 0;
}

/* Hand-overs of one writer that need the same for the same reason stand in one line. */
static bool are_alike(const struct dmabroker_record *a, const struct dmabroker_record *b)
{
	return have_same(a, b, "from") && have_same(a, b, "operation") &&
	       have_same(a, b, "because") && needs_fence(a) == needs_fence(b);
}

/* To whom the same writer hands over alike; NULL: a line before has it. Returns owned. */
static char *receivers_of(const struct dmabroker_record *plan, size_t index)
{
	const struct dmabroker_record *first = edge_at(plan, index), *edge;
	char *names = text_format("%s", text_string(first, "to", "?")), *longer;

	for (size_t i = 0; (edge = edge_at(plan, i)); i++) {
		if (i == index || !are_alike(first, edge))
			continue;
		if (i < index) {
			free(names);
			return NULL;
		}
		longer = text_format("%s, %s", names, text_string(edge, "to", "?"));
		free(names);
		names = longer;
	}
	return names;
}

/* "camera -> encoder: clean (START WRITE, END WRITE): the newest data may sit in a CPU cache",
 * "gpu -> encoder: wait for fences (poll): both see the same data" */
static void show_edge(const struct dmabroker_record *plan, size_t index)
{
	const struct dmabroker_record *edge = edge_at(plan, index);
	const char *operation = text_string(edge, "operation", "?");
	char *names = receivers_of(plan, index), *ioctls, *line;

	if (!names)
		return;
	ioctls = policy_ioctls(operation, ' ');
	if (strcmp(operation, "none") == 0)
		line = text_format("  %s -> %s: wait for fences (poll): %s\n",
				   text_string(edge, "from", "?"), names,
				   text_string(edge, "because", "?"));
	else
		line = text_format("  %s -> %s: %s%s (%s): %s\n", text_string(edge, "from", "?"),
				   names, needs_fence(edge) ? "wait for fences (poll), then " : "",
				   operation, *ioctls ? ioctls : "?",
				   text_string(edge, "because", "?"));
	text_lines(line);
	free(line);
	free(ioctls);
	free(names);
}

/* Whether an edge before this one has the same reason. */
static bool is_again(const struct dmabroker_record *plan, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (have_same(edge_at(plan, i), edge_at(plan, index), "because"))
			return true;
	return false;
}

/* Why nothing is due at any hand-over. */
static void show_none(const struct dmabroker_record *plan)
{
	char *line = text_format("  no maintenance is ever due"), *longer;
	const struct dmabroker_record *edge;

	for (size_t i = 0; (edge = edge_at(plan, i)); i++) {
		if (is_again(plan, i))
			continue;
		longer = text_format("%s%s%s", line, i ? "; " : ": ",
				     text_string(edge, "because", "?"));
		free(line);
		line = longer;
	}
	text_lines(line);
	free(line);
}

void policy_show(const struct dmabroker_record *plan)
{
	const struct dmabroker_record *edge;
	size_t needing = 0, len = 0;

	for (; (edge = edge_at(plan, len)); len++) {
		if (needs_nothing(edge))
			continue;
		show_edge(plan, len);
		needing++;
	}
	if (!needing)
		show_none(plan);
	else if (needing < len)
		puts("  no maintenance at any other hand-over");
}
