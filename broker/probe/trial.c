/* SPDX-License-Identifier: MIT */
/*
 * Trials. Which allocator stands behind a V4L2 queue is told by one thing only: the exporter's name
 * of a buffer it has made. Whether a driver takes scattered memory, by giving it some. Both run
 * code of the driver that may sleep for long, may fail in ways nobody has tested, and makes others
 * see EBUSY while it lasts. So it happens in a child (trial-main.c) that gets the path of the node
 * and the type of the queue, or one fd of a DRM node, and nothing else: no other fd of ours, no
 * environment, no signal mask. (A DRM node is not opened anew: who opens a primary node may become
 * its master.)
 *
 * The child has until the deadline to say one line and to end; then it is killed. It may hang in
 * the kernel where even SIGKILL does not reach it. Then it is left behind, to be reaped by whoever
 * reaps the orphans once we are gone: a worker that waited for it would be lost as well.
 *
 * Several threads may be here at once. Each waits for its own child by its pid and never for "any
 * child", and no signal handler is needed. In a process that reaps children of others (or ignores
 * SIGCHLD) ours may be gone before we look; its line counts then, its exit status is unknown.
 */
#include "broker/probe/trial-child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS 1000	/* for a killed child to be gone */
#define ARGUMENTS_MAX 8 /* with the NULL at the end */
#define NUMBER_BYTES 12

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Fds 0 to 2 may be closed in our process: a pipe that came to lie there, or where the child looks
 * for its DRM node, would be overwritten when the child's own fds are set up. */
static int high_fd(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, TRIAL_CHILD_FD + 1);

	return high < 0 ? -errno : high;
}

static int move_high(int fd)
{
	int high = high_fd(fd);

	close(fd);
	return high;
}

static int make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	fds[0] = move_high(fds[0]);
	fds[1] = move_high(fds[1]);
	if (fds[0] >= 0 && fds[1] >= 0)
		return 0;
	if (fds[0] >= 0)
		close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
	return fds[0] < 0 ? fds[0] : fds[1];
}

/* Our threads may block signals and ignore SIGPIPE; both would be inherited. */
static int clean_signals(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	error = posix_spawnattr_setsigmask(attributes, &none);
	if (!error)
		error = posix_spawnattr_setsigdefault(attributes, &all);
	if (!error)
		error = posix_spawnattr_setflags(attributes,
						 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return -error;
}

/* `drm_fd` of -1: none. */
static int set_fds(posix_spawn_file_actions_t *actions, int output, int drm_fd)
{
	int error;

	error = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, output, 1);
	if (!error)
		error = posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0);
	if (!error && drm_fd >= 0)
		error = posix_spawn_file_actions_adddup2(actions, drm_fd, TRIAL_CHILD_FD);
	return -error;
}

struct arguments {
	char *list[ARGUMENTS_MAX];
	char numbers[5][NUMBER_BYTES];
	size_t list_len, numbers_len;
};

static void add_text(struct arguments *arguments, const char *text)
{
	arguments->list[arguments->list_len++] = (char *)(uintptr_t)text;
}

static void add_number(struct arguments *arguments, uint32_t number)
{
	char *text = arguments->numbers[arguments->numbers_len++];

	snprintf(text, NUMBER_BYTES, "%u", number);
	add_text(arguments, text);
}

/* As trial-main.c reads them. */
static void make_arguments(const char *program, const struct trial *trial,
			   struct arguments *ret_arguments)
{
	*ret_arguments = (struct arguments){0};
	add_text(ret_arguments, program);
	if (trial->drm_fd >= 0) {
		add_text(ret_arguments, "drm");
		add_number(ret_arguments, trial->format);
		add_number(ret_arguments, trial->planar_format);
		add_number(ret_arguments, trial->width);
		add_number(ret_arguments, trial->height);
	} else {
		add_text(ret_arguments, "v4l2");
		add_text(ret_arguments, trial->node);
		add_number(ret_arguments, trial->queue_type);
	}
	if (trial->no_imports)
		add_text(ret_arguments, "no-imports");
}

static int spawn(const char *program, const struct trial *trial, int output, int drm_fd,
		 pid_t *ret_pid)
{
	char *no_environment[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	struct arguments arguments;
	int error;

	make_arguments(program, trial, &arguments);
	error = -posix_spawn_file_actions_init(&actions);
	if (error)
		return error;
	error = -posix_spawnattr_init(&attributes);
	if (error)
		goto destroy_actions;
	error = clean_signals(&attributes);
	if (!error)
		error = set_fds(&actions, output, drm_fd);
	if (!error)
		error = -posix_spawn(ret_pid, program, &actions, &attributes, arguments.list,
				     no_environment);
	posix_spawnattr_destroy(&attributes);
destroy_actions:
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* The child gets a copy of the DRM node's fd under its own number. */
static int spawn_with_node(const char *program, const struct trial *trial, int output,
			   pid_t *ret_pid)
{
	int error, drm_fd = -1;

	if (trial->drm_fd >= 0) {
		drm_fd = high_fd(trial->drm_fd);
		if (drm_fd < 0)
			return drm_fd;
	}
	error = spawn(program, trial, output, drm_fd, ret_pid);
	if (drm_fd >= 0)
		close(drm_fd);
	return error;
}

/* Waits for more of the line. Returns false at its end, or when time is up. */
static bool read_more(int fd, char *line, size_t *len, int64_t deadline)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	int64_t left = deadline - now_ms();
	ssize_t got;

	if (left <= 0 || *len >= TRIAL_LINE_BYTES - 1)
		return false;
	if (poll(&pollfd, 1, (int)left) < 0)
		return errno == EINTR;
	if (!pollfd.revents)
		return false;
	got = read(fd, line + *len, TRIAL_LINE_BYTES - 1 - *len);
	if (got > 0)
		*len += (size_t)got;
	return got > 0 || (got < 0 && errno == EINTR);
}

static void read_line(int fd, char line[TRIAL_LINE_BYTES], int64_t deadline)
{
	size_t len = 0;

	while (read_more(fd, line, &len, deadline))
		;
	line[len] = '\0';
}

/* Whether the child has ended (or is nobody's child any more). Its status if that is known. */
static bool reap(pid_t pid, int *status)
{
	pid_t reaped = waitpid(pid, status, WNOHANG);

	return reaped == pid || (reaped < 0 && errno != EINTR);
}

static bool reap_until(pid_t pid, int *status, int64_t deadline)
{
	const struct timespec pause = {.tv_nsec = 2000000};

	while (!reap(pid, status)) {
		if (now_ms() >= deadline)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* The child was seen to be ours and alive a moment ago, so the pid is nobody else's. */
static void kill_and_reap(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	reap_until(pid, &status, now_ms() + GRACE_MS);
}

static int wait_for_answer(pid_t pid, int output, int64_t deadline, char line[TRIAL_LINE_BYTES])
{
	int status = 0;

	read_line(output, line, deadline);
	if (!reap_until(pid, &status, deadline)) {
		kill_and_reap(pid);
		return -ETIMEDOUT;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPROTO;
}

int trial_run(const char *program, uint32_t deadline_ms, const struct trial *trial,
	      struct trial_answer *ret_answer)
{
	int64_t deadline = now_ms() + (deadline_ms ? deadline_ms : TRIAL_DEADLINE_DEFAULT_MS);
	char line[TRIAL_LINE_BYTES];
	int error, fds[2];
	pid_t pid;

	error = make_pipe(fds);
	if (error)
		return error;
	error = spawn_with_node(program, trial, fds[1], &pid);
	close(fds[1]);
	if (!error)
		error = wait_for_answer(pid, fds[0], deadline, line);
	close(fds[0]);
	return error ? error : trial_parse(line, ret_answer);
}
