/* SPDX-License-Identifier: MIT */
/* dmabrokerctl: options of every verb, and the way to the verb. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/options.h"

static const struct ctl_verb *const verbs[] = {
	&devices_verb, &heaps_verb,	  &machine_verb, &plan_verb,   &explain_verb, &alloc_verb,
	&join_verb,    &collections_verb, &dump_verb,	 &quirks_verb, NULL};

static int apply_json(struct ctl *ctl, const char *value)
{
	if (!value)
		ctl->json = isatty(STDOUT_FILENO) ? CTL_JSON_PRETTY : CTL_JSON_SHORT;
	else if (strcmp(value, "short") == 0)
		ctl->json = CTL_JSON_SHORT;
	else if (strcmp(value, "pretty") == 0)
		ctl->json = CTL_JSON_PRETTY;
	else
		return ctl_error(CTL_USAGE, "--json=%s: right is short or pretty", value);
	return 0;
}

static int apply_address(struct ctl *ctl, const char *value)
{
	ctl->address = value;
	return 0;
}

static int apply_machine(struct ctl *ctl, const char *value)
{
	ctl->machine_file = value;
	return 0;
}

static int apply_no_legend(struct ctl *ctl, const char *value)
{
	(void)value;
	ctl->legend = false;
	return 0;
}

static int apply_no_color(struct ctl *ctl, const char *value)
{
	(void)value;
	ctl->no_color = true;
	return 0;
}

static int apply_help(struct ctl *ctl, const char *value)
{
	(void)value;
	options_help(ctl, verbs);
	ctl->done = true;
	return 0;
}

static int apply_version(struct ctl *ctl, const char *value)
{
	(void)value;
	printf("%s %s\n", CTL_NAME, DMABROKER_VERSION);
	ctl->done = true;
	return 0;
}

const struct ctl_option global_options[] = {
	{"json", 0, "[=short|pretty]", "print JSON, on one line or indented", apply_json},
	{"address", 0, "ADDR", "of the daemon, 'system', or 'in-process'", apply_address},
	{"machine", 0, "FILE", "facts from a machine file, without a daemon", apply_machine},
	{"no-legend", 0, NULL, "no headings and no hints", apply_no_legend},
	{"no-color", 0, NULL, "no colours; so does NO_COLOR", apply_no_color},
	{"help", 'h', NULL, "show this help", apply_help},
	{"version", 0, NULL, "show the version", apply_version},
	{.name = NULL}};

static const struct ctl_verb *find_verb(const char *name)
{
	for (size_t i = 0; verbs[i]; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

/* Cuts `-- COMMAND` off: getopt_long would move the arguments before it behind the two dashes. */
static int split_command(struct ctl *ctl, int argc, char **argv)
{
	for (int i = 1; i < argc && ctl->verb->command; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		argv[i] = NULL;
		ctl->command = argv + i + 1;
		return i;
	}
	return argc;
}

static bool wants_color(const struct ctl *ctl)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return !ctl->no_color && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0 &&
	       isatty(STDOUT_FILENO);
}

static int run_verb(struct ctl *ctl, int argc, char **argv)
{
	int first, status;

	argc = split_command(ctl, argc, argv);
	status = options_parse(ctl, argc, argv, &first);
	if (status || ctl->done)
		return status;
	ctl->arguments = argv + first;
	if (!ctl->verb->participants && first < argc)
		return ctl_error(CTL_USAGE, "'%s' takes no arguments, not '%s'", ctl->verb->name,
				 argv[first]);
	if (ctl->command && !ctl->command[0])
		return ctl_error(CTL_USAGE, "no command after '--'");
	if (ctl->machine_file && ctl->address)
		return ctl_error(
			CTL_USAGE,
			"--machine and --address: the facts come from the one or the other");
	ctl->color = wants_color(ctl);
	return ctl->verb->run(ctl);
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	int first, status;

	status = options_parse(ctl, argc, argv, &first);
	if (status || ctl->done)
		return status;
	if (first == argc)
		return ctl_error(CTL_USAGE, "no verb: '%s --help' lists those there are", CTL_NAME);
	ctl->verb = find_verb(argv[first]);
	if (!ctl->verb)
		return ctl_error(CTL_USAGE, "no verb '%s': '%s --help' lists those there are",
				 argv[first], CTL_NAME);
	return run_verb(ctl, argc - first, argv + first);
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.legend = true};
	int status;

	status = run(&ctl, argc, argv);
	dmabroker_record_destroy(ctl.request);
	dmabroker_disconnect(ctl.broker);
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == CTL_OK)
		status = ctl_error(CTL_REFUSED, "cannot write the output: %m");
	return status;
}
