# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
# rig: memory=6G timeout=400 kernel-may-warn
# rig: cmdline=swiotlb=noforce cma=64M@0-4G
#
# The truth table where nothing is ever bounced: what lies out of reach is refused, and the CMA area
# is known to lie within it. The kernel warns of what the table makes it map.

. "$SRC/tests/vm/truth.sh"

table "6 GiB, swiotlb=noforce, CMA below 4 GiB" -t "$trial"
