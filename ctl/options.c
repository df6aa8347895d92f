/* SPDX-License-Identifier: MIT */
/* Feeds the tables of options to getopt_long and prints them as help. */
#include "ctl/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX 32
#define FIRST_VALUE 256 /* above every letter */
#define HELP_COLUMN 34

/* The rows that count at the moment, in the form getopt_long wants. */
struct parser {
	const struct ctl_option *rows[ROWS_MAX];
	struct option longs[ROWS_MAX + 1];
	char letters[ROWS_MAX + 3];
	size_t len;
};

static int argument_kind(const struct ctl_option *row)
{
	if (!row->argument)
		return no_argument;
	return row->argument[0] == '[' ? optional_argument : required_argument;
}

static void add_rows(struct parser *parser, const struct ctl_option *rows)
{
	size_t end = strlen(parser->letters);

	for (; rows->name && parser->len < ROWS_MAX; rows++) {
		parser->longs[parser->len] = (struct option){.name = rows->name,
							     .has_arg = argument_kind(rows),
							     .val = FIRST_VALUE + (int)parser->len};
		parser->rows[parser->len++] = rows;
		if (rows->letter)
			parser->letters[end++] = (char)rows->letter;
	}
}

static const struct ctl_option *find_row(const struct parser *parser, int value)
{
	if (value >= FIRST_VALUE && (size_t)(value - FIRST_VALUE) < parser->len)
		return parser->rows[value - FIRST_VALUE];
	for (size_t i = 0; i < parser->len; i++)
		if (value && parser->rows[i]->letter == value)
			return parser->rows[i];
	return NULL;
}

static int complain(const struct ctl *ctl, const struct parser *parser, int found, const char *word)
{
	const struct ctl_option *row = find_row(parser, optopt);
	const char *verb = ctl->verb ? ctl->verb->name : "";
	const char *space = ctl->verb ? " " : "";

	if (row && found == ':')
		return ctl_error(CTL_USAGE, "--%s needs a value: --%s %s", row->name, row->name,
				 row->argument);
	if (row)
		return ctl_error(CTL_USAGE, "--%s takes no value", row->name);
	return ctl_error(CTL_USAGE, "unknown option '%s': '%s%s%s --help' lists those there are",
			 word, CTL_NAME, space, verb);
}

int options_parse(struct ctl *ctl, int argc, char **argv, int *ret_first)
{
	struct parser parser = {.letters = ":"};
	const struct ctl_option *row;
	int found, status, before;

	if (!ctl->verb)
		strcpy(parser.letters, "+:");
	add_rows(&parser, global_options);
	if (ctl->verb)
		add_rows(&parser, ctl->verb->options);
	if (ctl->verb && ctl->verb->more)
		add_rows(&parser, ctl->verb->more);
	opterr = 0;
	optind = 0;
	for (;;) {
		before = optind ? optind : 1;
		found = getopt_long(argc, argv, parser.letters, parser.longs, NULL);
		if (found == -1)
			break;
		row = find_row(&parser, found);
		if (!row || found == '?' || found == ':')
			return complain(ctl, &parser, found,
					optind > before ? argv[optind - 1] : argv[before]);
		status = row->apply(ctl, optarg);
		if (status || ctl->done)
			return status;
	}
	*ret_first = optind;
	return 0;
}

static void help_rows(const struct ctl_option *rows)
{
	int used;

	for (; rows->name; rows++) {
		used = rows->letter ? printf("  -%c, --%s", rows->letter, rows->name)
				    : printf("      --%s", rows->name);
		if (rows->argument)
			used += printf("%s%s", rows->argument[0] == '[' ? "" : " ", rows->argument);
		printf("%*s%s\n", used < HELP_COLUMN ? HELP_COLUMN - used : 1, "", rows->text);
	}
}

static void help_program(const struct ctl_verb *const *verbs)
{
	printf("%s [OPTION...] VERB [ARGUMENT...]\n\n"
	       "Shows what dmabrokerd knows and has it plan and allocate shared "
	       "buffers.\n\nVerbs:\n",
	       CTL_NAME);
	for (; *verbs; verbs++)
		printf("  %-13s%s\n", (*verbs)->name, (*verbs)->summary);
	printf("\nOptions of every verb:\n");
	help_rows(global_options);
	printf("\n'%s VERB --help' tells more; so does dmabrokerctl(1).\n", CTL_NAME);
}

void options_help(const struct ctl *ctl, const struct ctl_verb *const *verbs)
{
	if (!ctl->verb) {
		help_program(verbs);
		return;
	}
	printf("%s %s %s\n\n%s.\n", CTL_NAME, ctl->verb->name, ctl->verb->arguments,
	       ctl->verb->summary);
	if (ctl->verb->details)
		printf("\n%s", ctl->verb->details);
	if (ctl->verb->options->name) {
		printf("\nOptions:\n");
		help_rows(ctl->verb->options);
		if (ctl->verb->more)
			help_rows(ctl->verb->more);
	}
	if (ctl->verb->notes)
		printf("\n%s", ctl->verb->notes);
	printf("\nOptions of every verb:\n");
	help_rows(global_options);
}
