# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
#
# For the cases: sourced by each as its first act. Prints TAP; the plan comes by itself at the end.
#
#   ok TEXT                    not_ok TEXT [DETAIL]        skip TEXT REASON
#   check TEXT COMMAND...      ok if the command succeeds, else its output is the detail
#   refuse TEXT COMMAND...     ok if the command fails
#   skip_all REASON            nothing of this case can run here
#   bail TEXT                  no use to go on
#   run_tap PROGRAM...         a program that prints TAP itself: its lines become ours
#   start_udevd, start_bus [POLICY]..., start_dmabrokerd [ARGUMENT]..., stop_dmabrokerd, knows_heaps, wait_for SECONDS COMMAND...
#
# A case that kills the daemon itself empties dmabrokerd_pid, else its death counts as a failure at the end.
# $SRC: the repository, $BUILD: the build directory, $OUT: a folder that the host sees afterwards.

. "$SRC/tests/vm/services.sh"

tap_count=0
tap_failed=0
tap_scratch=$(mktemp -d)
dmabrokerd_pid=

ok()
{
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1"
}

not_ok()
{
    tap_count=$((tap_count + 1))
    tap_failed=$((tap_failed + 1))
    echo "not ok $tap_count - $1"
    [ -z "${2:-}" ] || printf '%s\n' "$2" | sed '/^$/d; s/^/# /'
}

skip()
{
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

skip_all()
{
    tap_all_skipped=$1
    exit 0
}

bail()
{
    not_ok "$@"
    exit 1
}

check()
{
    tap_text=$1
    shift
    if "$@" >"$tap_scratch/output" 2>&1; then
        ok "$tap_text"
    else
        not_ok "$tap_text" "status $? of: $*
$(tail -n 40 "$tap_scratch/output")"
    fi
}

refuse()
{
    tap_text=$1
    shift
    if "$@" >"$tap_scratch/output" 2>&1; then
        not_ok "$tap_text" "succeeded: $*
$(tail -n 40 "$tap_scratch/output")"
    else
        ok "$tap_text"
    fi
}

# adopt RESULT LINE: a TAP line of another program, under our own number
adopt()
{
    tap_text=${2#"$1"}
    tap_text=${tap_text# }
    tap_text=${tap_text#"${tap_text%%[!0-9]*}"}
    tap_text=${tap_text# }
    tap_count=$((tap_count + 1))
    tap_ran=$((tap_ran + 1))
    echo "$1 $tap_count - ${tap_text#- }"
    case $1$tap_text in
    ok* | *"# TODO"*) ;;
    *) tap_failed=$((tap_failed + 1)) ;;
    esac
}

run_tap()
{
    tap_program=${1##*/}
    "$@" >"$tap_scratch/tap" 2>"$tap_scratch/output"
    tap_status=$?
    tap_before=$tap_failed
    tap_ran=0
    tap_plan=none
    while IFS= read -r tap_line || [ -n "$tap_line" ]; do
        case $tap_line in
        "ok" | "ok "*) adopt "ok" "$tap_line" ;;
        "not ok"*) adopt "not ok" "$tap_line" ;;
        "Bail out!"*) not_ok "$tap_program: $tap_line" ;;
        "#"*) echo "$tap_line" ;;
        "1..0 #"*) tap_plan=0 && adopt "ok" "ok - $tap_program ${tap_line#1..0 }" && tap_ran=0 ;;
        1..*) tap_plan=${tap_line#1..} tap_plan=${tap_plan%%[!0-9]*} ;;
        esac
    done <"$tap_scratch/tap"

    if [ "$tap_plan" != $tap_ran ]; then
        not_ok "$tap_program: runs to its end" "status $tap_status, planned $tap_plan, ran $tap_ran
$(tail -n 40 "$tap_scratch/output")"
    elif [ $tap_status -ne 0 ] && [ $tap_failed -eq $tap_before ]; then
        not_ok "$tap_program: ends with success" "status $tap_status
$(tail -n 40 "$tap_scratch/output")"
    elif [ $tap_failed -ne $tap_before ]; then
        tail -n 40 "$tap_scratch/output" | sed 's/^/# /'
    fi
}

# The daemon of the build directory, on its direct socket; stopped when the case ends.
start_dmabrokerd()
{
    mkdir -p /run/dmabroker
    rm -f /run/dmabroker/bus
    "$BUILD/daemon/dmabrokerd" --quirks "$SRC/data/quirks" "$@" >>"$OUT/dmabrokerd.log" 2>&1 &
    dmabrokerd_pid=$!
    wait_for 15 dmabrokerd_listens && [ -S /run/dmabroker/bus ] && return
    echo "dmabrokerd does not start" >&2
    tail -n 20 "$OUT/dmabrokerd.log" >&2
    return 1
}

# Up, or dead already: no use to wait longer.
dmabrokerd_listens()
{
    [ -S /run/dmabroker/bus ] || ! kill -0 "$dmabrokerd_pid" 2>/dev/null
}

# The daemon at $DMABROKER_ADDRESS has measured the heaps.
knows_heaps()
{
    "$BUILD/ctl/dmabrokerctl" heaps >"$tap_scratch/heaps" 2>&1 &&
        grep -q '^reserved ' "$tap_scratch/heaps" && grep -q '^system ' "$tap_scratch/heaps" &&
        grep -q '^udmabuf ' "$tap_scratch/heaps"
}

# Returns what the daemon returned.
stop_dmabrokerd()
{
    [ -n "$dmabrokerd_pid" ] || return 0
    tap_pid=$dmabrokerd_pid
    dmabrokerd_pid=
    kill "$tap_pid" 2>/dev/null
    wait_for 10 ended "$tap_pid" || kill -9 "$tap_pid"
    wait "$tap_pid"
}

# A process of ours that ended is a zombie until we wait for it.
ended()
{
    ! grep -q '^State:[[:space:]]*[^Z]' "/proc/$1/status" 2>/dev/null
}

finish()
{
    tap_status=$?
    trap - EXIT
    if ! stop_dmabrokerd; then
        not_ok "dmabrokerd ends with success" "$(tail -n 20 "$OUT/dmabrokerd.log")"
    fi
    if [ -n "${tap_all_skipped:-}" ]; then
        echo "1..0 # SKIP $tap_all_skipped"
    else
        echo "1..$tap_count"
    fi
    rm -rf "$tap_scratch"
    [ $tap_failed -eq 0 ] || [ $tap_status -ne 0 ] || tap_status=1
    exit $tap_status
}

trap finish EXIT
trap 'exit 143' TERM
start_wanted || bail "the services this case asks for start"
