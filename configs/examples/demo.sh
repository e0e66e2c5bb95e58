#!/usr/bin/env bash
# demo: one hour of conversations on a modelled fleet, from a bare Debian 12 to a picture:
#     bash configs/examples/demo.sh
# Everything it makes lies in build/release/ and demo/.
set -euo pipefail
cd "$(dirname "$0")/../.."

bash tests/support/packages.sh run

echo "building build/release/servesim ..."
mkdir -p build demo
{
    cmake --preset release -DBUILD_TESTING=OFF
    cmake --build --preset release --target servesim
} >build/demo.log 2>&1 || {
    cat build/demo.log >&2
    exit 1
}
servesim=build/release/servesim

set -x
$servesim gen configs/workloads/azure-conv-2023.ini -o demo/trace.csv
$servesim run configs/examples/demo.ini -o demo/out --overwrite
/usr/bin/python3 analysis/plot.py demo/out -o demo/overview.png
{ set +x; } 2>/dev/null

cat <<'END'

demo/trace.csv           the requests: arrival, prompt and output tokens
demo/out/summary.csv     latencies, throughput, cost and energy of the run
demo/out/requests.csv    one row per request: when it waited, ran and finished, what it cost
demo/out/timeline.csv    queue, batch, KV cache, power over time
demo/out/replicas.csv    one row per GPU or group of GPUs that serves
demo/out/bill.csv        what was paid, and for what: every dollar and joule once
demo/out/config.ini      every value in force; running it again gives the same bytes
demo/overview.png        the run as a picture
END
