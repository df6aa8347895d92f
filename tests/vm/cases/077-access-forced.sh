# shellcheck shell=sh disable=SC1091,SC2046,SC2086,SC2154
# SPDX-License-Identifier: MIT
#
# The same on x86-64, where all devices snoop, with the kernel bouncing all that is mapped. Beside it, pictures
# through two chains of devices with a real DMA engine, which is slow.
# rig: modules timeout=600
# rig: qemu=-device edu,dma_mask=0xffffffff -device edu,dma_mask=0xffffffff
# rig: cmdline=swiotlb=force

. "$SRC/tests/vm/access.sh"

agents="cpu=cpu
    vivid-000=capture@$vivid-000-vid-cap:0 vivid-001=capture@$vivid-001-vid-cap:0
    vivid-000-out=output@$vivid-000-vid-out:1 vivid-001-out=output@$vivid-001-vid-out:1
    encoder=output@$codec-encoder:0 decoder=capture@$codec-decoder:1
    vkms=scanout@drm:platform/vkms:card vkms-writeback=writeback@drm:platform/vkms:card
    vgem=render@drm:platform/vgem:render
    camera=capture@v4l2:platform/importer.0:importer:0 reader=output@v4l2:platform/importer.1:importer:0
    display=scanout@drm:platform/importer-drm.0:card"

load core
load v4l2 platform=2 mask_bits=32,32 allocator=sg,sg output=0,1 \
    edu_mask_bits=32,32 edu_allocator=sg,sg edu_output=0,1 frame_ms=0
load drm platform=1
set -- $(cd /sys/bus/pci/drivers/importer-edu && echo 0000:*)
edu_camera=$1 edu_reader=$2
measure "$(node $edu_camera)" "$(node $edu_reader)" $(ids $agents)

chain forced-edu-camera-cpu "$DMABROKER_PICTURES" camera=capture@"$(node $edu_camera)!" cpu=cpu &
first=$!
chain forced-edu-cpu-reader "$DMABROKER_PICTURES" cpu=cpu reader=output@"$(node $edu_reader)!" &
second=$!
check "a camera works" wait_for 30 has_bounced $edu_camera
check "a reader works" wait_for 30 has_bounced $edu_reader
# a second mapping to look at would be in the trace
echo N >/sys/module/importer_core/parameters/look
pairs swiotlb=force $agents
wait $first $second
chain_results forced-edu-camera-cpu forced-edu-cpu-reader
stop_dmabrokerd || not_ok "the daemon ends well"
check "the modules go" unload
