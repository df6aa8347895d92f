#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes docs/access-pairs.md out of what a run left: access-summary.py DIR, where DIR is that of rig.sh run --out."""

import collections
import pathlib
import re
import sys

HEAD = """# The access policy against the kernel

Made from

    DMABROKER_PICTURES=1000 tests/vm/rig.sh run --out DIR 076-access-arm64 077-access-forced 078-access-chain
    tests/vm/access-summary.py DIR >docs/access-pairs.md

with what [testing.md](testing.md), "The access policy on real devices", says. The tables of all rows, with what was issued in each
round, are in DIR.

## Calls

For each ordered pair of agents and each heap a buffer is allocated by plan; the first writes it, the second has it
next, and once more the same, when both have it mapped. A row is right if the ioctls of libdmabroker are those of the plan's edge and of a
model of where the newest picture is, and the kernel's events (`dma_sync_sg_for_cpu`, `dma_sync_sg_for_device`) are one for each ioctl and each
mapping of a device that needs maintenance, with its name and direction, and none besides; if each device that maps did so once; if the library
counts the same; and if the edge's cost is passes times mappings times bytes.

| machine | rows | planned | refused | ioctls | sync events | wrong |
|---|---|---|---|---|---|---|
"""

MATRIX = """
What the policy asks between the writer (left) and the next (above), for each heap: `-` nothing, C clean, I invalidate,
CI both. Refused: k contiguity, m maintenance (SYNC does not reach who needs it), b bounce buffers, r reach, ? another reason.
"""

KINDS = """
What was issued for each pair of kinds: before the first agent, before the second; the same in the second round.

| heap | policy | issued | rows | ioctls | sync events |
|---|---|---|---|---|---|
"""

DATA = """
## Data

Pictures through chains of agents of which some are bounced (`bounced`, by the plan and by what the kernel has mapped); the CPU
looks at all of a picture, changes it, and leaves a note behind it. Then each bracket is left out once. *edu*: QEMU's device, which does real DMA; the other devices
have engines of software, which go where the DMA addresses lead.

| chain | bounced | intact | left out once: damaged |
|---|---|---|---|
"""

LETTERS = {"none": "-", "clean": "C", "invalidate": "I", "clean+invalidate": "CI",
           "contiguity": "k", "maintenance": "m", "bounce": "b", "reach": "r"}


def read(path):
    rows, end = [], None
    for line in path.read_text().splitlines():
        if line.startswith("| ") and not line.startswith("| heap"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        match = re.match(r"(.*): (\d+) rows, (\d+) planned, (\d+) refused, (\d+) ioctls, (\d+) sync events, (\d+) wrong", line)
        if match:
            end = match.groups()
    if not end or int(end[1]) != len(rows):
        sys.exit(f"{path}: not a whole table")
    return end, rows


def print_matrix(rows, heap):
    cells = {(row[1], row[2]): LETTERS.get(row[3].rsplit(": ", 1)[-1], "?") for row in rows if row[0] == heap}
    writers = list(dict.fromkeys(row[1] for row in rows))
    others = list(dict.fromkeys(writers[:1] + [row[2] for row in rows]))
    print(f"\n| {heap} | {' | '.join(others)} |\n|---|{'---|' * len(others)}")
    for writer in writers:
        print(f"| {writer} | {' | '.join(cells.get((writer, other), '') for other in others)} |")


def print_kinds(rows):
    sums = collections.defaultdict(lambda: [0, 0, 0])
    for heap, _, _, policy, issued, ioctls, events, verdict in rows:
        if verdict != "refused":
            sums[heap, policy, issued] = [a + b for a, b in zip(sums[heap, policy, issued], (1, int(ioctls), int(events)))]
    print(KINDS, end="")
    for (heap, policy, issued), numbers in sorted(sums.items()):
        print(f"| {heap} | {policy} | {issued} | {' | '.join(map(str, numbers))} |")


def print_chain(path):
    text = path.read_text()
    bounced = re.findall(r"^ok .*: (\S+) is bounced", text, re.M)
    intact = re.findall(r"^ok .*: (\d+) pictures are intact", text, re.M)
    damaged = re.findall(r"^ok .*: without (.*) once, a picture is damaged", text, re.M)
    if "not ok" in text or not re.search(r"^1\.\.\d", text, re.M) or not intact:
        sys.exit(f"{path}: not a chain that holds")
    print(f"| {path.name.removeprefix('chain-')} | {', '.join(bounced)} | {intact[0]} | {', '.join(damaged)} |")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1])
    tables = [read(path) for path in sorted(root.glob("07*/access-pairs-*.md"))]
    if not tables:
        sys.exit("no tables there")
    print(HEAD, end="")
    for end, _ in tables:
        print(f"| {' | '.join(end)} |")
    print(MATRIX, end="")
    for end, rows in tables:
        print(f"\n### {end[0]}")
        for heap in dict.fromkeys(row[0] for row in rows):
            print_matrix(rows, heap)
        print_kinds(rows)
    print(DATA, end="")
    for path in sorted(root.glob("07*/chain-*")):
        print_chain(path)


main()
