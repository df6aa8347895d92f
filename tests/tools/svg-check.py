#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: svg-check.py DRAWING.svg EXPLANATION.json

Checks what `dmabrokerctl explain` draws against what it says as JSON of the same: the SVG is
well-formed, each agent is there once, and of each arrow what happens, once; no two texts overlap.
Prints what is wrong.
"""
import json
import re
import sys
import xml.etree.ElementTree as tree

SVG = "{http://www.w3.org/2000/svg}"
WORDS_MAX = 24  # so many arrows have a word where nothing is due
SPACE = dict.fromkeys(map(ord, " \u00a0\u200b"))  # what the drawing adds between characters


def wrong(text):
    wrong.count += 1
    print(text)


wrong.count = 0


def plain(text):
    """As it is drawn: without control characters, and regardless of spaces and broken lines."""
    return re.sub("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff]", "?", text).translate(SPACE)


def lines(group):
    return [text.text or "" for text in group.iter(SVG + "text")]


def words(arrow):
    operation = {"none": "nothing", "clean+invalidate": "clean, invalidate"}.get(
        arrow["operation"], arrow["operation"])
    if not arrow["fence"]:
        return operation
    return "fence" if arrow["operation"] == "none" else "fence, " + operation


def check_agent(groups, name, where):
    found = groups.get(where, [])
    if len(found) != 1:
        return wrong(f"{where}: {len(found)} times")
    drawn = plain("".join(lines(found[0]))).replace("...", "")
    wanted = plain(name)[:100]
    if not drawn.startswith(wanted):
        wrong(f"{where}: {drawn!r} instead of {wanted!r}")


def check_arrow(groups, arrow, where, has_words):
    arrows, found = groups.get("arrow-" + where, []), groups.get("words-" + where, [])
    if len(arrows) != 1 or len(found) != has_words:
        return wrong(f"arrow {where}: {len(arrows)} times, its words {len(found)} times")
    if not has_words:
        return None
    text = lines(found[0])
    if re.sub(r" \(\d+\)$", "", text[0].replace("\u00a0", " ")) != words(arrow):
        wrong(f"arrow {where}: {text[0]!r} instead of {words(arrow)!r}")
    if "by" in arrow and arrow["operation"] != "none":
        if plain("by " + arrow["by"])[:20] not in plain("".join(text)):
            wrong(f"arrow {where}: {text} does not say by whom")
    return None


def check_overlaps(root):
    boxes = []
    for text in root.iter(SVG + "text"):
        string, size = text.text or "", float(text.get("font-size"))
        width = 0.6 * size * len(string.rstrip("\u00a0 "))
        x, y = float(text.get("x")), float(text.get("y"))
        if text.get("text-anchor") == "middle":
            x -= width / 2
        boxes.append((x, y - 0.75 * size, x + width, y + 0.2 * size, string))
    if not boxes:
        wrong("no text at all")
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]:
                wrong(f"{a[4]!r} overlaps {b[4]!r}")


def main():
    root = tree.parse(sys.argv[1]).getroot()
    with open(sys.argv[2], encoding="utf-8") as file:
        explanation = json.load(file)
    groups = {}
    for group in root.iter(SVG + "g"):
        groups.setdefault(group.get("id"), []).append(group)
    all_arrows = sum(len(chain["arrows"]) for chain in explanation["chains"])
    for i, chain in enumerate(explanation["chains"]):
        for k, agent in enumerate(chain["agents"]):
            check_agent(groups, agent["name"], f"agent-{i}-{k}")
        for k, arrow in enumerate(chain["arrows"]):
            due = arrow["operation"] != "none" or arrow["fence"]
            check_arrow(groups, arrow, f"{i}-{k}", due or all_arrows <= WORDS_MAX)
    for i, copy in enumerate(explanation["copies"]):
        if len(groups.get(f"copy-{i}", [])) != 1:
            wrong(f"copy {i} from group {copy['from']} is not there once")
    counts = {kind: sum(len(chain[kind + "s"]) for chain in explanation["chains"])
              for kind in ("agent", "arrow")}
    for kind, count in counts.items():
        drawn = sum(1 for name in groups if re.fullmatch(rf"{kind}-\d+-\d+", name or ""))
        if drawn != count:
            wrong(f"{drawn} {kind}s instead of {count}")
    if not counts["agent"]:
        wrong("there are no agents")
    check_overlaps(root)
    return wrong.count != 0


sys.exit(main())
