# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# For the cases about the importer modules: sourced after tests/vm/lib.sh.

importers=$BUILD/tests/vm/importers
modules=$BUILD/tests/vm/modules-$(uname -m)
trial=$BUILD/broker/dmabroker-trial

# load MODULE [PARAMETER]...
load()
{
    case $1 in
    v4l2) modprobe videobuf2-dma-sg || bail "the kernel's helper loads" ;;
    drm) modprobe drm_dma_helper || bail "the kernel's helper loads" ;;
    esac
    module=$modules/importer-$1.ko
    shift
    insmod "$module" "$@" || bail "$module loads"
}

unload()
{
    for module in importer_drm importer_v4l2 importer_core; do
        ! grep -q "^$module " /proc/modules || rmmod $module || return 1
    done
}

# Where everything is bounced, the kernel has no buffers of the driver's own for the daemon to look at: they
# would be too large. Leaves a quirk file in $tap_scratch/quirks.
# shellcheck disable=SC2154 # of tests/vm/lib.sh
quirks_of_importers()
{
    mkdir -p "$tap_scratch/quirks"
    cat >"$tap_scratch/quirks/importers.quirks" <<END
[importers]
match-kind=v4l2
match-driver=importer*
memory-model=dma-sg
source=tests/vm/modules
END
}

# node DEVICE: of the importer whose parent's name this is
node()
{
    for entry in /sys/bus/*/devices/"$1"/video4linux/video* /sys/bus/*/devices/"$1"/drm/card*; do
        case $entry in
        */video4linux/video[0-9]*) echo "/dev/${entry##*/}" ;;
        */drm/card[0-9]*) echo "/dev/dri/${entry##*/}" ;;
        esac
    done
}

# attribute_is DEVICE NAME VALUE
attribute_is()
{
    value=$(cat /sys/bus/*/devices/"$1"/importer/"$2" 2>&1)
    if [ "$value" = "$3" ]; then
        ok "$1: $2 is $3"
    else
        not_ok "$1: $2 is $3" "$value"
    fi
}

# compare_with_broker NAME [ID-BEGINNING]...: what the broker finds of these importers is what the kernel
# computed, and what it plans the kernel does
compare_with_broker()
{
    facts=$OUT/facts-$1
    shift
    "$BUILD/tests/vm/probe-dump" -t "$trial" "$@" system reserved udmabuf >"$facts" 2>>"$OUT/probe-dump.log" ||
        not_ok "everything is measured" "$(cat "$OUT/probe-dump.log")"
    run_tap "$importers" facts "$facts"
    if start_dmabrokerd --bus none --trial-program "$trial" && wait_for 60 all_known "$facts"; then
        run_tap "$importers" plans "$facts" unix:path=/run/dmabroker/bus
    else
        not_ok "dmabrokerd knows all importers" "$(cat "$OUT/devices")"
    fi
    stop_dmabrokerd
}

# all_known FACTS: the daemon has measured every importer of which there are facts
all_known()
{
    "$BUILD/ctl/dmabrokerctl" devices >"$OUT/devices" 2>&1 || return 1
    sed -n 's/^\([^\t]*importer[^\t]*\)\tnode\t.*/\1/p' "$1" >"$OUT/known"
    while read -r known; do
        grep -qF "$known" "$OUT/devices" || return 1
    done <"$OUT/known"
}
