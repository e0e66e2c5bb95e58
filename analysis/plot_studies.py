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
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

sys.dont_write_bytecode = True  # nothing appears beside this file

from plot import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, RED, SKY, STYLE

COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, INK, GREY)
MARKERS = "osD^vPX*"

POLICY, RATE = "pool.main.policy", "offered_rate"
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
        sys.exit(f"plot_studies.py: {path}: {fault}")
    missing = [column for column in columns if column not in table]
    if missing or table.empty:
        sys.exit(f"plot_studies.py: {path}: no column {missing[0]}" if missing
                 else f"plot_studies.py: {path}: no rows")
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
    figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=len(labels))
    return figure


GPU, MODEL = "pool.main.accelerator", "pool.main.model"
PRECISION, LOAD = "pool.main.weight_precision", "workload.generator"
USD, LOW, HIGH = "usd_per_million_tokens", "usd_per_million_low", "usd_per_million_high"
OTHERS = {"p100-sxm2": "GCP", "v100-sxm2": "Lambda", "mi300x": "median of offers",
          "tpu-v5e": "GCP"}  # whom the study's price book does not have
TITLES = {"azure-conv-2023": "chat", "azure-code-steady": "code"}


def draw_costs(axis, rows, gpus):
    """One point per GPU and precision, with its interval; hollow: uncalibrated."""
    for i, (precision, part) in enumerate(rows.groupby(PRECISION, sort=False)):
        for _, row in part.dropna(subset=[USD]).iterrows():
            y = gpus.index(row[GPU]) + (i - 0.5) * 0.3
            colour = GREY if row[GPU] in OTHERS else COLOURS[i]
            sure = not str(row["calibration"]).startswith("uncalibrated")
            if pd.notna(row[LOW]):
                axis.plot([row[LOW], row[HIGH]], [y, y], color=colour, linewidth=2, alpha=0.5)
            axis.plot(row[USD], y, MARKERS[i], color=colour, markersize=7,
                      markerfacecolor=colour if sure else "white")
            axis.annotate(f"{row[USD]:.2g}" if row[USD] < 10 else f"{row[USD]:.0f}",
                          (row[USD], y), xytext=(0, 5 if i else -12),
                          textcoords="offset points", ha="center", fontsize=7, color="#555555")
    for y, gpu in enumerate(gpus):
        if rows[rows[GPU] == gpu][USD].isna().all():
            axis.text(0.02, y, "does not fit, or no rate meets the SLO", fontsize=8,
                      color="#777777", va="center", transform=axis.get_yaxis_transform())


def generations(folder):
    table = read(folder, "capacity.csv", (GPU, MODEL, PRECISION, LOAD, USD, LOW, HIGH, "best"))
    table = table[table["best"] == 1]
    gpus = list(dict.fromkeys(table[GPU]))[::-1]
    loads, models = list(table[LOAD].unique()), list(table[MODEL].unique())
    figure, axes = plt.subplots(len(models), len(loads), figsize=(13, 11.5), sharey=True,
                                layout="constrained", squeeze=False)
    for i, model in enumerate(models):
        for j, load in enumerate(loads):
            axis = axes[i, j]
            rows = table[(table[MODEL] == model) & (table[LOAD] == load)]
            draw_costs(axis, rows, gpus)
            first = rows.iloc[0]
            axis.set(xscale="log", title=f"{model}, {TITLES.get(Path(load).stem, load)}: "
                     f"TTFT {first['slo.ttft_ms']:g} ms, TPOT {first['slo.tpot_ms']:g} ms")
            axis.set_yticks(range(len(gpus)), gpus)
            axis.set_ylim(-0.6, len(gpus) - 0.4)
            axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.xaxis.set_major_formatter(FuncFormatter(plain))
            axis.xaxis.set_minor_formatter(NullFormatter())
            axis.set_xlabel("USD per million tokens, input and output")
    keys = [plt.Line2D([], [], color=COLOURS[i], marker=MARKERS[i], linestyle="", label=name)
            for i, name in enumerate(table[PRECISION].unique())]
    keys += [plt.Line2D([], [], color=INK, marker="o", markerfacecolor="white", linestyle="",
                        label="never calibrated on this chip"),
             plt.Line2D([], [], color=GREY, marker="o", linestyle="",
                        label="another vendor's price: not comparable"),
             plt.Line2D([], [], color=BLUE, linewidth=2, alpha=0.5, label="80 % interval")]
    figure.legend(handles=keys, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=len(keys))
    return figure


def save(study, folder, out):
    """Draws the study's table into a file."""
    draw = generations if study == "generations" else policies
    with plt.rc_context(STYLE):
        figure = draw(folder)
        try:
            figure.savefig(out, dpi=110, bbox_inches="tight",
                           metadata={"Software": None} if out.endswith(".png") else None)
        except (OSError, ValueError) as fault:
            sys.exit(f"plot_studies.py: {out}: {fault}")
        plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=("generations", "policies"))
    parser.add_argument("folder")
    parser.add_argument("-o", dest="out")
    arguments = parser.parse_args()
    save(arguments.study, arguments.folder,
         arguments.out or f"{arguments.folder.rstrip('/')}.png")


if __name__ == "__main__":
    main()
