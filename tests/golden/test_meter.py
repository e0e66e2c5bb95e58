#!/usr/bin/env python3
"""meter: power, its limits and what the meter reads, from the files of whole runs.

Every run is one with spans and one with --stepwise, of the same bytes. In each the energy adds
up: of replicas, of rows of the timeline, of GPUs and hosts, of what requests are charged and
what nobody is; and no row of the timeline draws more than the limits leave. Then runs are
compared: lower limits draw less power and take longer, a limit at TDP changes nothing, a thermal
limit is the cap of as many watts, and hosts add just what they draw.
"""

import pathlib
import sys

import runs
from awkward_traces import at_once, derived, generated, growing
from test_stepwise import Case, long_spans, preemptions, replicas_used, try_case

TDP_W = 700
WH = 3600


def throttled(least, most):
    return lambda run: (f"throttled for {run.summary['throttled_share']} of busy time",
                        least < float(run.summary["throttled_share"]) < most)


def limit_changes(watts):
    """Between two timeline rows of decodes only, the same batch, a limit of power binds in
    just one."""
    def claim(run):
        rows = runs.read_table(run.plain / "timeline.csv")
        binds = [float(row["power_w"]) > watts - 0.0001 for row in rows]
        n = sum(binds[i] != binds[i + 1] and a["running"] == b["running"]
                and float(a["prefill_tokens_per_s"]) == float(b["prefill_tokens_per_s"]) == 0
                for i, (a, b) in enumerate(zip(rows, rows[1:])))
        return f"{n} changes of what binds inside spans", n >= 1
    return claim


def at_most(watts):
    """No row of the timeline, nor the fleet at any time, draws more."""
    def claim(run):
        rows = [float(row["power_w"]) for row in runs.read_table(run.plain / "timeline.csv")]
        peak = float(run.summary["peak_fleet_power"])
        return f"{max(rows)} W at most", abs(max(rows) - peak) < 2e-6 and peak <= watts + 1e-6
    return claim


def near(a, b, slack):
    return abs(a - b) <= slack


def energy_adds_up(run):
    """In joules of six decimals, each of which may be half a microjoule off."""
    summary = {name: float(value) for name, value in run.summary.items()
               if name.endswith("_j") or name in ("pue", "facility_kwh", "mean_power")}
    total = summary["total_energy_j"]
    parts = sum(summary[f"{part}_energy_j"]
                for part in ("attributed", "idle", "lost", "remainder"))
    replicas = sum(float(row["energy_j"]) for row in runs.read_table(run.plain / "replicas.csv"))
    before, rows = 0, 0
    for row in runs.read_table(run.plain / "timeline.csv"):
        at = runs.to_ns(row["t_s"])
        rows += float(row["power_w"]) * (at - before) / runs.SECOND
        before = at
    facility = total * summary["pue"]
    return f"{total} J", (
        near(total, parts, 3e-6) and near(total, replicas, 3e-6)
        and near(total, rows, 1e-6 * before / runs.SECOND + 1e-5)
        and near(total, summary["gpu_energy_j"] + summary["host_energy_j"], 2e-6)
        and near(facility, summary["facility_energy_j"], 1e-5)
        and near(facility / WH / 1000, summary["facility_kwh"], 1e-9)
        and 0 < summary["prefill_energy_j"] < total)


CASES = [
    Case("a power cap, hosts", generated(800),
         [throttled(0.1, 0.9), long_spans(1.5), replicas_used(2),
          at_most(2 * (357.7 + 41.37 + 13.7))],
         "power.power_cap=357.7W", "power.host_idle_w=41.37", "power.host_active_w=13.7",
         "power.pue=1.37", "pool.main.replicas=2", "output.interval=0.137"),
    Case("a power cap on two GPUs, tight KV", derived(800, growing),
         [throttled(0.1, 0.99), preemptions(50), at_most(600)], "power.power_cap=300W",
         "pool.main.tensor_parallel=2", "pool.main.num_gpu_blocks=877",
         "pool.main.block_size=1", "workload.unservable=reject", "output.interval=0.137"),
    Case("a thermal limit that comes and goes in spans", at_once(400),
         [throttled(0.01, 0.99), limit_changes(557.7), long_spans(20), at_most(557.7)],
         "power.max_temperature_c=90.77", "power.ambient_c=35",
         "power.thermal_resistance_c_per_w=0.1", "pool.main.max_num_seqs=512",
         "pool.main.engine=ideal", "output.interval=0.0137"),
    Case("a power cap, experts on two ranks of two, stages", generated(300),
         [throttled(0.05, 0.99), at_most(8 * 300)], "power.power_cap=300W",
         "pool.main.model=mixtral-8x7b", "pool.main.tensor_parallel=2",
         "pool.main.data_parallel=2", "pool.main.pipeline_parallel=2"),
    Case("no limit", generated(300), [throttled(-1, 1e-9), at_most(TDP_W)]),
]
for each in CASES:
    each.claims.append(energy_adds_up)


class World:
    """Runs of one trace, each with settings of its own."""

    def __init__(self, root):
        self.root, self.n = root, 0
        self.config = root / "config.ini"
        self.config.write_text(runs.SERVER, encoding="utf-8")
        self.trace = runs.generate(root / "day.csv", ["workload.requests=400"])

    def run(self, *settings):
        self.n += 1
        folder = self.root / f"run-{self.n}"
        runs.run(self.config, folder, [f"workload.trace={self.trace}",
                                       "workload.rate_scale=2", *settings])
        return folder


def number(folder, name):
    return float(runs.read_summary(folder)[name])


def lower_caps_take_longer_and_draw_less(world):
    faults = []
    caps = [world.run(f"power.power_cap={watts}") for watts in (240, 270, 320, 400, 700)]
    for name, grows in (("mean_tpot_ms", False), ("mean_e2el_ms", False),
                        ("peak_fleet_power", True), ("throttled_share", False)):
        values = [number(folder, name) for folder in caps]
        if sorted(values, reverse=not grows) != values or values[0] == values[-1]:
            faults.append(f"{name} from 240 W to 700 W: {values}")
    return faults


def a_limit_at_tdp_changes_nothing(world):
    free, capped = world.run(), world.run(f"power.power_cap={TDP_W}")
    hot = world.run("power.max_temperature_c=95", "power.thermal_resistance_c_per_w=0.1")
    return [f"{name}: differs with {what}"
            for name in ("requests.csv", "timeline.csv", "replicas.csv")
            for what, folder in (("power_cap at TDP", capped), ("700 W of heat", hot))
            if (free / name).read_bytes() != (folder / name).read_bytes()]


def a_thermal_limit_is_a_cap(world):
    capped = world.run("power.power_cap=351")
    hot = world.run("power.max_temperature_c=80", "power.ambient_c=41",
                    "power.thermal_resistance_c_per_w=0.1", "power.cooling_efficiency=0.9")
    faults = [f"{name}: differs between 351 W and as much heat"
              for name in ("requests.csv", "timeline.csv", "replicas.csv")
              if (capped / name).read_bytes() != (hot / name).read_bytes()]
    for folder, said in ((capped, "power_cap 351 W per GPU"), (hot, "thermal 351 W per GPU")):
        if runs.read_summary(folder)["power_limit"] != said:
            faults.append(f"power_limit is not '{said}'")
    return faults


def hosts_add_what_they_draw(world):
    bare = world.run("power.power_cap=351")
    hosted = world.run("power.power_cap=351", "power.host_idle_w=137", "power.host_active_w=41")
    [row] = runs.read_table(hosted / "replicas.csv")
    busy, idle = float(row["busy_s"]), float(row["idle_s"])
    expected = 137 * (busy + idle) + 41 * busy
    found = number(hosted, "host_energy_j")
    faults = [] if near(found, expected, 1e-5) else [f"{found} J of hosts, not {expected}"]
    if number(bare, "total_energy_j") != number(hosted, "gpu_energy_j"):
        faults.append("hosts change the GPUs' energy")
    times = [[(row["finish_s"], row["ttft_s"]) for row in
              runs.read_table(folder / "requests.csv")] for folder in (bare, hosted)]
    return faults + (["hosts change times"] if times[0] != times[1] else [])


def drafts_count(world):
    """Their energy is the step's, whose duration follows."""
    folder = world.run("power.power_cap=300", "speculative.method=draft",
                       "speculative.draft_model=llama-3.2-1b", "output.interval=0.137")
    rows = [float(row["power_w"]) for row in runs.read_table(folder / "timeline.csv")]
    share = number(folder, "throttled_share")
    return [] if 299 < max(rows) <= 300 and 0.1 < share < 1 else [
        f"{max(rows)} W at most, throttled for {share}"]


def the_meter_reads_carbon_and_dollars(world):
    folder = world.run("power.pue=1.25", "power.carbon_g_per_kwh=413.7",
                       "power.usd_per_kwh=0.137")
    kwh = number(folder, "total_energy_j") * 1.25 / 3.6e6
    return [f"{name}: {number(folder, name)}, expected {expected}" for name, expected in (
        ("facility_kwh", kwh), ("carbon_g", kwh * 413.7), ("electricity_usd", kwh * 0.137))
        if not near(number(folder, name), expected, 1e-6)]


def peak_power_needs_no_folder(world):
    told = runs.subprocess.run(
        [runs.SERVESIM, "compare", world.config, "--over", "power.power_cap=300,600",
         "-s", f"workload.trace={world.trace}", "-o", world.root / "compared"],
        check=False, capture_output=True, text=True)
    if told.returncode != 0:
        return [told.stderr.strip()]
    rows = runs.read_table(world.root / "compared" / "compare.csv")
    peaks = [float(row["peak_fleet_power"]) for row in rows]
    return [] if 0 < peaks[0] < peaks[1] and peaks[0] <= 300 else [f"peaks {peaks}"]


COMPARISONS = (lower_caps_take_longer_and_draw_less, a_limit_at_tdp_changes_nothing,
               a_thermal_limit_is_a_cap, hosts_add_what_they_draw,
               drafts_count, the_meter_reads_carbon_and_dollars, peak_power_needs_no_folder)


def main():
    faults = []
    for case in CASES:
        faults += [f"{case.name}: {fault}" for fault in try_case(case)]
    for compare in COMPARISONS:
        with runs.work_folder() as folder:
            found = compare(World(pathlib.Path(folder)))
        print(f"{'FAILED' if found else 'ok'}: {compare.__name__}")
        faults += found
    for fault in faults:
        print(f"  {fault}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
