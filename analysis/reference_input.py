"""reference_input: what the reference simulator reads: a configuration and a trace."""

import configparser
import csv
import datetime
import math
import pathlib
import re
import types

import reference_cost
import reference_power

UNIT_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}
INTEGERS = {"limit": 0, "repeat": 1, "replicas": 1, "num_gpu_blocks": None, "block_size": 16,
            "max_num_seqs": 256, "max_num_batched_tokens": 8192, "max_model_len": 0,
            "long_prefill_token_threshold": 0, "concurrency": 0, "poll_steps": 0, "seed": 1,
            "max_output_tokens": 0, "predictor_bucket": 128, "swap_blocks": 0,
            "data_parallel": 1,
            "max_num_partial_prefills": 0, "decode_iterations": 0,
            "chunk_stages": 0, "chunk_high": 0, "chunk_low": 0, "max_queue_size": 0,
            "chunked_prefill_size": 0, "clip_max_new_tokens": 4096,
            "mlfq_levels": 4, "mlfq_quantum": 32, "mlfq_prefill_tokens": 64}
NANO = {"rate_scale": "1", "watermark": "0", "delay_factor": "0", "predictor_error": "0.3",
        "schedule_conservativeness": "1", "slow_share": "0", "slow_factor": "1"}  # times 10^9
DURATIONS = {"client_timeout": "s", "think": "s", "hold_timeout": "s",
             "frontend_ms": "ms", "frontend_request_ms": "ms",
             "aging_ms": "ms", "max_queue_delay_us": "us", "queue_timeout_us": "us",
             "mlfq_promote_ms": "ms"}  # 0 by default; of a bare number
DEFAULT_DURATIONS = {"hold_timeout": "300"}
WORDS = {"batching": ("unified", "prefill_first", "sarathi", "orca", "static", "dynamic", "sglang"),
         "order": ("fcfs", "priority", "sjf", "srpt", "edf", "vtc", "mlfq", "lpm"),
         "preempt": ("auto", "recompute", "swap", "none"), "admission": ("fits", "forecast"),
         "victim": ("auto", "last", "order", "fewest_outputs"),
         "preemptive_order": ("auto", "no", "yes"),
         "predictor": ("perfect", "none", "bucketed", "noisy"), "padding": ("no", "yes"),
         "enable_chunked_prefill": ("auto", "yes", "no"), "enable_mixed_chunk": ("no", "yes"),
         "queue_timeout_action": ("reject", "delay"),
         "unservable": ("stop", "reject"), "policy": ("round_robin",
         "least_requests", "least_tokens", "least_kv", "random", "power_of_two"),
         "reserve_full_prompt": ("no", "yes"),
         "session_prefix": ("no", "yes"), "role": ("both", "prefill", "decode"),
         "infer_sessions": ("no",), "think_distribution": ("fixed", "exponential"),
         "dependencies": ("follow", "ignore"), "mode": ("open", "closed"), "async_scheduling": ("no", "yes"),
         "data_parallel_mode": ("balanced", "lockstep"),
         "enable_prefix_caching": ("yes", "no")}  # the default is the first


def half_up(numerator, denominator):
    return (2 * numerator + denominator) // (2 * denominator)


def ceil_div(a, b):
    return -(-a // b)


def scaled(text, unit):
    """The decimal `text` times `unit`, to an integer, half up; never through a float."""
    if not (match := re.fullmatch(r"\+?(?=.*\d)(\d*)\.?(\d*)", text.strip())):
        raise ValueError(f"'{text}' is not a decimal number")
    return half_up(int(match[1] + match[2]) * unit, 10 ** len(match[2]))


def duration_ns(text, bare_unit):
    match = re.fullmatch(r"([\d.]+)\s*([a-z]*)", text.strip())
    if not match or (match[2] or bare_unit) not in UNIT_NS:
        raise ValueError(f"'{text}' is not a duration")
    return scaled(match[1], UNIT_NS[match[2] or bare_unit])


def read_config(path, overrides=()):
    """The values in the INI file `path` after `section.key=value` overrides."""
    ini = configparser.ConfigParser(delimiters=("=",), inline_comment_prefixes=(";",),
                                    interpolation=None)
    ini.read_string(pathlib.Path(path).read_text(encoding="utf-8"), str(path))
    for override in overrides:
        name, _, value = override.partition("=")
        section, _, key = name.strip().rpartition(".")
        ini.read_dict({section: {key: value.strip()}})
    known = {"run", "workload", "slo", "speculative", "route", "offload", "power", "output",
             "admit", "fail", "disaggregate"}
    named = {name for name in ini.sections() if name.startswith(("tenant.", "pool.", "scale."))}
    if unknown := set(ini.sections()) - known - named:
        raise ValueError(f"{path}: not simulated by the reference: {', '.join(sorted(unknown))}")
    pools = [read_pool(path, ini, name) for name in ini.sections() if name.startswith("pool.")]
    config = types.SimpleNamespace(**vars(pools[0]))  # what is not of a pool is in all of them
    config.pools = pools
    config.sections = {name: dict(ini[name]) for name in ini.sections()}
    return config


def read_pool(path, ini, section):
    """What is said of a pool, and of all of them."""
    tenants = {name for name in ini.sections() if name.startswith("tenant.")}
    values = {**section_of(ini, "run"), **ini["workload"], **ini[section],
              **section_of(ini, "route")}
    config = types.SimpleNamespace(
        trace=values["trace"], name=section.removeprefix("pool."),
        served_model=values.get("served_model", ""),
        classes=[name.strip() for name in values.get("classes", "").split(",") if name.strip()],
        frontend_token_fs=scaled(values.get("frontend_token_us", "0"), 10**9),
        swap_block_fs=scaled(values.get("swap_block_us", "0"), 10**9),
        tenants={name.removeprefix("tenant."): read_tenant(ini[name]) for name in tenants})
    for key, default in INTEGERS.items():
        setattr(config, key, int(values[key] if default is None else values.get(key, default)))
    for key, default in NANO.items():
        setattr(config, key, scaled(values.get(key, default), 10**9))
    for key, unit in DURATIONS.items():
        name = re.sub("_(ms|us)$", "", key) + "_ns"
        setattr(config, name, duration_ns(values.get(key, DEFAULT_DURATIONS.get(key, "0")), unit))
    for key in ("e2e_ms", "ttft_ms"):
        bound = ini.get("slo", key, fallback=None)
        setattr(config, f"slo_{key[:-3]}_ns", duration_ns(bound, "ms") if bound else None)
    config.price = reference_cost.price(values)
    config.power_limit = reference_power.limit(section_of(ini, "power"), values, config.price)
    config.speculation = read_speculation(section_of(ini, "speculative"), values)
    config.offload = read_offload(section_of(ini, "offload"), values)
    config.decode_policy = values.get("decode_policy", "least_kv")
    for key, words in WORDS.items():
        setattr(config, key, values.get(key, words[0]))
        if getattr(config, key) not in words:
            raise ValueError(f"{path}: {key}: '{values[key]}' is none of {', '.join(words)}")
    sizes = values.get("preferred_batch_sizes", "").split(",")
    config.preferred_batch_sizes = [int(size) for size in sizes if size.strip()]
    config.values, config.pace = values, 10**9  # billionths of the time that its prices say
    config.gpus_per_node = int(values.get("gpus_per_node", "8"))
    config.n_gpus = math.prod(int(values.get(f"{kind}_parallel", "1"))
                              for kind in ("tensor", "pipeline", "data"))
    config.n_ranks = config.data_parallel if config.data_parallel_mode == "lockstep" else 1
    config.watermark_blocks = config.watermark * config.num_gpu_blocks // 10**9
    settle(config)
    if fault := nonsense(config):
        raise ValueError(f"{path}: {fault}")
    return config


def section_of(ini, name):
    return ini[name] if name in ini else {}


def read_speculation(section, pool):
    most = int(section.get("num_speculative_tokens", "3"))
    shares = section.get("acceptance_by_position", "").replace(",", " ").split()
    shares = shares or [section.get("acceptance", "0.7")] * most
    if len(shares) != most:
        raise ValueError(f"acceptance_by_position: {len(shares)} numbers for {most} tokens")
    method = section.get("method", "none")
    return types.SimpleNamespace(
        method=method, most=most, acceptance=[scaled(share, 10**9) for share in shares],
        adaptive=section.get("adaptive", "no"),
        ngram_overhead_fs=scaled(section.get("ngram_overhead_us", "0"), 10**9),
        price=reference_cost.pass_price(pool, section) if method in ("draft", "mtp") else None,
        reads_prompts=pool.get("cost", "roofline") == "roofline")


def read_offload(section, pool):
    """Host memory, then disk; how large a block is nobody here knows."""
    for name in ("host", "disk"):
        is_timed = (pool.get("cost") == "linear"
                    or scaled(section.get(f"{name}_block_us", "0"), 10**9) > 0)
        if name in section or section.get(f"{name}_blocks", "0") != "0" and not is_timed:
            raise ValueError(f"[offload] {name}: give {name}_blocks and {name}_block_us")
    return types.SimpleNamespace(fetch=section.get("fetch", "cheaper"), levels=[
        types.SimpleNamespace(n_blocks=int(section.get(f"{name}_blocks", "0")),
                              block_fs=scaled(section.get(f"{name}_block_us", "0"), 10**9),
                              latency_fs=scaled(section.get(f"{name}_latency_us", "0"), 10**9))
        for name in ("host", "disk")])


def read_tenant(section):
    deadline, acceptance = section.get("deadline_ms"), section.get("acceptance")
    return {"acceptance": scaled(acceptance, 10**9) if acceptance else None,
            "weight": scaled(section.get("weight", "1"), 10**9),
            "deadline_ns": duration_ns(deadline, "ms") if deadline else None}


def settle(config):
    """Decides what was left to the discipline and the order."""
    ranks = config.order not in ("fcfs", "vtc", "lpm")
    if config.preempt == "auto":
        slots = config.batching in ("static", "dynamic", "orca")
        config.preempt = "none" if slots else "recompute"
    chooses = config.preempt != "none" and config.batching != "sglang"
    if config.victim == "auto":
        config.victim = "order" if chooses and ranks else "last"
    if config.preemptive_order == "auto":
        displaces = config.order in ("srpt", "mlfq") and config.victim == "order"
        config.preemptive_order = "yes" if chooses and displaces else "no"
    if config.enable_chunked_prefill == "auto":
        config.enable_chunked_prefill = "no" if config.batching == "prefill_first" else "yes"


def nonsense(config):
    """Which of the settings do not go together, if any."""
    slots = config.batching in ("static", "dynamic", "orca")
    by_order = config.preemptive_order == "yes"
    faults = {
        "static, dynamic and orca reserve": slots and config.preempt != "none",
        "sglang recomputes": config.batching == "sglang" and config.preempt != "recompute",
        "sglang retracts": config.batching == "sglang" and (by_order or config.victim != "last"),
        "nobody is preempted": config.preempt == "none" and (by_order or config.victim != "last"),
        "this order has no keys to preempt by": by_order
            and config.order in ("fcfs", "vtc", "lpm"),
        "this order has no keys for victims": config.victim == "order"
            and config.order in ("vtc", "lpm"),
        # or two requests take each other's place for ever
        "order and outputs disagree on who gives way": by_order
            and config.victim == "fewest_outputs",
        "mlfq preempts": config.order == "mlfq" and not by_order,
        "a watermark is prefill_first's": config.watermark > 0
            and config.batching != "prefill_first",
        "a forecast needs preemption": config.admission == "forecast" and (
            config.preempt == "none" or config.batching not in ("unified", "prefill_first")),
        "a delay is prefill_first's, in order of arrival": config.delay_factor > 0 and (
            config.batching != "prefill_first" or config.order != "fcfs"),
        "stages need max_model_len": config.chunk_stages > 1 and config.max_model_len == 0,
        "unified verifies drafts": config.speculation.method != "none"
            and config.batching != "unified",
        "no chunk is shorter than a block": 0 < config.chunked_prefill_size < config.block_size}
    return next((fault for fault, is_so in faults.items() if is_so), None)


def timestamp_ns(text):
    """An Azure timestamp as nanoseconds since the year 1."""
    moment, _, fraction = text.removesuffix("+00:00").partition(".")
    since = datetime.datetime.fromisoformat(moment) - datetime.datetime.min
    return (since.days * 86400 + since.seconds) * 10**9 + scaled(f"0.{fraction}", 10**9)


def read_trace(path):
    """The rows of a plain or Azure CSV."""
    rows = []
    with open(path, encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            try:
                is_azure = "TIMESTAMP" in row
                prompt = int(row["ContextTokens" if is_azure else "prompt_tokens"])
                output = int(row["GeneratedTokens" if is_azure else "output_tokens"])
                arrival_ns = (timestamp_ns(row["TIMESTAMP"]) if is_azure
                              else scaled(row["arrival_s"], 10**9))
                if min(prompt, output) < 1 or rows and arrival_ns < rows[-1].arrival_ns:
                    raise ValueError("a length below 1, or an arrival before the last one")
                deadline = row.get("deadline_s")
                rows.append(types.SimpleNamespace(
                    name=row.get("request_id"), arrival_ns=arrival_ns, prompt=prompt,
                    output=output, prefix=row.get("prefix_hash"),
                    session=row.get("session_id"), tenant=row.get("tenant") or "",
                    priority=int(row.get("priority") or 0),
                    deadline_ns=scaled(deadline, 10**9) if deadline else None,
                    model=row.get("model") or "", klass=row.get("class") or "", copy=0,
                    parents=(row.get("parent_id") or "").split(),
                    think_ns=scaled(row.get("think_s") or "0", 10**9),
                    reasoning=int(row.get("reasoning_tokens") or 0)))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path}:{line}: {error}") from error
    origin_ns = rows[0].arrival_ns if rows and is_azure else 0
    return [moved(row, row.arrival_ns - origin_ns) for row in rows]


def moved(row, arrival_ns, copy=0):
    return types.SimpleNamespace(**{**vars(row), "arrival_ns": arrival_ns,
                                    "copy": row.copy + copy})


def replay_rows(config):
    """The trace after repeat, limit and rate_scale, in that order (rule 6)."""
    rows = read_trace(config.trace)
    length_ns = rows[-1].arrival_ns - rows[0].arrival_ns if rows else 0
    shift_ns = length_ns + (half_up(length_ns, len(rows) - 1) if len(rows) > 1 else 0)
    rows = [moved(row, row.arrival_ns + k * shift_ns, k)
            for k in range(config.repeat) for row in rows]
    return [moved(row, half_up(row.arrival_ns * 10**9, config.rate_scale))
            for row in rows[:config.limit or None]]
