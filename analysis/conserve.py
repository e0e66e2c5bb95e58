#!/usr/bin/env python3
"""conserve: whether the files of a run add up: nothing lost, nothing made up.

    python3 analysis/conserve.py DIR...

Works out again, with integers and fractions and nothing shared with the C program, what must be
equal: with ==, or as closely as numbers are printed.  Exit 1 if anything does not add up.
"""

import argparse
import itertools
import math
import pathlib
import sys
from fractions import Fraction

from conserve_bill import HOUR_S, check_bill, is_plain  # noqa: F401
from conserve_fleet import (check_kv, check_time, check_timeline_grid,  # noqa: F401
                            check_timeline_state, check_tokens, lost_attempts)
from result_folder import ResultFolder, agree, half, near, ns, total

STATUSES = ("completed", "rejected", "timed_out", "shed", "failed")
MOST_EXACT = 10**6  # above that, quantiles are histogram edges, at most 0.1 % too high


# Checks: each gives what it compared, with numbers, and whether it holds.
def check_shape(run):
    """Every row has as many fields as its file has columns, and metrics have one row each."""
    rows = [*run.metrics, *run.replicas, *run.timeline, *(r.row for r in run.requests),
            *(run.steps or [])]
    bad = [next(iter(row.values())) for row in rows if None in row or None in row.values()]
    return f"{len(rows)} rows, wrong: {bad[:3]}", not bad and len(run.metrics) == len(run.summary)


def check_owners(run):
    """Every nanosecond from arrival to finish has one owner."""
    kept = [request for request in run.requests if request.status != "rejected"]
    bad = [request.id for request in kept
           if sum(request.owners) != request.e2e or min(request.owners) < 0]
    n_ns = sum(request.e2e for request in kept)
    return f"{len(kept)} requests, {n_ns} ns, {len(bad)} do not sum {bad[:3]}", not bad


def check_order(run):
    """arrival <= scheduled <= first token <= finish, and the columns that are differences."""
    def sound(request):
        times = [request.arrival, request.scheduled, request.first, request.finish]
        known = [time for time in times if time is not None]
        if known != sorted(known) or (request.done and None in times):
            return False
        if request.status == "rejected":
            return request.e2e is None and request.finish == request.arrival
        seen = request.scheduled if request.scheduled is not None else request.finish
        answer, reasoning = request.row["ttfat_s"], int(request.row["reasoning_tokens"])
        if reasoning == 0 and answer != request.row["ttft_s"]:
            return False
        if answer and not request.ttft <= ns(answer) <= request.e2e or request.done > bool(answer):
            return False
        return (request.e2e == request.finish - request.arrival
                and request.queue == seen - request.arrival
                and request.ttft == (request.first - request.arrival
                                     if request.first is not None else None))
    bad = [request.id for request in run.requests if not sound(request)]
    return f"{len(run.requests)} requests, {len(bad)} out of order {bad[:3]}", not bad


def check_gaps(run):
    """TPOT, and the longest gap: no less than the mean one, no more than all of them."""
    def sound(request):
        n_gaps = request.output - 1
        if n_gaps == 0:
            return request.tpot is None and request.gap is None
        decoding = request.e2e - request.ttft
        return (request.tpot == (2 * decoding + n_gaps) // (2 * n_gaps)
                and request.gap * n_gaps >= decoding and request.gap <= decoding)
    bad = [request.id for request in run.done if not sound(request)]
    return f"{len(run.done)} completed, {len(bad)} wrong {bad[:3]}", not bad


def check_little(run):
    """Sum of sojourns = area under the number in the system, counted by sweeping events."""
    sojourn = sum(request.finish - request.arrival for request in run.requests)
    events = sorted([(request.arrival, 1) for request in run.requests]
                    + [(request.finish, -1) for request in run.requests])
    area = n_in_system = before = 0
    for at, change in events:
        area += n_in_system * (at - before)
        n_in_system, before = n_in_system + change, at
    told = int(run.summary["requests_in_system_area"]), int(run.summary["sojourn_sum"])
    return f"sojourns {sojourn}, area {area}, told {told[0]} and {told[1]} request-ns", (
        sojourn == area == told[0] == told[1])


def check_statuses(run):
    """Injected = the sum over statuses, in the file as in the summary."""
    found = [sum(request.status == status for request in run.requests)
             for status in STATUSES]
    told = [int(run.summary[f"all_{status}_requests"]) for status in STATUSES]
    inside = [sum(request.status == status for request in run.counted) for status in STATUSES]
    return f"{found} of {len(run.requests)}, {inside} inside the window", (
        found == told and sum(found) == len(run.requests) == int(run.summary["injected_requests"])
        and inside == [int(run.summary[status]) for status in STATUSES])


def step_tokens(pool):
    """The most that a step computes."""
    unbudgeted = pool["batching"] in ("static", "dynamic", "orca")
    return 10**9 if unbudgeted else int(pool["max_num_batched_tokens"])


def most_left(run):
    """What dividing a step's cost may leave over: less than one unit per sequence or token."""
    return max(int(pool["max_num_seqs"]) + step_tokens(pool)
               for pool in run.pools.values())


def check_money(run):
    """attributed + idle + lost + remainder = paid = price x time; rows sum to it."""
    if not is_plain(run):
        return "not rented on demand: see bill", True
    told, hour_ns = run.summary, 10**9 * HOUR_S
    parts = [told[f"{name}_cost_usd"] for name in ("attributed", "idle", "lost", "remainder")]
    paid, idle = (sum(run.per_gpu(row["pool"], "usd_per_hour") * time(row) / hour_ns
                      for row in run.replicas)
                  for time in (lambda _: run.end, lambda row: ns(row["idle_s"])))
    rows, room = total(request.row["cost_usd"] for request in run.done)
    lost, lost_room = total(r.row["cost_usd"] for r in run.requests if not r.done)
    left_ns = most_left(run)  # nobody pays for more than its time in the batch, and what was left
    greedy = [r.id for r in run.requests if r.scheduled is not None
              and Fraction(r.row["cost_usd"]) - half(r.row["cost_usd"])
              > run.per_gpu(r.row["pool"], "usd_per_hour") * (r.finish - r.scheduled + left_ns)
              / 10**9 / HOUR_S]
    left = sum(run.per_gpu(row["pool"], "usd_per_hour") for row in run.replicas) * left_ns
    return f"{float(paid):.9f} = {' + '.join(parts)} usd; rows {float(rows):.12f}", (
        near(told["total_cost_usd"], paid) and agree(parts, paid) and near(parts[1], idle)
        and near(parts[0], rows, room) and near(parts[2], lost, lost_room) and not greedy
        and 0 <= Fraction(parts[3]) <= left / 10**9 / HOUR_S + half(parts[3])
        and agree([row["cost_usd"] for row in run.replicas], paid))


def check_energy(run):
    """The same of energy; idle replicas draw idle power."""
    told = run.summary
    parts = [told[f"{name}_energy_j"] for name in ("attributed", "idle", "lost", "remainder",
                                               "starting")]
    idle = sum(run.per_gpu(row["pool"], "idle_power") * ns(row["idle_s"]) / 10**9
               for row in run.replicas)
    rows, room = total(request.row["energy_j"] for request in run.done)
    lost, lost_room = total(r.row["energy_j"] for r in run.requests if not r.done)
    whole = Fraction(told["total_energy_j"])
    return f"{told['total_energy_j']} = {' + '.join(parts)} J; rows {float(rows):.6f}", (
        agree(parts, whole, half(told["total_energy_j"])) and near(parts[1], idle)
        and near(parts[0], rows, room) and (
            near(parts[2], lost, lost_room)
            or lost_attempts(run) > 0 and Fraction(parts[2]) >= lost - lost_room)
        and 0 <= Fraction(parts[3]) <= Fraction(most_left(run) * len(run.replicas), 10**12)
        and agree([row["energy_j"] for row in run.replicas], whole, half(told["total_energy_j"]))
        and near(told["mean_power"], whole * 10**9 / run.end,
                 half(told["total_energy_j"]) * 10**9 / run.end))


def check_timeline_tokens(run):
    """Token rates over time are the tokens; so are means of what is over time."""
    sums = [sum(int(row[name]) for row in run.replicas) for name in ("prefill_tokens",
                                                                     "decode_tokens")]
    found = [run.integral(name) for name in ("prefill_tokens_per_s", "decode_tokens_per_s")]
    return f"{sums} tokens, integrals {[float(f) for f, _ in found]}", all(
        abs(f - wanted) <= room for (f, room), wanted in zip(found, sums))


def check_timeline_energy(run):
    found, room = run.integral("power_w")
    whole = run.summary["total_energy_j"]
    return f"integral of power {float(found):.6f}, total {whole} J", near(whole, found, room)


def check_roofs(run):
    """MFU and MBU at most 1, power between idle and TDP, shares of bounds sum to 1."""
    rows = [*run.timeline, *run.replicas, run.summary]
    most = {name: max((Fraction(row[name]) for row in rows if row[name]), default=Fraction(0))
            for name in ("mfu", "mbu")}
    n = {pool: int(section["replicas"]) for pool, section in run.pools.items()}
    bad = [row["t_s"] for row in run.timeline
           if not run.per_gpu(row["pool"], "idle_power") * n[row["pool"]] - half(row["power_w"])
           <= Fraction(row["power_w"])
           <= run.per_gpu(row["pool"], "tdp") * n[row["pool"]] + half(row["power_w"])]
    shares = [[row[f"{of}_bound_share"] for of in ("compute", "weight", "kv", "network",
                                                   "overhead")]
              for row in (*run.replicas, run.summary)]
    power = max(Fraction(row["power_w"]) for row in run.timeline)
    return (f"mfu <= {float(most['mfu'])}, mbu <= {float(most['mbu'])}, power <= "
            f"{float(power)} W"), (
        max(most.values()) <= 1 and not bad
        and all(agree(row, 1) for row in shares if any(row)))


def latency_faults(run, name, values):
    """The metrics of one latency that are not what the values make them."""
    told = {what: run.summary[f"{what}_{name}_ms"]
            for what in ("mean", "median", "std", "p90", "p95", "p99", "max")}
    if not values:
        return [what for what, text in told.items() if text != ""]
    values, n = sorted(values), len(values)
    slack = 0 if n <= MOST_EXACT else Fraction(1, 1000)
    wanted = {what: values[(percent * n + 99) // 100 - 1]
              for what, percent in (("median", 50), ("p90", 90), ("p95", 95), ("p99", 99),
                                    ("max", 100))}
    faults = [what for what, value in wanted.items()
              if not 0 <= Fraction(told[what]) * 10**6 - value <= value * slack]
    mean = Fraction(sum(values), n)
    variance = Fraction(sum(value * value for value in values), n) - mean * mean
    deviation = Fraction(math.sqrt(variance)) / 10**6
    faults += ["mean"] * (not near(told["mean"], mean / 10**6))
    faults += ["std"] * (not near(told["std"], deviation, Fraction(1, 10**6)))
    return faults


def check_latencies(run):
    """Nearest-rank percentiles, means and deviations of the completed inside the window."""
    done = run.counted_done
    of = {"ttft": [r.ttft for r in done], "e2el": [r.e2e for r in done],
          "queue": [r.queue for r in done], "tpot": [r.tpot for r in done if r.tpot is not None]}
    if "mean_ttfat_ms" in run.summary:
        of["ttfat"] = [ns(r.row["ttfat_s"]) for r in done]
    bad = [f"{what}_{name}_ms" for name, values in of.items()
           for what in latency_faults(run, name, values)]
    return f"{7 * len(of)} metrics of {len(done)} requests, wrong: {bad}", not bad


def check_itl(run):
    """The gaps: as many as tokens after first ones, and they sum to the time of decoding."""
    told, done = run.summary, run.counted_done
    if "n_itl" not in told:
        return "not collected", True
    n, length = sum(r.output - 1 for r in done), sum(r.e2e - r.ttft for r in done)
    others = [r for r in run.counted if not r.done and r.first is not None]
    others += ["lost attempts"] * lost_attempts(run)
    longest = max((r.gap for r in run.counted if r.gap is not None), default=0)
    whole = len(run.counted) == len(run.requests)
    if whole:
        emitters = sum(r.first is not None for r in run.requests)
        gaps = int(told["emitted_tokens"]) - emitters  # lost attempts had first tokens, too
        exact = 0 <= gaps - int(told["n_itl"]) <= lost_attempts(run)
    else:
        exact = bool(others) or int(told["n_itl"]) == n
    sums = bool(others) or n == 0 or near(told["mean_itl_ms"], Fraction(length, n * 10**6))
    return f"{told['n_itl']} gaps, {n} of the completed", (
        exact and sums and int(told["n_itl"]) >= n
        and (n == 0 or Fraction(told["max_itl_ms"]) * 10**6 == longest
             or lost_attempts(run) > 0 and Fraction(told["max_itl_ms"]) * 10**6 >= longest))


def check_throughput(run):
    """From the first arrival to the last finish."""
    told, done = run.summary, run.counted_done
    if not run.counted:
        return "nothing inside the window", True
    length = max(r.finish for r in run.counted) - min(r.arrival for r in run.counted)
    inputs, outputs = sum(r.prompt for r in done), sum(r.output for r in done)
    return f"{len(done)} requests, {inputs} + {outputs} tokens in {length} ns", (
        ns(told["duration"]) == length and int(told["total_input_tokens"]) == inputs
        and int(told["total_output_tokens"]) == outputs
        and all(near(told[name], Fraction(n * 10**9, length)) for name, n in (
            ("request_throughput", len(done)), ("output_throughput", outputs),
            ("total_token_throughput", inputs + outputs))))


def check_slo(run):
    """slo_met of each row on integers, and goodput and attainment from it."""
    bound = run.bounds()
    if not any(bound.values()):
        return "no bound", all(r.row["slo_met"] == "" for r in run.requests)

    def met(r):
        return r.done and all((
            not bound["ttft_ms"] or r.ttft <= bound["ttft_ms"],
            not bound["ttfat_ms"] or ns(r.row["ttfat_s"]) <= bound["ttfat_ms"],
            not bound["e2e_ms"] or r.e2e <= bound["e2e_ms"],
            not bound["itl_ms"] or r.gap is None or r.gap <= bound["itl_ms"],
            not bound["tpot_ms"] or r.e2e - r.ttft <= bound["tpot_ms"] * (r.output - 1)))
    bad = [r.id for r in run.requests if r.row["slo_met"] != str(int(met(r)))]
    n_met = sum(map(met, run.counted))
    goodput = Fraction(n_met * 10**9, ns(run.summary["duration"]) or 1)
    return f"{n_met} of {len(run.counted)} met it, {len(bad)} wrong {bad[:3]}", (
        not bad and n_met == int(run.summary["slo_met_requests"])
        and near(run.summary["request_goodput"], goodput)
        and near(run.summary["slo_attainment"], Fraction(n_met, len(run.counted))))


def check_steps(run):
    """steps.csv: limits kept, no two steps of a replica at once, sums of the replicas."""
    if run.steps is None:
        return "not written", True
    pool_of = {row["replica"]: row["pool"] for row in run.replicas}
    usable = {row["pool"]: int(row["kv_total_blocks"]) // int(row["replicas"])
              for row in run.timeline if row["replicas"] != "0"}
    ends, busy, tokens, aborted, last, preempted = {}, {}, {}, {}, {}, 0
    bad = 0
    for key, group in itertools.groupby(run.steps, lambda row: (
            row["replica"], row["step"], row["kind"] == "abort")):
        rows = list(group)
        replica, (start, end) = key[0], (ns(rows[0]["start_s"]), ns(rows[0]["end_s"]))
        granted = [row for row in rows if row["preempted"] == "0"]
        n_tokens = sum(int(row["tokens"]) for row in granted)
        pool = pool_of[replica]
        limits = run.pools[pool]
        if granted[0]["kind"] == "abort":  # it was told before, as it was to be
            begun, until, n = last[replica]
            bad += begun != start or until < end
            busy[replica] -= until - begun
            tokens[replica] -= n
            ends[replica] = start
        last[replica] = start, end, n_tokens
        bad += start < ends.get(replica, 0) or end <= start
        bad += n_tokens > step_tokens(limits) or n_tokens < 1
        bad += len(granted) > int(limits["max_num_seqs"])
        bad += sum(int(row["blocks"]) for row in granted) > usable[pool]
        ends[replica], busy[replica] = end, busy.get(replica, 0) + end - start
        # of a step that a failure cut short a part is among the tokens of the replica
        sums_of = aborted if granted[0]["kind"] == "abort" else tokens
        sums_of[replica] = sums_of.get(replica, 0) + n_tokens
        preempted += len(rows) - len(granted)
    sums = all(busy.get(row["replica"], 0) == ns(row["busy_s"]) 
               and 0 <= int(row["prefill_tokens"]) + int(row["decode_tokens"])
               - tokens.get(row["replica"], 0) <= aborted.get(row["replica"], 0)
               for row in run.replicas)
    return f"{len(run.steps)} rows, {preempted} preemptions, {bad} limits broken", (
        bad == 0 and sums and preempted == int(run.summary["preemptions"]))


CHECKS = {name[6:]: value for name, value in list(globals().items()) if name[:6] == "check_"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=pathlib.Path, metavar="DIR")
    n_failed = 0
    for folder in parser.parse_args().folders:
        run = ResultFolder(folder)
        for name, check in CHECKS.items():
            said, holds = check(run)
            n_failed += not holds
            print(f"{'ok    ' if holds else 'FAILED'} {folder.name}: {name}: {said}")
    sys.exit(1 if n_failed else 0)


if __name__ == "__main__":
    main()
