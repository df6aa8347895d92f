/* SPDX-License-Identifier: MIT */
/*
 * broker/probe/devicetree: each rule of the kernel and each exception to it, on trees made up for
 * it. A tree is a text, one node a line: its path, then its properties as in a .dts, but [] has
 * bytes in hex. Every row runs twice: on the tree in memory, and on the same as directories.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/probe/devicetree.h"
#include "tests/unit/check.h"

#define LEN(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define OWN DEVICETREE_OWN
#define LENT DEVICETREE_LENT
#define PCI DEVICETREE_PCI

/* --- trees in memory --- */

struct property {
	size_t node;
	char name[32];
	uint8_t value[512];
	size_t len;
};

struct tree {
	char nodes[64][DEVICETREE_PATH_BYTES];
	size_t nodes_len;
	struct property properties[192];
	size_t properties_len;
	/* call number `fails_at` fails with `error`; 0: none does */
	unsigned int calls, fails_at;
	int error;
};

static void put_byte(struct property *property, unsigned int byte)
{
	ck_assert_uint_lt(property->len, sizeof(property->value));
	property->value[property->len++] = (uint8_t)byte;
}

static void put_cell(struct property *property, uint32_t cell)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		put_byte(property, cell >> shift & 0xff);
}

/* <1 0x2>, "text", [00 ff] one after the other */
static const char *parse_value(const char *text, struct property *property)
{
	char *end;

	while (*text && !isspace((unsigned char)*text)) {
		char close = *text == '<' ? '>' : *text == '[' ? ']' : '"';

		for (text++; *text != close; text = end) {
			end = (char *)(uintptr_t)text + 1;
			if (close == '>')
				put_cell(property, (uint32_t)strtoul(text, &end, 0));
			else if (close == ']')
				put_byte(property, (unsigned int)strtoul(text, &end, 16));
			else
				put_byte(property, (unsigned char)*text);
		}
		if (close == '"')
			put_byte(property, '\0');
		text++;
	}
	return text;
}

static const char *parse_property(const char *text, struct tree *tree)
{
	struct property *property = &tree->properties[tree->properties_len++];
	size_t len = strcspn(text, "= \n");

	ck_assert_uint_lt(tree->properties_len, sizeof(tree->properties) / sizeof(*property));
	property->node = tree->nodes_len - 1;
	snprintf(property->name, sizeof(property->name), "%.*s", (int)len, text);
	return text[len] == '=' ? parse_value(text + len + 1, property) : text + len;
}

static struct tree *tree_create(const char *text)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	ck_assert_ptr_nonnull(tree);
	while (*text) {
		size_t len = strcspn(text, " \n");

		snprintf(tree->nodes[tree->nodes_len++], DEVICETREE_PATH_BYTES, "%.*s", (int)len,
			 text);
		for (text += len; *text && *text != '\n';)
			text = *text == ' ' ? text + 1 : parse_property(text, tree);
		text += *text == '\n';
	}
	return tree;
}

static bool fails(struct tree *tree)
{
	return ++tree->calls == tree->fails_at;
}

static int tree_property(void *data, const char *node, const char *name, void *value, size_t size,
			 size_t *ret_bytes)
{
	struct tree *tree = data;
	int error = -ENXIO;

	if (fails(tree))
		return tree->error;
	for (size_t i = 0; i < tree->nodes_len; i++)
		if (strcmp(tree->nodes[i], node) == 0)
			error = -ENOENT;
	for (size_t i = 0; i < tree->properties_len; i++) {
		const struct property *property = &tree->properties[i];

		if (strcmp(tree->nodes[property->node], node) != 0 ||
		    strcmp(property->name, name) != 0)
			continue;
		*ret_bytes = property->len;
		if (size)
			memcpy(value, property->value, size < property->len ? size : property->len);
		return 0;
	}
	return error;
}

static int tree_by_phandle(void *data, uint32_t phandle, char ret_node[DEVICETREE_PATH_BYTES])
{
	struct tree *tree = data;

	if (fails(tree))
		return tree->error;
	for (size_t i = 0; i < tree->properties_len; i++) {
		const struct property *property = &tree->properties[i];
		uint8_t cell[4] = {(uint8_t)(phandle >> 24), (uint8_t)(phandle >> 16),
				   (uint8_t)(phandle >> 8), (uint8_t)phandle};

		if (strcmp(property->name, "phandle") == 0 && property->len == 4 &&
		    memcmp(property->value, cell, 4) == 0) {
			strcpy(ret_node, tree->nodes[property->node]);
			return 0;
		}
	}
	return -ENOENT;
}

static int tree_node(void *data, size_t index, char ret_node[DEVICETREE_PATH_BYTES])
{
	struct tree *tree = data;

	if (fails(tree))
		return tree->error;
	if (index >= tree->nodes_len)
		return -ENOENT;
	strcpy(ret_node, tree->nodes[index]);
	return 0;
}

static struct devicetree_source tree_source(struct tree *tree)
{
	return (struct devicetree_source){tree, tree_property, tree_by_phandle, tree_node};
}

/* --- the same as directories --- */

#define BASE "/sys/firmware/devicetree/base"

static void make_directories(char *path)
{
	for (char *end = path + 1; (end = strchr(end, '/')); end++) {
		*end = '\0';
		ck_assert(mkdir(path, 0700) == 0 || errno == EEXIST);
		*end = '/';
	}
	ck_assert(mkdir(path, 0700) == 0 || errno == EEXIST);
}

static void write_file(const char *path, const void *bytes, size_t len)
{
	FILE *file = fopen(path, "wbe");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
}

static void write_tree(const struct tree *tree, const char *root)
{
	char path[1024];

	for (size_t i = 0; i < tree->nodes_len; i++) {
		snprintf(path, sizeof(path), "%s" BASE "%s", root,
			 tree->nodes[i][1] ? tree->nodes[i] : "");
		make_directories(path);
	}
	for (size_t i = 0; i < tree->properties_len; i++) {
		const struct property *property = &tree->properties[i];

		snprintf(path, sizeof(path), "%s" BASE "%s/%s", root, tree->nodes[property->node],
			 property->name);
		write_file(path, property->value, property->len);
	}
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
	(void)status;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static char root_directory[] = "/tmp/test-devicetree-XXXXXX";

static void make_root(void)
{
	ck_assert_ptr_nonnull(mkdtemp(root_directory));
}

static void remove_root(void)
{
	ck_assert_int_eq(nftw(root_directory, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* A row's tree in both forms: number 0 in memory, number 1 as directories. */
struct both {
	struct tree *tree;
	struct devicetree_source sources[2];
};

static struct both both_create(const char *text)
{
	struct both both = {.tree = tree_create(text)};

	write_tree(both.tree, root_directory);
	both.sources[0] = tree_source(both.tree);
	ck_assert_int_eq(devicetree_sysfs_open(root_directory, &both.sources[1]), 0);
	return both;
}

static void both_destroy(struct both *both)
{
	devicetree_sysfs_close(&both->sources[1]);
	devicetree_sysfs_close(&both->sources[1]);
	free(both->tree);
}

static struct devicetree_place place_of(enum devicetree_bus bus, const char *node, const char *own,
					unsigned int requester)
{
	struct devicetree_place place = {.bus = bus, .requester = (uint16_t)requester};

	strcpy(place.node, node);
	strcpy(place.own, own ? own : "");
	return place;
}

/* --- coherency --- */

#define MBUS(more) "/mbus phandle=<1> #interconnect-cells=<1> " more "\n"

static const struct {
	const char *tree, *node;
	enum devicetree_bus bus;
	enum coherency by_default, coherency;
	const char *how;
} coherencies[] = {
	{"/\n/soc\n/soc/vpu\n", "/soc/vpu", OWN, COHERENCY_NON_COHERENT, COHERENCY_NON_COHERENT,
	 "no dma-coherent up to /: default"},
	{"/\n/soc\n/soc/vpu\n", "/soc/vpu", OWN, COHERENCY_COHERENT, COHERENCY_COHERENT,
	 "no dma-coherent up to /: default"},
	{"/\n/soc\n/soc/vpu dma-coherent\n", "/soc/vpu", OWN, COHERENCY_NON_COHERENT,
	 COHERENCY_COHERENT, "/soc/vpu: dma-coherent"},
	{"/\n/soc dma-coherent\n/soc/bus\n/soc/bus/vpu\n", "/soc/bus/vpu", OWN,
	 COHERENCY_NON_COHERENT, COHERENCY_COHERENT, "/soc: dma-coherent"},
	{"/ dma-coherent\n/vpu\n", "/vpu", OWN, COHERENCY_NON_COHERENT, COHERENCY_COHERENT,
	 "/: dma-coherent"},
	/* a property is there or not, its value means nothing */
	{"/\n/vpu dma-coherent=<0>\n", "/vpu", OWN, COHERENCY_NON_COHERENT, COHERENCY_COHERENT,
	 "/vpu: dma-coherent"},
	/* the first on the way up decides; in one node coherent comes first */
	{"/\n/soc dma-coherent\n/soc/vpu dma-noncoherent\n", "/soc/vpu", OWN,
	 COHERENCY_NON_COHERENT, COHERENCY_NON_COHERENT, "/soc/vpu: dma-noncoherent"},
	{"/\n/soc dma-noncoherent\n/soc/vpu\n", "/soc/vpu", OWN, COHERENCY_COHERENT,
	 COHERENCY_NON_COHERENT, "/soc: dma-noncoherent"},
	{"/\n/vpu dma-coherent dma-noncoherent\n", "/vpu", OWN, COHERENCY_NON_COHERENT,
	 COHERENCY_COHERENT, "/vpu: dma-coherent"},
	/* a node of that name is no property */
	{"/\n/vpu\n/vpu/dma-coherent\n", "/vpu", OWN, COHERENCY_NON_COHERENT,
	 COHERENCY_NON_COHERENT, "no dma-coherent up to /: default"},
	/* the way of the DMA */
	{"/\n/soc dma-noncoherent\n/soc/csi interconnects=<1 5> "
	 "interconnect-names=\"dma-mem\"\n" MBUS("dma-coherent"),
	 "/soc/csi", OWN, COHERENCY_NON_COHERENT, COHERENCY_COHERENT, "/mbus: dma-coherent"},
	{"/\n/soc dma-coherent\n/soc/csi interconnects=<1 5> interconnect-names=\"write\"\n" MBUS(
		 "dma-noncoherent"),
	 "/soc/csi", OWN, COHERENCY_NON_COHERENT, COHERENCY_COHERENT, "/soc: dma-coherent"},
	{"/\n/soc\n/soc/csi interconnects=<1 5>\n" MBUS("dma-coherent"), "/soc/csi", OWN,
	 COHERENCY_NON_COHERENT, COHERENCY_NON_COHERENT, "no dma-coherent up to /: default"},
	{"/\n/soc\n/soc/csi interconnects=<2 7 8 1 5> interconnect-names=\"read\"\"dma-mem\"\n"
	 "/noc phandle=<2> #interconnect-cells=<2>\n" MBUS("dma-coherent"),
	 "/soc/csi", OWN, COHERENCY_NON_COHERENT, COHERENCY_COHERENT, "/mbus: dma-coherent"},
	{"/\n/soc\n/soc/csi interconnects=<0 1 5> interconnect-names=\"read\"\"dma-mem\"\n" MBUS(
		 "dma-coherent"),
	 "/soc/csi", OWN, COHERENCY_NON_COHERENT, COHERENCY_COHERENT, "/mbus: dma-coherent"},
	/* interconnects that lead nowhere: up it is */
	{"/\n/soc dma-coherent\n/soc/csi interconnects=<9 5> interconnect-names=\"dma-mem\"\n" MBUS(
		 ""),
	 "/soc/csi", OWN, COHERENCY_NON_COHERENT, COHERENCY_COHERENT, "/soc: dma-coherent"},
	{"/\n/soc dma-coherent\n/soc/csi interconnects=<0> interconnect-names=\"dma-mem\"\n" MBUS(
		 ""),
	 "/soc/csi", OWN, COHERENCY_NON_COHERENT, COHERENCY_COHERENT, "/soc: dma-coherent"},
	{"/\n/soc dma-coherent\n/soc/csi interconnects=<1> interconnect-names=\"dma-mem\"\n" MBUS(
		 ""),
	 "/soc/csi", OWN, COHERENCY_NON_COHERENT, COHERENCY_COHERENT, "/soc: dma-coherent"},
	{"/\n/soc dma-coherent\n/soc/csi interconnects=[00 00 00] "
	 "interconnect-names=\"dma-mem\"\n" MBUS(""),
	 "/soc/csi", OWN, COHERENCY_NON_COHERENT, COHERENCY_COHERENT, "/soc: dma-coherent"},
	{"/\n/soc dma-coherent\n/soc/csi interconnects=<1 5> interconnect-names=\"dma-mem\"\n"
	 "/mbus phandle=<1>\n",
	 "/soc/csi", OWN, COHERENCY_NON_COHERENT, COHERENCY_COHERENT, "/soc: dma-coherent"},
	{"/\n/soc dma-coherent\n/soc/csi interconnects=<1 5> interconnect-names=\"dma-mem\"\n"
	 "/mbus phandle=<1> #interconnect-cells=<0xffffffff>\n",
	 "/soc/csi", OWN, COHERENCY_NON_COHERENT, COHERENCY_COHERENT, "/soc: dma-coherent"},
	/* "dma-mem" without its end */
	{"/\n/soc dma-coherent\n/soc/csi interconnects=<1 5> "
	 "interconnect-names=[64 6d 61 2d 6d 65 6d]\n" MBUS(""),
	 "/soc/csi", OWN, COHERENCY_NON_COHERENT, COHERENCY_COHERENT, "/soc: dma-coherent"},
	/* PCI: the host bridge's node, whatever the function's own says */
	{"/\n/pcie dma-coherent\n/pcie/wifi dma-noncoherent\n", "/pcie", PCI,
	 COHERENCY_NON_COHERENT, COHERENCY_COHERENT, "/pcie: dma-coherent"},
};

START_TEST(coherency_is_the_first_word_on_the_way)
{
	struct both both = both_create(coherencies[_i].tree);
	struct devicetree_place place = place_of(coherencies[_i].bus, coherencies[_i].node, "", 0);

	for (int i = 0; i < 2; i++) {
		struct devicetree_dma dma;

		ck_assert_int_eq(devicetree_measure(&both.sources[i], NULL, &place,
						    coherencies[_i].by_default, &dma),
				 0);
		ck_assert_str_eq(dma.coherency_how, coherencies[_i].how);
		ck_assert_int_eq(dma.coherency, coherencies[_i].coherency);
	}
	both_destroy(&both);
}
END_TEST

/* --- dma-ranges --- */

#define CELLS(a, s) "#address-cells=<" #a "> #size-cells=<" #s ">"
#define ROOT22 "/ " CELLS(2, 2) "\n"
#define PI4 ROOT22 "/soc " CELLS(1, 1) " dma-ranges=<0xc0000000 0 0 0x40000000>\n"
#define PI4_HOW "/soc: dma-ranges"
#define PI4_MAP "0x0@0xc0000000+0x40000000"
#define ONE_GIB "0 0 0 0 0 0x40000000"
#define NOWHERE "dma-ranges that lead nowhere are ignored"

static const struct {
	const char *tree;
	enum devicetree_bus bus;
	const char *node, *own;
	const char *map; /* NULL: not ranged; else CPU@DMA+BYTES ... */
	const char *how;
} reaches[] = {
	{ROOT22 "/soc\n/soc/vpu\n", OWN, "/soc/vpu", NULL, NULL, "no dma-ranges"},
	{PI4 "/soc/vpu\n", OWN, "/soc/vpu", NULL, PI4_MAP, PI4_HOW},
	/* a bus that has none is passed over once, and only if it is the first */
	{PI4 "/soc/bus\n/soc/bus/vpu\n", OWN, "/soc/bus/vpu", NULL, PI4_MAP, PI4_HOW},
	{PI4 "/soc/a\n/soc/a/b\n/soc/a/b/vpu\n", OWN, "/soc/a/b/vpu", NULL, NULL, "no dma-ranges"},
	{PI4 "/soc/a dma-ranges\n/soc/a/b\n/soc/a/b/vpu\n", OWN, "/soc/a/b/vpu", NULL, PI4_MAP,
	 PI4_HOW},
	{PI4 "/soc/a\n/soc/a/b dma-ranges\n/soc/a/b/vpu\n", OWN, "/soc/a/b/vpu", NULL, NULL,
	 "no dma-ranges"},
	{PI4 "/soc/a dma-ranges\n/soc/a/b dma-ranges\n/soc/a/b/vpu\n", OWN, "/soc/a/b/vpu", NULL,
	 PI4_MAP, PI4_HOW},
	/* a lent node counts as the first bus itself */
	{PI4 "/soc/hvs\n", LENT, "/soc/hvs", NULL, PI4_MAP, PI4_HOW},
	{PI4 "/soc/bus\n/soc/bus/hvs\n", LENT, "/soc/bus/hvs", NULL, NULL, "no dma-ranges"},
	{ROOT22 "/soc " CELLS(2, 2) " dma-ranges=<" ONE_GIB ">\n", LENT, "/soc", NULL,
	 "0x0@0x0+0x40000000", "/soc: dma-ranges"},
	/* what a device has itself is for what is below it */
	{ROOT22 "/soc\n/soc/vpu " CELLS(2, 2) " dma-ranges=<" ONE_GIB ">\n", OWN, "/soc/vpu", NULL,
	 NULL, "no dma-ranges"},
	/* empty ones are not there */
	{ROOT22 "/soc dma-ranges\n/soc/vpu\n", OWN, "/soc/vpu", NULL, NULL, "no dma-ranges"},
	/* the root's lead nowhere, for there is nothing above it */
	{"/ " CELLS(2, 2) " dma-ranges=<" ONE_GIB ">\n/vpu\n", OWN, "/vpu", NULL, NULL,
	 "/: " NOWHERE},
	{"/ " CELLS(2, 2) " dma-ranges=<" ONE_GIB ">\n", OWN, "/", NULL, NULL, "no dma-ranges"},
	/* cells: 1 and 1 if nobody says, else the nearest above that does */
	{"/\n/soc dma-ranges=<0x10 0x20 0x1000>\n/soc/vpu\n", OWN, "/soc/vpu", NULL,
	 "0x20@0x10+0x1000", "/soc: dma-ranges"},
	{ROOT22 "/soc\n/soc/bus dma-ranges=<" ONE_GIB ">\n/soc/bus/vpu\n", OWN, "/soc/bus/vpu",
	 NULL, "0x0@0x0+0x40000000", "/soc/bus: dma-ranges"},
	{"/ #address-cells=[00 02] #size-cells=<1>\n/soc dma-ranges=<0x10 0x20 0x1000>\n/soc/vpu\n",
	 OWN, "/soc/vpu", NULL, "0x20@0x10+0x1000", "/soc: dma-ranges"},
	/* several ranges; those that continue each other are one; a rest is no entry */
	{ROOT22 "/soc " CELLS(1, 1) " dma-ranges=<0 0 0 0x1000 0x8000 1 0 0x2000 5 5>\n/soc/vpu\n",
	 OWN, "/soc/vpu", NULL, "0x0@0x0+0x1000 0x100000000@0x8000+0x2000", "/soc: dma-ranges"},
	{ROOT22 "/soc " CELLS(1, 1) " dma-ranges=<0 0 0x10 0x10 0x10 0 0x20 0x20>\n/soc/vpu\n", OWN,
	 "/soc/vpu", NULL, "0x10@0x0+0x30", "/soc: dma-ranges"},
	{ROOT22 "/soc " CELLS(1, 1) " dma-ranges=<0 0 0>\n/soc/vpu\n", OWN, "/soc/vpu", NULL, NULL,
	 "/soc: " NOWHERE},
	/* size 0 ends the map */
	{ROOT22 "/soc " CELLS(
		 1, 1) " dma-ranges=<0 0 0x100 0x100 8 0 8 0 0x900 0 0x900 0x100>\n/soc/vpu\n",
	 OWN, "/soc/vpu", NULL, "0x100@0x0+0x100", "/soc: dma-ranges"},
	{ROOT22 "/soc " CELLS(1, 1) " dma-ranges=<0 0 0 0 8 0 8 8>\n/soc/vpu\n", OWN, "/soc/vpu",
	 NULL, "", "/soc: dma-ranges"},
	{ROOT22 "/soc " CELLS(1, 0) " dma-ranges=<0 0 0>\n/soc/vpu\n", OWN, "/soc/vpu", NULL, "",
	 "/soc: dma-ranges"},
	/* two buses: each range is translated by the one above */
	{PI4 "/soc/bus " CELLS(1, 1) " dma-ranges=<0 0xc0000000 0x1000>\n/soc/bus/vpu\n", OWN,
	 "/soc/bus/vpu", NULL, "0x0@0x0+0x1000", "/soc/bus: dma-ranges"},
	{PI4 "/soc/bus " CELLS(1, 1) " dma-ranges=<0 0 0x1000 0x5000 0xc0005000 "
				     "0x1000>\n/soc/bus/vpu\n",
	 OWN, "/soc/bus/vpu", NULL, "0x5000@0x5000+0x1000", "/soc/bus: dma-ranges"},
	{PI4 "/soc/bus " CELLS(1, 1) " dma-ranges=<0 0 0x1000>\n/soc/bus/vpu\n", OWN,
	 "/soc/bus/vpu", NULL, NULL, "/soc/bus: " NOWHERE},
	{ROOT22 "/soc " CELLS(1, 1) "\n/soc/bus " CELLS(1, 1) " dma-ranges=<0 0x80000000 "
							      "0x1000>\n/soc/bus/vpu\n",
	 OWN, "/soc/bus/vpu", NULL, "0x80000000@0x0+0x1000", "/soc/bus: dma-ranges"},
	/* a bus with one cell for addresses keeps 32 bits of them */
	{ROOT22 "/soc " CELLS(1, 1) "\n/soc/a " CELLS(2, 1) "\n/soc/a/b " CELLS(
		 1, 1) " dma-ranges=<0 7 0x80000000 0x1000>\n/soc/a/b/vpu\n",
	 OWN, "/soc/a/b/vpu", NULL, "0x80000000@0x0+0x1000", "/soc/a/b: dma-ranges"},
	/* no cells, no translation */
	{"/ " CELLS(0, 1) "\n/soc " CELLS(1, 1) " dma-ranges=<0 0x1000>\n/soc/vpu\n", OWN,
	 "/soc/vpu", NULL, NULL, "/soc: " NOWHERE},
	{"/ " CELLS(1, 0) "\n/soc " CELLS(1, 1) " dma-ranges=<0 0 0x1000>\n/soc/vpu\n", OWN,
	 "/soc/vpu", NULL, NULL, "/soc: " NOWHERE},
	/* what reaches up to 2^64 holds no address: the kernel's sum wraps */
	{ROOT22 "/soc " CELLS(2, 2) " dma-ranges=<0x80000000 0 0x80000000 0 0x80000000 "
				    "0>\n/soc/bus " CELLS(1, 1) " dma-ranges=<0 0x90000000 0 "
								"0x1000>\n/soc/bus/vpu\n",
	 OWN, "/soc/bus/vpu", NULL, NULL, "/soc/bus: " NOWHERE},
	/* a range that wraps is dropped, the others stay */
	{ROOT22 "/soc " CELLS(2, 2) " dma-ranges=<0 0 0xffffffff 0 2 0 0 0 0 0 0 0x1000 "
				    "0xffffffff 0 0 0x8000 2 0>\n/soc/vpu\n",
	 OWN, "/soc/vpu", NULL, "0x0@0x0+0x1000", "/soc: dma-ranges"},
	{ROOT22 "/soc " CELLS(2, 2) " dma-ranges=<0 0 0xffffffff 0 1 0>\n/soc/vpu\n", OWN,
	 "/soc/vpu", NULL, "0xffffffff00000000@0x0+0x100000000", "/soc: dma-ranges"},
	/* PCI: three cells, the first of them tells the kind; 7 cells an entry */
	{ROOT22 "/pcie device_type=\"pci\" " CELLS(3, 2) " dma-ranges=<0x02000000 0 0 0 0 0 "
							 "0xc0000000>\n",
	 PCI, "/pcie", NULL, "0x0@0x0+0xc0000000", "/pcie: dma-ranges"},
	{ROOT22 "/scb " CELLS(2, 2) " dma-ranges=<0 0 0 0 0 0xfc000000 4 0 4 0 4 "
				    "0>\n/scb/pcie " CELLS(
					    3, 2) " dma-ranges=<0x02000000 4 0 4 0 0 0x80000000>\n",
	 PCI, "/scb/pcie", NULL, "0x400000000@0x400000000+0x80000000", "/scb/pcie: dma-ranges"},
	{ROOT22 "/scb " CELLS(2, 2) " dma-ranges=<" ONE_GIB ">\n/scb/pcie " CELLS(3, 2) "\n", PCI,
	 "/scb/pcie", NULL, "0x0@0x0+0x40000000", "/scb: dma-ranges"},
	{ROOT22 "/pcie@1 " CELLS(3, 2) " dma-ranges=<0x42000000 0 0 0 0 0 0x1000 0x42000000 0 "
				       "0x1000 0 0x1000 0 0x1000 0x02000000 0 0x2000 0 0x2000 0 "
				       "0x1000>\n",
	 PCI, "/pcie@1", NULL, "0x0@0x0+0x2000 0x2000@0x2000+0x1000", "/pcie@1: dma-ranges"},
	/* below another PCI bus: memory is memory, I/O is not; missing cells are none */
	{ROOT22 "/pci device_type=\"pciex\" " CELLS(
		 3, 2) " dma-ranges=<0x43000000 0 0 1 0 1 0>\n/pci/pci "
		       "device_type=\"pci\" " CELLS(3, 2) " dma-ranges=<0x02000000 0 0 "
							  "0x02000000 0 0x5000 0 0x1000 "
							  "0x02000000 0 0x8000 0x01000000 0 "
							  "0x5000 0 0x1000>\n",
	 PCI, "/pci/pci", NULL, "0x100005000@0x0+0x1000", "/pci/pci: dma-ranges"},
	/* ISA: a kind and one cell */
	{ROOT22 "/isa " CELLS(2, 1) " dma-ranges=<1 0x1000 0 0x80000000 0x1000>\n/isa/x\n", OWN,
	 "/isa/x", NULL, "0x80000000@0x1000+0x1000", "/isa: dma-ranges"},
	{ROOT22 "/isa " CELLS(2, 1) " dma-ranges=<0 0 0 0x80000000 0x10000>\n/isa/x " CELLS(
		 1, 1) " dma-ranges=<0 0 0x10 8 0x30 1 0x20 8>\n/isa/x/y\n",
	 OWN, "/isa/x/y", NULL, "0x80000010@0x0+0x8", "/isa/x: dma-ranges"},
	/* three cells without PCI: the first one must be the same */
	{ROOT22 "/bus " CELLS(3, 1) " dma-ranges=<7 0 0 0 0x40000000 0x1000>\n/bus/a " CELLS(
		 1, 1) " dma-ranges=<0 7 0 0x10 8 0x100 6 0 0x10 8>\n/bus/a/b\n",
	 OWN, "/bus/a/b", NULL, "0x40000010@0x0+0x8", "/bus/a: dma-ranges"},
	/* 16 ranges and no more */
	{"/\n/soc dma-ranges=<0 0x10 1 1 0x20 1 2 0x30 1 3 0x40 1 4 0x50 1 5 0x60 1 6 0x70 1 "
	 "7 0x80 1 8 0x90 1 9 0xa0 1 10 0xb0 1 11 0xc0 1 12 0xd0 1 13 0xe0 1 14 0xf0 1 "
	 "15 0x100 1 16 0x110 1>\n/soc/vpu\n",
	 OWN, "/soc/vpu", NULL,
	 "0x10@0x0+0x1 0x20@0x1+0x1 0x30@0x2+0x1 0x40@0x3+0x1 0x50@0x4+0x1 0x60@0x5+0x1 "
	 "0x70@0x6+0x1 0x80@0x7+0x1 0x90@0x8+0x1 0xa0@0x9+0x1 0xb0@0xa+0x1 0xc0@0xb+0x1 "
	 "0xd0@0xc+0x1 0xe0@0xd+0x1 0xf0@0xe+0x1 0x100@0xf+0x1",
	 "/soc: dma-ranges"},
	/* the way of the DMA: the memory bus's ranges, and its own cells */
	{"/ " CELLS(1, 1) "\n/soc " CELLS(1, 1) "\n/soc/csi interconnects=<1 5> "
						"interconnect-names=\"dma-mem\"\n/soc/mbus "
						"phandle=<1> #interconnect-cells=<1> "
						"dma-ranges=<0 0x40000000 0xc0000000>\n",
	 OWN, "/soc/csi", NULL, "0x40000000@0x0+0xc0000000", "/soc/mbus: dma-ranges"},
	/* Allwinner trees that do not describe it */
	{"/ compatible=\"x,y\"\"allwinner,sun50i-a64\"\n/csi "
	 "compatible=\"allwinner,sun50i-a64-csi\"\n",
	 OWN, "/csi", NULL, "0x40000000@0x0+0x100000000",
	 "/csi: no interconnects on an Allwinner memory bus"},
	{"/ compatible=\"allwinner,sun9i-a80\"\n/de "
	 "compatible=\"allwinner,sun9i-a80-display-engine\"\n/be\n",
	 LENT, "/be", "/de", "0x20000000@0x0+0x100000000",
	 "/de: no interconnects on an Allwinner memory bus"},
	{"/ compatible=\"allwinner,sun50i-a64\"\n/csi compatible=\"allwinner,sun50i-a64-csi\" "
	 "interconnects=<1 5>\n",
	 OWN, "/csi", NULL, NULL, "no dma-ranges"},
	{"/ compatible=\"allwinner,sun50i-a64\"\n/usb compatible=\"allwinner,sun50i-a64-usb\"\n",
	 OWN, "/usb", NULL, NULL, "no dma-ranges"},
	{"/ compatible=\"allwinner,sun50i-h6\"\n/csi compatible=\"allwinner,sun50i-a64-csi\"\n",
	 OWN, "/csi", NULL, NULL, "no dma-ranges"},
	{"/ compatible=\"allwinner,sun50i-a64\"\n/soc dma-ranges=<0 0x40000000 0x1000>\n/soc/csi "
	 "compatible=\"allwinner,sun50i-a64-csi\"\n",
	 OWN, "/soc/csi", NULL, "0x40000000@0x0+0x1000", "/soc: dma-ranges"},
	{"/ compatible=\"allwinner,sun50i-a64\"\n/a\n", LENT, "/a", NULL, NULL, "no dma-ranges"},
};

static void format_map(const struct devicetree_dma *dma, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < dma->ranges_len; i++)
		len += (size_t)snprintf(text + len, size - len, "%s0x%llx@0x%llx+0x%llx",
					i ? " " : "", (unsigned long long)dma->ranges[i].cpu,
					(unsigned long long)dma->ranges[i].dma,
					(unsigned long long)dma->ranges[i].bytes);
}

START_TEST(reach_is_what_dma_ranges_let_through)
{
	struct both both = both_create(reaches[_i].tree);
	struct devicetree_place place =
		place_of(reaches[_i].bus, reaches[_i].node, reaches[_i].own, 0);
	char map[2048];

	for (int i = 0; i < 2; i++) {
		struct devicetree_dma dma;

		ck_assert_int_eq(devicetree_measure(&both.sources[i], NULL, &place,
						    COHERENCY_NON_COHERENT, &dma),
				 0);
		ck_assert_str_eq(dma.reach_how, reaches[_i].how);
		ck_assert_int_eq(dma.ranged, reaches[_i].map != NULL);
		format_map(&dma, map, sizeof(map));
		ck_assert_str_eq(map, reaches[_i].map ? reaches[_i].map : "");
	}
	both_destroy(&both);
}
END_TEST

#define BITS(n) (UINT64_MAX >> (64 - (n)))
#define NOT -ERANGE

static const struct {
	bool ranged;
	struct devicetree_range ranges[3];
	uint64_t mask, first;
	int bits;
	uint64_t last;
} masks[] = {
	{false, {{0}}, BITS(32), 0, 32, BITS(32)},
	{false, {{0}}, BITS(64), 0, 64, BITS(64)},
	{false, {{0}}, BITS(31), 0x40000000, 31, BITS(31)},
	{false, {{0}}, BITS(32), 0x100000000, NOT, 0},
	{true, {{0}}, BITS(64), 0, NOT, 0},
	/* the mask holds on the device's side: all of the Raspberry Pi's first GiB */
	{true, {{0, 0xc0000000, 0x40000000}}, BITS(32), 0, 30, 0x3fffffff},
	{true, {{0, 0xc0000000, 0x40000000}}, BITS(31), 0, NOT, 0},
	{true, {{0x100000000, 0, 0x100000000}}, BITS(30), 0x100000000, 32, 0x13fffffff},
	{true, {{0x40000000, 0, 0x100000000}}, BITS(32), 0x40000000, 32, 0x13fffffff},
	{true, {{0x40000000, 0x40000000, 0x40000000}}, BITS(32), 0x48000000, 31, 0x7fffffff},
	{true, {{0x40000000, 0x40000000, 0x40000000}}, BITS(32), 0, NOT, 0},
	{true, {{0x40000000, 0x40000000, 0x40000000}}, BITS(32), 0x80000000, NOT, 0},
	{true, {{0, 0, UINT64_MAX}}, BITS(64), 0, 63, UINT64_MAX - 1},
	{true, {{0, 0, UINT64_MAX}, {UINT64_MAX, 0, 1}}, BITS(64), 0, 64, UINT64_MAX},
	/* one after the other, in whatever order, but not over a gap */
	{true, {{0x1000, 0x9000, 0x1000}, {0, 0x5000, 0x1000}}, BITS(32), 0, 13, 0x1fff},
	{true, {{0, 0, 0x1000}, {0x1001, 0x1001, 0x1000}}, BITS(32), 0, 12, 0xfff},
	{true, {{0, 0, 0x1000}, {0x1000, 0x80000000, 0x1000}}, BITS(31), 0, 12, 0xfff},
	/* where two cover an address the first one counts */
	{true, {{0x1000, BITS(32), 0x1000}, {0, 0, 0x10000}}, BITS(31), 0, 12, 0xfff},
	{true, {{0x1000, 0x8000, 0x1000}, {0, 0, 0x10000}}, BITS(31), 0, 16, 0xffff},
	{true, {{0, 0, 0x10000}, {0x1000, BITS(32), 0x1000}}, BITS(31), 0, 16, 0xffff},
};

START_TEST(mask_holds_for_dma_addresses)
{
	struct devicetree_dma dma = {.ranged = masks[_i].ranged};
	uint64_t last = 0;
	int error;

	memcpy(dma.ranges, masks[_i].ranges, sizeof(masks[_i].ranges));
	for (size_t i = 0; i < 3 && masks[_i].ranges[i].bytes; i++)
		dma.ranges_len++;
	error = devicetree_reach(&dma, masks[_i].mask, masks[_i].first, &last);
	ck_assert_int_eq(error, masks[_i].bits < 0 ? masks[_i].bits : 0);
	ck_assert_uint_eq(last, masks[_i].last);
	ck_assert_int_eq(devicetree_address_bits(&dma, masks[_i].mask, masks[_i].first),
			 masks[_i].bits);
}
END_TEST

/* --- IOMMU --- */

#define SMMU(more) "/smmu phandle=<1> #iommu-cells=<1> " more "\n"

static const struct {
	const char *tree;
	enum devicetree_bus bus;
	unsigned int requester;
	bool iommu;
	const char *how;
} iommus[] = {
	{"/\n/vpu\n" SMMU(""), OWN, 0, false, "no iommus in /vpu"},
	{"/\n/vpu iommus=<1 7>\n" SMMU(""), OWN, 0, true, "/vpu: iommus: /smmu"},
	{"/\n/vpu iommus=<1 7>\n" SMMU("status=\"okay\""), OWN, 0, true, "/vpu: iommus: /smmu"},
	{"/\n/vpu iommus=<1 7>\n" SMMU("status=\"ok\""), OWN, 0, true, "/vpu: iommus: /smmu"},
	{"/\n/vpu iommus=<1 7>\n" SMMU("status=\"disabled\""), OWN, 0, false,
	 "/vpu: iommus: /smmu is disabled"},
	{"/\n/vpu iommus=<1 7>\n" SMMU("status=\"reserved\""), OWN, 0, false,
	 "/vpu: iommus: /smmu is disabled"},
	{"/\n/vpu iommus=<1 7>\n" SMMU("status"), OWN, 0, false, "/vpu: iommus: /smmu is disabled"},
	{"/\n/vpu iommus=<1 7>\n" SMMU("status=[6f 6b]"), OWN, 0, false,
	 "/vpu: iommus: /smmu is disabled"},
	/* all of several, and one that is off spoils it */
	{"/\n/vpu iommus=<1 7 2>\n/mmu phandle=<2> #iommu-cells=<0>\n" SMMU(""), OWN, 0, true,
	 "/vpu: iommus: /smmu"},
	{"/\n/vpu iommus=<2 1 7>\n/mmu phandle=<2> #iommu-cells=<0> status=\"disabled\"\n" SMMU(""),
	 OWN, 0, false, "/vpu: iommus: /mmu is disabled"},
	{"/\n/vpu iommus=<1 7 2>\n/mmu phandle=<2> #iommu-cells=<0> status=\"disabled\"\n" SMMU(""),
	 OWN, 0, false, "/vpu: iommus: /mmu is disabled"},
	/* what cannot be read ends the list */
	{"/\n/vpu iommus=<1 7 9 9>\n" SMMU(""), OWN, 0, true, "/vpu: iommus: /smmu"},
	{"/\n/vpu iommus=<1>\n" SMMU(""), OWN, 0, false, "no iommus in /vpu"},
	{"/\n/vpu iommus=<0>\n" SMMU(""), OWN, 0, false, "no iommus in /vpu"},
	{"/\n/vpu iommus\n" SMMU(""), OWN, 0, false, "no iommus in /vpu"},
	{"/\n/vpu iommus=<1 7>\n/smmu phandle=<1>\n", OWN, 0, false, "no iommus in /vpu"},
	/* nobody looks further up; a platform device has no iommu-map */
	{"/ iommus=<1 7>\n/vpu\n" SMMU(""), OWN, 0, false, "no iommus in /vpu"},
	{"/\n/vpu iommu-map=<0 1 0 0x10000>\n" SMMU(""), OWN, 0, false, "no iommus in /vpu"},
	/* another's node */
	{"/\n/vpu iommus=<1 7>\n" SMMU(""), LENT, 0, true, "/vpu: iommus: /smmu"},
	/* PCI: by requester id */
	{"/\n/vpu iommus=<1 7>\n" SMMU(""), PCI, 0, false, "no iommu-map for 0000 in /vpu"},
	{"/\n/vpu iommu-map=<0 1 0 0x10000>\n" SMMU(""), PCI, 0xffff, true,
	 "/vpu: iommu-map: /smmu"},
	{"/\n/vpu iommu-map=<0 1 0 0x100>\n" SMMU(""), PCI, 0x100, false,
	 "no iommu-map for 0100 in /vpu"},
	{"/\n/vpu iommu-map=<0 1 0 0x10000>\n" SMMU("status=\"disabled\""), PCI, 8, false,
	 "/vpu: iommu-map: /smmu is disabled"},
	{"/\n/vpu iommu-map=<0 9 0 1 0x100 1 0 1>\n" SMMU(""), PCI, 0x100, true,
	 "/vpu: iommu-map: /smmu"},
	{"/\n/vpu iommu-map=<0 9 0 1 0x100 1 0 1>\n" SMMU(""), PCI, 0, false,
	 "no iommu-map for 0000 in /vpu"},
	{"/\n/vpu iommu-map=<0 1 0 0x10000> iommu-map-mask=<0>\n" SMMU(""), PCI, 0x1234, true,
	 "/vpu: iommu-map: /smmu"},
	{"/\n/vpu iommu-map=<0 1 0 1> iommu-map-mask=<0xff00>\n" SMMU(""), PCI, 0x00ff, true,
	 "/vpu: iommu-map: /smmu"},
	{"/\n/vpu iommu-map=<1 1 0 1> iommu-map-mask=<0xff00>\n" SMMU(""), PCI, 1, false,
	 "no iommu-map for 0001 in /vpu"},
	{"/\n/vpu iommu-map=<0 1 0>\n" SMMU(""), PCI, 0, false, "no iommu-map for 0000 in /vpu"},
	{"/\n/vpu iommu-map=<0 1 0 0x10000 0>\n" SMMU(""), PCI, 0, false,
	 "no iommu-map for 0000 in /vpu"},
	{"/\n/vpu iommu-map=<1 1 0 1 0 1 0 1> iommu-map-mask=<0xff00>\n" SMMU(""), PCI, 1, false,
	 "no iommu-map for 0001 in /vpu"},
	{"/\n/vpu iommu-map\n" SMMU(""), PCI, 0, false, "no iommu-map for 0000 in /vpu"},
};

START_TEST(iommu_is_what_the_tree_puts_before_it)
{
	struct both both = both_create(iommus[_i].tree);
	struct devicetree_place place = place_of(iommus[_i].bus, "/vpu", "", iommus[_i].requester);

	for (int i = 0; i < 2; i++) {
		struct devicetree_dma dma;

		ck_assert_int_eq(devicetree_measure(&both.sources[i], NULL, &place,
						    COHERENCY_NON_COHERENT, &dma),
				 0);
		ck_assert_str_eq(dma.iommu_how, iommus[_i].how);
		ck_assert_int_eq(dma.iommu, iommus[_i].iommu);
	}
	both_destroy(&both);
}
END_TEST

/* --- memory --- */

#define POOLS(more) ROOT22 "/reserved-memory " CELLS(2, 2) " ranges\n/reserved-memory/" more "\n"
#define SHARED "compatible=\"shared-dma-pool\""
#define AT_1G "reg=<0 0x40000000 0 0x1000000>"
#define VPU "/vpu memory-region=<1>\n"
#define NO_POOL "no memory-region that is a pool"
#define THE_POOL(kind) "/vpu: memory-region: /reserved-memory/pool, " kind

static const struct {
	const char *tree;
	enum devicetree_bus bus;
	const char *own;
	struct devicetree_area area;
	const char *how;
} memories[] = {
	{ROOT22 "/vpu\n", OWN, NULL, {0}, NO_POOL},
	{POOLS("pool phandle=<1> reusable " SHARED " " AT_1G) VPU,
	 OWN,
	 NULL,
	 {DEVICETREE_MEMORY_CMA, true, 0x40000000, 0x40ffffff, 0x1000000},
	 THE_POOL("reusable shared-dma-pool")},
	{POOLS("pool phandle=<1> no-map " SHARED " " AT_1G) VPU,
	 OWN,
	 NULL,
	 {DEVICETREE_MEMORY_POOL, true, 0x40000000, 0x40ffffff, 0x1000000},
	 THE_POOL("shared-dma-pool")},
	{POOLS("pool phandle=<1> " SHARED " " AT_1G) VPU,
	 OWN,
	 NULL,
	 {DEVICETREE_MEMORY_POOL, true, 0x40000000, 0x40ffffff, 0x1000000},
	 THE_POOL("shared-dma-pool")},
	{POOLS("pool phandle=<1> reusable compatible=\"x\"\"Shared-DMA-pool\" " AT_1G) VPU,
	 OWN,
	 NULL,
	 {DEVICETREE_MEMORY_CMA, true, 0x40000000, 0x40ffffff, 0x1000000},
	 THE_POOL("reusable shared-dma-pool")},
	{POOLS("pool phandle=<1> compatible=\"restricted-dma-pool\" " AT_1G) VPU,
	 OWN,
	 NULL,
	 {DEVICETREE_MEMORY_BOUNCE, true, 0x40000000, 0x40ffffff, 0x1000000},
	 THE_POOL("restricted-dma-pool")},
	/* what is no pool */
	{POOLS("pool phandle=<1> reusable no-map " SHARED " " AT_1G) VPU, OWN, NULL, {0}, NO_POOL},
	{POOLS("pool phandle=<1> no-map " AT_1G) VPU, OWN, NULL, {0}, NO_POOL},
	{POOLS("pool phandle=<1> status=\"disabled\" " SHARED " " AT_1G) VPU,
	 OWN,
	 NULL,
	 {0},
	 NO_POOL},
	{POOLS("pool phandle=<1> compatible=\"restricted-dma-pool\" no-map " AT_1G) VPU,
	 OWN,
	 NULL,
	 {0},
	 NO_POOL},
	{POOLS("pool phandle=<1> compatible=\"restricted-dma-pool\" reusable " AT_1G) VPU,
	 OWN,
	 NULL,
	 {0},
	 NO_POOL},
	{POOLS("pool phandle=<1> " SHARED " reg=<0 0 0 0>") VPU, OWN, NULL, {0}, NO_POOL},
	{POOLS("pool phandle=<1> " SHARED " reg") VPU, OWN, NULL, {0}, NO_POOL},
	{POOLS("pool phandle=<1> " SHARED " reg=<0 0x40000000 0x1000000>") VPU,
	 OWN,
	 NULL,
	 {0},
	 NO_POOL},
	{POOLS("pool phandle=<1> " SHARED " reg=<0xffffffff 0 2 0>") VPU, OWN, NULL, {0}, NO_POOL},
	{POOLS("pool phandle=<1> " SHARED) VPU, OWN, NULL, {0}, NO_POOL},
	{POOLS("pool phandle=<1> " SHARED " size=<0x100>") VPU, OWN, NULL, {0}, NO_POOL},
	{POOLS("pool phandle=<1> " SHARED " size=<0 0>") VPU, OWN, NULL, {0}, NO_POOL},
	{ROOT22 "/memory phandle=<1> " SHARED " " AT_1G "\n" VPU, OWN, NULL, {0}, NO_POOL},
	/* the folder's cells must be the root's, and it must have ranges */
	{ROOT22 "/reserved-memory " CELLS(2, 2) "\n/reserved-memory/pool phandle=<1> " SHARED
						" " AT_1G "\n" VPU,
	 OWN,
	 NULL,
	 {0},
	 NO_POOL},
	{ROOT22 "/reserved-memory " CELLS(1, 2) " ranges\n/reserved-memory/pool phandle=<1> " SHARED
						" reg=<0 0x40000000 0 4>\n" VPU,
	 OWN,
	 NULL,
	 {0},
	 NO_POOL},
	{ROOT22 "/reserved-memory ranges\n/reserved-memory/pool phandle=<1> " SHARED " " AT_1G
		"\n" VPU,
	 OWN,
	 NULL,
	 {0},
	 NO_POOL},
	{"/\n/reserved-memory " CELLS(1, 1) " ranges\n/reserved-memory/pool phandle=<1> " SHARED
					    " reg=<0x40000000 0x1000>\n" VPU,
	 OWN,
	 NULL,
	 {DEVICETREE_MEMORY_POOL, true, 0x40000000, 0x40000fff, 0x1000},
	 THE_POOL("shared-dma-pool")},
	/* only the first of several places; or wherever the kernel finds room */
	{POOLS("pool phandle=<1> " SHARED " reg=<0 0x40000000 0 0x1000 0 0x80000000 0 0x1000>") VPU,
	 OWN,
	 NULL,
	 {DEVICETREE_MEMORY_POOL, true, 0x40000000, 0x40000fff, 0x1000},
	 THE_POOL("shared-dma-pool")},
	{POOLS("pool phandle=<1> reusable " SHARED " size=<0 0x2000>") VPU,
	 OWN,
	 NULL,
	 {DEVICETREE_MEMORY_CMA, false, 0, UINT64_MAX, 0x2000},
	 THE_POOL("reusable shared-dma-pool")},
	{POOLS("pool phandle=<1> reusable " SHARED " size=<0 0x2000> alloc-ranges=<0 0x80000000 0 "
	       "0x10000000 0 0x40000000 0 0x10000000>") VPU,
	 OWN,
	 NULL,
	 {DEVICETREE_MEMORY_CMA, false, 0x40000000, 0x8fffffff, 0x2000},
	 THE_POOL("reusable shared-dma-pool")},
	/* the list */
	{POOLS("pool phandle=<1> no-map " SHARED
	       " " AT_1G) "/reserved-memory/fw phandle=<2> no-map " AT_1G
			  "\n/vpu memory-region=<2 9 0 1>\n",
	 OWN,
	 NULL,
	 {DEVICETREE_MEMORY_POOL, true, 0x40000000, 0x40ffffff, 0x1000000},
	 THE_POOL("shared-dma-pool")},
	{POOLS("pool phandle=<1> compatible=\"restricted-dma-pool\" " AT_1G) "/reserved-memory/"
									     "other phandle=<2> "
									     "reusable " SHARED
									     " " AT_1G "\n/vpu "
									     "memory-region=<2 "
									     "1>\n",
	 OWN,
	 NULL,
	 {DEVICETREE_MEMORY_BOUNCE, true, 0x40000000, 0x40ffffff, 0x1000000},
	 THE_POOL("restricted-dma-pool")},
	{POOLS("pool phandle=<1> " SHARED " " AT_1G) "/vpu memory-region=[00 00 00 01 00]\n",
	 OWN,
	 NULL,
	 {0},
	 NO_POOL},
	{POOLS("pool phandle=<1> compatible=\"restricted-dma-pool\" " AT_1G) "/reserved-memory/x "
									     "phandle=<2> "
									     "compatible="
									     "\"restricted-dma-"
									     "pool\" reg=<0 0 0 "
									     "4>\n/vpu "
									     "memory-region=<1 "
									     "2>\n",
	 OWN,
	 NULL,
	 {DEVICETREE_MEMORY_BOUNCE, true, 0x40000000, 0x40ffffff, 0x1000000},
	 THE_POOL("restricted-dma-pool")},
	/* an IOMMU lifts bouncing only where it has a driver, of which the tree says nothing */
	{POOLS("pool phandle=<1> compatible=\"restricted-dma-pool\" " AT_1G) "/smmu phandle=<2> "
									     "#iommu-cells=<0>\n/"
									     "vpu "
									     "memory-region=<1> "
									     "iommus=<2>\n",
	 OWN,
	 NULL,
	 {DEVICETREE_MEMORY_BOUNCE, true, 0x40000000, 0x40ffffff, 0x1000000},
	 THE_POOL("restricted-dma-pool")},
	/* the device's own node first, then the one its DMA is configured from */
	{POOLS("pool phandle=<1> compatible=\"restricted-dma-pool\" " AT_1G) VPU "/vpu/wifi\n",
	 PCI,
	 "/vpu/wifi",
	 {DEVICETREE_MEMORY_BOUNCE, true, 0x40000000, 0x40ffffff, 0x1000000},
	 THE_POOL("restricted-dma-pool")},
	{POOLS("pool phandle=<1> compatible=\"restricted-dma-pool\" " AT_1G) "/vpu\n/vpu/wifi "
									     "memory-region=<1>\n",
	 PCI,
	 "/vpu/wifi",
	 {DEVICETREE_MEMORY_BOUNCE, true, 0x40000000, 0x40ffffff, 0x1000000},
	 "/vpu/wifi: memory-region: /reserved-memory/pool, restricted-dma-pool"},
};

START_TEST(memory_is_the_pool_the_kernel_sets_up)
{
	struct both both = both_create(memories[_i].tree);
	struct devicetree_place place = place_of(memories[_i].bus, "/vpu", memories[_i].own, 0);
	const struct devicetree_area *area = &memories[_i].area;

	for (int i = 0; i < 2; i++) {
		struct devicetree_dma dma;

		ck_assert_int_eq(devicetree_measure(&both.sources[i], NULL, &place,
						    COHERENCY_NON_COHERENT, &dma),
				 0);
		ck_assert_str_eq(dma.memory_how, memories[_i].how);
		ck_assert_int_eq(dma.memory.kind, area->kind);
		ck_assert_int_eq(dma.memory.placed, area->placed);
		ck_assert_uint_eq(dma.memory.first, area->first);
		ck_assert_uint_eq(dma.memory.last, area->last);
		ck_assert_uint_eq(dma.memory.bytes, area->bytes);
	}
	both_destroy(&both);
}
END_TEST

/* --- the machine --- */

#define CPU(n) "/cpus/cpu@" #n " device_type=\"cpu\"\n"
#define FABRIC(kind) "/fabric compatible=\"" kind "\"\n"
#define NO_FABRIC "no coherency fabric"
#define NO_CMA "no linux,cma-default in /reserved-memory"
#define THE_CMA(more) POOLS("cma " SHARED " reusable linux,cma-default " more)

static const struct {
	const char *tree;
	enum coherency fabric;
	const char *fabric_how;
	struct devicetree_area cma;
	const char *cma_how;
	uint64_t dma_last;
} machines[] = {
	{"/\n", COHERENCY_NON_COHERENT, NO_FABRIC, {0}, NO_CMA, UINT64_MAX},
	{"/\n/cpus\n" CPU(0) CPU(1) FABRIC("marvell,armada-380-coherency-fabric"),
	 COHERENCY_BARRIER,
	 "/fabric: compatible, with 2 CPUs",
	 {0},
	 NO_CMA,
	 UINT64_MAX},
	{"/\n/cpus\n/cpus/cpu@0\n/cpus/cpu@1\n" FABRIC("marvell,armada-375-coherency-fabric"),
	 COHERENCY_BARRIER,
	 "/fabric: compatible, with 2 CPUs",
	 {0},
	 NO_CMA,
	 UINT64_MAX},
	{"/\n/cpus\n" CPU(0) CPU(1) FABRIC("marvell,coherency-fabric\"\"x"),
	 COHERENCY_BARRIER,
	 "/fabric: compatible, with 2 CPUs",
	 {0},
	 NO_CMA,
	 UINT64_MAX},
	/* nobody asks for its status */
	{"/\n/cpus\n" CPU(0) CPU(1) "/fabric compatible=\"marvell,coherency-fabric\" "
				    "status=\"disabled\"\n",
	 COHERENCY_BARRIER,
	 "/fabric: compatible, with 2 CPUs",
	 {0},
	 NO_CMA,
	 UINT64_MAX},
	{"/\n/cpus\n" CPU(0) "/cpus/l2 device_type=\"cache\"\n" FABRIC("marvell,coherency-fabric"),
	 COHERENCY_UNKNOWN,
	 "/fabric: compatible, with 1 CPU",
	 {0},
	 NO_CMA,
	 UINT64_MAX},
	{"/ compatible=\"marvell,armada370\"\"marvell,armada-370-xp\"\n/cpus\n" CPU(0)
		 FABRIC("marvell,coherency-fabric"),
	 COHERENCY_NON_COHERENT,
	 "/fabric: compatible, with 1 CPU",
	 {0},
	 NO_CMA,
	 UINT64_MAX},
	{"/\n/cpus\n" CPU(0) CPU(1) FABRIC("marvell,armada-7k-fabric"),
	 COHERENCY_NON_COHERENT,
	 NO_FABRIC,
	 {0},
	 NO_CMA,
	 UINT64_MAX},
	/* CMA */
	{THE_CMA(AT_1G),
	 COHERENCY_NON_COHERENT,
	 NO_FABRIC,
	 {DEVICETREE_MEMORY_CMA, true, 0x40000000, 0x40ffffff, 0x1000000},
	 "/reserved-memory/cma: linux,cma-default",
	 UINT64_MAX},
	{THE_CMA("size=<0 0x4000000> alloc-ranges=<0 0 0 0x30000000>"),
	 COHERENCY_NON_COHERENT,
	 NO_FABRIC,
	 {DEVICETREE_MEMORY_CMA, false, 0, 0x2fffffff, 0x4000000},
	 "/reserved-memory/cma: linux,cma-default",
	 UINT64_MAX},
	{THE_CMA(AT_1G " status=\"disabled\""),
	 COHERENCY_NON_COHERENT,
	 NO_FABRIC,
	 {0},
	 NO_CMA,
	 UINT64_MAX},
	{THE_CMA(AT_1G " no-map"), COHERENCY_NON_COHERENT, NO_FABRIC, {0}, NO_CMA, UINT64_MAX},
	{POOLS("cma " SHARED " reusable " AT_1G),
	 COHERENCY_NON_COHERENT,
	 NO_FABRIC,
	 {0},
	 NO_CMA,
	 UINT64_MAX},
	{THE_CMA(AT_1G) "/reserved-memory/cma2 " SHARED
			" reusable linux,cma-default reg=<1 0 0 1>\n",
	 COHERENCY_NON_COHERENT,
	 NO_FABRIC,
	 {DEVICETREE_MEMORY_NONE, true, 0x100000000, 0x100000000, 1},
	 "/reserved-memory/cma2: linux,cma-default, not alone",
	 UINT64_MAX},
	/* what every bus reaches */
	{PI4 "/scb " CELLS(2, 2) " dma-ranges=<0 0 0 0 0 0xfc000000 4 0 4 0 4 0>\n",
	 COHERENCY_NON_COHERENT,
	 NO_FABRIC,
	 {0},
	 NO_CMA,
	 0x3fffffff},
	{PI4 "/scb " CELLS(2, 2) " dma-ranges=<0 0 0 0 0 0x10000000>\n",
	 COHERENCY_NON_COHERENT,
	 NO_FABRIC,
	 {0},
	 NO_CMA,
	 0x0fffffff},
	{PI4
	 "/off status=\"disabled\"\n/off/scb " CELLS(2, 2) " dma-ranges=<0 0 0 0 0 0x10000000>\n",
	 COHERENCY_NON_COHERENT,
	 NO_FABRIC,
	 {0},
	 NO_CMA,
	 0x3fffffff},
	{ROOT22 "/soc dma-ranges\n", COHERENCY_NON_COHERENT, NO_FABRIC, {0}, NO_CMA, UINT64_MAX},
	/* one that leads nowhere reaches nothing here, size - 2 as the kernel reckons */
	{"/ " CELLS(2, 2) " dma-ranges=<" ONE_GIB ">\n",
	 COHERENCY_NON_COHERENT,
	 NO_FABRIC,
	 {0},
	 NO_CMA,
	 0x3ffffffe},
	{ROOT22 "/soc " CELLS(1, 1) " dma-ranges=<0>\n",
	 COHERENCY_NON_COHERENT,
	 NO_FABRIC,
	 {0},
	 NO_CMA,
	 0},
};

START_TEST(survey_tells_of_the_whole_machine)
{
	struct both both = both_create(machines[_i].tree);
	const struct devicetree_area *cma = &machines[_i].cma;

	for (int i = 0; i < 2; i++) {
		struct devicetree_machine machine;

		ck_assert_int_eq(devicetree_survey(&both.sources[i], &machine), 0);
		ck_assert_str_eq(machine.fabric_how, machines[_i].fabric_how);
		ck_assert_int_eq(machine.fabric, machines[_i].fabric);
		ck_assert_str_eq(machine.cma_how, machines[_i].cma_how);
		ck_assert_int_eq(machine.cma.kind, cma->kind);
		ck_assert_int_eq(machine.cma.placed, cma->placed);
		ck_assert_uint_eq(machine.cma.first, cma->first);
		ck_assert_uint_eq(machine.cma.last, cma->last);
		ck_assert_uint_eq(machine.cma.bytes, cma->bytes);
		ck_assert_uint_eq(machine.dma_last, machines[_i].dma_last);
	}
	both_destroy(&both);
}
END_TEST

START_TEST(fabric_overrules_the_nodes)
{
	struct tree *tree = tree_create("/\n/cpus\n" CPU(0) CPU(
		1) "/f compatible=\"marvell,coherency-fabric\"\n/vpu dma-noncoherent\n");
	static const enum coherency expected[] = {
		[OWN] = COHERENCY_BARRIER, [LENT] = COHERENCY_UNKNOWN, [PCI] = COHERENCY_BARRIER};
	struct devicetree_source source = tree_source(tree);
	struct devicetree_machine machine;

	ck_assert_int_eq(devicetree_survey(&source, &machine), 0);
	for (int bus = OWN; bus <= (int)PCI; bus++) {
		struct devicetree_place place = place_of((enum devicetree_bus)bus, "/vpu", "", 0);
		struct devicetree_dma dma;

		ck_assert_int_eq(
			devicetree_measure(&source, &machine, &place, COHERENCY_NON_COHERENT, &dma),
			0);
		ck_assert_int_eq(dma.coherency, expected[bus]);
		ck_assert_str_eq(dma.coherency_how, "/f: compatible, with 2 CPUs");
	}
	free(tree);
}
END_TEST

/* --- finding --- */

#define VOPS                                                                           \
	"/ compatible=\"r,board\"\n/a compatible=\"r,rk3399-vop-big\"\"x\"\n"          \
	"/b compatible=\"x\"\"r,rk3399-vop-lit\" status=\"okay\"\n"                    \
	"/c compatible=\"r,rk3399-vop-lit\" status=\"disabled\"\n/d status=\"fail\"\n" \
	"/d/e compatible=\"r,rk3399-vop-lit\"\n/f compatible=\"r,rk3399-vopl\"\n/g\n"

static const struct {
	const char *pattern, *found;
} patterns[] = {
	{"r,rk3399-vop-big", "/a "},
	{"r,rk*-vop-*", "/a /b "},
	{"x", "/a /b "},
	{"r,*", "/ /a /b /f "},
	{"vop", ""},
	{"*vop*", "/a /b /f "},
	{"", ""},
};

START_TEST(nodes_are_found_by_pattern_unless_disabled)
{
	struct both both = both_create(VOPS);

	for (int i = 0; i < 2; i++) {
		char node[DEVICETREE_PATH_BYTES], found[256] = "";
		size_t cursor = 0;
		int error;

		while (!(error = devicetree_find(&both.sources[i], patterns[_i].pattern, &cursor,
						 node)))
			strcat(strcat(found, node), " ");
		ck_assert_int_eq(error, -ENOENT);
		ck_assert_str_eq(found, patterns[_i].found);
	}
	both_destroy(&both);
}
END_TEST

/* --- what cannot be --- */

static const struct {
	const char *tree, *node;
	int error;
} hostile[] = {
	{"/\n", "/vpu", -ENXIO},
	{"/\n/vpu\n", "/vpu/x", -ENXIO},
	{"/\n/vpu\n", "", -ENXIO},
	{"/\n/vpu\n", "vpu", -ENXIO},
	/* DMA that goes round */
	{"/\n/a phandle=<1> #interconnect-cells=<0> interconnects=<1> "
	 "interconnect-names=\"dma-mem\"\n",
	 "/a", -ELOOP},
	{"/\n/a phandle=<1> #interconnect-cells=<0> interconnects=<2> "
	 "interconnect-names=\"dma-mem\"\n/b phandle=<2> #interconnect-cells=<0> "
	 "interconnects=<1> interconnect-names=\"dma-mem\"\n/a/vpu\n",
	 "/a/vpu", -ELOOP},
	{"/\n/a phandle=<1> #interconnect-cells=<0> interconnects=<2> "
	 "interconnect-names=\"dma-mem\"\n/a/vpu phandle=<2> #interconnect-cells=<0>\n",
	 "/a/vpu", -ELOOP},
	/* found before it goes round: coherency is, translating its ranges is not */
	{"/\n/a phandle=<1> dma-coherent dma-ranges=<0 0 1> #interconnect-cells=<0> "
	 "interconnects=<1> interconnect-names=\"dma-mem\"\n/a/vpu\n",
	 "/a/vpu", -ELOOP},
	/* cells that are none */
	{"/\n/soc " CELLS(0xffffffff, 1) " dma-ranges=<0 0 0>\n/soc/vpu\n", "/soc/vpu", -EINVAL},
	{"/\n/soc " CELLS(1, 0x7fffffff) " dma-ranges=<0 0 0>\n/soc/vpu\n", "/soc/vpu", -EINVAL},
	{"/ " CELLS(0x80000000, 1) "\n/soc " CELLS(1, 1) " dma-ranges=<0 0 0>\n/soc/vpu\n",
	 "/soc/vpu", -EINVAL},
	{"/ " CELLS(0, 0) "\n/soc dma-ranges=<0 0 0>\n/soc/vpu\n", "/soc/vpu", -EINVAL},
	{"/\n/pcie " CELLS(0, 1) " dma-ranges=<0 0 0>\n/pcie/vpu\n", "/pcie/vpu", -EINVAL},
};

START_TEST(hostile_tree_is_an_error)
{
	struct both both = both_create(hostile[_i].tree);
	struct devicetree_place place = place_of(OWN, hostile[_i].node, "", 0);

	for (int i = 0; i < 2; i++) {
		struct devicetree_dma dma = {.ranges_len = 77};

		ck_assert_int_eq(devicetree_measure(&both.sources[i], NULL, &place,
						    COHERENCY_NON_COHERENT, &dma),
				 hostile[_i].error);
		ck_assert_uint_eq(dma.ranges_len, 77);
	}
	both_destroy(&both);
}
END_TEST

/* Endless values, each property in turn. */
static int long_property(void *data, const char *node, const char *name, void *value, size_t size,
			 size_t *ret_bytes)
{
	(void)node;
	if (strcmp(name, data) != 0)
		return -ENOENT;
	*ret_bytes = (size_t)1 << 40;
	if (size)
		memset(value, 'x', size);
	return 0;
}

static int no_phandle(void *data, uint32_t phandle, char ret_node[DEVICETREE_PATH_BYTES])
{
	(void)data;
	(void)phandle;
	(void)ret_node;
	return -ENOENT;
}

static int one_node(void *data, size_t index, char ret_node[DEVICETREE_PATH_BYTES])
{
	(void)data;
	strcpy(ret_node, "/reserved-memory/x");
	return index ? -ENOENT : 0;
}

static const char *const long_names[] = {
	"interconnect-names", "dma-ranges", "iommus", "memory-region", "compatible", "iommu-map",
};

START_TEST(endless_property_is_an_error)
{
	struct devicetree_source source = {(void *)(uintptr_t)long_names[_i], long_property,
					   no_phandle, one_node};
	bool is_pci = strcmp(long_names[_i], "iommu-map") == 0;
	struct devicetree_place place = place_of(is_pci ? PCI : OWN, "/soc/bus/vpu", "", 0);
	struct devicetree_dma dma;

	ck_assert_int_eq(devicetree_measure(&source, NULL, &place, COHERENCY_NON_COHERENT, &dma),
			 -E2BIG);
}
END_TEST

START_TEST(more_iommus_than_there_can_be_are_an_error)
{
	char text[1024] = "/\n/mmu phandle=<1> #iommu-cells=<0>\n/vpu iommus=<";
	struct devicetree_place place = place_of(OWN, "/vpu", "", 0);
	struct devicetree_source source;
	struct devicetree_dma dma;
	struct tree *tree;

	for (int i = 0; i < 65; i++)
		strcat(text, i ? " 1" : "1");
	tree = tree_create(strcat(text, ">\n"));
	source = tree_source(tree);
	ck_assert_int_eq(devicetree_measure(&source, NULL, &place, COHERENCY_NON_COHERENT, &dma),
			 -E2BIG);
	free(tree);
}
END_TEST

/* Nearly everything at once. */
#define RICH                                                                                       \
	"/ " CELLS(2, 2) " compatible=\"marvell,armada370\"\n/cpus\n" CPU(0) CPU(                  \
		1) "/smmu phandle=<1> #iommu-cells=<1> status=\"okay\"\n"                          \
		   "/noc phandle=<2> #interconnect-cells=<1> " CELLS(                              \
			   1,                                                                      \
			   1) " dma-ranges=<0 0 0x40000000 "                                       \
			      "0x80000000>\n/reserved-memory " CELLS(                              \
				      2,                                                           \
				      2) " ranges\n"                                               \
					 "/reserved-memory/cma phandle=<3> " SHARED                \
					 " reusable linux,cma-default size=<0 0x1000000> "         \
					 "alloc-ranges=<0 0x40000000 0 0x40000000>\n"              \
					 "/reserved-memory/bounce phandle=<4> "                    \
					 "compatible=\"restricted-dma-pool\" " AT_1G "\n"          \
					 "/soc " CELLS(                                            \
						 2,                                                \
						 2) " dma-ranges=<0 0 0 0 1 0> dma-coherent\n"     \
						    "/soc/fabric "                                 \
						    "compatible=\"marvell,coherency-fabric\"\n"    \
						    "/soc/vpu compatible=\"x,vpu\" iommus=<1 7 1 " \
						    "8> memory-region=<4 3> interconnects=<2 5> "  \
						    "interconnect-names=\"dma-mem\"\n"             \
						    "/soc/pcie device_type=\"pci\" " CELLS(        \
							    3,                                     \
							    2) " dma-ranges=<0x43000000 0 0 0 0 "  \
							       "0 0x80000000 "                     \
							       "0x02000000 1 0 0 0x80000000 0 "    \
							       "0x80000000> iommu-map=<0 1 0 "     \
							       "0x10000> "                         \
							       "iommu-map-mask=<0xfff8>\n"         \
							       "/soc/pcie/vga memory-region=<4>\n"

/* All that can be asked of a tree; the first error of it. */
static int ask_everything(const struct devicetree_source *source, struct devicetree_dma *dma)
{
	static const char *const nodes[] = {"/", "/soc/vpu", "/soc/pcie", "/soc/pcie/vga", "/noc"};
	char node[DEVICETREE_PATH_BYTES];
	struct devicetree_machine machine;
	size_t cursor = 0;
	int error;

	error = devicetree_survey(source, &machine);
	for (size_t i = 0; !error && i < sizeof(nodes) / sizeof(nodes[0]); i++)
		for (int bus = OWN; !error && bus <= (int)PCI; bus++) {
			struct devicetree_place place =
				place_of((enum devicetree_bus)bus, nodes[i], nodes[4 - i], 0x0108);

			error = devicetree_measure(source, &machine, &place, COHERENCY_COHERENT,
						   dma);
		}
	while (!error)
		error = devicetree_find(source, "*", &cursor, node);
	return error;
}

START_TEST(an_error_of_the_source_comes_through)
{
	struct tree *tree = tree_create(RICH);
	struct devicetree_source source = tree_source(tree);
	struct devicetree_dma dma;
	unsigned int calls;

	ck_assert_int_eq(ask_everything(&source, &dma), -ENOENT);
	calls = tree->calls;
	ck_assert_uint_gt(calls, 900);
	tree->error = -EIO;
	for (tree->fails_at = 1; tree->fails_at <= calls; tree->fails_at++) {
		tree->calls = 0;
		ck_assert_msg(ask_everything(&source, &dma) == -EIO, "call %u of %u",
			      tree->fails_at, calls);
	}
	free(tree);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Bytes of some properties become others, and some are cut or made longer. */
static void spoil(struct tree *tree, uint64_t *state)
{
	static const uint8_t favourites[] = {0, 1, 2, 3, 4, 0x40, 0x7f, 0x80, 0xff};

	for (uint64_t n = next_random(state) % 6; n < 6; n++) {
		struct property *property =
			&tree->properties[next_random(state) % tree->properties_len];
		uint64_t number = next_random(state);

		if (number % 4 == 0)
			property->len = next_random(state) % 64;
		else if (property->len)
			property->value[next_random(state) % property->len] =
				number % 3 ? favourites[number / 16 % sizeof(favourites)]
					   : (uint8_t)(number >> 8);
	}
}

static void check_sanity(const struct devicetree_dma *dma)
{
	uint64_t last;

	ck_assert_uint_le(dma->ranges_len, DEVICETREE_RANGES);
	for (size_t i = 0; i < dma->ranges_len; i++) {
		const struct devicetree_range *range = &dma->ranges[i];

		ck_assert_uint_gt(range->bytes, 0);
		ck_assert(range->cpu + (range->bytes - 1) >= range->cpu);
		ck_assert(range->dma + (range->bytes - 1) >= range->dma);
	}
	if (devicetree_reach(dma, BITS(32), 0x40000000, &last) == 0)
		ck_assert_uint_ge(last, 0x40000000);
}

START_TEST(spoilt_trees_do_no_harm)
{
	struct tree *whole = tree_create(RICH), *tree = calloc(1, sizeof(*tree));
	struct devicetree_source source = tree_source(tree);
	uint64_t state = 0x9e3779b97f4a7c15;
	unsigned int answered = 0, refused = 0;

	ck_assert_ptr_nonnull(tree);
	for (int i = 0; i < 5000; i++) {
		struct devicetree_dma dma = {0};
		int error;

		memcpy(tree, whole, sizeof(*tree));
		spoil(tree, &state);
		error = ask_everything(&source, &dma);
		ck_assert(error == -ENOENT || error == -ELOOP || error == -EINVAL ||
			  error == -E2BIG);
		check_sanity(&dma);
		answered += error == -ENOENT;
		refused += error != -ENOENT;
	}
	ck_assert_uint_gt(answered, 1000);
	ck_assert_uint_gt(refused, 50);
	free(whole);
	free(tree);
}
END_TEST

/* --- directories --- */

static void make_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/sys/%s", root_directory, name);
}

/* A directory of root/sys, or a link there to another one. */
static void make_node(const char *name, const char *target)
{
	char path[1024], to[1024];

	make_path(path, sizeof(path), name);
	if (!target) {
		make_directories(path);
		return;
	}
	make_path(to, sizeof(to), target);
	ck_assert_int_eq(symlink(to, path), 0);
}

START_TEST(no_tree_is_an_error)
{
	struct devicetree_source source = {0};

	ck_assert_int_eq(devicetree_sysfs_open(root_directory, &source), -ENOENT);
	devicetree_sysfs_close(&source);
}
END_TEST

START_TEST(directories_show_nothing_from_outside)
{
	static const char *const nodes[] = {"/../x", "/soc/..",		"/soc/../soc", "/link",
					    "/file", "/soc/../../base", "soc"};
	struct devicetree_source source;
	uint8_t value[8];
	char path[1024];
	size_t bytes;

	make_node("firmware/devicetree/base/soc", NULL);
	make_node("firmware/devicetree/x", NULL);
	make_node("firmware/devicetree/base/link", "firmware/devicetree/x");
	make_node("firmware/devicetree/base/soc/status", "firmware/devicetree/x");
	make_node("firmware/devicetree/base/other", NULL);
	snprintf(path, sizeof(path), "%s" BASE "/other/status", root_directory);
	write_file(path, "okay", 5);
	ck_assert_int_eq(devicetree_sysfs_open(root_directory, &source), 0);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		ck_assert_int_eq(source.property(source.data, nodes[i], "status", value,
						 sizeof(value), &bytes),
				 -ENXIO);
	ck_assert_int_eq(source.property(source.data, "/soc", "status", value, 8, &bytes), -ENOENT);
	ck_assert_int_eq(source.property(source.data, "/soc", "../other/status", value, 8, &bytes),
			 -ENOENT);
	ck_assert_int_eq(source.property(source.data, "/other", "status", value, 8, &bytes), 0);
	ck_assert_uint_eq(bytes, 5);
	ck_assert_int_eq(source.property(source.data, "/soc", "", value, 8, &bytes), -ENOENT);
	devicetree_sysfs_close(&source);
}
END_TEST

static const struct {
	unsigned int depth, name_len;
	int error; /* -ENOENT: the tree could be read, and has no such phandle */
} deep[] = {{30, 3, -ENOENT}, {40, 3, -ELOOP}, {3, 100, -ENAMETOOLONG}};

START_TEST(directories_too_deep_are_an_error)
{
	char path[1024], node[DEVICETREE_PATH_BYTES];
	struct devicetree_source source;

	strcpy(path, "firmware/devicetree/base");
	for (unsigned int i = 0; i < deep[_i].depth; i++)
		sprintf(path + strlen(path), "/%0*u", (int)deep[_i].name_len, i);
	make_node(path, NULL);
	ck_assert_int_eq(devicetree_sysfs_open(root_directory, &source), 0);
	for (int twice = 0; twice < 2; twice++)
		ck_assert_int_eq(source.by_phandle(source.data, 1, node), deep[_i].error);
	devicetree_sysfs_close(&source);
}
END_TEST

static const struct {
	const char *device;
	int error;
	enum devicetree_bus bus;
	const char *node, *own;
	unsigned int requester;
} located[] = {
	{"/sys/devices/soc/1.vpu", 0, OWN, "/soc/vpu", "/soc/vpu", 0},
	{"/sys/class/video/device", 0, OWN, "/soc/vpu", "/soc/vpu", 0},
	{"/sys/devices/soc/2.dma", 0, OWN, "/soc/dma", "/soc/dma", 0},
	{"/sys/devices/soc/3.pcie/pci0000:00/0000:00:00.0/0000:01:02.3", 0, PCI, "/soc/pcie", "",
	 0x113},
	{"/sys/devices/soc/3.pcie/pci0000:00/0000:00:00.0", 0, PCI, "/soc/pcie", "/soc/pcie/port",
	 0},
	{"/sys/devices/soc/4.vchiq/camera", 0, LENT, "/soc/vchiq", "", 0},
	{"/sys/devices/root", 0, OWN, "/", "/", 0},
	/* a platform device without a node, one of a bus that configures nothing, and PCI from ACPI
	 */
	{"/sys/devices/soc/5.virtual", -ENODATA, OWN, "", "", 0},
	{"/sys/devices/soc/6.host1x/drm", -ENODATA, OWN, "", "", 0},
	{"/sys/devices/pci0000:00/0000:00:02.0", -ENODATA, OWN, "", "", 0},
	{"/sys/devices/none", -ENOENT, OWN, "", "", 0},
};

static void make_device(const char *name, const char *bus, const char *node)
{
	char path[256];

	snprintf(path, sizeof(path), "devices/%s", name);
	make_node(path, NULL);
	snprintf(path, sizeof(path), "devices/%s/subsystem", name);
	make_node(path, bus);
	if (!node)
		return;
	snprintf(path, sizeof(path), "devices/%s/of_node", name);
	make_node(path, node);
}

static void make_devices(void)
{
	static const char *const folders[] = {
		"bus/platform",
		"bus/amba",
		"bus/pci",
		"bus/vchiq-bus",
		"bus/host1x",
		"class/video",
		"firmware/devicetree/base/soc/vpu",
		"firmware/devicetree/base/soc/dma",
		"firmware/devicetree/base/soc/vchiq",
		"firmware/devicetree/base/soc/pcie/port",
	};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		make_node(folders[i], NULL);
	make_device("soc/1.vpu", "bus/platform", "firmware/devicetree/base/soc/vpu");
	make_device("soc/2.dma", "bus/amba", "firmware/devicetree/base/soc/dma");
	make_device("soc/3.pcie", "bus/platform", "firmware/devicetree/base/soc/pcie");
	make_device("soc/3.pcie/pci0000:00/0000:00:00.0", "bus/pci",
		    "firmware/devicetree/base/soc/pcie/port");
	make_device("soc/3.pcie/pci0000:00/0000:00:00.0/0000:01:02.3", "bus/pci", NULL);
	make_device("soc/4.vchiq", "bus/platform", "firmware/devicetree/base/soc/vchiq");
	make_device("soc/4.vchiq/camera", "bus/vchiq-bus", NULL);
	make_device("root", "bus/platform", "firmware/devicetree/base");
	make_device("soc/5.virtual", "bus/platform", NULL);
	make_device("soc/6.host1x/drm", "bus/host1x", NULL);
	make_device("pci0000:00/0000:00:02.0", "bus/pci", NULL);
	make_node("class/video/device", "devices/soc/1.vpu");
}

START_TEST(device_is_located_in_the_tree)
{
	struct devicetree_place place = {.requester = 77};

	make_devices();
	ck_assert_int_eq(devicetree_sysfs_locate(root_directory, located[_i].device, &place),
			 located[_i].error);
	if (located[_i].error) {
		ck_assert_uint_eq(place.requester, 77);
		return;
	}
	ck_assert_int_eq(place.bus, located[_i].bus);
	ck_assert_str_eq(place.node, located[_i].node);
	ck_assert_str_eq(place.own, located[_i].own);
	ck_assert_uint_eq(place.requester, located[_i].requester);
}
END_TEST

static Suite *devicetree_suite(void)
{
	Suite *suite = suite_create("devicetree");
	TCase *rules = tcase_create("rules"), *limits = tcase_create("limits");
	TCase *directories = tcase_create("directories");

	tcase_add_checked_fixture(rules, make_root, remove_root);
	tcase_add_loop_test(rules, coherency_is_the_first_word_on_the_way, 0, LEN(coherencies));
	tcase_add_loop_test(rules, reach_is_what_dma_ranges_let_through, 0, LEN(reaches));
	tcase_add_loop_test(rules, mask_holds_for_dma_addresses, 0, LEN(masks));
	tcase_add_loop_test(rules, iommu_is_what_the_tree_puts_before_it, 0, LEN(iommus));
	tcase_add_loop_test(rules, memory_is_the_pool_the_kernel_sets_up, 0, LEN(memories));
	tcase_add_loop_test(rules, survey_tells_of_the_whole_machine, 0, LEN(machines));
	tcase_add_test(rules, fabric_overrules_the_nodes);
	tcase_add_loop_test(rules, nodes_are_found_by_pattern_unless_disabled, 0, LEN(patterns));
	suite_add_tcase(suite, rules);

	tcase_set_timeout(limits, 60);
	tcase_add_checked_fixture(limits, make_root, remove_root);
	tcase_add_loop_test(limits, hostile_tree_is_an_error, 0, LEN(hostile));
	tcase_add_loop_test(limits, endless_property_is_an_error, 0, LEN(long_names));
	tcase_add_test(limits, more_iommus_than_there_can_be_are_an_error);
	tcase_add_test(limits, an_error_of_the_source_comes_through);
	tcase_add_test(limits, spoilt_trees_do_no_harm);
	suite_add_tcase(suite, limits);

	tcase_add_checked_fixture(directories, make_root, remove_root);
	tcase_add_test(directories, no_tree_is_an_error);
	tcase_add_test(directories, directories_show_nothing_from_outside);
	tcase_add_loop_test(directories, directories_too_deep_are_an_error, 0, LEN(deep));
	tcase_add_loop_test(directories, device_is_located_in_the_tree, 0, LEN(located));
	suite_add_tcase(suite, directories);
	return suite;
}

int main(void)
{
	return run_suite(devicetree_suite());
}
