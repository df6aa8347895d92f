/* SPDX-License-Identifier: MIT */
/* broker/probe, as far as it needs no device: texts of the kernel, ids, rules, the trial's child.
 */
#include <check.h>
#include <drm_fourcc.h>
#include <drm_mode.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "broker/probe/drm.h"
#include "broker/probe/fact.h"
#include "broker/probe/fdinfo.h"
#include "broker/probe/heap.h"
#include "broker/probe/id.h"
#include "broker/probe/platform.h"
#include "broker/probe/probe.h"
#include "broker/probe/quirks.h"
#include "broker/probe/role.h"
#include "broker/probe/sysfs.h"
#include "broker/probe/trial.h"
#include "broker/probe/v4l2.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* --- ids --- */

#define LONG_34 "0123456789abcdef/0123456789abcdef/"
#define LONG_272 LONG_34 LONG_34 LONG_34 LONG_34 LONG_34 LONG_34 LONG_34 LONG_34

static const struct {
	const char *subsystem, *sysname, *devpath, *name, *index;
	const char *id; /* NULL: -ENOTSUP */
} ids[] = {
	{"video4linux", "video3", "/devices/platform/vivid.0/video4linux/video3",
	 "vivid-000-vid-cap", "0", "v4l2:platform/vivid.0:vivid-000-vid-cap:0"},
	{"video4linux", "video0",
	 "/devices/pci0000:00/0000:00:14.0/usb1/1-6/1-6:1.0/video4linux/video0",
	 "Cam: HD, 5 Mpx\xc3", "1",
	 "v4l2:pci0000:00/0000:00:14.0/usb1/1-6/1-6:1.0:Cam:-HD--5-Mpx-:1"},
	{"video4linux", "video0", "/devices/virtual/video4linux/video0", "loop", "0",
	 "v4l2:virtual:loop:0"},
	{"video4linux", "video0", "/devices/platform/a/video4linux/video0", "", "",
	 "v4l2:platform/a::"},
	{"video4linux", "v4l-subdev0", "/devices/platform/a/video4linux/v4l-subdev0", "s", "0",
	 NULL},
	{"video4linux", "radio0", "/devices/platform/a/video4linux/radio0", "s", "0", NULL},
	{"video4linux", "video0", "/devices/platform/a/video4linux/video0", NULL, "0", NULL},
	{"video4linux", "video0", "/devices/platform/a/video4linux/video0", "s", NULL, NULL},
	{"drm", "card1", "/devices/pci0000:00/0000:00:02.0/drm/card1", NULL, NULL,
	 "drm:pci0000:00/0000:00:02.0:card"},
	{"drm", "renderD128", "/devices/platform/vgem/drm/renderD128", NULL, NULL,
	 "drm:platform/vgem:render"},
	{"drm", "card1-HDMI-A-1", "/devices/x/drm/card1/card1-HDMI-A-1", NULL, NULL, NULL},
	{"drm", "card", "/devices/x/drm/card", NULL, NULL, NULL},
	{"drm", "version", "/devices/x/drm/version", NULL, NULL, NULL},
	{"dma_heap", "system", "/devices/virtual/dma_heap/system", NULL, NULL, "system"},
	{"dma_heap", "linux,cma", "/devices/virtual/dma_heap/linux,cma", NULL, NULL, "linux,cma"},
	{"dma_heap", "a b\xff", "/devices/virtual/dma_heap/x", NULL, NULL, "a-b-"},
	{"dma_heap", "", "/devices/virtual/dma_heap/", NULL, NULL, NULL},
	{"misc", "udmabuf", "/devices/virtual/misc/udmabuf", NULL, NULL, "udmabuf"},
	{"misc", "kvm", "/devices/virtual/misc/kvm", NULL, NULL, NULL},
	{"sound", "card0", "/devices/x/sound/card0", NULL, NULL, NULL},
	/* no such paths exist */
	{"drm", "card0", "", NULL, NULL, "drm::card"},
	{"drm", "card0", "card0", NULL, NULL, "drm::card"},
	{"drm", "card0", "/devices/drm/card0", NULL, NULL, "drm::card"},
	{"drm", "card0", "/elsewhere/x/drm/card0", NULL, NULL, "drm::card"},
};

START_TEST(id_is_made_of_the_bus_path)
{
	char id[ID_BYTES] = "untouched";
	int error = id_of_node(ids[_i].subsystem, ids[_i].sysname, ids[_i].devpath, ids[_i].name,
			       ids[_i].index, id);

	ck_assert_int_eq(error, ids[_i].id ? 0 : -ENOTSUP);
	ck_assert_str_eq(id, ids[_i].id ? ids[_i].id : "untouched");
}
END_TEST

START_TEST(id_of_a_long_path_keeps_its_difference)
{
	char a[ID_BYTES], b[ID_BYTES];

	ck_assert_int_eq(
		id_of_node("drm", "card0", "/devices/" LONG_272 "a/drm/card0", NULL, NULL, a), 0);
	ck_assert_int_eq(
		id_of_node("drm", "card0", "/devices/" LONG_272 "b/drm/card0", NULL, NULL, b), 0);
	ck_assert_uint_eq(strlen(a), ID_BYTES - 1);
	ck_assert_str_ne(a, b);
	ck_assert_int_eq(strncmp(a, "drm:0123", 8), 0);
}
END_TEST

/* --- procfs --- */

#define ZONE(spanned, start)                                                       \
	"  pages free     3999\n        min      1\n        spanned  " spanned     \
	"\n        present  3998\n        managed  3840\n  pagesets\n    cpu: 0\n" \
	"              count: 0\n  node_unreclaimable:  0\n  start_pfn:           " start "\n"

static const struct {
	const char *text;
	uint64_t page_bytes;
	int bits;
} zoneinfos[] = {
	{"Node 0, zone      DMA\n" ZONE("4095", "1") "Node 0, zone    DMA32\n" ZONE(
		 "258048", "4096") "Node 0, zone   Normal\n" ZONE("0", "0"),
	 4096, 30},
	{"Node 0, zone    DMA32\n" ZONE("1044480",
					"4096") "Node 0, zone   Normal\n" ZONE("524288", "1048576"),
	 4096, 33},
	{ZONE("16384", "0"), 65536, 30},
	{ZONE("1", "0"), 4096, 12},
	/* an empty zone's start means nothing */
	{ZONE("4095", "1") ZONE("0", "99999999"), 4096, 24},
	/* cut off, or no zoneinfo at all */
	{"", 4096, -EINVAL},
	{"        spanned  4095\n", 4096, -EINVAL},
	{"  start_pfn:           4096\n", 4096, -EINVAL},
	{"        spanned  \n  start_pfn: \n", 4096, -EINVAL},
	{"        spanned  -\n  start_pfn: x\n", 4096, -EINVAL},
	/* more than there can be */
	{ZONE("18446744073709551615", "18446744073709551615"), 4096, -EINVAL},
	{ZONE("1", "1125899906842623"), 4096, 62},
};

START_TEST(zoneinfo_tells_the_highest_address)
{
	FILE *file = *zoneinfos[_i].text ? fmemopen((void *)(uintptr_t)zoneinfos[_i].text,
						    strlen(zoneinfos[_i].text), "r")
					 : fopen("/dev/null", "r");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(platform_memory_bits(file, zoneinfos[_i].page_bytes), zoneinfos[_i].bits);
	fclose(file);
}
END_TEST

START_TEST(zoneinfo_cut_anywhere_is_no_trouble)
{
	const char *text = zoneinfos[0].text;

	for (size_t len = 1; len < strlen(text); len++) {
		FILE *file = fmemopen((void *)(uintptr_t)text, len, "r");
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

static const struct {
	const char *text;
	bool all;
} cmdlines[] = {
	{"quiet swiotlb=force ro\n", true},
	{"swiotlb=65536,force", true},
	{"swiotlb=65536,4,force\n", true},
	{"swiotlb=noforce swiotlb=force\n", true},
	{"quiet swiotlb=noforce\n", false},
	{"swiotlb=65536\n", false},
	{"swiotlb=forced\n", false},
	{"myswiotlb=force\n", false},
	{"swiotlb= force\n", false},
	{"swiotlb=\n", false},
	{"\n", false},
};

START_TEST(cmdline_tells_of_bouncing)
{
	FILE *file = fmemopen((void *)(uintptr_t)cmdlines[_i].text, strlen(cmdlines[_i].text), "r");

	ck_assert_int_eq(platform_bounces_all(file), cmdlines[_i].all);
	fclose(file);
}
END_TEST

START_TEST(meminfo_tells_bytes)
{
	FILE *file = fmemopen((void *)(uintptr_t)meminfos[_i].text, strlen(meminfos[_i].text), "r");
	uint64_t bytes = 0;

	ck_assert_int_eq(platform_meminfo(file, meminfos[_i].key, &bytes), meminfos[_i].error);
	ck_assert_uint_eq(bytes, meminfos[_i].bytes);
	fclose(file);
}
END_TEST

static const struct {
	const char *text;
	int error;
	const char *exporter;
} fdinfos[] = {
	{"pos:\t0\nflags:\t02\nsize:\t4096\ncount:\t2\nexp_name:\tvideobuf2_vmalloc\n", 0,
	 "videobuf2_vmalloc"},
	{"name:\texp_name: x\nexp_name:\tsystem\nexp_name:\tother\n", 0, "system"},
	{"exp_name:system", 0, "system"},
	{"exp_name:\ta_name_longer_than_the_buffer_for_it\n", 0, "a_name_longer_than_the_"},
	{"exp_name:\t\n", -ENOENT, NULL},
	{"exp_name\n", -ENOENT, NULL},
	{"pos:\t0\nflags:\t02\n", -ENOENT, NULL},
	{"\n", -ENOENT, NULL},
};

START_TEST(fdinfo_names_the_exporter)
{
	FILE *file = fmemopen((void *)(uintptr_t)fdinfos[_i].text, strlen(fdinfos[_i].text), "r");
	char name[24];

	ck_assert_int_eq(fdinfo_exporter(file, name, sizeof(name)), fdinfos[_i].error);
	if (fdinfos[_i].exporter)
		ck_assert_str_eq(name, fdinfos[_i].exporter);
	fclose(file);
}
END_TEST

/* --- sysfs --- */

static char *directory_with(const char *name, const char *text)
{
	static char directory[64], path[128];
	FILE *file;

	strcpy(directory, "/tmp/test-probe.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	return directory;
}

static void remove_directory(const char *directory, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	unlink(path);
	rmdir(directory);
}

static const struct {
	const char *text;
	int error;
	uint64_t number;
} numbers[] = {
	{"64\n", 0, 64},
	{"0", 0, 0},
	{"18446744073709551615\n", 0, UINT64_MAX},
	{"18446744073709551616\n", -EINVAL, 7},
	{"", -EINVAL, 7},
	{"\n", -EINVAL, 7},
	{"-1\n", -EINVAL, 7},
	{" 5\n", -EINVAL, 7},
	{"5 \n", -EINVAL, 7},
	{"0x10\n", -EINVAL, 7},
};

START_TEST(sysfs_number_takes_numbers_only)
{
	char *directory = directory_with("value", numbers[_i].text);
	uint64_t number = 7;

	ck_assert_int_eq(sysfs_number(directory, "value", &number), numbers[_i].error);
	ck_assert_uint_eq(number, numbers[_i].number);
	ck_assert_int_eq(sysfs_number(directory, "absent", &number), -ENOENT);
	remove_directory(directory, "value");
}
END_TEST

START_TEST(sysfs_line_is_cut_to_size)
{
	char *directory = directory_with("value", "identity\nsecond\n"), line[6];

	ck_assert_int_eq(sysfs_line(directory, "value", line, sizeof(line)), 0);
	ck_assert_str_eq(line, "ident");
	remove_directory(directory, "value");
}
END_TEST

START_TEST(sysfs_link_shows_the_last_component)
{
	char *directory = directory_with("value", ""), path[128], name[8];

	snprintf(path, sizeof(path), "%s/module", directory);
	ck_assert_int_eq(symlink("../../module/vivid", path), 0);
	ck_assert_int_eq(sysfs_link_name(directory, "module", name, sizeof(name)), 0);
	ck_assert_str_eq(name, "vivid");
	ck_assert_int_eq(sysfs_link_name(directory, "module", name, 5), -ERANGE);
	ck_assert_int_eq(sysfs_link_name(directory, "value", name, sizeof(name)), -EINVAL);
	ck_assert_int_eq(sysfs_link_name(directory, "absent", name, sizeof(name)), -ENOENT);
	unlink(path);
	remove_directory(directory, "value");
}
END_TEST

/* A device as sysfs shows it: dma_mask_bits in device/, and nothing else. */
START_TEST(platform_prefers_what_the_kernel_says)
{
	char *directory = directory_with("dma_mask_bits", "39\n"), path[128];
	const struct quirk quirk = {.address_bits = 64};
	struct device *device;

	snprintf(path, sizeof(path), "%s/device", directory);
	ck_assert_int_eq(symlink(".", path), 0);
	ck_assert_int_eq(vocab_create(&vocab_device, &device), 0);
	platform_measure(directory, &quirk, device);
	ck_assert_uint_eq(vocab_number(device, DEVICE_ADDRESS_BITS), 39);
	ck_assert_int_eq(vocab_origin(device, DEVICE_ADDRESS_BITS), VOCAB_KERNEL);
	ck_assert_uint_eq(vocab_number(device, DEVICE_IOMMU), false);
	ck_assert_int_eq(vocab_origin(device, DEVICE_IOMMU), VOCAB_KERNEL);

	remove_directory(directory, "dma_mask_bits");
	platform_measure(directory, &quirk, device);
	ck_assert_uint_eq(vocab_number(device, DEVICE_ADDRESS_BITS), 64);
	ck_assert_int_eq(vocab_origin(device, DEVICE_ADDRESS_BITS), VOCAB_QUIRK);
	platform_measure(directory, NULL, device);
	ck_assert_uint_eq(vocab_number(device, DEVICE_ADDRESS_BITS), 32);
	ck_assert_int_eq(vocab_origin(device, DEVICE_ADDRESS_BITS), VOCAB_ASSUMED);
	vocab_destroy(device);
	unlink(path);
	rmdir(directory);
}
END_TEST

static const struct {
	const char *type;
	bool translated;
} iommu_types[] = {
	{"DMA\n", true},      {"DMA-FQ\n", true}, {"identity\n", false},
	{"blocked\n", false}, {"", false},
};

START_TEST(platform_knows_which_iommu_translates)
{
	char *directory = directory_with("type", iommu_types[_i].type), device_path[128], path[128];
	struct device *device;

	snprintf(device_path, sizeof(device_path), "%s/device", directory);
	snprintf(path, sizeof(path), "%s/iommu_group", directory);
	ck_assert_int_eq(symlink(".", device_path), 0);
	ck_assert_int_eq(symlink(".", path), 0);
	ck_assert_int_eq(vocab_create(&vocab_device, &device), 0);
	platform_measure(directory, NULL, device);
	ck_assert_uint_eq(vocab_number(device, DEVICE_IOMMU), iommu_types[_i].translated);
	vocab_destroy(device);
	unlink(device_path);
	unlink(path);
	remove_directory(directory, "type");
}
END_TEST

/* --- facts, roles, quirks, heaps --- */

START_TEST(fact_text_is_printable)
{
	const char unterminated[4] = {'v', '\xc3', '\n', 'd'};
	struct device *device;

	ck_assert_int_eq(vocab_create(&vocab_device, &device), 0);
	ck_assert_int_eq(fact_text(device, DEVICE_NAME, unterminated, sizeof(unterminated)), 0);
	ck_assert_str_eq(vocab_string(device, DEVICE_NAME), "v??d");
	ck_assert_int_eq(fact_text(device, DEVICE_NAME, "", 0), 0);
	ck_assert_str_eq(vocab_string(device, DEVICE_NAME), "");
	vocab_destroy(device);
}
END_TEST

START_TEST(fact_number_out_of_range_stays_absent)
{
	struct device *device;

	ck_assert_int_eq(vocab_create(&vocab_device, &device), 0);
	fact_number(device, DEVICE_ADDRESS_BITS, 65, VOCAB_KERNEL);
	ck_assert(!vocab_has(device, DEVICE_ADDRESS_BITS));
	vocab_destroy(device);
}
END_TEST

static const struct {
	enum memory_model model;
	enum quirk_answer copies_quirk;
	enum contiguity contiguity;
	bool dma_maps, cpu_copies;
	enum vocab_origin origin, copies_origin;
} models[] = {
	{MEMORY_MODEL_UNKNOWN, QUIRK_UNSAID, CONTIGUITY_WHOLE, true, false, VOCAB_ASSUMED,
	 VOCAB_ABSENT},
	{MEMORY_MODEL_UNKNOWN, QUIRK_YES, CONTIGUITY_WHOLE, true, true, VOCAB_ASSUMED, VOCAB_QUIRK},
	{MEMORY_MODEL_VMALLOC, QUIRK_UNSAID, CONTIGUITY_NONE, false, true, VOCAB_MEASURED,
	 VOCAB_MEASURED},
	{MEMORY_MODEL_DMA_CONTIG, QUIRK_UNSAID, CONTIGUITY_USED, true, false, VOCAB_MEASURED,
	 VOCAB_MEASURED},
	{MEMORY_MODEL_DMA_CONTIG, QUIRK_YES, CONTIGUITY_USED, true, true, VOCAB_MEASURED,
	 VOCAB_QUIRK},
	{MEMORY_MODEL_DMA_SG, QUIRK_UNSAID, CONTIGUITY_NONE, true, false, VOCAB_MEASURED,
	 VOCAB_MEASURED},
	{MEMORY_MODEL_GEM_SHMEM, QUIRK_UNSAID, CONTIGUITY_NONE, true, false, VOCAB_MEASURED,
	 VOCAB_MEASURED},
	{MEMORY_MODEL_GEM_DMA, QUIRK_UNSAID, CONTIGUITY_WHOLE, true, false, VOCAB_MEASURED,
	 VOCAB_MEASURED},
	{MEMORY_MODEL_OWN_MMU, QUIRK_UNSAID, CONTIGUITY_NONE, true, false, VOCAB_MEASURED,
	 VOCAB_MEASURED},
	{MEMORY_MODEL_DEVICE, QUIRK_UNSAID, CONTIGUITY_WHOLE, true, false, VOCAB_MEASURED,
	 VOCAB_MEASURED},
};

START_TEST(role_follows_from_the_memory_model)
{
	const struct quirk quirk = {.cpu_copies = models[_i].copies_quirk};
	struct device_role *role;

	ck_assert_int_eq(vocab_create(&vocab_role, &role), 0);
	role_set_memory_model(role, models[_i].model, VOCAB_MEASURED, &quirk);
	ck_assert_uint_eq(vocab_number(role, ROLE_MEMORY_MODEL), models[_i].model);
	ck_assert_uint_eq(vocab_number(role, ROLE_CONTIGUITY), models[_i].contiguity);
	ck_assert_uint_eq(vocab_number(role, ROLE_DMA_MAPS), models[_i].dma_maps);
	ck_assert_uint_eq(vocab_number(role, ROLE_CPU_COPIES), models[_i].cpu_copies);
	ck_assert_int_eq(vocab_origin(role, ROLE_CONTIGUITY), models[_i].origin);
	ck_assert_int_eq(vocab_origin(role, ROLE_DMA_MAPS), models[_i].origin);
	ck_assert_int_eq(vocab_origin(role, ROLE_CPU_COPIES), models[_i].copies_origin);
	ck_assert_int_eq(vocab_origin(role, ROLE_MEMORY_MODEL),
			 models[_i].model ? VOCAB_MEASURED : VOCAB_ABSENT);
	vocab_destroy(role);
}
END_TEST

START_TEST(quirks_are_found_by_kind_and_driver)
{
	const struct quirk *quirk = quirk_find(KIND_V4L2, "vivid");

	ck_assert_ptr_nonnull(quirk);
	ck_assert_int_eq(quirk->cpu_copies, QUIRK_YES);
	ck_assert_int_eq(quirk->memory_model, MEMORY_MODEL_UNKNOWN);
	ck_assert_ptr_null(quirk_find(KIND_DRM, "vivid"));
	ck_assert_ptr_null(quirk_find(KIND_V4L2, ""));
	ck_assert_int_eq(quirk_find(KIND_DRM, "bochs-drm")->imports, QUIRK_NO);
	ck_assert_ptr_nonnull(quirk_find(KIND_DRM, "i915")->source);
}
END_TEST

static struct heap *measured_heap(enum exporter exporter, const char *id)
{
	struct heap *heap;

	ck_assert_int_eq(vocab_create(&vocab_heap, &heap), 0);
	ck_assert_int_eq(vocab_set_string(heap, HEAP_ID, id, VOCAB_KERNEL), 0);
	heap_measure(exporter, heap);
	return heap;
}

static const struct {
	enum exporter exporter;
	const char *id;
	bool known, contiguous;
	enum maintenance maintenance;
} heaps[] = {
	{EXPORTER_DMA_HEAP, "system", true, false, MAINTENANCE_ATTACHMENTS},
	{EXPORTER_DMA_HEAP, "reserved", true, true, MAINTENANCE_ATTACHMENTS},
	{EXPORTER_DMA_HEAP, "linux,cma", true, true, MAINTENANCE_ATTACHMENTS},
	{EXPORTER_DMA_HEAP, "default-pool", true, true, MAINTENANCE_ATTACHMENTS},
	{EXPORTER_DMA_HEAP, "default_cma_region", true, true, MAINTENANCE_ATTACHMENTS},
	{EXPORTER_DMA_HEAP, "system-uncached", false, false, MAINTENANCE_UNKNOWN},
	{EXPORTER_DMA_HEAP, "udmabuf", false, false, MAINTENANCE_UNKNOWN},
	{EXPORTER_UDMABUF, "udmabuf", true, false, MAINTENANCE_EXPORTER},
};

START_TEST(heaps_are_known_by_their_names)
{
	struct heap *heap = measured_heap(heaps[_i].exporter, heaps[_i].id);

	ck_assert(vocab_has(heap, HEAP_KNOWN));
	ck_assert_uint_eq(vocab_number(heap, HEAP_KNOWN), heaps[_i].known);
	ck_assert_uint_eq(vocab_number(heap, HEAP_CONTIGUOUS), heaps[_i].contiguous);
	ck_assert_uint_eq(vocab_number(heap, HEAP_MAINTENANCE), heaps[_i].maintenance);
	ck_assert_int_eq(vocab_has(heap, HEAP_ZEROED), heaps[_i].known);
	ck_assert_int_eq(vocab_has(heap, HEAP_ADDRESS_BITS), heaps[_i].known);
	vocab_destroy(heap);
}
END_TEST

/* --- strides of V4L2 drivers --- */

static const struct {
	const char *what;
	uint32_t format;
	uint32_t align; /* expected */
	struct {
		uint32_t width, stride;
	} samples[6];
} strides[] = {
	{"just the bytes of a row", DRM_FORMAT_XRGB8888, 1, {{16, 64}, {48, 192}, {640, 2560}}},
	{"just the bytes, three per pixel", DRM_FORMAT_RGB888, 1, {{17, 51}, {64, 192}}},
	{"rows to 32 bytes", DRM_FORMAT_NV12, 32, {{17, 32}, {27, 32}, {63, 64}, {111, 128}}},
	{"rows to 64, seen at multiples of 128", DRM_FORMAT_NV12, 128, {{100, 128}, {200, 256}}},
	{"rows to 64 pixels of three bytes", DRM_FORMAT_RGB888, 192, {{17, 192}, {65, 384}}},
	{"always the same", DRM_FORMAT_NV12, 4096, {{100, 4096}, {640, 4096}}},
	{"no rule at all", DRM_FORMAT_NV12, 2, {{100, 102}, {200, 240}}},
	{"absurdly large", DRM_FORMAT_NV12, 65536, {{100, 1u << 30}}},
	{"not told", DRM_FORMAT_NV12, 0, {{100, 0}, {200, 0}}},
	{"no samples", DRM_FORMAT_NV12, 0, {{0, 0}}},
};

START_TEST(alignment_explains_the_strides)
{
	struct v4l2_strides seen = {0};

	for (size_t i = 0; i < LEN(strides[_i].samples) && strides[_i].samples[i].width; i++) {
		struct v4l2_picture picture = {.width = strides[_i].samples[i].width,
					       .height = 16,
					       .stride = strides[_i].samples[i].stride};

		v4l2_strides_add(&seen, &picture);
	}
	ck_assert_msg(v4l2_strides_align(&seen, format_find(strides[_i].format)) ==
			      strides[_i].align,
		      "%s", strides[_i].what);
}
END_TEST

START_TEST(tail_is_the_most_beyond_a_picture)
{
	const struct format_info *nv12 = format_find(DRM_FORMAT_NV12);
	struct v4l2_strides seen = {0};
	struct v4l2_picture picture = {.width = 64, .height = 64, .stride = 64, .bytes = 6144};

	v4l2_strides_add(&seen, &picture);
	ck_assert_uint_eq(v4l2_strides_tail(&seen, nv12), 0);
	picture.bytes = 6144 + 512;
	v4l2_strides_add(&seen, &picture);
	picture.bytes = 100; /* less than the picture: nothing to learn */
	v4l2_strides_add(&seen, &picture);
	ck_assert_uint_eq(v4l2_strides_tail(&seen, nv12), 512);
	for (int i = 0; i < 100; i++)
		v4l2_strides_add(&seen, &picture);
	ck_assert_uint_eq(seen.samples_len, LEN(seen.samples));
}
END_TEST

/* --- IN_FORMATS --- */

struct blob {
	struct drm_format_modifier_blob head;
	uint32_t formats[2];
	struct drm_format_modifier modifiers[2];
};

static const struct blob good_blob = {
	.head = {.version = 1,
		 .count_formats = 2,
		 .formats_offset = offsetof(struct blob, formats),
		 .count_modifiers = 2,
		 .modifiers_offset = offsetof(struct blob, modifiers)},
	.formats = {DRM_FORMAT_XRGB8888, DRM_FORMAT_NV12},
	.modifiers = {{.formats = 1, .offset = 0, .modifier = 0x100000000000001ull},
		      {.formats = 3, .offset = 0, .modifier = DRM_FORMAT_MOD_LINEAR}},
};

static struct device_role *role_of_blob(const void *blob, size_t bytes)
{
	struct device_role *role;

	ck_assert_int_eq(vocab_create(&vocab_role, &role), 0);
	ck_assert_int_eq(drm_add_in_formats(role, blob, bytes), 0);
	return role;
}

START_TEST(in_formats_are_taken_in_their_order)
{
	struct device_role *role = role_of_blob(&good_blob, sizeof(good_blob));

	ck_assert_uint_eq(role->formats.len, 3);
	ck_assert_uint_eq(vocab_number(role->formats.items[0], FORMAT_FORMAT), DRM_FORMAT_XRGB8888);
	ck_assert_uint_eq(vocab_number(role->formats.items[0], FORMAT_MODIFIER),
			  0x100000000000001ull);
	ck_assert_uint_eq(vocab_number(role->formats.items[1], FORMAT_MODIFIER), 0);
	ck_assert_uint_eq(vocab_number(role->formats.items[2], FORMAT_FORMAT), DRM_FORMAT_NV12);
	/* the same of another plane adds nothing */
	ck_assert_int_eq(drm_add_in_formats(role, &good_blob, sizeof(good_blob)), 0);
	ck_assert_uint_eq(role->formats.len, 3);
	vocab_destroy(role);
}
END_TEST

START_TEST(in_formats_cut_anywhere_are_no_trouble)
{
	for (size_t bytes = 0; bytes < sizeof(good_blob); bytes++) {
		void *copy = malloc(bytes + 1);
		struct device_role *role;

		memcpy(copy, &good_blob, bytes);
		role = role_of_blob(copy, bytes);
		ck_assert_uint_eq(role->formats.len, 0);
		vocab_destroy(role);
		free(copy);
	}
}
END_TEST

START_TEST(in_formats_that_lie_are_no_trouble)
{
	struct blob blobs[7];

	for (size_t i = 0; i < LEN(blobs); i++)
		blobs[i] = good_blob;
	blobs[0].head.count_formats = UINT32_MAX;
	blobs[1].head.count_modifiers = UINT32_MAX;
	blobs[2].head.formats_offset = UINT32_MAX - 3;
	blobs[3].head.modifiers_offset = UINT32_MAX - 3;
	blobs[4].head.formats_offset = 1;
	blobs[5].modifiers[0].offset = blobs[5].modifiers[1].offset = UINT32_MAX;
	blobs[6].modifiers[0].formats = blobs[6].modifiers[1].formats = 0;
	for (size_t i = 0; i < LEN(blobs); i++) {
		struct device_role *role = role_of_blob(&blobs[i], sizeof(blobs[i]));

		ck_assert_uint_eq(role->formats.len, 0);
		vocab_destroy(role);
	}
}
END_TEST

/* --- trials --- */

static const struct {
	const char *line;
	int error;
	uint32_t model, capabilities;
} lines[] = {
	{"videobuf2_vmalloc 1d\n", 0, MEMORY_MODEL_VMALLOC, 0x1d},
	{"videobuf2_dma_contig 5\n", 0, MEMORY_MODEL_DMA_CONTIG, 5},
	{"videobuf2_dma_sg 0\n", 0, MEMORY_MODEL_DMA_SG, 0},
	{"i915 0\n", 0, MEMORY_MODEL_UNKNOWN, 0},
	{"videobuf2_vmalloc 1d", -EPROTO, 0, 0},
	{"videobuf2_vmalloc 1d ", -EPROTO, 0, 0},
	{"videobuf2_vmalloc\n", -EPROTO, 0, 0},
	{"videobuf2_vmalloc x\n", -EPROTO, 0, 0},
	{" 1\n", -EPROTO, 0, 0},
	{"\n", -EPROTO, 0, 0},
	{"", -EPROTO, 0, 0},
};

START_TEST(trial_line_is_understood_or_refused)
{
	struct trial_answer answer = {0};

	ck_assert_int_eq(trial_parse(lines[_i].line, &answer), lines[_i].error);
	ck_assert_uint_eq(answer.memory_model, lines[_i].model);
	ck_assert_uint_eq(answer.capabilities, lines[_i].capabilities);
}
END_TEST

START_TEST(trial_line_too_long_is_refused)
{
	struct trial_answer answer;
	char line[4 * TRIAL_LINE_BYTES];

	memset(line, 'x', sizeof(line));
	strcpy(line + sizeof(line) - 4, " 1\n");
	ck_assert_int_eq(trial_parse(line, &answer), -EPROTO);
}
END_TEST

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void check_no_children(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

/* Any program that prints its two arguments is a good trial. */
START_TEST(trial_gives_the_childs_answer)
{
	struct trial_answer answer;

	ck_assert_int_eq(trial_run("/bin/echo", 5000, "videobuf2_dma_contig", 4, &answer), 0);
	ck_assert_uint_eq(answer.memory_model, MEMORY_MODEL_DMA_CONTIG);
	ck_assert_uint_eq(answer.capabilities, 4);
	check_no_children();
}
END_TEST

static const struct {
	const char *program, *node;
	int error;
} failures[] = {
	{"/bin/false", "/dev/video0", -EPROTO},
	{"/bin/true", "/dev/video0", -EPROTO},
	{"/bin/echo", "two words", -EPROTO},
	{"/bin/cat", "/dev/zero", -ETIMEDOUT}, /* no end of its line, and none of itself */
	{"/usr/bin/yes", "x", -ETIMEDOUT},
	{"/nonexistent", "/dev/video0", -ENOENT},
	{"/dev/null", "/dev/video0", -EACCES},
};

START_TEST(trial_failure_is_an_error)
{
	struct trial_answer answer;

	ck_assert_int_eq(trial_run(failures[_i].program, 300, failures[_i].node, 1, &answer),
			 failures[_i].error);
	check_no_children();
}
END_TEST

START_TEST(trial_ends_at_its_deadline)
{
	int64_t begin = now_ms(), took;
	struct trial_answer answer;

	ck_assert_int_eq(trial_run("/bin/sleep", 200, "30", 1, &answer), -ETIMEDOUT);
	took = now_ms() - begin;
	ck_assert(took >= 200 && took < 2000);
	check_no_children();
}
END_TEST

START_TEST(trial_works_where_children_are_ignored)
{
	struct trial_answer answer;

	signal(SIGCHLD, SIG_IGN);
	ck_assert_int_eq(trial_run("/bin/echo", 5000, "videobuf2_dma_sg", 1, &answer), 0);
	ck_assert_uint_eq(answer.memory_model, MEMORY_MODEL_DMA_SG);
	ck_assert_int_eq(trial_run("/bin/sleep", 100, "30", 1, &answer), -ETIMEDOUT);
}
END_TEST

/* Also with nothing open, so that the pipe lies where the child's streams will be. */
START_TEST(trial_works_without_standard_streams)
{
	struct trial_answer answer;
	int error;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(0);
		close(1);
		close(2);
		error = trial_run("/bin/echo", 5000, "videobuf2_dma_sg", 1, &answer);
		_exit(error == 0 && answer.memory_model == MEMORY_MODEL_DMA_SG ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &error, 0), pid);
	ck_assert_int_eq(error, 0);
}
END_TEST

static void *sleep_in_vain(void *data)
{
	struct trial_answer answer;

	*(int *)data = trial_run("/bin/sleep", 300, "30", 1, &answer);
	return NULL;
}

START_TEST(trials_run_side_by_side)
{
	int64_t begin = now_ms();
	pthread_t threads[8];
	int errors[8];

	for (size_t i = 0; i < LEN(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, sleep_in_vain, &errors[i]), 0);
	for (size_t i = 0; i < LEN(threads); i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_int_eq(errors[i], -ETIMEDOUT);
	}
	ck_assert(now_ms() - begin < 2000);
	check_no_children();
}
END_TEST

/* --- nodes --- */

static const struct {
	const char *path, *subsystem;
	unsigned int major, minor;
	int error;
} nodes[] = {
	{"/nonexistent", "video4linux", 0, 0, -ENODEV},
	{"/nonexistent", "dma_heap", 0, 0, -ENODEV},
	{"/dev/null", "video4linux", 1, 3, -ENOTSUP},
	{"/dev/null", "drm", 1, 3, -ENOTSUP},
	/* the path is another device's by now */
	{"/dev/null", "video4linux", 81, 0, -ENODEV},
	{"/dev/null", "dma_heap", 252, 0, -ENODEV},
	{"/dev", "drm", 0, 0, -ENOTSUP},
	{"/dev/null/x", "drm", 0, 0, -ENOTSUP},
};

START_TEST(measuring_what_is_no_device_fails)
{
	struct probe_node node = {.id = (char[]){"id"},
				  .node = (char *)(uintptr_t)nodes[_i].path,
				  .sysfs = (char[]){"/nonexistent"},
				  .subsystem = (char *)(uintptr_t)nodes[_i].subsystem,
				  .number = makedev(nodes[_i].major, nodes[_i].minor)};
	void *record = &node;

	ck_assert_int_eq(probe_measure(&node, NULL, &record), nodes[_i].error);
	ck_assert_ptr_eq(record, &node);
}
END_TEST

START_TEST(node_copy_stands_alone)
{
	struct probe_node node = {.id = (char[]){"system"},
				  .node = (char[]){"/dev/dma_heap/system"},
				  .sysfs = (char[]){"/sys/x"},
				  .subsystem = (char[]){"dma_heap"},
				  .number = 7};
	struct probe_node copy;

	ck_assert_int_eq(probe_node_copy(&node, &copy), 0);
	ck_assert_str_eq(copy.id, node.id);
	ck_assert_ptr_ne(copy.id, node.id);
	ck_assert_str_eq(copy.sysfs, node.sysfs);
	ck_assert_uint_eq(copy.number, 7);
	ck_assert(probe_node_is_heap(&copy));
	probe_node_finish(&copy);
	probe_node_finish(&copy);
}
END_TEST

static void count_event(void *data, enum probe_event event, const struct probe_node *node)
{
	ck_assert_int_eq(event, PROBE_ADDED);
	ck_assert(*node->id && *node->node && *node->sysfs);
	++*(int *)data;
}

/* On the machine of the test, whatever it has. */
START_TEST(enumeration_can_be_repeated)
{
	struct probe *probe;
	int first = 0, second = 0;

	ck_assert_int_eq(probe_create(NULL, &probe), 0);
	ck_assert_int_ge(probe_get_fd(probe), 0);
	ck_assert_int_eq(probe_enumerate(probe, count_event, &first), 0);
	ck_assert_int_eq(probe_enumerate(probe, count_event, &second), 0);
	ck_assert_int_eq(first, second);
	probe_destroy(probe);
	probe_destroy(NULL);
}
END_TEST

START_TEST(machine_is_described)
{
	struct machine *machine;

	ck_assert_int_eq(vocab_create(&vocab_machine, &machine), 0);
	ck_assert_int_eq(probe_machine(machine), 0);
	ck_assert_str_ne(vocab_string(machine, MACHINE_ARCHITECTURE), "");
	ck_assert_str_ne(vocab_string(machine, MACHINE_KERNEL), "");
	ck_assert_uint_eq(vocab_number(machine, MACHINE_PAGE_BYTES),
			  (uint64_t)sysconf(_SC_PAGESIZE));
	vocab_destroy(machine);
}
END_TEST

static Suite *probe_suite(void)
{
	Suite *suite = suite_create("probe");
	TCase *texts = tcase_create("texts"), *rules = tcase_create("rules");
	TCase *trials = tcase_create("trials"), *measuring = tcase_create("nodes");

	tcase_add_loop_test(texts, id_is_made_of_the_bus_path, 0, LEN(ids));
	tcase_add_test(texts, id_of_a_long_path_keeps_its_difference);
	tcase_add_loop_test(texts, zoneinfo_tells_the_highest_address, 0, LEN(zoneinfos));
	tcase_add_test(texts, zoneinfo_cut_anywhere_is_no_trouble);
	tcase_add_loop_test(texts, meminfo_tells_bytes, 0, LEN(meminfos));
	tcase_add_loop_test(texts, fdinfo_names_the_exporter, 0, LEN(fdinfos));
	tcase_add_loop_test(texts, sysfs_number_takes_numbers_only, 0, LEN(numbers));
	tcase_add_test(texts, sysfs_line_is_cut_to_size);
	tcase_add_test(texts, sysfs_link_shows_the_last_component);
	tcase_add_loop_test(texts, cmdline_tells_of_bouncing, 0,
			    (int)(sizeof(cmdlines) / sizeof(cmdlines[0])));
	tcase_add_test(texts, platform_prefers_what_the_kernel_says);
	tcase_add_loop_test(texts, platform_knows_which_iommu_translates, 0, LEN(iommu_types));
	suite_add_tcase(suite, texts);

	tcase_add_test(rules, fact_text_is_printable);
	tcase_add_test(rules, fact_number_out_of_range_stays_absent);
	tcase_add_loop_test(rules, role_follows_from_the_memory_model, 0, LEN(models));
	tcase_add_test(rules, quirks_are_found_by_kind_and_driver);
	tcase_add_loop_test(rules, heaps_are_known_by_their_names, 0, LEN(heaps));
	tcase_add_loop_test(rules, alignment_explains_the_strides, 0, LEN(strides));
	tcase_add_test(rules, tail_is_the_most_beyond_a_picture);
	tcase_add_test(rules, in_formats_are_taken_in_their_order);
	tcase_add_test(rules, in_formats_cut_anywhere_are_no_trouble);
	tcase_add_test(rules, in_formats_that_lie_are_no_trouble);
	suite_add_tcase(suite, rules);

	tcase_set_timeout(trials, 20);
	tcase_add_loop_test(trials, trial_line_is_understood_or_refused, 0, LEN(lines));
	tcase_add_test(trials, trial_line_too_long_is_refused);
	tcase_add_test(trials, trial_gives_the_childs_answer);
	tcase_add_loop_test(trials, trial_failure_is_an_error, 0, LEN(failures));
	tcase_add_test(trials, trial_ends_at_its_deadline);
	tcase_add_test(trials, trial_works_where_children_are_ignored);
	tcase_add_test(trials, trial_works_without_standard_streams);
	tcase_add_test(trials, trials_run_side_by_side);
	suite_add_tcase(suite, trials);

	tcase_add_loop_test(measuring, measuring_what_is_no_device_fails, 0, LEN(nodes));
	tcase_add_test(measuring, node_copy_stands_alone);
	tcase_add_test(measuring, enumeration_can_be_repeated);
	tcase_add_test(measuring, machine_is_described);
	suite_add_tcase(suite, measuring);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(probe_suite());
	int failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
