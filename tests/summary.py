#!/usr/bin/python3
"""Adds up one run of ./dev test: its last line is 'N passed, N failed, N skipped', alone on a line.

    tests/summary.py RESULTS

RESULTS holds `stages` (rows 'passed|failed NAME') and, for every build whose tests ran, a folder with ctest.xml
(JUnit) and gtest/*.xml. A GoogleTest program counts with each of its test cases; any other test or stage counts one.
A stage of tests is the sum of them, so it is not counted again, unless it failed without a failed test.
"""
import os
import sys
import xml.etree.ElementTree as ElementTree


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []

    def merge(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def skip_reason(case):
    """GoogleTest writes 'FILE:LINE', a line break, and the reason."""
    skipped = case.find("skipped")
    message = (skipped.get("message") or "") if skipped is not None else "disabled"
    return " (%s)" % message.strip().split("\n")[-1] if message else ""


def gtest_tally(path):
    """The cases of one program, or None where it died before it wrote a whole report."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    tally = Tally()
    for case in root.iter("testcase"):
        name = "%s.%s" % (case.get("classname"), case.get("name"))
        if case.find("failure") is not None:
            tally.failed.append(name)
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            tally.skipped.append(name + skip_reason(case))
        else:
            tally.passed += 1
    return tally


def ctest_tally(folder):
    tally = Tally()
    for case in ElementTree.parse(os.path.join(folder, "ctest.xml")).getroot().iter("testcase"):
        name, status = case.get("name"), case.get("status")
        cases = gtest_tally(os.path.join(folder, "gtest", name + ".xml"))
        if cases is not None:
            tally.merge(cases)
        if status == "fail":
            # A program can fail with every case passed: a leak found at exit, a crash, a time limit.
            if cases is None or not cases.failed:
                tally.failed.append(name)
        elif status != "run":
            tally.skipped.append(name)
        elif cases is None:
            tally.passed += 1
    return tally


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    results = sys.argv[1]
    total = Tally()
    with open(os.path.join(results, "stages"), encoding="utf-8") as stages:
        rows = [line.rstrip("\n").split(" ", 1) for line in stages]
    for outcome, stage in rows:
        folder = os.path.join(results, stage.split(" ")[0])
        if stage.endswith(" tests") and os.path.exists(os.path.join(folder, "ctest.xml")):
            tally = ctest_tally(folder)
            if outcome == "failed" and not tally.failed:
                tally.failed.append("the stage itself")
            tally.failed = ["%s: %s" % (stage, name) for name in tally.failed]
            tally.skipped = ["%s: %s" % (stage, name) for name in tally.skipped]
            total.merge(tally)
        elif outcome == "failed":
            total.failed.append(stage)
        else:
            total.passed += 1
    for word, names in (("skipped", total.skipped), ("FAILED", total.failed)):
        for name in names:
            print("%s: %s" % (word, name))
    print("%d passed, %d failed, %d skipped" % (total.passed, len(total.failed), len(total.skipped)))
    sys.exit(1 if total.failed else 0)


if __name__ == "__main__":
    main()
