/* SPDX-License-Identifier: MIT */
/* What the kernel says of a buffer: real imports, for the truth table (truth.c). */
#ifndef TRUTH_H
#define TRUTH_H

#include "broker/model/descriptor.h"
#include "broker/model/format.h"

/* A picture as an importer is told of it. */
struct truth_picture {
	uint32_t fourcc;
	uint32_t v4l2_format; /* 0: no V4L2 device */
	uint32_t width;
	uint32_t height;
	struct format_layout layout;
	uint64_t bytes; /* sizeimage: layout and what the driver wants behind it */
};

enum truth_data { TRUTH_DATA_UNSEEN, TRUTH_DATA_RIGHT, TRUTH_DATA_WRONG };

struct truth_answer {
	bool taken;
	const char *step; /* what was refused; borrowed for ever */
	int error;	  /* its errno; 0: another picture was answered than the one asked for */
	bool bounced;	  /* the kernel gave the device bounce buffers */
	enum truth_data data;
};

#define TRUTH_BUFFERS_MAX 4

/* A heap to take buffers from. Returns owned a dma-buf, or a negative errno. */
struct truth_source {
	int (*allocate)(const struct truth_source *source, uint64_t bytes);
	const struct heap *heap;
};

/*
 * Has the device import a buffer of the source as a real user would: S_FMT, REQBUFS, PREPARE_BUF
 * or PRIME_FD_TO_HANDLE, ADDFB2. With `see_data` pixels are moved where that is possible, and
 * looked at. Returns 0 with an answer; a negative errno: the source has no buffer, or the test
 * itself failed.
 */
int truth_import(const struct device *device, const struct device_role *role,
		 const struct truth_picture *picture, const struct truth_source *source,
		 uint64_t buffer_bytes, bool see_data, struct truth_answer *ret_answer);

/* truth-v4l2.c, truth-drm.c */
int truth_import_v4l2(const struct device *device, const struct device_role *role,
		      const struct truth_picture *picture, const int *buffers, unsigned int len,
		      uint64_t buffer_bytes, bool see_data, struct truth_answer *answer);
int truth_import_drm(const struct device *device, const struct truth_picture *picture, int buffer,
		     uint64_t buffer_bytes, bool see_data, struct truth_answer *answer);

/* Slots of the kernel's bounce buffers in use; 0 where there are none. */
uint64_t truth_bounced_slots(void);

/* Fills a dma-buf with a pattern that looks like noise, or compares it with that pattern. */
int truth_fill(int buffer, uint64_t bytes, uint32_t seed);
/* How many whole or begun pages of the first `bytes` still hold the pattern. Errors: -errno. */
long truth_untouched_pages(int buffer, uint64_t bytes, uint32_t seed);

/* Remembers the first thing that was refused. */
static inline void truth_refuse(struct truth_answer *answer, const char *step, int error)
{
	if (answer->step)
		return;
	answer->taken = false;
	answer->step = step;
	answer->error = error;
}

#endif
