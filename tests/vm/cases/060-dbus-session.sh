# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
# rig: timeout=240
#
# Runs what docs/dbus-session.md tells people to type, and looks at the answers.
. "$SRC/tests/vm/lib.sh"

page=$SRC/docs/dbus-session.md

# blocks KIND: the commands of the page's blocks of this kind, as one script
blocks()
{
    awk -v mark="\`\`\`sh $1" '$0 == mark { on = 1; next } /^```/ { on = 0 } on' "$page"
}

# answer_has TEXT PATTERN: the last session said so
answer_has()
{
    check "$1" grep -qE "$2" "$OUT/answers"
}

# session KIND: every command succeeds
session()
{
    blocks "$1" >"$OUT/$1.sh"
    check "there is a session on the $1" test -s "$OUT/$1.sh"
    # shellcheck disable=SC2016 # for the inner shell
    check "every command of the session on the $1 succeeds" \
        sh -euc 'sh -eu "$1" >"$2" 2>&1 || { tail -n 5 "$2"; exit 1; }' - "$OUT/$1.sh" "$OUT/answers"
}

sed 's/user="dmabroker"/user="root"/' "$BUILD/protocol/org.dmabroker1.conf" >"$OUT/org.dmabroker1.conf"
start_bus "$OUT/org.dmabroker1.conf" || bail "the bus starts"
start_dmabrokerd --bus system --trial-program "$BUILD/broker/dmabroker-trial" || bail "the daemon starts"

session socket
answer_has "devices are listed" '/org/dmabroker1/device/v4l2'
answer_has "heaps are listed" '/org/dmabroker1/heap/reserved'
answer_has "the features name the keys" "'request.width'"
answer_has "the plan has the contiguous heap" "^\\(\\{.*'heap': <'reserved'>"
answer_has "and says why" "'participant': <'camera'>, 'constraint': <'contiguity'>"
answer_has "a collection has come" '^/org/dmabroker1/collection/[0-9]+$'
answer_has "and buffers with fd, size and inode" \
    "'memory': <\\[\\{'bytes': <uint64 1228800>, 'fd': <handle 1>, 'inode': <uint64 [0-9]+>"

session bus
answer_has "gdbus got buffers on the bus" "'fd': <handle 1>"
answer_has "busctl sees the tree" '/org/dmabroker1/device/'
answer_has "busctl got a plan" '^a\{sv\} .* "heap" s "reserved"'
answer_has "busctl got buffers" '^taa\{sv\} [0-9]+ 2 .* "fd" h '

# what is released is released: nothing lingers
# shellcheck disable=SC2016,SC2154 # for the inner shell; lib.sh assigns it
check "no buffer is left in the daemon" sh -c '! ls -l "/proc/$1/fd" | grep -q dmabuf' - "$dmabrokerd_pid"
