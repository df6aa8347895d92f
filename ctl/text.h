/* SPDX-License-Identifier: MIT */
/*
 * Text for a person: tables and paragraphs that fit the terminal. Nothing that came from a device
 * or the daemon reaches the terminal with its control characters.
 */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl/ctl.h"

struct text_table;

/* Whether a list of texts, which ends with NULL, has `text`. */
bool text_is_one_of(const char *text, const char *const *list);

/* Columns to fill: COLUMNS, else the terminal's own, else 80; without a terminal no line is broken.
 */
size_t text_width(void);

/* Bytes of the control character that `text` begins with, those of C1 in UTF-8 included; 0: it is
 * none. */
size_t text_control_bytes(const char *text);

/* Prints `text`, with '?' for control characters: whatever it is, it stays in its line. */
void text_put(FILE *out, const char *text);

/* The same for text of several lines, of which line feeds and tabulators are kept. */
void text_put_lines(FILE *out, const char *text);

/* Prints `text` bold where colours are wanted. */
void text_heading(const struct ctl *ctl, const char *text);

/* Prints a line after `indent` spaces. */
void text_line(size_t indent, const char *text);

/* Prints lines and wraps long ones; their rest is indented further. */
void text_lines(const char *text);

/* Prints a label in a column of `label_width` after `indent` spaces, and wraps the text that
 * follows at the right margin. */
void text_paragraph(size_t indent, const char *label, size_t label_width, const char *text);

/* Goes on in a line of which `column` columns are printed; wraps at the right margin, with `rest`
 * before each further line. */
void text_behind(size_t column, const char *rest, const char *text);

/*
 * Creates a table; `headings` has one word per column, '>' before it means flush right. Returns
 * owned; text_table_print frees it. Never NULL.
 */
struct text_table *text_table_create(const char *const *headings, size_t columns);

/* Adds a cell; after the last column begins the next row. */
void text_table_add(struct text_table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds a cell with the value of a key, as text_value writes it. */
void text_table_add_value(struct text_table *table, const struct dmabroker_record *record,
			  const char *key, enum dmabroker_type type);

/* Takes the table. Without the legend where ctl says so; `indent` spaces before each line. */
void text_table_print(const struct ctl *ctl, struct text_table *table, size_t indent);

/*
 * The functions below return owned text; free() frees it. Never NULL.
 */

/* The value of a key: "yes", "64", "XR24", "0x0", "640x480 1280x720"; "-" where it is absent. */
char *text_value(const struct dmabroker_record *record, const char *key, enum dmabroker_type type);
/* The strings of a list with commas, where they may have spaces; "-" where there are none. */
char *text_list(const struct dmabroker_record *record, const char *key);
/* Bytes in binary units: "64K", "1.5M". */
char *text_bytes(uint64_t bytes);
/* A fourcc: "XR24", or its number where it is not printable. */
char *text_fourcc(uint32_t fourcc);
/* The two of a pair in a list of formats, in which "*" is any. */
char *text_listed_fourcc(uint32_t fourcc);
char *text_listed_modifier(uint64_t modifier);
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns borrowed from the record: a string or word, or `otherwise` where it is absent. */
const char *text_string(const struct dmabroker_record *record, const char *key,
			const char *otherwise);

#endif
