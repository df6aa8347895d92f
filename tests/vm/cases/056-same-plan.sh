# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# A broker inside the tool knows what the daemon knows, and plans what it plans, to the byte. The two do not see
# each other's collections.
# rig: timeout=240

. "$SRC/tests/vm/lib.sh"

ctl=$BUILD/ctl/dmabrokerctl
unset DMABROKER_ADDRESS

# both NAME ARGUMENT...: the answers of the daemon and of the tool itself in NAME.daemon and NAME.inside
both()
{
    name=$tap_scratch/$1
    shift
    timeout 60 "$ctl" "$@" --address unix:path=/run/dmabroker/bus >"$name.daemon" 2>&1
    echo "status $?" >>"$name.daemon"
    timeout 60 "$ctl" "$@" --address "$inside" >"$name.inside" 2>&1
    echo "status $?" >>"$name.inside"
}

# same TEXT PATTERN ARGUMENT...: they are the same, and have the pattern
same()
{
    text=$1 pattern=$2
    shift 2
    both plan "$@"
    check "$text: as it should be" grep -q "$pattern" "$tap_scratch/plan.daemon"
    check "$text: the same" diff "$tap_scratch/plan.daemon" "$tap_scratch/plan.inside"
}

# compare TRIALS
compare()
{
    both machine machine --json=pretty
    both devices devices --json=pretty
    both heaps heaps --json=pretty
    # how much of a heap is free is true for a moment only
    sed -i '/"free-bytes"/,/}/d' "$tap_scratch"/heaps.*
    for what in machine devices heaps; do
        check "$1 trials, $what: something" test "$(wc -l <"$tap_scratch/$what.daemon")" -gt 10
        check "$1 trials, $what: the same" diff "$tap_scratch/$what.daemon" "$tap_scratch/$what.inside"
    done
    same "$1 trials, a plan" '"heap": "reserved"' plan --json=pretty --size 640x480 --format XR24 \
        camera=vivid-001-vid-cap:capture encoder=stateful-encoder:output cpu=cpu,cpu-access=rare
    same "$1 trials, another" '"heap": "' plan --json=pretty --size 1280x720 --format XR24 \
        camera=vivid-000-vid-cap:capture,slack=2 cpu=cpu,cpu-access=often
    same "$1 trials, a conflict" '"error": "Conflict"' plan --json=pretty --size 640x480 --heap system \
        camera=vivid-001-vid-cap:capture
}

start_dmabrokerd --bus none --no-trials || bail "dmabrokerd starts"
inside=in-process:quirks=$SRC/data/quirks
compare without
stop_dmabrokerd || not_ok "dmabrokerd ends with success"

start_dmabrokerd --bus none --trial-program "$BUILD/broker/dmabroker-trial" || bail "dmabrokerd starts"
inside=in-process:trials=$BUILD/broker/dmabroker-trial,quirks=$SRC/data/quirks
compare with

# --- apart ---

"$ctl" alloc --size 64x64 --format XR24 cpu >"$tap_scratch/alloc" 2>&1 &
holder=$!
has_collection()
{
    "$ctl" collections --no-legend | grep -q .
}
check "the daemon has a collection" wait_for 30 has_collection
"$ctl" collections --json --address "$inside" >"$tap_scratch/collections"
check "the tool itself knows nothing of it" test "$(cat "$tap_scratch/collections")" = '[]'
kill "$holder"
wait "$holder"
