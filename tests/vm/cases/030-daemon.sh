# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
#
# The daemon with real heaps and devices, on both transports, where no udevd runs.
# rig: timeout=600

. "$SRC/tests/vm/lib.sh"

export CK_TAP_LOG_FILE_NAME=- CK_VERBOSITY=silent

run_tap "$BUILD/tests/vm/test-devices"
