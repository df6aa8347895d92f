# shellcheck shell=sh disable=SC1091,SC2086,SC2154
# SPDX-License-Identifier: MIT
#
# Without a daemon, as in an initramfs: no bus, no udevd, no daemon, and a root with the programs, what
# they are linked with, /dev, /proc and /sys only. The broker is inside the example and the tool.
# rig: timeout=600

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/demo.sh"

root=/run/initramfs
unset DMABROKER_ADDRESS

# put PROGRAM...: into the root, with its libraries, each where it is here
put()
{
    for program in "$@"; do
        for file in "$program" $(ldd "$program" | sed -n 's/.*[[:space:]]\(\/[^ ]*\) (0x.*/\1/p'); do
            [ -e "$root$file" ] && continue
            mkdir -p "$root${file%/*}"
            cp -L "$file" "$root$file" || return 1
        done
    done
}

# show FOLDER...: in the root too
show()
{
    for folder in "$@"; do
        mkdir -p "$root$folder"
        mount --bind "$folder" "$root$folder" || return 1
    done
}

no_daemon()
{
    for process in /proc/[0-9]*/comm; do
        ! grep -qsxE 'dmabrokerd|dbus-daemon|systemd-udevd' "$process" || return 1
    done
}

# run STATUS TEXT ARGUMENT...: the tool ends with this status
run()
{
    expected=$1 text=$2
    shift 2
    timeout 60 $demo_root "$BUILD/ctl/dmabrokerctl" "$@" >"$tap_scratch/out" 2>"$tap_scratch/err"
    status=$?
    if [ $status -eq "$expected" ]; then
        ok "$text"
    else
        not_ok "$text" "status $status instead of $expected of: $*
$(cat "$tap_scratch/out" "$tap_scratch/err")"
    fi
}

says()
{
    check "$1" grep -q "$2" "$tap_scratch/out"
}

put "$BUILD/examples/camera-encode-display" "$BUILD/ctl/dmabrokerctl" "$BUILD/broker/dmabroker-trial" ||
    bail "the root is made"
show /dev /proc /sys "$SRC/data/quirks" "$OUT" "$tap_scratch" || bail "the root has what the kernel gives"
demo_root="chroot $root"
with_trials=in-process:trials=$BUILD/broker/dmabroker-trial,quirks=$SRC/data/quirks

check "no daemon, no bus, no udevd runs" no_daemon
check "nor is there a socket of one" sh -c "! find /run -type s | grep ."
check "the root has no configuration, no shell, no data" sh -c "! ls -d $root/etc $root/bin $root/usr/share"

# --- what is there ---

run 0 "heaps" heaps
for heap in system reserved udmabuf; do
    says "$heap is one of them" "^$heap "
done
run 0 "devices" devices --verbose
refuse "of which none is tried" grep -q 'memory-model  *vmalloc' "$tap_scratch/out"
run 0 "devices, with trials" devices --verbose --address "$with_trials"
says "what a trial shows is known" 'memory-model  *vmalloc'
run 0 "dump" dump "$tap_scratch/machine.json"
check "the machine file has a heap and a camera" sh -c \
    "grep -q '\"reserved\"' '$tap_scratch/machine.json' && grep -q 'vivid-001-vid-cap' '$tap_scratch/machine.json'"
run 0 "alloc runs its command while it holds the buffers" alloc --size 640x480 --format XR24 cpu,camping=3 -- \
    "$BUILD/ctl/dmabrokerctl" plan --json --size 64x64 --format XR24 cpu
says "which does without a daemon as well" '"heap":"'
run 1 "others cannot take part" alloc --tokens 1 --size 640x480 --format XR24 cpu
check "which needs a daemon" grep -q 'a daemon, which other processes can ask' "$tap_scratch/err"

# --- the pipeline, with what is connected to by itself, and with trials ---

# pipeline CAMERA HEAP
pipeline()
{
    demo_run_only "$1"
    demo_check_plan "$2"
    demo_check_results
}

pipeline vivid-001 reserved
DMABROKER_ADDRESS=$with_trials
export DMABROKER_ADDRESS
pipeline vivid-000 system
unset DMABROKER_ADDRESS

# --- hotplug, as the kernel tells it ---

told()
{
    grep -q "$1" "$tap_scratch/monitor"
}

heap=/sys/devices/virtual/dma_heap/reserved

# The heap comes and goes, until the monitor tells that it goes: what was before its first look is no news to it.
goes()
{
    echo add >$heap/uevent
    sleep 0.5
    echo remove >$heap/uevent
    sleep 0.5
    told '^removed  *reserved'
}

comes()
{
    echo add >$heap/uevent
    told '^added  *reserved'
}

$demo_root "$BUILD/ctl/dmabrokerctl" heaps --monitor >>"$tap_scratch/monitor" 2>&1 &
monitor=$!
check "a heap that goes is told" wait_for 60 goes
: >"$tap_scratch/monitor"
check "and one that comes" wait_for 30 comes
kill "$monitor"
wait "$monitor"

check "at the end, too, no daemon runs" no_daemon
