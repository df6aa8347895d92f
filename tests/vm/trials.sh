# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# For the cases about trials: what dmabroker-trial says of a real driver. Sourced after tests/vm/lib.sh.

trial=$BUILD/broker/dmabroker-trial
dump=$BUILD/tests/vm/probe-dump
stream=$BUILD/tests/vm/stream
tab=$(printf '\t')
for program in "$trial" "$dump" "$stream"; do
    [ -x "$program" ] || bail "$program is built"
done

# video NAME: the node that the kernel calls so
video()
{
    for entry in /sys/class/video4linux/video*; do
        [ "$(cat "$entry/name")" != "$1" ] || echo "/dev/${entry##*/}"
    done | head -n 1
}

# dri DRIVER KIND: the node of this driver; KIND is card or renderD
dri()
{
    for entry in /sys/class/drm/"$2"[0-9] /sys/class/drm/"$2"[0-9][0-9][0-9]; do
        [ -e "$entry/dev" ] || continue
        case "$(realpath "$entry/device/driver" 2>/dev/null) $(realpath "$entry/device")" in
        */"$1 "* | *" "*/"$1") echo "/dev/dri/${entry##*/}" ;;
        esac
    done | head -n 1
}

# try_queue NAME TYPE [no-imports]     (types: 1 capture, 2 output, 9 and 10 the same multi-planar)
try_queue()
{
    node=$(video "$1")
    shift
    "$trial" v4l2 "$node" "$@" 2>&1
}

# try_node NODE [no-imports]: with XR24 and NV12, pictures of 64x32. (Our shell may become the card's
# master by opening it; the broker has dropped that before.)
try_node()
{
    node=$1
    shift
    "$trial" drm 875713112 842094158 64 32 "$@" 3<>"$node" 2>&1
}

# try_card DRIVER KIND [no-imports]
try_card()
{
    node=$(dri "$1" "$2")
    shift 2
    try_node "$node" "$@"
}

# said TEXT PATTERN COMMAND...: what it printed is one line like this
said()
{
    text=$1 pattern=$2
    shift 2
    line=$("$@")
    # shellcheck disable=SC2254 # a pattern it is
    case $line in
    *"
"*) not_ok "$text" "$line" ;;
    $pattern) ok "$text" ;;
    *) not_ok "$text" "not like '$pattern': $line" ;;
    esac
}

# found ID KEY VALUE ORIGIN: among the facts
found()
{
    if grep -qxF "$1$tab$2$tab$3$tab$4" "$OUT/facts"; then
        ok "$1: $2 is $3 ($4)"
    else
        not_ok "$1: $2 is $3 ($4)" "$(grep -F "$1$tab$2$tab" "$OUT/facts")"
    fi
}

# measure [ARGUMENT OF PROBE-DUMP]...: the facts
measure()
{
    "$dump" "$@" >"$OUT/facts"
}

# driven_by DRIVER KIND: the id of the node, by the facts
driven_by()
{
    sed -n "s|^\(drm:[^$tab]*:$2\)${tab}driver$tab$1$tab.*|\1|p" "$OUT/facts"
}

# nothing_is_left: no dma-buf is there any more
nothing_is_left()
{
    grep -q '^Total 0 objects' /sys/kernel/debug/dma_buf/bufinfo && return
    cat /sys/kernel/debug/dma_buf/bufinfo
    return 1
}
