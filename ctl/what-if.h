/* SPDX-License-Identifier: MIT */
/* `plan --what-if`: the answer as it is, and as it would be. */
#ifndef CTL_WHAT_IF_H
#define CTL_WHAT_IF_H

#include "ctl/ctl.h"

/* The option --what-if. */
int what_if_apply(struct ctl *ctl, const char *value);

/* Plans ctl->request as it is and with the changes. Returns the exit status of the second answer.
 */
int what_if_run(struct ctl *ctl);

#endif
