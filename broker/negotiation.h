/* SPDX-License-Identifier: MIT */
/* What members say, and what becomes of it. */
#ifndef NEGOTIATION_H
#define NEGOTIATION_H

#include "broker/inside.h"

struct allocation;

/*
 * Takes the participants out of a request and settles each; the rest is checked as well.
 * `*ret_said` is owned by the caller, NULL where there are none. On failure the request may only be
 * destroyed. Errors, with details: InvalidRequest, UnknownDevice, NotSupported, TooComplex;
 * -ENOMEM.
 */
int negotiation_split(const struct broker *broker, struct request *request, struct error *error,
		      struct request **ret_said);

/* Begins the first negotiation if all have spoken. */
void negotiation_check(struct collection *collection);

/* An allocation is done (`generation`, taken) or has failed: `error`. */
void negotiation_decided(struct collection *collection, struct allocation *allocation,
			 struct generation *generation, struct error *error);

/* Writes into an allocation's plan which participant says when it takes over: the first that
 * writes and whose member is there. Errors: -ENOMEM. */
int negotiation_name_hand_over(struct allocation *allocation);

/* Of a conflict: a heap that has been ruled out by a report is named so. */
void negotiation_name_reported(const struct collection *collection, struct error *error);

#endif
