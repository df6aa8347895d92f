# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
#
# examples/v4l2-capture with cameras of the multi-planar API.
# rig: timeout=300
# rig: cmdline=vivid.multiplanar=2,2 vicodec.multiplanar=1 vimc.allocator=0

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/capture.sh"

start_dmabrokerd --bus none --trial-program "$BUILD/broker/dmabroker-trial" || bail "dmabrokerd starts"
capture_check vivid-000-vid-cap system
capture_check vivid-001-vid-cap reserved
