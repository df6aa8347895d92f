# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
# rig: timeout=400
# rig: qemu=-device edu,dma_mask=0xffffffff -device edu,dma_mask=0xffffffff
# rig: cmdline=swiotlb=force
#
# The truth table where the kernel bounces all that is mapped for DMA.

. "$SRC/tests/vm/truth.sh"

table "swiotlb=force" -t "$trial"
