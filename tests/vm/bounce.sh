# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# For the cases about bounce buffers: what they have in common.

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/modules/lib.sh"

export DMABROKER_ADDRESS=unix:path=/run/dmabroker/bus

# test_bounce MODE BOUNCE: MODE is that of test-bounce, BOUNCE what the module shows of the device
test_bounce()
{
    load core
    load v4l2 platform=1 mask_bits=32 allocator=sg edu_mask_bits=32,32,32 edu_allocator=sg
    edu=$(cd /sys/bus/pci/drivers/importer-edu && echo 0000:* | cut -d ' ' -f 1)
    check "the kernel has bounce buffers for $edu: $2" grep -q "^$2 " "/sys/bus/pci/devices/$edu/importer/bounce"
    quirks_of_importers
    start_dmabrokerd --bus none --trial-program "$trial" --quirks "$tap_scratch/quirks" || bail "dmabrokerd starts"
    check "the cameras are measured" wait_for 60 cameras_are_measured
    run_tap "$BUILD/tests/vm/test-bounce" "$1" "$(node "$edu")" "$(node importer.0)"
    "$BUILD/ctl/dmabrokerctl" devices --verbose >"$OUT/devices" 2>&1
    stop_dmabrokerd || not_ok "the daemon ends well"
    check "the modules go" unload
}

cameras_are_measured()
{
    "$BUILD/ctl/dmabrokerctl" devices >"$OUT/devices" 2>&1 &&
        grep -q "^$(node "$edu") " "$OUT/devices" && grep -q "^$(node importer.0) " "$OUT/devices" &&
        grep -q vivid-001-vid-cap "$OUT/devices" && grep -q vivid-000-vid-cap "$OUT/devices" && knows_heaps
}
