# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
#
# What happens without a broker: the first heap at hand suits one camera and not the other.

. "$SRC/tests/vm/lib.sh"

# first_allocator CAMERA: sets status
first_allocator()
{
    name=$(grep -lx "$1-vid-cap" /sys/class/video4linux/*/name)
    name=${name%/name}
    timeout 30 "$BUILD/examples/first-allocator" "/dev/${name##*/}" >"$OUT/$1.txt" 2>&1
    status=$?
    sed 's/^/# /' "$OUT/$1.txt"
}

first_allocator vivid-001
check "vivid-001 refuses memory of the system heap" test $status -eq 0
check "at VIDIOC_QBUF, with EFAULT" grep -q 'refuses buffer .* EFAULT' "$OUT/vivid-001.txt"
check "because it is not contiguous" sh -c "dmesg | grep -q 'contiguous chunk is too small'"

first_allocator vivid-000
check "vivid-000 takes it" test $status -eq 1
check "all four buffers" test "$(grep -c 'takes buffer' "$OUT/vivid-000.txt")" -eq 4
