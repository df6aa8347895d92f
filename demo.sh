#!/bin/sh
# SPDX-License-Identifier: MIT

usage()
{
    echo "usage: demo.sh [--in-process]    runs a camera, an encoder and a display on one set of buffers; leaves pictures in demo-out/"
    echo "       (on this machine's devices if it has heaps, a camera and a display, else in a virtual machine)"
    echo "       --in-process: without a daemon, the broker inside each program"
}

address=
case ${1:-} in
"") ;;
--in-process) address=in-process ;;
--help | -h) usage && exit ;;
*) usage >&2 && exit 2 ;;
esac

cd "$(dirname "$0")" || exit 1
. tests/common.sh

# the trials' program and the quirk files are not installed
[ -z "$address" ] || address=in-process:trials=$PWD/build/broker/dmabroker-trial,quirks=$PWD/data/quirks

# Can this machine show it itself? The example's encoder is the kernel's virtual one.
has_devices()
{
    [ -e /dev/dma_heap ] && ls /dev/video* /dev/dri/card* >/dev/null 2>&1 &&
        grep -qsx stateful-encoder /sys/class/video4linux/*/name
}

run_here()
{
    step "running on this machine's devices"
    mkdir -p demo-out
    SRC=$PWD BUILD=$PWD/build OUT=$PWD/demo-out RESULTS=demo-out DMABROKER_ADDRESS=$address sh examples/run-demo.sh
}

run_in_machine()
{
    make_kernel x86_64
    step "running in a virtual machine"
    tests/vm/rig.sh exec --build build --out demo-out -- env RESULTS=demo-out DMABROKER_ADDRESS="$address" \
        /bin/sh "$PWD/examples/run-demo.sh"
}

install_packages build
if has_devices; then
    make_plain_build
    run_here || die "the demo failed"
else
    install_packages rig
    make_plain_build
    run_in_machine || die "the demo failed"
fi
