#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: packages.sh SET...     (sets: build rig arm64)
#
# Installs those Debian packages of the sets that are missing. Says nothing if none is.

set -u

# To compile everything with gcc and clang, and to run the tests.
build="meson ninja-build gcc g++ libc6-dev clang libclang-rt-dev llvm pkg-config python3
    libdbus-1-dev libudev-dev libdrm-dev libsystemd-dev libjson-c-dev libinih-dev libfdt-dev check libsubunit-dev
    libva-dev libwayland-dev wayland-protocols libgraphviz-dev
    umockdev libumockdev-dev device-tree-compiler
    dbus systemd udev libglib2.0-bin netpbm scdoc clang-format"

# To build the test machine's kernel and run it (tests/vm).
rig="qemu-system-x86 busybox-static linux-source-6.12 gcc libc6-dev make flex bison bc libelf-dev libssl-dev
    xz-utils cpio kmod dbus systemd udev"

# For its arm64 machines, beside those.
arm64="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-system-arm device-tree-compiler debian-archive-keyring"

die()
{
    echo "packages.sh: $*" >&2
    exit 1
}

# Those of the packages that are not installed.
missing()
{
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done | sort -u | tr '\n' ' '
}

apt()
{
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" \
        >>"$log" 2>&1 </dev/null
}

# With the package lists that are there, else with fresh ones.
install_packages()
{
    apt install --no-install-recommends "$@" && return
    apt update && apt install --no-install-recommends "$@"
}

names=
for set in "$@"; do
    case $set in
    build) names="$names $build" ;;
    rig) names="$names $rig" ;;
    arm64) names="$names $arm64" ;;
    *) die "unknown set '$set' (sets: build rig arm64)" ;;
    esac
done

command -v dpkg-query >/dev/null || die "this is no Debian machine; what is needed is listed in tests/packages.sh"
# shellcheck disable=SC2086 # words
names=$(missing $names)
[ -n "$names" ] || exit 0
[ "$(id -u)" = 0 ] || die "not root, please install: $names"

log=$(mktemp) || die "no temporary file"
trap 'rm -f "$log"' EXIT
echo "installing $(echo "$names" | wc -w) packages: $names" >&2
# shellcheck disable=SC2086 # words
install_packages $names || die "apt-get failed: $(grep '^E:' "$log" | tail -n 1)"
# shellcheck disable=SC2086 # words
names=$(missing $names)
[ -z "$names" ] || die "apt-get did not install: $names"
