# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
#
# Without a daemon a process has what it may open itself, and nothing else: no heap, then one, then a
# camera besides.
# rig: timeout=240
. "$SRC/tests/vm/lib.sh"

# the repository may lie where only root may look
programs=/opt/in-process
ctl=$programs/ctl/dmabrokerctl
unset DMABROKER_ADDRESS

for file in ctl/dmabrokerctl libclient/libdmabroker.so.0; do
    mkdir -p "$programs/${file%/*}"
    cp -L "$BUILD/$file" "$programs/$file" || bail "the programs are there"
done
chmod -R a+rX $programs

# nobody COMMAND...: without rights
nobody()
{
    setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
}

# run STATUS TEXT ARGUMENT...: the tool ends with this status
run()
{
    expected=$1 text=$2
    shift 2
    nobody timeout 60 $ctl "$@" >"$tap_scratch/out" 2>"$tap_scratch/err"
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
    check "$1" grep -q "$2" "$tap_scratch/err"
}

camera=v4l2:platform/vivid.0:vivid-001-vid-cap:0
camera_node=/dev/$(basename "$(dirname "$(grep -lx vivid-001-vid-cap /sys/class/video4linux/*/name)")")
chmod 600 /dev/dma_heap/* /dev/udmabuf "$camera_node"

# --- nothing ---

run 3 "without a daemon and without rights there is no broker" heaps
says "the tool says both" '^dmabrokerctl: no daemon answers, and this process may open no heap'
run 0 "who asks for one gets one that has no heap" heaps --address in-process
check "and shows none" test ! -s "$tap_scratch/out"
says "the tool says why" '^dmabrokerctl: no heaps: .* may not open what it holds'
run 1 "it plans nothing" plan --address in-process --size 640x480 --format XR24 cpu
check "for want of a heap" grep -q 'a heap to allocate from' "$tap_scratch/out"

# --- one heap, for reading: to allocate needs no more ---

chmod 644 /dev/dma_heap/system
run 0 "who may open one heap needs no daemon" heaps
check "that heap is the only one" sh -c "[ \$(grep -c . '$tap_scratch/out') -eq 2 ] && grep -q '^system ' '$tap_scratch/out'"
run 0 "and it gives memory" alloc --size 640x480 --format XR24 cpu -- \
    sh -c "ls -l /proc/self/fd | grep -c dmabuf"
run 2 "the camera is not known" plan --size 640x480 --format XR24 "camera=$camera:capture" cpu
says "by its name neither" "no device '$camera'"
run 1 "what is not offered is not planned" plan --size 640x480 --format XR24 --heap reserved cpu

# --- a camera besides, which needs another heap ---

chmod 666 "$camera_node"
run 1 "the camera does not take that memory" plan --size 640x480 --format XR24 "camera=$camera:capture" cpu
check "it wants another" grep -q 'contiguous memory' "$tap_scratch/out"
chmod 644 /dev/dma_heap/reserved
run 0 "with the other heap it is planned" plan --json --size 640x480 --format XR24 "camera=$camera:capture" cpu
check "from that heap" test "$("$BUILD/tests/json-get" "$tap_scratch/out" heap)" = reserved
run 0 "and allocated" alloc --size 640x480 --format XR24 "camera=$camera:capture" cpu -- true

chmod 600 /dev/dma_heap/*
run 3 "what is taken away is not there any more" heaps
