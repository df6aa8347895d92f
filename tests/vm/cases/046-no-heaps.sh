# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# A machine without heaps, as kernels are that distributions ship, until one comes. The heaps are hidden from this case
# only: its own mounts lie over their nodes and over the classes in which udev looks for them.

[ "${1:-}" = inside ] || exec unshare -m sh "$0" inside

. "$SRC/tests/vm/lib.sh"

ctl=$BUILD/ctl/dmabrokerctl
camera=v4l2:platform/vivid.0:vivid-001-vid-cap:0
answer=$OUT/answer
complaint=$OUT/complaint

# hide FOLDER...: under an empty one
hide()
{
    for folder in "$@"; do
        mount -t tmpfs tmpfs "$folder" || return 1
    done
}

# A /dev of our own with the nodes of before, but for the heaps'.
hide_nodes()
{
    mkdir "$tap_scratch/dev"
    mount -t tmpfs -o mode=755 tmpfs "$tap_scratch/dev"
    for node in /dev/video* /dev/dri /dev/null /dev/zero /dev/urandom; do
        cp -a "$node" "$tap_scratch/dev/" || return 1
    done
    mkdir "$tap_scratch/dev/shm"
    mount --move "$tap_scratch/dev" /dev
}

# run STATUS TEXT ARGUMENT...: dmabrokerctl ends with this status
run()
{
    expected=$1 text=$2
    shift 2
    timeout 60 "$ctl" "$@" >"$answer" 2>"$complaint"
    status=$?
    if [ $status -eq "$expected" ]; then
        ok "$text"
    else
        not_ok "$text" "status $status instead of $expected of: $*
$(cat "$answer" "$complaint")"
    fi
}

json()
{
    check "$1 is $2" test "$("$BUILD/tests/json-get" "$answer" "$1")" = "$2"
}

hide /sys/class/dma_heap /sys/class/misc || bail "the heaps' classes are hidden"
hide_nodes || bail "the heaps' nodes are hidden"
check "there is no /dev/dma_heap" test ! -e /dev/dma_heap
check "there is no /dev/udmabuf" test ! -e /dev/udmabuf

start_dmabrokerd --bus none --trial-program "$BUILD/broker/dmabroker-trial" || bail "dmabrokerd starts"

has_camera()
{
    "$ctl" devices 2>/dev/null | grep -q "$camera"
}

check "devices are there" wait_for 60 has_camera
run 0 "heaps" heaps
check "it shows none" test ! -s "$answer"
check "it says why" grep -q '^dmabrokerctl: no heaps: neither /dev/dma_heap nor /dev/udmabuf is there; .*CONFIG_DMABUF_HEAPS' "$complaint"
run 0 "heaps --json" heaps --json
json "#" 0

run 1 "plan" plan --size 640x480 --format XR24 "camera=$camera" cpu
refuse "it shows no plan" grep -q ' buffers of ' "$answer"
check "it says why" grep -Eq 'heaps? +a heap to allocate from +no heap on this machine' "$answer"
run 1 "plan --json" plan --json --size 640x480 --format XR24 "camera=$camera" cpu
json error Conflict
json "refusals.#" 1
json refusals.0.constraint heaps
run 1 "alloc" alloc --size 640x480 --format XR24 "camera=$camera" cpu -- touch "$tap_scratch/ran"
check "its command does not run" test ! -e "$tap_scratch/ran"
check "the daemon still runs" kill -0 "$dmabrokerd_pid"

# --- one comes: heaps may be modules ---

number=$(cat /sys/devices/virtual/dma_heap/reserved/dev)
mkdir /dev/dma_heap
mknod /dev/dma_heap/reserved c "${number%:*}" "${number#*:}"

has_heap()
{
    "$ctl" heaps 2>/dev/null | grep -q '^reserved '
}

refuse "a node alone is not yet a heap" has_heap
echo add >/sys/devices/virtual/dma_heap/reserved/uevent
check "the heap is found" wait_for 30 has_heap
run 0 "plan, then" plan --json --size 640x480 --format XR24 "camera=$camera" cpu
json heap reserved
run 0 "alloc, then" alloc --size 640x480 --format XR24 "camera=$camera" cpu -- touch "$tap_scratch/ran"
check "its command has run" test -e "$tap_scratch/ran"
