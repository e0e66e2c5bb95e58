#!/usr/bin/env python3
"""tune: what `servesim tune` refuses is said in one sentence, and nothing is written."""

import broken
from broken import LINEAR, SERVER, Case

GOOD = SERVER + "[slo]\ntpot_ms = 50\n"
TWO = GOOD + "[pool.other]\ncost = linear\nbase_us = 1000\nnum_gpu_blocks = 4099\n"
FILES = {"good.ini": GOOD, "two.ini": TWO, "linear_slo.ini": LINEAR + "[slo]\ntpot_ms = 50\n"}


def tune(*settings, config="good.ini"):
    """The arguments; -o, so that a result would be seen."""
    return ["tune", config, *(word for s in settings for word in ("-s", s)), "-o", "new.ini"]


CASES = [
    Case("no_slo", tune(config="server.ini"),
         "server.ini: [slo]: there is no bound to meet: give ttft_ms, tpot_ms, itl_ms, "
         "e2e_ms, ttfat_ms or require"),
    Case("its_own_configuration_as_output", ["tune", "good.ini", "-o", "./good.ini"],
         "-o ./good.ini: is the configuration that is read: give another name"),
    Case("two_pools", tune(config="two.ini"),
         "two.ini: tune looks at one [pool.NAME], and there are 2"),
    Case("clients_that_wait", tune("workload.mode=closed", "workload.concurrency=3"),
         "good.ini: [workload] mode: closed has no rate that could be raised; tune needs open"),
    Case("standard_input", tune("workload.trace=-"),
         "good.ini: [workload] trace: '-' is standard input, which cannot be read once per run"),
    Case("a_fleet_that_scales", tune("scale.main.policy=queue", "scale.main.target=3"),
         "good.ini: [scale.main]: tune needs a fleet of one size"),
    Case("a_flag_that_is_none", tune("tune.flags=max_num_seq"),
         "good.ini: [tune] flags: 'max_num_seq' is no key of a pool (did you mean "
         "max_num_seqs?)"),
    Case("a_flag_twice", tune("tune.flags=max_num_seqs, max_num_seqs 3 7"),
         "good.ini: [tune] flags: max_num_seqs: is there twice"),
    Case("a_degree_twice", tune("tune.flags=tensor_parallel,tensor_parallel"),
         "good.ini: [tune] flags: tensor_parallel: is there twice"),
    Case("a_flag_of_another_engine", tune("tune.flags=chunked_prefill_size"),
         "good.ini: [tune] flags: chunked_prefill_size: has no values to try with batching = "
         "unified (expected 'chunked_prefill_size value value ...')"),
    Case("a_value_that_is_none", tune("tune.flags=max_num_seqs 3 x"),
         "good.ini: [tune] flags: max_num_seqs: 'x' is not a count (a whole number, bare or "
         "with k, m, K or M)"),
    Case("parallelism_without_gpus", tune("tune.flags=tensor_parallel", config="linear_slo.ini"),
         "linear_slo.ini: [tune] flags: tensor_parallel: means nothing without an accelerator "
         "and a model"),
    Case("no_price", tune("tune.flags=max_num_seqs", config="linear_slo.ini"),
         "linear_slo.ini: [tune] goal: cost needs a price: give the pool usd_per_hour, or tune "
         "for throughput"),
    Case("a_latency_that_is_none", tune("tune.goal=latency", "tune.latency=p98_ttft"),
         "good.ini: [tune] latency: 'p98_ttft' is no metric of summary.csv that is a number"),
    Case("a_goal_that_is_none", tune("tune.goal=speed"), None),
    Case("a_present_that_does_not_fit", tune("pool.main.model=llama-3.1-70b"), None),
    Case("one_replica_to_split", tune("tune.flags=none", "tune.disaggregate=yes"),
         "good.ini: [tune] disaggregate: there is one replica, and one alone cannot be split"),
    Case("an_hour_that_ends_before_it_begins",
         ["run", "good.ini", "-s", "workload.from=2", "-s", "workload.until=1.5", "-o", "new"],
         "good.ini: [workload] until: is not after from"),
    Case("an_hour_without_requests",
         ["run", "good.ini", "-s", "workload.from=2", "-o", "new"],
         "day.csv: the trace holds no requests between [workload] from and until"),
    Case("a_part_of_a_generator",
         ["run", "good.ini", "-s", "workload.trace=", "-s", "workload.generator=spec.ini", "-s",
          "workload.from=2", "-o", "new"],
         "good.ini: [workload] from: goes with trace, and with generator there is none"),
    Case("nowhere_to_write", ["tune", "good.ini", "-s", "tune.flags=none", "-o", "no/new.ini"],
         None),
]


def main():
    report = broken.Report()
    for case in CASES:
        case.files.update(FILES)
    report.add_cases(CASES)
    report.end()


if __name__ == "__main__":
    main()
