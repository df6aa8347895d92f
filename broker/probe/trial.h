/* SPDX-License-Identifier: MIT */
/* Trials: what can only be learnt by doing it, done by a child process with a deadline. */
#ifndef PROBE_TRIAL_H
#define PROBE_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TRIAL_LINE_BYTES 256
#define TRIAL_DEADLINE_DEFAULT_MS 5000u

/* What is tried. */
struct trial {
	/* a V4L2 queue: opened by the child, by its path */
	const char *node;
	uint32_t queue_type; /* enum v4l2_buf_type */
	/* a DRM node: borrowed, handed down to the child; a primary node must not be master. -1:
	 * V4L2
	 */
	int drm_fd;
	/* DRM primary nodes: linear formats of the card of which pitches and offsets are tried, one
	 * of one plane, one of two planes of equal pitch; 0: none. For pictures of this size, which
	 * the card takes. */
	uint32_t format, planar_format;
	uint32_t width, height;
	/* No buffer is imported. For devices that do not reach all memory while nothing is bounced:
	 * there the kernel answers a page out of reach with a warning and its backtrace (6.12
	 * kernel/dma/direct.h, dma_direct_map_page), which some machines take for a reason to stop.
	 */
	bool no_imports;
};

enum trial_verdict {
	TRIAL_NOT_MADE, /* no udmabuf here, the queue is in use, the driver cannot do it ... */
	TRIAL_TAKEN,
	TRIAL_REFUSED, /* by the driver: for its size, its pages or their addresses; not for want of
			  memory */
};

/*
 * What a refusal was, as a positive errno; 0 if it was none.
 *	V4L2	EFAULT: not contiguous. EINVAL: a page is out of reach, or a rule of the driver.
 *	DRM	EIO, EREMOTEIO: a page is out of reach. Any other: the driver's own rule.
 * (6.12 videobuf2-dma-contig.c, vb2_dc_map_dmabuf; kernel/dma/mapping.c, __dma_map_sg_attrs.)
 */
struct trial_errors {
	uint32_t one_page, scattered, used;
};

/*
 * The buffers of trials are udmabufs that list the same page of a memfd again and again: nobody can
 * take them for contiguous by luck. One that is taken may still have been bounced: whoever asks has
 * to rule that out. `one_page` and `scattered` of a DRM node are made of the same page: where the
 * first is taken, the second was not refused for the page's address.
 */
struct trial_answer {
	bool busy;	       /* the queue is in use: nothing was tried (V4L2) */
	uint32_t memory_model; /* enum memory_model, by the exporter's name of a buffer (V4L2) */
	uint32_t capabilities; /* V4L2_BUF_CAP_* of the queue; 0: not known */
	enum trial_verdict one_page;  /* a buffer of one page, all of it used (DRM) */
	enum trial_verdict scattered; /* a buffer of more pages, all of them used */
	enum trial_verdict used;      /* one page used, of a buffer of more (V4L2; DRM imports know
					 no part) */
	struct trial_errors errors;
	uint32_t stride_align; /* bytes: the least that ADDFB2 takes and dumb buffers have; 0: not
				  found (DRM) */
	uint32_t offset_align; /* bytes (DRM) */
};

/*
 * Has `program` make the trial. Blocks, at most until the deadline (0: the default) and a grace.
 * Errors: -ETIMEDOUT; -EPROTO: it failed, or said what nobody understands; posix_spawn's own.
 */
int trial_run(const char *program, uint32_t deadline_ms, const struct trial *trial,
	      struct trial_answer *ret_answer);

/* Reads the child's line: "exporter=videobuf2_vmalloc capabilities=1d scattered=refused:14 ...\n";
 * unknown words are passed over. Errors: -EPROTO. */
int trial_parse(const char *line, struct trial_answer *ret_answer);

/* Writes such a line; `exporter` is the kernel's name or "". */
void trial_print(FILE *file, const char *exporter, const struct trial_answer *answer);

#endif
