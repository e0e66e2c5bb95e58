"""report_studies: folders of compare, sweep, capacity and size, and several runs at once."""

import os

import numpy as np
import pandas as pd

import report_chart as rc
from plot_results import Fault, read_config
from report_run import read_small
from report_text import clip, count, digits, quantity

MOST_VARIANTS = 24  # bars of one chart
MOST_ROWS = 200  # of a table
MOST_POINTS = 2000  # dots of a scatter
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
            if differences and abs(change) >= 0.5:
                text += f" ({change:+.0f} %)".replace("-", "−")
            row.append(text)
    more = f"; the first {MOST_ROWS} of {count(len(study.labels))}" \
        if len(study.labels) > MOST_ROWS else ""
    brackets = "; in brackets the difference to the first" if differences else ""
    return rc.table(f"All variants (★ best of its column{brackets}{more})",
                    ["", *(title for _, title, *_ in shown)], cells,
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
                             [("", rc.BLUE, values)], small=True))
    return found


def scatter(study, name, title, read, xs, ys, x, y, groups, both_more=True):
    """Dots with the front that no other point beats."""
    points = [(i, float(a), float(b)) for i, (a, b) in enumerate(zip(xs, ys))
              if a == a and b == b and a > 0 and b > 0]
    if len(points) < 2:
        return None
    sign = 1 if both_more else -1
    best = rc.front([(sign * a, sign * b) for _, a, b in points])
    dots, series = {}, []
    for i, a, b in points[:MOST_POINTS]:
        dots.setdefault(groups[i], []).append((a, b, study.labels[i]))
    names = sorted(dots, key=lambda each: -len(dots[each]))[:7]
    for j, group in enumerate(names):
        series.append({**rc.line(clip(group, 24), j, *zip(*[(a, b) for a, b, _ in
                                                           dots[group]]), points=True),
                       "names": [clip(label, 60) for _, _, label in dots[group]]})
    edge = sorted((points[i][1], points[i][2]) for i in best)
    series.append(rc.line("Pareto front", "ink", *zip(*edge), dash=1))
    rows = [[study.labels[i], quantity(a, x["unit"]), quantity(b, y["unit"])]
            for i, a, b in sorted((points[k] for k in best), key=lambda p: p[1])][:40]
    return rc.chart(name, title, read, study.name, x, y, series, kind="scatter",
                    tooltip="nearest",
                    table=rc.table("On the front", ["variant", x["label"], y["label"]], rows))


def group_names(study):
    """What dots are coloured by: the key of words with the fewest values, if there is one."""
    best = None
    for key in study.keys:
        values = study.rows[key].astype(str)
        n = values.nunique()
        is_text = pd.to_numeric(study.rows[key], errors="coerce").isna().any()
        rank = (not is_text, n)
        if 1 < n <= 7 and (best is None or rank < best[0]):
            best = (rank, [f"{key.split('.')[-1]} {value}" for value in values])
    return best[1] if best else ["variants"] * len(study.rows)


def pareto_charts(study):
    """Tokens/s per GPU against tokens/s per user; dollars against the p99."""
    groups = group_names(study)
    per_user = study.column("tokens_per_s_per_user")
    per_gpu = study.column("output_tokens_per_s_per_gpu")
    if np.isnan(per_user).all():
        tpot = study.column("mean_tpot_ms")
        per_user = np.divide(1000, tpot, out=np.full(len(tpot), np.nan), where=tpot > 0)
        per_gpu = study.column("output_throughput_per_gpu")
    usd = study.column("usd_per_million_tokens")
    late = study.column("p99_ttft_ms", 1e-3)
    return [
        scatter(study, "pareto-speed", "What a GPU gives against what a user gets",
                "Up: more tokens from each GPU, so cheaper. Right: each user's answer is "
                "written faster. Nothing beats the points on the line in both.",
                per_user, per_gpu, rc.axis("tokens/s of one user (1 / mean TPOT)", "", min=0),
                rc.axis("output tokens/s per GPU", "", min=0), groups),
        scatter(study, "pareto-cost", "What low latency costs",
                "Down: cheaper. Left: faster first tokens. Nothing beats the points on the "
                "line in both.", late, usd,
                rc.axis("TTFT, p99", "s", min=0),
                rc.axis("dollars per million tokens", "$", min=0), groups, False),
    ]


def grid_of(study, across, down, name, factor):
    """Cells of a heat map: rows by `down`, columns by `across`, in the order of the file."""
    xs, ys = (list(dict.fromkeys(study.rows[key].astype(str))) for key in (across, down))
    cells = np.full((len(ys), len(xs)), np.nan)
    for x, y, value in zip(study.rows[across].astype(str), study.rows[down].astype(str),
                           study.column(name, factor)):
        cells[ys.index(y), xs.index(x)] = value
    return xs, ys, cells


def heat_map(study):
    """Two keys against each other, any metric; further keys stay as in the first row."""
    sizes = [study.rows[key].astype(str).nunique() for key in study.keys]
    keys = sorted(range(len(sizes)), key=lambda i: (-sizes[i], i))[:2]
    if len(keys) < 2 or min(sizes[i] for i in keys) < 2 or max(sizes) > 40:
        return None
    across, down = (study.keys[i] for i in keys)
    part = Study.__new__(Study)
    part.__dict__.update(study.__dict__)
    fixed = []
    for key, size in zip(study.keys, sizes):
        if key not in (across, down) and size > 1:
            first = part.rows[key].astype(str).iloc[0]
            part.rows = part.rows[part.rows[key].astype(str) == first]
            fixed.append(f"{key} {first}")
    maps = []
    for name, title, unit, factor, better in there(part):
        xs, ys, cells = grid_of(part, across, down, name, factor)
        maps.append({"title": title, "better": better,
                     "values": [[rc.rounded(value) for value in row] for row in cells],
                     "texts": [[quantity(value, unit) for value in row] for row in cells]})
    if not maps:
        return None
    return {"type": "heat", "id": "heat", "title": "Two keys against each other",
            "across": across, "down": down, "xs": xs, "ys": ys, "maps": maps,
            "source": study.name,
            "read": "Darker is better; choose what is shown."
                    + (f" The other keys are held: {', '.join(fixed)}." if fixed else "")}


def value_axis(name, unit, values):
    """The axis of a metric: what it counts, and 100 % as its end where that is near."""
    most = np.nanmax(values)
    end = {"max": 100} if unit == "%" and 50 < most <= 100 else {}
    return rc.axis(AXES.get(name, "time" if unit == "s" else ""), unit, min=0, **end)


def line_charts(study):
    """Metrics over a key of numbers, a line per value of the others."""
    numeric = [key for key in study.keys
               if not pd.to_numeric(study.rows[key], errors="coerce").isna().any()
               and study.rows[key].nunique() > 2]
    if not numeric:
        return []
    key = max(numeric, key=lambda each: study.rows[each].nunique())
    others = [each for each in study.keys if each != key and
              study.rows[each].astype(str).nunique() > 1]
    groups = study.rows[others].astype(str).agg(", ".join, axis=1) if others else \
        pd.Series(["all"] * len(study.rows))
    names = list(dict.fromkeys(groups))
    if len(names) > 8:
        return []
    xs = study.column(key)
    found = []
    for name, title, unit, factor, better in there(study)[:8]:
        values = study.column(name, factor)
        series = []
        for j, group in enumerate(names):
            at = np.flatnonzero((groups == group).to_numpy())
            at = at[np.argsort(xs[at], kind="stable")]
            series.append(rc.line(clip(group, 24), j, xs[at],
                                  [None if np.isnan(values[i]) else values[i] for i in at],
                                  dash=j % 3, dots=True))
        hint = {1: "Higher is better.", -1: "Lower is better.", 0: ""}[better]
        found.append(rc.chart(f"lines-{name}", title, hint, f"{study.name}: {name}",
                              rc.axis(key, ""), value_axis(name, unit, values), series,
                              small=True, tooltip="x"))
    return found


def runs_cdfs(runs):
    """The latencies of several runs over each other."""
    from report_latency import cdf
    found = []
    for name, title in (("ttft_s", "Time to first token"), ("tpot_s", "Time per output token"),
                        ("e2e_s", "End-to-end time")):
        series = [cdf(run, name, clip(run.label, 24), i % 8, dash=i // 8 or i % 3)
                  for i, run in enumerate(runs[:MOST_VARIANTS])
                  if run.requests.latencies[name].n
                  and run.requests.latencies[name].most > 1e-6]
        if series:
            found.append(rc.chart(
                f"cdf-{name}", f"{title}, run by run",
                "The further left and the steeper, the better.", f"requests.csv: {name}",
                rc.axis("time (logarithmic)", "s", log=True),
                rc.axis("completed requests (%)", "%", min=0, max=100), series, tooltip="y"))
    return found


def compare_runs(runs):
    study = study_of_runs(runs)
    return rc.section("comparison", "Comparison",
                      [variant_table(study), *variant_bars(study), *runs_cdfs(runs)])


def failed_note(study):
    """Points of a sweep that ended with an error, variants without an answer."""
    for column in ("error", "reason"):
        if column in study.rows and (column == "error" or study.name == "capacity.csv"):
            bad = study.rows[study.rows[column].notna()
                             & (study.rows.get("meets_rps", pd.Series(np.nan,
                                index=study.rows.index)).isna())]
            if len(bad):
                at = study.rows.index.get_loc(bad.index[0])
                return rc.text(f"{count(len(bad))} of {count(len(study.rows))} have no result; "
                               f"the first is {study.labels[at]}: "
                               f"{clip(bad[column].iloc[0], 200)}", warn=True)
    return None


def compare_section(study):
    return rc.section("comparison", "Variants",
                      [variant_table(study), *variant_bars(study), *pareto_charts(study)])


def sweep_section(study):
    few = variant_bars(study) if len(study.rows) <= 12 and not line_charts(study) else []
    return rc.section("sweep", f"{count(len(study.rows))} points of "
                      f"{' × '.join(study.keys) or 'a grid'}",
                      [failed_note(study), heat_map(study), *pareto_charts(study),
                       *line_charts(study), *few, variant_table(study, differences=False)])


def capacity_section(study):
    rows = []
    for i, label in enumerate(study.labels[:MOST_ROWS]):
        row = study.rows.iloc[i]
        low, high = (study.column(name)[i] for name in ("low_rps", "high_rps"))
        rows.append([label, quantity(study.column("meets_rps")[i]),
                     f"{digits(low)} – {digits(high)}" if low == low and high == high else "–",
                     row["reason"] if isinstance(row.get("reason"), str) else ""])
    return rc.section("capacity", "Capacity", [
        failed_note(study), *variant_bars(study, CAPACITY), *pareto_charts(study),
        rc.table("How sure it is, and what decides at the next rate",
                 ["", "meets (requests/s)", "interval", "decides"], rows),
        variant_table(study, CAPACITY)])
