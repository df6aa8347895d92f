/* SPDX-License-Identifier: MIT */
/*
 * Holding a collection: waits for the others, and tells what happens to it.
 *
 * Signals come through a descriptor, so that one poll waits for them, for the daemon, and for
 * commands.
 */
#include "ctl/hold.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ctl/child.h"
#include "ctl/commands.h"
#include "ctl/held.h"
#include "ctl/lines.h"
#include "ctl/text.h"

#define MISSING_MS 5000 /* until it is said, again and again, who is missing */
#define FETCH_MS 30000	/* for a generation that is there */

/* ---- what happens to it ---- */

/* Fetches what has been negotiated. False: it is no news, or cannot be had. */
static bool fetch(const struct hold *hold, uint32_t generation)
{
	const struct dmabroker_record *before = dmabroker_collection_get_plan(hold->collection);

	if (generation < dmabroker_collection_get_generation(hold->collection))
		return false;
	if (dmabroker_collection_wait(hold->collection, FETCH_MS) < 0) {
		ctl_error(CTL_OK, "generation %" PRIu32 " cannot be had: %s", generation,
			  dmabroker_get_error_text(hold->ctl->broker));
		return false;
	}
	return dmabroker_collection_get_plan(hold->collection) != before;
}

/* Tells on stdout. Who gives commands sees new buffers as at first. */
static void tell(const struct hold *hold, const struct held_event *event, uint32_t before)
{
	held_tell(hold->ctl, hold->collection, event);
	if (event->event == DMABROKER_EVENT_NEGOTIATED && event->generation > before &&
	    hold->ctl->commands && !hold->ctl->json)
		held_show_table(hold->ctl, hold->collection);
	fflush(stdout);
}

static void on_event(void *data, struct dmabroker_collection *collection,
		     enum dmabroker_event event, uint32_t generation, const char *error,
		     const char *text)
{
	struct held_event happened = {event, generation, error, text};
	uint32_t before = dmabroker_collection_get_generation(collection);
	struct hold *hold = data;

	/* the first generation is waited for, and the wait says why it failed */
	if (hold->waiting)
		return;
	if (hold->ctl->command) { /* which has stdout for itself, and the buffers it was given */
		if (event == DMABROKER_EVENT_ENDED)
			ctl_error(CTL_OK, "ended: %s: %s", error, text);
		return;
	}
	if (event == DMABROKER_EVENT_NEGOTIATED) {
		if (!fetch(hold, generation))
			return;
		happened.generation = dmabroker_collection_get_generation(collection);
	}
	tell(hold, &happened, before);
	if (event == DMABROKER_EVENT_HANDED_OVER)
		dmabroker_collection_hand_over(collection); /* what it frees is not ours to miss */
	hold->ended |= event == DMABROKER_EVENT_ENDED;
}

/* ---- waiting ---- */

/*
 * Blocks the signals that end the program or tell of its child, so that they come through a
 * descriptor. `*ret_old` is the mask that a command shall run with.
 */
static int catch_signals(sigset_t *ret_old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, ret_old);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int hold_begin(struct hold *hold, struct ctl *ctl)
{
	*hold = (struct hold){.ctl = ctl, .broker_fd = dmabroker_get_fd(ctl->broker)};
	hold->signals = catch_signals(&hold->mask);
	if (hold->signals < 0)
		return ctl_error(CTL_REFUSED, "cannot wait for signals: %m");
	if (ctl->commands)
		hold->lines = lines_create(STDIN_FILENO);
	return 0;
}

void hold_take(struct hold *hold, struct dmabroker_collection *collection)
{
	hold->collection = collection;
	dmabroker_collection_set_callback(collection, on_event, hold);
}

void hold_finish(struct hold *hold)
{
	dmabroker_collection_release(hold->collection);
	lines_destroy(hold->lines);
	close(hold->signals);
}

/* The signal that has come; 0: none. */
static int read_signal(const struct hold *hold)
{
	struct signalfd_siginfo info;

	return read(hold->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)
		       ? (int)info.ssi_signo
		       : 0;
}

/* Says on stderr who is missing, while it is waited for others. */
static void say_missing(const struct hold *hold)
{
	struct dmabroker_record *status;
	char *names;

	if (!hold->ctl->legend || dmabroker_collection_get_status(hold->collection, &status) < 0)
		return;
	names = text_list(status, "missing");
	ctl_error(CTL_OK, "still missing: %s", names);
	free(names);
	dmabroker_record_destroy(status);
}

/* The daemon's end changes nothing for buffers that are there. */
static void hear_daemon(struct hold *hold)
{
	if (dmabroker_dispatch(hold->ctl->broker) >= 0)
		return;
	hold->broker_fd = -1;
	if (!hold->waiting) /* the wait says it itself */
		ctl_error(CTL_OK, "the daemon is gone; the buffers stay for now");
}

/* Waits for what comes first, and handles it. Returns the signal that has come; 0: none; negative
 * errno: it cannot be waited. */
static int handle_next(struct hold *hold)
{
	bool pending = hold->lines && lines_have_next(hold->lines);
	int commands = hold->lines && !pending ? lines_get_fd(hold->lines) : -1;
	struct pollfd fds[] = {{.fd = hold->signals, .events = POLLIN},
			       {.fd = hold->broker_fd, .events = POLLIN},
			       {.fd = commands, .events = POLLIN}};
	int ready, number;

	ready = poll(fds, 3, pending ? 0 : hold->waiting ? MISSING_MS : -1);
	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	number = read_signal(hold);
	if (number)
		return number;
	if (fds[1].revents)
		hear_daemon(hold);
	if (fds[2].revents)
		lines_read(hold->lines);
	if (hold->lines)
		commands_run_next(hold);
	if (ready == 0 && !pending)
		say_missing(hold);
	return 0;
}

int hold_wait_for_signal(struct hold *hold)
{
	int number = 0;

	while (!number && !hold->released && (!hold->ended || hold->ctl->command))
		number = handle_next(hold);
	return number < 0 ? SIGTERM : number;
}

int hold_wait(struct hold *hold)
{
	int error, number;

	hold->waiting = true;
	while ((error = dmabroker_collection_wait(hold->collection, 0)) == -ETIMEDOUT) {
		number = handle_next(hold);
		if (number < 0)
			return ctl_error(CTL_REFUSED, "cannot wait: %s", strerror(-number));
		if (number && number != SIGCHLD)
			return ctl_error(CTL_REFUSED, "ended while it waited for the others");
		if (hold->released)
			return CTL_OK;
	}
	hold->waiting = false;
	return error ? ctl_failed(hold->ctl, error) : 0;
}

static int hold_buffers(struct hold *hold)
{
	int number;

	held_show(hold->ctl, hold->collection);
	fflush(stdout);
	if (hold->ctl->legend)
		ctl_error(CTL_OK, "holding the buffers until Ctrl-C");
	do
		number = hold_wait_for_signal(hold);
	while (number == SIGCHLD);
	return number || hold->released ? CTL_OK : CTL_REFUSED;
}

int hold_run(struct hold *hold)
{
	if (hold->released)
		return CTL_OK;
	return hold->ctl->command ? child_run(hold) : hold_buffers(hold);
}
