/* SPDX-License-Identifier: MIT */
/*
 * dma-ranges: which CPU addresses a bus lets through, and under which DMA addresses. As
 * drivers/of/address.c of Linux 6.12 reads them; function names of the kernel are of that file.
 *
 * Goal: the map that of_dma_get_range() gives a device, entry by entry, for any tree.
 *
 * Whose dma-ranges count (find_ranges). From the bus of the device upwards the first that are not
 * empty. Empty ones mean "as they are" and are passed over. A bus without the property ends the
 * search, but for the very first one: the kernel marks the search as begun only after it has looked
 * at that. So dma-ranges two buses above the device count, three above they count only if the one
 * below them has an empty dma-ranges.
 *
 * What an entry says (take_entry). DMA address, then address on the bus above, then size. The
 * address on the bus above is translated through all dma-ranges above (translate) until the root,
 * and there it is a CPU address; missing dma-ranges count as empty ones here. What cannot be
 * translated is skipped; if nothing is left the device is taken for one without dma-ranges at all,
 * so that a broken property lifts every limit. The root's own dma-ranges are such a case. An entry
 * of size 0 ends the map (dma_range_map_max(), include/linux/dma-direct.h).
 *
 * Example, Raspberry Pi 4 (bcm2711.dtsi), #address-cells 2 above and 1 below /soc:
 *	/soc/dma-ranges = <0xc0000000  0x0 0x00000000  0x40000000>
 * is one range of 1 GiB: CPU 0x0 is DMA 0xc0000000. A mask of 32 bits takes all of it.
 *
 * Invariants. A range never wraps, neither side of it: one that would is dropped, the kernel's own
 * arithmetic wraps there. Every loop advances in a property of at most DTNODE_VALUE_BYTES or counts
 * hops. Buses (bus_of, count_cells, map) are PCI, ISA, those with 3 cells and the rest, as in
 * of_busses[].
 */
#include "broker/probe/devicetree-node.h"

#include <errno.h>
#include <string.h>

#define BAD_ADDRESS UINT64_MAX
#define CELLS_MAX 4    /* OF_MAX_ADDR_CELLS */
#define COUNT_LIMIT 16 /* the kernel has none here and trips over absurd ones */

enum bus { BUS_PLAIN, BUS_FLAGS, BUS_ISA, BUS_PCI };

/* of_bus_pci_match() */
static bool is_pci(struct dtnode_walk *walk, const char *node)
{
	static const char *const types[] = {"pci", "pciex", "vci", "ht"};
	struct dtnode_value value;
	const char *type = NULL;

	if (dtnode_value(walk, node, "device_type", &value))
		type = dtnode_string(&value, NULL);
	for (size_t i = 0; type && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return dtnode_is_named(node, "pcie");
}

/* of_match_bus() */
static enum bus bus_of(struct dtnode_walk *walk, const char *node)
{
	if (is_pci(walk, node))
		return BUS_PCI;
	if (dtnode_is_named(node, "isa"))
		return BUS_ISA;
	return dtnode_cells_below(walk, node, "#address-cells") == 3 ? BUS_FLAGS : BUS_PLAIN;
}

static uint32_t flag_cells(enum bus bus)
{
	return bus == BUS_PLAIN ? 0 : 1;
}

/* A node on the way up: on which kind of bus it is, and that bus's cells. */
struct hop {
	char node[DEVICETREE_PATH_BYTES], above[DEVICETREE_PATH_BYTES];
	enum bus bus;
	uint32_t address_cells, size_cells;
};

static void set_cells(struct hop *hop, uint32_t address_cells, uint32_t size_cells)
{
	hop->address_cells = address_cells;
	hop->size_cells = size_cells;
}

/* of_bus.count_cells: of what is above the node in the tree, wherever its DMA goes */
static bool count_cells(struct dtnode_walk *walk, struct hop *hop)
{
	hop->bus = bus_of(walk, hop->above);
	if (hop->bus == BUS_PCI)
		set_cells(hop, 3, 2);
	else if (hop->bus == BUS_ISA)
		set_cells(hop, 2, 1);
	else
		set_cells(hop, dtnode_cells_of(walk, hop->node, "#address-cells"),
			  dtnode_cells_of(walk, hop->node, "#size-cells"));
	return hop->address_cells > 0 && hop->address_cells <= CELLS_MAX && hop->size_cells > 0 &&
	       hop->size_cells <= INT32_MAX;
}

/* What tells kinds of addresses apart on a bus: of_bus.get_flags */
static uint32_t flags_of(enum bus bus, uint32_t cell)
{
	switch (bus) {
	case BUS_PCI:
		return cell & 0x43000000; /* space, prefetchable */
	case BUS_ISA:
		return cell & 1;
	case BUS_FLAGS:
		return cell;
	default:
		return 0;
	}
}

/* I/O or memory; a PCI bus does not tell 32 from 64 bit here (of_bus_pci_map()) */
static uint32_t space_of(enum bus bus, uint32_t cell)
{
	uint32_t space;

	if (bus != BUS_PCI)
		return flags_of(bus, cell);
	space = cell >> 24 & 3;
	return space == 3 ? 2 : space;
}

static uint64_t number_of(const uint32_t *cells, size_t len)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++)
		number = number << 32 | cells[i];
	return number;
}

/* of_bus.map: how far the address lies in the entry at `at`; BAD_ADDRESS: outside. Nothing lies in
 * an entry that reaches to 2^64, as in of_bus_default_map(). */
static uint64_t map(const struct hop *hop, uint32_t above_cells, const uint32_t *address,
		    const struct dtnode_value *ranges, size_t at)
{
	uint32_t flags = flag_cells(hop->bus), na = hop->address_cells;
	uint64_t from, bytes, wanted;

	if (space_of(hop->bus, address[0]) != space_of(hop->bus, dtnode_cell(ranges, at)))
		return BAD_ADDRESS;
	from = dtnode_number(ranges, at + flags, na - flags);
	bytes = dtnode_number(ranges, at + na + above_cells, hop->size_cells);
	wanted = number_of(address + flags, na - flags);
	return wanted < from || wanted >= from + bytes ? BAD_ADDRESS : wanted - from;
}

/* of_bus.translate: adds the offset below the flags */
static void add_offset(const struct hop *hop, uint32_t *address, uint64_t offset)
{
	uint32_t flags = flag_cells(hop->bus), na = hop->address_cells;
	uint64_t sum = number_of(address + flags, na - flags) + offset;

	memset(address + flags, 0, (na - flags) * sizeof(*address));
	if (na - flags > 1)
		address[na - 2] = (uint32_t)(sum >> 32);
	if (na > flags)
		address[na - 1] = (uint32_t)sum;
}

/* of_translate_one(): the address on the bus of hop->node's children becomes one on its own bus */
static bool translate_one(struct dtnode_walk *walk, const struct hop *below, const struct hop *hop,
			  uint32_t *address)
{
	size_t entry = (size_t)below->address_cells + hop->address_cells + below->size_cells;
	uint64_t offset = BAD_ADDRESS;
	struct dtnode_value ranges;
	size_t at = 0;

	if (!dtnode_value(walk, hop->node, "dma-ranges", &ranges) || ranges.len == 0) {
		uint32_t flags = flag_cells(hop->bus);

		offset = number_of(address, below->address_cells);
		memset(address + flags, 0, (hop->address_cells - flags) * sizeof(*address));
		add_offset(hop, address, offset);
		return true;
	}
	for (; offset == BAD_ADDRESS && at + entry <= ranges.len / 4; at += entry)
		offset = map(below, hop->address_cells, address, &ranges, at);
	if (offset == BAD_ADDRESS)
		return false;
	for (size_t i = 0; i < hop->address_cells; i++)
		address[i] = dtnode_cell(&ranges, at - entry + below->address_cells + i);
	add_offset(hop, address, offset);
	return true;
}

/* One node up. False: there is none, the address is the CPU's. */
static bool go_up(struct dtnode_walk *walk, const struct hop *below, struct hop *hop)
{
	strcpy(hop->node, below->above);
	return dtnode_dma_parent(walk, hop->node, hop->above);
}

/* of_translate_dma_address(): the cells at `at` are an address on the bus that `node` is on */
static uint64_t translate(struct dtnode_walk *walk, const char *node,
			  const struct dtnode_value *value, size_t at)
{
	uint32_t address[CELLS_MAX] = {0};
	struct hop below, hop;

	strcpy(below.node, node);
	if (!dtnode_dma_parent(walk, node, below.above) || !count_cells(walk, &below) ||
	    at + below.address_cells > value->len / 4)
		return BAD_ADDRESS;
	for (size_t i = 0; i < below.address_cells; i++)
		address[i] = dtnode_cell(value, at + i);
	for (int hops = 0; hops < DTNODE_HOPS; hops++, below = hop) {
		if (!go_up(walk, &below, &hop))
			return number_of(address, below.address_cells);
		if (!count_cells(walk, &hop) || !translate_one(walk, &below, &hop, address))
			return BAD_ADDRESS;
	}
	dtnode_fail(walk, -ELOOP);
	return BAD_ADDRESS;
}

/* of_range_parser of one node's dma-ranges */
struct parser {
	struct dtnode_walk *walk;
	const char *node;
	struct dtnode_value value;
	size_t at;
	enum bus bus;
	uint32_t address_cells, above_cells, size_cells;
};

struct entry {
	uint64_t dma, cpu, bytes;
	uint32_t flags;
};

static size_t entry_cells(const struct parser *parser)
{
	return (size_t)parser->address_cells + parser->above_cells + parser->size_cells;
}

/* parser_init(). False: the node has none, or cells that no entry can be read with. */
static bool start_parser(struct dtnode_walk *walk, const char *node, struct parser *parser)
{
	if (!dtnode_value(walk, node, "dma-ranges", &parser->value))
		return false;
	parser->walk = walk;
	parser->node = node;
	parser->at = 0;
	parser->bus = bus_of(walk, node);
	parser->address_cells = dtnode_cells_below(walk, node, "#address-cells");
	parser->size_cells = dtnode_cells_below(walk, node, "#size-cells");
	parser->above_cells = dtnode_cells_of(walk, node, "#address-cells");
	if (parser->address_cells > COUNT_LIMIT || parser->size_cells > COUNT_LIMIT ||
	    parser->above_cells > COUNT_LIMIT || entry_cells(parser) == 0 ||
	    parser->address_cells < flag_cells(parser->bus)) {
		dtnode_fail(walk, -EINVAL);
		return false;
	}
	return true;
}

/* The next entry as it is written, its CPU address translated. */
static bool take_entry(struct parser *parser, struct entry *ret)
{
	uint32_t flags = flag_cells(parser->bus), na = parser->address_cells;
	size_t at = parser->at;

	if (at + entry_cells(parser) > parser->value.len / 4)
		return false;
	ret->flags = flags_of(parser->bus, dtnode_cell(&parser->value, at));
	ret->dma = dtnode_number(&parser->value, at + flags, na - flags);
	ret->cpu = translate(parser->walk, parser->node, &parser->value, at + na);
	ret->bytes =
		dtnode_number(&parser->value, at + na + parser->above_cells, parser->size_cells);
	return true;
}

/* of_pci_range_parser_one(): entries that continue each other are one */
static bool next_range(struct parser *parser, struct entry *ret)
{
	struct entry more;

	if (!take_entry(parser, ret))
		return false;
	parser->at += entry_cells(parser);
	while (take_entry(parser, &more) && more.flags == ret->flags &&
	       more.dma == ret->dma + ret->bytes && more.cpu == ret->cpu + ret->bytes) {
		ret->bytes += more.bytes;
		parser->at += entry_cells(parser);
	}
	return true;
}

static bool wraps(const struct entry *entry)
{
	uint64_t beyond = entry->bytes - 1;

	return entry->cpu + beyond < entry->cpu || entry->dma + beyond < entry->dma;
}

/* The node whose dma-ranges count; false: none. */
static bool find_ranges(struct dtnode_walk *walk, const char *start,
			char node[DEVICETREE_PATH_BYTES])
{
	struct dtnode_value value;

	strcpy(node, start);
	for (int hops = 0; hops < DTNODE_HOPS; hops++) {
		bool has = dtnode_value(walk, node, "dma-ranges", &value);

		if (has && value.len > 0)
			return true;
		if ((!has && hops > 0) || !dtnode_dma_parent(walk, node, node))
			return false;
	}
	dtnode_fail(walk, -ELOOP);
	return false;
}

bool dtrange_get(struct dtnode_walk *walk, const char *start, struct devicetree_dma *dma,
		 char ret_node[DEVICETREE_PATH_BYTES])
{
	struct parser parser;
	struct entry entry;
	bool ended = false, ranged = false;

	if (!find_ranges(walk, start, ret_node) || !start_parser(walk, ret_node, &parser))
		return false;
	dma->ranges_len = 0;
	while (next_range(&parser, &entry)) {
		if (entry.cpu == BAD_ADDRESS)
			continue;
		ranged = true;
		ended = ended || entry.bytes == 0 || dma->ranges_len == DEVICETREE_RANGES;
		if (!ended && !wraps(&entry))
			dma->ranges[dma->ranges_len++] =
				(struct devicetree_range){entry.cpu, entry.dma, entry.bytes};
	}
	dma->ranged = ranged;
	return true;
}

/* What cannot be translated, and a size that wraps, the kernel reckons with as with any other. */
uint64_t dtrange_last(struct dtnode_walk *walk, const char *node)
{
	struct parser parser;
	struct entry entry;
	uint64_t last = 0;

	if (!start_parser(walk, node, &parser) || parser.value.len == 0)
		return UINT64_MAX;
	while (next_range(&parser, &entry))
		if (entry.cpu + entry.bytes > last)
			last = entry.cpu + entry.bytes - 1;
	return last;
}
