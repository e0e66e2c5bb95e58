#!/usr/bin/env bash
# policies: makes the trace of policies.ini, on standard output:
#     bash configs/examples/policies.sh >configs/examples/policies.csv
# Two tenants talk all the time, at 1.2 requests per second together, and want answers as fast
# as a person reads: deadline_s is 5 s and 0.1 s per token. A third comes after four minutes
# with 400 jobs at 2 per second, which is more than the GPUs can do, and has no hurry.
set -euo pipefail
export LC_ALL=C

echo arrival_s,prompt_tokens,output_tokens,tenant,priority,deadline_s
{
    servesim gen configs/workloads/azure-conv-2023.ini \
        -s workload.requests=1100 -s arrivals.rate_rps=1.2 |
        awk -F, 'NR > 1 { printf "%s,%d,%d,%s,%.1f\n", $1, $2, $3,
                                 NR % 3 == 0 ? "code,0" : "chat,1", 5 + $3 / 10 }'
    servesim gen configs/workloads/poisson.ini \
        -s workload.requests=400 -s arrivals.rate_rps=2 |
        awk -F, 'NR > 1 { printf "%.9f,%d,%d,batch,2,\n", $1 + 240, $2, $3 }'
} | sort -s -t, -k1,1n
