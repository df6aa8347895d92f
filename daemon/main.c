/* SPDX-License-Identifier: MIT */
/*
 * dmabrokerd: brings loop, workers, broker and bus together, and takes them apart again.
 *
 * The broker's jobs go to the workers; a finished job comes back through the loop. The end has two
 * steps: all clients go at once, then the loop runs on until the last job is back (or a few
 * seconds are over), because the broker can only be destroyed when it has none under way.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "broker/broker.h"
#include "daemon/bus.h"
#include "daemon/config.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/notify.h"
#include "daemon/worker.h"

#define SETTLE_MS 10000 /* as the specification says */
#define STOP_MS 4000	/* less than the unit's TimeoutStopSec */
#define BROKEN_MS 1000

struct daemon {
	struct config config;
	struct loop *loop;
	struct workers *workers;
	struct broker *broker;
	struct bus *bus;
	int signals;
	bool settled;
	bool stopping;
	int code;
	struct loop_source signal_source;
	struct loop_source broker_source;
	struct loop_timer broker_timer;
	struct loop_timer settle_timer;
	struct loop_timer stop_timer;
	struct loop_timer watchdog_timer;
};

/* ---- stopping ---- */

static void quit_when_idle(struct daemon *daemon)
{
	if (daemon->stopping && workers_idle(daemon->workers))
		loop_quit(daemon->loop, daemon->code);
}

static void on_stop_time(void *data)
{
	struct daemon *daemon = data;

	loop_quit(daemon->loop, daemon->code);
}

static void stop(struct daemon *daemon, int code)
{
	if (daemon->stopping)
		return;
	daemon->stopping = true;
	daemon->code = code;
	notify_stopping();
	bus_destroy(daemon->bus);
	daemon->bus = NULL;
	loop_start_timer(daemon->loop, &daemon->stop_timer, STOP_MS);
	quit_when_idle(daemon);
}

static void on_signal(void *data, uint32_t events)
{
	struct daemon *daemon = data;
	struct signalfd_siginfo info;

	(void)events;
	if (read(daemon->signals, &info, sizeof(info)) != sizeof(info))
		return;
	log_info("stopped by signal %u", info.ssi_signo);
	stop(daemon, CONFIG_EXIT_STOPPED);
}

static void on_bus_lost(void *data)
{
	stop(data, CONFIG_EXIT_BUS_LOST);
}

/* ---- the broker's host ---- */

static void submit(void *data, struct broker_job *job)
{
	struct daemon *daemon = data;

	workers_submit(daemon->workers, job);
}

static void on_job_done(void *data, struct broker_job *job)
{
	struct daemon *daemon = data;

	broker_job_done(daemon->broker, job);
	quit_when_idle(daemon);
}

static void on_change(void *data, enum broker_change change, const void *descriptor,
		      const void *previous)
{
	struct daemon *daemon = data;

	if (daemon->bus)
		bus_on_change(daemon->bus, change, descriptor, previous);
}

static void on_collection(void *data, void *client_data, uint64_t number, enum broker_event event,
			  uint32_t generation, const struct error *error)
{
	struct daemon *daemon = data;

	if (daemon->bus)
		bus_on_collection(daemon->bus, client_data, number, event, generation, error);
}

static void on_stuck(void *data, uint64_t number, const struct vocab_strings *missing)
{
	(void)data;
	log_stuck(number, missing->items, missing->len);
}

static void settle(struct daemon *daemon)
{
	const struct machine *machine = broker_get_machine(daemon->broker);

	if (daemon->settled || !daemon->bus)
		return;
	daemon->settled = true;
	loop_stop_timer(daemon->loop, &daemon->settle_timer);
	log_info("ready: %zu devices, %zu heaps", machine->devices.len, machine->heaps.len);
	bus_settle(daemon->bus);
	notify_ready();
}

static void on_settled(void *data)
{
	settle(data);
}

static void on_settle_time(void *data)
{
	struct daemon *daemon = data;

	log_warning("some devices are not measured after %d s; going on without them",
		    SETTLE_MS / 1000);
	settle(daemon);
}

/* ---- the loop's sources ---- */

static void dispatch_broker(struct daemon *daemon)
{
	int error = broker_dispatch(daemon->broker);

	if (!error)
		return;
	/* not worth an end: what is known stays known */
	log_warning("hotplug: %s", strerror(-error));
	loop_change(daemon->loop, &daemon->broker_source, 0);
	loop_start_timer(daemon->loop, &daemon->broker_timer, BROKEN_MS);
}

static void on_broker_events(void *data, uint32_t events)
{
	(void)events;
	dispatch_broker(data);
}

static void on_broker_time(void *data)
{
	struct daemon *daemon = data;

	loop_change(daemon->loop, &daemon->broker_source, EPOLLIN);
	dispatch_broker(daemon);
}

/* Before each wait: when does the broker want to be called next? */
static void prepare(void *data)
{
	struct daemon *daemon = data;
	int ms = broker_get_timeout(daemon->broker);

	if (!daemon->broker_source.events)
		return;
	if (ms < 0)
		loop_stop_timer(daemon->loop, &daemon->broker_timer);
	else
		loop_start_timer(daemon->loop, &daemon->broker_timer, (uint64_t)ms);
}

static void on_watchdog(void *data)
{
	struct daemon *daemon = data;

	notify_watchdog();
	loop_start_timer(daemon->loop, &daemon->watchdog_timer, notify_watchdog_ms());
}

/* ---- start ---- */

/* Every buffer is an fd of ours: as many as we may have. */
static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int watch_signals(struct daemon *daemon)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	daemon->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (daemon->signals < 0)
		return -errno;
	return loop_watch(daemon->loop, &daemon->signal_source, daemon->signals, EPOLLIN);
}

/* A quirk that is left out makes plans dearer, or refuses them: no reason not to start. */
static void on_quirk_problem(void *data, const char *file, unsigned int line, const char *text)
{
	(void)data;
	if (line)
		log_warning("%s:%u: %s", file, line, text);
	else
		log_warning("%s%s%s", file, *file ? ": " : "", text);
}

static int start_broker(struct daemon *daemon)
{
	struct broker_host host = {.data = daemon,
				   .submit = submit,
				   .on_change = on_change,
				   .on_settled = on_settled,
				   .on_collection = on_collection,
				   .on_stuck = on_stuck};
	struct broker_options options = {
		.trial_program = daemon->config.trial_program,
		.quirk_directories = daemon->config.quirks[0] ? daemon->config.quirks : NULL,
		.on_quirk_problem = on_quirk_problem};
	int error = broker_create(&host, &options, &daemon->broker);

	if (error)
		return error;
	return loop_watch(daemon->loop, &daemon->broker_source, broker_get_fd(daemon->broker),
			  EPOLLIN);
}

/* The bus may be missing where there is a socket; anything else about it is an end. */
static int start_bus(struct daemon *daemon)
{
	const struct config *config = &daemon->config;
	int error = 0;

	if (config->bus)
		error = bus_connect(daemon->bus, config->bus);
	if (error == -ENOTCONN && config->socket) {
		log_info("going on with the socket alone");
		error = 0;
	}
	if (error)
		return CONFIG_EXIT_BUS_LOST;
	if (config->socket && bus_listen(daemon->bus, config->socket))
		return CONFIG_EXIT_FAILED;
	return 0;
}

static int start(struct daemon *daemon)
{
	int error;

	error = loop_create(&daemon->loop);
	if (!error)
		error = watch_signals(daemon);
	if (!error)
		error = workers_create(daemon->loop, daemon->config.workers, on_job_done, daemon,
				       &daemon->workers);
	if (!error)
		error = start_broker(daemon);
	if (!error)
		error = bus_create(daemon->loop, daemon->broker, on_bus_lost, daemon, &daemon->bus);
	if (error) {
		log_error("cannot start: %s", strerror(-error));
		return CONFIG_EXIT_FAILED;
	}
	return start_bus(daemon);
}

static void init(struct daemon *daemon)
{
	daemon->signals = -1;
	daemon->signal_source = (struct loop_source){.on_events = on_signal, .data = daemon};
	daemon->broker_source = (struct loop_source){.on_events = on_broker_events, .data = daemon};
	daemon->broker_timer = (struct loop_timer){.on_time = on_broker_time, .data = daemon};
	daemon->settle_timer = (struct loop_timer){.on_time = on_settle_time, .data = daemon};
	daemon->stop_timer = (struct loop_timer){.on_time = on_stop_time, .data = daemon};
	daemon->watchdog_timer = (struct loop_timer){.on_time = on_watchdog, .data = daemon};
}

static int run(struct daemon *daemon)
{
	int result;

	loop_set_prepare(daemon->loop, prepare, daemon);
	if (!daemon->settled)
		loop_start_timer(daemon->loop, &daemon->settle_timer, SETTLE_MS);
	if (notify_watchdog_ms())
		loop_start_timer(daemon->loop, &daemon->watchdog_timer, 0);
	result = loop_run(daemon->loop);
	if (result < 0)
		log_error("the loop is broken: %s", strerror(-result));
	return result < 0 ? CONFIG_EXIT_FAILED : result;
}

/* Runs the loop until the last job is back. */
static int finish(struct daemon *daemon, int code)
{
	if (!daemon->broker)
		return code;
	stop(daemon, code);
	return run(daemon);
}

static void destroy(struct daemon *daemon)
{
	loop_stop(daemon->loop, &daemon->broker_source);
	loop_stop(daemon->loop, &daemon->signal_source);
	workers_destroy(daemon->workers);
	broker_destroy(daemon->broker);
	if (daemon->signals >= 0)
		close(daemon->signals);
	loop_destroy(daemon->loop);
}

int main(int argc, char **argv)
{
	struct daemon daemon = {0};
	int code = config_read(argc, argv, &daemon.config);

	if (code)
		return code < 0 ? CONFIG_EXIT_USAGE : CONFIG_EXIT_STOPPED;
	log_init(daemon.config.verbose);
	raise_fd_limit();
	/* where libdbus finds fault with an argument it shall refuse it, not end us */
	setenv("DBUS_FATAL_WARNINGS", "0", 0);
	init(&daemon);
	code = start(&daemon);
	code = code ? finish(&daemon, code) : run(&daemon);
	/* a job that hangs in the kernel keeps its thread: nothing to wait for, all goes with us */
	if (daemon.workers && !workers_idle(daemon.workers))
		_exit(code);
	destroy(&daemon);
	return code;
}
