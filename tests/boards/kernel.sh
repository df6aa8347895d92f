#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: kernel.sh COMPILER LIBRARY...
#
# Compiles test-kernel.c with the kernel's own functions and runs it on all device trees that are
# there, and on spoilt ones of the boards below. Skipped without the kernel's source.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/trees.sh"

# Where buses, interconnects and IOMMUs are in each other's way.
spoilt="apm-mustang.dtb bcm2711-rpi-4-b.dtb juno-r2.dtb k3-j721e-sk.dtb fsl-ls1028a-rdb.dtb sdm845-db845c.dtb
    tegra194-p2972-0000.dtb sun5i-r8-chip.dtb"

if [ "$source" = - ]; then
    echo "1..0 # SKIP no source of the kernel"
    exit 0
fi
compiler=$1
shift
python3 "$here/kernel-code.py" "$source" >"$scratch/kernel-code.inc" &&
    "$compiler" -O2 -std=gnu11 -D_GNU_SOURCE -w -I "$here/../.." -I "$scratch" -o "$scratch/test-kernel" \
        "$here/test-kernel.c" "$here/blob.c" "$@" -lfdt || exit 1

find "$scratch/trees" "$dtbs" -name '*.dtb' 2>/dev/null | sort >"$scratch/all"
"$scratch/test-kernel" 0 <"$scratch/all" >"$scratch/whole"
grep '^#' "$scratch/whole"
grep -E '^(not )?ok' "$scratch/whole"
for name in $spoilt; do
    grep "/$name$" "$scratch/all"
done >"$scratch/few"
"$scratch/test-kernel" "${DMABROKER_KERNEL_ROUNDS:-10}" <"$scratch/few" >"$scratch/spoilt"
grep '^#' "$scratch/spoilt"
grep -E '^(not )?ok 2' "$scratch/spoilt"
echo "1..2"
