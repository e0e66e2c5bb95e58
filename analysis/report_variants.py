"""report_variants: one row per variant of a study, as a table and as bars."""

import os

import numpy as np
import pandas as pd

import report_chart as rc
from plot_results import Fault, read_config
from report_run import read_small
from report_text import clip, count, quantity

MOST_VARIANTS = 24  # bars of one chart
MOST_ROWS = 200  # of a table
MOST_COLUMNS = 6  # variants side by side
# name, title, unit, factor to it, -1: less is better
METRICS = (
    ("request_throughput", "Requests per second", "", 1, 1),
    ("request_goodput", "Goodput: requests per second within the SLO", "", 1, 1),
    ("slo_attainment", "Requests within the SLO", "%", 100, 1),
    ("mean_ttft_ms", "TTFT, mean", "s", 1e-3, -1),
    ("p99_ttft_ms", "TTFT, p99", "s", 1e-3, -1),
    ("mean_tpot_ms", "TPOT, mean", "s", 1e-3, -1),
    ("p99_tpot_ms", "TPOT, p99", "s", 1e-3, -1),
    ("p99_e2el_ms", "E2E, p99", "s", 1e-3, -1),
    ("output_throughput", "Output tokens per second", "", 1, 1),
    ("usd_per_million_tokens", "Dollars per million tokens", "$", 1, -1),
    ("joules_per_output_token", "Joules per output token", "J", 1, -1),
    ("mean_kv_used_fraction", "KV cache in use, mean", "%", 100, 0),
    ("preemptions", "Preemptions", "", 1, -1),
)
AXES = {"request_throughput": "requests/s", "request_goodput": "requests/s",
        "slo_attainment": "share of requests", "output_throughput": "tokens/s",
        "usd_per_million_tokens": "$ per million tokens", "joules_per_output_token": "J/token",
        "mean_kv_used_fraction": "share of blocks", "preemptions": "preemptions",
        "meets_rps": "requests/s", "rps_per_gpu": "requests/s per GPU",
        "output_tokens_per_s_per_gpu": "tokens/s per GPU", "tokens_per_s_per_user": "tokens/s"}
CAPACITY = (("meets_rps", "Capacity: highest rate within the SLO (requests/s)", "", 1, 1),
            ("rps_per_gpu", "Requests per second and GPU", "", 1, 1),
            ("output_tokens_per_s_per_gpu", "Output tokens per second and GPU", "", 1, 1),
            ("tokens_per_s_per_user", "Tokens per second of one user", "", 1, 1),
            ("usd_per_million_tokens", "Dollars per million tokens", "$", 1, -1),
            ("joules_per_output_token", "Joules per output token", "J", 1, -1),
            ("p99_ttft_ms", "TTFT at capacity, p99", "s", 1e-3, -1),
            ("p99_tpot_ms", "TPOT at capacity, p99", "s", 1e-3, -1))


class Study:
    """One table of variants: their keys, names and values."""

    def __init__(self, folder, label, name, marker):
        self.folder, self.label, self.name = folder, label, name
        path = os.path.join(folder, name)
        self.path = path
        self.rows = read_small(path, marker)
        if self.rows.empty:
            raise Fault(f"{path}: has no rows.")
        columns = list(self.rows.columns)
        self.keys = [key for key in columns[:columns.index(marker)] if key != "point"]
        as_written(self.rows, self.keys)
        self.config = None
        if os.path.isfile(os.path.join(folder, "config.ini")):
            self.config = read_config(os.path.join(folder, "config.ini"))
        self.labels = [self.variant(row) for row in self.rows[self.keys].astype(str)
                       .itertuples(index=False)] if self.keys else [label]

    def variant(self, row):
        short = [key.split(".")[-1] for key in self.keys]
        return row[0] if len(self.keys) == 1 else ", ".join(
            f"{key} {value}" for key, value in zip(short, row))

    def column(self, name, factor=1):
        """Its values as numbers, NaN where there are none."""
        if name not in self.rows:
            return np.full(len(self.rows), np.nan)
        return pd.to_numeric(self.rows[name], errors="coerce").to_numpy(float) * factor


def as_written(rows, keys):
    """Values of keys as a person writes them: pandas makes 1.0 of the 1 beside a 0.5."""
    for key in keys:
        if rows[key].dtype == float:
            rows[key] = [f"{value:.15g}" for value in rows[key]]


def study_of_runs(runs):
    """Several runs as the rows of one table."""
    study = Study.__new__(Study)
    names = list(dict.fromkeys(name for run in runs for name in run.summary))
    study.rows = pd.DataFrame({name: [run.summary.get(name, "") for run in runs]
                               for name in names})
    study.labels, study.keys = [run.label for run in runs], []
    study.name, study.config = "summary.csv", None
    return study


def there(study, metrics=METRICS):
    """Those metrics that at least one row has a value other than 0 of."""
    return [metric for metric in metrics
            if (np.nan_to_num(study.column(metric[0])) != 0).any()]


def variant_table(study, metrics=METRICS, differences=True):
    """Values with their difference to the first row, the best of each column marked unless
    most are as good."""
    shown = there(study, metrics)
    cells = [[label] for label in study.labels[:MOST_ROWS]]
    for name, _, unit, factor, better in shown:
        values = study.column(name, factor)
        known = values[~np.isnan(values)]
        best = (known.max() if better > 0 else known.min()) if better and len(known) else None
        same = 2 * np.count_nonzero(known == best) > len(known)
        for i, row in enumerate(cells):
            text = quantity(values[i], unit)
            if best is not None and values[i] == best and not same:
                text += " ★"
            change = 100 * (values[i] / values[0] - 1) if i and values[0] else 0
            if differences and change >= 1000:
                text += f" (× {count(round(values[i] / values[0]))})"
            elif differences and abs(change) >= 0.5:
                text += f" ({change:+.0f} %)".replace("-", "−")
            row.append(text)
    more = f"; the first {MOST_ROWS} of {count(len(study.labels))}" \
        if len(study.labels) > MOST_ROWS else ""
    if len(cells) <= MOST_COLUMNS and len(shown) > 2:  # metrics below each other
        titles = [title for _, title, *_ in shown]
        columns = ["", *(row[0] for row in cells)]
        cells = [[title, *(row[i + 1] for row in cells)] for i, title in enumerate(titles)]
        best = "row"
    else:
        columns, best = ["", *(title for _, title, *_ in shown)], "column"
    brackets = "; in brackets the difference to the first" if differences else ""
    title = f"All variants (★ best of its {best}{brackets}{more})" if len(study.labels) > 1 \
        else "In numbers"
    return rc.table(title, columns, cells,
                    fold=len(study.labels) > 16)


def variant_bars(study, metrics=METRICS, most=8):
    """A small chart of bars per metric; the interval of a capacity as text in its table."""
    found = []
    labels = [clip(label, 24) for label in study.labels[:MOST_VARIANTS]]
    for name, title, unit, factor, better in there(study, metrics)[:most]:
        values = study.column(name, factor)[:MOST_VARIANTS]
        hint = {1: "Longer is better.", -1: "Shorter is better.", 0: ""}[better]
        found.append(rc.bars(f"bars-{name}", title, hint, f"{study.name}: {name}",
                             value_axis(name, unit, values), labels,
                             [("", rc.BLUE, values)], small=True, values=True))
    return found


def value_axis(name, unit, values):
    """The axis of a metric: what it counts, and 100 % as its end where that is near."""
    most = np.nanmax(values)
    end = {"max": 100} if unit == "%" and 50 < most <= 100 else {}
    return rc.axis(AXES.get(name, "time" if unit == "s" else ""), unit, min=0, **end)
