/* SPDX-License-Identifier: MIT */
/*
 * A broker among nodes and heaps that are made up: what the probe and the exporters say is said
 * here (the program is linked with --wrap for their functions), and a job runs when the test says.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include "broker/broker.h"
#include "broker/probe/probe.h"

extern struct machine *world; /* what can be measured */
extern int enumerate_error;   /* after the first node */
extern int dispatch_error;
extern const char *busy;	     /* id of the device that is in use */
extern unsigned int measured_before; /* measurements that were told what was known */
extern unsigned int measured;	     /* measurements in all */

/* Heaps that fail after some buffers, each time anew, by the end of their nodes' paths. */
struct world_broken {
	const char *heap;
	unsigned int after; /* so many buffers */
	int error;
	unsigned int given; /* since it failed last */
};
extern struct world_broken broken[3];
extern unsigned int heap_calls;
extern unsigned int wrap_calls; /* memfds that were made dma-bufs */
extern int wrap_error;		/* why none is; 0: they are */

extern struct broker *broker;
extern struct broker_job *jobs; /* broker_job.next */
extern unsigned int settled, added, removed, changed;
extern unsigned int changed_rows; /* of the last change: how many of the device's own rows */
extern const struct broker_host host;

/* What has been told of collections, as lines such as "4 negotiated 1 by 7": the first number is
 * the client's data, the last the collection. */
extern char told[4096];
extern char stuck[512];

void world_report(enum probe_event event, const char *id, const char *subsystem);

/* Runs the last job, without its end. */
struct broker_job *run_one(void);
void run_all(void);

/* Fixtures: the machine "pc"; nothing is left when all has ended. */
void world_setup(void);
void world_teardown(void);

#endif
