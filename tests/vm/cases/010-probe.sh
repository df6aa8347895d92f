# shellcheck shell=sh disable=SC1091,SC2119,SC2120,SC2154
# SPDX-License-Identifier: MIT
# rig: timeout=240
#
# broker/probe with real drivers: the facts it finds, and that it disturbs nobody by finding them.

. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/facts.sh"

v4l2=v4l2:platform/vivid.0:vivid
events=$OUT/events

# all that was known before, but for the free memory
nothing_has_changed()
{
    measure || return 1
    grep -v free-bytes "$facts" >"$facts.now"
    grep -v free-bytes "$facts.idle" | diff - "$facts.now"
}

# is_master CARD: some process is
is_master()
{
    grep -qE '^ *[^ ]+ +[0-9]+ +[0-9]+ +y ' "/sys/kernel/debug/dri/${1#/dev/dri/card}/clients"
}

# --- the facts ---

check "everything is measured" measure
fact machine kernel "$(uname -r)" kernel

# cameras: with the kernel's CPU, both; only the second is mapped for DMA
for id in $v4l2-000-vid-cap:0 $v4l2-001-vid-cap:0; do
    fact "$id" driver vivid kernel
    fact "$id" coherency coherent kernel
    fact "$id" iommu false kernel
    fact "$id" address-bits 32 quirk
    fact "$id" roles/capture/imports true kernel
    fact "$id" roles/capture/cpu-copies true quirk
    fact "$id" roles/capture/formats/NV12/modifier 0x0 kernel
    fact "$id" roles/capture/formats/NV12/v4l2-format NV12 kernel
    fact "$id" roles/capture/formats/NV12/sizes "320x180 640x360 640x480 1280x720 1920x1080 3840x2160" kernel
    fact "$id" roles/capture/formats/XR24/v4l2-format XR24 kernel
    fact "$id" roles/capture/formats/XR24/stride-align 1 measured
    fact "$id" roles/capture/formats/XR24/stride-custom true measured
    fact "$id" roles/capture/formats/XR24/stride-max 65536 measured
    fact "$id" roles/capture/formats/XR24/tail-bytes 0 measured
done
fact $v4l2-000-vid-cap:0 roles/capture/memory-model vmalloc measured
fact $v4l2-000-vid-cap:0 roles/capture/contiguity none measured
fact $v4l2-000-vid-cap:0 roles/capture/dma-maps false measured
fact $v4l2-001-vid-cap:0 roles/capture/memory-model dma-contig measured
fact $v4l2-001-vid-cap:0 roles/capture/contiguity used measured
fact $v4l2-001-vid-cap:0 roles/capture/dma-maps true measured
fact $v4l2-001-vid-out:1 roles/output/memory-model dma-contig measured
fact $v4l2-001-vid-out:1 roles/output/formats/XR24/width-min 16 measured
fact $v4l2-001-vid-out:1 roles/output/formats/XR24/width-max 16384 measured

# codec: pictures on one side, a stream on the other
id=v4l2:platform/vicodec.0:stateful-encoder:0
fact "$id" roles/output/memory-model vmalloc quirk
fact "$id" roles/output/imports true kernel
fact "$id" roles/output/formats/XR24/v4l2-format XR24 kernel
fact "$id" roles/output/formats/NV12/width-step 16 measured
fact "$id" roles/output/formats/NV12/stride-custom false measured
fact "$id" roles/capture/formats/FWHT/format FWHT kernel
no_fact "$id" roles/capture/formats/FWHT/modifier
no_fact "$id" roles/capture/formats/FWHT/stride-align

# display
id=drm:platform/vkms:card
for role in scanout writeback; do
    fact "$id" roles/$role/imports true measured
    fact "$id" roles/$role/memory-model gem-shmem quirk
    fact "$id" roles/$role/contiguity none quirk
    fact "$id" roles/$role/cpu-copies true quirk
    fact "$id" roles/$role/formats/XR24/width-max 8192 kernel
    fact "$id" roles/$role/formats/XR24/stride-align 4 measured
    fact "$id" roles/$role/formats/XR24/stride-custom true kernel
done
fact "$id" address-bits 64 quirk
fact "$id" roles/scanout/formats/XR24/modifier 0x0 kernel
fact drm:platform/vgem:render roles/render/imports true measured
no_fact drm:platform/vgem:render roles/render/formats/XR24/format

# what is no device of ours
check "a card without planes is no device" grep -q "^drm:platform/vgem:card${tab}error${tab}EOPNOTSUPP" "$facts"
check "metadata is no picture" grep -q "meta-cap:7${tab}error${tab}EOPNOTSUPP" "$facts"

# heaps
for id in system reserved; do
    fact "$id" node /dev/dma_heap/$id kernel
    fact "$id" exporter dma-heap kernel
    fact "$id" known true quirk
    fact "$id" cached true quirk
    fact "$id" zeroed true quirk
    fact "$id" maintenance attachments quirk
    fact "$id" address-bits 30 kernel
done
fact system contiguous false quirk
fact system capacity-bytes "$(awk '/^MemTotal:/ { printf "%d", $2 * 1024 }' /proc/meminfo)" kernel
fact reserved contiguous true quirk
fact reserved capacity-bytes 67108864 kernel
fact reserved buffer-bytes-max 67108864 kernel
fact udmabuf exporter udmabuf kernel
fact udmabuf contiguous false quirk
fact udmabuf maintenance exporter quirk
fact udmabuf buffer-bytes-max 67108864 kernel

# --- nobody is disturbed ---

first=$(node $v4l2-000-vid-cap:0)
second=$(node $v4l2-001-vid-cap:0)
display=$(node drm:platform/vkms:card)
check "a camera serves its user after it was measured" "$stream" "$second" 5

"$stream" "$first" 60 >"$OUT/stream" 2>&1 &
streaming=$!
check "a camera streams" wait_for 20 grep -q streaming "$OUT/stream"
cp "$facts" "$facts.idle"
check "it is measured again and again" measure -n 10 "$v4l2-000-vid-cap:0"
check "a trial of its queue leaves it alone" test "$("$trial" v4l2 "$first" 1)" = busy=1
check "it streams on meanwhile" kill -0 $streaming
no_fact $v4l2-000-vid-cap:0 roles/capture/memory-model
fact $v4l2-000-vid-cap:0 roles/capture/contiguity whole assumed
fact $v4l2-000-vid-cap:0 roles/capture/imports true kernel
fact $v4l2-000-vid-cap:0 roles/capture/formats/XR24/stride-align 1 measured
if wait $streaming; then
    ok "its user got every frame, and the format it had"
else
    not_ok "its user got every frame, and the format it had" "$(cat "$OUT/stream")"
fi

check "without trials the rest is found" measure_without_trials "$v4l2-001-vid-cap:0"
fact $v4l2-001-vid-cap:0 roles/capture/contiguity whole assumed
fact $v4l2-001-vid-cap:0 roles/capture/imports true kernel

check "all facts are the same at the end" nothing_has_changed

# a shell that opens a card becomes its master, as any first comer does
exec 9<>"$display"
check "a display has a master" is_master "$display"
check "it is measured" measure drm:platform/vkms:card
fact drm:platform/vkms:card roles/scanout/formats/XR24/modifier 0x0 kernel
check "its master is still master" is_master "$display"
exec 9>&-

# --- coming and going ---

m2m=v4l2:platform/vim2m.0:vim2m:0
driver=/sys/bus/platform/drivers/vim2m

# come_and_go SOURCE-OF-EVENTS
come_and_go()
{
    : >"$events"
    "$dump" -w 8 >"$events" &
    watching=$!
    wait_for 5 grep -q "^added${tab}udmabuf" "$events"
    echo vim2m.0 >$driver/unbind
    check "$1: a device goes" wait_for 5 grep -q "^removed$tab$m2m$tab" "$events"
    echo vim2m.0 >$driver/bind
    sleep 1
    check "$1: it comes again under the same id" \
        test "$(grep -c "^added$tab$m2m$tab" "$events")" = 2
    wait $watching
}

come_and_go kernel
check "udevd starts" start_udevd
come_and_go udevd
