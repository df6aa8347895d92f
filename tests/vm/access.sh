# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# SPDX-License-Identifier: MIT
#
# For the cases about the access policy: what they have in common. Tables and chains stay in $OUT.

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/modules/lib.sh"

export DMABROKER_ADDRESS=unix:path=/run/dmabroker/bus

vivid=v4l2:platform/vivid.0:vivid
codec=v4l2:platform/vicodec.0:stateful

# measure ID-OR-NODE...: starts a daemon and waits until it has measured these devices and the heaps
measure()
{
    mkdir -p "$tap_scratch/quirks"
    ! grep -q swiotlb=force /proc/cmdline || quirks_of_importers
    start_dmabrokerd --bus none --trial-program "$trial" --quirks "$tap_scratch/quirks" || bail "dmabrokerd starts"
    check "the devices are measured" wait_for 90 are_measured "$@"
}

are_measured()
{
    "$BUILD/ctl/dmabrokerctl" devices >"$OUT/devices" 2>&1 && knows_heaps || return 1
    for id in "$@"; do
        grep -qE "(^$id | $id\$)" "$OUT/devices" || return 1
    done
}

# pairs LABEL AGENT...: the table of all pairs of these on each heap of the machine (tests/vm/access-pairs.c)
pairs()
{
    label=$1
    shift
    run_tap "$BUILD/tests/vm/access-pairs" -l "$label" -H system -H reserved -H udmabuf \
        -o "$OUT/access-pairs-$(echo "$label" | tr -c 'A-Za-z0-9\n' '-').md" "$@"
}

# ids AGENT...: of their devices
ids()
{
    printf '%s\n' "$@" | sed -n 's/[^@]*@//p' | sort -u
}

# chain NAME PICTURES STEP...: tests/vm/access-chain.c; its result stays in $OUT, for chain_results
chain()
{
    name=$1 pictures=$2
    shift 2
    "$BUILD/tests/vm/access-chain" -n "$pictures" -l "$name" "$@" >"$OUT/chain-$name" 2>"$tap_scratch/chain-$name"
    echo $? >"$tap_scratch/chain-$name.status"
}

print_chain()
{
    cat "$OUT/chain-$1"
    cat "$tap_scratch/chain-$1" >&2
    return "$(cat "$tap_scratch/chain-$1.status")"
}

chain_results()
{
    for name in "$@"; do run_tap print_chain "$name"; done
}

# has_bounced DEVICE: the importer has got a buffer, and a bounce buffer for it
has_bounced()
{
    grep -q '^bounced-bytes [1-9]' /sys/bus/*/devices/"$1"/importer/import
}
