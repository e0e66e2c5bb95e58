#!/usr/bin/env bash
# tidy: clang-tidy finds nothing in what the build compiles, with the checks of .clang-tidy.
#     tidy.sh ROOT BUILD
set -euo pipefail
root=$(cd "$1" && pwd)
build=$(cd "$2" && pwd)

command -v clang-tidy >/dev/null || { echo "skipped: no clang-tidy"; exit 77; }
[ -s "$build/compile_commands.json" ] || { echo "no compile_commands.json in BUILD"; exit 1; }

# Each file once, the library's only: test programs are many and use cmocka's macros.
mapfile -t files < <(/usr/bin/python3 - "$build" "$root/sim/" <<'PYTHON'
import json
import pathlib
import sys

commands = json.loads(pathlib.Path(sys.argv[1], "compile_commands.json").read_text())
names = {str(pathlib.Path(c["directory"], c["file"]).resolve()) for c in commands}
print("\n".join(sorted(name for name in names if name.startswith(sys.argv[2]))))
PYTHON
)
[ -n "${files[*]}" ] || { echo "no files to look at"; exit 1; }
echo "${#files[@]} files"
printf '%s\0' "${files[@]}" |
    xargs -0 -n 4 -P 2 clang-tidy --quiet --warnings-as-errors='*' -p "$build" 2>&1 |
    sed -E '/^[0-9]+ warnings? .*generated\.$/d'
