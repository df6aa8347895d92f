# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# The public library with the real daemon and real drivers, on both transports.
# rig: timeout=900

. "$SRC/tests/vm/lib.sh"

test_library=$BUILD/tests/vm/test-library

is_measured()
{
    "$BUILD/ctl/dmabrokerctl" devices --address "$DMABROKER_ADDRESS" >"$tap_scratch/devices" 2>/dev/null &&
        grep -q '^/dev/dri/card' "$tap_scratch/devices"
}

# on TRANSPORT ADDRESS [no-memory]
on()
{
    transport=$1
    DMABROKER_ADDRESS=$2
    shift 2
    export DMABROKER_ADDRESS
    echo "# $transport"
    start_dmabrokerd --bus "$transport" --trial-program "$BUILD/broker/dmabroker-trial" ||
        bail "dmabrokerd starts ($transport)"
    wait_for 60 is_measured || bail "the devices are measured ($transport)" "$(tail -n 20 "$OUT/dmabrokerd.log")"
    run_tap "$test_library" "$dmabrokerd_pid" "$@"
    check "the daemon still runs" kill -0 "$dmabrokerd_pid"
    run_tap "$test_library" "$dmabrokerd_pid" killed
    check "the daemon was killed" wait_for 10 ended "$dmabrokerd_pid"
    wait "$dmabrokerd_pid"
    dmabrokerd_pid=
}

# here the daemon runs as root
sed 's/user="dmabroker"/user="root"/' "$BUILD/protocol/org.dmabroker1.conf" >"$tap_scratch/org.dmabroker1.conf"
start_bus "$tap_scratch/org.dmabroker1.conf" || bail "the bus starts"

on none unix:path=/run/dmabroker/bus
on system system no-memory
