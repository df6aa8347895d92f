# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
#
# The same with devices of the multi-planar API.
# rig: timeout=300
# rig: cmdline=vivid.multiplanar=2,2 vicodec.multiplanar=1 vimc.allocator=0

. "$SRC/tests/vm/helpers.sh"
