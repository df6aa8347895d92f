# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# For the cases about facts: what probe-dump shows of real drivers. Sourced after tests/vm/lib.sh.

dump=$BUILD/tests/vm/probe-dump
stream=$BUILD/tests/vm/stream
trial=$BUILD/broker/dmabroker-trial
for program in "$dump" "$stream" "$trial"; do
    [ -x "$program" ] || bail "$program is built"
done

tab=$(printf '\t')
facts=$OUT/facts

# measure [ARGUMENT OF PROBE-DUMP]...: the facts, with trials
measure()
{
    "$dump" -t "$trial" -q "$SRC/data/quirks" "$@" >"$facts"
}

measure_without_trials()
{
    "$dump" -q "$SRC/data/quirks" "$@" >"$facts"
}

# fact ID KEY VALUE ORIGIN
fact()
{
    if grep -qxF "$1$tab$2$tab$3$tab$4" "$facts"; then
        ok "$1: $2 is $3 ($4)"
    else
        not_ok "$1: $2 is $3 ($4)" "$(grep -F "$1$tab$2$tab" "$facts")"
    fi
}

# no_fact ID KEY
no_fact()
{
    if grep -qF "$1$tab$2$tab" "$facts"; then
        not_ok "$1: $2 is absent" "$(grep -F "$1$tab$2$tab" "$facts")"
    else
        ok "$1: $2 is absent"
    fi
}

# how ID KEY TEXT: how a fact was obtained has these words; KEY with the names of role and format before it
how()
{
    if grep -F "$1$tab${2%"${2##*/}"}how$tab" "$facts" | cut -f 3 | sed 's/; /\n/g' |
        grep "^${2##*/}: " | grep -qF "$3"; then
        ok "$1: $2: $3"
    else
        not_ok "$1: $2: $3" "$(grep -F "$1$tab${2%"${2##*/}"}how$tab" "$facts")"
    fi
}

# node ID: its path in /dev, by the facts
node()
{
    sed -n "s|^$1${tab}node${tab}\([^$tab]*\)$tab.*|\1|p" "$facts"
}
