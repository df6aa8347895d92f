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

# Its progress is on stderr, and so is the one line if it fails.
make_kernel()
{
    step "the test machine's kernel"
    tests/vm/kernel.sh >/dev/null || exit 1
}
