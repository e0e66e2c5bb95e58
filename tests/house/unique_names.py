#!/usr/bin/env python3
"""unique_names: a name in sim/ is one file, and x.c and x.h are in one folder.

Exported symbols start with the file's name, so two files of one name would share a prefix.
"""

import collections

import tree


def main():
    root = tree.root()
    paths = [path for path in tree.files(root, ".c", ".h") if path.parts[0] == "sim"]
    folders = collections.defaultdict(set)
    for path in paths:
        folders[path.stem].add(str(path.parent))
    faults = [f"{stem}: in {' and '.join(sorted(places))}"
              for stem, places in sorted(folders.items()) if len(places) > 1]
    tree.report(faults, len(paths))


main()
