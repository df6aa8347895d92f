/* SPDX-License-Identifier: MIT */
/*
 * What the platform says of memory and of a device's way to it.
 *
 * Reach. Only PCI shows its DMA mask. Any other device is taken for 32 bit, the kernel's own
 * default, unless a quirk knows better.
 * Translation. A device behind an IOMMU sees scattered memory as one run if the default domain of
 * its group is a DMA domain; an identity domain maps nothing.
 * Bouncing. A kernel told to bounce everything (swiotlb=force) gives a device copies and never the
 * heap's own memory, wherever that lies: such a device reaches nothing. An IOMMU lifts that.
 * Coherency. x86 and s390 have no caches that DMA could miss. Elsewhere it depends on the device
 * tree or on ACPI tables that user space cannot read: unknown, which gets what either kind needs.
 * Memory. /proc/zoneinfo shows where the zones lie to everybody. Below the highest of their pages
 * lies all that a heap of normal memory can ever give.
 */
#include "broker/probe/platform.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/probe/fact.h"
#include "broker/probe/sysfs.h"

static void measure_coherency(struct device *device)
{
#if defined(__x86_64__) || defined(__i386__) || defined(__s390x__)
	fact_number(device, DEVICE_COHERENCY, COHERENCY_COHERENT, VOCAB_KERNEL);
#else
	(void)device;
#endif
}

static bool contains_word(char *text, const char *separator, const char *wanted)
{
	char *rest = NULL;

	for (char *word = strtok_r(text, separator, &rest); word;
	     word = strtok_r(NULL, separator, &rest))
		if (strcmp(word, wanted) == 0)
			return true;
	return false;
}

/* swiotlb=65536,force among the words (6.12 kernel/dma/swiotlb.c, setup_io_tlb_npages) */
bool platform_bounces_all(FILE *cmdline)
{
	static const char key[] = "swiotlb=";
	char line[4096], *rest = NULL;

	if (!fgets(line, sizeof(line), cmdline))
		return false;
	for (char *word = strtok_r(line, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest))
		if (strncmp(word, key, sizeof(key) - 1) == 0 &&
		    contains_word(word + sizeof(key) - 1, ",", "force"))
			return true;
	return false;
}

static bool bounces_all(void)
{
	FILE *cmdline = sysfs_open("/proc/cmdline");
	bool all = cmdline && platform_bounces_all(cmdline);

	if (cmdline)
		fclose(cmdline);
	return all;
}

static void measure_reach(const char *parent, const struct quirk *quirk, struct device *device)
{
	uint64_t bits;

	if (bounces_all())
		fact_number(device, DEVICE_ADDRESS_BITS, 12, VOCAB_KERNEL); /* the row's least */
	else if (sysfs_number(parent, "dma_mask_bits", &bits) == 0)
		fact_number(device, DEVICE_ADDRESS_BITS, bits, VOCAB_KERNEL);
	else if (quirk && quirk->address_bits)
		fact_number(device, DEVICE_ADDRESS_BITS, quirk->address_bits, VOCAB_QUIRK);
	else
		fact_number(device, DEVICE_ADDRESS_BITS, 32, VOCAB_ASSUMED);
}

static void measure_iommu(const char *parent, struct device *device)
{
	char type[32], group[PATH_MAX];
	struct stat status;

	if (snprintf(group, sizeof(group), "%s/iommu_group", parent) >= (int)sizeof(group))
		return;
	if (stat(group, &status) < 0) {
		if (errno == ENOENT)
			fact_number(device, DEVICE_IOMMU, false, VOCAB_KERNEL);
		return;
	}
	if (sysfs_line(group, "type", type, sizeof(type)) == 0)
		fact_number(device, DEVICE_IOMMU,
			    strcmp(type, "DMA") == 0 || strcmp(type, "DMA-FQ") == 0, VOCAB_KERNEL);
}

void platform_measure(const char *sysfs, const struct quirk *quirk, struct device *device)
{
	char parent[PATH_MAX];

	measure_coherency(device);
	if (snprintf(parent, sizeof(parent), "%s/device", sysfs) >= (int)sizeof(parent))
		return;
	measure_reach(parent, quirk, device);
	measure_iommu(parent, device);
}

static int bits_of(uint64_t value)
{
	int bits = 0;

	for (; value; value >>= 1)
		bits++;
	return bits;
}

/* A zone without pages still has its lines: spanned is 0 then, and start_pfn means nothing. */
int platform_memory_bits(FILE *zoneinfo, uint64_t page_bytes)
{
	uint64_t spanned = 0, start, highest = 0, value;
	char line[256];

	while (fgets(line, sizeof(line), zoneinfo)) {
		if (sscanf(line, " spanned %" SCNu64, &value) == 1)
			spanned = value;
		else if (sscanf(line, " start_pfn: %" SCNu64, &start) == 1 && spanned) {
			if (start < UINT64_MAX / page_bytes / 2 &&
			    spanned < UINT64_MAX / page_bytes / 2 && start + spanned > highest)
				highest = start + spanned;
			spanned = 0;
		}
	}
	return highest ? bits_of(highest * page_bytes - 1) : -EINVAL;
}

int platform_meminfo(FILE *meminfo, const char *key, uint64_t *ret_bytes)
{
	size_t key_len = strlen(key);
	char line[256];
	uint64_t kib;

	while (fgets(line, sizeof(line), meminfo)) {
		if (strncmp(line, key, key_len) != 0 || line[key_len] != ':')
			continue;
		if (sscanf(line + key_len + 1, "%" SCNu64 " kB", &kib) != 1 ||
		    kib > UINT64_MAX / 1024)
			return -ENOENT;
		*ret_bytes = kib * 1024;
		return 0;
	}
	return -ENOENT;
}
