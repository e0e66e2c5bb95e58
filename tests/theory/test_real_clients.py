#!/usr/bin/env python3
"""real_clients: ServeGen's published clients of DeepSeek-R1, drawn for a day.

Every client and every ten minutes have as many requests as the files say within 4.5
standard errors, the variance of a count being at most cv^2 (at least 1) times its mean; and
the day is what servegen_summary.json says of it. Exit 77: the files are not here.
"""

import collections
import csv
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVESIM = os.environ.get("SERVESIM", "build/dev/servesim")
SHARED = ROOT.parent / "shared/traces"
CLIENTS = SHARED / "servegen/deepseek-r1"
WINDOW_S = 600
# For about 4,000 counts and the few sums together: 4.5 errors are odds of 1 in 150,000 each,
# but counts of bursty clients are skewed.
ERRORS = 4.5
BURSTY = 8


def described():
    """{client: {window: (expected requests, their variance)}}"""
    found = {}
    for path in CLIENTS.glob("chunk-*-trace.csv"):
        name = path.name.removesuffix("-trace.csv")
        with open(path, encoding="utf-8") as file:
            found[name] = {
                int(float(start)) // WINDOW_S:
                    (float(rate) * WINDOW_S,
                     float(rate) * WINDOW_S * max(1, float(cv or 0)) ** 2)
                for start, rate, cv, *_ in csv.reader(file)}
    return found


def drawn(folder):
    """{client: {window: requests}}"""
    trace = pathlib.Path(folder) / "r1.csv"
    subprocess.run([SERVESIM, "gen", "configs/workloads/servegen-r1.ini", "-s",
                    f"arrivals.clients={CLIENTS}", "-o", trace], check=True)
    counts = collections.defaultdict(collections.Counter)
    with open(trace, encoding="utf-8") as file:
        next(file)
        for line in file:
            arrival, _, _, tenant = line.rstrip().split(",")
            counts[tenant][int(float(arrival)) // WINDOW_S] += 1
    return counts


def compare(what, got, expected, variance, faults, errors=ERRORS):
    if abs(got - expected) > errors * math.sqrt(variance) + 1e-9:
        faults.append(f"{what}: {got} requests, not {expected:.1f} +- {math.sqrt(variance):.1f}")


def check_counts(expected, counts, faults):
    windows = collections.defaultdict(lambda: [0, 0, 0])
    for name, of in expected.items():
        sums = [0, 0, 0]
        for window, (mean, variance) in of.items():
            got = counts[name][window]
            for into in (sums, windows[window]):
                into[0] += got
                into[1] += mean
                into[2] += variance
            compare(f"{name} in window {window}", got, mean, variance, faults, BURSTY)
        compare(name, *sums, faults)
    for window, sums in windows.items():
        compare(f"window {window}", *sums, faults)
    if set(counts) - set(expected):
        faults.append(f"nobody knows {set(counts) - set(expected)}")


def check_summary(counts, faults):
    """Figures printed with 3 digits; a share of 1.4 million has an error far below that,
    those of the bursty ones 0.5 %."""
    facts = next(pool for pool in json.loads((SHARED / "servegen_summary.json").read_text())
                 if pool["pool"] == "reason/deepseek-r1")
    by_client = sorted((sum(of.values()) for of in counts.values()), reverse=True)
    total = sum(by_client)
    for name, got, off in (("mean_rate_rps", total / 86400, 0.01),
                           ("top1_share", by_client[0] / total, 0.02),
                           ("top10_share", sum(by_client[:10]) / total, 0.02)):
        if abs(got / facts[name] - 1) > off:
            faults.append(f"{name}: {got:.4g}, not {facts[name]}")
    if len(counts) != facts["clients"]:
        faults.append(f"{len(counts)} clients, not {facts['clients']}")


def main():
    if not CLIENTS.is_dir():
        print("skipped: ServeGen's clients are not here")
        return 77
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        counts = drawn(folder)
    check_counts(described(), counts, faults)
    check_summary(counts, faults)
    print(*faults, sep="\n")
    return 1 if faults else 0


sys.exit(main())
