/* SPDX-License-Identifier: MIT */
/*
 * The event loop: file descriptors, timers and deferred calls, all from one thread. Sources,
 * timers and calls are members of what they serve, begin zeroed, and may be stopped or reused from
 * any callback, their own included.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;

/* Watches one fd. Several sources may watch the same fd. */
struct loop_source {
	void (*on_events)(void *data, uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP */
	void *data;
	/* the loop's own */
	int fd;
	uint32_t events;
	bool linked;
	struct loop_source *next, *previous; /* loop_fd.sources */
};

struct loop_timer {
	void (*on_time)(void *data);
	void *data;
	/* the loop's own */
	uint64_t deadline_ns;
	bool linked;
	struct loop_timer *next, *previous; /* loop.timers */
};

struct loop_call {
	void (*on_call)(void *data);
	void *data;
	/* the loop's own */
	bool linked;
	struct loop_call *next, *previous; /* loop.calls */
};

/* Returns owned. Errors: -ENOMEM, -EMFILE. */
int loop_create(struct loop **ret_loop);

/* Takes the loop (or NULL). Every source must have been stopped. */
void loop_destroy(struct loop *loop);

/*
 * Begins to watch `fd` for `events`; 0 watches nothing until loop_change. The fd must stay open
 * until loop_stop. Errors: -ENOMEM, or epoll's own.
 */
int loop_watch(struct loop *loop, struct loop_source *source, int fd, uint32_t events);

/* Errors: epoll's own; the source then watches nothing. */
int loop_change(struct loop *loop, struct loop_source *source, uint32_t events);

/* Does nothing to a source that is not watched. */
void loop_stop(struct loop *loop, struct loop_source *source);

/* Has the timer called once, `ms` from now; a timer that runs already starts anew. */
void loop_start_timer(struct loop *loop, struct loop_timer *timer, uint64_t ms);
void loop_stop_timer(struct loop *loop, struct loop_timer *timer);

/* Has `call` called once, after the callback that runs now and before the loop waits again. */
void loop_defer(struct loop *loop, struct loop_call *call);
void loop_cancel(struct loop *loop, struct loop_call *call);

/* Has `prepare` called each time before the loop waits. */
void loop_set_prepare(struct loop *loop, void (*prepare)(void *data), void *data);

/* Runs until loop_quit. Returns its code. Errors: epoll's own. */
int loop_run(struct loop *loop);

/* Ends loop_run after this turn; the first code counts. */
void loop_quit(struct loop *loop, int code);

#endif
