#!/usr/bin/env python3
"""worked examples: every figure of the texts in scope is what the model's own functions say.

worked_examples.csv beside this file has ids, inputs and values.  What agrees with the texts
must match under physics, what they count otherwise under its convention, and what is wrong in
them must not come out.  With the shared table at hand, ours is compared with it row by row.
"""

import collections
import csv
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SERVESIM = os.environ.get("SERVESIM", "build/dev/servesim")
SHARED = HERE.parents[2] / "shared/background/worked_examples.csv"
RELATIVE = 1e-3
# What no serving model computes.
OUT_OF_SCOPE = {
    "training": "001-001 001-004 001-008 001-009 001-012 001-017",
    "datasheet": "002-002 002-056 003-040 003-041 003-042 003-043 003-044 003-045 003-046 "
                 "003-047 003-048",
    "units": "002-003 002-004 002-005",
    "judged": "000-057 000-058 000-059 001-015 002-015 002-048 003-008 003-028 003-038 "
              "003-039 003-064 003-079 003-080 003-082 003-104 003-109 003-110 003-129 "
              "003-172 004-008",
    "background": "000-046 001-010 001-016 004-001 004-002",
}
# Sums that a text got right in its own convention, which is not physics.
OWN_ARITHMETIC = (
    "000-004 000-005 000-018 000-019 000-020 000-021 000-022 000-023 000-025 000-031 "
    "000-038 000-039 000-040 000-041 000-042 000-043 000-055 002-012 002-017 002-021 "
    "002-024 002-028 003-013 003-053 003-055 003-056 003-069 003-074 003-075 003-130 "
    "003-144 003-169 "
)


def rows_of(lines):
    return {row["id"]: row for row in csv.DictReader(lines)}


def digits(text):
    """Significant digits of a printed number."""
    mantissa = text.lower().split("e")[0].replace(".", "").lstrip("-0")
    return max(len(mantissa), 1)


def is_near(value, expected, relative=RELATIVE):
    return abs(value - float(expected)) <= relative * abs(float(expected))


def rounds_to(value, printed):
    return float(f"{value:.{digits(printed)}g}") == float(printed)


def check_row(row, value, faults):
    """One figure against what it should be."""
    fits = is_near(value, row["expected"])
    if row["verdict"] in ("convention", "rounding"):
        fits = fits or rounds_to(value, row["printed"])
    if row["verdict"] == "wrong":
        fits = fits or rounds_to(value, row["expected"])
        if is_near(value, row["printed"], 1e-4):
            faults.append(f"{row['id']}: reproduces {row['printed']}, which is wrong")
        print(f"{row['id']} {row['quantity']}: {value:.6g}, printed as {row['printed']}")
    if not fits:
        faults.append(f"{row['id']} {row['quantity']} ({row['convention']}): {value}, "
                      f"expected {row['expected']}")
    if row["verdict"] in ("agrees", "rounding") and row["convention"] != "physics":
        if row["id"] not in OWN_ARITHMETIC.split():
            faults.append(f"{row['id']}: agrees, but not under physics")


def check_shared(ours, faults):
    """The shared table: our copy has its values, and every row is ours or out of scope."""
    theirs = rows_of(SHARED.read_text(encoding="utf-8").splitlines())
    out = {name for names in OUT_OF_SCOPE.values() for name in names.split()}
    for name in sorted(theirs.keys() - ours.keys() - out):
        faults.append(f"{name}: neither in worked_examples.csv nor out of scope")
    for name in sorted(ours.keys() & out):
        faults.append(f"{name}: in worked_examples.csv and out of scope")
    for name, row in ours.items():
        other = theirs.get(name)
        if other is None:
            faults.append(f"{name}: not in the shared table")
        elif (row["expected"], row["printed"], row["verdict"]) != (
                other["recomputed_value"], other["stated_value"], other["verdict"]):
            faults.append(f"{name}: our copy differs from the shared table")
    return len(theirs)


def main():
    faults = []
    ours = rows_of((HERE / "worked_examples.csv").read_text(encoding="utf-8").splitlines())
    printed = subprocess.run([SERVESIM, "roofline", "--worked"], stdout=subprocess.PIPE,
                             text=True, check=True).stdout
    got = rows_of(printed.splitlines())
    if got.keys() != ours.keys():
        faults.append(f"rows differ: {sorted(got.keys() ^ ours.keys())}")
    for name in sorted(got.keys() & ours.keys()):
        row = ours[name]
        if (row["quantity"], row["convention"]) != (got[name]["quantity"],
                                                    got[name]["convention"]):
            faults.append(f"{name}: is computed as something else than the table says")
        check_row(row, float(got[name]["value"]), faults)
    verdicts = collections.Counter(row["verdict"] for row in ours.values())
    print(f"in scope: {len(ours)}: {dict(verdicts)}")
    for reason, names in OUT_OF_SCOPE.items():
        print(f"out of scope, {reason}: {names}")
    if SHARED.is_file():
        check_shared(ours, faults)
    else:
        print("skipped: the shared table is not there")
    for fault in faults:
        print(f"FAILED: {fault}")
    sys.exit(1 if faults else 0)


main()
