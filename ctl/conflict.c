/* SPDX-License-Identifier: MIT */
#include "ctl/conflict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/facts.h"
#include "ctl/text.h"

size_t conflict_sets(const struct dmabroker_record *details)
{
	size_t len = dmabroker_record_get_len(details, "refusals"), sets = 1;
	const struct dmabroker_record *refusal;
	uint64_t set;

	for (size_t i = 0; dmabroker_record_get_record(details, "refusals", i, &refusal) == 0;
	     i++) {
		set = facts_number(refusal, "set", 0);
		if (set < len && set >= sets)
			sets = (size_t)set + 1;
	}
	return sets;
}

/* The key that somebody said, else the constraint. */
static const char *key_of(const struct dmabroker_record *refusal)
{
	return text_string(refusal, "key", text_string(refusal, "constraint", "?"));
}

/* Whether it is the device that says so stands in a column of its own. */
static const char *short_key(const struct dmabroker_record *refusal)
{
	static const char device[] = "device.";
	const char *key = key_of(refusal);

	return strncmp(key, device, strlen(device)) == 0 ? key + strlen(device) : key;
}

static void show_members(const struct ctl *ctl, const struct dmabroker_record *details, size_t set)
{
	static const char *const headings[] = {"WHO", "CONSTRAINT", "WANTS", "OFFERED", "KNOWN"};
	struct text_table *table = text_table_create(headings, 5);
	const struct dmabroker_record *refusal;
	const char *origin;

	for (size_t i = 0; dmabroker_record_get_record(details, "refusals", i, &refusal) == 0;
	     i++) {
		if (facts_number(refusal, "set", 0) != set)
			continue;
		origin = text_string(refusal, "origin", "absent");
		text_table_add(table, "%s", text_string(refusal, "participant", "request"));
		text_table_add(table, "%s", short_key(refusal));
		text_table_add(table, "%s", text_string(refusal, "wanted", "-"));
		text_table_add(table, "%s", text_string(refusal, "offered", "-"));
		text_table_add(table, "%s",
			       strcmp(origin, "absent") == 0 || strcmp(origin, "solved") == 0
				       ? "-"
				       : origin);
	}
	text_table_print(ctl, table, 2);
}

/* Whether a fact of a device may stay as it is if the request allows something. */
static bool is_permission(const struct dmabroker_record *refusal)
{
	return strncmp(text_string(refusal, "relaxation", ""), "allow-", 6) == 0;
}

/* "encoder: stride-align 256 -> 64", "request: allowed-heaps: add reserved" */
static void show_relaxation(const struct dmabroker_record *refusal)
{
	const char *relaxation = text_string(refusal, "relaxation", "none");
	const char *value = text_string(refusal, "value", "");
	bool adds = strncmp(relaxation, "add ", 4) == 0;
	char *line;

	if (is_permission(refusal))
		line = text_format("    request: %s\n", relaxation);
	else
		line = text_format("    %s: %s%s%s%s %s\n",
				   text_string(refusal, "participant", "request"), key_of(refusal),
				   adds || !*value ? "" : " ", adds ? "" : value,
				   adds ? ":" : " ->", relaxation);
	text_lines(line);
	free(line);
}

/* Whether a relaxation changes the request; else a device or the heaps would have to be others. */
static bool is_of_request(const struct dmabroker_record *refusal)
{
	bool fact = short_key(refusal) != key_of(refusal) ||
		    strcmp(key_of(refusal), "capacity-bytes") == 0;

	return !fact || is_permission(refusal);
}

/* Returns whether there are any. */
static bool show_relaxations(const struct dmabroker_record *details, size_t set, bool of_request,
			     const char *heading)
{
	const struct dmabroker_record *refusal;
	bool any = false;

	for (size_t i = 0; dmabroker_record_get_record(details, "refusals", i, &refusal) == 0;
	     i++) {
		if (facts_number(refusal, "set", 0) != set ||
		    !dmabroker_record_get_string(refusal, "relaxation") ||
		    is_of_request(refusal) != of_request)
			continue;
		if (!any)
			puts(heading);
		any = true;
		show_relaxation(refusal);
	}
	return any;
}

/* What the user can change comes before what only other hardware would. */
static void show_all_relaxations(const struct dmabroker_record *details, size_t set)
{
	bool any = show_relaxations(details, set, true, "  any one of these would do:");

	any |= show_relaxations(details, set, false,
				any ? "  or if device or heap were otherwise:"
				    : "  only if device or heap were otherwise:");
	if (!any)
		puts("  no other value of any single one would do");
}

void conflict_show(const struct ctl *ctl, const struct dmabroker_record *details)
{
	size_t sets = conflict_sets(details);
	char *heading;

	for (size_t set = 0; set < sets; set++) {
		heading = sets > 1 ? text_format("conflict %zu of %zu: these cannot hold together",
						 set + 1, sets)
				   : text_format("these cannot hold together");
		putchar('\n');
		text_heading(ctl, heading);
		putchar('\n');
		show_members(ctl, details, set);
		show_all_relaxations(details, set);
		free(heading);
	}
	if (facts_number(details, "copied-bytes", 0))
		printf("\nor copies, with allow-copies: yes: %llu bytes for each frame\n",
		       (unsigned long long)facts_number(details, "copied-bytes", 0));
}
