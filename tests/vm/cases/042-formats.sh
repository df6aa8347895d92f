# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# Every format that two drivers share, by plan from one to the other.
# rig: timeout=1200

. "$SRC/tests/vm/lib.sh"

DMABROKER_ADDRESS=unix:path=/run/dmabroker/bus
export DMABROKER_ADDRESS

is_measured()
{
    "$BUILD/ctl/dmabrokerctl" devices --address "$DMABROKER_ADDRESS" >"$tap_scratch/devices" 2>/dev/null &&
        grep -q '^/dev/dri/card' "$tap_scratch/devices"
}

start_dmabrokerd --bus none --trial-program "$BUILD/broker/dmabroker-trial" || bail "dmabrokerd starts"
wait_for 60 is_measured || bail "the devices are measured" "$(tail -n 20 "$OUT/dmabrokerd.log")"
run_tap "$BUILD/tests/vm/formats"
