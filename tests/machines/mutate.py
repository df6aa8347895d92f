#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Changes machine files and requests at random, and has dmabrokerctl plan, dump and show them: it may
refuse what it gets, and must neither crash nor hang, and what it dumps must be a machine file again.
Writes TAP. The seed makes a run repeatable; what went wrong stays in a folder that is named.

usage: mutate.py DMABROKERCTL SOURCE      environment: DMABROKER_FUZZ_RUNS, DMABROKER_FUZZ_SEED
"""
import json
import os
import random
import subprocess
import sys
import tempfile

CASES = ("pc.camera-screen", "raspberry-pi.camera-display", "rockchip.record", "rig.contiguous",
         "pc.alternatives", "rig.copies", "rig.three-conflicts")
NUMBERS = [0, 1, -1, 3, 12, 64, 4096, 65536, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1, 2**64]
OTHERS = [None, True, "", "x", "*", "*:0x0", "0x0", "XR24", "NV12", "whole", "dma-sg", "capture", [], {}, 1.5,
          ["640x480", "0x0", "4294967295x4294967295"], "\u0001\u00e4\\\"", "system"]


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], path + (key,))
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from places(item, path + (i,))


def other(value):
    """Another value, mostly of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int) and random.random() < 0.9:
        return random.choice(NUMBERS + [random.randrange(1 << random.randrange(1, 64))])
    return random.choice(NUMBERS + OTHERS)


def mutate(root):
    path = random.choice([place for place in places(root) if place])
    parent = root
    for step in path[:-1]:
        parent = parent[step]
    chance = random.random()
    if chance < 0.6:
        parent[path[-1]] = other(parent[path[-1]])
    elif chance < 0.8:
        del parent[path[-1]]
    elif isinstance(parent, list):
        parent.append(parent[path[-1]])


def run(ctl, *arguments):
    """Returns whether it ended as it may, and its output."""
    result = subprocess.run([ctl, *arguments], capture_output=True, timeout=60, check=False)
    fine = result.returncode in (0, 1, 2) and b"Sanitizer" not in result.stderr
    if result.returncode and not result.stderr.startswith(b"dmabrokerctl: "):
        fine = False
    return fine, result


def try_once(ctl, machines, folder):
    case = random.choice(CASES)
    names = (f"{case.partition('.')[0]}.json", f"{case}.request.json")
    files = []
    for name, changes in zip(names, (random.randrange(1, 4), random.randrange(0, 2))):
        with open(f"{machines}/{name}", encoding="utf-8") as file:
            value = json.load(file)
        for _ in range(changes):
            mutate(value)
        files.append(f"{folder}/{name}")
        with open(files[-1], "w", encoding="utf-8") as file:
            json.dump(value, file)
    machine, request = files
    dump = f"{folder}/dump.json"
    good = True
    for arguments in (("plan", "--machine", machine, request),
                      ("devices", "--verbose", "--machine", machine),
                      ("dump", "--machine", machine, dump)):
        fine, result = run(ctl, *arguments)
        good = good and fine
    if result.returncode == 0:
        fine, result = run(ctl, "dump", "--machine", dump, dump)
        good = good and fine and result.returncode == 0
    for file in files:
        if good:
            os.remove(file)
    return good


def main(argv):
    ctl, machines = argv[1], f"{argv[2]}/tests/machines"
    runs = int(os.environ.get("DMABROKER_FUZZ_RUNS", "20000")) // 200
    seed = os.environ.get("DMABROKER_FUZZ_SEED", "1")
    random.seed(seed)
    folder = tempfile.mkdtemp(prefix="dmabroker-mutate.")
    for number in range(runs):
        if not try_once(ctl, machines, folder):
            print(f"not ok 1 - run {number} of seed {seed}: the files are in {folder}")
            print("1..1")
            return 1
    if os.path.exists(f"{folder}/dump.json"):
        os.remove(f"{folder}/dump.json")
    os.rmdir(folder)
    print(f"ok 1 - {runs} changed machines and requests, seed {seed}")
    print("1..1")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
