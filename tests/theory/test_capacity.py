#!/usr/bin/env python3
"""capacity: the rate at a given mean wait is the one of Pollaczek and Khinchine.

One replica that serves one request at a time is M/D/1 or M/G/1 (see test_queues.py), so the
rate at which the mean wait is W solves W = rate x E S^2 / (2 (1 - rate x E S)):

    rate = 2 W / (E S^2 + 2 W E S).

`servesim capacity` with `require = mean_queue_ms <= W` must find it within 1 %, and within
four of its own standard errors and a step of its lattice.  With a bound that no request
misses the answer is the rate at which the server is always busy, 1 / E S, however short
the run is: the queue's growth decides.
"""

import math
import pathlib
import subprocess
import sys

sys.path[:0] = ["tests/golden", "tests/theory"]
import runs  # noqa: E402
import test_queues  # noqa: E402

CONFIG = test_queues.CONFIG.replace("trace = -", "generator = workload.ini") + """
[slo]
{slo}
[study]
requests = {n}
seeds = {seeds}
warmup = 0.01
cooldown = 0
[capacity]
precision = {precision}
"""

MOST_ERROR = 0.01
FASTEST = test_queues.Service("M/D/1 of 22 us", 9, 0, 4, 2, fixed=41)


def search(service, slo, n, seeds, precision, start):
    """The one row of capacity.csv."""
    with runs.work_folder() as folder:
        root = pathlib.Path(folder)
        (root / "config.ini").write_text(CONFIG.format(
            base=float(service.base), token=float(service.token),
            decode=float(service.decode), slo=slo, n=n, seeds=seeds, precision=precision),
            encoding="utf-8")
        (root / "workload.ini").write_text(test_queues.WORKLOAD.format(
            n=n, seed=1, rate=f"{start:.9f}", prompt=service.section(),
            output=service.output), encoding="utf-8")
        done = subprocess.run([pathlib.Path(runs.SERVESIM).resolve(), "capacity", "config.ini",
                               "-o", "out", "-q"], cwd=root, check=False,
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"FAILED: {done.stderr}")
        return runs.read_table(root / "out/capacity.csv")[0]


def check_wait(service, load):
    """Whether the rate at the mean wait of that load is found."""
    wanted = load / service.mean
    bound_ms = service.wait(wanted) * 1000
    precision = 0.002
    row = search(service, f"require = mean_queue_ms <= {bound_ms:.9f}", 60_000, 4, precision,
                 wanted)
    found, error = float(row["meets_rps"]), float(row["sampling_se"])
    off = found / wanted - 1
    good = (abs(off) < MOST_ERROR and abs(math.log1p(off)) < 4 * error + precision
            and row["low_rps"] == "" and row["monotone"] == "yes")
    print(f"{'ok' if good else 'FAILED'}: {service.name}, load {load}: {found} requests/s at a "
          f"mean wait of {bound_ms / 1000:.4f} s, theory {wanted:.6g}, off {off:+.3%}, standard "
          f"error {error:.3%}")
    return good


def check_saturation(service, n, most_error):
    """Whether the rate that nothing but the queue's growth limits is that of a busy server."""
    wanted = 1 / service.mean
    row = search(service, "e2e_ms = 1000000000", n, 3, 0.005, wanted)
    found = float(row["meets_rps"])
    off = found / wanted - 1
    good = abs(off) < most_error and "overloaded" in row["reason"]
    print(f"{'ok' if good else 'FAILED'}: {service.name}, saturated by {n} requests: {found} "
          f"requests/s, always busy at {wanted:.6g}, off {off:+.3%}")
    return good


def main():
    good = True
    for service, load in zip((*test_queues.SERVICES, test_queues.SERVICES[0]),
                             (0.7, 0.5, 0.7, 0.3)):
        good &= check_wait(service, load)
    # An M/D/1 run of n requests is off by about 1 / sqrt(n); growth below 1 % is not told.
    good &= check_saturation(test_queues.SERVICES[0], 20_000, 0.02)
    good &= check_saturation(FASTEST, 2_000, 0.06)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
