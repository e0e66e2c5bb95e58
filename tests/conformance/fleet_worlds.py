#!/usr/bin/env python3
"""fleet_worlds: random small fleets, run by servesim and by the reference.

    python3 tests/conformance/fleet_worlds.py SERVESIM [--worlds N] [--seed S] [--only I]

As worlds.py, with several pools that differ in everything, requests that only some of them
serve, routers, gateways that turn requests away, replicas that fail, come and go, and prompts
that are computed in one pool and answered in another.
"""

import sys

import hardware
import policy_worlds
import worlds  # which knows where the reference is
import reference_gateway

ROUTERS = ("round_robin", "least_requests", "least_tokens", "least_kv", "random", "power_of_two")
DISCIPLINES = ("unified", "prefill_first", "sarathi", "orca", "static", "dynamic", "sglang")
SHED = ("rate_limit", "token_limit", "queue_full", "priority")
KINDS = (*ROUTERS, *DISCIPLINES, *SHED, "several pools", "two disciplines", "served by few",
         "unknown model", "unservable in some pool", "client_timeout", "queue_timeout",
         "held", "no_capacity", "released", "event fail", "event reclaim", "event slow",
         "failed while down", "aborted steps", "moved before any grant", "lost attempts",
         "migrated", "retried", "replica_failed", "reclaimed", "retries_exhausted",
         "scale queue", "scale concurrency", "scale kv", "scale rate", "scale schedule",
         "scaled up", "woken", "taken back", "drained", "boots broken off",
         "boots that take a while", "up cooldowns", "down cooldowns",
         "transfers", "shared links", "pulls without blocks",
         "without a decode replica", "swapped beside a pull", "landed without budget",
         "moved by a decode",
         "preemptions", "evictions", "prefix hits", "closed", "front ends", "replicas of all pools")
NAMES = ("", "", "large", "small", "nobody's")


def draw_pool(rng, pool, lengths, step_ns, is_split):
    """A discipline, in place of the pool's, and room for it."""
    needs = [prompt + output for prompt, output in lengths]
    pool["block_size"] = rng.choice((1, 2, 3, 4, 7, 16))
    usable = max(needs) // pool["block_size"] + 1
    pool["num_gpu_blocks"] = 1 + usable * rng.choice((1, 2, 3, 4, 6)) // 2 + rng.choice((1, 3, 13))
    pool["max_num_seqs"] = rng.choice((1, 2, 3, 5, 8, 16))
    pool["max_num_batched_tokens"] = rng.choice((3, 8, 13, 64, 512))
    pool["order"] = rng.choice(("fcfs", "fcfs", "fcfs", "priority", "edf"))
    pool["batching"] = rng.choice(("unified", "unified", *DISCIPLINES) if not is_split
                                  else ("unified", "unified", "prefill_first", "sarathi"))
    pool["enable_prefix_caching"] = rng.choice(("yes", "yes", "yes", "no"))
    policy_worlds.DRAWS[pool["batching"]](rng, pool, lengths)
    if pool["batching"] != "unified":
        pool.pop("reserve_full_prompt", None)
    if rng.random() < 0.3:
        pool["frontend_ms"] = worlds.decimal(rng.choice((1, 3, 10)) * step_ns * 1000)
        pool["frontend_request_ms"] = rng.choice(("0", "0.202", "1"))
        pool["frontend_token_us"] = rng.choice(("0", "0.97", "13.7"))
    if rng.random() < 0.3:
        pool["served_model"] = rng.choice(("large", "small"))
    if rng.random() < 0.2:
        pool["classes"] = rng.choice(("chat", "batch", "chat, batch"))


def draw_pools(rng, pool, sections, lengths, step_ns, is_split):
    """With disaggregation all have the same kind of prices, and paged batches."""
    if is_split and pool["cost"] == "roofline":
        pool.clear()
        pool.update(cost="linear", base_us="1000", prefill_token_us="1000",
                    replicas=rng.choice((1, 2, 3)), reserve_full_prompt="no",
                    long_prefill_token_threshold=0)
    for i in range(rng.choice((1, 1, 2) if is_split else (0, 1, 1, 2))):
        other = {name: pool[name] for name in ("async_scheduling", "poll_steps") if name in pool}
        if rng.random() < 0.3 and not is_split:
            other.update(hardware.pool(rng)[0])
        else:
            names = ("base_us", "prefill_token_us", "decode_seq_us", "context_token_us")
            us = rng.choice((*worlds.ROUND_COSTS, *worlds.ODD_COSTS))[0]
            other.update(cost="linear", **dict(zip(names, us)))
        other["replicas"] = rng.choice((1, 1, 2, 3))
        draw_pool(rng, other, lengths, step_ns, is_split)
        sections[f"pool.{('second', 'third')[i]}"] = other
    draw_pool(rng, pool, lengths, step_ns, is_split)


def draw_admission(rng, step_ns):
    keys = {}
    if rng.random() < 0.4:
        keys["rate_rps"] = rng.choice((f"{10**9 // (3 * step_ns) or 1}", "0.137", "41.37", "333"))
        keys["burst"] = rng.choice((1, 2, 5, 41))
    if rng.random() < 0.4:
        keys["tokens_per_s"] = rng.choice((f"{10**9 // step_ns or 1}", "137", "4099"))
        keys["token_burst"] = rng.choice((1, 13, 41, 137))
    if rng.random() < 0.5:
        keys["max_queue"] = rng.choice((1, 2, 5, 13))
        keys["low_priority_share"] = rng.choice(("0", "0.137", "0.5", "1"))
        keys["low_priority"] = rng.choice((0, 1, 2))
    return keys


def draw_failures(rng, sections, step_ns):
    """A list of events, most of them while there is something to do."""
    pools = {name[5:]: int(keys["replicas"]) for name, keys in sections.items()
             if name.startswith("pool.")}
    horizon = rng.choice((5, 50, 300, 1500))

    def steps(*choices):
        return worlds.decimal(rng.choice((0, 1)) * rng.randint(0, step_ns)
                              + rng.choice(choices) * step_ns)
    lines = ["time_s,pool,replica,node,kind,duration_s,notice_s,factor"]
    for _ in range(rng.randint(1, 8)):
        name = rng.choice(list(pools))
        number, kind = rng.randrange(pools[name]), rng.choice(("fail", "fail", "reclaim", "slow"))
        where = f"{number}," if rng.random() < 0.8 else f",{number // 8}"
        duration = steps(0, 1, 10, 100, 1000) if rng.random() < 0.8 else ""
        notice = steps(0, 1, 10, 100) if kind == "reclaim" and rng.random() < 0.8 else ""
        factor = rng.choice(("1.37", "2", "13.7")) if kind == "slow" else ""
        at = steps(*range(horizon))
        lines.append(f"{at},{name},{where},{kind},{duration},{notice},{factor}")
        if rng.random() < 0.1:
            lines.append(lines[-1])
    path = sections["workload"]["trace"].parent / "failures.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sections["fail"] = {"events": path, "on_failure": rng.choice(("retry", "migrate", "fail",
                                                                  "retry", "migrate")),
                        "max_retries": rng.choice((0, 1, 3, 3)),
                        "backoff": rng.choice(("0", "0.0137", f"{step_ns}ns", "1ms")),
                        "backoff_factor": rng.choice(("1", "1.37", "2")),
                        "notice": rng.choice(("0", "0.0137", "2")),
                        "spot_replace_s": rng.choice(("0", "0.137", "1.37"))}
    if rng.random() < 0.3:
        keys = rng.choice([keys for name, keys in sections.items() if name.startswith("pool.")])
        keys["slow_share"], keys["slow_factor"] = rng.choice((("0.5", "1.37"), ("0.34", "4.099")))
    sections["route"]["hold_timeout"] = rng.choice((f"{10 * step_ns + 10**6}ns", "0.137", "41"))


def draw_steps(rng, step_ns, choices):
    return f"{rng.choice(choices) * step_ns + rng.choice((0, 0, 137))}ns"


def draw_boots(rng, sections, step_ns):
    """Of all pools, whether they are scaled or not; reading weights takes no time."""
    for name in [name[5:] for name in sections if name.startswith("pool.")]:
        keys = sections.setdefault(f"scale.{name}", {})
        if rng.random() < 0.5:
            keys["boot_s"] = draw_steps(rng, step_ns, (1, 10, 100))
        else:
            keys.update(image_s=draw_steps(rng, step_ns, (0, 1, 10)), storage_bandwidth="0",
                        graph_capture_s=draw_steps(rng, step_ns, (0, 0, 10)))


def draw_scaling(rng, sections, step_ns):
    """Replicas that come and go while there is something to do."""
    def steps(*choices):
        return draw_steps(rng, step_ns, choices)
    pools = {name[5:]: keys for name, keys in sections.items() if name.startswith("pool.")}
    for name, keys in pools.items():
        if rng.random() < 0.3:
            continue
        policy = rng.choice(("queue", "concurrency", "kv", "rate", "schedule"))
        least, most = rng.choice((0, 0, 1, 2)), rng.choice((2, 3, 5))
        scale = {"policy": policy, "min": least, "max": most,
                 "interval": f"{max(10**6, rng.choice((3, 10, 41, 100)) * step_ns)}ns",
                 "up_step": rng.choice((0, 0, 1, 2)), "down_step": rng.choice((0, 1, 1, 2)),
                 "up_cooldown": steps(0, 0, 30, 300), "down_cooldown": steps(0, 0, 30, 300)}
        if policy == "schedule":
            period = rng.choice((41, 137, 1000)) * step_ns + 4099
            scale["schedule"] = " ".join(f"{period * i // 4}ns:{rng.randint(least, most)}"
                                         for i in range(rng.choice((0, 1)), 4))
            scale["period"] = f"{period}ns"
        else:
            scale["target"] = rng.choice({
                "queue": ("0.5", "1", "3", "13.7"), "concurrency": ("1", "2.5", "8"),
                "kv": ("0.137", "0.5", "0.9"),
                "rate": (f"{10**9 // (10 * step_ns) or 1}", f"{10**9 // (100 * step_ns) or 1}",
                         "41.37")}[policy])
        sections[f"scale.{name}"] = scale
    sections["route"]["hold_timeout"] = rng.choice((f"{100 * step_ns + 10**6}ns", "41"))


def draw_disaggregation(rng, sections, lengths, step_ns):
    """Prompts here, outputs there, over links that are fast, slow, or nothing to wait for."""
    pools = [keys for name, keys in sections.items() if name.startswith("pool.")]
    if len(pools) < 2:
        return
    for keys, role in zip(pools, ("prefill", "decode", rng.choice(("prefill", "decode", "both")))):
        keys["role"] = role
        keys["enable_prefix_caching"] = "no"
        keys["max_num_seqs"] = min(keys["max_num_seqs"], keys["max_num_batched_tokens"])
        if role == "prefill" and float(keys["base_us"]) < 100:  # it could thrash for ever
            keys["base_us"] = "137.0137"
        for name in ("served_model", "classes", "async_scheduling", "poll_steps"):
            keys.pop(name, None)
    sections["disaggregate"] = keys = {
        "kv_bytes_per_token": f"{rng.choice((1, 137, 4099))}B",
        "min_prompt_tokens": rng.choice((0, 0, 3, 13)),
        "overlap": rng.choice(("no", "layerwise")),
        "links": rng.choice(("node", "node", "infinite")),
        "latency_us": rng.choice(("0", "0.0137", str(step_ns // 1000), "1000"))}
    rate = min(10**7, 20 * 137 * 10**6 // (rng.choice((1, 1, 5, 41)) * step_ns) + 1)
    keys["bandwidth"] = f"{rate}MB/s" if rng.random() < 0.8 else "0.0137GB/s"
    if rng.random() < 0.5:
        keys["node_bandwidth"] = f"{max(1, rate * rng.choice((1, 2, 3)) // 2)}MB/s"
    sections["route"]["decode_policy"] = rng.choice(ROUTERS)
    for keys in pools[1:] if rng.random() < 0.5 else ():  # who comes needs what others gave up
        usable = max(map(sum, lengths)) // keys["block_size"] + 1
        keys["num_gpu_blocks"] = 1 + usable + rng.choice((0, 0, 1, 3))
        keys["max_num_seqs"] = max(keys["max_num_seqs"], 3)
        keys["max_num_batched_tokens"] = max(keys["max_num_batched_tokens"], 3)


def draw(rng, pool, sections, lengths, step_ns):
    """Pools, a router, admission; columns of the trace."""
    is_split = rng.random() < 0.4
    draw_pools(rng, pool, sections, lengths, step_ns, is_split)
    if is_split:
        draw_disaggregation(rng, sections, lengths, step_ns)
    sections["route"]["policy"] = rng.choice(ROUTERS)
    sections["run"] = {"seed": rng.choice((1, 4099, 2**40 + 1))}
    sections["workload"].pop("rate_scale", None)
    if rng.random() < 0.4:
        sections["admit"] = draw_admission(rng, step_ns)
    if rng.random() < 0.5:
        draw_failures(rng, sections, step_ns)
    if rng.random() < 0.5:
        draw_scaling(rng, sections, step_ns)
    draw_boots(rng, sections, step_ns)
    n = len(lengths)
    labels = {"priority": [rng.choice((0, 0, 1, 2, 3)) for _ in range(n)]}
    if rng.random() < 0.5:
        labels["model"] = rng.choices(NAMES, k=n)
    if rng.random() < 0.4:
        labels["class"] = rng.choices(("", "chat", "batch"), k=n)
    return labels


def make_world(rng, folder):
    return worlds.make_world(rng, folder, draw)


def kinds_of(world):
    """What fleets add to the kinds of worlds.py."""
    config, fleet = world.config, world.fleet
    kinds = {config.policy, *(pool.batching for pool in config.pools)}
    kinds |= {request.reason for request in world.requests}
    kinds |= {"several pools"} if len(config.pools) > 1 else set()
    kinds |= {"two disciplines"} if len({pool.batching for pool in config.pools}) > 1 else set()
    kinds |= {"front ends"} if any(pool.frontend_ns for pool in config.pools) else set()
    kinds |= {f"scale {scale.policy}" for scale in fleet.scales.values()}
    kinds |= {"unknown model"} if "unknown_model" in kinds else set()
    served = [r for r in world.requests if r.pools]
    for request in served:
        names = [p.name for p in config.pools if reference_gateway.serves(p, request)]
        kinds |= {"served by few"} if len(names) < len(config.pools) else set()
        kinds |= {"unservable in some pool"} if len(names) > len(request.pools) else set()
    if len(config.pools) > 1 and len({index for index, _ in fleet.steps}) == len(fleet.places):
        kinds |= {"replicas of all pools"}
    return kinds


def main():
    sys.exit(0 if worlds.try_all(worlds.parse(__doc__), KINDS, make_world, kinds_of) else 1)


if __name__ == "__main__":
    main()
