/* SPDX-License-Identifier: MIT */
/* `alloc`: allocates buffers and holds them, for this process alone or for others with tokens. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/hold.h"
#include "ctl/json.h"
#include "ctl/key.h"
#include "ctl/request.h"
#include "ctl/text.h"

#define TOKENS_MAX 16

static int apply_tokens(struct ctl *ctl, const char *value)
{
	uint64_t number;

	if (!key_parse_number(value, &number) || number < 1 || number > TOKENS_MAX)
		return ctl_error(CTL_USAGE, "--tokens %s: right is a whole number from 1 to %d",
				 value, TOKENS_MAX);
	ctl->tokens = (unsigned int)number;
	return 0;
}

/* Prints the tokens at once: the others need them. */
static void print_tokens(const struct ctl *ctl, const struct dmabroker_collection *collection)
{
	struct json_object *object = json_object_new_object(), *list = json_object_new_array();
	const char *token;

	for (size_t i = 0; (token = dmabroker_collection_get_token(collection, i)); i++) {
		if (!ctl->json)
			text_line(0, token);
		json_object_array_add(list, json_object_new_string(token));
	}
	json_object_object_add(object, "path",
			       json_object_new_string(dmabroker_collection_get_path(collection)));
	json_object_object_add(object, "tokens", list);
	if (ctl->json)
		json_print(ctl, object);
	else
		json_object_put(object);
	fflush(stdout);
}

/* Has others take part. */
static int negotiate(struct ctl *ctl, struct hold *hold)
{
	struct dmabroker_collection *collection;
	int error =
		dmabroker_create_collection(ctl->broker, ctl->request, ctl->tokens, &collection);

	if (error)
		return ctl_failed(ctl, error);
	hold_take(hold, collection);
	print_tokens(ctl, collection);
	if (ctl->legend)
		ctl_error(CTL_OK, "waiting until '%s join TOKEN' has been run for each token",
			  CTL_NAME);
	return hold_wait(hold);
}

static int allocate(struct ctl *ctl, struct hold *hold)
{
	struct dmabroker_collection *collection;
	int error = dmabroker_allocate(ctl->broker, ctl->request, &collection);

	if (error)
		return ctl_failed(ctl, error);
	hold_take(hold, collection);
	return 0;
}

static int run(struct ctl *ctl)
{
	struct hold hold;
	int status = commands_check(ctl);

	if (!status)
		status = request_build(ctl);
	if (!status)
		status = hold_begin(&hold, ctl);
	if (status)
		return status;
	status = ctl->tokens ? negotiate(ctl, &hold) : allocate(ctl, &hold);
	if (!status)
		status = hold_run(&hold);
	hold_finish(&hold);
	return status;
}

static const struct ctl_option options[] = {
	{"tokens", 0, "N", "N other processes take part, by token", apply_tokens},
	{"commands", 0, NULL, "do what stdin says while it holds them", commands_apply},
	{.name = NULL}};

const struct ctl_verb alloc_verb = {
	.name = "alloc",
	.arguments = "[OPTION...] --size WxH PARTICIPANT... | --request FILE\n"
		     "                   [-- COMMAND [ARGUMENT...]]",
	.summary = "Allocates buffers, holds them until Ctrl-C or while COMMAND runs",
	.details = request_help,
	.notes = commands_help,
	.options = request_options,
	.more = options,
	.command = true,
	.participants = true,
	.run = run,
};
