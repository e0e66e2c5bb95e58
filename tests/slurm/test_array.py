#!/usr/bin/env python3
"""array: a sweep as a job array of a real Slurm on this machine, by GNU parallel, by xargs.

The commands are those of analysis/slurm/README.md.  While the array runs, one task is
killed in the middle of its shard, one is told that its time is up, one is cancelled and one
is queued again.  Merging is refused until the first three have been submitted again, and
gives then, byte for byte, what a single machine gives without any shards.
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

import cluster

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVESIM = pathlib.Path(os.environ.get("SERVESIM", "build/dev/servesim")).resolve()
SCRIPT = "analysis/slurm/sweep.sh"
README = ROOT / "analysis/slurm/README.md"
MOST_S = 300
STEP_S = 120

N_SHARDS = 8
KILLED, REQUEUED, TOLD, CANCELLED = 3, 5, 6, 7
RATES = ["--over", "workload.rate_scale=0.5..4+0.5"]
GRID = ["--over", "pool.main.max_num_seqs=16..256*2", *RATES]
N_RATES = 8
N_GRID = 5 * N_RATES
POINT_S = 0.2
MERGE = "servesim merge out/shard-* -o out/all"
INTERRUPTED = r"^servesim: interrupted: (\d+) of 5 points are done; run the same command again"
RESUMED = r"^resumed: ({}) of 5 points are there$"
SPEC = ("[workload]\nrequests = 4099\nseed = 7\n[arrivals]\nprocess = poisson\n"
        "rate_rps = 21.7\n[prompt]\ndistribution = uniform\nmin = 128\nmax = 1920\n"
        "[output]\ndistribution = uniform\nmin = 16\nmax = 496\n")
CONFIG = ("[workload]\ntrace = day.csv\nrepeat = {repeat}\n[slo]\nttft_ms = 500\n"
          "[pool.main]\ncost = linear\nbase_us = 8137\nprefill_token_us = 25\n"
          "decode_seq_us = 30\nnum_gpu_blocks = 30000\n")


class Fault(Exception):
    """What is not as it should be."""


def expect(done, code, pattern=""):
    if done.returncode != code or not re.search(pattern, done.stdout):
        raise Fault(f"{done.args}: exit {done.returncode}, expected {code} and '{pattern}':\n"
                    f"{done.stdout}")
    return done.stdout


def wait(what, holds, pause_s=0.02):
    """Until `holds()` is true; returns what it is."""
    end = time.monotonic() + STEP_S
    while not (found := holds()):
        if time.monotonic() > end:
            raise Fault(f"not within {STEP_S} s: {what}")
        time.sleep(pause_s)
    return found


class World:
    """A folder with a configuration and a trace, and servesim on the PATH."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("SLURM_", "SBATCH_", "SERVESIM"))}
        self.environment["PATH"] = f"{folder / 'bin'}:{self.environment['PATH']}"
        (folder / "bin").mkdir()
        (folder / "bin/servesim").symlink_to(SERVESIM)
        (folder / "analysis").symlink_to(ROOT / "analysis")
        (folder / "spec.ini").write_text(SPEC)
        expect(self.run("servesim", "gen", "spec.ini", "-o", "day.csv"), 0)
        self.make_slow()

    def run(self, *words, variables=None):
        return subprocess.run([*map(str, words)], cwd=self.folder, text=True, check=False,
                              env={**self.environment, **(variables or {})}, timeout=STEP_S,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    def bash(self, text):
        return self.run("bash", "-euc", text)

    def make_slow(self):
        """As many repetitions of the trace as take some time, on any machine."""
        repeat = 1
        while True:
            (self.folder / "grid.ini").write_text(CONFIG.format(repeat=repeat))
            begin = time.monotonic()
            expect(self.run("servesim", "run", "grid.ini", "-q", "-o", f"run-{repeat}"), 0)
            if time.monotonic() - begin >= POINT_S:
                return
            repeat *= 2

    def single(self, name, grid):
        expect(self.run("servesim", "sweep", "grid.ini", *grid, "-j", 2, "-o", name), 0)

    def compare(self, name, expected, n_points):
        whole, found = (self.folder / each / "sweep.csv" for each in (expected, name))
        if whole.read_bytes() != found.read_bytes():
            raise Fault(f"{name} is not what a single machine gives:\n"
                        + self.run("diff", whole, found).stdout[:3000])
        if whole.read_text().count("\n") != n_points + 1:
            raise Fault(f"the sweep has not {n_points} points:\n{whole.read_text()}")


def block(*words):
    """The one block of commands in the README that has these words."""
    found = [text for text in re.findall(r"```bash\n(.*?)```", README.read_text(), re.S)
             if all(word in text for word in words)]
    if len(found) != 1:
        raise Fault(f"{README.name}: {len(found)} blocks with {words}")
    return found[0]


def n_done(shard):
    """How many points of a shard its journal has; each is a line that ends."""
    try:
        text = (shard / "journal").read_bytes()
    except FileNotFoundError:
        return 0
    return len(re.findall(rb"^\d+\t.*\n", text, re.M))


def find_sweep(task):
    """The process that computes a task's shard."""
    words = f"\0--shard\0{task}/{N_SHARDS}\0".encode()
    for pid in cluster.offspring():
        try:
            if words in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        except OSError:
            pass  # it ended meanwhile
    return None


class Array:
    """The job array of a sweep on a cluster, in a world."""

    def __init__(self, slurm, world):
        self.slurm, self.world = slurm, world
        world.environment["SLURM_CONF"] = slurm.environment["SLURM_CONF"]

    def submit(self, text):
        said = expect(self.world.bash(text), 0, r"^Submitted batch job \d+\n$")
        return said.split()[-1]

    def shard(self, task):
        return self.world.folder / f"out/shard-{task}"

    def log(self, job, task):
        path = self.world.folder / f"servesim-sweep-{job}_{task}.log"
        return path.read_text() if path.exists() else ""

    def tell(self, job, task, key):
        said = self.slurm.say("scontrol", "show", "job", f"{job}_{task}")
        return (re.search(rf"\b{key}=(\S+)", said) or ("", said))[1]

    def freeze(self, *tasks):
        """Stops the tasks' processes, each when some of its points are done and some are
        not.  Returns the processes and how many points they have done.
        """
        frozen = {}

        def advance():
            for task in set(tasks) - set(frozen):
                n = n_done(self.shard(task))
                if n >= 1 and (pid := find_sweep(task)) is not None:
                    os.kill(pid, signal.SIGSTOP)
                    frozen[task] = (pid, n_done(self.shard(task)))
                elif n == N_GRID // N_SHARDS:
                    raise Fault(f"shard {task} was finished before it could be stopped")
            return len(frozen) == len(tasks)

        wait(f"some points of tasks {tasks}", advance)
        for task, (_, n) in frozen.items():
            if not 1 <= n < N_GRID // N_SHARDS:
                raise Fault(f"shard {task} has {n} points when it is stopped")
            print(f"task {task} stopped after {n} of {N_GRID // N_SHARDS} points")
        return [frozen[task] for task in tasks]

    def expect_log(self, job, task, pattern):
        """The first group of what the task's log must have."""
        if not (found := re.search(pattern, self.log(job, task), re.M)):
            raise Fault(f"task {task} of job {job}: its log has not '{pattern}':\n"
                        f"{self.log(job, task)}")
        return found[1]

    def requeue(self, job, task):
        """As if its node had failed; without the two minutes that Slurm waits then.

        It has to wait some seconds, for slurmd takes what is no later, to the second, than
        the end of the first try for a part of that.
        """
        expect(self.slurm.call("scontrol", "requeue", f"{job}_{task}"), 0)
        wait("a task that waits", lambda: self.tell(job, task, "JobState") == "PENDING", 0.2)
        expect(self.slurm.call("scontrol", "update", f"job={job}_{task}",
                               "StartTime=now+3seconds"), 0)

    def wait_for_end(self, job, states):
        """Until no task runs; each must be in the state expected of it."""
        wait(f"the end of job {job}",
             lambda: not self.slurm.say("squeue", "-h", "-r", "-j", job).strip(), 0.2)
        for task, state in states.items():
            if (found := self.tell(job, task, "JobState")) != state:
                raise Fault(f"task {task} of job {job} is {found}, expected {state}: "
                            f"{self.log(job, task)}")


def check_array(slurm, world):
    array = Array(slurm, world)
    job = array.submit(block("--array=1-8"))
    [(killed, n_killed)] = array.freeze(KILLED)
    os.kill(killed, signal.SIGKILL)
    _, (told, _), _ = array.freeze(REQUEUED, TOLD, CANCELLED)
    expect(world.bash(block("squeue --me")), 0,
           rf"(?s){job}_{CANCELLED} .*\d out/shard-{KILLED}/sweep.csv\n")
    expect(slurm.call("scancel", f"{job}_{CANCELLED}"), 0)
    # What Slurm does shortly before the end of a task's time, by the script's --signal.
    expect(slurm.call("scancel", "--batch", "--signal=TERM", f"{job}_{TOLD}"), 0)
    os.kill(told, signal.SIGCONT)
    array.requeue(job, REQUEUED)
    array.wait_for_end(job, {**dict.fromkeys(range(1, N_SHARDS + 1), "COMPLETED"),
                             KILLED: "FAILED", TOLD: "FAILED", CANCELLED: "CANCELLED"})
    n_done_before = {KILLED: n_killed, **{task: array.expect_log(job, task, INTERRUPTED)
                                          for task in (REQUEUED, TOLD, CANCELLED)}}
    array.expect_log(job, REQUEUED, RESUMED.format(n_done_before.pop(REQUEUED)))
    check_merge_is_refused(world)

    again = array.submit(block(f"--array={KILLED},{TOLD},{CANCELLED} "))
    array.wait_for_end(again, dict.fromkeys(n_done_before, "COMPLETED"))
    for task, n in n_done_before.items():
        array.expect_log(again, task, RESUMED.format(n))
    expect(world.bash(MERGE), 0)
    world.compare("out/all", "grid", N_GRID)
    print("the three tasks submitted again and all merged: the same bytes")


def check_merge_is_refused(world):
    said = expect(world.bash(MERGE), 1)
    print(said.strip())
    if not re.fullmatch(rf"servesim: merge: \d+ of {N_GRID} points are missing, of shards "
                        rf"{KILLED}/{N_SHARDS}, {TOLD}/{N_SHARDS}, {CANCELLED}/{N_SHARDS}; .*\n",
                        said):
        raise Fault("that is not what a merge without three shards says")
    if (world.folder / "out/all").exists():
        raise Fault("the merge that was refused has left a folder")


def check_array_too_long(slurm, world):
    """No task computes anything where there are more of them than shards."""
    array = Array(slurm, world)
    job = array.submit(block("--array=1-8").replace("1-8", "1,9"))
    array.wait_for_end(job, {1: "FAILED", 9: "FAILED"})
    for task in (1, 9):
        if (said := array.log(job, task)) != ("sweep.sh: the array has a task 9, but there are "
                                              "8 shards: expected tasks from 1 to 8\n"):
            raise Fault(f"task {task} of an array that is too long: {said}")


def check_refusals(world):
    usage = f"usage: sbatch --array=1-N {SCRIPT} N CONFIG OUT [--over KEY=VALUES]..."
    number = f"is not a number of shards: expected N, as in --array=1-N; {usage}"
    task = {"SLURM_ARRAY_TASK_ID": "3"}
    for words, variables, says in (
            ([], {}, usage),
            (["grid.ini", "out", *GRID], task, f"'grid.ini' {number}"),
            (["0", "grid.ini", "out", *GRID], task, f"'0' {number}"),
            (["7", "grid.ini", "out", *GRID], {},
             "this is no task of a job array: submit it with sbatch --array=1-7"),
            (["7", "grid.ini", "out", *GRID], {**task, "SERVESIM": "gone/servesim"},
             "no program 'gone/servesim': put servesim on PATH or its path into SERVESIM")):
        said = expect(world.run("bash", SCRIPT, *words, variables=variables), 2)
        if said != f"sweep.sh: {says}\n":
            raise Fault(f"{SCRIPT} {' '.join(words)}: {said}")


def check_lists(world):
    """GNU parallel and xargs."""
    world.single("rates", RATES)
    for program in ("parallel", "xargs"):
        if world.run("which", program).returncode != 0:
            print(f"skipped: no {program}")
            continue
        expect(world.bash(block(f"{program} ")), 0)
        world.compare("out/all", "rates", N_RATES)
        (world.folder / "out").rename(world.folder / program)
        print(f"{program}: the same bytes")


def check(folder):
    world = World(folder)
    check_refusals(world)
    check_lists(world)
    world.single("grid", GRID)
    if MERGE + "\n" not in README.read_text():
        raise Fault(f"{README.name} does not merge as this test does: {MERGE}")
    with cluster.Cluster() as slurm:
        check_array(slurm, world)
        check_array_too_long(slurm, world)


def main():
    cluster.tidy_up_whatever_happens()
    signal.alarm(MOST_S)
    with tempfile.TemporaryDirectory(prefix="servesim-array-") as name:
        try:
            check(pathlib.Path(name))
        except cluster.CannotStart as error:
            print(f"skipped: {error}")
            sys.exit(SKIPPED)
        except Fault as fault:
            print(f"FAILED: {fault}")
            sys.exit(1)
        finally:
            cluster.end_offspring()


if __name__ == "__main__":
    main()
