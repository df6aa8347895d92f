/* SPDX-License-Identifier: MIT */
/*
 * `alloc`: allocates buffers and holds them, until a signal comes or for as long as a command
 * runs that inherits them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/request.h"
#include "ctl/text.h"

#define STATUS_NOT_RUN 126 /* as in a shell */
#define STATUS_NOT_FOUND 127
#define STATUS_SIGNAL 128

extern char **environ;

/* The dma-bufs as a command inherits them: duplicates without close-on-exec. */
struct inherited {
	int *fds;
	size_t len;
};

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

	text_table_add(table, "%s", dmabroker_collection_get_path(collection));
	text_table_add(table, "%s", text_string(plan, "heap", "-"));
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

static void show_json(const struct ctl *ctl, struct dmabroker_collection *collection)
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
	json_print(ctl, object);
}

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

/* Waits for a signal and meanwhile answers to the daemon; its end changes nothing for buffers that
 * are there. Returns the signal. */
static int wait_for_signal(const struct ctl *ctl, int signals)
{
	struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
			       {.fd = dmabroker_get_fd(ctl->broker), .events = POLLIN}};
	struct signalfd_siginfo info;

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return SIGTERM;
		if (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
			return (int)info.ssi_signo;
		if (fds[1].revents && dmabroker_dispatch(ctl->broker) < 0) {
			ctl_error(CTL_OK, "the daemon is gone; the buffers stay for now");
			fds[1].fd = -1;
			fds[1].revents = 0;
		}
	}
}

static int hold(const struct ctl *ctl, struct dmabroker_collection *collection, int signals)
{
	int number;

	if (ctl->json)
		show_json(ctl, collection);
	else
		show_text(ctl, collection);
	fflush(stdout);
	if (ctl->legend)
		ctl_error(CTL_OK, "holding the buffers until Ctrl-C");
	do
		number = wait_for_signal(ctl, signals);
	while (number == SIGCHLD);
	return CTL_OK;
}

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
static int wait_for_child(const struct ctl *ctl, pid_t child, int signals)
{
	int number, status;

	for (;;) {
		number = wait_for_signal(ctl, signals);
		if (number == SIGTERM || number == SIGHUP)
			kill(child, number);
		if (number != SIGCHLD || waitpid(child, &status, WNOHANG) != child)
			continue;
		return WIFSIGNALED(status) ? STATUS_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

static int run_command(const struct ctl *ctl, struct dmabroker_collection *collection, int signals,
		       const sigset_t *mask)
{
	struct inherited inherited = {0};
	pid_t child;
	int status, error = 0;

	status = prepare(collection, &inherited);
	if (!status)
		error = start(ctl->command, mask, &child);
	release_fds(&inherited);
	if (error)
		return ctl_error(error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN,
				 "cannot run '%s': %s", ctl->command[0], strerror(error));
	return status ? status : wait_for_child(ctl, child, signals);
}

static int run(struct ctl *ctl)
{
	struct dmabroker_collection *collection;
	int status, error, signals;
	sigset_t mask;

	status = request_build(ctl);
	if (status)
		return status;
	signals = catch_signals(&mask);
	if (signals < 0)
		return ctl_error(CTL_REFUSED, "cannot wait for signals: %m");
	error = dmabroker_allocate(ctl->broker, ctl->request, &collection);
	if (error) {
		status = ctl_failed(ctl, error);
	} else {
		status = ctl->command ? run_command(ctl, collection, signals, &mask)
				      : hold(ctl, collection, signals);
		dmabroker_collection_release(collection);
	}
	close(signals);
	return status;
}

const struct ctl_verb alloc_verb = {
	.name = "alloc",
	.arguments = "[OPTION...] --size WxH PARTICIPANT... | --request FILE\n"
		     "                   [-- COMMAND [ARGUMENT...]]",
	.summary = "Allocates buffers and holds them until Ctrl-C, or while COMMAND runs",
	.details = request_help,
	.options = request_options,
	.command = true,
	.participants = true,
	.run = run,
};
