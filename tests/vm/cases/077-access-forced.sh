# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# The same on x86-64, where all devices snoop, with the kernel bouncing all that is mapped.
# rig: modules timeout=300
# rig: qemu=-device edu,dma_mask=0xffffffff -device edu,dma_mask=0xffffffff
# rig: cmdline=swiotlb=force

. "$SRC/tests/vm/access.sh"

load core look=0
load v4l2 edu_mask_bits=32,32 platform=2 mask_bits=32,32 allocator=sg,sg output=0,1 frame_ms=0
load drm platform=1
pairs swiotlb=force cpu=cpu \
    vivid-000=capture@$vivid-000-vid-cap:0 vivid-001=capture@$vivid-001-vid-cap:0 \
    vivid-000-out=output@$vivid-000-vid-out:1 vivid-001-out=output@$vivid-001-vid-out:1 \
    encoder=output@$codec-encoder:0 decoder=capture@$codec-decoder:1 \
    vkms=scanout@drm:platform/vkms:card vkms-writeback=writeback@drm:platform/vkms:card \
    vgem=render@drm:platform/vgem:render \
    camera=capture@v4l2:platform/importer.0:importer:0 reader=output@v4l2:platform/importer.1:importer:0 \
    display=scanout@drm:platform/importer-drm.0:card
check "the modules go" unload
