/* SPDX-License-Identifier: MIT */
/*
 * Other values of some keys of a request: "KEY=VALUE", or "NAME.KEY=VALUE" of a participant. A list
 * is replaced as a whole, its elements separated by commas; without a value the key is taken back.
 *
 * Lists of changes end with NULL; `where` begins the message of a failure.
 */
#ifndef CTL_CHANGE_H
#define CTL_CHANGE_H

#include "ctl/ctl.h"

/* The request (borrowed) with the changes. Returns owned. */
int change_request(const struct dmabroker_record *request, const char *where,
		   const char *const *changes, struct dmabroker_record **ret_request);

/* Of a request that has been changed so (borrowed), only what the changes are about: these keys,
 * and all participants where one of them is changed. Returns owned. */
int change_pick(const struct dmabroker_record *changed, const char *where,
		const char *const *changes, struct dmabroker_record **ret_request);

#endif
