#!/usr/bin/env python3
"""calibrate: what `servesim calibrate` refuses is said in one sentence, and nothing is
written."""

import broken
from broken import USAGE

HEADER = "model,system,backend,backend_version,prec,isl,osl,conc,tp,ttft_ms,tpot_ms\n"
ONE = HEADER + "llama-3.1-8b,h100_sxm,vllm,0.17.0,bf16,211,73,4,1,20,8\n"
TWO = ONE + "llama-3.1-8b,h100_sxm,vllm,0.17.0,bf16,211,73,16,2,20,8\n"
UNKNOWN = HEADER + "llama-3.1-8b,h100_sxm,llamacpp,0.1,bf16,211,73,4,1,20,8\n"
FILES = {"one.csv": ONE, "two.csv": TWO, "unknown.csv": UNKNOWN, "none.csv": HEADER}


def case(name, arguments, says, **others):
    return broken.Case(name, ["calibrate", *arguments], says, files=FILES, **others)


def fit_case(name, keys, says):
    return case(name, ["one.csv", "--fit", keys, "-o", "engine.ini"], says)


NOT_A_SPEED = ("is not a speed that could be fitted; expected efficiencies, overlaps and "
               "overheads")
CASES = [
    fit_case("a_misspelt_constant", "memory_eficiency",
             "--fit: 'memory_eficiency' is not a constant of an engine; did you mean "
             "'memory_efficiency'?"),
    fit_case("a_constant_like_no_other", "warp_factor",
             "--fit: 'warp_factor' is not a constant of an engine (see 'servesim list "
             "keys')"),
    fit_case("a_constant_that_is_a_text", "engine_source", f"--fit: engine_source {NOT_A_SPEED}"),
    fit_case("a_constant_that_is_a_choice", "attention_kernel",
             f"--fit: attention_kernel {NOT_A_SPEED}"),
    fit_case("a_constant_that_follows_from_the_fit", "tpot_sd", f"--fit: tpot_sd {NOT_A_SPEED}"),
    fit_case("a_constant_named_twice", "overlap,knee_tokens,overlap",
             "--fit: overlap is named twice"),
    fit_case("more_constants_than_numbers",
             "memory_efficiency,compute_efficiency,layer_overhead_us",
             "one.csv: 2 measured numbers cannot give 3 constants; name fewer with --fit"),
    case("no_rows", ["none.csv"], "none.csv: holds no measurements"),
    case("no_rows_of_that_engine", ["one.csv", "--engine", "sglang"],
         "--engine: one.csv has no rows of 'sglang'; it has vllm"),
    case("no_row_that_can_be_predicted", ["unknown.csv"],
         "unknown.csv: none of its 1 rows can be predicted; the first: backend: 'llamacpp' "
         "is not vllm, sglang or trtllm"),
    case("an_unknown_loss", ["one.csv", "--loss", "cubes"],
         "--loss: 'cubes' is not huber, cauchy or squares"),
    case("an_unknown_fold", ["one.csv", "--hold-out", "day"],
         "--hold-out: 'day' is not model, system, backend or none"),
    case("no_threads", ["one.csv", "--threads", "0"],
         "--threads: '0' is not a number from 1 to 256"),
    case("threads_that_are_no_number", ["one.csv", "--threads", "4x"],
         "--threads: '4x' is not a number from 1 to 256"),
    case("a_setting_without_a_config", ["one.csv", "-s", "pool.main.overlap=0"],
         "-s: changes a CONFIG, and none is given"),
    case("a_file_that_is_not_there", ["gone.csv"],
         "gone.csv: cannot be opened: No such file or directory"),
    case("a_scale_of_two_deployments", ["--scale", "two.csv"],
         "two.csv: holds 2 deployments, and a scale is of one: llama-3.1-8b on h100_sxm with "
         "vllm 0.17.0 tp 1, llama-3.1-8b on h100_sxm with vllm 0.17.0 tp 2"),
    case("a_plan_for_a_server_without_constants", ["--plan", "linear.ini"],
         "linear.ini: [pool.main] cost: linear has no constants to measure"),
    case("a_plan_and_a_scale", ["--plan", "--scale", "one.csv"],
         "calibrate: --plan and --scale: give one of them", code=USAGE),
    case("a_plan_of_measurements", ["--plan", "one.csv", "server.ini"],
         "calibrate: --plan: needs a CONFIG and no measurements", code=USAGE),
    case("a_scale_that_would_be_written", ["--scale", "one.csv", "-o", "engine.ini"],
         "calibrate: -o, --hold-out and --loss: only for a fit", code=USAGE),
    case("a_scale_of_a_constant", ["--scale", "one.csv", "--fit", "overlap"],
         "calibrate: --fit: a scale has no constants", code=USAGE),
    case("a_folder_for_a_file", ["one.csv", "--fit", "layer_overhead_us", "-o", "out"],
         "-o out: is a folder"),
]
CASES[-1].files["out"] = None


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.end()


if __name__ == "__main__":
    main()
