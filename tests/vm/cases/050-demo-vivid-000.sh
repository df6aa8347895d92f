# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
#
# The example with a camera that takes any memory.
# rig: timeout=300

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/demo.sh"

demo_run vivid-000
demo_check_plan system
demo_check_results
