"""report_fleet: what the servers did over time, what bounded them, and what they cost."""

import numpy as np

import report_chart as rc
from report_text import BOUND_NAMES, BOUNDS, clip, count, quantity, span

BOUND_COLOURS = {"compute": rc.ORANGE, "weight": rc.BLUE, "kv": rc.SKY, "network": rc.PURPLE,
                 "overhead": "grey", "idle": "pale"}
MOST_LINES = 5  # pools that have a line of their own
MOST_BARS = 32
ITEM_WORDS = {
    "attributed": "requests that completed", "idle": "idle", "starting": "starting",
    "failed": "failed replicas", "lost": "work that was lost", "remainder": "rounding",
    "unused_commitment": "commitment not used", "unused_node": "GPUs of nodes not used",
    "rounding_up": "billed beyond use", "electricity": "electricity"}


def timeline_chart(run, name, title, read, source, y, lines, **more):
    """lines: (label, colour, values per stretch, dash)."""
    size = rc.clock(run.end_s)[1]
    series = []
    for label, colour, values, *style in lines:
        xs, ys = rc.steps(run.timeline.starts() / size, values, run.end_s / size)
        extra = {"step": True}
        if style and style[0]:
            extra["dash"] = style[0]
        if len(lines) == 1:
            extra["fill"] = True
        series.append(rc.line(label, colour, xs, ys, **extra))
    return rc.chart(name, title, read, source, rc.time_axis(run.end_s), y, series,
                    sync="time", marks=rc.event_marks(run), **more)


def per_pool(run, value, label=""):
    """(label, colour, values) of each pool, or of all where there are many."""
    pools = run.timeline.pools
    if len(pools) > MOST_LINES or len(pools) == 1:
        return [(label or "all pools", rc.BLUE, value(None))]
    return [(f"{label} {pool}".strip(), i, value(pool)) for i, pool in enumerate(pools)]


def batch_chart(run, column, name, title, read):
    mean = run.timeline.mean
    return timeline_chart(
        run, name, title, read, f"timeline.csv: {column}",
        rc.axis("requests", "", min=0),
        per_pool(run, lambda pool: mean(column, pool), column))


def kv_chart(run):
    mean = run.timeline.mean

    def used(pool):
        total = mean("kv_total_blocks", pool)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(total > 0, 100 * mean("kv_used_blocks", pool) / total,
                            np.where(np.isnan(total), np.nan, 0))
    peak = 100 * run.replicas["peak_kv_used_fraction"].max()
    return timeline_chart(
        run, "kv", "KV cache in use",
        f"Mean share of the KV blocks that running requests hold. Near 100 % requests wait or "
        f"give way. The largest share of any replica at any moment was "
        f"{quantity(peak, '%')}.",
        "timeline.csv: kv_used_blocks, kv_total_blocks; replicas.csv: peak_kv_used_fraction",
        rc.axis("blocks in use (%)", "%", min=0), per_pool(run, used, "KV cache"))


def tokens_chart(run):
    mean = run.timeline.mean
    return timeline_chart(
        run, "tokens", "Tokens computed per second",
        "Prompts (prefill) and answers (decode), all pools together.",
        "timeline.csv: prefill_tokens_per_s, decode_tokens_per_s",
        rc.axis("tokens per second", "", min=0),
        [("prefill", rc.ORANGE, mean("prefill_tokens_per_s")),
         ("decode", rc.BLUE, mean("decode_tokens_per_s"), 1)])


def replicas_chart(run):
    """Only where their number changes."""
    counts = [run.timeline.mean("replicas", pool) for pool in run.timeline.pools]
    if all(np.nanmin(each) == np.nanmax(each) for each in counts):
        return None
    return timeline_chart(
        run, "replicas-time", "Replicas over time",
        "How many replicas there are, the mean of each stretch of time.",
        "timeline.csv: replicas; events.csv", rc.axis("replicas", "", min=0),
        per_pool(run, lambda pool: run.timeline.mean("replicas", pool), "replicas"))


def bound_chart(run):
    """What most of the time of steps was bound by, as shares of each stretch of time."""
    timeline = run.timeline
    names = [name for name in (*BOUNDS, "idle")
             if any(f"bound {name}" in timeline.bins[pool] for pool in timeline.pools)]
    if len(names) < 2:
        return None  # the same all the time: the bars of the replicas say it
    seconds = sum(timeline.bins[pool]["seconds"] for pool in timeline.pools)
    size = rc.clock(run.end_s)[1]
    series = []
    for name in names:
        total = sum(timeline.bins[pool].get(f"bound {name}", np.zeros(timeline.n))
                    for pool in timeline.pools)
        with np.errstate(invalid="ignore"):
            values = np.where(seconds > 0, 100 * total / seconds, np.nan)
        xs, ys = rc.blocks(timeline.starts() / size, values, run.end_s / size)
        series.append(rc.line(BOUND_NAMES[name], BOUND_COLOURS[name], xs, ys, fill="stack"))
    return rc.chart(
        "bound-time", "What steps are bound by, over time",
        "Each interval of the timeline counts for what most of the time of its steps was "
        "spent on; the colours are the shares of intervals (and pools).",
        "timeline.csv: bound", rc.time_axis(run.end_s),
        rc.axis("share of intervals (%)", "%", min=0, max=100), series, sync="time",
        stacked=True)


def bound_bars(run):
    """Of each replica; of each pool where there are many."""
    rows = run.replicas.copy()
    by = "replica" if len(rows) <= MOST_BARS else "pool"
    names, shares = [], []
    many = rows["pool"].nunique() > 1
    for key, group in rows.groupby(by, sort=False):
        busy = group["busy_s"].sum()
        names.append(f"{key} {group['pool'].iloc[0]}" if by == "replica" and many
                     else f"{by} {key}")
        shares.append([100 * (group[f"{name}_bound_share"].fillna(0) * group["busy_s"]).sum()
                       / busy if busy else 0 for name in BOUNDS])
    series = [(BOUND_NAMES[name], BOUND_COLOURS[name], [row[i] for row in shares])
              for i, name in enumerate(BOUNDS) if any(row[i] for row in shares)]
    if not series:
        return None
    return rc.bars(
        "bound-replicas", f"What the time of steps is spent on, by {by}",
        "Shares of the time in which a step ran. Reading weights is shared by the whole "
        "batch: where it is long, a larger batch costs little.",
        "replicas.csv: compute_bound_share … overhead_bound_share",
        rc.axis("share of busy time (%)", "%", min=0, max=100),
        [clip(name, 20) for name in names[:MOST_BARS]],
        [(label, colour, values[:MOST_BARS]) for label, colour, values in series],
        stacked=True)


def time_bars(run):
    """Busy, idle, starting, failed."""
    rows = run.replicas
    by = "replica" if len(rows) <= MOST_BARS else "pool"
    parts = ("busy_s", "idle_s", "starting_s", "failed_s")
    groups = list(rows.groupby(by, sort=False))[:MOST_BARS]
    many = rows["pool"].nunique() > 1
    names = [f"{key} {group['pool'].iloc[0]}" if by == "replica" and many else f"{by} {key}"
             for key, group in groups]
    series = [(part[:-2], colour, [group[part].sum() for _, group in groups])
              for part, colour in zip(parts, (rc.BLUE, "pale", rc.SKY, rc.RED))
              if rows[part].sum() > 0]
    return rc.bars(
        "replica-time", f"What each {by} did",
        "Busy: a step ran. Idle: there was nothing to compute. Otherwise the replica was "
        "starting or had failed.",
        "replicas.csv: busy_s, idle_s, starting_s, failed_s",
        rc.axis("time", "s", min=0), [clip(name, 20) for name in names], series,
        stacked=True)


def power_charts(run):
    mean = run.timeline.mean
    power = mean("power_w")
    price = mean("usd_per_h")
    note = " No figure of it was calibrated." if run.summary.get("power_model") == \
        "uncalibrated" else ""
    found = []
    if np.nanmax(power) > 0:
        found.append(timeline_chart(
            run, "power", "Power over time",
            f"Of the GPUs and, where [power] says so, their hosts.{note}",
            "timeline.csv: power_w", rc.axis("power", "W", min=0),
            per_pool(run, lambda pool: mean("power_w", pool), "power")))
    if np.nanmax(price) > 0 and np.nanmin(price) != np.nanmax(price):
        found.append(timeline_chart(
            run, "price", "What the fleet costs per hour, over time",
            "The price of the replicas that are paid for.", "timeline.csv: usd_per_h",
            rc.axis("dollars per hour", "$", min=0),
            per_pool(run, lambda pool: mean("usd_per_h", pool), "price")))
    return found


def bill_bars(run, column, name, title, unit, read):
    rows = run.bill[(run.bill["pool"] != "") & (run.bill["item"] != "total")]
    rows = rows[rows[column].abs() > 1e-9 * max(rows[column].sum(), 1e-30)]
    if rows.empty or rows[column].sum() <= 0:
        return None
    items = [item for item in ITEM_WORDS if item in set(rows["item"])]
    items += sorted(set(rows["item"]) - set(items))
    pools = list(dict.fromkeys(rows["pool"]))
    if len(pools) > 6:
        pools, rows = ["all pools"], rows.assign(pool="all pools")
    sums = rows.groupby(["item", "pool"])[column].sum()
    return rc.bars(name, title, read, f"bill.csv: {column}",
                   rc.axis("dollars" if unit == "$" else "energy", unit, min=0),
                   [ITEM_WORDS.get(item, clip(item)) for item in items],
                   [(pool, i, [float(sums.get((item, pool), 0)) for item in items])
                    for i, pool in enumerate(pools)], stacked=True)


def tenants_items(run):
    rows = run.tenants
    if len(rows) < 2:
        return []
    rows = rows.sort_values(["with_overhead_usd", "requests"], ascending=False,
                            kind="stable")
    shown = rows.head(15)
    cells = [[clip(row.tenant or "(no name)", 40), count(row.requests), count(row.completed),
              quantity(100 * row.slo_met / row.requests, "%")
              if row.slo_met == row.slo_met and row.requests else "–",
              quantity(row.input_tokens), quantity(row.output_tokens),
              quantity(row.with_overhead_usd, "$"), quantity(row.energy_j, "J")]
             for row in rows.head(50).itertuples()]
    return [
        rc.bars("tenants", "What each tenant costs",
                "Money for the tenant's own requests, and its share of what nobody used"
                + (f"; the 15 dearest of {count(len(rows))}." if len(rows) > 15 else "."),
                "tenants.csv: attributed_usd, with_overhead_usd",
                rc.axis("dollars", "$", min=0),
                [clip(name or "(no name)", 20) for name in shown["tenant"]],
                [("own requests", rc.BLUE, shown["attributed_usd"]),
                 ("share of the rest", "pale", (shown["with_overhead_usd"]
                                                - shown["attributed_usd"]).clip(lower=0))],
                stacked=True),
        rc.table("Tenants", ["tenant", "requests", "completed", "within SLO", "prompt tokens",
                             "output tokens", "cost", "energy"], cells),
    ]


def events_items(run):
    if run.events.empty:
        return []
    rows = [[span(row.t_s), clip(row.pool), clip(row.replica), clip(row.event),
             clip(row.detail, 40)] for row in run.events.head(100).itertuples()]
    more = f" The first 100 of {count(run.n_events)}." if run.n_events > 100 else ""
    return [rc.table(f"What happened to replicas{more}", ["time", "pool", "replica", "event",
                                                          "who wanted it"], rows,
                     fold=run.n_events > 12)]


def fleet_sections(run, roofline):
    """roofline: the chart of it, or None."""
    busy = rc.section("servers", "The servers over time", [
        batch_chart(run, "running", "running", "Requests that run at once (the batch)",
                    "Requests whose prompt or answer is being computed, the mean of each "
                    "stretch of time."),
        batch_chart(run, "waiting", "waiting", "Requests that wait (the queue)",
                    "A queue that only grows says that the load is more than the fleet can "
                    "serve."),
        kv_chart(run), tokens_chart(run), replicas_chart(run), *events_items(run)])
    bound = rc.section("bound", "What limits the hardware", [
        bound_bars(run), bound_chart(run), roofline, time_bars(run)])
    cost = rc.section("cost", "Cost and energy", [
        bill_bars(run, "usd", "bill-usd", "What was paid for", "$",
                  "Every dollar once; all bars together are the total cost."),
        bill_bars(run, "energy_j", "bill-energy", "Where the energy went", "J",
                  "Every joule once, by the same items."),
        *power_charts(run)])
    tenants = rc.section("tenants", "Tenants", tenants_items(run))
    return [each for each in (busy, bound, cost, tenants) if each["items"]]
