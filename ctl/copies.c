/* SPDX-License-Identifier: MIT */
#include "ctl/copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/facts.h"
#include "ctl/text.h"

#define INDENT 2

char *copies_names(const struct dmabroker_record *group)
{
	const struct dmabroker_record *view;
	char *names = text_format("%s", ""), *longer;

	for (size_t i = 0; dmabroker_record_get_record(group, "participants", i, &view) == 0; i++) {
		longer =
			text_format("%s%s%s", names, i ? ", " : "", text_string(view, "name", "?"));
		free(names);
		names = longer;
	}
	return names;
}

/* "camera, encoder [system NV12]" */
static char *box_of(const struct dmabroker_record *plan, size_t index)
{
	const struct dmabroker_record *group;
	char *names, *format, *box;

	if (dmabroker_record_get_record(plan, "groups", index, &group) < 0)
		return text_format("?");
	names = copies_names(group);
	format = text_value(group, "format", DMABROKER_TYPE_FOURCC);
	box = text_format("%s [%s %s]", names, text_string(group, "heap", "?"), format);
	free(format);
	free(names);
	return box;
}

/* On one line if it fits, else with the arrow at the beginning of a second one. */
static void show_hop(const struct dmabroker_record *plan, const struct dmabroker_record *hop)
{
	char *from = box_of(plan, (size_t)facts_number(hop, "from", 0));
	char *to = box_of(plan, (size_t)facts_number(hop, "to", 0));
	char *bytes = text_bytes(facts_number(hop, "bytes", 0));
	char *line = text_format("%s --%s--> %s", from, bytes, to);
	char *rest = text_format("  --%s--> %s", bytes, to);

	if (INDENT + strlen(line) <= text_width()) {
		text_line(INDENT, line);
	} else {
		text_line(INDENT, from);
		text_line(INDENT, rest);
	}
	free(rest);
	free(line);
	free(bytes);
	free(to);
	free(from);
}

static bool is_touched(const struct dmabroker_record *plan, size_t group)
{
	const struct dmabroker_record *hop;

	for (size_t i = 0; dmabroker_record_get_record(plan, "hops", i, &hop) == 0; i++)
		if (facts_number(hop, "from", 0) == group || facts_number(hop, "to", 0) == group)
			return true;
	return false;
}

void copies_show(const struct dmabroker_record *plan)
{
	const struct dmabroker_record *hop;
	char *box;

	for (size_t i = 0; dmabroker_record_get_record(plan, "hops", i, &hop) == 0; i++)
		show_hop(plan, hop);
	for (size_t i = 0; i < dmabroker_record_get_len(plan, "groups"); i++) {
		if (is_touched(plan, i))
			continue;
		box = box_of(plan, i);
		text_line(INDENT, box);
		free(box);
	}
}
