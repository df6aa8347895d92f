#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Replays requests on machine files, without daemon, device or root: MACHINE.json with each
# MACHINE.CASE.request.json must give MACHINE.CASE.answer.txt, which has the exit status, what
# `dmabrokerctl plan` prints, and what it complains of; MACHINE.CASE.options has further options of
# it, one a line. Each machine file is valid by the schema,
# and so is what dump makes of it, which gives the same answers. Writes TAP.
#
#   replay.sh DMABROKERCTL SOURCE           checks
#   replay.sh DMABROKERCTL SOURCE --write   writes the answers: look at the difference, then commit

set -u
ctl=$1 source=$2
machines=$source/tests/machines
. "$source/tests/machines/tap.sh"

# answer MACHINE REQUEST: as it is written down
answer()
{
    request=$2
    set -- plan --machine "$1"
    if [ -e "${request%.request.json}.options" ]; then
        while read -r option; do set -- "$@" "$option"; done <"${request%.request.json}.options"
    fi
    timeout 60 "$ctl" "$@" "$request" >"$tmp/out" 2>"$tmp/err"
    echo "exit $?"
    cat "$tmp/out" "$tmp/err"
}

# shellcheck disable=SC2317 # called through check
is_valid()
{
    python3 "$source/tests/tools/schema-check.py" "$source/docs/machine.schema.json" "$1"
}

# shellcheck disable=SC2317 # called through check
is_private()
{
    # what is in a dump already is there again
    "$ctl" dump --machine "$1" "$tmp/again" && diff -u "$1" "$tmp/again"
}

cases_of()
{
    find "$machines" -name "$1.*.request.json" | sort
}

for machine in "$machines"/*.json; do
    name=$(basename "$machine" .json)
    case $name in *.request) continue ;; esac
    if [ "${3-}" != --write ]; then
        check "$name: the file is valid" is_valid "$machine"
        check "$name: is dumped" "$ctl" dump --machine "$machine" "$tmp/dump.json"
        check "$name: the dump is valid" is_valid "$tmp/dump.json"
        check "$name: the dump of the dump is the same" is_private "$tmp/dump.json"
    fi
    for request in $(cases_of "$name"); do
        expected=${request%.request.json}.answer.txt
        text=$(basename "${request%.request.json}")
        if [ "${3-}" = --write ]; then
            answer "$machine" "$request" >"$expected"
            continue
        fi
        answer "$machine" "$request" >"$tmp/answer"
        check "$text: the answer" diff -u "$expected" "$tmp/answer"
        # names that a dump has replaced cannot be asked for by id; by node they can
        case $(cat "$request") in
        *'"drm:'* | *'"v4l2:'*) continue ;;
        esac
        answer "$tmp/dump.json" "$request" >"$tmp/answer"
        check "$text: the dump plans alike" \
            test "$(head -n 2 "$expected")" = "$(head -n 2 "$tmp/answer")"
    done
done

[ "${3-}" = --write ] && exit 0

# ---- what a person sees

# shellcheck disable=SC2317 # called through check
fits()
{
    "$ctl" "$@" >"$tmp/out" && [ -s "$tmp/out" ] && ! grep -n '.\{81,\}' "$tmp/out"
}

# shows TEXT PATTERN: in what was shown last
shows()
{
    check "$1" grep -qE -- "$2" "$tmp/out"
}

for machine in "$machines"/*.json; do
    name=$(basename "$machine" .json)
    case $name in *.request) continue ;; esac
    for verb in devices heaps machine; do
        check "$name: $verb fits 80 columns" fits "$verb" --machine "$machine"
        check "$name: $verb --verbose fits 80 columns" fits "$verb" --verbose --machine "$machine"
    done
done

"$ctl" devices --machine "$machines/rockchip.json" >"$tmp/out"
shows "devices: the heading" '^/dev/video2  rockchip-rga \(rockchip-rga\)$'
shows "devices: coherency, reach and IOMMU with origins" \
    '^    DMA         non-coherent \[kernel\], reaches 32 bits \(4G\) \[kernel\], no IOMMU'
shows "devices: memory model and contiguity with origins" \
    '^    output      dma-sg \[measured\], takes scattered memory \[measured\]'
shows "devices: formats and strides" '2 formats, strides are multiples of 16 \[measured\]'
shows "devices: what was tried" 'tried out: memory-model, contiguity, strides$'
COLUMNS=200 "$ctl" devices --machine "$machines/raspberry-pi.json" >"$tmp/out"
shows "devices: the reach of a bus" 'its bus up to 1G \[kernel\]'
shows "devices: nothing tried" '^ +nothing tried out$'
"$ctl" heaps --machine "$machines/raspberry-pi.json" >"$tmp/out"
shows "heaps: where the memory ends" '^linux,cma +contiguous +yes +512M +- +512M +1G$'
"$ctl" devices --verbose --machine "$machines/rockchip.json" >"$tmp/out"
shows "verbose: the machine first" '^aarch64, Linux 6.12.117$'
shows "verbose: how, in the probe's words" \
    '^    coherency         non-coherent \[kernel\] device tree: no dma-coherent from'
shows "verbose: how, in the origin's words" \
    '^    address-bits      32 \[assumed\] nobody knows; this is the safe side$'
shows "verbose: formats that are alike are one" '^        XR24, AR24, NV12$'
"$ctl" machine --verbose --machine "$machines/rockchip.json" >"$tmp/out"
shows "machine: in short" '^    out of reach      copied through bounce buffers \[declared\]$'
shows "machine: at length" '^    default-coherency non-coherent \[declared\] arm64: what the device'

sed 's/"contiguity": {"value": "used"/"contiguity": {"value": "none"/' "$machines/pc.json" >"$tmp/scattered.json"
"$ctl" plan --machine "$tmp/scattered.json" --size 160x120 /dev/video2 >"$tmp/out" 2>&1
shows "plan: a fact of a device that the request can allow for" \
    '^  any one of these would do:$'
shows "plan: what it allows is the request's" '^    request: allow-bounce: yes$'
check "plan: no other device is needed" test "$(grep -c otherwise "$tmp/out")" -eq 0

# better TEXT PATTERN OPTION...: which rule decided against the next best plan
better()
{
    text=$1 pattern=$2
    shift 2
    "$ctl" plan --machine "$machines/raspberry-pi.json" --size 640x480 "$@" >"$tmp/out"
    shows "plan: $text" "^  better than $pattern\$"
}
better "why a format" 'NV12:0x0 in system: a format that comes earlier in the lists' \
    --format XR24 --format NV12 --heap system r=cpu
better "why more buffers" 'XR24:0x0 in linux,cma: more of the buffers that are wanted' \
    --format XR24 --set width=6000 --set height=6000 a=cpu,slack=20

# names are other people's: they do nothing to the terminal, in JSON neither
control=$(printf '[\001-\037\177]\\|\302[\200-\237]')
# shellcheck disable=SC2317 # called through check
is_harmless()
{
    [ -s "$1" ] && ! tr -d '\n' <"$1" | LC_ALL=C grep -a "$control"
}
for option in --json=short --json=pretty; do
    "$ctl" plan "$option" --machine "$machines/pc.json" "$machines/pc.forged.request.json" \
        >"$tmp/out"
    check "plan $option: no control characters" is_harmless "$tmp/out"
done
"$ctl" plan --json --machine "$machines/pc.json" "$machines/pc.forged.request.json" >"$tmp/out"
shows "JSON: they are escaped" '"csi\\u009b2Jü".*"del\\u007f"'
sed 's/"frame grabber"/"frame\\u007f\\u009b\\ngrabber"/' "$machines/pc.json" >"$tmp/forged.json"
for verb in devices "devices --verbose" "devices --json" dump; do
    # shellcheck disable=SC2086 # words
    "$ctl" $verb --machine "$tmp/forged.json" >"$tmp/out"
    check "$verb: no control characters" is_harmless "$tmp/out"
done

# the examples of the documentation
for page in machine-file.md dmabrokerctl.1.scd; do
    awk '/^```/ { on = !on; next } on' "$source/docs/$page" |
        awk '/^{"machine-file"/ { on = 1 } on { print } /}\]}$/ { if (on) exit }' >"$tmp/example.json"
    check "$page: its example is valid" is_valid "$tmp/example.json"
    check "$page: its example plans" \
        "$ctl" plan --machine "$tmp/example.json" --size 640x480 camera cpu
done

check "there are machines and cases" test "$number" -gt 50
echo "1..$number"
exit $failed
