#!/usr/bin/env python3
"""queues: one replica that serves one request at a time is M/D/1 or M/G/1.

With cost = linear and max_num_seqs = 1 a request of p prompt and o output tokens takes one
prefill step and o - 1 decode steps, so its service time is

    S = base + p x prefill_token + (o - 1) x (base + decode_seq)

and queue_s is its wait W. Two things are shown. Request by request, W is Lindley's recursion
W' = max(0, W + S - A) to the nanosecond. On average, W is what Pollaczek and Khinchine say,

    E W = rate x E S^2 / (2 (1 - rate x E S)),

within 1 %, with the moments worked out from the distribution, not from the sample. Each mean
is over independent seeds; the half-width of its 99 % confidence interval (Student's t) must
be below 1 % of E W, and the interval of 99.9 % must hold E W.
"""

import concurrent.futures
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
from fractions import Fraction

sys.path.insert(0, "tests/golden")
import runs  # noqa: E402

N_SEEDS = 12
T_99, T_999 = 3.106, 4.437  # of Student's t with 11 degrees of freedom, two-sided
MOST_ERROR = 0.01

# Seconds, so that the table's hundredths of a millisecond are far below the error.
CONFIG = """
[workload]
trace = -
[output]
interval = 1000000000
itl = no
[pool.main]
batching = unified
cost = linear
max_num_seqs = 1
max_num_batched_tokens = 100000
num_gpu_blocks = 12289
base_us = {base}
prefill_token_us = {token}
decode_seq_us = {decode}
"""

WORKLOAD = """
[workload]
requests = {n}
seed = {seed}
[arrivals]
process = poisson
rate_rps = {rate}
[prompt]
{prompt}
[output]
distribution = fixed
tokens = {output}
"""


class Service:
    """A distribution of service times: costs in microseconds, and how prompts are drawn."""

    def __init__(self, name, base, token, decode, output, weights=(), mus=(), sigmas=(), fixed=0):
        self.name, self.output = name, output
        self.base, self.token, self.decode = base, token, decode
        self.parts, self.fixed = list(zip(weights, mus, sigmas)), fixed
        self.most = 4099
        rest_us = (output - 1) * (base + decode)
        times = [(share, Fraction(base + prompt * token + rest_us) / 10**6)
                 for prompt, share in self.prompts()]
        self.mean = float(sum(share * float(time) for share, time in times))
        self.square = float(sum(share * float(time) ** 2 for share, time in times))

    def below(self, x):
        """The share of the mixture that is at most x."""
        return sum(w * 0.5 * math.erfc((mu - math.log(x)) / (sigma * math.sqrt(2)))
                   for w, mu, sigma in self.parts)

    def prompts(self):
        """(length, share): draws are rounded to the nearest and clipped to 1 .. most."""
        if self.fixed:
            return [(self.fixed, 1)]
        edges = [0, *(self.below(k + 0.5) for k in range(1, self.most)), 1]
        return [(k, b - a) for k, (a, b) in enumerate(zip(edges, edges[1:]), 1)]

    def section(self):
        if self.fixed:
            return f"distribution = fixed\ntokens = {self.fixed}"
        lists = [", ".join(map(str, column)) for column in zip(*self.parts)]
        return ("distribution = lognormal_mix\nw = {}\nmu = {}\nsigma = {}\n".format(*lists)
                + f"min = 1\nmax = {self.most}\noutside = clip")

    def wait(self, rate):
        return rate * self.square / (2 * (1 - rate * self.mean))

    def service_ns(self, prompt):
        """Each step rounded by itself; all of these are whole nanoseconds anyway."""
        us = self.base + prompt * self.token + (self.output - 1) * (self.base + self.decode)
        assert us.denominator == 1 or (us * 1000).denominator == 1
        return int(us * 1000)


SERVICES = (
    Service("M/D/1", Fraction(137000), Fraction(4099), Fraction(0), 1, fixed=41),
    Service("M/G/1, two lengths", Fraction(41000), Fraction(1370), Fraction(4099), 4,
            weights=(0.7, 0.3), mus=(math.log(137), math.log(599)), sigmas=(0.000001, 0.000001)),
    Service("M/G/1, mixed lognormals", Fraction(41000), Fraction(1370), Fraction(4099), 3,
            weights=(0.6, 0.4), mus=(4.1, 5.9), sigmas=(0.5, 0.37)),
)

# Requests per seed at each load: the error grows as 1 / (1 - load).
LOADS = ((0.3, 250_000), (0.7, 500_000), (0.9, 2_000_000))


def write_files(root, service, rate, n, seed):
    config, workload = root / f"config-{seed}.ini", root / f"workload-{seed}.ini"
    config.write_text(CONFIG.format(base=float(service.base), token=float(service.token),
                                    decode=float(service.decode)), encoding="utf-8")
    workload.write_text(WORKLOAD.format(n=n, seed=seed, rate=f"{rate:.9f}",
                                        prompt=service.section(), output=service.output),
                        encoding="utf-8")
    return config, workload


def mean_wait(root, service, rate, n, seed):
    """One run's mean wait in seconds, from the table: requests.csv would be gigabytes."""
    config, workload = write_files(root, service, rate, n, seed)
    with subprocess.Popen([runs.SERVESIM, "gen", workload], stdout=subprocess.PIPE) as source:
        done = subprocess.run([runs.SERVESIM, "run", config], stdin=source.stdout, check=False,
                              capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"FAILED: seed {seed}: {done.stderr}")
    table = done.stdout
    assert re.search(rf"^Completed requests +{n} *$", table, re.MULTILINE), table
    return float(re.search(r"^Queue +([\d.]+) ", table, re.MULTILINE).group(1)) / 1000


def check_mean(service, load, n):
    """Whether the mean wait over seeds is the theory's."""
    rate = round(load / service.mean, 9)
    wanted = service.wait(rate)
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
            waits = list(threads.map(lambda seed: mean_wait(root, service, rate, n, seed),
                                     range(1, N_SEEDS + 1)))
    mean = statistics.mean(waits)
    error = statistics.stdev(waits) / math.sqrt(N_SEEDS)
    off = mean / wanted - 1
    good = (abs(off) < MOST_ERROR and T_99 * error < MOST_ERROR * wanted
            and abs(mean - wanted) < T_999 * error)
    print(f"{'ok' if good else 'FAILED'}: {service.name} at {load}: {N_SEEDS} x {n} requests, wait "
          f"{mean:.6f} s +- {T_99 * error:.6f} (99 %), theory {wanted:.6f} s, off {off:+.3%}, "
          f"interval +-{T_99 * error / wanted:.3%}")
    return good


def check_recursion(service, load, n=20_011):
    """Whether every single wait is Lindley's."""
    with runs.work_folder() as folder:
        root = pathlib.Path(folder)
        config, workload = write_files(root, service, load / service.mean, n, 4099)
        runs.execute(["gen", workload, "-o", root / "trace.csv"])
        runs.run(config, root / "out", [f"workload.trace={root}/trace.csv"])
        rows = runs.read_table(root / "out" / "requests.csv")
    free_ns = n_wrong = n_waited = 0
    for row in rows:
        arrival_ns = runs.to_ns(row["arrival_s"])
        wait_ns = max(0, free_ns - arrival_ns)
        free_ns = arrival_ns + wait_ns + service.service_ns(int(row["prompt_tokens"]))
        n_waited += wait_ns > 0
        n_wrong += wait_ns != runs.to_ns(row["queue_s"]) or free_ns != runs.to_ns(row["finish_s"])
    good = n_wrong == 0 and n_waited > n * load / 2
    print(f"{'ok' if good else 'FAILED'}: {service.name} at {load}: {n_wrong} of {len(rows)} waits "
          f"are not Lindley's, {n_waited} waited")
    return good


def main():
    good = True
    for service in SERVICES:
        for load, n in LOADS if service is not SERVICES[1] else LOADS[1:2]:
            good &= check_recursion(service, load)
            good &= check_mean(service, load, n)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
