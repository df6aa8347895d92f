#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Fetches the kernel that Debian ships, of the version of linux-source-6.12 here, and prints the folder of its files:
# boot/vmlinuz-*, lib/modules/*, for arm64 also the device trees of all boards, usr/lib/linux-image-*/*/*.dtb.
# Everything stays in the cache, ${XDG_CACHE_HOME:-~/.cache}/dmabroker/rig. Old entries may be deleted at any time.

set -u

usage="usage: debian-kernel.sh amd64|arm64    (fetches Debian's kernel if needed, prints its folder)"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_package=linux-source-6.12
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dmabroker/rig
scratch=""

die()
{
    echo "debian-kernel.sh: $*" >&2
    exit 1
}

# shellcheck disable=SC1091
. "$here/apt.sh"

progress()
{
    echo "Debian's kernel for $arch: $1" >&2
}

cleanup()
{
    [ -z "$scratch" ] || rm -rf "$scratch"
}

# The packages of an ordinary kernel of this version, "NAME VERSION" each; with an empty version: all, newest first.
candidates()
{
    apt-cache dumpavail | awk -v arch="$arch" -v version="$1" '
        $1 == "Package:" { name = $2 }
        $1 == "Version:" && (version == "" || $2 == version) { found[name " " $2] }
        END { for (line in found) print line }' |
        grep -E "^linux-image-6\.12\.[0-9]+\+[^ ]*[0-9]-$arch(-unsigned)? " | sort -V -r
}

# find_package VERSION: sets package
find_package()
{
    package=$(candidates "$1" | sed -n 1p)
    [ -n "$package" ] && return
    package=$(candidates "" | sed -n 1p)
    [ -n "$package" ] || die "no kernel 6.12 for $arch at this machine's mirrors"
    progress "$1 is no longer there, taking ${package#* }"
}

arch=${1:-}
case $arch in
amd64 | arm64) [ $# -eq 1 ] || { echo "$usage" >&2 && exit 2; } ;;
--help | -h) echo "$usage" && exit ;;
*) echo "$usage" >&2 && exit 2 ;;
esac

version=$(dpkg-query -W -f='${Version}' $source_package 2>/dev/null)
[ -n "$version" ] || die "$source_package is not installed: run tests/packages.sh rig"
folder=$cache/debian-$arch-$version
if [ ! -e "$folder" ]; then
    mkdir -p "$cache" || die "cannot write to $cache"
    exec 9>"$folder.lock" || die "cannot write to $cache"
    flock -n 9 || { progress "waiting for another run" && flock 9; }
fi
if [ ! -e "$folder" ]; then
    [ "$(df -Pk "$cache" | awk 'NR == 2 { print $4 }')" -gt 2000000 ] || die "less than 2 GB free for $cache"
    rm -rf "$cache/tmp-debian-$arch-$version".* # left by a run that was killed
    scratch=$(mktemp -d "$cache/tmp-debian-$arch-$version.XXXXXX") || die "cannot write to $cache"
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    start=$SECONDS
    progress "fetching"
    apt_setup "$scratch/apt" "$arch"
    find_package "$version"
    (cd "$scratch" && apt_run "$scratch/apt" download "${package% *}=${package#* }") ||
        die "cannot fetch ${package% *}: $(apt_complaint "$scratch/apt")"
    mkdir "$scratch/new"
    deb_unpack "$(echo "$scratch"/linux-image-*.deb)" "$scratch/new" --exclude='./usr/share/doc/*'
    # what the package's own script would have done
    PATH=$PATH:/usr/sbin:/sbin depmod -b "$scratch/new" "$(basename "$scratch"/new/lib/modules/*)" || die "depmod failed"
    mv "$scratch/new" "$folder" || die "cannot write to $cache"
    progress "unpacked in $((SECONDS - start)) s"
fi
echo "$folder"
