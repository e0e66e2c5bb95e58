#!/usr/bin/env python3
"""capacity: a server that waits for a batch of four serves no rate at which four do not come
in time, and rates above it; capacity does not call the upper ones its answer, and says so.  Where
sessions come, it says that its rate is theirs.

One request comes every 1 / rate seconds.  The first of a batch waits for the fourth, 3 / rate,
and some 10 ms for the step: above 30 ms for rates below 150 or so.  Almost 400 per second
keep it busy.
"""

import pathlib
import re
import subprocess
import sys

import runs

CONFIG = """
[workload]
generator = workload.ini
[slo]
ttft_ms = 30
[study]
requests = 400
seeds = 1
draws = 1
[capacity]
precision = 0.1
[pool.main]
cost = linear
base_us = 10000
prefill_token_us = 1
decode_seq_us = 1
num_gpu_blocks = 1001
batching = dynamic
preempt = none
preferred_batch_sizes = 4
max_queue_delay_us = 1000000
max_num_seqs = 4
"""

WORKLOAD = """
[workload]
requests = 400
[arrivals]
process = constant
rate_rps = 1
[prompt]
distribution = fixed
tokens = 10
[output]
distribution = fixed
tokens = 1
"""

# Each session asks three times, 10 ms apart.
SESSIONS = """
[sessions]
timing = timed
[turns]
distribution = fixed
tokens = 3
[followup]
distribution = fixed
tokens = 1
[gap]
distribution = fixed
time_s = 0.01
"""

SLOW, FAST, TOO_FAST = "106.719", "368.423", "405.265"  # powers of 1.1


def capacity(root, *settings):
    """What it prints, and its row."""
    words = [pathlib.Path(runs.SERVESIM).resolve(), "capacity", "config.ini", "-o", "out",
             "--overwrite"]
    for setting in settings:
        words += ["-s", setting]
    done = subprocess.run(words, cwd=root, check=True, capture_output=True, text=True)
    return done.stdout, runs.read_table(root / "out/capacity.csv")[0]


def check(root):
    text, row = capacity(root)
    got = [row[name] for name in ("meets_rps", "fails_rps", "monotone", "again_rps")]
    if got != ["0", SLOW, "no", FAST]:
        yield f"from below: {got}"
    want = f"not monotone: fails at {SLOW} req/s, yet {FAST} req/s meets; "
    if f"\nno rate meets: at {SLOW} req/s, the lowest tried" not in text or want not in text:
        yield f"it is not explained: {text}"
    text, row = capacity(root, "capacity.least_rps=160")
    got = [row[name] for name in ("meets_rps", "fails_rps", "monotone", "again_rps")]
    if got != [FAST, TOO_FAST, "yes", ""] or "monotone" in text:
        yield f"from 160 on: {got}: {text}"


def check_sessions(root):
    """What is raised is the rate of sessions, and it is called so."""
    (root / "workload.ini").write_text(WORKLOAD + SESSIONS, encoding="utf-8")
    text, row = capacity(root, "pool.main.max_queue_delay_us=1", "slo.ttft_ms=3000")
    first = text.splitlines()[2]
    if "starts/s" not in first or "req/s" in first:
        yield f"whose rate is it: {first}"
    told = re.search(r"at ([0-9.]+) starts/s there are ([0-9.]+) req/s\n", text)
    if told is None or told.group(1) != row["meets_rps"]:
        yield f"requests per second are not told: {text}"
    elif not 2.8 < float(told.group(2)) / float(told.group(1)) < 3.2:
        yield f"three requests a session: {told.group(0)}"


def main():
    with runs.work_folder() as folder:
        root = pathlib.Path(folder)
        (root / "config.ini").write_text(CONFIG, encoding="utf-8")
        (root / "workload.ini").write_text(WORKLOAD, encoding="utf-8")
        faults = list(check(root))
        faults += check_sessions(root)
    print("\n".join(faults) if faults else "all hold")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
