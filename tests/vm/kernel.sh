#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds the rig's kernel, once per recipe (kernel.fragment) and source version, and prints the folder of the
# finished tree: bzImage, vmlinux, Module.symvers and all that modules need to be built against it.
# Everything stays in the cache, ${XDG_CACHE_HOME:-~/.cache}/dmabroker/rig. Old entries may be deleted at any time.

set -u

usage="usage: kernel.sh    (builds the test machine's kernel if needed, prints its folder)"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
fragment=$here/kernel.fragment
package=linux-source-6.12
tarball=/usr/src/$package.tar.xz
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dmabroker/rig
usual_steps=2700 # lines that make prints, for the progress
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
        printf '\r\033[Kkernel: %s' "$1" >&2
        progress_shown=yes
    else
        echo "kernel: $1" >&2
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
    { cat "$fragment" && echo "$version $(uname -m)"; } | sha256sum | cut -c1-12
}

# make_tree TARGET...: without what the caller's environment might tell make or the compiler.
# A function of its own process (exec), so that it can be killed by its id when run in the background.
make_tree()
{
    (
        exec env -i PATH="$PATH" HOME="$scratch" LC_ALL=C KBUILD_BUILD_USER=rig KBUILD_BUILD_HOST=rig \
            make -C "$scratch/tree" "$@" >>"$log" 2>&1 </dev/null
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
    cat "$fragment" >>"$tree/.config"
    make_tree olddefconfig || die "make olddefconfig failed (log: $log)"
    missing=$(grep -E '^(# )?CONFIG_' "$fragment" | grep -vxFf "$tree/.config" | tr '\n' ' ')
    [ -z "$missing" ] || die "this kernel does not take these options: $missing"
}

build()
{
    local start=$SECONDS pause=20 steps
    [ ! -t 2 ] || pause=1
    make_tree -j"$(nproc)" bzImage modules &
    make_pid=$!
    while kill -0 $make_pid 2>/dev/null; do
        steps=$(grep -c '^  [A-Z]' "$log")
        progress "$steps of about $usual_steps steps, $((SECONDS - start)) s"
        sleep_or_end $pause
    done
    wait $make_pid || die "make failed: $(grep -m1 -E 'error|Error' "$log") (log: $log)"
    make_pid=""
    progress "built in $((SECONDS - start)) s"
    end_progress
}

# The pause ends early when make does.
sleep_or_end()
{
    local end=$((SECONDS + $1))
    while [ $SECONDS -lt $end ] && kill -0 $make_pid 2>/dev/null; do sleep 0.5; done
}

# --- command line ---

case ${1:-} in
"") ;;
--help | -h) echo "$usage" && exit ;;
*) echo "$usage" >&2 && exit 2 ;;
esac

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
