/* SPDX-License-Identifier: MIT */
/* Trials: what can only be learnt by doing it, done by a child process with a deadline. */
#ifndef PROBE_TRIAL_H
#define PROBE_TRIAL_H

#include <stddef.h>
#include <stdint.h>

#define TRIAL_LINE_BYTES 128

struct trial_answer {
	uint32_t memory_model; /* enum memory_model */
	uint32_t capabilities; /* V4L2_BUF_CAP_* of the queue */
};

/*
 * Has `program` try one buffer on a V4L2 queue. Blocks, at most until the deadline and a grace.
 * Errors: -ETIMEDOUT; -EPROTO: it failed, or said what nobody understands; posix_spawn's own.
 */
int trial_run(const char *program, uint32_t deadline_ms, const char *node, uint32_t queue_type,
	      struct trial_answer *ret_answer);

/* Reads the child's line: "videobuf2_vmalloc 1d\n". Errors: -EPROTO. */
int trial_parse(const char *line, struct trial_answer *ret_answer);

#endif
