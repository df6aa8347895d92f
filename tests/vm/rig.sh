#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs tests with real kernel drivers: virtual machines with a kernel of our own (kernel.sh), or Debian's, and the
# host's own programs, or those of an arm64 root (root-arm64.sh). See usage() below.

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
src=$(cd "$here/../.." && pwd)
cases=$here/cases
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dmabroker/rig
base_cmdline="cma=64M vivid.n_devs=2 vivid.allocators=0,1 vkms.enable_writeback=1 quiet panic=-1 log_buf_len=1M"
# cases of one machine: so long that booting it costs little, so short that two machines are done at about the same time
seconds_per_machine=1800

usage()
{
    cat <<'END'
usage: rig.sh list                                     the cases and what they ask of the machine
       rig.sh run [OPTION...] [CASE...]                run cases (default: all), print TAP
       rig.sh shell [OPTION...] [--boot WORDS] [CASE]  a shell in a machine (like that of CASE)
       rig.sh exec [OPTION...] [--boot WORDS] -- COMMAND...
                                                       run one command in a machine
OPTIONS:
    --build DIR        build directory (default: build/)
    --build-arm64 DIR  that for arm64 (default: build-arm64/ beside the other), brought up to date where it is needed
    --out DIR          a folder that is writable in the machine, as /out
    --jobs N           machines at the same time (run only; default: 2, on one core 1)

A machine runs on the host's own root file system, read-only, with a throw-away layer on top; one for arm64 on a root of
arm64 packages. The repository and the build directory are where they are on the host.

WORDS of --boot, and lines "# rig: WORDS" at the head of a case:
    arch=arm64       an arm64 machine (QEMU's virt) instead of x86_64; $BUILD is the build directory for arm64
    overlay=NAME     arm64: tests/vm/NAME.dtso is applied to the machine's device tree; by target-path, there are no labels
    kernel=debian    x86_64: the kernel that Debian ships, with its modules, instead of our own
    modules          what tests/vm/modules/build.sh makes is in $BUILD/tests/vm/modules-$(uname -m)
    memory=2G        size of memory (default 1G)
    cpus=2           number of CPUs (default 1: an emulated second one makes both slow)
    timeout=60       seconds that a case or command may take (default 120, command 600)
    udevd, bus       start systemd-udevd, the system bus
    kernel-may-warn  warnings of the kernel are no failure
    cmdline=...      more kernel parameters, up to the end of the line
    qemu=...         more options of QEMU, up to the end of the line

modprobe finds the modules of the machine's kernel. Cases with the same machine share a boot, up to 30 minutes of their
time limits.

Environment: RIG_ACCEL=kvm|tcg (default: kvm if it works; arm64 always tcg),
RIG_KERNEL=DIR (a built x86_64 kernel tree; default: kernel.sh's).
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
    arch=x86_64 kernel=own overlay="" modules=no memory=1G cpus=1 seconds=120 wanted="" cmdline="" qemu_options="" may_warn=no
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
        arch=x86_64 | arch=arm64) arch=${word#arch=} ;;
        kernel=own | kernel=debian) kernel=${word#kernel=} ;;
        overlay=?*) overlay=${word#overlay=} ;;
        modules) modules=yes ;;
        cpus=[1-9]*) cpus=${word#cpus=} ;;
        memory=?*) memory=${word#memory=} ;;
        timeout=[1-9]*) seconds=${word#timeout=} ;;
        udevd | bus) wanted+=" $word" ;;
        kernel-may-warn) may_warn=yes ;;
        "") ;;
        *) die "${2:-boot parameters}: unknown word '$word'" ;;
        esac
    done
}

# check_boot WHOSE: words that do not go together
check_boot()
{
    [ "$kernel" = own ] || [ "$arch" = x86_64 ] || die "$1: kernel=$kernel is for x86_64 only"
    [ "$kernel" = own ] || [ "$modules" = no ] || die "$1: modules are for our own kernel only"
    [ -z "$overlay" ] && return
    [ "$arch" = arm64 ] || die "$1: overlay=$overlay is for arm64 only"
    [ -e "$here/$overlay.dtso" ] || die "$1: there is no tests/vm/$overlay.dtso"
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
    check_boot "$1"
}

# Cases with the same key can share a machine. Modules of ours are files beside it.
boot_key()
{
    echo "arch=$arch kernel=$kernel overlay=$overlay memory=$memory cpus=$cpus cmdline=$cmdline qemu=$qemu_options"
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
declare -A provided=() # what a machine is made of: its folder, or nothing if it could not be made

cleanup()
{
    stop_machine
    [ -z "$work" ] || [ $keep_work = yes ] || rm -rf "$work"
}

prepare()
{
    command -v busybox >/dev/null || die "busybox is missing: run tests/packages.sh rig"
    mkdir -p "$cache" || die "cannot write to $cache"
    work=$(mktemp -d "$cache/run.XXXXXX") || die "no temporary folder"
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    [ -n "$out" ] || out=$work/out
    mkdir -p "$out" || die "cannot make the folder $out"
    out=$(cd "$out" && pwd)
}

# provide WHAT COMMAND...: once, what the command makes and prints the folder of; it says itself why it cannot
provide()
{
    local what=$1
    shift
    [ -n "${provided[$what]+known}" ] || provided[$what]=$("$@") || provided[$what]=""
    [ -n "${provided[$what]}" ] || reason="no $what (${1##*/} failed)"
}

built_kernel()
{
    [ -e "$RIG_KERNEL/vmlinux" ] || die "no kernel in $RIG_KERNEL"
    echo "$RIG_KERNEL"
}

# provide_machine: all that a machine of the parameters read last needs; else sets reason
provide_machine()
{
    reason=""
    case $arch-$kernel in
    x86_64-own)
        if [ -n "${RIG_KERNEL:-}" ]; then
            provide kernel-x86_64 built_kernel
        else
            provide kernel-x86_64 "$here/kernel.sh" x86_64
        fi
        ;;
    x86_64-debian) provide kernel-debian "$here/debian-kernel.sh" amd64 ;;
    arm64-own)
        provide kernel-arm64 "$here/kernel.sh" arm64
        provide root-arm64 "$here/root-arm64.sh"
        provide build-arm64 "$here/build-arm64.sh" "$build_arm64"
        ;;
    esac
    [ "$modules" = no ] || provide "modules-$arch" build_modules
    command -v "$(qemu_program)" >/dev/null || reason="$(qemu_program) is missing: run tests/packages.sh rig arm64"
    [ -z "$reason" ]
}

# The case's build directory, as its programs are for its architecture.
build_folder()
{
    case $arch in
    x86_64) echo "$build" ;;
    arm64) echo "$build_arm64" ;;
    esac
}

build_modules()
{
    local folder
    folder=$(build_folder)/tests/vm/modules-${arch/arm64/aarch64}
    [ -n "${provided[kernel-$arch]}" ] &&
        "$here/modules/build.sh" "${provided[kernel-$arch]}" "$folder" "$arch" >&2 && echo "$folder"
}

qemu_program()
{
    echo "qemu-system-${arch/arm64/aarch64}"
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

# The initramfs: busybox, the first script and its settings, the modules that are needed to get any further.
make_initramfs()
{
    local root=$1/initramfs busybox
    busybox=$(command -v busybox)
    [ "$arch" != arm64 ] || busybox=${provided[root-arm64]}/bin/busybox
    mkdir -p "$root/bin" "$root/proc" "$root/modules"
    cp "$busybox" "$root/bin/busybox"
    cp "$here/guest-boot.sh" "$root/init"
    chmod 755 "$root/init"
    cp "$1/rig/conf" "$root/rig.conf"
    [ "$kernel" = own ] || copy_modules "$root/modules" virtio_pci 9pnet_virtio 9p overlay || return 1
    (cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null >../initramfs.cpio)
}

# copy_modules FOLDER MODULE...: these and all they need; in the order of their names they can be loaded
copy_modules()
{
    local folder=$1 module what path name number=100
    local -A copied=()
    shift
    while read -r what path; do
        name=${path##*/}
        name=${name%%.*}
        if [ "$what" != insmod ] || [ -n "${copied[$name]:-}" ]; then continue; fi
        copied[$name]=yes
        number=$((number + 1))
        case $path in
        *.xz) xz -dc "$path" ;;
        *) cat "$path" ;;
        esac >"$folder/$number-$name.ko" || return 1
    done < <(for module in "$@"; do
        PATH=$PATH:/usr/sbin:/sbin modprobe -d "${provided[kernel-debian]}" -C /dev/null --show-depends \
            -S "$(basename "$(modules_folder)"/*)" "$module"
    done)
}

# Where the machine's modules are on the host.
modules_folder()
{
    case $kernel in
    debian) echo "${provided[kernel-debian]}/lib/modules" ;;
    own) echo "${provided[kernel-$arch]}/installed/lib/modules" ;;
    esac
}

# set_qemu ACCEL SERIAL: sets qemu, the command that is the machine
set_qemu()
{
    local root=/ image more="console=ttyS0 no_timer_check" type=() cpu=max accel=tcg,thread=multi
    case $arch-$kernel in
    x86_64-own) image=${provided[kernel-x86_64]}/vmlinux ;;
    x86_64-debian)
        image=$(echo "${provided[kernel-debian]}"/boot/vmlinuz-*)
        more+=" mitigations=off"
        ;;
    arm64-own)
        image=${provided[kernel-arm64]}/arch/arm64/boot/Image root=${provided[root-arm64]}
        more="console=ttyAMA0 mitigations=off"
        type=(-machine virt) cpu=cortex-a57
        ;;
    esac
    [ "$1" = tcg ] || accel=kvm cpu=host
    qemu=("$(qemu_program)" "${type[@]}" -accel "$accel" -cpu "$cpu" -smp "$cpus" -m "$memory" -serial "$2"
        -nodefaults -display none -nic none -no-reboot
        -kernel "$image" -initrd "$machine/initramfs.cpio" -append "$base_cmdline $more$cmdline"
        -virtfs "local,path=${root//,/,,},mount_tag=root,security_model=none,readonly=on,multidevs=remap"
        -virtfs "local,path=${machine//,/,,}/rig,mount_tag=rig,security_model=none,multidevs=remap"
        -virtfs "local,path=${out//,/,,},mount_tag=out,security_model=none,multidevs=remap")
    [ "$root" = / ] || qemu+=(-virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap")
    # shellcheck disable=SC2206 # the case's own options are words
    qemu+=($qemu_options)
}

# The machine's device tree as QEMU makes it for these options, with the overlay's additions.
make_device_tree()
{
    local base=$machine/base.dtb qemu
    set_qemu tcg none
    {
        timeout 60 "${qemu[@]}" -machine dumpdtb="$base" &&
            dtc -q -I dts -O dtb -o "$machine/overlay.dtbo" "$here/$overlay.dtso" &&
            fdtoverlay -i "$base" -o "$machine/machine.dtb" "$machine/overlay.dtbo"
    } >"$machine/dtb.log" 2>&1 </dev/null
}

# start_qemu ACCEL LIMIT SERIAL: QEMU itself, under a time limit, and dead when this script dies
start_qemu()
{
    local timed=(timeout -k 5 "$2") qemu
    [ "$2" != none ] || timed=()
    set_qemu "$1" "$3"
    [ -z "$overlay" ] || qemu+=(-dtb "$machine/machine.dtb")
    set -- setpriv --pdeathsig TERM "${timed[@]}" "${qemu[@]}"
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
    while [ ! -e "$machine/rig/$1" ] && machine_runs && [ $SECONDS -lt $end ]; do
        kill -0 $$ 2>/dev/null || exit 1 # whoever would read it
        sleep 0.1
    done
    [ -e "$machine/rig/$1" ]
}

# What works on this machine, as far as known in this session (of the kernel it runs on).
accel_verdict()
{
    echo "$cache/accel-$(cat /proc/sys/kernel/random/boot_id)"
}

accel_wanted()
{
    if [ "$arch" != "$(uname -m | sed 's/aarch64/arm64/')" ]; then
        echo tcg
    elif [ -n "${RIG_ACCEL:-}" ]; then
        echo "$RIG_ACCEL"
    elif [ ! -w /dev/kvm ]; then
        echo tcg
    else
        cat "$(accel_verdict)" 2>/dev/null || echo try
    fi
}

# make_machine MODE: the folder of a machine, for the parameters read last; else sets reason
make_machine()
{
    machine=$(mktemp -d "$work/machine.XXXX") || die "no temporary folder"
    mkdir -p "$machine/rig"
    {
        setting MODE "$1"
        setting SRC "$src"
        setting BUILD "$(build_folder)"
        setting ROOT_IS "$([ "$arch" = x86_64 ] && echo host || echo own)"
        setting MODULES "$(modules_folder)"
        setting WANTED "$wanted"
        setting SECONDS_ALLOWED "$seconds"
        setting TERM "${TERM:-linux}"
        setting DMABROKER_PROBES "${DMABROKER_PROBES:-4}"
        setting DMABROKER_PICTURES "${DMABROKER_PICTURES:-100}"
        setting DMABROKER_FORMATS "${DMABROKER_FORMATS:-3}"
        setting DMABROKER_SIZES "${DMABROKER_SIZES:-2}"
        setting ROWS "$(tput lines 2>/dev/null || echo 24)"
        setting COLUMNS "$(tput cols 2>/dev/null || echo 80)"
    } >"$machine/rig/conf"
    reason=""
    make_initramfs "$machine" || reason="cannot make the initramfs"
    [ -z "$overlay" ] || make_device_tree ||
        reason="cannot apply $overlay.dtso: $(grep -v '^$' "$machine/dtb.log" | tail -n 1)"
    [ -z "$reason" ]
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

tap_failures=0

# tap RESULT TEXT: a line without its number, which print_unit() adds
tap()
{
    [ "$1" = ok ] || tap_failures=$((tap_failures + 1))
    echo "$1 - $2"
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

# provide_unit CASE...: what all of them need; the parameters read last are then those of the first. Else sets reason
provide_unit()
{
    local name
    for name in "$@" "$1"; do
        read_case "$name"
        provide_machine || return 1
    done
}

# run_unit CASE...: all in the same machine; prints what print_unit() reads
run_unit()
{
    local name number=0 time=180 reason="" died_in="" began
    if provide_unit "$@" && make_machine cases; then
        for name in "$@"; do
            read_case "$name"
            number=$((number + 1))
            time=$((time + seconds + 60))
            echo "$number $seconds $name$wanted"
        done >"$machine/rig/cases"
        boot $time || reason="the machine does not boot: $(last_words)"
    fi
    number=0
    for name in "$@"; do
        read_case "$name"
        number=$((number + 1))
        began=$SECONDS
        if [ -n "$reason" ]; then
            tap "not ok" "$name: not run${died_in:+, after $died_in}: $reason"
        elif wait_for_file $number.status $((seconds + 60)); then
            report_case $number "$name"
            echo "# $name: $((SECONDS - began)) s"
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

units=() unit_pids=() units_printed=0 tap_number=0 failures=0

# make_units CASE...: which cases run in one machine: those of the same key, in their order, up to a time
make_units()
{
    local name key keys=() members
    local -A cases_of=()
    for name in "$@"; do
        read_case "$name"
        key=$(boot_key)
        [ -n "${cases_of[$key]:-}" ] || keys+=("$key")
        cases_of[$key]+=" $name"
    done
    for key in "${keys[@]}"; do
        local time=0
        members=()
        for name in ${cases_of[$key]}; do
            read_case "$name"
            if [ ${#members[@]} -gt 0 ] && [ $((time + seconds)) -gt $seconds_per_machine ]; then
                units+=("${members[*]}")
                members=() time=0
            fi
            members+=("$name")
            time=$((time + seconds))
        done
        units+=("${members[*]}")
    done
}

# The units' numbers, those that may take longest first.
units_by_time()
{
    local number name time
    for number in "${!units[@]}"; do
        time=0
        for name in ${units[number]}; do
            read_case "$name"
            time=$((time + seconds))
        done
        echo "$time $number"
    done | sort -k1,1nr -k2,2n | cut -d ' ' -f 2
}

# print_unit NUMBER
print_unit()
{
    local line
    while IFS= read -r line; do
        case $line in
        "ok - "* | "not ok - "*)
            tap_number=$((tap_number + 1))
            [ "${line%%ok - *}" = "" ] || failures=$((failures + 1))
            echo "${line%%ok - *}ok $tap_number - ${line#*ok - }"
            ;;
        *) echo "$line" ;;
        esac
    done <"$work/unit.$1"
}

# unit_process NUMBER: runs a unit; in a process of its own
unit_process()
{
    own_unit=$1
    trap 'end_unit $?' EXIT
    trap 'exit 143' TERM HUP
    # shellcheck disable=SC2086 # words
    run_unit ${units[own_unit]} >"$work/unit.$own_unit.new"
    exit 0
}

# end_unit STATUS
end_unit()
{
    local result=$work/unit.$own_unit
    stop_machine
    [ "$1" = 0 ] || echo "not ok - ${units[own_unit]}: the rig itself failed (exit status $1)" >>"$result.new"
    mv "$result.new" "$result"
}

# Waits until one more unit has ended; prints in the order of the units what there is.
reap_unit()
{
    local ended number
    wait -n -p ended
    for number in "${!unit_pids[@]}"; do
        [ "${unit_pids[number]}" != "$ended" ] || unset "unit_pids[number]"
    done
    while [ $units_printed -lt ${#units[@]} ] && [ -e "$work/unit.$units_printed" ]; do
        print_unit $units_printed
        units_printed=$((units_printed + 1))
    done
}

stop_units()
{
    [ ${#unit_pids[@]} -eq 0 ] || { kill "${unit_pids[@]}" && wait "${unit_pids[@]}"; } 2>/dev/null
    unit_pids=()
}

run()
{
    local names=("$@") unit number
    names=("${names[@]##*/}")
    names=("${names[@]%.sh}")
    [ ${#names[@]} -gt 0 ] || mapfile -t names < <(all_cases)
    [ ${#names[@]} -gt 0 ] || die "no cases in $cases"
    make_units "${names[@]}"

    prepare
    for unit in "${units[@]}"; do
        # shellcheck disable=SC2086 # words
        provide_unit $unit
    done
    trap 'stop_units; cleanup' EXIT
    echo "TAP version 13"
    for number in $(units_by_time); do
        while [ ${#unit_pids[@]} -ge "$jobs" ]; do reap_unit; done
        unit_process "$number" &
        unit_pids[number]=$!
    done
    while [ ${#unit_pids[@]} -gt 0 ]; do reap_unit; done
    echo "1..$tap_number"
    [ $failures -eq 0 ] && return
    keep_work=yes
    echo "# $failures failed; the consoles' and cases' own output: $work"
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
    provide_machine || die "$reason"
    make_machine command || die "$reason"
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
    provide_machine || die "$reason"
    make_machine shell || die "$reason"
    [ -t 0 ] && trap 'stty sane; cleanup' EXIT && stty raw -echo
    start_qemu "$(accel_wanted | sed 's/try/tcg/')" none stdio
}

# --- command line ---

build=$src/build build_arm64="" out="" jobs="" words=()
command=${1:-}
[ $# -eq 0 ] || shift
while [ $# -gt 0 ]; do
    case $1 in
    --build) build=${2:?} && shift 2 ;;
    --build-arm64) build_arm64=${2:?} && shift 2 ;;
    --jobs) jobs=${2:?} && shift 2 ;;
    --out) out=${2:?} && shift 2 ;;
    --boot) words+=("${2:?}") && shift 2 ;;
    --) shift && break ;;
    --help | -h) command=--help && break ;;
    -*) die "unknown option $1 (see --help)" ;;
    *) break ;;
    esac
done
# absolute PATH
absolute()
{
    case $1 in
    /*) echo "$1" ;;
    *) echo "$PWD/$1" ;;
    esac
}

build=$(absolute "$build")
build=${build%/}
build_arm64=$(absolute "${build_arm64:-${build%/*}/build-arm64}")
if [ -z "$jobs" ]; then
    jobs=1
    [ "$(nproc)" -lt 2 ] || jobs=2
fi
case $jobs in
*[!0-9]* | 0*) die "--jobs wants a number" ;;
esac

case $command in
list)
    for name in $(all_cases); do
        read_case "$name"
        echo "$name: arch=$arch${overlay:+ overlay=$overlay} kernel=$kernel memory=$memory cpus=$cpus timeout=$seconds$wanted${cmdline:+ cmdline=${cmdline# }}${qemu_options:+ qemu=${qemu_options# }}"
    done
    ;;
run) run "$@" ;;
exec | shell)
    reset_boot
    seconds=600
    if [ "$command" = shell ] && [ $# -gt 0 ]; then read_case "$1"; fi
    for line in "${words[@]}"; do parse_boot "$line"; done
    check_boot "boot parameters"
    "run_$command" "$@"
    ;;
--help | -h) usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
