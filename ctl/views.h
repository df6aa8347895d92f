/* SPDX-License-Identifier: MIT */
/* What each participant of a plan is to be told, in the words of its interface. */
#ifndef CTL_VIEWS_H
#define CTL_VIEWS_H

#include "ctl/ctl.h"

/* Prints who takes part how, then the layout as V4L2, DRM and VA call it. */
void views_show(const struct ctl *ctl, const struct dmabroker_record *plan);

#endif
