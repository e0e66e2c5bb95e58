#!/usr/bin/env python3
"""policy_sense: over random workloads the policies do what they are known for.

One replica with linear cost; a workload is random requests, of which the longest are many times
the median, on a random server. Its load is the time that the server takes when all come at once
over the time in which they come. Every claim is about the mean over all workloads, of a
quantity relative to the same under first come, first served where nothing else is said:

- srpt with perfect prediction has the lowest mean latency of all orders; its p99 is worse where
  the load is high;
- errors of prediction cost little: with 30 % the mean latency is nearer to the perfect one than
  to first come, first served, and grows with the error;
- mlfq, which predicts nothing, has a lower mean latency, too, where prefill is cheap;
- chunks cut the longest gaps between tokens and lengthen the time to the first one;
- continuous batching has a lower latency than batches at a time, and takes no longer.

And two about every single workload: under vtc the service of two tenants who both have
requests waiting never differs by more than 2 max(L, 2 M) tokens, for prompts of at most L and a
KV cache of M (Sheng et al., theorem 4.4), which first come, first served exceeds; and dynamic
batching without a delay never lets the server idle while somebody waits.
"""

import concurrent.futures
import os
import pathlib
import random
import statistics
import subprocess
import sys

sys.path.insert(0, "tests/golden")
import runs  # noqa: E402

N_WORKLOADS = 16
N_REQUESTS = 300
LOADS = (0.7, 0.9, 1.1, 1.5)  # in turn
HIGH_LOAD = 1

SERVER = """
[workload]
trace = trace.csv
[pool.main]
cost = linear
base_us = {base_us}
prefill_token_us = {prefill_token_us}
decode_seq_us = {decode_seq_us}
max_num_seqs = {max_num_seqs}
num_gpu_blocks = 40991
"""

PREEMPTIVE = {"victim": "order", "preemptive_order": "yes"}
SRPT = {"order": "srpt", **PREEMPTIVE}
ORDERS = {
    "fcfs": {},
    "srpt": SRPT,
    "sjf": {"order": "sjf", "predictor": "none"},
    "priority": {"order": "priority"},
    "edf": {"order": "edf"},
    "vtc": {"order": "vtc"},
    "noisy 0.3": {**SRPT, "predictor": "noisy", "predictor_error": "0.3"},
    "noisy 1": {**SRPT, "predictor": "noisy", "predictor_error": "1"},
    "mlfq": {"order": "mlfq", **PREEMPTIVE},
    "chunks": {"max_num_batched_tokens": "64"},
    "static": {"batching": "static", "preempt": "none"},
    "dynamic": {"batching": "dynamic", "preempt": "none"},
}
COLUMNS = ("prompt_tokens", "output_tokens", "tenant", "priority", "deadline_s")


def length(rng, median, spread, most):
    return min(most, max(1, round(median * rng.lognormvariate(0, spread))))


def draw(seed):
    """A server and its requests, which have no arrivals yet."""
    rng = random.Random(seed)
    server = SERVER.format(base_us=rng.randint(500, 2000), max_num_seqs=rng.choice((2, 4, 8)),
                           prefill_token_us=rng.choice((1, 4)), decode_seq_us=rng.choice((0, 41)))
    rows = [(length(rng, 137, 1, 2000), length(rng, 41, 1, 1000), rng.choice("abc"),
             rng.randint(0, 2), f"{rng.random() * 4:.3f}") for _ in range(N_REQUESTS)]
    return rng, server, rows


def write_trace(path, arrivals_ns, rows):
    lines = [f"{runs.to_seconds(ns)},{','.join(map(str, row))}\n"
             for ns, row in zip(arrivals_ns, rows)]
    path.write_text("arrival_s," + ",".join(COLUMNS) + "\n" + "".join(lines), encoding="utf-8")


def known(name):
    """Whether the program has the discipline."""
    done = subprocess.run([runs.SERVESIM, "list", "batching"], check=True, text=True,
                          stdout=subprocess.PIPE)
    return any(line.split()[:1] == [name] for line in done.stdout.splitlines())


def run(folder, name, settings, more=()):
    """The rows of requests.csv, and where the results are."""
    keys = [f"pool.main.{key}={value}" for key, value in settings.items()]
    results = folder / name.replace(" ", "-")
    runs.run(folder / "config.ini", results,
             [f"workload.trace={folder}/trace.csv", *keys, *more])
    rows = runs.read_table(results / "requests.csv")
    assert all(row["status"] == "completed" for row in rows)
    return rows, results


def makespan_ns(rows):
    return max(runs.to_ns(row["finish_s"]) for row in rows)


def measure(rows):
    """What the claims are about, in ns."""
    arrivals, firsts, ends = ([runs.to_ns(row[name]) for row in rows]
                              for name in ("arrival_s", "first_token_s", "finish_s"))
    latencies = sorted(end - at for at, end in zip(arrivals, ends))
    return {
        "mean": statistics.mean(latencies),
        "p99": latencies[-(len(rows) // 100)],
        "first": statistics.mean(first - at for at, first in zip(arrivals, firsts)),
        "gap": statistics.mean(runs.to_ns(row["max_itl_s"]) for row in rows if row["max_itl_s"]),
        "makespan": makespan_ns(rows),
    }


def try_workload(seed, names):
    """Its load, what was measured under every policy, and faults."""
    rng, server, rows = draw(seed)
    load = LOADS[seed % len(LOADS)]
    with runs.work_folder() as folder:
        folder = pathlib.Path(folder)
        (folder / "config.ini").write_text(server, encoding="utf-8")
        write_trace(folder / "trace.csv", [0] * len(rows), rows)
        together, _ = run(folder, "together", {})
        most_ns = round(makespan_ns(together) / load)
        write_trace(folder / "trace.csv", sorted(rng.randrange(most_ns) for _ in rows), rows)
        found = {name: run(folder, name, ORDERS[name]) for name in names}
        faults = idle_faults(*found["dynamic"]) if "dynamic" in found else []
        return load, {name: measure(rows) for name, (rows, _) in found.items()}, faults


def idle_faults(rows, results):
    """Waits of a batch that began after nothing, for some who had been there."""
    starts = sorted(runs.to_ns(row["first_scheduled_s"]) for row in rows)
    busy = sorted((runs.to_ns(row["first_scheduled_s"]), runs.to_ns(row["finish_s"]))
                  for row in rows)
    arrivals = sorted(runs.to_ns(row["arrival_s"]) for row in rows)
    end_ns, faults = -1, []
    for at, (start_ns, finish_ns) in enumerate(busy):
        if start_ns > end_ns and arrivals[at] < start_ns and starts.index(start_ns) == at:
            faults.append(f"{results.name}: idle until {start_ns} with somebody since {arrivals[at]}")
        end_ns = max(end_ns, finish_ns)
    return faults


def ratios(tried, name, what, base="fcfs", loads=(0, 9)):
    """The mean over the workloads of a quantity relative to the base's."""
    return statistics.mean(found[name][what] / found[base][what] for load, found, _ in tried
                           if loads[0] <= load <= loads[1])


def claims(tried, names):
    """(sentence, what is less, what is more)."""
    mean = {name: ratios(tried, name, "mean") for name in names}
    for name in ("fcfs", "sjf", "priority", "edf", "vtc", "noisy 0.3", "noisy 1", "mlfq"):
        yield f"srpt's mean latency is below that of {name}", mean["srpt"], mean[name]
    high = ratios(tried, "srpt", "p99", loads=(HIGH_LOAD, 9))
    yield "srpt's p99 is above fcfs's where the load is high", 1, high
    yield "an error of 0.3 costs less than half of the gain", mean["noisy 0.3"], \
        (mean["srpt"] + 1) / 2
    yield "an error of 1 costs more", mean["noisy 0.3"], mean["noisy 1"]
    yield "and is still better than fcfs", mean["noisy 1"], 1
    yield "mlfq's mean latency is below fcfs's", mean["mlfq"], 1
    yield "chunks cut the longest gaps", ratios(tried, "chunks", "gap"), 1
    yield "chunks lengthen the time to the first token", 1, ratios(tried, "chunks", "first")
    if "static" in names:
        yield "continuous batching has a lower latency", 1, mean["static"]
        yield "and takes no longer", 1, ratios(tried, "static", "makespan")


# --- the fair share ---

TENANTS = """
[workload]
trace = trace.csv
[pool.main]
cost = linear
base_us = {base_us}
prefill_token_us = 3
decode_seq_us = 41
preempt = none
block_size = {block_size}
num_gpu_blocks = {num_gpu_blocks}
max_num_batched_tokens = {budget}
"""


def served(results, prompts, tenants, until_ns):
    """How far the service of a is ahead of b's, after each change until then: of a prompt
    when it is admitted, twice a token of output when it comes out."""
    events, seen = [], set()
    context = {}
    for row in runs.read_table(results / "steps.csv"):
        request = int(row["request_id"])
        sign = 1 if tenants[request] == "a" else -1
        if request not in seen:
            events.append((runs.to_ns(row["start_s"]), sign * prompts[request]))
            seen.add(request)
        context[request] = int(row["context"])
        if context[request] >= prompts[request]:
            events.append((runs.to_ns(row["end_s"]), sign * 2))
    ahead, values = 0, [0]
    for at_ns, change in sorted(events, key=lambda event: event[0]):
        if at_ns > until_ns:
            break
        ahead += change
        values.append(ahead)
    return values


def try_tenants(seed):
    """By how much services differed under vtc and fcfs, in bounds of the theorem."""
    rng = random.Random(f"tenants {seed}")
    block, usable = rng.choice((4, 16)), rng.randint(400, 1600)
    usable //= block
    most = block * usable
    rows = [(rng.randint(1, 100), rng.randint(1, 80), "a" if rng.random() < 0.8 else "b", 0, 1)
            for _ in range(1200)]
    bound = 2 * max(max(row[0] for row in rows), 2 * most)
    with runs.work_folder() as folder:
        folder = pathlib.Path(folder)
        (folder / "config.ini").write_text(TENANTS.format(
            base_us=rng.randint(500, 2000), block_size=block, num_gpu_blocks=usable + 1,
            budget=rng.choice((128, 4096))), encoding="utf-8")
        write_trace(folder / "trace.csv", [0] * len(rows), rows)
        differences = []
        for order in ("vtc", "fcfs"):
            found, results = run(folder, order, {"order": order}, ["output.steps=yes"])
            until_ns = min(max(runs.to_ns(row["first_scheduled_s"]) for row, (_, _, tenant, _, _)
                               in zip(found, rows) if tenant == name) for name in "ab")
            values = served(results, [row[0] for row in rows], [row[2] for row in rows], until_ns)
            differences.append((max(values) - min(values)) / bound)
        return differences


def main():
    names = [name for name, keys in ORDERS.items() if known(keys.get("batching", "unified"))]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        tried = list(threads.map(lambda seed: try_workload(seed, names), range(N_WORKLOADS)))
        fair = list(threads.map(try_tenants, range(4)))
    faults = [fault for _, _, found in tried for fault in found]
    for sentence, less, more in claims(tried, names):
        print(f"{less:7.3f} < {more:7.3f}: {sentence}")
        if less >= more:
            faults.append(sentence)
    for vtc, fcfs in fair:
        print(f"{vtc:7.3f} < 1 < {fcfs:7.3f}: vtc bounds how far services differ")
        if not vtc <= 1 < fcfs:
            faults.append("vtc bounds how far services differ")
    sys.exit("FAILED: " + "; ".join(faults) if faults else 0)


if __name__ == "__main__":
    main()
