# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# The helpers of the library on real drivers, with whichever API the machine's devices have.

. "$SRC/tests/vm/lib.sh"

export DMABROKER_ADDRESS=unix:path=/run/dmabroker/bus

is_measured()
{
    "$BUILD/ctl/dmabrokerctl" devices >"$tap_scratch/devices" 2>/dev/null && grep -q vkms "$tap_scratch/devices" &&
        grep -q vivid-000-vid-out "$tap_scratch/devices" && grep -q vivid-001-vid-cap "$tap_scratch/devices" &&
        grep -q stateful-encoder "$tap_scratch/devices" && knows_heaps
}

start_dmabrokerd --bus none --trial-program "$BUILD/broker/dmabroker-trial" || bail "dmabrokerd starts"
wait_for 60 is_measured || bail "the devices are measured" "$(tail -n 20 "$OUT/dmabrokerd.log")"
run_tap "$BUILD/tests/vm/test-helpers"
