#!/usr/bin/env python3
"""roofline: the reference tables hold the figures that errata and physics give, and the
columns of `servesim roofline` agree with each other."""

import csv
import os
import pathlib
import re
import subprocess
import tempfile

SERVESIM = os.environ.get("SERVESIM", "build/dev/servesim")
CONFIG = "configs/examples/azure-code-h100.ini"

# table, row: physics, and by the text's convention where it counts otherwise
FIGURES = {
    ("generations", "H100 ridge"): (295.34, 590.7),
    ("generations", "TPU v5e ridge"): (240.24, None),
    ("critical-batch", "v5e INT8, D = F = 4096"): (136.09, None),
    ("critical-batch", "v5e INT8, D = F = 1024"): (226.31, None),
    ("critical-batch", "A100 exact, D = F = 4096"): (168.86, None),
    ("critical-batch", "v5e BF16, 4096 x 11008"): (261.27, 130.6),
    ("utilisation", "H100"): (0.3386, 0.08465),
    ("utilisation", "7B, H100, batch 1: step"): (4.179, 8.358),
    ("kv-cache", "Llama-3-70B, 4,096 tokens"): (1.342, 10.74),
    ("kv-cache", "8B, any batch, 4,096 tokens"): (33.80, None),
    ("crossover", "H200 and H100, $3.50 and $2.50"): (210.96, 843.8),
    ("moe", "8 experts, 2 active, batch 4"): (5.469, None),
    ("moe", "256 experts, 8 active, batch 64"): (222.44, None),
    ("attention", "the same of time on H100, n = 591"): (5.614, None),
    ("speculative", "acceptance 0.7, 4 drafts"): (2.7731, None),
    ("parallel", "pipeline, 24 layers, 20 stages"): (12, 16.36),
    ("parallel", "Amdahl, 95 % parallel, 20 devices"): (10.256, None),
    ("parallel", "ring all-reduce, D = 8192, 8 GPUs"): (585.14, None),
    ("energy", "savings compounded"): (0.78312, None),
    ("precision", "their sum; the budget is 16"): (16, 16.5),
    ("power", "the same, cooling 0.9"): (540, None),
    ("bandwidth", "after over before"): (3.7852, None),
    ("replicas", "20 streams of 7B at 50 tokens/s"): (700, 14000),
}


def program(*arguments):
    return subprocess.run([SERVESIM, "roofline", *arguments], stdout=subprocess.PIPE,
                          text=True, check=True).stdout


def near(value, expected, relative=1e-3):
    return abs(float(value) - expected) <= relative * abs(expected)


def check_tables(faults):
    names = [line.split()[0] for line in program("--table", "list").splitlines()]
    rows = {}
    for name in names:
        for line in program("--table", name).splitlines()[2:]:
            rows[name, line[:40].strip()] = line[40:].split()
    for key, (physics, other) in FIGURES.items():
        words = rows.get(key, ["nan", "nan"])
        if not near(words[0], physics) or (other is not None and not near(words[1], other)):
            faults.append(f"{key}: {words}, expected {physics} and {other}")
    return len(rows)


def check_row(row, faults):
    number = {name: float(value) for name, value in row.items()
              if re.fullmatch(r"[-+0-9.e]+", value)}
    kernel = number["effective_gb_per_s"] + sum(
        number[f"lost_to_{what}_gb_per_s"] for what in ("compute", "network", "overhead"))
    wrong = [what for what, holds in {
        "order": number["step_ms"] <= number["operation_ms"] <= number["sum_ms"],
        "price": near(number["usd_per_mtok"] * number["tokens_per_usd"], 1e6),
        "user": near(number["user_tokens_per_s"] * number["batch"], number["tokens_per_s"]),
        "time": near(number["user_tokens_per_s"] * number["operation_ms"], 1e3),
        "bandwidth": near(kernel, number["kernel_gb_per_s"]),
        "mbu": near(number["mbu_percent"] / 100 * number["peak_gb_per_s"],
                    number["effective_gb_per_s"]),
        "ridge": near(number["mfu_percent"] / number["mbu_percent"],
                      number["flop_per_byte"] / (989.4 / 3.35)),
        "doubling": 1 <= number["time_ratio_at_2x"] <= 2,
        "label": (row["throughput_at_2x"] == "doubles") == (
            2 / number["time_ratio_at_2x"] > 1.75),
    }.items() if not holds]
    if wrong:
        faults.append(f"batch {row['batch']}, context {row['context']}: {wrong}")


def check_files(faults):
    """Every row of decode.csv; writing twice gives the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        contents = []
        for name in ("one", "two"):
            path = pathlib.Path(folder) / name
            if program(CONFIG, "-q", "-o", str(path)) != "":
                faults.append("-q prints")
            contents.append({file.name: file.read_bytes() for file in path.iterdir()})
        if contents[0] != contents[1]:
            faults.append("two runs write different bytes")
        if sorted(contents[0]) != ["critical.csv", "decode.csv", "machine.csv",
                                   "prefill.csv"]:
            faults.append(f"files: {sorted(contents[0])}")
        rows = list(csv.DictReader(contents[0]["decode.csv"].decode().splitlines()))
    for row in rows:
        check_row(row, faults)
    if len(rows) != 30 or {row["regime"] for row in rows} != {
            "weight-bound", "KV-bound", "compute-bound"}:
        faults.append(f"{len(rows)} rows of {sorted({row['regime'] for row in rows})}")
    return len(rows)


def dearer_h200(folder):
    """An H200 at 1.378 times the H100's price, for 1.433 times its bandwidth."""
    price = 1.378 * price_of_an_h100()
    text = pathlib.Path("configs/accelerators/h200-sxm.ini").read_text(encoding="utf-8")
    path = pathlib.Path(folder) / "dear.ini"
    path.write_text(re.sub(r"usd_per_hour = [0-9.]+", f"usd_per_hour = {price:.6f}", text),
                    encoding="utf-8")
    return str(path)


def price_of_an_h100():
    text = pathlib.Path("configs/accelerators/h100-sxm.ini").read_text(encoding="utf-8")
    return float(re.search(r"usd_per_hour = ([0-9.]+)", text)[1])


def check_crossover(faults):
    """At the batch that is told, both accelerators give as many tokens per dollar."""
    with tempfile.TemporaryDirectory() as folder:
        common = (CONFIG, "-q", "--against", dearer_h200(folder), "--context", "1,337",
                  "-s", "pool.main.engine=ideal")
        told = program(*common)
        weights = float(re.search(r"weights alone: batch ([0-9.]+)", told)[1])
        if not near(weights, 989.4 / 3.35 / 1.378, 1e-3):
            faults.append(f"weights alone: {weights}")
        for context in (1, 337):
            batch = float(re.search(rf"at context {context}: batch ([0-9.]+)", told)[1])
            near_it = program(*common, "--batch", f"{int(batch)},{int(batch) + 1}")
            ratios = [float(line.split()[-1]) for line in near_it.splitlines()
                      if re.match(rf" +[0-9]+ +{context} ", line)]
            if len(ratios) != 2 or not min(ratios) <= 1.0005 or not max(ratios) >= 0.9995:
                faults.append(f"tokens per dollar at batch {batch}: {ratios}")


def main():
    faults = []
    n = check_tables(faults) + check_files(faults)
    check_crossover(faults)
    for fault in faults:
        print(f"FAILED: {fault}")
    print(f"{n} rows checked, {len(faults)} failed")
    raise SystemExit(1 if faults else 0)


main()
