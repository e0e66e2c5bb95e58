#!/usr/bin/env python3
"""validate: its CSV says how each row was measured, whatever others named things, and its
worst rows are told apart."""

import csv
import os
import pathlib
import subprocess
import sys
import tempfile

SERVESIM = str(pathlib.Path(os.environ.get("SERVESIM", "build/dev/servesim")).resolve())
CLOSED = ("src,model,system,prec,isl,osl,conc,tp,ttft_ms,tpot_ms\n"
          '"a, ""b""",llama-3.1-8b,h100_sxm,bf16,211,73,7,1,21,8.3\n'
          "c,llama-3.1-8b,h100_sxm,bf16,211,73,7,3,21,8.3\n")
REQUESTS = ("id,arrival_s,prompt_tokens,output_tokens,ttft_ms,tpot_ms,latency_ms\n"
            "0,0.0,211,73,21,8.3,620\n")
STEPS = ("model,hardware,tensor_parallel,prompt_size,batch_size,token_size,prompt_time,"
         "token_time\nllama-3.1-8b,h100_sxm,2,511,13,97,101,6.1\n")
SERVER = ("[workload]\ntrace = day.csv\n[pool.main]\naccelerator = h100-sxm\n"
          "model = llama-3.1-8b\nengine = vllm\npolicy = vllm-v1\ntensor_parallel = 2\n")


def validate(folder, content, *more):
    (folder / "m.csv").write_text(content)
    (folder / "server.ini").write_text(SERVER)
    done = subprocess.run([SERVESIM, "validate", "m.csv", *more, "-o", "out.csv"], cwd=folder,
                          check=True, capture_output=True, text=True)
    with (folder / "out.csv").open(newline="") as file:
        return done.stdout, list(csv.DictReader(file))


def wrong(rows, **expected):
    return [f"{key} is {rows[0][key]!r}, expected {value!r}"
            for key, value in expected.items() if rows[0][key] != value]


def names_with_commas_and_quotes_stay_one_column(folder):
    _, rows = validate(folder, CLOSED)
    return wrong(rows, source='a, "b"', tp="1", concurrency="7", refusal="") + wrong(
        rows[1:], source="c", tp="3",
        refusal="[pool.measured]: tensor_parallel: 3 does not divide the 32 heads and 8 KV "
                "heads of llama-3.1-8b evenly")


def a_request_has_its_own_tokens_and_the_layout_of_its_server(folder):
    said, rows = validate(folder, REQUESTS, "server.ini")
    faults = [] if "\n  line 2     211/73 tokens: measured" in said else [said]
    return faults + wrong(rows, tp="2", pp="1", prompt_tokens="211", output_tokens="73")


def a_step_has_its_batch(folder):
    said, rows = validate(folder, STEPS)
    named = "\n  line 2     llama-3.1-8b h100_sxm tp 2, 13 x 511 tokens: measured"
    return ([] if named in said else [said]) + wrong(
        rows, tp="2", prompt_tokens="511", output_tokens="97", concurrency="13")


TESTS = [names_with_commas_and_quotes_stay_one_column,
         a_request_has_its_own_tokens_and_the_layout_of_its_server, a_step_has_its_batch]


def main():
    n_failed = 0
    for test in TESTS:
        with tempfile.TemporaryDirectory(prefix="servesim-test-") as name:
            faults = test(pathlib.Path(name))
        n_failed += bool(faults)
        for fault in faults:
            print(f"FAILED: {test.__name__}: {fault}")
    print(f"{len(TESTS)} tests, {n_failed} failed")
    sys.exit(1 if n_failed else 0)


main()
