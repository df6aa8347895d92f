/* SPDX-License-Identifier: MIT */
/*
 * broker/probe: what the platform says of devices, from made-up trees of /sys and /proc: PCs,
 * boards, servers, guests, and trees in which nothing is what it should be.
 */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/probe/platform.h"
#include "tests/unit/platforms.h"

#define LEN(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define LAST_32 (4 * GIB - 1)
#define ANY UINT64_MAX /* address-max: none */

static struct machine *machine;
static struct probe_options options;
static struct probe_node node;
static struct measure measure;

static void setup(void)
{
	tree_setup();
	machine = NULL;
	measure = (struct measure){0};
}

static void teardown(void)
{
	vocab_destroy(machine);
	vocab_destroy(measure.device);
	tree_teardown();
}

static void on_machine(const char *architecture)
{
	vocab_destroy(machine);
	machine = measure_machine(architecture);
}

/* On the machine that was measured before. */
static struct device *measure_node(const char *sysfs, const struct quirk *quirk)
{
	vocab_destroy(measure.device);
	measure = (struct measure){.node = &node, .options = &options};
	options = (struct probe_options){.root = tree_root(), .platform = machine};
	node = (struct probe_node){.sysfs = (char *)(uintptr_t)sysfs};
	if (quirk)
		measure.quirk = *quirk;
	ck_assert_int_eq(vocab_create(&vocab_device, &measure.device), 0);
	platform_identify(&measure);
	platform_measure(&measure);
	return measure.device;
}

/* --- devices --- */

enum flag {
	TRANSLATED = 1 << 0, /* iommu */
	BOUNCED = 1 << 1,
	SURE = 1 << 2, /* platform_excludes_bounce */
	ALL = 1 << 3,  /* platform_reaches_all */
};

struct expected {
	enum coherency coherency; /* UNKNOWN: absent */
	unsigned int bits;
	enum vocab_origin bits_origin;
	uint64_t last;	    /* ANY: absent */
	unsigned int flags; /* enum flag */
};

static void check_device(const char *what, const struct expected *expected)
{
	const struct device *device = measure.device;

	ck_assert_msg(vocab_number(device, DEVICE_COHERENCY) == expected->coherency,
		      "%s: coherency %s: %s", what, vocab_enum_name(device, DEVICE_COHERENCY),
		      how(device, DEVICE_HOW, DEVICE_COHERENCY));
	ck_assert_int_eq(vocab_has(device, DEVICE_COHERENCY),
			 expected->coherency != COHERENCY_UNKNOWN);
	ck_assert_str_ne(how(device, DEVICE_HOW, DEVICE_COHERENCY), "");
	ck_assert_msg(vocab_number(device, DEVICE_ADDRESS_BITS) == expected->bits,
		      "%s: address-bits %u", what,
		      (unsigned int)vocab_number(device, DEVICE_ADDRESS_BITS));
	ck_assert_int_eq(vocab_origin(device, DEVICE_ADDRESS_BITS), expected->bits_origin);
	ck_assert_msg(vocab_number(device, DEVICE_ADDRESS_MAX) == expected->last,
		      "%s: address-max %#llx", what,
		      (unsigned long long)vocab_number(device, DEVICE_ADDRESS_MAX));
	ck_assert_int_eq(vocab_has(device, DEVICE_ADDRESS_MAX), expected->last != ANY);
	ck_assert_msg(vocab_number(device, DEVICE_IOMMU) == !!(expected->flags & TRANSLATED),
		      "%s: iommu: %s", what, how(device, DEVICE_HOW, DEVICE_IOMMU));
	ck_assert_msg(vocab_number(device, DEVICE_BOUNCED) == !!(expected->flags & BOUNCED),
		      "%s: bounced: %s", what, how(device, DEVICE_HOW, DEVICE_BOUNCED));
	ck_assert_msg(platform_excludes_bounce(&measure) == !!(expected->flags & SURE),
		      "%s: excludes bounce", what);
	ck_assert_msg(platform_reaches_all(&measure) == !!(expected->flags & ALL),
		      "%s: reaches all", what);
}

#define COHERENT COHERENCY_COHERENT
#define NON_COHERENT COHERENCY_NON_COHERENT
#define UNKNOWN COHERENCY_UNKNOWN
#define KERNEL VOCAB_KERNEL
#define ASSUMED VOCAB_ASSUMED

static const struct quirk private_iommu = {.has[QUIRK_PRIVATE_IOMMU] = true,
					   .number[QUIRK_PRIVATE_IOMMU] = true,
					   .how[QUIRK_PRIVATE_IOMMU] = "a quirk"};
static const struct quirk bits_64 = {.has[QUIRK_ADDRESS_BITS] = true,
				     .number[QUIRK_ADDRESS_BITS] = 64,
				     .how[QUIRK_ADDRESS_BITS] = "a quirk"};
static const struct quirk bits_36 = {.has[QUIRK_ADDRESS_BITS] = true,
				     .number[QUIRK_ADDRESS_BITS] = 36,
				     .how[QUIRK_ADDRESS_BITS] = "a quirk"};
static const struct quirk private_64 = {.has[QUIRK_PRIVATE_IOMMU] = true,
					.number[QUIRK_PRIVATE_IOMMU] = true,
					.how[QUIRK_PRIVATE_IOMMU] = "a quirk",
					.has[QUIRK_ADDRESS_BITS] = true,
					.number[QUIRK_ADDRESS_BITS] = 64,
					.how[QUIRK_ADDRESS_BITS] = "a quirk"};
static const struct quirk not_private = {.has[QUIRK_PRIVATE_IOMMU] = true,
					 .how[QUIRK_PRIVATE_IOMMU] = "a quirk"};
static const struct quirk misses = {.has[QUIRK_COHERENCY] = true,
				    .number[QUIRK_COHERENCY] = COHERENCY_NON_COHERENT,
				    .how[QUIRK_COHERENCY] = "a quirk"};

#define FORCED                                   \
	{                                        \
		CMDLINE, "swiotlb=force\n", NULL \
	}
#define FORBIDDEN                                  \
	{                                          \
		CMDLINE, "swiotlb=noforce\n", NULL \
	}
#define UNREADABLE                  \
	{                           \
		CMDLINE, NULL, NULL \
	}
#define TYPE(text)                          \
	{                                   \
		GROUP_TYPE, text "\n", NULL \
	}
#define SMALL                            \
	{                                \
		ZONEINFO, ZONES_2G, NULL \
	}
#define BITS(text)                               \
	{                                        \
		GPU "/dma_mask_bits", text, NULL \
	}

/* clang-format off */
static const struct {
	const char *what;
	const char *sysfs;
	const struct quirk *quirk;
	struct change changes[CHANGES];
	struct expected expected;
} pcs[] = {
	/* an IOMMU, and what its words mean */
	{"identity", GPU_CARD, NULL, {{0}}, {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"by its class", "/sys/class/drm/card0", NULL, {{0}},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"DMA", GPU_CARD, NULL, {TYPE("DMA")},
	 {COHERENT, 39, KERNEL, ANY, TRANSLATED | SURE | ALL}},
	{"DMA-FQ", GPU_CARD, NULL, {TYPE("DMA-FQ")},
	 {COHERENT, 39, KERNEL, ANY, TRANSLATED | SURE | ALL}},
	{"blocked", GPU_CARD, NULL, {TYPE("blocked")}, {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"unmanaged", GPU_CARD, NULL, {TYPE("unmanaged")},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"a word of tomorrow", GPU_CARD, NULL, {TYPE("DMA-XYZ")},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"a word too long", GPU_CARD, NULL, {TYPE("DMA-FQxxxxxxxxxxxxxxxxxxxxxx")},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"no word", GPU_CARD, NULL, {{GROUP_TYPE, "\x1b[2J", NULL}},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"no type", GPU_CARD, NULL, {{GROUP_TYPE, NULL, NULL}},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"no group", GPU_CARD, NULL, {{GPU "/iommu_group", NULL, NULL}},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"translated, little reach", GPU_CARD, NULL, {TYPE("DMA"), BITS("32\n")},
	 {COHERENT, 32, KERNEL, ANY, TRANSLATED | SURE | ALL}},

	/* reach and bouncing: never, out of reach, always, not known */
	{"32 bits of 16 GiB", GPU_CARD, NULL, {BITS("32\n")}, {COHERENT, 32, KERNEL, ANY, 0}},
	{"33 bits of 16 GiB", GPU_CARD, NULL, {BITS("33\n")}, {COHERENT, 33, KERNEL, ANY, 0}},
	{"34 bits of 16 GiB", GPU_CARD, NULL, {BITS("34\n")},
	 {COHERENT, 34, KERNEL, ANY, SURE | ALL}},
	{"32 bits of 2 GiB", GPU_CARD, NULL, {BITS("32\n"), SMALL},
	 {COHERENT, 32, KERNEL, ANY, SURE | ALL}},
	{"32 bits of 16 GiB, never bounced", GPU_CARD, NULL, {BITS("32\n"), FORBIDDEN},
	 {COHERENT, 32, KERNEL, ANY, SURE}},
	{"never bounced", GPU_CARD, NULL, {FORBIDDEN}, {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"always bounced", GPU_CARD, NULL, {FORCED}, {COHERENT, 39, KERNEL, ANY, BOUNCED}},
	{"always bounced, 2 GiB", GPU_CARD, NULL, {FORCED, SMALL},
	 {COHERENT, 39, KERNEL, ANY, BOUNCED}},
	{"always bounced, but translated", GPU_CARD, NULL, {FORCED, TYPE("DMA")},
	 {COHERENT, 39, KERNEL, ANY, TRANSLATED | SURE | ALL}},
	{"nobody knows what is bounced", GPU_CARD, NULL, {UNREADABLE},
	 {COHERENT, 39, KERNEL, ANY, ALL}},
	{"nobody knows, but translated", GPU_CARD, NULL, {UNREADABLE, TYPE("DMA")},
	 {COHERENT, 39, KERNEL, ANY, TRANSLATED | SURE | ALL}},
	{"memory is not known", GPU_CARD, NULL, {BITS("64\n"), {ZONEINFO, NULL, NULL}},
	 {COHERENT, 64, KERNEL, ANY, 0}},
	{"memory is not known, never bounced", GPU_CARD, NULL,
	 {BITS("64\n"), {ZONEINFO, NULL, NULL}, FORBIDDEN}, {COHERENT, 64, KERNEL, ANY, SURE}},

	/* masks that are none */
	{"no mask", GPU_CARD, NULL, {{GPU "/dma_mask_bits", NULL, NULL}},
	 {COHERENT, 32, ASSUMED, ANY, 0}},
	{"no mask, but a quirk", GPU_CARD, &bits_64, {{GPU "/dma_mask_bits", NULL, NULL}},
	 {COHERENT, 64, VOCAB_QUIRK, ANY, SURE | ALL}},
	{"the kernel knows better", GPU_CARD, &bits_64, {{0}},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"65 bits", GPU_CARD, NULL, {BITS("65\n")}, {COHERENT, 32, ASSUMED, ANY, 0}},
	{"no bits", GPU_CARD, NULL, {BITS("0\n")}, {COHERENT, 32, ASSUMED, ANY, 0}},
	{"binary", GPU_CARD, NULL, {BITS("\x40\x01\xff")}, {COHERENT, 32, ASSUMED, ANY, 0}},

	/* what the platform does to everybody */
	{"TDX", GPU_CARD, NULL, {{CPUINFO, "flags\t: tdx_guest\n", NULL}},
	 {COHERENT, 39, KERNEL, ANY, BOUNCED}},
	{"TDX, translated", GPU_CARD, NULL,
	 {{CPUINFO, "flags\t: tdx_guest\n", NULL}, TYPE("DMA")},
	 {COHERENT, 39, KERNEL, ANY, BOUNCED}},
	{"SEV-SNP", GPU_CARD, NULL,
	 {{"/sys/devices/system/cpu/sev/vmpl", "0\n", NULL}, FORBIDDEN},
	 {COHERENT, 39, KERNEL, ANY, BOUNCED}},
	{"encrypted host", GPU_CARD, NULL, {{CPUINFO, "flags\t: sme\n", NULL}},
	 {COHERENT, 39, KERNEL, ANY, BOUNCED}},
	{"encrypted host, translated", GPU_CARD, NULL,
	 {{CPUINFO, "flags\t: sme\n", NULL}, TYPE("DMA-FQ")},
	 {COHERENT, 39, KERNEL, ANY, TRANSLATED | SURE | ALL}},
	{"Xen PV", GPU_CARD, NULL,
	 {{"/sys/hypervisor/type", "xen\n", NULL}, {"/sys/hypervisor/guest_type", "PV\n", NULL}},
	 {COHERENT, 39, KERNEL, ANY, BOUNCED}},
	{"Xen HVM", GPU_CARD, NULL,
	 {{"/sys/hypervisor/type", "xen\n", NULL}, {"/sys/hypervisor/guest_type", "HVM\n", NULL}},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},

	/* what can be plugged in */
	{"not trusted, translated", GPU_CARD, NULL,
	 {TYPE("DMA"), {GPU "/removable", "removable\n", NULL}, FORCED, BITS("32\n")},
	 {COHERENT, 64, KERNEL, ANY, SURE | ALL}},
	{"not trusted, not translated", GPU_CARD, NULL,
	 {{GPU "/removable", "removable\n", NULL}}, {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"trusted", GPU_CARD, NULL, {TYPE("DMA"), {GPU "/removable", "fixed\n", NULL}},
	 {COHERENT, 39, KERNEL, ANY, TRANSLATED | SURE | ALL}},

	/* a driver with an IOMMU domain of its own */
	{"private", GPU_CARD, &private_iommu, {{0}},
	 {COHERENT, 39, KERNEL, ANY, TRANSLATED | SURE | ALL}},
	{"private, 32 bits", GPU_CARD, &private_iommu, {BITS("32\n")},
	 {COHERENT, 32, KERNEL, ANY, 0}},
	{"private, 32 bits of 2 GiB", GPU_CARD, &private_iommu, {BITS("32\n"), SMALL},
	 {COHERENT, 32, KERNEL, ANY, TRANSLATED | SURE | ALL}},
	{"private, bounced before", GPU_CARD, &private_iommu, {FORCED},
	 {COHERENT, 39, KERNEL, ANY, BOUNCED}},
	{"private, who knows what is bounced", GPU_CARD, &private_iommu, {UNREADABLE},
	 {COHERENT, 39, KERNEL, ANY, ALL}},
	{"private, no IOMMU", GPU_CARD, &private_iommu, {{GPU "/iommu_group", NULL, NULL}},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"not private", GPU_CARD, &not_private, {{0}}, {COHERENT, 39, KERNEL, ANY, SURE | ALL}},

	/* buses */
	{"behind a bridge of VIA", GPU_CARD, NULL,
	 {{"/sys/devices/pci0000:00/vendor", "0x1106\n", NULL},
	  {"/sys/devices/pci0000:00/class", "0x060400\n", NULL}},
	 {COHERENT, 39, KERNEL, LAST_32, 0}},
	{"behind another thing of VIA", GPU_CARD, NULL,
	 {{"/sys/devices/pci0000:00/vendor", "0x1106\n", NULL},
	  {"/sys/devices/pci0000:00/class", "0x060000\n", NULL}},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"behind another's bridge", GPU_CARD, NULL,
	 {{"/sys/devices/pci0000:00/vendor", "0x8086\n", NULL},
	  {"/sys/devices/pci0000:00/class", "0x060400\n", NULL}},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"a bridge of VIA that is not above", GPU_CARD, NULL,
	 {{GPU "/vendor", "0x1106\n", NULL}, {GPU "/class", "0x060400\n", NULL}},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"USB camera", CAM_NODE, NULL, {{0}}, {COHERENT, 64, KERNEL, ANY, SURE | ALL}},
	{"no hardware", VIVID_NODE, NULL, {{0}}, {COHERENT, 32, ASSUMED, ANY, 0}},
	{"a quirk about coherency", GPU_CARD, &misses, {{0}},
	 {NON_COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"an empty device tree, as since 6.10", GPU_CARD, NULL, {{TREE "/name", "", NULL}},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},

	/* what leads nowhere */
	{"no device", "/sys/devices/virtual/video4linux/video9", NULL, {{0}},
	 {COHERENT, 32, ASSUMED, ANY, 0}},
	{"dangling device", GPU_CARD, NULL, {{GPU_CARD "/device", NULL, "../../../gone"}},
	 {COHERENT, 32, ASSUMED, ANY, 0}},
	{"device is a loop", GPU_CARD, NULL, {{GPU_CARD "/device", NULL, "device"}},
	 {COHERENT, 32, ASSUMED, ANY, 0}},
	{"device out of the tree", GPU_CARD, NULL,
	 {{GPU_CARD "/device", NULL, "../../../../../../../../../../../../../dev"}},
	 {COHERENT, 32, ASSUMED, ANY, 0}},
	{"device is a file", GPU_CARD, NULL, {{GPU_CARD "/device", "x", NULL}},
	 {COHERENT, 32, ASSUMED, ANY, 0}},
	{"dangling group", GPU_CARD, NULL, {{GPU "/iommu_group", NULL, "/sys/kernel/x"}},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"dangling subsystem", GPU_CARD, NULL, {{GPU "/subsystem", NULL, "nowhere"}},
	 {COHERENT, 39, KERNEL, ANY, SURE | ALL}},
};
/* clang-format on */

START_TEST(device_of_a_pc)
{
	make_pc();
	apply(pcs[_i].changes);
	on_machine("x86_64");
	measure_node(pcs[_i].sysfs, pcs[_i].quirk);
	check_device(pcs[_i].what, &pcs[_i].expected);
}
END_TEST

START_TEST(usb_has_its_host_controllers_dma)
{
	make_pc();
	on_machine("x86_64");
	measure_node(CAM_NODE, NULL);
	ck_assert_str_eq(vocab_string(measure.device, DEVICE_DMA_DEVICE),
			 "pci0000:00/0000:00:14.0");
	measure_node(GPU_CARD, NULL);
	ck_assert(!vocab_has(measure.device, DEVICE_DMA_DEVICE));
}
END_TEST

/* A controller without a node, made by a glue device that has one (dwc3). */
START_TEST(usb_has_its_glues_dma)
{
	make_board();
	CELLS(TREE "/soc/usb@a0000/compatible", "acme,dwc3\0");
	CELLS(TREE "/soc/usb@a0000/dma-coherent", "");
	make_node(TREE "/soc/usb@a0000", SOC "/a0000.usb");
	tree_relative_link(SOC "/a0000.usb/xhci-hcd.0.auto/subsystem", "/sys/bus/platform");
	tree_relative_link(SOC "/a0000.usb/xhci-hcd.0.auto/usb1/subsystem", "/sys/bus/usb");
	tree_relative_link(SOC "/a0000.usb/xhci-hcd.0.auto/usb1/1-1/subsystem", "/sys/bus/usb");
	tree_link(SOC "/a0000.usb/xhci-hcd.0.auto/usb1/1-1/video4linux/video7/device",
		  "../../../1-1");
	on_machine("aarch64");
	measure_node(SOC "/a0000.usb/xhci-hcd.0.auto/usb1/1-1/video4linux/video7", NULL);
	ck_assert_str_eq(vocab_string(measure.device, DEVICE_DMA_DEVICE), "platform/soc/a0000.usb");
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_COHERENCY), COHERENT);
}
END_TEST

/* Of a tree in which everything above is USB as well nothing is known. */
START_TEST(usb_without_end_is_no_trouble)
{
	tree_relative_link("/sys/devices/usb1/subsystem", "/sys/bus/usb");
	tree_link("/sys/devices/usb1/video4linux/video0/device", "../..");
	on_machine("aarch64");
	measure_node("/sys/devices/usb1/video4linux/video0", NULL);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_ADDRESS_BITS), 32);
	ck_assert(!platform_excludes_bounce(&measure));
}
END_TEST

/* --- boards --- */

#define DMA_RANGES TREE "/soc/dma-ranges"

/* Cells of three: where a window begins for the device, for the CPU (two cells), and its size. */
static void make_window(const char *cells, size_t len)
{
	tree_bytes(DMA_RANGES, cells, len);
}

static void no_window(void)
{
}

/* CPU 0 .. 1 GiB at 0xc0000000: Raspberry Pi 4's /soc */
static void window_pi4(void)
{
	make_window("\xc0\0\0\0" CELL("\0") CELL("\0") "\x40\0\0\0", 16);
}

/* CPU 0x80000000 .. 4 GiB at 0 */
static void window_offset(void)
{
	make_window(CELL("\0") CELL("\0") "\x80\0\0\0\x80\0\0\0", 16);
}

/* As above, where memory begins there */
static void window_at_memory(void)
{
	window_offset();
	tree_text(ZONEINFO, TREE_ZONE(524288, 524288));
}

static void coherent_vpu(void)
{
	CELLS(TREE "/soc/vpu@40000/dma-coherent", "");
}

static void coherent_bus(void)
{
	CELLS(TREE "/soc/dma-coherent", "");
	CELLS(TREE "/soc/isp@50000/dma-noncoherent", "");
}

static void noncoherent_vpu(void)
{
	coherent_bus();
	CELLS(TREE "/soc/vpu@40000/dma-noncoherent", "");
}

static void translated_vpu(void)
{
	CELLS(TREE "/soc/vpu@40000/iommus", CELL("\7"));
	tree_text("/sys/kernel/iommu_groups/3/type", "DMA-FQ\n");
	tree_relative_link(VPU "/iommu_group", "/sys/kernel/iommu_groups/3");
}

static void forced_translated_vpu(void)
{
	translated_vpu();
	tree_text(CMDLINE, "swiotlb=force\n");
}

/* Its node names an IOMMU, but no driver for that is there. */
static void idle_iommu(void)
{
	CELLS(TREE "/soc/vpu@40000/iommus", CELL("\7"));
}

static void idle_iommu_small(void)
{
	idle_iommu();
	tree_text(ZONEINFO, ZONES_2G);
}

static void restricted(void)
{
	CELLS(TREE "/reserved-memory/#address-cells", CELL("\2"));
	CELLS(TREE "/reserved-memory/#size-cells", CELL("\2"));
	CELLS(TREE "/reserved-memory/ranges", "");
	CELLS(TREE "/reserved-memory/pool@80000000/compatible", "restricted-dma-pool\0");
	CELLS(TREE "/reserved-memory/pool@80000000/reg",
	      CELL("\0") "\x80\0\0\0" CELL("\0") "\0\x40\0\0");
	CELLS(TREE "/reserved-memory/pool@80000000/phandle", CELL("\x9"));
	CELLS(TREE "/soc/vpu@40000/memory-region", CELL("\x9"));
	tree_text(CMDLINE, "swiotlb=noforce\n");
	tree_text(ZONEINFO, ZONES_2G);
}

static void restricted_translated(void)
{
	restricted();
	translated_vpu();
}

/* In a group, so that the kernel sets up no pool for it, but not translated. */
static void restricted_identity(void)
{
	restricted_translated();
	tree_text("/sys/kernel/iommu_groups/3/type", "identity\n");
}

static void small(void)
{
	tree_text(ZONEINFO, ZONES_2G);
}

static void coherent_pcie(void)
{
	CELLS(TREE "/soc/pcie@60000/dma-coherent", "");
}

/* On a bus for which the kernel configures nothing. */
static void vpu_on_i2c(void)
{
	coherent_vpu();
	tree_relative_link(VPU "/subsystem", "/sys/bus/i2c");
}

static void no_node_any_more(void)
{
	tree_relative_link(VPU "/of_node", TREE "/soc/gone@40000");
}

static void lost_device(void)
{
	tree_link(VPU_NODE "/device", "../../../gone");
}

/* What PCI means by that word no other bus does. */
static void removable_vpu(void)
{
	translated_vpu();
	tree_text(VPU "/removable", "removable\n");
}

/* The property is cut off. */
static void broken_window(void)
{
	make_window("\xc0\0\0", 3);
}

static void make_fabric(void)
{
	CELLS(TREE "/cpus/cpu@0/device_type", "cpu\0");
	CELLS(TREE "/cpus/cpu@1/device_type", "cpu\0");
	CELLS(TREE "/soc/coherency-fabric@21010/compatible", "marvell,coherency-fabric\0");
}

/* clang-format off */
static const struct {
	const char *what;
	const char *sysfs;
	const struct quirk *quirk;
	void (*change)(void);
	struct expected expected;
	const char *architecture; /* NULL: aarch64 */
} boards[] = {
	{"codec", VPU_NODE, NULL, no_window, {NON_COHERENT, 32, ASSUMED, ANY, 0}},
	{"codec in 2 GiB", VPU_NODE, NULL, small, {NON_COHERENT, 32, ASSUMED, ANY, SURE | ALL}},
	{"coherent codec", VPU_NODE, NULL, coherent_vpu, {COHERENT, 32, ASSUMED, ANY, 0}},
	{"coherent bus", VPU_NODE, NULL, coherent_bus, {COHERENT, 32, ASSUMED, ANY, 0}},
	{"exception on a coherent bus", VPU_NODE, NULL, noncoherent_vpu,
	 {NON_COHERENT, 32, ASSUMED, ANY, 0}},
	{"a quirk knows its mask", VPU_NODE, &bits_36, no_window,
	 {NON_COHERENT, 36, VOCAB_QUIRK, ANY, SURE | ALL}},
	{"translated", VPU_NODE, NULL, translated_vpu,
	 {NON_COHERENT, 32, ASSUMED, ANY, TRANSLATED | SURE | ALL}},
	{"translated, else bounced", VPU_NODE, NULL, forced_translated_vpu,
	 {NON_COHERENT, 32, ASSUMED, ANY, TRANSLATED | SURE | ALL}},
	{"translated, removable", VPU_NODE, NULL, removable_vpu,
	 {NON_COHERENT, 32, ASSUMED, ANY, TRANSLATED | SURE | ALL}},
	{"an IOMMU that does nothing", VPU_NODE, NULL, idle_iommu,
	 {NON_COHERENT, 32, ASSUMED, ANY, 0}},
	{"private IOMMU, 32 bits of 16 GiB", VPU_NODE, &private_iommu, idle_iommu,
	 {NON_COHERENT, 32, ASSUMED, ANY, 0}},
	{"private IOMMU, 64 bits of 16 GiB", VPU_NODE, &private_64, idle_iommu,
	 {NON_COHERENT, 64, VOCAB_QUIRK, ANY, TRANSLATED | SURE | ALL}},
	{"private IOMMU, 32 bits of 2 GiB", VPU_NODE, &private_iommu, idle_iommu_small,
	 {NON_COHERENT, 32, ASSUMED, ANY, TRANSLATED | SURE | ALL}},
	{"private IOMMU, there is none", VPU_NODE, &private_64, no_window,
	 {NON_COHERENT, 64, VOCAB_QUIRK, ANY, SURE | ALL}},
	{"private IOMMU, bounced before", VPU_NODE, &private_64, restricted,
	 {NON_COHERENT, 64, VOCAB_QUIRK, ANY, BOUNCED}},

	/* windows: the mask is one of DMA addresses, address-max is one of CPU addresses */
	{"1 GiB at 0xc0000000", VPU_NODE, NULL, window_pi4,
	 {NON_COHERENT, 32, ASSUMED, GIB - 1, 0}},
	{"1 GiB at 0xc0000000, 36 bits", VPU_NODE, &bits_36, window_pi4,
	 {NON_COHERENT, 36, VOCAB_QUIRK, GIB - 1, 0}},
	{"a window above the lowest memory", VPU_NODE, NULL, window_offset,
	 {NON_COHERENT, 32, ASSUMED, 0, 0}},
	{"a window where memory begins", VPU_NODE, NULL, window_at_memory,
	 {NON_COHERENT, 32, ASSUMED, LAST_32, SURE | ALL}},
	{"a window that is none", VPU_NODE, NULL, broken_window,
	 {NON_COHERENT, 32, ASSUMED, ANY, 0}},

	/* pools */
	{"restricted pool", VPU_NODE, NULL, restricted,
	 {NON_COHERENT, 32, ASSUMED, ANY, BOUNCED}},
	{"restricted pool, translated", VPU_NODE, NULL, restricted_translated,
	 {NON_COHERENT, 32, ASSUMED, ANY, TRANSLATED | SURE | ALL}},
	{"restricted pool, in a group", VPU_NODE, NULL, restricted_identity,
	 {NON_COHERENT, 32, ASSUMED, ANY, SURE | ALL}},

	/* PCI has its bridge's */
	{"PCIe", PCIE_CARD, NULL, no_window, {NON_COHERENT, 40, KERNEL, ANY, SURE | ALL}},
	{"PCIe, coherent", PCIE_CARD, NULL, coherent_pcie,
	 {COHERENT, 40, KERNEL, ANY, SURE | ALL}},
	{"PCIe on a coherent bus", PCIE_CARD, NULL, coherent_bus,
	 {COHERENT, 40, KERNEL, ANY, SURE | ALL}},
	{"PCIe with a window", PCIE_CARD, NULL, window_pi4,
	 {NON_COHERENT, 40, KERNEL, GIB - 1, 0}},

	/* devices that the tree does not know */
	{"no hardware", VIVID_NODE, NULL, coherent_bus, {NON_COHERENT, 32, ASSUMED, ANY, 0}},
	{"a bus that configures nothing", VPU_NODE, NULL, vpu_on_i2c,
	 {NON_COHERENT, 32, ASSUMED, ANY, 0}},
	{"no device", "/sys/devices/virtual/video4linux/video9", NULL, coherent_bus,
	 {NON_COHERENT, 32, ASSUMED, ANY, 0}},
	{"a device that is gone", VPU_NODE, NULL, lost_device, {UNKNOWN, 32, ASSUMED, ANY, 0}},
	{"a node that is gone", VPU_NODE, NULL, no_node_any_more,
	 {NON_COHERENT, 32, ASSUMED, ANY, 0}},

	/* a fabric makes all of them something else */
	{"fabric", VPU_NODE, NULL, make_fabric, {COHERENCY_BARRIER, 32, ASSUMED, ANY, 0}, "armv7l"},
	{"fabric, no hardware", VIVID_NODE, NULL, make_fabric,
	 {COHERENCY_BARRIER, 32, ASSUMED, ANY, 0}, "armv7l"},
	{"fabric, where there are none", VPU_NODE, NULL, make_fabric,
	 {NON_COHERENT, 32, ASSUMED, ANY, 0}},
	{"no fabric", VIVID_NODE, NULL, no_window, {NON_COHERENT, 32, ASSUMED, ANY, 0}, "armv7l"},
	{"fabric, but a quirk", VPU_NODE, &misses, make_fabric,
	 {NON_COHERENT, 32, ASSUMED, ANY, 0}, "armv7l"},
};
/* clang-format on */

START_TEST(device_of_a_board)
{
	make_board();
	boards[_i].change();
	on_machine(boards[_i].architecture ? boards[_i].architecture : "aarch64");
	measure_node(boards[_i].sysfs, boards[_i].quirk);
	check_device(boards[_i].what, &boards[_i].expected);
}
END_TEST

/* 31 bits on the other side of a window reach addresses of 32. */
START_TEST(mask_holds_on_the_other_side_of_a_window)
{
	const struct quirk bits_31 = {.has[QUIRK_ADDRESS_BITS] = true,
				      .number[QUIRK_ADDRESS_BITS] = 31,
				      .how[QUIRK_ADDRESS_BITS] = "a quirk"};
	const struct quirk bits_30 = {.has[QUIRK_ADDRESS_BITS] = true,
				      .number[QUIRK_ADDRESS_BITS] = 30,
				      .how[QUIRK_ADDRESS_BITS] = "a quirk"};

	make_board();
	window_at_memory();
	on_machine("aarch64");
	measure_node(VPU_NODE, &bits_31);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_ADDRESS_BITS), 32);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_ADDRESS_MAX), LAST_32);
	ck_assert_int_eq(vocab_origin(measure.device, DEVICE_ADDRESS_MAX), VOCAB_KERNEL);
	ck_assert(platform_reaches_all(&measure));
	measure_node(VPU_NODE, &bits_30);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_ADDRESS_MAX), 3 * GIB - 1);
	ck_assert_int_eq(vocab_origin(measure.device, DEVICE_ADDRESS_MAX), VOCAB_QUIRK);
	ck_assert(!platform_reaches_all(&measure));
}
END_TEST

START_TEST(window_that_misses_memory_says_so)
{
	make_board();
	window_offset();
	on_machine("aarch64");
	measure_node(VPU_NODE, NULL);
	ck_assert_how(measure.device, DEVICE_HOW, DEVICE_ADDRESS_MAX, "not reached");
	ck_assert_how(measure.device, DEVICE_HOW, DEVICE_ADDRESS_MAX, "/soc: dma-ranges");
}
END_TEST

/* What a tree says that cannot be read is not made up. */
START_TEST(tree_that_cannot_be_read_is_not_known)
{
	char deep[1024] = TREE;

	make_board();
	for (int i = 0; i < 40; i++)
		strcat(deep, "/a");
	strcat(deep, "/name");
	tree_text(deep, "a");
	on_machine("armv7l");
	measure_node(VPU_NODE, NULL);
	ck_assert(!vocab_has(measure.device, DEVICE_COHERENCY));
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_ADDRESS_MAX), 0);
	ck_assert(!platform_reaches_all(&measure) && !platform_excludes_bounce(&measure));
}
END_TEST

START_TEST(compatible_strings_are_the_nodes)
{
	make_board();
	on_machine("aarch64");
	measure_node(VPU_NODE, NULL);
	ck_assert_uint_eq(measure.device->compatible.len, 2);
	ck_assert_str_eq(measure.device->compatible.items[0], "acme,board-vpu");
	ck_assert_str_eq(measure.device->compatible.items[1], "acme,vpu");
	ck_assert_how(measure.device, DEVICE_HOW, DEVICE_COMPATIBLE, "of_node");
	CELLS(TREE "/soc/vpu@40000/compatible", "\0\xff\x01 x\0\0acme,vpu\0cut");
	measure_node(VPU_NODE, NULL);
	ck_assert_uint_eq(measure.device->compatible.len, 2);
	ck_assert_str_eq(measure.device->compatible.items[0], "???x");
	ck_assert_str_eq(measure.device->compatible.items[1], "acme,vpu");
	tree_pipe(TREE "/soc/vpu@40000/compatible");
	measure_node(VPU_NODE, NULL);
	ck_assert_uint_eq(measure.device->compatible.len, 0);
}
END_TEST

/* --- a card whose DMA others do --- */

static struct quirk done_by(const char *patterns)
{
	return (struct quirk){.has[QUIRK_DMA_DEVICE] = true,
			      .text[QUIRK_DMA_DEVICE] = patterns,
			      .how[QUIRK_DMA_DEVICE] = "a quirk"};
}

static void in_group(const char *device, const char *type)
{
	char group[128], path[256];

	snprintf(group, sizeof(group), "/sys/kernel/iommu_groups/%s", strrchr(device, '/') + 1);
	snprintf(path, sizeof(path), "%s/iommu_group", device);
	tree_relative_link(path, group);
	snprintf(path, sizeof(path), "%s/type", group);
	tree_text(path, type);
}

START_TEST(others_do_the_dma)
{
	struct quirk quirk = done_by("nobody,* acme,vop*");

	make_board();
	CELLS(TREE "/soc/vop@70000/dma-coherent", "");
	CELLS(TREE "/soc/vop@80000/dma-coherent", "");
	in_group(SOC "/70000.vop", "DMA\n");
	in_group(SOC "/80000.vop", "DMA-FQ\n");
	on_machine("aarch64");
	measure_node(CARD, &quirk);
	ck_assert_str_eq(vocab_string(measure.device, DEVICE_DMA_DEVICE),
			 "/soc/vop@70000,/soc/vop@80000");
	ck_assert_int_eq(vocab_origin(measure.device, DEVICE_DMA_DEVICE), VOCAB_QUIRK);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_COHERENCY), COHERENT);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_IOMMU), true);
	ck_assert(platform_excludes_bounce(&measure) && platform_reaches_all(&measure));
	measure_node(CARD, NULL);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_COHERENCY), NON_COHERENT);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_IOMMU), false);
}
END_TEST

START_TEST(worst_of_the_others_counts)
{
	struct quirk quirk = done_by("acme,vop*");

	make_board();
	CELLS(TREE "/soc/vop@70000/dma-coherent", "");
	in_group(SOC "/70000.vop", "DMA\n");
	on_machine("aarch64");
	measure_node(CARD, &quirk);
	ck_assert(!vocab_has(measure.device, DEVICE_COHERENCY));
	ck_assert_how(measure.device, DEVICE_HOW, DEVICE_COHERENCY, "not alike");
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_IOMMU), false);
	ck_assert(!platform_reaches_all(&measure));
	CELLS(TREE "/soc/vop@80000/status", "disabled\0");
	measure_node(CARD, &quirk);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_COHERENCY), COHERENT);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_IOMMU), true);
	ck_assert_str_eq(vocab_string(measure.device, DEVICE_DMA_DEVICE), "/soc/vop@70000");
}
END_TEST

START_TEST(worst_reach_and_bouncing_count)
{
	struct quirk quirk = done_by("acme,vop* acme,vpu");

	make_board();
	restricted();
	on_machine("aarch64");
	measure_node(CARD, &quirk);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_BOUNCED), true);
	ck_assert(!platform_excludes_bounce(&measure));
	quirk = done_by("acme,vop* acme,display-subsystem");
	window_pi4();
	measure_node(CARD, &quirk);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_BOUNCED), false);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_ADDRESS_MAX), GIB - 1);
}
END_TEST

/* A node of which no device was made, or none that can be found, still has its words. */
START_TEST(node_without_device_does_the_dma)
{
	struct quirk quirk = done_by("acme,iommu");

	make_board();
	CELLS(TREE "/soc/iommu@90000/dma-coherent", "");
	on_machine("aarch64");
	measure_node(CARD, &quirk);
	ck_assert_str_eq(vocab_string(measure.device, DEVICE_DMA_DEVICE), "/soc/iommu@90000");
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_COHERENCY), COHERENT);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_IOMMU), false);
}
END_TEST

START_TEST(others_that_are_not_there_leave_coherency_open)
{
	struct quirk quirk = done_by("acme,tpu");

	make_board();
	coherent_bus();
	on_machine("aarch64");
	measure_node(VPU_NODE, &quirk);
	ck_assert(!vocab_has(measure.device, DEVICE_COHERENCY));
	ck_assert(!vocab_has(measure.device, DEVICE_DMA_DEVICE));
	ck_assert_how(measure.device, DEVICE_HOW, DEVICE_COHERENCY, "acme,tpu");
	quirk.has[QUIRK_COHERENCY] = true;
	quirk.number[QUIRK_COHERENCY] = COHERENT;
	quirk.how[QUIRK_COHERENCY] = "a quirk";
	measure_node(VPU_NODE, &quirk);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_COHERENCY), COHERENT);
}
END_TEST

START_TEST(others_are_of_device_trees_only)
{
	struct quirk quirk = done_by("acme,vop*");

	make_pc();
	tree_text(TREE "/name", "");
	on_machine("x86_64");
	measure_node(GPU_CARD, &quirk);
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_COHERENCY), COHERENT);
	ck_assert(!vocab_has(measure.device, DEVICE_DMA_DEVICE));
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_ADDRESS_BITS), 39);
}
END_TEST

/* --- servers --- */

/* clang-format off */
static const struct {
	const char *what, *architecture, *sysfs;
	const struct quirk *quirk;
	struct change changes[CHANGES];
	struct expected expected;
} servers[] = {
	{"PCI", "aarch64", GPU_CARD, NULL, {{0}}, {UNKNOWN, 39, KERNEL, LAST_32, 0}},
	{"PCI, 2 GiB", "aarch64", GPU_CARD, NULL, {SMALL},
	 {UNKNOWN, 39, KERNEL, LAST_32, SURE | ALL}},
	{"PCI, translated", "aarch64", GPU_CARD, NULL, {TYPE("DMA")},
	 {UNKNOWN, 39, KERNEL, LAST_32, TRANSLATED | SURE | ALL}},
	{"PCI, somebody knows its limit", "aarch64", GPU_CARD, &bits_36, {{0}},
	 {UNKNOWN, 39, KERNEL, 64 * GIB - 1, SURE | ALL}},
	{"PCI that no ACPI describes", "aarch64", GPU_CARD, NULL,
	 {{"/sys/devices/pci0000:00/firmware_node", NULL, NULL}},
	 {NON_COHERENT, 39, KERNEL, ANY, SURE | ALL}},
	{"PCI on riscv", "riscv64", GPU_CARD, NULL, {{0}}, {UNKNOWN, 39, KERNEL, LAST_32, 0}},
	{"PCI on loongarch", "loongarch64", GPU_CARD, NULL, {{0}},
	 {COHERENT, 39, KERNEL, LAST_32, 0}},
	{"platform device", "aarch64", ACME_NODE, NULL, {{0}}, {UNKNOWN, 32, ASSUMED, ANY, 0}},
	{"platform device, 2 GiB", "aarch64", ACME_NODE, NULL, {SMALL},
	 {UNKNOWN, 32, ASSUMED, ANY, SURE | ALL}},
	{"platform device on a PC", "x86_64", ACME_NODE, NULL, {{0}},
	 {COHERENT, 32, ASSUMED, ANY, 0}},
	{"no hardware", "aarch64", VIVID_NODE, NULL, {{0}}, {NON_COHERENT, 32, ASSUMED, ANY, 0}},
	{"no hardware, architecture unknown", "vax", VIVID_NODE, NULL, {{0}},
	 {UNKNOWN, 32, ASSUMED, ANY, 0}},
};
/* clang-format on */

START_TEST(device_of_a_server)
{
	make_server();
	apply(servers[_i].changes);
	on_machine(servers[_i].architecture);
	measure_node(servers[_i].sysfs, servers[_i].quirk);
	check_device(servers[_i].what, &servers[_i].expected);
}
END_TEST

START_TEST(acpi_says_what_cannot_be_seen)
{
	make_server();
	on_machine("aarch64");
	measure_node(GPU_CARD, NULL);
	ck_assert_how(measure.device, DEVICE_HOW, DEVICE_COHERENCY,
		      "ACPI _CCA cannot be seen from user space");
	ck_assert_how(measure.device, DEVICE_HOW, DEVICE_ADDRESS_MAX, "_DMA");
}
END_TEST

/* --- nothing is what it should be --- */

/* Whoever does not know the machine takes the safe side. */
START_TEST(unknown_machine_is_the_safe_side)
{
	make_pc();
	tree_text(GROUP_TYPE, "identity\n");
	measure_node(GPU_CARD, NULL);
	ck_assert(!vocab_has(measure.device, DEVICE_COHERENCY));
	ck_assert(!vocab_has(measure.device, DEVICE_BOUNCED));
	ck_assert_uint_eq(vocab_number(measure.device, DEVICE_ADDRESS_MAX), LAST_32);
	ck_assert(!platform_excludes_bounce(&measure) && !platform_reaches_all(&measure));
}
END_TEST

static void make_empty(const char *path)
{
	tree_text(path, "");
}

static void make_binary(const char *path)
{
	tree_bytes(path, "\0\xff\x80\0\1\2\3\xfe\n\0", 10);
}

static void make_long(const char *path)
{
	char text[65536];

	memset(text, '7', sizeof(text));
	tree_bytes(path, text, sizeof(text));
}

static void make_lines(const char *path)
{
	char text[65536];

	memset(text, '\n', sizeof(text));
	tree_bytes(path, text, sizeof(text));
}

static void make_loop(const char *path)
{
	tree_link(path, strrchr(path, '/') + 1);
}

static void make_dangling(const char *path)
{
	tree_link(path, "nowhere/at/all");
}

static void make_way_out(const char *path)
{
	tree_link(path, "../../../../../../../../../../../../../../proc/self/maps");
}

static void make_root(const char *path)
{
	tree_link(path, "/");
}

static void (*const spoils[])(const char *path) = {
	make_empty,	make_binary,   make_long,    make_lines, make_loop,   tree_pipe,
	tree_directory, make_dangling, make_way_out, make_root,	 tree_remove,
};

struct paths {
	char *items[256];
	int len;
};

static void add_path(const char *path, void *data)
{
	struct paths *paths = data;

	ck_assert_int_lt(paths->len, LEN(paths->items));
	paths->items[paths->len++] = strdup(path);
}

/* A made-up value is in its limits, or it is not there. */
static void check_limits(const struct vocab_head *record)
{
	for (unsigned int row = 0; row < record->group->rows_len; row++) {
		const struct vocab_row *r = &record->group->rows[row];

		if (!vocab_has(record, row) || (r->type != VOCAB_U32 && r->type != VOCAB_U64))
			continue;
		ck_assert_uint_ge(vocab_number(record, row), r->min);
		ck_assert_uint_le(vocab_number(record, row), r->max);
	}
}

static const struct {
	void (*make)(void);
	const char *architecture;
	const char *nodes[4];
} spoilt[] = {
	{make_pc, "x86_64", {GPU_CARD, CAM_NODE, VIVID_NODE}},
	{make_board, "aarch64", {VPU_NODE, CARD, PCIE_CARD}},
	{make_server, "aarch64", {GPU_CARD, ACME_NODE}},
};

/* One file or link, that it can be put back. */
struct original {
	char bytes[4096], target[256];
	size_t len;
	bool is_link;
};

static void keep(const char *path, struct original *original)
{
	char full[512];
	ssize_t len;
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", tree_root(), path);
	*original = (struct original){0};
	len = readlink(full, original->target, sizeof(original->target) - 1);
	original->is_link = len >= 0;
	if (original->is_link)
		return;
	file = fopen(full, "r");
	ck_assert_ptr_nonnull(file);
	original->len = fread(original->bytes, 1, sizeof(original->bytes), file);
	fclose(file);
}

static void put_back(const char *path, const struct original *original)
{
	if (original->is_link)
		tree_link(path, original->target);
	else
		tree_bytes(path, original->bytes, original->len);
}

/* One file or link after the other is made something else, and all is measured again. Nothing
 * crashes, waits, or says what the vocabulary forbids. */
START_TEST(any_file_may_be_something_else)
{
	void (*spoil)(const char *path) = spoils[_i % LEN(spoils)];
	const int tree = _i / LEN(spoils);
	struct quirk quirk = done_by("acme,vop*");
	struct paths paths = {.len = 0};
	struct original original;

	spoilt[tree].make();
	tree_visit(add_path, &paths);
	ck_assert_int_gt(paths.len, 20);
	for (int i = 0; i < paths.len; i++) {
		keep(paths.items[i], &original);
		spoil(paths.items[i]);
		on_machine(spoilt[tree].architecture);
		check_limits(&machine->head);
		for (int n = 0; n < LEN(spoilt[tree].nodes) && spoilt[tree].nodes[n]; n++) {
			measure_node(spoilt[tree].nodes[n], &quirk);
			check_limits(&measure.device->head);
		}
		put_back(paths.items[i], &original);
		free(paths.items[i]);
	}
}
END_TEST

static Suite *platform_suite(void)
{
	Suite *suite = suite_create("platform");
	TCase *devices = tcase_create("devices"), *hostile = tcase_create("hostile");

	tcase_add_checked_fixture(devices, setup, teardown);
	tcase_set_timeout(devices, 30);
	tcase_add_loop_test(devices, device_of_a_pc, 0, LEN(pcs));
	tcase_add_test(devices, usb_has_its_host_controllers_dma);
	tcase_add_test(devices, usb_has_its_glues_dma);
	tcase_add_test(devices, usb_without_end_is_no_trouble);
	tcase_add_loop_test(devices, device_of_a_board, 0, LEN(boards));
	tcase_add_test(devices, mask_holds_on_the_other_side_of_a_window);
	tcase_add_test(devices, window_that_misses_memory_says_so);
	tcase_add_test(devices, tree_that_cannot_be_read_is_not_known);
	tcase_add_test(devices, compatible_strings_are_the_nodes);
	tcase_add_test(devices, others_do_the_dma);
	tcase_add_test(devices, worst_of_the_others_counts);
	tcase_add_test(devices, worst_reach_and_bouncing_count);
	tcase_add_test(devices, node_without_device_does_the_dma);
	tcase_add_test(devices, others_that_are_not_there_leave_coherency_open);
	tcase_add_test(devices, others_are_of_device_trees_only);
	tcase_add_loop_test(devices, device_of_a_server, 0, LEN(servers));
	tcase_add_test(devices, acpi_says_what_cannot_be_seen);
	tcase_add_test(devices, unknown_machine_is_the_safe_side);
	suite_add_tcase(suite, devices);

	tcase_add_checked_fixture(hostile, setup, teardown);
	tcase_set_timeout(hostile, 60);
	tcase_add_loop_test(hostile, any_file_may_be_something_else, 0, LEN(spoils) * LEN(spoilt));
	suite_add_tcase(suite, hostile);
	return suite;
}

int main(void)
{
	return run_suite(platform_suite());
}
