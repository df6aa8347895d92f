#!/bin/sh
# SPDX-License-Identifier: MIT

usage()
{
    echo "usage: test.sh [--no-vm] [--long]    compiles with gcc and with clang's sanitizers, runs all tests, counts them"
    echo "       --no-vm: without those in a virtual machine    --long: a million inputs for each fuzz target and for the second solver, the access policy with one agent more, 100 full probes, 1,000 pictures through slow devices"
}

vm=yes
for argument in "$@"; do
    case $argument in
    --no-vm) vm=no ;;
    --long)
        export DMABROKER_FUZZ_RUNS=1000000 DMABROKER_PROPERTY_RUNS=1000000 DMABROKER_ACCESS_LONG=1
        export DMABROKER_PROBES=100 DMABROKER_PICTURES=1000 DMABROKER_FORMATS=1 DMABROKER_SIZES=3
        ;;
    --help | -h) usage && exit ;;
    *) usage >&2 && exit 2 ;;
    esac
done

cd "$(dirname "$0")" || exit 1
. tests/common.sh

# run_tests DIR OPTION...: sets status
run_tests()
{
    dir=$1
    shift
    step "testing $dir"
    rm -f "$dir/meson-logs/testlog.junit.xml" "$dir/meson-logs/testlog.json"
    meson test -C "$dir" --no-rebuild "$@" </dev/null
    status=$?
}

install_packages build
[ $vm = no ] || install_packages rig arm64
make_plain_build
make_sanitizer_build

if [ $vm = yes ]; then
    make_arm64_build
    make_kernel x86_64
    make_kernel arm64
    fetch_debian_kernels
    run_tests build
else
    run_tests build --no-suite vm
fi
plain=$status
run_tests build-asan --no-suite vm --no-suite lint
asan=$status

if [ $vm = no ]; then set -- --not-run "the tests in a virtual machine (--no-vm)"; else set --; fi
exec python3 tests/results.py "$@" build=$plain build-asan=$asan
