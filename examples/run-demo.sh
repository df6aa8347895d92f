#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Shows a camera, an encoder and a display on the same buffers, on the devices of the machine it runs on.
# Usually started by demo.sh.
#
# $BUILD: the build directory, $OUT: the folder for the results, $RESULTS: what to call that folder,
# $DMABROKER_ADDRESS: the broker, such as in-process:trials=yes; without it a daemon, which is started if there is none.
# Result: 0 if everything went as it should.

set -u
: "${BUILD:?}" "${OUT:?}"
socket=/run/dmabroker/bus
ctl=$BUILD/ctl/dmabrokerctl
daemon_pid=

die()
{
    echo "run-demo.sh: $*" >&2
    exit 1
}

part()
{
    printf '\n== %s\n\n' "$*"
}

# --- the daemon ---

daemon_answers()
{
    "$ctl" heaps >/dev/null 2>&1
}

daemon_runs()
{
    kill -0 "$daemon_pid" 2>/dev/null
}

start_daemon()
{
    # the example finds the same daemon
    export DMABROKER_ADDRESS=unix:path=$socket
    ! daemon_answers || return 0
    "$BUILD/daemon/dmabrokerd" --bus none --trial-program "$BUILD/broker/dmabroker-trial" \
        >"$OUT/dmabrokerd.log" 2>&1 &
    daemon_pid=$!
    trap stop_daemon EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    tries=0
    until daemon_answers; do
        if ! daemon_runs || [ $((tries += 1)) -gt 150 ]; then
            cat "$OUT/dmabrokerd.log" >&2
            die "dmabrokerd does not start"
        fi
        sleep 0.1
    done
}

stop_daemon()
{
    ! daemon_runs || kill "$daemon_pid"
    wait "$daemon_pid"
}

# --- the parts ---

# device WHAT: the node that the example chose last, for the camera, encoder or display
device()
{
    awk -v what="$1" '$1 == what { print $2; exit }' "$out/summary.txt"
}

# pipeline CAMERA FOLDER: runs the example, leaves its results in the folder and says what it says
pipeline()
{
    out=$2
    mkdir -p "$out" || exit 1
    rm -f "$out"/*.ppm "$out"/*.png "$out/stream.fwht"
    "$BUILD/examples/camera-encode-display" --camera "$1" --out "$out" >"$out/summary.txt"
    result=$?
    cat "$out/summary.txt"
    [ $result -eq 0 ] || die "camera, encoder and display do not work together"
    for picture in "$out"/*.ppm; do
        pnmtopng "$picture" >"${picture%.ppm}.png" 2>"$out/pnmtopng.log" || die "$(cat "$out/pnmtopng.log")"
        rm "$picture" "$out/pnmtopng.log"
    done
}

# The plan of the last pipeline once more, as data.
save_plan()
{
    "$ctl" plan --json=pretty --size 640x480 --format XR24 \
        "camera=$(device camera):capture,camping=2" "encoder=$(device encoder):output,camping=1" \
        "display=$(device display):scanout,camping=2" cpu=cpu,camping=0,cpu-access=rare >"$OUT/plan.json" ||
        die "dmabrokerctl does not plan"
}

has_camera()
{
    grep -qsx "$1-vid-cap" /sys/class/video4linux/*/name
}

with_virtual_devices()
{
    part "1. a camera that takes any memory: the broker spares the scarce memory"
    pipeline vivid-000 "$OUT/vivid-000"

    part "2. a camera that needs contiguous memory: the broker gives all three what the camera needs"
    pipeline vivid-001 "$OUT"
    save_plan

    part "3. the same camera without a broker: whoever allocates first, guesses"
    "$BUILD/examples/first-allocator" "$(device camera)"
    result=$?
    [ $result -ne 1 ] || die "the camera took memory that it cannot use"
    [ $result -eq 0 ] || die "the camera could not be tried"
}

with_real_devices()
{
    part "camera, encoder and display on the same buffers"
    pipeline "" "$OUT"
    save_plan
}

mkdir -p "$OUT" || exit 1
[ -n "${DMABROKER_ADDRESS:-}" ] || start_daemon
if has_camera vivid-000 && has_camera vivid-001; then
    with_virtual_devices
else
    with_real_devices
fi
printf '\nResults are in %s: plan.json, camera.png, display.png, stream.fwht\n' "${RESULTS:-$OUT}"
