/* SPDX-License-Identifier: MIT */
/* Commands for a collection that is held (--commands). */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl/hold.h"

/* The option --commands. */
int commands_apply(struct ctl *ctl, const char *value);

/* What --help says of them. */
extern const char commands_help[];

/* Refuses --commands beside what needs stdin as well. */
int commands_check(const struct ctl *ctl);

/* Does what the next line of hold->lines says, if there is one, and answers on stdout. */
void commands_run_next(struct hold *hold);

#endif
