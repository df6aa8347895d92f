/* SPDX-License-Identifier: MIT */
/* The parts of dmabroker-trial, the child that makes the trials. */
#ifndef PROBE_TRIAL_CHILD_H
#define PROBE_TRIAL_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/probe/trial.h"

#define TRIAL_CHILD_FD 3 /* where the child finds its DRM node */
#define TRIAL_EXPORTER_BYTES 64

/* An ioctl that is repeated where a signal interrupted it. Errors: -errno. */
int trial_ioctl(int fd, unsigned long request, void *argument);

/* Whether an error says something of the buffer, and not only of this moment or of our rights. */
bool trial_is_refusal(int error);

/* Notes what an attempt came to. `error` is what its ioctl gave: 0 or -errno. */
void trial_note(int error, enum trial_verdict *verdict, uint32_t *refusal);

/*
 * trial-v4l2.c. Errors: -ENOENT and the like: the node cannot be opened; or what kept every single
 * trial from being made. A queue in use is no error.
 */
int trial_v4l2(const struct trial *trial, char exporter[TRIAL_EXPORTER_BYTES],
	       struct trial_answer *ret_answer);

/* trial-drm.c: with the node of trial->drm_fd. Errors: -ENODEV: it went away. */
int trial_drm(const struct trial *trial, struct trial_answer *ret_answer);

/* --- trial-memory.c: buffers that are contiguous for nobody --- */

/* How a buffer is made of a memfd of few pages: all of them, again and again. */
struct trial_pattern {
	uint32_t pages; /* of the memfd */
	uint32_t times; /* above 1 wherever the buffer has more than one page */
};

/* What a list of udmabuf may have. */
struct trial_limits {
	uint64_t page_bytes;
	uint32_t items;
	uint64_t bytes;
};

/*
 * The pattern with the fewest pages for a buffer of at least `bytes`. A range of pages that is
 * repeated is never one run: where it begins anew the address falls back.
 * Errors: -EFBIG: more than the limits allow.
 */
int trial_pattern(uint64_t bytes, const struct trial_limits *limits,
		  struct trial_pattern *ret_pattern);

struct trial_memory {
	int device, memfd;
	struct trial_limits limits;
};

/* Errors: -ENOENT, -EACCES and the like: no udmabuf for us; -ENOMEM. */
int trial_memory_open(struct trial_memory *ret_memory);
void trial_memory_close(struct trial_memory *memory);

/* Returns the fd of a dma-buf of at least `bytes`, owned, and how long it is. Buffers of as many
 * bytes as there are in a list's items (1024 pages, if nobody changed that) are all made of the
 * same page. Errors: -EFBIG, or what udmabuf says. */
int trial_memory_make(const struct trial_memory *memory, uint64_t bytes, uint64_t *ret_bytes);

/* More than all segment limits that are usual (64 KiB is the kernel's default): behind an IOMMU
 * they decide whether pages become one run. */
#define TRIAL_SCATTERED_BYTES ((UINT64_C(1) << 20) + 1)

/* --- trial-align.c: alignments by trial and error --- */

#define TRIAL_ALIGN_MAX 4096u

/* Whether the driver takes this pitch or offset. */
typedef bool (*trial_takes_fn)(void *data, uint32_t value);

/*
 * The least alignment of which the driver takes two multiples in a row, and one further on, not
 * below `least`; powers of two and three times these are tried, and `hint`, if it is not 0. What is
 * taken twice in a row is a multiple of the driver's own alignment. 0: none up to TRIAL_ALIGN_MAX.
 */
uint32_t trial_find_align(uint32_t least, uint32_t hint, trial_takes_fn takes, void *data);

/* The alignment that the pitches of dumb buffers show, given for each the bytes of a row. 1: they
 * are as long as the rows. */
uint32_t trial_pitch_align(const uint32_t *pitches, const uint32_t *row_bytes, size_t len);

#endif
