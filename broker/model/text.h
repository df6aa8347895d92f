/* SPDX-License-Identifier: MIT */
/* Plans and refusals as text for a person: made at the edge, from the data. */
#ifndef TEXT_H
#define TEXT_H

#include "broker/model/error.h"
#include "broker/model/plan.h"

/* Some lines, the last one ended too. Returns owned; free() frees it. NULL: memory is short. */
char *text_plan(const struct plan *plan);

/* One sentence, and for a conflict a line per member; the last line is not ended. Returns owned;
 * free() frees it. NULL: memory is short. */
char *text_error(const struct error *error);

#endif
