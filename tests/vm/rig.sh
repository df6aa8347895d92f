#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs tests with real kernel drivers: a virtual machine with a kernel of our own (kernel.sh)
# and the host's own programs. See usage() below.

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
src=$(cd "$here/../.." && pwd)
cases=$here/cases
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dmabroker/rig
base_cmdline="cma=64M vivid.n_devs=2 vivid.allocators=0,1 vkms.enable_writeback=1 console=ttyS0 quiet panic=-1 log_buf_len=1M"

usage()
{
    cat <<'END'
usage: rig.sh list                                     the cases and what they ask of the machine
       rig.sh run [--build DIR] [--out DIR] [CASE...]  run cases (default: all), print TAP
       rig.sh shell [--build DIR] [--out DIR] [--boot WORDS] [CASE]
                                                       a shell in a machine (like that of CASE)
       rig.sh exec [--build DIR] [--out DIR] [--boot WORDS] -- COMMAND...
                                                       run one command in a machine

A machine runs on the host's own root file system, read-only, with a throw-away layer on top. The repository
and the build directory (default: build/) are where they are on the host. DIR of --out is writable there as /out.

WORDS of --boot, and lines "# rig: WORDS" at the head of a case:
    memory=2G        size of memory (default 1G)
    timeout=60       seconds that a case or command may take (default 120, command 600)
    udevd, bus       start systemd-udevd, the system bus
    kernel-may-warn  warnings of the kernel are no failure
    cmdline=...      more kernel parameters, up to the end of the line
    qemu=...         more options of QEMU, up to the end of the line

Environment: RIG_ACCEL=kvm|tcg (default: kvm if it works), RIG_KERNEL=DIR (a built kernel tree; default: kernel.sh's).
END
}

die()
{
    echo "rig.sh: $*" >&2
    exit 1
}

# --- what a case asks for ---

reset_boot()
{
    memory=1G seconds=120 wanted="" cmdline="" qemu_options="" may_warn=no
}

# parse_boot WORDS
parse_boot()
{
    local rest=$1 word
    while [ -n "$rest" ]; do
        case $rest in
        cmdline=*) cmdline+=" ${rest#cmdline=}" && return ;;
        qemu=*) qemu_options+=" ${rest#qemu=}" && return ;;
        esac
        word=${rest%%[[:space:]]*}
        rest=${rest#"$word"}
        rest=${rest#"${rest%%[![:space:]]*}"}
        case $word in
        memory=?*) memory=${word#memory=} ;;
        timeout=[1-9]*) seconds=${word#timeout=} ;;
        udevd | bus) wanted+=" $word" ;;
        kernel-may-warn) may_warn=yes ;;
        "") ;;
        *) die "${2:-boot parameters}: unknown word '$word'" ;;
        esac
    done
}

# read_case NAME: sets what its header says
read_case()
{
    local line
    [ -f "$cases/$1.sh" ] || die "no case '$1' (see rig.sh list)"
    reset_boot
    while IFS= read -r line; do
        case $line in
        "# rig: "*) parse_boot "${line#"# rig: "}" "$1" ;;
        "#"* | "") ;;
        *) break ;;
        esac
    done <"$cases/$1.sh"
}

# Cases with the same key share a machine.
boot_key()
{
    echo "memory=$memory cmdline=$cmdline qemu=$qemu_options"
}

all_cases()
{
    local file
    for file in "$cases"/*.sh; do
        [ -e "$file" ] && basename "$file" .sh
    done
}

# --- the machine ---

work="" qemu_pid="" keep_work=no

cleanup()
{
    stop_machine
    [ -z "$work" ] || [ $keep_work = yes ] || rm -rf "$work"
}

prepare()
{
    local program
    for program in qemu-system-x86_64 busybox; do
        command -v $program >/dev/null || die "$program is missing: run tests/packages.sh rig"
    done
    kernel=${RIG_KERNEL:-$("$here/kernel.sh")} || exit 1
    [ -e "$kernel/vmlinux" ] || die "no kernel in $kernel"
    mkdir -p "$cache" || die "cannot write to $cache"
    work=$(mktemp -d "$cache/run.XXXXXX") || die "no temporary folder"
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    [ -n "$out" ] || out=$work/out
    mkdir -p "$out" || die "cannot make the folder $out"
    out=$(cd "$out" && pwd)
}

quote()
{
    printf "'%s' " "${1//\'/\'\\\'\'}"
}

# setting NAME VALUE: a line of the file that the guest reads
setting()
{
    echo "$1=$(quote "$2")"
}

# The initramfs: busybox, the first script and its settings.
make_initramfs()
{
    local root=$1/initramfs
    mkdir -p "$root/bin" "$root/proc"
    cp "$(command -v busybox)" "$root/bin/"
    cp "$here/guest-boot.sh" "$root/init"
    chmod 755 "$root/init"
    cp "$1/rig/conf" "$root/rig.conf"
    (cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null >../initramfs.cpio)
}

# start_qemu ACCEL LIMIT SERIAL: QEMU itself, under a time limit, and dead when this script dies
start_qemu()
{
    local accel=(-accel "tcg,thread=multi" -cpu max) timed=(timeout -k 5 "$2")
    [ "$1" = tcg ] || accel=(-accel kvm -cpu host)
    [ "$2" != none ] || timed=()
    # shellcheck disable=SC2086 # the case's own options are words
    set -- setpriv --pdeathsig TERM "${timed[@]}" qemu-system-x86_64 -nodefaults -display none -nic none -no-reboot \
        "${accel[@]}" -smp 2 -m "$memory" -serial "$3" \
        -kernel "$kernel/vmlinux" -initrd "$machine/initramfs.cpio" -append "$base_cmdline$cmdline" \
        -virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap \
        -virtfs "local,path=${machine//,/,,}/rig,mount_tag=rig,security_model=none,multidevs=remap" \
        -virtfs "local,path=${out//,/,,},mount_tag=out,security_model=none,multidevs=remap" \
        $qemu_options
    if [ ${#timed[@]} -eq 0 ]; then
        "$@"
    else
        "$@" </dev/null >"$machine/qemu.log" 2>&1 &
        qemu_pid=$!
        disown # no words about it from the shell
    fi
}

machine_runs()
{
    [ -n "$qemu_pid" ] && kill -0 "$qemu_pid" 2>/dev/null
}

stop_machine()
{
    local end=$((SECONDS + 10))
    machine_runs && kill "$qemu_pid"
    while machine_runs && [ $SECONDS -lt $end ]; do sleep 0.1; done
    machine_runs && kill -9 "$qemu_pid"
    qemu_pid=""
}

# wait_for_file NAME SECONDS: until the guest has written it, the machine has ended, or the time is over
wait_for_file()
{
    local end=$((SECONDS + $2))
    while [ ! -e "$machine/rig/$1" ] && machine_runs && [ $SECONDS -lt $end ]; do sleep 0.1; done
    [ -e "$machine/rig/$1" ]
}

# What works on this machine, as far as known in this session (of the kernel it runs on).
accel_verdict()
{
    echo "$cache/accel-$(cat /proc/sys/kernel/random/boot_id)"
}

accel_wanted()
{
    if [ -n "${RIG_ACCEL:-}" ]; then
        echo "$RIG_ACCEL"
    elif [ ! -w /dev/kvm ]; then
        echo tcg
    else
        cat "$(accel_verdict)" 2>/dev/null || echo try
    fi
}

# make_machine MODE [COMMAND...]: the folder of a machine, for the parameters read last
make_machine()
{
    machine=$(mktemp -d "$work/machine.XXXX") || die "no temporary folder"
    mkdir -p "$machine/rig"
    {
        setting MODE "$1"
        setting SRC "$src"
        setting BUILD "$build"
        setting WANTED "$wanted"
        setting SECONDS_ALLOWED "$seconds"
        setting TERM "${TERM:-linux}"
        setting ROWS "$(tput lines 2>/dev/null || echo 24)"
        setting COLUMNS "$(tput cols 2>/dev/null || echo 80)"
    } >"$machine/rig/conf"
    make_initramfs "$machine"
}

# boot LIMIT: starts the machine in the background and waits until its second stage is reached
boot()
{
    local accel
    accel=$(accel_wanted)
    if [ "$accel" != tcg ]; then
        start_qemu kvm "$1" "file:$machine/console.log"
        if wait_for_file stage2 20; then
            echo kvm >"$(accel_verdict)"
            return 0
        fi
        stop_machine
        [ "$accel" != kvm ] || [ -z "${RIG_ACCEL:-}" ] || return 1
        echo tcg >"$(accel_verdict)"
    fi
    start_qemu tcg "$1" "file:$machine/console.log"
    wait_for_file stage2 120 && return 0
    stop_machine
    return 1
}

# Why the machine ended, in a few words.
last_words()
{
    local words
    words=$(grep -ahoE 'Kernel panic.*|rig: .*' "$machine/console.log" 2>/dev/null | tail -n 1 | tr -d '\r')
    [ -n "$words" ] || words=$(grep -v '^$' "$machine/qemu.log" | tail -n 1)
    echo "${words:-no message}"
}

# --- run ---

tap_number=0 tap_failures=0

# tap RESULT TEXT
tap()
{
    tap_number=$((tap_number + 1))
    [ "$1" = ok ] || tap_failures=$((tap_failures + 1))
    echo "$1 $tap_number - $2"
}

# comment FILE LINES: the end of a file as TAP comments
comment()
{
    [ ! -s "$1" ] || tail -n "$2" "$1" | tr -d '\r' | sed 's/^/#   /'
}

# report_case NUMBER NAME: what a case that ended has left
report_case()
{
    local tap=$machine/rig/$1.tap err=$machine/rig/$1.err status lines=0 failures=$tap_failures line text planned=no
    status=$(cat "$machine/rig/$1.status")
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
        "ok "* | "not ok "*)
            text=${line#*ok }
            text=${text#"${text%%[!0-9]*}"}
            text=${text# }
            lines=$((lines + 1))
            tap "${line%%ok *}ok" "$2: ${text#- }"
            ;;
        "1..0 # SKIP"*) lines=1 planned=yes && tap ok "$2 # SKIP${line#"1..0 # SKIP"}" ;;
        1..*) planned=yes ;;
        "#"*) echo "$line" ;;
        esac
    done <"$tap"

    if [ "$status" = 124 ]; then
        tap "not ok" "$2: ends within $seconds s"
    elif [ "$status" = 137 ]; then
        tap "not ok" "$2: is not killed (allowed: $seconds s)"
    elif [ $lines -eq 0 ]; then
        tap "not ok" "$2: tests something (exit status $status)"
    elif [ $planned = no ]; then
        tap "not ok" "$2: runs to its end (exit status $status)"
    elif [ "$status" != 0 ] && [ "$tap_failures" -eq "$failures" ]; then
        tap "not ok" "$2: ends with success (exit status $status)"
    fi
    if [ $may_warn = no ] && grep -qE "$kernel_trouble" "$machine/rig/$1.dmesg"; then
        tap "not ok" "$2: no warning of the kernel"
        comment "$machine/rig/$1.dmesg" 60
    fi
    [ "$tap_failures" -eq "$failures" ] || comment "$err" 40
}

kernel_trouble='BUG:|WARNING:|Oops|Call Trace|general protection fault|INFO: task .* blocked'

# run_group CASE...: all of the same boot key
run_group()
{
    local name number=0 time=180 reason="" died_in=""
    read_case "$1"
    make_machine cases
    for name in "$@"; do
        read_case "$name"
        number=$((number + 1))
        time=$((time + seconds + 60))
        echo "$number $seconds $name$wanted"
    done >"$machine/rig/cases"

    boot $time || reason="the machine does not boot: $(last_words)"
    number=0
    for name in "$@"; do
        read_case "$name"
        number=$((number + 1))
        if [ -n "$reason" ]; then
            tap "not ok" "$name: not run${died_in:+, after $died_in}: $reason"
        elif wait_for_file $number.status $((seconds + 60)); then
            report_case $number "$name"
        else
            died_in=$name
            reason=$(case_death)
            report_death $number "$name"
        fi
    done
    machine_runs && wait_for_end
    stop_machine
}

# The machine switches itself off at the end; it need not take long.
wait_for_end()
{
    local end=$((SECONDS + 15))
    while machine_runs && [ $SECONDS -lt $end ]; do sleep 0.1; done
}

case_death()
{
    if machine_runs; then
        echo "the case could not be killed"
    else
        echo "the machine died: $(last_words)"
    fi
}

# report_death NUMBER NAME: a case in which the machine ended or hung
report_death()
{
    tap "not ok" "$2: $reason"
    comment "$machine/rig/$1.tap" 20
    comment "$machine/rig/$1.err" 20
    comment "$machine/console.log" 40
    stop_machine
}

run()
{
    local names=("$@") keys=() name key known group
    names=("${names[@]##*/}")
    names=("${names[@]%.sh}")
    [ ${#names[@]} -gt 0 ] || mapfile -t names < <(all_cases)
    [ ${#names[@]} -gt 0 ] || die "no cases in $cases"
    for name in "${names[@]}"; do
        read_case "$name"
        key=$(boot_key)
        known=no
        for group in "${keys[@]}"; do [ "$group" != "$key" ] || known=yes; done
        [ $known = yes ] || keys+=("$key")
    done

    prepare
    echo "TAP version 13"
    for group in "${keys[@]}"; do
        local members=()
        for name in "${names[@]}"; do
            read_case "$name"
            [ "$(boot_key)" != "$group" ] || members+=("$name")
        done
        run_group "${members[@]}"
    done
    echo "1..$tap_number"
    [ $tap_failures -eq 0 ] && return
    keep_work=yes
    echo "# $tap_failures failed; the consoles' and cases' own output: $work"
    return 1
}

# --- exec, shell ---

# follow FILE: shows what the guest adds to it, until the machine ends
follow()
{
    touch "$machine/rig/$1"
    tail -c +1 -s 0.2 -f --pid="$qemu_pid" "$machine/rig/$1" 2>/dev/null &
}

run_exec()
{
    local argument followers=() status
    [ $# -gt 0 ] || die "exec: no command (see --help)"
    prepare
    make_machine command
    touch "$machine/rig/stdout" "$machine/rig/stderr"
    for argument in "$@"; do quote "$argument"; done >"$machine/rig/command"
    if ! boot $((seconds + 180)); then
        keep_work=yes
        die "the machine does not boot: $(last_words) (console: $machine/console.log)"
    fi
    follow stdout && followers+=($!)
    follow stderr >&2 && followers+=($!)
    wait_for_file status $((seconds + 60))
    machine_runs && wait_for_end
    status=$(cat "$machine/rig/status" 2>/dev/null)
    [ -n "$status" ] || status=died
    local death
    death=$(case_death)
    stop_machine
    wait "${followers[@]}"
    case $status in
    died)
        keep_work=yes
        die "$death (console: $machine/console.log)"
        ;;
    124) die "the command did not end within $seconds s" ;;
    esac
    return "$status"
}

run_shell()
{
    prepare
    make_machine shell
    [ -t 0 ] && trap 'stty sane; cleanup' EXIT && stty raw -echo
    start_qemu "$(accel_wanted | sed 's/try/tcg/')" none stdio
}

# --- command line ---

build=$src/build out="" words=()
command=${1:-}
[ $# -eq 0 ] || shift
while [ $# -gt 0 ]; do
    case $1 in
    --build) build=${2:?} && shift 2 ;;
    --out) out=${2:?} && shift 2 ;;
    --boot) words+=("${2:?}") && shift 2 ;;
    --) shift && break ;;
    --help | -h) command=--help && break ;;
    -*) die "unknown option $1 (see --help)" ;;
    *) break ;;
    esac
done
case $build in
/*) ;;
*) build=$PWD/$build ;;
esac

case $command in
list)
    for name in $(all_cases); do
        read_case "$name"
        echo "$name: memory=$memory timeout=$seconds$wanted${cmdline:+ cmdline=${cmdline# }}${qemu_options:+ qemu=${qemu_options# }}"
    done
    ;;
run) run "$@" ;;
exec | shell)
    reset_boot
    seconds=600
    if [ "$command" = shell ] && [ $# -gt 0 ]; then read_case "$1"; fi
    for line in "${words[@]}"; do parse_boot "$line"; done
    "run_$command" "$@"
    ;;
--help | -h) usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
