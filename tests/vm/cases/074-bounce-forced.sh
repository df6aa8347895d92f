# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# The same where the kernel bounces all that is mapped for DMA, whether anybody wants it or not.
# rig: modules timeout=300
# rig: qemu=-device edu,dma_mask=0xffffffff -device edu,dma_mask=0xffffffff
# rig: cmdline=swiotlb=force

. "$SRC/tests/vm/bounce.sh"

test_bounce forced always
