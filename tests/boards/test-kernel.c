/* SPDX-License-Identifier: MIT */
/*
 * broker/probe/devicetree against the code of Linux itself: the functions of drivers/of that
 * kernel-code.py takes from its source are compiled in here, and asked the same of the same trees.
 *
 * usage: test-kernel ROUNDS <LIST     (a .dtb file a line)
 *
 * Each node of each tree is measured in the three ways; coherency, ranges and IOMMU must be those
 * of the kernel, and of the whole tree the highest address that all buses reach. With ROUNDS each
 * tree is spoilt so often, at bytes that matter. What we refuse is not compared: the kernel would
 * hang or crash there.
 */
#include <libfdt.h>
#include <stdio.h>

#include "tests/boards/blob.h"
#include "tests/boards/kernel-shim.h"

#include "kernel-code.inc"

#define NODES_MAX 4096
#define PROPERTIES_MAX 65536
#define BLOB_MAX (1 << 20)
#define ROOM 64 /* behind a value: the kernel reads beyond the end of those that are too short */

/* A tree as the kernel has it. */
struct unflattened {
	uint8_t blob[BLOB_MAX];
	size_t blob_len;
	struct device_node nodes[NODES_MAX];
	char paths[NODES_MAX][DEVICETREE_PATH_BYTES];
	struct property properties[PROPERTIES_MAX];
	size_t nodes_len, properties_len;
};

struct counts {
	unsigned long compared, different, refused;
};

/* of_find_node_by_phandle() has no argument of ours */
static struct unflattened *the_tree;

struct device_node *of_find_node_by_phandle(phandle handle)
{
	for (size_t i = 0; handle && i < the_tree->nodes_len; i++)
		if (the_tree->nodes[i].phandle == handle)
			return &the_tree->nodes[i];
	return NULL;
}

static bool add_properties(struct unflattened *tree, struct device_node *node, int offset)
{
	int at, len;

	fdt_for_each_property_offset(at, tree->blob, offset)
	{
		struct property *property = &tree->properties[tree->properties_len++];
		const void *value = fdt_getprop_by_offset(tree->blob, at, &property->name, &len);

		if (!value || tree->properties_len == PROPERTIES_MAX)
			return false;
		property->length = len;
		property->value = calloc(1, (size_t)len + ROOM);
		if (!property->value)
			return false;
		memcpy(property->value, value, (size_t)len);
		property->next = node->properties;
		node->properties = property;
	}
	return true;
}

static void link_node(struct device_node *node, struct device_node *parent)
{
	struct device_node **last = &parent->child;

	while (*last)
		last = &(*last)->sibling;
	*last = node;
	node->parent = parent;
}

static bool unflatten(struct unflattened *tree)
{
	struct device_node *above[32] = {NULL};
	int depth = 0;

	tree->nodes_len = tree->properties_len = 0;
	memset(tree->nodes, 0, sizeof(tree->nodes));
	for (int offset = 0; offset >= 0 && depth >= 0;
	     offset = fdt_next_node(tree->blob, offset, &depth)) {
		struct device_node *node = &tree->nodes[tree->nodes_len];
		char *path = tree->paths[tree->nodes_len++];

		if (tree->nodes_len == NODES_MAX || depth >= 32)
			return false;
		node->full_name = fdt_get_name(tree->blob, offset, NULL);
		node->phandle = fdt_get_phandle(tree->blob, offset);
		(void)snprintf(path, DEVICETREE_PATH_BYTES, "%s/%s",
			       depth > 1 ? tree->paths[above[depth - 1] - tree->nodes] : "",
			       depth ? node->full_name : "");
		above[depth] = node;
		if (depth)
			link_node(node, above[depth - 1]);
		if (!add_properties(tree, node, offset))
			return false;
	}
	of_root = &tree->nodes[0];
	return true;
}

static void release(struct unflattened *tree)
{
	for (size_t i = 0; i < tree->properties_len; i++)
		free(tree->properties[i].value);
}

/* Our map leaves out what wraps, and ends earlier if it is full. */
static bool is_same_map(const struct bus_dma_region *map, const struct devicetree_dma *dma)
{
	size_t len = 0;

	for (; map->size && len < DEVICETREE_RANGES; map++) {
		const struct devicetree_range *range = &dma->ranges[len];

		if (map->cpu_start + (map->size - 1) < map->cpu_start ||
		    map->dma_start + (map->size - 1) < map->dma_start)
			continue;
		if (len >= dma->ranges_len || range->cpu != map->cpu_start ||
		    range->dma != map->dma_start || range->bytes != map->size)
			return false;
		len++;
	}
	return len == dma->ranges_len;
}

/* of_dma_configure_id(), drivers/of/device.c: where the search begins. What the kernel knows of
 * Allwinner's buses is not in these functions. */
static bool is_same_reach(struct device_node *node, enum devicetree_bus bus,
			  const struct devicetree_dma *dma)
{
	struct device_node *start = bus == DEVICETREE_OWN ? __of_get_dma_parent(node) : node;
	const struct bus_dma_region *map = NULL;
	int error = of_dma_get_range(start, &map);
	bool same;

	if (error)
		return !dma->ranged || strstr(dma->reach_how, "Allwinner");
	same = dma->ranged && is_same_map(map, dma);
	free((void *)(uintptr_t)map);
	return same;
}

/* of_iommu_configure_dev(), of_iommu_configure_dev_id(), drivers/iommu/of_iommu.c */
static bool has_iommu(struct device_node *node, const struct devicetree_place *place)
{
	struct device_node *target = NULL;
	struct of_phandle_args args;
	bool available = false;
	u32 id;

	if (place->bus == DEVICETREE_PCI)
		return of_map_id(node, place->requester, "iommu-map", "iommu-map-mask", &target,
				 &id) == 0 &&
		       of_device_is_available(target);
	for (int i = 0; !of_parse_phandle_with_args(node, "iommus", "#iommu-cells", i, &args);
	     i++) {
		available = of_device_is_available(args.np);
		if (!available)
			break;
	}
	return available;
}

static void compare_node(struct unflattened *tree, const struct devicetree_source *source,
			 size_t index, enum devicetree_bus bus, struct counts *counts)
{
	struct devicetree_place place = {.bus = bus, .requester = 0x0100};
	struct device_node *node = &tree->nodes[index];
	struct devicetree_dma dma;

	strcpy(place.node, tree->paths[index]);
	if (devicetree_measure(source, NULL, &place, COHERENCY_NON_COHERENT, &dma) < 0) {
		counts->refused++;
		return;
	}
	counts->compared++;
	if (of_dma_is_coherent(node) == (dma.coherency == COHERENCY_COHERENT) &&
	    is_same_reach(node, bus, &dma) && has_iommu(node, &place) == dma.iommu)
		return;
	counts->different++;
	printf("# %s, way %d: %s; %s; %s\n", place.node, (int)bus, dma.coherency_how, dma.reach_how,
	       dma.iommu_how);
}

static void compare_tree(struct unflattened *tree, const struct devicetree_source *source,
			 struct counts *counts)
{
	struct devicetree_machine machine;
	u64 last;

	for (size_t i = 0; i < tree->nodes_len; i++)
		for (int bus = DEVICETREE_OWN; bus <= (int)DEVICETREE_PCI; bus++)
			compare_node(tree, source, i, (enum devicetree_bus)bus, counts);
	if (devicetree_survey(source, &machine) < 0)
		return;
	last = of_dma_get_max_cpu_address(NULL);
	if (last == machine.dma_last)
		return;
	counts->different++;
	printf("# every bus reaches 0x%llx, not 0x%llx\n", (unsigned long long)last,
	       (unsigned long long)machine.dma_last);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* One byte of a property that the rules read, somewhere in the tree. */
static void spoil_byte(struct unflattened *tree, uint64_t *state)
{
	static const char *const names[] = {
		"dma-ranges",  "#address-cells", "#size-cells",		"interconnects",
		"device_type", "#iommu-cells",	 "#interconnect-cells", "interconnect-names",
		"iommu-map",   "iommus",	 "iommu-map-mask",	"status",
	};
	static const uint8_t bytes[] = {0, 1, 2, 3, 4, 5, 0x40, 0x42, 0x43, 0x7f, 0x80, 0xff};
	const char *name = names[next_random(state) % ARRAY_SIZE(names)];
	uint64_t skip = next_random(state) % 256;
	int depth = 0, len, found = -1;
	uint8_t *value;

	for (int offset = 0; offset >= 0 && depth >= 0;
	     offset = fdt_next_node(tree->blob, offset, &depth)) {
		if (!fdt_getprop(tree->blob, offset, name, &len) || len <= 0)
			continue;
		found = offset;
		if (skip-- == 0 || next_random(state) % 8 == 0)
			break;
	}
	if (found < 0)
		return;
	value = fdt_getprop_w(tree->blob, found, name, &len);
	value[next_random(state) % (uint64_t)len] = bytes[next_random(state) % sizeof(bytes)];
}

static bool read_file(const char *path, struct unflattened *tree)
{
	FILE *file = fopen(path, "rbe");

	if (!file)
		return false;
	tree->blob_len = fread(tree->blob, 1, sizeof(tree->blob), file);
	fclose(file);
	return tree->blob_len < sizeof(tree->blob) &&
	       fdt_check_full(tree->blob, tree->blob_len) == 0;
}

/* Our side reads a file, so a spoilt tree becomes one. */
static bool write_file(const char *path, const struct unflattened *tree)
{
	FILE *file = fopen(path, "wbe");
	bool good;

	if (!file)
		return false;
	good = fwrite(tree->blob, 1, tree->blob_len, file) == tree->blob_len;
	return fclose(file) == 0 && good;
}

static bool compare_file(struct unflattened *tree, const char *path, struct counts *counts)
{
	struct devicetree_source source;

	if (!unflatten(tree) || blob_source_open(path, &source) < 0) {
		release(tree);
		return false;
	}
	compare_tree(tree, &source, counts);
	blob_source_close(&source);
	release(tree);
	return true;
}

static bool compare_spoilt(struct unflattened *tree, const char *path, unsigned int round,
			   struct counts *counts)
{
	char name[] = "/tmp/test-kernel-XXXXXX";
	uint64_t state = 0x9e3779b97f4a7c15 + round;
	int fd = mkstemp(name);
	bool good;

	if (fd < 0)
		return false;
	for (int i = 0; i < 60; i++)
		spoil_byte(tree, &state);
	good = write_file(name, tree) && compare_file(tree, name, counts);
	if (counts->different)
		printf("# %s, spoilt in round %u\n", path, round);
	close(fd);
	remove(name);
	return good;
}

static bool take_file(const char *path, unsigned long rounds, struct counts *whole,
		      struct counts *spoilt)
{
	unsigned long different = whole->different;
	bool good = read_file(path, the_tree) && compare_file(the_tree, path, whole);

	if (!good || whole->different != different)
		printf("# %s\n", path);
	for (unsigned int round = 0; good && round < rounds; round++)
		good = read_file(path, the_tree) && compare_spoilt(the_tree, path, round, spoilt);
	return good;
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	struct counts whole = {0}, spoilt = {0};
	char path[4096];
	bool good = true;

	the_tree = calloc(1, sizeof(*the_tree));
	if (argc != 2 || !the_tree) {
		fprintf(stderr, "usage: test-kernel ROUNDS <LIST\n");
		return 2;
	}
	while (good && fgets(path, sizeof(path), stdin)) {
		path[strcspn(path, "\n")] = '\0';
		good = take_file(path, rounds, &whole, &spoilt);
	}
	free(the_tree);
	printf("%s 1 - %lu measurements are those of the kernel's code, %lu are not, %lu refused\n",
	       good && whole.compared && !whole.different && !whole.refused ? "ok" : "not ok",
	       whole.compared - whole.different, whole.different, whole.refused);
	if (rounds)
		printf("%s 2 - %lu of spoilt trees are too, %lu are not, %lu refused\n",
		       good && spoilt.compared && !spoilt.different ? "ok" : "not ok",
		       spoilt.compared - spoilt.different, spoilt.different, spoilt.refused);
	return !good || whole.different || whole.refused || spoilt.different;
}
