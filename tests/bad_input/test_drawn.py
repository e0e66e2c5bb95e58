#!/usr/bin/env python3
"""drawn: a generator or a resampled trace that cannot be drawn from is refused."""

import hashlib

import broken
from broken import HEADER, POOL, SPEC, Case

BURSTS = SPEC.replace("process = poisson\nrate_rps = 4.3",
                      "process = onoff\nburst_mu = 1\nburst_sigma = 1\ngap_w = 1\ngap_mu = -3\n"
                      "gap_sigma = 1\noff_mu = 2\noff_sigma = 1")
DRAWN = "[workload]\ngenerator = spec.ini\n" + POOL
SLOW = (BURSTS.replace("burst_mu = 1\nburst_sigma = 1", "burst_mu = 0\nburst_sigma = 0")
        .replace("gap_w = 1\n", "burst_max = 1\ngap_w = 1\n")
        .replace("off_mu = 2", "off_mu = 2\noff_min_s = 1000000"))
TOO_FEW = ("slow.ini: only 1000 of 4099 requests arrive within 1000000000 s, the end of every "
           "trace; ask for fewer or a higher rate")
FILES = {"slow.ini": SLOW, "drawn.ini": DRAWN, "bursts.ini": BURSTS,
         "onoff.ini": DRAWN.replace("spec.ini", "bursts.ini")}
SHARES = ("resample cuts conversations apart and draws parts of them twice, so prompts would "
          "share what none did")
TELLS = ("[workload] resample draws rows more than once, and prompts would share what none did; "
         "it takes rows that do not tell what their prompts hold")


def option(name, says, *settings, config="drawn.ini", files=None, command="run"):
    arguments = [command, config]
    arguments += ["-q", "-o", "out"] if command == "run" else []
    for setting in settings:
        arguments += ["-s", "workload." + setting]
    return Case(name, arguments, says, {**FILES, **(files or {})})


def resampled(name, says, *settings, trace=None):
    files = {"day.csv": trace} if trace is not None else None
    return option(name, says, *settings, config="linear.ini", files=files)


GENERATORS = [
    option("a_trace_and_a_generator",
           "drawn.ini: [workload] trace and generator: give one of them", "trace=day.csv"),
    option("a_generator_that_is_not_there",
           "gone.ini: cannot be opened: No such file or directory", "generator=gone.ini"),
    option("a_generator_that_check_refuses_too",
           "gone.ini: cannot be opened: No such file or directory", "generator=gone.ini",
           command="check"),
    option("a_generator_that_is_a_trace",
           "day.csv:1: 'arrival_s,prompt_tokens,output_tokens' is not 'key = value', a "
           "[section] or a comment", "generator=day.csv"),
    option("a_generator_without_arrivals",
           "spec.ini: [arrivals] must give 'process' (how arrivals follow each other)",
           files={"spec.ini": SPEC.replace("[arrivals]\nprocess = poisson\nrate_rps = 4.3\n", "")}),
    option("a_generator_with_another_sha256",
           f"spec.ini: its sha256 is {hashlib.sha256(SPEC.encode()).hexdigest()}, and "
           f"[workload] generator_sha256 expects {'5eed' * 16}",
           f"generator_sha256={'5eed' * 16}"),
    option("a_sha256_of_the_trace_that_a_generator_has_not",
           "drawn.ini: [workload] trace_sha256: goes with trace, and with generator there is "
           "none", f"trace_sha256={'5eed' * 16}"),
    option("a_sha256_of_the_generator_that_a_trace_has_not",
           "linear.ini: [workload] generator_sha256: goes with generator, and with trace there "
           "is none", f"generator_sha256={'5eed' * 16}", config="linear.ini"),
    option("a_generator_that_is_repeated",
           "drawn.ini: [workload] repeat: goes with trace, and with generator there is none",
           "repeat=3"),
    option("a_generator_that_is_resampled",
           "drawn.ini: [workload] resample: goes with trace, and with generator there is none",
           "resample=7s"),
    option("a_generator_with_ticks",
           "drawn.ini: [workload] detick: goes with trace, and with generator there is none",
           "detick=3s"),
    option("a_rate_of_bursts",
           "onoff.ini: [workload] rate_rps: process = onoff in bursts.ini has no rate that "
           "could be replaced; rate_scale makes its requests come faster", "rate_rps=7",
           config="onoff.ini"),
    option("a_rate_below_what_is_drawn",
           "drawn.ini: [workload] rate_rps: '0.0007' is less than 0.001 requests/s, and the "
           "generator draws at it", "rate_rps=0.0007"),
    option("a_rate_above_what_is_drawn",
           "drawn.ini: [workload] rate_rps: '7000000' is greater than 1000000 requests/s, and "
           "the generator draws at it", "rate_rps=7000000"),
    option("a_rate_and_a_scale_of_a_generator",
           "drawn.ini: [workload] rate_rps and rate_scale: give one of them", "rate_rps=7",
           "rate_scale=2"),
    option("more_requests_than_a_description_has_time_for",
           "spec.ini: no request arrives within duration_s",
           files={"spec.ini": SPEC.replace("requests = 4099", "duration_s = 0.000001")}),
    option("more_requests_than_come_before_the_end_of_every_trace", TOO_FEW,
           "generator=slow.ini", "limit=4099", "mode=closed", "concurrency=7"),
    option("more_requests_than_come_before_a_cooldown", TOO_FEW, "generator=slow.ini",
           "limit=4099", "cooldown=7"),
    option("a_request_that_can_never_fit",
           "requests drawn from spec.ini:1: the request's 313 prompt and 66 output tokens need "
           "24 KV blocks and the pool has 6; '[workload] unservable = reject' passes over it",
           files={"drawn.ini": DRAWN.replace("4099", "7")}),
]

RESAMPLED = [
    resampled("blocks_of_standard_input",
              "[workload] resample: standard input cannot be read twice: give a file",
              "resample=1", "trace=-"),
    resampled("blocks_that_are_repeated",
              "linear.ini: [workload] repeat: with resample, limit says how many requests there "
              "are", "resample=1", "repeat=2"),
    resampled("blocks_of_ticks",
              "linear.ini: [workload] detick and resample: give one of them; blocks are drawn "
              "of the arrivals as they are", "resample=1", "detick=3s"),
    resampled("blocks_of_sessions_that_share_prompts",
              f"linear.ini: [workload] session_prefix: {SHARES}", "resample=1",
              "session_prefix=yes"),
    resampled("blocks_of_inferred_sessions",
              f"linear.ini: [workload] infer_sessions: {SHARES}", "resample=1",
              "infer_sessions=yes"),
    resampled("blocks_of_labelled_prompts", f"day.csv:3: prefix_hash: {TELLS}", "resample=1",
              trace=HEADER.strip() + ",prefix_hash\n0.5,7,1,\n1.5,7,1,x\n"),
    resampled("blocks_of_hashed_prompts", f"day.csv:1: hash_ids: {TELLS}", "resample=1",
              trace='{"timestamp": 17, "input_length": 700, "output_length": 9, '
                    '"hash_ids": [0, 7]}\n'),
    resampled("blocks_that_are_shorter_than_a_gap",
              "day.csv: [workload] resample: blocks of 0.6 s are shorter than the trace's mean "
              "gap of 0.61815 s", "resample=600ms"),
    resampled("blocks_that_are_longer_than_the_trace",
              "day.csv: [workload] resample: blocks of 7 s are longer than the trace's length "
              "of 1.85445 s", "resample=7"),
    resampled("blocks_of_one_instant",
              "day.csv: [workload] resample: the trace has no blocks: it needs requests at two "
              "instants at least", "resample=1", trace=HEADER + "13,7,1\n13,7,1\n"),
    resampled("blocks_of_nothing",
              "day.csv: [workload] resample: the trace has no blocks: it needs requests at two "
              "instants at least", "resample=1", trace=HEADER),
    resampled("blocks_of_rows_that_cannot_be_read",
              "day.csv:3: prompt_tokens: '-7' is not a positive integer", "resample=1",
              trace=HEADER + "0.5,7,1\n1,-7,1\n"),
    resampled("blocks_of_a_trace_with_another_sha256",
              "day.csv: its sha256 is "
              f"{hashlib.sha256(broken.TRACE.encode()).hexdigest()}, and [workload] "
              f"trace_sha256 expects {'5eed' * 16}", "resample=1",
              f"trace_sha256={'5eed' * 16}"),
    Case("observed_requests_that_are_drawn",
         ["validate", "drawn.ini", "--observed", "seen.csv"],
         "--observed: requests that are drawn are not those that the server had: give its "
         "trace, without resample", FILES),
]


def main():
    report = broken.Report()
    report.add_cases(GENERATORS + RESAMPLED)
    report.end()


if __name__ == "__main__":
    main()
