# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
# rig: arch=arm64 timeout=400
#
# The truth table where devices do not snoop.

. "$SRC/tests/vm/truth.sh"

table "arm64" -s -t "$trial"
