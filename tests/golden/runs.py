"""runs: what the tests that run the program share: runs, result folders, traces.

Traces made here come from `servesim gen` and need nothing else; the published Azure traces
lie beside the repository, and what needs them is skipped where they are absent.
"""

import csv
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SERVESIM = os.environ.get("SERVESIM", "build/dev/servesim")
AZURE = pathlib.Path("../shared/traces/azure2023")
CONV = AZURE / "AzureLLMInferenceTrace_conv.csv"
CODE = AZURE / "AzureLLMInferenceTrace_code.csv"
SECOND = 10**9

SERVER = """
[workload]
trace = -
[slo]
ttft_ms = 500
tpot_ms = 50
[pool.main]
accelerator = h100-sxm
model = llama-3.1-8b
engine = vllm
policy = vllm-v1
[route]
policy = least_requests
"""

LINEAR = """
[workload]
trace = -
[pool.main]
batching = unified
cost = linear
base_us = 1000
num_gpu_blocks = 4099
"""

EXAMPLES = {"server": SERVER, "linear": LINEAR}


def work_folder():
    """A temporary folder that goes when the test ends."""
    return tempfile.TemporaryDirectory(prefix="servesim-test-")


def execute(arguments, stdin=None):
    """Runs the program; its standard error. Anything but exit 0 ends the test."""
    done = subprocess.run([SERVESIM, *map(str, arguments)], stdin=stdin, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"FAILED: servesim {' '.join(map(str, arguments))}: exit {done.returncode}: "
                 f"{done.stderr.strip()}")
    return done.stderr


def run(config, folder, settings=(), stepwise=False, stdin=None):
    """Runs a configuration into a folder; the plans made and the sequence-steps walked."""
    flags = ["--stepwise"] if stepwise else []
    for setting in settings:
        flags += ["-s", setting]
    told = execute(["run", config, "-o", folder, "-q", "-v", *flags], stdin=stdin)
    plans, walked = re.search(r"(\d+) plans, (\d+) sequence-steps walked", told).groups()
    return int(plans), int(walked)


def generate(path, settings=(), workload="azure-conv-2023"):
    flags = [flag for setting in settings for flag in ("-s", setting)]
    execute(["gen", f"configs/workloads/{workload}.ini", "-o", path, *flags])
    return path


def to_ns(text):
    """Seconds with nine decimals as integer nanoseconds."""
    whole, _, fraction = text.partition(".")
    return int(whole) * SECOND + int((fraction + "000000000")[:9])


def to_seconds(ns):
    return f"{ns // SECOND}.{ns % SECOND:09d}"


def read_table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_summary(folder):
    return {row["metric"]: row["value"] for row in read_table(pathlib.Path(folder) / "summary.csv")}


def read_trace(path):
    """(arrival in ns, prompt, output) of every row of a generated trace."""
    return [(to_ns(row["arrival_s"]), int(row["prompt_tokens"]), int(row["output_tokens"]))
            for row in read_table(path)]


def write_trace(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        more = rows and len(rows[0]) > 3
        file.write("arrival_s,prompt_tokens,output_tokens" + ",prefix_hash" * more + "\n")
        file.writelines(",".join([to_seconds(ns), *map(str, row)]) + "\n" for ns, *row in rows)
    return path


def differences(one, other):
    """What differs between two result folders, file by file, as sentences."""
    left = {path.name: path.read_bytes() for path in pathlib.Path(one).iterdir()}
    right = {path.name: path.read_bytes() for path in pathlib.Path(other).iterdir()}
    faults = [f"{name} is in one of the folders only" for name in sorted(left.keys() ^ right)]
    for name in sorted(left.keys() & right):
        if left[name] != right[name]:
            pairs = zip(left[name].splitlines(), right[name].splitlines())
            line, a, b = next(((i, a, b) for i, (a, b) in enumerate(pairs, 1) if a != b),
                              (0, b"one is longer", b""))
            faults.append(f"{name}:{line}: {a.decode()!r} and {b.decode()!r}")
    return faults
