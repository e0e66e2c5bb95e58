#!/usr/bin/env python3
"""perfetto: trace.json is sound, agrees with the other files, and stays within its bounds.

Slices, counters, instants and arrows are held against replicas.csv, timeline.csv,
events.csv and requests.csv of the same run; spans and --stepwise write the same bytes.
"""

import collections
import json
import sys

import runs

FLEET = runs.SERVER + "[output]\ninterval = 3\n"
FAILING = FLEET.replace("policy = vllm-v1\n", "policy = vllm-v1\nreplicas = 3\n") + (
    "[fail]\nmtbf = 4s\nmttr = 300ms\nmax_retries = 9\non_failure = retry\n")
APART = """
[workload]
trace = -
[pool.prefill]
role = prefill
accelerator = h100-sxm
model = llama-3.1-8b
engine = vllm
policy = vllm-v1
[pool.decode]
role = decode
accelerator = h200-sxm
model = llama-3.1-8b
engine = vllm
policy = vllm-v1
[disaggregate]
latency_us = 4099
overlap = no
[output]
interval = 3
"""
RANKS = FLEET.replace("llama-3.1-8b", "deepseek-v2-lite").replace(
    "policy = vllm-v1\n", "policy = vllm-v1\ndata_parallel = 2\ndata_parallel_mode = lockstep\n")
SCARCE = FLEET.replace("policy = vllm-v1\n", "policy = vllm-v1\nnum_gpu_blocks = 997\n")
DRAFTING = FLEET + ("[speculative]\nmethod = ngram\nnum_speculative_tokens = 3\n"
                    "acceptance = 0.37\n")
CASES = {
    "two replicas": (FLEET, ("pool.main.replicas=2",)),
    "replicas that fail": (FAILING, ()),
    "prompts and outputs apart": (APART, ()),
    "ranks in lockstep": (RANKS, ()),
    "few KV blocks": (SCARCE, ("pool.main.preempt=swap",)),
    "drafted tokens": (DRAFTING, ()),
    "a limit of power": (FLEET, ("power.power_cap=421W",)),
}


def ns(us):
    """Microseconds with three decimals, as text, as nanoseconds."""
    whole, _, decimals = us.partition(".")
    return int(whole) * 1000 + int(decimals or 0)


class Trace:
    def __init__(self, folder):
        text = (folder / "trace.json").read_text(encoding="utf-8")
        data = json.loads(text, parse_float=str)
        self.about, self.events = data["otherData"], data["traceEvents"]
        self.end_ns = ns(self.about["until_us"])
        self.tracks, self.counters, self.flows = (collections.defaultdict(list)
                                                  for _ in range(3))
        self.names, self.instants = {}, []
        for event in self.events:
            place = event["pid"], event["tid"]
            at = ns(str(event["ts"]))
            if event["ph"] == "X":
                self.tracks[place].append((at, at + ns(event["dur"]), event))
            elif event["ph"] == "C":
                for key, value in event["args"].items():
                    name = int(event["name"].split()[1]), event["name"].split()[2], key
                    self.counters[name].append((at, float(value)))
            elif event["ph"] in "stf":
                self.flows[event["id"]].append((event["ph"], at, place))
            elif event["ph"] == "i":
                self.instants.append((at, event["tid"] - 1, event["name"]))
            elif event["name"].endswith("_name"):
                self.names[(event["name"], *place)] = event["args"]["name"]

    def replicas(self):
        """Replica: its slices."""
        return {place[1] - 1: slices for place, slices in self.tracks.items()
                if self.names[("thread_name", *place)].startswith("replica")}

    def area(self, name, begin_ns, end_ns):
        """The counter over time, between two moments."""
        points = self.counters[name] + [(self.end_ns, 0.0)]
        return sum(value * max(min(to, end_ns) - max(at, begin_ns), 0)
                   for (at, value), (to, _) in zip(points, points[1:]))


def sound(trace):
    """What a viewer asks of the file."""
    for place, slices in trace.tracks.items():
        if ("thread_name", *place) not in trace.names:
            yield f"{place} has no name"
        if [at for at, _, _ in slices] != sorted(at for at, _, _ in slices):
            yield f"{place}: slices are not in order"
        open_until = []
        for at, until, event in slices:
            while open_until and open_until[-1] <= at:
                open_until.pop()
            if open_until and until > open_until[-1]:
                yield f"{place}: {event['name']} at {at} is not within the slice around it"
            open_until.append(until)
    for name, points in trace.counters.items():
        if any(a >= b for (a, _), (b, _) in zip(points, points[1:])):
            yield f"counter {name}: moments are not in order"
    for number, flow in trace.flows.items():
        kinds = "".join(kind for kind, _, _ in flow)
        if kinds not in ("stf", "sf"):
            yield f"arrow {number}: {kinds}"
        for kind, at, place in flow:
            if not any(begin <= at < max(end, begin + 1) for begin, end, _ in
                       trace.tracks[place]):
                yield f"arrow {number}: {kind} at {at} is in no slice of {place}"


def agrees(trace, folder):
    """What the other files of the run say."""
    slices = trace.replicas()
    for row in runs.read_table(folder / "replicas.csv"):
        index = int(row["replica"])
        mine = slices.get(index, [])
        busy = sum(end - at for at, end, _ in mine)
        if busy != runs.to_ns(row["busy_s"]):
            yield f"replica {index}: busy for {busy} ns, and {row['busy_s']} s"
        done = sum("aborted" not in e["name"] and "dummy" not in e["name"] for _, _, e in mine)
        if done != int(row["steps"]):
            yield f"replica {index}: {done} steps, and {row['steps']}"
        joules = trace.area((index, "power", "W"), 0, trace.end_ns) * 1e-9
        if abs(joules - float(row["energy_j"])) > 0.001 * trace.end_ns * 1e-9 + 1e-6:
            yield f"replica {index}: {joules} J, and {row['energy_j']}"
    pools = collections.defaultdict(list)
    for row in runs.read_table(folder / "replicas.csv"):
        pools[row["pool"]].append(int(row["replica"]))
    before = collections.defaultdict(int)
    for row in runs.read_table(folder / "timeline.csv"):
        pool, end = row["pool"], runs.to_ns(row["t_s"])
        for column, name in (("running", ("requests", "running")),
                             ("waiting", ("requests", "waiting")),
                             ("kv_used_blocks", ("KV", "blocks"))):
            area = sum(trace.area((i, *name), before[pool], end) for i in pools[pool])
            mean = area / max(end - before[pool], 1)
            if end > before[pool] and abs(mean - float(row[column])) > 0.6e-6:
                yield f"{pool} until {row['t_s']}: {column} is {mean}, and {row[column]}"
        before[pool] = end
    told = sorted(trace.instants)
    events = folder / "events.csv"
    rows = runs.read_table(events) if events.exists() else []
    if told != sorted((runs.to_ns(r["t_s"]), int(r["replica"]), r["event"]) for r in rows):
        yield f"{len(told)} instants are not the {len(rows)} rows of events.csv"


def requests_agree(trace, folder):
    """One slice per request; phases as in requests.csv; an arrow from begin to end."""
    rows = runs.read_table(folder / "requests.csv")
    lanes = {key[1:]: None for key, name in trace.names.items() if name.startswith("lane")}
    found = {event["name"].split(" ", 1)[1]: (at, end, event) for place in lanes
             for at, end, event in trace.tracks[place] if event["cat"] == "request"}
    phases = sum(event["cat"] == "phase" and event["name"] == "decode" for place in lanes
                 for _, _, event in trace.tracks[place])
    if len(found) != len(rows):
        yield f"{len(found)} requests, and {len(rows)} rows"
    if phases != sum(row["finish_s"] != row["first_token_s"] != "" for row in rows):
        yield f"{phases} phases of decoding"
    for row in rows:
        at, end, event = found[row["request_id"]]
        if (at, end) != (runs.to_ns(row["arrival_s"]), runs.to_ns(row["finish_s"])):
            yield f"request {row['request_id']}: from {at} to {end}"
        stall = ns(event["args"]["stall_us"])
        if stall != runs.to_ns(row["stall_s"]):
            yield f"request {row['request_id']}: stalled for {stall} ns, and {row['stall_s']} s"
    once = [row for row in rows if row["attempts"] == "1" and row["status"] == "completed"
            and row["preemptions"] == "0"]
    lacking = [row["request_id"] for row in once
               if not trace.flows[int(row["request_id"])]]
    if not once or lacking:
        yield f"{len(lacking)} of {len(once)} have no arrow"


def check_case(root, name, faults):
    text, settings = CASES[name]
    place = root / name.replace(" ", "-")
    place.mkdir()
    config = place / "config.ini"
    config.write_text(text, encoding="utf-8")
    trace = runs.generate(place / "day.csv", ("workload.requests=137", "arrivals.rate_rps=17"))
    settings = [*settings, f"workload.trace={trace}"]
    on = [*settings, "output.trace_json=yes"]
    runs.run(config, place / "spans", on)
    runs.run(config, place / "plain", on, True)
    runs.run(config, place / "without", settings)
    found = Trace(place / "spans")
    wrong = runs.differences(place / "spans", place / "plain")
    wrong += [w for w in runs.differences(place / "spans", place / "without")
              if not w.startswith(("trace.json is in", "config.ini:"))]
    wrong += [*sound(found), *agrees(found, place / "spans"),
              *requests_agree(found, place / "spans")]
    faults += [f"{name}: {w}" for w in wrong[:5]]
    n = sum(map(len, found.replicas().values()))
    bounds = collections.Counter(event["args"]["bound"] for slices in found.replicas().values()
                                 for _, _, event in slices)
    print(f"{name}: {n} steps ({dict(bounds)}), {len(found.flows)} arrows, "
          f"{len(found.instants)} instants")
    if n < 500:
        faults.append(f"{name}: only {n} steps")
    return place, config, settings, found


def key(slices):
    return [(at, end, event["name"]) for at, end, event in slices]


def check_window(folder, config, settings, whole, faults):
    begin, end = whole.end_ns // 3, whole.end_ns // 2
    window = [*settings, "output.trace_json=yes", f"output.trace_from={runs.to_seconds(begin)}",
              f"output.trace_until={runs.to_seconds(end)}", "output.trace_requests=7"]
    runs.run(config, folder / "window", window)
    part = Trace(folder / "window")
    faults += [f"window: {w}" for w in sound(part)]
    for index, slices in whole.replicas().items():
        inside = [s for s in slices if s[1] > begin and s[0] < end]
        if key(part.replicas()[index]) != key(inside) or not inside:
            faults.append(f"window: replica {index} has other steps than the whole trace")
    rows = runs.read_table(folder / "spans/requests.csv")
    first = [row["request_id"] for row in rows
             if runs.to_ns(row["arrival_s"]) < end and runs.to_ns(row["finish_s"]) >= begin][:7]
    told = {event["name"].split(" ", 1)[1] for event in part.events
            if event["ph"] == "X" and event["cat"] == "request"}
    if told != set(first):
        faults.append(f"window: requests {sorted(told)} instead of {first}")


def check_limit(folder, config, settings, whole, faults):
    most = 137
    limited = [*settings, "output.trace_json=yes", f"output.trace_events={most}",
               "output.trace_requests=0"]
    flags = [flag for setting in limited for flag in ("-s", setting)]
    runs.run(config, folder / "limited", limited)  # and over it, again
    told = runs.execute(["run", config, "-o", folder / "limited", "-q", "--overwrite", *flags])
    runs.run(config, folder / "limited-plain", limited, True)
    faults += [f"limit: {w}" for w in
               runs.differences(folder / "limited", folder / "limited-plain")]
    part = Trace(folder / "limited")
    faults += [f"limit: {w}" for w in sound(part)]
    if "trace.json ends at second" not in told or part.about["cut"] == "no":
        faults.append(f"limit: nobody is told: {told!r}")
    n = 0
    for index, slices in whole.replicas().items():
        inside = [s for s in slices if s[0] < part.end_ns]
        mine = part.replicas().get(index, [])
        n += len(mine)
        if key(mine) != key(inside):
            faults.append(f"limit: replica {index} does not have the first steps")
    if not 0 < n <= most or any(event["ph"] in "stf" for event in part.events):
        faults.append(f"limit: {n} steps")


def check_ids(root, faults):
    """Ids with a backslash come through."""
    trace = root / "ids.csv"
    trace.write_text('arrival_s,prompt_tokens,output_tokens,request_id\n'
                     '0.0137,41,7,say a\\b\n0.5,7,1,b\n', encoding="utf-8")
    (root / "linear.ini").write_text(runs.LINEAR, encoding="utf-8")
    runs.run(root / "linear.ini", root / "ids",
             (f"workload.trace={trace}", "output.trace_json=yes"))
    names = {event["name"] for event in Trace(root / "ids").events if event["ph"] == "X"}
    if 'request say a\\b' not in names:
        faults.append(f"ids: {sorted(names)}")


def main():
    faults = []
    with runs.work_folder() as name:
        root = runs.pathlib.Path(name)
        worlds = {case: check_case(root, case, faults) for case in CASES}
        if not worlds["replicas that fail"][3].instants:
            faults.append("nothing failed")
        check_window(*worlds["two replicas"], faults)
        check_limit(*worlds["replicas that fail"], faults)
        check_ids(root, faults)
    for fault in faults:
        print(f"FAILED: {fault}")
    sys.exit(1 if faults else 0)


main()
