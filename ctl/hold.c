/* SPDX-License-Identifier: MIT */
/*
 * Holding a collection: shows it, waits for the others, tells what happens to it, and runs a
 * command that inherits its buffers.
 *
 * Signals come through a descriptor, so that one poll waits for them and for the daemon.
 */
#include "ctl/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/copies.h"
#include "ctl/json.h"
#include "ctl/text.h"

#define STATUS_NOT_RUN 126 /* as in a shell */
#define STATUS_NOT_FOUND 127
#define STATUS_SIGNAL 128
#define MISSING_MS 5000 /* until it is said, again and again, who is missing */
#define FETCH_MS 30000	/* for a generation that is there */

extern char **environ;

/* The dma-bufs as a command inherits them: duplicates without close-on-exec. */
struct inherited {
	int *fds;
	size_t len;
};

/* ---- showing ---- */

static const char *const headings[] = {"COLLECTION", "HEAP",	 "FORMAT",
				       "SIZE",	     ">BUFFERS", "INODES"};

static char *inodes_text(struct dmabroker_collection *collection)
{
	char *list = text_format("%s", ""), *longer;
	const struct dmabroker_buffer *buffer;

	for (size_t i = 0; i < dmabroker_collection_get_count(collection); i++) {
		buffer = dmabroker_collection_get_buffer(collection, i);
		for (size_t m = 0; m < dmabroker_buffer_get_memory_count(buffer); m++) {
			longer = text_format("%s%s%" PRIu64, list, *list ? " " : "",
					     dmabroker_buffer_get_inode(buffer, m));
			free(list);
			list = longer;
		}
	}
	return list;
}

static void show_text(const struct ctl *ctl, struct dmabroker_collection *collection)
{
	const struct dmabroker_record *plan = dmabroker_collection_get_plan(collection);
	struct text_table *table =
		text_table_create(headings, sizeof(headings) / sizeof(headings[0]));
	char *format = text_value(plan, "format", DMABROKER_TYPE_FOURCC);
	char *width = text_value(plan, "width", DMABROKER_TYPE_UINT);
	char *height = text_value(plan, "height", DMABROKER_TYPE_UINT);
	char *inodes = inodes_text(collection);
	bool split = dmabroker_record_get_len(plan, "groups") > 0;

	text_table_add(table, "%s", dmabroker_collection_get_path(collection));
	text_table_add(table, "%s", split ? "split" : text_string(plan, "heap", "-"));
	text_table_add(table, "%s", format);
	text_table_add(table, "%sx%s", width, height);
	text_table_add(table, "%zu", dmabroker_collection_get_count(collection));
	text_table_add(table, "%s", inodes);
	text_table_print(ctl, table, 0);
	free(inodes);
	free(height);
	free(width);
	free(format);
}

static struct json_object *buffer_json(const struct dmabroker_buffer *buffer)
{
	struct json_object *object = json_object_new_object();
	struct json_object *list = json_object_new_array(), *memory;

	for (size_t m = 0; m < dmabroker_buffer_get_memory_count(buffer); m++) {
		memory = json_object_new_object();
		json_object_object_add(
			memory, "bytes",
			json_object_new_uint64(dmabroker_buffer_get_bytes(buffer, m)));
		json_object_object_add(
			memory, "inode",
			json_object_new_uint64(dmabroker_buffer_get_inode(buffer, m)));
		json_object_array_add(list, memory);
	}
	json_object_object_add(object, "memory", list);
	return object;
}

/* Returns owned. */
static struct json_object *collection_json(struct dmabroker_collection *collection)
{
	struct json_object *object = json_object_new_object(), *list = json_object_new_array();

	for (size_t i = 0; i < dmabroker_collection_get_count(collection); i++)
		json_object_array_add(list,
				      buffer_json(dmabroker_collection_get_buffer(collection, i)));
	json_object_object_add(object, "path",
			       json_object_new_string(dmabroker_collection_get_path(collection)));
	json_object_object_add(object, "plan",
			       json_from_record(dmabroker_collection_get_plan(collection)));
	json_object_object_add(object, "buffers", list);
	return object;
}

static void show(const struct hold *hold)
{
	if (hold->ctl->json)
		json_print(hold->ctl, collection_json(hold->collection));
	else
		show_text(hold->ctl, hold->collection);
	fflush(stdout);
}

/* ---- what happens to it ---- */

static const char *event_word(enum dmabroker_event event)
{
	return event == DMABROKER_EVENT_NEGOTIATED    ? "negotiated"
	       : event == DMABROKER_EVENT_HANDED_OVER ? "handed-over"
						      : "ended";
}

/* {"event": "ended", "path": ..., "error": ..., "message": ...}, and of a new generation what it
 * is. */
static void print_json_event(const struct hold *hold, enum dmabroker_event event,
			     uint32_t generation, const char *error, const char *text)
{
	struct json_object *object = event == DMABROKER_EVENT_NEGOTIATED
					     ? collection_json(hold->collection)
					     : json_object_new_object();

	json_object_object_add(object, "event", json_object_new_string(event_word(event)));
	json_object_object_add(
		object, "path",
		json_object_new_string(dmabroker_collection_get_path(hold->collection)));
	if (event == DMABROKER_EVENT_ENDED) {
		json_object_object_add(object, "error", json_object_new_string(error));
		json_object_object_add(object, "message", json_object_new_string(text));
	} else {
		json_object_object_add(object, "generation", json_object_new_uint64(generation));
	}
	json_print(hold->ctl, object);
}

/* "negotiated: generation 2: camera, display: 5 buffers of 3133440 bytes from heap system: ..." */
static void print_text_event(const struct hold *hold, enum dmabroker_event event,
			     uint32_t generation, const char *error, const char *text)
{
	const struct dmabroker_record *plan = dmabroker_collection_get_plan(hold->collection);
	char *description, *names, *line;

	if (event == DMABROKER_EVENT_ENDED) {
		line = text_format("ended: %s: %s", error, text);
	} else if (event == DMABROKER_EVENT_NEGOTIATED) {
		description = dmabroker_plan_describe(plan);
		if (!description)
			ctl_out_of_memory();
		names = copies_names(plan);
		line = text_format("negotiated: generation %" PRIu32 ": %s: %.*s", generation,
				   names, (int)strcspn(description, "\n"), description);
		free(names);
		free(description);
	} else {
		line = text_format("handed-over: generation %" PRIu32, generation);
	}
	text_line(0, line);
	free(line);
}

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

static void on_event(void *data, struct dmabroker_collection *collection,
		     enum dmabroker_event event, uint32_t generation, const char *error,
		     const char *text)
{
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
		generation = dmabroker_collection_get_generation(collection);
	}
	if (hold->ctl->json)
		print_json_event(hold, event, generation, error, text);
	else
		print_text_event(hold, event, generation, error, text);
	fflush(stdout);
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
	*hold = (struct hold){.ctl = ctl};
	hold->signals = catch_signals(&hold->mask);
	if (hold->signals < 0)
		return ctl_error(CTL_REFUSED, "cannot wait for signals: %m");
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

/* Waits for a signal and meanwhile answers to the daemon; its end changes nothing for buffers that
 * are there. Returns the signal; 0: the collection has ended, and nothing runs that needs it. */
static int wait_for_signal(struct hold *hold)
{
	struct pollfd fds[] = {{.fd = hold->signals, .events = POLLIN},
			       {.fd = dmabroker_get_fd(hold->ctl->broker), .events = POLLIN}};
	int number;

	while (!hold->ended || hold->ctl->command) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return SIGTERM;
		number = read_signal(hold);
		if (number)
			return number;
		if (fds[1].revents && dmabroker_dispatch(hold->ctl->broker) < 0) {
			ctl_error(CTL_OK, "the daemon is gone; the buffers stay for now");
			fds[1].fd = -1;
			fds[1].revents = 0;
		}
	}
	return 0;
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

int hold_wait(struct hold *hold)
{
	struct pollfd fds[] = {{.fd = hold->signals, .events = POLLIN},
			       {.fd = dmabroker_get_fd(hold->ctl->broker), .events = POLLIN}};
	int error, ready, number;

	hold->waiting = true;
	while ((error = dmabroker_collection_wait(hold->collection, 0)) == -ETIMEDOUT) {
		ready = poll(fds, 2, MISSING_MS);
		if (ready < 0 && errno != EINTR)
			return ctl_error(CTL_REFUSED, "cannot wait: %m");
		number = read_signal(hold);
		if (number && number != SIGCHLD)
			return ctl_error(CTL_REFUSED, "ended while it waited for the others");
		if (ready > 0 && fds[1].revents)
			dmabroker_dispatch(hold->ctl->broker); /* the wait says if it is gone */
		if (ready == 0)
			say_missing(hold);
	}
	hold->waiting = false;
	return error ? ctl_failed(hold->ctl, error) : 0;
}

static int hold_buffers(struct hold *hold)
{
	int number;

	show(hold);
	if (hold->ctl->legend)
		ctl_error(CTL_OK, "holding the buffers until Ctrl-C");
	do
		number = wait_for_signal(hold);
	while (number == SIGCHLD);
	return number ? CTL_OK : CTL_REFUSED;
}

/* ---- a command ---- */

static void release_fds(struct inherited *inherited)
{
	for (size_t i = 0; i < inherited->len; i++)
		close(inherited->fds[i]);
	free(inherited->fds);
}

static int add_fds(struct inherited *inherited, const struct dmabroker_buffer *buffer)
{
	int fd, *grown;

	for (size_t m = 0; m < dmabroker_buffer_get_memory_count(buffer); m++) {
		grown = realloc(inherited->fds, (inherited->len + 1) * sizeof(*grown));
		if (!grown)
			ctl_out_of_memory();
		inherited->fds = grown;
		fd = fcntl(dmabroker_buffer_get_fd(buffer, m), F_DUPFD, 3);
		if (fd < 0)
			return ctl_error(CTL_REFUSED, "cannot hand a buffer on: %m");
		grown[inherited->len++] = fd;
	}
	return CTL_OK;
}

/* Sets DMABROKER_FDS and DMABROKER_PLAN. */
static int prepare(struct dmabroker_collection *collection, struct inherited *inherited)
{
	char *list = text_format("%s", ""), *longer;
	struct json_object *plan;
	int status = CTL_OK;

	for (size_t i = 0; i < dmabroker_collection_get_count(collection) && !status; i++)
		status = add_fds(inherited, dmabroker_collection_get_buffer(collection, i));
	for (size_t i = 0; i < inherited->len; i++) {
		longer = text_format("%s%s%d", list, i ? " " : "", inherited->fds[i]);
		free(list);
		list = longer;
	}
	plan = json_from_record(dmabroker_collection_get_plan(collection));
	if (setenv("DMABROKER_FDS", list, 1) < 0 ||
	    setenv("DMABROKER_PLAN",
		   json_object_to_json_string_ext(plan, JSON_C_TO_STRING_NOSLASHESCAPE), 1) < 0)
		ctl_out_of_memory();
	json_object_put(plan);
	free(list);
	return status;
}

static int start(char **command, const sigset_t *mask, pid_t *ret_child)
{
	posix_spawnattr_t attributes;
	int error;

	error = posix_spawnattr_init(&attributes);
	if (error)
		return error;
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attributes, mask);
	error = posix_spawnp(ret_child, command[0], NULL, &attributes, command, environ);
	posix_spawnattr_destroy(&attributes);
	return error;
}

/*
 * Waits for the command. The terminal gives Ctrl-C and its like to the command itself; what was
 * sent to this process alone is handed on.
 */
static int wait_for_child(struct hold *hold, pid_t child)
{
	int number, status;

	for (;;) {
		number = wait_for_signal(hold);
		if (number == SIGTERM || number == SIGHUP)
			kill(child, number);
		if (number != SIGCHLD || waitpid(child, &status, WNOHANG) != child)
			continue;
		return WIFSIGNALED(status) ? STATUS_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

static int run_command(struct hold *hold)
{
	char **command = hold->ctl->command;
	struct inherited inherited = {0};
	pid_t child;
	int status, error = 0;

	status = prepare(hold->collection, &inherited);
	if (!status)
		error = start(command, &hold->mask, &child);
	release_fds(&inherited);
	if (error)
		return ctl_error(error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN,
				 "cannot run '%s': %s", command[0], strerror(error));
	return status ? status : wait_for_child(hold, child);
}

int hold_run(struct hold *hold)
{
	return hold->ctl->command ? run_command(hold) : hold_buffers(hold);
}
