#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds the rig's kernel, once per recipe (kernel.fragment, kernel-<architecture>.fragment) and source version, and
# prints the folder of the finished tree: vmlinux and bzImage or Image, the modules as they are installed (in
# installed/), Module.symvers and all that modules of our own need to be built against it:
#     make -C "$(kernel.sh)" M=FOLDER modules
#     make -C "$(kernel.sh arm64)" M=FOLDER ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- modules
# Everything stays in the cache, ${XDG_CACHE_HOME:-~/.cache}/dmabroker/rig. Old entries may be deleted at any time.

set -u

usage="usage: kernel.sh [x86_64|arm64]    (builds the test machine's kernel if needed, prints its folder)"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=linux-source-6.12
tarball=/usr/src/$package.tar.xz
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dmabroker/rig
make_pid="" scratch=""

die()
{
    end_progress
    echo "kernel.sh: $*" >&2
    exit 1
}

# --- progress on stderr ---

progress_shown=no

# progress TEXT: one line that changes on a terminal, else a line each time
progress()
{
    if [ -t 2 ]; then
        printf '\r\033[Kkernel for %s: %s' "$arch" "$1" >&2
        progress_shown=yes
    else
        echo "kernel for $arch: $1" >&2
    fi
}

end_progress()
{
    [ $progress_shown = no ] || echo >&2
    progress_shown=no
}

# --- steps ---

cleanup()
{
    [ -z "$make_pid" ] || { kill "$make_pid" && wait "$make_pid"; } 2>/dev/null
    [ -z "$scratch" ] || rm -rf "$scratch"
}

# What the cache entry is named after.
key()
{
    local version
    version=$(dpkg-query -W -f='${Version}' $package 2>/dev/null)
    if [ -z "$version" ] || [ ! -r $tarball ]; then
        die "$package is not installed: run tests/packages.sh rig"
    fi
    { recipe && echo "$version $arch"; } | sha256sum | cut -c1-12
}

recipe()
{
    cat "$here/kernel.fragment" "$here/kernel-$arch.fragment"
}

# make_tree TARGET...: without what the caller's environment might tell make or the compiler.
# A function of its own process (exec), so that it can be killed by its id when run in the background.
make_tree()
{
    (
        exec env -i PATH="$PATH:/usr/sbin:/sbin" HOME="$scratch" LC_ALL=C KBUILD_BUILD_USER=rig KBUILD_BUILD_HOST=rig \
            make -C "$scratch/tree" ARCH="$name" CROSS_COMPILE="$cross" "$@" >>"$log" 2>&1 </dev/null
    )
}

unpack()
{
    progress "unpacking $package"
    mkdir "$scratch/tree"
    tar -C "$scratch/tree" --strip-components=1 -xf $tarball 2>>"$log" || die "cannot unpack $tarball (log: $log)"
}

configure()
{
    local tree=$scratch/tree missing
    make_tree tinyconfig || die "make tinyconfig failed (log: $log)"
    recipe >>"$tree/.config"
    make_tree olddefconfig || die "make olddefconfig failed (log: $log)"
    missing=$(recipe | grep -E '^(# )?CONFIG_' | grep -vxFf "$tree/.config" | tr '\n' ' ')
    [ -z "$missing" ] || die "this kernel does not take these options: $missing"
}

build()
{
    local start=$SECONDS pause=20 steps
    [ ! -t 2 ] || pause=1
    make_tree -j"$(nproc)" "$image" modules &
    make_pid=$!
    while kill -0 $make_pid 2>/dev/null; do
        steps=$(grep -c '^  [A-Z]' "$log")
        progress "$steps of about $usual_steps steps, $((SECONDS - start)) s"
        sleep_or_end $pause
    done
    wait $make_pid || die "make failed: $(grep -m1 -E 'error|Error' "$log") (log: $log)"
    make_pid=""
    install_modules
    progress "built in $((SECONDS - start)) s"
    end_progress
}

# Where modprobe finds them. Their link to the tree must be right in the tree's own place too.
install_modules()
{
    make_tree INSTALL_MOD_PATH="$scratch/tree/installed" modules_install ||
        die "make modules_install failed (log: $log)"
    ln -sfn ../../../.. "$(echo "$scratch"/tree/installed/lib/modules/*)/build"
}

# The pause ends early when make does.
sleep_or_end()
{
    local end=$((SECONDS + $1))
    while [ $SECONDS -lt $end ] && kill -0 $make_pid 2>/dev/null; do sleep 0.5; done
}

# --- command line ---

arch=${1:-x86_64} cross=""
case $arch in # its name in the kernel's tree; the number of lines that make prints, for the progress
x86_64) name=x86 image=bzImage usual_steps=2240 prefix=x86_64-linux-gnu- ;;
arm64) name=arm64 image=Image usual_steps=1770 prefix=aarch64-linux-gnu- ;;
--help | -h) echo "$usage" && exit ;;
*) echo "$usage" >&2 && exit 2 ;;
esac
[ "$(uname -m | sed 's/aarch64/arm64/')" = "$arch" ] || cross=$prefix
command -v "${cross}gcc" >/dev/null || die "${cross}gcc is missing: run tests/packages.sh rig arm64"

key=$(key) || exit 1
tree=$cache/$key
log=$cache/$key.log
if [ ! -e "$tree" ]; then
    mkdir -p "$cache" || die "cannot write to $cache"
    exec 9>"$cache/$key.lock" || die "cannot write to $cache"
    flock -n 9 || { progress "waiting for another build of it" && flock 9; }
fi
if [ ! -e "$tree" ]; then
    [ "$(df -Pk "$cache" | awk 'NR == 2 { print $4 }')" -gt 3500000 ] || die "less than 3.5 GB free for $cache"
    rm -rf "$cache/tmp-$key".* # left by a build that was killed
    scratch=$(mktemp -d "$cache/tmp-$key.XXXXXX") || die "cannot write to $cache"
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    : >"$log"
    unpack
    configure
    build
    mv "$scratch/tree" "$tree" || die "cannot write to $cache"
fi
echo "$tree"
