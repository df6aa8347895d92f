# shellcheck shell=sh disable=SC1091,SC2154
# SPDX-License-Identifier: MIT
#
# A camera that refuses memory which it should take: its client says so and gets other memory, and the daemon
# believes its own trial only.
# rig: modules

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/modules/lib.sh"

export DMABROKER_ADDRESS=unix:path=/run/dmabroker/bus

is_measured()
{
    "$BUILD/ctl/dmabrokerctl" devices >"$OUT/devices" 2>&1 && grep -q "^$1 " "$OUT/devices" && knows_heaps
}

# with MODE NODE [ARGUMENT OF DMABROKERD]...
with()
{
    mode=$1 camera=$2
    shift 2
    start_dmabrokerd --bus none "$@" || bail "dmabrokerd starts ($mode)"
    check "the camera is known ($mode)" wait_for 60 is_measured "$camera"
    run_tap "$BUILD/tests/vm/test-report" "$mode" "$camera"
    stop_dmabrokerd || not_ok "the daemon ends well ($mode)"
}

load core
load v4l2 platform=2 mask_bits=64,64 allocator=contig,sg
mkdir "$tap_scratch/wrong"
cat >"$tap_scratch/wrong/importer.quirks" <<END
[importer]
match-kind=v4l2
match-driver=importer
memory-model=dma-sg
source=nothing: it is wrong
END

with claimed "$(node importer.0)" --no-trials --quirks "$tap_scratch/wrong"
with vetoed "$(node importer.0)" --trial-program "$trial" --quirks "$tap_scratch/wrong"
with confirmed "$(node importer.1)" --trial-program "$trial"
check "the modules go" unload
