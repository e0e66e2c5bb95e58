#!/usr/bin/env python3
"""stepwise: every file has the same bytes with spans and with --stepwise.

Each case says what trouble it is about, and proves from the results that the trouble was
there: that spans were long, that sequences were preempted, that arrivals were tied ...
"""

import pathlib
import sys

import runs
from awkward_traces import (at_once, bursts, crumbs, derived, generated, growing, published,
                            texts)

MS = 10**6


class Case:
    """A configuration, how its trace is made, and claims about its results."""

    def __init__(self, name, trace, claims, *settings, example="server", steps=False):
        self.name, self.trace, self.claims = name, trace, claims
        self.settings, self.example, self.steps = settings, example, steps


class Outcome:
    """The two result folders of a case."""

    def __init__(self, case, root):
        config = root / "config.ini"
        config.write_text(runs.EXAMPLES[case.example], encoding="utf-8")
        settings = [*case.settings, f"workload.trace={case.trace(root)}",
                    "output.trace_json=yes", "output.trace_events=4099"]
        if case.steps:
            settings.append("output.steps=yes")
        self.spans, self.plain = root / "spans", root / "plain"
        self.plans, self.walked = runs.run(config, self.spans, settings)
        self.plain_plans, self.plain_walked = runs.run(config, self.plain, settings, True)
        self.summary = runs.read_summary(self.plain)
        self.steps = int(self.summary["steps"])
        self.requests = runs.read_table(self.plain / "requests.csv")

    def boundaries(self):
        """(start, end) of every step, from steps.csv."""
        return {(runs.to_ns(row["start_s"]), runs.to_ns(row["end_s"]))
                for row in runs.read_table(self.plain / "steps.csv")}

    def count(self, column, value):
        return sum(row[column] == value for row in self.requests)


# Claims: each gives a sentence with its number, and whether it is true.

def long_spans(least):
    """At least that many steps per plan, on average."""
    return lambda run: (f"{run.steps / run.plans:.1f} steps a span",
                        run.plans * least <= run.steps)


def no_spans(run):
    return "every step planned", run.plans == run.steps


def preemptions(least):
    return lambda run: (f"{run.summary['preemptions']} preemptions",
                        int(run.summary["preemptions"]) >= least)


def statuses(status, least):
    return lambda run: (f"{run.count('status', status)} {status}",
                        run.count("status", status) >= least)


def ties(least):
    def claim(run):
        n = len(run.requests) - len({row["arrival_s"] for row in run.requests})
        return f"{n} tied arrivals", n >= least
    return claim


def one_token_outputs(least):
    return lambda run: (f"{run.count('output_tokens', '1')} one-token outputs",
                        run.count("output_tokens", "1") >= least)


def arrivals_on_boundaries(least):
    def claim(run):
        ends = {end for _, end in run.boundaries()}
        n = sum(runs.to_ns(row["arrival_s"]) in ends for row in run.requests)
        return f"{n} arrivals on boundaries", n >= least
    return claim


def cuts(interval_ns, least):
    """Timeline boundaries strictly inside steps."""
    def claim(run):
        n = sum((end - 1) // interval_ns * interval_ns > start for start, end in run.boundaries())
        return f"{n} steps cut by the timeline", n >= least
    return claim


def tpot_at_most(ns, least):
    """Requests whose outputs took that many nanoseconds each, half up, or less."""
    def claim(run):
        n = sum(bool(row["tpot_s"]) and runs.to_ns(row["tpot_s"]) <= int(ns)
                for row in run.requests)
        return f"{n} requests at {ns} ns a token", n >= least
    return claim


def bounds_change(run):
    """Between two timeline rows of decodes only, the same batch, the bound changes."""
    rows = runs.read_table(run.plain / "timeline.csv")
    n = sum(a["bound"] != b["bound"] and a["running"] == b["running"]
            and float(a["prefill_tokens_per_s"]) == float(b["prefill_tokens_per_s"]) == 0
            for a, b in zip(rows, rows[1:]))
    return f"{n} changes of the bound inside spans", n >= 1


def replicas_used(n_replicas):
    def claim(run):
        used = {row["replica"] for row in run.requests if row["replica"]}
        return f"{len(used)} replicas", len(used) == n_replicas
    return claim


def uncounted(least):
    def claim(run):
        n = len(run.requests) - int(run.summary["completed"])
        return f"{n} outside the window", n >= least
    return claim


def overloaded(run):
    share, verdict = run.summary["busy_share"], run.summary["load_verdict"]
    return f"{verdict} at load {run.summary['estimated_load']}", (
        verdict == "overloaded" and float(share) > 0.95)


def load_between(least, most):
    return lambda run: (f"load {run.summary['estimated_load']}",
                        least < float(run.summary["estimated_load"]) < most)


def hit_rate(least):
    return lambda run: (f"hit rate {run.summary['prefix_cache_hit_rate']}",
                        float(run.summary["prefix_cache_hit_rate"]) > least)


def chunked(threshold):
    """More prefill steps than prompts: chunks."""
    def claim(run):
        chunks = int(run.plain_walked) - int(run.summary["emitted_tokens"])
        return f"{chunks} chunks that emit nothing, of at most {threshold}", chunks > 100
    return claim


def crossings(window, least):
    """Requests that leave the window of window layers while they decode."""
    def claim(run):
        n = sum(int(row["prompt_tokens"]) < window
                <= int(row["prompt_tokens"]) + int(row["output_tokens"]) - 2
                for row in run.requests)
        return f"{n} cross the window", n >= least
    return claim


CASES = [
    Case("conv, light", published(runs.CONV), [long_spans(12), load_between(0.1, 0.2)],
         "workload.rate_scale=0.5"),
    Case("conv, its own rate", published(runs.CONV), [long_spans(5), load_between(0.2, 0.5)]),
    Case("conv, heavy", published(runs.CONV), [long_spans(1.1), load_between(0.75, 0.95)],
         "workload.rate_scale=3.3"),
    Case("conv, overloaded", published(runs.CONV), [long_spans(1.1), overloaded],
         "workload.rate_scale=8"),
    Case("conv, tight KV", published(runs.CONV), [preemptions(3000), statuses("rejected", 1)],
         "workload.rate_scale=2", "workload.unservable=reject", "pool.main.num_gpu_blocks=500"),
    Case("code, its own rate", published(runs.CODE), [long_spans(2)]),
    Case("code, overloaded and impatient", published(runs.CODE), [statuses("timed_out", 1000)],
         "workload.rate_scale=20", "workload.client_timeout=20s"),
    Case("tight KV, blocks of 1, older admission", derived(1500, growing),
         [preemptions(1000), statuses("rejected", 1)], "workload.rate_scale=3",
         "workload.unservable=reject", "pool.main.num_gpu_blocks=877", "pool.main.block_size=1",
         "pool.main.reserve_full_prompt=no"),
    Case("tight KV, blocks of 7, whole prompts", derived(1500, growing),
         [preemptions(500), statuses("rejected", 1)], "workload.rate_scale=3",
         "workload.unservable=reject", "pool.main.num_gpu_blocks=127", "pool.main.block_size=7",
         "pool.main.reserve_full_prompt=yes"),
    Case("blocks of 1 and room", generated(800), [long_spans(4)], "pool.main.block_size=1"),
    Case("blocks of 7 and room", generated(800), [long_spans(4)], "pool.main.block_size=7"),
    Case("one-token outputs", derived(2000, lambda i, at, prompt, output: (at, prompt, 1)),
         [one_token_outputs(2000), no_spans]),
    Case("every third output one token", derived(
        2000, lambda i, at, prompt, output: (at, prompt, 1 if i % 3 == 0 else output)),
         [one_token_outputs(600), long_spans(3)]),
    Case("equal arrivals", derived(1500, bursts(5 * runs.SECOND)), [ties(1000), long_spans(3)]),
    Case("equal arrivals, 3 replicas round robin", derived(1500, bursts(7 * runs.SECOND)),
         [ties(1000), replicas_used(3), long_spans(3)], "pool.main.replicas=3",
         "route.policy=round_robin"),
    Case("4 replicas, least requests", generated(2000), [replicas_used(4), long_spans(2)],
         "pool.main.replicas=4", "workload.rate_scale=4"),
    Case("2 replicas, tight KV, impatient", generated(1500),
         [replicas_used(2), preemptions(100), statuses("timed_out", 100),
          statuses("completed", 100)],
         "pool.main.replicas=2", "pool.main.num_gpu_blocks=401", "workload.unservable=reject",
         "workload.rate_scale=2.7", "workload.client_timeout=41s"),
    Case("clients leave at boundaries", derived(
        600, lambda i, at, prompt, output: (at // MS * MS, prompt, output)),
         [statuses("timed_out", 50), statuses("completed", 50), long_spans(2)],
         "workload.client_timeout=137ms", "pool.main.max_num_seqs=8",
         "pool.main.max_num_batched_tokens=512", example="linear"),
    Case("arrivals on boundaries", derived(
        400, lambda i, at, prompt, output: (at // (100 * MS) * 5 * MS, prompt, output)),
         [arrivals_on_boundaries(200), ties(20)], "pool.main.num_gpu_blocks=12289",
         example="linear", steps=True),
    Case("arrivals on boundaries of spans", derived(
        1500, lambda i, at, prompt, output: (at // (10 * MS) * 7 * MS, prompt, output)),
         [long_spans(3)], "pool.main.num_gpu_blocks=12289", example="linear"),
    Case("linear with every coefficient", generated(1500), [long_spans(3)],
         "pool.main.num_gpu_blocks=12289", "pool.main.base_us=4099.0137",
         "pool.main.prefill_token_us=1.37", "pool.main.decode_seq_us=33.3333333",
         "pool.main.context_token_us=0.0137", example="linear"),
    Case("steps of a nanosecond or two", generated(300), [long_spans(2), tpot_at_most("2", 30)],
         "pool.main.num_gpu_blocks=12289", "pool.main.base_us=0.0013",
         "pool.main.context_token_us=0.000000137", example="linear"),
    Case("steps shorter than a nanosecond", generated(300), [tpot_at_most("1", 30)],
         "pool.main.num_gpu_blocks=12289", "pool.main.base_us=0.0003",
         "pool.main.context_token_us=0.000000137", "workload.rate_scale=1000",
         example="linear"),
    Case("the bound changes within spans", at_once(400), [bounds_change, long_spans(30)],
         "pool.main.engine=ideal", "pool.main.roofline=step", "pool.main.max_num_seqs=512",
         "output.interval=0.0137"),
    Case("one max over the step", generated(1500), [long_spans(3)], "pool.main.roofline=step"),
    Case("half overlapped", generated(1500), [long_spans(3)], "pool.main.overlap=0.5"),
    Case("half overlapped, the bound changes", at_once(400), [long_spans(30)],
         "pool.main.engine=ideal", "pool.main.roofline=step", "pool.main.overlap=0.37",
         "pool.main.max_num_seqs=512"),
    Case("not overlapped", generated(800), [long_spans(3)], "pool.main.overlap=0"),
    Case("long prompts threshold", generated(1500), [chunked(137)],
         "pool.main.long_prefill_token_threshold=137", "workload.rate_scale=2"),
    Case("small budget, few sequences", generated(600), [chunked(61)],
         "pool.main.max_num_batched_tokens=61", "pool.main.max_num_seqs=13"),
    Case("warm-up and cool-down", generated(1500), [uncounted(200), long_spans(3)],
         "workload.warmup=30s", "workload.cooldown=60s"),
    Case("a timeline row a second", generated(800), [long_spans(3)], "output.interval=1"),
    Case("timeline rows finer than steps", generated(150),
         [cuts(int(0.0137 * runs.SECOND), 500)], "output.interval=0.0137", steps=True),
    Case("timeline rows finer than spans", generated(400), [long_spans(3)],
         "output.interval=0.0137"),
    Case("every step written, tight KV", derived(200, growing), [no_spans, preemptions(50)],
         "workload.rate_scale=3", "pool.main.num_gpu_blocks=61", "workload.unservable=reject",
         steps=True),
    Case("no gaps collected", generated(800), [long_spans(3)], "output.itl=no"),
    Case("two GPUs a replica", generated(800), [long_spans(3)], "pool.main.tensor_parallel=2"),
    Case("70B on four", generated(800), [long_spans(1.5)], "pool.main.model=llama-3.1-70b",
         "pool.main.tensor_parallel=4"),
    Case("prompts of a few texts", derived(800, texts(41)), [hit_rate(0.1), long_spans(2)]),
    Case("prompts of a few texts, tight KV", derived(800, texts(13, 0.7)),
         [hit_rate(0.1), preemptions(50)], "workload.rate_scale=3", "pool.main.num_gpu_blocks=1001",
         "pool.main.reserve_full_prompt=no", "workload.unservable=reject"),
    Case("prompts of a few texts, 2 replicas, clients that wait", derived(800, texts(13)),
         [hit_rate(0.1), replicas_used(2)], "pool.main.replicas=2", "workload.mode=closed",
         "workload.concurrency=41"),
    Case("13 clients that wait for answers", generated(800), [long_spans(1.5)],
         "workload.mode=closed", "workload.concurrency=13", "workload.warmup=7s"),
    Case("clients that wait, 3 replicas, impatient", generated(800),
         [statuses("timed_out", 50), replicas_used(3)], "workload.mode=closed",
         "workload.concurrency=99", "workload.client_timeout=2.7s", "pool.main.replicas=3"),
    Case("prompts of a few texts, 3 replicas, weighted scores", derived(800, texts(13)),
         [hit_rate(0.1), replicas_used(3)], "pool.main.replicas=3", "workload.rate_scale=3",
         "route.policy=weighted"),
    Case("4 replicas, least KV cache as of a while ago", generated(1500),
         [long_spans(2), replicas_used(4)], "pool.main.replicas=4", "workload.rate_scale=4",
         "route.policy=least_kv", "route.staleness=137ms"),
    Case("prompts before decodes", generated(1500), [long_spans(2)],
         "pool.main.policy=vllm-v0"),
    Case("prompts before decodes, in chunks", generated(1500), [long_spans(2)],
         "pool.main.policy=vllm-v0-chunked"),
    Case("decodes before prompts, in chunks that become smaller", generated(1500),
         [long_spans(2)], "pool.main.policy=sarathi", "pool.main.chunk_stages=5",
         "pool.main.chunk_high=1024", "pool.main.chunk_low=41"),
    Case("prompts if outputs will fit, tight KV", generated(800),
         [long_spans(1.5)], "pool.main.policy=lightllm", "pool.main.num_gpu_blocks=1501",
         "workload.unservable=reject"),
    Case("prompts held back", generated(800), [long_spans(1.5)], "pool.main.policy=vllm-v0",
         "pool.main.delay_factor=1.37"),
    Case("prompts before decodes, tight KV, impatient", generated(1500),
         [preemptions(50), statuses("timed_out", 20)], "pool.main.batching=prefill_first",
         "pool.main.enable_chunked_prefill=no", "workload.rate_scale=3",
         "pool.main.num_gpu_blocks=701", "workload.unservable=reject",
         "workload.client_timeout=41s", "pool.main.max_num_batched_tokens=4099"),
    Case("prompts of a few texts before decodes", derived(800, texts(13)), [hit_rate(0.1)],
         "pool.main.batching=prefill_first", "pool.main.enable_chunked_prefill=no",
         "pool.main.num_gpu_blocks=1501", "workload.unservable=reject"),
    Case("prompts that are all in the cache, before decodes", crumbs(400),
         [hit_rate(0.01), preemptions(400)], "pool.main.batching=prefill_first",
         "pool.main.enable_chunked_prefill=no", "pool.main.block_size=1",
         "pool.main.num_gpu_blocks=40", "pool.main.max_num_seqs=13", example="linear"),
    Case("asynchronous scheduling", generated(1500), [long_spans(2)],
         "pool.main.async_scheduling=yes"),
    Case("asynchronous scheduling, overloaded", generated(1500), [overloaded],
         "pool.main.async_scheduling=yes", "workload.rate_scale=16"),
    Case("a look every 37 steps", generated(1500), [long_spans(2)], "pool.main.poll_steps=37"),
    Case("a look every 7 steps, asynchronous, 2 replicas", generated(1500),
         [long_spans(1.5), replicas_used(2)], "pool.main.poll_steps=7",
         "pool.main.async_scheduling=yes", "pool.main.replicas=2"),
    *(Case(name, generated(800), [long_spans(1.5)], f"pool.main.accelerator={name}",
           "workload.rate_scale=0.5")
      for name in ("b200-sxm", "a100-80gb", "rtx-4090", "h200-sxm")),
    Case("experts and windows", derived(600, growing), [crossings(128, 100), long_spans(1.5)],
         "pool.main.model=gpt-oss-120b", "workload.rate_scale=0.5"),
    Case("windows, blocks of 1, tight KV", derived(600, growing),
         [crossings(64, 100), preemptions(100)], "pool.main.window=64",
         "pool.main.window_layers=24", "pool.main.block_size=1", "pool.main.num_gpu_blocks=877",
         "workload.unservable=reject", "workload.rate_scale=3"),
    Case("windows shorter than every prompt", generated(600), [long_spans(2)],
         "pool.main.window=1", "pool.main.window_layers=32"),
    Case("windows, the bound changes", at_once(400), [crossings(137, 300), long_spans(9)],
         "pool.main.engine=ideal", "pool.main.roofline=step", "pool.main.max_num_seqs=512",
         "pool.main.window=137", "pool.main.window_layers=20", "pool.main.overlap=0.3"),
    Case("windows, one max over the step", generated(800), [crossings(1024, 50), long_spans(2)],
         "pool.main.model=gemma-3-27b", "pool.main.tensor_parallel=2",
         "pool.main.roofline=step"),
    Case("MLA and experts on eight", generated(600), [long_spans(1.2)],
         "pool.main.model=deepseek-v3", "pool.main.accelerator=h200-sxm",
         "pool.main.tensor_parallel=8", "workload.rate_scale=0.3"),
    Case("eight ranks share experts", generated(600), [long_spans(1.2)],
         "pool.main.model=deepseek-v3", "pool.main.accelerator=h200-sxm",
         "pool.main.data_parallel=8", "pool.main.expert_parallel=yes",
         "pool.main.expert_imbalance=1.37", "workload.rate_scale=0.3"),
    Case("an indexer that picks", generated(300), [crossings(1024, 20), long_spans(1.2)],
         "pool.main.model=deepseek-v3", "pool.main.accelerator=h200-sxm",
         "pool.main.tensor_parallel=8", "pool.main.window=1024", "pool.main.window_layers=61",
         "pool.main.index_heads=64", "pool.main.index_head_dim=128", "workload.rate_scale=0.3"),
    Case("experts half overlapped on two ranks of two", generated(600), [long_spans(1.2)],
         "pool.main.model=mixtral-8x7b", "pool.main.tensor_parallel=2",
         "pool.main.data_parallel=2", "pool.main.expert_overlap=0.5",
         "pool.main.roofline=step"),
    Case("linear layers", generated(600), [long_spans(2)], "pool.main.linear_layers=24",
         "pool.main.linear_params=41943040", "pool.main.linear_state=524288"),
    *(Case(f"{n} stages", generated(600), [long_spans(2)], f"pool.main.pipeline_parallel={n}",
           "pool.main.overlap=0.3") for n in (2, 3, 4)),
    Case("stages of experts and windows, few sequences", derived(300, growing),
         [crossings(128, 50), long_spans(2)], "pool.main.model=gpt-oss-120b",
         "pool.main.pipeline_parallel=3", "pool.main.max_num_seqs=5"),
    *(Case(f"weights in {name}", generated(600), [long_spans(2)],
           f"pool.main.weight_precision={name}", "pool.main.kv_precision=fp8",
           "pool.main.scale=1.37", "pool.main.accelerator=b200-sxm")
      for name in ("fp8", "nvfp4", "int4")),
    Case("naive attention, sparse weights", generated(600), [long_spans(2)],
         "pool.main.attention_kernel=naive", "pool.main.sparsity=2:4"),
]


def try_case(case):
    """What was wrong with the case, and what it had."""
    with runs.work_folder() as folder:
        run = Outcome(case, pathlib.Path(folder))
        faults = runs.differences(run.spans, run.plain)
        told = [claim(run) for claim in case.claims]
    if run.plain_plans != run.steps or run.plain_walked < int(run.summary["emitted_tokens"]):
        faults.append(f"--stepwise planned {run.plain_plans} of {run.steps} steps and walked "
                      f"{run.plain_walked} sequence-steps: it is not stepwise")
    if run.walked != 0:
        faults.append(f"the default walked {run.walked} sequence-steps")
    faults += [f"the case is not what it says: {said}" for said, holds in told if not holds]
    print(f"{'FAILED' if faults else 'ok'}: {case.name}: {run.steps} steps, "
          f"{run.plans} plans, {run.plain_walked} walked; "
          + ", ".join(said for said, _ in told))
    return faults


def main():
    n_failed = 0
    for case in CASES:
        if case.name.startswith(("conv", "code")) and not runs.AZURE.is_dir():
            print(f"skipped: {case.name}: no published trace at {runs.AZURE}")
            continue
        faults = try_case(case)
        n_failed += bool(faults)
        for fault in faults[:5]:
            print(f"  {fault}")
    print(f"{len(CASES)} cases, {n_failed} failed")
    sys.exit(1 if n_failed else 0)


if __name__ == "__main__":
    main()
