/* SPDX-License-Identifier: MIT */
/*
 * Two queues under one lock: jobs to run, jobs that have run. The threads know nothing but the
 * queues and the job in hand; they take no signals. An eventfd tells the loop of finished jobs.
 */
#include "daemon/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "broker/broker.h"
#include "daemon/loop.h"

struct queue {
	struct broker_job *first; /* broker_job.next */
	struct broker_job *last;
};

struct workers {
	struct loop *loop;
	void (*on_done)(void *data, struct broker_job *job);
	void *data;
	struct loop_source source;
	int event;
	unsigned int outstanding; /* the loop's own: not under the lock */
	pthread_t threads[WORKERS_MAX];
	unsigned int threads_len;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct queue waiting; /* under the lock, as all below */
	struct queue done;
	bool stop;
};

static void push(struct queue *queue, struct broker_job *job)
{
	job->next = NULL;
	if (queue->last)
		queue->last->next = job;
	else
		queue->first = job;
	queue->last = job;
}

static struct broker_job *pop(struct queue *queue)
{
	struct broker_job *job = queue->first;

	if (!job)
		return NULL;
	queue->first = job->next;
	if (!queue->first)
		queue->last = NULL;
	job->next = NULL;
	return job;
}

static void *work(void *data)
{
	struct workers *workers = data;
	uint64_t one = 1;
	struct broker_job *job;
	ssize_t written;

	pthread_mutex_lock(&workers->lock);
	while (!workers->stop) {
		job = pop(&workers->waiting);
		if (!job) {
			pthread_cond_wait(&workers->wake, &workers->lock);
			continue;
		}
		pthread_mutex_unlock(&workers->lock);
		job->run(job);
		pthread_mutex_lock(&workers->lock);
		push(&workers->done, job);
		/* it fails only when the counter is full, and then the loop is awake */
		written = write(workers->event, &one, sizeof(one));
		(void)written;
	}
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

static void on_event(void *data, uint32_t events)
{
	struct workers *workers = data;
	uint64_t count;
	ssize_t len;
	struct broker_job *job, *next;

	(void)events;
	len = read(workers->event, &count, sizeof(count));
	(void)len;
	pthread_mutex_lock(&workers->lock);
	job = workers->done.first;
	workers->done = (struct queue){0};
	pthread_mutex_unlock(&workers->lock);
	for (; job; job = next) {
		next = job->next;
		workers->outstanding--;
		workers->on_done(workers->data, job);
	}
}

/* Threads inherit the mask of their maker: all signals stay with the loop. */
static int start_threads(struct workers *workers, unsigned int len)
{
	sigset_t all, before;
	int error = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (workers->threads_len < len && !error) {
		error = -pthread_create(&workers->threads[workers->threads_len], NULL, work,
					workers);
		if (!error)
			workers->threads_len++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

int workers_create(struct loop *loop, unsigned int len,
		   void (*on_done)(void *data, struct broker_job *job), void *data,
		   struct workers **ret_workers)
{
	struct workers *workers = calloc(1, sizeof(*workers));
	int error;

	if (!workers)
		return -ENOMEM;
	workers->loop = loop;
	workers->on_done = on_done;
	workers->data = data;
	workers->source = (struct loop_source){.on_events = on_event, .data = workers};
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->wake, NULL);
	workers->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = workers->event < 0 ? -errno : 0;
	if (!error)
		error = loop_watch(loop, &workers->source, workers->event, EPOLLIN);
	if (!error)
		error = start_threads(workers, len);
	if (error) {
		workers_destroy(workers);
		return error;
	}
	*ret_workers = workers;
	return 0;
}

void workers_destroy(struct workers *workers)
{
	if (!workers)
		return;
	pthread_mutex_lock(&workers->lock);
	workers->stop = true;
	pthread_cond_broadcast(&workers->wake);
	pthread_mutex_unlock(&workers->lock);
	for (unsigned int i = 0; i < workers->threads_len; i++)
		pthread_join(workers->threads[i], NULL);
	loop_stop(workers->loop, &workers->source);
	if (workers->event >= 0)
		close(workers->event);
	pthread_cond_destroy(&workers->wake);
	pthread_mutex_destroy(&workers->lock);
	free(workers);
}

void workers_submit(struct workers *workers, struct broker_job *job)
{
	workers->outstanding++;
	pthread_mutex_lock(&workers->lock);
	push(&workers->waiting, job);
	pthread_cond_signal(&workers->wake);
	pthread_mutex_unlock(&workers->lock);
}

bool workers_idle(const struct workers *workers)
{
	return workers->outstanding == 0;
}
