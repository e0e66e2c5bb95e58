"""report_studies: folders of compare, sweep and capacity, and several runs at once."""

import numpy as np
import pandas as pd

import report_chart as rc
from report_latency import cdf
from report_text import clip, count, digits, quantity
from report_variants import (CAPACITY, METRICS, MOST_ROWS, MOST_VARIANTS, Study, study_of_runs,
                             there, value_axis, variant_bars, variant_table)

MOST_POINTS = 2000  # dots of a scatter
LEAST_POINTS = 4  # that make a front
MOST_COLOURS = 8
WIDE = 20  # times the least value: a logarithmic axis shows more


FRONT = " Nothing beats the points on the line in both."


def scatter(study, name, title, read, xs, ys, x, y, groups, both_more=True, with_front=True):
    """Dots, and with_front the front that no other point beats."""
    points = [(i, float(a), float(b)) for i, (a, b) in enumerate(zip(xs, ys))
              if a == a and b == b and a > 0 and b > 0]
    if len(points) < LEAST_POINTS:
        return None
    sign = 1 if both_more else -1
    best = rc.front([(sign * a, sign * b) for _, a, b in points]) if with_front else []
    dots, series = {}, []
    for i, a, b in points[:MOST_POINTS]:
        dots.setdefault(groups[i], []).append((a, b, study.labels[i]))
    names = sorted(dots, key=lambda each: -len(dots[each]))[:MOST_COLOURS]
    for j, group in enumerate(names):
        series.append({**rc.line(clip(group, 24), j, *zip(*[(a, b) for a, b, _ in
                                                           dots[group]]), points=True),
                       "names": [clip(label, 60) for _, _, label in dots[group]]})
    edge = sorted((points[i][1], points[i][2]) for i in best)
    if len(edge) > 1:
        series.append(rc.line("Pareto front", "ink", *zip(*edge), dash=1))
        read += FRONT
    elif edge:
        read += f" {clip(study.labels[points[best[0]][0]], 60)} is best in both."
    rows = [[study.labels[i], quantity(a, x["unit"]), quantity(b, y["unit"])]
            for i, a, b in sorted((points[k] for k in best), key=lambda p: p[1])][:40]
    more = {"table": rc.table("On the front", ["variant", x["label"], y["label"]], rows)} \
        if rows else {}
    return rc.chart(name, title, read, study.name, x, y, series, kind="scatter",
                    tooltip="nearest", **more)


def group_names(study):
    """What dots are coloured by: the variant itself where these are few, or the key of words
    with the fewest values, if there is one."""
    if len(study.keys) < 2 and len(study.rows) <= MOST_COLOURS:
        return list(study.labels)
    best = None
    for key in study.keys:
        values = study.rows[key].astype(str)
        n = values.nunique()
        is_text = pd.to_numeric(study.rows[key], errors="coerce").isna().any()
        rank = (not is_text, n)
        if 1 < n <= MOST_COLOURS and (best is None or rank < best[0]):
            best = (rank, [f"{key.split('.')[-1]} {value}" for value in values])
    return best[1] if best else ["variants"] * len(study.rows)


def pareto_charts(study, groups=None):
    """Tokens/s per GPU against tokens/s per user; dollars against the p99.  Points of `groups`
    answer different questions, and none of one beats one of another."""
    with_front = groups is None
    groups = groups or group_names(study)
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
                "written faster.",
                per_user, per_gpu, rc.axis("tokens/s of one user (1 / mean TPOT)", "", min=0),
                rc.axis("output tokens/s per GPU", "", min=0), groups, with_front=with_front),
        scatter(study, "pareto-cost", "What low latency costs",
                "Down: cheaper. Left: faster first tokens.", late, usd, late_axis(late),
                rc.axis("dollars per million tokens", "$", min=0), groups, False, with_front),
    ]


def late_axis(late):
    """Of latencies; overloaded points are minutes away from those that people look for."""
    known = late[late > 0]
    if len(known) and known.max() > WIDE * known.min():
        return rc.axis("TTFT, p99 (logarithmic)", "s", log=True)
    return rc.axis("TTFT, p99", "s", min=0)


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
    shown = sorted(there(part), key=lambda metric: metric[0] != "request_goodput")
    for name, title, unit, factor, better in shown:
        xs, ys, cells = grid_of(part, across, down, name, factor)
        maps.append({"name": name, "title": title, "better": better,
                     "values": [[rc.rounded(value) for value in row] for row in cells],
                     "texts": [[quantity(value, unit) for value in row] for row in cells]})
    if not maps:
        return None
    return {"type": "heat", "id": "heat", "title": "Two keys against each other",
            "across": across, "down": down, "xs": xs, "ys": ys, "maps": maps,
            "source": study.name,
            "read": "The stronger the colour, the better; choose what is shown."
                    + (f" The other keys are held: {', '.join(fixed)}." if fixed else "")}


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
    groups = pd.Series([", ".join(f"{other.split('.')[-1]} {value}"
                                  for other, value in zip(others, row))
                        for row in study.rows[others].astype(str).itertuples(index=False)]
                       if others else ["all"] * len(study.rows))
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


def same_trace(runs):
    """A note where runs are not of the same requests."""
    hashes = {run.config.get("workload", "trace_sha256", fallback="") or
              run.config.get("workload", "generator_sha256", fallback="") for run in runs}
    return None if len(hashes) == 1 else rc.text(
        "These runs are not of the same requests: their traces differ, and so do, for that "
        "alone, their numbers.", warn=True)


def compare_runs(runs):
    study = study_of_runs(runs)
    other = same_trace(runs)  # the best at different tasks is none
    return rc.section("comparison", "Comparison",
                      [other, basis_story(study), None if other else best_story(study),
                       variant_table(study), *variant_bars(study), *runs_cdfs(runs)])


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


def sound(study, values):
    """Without those of overloaded points, which are cheap because they let users wait."""
    if "load_verdict" not in study.rows:
        return values
    kept = np.where((study.rows["load_verdict"] == "overloaded").to_numpy(), np.nan, values)
    return values if np.isnan(kept).all() else kept


def best_story(study, metrics=METRICS):
    """Who is best in what people ask for first."""
    asked = {"request_goodput": "most goodput", "meets_rps": "highest capacity",
             "p99_ttft_ms": "shortest p99 of TTFT", "p99_tpot_ms": "shortest p99 of TPOT",
             "usd_per_million_tokens": "lowest cost per million tokens"}
    found = {}
    for name, _, unit, factor, better in there(study, metrics):
        values = study.column(name, factor)
        if name not in asked or len(values) < 2:
            continue
        among = ""
        if name == "usd_per_million_tokens":
            kept = sound(study, values)
            if np.isnan(kept).sum() > np.isnan(values).sum():
                values, among = kept, " of those that are not overloaded"
        at = int(np.nanargmax(values) if better > 0 else np.nanargmin(values))
        if np.count_nonzero(values == values[at]) == 1:
            unit = "requests/s" if name in ("request_goodput", "meets_rps") else unit
            found.setdefault(at, []).append(
                f"the {asked[name]}{among} ({quantity(values[at], unit)})")
    words = [f"{clip(study.labels[at], 80)} has "
             f"{' and '.join([', '.join(what[:-1]), what[-1]] if len(what) > 1 else what)}."
             for at, what in found.items()]
    return rc.text(" ".join(words)) if words else None


def basis_story(study):
    """What calibration and prices rest on, where a reader should know."""
    notes = []
    for column in ("calibration", "price_basis"):
        values = study.rows[column].dropna().astype(str) if column in study.rows else ()
        said = [each for each in dict.fromkeys(values)
                if each.startswith("uncalibrated") or "mixed" in each]
        if said:
            what = "Step times" if column == "calibration" else "Prices"
            n = int(values.isin(said).sum())
            notes.append(f"{what} of {count(n)} of {count(len(study.rows))} variants: "
                         f"{'; '.join(said[:3])}.")
    if "load_verdict" in study.rows:
        n = int((study.rows["load_verdict"] == "overloaded").sum())
        if n:
            notes.append(f"{count(n)} of {count(len(study.rows))} are overloaded: their "
                         f"latencies grow with the length of the trace.")
    return rc.text(" ".join(notes), warn=True) if notes else None


def compare_section(study):
    return rc.section("comparison", "Variants",
                      [basis_story(study), best_story(study), variant_table(study),
                       *variant_bars(study), *pareto_charts(study)])


def sweep_section(study):
    few = variant_bars(study) if len(study.rows) <= 12 and not line_charts(study) else []
    return rc.section("sweep", f"{count(len(study.rows))} points of "
                      f"{' × '.join(study.keys) or 'a grid'}",
                      [failed_note(study), basis_story(study), best_story(study),
                       heat_map(study), *pareto_charts(study),
                       *line_charts(study), *few, variant_table(study, differences=False)])


def capacity_story(study):
    """The answer in a sentence, where there is one variant."""
    rate, low, high = (study.column(name)[0] for name in ("meets_rps", "low_rps", "high_rps"))
    if len(study.rows) > 1 or not rate > 0:
        return best_story(study, CAPACITY)
    words = f"The fleet serves {quantity(rate)} requests/s within the SLO"
    if low == low and high == high:
        words += f"; with the error of the model, {digits(low)} to {digits(high)}"
    return rc.text(words + ".")


def capacity_section(study):
    rows = []
    for i, label in enumerate(study.labels[:MOST_ROWS]):
        row = study.rows.iloc[i]
        low, high = (study.column(name)[i] for name in ("low_rps", "high_rps"))
        rows.append([label, quantity(study.column("meets_rps")[i]),
                     f"{digits(low)} – {digits(high)}" if low == low and high == high else "–",
                     row["reason"] if isinstance(row.get("reason"), str) else ""])
    return rc.section("capacity", "Capacity", [
        failed_note(study), basis_story(study), capacity_story(study),
        *(variant_bars(study, CAPACITY) if len(study.rows) > 1 else ()), *pareto_charts(study),
        rc.table("How sure it is, and what decides at the next rate",
                 ["", "meets (requests/s)", "interval", "decides"], rows),
        variant_table(study, CAPACITY)])
