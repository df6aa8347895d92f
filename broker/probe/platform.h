/* SPDX-License-Identifier: MIT */
/* What the platform says of memory and of a device's way to it. */
#ifndef PROBE_PLATFORM_H
#define PROBE_PLATFORM_H

#include <stdio.h>

#include "broker/model/descriptor.h"
#include "broker/probe/quirks.h"

/* Coherency, address bits and IOMMU of the device behind the node's directory in sysfs. */
void platform_measure(const char *sysfs, const struct quirk *quirk, struct device *device);

/* How many bits the highest address of the machine's memory has, from a /proc/zoneinfo.
 * Errors: -EINVAL: it says nothing of that. */
int platform_memory_bits(FILE *zoneinfo, uint64_t page_bytes);

/* Whether a /proc/cmdline has the kernel bounce whatever is mapped for DMA. */
bool platform_bounces_all(FILE *cmdline);

/* The value of a line "key:  123 kB" of a /proc/meminfo, in bytes. Errors: -ENOENT. */
int platform_meminfo(FILE *meminfo, const char *key, uint64_t *ret_bytes);

#endif
