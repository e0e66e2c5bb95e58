#!/usr/bin/env python3
"""failures: replicas that fail and are repaired are an alternating renewal process.

With exponential lifetimes of mean 1/a and repairs of mean 1/b a replica that is up at 0 is up
during [0, T] for

    E U = T b/(a+b) + a/(a+b)^2 (1 - e^-(a+b)T)

in the mean, with a variance that comes to 2 a b T / (a+b)^3 for large T, and fails a E U
times.  Means over independent replicas must lie within 4 standard errors; so must those of
nodes, whose replicas are down together, to the nanosecond.  Two runs of one seed fail at the
same moments however much they serve; and a pool that is slow altogether takes the times of
one whose steps are scaled, to the nanosecond (the energy of its work is that of its pace).
"""

import math
import pathlib
import sys
import tempfile

sys.path.insert(0, "tests/golden")
import runs  # noqa: E402

END_S, N = 200000, 96
CONFIG = """
[run]
seed = {seed}
[workload]
trace = {trace}
[output]
interval = 1000000000
[pool.main]
cost = linear
base_us = 1000
num_gpu_blocks = 4099
replicas = {n}
gpus_per_node = {node}
[scale.main]
image_s = {boot}
storage_bandwidth = 0
graph_capture_s = 0
[fail]
mtbf = {mtbf}
mttr = {mttr}
scope = {scope}
"""


def simulate(root, name, requests, **values):
    trace = runs.write_trace(root / f"{name}.csv", requests)
    config = root / f"{name}.ini"
    config.write_text(CONFIG.format(trace=trace, **values), encoding="utf-8")
    runs.run(config, root / name)
    return runs.read_table(root / name / "replicas.csv"), runs.read_summary(root / name)


def check(what, found, expected, deviation):
    """A sentence if a mean is more than four standard errors off."""
    errors = (found - expected) / deviation
    print(f"{what}: {found:.1f}, expected {expected:.1f} +- {deviation:.1f} ({errors:+.2f})")
    return [] if abs(errors) < 4 else [f"{what} is {errors:.1f} standard errors off"]


def renewal(root, scope, node, mtbf, mttr, seed, boot=0):
    ends = [(0, 5, 1), (END_S * 10**9, 5, 1)]
    rows, summary = simulate(root, f"{scope}{mtbf}{boot}", ends, seed=seed, n=N, node=node,
                             scope=scope, mtbf=mtbf, mttr=mttr, boot=boot)
    a, b, t = 1 / mtbf, 1 / mttr, END_S
    down = [runs.to_ns(row["failed_s"]) + runs.to_ns(row["starting_s"]) for row in rows]
    groups = [set(down[i:i + node]) for i in range(0, N, node)] if scope == "node" else [
        {ns} for ns in down]
    faults = [f"{scope}: replicas of a node are not down together"
              for group in groups if len(group) > 1]
    n = len(groups)
    expected = t - (t * b / (a + b) + a / (a + b)**2 * (1 - math.exp(-(a + b) * t)))
    if boot > 0:  # a boot of fixed length: by means and variances alone
        expected = t * (mttr + boot) / (mtbf + mttr + boot)
        b = 1 / (mttr + boot)
    mean = sum(next(iter(group)) for group in groups) / n / 10**9
    faults += check(f"{scope}, mtbf {mtbf}: seconds down", mean, expected,
                    math.sqrt(2 * a * b * t / (a + b)**3 / n))
    cycle = mtbf + mttr + boot  # their number has variance t (mtbf^2 + mttr^2) / cycle^3
    failures = int(summary["failures"]) / N
    faults += check(f"{scope}, mtbf {mtbf}: failures", failures,
                    a * (t - expected), math.sqrt(t * (mtbf**2 + mttr**2) / cycle**3 / n))
    availability = 1 - sum(down) / N / runs.to_ns(summary["simulated_time"])
    if abs(float(summary["availability"]) - availability) > 1e-9:
        faults.append(f"{scope}: availability is {summary['availability']}, not {availability}")
    return faults


def same_moments(root):
    """What a fleet serves does not move its failures."""
    values = {"seed": 7, "n": 3, "node": 1, "scope": "replica", "mtbf": 137, "mttr": 41,
              "boot": 7}
    few, _ = simulate(root, "few", [(0, 5, 1), (4099 * 10**9, 5, 1)], **values)
    many, _ = simulate(root, "many", [(i * 10**9, 137, 41) for i in range(4099)]
                       + [(4099 * 10**9, 5, 1)], **values)
    columns = ("failed_s", "starting_s")
    if any(a[name] != b[name] for a, b in zip(few, many) for name in columns):
        return ["the same seed fails at other moments under load"]
    return []


def slow_as_scaled(root):
    server = root / "server.ini"
    server.write_text(runs.SERVER, encoding="utf-8")
    made = runs.generate(root / "made.csv", ["workload.requests=400"])
    common = [f"workload.trace={made}"]
    slow = ["pool.main.slow_share=1", "pool.main.slow_factor=1.37"]
    runs.run(server, root / "slow", [*common, *slow])
    runs.run(server, root / "scaled", [*common, "pool.main.scale=1.37"])
    tables = [[{name: value for name, value in row.items() if name != "energy_j"}
               for way in ("slow", "scaled")
               for row in runs.read_table(root / way / file)]
              for file in ("requests.csv", "replicas.csv")]
    return ["times differ between slow and scaled steps" for rows in tables
            if rows[:len(rows) // 2] != rows[len(rows) // 2:]]


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        faults = renewal(root, "replica", 1, 1370, 341, 1)
        faults += renewal(root, "replica", 1, 41, 137, 2)
        faults += renewal(root, "node", 4, 700, 99, 3)
        faults += renewal(root, "replica", 1, 1370, 341, 4, boot=59)
        faults += same_moments(root)
        faults += slow_as_scaled(root)
    for fault in faults:
        print(f"FAILED: {fault}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
