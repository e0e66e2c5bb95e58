#!/usr/bin/env bash
# How long a sweep of 1,000 points x 20,000 requests takes on two cores: wall and CPU time,
# to be read and not checked, and that stopping it changes nothing:
#   bash tests/bench/sweep.sh [build/release/servesim]
set -euo pipefail
cd "$(dirname "$0")/../.."
servesim=${1:-build/release/servesim}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$servesim" gen configs/workloads/azure-conv-2023.ini -s workload.requests=20000 \
    -o "$place/trace.csv"
grid=(configs/examples/azure-conv-h100.ini -s "workload.trace=$place/trace.csv" -j 2 -q
    --over "pool.main.max_num_seqs=8..2048*2,192" --over "workload.rate_rps=0.2..20+0.2")
time "$servesim" sweep "${grid[@]}" -o "$place/whole"
timeout -s KILL 10 "$servesim" sweep "${grid[@]}" -o "$place/killed" || true
"$servesim" sweep "${grid[@]}" -o "$place/killed"
cmp "$place/whole/sweep.csv" "$place/killed/sweep.csv"
