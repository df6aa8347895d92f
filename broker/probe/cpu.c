/* SPDX-License-Identifier: MIT */
/*
 * What the architecture says of caches, by itself: a table, read off Linux 6.12.
 *
 * Coherency. An architecture that selects none of ARCH_HAS_SYNC_DMA_FOR_{DEVICE,CPU,CPU_ALL} has no
 * cache that DMA could miss: dev_is_dma_coherent() is true for ever (include/linux/dma-map-ops.h).
 * The others begin with dma_default_coherent (kernel/dma/mapping.c), which is
 * CONFIG_ARCH_DMA_DEFAULT_COHERENT: riscv and most of powerpc. Where that, or the hooks, depend on
 * the board for which the kernel was built it is unknown here: mips (but "coherentio" and
 * "nocoherentio" say it, arch/mips/kernel/setup.c), 32-bit powerpc, parisc, sparc, m68k.
 * Caches. cpu_dcache_is_aliasing() of arch/.../include/asm/cachetype.h; an ARMv7 data cache never
 * aliases, an ARMv6 may.
 * Colour. SHMLBA of arch/.../include/asm/shmparam.h, which is a page where there is no such file;
 * SHM_COLOUR of parisc. The largest that the configuration allows where it is one of its values.
 * Write-combined. Whether pgprot_writecombine() is more than pgprot_noncached().
 * Mixed attributes. On arm64 the kernel itself maps coherent memory uncached beside its cached
 * linear mapping (kernel/dma/remap.c). Nowhere else is it certain to be legal.
 */
#include "broker/probe/cpu.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "broker/probe/fact.h"
#include "broker/probe/sysfs.h"

#define UNKNOWN COHERENCY_UNKNOWN
#define SNOOPS COHERENCY_COHERENT
#define MISSES COHERENCY_NON_COHERENT
#define LINE_BYTES 8192

static const struct cpu cpus[] = {
	{.names = "x86_64|i[3-6]86",
	 .x86 = true,
	 .coherency = SNOOPS,
	 .always = true,
	 .cache = CPU_CACHE_PIPT,
	 .colour_pages = 1,
	 .write_combined = true},
	{.names = "aarch64|aarch64_be",
	 .coherency = MISSES,
	 .cache = CPU_CACHE_PIPT,
	 .colour_pages = 1,
	 .write_combined = true,
	 .mixed_attributes = true},
	{.names = "armv[78]*",
	 .coherency = MISSES,
	 .cache = CPU_CACHE_VIPT,
	 .colour_pages = 4,
	 .write_combined = true},
	{.names = "armv6*",
	 .coherency = MISSES,
	 .cache = CPU_CACHE_VIPT,
	 .aliases = true,
	 .colour_pages = 4,
	 .write_combined = true,
	 .by_model = true},
	{.names = "armv[345]*",
	 .coherency = MISSES,
	 .cache = CPU_CACHE_VIVT,
	 .aliases = true,
	 .colour_pages = 4,
	 .write_combined = true},
	{.names = "s390|s390x",
	 .coherency = SNOOPS,
	 .always = true,
	 .cache = CPU_CACHE_PIPT,
	 .colour_pages = 1},
	{.names = "ppc64|ppc64le",
	 .coherency = SNOOPS,
	 .always = true,
	 .cache = CPU_CACHE_PIPT,
	 .colour_pages = 1,
	 .write_combined = true},
	{.names = "ppc|ppcle",
	 .coherency = UNKNOWN,
	 .cache = CPU_CACHE_PIPT,
	 .colour_pages = 1,
	 .write_combined = true},
	{.names = "riscv32|riscv64",
	 .coherency = SNOOPS,
	 .cache = CPU_CACHE_PIPT,
	 .colour_pages = 1},
	{.names = "loongarch32|loongarch64",
	 .coherency = SNOOPS,
	 .always = true,
	 .cache = CPU_CACHE_VIPT,
	 .colour_pages = 1},
	{.names = "alpha",
	 .coherency = SNOOPS,
	 .always = true,
	 .cache = CPU_CACHE_PIPT,
	 .colour_pages = 1},
	{.names = "mips|mips64",
	 .coherency = UNKNOWN,
	 .cache = CPU_CACHE_VIPT,
	 .aliases = true,
	 .colour_bytes = 0x40000},
	{.names = "parisc64",
	 .coherency = SNOOPS,
	 .always = true,
	 .cache = CPU_CACHE_VIPT,
	 .aliases = true,
	 .colour_bytes = 0x400000},
	{.names = "parisc",
	 .coherency = UNKNOWN,
	 .cache = CPU_CACHE_VIPT,
	 .aliases = true,
	 .colour_bytes = 0x400000},
	{.names = "sparc64",
	 .coherency = SNOOPS,
	 .always = true,
	 .cache = CPU_CACHE_VIPT,
	 .aliases = true,
	 .colour_bytes = 0x4000},
	{.names = "sparc", .coherency = UNKNOWN, .aliases = true, .by_model = true},
	{.names = "sh*",
	 .coherency = MISSES,
	 .cache = CPU_CACHE_VIPT,
	 .aliases = true,
	 .colour_bytes = 0x4000},
	{.names = "m68k", .coherency = UNKNOWN, .aliases = true, .colour_pages = 1},
	{.names = "csky",
	 .coherency = MISSES,
	 .cache = CPU_CACHE_VIPT,
	 .aliases = true,
	 .colour_pages = 4},
	{.names = "nios2",
	 .coherency = MISSES,
	 .aliases = true,
	 .colour_bytes = 0x10000,
	 .by_model = true,
	 .colour_by_model = true},
	{.names = "xtensa", .coherency = MISSES, .aliases = true, .by_model = true},
	{.names = "arc|arceb", .coherency = MISSES, .cache = CPU_CACHE_VIPT, .colour_pages = 2},
	{.names = "hexagon|microblaze|microblazeel|openrisc|or1k",
	 .coherency = MISSES,
	 .colour_pages = 1},
};

static bool matches(const char *names, const char *architecture)
{
	char name[16];

	while (*names) {
		size_t len = strcspn(names, "|");

		snprintf(name, sizeof(name), "%.*s", (int)len, names);
		if (fnmatch(name, architecture, 0) == 0)
			return true;
		names += len + (names[len] == '|');
	}
	return false;
}

const struct cpu *cpu_find(const char *architecture)
{
	for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++)
		if (matches(cpus[i].names, architecture))
			return &cpus[i];
	return NULL;
}

/* --- /proc/cpuinfo --- */

/* What is behind the key and its colon in a line, or NULL. */
static char *value_of(char *line, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len) != 0)
		return NULL;
	line += len;
	line += strspn(line, " \t");
	return *line == ':' ? line + 1 : NULL;
}

static bool contains_word(char *text, const char *wanted)
{
	char *rest = NULL;

	for (char *word = strtok_r(text, " \t\n", &rest); word;
	     word = strtok_r(NULL, " \t\n", &rest))
		if (strcmp(word, wanted) == 0)
			return true;
	return false;
}

int cpu_has_word(const char *root, const char *key, const char *word)
{
	FILE *cpuinfo = sysfs_open(root, "/proc/cpuinfo");
	char line[LINE_BYTES], *value = NULL;
	int has = -ENOENT;

	if (!cpuinfo)
		return -errno;
	for (int lines = 0; lines < 256 && !value && fgets(line, sizeof(line), cpuinfo); lines++)
		value = value_of(line, key);
	if (value)
		has = contains_word(value, word);
	fclose(cpuinfo);
	return has;
}

/* --- facts --- */

/* The last of the two words wins (arch/mips/kernel/setup.c). NULL: neither is there. */
static const char *mips_word(const struct cmdline *cmdline)
{
	const struct cmdline_word *snoops, *misses;

	if (!cmdline)
		return NULL;
	snoops = cmdline_find(cmdline, "coherentio");
	misses = cmdline_find(cmdline, "nocoherentio");
	if (!snoops && !misses)
		return NULL;
	return !misses || (snoops && snoops > misses) ? "coherentio" : "nocoherentio";
}

static void measure_coherency(const struct cpu *cpu, const char *name,
			      const struct cmdline *cmdline, struct machine *machine)
{
	const char *word = strncmp(name, "mips", 4) == 0 ? mips_word(cmdline) : NULL;

	if (word) {
		fact_number(machine, MACHINE_COHERENCY, word[0] == 'c' ? SNOOPS : MISSES,
			    VOCAB_KERNEL);
		fact_how(machine, MACHINE_HOW, MACHINE_COHERENCY,
			 "%s: %s on the kernel's command line", name, word);
	} else if (cpu->coherency == UNKNOWN) {
		fact_how(machine, MACHINE_HOW, MACHINE_COHERENCY,
			 "%s: depends on the board the kernel was built for", name);
	} else {
		fact_number(machine, MACHINE_COHERENCY, cpu->coherency, VOCAB_KERNEL);
		fact_how(machine, MACHINE_HOW, MACHINE_COHERENCY, "%s: %s", name,
			 cpu->always ? "all DMA snoops" : "unless the firmware says otherwise");
	}
}

/* The kernel says of a MIPS CPU whether it aliases (show_cpuinfo(), arch/mips/kernel/proc.c). */
static bool mips_aliases(const char *root, struct machine *machine)
{
	int has = cpu_has_word(root, "Options implemented", "dc_aliases");

	fact_number(machine, MACHINE_CACHE_ALIASES, has != 0,
		    has < 0 ? VOCAB_ASSUMED : VOCAB_KERNEL);
	fact_how(machine, MACHINE_HOW, MACHINE_CACHE_ALIASES, "/proc/cpuinfo: %s",
		 has < 0 ? "does not list the CPU's options"
		 : has	 ? "dc_aliases"
			 : "no dc_aliases");
	return has != 0;
}

static void measure_caches(const char *root, const struct cpu *cpu, const char *name,
			   struct machine *machine)
{
	enum vocab_origin origin = cpu->by_model ? VOCAB_ASSUMED : VOCAB_KERNEL;

	if (cpu->cache != CPU_CACHE_UNKNOWN) {
		fact_number(machine, MACHINE_CPU_CACHE, cpu->cache, VOCAB_KERNEL);
		fact_how(machine, MACHINE_HOW, MACHINE_CPU_CACHE, "%s: at the worst", name);
	}
	if (strncmp(name, "mips", 4) == 0) {
		(void)mips_aliases(root, machine);
		return;
	}
	fact_number(machine, MACHINE_CACHE_ALIASES, cpu->aliases, origin);
	fact_how(machine, MACHINE_HOW, MACHINE_CACHE_ALIASES, "%s: %s", name,
		 cpu->by_model ? "depends on the model, taken as the worst" : "all models");
}

/* A user's mapping must be of the kernel's colour even where the CPU has no aliases. */
static void measure_colour(const struct cpu *cpu, const char *name, struct machine *machine)
{
	uint64_t page = vocab_number(machine, MACHINE_PAGE_BYTES), colour = cpu->colour_bytes;
	enum vocab_origin origin = cpu->colour_by_model ? VOCAB_ASSUMED : VOCAB_KERNEL;

	if (cpu->colour_pages)
		colour = cpu->colour_pages * page;
	if (!colour) {
		fact_how(machine, MACHINE_HOW, MACHINE_MAPPING_COLOUR,
			 "%s: depends on the model, taken as the worst", name);
		return;
	}
	if (colour < page)
		colour = page;
	fact_number(machine, MACHINE_MAPPING_COLOUR, colour, origin);
	fact_how(machine, MACHINE_HOW, MACHINE_MAPPING_COLOUR, "%s: SHMLBA%s", name,
		 cpu->colour_by_model ? ", the largest there is" : "");
}

static void measure_mappings(const struct cpu *cpu, const char *name, const struct cmdline *cmdline,
			     struct machine *machine)
{
	bool nopat = cpu->x86 && cmdline && cmdline_find(cmdline, "nopat");

	fact_number(machine, MACHINE_WRITE_COMBINED, cpu->write_combined && !nopat, VOCAB_KERNEL);
	fact_how(machine, MACHINE_HOW, MACHINE_WRITE_COMBINED, "%s: pgprot_writecombine()%s", name,
		 nopat ? ", but nopat on the kernel's command line" : "");
	fact_number(machine, MACHINE_MIXED_ATTRIBUTES, cpu->mixed_attributes, VOCAB_KERNEL);
	fact_how(machine, MACHINE_HOW, MACHINE_MIXED_ATTRIBUTES, "%s: %s", name,
		 cpu->mixed_attributes ? "the kernel itself maps memory so"
				       : "not known to be legal");
}

void cpu_measure(const char *root, const struct cmdline *cmdline, struct machine *machine)
{
	const char *name = vocab_string(machine, MACHINE_ARCHITECTURE);
	const struct cpu *cpu = cpu_find(name);

	if (!cpu) {
		fact_how(machine, MACHINE_HOW, MACHINE_COHERENCY, "unknown architecture %s", name);
		fact_number(machine, MACHINE_CACHE_ALIASES, true, VOCAB_ASSUMED);
		fact_how(machine, MACHINE_HOW, MACHINE_CACHE_ALIASES,
			 "unknown architecture, taken as the worst");
		return;
	}
	measure_coherency(cpu, name, cmdline, machine);
	measure_caches(root, cpu, name, machine);
	measure_colour(cpu, name, machine);
	measure_mappings(cpu, name, cmdline, machine);
}
