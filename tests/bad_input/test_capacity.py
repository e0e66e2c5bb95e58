#!/usr/bin/env python3
"""capacity: what `servesim capacity` refuses is said in one sentence, and nothing is
written."""

import broken
from broken import LINEAR, SERVER, Case

SLO = "[slo]\nttft_ms = 500\n"
NEW = ["-o", "new"]
FILES = {"slo.ini": LINEAR + SLO, "server_slo.ini": SERVER + SLO}


def capacity(*more, config="slo.ini"):
    """The arguments; -o, so that a result would be seen."""
    return ["capacity", config, *more, *NEW]


def case(name, arguments, says, files=None, **more):
    return Case(name, arguments, says, files={**FILES, **(files or {})}, **more)


CASES = [
    case("no_bound", capacity(config="linear.ini"),
         "linear.ini: [slo]: there is no bound to meet: give ttft_ms, tpot_ms, itl_ms, "
         "e2e_ms, ttfat_ms or require"),
    case("a_bound_that_is_none", capacity("-s", "slo.require=p99_ttft_ms < 3"),
         "slo.ini: [slo] require: 'p99_ttft_ms < 3' is not 'metric <= value' or "
         "'metric >= value'"),
    case("a_metric_that_is_not_there", capacity("-s", "slo.require=p99_tfft_ms <= 3"),
         "slo.ini: [slo] require: 'p99_tfft_ms' is no metric of summary.csv that is a number"),
    case("clients_that_wait",
         capacity("-s", "workload.mode=closed", "-s", "workload.concurrency=13"),
         "slo.ini: [workload] mode: closed has no rate: its clients send when they are "
         "answered; a study needs mode = open"),
    case("standard_input", capacity("-s", "workload.trace=-"),
         "slo.ini: [workload] trace: '-' is standard input, which cannot be read once per run"),
    case("limits_that_cross",
         capacity("-s", "capacity.least_rps=13.7", "-s", "capacity.most_rps=4.1"),
         "slo.ini: [capacity] most_rps: is below least_rps"),
    case("best_of_what_does_not_vary", capacity("-s", "capacity.best_of=pool.main.replicas"),
         "slo.ini: [capacity] best_of: 'pool.main.replicas' is not varied by --over"),
    case("a_value_twice", capacity("--over", "pool.main.replicas=3,3"),
         "--over pool.main.replicas=3,3: '3' is there twice"),
    case("a_variant_that_is_none", capacity("--over", "pool.main.replicas=3,x"),
         "capacity: replicas=x: -s pool.main.replicas=x: 'x' is not a count (a whole number, "
         "bare or with k, m, K or M)"),
    case("a_bad_row", capacity(),
         "day.csv:3: output_tokens: 'x' is not a positive integer",
         files={"day.csv": broken.TRACE.replace("0.5,7,1", "0.5,7,x")}),
    case("a_model_that_does_not_fit",
         capacity("-s", "pool.main.model=llama-3.1-70b", config="server_slo.ini"),
         "server_slo.ini: [pool.main]: llama-3.1-70b does not fit on 1 x h100-sxm: one GPU has "
         "76968 MB to use (85520 MB x gpu_memory_utilization), weights take 141107 MB, "
         "activations 1946 MB, runtime 600 MB, and two KV blocks 10 MB; raise tensor_parallel "
         "or gpu_memory_utilization"),
    case("a_folder_that_exists", capacity(),
         "-o new: exists already; --overwrite replaces it", files={"new": None}),
]


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.end()


if __name__ == "__main__":
    main()
