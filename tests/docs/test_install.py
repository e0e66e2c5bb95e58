#!/usr/bin/env python3
"""install: what `cmake --install` leaves works from anywhere, without the source tree.

Installs the build of the program under test to a scratch prefix, and moves it: the program
and its presets, man page, Python module, and the manual's small C program by pkg-config.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import world

BUILD = world.SERVESIM.parent
PAGE = world.ROOT / "sim/manual/install.md"


def run(words, place, **more):
    environment = dict(os.environ, **more)
    environment.pop("SERVESIM", None)
    done = subprocess.run([str(word) for word in words], cwd=place, env=environment, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def cached(name):
    """A value of the build's CMakeCache.txt."""
    text = (BUILD / "CMakeCache.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{name}:\w+=(.*)$", text, re.M)
    return found[1] if found else ""


def install(place, faults):
    """The prefix, after it was moved."""
    code, said = run(["cmake", "--install", BUILD, "--prefix", place / "first"], place)
    if code != 0:
        sys.exit(f"FAILED: cmake --install: {said}")
    (place / "first").rename(place / "moved")
    prefix = place / "moved"
    for name in ("bin/servesim", "share/man/man1/servesim.1", "share/servesim/analysis/plot.py",
                 "share/servesim/analysis/servesim.py", "share/doc/servesim/LICENSE",
                 "share/servesim/configs/models/llama-3.1-8b.ini"):
        if not (prefix / name).is_file():
            faults.append(f"{name} is not installed")
    for name in ("slurm", "reference.py", "__pycache__"):
        if (prefix / "share/servesim/analysis" / name).exists():
            faults.append(f"analysis/{name} is installed")
    return prefix


def check_program(prefix, place, faults):
    """It runs, with presets that only the installed folder has."""
    share = prefix / "share/servesim"
    shutil.copy(share / "configs/accelerators/h100-sxm.ini",
                share / "configs/accelerators/moved-chip.ini")
    code, said = run([prefix / "bin/servesim", "run", share / "configs/examples/policies.ini",
                      "-s", f"workload.trace={share / 'configs/examples/policies.csv'}",
                      "-s", "pool.main.accelerator=moved-chip", "-s", "workload.limit=137",
                      "-o", "out"], place)
    if code != 0 or "moved-chip" not in said or not (place / "out/summary.csv").exists():
        faults.append(f"run: exit {code}: {said}")
    code, said = run([prefix / "bin/servesim", "list", "accelerators"], place)
    if code != 0 or "moved-chip" not in said:
        faults.append(f"list: exit {code}: the preset is not listed")
    code, said = run([prefix / "bin/servesim", "--version"], place)
    if code != 0 or cached("CMAKE_PROJECT_VERSION") not in said:
        faults.append(f"--version: {said}")


def check_manual(prefix, place, faults):
    """man finds the page, where there is a man; that the page is there was looked at."""
    if shutil.which("man") is None:
        return
    code, said = run(["man", "-w", "servesim"], place, MANPATH=str(prefix / "share/man"))
    if code != 0 or not said.strip().endswith("man1/servesim.1"):
        faults.append(f"man: exit {code}: {said}")


def check_module(prefix, place, faults):
    """The Python module runs the program that it was installed with."""
    analysis = prefix / "share/servesim/analysis"
    script = ("import servesim, pathlib; result = servesim.read('out'); "
              "print(servesim.program(), int(result.metric('completed')))")
    code, said = run(["/usr/bin/python3", "-c", script], place, PYTHONPATH=str(analysis),
                     PATH="/usr/bin:/bin")
    if code != 0 or said.split() != [str(prefix / "bin/servesim"), "137"]:
        faults.append(f"the module: exit {code}: {said}")


def check_library(prefix, place, faults):
    """The manual's program compiles, links and gives the run's own figure."""
    source = next(block for block in world.read_blocks(PAGE) if block.language == "c")
    (place / "small.c").write_text("\n".join(source.lines) + "\n", encoding="utf-8")
    found = list(prefix.glob("lib/**/pkgconfig"))
    path = str(found[0]) if found else ""
    code, said = run(["pkg-config", "--cflags", "--libs", "--static", "servesim"], place,
                     PKG_CONFIG_PATH=path)
    if code != 0 or str(prefix) not in said.replace("/lib/pkgconfig/../..", ""):
        faults.append(f"pkg-config: exit {code}: {said}")
        return
    sanitize = cached("SERVESIM_SANITIZE")
    flags = [f"-fsanitize={sanitize}"] if sanitize else []
    code, said = run([cached("CMAKE_C_COMPILER"), "-std=c11", "-Wall", "-Wextra", "-Werror",
                      "small.c", "-o", "small", *flags, *said.split()], place)
    if code != 0:
        faults.append(f"cc: exit {code}: {said}")
        return
    share = prefix / "share/servesim"
    code, said = run([place / "small", share / "configs/examples/policies.ini"], share)
    _, told = run([prefix / "bin/servesim", "run", "configs/examples/policies.ini", "-q", "-s",
                   "pool.main.max_num_seqs=32", "-o", place / "other"], share)
    table = (place / "other/summary.csv").read_text(encoding="utf-8")
    p99 = re.search(r"^p99_ttft_ms,([0-9.]+),", table, re.M)[1]
    if code != 0 or said != f"1500 requests, p99 TTFT {p99} ms\n" or told:
        faults.append(f"small: exit {code}: {said}")


def main():
    faults = []
    if not (BUILD / "CMakeCache.txt").exists():
        world.finish([], 0, [f"{BUILD.name} is no build folder"])
    with tempfile.TemporaryDirectory(prefix="servesim-install-") as name:
        place = pathlib.Path(name)
        prefix = install(place, faults)
        check_program(prefix, place, faults)
        check_manual(prefix, place, faults)
        check_module(prefix, place, faults)
        check_library(prefix, place, faults)
    world.finish(faults, 5)


main()
