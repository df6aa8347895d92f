# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# examples/run-demo.sh: all its parts, and what it leaves behind. It starts a daemon of its own and stops it.
# rig: timeout=300

. "$SRC/tests/vm/lib.sh"

has()
{
    test -s "$OUT/$1"
}

# same_picture FOLDER: the display shows what the camera took
same_picture()
{
    pngtopnm "$1/camera.png" >"$tap_scratch/camera.ppm" && pngtopnm "$1/display.png" >"$tap_scratch/display.ppm" &&
        test "$(wc -c <"$tap_scratch/camera.ppm")" -gt 900000 && cmp "$tap_scratch/camera.ppm" "$tap_scratch/display.ppm"
}

no_daemon()
{
    for process in /proc/[0-9]*/comm; do
        ! grep -qsx dmabrokerd "$process" || return 1
    done
}

check "the demo succeeds" sh "$SRC/examples/run-demo.sh"
cp "$tap_scratch/output" "$OUT/demo.txt"
check "it has three parts" test "$(grep -c '^== [123]\.' "$OUT/demo.txt")" -eq 3
check "the camera refuses at last: EFAULT" grep -q 'refuses buffer .* EFAULT' "$OUT/demo.txt"
check "its last line says where the results are" sh -c "tail -n 1 '$OUT/demo.txt' | grep -q '^Results are in $OUT:'"
for file in plan.json stream.fwht vivid-000/stream.fwht; do
    check "$file" has "$file"
done
check "the plan has the contiguous heap" test "$("$BUILD/tests/json-get" "$OUT/plan.json" heap)" = reserved
check "same picture at camera and display with vivid-000" same_picture "$OUT/vivid-000"
check "same picture at camera and display with vivid-001" same_picture "$OUT"
check "the daemon is gone" no_daemon
