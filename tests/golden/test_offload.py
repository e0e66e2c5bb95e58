#!/usr/bin/env python3
"""offload: what a prefix cache finds when host memory and disk stand behind it, against LRU
caches of the same size, and what a KV cache in FP8 does for it.
"""

import pathlib
import sys

import runs

MOONCAKE = pathlib.Path("../shared/traces/mooncake/synthetic_trace.jsonl")
BLOCK = 512
SKIPPED = 77
GPU, HOST, DISK = 3000, 6000, 21000

# Requests one by one, and room for every one of them.
ONE_BY_ONE = f"""
[workload]
trace = {MOONCAKE}
mode = closed
concurrency = 1
[offload]
fetch = always
[pool.main]
batching = unified
cost = linear
base_us = 1
block_size = {BLOCK}
num_gpu_blocks = {GPU + 1}
max_num_batched_tokens = 1000000
[output]
itl = no
"""


def summary(root, name, settings):
    (root / "one.ini").write_text(ONE_BY_ONE, encoding="utf-8")
    runs.run(root / "one.ini", root / name, settings)
    return runs.read_summary(root / name)


def told_rates(root):
    """Hit rates of LRU caches by their blocks."""
    sizes = (GPU, GPU + HOST, GPU + HOST + DISK)
    runs.execute(["trace", "stats", MOONCAKE, "-o", root / "stats.csv", "--block-tokens",
                  str(BLOCK), "--cache-blocks", ",".join(map(str, sizes))])
    stats = {row["metric"]: row["value"] for row in runs.read_table(root / "stats.csv")}
    return [float(stats[f"lru_token_hit_rate_{size}"]) for size in sizes]


def tiers_find_nearly_what_one_larger_cache_does(root):
    """A little less, for what was fetched stays in its tier, and so is there twice."""
    host, disk = f"offload.host_blocks={HOST}", f"offload.disk_blocks={DISK}"
    faults = []
    for name, settings, told in zip(("gpu", "host", "disk"), ([], [host], [host, disk]),
                                    told_rates(root)):
        found = summary(root, name, settings)
        rate = float(found["prefix_cache_hit_rate"])
        if not told - 0.03 < rate < told:
            faults.append(f"{name}: {rate:.4f} found, {told:.4f} told")
        from_host, from_disk = int(found["host_hit_tokens"]), int(found["disk_hit_tokens"])
        if (from_host > 0, from_disk > 0) != (name != "gpu", name == "disk"):
            faults.append(f"{name}: {from_host} tokens from host memory, {from_disk} from disk")
        if from_host + from_disk != BLOCK * int(found["fetched_blocks"]):
            faults.append(f"{name}: {found['fetched_blocks']} blocks, {from_host} and "
                          f"{from_disk} tokens")
    return faults


def fetching_never_is_as_if_there_were_no_tier(root):
    """But for what was written, and what the configuration says."""
    tier = f"offload.host_blocks={HOST}"
    none, never = summary(root, "none", []), summary(root, "never", [tier, "offload.fetch=never"])
    differ = {name for name in none if none[name] != never[name]}
    return [] if differ == {"offloaded_blocks"} else [f"{sorted(differ)} differ"]


def a_cache_in_fp8_has_twice_the_blocks_and_finds_what_these_find(root):
    (root / "server.ini").write_text(runs.SERVER, encoding="utf-8")
    shared = [f"workload.trace={MOONCAKE}", "workload.mode=closed", "workload.concurrency=1",
              "workload.limit=1370", "pool.main.max_model_len=200000"]
    blocks, rates = {}, {}
    for name, settings in (("bf16", ["pool.main.kv_precision=bf16"]),
                           ("fp8", ["pool.main.kv_precision=fp8"]),
                           ("more", ["pool.main.kv_precision=bf16"])):
        if name == "more":
            settings.append(f"pool.main.num_gpu_blocks={blocks['fp8']}")
        runs.run(root / "server.ini", root / f"kv-{name}", shared + settings)
        blocks[name] = int(next(row for row in runs.read_table(root / f"kv-{name}" / "timeline.csv"))
                           ["kv_total_blocks"]) + 1
        rates[name] = runs.read_summary(root / f"kv-{name}")["prefix_cache_hit_tokens"]
    faults = []
    if not 2 * blocks["bf16"] <= blocks["fp8"] <= 2 * blocks["bf16"] + 1:
        faults.append(f"{blocks['bf16']} blocks in BF16, {blocks['fp8']} in FP8")
    if not (int(rates["bf16"]) < int(rates["fp8"]) and rates["fp8"] == rates["more"]):
        faults.append(f"hit tokens: {rates}")
    return faults


TESTS = (tiers_find_nearly_what_one_larger_cache_does,
         fetching_never_is_as_if_there_were_no_tier,
         a_cache_in_fp8_has_twice_the_blocks_and_finds_what_these_find)


def main():
    if not MOONCAKE.exists():
        print(f"skipped: {MOONCAKE} is not there")
        sys.exit(SKIPPED)
    n_failed = 0
    for test in TESTS:
        with runs.work_folder() as folder:
            faults = test(pathlib.Path(folder))
        n_failed += bool(faults)
        print(f"{'FAILED' if faults else 'ok'}: {test.__name__}")
        for fault in faults[:5]:
            print(f"  {fault}")
    sys.exit(1 if n_failed else 0)


if __name__ == "__main__":
    main()
