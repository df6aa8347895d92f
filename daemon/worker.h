/* SPDX-License-Identifier: MIT */
/* A few threads that run the broker's jobs, because heaps and drivers may block for long. */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>

struct broker_job;
struct loop;
struct workers;

#define WORKERS_MAX 16

/* Has `on_done` called from the loop for each job that has run. Returns owned.
 * Errors: -ENOMEM, -EAGAIN (no more threads), -EMFILE. */
int workers_create(struct loop *loop, unsigned int len,
		   void (*on_done)(void *data, struct broker_job *job), void *data,
		   struct workers **ret_workers);

/* Takes the workers (or NULL). Waits for what runs now; none may be left in the queue. */
void workers_destroy(struct workers *workers);

/* Borrows the job until on_done. */
void workers_submit(struct workers *workers, struct broker_job *job);

/* Whether no job is queued, runs, or waits for on_done. */
bool workers_idle(const struct workers *workers);

#endif
