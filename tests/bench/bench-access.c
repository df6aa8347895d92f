/* SPDX-License-Identifier: MIT */
/*
 * What begin_access and end_access cost, through the public library: a line of JSON for each
 * measurement.
 *
 *	elided pair	nothing is due: beside it, in turns with it, two calls of a function that
 *			does nothing
 *	real pair	SYNC is due: beside it, in turns with it, the same ioctls without library
 *	sync calls	of a chain of agents, against a program that brackets each access of each
 *
 * Devices are made up (tests/bus/made-up-probe.c), by a daemon that is real otherwise. With
 * dmabrokerd-made-up memory comes from the kernel's heaps. With dmabrokerd-made-up-heaps it is a
 * memfd, to which no SYNC can be issued: then `ioctl` below only counts, which is enough for what
 * is elided and for the calls of a chain, and no real pair is measured.
 *
 * usage: bench-access DAEMON [SECONDS]    of each measurement (default 0.3)
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "dmabroker.h"

#define XR24 0x34325258u
#define RUNS_MAX 20000u
#define RUNS_MIN 50u
#define BATCH 2000u /* pairs between two looks at the clock */
#define FRAMES 1000u
#define START_MS 15000

/* ---- ioctls ---- */

/* The library's ioctls come here as well: the program's own symbol is found before libc's. */
static struct {
	bool stand_in; /* the memory is no dma-buf: SYNC is counted only */
	uint64_t syncs;
} sync_calls;

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *argument;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	if (request == DMA_BUF_IOCTL_SYNC) {
		sync_calls.syncs++;
		if (sync_calls.stand_in)
			return 0;
	}
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

static void sync_once(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = {.flags = flags};

	if (ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync) < 0) {
		perror("DMA_BUF_IOCTL_SYNC");
		exit(1);
	}
}

/* ---- the daemon ---- */

static struct {
	char dir[64], socket[96], address[112], fifo[96];
	pid_t pid;
	int fifo_fd;
} server;

static void fail(const char *what)
{
	fprintf(stderr, "bench-access: %s\n", what);
	exit(1);
}

static void stop(void)
{
	if (server.pid > 0) {
		kill(server.pid, SIGTERM);
		waitpid(server.pid, NULL, 0);
		server.pid = 0;
	}
	unlink(server.socket);
	unlink(server.fifo);
	rmdir(server.dir);
}

static void spawn(const char *program)
{
	pid_t parent = getpid();

	server.pid = fork();
	if (server.pid < 0)
		fail("cannot fork");
	if (server.pid > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	execl(program, program, "--socket", server.socket, "--bus", "none", "--no-trials",
	      (char *)NULL);
	_exit(127);
}

static void start(const char *program)
{
	snprintf(server.dir, sizeof(server.dir), "/tmp/dmabroker-bench.XXXXXX");
	if (!mkdtemp(server.dir))
		fail("no folder");
	snprintf(server.socket, sizeof(server.socket), "%s/bus", server.dir);
	snprintf(server.address, sizeof(server.address), "unix:path=%s", server.socket);
	snprintf(server.fifo, sizeof(server.fifo), "%s/fifo", server.dir);
	atexit(stop);
	if (mkfifo(server.fifo, 0600) < 0)
		fail("no FIFO");
	server.fifo_fd = open(server.fifo, O_RDWR | O_CLOEXEC);
	if (server.fifo_fd < 0)
		fail("no FIFO");
	setenv("DMABROKER_TEST_FIFO", server.fifo, 1);
	spawn(program);
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static struct dmabroker *connect_to_it(void)
{
	struct dmabroker *broker;

	for (int ms = 0; ms < START_MS; ms += 10) {
		if (dmabroker_connect(server.address, &broker) == 0)
			return broker;
		pause_ms(10);
	}
	fail("the daemon does not start");
	return NULL;
}

/* ---- the machine ---- */

static const char *const devices[] = {"cam1", "padder", "lcd"};

/* Whether the daemon has heard that all of these devices are of this coherency. */
static bool has_heard(struct dmabroker *broker, const char *coherency)
{
	struct dmabroker_record **records;
	size_t len, found = 0;

	if (dmabroker_list_devices(broker, &records, &len) < 0)
		fail("cannot list the devices");
	for (size_t i = 0; i < len; i++) {
		const char *id = dmabroker_record_get_string(records[i], "id");
		const char *word = dmabroker_record_get_string(records[i], "coherency");

		for (size_t k = 0; k < sizeof(devices) / sizeof(devices[0]); k++)
			found += strcmp(id, devices[k]) == 0 && word &&
				 strcmp(word, coherency) == 0;
	}
	dmabroker_record_list_destroy(records, len);
	return found == sizeof(devices) / sizeof(devices[0]);
}

static void make_all(struct dmabroker *broker, const char *coherency)
{
	for (size_t k = 0; k < sizeof(devices) / sizeof(devices[0]); k++)
		if (dprintf(server.fifo_fd, "quiet %s cpu-copies 0\nset %s coherency %s\n",
			    devices[k], devices[k], coherency) < 0)
			fail("cannot change the devices");
	for (int ms = 0; !has_heard(broker, coherency); ms += 10) {
		if (ms > START_MS)
			fail("the devices do not change");
		pause_ms(10);
	}
}

/* ---- chains ---- */

struct agent {
	const char *name, *role, *device, *usage; /* device, usage: NULL where there is none */
};

struct chain {
	const char *name;
	struct agent agents[5]; /* the first writes, the others read */
};

static const struct chain chains[] = {
	{"camera, encoder, display",
	 {{"camera", "capture", "cam1", NULL},
	  {"encoder", "output", "padder", NULL},
	  {"display", "scanout", "lcd", NULL}}},
	{"camera, encoder, display, and a CPU that reads",
	 {{"camera", "capture", "cam1", NULL},
	  {"encoder", "output", "padder", NULL},
	  {"display", "scanout", "lcd", NULL},
	  {"viewer", "cpu", NULL, "read"}}},
	{"CPU that draws, encoder, display",
	 {{"painter", "cpu", NULL, "write"},
	  {"encoder", "output", "padder", NULL},
	  {"display", "scanout", "lcd", NULL}}},
};

static void must(struct dmabroker *broker, int error, const char *what)
{
	if (error >= 0)
		return;
	fprintf(stderr, "bench-access: %s: %s: %s\n", what, strerror(-error),
		broker ? dmabroker_get_error_text(broker) : "");
	exit(1);
}

static struct dmabroker_collection *allocate(struct dmabroker *broker, const struct chain *chain)
{
	struct dmabroker_record *request, *participant;
	struct dmabroker_collection *collection;

	must(NULL, dmabroker_request_create(&request), "request");
	must(NULL, dmabroker_record_set_uint(request, "width", 640), "width");
	must(NULL, dmabroker_record_set_uint(request, "height", 480), "height");
	must(NULL, dmabroker_record_add_format(request, "formats", XR24, 0), "format");
	for (const struct agent *agent = chain->agents; agent->name; agent++) {
		must(NULL,
		     dmabroker_request_add_participant(request, agent->name, agent->role,
						       &participant),
		     agent->name);
		if (agent->device)
			must(NULL,
			     dmabroker_record_set_string(participant, "device", agent->device),
			     agent->device);
		if (agent->usage)
			must(NULL, dmabroker_record_add_string(participant, "usage", agent->usage),
			     agent->usage);
	}
	must(broker, dmabroker_allocate(broker, request, &collection), chain->name);
	dmabroker_record_destroy(request);
	return collection;
}

static void begin(struct dmabroker *broker, struct dmabroker_buffer *buffer, const char *name,
		  bool writes)
{
	must(broker,
	     dmabroker_buffer_begin_access(buffer, name,
					   writes ? DMABROKER_ACCESS_WRITE : DMABROKER_ACCESS_READ),
	     name);
}

static void end(struct dmabroker *broker, struct dmabroker_buffer *buffer, const char *name)
{
	must(broker, dmabroker_buffer_end_access(buffer, name), name);
}

/* Who writes does so alone, who reads does so beside others. */
static void pass_frame(struct dmabroker *broker, struct dmabroker_buffer *buffer,
		       const struct chain *chain)
{
	const struct agent *agent = chain->agents;

	begin(broker, buffer, agent->name, true);
	end(broker, buffer, agent->name);
	for (agent = chain->agents + 1; agent->name; agent++)
		begin(broker, buffer, agent->name, false);
	for (agent = chain->agents + 1; agent->name; agent++)
		end(broker, buffer, agent->name);
}

static void run_chain(struct dmabroker *broker, const char *machine, const struct chain *chain)
{
	struct dmabroker_collection *collection = allocate(broker, chain);
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	struct dmabroker_access_stats stats;
	uint64_t before = sync_calls.syncs, issued, bracketing = 0;

	for (unsigned int i = 0; i < FRAMES; i++)
		pass_frame(broker, buffer, chain);
	issued = sync_calls.syncs - before;
	dmabroker_buffer_get_access_stats(buffer, &stats, sizeof(stats));
	if (stats.syncs != issued)
		fail("the library counts otherwise than the ioctls are");
	for (size_t i = 0; chain->agents[i].name; i++)
		bracketing += 2 * FRAMES * dmabroker_buffer_get_memory_count(buffer);
	printf("{\"name\": \"sync calls\", \"machine\": \"%s\", \"chain\": \"%s\", \"frames\": %u, "
	       "\"per-frame\": %.3f, \"bracketing-per-frame\": %.3f, \"saved-percent\": %.1f, "
	       "\"polls-per-frame\": %.3f, \"issued\": %s}\n",
	       machine, chain->name, FRAMES, (double)issued / FRAMES, (double)bracketing / FRAMES,
	       100.0 * (double)(bracketing - issued) / (double)bracketing,
	       (double)stats.waits / FRAMES, sync_calls.stand_in ? "false" : "true");
	dmabroker_collection_release(collection);
}

/* ---- times ---- */

/* Not processor time, whose clock is coarse in virtual machines; medians pass over disturbances. */
static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int by_number(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Two things measured in turns, in nanoseconds. */
struct series {
	double *one, *other;
	unsigned int runs;
};

static void sort(struct series *series)
{
	qsort(series->one, series->runs, sizeof(series->one[0]), by_number);
	qsort(series->other, series->runs, sizeof(series->other[0]), by_number);
}

static bool goes_on(const struct series *series, uint64_t end_ns)
{
	return series->runs < RUNS_MAX && (series->runs < RUNS_MIN || now_ns() < end_ns);
}

static double median(const struct series *series, const double *values)
{
	return values[series->runs / 2];
}

static double p99(const struct series *series, const double *values)
{
	return values[(size_t)series->runs * 99 / 100];
}

/* What a call costs that does nothing: with the arguments of begin_access. */
__attribute__((noinline)) static int do_nothing(struct dmabroker_buffer *buffer, const char *name,
						enum dmabroker_access access)
{
	__asm__ volatile("" : : "r"(buffer), "r"(name), "r"(access) : "memory");
	return 0;
}

static void batch_of_pairs(struct dmabroker *broker, struct dmabroker_buffer *buffer)
{
	for (unsigned int i = 0; i < BATCH / 2; i++) {
		begin(broker, buffer, "camera", true);
		end(broker, buffer, "camera");
		begin(broker, buffer, "encoder", false);
		end(broker, buffer, "encoder");
	}
}

static void batch_of_calls(struct dmabroker_buffer *buffer)
{
	for (unsigned int i = 0; i < BATCH / 2; i++) {
		do_nothing(buffer, "camera", DMABROKER_ACCESS_WRITE);
		do_nothing(buffer, "camera", DMABROKER_ACCESS_WRITE);
		do_nothing(buffer, "encoder", DMABROKER_ACCESS_READ);
		do_nothing(buffer, "encoder", DMABROKER_ACCESS_READ);
	}
}

static void run_elided(struct dmabroker *broker, struct series *series, double seconds)
{
	struct dmabroker_collection *collection = allocate(broker, &chains[1]);
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	uint64_t before = sync_calls.syncs, start, end_ns = now_ns() + (uint64_t)(seconds * 1e9);

	for (series->runs = 0; goes_on(series, end_ns); series->runs++) {
		start = now_ns();
		batch_of_calls(buffer);
		series->other[series->runs] = (double)(now_ns() - start) / BATCH;
		start = now_ns();
		batch_of_pairs(broker, buffer);
		series->one[series->runs] = (double)(now_ns() - start) / BATCH;
	}
	if (sync_calls.syncs != before)
		fail("what should be elided was issued");
	sort(series);
	printf("{\"name\": \"elided pair\", \"participants\": 4, \"runs\": %u, \"pairs-each\": %u, "
	       "\"median-ns\": %.2f, \"p99-ns\": %.2f, \"two-calls-median-ns\": %.2f, "
	       "\"times\": %.1f}\n",
	       series->runs, BATCH, median(series, series->one), p99(series, series->one),
	       median(series, series->other),
	       median(series, series->one) / median(series, series->other));
	dmabroker_collection_release(collection);
}

/* One hand-over that needs a bracket, begun and ended, and the bracket alone. */
static void measure_real(struct dmabroker *broker, struct dmabroker_buffer *buffer,
			 const char *writer, const char *reader, uint64_t direction,
			 struct series *series)
{
	uint64_t start, issued = sync_calls.syncs;
	int fd = dmabroker_buffer_get_fd(buffer, 0);

	begin(broker, buffer, writer, true);
	end(broker, buffer, writer);
	if (sync_calls.syncs != issued)
		fail("the writer had something to do");
	start = now_ns();
	begin(broker, buffer, reader, false);
	end(broker, buffer, reader);
	series->one[series->runs] = (double)(now_ns() - start);
	if (sync_calls.syncs != issued + 2)
		fail("it was not one bracket");
	start = now_ns();
	sync_once(fd, DMA_BUF_SYNC_START | direction);
	sync_once(fd, DMA_BUF_SYNC_END | direction);
	series->other[series->runs] = (double)(now_ns() - start);
	series->runs++;
}

static void run_real(struct dmabroker *broker, const struct chain *chain, const char *reader,
		     uint64_t direction, struct series *series, double seconds)
{
	const char *operation = direction == DMA_BUF_SYNC_WRITE ? "clean" : "invalidate";
	struct dmabroker_collection *collection;
	struct dmabroker_buffer *buffer;
	uint64_t end_ns = now_ns() + (uint64_t)(seconds * 1e9);

	if (sync_calls.stand_in) {
		printf("{\"name\": \"real pair\", \"operation\": \"%s\", \"runs\": 0, \"why\": "
		       "\"the memory is no dma-buf: docs/access-bench.md says where it is\"}\n",
		       operation);
		return;
	}
	collection = allocate(broker, chain);
	buffer = dmabroker_collection_get_buffer(collection, 0);
	for (series->runs = 0; goes_on(series, end_ns);)
		measure_real(broker, buffer, chain->agents[0].name, reader, direction, series);
	sort(series);
	printf("{\"name\": \"real pair\", \"operation\": \"%s\", \"runs\": %u, \"median-ns\": "
	       "%.0f, "
	       "\"p99-ns\": %.0f, \"bare-ioctls-median-ns\": %.0f, \"times\": %.3f}\n",
	       operation, series->runs, median(series, series->one), p99(series, series->one),
	       median(series, series->other),
	       median(series, series->one) / median(series, series->other));
	dmabroker_collection_release(collection);
}

/* Whether SYNC can be issued at all: the memory is a dma-buf. */
static void look_at_memory(struct dmabroker *broker)
{
	struct dmabroker_collection *collection = allocate(broker, &chains[0]);
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	struct dma_buf_sync sync = {.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ};
	int fd = dmabroker_buffer_get_fd(buffer, 0);

	if (syscall(SYS_ioctl, fd, DMA_BUF_IOCTL_SYNC, &sync) == 0)
		sync_once(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	else if (errno == ENOTTY)
		sync_calls.stand_in = true;
	else
		fail("DMA_BUF_IOCTL_SYNC fails");
	dmabroker_collection_release(collection);
}

int main(int argc, char **argv)
{
	static const char *const machines[] = {"coherent", "non-coherent"};
	double seconds = argc > 2 ? strtod(argv[2], NULL) : 0.3;
	struct series series = {.one = calloc(RUNS_MAX, sizeof(double)),
				.other = calloc(RUNS_MAX, sizeof(double))};
	struct dmabroker *broker;

	if (argc < 2 || !series.one || !series.other)
		fail("usage: bench-access DAEMON [SECONDS]");
	start(argv[1]);
	broker = connect_to_it();
	for (size_t i = 0; i < 2; i++) {
		make_all(broker, machines[i]);
		if (i == 0) {
			look_at_memory(broker);
			run_elided(broker, &series, seconds);
		}
		for (size_t k = 0; k < sizeof(chains) / sizeof(chains[0]); k++)
			run_chain(broker, machines[i], &chains[k]);
	}
	run_real(broker, &chains[2], "encoder", DMA_BUF_SYNC_WRITE, &series, seconds);
	run_real(broker, &chains[1], "viewer", DMA_BUF_SYNC_READ, &series, seconds);
	dmabroker_disconnect(broker);
	free(series.one);
	free(series.other);
	return 0;
}
