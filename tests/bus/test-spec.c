/* SPDX-License-Identifier: MIT */
/*
 * The specification's lists of keys, words, errors and limits say what the tables say.
 * Program and argument: test-spec protocol/org.dmabroker1.xml; with --print it writes the lists.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/error.h"
#include "broker/model/vocabulary.h"
#include "broker/quota.h"
#include "protocol/limits.h"

static const char *spec_path;

static const char *const wire_types[] = {
	[VOCAB_BOOL] = "b",	   [VOCAB_U32] = "u",	    [VOCAB_U64] = "t",
	[VOCAB_FOURCC] = "u",	   [VOCAB_MODIFIER] = "t",  [VOCAB_ENUM] = "s",
	[VOCAB_STRING] = "s",	   [VOCAB_FD] = "h",	    [VOCAB_STRINGS] = "as",
	[VOCAB_FORMATS] = "a(ut)", [VOCAB_SIZES] = "a(uu)", [VOCAB_DICTS] = "aa{sv}",
};

static bool has_range(const struct vocab_row *row)
{
	switch (row->type) {
	case VOCAB_U32:
		return row->max != VOCAB_NO_LIMIT32 || row->min;
	case VOCAB_U64:
		return row->max != VOCAB_NO_LIMIT64 || row->min;
	case VOCAB_STRING:
	case VOCAB_STRINGS:
	case VOCAB_FORMATS:
	case VOCAB_SIZES:
	case VOCAB_DICTS:
		return true;
	default:
		return false;
	}
}

static void print_range(FILE *file, const struct vocab_row *row)
{
	uint64_t none = row->type == VOCAB_U32 ? VOCAB_NO_LIMIT32 : VOCAB_NO_LIMIT64;

	if (row->max == none)
		fprintf(file, " from %llu", (unsigned long long)row->min);
	else
		fprintf(file, " %llu..%llu", (unsigned long long)row->min,
			(unsigned long long)row->max);
}

static void print_words(FILE *file, const struct vocab_row *row)
{
	for (unsigned int i = 0; row->names[i]; i++) {
		fprintf(file, "%s%s", i ? "|" : " ", row->names[i]);
		if (row->max && i >= row->max)
			fprintf(file, "*");
	}
}

/* What is said behind the type: " of plane", " 1..32768 pixels required". */
static void print_details(FILE *file, const struct vocab_row *row)
{
	if (row->type == VOCAB_DICTS)
		fprintf(file, " of %s:", row->group->name);
	if (has_range(row))
		print_range(file, row);
	if (*row->unit)
		fprintf(file, " %s", row->unit);
	if (row->type == VOCAB_ENUM)
		print_words(file, row);
	if (row->flags & VOCAB_REQUIRED)
		fprintf(file, " required");
}

static void print_row(FILE *file, const struct vocab_row *row)
{
	char *details = NULL;
	size_t len;
	FILE *buffer = open_memstream(&details, &len);

	print_details(buffer, row);
	fclose(buffer);
	if (*details)
		fprintf(file, "      %-18s %-7s%s\n", row->name, wire_types[row->type], details);
	else
		fprintf(file, "      %-18s %s\n", row->name, wire_types[row->type]);
	free(details);
}

/* A machine's devices and heaps are objects, not values. */
static bool travels(const struct vocab_group *group, const struct vocab_row *row)
{
	return !(row->flags & VOCAB_LOCAL) &&
	       !(group == &vocab_machine && row->type == VOCAB_DICTS);
}

static void print_group(FILE *file, const struct vocab_group *group)
{
	fprintf(file, "    %s%s: %s\n", group->name, group->facts ? " (facts)" : "", group->doc);
	for (size_t i = 0; i < group->rows_len; i++)
		if (travels(group, &group->rows[i]))
			print_row(file, &group->rows[i]);
}

static void print_error(FILE *file, const struct error_row *row)
{
	fprintf(file, "      %-16s %s\n", row->name, row->doc);
}

/* LIMIT_MESSAGE_FDS is called message-fds on the wire. */
static void print_limit(FILE *file, const char *name, unsigned long long value, const char *doc)
{
	char text[64];
	size_t len = 0;

	for (name += strlen("LIMIT_"); *name && len < sizeof(text) - 1; name++)
		text[len++] = *name == '_' ? '-' : (char)(*name | 0x20);
	text[len] = '\0';
	fprintf(file, "      %-26s %-10llu %s\n", text, value, doc);
}

static void print_quota(FILE *file, const struct quota_limit *limit)
{
	fprintf(file, "      %-16s %llu per client, %llu per user, %llu in all\n", limit->name,
		(unsigned long long)limit->client, (unsigned long long)limit->user,
		(unsigned long long)limit->total);
}

static void print_limits(FILE *file)
{
#define PRINT_LIMIT(name, value, doc) print_limit(file, #name, value, doc);
	LIMITS(PRINT_LIMIT)
#define PRINT_QUOTA(kind, name, client, user, total) \
	print_quota(file, &(struct quota_limit){name, client, user, total});
	QUOTA_LIMITS(PRINT_QUOTA)
}

static char *read_spec(void)
{
	static char text[1 << 18];
	FILE *file = fopen(spec_path, "r");
	size_t len;

	ck_assert_ptr_nonnull(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	return text;
}

static char *memory;
static size_t memory_len;

static FILE *begin_text(void)
{
	return open_memstream(&memory, &memory_len);
}

static void expect_text(FILE *file)
{
	fclose(file);
	if (!strstr(read_spec(), memory))
		ck_abort_msg("not in %s:\n%s", spec_path, memory);
	free(memory);
}

START_TEST(keys_are_those_of_the_vocabulary)
{
	const struct vocab_group *group = vocab_groups[_i];
	FILE *file = begin_text();

	print_group(file, group);
	expect_text(file);
}
END_TEST

START_TEST(errors_are_those_of_the_table)
{
	FILE *file = begin_text();

	print_error(file, &error_rows[_i]);
	expect_text(file);
}
END_TEST

START_TEST(limits_are_those_of_the_tables)
{
	FILE *file = begin_text();

	print_limits(file);
	expect_text(file);
}
END_TEST

static int count_groups(void)
{
	int len = 0;

	while (vocab_groups[len])
		len++;
	return len;
}

static void print_all(void)
{
	for (int i = 0; vocab_groups[i]; i++)
		print_group(stdout, vocab_groups[i]);
	printf("\n  Errors\n\n");
	for (int i = 1; i < ERROR_CODES; i++)
		print_error(stdout, &error_rows[i]);
	printf("\n  Limits\n\n");
	print_limits(stdout);
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("spec");
	TCase *tcase = tcase_create("spec");
	SRunner *runner;
	int failed;

	if (argc != 2)
		return 2;
	if (strcmp(argv[1], "--print") == 0) {
		print_all();
		return 0;
	}
	spec_path = argv[1];
	tcase_add_loop_test(tcase, keys_are_those_of_the_vocabulary, 0, count_groups());
	tcase_add_loop_test(tcase, errors_are_those_of_the_table, 1, ERROR_CODES);
	tcase_add_test(tcase, limits_are_those_of_the_tables);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
