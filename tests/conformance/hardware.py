"""hardware: GPUs, models and engines for worlds.py that nobody built.

Awkward numbers in every key that the price of a step depends on, given in the pool itself,
on top of the shipped files.
"""

MS = 10**6
PRECISIONS = ("bf16", "fp8", "int8", "int4", "fp4", "mxfp4", "nvfp4")


def chance(rng, share):
    return rng.random() < share


def accelerator(rng):
    keys = {"accelerator": rng.choice(("h100-sxm", "rtx-4090", "b200-sxm"))}
    if chance(rng, 0.3):
        keys["memory_bandwidth"] = f"{rng.randint(201, 7999) / 1000}TB/s"
        keys["bf16_flops"] = f"{rng.randint(31, 2503)}.37"
    if chance(rng, 0.3):
        keys["fp8_flops"] = rng.choice(("0", "1234.5"))
        keys["int8_flops"] = rng.choice(("0", "777.7"))
        keys["fp4_flops"] = rng.choice(("0", "4099"))
    if chance(rng, 0.3):
        keys["link"] = rng.choice(("pcie", "fabric"))
        keys["gpus_per_node"] = rng.choice(("1", "2", "8"))
        keys["node_bandwidth"] = "13.7GB/s"
        keys["sparse_speedup"] = rng.choice(("1.37", "2"))
    return keys


def experts(rng):
    n = rng.choice((3, 8, 61))
    return {"experts": n, "experts_active": rng.choice((1, 2, 3)), "moe_intermediate": 448,
            "shared_intermediate": rng.choice((0, 704)),
            "first_dense_layers": rng.choice((0, 1, 3)), "moe_layer_step": rng.choice((1, 1, 2)),
            "expert_precision": rng.choice((*PRECISIONS, "same")),
            "data_parallel": rng.choice((1, 1, 2, 3)),
            "data_parallel_mode": rng.choice(("balanced", "lockstep")),
            "expert_parallel": rng.choice(("yes", "no"))}


def layers(rng):
    """Window layers, linear layers, MLA, an indexer, or none of these."""
    keys = {"layers": 7}
    if chance(rng, 0.5):
        keys["window"] = rng.choice((1, 2, 7, 16, 37, 64, 137))
        keys["window_layers"] = rng.choice((1, 4, 5))
        if chance(rng, 0.3):
            keys.update(index_heads=3, index_head_dim=64)
    if chance(rng, 0.25):
        keys.update(linear_layers=2, linear_params=4099001, linear_state=65537)
    if chance(rng, 0.3):
        keys.update(kv_lora_rank=512, qk_rope_head_dim=64, qk_nope_head_dim=128, v_head_dim=96,
                    q_lora_rank=rng.choice((0, 1536)))
    if chance(rng, 0.2):
        keys.update(mlp="plain", output_gate="yes")
    return keys


def model(rng):
    keys = {"model": "llama-3.1-8b", "max_context": 1000000, **layers(rng)}
    if chance(rng, 0.5):
        keys.update(experts(rng))
    for key in ("weight_precision", "kv_precision", "head_precision"):
        if chance(rng, 0.5):
            keys[key] = rng.choice(PRECISIONS)
    for key in ("attention_precision", "compute_precision"):
        if chance(rng, 0.3):
            keys[key] = rng.choice(PRECISIONS)
    if chance(rng, 0.2):
        keys["sparsity"] = "2:4"
    keys["tensor_parallel"] = rng.choice((1, 1, 2, 4))
    keys["pipeline_parallel"] = rng.choice((1, 1, 2, 3, 4))
    return keys


def engine(rng):
    keys = {"engine": rng.choice(("ideal", "vllm")), "frontend_ms": "0",
            "frontend_request_ms": "0", "frontend_token_us": "0",
            "async_scheduling": "no", "poll_steps": "0"}
    efficiencies = ("memory compute kv expert_memory mixed_attention expert_compute link "
                    "pcie attention_compute fp8_compute fp4_compute").split()
    for name in efficiencies:
        if chance(rng, 0.3):
            keys[f"{name}_efficiency"] = f"0.{rng.randint(101, 999)}"
    for name in ("overlap", "attention_overlap", "expert_overlap", "network_overlap"):
        if chance(rng, 0.3):
            keys[name] = rng.choice(("0", "0.3", "0.5", "0.737"))
    for name in ("step_overhead", "layer_overhead", "compound_layer_overhead",
                 "quantised_layer_overhead", "moe_layer_overhead", "prefill_overhead",
                 "unfused_moe_overhead",
                 "compound_prefill_overhead", "moe_prefill_overhead", "sequence_overhead",
                 "allreduce_latency", "allreduce_doubling", "alltoall_latency"):
        if chance(rng, 0.3):
            keys[f"{name}_us"] = rng.choice(("4.099", "13.7", "0.000137", "1"))
    if chance(rng, 0.3):
        keys.update(knee_tokens=rng.choice((13, 100)), activation_traffic="8.2",
                    expert_activation_traffic="3.7", expert_imbalance="1.37")
    if chance(rng, 0.15):
        keys["attention_kernel"] = rng.choice(("naive", "minimal"))
    return keys


def pool(rng):
    """The keys of a pool with hardware, and rough nanoseconds of its steps."""
    keys = {"cost": "roofline", "roofline": rng.choice(("operation", "operation", "step")),
            **accelerator(rng), **model(rng), **engine(rng)}
    if chance(rng, 0.3):
        keys["scale"] = rng.choice(("1.37", "0.737"))
    return keys, 2 * MS
