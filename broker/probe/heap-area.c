/* SPDX-License-Identifier: MIT */
/*
 * Where contiguous areas lie (Linux 6.12 kernel/dma/contiguous.c).
 *
 * The default area is made by cma= on the command line, which puts a device tree's aside
 * (rmem_cma_setup); else by the node with linux,cma-default; else by the configuration. Of the last
 * kind, and of one whose place is the kernel's choice, only the zones tell something:
 * /proc/zoneinfo counts the pages of all areas in each zone (mm/vmstat.c since 5.12), so none lies
 * above the highest zone that has any.
 */
#include "broker/probe/heap-area.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/probe/cmdline.h"
#include "broker/probe/devicetree-node.h"
#include "broker/probe/devicetree.h"
#include "broker/probe/sysfs.h"

#define ZONEINFO_LINES 100000

/* --- cma= --- */

/* memparse(): a number with K, M, G, T, P or E behind it. NULL: there is none, or it is too large.
 */
static const char *parse_size(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "KMGTPE";
	const char *unit;
	unsigned int shift = 0;
	uint64_t number;
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	errno = 0;
	number = strtoull(text, &end, 0);
	unit = *end ? strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		end++;
	}
	if (errno || (shift && number >> (64 - shift)))
		return NULL;
	*ret_bytes = number << shift;
	return end;
}

/* What early_cma() keeps of the words it has seen. */
struct cma_words {
	uint64_t size, base, limit; /* limit 0: nothing was said of a place */
};

/* A word without '@' leaves the place that an earlier one has set. */
static bool take_word(const char *value, struct cma_words *words)
{
	const char *rest = value ? parse_size(value, &words->size) : NULL;

	if (!rest || *rest == '\0')
		return rest != NULL;
	if (*rest != '@')
		return false;
	rest = parse_size(rest + 1, &words->base);
	if (!rest || words->base > UINT64_MAX - words->size)
		return false;
	words->limit = words->base + words->size;
	if (*rest == '-')
		rest = parse_size(rest + 1, &words->limit);
	return rest && *rest == '\0';
}

/*
 * cma_declare_contiguous_nid() makes the size a multiple of a page block, and then an area that
 * begins at a fixed place ends behind its limit. How large a page block is depends on the
 * configuration: none of 6.12 is larger than this.
 */
static int find_end(const struct cma_words *words, uint64_t page_bytes, uint64_t *ret_last)
{
	uint64_t end = words->limit, block = page_bytes << 13;

	if (!words->limit || !words->size || words->limit < words->base ||
	    words->limit - words->base < words->size)
		return -EINVAL;
	if (words->limit - words->base == words->size && !arith_align(end, block, &end))
		return -EINVAL;
	*ret_last = end - 1;
	return 0;
}

int heap_area_parse(const char *const *values, size_t len, uint64_t page_bytes, uint64_t *ret_last)
{
	struct cma_words words = {0};

	for (size_t i = 0; i < len; i++)
		if (!take_word(values[i], &words))
			return -EINVAL;
	return find_end(&words, page_bytes, ret_last);
}

#define CMA_WORDS_MAX 8u

/* Whether the command line has a cma=, or cannot be read. */
static bool from_cmdline(const char *root, uint64_t page_bytes, struct heap_area *area)
{
	struct cmdline *cmdline = malloc(sizeof(*cmdline));
	const char *values[CMA_WORDS_MAX];
	size_t len = 0;

	if (!cmdline || cmdline_read(root, cmdline)) {
		free(cmdline);
		return true;
	}
	for (size_t i = 0; i < cmdline->words_len; i++)
		if (strcmp(cmdline->words[i].name, "cma") == 0 && len++ < CMA_WORDS_MAX)
			values[len - 1] = cmdline->words[i].value;
	if (len > 0 && len <= CMA_WORDS_MAX &&
	    heap_area_parse(values, len, page_bytes, &area->last) == 0)
		snprintf(area->how, sizeof(area->how), "kernel's command line: cma=%.64s",
			 values[len - 1]);
	free(cmdline);
	return len > 0;
}

/* --- zones --- */

int heap_area_zone(FILE *zoneinfo, uint64_t page_bytes, uint64_t *ret_last, char ret_name[16])
{
	uint64_t spanned = 0, cma = 0, start, highest = 0;
	char line[256], name[16] = "";

	for (int i = 0; i < ZONEINFO_LINES && fgets(line, sizeof(line), zoneinfo); i++) {
		if (sscanf(line, "Node %*u, zone %15s", name) == 1)
			spanned = cma = 0;
		else if (sscanf(line, " spanned %" SCNu64, &spanned) == 1 ||
			 sscanf(line, " cma %" SCNu64, &cma) == 1)
			continue;
		else if (sscanf(line, " start_pfn: %" SCNu64, &start) == 1 && cma && spanned &&
			 start < UINT64_MAX / page_bytes / 2 &&
			 spanned < UINT64_MAX / page_bytes / 2 && start + spanned > highest) {
			highest = start + spanned;
			strcpy(ret_name, name);
		}
	}
	if (!highest)
		return -ENODATA;
	*ret_last = highest * page_bytes - 1;
	return 0;
}

/* Lowers the area's end to that of the highest zone that can hold it. */
static void lower_to_zone(const char *root, uint64_t page_bytes, struct heap_area *area)
{
	FILE *zoneinfo = sysfs_open(root, "/proc/zoneinfo");
	char zone[16];
	uint64_t last;

	if (!zoneinfo)
		return;
	if (heap_area_zone(zoneinfo, page_bytes, &last, zone) == 0 && last < area->last) {
		area->last = last;
		snprintf(area->how, sizeof(area->how),
			 "/proc/zoneinfo: no contiguous area lies above zone %s", zone);
	}
	fclose(zoneinfo);
}

/* --- device tree --- */

/* Takes over what the tree says; the place only where it is more than "anywhere". */
static void take_tree(const struct devicetree_area *tree, const char *how, struct heap_area *area)
{
	area->bytes = tree->bytes;
	area->last = tree->last;
	snprintf(area->how, sizeof(area->how), "device tree: %.180s", how);
}

static void default_from_tree(const char *root, struct heap_area *area)
{
	struct devicetree_machine machine;
	struct devicetree_source tree;

	if (devicetree_sysfs_open(root ? root : "", &tree))
		return;
	if (devicetree_survey(&tree, &machine) == 0 && machine.cma.kind == DEVICETREE_MEMORY_CMA)
		take_tree(&machine.cma, machine.cma_how, area);
	devicetree_sysfs_close(&tree);
}

int heap_area_named(const char *root, const char *name, uint64_t page_bytes,
		    struct heap_area *ret_area)
{
	struct heap_area area = {.last = UINT64_MAX};
	struct devicetree_source tree;
	struct dtnode_walk walk = {.source = &tree};
	struct devicetree_area found;
	char node[DEVICETREE_PATH_BYTES];

	if (strchr(name, '/') ||
	    snprintf(node, sizeof(node), "/reserved-memory/%s", name) >= (int)sizeof(node) ||
	    devicetree_sysfs_open(root ? root : "", &tree))
		return -ENOENT;
	found = dtmemory_area(&walk, node);
	devicetree_sysfs_close(&tree);
	if (walk.error || found.kind != DEVICETREE_MEMORY_CMA)
		return -ENOENT;
	take_tree(&found, node, &area);
	lower_to_zone(root, page_bytes, &area);
	*ret_area = area;
	return 0;
}

void heap_area_default(const char *root, uint64_t page_bytes, struct heap_area *ret_area)
{
	struct heap_area area = {.last = UINT64_MAX};

	if (!from_cmdline(root, page_bytes, &area))
		default_from_tree(root, &area);
	lower_to_zone(root, page_bytes, &area);
	*ret_area = area;
}
