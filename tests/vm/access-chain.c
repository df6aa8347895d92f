/* SPDX-License-Identifier: MIT */
/*
 * Pictures through a chain of agents of which some see a copy only, in bounce buffers: with the
 * library's brackets every picture arrives, without any one of them none does. Devices are cameras
 * and readers of tests/vm/modules, whose engines use DMA addresses.
 *
 * usage: access-chain [-n FRAMES] [-b BUFFERS] [-l LABEL] STEP...
 *
 * STEP is NAME=ROLE@NODE or NAME=cpu, in the order in which a buffer comes to them; with a "!" at
 * its end it must be bounced, else it must not. The first writes: a camera takes a picture, or the
 * CPU paints one. The CPU as a later step looks whether all of the picture is there, changes all of
 * it, and writes a note behind it, which no camera writes over. A reader must get what the step
 * before left.
 *
 * Prints TAP. Environment: DMABROKER_ADDRESS (of the daemon).
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <dmabroker.h>

#include "examples/die.h"
#include "tests/vm/queue.h"
#include "examples/video.h"
#include "tests/vm/journal.h"

#define WIDTH 16u /* small: some engines take a tenth of a second for 2 KiB */
#define HEIGHT 16u
#define BYTES (WIDTH * HEIGHT * 4)
#define NOTE 2048u /* where the CPU's note is */
#define PAGE 4096u
#define MAGIC 0x54504d49u /* tests/vm/modules/importer.h */
#define CHANGED 0x80000000u
#define STEPS_MAX 6
#define BUFFERS_MAX 4
#define WAIT_MS 30000

struct step {
	const char *name, *role, *node; /* node NULL: the CPU */
	bool bounced;			/* as it must be */
	struct queue queue;
	char folder[64]; /* what the importer shows of itself */
};

struct chain {
	struct dmabroker *broker;
	struct dmabroker_collection *collection;
	const struct dmabroker_record *plan;
	struct step steps[STEPS_MAX];
	size_t steps_len;
	uint32_t buffers;
	const char *label;
	uint32_t painted;	     /* pictures of the CPU's */
	uint32_t notes[BUFFERS_MAX]; /* what the CPU has written there; 0: nothing yet */
	uint32_t noted;
	unsigned int damaged; /* steps that did not find what they should */
	uint32_t tests, failures;
};

static void tap(struct chain *chain, bool passed, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void tap(struct chain *chain, bool passed, const char *format, ...)
{
	va_list args;

	chain->tests++;
	chain->failures += !passed;
	printf("%sok %u - %s: ", passed ? "" : "not ", chain->tests, chain->label);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

static bool is_cpu(const struct step *step)
{
	return !step->node;
}

/* ---- pictures ---- */

/* As the modules' cameras write them. */
static void paint(uint32_t *words, uint32_t frame)
{
	for (uint32_t at = 0; at < BYTES; at += 16, words += 4) {
		words[0] = MAGIC;
		words[1] = frame;
		words[2] = at / PAGE;
		words[3] = at % PAGE;
	}
}

static bool is_picture(const volatile uint32_t *words, uint32_t frame)
{
	uint32_t right = 0;

	for (uint32_t at = 0; at < BYTES; at += 16, words += 4)
		right += words[0] == MAGIC && words[1] == frame && words[2] == at / PAGE &&
			 words[3] == at % PAGE;
	return right == BYTES / 16;
}

/* ---- access ---- */

static struct dmabroker_buffer *buffer_of(const struct chain *chain, uint32_t index)
{
	return dmabroker_collection_get_buffer(chain->collection, index);
}

static void begin(struct chain *chain, const struct step *step, uint32_t index,
		  enum dmabroker_access access)
{
	if (dmabroker_buffer_begin_access(buffer_of(chain, index), step->name, access) < 0)
		die("%s cannot begin: %s", step->name, dmabroker_get_error_text(chain->broker));
}

static void end(struct chain *chain, const struct step *step, uint32_t index)
{
	if (dmabroker_buffer_end_access(buffer_of(chain, index), step->name) < 0)
		die("%s cannot end: %s", step->name, dmabroker_get_error_text(chain->broker));
}

static uint32_t *map(struct chain *chain, uint32_t index)
{
	void *bytes;

	if (dmabroker_buffer_map(buffer_of(chain, index), 0, &bytes) < 0)
		die("mmap: %s", dmabroker_get_error_text(chain->broker));
	return bytes;
}

/* ---- steps ---- */

static void wait_for(const struct queue *queue, short events)
{
	struct pollfd pollfd = {.fd = queue->fd, .events = events};

	if (poll(&pollfd, 1, WAIT_MS) != 1 || !(pollfd.revents & events))
		die("%s does nothing for %d ms", queue->who, WAIT_MS);
}

static struct v4l2_buffer take(struct queue *queue)
{
	bool output = queue->type == V4L2_BUF_TYPE_VIDEO_OUTPUT;
	struct v4l2_buffer buffer;

	while (!queue_take(queue, &buffer))
		wait_for(queue, output ? POLLOUT : POLLIN);
	if (buffer.flags & V4L2_BUF_FLAG_ERROR)
		die("%s: a broken buffer", queue->who);
	return buffer;
}

/* The camera has the buffer until its next picture is in it. */
static void give_to_camera(struct chain *chain, uint32_t index)
{
	struct step *camera = &chain->steps[0];

	begin(chain, camera, index, DMABROKER_ACCESS_WRITE);
	queue_put(&camera->queue, index, dmabroker_buffer_get_fd(buffer_of(chain, index), 0));
}

/* Returns a buffer with a new picture. */
static uint32_t make_picture(struct chain *chain, uint32_t *ret_frame)
{
	struct step *first = &chain->steps[0];
	struct v4l2_buffer taken;
	uint32_t index = chain->painted % chain->buffers;

	if (!is_cpu(first)) {
		taken = take(&first->queue);
		end(chain, first, taken.index);
		*ret_frame = taken.sequence;
		return taken.index;
	}
	begin(chain, first, index, DMABROKER_ACCESS_WRITE);
	paint(map(chain, index), chain->painted);
	end(chain, first, index);
	*ret_frame = chain->painted++;
	return index;
}

static void change_picture(struct chain *chain, const struct step *step, uint32_t index,
			   uint32_t *frame)
{
	uint32_t *words = map(chain, index), *note = words + NOTE / 4;

	begin(chain, step, index, DMABROKER_ACCESS_READ_WRITE);
	chain->damaged += !is_picture(words, *frame);
	if (chain->notes[index])
		chain->damaged += *(volatile uint32_t *)note != chain->notes[index];
	*frame ^= CHANGED;
	paint(words, *frame);
	*note = chain->notes[index] = ++chain->noted;
	end(chain, step, index);
}

/* What the reader's engine has got last. */
static void read_picture(const struct step *step, uint32_t words[BYTES / 4])
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/picture", step->folder);
	file = fopen(path, "re");
	if (!file || fread(words, 1, BYTES, file) != BYTES)
		die("%s: no picture", path);
	fclose(file);
}

static void read_by_device(struct chain *chain, struct step *step, uint32_t index, uint32_t frame)
{
	uint32_t words[BYTES / 4];

	begin(chain, step, index, DMABROKER_ACCESS_READ);
	queue_put(&step->queue, index, dmabroker_buffer_get_fd(buffer_of(chain, index), 0));
	take(&step->queue);
	end(chain, step, index);
	read_picture(step, words);
	chain->damaged += !is_picture(words, frame);
}

/* One picture through the whole chain, and its buffer back to the beginning. */
static void pass_picture(struct chain *chain)
{
	uint32_t frame, index = make_picture(chain, &frame);

	for (size_t i = 1; i < chain->steps_len; i++) {
		struct step *step = &chain->steps[i];

		if (is_cpu(step))
			change_picture(chain, step, index, &frame);
		else
			read_by_device(chain, step, index, frame);
	}
	if (!is_cpu(&chain->steps[0]))
		give_to_camera(chain, index);
}

/* Returns how much was damaged. */
static unsigned int pass_pictures(struct chain *chain, uint32_t frames)
{
	chain->damaged = 0;
	for (uint32_t i = 0; i < frames; i++)
		pass_picture(chain);
	return chain->damaged;
}

/* ---- what the policy asks of one picture ---- */

static const char *operation_of(const struct chain *chain, const char *from, const char *to)
{
	const struct dmabroker_record *edge;

	for (size_t i = 0; !dmabroker_record_get_record(chain->plan, "policy", i, &edge); i++)
		if (strcmp(dmabroker_record_get_string(edge, "from"), from) == 0 &&
		    strcmp(dmabroker_record_get_string(edge, "to"), to) == 0)
			return dmabroker_record_get_string(edge, "operation");
	return NULL;
}

struct bracket {
	const char *operation, *before;
};

/* One that was done for a reader need not be done again for the next. */
static void ask_policy(const struct chain *chain, const char *writer, const struct step *step,
		       struct bracket brackets[], size_t *len, size_t since)
{
	const char *operation =
		strcmp(writer, step->name) == 0 ? "none" : operation_of(chain, writer, step->name);

	if (!operation)
		operation = "none";
	for (size_t i = since; i < *len; i++)
		if (strcmp(brackets[i].operation, operation) == 0)
			return;
	if (strcmp(operation, "none") != 0)
		brackets[(*len)++] = (struct bracket){operation, step->name};
}

/* The brackets from one picture in a buffer to the next in it. */
static size_t expected_brackets(const struct chain *chain, struct bracket brackets[STEPS_MAX])
{
	const char *writer = chain->steps[0].name;
	size_t len = 0, since = 0;

	for (size_t i = 1; i < chain->steps_len; i++) {
		ask_policy(chain, writer, &chain->steps[i], brackets, &len, since);
		if (is_cpu(&chain->steps[i])) {
			writer = chain->steps[i].name;
			since = len;
		}
	}
	ask_policy(chain, writer, &chain->steps[0], brackets, &len, since);
	return len;
}

/* Whether the library's ioctls since journal_clear are those of the brackets, in order. */
static bool issued_are(const struct bracket brackets[], size_t len)
{
	const struct journal_entry *entries;
	size_t entries_len, at = 0;

	entries = journal_read(&entries_len);
	if (entries_len != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++, at += 2) {
		uint64_t direction = strcmp(brackets[i].operation, "clean") == 0
					     ? DMA_BUF_SYNC_WRITE
					     : DMA_BUF_SYNC_READ;

		if (entries[at].flags != direction ||
		    entries[at + 1].flags != (direction | DMA_BUF_SYNC_END))
			return false;
	}
	return true;
}

static void check_brackets(struct chain *chain, const struct bracket brackets[], size_t len)
{
	size_t entries_len;
	bool right;

	journal_clear();
	pass_picture(chain);
	right = issued_are(brackets, len);
	journal_read(&entries_len);
	tap(chain, right && len, "a picture costs what the policy says: %zu brackets", len);
	if (!right)
		printf("# %zu ioctls\n", entries_len);
}

/* ---- setting up ---- */

static void must(int result)
{
	if (result < 0)
		die("a request: %s", strerror(-result));
}

static struct dmabroker_record *make_request(const struct chain *chain)
{
	struct dmabroker_record *request, *participant;

	must(dmabroker_request_create(&request));
	must(dmabroker_record_set_uint(request, "width", WIDTH));
	must(dmabroker_record_set_uint(request, "height", HEIGHT));
	must(dmabroker_record_set_uint(request, "count", chain->buffers));
	must(dmabroker_record_set_bool(request, "allow-bounce", 1));
	must(dmabroker_record_add_format(request, "formats", DRM_FORMAT_XRGB8888, 0));
	must(dmabroker_record_add_string(request, "allowed-heaps", "system"));
	for (size_t i = 0; i < chain->steps_len; i++) {
		must(dmabroker_request_add_participant(request, chain->steps[i].name,
						       chain->steps[i].role, &participant));
		if (chain->steps[i].node)
			must(dmabroker_record_set_string(participant, "device",
							 chain->steps[i].node));
	}
	return request;
}

static void allocate(struct chain *chain)
{
	struct dmabroker_record *request = make_request(chain);

	if (dmabroker_connect(NULL, &chain->broker) < 0)
		die("no broker");
	if (dmabroker_allocate(chain->broker, request, &chain->collection) < 0)
		die("no buffers: %s", dmabroker_get_error_text(chain->broker));
	dmabroker_record_destroy(request);
	chain->plan = dmabroker_buffer_get_plan(buffer_of(chain, 0));
	if (dmabroker_collection_get_count(chain->collection) < chain->buffers)
		die("too few buffers");
}

static void open_device(struct chain *chain, struct step *step)
{
	struct v4l2_pix_format pix = queue_format_of(chain->plan, step->name);
	struct stat status;

	step->queue = (struct queue){.who = step->name,
				     .fd = open(step->node, O_RDWR | O_CLOEXEC | O_NONBLOCK),
				     .type = strcmp(step->role, "output") == 0
						     ? V4L2_BUF_TYPE_VIDEO_OUTPUT
						     : V4L2_BUF_TYPE_VIDEO_CAPTURE,
				     .memory = V4L2_MEMORY_DMABUF};
	if (step->queue.fd < 0 || fstat(step->queue.fd, &status) < 0)
		die("%s: %s", step->node, strerror(errno));
	snprintf(step->folder, sizeof(step->folder), "/sys/dev/char/%u:%u/device/importer",
		 major(status.st_rdev), minor(status.st_rdev));
	queue_set_exact_format(&step->queue, &pix);
	queue_request(&step->queue, chain->buffers);
}

static void start(struct chain *chain)
{
	for (size_t i = 0; i < chain->steps_len; i++)
		if (!is_cpu(&chain->steps[i]))
			open_device(chain, &chain->steps[i]);
	for (uint32_t i = 0; i < chain->buffers && !is_cpu(&chain->steps[0]); i++)
		give_to_camera(chain, i);
	for (size_t i = 0; i < chain->steps_len; i++)
		if (!is_cpu(&chain->steps[i]))
			queue_start(&chain->steps[i].queue);
}

/* Bytes of the buffer that it got last which lie in bounce buffers. */
static unsigned long bounced_bytes(const struct step *step)
{
	char path[128], line[128];
	unsigned long bytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/import", step->folder);
	file = fopen(path, "re");
	if (!file)
		die("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, "bounced-bytes ", 14) == 0)
			bytes = strtoul(line + 14, NULL, 0);
	fclose(file);
	return bytes;
}

/* What the importer says of the buffer that it got last. */
static void show_import(const struct step *step)
{
	char path[128], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/import", step->folder);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		printf("# %s", line);
	if (file)
		fclose(file);
}

static void check_bounced(struct chain *chain, const struct step *step)
{
	const struct dmabroker_record *view;
	uint64_t planned = 0;
	bool bounced;

	if (is_cpu(step))
		return;
	for (size_t i = 0; !dmabroker_record_get_record(chain->plan, "participants", i, &view); i++)
		if (strcmp(dmabroker_record_get_string(view, "name"), step->name) == 0)
			(void)dmabroker_record_get_uint(view, "bounced", &planned);
	bounced = bounced_bytes(step) > 0;
	tap(chain, planned == step->bounced && bounced == step->bounced,
	    "%s is %sbounced, by plan and by the kernel", step->name, step->bounced ? "" : "not ");
	if (bounced != step->bounced)
		show_import(step);
}

/* ---- all of it ---- */

static void check_damage(struct chain *chain, const struct bracket *bracket, size_t number)
{
	unsigned int damaged;

	journal_swallow(UINT64_C(1) << number);
	damaged = pass_pictures(chain, chain->buffers + 1);
	journal_swallow(0);
	tap(chain, damaged > 0, "without %s before %s once, a picture is damaged",
	    bracket->operation, bracket->before);
	pass_pictures(chain, chain->buffers);
	tap(chain, pass_pictures(chain, chain->buffers) == 0, "and then no more");
}

static void run(struct chain *chain, uint32_t frames)
{
	struct bracket brackets[STEPS_MAX];
	unsigned int damaged;
	size_t len;

	allocate(chain);
	start(chain);
	damaged = pass_pictures(chain, frames);
	tap(chain, damaged == 0, "%u pictures are intact", frames);
	for (size_t i = 0; i < chain->steps_len; i++)
		check_bounced(chain, &chain->steps[i]);
	len = expected_brackets(chain, brackets);
	check_brackets(chain, brackets, len);
	for (size_t i = 0; i < len; i++)
		check_damage(chain, &brackets[i], i);
	for (size_t i = 0; i < chain->steps_len; i++)
		if (!is_cpu(&chain->steps[i]))
			close(chain->steps[i].queue.fd);
	dmabroker_collection_release(chain->collection);
	dmabroker_disconnect(chain->broker);
	printf("1..%u\n", chain->tests);
}

static void add_step(struct chain *chain, char *text)
{
	struct step *step = &chain->steps[chain->steps_len];
	char *role = strchr(text, '='), *node = strchr(text, '@');
	size_t len = strlen(text);

	if (!role || chain->steps_len == STEPS_MAX)
		die("a step is NAME=ROLE@NODE or NAME=cpu: %s", text);
	*step = (struct step){.name = text, .role = role + 1, .bounced = text[len - 1] == '!'};
	if (step->bounced)
		text[len - 1] = '\0';
	*role = '\0';
	if (node) {
		*node = '\0';
		step->node = node + 1;
	}
	chain->steps_len++;
}

int main(int argc, char **argv)
{
	static struct chain chain = {.label = "chain", .buffers = 2};
	uint32_t frames = 100;
	int option;

	while ((option = getopt(argc, argv, "n:b:l:")) != -1) {
		if (option == 'n')
			frames = (uint32_t)atoi(optarg);
		else if (option == 'b')
			chain.buffers = (uint32_t)atoi(optarg);
		else if (option == 'l')
			chain.label = optarg;
		else
			return 2;
	}
	if (argc - optind < 2 || !chain.buffers || chain.buffers > BUFFERS_MAX) {
		fputs("usage: access-chain [-n FRAMES] [-b BUFFERS] [-l LABEL] STEP...\n", stderr);
		return 2;
	}
	for (int i = optind; i < argc; i++)
		add_step(&chain, argv[i]);
	run(&chain, frames);
	return chain.failures ? 1 : 0;
}
