#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds the importer modules against a kernel tree. Only OUT-DIR is written to; what was built of the
# same sources against the same tree is not built again.

set -u

usage="usage: build.sh KERNEL-TREE OUT-DIR [x86_64|arm64]    (default: this machine's architecture)"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
modules="importer-core importer-v4l2 importer-drm"

die()
{
    echo "build.sh: $*" >&2
    exit 1
}

case ${1:-} in
--help | -h) echo "$usage" && exit ;;
esac
if [ $# -lt 2 ] || [ $# -gt 3 ]; then
    echo "$usage" >&2
    exit 2
fi
machine=$(uname -m)
machine=${machine/aarch64/arm64}
tree=$1 arch=${3:-$machine} cross=""
case $arch in
x86_64) [ "$machine" = x86_64 ] || cross=x86_64-linux-gnu- ;;
arm64) [ "$machine" = arm64 ] || cross=aarch64-linux-gnu- ;;
*) die "unknown architecture '$arch'" ;;
esac
[ -e "$tree/Module.symvers" ] || die "no built kernel in $tree"
command -v "${cross}gcc" >/dev/null || die "${cross}gcc is missing"
mkdir -p "$2" || die "cannot make $2"
out=$(cd "$2" && pwd)

# What the modules are made of.
key()
{
    {
        cat "$here"/*.[ch] "$here/Makefile" "$tree/Module.symvers" "$tree/.config"
        "${cross}gcc" --version
        echo "$tree $arch"
    } | sha256sum
}

all_there()
{
    local module
    for module in $modules; do [ -e "$out/$module.ko" ] || return 1; done
}

exec 9>"$out/lock" || die "cannot write to $out"
flock 9
key=$(key)
if all_there && [ "$(cat "$out/key" 2>/dev/null)" = "$key" ]; then exit 0; fi
rm -rf "$out/key" "$out/build"
mkdir "$out/build" || die "cannot write to $out"
cp "$here"/*.[ch] "$here/Makefile" "$out/build" || die "cannot write to $out"
# without what the caller's environment might tell make or the compiler
if ! env -i PATH="$PATH" HOME="$out/build" LC_ALL=C KBUILD_BUILD_USER=rig KBUILD_BUILD_HOST=rig \
    make -C "$tree" M="$out/build" ARCH="$arch" CROSS_COMPILE="$cross" -j"$(nproc)" modules \
    >"$out/log" 2>&1 </dev/null; then
    grep -iE 'error|warning' "$out/log" | head -n 20 >&2
    die "the modules do not build (log: $out/log)"
fi
for module in $modules; do mv "$out/build/$module.ko" "$out/" || die "cannot write to $out"; done
rm -rf "$out/build"
echo "$key" >"$out/key"
