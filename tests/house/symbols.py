#!/usr/bin/env python3
"""symbols: an object file of the library exports its own name only, and keeps no state.

A file x.c may export `x` and `x_...`, in its constants too. Data that can change while the
program runs is a fault whether it is exported or static; what only the loader changes
(.data.rel.ro) cannot.
"""

import pathlib
import subprocess
import sys

import tree

STATEFUL = (".data", ".bss", "*COM*", ".tdata", ".tbss")


def symbols(path):
    """(name, kind, section) of every symbol that the object defines."""
    command = ["nm", "--format=sysv", "--defined-only", str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    for line in answer.stdout.splitlines():
        columns = [column.strip() for column in line.split("|")]
        if len(columns) == 7 and columns[0] != "Name":
            yield columns[0], columns[2], columns[6]


def is_state(section):
    if section.startswith(".data.rel.ro"):
        return False
    return any(section == name or section.startswith(name + ".") for name in STATEFUL)


def faults(path):
    stem = path.name.split(".")[0]
    for name, kind, section in symbols(path):
        # nm writes the classes of global symbols in capitals
        if kind.isupper() and name != stem and not name.startswith(stem + "_"):
            yield f"{path.name}: exports {name}, which does not start with {stem}_"
        if is_state(section):
            yield f"{path.name}: {name} can change: mutable data in {section}"


def main():
    build = pathlib.Path(sys.argv[2])
    paths = sorted(build.glob("CMakeFiles/libservesim.dir/sim/*/*.o"))
    tree.report([fault for path in paths for fault in faults(path)], len(paths))


main()
