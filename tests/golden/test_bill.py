#!/usr/bin/env python3
"""bill: what the fleet costs on every basis, worked out again from nothing but its times.

Expected rows are fractions: price x time, nodes filled in order, stretches rounded up.  A
printed row may be half a picodollar off; that rows sum exactly is check_bill's of
analysis/conserve.py, which is run on every folder here.
"""

import pathlib
import random
import subprocess
import sys
from fractions import Fraction

import runs

sys.path.insert(0, "analysis")
import conserve_bill  # noqa: E402
import result_folder  # noqa: E402

HOUR_S = 3600
LAMBDA, RESERVED = Fraction("3.99"), Fraction("2.35")
OWNED = Fraction("31337.5") / (Fraction("3.7") * 8766) + 137 * Fraction("0.7") / Fraction("730.5")
# whole nano-dollars
OWNED = Fraction(int(OWNED * 10**9 + Fraction(1, 2)), 10**9)


def up(seconds, increment):
    return -(-seconds // increment) * increment


# name, settings, and of the end in seconds: usd of the rows that do not depend on the work
CASES = [
    ("on_demand", ["pool.main.replicas=3"], lambda t: {"total": 3 * t * LAMBDA}),
    ("node", ["pool.main.replicas=3", "pool.main.tensor_parallel=2", "pool.main.billing=node"],
     lambda t: {"unused_node": 2 * t * LAMBDA, "total": 8 * t * LAMBDA}),
    ("nodes", ["pool.main.replicas=5", "pool.main.tensor_parallel=4", "pool.main.billing=node",
               "price.increment=0.7"],
     lambda t: {"unused_node": 4 * t * LAMBDA, "total": 24 * up(t, Fraction("0.7")) * LAMBDA,
                "rounding_up": 24 * (up(t, Fraction("0.7")) - t) * LAMBDA}),
    ("minimum", ["pool.main.replicas=2", "price.minimum=1h", "price.increment=7s"],
     lambda t: {"rounding_up": 2 * (3605 - t) * LAMBDA, "total": 2 * 3605 * LAMBDA}),
    ("committed", ["pool.main.replicas=3", "pool.main.committed_replicas=2",
                   "price.increment=1h"],
     lambda t: {"rounding_up": (3600 - t) * LAMBDA, "unused_commitment": 0,
                "total": 3600 * LAMBDA + 2 * t * RESERVED}),
    ("reserved", ["pool.main.replicas=3", "pool.main.price_basis=reserved",
                  "price.increment=1h"],
     lambda t: {"rounding_up": 0, "total": 3 * t * RESERVED}),
    ("owned", ["pool.main.replicas=2", "pool.main.price_basis=owned",
               "pool.main.capex_usd=31337.5", "pool.main.amortisation_years=3.7",
               "pool.main.hosting_usd_per_kw_month=137"],
     lambda t: {"total": 2 * t * OWNED}),
    ("metered", ["pool.main.price_basis=owned", "pool.main.capex_usd=31337.5",
                 "pool.main.amortisation_years=3.7", "pool.main.hosting_usd_per_kw_month=137",
                 "power.pue=1.37", "power.usd_per_kwh=0.137", "power.host_idle_w=41"],
     lambda t: {"unused_commitment": 0}),
    ("spot", ["pool.main.price_basis=spot", "pool.main.usd_per_hour_spot=1.37"],
     lambda t: {"total": t * Fraction("1.37")}),
]
BASES = {"committed": "mixed: Lambda + SemiAnalysis; compare with care",
         "reserved": "one vendor: SemiAnalysis", "owned": "one vendor: given",
         "metered": "one vendor: given",
         "spot": "one vendor: given"}
TROUBLE = ["output.sessions=yes", "workload.client_timeout=1.37s", "pool.main.num_gpu_blocks=401",
           "output.interval=0.37"]


def write_trace(path):
    """Requests of some tenants and sessions, some of them of nobody."""
    draw = random.Random(4099)
    at = 0
    with open(path, "w", encoding="utf-8") as file:
        file.write("arrival_s,prompt_tokens,output_tokens,tenant,session_id\n")
        for _ in range(300):
            at += draw.randrange(40_000_000)
            tenant = draw.choice(["acme", "b", "", "acme"])
            session = draw.choice(["", f"s{draw.randrange(41)}"])
            file.write(f"{runs.to_seconds(at)},{draw.randrange(1, 1500)},"
                       f"{draw.randrange(1, 200)},{tenant},{session}\n")
    return path


def row_faults(name, folder, expected):
    rows = {row["item"]: row for row in folder.bill if row["pool"] == ""}
    for item, usd in expected(Fraction(folder.end, 10**9)).items():
        if not result_folder.near(rows[item]["usd"], Fraction(usd) / HOUR_S):
            yield f"{name}: {item} is {rows[item]['usd']}, not {float(Fraction(usd) / HOUR_S):.12f}"


def session_faults(folder):
    """The money of sessions, and how many there are."""
    named = [row for row in folder.sessions if row["session_id"]]
    usd = sum(Fraction(row["with_overhead_usd"]) for row in named)
    if int(folder.summary["sessions"]) != len(named) or len(named) < 30:
        yield f"{folder.summary['sessions']} sessions, not {len(named)}"
    if abs(Fraction(folder.summary["usd_per_session"]) - usd / len(named)) > Fraction(1, 10**9):
        yield f"{folder.summary['usd_per_session']} usd per session"


def electricity_faults(name, folder):
    """Owners pay the meter: GPUs and hosts, times PUE; others do not pay it twice."""
    rows = {row["item"]: row for row in folder.bill if row["pool"] == ""}
    kwh = Fraction(rows["total"]["energy_j"]) * Fraction(folder.config["power"]["pue"]) / 3600000
    usd = kwh * Fraction(folder.config["power"]["usd_per_kwh"])
    if not result_folder.near(rows["electricity"]["usd"], usd) or (usd > 0) != (name == "metered"):
        yield f"{name}: electricity for {rows['electricity']['usd']}, not {float(usd):.12f}"
    if Fraction(rows["electricity"]["energy_j"]) != 0:
        yield f"{name}: electricity has energy of its own"


def case_faults(root, config, name, settings, expected):
    runs.run(config, root / name, [*TROUBLE, *settings])
    runs.run(config, root / f"{name}-stepwise", [*TROUBLE, *settings], stepwise=True)
    runs.run(root / name / "config.ini", root / f"{name}-again")
    faults = [f"{name}: {fault}" for other in ("stepwise", "again")
              for fault in runs.differences(root / name, root / f"{name}-{other}")]
    folder = result_folder.ResultFolder(root / name)
    said, holds = conserve_bill.check_bill(folder)
    faults += [] if holds else [f"{name}: {said}"]
    faults += row_faults(name, folder, expected)
    faults += session_faults(folder)
    faults += electricity_faults(name, folder)
    basis = BASES.get(name, "one vendor: Lambda")
    if folder.summary["price_basis"] != basis:
        faults.append(f"{name}: price_basis {folder.summary['price_basis']}")
    lost = sum(request.status == "timed_out" for request in folder.requests)
    return faults + ([] if lost or name != "spot" else ["nothing was lost"])


def pools_faults(root, config):
    """Two pools with their own vendors; the timeline has the price of all."""
    text = config.read_text(encoding="utf-8") + """
[pool.other]
accelerator = b300-sxm
model = llama-3.1-8b
policy = vllm-v1
billing = node
"""
    two = root / "two.ini"
    two.write_text(text, encoding="utf-8")
    runs.run(two, root / "two", TROUBLE)
    folder = result_folder.ResultFolder(root / "two")
    said, holds = conserve_bill.check_bill(folder)
    faults = [] if holds else [f"two pools: {said}"]
    end = Fraction(folder.end, 10**9)
    faults += row_faults("two pools", folder, lambda t: {
        "unused_node": 7 * t * Fraction("7.4"), "total": t * (LAMBDA + 8 * Fraction("7.4"))})
    found, room = folder.integral("usd_per_h", Fraction(1, HOUR_S))
    if abs(found - end * (LAMBDA + Fraction("7.4")) / HOUR_S) > room:
        faults.append(f"the timeline's prices sum to {float(found)}")
    if folder.summary["price_basis"] != "mixed: Lambda + Hyperstack; compare with care":
        faults.append(f"two pools: {folder.summary['price_basis']}")
    return faults


FLEETS = {
    "rounded": ["price.starting=free", "price.failed=free", "price.increment=60s"],
    "nodes": ["pool.main.committed_replicas=3", "pool.main.usd_per_hour_reserved=0.3",
              "pool.main.billing=node", "pool.main.gpus_per_node=4", "price.increment=1h"],
    "owned": ["pool.main.price_basis=owned", "pool.main.capex_usd=2000", "power.usd_per_kwh=0.1",
              "power.pue=1.3"],
}


def fleet_faults(root):
    """Replicas that come, go and fail are in the bill for as long as the terms say."""
    trace = runs.generate(root / "day.csv", ["workload.requests=3000", "arrivals.rate_rps=12",
                                             "arrivals.modulation_cv=0.6", "arrivals.tau_s=200"])
    for name, terms in FLEETS.items():
        settings = [f"workload.trace={trace}", "output.sessions=yes", "fail.mtbf=300s",
                    "fail.mttr=40s", "scale.main.down_cooldown=20s", *terms]
        for stepwise in (False, True):
            runs.run("configs/examples/autoscale.ini", root / f"{name}-fleet-{stepwise}",
                     settings, stepwise)
        yield from runs.differences(root / f"{name}-fleet-False", root / f"{name}-fleet-True")
        folder = result_folder.ResultFolder(root / f"{name}-fleet-False")
        said, holds = conserve_bill.check_bill(folder)
        rows = {row["item"]: Fraction(row["usd"]) for row in folder.bill if row["pool"] == ""}
        wanted = {"rounded": ["lost", "rounding_up"], "owned": [
            "starting", "failed", "lost", "unused_commitment", "electricity"], "nodes": [
                "starting", "failed", "unused_commitment", "unused_node", "rounding_up"]}[name]
        missing = [item for item in wanted if rows[item] <= 0]
        if not holds or missing:
            yield f"fleet {name}: {said}, nothing for {missing}"
        if name == "rounded" and rows["starting"] + rows["failed"] != 0:
            yield "what is free has a price"


def compare_faults(config):
    """A table of dollars of two vendors says so, one of one vendor does not."""
    def table(values):
        return subprocess.run([runs.SERVESIM, "compare", config, "--over", values], check=True,
                              capture_output=True, text=True).stdout
    told = "prices are not all of one vendor; compare dollars with care:\n"
    faults = []
    if told not in table("pool.main.accelerator=h100-sxm,b300-sxm"):
        faults.append("compare does not say that prices are of two vendors")
    if told in table("pool.main.replicas=1,2"):
        faults.append("compare warns of one vendor")
    return faults


def column_faults(folder):
    """Every file's header is the list that `servesim list columns` has of it."""
    for path in sorted(folder.glob("*.csv")):
        if path.name == "summary.csv":
            continue
        told = subprocess.run([runs.SERVESIM, "list", "columns", path.name], check=True,
                              capture_output=True, text=True).stdout.splitlines()
        header = path.read_text(encoding="utf-8").partition("\n")[0].split(",")
        if [line.split()[0] for line in told[1:]] != header:
            yield f"list columns {path.name}: {told}"


def main():
    with runs.work_folder() as folder:
        root = pathlib.Path(folder)
        config = root / "server.ini"
        trace = write_trace(root / "trace.csv")
        config.write_text(runs.SERVER.replace("trace = -", f"trace = {trace}"), encoding="utf-8")
        faults = []
        for case in CASES:
            faults += case_faults(root, config, *case)
        faults += pools_faults(root, config)
        faults += fleet_faults(root)
        faults += compare_faults(config)
        runs.run(config, root / "columns", [*TROUBLE, "output.steps=yes"])
        faults += column_faults(root / "columns")
    print(f"{len(CASES)} cases, {len(faults)} faults")
    for fault in faults:
        print(f"  {fault}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
