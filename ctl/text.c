/* SPDX-License-Identifier: MIT */
/* Text for a person; see text.h. */
#include "ctl/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/key.h"

#define WIDTH_DEFAULT 80
#define WIDTH_NO_TERMINAL 10000 /* a program reads: no line is broken */
#define WIDTH_MIN 40
#define COLUMN_MIN 6
#define GAP 2  /* spaces between columns */
#define HANG 4 /* further indent of the rest of a line */

struct text_table {
	const char *const *headings;
	size_t columns;
	char **cells;
	size_t cells_len;
};

bool text_is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(*list, text) == 0)
			return true;
	return false;
}

size_t text_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	unsigned long width = columns ? strtoul(columns, NULL, 10) : 0;

	if (width == 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		width = size.ws_col;
	if (width == 0)
		width = isatty(STDOUT_FILENO) ? WIDTH_DEFAULT : WIDTH_NO_TERMINAL;
	return width < WIDTH_MIN ? WIDTH_MIN : width;
}

size_t text_control_bytes(const char *text)
{
	unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];

	if ((first && first < 0x20) || first == 0x7f)
		return 1;
	return first == 0xc2 && second >= 0x80 && second < 0xa0 ? 2 : 0;
}

/* `kept` are the control characters that are printed as they are. */
static void put(FILE *out, const char *text, const char *kept)
{
	size_t control;

	while (*text) {
		control = strchr(kept, *text) ? 0 : text_control_bytes(text);
		fputc(control ? '?' : *text, out);
		text += control ? control : 1;
	}
}

void text_put(FILE *out, const char *text)
{
	put(out, text, "");
}

void text_put_lines(FILE *out, const char *text)
{
	put(out, text, "\n\t");
}

char *text_format(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		ctl_out_of_memory();
	va_end(args);
	return text;
}

static bool continues_character(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

static size_t columns_of(const char *text, size_t bytes)
{
	size_t columns = 0;

	for (size_t i = 0; i < bytes && text[i]; i++)
		columns += !continues_character(text[i]);
	return columns;
}

/*
 * Bytes of `text` that go into one line of `width` columns: up to a space if there is one, else
 * to where an id or a path has a joint, else as many as fit.
 */
static size_t line_bytes(const char *text, size_t width)
{
	size_t end = 0, columns = 0, joint = 0, space = 0, first = strspn(text, " ");

	for (; text[end]; end++) {
		if (!continues_character(text[end]) && columns++ == width)
			break;
		if (text[end] == ' ' && end > first)
			space = end;
		if (end && strchr("/:,", text[end - 1]))
			joint = end;
	}
	if (!text[end])
		return end;
	if (text[end] == ' ')
		return end;
	return space ? space : joint ? joint : end;
}

static const char *skip_spaces(const char *text)
{
	while (*text == ' ')
		text++;
	return text;
}

static void put_piece(const char *text, size_t bytes)
{
	char *piece = text_format("%.*s", (int)bytes, text);

	text_put(stdout, piece);
	free(piece);
}

static void put_spaces(size_t count)
{
	printf("%*s", (int)count, "");
}

void text_line(size_t indent, const char *text)
{
	put_spaces(indent);
	text_put(stdout, text);
	putchar('\n');
}

void text_behind(size_t column, const char *rest, const char *text)
{
	size_t width = text_width(), bytes;

	for (;;) {
		bytes = line_bytes(text, width > column + COLUMN_MIN ? width - column : COLUMN_MIN);
		put_piece(text, bytes);
		putchar('\n');
		text = skip_spaces(text + bytes);
		if (!*text)
			return;
		text_put(stdout, rest);
		column = columns_of(rest, strlen(rest));
	}
}

/* Prints text that begins in one column and goes on, line by line, in another. */
static void put_wrapped(const char *text, size_t column, size_t margin)
{
	char *rest = text_format("%*s", (int)margin, "");

	text_behind(column, rest, text);
	free(rest);
}

void text_paragraph(size_t indent, const char *label, size_t label_width, const char *text)
{
	size_t margin = indent + label_width, used;

	put_spaces(indent);
	text_put(stdout, label);
	used = columns_of(label, strlen(label));
	if (used < label_width) {
		put_spaces(label_width - used);
	} else if (used) {
		putchar('\n');
		put_spaces(margin);
	}
	put_wrapped(text, margin, margin);
}

void text_lines(const char *text)
{
	size_t len, indent;
	char *line;

	for (; *text; text += text[len] ? len + 1 : len) {
		len = strcspn(text, "\n");
		indent = strspn(text, " ");
		indent = indent < len ? indent : len;
		line = text_format("%.*s", (int)(len - indent), text + indent);
		put_spaces(indent);
		put_wrapped(line, indent, indent + HANG);
		free(line);
	}
}

void text_heading(const struct ctl *ctl, const char *text)
{
	if (ctl->color)
		fputs("\033[1m", stdout);
	text_put(stdout, text);
	if (ctl->color)
		fputs("\033[0m", stdout);
}

struct text_table *text_table_create(const char *const *headings, size_t columns)
{
	struct text_table *table = calloc(1, sizeof(*table));

	if (!table)
		ctl_out_of_memory();
	table->headings = headings;
	table->columns = columns;
	return table;
}

void text_table_add(struct text_table *table, const char *format, ...)
{
	va_list args;
	char **cells;

	cells = realloc(table->cells, (table->cells_len + 1) * sizeof(*cells));
	if (!cells)
		ctl_out_of_memory();
	table->cells = cells;
	va_start(args, format);
	if (vasprintf(&cells[table->cells_len++], format, args) < 0)
		ctl_out_of_memory();
	va_end(args);
}

static const char *heading_word(const char *heading)
{
	return heading[0] == '>' ? heading + 1 : heading;
}

static void natural_widths(const struct text_table *table, bool legend, size_t *widths)
{
	size_t width;

	for (size_t i = 0; i < table->columns; i++)
		widths[i] = legend ? strlen(heading_word(table->headings[i])) : 1;
	for (size_t i = 0; i < table->cells_len; i++) {
		width = columns_of(table->cells[i], strlen(table->cells[i]));
		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
}

/* The longest part of a text that line_bytes would rather not break, in columns. */
static size_t longest_word(const char *text)
{
	size_t longest = 0, columns = 0;

	for (; *text; text++) {
		if (*text == ' ')
			columns = 0;
		else if (!continues_character(*text))
			columns++;
		if (columns > longest)
			longest = columns;
		if (strchr("/:,", *text))
			columns = 0;
	}
	return longest;
}

/* Below which the columns break words: the longest word of each. */
static void word_widths(const struct text_table *table, bool legend, size_t *widths)
{
	size_t width;

	for (size_t i = 0; i < table->columns; i++)
		widths[i] = legend ? strlen(heading_word(table->headings[i])) : 1;
	for (size_t i = 0; i < table->cells_len; i++) {
		width = longest_word(table->cells[i]);
		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
}

/* Takes columns from the widest cells until the table fits or none is above its least width. */
static void fit_widths(size_t *widths, const size_t *least, size_t columns, size_t width)
{
	size_t sum, widest;

	for (;;) {
		sum = GAP * (columns - 1);
		widest = columns;
		for (size_t i = 0; i < columns; i++) {
			sum += widths[i];
			if (widths[i] > COLUMN_MIN && widths[i] > least[i] &&
			    (widest == columns || widths[i] > widths[widest]))
				widest = i;
		}
		if (sum <= width || widest == columns)
			return;
		widths[widest]--;
	}
}

/* Prints the next line of each cell of a row. Returns whether more lines follow. */
static bool put_row_line(const struct text_table *table, const char **cells, const size_t *widths)
{
	size_t owed = 0, bytes, pad; /* spaces are owed until something follows them */
	bool more = false;

	for (size_t i = 0; i < table->columns; i++) {
		bytes = line_bytes(cells[i], widths[i]);
		pad = widths[i] - columns_of(cells[i], bytes);
		if (table->headings[i][0] == '>') {
			owed += pad;
			pad = 0;
		}
		if (bytes) {
			put_spaces(owed);
			owed = 0;
		}
		put_piece(cells[i], bytes);
		owed += pad + GAP;
		cells[i] = skip_spaces(cells[i] + bytes);
		more |= *cells[i] != '\0';
	}
	return more;
}

static void put_row(const struct text_table *table, const char **cells, const size_t *widths,
		    size_t indent)
{
	bool more;

	do {
		put_spaces(indent);
		more = put_row_line(table, cells, widths);
		putchar('\n');
	} while (more);
}

static void put_legend(const struct ctl *ctl, const struct text_table *table, const size_t *widths,
		       size_t indent)
{
	const char **words = calloc(table->columns, sizeof(*words));

	if (!words)
		ctl_out_of_memory();
	for (size_t i = 0; i < table->columns; i++)
		words[i] = heading_word(table->headings[i]);
	if (ctl->color)
		fputs("\033[1m", stdout);
	put_row(table, words, widths, indent);
	if (ctl->color)
		fputs("\033[0m", stdout);
	free(words);
}

void text_table_print(const struct ctl *ctl, struct text_table *table, size_t indent)
{
	size_t *widths = calloc(table->columns, sizeof(*widths));
	size_t *least = calloc(table->columns, sizeof(*least));

	if (!widths || !least)
		ctl_out_of_memory();
	natural_widths(table, ctl->legend, widths);
	word_widths(table, ctl->legend, least);
	fit_widths(widths, least, table->columns, text_width() - indent);
	memset(least, 0, table->columns * sizeof(*least));
	fit_widths(widths, least, table->columns, text_width() - indent);
	free(least);
	if (ctl->legend)
		put_legend(ctl, table, widths, indent);
	for (size_t i = 0; i + table->columns <= table->cells_len; i += table->columns) {
		const char **cells = calloc(table->columns, sizeof(*cells));

		if (!cells)
			ctl_out_of_memory();
		memcpy(cells, table->cells + i, table->columns * sizeof(*cells));
		put_row(table, cells, widths, indent);
		free(cells);
	}
	for (size_t i = 0; i < table->cells_len; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
	free(widths);
}

char *text_bytes(uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	size_t unit = 0;
	uint64_t rest = 0;

	while (bytes >= 1024 && unit + 2 < sizeof(units)) {
		rest = bytes % 1024;
		bytes /= 1024;
		unit++;
	}
	if (rest * 10 / 1024)
		return text_format("%" PRIu64 ".%" PRIu64 "%c", bytes, rest * 10 / 1024,
				   units[unit]);
	return text_format("%" PRIu64 "%c", bytes, units[unit]);
}

char *text_fourcc(uint32_t fourcc)
{
	char text[5] = {0};

	for (int i = 0; i < 4; i++) {
		text[i] = (char)(fourcc >> (8 * i) & 0xff);
		if (text[i] < 0x20 || text[i] > 0x7e)
			return text_format("0x%08" PRIx32, fourcc);
	}
	for (int i = 3; i > 0 && text[i] == ' '; i--)
		text[i] = '\0';
	return text_format("%s", text);
}

char *text_listed_fourcc(uint32_t fourcc)
{
	return fourcc == KEY_ANY_FOURCC ? text_format("*") : text_fourcc(fourcc);
}

char *text_listed_modifier(uint64_t modifier)
{
	return modifier == KEY_ANY_MODIFIER ? text_format("*")
					    : text_format("0x%" PRIx64, modifier);
}

static char *value_number(const struct dmabroker_record *record, const char *key,
			  enum dmabroker_type type)
{
	uint64_t number = 0;

	dmabroker_record_get_uint(record, key, &number);
	switch (type) {
	case DMABROKER_TYPE_BOOL:
		return text_format("%s", number ? "yes" : "no");
	case DMABROKER_TYPE_FOURCC:
		return text_fourcc((uint32_t)number);
	case DMABROKER_TYPE_MODIFIER:
		return text_format("0x%" PRIx64, number);
	default:
		return text_format("%" PRIu64, number);
	}
}

/* "NV12:0x0", "*:0x0" */
static char *value_format(const struct dmabroker_record *record, const char *key, size_t index)
{
	char *format, *modifier_text, *text;
	uint64_t modifier = 0;
	uint32_t fourcc = 0;

	dmabroker_record_get_format(record, key, index, &fourcc, &modifier);
	format = text_listed_fourcc(fourcc);
	modifier_text = text_listed_modifier(modifier);
	text = text_format("%s:%s", format, modifier_text);
	free(modifier_text);
	free(format);
	return text;
}

static char *value_element(const struct dmabroker_record *record, const char *key,
			   enum dmabroker_type type, size_t index)
{
	uint32_t width = 0, height = 0;
	const char *string = "";

	if (type == DMABROKER_TYPE_FORMATS)
		return value_format(record, key, index);
	if (type == DMABROKER_TYPE_SIZES) {
		dmabroker_record_get_size(record, key, index, &width, &height);
		return text_format("%" PRIu32 "x%" PRIu32, width, height);
	}
	dmabroker_record_get_string_at(record, key, index, &string);
	return text_format("%s", string);
}

static char *value_list(const struct dmabroker_record *record, const char *key,
			enum dmabroker_type type)
{
	char *list = text_format("%s", ""), *element, *longer;

	for (size_t i = 0; i < dmabroker_record_get_len(record, key); i++) {
		element = value_element(record, key, type, i);
		longer = text_format("%s%s%s", list, i ? " " : "", element);
		free(list);
		free(element);
		list = longer;
	}
	return list;
}

char *text_list(const struct dmabroker_record *record, const char *key)
{
	char *list = text_format("%s", ""), *longer;
	const char *string;

	for (size_t i = 0; dmabroker_record_get_string_at(record, key, i, &string) == 0; i++) {
		longer = text_format("%s%s%s", list, i ? ", " : "", string);
		free(list);
		list = longer;
	}
	if (*list)
		return list;
	free(list);
	return text_format("-");
}

char *text_value(const struct dmabroker_record *record, const char *key, enum dmabroker_type type)
{
	if (!dmabroker_record_get_origin(record, key))
		return text_format("-");
	switch (type) {
	case DMABROKER_TYPE_BOOL:
	case DMABROKER_TYPE_UINT:
	case DMABROKER_TYPE_FOURCC:
	case DMABROKER_TYPE_MODIFIER:
		return value_number(record, key, type);
	case DMABROKER_TYPE_STRING:
		return text_format("%s", text_string(record, key, "-"));
	case DMABROKER_TYPE_STRINGS:
	case DMABROKER_TYPE_FORMATS:
	case DMABROKER_TYPE_SIZES:
		return value_list(record, key, type);
	default:
		return text_format("%zu", dmabroker_record_get_len(record, key));
	}
}

void text_table_add_value(struct text_table *table, const struct dmabroker_record *record,
			  const char *key, enum dmabroker_type type)
{
	char *text = text_value(record, key, type);

	text_table_add(table, "%s", text);
	free(text);
}

const char *text_string(const struct dmabroker_record *record, const char *key,
			const char *otherwise)
{
	const char *string = dmabroker_record_get_string(record, key);

	return string && *string ? string : otherwise;
}
