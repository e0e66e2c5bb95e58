#!/usr/bin/env python3
"""reuse: what `trace stats` says of Mooncake's traces, against the reference figures that come
with them and against what the engine's prefix cache finds in the same requests.
"""

import json
import pathlib
import sys

import runs

MOONCAKE = pathlib.Path("../shared/traces/mooncake")
FIGURES = pathlib.Path("../shared/traces/mooncake_reuse.json")
NAMES = ("conversation", "synthetic")
BLOCK = 512
SKIPPED = 77

# Steps of a nanosecond, and room for everything: nobody waits, nothing is forgotten.
INSTANT = """
[workload]
trace = -
[pool.main]
batching = unified
cost = linear
base_us = 0.001
block_size = 512
num_gpu_blocks = 1000000
max_num_seqs = 100000
max_num_batched_tokens = 1000000000
"""


def trace_of(name):
    return MOONCAKE / f"{name}_trace.jsonl"


def rows_of(name):
    with open(trace_of(name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def stats(root, name, *options):
    runs.execute(["trace", "stats", trace_of(name), "-o", root / "stats.csv", *options])
    return {row["metric"]: row["value"] for row in runs.read_table(root / "stats.csv")}


def cached_tokens(root, name, *settings):
    """What the engine found, request by request."""
    (root / "instant.ini").write_text(INSTANT, encoding="utf-8")
    runs.run(root / "instant.ini", root / "out", [f"workload.trace={trace_of(name)}", *settings])
    found = int(runs.read_summary(root / "out")["prefix_cache_hit_tokens"])
    cached = [int(row["cached_tokens"]) for row in runs.read_table(root / "out" / "requests.csv")]
    assert found == sum(cached), f"summary.csv has {found}, requests.csv {sum(cached)}"
    return cached


def the_reference_figures_come_out(root):
    """Ideal hit rates of blocks and tokens, and the LRU curve, to the last decimal."""
    faults = []
    for reference in json.loads(FIGURES.read_text(encoding="utf-8")):
        curve = reference["lru_block_hit_by_capacity_blocks"]
        seen = stats(root, reference["trace"], "--cache-blocks", ",".join(curve))
        expected = {"requests": reference["requests"], "blocks": reference["blocks_total"],
                    "unique_blocks": reference["blocks_unique"],
                    "ideal_block_hit_rate": reference["ideal_block_hit"],
                    "ideal_token_hit_rate": reference["ideal_token_hit"],
                    **{f"lru_block_hit_rate_{n}": rate for n, rate in curve.items()}}
        faults += [f"{reference['trace']}: {key} is {seen[key]}, the reference has {value}"
                   for key, value in expected.items()
                   if abs(float(seen[key]) - value) > (5.1e-5 if "lru" in key else 5.1e-7)]
    return faults


def what_a_server_cannot_share(row, seen):
    """(all that the ids share, of that the tokens that full blocks do not hold).

    The block at the end of a prompt is not full, so nobody finds it; and where it is full,
    a prompt that is found as a whole still has its last token, so its last block, computed.
    """
    shared = 0
    for number, block in enumerate(row["hash_ids"]):
        if block not in seen:
            break
        shared += min(BLOCK, row["input_length"] - number * BLOCK)
    full = min(shared, row["input_length"] - 1) // BLOCK * BLOCK
    return shared, shared - full


def the_engine_finds_what_the_ids_share_but_for_blocks_at_the_end(root):
    """Of each request.  Answers are in no block of these ids, nor does the engine know theirs:
    the next prompt that repeats an answer computes it."""
    faults = []
    for name in NAMES:
        seen, expected, all_shared, lost = set(), [], 0, 0
        for row in rows_of(name):
            shared, beyond = what_a_server_cannot_share(row, seen)
            expected.append(shared - beyond)
            all_shared, lost = all_shared + shared, lost + beyond
            seen.update(row["hash_ids"])
        found = cached_tokens(root / name, name)
        whole = int(stats(root, name)["ideal_hit_tokens"])
        full = int(stats(root, name, "--block-tokens", str(BLOCK))["ideal_hit_tokens"])
        faults += [f"{name}: request {i}: {a} cached tokens, the ids share {b}"
                   for i, (a, b) in enumerate(zip(found, expected)) if a != b][:3]
        if not (whole == all_shared and full == whole - lost == sum(found) and lost > 0):
            faults.append(f"{name}: {whole} shared, {lost} at the end, {full} in full blocks, "
                          f"{sum(found)} found")
    return faults


def small_blocks_lose_less_at_the_end(root):
    """The ids' texts are cut into the server's own blocks."""
    found = sum(cached_tokens(root, "synthetic", "pool.main.block_size=16",
                              "pool.main.num_gpu_blocks=9000000"))
    told = int(stats(root, "synthetic", "--block-tokens", "16")["ideal_hit_tokens"])
    whole = int(stats(root, "synthetic")["ideal_hit_tokens"])
    return [] if found == told and 0 < whole - told < 3993 * 16 else [
        f"{found} tokens found, {told} told, of {whole}"]


def a_full_cache_forgets_by_the_same_rule(root):
    """Requests one by one: the engine finds a little less, for answers and the ends of prompts
    take room too while they are being made."""
    faults = []
    for blocks in (3000, 30000):
        found = cached_tokens(root / str(blocks), "synthetic", "workload.mode=closed",
                              "workload.concurrency=1", f"pool.main.num_gpu_blocks={blocks + 1}")
        told = float(stats(root, "synthetic", "--block-tokens", str(BLOCK), "--cache-blocks",
                           str(blocks))[f"lru_token_hit_rate_{blocks}"])
        rate = sum(found) / sum(row["input_length"] for row in rows_of("synthetic"))
        if not told - 0.01 < rate <= told:
            faults.append(f"{blocks} blocks: {rate:.4f} found, {told:.4f} told")
    return faults


def a_session_that_is_inferred_finds_what_the_bound_says_but_for_its_last_blocks(root):
    """Prompts and answers of turns, the last token of an answer excepted, in full blocks."""
    rows = [(row["timestamp"] * 10**6, row["input_length"], row["output_length"])
            for row in rows_of("conversation")]
    trace = runs.write_trace(root / "untold.csv", rows)
    runs.execute(["trace", "stats", trace, "-o", root / "untold_stats.csv"])
    told = {row["metric"]: row["value"] for row in runs.read_table(root / "untold_stats.csv")}
    (root / "instant.ini").write_text(INSTANT, encoding="utf-8")
    runs.run(root / "instant.ini", root / "out",
             [f"workload.trace={trace}", "workload.infer_sessions=yes", "pool.main.block_size=16",
              "pool.main.num_gpu_blocks=20000000"])
    found = int(runs.read_summary(root / "out")["prefix_cache_hit_tokens"])
    n_tokens = sum(prompt for _, prompt, _ in rows)
    bound = float(told["token_hit_rate_upper"]) * n_tokens
    lost = (bound - found) / int(told["inferred_continuations"])
    return [] if 1 <= lost <= 16 else [
        f"{found / n_tokens:.6f} found, {bound / n_tokens:.6f} told: {lost:.1f} tokens a turn"]


TESTS = (the_reference_figures_come_out,
         the_engine_finds_what_the_ids_share_but_for_blocks_at_the_end,
         small_blocks_lose_less_at_the_end,
         a_full_cache_forgets_by_the_same_rule,
         a_session_that_is_inferred_finds_what_the_bound_says_but_for_its_last_blocks)


def main():
    if not all(path.exists() for path in (FIGURES, *map(trace_of, NAMES))):
        print(f"skipped: {MOONCAKE} is not there")
        sys.exit(SKIPPED)
    n_failed = 0
    for test in TESTS:
        with runs.work_folder() as folder:
            root = pathlib.Path(folder)
            for name in (*NAMES, "3000", "30000"):
                (root / name).mkdir()
            faults = test(root)
        n_failed += bool(faults)
        print(f"{'FAILED' if faults else 'ok'}: {test.__name__}")
        for fault in faults[:5]:
            print(f"  {fault}")
    sys.exit(1 if n_failed else 0)


if __name__ == "__main__":
    main()
