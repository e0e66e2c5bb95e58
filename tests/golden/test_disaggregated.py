#!/usr/bin/env python3
"""disaggregated: prefill and decode pools on generated traffic: the same bytes in both ways to
run, nothing lost on the way, and what must be true of transfers whatever the traffic.
"""

import pathlib
import sys

import runs

KV_BYTES = 131072  # of a token of Llama-3.1-8B in BF16: 32 layers x 2 x 8 heads x 128 x 2 bytes

POOLS = """
[workload]
trace = -
[slo]
ttft_ms = 500
tpot_ms = 50
[disaggregate]
bandwidth = {bandwidth}
{more}
[pool.p]
role = prefill
accelerator = h100-sxm
model = llama-3.1-8b
engine = vllm
policy = vllm-v1
replicas = 2
[pool.d]
role = decode
accelerator = {decode}
model = llama-3.1-8b
engine = vllm
policy = {policy}
replicas = 2
num_gpu_blocks = {blocks}
[route]
policy = least_requests
"""


def config_of(root, bandwidth="50GB/s", more="", decode="h200-sxm", policy="vllm-v1",
              blocks=0):
    path = root / "config.ini"
    path.write_text(POOLS.format(bandwidth=bandwidth, more=more, decode=decode, policy=policy,
                                 blocks=blocks), encoding="utf-8")
    return path


def traffic(root, *settings):
    return f"workload.trace={runs.generate(root / 'made.csv', settings)}"


def requests_of(folder):
    return runs.read_table(folder / "requests.csv")


def ns(row, name):
    return runs.to_ns(row[name]) if row[name] else 0


def owner_faults(rows):
    """Requests whose time is not what its owners had."""
    owners = ("queue_s", "prefill_s", "decode_s", "stall_s", "recompute_s", "transfer_s")
    return [f"request {row['request_id']}: its owners' times are not its e2e_s" for row in rows
            if sum(ns(row, name) for name in owners) != ns(row, "e2e_s")]


def both_ways_write_the_same_bytes(root):
    """Tight blocks, slow links, impatient clients; then the configuration that was written."""
    faults = []
    made = traffic(root, "workload.requests=600", "arrivals.rate_rps=40")
    for i, (policy, more) in enumerate((
            ("vllm-v1", "overlap = layerwise\nnode_bandwidth = 0.3GB/s"),
            ("vllm-v0", "latency_us = 137\nmin_prompt_tokens = 300"),
            ("sglang", "policy = splitwise\noverflow_tokens = 40000"),
            ("sarathi", "links = infinite"), ("orca", ""))):
        config = config_of(root, "0.8GB/s", more, policy=policy, blocks=401)
        spans, plain, again = (root / f"{i}-{name}" for name in ("spans", "plain", "again"))
        settings = [made, "workload.unservable=reject", "workload.client_timeout=60s"]
        runs.run(config, spans, settings)
        runs.run(config, plain, settings, stepwise=True)
        runs.run(spans / "config.ini", again)
        faults += runs.differences(spans, plain) + runs.differences(spans, again)
        faults += owner_faults(requests_of(spans))
        if int(runs.read_summary(spans)["transfers"]) < 41:
            faults.append(f"{policy}: only {runs.read_summary(spans)['transfers']} transfers")
    return faults


def every_byte_arrives_and_none_twice(root):
    """Blocks in plenty: nobody computes anything again."""
    config = config_of(root, blocks=40001)
    runs.run(config, root / "out", [traffic(root, "workload.requests=1500")])
    rows, summary = requests_of(root / "out"), runs.read_summary(root / "out")
    sent = [row for row in rows if row["prefill_replica"]]
    expected = sum(int(row["prompt_tokens"]) for row in sent) * KV_BYTES
    took = sum(ns(row, "transfer_s") for row in sent)
    faults = owner_faults(rows)
    if len(sent) != sum(row["output_tokens"] != "1" for row in rows):
        faults.append(f"{len(sent)} requests were sent")
    if runs.to_ns(summary["transferred"]) != expected or int(summary["transfers"]) != len(sent):
        faults.append(f"{summary['transferred']} GB sent, expected {expected} bytes")
    if abs(took / len(sent) / 1e6 - float(summary["mean_transfer_ms"])) > 1e-5:
        faults.append(f"mean_transfer_ms is {summary['mean_transfer_ms']}")
    # alone on its links, a replica with one GPU sends 50 bytes in a nanosecond
    faults += [f"request {row['request_id']}: sent faster than its links are" for row in sent
               if ns(row, "transfer_s") * 50 < int(row["prompt_tokens"]) * KV_BYTES]
    return faults


def without_links_there_is_no_transfer_time(root):
    config = config_of(root, more="links = infinite", blocks=40001)
    runs.run(config, root / "out", [traffic(root, "workload.requests=1500")])
    rows, summary = requests_of(root / "out"), runs.read_summary(root / "out")
    faults = [f"request {row['request_id']}: transfer_s is {row['transfer_s']}" for row in rows
              if ns(row, "transfer_s") != 0]
    if float(summary["max_transfer_ms"]) != 0 or int(summary["transfers"]) < 1000:
        faults.append(f"{summary['transfers']} transfers, the longest of "
                      f"{summary['max_transfer_ms']} ms")
    return faults


def alone_a_request_does_not_notice(root):
    """Who has every replica to itself, over links without time, is served as by one alone."""
    rows = [(at * 100 * runs.SECOND, prompt, output) for at, (_, prompt, output)
            in enumerate(runs.read_trace(runs.generate(root / "made.csv",
                                                       ["workload.requests=137"])))]
    trace = f"workload.trace={runs.write_trace(root / 'apart.csv', rows)}"
    together = root / "together.ini"
    together.write_text(runs.SERVER, encoding="utf-8")
    runs.run(together, root / "one", [trace])
    runs.run(config_of(root, more="links = infinite", decode="h100-sxm", blocks=0),
             root / "two", [trace])
    names = ("first_token_s", "finish_s", "prefill_s", "decode_s", "max_itl_s", "energy_j",
             "cost_usd")
    return [f"request {one['request_id']}: {name} is {two[name]} and was {one[name]}"
            for one, two in zip(requests_of(root / "one"), requests_of(root / "two"))
            for name in names if one[name] != two[name]]


def slow_links_hold_prefill_back(root):
    """Blocks stay held until they are sent: where links are slow, prompts wait for blocks."""
    made = traffic(root, "workload.requests=1000", "arrivals.rate_rps=30")
    tight = [made, "pool.p.num_gpu_blocks=1001"]
    runs.run(config_of(root, "1000GB/s"), root / "fast", tight)
    runs.run(config_of(root, "1GB/s"), root / "slow", tight)
    fast, slow = (runs.read_summary(root / name) for name in ("fast", "slow"))
    if not float(slow["mean_queue_ms"]) > 10 * float(fast["mean_queue_ms"]) + 100:
        return [f"queue {fast['mean_queue_ms']} ms, and {slow['mean_queue_ms']} ms behind slow "
                f"links (busy {slow['link_busy']})"]
    return []


TESTS = (both_ways_write_the_same_bytes, every_byte_arrives_and_none_twice,
         without_links_there_is_no_transfer_time, alone_a_request_does_not_notice,
         slow_links_hold_prefill_back)


def main():
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
