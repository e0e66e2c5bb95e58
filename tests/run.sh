#!/usr/bin/env bash
# run: every test there is, from any folder:  bash tests/run.sh
#
# Builds with gcc, clang, the sanitizers and for release, all with warnings as errors but
# the last, and tests each build; a build that fails counts as a failed test.  The last
# line is the sum: "N passed, N failed, N skipped".
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
unset GSL_RNG_SEED GSL_RNG_TYPE SERVESIM

n_passed=0
n_failed=0
n_skipped=0

bash tests/support/packages.sh test || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }

# attribute NAME FILE: that number of the test suite's line in a JUnit file
attribute() {
    grep -oE "\b$1=\"[0-9]+\"" "$2" | head -1 | tr -dc 0-9
}

# build PRESET [ninja's arguments]
build() {
    echo "== build $1"
    if cmake --preset "$1" >"build/$1.configure.log" 2>&1; then
        cmake --build --preset "$1" -- -k 0 "${@:2}" && return 0
    else
        cat "build/$1.configure.log"
    fi
    echo "== build $1 failed"
    n_failed=$((n_failed + 1))
    return 1
}

# check PRESET TARGET [ctest arguments]: builds it and runs its tests
check() {
    local preset=$1 target=$2 results=$PWD/build/$1.xml
    shift 2
    rm -f "$results"
    build "$preset" "$target" || return
    echo "== test $preset"
    ctest --preset "$preset" --output-junit "$results" "$@"
    local code=$? tests failed skipped
    tests=$(attribute tests "$results")
    failed=$(attribute failures "$results")
    skipped=$(attribute skipped "$results")
    if [ "${tests:-0}" -eq 0 ] || { [ $code -ne 0 ] && [ "$failed" -eq 0 ]; }; then
        echo "== test $preset: ctest ran no test, or stopped with $code"
        n_failed=$((n_failed + 1))
        return
    fi
    n_passed=$((n_passed + tests - failed - skipped))
    n_failed=$((n_failed + failed))
    n_skipped=$((n_skipped + skipped))
}

# The same bytes from gcc and clang, with and without optimisation.
same_bytes() {
    local folder preset
    folder=$(mktemp -d)
    build/dev/servesim gen configs/workloads/azure-conv-2023.ini \
        -s workload.requests=4000 -o "$folder/trace.csv"
    for preset in dev clang release; do
        "build/$preset/servesim" run configs/examples/azure-conv-h100.ini --quiet \
            -s "workload.trace=$folder/trace.csv" -s workload.rate_scale=3 -o "$folder/$preset"
    done
    if diff -r "$folder/dev" "$folder/clang" && diff -r "$folder/dev" "$folder/release"; then
        echo "== the same bytes from dev, clang and release"
        n_passed=$((n_passed + 1))
    else
        n_failed=$((n_failed + 1))
    fi
    rm -rf "$folder"
}

# Instructions per request, which no busy machine can change.
instructions() {
    echo "== instructions per request"
    if /usr/bin/python3 tests/bench/bench.py build/release/servesim --check; then
        n_passed=$((n_passed + 1))
    else
        n_failed=$((n_failed + 1))
    fi
}

mkdir -p build
check dev all
check clang all -L 'golden|conformance|fuzz|unit' -E worlds
check asan all -E 'docs/(plot|report|manual|README|presets|python|reference|install)' # which are Python's
check release servesim -L 'golden|conformance' # which need the program alone
same_bytes
instructions

echo
grep -hE '^(skipped|\[  SKIPPED \] [a-z])' \
    build/{dev,clang,asan,release}/Testing/Temporary/LastTest.log 2>/dev/null | sort -u
[ $((n_passed + n_failed)) -gt 0 ] || n_failed=1
echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
[ "$n_failed" -eq 0 ]
