/* SPDX-License-Identifier: MIT */
/* What the architecture says of caches, by itself. */
#ifndef PROBE_CPU_H
#define PROBE_CPU_H

#include "broker/model/descriptor.h"
#include "broker/probe/cmdline.h"

struct cpu {
	const char *names; /* pattern of fnmatch(3) for uname -m; several are parted by '|' */
	bool x86;
	/* Of a device of which no firmware says anything; `always`: of all of them, whatever is
	 * said. */
	enum coherency coherency;
	bool always;
	enum cpu_cache cache;
	bool aliases;
	uint32_t colour_pages; /* mapping colour in pages, or 0 */
	uint32_t colour_bytes; /* in bytes; where both are 0 it is not known */
	bool write_combined;
	bool mixed_attributes;
	bool by_model;	      /* whether it aliases depends on the model: this is the worst */
	bool colour_by_model; /* so does the colour */
};

/* The rules of an architecture as uname -m names it, or NULL. Borrowed for ever. */
const struct cpu *cpu_find(const char *architecture);

/*
 * Writes MACHINE_COHERENCY, _CPU_CACHE, _CACHE_ALIASES, _MAPPING_COLOUR, _WRITE_COMBINED and
 * _MIXED_ATTRIBUTES of the machine's architecture, with how. An unknown one has none of them: the
 * defaults of the vocabulary are the safe side. `cmdline` may be NULL: it cannot be read.
 */
void cpu_measure(const char *root, const struct cmdline *cmdline, struct machine *machine);

/* Whether a word stands in the list behind `key` in /proc/cpuinfo below `root`, for the first CPU:
 * "flags", "Options implemented". Errors: -errno; -ENOENT: there is no such key. */
int cpu_has_word(const char *root, const char *key, const char *word);

#endif
