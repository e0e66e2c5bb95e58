#!/usr/bin/env python3
"""worlds: random small worlds, biased towards trouble, run by servesim and by the reference.

    python3 tests/conformance/worlds.py SERVESIM [--worlds N] [--seed S] [--only I] [--keep DIR]

Each world runs three times: the reference, servesim, and servesim --stepwise. The two
folders of servesim must hold the same bytes, and its requests.csv must agree with the
reference to the nanosecond. A kind of trouble that no world contains fails the test too.
"""

import argparse
import collections
import concurrent.futures
import csv
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "analysis"))
import hardware
import reference

TIMEOUT_S = 20
KINDS = ("preemptions", "ties", "boundary arrivals", "timeouts", "rejections", "multi-replica",
         "recompute-during-recompute", "budget-limited chunks", "closed", "hidden", "polls",
         "prefix hits", "hits on held blocks", "evictions", "copies", "regained tokens",
         "linear", "hardware", "experts", "MLA", "window layers", "indexers", "linear layers",
         "stages", "ranks", "tensor parallel", "one max", "throttled", "dummies", "stragglers",
         "waited for others", "thinking", "drawn thinking", "reasoning")
MS = 10**6

# (base_us, prefill_token_us, decode_seq_us, context_token_us), rough ns of one step
ROUND_COSTS = ((("1000", "0", "0", "0"), MS), (("1000", "1000", "0", "0"), 5 * MS),
               (("500", "250", "250", "0"), 3 * MS), (("1000", "0", "500", "10"), 2 * MS),
               (("0", "1000", "1000", "0"), 5 * MS))
ODD_COSTS = ((("137.0137", "0.0137", "4.099", "0.0137"), MS // 5),
             (("4099", "41.37", "0.000137", "0.137"), 5 * MS),
             (("0.0137", "0.0137", "0.0137", "0.0000137"), 100),
             (("0.0003", "0.000001", "0", "0"), 1),
             (("999.9995", "0.4995", "33.3333333", "0.333333333"), MS))


def make_lengths(rng, style):
    if style == "tiny":
        return rng.choice((1, 1, 2, 3, 7)), rng.choice((1, 1, 2, 3, 8))
    if style == "long" and rng.random() < 0.4:
        return rng.randint(1, 30), rng.randint(150, 500)
    if style == "prompts":
        return rng.randint(1, 200), rng.choice((1, 2, rng.randint(1, 12)))
    return rng.randint(1, 40), rng.choice((1, rng.randint(1, 60)))


def make_arrivals(rng, n, is_round, step_ns):
    """Sorted arrivals in ns: bursts, equal times, whole steps, or anywhere."""
    pace = rng.choice((0, 1, 3, 10, 40))  # mean steps between arrivals
    now_ns = rng.choice((0, 0, step_ns, 3 * MS))
    arrivals = []
    for _ in range(n):
        arrivals.append(now_ns)
        if rng.random() < 0.7:
            gap_steps = rng.randint(0, 2 * pace)
            now_ns += gap_steps * (MS if is_round else step_ns)
            if not is_round:
                now_ns += rng.randint(0, step_ns)
    return arrivals


def decimal(ns):
    return f"{ns // 10**9}.{ns % 10**9:09d}"


def write_trace(rng, path, arrivals, lengths, labels=None):
    """`labels`: more columns by name, each a list of texts."""
    labels = dict(labels or {})
    digit = rng.choice(("", "", "4", "5"))  # a tenth decimal, to be rounded half up
    named = rng.random() < 0.15 or "parent_id" in labels
    n_prefixes = rng.choice((0, 0, 1, 2, 5, 13))
    share = rng.choice((0.2, 0.7, 1))
    with open(path, "w", encoding="utf-8") as file:
        file.write("arrival_s,prompt_tokens,output_tokens" + ",request_id" * named
                   + ",prefix_hash" * (n_prefixes > 0)
                   + "".join(f",{name}" for name in labels) + "\n")
        for i, (arrival_ns, (prompt, output)) in enumerate(zip(arrivals, lengths)):
            file.write(f"{decimal(arrival_ns)}{digit},{prompt},{output}"
                       + f",{4099 + 3 * i}" * named)
            if n_prefixes > 0:
                shared = rng.random() < share
                file.write(f",text {rng.randrange(n_prefixes)}" if shared else ",")
            file.write("".join(f",{texts[i]}" for texts in labels.values()) + "\n")


def draw_reasoning(rng, lengths):
    """None, some, all but the last token of outputs."""
    return [str(rng.choice((0, output - 1, rng.randrange(output)))) for _, output in lengths]


def draw_parents(rng, n, step_ns):
    """Of rows above, mostly one, often the last; in chains, bushes or anyhow."""
    share, reach = rng.choice((0.3, 0.7, 1)), rng.choice((1, 3, 13, n))
    parents = [[f"{4099 + 3 * max(0, i - 1 - rng.randrange(reach))}"
                for _ in range(rng.choice((1, 1, 1, 2, 3)) if i and rng.random() < share else 0)]
               for i in range(n)]
    pace = rng.choice((0, 1, 10))
    thinks = [rng.choice(("", "0", decimal(rng.randint(0, pace * step_ns)))) for _ in range(n)]
    return {"parent_id": [" ".join(names) for names in parents], "think_s": thinks}


def write_ini(path, sections):
    with open(path, "w", encoding="utf-8") as file:
        for name, keys in sections.items():
            file.write(f"[{name}]\n")
            file.writelines(f"{key} = {value}\n" for key, value in keys.items())
            file.write("\n")


def make_cost(rng, is_round):
    """The keys of a pool that say what a step takes, and rough ns of one."""
    if rng.random() < 0.4:
        return hardware.pool(rng)
    us, step_ns = rng.choice(ROUND_COSTS if is_round else ODD_COSTS)
    names = ("base_us", "prefill_token_us", "decode_seq_us", "context_token_us")
    return {"cost": "linear", **dict(zip(names, us))}, step_ns


def make_power(rng):
    """Limits above what the accelerators of hardware.py draw whatever they do."""
    keys = {"power_cap": rng.choice(("351.3", "387W", "411.37"))}
    if rng.random() < 0.3:
        keys = {"max_temperature_c": "83.7", "thermal_resistance_c_per_w": "0.137",
                "ambient_c": rng.choice(("31.37", "25")), "cooling_efficiency": "0.99"}
    if rng.random() < 0.3:
        keys.update(host_idle_w="41.37", host_active_w="13.7", pue="1.37")
    return keys


def make_world(rng, folder, draw=None):
    """Writes config.ini and trace.csv into `folder`; the path of the first.

    draw(rng, pool, sections, lengths, step_ns), if given, changes the keys of the pool, adds
    sections, and returns more columns of the trace by name."""
    is_round = rng.random() < 0.55
    cost, step_ns = make_cost(rng, is_round)
    n = rng.randint(5, 60)
    style = rng.choice(("tiny", "mixed", "mixed", "long", "long", "prompts"))
    lengths = [make_lengths(rng, style) for _ in range(n)]
    block_size = rng.choice((1, 2, 3, 4, 7, 16))
    needs = [reference.ceil_div(prompt + output - 1, block_size) for prompt, output in lengths]
    if rng.random() < 0.2:  # the largest requests are unservable
        usable = sorted(needs)[rng.randint(n // 2, n - 1)]
    else:
        usable = max(needs) * rng.choice((1, 1, 2, 4)) + rng.choice((0, 0, 1, rng.randint(0, 9)))
    workload = {"trace": folder / "trace.csv", "unservable": "reject"}
    pool = {"batching": "unified", **cost}
    pool["num_gpu_blocks"] = usable + 1
    pool["block_size"] = block_size
    pool["max_num_seqs"] = rng.choice((1, 2, 3, 5, 8, 16, 64))
    pool["max_num_batched_tokens"] = rng.choice((1, 2, 3, 5, 8, 13, 32, 64, 64, 512))
    pool["long_prefill_token_threshold"] = rng.choice((0, 0, 0, 1, 3, 10))
    pool["reserve_full_prompt"] = rng.choice(("yes", "no"))
    pool["replicas"] = rng.choice((1, 1, 2, 3, 4))
    if pool.get("cost") == "linear" and rng.random() < 0.1:
        pool["data_parallel"] = rng.choice((2, 3, 7))
        pool["data_parallel_mode"] = "lockstep"
    if rng.random() < 0.1:
        pool["max_model_len"] = rng.choice([prompt + output for prompt, output in lengths])
    if rng.random() < 0.3:
        pool["frontend_ms"] = rng.choice(("1", "3", "2.5", "0.0137", "0.000001"))
        pool["frontend_request_ms"] = rng.choice(("0", "0.202", "4.099"))
        pool["frontend_token_us"] = rng.choice(("0", "0.97", "13.7"))
    if rng.random() < 0.35:
        ns = rng.choice((2, 10, 50, 300)) * step_ns
        workload["client_timeout"] = rng.choice((f"{ns}ns", f"{ns // MS + 1}ms", "20ms"))
    if rng.random() < 0.1:
        pool["enable_prefix_caching"] = "no"
    if rng.random() < 0.3:
        pool["async_scheduling"] = "yes"
    if rng.random() < 0.3:
        pool["poll_steps"] = rng.choice((1, 2, 3, 7, 41))
    if rng.random() < 0.25:
        workload["mode"] = "closed"
        workload["concurrency"] = rng.choice((1, 2, 3, 8, 23, 99))
        if rng.random() < 0.5:
            workload["think"] = f"{rng.choice((1, 3, 41)) * step_ns}ns"
            workload["think_distribution"] = rng.choice(("fixed", "exponential"))
    elif rng.random() < 0.25:
        workload["rate_scale"] = rng.choice(("2.0", "0.5", "1.37", "3.000000001", "0.0137"))
    if rng.random() < 0.15:
        workload["repeat"] = rng.choice((2, 3))
    if rng.random() < 0.15:
        workload["limit"] = rng.randint(1, n + 5)
    sections = {"workload": workload, "pool.main": pool,
                "route": {"policy": rng.choice(("round_robin", "least_requests"))}}
    labels = draw(rng, pool, sections, lengths, step_ns) if draw else {}
    if rng.random() < 0.3:
        labels["reasoning_tokens"] = draw_reasoning(rng, lengths)
    if workload.get("mode") != "closed" and rng.random() < 0.3:
        labels.update(draw_parents(rng, n, step_ns))
    write_trace(rng, folder / "trace.csv", make_arrivals(rng, n, is_round, step_ns), lengths,
                labels)
    if "speculative" not in sections and rng.random() < 0.5:
        sections["power"] = make_power(rng)
        for keys in sections.values():
            keys.pop("data_parallel_mode", None)  # the reference limits whole replicas
    write_ini(folder / "config.ini", sections)
    return folder / "config.ini"


def ns_or_empty(text):
    """Seconds with nine decimals to integer ns, as text; '' stays ''."""
    whole, _, fraction = text.partition(".")
    return str(int(whole + fraction)) if text and len(fraction) == 9 else text


def expected_row(request):
    """The reference's answer under the names of servesim's requests.csv, times in ns."""
    row = reference.request_row(request)
    wanted = {name.removesuffix("_ns") + "_s" if name.endswith("_ns") else name: value
              for name, value in row.items()}
    wanted["ttft_s"] = wanted["ttfat_s"] = wanted["e2e_s"] = ""
    if (answer_ns := wanted.pop("first_answer_s")) != "":
        wanted["ttfat_s"] = str(int(answer_ns) - request.arrival_ns)
    if request.first_token_ns is not None:
        wanted["ttft_s"] = str(request.first_token_ns - request.arrival_ns)
    if request.status != "rejected":
        wanted["e2e_s"] = str(request.finish_ns - request.arrival_ns)
    return wanted


def found_row(row, wanted):
    """The same columns of a row of servesim; a column it lacks shows as None."""
    found = {name: ns_or_empty(row[name]) if name.endswith("_s") and row.get(name)
             else row.get(name) for name in wanted}
    if found["status"] == "rejected" and found["preemptions"] == "":
        found["preemptions"] = "0"  # the documents allow both
    return found


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def compare_folders(spans, stepwise):
    """What differs between two result folders, as a list of sentences."""
    left, right = files_of(spans), files_of(stepwise)
    faults = [f"{name}: in one of the two folders only" for name in sorted(left.keys() ^ right)]
    for name in sorted(left.keys() & right):
        if left[name] != right[name]:
            pairs = zip(left[name].splitlines() + [b"(end)"], right[name].splitlines() + [b"(end)"])
            line, (a, b) = next(((i, pair) for i, pair in enumerate(pairs, 1)
                                 if pair[0] != pair[1]), (0, (b"?", b"?")))
            faults.append(f"{name}:{line}: spans and --stepwise differ\n"
                          f"    spans    {a.decode()}\n    stepwise {b.decode()}")
    return faults


def compare_requests(path, requests):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if len(rows) != len(requests):
        return [f"requests.csv has {len(rows)} rows, the reference {len(requests)}"]
    faults = []
    for request, row in zip(requests, rows):
        wanted = expected_row(request)
        found = found_row(row, wanted)
        if found != wanted:
            names = [name for name in wanted if found[name] != wanted[name]]
            faults.append(f"request {request.request_id}: {', '.join(names)}\n"
                          f"    reference {' '.join(f'{k}={v}' for k, v in wanted.items())}\n"
                          f"    servesim  {' '.join(f'{k}={v}' for k, v in found.items())}")
    return faults


def compare_summary(path, tallies):
    with open(path, encoding="utf-8", newline="") as file:
        found = {row["metric"]: row["value"] for row in csv.DictReader(file)}
    return [f"summary.csv: {name}: reference {wanted}, servesim {found.get(name)}"
            for name, wanted in tallies.items() if found.get(name) != str(wanted)]


def run_servesim(binary, config, folder, *flags):
    """Runs the program; a list with one sentence if it failed, crashed or hung."""
    command = [binary, "run", str(config), "-o", str(folder), "--quiet", *flags]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S,
                              check=False)
    except subprocess.TimeoutExpired:
        return [f"{' '.join(command)}: still running after {TIMEOUT_S} s"]
    if done.returncode != 0:
        return [f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}"]
    return []


def kinds_of(world):
    seen = collections.Counter(world.seen)
    arrivals = [request.arrival_ns for request in world.requests]
    seen["ties"] = len(arrivals) - len(set(arrivals))
    seen["closed"] = world.config.mode == "closed"
    thinks = seen["closed"] and world.config.think_ns > 0
    seen["drawn thinking"] = thinks and world.config.think_distribution == "exponential"
    seen["thinking"] = thinks and not seen["drawn thinking"]
    seen["reasoning"] = any(r.first_answer_ns not in (None, r.first_token_ns)
                            for r in world.requests)
    seen["polls"] = world.config.poll_steps > 1 and seen["hidden"]
    statuses = collections.Counter(request.status for request in world.requests)
    seen["timeouts"], seen["rejections"] = statuses["timed_out"], statuses["rejected"]
    seen["preemptions"] = sum(request.preemptions for request in world.requests)
    seen["multi-replica"] = len({index for index, _ in world.steps}) > 1
    seen.update(world.config.price.kinds())
    return {kind for kind in seen if seen[kind]}


def try_world(binary, seed, i, root, make=make_world, more_kinds=None):
    """Makes and runs world i; (i, its folder, the kinds of trouble in it, faults).

    Without a program the reference's own assertions are all there is."""
    folder = root / f"world-{seed}-{i}"
    folder.mkdir()
    config = make(random.Random(f"worlds {seed} {i}"), folder)
    try:
        world = reference.World(reference.read_config(config)).run()
    except Exception:  # whatever it is, this world failed
        return i, folder, set(), [traceback.format_exc()]
    kinds = kinds_of(world) | (more_kinds(world) if more_kinds else set())
    if binary is None:
        return i, folder, kinds, []
    spans, stepwise = folder / "spans", folder / "stepwise"
    faults = (run_servesim(binary, config, spans)
              + run_servesim(binary, config, stepwise, "--stepwise"))
    if not faults:
        faults = (compare_requests(spans / "requests.csv", world.requests)
                  + compare_summary(spans / "summary.csv", world.tallies())
                  + compare_folders(spans, stepwise))
    return i, folder, kinds, faults


def parse(doc):
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("binary", metavar="SERVESIM", nargs="?")
    parser.add_argument("--worlds", type=int, default=300, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--only", type=int, metavar="I", help="run world I alone")
    parser.add_argument("--keep", metavar="DIR", help="keep every world here, not only failures")
    parser.add_argument("--any", action="store_true", help="whatever kinds of trouble they hold")
    parser.add_argument("--reference-only", action="store_true",
                        help="without the program: the reference's own assertions")
    args = parser.parse_args()
    args.program = None if args.reference_only else shutil.which(args.binary or "")
    if args.program is None and not args.reference_only:
        parser.error(f"'{args.binary}' is not a program")
    return args


def try_all(args, wanted, make=make_world, more_kinds=None):
    """Runs the worlds and reports; whether all passed and every wanted kind was seen."""
    root = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="servesim-worlds-")).resolve()
    root.mkdir(parents=True, exist_ok=True)
    binary = args.program and os.path.abspath(args.program)
    chosen = range(args.worlds) if args.only is None else [args.only]
    kinds = collections.Counter()
    n_failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        tried = [threads.submit(try_world, binary, args.seed, i, root, make, more_kinds)
                 for i in chosen]
        for future in tried:
            i, folder, seen, faults = future.result()
            kinds.update(seen)
            if faults:
                n_failed += 1
                more = f"\n  and {len(faults) - 3} more" if len(faults) > 3 else ""
                print(f"FAILED --seed {args.seed} --only {i}, kept in {folder}\n  "
                      + "\n  ".join(faults[:3]) + more)
            elif not args.keep:
                shutil.rmtree(folder)
    if not args.keep and not n_failed:
        root.rmdir()
    print("worlds with " + ", ".join(f"{kind}: {kinds[kind]}" for kind in wanted))
    whole = args.only is None and not args.any
    missing = [kind for kind in wanted if not kinds[kind] and whole]
    if missing:
        print(f"no world had: {', '.join(missing)}")
    print(f"{len(chosen) - n_failed} passed, {n_failed} failed")
    return not n_failed and not missing


def main():
    sys.exit(0 if try_all(parse(__doc__), KINDS) else 1)


if __name__ == "__main__":
    main()
