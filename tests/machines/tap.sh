# shellcheck shell=sh disable=SC2034
# SPDX-License-Identifier: MIT
#
# For the scripts here that compare what the tool prints: a scratch folder, 80 columns, and TAP.

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
number=0
failed=0
COLUMNS=80
export COLUMNS

# check TEXT COMMAND...: one line of TAP
check()
{
    text=$1
    shift
    number=$((number + 1))
    if "$@" >"$tmp/why" 2>&1; then
        echo "ok $number - $text"
    else
        echo "not ok $number - $text"
        sed 's/^/# /' "$tmp/why"
        failed=1
    fi
}
