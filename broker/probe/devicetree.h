/* SPDX-License-Identifier: MIT */
/* What a device tree says of a device's DMA, as Linux 6.12 reads it. */
#ifndef PROBE_DEVICETREE_H
#define PROBE_DEVICETREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/model/vocabulary.h"

#define DEVICETREE_PATH_BYTES 256 /* of a node's path, its end included */
#define DEVICETREE_HOW_BYTES 384
#define DEVICETREE_RANGES 16 /* more of them are dropped: less is reached, never more */

/*
 * How a tree is read. Nodes are named by their path ("/", "/soc/vpu@1234"), properties are bytes
 * in big endian.
 *
 * property: copies up to `size` bytes of the value and gives its whole length. Errors: -ENOENT:
 *	the node has no such property; -ENXIO: there is no such node; others: it cannot be read.
 * by_phandle: the node that has it. Errors: -ENOENT: none has.
 * node: the node number `index`; all nodes of the tree, "/" included, each once, in an order that
 *	stays the same. Errors: -ENOENT: the tree has no so many.
 */
struct devicetree_source {
	void *data;
	int (*property)(void *data, const char *node, const char *name, void *value, size_t size,
			size_t *ret_bytes);
	int (*by_phandle)(void *data, uint32_t phandle, char ret_node[DEVICETREE_PATH_BYTES]);
	int (*node)(void *data, size_t index, char ret_node[DEVICETREE_PATH_BYTES]);
};

/* Which device asks, and whose node the kernel configures its DMA from. */
enum devicetree_bus {
	DEVICETREE_OWN,	 /* from its own: platform and amba devices */
	DEVICETREE_LENT, /* from another's: of_dma_configure(dev, node), as vc4 and vchiq do */
	DEVICETREE_PCI,	 /* from the host bridge's: pci_dma_configure() */
};

struct devicetree_place {
	enum devicetree_bus bus;
	char node[DEVICETREE_PATH_BYTES]; /* DMA is configured from it */
	char own[DEVICETREE_PATH_BYTES];  /* LENT, PCI: the device's own node; "": it has none */
	uint16_t requester;		  /* PCI: bus << 8 | device << 3 | function */
};

/* CPU addresses cpu .. cpu + bytes - 1 are at dma .. dma + bytes - 1 for the device. */
struct devicetree_range {
	uint64_t cpu, dma, bytes;
};

enum devicetree_memory {
	DEVICETREE_MEMORY_NONE,
	DEVICETREE_MEMORY_CMA,	  /* a contiguous area that is lent to movable pages meanwhile */
	DEVICETREE_MEMORY_POOL,	  /* memory that is taken out of the system */
	DEVICETREE_MEMORY_BOUNCE, /* restricted-dma-pool: whatever the device maps is copied */
};

/* A part of /reserved-memory. Where it is not placed it lies somewhere in first .. last. */
struct devicetree_area {
	enum devicetree_memory kind;
	bool placed;
	uint64_t first, last, bytes; /* CPU addresses, the last one included */
};

/*
 * What holds for a device's DMA. Each `how` names the node and property that decided,
 * "/soc: dma-coherent", or says that there is none.
 */
struct devicetree_dma {
	enum coherency coherency;
	char coherency_how[DEVICETREE_HOW_BYTES];

	/* With `ranged` only what the ranges cover is reached, and the first that covers an
	 * address counts; else DMA addresses are CPU addresses. A device's mask holds for DMA
	 * addresses: see devicetree_reach(). */
	bool ranged;
	size_t ranges_len;
	struct devicetree_range ranges[DEVICETREE_RANGES];
	char reach_how[DEVICETREE_HOW_BYTES];

	/* The tree puts it behind an IOMMU. Whether a driver for that is there, takes the device
	 * and translates, only its iommu_group says. */
	bool iommu;
	char iommu_how[DEVICETREE_HOW_BYTES];

	/* What its driver may allocate its own buffers from (CMA, POOL), or what it bounces
	 * through (BOUNCE), which an IOMMU lifts. */
	struct devicetree_area memory;
	char memory_how[DEVICETREE_HOW_BYTES];
};

/* What holds for the whole machine. */
struct devicetree_machine {
	/* Platform and PCI devices snoop behind an interconnect that needs a barrier; UNKNOWN
	 * where that depends on what the tree does not say; else NON_COHERENT: there is none. */
	enum coherency fabric;
	char fabric_how[DEVICETREE_HOW_BYTES];

	/* The default CMA area. Kind NONE: the tree has none, or several. A "cma=" on the kernel's
	 * command line overrules it. */
	struct devicetree_area cma;
	char cma_how[DEVICETREE_HOW_BYTES];

	/* The highest CPU address that every bus with dma-ranges reaches; UINT64_MAX: no bus has
	 * any. arm64 puts a CMA area that the tree does not describe below it. */
	uint64_t dma_last;
};

/* Walks the whole tree once. Errors: -errno of the source; -ELOOP, -E2BIG, -ENAMETOOLONG,
 * -EINVAL: no kernel would start with it. */
int devicetree_survey(const struct devicetree_source *source, struct devicetree_machine *ret);

/*
 * The DMA of one device. `machine` may be NULL: then fabrics are not looked at. `by_default` is
 * what the architecture has where the tree says nothing (arm64, arm: NON_COHERENT; riscv, powerpc:
 * COHERENT). Errors: as above; -ENXIO: the tree has no such node.
 */
int devicetree_measure(const struct devicetree_source *source,
		       const struct devicetree_machine *machine,
		       const struct devicetree_place *place, enum coherency by_default,
		       struct devicetree_dma *ret);

/*
 * The last of the CPU addresses from `first` on that a device reaches without a gap, if its DMA
 * mask is `mask` (32 bits: 0xffffffff). Errors: -ERANGE: it does not even reach `first`.
 */
int devicetree_reach(const struct devicetree_dma *dma, uint64_t mask, uint64_t first,
		     uint64_t *ret_last);

/*
 * How many bits an address may have that the device reaches, if all memory begins at `first`.
 * Errors: -ERANGE: not even that is reached.
 */
int devicetree_address_bits(const struct devicetree_dma *dma, uint64_t mask, uint64_t first);

/*
 * The next node, from number *cursor on, that has a compatible string matching the pattern of
 * fnmatch(3) and that is not disabled, nor is any node above it. Advances the cursor, which begins
 * with 0. Errors: -ENOENT: no more; others as above.
 */
int devicetree_find(const struct devicetree_source *source, const char *pattern, size_t *cursor,
		    char ret_node[DEVICETREE_PATH_BYTES]);

/*
 * The tree below root/sys/firmware/devicetree/base; root is "" for the machine's own. Returns
 * owned; devicetree_sysfs_close() frees it. Errors: -ENOENT: the machine has no tree; -errno.
 */
int devicetree_sysfs_open(const char *root, struct devicetree_source *ret);
void devicetree_sysfs_close(struct devicetree_source *source);

/*
 * Where DMA is configured from for a device, given its directory (or a link to it) in
 * root/sys. Errors: -ENODATA: from no node of a device tree; -errno.
 */
int devicetree_sysfs_locate(const char *root, const char *device, struct devicetree_place *ret);

#endif
