# shellcheck shell=sh disable=SC1091,SC2046,SC2086,SC2154
# SPDX-License-Identifier: MIT
#
# The ioctls of the access policy against the kernel's trace, where devices do not snoop.
# rig: arch=arm64 modules overlay=importers timeout=300
# rig: qemu=-M virt,iommu=smmuv3 -device edu,dma_mask=0xffffffff -device edu,dma_mask=0xffffffffffffffff

. "$SRC/tests/vm/access.sh"

tree=v4l2:platform/importers/importers
cards=drm:platform/importers/importers
agents="cpu=cpu
    vivid-000=capture@$vivid-000-vid-cap:0 vivid-001=capture@$vivid-001-vid-cap:0
    vivid-000-out=output@$vivid-000-vid-out:1 vivid-001-out=output@$vivid-001-vid-out:1
    encoder=output@$codec-encoder:0 decoder=capture@$codec-decoder:1
    vkms=scanout@drm:platform/vkms:card vkms-writeback=writeback@drm:platform/vkms:card
    vgem=render@drm:platform/vgem:render
    plain=capture@$tree:plain:importer:0 coherent=capture@$tree:coherent:importer:0
    plain-sg=capture@$tree:plain-sg:importer:0 coherent-sg=capture@$tree:coherent-sg:importer:0
    plain-reader=output@$tree:plain-reader:importer:0 coherent-reader=output@$tree:coherent-reader:importer:0
    plain-display=scanout@$cards:plain-display:card coherent-display=scanout@$cards:coherent-display:card
    +translated=capture@$tree:translated:importer:0
    bounced=capture@$tree:always-bounced-coherent:importer:0"

# without a second mapping to look at, which would be in the trace
load core look=0
load v4l2 frame_ms=0
load drm
measure $(ids $agents)
pairs arm64 $agents
stop_dmabrokerd || not_ok "the daemon ends well"
check "the modules go" unload
