/* SPDX-License-Identifier: MIT */
/*
 * The parts of /reserved-memory that are pools for devices, as Linux 6.12 sets them up
 * (drivers/of/of_reserved_mem.c; rmem_cma_setup(), rmem_dma_setup() and rmem_swiotlb_setup() in
 * kernel/dma).
 *
 * A shared-dma-pool is a CMA area if it is reusable, else memory that the system has not. Which
 * of its pools a driver takes, if any, is its own affair. Most take the first. They are for what
 * the driver allocates itself: an import does not come from there.
 *
 * A restricted-dma-pool is taken for the driver, unless there is an IOMMU, and from the device's
 * own node before the one its DMA is configured from (of_dma_set_restricted_buffer(),
 * drivers/of/device.c). All that is mapped then goes through it as a copy. A kernel without
 * CONFIG_DMA_RESTRICTED_POOL knows nothing of it; that cannot be seen here, so it bounces.
 *
 * Not looked at: the alignment that a CMA area must have, which depends on the kernel's
 * configuration, and that 32-bit ARM has no pools without no-map.
 */
#include "broker/probe/devicetree-node.h"

#include <string.h>

#define REGIONS_MAX 64 /* MAX_RESERVED_REGIONS, include/linux/of_reserved_mem.h */

/* Cells of an address and of a size in /reserved-memory: the root's. */
struct memory_cells {
	uint32_t address, size;
};

static uint32_t root_cells(struct dtnode_walk *walk, const char *name)
{
	uint32_t cells = 1;

	(void)dtnode_u32(walk, "/", name, &cells);
	return cells;
}

/* __reserved_mem_check_root(), drivers/of/of_reserved_mem.c */
static bool check_cells(struct dtnode_walk *walk, struct memory_cells *ret)
{
	static const char node[] = "/reserved-memory";
	uint32_t address, size;

	ret->address = root_cells(walk, "#address-cells");
	ret->size = root_cells(walk, "#size-cells");
	return dtnode_u32(walk, node, "#address-cells", &address) && address == ret->address &&
	       dtnode_u32(walk, node, "#size-cells", &size) && size == ret->size &&
	       dtnode_has(walk, node, "ranges") && address <= 4 && size <= 4 && size > 0;
}

static enum devicetree_memory kind_of(struct dtnode_walk *walk, const char *node)
{
	bool reusable = dtnode_has(walk, node, "reusable");
	bool no_map = dtnode_has(walk, node, "no-map");

	if (dtnode_is_compatible(walk, node, "restricted-dma-pool"))
		return reusable || no_map || dtnode_has(walk, node, "linux,cma-default") ||
				       dtnode_has(walk, node, "linux,dma-default")
			       ? DEVICETREE_MEMORY_NONE
			       : DEVICETREE_MEMORY_BOUNCE;
	if (!dtnode_is_compatible(walk, node, "shared-dma-pool") || (reusable && no_map))
		return DEVICETREE_MEMORY_NONE;
	return reusable ? DEVICETREE_MEMORY_CMA : DEVICETREE_MEMORY_POOL;
}

/* An address and a size at `at`. False: it is empty, or wraps. */
static bool take_area(const struct dtnode_value *value, size_t at, const struct memory_cells *cells,
		      struct devicetree_area *ret)
{
	ret->first = dtnode_number(value, at, cells->address);
	ret->bytes = dtnode_number(value, at + cells->address, cells->size);
	ret->last = ret->first + (ret->bytes - 1);
	return ret->bytes > 0 && ret->last >= ret->first;
}

/* alloc-ranges, wherever in them; without, anywhere. __reserved_mem_alloc_size() */
static void span_area(struct dtnode_walk *walk, const char *node, const struct memory_cells *cells,
		      struct devicetree_area *area)
{
	size_t entry = cells->address + cells->size;
	struct devicetree_area part;
	struct dtnode_value value;

	area->first = 0;
	area->last = UINT64_MAX;
	if (!dtnode_value(walk, node, "alloc-ranges", &value))
		return;
	for (size_t at = 0; at + entry <= value.len / 4; at += entry) {
		if (!take_area(&value, at, cells, &part))
			continue;
		area->first = at == 0 || part.first < area->first ? part.first : area->first;
		area->last = at == 0 || part.last > area->last ? part.last : area->last;
	}
}

/* Where it lies. False: nowhere, the kernel does not set it up. */
static bool place_area(struct dtnode_walk *walk, const char *node, struct devicetree_area *area)
{
	struct memory_cells cells;
	struct dtnode_value value;

	if (!check_cells(walk, &cells))
		return false;
	area->placed = dtnode_value(walk, node, "reg", &value);
	if (area->placed)
		return value.len % (4 * (cells.address + cells.size)) == 0 && value.len > 0 &&
		       take_area(&value, 0, &cells, area);
	if (!dtnode_value(walk, node, "size", &value) || value.len != 4 * cells.size)
		return false;
	area->bytes = dtnode_number(&value, 0, cells.size);
	span_area(walk, node, &cells, area);
	return area->bytes > 0;
}

/* What the kernel makes of a node; kind NONE: nothing that a device could use. */
struct devicetree_area dtmemory_area(struct dtnode_walk *walk, const char *node)
{
	struct devicetree_area area = {.kind = DEVICETREE_MEMORY_NONE}, none = area;
	char above[DEVICETREE_PATH_BYTES];

	if (!dtnode_parent(node, above) || strcmp(above, "/reserved-memory") != 0 ||
	    !dtnode_is_available(walk, node))
		return none;
	area.kind = kind_of(walk, node);
	return area.kind != DEVICETREE_MEMORY_NONE && place_area(walk, node, &area) ? area : none;
}

static const char *kind_name(enum devicetree_memory kind)
{
	static const char *const names[] = {
		[DEVICETREE_MEMORY_NONE] = "nothing",
		[DEVICETREE_MEMORY_CMA] = "reusable shared-dma-pool",
		[DEVICETREE_MEMORY_POOL] = "shared-dma-pool",
		[DEVICETREE_MEMORY_BOUNCE] = "restricted-dma-pool",
	};

	return names[kind];
}

/* The first pool of the list; the first to bounce through, wherever it stands, if there is no
 * IOMMU. of_property_count_elems_of_size() has no use for a list that is not all phandles. */
static void measure_regions(struct dtnode_walk *walk, const char *node, size_t count,
			    struct devicetree_dma *dma)
{
	char target[DEVICETREE_PATH_BYTES];

	for (unsigned int i = 0; i < count; i++) {
		struct devicetree_area area;
		bool bounce;

		if (dtnode_phandle(walk, node, "memory-region", NULL, i, target) < 0)
			continue;
		area = dtmemory_area(walk, target);
		bounce = area.kind == DEVICETREE_MEMORY_BOUNCE;
		if (area.kind == DEVICETREE_MEMORY_NONE ||
		    (!bounce && dma->memory.kind != DEVICETREE_MEMORY_NONE))
			continue;
		dma->memory = area;
		dtnode_say(dma->memory_how, "%s: memory-region: %s, %s", node, target,
			   kind_name(area.kind));
		if (bounce)
			return;
	}
}

static size_t count_regions(struct dtnode_walk *walk, const char *node)
{
	struct dtnode_value value;

	if (!node[0] || !dtnode_value(walk, node, "memory-region", &value) || value.len % 4 != 0)
		return 0;
	return value.len / 4 < REGIONS_MAX ? value.len / 4 : REGIONS_MAX;
}

void dtmemory_measure(struct dtnode_walk *walk, const char *node, const char *own,
		      struct devicetree_dma *dma)
{
	const char *list = own;
	size_t count = count_regions(walk, own);

	if (!count) {
		list = node;
		count = count_regions(walk, node);
	}
	dtnode_say(dma->memory_how, "no memory-region that is a pool");
	measure_regions(walk, list, count, dma);
}
