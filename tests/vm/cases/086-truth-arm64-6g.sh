# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
# rig: arch=arm64 memory=6G timeout=400
# rig: cmdline=vimc.allocator=1
#
# The same with memory above 4 GiB.

. "$SRC/tests/vm/truth.sh"

table "arm64, 6 GiB" -t "$trial"
