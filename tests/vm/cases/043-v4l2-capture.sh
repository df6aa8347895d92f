# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
#
# examples/v4l2-capture, with a camera that takes any memory and one that needs contiguous memory.
# rig: timeout=300

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/capture.sh"

start_dmabrokerd --bus none --trial-program "$BUILD/broker/dmabroker-trial" || bail "dmabrokerd starts"
capture_check vivid-000-vid-cap system
capture_check vivid-001-vid-cap reserved
