"""report_latency: how long requests took, and whose time that was."""

import numpy as np

import report_chart as rc
from report_requests import QUANTILES
from report_text import OWNER_MEANS, OWNERS, clip, count, digits, quantity, span

NAMES = {"ttft": "TTFT", "tpot": "TPOT", "itl": "longest ITL", "e2e": "E2E"}
CURVES = (("ttft_s", "TTFT", rc.BLUE), ("tpot_s", "TPOT", rc.GREEN), ("e2e_s", "E2E", rc.RED),
          ("queue_s", "Queue", rc.PURPLE))
OWNER_COLOURS = dict(zip(OWNERS, ("grey", rc.ORANGE, rc.BLUE, rc.SKY, rc.RED, rc.PURPLE)))
OWNER_COLOURS |= {"other": "ink", "recompute or transfer": rc.RED}
# What no column of a latency's owners counts: of the first token, recompute_s and transfer_s
# do not say which part of them was before it.
REST = {"e2e_s": "other", "ttft_s": "recompute or transfer"}
SHOWN = (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99))
N_BUCKETS = 10


def cdf(run, name, label, colour, **more):
    """The curve of one latency on a logarithmic axis: zeros would not be on it."""
    counts = run.requests.latencies[name]
    values = counts.quantiles(QUANTILES)
    kept = values > 1e-6
    return rc.line(label, colour, values[kept], 100 * QUANTILES[kept], **more)


def latency_cdf(run):
    there = [(name, label, colour) for name, label, colour in CURVES
             if run.requests.latencies[name].n and run.requests.latencies[name].most > 1e-6]
    marks = [rc.mark(f"{NAMES[name]} bound {span(at)}", [at], colour)
             for (name, at), colour in zip(run.slo().items(),
                                           (rc.BLUE, rc.GREEN, rc.ORANGE, rc.RED))
             if name != "itl"]
    rows = []
    for name, label, _ in there:
        counts = run.requests.latencies[name]
        rows.append([label, *(span(counts.quantiles([share])[0]) for _, share in SHOWN),
                     span(counts.most)])
    return rc.chart(
        "latency-cdf", "How long requests take",
        "A point at 200 ms and 90 % says that 90 of 100 requests took 200 ms or less: the "
        "further left and the steeper, the better. Dashed lines are the bounds of the SLO.",
        "requests.csv: ttft_s, tpot_s, e2e_s, queue_s of completed requests",
        rc.axis("time (logarithmic)", "s", log=True),
        rc.axis("completed requests (%)", "%", min=0, max=100),
        [cdf(run, *each) for each in there], marks=marks, tooltip="y",
        table=rc.table("Percentiles", ["", *(name for name, _ in SHOWN), "max"], rows))


def over_time(run, name, column, title, read, slo_key):
    unit, size = rc.clock(run.end_s)
    series = []
    for (label, share), colour in zip((("p50", 0.5), ("p90", 0.9), ("p99", 0.99)),
                                      (rc.BLUE, rc.ORANGE, rc.RED)):
        points = run.requests.over_time(column, share)
        series.append(rc.line(label, colour, [at / size for at, _ in points],
                              [value for _, value in points]))
    values = [value for each in series for _, value in each["data"] if value]
    if not values:
        return None
    slo = run.slo().get(slo_key)
    marks = [rc.mark(f"bound {span(slo)}", [slo], "ink", "y")] if slo else []
    marks += rc.event_marks(run)
    spread = max(values) / min(values)
    how = " The axis is logarithmic." if spread > 30 else ""
    return rc.chart(
        f"time-{name}", title, read + how,
        f"requests.csv: {column}, by arrival_s", rc.time_axis(run.end_s),
        rc.axis({"ttft": "time to first token", "tpot": "time per output token",
                 "itl": "longest gap"}[name], "s",
                **({"log": True, "min": rc.rounded(min(*values, slo or values[0]) / 1.3),
                    "max": rc.rounded(max(*values, slo or 0) * 1.3)}
                   if spread > 30 else {"min": 0})),
        series, marks=marks, sync="time", gaps=True)


def slowest_bars(run, column, parts, name, title, read):
    rows = run.requests.slowest[column]
    if rows.empty:
        return None
    total = rows[column].to_numpy()
    values = {part: rows[f"{part}_s"].fillna(0).to_numpy() for part in parts}
    rest = np.clip(total - sum(values.values()), 0, None)
    if (rest > 1e-6).any():
        values[REST[column]] = rest
    series = [(part, OWNER_COLOURS[part], each) for part, each in values.items()
              if (each > 0).any()]
    return rc.bars(name, title, read,
                   f"requests.csv: {column} and the columns of its owners",
                   rc.axis("time since the request was sent", "s", min=0),
                   [clip(each, 20) for each in rows["request_id"]], series, stacked=True)


def group_of(run, column, low, high, parts):
    """Mean owners of the requests between two quantiles, all means, how many they are."""
    means, n = run.requests.sums[column].group(low, high)
    found = {part: means[f"{part}_s"] for part in parts}
    rest = means[column] - sum(found.values())
    if rest > 1e-3 * means[column]:
        found[REST[column]] = rest
    return found, means, n


def owners_story(run, column, label, parts):
    """The sentence that names who owns the time of the slowest, and what they ask for."""
    slow, slow_means, n = group_of(run, column, 0.99, 1, parts)
    usual, usual_means, _ = group_of(run, column, 0.4, 0.6, parts)
    total, usual_total = slow_means[column], usual_means[column]
    if n < 1 or total <= 0 or usual_total <= 0:
        return None
    main = max(slow, key=slow.get)
    extra = {part: slow[part] - usual.get(part, 0) for part in slow}
    gap = total - usual_total
    alone = round(n) <= 1
    who = f"The slowest request has a {label} of" if alone else \
        f"The slowest 1 % ({count(n)} requests) have a mean {label} of"
    words = [f"{who} {span(total)}, {digits(total / usual_total)} times as long as requests "
             f"around the median ({span(usual_total)}).",
             f"{quantity(100 * slow[main] / total, '%')} of that is {main}: "
             f"{OWNER_MEANS[main]}."]
    most = max(extra, key=extra.get)
    if gap > 0.02 * total and extra[most] > 0:
        share = quantity(min(100, 100 * extra[most] / gap), "%")
        whom = "it" if alone else "them"
        words.append(f"It is also what sets {whom} apart from the median: {span(extra[most])} "
                     f"more of it, {share} of the difference." if most == main else
                     f"What sets {whom} apart from the median is {most}, {span(extra[most])} "
                     f"more, {share} of the difference: {OWNER_MEANS[most]}.")
    asked = [f"{count(slow_means[f'{kind}_tokens'])} {what} tokens instead of "
             f"{count(usual_means[f'{kind}_tokens'])}"
             for kind, what in (("prompt", "prompt"), ("output", "output"))]
    words.append(f"{'It has' if alone else 'On average they have'} {asked[0]} and {asked[1]}"
                 + (f", and gave way (preemption) {digits(slow_means['preemptions'])} times "
                    f"each." if slow_means["preemptions"] > 0.1 else "."))
    return rc.text(" ".join(words))


def owners_by_speed(run, column, label, parts):
    """Mean owners of a request, from the fastest tenth to the slowest."""
    if run.requests.latencies[column].n < 2 * N_BUCKETS:
        return None
    edges = [*np.linspace(0, 0.9, N_BUCKETS), 0.99, 1]
    names, rows = [], []
    for low, high in zip(edges, edges[1:]):
        found, means, n = group_of(run, column, low, high, parts)
        if n >= 0.5 and means[column] > 0:
            names.append(f"{digits(100 * low)}–{digits(100 * high)} %: {span(means[column])}")
            rows.append({part: 100 * value / means[column] for part, value in found.items()})
    series = [(part, OWNER_COLOURS[part], [row.get(part, 0) for row in rows])
              for part in (*parts, REST[column]) if any(row.get(part, 0) for row in rows)]
    return rc.bars(
        f"owners-{column[:-2]}", f"Where the {label} of fast and slow requests goes",
        "Requests sorted from the fastest tenth (top) to the slowest 1 % (bottom), with their "
        f"mean {label}; each bar divides it among its owners.",
        f"requests.csv: {column} and the columns of its owners, completed requests",
        rc.axis(f"share of {label} (%)", "%", min=0, max=100), names, series, stacked=True)


def latency_sections(run):
    if run.requests.latencies["e2e_s"].n == 0:
        return [rc.section("latency", "Latency",
                           [rc.text("No request completed: there are no latencies.")])]
    late = rc.section("latency", "Latency", [
        latency_cdf(run),
        over_time(run, "ttft", "ttft_s", "Time to first token over the run",
                  "Percentiles of the requests that arrived in each stretch of time. A line "
                  "that rises and stays up says that the servers cannot follow.", "ttft"),
        over_time(run, "tpot", "tpot_s", "Time per output token over the run",
                  "The lower, the faster answers are written. It rises with the batch.",
                  "tpot"),
        over_time(run, "itl", "max_itl_s", "Longest pause within an answer over the run",
                  "The longest gap between two tokens of each request, by when the request "
                  "arrived: what a reader notices as a hiccup.", "itl"),
    ])
    first = ("queue", "prefill")
    why = rc.section("why", "Why the p99 is what it is", [
        rc.text("End to end", heading=True),
        owners_story(run, "e2e_s", "end-to-end time", OWNERS),
        owners_by_speed(run, "e2e_s", "end-to-end time", OWNERS),
        slowest_bars(run, "e2e_s", OWNERS, "slowest-e2e", "The slowest requests, end to end",
                     "One bar per request, the slowest first, named by its id; colours are "
                     "the owners of its time."),
        rc.text("Time to first token", heading=True),
        owners_story(run, "ttft_s", "time to first token", first),
        owners_by_speed(run, "ttft_s", "time to first token", first),
        slowest_bars(run, "ttft_s", first, "slowest-ttft",
                     "The longest times to first token",
                     "One bar per request: how long it waited in the queue, and how long its "
                     "prompt took."),
    ])
    return [late, why]
