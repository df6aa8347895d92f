#!/bin/busybox sh
# shellcheck shell=dash disable=SC1091
# SPDX-License-Identifier: MIT
#
# The guest's first program (/init of the initramfs): makes a root file system out of the host's own (or one for
# another architecture), read-only over 9p with a tmpfs on top, and hands over to guest-init.sh.
# Not started on the host's tree directly: its /proc, /sys and /run are other file systems there.

fail()
{
    echo "rig: $*"
    poweroff -f
}

# show FOLDER PLACE: a folder of the host, writable like all the rest
show()
{
    [ -d "$host$1" ] || return
    upper=/rw/shown$((shown += 1))
    mkdir -p "/new$2" $upper/upper $upper/work
    mount -t overlay -o "lowerdir=$host$1,upperdir=$upper/upper,workdir=$upper/work" overlay "/new$2" || fail "cannot show $1"
}

# show_hidden FOLDER: where it is on the host; if a fresh tmpfs of the guest hides it (below /tmp, say), or another root
show_hidden()
{
    [ -d "/new$1" ] || show "$1" "$1"
}

/bin/busybox --install -s /bin
export PATH=/bin
shown=0

. /rig.conf

for module in /modules/*.ko; do
    [ ! -e "$module" ] || insmod "$module" || fail "cannot load $module"
done

mkdir -p /lower /rw /new
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /lower || fail "cannot mount the root"
host=/lower
if [ "$ROOT_IS" != host ]; then
    host=/host
    mkdir /host
    mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose host /host || fail "cannot mount the host's root"
fi
mount -t tmpfs -o mode=755 tmpfs /rw
mkdir -p /rw/upper /rw/work
mount -t overlay -o lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work overlay /new || fail "cannot mount the overlay"

cd /new || fail "no root"
mkdir -p proc sys dev run tmp out
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs devtmpfs dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p dev/pts dev/shm run/rig run/lock
mount -t devpts -o mode=620,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t debugfs debugfs sys/kernel/debug
mount -t tracefs tracefs sys/kernel/tracing
mount -t cgroup2 cgroup2 sys/fs/cgroup
ln -s /proc/self/fd dev/fd
[ -r proc/meminfo ] || fail "/proc is not there"
[ -d sys/class ] || fail "/sys is not there"

# the rig's own share and the one for results: no cache, so that what is written survives a crash of the guest
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none rig run/rig || fail "cannot mount the rig's share"
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none out out || fail "cannot mount the results' share"
show_hidden "$SRC"
show_hidden "$BUILD"
show "$MODULES" /lib/modules

exec switch_root /new /bin/sh "$SRC/tests/vm/guest-init.sh"
