#!/usr/bin/env python3
"""sweep and merge: what they refuse is said in one sentence and nothing is written; a full
disk loses nothing that was done."""

import os
import pty
import subprocess
import tempfile
import zlib

import broken
from broken import DONE, FAILED, LINEAR, SERVER, TRACE, USAGE, Case
from test_folders import disk

SEQS = "pool.main.max_num_seqs"
SHARD = ("--shard: '{}' is not I/N with I from 1 to N, N at most 1000000; number the tasks of "
         "an array from 1: sbatch --array=1-N")
STDIN = ("linear.ini: [workload] trace: '-' is standard input, which cannot be read once per "
         "point")


def sweep(*overs, config="linear.ini", more=(), output="new"):
    return ["sweep", config, *(word for over in overs for word in ("--over", over)),
            "-o", output, *more]


def identity(points=2, shard="1/1", over=f"{SEQS}=3,7"):
    return (f"servesim = 0.7.0\nconfiguration = {'0' * 64}\ntrace = {'1' * 64}\n"
            f"files = {'2' * 64}\nover = {over}\npoints = {points}\nshard = {shard}\n")


def row(text):
    return f"{text}\tcrc32={zlib.crc32(text.encode()):08x}\n"


def shards(**files):
    """Folders a and b, a whole sweep of two points; `files` changes some, '_' for '/'."""
    made = {"a/sweep.ini": identity(shard="1/2"), "b/sweep.ini": identity(shard="2/2"),
            "a/journal": row("0\tcompleted=3"), "b/journal": row("1\tcompleted=7"),
            "a/config.ini": LINEAR, "b/config.ini": LINEAR}
    return {**made, **{name.replace("__", "/").replace("_", "."): text
                       for name, text in files.items()}}


def merge(*more):
    return ["merge", "a", "b", "-o", "new", *more]


CASES = [
    Case("no_folder", ["sweep", "linear.ini", "--over", f"{SEQS}=3,7"],
         "sweep: -o DIR is missing: where the points go", code=USAGE),
    Case("nothing_varies", sweep(),
         "linear.ini: nothing varies: give --over section.key=v1,v2,... or a section [over]"),
    *(Case(f"shard_{text}", sweep(f"{SEQS}=3,7", more=["--shard", text]),
           SHARD.format(text), code=USAGE)
      for text in ("0/4", "5/4", "4", "1/", "x/4", "1/4x", "-1/4", "1/1000001", "")),
    Case("a_section_that_is_none", sweep("max_num_seqs=3,7"),
         "--over max_num_seqs=3,7: 'max_num_seqs' is not section.key"),
    Case("a_key_that_is_not_there", sweep("pool.main.max_num_seq=3,7"),
         "sweep: max_num_seq=3: -s pool.main.max_num_seq=3: [pool.main] unknown key "
         "'max_num_seq' (did you mean 'max_num_seqs'?)"),
    Case("too_many_points", sweep("run.seed=1..1001", f"{SEQS}=1..1000"),
         "--over: more than 1000000 variants"),
    Case("a_line_in_a_value", sweep(f"{SEQS}=3,7\n9"),
         f"--over {SEQS}=3,7?9: has a control character"),
    Case("a_base_that_is_not_there", sweep(f"{SEQS}=3,7", config="gone.ini"),
         "gone.ini: cannot be opened: No such file or directory"),
    Case("a_trace_that_is_not_there",
         sweep(f"{SEQS}=3,7", more=["-s", "workload.trace=gone.csv"]),
         "gone.csv: cannot be opened: No such file or directory"),
    Case("a_trace_with_a_bad_row", sweep(f"{SEQS}=3,7"),
         "day.csv:3: output_tokens: 'x' is not a positive integer",
         files={"day.csv": TRACE.replace("0.5,7,1", "0.5,7,x")}),
    Case("a_trace_of_other_bytes",
         sweep(f"{SEQS}=3,7", more=["-s", "workload.trace_sha256=" + "0" * 64]), None),
    Case("a_trace_on_standard_input",
         sweep(f"{SEQS}=3,7", more=["-s", "workload.trace=-"]), STDIN),
    Case("a_folder_that_is_none", sweep(f"{SEQS}=3,7"),
         "-o new: exists and is not a folder", files={"new": "x"}),
    Case("a_folder_without_a_sweep", sweep(f"{SEQS}=3,7"),
         "-o new: holds no sweep: there is no sweep.ini", files={"new/summary.csv": "x"}),
    Case("a_folder_of_other_things", sweep(f"{SEQS}=3,7", more=["--overwrite"]),
         "-o new: holds 'chapter.tex', which no results do: not overwritten",
         files={"new/journal": "", "new/chapter.tex": "x"}),
    Case("another_version", sweep(f"{SEQS}=3,7"),
         "-o new: holds another sweep: the version of servesim is '0.0.9' there and '0.7.0' "
         "here; --overwrite starts afresh",
         files={"new/sweep.ini": identity().replace("0.7.0", "0.0.9")}),
    Case("another_grid", sweep(f"{SEQS}=3,7,13"),
         f"-o new: holds another sweep: --over is '{SEQS}=3,7' there and '{SEQS}=3,7,13' "
         "here; --overwrite starts afresh", files={"new/sweep.ini": identity()}),
    Case("another_configuration", sweep(f"{SEQS}=3,7"),
         "-o new: holds another sweep: its configuration differs: [pool.main] "
         "'num_gpu_blocks = 4096' there and '4099' here; --overwrite starts afresh",
         files={"new/sweep.ini": identity(),
                "new/config.ini": LINEAR.replace("4099", "4096")}),
    Case("a_broken_identity", sweep(f"{SEQS}=3,7"),
         "-o new/sweep.ini: is broken: it must say servesim, points and shard",
         files={"new/sweep.ini": "servesim = 0.7.0\npoints = 2\nshard = 1\n"}),
    Case("merge_to_nowhere", ["merge", "a", "b"],
         "merge: -o OUT is missing: where the whole sweep goes", code=USAGE),
    Case("merge_of_what_is_not_there", merge(), "a: holds no sweep: there is no sweep.ini"),
    Case("merge_of_other_traces", merge(),
         "b: holds another sweep: its trace has other bytes",
         files=shards(b__sweep_ini=identity(shard="2/2").replace("1" * 64, "3" * 64))),
    Case("merge_of_other_configurations", merge(),
         "b: holds another sweep: its configuration differs",
         files=shards(b__sweep_ini=identity(shard="2/2").replace("0" * 64, "3" * 64))),
    Case("merge_without_a_point", merge(),
         "merge: 1 of 2 points are missing, of shards 2/2; --partial writes what is there",
         files=shards(b__journal=row("1\tcompleted=7")[:-1])),
    Case("merge_of_points_that_differ", merge(),
         "b/journal: point 0 was there already, with other values",
         files=shards(b__journal=row("0\tcompleted=7"))),
    Case("merge_of_a_line_that_is_none", merge(),
         "new.tmp.PID/journal: its line at byte 0 is none of ours",
         files=shards(a__journal=row("0\tcompleted"))),
    Case("merge_onto_what_is_there", merge(),
         "-o new: exists already; --overwrite replaces it",
         files={**shards(), "new/sweep.csv": "mine"}),
]


UNFIT = ("linear.ini: [pool.main]: tensor_parallel: 3 does not divide the 32 heads and 8 KV "
         "heads of llama-3.1-8b evenly")


def every_point_fails_faults():
    """The command says the first one's sentence; the rows are there, and so they stay."""
    with broken.work_folder() as folder:
        broken.make(folder, {**broken.FILES, "linear.ini": SERVER})
        for _ in range(2):
            code, _, stderr = broken.execute(
                sweep("pool.main.tensor_parallel=3,5", more=["-q"]), folder)
            expected = f"servesim: sweep: tensor_parallel=3: {UNFIT}\n"
            if (code, stderr.decode()) != (FAILED, expected):
                yield f"exit {code}: {stderr!r}"
        rows = (folder / "new/sweep.csv").read_text().splitlines()
        if rows[:2] != ["point,pool.main.tensor_parallel,error,pareto", f"0,3,{UNFIT},"]:
            yield f"the rows are {rows}"


def another_shard_faults():
    with broken.work_folder() as folder:
        broken.make(folder, broken.FILES)
        grid = [f"{SEQS}=3,7,13"]
        broken.execute(sweep(*grid, more=["--shard", "1/2"]), folder)
        before = broken.picture(folder)
        code, _, stderr = broken.execute(sweep(*grid, more=["--shard", "2/2"]), folder)
        expected = (b"servesim: -o new: holds shard 1/2 of this sweep, not 2/2: each shard has "
                    b"a folder of its own\n")
        if (code, stderr) != (FAILED, expected):
            yield f"exit {code}: {stderr!r}"
        yield from broken.left_faults(before, folder)


def full_disk_faults():
    """What was done is there when there is room again; None: no disk may be mounted."""
    grid = [f"{SEQS}=1..150"]
    with broken.work_folder() as folder:
        with disk(folder / "disk", "size=256k") as mounted:
            if mounted is None:
                return None
            broken.make(folder, broken.FILES)
            code, _, stderr = broken.execute(sweep(*grid, output="disk/new"), folder)
            faults = []
            if code != FAILED or b"cannot write: " not in stderr:
                faults.append(f"on a full disk: exit {code}: {stderr!r}")
            n = (mounted / "new/journal").read_bytes().count(b"\n")
            subprocess.run(["mount", "-o", "remount,size=64m", str(mounted)], check=True)
            code, stdout, stderr = broken.execute(sweep(*grid, output="disk/new"), folder)
            if code != DONE or f"resumed: {n} of 150 ".encode() not in stdout:
                faults.append(f"with room again: exit {code}: {stdout!r} {stderr!r}")
            broken.execute(sweep(*grid), folder)
            if not 0 < n < 150 or (mounted / "new/sweep.csv").read_bytes() != (
                    folder / "new/sweep.csv").read_bytes():
                faults.append(f"after {n} points it is not what it would have been")
            return faults


def progress_faults():
    """A terminal sees how far it is and when it ends; the line is wiped."""
    with broken.work_folder() as folder:
        broken.make(folder, broken.FILES)
        ours, theirs = pty.openpty()
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(
                [broken.SERVESIM, *sweep(f"{SEQS}=1..60", more=["-s", "workload.repeat=900",
                                                                "-j", "1"])],
                cwd=folder, stdout=out, stderr=theirs)
            os.close(theirs)
            said = b""
            try:
                while part := os.read(ours, 4096):
                    said += part
            except OSError: # the other side has closed
                pass
            process.wait()
        os.close(ours)
        if b"sweep: " not in said or b" of 60" not in said or not said.endswith(b"\r\x1b[K"):
            yield f"the terminal saw {said[:300]!r}"


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.add("every_point_fails", every_point_fails_faults())
    report.add("another_shard", another_shard_faults())
    faults = full_disk_faults()
    if faults is None:
        print("not tried, for no disk can be mounted: a sweep on a full disk")
    else:
        report.add("a_full_disk", faults)
    report.add("progress", progress_faults())
    report.end()


if __name__ == "__main__":
    main()
