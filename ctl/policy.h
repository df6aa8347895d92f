/* SPDX-License-Identifier: MIT */
/* The access policy of a plan: who must do what when a buffer changes hands. */
#ifndef CTL_POLICY_H
#define CTL_POLICY_H

#include "ctl/ctl.h"

/* Prints the hand-overs that need something, and a line about all others. */
void policy_show(const struct dmabroker_record *plan);

#endif
