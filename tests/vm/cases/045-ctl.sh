# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# dmabrokerctl with real devices and heaps. What needs none is in tests/bus/test-ctl.sh, which takes minutes here.
# rig: timeout=600

. "$SRC/tests/vm/lib.sh"

ctl=$BUILD/ctl/dmabrokerctl
camera=v4l2:platform/vivid.0:vivid-001-vid-cap:0
answer=$OUT/answer
complaint=$OUT/complaint

# run STATUS TEXT ARGUMENT...: dmabrokerctl ends with this status
run()
{
    expected=$1 text=$2
    shift 2
    timeout 60 "$ctl" "$@" >"$answer" 2>"$complaint" </dev/null
    status=$?
    if [ $status -eq "$expected" ]; then
        ok "$text"
    else
        not_ok "$text" "status $status instead of $expected of: $*
$(cat "$answer" "$complaint")"
    fi
}

# says PATTERN: the answer of the last run
says()
{
    check "it says: $1" grep -qE "$1" "$answer"
}

# complains PATTERN
complains()
{
    check "it complains: $1" grep -qE "$1" "$complaint"
}

# json PATH VALUE: in the answer of the last run
json()
{
    value=$("$BUILD/tests/json-get" "$answer" "$1" 2>&1)
    if [ "$value" = "$2" ]; then
        ok "$1 is $2"
    else
        not_ok "$1 is $2" "$value"
    fi
}

start_dmabrokerd --bus none --trial-program "$BUILD/broker/dmabroker-trial" --quirks "$SRC/data/quirks" ||
    bail "dmabrokerd starts"

# --- devices, heaps ---

has_camera()
{
    "$ctl" devices 2>/dev/null | grep -q "$camera"
}

check "the devices are measured" wait_for 60 has_camera
run 0 "devices" devices
says "^/dev/video[0-9]+ +vivid-001-vid-cap \(vivid\) +$camera\$"
says "^    capture +dma-contig \[measured\], contiguous as far as used \[[a-z]+\], copied by the CPU"
says "^    capture +vmalloc \[measured\], takes scattered memory"
says "^/dev/dri/card[0-9]+ .*\(vkms\) +drm:platform/vkms:card\$"
says "^    scanout +gem-shmem \[[a-z]+\], takes scattered memory"
says "^    DMA +coherent \[kernel\], reaches 32 bits \(4G\) \[[a-z]+\]"
run 0 "devices --verbose" devices --verbose
says "^x86_64, Linux "
says "^ +memory-model +dma-contig \[measured\] "
run 0 "machine" machine
says "^ +memory +addresses up to "
run 0 "dump" dump
check "the dump is valid" python3 "$SRC/tests/tools/schema-check.py" "$SRC/docs/machine.schema.json" "$answer"
cp "$answer" "$tap_scratch/machine.json"
run 0 "a plan on the dump" plan --machine "$tap_scratch/machine.json" --json --size 640x480 --format XR24 \
    "camera=$camera" display=vkms:scanout cpu
cp "$answer" "$tap_scratch/offline"
run 0 "the same plan by the daemon" plan --json --size 640x480 --format XR24 \
    "camera=$camera" display=vkms:scanout cpu
check "both are the same" cmp "$answer" "$tap_scratch/offline"
run 0 "devices --json" devices --json
json 0.id.value drm:platform/vgem:render
json 0.id.origin kernel

run 0 "heaps" heaps
says "^HEAP +MEMORY +CACHED"
says "^reserved +contiguous +yes +64M"
says "^system +scattered +yes"
says "^udmabuf +scattered +yes"
run 0 "heaps --json" heaps --json
json "#" 3
json 0.id.value reserved
json 0.contiguous.value true
json 0.contiguous.origin quirk

# --- plan ---

run 0 "plan" plan --size 640x480 --format XR24 camera=vivid-001-vid-cap:capture,camping=2 \
    encoder=stateful-encoder:output display=vkms:scanout,camping=2 cpu
says "^6 buffers of 1228800 bytes from heap reserved: 640x480 XR24, stride 2560\$"
says "heap reserved: because of camera: contiguous memory: vivid-001-vid-cap, dma-contig \[measured\]"
says "^camera +/dev/video[0-9]+ +capture +cpu-copying\$"
says "^camera +V4L2 +XR24 +- +2560 +- +1228800\$"
says "^display +DRM +XR24:0x0 +0 +2560 +0 "
says "^display +/dev/dri/card[0-9]+ +scanout +cpu-copying"
run 0 "plan --json" plan --json --size 640x480 --format XR24 "camera=$camera" display=vkms:scanout
json heap reserved
json format XR24
json planes.0.stride 2560
json participants.0.device $camera
json participants.0.v4l2-bytesperline 2560
run 0 "plan with a camera that takes any memory" plan --json --size 640x480 --format XR24 vivid-000-vid-cap cpu
json heap system

run 1 "plan of what cannot be" plan --size 640x480 --heap system camera=$camera cpu
says "^these cannot hold together\$"
says "^  camera +contiguity +contiguous memory +.*system .scattered.* measured\$"
says "^  request +allowed-heaps +only system "
says "^    request: allowed-heaps: add reserved\$"
complains "^dmabrokerctl: nothing suits all participants\$"
run 1 "the same as JSON" plan --json --size 640x480 --heap system camera=$camera cpu
json error Conflict
json "refusals.#" 2
json refusals.0.participant camera
json refusals.0.constraint contiguity
json refusals.0.origin measured
run 2 "plan with a device that is none" plan --size 640x480 v4l2:platform/none:0 cpu
run 2 "plan with a part of a name that many have" plan --size 640x480 vivid cpu
run 3 "plan without a daemon" plan --address unix:path=/nonexistent --size 640x480 vivid cpu

# --- alloc ---

daemon_buffers()
{
    find "/proc/$dmabrokerd_pid/fd" -lname '*dmabuf*' | wc -l
}

# there_are BUFFERS: held by the daemon, and by nobody else
there_are()
{
    [ "$(daemon_buffers)" -eq "$1" ] && [ "$(grep -c '[[:space:]]from-ctl#' /sys/kernel/debug/dma_buf/bufinfo)" -eq "$1" ]
}

check "at first there are no buffers" there_are 0
fds=$(find "/proc/$dmabrokerd_pid/fd" -type l | wc -l)

cat >"$tap_scratch/child.sh" <<'END'
for fd in $DMABROKER_FDS; do
    grep -E '^(name|exp_name|size):' "/proc/self/fdinfo/$fd"
done
echo "$DMABROKER_PLAN" >"$1"
exit 5
END
run 5 "alloc runs a command" alloc --size 640x480 --format XR24 --count 3 --name from-ctl "camera=$camera" cpu -- \
    sh "$tap_scratch/child.sh" "$tap_scratch/plan"
for i in 0 1 2; do
    says "^name:[[:space:]]+from-ctl#[0-9]+\.$i"
done
check "it inherits three buffers of the heap" test "$(grep -cx 'exp_name:[[:space:]]*reserved' "$answer")" -eq 3
check "of the plan's size" test "$(grep -cx 'size:[[:space:]]*1228800' "$answer")" -eq 3
cp "$tap_scratch/plan" "$answer"
json heap reserved
json count 3
check "afterwards there are no buffers" wait_for 20 there_are 0
run 1 "alloc of more than there is" alloc --size 1920x1080 --format XR24 --count 20 --heap reserved cpu -- touch "$tap_scratch/ran"
complains "capacity: wants a heap with room for all buffers"
check "its command does not run" test ! -e "$tap_scratch/ran"

# hold: 64 buffers in the background; its pid in $holder
hold()
{
    "$ctl" alloc --size 64x64 --format XR24 --count 64 --name from-ctl cpu >>"$OUT/held" 2>&1 </dev/null &
    holder=$!
}

hold
holders=$holder
check "alloc holds buffers" wait_for 30 there_are 64
check "and says so" grep -qE '^/org/dmabroker1/collection/[0-9]+ +system +XR24 +64x64 +64 ' "$OUT/held"
for _ in 2 3 4; do
    hold
    holders="$holders $holder"
done
check "four of them hold four times as many" wait_for 30 there_are 256
run 4 "a fifth is too much for one user" alloc --size 64x64 --format XR24 cpu -- true
run 4 "the same as JSON" alloc --json --size 64x64 --format XR24 cpu -- true
json error QuotaExceeded
for pid in $holders; do
    kill -9 "$pid"
    wait "$pid"
done
check "killed, they hold nothing" wait_for 30 there_are 0

no_more_fds()
{
    test "$(find "/proc/$dmabrokerd_pid/fd" -type l | wc -l)" -eq "$fds"
}

check "the daemon has as many files open as before" wait_for 20 no_more_fds
run 0 "and serves the next" alloc --size 64x64 --format XR24 --count 64 cpu -- true

# --- two processes ---

"$ctl" alloc --tokens 1 --size 640x480 --format XR24 --name from-ctl "camera=$camera" >"$OUT/first" 2>&1 </dev/null &
first=$!
check "alloc prints a token" wait_for 20 grep -qE '^[0-9a-f]{32}$' "$OUT/first"
check "and has no buffers yet" there_are 0
run 0 "collections shows that it waits" collections
says "^ +[0-9]+ +from-ctl +waiting "
run 5 "join runs a command with the buffers of both" join "$(grep -E '^[0-9a-f]{32}$' "$OUT/first")" display=vkms:scanout -- \
    sh "$tap_scratch/child.sh" "$tap_scratch/plan"
check "they come from the heap that suits both" test "$(grep -cx 'exp_name:[[:space:]]*reserved' "$answer")" -ge 2
check "the first goes on" grep -qE '^/org/dmabroker1/collection/[0-9]+ +reserved +XR24 +640x480 ' "$OUT/first"
kill "$first"
check "and ends with success" wait "$first"
check "then there are no buffers" wait_for 20 there_are 0

hold
check "alloc holds buffers again" wait_for 30 there_are 64
kill -9 "$dmabrokerd_pid"
wait "$dmabrokerd_pid"
dmabrokerd_pid=
check "it holds them when the daemon is gone" wait_for 20 grep -q 'the daemon is gone' "$OUT/held"
check "all of them" test "$(grep -c '[[:space:]]from-ctl#' /sys/kernel/debug/dma_buf/bufinfo)" -eq 64
kill "$holder"
check "and ends with success when it is told to" wait "$holder"
check "then they are gone" test "$(grep -c '[[:space:]]from-ctl#' /sys/kernel/debug/dma_buf/bufinfo)" -eq 0
