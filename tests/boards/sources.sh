#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: sources.sh KERNEL-SOURCE OUT
#
# Compiles device trees that Debian's arm64 kernel package does not have from the sources of Linux,
# as its own scripts/Makefile.lib does: all boards with Marvell's coherency fabric, which are 32 bit,
# and some more that the table names. Leaves OUT/arm/... and OUT/arm64/..., and prints the names of
# those that could not be compiled.
set -u
if [ $# != 2 ] || [ ! -d "$1/arch/arm/boot/dts/marvell" ]; then
    echo "usage: sources.sh KERNEL-SOURCE OUT" >&2
    exit 2
fi
source=$1 out=$2

# compile FILE: a path below arch/, without its ending
compile()
{
    from=$source/arch/$1.dts
    to=$out/$(echo "$1" | sed 's,/boot/dts,,').dtb
    mkdir -p "${to%/*}"
    cpp -nostdinc -undef -D__DTS__ -x assembler-with-cpp -I "${from%/*}" \
        -I "$source/scripts/dtc/include-prefixes" "$from" >"$to.tmp" 2>/dev/null &&
        dtc -q -I dts -O dtb -i "${from%/*}" -o "$to" "$to.tmp" 2>/dev/null ||
        echo "${1##*/}"
    rm -f "$to.tmp"
}

for dts in "$source"/arch/arm/boot/dts/marvell/armada-*.dts; do
    compile "arm/boot/dts/marvell/$(basename "$dts" .dts)"
done
compile arm/boot/dts/allwinner/sun8i-a83t-cubietruck-plus
compile arm/boot/dts/allwinner/sun8i-h3-orangepi-pc
compile arm/boot/dts/allwinner/sun5i-r8-chip
compile arm64/boot/dts/nvidia/tegra194-p2972-0000
compile arm64/boot/dts/renesas/r8a77951-salvator-xs
