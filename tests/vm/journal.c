/* SPDX-License-Identifier: MIT */
#include "tests/vm/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "examples/die.h"

#define TRACING "/sys/kernel/tracing/"
#define ENTRIES_MAX 4096

static struct {
	int pipe; /* what the kernel has traced; 0: nothing is traced */
	struct journal_entry entries[ENTRIES_MAX];
	size_t len;
	uint64_t swallow;
	unsigned int starts; /* since journal_swallow */
} journal;

static const char *const event_names[] = {[JOURNAL_MAP] = "dma_map_sg",
					  [JOURNAL_UNMAP] = "dma_unmap_sg",
					  [JOURNAL_FOR_CPU] = "dma_sync_sg_for_cpu",
					  [JOURNAL_FOR_DEVICE] = "dma_sync_sg_for_device"};
static const char *const direction_names[] = {[JOURNAL_BIDIRECTIONAL] = "dir=BIDIRECTIONAL",
					      [JOURNAL_TO_DEVICE] = "dir=TO_DEVICE",
					      [JOURNAL_FROM_DEVICE] = "dir=FROM_DEVICE"};

/* ---- the kernel's trace ---- */

static void write_setting(const char *name, const char *text)
{
	char path[128];
	int file;

	snprintf(path, sizeof(path), TRACING "%s", name);
	file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text))
		die("%s: %s", path, strerror(errno));
	close(file);
}

void journal_trace(void)
{
	char text[64];

	snprintf(text, sizeof(text), "%d", getpid());
	write_setting("set_event_pid", text);
	for (size_t i = 0; i < sizeof(event_names) / sizeof(event_names[0]); i++) {
		snprintf(text, sizeof(text), "events/dma/%s/enable", event_names[i]);
		write_setting(text, "1");
	}
	journal.pipe = open(TRACING "trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (journal.pipe < 0)
		die(TRACING "trace_pipe: %s", strerror(errno));
}

static struct journal_entry *add_entry(void)
{
	if (journal.len == ENTRIES_MAX)
		die("more events than expected");
	journal.entries[journal.len] = (struct journal_entry){0};
	return &journal.entries[journal.len++];
}

/* The place of `word` in a list of names, or -1. */
static int find_word(const char *word, const char *const *names, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(word, names[i]) == 0)
			return (int)i;
	return -1;
}

/* "  program-123  [000] .....  1.234567: dma_map_sg: DEVICE dir=DIRECTION ..." */
static void add_event(const char *line, bool in_sync)
{
	char name[32], device[sizeof(journal.entries[0].device)], direction[32];
	const char *text = strstr(line, ": dma_");
	struct journal_entry *entry;
	int event, way;

	if (strstr(line, "LOST"))
		die("the kernel lost events: %s", line);
	if (!text || sscanf(text + 2, "%31[^:]: %63s %31s", name, device, direction) != 3)
		die("not understood: %s", line);
	event = find_word(name, event_names, 4);
	way = find_word(direction, direction_names, 3);
	if (event < 0 || way < 0)
		die("not understood: %s", line);
	entry = add_entry();
	entry->in_sync = in_sync;
	entry->event = (enum journal_event)event;
	entry->direction = (enum journal_direction)way;
	memcpy(entry->device, device, sizeof(device));
}

/* All lines of the trace that there are. */
static void drain(bool in_sync)
{
	static char text[65536];
	size_t kept = 0;
	ssize_t got;

	if (!journal.pipe)
		return;
	while ((got = read(journal.pipe, text + kept, sizeof(text) - 1 - kept)) > 0) {
		char *line = text, *end;

		text[kept + (size_t)got] = '\0';
		for (; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			add_event(line, in_sync);
		}
		kept = strlen(line);
		memmove(text, line, kept + 1);
	}
	if (got == 0 || errno != EAGAIN || kept)
		die("the trace ends: %s", got ? strerror(errno) : "at its end");
}

/* ---- ioctls ---- */

/* Whether the ioctl is one of a bracket that is to be swallowed. */
static bool is_swallowed(uint64_t flags)
{
	bool end = flags & DMA_BUF_SYNC_END;

	journal.starts += !end;
	return journal.starts && journal.starts <= 64 &&
	       journal.swallow >> (journal.starts - 1) & 1;
}

/* In the kernel's own words. */
static int call_kernel(int fd, unsigned long request, void *argument)
{
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

static int sync_buffer(int fd, struct dma_buf_sync *sync)
{
	struct journal_entry *entry;
	int result, error;

	if (is_swallowed(sync->flags))
		return 0;
	drain(false);
	entry = add_entry();
	entry->is_sync = true;
	entry->flags = sync->flags;
	result = call_kernel(fd, DMA_BUF_IOCTL_SYNC, sync);
	error = errno;
	drain(true);
	errno = error;
	return result;
}

int ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list list;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	return request == DMA_BUF_IOCTL_SYNC ? sync_buffer(fd, argument)
					     : call_kernel(fd, request, argument);
}

/* ---- readers ---- */

void journal_clear(void)
{
	drain(false);
	journal.len = 0;
}

const struct journal_entry *journal_read(size_t *ret_len)
{
	drain(false);
	*ret_len = journal.len;
	return journal.entries;
}

const char *journal_flags_text(uint64_t flags)
{
	static const char *const names[] = {
		[DMA_BUF_SYNC_READ] = "START|READ",
		[DMA_BUF_SYNC_WRITE] = "START|WRITE",
		[DMA_BUF_SYNC_RW] = "START|RW",
		[DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ] = "END|READ",
		[DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE] = "END|WRITE",
		[DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW] = "END|RW",
	};

	return flags < sizeof(names) / sizeof(names[0]) && names[flags] ? names[flags] : "?";
}

void journal_swallow(uint64_t brackets)
{
	journal.swallow = brackets;
	journal.starts = 0;
}
