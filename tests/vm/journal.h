/* SPDX-License-Identifier: MIT */
/*
 * What this process asks of dma-bufs, and what the kernel makes of it: each DMA_BUF_IOCTL_SYNC,
 * with the trace events (dma:dma_map_sg, dma_unmap_sg, dma_sync_sg_for_cpu, dma_sync_sg_for_device)
 * that it caused, and the events in between.
 *
 * The program's own ioctl() is in front of the C library's, also for the libraries of the program:
 * nothing of them is changed. Ends the process on errors.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum journal_event { JOURNAL_MAP, JOURNAL_UNMAP, JOURNAL_FOR_CPU, JOURNAL_FOR_DEVICE };
enum journal_direction { JOURNAL_BIDIRECTIONAL, JOURNAL_TO_DEVICE, JOURNAL_FROM_DEVICE };

/* One of the kernel's events, or one ioctl. */
struct journal_entry {
	bool is_sync;	/* an ioctl, followed by its events */
	uint64_t flags; /* of it */
	bool in_sync;	/* the event came during the last ioctl before it */
	enum journal_event event;
	enum journal_direction direction;
	char device[64];
};

/* Traces from now on what this process does. Without: the ioctls only. */
void journal_trace(void);

/* Forgets. */
void journal_clear(void);

/* Reads what the kernel has traced. Returns borrowed until the next call of this, of journal_clear
 * or of ioctl(). */
const struct journal_entry *journal_read(size_t *ret_len);

/* "START|READ" and the like. */
const char *journal_flags_text(uint64_t flags);

/*
 * From now on the ioctls of each bracket whose bit is set are swallowed: they return 0 and do
 * nothing. Bit 0 is the first bracket after this call. A bracket is a START and its END.
 */
void journal_swallow(uint64_t brackets);

#endif
