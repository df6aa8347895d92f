#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Compiles this project for the arm64 guest, against its root (root-arm64.sh). Prints the build directory.

set -u

usage="usage: build-arm64.sh [DIR]    (default: build-arm64/ of the repository)"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
src=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dmabroker/rig

die()
{
    echo "build-arm64.sh: $*" >&2
    exit 1
}

case ${1:-} in
--help | -h) echo "$usage" && exit ;;
-*) echo "$usage" >&2 && exit 2 ;;
esac
dir=${1:-$src/build-arm64}

cross_file=$("$here/root-arm64.sh" --cross-file) || exit 1
mkdir -p "$dir" || die "cannot make $dir"
exec 9>"$cache/build-arm64.lock" || die "cannot write to $cache"
flock 9
# a build directory keeps the cross file it was made with
if [ ! -e "$dir/build.ninja" ] || [ "$(cat "$dir/cross-file" 2>/dev/null)" != "$cross_file" ]; then
    [ -e "$dir/cross-file" ] || [ -z "$(ls -A "$dir")" ] || die "$dir is something else"
    find "$dir" -mindepth 1 -delete || die "cannot empty $dir"
    echo "$cross_file" >"$dir/cross-file"
    # CC and the like of the environment are for the machine that compiles
    env -u CC -u CXX -u CFLAGS -u LDFLAGS meson setup --cross-file "$cross_file" -Dwerror=true -Dbuildtype=debugoptimized \
        "$dir" "$src" >"$dir/setup.log" 2>&1 </dev/null || die "meson setup failed (log: $dir/setup.log)"
fi
meson compile -C "$dir" >"$dir/compile.log" 2>&1 </dev/null ||
    die "$(grep -m1 -E 'error:|ERROR' "$dir/compile.log") (log: $dir/compile.log)"
echo "$dir"
