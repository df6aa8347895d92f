/* SPDX-License-Identifier: MIT */
/* A plan whose participants are split into groups, as a drawing. */
#ifndef CTL_COPIES_H
#define CTL_COPIES_H

#include "ctl/ctl.h"

/* Prints a line for each copy, "camera [system NV12] --2.9M--> display [reserved NV12]", and one
 * for each group that no copy touches. */
void copies_show(const struct dmabroker_record *plan);

/* The names of a group's participants: "camera, encoder". Returns owned. */
char *copies_names(const struct dmabroker_record *group);

#endif
