#!/usr/bin/env python3
"""validate: what `servesim validate` refuses is said in one sentence, and nothing is
written."""

import broken

HEADER = "model,system,backend,backend_version,prec,isl,osl,conc,tp,ttft_ms,tpot_ms\n"
UNKNOWN = (HEADER + "llama-3.1-8b,h100_sxm,llamacpp,0.1,bf16,211,73,4,1,20,8\n"
           "llama-3.1-8b,h100_sxm,vllm,0.1,bf16,211,73,4,3,20,8\n")

CASES = [
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
