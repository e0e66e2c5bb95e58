#!/usr/bin/env python3
"""Statistics of request traces, to hold a generated trace against the original.

    trace_stats.py FILE...

reads plain traces (arrival_s,prompt_tokens,output_tokens) and Azure ones
(TIMESTAMP,ContextTokens,GeneratedTokens), .gz too, and prints one column per file:

    iat_cv          standard deviation / mean of the gaps between arrivals
    idcW            variance / mean of the counts in whole windows of W seconds from the
                    first arrival on (1 for Poisson arrivals at any W)
    peak60, min60   the busiest and the idlest of the 60 s windows, in requests/s
    in_*, out_*     prompt and output tokens; percentiles interpolate between ranks
    pearson         correlation of prompt and output, of their logarithms (pearson_log),
                    of their ranks (spearman)
"""

import argparse
import csv
import datetime
import gzip
import math
import statistics
import sys

AZURE = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"]
PLAIN = ["arrival_s", "prompt_tokens", "output_tokens"]


def azure_seconds(text):
    """Seconds since the epoch as a whole number and a fraction, exact to 0.1 us."""
    whole, _, fraction = text.partition(".")
    moment = datetime.datetime.strptime(whole, "%Y-%m-%d %H:%M:%S")
    moment = moment.replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp()), float("0." + (fraction.split("+")[0] or "0"))


def read(path):
    """Arrivals in seconds since the first one, prompts and outputs in tokens."""
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        names = AZURE if header[:1] == AZURE[:1] else PLAIN
        if any(name not in header for name in names):
            sys.exit(f"{path}:1: expected the columns {', '.join(PLAIN)} "
                     f"or {', '.join(AZURE)}")
        at = [header.index(name) for name in names]
        picked = [[row[i] for i in at] for row in rows if row]
    if len(picked) < 2:
        sys.exit(f"{path}: has {len(picked)} requests; statistics need 2")
    if names is AZURE:
        moments = [azure_seconds(row[0]) for row in picked]
    else:
        moments = [(0, float(row[0])) for row in picked]
    first = moments[0]
    arrivals = [(m[0] - first[0]) + (m[1] - first[1]) for m in moments]
    return arrivals, [int(row[1]) for row in picked], [int(row[2]) for row in picked]


def percentile(ordered, share):
    """Linear between the two nearest ranks."""
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def cv(values):
    mean = statistics.fmean(values)
    return statistics.pstdev(values, mean) / mean if mean else math.nan


def counts(arrivals, window_s):
    """Arrivals in each whole window; what is left behind the last one is not counted."""
    n_windows = int(arrivals[-1] // window_s)
    in_window = [0] * n_windows
    for arrival in arrivals:
        window = int(arrival // window_s)
        if window < n_windows:
            in_window[window] += 1
    return in_window


def dispersion(in_window):
    if len(in_window) < 2 or not any(in_window):
        return math.nan
    return statistics.pvariance(in_window) / statistics.fmean(in_window)


def correlation(a, b):
    mean_a, mean_b = statistics.fmean(a), statistics.fmean(b)
    covariance = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b))
    spread = math.sqrt(math.fsum((x - mean_a) ** 2 for x in a)
                       * math.fsum((y - mean_b) ** 2 for y in b))
    return covariance / spread if spread else math.nan


def ranks(values):
    """Equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    result = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for i in order[start:end]:
            result[i] = (start + end - 1) / 2
        start = end
    return result


def lengths(prefix, values):
    ordered = sorted(values)
    return {
        f"{prefix}_mean": statistics.fmean(values),
        f"{prefix}_cv": cv(values),
        f"{prefix}_p50": percentile(ordered, 0.50),
        f"{prefix}_p90": percentile(ordered, 0.90),
        f"{prefix}_p99": percentile(ordered, 0.99),
        f"{prefix}_max": ordered[-1],
        f"{prefix}_min": ordered[0],
    }


def describe(arrivals, prompts, outputs):
    gaps = [after - before for before, after in zip(arrivals, arrivals[1:])]
    duration = arrivals[-1]
    minutes = counts(arrivals, 60)
    logs = [[math.log(v) for v in values] for values in (prompts, outputs)]
    return {
        "n": len(arrivals),
        "duration_s": duration,
        "rate_rps": len(arrivals) / duration if duration else math.nan,
        "peak60_tumbling_rps": max(minutes) / 60 if minutes else math.nan,
        "min60_rps": min(minutes) / 60 if minutes else math.nan,
        "iat_cv": cv(gaps),
        "idc1": dispersion(counts(arrivals, 1)),
        "idc10": dispersion(counts(arrivals, 10)),
        "idc60": dispersion(minutes),
        **lengths("in", prompts),
        **lengths("out", outputs),
        "pearson": correlation(prompts, outputs),
        "pearson_log": correlation(*logs),
        "spearman": correlation(ranks(prompts), ranks(outputs)),
    }


def main():
    parser = argparse.ArgumentParser(
        description="Statistics of request traces, one column per file.")
    parser.add_argument("files", nargs="+", metavar="FILE")
    columns = []
    for path in parser.parse_args().files:
        try:
            columns.append(describe(*read(path)))
        except (OSError, ValueError, IndexError) as fault:
            sys.exit(f"{path}: cannot be read as a trace: {fault}")
    for name in columns[0]:
        print(f"{name:20}" + "".join(f" {column[name]:>12.4g}" for column in columns))


if __name__ == "__main__":
    main()
