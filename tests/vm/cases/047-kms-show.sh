# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# examples/kms-show: what it draws is what the display reads back.
# rig: timeout=300

. "$SRC/tests/vm/lib.sh"

# drawn WIDTH HEIGHT: the pixels that the example says it draws, in text
drawn()
{
    awk -v width="$1" -v height="$2" 'BEGIN {
        for (y = 0; y < height; y++)
            for (x = 0; x < width; x++)
                print int(x * 255 / width), int(y * 255 / height), (x + y) % 256
    }'
}

# is_drawn WIDTH HEIGHT: whether they are in the file
is_drawn()
{
    head -n 2 "$tap_scratch/shown.ppm" | tail -n 1 | grep -qx "$1 $2" || return 1
    drawn "$1" "$2" >"$tap_scratch/drawn"
    tail -c $(($1 * $2 * 3)) "$tap_scratch/shown.ppm" | od -An -v -tu1 -w3 | awk '{ print $1, $2, $3 }' |
        cmp - "$tap_scratch/drawn"
}

start_dmabrokerd --bus none --trial-program "$BUILD/broker/dmabroker-trial" || bail "dmabrokerd starts"
for size in 640x480 1024x768; do
    rm -f "$tap_scratch/shown.ppm"
    check "a picture of $size is shown" timeout 60 "$BUILD/examples/kms-show" $size "$tap_scratch/shown.ppm" vkms
    check "what is on the screen is what was drawn ($size)" is_drawn ${size%x*} ${size#*x}
done
