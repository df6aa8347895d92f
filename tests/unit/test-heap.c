/* SPDX-License-Identifier: MIT */
/* Facts of heaps, measured on made-up trees of /sys and /proc; buffers of huge pages. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/heap/heap.h"
#include "broker/probe/heap-area.h"
#include "broker/probe/heap.h"
#include "broker/probe/hugetlb.h"
#include "broker/probe/quirks.h"
#include "tests/unit/check.h"
#include "tests/unit/tree.h"

#define LEN(array) (int)(sizeof(array) / sizeof((array)[0]))

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* --- a machine --- */

/* As Linux 6.12 prints a zone (mm/vmstat.c), without what nobody reads. */
#define ZONE(name, spanned, cma, start)                                                        \
	"Node 0, zone " name "\n  pages free     3840\n        boost    0\n        min      6" \
	"\n        spanned  " spanned "\n        present  3998\n        managed  3840"         \
	"\n        cma      " cma "\n        protection: (0, 1964)\n      nr_free_pages 3840"  \
	"\n  pagesets\n    cpu: 0\n              count: 0\n  node_unreclaimable:  0"           \
	"\n  start_pfn:           " start "\n"
/* A zone without pages ends here. */
#define EMPTY_ZONE(name)                                                                    \
	"Node 0, zone " name "\n  pages free     0\n        spanned  0\n        present  0" \
	"\n        managed  0\n        cma      0\n        protection: (0, 0)\n"

static const char low_areas[] = ZONE("    DMA", "4095", "0", "1")
	ZONE("  DMA32", "1044480", "16384", "4096") ZONE(" Normal", "524288", "0", "1048576")
		EMPTY_ZONE("Movable");
static const char high_areas[] = ZONE("    DMA", "4095", "0", "1")
	ZONE("  DMA32", "1044480", "16384", "4096") ZONE(" Normal", "524288", "512", "1048576");
static const char no_areas[] = ZONE("    DMA", "4095", "0", "1")
	ZONE("  DMA32", "1044480", "0", "4096");
static const char old_kernel[] = "Node 0, zone  DMA32\n        spanned  1044480\n"
				 "  start_pfn:           4096\n";

static const char meminfo[] = "MemTotal:        1010792 kB\nMemFree:          100 kB\n"
			      "MemAvailable:     800000 kB\nCmaTotal:          65536 kB\n"
			      "CmaFree:           60000 kB\n";

static void make_machine(void)
{
	tree_text("/proc/meminfo", meminfo);
	tree_text("/proc/cmdline", "root=/dev/sda1 ro quiet\n");
	tree_text("/proc/zoneinfo", low_areas);
}

/* `memory_max` 0: nobody knows it. */
static struct machine *make_platform(const char *kernel, uint64_t memory_max)
{
	struct machine *platform;

	ck_assert_int_eq(vocab_create(&vocab_machine, &platform), 0);
	ck_assert_int_eq(vocab_set_string(platform, MACHINE_KERNEL, kernel, VOCAB_KERNEL), 0);
	ck_assert_int_eq(vocab_set_number(platform, MACHINE_PAGE_BYTES, 4096, VOCAB_KERNEL), 0);
	if (memory_max)
		ck_assert_int_eq(
			vocab_set_number(platform, MACHINE_MEMORY_MAX, memory_max, VOCAB_KERNEL),
			0);
	return platform;
}

#define MEMORY_MAX (6 * GIB - 1)

static char *shipped_quirks(void)
{
	ck_assert_msg(getenv("QUIRKS"), "QUIRKS is the folder data/quirks");
	return getenv("QUIRKS");
}

static void no_problem(void *data, const char *file, unsigned int line, const char *text)
{
	(void)data;
	ck_abort_msg("%s:%u: %s", file, line, text);
}

struct setting {
	const char *subsystem, *sysfs, *kernel;
	uint64_t memory_max;
	enum bounce bounce;
	bool quirks; /* the shipped ones */
	int error;   /* expected */
};

/* Returns owned. */
static struct heap *measure(const char *id, const struct setting *setting)
{
	struct machine *platform =
		make_platform(setting->kernel ? setting->kernel : "6.12.117", setting->memory_max);
	struct probe_node node = {
		.id = (char *)(uintptr_t)id,
		.node = (char[]){"/dev/x"},
		.sysfs = (char *)(uintptr_t)(setting->sysfs ? setting->sysfs : "/sys/x"),
		.subsystem = (char *)(uintptr_t)setting->subsystem};
	struct probe_options options = {.root = tree_root(), .platform = platform};
	struct quirks *quirks = NULL;
	struct heap *heap;

	if (setting->bounce)
		ck_assert_int_eq(
			vocab_set_number(platform, MACHINE_BOUNCE, setting->bounce, VOCAB_KERNEL),
			0);
	if (setting->quirks) {
		ck_assert_int_eq(quirks_create(&quirks), 0);
		ck_assert_int_eq(quirks_load_directory(quirks, shipped_quirks(), no_problem, NULL),
				 0);
		options.quirks = quirks;
	}
	ck_assert_int_eq(vocab_create(&vocab_heap, &heap), 0);
	ck_assert_int_eq(vocab_set_string(heap, HEAP_ID, id, VOCAB_KERNEL), 0);
	ck_assert_int_eq(heap_measure(&node, &options, heap), setting->error);
	quirks_destroy(quirks);
	vocab_destroy(platform);
	return heap;
}

static struct heap *measure_dma_heap(const char *id)
{
	return measure(id, &(struct setting){.subsystem = "dma_heap", .memory_max = MEMORY_MAX});
}

static struct heap *measure_udmabuf(const char *kernel, bool quirks)
{
	return measure("udmabuf", &(struct setting){.subsystem = "misc",
						    .kernel = kernel,
						    .memory_max = MEMORY_MAX,
						    .quirks = quirks});
}

/* What was said of how a fact is known; "" if nothing was. */
static const char *how_of(const struct heap *heap, unsigned int row)
{
	const char *key = vocab_heap.rows[row].name;

	for (size_t i = 0; i < heap->how.len; i++)
		if (strncmp(heap->how.items[i], key, strlen(key)) == 0 &&
		    heap->how.items[i][strlen(key)] == ':')
			return heap->how.items[i] + strlen(key) + 2;
	return "";
}

/* Every fact says how it is known. */
static void check_how(const struct heap *heap)
{
	for (unsigned int row = 0; row < HEAP_ROWS; row++)
		if (row != HEAP_ID && row != HEAP_NODE && row != HEAP_HOW && vocab_has(heap, row))
			ck_assert_msg(*how_of(heap, row), "%s of %s", vocab_heap.rows[row].name,
				      vocab_string(heap, HEAP_ID));
}

/* --- names --- */

static const struct {
	const char *id;
	bool known, contiguous, is_protected;
	int cached;    /* -1: not known */
	uint64_t bits; /* 0: assumed to be 64 */
} names[] = {
	{"system", true, false, false, true, 33},
	{"system_cc_shared", true, false, false, true, 33},
	{"reserved", true, true, false, true, 32},
	{"linux,cma", true, true, false, true, 32},
	{"default-pool", true, true, false, true, 32},
	{"default_cma_region", true, true, false, true, 32},
	/* one word is not all */
	{"system-uncached", false, false, false, false, 0},
	{"vendor,system-uncached", false, false, false, false, 0},
	{"qcom,secure-pixel", false, false, true, -1, 0},
	{"protected,secure-video", false, false, true, -1, 0},
	{"restricted_mtk_cm", false, false, true, -1, 0},
	{"system-dma32", false, false, false, -1, 32},
	{"system-uncached-dma32", false, false, false, false, 32},
	/* no words */
	{"insecure", false, false, false, -1, 0},
	{"uncachedness", false, false, false, -1, 0},
	{"System", false, false, false, -1, 0},
	{"systems", false, false, false, -1, 0},
	{"udmabuf", false, false, false, -1, 0},
	{"../reserved-memory/x", false, false, false, -1, 0},
};

START_TEST(heaps_are_known_by_their_names)
{
	struct heap *heap;

	make_machine();
	heap = measure_dma_heap(names[_i].id);
	ck_assert_int_eq(vocab_number(heap, HEAP_EXPORTER), EXPORTER_DMA_HEAP);
	ck_assert(vocab_has(heap, HEAP_KNOWN));
	ck_assert_int_eq(vocab_number(heap, HEAP_KNOWN), names[_i].known);
	ck_assert_int_eq(vocab_has(heap, HEAP_CONTIGUOUS), names[_i].known);
	ck_assert_int_eq(vocab_number(heap, HEAP_CONTIGUOUS), names[_i].contiguous);
	ck_assert_int_eq(vocab_number(heap, HEAP_PROTECTED), names[_i].is_protected);
	ck_assert_int_eq(vocab_has(heap, HEAP_CACHED), names[_i].cached >= 0);
	ck_assert_int_eq(vocab_number(heap, HEAP_CACHED), names[_i].cached == 1);
	ck_assert_int_eq(vocab_has(heap, HEAP_ZEROED), names[_i].known);
	ck_assert_int_eq(vocab_number(heap, HEAP_MAINTENANCE),
			 names[_i].known ? MAINTENANCE_ATTACHMENTS : MAINTENANCE_UNKNOWN);
	ck_assert_uint_eq(vocab_number(heap, HEAP_ADDRESS_BITS),
			  names[_i].bits ? names[_i].bits : 64);
	ck_assert_int_eq(vocab_origin(heap, HEAP_ADDRESS_BITS) == VOCAB_ASSUMED,
			 names[_i].bits == 0);
	check_how(heap);
	vocab_destroy(heap);
}
END_TEST

static const struct {
	const char *id;
	bool contiguous, cached;
	uint64_t bits;
} vendors[] = {
	{"system-uncached", false, false, 33},
	{"system-dma32", false, true, 32},
	{"system-uncached-dma32", false, false, 32},
	/* nobody knows where that area lies */
	{"cma", true, true, 64},
	{"cma-uncached", true, false, 64},
};

START_TEST(quirk_files_know_more_heaps)
{
	struct setting setting = {
		.subsystem = "dma_heap", .memory_max = MEMORY_MAX, .quirks = true};
	struct heap *heap;

	make_machine();
	heap = measure(vendors[_i].id, &setting);
	ck_assert_int_eq(vocab_number(heap, HEAP_KNOWN), true);
	ck_assert_int_eq(vocab_number(heap, HEAP_CONTIGUOUS), vendors[_i].contiguous);
	ck_assert_int_eq(vocab_number(heap, HEAP_CACHED), vendors[_i].cached);
	ck_assert_uint_eq(vocab_number(heap, HEAP_ADDRESS_BITS), vendors[_i].bits);
	ck_assert_ptr_nonnull(strstr(how_of(heap, HEAP_CACHED), "heaps.quirks ["));
	check_how(heap);
	vocab_destroy(heap);
}
END_TEST

START_TEST(quirk_files_correct_what_is_known)
{
	struct probe_node node = {.id = (char[]){"system"},
				  .node = (char[]){"/dev/dma_heap/system"},
				  .sysfs = (char[]){"/sys/x"},
				  .subsystem = (char[]){"dma_heap"}};
	struct probe_options options = {.root = tree_root()};
	char path[256];
	struct quirks *quirks;
	struct heap *heap;

	make_machine();
	tree_text("/a.quirks", "[a]\nmatch-kind=heap\nmatch-heap=system\nzeroed=no\n"
			       "maintenance=unknown\nkernel-map=no\naddress-bits=40\nsource=x\n");
	snprintf(path, sizeof(path), "%s/a.quirks", tree_root());
	ck_assert_int_eq(quirks_create(&quirks), 0);
	ck_assert_int_eq(quirks_load_file(quirks, path, no_problem, NULL), 0);
	options.quirks = quirks;
	ck_assert_int_eq(vocab_create(&vocab_heap, &heap), 0);
	ck_assert_int_eq(vocab_set_string(heap, HEAP_ID, "system", VOCAB_KERNEL), 0);
	ck_assert_int_eq(heap_measure(&node, &options, heap), 0);
	ck_assert_int_eq(vocab_number(heap, HEAP_ZEROED), false);
	ck_assert_int_eq(vocab_number(heap, HEAP_MAINTENANCE), MAINTENANCE_UNKNOWN);
	ck_assert_int_eq(vocab_number(heap, HEAP_KERNEL_MAP), false);
	ck_assert_uint_eq(vocab_number(heap, HEAP_ADDRESS_BITS), 40);
	ck_assert_str_eq(how_of(heap, HEAP_ZEROED), "a.quirks [a]: x");
	vocab_destroy(heap);
	quirks_destroy(quirks);
}
END_TEST

/* --- where memory lies --- */

#define BLOCK (32 * MIB) /* to which the end of a fixed area is rounded up, with pages of 4 KiB */

static const struct {
	const char *cma, *then; /* two words, the second may be missing */
	uint64_t end;		/* 0: -EINVAL */
} areas[] = {
	{"64M@0x30000000", NULL, 0x30000000 + 64 * MIB},
	{"65M@0x30000000", NULL, 0x30000000 + 96 * MIB},
	{"64m@768m", NULL, 768 * MIB + 64 * MIB},
	{"1G@4G", NULL, 5 * GIB},
	{"16384K@1073741824", NULL, GIB + BLOCK},
	{"64M@0-4G", NULL, 4 * GIB},
	{"64M@1G-1088M", NULL, 1088 * MIB},
	{"64M", NULL, 0},
	{"64M@", NULL, 0},
	{"64M@x", NULL, 0},
	{"@1G", NULL, 0},
	{"0@1G", NULL, 0},
	{"", NULL, 0},
	{"64M@1G-512M", NULL, 0},
	{"64M@1G-1056M", NULL, 0},
	{"64M@1G-", NULL, 0},
	{"64M@1G,", NULL, 0},
	{"64M@1G-2Gx", NULL, 0},
	{"-64M@1G", NULL, 0},
	{"64M@0xffffffffffffffff", NULL, 0},
	{"99999999999999999999@1G", NULL, 0},
	{"64M@16E", NULL, 0},
	{"17179869184G@0", NULL, 0},
	/* a later word counts, and without a place it leaves the one before */
	{"64M@1G", "32M@2G", 2 * GIB + BLOCK},
	{"64M@1G", "32M", GIB + 64 * MIB},
	{"64M@1G", "128M", 0},
	{"64M", "32M@2G", 2 * GIB + BLOCK},
	{"64M@1G", "nonsense", 0},
};

START_TEST(command_line_places_the_default_area)
{
	const char *const values[] = {areas[_i].cma, areas[_i].then};
	uint64_t last = 7;

	ck_assert_int_eq(heap_area_parse(values, areas[_i].then ? 2 : 1, 4096, &last),
			 areas[_i].end ? 0 : -EINVAL);
	ck_assert_uint_eq(last, areas[_i].end ? areas[_i].end - 1 : 7);
}
END_TEST

static const struct {
	const char *text;
	uint64_t page_bytes, end; /* 0: -ENODATA */
	const char *name;
} zoneinfos[] = {
	{low_areas, 4096, 4 * GIB, "DMA32"},
	{high_areas, 4096, 6 * GIB, "Normal"},
	{no_areas, 4096, 0, NULL},
	{old_kernel, 4096, 0, NULL},
	{ZONE("DMA", "16384", "1", "0"), 65536, GIB, "DMA"},
	/* of two nodes the higher one counts */
	{ZONE("Normal", "256", "1", "512") ZONE("DMA", "256", "1", "0"), 4096, 768 * 4 * KIB,
	 "Normal"},
	/* more than there can be */
	{ZONE("DMA", "18446744073709551615", "1", "18446744073709551615"), 4096, 0, NULL},
	{ZONE("a_name_much_longer_than_any", "256", "1", "0"), 4096, MIB, "a_name_much_lon"},
	{"\n", 4096, 0, NULL},
	{"cma 5\nspanned 5\nstart_pfn: x\n", 4096, 0, NULL},
};

static int read_zones(const char *text, size_t len, uint64_t page_bytes, uint64_t *last, char *name)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, len, "r");
	int error;

	ck_assert_ptr_nonnull(file);
	error = heap_area_zone(file, page_bytes, last, name);
	fclose(file);
	return error;
}

START_TEST(zones_tell_how_high_areas_lie)
{
	uint64_t last = 7;
	char name[16] = "";

	ck_assert_int_eq(read_zones(zoneinfos[_i].text, strlen(zoneinfos[_i].text),
				    zoneinfos[_i].page_bytes, &last, name),
			 zoneinfos[_i].end ? 0 : -ENODATA);
	ck_assert_uint_eq(last, zoneinfos[_i].end ? zoneinfos[_i].end - 1 : 7);
	ck_assert_str_eq(name, zoneinfos[_i].name ? zoneinfos[_i].name : "");
}
END_TEST

START_TEST(zones_cut_anywhere_are_no_trouble)
{
	for (size_t len = 1; len < sizeof(high_areas); len++) {
		uint64_t last = 0;
		char name[16];

		if (read_zones(high_areas, len, 4096, &last, name) == 0)
			ck_assert_uint_lt(last, 6 * GIB);
	}
}
END_TEST

/* The device tree's properties are big endian. */
static void tree_cells(const char *path, const uint32_t *cells, size_t len)
{
	unsigned char bytes[64];

	for (size_t i = 0; i < len; i++)
		for (int j = 0; j < 4; j++)
			bytes[4 * i + (size_t)j] = (unsigned char)(cells[i] >> (24 - 8 * j));
	tree_bytes(path, bytes, 4 * len);
}

#define CELLS(path, ...)                                  \
	tree_cells(path, (const uint32_t[]){__VA_ARGS__}, \
		   sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

#define TREE "/sys/firmware/devicetree/base"
#define MEMORY TREE "/reserved-memory"

/* A board whose default area is at 0x3c000000, and which has another of its own above 4 GiB. */
static void make_tree(void)
{
	CELLS(TREE "/#address-cells", 2);
	CELLS(TREE "/#size-cells", 2);
	CELLS(MEMORY "/#address-cells", 2);
	CELLS(MEMORY "/#size-cells", 2);
	tree_text(MEMORY "/ranges", "");
	tree_bytes(MEMORY "/linux,cma/compatible", "shared-dma-pool", 16);
	tree_text(MEMORY "/linux,cma/reusable", "");
	tree_text(MEMORY "/linux,cma/linux,cma-default", "");
	CELLS(MEMORY "/linux,cma/reg", 0, 0x3c000000, 0, 0x4000000);
	tree_bytes(MEMORY "/video@120000000/compatible", "shared-dma-pool", 16);
	tree_text(MEMORY "/video@120000000/reusable", "");
	CELLS(MEMORY "/video@120000000/reg", 1, 0x20000000, 0, 0x2000000);
	/* these two are no areas of the system */
	tree_bytes(MEMORY "/firmware@0/compatible", "shared-dma-pool", 16);
	tree_text(MEMORY "/firmware@0/no-map", "");
	CELLS(MEMORY "/firmware@0/reg", 0, 0, 0, 0x100000);
	tree_text(MEMORY "/plain@100000/reusable", "");
	CELLS(MEMORY "/plain@100000/reg", 0, 0x100000, 0, 0x100000);
}

static const struct {
	const char *what;
	const char *cmdline, *zoneinfo;
	bool tree;
	const char *id;
	uint64_t end; /* 0: not known */
	const char *how;
} places[] = {
	{"the zones", "quiet\n", low_areas, false, "reserved", 4 * GIB, "above zone DMA32"},
	{"a zone above the first 4 GiB", "quiet\n", high_areas, false, "reserved", 6 * GIB,
	 "the end of the machine's memory"},
	{"zones that do not tell", "quiet\n", old_kernel, false, "reserved", 6 * GIB,
	 "the end of the machine's memory"},
	{"the command line", "cma=64M@0x30000000 ro\n", low_areas, false, "default_cma_region",
	 0x34000000, "command line: cma=64M@0x30000000"},
	{"a limit that says no more than the zone", "cma=64M@0-8G\n", low_areas, false, "reserved",
	 4 * GIB, "above zone DMA32"},
	{"two words of which the later counts", "cma=64M cma=64M@1G\n", low_areas, false,
	 "reserved", GIB + 64 * MIB, "command line: cma=64M@1G"},
	{"a word without a value", "cma ro\n", low_areas, false, "reserved", 4 * GIB,
	 "above zone DMA32"},
	{"a word for somebody else", "-- cma=64M@0x30000000\n", low_areas, false, "reserved",
	 4 * GIB, "above zone DMA32"},
	{"the tree's node, by its name", "quiet\n", high_areas, true, "linux,cma", 0x40000000,
	 "device tree: /reserved-memory/linux,cma"},
	{"the tree's default, by the new name", "quiet\n", high_areas, true, "default_cma_region",
	 0x40000000, "device tree: "},
	{"a word puts the tree's default aside", "cma=64M\n", low_areas, true, "default_cma_region",
	 4 * GIB, "above zone DMA32"},
	{"a region of its own", "quiet\n", high_areas, true, "video@120000000", 0x122000000,
	 "device tree: /reserved-memory/video@120000000"},
};

START_TEST(area_lies_where_the_kernel_put_it)
{
	struct heap *heap;

	make_machine();
	tree_text("/proc/cmdline", places[_i].cmdline);
	tree_text("/proc/zoneinfo", places[_i].zoneinfo);
	if (places[_i].tree)
		make_tree();
	heap = measure_dma_heap(places[_i].id);
	ck_assert_int_eq(vocab_number(heap, HEAP_KNOWN), true);
	ck_assert_int_eq(vocab_number(heap, HEAP_CONTIGUOUS), true);
	ck_assert_msg(vocab_number(heap, HEAP_ADDRESS_MAX) == places[_i].end - 1, "%s: 0x%" PRIx64,
		      places[_i].what, vocab_number(heap, HEAP_ADDRESS_MAX));
	ck_assert_msg(strstr(how_of(heap, HEAP_ADDRESS_MAX), places[_i].how), "%s: %s",
		      places[_i].what, how_of(heap, HEAP_ADDRESS_MAX));
	ck_assert_int_eq(vocab_origin(heap, HEAP_ADDRESS_MAX), VOCAB_KERNEL);
	check_how(heap);
	vocab_destroy(heap);
}
END_TEST

/* In a paravirtual guest of Xen, or where nobody has looked. */
START_TEST(without_the_platform_memory_may_lie_anywhere)
{
	static const char *const ids[] = {"system", "reserved", "linux,cma", "video@120000000"};
	struct setting setting = {.subsystem = "dma_heap"};

	make_machine();
	make_tree();
	tree_text("/proc/cmdline", "cma=64M@0x30000000\n");
	for (int i = 0; i < LEN(ids); i++) {
		struct heap *heap = measure(ids[i], &setting);

		ck_assert(!vocab_has(heap, HEAP_ADDRESS_MAX));
		ck_assert_uint_eq(vocab_number(heap, HEAP_ADDRESS_BITS), 64);
		ck_assert_int_eq(vocab_origin(heap, HEAP_ADDRESS_BITS), VOCAB_ASSUMED);
		vocab_destroy(heap);
	}
}
END_TEST

START_TEST(what_is_no_area_is_no_known_heap)
{
	static const char *const ids[] = {"firmware@0", "plain@100000", "nobody", "..", "."};

	make_machine();
	make_tree();
	for (int i = 0; i < LEN(ids); i++) {
		struct heap *heap = measure_dma_heap(ids[i]);

		ck_assert_msg(!vocab_number(heap, HEAP_KNOWN), "%s", ids[i]);
		vocab_destroy(heap);
	}
}
END_TEST

/* --- how much --- */

START_TEST(capacity_is_read)
{
	struct heap *heap;

	make_machine();
	heap = measure_dma_heap("system");
	ck_assert_uint_eq(vocab_number(heap, HEAP_CAPACITY_BYTES), 1010792 * KIB);
	ck_assert_uint_eq(vocab_number(heap, HEAP_FREE_BYTES), 800000 * KIB);
	ck_assert(!vocab_has(heap, HEAP_BUFFER_BYTES_MAX));
	ck_assert_uint_eq(vocab_number(heap, HEAP_SEGMENT_BYTES_MAX), MIB);
	vocab_destroy(heap);
	heap = measure_dma_heap("reserved");
	ck_assert_uint_eq(vocab_number(heap, HEAP_CAPACITY_BYTES), 64 * MIB);
	ck_assert_uint_eq(vocab_number(heap, HEAP_FREE_BYTES), 60000 * KIB);
	ck_assert_uint_eq(vocab_number(heap, HEAP_BUFFER_BYTES_MAX), 64 * MIB);
	ck_assert(!vocab_has(heap, HEAP_SEGMENT_BYTES_MAX));
	vocab_destroy(heap);
}
END_TEST

/* CmaTotal and CmaFree count both areas. */
START_TEST(capacity_of_a_region_is_its_own)
{
	struct heap *heap;

	make_machine();
	make_tree();
	tree_text("/proc/meminfo", "CmaTotal: 98304 kB\nCmaFree: 90000 kB\n");
	heap = measure_dma_heap("video@120000000");
	ck_assert_uint_eq(vocab_number(heap, HEAP_CAPACITY_BYTES), 32 * MIB);
	ck_assert_uint_eq(vocab_number(heap, HEAP_BUFFER_BYTES_MAX), 32 * MIB);
	ck_assert(!vocab_has(heap, HEAP_FREE_BYTES));
	vocab_destroy(heap);
}
END_TEST

START_TEST(nothing_to_read_is_nothing_known)
{
	struct heap *heap = measure_dma_heap("reserved");

	ck_assert_int_eq(vocab_number(heap, HEAP_KNOWN), true);
	ck_assert(!vocab_has(heap, HEAP_CAPACITY_BYTES));
	ck_assert(!vocab_has(heap, HEAP_BUFFER_BYTES_MAX));
	ck_assert(!vocab_has(heap, HEAP_FREE_BYTES));
	ck_assert_uint_eq(vocab_number(heap, HEAP_ADDRESS_MAX), MEMORY_MAX);
	vocab_destroy(heap);
}
END_TEST

/* Whatever stands in the files, there are facts within their limits or none. */
START_TEST(garbage_is_no_trouble)
{
	static const char *const files[] = {"/proc/meminfo",	    "/proc/zoneinfo",
					    "/proc/cmdline",	    MEMORY "/linux,cma/reg",
					    TREE "/#address-cells", MEMORY "/linux,cma/compatible"};
	static const char *const ids[] = {"reserved", "linux,cma", "default_cma_region"};
	unsigned char bytes[600];
	uint32_t state = 1;

	make_machine();
	make_tree();
	for (int run = 0; run < 300; run++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			state = state * 1664525 + 1013904223;
			bytes[i] = (unsigned char)(state >> 24);
		}
		tree_bytes(files[run % LEN(files)], bytes, bytes[0] * 2u);
		for (int i = 0; i < LEN(ids); i++) {
			struct heap *heap = measure_dma_heap(ids[i]);

			ck_assert_uint_le(vocab_number(heap, HEAP_ADDRESS_BITS), 64);
			check_how(heap);
			vocab_destroy(heap);
		}
	}
}
END_TEST

/* --- udmabuf --- */

#define SHMEM "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define LIMIT "/sys/module/udmabuf/parameters/size_limit_mb"

START_TEST(udmabuf_has_its_limits)
{
	struct heap *heap;

	make_machine();
	tree_text(LIMIT, "128\n");
	heap = measure_udmabuf("6.12.117", true);
	ck_assert_int_eq(vocab_number(heap, HEAP_EXPORTER), EXPORTER_UDMABUF);
	ck_assert_int_eq(vocab_number(heap, HEAP_KNOWN), true);
	ck_assert_int_eq(vocab_number(heap, HEAP_CONTIGUOUS), false);
	ck_assert_int_eq(vocab_number(heap, HEAP_MAINTENANCE), MAINTENANCE_EXPORTER);
	ck_assert_uint_eq(vocab_number(heap, HEAP_BUFFER_BYTES_MAX), 128 * MIB);
	ck_assert_int_eq(vocab_origin(heap, HEAP_BUFFER_BYTES_MAX), VOCAB_KERNEL);
	ck_assert_uint_eq(vocab_number(heap, HEAP_SEGMENT_BYTES_MAX), 4096);
	ck_assert_uint_eq(vocab_number(heap, HEAP_GRANULARITY), 4096);
	ck_assert_uint_eq(vocab_number(heap, HEAP_ADDRESS_MAX), MEMORY_MAX);
	ck_assert_int_eq(vocab_number(heap, HEAP_KERNEL_MAP), true);
	check_how(heap);
	vocab_destroy(heap);
	tree_remove(LIMIT);
	heap = measure_udmabuf("6.12.117", true);
	ck_assert_uint_eq(vocab_number(heap, HEAP_BUFFER_BYTES_MAX), 64 * MIB);
	ck_assert_int_eq(vocab_origin(heap, HEAP_BUFFER_BYTES_MAX), VOCAB_ASSUMED);
	vocab_destroy(heap);
}
END_TEST

static const struct {
	const char *kernel;
	bool pieces, kernel_map;
} udmabufs[] = {
	{"5.10.200", false, false}, {"6.1.90", false, false},	   {"6.2", false, true},
	{"6.10.1", false, true},    {"6.11", true, true},	   {"6.12.117", true, true},
	{"6.13.1", true, false},    {"6.15.2-arch1", true, false}, {"6.16", true, true},
	{"6.17", false, true},	    {"garbage", false, true},
};

START_TEST(udmabuf_differs_by_kernel)
{
	struct heap *heap;

	make_machine();
	heap = measure_udmabuf(udmabufs[_i].kernel, true);
	ck_assert_int_eq(vocab_has(heap, HEAP_SEGMENT_BYTES_MAX), udmabufs[_i].pieces);
	ck_assert_int_eq(vocab_number(heap, HEAP_KERNEL_MAP), udmabufs[_i].kernel_map);
	vocab_destroy(heap);
}
END_TEST

static const struct {
	const char *text;
	bool kernel_map;
} huge_memfds[] = {
	{"always within_size advise [never] deny force\n", true},
	{"always within_size [advise] never deny force\n", true},
	{"always within_size advise never [deny] force\n", true},
	{"[always] within_size advise never deny force\n", false},
	{"always [within_size] advise never deny force\n", false},
	{"always within_size advise never deny [force]\n", false},
	{"", true},
};

static const struct {
	const char *id, *subsystem;
	enum bounce bounce;
	enum maintenance maintenance;
} own_mappings[] = {
	{"udmabuf", "misc", BOUNCE_ALWAYS, MAINTENANCE_HARMFUL},
	{"udmabuf", "misc", BOUNCE_REACH, MAINTENANCE_EXPORTER},
	{"udmabuf", "misc", BOUNCE_NEVER, MAINTENANCE_EXPORTER},
	{"system", "dma_heap", BOUNCE_ALWAYS, MAINTENANCE_ATTACHMENTS},
};

START_TEST(udmabuf_that_is_bounced_does_harm)
{
	struct heap *heap = measure(own_mappings[_i].id,
				    &(struct setting){.subsystem = own_mappings[_i].subsystem,
						      .bounce = own_mappings[_i].bounce});

	ck_assert_uint_eq(vocab_number(heap, HEAP_MAINTENANCE), own_mappings[_i].maintenance);
	vocab_destroy(heap);
}
END_TEST

START_TEST(udmabuf_of_huge_memfds_is_mapped_wrongly)
{
	struct heap *heap;

	make_machine();
	tree_text(SHMEM, huge_memfds[_i].text);
	heap = measure_udmabuf("6.12.117", true);
	ck_assert_int_eq(vocab_number(heap, HEAP_KERNEL_MAP), huge_memfds[_i].kernel_map);
	if (!huge_memfds[_i].kernel_map)
		ck_assert_ptr_nonnull(strstr(how_of(heap, HEAP_KERNEL_MAP), "shmem_enabled"));
	vocab_destroy(heap);
}
END_TEST

/* --- huge pages --- */

#define POOLS "/sys/kernel/mm/hugepages"

static void make_pool(const char *name, const char *all, const char *unused, const char *promised)
{
	char path[256];

	snprintf(path, sizeof(path), POOLS "/%s/nr_hugepages", name);
	tree_text(path, all);
	snprintf(path, sizeof(path), POOLS "/%s/free_hugepages", name);
	tree_text(path, unused);
	snprintf(path, sizeof(path), POOLS "/%s/resv_hugepages", name);
	tree_text(path, promised);
}

START_TEST(pools_with_pages_are_heaps)
{
	struct hugetlb_pool pools[HUGETLB_POOLS_MAX];

	ck_assert_uint_eq(hugetlb_list(tree_root(), pools), 0);
	make_pool("hugepages-1048576kB", "2\n", "2\n", "0\n");
	make_pool("hugepages-2048kB", "16\n", "10\n", "3\n");
	make_pool("hugepages-64kB", "1\n", "0\n", "0\n");
	make_pool("hugepages-32768kB", "0\n", "0\n", "0\n"); /* has no pages */
	make_pool("hugepages-3072kB", "1\n", "1\n", "0\n");
	make_pool("hugepages-2048MB", "1\n", "1\n", "0\n");
	make_pool("hugepages-kB", "1\n", "1\n", "0\n");
	make_pool("hugepages-16kB", "many\n", "1\n", "0\n");
	make_pool("hugepages-18446744073709551615kB", "1\n", "1\n", "0\n");
	tree_directory(POOLS "/hugepages-128kB");
	ck_assert_uint_eq(hugetlb_list(tree_root(), pools), 3);
	ck_assert_str_eq(pools[0].id, "udmabuf-hugetlb-64kB");
	ck_assert_str_eq(pools[1].id, "udmabuf-hugetlb-2MB");
	ck_assert_str_eq(pools[1].sysfs, POOLS "/hugepages-2048kB");
	ck_assert_uint_eq(pools[1].page_bytes, 2 * MIB);
	ck_assert_str_eq(pools[2].id, "udmabuf-hugetlb-1GB");
}
END_TEST

START_TEST(pools_without_end_are_cut_off)
{
	struct hugetlb_pool pools[HUGETLB_POOLS_MAX];
	char name[64];

	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "hugepages-%" PRIu64 "kB", UINT64_C(1) << i);
		make_pool(name, "1\n", "1\n", "0\n");
	}
	ck_assert_uint_eq(hugetlb_list(tree_root(), pools), HUGETLB_POOLS_MAX);
	for (size_t i = 1; i < HUGETLB_POOLS_MAX; i++)
		ck_assert_uint_lt(pools[i - 1].page_bytes, pools[i].page_bytes);
}
END_TEST

static struct heap *measure_pool(const char *id, const char *sysfs, const char *kernel)
{
	return measure(id, &(struct setting){.subsystem = "misc",
					     .sysfs = sysfs,
					     .kernel = kernel,
					     .memory_max = MEMORY_MAX,
					     .quirks = true});
}

START_TEST(huge_page_is_one_buffer)
{
	struct heap *heap;

	make_machine();
	make_pool("hugepages-2048kB", "16\n", "10\n", "3\n");
	heap = measure_pool("udmabuf-hugetlb-2MB", POOLS "/hugepages-2048kB", "6.12.117");
	ck_assert_int_eq(vocab_number(heap, HEAP_EXPORTER), EXPORTER_UDMABUF_HUGETLB);
	ck_assert_int_eq(vocab_number(heap, HEAP_KNOWN), true);
	ck_assert_int_eq(vocab_number(heap, HEAP_CONTIGUOUS), true);
	ck_assert_int_eq(vocab_number(heap, HEAP_MAINTENANCE), MAINTENANCE_EXPORTER);
	ck_assert_uint_eq(vocab_number(heap, HEAP_GRANULARITY), 2 * MIB);
	ck_assert_uint_eq(vocab_number(heap, HEAP_ALIGNMENT), 2 * MIB);
	ck_assert_uint_eq(vocab_number(heap, HEAP_BUFFER_BYTES_MAX), 2 * MIB);
	ck_assert_uint_eq(vocab_number(heap, HEAP_CAPACITY_BYTES), 32 * MIB);
	ck_assert_uint_eq(vocab_number(heap, HEAP_FREE_BYTES), 14 * MIB);
	ck_assert_uint_eq(vocab_number(heap, HEAP_ADDRESS_MAX), MEMORY_MAX);
	ck_assert_int_eq(vocab_number(heap, HEAP_KERNEL_MAP), false);
	ck_assert_ptr_nonnull(strstr(how_of(heap, HEAP_KERNEL_MAP), "repeats its first 4 KiB"));
	check_how(heap);
	vocab_destroy(heap);
	/* mapped right since 6.16 */
	heap = measure_pool("udmabuf-hugetlb-2MB", POOLS "/hugepages-2048kB", "6.16.2");
	ck_assert_int_eq(vocab_number(heap, HEAP_KERNEL_MAP), true);
	vocab_destroy(heap);
}
END_TEST

static const struct {
	const char *kernel;
	int error;
} hugetlb_kernels[] = {
	{"5.10.1", -ENOTSUP},
	{"6.1.90", -ENOTSUP},
	{"6.10.14", -ENOTSUP},
	{"garbage", -ENOTSUP},
	{"6.11", 0},
	{"6.12.117", 0},
	{"7.1", 0},
};

START_TEST(huge_pages_are_no_heap_of_older_kernels)
{
	make_machine();
	make_pool("hugepages-2048kB", "16\n", "10\n", "3\n");
	vocab_destroy(measure("udmabuf-hugetlb-2MB",
			      &(struct setting){.subsystem = "misc",
						.sysfs = POOLS "/hugepages-2048kB",
						.kernel = hugetlb_kernels[_i].kernel,
						.memory_max = MEMORY_MAX,
						.error = hugetlb_kernels[_i].error}));
}
END_TEST

/* Then it never gives any: udmabuf refuses. */
START_TEST(huge_page_larger_than_udmabuf_allows)
{
	struct heap *heap;

	make_machine();
	make_pool("hugepages-1048576kB", "2\n", "2\n", "0\n");
	heap = measure_pool("udmabuf-hugetlb-1GB", POOLS "/hugepages-1048576kB", "6.12.117");
	ck_assert_uint_eq(vocab_number(heap, HEAP_GRANULARITY), GIB);
	ck_assert_uint_eq(vocab_number(heap, HEAP_BUFFER_BYTES_MAX), 64 * MIB);
	vocab_destroy(heap);
	tree_text(LIMIT, "1024\n");
	heap = measure_pool("udmabuf-hugetlb-1GB", POOLS "/hugepages-1048576kB", "6.12.117");
	ck_assert_uint_eq(vocab_number(heap, HEAP_BUFFER_BYTES_MAX), GIB);
	vocab_destroy(heap);
}
END_TEST

START_TEST(pool_that_lies_has_no_capacity)
{
	static const char *const numbers[][3] = {{"18446744073709551615\n", "1\n", "0\n"},
						 {"1\n", "2\n", "0\n"},
						 {"x\n", "1\n", "0\n"},
						 {"1\n", "", "0\n"},
						 {"1\n", "1\n", "-1\n"}};

	make_machine();
	for (int i = 0; i < LEN(numbers); i++) {
		struct heap *heap;

		make_pool("hugepages-2048kB", numbers[i][0], numbers[i][1], numbers[i][2]);
		heap = measure_pool("udmabuf-hugetlb-2MB", POOLS "/hugepages-2048kB", "6.12.117");
		ck_assert(!vocab_has(heap, HEAP_CAPACITY_BYTES));
		ck_assert(!vocab_has(heap, HEAP_FREE_BYTES));
		ck_assert_uint_eq(vocab_number(heap, HEAP_BUFFER_BYTES_MAX), 2 * MIB);
		vocab_destroy(heap);
	}
}
END_TEST

/* --- buffers --- */

static size_t open_fds(void)
{
	size_t len = 0;

	for (int fd = 0; fd < 256; fd++)
		len += fcntl(fd, F_GETFD) >= 0;
	return len;
}

static const struct {
	enum exporter exporter;
	const char *node;
	uint64_t bytes;
	int error;
} allocations[] = {
	{EXPORTER_DMA_HEAP, "/nonexistent", 4096, -ENOENT},
	{EXPORTER_DMA_HEAP, "/dev/null", 4096, -ENOTTY},
	{EXPORTER_UDMABUF, "/nonexistent", 4096, -ENOENT},
	{EXPORTER_UDMABUF, "/dev/null", 4096, -ENOTTY},
	{EXPORTER_UDMABUF_HUGETLB, "/dev/null", 0, -EINVAL},
	{EXPORTER_UDMABUF_HUGETLB, "/dev/null", 3 << 20, -EINVAL},
	/* no page is that large, whatever the machine */
	{EXPORTER_UDMABUF_HUGETLB, "/dev/null", 8192, -EINVAL},
};

START_TEST(failed_allocation_leaves_nothing_open)
{
	size_t before = open_fds();
	int error = heap_allocate(allocations[_i].exporter, allocations[_i].node,
				  allocations[_i].bytes, "test");

	if (error != -ENOSYS || allocations[_i].exporter != EXPORTER_UDMABUF_HUGETLB)
		ck_assert_int_eq(error, allocations[_i].error);
	ck_assert_uint_eq(open_fds(), before);
}
END_TEST

static Suite *heap_suite(void)
{
	Suite *suite = suite_create("heap");
	TCase *known = tcase_create("names"), *place = tcase_create("places");
	TCase *size = tcase_create("sizes"), *udmabuf = tcase_create("udmabuf");
	TCase *buffers = tcase_create("buffers");
	TCase *const trees[] = {known, place, size, udmabuf};

	for (int i = 0; i < LEN(trees); i++) {
		tcase_add_checked_fixture(trees[i], tree_setup, tree_teardown);
		tcase_set_timeout(trees[i], 30);
		suite_add_tcase(suite, trees[i]);
	}
	tcase_add_loop_test(known, heaps_are_known_by_their_names, 0, LEN(names));
	tcase_add_loop_test(known, quirk_files_know_more_heaps, 0, LEN(vendors));
	tcase_add_test(known, quirk_files_correct_what_is_known);

	tcase_add_loop_test(place, command_line_places_the_default_area, 0, LEN(areas));
	tcase_add_loop_test(place, zones_tell_how_high_areas_lie, 0, LEN(zoneinfos));
	tcase_add_test(place, zones_cut_anywhere_are_no_trouble);
	tcase_add_loop_test(place, area_lies_where_the_kernel_put_it, 0, LEN(places));
	tcase_add_test(place, without_the_platform_memory_may_lie_anywhere);
	tcase_add_test(place, what_is_no_area_is_no_known_heap);

	tcase_add_test(size, capacity_is_read);
	tcase_add_test(size, capacity_of_a_region_is_its_own);
	tcase_add_test(size, nothing_to_read_is_nothing_known);
	tcase_add_test(size, garbage_is_no_trouble);

	tcase_add_test(udmabuf, udmabuf_has_its_limits);
	tcase_add_loop_test(udmabuf, udmabuf_differs_by_kernel, 0, LEN(udmabufs));
	tcase_add_loop_test(udmabuf, udmabuf_of_huge_memfds_is_mapped_wrongly, 0, LEN(huge_memfds));
	tcase_add_loop_test(udmabuf, udmabuf_that_is_bounced_does_harm, 0, LEN(own_mappings));
	tcase_add_test(udmabuf, pools_with_pages_are_heaps);
	tcase_add_test(udmabuf, pools_without_end_are_cut_off);
	tcase_add_test(udmabuf, huge_page_is_one_buffer);
	tcase_add_loop_test(udmabuf, huge_pages_are_no_heap_of_older_kernels, 0,
			    LEN(hugetlb_kernels));
	tcase_add_test(udmabuf, huge_page_larger_than_udmabuf_allows);
	tcase_add_test(udmabuf, pool_that_lies_has_no_capacity);

	tcase_add_loop_test(buffers, failed_allocation_leaves_nothing_open, 0, LEN(allocations));
	suite_add_tcase(suite, buffers);
	return suite;
}

int main(void)
{
	return run_suite(heap_suite());
}
