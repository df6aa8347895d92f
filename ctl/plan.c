/* SPDX-License-Identifier: MIT */
/* `plan`: what would be allocated for a request, and why. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/conflict.h"
#include "ctl/copies.h"
#include "ctl/ctl.h"
#include "ctl/facts.h"
#include "ctl/json.h"
#include "ctl/overview.h"
#include "ctl/policy.h"
#include "ctl/request.h"
#include "ctl/text.h"
#include "ctl/views.h"
#include "ctl/what-if.h"

static void show_planes(const struct ctl *ctl, const struct dmabroker_record *plan)
{
	static const char *const headings[] = {">PLANE", ">MEMORY", ">OFFSET", ">STRIDE", ">BYTES"};
	static const char *const keys[] = {"memory", "offset", "stride", "bytes"};
	struct text_table *table = text_table_create(headings, 5);
	const struct dmabroker_record *plane;

	for (size_t i = 0; dmabroker_record_get_record(plan, "planes", i, &plane) == 0; i++) {
		text_table_add(table, "%zu", i);
		for (size_t k = 0; k < 4; k++)
			text_table_add_value(table, plane, keys[k], DMABROKER_TYPE_UINT);
	}
	putchar('\n');
	text_table_print(ctl, table, 0);
}

/* A plan with buffers of its own: all of it, or that of a group. */
static void show_plan(const struct ctl *ctl, const struct overview *overview)
{
	char *description = dmabroker_plan_describe(overview->plan), *rest;

	if (!description)
		ctl_out_of_memory();
	/* what comes out first, then how it comes about, then why */
	rest = strchr(description, '\n');
	*rest++ = '\0';
	text_lines(description);
	putchar('\n');
	overview_show(ctl, overview);
	putchar('\n');
	text_lines(rest);
	free(description);
	show_planes(ctl, overview->plan);
	views_show(ctl, overview->plan);
	putchar('\n');
	policy_show(overview->plan);
}

/* What an allocation tried in vain; a whole plan's description has it. */
static void show_tried(const struct dmabroker_record *plan)
{
	const struct dmabroker_record *reason;
	char *line;

	for (size_t i = 0; dmabroker_record_get_record(plan, "tried", i, &reason) == 0; i++) {
		line = text_format("  tried %s %s: %s\n", text_string(reason, "choice", "?"),
				   text_string(reason, "value", ""),
				   text_string(reason, "wanted", ""));
		text_lines(line);
		free(line);
	}
}

/* The groups of a plan with copies, each with a plan of its own. */
static void show_groups(const struct ctl *ctl, const struct overview *overview)
{
	char *bytes = text_bytes(facts_number(overview->plan, "copied-bytes", 0));
	struct overview group = *overview;
	char *names, *heading;

	printf("no memory suits all: %zu groups, %s copied for each frame%s\n\n",
	       dmabroker_record_get_len(overview->plan, "groups"), bytes,
	       facts_number(overview->plan, "exact", 1)
		       ? ""
		       : "; another split may copy less, the search was cut short");
	free(bytes);
	copies_show(overview->plan);
	show_tried(overview->plan);
	group.group = true;
	for (size_t i = 0;
	     dmabroker_record_get_record(overview->plan, "groups", i, &group.plan) == 0; i++) {
		names = copies_names(group.plan);
		heading = text_format("group %zu: %s", i, names);
		putchar('\n');
		text_heading(ctl, heading);
		putchar('\n');
		show_plan(ctl, &group);
		free(heading);
		free(names);
	}
}

static void show(const struct ctl *ctl, const struct overview *overview)
{
	if (dmabroker_record_get_len(overview->plan, "groups"))
		show_groups(ctl, overview);
	else
		show_plan(ctl, overview);
}

/* The answer is no: shows who is in whose way. */
static int show_conflict(const struct ctl *ctl, struct overview *overview)
{
	overview->details = dmabroker_get_error_details(ctl->broker);
	overview_show(ctl, overview);
	conflict_show(ctl, overview->details);
	return ctl_error(CTL_REFUSED, "nothing suits all participants");
}

static int plan(struct ctl *ctl, struct overview *overview)
{
	struct dmabroker_record *answer;
	int error = dmabroker_plan(ctl->broker, ctl->request, &answer);

	if (error == -EXDEV && !ctl->json && dmabroker_get_error_details(ctl->broker))
		return show_conflict(ctl, overview);
	if (error)
		return ctl_failed(ctl, error);
	overview->plan = answer;
	if (ctl->json)
		json_print(ctl, json_from_record(answer));
	else
		show(ctl, overview);
	dmabroker_record_destroy(answer);
	return CTL_OK;
}

static int run(struct ctl *ctl)
{
	struct overview overview = {0};
	int status = request_build(ctl), error = 0;

	if (status)
		return status;
	if (ctl->what_if[0])
		return what_if_run(ctl);
	if (!ctl->json) /* before planning, whose error must last */
		error = dmabroker_list_devices(ctl->broker, &overview.devices.records,
					       &overview.devices.len);
	if (error)
		return ctl_failed(ctl, error);
	overview.request = ctl->request;
	status = plan(ctl, &overview);
	dmabroker_record_list_destroy(overview.devices.records, overview.devices.len);
	return status;
}

static const struct ctl_option options[] = {{"what-if", 0, "NAME.KEY=VALUE",
					     "plan with this changed as well, and compare",
					     what_if_apply},
					    {.name = NULL}};

const struct ctl_verb plan_verb = {
	.name = "plan",
	.arguments = "[OPTION...] --size WxH PARTICIPANT... | --request FILE",
	.summary = "Shows which buffers would suit the participants, and why",
	.details = request_help,
	.options = request_options,
	.more = options,
	.participants = true,
	.run = run,
};
