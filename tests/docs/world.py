"""world: a copy of what a reader of the documentation has before him, to run commands in.

The copy has configs/, traces/ and analysis/, and `servesim` on the PATH and as
build/release/servesim is the program under test. What would build or install is
replaced by nothing, so that configs/examples/demo.sh runs as it is.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVESIM = pathlib.Path(os.environ.get("SERVESIM", "build/dev/servesim")).resolve()
SHARED = ROOT.parent / "shared"
AZURE = SHARED / "traces/azure2023"
MOONCAKE = SHARED / "traces/mooncake"
VALIDATION = SHARED / "validation"
PLOT = "analysis/plot.py"


class World:
    """Use it in a `with`; `run` runs a bash command in it."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="servesim-docs-")
        self.folder = pathlib.Path(self.temporary.name) / "main"

    def __enter__(self):
        top = self.folder.parent
        for name in ("configs", "traces", "analysis"):
            shutil.copytree(ROOT / name, self.folder / name,
                            ignore=shutil.ignore_patterns("original", "__pycache__"))
        (self.folder / "build/release").mkdir(parents=True)
        (self.folder / "build/release/servesim").symlink_to(SERVESIM)
        (self.folder / "tests/support").mkdir(parents=True)
        (self.folder / "tests/support/packages.sh").write_text("", encoding="utf-8")
        (top / "bin").mkdir()
        (top / "bin/servesim").symlink_to(SERVESIM)
        (top / "bin/cmake").symlink_to("/bin/true")
        if SHARED.is_dir():
            (top / "shared").symlink_to(SHARED)
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def run(self, command):
        """The exit status and the lines, standard error included, without trailing blanks."""
        environment = dict(os.environ, PATH=f"{self.folder.parent}/bin:{os.environ['PATH']}")
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, timeout=600)
        return done.returncode, [line.rstrip() for line in done.stdout.splitlines()]


class Block:
    """A fenced block: its language, its lines, and where in the file they begin."""

    def __init__(self, language, lines, start):
        self.language, self.lines, self.start = language, lines, start

    def commands(self):
        """[command, expected lines] of a console block; \\ goes on in the next line."""
        found = []
        for line in self.lines:
            if line.startswith("$ "):
                found.append([line[2:], []])
            elif found and found[-1][0].endswith("\\") and not found[-1][1]:
                found[-1][0] += "\n" + line
            elif found:
                found[-1][1].append(line.rstrip())
        return found


def read_blocks(path):
    blocks = []
    opened = None
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n")):
        if opened is None and line.startswith("```"):
            opened = Block(line[3:].strip(), [], number + 1)
        elif opened is not None and line == "```":
            blocks.append(opened)
            opened = None
        elif opened is not None:
            opened.lines.append(line)
    if opened is not None:
        sys.exit(f"FAILED: {path.name}: the block in line {opened.start} has no end")
    return blocks


def agree(expected, got):
    """Whether the lines are the expected ones, of which `...` stands for any number."""
    pattern = "".join("(?:.*\n)*?" if line == "..." else re.escape(line) + "\n"
                      for line in expected)
    return re.fullmatch(pattern, "".join(line + "\n" for line in got)) is not None


def expand(name):
    """Every name that a{b,c}d stands for."""
    match = re.search(r"\{([^}]*)\}", name)
    if match is None:
        return [name]
    return [full for part in match.group(1).split(",")
            for full in expand(name[:match.start()] + part + name[match.end():])]


def finish(faults, n_checked, skipped=()):
    """Prints what was found and ends the test."""
    for fault in faults:
        print(f"FAILED: {fault}")
    for reason in skipped:
        print(f"skipped: {reason}")
    print(f"{n_checked} checked, {len(faults)} failed")
    if n_checked == 0 and not skipped:
        sys.exit("FAILED: nothing was checked")
    sys.exit(1 if faults else 77 if skipped else 0)
