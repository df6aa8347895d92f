/* SPDX-License-Identifier: MIT */
/*
 * What broker/probe/devicetree makes of real boards.
 *
 * usage: test-boards BOARDS.MD DTBS SOURCES      checks, as TAP
 *        test-boards --print BOARDS.MD DTBS SOURCES      the page as the program would have it
 *
 * BOARDS.MD is docs/boards.md: a section per board, a row per device, written by hand from the
 * decompiled trees and the kernel's rules. A row is read for its first cell only, which says what
 * to measure; then the whole row must be what is measured. DTBS is the folder of Debian's arm64
 * kernel package, SOURCES what sources.sh has compiled; "-" or a folder that is not there: the
 * tests that need it are skipped, and say so.
 *
 * Besides every node of every board that has a compatible is measured, in each of the three ways:
 * that must not fail.
 */
#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/boards/blob.h"
#include "tests/boards/importers.h"

#ifdef NDEBUG
#error "tests need assertions"
#endif

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT_BYTES 4096

/* --- TAP --- */

struct tap {
	unsigned int number, failed;
};

__attribute__((format(printf, 4, 5))) static void
result(struct tap *tap, bool good, const char *skipped, const char *format, ...)
{
	va_list arguments;

	tap->failed += !good;
	printf("%s %u - ", good ? "ok" : "not ok", ++tap->number);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	if (skipped)
		printf(" # SKIP %s", skipped);
	printf("\n");
	fflush(stdout);
}

/* --- the files --- */

struct files {
	char **paths;
	size_t len;
};

static bool add_file(struct files *files, const char *path)
{
	size_t len = strlen(path);
	char **paths;

	if (len < 4 || strcmp(path + len - 4, ".dtb") != 0)
		return true;
	paths = reallocarray(files->paths, files->len + 1, sizeof(*paths));
	if (!paths)
		return false;
	files->paths = paths;
	paths[files->len] = strdup(path);
	return paths[files->len++];
}

static int compare_entries(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* All .dtb files below the folder, in the order of their names; none if that is not there. */
static struct files list_files(const char *folder)
{
	char *folders[] = {(char *)(uintptr_t)folder, NULL};
	FTS *fts = fts_open(folders, FTS_PHYSICAL | FTS_NOCHDIR, compare_entries);
	struct files files = {0};
	bool good = fts;
	FTSENT *entry;

	while (good && (entry = fts_read(fts)))
		if (entry->fts_info == FTS_F)
			good = add_file(&files, entry->fts_path);
	if (fts)
		fts_close(fts);
	return files;
}

static void free_files(struct files *files)
{
	for (size_t i = 0; i < files->len; i++)
		free(files->paths[i]);
	free(files->paths);
}

/* The file that ends with /board.dtb */
static const char *find_board(const struct files *files, const char *board)
{
	char wanted[256];
	size_t len = (size_t)snprintf(wanted, sizeof(wanted), "/%s.dtb", board);

	for (size_t i = 0; i < files->len; i++) {
		size_t path_len = strlen(files->paths[i]);

		if (path_len > len && strcmp(files->paths[i] + path_len - len, wanted) == 0)
			return files->paths[i];
	}
	return NULL;
}

/* --- a row as text --- */

__attribute__((format(printf, 2, 3))) static void add(char text[TEXT_BYTES], const char *format,
						      ...)
{
	size_t len = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text + len, TEXT_BYTES - len, format, arguments);
	va_end(arguments);
}

static void add_coherency(char text[TEXT_BYTES], const struct devicetree_dma *dma)
{
	add(text, "%s (%s)", vocab_coherency_names[dma->coherency], dma->coherency_how);
}

static void add_reach(char text[TEXT_BYTES], const struct devicetree_dma *dma)
{
	uint64_t first = UINT64_MAX, last;

	if (!dma->ranged) {
		add(text, "all (%s)", dma->reach_how);
		return;
	}
	for (size_t i = 0; i < dma->ranges_len; i++) {
		const struct devicetree_range *range = &dma->ranges[i];

		add(text, "%sCPU 0x%" PRIx64 " at 0x%" PRIx64 ", 0x%" PRIx64 " bytes",
		    i ? "; " : "", range->cpu, range->dma, range->bytes);
		first = range->cpu < first ? range->cpu : first;
	}
	add(text, " (%s); ", dma->reach_how);
	if (devicetree_reach(dma, UINT32_MAX, first, &last) == 0)
		add(text, "32 bits reach 0x%" PRIx64 " to 0x%" PRIx64, first, last);
	else
		add(text, "32 bits reach nothing");
}

static void add_area(char text[TEXT_BYTES], const struct devicetree_area *area, const char *how)
{
	static const char *const kinds[] = {
		[DEVICETREE_MEMORY_NONE] = "none",
		[DEVICETREE_MEMORY_CMA] = "CMA",
		[DEVICETREE_MEMORY_POOL] = "pool",
		[DEVICETREE_MEMORY_BOUNCE] = "bounces",
	};

	add(text, "%s", kinds[area->kind]);
	if (area->kind == DEVICETREE_MEMORY_NONE)
		return;
	if (area->placed)
		add(text, " 0x%" PRIx64 " to 0x%" PRIx64, area->first, area->last);
	else if (area->last == UINT64_MAX)
		add(text, ", 0x%" PRIx64 " bytes anywhere", area->bytes);
	else
		add(text, ", 0x%" PRIx64 " bytes in 0x%" PRIx64 " to 0x%" PRIx64, area->bytes,
		    area->first, area->last);
	add(text, " (%s)", how);
}

static void add_device(char text[TEXT_BYTES], const struct devicetree_dma *dma)
{
	add(text, " | ");
	add_coherency(text, dma);
	add(text, " | ");
	add_reach(text, dma);
	add(text, " | %s (%s) | ", dma->iommu ? "yes" : "no", dma->iommu_how);
	add_area(text, &dma->memory, dma->memory_how);
	add(text, " |");
}

static void add_machine(char text[TEXT_BYTES], const struct devicetree_machine *machine)
{
	if (machine->fabric == COHERENCY_NON_COHERENT)
		add(text, " | %s | ", machine->fabric_how);
	else
		add(text, " | %s (%s) | ", vocab_coherency_names[machine->fabric],
		    machine->fabric_how);
	if (machine->dma_last == UINT64_MAX)
		add(text, "no dma-ranges | | ");
	else
		add(text, "every bus reaches 0x%" PRIx64 " | | ", machine->dma_last);
	add_area(text, &machine->cma, machine->cma_how);
	add(text, " |");
}

/* --- the page --- */

struct row {
	char role[64];
	struct devicetree_place place;
	bool is_machine;
};

/* What stands between the next two backquotes; false: nothing does. */
static bool take_quoted(const char **at, char *word, size_t size)
{
	const char *from = strchr(*at, '`'), *to = from ? strchr(from + 1, '`') : NULL;

	if (!to || (size_t)(to - from - 1) >= size)
		return false;
	memcpy(word, from + 1, (size_t)(to - from - 1));
	word[to - from - 1] = '\0';
	*at = to + 1;
	return true;
}

/* The first cell: "machine", "role `node`", "role `node`, lent to `own`" or
 * "role `node`, for 01:02.3", where the last part is what PCI calls the device. */
static bool parse_row(const char *line, struct row *row)
{
	const char *end = strstr(line + 2, " | "), *at = line + 2;
	unsigned int bus, slot, function;

	*row = (struct row){.place = {.bus = DEVICETREE_OWN}};
	if (!end)
		return false;
	row->is_machine = strncmp(at, "machine |", 9) == 0;
	if (row->is_machine)
		return true;
	(void)snprintf(row->role, sizeof(row->role), "%.*s", (int)strcspn(at, "`"), at);
	if (!take_quoted(&at, row->place.node, sizeof(row->place.node)) || at > end)
		return false;
	if (sscanf(at, ", for %x:%x.%x", &bus, &slot, &function) == 3) {
		row->place.bus = DEVICETREE_PCI;
		row->place.requester = (uint16_t)(bus << 8 | slot << 3 | function);
	} else if (strncmp(at, ", lent to `", 11) == 0) {
		row->place.bus = DEVICETREE_LENT;
		return take_quoted(&at, row->place.own, sizeof(row->place.own)) && at <= end;
	}
	return true;
}

/* The row that is measured, its first cell copied. */
static int write_row(const struct devicetree_source *source, const char *line,
		     const struct row *row, char text[TEXT_BYTES])
{
	struct devicetree_machine machine;
	struct devicetree_dma dma;
	int error;

	text[0] = '\0';
	add(text, "%.*s", (int)(strstr(line + 2, " | ") - line), line);
	error = devicetree_survey(source, &machine);
	if (error)
		return error;
	if (row->is_machine) {
		add_machine(text, &machine);
		return 0;
	}
	error = devicetree_measure(source, &machine, &row->place, COHERENCY_NON_COHERENT, &dma);
	if (!error)
		add_device(text, &dma);
	return error;
}

/* The line of the tree behind "(/soc: dma-ranges)": its value, as dtc writes it. */
static void show_line(const struct devicetree_source *source, const char *node, const char *name)
{
	uint8_t value[256];
	size_t bytes;

	if (source->property(source->data, node, name, value, sizeof(value), &bytes) < 0)
		return;
	printf("#   %s: %s", node, name);
	for (size_t i = 0; i + 4 <= bytes && i + 4 <= sizeof(value); i += 4)
		printf("%s0x%02x", i ? " " : " = <",
		       (unsigned int)value[i] << 24 | (unsigned int)value[i + 1] << 16 |
			       (unsigned int)value[i + 2] << 8 | value[i + 3]);
	printf("%s;\n", bytes < 4 ? "" : bytes > sizeof(value) ? " ...>" : ">");
}

/* Each "(node: property" of a row. */
static void show_lines(const struct devicetree_source *source, const char *text)
{
	char node[DEVICETREE_PATH_BYTES], name[64];

	for (const char *at = text; (at = strstr(at, "(/")); at++)
		if (sscanf(at + 1, "%255[^: ]: %63[^:,) ]", node, name) == 2)
			show_line(source, node, name);
}

static void check_row(struct tap *tap, const struct devicetree_source *source, const char *board,
		      const char *line)
{
	char text[TEXT_BYTES];
	struct row row;
	int error;

	if (!parse_row(line, &row)) {
		result(tap, false, NULL, "%s: a row that cannot be read: %s", board, line);
		return;
	}
	error = write_row(source, line, &row, text);
	result(tap, !error && strcmp(text, line) == 0, NULL, "%s: %s%s", board,
	       row.is_machine ? "machine" : row.role, row.place.node);
	if (error)
		printf("# %s\n", strerror(-error));
	else if (strcmp(text, line) != 0)
		printf("# the page: %s\n# measured: %s\n", line, text);
	show_lines(source, text);
}

static void print_row(const struct devicetree_source *source, const char *line)
{
	char text[TEXT_BYTES];
	struct row row;

	if (parse_row(line, &row) && write_row(source, line, &row, text) == 0)
		line = text;
	printf("%s\n", line);
}

/* A section's board, opened; without, its rows are skipped. */
struct section {
	char board[128];
	struct devicetree_source source;
	bool is_open;
};

static void close_section(struct section *section)
{
	if (section->is_open)
		blob_source_close(&section->source);
	section->is_open = false;
}

static void open_section(struct section *section, const char *board, const struct files files[2])
{
	const char *path = NULL;

	close_section(section);
	(void)snprintf(section->board, sizeof(section->board), "%s", board);
	for (int i = 0; i < 2 && !path; i++)
		path = find_board(&files[i], board);
	section->is_open = path && blob_source_open(path, &section->source) == 0;
}

static bool is_row(const char *line)
{
	return strncmp(line, "| ", 2) == 0 && strncmp(line, "| device ", 9) != 0;
}

static void take_line(struct tap *tap, struct section *section, const char *line)
{
	struct row row;

	if (!tap) {
		if (section->is_open && is_row(line))
			print_row(&section->source, line);
		else
			printf("%s\n", line);
	} else if (is_row(line) && section->is_open) {
		check_row(tap, &section->source, section->board, line);
	} else if (is_row(line)) {
		result(tap, true, "no device tree of this board", "%s: %s%s", section->board,
		       parse_row(line, &row) && !row.is_machine ? row.role : "machine",
		       row.place.node);
	}
}

/* Without a tap: prints. */
static int read_page(struct tap *tap, const char *path, const struct files files[2])
{
	FILE *file = fopen(path, "re");
	struct section section = {0};
	char *line = NULL;
	size_t size = 0;

	if (!file)
		return -errno;
	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "## ", 3) == 0)
			open_section(&section, line + 3, files);
		take_line(tap, &section, line);
	}
	close_section(&section);
	free(line);
	fclose(file);
	return 0;
}

/* --- all boards --- */

struct counts {
	size_t boards, nodes, measured, errors;
	size_t coherency[4], ranged, iommu, memory[4], fabrics[4], cma;
	/* of each importer: boards that have nodes of it, boards where an IOMMU is before all of
	 * them, and nodes of which it matters whether they are lent */
	size_t found[32], translated[32], lent[32];
};

static const struct {
	const char *kind, *driver, *patterns;
	bool lent, own_domain;
} importers[] = {
#define X(kind, driver, patterns, lent, own_domain, source) \
	{kind, driver, patterns, lent, own_domain},
	IMPORTERS(X)
#undef X
};

static void count_dma(struct counts *counts, const struct devicetree_dma *dma)
{
	uint64_t last;

	counts->measured++;
	counts->coherency[dma->coherency]++;
	counts->ranged += dma->ranged;
	counts->iommu += dma->iommu;
	counts->memory[dma->memory.kind]++;
	for (size_t i = 0; i < dma->ranges_len; i++)
		if (devicetree_reach(dma, UINT64_MAX, dma->ranges[i].cpu, &last) < 0 ||
		    last < dma->ranges[i].cpu)
			counts->errors++;
}

/* Reads as a PCI host bridge, and as a device of its own or of another's whatever it is. */
static void measure_node(const struct devicetree_source *source,
			 const struct devicetree_machine *machine, const char *node,
			 const char *path, struct counts *counts)
{
	struct devicetree_place place = {.requester = 0x0100};

	strcpy(place.node, node);
	counts->nodes++;
	for (int bus = DEVICETREE_OWN; bus <= (int)DEVICETREE_PCI; bus++) {
		struct devicetree_dma dma;
		int error;

		place.bus = (enum devicetree_bus)bus;
		error = devicetree_measure(source, machine, &place, COHERENCY_NON_COHERENT, &dma);
		if (error) {
			printf("# %s%s: %s\n", path, node, strerror(-error));
			counts->errors++;
			continue;
		}
		count_dma(counts, &dma);
	}
}

/* Whether one node's IOMMU is there, and whether it is the same if it is lent. */
static bool measure_importer(const struct devicetree_source *source, const char *node,
			     bool *ret_same)
{
	struct devicetree_place place = {.bus = DEVICETREE_OWN};
	struct devicetree_dma own = {0}, lent = {0};

	strcpy(place.node, node);
	if (devicetree_measure(source, NULL, &place, COHERENCY_NON_COHERENT, &own) < 0)
		return false;
	place.bus = DEVICETREE_LENT;
	*ret_same = devicetree_measure(source, NULL, &place, COHERENCY_NON_COHERENT, &lent) == 0 &&
		    memcmp(&own, &lent, sizeof(own)) == 0;
	return own.iommu;
}

static void find_importer(const struct devicetree_source *source, size_t i, struct counts *counts)
{
	char patterns[256], *rest = NULL, node[DEVICETREE_PATH_BYTES];
	bool found = false, translated = true;

	(void)snprintf(patterns, sizeof(patterns), "%s", importers[i].patterns);
	for (char *pattern = strtok_r(patterns, " ", &rest); pattern;
	     pattern = strtok_r(NULL, " ", &rest)) {
		for (size_t cursor = 0; devicetree_find(source, pattern, &cursor, node) == 0;) {
			bool same = false;

			found = true;
			translated = measure_importer(source, node, &same) && translated;
			counts->lent[i] += !same;
		}
	}
	counts->found[i] += found;
	counts->translated[i] += found && translated;
}

static void walk_board(const char *path, struct counts *counts)
{
	char node[DEVICETREE_PATH_BYTES];
	struct devicetree_machine machine;
	struct devicetree_source source;
	size_t bytes;
	int error;

	error = blob_source_open(path, &source);
	if (error || devicetree_survey(&source, &machine) < 0) {
		printf("# %s: cannot be read\n", path);
		counts->errors++;
		if (!error)
			blob_source_close(&source);
		return;
	}
	counts->boards++;
	counts->fabrics[machine.fabric]++;
	counts->cma += machine.cma.kind == DEVICETREE_MEMORY_CMA;
	for (size_t i = 0; source.node(source.data, i, node) == 0; i++)
		if (source.property(source.data, node, "compatible", NULL, 0, &bytes) == 0)
			measure_node(&source, &machine, node, path, counts);
	for (size_t i = 0; i < LEN(importers); i++)
		find_importer(&source, i, counts);
	blob_source_close(&source);
}

static void show_counts(const struct counts *counts, double seconds)
{
	printf("# %zu boards, %zu nodes with a compatible, %zu measurements in %.1f s\n",
	       counts->boards, counts->nodes, counts->measured, seconds);
	for (size_t i = 0; i < LEN(counts->coherency); i++)
		printf("# %s: %zu\n", vocab_coherency_names[i], counts->coherency[i]);
	printf("# with dma-ranges: %zu, behind an IOMMU: %zu\n", counts->ranged, counts->iommu);
	printf("# memory: CMA %zu, pool %zu, bounces %zu\n", counts->memory[DEVICETREE_MEMORY_CMA],
	       counts->memory[DEVICETREE_MEMORY_POOL], counts->memory[DEVICETREE_MEMORY_BOUNCE]);
	printf("# boards with a barrier: %zu, with a fabric but one CPU: %zu, with a default CMA "
	       "area: %zu\n",
	       counts->fabrics[COHERENCY_BARRIER], counts->fabrics[COHERENCY_UNKNOWN], counts->cma);
}

static void walk_folder(struct tap *tap, const char *what, const struct files *files,
			struct counts *counts)
{
	struct counts own = {0};
	struct timespec begin, end;

	if (!files->len) {
		result(tap, true, "not there", "every node of every board of %s can be measured",
		       what);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (size_t i = 0; i < files->len; i++)
		walk_board(files->paths[i], &own);
	clock_gettime(CLOCK_MONOTONIC, &end);
	result(tap, own.errors == 0 && own.boards == files->len && own.nodes > 100, NULL,
	       "every node of every board of %s can be measured", what);
	show_counts(&own, (double)(end.tv_sec - begin.tv_sec) +
				  (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
	for (size_t i = 0; i < LEN(importers); i++) {
		counts->found[i] += own.found[i];
		counts->translated[i] += own.translated[i];
		counts->lent[i] += own.lent[i];
	}
}

/* A pattern that no board has is a mistake, and so is a domain of its own that nowhere translates.
 * That a quirk file cannot say "lent" is none as long as it makes no difference. */
static void check_importers(struct tap *tap, const struct files *files, const struct counts *counts)
{
	const char *skipped = files->len ? NULL : "no device trees";

	for (size_t i = 0; i < LEN(importers); i++) {
		bool good = counts->found[i] > 0 &&
			    (!importers[i].own_domain || counts->translated[i] > 0) &&
			    (!importers[i].lent || counts->lent[i] == 0);

		result(tap, skipped || good, skipped,
		       "nodes that do the DMA of %s:%s are on boards", importers[i].kind,
		       importers[i].driver);
		printf("#   %s: on %zu boards, all behind an IOMMU on %zu; lent it is different "
		       "for %zu\n",
		       importers[i].patterns, counts->found[i], counts->translated[i],
		       counts->lent[i]);
	}
}

int main(int argc, char **argv)
{
	bool prints = argc == 5 && strcmp(argv[1], "--print") == 0;
	struct counts counts = {0};
	struct files files[2];
	struct tap tap = {0};
	int error;

	if (argc != 4 && !prints) {
		fprintf(stderr, "usage: test-boards [--print] BOARDS.MD DTBS SOURCES\n");
		return 2;
	}
	argv += prints;
	files[0] = list_files(argv[2]);
	files[1] = list_files(argv[3]);
	error = read_page(prints ? NULL : &tap, argv[1], files);
	if (!prints) {
		result(&tap, !error && tap.number > 60, NULL, "%s has been read", argv[1]);
		walk_folder(&tap, "the package", &files[0], &counts);
		walk_folder(&tap, "the sources", &files[1], &counts);
		check_importers(&tap, &files[0], &counts);
		printf("1..%u\n", tap.number);
	}
	free_files(&files[0]);
	free_files(&files[1]);
	return error || tap.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
