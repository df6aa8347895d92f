/* SPDX-License-Identifier: MIT */
/* The minimal sets of a conflict, and what would do instead. */
#ifndef CTL_CONFLICT_H
#define CTL_CONFLICT_H

#include "ctl/ctl.h"

/* How many sets the refusals of the details of a Conflict belong to; at least one. */
size_t conflict_sets(const struct dmabroker_record *details);

/* Prints the sets one after the other. */
void conflict_show(const struct ctl *ctl, const struct dmabroker_record *details);

#endif
