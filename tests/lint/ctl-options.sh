#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every option and verb that dmabrokerctl's help names stands in its man page and vice versa, and
# the help fits 80 columns.
#
#   ctl-options.sh PROGRAM MAN-PAGE.scd

set -u
program=$1 page=$2
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0
number=0

# check DESCRIPTION COMMAND...: one line of TAP
check()
{
    description=$1
    shift
    number=$((number + 1))
    if "$@" >"$tmp/why" 2>&1; then
        echo "ok $number - $description"
    else
        echo "not ok $number - $description"
        sed 's/^/# /' "$tmp/why"
        failed=1
    fi
}

# The options and verbs that the help on stdin lists.
help_options()
{
    sed -n 's/^ \{2,6\}\(-[a-z], \)\{0,1\}--\([a-z-]*\).*/\2/p' | sort -u
}

help_verbs()
{
    sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# The part of the man page under one heading: "# OPTIONS OF EVERY VERB" or "## plan".
page_section()
{
    awk -v heading="$1" '$0 == heading { on = 1; next } /^#/ { on = 0 } on' "$page"
}

page_options()
{
    sed -n 's/^\(\*-[a-z]\*, \)\{0,1\}\*--\([a-z-]*\)\*.*/\2/p' | sort -u
}

# shellcheck disable=SC2317 # called through check
same()
{
    diff -u "$1" "$2"
}

# shellcheck disable=SC2317 # called through check
fits()
{
    ! grep -n '.\{81,\}' "$1"
}

"$program" --help >"$tmp/help" || exit 1
help_verbs <"$tmp/help" | sort >"$tmp/help-verbs"
sed -n 's/^## //p' "$page" | sort >"$tmp/page-verbs"
help_options <"$tmp/help" >"$tmp/help-global"
page_section "# OPTIONS OF EVERY VERB" | page_options >"$tmp/page-global"

check "the help lists verbs" test -s "$tmp/help-verbs"
check "the man page has the verbs of the help" same "$tmp/help-verbs" "$tmp/page-verbs"
check "the man page has the options of every verb" same "$tmp/help-global" "$tmp/page-global"
check "the help fits 80 columns" fits "$tmp/help"

# What the man page says of a verb. alloc and explain refer to plan, but for what only plan has.
verb_options()
{
    page_section "## $1" | page_options
    if [ "$1" = alloc ] || [ "$1" = explain ]; then page_section "## plan" | page_options | grep -vx what-if; fi
}

# What a verb takes beyond that.
while read -r verb; do
    "$program" "$verb" --help >"$tmp/help-verb"
    help_options <"$tmp/help-verb" | comm -23 - "$tmp/help-global" >"$tmp/help-own"
    help_options <"$tmp/help-verb" | comm -12 - "$tmp/help-global" >"$tmp/help-common"
    verb_options "$verb" | sort -u >"$tmp/page-own"
    check "$verb: the man page has its options" same "$tmp/help-own" "$tmp/page-own"
    check "$verb: its help has the options of every verb" same "$tmp/help-global" "$tmp/help-common"
    check "$verb: its help fits 80 columns" fits "$tmp/help-verb"
done <"$tmp/help-verbs"

echo "1..$number"
exit $failed
