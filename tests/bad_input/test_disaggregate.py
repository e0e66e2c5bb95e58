#!/usr/bin/env python3
"""disaggregate: pools that cannot work on the same requests are refused."""

import broken
from broken import Case

PREFILL = "[pool.p]\nrole = prefill\n"
DECODE = "[pool.d]\nrole = decode\n"
LINEAR = "cost = linear\nbase_us = 1000\nnum_gpu_blocks = 4099\n"
H100 = "accelerator = h100-sxm\nmodel = llama-3.1-8b\nengine = vllm\npolicy = vllm-v1\n"
WORKLOAD = "[workload]\ntrace = day.csv\n"


def world(name, text, says):
    return Case(name, ["run", "pd.ini", "-q", "-o", "out"], says,
                {"pd.ini": WORKLOAD + text})


CASES = [
    world("prompts_that_nobody_answers", PREFILL + LINEAR,
          "pd.ini:4: role: 'prefill' needs a pool with role = decode that serves the same "
          "requests, and there is none"),
    world("answers_to_no_prompts", DECODE + LINEAR,
          "pd.ini:4: role: 'decode' needs a pool with role = prefill that serves the same "
          "requests, and there is none"),
    world("a_step_that_those_who_run_could_fill",
          "[disaggregate]\nlinks = infinite\n" + PREFILL + LINEAR + DECODE + LINEAR
          + "max_num_batched_tokens = 13\nmax_num_seqs = 41\n",
          "pd.ini:15: max_num_batched_tokens: 13 is less than max_num_seqs = 41: sequences "
          "from other pools might never get a token (expected at least as many)"),
    world("a_role_that_is_not_there", "[pool.p]\nrole = encode\n" + LINEAR,
          "pd.ini:4: role: 'encode' is not one of both, prefill, decode"),
    world("a_batch_that_stays_together",
          "[disaggregate]\nlinks = infinite\n" + PREFILL + LINEAR + DECODE + LINEAR
          + "batching = static\n",
          "pd.ini:15: batching: 'static' keeps a batch together to its end, which a pool with "
          "role = decode cannot (expected another batching)"),
    world("a_mixed_batch_that_stays_together",
          "[disaggregate]\npolicy = splitwise\nkv_bytes_per_token = 41B\n" + PREFILL + LINEAR
          + DECODE + LINEAR + "[pool.m]\nbatching = dynamic\n" + LINEAR,
          "pd.ini:17: batching: 'dynamic' keeps a batch together to its end, which a pool with "
          "role = both cannot with [disaggregate] policy = splitwise (expected another "
          "batching)"),
    world("bytes_that_nobody_knows", PREFILL + LINEAR + DECODE + LINEAR,
          "pd.ini: [disaggregate] kv_bytes_per_token: must be given where a pool that is sent "
          "from, [pool.p], has no model"),
    world("another_precision", PREFILL + H100 + DECODE + H100 + "kv_precision = fp8\n",
          "pd.ini:15: kv_precision: [pool.p] sends it the KV cache of llama-3.1-8b, which "
          "has another kv_precision than its own llama-3.1-8b"),
    world("another_model", PREFILL + H100 + DECODE + H100.replace("3.1-8b", "3.2-1b"),
          "pd.ini:12: model: [pool.p] sends it the KV cache of llama-3.1-8b, which has "
          "another layers than its own llama-3.2-1b"),
    world("no_model_at_one_end", PREFILL + H100 + DECODE + LINEAR,
          "pd.ini: [pool.d] model: one of it and [pool.p], which it shares requests with, has "
          "a model and the other has none"),
    world("links_that_are_not_there", "[disaggregate]\nlinks = wifi\n" + LINEAR,
          "pd.ini:4: links: 'wifi' is not one of node, infinite"),
    world("a_bandwidth_below_nothing", "[disaggregate]\nbandwidth = -1\n" + LINEAR,
          "pd.ini:4: bandwidth: '-1' is less than 0 GB/s"),
]


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.end()


if __name__ == "__main__":
    main()
