# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# What test.sh and demo.sh have in common. Sourced in the root of the repository.

die()
{
    echo "${0##*/}: $*" >&2
    exit 1
}

step()
{
    echo "== $*"
}

# logged FILE COMMAND...: its output goes into the file, and is shown only if it fails
logged()
{
    log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null && return
    tail -n 60 "$log"
    return 1
}

install_packages()
{
    tests/packages.sh "$@" || exit 1
}

# make_build DIR COMPILER C++-COMPILER OPTION...
make_build()
{
    dir=$1 cc=$2 cxx=$3
    shift 3
    step "compiling $dir with $cc"
    mkdir -p "$dir"
    if [ -e "$dir/build.ninja" ]; then set -- --reconfigure "$@"; fi
    logged "$dir/setup.log" env CC="$cc" CXX="$cxx" meson setup "$@" -Dwerror=true -Dbuildtype=debugoptimized "$dir" ||
        die "meson setup $dir failed (log: $dir/setup.log)"
    logged "$dir/compile.log" meson compile -C "$dir" || die "compiling $dir failed (log: $dir/compile.log)"
}

make_plain_build()
{
    make_build build gcc g++
}

make_sanitizer_build()
{
    make_build build-asan clang clang++ -Db_sanitize=address,undefined -Db_lundef=false
}

# Of these the progress is on stderr, and so is the one line if they fail.

make_arm64_build()
{
    step "compiling build-arm64 with aarch64-linux-gnu-gcc"
    tests/vm/build-arm64.sh build-arm64 >/dev/null || exit 1
}

# make_kernel ARCHITECTURE
make_kernel()
{
    step "the test machine's kernel for $1"
    tests/vm/kernel.sh "$1" >/dev/null || exit 1
}

# The kernel of a stock machine, and the device trees of real boards.
fetch_debian_kernels()
{
    step "Debian's kernels"
    for arch in amd64 arm64; do
        tests/vm/debian-kernel.sh $arch >/dev/null || exit 1
    done
}
