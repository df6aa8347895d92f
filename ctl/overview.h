/* SPDX-License-Identifier: MIT */
/* The table of participants against constraints, with those marked that decide. */
#ifndef CTL_OVERVIEW_H
#define CTL_OVERVIEW_H

#include "ctl/ctl.h"
#include "ctl/party.h"

/* All is borrowed. */
struct overview {
	const struct dmabroker_record *request;
	struct party_devices devices;
	const struct dmabroker_record *plan;	/* its reasons decide; NULL: there is none */
	const struct dmabroker_record *details; /* of a conflict: its members decide; or NULL */
	bool group; /* the plan is that of a group: only its participants are shown */
};

/* Prints a row for each participant, one for the request, and one for the plan. */
void overview_show(const struct ctl *ctl, const struct overview *overview);

#endif
