#!/usr/bin/env python3
"""sweep and merge: sweep.csv has the same bytes for any number of threads, any shards, any
number of kills; a row is what a run of its own says; nothing is lost, twice or made up."""

import csv
import itertools
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
import zlib

import runs

CONFIG = runs.SERVER.replace("trace = -", "trace = {trace}")
KEYS = ["pool.main.policy", "pool.main.tensor_parallel", "workload.rate_rps"]
VALUES = [["vllm-v1", "sglang"], ["1", "3", "2"], ["2", "3.5", "5", "6.5", "8"]]
OVER = ["--over", "pool.main.policy=vllm-v1,sglang",
        "--over", "pool.main.tensor_parallel=1,3,2",
        "--over", "workload.rate_rps=2..8+1.5"]
POINTS = list(itertools.product(*VALUES))
N = len(POINTS)
MEASURES = [("output_throughput_per_gpu", -1), ("mean_tpot_ms", 1),
            ("usd_per_million_tokens", 1), ("joules_per_output_token", 1)]


def start(*arguments):
    return subprocess.Popen([runs.SERVESIM, *map(str, arguments)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def told(*arguments, code=0):
    """Standard output and standard error of a command that ends with that code."""
    process = start(*arguments)
    out, err = process.communicate(timeout=300)
    if process.returncode != code:
        sys.exit(f"FAILED: {arguments}: exit {process.returncode}: {err}")
    return out, err


def sweep(config, folder, *more, code=0):
    return told("sweep", config, *OVER, "-o", folder, *more, code=code)


def journal_points(folder):
    """The points of the whole lines of a journal."""
    points = []
    for line in (folder / "journal").read_bytes().split(b"\n")[:-1]:
        body, mark, checksum = line.rpartition(b"\tcrc32=")
        if mark and b"%08x" % zlib.crc32(body) == checksum:
            points.append(int(body.split(b"\t")[0]))
    return points


def rows_are_what_single_runs_say(place, config):
    rows = runs.read_table(place / "whole/sweep.csv")
    if [tuple(row[key] for key in KEYS) for row in rows] != POINTS:
        yield "the points are not the grid's, in its order"
    if [row["point"] for row in rows] != [str(i) for i in range(N)]:
        yield "the points are not numbered"
    for row in rows:
        values = [row[key] for key in KEYS]
        if values[1] == "3":
            want = ("server.ini: [pool.main]: tensor_parallel: 3 does not divide the 32 heads "
                    "and 8 KV heads of llama-3.1-8b evenly")
            if row["error"] != want or row["completed"] or row["pareto"]:
                yield f"point {row['point']} fits: {row['error']}"
        elif int(row["point"]) % 4 == 0:
            runs.run(config, place / f"single{row['point']}",
                     [f"{key}={value}" for key, value in zip(KEYS, values)])
            summary = runs.read_summary(place / f"single{row['point']}")
            per_gpu = float(summary["output_throughput"]) / int(values[1])
            if (row["gpus"], float(row["output_throughput_per_gpu"])) != (
                    values[1], float(f"{per_gpu:.6f}")):
                yield f"point {row['point']} has {row['gpus']} GPUs"
            if {name: row[name] for name in summary} != summary or row["error"]:
                yield f"point {row['point']} is not the run's"


def the_pareto_set_is_what_nobody_beats(place, _):
    rows = [row for row in runs.read_table(place / "whole/sweep.csv") if not row["error"]]
    values = [[sign * float(row[name]) for name, sign in MEASURES] for row in rows]
    n_best = 0
    for row, mine in zip(rows, values):
        beaten = any(other != mine and all(a <= b for a, b in zip(other, mine))
                     for other in values)
        n_best += not beaten
        if row["pareto"] != ("0" if beaten else "1"):
            yield f"point {row['point']} says {row['pareto']!r}"
    if not 0 < n_best < len(rows):
        yield f"{n_best} of {len(rows)} are the best: this proves nothing"


def same(place, one, other="whole"):
    if (place / one / "sweep.csv").read_bytes() != (place / other / "sweep.csv").read_bytes():
        yield f"{one}/sweep.csv differs from {other}'s"


def threads_change_no_byte(place, config):
    for threads in ("1", "2", "7"):
        sweep(config, place / f"threads{threads}", "-j", threads)
        yield from same(place, f"threads{threads}")


def shards_and_merge_change_no_byte(place, config):
    shards = []
    for i in (2, 3, 1): # in any order
        folder = place / f"shard{i}"
        sweep(config, folder, "--shard", f"{i}/3")
        if sorted(journal_points(folder)) != list(range(i - 1, N, 3)):
            yield f"shard {i} has {sorted(journal_points(folder))}"
        shards.append(folder)
    _, err = told("merge", *shards[:2], "-o", place / "merged", code=1)
    if "10 of 30 points are missing, of shards 1/3; --partial" not in err:
        yield f"a missing shard is told so: {err}"
    told("merge", *shards[:2], "-o", place / "merged", "--partial")
    if len(runs.read_table(place / "merged/sweep.csv")) != 20:
        yield "--partial did not write what was there"
    sweep(config, place / "merged") # goes on with it
    yield from same(place, "merged")
    told("merge", *shards, shards[1], place / "merged", "-o", place / "merged", "--overwrite")
    for name in ("sweep.csv", "sweep.ini", "config.ini"):
        if (place / "merged" / name).read_bytes() != (place / "whole" / name).read_bytes():
            yield f"{name} of merged shards differs"
    if sorted(journal_points(place / "merged")) != list(range(N)):
        yield "points that two folders have are there twice"


def a_killed_sweep_goes_on(place, config):
    """Ten times kill -9 at any moment, then to the end."""
    rng = random.Random(20231116)
    folder = place / "killed"
    before = []
    for i in range(10):
        process = start("sweep", config, *OVER, "-o", folder, "-j", "3")
        time.sleep(rng.uniform(0.005, 0.12))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if not folder.exists():
            continue
        points = journal_points(folder)
        if points[:len(before)] != before or len(set(points)) != len(points):
            yield f"kill {i}: {before} became {points}"
        before = points
        rows = list(csv.reader((folder / "sweep.csv").open(encoding="utf-8")))
        if any(len(row) != len(rows[0]) for row in rows):
            yield f"kill {i}: sweep.csv is not whole"
    out, _ = sweep(config, folder)
    if 0 < len(before) < N and f"resumed: {len(before)} of {N} points are there\n" not in out:
        yield f"{len(before)} points were there: {out}"
    yield from same(place, "killed")
    if sorted(journal_points(folder)) != list(range(N)):
        yield "a point is there twice, or not at all"


def a_torn_line_is_dropped(place, config):
    shutil.copytree(place / "whole", place / "torn")
    journal = place / "torn/journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"1", b"2", 1) # a checksum that is wrong
    journal.write_bytes(b"".join(lines[:-3]) + lines[-3][:-7])
    out, _ = sweep(config, place / "torn")
    if f"resumed: {N - 4} of {N} points" not in out or "dropped: 2 lines" not in out:
        yield f"it said {out}"
    yield from same(place, "torn")
    out, _ = sweep(config, place / "torn")
    if f"all {N} points are there: nothing to do" not in out:
        yield f"it is done, and said {out}"


def a_point_that_is_there_twice(place, config):
    """The same line again is fine; another line of that point is not."""
    shutil.copytree(place / "whole", place / "twice")
    journal = place / "twice/journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    line = next(line for line in lines if b"\tschema_version=1\t" in line)
    journal.write_bytes(b"".join(lines) + line)
    sweep(config, place / "twice")
    yield from same(place, "twice")
    body = line.rpartition(b"\tcrc32=")[0].replace(b"=1\t", b"=2\t", 1)
    point = body.split(b"\t")[0].decode()
    journal.write_bytes(b"".join(lines) + body + b"\tcrc32=%08x\n" % zlib.crc32(body))
    want = f"journal: point {point} was there already, with other values\n"
    for command in (["sweep", config, *OVER, "-o", place / "twice"],
                    ["merge", place / "whole", place / "twice", "-o", place / "never"]):
        _, err = told(*command, code=1)
        if not err.endswith(want):
            yield f"{command[0]} said {err}"
    if (place / "never").exists():
        yield "it was merged all the same"


def wait_for_points(folder, process, n_before=0):
    """Until the process has finished a point: then it has the folder, too."""
    while process.poll() is None:
        if (folder / "journal").exists() and len(journal_points(folder)) > n_before:
            return
        time.sleep(0.002)


def an_interrupted_sweep_says_how_to_go_on(place, config):
    folder = place / "interrupted"
    long = ["-s", "workload.repeat=40"]
    n = 0
    for number in (signal.SIGINT, signal.SIGTERM):
        process = start("sweep", config, *OVER, *long, "-o", folder, "-j", "2")
        wait_for_points(folder, process, n)
        second = subprocess.run([runs.SERVESIM, "sweep", config, *OVER, *long, "-o", folder],
                                check=False, text=True, stderr=subprocess.PIPE)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        n = len(journal_points(folder))
        want = (f"servesim: interrupted: {n} of {N} points are done; run the same command "
                "again to go on\n")
        if (process.returncode, err) != (1, want):
            yield f"{number.name}: exit {process.returncode}: {err}"
        if (second.returncode, second.stderr) != (
                1, f"servesim: -o {folder}: another servesim is at work on this sweep\n"):
            yield f"a second one: exit {second.returncode}: {second.stderr}"
        if len(runs.read_table(folder / "sweep.csv")) != n:
            yield f"{number.name}: sweep.csv has not the {n} points"


def over_of_the_file_is_over_of_the_line(place, config):
    file = place / "over.ini"
    lines = "".join(f"axis{i} = {text}\n" for i, text in enumerate(OVER[1::2]))
    file.write_text(pathlib.Path(config).read_text(encoding="utf-8") + "[over]\n" + lines,
                    encoding="utf-8")
    told("sweep", file, "-o", place / "section")
    (place / "section/sweep.csv").write_text(
        (place / "section/sweep.csv").read_text(encoding="utf-8").replace("over.ini",
                                                                         "server.ini"),
        encoding="utf-8")
    yield from same(place, "section")
    told("compare", file, "-s", "pool.main.max_num_seqs=17", "--over",
         "pool.main.policy=sglang,vllm-v1")


def the_configuration_can_be_swept_again(place, _):
    """config.ini says what varies, too."""
    told("sweep", place / "whole/config.ini", "-o", place / "again")
    path = place / "again/sweep.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("config.ini", "server.ini"),
                    encoding="utf-8")
    yield from without_policies(place, "again")


def without_policies(place, one):
    """config.ini has every key of its scheduler, which another policy's file does not
    change: only the rows of the policy that it names are the same."""
    rows, wanted = (runs.read_table(place / name / "sweep.csv") for name in (one, "whole"))
    half = N // 2
    for row, want in zip(rows[:half], wanted[:half]):
        if {**row, "pareto": ""} != {**want, "pareto": ""}:
            yield f"point {row['point']} is another"


TESTS = [rows_are_what_single_runs_say, the_pareto_set_is_what_nobody_beats,
         threads_change_no_byte, shards_and_merge_change_no_byte, a_killed_sweep_goes_on,
         a_torn_line_is_dropped, a_point_that_is_there_twice,
         an_interrupted_sweep_says_how_to_go_on, over_of_the_file_is_over_of_the_line,
         the_configuration_can_be_swept_again]


def main():
    failed = 0
    with runs.work_folder() as name:
        place = pathlib.Path(name)
        trace = runs.generate(place / "trace.csv", ["workload.requests=2011"])
        config = place / "server.ini"
        config.write_text(CONFIG.format(trace=trace), encoding="utf-8")
        sweep(config, place / "whole")
        for test in TESTS:
            faults = list(test(place, config))
            failed += bool(faults)
            for fault in faults[:5]:
                print(f"FAILED: {test.__name__}: {fault}")
    print(f"{len(TESTS) - failed} of {len(TESTS)} hold")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
