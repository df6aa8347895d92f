/* SPDX-License-Identifier: MIT */
/* Shows changes of devices or heaps as they happen. */
#ifndef CTL_MONITOR_H
#define CTL_MONITOR_H

#include "ctl/ctl.h"

/* A row for the options of a verb. */
#define MONITOR_OPTION                                                                       \
	{                                                                                    \
		"monitor", 0, NULL, "show changes as they happen, one a line", monitor_apply \
	}

int monitor_apply(struct ctl *ctl, const char *value);

/*
 * Prints one line, or one JSON value, for each device or heap (`kind` "device" or "heap") that
 * comes, goes or changes, with what each fact was and is. Returns when the daemon is gone, or on
 * other failures; a signal ends it.
 */
int monitor_run(struct ctl *ctl, const char *kind);

#endif
