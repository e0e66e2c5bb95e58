#!/usr/bin/env bash
# format: clang-format 14 would change no C file.
#     format.sh ROOT
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"

command -v clang-format >/dev/null || { echo "skipped: no clang-format"; exit 77; }
version=$(clang-format --version)
case $version in
    *"version 14."*) ;;
    *) echo "skipped: needs clang-format 14, this is: $version"; exit 77 ;;
esac

mapfile -t files < <(/usr/bin/python3 - "$here" <<'PYTHON'
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import tree

print("\n".join(map(str, tree.files(pathlib.Path.cwd(), ".c", ".h"))))
PYTHON
)
echo "${#files[@]} files"
clang-format --style=file --dry-run -Werror --ferror-limit=3 "${files[@]}"
