/* SPDX-License-Identifier: MIT */
#include "ctl/views.h"

#include <stdio.h>
#include <stdlib.h>

#include "ctl/facts.h"
#include "ctl/text.h"

static void show_participants(const struct ctl *ctl, const struct dmabroker_record *plan)
{
	static const char *const headings[] = {"PARTICIPANT", "NODE", "ROLE", "ACCESS"};
	static const char *const keys[] = {"name", "node", "role", "agent"};
	struct text_table *table = text_table_create(headings, 4);
	const struct dmabroker_record *view;

	for (size_t i = 0; dmabroker_record_get_record(plan, "participants", i, &view) == 0; i++)
		for (size_t k = 0; k < 4; k++)
			text_table_add_value(table, view, keys[k], DMABROKER_TYPE_STRING);
	putchar('\n');
	text_table_print(ctl, table, 0);
}

static void add_start(struct text_table *table, const struct dmabroker_record *view,
		      const char *api)
{
	text_table_add(table, "%s", text_string(view, "name", "?"));
	text_table_add(table, "%s", api);
}

/* V4L2 has one line length for all planes, and no offsets. */
static void add_v4l2(struct text_table *table, const struct dmabroker_record *view)
{
	add_start(table, view, facts_number(view, "v4l2-multi-planar", 0) ? "V4L2 mplane" : "V4L2");
	text_table_add_value(table, view, "v4l2-format", DMABROKER_TYPE_FOURCC);
	text_table_add(table, "-");
	text_table_add_value(table, view, "v4l2-bytesperline", DMABROKER_TYPE_UINT);
	text_table_add(table, "-");
	text_table_add_value(table, view, "v4l2-sizeimage", DMABROKER_TYPE_UINT);
}

static void add_drm(struct text_table *table, const struct dmabroker_record *view)
{
	char *fourcc = text_value(view, "drm-format", DMABROKER_TYPE_FOURCC);
	char *modifier = text_value(view, "drm-modifier", DMABROKER_TYPE_MODIFIER);
	const struct dmabroker_record *plane;

	for (size_t i = 0; dmabroker_record_get_record(view, "drm-planes", i, &plane) == 0; i++) {
		add_start(table, view, "DRM");
		text_table_add(table, "%s:%s", fourcc, modifier);
		text_table_add(table, "%zu", i);
		text_table_add_value(table, plane, "stride", DMABROKER_TYPE_UINT);
		text_table_add_value(table, plane, "offset", DMABROKER_TYPE_UINT);
		text_table_add(table, "-");
	}
	free(modifier);
	free(fourcc);
}

/* VA takes the planes as DRM has them, its own fourcc, and the size of the object. */
static void add_va(struct text_table *table, const struct dmabroker_record *view)
{
	add_start(table, view, "VA");
	text_table_add_value(table, view, "va-fourcc", DMABROKER_TYPE_FOURCC);
	text_table_add(table, "-");
	text_table_add(table, "-");
	text_table_add(table, "-");
	text_table_add_value(table, view, "va-object-bytes", DMABROKER_TYPE_UINT);
}

static bool has(const struct dmabroker_record *view, const char *key)
{
	return dmabroker_record_get_origin(view, key) != NULL;
}

static void add_view(struct text_table *table, const struct dmabroker_record *view)
{
	if (has(view, "v4l2-format"))
		add_v4l2(table, view);
	if (has(view, "drm-format"))
		add_drm(table, view);
	if (has(view, "va-object-bytes"))
		add_va(table, view);
}

/* Whether anybody but the CPU takes part. */
static bool is_of_interest(const struct dmabroker_record *plan)
{
	const struct dmabroker_record *view;

	for (size_t i = 0; dmabroker_record_get_record(plan, "participants", i, &view) == 0; i++)
		if (has(view, "v4l2-format") || has(view, "drm-format"))
			return true;
	return false;
}

static void show_layouts(const struct ctl *ctl, const struct dmabroker_record *plan)
{
	static const char *const headings[] = {"PARTICIPANT", "API",	 "FORMAT", ">PLANE",
					       ">PITCH",      ">OFFSET", ">BYTES"};
	struct text_table *table = text_table_create(headings, 7);
	const struct dmabroker_record *view;

	for (size_t i = 0; dmabroker_record_get_record(plan, "participants", i, &view) == 0; i++)
		add_view(table, view);
	putchar('\n');
	text_table_print(ctl, table, 0);
}

void views_show(const struct ctl *ctl, const struct dmabroker_record *plan)
{
	show_participants(ctl, plan);
	if (is_of_interest(plan))
		show_layouts(ctl, plan);
}
