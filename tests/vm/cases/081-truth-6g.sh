# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
# rig: memory=6G timeout=400
# rig: cmdline=vimc.allocator=1
# rig: qemu=-device virtio-gpu-pci -device bochs-display
#
# The truth table with memory above 4 GiB, where the kernel bounces for 32-bit devices and says yes,
# and with two displays that claim to import and do not.

. "$SRC/tests/vm/truth.sh"

table "6 GiB" -t "$trial"
