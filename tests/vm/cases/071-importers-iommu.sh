# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# Importers on a machine with more memory than 32 bits reach, and an IOMMU in front of those on PCI, which
# do real DMA: first translated, then not.
# rig: modules memory=6G
# rig: qemu=-M q35 -device intel-iommu -device edu -device edu,dma_mask=0xffffffff -device edu,dma_mask=0xffffffffffffffff

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/modules/lib.sh"

driver=/sys/bus/pci/drivers/importer-edu

load core
load v4l2 platform=4 mask_bits=32,33,64,32 allocator=contig,contig,sg,sg edu_mask_bits=28,32,64
load drm platform=1

edus=$(cd $driver && echo 0000:*)
# shellcheck disable=SC2086 # one each
set -- $edus
middle=$2 wide=$3

for edu in $edus; do
    attribute_is "$edu" translated 1
    run_tap "$importers" data "$(node "$edu")" /dev/dma_heap/system
done
run_tap "$importers" data "$(node importer.0)" /dev/dma_heap/system /dev/dma_heap/reserved udmabuf
run_tap "$importers" data "$(node importer.1)" /dev/dma_heap/reserved
run_tap "$importers" data "$(node importer.2)" /dev/dma_heap/system udmabuf
compare_with_broker translated v4l2:pci v4l2:platform/importer drm:platform/importer

for edu in $edus; do
    echo "$edu" >"$driver/unbind"
    echo identity >"/sys/bus/pci/devices/$edu/iommu_group/type" || not_ok "$edu: without translation"
done
# not the first, which reaches neither memory nor bounce buffers now
for edu in $middle $wide; do
    check "$edu comes again" eval "echo $edu >$driver/bind"
    attribute_is "$edu" iommu identity
done
run_tap "$importers" data "$(node "$middle")" /dev/dma_heap/system udmabuf
run_tap "$importers" data "$(node "$wide")" /dev/dma_heap/system /dev/dma_heap/reserved
compare_with_broker identity v4l2:pci
check "the modules go" unload
