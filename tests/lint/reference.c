/* SPDX-License-Identifier: MIT */
/*
 * Writes a reference page from the tables of the code, so that no number and no key is written down
 * twice: docs/vocabulary.md, docs/limits.md or docs/dmabroker-protocol.7.scd.
 *
 * usage: reference vocabulary.md|limits.md|dmabroker-protocol.7.scd >docs/...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/error.h"
#include "broker/quota.h"
#include "protocol/limits.h"

static const char *wire_type(const struct vocab_row *row)
{
	static const char *const types[] = {
		[VOCAB_BOOL] = "b",	   [VOCAB_U32] = "u",	    [VOCAB_U64] = "t",
		[VOCAB_FOURCC] = "u",	   [VOCAB_MODIFIER] = "t",  [VOCAB_ENUM] = "s",
		[VOCAB_STRING] = "s",	   [VOCAB_FD] = "h",	    [VOCAB_STRINGS] = "as",
		[VOCAB_FORMATS] = "a(ut)", [VOCAB_SIZES] = "a(uu)", [VOCAB_DICTS] = "aa{sv}",
	};

	return types[row->type];
}

static void write_words(const struct vocab_row *row)
{
	for (size_t i = 0; row->names[i]; i++) {
		printf("%s`%s`", i ? ", " : "", row->names[i]);
		if (row->max && i >= row->max)
			printf(" (not served yet)");
	}
}

static void write_limits(const struct vocab_row *row)
{
	if (row->type == VOCAB_ENUM) {
		write_words(row);
		return;
	}
	if (row->type == VOCAB_DICTS)
		printf("list of %s, ", row->group->name);
	if (row->type == VOCAB_BOOL || row->type == VOCAB_FD || row->type == VOCAB_FOURCC ||
	    row->type == VOCAB_MODIFIER)
		return;
	if (row->max == VOCAB_NO_LIMIT32 || row->max == VOCAB_NO_LIMIT64)
		printf("%llu or more", (unsigned long long)row->min);
	else
		printf("%llu to %llu", (unsigned long long)row->min, (unsigned long long)row->max);
}

static void write_default(const struct vocab_row *row)
{
	if (row->flags & VOCAB_REQUIRED)
		printf("required");
	else if (row->type == VOCAB_ENUM)
		printf("`%s`", row->names[row->dflt]);
	else if (row->type == VOCAB_BOOL)
		printf(row->dflt ? "true" : "false");
	else if (row->type != VOCAB_U32 && row->type != VOCAB_U64)
		printf("none");
	else if (row->dflt == VOCAB_NO_LIMIT32 || row->dflt == VOCAB_NO_LIMIT64)
		printf("no limit");
	else
		printf("%llu", (unsigned long long)row->dflt);
}

static void write_row(const struct vocab_row *row)
{
	if (row->flags & VOCAB_LOCAL)
		return;
	printf("| `%s` | %s | %s | ", row->name, wire_type(row), row->unit);
	write_default(row);
	printf(" | ");
	write_limits(row);
	printf(" | %s |\n", row->doc);
}

static void write_group(const struct vocab_group *group)
{
	printf("\n## %s\n\n%s", group->name, group->doc);
	if (group->facts)
		printf(" A record of facts: each value that is no list of records travels as "
		       "`(vs)`, value and origin.");
	printf("\n\n| key | type | unit | where absent | limits | meaning "
	       "|\n|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < group->rows_len; i++)
		write_row(&group->rows[i]);
}

static void write_vocabulary(void)
{
	printf("# Vocabulary\n\n"
	       "<!-- Written by tests/lint/reference.c from broker/model/vocabulary.h; a test "
	       "compares. -->\n\n"
	       "Every key of a request, a plan and a descriptor: the same on the wire (a{sv}), in "
	       "JSON and in\n`dmabroker_record_get_*` and `_set_*`. A request with an unknown key "
	       "is refused, unless the key begins\nwith `x-`; the property `Features` of the "
	       "manager "
	       "lists the keys a daemon knows. A key that is absent is\nnever the same as zero. "
	       "\"Not served yet\": known, and answered with the error NotSupported.\n\n"
	       "Origins of facts, from the weakest: ");
	for (int i = VOCAB_ASSUMED; i < VOCAB_ORIGINS; i++)
		printf("%s`%s`", i > VOCAB_ASSUMED ? ", " : "", vocab_origin_names[i]);
	printf(".\n");
	for (size_t i = 0; vocab_groups[i]; i++)
		write_group(vocab_groups[i]);
	printf("\n## Errors\n\nOn the wire with the prefix `" ERROR_PREFIX "`.\n\n"
	       "| name | errno | meaning |\n|---|---|---|\n");
	for (int i = 1; i < ERROR_CODES; i++)
		printf("| %s | %s | %s |\n", error_rows[i].name,
		       strerrorname_np(-error_rows[i].number), error_rows[i].doc);
}

static void write_all_limits(void)
{
	printf("# Limits\n\n<!-- Written by tests/lint/reference.c from protocol/limits.h and "
	       "broker/quota.h; a test compares. -->\n\n"
	       "Limits of single keys stand in vocabulary.md.\n\n## Of the wire\n\n"
	       "| limit | meaning |\n|---|---|\n");
#define ROW(name, value, doc) printf("| %d | %s |\n", (int)(value), doc);
	LIMITS(ROW)
	printf("\n## Of clients and users\n\nWhat is charged before it is spent; more is refused "
	       "with QuotaExceeded.\n\n| what | of one client | of one user | in all |\n"
	       "|---|---|---|---|\n");
	for (int i = 0; i < QUOTA_KINDS; i++)
		printf("| %s | %llu | %llu | %llu |\n", quota_limits[i].name,
		       (unsigned long long)quota_limits[i].client,
		       (unsigned long long)quota_limits[i].user,
		       (unsigned long long)quota_limits[i].total);
}

/* scdoc: underscores and asterisks mean something there. */
static void write_escaped(const char *text)
{
	for (; *text; text++) {
		if (*text == '`')
			continue;
		if (*text == '_' || *text == '*')
			putchar('\\');
		putchar(*text);
	}
}

static void write_man_row(const struct vocab_row *row)
{
	if (row->flags & VOCAB_LOCAL)
		return;
	printf("*%s* (%s%s%s%s)\n\t", row->name, wire_type(row), row->unit[0] ? ", " : "",
	       row->unit, row->flags & VOCAB_REQUIRED ? ", required" : "");
	write_escaped(row->doc);
	putchar('.');
	if (row->type == VOCAB_ENUM) {
		printf(" One of");
		for (size_t i = 0; row->names[i]; i++)
			printf("%s _%s_%s", i ? "," : "", row->names[i],
			       row->max && i >= row->max ? " (not served yet)" : "");
		putchar('.');
	} else if (row->type == VOCAB_DICTS) {
		printf(" A list of _%s_.", row->group->name);
	} else if ((row->type == VOCAB_U32 || row->type == VOCAB_U64) &&
		   row->max != VOCAB_NO_LIMIT32 && row->max != VOCAB_NO_LIMIT64) {
		printf(" From %llu to %llu.", (unsigned long long)row->min,
		       (unsigned long long)row->max);
	}
	printf("\n\n");
}

static void write_man(void)
{
	printf("dmabroker-protocol(7)\n\n"
	       "; SPDX-License-Identifier: MIT\n"
	       "; Written by tests/lint/reference.c from broker/model/vocabulary.h; a test "
	       "compares.\n\n"
	       "# NAME\n\ndmabroker-protocol - the keys and errors of org.dmabroker1\n\n"
	       "# DESCRIPTION\n\n"
	       "Methods, signals and transports stand in the specification,\n"
	       "_/usr/share/dbus-1/interfaces/org.dmabroker1.xml_. Here are the keys of its "
	       "dictionaries, which\nare also those of *dmabrokerctl*(1)'s JSON and of "
	       "libdmabroker's records, with their type on the wire.\n"
	       "A request with an unknown key is refused, unless the key begins with x-. A key "
	       "that is absent is never the\nsame as zero.\n\n");
	for (size_t i = 0; vocab_groups[i]; i++) {
		printf("# %s\n\n%s\n\n", vocab_groups[i]->name, vocab_groups[i]->doc);
		for (size_t j = 0; j < vocab_groups[i]->rows_len; j++)
			write_man_row(&vocab_groups[i]->rows[j]);
	}
	printf("# ERRORS\n\nOn the wire with the prefix " ERROR_PREFIX "\n\n");
	for (int i = 1; i < ERROR_CODES; i++)
		printf("*%s* (%s)\n\t%s.\n\n", error_rows[i].name,
		       strerrorname_np(-error_rows[i].number), error_rows[i].doc);
	printf("# SEE ALSO\n\n*dmabrokerctl*(1), *dmabrokerd*(8)\n");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "vocabulary.md") == 0)
		write_vocabulary();
	else if (argc == 2 && strcmp(argv[1], "limits.md") == 0)
		write_all_limits();
	else if (argc == 2 && strcmp(argv[1], "dmabroker-protocol.7.scd") == 0)
		write_man();
	else
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
