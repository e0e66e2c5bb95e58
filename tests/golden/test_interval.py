#!/usr/bin/env python3
"""interval: `run --interval` prints the run beside its two ends, and changes no file."""

import math
import pathlib
import re
import statistics
import subprocess
import sys

import runs

CONFIG = runs.SERVER.replace("trace = -", "trace = {trace}")
ROW = re.compile(r"(.+?) +([0-9.]+) (.+) \((\d+) %: ([0-9.]+) - ([0-9.]+)\)")
ALL = {"Mean TTFT": "mean_ttft_ms", "P99 TTFT": "p99_ttft_ms", "Mean TPOT": "mean_tpot_ms",
       "P99 TPOT": "p99_tpot_ms", "Mean E2E": "mean_e2el_ms", "P99 E2E": "p99_e2el_ms",
       "Request throughput": "request_throughput",
       "Output token throughput": "output_throughput", "Request goodput": "request_goodput",
       "Cost per million tokens": "usd_per_million_tokens",
       "Energy per output token": "joules_per_output_token"}
ENGINE = pathlib.Path("configs/engines/vllm.ini").read_text(encoding="utf-8")
TPOT_SD, TTFT_SD = (float(re.search(rf"^{key} = (\S+)", ENGINE, re.M)[1])
                    for key in ("tpot_sd", "ttft_sd"))
SOURCE = re.search(r"^engine_source = (.*)", ENGINE, re.M)[1]


def tell(config, *arguments):
    done = subprocess.run([runs.SERVESIM, "run", config, *map(str, arguments)], check=False,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"FAILED: run: exit {done.returncode}: {done.stderr}")
    return done.stdout


def rows_of(text):
    return {match[1].strip(): [float(match[i]) for i in (2, 5, 6)]
            for match in map(ROW.fullmatch, text.splitlines()) if match}


def check_ends(place, config, percent, faults):
    """Each end is what a run with that scale says; TTFT is widened by its own deviation."""
    z = statistics.NormalDist().inv_cdf(0.5 + percent / 200)
    rows = rows_of(tell(config, "--interval", percent))
    summaries = []
    for sign in (-1, 0, 1):
        folder = place / f"end{percent}{sign}"
        runs.run(config, folder, [f"pool.main.scale={math.exp(sign * z * TPOT_SD):.9f}"])
        summaries.append(runs.read_summary(folder))
    if rows.keys() != ALL.keys():
        faults.append(f"{percent} %: printed {sorted(rows)}")
    for label, (middle, low, high) in rows.items():
        ends = [float(summary[ALL[label]]) for summary in summaries]
        want = [ends[1], min(ends), max(ends)]
        if "TTFT" in label:
            factor = math.exp(z * TTFT_SD)
            want[1:] = [min(want[1], ends[1] / factor), max(want[2], ends[1] * factor)]
        for got, expected in zip((middle, low, high), want):
            if abs(got - expected) > 0.006 + 1e-6 * expected:
                faults.append(f"{percent} %: {label}: {got} instead of {expected}")


def check_files(place, config, faults):
    tell(config, "-o", place / "plain", "-q")
    if tell(config, "-o", place / "with", "--interval", 90, "-q") != "":
        faults.append("--quiet is not quiet")
    faults += runs.differences(place / "plain", place / "with")


def check_notes(config, faults):
    """What an interval stands on is said."""
    for setting, wanted in (
            ("pool.main.engine=ideal", "\nuncalibrated: no interval\n"),
            ("pool.main.scale=1.07", "\n[pool.main]: its scale was measured: the interval is "
             "of deployments without one, and too wide\n"),
            ("pool.main.accelerator=mi300x", "\n[pool.main]: uncalibrated: not calibrated on "
             "this accelerator: the interval is at least this wide\n"),
            ("pool.main.max_num_seqs=64", f"\ncalibrated on {SOURCE}\n")):
        text = tell(config, "--interval", 80, "-s", setting)
        if wanted not in text:
            faults.append(f"{setting}: not said: {wanted!r}: {text[-400:]!r}")
        if setting.endswith("ideal") and rows_of(text):
            faults.append("an engine never fitted has an interval")


def main():
    faults = []
    with runs.work_folder() as name:
        place = pathlib.Path(name)
        runs.generate(place / "day.csv", ["workload.requests=700", "arrivals.rate_rps=9"])
        config = place / "server.ini"
        config.write_text(CONFIG.format(trace=place / "day.csv"), encoding="utf-8")
        check_ends(place, config, 80, faults)
        check_ends(place, config, 37, faults)
        check_files(place, config, faults)
        check_notes(config, faults)
    for fault in faults:
        print(f"FAILED: {fault}")
    print(f"4 checks, {len(faults)} faults")
    sys.exit(1 if faults else 0)


main()
