#!/usr/bin/env python3
"""policy_worlds: random small worlds under every discipline, order and way to preempt.

    python3 tests/conformance/policy_worlds.py SERVESIM [--worlds N] [--seed S] [--only I]
    python3 tests/conformance/policy_worlds.py --reference-only [--worlds N]

The worlds are those of worlds.py, with one policy drawn for each from all that go together;
they run and are compared in the same way. A policy, or a kind of trouble that only policies
have, that no world contains fails the test too.
"""

import sys

import worlds

DISCIPLINES = ("unified", "prefill_first", "sarathi", "orca", "static", "dynamic", "sglang")
ORDERS = ("fcfs", "priority", "sjf", "srpt", "edf", "vtc", "mlfq", "lpm")
KINDS = (*worlds.KINDS, *DISCIPLINES, *ORDERS, "recompute", "swap", "none", "victim last",
         "victim order", "victim fewest_outputs", "preemptive order", "preempted by order",
         "lost grants", "not the last gave way", "plans of nobody", "no room on the host",
         "swapped in", "forecast stops", "partial prefills stop", "unchunked stops",
         "watermark stops",
         "delays", "decode iterations", "decodes beyond the budget",
         "later stages", "slots stop", "padding", "delay exceeded", "preferred sizes",
         "waits for more", "delayed", "shed", "estimate stops", "chunked", "chunked goes on",
         "mixed chunks", "retractions", "aging", "predictor none",
         "predictor bucketed", "predictor noisy", "longer bounds",
         "draft", "ngram", "mtp", "verified on hardware", "nothing drafted for a while",
         "fewer drafted for a while", "accepted", "rejected", "right beyond the end",
         "preempted with drafts", "drafts cut by the budget",
         "host hits", "disk hits", "spilled blocks", "offloaded before", "forgotten by all",
         "cheaper to compute", "fetch always", "fetch never", "fetch cheaper", "refetched",
         "answers", "hits on answers")


def draw_order(rng, pool, sections, lengths, step_ns):
    """The order of the queue and what it goes by; columns of the trace."""
    pool["order"] = rng.choice(("fcfs", *ORDERS))
    n = len(lengths)
    names = rng.sample(("", "acme", "b", "tenant-3", "zeta"), rng.randint(1, 5))
    labels = {}
    if rng.random() < 0.8:
        labels["tenant"] = [rng.choice(names) for _ in range(n)]
    if rng.random() < 0.8:
        levels = rng.choice(((0, 1), (1, 2, 3), ("", 5, 0, 7), (3,)))
        labels["priority"] = [rng.choice(levels) for _ in range(n)]
    if rng.random() < 0.6:
        labels["deadline_s"] = [
            rng.choice(("", worlds.decimal(step_ns * rng.randint(0, 400)))) for _ in range(n)]
    for name in names:
        keys = {}
        if rng.random() < 0.5:
            keys["weight"] = rng.choice(("1", "2", "0.5", "0.0137", "3.7", "4099"))
        if rng.random() < 0.3:
            keys["deadline_ms"] = rng.choice(("0.0137", "1", "41.37", "4099"))
        if name and keys and "tenant" in labels and name in labels["tenant"]:
            sections[f"tenant.{name}"] = keys
    if rng.random() < 0.3:
        sections["slo"] = {rng.choice(("e2e_ms", "ttft_ms")): rng.choice(("1", "41.37", "4099"))}
    if pool["order"] == "priority" and rng.random() < 0.4:
        pool["aging_ms"] = rng.choice(("0.0137", "1", "41.37"))
    if pool["order"] in ("sjf", "srpt"):
        pool["predictor"] = rng.choice(("perfect", "perfect", "none", "bucketed", "noisy"))
        if pool["predictor"] == "bucketed":
            pool["predictor_bucket"] = rng.choice((1, 3, 13, 128))
        if pool["predictor"] == "noisy":
            pool["predictor_error"] = rng.choice(("0.3", "0.0137", "0.9"))
            sections["run"] = {"seed": rng.choice((1, 4099, 2**40 + 1))}
    if pool["order"] == "mlfq":
        pool["long_prefill_token_threshold"] = 0  # recomputing for ever takes too long
        pool["max_num_batched_tokens"] = max(13, pool["max_num_batched_tokens"])
        pool["mlfq_levels"] = rng.choice((1, 2, 3, 4, 7))
        pool["mlfq_quantum"] = rng.choice((1, 2, 5, 32))
        pool["mlfq_prefill_tokens"] = rng.choice((1, 3, 13, 64))
        if rng.random() < 0.5:
            pool["mlfq_promote_ms"] = rng.choice(("0.0137", "1", "41.37"))
    return labels


def draw_preempt(rng, pool, ways):
    pool["preempt"] = rng.choice(ways)
    order = pool["order"]
    if pool["preempt"] == "swap":
        pool["swap_blocks"] = rng.choice((0, 0, 1, 3, 13, 41))
        pool["swap_block_us"] = rng.choice(("0.0137", "4.099", "137", "1000"))
        if pool["cost"] == "linear" and rng.random() < 0.2:
            pool["swap_block_us"] = "0"
    if pool["preempt"] != "none":
        if order == "mlfq" or order not in ("fcfs", "vtc", "lpm") and rng.random() < 0.5:
            pool["preemptive_order"] = "yes"
        if pool.get("preemptive_order") == "yes":
            pool["victim"] = "order"
        elif rng.random() < 0.5:
            victims = ("last", "order", "fewest_outputs")
            pool["victim"] = rng.choice([v for v in victims
                                         if v != "order" or order not in ("vtc", "lpm")])


def draw_whole(rng, pool, lengths):
    """Prompts are not cut, so the budget must hold whole requests, or most of them."""
    pool["enable_chunked_prefill"] = "no"
    pool["long_prefill_token_threshold"] = 0
    needs = sorted(prompt + output - 1 for prompt, output in lengths)
    pool["max_num_batched_tokens"] = needs[-1] * rng.choice((1, 1, 2, 5))
    if rng.random() < 0.2:
        pool["max_num_batched_tokens"] = needs[len(needs) // 2]


def draw_unified(rng, pool, lengths):
    draw_preempt(rng, pool, ("recompute", "recompute", "swap", "none"))
    if rng.random() < 0.3:
        draw_whole(rng, pool, lengths)
    if rng.random() < 0.3:
        pool["max_num_partial_prefills"] = rng.choice((1, 1, 2, 3))
    if pool["preempt"] != "none" and rng.random() < 0.3:
        pool["admission"] = "forecast"


def draw_prefill_first(rng, pool, lengths):
    draw_preempt(rng, pool, ("recompute", "recompute", "swap", "none"))
    if rng.random() < 0.3:
        pool["enable_chunked_prefill"] = "yes"
    else:
        draw_whole(rng, pool, lengths)
        if pool["order"] == "fcfs" and rng.random() < 0.5:
            pool["delay_factor"] = rng.choice(("0.5", "4.0137", "41", "137"))
        if rng.random() < 0.3:
            pool["decode_iterations"] = rng.choice((1, 2, 10))
    if rng.random() < 0.4:
        pool["watermark"] = rng.choice(("0.01", "0.0137", "0.1", "0.3"))
    if pool["preempt"] != "none" and rng.random() < 0.3:
        pool["admission"] = "forecast"


def draw_sarathi(rng, pool, _):
    draw_preempt(rng, pool, ("recompute", "recompute", "swap", "none"))
    if rng.random() < 0.4:  # the decodes leave nothing to those who wait for the rest
        pool["max_num_batched_tokens"] = rng.choice((2, 3, 5))
        pool["max_num_seqs"] = rng.choice((8, 16))
    if rng.random() < 0.3:
        pool["chunk_stages"] = rng.choice((2, 3, 7))
        pool["chunk_low"] = rng.choice((1, 3, 13, 32, 41))
        pool["chunk_high"] = pool["chunk_low"] + rng.choice((0, 5, 41, 137))
        pool.setdefault("max_model_len", rng.choice((60, 137, 600)))


def draw_orca(_, pool, __):
    pool["preempt"] = "none"


def draw_static(rng, pool, _):
    pool["preempt"] = "none"
    if rng.random() < 0.4:
        pool["padding"] = "yes"
        pool["enable_prefix_caching"] = "no"  # how long a padded hit is nobody says


def draw_dynamic(rng, pool, _):
    draw_static(rng, pool, _)
    if rng.random() < 0.6:
        sizes = rng.sample(range(1, pool["max_num_seqs"] + 1), min(3, pool["max_num_seqs"]))
        pool["preferred_batch_sizes"] = ", ".join(map(str, sorted(sizes)[:rng.randint(1, 3)]))
    if rng.random() < 0.7:
        pool["max_queue_delay_us"] = rng.choice(("0.0137", "1000", "3000", "41370", "5000"))
    if rng.random() < 0.3:
        pool["max_queue_size"] = rng.choice((1, 2, 5, 13))
    if rng.random() < 0.6:
        pool["queue_timeout_us"] = rng.choice(("0.0137", "1000", "4099", "41370"))
        pool["queue_timeout_action"] = rng.choice(("reject", "delay"))


def draw_sglang(rng, pool, lengths):
    pool["preempt"] = "recompute"
    if rng.random() < 0.3:  # what the estimate forgets: a block for each decode of a mixed step
        pool["max_num_batched_tokens"] = 512
        pool["block_size"] = rng.choice((4, 7, 16))
        tighten(rng, pool, lengths)
        pool["schedule_conservativeness"] = "0.0137"
    if rng.random() < 0.6:
        pool["chunked_prefill_size"] = pool["block_size"] * rng.choice((1, 1, 2, 3, 7))
    if rng.random() < 0.5:
        pool["enable_mixed_chunk"] = "yes"
    pool.setdefault("schedule_conservativeness",
                    rng.choice(("1", "0.3", "0.0137", "0.0137", "1.3")))
    if rng.random() < 0.4:
        pool["clip_max_new_tokens"] = rng.choice((1, 3, 13))


def tighten(rng, pool, lengths):
    """Blocks for the largest request, and not many more."""
    needs = [prompt + output for prompt, output in lengths]
    usable = max(needs) // pool["block_size"] + 1
    pool["num_gpu_blocks"] = 1 + usable * rng.choice((2, 3, 4)) // 2 + rng.choice((0, 1, 3, 13))


def draw_speculation(rng, pool, sections, lengths):
    """Drafted tokens, right with these chances."""
    method = rng.choice(("ngram", "draft", "mtp"))
    most = rng.choice((1, 2, 3, 5, 13))
    if rng.random() < 0.4 and pool.get("enable_chunked_prefill") != "no":
        pool["max_num_batched_tokens"] = rng.choice((5, 13, 41))  # less than decodes want
        pool["max_num_seqs"] = rng.choice((5, 8, 16))
        pool["replicas"] = 1
        tighten(rng, pool, lengths)
    if rng.random() < 0.3:
        pool["max_output_tokens"] = 41  # who drafts does not know where it ends
    shares = ("0", "0.0137", "0.5", "0.7", "0.9", "0.999999999", "1")
    keys = {"method": method, "num_speculative_tokens": most,
            "adaptive": rng.choice(("yes", "no"))}
    if rng.random() < 0.3:
        keys["acceptance_by_position"] = " ".join(rng.choices(shares, k=most))
    else:
        keys["acceptance"] = rng.choice(shares)
    if method == "ngram":
        keys["ngram_overhead_us"] = rng.choice(("0", "0.0137", "41.37", "1000"))
    elif pool["cost"] == "linear":
        keys["draft_base_us"] = rng.choice(("0", "0.0137", "41.37", "100"))
        keys["draft_seq_us"] = rng.choice(("0", "0.0137", "10"))
    elif method == "draft":
        keys["draft_model"] = "llama-3.2-1b"
    else:
        keys["mtp_layers"] = rng.choice((1, 1, 2))
    if pool["cost"] == "roofline":
        pool["pipeline_parallel"] = 1
    for name in [name for name in sections if name.startswith("tenant.")]:
        if rng.random() < 0.5:
            sections[name]["acceptance"] = rng.choice(shares)
    sections["speculative"] = keys
    sections.setdefault("run", {"seed": rng.choice((1, 4099, 2**40 + 1))})


def draw_offload(rng, pool, sections):
    """Memory behind the cache of the GPUs: some, little, or none of each kind."""
    keys = {"fetch": rng.choice(("always", "always", "cheaper", "never"))}
    for name in ("host", "disk"):
        keys[f"{name}_blocks"] = rng.choice((0, 1, 3, 13, 41, 4099))
        keys[f"{name}_block_us"] = rng.choice(("0.0137", "4.099", "137", "1000"))
        keys[f"{name}_latency_us"] = rng.choice(("0", "0.0137", "200", "4099"))
    if pool["cost"] == "linear" and rng.random() < 0.2:
        keys["host_block_us"] = "0"
    sections["offload"] = keys


def draw_sessions(rng, sections, lengths):
    """Prompts that say again what was said and answered before; the longer ones come later."""
    sections["workload"]["session_prefix"] = "yes"
    if rng.random() < 0.7:
        lengths.sort()
    names = ["", *(f"session {i}" for i in range(rng.choice((1, 3, 13))))]
    return {"session_id": rng.choices(names, k=len(lengths))}


DRAWS = {"unified": draw_unified, "prefill_first": draw_prefill_first, "sarathi": draw_sarathi,
         "orca": draw_orca, "static": draw_static, "dynamic": draw_dynamic, "sglang": draw_sglang}


def draw(rng, pool, sections, lengths, step_ns):
    """A policy, in place of the pool's; columns of the trace."""
    if rng.random() < 0.6:  # more of a crowd: with room for everybody all policies are alike
        pool["replicas"] = 1
        pool["max_num_seqs"] = rng.choice((5, 8, 16, 64))
        pool["max_num_batched_tokens"] = rng.choice((8, 13, 64, 512))
        if "concurrency" not in sections["workload"]:
            sections["workload"]["rate_scale"] = rng.choice(("1.37", "4.099", "41.37"))
        tighten(rng, pool, lengths)
    labels = draw_order(rng, pool, sections, lengths, step_ns)
    # who is first preempts whoever is not: nothing without preemption can do that
    choices = (DISCIPLINES if pool["order"] != "mlfq" else DISCIPLINES[:3]) + (
        *DISCIPLINES[:3], "unified", "dynamic" if pool["order"] != "mlfq" else "unified")
    pool["batching"] = rng.choice(choices)
    if rng.random() < 0.2:
        pool["max_output_tokens"] = rng.choice((3, 13, 41))
    DRAWS[pool["batching"]](rng, pool, lengths)
    if pool["order"] == "mlfq" and pool["preempt"] == "none":
        pool["preempt"], pool["preemptive_order"] = "recompute", "yes"
        pool["victim"] = "order"
    if pool["batching"] != "unified":
        pool.pop("reserve_full_prompt")
    elif rng.random() < 0.5:
        draw_speculation(rng, pool, sections, lengths)
    if rng.random() < 0.4:
        draw_offload(rng, pool, sections)
    if rng.random() < 0.4:
        labels.update(draw_sessions(rng, sections, lengths))
    return labels


def make_world(rng, folder):
    return worlds.make_world(rng, folder, draw)


def kinds_of(world):
    """What policies add to the kinds of worlds.py."""
    config = world.config
    kinds = {config.batching, config.order, config.preempt, f"victim {config.victim}",
             f"predictor {config.predictor}"}
    kinds |= {"preemptive order"} if config.preemptive_order == "yes" else set()
    kinds |= {config.speculation.method} - {"none"}
    if config.speculation.method != "none" and config.speculation.reads_prompts:
        kinds |= {"verified on hardware"}
    if any(level.n_blocks for level in config.offload.levels):
        kinds |= {f"fetch {config.offload.fetch}"}
    kinds |= {"aging"} if config.aging_ns > 0 else set()
    kinds |= {"shed"} if any(r.status == "shed" for r in world.requests) else set()
    kinds |= {"longer bounds"} if any(r.max_new > r.output for r in world.requests) else set()
    return kinds


def main():
    sys.exit(0 if worlds.try_all(worlds.parse(__doc__), KINDS, make_world, kinds_of) else 1)


if __name__ == "__main__":
    main()
