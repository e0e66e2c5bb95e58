#!/usr/bin/env python3
"""help: what --help prints is, to the byte, what somebody has read and put into help/.

    python3 tests/docs/test_help.py [--accept]
"""

import re
import subprocess
import sys

import world

FOLDER = world.ROOT / "tests/docs/help"


def ask(*arguments):
    return subprocess.run([world.SERVESIM, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=True).stdout


def main():
    top = ask("--help")
    commands = re.findall(r"^  (\w+)  ", top.decode(), re.M)
    texts = {"servesim": top, **{name: ask(name, "--help") for name in commands}}
    if "--accept" in sys.argv[1:]:
        FOLDER.mkdir(exist_ok=True)
        for name, text in texts.items():
            (FOLDER / f"{name}.txt").write_bytes(text)
    faults = []
    read = {path.stem: path.read_bytes() for path in FOLDER.glob("*.txt")}
    for name in sorted(texts.keys() | read):
        if texts.get(name) != read.get(name):
            faults.append(f"{name} --help: printed {texts.get(name)}, "
                          f"help/{name}.txt has {read.get(name)}")
    for name, text in texts.items():
        long = [line for line in text.decode().splitlines()[1:] if len(line) > 88]
        faults += [f"{name} --help: a line of {len(line)} columns: {line}" for line in long]
        if name != "servesim" and ask(name, "-h") != text:
            faults.append(f"{name} -h prints something else than {name} --help")
    if not top == ask("help") == ask("-h"):
        faults.append("help, -h and --help differ")
    world.finish(faults, len(texts) + 1)


main()
