# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
#
# The helpers of the library on real drivers: what they leave behind there, and what drivers refuse.
# rig: timeout=300

. "$SRC/tests/vm/helpers.sh"
