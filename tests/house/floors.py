#!/usr/bin/env python3
"""floors: a file includes its own folder or a lower floor, and says so from sim/."""

import re

import tree

FLOORS = {"base": 0, "model": 1, "engine": 2, "policy": 3, "input": 4, "output": 4,
          "study": 5, "cli": 6}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def include_fault(root, folder, bracket, target):
    """What is wrong with one include, or None."""
    parts = target.split("/")
    if bracket == "<":
        return "is written with <>" if (root / "sim" / target).is_file() else None
    if len(parts) != 2 or parts[0] not in FLOORS:
        return 'is not written from sim/, as "FOLDER/FILE.h"'
    if not (root / "sim" / target).is_file():
        return "is not a file in sim/"
    if parts[0] != folder and FLOORS[parts[0]] >= FLOORS[folder]:
        return f"is not below {folder}/"
    return None


def file_faults(root, path):
    folder = path.parts[1]
    if len(path.parts) != 3 or folder not in FLOORS:
        return [f"{path}: sim/ has one level of folders: {', '.join(FLOORS)}"]
    faults = []
    for number, line in enumerate((root / path).read_text().splitlines(), 1):
        found = INCLUDE.match(line)
        fault = found and include_fault(root, folder, *found.groups())
        if fault:
            faults.append(f"{path}:{number}: {found[2]} {fault}")
    return faults


def main():
    root = tree.root()
    paths = [path for path in tree.files(root, ".c", ".h") if path.parts[0] == "sim"]
    tree.report([fault for path in paths for fault in file_faults(root, path)], len(paths))


main()
