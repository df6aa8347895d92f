# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# Where device trees of real boards are. Sourced by what has set `here` to this folder; sets, each to "-" if it is not there:
#
#   dtbs     those of Debian's arm64 kernel package, as unpacked in the cache, or DMABROKER_DTBS
#   source   the kernel's source, as the rig's kernel has left it there, or DMABROKER_KERNEL_SOURCE
#   scratch  a folder that goes in the end; scratch/trees has what sources.sh compiles of the source

: "${here:?}"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dmabroker

# The newest of those folders that are there.
newest()
{
    newest=-
    for folder in "$@"; do
        # shellcheck disable=SC3013 # dash has -nt
        if [ -d "$folder" ] && { [ "$newest" = - ] || [ "$folder" -nt "$newest" ]; }; then newest=$folder; fi
    done
    echo "$newest"
}

dtbs=${DMABROKER_DTBS:-$(newest "$cache"/*/usr/lib/linux-image-6.12*-arm64 "$cache"/*/*/usr/lib/linux-image-6.12*-arm64)}
source=${DMABROKER_KERNEL_SOURCE:-$(newest "$cache"/*/*/arch/arm/boot/dts | sed 's,/arch/arm/boot/dts$,,')}
[ -d "$dtbs" ] || dtbs=-
[ -d "$source" ] || source=-
echo "# device trees: $dtbs"
echo "# kernel source: $source"

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
if [ "$source" != - ]; then
    "$here/sources.sh" "$source" "$scratch/trees" | sed 's/^/# not compiled: /'
fi
