"""report_summary: what a run was, how it went, and what to be careful with."""

import os

from report_roofline import number
from report_text import BOUND_NAMES, BOUNDS, count, digits, quantity, span


def ms(run, name):
    return quantity(run.value(name) / 1000, "s")


def known(number):
    return number == number


def whole(settings, key):
    """A count of the configuration; 1 where there is none."""
    text = (settings.get(key) or "1").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def pool_words(settings):
    """"2 × (4 × h100-sxm)" and the like."""
    gpus = 1
    for kind in ("tensor", "pipeline", "data"):
        gpus *= whole(settings, f"{kind}_parallel")
    device = settings.get("accelerator", "") or "server with linear cost"
    n = settings.get("replicas", "1")
    return f"{n} × {device}" if gpus == 1 else f"{n} × ({gpus} × {device})"


def trace_words(run):
    workload = run.config["workload"] if "workload" in run.config else {}
    trace, generator = workload.get("trace", ""), workload.get("generator", "")
    return os.path.basename(trace) or os.path.basename(generator) or "standard input"


def models(run):
    names = [settings.get("model", "") for settings in run.pools().values()]
    return ", ".join(dict.fromkeys(name for name in names if name))


class Configured:
    """A configuration that was not run as it is: what a study started from."""

    def __init__(self, config):
        self.config = config

    def pools(self):
        return {name[5:]: self.config[name] for name in self.config.sections()
                if name.startswith("pool.")}


def heading(run):
    """The title of the page and the line below it."""
    pools = run.pools()
    fleet = " + ".join(pool_words(settings) for settings in pools.values())
    names = models(run)
    return f"{names} on {fleet}" if names else fleet, trace_words(run)


def facts(run):
    """(name, value) of the configuration, for the head of the page."""
    config = run.config
    rows = []
    for name, settings in run.pools().items():
        policy = settings.get("policy", "") or settings.get("batching", "")
        role = settings.get("role", "both")
        engine = f", engine {settings.get('engine')}" if settings.get("engine") else ""
        rows.append((f"pool {name}",
                     f"{pool_words(settings)}, {settings.get('model', '') or 'linear cost'}"
                     f"{engine}, policy {policy}" + (f", {role} only" if role != "both" else "")))
    if sum(whole(settings, "replicas") for settings in run.pools().values()) > 1:
        rows.append(("router", config.get("route", "policy", fallback="")))
    slo = [f"{name.upper()} ≤ {span(at)}" for name, at in run.slo().items()]
    require = config.get("slo", "require", fallback="").strip()
    rows.append(("SLO", ", ".join(slo + ([require] if require else [])) or "none"))
    rows.append(("trace", trace_words(run)))
    changed = [f"{key} {config.get('workload', key)}"
               for key, usual in (("rate_scale", "1"), ("rate_rps", "0"), ("limit", "0"),
                                  ("repeat", "1"), ("warmup", "0"), ("cooldown", "0"))
               if config.get("workload", key, fallback=usual) != usual]
    if changed:
        rows.append(("workload", ", ".join(changed)))
    rows.append(("seed", config.get("run", "seed", fallback="")))
    rows.append(("servesim", run.version))
    return [(name, value) for name, value in rows if value]


def warnings(run):
    """What a reader must know before he believes a number."""
    found, value, text = [], run.value, run.summary.get
    lost = [(name, value(f"all_{name}_requests")) for name in ("rejected", "timed_out", "shed",
                                                               "failed")]
    lost = [f"{count(n)} {name.replace('_', ' ')}" for name, n in lost if known(n) and n > 0]
    verdict = text("load_verdict", "")
    if verdict.startswith("overloaded"):
        found.append(f"Load: {verdict}. Latencies of an overloaded fleet grow with "
                     "the length of the trace; they are no property of the fleet.")
    elif verdict not in ("", "stable"):
        found.append(f"Whether the fleet can bear the load: {verdict}.")
    if lost:
        found.append(f"Not all requests completed: {', '.join(lost)}. Latencies are of those "
                     "that did.")
    cut = [key for key in ("warmup", "cooldown", "count_from", "count_to")
           if run.config.get("workload", key, fallback="0") not in ("0", "")]
    if cut:
        found.append(f"Cards leave out requests by [workload] {', '.join(cut)}; charts have "
                     "all requests that completed.")
    if text("calibration", "").startswith("uncalibrated") and \
            "linear" not in text("calibration"):
        found.append(f"Step times: {text('calibration')}. They come from data sheets and from "
                     "constants that were fitted elsewhere; compare, and do not promise.")
    if text("power_model") == "uncalibrated" and value("total_energy_j") > 0:
        share = value("power_uncertainty")
        found.append("Energy and power are not calibrated"
                     + (f" (±{quantity(100 * share, '%')})." if known(share) else "."))
    if "mixed" in text("price_basis", ""):
        found.append(f"Prices are {text('price_basis')}.")
    if run.config.get("workload", "on_bad_row", fallback="stop") == "skip":
        found.append("Rows of the trace that could not be read were to be skipped "
                     "(on_bad_row = skip); the run told on standard error whether there were "
                     "any.")
    if text("recovered", "") == "no":
        found.append("The SLO was not met again by the end of the run.")
    return found


def main_bound(run):
    shares = {name: run.value(f"{name}_bound_share") for name in BOUNDS}
    shares = {name: share for name, share in shares.items() if known(share)}
    name = max(shares, key=shares.get, default=None)
    return (name, shares[name]) if name is not None and shares[name] > 0 else (None, 0)


def takeaway(run):
    """The run in a few sentences."""
    value = run.value
    words = [f"{count(value('completed'))} of {count(value('injected_requests'))} requests "
             f"completed in {span(value('duration'))}: {digits(value('request_throughput'))} "
             f"requests and {quantity(value('output_throughput'))} output tokens per second."]
    if value("estimated_load") > 0:
        words.append(f"That is {quantity(100 * value('estimated_load'), '%')} of what the fleet "
                     f"is estimated to serve ({run.summary.get('load_verdict', '')}).")
    met = value("slo_attainment")
    if run.slo() and known(met):
        goal = number(run.config["slo"], "attainment")
        goal = f", the goal is {quantity(100 * goal, '%')}" if goal else ""
        words.append(f"{quantity(100 * met, '%')} were within the SLO{goal}.")
    name, share = main_bound(run)
    if name is not None:
        words.append(f"Steps spent most of their time on {BOUND_NAMES[name]} "
                     f"({quantity(100 * share, '%')}).")
    return " ".join(words)


def cards(run):
    """(name, value, small print); those of which nothing is known are left out."""
    value = run.value
    usd, peak = value("total_cost_usd"), 100 * run.replicas["peak_kv_used_fraction"].max()
    bounds = {name: span(at) for name, at in run.slo().items()}

    def latency(name, key):
        small = f"median {ms(run, f'median_{key}_ms')}"
        return (f"{name}, p99", ms(run, f"p99_{key}_ms"),
                small + (f"; bound {bounds[key]}" if key in bounds else ""))
    rows = [
        ("Completed", count(value("completed")),
         f"of {count(value('injected_requests'))} requests"),
        ("Throughput", quantity(value("output_throughput"), "tok/s"),
         f"output; {quantity(value('request_throughput'), 'requests/s')}"),
        latency("TTFT", "ttft"), latency("TPOT", "tpot"),
        ("E2E, p99", ms(run, "p99_e2el_ms"), f"median {ms(run, 'median_e2el_ms')}"),
        ("Within SLO", quantity(100 * value("slo_attainment"), "%"),
         f"goodput {quantity(value('request_goodput'), 'requests/s')}")
        if run.slo() else None,
        ("Cost per million tokens", quantity(value("usd_per_million_tokens"), "$"),
         f"{quantity(value('usd_per_million_output_tokens'), '$')} of output; "
         f"{quantity(usd, '$')} in all") if usd > 0 else None,
        ("Energy per token", quantity(value("joules_per_output_token"), "J"),
         f"of output; {quantity(value('total_energy_j') / 3600, 'Wh')} in all")
        if value("total_energy_j") > 0 else None,
        ("GPUs busy", quantity(100 * value("busy_share"), "%"),
         f"MFU {quantity(100 * value('mfu'), '%')}, MBU {quantity(100 * value('mbu'), '%')}"
         if known(value("mfu")) else "of the time"),
        ("KV cache, peak", quantity(peak, "%"),
         f"mean {quantity(100 * value('mean_kv_used_fraction'), '%')}; "
         f"{count(value('preemptions'))} preemptions"),
    ]
    if value("prefix_cache_hit_rate") > 0:
        rows.append(("Prefix cache", quantity(100 * value("prefix_cache_hit_rate"), "%"),
                     "of prompt tokens were found in it"))
    if value("failed_cost_usd") > 0 or len(run.events):
        rows.append(("Replica events", count(run.n_events),
                     f"{sum(run.events['event'] == 'fail')} failures"))
    return [row for row in rows if row is not None and not row[1].startswith("–")]


def outcome_rows(run):
    return [(status.replace("_", " "), reason or "", count(n))
            for (status, reason), n in sorted(run.requests.statuses.items(),
                                              key=lambda item: -item[1])]


def shape_rows(run):
    """Percentiles of what requests asked for."""
    rows = []
    for name, words in (("prompt_tokens", "prompt tokens"), ("output_tokens", "output tokens")):
        counts = run.requests.tokens[name]
        if counts.n:
            found = counts.quantiles([0.5, 0.9, 0.99])
            rows.append([words, *(count(value) for value in found), count(counts.most)])
    return rows
