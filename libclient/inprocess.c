/* SPDX-License-Identifier: MIT */
/*
 * A broker inside this process: the daemon's broker and solver behind the calls of a connection,
 * with this process as its only client. It offers what this process may open, and nothing is
 * shared with a daemon that may run besides.
 *
 * There are no threads. Jobs that may block (measuring, allocating) are put into a list, and run
 * before the call that made them returns. What the broker tells is put into a list too, since
 * callbacks are called from dmabroker_dispatch only. The fd to poll is an epoll of the broker's own
 * (hotplug), of a timer (a device that was in use, a deadline), and of an eventfd that is raised
 * while an event waits. Facts are brought up to date at the beginning of each call.
 */
#include "libclient/inprocess.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "broker/model/change.h"
#include "broker/model/text.h"

#define ADDRESS "in-process"
#define SETTLE_MS 10000 /* as the daemon */
#define QUIRKS_MAX 16	/* directories */

/* ---- events ---- */

/* What waits for dmabroker_dispatch. */
struct inprocess_event {
	struct inprocess_event *next;
	char *text; /* owned: the id, or why a collection has ended */
	/* of a device or heap; NULL: of a collection */
	const struct vocab_group *group;
	enum dmabroker_change change;
	uint64_t rows; /* that have changed: bit n is row n */
	/* of a collection */
	uint64_t number;
	struct collection_event what;
};

static void event_destroy(struct inprocess_event *event)
{
	free(event->text);
	free(event);
}

/* Adds a copy of `event`, whose text is taken (NULL: no memory for it). Without memory for an event
 * nobody is told. */
static void keep_event(struct inprocess *inprocess, const struct inprocess_event *event)
{
	struct inprocess_event *copy = event->text ? malloc(sizeof(*copy)) : NULL;

	if (!copy) {
		free(event->text);
		return;
	}
	*copy = *event; /* its `next` is NULL */
	*inprocess->events_end = copy;
	inprocess->events_end = &copy->next;
}

/* Adds to a change that has not been told. False: there is none of the device or heap, or it has
 * come or gone since. Who does not dispatch shall not have more and more of them. */
static bool merge_change(struct inprocess *inprocess, const struct inprocess_event *event,
			 const char *id)
{
	struct inprocess_event *last = NULL;

	for (struct inprocess_event *one = inprocess->events; one; one = one->next)
		if (one->group == event->group && strcmp(one->text, id) == 0)
			last = one;
	if (!last || last->change != DMABROKER_CHANGE_CHANGED)
		return false;
	last->rows |= event->rows;
	return true;
}

void inprocess_forget_events(struct inprocess *inprocess, uint64_t number)
{
	struct inprocess_event **at = &inprocess->events, *event;

	while ((event = *at)) {
		if (event->group || event->number != number) {
			at = &event->next;
			continue;
		}
		*at = event->next;
		event_destroy(event);
	}
	inprocess->events_end = at;
}

static struct inprocess_event *take_event(struct inprocess *inprocess)
{
	struct inprocess_event *first = inprocess->events;

	if (!first)
		return NULL;
	inprocess->events = first->next;
	if (!inprocess->events)
		inprocess->events_end = &inprocess->events;
	return first;
}

static void tell_change(const struct inprocess *inprocess, const struct inprocess_event *event)
{
	const struct dmabroker *broker = &inprocess->base;
	const struct vocab_group *group = event->group;
	const char *keys[VOCAB_ROWS_MAX + 1] = {NULL};
	size_t len = 0;

	for (unsigned int row = 0; row < group->rows_len; row++)
		if (event->rows & UINT64_C(1) << row && !(group->rows[row].flags & VOCAB_LOCAL))
			keys[len++] = group->rows[row].name;
	if (broker->callback)
		broker->callback(broker->callback_data, event->change,
				 group == &vocab_heap ? "heap" : "device", event->text,
				 event->change == DMABROKER_CHANGE_CHANGED ? keys : NULL);
}

static void tell(struct inprocess *inprocess, const struct inprocess_event *event)
{
	char path[INPROCESS_PATH_BYTES];

	if (event->group) {
		tell_change(inprocess, event);
		return;
	}
	inprocess_write_path(event->number, path);
	collection_announce(&inprocess->base, path, &event->what);
}

/* ---- the broker's host ---- */

static void submit(void *data, struct broker_job *job)
{
	struct inprocess *inprocess = data;

	job->next = NULL;
	*inprocess->jobs_end = job;
	inprocess->jobs_end = &job->next;
}

static void on_settled(void *data)
{
	((struct inprocess *)data)->settled = true;
}

static void on_change(void *data, enum broker_change change, const void *descriptor,
		      const void *previous)
{
	static const enum dmabroker_change changes[] = {
		[BROKER_ADDED] = DMABROKER_CHANGE_ADDED,
		[BROKER_CHANGED] = DMABROKER_CHANGE_CHANGED,
		[BROKER_REMOVED] = DMABROKER_CHANGE_REMOVED};
	struct inprocess_event event = {.group = ((const struct vocab_head *)descriptor)->group,
					.change = changes[change]};
	const char *id = vocab_string(descriptor, DEVICE_ID);
	struct inprocess *inprocess = data;

	if (!inprocess->listening)
		return;
	if (change == BROKER_CHANGED) {
		event.rows = previous ? change_find(descriptor, previous) : UINT64_MAX;
		if (!event.rows || merge_change(inprocess, &event, id))
			return;
	}
	event.text = strdup(id);
	keep_event(inprocess, &event);
}

/* Both groups begin with their id. */
_Static_assert((int)DEVICE_ID == (int)HEAP_ID, "an id is an id");

static void on_collection(void *data, void *client_data, uint64_t number, enum broker_event what,
			  uint32_t generation, const struct error *error)
{
	static const enum dmabroker_event events[] = {
		[BROKER_NEGOTIATED] = DMABROKER_EVENT_NEGOTIATED,
		[BROKER_HANDED_OVER] = DMABROKER_EVENT_HANDED_OVER,
		[BROKER_ENDED] = DMABROKER_EVENT_ENDED};
	struct inprocess_event event = {.number = number,
					.what = {.event = events[what], .generation = generation}};

	(void)client_data;
	event.text = error ? text_error(error) : strdup("");
	if (error) {
		event.what.error = error_rows[error->code].name;
		event.what.text = event.text;
	}
	keep_event(data, &event);
}

void inprocess_run_jobs(struct inprocess *inprocess)
{
	struct broker_job *job;

	while ((job = inprocess->jobs)) {
		inprocess->jobs = job->next;
		if (!inprocess->jobs)
			inprocess->jobs_end = &inprocess->jobs;
		job->run(job);
		broker_job_done(inprocess->broker, job);
	}
}

/* ---- time and hotplug ---- */

/* What goes wrong here is no reason to end a call: what is known stays known, and the broker tries
 * again. */
static void catch_up(struct inprocess *inprocess)
{
	uint64_t expired;
	ssize_t len = read(inprocess->timer_fd, &expired, sizeof(expired));

	(void)len; /* it may not have expired */
	broker_dispatch(inprocess->broker);
	inprocess_run_jobs(inprocess);
}

/* Sets the timer to what the broker says. */
static void set_timer(const struct inprocess *inprocess)
{
	int ms = broker_get_timeout(inprocess->broker);
	struct itimerspec when = {
		.it_value = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}};

	if (ms < 0)
		when = (struct itimerspec){0};
	else if (ms == 0)
		when.it_value.tv_nsec = 1; /* 0 would be never */
	timerfd_settime(inprocess->timer_fd, 0, &when, NULL);
}

struct inprocess *inprocess_enter(struct dmabroker *broker)
{
	handle_forget(broker);
	catch_up(inprocess_of(broker));
	return inprocess_of(broker);
}

int inprocess_leave(struct inprocess *inprocess, int result)
{
	set_timer(inprocess);
	if (inprocess->events)
		eventfd_write(inprocess->left_fd, 1);
	if ((result == -EMFILE || result == -ENFILE) && !inprocess->base.error.code)
		result = error_set(&inprocess->base.error, ERROR_BUSY, CONSTRAINT_REQUEST, NULL,
				   NULL, "room for more open files", strerror(-result));
	if (result < 0 && !inprocess->base.text)
		handle_note_error(&inprocess->base, result);
	return result;
}

void inprocess_pause(struct inprocess *inprocess, int timeout_ms)
{
	struct pollfd fds[] = {{.fd = broker_get_fd(inprocess->broker), .events = POLLIN},
			       {.fd = inprocess->timer_fd, .events = POLLIN}};

	set_timer(inprocess);
	poll(fds, 2, timeout_ms); /* interrupted or not: the caller looks again */
	catch_up(inprocess);
}

/* ---- the connection ---- */

static int get_fd(struct dmabroker *broker)
{
	return inprocess_of(broker)->poll_fd;
}

/* A callback may let more come. */
static int dispatch(struct dmabroker *broker)
{
	struct inprocess *inprocess = inprocess_of(broker);
	struct inprocess_event *event;
	eventfd_t raised;
	int told = 0;

	eventfd_read(inprocess->left_fd, &raised);
	catch_up(inprocess);
	for (; (event = take_event(inprocess)); told++) {
		tell(inprocess, event);
		event_destroy(event);
	}
	eventfd_read(inprocess->left_fd, &raised);
	set_timer(inprocess);
	return told;
}

static int list(struct dmabroker *broker, const struct vocab_group *group,
		struct dmabroker_record ***ret_records, size_t *ret_len)
{
	const struct machine *machine;
	struct inprocess *inprocess;

	if (group == &vocab_collection)
		return inprocess_list_collections(broker, ret_records, ret_len);
	inprocess = inprocess_enter(broker);
	machine = broker_get_machine(inprocess->broker);
	return inprocess_leave(
		inprocess,
		handle_list_copy(group == &vocab_device ? &machine->devices : &machine->heaps,
				 ret_records, ret_len));
}

static int get_machine(struct dmabroker *broker, struct machine **ret_machine)
{
	struct inprocess *inprocess = inprocess_enter(broker);

	return inprocess_leave(inprocess,
			       vocab_copy(broker_get_machine(inprocess->broker), ret_machine));
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void destroy(struct dmabroker *broker)
{
	struct inprocess *inprocess = inprocess_of(broker);
	struct inprocess_event *event;

	if (inprocess->broker)
		inprocess_run_jobs(inprocess);
	broker_client_destroy(inprocess->client);
	if (inprocess->broker)
		inprocess_run_jobs(inprocess);
	broker_destroy(inprocess->broker);
	while ((event = take_event(inprocess)))
		event_destroy(event);
	close_fd(inprocess->poll_fd);
	close_fd(inprocess->timer_fd);
	close_fd(inprocess->left_fd);
}

static const struct handle_backend inprocess_backend = {
	.destroy = destroy,
	.get_fd = get_fd,
	.dispatch = dispatch,
	.list = list,
	.get_machine = get_machine,
	.plan = inprocess_plan,
	.allocate = inprocess_allocate,
	.create_collection = inprocess_create_collection,
	.bind = inprocess_bind,
	.release = inprocess_release,
	.create_tokens = inprocess_create_tokens,
	.speak = inprocess_speak,
	.wait = inprocess_wait,
	.get_status = inprocess_get_status,
	.renegotiate = inprocess_renegotiate,
	.report = inprocess_report,
	.hand_over = inprocess_hand_over,
	.cancel = inprocess_cancel,
};

/* ---- the address ---- */

/* What an address asks for. */
struct address {
	char *text; /* owned: what the others point into */
	const char *trial_program;
	const char *quirks[QUIRKS_MAX + 1]; /* ends with NULL */
	size_t quirks_len;
};

bool inprocess_is_address(const char *address)
{
	size_t len = strlen(ADDRESS);

	return strncmp(address, ADDRESS, len) == 0 && (address[len] == '\0' || address[len] == ':');
}

static int read_trials(struct address *address, const char *value)
{
	if (strcmp(value, "yes") == 0)
		address->trial_program = DMABROKER_TRIAL_PROGRAM;
	else if (strcmp(value, "no") == 0)
		address->trial_program = NULL;
	else if (value[0] == '/')
		address->trial_program = value;
	else
		return -EINVAL;
	return 0;
}

static int read_option(struct address *address, char *option)
{
	char *value = strchr(option, '=');

	if (!value || !value[1])
		return -EINVAL;
	*value++ = '\0';
	if (strcmp(option, "trials") == 0)
		return read_trials(address, value);
	if (strcmp(option, "quirks") != 0 || address->quirks_len == QUIRKS_MAX)
		return -EINVAL;
	address->quirks[address->quirks_len++] = value;
	return 0;
}

/* Without a word of the address those of the installation, and none where it says so. */
static int settle_quirks(struct address *address)
{
	size_t nones = 0;

	for (size_t i = 0; i < address->quirks_len; i++)
		nones += strcmp(address->quirks[i], "none") == 0;
	if (nones && address->quirks_len > 1)
		return -EINVAL;
	if (nones) {
		address->quirks[0] = NULL;
	} else if (!address->quirks_len) {
		address->quirks[0] = DMABROKER_QUIRKS_DIRECTORY;
		address->quirks[1] = DMABROKER_QUIRKS_OVERRIDE;
	}
	return 0;
}

/* "in-process", or "in-process:" and options with commas between them. `ret_address` is zeroed, and
 * its text freed by the caller in any case. */
static int read_address(const char *text, struct address *ret_address)
{
	const char *options = strchr(text, ':');
	char *rest, *option;
	int error = 0;

	if (options) {
		ret_address->text = rest = strdup(options + 1);
		if (!rest)
			return -ENOMEM;
		while (!error && (option = strsep(&rest, ",")))
			error = read_option(ret_address, option);
	}
	return error ? error : settle_quirks(ret_address);
}

/* ---- beginning ---- */

static int watch(const struct inprocess *inprocess, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(inprocess->poll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_fds(struct inprocess *inprocess)
{
	inprocess->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (inprocess->poll_fd < 0)
		return -errno;
	inprocess->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (inprocess->timer_fd < 0)
		return -errno;
	inprocess->left_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return inprocess->left_fd < 0 ? -errno : 0;
}

static int watch_fds(const struct inprocess *inprocess)
{
	int error = watch(inprocess, broker_get_fd(inprocess->broker));

	if (!error)
		error = watch(inprocess, inprocess->timer_fd);
	return error ? error : watch(inprocess, inprocess->left_fd);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until all that is there has been measured. What cannot be measured for want of something is tried
 * again later, and not waited for without an end. */
static void settle(struct inprocess *inprocess)
{
	int64_t deadline_ms = now_ms() + SETTLE_MS;

	inprocess_run_jobs(inprocess);
	while (!inprocess->settled && now_ms() < deadline_ms)
		inprocess_pause(inprocess, (int)(deadline_ms - now_ms()));
	inprocess->listening = true;
	set_timer(inprocess);
}

static int start_broker(struct inprocess *inprocess, const struct address *address)
{
	const struct broker_host host = {.data = inprocess,
					 .submit = submit,
					 .on_change = on_change,
					 .on_settled = on_settled,
					 .on_collection = on_collection};
	const struct broker_options options = {
		.trial_program = address->trial_program,
		.quirk_directories = address->quirks[0] ? address->quirks : NULL};
	int error = broker_create(&host, &options, &inprocess->broker);

	if (error)
		return error;
	error = broker_client_create(inprocess->broker, geteuid(), NULL, &inprocess->client);
	return error ? error : watch_fds(inprocess);
}

static int begin(const struct address *address, struct dmabroker **ret_broker)
{
	struct inprocess *inprocess = calloc(1, sizeof(*inprocess));
	int error;

	if (!inprocess)
		return -ENOMEM;
	inprocess->base.backend = &inprocess_backend;
	inprocess->jobs_end = &inprocess->jobs;
	inprocess->events_end = &inprocess->events;
	inprocess->poll_fd = inprocess->timer_fd = inprocess->left_fd = -1;
	error = open_fds(inprocess);
	if (!error)
		error = start_broker(inprocess, address);
	if (error) {
		dmabroker_disconnect(&inprocess->base);
		return error;
	}
	settle(inprocess);
	*ret_broker = &inprocess->base;
	return 0;
}

int inprocess_connect(const char *address, struct dmabroker **ret_broker)
{
	struct address read = {NULL};
	int error = read_address(address, &read);

	if (!error)
		error = begin(&read, ret_broker);
	free(read.text);
	return error;
}

/* ---- what this process may ---- */

/* As the probe opens a heap: that alone does nothing. */
static bool may_open(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat status;
	bool may;

	if (fd < 0)
		return false;
	may = fstat(fd, &status) == 0 && S_ISCHR(status.st_mode);
	close(fd);
	return may;
}

bool inprocess_may_allocate(void)
{
	DIR *folder = opendir("/dev/dma_heap");
	struct dirent *entry;
	bool may = false;

	while (folder && !may && (entry = readdir(folder)))
		may = may_open(dirfd(folder), entry->d_name);
	if (folder)
		closedir(folder);
	return may || may_open(AT_FDCWD, "/dev/udmabuf");
}
