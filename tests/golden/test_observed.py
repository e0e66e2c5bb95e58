#!/usr/bin/env python3
"""observed: a server's metrics that are a run's own agree with a replay, and where one thing
is changed in the run, `servesim validate --observed` names it.

What a server would have told is worked out here from steps.csv, requests.csv and a fine
timeline.csv, and says nothing of how the program does it.
"""

import bisect
import collections
import pathlib
import subprocess
import sys

import runs

INTERVAL = 5 * runs.SECOND
HEADER = ("t_s,running,waiting,kv_used_fraction,preemptions,prefix_hits,prefix_queries,"
          "prompt_tokens,generation_tokens,ttft_mean_ms,itl_mean_ms,e2e_mean_ms,n_requests")
SETTINGS = ("output.steps=yes", "output.interval=50ms")
SERVER = """
[workload]
trace = {trace}
[pool.main]
accelerator = h100-sxm
model = llama-3.1-8b
engine = vllm
policy = vllm-v1
max_num_seqs = 48
"""


def mean(total, n):
    return f"{total / n:.6f}" if n > 0 else ""


def token_times(folder):
    """When each token of each request came out, from the steps."""
    prompts = {row["request_id"]: int(row["prompt_tokens"])
               for row in runs.read_table(folder / "requests.csv")}
    times, preemptions = collections.defaultdict(list), []
    for row in runs.read_table(folder / "steps.csv"):
        if row["kind"] == "preempt":
            preemptions.append(runs.to_ns(row["start_s"]))
            continue
        emitted = times[row["request_id"]]
        if int(row["context"]) - prompts[row["request_id"]] + 1 > len(emitted):
            emitted.append(runs.to_ns(row["end_s"]))
    return times, preemptions


def regular(end):
    return range(INTERVAL, end + 1, INTERVAL)


def irregular(end):
    """Scrapes that come when they come; their times have no common measure."""
    times, at = [], 0
    while at + 9 * runs.SECOND < end:
        at += (7 + len(times) % 3) * runs.SECOND // 2 + 4_099_137 * (len(times) % 7)
        times.append(at)
    return times


def metrics(folder, path, scrapes=regular, kept=lambda column: True):
    """Writes what the server of a run would have told at each scrape."""
    folder = pathlib.Path(folder)
    gauges = {runs.to_ns(row["t_s"]): row for row in runs.read_table(folder / "timeline.csv")}
    ends = list(scrapes(max(gauges)))
    sums = [collections.Counter() for _ in ends]

    def add(at_ns, **more):
        at = bisect.bisect_left(ends, at_ns)
        if at < len(ends):
            sums[at].update(more)

    times, preemptions = token_times(folder)
    for emitted in times.values():
        for at in emitted:
            add(at, tokens=1)
        for before, at in zip(emitted, emitted[1:]):
            add(at, itl=at - before, n_itl=1)
    for at in preemptions:
        add(at, preemptions=1)
    for row in runs.read_table(folder / "requests.csv"):
        arrival, finish = runs.to_ns(row["arrival_s"]), runs.to_ns(row["finish_s"])
        first = runs.to_ns(row["first_token_s"])
        prompt = int(row["prompt_tokens"])
        add(runs.to_ns(row["first_scheduled_s"]), queries=prompt,
            hits=int(row["cached_tokens"]))
        add(first, prompt=prompt, ttft=first - arrival, n_ttft=1)
        add(finish, e2e=finish - arrival, finished=1)
    lines = [HEADER, "0,0,0,0,,,,,,,,,"]
    for end, s in zip(ends, sums):
        gauge = gauges[max(at for at in gauges if at <= end)]
        cells = [runs.to_seconds(end), gauge["running"], gauge["waiting"],
                 gauge["kv_used_fraction"], s["preemptions"], s["hits"], s["queries"],
                 s["prompt"], s["tokens"], mean(s["ttft"] / 1e6, s["n_ttft"]),
                 mean(s["itl"] / 1e6, s["n_itl"]), mean(s["e2e"] / 1e6, s["finished"]),
                 s["finished"]]
        lines.append(",".join(map(str, cells)))
    columns = HEADER.split(",")
    keeps = [i for i, name in enumerate(columns) if name == "t_s" or kept(name)]
    with open(path, "w", encoding="utf-8") as file:
        for line in lines:
            cells = line.split(",")
            file.write(",".join(cells[i] for i in keeps) + "\n")
    return path


def compare(observed, config, *arguments):
    done = subprocess.run([runs.SERVESIM, "validate", "--observed", observed, config,
                           *map(str, arguments)], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"FAILED: validate --observed: exit {done.returncode}: {done.stderr}")
    return done.stdout


def verdict(text):
    return text.rstrip().rpartition("\n")[2]


def traces(place):
    """Requests of which many have a prompt in common: half of them, or a tenth."""
    runs.generate(place / "plain.csv", ["workload.requests=600", "arrivals.rate_rps=11"])
    rows = runs.read_trace(place / "plain.csv")
    shared = [(*row, f"p{i % 7}" if i % 2 == 0 else f"own{i}") for i, row in enumerate(rows)]
    fewer = [(*row, f"p{i % 7}" if i % 10 == 0 else f"own{i}") for i, row in enumerate(rows)]
    longer = [(at, prompt, output * 5 // 4) for at, prompt, output in rows]
    runs.write_trace(place / "shared.csv", shared)
    runs.write_trace(place / "fewer.csv", fewer)
    runs.write_trace(place / "longer.csv", longer)
    runs.write_trace(place / "closed.csv", rows)


# name, the trace of CONFIG, what the real server had otherwise, what must drift first
CASES = (
    ("the_same_server_has_not_drifted", "plain", (), None),
    ("the_same_prefixes_have_not_drifted", "shared", (), None),
    ("more_requests_are_traffic", "plain", ("workload.rate_scale=1.25",), "traffic"),
    ("longer_outputs_are_traffic", "plain", ("workload.trace={longer}",), "traffic"),
    ("fewer_shared_prompts_are_the_hit_rate", "shared", ("workload.trace={fewer}",),
     "hit rate"),
    ("no_prefix_cache_is_the_hit_rate", "shared", ("pool.main.enable_prefix_caching=no",),
     "hit rate"),
    ("slower_steps_are_step_time", "plain", ("pool.main.scale=1.2",), "step time"),
    ("faster_steps_are_step_time", "plain", ("pool.main.scale=0.8",), "step time"),
    ("a_server_that_slows_its_clients_down_is_step_time", "closed", ("pool.main.scale=1.3",),
     "step time"),
    ("longer_outputs_of_clients_that_wait_are_traffic", "closed",
     ("workload.trace={longer}",), "traffic"),
    ("fewer_blocks_are_scheduling", "plain", ("pool.main.num_gpu_blocks=2000",),
     "scheduling"),
    ("half_the_sequences_are_scheduling", "plain", ("pool.main.max_num_seqs=12",),
     "scheduling"),
)


def check_cases(place, faults):
    for name, trace, changes, expected in CASES:
        config = place / f"{trace}.ini"
        mode = "\nmode = closed\nconcurrency = 23" * (trace == "closed")
        config.write_text(SERVER.format(trace=f"{place / trace}.csv{mode}"), encoding="utf-8")
        names = {path.stem: path for path in place.glob("*.csv")}
        changed = [change.format(**names) for change in changes]
        runs.run(config, place / name, [*SETTINGS, *changed])
        observed = metrics(place / name, place / f"{name}.metrics")
        text = compare(observed, config)
        said = verdict(text)
        want = (f"verdict: first to drift: {expected} (" if expected else
                "verdict: nothing drifted by more than 10 %")
        if not said.startswith(want):
            faults.append(f"{name}: {said!r} instead of {want!r}\n{text}")
        if "--show" in sys.argv:
            print(name, text, sep="\n")


def check_numbers(place, faults):
    """What the program says of its replay is what was worked out here."""
    folder = place / "the_same_server_has_not_drifted"
    compare(place / f"{folder.name}.metrics", place / "plain.ini", "-o", place / "rows.csv")
    bounds = {"requests_per_s": 0.05, "prompt_tokens_per_s": 0.05, "batch_itl_ms": 0.2,
              "itl_ms": 1e-4, "ttft_ms": 1e-4, "e2e_ms": 1e-4, "prefix_hit_percent": 1e-6}
    for row in runs.read_table(place / "rows.csv"):
        for name, bound in bounds.items():
            seen, played = row[f"{name}_observed"], row[f"{name}_simulated"]
            if bool(seen) != bool(played):
                faults.append(f"{row['t_s']}: {name}: {seen!r} and {played!r}")
            elif seen and abs(float(seen) - float(played)) > bound * max(float(played), 1):
                faults.append(f"{row['t_s']}: {name}: {seen} is not {played}")


def check_irregular(place, faults):
    """Scrapes need not be as far apart as others."""
    for name, want in (("the_same_server_has_not_drifted", "nothing drifted"),
                       ("slower_steps_are_step_time", "first to drift: step time (+1")):
        observed = metrics(place / name, place / "irregular.metrics", irregular)
        said = verdict(compare(observed, place / "plain.ini", "-o", place / "rows.csv"))
        if not said.startswith(f"verdict: {want}"):
            faults.append(f"irregular, {name}: {said!r}")
        if name.startswith("the_same"):
            for row in runs.read_table(place / "rows.csv"):
                seen, played = float(row["itl_ms_observed"]), float(row["itl_ms_simulated"])
                if abs(seen - played) > 0.01 * played:
                    faults.append(f"irregular, {row['t_s']}: ITL {seen} is not {played}")


def check_missing(place, faults):
    """Columns that are missing are said to be, and others are judged all the same."""
    folder = place / "slower_steps_are_step_time"
    some = metrics(folder, place / "some.metrics", kept=lambda name: "prefix" not in name)
    said = verdict(compare(some, place / "plain.ini"))
    if not said.endswith("; not observed: hit rate") or "first to drift: step time" not in said:
        faults.append(f"without prefix columns: {said!r}")
    times = metrics(folder, place / "none.metrics", kept=lambda name: name == "ttft_mean_ms")
    said = verdict(compare(times, place / "plain.ini"))
    if not said.endswith("not observed: traffic, hit rate, step time, scheduling"):
        faults.append(f"with times to first token only: {said!r}")


def main():
    faults = []
    with runs.work_folder() as name:
        place = pathlib.Path(name)
        traces(place)
        check_cases(place, faults)
        check_numbers(place, faults)
        check_irregular(place, faults)
        check_missing(place, faults)
    for fault in faults:
        print(f"FAILED: {fault}")
    print(f"{len(CASES) + 3} checks, {len(faults)} faults")
    sys.exit(1 if faults else 0)


main()
