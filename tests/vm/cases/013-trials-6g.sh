# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
# rig: memory=6G timeout=400
# rig: cmdline=vimc.allocator=1
# rig: qemu=-device virtio-gpu-pci -device bochs-display
#
# Trials where memory lies out of reach: the kernel bounces, and what a driver takes proves nothing. What it refuses
# by itself still does.

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/trials.sh"

echo 1024 >/sys/module/udmabuf/parameters/list_limit

said "a camera that needs contiguous memory takes scattered memory" \
    "busy=0 exporter=videobuf2_dma_contig capabilities=* scattered=taken" try_queue vivid-001-vid-cap 1
said "another one" "busy=0 exporter=videobuf2_dma_contig capabilities=* scattered=taken" try_queue "RGB/YUV Capture" 1
said "a camera that takes anything" "* scattered=taken" try_queue vivid-000-vid-cap 1
said "bochs refuses" "busy=0 one-page=refused:22 scattered=refused:22*" try_card bochs-drm card
said "virtio-gpu as well" "busy=0 one-page=refused:19 scattered=refused:19*" try_card virtio-pci card
check "nothing is left of them" nothing_is_left

check "everything is measured" measure -t "$trial" drm v4l2:platform/vivid.0:vivid-001-vid-cap
found v4l2:platform/vivid.0:vivid-001-vid-cap:0 roles/capture/contiguity used measured
bochs=$(driven_by bochs-drm card)
virtio=$(driven_by virtio_gpu card)
found "$bochs" roles/scanout/imports false measured
found "$virtio" roles/scanout/imports false measured
found drm:platform/vkms:card roles/scanout/imports true measured
found drm:platform/vkms:card roles/scanout/contiguity whole assumed
check "nothing is left of all this" nothing_is_left
