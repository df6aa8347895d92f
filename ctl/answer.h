/* SPDX-License-Identifier: MIT */
/*
 * Answers to the commands for a collection that is held: on stdout a line that begins with the
 * command's name, or with "error"; as JSON an object whose "command" is the name.
 */
#ifndef CTL_ANSWER_H
#define CTL_ANSWER_H

#include "ctl/hold.h"
#include "ctl/json.h"

/* Takes `object`: what the answer has besides the name (NULL: none is known). */
void answer_json(const struct ctl *ctl, const char *name, struct json_object *object);

/* Takes `text`. */
void answer_text(const char *name, char *text);

/* There is nothing to say but that it has been done. */
void answer_done(const struct ctl *ctl, const char *name);

/* The newest generation, whose buffers are shown as those of the first are. */
void answer_generation(const struct hold *hold, const char *name);

/* Says on stderr what a call of the library failed with. Returns the exit status of its class, and
 * owned the error's name for answer_error. */
int answer_name_error(const struct hold *hold, int error, char **ret_error);

/* Takes `error`, the name of what the last call failed with; NULL: the command is wrong, and `name`
 * is NULL if it is none. */
void answer_error(const struct ctl *ctl, const char *name, char *error);

#endif
