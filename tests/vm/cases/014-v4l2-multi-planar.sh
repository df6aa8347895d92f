# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
# rig: timeout=180
# rig: cmdline=vivid.multiplanar=2,2 vicodec.multiplanar=1 vimc.allocator=0
#
# Facts of V4L2 queues of the multi-planar API: formats of one memory plane are like any other, those of several are
# listed and never planned.

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/facts.sh"

free=v4l2:platform/vivid.0:vivid-000-vid-cap:0
contig=v4l2:platform/vivid.0:vivid-001-vid-cap:0
encoder=v4l2:platform/vicodec.0:stateful-encoder:0

check "everything is measured" measure v4l2:

for id in $free $contig; do
    fact "$id" roles/capture/multi-planar true kernel
    fact "$id" roles/capture/imports true kernel
    fact "$id" roles/capture/formats/NV12/modifier 0x0 kernel
    fact "$id" roles/capture/formats/NV12/sizes "320x180 640x360 640x480 1280x720 1920x1080 3840x2160" kernel
    fact "$id" roles/capture/formats/NV12/stride-custom true measured
    fact "$id" roles/capture/formats/NV12/tail-bytes 0 measured
    fact "$id" roles/capture/formats/XR24/stride-max 65536 measured
    # several memory planes
    fact "$id" roles/capture/formats/NM16/v4l2-format NM16 kernel
    no_fact "$id" roles/capture/formats/NM16/modifier
    no_fact "$id" roles/capture/formats/NM16/stride-align
done
fact $free roles/capture/memory-model vmalloc measured
fact $contig roles/capture/memory-model dma-contig measured
fact $contig roles/capture/contiguity used measured
how $contig roles/capture/contiguity "is refused (EFAULT)"

fact $encoder roles/output/multi-planar true kernel
fact $encoder roles/output/formats/NV12/height-step 16 measured
fact $encoder roles/output/formats/XR24/width-step 8 kernel
fact $encoder roles/capture/formats/FWHT/v4l2-format FWHT kernel
no_fact $encoder roles/capture/formats/FWHT/modifier

id="v4l2:platform/vimc.0:RGB/YUV-Capture:2"
fact "$id" roles/capture/memory-model vmalloc measured
fact "$id" roles/capture/contiguity none measured

run_tap "$BUILD/tests/vm/v4l2-sizes"
