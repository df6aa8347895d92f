/* SPDX-License-Identifier: MIT */
/* Made-up machines as /sys and /proc show them. */
#include "tests/unit/platforms.h"

#include <stdio.h>

#include "broker/probe/platform.h"

void apply(const struct change *changes)
{
	for (int i = 0; i < CHANGES && changes[i].path; i++) {
		if (changes[i].text)
			tree_text(changes[i].path, changes[i].text);
		else if (changes[i].target)
			tree_link(changes[i].path, changes[i].target);
		else
			tree_remove(changes[i].path);
	}
}

void make_pc(void)
{
	tree_text(CMDLINE, "BOOT_IMAGE=/vmlinuz ro quiet\n");
	tree_text(CPUINFO, "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu sse sse2\n");
	tree_text(ZONEINFO, ZONES_16G);
	tree_text("/sys/firmware/acpi/tables/DSDT", "");
	tree_text("/sys/devices/LNXSYSTM:00/PNP0A08:00/hid", "PNP0A08\n");
	tree_link("/sys/devices/pci0000:00/firmware_node", "../LNXSYSTM:00/PNP0A08:00");
	tree_text("/sys/bus/pci/rescan", "");
	tree_text("/sys/bus/usb/uevent", "");
	tree_text("/sys/bus/platform/uevent", "");
	tree_link(GPU "/subsystem", "../../../bus/pci");
	tree_text(GPU "/dma_mask_bits", "39\n");
	tree_link(GPU "/iommu_group", "../../../kernel/iommu_groups/0");
	tree_text(GROUP_TYPE, "identity\n");
	tree_link(GPU_CARD "/device", "../../../0000:00:02.0");
	tree_link("/sys/class/drm/card0", "../../devices/pci0000:00/0000:00:02.0/drm/card0");
	tree_link("/sys/devices/pci0000:00/0000:00:14.0/subsystem", "../../../bus/pci");
	tree_text("/sys/devices/pci0000:00/0000:00:14.0/dma_mask_bits", "64\n");
	tree_link("/sys/devices/pci0000:00/0000:00:14.0/usb1/subsystem", "../../../../bus/usb");
	tree_link("/sys/devices/pci0000:00/0000:00:14.0/usb1/1-6/subsystem",
		  "../../../../../bus/usb");
	tree_link(CAM "/subsystem", "../../../../../../bus/usb");
	tree_link(CAM_NODE "/device", "../../../1-6:1.0");
	tree_link(VIVID "/subsystem", "../../../bus/platform");
	tree_link(VIVID_NODE "/device", "../../../vivid.0");
}

void make_node(const char *node, const char *device)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/of_node", device);
	tree_relative_link(path, node);
	snprintf(path, sizeof(path), "%s/subsystem", device);
	tree_relative_link(path, "/sys/bus/platform");
	snprintf(path, sizeof(path), "/sys/bus/platform/devices/%s", strrchr(device, '/') + 1);
	tree_relative_link(path, device);
}

void make_board(void)
{
	tree_text(CMDLINE, "console=ttyS0\n");
	tree_text(CPUINFO, "processor\t: 0\nFeatures\t: fp asimd\n");
	tree_text(ZONEINFO, ZONES_16G);
	tree_text("/sys/bus/platform/uevent", "");
	tree_text("/sys/bus/pci/rescan", "");
	CELLS(TREE "/compatible", "acme,board\0acme,soc\0");
	CELLS(TREE "/#address-cells", CELL("\2"));
	CELLS(TREE "/#size-cells", CELL("\2"));
	CELLS(TREE "/soc/#address-cells", CELL("\1"));
	CELLS(TREE "/soc/#size-cells", CELL("\1"));
	CELLS(TREE "/soc/ranges", "");
	CELLS(TREE "/soc/vpu@40000/compatible", "acme,board-vpu\0acme,vpu\0");
	CELLS(TREE "/soc/isp@50000/compatible", "acme,isp\0");
	CELLS(TREE "/soc/vop@70000/compatible", "acme,vop\0");
	CELLS(TREE "/soc/vop@80000/compatible", "acme,vop-lite\0");
	CELLS(TREE "/soc/pcie@60000/compatible", "acme,pcie\0");
	CELLS(TREE "/display-subsystem/compatible", "acme,display-subsystem\0");
	CELLS(TREE "/soc/iommu@90000/compatible", "acme,iommu\0");
	CELLS(TREE "/soc/iommu@90000/#iommu-cells", CELL("\0"));
	CELLS(TREE "/soc/iommu@90000/phandle", CELL("\7"));
	make_node(TREE "/soc/vpu@40000", VPU);
	make_node(TREE "/soc/isp@50000", ISP);
	make_node(TREE "/soc/vop@70000", SOC "/70000.vop");
	make_node(TREE "/soc/vop@80000", SOC "/80000.vop");
	make_node(TREE "/soc/pcie@60000", SOC "/60000.pcie");
	make_node(TREE "/display-subsystem", SOC "/display-subsystem");
	tree_link(VPU_NODE "/device", "../../../40000.vpu");
	tree_link(CARD "/device", "../../../display-subsystem");
	tree_relative_link(PCIE_GPU "/subsystem", "/sys/bus/pci");
	tree_text(PCIE_GPU "/dma_mask_bits", "40\n");
	tree_link(PCIE_CARD "/device", "../../../0000:01:00.0");
	tree_link(VIVID "/subsystem", "../../../bus/platform");
	tree_link(VIVID_NODE "/device", "../../../vivid.0");
}

void make_server(void)
{
	make_pc();
	tree_text(TREE "/chosen/bootargs", "quiet");
	tree_text("/sys/devices/LNXSYSTM:00/ACME0001:00/hid", "ACME0001\n");
	tree_link(ACME "/subsystem", "../../../bus/platform");
	tree_link(ACME "/firmware_node", "../../LNXSYSTM:00/ACME0001:00");
	tree_link(ACME_NODE "/device", "../../../ACME0001:00");
}

struct machine *measure_machine(const char *architecture)
{
	struct machine *machine;

	ck_assert_int_eq(vocab_create(&vocab_machine, &machine), 0);
	if (architecture)
		ck_assert_int_eq(
			vocab_set_string(machine, MACHINE_ARCHITECTURE, architecture, VOCAB_KERNEL),
			0);
	platform_measure_machine(tree_root(), machine);
	return machine;
}

const char *how(const void *record, unsigned int how_row, unsigned int row)
{
	const struct vocab_head *head = record;
	const struct vocab_strings *list = vocab_value(record, how_row);
	const char *name = head->group->rows[row].name;

	for (size_t i = 0; i < list->len; i++)
		if (strncmp(list->items[i], name, strlen(name)) == 0 &&
		    list->items[i][strlen(name)] == ':')
			return list->items[i] + strlen(name) + 2;
	return "";
}
