/* SPDX-License-Identifier: MIT */
/* What the platform says of memory and of a device's way to it. */
#ifndef PROBE_PLATFORM_H
#define PROBE_PLATFORM_H

#include <stdio.h>

#include "broker/probe/measure.h"

/*
 * All facts of the machine but its name and page size, which are known before: the architecture
 * decides much of the rest. `root` as in probe_options; with one, the CPU itself is not asked.
 */
void platform_measure_machine(const char *root, struct machine *machine);

/* The compatible strings of the device behind the node. */
void platform_identify(struct measure *measure);

/* Coherency, reach, IOMMU and bouncing of the device behind the node, or of those that do its DMA
 * instead. What is not known is absent or assumed, and `how` says why. */
void platform_measure(struct measure *measure);

/*
 * Whether a driver that took a buffer whose pages lie anywhere in memory has certainly been given
 * these pages, and no bounce buffer: no memory lies out of the device's reach, or nothing is ever
 * bounced. Then a trial's acceptance counts. After platform_measure.
 */
bool platform_excludes_bounce(const struct measure *measure);

/* Whether a page anywhere in memory lies within the device's reach. Then a refusal counts that may
 * be one for the page's address. After platform_measure. */
bool platform_reaches_all(const struct measure *measure);

/* Where the machine's memory begins and ends, last byte included, from a /proc/zoneinfo.
 * Errors: -EINVAL: it says nothing of that. */
int platform_memory(FILE *zoneinfo, uint64_t page_bytes, uint64_t *ret_first, uint64_t *ret_last);

/* How many bits the highest address of the machine's memory has. Errors: as platform_memory. */
int platform_memory_bits(FILE *zoneinfo, uint64_t page_bytes);

/* The value of a line "key:  123 kB" of a /proc/meminfo, in bytes. Errors: -ENOENT. */
int platform_meminfo(FILE *meminfo, const char *key, uint64_t *ret_bytes);

#endif
