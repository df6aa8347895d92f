# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
#
# The rig itself: the machine has what the other cases count on.
# rig: udevd bus

. "$SRC/tests/vm/lib.sh"

# named TEXT CLASS NAME: some device of a class under /sys/class has this name, and its node is there
named()
{
    for file in "/sys/class/$2"/*/name; do
        grep -q "^$3\$" "$file" || continue
        node=${file%/name}
        check "$1" test -c "/dev/${node##*/}"
        return
    done
    not_ok "$1" "names: $(cat "/sys/class/$2"/*/name)"
}

# The driver of a card, by its platform device.
card()
{
    for link in /sys/class/drm/card?; do
        case $(readlink -f "$link/device") in */"$1") return ;; esac
    done
    return 1
}

check "/proc/meminfo" grep -q MemTotal /proc/meminfo
check "CMA of 64 MiB" grep -q '^CmaTotal: *65536 kB' /proc/meminfo
check "heap system" test -c /dev/dma_heap/system
check "heap reserved" test -c /dev/dma_heap/reserved
check "/dev/udmabuf" test -c /dev/udmabuf
named "camera vivid-000" video4linux vivid-000-vid-cap
named "camera vivid-001" video4linux vivid-001-vid-cap
named "stateful encoder" video4linux stateful-encoder
named "stateful decoder" video4linux stateful-decoder
check "display vkms" card vkms
check "render node vgem" card vgem
check "kernel's trace of DMA maintenance" test -d /sys/kernel/tracing/events/dma/dma_sync_sg_for_cpu
check "debugfs" test -r /sys/kernel/debug/dma_buf/bufinfo
check "loopback" grep -qx 1 /sys/class/net/lo/carrier
check "repository writable, for this machine only" touch "$SRC/rig-was-here"
check "results' folder writable" touch "$OUT/rig-was-here"
check "udevd knows a camera" udevadm info --query=property --property=ID_V4L_CAPABILITIES /dev/video0
check "udevd listens" udevadm control --ping
check "system bus answers" busctl --system list
