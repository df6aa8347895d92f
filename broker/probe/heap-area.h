/* SPDX-License-Identifier: MIT */
/* Where the contiguous areas lie that CMA heaps give memory of. */
#ifndef PROBE_HEAP_AREA_H
#define PROBE_HEAP_AREA_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HEAP_AREA_HOW_BYTES 224

struct heap_area {
	uint64_t last;		       /* no byte of it lies above; UINT64_MAX: not known */
	uint64_t bytes;		       /* 0: not known */
	char how[HEAP_AREA_HOW_BYTES]; /* how `last` is known */
};

/*
 * The default area (linux/dma-map-ops.h, dev_get_cma_area). `root` as in probe_options. What is
 * said to lie in the machine's memory and is not known better lies in a zone that has such memory.
 */
void heap_area_default(const char *root, uint64_t page_bytes, struct heap_area *ret_area);

/* The reusable shared-dma-pool of the device tree whose node is called `name`.
 * Errors: -ENOENT: there is none. */
int heap_area_named(const char *root, const char *name, uint64_t page_bytes,
		    struct heap_area *ret_area);

/*
 * The last byte of the highest zone that has contiguous areas, from a /proc/zoneinfo, and that
 * zone's name. Errors: -ENODATA: no zone has any, or the kernel does not say.
 */
int heap_area_zone(FILE *zoneinfo, uint64_t page_bytes, uint64_t *ret_last, char ret_name[16]);

/*
 * What the cma= words of a command line say, in their order: "64M@0x30000000", "64M@0-4G". No byte
 * of the area lies above `*ret_last`. Errors: -EINVAL: nothing of where it lies, or nothing that
 * makes sense.
 */
int heap_area_parse(const char *const *values, size_t len, uint64_t page_bytes, uint64_t *ret_last);

#endif
