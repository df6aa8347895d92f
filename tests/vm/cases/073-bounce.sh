# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# Cameras on a machine with more memory than they reach: nothing is bounced that was not allowed, and what
# was arrives.
# rig: modules memory=6G timeout=300
# rig: qemu=-device edu,dma_mask=0xffffffff -device edu,dma_mask=0xffffffffffffffff -device edu,dma_mask=0xffffffff

. "$SRC/tests/vm/bounce.sh"

test_bounce reach reach
