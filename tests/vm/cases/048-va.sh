# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
# rig: timeout=240
#
# A buffer of the broker as a VA surface, on a real render node (vgem). There is no VA driver for it: libva loads a
# stand-in of ours, which decodes nothing, and imports by PRIME what it is given (tests/helpers/standin-va-driver.c).

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/trials.sh"

example=$BUILD/examples/va-surface
node=$(dri vgem renderD)
said=$OUT/said
surfaces=$OUT/surfaces
export LIBVA_DRIVERS_PATH="$BUILD/tests/helpers" LIBVA_DRIVER_NAME=standin STANDIN_VA_RECORD="$surfaces"
export DMABROKER_ADDRESS=unix:path=/run/dmabroker/bus

for file in "$example" "$LIBVA_DRIVERS_PATH/standin_drv_video.so"; do
    [ -x "$file" ] || bail "$file is built"
done

is_measured()
{
    "$BUILD/ctl/dmabrokerctl" devices >"$tap_scratch/devices" 2>/dev/null && grep -q "$node" "$tap_scratch/devices"
}

# make_surface ARGUMENT...: runs the example
make_surface()
{
    : >"$surfaces"
    timeout 60 "$example" --node "$node" "$@" >"$said" 2>"$OUT/complaint" || {
        cat "$said" "$OUT/complaint"
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

start_dmabrokerd --bus none --trial-program "$BUILD/broker/dmabroker-trial" || bail "dmabrokerd starts"
wait_for 60 is_measured || bail "vgem's render node is measured"

check "the example runs" make_surface
check "its driver is the stand-in" has "$said" '^driver *stand-in '
inode=$(sed -n 's/^surface .* of the buffer with inode //p' "$said")
check "the driver gets the buffer itself" has "$surfaces" "^object inode ${inode:-none} size "
check "and imports it on the render node" has "$surfaces" '^surface NV12 640x480 prime yes$'
check "in one layer, with strides a multiple of 256" has "$surfaces" '^layer NV12 0:0+768 0:368640+768$'

check "the example runs with a layer for each plane" make_surface --separate --size 320x240
check "the driver imports that, too" has "$surfaces" '^surface NV12 320x240 prime yes$'
check "in a layer of Y" has "$surfaces" '^layer R8   0:0+512$'
check "and a layer of UV" has "$surfaces" '^layer GR88 0:122880+512$'
