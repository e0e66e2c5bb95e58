"""reference_input: what the reference simulator reads: a configuration and a trace."""

import configparser
import csv
import datetime
import pathlib
import re
import types

import reference_cost

UNIT_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}
INTEGERS = {"limit": 0, "repeat": 1, "replicas": 1, "num_gpu_blocks": None, "block_size": 16,
            "max_num_seqs": 256, "max_num_batched_tokens": 8192, "max_model_len": 0,
            "long_prefill_token_threshold": 0, "concurrency": 0, "poll_steps": 0}
WORDS = {"batching": ("unified",), "order": ("fcfs",), "preempt": ("recompute",),
         "unservable": ("stop", "reject"), "policy": ("round_robin",
         "least_requests"), "reserve_full_prompt": ("no", "yes"),
         "mode": ("open", "closed"), "async_scheduling": ("no", "yes"),
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
    if unknown := set(ini.sections()) - {"run", "workload", "slo", "pool.main", "route", "output"}:
        raise ValueError(f"{path}: not simulated by the reference: {', '.join(sorted(unknown))}")
    values = {**ini["workload"], **ini["pool.main"], **(ini["route"] if "route" in ini else {})}
    config = types.SimpleNamespace(
        trace=values["trace"], rate_scale=scaled(values.get("rate_scale", "1"), 10**9),
        client_timeout_ns=duration_ns(values.get("client_timeout", "0"), "s"),
        frontend_ns=duration_ns(values.get("frontend_ms", "0"), "ms"),
        frontend_request_ns=duration_ns(values.get("frontend_request_ms", "0"), "ms"),
        frontend_token_fs=scaled(values.get("frontend_token_us", "0"), 10**9))
    for key, default in INTEGERS.items():
        setattr(config, key, int(values[key] if default is None else values.get(key, default)))
    config.price = reference_cost.price(values)
    for key, words in WORDS.items():
        setattr(config, key, values.get(key, words[0]))
        if getattr(config, key) not in words:
            raise ValueError(f"{path}: {key}: '{values[key]}' is none of {', '.join(words)}")
    return config


def timestamp_ns(text):
    """An Azure timestamp as nanoseconds since the year 1."""
    moment, _, fraction = text.removesuffix("+00:00").partition(".")
    since = datetime.datetime.fromisoformat(moment) - datetime.datetime.min
    return (since.days * 86400 + since.seconds) * 10**9 + scaled(f"0.{fraction}", 10**9)


def read_trace(path):
    """Rows (request_id or None, arrival_ns, prefix, prompt, output) of a plain or Azure CSV."""
    rows = []
    with open(path, encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            try:
                is_azure = "TIMESTAMP" in row
                prompt = int(row["ContextTokens" if is_azure else "prompt_tokens"])
                output = int(row["GeneratedTokens" if is_azure else "output_tokens"])
                arrival_ns = (timestamp_ns(row["TIMESTAMP"]) if is_azure
                              else scaled(row["arrival_s"], 10**9))
                if min(prompt, output) < 1 or rows and arrival_ns < rows[-1][1]:
                    raise ValueError("a length below 1, or an arrival before the last one")
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path}:{line}: {error}") from error
            rows.append((row.get("request_id"), arrival_ns, row.get("prefix_hash"), prompt, output))
    origin_ns = rows[0][1] if rows and is_azure else 0
    return [(name, arrival_ns - origin_ns, *lengths) for name, arrival_ns, *lengths in rows]


def replay_rows(config):
    """The trace after repeat, limit and rate_scale, in that order (rule 6)."""
    rows = read_trace(config.trace)
    length_ns = rows[-1][1] - rows[0][1] if rows else 0
    shift_ns = length_ns + (half_up(length_ns, len(rows) - 1) if len(rows) > 1 else 0)
    rows = [(name, arrival_ns + k * shift_ns, *lengths)
            for k in range(config.repeat) for name, arrival_ns, *lengths in rows]
    return [(name, half_up(arrival_ns * 10**9, config.rate_scale), *lengths)
            for name, arrival_ns, *lengths in rows[:config.limit or None]]
