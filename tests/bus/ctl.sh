# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# What the tests of dmabrokerctl have in common: TAP, a daemon of their own, and programs in the
# background. Sourced with $ctl and $json_get set; $address is set when there is a daemon.
# shellcheck disable=SC2034,SC2154 # by whom it is sourced

tmp=$(mktemp -d) || exit 1
daemon_pid=
started= # in the background, and not waited for
number=0
failed=0

# shellcheck disable=SC2317 # called by the trap
finish()
{
    for pid in $started; do kill -KILL "$pid" 2>/dev/null; done
    if [ "$daemon_pid" ]; then
        kill "$daemon_pid" 2>/dev/null
        wait "$daemon_pid" 2>/dev/null
    fi
    rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

unset DMABROKER_ADDRESS NO_COLOR
COLUMNS=80
export COLUMNS

# result DESCRIPTION STATUS: one line of TAP; what was last run explains a failure
result()
{
    number=$((number + 1))
    if [ "$2" -eq 0 ]; then
        echo "ok $number - $1"
        return
    fi
    echo "not ok $number - $1"
    sed 's/^/# stdout: /' "$tmp/out"
    sed 's/^/# stderr: /' "$tmp/err"
    failed=1
}

# run STATUS ARGUMENT...: runs dmabrokerctl; true if it exits with STATUS
run()
{
    expected=$1
    shift
    timeout 30 "$ctl" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    status=$?
    if [ "$status" -ne "$expected" ]; then
        echo "exit status $status instead of $expected" >>"$tmp/err"
        return 1
    fi
}

# exits STATUS DESCRIPTION ARGUMENT...
exits()
{
    expected=$1 description=$2
    shift 2
    run "$expected" "$@"
    result "$description" $?
}

# says DESCRIPTION FILE PATTERN: in what was last run
says()
{
    grep -q "$3" "$tmp/$2"
    result "$1" $?
}

# json PATH: prints a value of what was last run
json()
{
    "$json_get" "$tmp/out" "$1" 2>>"$tmp/err"
}

# start_daemon PROGRAM ARGUMENT...
start_daemon()
{
    rm -f "$tmp/bus"
    "$@" --socket "$tmp/bus" --bus none --no-trials 2>"$tmp/daemon.log" &
    daemon_pid=$!
    for _ in $(seq 100); do
        if [ -S "$tmp/bus" ]; then return 0; fi
        if ! kill -0 "$daemon_pid" 2>/dev/null; then break; fi
        sleep 0.1
    done
    sed 's/^/# daemon: /' "$tmp/daemon.log"
    echo "Bail out! the daemon does not start"
    exit 1
}

stop_daemon()
{
    kill -TERM "$daemon_pid"
    wait "$daemon_pid"
    result "the daemon ends with 0" $?
    daemon_pid=
}

# until FILE PATTERN: waits until a file below $tmp has the pattern; 10 s at most
until_says()
{
    for _ in $(seq 100); do
        if grep -q "$2" "$tmp/$1" 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    sed "s/^/# $1: /" "$tmp/$1"
    return 1
}

# background NAME ARGUMENT...: runs dmabrokerctl with its output in NAME.out and NAME.err; stdin is
# NAME.in if there is such a file; $! is it
background()
{
    name=$1
    shift
    # what an earlier one said is not what this one says
    rm -f "$tmp/$name.out" "$tmp/$name.err"
    input=/dev/null
    if [ -e "$tmp/$name.in" ]; then input=$tmp/$name.in; fi
    COLUMNS=200 "$ctl" "$@" --address "$address" >"$tmp/$name.out" 2>"$tmp/$name.err" \
        <"$input" 3>&- 4>&- &
    started="$started $!"
}

# ends PID STATUS DESCRIPTION: what runs in the background ends so, within 20 s
ends()
{
    for _ in $(seq 200); do
        if grep -q '^State:.*zombie' "/proc/$1/status" 2>/dev/null; then break; fi
        if ! kill -0 "$1" 2>/dev/null; then break; fi
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null
    wait "$1" 2>/dev/null
    status=$?
    started=$(echo "$started " | sed "s/ $1 / /")
    [ "$status" -eq "$2" ]
    result "$3 (exit $status)" $?
}
