# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
#
# The example with a camera that needs contiguous memory.
# rig: timeout=300

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/demo.sh"

demo_run vivid-001
demo_check_plan reserved
check "the heap is chosen because of vivid-001" demo_reason_is vivid-001
demo_check_results
