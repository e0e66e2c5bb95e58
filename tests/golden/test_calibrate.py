#!/usr/bin/env python3
"""calibrate: an engine file is the same however it was made, and a pool can name it."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

SERVESIM = str(pathlib.Path(os.environ.get("SERVESIM", "build/dev/servesim")).resolve())
HEADER = "model,system,backend,backend_version,prec,isl,osl,conc,tp,ttft_ms,tpot_ms\n"
ROWS = [f"{model},{system},vllm,0.17.0,bf16,{isl},73,{conc},{tp},{ttft},{tpot}\n"
        for model, tp, each in (("llama-3.1-8b", 1, 1), ("llama-3.1-70b", 4, 2.7))
        for system in ("h100_sxm", "h200_sxm")
        for isl, ttft, tpot in ((211, 21 * each, 8.3 * each), (3001, 97 * each, 8.9 * each))
        for conc in (1, 7)]
SERVER = ("[workload]\ntrace = day.csv\n[pool.main]\naccelerator = h100-sxm\n"
          "model = llama-3.1-8b\nengine = ./fitted.ini\npolicy = vllm-v1\n")
DAY = "arrival_s,prompt_tokens,output_tokens\n0.0137,100,20\n"


def servesim(folder, *arguments):
    done = subprocess.run([SERVESIM, *arguments], cwd=folder, check=False,
                          capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def fit(folder, name, *more):
    code, printed, said = servesim(folder, "calibrate", "m.csv", "-o", name, "--fit",
                                   "memory_efficiency,layer_overhead_us", *more)
    if code != 0 or said != "":
        return printed, [f"calibrate: exit {code}: {said}"]
    return printed, []


def the_number_of_threads_changes_no_byte(folder):
    first, faults = fit(folder, "one.ini", "--threads", "1")
    second, more = fit(folder, "five.ini", "--threads", "5")
    faults += more
    if first != second:
        faults.append("1 and 5 threads print different tables")
    if (folder / "one.ini").read_bytes() != (folder / "five.ini").read_bytes():
        faults.append("1 and 5 threads write different files")
    return faults


def a_pool_that_names_the_file_has_its_constants(folder):
    printed, faults = fit(folder, "fitted.ini")
    code, effective, said = servesim(folder, "check", "server.ini")
    if code != 0:
        return faults + [f"check: exit {code}: {said}"]
    for key in ("memory_efficiency", "layer_overhead_us"):
        value = re.search(rf"^{key} +\S+ +(\S+)", printed, re.M).group(1)
        if f"\n{key} = {value}\n" not in effective:
            faults.append(f"{key}: {value} was printed, the pool has something else")
    return faults


def the_comments_say_where_it_comes_from(folder):
    printed, faults = fit(folder, "fitted.ini")
    text = (folder / "fitted.ini").read_text()
    digest = subprocess.run(["sha256sum", "m.csv"], cwd=folder, check=True,
                            capture_output=True, text=True).stdout.split()[0]
    table = printed.split("\n\n", 1)[1]
    comments = "\n".join(line[2:] for line in text.splitlines() if line.startswith("; "))
    wanted = {"the command": "servesim calibrate m.csv --fit", "the hash": digest,
              "the rows": "16 of 16 rows, 4 deployments",
              "the constants": table.split("\n\n")[0], "the errors": table.split("\n\n")[1].strip()}
    return faults + [f"{what} is missing in its comments" for what, part in wanted.items()
                     if part not in comments]


def without_rows_held_out_it_claims_no_more_than_its_preset(folder):
    said, faults = fit(folder, "fitted.ini", "--hold-out", "backend")
    text = (folder / "fitted.ini").read_text()
    for key, least in (("tpot_sd", 0.14), ("ttft_sd", 0.4)):
        if float(re.search(rf"^{key} = (\S+)", text, re.M).group(1)) < least:
            faults.append(f"{key} is less than the preset's")
    if "nothing was held out, all rows are of one backend: expect" not in said:
        faults.append(f"it does not say why nothing was held out: {said}")
    return faults


TESTS = [without_rows_held_out_it_claims_no_more_than_its_preset, the_number_of_threads_changes_no_byte, a_pool_that_names_the_file_has_its_constants,
         the_comments_say_where_it_comes_from]


def main():
    n_failed = 0
    for test in TESTS:
        with tempfile.TemporaryDirectory(prefix="servesim-test-") as name:
            folder = pathlib.Path(name)
            (folder / "m.csv").write_text(HEADER + "".join(ROWS))
            (folder / "server.ini").write_text(SERVER)
            (folder / "day.csv").write_text(DAY)
            faults = test(folder)
        n_failed += bool(faults)
        for fault in faults:
            print(f"FAILED: {test.__name__}: {fault}")
    print(f"{len(TESTS)} tests, {n_failed} failed")
    sys.exit(1 if n_failed else 0)


main()
