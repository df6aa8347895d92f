/* SPDX-License-Identifier: MIT */
/* The broker's own state: what broker.c, measuring.c, collection.c, negotiation.c and allocation.c
 * share. */
#ifndef INSIDE_H
#define INSIDE_H

#include <stdatomic.h>

#include "broker/broker.h"
#include "broker/collection.h"
#include "broker/probe/probe.h"
#include "broker/quota.h"

struct measurement;
struct retry;

#define BROKER_REPORTED_MAX 16

/* A device that a client has reported, by a hash of its id. */
struct reported {
	uint64_t device;
	uint64_t until_ms; /* not measured for a report again before, CLOCK_MONOTONIC */
};

struct broker {
	struct broker_host host;
	struct probe_options options;
	char *trial_program;
	struct probe *probe;
	struct machine *machine;
	struct measurement *measurements;
	struct retry *retries;
	struct reported reported[BROKER_REPORTED_MAX];
	struct quirks *quirks;
	struct machine
		*platform; /* the machine's own facts once more: never changes, for the jobs */
	bool settled;
	uint64_t again_ms; /* something was missed: when to look again, CLOCK_MONOTONIC; 0: never */
	struct quota quota;
	struct collection *collections; /* collection.next */
	uint64_t next_number;
};

struct broker_client {
	struct broker *broker;
	struct quota_client quota;
	uid_t uid;
	void *data; /* the host's */
	struct flight *flights;
	uint64_t serials; /* counted where there is no randomness */
};

/* CLOCK_MONOTONIC */
uint64_t inside_now_ms(void);

#endif
