#!/usr/bin/env python3
"""trace_fit: traces drawn from fitted descriptions look like the originals, the published ones
and those that a generator has made.
"""

import json
import math
import pathlib
import statistics
import sys

import runs

MOONCAKE = pathlib.Path("../shared/traces/mooncake")
MODELS = pathlib.Path("../shared/traces/trace_models.json")
# Name in trace_models.json: the file, options, the process that must be chosen, and for how
# many traces' sake the test draws (short traces scatter more).
PUBLISHED = {
    "azure2023_conv": (runs.CONV, [], "cox"),
    "azure2023_code": (runs.CODE, [], "onoff"),
    "mooncake_conversation": (MOONCAKE / "conversation_trace.jsonl", ["--detick", "3s"], "cox"),
    "mooncake_synthetic": (MOONCAKE / "synthetic_trace.jsonl", [], "poisson"),
}
ARRIVALS = ("gap_cv", "idc_1s", "idc_10s", "idc_60s", "peak_rate_60s")
SEEDS = range(11, 23)
# A trace of the same kind lies so many deviations from the mean of 12 once in some hundreds.
MOST_DEVIATIONS = 3.5


def stats(root, path, *options):
    runs.execute(["trace", "stats", path, "-o", root / "stats.csv", *options])
    return {row["metric"]: row["value"] for row in runs.read_table(root / "stats.csv")}


def value_of(spec, section, key):
    text = spec.read_text(encoding="utf-8").split(f"[{section}]\n")[1].split("\n[")[0]
    return next(line.split(" = ")[1] for line in text.splitlines()
                if line.startswith(f"{key} = "))


def lengths_of(path):
    """Prompts and outputs of a trace of ours, of Azure or of Mooncake."""
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [[row[key] for row in rows] for key in ("input_length", "output_length")]
    rows = runs.read_table(path)
    names = ("ContextTokens", "GeneratedTokens")
    names = names if names[0] in rows[0] else ("prompt_tokens", "output_tokens")
    return [[int(row[name]) for row in rows] for name in names]


def distance(one, other):
    """Kolmogorov and Smirnov's, of two samples."""
    one, other = sorted(one), sorted(other)
    greatest = i = j = 0
    while i < len(one) and j < len(other):
        value = min(one[i], other[j])
        while i < len(one) and one[i] == value:
            i += 1
        while j < len(other) and other[j] == value:
            j += 1
        greatest = max(greatest, abs(i / len(one) - j / len(other)))
    return greatest


def compare_arrivals(name, original, drawn):
    """The original must be one of those that are drawn, as far as their scatter tells."""
    faults = []
    for metric in ARRIVALS:
        if original[metric] == "":
            continue
        values = [float(figures[metric]) for figures in drawn]
        mean, deviation = statistics.fmean(values), statistics.stdev(values)
        value = float(original[metric])
        if abs(value - mean) > MOST_DEVIATIONS * deviation * math.sqrt(1 + 1 / len(values)):
            faults.append(f"{name}: {metric} is {value:.4g}, drawn {mean:.4g} +- {deviation:.2g}")
    return faults


def compare_ranks(name, original, drawn):
    """Ranks of n requests correlate by chance to 1 / sqrt(n)."""
    error = 1 / math.sqrt(float(original["requests"]))
    mean = statistics.fmean(float(figures["spearman"]) for figures in drawn)
    if abs(mean - float(original["spearman"])) > 0.01 + 4 * error / math.sqrt(len(drawn)):
        return [f"{name}: spearman is {original['spearman']}, drawn {mean:.4g}"]
    return []


def draw(root, spec):
    """Figures of some traces, and the lengths of all."""
    figures, lengths = [], [[], []]
    for seed in SEEDS:
        path = root / f"drawn{seed}.csv"
        runs.execute(["gen", spec, "-s", f"workload.seed={seed}", "-o", path])
        figures.append(stats(root, path))
        for kind, more in zip(lengths, lengths_of(path)):
            kind += more
    return figures, lengths


def published_traces_are_fitted_as_well_as_by_hand(root):
    """As good as the fits of trace_models.json, or better: arrivals, lengths, correlation."""
    faults = []
    models = json.loads(MODELS.read_text(encoding="utf-8"))
    for name, (path, options, process) in PUBLISHED.items():
        spec = root / "spec.ini"
        runs.execute(["trace", "fit", path, "-o", spec, *options])
        if value_of(spec, "arrivals", "process") != process:
            faults.append(f"{name}: not {process}, {value_of(spec, 'arrivals', 'process')}")
        original = stats(root, path, *options)
        drawn, lengths = draw(root, spec)
        faults += compare_arrivals(name, original, drawn) + compare_ranks(name, original, drawn)
        for kind, ours, theirs in zip(("input", "output"), lengths, lengths_of(path)):
            by_hand = models[name][kind]["KS"]
            found = distance(ours, theirs)
            if found > by_hand or found > 0.02:
                faults.append(f"{name}: {kind} is {found:.4f} away, by hand {by_hand}")
    return faults


MADE = """[workload]
requests = 9000
seed = 3
copula_rho = 0.4
[arrivals]
process = gamma
rate_rps = 7.3
cv = 1.9
[prompt]
distribution = lognormal_mix
w = 0.7, 0.3
mu = 6.1, 8.2
sigma = 0.5, 0.1
max = 5000
[output]
distribution = lognormal_mix
w = 1
mu = 4.7
sigma = 0.9
max = 900
"""


def a_generator_is_found_again(root):
    """From a trace of known making: its parameters; drawn anew, the same figures."""
    (root / "made.ini").write_text(MADE, encoding="utf-8")
    runs.execute(["gen", root / "made.ini", "-o", root / "made.csv"])
    spec = root / "found.ini"
    runs.execute(["trace", "fit", root / "made.csv", "-o", spec])
    faults = []
    for section, key, expected, off in (
            # standard errors: 1.9 / sqrt(9000) of the rate, some 6 % of the shape,
            # 1 / sqrt(9000) of mu and rho
            ("arrivals", "rate_rps", 7.3, 0.08 * 7.3), ("arrivals", "shape", 1 / 1.9**2, 0.06),
            ("workload", "copula_rho", 0.4, 0.04), ("output", "mu", 4.7, 0.04),
            ("output", "sigma", 0.9, 0.03)):
        found = value_of(spec, section, key)
        if not abs(float(found) - expected) < off:
            faults.append(f"{section}.{key} is {found}, not {expected}")
    mus = [float(mu) for mu in value_of(spec, "prompt", "mu").split(", ")]
    if len(mus) != 2 or abs(min(mus) - 6.1) > 0.05 or abs(max(mus) - 8.2) > 0.02:
        faults.append(f"prompts: {mus}")
    if value_of(spec, "arrivals", "process") != "gamma":
        faults.append(f"process {value_of(spec, 'arrivals', 'process')}")
    original = stats(root, root / "made.csv")
    drawn, _ = draw(root, spec)
    return faults + compare_arrivals("made", original, drawn) + compare_ranks(
        "made", original, drawn)


def the_same_trace_gives_the_same_description(root):
    """With or without -o, and twice."""
    (root / "made.ini").write_text(MADE, encoding="utf-8")
    runs.execute(["gen", root / "made.ini", "-s", "workload.requests=700", "-o",
                  root / "made.csv"])
    runs.execute(["trace", "fit", root / "made.csv", "-o", root / "one.ini"])
    runs.execute(["trace", "fit", root / "made.csv", "-o", root / "two.ini"])
    one, two = ((root / name).read_bytes() for name in ("one.ini", "two.ini"))
    return [] if one == two else ["two fits of one trace differ"]


def main():
    tests = [a_generator_is_found_again, the_same_trace_gives_the_same_description]
    if MODELS.exists() and runs.CONV.exists():
        tests.append(published_traces_are_fitted_as_well_as_by_hand)
    faults = []
    for test in tests:
        with runs.work_folder() as folder:
            faults += [f"{test.__name__}: {fault}" for fault in test(pathlib.Path(folder))]
    for fault in faults:
        print("FAILED:", fault)
    print(f"{len(tests)} tests, {len(faults)} faults")
    return 1 if faults else 0


sys.exit(main())
