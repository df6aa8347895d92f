#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: formats.sh COMPILER LIBRARY...
#
# Compiles test-formats.c with the kernel's own tables of formats and runs it. The kernel's source is the one that the
# rig has left in the cache, or DMABROKER_KERNEL_SOURCE; without it the test is skipped.
set -u
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

source=${DMABROKER_KERNEL_SOURCE:-}
for folder in "${XDG_CACHE_HOME:-$HOME/.cache}"/dmabroker/*/*/drivers/gpu/drm; do
    [ -z "$source" ] && [ -e "$folder/drm_fourcc.c" ] && source=${folder%/drivers/gpu/drm}
done
if [ -z "$source" ]; then
    echo "1..0 # SKIP no source of the kernel"
    exit 0
fi
echo "# kernel source: $source"
compiler=$1
shift
python3 "$here/kernel-formats.py" "$source" >"$scratch/kernel-formats.inc" &&
    "$compiler" -O1 -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wno-missing-field-initializers -Werror -I "$here/../.." \
        -I "$scratch" -o "$scratch/test-formats" "$here/test-formats.c" "$@" || exit 1
"$scratch/test-formats"
