#!/usr/bin/env python3
"""capacity: the answer is brute force's; looser bounds and more hardware never give less, nor
does a throughput that must be reached; the same bytes on any number of threads.

Brute force runs `servesim run` at every rate of the lattice from far below the answer to
above it, once per seed, and judges by itself: the mean of each metric over the seeds, the
growth of the queue, runs too short to tell, requests that never finish.  Its answer is the highest rate below which
every one of them meets.
"""

import csv
import math
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, "tests/golden")
import runs  # noqa: E402

N_WORLDS = 12
STEP = 0.1
PROGRAM = str(pathlib.Path(runs.SERVESIM).resolve())

LINEAR = """[pool.main]
batching = {batching}
cost = linear
base_us = {base}
prefill_token_us = {token}
decode_seq_us = {seq}
max_num_seqs = {seqs}
max_num_batched_tokens = 2048
num_gpu_blocks = {blocks}
replicas = {replicas}
"""

SERVER = """[pool.main]
accelerator = {gpu}
model = llama-3.1-8b
engine = vllm
policy = {policy}
replicas = {replicas}
max_num_seqs = {seqs}
"""

REST = """[workload]
generator = workload.ini
unservable = reject
[run]
seed = {seed}
[route]
policy = {route}
[slo]
attainment = {attainment}
{slo}
[study]
requests = {n}
seeds = {seeds}
draws = 1
[capacity]
precision = {step}
"""

WORKLOAD = """[workload]
requests = 100
seed = {seed}
[arrivals]
process = {process}
rate_rps = 1
{burst}
[prompt]
distribution = uniform
min = 17
max = {prompt}
[output]
distribution = uniform
min = 3
max = {output}
"""


class World:
    """A configuration at random, in a folder of its own."""

    def __init__(self, number, root):
        draw = random.Random(number)
        self.root = root / str(number)
        self.root.mkdir()
        self.draw = draw
        linear = draw.random() < 0.5
        self.pool = (LINEAR if linear else SERVER).format(
            batching=draw.choice(["unified", "prefill_first", "orca"]),
            base=draw.randint(200, 20000), token=draw.choice([0, 3, 41]),
            seq=draw.choice([0, 37, 211]), seqs=draw.choice([1, 3, 13, 64]),
            blocks=draw.choice([137, 613, 4099]), replicas=draw.choice([1, 2, 3]),
            gpu=draw.choice(["h100-sxm", "a100-80gb", "l4"]),
            policy=draw.choice(["vllm-v1", "sglang", "trtllm"]))
        self.done_rps = 0  # at the last rate that was asked about
        self.seed, self.n_seeds = draw.randint(1, 4099), draw.choice([1, 2, 3])
        self.n = draw.choice([137, 211])
        self.bounds = self.draw_bounds()
        self.attainment = draw.choice([0.9, 0.99])
        self.rest = dict(seed=self.seed, n=self.n, seeds=self.n_seeds, step=STEP,
                         attainment=self.attainment,
                         route=draw.choice(["round_robin", "least_requests", "power_of_two"]))
        gamma = draw.random() < 0.4
        (self.root / "workload.ini").write_text(WORKLOAD.format(
            seed=number, process="gamma" if gamma else "poisson",
            burst=f"cv = {draw.choice([0.5, 2])}" if gamma else "",
            prompt=draw.choice([137, 1300]), output=draw.choice([13, 150])), encoding="utf-8")

    def draw_bounds(self):
        """Names of metrics and their bounds in milliseconds."""
        bounds = {"mean_e2el_ms": self.draw.choice([1370, 13700, 410000])}
        if self.draw.random() < 0.6:
            bounds["p99_ttft_ms"] = self.draw.choice([211, 613, 4099])
        if self.draw.random() < 0.5:
            bounds["mean_tpot_ms"] = self.draw.choice([13, 41, 137])
        return bounds

    def config(self, name, factor=1.0, settings="", require=None):
        """A file with bounds that many times as wide, or with others."""
        require = require or ", ".join(f"{key} <= {value * factor:.6f}"
                                       for key, value in self.bounds.items())
        text = REST.format(slo=f"require = {require}", **self.rest) + self.pool + settings
        path = self.root / name
        path.write_text(text, encoding="utf-8")
        return path

    def execute(self, *arguments):
        done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=self.root, check=False,
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"FAILED: {self.root.name}: {arguments}: {done.stderr}")
        return done.stdout

    def capacity(self, name, factor=1.0, settings="", require=None):
        """The row of the answer and all rates that were tried."""
        config = self.config(name + ".ini", factor, settings, require)
        self.execute("capacity", config, "-o", name, "-q")
        row = runs.read_table(self.root / name / "capacity.csv")[0]
        with open(self.root / name / "trials.csv", encoding="utf-8") as file:
            tries = [try_ for try_ in csv.DictReader(file) if try_["search"] == "answer"]
        return row, tries

    def meets(self, rate):
        """Whether the rate does, by runs of their own."""
        told = []
        for seed in range(self.seed, self.seed + self.n_seeds):
            first, last = int(self.n * 0.1), self.n - int(self.n * 0.1)
            settings = [f"workload.rate_rps={rate}", f"run.seed={seed}",
                        f"workload.limit={self.n}", f"workload.count_from={first}",
                        f"workload.count_to={last}"]
            flags = [word for setting in settings for word in ("-s", setting)]
            self.execute("run", "own.ini", "-o", "run", "--overwrite", "-q", *flags)
            told.append(runs.read_summary(self.root / "run"))
        means = {key: mean(told, key) for key in self.bounds}
        self.done_rps = mean(told, "request_throughput")
        grown = sum(grows(run) for run in told)
        short = sum(is_short(run) for run in told)
        lost = sum(1 - int(run["all_completed_requests"]) / int(run["injected_requests"])
                   for run in told) / len(told)
        return (all(means[key] is not None and means[key] <= value * (1 + 1e-12)
                    for key, value in self.bounds.items())
                and 2 * grown < len(told) and 2 * short < len(told) and lost <= 1 - self.attainment + 1e-12)


def mean(told, key):
    values = [float(run[key]) for run in told if run[key]]
    return sum(values) / len(values) if values else None


def span_ms(run):
    n = sum(int(run[key]) for key in ("completed", "timed_out", "shed", "rejected"))
    return (n - 1) / float(run["offered_rate"]) * 1000


def grows(run):
    growth = float(run["queue_growth"])
    return growth > 0.01 and growth * span_ms(run) > float(run["mean_queue_ms"]) / 2


def is_short(run):
    return span_ms(run) < float(run["mean_e2el_ms"])


def rate_of(power):
    return float(f"{math.exp(power * math.log1p(STEP)):.5e}")


def brute_force_agrees(world):
    row, tries = world.capacity("own")
    found = world.found = float(row["meets_rps"])
    lowest = min(float(try_["rate_rps"]) for try_ in tries)
    if found == 0:
        if any(world.meets(try_["rate_rps"]) for try_ in tries[::4]):
            yield "no rate meets, says the search, and one does"
        return
    middle = round(math.log(found) / math.log1p(STEP))
    best = 0
    for power in range(middle - 14, middle + 3):
        rate = rate_of(power)
        if rate < lowest * 0.999:
            continue
        if not world.meets(f"{rate:.9f}"):
            break
        best = rate
    if best != found:
        yield f"brute force finds {best}, the search {found}"
    if found and not row["fails_rps"]:
        yield "nothing above it was tried"


def more_is_never_less(world):
    base = float(world.capacity("base")[0]["meets_rps"])
    looser = float(world.capacity("looser", factor=1.7)[0]["meets_rps"])
    if looser < base:
        yield f"{looser} with looser bounds, {base} without"
    replicas = int(world.pool.split("replicas = ")[1].split("\n")[0])
    pool = world.pool
    world.pool = pool.replace(f"replicas = {replicas}", f"replicas = {2 * replicas + 1}")
    more = float(world.capacity("more")[0]["meets_rps"])
    world.pool = pool
    if more < base:
        yield f"{more} with {2 * replicas + 1} replicas, {base} with {replicas}"
    if "accelerator" in pool:
        faster = float(world.capacity("faster", settings="scale = 0.6\n")[0]["meets_rps"])
        if faster < base:
            yield f"{faster} with faster steps, {base} without"


def a_throughput_that_must_be_is_no_reason_to_offer_less(world):
    """What is done at the answer may be asked for; twice as much never comes."""
    base = world.found
    if base == 0:
        return
    world.meets(f"{base:.9f}")
    for share, want in ((0.9, base), (2.0, 0)):
        slo = ", ".join([f"{key} <= {value:.6f}" for key, value in world.bounds.items()]
                        + [f"request_throughput >= {share * world.done_rps:.6f}"])
        found = float(world.capacity(f"done{share}", require=slo)[0]["meets_rps"])
        if found != want:
            yield f"{found}, not {want}, where {share} of what is done must be"


def threads_change_no_byte(world):
    config = world.config("threads.ini")
    said = []
    for threads in ("1", "7"):
        flags = ["--over", "pool.main.max_num_seqs=2,7", "-s", "study.draws=3",
                 "-s", "study.seeds=3", "-j", threads, "-o", "threads"]
        said.append(world.execute("capacity", config, *flags))
        (world.root / "threads").rename(world.root / f"threads{threads}")
    if said[0] != said[1]:
        yield "the tables differ"
    yield from runs.differences(world.root / "threads1", world.root / "threads7")


def main():
    n_faults = n_found = 0
    with tempfile.TemporaryDirectory(prefix="servesim-test-") as folder:
        for number in range(1, N_WORLDS + 1):
            world = World(number, pathlib.Path(folder))
            checks = [brute_force_agrees, more_is_never_less,
                      a_throughput_that_must_be_is_no_reason_to_offer_less]
            if number <= 3:
                checks.append(threads_change_no_byte)
            for check in checks:
                for fault in check(world):
                    n_faults += 1
                    print(f"FAILED: world {number}: {check.__name__}: {fault}")
            n_found += world.found > 0
    print(f"{N_WORLDS} configurations, {n_found} with an answer, {n_faults} faults")
    sys.exit(1 if n_faults or n_found < N_WORLDS / 2 else 0)


if __name__ == "__main__":
    main()
