/* SPDX-License-Identifier: MIT */
/* Holding a collection until a signal comes, or for as long as a command runs. */
#ifndef CTL_HOLD_H
#define CTL_HOLD_H

#include <signal.h>

#include "ctl/ctl.h"

struct hold {
	struct ctl *ctl;
	struct dmabroker_collection *collection; /* owned, by hold_take */
	int signals;				 /* those that end the program or tell of a child */
	sigset_t mask;				 /* that a command shall run with */
	bool waiting;				 /* for the first generation */
	bool ended;				 /* the collection is over for all */
};

/* Catches signals from here on. Nothing is to be finished where it fails. */
int hold_begin(struct hold *hold, struct ctl *ctl);

/* Takes the collection; from now on it is said what happens to it. */
void hold_take(struct hold *hold, struct dmabroker_collection *collection);

/* Waits until all have spoken and there are buffers. */
int hold_wait(struct hold *hold);

/* Shows the collection and holds it, or runs the command. Returns the exit status. */
int hold_run(struct hold *hold);

/* Releases the collection. */
void hold_finish(struct hold *hold);

#endif
