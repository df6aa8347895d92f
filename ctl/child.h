/* SPDX-License-Identifier: MIT */
/* A command that inherits the buffers of a collection. */
#ifndef CTL_CHILD_H
#define CTL_CHILD_H

#include "ctl/hold.h"

/* Runs the command of the command line, with the buffers that are held. Returns its exit status. */
int child_run(struct hold *hold);

#endif
