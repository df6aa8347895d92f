# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
# rig: kernel=debian timeout=400
#
# The truth table on Debian's own kernel: drivers are modules, there is no CMA heap.

. "$SRC/tests/vm/truth.sh"

check "Debian's modules load" modprobe -a vgem
check "vivid loads" modprobe vivid n_devs=2 allocators=0,1
table "Debian" -s -t "$trial"
