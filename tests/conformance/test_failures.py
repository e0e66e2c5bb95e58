#!/usr/bin/env python3
"""failures: what a failure at a known instant costs a request, worked out by hand.

A step takes 10 ms, 0.1 ms for each token of a prompt and 1 ms for each decode.  A request of
50 + 3 tokens alone on a replica that it reaches at 0 is prefilled until 15 ms and decodes
until 26 and 37 ms.  Times are in ms; every case runs in spans, step by step, and with every
step written, and the results are the same bytes.
"""

import sys
import tempfile
import pathlib
from fractions import Fraction

sys.path.insert(0, "tests/golden")
import runs  # noqa: E402

CONFIG = """
[workload]
trace = {trace}
[output]
interval = 0.00137
[pool.main]
cost = linear
base_us = 10000
prefill_token_us = 100
decode_seq_us = 1000
num_gpu_blocks = 4099
replicas = 2
usd_per_hour = 3.6
idle_power = 41
tdp = 137
[scale.main]
image_s = 0
storage_bandwidth = 0
graph_capture_s = 0
[fail]
events = {events}
"""
HEADER = "time_s,kind,replica,node,duration_s,notice_s,factor{}\n"
ONE = [(0, 50, 3)]
OWNERS = ("queue", "prefill", "decode", "stall", "recompute", "transfer")


class Case:
    """Requests (arrival in ms, prompt, output), events as rows, settings; then what must come
    out: of each request the given columns, of the summary the given metrics."""

    def __init__(self, name, requests, events, settings, rows, metrics):
        self.name, self.requests, self.events = name, requests, events
        self.settings, self.rows, self.metrics = settings, rows, metrics


def row(finish=None, **others):
    columns = {f"{name}_s": 0 for name in OWNERS}
    columns.update({"attempts": "1", "reason": "", "status": "completed"})
    if finish is not None:
        columns["finish_s"] = finish
    for name, value in others.items():
        columns[name if name in ("attempts", "reason", "status", "replica") else f"{name}_s"] = value
    return columns


MIGRATE = ("fail.on_failure=migrate",)
SPLIT = (*MIGRATE, "disaggregate.links=infinite", "pool.main.role=prefill",
         "pool.main.replicas=1", "pool.d.role=decode", "pool.d.replicas=2",
         *(f"pool.d.{key}" for key in ("cost=linear", "base_us=10000", "prefill_token_us=100",
                                       "decode_seq_us=1000", "num_gpu_blocks=4099")))
CASES = [
    Case("nothing_fails", ONE, ["9,fail,0,,,,"], (),
         [row(37, ttft=15, prefill=15, decode=22, replica="0")],
         {"failures": 0, "lost_attempts": 0, "failure_cost_usd": "0.000000000",
          "availability": "1.000000000"}),
    # nothing was computed yet: 23 of 50 tokens are 7 / 15 of them, rounded down
    Case("in_a_prefill", ONE, ["0.007,fail,0,,,,"], (),
         [row(44, ttft=22, recompute=22, decode=22, attempts="2", replica="1")],
         {"computed_tokens_lost": 0, "computed_tokens_aborted": 23, "emitted_tokens_lost": 0,
          "computed_tokens": 52, "lost_attempts": 1, "restarted_requests": 1,
          "failure_cost_usd": "0.000007000", "lost_cost_usd": "0.000007000",
          "failed_cost_usd": "0.000037000", "downtime_s": "0.037000000"}),
    Case("in_a_decode", ONE, ["0.020,fail,0,,,,"], (),
         [row(57, ttft=35, recompute=35, decode=22, attempts="2", replica="1")],
         {"computed_tokens_lost": 50, "emitted_tokens_lost": 1, "computed_tokens": 102,
          "emitted_tokens": 4, "failure_cost_usd": "0.000020000",
          "computed_tokens_kept": 52}),
    Case("in_a_decode_and_it_moves", ONE, ["0.020,fail,0,,,,"], MIGRATE,
         [row("46.1", ttft=15, prefill=15, recompute="15.1", decode=11, stall=5,
              max_itl="20.1", attempts="2", replica="1")],
         {"computed_tokens_lost": 50, "emitted_tokens_lost": 0, "computed_tokens": 102,
          "emitted_tokens": 3, "migrated_requests": 1, "restarted_requests": 0}),
    # five steps of 10 tokens again, and the output's: one token of who has output is a decode
    Case("in_a_decode_and_it_is_prefilled_again", ONE, ["0.060,fail,0,,,,,d"],
         (*SPLIT, "pool.main.max_num_batched_tokens=10"),
         [row(137, ttft=55, prefill=55, recompute=66, decode=11, stall=5, attempts="2",
              replica="2")], {"migrated_requests": 1, "transfers": 2}),
    # its 51 tokens are too many for a step of the prefill pool: a decode replica does all
    Case("in_a_decode_and_it_is_too_long_by_now", ONE, ["0.020,fail,0,,,,,d"],
         (*SPLIT, "pool.main.max_num_batched_tokens=50", "pool.main.enable_chunked_prefill=no"),
         [row("46.1", ttft=15, prefill=15, recompute="15.1", decode=11, stall=5, attempts="2",
              replica="2")], {"migrated_requests": 1, "transfers": 1}),
    # and so are its blocks, which are one more than there are
    Case("in_a_decode_and_it_is_too_large_by_now", ONE, ["0.020,fail,0,,,,,d"],
         (*SPLIT, "pool.main.num_gpu_blocks=11", "pool.main.block_size=5"),
         [row("46.1", ttft=15, prefill=15, recompute="15.1", decode=11, stall=5, attempts="2",
              replica="2")], {"migrated_requests": 1, "transfers": 1}),
    Case("in_a_decode_and_it_fails", ONE, ["0.020,fail,0,,,,"], ("fail.on_failure=fail",),
         [row(20, ttft=15, prefill=15, stall=5, status="failed", reason="replica_failed",
              replica="0")],
         {"computed_tokens_lost": 50, "emitted_tokens_lost": 1, "all_failed_requests": 1}),
    # the step that ends in this instant counts, the one that would begin does not
    Case("at_a_boundary", ONE, ["0.026,fail,0,,,,"], (),
         [row(63, ttft=41, recompute=41, decode=22, attempts="2")],
         {"computed_tokens_lost": 51, "emitted_tokens_lost": 2,
          "computed_tokens_aborted": 0}),
    Case("at_the_last_boundary", ONE, ["0.037,fail,0,,,,"], (),
         [row(37, ttft=15, prefill=15, decode=22)], {"computed_tokens_lost": 0}),
    # the third waits behind the first: it is simply sent elsewhere, and waits on
    Case("in_a_queue", [(0, 50, 1), (0, 50, 1), (1, 50, 1)], ["0.007,fail,0,,,,"],
         ("pool.main.max_num_seqs=1",),
         [row(30, queue=0, recompute=30, attempts="2", replica="1"), row(15, prefill=15),
          row(45, queue=29, prefill=15, replica="1")],
         {"lost_attempts": 1, "restarted_requests": 1}),
    Case("in_a_front_end", ONE, ["0.007,fail,0,,,,"], ("pool.main.frontend_ms=20",),
         [row(64, queue=27, prefill=15, decode=22, attempts="1", replica="1")],
         {"lost_attempts": 0, "computed_tokens_lost": 0}),
    Case("after_a_wait", ONE, ["0.007,fail,0,,,,"], ("fail.backoff=30ms",),
         [row(74, ttft=52, recompute=52, decode=22, attempts="2")], {}),
    # sent again at 37, lost at 40, sent again 60 ms later to the first, repaired at 57
    Case("after_a_wait_twice_as_long", ONE, ["0.040,fail,1,,,,", "0.007,fail,0,,0.05,,"],
         ("fail.backoff=30ms",),
         [row(137, ttft=115, recompute=115, decode=22, attempts="3", replica="0")],
         {"failures": 2, "lost_attempts": 2, "restarted_requests": 1}),
    Case("once_too_often", ONE, ["0.040,fail,1,,,,", "0.007,fail,0,,0.05,,"],
         ("fail.backoff=30ms", "fail.max_retries=1"),
         [row(40, recompute=40, attempts="2", status="failed", reason="retries_exhausted")],
         {"lost_attempts": 2}),
    Case("with_nobody_left", ONE, ["0.040,fail,1,,,,", "0.007,fail,0,,,,"],
         ("fail.backoff=30ms", "route.hold_timeout=1s"),
         [row(1100, recompute=1100, attempts="3", status="failed", reason="no_capacity")], {}),
    # held until the only one is back
    Case("held_until_it_is_repaired", ONE, ["0.020,fail,0,,0.080,,"],
         ("pool.main.replicas=1",),
         [row(137, ttft=115, recompute=115, decode=22, attempts="2", replica="0")],
         {"downtime_s": "0.080000000", "availability": "0.416058394"}),
    # and has booted for 13 ms
    Case("held_until_it_has_booted", ONE, ["0.020,fail,0,,0.080,,"],
         ("pool.main.replicas=1", "scale.main.boot_s=13ms"),
         [row(150, ttft=128, recompute=128, decode=22, attempts="2", replica="0")],
         {"downtime_s": "0.093000000", "starting_cost_usd": "0.000013000",
          "failed_cost_usd": "0.000080000", "total_cost_usd": "0.000150000"}),
    # down while it boots: it boots again
    Case("failing_while_it_boots", ONE, ["0.020,fail,0,,0.080,,", "0.105,fail,0,,0.020,,"],
         ("pool.main.replicas=1", "scale.main.boot_s=13ms"),
         [row(175, ttft=153, recompute=153, decode=22, attempts="2", replica="0")],
         {"failures": 2, "lost_attempts": 1, "downtime_s": "0.118000000"}),
    Case("a_whole_node", [(0, 50, 1)] * 4, ["0.007,fail,,1,,,"],
         ("pool.main.replicas=4", "pool.main.gpus_per_node=2"),
         [row(15, prefill=15, replica="0"), row(15, prefill=15, replica="1"),
          row(30, recompute=30, attempts="2", replica="0"),
          row(30, recompute=30, attempts="2", replica="1")], {"failures": 2}),
    # told at 7 ms: it serves on, gets nobody new, and is gone at 17 ms; the other is busy
    # until 25 ms
    Case("taken_back", ONE + [(10, 50, 1)], ["0.007,reclaim,0,,,0.01,"], (),
         [row(62, ttft=40, recompute=40, decode=22, attempts="2", replica="1"),
          row(25, prefill=15, replica="1")], {"reclaims": 1, "failures": 0}),
    Case("taken_back_and_moved_at_once", ONE, ["0.020,reclaim,0,,,0.01,"], MIGRATE,
         [row("46.1", ttft=15, prefill=15, recompute="15.1", decode=11, stall=5,
              attempts="2", replica="1")], {"reclaims": 1, "migrated_requests": 1}),
    # empty and off at 15 ms, taken at 27 ms, another in its place at 127 ms
    Case("taken_back_and_replaced", [(0, 50, 1), (100, 50, 1), (130, 50, 1)],
         ["0.007,reclaim,0,,0.1,0.02,"], ("pool.main.replicas=1",),
         [row(15, prefill=15), row(142, queue=27, prefill=15),
          row(157, queue=12, prefill=15)],
         {"availability": "0.286624204", "total_cost_usd": "0.000045000"}),
    # the step that has begun keeps its pace
    Case("a_slow_while", ONE, ["0.007,slow,0,,0.020,,2.5"], (),
         [row("53.5", ttft=15, prefill=15, decode="38.5")], {"failures": 0}),
    Case("a_slow_replica", ONE, ["9,fail,0,,,,"],
         ("pool.main.slow_share=0.5", "pool.main.slow_factor=1.37"),
         [row("50.69", ttft="20.55", prefill="20.55", decode="30.14")], {}),
]


def compare(case, folder, way):
    faults = []
    rows = runs.read_table(folder / "requests.csv")
    for i, (found, wanted) in enumerate(zip(rows, case.rows, strict=True)):
        for name, value in wanted.items():
            got = found[name]
            if name.endswith("_s"):
                got = Fraction(runs.to_ns(found[name]), 10**6) if found[name] else None
                value = Fraction(value)
            if got != value:
                faults.append(f"{way}: request {i}: {name} is {found[name]}, expected {value}")
        owned = sum(runs.to_ns(found[f"{name}_s"]) for name in OWNERS)
        if owned != runs.to_ns(found["e2e_s"]):
            faults.append(f"{way}: request {i}: its owners sum to {owned} ns")
    metrics = runs.read_summary(folder)
    for name, value in case.metrics.items():
        if metrics[name] != str(value):
            faults.append(f"{way}: {name} is {metrics[name]}, expected {value}")
    return faults


def try_case(case, root):
    folder = root / case.name
    folder.mkdir()
    trace = runs.write_trace(folder / "trace.csv",
                             [(at * 10**6, prompt, output)
                              for at, prompt, output in case.requests])
    has_pools = case.events[0].count(",") > HEADER.count(",")
    header = HEADER.format(",pool" if has_pools else "")
    (folder / "events.csv").write_text(header + "\n".join(case.events) + "\n", encoding="utf-8")
    config = folder / "config.ini"
    config.write_text(CONFIG.format(trace=trace, events=folder / "events.csv"), encoding="utf-8")
    faults = []
    for way in ("spans", "stepwise"):
        runs.run(config, folder / way, case.settings, stepwise=way == "stepwise")
        faults += compare(case, folder / way, way)
    runs.run(config, folder / "steps", [*case.settings, "output.steps=yes"])
    faults += compare(case, folder / "steps", "steps")
    for name in ("requests.csv", "replicas.csv", "timeline.csv", "summary.csv"):
        if len({(folder / way / name).read_bytes() for way in ("spans", "stepwise", "steps")}) > 1:
            faults.append(f"{name} differs between spans, --stepwise and steps")
    return faults


def main():
    with tempfile.TemporaryDirectory() as root:
        n_bad = 0
        for case in CASES:
            faults = try_case(case, pathlib.Path(root))
            n_bad += bool(faults)
            for fault in faults:
                print(f"FAILED: {case.name}: {fault}")
    print(f"{len(CASES)} cases, {n_bad} failed")
    sys.exit(n_bad > 0)


if __name__ == "__main__":
    main()
