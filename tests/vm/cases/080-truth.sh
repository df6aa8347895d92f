# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
# rig: timeout=400
#
# The truth table on the plainest machine, and once more for a broker that may not try anything.

. "$SRC/tests/vm/truth.sh"

table "1 GiB" -s -t "$trial"
table "1 GiB, no trials"
