# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
#
# Devices that come and go, beside udevd: the daemon hears of them through it.
# rig: udevd timeout=600

. "$SRC/tests/vm/lib.sh"

export CK_TAP_LOG_FILE_NAME=- CK_VERBOSITY=silent

CK_RUN_CASE=hotplug run_tap "$BUILD/tests/vm/test-devices"
