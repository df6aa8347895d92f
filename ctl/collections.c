/* SPDX-License-Identifier: MIT */
/* `collections`: the live ones, or one in detail. */
#include "ctl/collections.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/facts.h"
#include "ctl/json.h"
#include "ctl/key.h"
#include "ctl/text.h"

#define LABEL 12

struct list {
	struct dmabroker_record **records;
	size_t len;
};

/* "850 ms", "12 s", "3 min", "5 h". Returns owned. */
static char *time_words(uint64_t ms)
{
	if (ms < 1000)
		return text_format("%" PRIu64 " ms", ms);
	if (ms < 120000)
		return text_format("%" PRIu64 " s", ms / 1000);
	if (ms < 7200000)
		return text_format("%" PRIu64 " min", ms / 60000);
	return text_format("%" PRIu64 " h", ms / 3600000);
}

/* The key as bytes or a time; "-" where it is absent. Returns owned. */
static char *key_words(const struct dmabroker_record *record, const char *key,
		       char *(*words)(uint64_t number))
{
	uint64_t number;

	if (dmabroker_record_get_uint(record, key, &number) < 0)
		return text_format("-");
	return words(number);
}

/* "640x480 XR24", or only the size of a split one. Returns owned. */
static char *picture_words(const struct dmabroker_record *collection)
{
	char *format, *text;

	if (!dmabroker_record_get_origin(collection, "width"))
		return text_format("-");
	format = dmabroker_record_get_origin(collection, "format")
			 ? text_value(collection, "format", DMABROKER_TYPE_FOURCC)
			 : text_format("%s", "");
	text = text_format("%" PRIu64 "x%" PRIu64 "%s%s", facts_number(collection, "width", 0),
			   facts_number(collection, "height", 0), *format ? " " : "", format);
	free(format);
	return text;
}

char *collections_members_words(const struct dmabroker_record *collection)
{
	const struct dmabroker_record *member;
	size_t spoken = 0;

	for (size_t i = 0; dmabroker_record_get_record(collection, "members", i, &member) == 0; i++)
		spoken += strcmp(text_string(member, "state", ""), "spoken") == 0;
	return text_format("%zu/%zu", spoken, dmabroker_record_get_len(collection, "members"));
}

/* Takes `text`. */
static void add(struct text_table *table, char *text)
{
	text_table_add(table, "%s", text);
	free(text);
}

/* Whether one of them has the key: columns of what none has are left out. */
static bool any_has(const struct list *list, const char *key)
{
	for (size_t i = 0; i < list->len; i++)
		if (dmabroker_record_get_origin(list->records[i], key))
			return true;
	return false;
}

static void add_row(struct text_table *table, const struct dmabroker_record *record, bool name)
{
	add(table, text_value(record, "number", DMABROKER_TYPE_UINT));
	if (name)
		text_table_add(table, "%s", text_string(record, "name", "-"));
	text_table_add(table, "%s", text_string(record, "state", "-"));
	add(table, text_value(record, "generation", DMABROKER_TYPE_UINT));
	add(table, picture_words(record));
	text_table_add(table, "%s", text_string(record, "heap", "-"));
	add(table, text_value(record, "buffers", DMABROKER_TYPE_UINT));
	add(table, key_words(record, "bytes", text_bytes));
	add(table, key_words(record, "age-ms", time_words));
	add(table, collections_members_words(record));
}

/* "1 waits for member 2: its token is not bound" */
static void show_missing(const struct list *list)
{
	char *missing, *line;

	for (size_t i = 0; i < list->len; i++) {
		if (!dmabroker_record_get_len(list->records[i], "missing"))
			continue;
		missing = text_list(list->records[i], "missing");
		line = text_format("%" PRIu64 " waits for %s\n",
				   facts_number(list->records[i], "number", 0), missing);
		text_lines(line);
		free(line);
		free(missing);
	}
}

static void show(const struct ctl *ctl, const struct list *list)
{
	static const char *const usual[] = {"STATE",	">GEN",	  "PICTURE", "HEAP",
					    ">BUFFERS", ">BYTES", ">AGE",    "MEMBERS"};
	const char *headings[10] = {">NUMBER"};
	bool name = any_has(list, "name");
	struct text_table *table;
	size_t columns = 1;

	if (name)
		headings[columns++] = "NAME";
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		headings[columns++] = usual[i];
	table = text_table_create(headings, columns);
	for (size_t i = 0; i < list->len; i++)
		add_row(table, list->records[i], name);
	text_table_print(ctl, table, 0);
	show_missing(list);
}

/* ---- one in detail ---- */

static void show_members(const struct ctl *ctl, const struct dmabroker_record *collection)
{
	static const char *const headings[] = {">MEMBER", "STATE", ">USER", "PARTICIPANTS", ""};
	struct text_table *table = text_table_create(headings, 5);
	const struct dmabroker_record *member;

	for (size_t i = 0; dmabroker_record_get_record(collection, "members", i, &member) == 0;
	     i++) {
		add(table, text_value(member, "number", DMABROKER_TYPE_UINT));
		text_table_add(table, "%s", text_string(member, "state", "-"));
		add(table, text_value(member, "uid", DMABROKER_TYPE_UINT));
		add(table, text_list(member, "participants"));
		text_table_add(table, "%s%s", facts_number(member, "late", 0) ? "late " : "",
			       facts_number(member, "number", 1) == 0 ? "initiator" : "");
	}
	putchar('\n');
	text_table_print(ctl, table, 0);
}

/* Takes `text`. */
static void line(const char *label, char *text)
{
	text_paragraph(0, label, LABEL, text);
	free(text);
}

static void show_one(const struct ctl *ctl, const struct dmabroker_record *collection)
{
	line("collection", text_value(collection, "number", DMABROKER_TYPE_UINT));
	line("name", text_value(collection, "name", DMABROKER_TYPE_STRING));
	line("state", text_value(collection, "state", DMABROKER_TYPE_STRING));
	line("generation", text_value(collection, "generation", DMABROKER_TYPE_UINT));
	line("picture", picture_words(collection));
	line("heap", text_value(collection, "heap", DMABROKER_TYPE_STRING));
	line("buffers", text_value(collection, "buffers", DMABROKER_TYPE_UINT));
	line("bytes", key_words(collection, "bytes", text_bytes));
	line("user", text_value(collection, "uid", DMABROKER_TYPE_UINT));
	line("age", key_words(collection, "age-ms", time_words));
	if (dmabroker_record_get_origin(collection, "left-ms"))
		line("ends in", key_words(collection, "left-ms", time_words));
	if (dmabroker_record_get_len(collection, "missing"))
		line("missing", text_list(collection, "missing"));
	if (dmabroker_record_get_len(collection, "members"))
		show_members(ctl, collection);
}

/* The collection that is meant by its number, its object path, or its name. NULL: none is. */
static const struct dmabroker_record *find(const struct list *list, const char *text)
{
	const char *slash = strrchr(text, '/');
	uint64_t number;

	if (!key_parse_number(slash ? slash + 1 : text, &number))
		number = UINT64_MAX;
	for (size_t i = 0; i < list->len; i++)
		if (facts_number(list->records[i], "number", UINT64_MAX - 1) == number ||
		    strcmp(text_string(list->records[i], "name", ""), text) == 0)
			return list->records[i];
	return NULL;
}

static int show_named(const struct ctl *ctl, const struct list *list)
{
	const struct dmabroker_record *collection = find(list, ctl->arguments[0]);

	if (!collection)
		return ctl_error(CTL_USAGE,
				 "no collection '%s': '%s collections' lists those "
				 "there are",
				 ctl->arguments[0], CTL_NAME);
	if (ctl->json)
		json_print(ctl, json_from_record(collection));
	else
		show_one(ctl, collection);
	return CTL_OK;
}

static int show_all(const struct ctl *ctl, const struct list *list)
{
	if (ctl->json)
		json_print_records(ctl, list->records, list->len);
	else if (list->len)
		show(ctl, list);
	else if (ctl->legend)
		ctl_error(CTL_OK, "no collections");
	return CTL_OK;
}

static int run(struct ctl *ctl)
{
	struct list list;
	int status, error;

	if (ctl->arguments[0] && ctl->arguments[1])
		return ctl_error(CTL_USAGE, "one collection only, not '%s' as well",
				 ctl->arguments[1]);
	status = ctl_connect(ctl);
	if (status)
		return status;
	error = dmabroker_list_collections(ctl->broker, &list.records, &list.len);
	if (error)
		return ctl_failed(ctl, error);
	status = ctl->arguments[0] ? show_named(ctl, &list) : show_all(ctl, &list);
	dmabroker_record_list_destroy(list.records, list.len);
	return status;
}

static const struct ctl_option options[] = {{.name = NULL}};

const struct ctl_verb collections_verb = {
	.name = "collections",
	.arguments = "[OPTION...] [NUMBER]",
	.summary = "Lists the collections there are, or shows one",
	.options = options,
	.participants = true,
	.run = run,
};
