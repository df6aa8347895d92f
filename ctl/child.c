/* SPDX-License-Identifier: MIT */
/* A command that inherits the buffers of a collection. */
#include "ctl/child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/json.h"
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
		number = hold_wait_for_signal(hold);
		if (number == SIGTERM || number == SIGHUP)
			kill(child, number);
		if (number != SIGCHLD || waitpid(child, &status, WNOHANG) != child)
			continue;
		return WIFSIGNALED(status) ? STATUS_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

int child_run(struct hold *hold)
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
