#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The commands of dmabrokerctl alloc and join: several processes that negotiate again, hand over,
# report and cancel, with a daemon of their own on a machine that is made up. Writes TAP.
#
#   BUILD=DIR test-ctl-commands.sh
#   test-ctl-commands.sh DMABROKERCTL JSON-GET DMABROKERD-MADE-UP-HEAPS

set -u
build=${BUILD:-build}
ctl=${1:-$build/ctl/dmabrokerctl}
json_get=${2:-$build/tests/json-get}
made_up=${3:-$build/tests/bus/dmabrokerd-made-up-heaps}
# shellcheck source=tests/bus/ctl.sh
. "$(dirname "$0")/ctl.sh"

# new WHO: what it has printed since the last command was given to anybody
new()
{
    tail -n "+$(cat "$tmp/$1.seen")" "$tmp/$1.out"
}

# until_new WHO PATTERN: 10 s at most
until_new()
{
    for _ in $(seq 100); do
        if new "$1" | grep -q "$2"; then return 0; fi
        sleep 0.1
    done
    new "$1" >"$tmp/out"
    cp "$tmp/$1.err" "$tmp/err"
    return 1
}

# mark: what comes from now on is new
mark()
{
    for name in first second third; do
        if [ -e "$tmp/$name.out" ]; then
            echo $(($(wc -l <"$tmp/$name.out") + 1)) >"$tmp/$name.seen"
        fi
    done
}

# answers WHO COMMAND PATTERN DESCRIPTION
answers()
{
    mark
    printf '%s\n' "$2" >"$tmp/$1.in"
    until_new "$1" "$3"
    result "$4" $?
}

# refuses WHO COMMAND NAME PATTERN: the answer has the error's name, stderr the pattern
refuses()
{
    : >"$tmp/err"
    lines=$(wc -l <"$tmp/$1.err")
    mark
    printf '%s\n' "$2" >"$tmp/$1.in"
    until_new "$1" "^error: .*$3\$" && tail -n "+$((lines + 1))" "$tmp/$1.err" >"$tmp/err" &&
        grep -q "$4" "$tmp/err"
    result "'$2' of $1 is refused: $3, $4" $?
}

# hears WHO PATTERN DESCRIPTION: after the last command
hears()
{
    until_new "$1" "$2"
    result "$3" $?
}

# inodes WHO SIZE: of the last table it has printed
inodes()
{
    sed -n "s/^\/org.* $2  *[0-9][0-9]*  //p" "$tmp/$1.out" | tail -n 1
}

# holds PID NUMBER DESCRIPTION: the process has that many buffers open, within 10 s
holds()
{
    for _ in $(seq 100); do
        open=$(find "/proc/$1/fd" -lname '/memfd:*' 2>/dev/null | wc -l)
        if [ "$open" -eq "$2" ]; then break; fi
        sleep 0.1
    done
    [ "$open" -eq "$2" ]
    result "$3 ($open)" $?
}

# begin WHO ARGUMENT...: in the background, with a stdin that stays open
begin()
{
    background "$@" --commands
    pid=$!
}

: >"$tmp/out"
: >"$tmp/err"
mkfifo "$tmp/fifo" "$tmp/first.in" "$tmp/second.in"
exec 3<>"$tmp/first.in" 4<>"$tmp/second.in"
DMABROKER_TEST_FIFO=$tmp/fifo
export DMABROKER_TEST_FIFO
start_daemon "$made_up"
address=unix:path=$tmp/bus

# ---- while it waits

begin first alloc --tokens 1 --size 640x480 --format XR24 cam=cam0:capture,camping=2
first=$pid
until_says first.err "waiting until"
result "alloc --commands waits" $?
answers first status "^status: waiting: generation 0, buffers 0, members 1/2; missing: member 1: " \
    "status says who is missing"
refuses first plan Usage "plan: there is none yet"
refuses first renegotiate Busy "no other negotiation under way"
refuses first hand-over EAGAIN "still to be waited for"
refuses first "report cam EINVAL" Busy "no other negotiation under way"
sed -n 1p "$tmp/first.out" >"$tmp/token"

# ---- negotiating again

begin second join - enc=codec:output,slack=1
second=$pid
cat "$tmp/token" >"$tmp/second.in"
for who in first second; do
    until_says $who.err "holding the buffers"
    result "$who: holds the buffers; stdin had the token" $?
done
before=$(inodes first 640x480)
[ "$(echo "$before" | wc -w)" -eq 4 ] && [ "$before" = "$(inodes second 640x480)" ]
result "both have the same" $?
answers first plan "^plan: generation 1$" "plan says which"
hears first "^4 buffers of 1228800 bytes from heap system: 640x480 XR24" "and what it is"

answers first "renegotiate width=1920 height=1080 cam.camping=1" \
    "^renegotiate: generation 2: cam, enc: 3 buffers of 8294400 bytes .* 1920x1080 XR24" \
    "another size, and fewer buffers"
hears first "^/org/.* 1920x1080  *3  [0-9 ]*$" "the new ones are shown"
hears second "^negotiated: generation 2: cam, enc: 3 buffers of 8294400 bytes" "the other is told"
hears second "^/org/.* 1920x1080  *3  [0-9 ]*$" "and sees them"
after=$(inodes first 1920x1080)
[ "$(echo "$after" | wc -w)" -eq 3 ] && [ "$after" = "$(inodes second 1920x1080)" ] &&
    [ "$after" != "$before" ]
result "both have the same new ones" $?
for pid in $first $second; do holds "$pid" 7 "the old buffers are there as well"; done
answers second status "^status: ready: generation 2, buffers 7, members 2/2$" "for the daemon, too"

refuses second hand-over EAGAIN "cam has not handed over to generation 2 yet"
holds "$second" 7 "nothing is let go by that"
answers first hand-over "^hand-over: done$" "handing over"
hears first "^handed-over: generation 2$" "all are told, who did it"
hears second "^handed-over: generation 2$" "and the other"
for pid in $first $second; do holds "$pid" 3 "the old buffers are let go"; done
answers second status "^status: ready: generation 2, buffers 3, members 2/2$" "by the daemon, too"

refuses second "renegotiate enc.stride-max=100" Conflict "stride-max 100 -> 7680"
refuses second "renegotiate width=64" NotPermitted "the initiator"
refuses second "renegotiate cam.camping=3" Usage "renegotiate: no participant 'cam'"
refuses first "renegotiate frob=1" Usage "renegotiate frob: there is no such key"
refuses first "renegotiate cam.frob=1" Usage "renegotiate cam.frob: there is no such key"
refuses first "renegotiate width=99999" Usage "renegotiate width: '99999' is wrong: right is"
refuses first "renegotiate width" Usage "renegotiate width: right is NAME.KEY=VALUE"
refuses first "renegotiate formats=" Usage "renegotiate formats=: .* not taken back"
answers first status "^status: ready: generation 2, buffers 3, members 2/2$" "nothing has changed"
answers second "renegotiate enc.slack=2" "^renegotiate: generation 3: cam, enc: 4 buffers" \
    "what was refused is forgotten"
hears first "^negotiated: generation 3: cam, enc: 4 buffers" "the other is told"
answers second "renegotiate enc.slack=" "^renegotiate: generation 4: cam, enc: 2 buffers" \
    "a participant's key is taken back"
answers first "renegotiate width=640 height=480" "^renegotiate: generation 5: .* 640x480" \
    "the size is what it was"
answers first renegotiate "^renegotiate: generation 6: cam, enc: 2 buffers .* 640x480" \
    "the same again"
hears second "^negotiated: generation 6: " "the other is told"
answers first hand-over "^hand-over: done$" "handing over several generations"
hears second "^handed-over: generation 6$" "is told once"
for pid in $first $second; do holds "$pid" 2 "only the last ones stay"; done

# ---- reports

refuses second "report cam EINVAL" NotPermitted "a participant of the caller's own"
refuses second "report enc ENOTHING" Usage "'ENOTHING' is no errno"
refuses second "report enc 0" Usage "'0' is no errno"
refuses second "report enc 4096" Usage "'4096' is no errno"
refuses second "report enc" Usage "right is report PARTICIPANT ERRNO"
answers second "report enc EFAULT" "^report: generation 7: .* from heap reserved" \
    "a report leads to other memory"
hears first "^negotiated: generation 7: .* from heap reserved" "for all"
[ "$(inodes first 640x480)" = "$(inodes second 640x480)" ]
result "and the same" $?
answers first plan "refused to import it: Bad address" "the plan says why"
answers first hand-over "^hand-over: done$" "and on it goes"

# ---- late ones

refuses second "tokens 1" NotPermitted "the initiator"
refuses first "tokens some" Usage "tokens some: right is a whole number"
refuses first "tokens 0" Usage "tokens 0: right is a whole number"
refuses first "tokens 99" InvalidRequest "tokens: wants 1 or more, .* offered: 99"
answers first "tokens 2" "^tokens: [0-9a-f]\{32\} [0-9a-f]\{32\}$" "late tokens"
# shellcheck disable=SC2046 # two words
set -- $(new first | sed -n 's/^tokens: //p')
[ "$1" != "$2" ] && [ "$1" != "$(cat "$tmp/token")" ]
result "each is another" $?
exits 1 "who does not fit" join --address "$address" "$1" late=cpu,stride-max=100
says "is told why" err stride
mark
background third join --commands "$2" late=cpu,camping=0
third=$!
until_says third.err "holding the buffers"
result "who fits has the buffers" $?
[ "$(inodes first 640x480)" = "$(inodes third 640x480)" ]
result "those that there are" $?
hears first "^negotiated: generation 7: cam, enc, late: " "all are told"
! new first | grep -q "^COLLECTION"
result "nothing new is shown" $?
answers first renegotiate "^renegotiate: generation 8: cam, enc, late: " "again, with it"
hears third "^negotiated: generation 8: " "whose stdin has ended, and who holds on"
kill -TERM "$third"
ends "$third" 0 "it leaves"

# ---- lines

refuses first frobnicate Usage "no command 'frobnicate': right is one of status, tokens, "
refuses first "status now" Usage "status: right is status$"
refuses first cancel InvalidRequest "buffers"
refuses second cancel NotPermitted "the initiator"
answers first "  renegotiate	'name=my film' " "^renegotiate: generation 9: " "a word in quotes"
exits 0 "collections" collections --address "$address"
says "it is one word" out "my film  ready"
answers first "
  
status" "^status: " "lines without a word"
[ "$(new first | wc -l)" -eq 1 ]
result "have no answer" $?
printf 'sta' >"$tmp/first.in"
answers second renegotiate "^renegotiate: generation 10: " "while half a line is there"
hears first "^negotiated: generation 10: " "the daemon is heard"
answers first tus "^status: ready: generation 10" "then its other half comes"
mark
{
    head -c 65537 /dev/zero | tr '\0' x
    printf '\nplan\n'
} >"$tmp/first.in"
hears first "^plan: generation 10$" "what follows a line that is too long"
[ "$(new first | head -n 1)" = "error: Usage" ] && grep -q "at most 65536 bytes" "$tmp/first.err"
result "which is refused once" $?
mark
{
    printf status
    head -c 65530 /dev/zero | tr '\0' ' '
    printf '\n'
} >"$tmp/first.in"
hears first "^status: " "a line as long as may be"
mark
printf 'status\0x\nplan\n' >"$tmp/first.in"
hears first "^plan: " "what follows a line with a NUL byte"
[ "$(new first | head -n 1)" = "error: Usage" ]
result "which is refused" $?

refuses second "report enc 22" Conflict "reported: wants not system, .*reserved"
answers second status "^status: ready: generation 10, " "the buffers stay"
refuses first "renegotiate width=320" Conflict "reported: wants not system, .*reserved"

answers second release "^release: done$" "release"
ends "$second" 0 "ends"
answers first status "^status: ready: " "the other goes on"
answers first release "^release: done$" "it releases, too"
ends "$first" 0 "and ends"
exits 0 "collections: none" collections --address "$address" --json
[ "$(json "#")" = 0 ]
result "none is left" $?

# ---- who observes

begin first alloc --tokens 1 --size 640x480 --format XR24 a=cpu
first=$pid
until_says first.err "waiting until"
begin second join "$(sed -n 1p "$tmp/first.out")"
second=$pid
until_says second.err "holding the buffers"
[ "$(inodes second 640x480 | wc -w)" -eq 0 ]
result "who observes has no buffers" $?
answers second "renegotiate 'participants={\"name\": \"b\", \"role\": \"cpu\"}'" \
    "^renegotiate: generation 2: a, b: 2 buffers" "it takes part after all"
hears first "^/org/.* 640x480  *2  [0-9 ]*$" "the other sees new buffers"
[ "$(inodes second 640x480 | wc -w)" -eq 2 ] &&
    [ "$(inodes first 640x480)" = "$(inodes second 640x480)" ]
result "and both have them" $?
answers second "renegotiate b.camping=3" "^renegotiate: generation 3: a, b: 4 buffers" \
    "its participant can be changed"
kill -TERM "$second"
ends "$second" 0 "signals are heard"
kill -TERM "$first"
ends "$first" 0 "by both"

# ---- the end of a negotiation

begin first alloc --tokens 2 --size 640x480 --format XR24 a=cpu
first=$pid
until_says first.err "waiting until"
begin second join "$(sed -n 1p "$tmp/first.out")" b=cpu
second=$pid
until_says second.err "still missing"
refuses second cancel NotPermitted "the initiator"
answers first cancel "^cancel: done$" "cancel"
ends "$first" 1 "ends with 1"
ends "$second" 1 "for the other as well"
grep -q "the initiator has cancelled it" "$tmp/second.err"
result "which is told why" $?

begin first alloc --tokens 1 --size 640x480 --format XR24 a=cpu
first=$pid
until_says first.err "waiting until"
answers first release "^release: done$" "release while it waits"
ends "$first" 0 "ends with 0"

# ---- without others, and as JSON

printf release | timeout 30 "$ctl" alloc --commands --address "$address" --size 64x64 \
    --format XR24 a=cpu >"$tmp/out" 2>"$tmp/err"
result "a last line without an end" $?
says "is a line" out "^release: done$"

timeout 30 "$ctl" alloc --commands --json=short --address "$address" --size 640x480 \
    --format XR24 a=cpu >"$tmp/all" 2>"$tmp/err" <<'END'
status
plan
tokens 1
renegotiate width=320
report b EIO
frobnicate
tokens 0
renegotiate a.stride-max=8
hand-over
release
END
result "all at once, as JSON" $?
[ "$(wc -l <"$tmp/all")" -ge 11 ]
result "each has an answer" $?
while read -r line; do
    echo "$line" >"$tmp/out"
    json "" >"$tmp/value"
    result "each is JSON" $?
done <"$tmp/all"

# answer NUMBER: that of a command, for json
answer()
{
    grep -v '"event"' "$tmp/all" | sed -n "$(($1 + 1))p" >"$tmp/out"
}
answer 0
[ "$(json plan.width)" = 640 ]
first=$(json buffers.0.memory.0.inode)
result "alloc --json: the collection" $?
answer 1
[ "$(json command)" = status ] && [ "$(json status.state)" = ready ]
result "status" $?
answer 2
[ "$(json command)" = plan ] && [ "$(json plan.width)" = 640 ]
result "plan" $?
answer 3
[ "$(json command)" = tokens ] && [ "$(json "tokens.#")" = 1 ]
result "tokens" $?
answer 4
[ "$(json command)" = renegotiate ] && [ "$(json generation)" = 2 ] &&
    [ "$(json plan.width)" = 320 ] && [ "$(json buffers.0.memory.0.inode)" != "$first" ]
result "renegotiate" $?
answer 5
[ "$(json command)" = report ] && [ "$(json error)" = NotPermitted ] &&
    [ "$(json refusals.0.participant)" = b ]
result "an error of the daemon" $?
answer 6
[ "$(json error)" = Usage ] && ! grep -q '"command"' "$tmp/out"
result "no command" $?
answer 7
[ "$(json command)" = tokens ] && [ "$(json error)" = Usage ]
result "a wrong word" $?
answer 8
[ "$(json command)" = renegotiate ] && [ "$(json error)" = Conflict ] &&
    [ "$(json refusals.0.key)" = stride-max ]
result "a conflict" $?
answer 9
[ "$(json command)" = hand-over ]
result "hand-over" $?
answer 10
[ "$(json command)" = release ]
result "release" $?

exits 2 "--commands beside a program" alloc --commands --size 64x64 cpu -- true
says "says why" err "stdin is for the one or the other"
exits 2 "--commands beside a file on stdin" join --commands 0123456789abcdef --request -
says "says why" err "stdin cannot be a file as well"
stop_daemon

echo "1..$number"
exit $failed
