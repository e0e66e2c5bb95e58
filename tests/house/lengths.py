#!/usr/bin/env python3
"""lengths: a file has at most 400 lines, a C function at most 60, braces included."""

import tree

FILE_LINES = 400
FUNCTION_LINES = 60


def functions(lines):
    """(first line, length) of each function body: braces in the first column."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            start = number
        elif line.rstrip() == "}" and start is not None:
            yield start, number - start + 1
            start = None


def file_faults(root, path):
    lines = (root / path).read_text(errors="replace").splitlines()
    if len(lines) > FILE_LINES:
        yield f"{path}: {len(lines)} lines, more than {FILE_LINES}"
    if path.suffix == ".py":
        return
    for start, length in functions(lines):
        if length > FUNCTION_LINES:
            yield f"{path}:{start}: a function of {length} lines, more than {FUNCTION_LINES}"


def main():
    root = tree.root()
    paths = tree.files(root, ".c", ".h", ".py")
    tree.report([fault for path in paths for fault in file_faults(root, path)], len(paths))


main()
