# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# For the cases about the access policy: what they have in common.

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/modules/lib.sh"

export DMABROKER_ADDRESS=unix:path=/run/dmabroker/bus

# start_with ID...: a daemon that has measured these devices and the heaps
start_with()
{
    quirks
    start_dmabrokerd --bus none --trial-program "$trial" --quirks "$tap_scratch/quirks" || bail "dmabrokerd starts"
    check "the devices are measured" wait_for 90 are_measured "$@"
}

# Where everything is bounced, the kernel has no buffers of the driver's own for the daemon to look at: they
# would be too large.
quirks()
{
    mkdir -p "$tap_scratch/quirks"
    ! grep -q swiotlb=force /proc/cmdline || cat >"$tap_scratch/quirks/importers.quirks" <<END
[importers]
match-kind=v4l2
match-driver=importer*
memory-model=dma-sg
source=tests/vm/modules
END
}

are_measured()
{
    "$BUILD/ctl/dmabrokerctl" devices >"$OUT/devices" 2>&1 && knows_heaps || return 1
    for id in "$@"; do
        grep -q " $id\$" "$OUT/devices" || return 1
    done
}

# pairs LABEL AGENT...: the table of all pairs of these (tests/vm/access-pairs.c) on each heap of the machine
pairs()
{
    label=$1
    shift
    ids=$(printf '%s\n' "$@" | sed -n 's/[^@]*@//p' | sort -u)
    # shellcheck disable=SC2086 # one each
    start_with $ids
    run_tap "$BUILD/tests/vm/access-pairs" -l "$label" -H system -H reserved -H udmabuf \
        -o "$OUT/access-pairs-$(echo "$label" | tr -c 'A-Za-z0-9\n' '-').md" "$@"
    stop_dmabrokerd || not_ok "the daemon ends well"
}

vivid=v4l2:platform/vivid.0:vivid
codec=v4l2:platform/vicodec.0:stateful
