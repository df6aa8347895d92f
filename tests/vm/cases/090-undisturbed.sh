# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
# rig: timeout=900
#
# Nobody is disturbed: while a camera streams and a compositor shows pictures, everything is measured
# with all trials, again and again; clients that start in that very moment get through.

. "$SRC/tests/vm/lib.sh"

dump=$BUILD/tests/vm/probe-dump
stream=$BUILD/tests/vm/stream
bystander=$BUILD/tests/vm/bystander
trial=$BUILD/broker/dmabroker-trial
display=/dev/dri/$(basename "$(ls -d /sys/devices/platform/vkms/drm/card*)")
times=${DMABROKER_PROBES:-4}

# camera NAME: its node
camera()
{
    for tap_node in /sys/class/video4linux/video*; do
        [ "$(cat "$tap_node/name")" != "$1" ] || echo "/dev/${tap_node##*/}"
    done
}

streaming_camera=$(camera vivid-000-vid-cap)
starting_camera=$(camera vivid-001-vid-cap)

# probe SECONDS-OR-TIMES...: in the background, everything with all trials
probe_all()
{
    probed=0
    while [ "$probed" -lt "$times" ]; do
        "$dump" -t "$trial" -q "$SRC/data/quirks" >/dev/null 2>"$OUT/probe.err" || return 1
        probed=$((probed + 1))
    done
}

# how often a client had to try at the hardest start
tries()
{
    sed -n 's/.* tries \([0-9]*\)$/\1/p' "$1"
}

# Everything is measured while a camera streams and a display has a master. An emulated machine stands still
# now and then, and its camera loses a frame by itself: only a clock that touches nothing can tell.
watch()
{
    "$bystander" clock - 100000 >"$OUT/clock" &
    clock=$!
    # a picture a second
    "$stream" "$streaming_camera" 100000 1 >"$OUT/stream" 2>&1 &
    streaming=$!
    "$bystander" master "$display" 100000 >"$OUT/master" 2>&1 &
    master=$!
    wait_for 20 grep -q streaming "$OUT/stream"
    wait_for 20 grep -q shows "$OUT/master"
    check "everything is measured $times times while a camera streams and a display has a master" probe_all
    check "it still streams" kill -0 $streaming
    check "the display still has its master" kill -0 $master
    sleep 2
    kill $streaming $master $clock
    wait $clock
    wait $master
    master_ended=$?
    wait $streaming
    stream_ended=$?
}

stood_still()
{
    test "$(sed -n 's/^longest pause \([0-9]*\) ms$/\1/p' "$OUT/clock")" -ge 300
}

check "everything can be measured" probe_all
for attempt in 1 2 3 4 5 6; do
    watch
    if [ $stream_ended = 0 ] || ! stood_still; then break; fi
    echo "# attempt $attempt: $(tail -n 1 "$OUT/stream"); the machine stood still: $(cat "$OUT/clock")"
done
check "no frame was lost" test $stream_ended = 0
check "no picture failed" test $master_ended = 0
echo "# $(tail -n 1 "$OUT/stream"); $(cat "$OUT/clock")"

# those that start while everything is measured
"$bystander" starter "$starting_camera" 30 >"$OUT/starter" 2>&1 &
starter=$!
"$bystander" compositor "$display" 100 >"$OUT/compositor" 2>&1 &
compositor=$!
check "everything is measured $times times while clients start and end" probe_all
if wait $starter; then ok "a camera starts each time"; else not_ok "a camera starts each time" "$(cat "$OUT/starter")"; fi
if wait $compositor; then
    ok "a compositor starts each time"
else
    not_ok "a compositor starts each time" "$(cat "$OUT/compositor")"
fi
check "the hardest start of a camera took at most 100 tries of 5 ms: $(tries "$OUT/starter")" \
    test "$(tries "$OUT/starter")" -le 100
check "the hardest start of a compositor took at most 20 tries of 5 ms: $(tries "$OUT/compositor")" \
    test "$(tries "$OUT/compositor")" -le 20
echo "# master: $(tail -n 1 "$OUT/master"); starter: $(cat "$OUT/starter"); compositor: $(cat "$OUT/compositor")"
