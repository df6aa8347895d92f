#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What `dmabrokerctl explain` draws, on machine files: for each case the text must be that of
# CASE.answer.txt and the drawing that of CASE.dot; where there is Graphviz, the SVG is well-formed
# and shows each agent and what happens on each arrow once (tests/tools/svg-check.py). Writes TAP.
#
#   explain.sh DMABROKERCTL SOURCE yes|no             checks; built with Graphviz or not
#   explain.sh DMABROKERCTL SOURCE yes|no --write     writes the answers: look at the difference
#   explain.sh DMABROKERCTL SOURCE yes --draw DIR     writes the SVGs

set -u
ctl=$1 source=$2 graphviz=$3
machines=$source/tests/machines
cases=$machines/explain
. "$source/tests/machines/tap.sh"
# Graphviz, Pango and fontconfig keep what they have once made until the process ends
LSAN_OPTIONS=suppressions=$source/tests/tools/graphviz.supp:print_suppressions=0
export LSAN_OPTIONS

# run STATUS ARGUMENT...: true if dmabrokerctl exits with STATUS
# shellcheck disable=SC2317 # called through check
run()
{
    expected=$1
    shift
    timeout 60 "$ctl" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    status=$?
    [ "$status" -eq "$expected" ] && return
    echo "exit status $status instead of $expected"
    cat "$tmp/out" "$tmp/err"
    return 1
}

# shellcheck disable=SC2317 # called through check
fits()
{
    ! grep -n '.\{81,\}' "$1"
}

# refuses TEXT PATTERN ARGUMENT...: wrong usage, in one line
refuses()
{
    text=$1 pattern=$2
    shift 2
    check "$text" run 2 explain "$@"
    check "$text: says why" grep -q "^dmabrokerctl: .*$pattern" "$tmp/err"
}

# ---- the cases: a name, the machine, the request

all="
camera-coherent explain/desktop.json explain/desktop.camera.request.json
camera-non-coherent explain/board.json explain/board.camera.request.json
kinds explain/board.json explain/board.kinds.request.json
bounced explain/desktop.json explain/desktop.bounced.request.json
copies rig.json rig.copies.request.json
sixteen explain/board.json explain/board.sixteen.request.json
worst explain/board.json explain/board.worst.request.json
names explain/board.json explain/board.names.request.json
uncached explain/board.json explain/board.uncached.request.json
"

one_case()
{
    name=$1 machine=$machines/$2 request=$machines/$3
    set -- explain --machine "$machine" "$request"
    if [ "$mode" = --draw ]; then
        "$ctl" "$@" --svg "$directory/$name.svg" >/dev/null || exit 1
        return
    fi
    check "$name: drawn" run 0 "$@" --dot="$tmp/dot"
    if [ "$mode" = --write ]; then
        cp "$tmp/out" "$cases/$name.answer.txt"
        cp "$tmp/dot" "$cases/$name.dot"
        return
    fi
    check "$name: the text" diff -u "$cases/$name.answer.txt" "$tmp/out"
    check "$name: fits 80 columns" fits "$tmp/out"
    check "$name: the drawing for Graphviz" diff -u "$cases/$name.dot" "$tmp/dot"
    check "$name: as data" run 0 "$@" --json
    cp "$tmp/out" "$tmp/json"
    if [ "$graphviz" = yes ]; then
        check "$name: as SVG" run 0 "$@" --svg "$tmp/svg"
        check "$name: the SVG shows all of it" python3 "$source/tests/tools/svg-check.py" \
            "$tmp/svg" "$tmp/json"
    fi
}

mode=${4-} directory=${5-}
while read -r name machine request; do
    if [ "$name" ]; then one_case "$name" "$machine" "$request"; fi
done <<END
$all
END
[ "$mode" ] && exit 0

# ---- a plan as it is printed

"$ctl" plan --json --machine "$cases/desktop.json" "$cases/desktop.camera.request.json" >"$tmp/plan.json"
check "a plan from a file" run 0 explain --plan "$tmp/plan.json"
check "a plan from a file: the same" diff -u "$cases/camera-coherent.answer.txt" "$tmp/out"
"$ctl" explain --plan - <"$tmp/plan.json" >"$tmp/out" 2>&1
check "a plan from stdin" diff -u "$cases/camera-coherent.answer.txt" "$tmp/out"
"$ctl" plan --json --machine "$machines/rig.json" "$machines/rig.copies.request.json" >"$tmp/copies.json"
check "a plan with groups" run 0 explain --plan "$tmp/copies.json"
check "a plan with groups: the same" diff -u "$cases/copies.answer.txt" "$tmp/out"

# what a plan may leave out: who does it, what it costs, fences, why
"$ctl" plan --json --machine "$cases/board.json" "$cases/board.kinds.request.json" >"$tmp/full.json"
sed -E 's/"(by|cost-bytes|fence|because)":("[^"]*"|[a-z0-9]+),?//g; s/,\}/}/g' "$tmp/full.json" >"$tmp/bare.json"
check "a plan that says little" run 0 explain --plan "$tmp/bare.json" --dot="$tmp/dot"
check "a plan that says little: the same arrows" sh -c '
    "$1" explain --plan "$2" | grep "^ [|^][-=]" >"$4" && "$1" explain --plan "$3" | grep "^ [|^][-=]" | diff "$4" -' \
    sh "$ctl" "$tmp/full.json" "$tmp/bare.json" "$tmp/arrows"
check "a plan that says little: nobody is named" test "$(grep -c "process of\|walked" "$tmp/out")" -eq 0
COLUMNS=200 "$ctl" explain --plan "$tmp/full.json" --dot="$tmp/dot" >"$tmp/out"
check "by whom" grep -q 'END|READ, by the process of odd; about [0-9]* bytes are walked$' "$tmp/out"
check "by whom, and the cost, in the drawing" \
    grep -q 'label="clean, invalidate (1)\\nby odd\\n[0-9.]*M walked\\n"' "$tmp/dot"

# wrong_plan TEXT PATTERN JSON
wrong_plan()
{
    printf '%s' "$3" >"$tmp/wrong.json"
    refuses "$1" "$2" --plan "$tmp/wrong.json"
}
wrong_plan "an empty file" "not one whole JSON object" ''
wrong_plan "a request is no plan" "it has no policy; right is what" \
    '{"width": 1, "participants": [{"name": "a"}]}'
wrong_plan "no plan at all" "it has no participants" '{"width": 1}'
wrong_plan "an agent without a name" 'participants\[1\].name: right is a string' \
    '{"participants": [{"name": "a"}, {}], "policy": []}'
wrong_plan "an agent that is no object" 'participants\[0\]: right is an object' \
    '{"participants": [1], "policy": []}'
wrong_plan "a policy that is no list" 'policy: right is a list' '{"participants": [], "policy": {}}'
wrong_plan "a row without an operation" 'policy\[0\].operation: right is a string' \
    '{"participants": [{"name": "a"}], "policy": [{"from": "a", "to": "a"}]}'
wrong_plan "too many agents" 'participants: more than 17' \
    "{\"participants\": [$(printf '{"name": "a"},%.0s' $(seq 17)){\"name\": \"a\"}], \"policy\": []}"
wrong_plan "too many rows" 'policy: more than 512' \
    "{\"participants\": [], \"policy\": [$(printf '1,%.0s' $(seq 512))1]}"
wrong_plan "a group that is no plan" 'groups\[0\]: no plan' '{"groups": [{}]}'
wrong_plan "a copy from nowhere" 'hops\[0\]: no copy' \
    '{"groups": [{"participants": [], "policy": []}], "hops": [{"from": 0, "to": 7}]}'
printf '{"participants": [{"name": "\377"}], "policy": []}' >"$tmp/wrong.json"
refuses "text that is no UTF-8" "no JSON" --plan "$tmp/wrong.json"
refuses "a plan that is not there" "No such file" --plan "$tmp/nobody"
refuses "a plan beside a request" "stands alone" --plan "$tmp/plan.json" --size 64x64 cpu
refuses "a plan beside a machine" "stands alone" --plan "$tmp/plan.json" --machine "$cases/desktop.json"
refuses "two things on stdout" "only one of them to stdout" --plan "$tmp/plan.json" --dot --json
check "a conflict" run 1 explain --machine "$cases/board.json" --size 64x64 --heap nobody cpu
check "a conflict: says so" grep -q "cannot hold together" "$tmp/err"
check "a file that cannot be written" run 1 explain --plan "$tmp/plan.json" --dot="$tmp/no/file"

# ---- plans that nobody made

printf '%s' '{"participants": [{"name": "a", "agent": "odd"}, {"name": "b"}],
    "policy": [{"from": "a", "to": "b", "operation": "shake"}]}' >"$tmp/odd.json"
check "words that are not known" run 0 explain --plan "$tmp/odd.json"
check "words that are not known: shown as they are" grep -q '== shake =.*> b: unknown' "$tmp/out"
check "plans with anything in them" python3 "$source/tests/tools/mutate-plans.py" "$ctl" \
    "$graphviz" "$tmp/full.json" "$tmp/copies.json"

# ---- SVG

if [ "$graphviz" = yes ]; then
    check "the SVG on stdout" run 0 explain --plan "$tmp/plan.json" --svg -
    check "the SVG on stdout: nothing else" python3 -c \
        'import sys, xml.etree.ElementTree as t; t.parse(sys.argv[1])' "$tmp/out"
else
    check "no SVG without Graphviz" run 1 explain --plan "$tmp/plan.json" --svg "$tmp/svg"
    check "no SVG without Graphviz: what to install" grep -q "libgraphviz-dev.*--dot" "$tmp/err"
    check "no SVG without Graphviz: no file" test ! -e "$tmp/svg"
fi
check "the drawing on stdout" run 0 explain --plan "$tmp/plan.json" --dot
check "the drawing on stdout: nothing else" diff -u "$cases/camera-coherent.dot" "$tmp/out"

# ---- the documentation

check "the README's drawing is this one" python3 - "$source/README.md" "$cases/camera-non-coherent.answer.txt" <<'END'
import sys
page, answer = (open(name, encoding="utf-8").read() for name in sys.argv[1:])
drawing = "".join("    " + line if line.strip() else line
                  for line in answer.partition("\n\nWhat several")[0].splitlines(True))
assert drawing in page, drawing
END

echo "1..$number"
exit $failed
