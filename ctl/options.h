/* SPDX-License-Identifier: MIT */
/* The command line by tables of options. */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include "ctl/ctl.h"

/*
 * Applies the options of `argv`: those of every verb, and those of ctl->verb once it is known;
 * before that it stops at the first word that is no option, which is the verb. `*ret_first` is the
 * index of the first argument.
 */
int options_parse(struct ctl *ctl, int argc, char **argv, int *ret_first);

/* --help of ctl->verb, or of the program while there is no verb. Borrows `verbs`, which ends with
 * NULL. */
void options_help(const struct ctl *ctl, const struct ctl_verb *const *verbs);

/* The options that every verb takes (main.c); ends with a row without name. */
extern const struct ctl_option global_options[];

#endif
