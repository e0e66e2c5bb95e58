#!/usr/bin/env python3
"""plot_roofline: what `servesim roofline CONFIG -o DIR` wrote, as one picture.

    /usr/bin/python3 analysis/plot_roofline.py DIR [-o FILE.png|FILE.svg]

Reads machine.csv, critical.csv, decode.csv and prefill.csv in DIR and writes DIR.png, or what -o names:
the roofline with its ridge, step time and price over the batch, and where the memory
bandwidth goes.  Needs Debian's python3-pandas and python3-matplotlib.
"""

import argparse
import os
import sys

os.environ["SOURCE_DATE_EPOCH"] = "0"  # matplotlib stamps an SVG with it

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

# Okabe and Ito's palette: told apart with any colour vision.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
INK, GREY = "#222222", "#8A8A8A"
TABLES = {
    "machine.csv": ("metric", "value"),
    "critical.csv": ("context", "most_in_memory"),
    "decode.csv": ("batch", "context", "operation_ms", "step_ms", "sum_ms", "mfu_percent",
                   "flop_per_byte", "usd_per_mtok", "kernel_gb_per_s", "effective_gb_per_s",
                   "lost_to_compute_gb_per_s", "lost_to_network_gb_per_s",
                   "lost_to_overhead_gb_per_s"),
    "prefill.csv": ("tokens", "mfu_percent", "flop_per_byte"),
}
STYLE = {
    "font.family": "DejaVu Sans", "font.size": 10, "axes.titlesize": 11.5,
    "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
    "axes.edgecolor": "#666666", "axes.labelcolor": INK, "text.color": INK,
    "grid.color": "#E3E3E3", "legend.frameon": False, "legend.fontsize": 9,
    "svg.hashsalt": "servesim",
}  # fmt: skip


class Fault(Exception):
    """What is wrong, in one sentence."""


def plain(number, _=None):
    return f"{number:,.0f}" if number >= 10 else f"{number:g}"


def read_table(folder, name):
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        raise Fault(f"{folder}: holds no {name}; expected a folder that 'servesim roofline "
                    f"-o' wrote.")
    try:
        table = pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
        raise Fault(f"{path}: is not a CSV file.") from None
    for column in TABLES[name]:
        if column not in table.columns:
            raise Fault(f"{path}: has no column {column}.")
    if table.empty:
        raise Fault(f"{path}: has no rows.")
    return table


class Machine:
    """The tables of one folder."""

    def __init__(self, folder):
        if not os.path.isdir(folder):
            raise Fault(f"{folder}: there is no such folder.")
        table = read_table(folder, "machine.csv")
        self.words = dict(zip(table["metric"], table["value"]))
        self.decode = read_table(folder, "decode.csv")
        self.prefill = read_table(folder, "prefill.csv")
        critical = read_table(folder, "critical.csv")
        self.holds = dict(zip(critical["context"], critical["most_in_memory"]))
        for name in ("peak_compute", "peak_bandwidth", "reached_compute", "reached_bandwidth"):
            if name not in self.words:
                raise Fault(f"{folder}/machine.csv: has no {name}.")

    def number(self, name):
        return float(self.words[name])

    def by_context(self):
        """(colour, context, its rows by batch), of at most as many as there are colours."""
        groups = sorted(self.decode.groupby("context"))
        for colour, (context, rows) in zip(COLOURS, groups):
            yield colour, context, rows.sort_values("batch")


def logarithmic(axes, base=10):
    axes.set_xscale("log", base=base)
    axes.set_yscale("log")
    if base == 2:  # two decades or less: ticks between the powers of ten
        axes.yaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(plain))
        axis.set_minor_formatter(NullFormatter())


def draw_curve(axes, machine, context, rows, column, colour):
    """Over the batch: hollow and dashed where memory does not hold so many sequences."""
    holds = machine.holds.get(context)
    inside = rows[rows["batch"] <= holds] if holds == holds and holds is not None else rows
    axes.plot(rows["batch"], rows[column], color=colour, linestyle="--", linewidth=1,
              marker="o", markersize=3.5, markerfacecolor="white")
    axes.plot(inside["batch"], inside[column], color=colour, marker="o", markersize=3.5,
              label=f"{context:,} tokens of context")


def draw_roof(axes, machine, kind, colour, label):
    peak, bandwidth = (machine.number(f"{kind}_{what}") for what in ("compute", "bandwidth"))
    ridge = peak / bandwidth
    least = min(0.5, machine.decode["flop_per_byte"].min() / 2)
    most = max(machine.prefill["flop_per_byte"].max(), ridge) * 3
    axes.plot([least, ridge, most], [least * bandwidth, peak, peak], color=colour,
              linewidth=1.6, label=label)
    return ridge, peak


def draw_roofline(axes, machine):
    draw_roof(axes, machine, "reached", GREY, "what kernels reach")
    ridge, peak = draw_roof(axes, machine, "peak", INK, "data sheet")
    axes.plot([ridge, ridge], [peak / 3000, peak], color=INK, linewidth=0.8, linestyle=":")
    axes.annotate(f"ridge {ridge:.0f}", (ridge, peak / 2500), textcoords="offset points",
                  xytext=(-4, 0), ha="right", fontsize=9)
    for colour, context, rows in machine.by_context():
        axes.plot(rows["flop_per_byte"], rows["mfu_percent"] / 100 * peak, color=colour,
                  marker="o", markersize=3.5, linewidth=1, label=f"decode, {context:,} tokens")
    axes.plot(machine.prefill["flop_per_byte"], machine.prefill["mfu_percent"] / 100 * peak,
              color=COLOURS[-1], marker="^", markersize=5, linewidth=0, label="prompts")
    logarithmic(axes)
    axes.set(title="Roofline", xlabel="intensity (FLOP per byte)",
             ylabel="TFLOPS of one GPU")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.06))


def draw_times(axes, machine):
    for colour, context, rows in machine.by_context():
        axes.fill_between(rows["batch"], rows["step_ms"], rows["sum_ms"], color=colour,
                          alpha=0.18, linewidth=0)
        draw_curve(axes, machine, context, rows, "operation_ms", colour)
    logarithmic(axes, 2)
    axes.set(title="Step time: per operation; band from one max to the sum",
             xlabel="decoding sequences (dashed: more than memory holds)", ylabel="ms")
    axes.legend(loc="upper left")


def draw_prices(axes, machine):
    if not (machine.decode["usd_per_mtok"] > 0).all():
        axes.text(0.5, 0.5, "the accelerator has no price", ha="center",
                  transform=axes.transAxes)
        axes.set(title="Price of a million tokens")
        return
    for colour, context, rows in machine.by_context():
        draw_curve(axes, machine, context, rows, "usd_per_mtok", colour)
    logarithmic(axes, 2)
    axes.set(title="Price of a million tokens", xlabel="decoding sequences (dashed: more than memory holds)",
             ylabel="$")
    axes.legend(loc="upper right")


def draw_bandwidth(axes, machine):
    groups = list(machine.by_context())
    _, context, rows = groups[len(groups) // 2]
    parts = (("effective_gb_per_s", "moved", COLOURS[0]),
             ("lost_to_compute_gb_per_s", "lost to compute", COLOURS[1]),
             ("lost_to_network_gb_per_s", "to the network", COLOURS[3]),
             ("lost_to_overhead_gb_per_s", "to overheads", "#C8C8C8"))
    places = np.arange(len(rows))
    base = np.zeros(len(rows))
    for column, label, colour in parts:
        values = rows[column].clip(lower=0).to_numpy()
        if values.any():
            axes.bar(places, values, bottom=base, color=colour, width=0.8, label=label)
            base = base + values
    axes.axhline(machine.number("peak_bandwidth") * 1000, color=INK, linewidth=1.2)
    axes.annotate("data sheet", (0, machine.number("peak_bandwidth") * 1000),
                  textcoords="offset points", xytext=(-12, 4), fontsize=9)
    axes.set_xticks(places, [plain(batch) for batch in rows["batch"]])
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.set(title=f"Bandwidth of one GPU, {context:,} tokens of context",
             xlabel="decoding sequences", ylabel="GB/s",
             ylim=(0, machine.number("peak_bandwidth") * 1300))
    axes.legend(loc="upper right", ncols=4, columnspacing=1, handlelength=1)


def draw(machine, path):
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 2, figsize=(14, 9.5), layout="constrained")
        draw_roofline(axes[0][0], machine)
        draw_times(axes[0][1], machine)
        draw_prices(axes[1][0], machine)
        draw_bandwidth(axes[1][1], machine)
        words = machine.words
        figure.suptitle(f"{words.get('model')} on {words.get('gpus')} x "
                        f"{words.get('accelerator')}, engine {words.get('engine')}",
                        x=0.01, ha="left", fontsize=14, fontweight="bold")
        svg = path.lower().endswith(".svg")
        metadata = {"Date": None, "Creator": None} if svg else {"Software": None}
        try:
            figure.savefig(path, dpi=100, metadata=metadata)
        except OSError as error:
            raise Fault(f"{path}: cannot be written: {error.strerror}.") from None


def main():
    parser = argparse.ArgumentParser(prog="plot_roofline.py")
    parser.add_argument("folder", help="what 'servesim roofline -o' wrote")
    parser.add_argument("-o", "--output", help="FILE.png or FILE.svg")
    arguments = parser.parse_args()
    path = arguments.output or arguments.folder.rstrip("/") + ".png"
    try:
        if os.path.splitext(path)[1].lower() not in (".png", ".svg"):
            raise Fault(f"-o {path}: expected a name that ends with .png or .svg.")
        draw(Machine(arguments.folder), path)
    except Fault as fault:
        sys.exit(f"plot_roofline.py: {fault}")


if __name__ == "__main__":
    main()
