/* SPDX-License-Identifier: MIT */
/*
 * Agents of an access policy, at work on one buffer: the CPU, cameras, outputs, codecs, displays
 * and render nodes. Each touches the buffer as it would in a pipeline. What a device gets it keeps,
 * as a pipeline would have it: agent_use may be called many times, only agent_leave takes it back.
 * Ends the process on errors.
 */
#ifndef AGENTS_H
#define AGENTS_H

#include <dmabroker.h>
#include <stdbool.h>
#include <stdint.h>

#include "examples/display.h"
#include "examples/video.h"
#include "tests/vm/queue.h"

enum agent_kind {
	KIND_CPU,
	KIND_CAMERA,
	KIND_OUTPUT,
	KIND_ENCODER,
	KIND_DECODER,
	KIND_DISPLAY,
	KIND_WRITEBACK,
	KIND_RENDER
};

struct agent {
	char name[64]; /* as participant, and in tables */
	char role[16]; /* of the participant */
	char id[256];  /* of its device; "": the CPU */
	char node[64];
	enum agent_kind kind;
	bool needs_640x360; /* vicodec takes nothing smaller */
	bool needs_320x180; /* vivid and displays have nothing smaller, or would need another mode
			     */
	bool has_grey;
	bool keeps_last; /* vivid's outputs give back all buffers but the last */

	/* what the kernel does for it */
	char device[64]; /* its name in the kernel's trace */
	bool maps;	 /* for DMA */
	bool needs_sync; /* the kernel does something, or looks whether it should, at each SYNC */
	bool is_synced;	 /* it does something */

	/* at work */
	struct queue queue, coded;
	struct v4l2_streamparm pace; /* as it was before */
	bool has_pace;
	void *coded_memory; /* mapped of `coded` */
	uint32_t coded_bytes;
	uint32_t framebuffer, handle;
	int render;
	bool is_at_work;
};

/* Finds out what it can about the device `id` with that role ("": the CPU). */
void agent_init(struct agent *agent, struct dmabroker *broker, const char *name, const char *role,
		const char *id);

/* Whether it writes the buffer. */
bool agent_writes(const struct agent *agent);

/* Whether the two are one card, which imports a buffer only once. */
bool agent_imports_with(const struct agent *agent, const struct agent *other);

/* Has it touch the buffer once: a picture is taken, shown, coded, painted. `write` is for the CPU,
 * which may do either. */
void agent_use(struct agent *agent, const struct dmabroker_record *plan,
	       struct dmabroker_buffer *buffer, bool write);

/* It lets go of the buffer. */
void agent_leave(struct agent *agent);

#endif
