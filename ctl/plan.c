/* SPDX-License-Identifier: MIT */
/* `plan`: what would be allocated for a request, and why. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/request.h"
#include "ctl/text.h"

/* A column of a table that is made from a list of records. */
struct column {
	const char *key;
	enum dmabroker_type type;
};

static const char *const plane_headings[] = {">PLANE", ">MEMORY", ">OFFSET", ">STRIDE", ">BYTES"};
static const struct column plane_columns[] = {{"memory", DMABROKER_TYPE_UINT},
					      {"offset", DMABROKER_TYPE_UINT},
					      {"stride", DMABROKER_TYPE_UINT},
					      {"bytes", DMABROKER_TYPE_UINT}};

static const char *const view_headings[] = {"PARTICIPANT", "NODE",	    "ROLE",	 "ACCESS",
					    "V4L2",	   ">BYTESPERLINE", ">SIZEIMAGE"};
static const struct column view_columns[] = {
	{"name", DMABROKER_TYPE_STRING},	{"node", DMABROKER_TYPE_STRING},
	{"role", DMABROKER_TYPE_STRING},	{"agent", DMABROKER_TYPE_STRING},
	{"v4l2-format", DMABROKER_TYPE_FOURCC}, {"v4l2-bytesperline", DMABROKER_TYPE_UINT},
	{"v4l2-sizeimage", DMABROKER_TYPE_UINT}};

static void add_row(struct text_table *table, const struct dmabroker_record *record,
		    const struct column *columns, size_t columns_len)
{
	char *text;

	for (size_t i = 0; i < columns_len; i++) {
		text = text_value(record, columns[i].key, columns[i].type);
		text_table_add(table, "%s", text);
		free(text);
	}
}

static void show_planes(const struct ctl *ctl, const struct dmabroker_record *plan)
{
	struct text_table *table = text_table_create(plane_headings, 5);
	const struct dmabroker_record *plane;

	for (size_t i = 0; dmabroker_record_get_record(plan, "planes", i, &plane) == 0; i++) {
		text_table_add(table, "%zu", i);
		add_row(table, plane, plane_columns, 4);
	}
	putchar('\n');
	text_table_print(ctl, table, 0);
}

static void show_views(const struct ctl *ctl, const struct dmabroker_record *plan)
{
	struct text_table *table = text_table_create(view_headings, 7);
	const struct dmabroker_record *view;

	for (size_t i = 0; dmabroker_record_get_record(plan, "participants", i, &view) == 0; i++)
		add_row(table, view, view_columns, 7);
	putchar('\n');
	text_table_print(ctl, table, 0);
}

static void show(const struct ctl *ctl, const struct dmabroker_record *plan)
{
	char *description = dmabroker_plan_describe(plan);

	if (!description)
		ctl_out_of_memory();
	text_lines(description);
	free(description);
	show_planes(ctl, plan);
	show_views(ctl, plan);
}

static int run(struct ctl *ctl)
{
	struct dmabroker_record *plan;
	int status, error;

	status = request_build(ctl);
	if (status)
		return status;
	error = dmabroker_plan(ctl->broker, ctl->request, &plan);
	if (error)
		return ctl_failed(ctl, error);
	if (ctl->json)
		json_print(ctl, json_from_record(plan));
	else
		show(ctl, plan);
	dmabroker_record_destroy(plan);
	return CTL_OK;
}

const struct ctl_verb plan_verb = {
	.name = "plan",
	.arguments = "[OPTION...] --size WxH PARTICIPANT... | --request FILE",
	.summary = "Shows which buffers would suit the participants, and why",
	.details = request_help,
	.options = request_options,
	.participants = true,
	.run = run,
};
