/* SPDX-License-Identifier: MIT */
/* What is said of a collection that the daemon tells of. */
#ifndef CTL_COLLECTIONS_H
#define CTL_COLLECTIONS_H

#include "ctl/ctl.h"

/* "2/3": who has spoken, of all. Returns owned; free() frees it. Never NULL. */
char *collections_members_words(const struct dmabroker_record *collection);

#endif
