#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks JSON files against a JSON Schema: as much of draft 7 as docs/machine.schema.json uses. A
keyword that is not known here is an error, so that nothing of a schema is passed over.

usage: schema-check.py SCHEMA FILE...    exit 0: all are valid; 1: one is not; 2: the schema is not
"""
import json
import re
import sys

SILENT = {"$schema", "$comment", "title", "description", "definitions"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}


class Invalid(Exception):
    """What is wrong, and where."""


class BadSchema(Exception):
    """The schema uses what is not known here."""


def unique_keys(pairs):
    """An object; a key that comes twice is an error."""
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise Invalid("a key comes twice")
    return dict(pairs)


def check_type(value, name, path):
    fits = isinstance(value, TYPES[name])
    if name == "integer" and isinstance(value, bool):
        fits = False
    if not fits:
        raise Invalid(f"{path}: no {name}")


def check_object(root, schema, value, path):
    properties = schema.get("properties", {})
    for key in schema.get("required", []):
        if key not in value:
            raise Invalid(f"{path}: {key} is missing")
    for key, member in value.items():
        if key in properties:
            check(root, properties[key], member, f"{path}.{key}")
            continue
        patterns = [p for p in schema.get("patternProperties", {}) if re.search(p, key)]
        for pattern in patterns:
            check(root, schema["patternProperties"][pattern], member, f"{path}.{key}")
        if not patterns and schema.get("additionalProperties", True) is False:
            raise Invalid(f"{path}: {key} is not known")


def check_any(root, schemas, value, path):
    reasons = []
    for schema in schemas:
        try:
            check(root, schema, value, path)
            return
        except Invalid as reason:
            reasons.append(str(reason))
    raise Invalid(" or ".join(reasons))


def check_limits(schema, value, path):
    size = len(value.encode()) if isinstance(value, str) else value
    for keyword, wrong in (
        ("minimum", lambda limit: size < limit),
        ("maximum", lambda limit: size > limit),
        ("minLength", lambda limit: size < limit),
        ("maxLength", lambda limit: size > limit),
        ("maxItems", lambda limit: len(value) > limit),
        ("pattern", lambda pattern: not re.search(pattern, value)),
        ("enum", lambda words: value not in words),
    ):
        if keyword in schema and wrong(schema[keyword]):
            raise Invalid(f"{path}: {value!r} against {keyword} {schema[keyword]}")


CHECKED = {
    "type", "required", "properties", "patternProperties", "additionalProperties", "anyOf", "items",
    "minimum", "maximum", "minLength", "maxLength", "maxItems", "pattern", "enum", "$ref",
}


def check(root, schema, value, path):
    unknown = set(schema) - CHECKED - SILENT
    if unknown:
        raise BadSchema(f"unknown keywords: {sorted(unknown)}")
    if "$ref" in schema:
        check(root, root["definitions"][schema["$ref"].rpartition("/")[2]], value, path)
        return
    if "type" in schema:
        check_type(value, schema["type"], path)
    check_limits(schema, value, path)
    if isinstance(value, dict):
        check_object(root, schema, value, path)
    if isinstance(value, list):
        for i, item in enumerate(value):
            check(root, schema.get("items", {}), item, f"{path}[{i}]")
    if "anyOf" in schema:
        check_any(root, schema["anyOf"], value, path)


def main(argv):
    status = 0
    with open(argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    for name in argv[2:]:
        try:
            with open(name, encoding="utf-8") as file:
                check(schema, schema, json.load(file, object_pairs_hook=unique_keys), "")
        except (Invalid, ValueError) as reason:
            print(f"{name}: {reason}")
            status = 1
        except BadSchema as reason:
            print(f"{argv[1]}: {reason}")
            return 2
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv))
