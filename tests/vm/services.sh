# shellcheck shell=sh disable=SC2119,SC2120
# SPDX-License-Identifier: MIT
#
# Programs of a real machine that a guest starts only where they are wanted. Sourced.
# Each function says on stderr what failed and returns 1.

# wait_for SECONDS COMMAND...: until the command succeeds
wait_for()
{
    wait_end=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt $wait_end ] || return 1
        sleep 0.1
    done
}

start_udevd()
{
    udevd=/lib/systemd/systemd-udevd
    [ -x $udevd ] || udevd=/usr/lib/systemd/systemd-udevd
    if ! $udevd --daemon; then
        echo "systemd-udevd does not start" >&2
        return 1
    fi
    udevadm trigger --action=add && udevadm settle --timeout=60 && return
    echo "systemd-udevd does not settle" >&2
    return 1
}

# start_bus [POLICY]...: the system bus at its usual place, with these policy files beside the machine's own
start_bus()
{
    for policy in "$@"; do
        cp "$policy" /etc/dbus-1/system.d/ || return 1
    done
    mkdir -p /run/dbus
    [ -s /etc/machine-id ] || dbus-uuidgen >/etc/machine-id
    dbus-daemon --system --fork --nopidfile && wait_for 10 test -S /run/dbus/system_bus_socket && return
    echo "dbus-daemon does not start" >&2
    return 1
}

# What the case's header asks for.
start_wanted()
{
    for wanted in ${RIG_WANTED:-}; do
        case $wanted in
        udevd) start_udevd || return 1 ;;
        bus) start_bus || return 1 ;;
        esac
    done
}
