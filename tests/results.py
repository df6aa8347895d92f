#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the results of `meson test` in one or more build directories.

usage: results.py [--not-run WHAT]... DIR=STATUS...   (STATUS: what meson test returned)

Each line of a test that speaks TAP counts, and each other test. A test that failed without saying which part of it
(crash, time limit, broken TAP) counts as one more failure. No count is printed if it could be mistaken for success
where there was none.
"""

import json
import re
import sys
import xml.etree.ElementTree as xml

GOOD = ('OK', 'EXPECTEDFAIL', 'SKIP')
LINES_SHOWN = 60


class Counts:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.complaints = []  # (what failed, its output)

    def ran(self):
        return self.passed + self.failed

    def add_case(self, case, name):
        if case.find('failure') is not None or case.find('error') is not None:
            self.failed += 1
            self.complaints.append((name, ''))
        elif case.find('skipped') is not None:
            self.skipped += 1
        else:
            self.passed += 1


def stop(message):
    print(f'test.sh: {message}', file=sys.stderr)
    sys.exit(1)


def tap_cases(directory):
    """The parts of each test that speaks TAP, by the test's name."""
    with open(f'{directory}/meson-logs/testlog.junit.xml', encoding='utf-8') as log:
        # meson copies what tests print, also what XML does not allow
        root = xml.fromstring(re.sub('[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]', '?', log.read()).encode())
    found = {}
    for suite in root.findall('testsuite'):
        project, _, test = suite.get('name').partition('.')
        if test:
            found[test] = suite.findall('testcase')
    return found


def is_silent(test):
    """Meson takes a TAP program that prints nothing for a skipped one."""
    return test['result'] == 'SKIP' and test['returncode'] == 0 and '1..0' not in test.get('stdout', '')


def add_test(counts, directory, test, cases):
    """One test as meson sees it, with its parts if it speaks TAP."""
    name = f'{directory}: {test["name"]}'
    failed_before = counts.failed
    for case in cases:
        counts.add_case(case, f'{name}: {case.get("name")}')
    good = test['result'] in GOOD and not is_silent(test)
    if good and not cases:
        if test['result'] == 'SKIP':
            counts.skipped += 1
        else:
            counts.passed += 1
    if not good:
        if counts.failed == failed_before:
            counts.failed += 1
        output = (test.get('stdout', '') + test.get('stderr', '')).splitlines()[-LINES_SHOWN:]
        counts.complaints.append((f'{name}: {test["result"]}, status {test["returncode"]}', '\n'.join(output)))


def add_directory(counts, directory, status):
    failed_before = counts.failed
    ran_before = counts.ran()
    try:
        cases = tap_cases(directory)
        with open(f'{directory}/meson-logs/testlog.json', encoding='utf-8') as log:
            for line in log:
                test = json.loads(line)
                add_test(counts, directory, test, cases.get(test['name'], []))
    except (OSError, ValueError, KeyError, xml.ParseError) as error:
        stop(f'no results of the tests in {directory}, meson test returned {status} ({error})')
    if counts.ran() == ran_before:
        stop(f'no test ran in {directory}, meson test returned {status}')
    if status != '0' and counts.failed == failed_before:
        stop(f'meson test returned {status} in {directory}, but no test failed')


def main(arguments):
    counts = Counts()
    not_run = []
    while arguments and arguments[0] == '--not-run':
        not_run.append(arguments[1])
        arguments = arguments[2:]
    for argument in arguments:
        add_directory(counts, *argument.rsplit('=', 1))

    for name, output in counts.complaints:
        print(f'-- FAILED {name}')
        if output:
            print(output)
    for what in not_run:
        counts.skipped += 1
        print(f'not run: {what}')
    print(f'{counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped')
    return 1 if counts.failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
