# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
# rig: timeout=240
#
# Buffers of the broker in a Wayland window. The compositor is a stand-in of ours that shows nothing, and imports what it
# is given on real devices: vgem's render node, and vkms as the screen (tests/helpers/standin-compositor.c).

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/trials.sh"

example=$BUILD/examples/wayland-buffer
compositor=$BUILD/tests/helpers/standin-compositor
render=$(dri vgem renderD)
card=$(dri vgem card)
screen=$(dri vkms card)
said=$OUT/said
record=$OUT/record
export DMABROKER_ADDRESS=unix:path=/run/dmabroker/bus

for file in "$example" "$compositor"; do
    [ -x "$file" ] || bail "$file is built"
done

is_measured()
{
    "$BUILD/ctl/dmabrokerctl" devices >"$tap_scratch/devices" 2>/dev/null &&
        grep -q "$render" "$tap_scratch/devices" && grep -q "$screen" "$tap_scratch/devices"
}

# show OPTION...: of the compositor, which runs the example
show()
{
    : >"$record"
    timeout 60 "$compositor" --record "$record" "$@" "$example" --frames 20 >"$said" 2>"$OUT/complaint" || {
        cat "$said" "$OUT/complaint" "$record"
        return 1
    }
}

# has FILE LINE
has()
{
    grep -q "$2" "$1" || {
        cat "$1"
        return 1
    }
}

# count LINE NUMBER: so often in the record
count()
{
    [ "$(grep -c "$1" "$record")" -eq "$2" ] || {
        cat "$record"
        return 1
    }
}

start_dmabrokerd --bus none --trial-program "$BUILD/broker/dmabroker-trial" || bail "dmabrokerd starts"
wait_for 60 is_measured || bail "vgem and vkms are measured"

check "the example runs" show --main "$render" --screen "$screen"
check "its buffers fit for direct scanout" has "$said" '^20 frames in 3 buffers, fit for direct scanout$'
check "the compositor imports all of them" count '^imported yes$' 3
check "and makes framebuffers of them" count '^framebuffer yes$' 3
check "20 frames are shown" count '^shown ' 20
check "the first as the CPU drew it" has "$record" '^shown inode [0-9]* pixel 0x01010101$'
check "the last as well" has "$record" '^shown inode [0-9]* pixel 0x14141414$'

# which node a compositor names is its own affair
check "the main device may be named by its card" show --main "$card" --screen "$screen"
check "the buffers are the same" count '^imported yes$' 3

check "without a tranche for scanout the example runs" show --main "$render" --plays plain
check "it says so" has "$said" '^no direct scanout: .*none of its tranches is for scanout$'
check "the compositor imports the buffers" count '^imported yes$' 3

refuse "a compositor that refuses the buffers ends the example" show --main "$render" --plays choosy
check "which says why" has "$OUT/complaint" '^the compositor cannot use the buffer$'
