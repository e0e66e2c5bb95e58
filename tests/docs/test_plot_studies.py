#!/usr/bin/env python3
"""plot_studies: small runs of the two studies are drawn; what cannot be is told."""

import pathlib
import subprocess
import sys
import tempfile

import world

SCRIPT = world.ROOT / "analysis/plot_studies.py"
STUDIES = world.ROOT / "configs/studies"


def study(command, name, out, *words):
    subprocess.run([world.SERVESIM, command, STUDIES / name, "-o", out, "-q", *words],
                   check=True, cwd=world.ROOT, stdout=subprocess.DEVNULL)


def draw(kind, folder, out):
    return subprocess.run([sys.executable, SCRIPT, kind, folder, "-o", out],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


def pictures(place, faults):
    over = ("--over", "pool.main.accelerator=h100-sxm,p100-sxm2", "--over",
            "pool.main.weight_precision=bf16,fp8", "--over", "pool.main.model=llama-3.1-8b",
            "--over", "workload.generator+slo.ttft_ms+slo.tpot_ms="
            "configs/workloads/azure-conv-2023.ini:500:50",
            "-s", "capacity.best_of=", "-s", "study.requests=137", "-s", "study.draws=1")
    study("capacity", "gpu-generations.ini", place / "gpus", *over)
    study("sweep", "policies-at-load.ini", place / "load", "-s", "workload.limit=137",
          "-s", "workload.count_from=0", "-s", "workload.count_to=0",
          "--over", "pool.main.policy=static,vllm-v1", "--over", "workload.rate_rps=1,7")
    for kind, folder in (("generations", "gpus"), ("policies", "load")):
        out = place / f"{kind}.svg"
        done = draw(kind, place / folder, out)
        if done.returncode != 0 or done.stderr or done.stdout:
            faults.append(f"{kind}: exit {done.returncode}: {done.stdout}{done.stderr}")
        elif out.read_text(encoding="utf-8").count("<path") < 50:
            faults.append(f"{kind}: nothing is drawn")


def refusals(place, faults):
    (place / "none").mkdir()
    (place / "none/sweep.csv").write_text("point,error\n", encoding="utf-8")
    for kind, folder, word in (("generations", "none", "capacity.csv"),
                               ("policies", "none", "no column pool.main.policy"),
                               ("policies", "nowhere", "sweep.csv")):
        done = draw(kind, place / folder, place / "x.png")
        if done.returncode != 1 or word not in done.stderr or "Traceback" in done.stderr:
            faults.append(f"{kind} {folder}: exit {done.returncode}: {done.stderr}")


def main():
    faults = []
    with tempfile.TemporaryDirectory(prefix="servesim-plot-") as folder:
        pictures(pathlib.Path(folder), faults)
        refusals(pathlib.Path(folder), faults)
    world.finish(faults, 5)


if __name__ == "__main__":
    main()
