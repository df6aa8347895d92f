# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
# rig: timeout=180
# rig: cmdline=vimc.allocator=1
# rig: qemu=-device virtio-gpu-pci -device bochs-display
#
# Trials of real drivers on a machine whose memory all of them reach: what a driver refuses it cannot take. And that
# nothing is left of a trial but what it says.

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/trials.sh"

limit=/sys/module/udmabuf/parameters/list_limit
echo 1024 >$limit

# --- queues ---

said "a codec's pictures" "busy=0 exporter=videobuf2_vmalloc capabilities=* scattered=taken*" try_queue stateful-encoder 2
said "a codec's stream" "busy=0 exporter=videobuf2_vmalloc capabilities=* scattered=taken*" try_queue stateful-encoder 1
said "a decoder before its stream" "busy=0 exporter=videobuf2_vmalloc *" try_queue stateful-decoder 1
said "a multi-planar queue" "busy=0 exporter=videobuf2_vmalloc capabilities=* scattered=taken*" try_queue visl 9
said "a queue that works with requests" "busy=0 exporter=videobuf2_vmalloc capabilities=* scattered=taken*" try_queue visl 10
said "its smallest picture fits into a page" "* scattered=taken used=taken" try_queue vim2m 2
said "a camera that takes anything" \
    "busy=0 exporter=videobuf2_vmalloc capabilities=* scattered=taken" try_queue vivid-000-vid-cap 1
said "a camera that needs contiguous memory" \
    "busy=0 exporter=videobuf2_dma_contig capabilities=* scattered=refused:14" try_queue vivid-001-vid-cap 1
said "a video output that needs contiguous memory" \
    "busy=0 exporter=videobuf2_dma_contig capabilities=* scattered=refused:14" try_queue vivid-001-vid-out 2
said "another camera that needs contiguous memory" \
    "busy=0 exporter=videobuf2_dma_contig capabilities=* scattered=refused:14" try_queue "RGB/YUV Capture" 1
said "a trial without imports" \
    "busy=0 exporter=videobuf2_dma_contig capabilities=11d" try_queue vivid-001-vid-cap 1 no-imports
refuse "a queue that is not there" try_queue vivid-000-vid-cap 2
refuse "what is no camera" "$trial" v4l2 /dev/null 1
check "nothing is left of them" nothing_is_left
check "a camera serves its user afterwards" "$stream" "$(video vivid-001-vid-cap)" 5

# --- cards ---

said "vkms" "busy=0 one-page=taken scattered=taken stride-align=1*" try_card vkms card
said "vgem" "busy=0 one-page=taken scattered=taken" try_card vgem card
said "vgem's render node" "busy=0 one-page=taken scattered=taken" try_card vgem renderD
said "bochs refuses whatever it is given" \
    "busy=0 one-page=refused:22 scattered=refused:22 stride-align=1*" try_card bochs-drm card
said "virtio-gpu as well" \
    "busy=0 one-page=refused:19 scattered=refused:19 stride-align=1*" try_card virtio-pci card
said "virtio-gpu's render node" \
    "busy=0 one-page=refused:19 scattered=refused:19" try_card virtio-pci renderD
said "a trial without imports" "busy=0 stride-align=1*" try_card vkms card no-imports
said "what is no card" "busy=0" try_node /dev/null
check "nothing is left of them" nothing_is_left

# --- udmabuf under other limits ---

# Pages are repeated in groups then: never one run either.
echo 16 >$limit
said "short lists: what needs contiguous memory" "* scattered=refused:14" try_queue vivid-001-vid-cap 1
said "short lists: what takes anything" "* scattered=taken" try_queue vivid-000-vid-cap 1
echo 1 >$limit
said "lists of one: no verdict" "busy=0 exporter=videobuf2_dma_contig capabilities=11d" try_queue vivid-001-vid-cap 1
said "lists of one: one page" "busy=0 one-page=refused:22 stride-align=1*" try_card bochs-drm card
echo 0 >$limit
said "no lists" "busy=0 stride-align=1*" try_card bochs-drm card
echo 1024 >$limit

# --- the facts ---

check "everything is measured, without trials" measure drm
bochs=$(driven_by bochs-drm card)
virtio=$(driven_by virtio_gpu card)
found "$bochs" roles/scanout/imports true assumed
found "$bochs" roles/scanout/contiguity whole assumed
found "$bochs" roles/scanout/offset-align 256 assumed
found "$bochs" roles/scanout/formats/XR24/stride-align 256 assumed

check "everything is measured, with trials" measure -t "$trial" drm
found "$bochs" roles/scanout/imports false measured
found "$bochs" roles/scanout/formats/XR24/stride-align 4 measured
found "$virtio" roles/scanout/imports false measured
found "${virtio%card}render" roles/render/imports false measured
found drm:platform/vkms:card roles/scanout/imports true measured
found drm:platform/vkms:card roles/writeback/imports true measured
found drm:platform/vgem:render roles/render/imports true measured
found drm:platform/vkms:card roles/scanout/formats/RG16/stride-align 2 measured
check "nothing is left of all this" nothing_is_left
