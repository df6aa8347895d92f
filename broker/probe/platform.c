/* SPDX-License-Identifier: MIT */
/*
 * What the platform says of a device's way to memory: which device that is.
 *
 * It is the one behind the node, with two exceptions. A USB device has no DMA of its own
 * (subject.c). And a quirk may name nodes of the device tree that do the DMA instead of a card that
 * is none by itself, as most display controllers are: then all of them that are there are measured,
 * and the worst of each fact counts (dma_merge).
 * What is said of it then: dma.c. What holds for the machine as a whole: platform-machine.c.
 */
#include "broker/probe/platform.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "broker/probe/dma.h"
#include "broker/probe/fact.h"
#include "broker/probe/sysfs.h"

#define NODES_MAX 64 /* that a quirk may name */

struct others {
	struct dma worst;
	unsigned int len;
	char names[1024];
};

static void add_other(struct platform *platform, const char *node, struct others *others)
{
	size_t len = strlen(others->names);
	struct subject subject;
	struct dma dma;

	subject_look_at_node(platform, node, &subject);
	dma_measure(platform, &subject, &dma);
	if (others->len++ == 0)
		others->worst = dma;
	else
		dma_merge(&others->worst, &dma);
	snprintf(others->names + len, sizeof(others->names) - len, "%s%s", len ? "," : "", node);
}

/* The nodes that match one of the patterns, which are parted by spaces. */
static void measure_others(struct platform *platform, const char *patterns, struct others *others)
{
	char list[1024], node[DEVICETREE_PATH_BYTES], *rest = NULL;

	*others = (struct others){0};
	snprintf(list, sizeof(list), "%s", patterns);
	for (char *pattern = strtok_r(list, " ", &rest); pattern;
	     pattern = strtok_r(NULL, " ", &rest)) {
		size_t cursor = 0;

		while (others->len < NODES_MAX &&
		       devicetree_find(&platform->tree, pattern, &cursor, node) == 0)
			add_other(platform, node, others);
	}
}

/* --- the steps --- */

/* Takes the row's facts, and says how. */
static void write_fact(struct device *device, unsigned int row, const struct dma_fact *fact)
{
	if (fact->origin != VOCAB_ABSENT)
		fact_number(device, row, fact->value, fact->origin);
	if (fact->how[0])
		fact_how(device, DEVICE_HOW, row, "%s", fact->how);
}

static void write_facts(struct device *device, const struct dma *dma)
{
	write_fact(device, DEVICE_COHERENCY, &dma->coherency);
	write_fact(device, DEVICE_ADDRESS_BITS, &dma->bits);
	write_fact(device, DEVICE_ADDRESS_MAX, &dma->last);
	write_fact(device, DEVICE_IOMMU, &dma->iommu);
	write_fact(device, DEVICE_BOUNCED, &dma->bounced);
}

static void write_dma_device(struct device *device, enum vocab_origin origin, const char *name,
			     const char *how)
{
	(void)vocab_format_string(device, DEVICE_DMA_DEVICE, origin, "%s", name);
	fact_how(device, DEVICE_HOW, DEVICE_DMA_DEVICE, "%s", how);
}

/* A path without what all of them begin with. */
static const char *bus_path(const char *path)
{
	static const char devices[] = "/sys/devices/";

	return strncmp(path, devices, sizeof(devices) - 1) == 0 ? path + sizeof(devices) - 1 : path;
}

/* The device behind the node, or what stands in for it on its bus. */
static void measure_own(struct platform *platform, struct device *device, struct dma *dma)
{
	struct subject subject = {0};
	char path[PATH_MAX];
	int error = subject_find(platform->measure, path);

	if (error) {
		subject.lost = error != -ENOENT;
	} else {
		if (subject_climb_usb(platform->root, path))
			write_dma_device(device, VOCAB_KERNEL, bus_path(path),
					 "USB: its host controller");
		subject_look(platform, path, &subject);
	}
	dma_measure(platform, &subject, dma);
}

static bool has_tree(const struct platform *platform)
{
	return platform->tree.data &&
	       (!platform->machine ||
		vocab_number(platform->machine, MACHINE_FIRMWARE) == FIRMWARE_DEVICE_TREE);
}

static void measure_with_quirk(struct platform *platform, struct device *device, struct dma *dma)
{
	const struct quirk *quirk = &platform->measure->quirk;
	struct others others;

	if (!quirk->has[QUIRK_DMA_DEVICE] || !has_tree(platform)) {
		measure_own(platform, device, dma);
		return;
	}
	measure_others(platform, quirk->text[QUIRK_DMA_DEVICE], &others);
	if (others.len) {
		*dma = others.worst;
		write_dma_device(device, VOCAB_QUIRK, others.names, quirk->how[QUIRK_DMA_DEVICE]);
		return;
	}
	measure_own(platform, device, dma);
	if (dma->coherency.origin != VOCAB_QUIRK && !(platform->cpu && platform->cpu->always))
		dma_say(&dma->coherency, COHERENCY_UNKNOWN, VOCAB_ABSENT,
			"not known: no node does its DMA that is called %.120s",
			quirk->text[QUIRK_DMA_DEVICE]);
}

/* Where memory begins: 0 if that is not known, which no window with an offset reaches. */
static uint64_t find_memory(const struct platform *platform)
{
	uint64_t first, last;
	FILE *zoneinfo;
	int error;

	zoneinfo = sysfs_open(platform->root, "/proc/zoneinfo");
	if (!zoneinfo)
		return 0;
	error = platform_memory(
		zoneinfo,
		platform->machine ? vocab_number(platform->machine, MACHINE_PAGE_BYTES) : 4096,
		&first, &last);
	fclose(zoneinfo);
	return error ? 0 : first;
}

void platform_measure(struct measure *measure)
{
	const struct machine *machine = measure->options->platform;
	struct platform platform = {
		.measure = measure,
		.root = measure->options->root ? measure->options->root : "",
		.machine = machine,
		.cpu = machine ? cpu_find(vocab_string(machine, MACHINE_ARCHITECTURE)) : NULL,
	};
	struct dma dma;

	platform.memory_first = find_memory(&platform);
	if (devicetree_sysfs_open(platform.root, &platform.tree))
		platform.tree.data = NULL;
	measure_with_quirk(&platform, measure->device, &dma);
	if (platform.tree.data)
		devicetree_sysfs_close(&platform.tree);
	write_facts(measure->device, &dma);
}

static void add_compatible(struct device *device, const char *text)
{
	char clean[256];
	size_t len = 0;

	for (; text[len] && len < sizeof(clean) - 1; len++)
		clean[len] = text[len] > 0x20 && text[len] < 0x7f ? text[len] : '?';
	clean[len] = '\0';
	if (len)
		(void)vocab_add_string(device, DEVICE_COMPATIBLE, clean, VOCAB_KERNEL);
}

/* The strings of the property come one after the other, each with its end. */
void platform_identify(struct measure *measure)
{
	char path[PATH_MAX], node[PATH_MAX], list[2048];
	size_t len;

	if (subject_find(measure, path) ||
	    snprintf(node, sizeof(node), "%.4000s/of_node", path) >= (int)sizeof(node) ||
	    sysfs_bytes(measure->options->root, node, "compatible", list, sizeof(list), &len))
		return;
	for (const char *at = list, *end = list + len; at < end; at += strlen(at) + 1) {
		if (!memchr(at, '\0', (size_t)(end - at)))
			break;
		add_compatible(measure->device, at);
	}
	if (vocab_has(measure->device, DEVICE_COMPATIBLE))
		fact_how(measure->device, DEVICE_HOW, DEVICE_COMPATIBLE, "of_node of its device");
}

bool platform_reaches_all(const struct measure *measure)
{
	const struct device *device = measure->device;

	if (vocab_number(device, DEVICE_IOMMU))
		return true;
	return !vocab_number(device, DEVICE_BOUNCED) &&
	       dma_holds_memory(measure->options->platform,
				vocab_number(device, DEVICE_ADDRESS_BITS),
				vocab_number(device, DEVICE_ADDRESS_MAX));
}

bool platform_excludes_bounce(const struct measure *measure)
{
	const struct device *device = measure->device;
	enum bounce bounce = dma_bounce(measure->options->platform);

	if (vocab_number(device, DEVICE_IOMMU))
		return true;
	if (vocab_number(device, DEVICE_BOUNCED) || !vocab_has(device, DEVICE_BOUNCED))
		return false;
	return bounce == BOUNCE_NEVER || platform_reaches_all(measure);
}
