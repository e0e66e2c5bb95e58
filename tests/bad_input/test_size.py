#!/usr/bin/env python3
"""size: what `servesim size` refuses is said in one sentence, and nothing is written; what
cannot serve is a row with its reason, not an error."""

import csv
import io
import pathlib

import broken
from broken import DONE, FILES, LINEAR, SERVER, Case

SLO = "[slo]\nttft_ms = 500\n"
CONFIGS = {"linear.ini": LINEAR + SLO, "server.ini": SERVER + SLO,
           "two.ini": LINEAR + SLO + broken.POOL.replace("main", "other"),
           "scaled.ini": LINEAR + SLO + "[scale.main]\npolicy = queue\ntarget = 3\nmax = 7\n"}


def size(*settings, config="server.ini", more=()):
    return ["size", config, *(word for text in settings for word in ("-s", text)), "-o", "new",
            "--quiet", *more]


def case(name, arguments, says, files=None, **more):
    return Case(name, arguments, says, files={**CONFIGS, **(files or {})}, **more)


CASES = [
    case("no_goal", ["size", "plain.ini"],
         "plain.ini: [slo]: there is no bound to meet: give ttft_ms, tpot_ms, itl_ms, "
         "e2e_ms, ttfat_ms or require", files={"plain.ini": LINEAR}),
    case("two_pools", size(config="two.ini"),
         "two.ini: size looks at one [pool.NAME], and there are 2"),
    case("an_autoscaler", size(config="scaled.ini"),
         "scaled.ini: [scale.main]: size looks for the number of replicas itself"),
    case("an_accelerator_that_is_not_there", size("size.accelerators=h100-sxm, h1000"),
         "server.ini: [size] accelerators: 'h1000' is not known: there is no "
         "configs/accelerators/h1000.ini (see 'servesim list accelerators')"),
    case("an_exclusion_that_is_not_there",
         size("size.accelerators=all", "size.exclude=h1000"),
         "server.ini: [size] exclude: 'h1000' is not known: there is no "
         "configs/accelerators/h1000.ini (see 'servesim list accelerators')"),
    case("everything_is_excluded", size("size.accelerators=l4", "size.exclude=l4"),
         "server.ini: [size] exclude: leaves no accelerator to try"),
    case("an_accelerator_twice", size("size.accelerators=l4, l4"),
         "server.ini: [size] accelerators, exclude: a name is there twice, or none"),
    case("a_policy_that_is_not_there", size("size.policies=vllm-v1, magic"),
         "server.ini: [size] policies: 'magic' is not known: there is no "
         "configs/policies/magic.ini (see 'servesim list policies')"),
    case("a_degree_that_is_none", size("size.tensor_parallel=1, x"),
         "server.ini: [size] tensor_parallel: 'x' is not a count (a whole number, bare or "
         "with k, m, K or M)"),
    case("no_degree", size("size.tensor_parallel=0"),
         "server.ini: [size] tensor_parallel: '0' is less than 1"),
    case("stages_twice", size("size.pipeline_parallel=1, 2, 1"),
         "server.ini: [size] pipeline_parallel: a value is there twice, or none"),
    case("an_empty_limit", size("size.max_num_seqs=1,,3"),
         "server.ini: [size] max_num_seqs: a value is there twice, or none"),
    case("too_many_candidates",
         size("size.max_num_seqs=" + ",".join(map(str, range(1, 43))),
              "size.max_num_batched_tokens=" + ",".join(map(str, range(300, 343))),
              "size.tensor_parallel=1,2,3,4,5,6"),
         "server.ini: [size]: more than 10000 combinations"),
    case("a_metric_that_is_not_there", size("slo.require=p99_tft_ms<=7"),
         "server.ini: [slo] require: 'p99_tft_ms' is no metric of summary.csv that is a "
         "number"),
    case("a_request_that_never_fits", size("pool.main.num_gpu_blocks=5"),
         "day.csv:2: the request's 100 prompt and 20 output tokens need 8 KV blocks and the "
         "pool has 4; '[workload] unservable = reject' passes over it"),
    case("one_request", size("workload.limit=1"),
         "server.ini: [workload]: fewer than two requests say no rate"),
    case("all_at_once", size(config="once.ini"),
         "once.ini: [workload]: its requests arrive at one instant: there is no rate to size "
         "for",
         files={"once.ini": (SERVER + SLO).replace("day", "once"),
                "once.csv": broken.HEADER + 3 * "0.4,100,20\n"}),
    case("replicas_that_fail_by_name", size(config="broken.ini"),
         "broken.ini: [fail] events: names replicas, and size looks for their number; say mtbf "
         "and spot_mtbf instead",
         files={"broken.ini": SERVER + "replicas = 3\n" + SLO + "[fail]\nevents = events.csv\n",
                "events.csv": "time_s,kind,replica,duration_s\n0.2,fail,2,7\n"}),
    case("a_trace_on_standard_input", size("workload.trace=-"),
         "server.ini: [workload] trace: '-' is standard input, which cannot be read once per "
         "run"),
    case("clients_that_wait", size("workload.mode=closed", "workload.concurrency=3"),
         "server.ini: [workload] mode: closed has no rate: its clients send when they are "
         "answered; a study needs mode = open"),
    case("a_variant_that_cannot_be",
         size(more=["--over", "size.exclude=l4,h1000"]),
         "size: exclude=h1000: server.ini: [size] exclude: 'h1000' is not known: there is no "
         "configs/accelerators/h1000.ini (see 'servesim list accelerators')"),
    case("a_folder_that_exists", size(), "-o new: exists already; --overwrite replaces it",
         files={"new": None}),
    case("a_folder_of_other_things", size(more=["--overwrite"]),
         "-o new: holds 'chapter.tex', which no results do: not overwritten",
         files={"new/size.csv": "mine", "new/chapter.tex": "x"}),
    case("a_fleet_that_is_replaced", size(more=["--overwrite"]), "",
         files={"new/size.csv": "mine", "new/fleet.ini": "x"}, code=DONE, leaves=("new",)),
]


def rows_of(folder, *settings):
    broken.make(folder, {**FILES, **CONFIGS})
    code, _, stderr = broken.execute(size(*settings), folder)
    if code != DONE or stderr:
        return None, f"exit {code}: {stderr!r}"
    text = (folder / "new/size.csv").read_text(encoding="ascii")
    return list(csv.DictReader(io.StringIO(text))), None


def reasons(name, settings, wants):
    """Every candidate's outcome, and how its reason begins."""
    with broken.work_folder() as folder:
        rows, fault = rows_of(pathlib.Path(folder), *settings)
        if fault:
            yield fault
            return
        got = [(row["first"], row["outcome"], row["reason"]) for row in rows]
        for (first, outcome, reason), (label, said, begins) in zip(got, wants, strict=True):
            if first != label or outcome != said or not reason.startswith(begins):
                yield f"{first}: {outcome}: {reason!r} instead of {label}: {said}: {begins!r}"


ANSWERS = (
    ("what_does_not_fit", ("size.accelerators=l40s, b200-sxm",
                           "pool.main.model=llama-3.1-70b"),
     [("l40s", "refused", "llama-3.1-70b does not fit on 1 x l40s: "),
      ("b200-sxm", "meets", "slo_attainment 1, bound 0.99")]),
    ("what_is_never_fast_enough", ("slo.tpot_ms=5", "study.warmup=0", "study.cooldown=0",
                                   "size.accelerators=l4"),
     [("l4", "never", "66.7 % of the requests miss the SLO even on an idle replica")]),
    ("more_than_the_limit_of_gpus", ("size.tensor_parallel=4", "size.most_gpus=3"),
     [("h100-sxm tp 4", "never", "needs 1 replicas or more by the roofline, and 0 is the "
                                 "limit")]),
    ("what_nobody_has_a_price_of",
     ("pool.main.usd_per_hour=0", "size.tensor_parallel=1, 2"),
     [("h100-sxm tp 1", "meets", "slo_attainment 1"), ("h100-sxm tp 2", "pruned", "")]),
    ("a_layout_that_cannot_be", ("size.tensor_parallel=1, 3",),
     [("h100-sxm tp 1", "meets", "slo_attainment 1"), ("h100-sxm tp 3", "refused", "")]),
)


def main():
    report = broken.Report()
    report.add_cases(CASES)
    for name, settings, wants in ANSWERS:
        report.add(name, reasons(name, settings, wants))
    report.end()


if __name__ == "__main__":
    main()
