# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# Buffers that a client brings: of V4L2 queues, of vgem, of its own memory. With the real daemon and real drivers,
# on both transports.
# rig: timeout=900

. "$SRC/tests/vm/lib.sh"

has_display()
{
    "$BUILD/ctl/dmabrokerctl" devices --address "$DMABROKER_ADDRESS" >"$tap_scratch/devices" 2>/dev/null &&
        grep -q vkms "$tap_scratch/devices" && grep -q vivid-001-vid-out "$tap_scratch/devices" &&
        grep -q stateful-encoder "$tap_scratch/devices" && knows_heaps
}

no_buffers()
{
    ! find "/proc/$dmabrokerd_pid/fd" -lname '*dmabuf*' -o -lname '*memfd*' | grep -q .
}

# on TRANSPORT ADDRESS
on()
{
    DMABROKER_ADDRESS=$2
    export DMABROKER_ADDRESS
    echo "# $1"
    start_dmabrokerd --bus "$1" --trial-program "$BUILD/broker/dmabroker-trial" || bail "dmabrokerd starts ($1)"
    wait_for 60 has_display || bail "the devices are measured ($1)" "$(tail -n 20 "$OUT/dmabrokerd.log")"
    run_tap "$BUILD/tests/vm/test-brought-vm"
    check "the daemon has no buffers ($1)" wait_for 10 no_buffers
    stop_dmabrokerd || not_ok "the daemon ends well ($1)"
}

modprobe vgem 2>/dev/null

# here the daemon runs as root
sed 's/user="dmabroker"/user="root"/' "$BUILD/protocol/org.dmabroker1.conf" >"$tap_scratch/org.dmabroker1.conf"
start_bus "$tap_scratch/org.dmabroker1.conf" || bail "the bus starts"

on none unix:path=/run/dmabroker/bus
on system system
