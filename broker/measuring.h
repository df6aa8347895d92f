/* SPDX-License-Identifier: MIT */
/* Measuring nodes: when, and what becomes of the facts. */
#ifndef MEASURING_H
#define MEASURING_H

#include "broker/inside.h"

/* Has every node that there is measured. Errors: udev's own; it is tried again then. */
int measuring_enumerate(struct broker *broker);

/* probe_event_fn, with the broker as data */
void measuring_on_node(void *data, enum probe_event event, const struct probe_node *node);

/* Measures what was in use and is due again. */
void measuring_retry(struct broker *broker);

/* When measuring_retry or an enumeration is due; UINT64_MAX: never. */
uint64_t measuring_due(const struct broker *broker);

/* Takes a job that has run; false: it is none of these. */
bool measuring_done(struct broker *broker, struct broker_job *job);

/* The first time that nothing is being measured any more, the host is told. */
void measuring_check_settled(struct broker *broker);

/*
 * A client says that a device has refused memory which should suit it. That alone changes no fact:
 * the device is measured from scratch, trials included, and only what that finds counts: what was
 * measured before stays where no trial looks for it now. While it is in use it cannot be tried; it
 * is when it is idle. One device not more often than once a minute.
 */
void measuring_check(struct broker *broker, const char *device);

void measuring_finish(struct broker *broker);

#endif
