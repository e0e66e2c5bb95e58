"""report_text: numbers as people read them, and what the words of a report mean."""

import html
import math

SPACE = "\u00a0"  # between a number and its unit: no line ends there
# Every chart, card and table says its unit with one of these; report.js knows the same.
#   s  seconds      %  hundredths      $  dollars      W, J, Wh, g  with k, M, G before them
PREFIXES = (("G", 1e9), ("M", 1e6), ("k", 1e3))
SI = ("W", "J", "Wh", "g", "FLOP/s", "B/s")


def escape(text):
    """Text from a trace, a configuration or a file name as HTML."""
    return html.escape(str(text), quote=True)


def digits(number, places=3):
    """Three figures, and none after the point that say nothing: 0.0312, 4.7, 128, 12,340."""
    if number == 0 or not math.isfinite(number):
        return "0" if number == 0 else "–"
    if abs(number) >= 10 ** (places - 1):
        return f"{number:,.0f}"
    if abs(number) < 1e-4:
        return f"{number:.{places - 1}e}"
    text = f"{number:.{max(0, places - 1 - math.floor(math.log10(abs(number))))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def span(seconds):
    """A duration as people say it: 36 ms, 1.5 s, 2 min."""
    for unit, size in (("d", 86400 * 3), ("h", 3600), ("min", 120), ("s", 1), ("ms", 1e-3)):
        if abs(seconds) >= size * 0.9995:
            size = {"d": 86400, "min": 60}.get(unit, size)
            return f"{digits(seconds / size)}{SPACE}{unit}"
    return f"{digits(seconds / 1e-6)}{SPACE}µs" if seconds else f"0{SPACE}s"


def quantity(number, unit=""):
    """A number with its unit: 1.2 kW, $0.31, 38 %, 12.3 k tok/s."""
    if number is None or not math.isfinite(number):
        return "–"
    if unit == "s":
        return span(number)
    if unit == "%":
        return f"{digits(number)}{SPACE}%"
    if unit == "$":
        size = abs(number)
        text = f"{size:,.2f}" if 1 <= size < 1000 else digits(size)
        return f"{'−' if number < 0 else ''}${text}"
    prefix = ""
    if unit in SI or abs(number) >= 1e6:
        for name, size in PREFIXES:
            if abs(number) >= size * 0.9995:
                number, prefix = number / size, name
                break
    if unit in SI:
        return f"{digits(number)}{SPACE}{prefix}{unit}"
    return digits(number) + "".join(SPACE + each for each in (prefix, unit) if each)


def count(number):
    """A whole number with all its figures."""
    return f"{number:,.0f}"


def clip(text, most=28):
    """No label is longer than this on a page."""
    text = str(text)
    return text if len(text) <= most else text[: most - 1] + "…"


OWNERS = ("queue", "prefill", "decode", "stall", "recompute", "transfer")

# What it means that a request's time went there, and what usually helps.
OWNER_MEANS = {
    "queue": "waiting for a place in a batch: more replicas, a lower load or another order "
             "of the queue shorten it",
    "prefill": "computing the prompt: shorter prompts, prefix caching or faster compute "
               "shorten it",
    "decode": "writing the answer token by token: shorter answers, smaller batches or more "
              "memory bandwidth shorten it",
    "stall": "waiting between tokens while the replica computes other requests' prompts: "
             "smaller chunks of prompts or prefill and decode apart shorten it",
    "recompute": "doing work twice after giving way to others or after a failure: more KV "
                 "cache or fewer failures shorten it",
    "transfer": "moving the KV cache between replicas: faster links shorten it",
    "other": "what no other column counts",
    "recompute or transfer": "work done twice after a failure or after giving way, or a KV "
                             "cache that had to be moved first",
}

BOUNDS = ("compute", "weight", "kv", "network", "overhead")
BOUND_NAMES = {"compute": "compute", "weight": "reading weights", "kv": "reading KV cache",
               "network": "network", "overhead": "overheads", "idle": "idle"}

GLOSSARY = (
    ("TTFT", "Time to first token: from the moment a request is sent to its first output "
             "token."),
    ("TPOT", "Time per output token: the mean time between output tokens of one request, "
             "(E2E − TTFT) / (output tokens − 1)."),
    ("ITL", "Inter-token latency: every single gap between two output tokens. A request's "
            "longest gap is what its reader notices as a hiccup."),
    ("E2E", "End to end: from the moment a request is sent to its last token."),
    ("Queue", "From the moment a request is sent to the first step that computes something "
              "of it."),
    ("p50, p90, p99", "Percentiles: 99 of 100 requests were at least as fast as the p99. "
                      "The p50 is the median."),
    ("SLO", "Service-level objective: the bounds in the section [slo] of the configuration."),
    ("SLO attainment", "The share of requests that were within every bound of the SLO."),
    ("Goodput", "Requests per second that were within the SLO."),
    ("Prefill", "Computing a prompt. It fills a request's KV cache and gives its first "
                "token."),
    ("Decode", "Computing one output token per step for every running request."),
    ("Stall", "Time after the first token in which a request had to wait for others' "
              "prompts."),
    ("KV cache", "The memory in which a GPU keeps what it computed of running requests. When "
                 "it is full, requests wait or give way (preemption)."),
    ("Batch", "The requests that one replica computes together in a step."),
    ("Replica", "One copy of the model on one GPU or on several."),
    ("MFU", "Model FLOPs utilisation: floating-point operations done, over what the data "
            "sheet allows in the same time."),
    ("MBU", "Model bandwidth utilisation: bytes moved, over what the data sheet allows in "
            "the same time."),
    ("Bound", "What a step's time is spent on: computing, reading weights, reading the KV "
              "cache, the network, or overheads that take time whatever is computed."),
    ("Tokens/s per user", "How fast one request's answer is written: 1 / mean TPOT."),
    ("Pareto front", "The points that no other point beats in both directions."),
    ("$/Mtok", "Dollars per million tokens, prompts and answers together, everything paid "
               "for included."),
    ("J/token", "Energy per output token, idle power included."),
)
