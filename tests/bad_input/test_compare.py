#!/usr/bin/env python3
"""compare: what `servesim compare` refuses is said in one sentence that names the variant,
and nothing is written."""

import broken
from broken import LINEAR, Case

SEQS = "pool.main.max_num_seqs"
LONG = ",".join(map(str, range(1, 38)))


def compare(*overs, config="linear.ini", more=()):
    """The arguments; -o, so that a result would be seen."""
    return ["compare", config, *(word for over in overs for word in ("--over", over)),
            "-o", "new", *more]


CASES = [
    Case("nothing_varies", compare(),
         "linear.ini: nothing varies: give --over section.key=v1,v2,... or a section "
         "[over]"),
    Case("no_equals_sign", compare(SEQS),
         f"--over {SEQS}: this is not section.key=v1,v2,..."),
    Case("no_section", compare("max_num_seqs=3,7"),
         "--over max_num_seqs=3,7: 'max_num_seqs' is not section.key"),
    Case("no_value", compare(f"{SEQS}="), f"--over {SEQS}=: one of its values is empty"),
    Case("an_empty_value", compare(f"{SEQS}=3,,7"),
         f"--over {SEQS}=3,,7: one of its values is empty"),
    Case("a_comma_at_the_end", compare(f"{SEQS}=3,7, "),
         f"--over {SEQS}=3,7, : one of its values is empty"),
    Case("a_value_twice", compare(f"{SEQS}=3,7, 3"),
         f"--over {SEQS}=3,7, 3: '3' is there twice"),
    Case("a_key_twice", compare(f"{SEQS}=3,7", "pool.main.max_num_batched_tokens=211",
                                f"{SEQS}=13"),
         f"--over {SEQS}=13: '{SEQS}' is varied twice"),
    Case("too_many_variants", compare(f"{SEQS}={LONG}",
                                      f"pool.main.num_gpu_blocks={LONG}"),
         "--over: more than 1000 variants"),
    Case("a_section_over_that_is_wrong", compare(config="over.ini"),
         f"over.ini: [over] {SEQS}=3,7,3: '3' is there twice",
         files={"over.ini": LINEAR + f"[over]\nseqs = {SEQS}=3,7,3\n"}),
    Case("a_key_that_is_not_there", compare("pool.main.max_num_seq=3,7"),
         "compare: max_num_seq=3: -s pool.main.max_num_seq=3: [pool.main] unknown key "
         "'max_num_seq' (did you mean 'max_num_seqs'?)"),
    Case("a_value_that_is_none", compare(f"{SEQS}=3,x"),
         f"compare: max_num_seqs=x: -s {SEQS}=x: 'x' is not a count (a "
         "whole number, bare or with k, m, K or M)"),
    Case("a_policy_that_is_not_there", compare("pool.main.policy=vllm-v1,magic"),
         "compare: policy=magic: -s pool.main.policy=magic: 'magic' is not known: there is no "
         "configs/policies/magic.ini (see 'servesim list policies')"),
    Case("a_variant_that_cannot_be",
         compare("workload.mode=open,closed", "workload.concurrency=0"),
         "compare: mode=closed concurrency=0: linear.ini: [workload] concurrency: must be "
         "given with mode = closed"),
    Case("a_variant_that_fails_as_it_runs",
         compare("workload.limit=2,3", "pool.main.num_gpu_blocks=4099,19"),
         "compare: limit=3 num_gpu_blocks=19: day.csv:4: the request's 300 prompt and 33 "
         "output tokens need 21 KV blocks and the pool has 18; '[workload] unservable = "
         "reject' passes over it"),
    Case("a_variant_without_memory",
         compare("pool.main.model=llama-3.1-8b,llama-3.1-70b", config="server.ini"),
         "compare: model=llama-3.1-70b: server.ini: [pool.main]: llama-3.1-70b does not fit "
         "on 1 x h100-sxm: one GPU has 76968 MB to use (85520 MB x gpu_memory_utilization), "
         "weights take 141107 MB, activations 1946 MB, runtime 600 MB, and two KV blocks 10 "
         "MB; raise tensor_parallel or gpu_memory_utilization"),
    Case("a_base_that_is_wrong", compare(f"{SEQS}=3,7", config="bad.ini"),
         "bad.ini:2: [workload] unknown key 'traces' (did you mean 'trace'?)",
         files={"bad.ini": LINEAR.replace("trace", "traces")}),
    Case("a_base_that_is_not_there", compare(f"{SEQS}=3,7", config="gone.ini"),
         "gone.ini: cannot be opened: No such file or directory"),
    Case("a_trace_on_standard_input",
         compare(f"{SEQS}=3,7", more=["-s", "workload.trace=-"]),
         "linear.ini: [workload] trace: '-' is standard input, which cannot be read once "
         "per variant"),
    Case("a_variant_on_standard_input", compare("workload.trace=day.csv,-"),
         "compare: trace=-: linear.ini: [workload] trace: '-' is standard input, which "
         "cannot be read once per variant"),
    Case("a_trace_with_a_bad_row", compare(f"{SEQS}=3,7"),
         "compare: max_num_seqs=3: day.csv:3: output_tokens: 'x' is not a positive integer",
         files={"day.csv": broken.TRACE.replace("0.5,7,1", "0.5,7,x")}),
    Case("a_folder_that_exists", compare(f"{SEQS}=3,7"),
         "-o new: exists already; --overwrite replaces it", files={"new": None}),
    Case("a_folder_of_other_things", compare(f"{SEQS}=3,7", more=["--overwrite"]),
         "-o new: holds 'chapter.tex', which no results do: not overwritten",
         files={"new/compare.csv": "mine", "new/chapter.tex": "x"}),
    Case("no_threads", compare(f"{SEQS}=3,7", more=["--threads", "0"]),
         "--threads: '0' is not a number from 1 to 256"),
    Case("threads_that_are_no_number", compare(f"{SEQS}=3,7", more=["--threads", "2x"]),
         "--threads: '2x' is not a number from 1 to 256"),
]


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.end()


if __name__ == "__main__":
    main()
