# shellcheck shell=sh disable=SC1091,SC2046,SC2154
# SPDX-License-Identifier: MIT
#
# Pictures through chains in which somebody sees a copy only, as the machine has more memory than it reaches: all
# arrive, and without any one of the brackets they do not. Two chains are of devices with a real DMA engine, which
# is slow; the others have engines of software, which go where the DMA addresses lead.
# rig: modules memory=6G timeout=600
# rig: qemu=-device edu,dma_mask=0xffffffff -device edu,dma_mask=0xffffffffffffffff -device edu,dma_mask=0xffffffff

. "$SRC/tests/vm/access.sh"

load core
load v4l2 platform=4 mask_bits=32,0,32,32 allocator=sg,vmalloc,sg,sg output=0,1,1,1 \
    edu_mask_bits=32,64,32 edu_allocator=sg,sg,sg edu_output=0,1,1 frame_ms=0
camera=$(node importer.0) copying=$(node importer.1) reader=$(node importer.2) other=$(node importer.3)
set -- $(cd /sys/bus/pci/drivers/importer-edu && echo 0000:*)
edu_camera=$(node "$1") edu_far_reader=$(node "$2") edu_reader=$(node "$3")
measure "$camera" "$copying" "$reader" "$other" "$edu_camera" "$edu_far_reader" "$edu_reader"

chain edu-camera-cpu-edu "$DMABROKER_PICTURES" camera=capture@"$edu_camera!" cpu=cpu reader=output@"$edu_far_reader" &
first=$!
chain edu-cpu-reader "$DMABROKER_PICTURES" cpu=cpu reader=output@"$edu_reader!" &
second=$!
chain camera-cpu-copying 1000 camera=capture@"$camera!" cpu=cpu reader=output@"$copying"
chain camera-copying 1000 camera=capture@"$camera!" reader=output@"$copying"
chain cpu-two-readers 1000 cpu=cpu reader=output@"$reader!" other=output@"$other!"
wait $first $second
chain_results edu-camera-cpu-edu edu-cpu-reader camera-cpu-copying camera-copying cpu-two-readers
stop_dmabrokerd || not_ok "the daemon ends well"
check "the modules go" unload
