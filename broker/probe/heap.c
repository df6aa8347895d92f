/* SPDX-License-Identifier: MIT */
/*
 * Heap nodes -> facts. A heap has one ioctl, and that allocates: of its properties the kernel tells
 * nothing but the name. So the names of the mainline kernel are known here, with what their
 * implementation does (drivers/dma-buf/heaps/ and drivers/dma-buf/udmabuf.c, Linux 6.12); a heap of
 * any other name has unknown properties and serves only where a request names it.
 *
 * The CMA heap was called after its area until 6.16 (`reserved` by the command line or the
 * configuration, `linux,cma` or `default-pool` by the device tree), since 6.17 default_cma_region.
 */
#include "broker/probe/heap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/probe/fact.h"
#include "broker/probe/platform.h"
#include "broker/probe/sysfs.h"

struct heap_kind {
	const char *id;
	enum exporter exporter;
	bool contiguous;
	enum maintenance maintenance;
	const char *capacity, *free; /* keys of /proc/meminfo */
};

/* clang-format off */
static const struct heap_kind heap_kinds[] = {
	{"system", EXPORTER_DMA_HEAP, false, MAINTENANCE_ATTACHMENTS, "MemTotal", "MemAvailable"},
	{"reserved", EXPORTER_DMA_HEAP, true, MAINTENANCE_ATTACHMENTS, "CmaTotal", "CmaFree"},
	{"linux,cma", EXPORTER_DMA_HEAP, true, MAINTENANCE_ATTACHMENTS, "CmaTotal", "CmaFree"},
	{"default-pool", EXPORTER_DMA_HEAP, true, MAINTENANCE_ATTACHMENTS, "CmaTotal", "CmaFree"},
	{"default_cma_region", EXPORTER_DMA_HEAP, true, MAINTENANCE_ATTACHMENTS, "CmaTotal",
	 "CmaFree"},
	{"udmabuf", EXPORTER_UDMABUF, false, MAINTENANCE_EXPORTER, "MemTotal", "MemAvailable"},
};
/* clang-format on */

static const struct heap_kind *find_kind(enum exporter exporter, const char *id)
{
	for (size_t i = 0; i < sizeof(heap_kinds) / sizeof(heap_kinds[0]); i++)
		if (heap_kinds[i].exporter == exporter && strcmp(heap_kinds[i].id, id) == 0)
			return &heap_kinds[i];
	return NULL;
}

static void measure_bytes(struct heap *heap, unsigned int row, const char *key)
{
	FILE *meminfo = sysfs_open("/proc/meminfo");
	uint64_t bytes;

	if (!meminfo)
		return;
	if (platform_meminfo(meminfo, key, &bytes) == 0)
		fact_number(heap, row, bytes, VOCAB_KERNEL);
	fclose(meminfo);
}

static void measure_reach(struct heap *heap)
{
	FILE *zoneinfo = sysfs_open("/proc/zoneinfo");
	long page_bytes = sysconf(_SC_PAGESIZE);
	int bits = -EINVAL;

	if (zoneinfo) {
		bits = platform_memory_bits(zoneinfo, page_bytes > 0 ? (uint64_t)page_bytes : 4096);
		fclose(zoneinfo);
	}
	if (bits > 0)
		fact_number(heap, HEAP_ADDRESS_BITS, (uint64_t)(bits < 12 ? 12 : bits),
			    VOCAB_KERNEL);
	else
		fact_number(heap, HEAP_ADDRESS_BITS, 64, VOCAB_ASSUMED);
}

/* The other limit of udmabuf, list_limit, counts ranges of a memfd: one serves any buffer. Its
 * default is assumed where the parameter cannot be read. */
static void measure_udmabuf_limit(struct heap *heap)
{
	uint64_t mib;

	if (sysfs_number("/sys/module/udmabuf/parameters", "size_limit_mb", &mib) == 0 &&
	    mib < UINT64_MAX >> 20)
		fact_number(heap, HEAP_BUFFER_BYTES_MAX, mib << 20, VOCAB_KERNEL);
	else
		fact_number(heap, HEAP_BUFFER_BYTES_MAX, 64 << 20, VOCAB_ASSUMED);
}

static void measure_limit(struct heap *heap, const struct heap_kind *kind)
{
	if (kind->exporter == EXPORTER_UDMABUF)
		measure_udmabuf_limit(heap);
	else if (kind->contiguous && vocab_has(heap, HEAP_CAPACITY_BYTES))
		fact_number(heap, HEAP_BUFFER_BYTES_MAX, vocab_number(heap, HEAP_CAPACITY_BYTES),
			    VOCAB_KERNEL);
}

void heap_measure(enum exporter exporter, struct heap *heap)
{
	const struct heap_kind *kind = find_kind(exporter, vocab_string(heap, HEAP_ID));

	fact_number(heap, HEAP_EXPORTER, exporter, VOCAB_KERNEL);
	fact_number(heap, HEAP_KNOWN, kind != NULL, VOCAB_QUIRK);
	if (!kind)
		return;
	fact_number(heap, HEAP_CONTIGUOUS, kind->contiguous, VOCAB_QUIRK);
	fact_number(heap, HEAP_CACHED, true, VOCAB_QUIRK);
	fact_number(heap, HEAP_ZEROED, true, VOCAB_QUIRK);
	fact_number(heap, HEAP_PROTECTED, false, VOCAB_QUIRK);
	fact_number(heap, HEAP_MAINTENANCE, kind->maintenance, VOCAB_QUIRK);
	measure_bytes(heap, HEAP_CAPACITY_BYTES, kind->capacity);
	measure_bytes(heap, HEAP_FREE_BYTES, kind->free);
	measure_reach(heap);
	measure_limit(heap, kind);
}
