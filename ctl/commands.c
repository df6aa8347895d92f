/* SPDX-License-Identifier: MIT */
/*
 * Commands for a collection that is held, one per line on stdin.
 *
 * Each is answered on stdout by a line that begins with its name, or with "error"; as JSON by an
 * object whose "command" is the name. Why something failed is said as everywhere (ctl_error,
 * ctl_failed). One line is done at a time, so that signals and the daemon are heard in between.
 */
#include "ctl/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/answer.h"
#include "ctl/change.h"
#include "ctl/collections.h"
#include "ctl/facts.h"
#include "ctl/json.h"
#include "ctl/key.h"
#include "ctl/lines.h"
#include "ctl/text.h"

#define WORDS_MAX (CTL_WHAT_IF_MAX + 1)
#define ERRNO_MAX 4095

const char commands_help[] =
	"Commands, with --commands, a line on stdin each:\n"
	"  status                        who takes part, and who is missing\n"
	"  tokens N                      N more processes may join\n"
	"  renegotiate [[NAME.]KEY=VALUE...]\n"
	"                                new buffers, with this changed\n"
	"  hand-over                     goes over to the new buffers\n"
	"  report PARTICIPANT ERRNO      its device has refused to import a buffer\n"
	"  cancel                        gives up while others are missing\n"
	"  plan                          shows the newest plan\n"
	"  release                       lets the buffers go, and ends\n";

/* One kind of command. */
struct command {
	const char *name;
	const char *arguments; /* as in a message */
	size_t min, max;       /* arguments */
	/* `words` are the arguments and end with NULL. Returns 0 where it has been answered, or an
	 * exit status where it has been said what went wrong, and `*ret_error` may be its name. */
	int (*run)(struct hold *hold, const char *const *words, char **ret_error);
};

int commands_apply(struct ctl *ctl, const char *value)
{
	(void)value;
	ctl->commands = true;
	return 0;
}

int commands_check(const struct ctl *ctl)
{
	if (!ctl->commands)
		return 0;
	if (ctl->command)
		return ctl_error(CTL_USAGE, "--commands and '-- COMMAND': stdin is for the one or "
					    "the other");
	if ((ctl->request_file && strcmp(ctl->request_file, "-") == 0) ||
	    (ctl->machine_file && strcmp(ctl->machine_file, "-") == 0))
		return ctl_error(CTL_USAGE, "--commands: stdin cannot be a file as well");
	return 0;
}

/* ---- commands ---- */

/* "waiting: generation 0, buffers 0, members 1/2; missing: member 1: ..." Returns owned. */
static char *status_words(const struct dmabroker_record *status)
{
	char *members = collections_members_words(status), *missing = text_list(status, "missing");
	bool any = dmabroker_record_get_len(status, "missing") > 0;
	char *words = text_format("%s: generation %" PRIu64 ", buffers %" PRIu64 ", members %s%s%s",
				  text_string(status, "state", "?"),
				  facts_number(status, "generation", 0),
				  facts_number(status, "buffers", 0), members,
				  any ? "; missing: " : "", any ? missing : "");

	free(missing);
	free(members);
	return words;
}

static int run_status(struct hold *hold, const char *const *words, char **ret_error)
{
	struct dmabroker_record *status;
	struct json_object *object;
	int error = dmabroker_collection_get_status(hold->collection, &status);

	(void)words;
	if (error)
		return answer_name_error(hold, error, ret_error);
	if (hold->ctl->json) {
		object = json_object_new_object();
		json_object_object_add(object, "status", json_from_record(status));
		answer_json(hold->ctl, "status", object);
	} else {
		answer_text("status", status_words(status));
	}
	dmabroker_record_destroy(status);
	return 0;
}

/* Prints the tokens from number `first` on. */
static void answer_tokens(const struct hold *hold, size_t first)
{
	struct json_object *object = json_object_new_object(), *list = json_object_new_array();
	char *words = text_format("%s", ""), *longer;
	const char *token;

	for (size_t i = first; (token = dmabroker_collection_get_token(hold->collection, i)); i++) {
		longer = text_format("%s%s%s", words, *words ? " " : "", token);
		free(words);
		words = longer;
		json_object_array_add(list, json_object_new_string(token));
	}
	json_object_object_add(object, "tokens", list);
	if (hold->ctl->json) {
		answer_json(hold->ctl, "tokens", object);
		free(words);
	} else {
		json_object_put(object);
		answer_text("tokens", words);
	}
}

static int run_tokens(struct hold *hold, const char *const *words, char **ret_error)
{
	size_t first = 0;
	uint64_t number;
	int error;

	if (!key_parse_number(words[0], &number) || number < 1 || number > UINT_MAX)
		return ctl_error(CTL_USAGE, "tokens %s: right is a whole number", words[0]);
	while (dmabroker_collection_get_token(hold->collection, first))
		first++;
	error = dmabroker_collection_create_tokens(hold->collection, (unsigned int)number);
	if (error)
		return answer_name_error(hold, error, ret_error);
	answer_tokens(hold, first);
	return 0;
}

/* Changes are made in what this process has asked for so far; only they are sent. */
static int run_renegotiate(struct hold *hold, const char *const *words, char **ret_error)
{
	struct dmabroker_record *changed, *changes;
	int error, status = change_request(hold->ctl->request, "renegotiate", words, &changed);

	if (status)
		return status;
	status = change_pick(changed, "renegotiate", words, &changes);
	if (status) {
		dmabroker_record_destroy(changed);
		return status;
	}
	error = dmabroker_collection_renegotiate(hold->collection, changes);
	dmabroker_record_destroy(changes);
	if (error) {
		dmabroker_record_destroy(changed);
		return answer_name_error(hold, error, ret_error);
	}
	dmabroker_record_destroy(hold->ctl->request);
	hold->ctl->request = changed;
	answer_generation(hold, "renegotiate");
	return 0;
}

static int run_hand_over(struct hold *hold, const char *const *words, char **ret_error)
{
	int error = dmabroker_collection_hand_over(hold->collection);

	(void)words;
	if (error)
		return answer_name_error(hold, error, ret_error);
	answer_done(hold->ctl, "hand-over");
	return 0;
}

/* "EFAULT" or "14"; 0: neither. */
static int parse_errno(const char *word)
{
	const char *name;
	uint64_t number;

	if (key_parse_number(word, &number))
		return number <= ERRNO_MAX ? (int)number : 0;
	for (int i = 1; i <= ERRNO_MAX; i++) {
		name = strerrorname_np(i);
		if (name && strcmp(name, word) == 0)
			return i;
	}
	return 0;
}

static int run_report(struct hold *hold, const char *const *words, char **ret_error)
{
	int number = parse_errno(words[1]), error;

	if (!number)
		return ctl_error(CTL_USAGE,
				 "report: '%s' is no errno: right is EFAULT and the like, or a "
				 "number from 1 to %d",
				 words[1], ERRNO_MAX);
	error = dmabroker_collection_report(hold->collection, words[0], number);
	if (error)
		return answer_name_error(hold, error, ret_error);
	answer_generation(hold, "report");
	return 0;
}

static int run_cancel(struct hold *hold, const char *const *words, char **ret_error)
{
	int error = dmabroker_collection_cancel(hold->collection);

	(void)words;
	if (error)
		return answer_name_error(hold, error, ret_error);
	answer_done(hold->ctl, "cancel");
	return 0;
}

static int run_plan(struct hold *hold, const char *const *words, char **ret_error)
{
	const struct dmabroker_record *plan = dmabroker_collection_get_plan(hold->collection);
	struct json_object *object;
	char *text;

	(void)words;
	(void)ret_error;
	if (!plan)
		return ctl_error(CTL_USAGE, "plan: there is none yet");
	if (hold->ctl->json) {
		object = json_object_new_object();
		json_object_object_add(object, "plan", json_from_record(plan));
		answer_json(hold->ctl, "plan", object);
		return 0;
	}
	text = dmabroker_plan_describe(plan);
	if (!text)
		ctl_out_of_memory();
	answer_text("plan", text_format("generation %" PRIu32,
					dmabroker_collection_get_generation(hold->collection)));
	text_lines(text);
	free(text);
	return 0;
}

static int run_release(struct hold *hold, const char *const *words, char **ret_error)
{
	(void)words;
	(void)ret_error;
	dmabroker_collection_release(hold->collection);
	hold->collection = NULL;
	hold->released = true;
	answer_done(hold->ctl, "release");
	return 0;
}

static const struct command commands[] = {
	{"status", "", 0, 0, run_status},
	{"tokens", " N", 1, 1, run_tokens},
	{"renegotiate", " [[NAME.]KEY=VALUE...]", 0, CTL_WHAT_IF_MAX, run_renegotiate},
	{"hand-over", "", 0, 0, run_hand_over},
	{"report", " PARTICIPANT ERRNO", 2, 2, run_report},
	{"cancel", "", 0, 0, run_cancel},
	{"plan", "", 0, 0, run_plan},
	{"release", "", 0, 0, run_release},
};
#define COMMANDS_LEN (sizeof(commands) / sizeof(commands[0]))

/* ---- lines ---- */

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS_LEN; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int refuse_unknown(const char *name)
{
	char *names = text_format("%s", ""), *longer;

	for (size_t i = 0; i < COMMANDS_LEN; i++) {
		longer = text_format("%s%s%s", names, i ? ", " : "", commands[i].name);
		free(names);
		names = longer;
	}
	ctl_error(CTL_USAGE, "no command '%.64s': right is one of %s", name, names);
	free(names);
	return CTL_USAGE;
}

/* Cuts the next word off `*rest`; between single quotes it may have spaces. Returns borrowed from
 * the line; NULL: there is no more. */
static char *next_word(char **rest)
{
	char *from = *rest + strspn(*rest, " \t\r"), *word = from, *to = from;
	bool quoted = false;

	if (!*from)
		return NULL;
	for (; *from && (quoted || !strchr(" \t\r", *from)); from++) {
		if (*from == '\'')
			quoted = !quoted;
		else
			*to++ = *from;
	}
	*rest = *from ? from + 1 : from;
	*to = '\0';
	return word;
}

/* Returns the number of words, or WORDS_MAX + 1 where there are more. */
static size_t split(char *line, const char **words)
{
	size_t len = 0;
	char *word;

	while ((word = next_word(&line))) {
		if (len == WORDS_MAX)
			return WORDS_MAX + 1;
		words[len++] = word;
	}
	words[len] = NULL;
	return len;
}

static void run_line(struct hold *hold, char *line)
{
	const char *words[WORDS_MAX + 1];
	const struct command *command;
	size_t len = split(line, words);
	char *error = NULL;
	int status;

	if (!len)
		return;
	command = find_command(words[0]);
	if (!command)
		status = refuse_unknown(words[0]);
	else if (len - 1 < command->min || len - 1 > command->max)
		status = ctl_error(CTL_USAGE, "%s: right is %s%s", command->name, command->name,
				   command->arguments);
	else
		status = command->run(hold, words + 1, &error);
	if (status)
		answer_error(hold->ctl, command ? command->name : NULL, error);
}

void commands_run_next(struct hold *hold)
{
	char *line;

	switch (lines_next(hold->lines, &line)) {
	case LINES_NONE:
		return;
	case LINES_ONE:
		run_line(hold, line);
		break;
	case LINES_WRONG:
		ctl_error(CTL_USAGE, "a command has no NUL byte and at most %d bytes",
			  LINES_BYTES_MAX);
		answer_error(hold->ctl, NULL, NULL);
		break;
	}
	fflush(stdout);
}
