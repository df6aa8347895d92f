/* SPDX-License-Identifier: MIT */
/* Answers to the commands for a collection that is held. */
#include "ctl/answer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/held.h"
#include "ctl/text.h"

void answer_json(const struct ctl *ctl, const char *name, struct json_object *object)
{
	struct json_object *answer = json_object_new_object();

	if (name)
		json_object_object_add(answer, "command", json_object_new_string(name));
	json_object_object_foreach(object, key, value)
	{
		json_object_object_add(answer, key, json_object_get(value));
	}
	json_object_put(object);
	json_print(ctl, answer);
}

void answer_text(const char *name, char *text)
{
	char *line = text_format("%s: %s", name, text);

	text_line(0, line);
	free(line);
	free(text);
}

void answer_done(const struct ctl *ctl, const char *name)
{
	if (ctl->json)
		answer_json(ctl, name, json_object_new_object());
	else
		answer_text(name, text_format("done"));
}

void answer_generation(const struct hold *hold, const char *name)
{
	uint32_t generation = dmabroker_collection_get_generation(hold->collection);
	struct json_object *object;
	char *line;

	if (hold->ctl->json) {
		object = held_json(hold->collection);
		json_object_object_add(object, "generation", json_object_new_uint64(generation));
		answer_json(hold->ctl, name, object);
		return;
	}
	line = held_line(name, hold->collection);
	text_line(0, line);
	free(line);
	held_show_table(hold->ctl, hold->collection);
}

int answer_name_error(const struct hold *hold, int error, char **ret_error)
{
	const char *name = dmabroker_get_error(hold->ctl->broker);

	*ret_error = text_format("%s", name && *name ? name : strerrorname_np(-error));
	return ctl_say_failed(hold->ctl, error);
}

void answer_error(const struct ctl *ctl, const char *name, char *error)
{
	const struct dmabroker_record *details = NULL;
	const char *text = "it cannot be done: standard error says why";

	if (!error) {
		error = text_format("Usage");
	} else {
		details = dmabroker_get_error_details(ctl->broker);
		text = dmabroker_get_error_text(ctl->broker);
		if (!text || !*text)
			text = error;
	}
	if (ctl->json)
		answer_json(ctl, name, json_from_error(error, text, details));
	else
		answer_text("error",
			    name ? text_format("%s: %s", name, error) : text_format("%s", error));
	free(error);
}
