"""report_size: the folder of `servesim size`: who is cheapest, and who comes next."""

import os

import numpy as np

import report_chart as rc
from report_run import numbers_of, read_small
from report_studies import pareto_charts
from report_text import clip, quantity
from report_variants import Study, as_written

MOST_FLEETS = 16


def fleet_words(row):
    """"2 × h100-sxm tp 1 + 1 × ..."."""
    words = [f"{row[name + '_replicas']:g} × {row[name]}" for name in ("first", "second")
             if isinstance(row[name], str) and row[f"{name}_replicas"] == row[f"{name}_replicas"]]
    return " + ".join(words) or str(row["first"])


def groups_of(rows, keys):
    """((value of each key), rows) of every variant."""
    if not keys:
        return [((), rows)]
    return [(key if len(keys) > 1 else (key,), part)
            for key, part in rows.groupby(keys if len(keys) > 1 else keys[0], sort=False)]


def short_names(study):
    """A name for the load of every row: the first key that tells all loads apart, or all."""
    loads = study.rows[study.keys].astype(str)
    n = len(loads.drop_duplicates())
    keys = next(([key] for key in study.keys if loads[key].nunique() == n), study.keys)
    return [", ".join(f"{key.split('.')[-1]} {value}" for key, value in zip(keys, row))
            for row in loads[keys].itertuples(index=False)]


def demand_charts(study, groups):
    """GPUs over time: what the answer has, and what an ideal autoscaler would have."""
    path = os.path.join(study.folder, "demand.csv")
    if not os.path.isfile(path):
        return []
    columns = ("start", "gpus", "gpus_ideal", "gpus_roofline")
    rows = numbers_of(read_small(path, *columns), path, *columns)
    keys = [key for key in study.keys if key in rows]
    as_written(rows, keys)
    found = []
    parts = groups_of(rows, keys)
    for i, (name, part) in enumerate(parts):
        if i == groups or len(part) < 2:
            break
        start = part["start"].to_numpy()
        unit, size = rc.clock(start[-1] + start[1] - start[0])
        end = (2 * start[-1] - start[-2]) / size
        series = [rc.line(label, colour, *rc.steps(start / size, part[column].to_numpy(), end),
                          step=True, dash=dash)
                  for label, column, colour, dash in (
                      ("the answer", "gpus", rc.BLUE, 0),
                      ("an ideal autoscaler", "gpus_ideal", rc.ORANGE, 1),
                      ("no autoscaler can do without", "gpus_roofline", "grey", 2))]
        words = dict(zip(study.rows[keys].astype(str).itertuples(index=False, name=None),
                         short_names(study))).get(tuple(str(value) for value in name), "")
        found.append(rc.chart(
            f"demand-{i}", f"GPUs over time{': ' + words if words else ''}",
            "The gap between the answer and an ideal autoscaler is what scaling with the load "
            "could save.", "demand.csv", rc.axis(f"time since the start ({unit})", "", min=0,
                                                 max=rc.rounded(end)),
            rc.axis("GPUs", "", min=0, whole=True), series))
    return found


def variant_items(study, index, name, rows):
    """The answer of one variant, and the fleets after it."""
    meets = rows[rows["outcome"] == "meets"].sort_values(["usd_per_hour", "answer"],
                                                         ascending=[True, False], kind="stable")
    title = f" for {name}" if name else ""
    if meets.empty:
        return [rc.text(f"No fleet meets the SLO{title}.", warn=True)]
    best = meets[meets["answer"] == 1]
    best = best.iloc[0] if len(best) else meets.iloc[0]
    words = (f"The cheapest fleet{title} is {fleet_words(best)}: "
             f"{quantity(best['usd_per_hour'], '$')} per hour, "
             f"{quantity(best['usd_per_million_tokens'], '$')} per million tokens.")
    next_best = meets[meets.index != best.name]
    if len(next_best):
        row = next_best.iloc[0]
        words += (f" The next is {fleet_words(row)} at {quantity(row['usd_per_hour'], '$')} "
                  f"per hour.")
    shown = meets.head(MOST_FLEETS)
    cells = [[fleet_words(row), quantity(row["gpus"]), quantity(row["usd_per_hour"], "$"),
              quantity(row["usd_per_million_tokens"], "$"),
              quantity(row["p99_ttft_ms"] / 1000, "s"),
              quantity(row["p99_tpot_ms"] / 1000, "s"),
              quantity(row["joules_per_output_token"], "J"),
              ("★ answer" if row["answer"] == 1 else "front" if row["pareto"] == 1 else "")]
             for _, row in shown.iterrows()]
    return [
        rc.text(words),
        rc.bars(f"fleets-{index}", f"The cheapest fleets{title}",
                "One bar per fleet that meets the SLO, the cheapest first.",
                "size.csv: usd_per_hour where outcome is meets",
                rc.axis("dollars per hour", "$", min=0),
                [clip(fleet_words(row), 30) for _, row in shown.iterrows()],
                [("", rc.BLUE, shown["usd_per_hour"])], values=True),
        rc.table(f"Fleets that meet the SLO{title}",
                 ["fleet", "GPUs", "$/h", "$/Mtok", "TTFT, p99", "TPOT, p99", "J/token", ""],
                 cells, fold=len(cells) > 8),
    ]


def size_section(folder, label):
    study = Study(folder, label, "size.csv", "kind")
    numbers = ("first_replicas", "second_replicas", "answer", "pareto", "gpus", "usd_per_hour",
               "usd_per_million_tokens", "p99_ttft_ms", "p99_tpot_ms",
               "joules_per_output_token")
    for column in ("first", "second", "outcome", *numbers):
        if column not in study.rows:
            read_small(study.path, column)  # says which column there is none of
    numbers_of(study.rows, study.path, *numbers)
    items = []
    loads = short_names(study)
    for i, (_, rows) in enumerate(groups_of(study.rows, study.keys)):
        name = loads[study.rows.index.get_loc(rows.index[0])]
        if i == 6:
            items.append(rc.text("Only the first six variants are shown; size.csv has all."))
            break
        items += variant_items(study, i, name, rows)
    meets = (study.rows["outcome"] == "meets").to_numpy()
    study.labels = [fleet_words(row) for _, row in study.rows[meets].iterrows()]
    demand = demand_charts(study, 3)
    study.rows = study.rows[meets].reset_index(drop=True)
    if np.count_nonzero(meets) >= 2:
        met = [load for load, one in zip(loads, meets) if one]
        items += pareto_charts(study, met if len(set(met)) > 1 else None)
    return rc.section("size", "The cheapest fleet", items + demand)
