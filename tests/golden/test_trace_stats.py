#!/usr/bin/env python3
"""trace_stats: `servesim trace stats` reproduces the reference figures of the published traces,
figure by figure to their last printed digit, and its figures have the same names everywhere.
"""

import csv
import json
import math
import pathlib
import random
import statistics
import sys

import runs

TRACES = pathlib.Path("../shared/traces")
MOONCAKE = TRACES / "mooncake/conversation_trace.jsonl"
FILES = {"azure2023_conv": runs.CONV, "azure2023_code": runs.CODE,
         "mooncake_conversation(raw 3s ticks)": MOONCAKE,
         "mooncake_synthetic": TRACES / "mooncake/synthetic_trace.jsonl",
         "vidur_arxiv_summarization":
             TRACES / "vidur/arxiv_summarization_stats_llama2_tokenizer_filtered_v2.csv"}
NAMES = {"n": "requests", "duration_s": "span", "peak60_tumbling_rps": "peak_rate_60s",
         "min60_rps": "least_rate_60s", "peak60_sliding_rps": "peak_rate_60s_sliding",
         "iat_cv": "gap_cv", "idc1": "idc_1s", "idc10": "idc_10s", "idc60": "idc_60s",
         "pearson": "pearson", "pearson_log": "pearson_log", "spearman": "spearman",
         **{f"{a}_{figure}": f"{b}_{figure}" for a, b in (("in", "prompt"), ("out", "output"))
            for figure in ("cv", "p50", "p90", "p99", "max", "min")},
         "in_mean": "mean_prompt_tokens", "out_mean": "mean_output_tokens"}
N_SPREADS = 60


def stats(root, path, *options):
    runs.execute(["trace", "stats", path, "-o", root / "stats.csv", *options])
    rows = runs.read_table(root / "stats.csv")
    return {row["metric"]: row["value"] for row in rows}


def references():
    with open(TRACES / "trace_stats.csv", encoding="utf-8", newline="") as file:
        return {row["trace"]: row for row in csv.DictReader(file)}


def agrees(seen, printed):
    """Whether the value is what was printed with four digits (or all, of whole numbers)."""
    reference = float(printed)
    digit = 10.0 ** (math.floor(math.log10(abs(reference))) - 3) if reference else 0
    return abs(float(seen) - reference) <= 0.5 * digit + 6e-7


def the_reference_figures_come_out(root):
    """Every figure of trace_stats.csv of every trace that is here."""
    faults = []
    n_compared = 0
    for name, path in FILES.items():
        reference = references()[name]
        seen = stats(root, path)
        if reference["duration_s"]:  # the reference counts all requests, mean_rate the gaps
            seen["rate"] = float(seen["requests"]) / float(seen["span"])
        for key, metric in {**NAMES, "rate_rps": "rate"}.items():
            if reference[key]:
                n_compared += 1
                if not agrees(seen[metric], reference[key]):
                    faults.append(f"{name}: {metric} is {seen[metric]}, {key} {reference[key]}")
    if n_compared < 4 * 26 + 18:
        faults.append(f"only {n_compared} figures were compared")
    return faults


def spread(arrivals_ms, rng):
    """Mooncake's arrivals moved off their ticks, in seconds: the figures of that column."""
    moved = sorted(at / 1000 + rng.uniform(0, 3) for at in arrivals_ms)
    moved = [at - moved[0] for at in moved]
    gaps = [b - a for a, b in zip(moved, moved[1:])]
    figures = {"rate_rps": len(moved) / moved[-1],
               "iat_cv": statistics.pstdev(gaps) / statistics.fmean(gaps)}
    for width in (1, 10, 60):
        counts = [0] * int(moved[-1] // width)
        for at in moved:
            if at < width * len(counts):
                counts[int(at // width)] += 1
        figures[f"idc{width}"] = statistics.pvariance(counts) / statistics.fmean(counts)
    figures["peak60_tumbling_rps"] = max(counts) / 60
    figures["min60_rps"] = min(counts) / 60
    return figures


def ticks_that_are_spread_are_as_others_spread_them(root):
    """--detick 3s is one more of many spreads, and so is the reference's column."""
    rng = random.Random(4099)
    with open(MOONCAKE, encoding="utf-8") as file:
        arrivals_ms = [json.loads(line)["timestamp"] for line in file]
    spreads = [spread(arrivals_ms, rng) for _ in range(N_SPREADS)]
    seen = stats(root, MOONCAKE, "--detick", "3s")
    seen["rate"] = float(seen["requests"]) / float(seen["span"])
    reference = references()["mooncake_conversation(+U[0,3)s jitter)"]
    faults = []
    for key in spreads[0]:
        values = [figures[key] for figures in spreads]
        mean, deviation = statistics.fmean(values), statistics.stdev(values)
        # the reference is printed with four digits
        for whose, value, digit in (
                ("trace stats", seen["rate" if key == "rate_rps" else NAMES[key]], 0),
                ("STATS.md", reference[key], 0.0005)):
            if abs(float(value) - mean) > 4 * deviation + digit:
                faults.append(f"{key}: {whose} has {value}, {N_SPREADS} spreads "
                              f"{mean:.6g} +- {deviation:.2g}")
    return faults


def sessions_are_those_of_the_reference(root):
    """Mooncake's conversations by their hash ids: mooncake_reuse.json."""
    faults = []
    for reference in json.loads((TRACES / "mooncake_reuse.json").read_text(encoding="utf-8")):
        seen = stats(root, TRACES / f"mooncake/{reference['trace']}_trace.jsonl")
        for metric, key, off in (
                ("sessions", "sessions", 0), ("continuation_share", "frac_continuations", 6e-7),
                ("single_turn_share", "sessions_single", 6e-7),
                ("mean_turns", "session_len_mean", 6e-7), ("turns_p90", "session_len_p90", 0),
                ("turns_p99", "session_len_p99", 0), ("turns_max", "session_len_max", 0),
                ("mean_turn_gap", "turn_gap_s_mean", 6e-7),
                # nearest rank here, between ranks there: a few milliseconds
                ("turn_gap_p50", "turn_gap_s_p50", 0.003),
                ("turn_gap_p90", "turn_gap_s_p90", 0.003)):
            if abs(float(seen[metric]) - reference[key]) > off:
                faults.append(f"{reference['trace']}: {metric} is {seen[metric]}, "
                              f"{key} {reference[key]}")
    return faults


OWN = """arrival_s,prompt_tokens,output_tokens,tenant,priority,session_id,class
0,13,7,red,0,s1,chat
0.5,40,7,blau-grün,3,s2,chat
1.25,33,7,red,3,s1,
3.5,14,8,red,-1,,batch
4.0,60,8,green,0,s1,batch
"""
OWN_FIGURES = {"requests": "5", "span": "4.000000000", "instants": "5", "mean_rate": "1.000000",
               "gap_cv": "0.728869", "idc_1s": "0.550000", "idc_10s": "",
               "peak_rate_60s": "", "peak_rate_60s_sliding": "0.083333",
               "sessions": "2", "requests_in_sessions": "4", "continuation_share": "0.500000",
               "single_turn_share": "0.500000", "mean_turns": "2.000000", "turns_max": "3",
               "mean_turn_gap": "2.000000", "turn_gap_p50": "1.250000",
               "tenants": "3", "tenant:red": "3", "tenant:blau-grün": "1", "tenant:green": "1",
               "classes": "2", "class:chat": "2", "class:batch": "2", "class:(others)": "1",
               "priorities_other_than_0": "2", "priority:3": "2", "priority:-1": "1",
               "priority:(others)": "2"}
FAILURES = """Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45,ChatGPT,1087,0,1087,Conversation log
118,GPT-4,417,276,693,API log
"""


def labels_sessions_and_failures_are_counted(root):
    """A trace small enough to count by hand, and one with a request that failed."""
    (root / "own.csv").write_text(OWN, encoding="utf-8")
    (root / "failures.csv").write_text(FAILURES, encoding="utf-8")
    seen = stats(root, root / "own.csv")
    faults = [f"{metric} is {seen.get(metric)!r}, not {value!r}"
              for metric, value in OWN_FIGURES.items() if seen.get(metric) != value]
    seen = stats(root, root / "failures.csv")
    if (seen["requests"], seen["failed_requests"], seen["mean_prompt_tokens"]) != (
            "2", "1", "444.500"):
        faults.append(f"of two requests and a failure: {seen}")
    return faults


def main():
    tests = [labels_sessions_and_failures_are_counted]
    if MOONCAKE.exists() and runs.CONV.exists():
        tests += [the_reference_figures_come_out,
                  ticks_that_are_spread_are_as_others_spread_them,
                  sessions_are_those_of_the_reference]
    faults = []
    for test in tests:
        with runs.work_folder() as folder:
            faults += [f"{test.__name__}: {fault}" for fault in test(pathlib.Path(folder))]
    for fault in faults:
        print("FAILED:", fault)
    print(f"{len(tests)} tests, {len(faults)} faults")
    return 1 if faults else 0


sys.exit(main())
