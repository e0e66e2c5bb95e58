#!/usr/bin/env bash
# What a simulated request costs, and how many fit in a second:  bash tests/bench/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
bash tests/support/packages.sh test
cmake --preset release >/dev/null
cmake --build --preset release --target servesim >/dev/null
exec /usr/bin/python3 tests/bench/bench.py build/release/servesim "$@"
