#!/usr/bin/env python3
"""tour: sim/README.md names every file of sim/ and every function it speaks of is there,
and its example policy compiles with the library's own flags, links and serves requests.
"""

import json
import pathlib
import re
import shlex
import subprocess
import tempfile

import world

TOUR = world.ROOT / "sim/README.md"
SIM = world.ROOT / "sim"
BUILD = world.SERVESIM.parent
EXAMPLE = "batching_drain"


def check_files(text, faults):
    """The tables name exactly the files that are there."""
    told = set()
    for section in re.split(r"\n(?=\| `\w+/` \|)", text)[1:]:
        folder = re.match(r"\| `(\w+)/`", section).group(1)
        for row in re.findall(r"^\| (`[^|]*?) \|", section, re.M)[1:]:
            told |= {f"{folder}/{name}" for name in re.findall(r"`([^`]+)`", row)}
    there = {str(path.relative_to(SIM)) for path in SIM.rglob("*.*")
             if path.suffix != ".md"}
    faults += [f"sim/README.md does not name {name}" for name in sorted(there - told)]
    faults += [f"sim/README.md names {name}, which is not there" for name in sorted(told - there)]
    return len(there)


def check_words(text, faults):
    """Paths and functions in backquotes outside the tables exist."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted(SIM.rglob("*.[ch]")))
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    words = set(re.findall(r"`([^`]+)`", prose))
    n = 0
    for word in sorted(words):
        if re.fullmatch(r"(\w+/)+\w+\.(c|h|py|ini)", word) and "NAME" not in word:
            n += 1
            if EXAMPLE not in word and not ((SIM / word).exists() or (world.ROOT / word).exists()):
                faults.append(f"sim/README.md speaks of {word}, which is not there")
        elif re.fullmatch(r"[a-z]+(_[a-z]+)+|[A-Z]+(_[A-Z]+)+", word):
            n += 1
            if not re.search(rf"\b{word}\b", source):
                faults.append(f"sim/README.md speaks of {word}, which is not in the source")
    return n


def compiler():
    """The command that compiles a file of the library, as words, without its file names."""
    commands = json.loads((BUILD / "compile_commands.json").read_text(encoding="utf-8"))
    command = next(entry["command"] for entry in commands
                   if entry["file"].endswith("/sim/policy/policy.c"))
    words = iter(shlex.split(command))
    keep = []
    for word in words:
        if word in ("-o", "-c"):
            next(words)
        else:
            keep.append(word)
    return keep


def execute(words, faults, what):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, cwd=world.ROOT)
    if done.returncode != 0:
        faults.append(f"{what}: exit {done.returncode}: {' '.join(map(str, words))}\n"
                      f"{done.stdout[:3000]}")
    return done.stdout


def build_example(text, folder, faults):
    """A servesim that knows the example, from the two blocks of the tour."""
    policy, line = re.findall(r"```c\n(.*?)```", text, re.S)
    header = (SIM / "policy/policy.h").read_text(encoding="utf-8")
    changed, n = re.subn(r"#define POLICY_BATCHING\(X\)(?:[^\n]*\\\n)*[^\n]*\n",
                         lambda _: line, header)
    if n != 1:
        faults.append("policy.h has no list POLICY_BATCHING to put the example's line into")
    (folder / "policy").mkdir()
    (folder / "policy/policy.h").write_text(changed, encoding="utf-8")
    (folder / "policy" / f"{EXAMPLE}.c").write_text(policy, encoding="utf-8")
    words = compiler()
    objects = []
    for path in (folder / "policy" / f"{EXAMPLE}.c", SIM / "policy/policy.c", SIM / "cli/main.c"):
        objects.append(folder / f"{path.stem}.o")
        execute([words[0], f"-I{folder}", *words[1:], "-Werror", "-c", path, "-o", objects[-1]],
                faults, f"compiling {path.name}")
    libraries = subprocess.run(
        ["pkg-config", "--libs", "gsl", "inih", "libzstd", "zlib", "nettle",
         "jansson"],
        stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    flags = [word for word in words[1:] if word.startswith(("-fsanitize", "-flto"))]
    program = folder / "servesim"
    execute([words[0], *flags, *objects, BUILD / "libservesim.a", *libraries, "-lcsv", "-lm",
             "-o", program], faults, "linking")
    return program


def main():
    faults = []
    text = TOUR.read_text(encoding="utf-8")
    n = check_files(text, faults) + check_words(text, faults)
    with tempfile.TemporaryDirectory(prefix="servesim-docs-") as name:
        folder = pathlib.Path(name)
        program = build_example(text, folder, faults)
        if faults:
            world.finish(faults, n)
        trace = folder / "trace.csv"
        execute([program, "gen", "configs/workloads/poisson.ini", "-s", "workload.requests=713",
                 "-o", trace], faults, "gen")
        run = [program, "run", "configs/examples/linear.ini", "-s", f"workload.trace={trace}",
               "-s", "pool.main.num_gpu_blocks=800"]
        unified = execute(run, faults, "unified")
        drain = execute([*run, "-s", "pool.main.batching=drain"], faults, "drain")
        for what, out in (("unified", unified), ("drain", drain)):
            if not re.search(r"Completed requests +713\b", out):
                faults.append(f"{what} did not serve 713 requests:\n{out}")
        if unified == drain:
            faults.append("the example policy serves like unified does")
        if not re.search(r"^drain +static", execute([program, "list", "batching"], faults, "list"),
                         re.M):
            faults.append("list batching does not have the example")
    world.finish(faults, n + 3)


main()
