#!/usr/bin/env python3
"""workload_bands: drawn workloads look like the traces they were fitted to.

configs/workloads/mooncake-conversation.ini and -synthetic.ini against statistics of the traces
that Mooncake published (FAST 2025; github.com/kvcache-ai/Mooncake, Apache-2.0), reasoning-r1.ini
against the aggregates of ServeGen's clients (arXiv 2505.09999). Each statistic is the mean over
SEEDS and must lie within its band of the original's; a band is about three standard errors of
that mean and what the fit is known to miss, which the last column says where it is more than
that. Where the originals lie beside the repository (../shared/traces/mooncake), the distances of
Kolmogorov and Smirnov between lengths are held to bands, too.

Blocks are worked out here from the labels of the plain format: two prompts share the full blocks
of 512 tokens of a common prefix or of their session, and an LRU cache of blocks is asked for them
in the order of requests.
"""

import collections
import concurrent.futures
import csv
import json
import os
import pathlib
import subprocess
import sys

SERVESIM = os.environ.get("SERVESIM", "build/dev/servesim")
ORIGINALS = pathlib.Path("../shared/traces/mooncake")
SEEDS = (1, 2, 3, 4)
BLOCK = 512

CONVERSATION = {  # statistic: (the trace's, band, what the fit misses)
    "rate_rps": (3.40, 0.25, ""),
    "idc_1s": (1.069, 0.08, ""), # of the trace with its ticks of 3 s spread evenly
    "idc_10s": (1.502, 0.4, ""),
    "idc_60s": (2.858, 1.3, ""),
    "prompt_mean": (12035, 700, ""),
    "prompt_p50": (6909, 300, ""),
    "prompt_p90": (27367, 1500, ""),
    "prompt_p99": (85400, 14000, "the longest sessions: 75,000 here"),
    "output_mean": (342.6, 5, ""),
    "output_p50": (350, 5, ""),
    "output_p90": (597, 10, ""),
    "output_p99": (1119, 60, ""),
    "rank_correlation": (0.072, 0.03, ""),
    "ideal_block_hit": (0.3664, 0.025, ""),
    "lru_1000": (0.0445, 0.004, ""),
    "lru_3000": (0.0653, 0.007, ""),
    "lru_10000": (0.2116, 0.02, ""),
    "lru_30000": (0.3257, 0.025, ""),
    "lru_100000": (0.3637, 0.025, ""),
    "continuing": (0.329, 0.035, "edited histories are not drawn"),
    "turns": (1.49, 0.06, ""),
    "single": (0.747, 0.03, ""),
    "gap_p50_s": (123, 12, ""),
    "gap_p90_s": (474, 70, ""),
    "ks_prompt": (0, 0.035, ""),
    "ks_output": (0, 0.02, ""),
}
SYNTHETIC = {
    "rate_rps": (3.907, 0.2, ""),
    "idc_1s": (1.089, 0.15, "it was drawn from a Poisson process, and so is this"),
    "idc_10s": (1.178, 0.35, ""),
    "idc_60s": (1.192, 0.6, ""),
    "prompt_mean": (15325, 1000, ""),
    "prompt_p50": (11587, 1800, "half of the prompts are long, so the median jumps"),
    "prompt_p90": (38611, 3500, ""),
    "prompt_p99": (66456, 14000, "documents of a lognormal length: 76,000 here"),
    "output_mean": (149.1, 10, ""),
    "output_p50": (69, 12, ""),
    "output_p90": (389, 30, ""),
    "rank_correlation": (-0.517, 0.06, ""),
    "ideal_block_hit": (0.6396, 0.045, "0.615: sessions are cut off at both ends"),
    "lru_1000": (0.0841, 0.025, ""),
    "lru_3000": (0.1906, 0.03, ""),
    "lru_10000": (0.4239, 0.03, ""),
    "lru_30000": (0.6242, 0.035, ""),
    "sharing": (0.446, 0.05, "0.417, for the same reason"),
    "ks_prompt": (0, 0.075, ""),
    "ks_output": (0, 0.045, ""),
}
REASONING = { # 72 % of the requests of the day; bands in parts of the value
    "prompt_mean": (1369.4, 0.15 * 1369, ""),
    "prompt_p50": (255, 0.06 * 255, ""),
    "prompt_p90": (2438, 0.12 * 2438, ""),
    "prompt_p99": (21052, 0.3 * 21052, "the tail is heavier than a lognormal one"),
    "output_mean": (1983.4, 0.06 * 1983, ""),
    "output_p50": (909, 0.05 * 909, ""),
    "output_p90": (5089, 0.13 * 5089, "and the tail of outputs is lighter"),
    "output_p99": (14658, 0.25 * 14658, ""),
    "rate_rps": (16.01, 0.3, ""),
    "thought": (0.8, 0.01, ""), # the description's own
}
WORKLOADS = {"mooncake-conversation": (CONVERSATION, "conversation_trace.jsonl"),
             "mooncake-synthetic": (SYNTHETIC, "synthetic_trace.jsonl"),
             "reasoning-r1": (REASONING, None)}


def percentile(values, share):
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1) + 0.5)]


def mean(values):
    return sum(values) / len(values)


def dispersion(arrivals, window_s):
    """Variance over mean of the counts in whole windows."""
    counts = collections.Counter(int((at - arrivals[0]) / window_s) for at in arrivals)
    n = int((arrivals[-1] - arrivals[0]) / window_s)
    values = [counts[i] for i in range(n)]
    middle = mean(values)
    return mean([(value - middle) ** 2 for value in values]) / middle


def ranks(values):
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    first = 0
    while first < len(order):
        last = first
        while last + 1 < len(order) and values[order[last + 1]] == values[order[first]]:
            last += 1
        for i in order[first:last + 1]:
            found[i] = (first + last) / 2
        first = last + 1
    return found


def correlation(a, b):
    mean_a, mean_b = mean(a), mean(b)
    both = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b))
    return both / (sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)) ** 0.5


def distance(a, b):
    """Kolmogorov and Smirnov's."""
    count_a, count_b = collections.Counter(a), collections.Counter(b)
    up_a = up_b = most = 0
    for value in sorted(count_a | count_b):
        up_a += count_a[value]
        up_b += count_b[value]
        most = max(most, abs(up_a / len(a) - up_b / len(b)))
    return most


def blocks_of(rows):
    """Each prompt as the ids of its blocks."""
    ids, found = {}, []
    for number, row in enumerate(rows):
        tokens, shared = int(row["prompt_tokens"]), int(row.get("prefix_tokens") or 0)
        owner = ("session", row.get("session_id") or f"row {number}")
        names = [("prefix", row["prefix_hash"], at) if at + BLOCK <= shared
                 else (*owner, at, min(BLOCK, tokens - at)) for at in range(0, tokens, BLOCK)]
        found.append([ids.setdefault(name, len(ids)) for name in names])
    return found


def hit_rate(prompts, capacity):
    """Of blocks, in a cache of so many that forgets what was asked for longest ago."""
    cache, hits = collections.OrderedDict(), 0
    for prompt in prompts:
        for block in prompt:
            if block in cache:
                hits += 1
                cache.move_to_end(block)
            else:
                cache[block] = None
                if len(cache) > capacity:
                    cache.popitem(last=False)
    return hits / sum(map(len, prompts))


def sharing(prompts):
    """Requests of which more than the first block was there before."""
    seen, n = set(), 0
    for prompt in prompts:
        n += sum(block in seen for block in prompt) > 1
        seen.update(prompt)
    return n / len(prompts)


def of_sessions(rows):
    last, gaps = {}, []
    turns = collections.Counter(row["session_id"] for row in rows)
    for row in rows:
        if row["session_id"] in last:
            gaps.append(float(row["arrival_s"]) - last[row["session_id"]])
        last[row["session_id"]] = float(row["arrival_s"])
    return {"continuing": len(gaps) / len(rows), "turns": mean(list(turns.values())),
            "single": sum(n == 1 for n in turns.values()) / len(turns),
            "gap_p50_s": percentile(gaps, 0.5), "gap_p90_s": percentile(gaps, 0.9)}


def of_lengths(name, values):
    return {f"{name}_mean": mean(values), **{f"{name}_p{round(100 * share)}":
            percentile(values, share) for share in (0.5, 0.9, 0.99)}}


def original_lengths(trace):
    path = ORIGINALS / trace if trace else None
    if path is None or not path.exists():
        return None
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row["input_length"] for row in rows], [row["output_length"] for row in rows]


def statistics_of(task):
    """Of one workload drawn with one seed."""
    workload, seed = task
    done = subprocess.run([SERVESIM, "gen", f"configs/workloads/{workload}.ini", "-s",
                           f"workload.seed={seed}"], stdout=subprocess.PIPE, text=True, check=True)
    rows = list(csv.DictReader(done.stdout.splitlines()))
    arrivals = [float(row["arrival_s"]) for row in rows]
    prompts = [int(row["prompt_tokens"]) for row in rows]
    outputs = [int(row["output_tokens"]) for row in rows]
    bands, trace = WORKLOADS[workload]
    found = {**of_lengths("prompt", prompts), **of_lengths("output", outputs),
             "rate_rps": len(rows) / (arrivals[-1] - arrivals[0]),
             "rank_correlation": correlation(ranks(prompts), ranks(outputs))}
    found |= {f"idc_{window}s": dispersion(arrivals, window) for window in (1, 10, 60)}
    if "thought" in bands:
        found["thought"] = sum(int(row["reasoning_tokens"]) for row in rows) / sum(outputs)
    if "ideal_block_hit" in bands:
        blocks = blocks_of(rows)
        found |= {"ideal_block_hit": hit_rate(blocks, 10 ** 9), "sharing": sharing(blocks)}
        found |= {name: hit_rate(blocks, int(name[4:])) for name in bands
                  if name.startswith("lru_")}
    if "turns" in bands:
        found |= of_sessions(rows)
    original = original_lengths(trace)
    if original:
        found |= {"ks_prompt": distance(prompts, original[0]),
                  "ks_output": distance(outputs, original[1])}
    return workload, found


def main():
    faults, n, skipped = [], 0, 0
    found = collections.defaultdict(list)
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        for workload, values in pool.map(statistics_of, [(workload, seed) for workload in WORKLOADS
                                                         for seed in SEEDS]):
            found[workload].append(values)
    for workload, (bands, _) in WORKLOADS.items():
        for name, (expected, band, misses) in bands.items():
            if name not in found[workload][0]:
                skipped += 1
                continue
            got = mean([values[name] for values in found[workload]])
            n += 1
            line = f"{workload} {name}: {got:.4f}, the original {expected}, band {band:g}"
            if "-v" in sys.argv[1:]:
                print(line, misses)
            if abs(got - expected) > band:
                faults.append(line)
    print("\n".join(faults) or f"{n} statistics within their bands, {skipped} without an original")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
