#!/usr/bin/env python3
"""size: its answer is that of exhaustive search, fleet by fleet, with `servesim run`.

Random small cases: pools with linear costs and limits to choose from, real GPUs and layouts,
rented by GPU or by node, mixed fleets, and prefill and decode apart. For each, every fleet of
the whole search space that costs less than the answer is run, and must fail; the answer is
run, and must meet; without an answer every fleet must fail. Nothing is taken from `size` but
its answer: prices, what is counted, and the verdict are worked out here again. (A fleet that
cannot serve the rate by the roofline is overloaded by definition; here it is also seen to be,
for runs are long enough that none of those meets by luck.)
"""

import concurrent.futures
import csv
import itertools
import math
import pathlib
import random
import re
import subprocess
import sys

sys.path.insert(0, "tests/golden")
import runs  # noqa: E402

N_REQUESTS = 400
WARMUP, COOLDOWN = 0.1, 0.1
ATTAINMENT = 0.9
GPUS = ("l4", "a10", "l40s", "a100-40gb", "a100-80gb", "h100-sxm")
LINEAR = """cost = linear
num_gpu_blocks = 4099
prefill_token_us = 20
"""
SERVER = """model = llama-3.2-3b
engine = vllm
policy = vllm-v1
"""


class Case:
    def __init__(self, number, kind, place):
        rng = random.Random(f"size {number}")
        self.name = f"{number}-{kind}"
        self.place = place / self.name
        self.place.mkdir()
        self.kind = kind
        self.linear = kind == "linear"
        self.most = 8 if kind in ("linear", "alone") else 5
        self.seeds = 1
        self.router = rng.choice(("least_requests", "round_robin"))
        self.billing = rng.choice(("gpu", "node"))
        self.workload = {"trace": str(self.place / "trace.csv")}
        if kind == "alone" and number % 2 == 0:
            self.workload["resample"] = "1.7s"
            self.seeds = 2
        self.write_trace(rng)
        self.choose(rng)
        self.write_config()

    def write_trace(self, rng):
        rate = rng.uniform(*{"linear": (15, 40), "alone": (20, 80), "mixed": (60, 140),
                             "apart": (6, 14)}[self.kind])
        prompts = 7.2 if self.kind == "apart" else 5.8
        now, rows = 0.0137, []
        for _ in range(N_REQUESTS):
            now += rng.expovariate(rate)
            rows.append(f"{now:.6f},{int(rng.lognormvariate(prompts, 0.6)) + 1},"
                        f"{int(rng.lognormvariate(4.3, 0.6)) + 1}")
        (self.place / "trace.csv").write_text(
            "\n".join(["arrival_s,prompt_tokens,output_tokens", *rows, ""]))

    def choose(self, rng):
        self.own = {}
        if self.linear:
            self.lists = {"max_num_seqs": rng.sample([1, 2, 3, 5, 9], 3),
                          "max_num_batched_tokens": rng.sample([256, 600, 1500], 2)}
            self.own = {"base_us": rng.choice([2000, 4000]),
                        "decode_seq_us": rng.choice([100, 900]),
                        "usd_per_hour": 1.37}
            self.slo = {"ttft_ms": rng.choice([300, 900]), "e2e_ms": rng.choice([1500, 3000])}
        else:
            n = 2 if self.kind == "apart" else 3
            self.lists = {"accelerators": sorted(rng.sample(GPUS, n))}
            if self.kind == "alone":
                self.lists["tensor_parallel"] = [1, 2]
            self.slo = {"ttft_ms": rng.choice([150, 300]), "tpot_ms": rng.choice([30, 60])}
            if self.kind == "apart":  # prompts must not come between tokens
                self.slo = {"ttft_ms": rng.choice([800, 2500]), "itl_ms": rng.choice([40, 60])}

    def pool(self):
        lines = [LINEAR if self.linear else SERVER + f"accelerator = {self.lists['accelerators'][0]}\n"]
        lines += [f"{key} = {value}\n" for key, value in self.own.items()]
        lines += [f"billing = {self.billing}\n"]
        return "".join(lines)

    def common(self):
        text = "[workload]\n" + "".join(f"{k} = {v}\n" for k, v in self.workload.items())
        text += "[slo]\n" + "".join(f"{k} = {v}\n" for k, v in self.slo.items())
        return text + f"attainment = {ATTAINMENT}\n[route]\npolicy = {self.router}\n"

    def write_config(self):
        size = "".join(f"{key} = {', '.join(map(str, values))}\n"
                       for key, values in self.lists.items())
        size += f"most_replicas = {self.most}\nnotch = 0\n"
        size += "mixed = yes\n" * (self.kind == "mixed")
        size += "disaggregate = yes\n" * (self.kind == "apart")
        self.config = self.place / "size.ini"
        self.config.write_text(
            self.common() + "[pool.main]\n" + self.pool() + "[size]\n" + size
            + f"[study]\nseeds = {self.seeds}\ndraws = 1\nwarmup = {WARMUP}\n"
            + f"cooldown = {COOLDOWN}\n")

    def candidates(self):
        """Each a dict of the pool's keys, in the order of the lists."""
        keys = {"accelerators": "accelerator"}
        names = [keys.get(key, key) for key in self.lists]
        return [dict(zip(names, values)) for values in itertools.product(*self.lists.values())]

    def price(self, candidate, n):
        """Dollars per hour of n replicas: nodes are filled in order and paid whole."""
        if self.linear:
            return self.own["usd_per_hour"] * n
        gpu = gpu_keys(candidate["accelerator"])
        gpus = int(candidate.get("tensor_parallel", 1))
        node = int(gpu["gpus_per_node"])
        total = n * gpus
        if self.billing == "node" and node > 0:
            total = math.ceil(n / (node // gpus)) * node
        return total * float(gpu["usd_per_hour"])

    def fleets(self):
        """All of the search space: (price, [(candidate, replicas, role) ...])."""
        candidates = self.candidates()
        for candidate in candidates:
            for n in range(1, self.most + 1):
                yield self.price(candidate, n), [(candidate, n, None)]
        pairs, roles = [], (None, None)
        if self.kind == "mixed":
            pairs = itertools.combinations(candidates, 2)
        if self.kind == "apart":
            pairs, roles = [(c, c) for c in candidates], ("prefill", "decode")
        for one, other in pairs:
            for a in range(1, self.most):
                for b in range(1, self.most - a + 1):
                    yield (self.price(one, a) + self.price(other, b),
                           [(one, a, roles[0]), (other, b, roles[1])])

    def meets(self, fleet, number):
        """Runs the fleet with every seed; whether it meets the goal."""
        sections = []
        names = {1: ["main"], 2: ["first", "second"]}[len(fleet)]
        for name, (candidate, n, role) in zip(names, fleet):
            keys = {**candidate, "replicas": n, **({"role": role} if role else {})}
            pool = self.pool()
            for key in keys:
                pool = re.sub(rf"^{key} = .*\n", "", pool, flags=re.M)
            name = role or name
            sections.append(f"[pool.{name}]\n{pool}"
                            + "".join(f"{k} = {v}\n" for k, v in keys.items()))
        config = self.place / f"fleet{number}.ini"
        config.write_text(self.common() + "".join(sections))
        summaries = []
        for seed in range(1, self.seeds + 1):
            folder = self.place / f"fleet{number}-{seed}"
            runs.run(config, folder, [
                f"run.seed={seed}", f"workload.limit={N_REQUESTS}",
                f"workload.count_from={int(N_REQUESTS * WARMUP)}",
                f"workload.count_to={N_REQUESTS - int(N_REQUESTS * COOLDOWN)}"])
            summaries.append(runs.read_summary(folder))
        return judge(summaries)


def gpu_keys(name, known={}):  # noqa: B006 - a cache
    if name not in known:
        text = pathlib.Path(f"configs/accelerators/{name}.ini").read_text()
        known[name] = dict(re.findall(r"^(\w+) = ([^;\n]*)", text, flags=re.M))
    return known[name]


def judge(summaries):
    """The rules of [slo], as study/goal.h tells them."""
    number = [{key: float(value) for key, value in summary.items()
               if re.fullmatch(r"-?[\d.]+(e[-+]\d+)?", value)} for summary in summaries]
    met = sum(row["slo_attainment"] for row in number) / len(number)
    grown = short = 0
    for row in number:
        counted = row["completed"] + row["timed_out"] + row["shed"] + row["rejected"]
        span_ms = (counted - 1) / row["offered_rate"] * 1000
        waits_ms = row["mean_queue_ms"] + row.get("mean_transfer_ms", 0)
        grown += row["queue_growth"] > 0.01 and row["queue_growth"] * span_ms > waits_ms / 2
        short += span_ms < row["mean_e2el_ms"]
    lost = sum(1 - row["all_completed_requests"] / row["injected_requests"] for row in number)
    return (met >= ATTAINMENT - 1e-12 and 2 * grown < len(number)
            and 2 * short < len(number)
            and lost / len(number) <= 1 - ATTAINMENT + 1e-12)


def answer_of(case):
    """(price, fleet) of the row that is the answer, or None."""
    out = case.place / "out"
    done = subprocess.run([runs.SERVESIM, "size", case.config, "-o", out, "-j", "2"],
                          check=False, text=True, capture_output=True)
    if done.returncode != 0:
        raise AssertionError(f"size: exit {done.returncode}: {done.stderr}")
    with open(out / "size.csv", encoding="ascii", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["answer"] == "1"]
    if not rows:
        return None
    (row,) = rows
    labels = {}
    for candidate in case.candidates():
        words = [str(v) for k, v in candidate.items() if k == "accelerator"] or ["main"]
        titles = {"tensor_parallel": "tp", "max_num_seqs": "seqs",
                  "max_num_batched_tokens": "tokens"}
        words += [f"{titles[k]} {v}" for k, v in candidate.items() if k in titles]
        labels[" ".join(words)] = candidate
    roles = ("prefill", "decode") if row["kind"] == "apart" else (None, None)
    fleet = [(labels[row["first"]], int(row["first_replicas"]), roles[0])]
    if row["second"]:
        fleet.append((labels[row["second"]], int(row["second_replicas"]), roles[1]))
    return float(row["usd_per_hour"]), fleet


def check(case):
    """(faults, fleets run, kind of the answer)."""
    faults = []
    answer = answer_of(case)
    if answer is not None:
        priced = sum(case.price(candidate, n) for candidate, n, _ in answer[1])
        if abs(priced - answer[0]) > 1e-6:
            faults.append(f"{case.name}: {answer[1]} costs {priced}, size says {answer[0]}")
        if not case.meets(answer[1], 0):
            faults.append(f"{case.name}: the answer {answer[1]} fails")
    fleets = sorted(((price, fleet) for price, fleet in case.fleets()
                     if answer is None or price < answer[0] - 1e-6), key=lambda at: at[0])
    for number, (price, fleet) in enumerate(fleets, 1):
        if case.meets(fleet, number):
            faults.append(f"{case.name}: {fleet} for {price} meets, the answer is {answer}")
            break
    kind = "none" if answer is None else "+".join(f"{n}" for _, n, _ in answer[1])
    return faults, len(fleets), kind


def main():
    kinds = ["linear"] * 5 + ["alone"] * 7 + ["mixed"] * 6 + ["apart"] * 5
    with runs.work_folder() as place:
        place = pathlib.Path(place)
        cases = [Case(number, kind, place) for number, kind in enumerate(kinds)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = list(pool.map(check, cases))
    faults = [fault for found, _, _ in results for fault in found]
    print(f"{len(cases)} cases, {sum(n for _, n, _ in results)} cheaper fleets run, answers: "
          + ", ".join(kind for _, _, kind in results))
    if sum(kind != "none" for _, _, kind in results) < 12:
        faults.append("fewer than 12 cases have an answer: they prove little")
    if sum("+" in kind for _, _, kind in results) < 3:
        faults.append("fewer than 3 answers are of two pools: they prove little")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
