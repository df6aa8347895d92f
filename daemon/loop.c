/* SPDX-License-Identifier: MIT */
/*
 * One turn: prepare, wait, then events, timers, deferred calls. What a callback may do to the list
 * that is being walked is the only hard part here:
 *
 * - epoll knows one registration per fd and libdbus has two watches per connection, so sources hang
 *   on a struct loop_fd, found by number, whose registration is the union of what they want.
 * - A callback may stop any source. The walk keeps its place in loop.cursor, which loop_stop moves
 *   on when it takes away just that source.
 * - A callback may close a fd for which an event is still in hand, and the number may be in use
 *   again. Events carry the generation of the registration; those of an older one are dropped.
 * - Timers and deferred calls leave their list before they are called; those that are added
 *   meanwhile wait for the next turn, so that nobody starves the fds.
 */
#include "daemon/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TURN_EVENTS 64
#define NS_PER_MS 1000000ull

struct loop_fd {
	struct loop_source *sources;
	uint32_t registered; /* what epoll has been told; 0: fd unknown to it */
	uint32_t generation;
};

struct loop {
	int epoll;
	struct loop_fd *fds;
	size_t fds_len;
	struct loop_source *cursor;
	struct loop_timer *timers; /* in the order of their deadlines */
	struct loop_call *calls;   /* in the order of their coming */
	struct loop_call *last_call;
	struct loop_call end; /* handle_calls' mark */
	bool end_reached;
	void (*prepare)(void *data);
	void *prepare_data;
	bool quit;
	int code;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * NS_PER_MS + (uint64_t)now.tv_nsec;
}

/* The deferred calls that were there when the turn began have been called. */
static void on_end(void *data)
{
	struct loop *loop = data;

	loop->end_reached = true;
}

int loop_create(struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->end = (struct loop_call){.on_call = on_end, .data = loop};
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		int error = -errno;

		free(loop);
		return error;
	}
	*ret_loop = loop;
	return 0;
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	close(loop->epoll);
	free(loop->fds);
	free(loop);
}

/* ---- fds ---- */

static int make_room(struct loop *loop, int fd)
{
	size_t len = loop->fds_len ? loop->fds_len : 64;
	struct loop_fd *fds;

	if ((size_t)fd < loop->fds_len)
		return 0;
	while (len <= (size_t)fd)
		len *= 2;
	fds = realloc(loop->fds, len * sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	for (size_t i = loop->fds_len; i < len; i++)
		fds[i] = (struct loop_fd){0};
	loop->fds = fds;
	loop->fds_len = len;
	return 0;
}

/* Tells epoll what the sources of a fd want together. */
static int register_fd(struct loop *loop, int fd)
{
	struct loop_fd *entry = &loop->fds[fd];
	struct epoll_event event = {0};
	int operation;

	for (struct loop_source *source = entry->sources; source; source = source->next)
		event.events |= source->events;
	if (event.events == entry->registered)
		return 0;
	if (!entry->registered) {
		operation = EPOLL_CTL_ADD;
		entry->generation++;
	} else {
		operation = event.events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
	}
	event.data.u64 = (uint64_t)entry->generation << 32 | (uint32_t)fd;
	if (epoll_ctl(loop->epoll, operation, fd, &event) < 0) {
		entry->registered = 0;
		return operation == EPOLL_CTL_DEL ? 0 : -errno;
	}
	entry->registered = event.events;
	return 0;
}

int loop_watch(struct loop *loop, struct loop_source *source, int fd, uint32_t events)
{
	int error;

	error = make_room(loop, fd);
	if (error)
		return error;
	source->fd = fd;
	source->events = events;
	source->linked = true;
	source->previous = NULL;
	source->next = loop->fds[fd].sources;
	if (source->next)
		source->next->previous = source;
	loop->fds[fd].sources = source;
	error = register_fd(loop, fd);
	if (error)
		loop_stop(loop, source);
	return error;
}

int loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
	int error;

	source->events = events;
	error = register_fd(loop, source->fd);
	if (error)
		source->events = 0;
	return error;
}

void loop_stop(struct loop *loop, struct loop_source *source)
{
	if (!source->linked)
		return;
	if (loop->cursor == source)
		loop->cursor = source->next;
	if (source->next)
		source->next->previous = source->previous;
	if (source->previous)
		source->previous->next = source->next;
	else
		loop->fds[source->fd].sources = source->next;
	source->linked = false;
	register_fd(loop, source->fd);
}

static void handle_event(struct loop *loop, const struct epoll_event *event)
{
	int fd = (int)(uint32_t)event->data.u64;
	struct loop_source *source;
	uint32_t events;

	if (loop->fds[fd].generation != event->data.u64 >> 32)
		return;
	loop->cursor = loop->fds[fd].sources;
	while (loop->cursor) {
		source = loop->cursor;
		loop->cursor = source->next;
		events = event->events & (source->events | EPOLLERR | EPOLLHUP);
		if (source->events && events)
			source->on_events(source->data, events);
	}
}

/* ---- timers ---- */

void loop_start_timer(struct loop *loop, struct loop_timer *timer, uint64_t ms)
{
	struct loop_timer **place = &loop->timers, *previous = NULL;

	loop_stop_timer(loop, timer);
	timer->deadline_ns = now_ns() + ms * NS_PER_MS;
	while (*place && (*place)->deadline_ns <= timer->deadline_ns) {
		previous = *place;
		place = &(*place)->next;
	}
	timer->next = *place;
	timer->previous = previous;
	if (timer->next)
		timer->next->previous = timer;
	*place = timer;
	timer->linked = true;
}

void loop_stop_timer(struct loop *loop, struct loop_timer *timer)
{
	if (!timer->linked)
		return;
	if (timer->next)
		timer->next->previous = timer->previous;
	if (timer->previous)
		timer->previous->next = timer->next;
	else
		loop->timers = timer->next;
	timer->linked = false;
}

static void handle_timers(struct loop *loop)
{
	uint64_t now = now_ns();
	struct loop_timer *timer;

	while (loop->timers && loop->timers->deadline_ns <= now) {
		timer = loop->timers;
		loop_stop_timer(loop, timer);
		timer->on_time(timer->data);
	}
}

/* Milliseconds until the first timer, rounded up; -1: none. */
static int wait_ms(const struct loop *loop)
{
	uint64_t now = now_ns(), ms;

	if (loop->calls)
		return 0;
	if (!loop->timers)
		return -1;
	if (loop->timers->deadline_ns <= now)
		return 0;
	ms = (loop->timers->deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms > 60000 ? 60000 : (int)ms;
}

/* ---- deferred calls ---- */

void loop_defer(struct loop *loop, struct loop_call *call)
{
	if (call->linked)
		return;
	call->next = NULL;
	call->previous = loop->last_call;
	if (call->previous)
		call->previous->next = call;
	else
		loop->calls = call;
	loop->last_call = call;
	call->linked = true;
}

void loop_cancel(struct loop *loop, struct loop_call *call)
{
	if (!call->linked)
		return;
	if (call->next)
		call->next->previous = call->previous;
	else
		loop->last_call = call->previous;
	if (call->previous)
		call->previous->next = call->next;
	else
		loop->calls = call->next;
	call->linked = false;
}

/* Calls what has been deferred up to now: a mark is put behind it. */
static void handle_calls(struct loop *loop)
{
	struct loop_call *call;

	loop->end_reached = false;
	loop_defer(loop, &loop->end);
	while (!loop->end_reached) {
		call = loop->calls;
		loop_cancel(loop, call);
		call->on_call(call->data);
	}
}

/* ---- run ---- */

void loop_set_prepare(struct loop *loop, void (*prepare)(void *data), void *data)
{
	loop->prepare = prepare;
	loop->prepare_data = data;
}

static int turn(struct loop *loop)
{
	struct epoll_event events[TURN_EVENTS];
	int len;

	if (loop->prepare)
		loop->prepare(loop->prepare_data);
	len = epoll_wait(loop->epoll, events, TURN_EVENTS, wait_ms(loop));
	if (len < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < len; i++)
		handle_event(loop, &events[i]);
	handle_timers(loop);
	handle_calls(loop);
	return 0;
}

int loop_run(struct loop *loop)
{
	int error;

	while (!loop->quit) {
		error = turn(loop);
		if (error)
			return error;
	}
	return loop->code;
}

void loop_quit(struct loop *loop, int code)
{
	if (!loop->quit)
		loop->code = code;
	loop->quit = true;
}
