#!/usr/bin/env python3
"""formats: the same requests are the same run, whatever format they stand in.

And what a run was asked, its own requests.csv, asks the same again.
"""

import csv
import gzip
import json
import random
import subprocess
import sys

import runs

NAMES = ("plain", "azure", "azure-2024", "burstgpt", "burstgpt-1", "vidur", "splitwise",
         "tracev2", "tracev2-epoch", "mooncake", "results")
RESULTS = ("arrival_s", "prompt_tokens", "output_tokens", "status", "finish_s", "queue_s",
           "ttft_s", "e2e_s", "energy_j")
LABELS = "arrival_s,prompt_tokens,output_tokens,request_id,tenant,priority,session_id\n"


def requests(n):
    """(milliseconds, prompt, output), the first at 0."""
    rng = random.Random(17)
    ms = 0
    for i in range(n):
        ms += rng.choice((0, 1, 13, 137, 4099)) if i > 0 else 0
        yield ms, rng.randint(1, 3000), rng.randint(1, 300)


def clock(ms):
    second, rest = divmod(ms, 1000)
    return f"18:{second // 60:02}:{second % 60:02}", rest


def lines(name):
    """The same 137 requests in a format, header first if it has one."""
    headers = {
        "plain": "arrival_s,prompt_tokens,output_tokens",
        "azure": "TIMESTAMP,ContextTokens,GeneratedTokens",
        "azure-2024": "TIMESTAMP,ContextTokens,GeneratedTokens",
        "burstgpt": "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,"
                    "Total tokens,Log Type",
        "burstgpt-1": "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type",
        "vidur": "arrived_at,num_prefill_tokens,num_decode_tokens",
        "splitwise": "request_id,request_type,application_id,arrival_timestamp,batch_size,"
                     "prompt_size,token_size",
        "tracev2": "request_id,prefix_length,streaming,input_tokens,output_tokens,"
                   "arrival_time_us,status",
        "tracev2-epoch": "trace_version: 2\nmode: real\n"
                         "request_id,input_tokens,output_tokens,arrival_time_us,status",
        "results": "request_id,arrival_s,prompt_tokens,output_tokens,cached_tokens,status,pool",
    }
    if name in headers:
        yield headers[name]
    for i, (ms, prompt, output) in enumerate(requests(137)):
        day, rest = clock(ms)
        both = f"{prompt},{output}"
        fraction = f".{rest:03}" if rest else ""
        yield {
            "plain": f"{ms / 1000:.3f},{both}",
            "azure": f"2023-11-16 {day}.{rest:03}0000,{both}",
            "azure-2024": f"2024-05-10 {day}{fraction}+00:00,{both}",
            "burstgpt": f"{19440000 + ms / 1000!r},,7,ChatGPT,{both},{prompt + output},API log",
            "burstgpt-1": f"{ms / 1000!r},GPT-4,{both},{prompt + output},API log",
            "vidur": f"{ms / 1000!r},{both}",
            "splitwise": f"{i},2,0,{ms / 1000!r},1,{both}",
            "tracev2": f"{i},0,true,{both},{ms}000,ok",
            "tracev2-epoch": f"{i},{both},{1700158623979960 + ms * 1000},ok",
            "mooncake": json.dumps({"timestamp": ms, "input_length": prompt,
                                    "output_length": output}),
            "results": f"{i},{ms / 1000:.9f},{both},0,completed,main",
        }[name]


def text(name):
    return "".join(line + "\n" for line in lines(name)).encode("ascii")


def served(folder):
    with open(folder / "requests.csv", newline="", encoding="utf-8") as file:
        return [[row[name] for name in RESULTS] for row in csv.DictReader(file)]


def replay(config, trace, out, *more, stdin=None):
    """A run of the trace; what it said."""
    return runs.execute(["run", config, "-q", "-o", out, "-s", f"workload.trace={trace}", *more],
                        stdin)


def every_format_plain_and_compressed_and_by_pipe_is_the_same_run(root, config):
    faults = []
    replay_of = {}
    for name in NAMES:
        path = root / f"{name}.csv"
        path.write_bytes(text(name))
        packed = root / f"{name}.csv.gz"
        packed.write_bytes(gzip.compress(text(name), mtime=0))
        for how, trace in (("plain", path), ("gzip", packed), ("stdin", "-")):
            out = root / f"{name}-{how}"
            with open(packed if how == "stdin" else path, "rb") as stdin:
                said = replay(config, trace, out, stdin=stdin)
            replay_of[name, how] = served(out)
            if said:
                faults.append(f"{name}, {how}: said {said!r}")
    wanted = replay_of["plain", "plain"]
    if len(wanted) != 137:
        faults.append(f"{len(wanted)} requests, not 137")
    return faults + [f"{name}, {how}: another run" for (name, how), rows in replay_of.items()
                     if rows != wanted]


def what_a_run_was_asked_asks_the_same_again(root, config):
    rng = random.Random(23)
    trace = root / "labels.csv"
    trace.write_text(LABELS + "".join(
        f"{ms / 1000 + rng.randrange(999) * 1e-9:.9f},{prompt},{output},"
        f"{f'r-{i}' if i % 3 else ''},{rng.choice(('acme', 'zeta', ''))},{rng.randint(-2, 2)},"
        f"{rng.choice(('s1', 's2', ''))}\n"
        for i, (ms, prompt, output) in enumerate(
            (ms + 7 * i, prompt, output) for i, (ms, prompt, output) in enumerate(requests(137)))),
        encoding="ascii")
    first, second = root / "first", root / "second"
    # some are turned away, some give up: they are asked for in their full lengths again
    hard = ("-s", "workload.unservable=reject", "-s", "workload.client_timeout=3s",
            "-s", "pool.main.num_gpu_blocks=197", "-s", "pool.main.base_us=40000")
    replay(config, trace, first, *hard)
    replay(config, first / "requests.csv", second, *hard)
    faults = [fault for fault in runs.differences(first, second)
              if not fault.startswith("config.ini")]
    with open(first / "requests.csv", newline="", encoding="utf-8") as file:
        found = {row["status"] for row in csv.DictReader(file)}
    if not {"completed", "rejected", "timed_out"} <= found:
        faults.append(f"the run has only {found}")
    return faults


def failures_of_a_log_are_left_out_and_told(root, config):
    rows = list(lines("burstgpt"))
    rows[5:5] = [rows[4].rsplit(",", 4)[0] + ",17,0,17,API log"] * 3
    trace = root / "failed.csv"
    trace.write_text("\n".join(rows) + "\n", encoding="ascii")
    said = replay(config, trace, root / "failed")
    wanted = (f"servesim: warning: {trace}: 3 requests failed when the trace was taken "
              "(the first on line 6) and are left out\n")
    faults = [] if said == wanted else [f"said {said!r}"]
    whole = root / "whole.csv"
    whole.write_bytes(text("burstgpt"))
    replay(config, whole, root / "whole")
    return faults if served(root / "whole") == served(root / "failed") else [
        *faults, "without its failures the log is another run"]


def lengths_alone_are_served_at_once_or_by_clients(root, config):
    trace = root / "lengths.csv"
    trace.write_text("num_prefill_tokens,num_decode_tokens,pd_ratio\n17,9,1.9\n4099,13,315.3\n",
                     encoding="ascii")
    said = replay(config, trace, root / "at-once")
    wanted = (f"servesim: warning: {trace}: does not say when requests arrive: all do at 0; "
              "with [workload] mode = closed, clients wait for answers\n")
    faults = [] if said == wanted else [f"said {said!r}"]
    said = replay(config, trace, root / "closed", "-s", "workload.mode=closed",
                  "-s", "workload.concurrency=1")
    if said:
        faults.append(f"closed: said {said!r}")
    first = [row[:4] for row in served(root / "at-once")]
    if first != [["0.000000000", "17", "9", "completed"],
                 ["0.000000000", "4099", "13", "completed"]]:
        faults.append(f"at once: {first}")
    return faults


def the_listed_formats_can_be_named(root, config):
    listed = subprocess.run([runs.SERVESIM, "list", "formats"], capture_output=True, text=True,
                            check=True).stdout.splitlines()
    names = [line.split()[0] for line in listed]
    faults = []
    for name in NAMES:
        family = name.split("-")[0]
        if family not in names:
            faults.append(f"{family} is not listed")
            continue
        path = root / f"named-{name}.csv"
        path.write_bytes(text(name))
        replay(config, path, root / f"named-{name}", "-s", f"workload.format={family}")
    return faults


TESTS = (every_format_plain_and_compressed_and_by_pipe_is_the_same_run,
         what_a_run_was_asked_asks_the_same_again, failures_of_a_log_are_left_out_and_told,
         lengths_alone_are_served_at_once_or_by_clients, the_listed_formats_can_be_named)


def main():
    n_failed = 0
    with runs.work_folder() as folder:
        root = runs.pathlib.Path(folder)
        config = root / "linear.ini"
        config.write_text(runs.LINEAR, encoding="ascii")
        for test in TESTS:
            faults = test(root, config)
            n_failed += bool(faults)
            print("".join(f"FAILED: {test.__name__}: {fault}\n" for fault in faults), end="")
    print(f"{len(TESTS) - n_failed} passed, {n_failed} failed")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
