#!/usr/bin/env python3
"""folders: results and traces appear whole or not at all, where they were asked for, and
never over anything else.  The disks that are full or read-only are small ones that the test
mounts, which needs root.
"""

import contextlib
import os
import subprocess

import broken
from broken import DONE, FAILED, SPEC, TRACE, Case

FULL = "cannot write to standard output: No space left on device"


def run(output, *options, config="linear.ini"):
    return ["run", config, "-q", "-o", output, *options]


def gen(output, *options):
    return ["gen", "spec.ini", "-o", output, *options]


RESULTS = [
    Case("a_folder_that_exists", run("old"),
         "-o old: exists already; --overwrite replaces it", {"old/config.ini": "mine"}),
    Case("an_empty_folder_that_exists", run("old"),
         "-o old: exists already; --overwrite replaces it", {"old": None}),
    Case("a_folder_with_a_slash_behind_its_name", run("old//"),
         "-o old: exists already; --overwrite replaces it", {"old": None}),
    Case("the_folder_that_one_is_in", run("."),
         "-o .: exists already; --overwrite replaces it"),
    Case("a_file_in_the_way", run("day.csv"), "-o day.csv: exists and is not a folder"),
    Case("a_file_in_the_way_is_not_overwritten", run("day.csv", "--overwrite"),
         "-o day.csv: exists and is not a folder"),
    Case("a_folder_in_a_folder_that_is_not_there", run("gone/out"),
         "-o gone/out: cannot create gone/out.tmp.PID: No such file or directory"),
    Case("a_folder_below_a_file", run("day.csv/out"),
         "-o day.csv/out: cannot create day.csv/out.tmp.PID: Not a directory"),
    Case("a_path_of_400_bytes", run("d/" * 199 + "oo"),
         f"-o {'d/' * 199}oo: expected a path of 1 to 399 bytes", {"d/" * 199: None}),
    Case("an_empty_path", run(""), "-o : expected a path of 1 to 399 bytes"),
    Case("a_name_with_a_newline_is_shown_with_a_question_mark", run("two\nlines"),
         "-o two?lines: exists already; --overwrite replaces it", {"two\nlines": None}),
    Case("overwriting_a_folder_of_other_things", run("thesis", "--overwrite"),
         "-o thesis: holds 'figures', which no results do: not overwritten",
         {"thesis/config.ini": "mine", "thesis/figures/a.txt": "a"}),
    Case("overwriting_a_folder_without_results", run("thesis", "--overwrite"),
         "-o thesis: holds 'chapter.tex', which no results do: not overwritten",
         {"thesis/chapter.tex": "\\section{Results}"}),
    Case("overwriting_results_among_other_things", run("thesis", "--overwrite"),
         "-o thesis: holds 'chapter.tex', which no results do: not overwritten",
         {"thesis/config.ini": "mine", "thesis/summary.csv": "mine", "thesis/chapter.tex": "x"}),
    Case("a_run_that_fails_keeps_what_it_would_overwrite", run("old", "--overwrite"),
         "day.csv:3: output_tokens: 'x' is not a positive integer",
         {"old/config.ini": "mine", "day.csv": TRACE.replace("0.5,7,1", "0.5,7,x")}),
    Case("overwriting_an_empty_folder", run("old", "--overwrite"), "", {"old": None},
         DONE, leaves=("old",)),
    Case("overwriting_what_is_not_there", run("new", "--overwrite"), "", code=DONE,
         leaves=("new",)),
    Case("a_path_of_399_bytes", run("d/" * 199 + "o"), "", {"d/" * 199: None}, DONE,
         leaves=("d",)),
]

TRACES = [
    Case("a_spec_that_is_not_there", ["gen", "gone.ini", "-o", "new.csv"],
         "gone.ini: cannot be opened: No such file or directory"),
    Case("a_spec_that_is_a_folder", ["gen", "folder", "-o", "new.csv"],
         "folder: cannot be read: Is a directory", {"folder": None}),
    Case("a_spec_without_an_end", gen("new.csv"),
         "spec.ini: [workload] must give 'requests' or 'duration_s'",
         {"spec.ini": SPEC.replace("requests = 4099\n", "")}),
    Case("a_spec_with_an_unknown_key", gen("new.csv", "-s", "workload.request=7"),
         "-s workload.request=7: [workload] unknown key 'request' (did you mean "
         "'requests'?)"),
    Case("a_spec_with_an_unknown_section", gen("new.csv", "-s", "pool.main.replicas=7"),
         "-s pool.main.replicas=7: unknown section [pool.main] (expected one of workload, "
         "arrivals, modulation, prompt, output, client.NAME, sessions, agent, turns, followup, "
         "gap, prefix, prefix_tokens, reasoning, thinking)"),
    Case("a_spec_with_an_unknown_process", gen("new.csv", "-s", "arrivals.process=tidal"),
         None),
    Case("a_trace_in_a_folder_that_is_not_there", gen("gone/new.csv"),
         "gone/new.csv: cannot create: No such file or directory"),
    Case("a_gzip_trace_in_a_folder_that_is_not_there", gen("gone/new.csv.gz"),
         "gone/new.csv.gz: cannot create: No such file or directory"),
    Case("a_zstd_trace_in_a_folder_that_is_not_there", gen("gone/new.csv.zst"),
         "gone/new.csv.zst: cannot create: No such file or directory"),
    Case("a_trace_in_the_place_of_a_folder", gen("folder"), None, {"folder": None}),
    Case("a_trace_with_an_empty_path", gen(""), None),
    Case("a_trace_that_fails_keeps_the_one_before",
         gen("day.csv", "-s", "workload.duration_s=0.000001"),
         "spec.ini: no request arrives within duration_s"),
]


def overwrite_faults():
    """Old results become new ones, whole."""
    with broken.work_folder() as folder:
        broken.make(folder, {**broken.FILES, "short.csv": TRACE[:-10]})
        for output, trace in (("new", "day.csv"), ("old", "short.csv")):
            broken.execute(run(output, "-s", f"workload.trace={trace}"), folder)
        if broken.picture(folder / "new") == broken.picture(folder / "old"):
            yield "the results do not differ to begin with"
        code, _, stderr = broken.execute(run("old", "--overwrite"), folder)
        if (code, stderr) != (DONE, b""):
            yield f"exit {code}: {stderr!r}"
        if broken.picture(folder / "new") != broken.picture(folder / "old"):
            yield "old is not what new is"
        if list(folder.glob("*.tmp.*")):
            yield "a temporary folder was left behind"


@contextlib.contextmanager
def disk(folder, options):
    """A file system of its own at `folder`, or None where it may not be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    try:
        done = subprocess.run(command, check=False, capture_output=True)
    except OSError:
        yield None
        return
    if done.returncode != 0:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


FULL_DISK = [
    Case("results_on_a_full_disk", run("disk/out", "-s", "workload.trace=big.csv"),
         "disk/out.tmp.PID/requests.csv: cannot write: No space left on device"),
    Case("a_timeline_that_fills_the_disk",
         run("disk/out", "-s", "output.interval=0.0001"), None),
    Case("steps_that_fill_the_disk",
         run("disk/out", "-s", "output.steps=yes", "-s", "workload.repeat=40"), None),
    Case("a_trace_on_a_full_disk", gen("disk/new.csv"), None),
    Case("a_gzip_trace_on_a_full_disk", gen("disk/new.csv.gz", "-s",
                                            "workload.requests=20000"), None),
    Case("a_zstd_trace_on_a_full_disk", gen("disk/new.csv.zst", "-s",
                                            "workload.requests=20000"), None),
]
READ_ONLY = [
    Case("results_on_a_read_only_disk", run("disk/out"),
         "-o disk/out: cannot create disk/out.tmp.PID: Read-only file system"),
    Case("a_trace_on_a_read_only_disk", gen("disk/new.csv"),
         "disk/new.csv: cannot create: Read-only file system"),
]


def disk_faults(case, options):
    """The case's faults on a disk of that kind; None if none could be mounted."""
    with broken.work_folder() as folder:
        with disk(folder / "disk", options) as mounted:
            if mounted is None:
                return None
            big = "".join(f"{i}.0137,7,1\n" for i in range(4099))
            case.files["big.csv"] = broken.HEADER + big
            return list(broken.case_faults(case, folder))


def try_disks(report):
    for cases, options in ((FULL_DISK, "size=64k"), (READ_ONLY, "ro")):
        for case in cases:
            faults = disk_faults(case, options)
            if faults is None:
                print(f"skipped: {case.name}: no disk can be mounted here")
            else:
                report.add(case.name, faults)


def locked_faults():
    """A folder in which nobody may write; root may everywhere."""
    with broken.work_folder() as folder:
        broken.make(folder, {**broken.FILES, "locked": None})
        (folder / "locked").chmod(0o555)
        code, _, stderr = broken.execute(run("locked/out"), folder)
        said = broken.unnumbered(stderr.decode())
        if (code, said) != (FAILED, "servesim: -o locked/out: cannot create "
                            "locked/out.tmp.PID: Permission denied\n"):
            yield f"exit {code}: {said!r}"


def full_output_faults(arguments):
    """Standard output is a full disk."""
    with broken.work_folder() as folder, open("/dev/full", "wb") as full:
        broken.make(folder, broken.FILES)
        code, _, stderr = broken.execute(arguments, folder, stdout=full)
        if (code, stderr.decode()) != (FAILED, f"servesim: {FULL}\n"):
            yield f"exit {code}: {stderr!r}"


def main():
    report = broken.Report()
    report.add_cases(RESULTS + TRACES)
    report.add("old_results_are_overwritten_whole", overwrite_faults())
    try_disks(report)
    if os.geteuid() != 0:
        report.add("a_folder_that_is_not_writable", locked_faults())
    else:
        print("skipped: a_folder_that_is_not_writable: root may write everywhere")
    for arguments in (["list"], ["list", "keys"], ["list", "models"], ["--help"],
                      ["run", "--help"], ["--version"], ["check", "linear.ini"],
                      ["run", "linear.ini"]):
        report.add(f"{'_'.join(arguments)}_to_a_full_disk", full_output_faults(arguments))
    report.end()


if __name__ == "__main__":
    main()
