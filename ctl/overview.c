/* SPDX-License-Identifier: MIT */
/*
 * The table of participants against constraints.
 *
 * What decides is marked before the cell: of a plan "*", where a reason of the plan names the
 * participant and the constraint; of a conflict "!", with the number of the minimal set if there
 * are several. So a column says who wants what of one thing, and the marks in it who is to blame.
 */
#include "ctl/overview.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/conflict.h"
#include "ctl/facts.h"
#include "ctl/text.h"

static const char *const titles[PARTY_COLUMNS] = {"FORMATS", "SIZE",   "STRIDE",
						  "BYTES",   "MEMORY", ">BUFFERS"};

struct row {
	char *name;  /* of the participant; NULL: the request's row, or the plan's */
	char *shown; /* in the first column */
	char *cells[PARTY_COLUMNS];
	char *exact[PARTY_COLUMNS]; /* of what is marked, nothing is rounded; NULL: no other words
				     */
	char *marks[PARTY_COLUMNS]; /* NULL: none */
};

struct table {
	struct row *rows; /* the participants in the order of their names, the request, the plan */
	size_t len;
};

/* ---- what stands where ---- */

/* In which column a constraint, a key of a plan's reason, or a rule is to be looked for. */
static enum party_column column_of(const char *word)
{
	static const struct {
		const char *word;
		enum party_column column;
	} words[] = {
		{"format", PARTY_FORMATS}, {"incomplete", PARTY_FORMATS}, {"colour", PARTY_FORMATS},
		{"layout", PARTY_FORMATS}, {"size", PARTY_SIZE},	  {"stride", PARTY_STRIDE},
		{"express", PARTY_STRIDE}, {"offset", PARTY_BYTES},	  {"bytes", PARTY_BYTES},
		{"count", PARTY_COUNT},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].column;
	return PARTY_MEMORY;
}

/* The row of a participant; without a name, of the request. */
static struct row *find_row(struct table *table, const char *name)
{
	for (size_t i = 0; i < table->len; i++) {
		const char *other = table->rows[i].name;

		if (name ? other && strcmp(other, name) == 0 : !other)
			return &table->rows[i];
	}
	return NULL;
}

/* Takes `shown`; `name` may be NULL. Returns borrowed until the next row is added. */
static struct row *add_row(struct table *table, const char *name, char *shown)
{
	struct row *rows = realloc(table->rows, (table->len + 1) * sizeof(*rows)), *row;

	if (!rows)
		ctl_out_of_memory();
	table->rows = rows;
	row = &rows[table->len++];
	*row = (struct row){.name = name ? text_format("%s", name) : NULL, .shown = shown};
	return row;
}

/* A cell may belong to several sets. */
static void mark(struct row *row, enum party_column column, const char *with)
{
	char *marks;

	if (!row || (row->marks[column] && strstr(row->marks[column], with)))
		return;
	marks = text_format("%s%s", row->marks[column] ? row->marks[column] : "", with);
	free(row->marks[column]);
	row->marks[column] = marks;
}

/* ---- rows ---- */

static const struct dmabroker_record *find_view(const struct dmabroker_record *plan,
						const char *name)
{
	const struct dmabroker_record *view;

	for (size_t i = 0; plan && dmabroker_record_get_record(plan, "participants", i, &view) == 0;
	     i++)
		if (strcmp(text_string(view, "name", ""), name) == 0)
			return view;
	return NULL;
}

/* The format to speak of: the plan's, else the first that the request names. */
static uint32_t format_of(const struct overview *overview)
{
	uint64_t modifier;
	uint32_t fourcc = 0;

	if (overview->plan)
		return (uint32_t)facts_number(overview->plan, "format", 0);
	dmabroker_record_get_format(overview->request, "formats", 0, &fourcc, &modifier);
	return fourcc;
}

static void add_participant(struct table *table, const struct overview *overview,
			    const struct dmabroker_record *participant)
{
	const char *name = text_string(participant, "name", "?");
	const struct dmabroker_record *view = find_view(overview->plan, name);
	const char *alternative = view ? text_string(view, "alternative", "") : "";
	struct party party;
	struct row *row;

	if (overview->group && !view)
		return;
	party_init(&party, &overview->devices, participant, alternative, format_of(overview));
	row = add_row(table, name,
		      *alternative ? text_format("%s (%s)", name, alternative)
				   : text_format("%s", name));
	for (int i = 0; i < PARTY_COLUMNS; i++) {
		party.exact = false;
		row->cells[i] = party_words(&party, (enum party_column)i);
		party.exact = true;
		row->exact[i] = party_words(&party, (enum party_column)i);
	}
}

static void add_request(struct table *table, const struct overview *overview)
{
	struct row *row = add_row(table, NULL, text_format("request"));

	for (int i = 0; i < PARTY_COLUMNS; i++)
		row->cells[i] = party_request_words(overview->request, (enum party_column)i);
}

/* The strides of all planes, once where they are equal. */
static char *plan_strides(const struct dmabroker_record *plan)
{
	const struct dmabroker_record *plane;
	char *words = text_format("%s", ""), *longer;
	uint64_t before = UINT64_MAX, stride;

	for (size_t i = 0; dmabroker_record_get_record(plan, "planes", i, &plane) == 0; i++) {
		stride = facts_number(plane, "stride", 0);
		if (stride == before)
			continue;
		longer = text_format("%s%s%" PRIu64, words, *words ? " " : "", stride);
		free(words);
		words = longer;
		before = stride;
	}
	return words;
}

static char *plan_format(const struct dmabroker_record *plan)
{
	char *fourcc = text_value(plan, "format", DMABROKER_TYPE_FOURCC), *text;
	uint64_t modifier = facts_number(plan, "modifier", 0);

	if (!modifier)
		return fourcc;
	text = text_format("%s:0x%" PRIx64, fourcc, modifier);
	free(fourcc);
	return text;
}

/* Whether the row of any participant has a mark in the column. */
static bool is_marked(const struct table *table, enum party_column column)
{
	for (size_t i = 0; i < table->len; i++)
		if (table->rows[i].marks[column])
			return true;
	return false;
}

static void add_plan(struct table *table, const struct dmabroker_record *plan)
{
	bool exact = is_marked(table, PARTY_BYTES);
	struct row *row = add_row(table, NULL, text_format("= plan"));

	row->cells[PARTY_FORMATS] = plan_format(plan);
	row->cells[PARTY_SIZE] = text_format("%" PRIu64 "x%" PRIu64, facts_number(plan, "width", 0),
					     facts_number(plan, "height", 0));
	row->cells[PARTY_STRIDE] = plan_strides(plan);
	row->cells[PARTY_BYTES] = exact ? text_value(plan, "picture-bytes", DMABROKER_TYPE_UINT)
					: text_bytes(facts_number(plan, "picture-bytes", 0));
	row->cells[PARTY_MEMORY] = text_format("%s", text_string(plan, "heap", "-"));
	row->cells[PARTY_COUNT] = text_value(plan, "count", DMABROKER_TYPE_UINT);
}

/* ---- marks ---- */

/* A rule of preference names no participant: it is the request's wish, if it has one. */
static void mark_reason(struct table *table, const struct dmabroker_record *reason)
{
	const char *participant = text_string(reason, "participant", NULL);
	const char *constraint = text_string(reason, "constraint", "");
	enum party_column column;
	struct row *row;

	if (strcmp(constraint, "preference") == 0 || strcmp(constraint, "scarce") == 0)
		constraint = text_string(reason, "choice", "");
	column = column_of(constraint);
	row = find_row(table, participant);
	if (row && (participant || *row->cells[column]))
		mark(row, column, "*");
}

static void mark_reasons(struct table *table, const struct dmabroker_record *plan)
{
	const struct dmabroker_record *reason;

	for (size_t i = 0; dmabroker_record_get_record(plan, "reasons", i, &reason) == 0; i++)
		mark_reason(table, reason);
}

static void mark_refusals(struct table *table, const struct dmabroker_record *details)
{
	const struct dmabroker_record *refusal;
	size_t sets = conflict_sets(details);
	char *with;

	for (size_t i = 0; dmabroker_record_get_record(details, "refusals", i, &refusal) == 0;
	     i++) {
		with = sets > 1 ? text_format("!%" PRIu64, facts_number(refusal, "set", 0) + 1)
				: text_format("!");
		mark(find_row(table, text_string(refusal, "participant", NULL)),
		     column_of(text_string(refusal, "constraint", "")), with);
		free(with);
	}
}

/* ---- printing ---- */

/* Whether anybody asks for anything in the column; what the plan has is said elsewhere too. */
static bool is_of_interest(const struct table *table, enum party_column column, bool plan)
{
	for (size_t i = 0; i < table->len - plan; i++)
		if (*table->rows[i].cells[column] || table->rows[i].marks[column])
			return true;
	return false;
}

/* The longest mark of a column. */
static int marks_width(const struct table *table, enum party_column column)
{
	size_t width = 0;

	for (size_t i = 0; i < table->len; i++)
		if (table->rows[i].marks[column] && strlen(table->rows[i].marks[column]) > width)
			width = strlen(table->rows[i].marks[column]);
	return (int)width;
}

/* Cells of a column that has marks begin behind them, but for numbers, which end flush. */
static void add_cell(struct text_table *text, const struct row *row, enum party_column column,
		     int width)
{
	const char *marks = row->marks[column];
	const char *words = marks && row->exact[column] ? row->exact[column] : row->cells[column];
	const char *cell = *words ? words : "-";

	if (column == PARTY_COUNT)
		text_table_add(text, "%s%s%s", marks ? marks : "", marks ? " " : "", cell);
	else
		text_table_add(text, "%-*s%s%s", width, marks ? marks : "", width ? " " : "", cell);
}

static void print(const struct ctl *ctl, const struct table *table, bool plan)
{
	const char *headings[PARTY_COLUMNS + 1] = {"PARTICIPANT"};
	enum party_column columns[PARTY_COLUMNS];
	int widths[PARTY_COLUMNS];
	size_t columns_len = 0;
	struct text_table *text;

	for (int i = 0; i < PARTY_COLUMNS; i++) {
		if (!is_of_interest(table, (enum party_column)i, plan))
			continue;
		widths[columns_len] = marks_width(table, (enum party_column)i);
		columns[columns_len++] = (enum party_column)i;
		headings[columns_len] = titles[i];
	}
	text = text_table_create(headings, columns_len + 1);
	for (size_t i = 0; i < table->len; i++) {
		text_table_add(text, "%s", table->rows[i].shown);
		for (size_t c = 0; c < columns_len; c++)
			add_cell(text, &table->rows[i], columns[c], widths[c]);
	}
	text_table_print(ctl, text, 0);
}

static void finish(struct table *table)
{
	for (size_t i = 0; i < table->len; i++) {
		for (int c = 0; c < PARTY_COLUMNS; c++) {
			free(table->rows[i].cells[c]);
			free(table->rows[i].exact[c]);
			free(table->rows[i].marks[c]);
		}
		free(table->rows[i].name);
		free(table->rows[i].shown);
	}
	free(table->rows);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

void overview_show(const struct ctl *ctl, const struct overview *overview)
{
	const struct dmabroker_record *participant;
	struct table table = {.len = 0};

	for (size_t i = 0;
	     dmabroker_record_get_record(overview->request, "participants", i, &participant) == 0;
	     i++)
		add_participant(&table, overview, participant);
	if (table.len)
		qsort(table.rows, table.len, sizeof(table.rows[0]), by_name);
	add_request(&table, overview);
	if (overview->plan)
		mark_reasons(&table, overview->plan);
	if (overview->details)
		mark_refusals(&table, overview->details);
	if (overview->plan)
		add_plan(&table, overview->plan);
	print(ctl, &table, overview->plan != NULL);
	if (ctl->legend)
		puts(overview->details ? "! these cannot hold together, see below"
				       : "* decides what the plan has");
	finish(&table);
}
