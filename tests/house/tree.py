"""tree: the files that the house tests look at."""

import os
import pathlib
import subprocess
import sys

SKIPPED_FOLDERS = {".git", "build", "demo", "original", "__pycache__"}


def walk(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - SKIPPED_FOLDERS)
        for name in names:
            yield pathlib.Path(folder, name)


def listed(root):
    """What git tracks or would track; None where `root` is no working tree of its own."""
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others",
               "--exclude-standard"]
    answer = subprocess.run(command, capture_output=True)
    if answer.returncode != 0:
        return None
    return [root / os.fsdecode(name) for name in answer.stdout.split(b"\0") if name]


def files(root, *suffixes):
    """Files below `root`, sorted, as paths from `root`; all of them without suffixes."""
    found = listed(root)
    found = walk(root) if found is None else found
    return sorted(path.relative_to(root) for path in set(found)
                  if path.is_file() and (not suffixes or path.suffix in suffixes))


def root():
    return pathlib.Path(sys.argv[1]).resolve()


def report(faults, looked_at):
    """Prints the faults and exits: 1 if there are any, or if there was nothing to see."""
    for fault in faults:
        print(fault)
    print(f"{looked_at} looked at, {len(faults)} faults")
    sys.exit(1 if faults or looked_at == 0 else 0)
