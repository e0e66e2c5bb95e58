"""broken: what the tests of bad input share: a case, how it runs, what must be true after.

Every case runs the program in an empty folder of its own, so no message holds a path of
this machine.  A refusal is one sentence of printable ASCII on standard error, nothing on
standard output, an exit code, and a folder that is byte for byte what it was: no result,
no DIR.tmp.*, no half of a file.
"""

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SERVESIM = str(pathlib.Path(os.environ.get("SERVESIM", "build/dev/servesim")).resolve())
MOST_S = 10

HEADER = "arrival_s,prompt_tokens,output_tokens\n"
AZURE_HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
TRACE = HEADER + "0.0137,100,20\n0.5,7,1\n1.25,300,33\n"
POOL = "[pool.main]\ncost = linear\nbase_us = 1000\nnum_gpu_blocks = 4099\n"
LINEAR = "[workload]\ntrace = day.csv\n" + POOL
SERVER = ("[workload]\ntrace = day.csv\n[pool.main]\naccelerator = h100-sxm\n"
          "model = llama-3.1-8b\nengine = vllm\npolicy = vllm-v1\n")
SPEC = ("[workload]\nrequests = 4099\n[arrivals]\nprocess = poisson\nrate_rps = 4.3\n"
        "[prompt]\ndistribution = uniform\nmin = 128\nmax = 1920\n"
        "[output]\ndistribution = uniform\nmin = 16\nmax = 496\n")
FILES = {"linear.ini": LINEAR, "server.ini": SERVER, "spec.ini": SPEC, "day.csv": TRACE}

DONE, FAILED, USAGE = 0, 1, 2


class Case:
    """What to run, in which folder, and what the program must say.

    `says` is all of standard error without "servesim: " and the newline; None where only
    the form of the sentence counts.  `files` are added to FILES; a value of None is a
    folder.  `leaves` are the names that may be new in the folder afterwards.
    """

    def __init__(self, name, arguments, says, files=None, code=FAILED, stdin=b"",
                 leaves=()):
        self.name, self.arguments, self.says = name, list(arguments), says
        self.files = {**FILES, **(files or {})}
        self.code, self.stdin, self.leaves = code, stdin, set(leaves)


def make(folder, files):
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def picture(folder):
    """Everything under the folder: its name and its bytes, a link's target, a kind."""
    seen = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            seen[name] = os.readlink(path)
        else:
            seen[name] = path.read_bytes() if path.is_file() else path.stat().st_mode
    return seen


def execute(arguments, folder, stdin=b"", stdout=subprocess.PIPE):
    """(exit code, standard output, standard error); a hang is the exit code "hangs"."""
    try:
        done = subprocess.run([SERVESIM, *arguments], cwd=folder, input=stdin, check=False,
                              stdout=stdout, stderr=subprocess.PIPE, timeout=MOST_S)
    except subprocess.TimeoutExpired:
        return "hangs", b"", b""
    return done.returncode, done.stdout or b"", done.stderr


def unnumbered(text):
    """The text without the number of the process in temporary names."""
    return re.sub(r"\.tmp\.[0-9]+", ".tmp.PID", text)


def sentence_faults(stderr):
    """What is not a single sentence of the program: a crash says something else."""
    if not re.fullmatch(rb"servesim: [ -~]+\n", stderr):
        yield f"this is not one printable sentence: {stderr[:300]!r}"


def case_faults(case, folder):
    make(folder, case.files)
    before = picture(folder)
    code, stdout, stderr = execute(case.arguments, folder, case.stdin)
    if code != case.code:
        yield f"exit {code} instead of {case.code}: {stderr[:300]!r}"
        return
    if stdout != b"" and code != DONE:
        yield f"on standard output: {stdout[:200]!r}"
    if case.says is None:
        yield from sentence_faults(stderr)
    else:
        said = unnumbered(stderr.decode("utf-8", "replace"))
        expected = f"servesim: {case.says}\n" if case.says else ""
        if said != expected:
            yield f"it said      {said!r}\n    instead of  {expected!r}"
    yield from left_faults(before, folder, case.leaves)


def left_faults(before, folder, leaves=()):
    """What differs from the picture taken before, but for the names that may be new."""
    after = {name: content for name, content in picture(folder).items()
             if name.split("/")[0] not in leaves}
    expected = {name: content for name, content in before.items()
                if name.split("/")[0] not in leaves}
    for name in sorted(after.keys() | expected.keys()):
        if after.get(name) != expected.get(name):
            what = ("is gone" if name not in after else
                    "was left behind" if name not in expected else "was changed")
            yield f"{name} {what}"
    for name in sorted(leaves):
        if not (folder / name).exists():
            yield f"{name} is not there"


@contextlib.contextmanager
def work_folder():
    """A temporary folder that goes when the case ends."""
    with tempfile.TemporaryDirectory(prefix="servesim-test-") as name:
        yield pathlib.Path(name)


class Report:
    """Counts the cases and names those that failed."""

    def __init__(self):
        self.n_cases = self.n_failed = 0

    def add(self, name, faults):
        faults = list(faults)
        self.n_cases += 1
        self.n_failed += bool(faults)
        if faults:
            print(f"FAILED: {name}")
            for fault in faults[:5]:
                print(f"  {fault}")

    def add_cases(self, cases):
        names = [case.name for case in cases]
        for name in {name for name in names if names.count(name) > 1}:
            self.add(name, ["two cases have this name"])
        for case in cases:
            with work_folder() as folder:
                self.add(case.name, case_faults(case, folder))

    def end(self):
        print(f"{self.n_cases} cases, {self.n_failed} failed")
        sys.exit(1 if self.n_failed else 0)
