/* SPDX-License-Identifier: MIT */
/* Holding a collection until a signal or the command to release it comes, or for as long as another
 * program runs. */
#ifndef CTL_HOLD_H
#define CTL_HOLD_H

#include <signal.h>

#include "ctl/ctl.h"

struct hold {
	struct ctl *ctl;
	struct dmabroker_collection *collection; /* owned, by hold_take */
	struct lines *lines;			 /* owned: of commands; NULL: none are read */
	int signals;				 /* those that end the program or tell of a child */
	int broker_fd;				 /* borrowed; negative: the daemon is gone */
	sigset_t mask;				 /* that a command shall run with */
	bool waiting;				 /* for the first generation */
	bool ended;				 /* the collection is over for all */
	bool released;				 /* a command has let it go */
};

/* Catches signals from here on. Nothing is to be finished where it fails. */
int hold_begin(struct hold *hold, struct ctl *ctl);

/* Takes the collection; from now on it is said what happens to it. */
void hold_take(struct hold *hold, struct dmabroker_collection *collection);

/* Waits until all have spoken and there are buffers, or a command has released it. */
int hold_wait(struct hold *hold);

/* Shows the collection and holds it, or runs the command. Returns the exit status. */
int hold_run(struct hold *hold);

/* Waits for a signal and meanwhile answers to the daemon and to commands. Returns the signal; 0:
 * the collection has been released, or has ended and nothing runs that needs it. */
int hold_wait_for_signal(struct hold *hold);

/* Releases the collection. */
void hold_finish(struct hold *hold);

#endif
