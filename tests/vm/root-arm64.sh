#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes a root file system of arm64 Debian packages, once per list of packages, and prints its folder. No program of it
# runs here, so no package's own installation script does: what those would have done is at the end of make_root().
# It is the arm64 guest's root, and the sysroot of the cross compiler.
# Everything stays in the cache, ${XDG_CACHE_HOME:-~/.cache}/dmabroker/rig. Old entries may be deleted at any time.

set -u

usage="usage: root-arm64.sh                 (makes the arm64 root if needed, prints its folder)
       root-arm64.sh --cross-file    (the same, prints the path of meson's cross file for it)"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dmabroker/rig
triplet=aarch64-linux-gnu
scratch=""

# what a shell script of a case may use
programs="base-files base-passwd bash coreutils dash debianutils diffutils findutils gawk grep gzip hostname kmod
    libc-bin login mount netpbm passwd perl-base procps sed tar util-linux util-linux-extra busybox-static
    udev systemd dbus libglib2.0-bin"

# what this project is compiled with
libraries="libc6-dev linux-libc-dev libgcc-12-dev libdbus-1-dev libudev-dev libdrm-dev libsystemd-dev libjson-c-dev libinih-dev
    libfdt-dev check libsubunit-dev"

die()
{
    echo "root-arm64.sh: $*" >&2
    exit 1
}

# shellcheck disable=SC1091
. "$here/apt.sh"

progress()
{
    echo "arm64 root: $1" >&2
}

cleanup()
{
    [ -z "$scratch" ] || rm -rf "$scratch"
}

# What the cache entry is named after.
key()
{
    local release
    release=$(apt_release) || exit 1
    { cat "$here/root-arm64.sh" "$here/apt.sh" && echo "$release $cache"; } | sha256sum | cut -c1-12
}

# make_root FOLDER: from the packages in $scratch/apt
make_root()
{
    local root=$1 file name
    mkdir -p "$root/usr"/{bin,sbin,lib}
    for name in bin sbin lib; do ln -s usr/$name "$root/$name"; done
    for file in "$scratch"/apt/var/cache/apt/archives/*.deb; do
        deb_unpack "$file" "$root" --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
            --exclude='./usr/share/locale/*' --exclude='./dev/*'
    done

    # programs that have their name from dash, debianutils and update-alternatives
    [ -e "$root/bin/sh" ] || ln -s dash "$root/bin/sh"
    [ -e "$root/usr/bin/awk" ] || ln -s gawk "$root/usr/bin/awk"
    [ -e "$root/usr/bin/which" ] || ln -s which.debianutils "$root/usr/bin/which"
    # users and groups that programs are started as and that udev's rules name
    cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
    cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
    local id=200
    for name in messagebus systemd-network systemd-resolve systemd-timesync; do
        echo "$name:x:$id:$id::/nonexistent:/usr/sbin/nologin" >>"$root/etc/passwd"
        echo "$name:x:$((id++)):" >>"$root/etc/group"
    done
    for name in input kvm render sgx; do echo "$name:x:$((id++)):" >>"$root/etc/group"; done
    # links that are right only in a root of its own: seen from here they lead into the host's
    while IFS= read -r name; do
        ln -sfr "$root$(readlink "$name")" "$name"
    done < <(find "$root/usr/lib/$triplet" -type l -lname '/*')
}

# write_cross_file FOLDER PATH: for the root in FOLDER, once it is in its place
write_cross_file()
{
    cat >"$2" <<END
# written by root-arm64.sh
[constants]
root = '$1'

[binaries]
c = '$triplet-gcc'
ar = '$triplet-gcc-ar'
strip = '$triplet-strip'
pkgconfig = 'pkg-config'

[properties]
sys_root = root
pkg_config_libdir = root / 'usr/lib/$triplet/pkgconfig' + ':' + root / 'usr/share/pkgconfig'

[built-in options]
c_args = ['--sysroot=' + root]
c_link_args = ['--sysroot=' + root]

[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'cortex-a57'
endian = 'little'
END
}

what=root
case ${1:-} in
"") ;;
--cross-file) what=arm64.cross ;;
--help | -h) echo "$usage" && exit ;;
*) echo "$usage" >&2 && exit 2 ;;
esac

key=$(key) || exit 1
folder=$cache/arm64-$key
if [ ! -e "$folder" ]; then
    mkdir -p "$cache" || die "cannot write to $cache"
    exec 9>"$folder.lock" || die "cannot write to $cache"
    flock -n 9 || { progress "waiting for another run" && flock 9; }
fi
if [ ! -e "$folder" ]; then
    [ "$(df -Pk "$cache" | awk 'NR == 2 { print $4 }')" -gt 1000000 ] || die "less than 1 GB free for $cache"
    rm -rf "$cache/tmp-arm64-$key".* # left by a run that was killed
    scratch=$(mktemp -d "$cache/tmp-arm64-$key.XXXXXX") || die "cannot write to $cache"
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    start=$SECONDS
    progress "fetching packages"
    apt_setup "$scratch/apt" arm64
    # shellcheck disable=SC2086 # words
    apt_fetch "$scratch/apt" $programs $libraries
    progress "unpacking packages"
    mkdir "$scratch/new"
    make_root "$scratch/new/root"
    write_cross_file "$folder/root" "$scratch/new/arm64.cross"
    mv "$scratch/new" "$folder" || die "cannot write to $cache"
    progress "made in $((SECONDS - start)) s"
fi
echo "$folder/$what"
