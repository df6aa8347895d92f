/* SPDX-License-Identifier: MIT */
/*
 * What is said of a device's DMA.
 *
 * Coherency. From the device tree, if the kernel configures the device's DMA from it
 * (devicetree_measure); an architecture that always snoops needs none. What ACPI says (_CCA) is in
 * no file: unknown, where the architecture is one that asks it. A device of which no firmware says
 * anything has the architecture's default.
 *
 * Reach. Only PCI shows its DMA mask. It is read when the node is there, and drivers set it before
 * they register one: it is what the kernel will compare addresses with (dma_capable(),
 * include/linux/dma-direct.h). Any other device is taken for 32 bit, the kernel's own default
 * (setup_pdev_dma_masks(), drivers/base/platform.c), unless a quirk knows better. The mask is one
 * of DMA addresses. Where a bus has windows with an offset (dma-ranges), devicetree_reach() says up
 * to which CPU address that is; then address-max is that one, and address-bits as many as it has. A
 * window that begins above the lowest memory reaches nothing for certain: address-max 0. Limits
 * that ACPI sets (_DMA, IORT) cannot be seen: 32 bits, or the quirk's, off x86, which sets none. On
 * x86 whatever is behind a VIA bridge has 32 (via_no_dac(), arch/x86/kernel/pci-dma.c).
 *
 * Translation. A device behind an IOMMU sees scattered memory as one run if the default domain of
 * its group is a DMA domain; in an identity domain it sees memory as it lies. Memory for a PCI
 * device that can be plugged in by anybody is mapped piece by piece, so that reach is lifted and
 * contiguity is not (iommu_dma_map_sg_swiotlb(), drivers/iommu/dma-iommu.c; such a device is told
 * by its `removable`, pci_set_removable()). A driver that maps through a domain of its own
 * (quirk private-iommu) makes runs whatever the group's type is. But the kernel maps for the device
 * first, without IOMMU, and would bounce what that does not reach. So it counts only if all memory
 * is within reach and nothing is bounced anyway. In a confidential guest an IOMMU helps nobody.
 *
 * Bouncing. If the machine bounces everything, that device is bounced which no IOMMU translates
 * for; so is one with a restricted-dma-pool, unless it is in an IOMMU group
 * (of_dma_set_restricted_buffer(), drivers/of/device.c).
 *
 * Example, a card behind an IOMMU with the group type identity and 39 bits on a PC with 64 GiB:
 * coherent (x86), address-bits 39, not translated; memory-max has 37 bits, so it reaches all of it,
 * and a trial's verdict counts.
 */
#include "broker/probe/dma.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker/probe/sysfs.h"

#define BITS_LEAST 12 /* of the vocabulary's row */
#define BITS_ASSUMED 32

void dma_say(struct dma_fact *fact, uint64_t value, enum vocab_origin origin, const char *format,
	     ...)
{
	va_list args;

	fact->value = value;
	fact->origin = origin;
	va_start(args, format);
	vsnprintf(fact->how, sizeof(fact->how), format, args);
	va_end(args);
}

static uint64_t highest_of_bits(uint64_t bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

static unsigned int bits_of(uint64_t value)
{
	unsigned int bits = 0;

	for (; value; value >>= 1)
		bits++;
	return bits;
}

/* --- coherency --- */

/* A device that no firmware describes. On a machine with a coherency fabric the kernel marks it as
 * well, if it is on one of these two buses. */
static void measure_default_coherency(struct platform *platform, const struct subject *subject,
				      struct dma_fact *fact)
{
	enum coherency coherency = subject_default_coherency(platform);

	if (platform->tree.data && (subject->is_pci || subject->is_platform) &&
	    subject_survey(platform) == 0 && platform->surveyed &&
	    platform->survey.fabric != COHERENCY_NON_COHERENT)
		dma_say(fact, platform->survey.fabric, VOCAB_KERNEL, "%s",
			platform->survey.fabric_how);
	else if (coherency == COHERENCY_UNKNOWN)
		dma_say(fact, coherency, VOCAB_ABSENT,
			"not known: the architecture's default is not");
	else
		dma_say(fact, coherency, VOCAB_KERNEL,
			"no firmware describes it: the architecture's default");
}

static void measure_coherency(struct platform *platform, const struct subject *subject,
			      struct dma_fact *fact)
{
	const struct quirk *quirk = &platform->measure->quirk;

	if (quirk->has[QUIRK_COHERENCY])
		dma_say(fact, quirk->number[QUIRK_COHERENCY], VOCAB_QUIRK, "%s",
			quirk->how[QUIRK_COHERENCY]);
	else if (platform->cpu && platform->cpu->always)
		dma_say(fact, COHERENCY_COHERENT, VOCAB_KERNEL, "the architecture: all DMA snoops");
	else if (subject->lost)
		dma_say(fact, COHERENCY_UNKNOWN, VOCAB_ABSENT,
			"not known: its device is not where the link to it leads");
	else if (subject->in_tree && subject->tree_error)
		dma_say(fact, COHERENCY_UNKNOWN, VOCAB_ABSENT, "not known: device tree: %s",
			strerror(-subject->tree_error));
	else if (subject->in_tree)
		dma_say(fact, subject->tree.coherency, VOCAB_KERNEL, "%s",
			subject->tree.coherency_how);
	else if (subject->acpi)
		dma_say(fact, COHERENCY_UNKNOWN, VOCAB_ABSENT,
			"not known: ACPI _CCA cannot be seen from user space");
	else
		measure_default_coherency(platform, subject, fact);
	if (fact->value == COHERENCY_UNKNOWN)
		fact->origin = VOCAB_ABSENT;
}

/* --- reach --- */

static void measure_mask(const struct platform *platform, const struct subject *subject,
			 struct dma_fact *fact)
{
	const struct quirk *quirk = &platform->measure->quirk;
	uint64_t bits;

	if (subject->path[0] &&
	    sysfs_number(platform->root, subject->path, "dma_mask_bits", &bits) == 0 &&
	    bits >= BITS_LEAST && bits <= 64)
		dma_say(fact, bits, VOCAB_KERNEL, "dma_mask_bits of the PCI device");
	else if (quirk->has[QUIRK_ADDRESS_BITS])
		dma_say(fact, quirk->number[QUIRK_ADDRESS_BITS], VOCAB_QUIRK, "%s",
			quirk->how[QUIRK_ADDRESS_BITS]);
	else
		dma_say(fact, BITS_ASSUMED, VOCAB_ASSUMED,
			"its DMA mask cannot be seen: the kernel's default");
}

/* Through the windows of its bus. With an offset a mask of few bits may reach addresses of more. */
static void measure_windows(const struct platform *platform, const struct subject *subject,
			    struct dma *dma)
{
	uint64_t mask = highest_of_bits(dma->bits.value), first = platform->memory_first;
	uint64_t last, window;

	if (subject->tree_error) {
		dma_say(&dma->last, 0, VOCAB_ASSUMED, "device tree: %s: nothing is certain",
			strerror(-subject->tree_error));
		return;
	}
	if (!subject->tree.ranged)
		return;
	if (devicetree_reach(&subject->tree, mask, first, &last)) {
		dma_say(&dma->last, 0, VOCAB_KERNEL,
			"%.120s: memory begins at 0x%" PRIx64 ", which is not reached",
			subject->tree.reach_how, first);
		return;
	}
	if (devicetree_reach(&subject->tree, UINT64_MAX, first, &window))
		window = last;
	dma_say(&dma->last, last, window == last ? VOCAB_KERNEL : dma->bits.origin, "%.200s",
		subject->tree.reach_how);
	if (bits_of(last) > dma->bits.value)
		dma_say(&dma->bits, bits_of(last), dma->bits.origin,
			"%u bits on the other side of %.120s", (unsigned int)dma->bits.value,
			subject->tree.reach_how);
}

static void measure_acpi_limit(const struct platform *platform, struct dma *dma)
{
	const struct quirk *quirk = &platform->measure->quirk;

	if (quirk->has[QUIRK_ADDRESS_BITS])
		dma_say(&dma->last, highest_of_bits(quirk->number[QUIRK_ADDRESS_BITS]), VOCAB_QUIRK,
			"%s", quirk->how[QUIRK_ADDRESS_BITS]);
	else if (dma->bits.value > BITS_ASSUMED)
		dma_say(&dma->last, highest_of_bits(BITS_ASSUMED), VOCAB_ASSUMED,
			"limits that ACPI sets (_DMA, IORT) cannot be seen from user space");
}

static void measure_reach(const struct platform *platform, const struct subject *subject,
			  struct dma *dma)
{
	bool x86 = platform->cpu && platform->cpu->x86;

	measure_mask(platform, subject, &dma->bits);
	if (subject->in_tree)
		measure_windows(platform, subject, dma);
	else if (subject->acpi && !x86)
		measure_acpi_limit(platform, dma);
	else if (subject->is_pci && x86 && subject_is_behind(platform, subject, "0x1106"))
		dma_say(&dma->last, highest_of_bits(32), VOCAB_KERNEL,
			"behind a PCI bridge of VIA");
}

/* --- IOMMU and bouncing --- */

enum bounce dma_bounce(const struct machine *machine)
{
	return machine ? (enum bounce)vocab_number(machine, MACHINE_BOUNCE) : BOUNCE_UNKNOWN;
}

bool dma_holds_memory(const struct machine *machine, uint64_t bits, uint64_t last)
{
	uint64_t reach = highest_of_bits(bits);

	if (last < reach)
		reach = last;
	return machine && vocab_has(machine, MACHINE_MEMORY_MAX) &&
	       vocab_number(machine, MACHINE_MEMORY_MAX) <= reach;
}

static uint64_t last_of(const struct dma *dma)
{
	return dma->last.origin == VOCAB_ABSENT ? UINT64_MAX : dma->last.value;
}

/* What is mapped for it goes through a pool of its own. */
static bool has_restricted_pool(const struct subject *subject)
{
	return subject->in_tree && !subject->tree_error && !subject->grouped &&
	       subject->tree.memory.kind == DEVICETREE_MEMORY_BOUNCE;
}

static void measure_private_iommu(const struct platform *platform, const struct subject *subject,
				  struct dma *dma)
{
	const char *how = platform->measure->quirk.how[QUIRK_PRIVATE_IOMMU];
	bool in_tree = subject->in_tree && !subject->tree_error && subject->tree.iommu;
	enum bounce bounce = dma_bounce(platform->machine);

	if (!subject->grouped && !in_tree)
		dma_say(&dma->iommu, false, VOCAB_KERNEL, "neither iommu_group nor iommus: %.150s",
			how);
	else if (bounce == BOUNCE_ALWAYS || bounce == BOUNCE_UNKNOWN ||
		 has_restricted_pool(subject) ||
		 !dma_holds_memory(platform->machine, dma->bits.value, last_of(dma)))
		dma_say(&dma->iommu, false, VOCAB_KERNEL,
			"the kernel may bounce before the driver's own IOMMU maps: %.120s", how);
	else
		dma_say(&dma->iommu, true, VOCAB_QUIRK, "%.200s", how);
}

/* What nobody vouches for is mapped piece by piece: no run, but all within reach, none bounced. */
static void measure_translated(const struct subject *subject, struct dma *dma)
{
	if (!subject->untrusted) {
		dma_say(&dma->iommu, true, VOCAB_KERNEL, "iommu_group/type: %s",
			subject->group_type);
		return;
	}
	dma_say(&dma->iommu, false, VOCAB_KERNEL,
		"iommu_group/type: %s, but it is not trusted: pieces are mapped one by one",
		subject->group_type);
	dma_say(&dma->bits, 64, VOCAB_KERNEL, "an IOMMU translates each piece");
	dma->last = (struct dma_fact){0};
	dma_say(&dma->bounced, false, VOCAB_KERNEL, "an IOMMU translates each piece");
}

static bool has_dma_domain(const struct subject *subject)
{
	return strcmp(subject->group_type, "DMA") == 0 ||
	       strcmp(subject->group_type, "DMA-FQ") == 0;
}

static void measure_iommu(const struct platform *platform, const struct subject *subject,
			  struct dma *dma)
{
	const struct quirk *quirk = &platform->measure->quirk;

	if (platform->machine && vocab_number(platform->machine, MACHINE_CONFIDENTIAL))
		dma_say(&dma->iommu, false, VOCAB_KERNEL,
			"confidential guest: devices see shared memory only, translated or not");
	else if (has_dma_domain(subject))
		measure_translated(subject, dma);
	else if (quirk->has[QUIRK_PRIVATE_IOMMU] && quirk->number[QUIRK_PRIVATE_IOMMU])
		measure_private_iommu(platform, subject, dma);
	else if (!subject->grouped)
		dma_say(&dma->iommu, false, VOCAB_KERNEL, "no iommu_group");
	else if (!subject->group_type[0])
		dma_say(&dma->iommu, false, VOCAB_ASSUMED, "iommu_group/type cannot be read");
	else
		dma_say(&dma->iommu, false, VOCAB_KERNEL, "iommu_group/type: %s",
			subject->group_type);
}

static void measure_bounced(const struct platform *platform, const struct subject *subject,
			    struct dma *dma)
{
	const struct machine *machine = platform->machine;

	if (dma->bounced.origin != VOCAB_ABSENT)
		return;
	if (has_restricted_pool(subject))
		dma_say(&dma->bounced, true, VOCAB_KERNEL, "%.200s", subject->tree.memory_how);
	else if (dma->iommu.value)
		dma_say(&dma->bounced, false, VOCAB_KERNEL, "an IOMMU translates");
	else if (dma_bounce(machine) == BOUNCE_ALWAYS)
		dma_say(&dma->bounced, true, vocab_origin(machine, MACHINE_BOUNCE),
			"the machine bounces everything, and no IOMMU translates");
	else if (dma_bounce(machine) == BOUNCE_UNKNOWN)
		dma_say(&dma->bounced, false, VOCAB_ABSENT,
			"not known: neither is what the machine bounces");
	else
		dma_say(&dma->bounced, false, VOCAB_KERNEL,
			"the machine does not bounce everything");
}

void dma_measure(struct platform *platform, const struct subject *subject, struct dma *dma)
{
	*dma = (struct dma){0};
	measure_coherency(platform, subject, &dma->coherency);
	measure_reach(platform, subject, dma);
	measure_iommu(platform, subject, dma);
	measure_bounced(platform, subject, dma);
}

/* --- several devices --- */

/* Devices that differ are of no kind: what either needs must be done. */
static void merge_coherency(struct dma_fact *worst, const struct dma_fact *other)
{
	if (worst->origin == VOCAB_ABSENT ||
	    (other->origin != VOCAB_ABSENT && worst->value == other->value))
		return;
	if (other->origin == VOCAB_ABSENT)
		*worst = *other;
	else
		dma_say(worst, COHERENCY_UNKNOWN, VOCAB_ABSENT,
			"not known: they are not alike: %.180s", other->how);
}

/* Bounced is worse than that it is not known, and that is worse than not. */
static int badness(const struct dma_fact *bounced)
{
	if (bounced->value)
		return 2;
	return bounced->origin == VOCAB_ABSENT;
}

void dma_merge(struct dma *worst, const struct dma *other)
{
	merge_coherency(&worst->coherency, &other->coherency);
	if (other->bits.value < worst->bits.value)
		worst->bits = other->bits;
	if (other->last.origin != VOCAB_ABSENT && last_of(other) < last_of(worst))
		worst->last = other->last;
	if (!other->iommu.value && worst->iommu.value)
		worst->iommu = other->iommu;
	if (badness(&other->bounced) > badness(&worst->bounced))
		worst->bounced = other->bounced;
}
