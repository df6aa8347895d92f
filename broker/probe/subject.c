/* SPDX-License-Identifier: MIT */
/*
 * A device whose DMA is measured: where it stands in sysfs, and what is read of it there.
 *
 * A node's `device` leads to the device that its driver was bound to. A USB device has no DMA of
 * its own: buffers are mapped for the host controller (usb_intf_get_dma_device(),
 * drivers/usb/core/usb.c), more exactly for the first device above the bus that firmware or PCI
 * knows (xhci_plat_probe(), drivers/usb/host/xhci-plat.c).
 */
#include "broker/probe/subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/probe/sysfs.h"

#define TREE "/sys/firmware/devicetree/base"

/* --- where it is --- */

/* Cuts the last part off. False: what is above is no device any more. */
static bool go_up(char *path)
{
	static const char devices[] = "/sys/devices/";
	char *last = strrchr(path, '/');

	if (strncmp(path, devices, sizeof(devices) - 1) != 0 || last < path + sizeof(devices) - 1)
		return false;
	*last = '\0';
	return true;
}

static bool is_on_bus(const char *root, const char *path, const char *bus)
{
	char name[32];

	return sysfs_link_name(root, path, "subsystem", name, sizeof(name)) == 0 &&
	       strcmp(name, bus) == 0;
}

int subject_find(const struct measure *measure, char ret_path[PATH_MAX])
{
	const char *root = measure->options->root;
	char link[PATH_MAX], name[PATH_MAX];
	int error;

	if (snprintf(link, sizeof(link), "%s/device", measure->node->sysfs) >= (int)sizeof(link))
		return -ENAMETOOLONG;
	error = sysfs_resolve(root, link, ret_path);
	if (error == -ENOENT &&
	    sysfs_link_name(root, measure->node->sysfs, "device", name, sizeof(name)) == 0)
		return -EIO;
	return error;
}

static bool is_known(const char *root, const char *path)
{
	return sysfs_exists(root, path, "of_node") || sysfs_exists(root, path, "firmware_node") ||
	       is_on_bus(root, path, "pci");
}

bool subject_climb_usb(const char *root, char *path)
{
	char above[PATH_MAX];

	if (!is_on_bus(root, path, "usb"))
		return false;
	while (is_on_bus(root, path, "usb"))
		if (!go_up(path))
			return true;
	strcpy(above, path);
	while (!is_known(root, above))
		if (!go_up(above))
			return true;
	strcpy(path, above);
	return true;
}

/* --- what is read of it --- */

/* The host bridge above a PCI device: /sys/devices/.../pci0000:00. */
static bool bridge_has(const char *root, const char *path, const char *name)
{
	unsigned int domain, bus;
	char bridge[PATH_MAX];

	strcpy(bridge, path);
	do {
		const char *last = strrchr(bridge, '/');

		if (last && sscanf(last, "/pci%x:%x", &domain, &bus) == 2)
			return sysfs_exists(root, bridge, name);
	} while (go_up(bridge));
	return false;
}

/* As pci_dma_configure() and platform_dma_configure() decide; other buses configure nothing. */
static bool is_configured_by_acpi(const char *root, const struct subject *subject)
{
	if (subject->is_pci)
		return bridge_has(root, subject->path, "firmware_node");
	return subject->is_platform && sysfs_exists(root, subject->path, "firmware_node");
}

/* A type that is no word is none that we could know. */
static void look_at_group(const char *root, struct subject *subject)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
	char group[PATH_MAX], *type = subject->group_type;

	subject->grouped = sysfs_exists(root, subject->path, "iommu_group");
	if (!subject->grouped ||
	    snprintf(group, sizeof(group), "%s/iommu_group", subject->path) >= (int)sizeof(group))
		return;
	if (sysfs_line(root, group, "type", type, sizeof(subject->group_type)) ||
	    type[strspn(type, letters)])
		type[0] = '\0';
}

/* pci_set_removable() and set_pcie_untrusted(), drivers/pci/probe.c, ask for the same. */
static bool is_untrusted(const char *root, const char *path)
{
	char line[16];

	return sysfs_line(root, path, "removable", line, sizeof(line)) == 0 &&
	       strcmp(line, "removable") == 0;
}

/* Coherency fabrics are of 32-bit ARM. To look for one the whole tree must be read. */
static bool may_have_fabric(const struct platform *platform)
{
	return !platform->machine ||
	       strncmp(vocab_string(platform->machine, MACHINE_ARCHITECTURE), "arm", 3) == 0;
}

int subject_survey(struct platform *platform)
{
	int error;

	if (platform->surveyed || !may_have_fabric(platform))
		return 0;
	error = devicetree_survey(&platform->tree, &platform->survey);
	platform->surveyed = !error;
	return error;
}

enum coherency subject_default_coherency(const struct platform *platform)
{
	if (!platform->machine)
		return COHERENCY_UNKNOWN;
	return (enum coherency)vocab_number(platform->machine, MACHINE_COHERENCY);
}

/* What the tree says of a subject whose place in it is known. */
static void ask_tree(struct platform *platform, struct subject *subject)
{
	subject->in_tree = true;
	subject->tree_error = subject_survey(platform);
	if (!subject->tree_error)
		subject->tree_error = devicetree_measure(
			&platform->tree, platform->surveyed ? &platform->survey : NULL,
			&subject->place, subject_default_coherency(platform), &subject->tree);
}

static void look_at_tree(struct platform *platform, struct subject *subject)
{
	int error;

	if (!platform->tree.data)
		return;
	error = devicetree_sysfs_locate(platform->root, subject->path, &subject->place);
	if (!error) {
		ask_tree(platform, subject);
	} else if (error != -ENODATA) {
		subject->in_tree = true;
		subject->tree_error = error;
	}
}

void subject_look(struct platform *platform, const char *path, struct subject *ret)
{
	const char *root = platform->root;

	*ret = (struct subject){.is_pci = is_on_bus(root, path, "pci"),
				.is_platform = is_on_bus(root, path, "platform") ||
					       is_on_bus(root, path, "amba")};
	strcpy(ret->path, path);
	ret->untrusted = ret->is_pci && is_untrusted(root, path);
	look_at_group(root, ret);
	look_at_tree(platform, ret);
	ret->acpi = !ret->in_tree && is_configured_by_acpi(root, ret);
}

bool subject_is_behind(const struct platform *platform, const struct subject *subject,
		       const char *vendor)
{
	char above[PATH_MAX], line[8];

	strcpy(above, subject->path);
	while (go_up(above))
		if (sysfs_line(platform->root, above, "vendor", line, sizeof(line)) == 0 &&
		    strcmp(line, vendor) == 0 &&
		    sysfs_line(platform->root, above, "class", line, sizeof(line)) == 0 &&
		    strncmp(line, "0x0604", 6) == 0)
			return true;
	return false;
}

/* --- from a node of the tree to its device --- */

/* Whether the link bus/name/of_node leads to the node; then `ret_path` is the device. */
static bool is_of_node(const char *root, const char *bus, const char *name, const char *node,
		       char ret_path[PATH_MAX])
{
	char device[PATH_MAX], link[PATH_MAX], path[PATH_MAX];

	if (name[0] == '.' ||
	    snprintf(link, sizeof(link), "%s/%s/of_node", bus, name) >= (int)sizeof(link) ||
	    sysfs_resolve(root, link, path) || strncmp(path, TREE, sizeof(TREE) - 1) != 0 ||
	    strcmp(path + sizeof(TREE) - 1, node) != 0)
		return false;
	snprintf(device, sizeof(device), "%s/%s", bus, name);
	return sysfs_resolve(root, device, ret_path) == 0;
}

/* The device that was made of a node. False: none, or on another bus. */
static bool find_of_node(const char *root, const char *node, char ret_path[PATH_MAX])
{
	static const char *const buses[] = {"/sys/bus/platform/devices", "/sys/bus/amba/devices"};
	bool found = false;

	for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]) && !found; i++) {
		DIR *directory = sysfs_opendir(root, buses[i]);
		struct dirent *entry;

		if (!directory)
			continue;
		while (!found && (entry = readdir(directory)))
			found = is_of_node(root, buses[i], entry->d_name, node, ret_path);
		closedir(directory);
	}
	return found;
}

void subject_look_at_node(struct platform *platform, const char *node, struct subject *ret)
{
	char path[PATH_MAX];

	if (find_of_node(platform->root, node, path)) {
		subject_look(platform, path, ret);
		return;
	}
	*ret = (struct subject){.is_platform = true, .place = {.bus = DEVICETREE_OWN}};
	strcpy(ret->place.node, node);
	strcpy(ret->place.own, node);
	ask_tree(platform, ret);
}
