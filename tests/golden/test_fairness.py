#!/usr/bin/env python3
"""fairness: a tenant is there from the moment it asks, front ends included."""

import csv
import os
import pathlib
import subprocess
import sys
import tempfile

CONFIG = """[workload]
trace = two.csv
[pool.main]
cost = linear
base_us = 1000
num_gpu_blocks = 137
max_num_seqs = 1
frontend_ms = 100
"""


def main():
    program = pathlib.Path(os.environ["SERVESIM"]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "two.csv").write_text("arrival_s,prompt_tokens,output_tokens,tenant\n"
                                      "0.0137,10,1,a\n0.0137,10,1,b\n", encoding="utf-8")
        (root / "two.ini").write_text(CONFIG, encoding="utf-8")
        subprocess.run([program, "run", "two.ini", "-q", "-o", "out"], cwd=root, check=True)
        with open(root / "out/summary.csv", encoding="utf-8", newline="") as file:
            found = {row["metric"]: row["value"] for row in csv.DictReader(file)}
    a, b = 12 / 101, 12 / 102  # service over milliseconds: b waits for a's step
    wanted = f"{(a + b) ** 2 / (2 * (a * a + b * b)):.6f}"
    if found["jain_fairness"] != wanted:
        sys.exit(f"jain_fairness is {found['jain_fairness']}, not {wanted}")
    print("1 checked")


if __name__ == "__main__":
    main()
