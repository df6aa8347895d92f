/* SPDX-License-Identifier: MIT */
/*
 * Writes a reference page from the tables of the code, so that no number and no key is written down
 * twice: docs/vocabulary.md or docs/limits.md.
 *
 * usage: reference vocabulary|limits >docs/...
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

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "vocabulary") == 0)
		write_vocabulary();
	else if (argc == 2 && strcmp(argv[1], "limits") == 0)
		write_all_limits();
	else
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
