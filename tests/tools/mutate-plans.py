#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: mutate-plans.py DMABROKERCTL yes|no PLAN.json...

Changes plans at random, the same each time, and has `explain --plan` draw them: it either draws or
says in one line what is wrong; with Graphviz (yes) what it draws is well-formed.
"""
import copy
import json
import os
import random
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as tree

ROUNDS = 120
ODD = [None, True, -1, 0, 1 << 63, 0.5, "", "none", "camera", "clean+invalidate", "bounced", "unknown",
       "\\", '"', "\\\\\"]; a -> b [", "&#x0;", "&lt;", "<a>", "\u0007", "\u202e", "\ufffe", "\U0001f600" * 40,
       "x" * 300, [], {}, [1], [{}], {"name": "a"}, [{"name": "a"}]]


def places(value, found):
    """Every (container, key) of a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        found.append((value, key))
        if isinstance(item, (dict, list)):
            places(item, found)
    return found


def mutate(plan):
    plan = copy.deepcopy(plan)
    for _ in range(random.choice([1, 1, 2, 5])):
        container, key = random.choice(places(plan, []))
        action = random.randrange(4)
        if action == 0:
            del container[key]
        elif action == 1 and isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        else:
            container[key] = random.choice(ODD)
        if not plan:
            break
    return plan


def check(ctl, graphviz, path, svg):
    if os.path.exists(svg):
        os.unlink(svg)
    command = [ctl, "explain", "--plan", path] + (["--svg", svg] if graphviz else ["--dot=" + svg])
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    if done.returncode == 2:
        return done.stderr.count(b"\n") == 1 and not done.stdout
    if done.returncode != 0 or done.stderr:
        return False
    if graphviz:
        tree.parse(svg)
    return True


def main():
    ctl, graphviz, plans = sys.argv[1], sys.argv[2] == "yes", sys.argv[3:]
    random.seed(5)
    drawn = 0
    with tempfile.TemporaryDirectory() as folder:
        path, svg = os.path.join(folder, "plan.json"), os.path.join(folder, "svg")
        for i in range(ROUNDS):
            with open(plans[i % len(plans)], encoding="utf-8") as file:
                plan = mutate(json.load(file))
            with open(path, "w", encoding="utf-8") as file:
                json.dump(plan, file)
            if not check(ctl, graphviz, path, svg):
                print(json.dumps(plan))
                return 1
            drawn += os.path.exists(svg)
    print(f"{drawn} of {ROUNDS} drawn")
    return drawn < ROUNDS // 4 or drawn == ROUNDS


sys.exit(main())
