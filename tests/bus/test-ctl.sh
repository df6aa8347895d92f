#!/bin/sh
# SPDX-License-Identifier: MIT
#
# dmabrokerctl against a daemon of its own, on a machine that may have neither devices nor heaps.
# Writes TAP.
#
#   BUILD=DIR test-ctl.sh
#   test-ctl.sh DMABROKERCTL DMABROKERD JSON-GET DMABROKERD-MADE-UP-HEAPS

set -u
build=${BUILD:-build}
ctl=${1:-$build/ctl/dmabrokerctl}
daemon=${2:-$build/daemon/dmabrokerd}
json_get=${3:-$build/tests/json-get}
made_up=${4:-$build/tests/bus/dmabrokerd-made-up-heaps}
source=$(dirname "$0")/../..
# shellcheck source=tests/bus/ctl.sh
. "$(dirname "$0")/ctl.sh"

# complains DESCRIPTION PATTERN ARGUMENT...: wrong usage; one line on stderr says so, stdout is empty
complains()
{
    description=$1 pattern=$2
    shift 2
    run 2 "$@" && [ ! -s "$tmp/out" ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] &&
        grep -q "^dmabrokerctl: .*$pattern" "$tmp/err"
    result "$description" $?
}

# ---- without a daemon

: >"$tmp/out"
: >"$tmp/err"
nowhere=unix:path=$tmp/nobody
for verb in devices heaps machine dump collections; do
    exits 3 "$verb: 3 without a daemon" "$verb" --address "$nowhere"
    says "$verb: says that nobody answers" err "no daemon answers"
done
for verb in plan alloc; do
    exits 3 "$verb: 3 without a daemon" "$verb" --address "$nowhere" --size 64x64 cpu
done
exits 3 "join: 3 without a daemon" join --address "$nowhere" 0123456789abcdef cpu
exits 0 "--help needs no daemon" --help
exits 0 "--version needs no daemon" --version

complains "no verb" "no verb"
complains "a verb that is none" "no verb 'frobnicate'" frobnicate
complains "an option that is none" "unknown option '--frobnicate'" devices --frobnicate
complains "a letter that is none" "unknown option '-x'" heaps -x
complains "an argument too many" "takes no arguments" heaps cpu
complains "a wrong word for --json" "short or pretty" heaps --json=tall
complains "an option without its value" "needs a value" plan --size
complains "an option with a value it has not" "takes no value" heaps --no-legend=1
complains "an address that is none" "is no address" heaps --address frobnicate
complains "no participants" "no participants" plan --size 64x64
complains "no size" "add --size" plan cpu
complains "a wrong size" "WIDTHxHEIGHT" plan --size 64 cpu
complains "a size out of range" "width: '99999' is wrong: right is a whole number from 1 to 32768" plan --size 99999x64 cpu
complains "a size of zero" "height: '0' is wrong: right is a whole number from 1 to" plan --size 64x0 cpu
complains "a count out of range" "'1000' is wrong: right is a whole number from 1 to 64 (buffers)" plan --size 64x64 --count 1000 cpu
complains "a wrong format" "right is XR24" plan --size 64x64 --format frobnicate cpu
complains "a key that is none" "no such key" plan --size 64x64 --set frobnicate=1 cpu
complains "a number that is none" "a whole number" plan --size 64x64 --set linger-ms=soon cpu
complains "a pair that is none" "KEY=VALUE" plan --size 64x64 --set linger-ms cpu
complains "a name too long" "is wrong: right is a string of 1 to 24 bytes" plan --size 64x64 --name "$(printf %070d 0)" cpu
complains "a participant's key that is none" "no such key" plan --size 64x64 cpu,frobnicate=1
complains "a participant's word that is none" "cpu-access: 'x' is wrong" plan --size 64x64 cpu,cpu-access=x
complains "a truth value that is none" "yes or no" plan --size 64x64 cpu,contiguous=perhaps
complains "two participants of one name" "two participants" plan --size 64x64 a=cpu a=cpu
complains "a participant without name" "1 to 255" plan --size 64x64 =cpu
complains "a device with the role cpu" "no device has the role cpu" plan --size 64x64 video0:cpu
complains "no command after two dashes" "no command" alloc --size 64x64 cpu --
complains "no tokens" "from 1 to 16" alloc --size 64x64 --tokens 0 cpu
complains "too many tokens" "from 1 to 16" alloc --size 64x64 --tokens 17 cpu
complains "tokens that are none" "from 1 to 16" alloc --size 64x64 --tokens some cpu
complains "tokens without a size" "add --size" alloc --tokens 1
complains "a join without token" "no token" join
complains "a join without a token on stdin" "no token on stdin" join - cpu
complains "a join with a size" "unknown option '--size'" join --size 64x64 abc cpu
complains "a collection too many" "one collection only" collections 1 2
complains "a list of objects that is none" "a list of 1 to 8 objects" plan --size 64x64 cpu,alternatives=1
complains "a list of objects that is no JSON" "a list of 1 to 8 objects" plan --size 64x64 'cpu,alternatives=[{]'
complains "a list of objects with more behind it" "a list of 1 to 8 objects" plan --size 64x64 'cpu,alternatives=[] x'
complains "an object's key that is none" "alternatives\[1\]: frob: there is no such key" plan --size 64x64 'cpu,alternatives=[{"camping":2},{"frob":1}]'
complains "an object's value that is none" "alternatives\[0\]: alternatives\[0\]: camping: 99 is wrong" plan --size 64x64 'cpu,slack=1,alternatives={"slack":1,"alternatives":[{"camping":99}]}'
complains "too many objects" "alternatives\[8\]: one too many" plan --size 64x64 'cpu,alternatives=[{},{},{},{},{},{},{},{},{}]'
complains "a wildcard that is no modifier" "right is XR24" plan --size 64x64 --format 'NV12:**' cpu
complains "a request beside arguments" "stands alone" plan --request - --size 64x64 cpu
complains "a request that is not there" "No such file" plan --request "$tmp/nobody"

# wrong_request DESCRIPTION PATTERN JSON
wrong_request()
{
    printf '%s' "$3" >"$tmp/request.json"
    complains "request: $1" "$2" plan --request "$tmp/request.json"
}
wrong_request "empty" "not one whole JSON object" ''
wrong_request "cut off" "not one whole JSON object" '{"width": 64'
wrong_request "a list" "not one whole JSON object" '[]'
wrong_request "more than one object" "not one whole JSON object" '{} {}'
wrong_request "no JSON" "no JSON" '{width: 64}'
wrong_request "negative number" "width: -1 is wrong: right is a whole number" '{"width": -1}'
wrong_request "number as string" 'width: "64" is wrong: right is a whole number' '{"width": "64"}'
wrong_request "number out of range" "width: 99999 is wrong: right is a whole number from 1 to 32768" '{"width": 99999}'
wrong_request "key that is none" "frobnicate: there is no such key" '{"frobnicate": 1}'
wrong_request "wrong format" "formats\[0\]:" '{"formats": [{"format": "XR24", "modifiers": "0x0"}]}'
wrong_request "participants are no list" "participants: right is a list" '{"participants": {}}'
wrong_request "role that is none" "right is capture" '{"participants": [{"role": "actor"}]}'

# ---- a broker in the tool itself, on this machine, whatever it has

inside=in-process:quirks=$source/data/quirks
for verb in devices heaps machine dump collections; do
    exits 0 "in-process: $verb" "$verb" --address "$inside"
done
run 0 machine --json --address "$inside"
[ "$(json architecture.value)" = "$(uname -m)" ]
result "in-process: it is this machine" $?
DMABROKER_ADDRESS=$inside
export DMABROKER_ADDRESS
exits 0 "in-process: by the environment" heaps
unset DMABROKER_ADDRESS
run 2 plan --address "$inside" --size 64x64 nobody:capture && grep -q "no device 'nobody'" "$tmp/err"
result "in-process: a device that is none" $?
for address in in-process: in-process:trials=perhaps in-process:frobnicate=1 in-processes; do
    complains "in-process: $address is no address" "is no address: right is .*'in-process'" heaps --address "$address"
done
unset address
exits 1 "in-process: tokens need a daemon" alloc --address "$inside" --tokens 1 --size 64x64 cpu
says "in-process: alloc says so" err "a daemon, which other processes can ask"
exits 1 "in-process: join needs a daemon" join --address "$inside" 0123456789abcdef0123456789abcdef cpu
says "in-process: join says so" err "a daemon, which other processes can ask"

# ---- quirk files, which need no daemon

mkdir "$tmp/quirks" "$tmp/good" "$tmp/empty"
cat >"$tmp/good/a.quirks" <<'END'
[one]
match-kind=drm
match-driver=vkms
imports=yes
source=measured
[two]
match-kind=heap
match-heap=system
cached=yes
source=measured
END
cat "$tmp/good/a.quirks" - >"$tmp/quirks/a.quirks" <<'END'
[bad]
match-kind=drm
match-driver=vkms
colour=red
END
exits 0 "quirks validate: 0 where all is fine" quirks validate "$tmp/good"
says "quirks validate: says how much is fine" out "^2 sections are fine, 0 problems$"
exits 0 "quirks validate --no-legend" quirks --no-legend validate "$tmp/good"
[ ! -s "$tmp/out" ]
result "quirks validate --no-legend: says nothing" $?
exits 1 "quirks validate: 1 where something is wrong" quirks validate "$tmp/good" "$tmp/quirks/a.quirks"
says "quirks validate: names file and line" out "^$tmp/quirks/a.quirks:14: colour: there is no such key$"
says "quirks validate: names what a section lacks" out "a.quirks:11: \\[bad\\] has no source$"
says "quirks validate: counts the others" out "^4 sections are fine, 3 problems$"
exits 1 "quirks validate --json" quirks validate --json "$tmp/quirks"
[ "$(json sections)" = 2 ] && [ "$(json "problems.#")" = 3 ] && [ "$(json problems.0.line)" = 14 ]
result "quirks validate --json: says the same" $?
exits 1 "quirks validate: a file that is not there" quirks validate "$tmp/nobody"
says "quirks validate: says so" out "^$tmp/nobody: No such file"
exits 0 "quirks validate: the shipped ones" quirks validate "$source/data/quirks"
says "quirks validate: they are many" out "^[0-9][0-9][0-9] sections are fine, 0 problems$"
exits 0 "quirks list" quirks list "$tmp/good"
says "quirks list: the file" out "^a.quirks$"
says "quirks list: the section" out "^  one  *drm vkms  *imports=yes  *measured$"
exits 0 "quirks list: fits" quirks list "$source/data/quirks"
! grep -q '.\{81,\}' "$tmp/out"
result "quirks list: 80 columns" $?
exits 0 "quirks list --json" quirks list --json "$tmp/good"
[ "$(json "#")" = 2 ] && [ "$(json 1.section)" = two ] && [ "$(json 1.facts)" = cached=yes ]
result "quirks list --json: has the sections" $?
exits 1 "quirks list: what is wrong goes to stderr" quirks list "$tmp/quirks"
says "quirks list: and is named" err "a.quirks:14: colour"
exits 0 "quirks list: nothing" quirks list "$tmp/empty"
says "quirks list: says that there is nothing" err "^dmabrokerctl: no quirks"
complains "quirks without a word" "add 'validate' or 'list'" quirks
complains "quirks with a wrong word" "right is validate or list" quirks frobnicate

# ---- every verb with every option of every verb

start_daemon "$daemon" --quirks "$tmp/good" --quirks "$tmp/quirks" --quirks "$tmp/nobody"
address=unix:path=$tmp/bus
[ "$(grep -c "a.quirks:14: colour: there is no such key" "$tmp/daemon.log")" -eq 1 ]
result "the daemon says once what is wrong with a quirk file, and starts" $?

# sweep VERB STATUS ARGUMENT...
sweep()
{
    verb=$1 expected=$2
    shift 2
    for option in --no-legend --no-color --json --json=short --json=pretty; do
        exits "$expected" "$verb $option" "$verb" --address "$address" "$option" "$@"
        exits "$expected" "$option $verb" "$option" --address="$address" "$verb" "$@"
        case $option in
        --json*)
            json "" >"$tmp/value"
            result "$verb $option: is JSON" $?
            ;;
        esac
        case $option in
        --json=short)
            [ "$(wc -l <"$tmp/out")" -eq 1 ]
            result "$verb $option: is one line" $?
            ;;
        esac
    done
    exits 0 "$verb --help" "$verb" --help
    says "$verb --help: says how to call it" out "^dmabrokerctl $verb "
    exits 0 "$verb --version" "$verb" --version
    says "$verb --version: says the version" out "^dmabrokerctl [0-9]"
}
sweep devices 0
sweep heaps 0
sweep machine 0
sweep dump 0
sweep collections 0
sweep join 1 0123456789abcdef0123456789abcdef cpu

DMABROKER_ADDRESS=$address
export DMABROKER_ADDRESS
exits 0 "DMABROKER_ADDRESS is the address" heaps
unset DMABROKER_ADDRESS

# ---- looking

exits 0 "heaps --json" heaps --address "$address" --json
heaps=$(json "#")
result "heaps --json is a list" $?
exits 0 "heaps" heaps --address "$address"
if [ "$heaps" -eq 0 ]; then
    says "heaps: says that there are none" err "^dmabrokerctl: no heaps: .*/dev/dma_heap"
    [ ! -s "$tmp/out" ]
    result "heaps: stdout is empty without heaps" $?
else
    says "heaps: has a legend" out "^HEAP .*MEMORY"
    exits 0 "heaps --no-legend" heaps --address "$address" --no-legend
    [ "$(wc -l <"$tmp/out")" -ge "$heaps" ] && ! grep -q "^HEAP " "$tmp/out"
    result "heaps --no-legend: has none" $?
    exits 0 "heaps --json again" heaps --address "$address" --json
    [ "$(json 0.id.value)" ] && [ "$(json 0.id.origin)" ]
    result "heaps --json: values have an origin" $?
fi

exits 0 "devices --json" devices --address "$address" --json
devices=$(json "#")
result "devices --json is a list" $?
first_node=$(json 0.node.value)
exits 0 "devices --verbose" devices --address "$address" --verbose
if [ "$devices" -eq 0 ]; then
    says "devices: says that there are none" err "^dmabrokerctl: no devices"
else
    says "devices: shows the node" out "^${first_node:-/dev/}"
fi

complains "a device that is none" "no device 'frobnicate'" \
    plan --address "$address" --size 64x64 x=frobnicate:capture cpu
complains "a node that is none" "no device '/dev/frobnicate'" \
    plan --address "$address" --size 64x64 /dev/frobnicate
complains "an id that is none, with colons" "no device 'v4l2:platform/none:0'" \
    plan --address "$address" --size 64x64 v4l2:platform/none:0:capture
printf '{"width": 64, "height": 64, "participants": [{"name": "x", "device": "frobnicate"}]}' \
    >"$tmp/request.json"
exits 2 "a device that is none, in a request" plan --address "$address" --json \
    --request "$tmp/request.json"
[ "$(json error)" = UnknownDevice ]
result "the daemon says UnknownDevice" $?

# ---- planning and allocating for the CPU alone

cat >"$tmp/request.json" <<'END'
{
  "width": 640, "height": 480,
  "formats": [{"format": "XR24", "modifier": "0x0"}],
  "participants": [{"name": "reader", "role": "cpu", "cpu-access": "rare", "camping": 2}]
}
END

if [ "$heaps" -eq 0 ]; then
    sweep plan 1 --size 64x64 --format XR24 cpu
    sweep alloc 1 --size 64x64 --format XR24 cpu
    exits 1 "a plan without heaps is a conflict" plan --address "$address" --size 64x64 \
        --format XR24 cpu
    says "the text names the constraint" out "request  *heaps  *a heap to allocate from"
    exits 1 "the same as JSON" plan --address "$address" --json --size 64x64 --format XR24 cpu
    [ "$(json error)" = Conflict ]
    result "the error is Conflict" $?
    [ "$(json refusals.0.constraint)" = heaps ]
    result "a refusal names the constraint heaps" $?
    exits 1 "the same as a file" plan --address "$address" --json --request "$tmp/request.json"
    exits 1 "a command is not run then" alloc --address "$address" --size 64x64 --format XR24 cpu \
        -- touch "$tmp/ran"
    [ ! -e "$tmp/ran" ]
    result "it was not run" $?
else
    sweep plan 0 --size 64x64 --format XR24 cpu
    exits 0 "a plan from a file" plan --address "$address" --json --request "$tmp/request.json"
    [ "$(json format)" = XR24 ] && [ "$(json width)" = 640 ] &&
        [ "$(json participants.0.name)" = reader ]
    result "says what the file asked for" $?
    "$ctl" plan --address "$address" --json --request - <"$tmp/request.json" \
        >"$tmp/out" 2>"$tmp/err"
    [ "$(json format)" = XR24 ]
    result "a plan from stdin" $?
    exits 0 "a plan as text" plan --address "$address" --size 64x64 --format XR24 cpu
    says "the text has the planes" out "PLANE .*STRIDE"
    says "the text has the participants" out "^cpu "
    for option in --no-legend --no-color --json --json=short --json=pretty; do
        exits 0 "alloc $option" alloc --address "$address" "$option" --size 64x64 \
            --format XR24 cpu -- true
        exits 0 "$option alloc" "$option" --address "$address" alloc --size 64x64 \
            --format XR24 cpu -- true
    done
    cat >"$tmp/child.sh" <<'END'
for fd in $DMABROKER_FDS; do
    readlink "/proc/self/fd/$fd"
done
echo "$DMABROKER_PLAN" >"$1"
exit 7
END
    exits 7 "a command's exit status is alloc's" alloc --address "$address" --size 64x64 \
        --format XR24 --count 2 cpu -- sh "$tmp/child.sh" "$tmp/plan"
    [ "$(grep -c dmabuf "$tmp/out")" -eq 2 ]
    result "it inherits the buffers" $?
    [ "$("$json_get" "$tmp/plan" count)" = 2 ]
    result "it inherits the plan" $?
    exits 127 "a command that is none" alloc --address "$address" --size 64x64 --format XR24 cpu \
        -- "$tmp/nobody"
    printf '#!/bin/sh\nkill -TERM $$\n' >"$tmp/kill-me"
    chmod +x "$tmp/kill-me"
    exits 143 "a command that a signal ends" alloc --address "$address" --size 64x64 --format XR24 \
        cpu -- "$tmp/kill-me"

    "$ctl" alloc --address "$address" --json=short --size 64x64 --format XR24 --count 2 cpu \
        >"$tmp/out" 2>"$tmp/err" &
    alloc_pid=$!
    for _ in $(seq 100); do
        if [ -s "$tmp/out" ]; then break; fi
        sleep 0.1
    done
    [ "$(json "buffers.#")" = 2 ] && [ "$(json buffers.0.memory.0.inode)" ] && [ "$(json path)" ]
    result "alloc --json shows the collection" $?
    kill -0 "$alloc_pid"
    result "alloc holds the buffers" $?
    kill -TERM "$alloc_pid"
    wait "$alloc_pid"
    result "alloc ends with 0 when it is told to" $?
fi

exits 1 "a token that is none" join --address "$address" --json 0123456789abcdef cpu
[ "$(json error)" = Gone ]
result "the daemon says Gone" $?
exits 0 "collections: none" collections --address "$address"
says "collections: says that there are none" err "^dmabrokerctl: no collections"
complains "a collection that is none" "no collection '7'" collections --address "$address" 7

stop_daemon

# ---- several processes, on a machine that is made up

mkfifo "$tmp/fifo"
DMABROKER_TEST_FIFO=$tmp/fifo
export DMABROKER_TEST_FIFO
start_daemon "$made_up"

# token NUMBER: of the first process
token()
{
    sed -n "$1p" "$tmp/first.out"
}

background first alloc --tokens 3 --size 640x480 --format XR24 --name film a=cpu,camping=2
first=$!
until_says first.err "waiting until"
result "alloc --tokens says that it waits" $?
[ "$(grep -c '^[0-9a-f]\{32\}$' "$tmp/first.out")" -eq 3 ] && [ "$(wc -l <"$tmp/first.out")" -eq 3 ]
result "it prints the tokens at once, one a line" $?
[ "$(sort -u "$tmp/first.out" | wc -l)" -eq 3 ]
result "each is another" $?
exits 0 "collections" collections --address "$address"
says "collections: who waits" out "^ *1  film  waiting  *0  -  .*  1/4$"
says "collections: for whom" out "^1 waits for member 1: "
background second join "$(token 1)" b=cpu
second=$!
until_says second.err "holding\|still missing"
result "join says who is missing" $?
token 2 >"$tmp/token"
"$ctl" join --json=short --address "$address" - <"$tmp/token" >"$tmp/third.out" \
    2>"$tmp/third.err" &
third=$!
exits 1 "a token serves once" join --address "$address" "$(token 1)" c=cpu
background fourth join "$(token 3)" c=cpu,slack=1
fourth=$!
for who in first second third fourth; do
    until_says $who.err "holding the buffers"
    result "$who: holds the buffers" $?
done
inodes=$(sed -n 's/.* 640x480  *[0-9]*  //p' "$tmp/first.out")
[ "$(echo "$inodes" | wc -w)" -eq 5 ]
result "there are as many as all want together" $?
[ "$inodes" = "$(sed -n 's/.* 640x480  *[0-9]*  //p' "$tmp/second.out")" ]
result "all have the same" $?
[ "$("$json_get" "$tmp/third.out" plan.format)" = XR24 ] &&
    [ "$("$json_get" "$tmp/third.out" "buffers.#")" = 0 ]
result "who observes has the plan and no buffers" $?
exits 0 "collections: a live one" collections --address "$address"
says "collections: shows it" out "^ *1  film  ready  *1  640x480 XR24  [a-z]*  *5  *5.8M  .*  4/4$"
! grep -q '.\{81,\}' "$tmp/out"
result "collections: 80 columns" $?
for name in 1 film /org/dmabroker1/collection/1; do
    exits 0 "collections $name" collections --address "$address" "$name"
    says "collections $name: its members" out "^ *3  spoken  *[0-9]*  c"
done
exits 0 "collections --json" collections --address "$address" --json
[ "$(json "#")" = 1 ] && [ "$(json 0.number)" = 1 ] && [ "$(json 0.members.1.participants.0)" = b ]
result "collections --json: has the members" $?
exits 0 "collections 1 --json" collections --address "$address" --json 1
[ "$(json state)" = ready ]
result "collections 1 --json: is an object" $?
kill -TERM "$first"
ends "$first" 0 "the initiator leaves"
kill -0 "$second" && kill -0 "$fourth"
result "the others keep the buffers" $?
kill -TERM "$third"
ends "$third" 0 "who observes leaves"
kill -KILL "$fourth"
ends "$fourth" 137 "one is killed"
until_says second.out "^ended: Gone: "
result "the one that is left hears of it" $?
ends "$second" 1 "and ends with 1"
exits 0 "collections: none is left" collections --address "$address" --json
[ "$(json "#")" = 0 ]
result "none is left" $?

background first alloc --tokens 1 --size 640x480 --format XR24 --json a=cpu
first=$!
until_says first.out tokens
token=$("$json_get" "$tmp/first.out" tokens.0)
cat >"$tmp/child.sh" <<'END'
echo "$DMABROKER_FDS" >"$1"
exit 7
END
exits 7 "join runs a command with the buffers" join --address "$address" "$token" b=cpu -- \
    sh "$tmp/child.sh" "$tmp/fds"
[ "$(wc -w <"$tmp/fds")" -eq 2 ]
result "it has them all" $?
[ ! -s "$tmp/out" ]
result "nothing else is printed" $?
kill -TERM "$first"
ends "$first" 0 "the other leaves"

background first alloc --tokens 1 --size 640x480 --format XR24 a=cpu
first=$!
until_says first.err "waiting until"
exits 1 "one who cannot fit" join --address "$address" "$(token 1)" b=cpu,stride-max=100
says "is told why" err "stride"
ends "$first" 1 "and so is the other"
grep -q "stride-max 100 -> 2560" "$tmp/first.err"
result "with what would do instead" $?

background first alloc --tokens 1 --size 640x480 --set deadline-ms=300 a=cpu
ends $! 1 "who waits in vain gives up"
grep -q "member 1" "$tmp/first.err"
result "and says who was missing" $?
background first alloc --tokens 1 --size 640x480 a=cpu
first=$!
until_says first.err "waiting until"
kill -INT "$first"
ends "$first" 1 "who waits can be interrupted"

exits 0 "what if" plan --address "$address" --size 640x480 --format XR24 --what-if a.camping=3 a=cpu b=cpu
says "what if: compares" out "^buffers  *2  *4  *\*$"
exits 1 "what if it could not be" plan --address "$address" --size 640x480 --format XR24 \
    --what-if a.stride-max=100 a=cpu
says "what if: says so" out "there is no plan any more"
exits 0 "what if it could" plan --address "$address" --json --size 640x480 --format XR24 \
    --what-if a.stride-max= --what-if formats=NV12,XR24 a=cpu,stride-max=100
[ "$(json as-is.error)" = Conflict ] && [ "$(json what-if.format)" = NV12 ]
result "what if: both as JSON" $?
complains "a what-if that is none" "right is NAME.KEY=VALUE" plan --address "$address" --size 64x64 --what-if a.camping a=cpu
complains "a what-if of nobody" "no participant 'b'" plan --address "$address" --size 64x64 --what-if b.camping=3 a=cpu
complains "a what-if of a key that is none" "no such key" plan --address "$address" --size 64x64 --what-if a.frob=3 a=cpu
stop_daemon

echo "1..$number"
exit $failed
