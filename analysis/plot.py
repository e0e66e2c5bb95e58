#!/usr/bin/env python3
"""plot: one result folder of servesim as one picture.

    /usr/bin/python3 analysis/plot.py DIR [-o FILE.png|FILE.svg]

Reads requests.csv, timeline.csv, replicas.csv, summary.csv and config.ini in DIR and
writes DIR.png, or what -o names.  Needs Debian's python3-pandas and python3-matplotlib.
The same folder gives the same bytes with the same version of matplotlib.
"""

import argparse
import os
import sys

os.environ["SOURCE_DATE_EPOCH"] = "0"  # matplotlib stamps an SVG with it

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

sys.dont_write_bytecode = True  # nothing appears beside this file

from plot_results import BOUNDS, OWNERS, Fault, Results

# Okabe and Ito's palette: told apart with any colour vision.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, INK, GREY = "#CC79A7", "#56B4E9", "#222222", "#8A8A8A"

OWNER_COLOURS = dict(zip(OWNERS, (GREY, ORANGE, BLUE, SKY, RED, PURPLE)))
BOUND_COLOURS = dict(zip(BOUNDS, (ORANGE, BLUE, SKY, PURPLE, GREY)))
N_BUCKETS = 20
MOST_ROWS = 240  # of the timeline that a curve shows

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.edgecolor": "#666666",
    "axes.labelcolor": INK,
    "text.color": INK,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "svg.hashsalt": "servesim",
    "svg.fonttype": "path",
}


def span_text(seconds):
    """A duration as people say it: 36 ms, 1.5 s, 2 min."""
    for unit, size in (("h", 3600), ("min", 60), ("s", 1), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def tick_text(seconds, _):
    """Powers of ten: seconds stay seconds."""
    return f"{seconds:,.0f} s" if seconds >= 1 else span_text(seconds)


def count_text(number):
    """12345678 as 12.3 M."""
    for unit, size in ((" G", 1e9), (" M", 1e6), (" k", 1e3)):
        if abs(number) >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def draw_latency(axes, results):
    # beyond a few thousand steps a line shows no more
    share = np.linspace(0, 1, 2001)
    lines = (("ttft_s", "ttft_ms", "TTFT", BLUE, "-"), ("e2e_s", "e2e_ms", "E2E", RED, "-"))
    for column, bound, name, colour, style in lines:
        values = np.sort(results.done[column].to_numpy())
        at = np.maximum(np.ceil(share * len(values)).astype(int) - 1, 0)
        median = values[max(int(np.ceil(0.5 * len(values))) - 1, 0)]
        p99 = values[max(int(np.ceil(0.99 * len(values))) - 1, 0)]
        axes.plot(
            values[at], share * 100, style, color=colour, linewidth=2.2,
            label=f"{name} median {span_text(median)}, p99 {span_text(p99)}",
        )
    for column, bound, name, colour, _ in lines:
        values = results.done[column].to_numpy()
        slo = results.slo_s(bound)
        if slo is not None:
            met = 100 * np.mean(values <= slo)
            axes.axvline(
                slo, color=colour, linewidth=1.4, linestyle=(0, (4, 3)),
                label=f"{name} ≤ {span_text(slo)}: {met:.4g} %",
            )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(tick_text))
    axes.set_ylim(0, 100)
    axes.set_xlabel("time since the request arrived")
    axes.set_ylabel("completed requests (%)")
    axes.set_title("Time to first token and end to end")
    place_legend(axes, ncol=2)


def place_legend(axes, ncol):
    """Below the title and above the axes, where nothing is drawn."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.012, 1.0), ncol=ncol, borderaxespad=0.1,
        handlelength=1.4, handletextpad=0.5, columnspacing=1.2, labelspacing=0.25,
    )
    n_rows = -(-len(axes.get_legend_handles_labels()[1]) // ncol)
    axes.set_title(axes.get_title(loc="left"), pad=7 + 15 * n_rows)


class Clock:
    """The timeline's x axis: edges of its rows in a unit that suits its length."""

    def __init__(self, results):
        ends = results.timeline.groupby("t_s", sort=True).first().index.to_numpy()
        self.seconds = np.concatenate(([0.0], ends))
        length = self.seconds[-1]
        self.unit, size = ("min", 60) if length > 300 else ("s", 1)
        if length > 3 * 3600:
            self.unit, size = "h", 3600
        self.edges = self.seconds / size

    def draw(self, axes, values, fill=False, **how):
        """One value per row, as a step; long runs are averaged to at most MOST_ROWS."""
        edges, values = self.edges, np.asarray(values, dtype=float)
        group = -(-len(values) // MOST_ROWS)
        if group > 1:
            starts = np.arange(0, len(values), group)
            widths = np.diff(self.seconds)
            values = np.add.reduceat(values * widths, starts) / np.add.reduceat(widths, starts)
            edges = np.append(edges[starts], edges[-1])
        if fill:
            axes.fill_between(
                edges, np.append(values, values[-1]), step="post", color=how["color"], alpha=0.18,
                linewidth=0,
            )
        axes.step(edges, np.append(values, values[-1]), where="post", **how)

    def finish(self, axes):
        axes.set_xlim(self.edges[0], self.edges[-1])
        axes.set_xlabel(f"time ({self.unit})")
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))


def draw_requests(axes, results, clock):
    rows = results.timeline.groupby("t_s", sort=True)[["running", "waiting"]].sum()
    clock.draw(axes, rows["running"], fill=True, color=BLUE, linewidth=1.3, label="running")
    clock.draw(axes, rows["waiting"], color=RED, linewidth=1.3, label="waiting")
    clock.finish(axes)
    axes.set_ylabel("requests, all replicas")
    axes.set_title("Requests running and waiting")
    place_legend(axes, ncol=2)


def draw_kv(axes, results, clock):
    sums = results.timeline.groupby("t_s", sort=True)[["kv_used_blocks", "kv_total_blocks"]].sum()
    used = 100 * (sums["kv_used_blocks"] / sums["kv_total_blocks"]).fillna(0)
    total = sums["kv_total_blocks"].iloc[0]
    clock.draw(
        axes, used, fill=True, color=GREEN, linewidth=1.3,
        label=f"mean {results.value('mean_kv_used_fraction') * 100:.3g} %, "
        f"largest of a replica {results.replicas['peak_kv_used_fraction'].max() * 100:.3g} %, "
        f"of {total:,.0f} blocks",
    )
    clock.finish(axes)
    top = axes.get_ylim()[1]
    axes.set_ylim(0, 103 if top > 50 else top)
    axes.set_ylabel("blocks in use (%)")
    axes.set_title("KV cache in use")
    place_legend(axes, ncol=1)


def draw_tokens(axes, results, clock):
    columns = ["prefill_tokens_per_s", "decode_tokens_per_s"]
    rows = results.timeline.groupby("t_s", sort=True)[columns].sum()
    for column, colour in zip(columns, (ORANGE, BLUE)):
        name = column.split("_")[0]
        clock.draw(axes, rows[column] / 1000, color=colour, linewidth=1.3, label=name)
    clock.finish(axes)
    axes.set_ylabel("thousand tokens per second")
    axes.set_title("Tokens computed")
    place_legend(axes, ncol=2)


def draw_owners(axes, results):
    done = results.done.sort_values(["e2e_s", "arrival_s"], kind="stable")
    n_buckets = min(N_BUCKETS, len(done))
    bucket = np.arange(len(done)) * n_buckets // len(done)
    means = done.groupby(bucket)[[f"{name}_s" for name in OWNERS] + ["e2e_s"]].mean()
    total = means[[f"{name}_s" for name in OWNERS]].sum(axis=1).replace(0, np.nan)
    width = 100 / n_buckets
    left = np.arange(n_buckets) * width
    bottom = np.zeros(n_buckets)
    for name, colour in OWNER_COLOURS.items():
        share = (100 * means[f"{name}_s"] / total).fillna(0).to_numpy()
        if name in ("recompute", "transfer") and not share.any():
            continue
        axes.bar(
            left, share, width=width * 0.94, bottom=bottom, align="edge", color=colour,
            label=name, linewidth=0,
        )
        bottom += share
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.grid(axis="x", visible=False)
    axes.set_ylabel("share of its end-to-end time (%)")
    shown = sorted({0, n_buckets // 4, n_buckets // 2, 3 * n_buckets // 4, n_buckets - 1})
    axes.set_xticks([left[i] + width / 2 for i in shown])
    axes.set_xticklabels(
        [f"{left[i]:.0f}–{left[i] + width:.0f} %\n{span_text(means['e2e_s'].iloc[i])}"
         for i in shown]
    )
    axes.set_xlabel("requests from the fastest to the slowest, and their mean E2E")
    axes.set_title("Where the time of a request goes")
    place_legend(axes, ncol=6)


def bound_shares(results):
    """Share of busy time by what it was bound by, over all replicas."""
    busy = results.replicas["busy_s"]
    shares = []
    for name in BOUNDS:
        share = (results.replicas[f"{name}_bound_share"] * busy).sum() / max(busy.sum(), 1e-12)
        shares.append(100 * share)
    return shares


def card_rows(results):
    value = results.value
    rows = [
        ("Completed", f"{value('completed'):,.0f} of {value('injected_requests'):,.0f} requests"),
        ("Throughput", f"{value('request_throughput'):.3g} req/s, "
                       f"{count_text(value('output_throughput'))} output tok/s"),
        ("Load", f"{value('estimated_load') * 100:.3g} % of estimated capacity"
                 if value("estimated_load") > 0 else "not estimated"),
        ("TPOT", f"median {value('median_tpot_ms'):.3g} ms, p99 {value('p99_tpot_ms'):.3g} ms"),
        ("Busy", f"{value('busy_share') * 100:.3g} % of the time"),
        ("MFU, MBU", f"{value('mfu') * 100:.3g} %, {value('mbu') * 100:.3g} % while busy"),
        ("Preemptions", f"{value('preemptions'):,.0f}"),
        ("Cost", f"\\${value('total_cost_usd'):,.4g}, "
                 f"\\${value('usd_per_million_output_tokens'):.3g} per million output tokens"),
        ("Energy", f"{value('total_energy_j') / 3.6e6:.3g} kWh, "
                   f"{value('joules_per_output_token'):.3g} J per output token"),
        ("Mean power", f"{value('mean_power'):,.4g} W ({results.summary.get('power_model')})"),
    ]
    if "slo_attainment" in results.summary and not np.isnan(value("slo_attainment")):
        rows.insert(3, ("SLO met", f"{value('slo_attainment') * 100:.4g} % of requests"))
    return [row for row in rows if "nan" not in row[1]]


def draw_card(axes, results):
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_title("What steps are bound by (% of busy time)", pad=7 + 15)
    left = 0.0
    shares = bound_shares(results)
    for (name, colour), share in zip(BOUND_COLOURS.items(), shares):
        axes.barh(
            0.955, share / 100, left=left, height=0.09, color=colour, align="center", linewidth=0,
            label=f"{'KV' if name == 'kv' else name} {share:.0f}",
        )
        left += share / 100
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.012, 1.0), ncol=5, borderaxespad=0.1,
        handlelength=0.9, columnspacing=0.9, handletextpad=0.35,
    )
    rows = card_rows(results)
    for i, (name, text) in enumerate(rows):
        y = 0.83 - i * 0.83 / (len(rows) - 0.4)
        axes.text(0, y, name, fontsize=10, color="#555555", va="center")
        axes.text(0.26, y, text, fontsize=10, va="center", fontweight="medium")


def heading(results):
    name, pool = results.pool()
    replicas = int(float(pool.get("replicas", "1")))
    gpus = int(float(pool.get("tensor_parallel", "1")))
    model = pool.get("model", "") or f"pool {name}"
    device = pool.get("accelerator", "") or "server with linear cost"
    size = f"{replicas} × {device}" if gpus == 1 else f"{replicas} × ({gpus} × {device})"
    policy = pool.get("policy", "") or pool.get("batching", "")
    trace = os.path.basename(results.config.get("workload", "trace", fallback=""))
    first = f"{model} on {size}"
    second = f"trace: {trace}   policy: {policy}"
    if pool.get("cost") != "linear":
        second += f"   engine: {pool.get('engine', '')}"
    return first, second


def draw(results, path):
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(16, 9.6))
        grid = figure.add_gridspec(
            2, 3, left=0.046, right=0.986, top=0.825, bottom=0.085, wspace=0.2, hspace=0.5
        )
        axes = [figure.add_subplot(grid[i // 3, i % 3]) for i in range(6)]
        clock = Clock(results)
        draw_latency(axes[0], results)
        draw_requests(axes[1], results, clock)
        draw_kv(axes[2], results, clock)
        draw_owners(axes[3], results)
        draw_tokens(axes[4], results, clock)
        draw_card(axes[5], results)
        first, second = heading(results)
        figure.text(0.012, 0.966, first, fontsize=17, fontweight="bold", va="center")
        figure.text(0.012, 0.931, second, fontsize=11, color="#555555", va="center")
        kind = os.path.splitext(path)[1]
        metadata = {"Date": None, "Creator": None} if kind == ".svg" else {"Software": None}
        try:
            figure.savefig(path, dpi=100, metadata=metadata)
        except OSError as error:
            raise Fault(f"{path}: cannot be written: {error.strerror}.")
        plt.close(figure)


def main():
    parser = argparse.ArgumentParser(
        prog="plot.py", description="Draws a result folder of servesim as one picture."
    )
    parser.add_argument("folder", metavar="DIR", help="what 'servesim run -o' wrote")
    parser.add_argument("-o", metavar="FILE", help="a .png or .svg file; DIR.png if not given")
    options = parser.parse_args()
    path = options.o or os.path.normpath(options.folder) + ".png"
    try:
        if os.path.splitext(path)[1] not in (".png", ".svg"):
            raise Fault(f"{path}: the name of a picture ends with .png or .svg.")
        draw(Results(options.folder), path)
    except Fault as fault:
        print(f"plot.py: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
