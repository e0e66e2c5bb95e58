"""conserve_bill: whether bill.csv, tenants.csv and sessions.csv of a run add up.

Money there is whole picodollars, energy whole picojoules, time whole nanoseconds: sums of
printed numbers are compared with ==.
"""

from fractions import Fraction

from result_folder import agree, near, ns

HOUR_S = 3600
BUSY = ("attributed", "lost", "remainder")
CONTRACT = ("unused_node", "rounding_up", "electricity")  # of no replica


def is_plain(run):
    """Whether all is rented on demand, to the nanosecond, and on from beginning to end."""
    terms = run.config["price"]
    return (all(ns(row["busy_s"]) + ns(row["idle_s"]) == run.end for row in run.replicas)
            and terms["increment"] == terms["minimum"] == "0" and terms["starting"] == "billed"
            and terms["failed"] == "billed" and all(
                pool["price_basis"] == "on_demand" and pool["billing"] == "gpu"
                and pool["committed_replicas"] == "0" for pool in run.pools.values()))


def column(rows, name):
    return sum(Fraction(row[name]) for row in rows)


def add_up(run):
    """What does not sum within bill.csv."""
    numbers = ("replica_s", "gpu_s", "usd", "energy_j")
    items = {(row["pool"], row["item"]): row for row in run.bill}
    names = [item for pool, item in items if pool == ""]
    for pool in ["", *run.pools]:
        parts = [items[pool, item] for item in names if item != "total"]
        for name in numbers:
            if column(parts, name) != Fraction(items[pool, "total"][name]):
                yield f"{name} of '{pool}'"
    for item in names:
        for name in numbers:
            if column([items[pool, item] for pool in run.pools], name) != Fraction(
                    items["", item][name]):
                yield f"{name} of {item}"


def times(run):
    """Which times of a pool are not those of its replicas."""
    free = {name for name in ("starting", "failed") if run.config["price"][name] == "free"}
    for pool in run.pools:
        rows = {row["item"]: row for row in run.bill if row["pool"] == pool}
        own = [row for row in run.replicas if row["pool"] == pool]
        busy = column([rows[item] for item in BUSY], "replica_s")
        wanted = {name: 0 if name in free else column(own, f"{name}_s")
                  for name in ("idle", "starting", "failed")}
        for name, value in wanted.items():
            if Fraction(rows[name]["replica_s"]) != value:
                yield f"{name} of {pool}"
        if busy != column(own, "busy_s"):
            yield f"busy of {pool}"
        beside = column([rows[item] for item in CONTRACT], "usd")  # rounded, as the total is
        if not agree([row["cost_usd"] for row in own], Fraction(rows["total"]["usd"]) - beside,
                     Fraction(2, 10**12)):
            yield f"replicas.csv of {pool}"


def payers(rows, fleet, requests, group):
    """What the rows of tenants.csv or sessions.csv do not sum to."""
    done = [request for request in requests if request.done]
    wanted = {"requests": len(requests), "completed": len(done),
              "input_tokens": sum(request.prompt for request in done),
              "cached_tokens": sum(int(request.row["cached_tokens"]) for request in done),
              "output_tokens": sum(request.output for request in done),
              "energy_j": Fraction(fleet["attributed"]["energy_j"]),
              "attributed_usd": Fraction(fleet["attributed"]["usd"])}
    if wanted["attributed_usd"] > 0:
        wanted["with_overhead_usd"] = Fraction(fleet["total"]["usd"])
    for name, value in wanted.items():
        if column(rows, name) != value:
            yield name
    for row in rows:
        own = [r for r in done if r.row[group] == row[group]]
        if sum(Fraction(r.row["cost_usd"]) for r in own) != Fraction(row["attributed_usd"]):
            yield f"money of '{row[group]}'"
    order = list(dict.fromkeys(request.row[group] for request in requests))
    if [row[group] for row in rows] != order:
        yield "order"


def check_bill(run):
    """Every dollar and joule stands in one row; rows sum to the total, payers to rows."""
    fleet = {row["item"]: row for row in run.bill if row["pool"] == ""}
    told = run.summary
    faults = [*add_up(run), *times(run)]
    lost = [request for request in run.requests if not request.done]
    for name, key in (("usd", "cost_usd"), ("energy_j", "energy_j")):
        rows = sum(Fraction(request.row[key]) for request in run.done)
        others = sum(Fraction(request.row[key]) for request in lost)
        if Fraction(fleet["attributed"][name]) != rows:
            faults.append(f"attributed {name}")
        again = any(request.row["attempts"] != "1" for request in run.requests)
        left = Fraction(fleet["lost"][name]) - others
        if left < 0 or (left > 0 and not again):
            faults.append(f"lost {name}")
    if not near(told["total_cost_usd"], Fraction(fleet["total"]["usd"])):
        faults.append("total_cost_usd")
    if not near(told["total_energy_j"], Fraction(fleet["total"]["energy_j"])):
        faults.append("total_energy_j")
    parts = [told[f"{name}_cost_usd"] for name in ("input", "cached", "output")]
    if parts[0] and sum(map(Fraction, parts)) != Fraction(fleet["total"]["usd"]):
        faults.append("input, cached and output")
    faults += payers(run.tenants, fleet, run.requests, "tenant")
    if run.sessions is not None:
        faults += payers(run.sessions, fleet, run.requests, "session_id")
    busy = sum(ns(row["busy_s"]) for row in run.replicas)
    return f"{fleet['total']['usd']} usd, {busy} ns busy, wrong: {faults[:3]}", not faults
