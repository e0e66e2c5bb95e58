#!/usr/bin/env python3
"""bench: what a simulated request costs.

    /usr/bin/python3 tests/bench/bench.py build/release/servesim [--check] [--long] [--fleet]
                                                                 [--policies]

Instructions per request are counted by callgrind on a generated trace, so they repeat on
any machine of one kind, however busy; recorded.json holds those of the last accepted
change.  --check fails when a count is more than 10 % above the recorded one.  CPU time and
memory are measured too and printed, never checked.  --long replays ten million requests
for the memory, --fleet as many over a thousand replicas.  --policies counts for every
policy of configs/policies, on both workloads
and with up to 100,000 requests waiting, prints a table beside vllm-v1 and fails where a
bound is passed: MOST_RATIO, MOST_TENFOLD.
"""
import json
import os
import pathlib
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RECORDED = HERE / "recorded.json"
CONFIG = ROOT / "configs/examples/azure-conv-h100.ini"
POLICIES = sorted(path.stem for path in (ROOT / "configs/policies").glob("*.ini"))
FCFS = "vllm-v1"
MOST_RATIO = 2.0  # a request under any policy, over one under FCFS
QUEUED = ("priority", "srpt", "edf", "vtc", "mlfq", "sjf", "sglang-lpm", FCFS)
QUEUES = (1000, 10000, 100000)
MOST_TENFOLD = 1.3  # a request with ten times as many waiting
FLEETS = (10, 1000)
MOST_FLEET = 1.5  # a request in the large fleet, over one in the small one
FLEET_RATE = 140  # requests per second and replica: about 60 % of what it can do
FLEET_SETS = ("pool.main.cost=linear", "pool.main.base_us=5000", "pool.main.prefill_token_us=20",
              "pool.main.decode_seq_us=100", "pool.main.num_gpu_blocks=10001", "output.itl=no",
              "route.policy=least_requests")
AZURE = ROOT / "../shared/traces/azure2023/AzureLLMInferenceTrace_conv.csv"


def command(binary, trace, out, *sets):
    words = [binary, "run", str(CONFIG), "--quiet", "--overwrite", "-o", str(out)]
    for setting in (f"workload.trace={trace}", *sets):
        words += ["-s", setting]
    return words


def instructions(words, folder):
    """Instructions that the whole process executes, by callgrind."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind", *words],
        capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return int(re.search(r"refs:\s+([\d,]+)", done.stderr).group(1).replace(",", ""))


def cpu_seconds(words):
    """CPU seconds (user + system) and peak memory in MB of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return seconds, after.ru_maxrss / 1000


def companions_trace(path, n_long, n_short):
    """`n_long` sequences that decode all the time, and a short request every third step."""
    with open(path, "w", encoding="ascii") as out:
        out.write("arrival_s,prompt_tokens,output_tokens\n")
        for _ in range(n_long):
            out.write("0,17,30000\n")
        for i in range(n_short):
            out.write(f"{10 + i * 0.03:.3f},13,1\n")


def crowd_trace(path, n):
    """`n` requests at once, of eight tenants, with all that orders go by."""
    rng = random.Random(1)
    with open(path, "w", encoding="ascii") as out:
        out.write("arrival_s,prompt_tokens,output_tokens,tenant,priority,deadline_s\n")
        for _ in range(n):
            out.write(f"0,{rng.randint(10, 500)},{rng.randint(1, 60)},"
                      f"tenant-{rng.randint(1, 8)},{rng.randint(0, 9)},{rng.randint(1, 999)}\n")


def fleet_trace(binary, path, n_replicas, n):
    """`n` short requests, so many per replica and second."""
    subprocess.run([binary, "gen", "configs/workloads/poisson.ini", "-o", str(path),
                    "-s", f"workload.requests={n}",
                    "-s", f"arrivals.rate_rps={FLEET_RATE * n_replicas}",
                    "-s", "prompt.min=50", "-s", "prompt.max=150",
                    "-s", "output.min=10", "-s", "output.max=30"], check=True, cwd=ROOT)


def count_fleets(binary, folder):
    """Instructions of a request in fleets of several sizes, under the same load."""
    counts = {}
    for n in FLEETS:
        trace = folder / "trace.csv"
        fleet_trace(binary, trace, n, 60000)
        sets = (*FLEET_SETS, f"pool.main.replicas={n}")
        base = instructions(
            command(binary, trace, folder / "out", "workload.limit=30000", *sets), folder)
        full = instructions(command(binary, trace, folder / "out", *sets), folder)
        counts[f"request_among_{n}_replicas"] = round((full - base) / 30000)
    return counts


def count_policies(binary, folder):
    """Instructions per request: {workload: {policy: count}}."""
    trace = folder / "trace.csv"
    subprocess.run([binary, "gen", "configs/workloads/azure-conv-2023.ini", "-o", str(trace)],
                   check=True, cwd=ROOT)
    workloads = {"own_rate": (), "overloaded": ("workload.rate_scale=4",)}
    counts = {name: {} for name in (*workloads, *(f"{n}_waiting" for n in QUEUES))}
    for workload, sets in workloads.items():
        for policy in POLICIES:
            base, full = (instructions(
                command(binary, trace, folder / "out", f"workload.limit={limit}",
                        f"pool.main.policy={policy}", *sets), folder)
                          for limit in (2000, 8000))
            counts[workload][policy] = round((full - base) / 6000)
    for policy in QUEUED:
        for n in QUEUES:
            crowd_trace(trace, n)
            base, full = (instructions(
                command(binary, trace, folder / "out", f"workload.limit={limit}",
                        f"pool.main.policy={policy}"), folder) for limit in (100, n))
            counts[f"{n}_waiting"][policy] = round((full - base) / (n - 100))
    return counts


def judge_policies(counts):
    """Prints the table; what is beyond the bounds."""
    worse = []
    print(f"{'instructions per request':24}" + "".join(f"{name:>22}" for name in counts))
    for policy in POLICIES:
        line = f"{policy:24}"
        before = None
        for name, column in counts.items():
            count = column.get(policy)
            if count is None:
                line += f"{'':22}"
                continue
            ratio = count / column[FCFS]
            line += f"{count:>14} ({ratio:4.2f}x)"
            if ratio > MOST_RATIO and not name.endswith("_waiting"):
                worse.append(f"{policy}, {name}: {ratio:.2f} x {FCFS}")
            if name.endswith("_waiting"):
                if before is not None and count > MOST_TENFOLD * before:
                    worse.append(f"{policy}, {name}: {count / before:.2f} x a tenth of it")
                before = count
        print(line)
    return worse


def count_all(binary, folder):
    trace = folder / "trace.csv"
    out = folder / "out"
    subprocess.run([binary, "gen", "configs/workloads/azure-conv-2023.ini", "-o", str(trace)],
                   check=True, cwd=ROOT)
    counts = {}
    base = instructions(command(binary, trace, out, "workload.limit=4000"), folder)
    full = instructions(command(binary, trace, out, "workload.limit=16000"), folder)
    counts["request_at_own_rate"] = (full - base) / 12000
    sets = ("workload.rate_scale=4", "pool.main.replicas=1")
    base = instructions(command(binary, trace, out, "workload.limit=4000", *sets), folder)
    full = instructions(command(binary, trace, out, "workload.limit=16000", *sets), folder)
    counts["request_when_overloaded"] = (full - base) / 12000
    for n_long in (16, 512):
        companions_trace(trace, n_long, 20000)
        sets = ("pool.main.max_num_seqs=600", "pool.main.num_gpu_blocks=2000000",
                "pool.main.cost=linear", "pool.main.base_us=10000")
        base = instructions(
            command(binary, trace, out, f"workload.limit={n_long + 1000}", *sets), folder)
        full = instructions(
            command(binary, trace, out, f"workload.limit={n_long + 9000}", *sets), folder)
        counts[f"mixed_step_beside_{n_long}"] = (full - base) / 8000
    return {name: round(count) for name, count in counts.items()} | count_fleets(binary,
                                                                                 folder)


def print_fleet(binary, folder):
    """Ten million requests over the large fleet, for speed and memory."""
    trace = folder / "trace.csv"
    n = 10_000_000
    fleet_trace(binary, trace, FLEETS[-1], n)
    words = [binary, "run", str(CONFIG), "--quiet"]
    for setting in (*FLEET_SETS, f"workload.trace={trace}", f"pool.main.replicas={FLEETS[-1]}"):
        words += ["-s", setting]
    seconds, peak = cpu_seconds(words)
    print(f"{n / 1e6:.0f} million requests over {FLEETS[-1]} replicas: {n / seconds:.0f} requests "
          f"per CPU second, {peak:.0f} MB at peak")


def print_speed(binary, folder):
    trace = AZURE
    what = "Azure conversation trace"
    if not trace.exists():
        trace = folder / "speed.csv"
        what = "generated conversation trace (the original is not here)"
        subprocess.run([binary, "gen", "configs/workloads/azure-conv-2023.ini", "-o", str(trace)],
                       check=True, cwd=ROOT)
    best = min(cpu_seconds(command(binary, trace, folder / "out", "workload.repeat=50"))
               for _ in range(5))
    n = 50 * 19366
    print(f"50 x {what}: {n / best[0] / 1e6:.2f} million requests per CPU second, "
          f"{best[1]:.0f} MB at peak")


def print_memory(binary, folder):
    seconds, peak = cpu_seconds(command(binary, AZURE, folder / "out", "workload.repeat=520"))
    print(f"520 x Azure conversation trace: {520 * 19366 / 1e6:.1f} million requests, "
          f"{seconds:.1f} CPU seconds, {peak:.0f} MB at peak")


def main():
    binary = os.path.abspath(sys.argv[1])
    folder = pathlib.Path(tempfile.mkdtemp(prefix="servesim-bench-"))
    try:
        if "--long" in sys.argv:
            print_memory(binary, folder)
            return 0
        recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
        if "--fleet" in sys.argv:
            print_fleet(binary, folder)
            return 0
        if "--policies" in sys.argv:
            counts = count_policies(binary, folder)
            worse = judge_policies(counts)
            if "--record" in sys.argv:
                recorded["policies"] = counts
                RECORDED.write_text(json.dumps(recorded, indent=4) + "\n")
            print("".join(f"worse: {what}\n" for what in worse), end="")
            return 1 if worse else 0
        counts = count_all(binary, folder)
        worse = []
        for name, count in counts.items():
            before = recorded.get(name)
            ratio = count / before if before else None
            print(f"{name:28} {count:8} instructions" +
                  (f", {ratio:.3f} x the recorded {before}" if before else ""))
            if ratio is None or ratio > 1.1:
                worse.append(name)
        beside = counts["mixed_step_beside_512"] / counts["mixed_step_beside_16"]
        print(f"a mixed step beside 512 sequences costs {beside:.2f} x one beside 16")
        if beside > 1.25:
            worse.append("a step's cost grows with the batch")
        large, small = (counts[f"request_among_{n}_replicas"] for n in reversed(FLEETS))
        print(f"a request among {FLEETS[-1]} replicas costs {large / small:.2f} x one among "
              f"{FLEETS[0]}")
        if large > MOST_FLEET * small:
            worse.append("a request's cost grows with the fleet")
        if "--record" in sys.argv:
            RECORDED.write_text(json.dumps(recorded | counts, indent=4) + "\n")
        elif "--check" in sys.argv and worse:
            print("worse: " + ", ".join(worse))
            return 1
        if "--check" not in sys.argv:
            print_speed(binary, folder)
        return 0
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
