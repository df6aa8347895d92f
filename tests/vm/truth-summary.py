#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes docs/truth-table.md out of the tables of a run: truth-summary.py DIR, where DIR is that of rig.sh run --out."""

import collections
import pathlib
import re
import sys

HEAD = """# The truth table

What the facts predict, against what the kernel does: made by `tests/vm/truth.c` (docs/testing.md says how a row is
judged), from

    tests/vm/rig.sh run --out DIR 080-truth 081-truth-6g 082-truth-forced 083-truth-noforce 084-truth-debian \\
        085-truth-arm64 086-truth-arm64-6g
    tests/vm/truth-summary.py DIR >docs/truth-table.md

| machine | rows | we say yes | no | pixels seen | no, though it works: listed | wrong |
|---|---|---|---|---|---|---|
"""


def read(path):
    rows, end = [], None
    for line in path.read_text().splitlines():
        if line.startswith("| ") and not line.startswith("| importer"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        match = re.match(r"(.*): (\d+) rows, (\d+) yes, (\d+) listed with a reason, (\d+) with pixels, (\d+) wrong", line)
        if match:
            end = match.groups()
    if not end or int(end[1]) != len(rows):
        sys.exit(f"{path}: not a whole table")
    return end, rows


def matrix(rows):
    heaps = sorted({row[5] for row in rows})
    answers = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
    for row in rows:
        answers[f"{row[0]}, {row[1]}"][row[5]][row[6]] += 1
    print(f"| importer | {' | '.join(heaps)} |\n|---|{'---|' * len(heaps)}")
    for importer in sorted(answers):
        cells = []
        for heap in heaps:
            counts = answers[importer][heap]
            cells.append(", ".join(f"{what} ({n})" for what, n in sorted(counts.items(), key=lambda i: (-i[1], i[0]))))
        print(f"| {importer} | {' | '.join(cells)} |")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    tables = [read(path) for path in sorted(pathlib.Path(sys.argv[1]).glob("08*/truth-*.md"))]
    if not tables:
        sys.exit("no tables there")
    print(HEAD, end="")
    for (label, rows, yes, listed, seen, wrong), _ in tables:
        print(f"| {label} | {rows} | {yes} | {int(rows) - int(yes)} | {seen} | {listed} | {wrong} |")
    print(f"\n{sum(int(end[1]) for end, _ in tables)} rows in all.\n\n## Reasons of the rows that are listed\n")
    print("| machine | reason | rows |\n|---|---|---|")
    for (label, *_), rows in tables:
        reasons = collections.Counter(row[8] for row in rows if not row[8].startswith(("right", "WRONG")))
        for reason, count in sorted(reasons.items()):
            print(f"| {label} | {reason} | {count} |")
    for (label, *_), rows in tables:
        print(f"\n## {label}\n\nWhat we say of each importer and heap (rows):\n")
        matrix(rows)


main()
