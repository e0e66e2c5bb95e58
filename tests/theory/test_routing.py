#!/usr/bin/env python3
"""routing: a fleet of replicas that serve one request at a time, against queueing theory.

With cost = linear, one output token and max_num_seqs = 1 a request takes base + prompt x
prefill_token: exponential service where prompts are. Arrivals are Poisson. In units of the
mean service time, at a load of rho per replica:

  random          a Poisson stream split at random is as many Poisson streams: every replica
                  is a queue by itself, M/M/1: sojourn 1 / (1 - rho); or, with one length,
                  M/D/1: wait rho / (2 (1 - rho))
  round_robin     every n-th arrival: Erlang gaps, G/M/1: sojourn 1 / (1 - s), where s is the
                  root of s = (n rho / (n rho + 1 - s))^n
  power_of_two    as n grows, the sum over i >= 1 of rho^(2^i - 2) (Mitzenmacher, "The power of
                  two choices in randomized load balancing", 2001)
  least_requests  for n = 2 the balance equations of the two queues, solved; for large n a
                  request hardly ever waits, and no n beats the M/M/n queue (Erlang's C)

Each mean is over independent seeds; theory must lie in its interval of 99.9 % (Student's t)
and within MOST_ERROR of it. The order of the four at one load is checked, too.
"""

import concurrent.futures
import math
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, "tests/golden")
import runs  # noqa: E402

N_SEEDS = 8
T_999 = 5.408  # of Student's t with 7 degrees of freedom, two-sided
MOST_ERROR = 0.02
MEAN_TOKENS = 20000  # of an exponential prompt: half a token more is nothing

CONFIG = """
[workload]
trace = {trace}
[output]
interval = 1000000000
itl = no
[route]
policy = {policy}
[run]
seed = {seed}
[pool.main]
batching = unified
cost = linear
max_num_seqs = 1
max_num_batched_tokens = 1000000
num_gpu_blocks = 100000
base_us = 0.01
prefill_token_us = {token}
replicas = {n}
"""


def trace_text(n_requests, rate, seed, fixed):
    """Arrivals of a Poisson stream, prompts whose mean takes one second."""
    rng = random.Random(seed)
    lines = ["arrival_s,prompt_tokens,output_tokens"]
    at = 0.0
    for _ in range(n_requests):
        at += rng.expovariate(rate)
        prompt = MEAN_TOKENS if fixed else 1 + int(rng.expovariate(1 / MEAN_TOKENS))
        lines.append(f"{at:.9f},{prompt},1")
    return "\n".join(lines) + "\n"


def config_text(policy, n, seed, trace="-"):
    return CONFIG.format(policy=policy, n=n, seed=seed, token=1e6 / MEAN_TOKENS, trace=trace)


def mean_sojourn(policy, n, rho, n_requests, seed, fixed):
    """Seconds, which are mean services."""
    with tempfile.NamedTemporaryFile("w", suffix=".ini") as config:
        config.write(config_text(policy, n, seed))
        config.flush()
        done = subprocess.run([runs.SERVESIM, "run", config.name], check=False, text=True,
                              input=trace_text(n_requests, n * rho, seed, fixed),
                              capture_output=True)
    if done.returncode != 0:
        sys.exit(f"FAILED: {policy}: seed {seed}: {done.stderr}")
    return float(re.search(r"^E2E +([\d.]+) ", done.stdout, re.MULTILINE).group(1)) / 1000


def measure(policy, n, rho, n_requests, fixed=False):
    """The mean sojourn over seeds, and its standard error."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        means = list(threads.map(
            lambda seed: mean_sojourn(policy, n, rho, n_requests, seed, fixed),
            range(1, N_SEEDS + 1)))
    return statistics.mean(means), statistics.stdev(means) / math.sqrt(N_SEEDS)


def check(name, measured, wanted):
    mean, error = measured
    off = mean / wanted - 1
    good = abs(off) < MOST_ERROR and abs(mean - wanted) < T_999 * error
    print(f"{'ok' if good else 'FAILED'}: {name}: sojourn {mean:.4f} +- {T_999 * error:.4f} "
          f"(99.9 %), theory {wanted:.4f}, off {off:+.3%}")
    return good


def round_robin_sojourn(n, rho):
    s = rho
    for _ in range(10000):
        s = (n * rho / (n * rho + 1 - s)) ** n
    return 1 / (1 - s)


def two_choices_sojourn(rho):
    return sum(rho ** (2**i - 2) for i in range(1, 12))


def erlang_c_sojourn(n, rho):
    """M/M/n: from Erlang's B by its recursion."""
    load = n * rho
    b = 1.0
    for k in range(1, n + 1):
        b = load * b / (k + load * b)
    c = b / (1 - rho * (1 - b))
    return 1 + c / (n - load)


def shorter_of_two_sojourn(rho, most=60):
    """Two queues of which an arrival joins the shorter: states (short, long), of which the
    balance equations are relaxed until they hold; by Little's law from the mean number."""
    rate = 2 * rho
    p = {(i, j): rho ** (i + j) for j in range(most) for i in range(j + 1)}
    flows = {}  # state: [(from, rate)], and what leaves it
    leaves = dict.fromkeys(p, 0.0)
    for i, j in p:
        targets = [(tuple(sorted((i + 1, j))), rate)]
        if i == j:
            targets += [((i - 1, j), 2.0)] if i > 0 else []
        else:
            targets += [((i - 1, j), 1.0)] if i > 0 else []
            targets += [((i, j - 1), 1.0)]
        for state, flow in targets:
            if state in p:
                flows.setdefault(state, []).append(((i, j), flow))
                leaves[i, j] += flow
    order = sorted(p, key=sum)
    for _ in range(600):
        for state in order:
            p[state] = sum(p[a] * flow for a, flow in flows[state]) / leaves[state]
        total = sum(p.values())
        p = {state: x / total for state, x in p.items()}
    return sum((i + j) * x for (i, j), x in p.items()) / rate


def check_split(n=7, rho=0.83, n_requests=30_011):
    """Every replica of a random split is a queue of its own: its waits are Lindley's, its gaps
    those of a Poisson stream at rate / n, and who is picked tells nothing of who comes next."""
    with runs.work_folder() as folder:
        config, trace = f"{folder}/config.ini", f"{folder}/trace.csv"
        with open(trace, "w", encoding="utf-8") as out:
            out.write(trace_text(n_requests, n * rho, 4099, False))
        with open(config, "w", encoding="utf-8") as out:
            out.write(config_text("random", n, 41, trace))
        runs.run(config, f"{folder}/out")
        rows = runs.read_table(f"{folder}/out/requests.csv")
    free = [0] * n
    last = [None] * n
    gaps, n_wrong, pairs = [], 0, [0] * (n * n)
    before = None
    for row in rows:
        at, replica = runs.to_ns(row["arrival_s"]), int(row["replica"])
        start = max(at, free[replica])
        n_wrong += start - at != runs.to_ns(row["queue_s"])
        free[replica] = runs.to_ns(row["finish_s"])
        if last[replica] is not None:
            gaps.append((at - last[replica]) * rho / 1e9)
        last[replica] = at
        if before is not None:
            pairs[before * n + replica] += 1
        before = replica
    mean = statistics.mean(gaps)
    variation = statistics.stdev(gaps) / mean
    expected = (n_requests - 1) / n**2
    chi = sum((x - expected) ** 2 / expected for x in pairs)
    # 48 degrees of freedom: 93 is beyond 99.99 %; 4 standard errors of mean and variation
    bound = 4 / math.sqrt(len(gaps))
    good = (n_wrong == 0 and abs(mean - 1) < bound and abs(variation - 1) < 2 * bound
            and chi < 93)
    print(f"{'ok' if good else 'FAILED'}: a random split of {n}: {n_wrong} waits are not "
          f"Lindley's, gaps {mean:.4f} with variation {variation:.4f}, pairs' chi2 {chi:.1f}")
    return good


def main():
    good = check_split()
    good &= check("random, 10 x M/M/1 at 0.8", measure("random", 10, 0.8, 400_000),
                  1 / (1 - 0.8))
    good &= check("random, 10 x M/D/1 at 0.9", measure("random", 10, 0.9, 500_000, True),
                  1 + 0.9 / (2 * 0.1))
    good &= check("round_robin, 10 x E10/M/1 at 0.8",
                  measure("round_robin", 10, 0.8, 300_000), round_robin_sojourn(10, 0.8))
    good &= check("least_requests, 2 queues at 0.8",
                  measure("least_requests", 2, 0.8, 300_000), shorter_of_two_sojourn(0.8))
    rho, n = 0.9, 500
    sojourns = {policy: measure(policy, n, rho, 400_000)[0]
                for policy in ("round_robin", "least_requests")}
    sojourns["power_of_two"], error = measure("power_of_two", n, rho, 400_000)
    good &= check(f"power_of_two, {n} queues at {rho}", (sojourns["power_of_two"], error),
                  two_choices_sojourn(rho))
    bound = erlang_c_sojourn(n, rho)
    fine = (bound * 0.99 < sojourns["least_requests"] < 1.2 and
            sojourns["least_requests"] < 0.5 * sojourns["power_of_two"] and
            sojourns["power_of_two"] < 0.6 * sojourns["round_robin"])
    print(f"{'ok' if fine else 'FAILED'}: {n} queues at {rho}: " + ", ".join(
        f"{policy} {x:.3f}" for policy, x in sojourns.items()) +
        f"; one queue for all {bound:.3f}")
    sys.exit(0 if good and fine else 1)


if __name__ == "__main__":
    main()
