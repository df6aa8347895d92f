# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# Importers of our own on a machine whose memory all of them reach: what the broker says of them is what
# the kernel computed, and they come and go without harm.
# rig: modules

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/modules/lib.sh"

load core
load v4l2 platform=8 mask_bits=0,24,30,32,64,64,64,64 \
    allocator=contig,contig,contig,sg,vmalloc,sg,sg,contig \
    segments=0,0,0,0,0,4,0,0 segment_bytes=0,0,0,0,0,0,4096,0 stride_align=1,1,64,1,0,1,1,96
load drm platform=2 mask_bits=32,64 pitch_align=1,64 offset_align=1,4096

# --- what the kernel made of the parameters ---

attribute_is importer.0 dma_mask 0xffffffff
attribute_is importer.1 dma_mask 0xffffff
attribute_is importer.2 dma_mask 0x3fffffff
attribute_is importer.4 dma_mask 0xffffffffffffffff
attribute_is importer.0 coherent 1
attribute_is importer.0 iommu none
run_tap "$importers" pitches "$(node importer-drm.0)"
run_tap "$importers" pitches "$(node importer-drm.1)"

# holds DEVICE HEAP: imports a buffer of a heap
holds()
{
    "$importers" hold "$(node "$1")" "$2" </dev/null
}

refuse "scattered memory is not for a contiguous queue" holds importer.0 scattered
check "contiguous memory is" holds importer.0 /dev/dma_heap/reserved
check "scattered memory is for a scatter-gather queue" holds importer.3 scattered
refuse "but not too many segments" holds importer.5 scattered
check "few are" holds importer.5 /dev/dma_heap/reserved
refuse "nor too long ones" holds importer.6 /dev/dma_heap/reserved
check "short ones are" holds importer.6 scattered
refuse "scattered memory is not for the display" holds importer-drm.0 scattered
check "contiguous memory is" holds importer-drm.0 /dev/dma_heap/reserved
for device in 0 3 4; do
    run_tap "$importers" data "$(node importer.$device)" /dev/dma_heap/system /dev/dma_heap/reserved udmabuf
done

# --- the broker ---

# No probe finds what only a driver knows: of segments, and of a mask below 32 bits. The kernel warns of what
# comes of that.
for device in importer.1 importer.5 importer.6; do
    echo $device >/sys/bus/platform/drivers/importer/unbind
done
compare_with_broker plain v4l2:platform/importer drm:platform/importer

# --- coming and going ---

# go_and_come DEVICE DRIVER COMMAND...: the driver leaves the device while the command uses it
go_and_come()
{
    device=$1 driver=/sys/bus/platform/drivers/$2
    shift 2
    mkfifo "$tap_scratch/input"
    "$@" <"$tap_scratch/input" >"$OUT/user" 2>&1 &
    user=$!
    exec 7>"$tap_scratch/input"
    wait_for 20 grep -qE 'streaming|holding' "$OUT/user" || return 1
    echo "$device" >"$driver/unbind" || return 1
    exec 7>&-
    wait $user
    rm "$tap_scratch/input"
    test -z "$(node "$device")" || return 1
    echo "$device" >"$driver/bind" && test -n "$(node "$device")"
}

check "a device goes while its camera streams" \
    go_and_come importer.0 importer "$BUILD/tests/vm/stream" "$(node importer.0)" 100000
check "a device goes while its camera holds a buffer" \
    go_and_come importer.3 importer "$importers" hold "$(node importer.3)" /dev/dma_heap/system
check "a device goes while its display holds a buffer" \
    go_and_come importer-drm.1 importer-drm "$importers" hold "$(node importer-drm.1)" /dev/dma_heap/reserved
check "the camera takes pictures again" "$BUILD/tests/vm/stream" "$(node importer.0)" 5
check "the modules go" unload
