#!/usr/bin/env bash
# selftest: every house test passes on a small good tree and fails on a spoilt copy of it.
set -uo pipefail
shopt -s nullglob
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
status=0

# A tree with one file per floor that matters here, compiled as CMake would lay it out.
make_tree() {
    rm -rf "$folder/tree"
    mkdir -p "$folder/tree/sim/base" "$folder/tree/sim/input" "$folder/tree/sim/output"
    mkdir -p "$folder/tree/traces"
    cd "$folder/tree" || exit 1
    cp "$root/.clang-format" "$root/.clang-tidy" "$root/LICENSE" .
    for file in README.md CHANGELOG.md sim/README.md traces/README.md; do
        echo "words" > "$file"
    done
    printf '%s\n' 'int sum_of(int a, int b);' > sim/base/sum.h
    printf '%s\n' '#include "base/sum.h"' '' 'int sum_of(int a, int b)' '{' \
        '    return a + b;' '}' > sim/base/sum.c
    printf '%s\n' 'int line_of(int a);' > sim/input/line.h
    printf '%s\n' '#include "input/line.h"' '' '#include "base/sum.h"' '' \
        'int line_of(int a)' '{' '    return sum_of(a, 4099);' '}' > sim/input/line.c
}

compile() {
    local source object comma=
    mkdir -p build
    echo "[" > build/compile_commands.json
    for source in sim/*/*.c; do
        object=build/CMakeFiles/libservesim.dir/$source.o
        mkdir -p "$(dirname "$object")"
        gcc -std=c11 -Isim -c "$source" -o "$object" || exit 1
        echo "$comma{\"directory\": \"$PWD\", \"file\": \"$source\"," \
            "\"command\": \"gcc -std=c11 -Isim -c $source\"}" >> build/compile_commands.json
        comma=,
    done
    echo "]" >> build/compile_commands.json
}

check() {
    case $1 in symbols.py | tidy.sh) compile ;; esac
    case $1 in
        *.py) /usr/bin/python3 -B "$here/$1" . build > "$folder/said" 2>&1 ;;
        *.sh) bash "$here/$1" . build > "$folder/said" 2>&1 ;;
    esac
}

passes() {
    make_tree
    check "$1"
    local code=$?
    if [ $code -eq 77 ]; then
        echo "skipped: $1: $(cat "$folder/said")"
        return 1
    elif [ $code -ne 0 ]; then
        echo "FAILED: $1 refuses a good tree: $(cat "$folder/said")"
        status=1
    fi
}

# fails CHECK SPOIL EXPECTED: after the shell command SPOIL it exits 1 and says EXPECTED.
fails() {
    make_tree
    eval "$2"
    check "$1"
    local code=$?
    if [ $code -eq 0 ] || [ $code -eq 77 ]; then
        echo "FAILED: $1 accepts: $2"
        status=1
    elif ! grep -qE -e "$3" "$folder/said"; then
        echo "FAILED: $1, after: $2: said not '$3' but: $(cat "$folder/said")"
        status=1
    else
        echo "$1 refuses: $2"
    fi
}

passes floors.py
fails floors.py 'sed -i "1i #include \"input/line.h\"" sim/base/sum.c' 'is not below base/'
fails floors.py 'echo "#include \"input/line.h\"" > sim/output/table.c' 'is not below output/'
fails floors.py 'echo "#include \"sum.h\"" >> sim/base/sum.c' 'not written from sim/'
fails floors.py 'echo "#include \"base/gone.h\"" >> sim/base/sum.h' 'is not a file in sim/'
fails floors.py 'echo "#include <base/sum.h>" >> sim/input/line.c' 'is written with <>'
fails floors.py 'mkdir sim/base/deep; echo > sim/base/deep/x.h' 'one level of folders'
fails floors.py 'rm -r sim' '^0 looked at'

passes symbols.py
fails symbols.py 'echo "int stray(void) { return 7; }" >> sim/base/sum.c' 'exports stray'
fails symbols.py 'echo "const int summit = 7;" >> sim/base/sum.c' 'exports summit'
fails symbols.py 'echo "int sum_total = 7;" >> sim/base/sum.c' 'sum_total can change'
fails symbols.py 'echo "int sum_total;" >> sim/base/sum.c' 'sum_total can change'
fails symbols.py 'echo "int sum_next(void) { static int n; return n++; }" >> sim/base/sum.c' \
    'n\.[0-9]+ can change'
fails symbols.py 'rm sim/*/*.c' '^0 looked at'

passes lengths.py
fails lengths.py 'yes "/* */" | head -400 >> sim/base/sum.c' 'sum.c: 406 lines'
fails lengths.py 'yes "x = 1" | head -401 > long.py' 'long.py: 401 lines'
fails lengths.py '{ echo "void sum_up(void)"; echo "{"; yes "    ;" | head -59; echo "}"; } >> sim/base/sum.c' \
    'a function of 61 lines'

passes unique_names.py
fails unique_names.py 'cp sim/base/sum.c sim/output/' 'sum: in sim/base and sim/output'

passes no_paths.py
fails no_paths.py 'echo "see /""work/here" > notes.md' 'notes.md:1'
fails no_paths.py 'echo "FILE=/""home/jane/x" > run.sh' 'run.sh:1'

passes presence.sh
fails presence.sh 'rm README.md' 'README.md: missing'
fails presence.sh 'echo "All rights reserved" > LICENSE' 'LICENSE: not the GNU'

passes format.sh &&
    fails format.sh 'sed -i "s/^    return/  return/" sim/base/sum.c' 'sum.c:4:.*clang-format'

passes tidy.sh &&
    fails tidy.sh 'echo "int sum_bad(int a) { int *p = 0; return a > 7 ? *p : a; }" >> sim/base/sum.c' \
        'NullDereference'

exit $status
