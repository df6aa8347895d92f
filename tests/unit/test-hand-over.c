/* SPDX-License-Identifier: MIT */
/*
 * What libdmabroker does at hand-overs, call by call: its ioctl() and poll() are the test's own.
 * And mappings, the audit, and what is refused.
 */
#include <errno.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define DMABROKER_DEBUG
#include "libclient/internal.h"
#include "tests/unit/check.h"

#define BYTES 16384

/* ---- what the kernel is asked, and what it says ---- */

static struct {
	char calls[256];   /* "<W >W": START and END; "p", "P": poll for writers, for all */
	int always;	   /* every call fails with this */
	int interruptions; /* the next so many calls fail with EINTR and EAGAIN in turn */
	int failing;	   /* the call of this number, from 1, fails */
	int error;
	int number;
	bool silent; /* no fence signals */
	int objects; /* more than one: their number precedes each call */
	int fds[4];
} kernel;

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_poll(struct pollfd *fds, nfds_t len, int timeout_ms);

static void note(int fd, const char *call)
{
	size_t used = strlen(kernel.calls);
	char object[4] = "";

	for (int i = 0; kernel.objects > 1 && i < kernel.objects; i++)
		if (kernel.fds[i] == fd)
			snprintf(object, sizeof(object), "%d", i);
	snprintf(kernel.calls + used, sizeof(kernel.calls) - used, "%s%s%s", used ? " " : "",
		 object, call);
}

static bool fails(void)
{
	if (kernel.always) {
		errno = kernel.always;
		return true;
	}
	if (kernel.interruptions) {
		errno = kernel.interruptions-- & 1 ? EINTR : EAGAIN;
		return true;
	}
	if (++kernel.number != kernel.failing)
		return false;
	errno = kernel.error;
	return true;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	const struct dma_buf_sync *sync;
	char call[4];
	va_list args;

	va_start(args, request);
	sync = va_arg(args, const struct dma_buf_sync *);
	va_end(args);
	ck_assert_uint_eq(request, DMA_BUF_IOCTL_SYNC);
	if (fails())
		return -1;
	snprintf(call, sizeof(call), "%c%s", sync->flags & DMA_BUF_SYNC_END ? '>' : '<',
		 (sync->flags & DMA_BUF_SYNC_RW) == DMA_BUF_SYNC_WRITE	? "W"
		 : (sync->flags & DMA_BUF_SYNC_RW) == DMA_BUF_SYNC_READ ? "R"
									: "X");
	note(fd, call);
	return 0;
}

int __wrap_poll(struct pollfd *fds, nfds_t len, int timeout_ms)
{
	ck_assert_uint_eq(len, 1);
	ck_assert_int_gt(timeout_ms, 0);
	if (fails())
		return -1;
	note(fds->fd, fds->events == POLLOUT ? "P" : "p");
	return !kernel.silent;
}

/* ---- a buffer ---- */

static struct dmabroker broker;
static struct plan *plan;
static struct dmabroker_buffer *buffer;
static bool begins_dirty;

/* "camera:non-coherent:w": name, kind, r w, f: renders, leaving and awaiting fences, d: scans out,
 * x: another process's. */
static void add_agent(const char *word, struct buffer_record *record)
{
	char name[32], kind[32], flags[8];
	struct view *view;

	ck_assert_int_eq(sscanf(word, "%31[^:]:%31[^:]:%7s", name, kind, flags), 3);
	ck_assert_int_eq(vocab_add_dict(plan, PLAN_PARTICIPANTS, VOCAB_SOLVED, &view), 0);
	ck_assert_int_eq(vocab_set_string(view, VIEW_NAME, name, VOCAB_SOLVED), 0);
	for (unsigned int i = 0; i <= AGENT_BOUNCED; i++)
		if (strcmp(vocab_agent_names[i], kind) == 0)
			vocab_set_number(view, VIEW_AGENT, i, VOCAB_SOLVED);
	ck_assert(vocab_has(view, VIEW_AGENT));
	vocab_set_number(view, VIEW_READS, strchr(flags, 'r') != NULL, VOCAB_SOLVED);
	vocab_set_number(view, VIEW_WRITES, strchr(flags, 'w') != NULL, VOCAB_SOLVED);
	vocab_set_number(view, VIEW_COMPLETION,
			 strpbrk(flags, "fd") ? COMPLETION_IMPLICIT_FENCE : COMPLETION_DEQUEUE,
			 VOCAB_SOLVED);
	vocab_set_number(view, VIEW_ROLE,
			 strchr(flags, 'f')   ? ROLE_RENDER
			 : strchr(flags, 'd') ? ROLE_SCANOUT
					      : ROLE_CAPTURE,
			 VOCAB_SOLVED);
	if (!strchr(flags, 'x'))
		ck_assert_int_eq(vocab_add_string(record, BUFFER_PARTICIPANTS, name, VOCAB_SOLVED),
				 0);
}

static void add_memory(struct buffer_record *record, int i)
{
	struct memory_object *memory;
	int fd = memfd_create("hand-over", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, BYTES), 0);
	kernel.fds[i] = fd;
	ck_assert_int_eq(vocab_add_dict(record, BUFFER_MEMORY, VOCAB_SOLVED, &memory), 0);
	vocab_set_number(memory, MEMORY_BYTES, BYTES, VOCAB_KERNEL);
	vocab_set_fd(memory, MEMORY_FD, fd, VOCAB_KERNEL);
}

/* `agents` as add_agent, separated by spaces. */
static void make(const char *agents, bool cached, int objects)
{
	struct buffer_record *record;
	char copy[256], *rest = NULL;

	memset(&kernel, 0, sizeof(kernel));
	kernel.objects = objects;
	ck_assert_int_eq(vocab_create(&vocab_plan, &plan), 0);
	ck_assert_int_eq(vocab_create(&vocab_buffer, &record), 0);
	ck_assert_int_eq(vocab_set_string(plan, PLAN_HEAP, "system", VOCAB_SOLVED), 0);
	vocab_set_number(plan, PLAN_CACHED, cached, VOCAB_SOLVED);
	if (begins_dirty)
		vocab_set_number(plan, PLAN_INITIALLY_DIRTY, true, VOCAB_SOLVED);
	vocab_set_number(plan, PLAN_MAPPING, cached ? MAPPING_CACHED : MAPPING_WRITE_COMBINED,
			 VOCAB_SOLVED);
	snprintf(copy, sizeof(copy), "%s", agents);
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		add_agent(word, record);
	for (int i = 0; i < objects; i++)
		add_memory(record, i);
	buffer = calloc(1, sizeof(*buffer));
	ck_assert_ptr_nonnull(buffer);
	ck_assert_int_eq(buffer_init(buffer, &broker, plan, record), 0);
}

static void unmake(void)
{
	buffer_finish(buffer);
	free(buffer);
	vocab_destroy(plan);
	handle_forget(&broker);
}

/* "camera+w" begins, "camera-" ends, "camera/rw" is both; "!camera" and "!" release. */
static int step(const char *word)
{
	char name[32] = "", what[4] = "";
	enum dmabroker_access access = 0;
	int error;

	if (word[0] == '!')
		return dmabroker_buffer_release_to(buffer, word[1] ? word + 1 : NULL);
	ck_assert_int_ge(sscanf(word, "%31[^-+/]%3s", name, what), 2);
	if (what[0] == '-')
		return dmabroker_buffer_end_access(buffer, name);
	access |= strchr(what, 'r') ? DMABROKER_ACCESS_READ : 0;
	access |= strchr(what, 'w') ? DMABROKER_ACCESS_WRITE : 0;
	error = dmabroker_buffer_begin_access(buffer, name, access);
	if (!error && what[0] == '/')
		error = dmabroker_buffer_end_access(buffer, name);
	return error;
}

static void steps(const char *words)
{
	char copy[256], *rest = NULL;

	snprintf(copy, sizeof(copy), "%s", words);
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		ck_assert_msg(step(word) == 0, "%s: %s", word, dmabroker_get_error_text(&broker));
}

/* ---- call by call ---- */

static const struct row {
	const char *agents;
	const char *steps;
	const char *calls;
	bool uncached;
	int objects;
} rows[] = {
#define CHAIN "cam:non-coherent:w enc:non-coherent:r disp:non-coherent:rd cpu:cpu:rw"
	/* devices that do not snoop are no trouble among themselves */
	{CHAIN, "cam/w enc/r disp/r cam/w", ""},
	{CHAIN, "cam/w cpu/r cam/w", "<R >R"},
	{CHAIN, "cam/w cpu/r cpu/r cpu/r", "<R >R"},
	{CHAIN, "cpu/w enc/r disp/r", "<W >W"},
	{CHAIN, "cpu/w cam/w cpu/r", "<W >W <R >R"},
	{CHAIN, "cam/w cpu/rw enc/r disp/r cam/w", "<R >R <W >W"},
	{CHAIN, "cpu/w cpu/rw cpu/r", ""},
	{CHAIN, "cam/w cpu/r enc/r cam/w cpu/w enc/r", "<R >R <R >R <W >W"},
	{CHAIN, "cam/w cpu/rw enc/r disp/r", "", true},
	/* devices that snoop are none for the CPU */
	{"cam:coherent:w cpu:cpu:rw copy:cpu-copying:rw", "cam/w cpu/rw copy/rw cam/w cpu/r", ""},
	{"cam:coherent:w enc:non-coherent:r", "cam/w enc/r enc/r", "<W >W"},
	{"cam:non-coherent:w enc:coherent:r", "cam/w enc/r enc/r", "<R >R"},
	/* nobody knows: what either kind needs, but for what itself wrote */
	{"u:unknown:rw cpu:cpu:rw", "u/w u/rw cpu/r u/r", "<W >W <R >R"},
	{"u:unknown:rw n:non-coherent:rw", "u/w n/r u/r n/w u/r", "<W >W <R >R"},
	{"u:unknown:rw v:unknown:rw", "u/w v/rw u/r", "<W >W <R >R <W >W <R >R"},
	/* bounced: its copy is filled where somebody else has written, and only then */
	{"b:bounced:w cpu:cpu:rw", "b/w cpu/r b/w cpu/rw b/w cpu/r", "<R >R <R >R <W >W <R >R"},
	{"b:bounced:r cpu:cpu:rw", "cpu/w b/r b/r cpu/r b/r cpu/w b/r", "<W >W <W >W"},
	/* fences: who renders leaves some, before the CPU and V4L2 they are waited for */
	{CHAIN, "disp/r cpu/w", ""},
	{"gpu:coherent:rf cpu:cpu:rw", "gpu/r cpu/r", ""},
	{"gpu:coherent:rf cpu:cpu:rw", "gpu/r cpu/w cpu/w", "P"},
	{"gpu:coherent:rf cam:coherent:w", "gpu/r cam/w cam/w", "P"},
	{"gpu:coherent:rwf two:coherent:rwf", "gpu/w two/rw gpu/rw", ""},
	{"gpu:coherent:wf disp:coherent:rd cpu:cpu:rw", "gpu/w disp/r cpu/r cpu/w", "p"},
	{"gpu:non-coherent:wf disp:coherent:rd", "gpu/w disp/r", "p <R >R"},
	{"gpu:coherent:wf cpu:cpu:r", "gpu/w cpu/r", "p", .uncached = true},
	/* all memory objects, each wholly */
	{CHAIN, "cpu/w enc/r", "0<W 0>W 1<W 1>W 2<W 2>W", .objects = 3},
	{"u:unknown:rw cpu:cpu:rw", "u/w cpu/r", "0<W 0>W 0<R 0>R 1<W 1>W 1<R 1>R", .objects = 2},
	{"gpu:coherent:wf cpu:cpu:r", "gpu/w cpu/r", "0p 1p", .objects = 2},
/* other processes: who wrote does it, once, for all of them */
#define APART "cpu:cpu:rw enc:non-coherent:rx disp:non-coherent:rdx"
	{APART, "cpu/w ! ! cpu/r", "<W >W"},
	{APART, "cpu/w !enc !disp", "<W >W"},
	{APART, "cpu/r !", ""},
	{APART, "cpu/w ! cpu/w !disp", "<W >W <W >W"},
	{"cam:non-coherent:w enc:non-coherent:rx cpu:cpu:rx", "cam/w !enc", "<R >R"},
	{"cam:non-coherent:w enc:non-coherent:rx", "cam/w !enc cam/w !", ""},
	{"cam:bounced:w cpu:cpu:rwx", "cam/w ! cam/w !", "<R >R <R >R"},
	{"u:unknown:w n:non-coherent:rx c:cpu:rx", "u/w !", "<W >W <R >R"},
	{"gpu:coherent:wf cpu:cpu:rx", "gpu/w !cpu", "p"},
	/* within one process release_to does beforehand what begin would */
	{CHAIN, "cpu/w !enc enc/r", "<W >W"},
	{CHAIN, "cpu/w ! enc/r", "<W >W"},
	{CHAIN, "cam/w !cpu cpu/r", "<R >R"},
};

START_TEST(exactly_what_is_due)
{
	const struct row *row = &rows[_i];

	make(row->agents, !row->uncached, row->objects ? row->objects : 1);
	steps(row->steps);
	ck_assert_msg(strcmp(kernel.calls, row->calls) == 0, "%s: %s: \"%s\", not \"%s\"",
		      row->agents, row->steps, kernel.calls, row->calls);
	unmake();
}
END_TEST

/* Two bounced writers: SYNC would copy one's picture over the other's. */
START_TEST(a_plan_of_agents_that_cannot_share_is_refused)
{
	struct dmabroker_buffer other = {0};

	make("cam:coherent:w enc:bounced:r", true, 1);
	vocab_set_number(plan->participants.items[0], VIEW_AGENT, AGENT_BOUNCED, VOCAB_SOLVED);
	ck_assert_int_eq(buffer_init(&other, &broker, plan, buffer->record), -EPROTO);
	ck_assert_ptr_null(other.record);
	unmake();
}
END_TEST

START_TEST(interrupted_calls_are_repeated)
{
	make("gpu:coherent:rf enc:non-coherent:r cpu:cpu:rw", true, 1);
	steps("gpu/r");
	kernel.interruptions = 5;
	steps("cpu/w");
	kernel.interruptions = 3;
	steps("enc/r");
	ck_assert_str_eq(kernel.calls, "P <W >W");
	unmake();
}
END_TEST

START_TEST(not_for_ever)
{
	make(CHAIN, true, 1);
	steps("cam/w");
	kernel.always = EAGAIN;
	ck_assert_int_eq(step("cpu+r"), -EAGAIN);
	kernel.always = 0;
	steps("cpu/r");
	ck_assert_str_eq(kernel.calls, "<R >R");
	unmake();
}
END_TEST

/* Whichever call fails, the access has not begun, and all that was due is due again. */
START_TEST(what_fails_stays_due)
{
	make("u:unknown:wf cpu:cpu:rw", true, 2);
	steps("u/w");
	kernel.failing = _i;
	kernel.error = EIO;
	ck_assert_int_eq(step("cpu+r"), -EIO);
	ck_assert_str_ne(dmabroker_get_error_text(&broker), "");
	ck_assert_int_eq(step("cpu-"), -EINVAL);
	kernel.calls[0] = '\0';
	kernel.failing = 0;
	steps("cpu/r");
	ck_assert_str_eq(kernel.calls, "0p 1p 0<W 0>W 0<R 0>R 1<W 1>W 1<R 1>R");
	unmake();
}
END_TEST

START_TEST(a_fence_that_does_not_signal)
{
	make("u:coherent:wf cpu:cpu:rw", true, 1);
	steps("u/w");
	kernel.silent = true;
	ck_assert_int_eq(step("cpu+r"), -ETIMEDOUT);
	ck_assert_int_eq(step("!"), 0); /* nobody else is there to need it */
	ck_assert_int_eq(step("!cpu"), -ETIMEDOUT);
	kernel.silent = false;
	steps("cpu/r");
	ck_assert_str_eq(kernel.calls, "p P p");
	unmake();
}
END_TEST

/* ---- misuse ---- */

static const struct misuse {
	const char *before;
	const char *step;
	int error;
	const char *text; /* a part of the message */
} misuses[] = {
	{"", "cpu-", -EINVAL, "has not begun"},
	{"", "nobody+r", -ENOENT, "no participant called nobody"},
	{"", "nobody-", -ENOENT, "no participant called nobody"},
	{"", "!nobody", -ENOENT, "no participant called nobody"},
	{"", "cpu+", -EINVAL, "reads, writes"},
	{"cpu+r", "cpu+r", -EALREADY, "has begun already"},
	{"cam+w", "cpu+r", -EBUSY, "cam (begun at "},
	{"cam+w", "cpu+w", -EBUSY, "test-hand-over.c:"},
	{"cpu+r", "cam+w", -EBUSY, "cam cannot have it: cpu (begun"},
	{"cpu+r enc+r", "cpu+w", -EALREADY, "has begun already"},
	{"", "enc+w", -EACCES, "only reads by the plan"},
	{"", "enc+rw", -EACCES, "only reads by the plan"},
	{"", "far+r", -EPERM, "another process"},
	{"", "far-", -EINVAL, "has not begun"},
	{"cpu+w", "!", -EBUSY, "another process cannot have it: cpu"},
	{"cpu+r", "!far", -EBUSY, "far cannot have it: cpu"},
};

START_TEST(misuse_is_refused)
{
	const struct misuse *row = &misuses[_i];
	struct dmabroker_access_stats stats;
	int error;

	make("cam:non-coherent:w enc:non-coherent:r cpu:cpu:rw far:coherent:rx", true, 1);
	steps(row->before);
	error = step(row->step);
	ck_assert_msg(error == row->error, "%s after %s: %d", row->step, row->before, error);
	ck_assert_msg(strstr(dmabroker_get_error_text(&broker), row->text), "%s: %s", row->step,
		      dmabroker_get_error_text(&broker));
	ck_assert_str_eq(kernel.calls, "");
	dmabroker_buffer_get_access_stats(buffer, &stats, sizeof(stats));
	ck_assert_uint_eq(stats.refused, 1);
	unmake();
}
END_TEST

START_TEST(everything_is_counted)
{
	struct dmabroker_access_stats stats;
	uint64_t begun;

	make("cam:non-coherent:wf enc:non-coherent:r cpu:cpu:rw", true, 2);
	steps("cam/w enc/r cpu/rw enc/r !cpu cpu+r enc+r");
	dmabroker_buffer_get_access_stats(buffer, &stats, sizeof(stats));
	ck_assert_uint_eq(stats.begun, 6);
	ck_assert_uint_eq(stats.ended, 4);
	ck_assert_uint_eq(stats.released, 1);
	ck_assert_uint_eq(stats.elided, 4);
	ck_assert_uint_eq(stats.cleans, 1);
	ck_assert_uint_eq(stats.invalidates, 1);
	ck_assert_uint_eq(stats.syncs, 8);
	ck_assert_uint_eq(stats.waits, 1);
	ck_assert_uint_eq(stats.refused, 0);
	ck_assert_uint_eq(stats.held, 2);
	/* a program of an older version */
	memset(&stats, 0xff, sizeof(stats));
	dmabroker_buffer_get_access_stats(buffer, &stats, sizeof(begun));
	ck_assert_uint_eq(stats.begun, 6);
	ck_assert_uint_eq(stats.ended, UINT64_MAX);
	unmake();
}
END_TEST

static char left[256];

static void on_leak(void *data, const char *participant, const char *file, int line)
{
	size_t used = strlen(left);

	ck_assert_ptr_eq(data, left);
	snprintf(left + used, sizeof(left) - used, "%s at %s:%d ", participant,
		 strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line);
}

START_TEST(the_audit_names_who_has_not_ended)
{
	char expected[128];

	dmabroker_set_audit_callback(&broker, on_leak, left);
	make(CHAIN, true, 1);
	steps("cam/w enc+r");
	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "cpu", DMABROKER_ACCESS_READ), 0);
	snprintf(expected, sizeof(expected), " cpu at test-hand-over.c:%d ", __LINE__ - 1);
	unmake();
	ck_assert_msg(strncmp(left, "enc at test-hand-over.c:", 24) == 0, "%s", left);
	ck_assert_msg(strstr(left, expected), "%s", left);
	ck_assert_ptr_null(strstr(left, "cam"));
	dmabroker_set_audit_callback(&broker, NULL, NULL);
	make(CHAIN, true, 1);
	steps("cpu+r");
	left[0] = '\0';
	unmake();
	ck_assert_str_eq(left, "");
}
END_TEST

/* ---- mappings ---- */

START_TEST(an_address_of_the_colour)
{
	void *first = NULL, *again = NULL, *second = NULL;

	make(CHAIN, true, 2);
	vocab_set_number(plan, PLAN_MAPPING_COLOUR, UINT64_C(1) << _i, VOCAB_SOLVED);
	ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &first), 0);
	ck_assert_int_eq(dmabroker_buffer_map(buffer, 1, &second), 0);
	ck_assert_uint_eq((uintptr_t)first % (UINT64_C(1) << _i), 0);
	ck_assert_uint_eq((uintptr_t)second % (UINT64_C(1) << _i), 0);
	memset(first, 1, BYTES);
	memset(second, 2, BYTES);
	ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &again), 0);
	ck_assert_ptr_eq(again, first);
	ck_assert_int_eq(*(uint8_t *)again, 1);
	ck_assert_int_eq(dmabroker_buffer_map(buffer, 2, &again), -ERANGE);
	unmake();
}
END_TEST

/* Mappings of our buffers' memory. */
static int count_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int count = 0;

	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "hand-over (deleted)") != NULL;
	fclose(maps);
	return count;
}

/* There is one, however often it is asked for and wherever it had to go, and none afterwards. */
START_TEST(no_mapping_is_left)
{
	void *address;

	make(CHAIN, true, 1);
	vocab_set_number(plan, PLAN_MAPPING_COLOUR, 4 << 20, VOCAB_SOLVED);
	ck_assert_int_eq(count_mappings(), 0);
	ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &address), 0);
	ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &address), 0);
	ck_assert_int_eq(count_mappings(), 1);
	unmake();
	ck_assert_int_eq(count_mappings(), 0);
}
END_TEST

START_TEST(one_attribute_for_all_mappings)
{
	void *address = NULL, *second = NULL;

	make(CHAIN, true, 1);
	ck_assert_int_eq(dmabroker_buffer_map_as(buffer, 0, DMABROKER_MAPPING_UNCACHED, &address),
			 -EMEDIUMTYPE);
	ck_assert_msg(strstr(dmabroker_get_error_text(&broker), "heap system") &&
			      strstr(dmabroker_get_error_text(&broker), "is:uncached"),
		      "%s", dmabroker_get_error_text(&broker));
	ck_assert_ptr_null(address);
	ck_assert_int_eq(dmabroker_buffer_map_as(buffer, 0, DMABROKER_MAPPING_CACHED, &address), 0);
	ck_assert_int_eq(
		dmabroker_buffer_map_as(buffer, 0, DMABROKER_MAPPING_WRITE_COMBINED, &second),
		-EMEDIUMTYPE);
	ck_assert_int_eq(dmabroker_buffer_map_as(buffer, 0, DMABROKER_MAPPING_ANY, &second), 0);
	ck_assert_ptr_eq(address, second);
	ck_assert_int_eq(dmabroker_buffer_map_as(buffer, 0, (enum dmabroker_mapping)4, &second),
			 -EINVAL);
	/* of which kind it is nobody knows */
	vocab_set_number(plan, PLAN_MAPPING, MAPPING_UNKNOWN, VOCAB_SOLVED);
	ck_assert_int_eq(dmabroker_buffer_map_as(buffer, 0, DMABROKER_MAPPING_CACHED, &address),
			 -EMEDIUMTYPE);
	unmake();
}
END_TEST

/* Pages of a memfd, and what somebody brings. */
START_TEST(a_buffer_may_begin_dirty)
{
	begins_dirty = true;
	make(CHAIN, true, 1);
	steps("cpu/r enc/r disp/r cam/w");
	ck_assert_str_eq(kernel.calls, "<W >W");
	unmake();
	make(CHAIN, false, 1);
	steps("cpu/r enc/r");
	ck_assert_str_eq(kernel.calls, "");
	unmake();
	begins_dirty = false;
}
END_TEST

START_TEST(protected_memory_is_not_mapped)
{
	void *address = &broker;

	make(CHAIN, true, 1);
	vocab_set_number(plan, PLAN_MAPPING, MAPPING_NONE, VOCAB_SOLVED);
	ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &address), -EACCES);
	ck_assert_ptr_null(address);
	ck_assert_msg(strstr(dmabroker_get_error_text(&broker), "protected"), "%s",
		      dmabroker_get_error_text(&broker));
	unmake();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hand-over");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 60);
	tcase_add_loop_test(all, exactly_what_is_due, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(all, a_plan_of_agents_that_cannot_share_is_refused);
	tcase_add_test(all, interrupted_calls_are_repeated);
	tcase_add_test(all, not_for_ever);
	tcase_add_loop_test(all, what_fails_stays_due, 1, 11);
	tcase_add_test(all, a_fence_that_does_not_signal);
	tcase_add_loop_test(all, misuse_is_refused, 0, sizeof(misuses) / sizeof(misuses[0]));
	tcase_add_test(all, everything_is_counted);
	tcase_add_test(all, the_audit_names_who_has_not_ended);
	tcase_add_loop_test(all, an_address_of_the_colour, 12, 24);
	tcase_add_test(all, no_mapping_is_left);
	tcase_add_test(all, one_attribute_for_all_mappings);
	tcase_add_test(all, a_buffer_may_begin_dirty);
	tcase_add_test(all, protected_memory_is_not_mapped);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
