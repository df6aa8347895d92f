# shellcheck shell=sh disable=SC2086,SC2154 # words; what lib.sh sets
# SPDX-License-Identifier: MIT
#
# For the cases of examples/camera-encode-display. Sourced after lib.sh.

demo_frames=60
demo_width=640
demo_height=480
demo_root= # "chroot FOLDER": where the example and the tool run; empty: here

# demo_run CAMERA: runs the example with it, or ends the case. The broker is a daemon that is started for it.
demo_run()
{
    start_dmabrokerd --bus none --trial-program "$BUILD/broker/dmabroker-trial" || bail "dmabrokerd starts"
    demo_run_only "$1"
}

# demo_run_only CAMERA: the same with the broker that the example finds
demo_run_only()
{
    timeout 120 $demo_root "$BUILD/examples/camera-encode-display" --camera "$1" --frames $demo_frames --out "$OUT" \
        --size ${demo_width}x$demo_height --camera-frames "$tap_scratch/camera.raw" \
        >"$OUT/summary.txt" 2>"$OUT/errors.txt" || bail "the example succeeds" "$(cat "$OUT/summary.txt" "$OUT/errors.txt")"
    ok "the example succeeds"
    sed 's/^/# /' "$OUT/summary.txt"
    check "it uses $1" grep -q "^camera .*$1" "$OUT/summary.txt"
}

demo_node()
{
    awk -v what="$1" '$1 == what { print $2; exit }' "$OUT/summary.txt"
}

demo_plan_value()
{
    "$BUILD/tests/json-get" "$OUT/plan.json" "$1"
}

# demo_check_plan HEAP: asks for the example's plan again, as data
demo_check_plan()
{
    check "dmabrokerctl plans the same" $demo_root "$BUILD/ctl/dmabrokerctl" plan --json=pretty --size 640x480 --format XR24 \
        "camera=$(demo_node camera):capture,camping=2" "encoder=$(demo_node encoder):output,camping=1" \
        "display=$(demo_node display):scanout,camping=2" cpu=cpu,camping=0,cpu-access=rare
    cp "$tap_scratch/output" "$OUT/plan.json"
    check "the heap is $1" test "$(demo_plan_value heap)" = "$1"
    sed -n '/^buffers for/,/^a buffer for/p' "$OUT/summary.txt" >"$tap_scratch/plan"
    check "the example said so too" grep -qw "$1" "$tap_scratch/plan"
    buffers=$(demo_plan_value count)
    check "there are buffers for all" test "$buffers" -ge 4
}

# demo_reason_is DEVICE: a reason for the heap is a participant that is this device
demo_reason_is()
{
    reason=0
    while [ $reason -lt "$(demo_plan_value reasons.#)" ]; do
        if [ "$(demo_plan_value reasons.$reason.choice)" = heap ]; then
            demo_is_device "$(demo_plan_value reasons.$reason.participant)" "$1" && return
        fi
        reason=$((reason + 1))
    done
    return 1
}

# demo_is_device PARTICIPANT DEVICE
demo_is_device()
{
    view=0
    while [ $view -lt "$(demo_plan_value participants.#)" ]; do
        if [ "$(demo_plan_value participants.$view.name)" = "$1" ]; then
            case $(demo_plan_value participants.$view.device) in *"$2"*) return 0 ;; esac
        fi
        view=$((view + 1))
    done
    return 1
}

demo_check_results()
{
    check "every frame is taken, encoded and shown" \
        grep -qx "frames: $demo_frames taken, $demo_frames encoded, $demo_frames shown" "$OUT/summary.txt"
    check "all buffers are the same memory at camera, encoder, display" \
        test "$(grep -cE '^buffer [0-9]+: inode [1-9][0-9]* at camera, encoder, display$' "$OUT/summary.txt")" -eq "$buffers"
    check "no two buffers are the same memory" \
        test "$(awk '$1 == "buffer" { print $4 }' "$OUT/summary.txt" | sort -u | wc -l)" -eq "$buffers"
    check "the picture has many colours" demo_is_colourful "$OUT/camera.ppm"
    check "the display shows what the camera took" cmp "$OUT/camera.ppm" "$OUT/display.ppm"
    check "that is the last frame" demo_is_last_frame
    run_tap "$BUILD/tests/vm/fwht-check" "$OUT/stream.fwht" "$tap_scratch/camera.raw" $demo_width $demo_height
}

# demo_is_colourful FILE: of the right size, with at least 8 colours, none of them nearly everywhere
demo_is_colourful()
{
    ppmhist -noheader "$1" >"$tap_scratch/colours" || return 1
    awk -v pixels=$((demo_width * demo_height)) '{ sum += $5; if ($5 > max) max = $5 }
        END { print NR " colours, " sum " pixels"; exit !(NR >= 8 && sum == pixels && max < pixels / 2) }' "$tap_scratch/colours"
}

# The frames in memory are blue, green, red, nothing; the picture is red, green, blue.
demo_is_last_frame()
{
    tail -c $((demo_width * demo_height * 4)) "$tap_scratch/camera.raw" >"$tap_scratch/last.raw"
    tail -c $((demo_width * demo_height * 3)) "$OUT/camera.ppm" >"$tap_scratch/last.rgb"
    od -An -v -tu1 -w4 "$tap_scratch/last.raw" | awk '{ print $3, $2, $1 }' >"$tap_scratch/expected"
    od -An -v -tu1 -w3 "$tap_scratch/last.rgb" | awk '{ print $1, $2, $3 }' | cmp - "$tap_scratch/expected"
}
