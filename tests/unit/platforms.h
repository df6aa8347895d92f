/* SPDX-License-Identifier: MIT */
/* Made-up machines as /sys and /proc show them, in a tree (tree.h), and how they are measured. */
#ifndef TESTS_PLATFORMS_H
#define TESTS_PLATFORMS_H

#include <check.h>
#include <stdint.h>
#include <string.h>

#include "broker/model/descriptor.h"
#include "tests/unit/tree.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* What a case changes in a tree. Of text, target and neither: a file, a link, or nothing there. */
struct change {
	const char *path, *text, *target;
};

#define CHANGES 6

void apply(const struct change *changes);

#define CMDLINE "/proc/cmdline"
#define CPUINFO "/proc/cpuinfo"
#define ZONEINFO "/proc/zoneinfo"

/* From 4 KiB to 2 GiB, and from 16 MiB to 16 GiB */
#define ZONES_2G TREE_ZONE(1, 524287)
#define ZONES_16G TREE_ZONE(1, 4095) TREE_ZONE(4096, 4190208)

#define GPU "/sys/devices/pci0000:00/0000:00:02.0"
#define GPU_CARD GPU "/drm/card0"
#define GROUP_TYPE "/sys/kernel/iommu_groups/0/type"
#define CAM "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-6/1-6:1.0"
#define CAM_NODE CAM "/video4linux/video0"
#define VIVID "/sys/devices/platform/vivid.0"
#define VIVID_NODE VIVID "/video4linux/video2"

/* What a PC has: 16 GiB, a graphics card in an IOMMU group, a USB camera, and a driver without
 * hardware. */
void make_pc(void);

#define TREE "/sys/firmware/devicetree/base"
#define SOC "/sys/devices/platform/soc"
#define VPU SOC "/40000.vpu"
#define VPU_NODE VPU "/video4linux/video0"
#define ISP SOC "/50000.isp"
#define CARD SOC "/display-subsystem/drm/card0"
#define PCIE_GPU SOC "/60000.pcie/pci0000:00/0000:00:00.0/0000:01:00.0"
#define PCIE_CARD PCIE_GPU "/drm/card1"
/*
 * A board of arm64 with 16 GiB from address 0 on: a codec, a display whose card is not what does
 * its DMA, two controllers that are, and a PCIe bridge with a card.
 */
void make_board(void);

/* A device in the directory `device` that was made of `node`. */
void make_node(const char *node, const char *device);

/* A property of cells: each number is "\0\0\0" and one byte, or four bytes. */
#define CELL(number) "\0\0\0" number
#define CELLS(path, cells) tree_bytes(path, cells, sizeof(cells) - 1)

#define ACME "/sys/devices/platform/ACME0001:00"
#define ACME_NODE ACME "/video4linux/video0"

/* A server of arm64 or riscv that ACPI describes, with a platform device; otherwise as the PC. The
 * boot loader's tree has nothing but /chosen. */
void make_server(void);

/* The facts of the machine in the tree, measured as one of this architecture, or of none that is
 * known (NULL). Returns owned. */
struct machine *measure_machine(const char *architecture);

/* What is said of how the row's fact was obtained; "" if nothing is. */
const char *how(const void *record, unsigned int how_row, unsigned int row);

#define ck_assert_how(record, how_row, row, part)                                   \
	ck_assert_msg(strstr(how(record, how_row, row), part), "%s: not: %s", #row, \
		      how(record, how_row, row))

#endif
