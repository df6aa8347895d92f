/* SPDX-License-Identifier: MIT */
/* `join`: takes part in the collection of a token, and holds its buffers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/hold.h"
#include "ctl/request.h"
#include "ctl/text.h"

#define TOKEN_BYTES_MAX 256

/* The token of the command line, or the first line of stdin for "-". Returns owned; NULL: it has
 * been said why. */
static char *read_token(const char *argument)
{
	char line[TOKEN_BYTES_MAX + 2];

	if (strcmp(argument, "-") != 0)
		return text_format("%s", argument);
	setvbuf(stdin, NULL, _IONBF, 0); /* what follows are commands */
	if (!fgets(line, sizeof(line), stdin)) {
		ctl_error(CTL_USAGE, "no token on stdin");
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	return text_format("%s", line);
}

static int join(struct ctl *ctl, struct hold *hold, const char *token)
{
	struct dmabroker_collection *collection;
	int error = dmabroker_bind(ctl->broker, token, &collection);

	if (error)
		return ctl_failed(ctl, error);
	hold_take(hold, collection);
	error = dmabroker_collection_speak(collection, ctl->request);
	return error ? ctl_failed(ctl, error) : hold_wait(hold);
}

static int run(struct ctl *ctl)
{
	struct hold hold;
	char *token;
	int status = commands_check(ctl);

	if (status)
		return status;
	if (!ctl->arguments[0])
		return ctl_error(CTL_USAGE, "no token: '%s alloc --tokens N' prints some",
				 CTL_NAME);
	token = read_token(*ctl->arguments++);
	if (!token)
		return CTL_USAGE;
	status = request_build_participants(ctl);
	if (!status)
		status = hold_begin(&hold, ctl);
	if (!status) {
		status = join(ctl, &hold, token);
		if (!status)
			status = hold_run(&hold);
		hold_finish(&hold);
	}
	free(token);
	return status;
}

static const struct ctl_option options[] = {
	{"commands", 0, NULL, "do what stdin says while it holds them", commands_apply},
	{.name = NULL}};

const struct ctl_verb join_verb = {
	.name = "join",
	.arguments = "[OPTION...] TOKEN [PARTICIPANT...] | TOKEN --request FILE\n"
		     "                  [-- COMMAND [ARGUMENT...]]",
	.summary = "Takes part in the collection of a token, and holds its buffers",
	.details = request_help,
	.notes = commands_help,
	.options = request_join_options,
	.more = options,
	.command = true,
	.participants = true,
	.run = run,
};
