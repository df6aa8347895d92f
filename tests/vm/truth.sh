# shellcheck shell=sh disable=SC1091
# SPDX-License-Identifier: MIT
#
# For the cases of the truth table: what they have in common. The tables stay in $OUT.

. "$SRC/tests/vm/lib.sh"

truth=$BUILD/tests/vm/truth
trial=$BUILD/broker/dmabroker-trial
[ -x "$truth" ] && [ -x "$trial" ] || bail "truth and dmabroker-trial are built"

# adversarial buffers of the table's largest picture, and huge pages to take buffers from
echo 65536 >/sys/module/udmabuf/parameters/list_limit
echo 24 >/proc/sys/vm/nr_hugepages

# table LABEL [ARGUMENT OF TRUTH]...
table()
{
    table_label=$1
    shift
    run_tap "$truth" -q "$SRC/data/quirks" -l "$table_label" \
        -o "$OUT/truth-$(echo "$table_label" | tr -c 'A-Za-z0-9\n' '-').md" "$@"
}
