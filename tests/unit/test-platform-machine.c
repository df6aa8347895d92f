/* SPDX-License-Identifier: MIT */
/*
 * broker/probe: what holds for a machine as a whole, from made-up trees of /sys and /proc: PCs,
 * boards, servers, guests of all kinds, and the rules of architectures that we have not got.
 */
#include "tests/unit/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "broker/probe/cpu.h"
#include "broker/probe/guest.h"
#include "broker/probe/platform.h"
#include "tests/unit/platforms.h"

#define LEN(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* --- /proc/zoneinfo and /proc/meminfo --- */

#define ZONE(spanned, start)                                                       \
	"  pages free     3999\n        min      1\n        spanned  " spanned     \
	"\n        present  3998\n        managed  3840\n  pagesets\n    cpu: 0\n" \
	"              count: 0\n  node_unreclaimable:  0\n  start_pfn:           " start "\n"
#define EMPTY_ZONE(spanned)                                                                       \
	"  pages free     0\n        spanned  " spanned "\n        present  0\n        cma      " \
	"0\n"

static const struct {
	const char *text;
	uint64_t page_bytes;
	int bits; /* or an error */
	uint64_t first;
} zoneinfos[] = {
	{"Node 0, zone      DMA\n" ZONE("4095", "1") "Node 0, zone    DMA32\n" ZONE(
		 "258048", "4096") "Node 0, zone   Normal\n" ZONE("0", "0"),
	 4096, 30, 4096},
	{"Node 0, zone    DMA32\n" ZONE("1044480",
					"4096") "Node 0, zone   Normal\n" ZONE("524288", "1048576"),
	 4096, 33, 16 * MIB},
	{"Node 1, zone Normal\n" ZONE("16", "1048576") "Node 0, zone DMA\n" ZONE("16", "262144"),
	 4096, 33, GIB},
	{ZONE("16384", "0"), 65536, 30, 0},
	{ZONE("1", "0"), 4096, 12, 0},
	/* an empty zone's start means nothing */
	{ZONE("4095", "1") ZONE("0", "99999999"), 4096, 24, 4096},
	/* a zone of device memory spans something, but has no page and no start */
	{"Node 0, zone Device\n" EMPTY_ZONE("99999999") "Node 0, zone DMA\n" ZONE("4095", "1"),
	 4096, 24, 4096},
	{"Node 0, zone Device\n" EMPTY_ZONE("99999999") "Node 0, zone x\n  start_pfn: 4096\n", 4096,
	 -EINVAL, 0},
	/* cut off, or no zoneinfo at all */
	{"", 4096, -EINVAL, 0},
	{"        spanned  4095\n", 4096, -EINVAL, 0},
	{"  start_pfn:           4096\n", 4096, -EINVAL, 0},
	{"        spanned  \n  start_pfn: \n", 4096, -EINVAL, 0},
	{"        spanned  -\n  start_pfn: x\n", 4096, -EINVAL, 0},
	/* more than there can be */
	{ZONE("18446744073709551615", "18446744073709551615"), 4096, -EINVAL, 0},
	{ZONE("1", "1125899906842623"), 4096, 62, 0x3ffffffffffff000},
};

static FILE *open_text(const char *text, size_t len)
{
	FILE *file = len ? fmemopen((void *)(uintptr_t)text, len, "r") : fopen("/dev/null", "r");

	ck_assert_ptr_nonnull(file);
	return file;
}

START_TEST(zoneinfo_tells_where_memory_is)
{
	FILE *file = open_text(zoneinfos[_i].text, strlen(zoneinfos[_i].text));
	uint64_t first = 0, last = 0;
	int error;

	ck_assert_int_eq(platform_memory_bits(file, zoneinfos[_i].page_bytes), zoneinfos[_i].bits);
	rewind(file);
	error = platform_memory(file, zoneinfos[_i].page_bytes, &first, &last);
	ck_assert_int_eq(error, zoneinfos[_i].bits < 0 ? zoneinfos[_i].bits : 0);
	ck_assert_uint_eq(first, zoneinfos[_i].first);
	if (!error)
		ck_assert_uint_eq(last >> (zoneinfos[_i].bits - 1), 1);
	fclose(file);
}
END_TEST

START_TEST(zoneinfo_cut_anywhere_is_no_trouble)
{
	const char *text = zoneinfos[0].text;

	for (size_t len = 1; len < strlen(text); len++) {
		FILE *file = open_text(text, len);
		int bits = platform_memory_bits(file, 4096);

		ck_assert(bits == -EINVAL || (bits >= 12 && bits <= 34));
		fclose(file);
	}
}
END_TEST

static const struct {
	const char *text, *key;
	int error;
	uint64_t bytes;
} meminfos[] = {
	{"MemTotal:        1010792 kB\nMemFree:  5 kB\n", "MemTotal", 0, 1010792ull << 10},
	{"MemTotal:        1010792 kB\nMemFree:  5 kB\n", "MemFree", 0, 5 << 10},
	{"CmaTotalX: 7 kB\nCmaTotal: 0 kB\n", "CmaTotal", 0, 0},
	{"MemTotal: 1 kB\n", "CmaTotal", -ENOENT, 0},
	{"CmaTotal:\n", "CmaTotal", -ENOENT, 0},
	{"CmaTotal: many kB\n", "CmaTotal", -ENOENT, 0},
	{"CmaTotal", "CmaTotal", -ENOENT, 0},
	{"CmaTotal: 36028797018963968 kB\n", "CmaTotal", -ENOENT, 0},
	{"\n", "CmaTotal", -ENOENT, 0},
};

START_TEST(meminfo_tells_bytes)
{
	FILE *file = open_text(meminfos[_i].text, strlen(meminfos[_i].text));
	uint64_t bytes = 0;

	ck_assert_int_eq(platform_meminfo(file, meminfos[_i].key, &bytes), meminfos[_i].error);
	ck_assert_uint_eq(bytes, meminfos[_i].bytes);
	fclose(file);
}
END_TEST

/* --- the machine --- */

static struct machine *machine;

static void setup(void)
{
	tree_setup();
	machine = NULL;
}

static void teardown(void)
{
	vocab_destroy(machine);
	tree_teardown();
}

static void on_machine(const char *architecture)
{
	vocab_destroy(machine);
	machine = measure_machine(architecture);
}

/* clang-format off */
static const struct {
	const char *what;
	void (*make)(void);
	const char *architecture;
	struct change changes[CHANGES];
	enum bounce bounce;
	enum xen xen;
	bool confidential;
	enum firmware firmware;
	const char *bounce_how;
} machines[] = {
	{"PC", make_pc, "x86_64", {{0}}, BOUNCE_REACH, XEN_NO, false, FIRMWARE_ACPI,
	 "no swiotlb"},
	{"forced", make_pc, "x86_64", {{CMDLINE, "swiotlb=65536,force\n", NULL}}, BOUNCE_ALWAYS,
	 XEN_NO, false, FIRMWARE_ACPI, "swiotlb=force"},
	{"forbidden", make_pc, "x86_64", {{CMDLINE, "a swiotlb=noforce b\n", NULL}},
	 BOUNCE_NEVER, XEN_NO, false, FIRMWARE_ACPI, "swiotlb=noforce"},
	{"no command line", make_pc, "x86_64", {{CMDLINE, NULL, NULL}}, BOUNCE_UNKNOWN, XEN_NO,
	 false, FIRMWARE_ACPI, "/proc/cmdline"},
	{"Xen control domain", make_pc, "x86_64",
	 {{"/sys/hypervisor/type", "xen\n", NULL}, {"/sys/hypervisor/guest_type", "PV\n", NULL},
	  {"/proc/xen/capabilities", "control_d\n", NULL}}, BOUNCE_ALWAYS, XEN_CONTROL, false,
	 FIRMWARE_ACPI, "Xen"},
	{"Xen control domain without xenfs", make_pc, "x86_64",
	 {{"/sys/hypervisor/type", "xen\n", NULL}, {"/sys/hypervisor/guest_type", "PV\n", NULL},
	  {"/sys/hypervisor/properties/features", "00000000000008f1\n", NULL}}, BOUNCE_ALWAYS,
	 XEN_CONTROL, false, FIRMWARE_ACPI, "Xen"},
	{"Xen PV guest", make_pc, "x86_64",
	 {{"/sys/hypervisor/type", "xen\n", NULL}, {"/sys/hypervisor/guest_type", "PV\n", NULL},
	  {"/proc/xen/capabilities", "", NULL},
	  {"/sys/hypervisor/properties/features", "000000f1\n", NULL},
	  {CMDLINE, "swiotlb=noforce\n", NULL}}, BOUNCE_ALWAYS, XEN_GUEST, false, FIRMWARE_ACPI,
	 "Xen"},
	{"Xen guest of unknown kind", make_pc, "x86_64",
	 {{"/sys/hypervisor/type", "xen\n", NULL}}, BOUNCE_ALWAYS, XEN_GUEST, false,
	 FIRMWARE_ACPI, "Xen"},
	{"Xen HVM guest", make_pc, "x86_64",
	 {{"/sys/hypervisor/type", "xen\n", NULL}, {"/sys/hypervisor/guest_type", "HVM\n", NULL}},
	 BOUNCE_REACH, XEN_GUEST, false, FIRMWARE_ACPI, "no swiotlb"},
	{"Xen PVH control domain", make_pc, "x86_64",
	 {{"/sys/hypervisor/type", "xen\n", NULL},
	  {"/sys/hypervisor/guest_type", "PVH\n", NULL},
	  {"/proc/xen/capabilities", "control_d\n", NULL}}, BOUNCE_REACH, XEN_CONTROL, false,
	 FIRMWARE_ACPI, "no swiotlb"},
	{"Xen control domain of arm64", make_board, "aarch64",
	 {{"/sys/hypervisor/type", "xen\n", NULL},
	  {"/sys/hypervisor/guest_type", "Xen\n", NULL},
	  {"/proc/xen/capabilities", "control_d\n", NULL}}, BOUNCE_REACH, XEN_CONTROL, false,
	 FIRMWARE_DEVICE_TREE, "no swiotlb"},
	{"another hypervisor", make_pc, "x86_64", {{"/sys/hypervisor/type", "kvm\n", NULL}},
	 BOUNCE_REACH, XEN_NO, false, FIRMWARE_ACPI, "no swiotlb"},
	{"TDX", make_pc, "x86_64",
	 {{CPUINFO, "flags\t\t: fpu hypervisor tdx_guest sse\nflags\t\t: fpu\n", NULL},
	  {CMDLINE, "swiotlb=noforce\n", NULL}}, BOUNCE_ALWAYS, XEN_NO, true, FIRMWARE_ACPI,
	 "confidential"},
	{"a CPU that is for TDX hosts", make_pc, "x86_64",
	 {{CPUINFO, "flags\t\t: fpu tdx_guests tdx_host\nnote\t\t: tdx_guest\n", NULL}},
	 BOUNCE_REACH, XEN_NO, false, FIRMWARE_ACPI, "no swiotlb"},
	{"SEV-SNP", make_pc, "x86_64", {{"/sys/devices/system/cpu/sev/vmpl", "0\n", NULL}},
	 BOUNCE_ALWAYS, XEN_NO, true, FIRMWARE_ACPI, "confidential"},
	{"SEV-SNP by its device", make_pc, "x86_64",
	 {{"/sys/devices/platform/sev-guest/uevent", "", NULL}}, BOUNCE_ALWAYS, XEN_NO, true,
	 FIRMWARE_ACPI, "confidential"},
	{"encrypted host", make_pc, "x86_64", {{CPUINFO, "flags\t\t: fpu sme sev\n", NULL}},
	 BOUNCE_ALWAYS, XEN_NO, false, FIRMWARE_ACPI, "sme"},
	{"host of encrypted guests", make_pc, "x86_64",
	 {{CPUINFO, "flags\t\t: fpu sev\n", NULL}}, BOUNCE_REACH, XEN_NO, false, FIRMWARE_ACPI,
	 "no swiotlb"},
	{"protected guest of s390", make_pc, "s390x",
	 {{"/sys/firmware/uv/prot_virt_guest", "1\n", NULL}}, BOUNCE_ALWAYS, XEN_NO, true,
	 FIRMWARE_ACPI, "confidential"},
	{"protecting host of s390", make_pc, "s390x",
	 {{"/sys/firmware/uv/prot_virt_guest", "0\n", NULL},
	  {"/sys/firmware/uv/prot_virt_host", "1\n", NULL}}, BOUNCE_REACH, XEN_NO, false,
	 FIRMWARE_ACPI, "no swiotlb"},
	{"secure guest of powerpc", make_board, "ppc64le",
	 {{"/sys/devices/system/cpu/svm", "1\n", NULL}}, BOUNCE_ALWAYS, XEN_NO, true,
	 FIRMWARE_DEVICE_TREE, "confidential"},
	{"realm of arm64", make_server, "aarch64",
	 {{"/sys/devices/platform/arm-cca-dev/uevent", "", NULL}}, BOUNCE_ALWAYS, XEN_NO, true,
	 FIRMWARE_ACPI, "confidential"},
	{"board", make_board, "aarch64", {{0}}, BOUNCE_REACH, XEN_NO, false,
	 FIRMWARE_DEVICE_TREE, "no swiotlb"},
	{"server with a stub of a tree", make_server, "aarch64", {{0}}, BOUNCE_REACH, XEN_NO,
	 false, FIRMWARE_ACPI, "no swiotlb"},
};
/* clang-format on */

START_TEST(machine_is_known_by_its_files)
{
	machines[_i].make();
	apply(machines[_i].changes);
	on_machine(machines[_i].architecture);
	ck_assert_msg(vocab_number(machine, MACHINE_BOUNCE) == machines[_i].bounce, "%s: bounce %s",
		      machines[_i].what, vocab_enum_name(machine, MACHINE_BOUNCE));
	ck_assert_int_eq(vocab_has(machine, MACHINE_BOUNCE), machines[_i].bounce != BOUNCE_UNKNOWN);
	ck_assert_uint_eq(vocab_number(machine, MACHINE_XEN), machines[_i].xen);
	ck_assert_uint_eq(vocab_number(machine, MACHINE_CONFIDENTIAL), machines[_i].confidential);
	ck_assert_uint_eq(vocab_number(machine, MACHINE_FIRMWARE), machines[_i].firmware);
	ck_assert_how(machine, MACHINE_HOW, MACHINE_BOUNCE, machines[_i].bounce_how);
	ck_assert(vocab_has(machine, MACHINE_XEN) && vocab_has(machine, MACHINE_FIRMWARE));
}
END_TEST

START_TEST(memory_ends_where_zones_do)
{
	make_pc();
	on_machine("x86_64");
	ck_assert_uint_eq(vocab_number(machine, MACHINE_MEMORY_MAX), 16 * GIB - 1);
	ck_assert_int_eq(vocab_origin(machine, MACHINE_MEMORY_MAX), VOCAB_KERNEL);
	ck_assert_how(machine, MACHINE_HOW, MACHINE_MEMORY_MAX, "0x1000 to 0x3ffffffff");
	tree_text(ZONEINFO, "nothing\n");
	on_machine("x86_64");
	ck_assert(!vocab_has(machine, MACHINE_MEMORY_MAX));
	ck_assert_how(machine, MACHINE_HOW, MACHINE_MEMORY_MAX, "not known");
	tree_remove(ZONEINFO);
	on_machine("x86_64");
	ck_assert(!vocab_has(machine, MACHINE_MEMORY_MAX));
}
END_TEST

/* A paravirtual domain's zones are none of the memory bus. */
START_TEST(memory_of_a_paravirtual_domain_may_lie_anywhere)
{
	make_pc();
	tree_text("/sys/hypervisor/type", "xen\n");
	tree_text("/sys/hypervisor/guest_type", "PV\n");
	on_machine("x86_64");
	ck_assert(!vocab_has(machine, MACHINE_MEMORY_MAX));
	ck_assert_how(machine, MACHINE_HOW, MACHINE_MEMORY_MAX, "Xen");
}
END_TEST

START_TEST(no_firmware_is_said_so)
{
	tree_text(CMDLINE, "quiet\n");
	on_machine("mips");
	ck_assert(vocab_has(machine, MACHINE_FIRMWARE));
	ck_assert_uint_eq(vocab_number(machine, MACHINE_FIRMWARE), FIRMWARE_NONE);
}
END_TEST

/* Nothing of a machine that shows nothing is made up. */
START_TEST(empty_tree_is_the_safe_side)
{
	on_machine(NULL);
	ck_assert(!vocab_has(machine, MACHINE_MEMORY_MAX) && !vocab_has(machine, MACHINE_BOUNCE));
	ck_assert(!vocab_has(machine, MACHINE_COHERENCY));
	ck_assert_uint_eq(vocab_number(machine, MACHINE_CACHE_ALIASES), true);
	ck_assert_uint_eq(vocab_number(machine, MACHINE_MAPPING_COLOUR), 4 * MIB);
	ck_assert_uint_eq(vocab_number(machine, MACHINE_MIXED_ATTRIBUTES), false);
}
END_TEST

/* The test's own machine, and its CPU. */
START_TEST(own_machine_is_measured)
{
	struct utsname names;

	ck_assert_int_eq(uname(&names), 0);
	ck_assert_int_eq(vocab_create(&vocab_machine, &machine), 0);
	vocab_set_string(machine, MACHINE_ARCHITECTURE, names.machine, VOCAB_KERNEL);
	platform_measure_machine(NULL, machine);
	ck_assert(vocab_has(machine, MACHINE_XEN) && vocab_has(machine, MACHINE_FIRMWARE));
	ck_assert(machine->how.len >= 8);
}
END_TEST

/* --- architectures --- */

/* clang-format off */
static const struct {
	const char *name;
	const char *cmdline, *cpuinfo;
	enum coherency coherency; /* UNKNOWN: absent */
	enum cpu_cache cache;
	bool aliases;
	uint32_t colour;
	bool write_combined, mixed;
} architectures[] = {
	{"x86_64", "", "", COHERENCY_COHERENT, CPU_CACHE_PIPT, false, 4096, true, false},
	{"x86_64", "nopat", "", COHERENCY_COHERENT, CPU_CACHE_PIPT, false, 4096, false, false},
	{"i686", "", "", COHERENCY_COHERENT, CPU_CACHE_PIPT, false, 4096, true, false},
	{"aarch64", "", "", COHERENCY_NON_COHERENT, CPU_CACHE_PIPT, false, 4096, true, true},
	{"aarch64", "coherentio nopat", "", COHERENCY_NON_COHERENT, CPU_CACHE_PIPT, false, 4096,
	 true, true},
	{"armv8l", "", "", COHERENCY_NON_COHERENT, CPU_CACHE_VIPT, false, 16384, true, false},
	{"armv7l", "", "", COHERENCY_NON_COHERENT, CPU_CACHE_VIPT, false, 16384, true, false},
	{"armv6l", "", "", COHERENCY_NON_COHERENT, CPU_CACHE_VIPT, true, 16384, true, false},
	{"armv5tejl", "", "", COHERENCY_NON_COHERENT, CPU_CACHE_VIVT, true, 16384, true, false},
	{"s390x", "", "", COHERENCY_COHERENT, CPU_CACHE_PIPT, false, 4096, false, false},
	{"ppc64le", "", "", COHERENCY_COHERENT, CPU_CACHE_PIPT, false, 4096, true, false},
	{"ppc", "", "", COHERENCY_UNKNOWN, CPU_CACHE_PIPT, false, 4096, true, false},
	{"riscv64", "", "", COHERENCY_COHERENT, CPU_CACHE_PIPT, false, 4096, false, false},
	{"loongarch64", "", "", COHERENCY_COHERENT, CPU_CACHE_VIPT, false, 4096, false, false},
	{"alpha", "", "", COHERENCY_COHERENT, CPU_CACHE_PIPT, false, 4096, false, false},
	{"mips", "", "", COHERENCY_UNKNOWN, CPU_CACHE_VIPT, true, 0x40000, false, false},
	{"mips64", "coherentio", "Options implemented\t: tlb 4kex dc_aliases llsc\n",
	 COHERENCY_COHERENT, CPU_CACHE_VIPT, true, 0x40000, false, false},
	{"mips64", "coherentio nocoherentio", "Options implemented\t: tlb 4kex llsc\n",
	 COHERENCY_NON_COHERENT, CPU_CACHE_VIPT, false, 0x40000, false, false},
	{"mips", "nocoherentio coherentio", "system type\t: x\n", COHERENCY_COHERENT,
	 CPU_CACHE_VIPT, true, 0x40000, false, false},
	{"parisc64", "", "", COHERENCY_COHERENT, CPU_CACHE_VIPT, true, 4 * MIB, false, false},
	{"parisc", "", "", COHERENCY_UNKNOWN, CPU_CACHE_VIPT, true, 4 * MIB, false, false},
	{"sparc64", "", "", COHERENCY_COHERENT, CPU_CACHE_VIPT, true, 16384, false, false},
	{"sparc", "", "", COHERENCY_UNKNOWN, CPU_CACHE_UNKNOWN, true, 4 * MIB, false, false},
	{"sh4a", "", "", COHERENCY_NON_COHERENT, CPU_CACHE_VIPT, true, 16384, false, false},
	{"csky", "", "", COHERENCY_NON_COHERENT, CPU_CACHE_VIPT, true, 16384, false, false},
	{"nios2", "", "", COHERENCY_NON_COHERENT, CPU_CACHE_UNKNOWN, true, 65536, false, false},
	{"m68k", "", "", COHERENCY_UNKNOWN, CPU_CACHE_UNKNOWN, true, 4096, false, false},
	{"xtensa", "", "", COHERENCY_NON_COHERENT, CPU_CACHE_UNKNOWN, true, 4 * MIB, false,
	 false},
	{"arc", "", "", COHERENCY_NON_COHERENT, CPU_CACHE_VIPT, false, 8192, false, false},
	{"microblaze", "", "", COHERENCY_NON_COHERENT, CPU_CACHE_UNKNOWN, false, 4096, false,
	 false},
	{"vax", "coherentio", "", COHERENCY_UNKNOWN, CPU_CACHE_UNKNOWN, true, 4 * MIB, false,
	 false},
	{"", "", "", COHERENCY_UNKNOWN, CPU_CACHE_UNKNOWN, true, 4 * MIB, false, false},
	{"x86_64|i386", "", "", COHERENCY_UNKNOWN, CPU_CACHE_UNKNOWN, true, 4 * MIB, false,
	 false},
};
/* clang-format on */

START_TEST(architecture_decides_of_caches)
{
	tree_text(CMDLINE, architectures[_i].cmdline);
	tree_text(CPUINFO, architectures[_i].cpuinfo);
	on_machine(architectures[_i].name);
	ck_assert_msg(vocab_number(machine, MACHINE_COHERENCY) == architectures[_i].coherency, "%s",
		      architectures[_i].name);
	ck_assert_int_eq(vocab_has(machine, MACHINE_COHERENCY),
			 architectures[_i].coherency != COHERENCY_UNKNOWN);
	ck_assert_str_ne(how(machine, MACHINE_HOW, MACHINE_COHERENCY), "");
	ck_assert_uint_eq(vocab_number(machine, MACHINE_CPU_CACHE), architectures[_i].cache);
	ck_assert_uint_eq(vocab_number(machine, MACHINE_CACHE_ALIASES), architectures[_i].aliases);
	ck_assert_uint_eq(vocab_number(machine, MACHINE_MAPPING_COLOUR), architectures[_i].colour);
	ck_assert_uint_eq(vocab_number(machine, MACHINE_WRITE_COMBINED),
			  architectures[_i].write_combined);
	ck_assert_uint_eq(vocab_number(machine, MACHINE_MIXED_ATTRIBUTES), architectures[_i].mixed);
}
END_TEST

START_TEST(colour_is_at_least_a_page)
{
	ck_assert_int_eq(vocab_create(&vocab_machine, &machine), 0);
	vocab_set_number(machine, MACHINE_PAGE_BYTES, 65536, VOCAB_KERNEL);
	vocab_set_string(machine, MACHINE_ARCHITECTURE, "armv7l", VOCAB_KERNEL);
	cpu_measure(tree_root(), NULL, machine);
	ck_assert_uint_eq(vocab_number(machine, MACHINE_MAPPING_COLOUR), 4 * 65536);
	vocab_set_string(machine, MACHINE_ARCHITECTURE, "sh4", VOCAB_KERNEL);
	cpu_measure(tree_root(), NULL, machine);
	ck_assert_uint_eq(vocab_number(machine, MACHINE_MAPPING_COLOUR), 65536);
}
END_TEST

/* --- CPUID --- */

struct leaf {
	uint32_t leaf;
	struct guest_registers registers;
};

#define LEAVES 8
#define ON_HYPERVISOR                     \
	{                                 \
		1,                        \
		{                         \
			0, 0, 1u << 31, 0 \
		}                         \
	}
#define TDX                                                   \
	{                                                     \
		0x21,                                         \
		{                                             \
			0, 0x65746e49, 0x20202020, 0x5844546c \
		}                                             \
	}
#define HYPERV                                                         \
	{                                                              \
		0x40000000,                                            \
		{                                                      \
			0x4000000c, 0x7263694d, 0x666f736f, 0x76482074 \
		}                                                      \
	}

/* The first that is listed; a leaf that is not has zeroes. */
static void ask(void *data, uint32_t leaf, struct guest_registers *ret)
{
	const struct leaf *leaves = data;

	*ret = (struct guest_registers){0};
	for (int i = LEAVES - 1; i >= 0; i--)
		if (leaves[i].leaf == leaf)
			*ret = leaves[i].registers;
}

/* clang-format off */
static const struct {
	const char *what;
	struct leaf leaves[LEAVES];
	bool confidential;
	enum vocab_origin origin;
} cpuids[] = {
	{"no hypervisor", {{0, {0x21, 0, 0, 0}}, TDX}, false, VOCAB_KERNEL},
	{"TDX", {{0, {0x21, 0, 0, 0}}, ON_HYPERVISOR, TDX}, true, VOCAB_KERNEL},
	{"no such leaf", {{0, {0x20, 0, 0, 0}}, ON_HYPERVISOR, TDX}, false, VOCAB_KERNEL},
	{"another text in the leaf",
	 {{0, {0x21, 0, 0, 0}}, ON_HYPERVISOR, {0x21, {0, 0x65746e49, 0x5844546c, 0x20202020}}},
	 false, VOCAB_KERNEL},
	{"SEV may be used",
	 {ON_HYPERVISOR, {0x80000000, {0x8000001f, 0, 0, 0}}, {0x8000001f, {2, 51, 0, 0}}},
	 true, VOCAB_ASSUMED},
	{"host with SEV", {{0x80000000, {0x8000001f, 0, 0, 0}}, {0x8000001f, {0xf, 51, 0, 0}}},
	 false, VOCAB_KERNEL},
	{"guest with SME only",
	 {ON_HYPERVISOR, {0x80000000, {0x8000001f, 0, 0, 0}}, {0x8000001f, {1, 47, 0, 0}}},
	 false, VOCAB_KERNEL},
	{"AMD's leaf is not there",
	 {ON_HYPERVISOR, {0x80000000, {0x8000001e, 0, 0, 0}}, {0x8000001f, {2, 51, 0, 0}}},
	 false, VOCAB_KERNEL},
	{"isolated by Hyper-V",
	 {ON_HYPERVISOR, HYPERV, {0x40000003, {0, 1u << 22, 0, 0}}, {0x4000000c, {0, 2, 0, 0}}},
	 true, VOCAB_KERNEL},
	{"on Hyper-V, not isolated",
	 {ON_HYPERVISOR, HYPERV, {0x40000003, {0, 1u << 22, 0, 0}},
	  {0x4000000c, {0, 0x20, 0, 0}}}, false, VOCAB_KERNEL},
	{"on Hyper-V, without isolation",
	 {ON_HYPERVISOR, HYPERV, {0x40000003, {0, 0, 0, 0}}, {0x4000000c, {0, 2, 0, 0}}}, false,
	 VOCAB_KERNEL},
	{"KVM",
	 {ON_HYPERVISOR, {0x40000000, {0x40000010, 0x4b4d564b, 0x564b4d56, 0x4d}},
	  {0x40000003, {0, 1u << 22, 0, 0}}, {0x4000000c, {0, 2, 0, 0}}}, false, VOCAB_KERNEL},
};
/* clang-format on */

START_TEST(cpuid_tells_of_confidential_guests)
{
	struct guest guest;

	make_pc();
	guest_look(tree_root(), "x86_64", ask, (void *)(uintptr_t)cpuids[_i].leaves, &guest);
	ck_assert_msg(guest.confidential == cpuids[_i].confidential, "%s", cpuids[_i].what);
	ck_assert_int_eq(guest.confidential_origin, cpuids[_i].origin);
	guest_look(tree_root(), "aarch64", ask, (void *)(uintptr_t)cpuids[_i].leaves, &guest);
	ck_assert(!guest.confidential);
}
END_TEST

START_TEST(what_cannot_be_seen_is_not_said)
{
	make_board();
	on_machine("riscv64");
	ck_assert(!vocab_has(machine, MACHINE_CONFIDENTIAL));
	ck_assert_how(machine, MACHINE_HOW, MACHINE_CONFIDENTIAL, "no sign is known");
}
END_TEST

static Suite *machine_suite(void)
{
	Suite *suite = suite_create("platform-machine");
	TCase *texts = tcase_create("texts"), *whole = tcase_create("machine");

	tcase_add_loop_test(texts, zoneinfo_tells_where_memory_is, 0, LEN(zoneinfos));
	tcase_add_test(texts, zoneinfo_cut_anywhere_is_no_trouble);
	tcase_add_loop_test(texts, meminfo_tells_bytes, 0, LEN(meminfos));
	suite_add_tcase(suite, texts);

	tcase_add_checked_fixture(whole, setup, teardown);
	tcase_set_timeout(whole, 30);
	tcase_add_loop_test(whole, machine_is_known_by_its_files, 0, LEN(machines));
	tcase_add_test(whole, memory_ends_where_zones_do);
	tcase_add_test(whole, memory_of_a_paravirtual_domain_may_lie_anywhere);
	tcase_add_test(whole, no_firmware_is_said_so);
	tcase_add_test(whole, empty_tree_is_the_safe_side);
	tcase_add_test(whole, own_machine_is_measured);
	tcase_add_loop_test(whole, architecture_decides_of_caches, 0, LEN(architectures));
	tcase_add_test(whole, colour_is_at_least_a_page);
	tcase_add_loop_test(whole, cpuid_tells_of_confidential_guests, 0, LEN(cpuids));
	tcase_add_test(whole, what_cannot_be_seen_is_not_said);
	suite_add_tcase(suite, whole);
	return suite;
}

int main(void)
{
	return run_suite(machine_suite());
}
