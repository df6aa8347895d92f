/* SPDX-License-Identifier: MIT */
/*
 * Heap nodes -> facts. A heap has one ioctl, and that allocates: of its properties the kernel tells
 * nothing but the name. So a heap is known in one of these ways, the later correcting the earlier:
 *
 *   - by a name that the mainline kernel gives, and what its implementation does
 *     (drivers/dma-buf/heaps/ and drivers/dma-buf/udmabuf.c, Linux 6.12);
 *   - by the node of the device tree that it is called after: since 6.19 each reusable
 *     shared-dma-pool is a heap, before that the one with linux,cma-default was;
 *   - by a word in its name, which says one thing of it only;
 *   - by quirk files.
 *
 * A heap is `known` if all of these together say whether its memory is contiguous, cached and
 * protected. Any other serves only where a request names it.
 *
 * The default CMA heap was called after its area until 6.16 (`reserved` by the command line or the
 * configuration, `linux,cma` or `default-pool` by the device tree). Since 6.17 it is
 * default_cma_region; with DMABUF_HEAPS_CMA_LEGACY it has its old name besides, and the two give of
 * the same memory.
 *
 * Where memory lies is believed only where the platform knows where the machine's memory ends: in a
 * paravirtual domain of Xen the addresses that the kernel sees are not those of the bus.
 */
#include "broker/probe/heap.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/probe/fact.h"
#include "broker/probe/heap-area.h"
#include "broker/probe/hugetlb.h"
#include "broker/probe/platform.h"
#include "broker/probe/quirks-section.h"
#include "broker/probe/sysfs.h"

#define MEMINFO "/proc/meminfo"
#define SYSTEM_ORDER 8 /* of the system heap's largest chunks: 6.12 system_heap.c, orders[] */

enum place {
	PLACE_UNKNOWN,
	PLACE_ANYWHERE, /* the machine's memory */
	PLACE_DEFAULT_AREA,
	PLACE_NAMED_AREA,
};

struct heap_kind {
	const char *id; /* NULL: of any name */
	enum exporter exporter;
	bool contiguous;
	enum place place;
	enum maintenance maintenance;
	const char *how;
};

#define SYSTEM_HEAP "6.12 drivers/dma-buf/heaps/system_heap.c"
#define CMA_HEAP "6.12 drivers/dma-buf/heaps/cma_heap.c"
#define UDMABUF "6.12 drivers/dma-buf/udmabuf.c"

/* clang-format off */
static const struct heap_kind heap_kinds[] = {
	{"system", EXPORTER_DMA_HEAP, false, PLACE_ANYWHERE, MAINTENANCE_ATTACHMENTS, SYSTEM_HEAP},
	{"system_cc_shared", EXPORTER_DMA_HEAP, false, PLACE_ANYWHERE, MAINTENANCE_ATTACHMENTS,
	 "system heap of memory that a confidential guest shares (April 2026)"},
	{"reserved", EXPORTER_DMA_HEAP, true, PLACE_DEFAULT_AREA, MAINTENANCE_ATTACHMENTS, CMA_HEAP},
	{"linux,cma", EXPORTER_DMA_HEAP, true, PLACE_DEFAULT_AREA, MAINTENANCE_ATTACHMENTS, CMA_HEAP},
	{"default-pool", EXPORTER_DMA_HEAP, true, PLACE_DEFAULT_AREA, MAINTENANCE_ATTACHMENTS, CMA_HEAP},
	{"default_cma_region", EXPORTER_DMA_HEAP, true, PLACE_DEFAULT_AREA, MAINTENANCE_ATTACHMENTS,
	 "the default CMA heap since 6.17"},
	{NULL, EXPORTER_UDMABUF, false, PLACE_ANYWHERE, MAINTENANCE_EXPORTER, UDMABUF},
	{NULL, EXPORTER_UDMABUF_HUGETLB, true, PLACE_ANYWHERE, MAINTENANCE_EXPORTER, UDMABUF},
};
/* clang-format on */

static const struct heap_kind named_area = {
	NULL,
	EXPORTER_DMA_HEAP,
	true,
	PLACE_NAMED_AREA,
	MAINTENANCE_ATTACHMENTS,
	"called after a reusable shared-dma-pool of the device tree, which is a CMA heap"};

/* One measurement. */
struct measuring {
	const struct probe_node *node;
	const char *root;
	const struct machine *platform; /* NULL: nothing is known of the machine */
	struct heap *heap;
	struct heap_area area;
	uint64_t page_bytes;
};

/* A fact, and how it was obtained. */
__attribute__((format(printf, 5, 6))) static void say(struct measuring *measuring, unsigned int row,
						      uint64_t value, enum vocab_origin origin,
						      const char *format, ...)
{
	char how[224];
	va_list args;

	va_start(args, format);
	vsnprintf(how, sizeof(how), format, args);
	va_end(args);
	fact_number(measuring->heap, row, value, origin);
	fact_how(measuring->heap, HEAP_HOW, row, "%s", how);
}

static int bits_of(uint64_t value)
{
	int bits = 0;

	for (; value; value >>= 1)
		bits++;
	return bits;
}

/* --- kind --- */

static enum exporter exporter_of(const struct probe_node *node)
{
	uint64_t page_bytes;

	if (strcmp(node->subsystem, "misc") != 0)
		return EXPORTER_DMA_HEAP;
	return hugetlb_is_pool(node->sysfs, &page_bytes) ? EXPORTER_UDMABUF_HUGETLB
							 : EXPORTER_UDMABUF;
}

/* NULL: nobody knows. A name of the table may be a node's as well: then the tree knows more. */
static const struct heap_kind *find_kind(struct measuring *measuring, enum exporter exporter)
{
	const char *id = vocab_string(measuring->heap, HEAP_ID);

	if (exporter == EXPORTER_DMA_HEAP &&
	    heap_area_named(measuring->root, id, measuring->page_bytes, &measuring->area) == 0)
		return &named_area;
	for (size_t i = 0; i < sizeof(heap_kinds) / sizeof(heap_kinds[0]); i++)
		if (heap_kinds[i].exporter == exporter &&
		    (!heap_kinds[i].id || strcmp(heap_kinds[i].id, id) == 0))
			return &heap_kinds[i];
	return NULL;
}

static void measure_kind(struct measuring *measuring, const struct heap_kind *kind)
{
	say(measuring, HEAP_CONTIGUOUS, kind->contiguous, VOCAB_QUIRK, "%s", kind->how);
	say(measuring, HEAP_CACHED, true, VOCAB_QUIRK, "%s", kind->how);
	say(measuring, HEAP_ZEROED, true, VOCAB_QUIRK, "%s", kind->how);
	say(measuring, HEAP_PROTECTED, false, VOCAB_QUIRK, "%s", kind->how);
	say(measuring, HEAP_MAINTENANCE, kind->maintenance, VOCAB_QUIRK, "%s", kind->how);
	say(measuring, HEAP_GRANULARITY, measuring->page_bytes, VOCAB_KERNEL, "whole pages");
	say(measuring, HEAP_ALIGNMENT, measuring->page_bytes, VOCAB_KERNEL, "whole pages");
}

/* --- words in a name --- */

/* Whether `word` is one of the words of `name`, which are parted by what is no letter or digit. */
static bool has_word(const char *name, const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789";
	size_t len;

	for (; *name; name += len ? len : 1) {
		len = strspn(name, letters);
		if (len == strlen(word) && strncmp(name, word, len) == 0)
			return true;
	}
	return false;
}

/* The TEE's heaps of 6.18 are called protected,secure-video and the like; the other words are those
 * of vendors' kernels. */
static void measure_words(struct measuring *measuring)
{
	static const struct {
		const char *word;
		unsigned int row;
		uint64_t value;
	} words[] = {
		{"uncached", HEAP_CACHED, false}, {"protected", HEAP_PROTECTED, true},
		{"secure", HEAP_PROTECTED, true}, {"restricted", HEAP_PROTECTED, true},
		{"dma32", HEAP_ADDRESS_BITS, 32},
	};
	const char *id = vocab_string(measuring->heap, HEAP_ID);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (has_word(id, words[i].word))
			say(measuring, words[i].row, words[i].value, VOCAB_QUIRK,
			    "the word '%s' in its name", words[i].word);
}

/* --- where its memory lies --- */

static uint64_t highest_of_bits(uint64_t bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

/* Where the machine's memory ends: UINT64_MAX where that is not known. */
static uint64_t memory_last(const struct measuring *measuring)
{
	if (!measuring->platform || !vocab_has(measuring->platform, MACHINE_MEMORY_MAX))
		return UINT64_MAX;
	return vocab_number(measuring->platform, MACHINE_MEMORY_MAX);
}

static void say_last(struct measuring *measuring, uint64_t last, const char *how)
{
	uint64_t bits = (uint64_t)bits_of(last);

	say(measuring, HEAP_ADDRESS_MAX, last, VOCAB_KERNEL, "%s", how);
	if (vocab_has(measuring->heap, HEAP_ADDRESS_BITS) &&
	    highest_of_bits(vocab_number(measuring->heap, HEAP_ADDRESS_BITS)) <= last)
		return;
	say(measuring, HEAP_ADDRESS_BITS, bits < 12 ? 12 : bits, VOCAB_KERNEL, "%s", how);
}

static void measure_place(struct measuring *measuring, enum place place)
{
	uint64_t last = memory_last(measuring);

	if (place == PLACE_UNKNOWN || last == UINT64_MAX) {
		if (!vocab_has(measuring->heap, HEAP_ADDRESS_BITS))
			say(measuring, HEAP_ADDRESS_BITS, 64, VOCAB_ASSUMED, "%s",
			    place == PLACE_UNKNOWN
				    ? "nobody knows where its memory lies"
				    : "where the machine's memory ends is not known");
		return;
	}
	if (place == PLACE_DEFAULT_AREA)
		heap_area_default(measuring->root, measuring->page_bytes, &measuring->area);
	if (place != PLACE_ANYWHERE && measuring->area.last < last)
		say_last(measuring, measuring->area.last, measuring->area.how);
	else
		say_last(measuring, last, "the end of the machine's memory");
}

/* Of a heap that quirk files know: single pages come from where all pages do. */
static enum place place_of_pages(const struct heap *heap)
{
	bool pages = vocab_has(heap, HEAP_CONTIGUOUS) && !vocab_number(heap, HEAP_CONTIGUOUS) &&
		     vocab_has(heap, HEAP_PROTECTED) && !vocab_number(heap, HEAP_PROTECTED);

	return pages ? PLACE_ANYWHERE : PLACE_UNKNOWN;
}

/* --- how much there is --- */

/* Errors: -ENOENT. */
static int meminfo(const struct measuring *measuring, const char *key, uint64_t *ret_bytes)
{
	FILE *file = sysfs_open(measuring->root, MEMINFO);
	int error;

	if (!file)
		return -ENOENT;
	error = platform_meminfo(file, key, ret_bytes);
	fclose(file);
	return error;
}

static void say_meminfo(struct measuring *measuring, unsigned int row, const char *key)
{
	uint64_t bytes;

	if (meminfo(measuring, key, &bytes) == 0)
		say(measuring, row, bytes, VOCAB_KERNEL, MEMINFO ": %s", key);
}

/* meminfo counts all areas together. */
static void measure_area_bytes(struct measuring *measuring)
{
	uint64_t all = 0, bytes = measuring->area.bytes;
	bool counted = meminfo(measuring, "CmaTotal", &all) == 0;

	if (bytes && (!counted || bytes <= all))
		say(measuring, HEAP_CAPACITY_BYTES, bytes, VOCAB_KERNEL, "device tree");
	else
		say_meminfo(measuring, HEAP_CAPACITY_BYTES, "CmaTotal");
	if (!bytes || bytes == all)
		say_meminfo(measuring, HEAP_FREE_BYTES, "CmaFree");
	if (vocab_has(measuring->heap, HEAP_CAPACITY_BYTES))
		say(measuring, HEAP_BUFFER_BYTES_MAX,
		    vocab_number(measuring->heap, HEAP_CAPACITY_BYTES), VOCAB_KERNEL,
		    "the area as a whole");
}

/* --- udmabuf --- */

/* The other limit, list_limit, counts ranges of a memfd: one serves any buffer. Returns bytes; the
 * default is assumed where the parameter cannot be read. */
static uint64_t udmabuf_limit(const struct measuring *measuring, enum vocab_origin *ret_origin)
{
	uint64_t mib;

	*ret_origin = VOCAB_KERNEL;
	if (sysfs_number(measuring->root, "/sys/module/udmabuf/parameters", "size_limit_mb",
			 &mib) == 0 &&
	    mib < UINT64_MAX >> 20)
		return mib << 20;
	*ret_origin = VOCAB_ASSUMED;
	return 64 << 20;
}

static void say_udmabuf_limit(struct measuring *measuring, uint64_t at_most, const char *how)
{
	enum vocab_origin origin;
	uint64_t limit = udmabuf_limit(measuring, &origin);

	if (at_most <= limit)
		say(measuring, HEAP_BUFFER_BYTES_MAX, at_most, VOCAB_KERNEL, "%s", how);
	else
		say(measuring, HEAP_BUFFER_BYTES_MAX, limit, origin, "udmabuf's size_limit_mb%s",
		    origin == VOCAB_ASSUMED ? ", which cannot be read: its default" : "");
}

static bool is_kernel(const struct measuring *measuring, struct kernel_version from,
		      struct kernel_version to)
{
	struct kernel_version kernel;

	return measuring->platform &&
	       kernel_version_read(vocab_string(measuring->platform, MACHINE_KERNEL), &kernel) &&
	       kernel_version_compare(&kernel, &from) >= 0 &&
	       kernel_version_compare(&kernel, &to) <= 0;
}

/* Since 6.11 each page is a piece of its own, adjacent or not (0c8b91ef5100); looked at up to 6.16.
 * Other kernels may make longer pieces of pages that lie side by side. */
static bool has_pieces_of_a_page(const struct measuring *measuring)
{
	return is_kernel(measuring, (struct kernel_version){{6, 11}, 2},
			 (struct kernel_version){{6, 16}, 2});
}

/* Kernels from 5.13 on took huge pages until that was taken back everywhere (b7cb3821905b, in 2023,
 * stable kernels too); 6.11 takes them again (0c8b91ef5100). */
static bool takes_huge_pages(const struct measuring *measuring)
{
	return is_kernel(measuring, (struct kernel_version){{6, 11}, 2},
			 (struct kernel_version){.len = 0});
}

/* Whether memfds may be made of huge pages: the word in brackets is what holds. */
static bool has_huge_memfds(const struct measuring *measuring)
{
	static const char *const huge[] = {"[always]", "[within_size]", "[force]"};
	char line[128];

	if (sysfs_line(measuring->root, "/sys/kernel/mm/transparent_hugepage", "shmem_enabled",
		       line, sizeof(line)))
		return false;
	for (size_t i = 0; i < sizeof(huge) / sizeof(huge[0]); i++)
		if (strstr(line, huge[i]))
			return true;
	return false;
}

#define HEAD_PAGE "the kernel's mapping of a huge page repeats its first 4 KiB: " UDMABUF

static void measure_udmabuf(struct measuring *measuring)
{
	say_meminfo(measuring, HEAP_CAPACITY_BYTES, "MemTotal");
	say_meminfo(measuring, HEAP_FREE_BYTES, "MemAvailable");
	say_udmabuf_limit(measuring, UINT64_MAX, "");
	if (has_pieces_of_a_page(measuring))
		say(measuring, HEAP_SEGMENT_BYTES_MAX, measuring->page_bytes, VOCAB_QUIRK,
		    "each page is a piece of its own: " UDMABUF);
	if (has_huge_memfds(measuring))
		say(measuring, HEAP_KERNEL_MAP, false, VOCAB_QUIRK,
		    "transparent_hugepage/shmem_enabled allows huge pages; " HEAD_PAGE);
	else
		say(measuring, HEAP_KERNEL_MAP, true, VOCAB_QUIRK, UDMABUF);
}

/* udmabuf's SYNC works on a mapping of its own. If that is bounced, the first START(READ) copies
 * the bounce buffer back over what others have written meanwhile. */
static void check_own_mapping(struct measuring *measuring)
{
	if (measuring->platform &&
	    vocab_number(measuring->platform, MACHINE_BOUNCE) == BOUNCE_ALWAYS)
		say(measuring, HEAP_MAINTENANCE, MAINTENANCE_HARMFUL, VOCAB_QUIRK,
		    "its own mapping is bounced, and copied back by SYNC: " UDMABUF);
}

/* One huge page is one buffer. */
static void measure_hugetlb(struct measuring *measuring)
{
	uint64_t page_bytes, all, unused;

	if (!hugetlb_is_pool(measuring->node->sysfs, &page_bytes))
		return;
	say(measuring, HEAP_GRANULARITY, page_bytes, VOCAB_KERNEL, "one huge page");
	say(measuring, HEAP_ALIGNMENT, page_bytes, VOCAB_KERNEL, "one huge page");
	say_udmabuf_limit(measuring, page_bytes, "one huge page: two need not lie side by side");
	say(measuring, HEAP_KERNEL_MAP, false, VOCAB_QUIRK, HEAD_PAGE);
	if (hugetlb_bytes(measuring->root, measuring->node->sysfs, &all, &unused))
		return;
	say(measuring, HEAP_CAPACITY_BYTES, all, VOCAB_KERNEL, "%s/nr_hugepages",
	    measuring->node->sysfs);
	say(measuring, HEAP_FREE_BYTES, unused, VOCAB_KERNEL,
	    "%s: free_hugepages less resv_hugepages", measuring->node->sysfs);
}

/* --- dma-buf heaps --- */

static void measure_system(struct measuring *measuring, const struct heap_kind *kind)
{
	say_meminfo(measuring, HEAP_CAPACITY_BYTES, "MemTotal");
	say_meminfo(measuring, HEAP_FREE_BYTES, "MemAvailable");
	say(measuring, HEAP_SEGMENT_BYTES_MAX, measuring->page_bytes << SYSTEM_ORDER, VOCAB_QUIRK,
	    "chunks of order %d, 4 and 0: %s", SYSTEM_ORDER, kind->how);
	say(measuring, HEAP_KERNEL_MAP, true, VOCAB_QUIRK, "%s", kind->how);
}

static void measure_by_exporter(struct measuring *measuring, const struct heap_kind *kind)
{
	if (kind->exporter != EXPORTER_DMA_HEAP)
		check_own_mapping(measuring);
	if (kind->exporter == EXPORTER_UDMABUF) {
		measure_udmabuf(measuring);
	} else if (kind->exporter == EXPORTER_UDMABUF_HUGETLB) {
		measure_hugetlb(measuring);
	} else if (kind->contiguous) {
		measure_area_bytes(measuring);
		say(measuring, HEAP_KERNEL_MAP, true, VOCAB_QUIRK, "%s", kind->how);
	} else {
		measure_system(measuring, kind);
	}
}

/* --- quirk files --- */

static void apply_quirks(struct measuring *measuring, const struct quirks *quirks)
{
	static const struct {
		enum quirk_key key;
		unsigned int row;
	} facts[] = {
		{QUIRK_CONTIGUOUS, HEAP_CONTIGUOUS},
		{QUIRK_CACHED, HEAP_CACHED},
		{QUIRK_ZEROED, HEAP_ZEROED},
		{QUIRK_PROTECTED, HEAP_PROTECTED},
		{QUIRK_ADDRESS_BITS, HEAP_ADDRESS_BITS},
		{QUIRK_MAINTENANCE, HEAP_MAINTENANCE},
		{QUIRK_KERNEL_MAP, HEAP_KERNEL_MAP},
	};
	struct quirk_subject subject = {
		.kind = QUIRK_KIND_HEAP,
		.name = vocab_string(measuring->heap, HEAP_ID),
		.kernel = measuring->platform ? vocab_string(measuring->platform, MACHINE_KERNEL)
					      : NULL};
	struct quirk quirk;

	quirks_find(quirks, &subject, &quirk);
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		if (quirk.has[facts[i].key])
			say(measuring, facts[i].row, quirk.number[facts[i].key], VOCAB_QUIRK, "%s",
			    quirk.how[facts[i].key]);
}

/* --- all of it --- */

static void measure_known(struct measuring *measuring)
{
	const struct heap *heap = measuring->heap;
	bool known = vocab_has(heap, HEAP_CONTIGUOUS) && vocab_has(heap, HEAP_CACHED) &&
		     vocab_has(heap, HEAP_PROTECTED);

	say(measuring, HEAP_KNOWN, known, VOCAB_QUIRK, "%s",
	    known ? "whether its memory is contiguous, cached and protected is known"
		  : "no name of the mainline kernel, of the device tree or of quirk files");
}

static uint64_t page_bytes_of(const struct probe_options *options)
{
	long bytes = sysconf(_SC_PAGESIZE);

	if (options->platform && vocab_has(options->platform, MACHINE_PAGE_BYTES))
		return vocab_number(options->platform, MACHINE_PAGE_BYTES);
	return bytes > 0 ? (uint64_t)bytes : 4096;
}

int heap_measure(const struct probe_node *node, const struct probe_options *options,
		 struct heap *heap)
{
	struct measuring measuring = {.node = node,
				      .root = options->root,
				      .platform = options->platform,
				      .heap = heap,
				      .area = {.last = UINT64_MAX},
				      .page_bytes = page_bytes_of(options)};
	enum exporter exporter = exporter_of(node);
	const struct heap_kind *kind;

	if (exporter == EXPORTER_UDMABUF_HUGETLB && !takes_huge_pages(&measuring))
		return -ENOTSUP;
	kind = find_kind(&measuring, exporter);
	say(&measuring, HEAP_EXPORTER, exporter, VOCAB_KERNEL, "its node is %s", node->node);
	measure_words(&measuring);
	if (kind) {
		measure_kind(&measuring, kind);
		measure_place(&measuring, kind->place);
		measure_by_exporter(&measuring, kind);
	}
	apply_quirks(&measuring, options->quirks);
	if (!kind)
		measure_place(&measuring, place_of_pages(heap));
	measure_known(&measuring);
	return 0;
}
