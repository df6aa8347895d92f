# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
# rig: timeout=180
# rig: cmdline=vimc.allocator=1
# rig: qemu=-device virtio-gpu-pci -device bochs-display
#
# Facts of V4L2 queues with real drivers: sizes, strides and padding as VIDIOC_TRY_FMT tells them, memory as a trial
# does, once for a device; and a queue in use is left alone until it is idle.

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/facts.sh"

free=v4l2:platform/vivid.0:vivid-000-vid-cap:0
contig=v4l2:platform/vivid.0:vivid-001-vid-cap:0
counter=/tmp/trial-that-counts
counted=/tmp/trials-counted
off=/tmp/quirks-off

# --- what the drivers say ---

check "everything is measured" measure v4l2:

# vivid: strides and padding
for id in $free $contig; do
    fact "$id" roles/capture/multi-planar false kernel
    fact "$id" roles/capture/formats/NV12/sizes "320x180 640x360 640x480 1280x720 1920x1080 3840x2160" kernel
    fact "$id" roles/capture/formats/NV12/stride-custom true measured
    fact "$id" roles/capture/formats/NV12/stride-max 16384 measured
    fact "$id" roles/capture/formats/YU12/stride-align 2 measured
    fact "$id" roles/capture/formats/NV12/height-align 1 measured
    fact "$id" roles/capture/formats/NV12/tail-bytes 0 measured
    how "$id" roles/capture/formats/NV12/stride-align "6 answers fit 1, and have no padding"
    how "$id" roles/capture/formats/NV12/stride-custom "keeps"
    how "$id" roles/capture/imports "VIDIOC_CREATE_BUFS"
done
fact v4l2:platform/vivid.0:vivid-000-vid-out:1 roles/output/formats/XR24/width-min 16 measured
fact v4l2:platform/vivid.0:vivid-000-vid-out:1 roles/output/formats/XR24/width-step 1 measured
fact v4l2:platform/vivid.0:vivid-000-vid-out:1 roles/output/formats/XR24/stride-custom true measured
# rows of an odd width are cut there
fact v4l2:platform/vivid.0:vivid-000-vid-out:1 roles/output/formats/YUYV/width-step 2 measured

# vim2m lists a step of one for some formats and rounds others
fact v4l2:platform/vim2m.0:vim2m:0 roles/output/formats/RG16/width-max 640 kernel
fact v4l2:platform/vim2m.0:vim2m:0 roles/output/formats/RG16/stride-custom false measured

# vimc lists any size, and rounds down to even ones
id=v4l2:platform/vimc.0:RGB/YUV-Capture:2
fact "$id" roles/capture/formats/BG24/width-min 16 measured
fact "$id" roles/capture/formats/BG24/width-step 2 measured
fact "$id" roles/capture/formats/BG24/height-step 2 measured
fact "$id" roles/capture/formats/BG24/stride-align 1 measured

# vicodec lists steps of 8, and rounds chroma to whole blocks
id=v4l2:platform/vicodec.0:stateful-encoder:0
fact "$id" roles/output/formats/XR24/height-step 8 kernel
fact "$id" roles/output/formats/NV12/width-step 16 measured
fact "$id" roles/output/formats/NV12/height-min 368 measured
fact "$id" roles/output/formats/NV12/height-step 16 measured
fact "$id" roles/output/min-buffers 1 kernel
how "$id" roles/output/min-buffers V4L2_CID_MIN_BUFFERS_FOR_OUTPUT

# visl uses the multi-planar API for formats of one memory plane
id=v4l2:platform/visl.0:visl:0
fact "$id" roles/capture/multi-planar true kernel
fact "$id" roles/capture/formats/NV12/modifier 0x0 kernel
fact "$id" roles/capture/formats/NV12/stride-align 1 measured
fact "$id" roles/capture/formats/NV12/height-step 2 measured
fact "$id" roles/capture/formats/NV12/tail-bytes 0 measured

run_tap "$BUILD/tests/vm/v4l2-sizes"

# --- memory ---

fact $free roles/capture/memory-model vmalloc measured
how $free roles/capture/memory-model exp_name
fact $contig roles/capture/contiguity used measured
how $contig roles/capture/contiguity "is refused (EFAULT)"
fact "v4l2:platform/vimc.0:RGB/YUV-Capture:2" roles/capture/memory-model dma-contig measured
fact "v4l2:platform/vimc.0:RGB/YUV-Capture:2" roles/capture/contiguity used measured
fact v4l2:platform/visl.0:visl:0 roles/capture/memory-model vmalloc quirk

# once for a device
printf '#!/bin/sh\necho made >>%s\nexec %s "$@"\n' "$counted" "$trial" >"$counter"
chmod +x "$counter"
: >"$counted"
check "a camera is measured five times" "$dump" -t "$counter" -c -n 5 -q "$SRC/data/quirks" $contig
check "it is tried once" test "$(wc -l <"$counted")" = 1
measure -c -n 5 $contig
fact $contig roles/capture/memory-model dma-contig measured
how $contig roles/capture/contiguity "is refused (EFAULT)"
: >"$counted"
check "a decoder and converters that quirks know" "$dump" -t "$counter" -q "$SRC/data/quirks" \
    v4l2:platform/vicodec v4l2:platform/visl v4l2:platform/vim2m
check "they are not tried at all" test "$(wc -l <"$counted")" = 0

# never, by quirk
mkdir -p $off
printf '[off]\nmatch-kind=v4l2\nmatch-driver=vivid\ntrials=no\nsource=this case\n' >$off/off.quirks
: >"$counted"
"$dump" -t "$counter" -q $off $free >"$facts"
check "a quirk forbids trials" test "$(wc -l <"$counted")" = 0
fact $free roles/capture/contiguity whole assumed
how $free roles/capture/contiguity "trials are off by quirk"

# --- in use ---

measure $free
first=$(node $free)
"$stream" "$first" 60 >"$OUT/stream" 2>&1 &
streaming=$!
check "a camera streams" wait_for 20 grep -q streaming "$OUT/stream"
: >"$counted"
"$dump" -t "$counter" -q "$SRC/data/quirks" $free >"$facts"
fact $free again true measured
fact $free roles/capture/contiguity whole assumed
how $free roles/capture/contiguity "in use"
fact $free roles/capture/formats/XR24/stride-align 1 measured
check "it is not even tried" test "$(wc -l <"$counted")" = 0
check "it still streams" kill -0 $streaming
if wait $streaming; then ok "no frame was lost"; else not_ok "no frame was lost" "$(cat "$OUT/stream")"; fi
measure $free
no_fact $free again
fact $free roles/capture/memory-model vmalloc measured
