#!/bin/sh
# shellcheck disable=SC1091,SC2153,SC2154 # what it reads is written by rig.sh
# SPDX-License-Identifier: MIT
#
# The guest's process 1 once its root file system is there: does what /run/rig/conf says
# (run cases, run one command, or be a shell), then switches the machine off.
# The host reads the results from the rig's share; a file there appears complete or not at all.

rig=/run/rig
cgroup=/sys/fs/cgroup/case

# report FILE TEXT
report()
{
    echo "$2" >"$rig/$1.new"
    mv "$rig/$1.new" "$rig/$1"
}

# Nothing of a case survives it, whatever it started.
clean_up()
{
    [ -d "$cgroup" ] || return
    echo 1 >"$cgroup/cgroup.kill"
    while grep -q 'populated 1' "$cgroup/cgroup.events"; do sleep 0.1; done
    rmdir "$cgroup"
    rm -rf /run/udev /run/dbus /run/dmabroker
}

# run_in_cgroup SECONDS PROGRAM [ARGUMENT...]
run_in_cgroup()
{
    mkdir -p "$cgroup"
    (
        echo 0 >"$cgroup/cgroup.procs"
        exec timeout -k 5 "$@" </dev/null
    )
}

# run_case NUMBER SECONDS NAME WANTED...
run_case()
{
    number=$1 seconds=$2 name=$3
    shift 3
    export RIG_WANTED="$*" RIG_CASE="$name" OUT="/out/$name"
    mkdir -p "$OUT"
    run_in_cgroup "$seconds" /bin/sh "$SRC/tests/vm/cases/$name.sh" >"$rig/$number.tap" 2>"$rig/$number.err"
    status=$?
    clean_up
    dmesg -c >"$rig/$number.dmesg"
    report "$number.status" $status
}

run_cases()
{
    dmesg -c >"$rig/boot.dmesg"
    # the list is on another descriptor: a case must not eat it
    while read -r line <&3; do
        # shellcheck disable=SC2086 # words
        run_case $line
    done 3<"$rig/cases"
}

run_command()
{
    export OUT=/out
    run_in_cgroup "$SECONDS_ALLOWED" /bin/sh "$SRC/tests/vm/guest-command.sh" >"$rig/stdout" 2>"$rig/stderr"
    report status $?
    clean_up
}

run_shell()
{
    export OUT=/out TERM="${TERM:-linux}"
    tty=/dev/$(cat /sys/class/tty/console/active)
    stty sane rows "$ROWS" cols "$COLUMNS" <"$tty"
    . "$SRC/tests/vm/services.sh"
    export RIG_WANTED="$WANTED"
    start_wanted
    # shellcheck disable=SC2094 # a terminal
    setsid -c -w bash -i <"$tty" >"$tty" 2>&1
}

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
. $rig/conf
export SRC BUILD DMABROKER_PROBES DMABROKER_PICTURES DMABROKER_FORMATS DMABROKER_SIZES
cd "$SRC" || exit 1
busybox ip link set lo up
# what a case frees is free at once, not kept in lists of each CPU
echo 1000 >/proc/sys/vm/percpu_pagelist_high_fraction
echo rig >/proc/sys/kernel/hostname
report stage2 reached
"run_$MODE"
busybox poweroff -f
