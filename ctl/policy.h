/* SPDX-License-Identifier: MIT */
/* The access policy of a plan: who must do what when a buffer changes hands. */
#ifndef CTL_POLICY_H
#define CTL_POLICY_H

#include "ctl/ctl.h"

/* One DMA_BUF_IOCTL_SYNC of an operation: "START" or "END", "READ" or "WRITE". */
struct policy_step {
	const char *when, *what;
};

/* The ioctls of an operation in their order (borrowed). Returns how many; 0: none are due, or no
 * such operation is known. */
size_t policy_steps(const char *operation, const struct policy_step **ret_steps);

/* The same as words, "START WRITE, END WRITE" with ' ' `between`; "": none. Returns owned. */
char *policy_ioctls(const char *operation, char between);

/* Prints the hand-overs that need something, and a line about all others. */
void policy_show(const struct dmabroker_record *plan);

#endif
