#!/usr/bin/env python3
"""tune: what it finds is what trying every setting finds, to the precision of a change or as
far off as is said here; its flags, read back, are the configuration it wrote; a flag's
worth is what a run without it says; no byte depends on the number of threads."""

import itertools
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SERVESIM = str(pathlib.Path(os.environ.get("SERVESIM", "build/dev/servesim")).resolve())

GENERATOR = """
[workload]
requests = 1000
seed = 7
[arrivals]
process = poisson
rate_rps = 6.1
[prompt]
distribution = lognormal_mix
w = 1
mu = 6.5
sigma = 0.9
min = 4
max = 4000
[output]
distribution = lognormal_mix
w = 1
mu = 4.8
sigma = 0.8
min = 1
max = 1000
"""
# One run of each: what is compared is the search, not its caution (tests/unit/test_tune.c).
STUDY = "[study]\nseeds = 1\ndraws = 1\n"
SERVER = """
[workload]
generator = spec.ini
[slo]
ttft_ms = 500
tpot_ms = {tpot}
attainment = 0.9
[pool.main]
accelerator = h100-sxm
model = {model}
engine = {engine}
policy = {policy}
replicas = {replicas}
{more}
[route]
policy = least_requests
""" + STUDY
LINEAR = """
[workload]
generator = spec.ini
[slo]
ttft_ms = 900
tpot_ms = 60
attainment = 0.9
[pool.main]
cost = linear
base_us = 8000
prefill_token_us = 25
decode_seq_us = 300
context_token_us = 0.1
num_gpu_blocks = 30000
usd_per_hour = 1
max_num_seqs = 11
max_num_batched_tokens = 8192
[route]
policy = least_requests
""" + STUDY


def server(tpot=30, model="llama-3.1-8b", engine="vllm", policy="vllm-v1", replicas=1, more=""):
    return SERVER.format(tpot=tpot, model=model, engine=engine, policy=policy,
                         replicas=replicas, more=more)


TOKENS = "max_num_batched_tokens 512 1024 4096 8192"
SEQS = "max_num_seqs 16 64 256"
LAYOUTS = [{"tensor_parallel": t, "pipeline_parallel": p, "replicas": r}
           for t, p, r in ((1, 1, 4), (2, 1, 2), (4, 1, 1), (1, 2, 2), (2, 2, 1), (1, 4, 1))]
# name: configuration, goal, the latency, flags, further axes of settings
CASES = {
    "tokens and sequences": (server(20, more="max_num_seqs = 16"), "throughput", None,
                             [TOKENS, SEQS], []),
    "for cost": (server(15, more="max_num_seqs = 16"), "cost", None, [TOKENS, SEQS], []),
    "chunks": (server(12), "throughput", None,
               [TOKENS, "long_prefill_token_threshold 0 256 512"], []),
    "parallelism": (server(25, "qwen2.5-14b", replicas=4), "throughput", None,
                    [SEQS, "tensor_parallel", "pipeline_parallel"], [LAYOUTS]),
    "sglang": (server(30, engine="sglang", policy="sglang"), "throughput", None,
               ["chunked_prefill_size 1024 4096 16384", "enable_mixed_chunk",
                "schedule_conservativeness 0.3 1"], []),
    "latency": (server(more="max_num_seqs = 16"), "latency", "p99_itl_ms", [TOKENS, SEQS], []),
    "latency of first tokens": (server(more="max_num_seqs = 16"), "latency", "p99_ttft_ms",
                                [TOKENS, SEQS], []),
    "linear": (LINEAR, "throughput", None, [TOKENS, "max_num_seqs 11 23 37 64"], []),
}
PRECISION = 0.01 # [capacity] precision: what a change must gain
# A search that goes flag by flag stops where no flag, and no pair, gains that much alone.
MOST_GAP = PRECISION * 1.01


def tune(folder, config, *arguments):
    done = subprocess.run([SERVESIM, "tune", config, *arguments], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"FAILED: tune {config} {arguments}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def value(text, line):
    """The goal on the line `was` or `now`, so that less is better."""
    words = re.search(rf"^{line} +(.*)$", text, re.M)
    if words is None:
        return None
    rate = re.search(r"([0-9.e+-]+) requests/s( in all)?( |$)", words[1])
    return 1 / float(rate[1]) if rate else float(words[1].split()[0])


def settings(flags, more):
    """Every combination, as {key: value}."""
    axes = []
    for flag in flags:
        key, *values = flag.split()
        values = values or (["no", "yes"] if key == "enable_mixed_chunk" else [])
        if values:
            axes.append([{key: v} for v in values])
    for point in itertools.product(*axes, *more):
        yield {k: v for part in point for k, v in part.items()}


def as_options(point):
    return [word for key, v in point.items() for word in ("-s", f"pool.main.{key}={v}")]


def exhaust(folder, goal, flags, more):
    """The goal of every setting, each scored by itself."""
    found = []
    for point in settings(flags, more):
        done = subprocess.run([SERVESIM, "tune", "case.ini", *goal, "-s", "tune.flags=none",
                               *as_options(point)], cwd=folder, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode == 0: # else a setting that does not start
            found.append((value(done.stdout, "was"), sorted(point.items())))
    return found


def search_finds_what_trying_all_finds(folder):
    for name, (config, goal, latency, flags, more) in CASES.items():
        (folder / "case.ini").write_text(config)
        goal = ["-s", f"tune.goal={goal}"] + (["-s", f"tune.latency={latency}"] if latency else [])
        text = tune(folder, "case.ini", *goal, "-s", "tune.flags=" + ",".join(flags),
                    "-o", "tuned.ini")
        found = value(text, "now") or value(text, "was")
        every = exhaust(folder, goal, flags, more)
        gap = math.log(found / min(every)[0])
        print(f"{name}: {len(every)} settings, from {value(text, 'was'):.5g} to {found:.5g}, "
              f"best {min(every)[0]:.5g}, off by {100 * gap:.2f} %")
        if gap > MOST_GAP:
            yield (f"{name}: the best of all is {min(every)[1]}, {100 * gap:.1f} % better "
                   f"than\n{text}")
        again = value(tune(folder, "tuned.ini", *goal, "-s", "tune.flags=none"), "was")
        if abs(again / found - 1) > 1e-5:
            yield f"{name}: -o wrote what scores {again}, not {found}"


def latency_is_that_of_runs(folder):
    """goal = latency by hand: the worse of two rates, in the mean over seeds and draws."""
    (folder / "case.ini").write_text(server(more="max_num_seqs = 16"))
    options = ["-s", "study.draws=1", "-s", "study.seeds=1", "-s", "study.warmup=0",
               "-s", "study.cooldown=0"]
    text = tune(folder, "case.ini", *options, "-s", "tune.goal=latency", "-s",
                "tune.latency=p99_itl_ms", "-s", "tune.flags=none", "-s", "tune.bursts=1.7")
    rates = re.search(r"at ([0-9.]+) requests/s and at ([0-9.]+),", text)
    worst = 0
    for i, rate in enumerate(([], ["-s", f"workload.rate_rps={rates[2]}"])):
        subprocess.run([SERVESIM, "run", "case.ini", *rate, "-q", "-o", f"run{i}"], cwd=folder,
                       check=True)
        rows = (folder / f"run{i}/summary.csv").read_text().splitlines()
        worst = max(worst, *(float(row.split(",")[1]) for row in rows
                             if row.startswith("p99_itl_ms,")))
    if abs(value(text, "was") / worst - 1) > 1e-4:
        yield f"latency: {value(text, 'was')}, and runs say {worst}"


def worth_is_what_going_back_costs(folder):
    (folder / "case.ini").write_text(LINEAR)
    flags = ["-s", "tune.goal=throughput", "-s", f"tune.flags={TOKENS},max_num_seqs 11 23 37 64"]
    text = tune(folder, "case.ini", *flags)
    now = value(text, "now")
    rows = re.findall(r"^(max_\w+) +(\d+) +(\d+)  ([0-9.]+) %", text, re.M)
    if not rows:
        yield f"linear: nothing changed:\n{text}"
    for key, was, _, percent in rows:
        point = {k: w for k, _, w, _ in rows if k != key} | {key: was}
        back = value(tune(folder, "case.ini", "-s", "tune.goal=throughput", "-s",
                          "tune.flags=none", *as_options(point)), "was")
        if abs(100 * (1 - now / back) - float(percent)) > 0.06: # one decimal is printed
            yield f"{key}: worth {percent} %, and without it {100 * (1 - now / back)} % is lost"


def flags_read_back_are_the_configuration(folder):
    for engine, policy, kind, start in (
            ("vllm", "vllm-v1", "vllm-args", "vllm serve meta-llama/Llama-3.1-8B-Instruct"),
            ("sglang", "sglang", "sglang-args", "python -m sglang.launch_server --model-path "
             "meta-llama/Llama-3.1-8B-Instruct")):
        (folder / "case.ini").write_text(server(20, engine=engine, policy=policy, replicas=2,
                                                more="max_num_seqs = 16"))
        text = tune(folder, "case.ini", "-s", "tune.rounds=1", "-s", "study.draws=1",
                    "-s", "study.requests=150", "-o", "tuned.ini")
        pasted = re.search(r"^to paste.*:\n((?:  .*\n)+)", text, re.M)[1]
        done = subprocess.run([SERVESIM, "import", kind, f"{start} --accelerator h100 {pasted}"],
                              text=True, stdout=subprocess.PIPE, check=False)
        keys = dict(re.findall(r"^(\w+) = (.*)$", done.stdout, re.M))
        tuned = dict(re.findall(r"^(\w+) = (.*)$", (folder / "tuned.ini").read_text()
                                .split("[pool.main]")[1].split("\n[")[0], re.M))
        wrong = {k for k, v in keys.items()
                 if k in tuned and tuned[k] != v and k not in ("engine", "policy")}
        if len(keys) < 10 or wrong:
            yield f"{kind}: {wrong} of {keys}"


def threads_change_no_byte(folder):
    (folder / "case.ini").write_text(server(20, replicas=4, more="max_num_seqs = 16"))
    said = []
    for threads in ("1", "2", "7"):
        text = tune(folder, "case.ini", "-j", threads, "-s", "study.requests=150", "-s",
                    f"tune.flags={TOKENS}, {SEQS},tensor_parallel", "-s",
                    "tune.disaggregate=yes", "-o", "t.ini")
        said.append((text, (folder / "t.ini").read_bytes()))
    if said[0] != said[1] or said[0] != said[2]:
        yield "another number of threads gives other bytes"


def no_number_is_made_up(folder):
    """Where no rate is within [slo] there is no cost, and of one run no error."""
    (folder / "case.ini").write_text(server(replicas=2, more="max_num_seqs = 2"))
    flags = ["-s", "study.requests=150", "-s", "tune.flags=max_num_seqs 2 48"]
    text = tune(folder, "case.ini", *flags, "-s", "slo.tpot_ms=0.137")
    if not re.search(r"^was +no rate is within \[slo\], not even ", text, re.M) or (
            "nothing to choose by" not in text or "USD" in text or "to paste" in text):
        yield f"no rate is within [slo]:\n{text}"
    text = tune(folder, "case.ini", *flags)
    if not re.search(r"^gain +[0-9.]+ %, in the worst", text, re.M) or "+-" in text.replace(
            "TPOT +-", ""):
        yield f"an error of one run:\n{text}"
    text = tune(folder, "case.ini", *flags, "-s", "study.draws=3")
    if not re.search(r"^gain +[0-9.]+ % \+- [0-9.]+, in the worst", text, re.M):
        yield f"no error of three:\n{text}"


def hours_are_cut_from_the_trace(folder):
    """Each hour's requests, and its best split, as a run of that part alone has them."""
    rows = ["arrival_s,prompt_tokens,output_tokens"]
    rows += [f"{i * 0.37:.2f},{3000 if i < 300 else 50},{20 if i < 300 else 300}"
             for i in range(600)]
    (folder / "t.csv").write_text("\n".join(rows) + "\n")
    (folder / "case.ini").write_text(server(40, replicas=4).replace(
        "generator = spec.ini", "trace = t.csv"))
    text = tune(folder, "case.ini", "-s", "tune.flags=none", "-s", "tune.disaggregate=yes",
                "-s", "tune.interval=111", "-s", "study.requests=3000")
    hours = re.findall(r"^(\d+)-(\d+) s +(\d+) +([0-9.]+) +(\d+:\d+) +([0-9.]+)", text, re.M)
    if [h[2] for h in hours] != ["300", "300"] or [h[4] for h in hours] != ["3000:20", "50:300"]:
        yield f"hours: {hours}"
    for start, end, _, _, _, usd in hours:
        alone = tune(folder, "case.ini", "-s", "tune.flags=none", "-s", "study.requests=3000",
                     "-s", f"workload.from={start}", "-s", f"workload.until={end}")
        found = float(re.search(r"^was +([0-9.e+-]+) USD", alone, re.M)[1])
        if abs(found / float(usd) - 1) > 1e-3:
            yield f"{start}-{end} s: {usd} USD, and alone {found}"
    if "break-even of" not in text:
        yield f"no break-even:\n{text}"


def main():
    faults = []
    with tempfile.TemporaryDirectory(prefix="servesim.") as name:
        folder = pathlib.Path(name)
        (folder / "spec.ini").write_text(GENERATOR)
        for check in (search_finds_what_trying_all_finds, latency_is_that_of_runs,
                      worth_is_what_going_back_costs, flags_read_back_are_the_configuration,
                      threads_change_no_byte, no_number_is_made_up,
                      hours_are_cut_from_the_trace):
            faults += [f"{check.__name__}: {fault}" for fault in check(folder)]
    if faults:
        sys.exit("\n".join(f"FAILED: {fault}" for fault in faults))
    print(f"{len(CASES)} searches hold")


main()
