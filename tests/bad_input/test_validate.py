#!/usr/bin/env python3
"""validate: what `servesim validate` refuses is said in one sentence, and nothing is
written."""

import broken

HEADER = "model,system,backend,backend_version,prec,isl,osl,conc,tp,ttft_ms,tpot_ms\n"
UNKNOWN = (HEADER + "llama-3.1-8b,h100_sxm,llamacpp,0.1,bf16,211,73,4,1,20,8\n"
           "llama-3.1-8b,h100_sxm,vllm,0.1,bf16,211,73,4,3,20,8\n")
LONG = ("experiment,stage,model,hardware,tp,workload,precision,max_num_batched_tokens,"
        "max_num_seqs,total_kv_blocks,gpu_mem_util,stages,system_prompt_len,question_len,"
        "output_len,ttft_mean_ms,ttft_p90_ms,ttft_p99_ms,e2e_mean_ms,e2e_p90_ms,e2e_p99_ms,"
        "itl_mean_ms\n"
        "long,0,llama-3.1-8b,H100,1,chat,FP16,2048,128,8253,0.9,2.5x1000000000,100,447,248,"
        "62,74,106,5270,5836,6001,21\n")

CASES = [
    broken.Case("stages_that_would_take_hours", ["validate", "long.csv"],
                "long.csv: none of its 1 rows can be predicted; the first, of line 2: stages: "
                "about 2500000000 requests are more than ten million",
                files={"long.csv": LONG}),
    broken.Case("no_row_that_can_be_predicted", ["validate", "unknown.csv", "-o", "out.csv"],
                "unknown.csv: none of its 2 rows can be predicted; the first, of line 2: "
                "backend: 'llamacpp' is not vllm, sglang or trtllm",
                files={"unknown.csv": UNKNOWN}),
    broken.Case("a_file_without_rows", ["validate", "none.csv"],
                "none.csv: holds no measurements", files={"none.csv": HEADER}),
]


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.end()


if __name__ == "__main__":
    main()
