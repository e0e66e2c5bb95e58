#!/usr/bin/env python3
"""gen_memory: a generated trace takes no more memory the longer it is, and begins the same."""

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

SERVESIM = pathlib.Path(os.environ.get("SERVESIM", "build/dev/servesim")).resolve()
LENGTHS = ("[prompt]\ndistribution = quantiles\nquantiles = 0:12, 0.5:300, 1:4000\n"
           "[output]\ndistribution = gamma_mix\nw = 0.3, 0.7\nshape = 0.6, 40\nscale = 137, 25\n")
WINDOW = "{},0.37,3,Weibull,1,1\n"
SPECS = {
    "profile": "process = gamma\ncv = 2\nrate_rps = 41\n[modulation]\nperiod_s = 1h\n"
               "profile = 0:1, 20min:7, 40min:2\nramp_factor = 3\nramp_s = 1000\n"
               "spike_every_s = 60\n",
    "mmpp": "process = mmpp\nstates = 7:62s, 400:1s, 0:5s\nswitching = uniform\n",
    "clients": "process = servegen\nclients = .\n",
}
SHORT, LONG = 50_000, 600_000
MOST_MORE_KB = 3_000  # tables of lengths fill as they are asked; 6 bytes a row


def generate(folder, name, n):
    """(most resident kB, the sha256 of the first SHORT rows)"""
    out = folder / f"{name}-{n}.csv"
    with open(folder / "time.txt", "w+", encoding="utf-8") as report:
        process = subprocess.Popen([SERVESIM, "gen", f"{name}.ini", "-s",
                                    f"workload.requests={n}", "-o", out.name],
                                   cwd=folder, stderr=report)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError((folder / "time.txt").read_text())
    with open(out, "rb") as file:
        head = b"".join(next(file) for _ in range(SHORT + 1))
    return usage.ru_maxrss, hashlib.sha256(head).hexdigest()


def main():
    faults = []
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        for i in range(300):
            (folder / f"chunk-{i}-trace.csv").write_text(
                "".join(WINDOW.format(600 * window) for window in range(40)))
        for name, arrivals in SPECS.items():
            (folder / f"{name}.ini").write_text(
                f"[workload]\nrequests = {SHORT}\n[arrivals]\n{arrivals}{LENGTHS}")
            short_kb, short_head = generate(folder, name, SHORT)
            long_kb, long_head = generate(folder, name, LONG)
            if long_kb > short_kb + MOST_MORE_KB:
                faults.append(f"{name}: {long_kb} kB for {LONG} requests, {short_kb} kB for {SHORT}")
            if short_head != long_head:
                faults.append(f"{name}: a longer trace begins otherwise")
    print(*faults, sep="\n")
    return 1 if faults else 0


sys.exit(main())
