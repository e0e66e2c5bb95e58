#!/usr/bin/env python3
"""size: the same bytes on any number of threads; its answer can be run and says the same; a
variant's answer is the one it has alone; what the SLO costs is what other bounds get; and an
interrupted search leaves nothing."""

import pathlib
import re
import signal
import subprocess
import sys
import time

import runs

CONFIG = """
[workload]
generator = configs/workloads/azure-conv-2023.ini
rate_rps = 19
[slo]
ttft_ms = 400
tpot_ms = 40
attainment = 0.97
[pool.main]
accelerator = h100-sxm
model = llama-3.1-8b
engine = vllm
policy = vllm-v1
[route]
policy = least_requests
[price]
book = hyperstack
[size]
accelerators = a100-80gb, h100-sxm, l4
tensor_parallel = 1, 2
mixed = yes
interval = 10s
[study]
seeds = 2
draws = 3
requests = 700
"""
N, FROM, TO = 700, 70, 630
FILES = ("config.ini", "size.csv", "fleets.csv", "demand.csv", "fleet.ini")


def size(config, *arguments):
    done = subprocess.run([runs.SERVESIM, "size", config, *map(str, arguments)], check=False,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0 or done.stderr:
        sys.exit(f"FAILED: size {arguments}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def answer_of(folder):
    return [row for row in runs.read_table(folder / "size.csv") if row["answer"] == "1"]


def threads_change_no_byte(place, config):
    said = []
    for threads in ("1", "2", "7"):
        said.append(size(config, "-j", threads, "-o", place / "out", "--overwrite"))
        (place / "out").rename(place / f"out{threads}")
    if said[0] != said[1] or said[0] != said[2]:
        yield "other tables with more threads"
    for name in FILES:
        if len({(place / f"out{n}" / name).read_bytes() for n in "127"}) > 1:
            yield f"{name} differs with more threads"
    names = sorted(path.name for path in (place / "out1").iterdir())
    if names != sorted(FILES):
        yield f"the files are {names}"


def the_answer_can_be_run(place, config):
    (answer,) = answer_of(place / "out1")
    met, ttft, cost = 0, 0, 0
    for seed in (1, 2):
        folder = place / f"run{seed}"
        runs.run(place / "out1/fleet.ini", folder,
                 [f"run.seed={seed}", f"workload.limit={N}", f"workload.count_from={FROM}",
                  f"workload.count_to={TO}"])
        summary = runs.read_summary(folder)
        met += float(summary["slo_attainment"]) / 2
        ttft += float(summary["p99_ttft_ms"]) / 2
        cost += float(summary["total_cost_usd"]) / float(summary["simulated_time"]) * 3600 / 2
    for name, value, digits in (("slo_attainment", met, 6), ("p99_ttft_ms", ttft, 6),
                                ("usd_per_hour", cost, 3)):
        if abs(float(answer[name]) - value) > 1.1 * 10 ** -digits:
            yield f"{name} of the answer is {answer[name]}, of its runs {value}"


def what_was_asked_can_be_asked_again(place, config):
    size(place / "out1/config.ini", "-o", place / "again")
    for name in ("size.csv", "fleets.csv", "demand.csv"):
        if (place / "again" / name).read_bytes() != (place / "out1" / name).read_bytes():
            yield f"config.ini: another {name}"


def variants_are_what_they_are_alone(place, config):
    size(config, "--over", "workload.rate_rps=7,31", "-o", place / "over")
    both = answer_of(place / "over")
    for row, rate in zip(both, ("7", "31")):
        size(config, "-s", f"workload.rate_rps={rate}", "-o", place / f"rate{rate}")
        want = {"workload.rate_rps": rate, **answer_of(place / f"rate{rate}")[0]}
        if row != want:
            yield f"rate {rate}: {row} instead of {want}"
    if [int(row["gpus"]) for row in both] != sorted(int(row["gpus"]) for row in both):
        yield "more requests need fewer GPUs here"


def a_notch_is_other_bounds(place, config):
    said = size(config)
    for words, ttft, tpot in (("20 % tighter: ", 320, 32), ("20 % looser: ", 480, 48)):
        size(config, "-s", f"slo.ttft_ms={ttft}", "-s", f"slo.tpot_ms={tpot}", "-o",
             place / f"notch{ttft}")
        (row,) = answer_of(place / f"notch{ttft}")
        fleet = f"{row['first_replicas']} x {row['first']}"
        if row["second"]:
            fleet += f" + {row['second_replicas']} x {row['second']}"
        (line,) = [line for line in said.splitlines() if line.strip().startswith(words)]
        want = f"{words}{fleet}, $ {float(row['usd_per_hour']):.2f} per hour"
        if not line.strip().startswith(want):
            yield f"'{line}' instead of '{want}'"


def demand_adds_up(place, config):
    rows = runs.read_table(place / "out1/demand.csv")
    (answer,) = answer_of(place / "out1")
    if answer["kind"] != "alone" or len(rows) < 10:
        yield f"{len(rows)} intervals of {answer['kind']}"
        return
    peak = max(int(row["requests"]) for row in rows)
    per = int(answer["gpus"]) // int(answer["first_replicas"])
    for row in rows:
        ideal = -(-int(row["requests"]) * int(answer["first_replicas"]) // peak) * per
        if int(row["gpus_ideal"]) != ideal or int(row["gpus_roofline"]) > ideal:
            yield f"{row}: an ideal autoscaler has {ideal}"


def an_interrupt_leaves_nothing(place, config):
    folder = place / "interrupted"
    process = subprocess.Popen(
        [runs.SERVESIM, "size", config, "-o", folder, "-s", "study.requests=200000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    said, told = process.communicate(timeout=20)
    left = [path.name for path in place.iterdir() if path.name.startswith("interrupted")]
    if process.returncode != 1 or said or left or "interrupted" not in told:
        yield f"exit {process.returncode}, {said!r}, {told!r}, {left} left"


def numbers_stay_apart(place, config):
    """A fleet that idles costs so much per token that its columns are full."""
    text = size(config, "-s", "workload.rate_rps=0.001", "-s", "study.requests=20", "-s",
                "pool.main.usd_per_hour=90000")
    row = re.search(r"^  fleet .*\n  (.*)$", text, re.M)[1]
    numbers = re.match(r"\d+ x \S+(?: tp \d+)? +\d+((?: +[0-9.]+){5}) ", row)
    if not numbers or any(word.count(".") != 1 for word in numbers[1].split()):
        yield f"not five numbers: {row!r}"


CHECKS = (threads_change_no_byte, the_answer_can_be_run, what_was_asked_can_be_asked_again,
          variants_are_what_they_are_alone, a_notch_is_other_bounds, demand_adds_up,
          an_interrupt_leaves_nothing, numbers_stay_apart)


def main():
    faults = []
    with runs.work_folder() as place:
        place = pathlib.Path(place)
        config = place / "size.ini"
        config.write_text(CONFIG)
        for check in CHECKS:
            faults += [f"{check.__name__}: {fault}" for fault in check(place, config)]
    print("\n".join(faults) if faults else f"{len(CHECKS)} checks, no fault")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
