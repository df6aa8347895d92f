# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
# rig: timeout=240
#
# As installed: the daemon is a user without any capability, to whom a udev rule gives the heaps. Members
# of its group may allocate, and may not open the heaps themselves; others may not even ask.
. "$SRC/tests/vm/lib.sh"

user=dmabroker
# the repository may lie where only root may look
programs=/opt/dmabroker
ctl=$programs/ctl/dmabrokerctl

# add_user NAME ID GROUPS...: with a group of its own, of the same number
add_user()
{
    echo "$1:x:$2:$2::/nonexistent:/bin/false" >>/etc/passwd
    echo "$1:x:$2:" >>/etc/group
}

# join NAME GROUP
join()
{
    sed -i "s/^\\($2:[^:]*:[^:]*:\\)\$/\\1$1/; t; s/^\\($2:.*\\)\$/\\1,$1/" /etc/group
}

# become NAME COMMAND...: instead of this shell; without capabilities, with the groups of /etc/group
become()
{
    become_user=$1
    shift
    exec setpriv --reuid="$become_user" --regid="$become_user" --init-groups \
        --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
}

as()
{
    (become "$@")
}

for file in daemon/dmabrokerd broker/dmabroker-trial ctl/dmabrokerctl libclient/libdmabroker.so.0; do
    mkdir -p "$programs/${file%/*}"
    cp -L "$BUILD/$file" "$programs/$file" || bail "the programs are there"
done
chmod -R a+rX $programs

grep -q '^render:' /etc/group || echo 'render:x:990:' >>/etc/group
add_user $user 900
add_user member 901
add_user stranger 902
join $user video
join $user render
join member $user

mkdir -p /run/udev/rules.d
cp "$BUILD/systemd/70-dmabroker.rules" /run/udev/rules.d/ || bail "the udev rule is there"
start_udevd || bail "udevd starts"
check "the heaps belong to the daemon's user" sh -c "[ \$(stat -c %U /dev/dma_heap/system) = $user ]"
check "so does udmabuf" sh -c "[ \$(stat -c %U /dev/udmabuf) = $user ]"
refuse "members of its group cannot open a heap" as member sh -c ': <>/dev/dma_heap/system'

# as the unit's RuntimeDirectory
mkdir -p /run/dmabroker
chown $user:$user /run/dmabroker
become $user $programs/daemon/dmabrokerd --bus none --trial-program $programs/broker/dmabroker-trial \
    >>"$OUT/dmabrokerd.log" 2>&1 &
dmabrokerd_pid=$!
wait_for 20 test -S /run/dmabroker/bus || bail "the daemon starts without privilege" "$(cat "$OUT/dmabrokerd.log")"
ok "the daemon starts without privilege"
check "it has no capability" grep -q '^CapEff:[[:space:]]*0*$' "/proc/$dmabrokerd_pid/status"

allocate()
{
    as "$1" "$ctl" alloc --size 640x480 --format XR24 "camera=vivid-001-vid-cap:capture" cpu \
        -- sh -c 'ls -l /proc/self/fd | grep -c dmabuf'
}

check "it measured the cameras" sh -c "'$ctl' devices --verbose | grep -q 'memory-model  *dma-contig'"
check "root may allocate" "$ctl" alloc --size 640x480 --format XR24 cpu -- true
check "a member of its group may, and gets contiguous memory" allocate member
allocate stranger >"$OUT/stranger" 2>&1
check "a stranger may not: exit code 5, permission" test $? -eq 5
check "and is told so in one line" sh -c "[ \$(wc -l <'$OUT/stranger') -eq 1 ] && grep -q 'refuses this user' '$OUT/stranger'"

# on demand: the first call on the bus starts it, as its user
stop_dmabrokerd || not_ok "the daemon ends with success"
mkdir -p /usr/share/dbus-1/system-services
sed "s|^Exec=[^ ]*|Exec=$programs/daemon/dmabrokerd|" "$BUILD/protocol/org.dmabroker1.service" \
    >/usr/share/dbus-1/system-services/org.dmabroker1.service
start_bus "$BUILD/protocol/org.dmabroker1.conf" || bail "the bus starts"
plan_on_bus()
{
    as "$1" "$ctl" plan --address system --size 640x480 --format XR24 cpu
}
check "the bus starts the daemon on demand, for a member of the group" plan_on_bus member
activated=$(busctl call org.freedesktop.DBus / org.freedesktop.DBus GetConnectionUnixProcessID s org.dmabroker1)
check "as its user" sh -c "[ \$(stat -c %U /proc/${activated#u }) = $user ]"
check "a stranger may look on the bus" as stranger "$ctl" heaps --address system
plan_on_bus stranger >"$OUT/stranger" 2>&1
check "and not plan: exit code 5" test $? -eq 5
kill "${activated#u }"
