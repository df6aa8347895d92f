/* SPDX-License-Identifier: MIT */
/* Nodes and properties, read as drivers/of of Linux 6.12 reads them. */
#ifndef PROBE_DEVICETREE_NODE_H
#define PROBE_DEVICETREE_NODE_H

#include "broker/probe/devicetree.h"

#define DTNODE_HOPS 64		/* more nodes on the way to the root are a loop */
#define DTNODE_VALUE_BYTES 2048 /* the longest property of 1,023 boards has 1,206 */

/* The first error of the source sticks; what is asked after it is absent. */
struct dtnode_walk {
	const struct devicetree_source *source;
	int error;
};

struct dtnode_value {
	size_t len;
	uint8_t bytes[DTNODE_VALUE_BYTES];
};

void dtnode_fail(struct dtnode_walk *walk, int error);

/* Cut to size: a `how` is for people. */
__attribute__((format(printf, 2, 3))) void dtnode_say(char how[DEVICETREE_HOW_BYTES],
						      const char *format, ...);

/* Each returns whether there is one; without, nothing is written. */
bool dtnode_value(struct dtnode_walk *walk, const char *node, const char *name,
		  struct dtnode_value *ret);
bool dtnode_has(struct dtnode_walk *walk, const char *node, const char *name);
bool dtnode_u32(struct dtnode_walk *walk, const char *node, const char *name, uint32_t *ret);

/* Cell number `index` of a value; 0 behind its end. */
uint32_t dtnode_cell(const struct dtnode_value *value, size_t index);

/* `len` cells as one number, of which only the low 64 bits are kept (of_read_number()). */
uint64_t dtnode_number(const struct dtnode_value *value, size_t index, size_t len);

/* The string after `string`, the first one if that is NULL; NULL: no more, or the rest has no
 * end. Returns borrowed until the value goes. */
const char *dtnode_string(const struct dtnode_value *value, const char *string);

bool dtnode_is_compatible(struct dtnode_walk *walk, const char *node, const char *compatible);
bool dtnode_is_available(struct dtnode_walk *walk, const char *node);

/* Whether a device can have been made of it: the node and all above it are available. */
bool dtnode_is_live(struct dtnode_walk *walk, const char *node);

/* The node above, in place allowed; false: it is the root. */
bool dtnode_parent(const char *node, char ret_parent[DEVICETREE_PATH_BYTES]);

/* Where its DMA goes: the interconnect named "dma-mem", else the node above
 * (__of_get_dma_parent()). In place allowed. */
bool dtnode_dma_parent(struct dtnode_walk *walk, const char *node,
		       char ret_parent[DEVICETREE_PATH_BYTES]);

/* The last part of the path, without the unit address (of_node_name_eq()). */
bool dtnode_is_named(const char *node, const char *name);

/*
 * The node that entry `index` of a list of phandles points at. With `cells_name` each entry is
 * followed by as many cells as that property of its target says. -ENOENT: no such entry, or an
 * empty one; -EINVAL: the list makes no sense (__of_parse_phandle_with_args()).
 */
int dtnode_phandle(struct dtnode_walk *walk, const char *node, const char *list,
		   const char *cells_name, unsigned int index,
		   char ret_node[DEVICETREE_PATH_BYTES]);

/* The node that has the phandle. -ENOENT: none. */
int dtnode_target(struct dtnode_walk *walk, uint32_t phandle, char ret_node[DEVICETREE_PATH_BYTES]);

/* #address-cells and #size-cells for what is below the node, and for the node itself
 * (of_bus_n_addr_cells(), of_n_addr_cells()). */
uint32_t dtnode_cells_below(struct dtnode_walk *walk, const char *node, const char *name);
uint32_t dtnode_cells_of(struct dtnode_walk *walk, const char *node, const char *name);

/* devicetree-range.c: of_dma_get_range(). The node whose dma-ranges count, false: none does.
 * Writes ranged, ranges and ranges_len. */
bool dtrange_get(struct dtnode_walk *walk, const char *start, struct devicetree_dma *dma,
		 char ret_node[DEVICETREE_PATH_BYTES]);

/* Of one node's dma-ranges: the highest CPU address that they reach, as
 * of_dma_get_max_cpu_address() reckons it; UINT64_MAX: it has none. */
uint64_t dtrange_last(struct dtnode_walk *walk, const char *node);

/* devicetree-memory.c: what the kernel makes of a node; kind NONE: nothing a device could use. */
struct devicetree_area dtmemory_area(struct dtnode_walk *walk, const char *node);

/* The pool of a device whose DMA is configured from `node`, and whose own node is `own` ("": it
 * has none). Writes memory; reads iommu. */
void dtmemory_measure(struct dtnode_walk *walk, const char *node, const char *own,
		      struct devicetree_dma *dma);

#endif
