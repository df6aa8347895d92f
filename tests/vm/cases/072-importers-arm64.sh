# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# Importers of the device tree (tests/vm/importers.dtso), one for each rule of coherency, reach and
# translation, and two on PCI behind the IOMMU, which do real DMA.
# rig: arch=arm64 modules overlay=importers timeout=300
# rig: qemu=-M virt,iommu=smmuv3 -device edu,dma_mask=0xffffffff -device edu,dma_mask=0xffffffffffffffff

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/modules/lib.sh"

load core
load v4l2 platform=2 allocator=contig,sg edu_mask_bits=32,64
load drm platform=1

attribute_is importer.0 coherent 0
attribute_is importers:coherent coherent 1
attribute_is importers:translated translated 1
for device in $(cd /sys/bus/pci/drivers/importer-edu && echo 0000:*); do
    attribute_is "$device" translated 1
    attribute_is "$device" coherent 1
    run_tap "$importers" data "$(node "$device")" /dev/dma_heap/system
done
"$importers" list | while read -r node _ model; do
    echo "# $node $model"
    "$importers" show "$node" | grep -E '^(bounce|bus_dma_limit|coherent|dma_mask|dma_ranges|iommu|reach)' | sed 's/^/#   /'
done
compare_with_broker arm64 v4l2:pci v4l2:platform/importer drm:platform/importer
check "the modules go" unload
