#!/usr/bin/env python3
"""diff: two runs are compared key by key, metric by metric, request by request.

The counts and changes that are told are worked out again here from the files themselves.
"""

import csv
import subprocess
import sys

import runs

TIMES = ("ttft_s", "tpot_s", "e2e_s")


def diff(*arguments):
    done = subprocess.run([runs.SERVESIM, "diff", *map(str, arguments)], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stdout, done.stderr


def read_keys(path):
    keys, section = {}, ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line[1:-1]
        elif " = " in line and not line.startswith(";"):
            key, _, value = line.partition(" = ")
            keys[f"{section}.{key}"] = value
    return keys


def expected_rows(a, b):
    """What the CSV file has to say, without its last column."""
    rows = []
    left, right = read_keys(a / "config.ini"), read_keys(b / "config.ini")
    for name in [*left, *(set(right) - set(left))]:
        if left.get(name) != right.get(name):
            rows.append(("configuration", name, left.get(name, ""), right.get(name, "")))
    left, right = runs.read_summary(a), runs.read_summary(b)
    for name in [*left, *(set(right) - set(left))]:
        if left.get(name) != right.get(name):
            rows.append(("metric", name, left.get(name, ""), right.get(name, "")))
    return sorted(rows)


def expected_requests(a, b):
    """Counts by name."""
    left, right = (runs.read_table(folder / "requests.csv") for folder in (a, b))
    both = 0
    for x, y in zip(left, right):
        if any(x[key] != y[key] for key in ("request_id", "prompt_tokens", "output_tokens")):
            break
        both += 1
    pairs = list(zip(left, right))[:both]
    counts = {"same_requests": both, "rows_that_differ": sum(x != y for x, y in pairs)}
    for key in TIMES:
        change = [runs.to_ns(y[key]) - runs.to_ns(x[key]) for x, y in pairs
                  if x["status"] == y["status"] == "completed" and x[key] and y[key]]
        counts[f"{key}_faster"] = sum(c < 0 for c in change)
        counts[f"{key}_slower"] = sum(c > 0 for c in change)
        if change:
            counts[f"{key}_mean_change"] = sum(change) / len(change) * 1e-9
    return counts, pairs


def check_pair(name, a, b, faults):
    """The CSV and the table against the files."""
    path = a.parent / f"{name}.csv"
    code, out, err = diff(a, b, "-o", path)
    if code != 0 or err:
        faults.append(f"{name}: exit {code}: {err}")
        return out
    with open(path, encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    rows = sorted((row["kind"], row["name"], row["before"], row["after"]) for row in told
                  if row["kind"] != "requests")
    if rows != expected_rows(a, b):
        wrong = set(rows) ^ set(expected_rows(a, b))
        faults.append(f"{name}: {sorted(wrong)[:4]}")
    counts, pairs = expected_requests(a, b)
    mine = {row["name"]: float(row["change"]) for row in told if row["kind"] == "requests"}
    for key, value in counts.items():
        if abs(mine.get(key, -1.0) - value) > 0.6e-9 * key.endswith("change"):
            faults.append(f"{name}: {key} is {mine.get(key)} instead of {value}")
    for row in told:
        if row["change"] and row["kind"] == "metric":
            change = float(row["after"]) - float(row["before"])
            if abs(change - float(row["change"])) > 1e-9 * abs(float(row["after"])) + 1e-12:
                faults.append(f"{name}: {row}")
    grown = [int(y["e2e_s"].replace(".", "")) - int(x["e2e_s"].replace(".", ""))
             for x, y in pairs if x["status"] == y["status"] == "completed"]
    if grown and max(grown) > 0 and f"{max(grown) * 1e-9:+.6f} s" not in out:
        faults.append(f"{name}: the request that slowed down most is not shown")
    print(f"{name}: {len(rows)} rows, {counts}")
    return out


def better(path):
    with open(path, encoding="utf-8", newline="") as file:
        return {row["name"]: (float(row["change"]), row["better"])
                for row in csv.DictReader(file) if row["better"]}


def check_directions(path, faults):
    """Less latency and cost, more throughput and attainment: better."""
    told = better(path)
    for name, (change, word) in told.items():
        less = name.endswith(("_ttft_ms", "_tpot_ms", "_e2el_ms")) or name.startswith("usd_per_")
        more = name.endswith("_throughput") or name in ("slo_attainment", "request_goodput")
        if (less and (word == "better") != (change < 0)) or (
                more and (word == "better") != (change > 0)):
            faults.append(f"{name} changed by {change}: {word}")
    if not {"better", "worse"} <= {word for _, word in told.values()}:
        faults.append(f"directions: {told}")


def check_same(a, b, faults):
    for arguments, code in (((a, a, "--exit-code"), 0), ((a, b, "--exit-code"), 1),
                            ((a, b), 0), ((a, b, "--exit-code", "-q"), 1)):
        done, out, err = diff(*arguments)
        if done != code or err or (out == "") != ("-q" in arguments):
            faults.append(f"{arguments[2:]}: exit {done} instead of {code}: {err}")
    out = diff(a, a)[1]
    if "the same" not in out or "differ" in out:
        faults.append(f"a folder and itself: {out}")
    shown = diff(a, b, "--least", "1e9")[1]
    if "are not shown" not in shown or "mean_ttft_ms" in shown:
        faults.append(f"--least: {shown}")


def main():
    faults = []
    with runs.work_folder() as name:
        root = runs.pathlib.Path(name)
        config = root / "config.ini"
        config.write_text(runs.SERVER, encoding="utf-8")
        trace = runs.generate(root / "day.csv", ("workload.requests=411", "arrivals.rate_rps=13"))
        base = (f"workload.trace={trace}",)
        few = (*base, "pool.main.num_gpu_blocks=4099")
        for folder, settings in (
                ("a", few), ("b", (*few, "pool.main.policy=sarathi")),
                ("cut", (*base, "workload.limit=137")),
                ("later", (*base, "workload.from=3")),
                ("late", (*base, "workload.client_timeout=1.37"))):
            runs.run(config, root / folder, settings)
        check_pair("policy", root / "a", root / "b", faults)
        check_directions(root / "policy.csv", faults)
        if "one run has more requests: 411 and 137" not in \
                check_pair("limit", root / "a", root / "cut", faults):
            faults.append("limit: it is not told that one has more requests")
        if "from row 1 on they are not the same requests" not in \
                check_pair("other", root / "a", root / "later", faults):
            faults.append("other: it is not told that the requests are others")
        if "completed before only: " not in \
                check_pair("timeout", root / "a", root / "late", faults):
            faults.append("timeout: it is not told that some did not complete")
        check_same(root / "a", root / "b", faults)
    for fault in faults:
        print(f"FAILED: {fault}")
    sys.exit(1 if faults else 0)


main()
