/* SPDX-License-Identifier: MIT */
/*
 * What a device tree says of a device's DMA, as Linux 6.12 reads it.
 *
 * Goal: the facts that the kernel takes from the tree when a driver is bound to a device
 * (of_dma_configure_id(), drivers/of/device.c), without asking the kernel, which does not tell.
 *
 * Coherency (measure_coherency; of_dma_is_coherent(), drivers/of/address.c). From the node upwards
 * the first that has dma-coherent snoops, the first that has dma-noncoherent does not; where none
 * has either the architecture's default holds. "Upwards" is the way of the DMA: to the interconnect
 * named dma-mem if there is one, else to the node above (dtnode_dma_parent).
 *
 * Fabric (survey_fabric; arch/arm/mach-mvebu/coherency.c). On Armada XP, 375 and 38x the kernel
 * marks every platform and PCI device as coherent, whatever its node says: an interconnect keeps
 * them so, but what a device has written is complete only after a barrier, which the bus is told to
 * make by itself (UNIT_SYNC_BARRIER_ALL, drivers/bus/mvebu-mbus.c). All this only with is_smp(). A
 * single CPU may or may not count as SMP, which the tree does not say: unknown; but that of Armada
 * 370 never does.
 *
 * Reach (measure_reach; of_dma_get_range()). See devicetree-range.c for the map. The search begins
 * above the device if it is configured from its own node, and at the node itself if that is lent,
 * which for PCI is the host bridge's. Old Allwinner trees do not describe their memory bus; there
 * the kernel has a list of devices (drivers/soc/sunxi/sunxi_mbus.c, measure_mbus).
 *
 * IOMMU (measure_iommu; drivers/iommu/of_iommu.c). A platform device's `iommus`, all of whose
 * targets must be available; nobody looks further up. A PCI device's requester id through the
 * `iommu-map` of its host bridge.
 *
 * Memory: devicetree-memory.c.
 *
 * Example, Raspberry Pi 4 (docs/boards.md has more): the camera /soc/csi@7e800000 is below /soc
 * with dma-ranges = <0xc0000000 0x0 0x0 0x40000000>, so it reaches CPU 0x0 to 0x3fffffff and memory
 * above 1 GiB is none for it; the GPU /scb/gpu@7ec00000 is below /scb, which has none, and reaches
 * all. No node up to the root has dma-coherent: neither snoops.
 *
 * Not looked at: aliases of PCI requester ids (bridges to conventional PCI), and two notifiers of
 * 32-bit ARM for machines without camera or display (mach-keystone, mach-highbank).
 *
 * Invariants. Nothing is written into an answer unless all of it could be read. Every way up is
 * bounded by DTNODE_HOPS: a tree with a loop in it is -ELOOP; no kernel comes through it either.
 */
#include "broker/probe/devicetree.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "broker/probe/devicetree-node.h"

#define IOMMUS_MAX 64

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* --- coherency --- */

static void measure_coherency(struct dtnode_walk *walk, const char *start,
			      enum coherency by_default, struct devicetree_dma *dma)
{
	char node[DEVICETREE_PATH_BYTES];

	strcpy(node, start);
	for (int hops = 0; hops < DTNODE_HOPS; hops++) {
		if (dtnode_has(walk, node, "dma-coherent")) {
			dma->coherency = COHERENCY_COHERENT;
			dtnode_say(dma->coherency_how, "%s: dma-coherent", node);
			return;
		}
		if (dtnode_has(walk, node, "dma-noncoherent")) {
			dma->coherency = COHERENCY_NON_COHERENT;
			dtnode_say(dma->coherency_how, "%s: dma-noncoherent", node);
			return;
		}
		if (!dtnode_dma_parent(walk, node, node)) {
			dma->coherency = by_default;
			dtnode_say(dma->coherency_how, "no dma-coherent up to %s: default", node);
			return;
		}
	}
	dtnode_fail(walk, -ELOOP);
}

/* Buses other than these two have no notifier; a lent node's device may be on one of them. */
static void apply_fabric(const struct devicetree_machine *machine, enum devicetree_bus bus,
			 struct devicetree_dma *dma)
{
	if (!machine || machine->fabric == COHERENCY_NON_COHERENT)
		return;
	dma->coherency = bus == DEVICETREE_LENT ? COHERENCY_UNKNOWN : machine->fabric;
	dtnode_say(dma->coherency_how, "%s", machine->fabric_how);
}

/* --- reach --- */

/* sunxi_mbus_platforms[], and where their memory begins (PHYS_OFFSET) */
static const struct {
	const char *machine;
	uint64_t memory;
} mbus_machines[] = {
	{"allwinner,sun4i-a10", 0x40000000}, {"allwinner,sun5i-a10s", 0x40000000},
	{"allwinner,sun5i-a13", 0x40000000}, {"allwinner,sun6i-a31", 0x40000000},
	{"allwinner,sun7i-a20", 0x40000000}, {"allwinner,sun8i-a23", 0x40000000},
	{"allwinner,sun8i-a33", 0x40000000}, {"allwinner,sun8i-a83t", 0x40000000},
	{"allwinner,sun8i-h3", 0x40000000},  {"allwinner,sun8i-r40", 0x40000000},
	{"allwinner,sun8i-v3", 0x40000000},  {"allwinner,sun8i-v3s", 0x40000000},
	{"allwinner,sun9i-a80", 0x20000000}, {"allwinner,sun50i-a64", 0x40000000},
	{"allwinner,sun50i-h5", 0x40000000}, {"nextthing,gr8", 0x40000000},
};

/* sunxi_mbus_devices[] */
static const char *const mbus_devices[] = {
	"allwinner,sun4i-a10-display-engine",
	"allwinner,sun5i-a10s-display-engine",
	"allwinner,sun5i-a13-display-engine",
	"allwinner,sun6i-a31-display-engine",
	"allwinner,sun6i-a31s-display-engine",
	"allwinner,sun7i-a20-display-engine",
	"allwinner,sun8i-a23-display-engine",
	"allwinner,sun8i-a33-display-engine",
	"allwinner,sun9i-a80-display-engine",
	"allwinner,sun4i-a10-csi1",
	"allwinner,sun4i-a10-display-backend",
	"allwinner,sun4i-a10-display-frontend",
	"allwinner,sun4i-a10-video-engine",
	"allwinner,sun5i-a13-display-backend",
	"allwinner,sun5i-a13-video-engine",
	"allwinner,sun6i-a31-csi",
	"allwinner,sun6i-a31-display-backend",
	"allwinner,sun7i-a20-csi0",
	"allwinner,sun7i-a20-display-backend",
	"allwinner,sun7i-a20-display-frontend",
	"allwinner,sun7i-a20-video-engine",
	"allwinner,sun8i-a23-display-backend",
	"allwinner,sun8i-a23-display-frontend",
	"allwinner,sun8i-a33-display-backend",
	"allwinner,sun8i-a33-display-frontend",
	"allwinner,sun8i-a33-video-engine",
	"allwinner,sun8i-a83t-csi",
	"allwinner,sun8i-h3-csi",
	"allwinner,sun8i-h3-video-engine",
	"allwinner,sun8i-v3s-csi",
	"allwinner,sun9i-a80-display-backend",
	"allwinner,sun50i-a64-csi",
	"allwinner,sun50i-a64-video-engine",
	"allwinner,sun50i-h5-video-engine",
};

static bool is_mbus_device(struct dtnode_walk *walk, const char *node)
{
	for (size_t i = 0; i < LEN(mbus_devices); i++)
		if (dtnode_is_compatible(walk, node, mbus_devices[i]))
			return true;
	return false;
}

/* sunxi_mbus_notifier(): the memory is at 0 on the memory bus, if the tree does not describe it */
static void measure_mbus(struct dtnode_walk *walk, const char *own, struct devicetree_dma *dma)
{
	for (size_t i = 0; i < LEN(mbus_machines); i++) {
		if (!dtnode_is_compatible(walk, "/", mbus_machines[i].machine))
			continue;
		if (own[0] && is_mbus_device(walk, own) &&
		    !dtnode_has(walk, own, "interconnects")) {
			dma->ranged = true;
			dma->ranges_len = 1;
			dma->ranges[0] = (struct devicetree_range){mbus_machines[i].memory, 0,
								   (uint64_t)1 << 32};
			dtnode_say(dma->reach_how,
				   "%s: no interconnects on an Allwinner memory bus", own);
		}
		return;
	}
}

static void measure_reach(struct dtnode_walk *walk, const struct devicetree_place *place,
			  const char *own, struct devicetree_dma *dma)
{
	char start[DEVICETREE_PATH_BYTES], node[DEVICETREE_PATH_BYTES];

	dtnode_say(dma->reach_how, "no dma-ranges");
	measure_mbus(walk, own, dma);
	strcpy(start, place->node);
	if (place->bus == DEVICETREE_OWN && !dtnode_dma_parent(walk, start, start))
		return;
	if (!dtrange_get(walk, start, dma, node))
		return;
	if (dma->ranged)
		dtnode_say(dma->reach_how, "%s: dma-ranges", node);
	else
		dtnode_say(dma->reach_how, "%s: dma-ranges that lead nowhere are ignored", node);
}

/* What of the range, from `address` on, is within the mask: its last CPU address. */
static bool clip(const struct devicetree_range *range, uint64_t mask, uint64_t address,
		 uint64_t *ret_last)
{
	uint64_t dma = range->dma + (address - range->cpu);

	if (dma > mask)
		return false;
	*ret_last = range->cpu + (range->bytes - 1);
	if (range->dma + (range->bytes - 1) > mask)
		*ret_last = address + (mask - dma);
	return true;
}

/* The first range that covers the address counts, as far as no earlier one begins to
 * (translate_phys_to_dma(), include/linux/dma-direct.h). */
static bool reach_on(const struct devicetree_dma *dma, uint64_t mask, uint64_t address,
		     uint64_t *ret_last)
{
	uint64_t before = UINT64_MAX;

	for (size_t i = 0; i < dma->ranges_len; i++) {
		const struct devicetree_range *range = &dma->ranges[i];

		if (address < range->cpu) {
			before = range->cpu - 1 < before ? range->cpu - 1 : before;
			continue;
		}
		if (address - range->cpu >= range->bytes)
			continue;
		if (!clip(range, mask, address, ret_last))
			return false;
		if (*ret_last > before)
			*ret_last = before;
		return true;
	}
	return false;
}

int devicetree_reach(const struct devicetree_dma *dma, uint64_t mask, uint64_t first,
		     uint64_t *ret_last)
{
	uint64_t last = mask, next;

	if (!dma->ranged) {
		if (first > mask)
			return -ERANGE;
		*ret_last = mask;
		return 0;
	}
	if (!reach_on(dma, mask, first, &last))
		return -ERANGE;
	while (last < UINT64_MAX && reach_on(dma, mask, last + 1, &next))
		last = next;
	*ret_last = last;
	return 0;
}

int devicetree_address_bits(const struct devicetree_dma *dma, uint64_t mask, uint64_t first)
{
	uint64_t last;
	int bits = 0, error;

	error = devicetree_reach(dma, mask, first, &last);
	if (error)
		return error;
	while (bits < 64 && last >= UINT64_MAX >> (63 - bits))
		bits++;
	return bits;
}

/* --- IOMMU --- */

/* of_iommu_configure_dev(): every target must be there, up to the first entry that makes none */
static void measure_iommus(struct dtnode_walk *walk, const char *node, struct devicetree_dma *dma)
{
	char target[DEVICETREE_PATH_BYTES];

	dtnode_say(dma->iommu_how, "no iommus in %s", node);
	for (unsigned int i = 0;
	     dtnode_phandle(walk, node, "iommus", "#iommu-cells", i, target) == 0; i++) {
		bool available = dtnode_is_available(walk, target);

		if (i == 0 || !available)
			dtnode_say(dma->iommu_how, "%s: iommus: %s%s", node, target,
				   available ? "" : " is disabled");
		dma->iommu = available;
		if (!available)
			return;
		if (i == IOMMUS_MAX) {
			dtnode_fail(walk, -E2BIG);
			return;
		}
	}
}

/* of_map_id(): the IOMMU of a requester id. False: none. */
static bool map_requester(struct dtnode_walk *walk, const char *node, uint16_t requester,
			  uint32_t *ret_phandle)
{
	uint32_t mask = UINT32_MAX, id;
	struct dtnode_value map;

	if (!dtnode_value(walk, node, "iommu-map", &map) || map.len % 16 != 0)
		return false;
	(void)dtnode_u32(walk, node, "iommu-map-mask", &mask);
	id = requester & mask;
	for (size_t at = 0; at < map.len / 4; at += 4) {
		uint32_t base = dtnode_cell(&map, at), len = dtnode_cell(&map, at + 3);

		if (base & ~mask)
			return false;
		if (id < base || id >= base + len)
			continue;
		*ret_phandle = dtnode_cell(&map, at + 1);
		return true;
	}
	return false;
}

static void measure_iommu_map(struct dtnode_walk *walk, const struct devicetree_place *place,
			      struct devicetree_dma *dma)
{
	char target[DEVICETREE_PATH_BYTES];
	uint32_t phandle;

	dtnode_say(dma->iommu_how, "no iommu-map for %04x in %s", place->requester, place->node);
	if (!map_requester(walk, place->node, place->requester, &phandle) ||
	    dtnode_target(walk, phandle, target) < 0)
		return;
	dma->iommu = dtnode_is_available(walk, target);
	dtnode_say(dma->iommu_how, "%s: iommu-map: %s%s", place->node, target,
		   dma->iommu ? "" : " is disabled");
}

int devicetree_measure(const struct devicetree_source *source,
		       const struct devicetree_machine *machine,
		       const struct devicetree_place *place, enum coherency by_default,
		       struct devicetree_dma *ret)
{
	const char *own = place->bus == DEVICETREE_OWN ? place->node : place->own;
	struct dtnode_walk walk = {.source = source};
	struct devicetree_dma dma = {0};

	measure_coherency(&walk, place->node, by_default, &dma);
	apply_fabric(machine, place->bus, &dma);
	measure_reach(&walk, place, own, &dma);
	if (place->bus == DEVICETREE_PCI)
		measure_iommu_map(&walk, place, &dma);
	else
		measure_iommus(&walk, place->node, &dma);
	dtmemory_measure(&walk, place->node, own, &dma);
	if (!walk.error)
		*ret = dma;
	return walk.error;
}

/* --- the whole tree --- */

/* Number `index` of the tree; false: no more, or the walk has failed. */
static bool node_at(struct dtnode_walk *walk, size_t index, char node[DEVICETREE_PATH_BYTES])
{
	int error;

	if (walk->error)
		return false;
	error = walk->source->node(walk->source->data, index, node);
	if (error && error != -ENOENT)
		dtnode_fail(walk, error);
	return !error;
}

/* for_each_of_cpu_node(), drivers/of/cpu.c */
static bool is_cpu(struct dtnode_walk *walk, const char *node)
{
	char above[DEVICETREE_PATH_BYTES];
	struct dtnode_value value;
	const char *type;

	if (!dtnode_parent(node, above) || strcmp(above, "/cpus") != 0)
		return false;
	if (dtnode_is_named(node, "cpu"))
		return true;
	type = dtnode_value(walk, node, "device_type", &value) ? dtnode_string(&value, NULL) : NULL;
	return type && strcmp(type, "cpu") == 0;
}

static bool is_fabric(struct dtnode_walk *walk, const char *node)
{
	static const char *const fabrics[] = {
		"marvell,coherency-fabric",
		"marvell,armada-375-coherency-fabric",
		"marvell,armada-380-coherency-fabric",
	};

	for (size_t i = 0; i < LEN(fabrics); i++)
		if (dtnode_is_compatible(walk, node, fabrics[i]))
			return true;
	return false;
}

static void survey_fabric(struct dtnode_walk *walk, const char *node, unsigned int cpus,
			  struct devicetree_machine *machine)
{
	machine->fabric = cpus > 1 ? COHERENCY_BARRIER : COHERENCY_UNKNOWN;
	if (!node[0] || dtnode_is_compatible(walk, "/", "marvell,armada370"))
		machine->fabric = COHERENCY_NON_COHERENT;
	if (node[0])
		dtnode_say(machine->fabric_how, "%s: compatible, with %u CPU%s", node, cpus,
			   cpus == 1 ? "" : "s");
	else
		dtnode_say(machine->fabric_how, "no coherency fabric");
}

static void survey_cma(struct dtnode_walk *walk, const char *node, unsigned int *count,
		       struct devicetree_machine *machine)
{
	char above[DEVICETREE_PATH_BYTES];
	struct devicetree_area area;

	if (!dtnode_parent(node, above) || strcmp(above, "/reserved-memory") != 0 ||
	    !dtnode_has(walk, node, "linux,cma-default"))
		return;
	area = dtmemory_area(walk, node);
	if (area.kind != DEVICETREE_MEMORY_CMA)
		return;
	if ((*count)++ > 0)
		area.kind = DEVICETREE_MEMORY_NONE;
	machine->cma = area;
	dtnode_say(machine->cma_how, "%s: linux,cma-default%s", node,
		   *count > 1 ? ", not alone" : "");
}

/* of_dma_get_max_cpu_address(), drivers/of/address.c */
static void survey_ranges(struct dtnode_walk *walk, const char *node,
			  struct devicetree_machine *machine)
{
	uint64_t last;

	if (!dtnode_has(walk, node, "dma-ranges") || !dtnode_is_live(walk, node))
		return;
	last = dtrange_last(walk, node);
	if (last < machine->dma_last)
		machine->dma_last = last;
}

int devicetree_survey(const struct devicetree_source *source, struct devicetree_machine *ret)
{
	char node[DEVICETREE_PATH_BYTES], fabric[DEVICETREE_PATH_BYTES] = "";
	struct devicetree_machine machine = {.dma_last = UINT64_MAX};
	struct dtnode_walk walk = {.source = source};
	unsigned int cpus = 0, areas = 0;

	dtnode_say(machine.cma_how, "no linux,cma-default in /reserved-memory");
	for (size_t i = 0; node_at(&walk, i, node); i++) {
		cpus += is_cpu(&walk, node);
		if (!fabric[0] && is_fabric(&walk, node))
			strcpy(fabric, node);
		survey_cma(&walk, node, &areas, &machine);
		survey_ranges(&walk, node, &machine);
	}
	survey_fabric(&walk, fabric, cpus, &machine);
	if (!walk.error)
		*ret = machine;
	return walk.error;
}

static bool matches(struct dtnode_walk *walk, const char *node, const char *pattern)
{
	struct dtnode_value value;

	if (!dtnode_value(walk, node, "compatible", &value))
		return false;
	for (const char *string = dtnode_string(&value, NULL); string;
	     string = dtnode_string(&value, string))
		if (fnmatch(pattern, string, 0) == 0)
			return true;
	return false;
}

int devicetree_find(const struct devicetree_source *source, const char *pattern, size_t *cursor,
		    char ret_node[DEVICETREE_PATH_BYTES])
{
	struct dtnode_walk walk = {.source = source};
	char node[DEVICETREE_PATH_BYTES];

	while (node_at(&walk, *cursor, node)) {
		(*cursor)++;
		if (matches(&walk, node, pattern) && dtnode_is_live(&walk, node) && !walk.error) {
			strcpy(ret_node, node);
			return 0;
		}
	}
	return walk.error ? walk.error : -ENOENT;
}
