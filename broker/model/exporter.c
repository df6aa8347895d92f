/* SPDX-License-Identifier: MIT */
/*
 * Exporters of dma-bufs that somebody brings. fdinfo names the code that made a buffer (exp_name,
 * drivers/dma-buf/dma-buf.c), and that decides what its hooks do. The facts are those of Linux
 * 6.12; what is in no row is of an exporter of which nothing is known.
 *
 * A buffer that a heap of this machine has made has the facts of that heap, since a heap's buffers
 * bear its name (drivers/dma-buf/heaps/).
 */
#include "broker/model/exporter.h"

#include <errno.h>
#include <string.h>

#include "broker/model/brought.h"
#include "broker/model/plan.h"

#define VIDEOBUF2 "drivers/media/common/videobuf2/videobuf2-"

enum known { KNOWN_NOT, KNOWN_NO, KNOWN_YES, KNOWN_BY_DEVICE };

static const struct row {
	const char *name;
	enum known contiguous, cached;
	enum maintenance maintenance;
	bool kernel_map;
	bool pages;  /* each page is a piece of its own */
	bool in_ram; /* else it may lie on a device, at any address */
	bool is_drm;
	enum memory_model model; /* of the V4L2 queues whose memory it is */
	const char *source;
} rows[] = {
	/* No begin_cpu_access: SYNC waits for fences. vmalloc_user, mapped as any memory is. */
	{"videobuf2_vmalloc", KNOWN_NO, KNOWN_YES, MAINTENANCE_NONE, true, true, true, false,
	 MEMORY_MODEL_VMALLOC, VIDEOBUF2 "vmalloc.c 6.12"},
	/* Its hooks return 0, and importers are mapped without maintenance. dma_alloc_attrs: memory
	 * that is coherent for its device: contiguous unless that has an IOMMU, and cached if it
	 * snoops; V4L2_MEMORY_FLAG_NON_COHERENT makes it cached in any case. */
	{"videobuf2_dma_contig", KNOWN_BY_DEVICE, KNOWN_BY_DEVICE, MAINTENANCE_NONE, true, false,
	 true, false, MEMORY_MODEL_DMA_CONTIG, VIDEOBUF2 "dma-contig.c 6.12"},
	/* Its hooks maintain for its own device only: nothing at all if that snoops (put_row). */
	{"videobuf2_dma_sg", KNOWN_NO, KNOWN_YES, MAINTENANCE_EXPORTER, true, false, true, false,
	 MEMORY_MODEL_DMA_SG, VIDEOBUF2 "dma-sg.c 6.12"},
	/* drm_gem_prime_dmabuf_ops has no begin_cpu_access. Drivers with hooks of their own that
	 * export by drm_gem_prime_export bear the same name (amdgpu, xe). */
	{"drm", KNOWN_NOT, KNOWN_NOT, MAINTENANCE_NONE, true, false, false, true,
	 MEMORY_MODEL_UNKNOWN, "drivers/gpu/drm/drm_prime.c 6.12"},
	/* Own implementations, each its own way. */
	{"i915", KNOWN_NOT, KNOWN_NOT, MAINTENANCE_UNKNOWN, false, false, false, true,
	 MEMORY_MODEL_UNKNOWN, "drivers/gpu/drm/i915/gem/i915_gem_dmabuf.c 6.12"},
	{"armada", KNOWN_NOT, KNOWN_NOT, MAINTENANCE_UNKNOWN, false, false, false, true,
	 MEMORY_MODEL_UNKNOWN, "drivers/gpu/drm/armada/armada_gem.c 6.12"},
	{"omapdrm", KNOWN_NOT, KNOWN_NOT, MAINTENANCE_UNKNOWN, false, false, false, true,
	 MEMORY_MODEL_UNKNOWN, "drivers/gpu/drm/omapdrm/omap_gem_dmabuf.c 6.12"},
	{"tegra_drm", KNOWN_NOT, KNOWN_NOT, MAINTENANCE_UNKNOWN, false, false, false, true,
	 MEMORY_MODEL_UNKNOWN, "drivers/gpu/drm/tegra/gem.c 6.12"},
	{"virtio_gpu", KNOWN_NOT, KNOWN_NOT, MAINTENANCE_UNKNOWN, false, false, false, true,
	 MEMORY_MODEL_UNKNOWN, "drivers/gpu/drm/virtio/virtgpu_prime.c 6.12"},
};

#define UDMABUF "udmabuf"
#define UDMABUF_SOURCE "drivers/dma-buf/udmabuf.c 6.12"

static const struct row *find_row(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

bool exporter_is_memfd(const char *name)
{
	return strcmp(name, EXPORTER_NAME_MEMFD) == 0 ||
	       strcmp(name, EXPORTER_NAME_MEMFD_HUGETLB) == 0;
}

static bool is_udmabuf(const char *name)
{
	return strcmp(name, UDMABUF) == 0 || exporter_is_memfd(name);
}

const char *exporter_source(const char *name)
{
	const struct row *row = find_row(name);

	return row ? row->source : is_udmabuf(name) ? UDMABUF_SOURCE : NULL;
}

bool exporter_is_own(const char *name, const struct device *device, const struct device_role *role)
{
	const struct row *row = find_row(name);

	if (!row || !device)
		return false;
	if (device->kind == KIND_DRM)
		return row->is_drm;
	return row->model != MEMORY_MODEL_UNKNOWN &&
	       vocab_number(role, ROLE_MEMORY_MODEL) == row->model;
}

/* ---- the facts ---- */

static void put(struct heap *heap, unsigned int row, uint64_t value, enum vocab_origin origin)
{
	vocab_set_number(heap, row, value, origin);
}

/* Of coherent memory of a device that is known. */
static enum known is_contiguous_for(const struct device *device)
{
	return device && !vocab_number(device, DEVICE_IOMMU) ? KNOWN_YES : KNOWN_NOT;
}

static enum known is_cached_for(const struct device *device)
{
	switch (device ? vocab_number(device, DEVICE_COHERENCY) : COHERENCY_UNKNOWN) {
	case COHERENCY_COHERENT:
		return KNOWN_YES;
	case COHERENCY_NON_COHERENT:
		return KNOWN_NO;
	default:
		return KNOWN_NOT;
	}
}

static void put_known(struct heap *heap, unsigned int row, enum known known)
{
	if (known != KNOWN_NOT)
		put(heap, row, known == KNOWN_YES, VOCAB_QUIRK);
}

/* `device` NULL: it is not known which one. */
static void put_row(struct heap *heap, const struct row *row, const struct machine *machine,
		    const struct device *device)
{
	put_known(heap, HEAP_CONTIGUOUS,
		  row->contiguous == KNOWN_BY_DEVICE ? is_contiguous_for(device) : row->contiguous);
	put_known(heap, HEAP_CACHED,
		  row->cached == KNOWN_BY_DEVICE ? is_cached_for(device) : row->cached);
	if (row->maintenance == MAINTENANCE_EXPORTER && is_cached_for(device) != KNOWN_NO)
		put(heap, HEAP_MAINTENANCE, MAINTENANCE_NONE, VOCAB_QUIRK);
	else if (row->maintenance != MAINTENANCE_UNKNOWN)
		put(heap, HEAP_MAINTENANCE, row->maintenance, VOCAB_QUIRK);
	put(heap, HEAP_KERNEL_MAP, row->kernel_map, VOCAB_QUIRK);
	if (row->pages)
		put(heap, HEAP_SEGMENT_BYTES_MAX, vocab_number(machine, MACHINE_PAGE_BYTES),
		    VOCAB_QUIRK);
	if (row->in_ram && vocab_has(machine, MACHINE_MEMORY_MAX))
		put(heap, HEAP_ADDRESS_MAX, machine->memory_max, VOCAB_KERNEL);
}

/* The heap whose buffers bear this name. */
static const struct heap *find_maker(const struct machine *machine, const char *name)
{
	const struct heap *heap = machine_find_heap(machine, name);

	if (is_udmabuf(name))
		return machine_find_exporter(machine, EXPORTER_UDMABUF);
	return heap && vocab_has(heap, HEAP_EXPORTER) && heap->exporter == EXPORTER_DMA_HEAP ? heap
											     : NULL;
}

/* A udmabuf shows nobody whether its pages are huge ones; drivers that copy with the CPU may be
 * given a wrong mapping of these. */
static void doubt_pages(struct heap *heap, const struct machine *machine)
{
	const struct heap *huge = machine_find_exporter(machine, EXPORTER_UDMABUF_HUGETLB);

	put(heap, HEAP_KERNEL_MAP, huge && vocab_number(huge, HEAP_KERNEL_MAP), VOCAB_ASSUMED);
	vocab_clear(heap, HEAP_SEGMENT_BYTES_MAX);
}

static int begin(const struct machine *machine, const char *name, struct heap **ret_heap)
{
	const struct heap *maker = find_maker(machine, name);

	return maker ? vocab_copy(maker, ret_heap) : vocab_create(&vocab_heap, ret_heap);
}

/* What whoever brings them says, where the exporter's name leaves it open. */
static void put_declared(struct heap *heap, const struct row *row,
			 const struct participant *participant)
{
	const void *first = participant->buffers.items[0];

	if (vocab_has(first, MEMORY_CACHED) &&
	    (!vocab_has(heap, HEAP_CACHED) || (row && row->cached == KNOWN_BY_DEVICE)))
		put(heap, HEAP_CACHED, vocab_number(first, MEMORY_CACHED), VOCAB_DECLARED);
}

int exporter_describe(const struct machine *machine, const struct participant *participant,
		      const struct device *device, const struct device_role *role,
		      struct heap **ret_heap)
{
	const char *name = brought_exporter(participant);
	const struct row *row = find_row(name);
	struct heap *heap;
	int error = begin(machine, name, &heap);

	if (error)
		return error;
	if (vocab_format_string(heap, HEAP_ID, VOCAB_DECLARED, EXPORTER_HEAP "%s",
				vocab_string(participant, PARTICIPANT_NAME))) {
		vocab_destroy(heap);
		return -ENOMEM;
	}
	vocab_clear(heap, HEAP_NODE);
	put(heap, HEAP_KNOWN, true, VOCAB_DECLARED);
	if (row)
		put_row(heap, row, machine, exporter_is_own(name, device, role) ? device : NULL);
	else if (!find_maker(machine, name))
		put(heap, HEAP_KERNEL_MAP, false, VOCAB_ASSUMED);
	else if (is_udmabuf(name) && strcmp(name, EXPORTER_NAME_MEMFD) != 0)
		doubt_pages(heap, machine);
	put_declared(heap, row, participant);
	*ret_heap = heap;
	return 0;
}
