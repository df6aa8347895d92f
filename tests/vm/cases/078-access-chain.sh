# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# Pictures through chains in which somebody sees a copy only, as the machine has more memory than it reaches: all
# arrive, and without any one of the brackets they do not. Two chains are of devices with a real DMA engine, which
# is slow; the others have engines of software, which go where the DMA addresses lead.
# rig: modules memory=6G timeout=300
# rig: qemu=-device edu,dma_mask=0xffffffff -device edu,dma_mask=0xffffffffffffffff -device edu,dma_mask=0xffffffff

. "$SRC/tests/vm/access.sh"

load core
load v4l2 platform=4 mask_bits=32,0,32,32 allocator=sg,vmalloc,sg,sg output=0,1,1,1 \
    edu_mask_bits=32,64,32 edu_allocator=sg,sg,sg edu_output=0,1,1 frame_ms=0
camera=$(node importer.0) copying_reader=$(node importer.1) reader=$(node importer.2) other=$(node importer.3)
# shellcheck disable=SC2046 # one each
set -- $(cd /sys/bus/pci/drivers/importer-edu && echo 0000:*)
edu_camera=$(node "$1") edu_wide_reader=$(node "$2") edu_reader=$(node "$3")

start_with "$camera" "$copying_reader" "$reader" "$other" "$edu_camera" "$edu_wide_reader" "$edu_reader"
slow=${RIG_LONG:+1000}
slow=${slow:-10}
chain edu-camera-cpu-reader "$slow" camera=capture@"$edu_camera!" cpu=cpu reader=output@"$edu_wide_reader" &
first=$!
chain edu-cpu-reader "$slow" cpu=cpu reader=output@"$edu_reader!" &
second=$!
chain camera-cpu-reader 1000 camera=capture@"$camera!" cpu=cpu reader=output@"$copying_reader"
chain camera-reader 1000 camera=capture@"$camera!" reader=output@"$copying_reader"
chain cpu-two-readers 1000 cpu=cpu reader=output@"$reader!" other=output@"$other!"
wait $first $second
chain_results camera-cpu-reader camera-reader cpu-two-readers edu-camera-cpu-reader edu-cpu-reader
stop_dmabrokerd || not_ok "the daemon ends well"
check "the modules go" unload
