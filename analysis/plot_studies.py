#!/usr/bin/env python3
"""plot_studies: the table of a study as one picture.

    /usr/bin/python3 analysis/plot_studies.py generations DIR [-o FILE.png|FILE.svg]
    /usr/bin/python3 analysis/plot_studies.py policies DIR [-o FILE.png|FILE.svg]

generations  capacity.csv of configs/studies/gpu-generations.ini: dollars per million tokens
             by GPU, with the interval that the calibration leaves
policies     sweep.csv of configs/studies/policies-at-load.ini: latency, goodput and cost
             against the rate of requests

Writes DIR.png, or what -o names.  Needs Debian's python3-pandas and python3-matplotlib.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ["SOURCE_DATE_EPOCH"] = "0"  # matplotlib stamps an SVG with it

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import FuncFormatter

sys.dont_write_bytecode = True  # nothing appears beside this file

from plot import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, RED, SKY, STYLE

COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, INK, GREY)
MARKERS = "osD^vPX*"

POLICY, RATE = "pool.main.policy", "workload.rate_rps"
PANELS = (  # metric, title, unit, logarithmic
    ("p99_ttft_ms", "99th percentile of the time to first token", "ms", True),
    ("mean_tpot_ms", "Mean time per output token", "ms", False),
    ("request_goodput", "Goodput: requests within the SLO", "requests per second", False),
    ("usd_per_million_slo_met_output_tokens", "Cost of output tokens within the SLO",
     "USD per million", True),
)


def read(folder, name, columns):
    path = Path(folder) / name
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as fault:
        sys.exit(f"plot_studies: {path}: {fault}")
    missing = [column for column in columns if column not in table]
    if missing or table.empty:
        sys.exit(f"plot_studies: {path}: no column {missing[0]}" if missing
                 else f"plot_studies: {path}: no rows")
    return table


def plain(value, _):
    """12000 as 12,000 and 0.05 as 0.05: never 10^4."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def policies(folder):
    table = read(folder, "sweep.csv", (POLICY, RATE, *(panel[0] for panel in PANELS)))
    figure, axes = plt.subplots(2, 2, figsize=(12, 8), layout="constrained")
    for axis, (metric, title, unit, is_log) in zip(axes.flat, PANELS):
        for i, (policy, rows) in enumerate(table.groupby(POLICY, sort=False)):
            rows = rows.dropna(subset=[metric]).sort_values(RATE)
            axis.plot(rows[RATE], rows[metric], color=COLOURS[i % len(COLOURS)],
                      marker=MARKERS[i % len(MARKERS)], markersize=4, linewidth=1.5,
                      label=policy)
        axis.set(title=title, ylabel=unit, xlabel="requests per second")
        axis.set_xlim(left=0)
        if is_log:
            axis.set_yscale("log")
            axis.yaxis.set_major_formatter(FuncFormatter(plain))
        else:
            axis.set_ylim(bottom=0)
    axes[1, 0].plot([0, table[RATE].max()], [0, table[RATE].max()], color=GREY,
                    linewidth=0.8, linestyle=":", zorder=0)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure
