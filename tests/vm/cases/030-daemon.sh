# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
#
# The daemon with real heaps and devices, on both transports, where no udevd runs; and the tests
# of hostile clients once more, beside devices.
# rig: timeout=600

. "$SRC/tests/vm/lib.sh"

export CK_TAP_LOG_FILE_NAME=- CK_VERBOSITY=silent

run_tap "$BUILD/tests/vm/test-devices"
run_tap "$BUILD/tests/bus/test-clients"
