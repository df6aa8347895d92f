# shellcheck shell=sh disable=SC2154 # what lib.sh sets
# SPDX-License-Identifier: MIT
#
# For the cases of examples/v4l2-capture. Sourced after lib.sh.

capture_frames=5

# capture_node NAME: of a camera, by the name that the kernel shows
capture_node()
{
    for name in /sys/class/video4linux/*/name; do
        if grep -qsx "$1" "$name"; then
            name=${name%/name}
            echo "/dev/${name##*/}"
            return
        fi
    done
    return 1
}

capture_run()
{
    timeout 60 "$BUILD/examples/v4l2-capture" "$camera" 640x480 $capture_frames "$tap_scratch/frames.raw" \
        >"$tap_scratch/summary" && cat "$tap_scratch/summary" &&
        test "$(grep -c '^frame ' "$tap_scratch/summary")" -eq $capture_frames
}

# In files frame.0, frame.1, ...
capture_split()
{
    rm -f "$tap_scratch"/frame.*
    size=$(stat -c %s "$tap_scratch/frames.raw")
    test "$size" -gt 0 && test $((size % capture_frames)) -eq 0 &&
        split -a 1 -d -n $capture_frames "$tap_scratch/frames.raw" "$tap_scratch/frame."
}

capture_same_as_own()
{
    "$BUILD/tests/vm/own-frame" "$camera" "$tap_scratch/own.raw" || return 1
    for frame in "$tap_scratch"/frame.?; do
        cmp "$frame" "$tap_scratch/own.raw" || return 1
    done
}

# The picture has a clock in it.
capture_all_differ()
{
    test "$(sha256sum "$tap_scratch"/frame.? | cut -d ' ' -f 1 | sort -u | wc -l)" -eq $capture_frames
}

# capture_check NAME HEAP: all of it with one camera
capture_check()
{
    camera=$(capture_node "$1") || bail "there is a camera $1"
    check "a picture that stands still ($1)" "$BUILD/tests/vm/own-frame" "$camera" still
    check "frames are captured ($1)" capture_run
    sed 's/^/# /' "$tap_scratch/summary"
    check "into the heap $2 ($1)" grep -qw "$2" "$tap_scratch/summary"
    check "all of one size ($1)" capture_split
    check "each is what the driver makes by itself ($1)" capture_same_as_own
    check "the picture moves again ($1)" "$BUILD/tests/vm/own-frame" "$camera" moving
    check "frames of it are captured ($1)" capture_run
    check "all of one size, too ($1)" capture_split
    check "each is another one ($1)" capture_all_differ
}
