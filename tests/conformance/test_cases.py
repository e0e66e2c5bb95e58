#!/usr/bin/env python3
"""cases: what vLLM v1's rules make of a few requests, step by step, worked out by hand.

Each folder in cases/ holds a configuration, a trace of three to six requests, the steps they
must take, in the order of planning (preemptions last), and the times they must have, in
milliseconds; the comments are the reasoning. The program must agree three ways: step by
step, with every step written, and in spans.
"""

import csv
import pathlib
import sys
from fractions import Fraction

sys.path.insert(0, "tests/golden")
import runs  # noqa: E402

CASES = pathlib.Path("tests/conformance/cases")
LEAST_CASES = 99


def read_expected(path):
    """The rows of a table with comments; columns in ms become ns."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines()
             if not line.startswith("#")]
    rows = []
    for row in csv.DictReader(lines):
        for name in [name for name in row if name.endswith("_ms")]:
            text = row.pop(name)
            ns = Fraction(text) * 10**6 if text else None
            assert ns is None or ns.denominator == 1, f"{path}: {text}"
            row[name[:-3] + "_s"] = int(ns) if text else None
        rows.append(row)
    return rows


def found_row(row, expected):
    return {name: (runs.to_ns(row[name]) if row[name] else None) if name.endswith("_s")
            else row[name] for name in expected}


def compare(what, path, expected):
    """Sentences about the rows that are not as expected."""
    found = runs.read_table(path)
    faults = [] if len(found) == len(expected) else [
        f"{what}: {len(found)} rows of {path.name}, expected {len(expected)}"]
    for i, (row, wanted) in enumerate(zip(found, expected), 1):
        row["request"] = row["request_id"]
        if row.get("preempted") is not None and (row["preempted"] == "1") != (
                row["kind"] == "preempt"):
            faults.append(f"{what}: row {i}: preempted is {row['preempted']}")
        got = found_row(row, wanted)
        if got != wanted:
            faults.append(f"{what}: {path.name} row {i}\n    expected {wanted}\n    found    {got}")
    return faults


def try_case(folder):
    """Runs a case in its three ways; what is not as expected."""
    steps, requests = (read_expected(folder / f"{name}.csv") for name in ("steps", "requests"))
    faults = []
    with runs.work_folder() as out:
        for what, settings, stepwise in (("stepwise", ["output.steps=yes"], True),
                                         ("every step written", ["output.steps=yes"], False),
                                         ("spans", [], False)):
            results = pathlib.Path(out) / what
            runs.run(folder / "config.ini", results,
                     [f"workload.trace={folder}/trace.csv", *settings], stepwise)
            faults += compare(what, results / "requests.csv", requests)
            if settings:
                faults += compare(what, results / "steps.csv", steps)
        # a case that is changed must fail
        steps[-1]["tokens"] = str(int(steps[-1]["tokens"]) + 1)
        if not compare("changed", pathlib.Path(out) / "stepwise" / "steps.csv", steps):
            faults.append("a changed step goes unnoticed")
    return faults


def main():
    folders = sorted(path for path in CASES.iterdir() if path.is_dir())
    n_failed = 0
    for folder in folders:
        faults = try_case(folder)
        n_failed += bool(faults)
        print(f"{'FAILED' if faults else 'ok'}: {folder.name}")
        for fault in faults[:3]:
            print(f"  {fault}")
    print(f"{len(folders)} cases, {n_failed} failed")
    sys.exit(1 if n_failed or len(folders) < LEAST_CASES else 0)


if __name__ == "__main__":
    main()
