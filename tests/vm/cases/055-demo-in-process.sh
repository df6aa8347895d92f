# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# examples/run-demo.sh as `demo.sh --in-process` starts it: the same without a daemon.
# rig: timeout=300

. "$SRC/tests/vm/lib.sh"

DMABROKER_ADDRESS=in-process:trials=$BUILD/broker/dmabroker-trial,quirks=$SRC/data/quirks
export DMABROKER_ADDRESS

check "the demo succeeds" sh "$SRC/examples/run-demo.sh"
cp "$tap_scratch/output" "$OUT/demo.txt"
check "it has three parts" test "$(grep -c '^== [123]\.' "$OUT/demo.txt")" -eq 3
check "the first camera gets memory that is not scarce" grep -q 'buffers of .* from heap system' "$OUT/demo.txt"
check "the plan has the contiguous heap" test "$("$BUILD/tests/json-get" "$OUT/plan.json" heap)" = reserved
check "all frames passed, twice" test "$(grep -c '^frames: 60 taken, 60 encoded, 60 shown$' "$OUT/demo.txt")" -eq 2
check "no daemon was started" test ! -e "$OUT/dmabrokerd.log"
