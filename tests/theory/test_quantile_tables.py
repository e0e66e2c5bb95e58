#!/usr/bin/env python3
"""quantile_tables: lengths drawn from a table of an original's quantiles look like its own.

Whoever made the tables found a Kolmogorov-Smirnov distance of 0.018 at most between their
log-linear inverse and the originals, and means within 1.1 %; a trace of n requests adds an
error of about 1.63 / sqrt(n) at 1 %, and the mean one of cv / sqrt(n). Exit 77: the files are
not here.
"""

import csv
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy

SERVESIM = pathlib.Path(os.environ.get("SERVESIM", "build/dev/servesim")).resolve()
SHARED = pathlib.Path(__file__).resolve().parents[3] / "shared/traces"
N = 40_000
TRACES = {"azure2023_conv": "AzureLLMInferenceTrace_conv.csv",
          "azure2023_code": "AzureLLMInferenceTrace_code.csv"}


def tables():
    """{trace: {"input": [(share, tokens)], "output": ...}}"""
    found = {}
    with open(SHARED / "length_quantiles.csv", encoding="utf-8") as file:
        rows = csv.reader(file)
        shares = [name[1:] for name in next(rows)[2:]]
        for trace, field, *tokens in rows:
            found.setdefault(trace, {})[field] = list(zip(shares, tokens))
    return found


def draw(folder, knots):
    """The lengths drawn from both tables."""
    text = (f"[workload]\nrequests = {N}\n[arrivals]\nprocess = constant\nrate_rps = 1\n")
    for section, field in (("prompt", "input"), ("output", "output")):
        lines = "".join(f"{share},{tokens}\n" for share, tokens in knots[field])
        (folder / f"{field}.csv").write_text(lines)
        text += (f"[{section}]\ndistribution = quantiles\nquantiles_file = {field}.csv\n"
                 "between = log\n")
    (folder / "w.ini").write_text(text)
    subprocess.run([SERVESIM, "gen", "w.ini", "-o", "w.csv"], cwd=folder, check=True)
    drawn = numpy.loadtxt(folder / "w.csv", delimiter=",", skiprows=1, usecols=(1, 2))
    return drawn[:, 0], drawn[:, 1]


def distance(a, b):
    values = numpy.union1d(a, b)
    return max(abs(numpy.searchsorted(numpy.sort(a), values, "right") / len(a)
                   - numpy.searchsorted(numpy.sort(b), values, "right") / len(b)))


def main():
    if not SHARED.is_dir():
        print("skipped: the original traces are not here")
        return 77
    faults = []
    for trace, name in TRACES.items():
        original = numpy.loadtxt(SHARED / "azure2023" / name, delimiter=",", skiprows=1,
                                 usecols=(1, 2))
        with tempfile.TemporaryDirectory() as folder:
            drawn = draw(pathlib.Path(folder), tables()[trace])
        for i, field in enumerate(("prompts", "outputs")):
            own = original[:, i]
            off = abs(drawn[i].mean() / own.mean() - 1)
            far = distance(drawn[i], own)
            if far > 0.018 + 1.63 / math.sqrt(N):
                faults.append(f"{trace}: {field} are {far:.4f} away")
            if off > 0.011 + 3 * own.std() / own.mean() / math.sqrt(N):
                faults.append(f"{trace}: the mean of {field} is off by {off:.4f}")
            if drawn[i].min() < own.min() or drawn[i].max() > own.max():
                faults.append(f"{trace}: {field} reach beyond the original's")
            print(f"{trace} {field}: distance {far:.4f}, mean off by {off:.4f}")
    print(*faults, sep="\n")
    return 1 if faults else 0


sys.exit(main())
