#!/usr/bin/env python3
"""round_trip: a trace that goes through other formats and comes back is served as before.

What a format says exactly comes back exactly: gen -> run -> convert -> run gives the same
bytes in every file but config.ini.  What it rounds is rounded half up, in order, and told.
"""

import json
import pathlib
import re
import subprocess
import sys

import runs

MOONCAKE = pathlib.Path("../shared/traces/mooncake")
CONFIG = runs.SERVER.replace("model = llama", "replicas = 2\nmodel = llama")
LABELS = ("request_id", "tenant", "priority", "session_id", "deadline_s", "class", "adapter")
FEW = ("workload.requests=600",)


def convert(source, target, *flags):
    """Converts a file; what was said on standard error."""
    return runs.execute(["trace", "convert", source, "-o", target, *flags])


def serve(root, config, name, trace, *settings):
    folder = root / name
    runs.run(config, folder, [f"workload.trace={trace}", *settings])
    return folder


def but_config(one, other):
    return [f"{pathlib.Path(other).name}: {fault}" for fault in runs.differences(one, other)
            if not fault.startswith("config.ini")]


def a_trace_comes_back_from_every_exact_format(root, config):
    trace = runs.generate(root / "trace.csv", ["workload.requests=600"])
    first = serve(root, config, "first", trace)
    faults = []
    for to in ("plain", "burstgpt", "llmservingsim", "splitwise", "vidur"):
        there, back = root / f"there.{to}", root / f"back-{to}.csv"
        told = convert(trace, there, "--to", to) + convert(there, back)
        if to != "splitwise" and told:  # which counts requests: ids that are not missed
            faults.append(f"{to}: {told!r}")
        if to != "splitwise" and back.read_bytes() != trace.read_bytes():
            faults.append(f"{to}: comes back otherwise")
        faults += but_config(first, serve(root, config, f"there-{to}", there))
        faults += but_config(first, serve(root, config, f"back-{to}", back))
    return faults


def requests_that_were_served_are_served_again(root, config):
    """requests.csv is a trace itself, and what it is converted to is one, too."""
    first = serve(root, config, "first", runs.generate(root / "t.csv", ["workload.requests=600"]))
    faults = but_config(first, serve(root, config, "second", first / "requests.csv"))
    convert(first / "requests.csv", root / "again.csv.zst")
    return faults + but_config(first, serve(root, config, "third", root / "again.csv.zst"))


def requests_that_were_rejected_are_sent_again(root, config):
    trouble = ("workload.client_timeout=3s", "pool.main.num_gpu_blocks=401",
               "workload.unservable=reject", "workload.rate_scale=2.7")
    trace = runs.generate(root / "t.csv", ["workload.requests=600"])
    first = serve(root, config, "first", trace, *trouble)
    statuses = {row["status"] for row in runs.read_table(first / "requests.csv")}
    faults = [] if len(statuses) > 1 else [f"nothing went wrong: {statuses}"]
    convert(first / "requests.csv", root / "again.csv")
    again = [text for text in trouble if "rate_scale" not in text]  # it is in the arrivals
    return faults + but_config(first, serve(root, config, "second", root / "again.csv", *again))


def labelled(path, n):
    """A trace with everything a plain one can tell, and rows that tell nothing."""
    names = (*LABELS, "prefix_hash", "prefix_tokens", "model", "reasoning_tokens")
    with open(path, "w", encoding="utf-8") as file:
        file.write("arrival_s,prompt_tokens,output_tokens," + ",".join(names) + "\n")
        for i in range(n):
            values = [f"r{i}", f"t{i % 3}", str(i % 5 - 2), f"s{i % 7}", f"{i}.000000001",
                      f"c{i % 2}", f"a\\{i % 4}", f"p{i % 6}", str(i % 90 + 1), "m",
                      str(i % 3)]
            text = ",".join(values if i % 4 else [""] * 2 + ["0"] + [""] * 7 + ["0"])
            file.write(f"{runs.to_seconds(i * 137000001)},{100 + i},{4 + i % 9},{text}\n")
    return path


def a_plain_trace_comes_back_with_all_its_columns(root, _config):
    trace = labelled(root / "all.csv", 41)
    convert(trace, root / "same.csv")
    wanted, got = runs.read_table(trace), runs.read_table(root / "same.csv")
    return [f"{a} became {b}" for a, b in zip(wanted, got)
            if a != {key: b[key] if b[key] or key != "prefix_tokens" else "" for key in a}] + (
                [] if len(wanted) == len(got) == 41 else ["rows are missing"])


def what_a_format_has_no_place_for_is_named_once(root, _config):
    trace = labelled(root / "all.csv", 41)
    rest = "tenant, prefix, deadline_s, model, class, adapter, reasoning_tokens"
    whole = f"request_id, tenant, priority, session_id, {rest[8:]}"
    lost = {"mooncake": rest, "azure": whole, "vidur": whole, "plain": None,
            "burstgpt": "request_id, tenant, priority, prefix, deadline_s, adapter, "
                        "reasoning_tokens",
            "llmservingsim": whole.replace("session_id, ", "")}
    faults = []
    for to, names in lost.items():
        told = convert(trace, root / f"x.{to}", "--to", to)
        line = f"servesim: warning: {trace}: left out: {names}\n"
        if told.count("left out") != (names is not None) or (names and line not in told):
            faults.append(f"{to}: {told!r}")
    return faults


def half_up(ns, unit):
    return (2 * ns + unit) // (2 * unit)


def times_are_rounded_half_up_in_order_and_counted(root, _config):
    unit_of = {"azure": (100, "100 ns"), "mooncake": (10**6, "1 ms")}
    faults = []
    for to, (unit, name) in unit_of.items():
        arrivals = [0, unit // 2 - 1, unit // 2, unit // 2, unit, 3 * unit // 2 - 1,
                    3 * unit // 2, 4099 * unit + unit // 2, 4100 * unit]
        trace = runs.write_trace(root / f"{to}.csv", [(at, 13, 7) for at in arrivals])
        told = convert(trace, root / f"x.{to}", "--to", to)
        convert(root / f"x.{to}", root / f"back-{to}.csv")
        got = [at for at, _, _ in runs.read_trace(root / f"back-{to}.csv")]
        if got != [half_up(at, unit) * unit for at in arrivals]:
            faults.append(f"{to}: {got}")
        n = sum(at % unit != 0 for at in arrivals)
        if f"the times of {n} of 9 requests were rounded to {name}\n" not in told:
            faults.append(f"{to}: {told!r}")
    return faults


def a_first_arrival_that_a_reader_takes_out_is_told(root, _config):
    """Azure's begins at 0, BurstGPT's on its first day; all other formats keep it."""
    day = 86400 * runs.SECOND
    later = [day + 137 * runs.SECOND, 2 * day]
    trace = runs.write_trace(root / "t.csv", [(at, 13, 7) for at in later])
    faults = []
    for to, out in (("azure", later[0]), ("burstgpt", day), ("mooncake", 0), ("vidur", 0)):
        told = convert(trace, root / f"x.{to}", "--to", to)
        convert(root / f"x.{to}", root / f"{to}.csv")
        if [at for at, _, _ in runs.read_trace(root / f"{to}.csv")] != [at - out for at in later]:
            faults.append(f"{to}: comes back otherwise")
        line = (f"servesim: warning: {trace}: the first request arrives at {later[0]} ns, and at "
                f"{later[0] - out} when this is read again\n" if out else "")
        if told != line:
            faults.append(f"{to}: {told!r}")
    return faults


def what_is_converted_twice_is_converted_once(root, _config):
    """Rounding what is rounded changes nothing, in any format."""
    trace = runs.generate(root / "t.csv", FEW)
    faults = []
    for to in ("azure", "burstgpt", "llmservingsim", "mooncake", "splitwise", "vidur"):
        once, plain, twice = root / f"once.{to}", root / f"{to}.csv", root / f"twice.{to}"
        convert(trace, once, "--to", to)
        convert(once, plain)
        convert(plain, twice, "--to", to)
        if to != "azure" and once.read_bytes() != twice.read_bytes():
            faults.append(f"{to}: not the same")
        if to == "azure":  # the first arrival became 0
            convert(twice, root / "thrice.csv")
            if plain.read_bytes() != (root / "thrice.csv").read_bytes():
                faults.append("azure: not the same")
    return faults


def a_generator_writes_what_convert_makes_of_its_trace(root, _config):
    trace = runs.generate(root / "t.csv", FEW)
    faults = []
    for to in ("azure", "burstgpt", "llmservingsim", "mooncake", "plain", "splitwise", "vidur"):
        convert(trace, root / f"converted.{to}", "--to", to)
        flags = [flag for setting in FEW for flag in ("-s", setting)]
        runs.execute(["gen", "configs/workloads/azure-conv-2023.ini", "--to", to, "-o",
                      root / f"drawn.{to}", *flags])
        drawn = (root / f"drawn.{to}").read_bytes()
        if to == "mooncake":  # whose blocks a generator knows, and a plain trace does not
            drawn, n = re.subn(rb', "hash_ids": \[[0-9, ]+\]', b"", drawn)
            faults += [] if n == len(drawn.splitlines()) else [f"{n} rows with hash ids"]
        if (root / f"converted.{to}").read_bytes() != drawn:
            faults.append(f"{to}: not the same")
    return faults


def sessions_of_agents_come_back_from_mooncake(root, _config):
    """Calls that wait for others and for tools, through the plain format and back."""
    lines = [{"timestamp": 0, "input_length": 600, "output_length": 17, "hash_ids": [0, 1],
              "request_id": "a", "session_id": "s"},
             {"timestamp": 13, "input_length": 13, "output_length": 7, "request_id": "b",
              "session_id": "u", "priority": -3},
             {"timestamp": 4099, "input_length": 700, "output_length": 9, "request_id": "c",
              "session_id": "s", "wait_for": ["a", "b"], "delay": 137}]
    source = root / "agents.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    convert(source, root / "agents.csv")
    convert(root / "agents.csv", root / "back.jsonl", "--to", "mooncake")
    back = [json.loads(line) for line in (root / "back.jsonl").read_text("utf-8").splitlines()]
    for line in lines:
        line.pop("hash_ids", None)
    return [] if back == lines else [f"{back}"]


def published_mooncake_traces_come_back_byte_for_byte(root, _config):
    if not MOONCAKE.is_dir():
        print(f"skipped: no published traces at {MOONCAKE}")
        return []
    faults = []
    for path in sorted(MOONCAKE.glob("*.jsonl")):
        told = convert(path, root / path.name, "--to", "mooncake")
        if told or (root / path.name).read_bytes() != path.read_bytes():
            faults.append(f"{path.name}: comes back otherwise {told!r}")
        told = convert(path, root / "plain.csv")
        if told != f"servesim: warning: {path}: left out: hash_ids\n":
            faults.append(f"{path.name}: {told!r}")
        convert(root / "plain.csv", root / "back.jsonl", "--to", "mooncake")
        without = re.sub(r', "hash_ids": \[[^]]*\]', "", path.read_text("utf-8"))
        if (root / "back.jsonl").read_text("utf-8") != without:
            faults.append(f"{path.name}: more than hash_ids is lost in the plain format")
    return faults


def a_published_azure_trace_is_served_alike_from_azure_and_vidur(root, config):
    if not runs.CONV.is_file():
        print(f"skipped: no published trace at {runs.CONV}")
        return []
    first = serve(root, config, "first", runs.CONV)
    faults = []
    for to in ("azure", "vidur"):
        convert(runs.CONV, root / f"x.{to}", "--to", to)
        faults += but_config(first, serve(root, config, f"from-{to}", root / f"x.{to}"))
    return faults


def standard_input_is_converted_where_one_pass_is_enough(root, _config):
    trace = runs.generate(root / "t.csv", ["workload.requests=137"])
    convert(trace, root / "file.jsonl", "--to", "mooncake")
    with open(trace, encoding="utf-8") as file:
        done = subprocess.run([runs.SERVESIM, "trace", "convert", "-", "--to", "mooncake"],
                              stdin=file, stdout=subprocess.PIPE, check=True)
    same = done.stdout == (root / "file.jsonl").read_bytes()
    return [] if same else ["standard input gives something else"]


TESTS = (a_trace_comes_back_from_every_exact_format,
         requests_that_were_served_are_served_again,
         requests_that_were_rejected_are_sent_again,
         a_plain_trace_comes_back_with_all_its_columns,
         what_a_format_has_no_place_for_is_named_once,
         times_are_rounded_half_up_in_order_and_counted,
         a_first_arrival_that_a_reader_takes_out_is_told,
         what_is_converted_twice_is_converted_once,
         a_generator_writes_what_convert_makes_of_its_trace,
         sessions_of_agents_come_back_from_mooncake,
         published_mooncake_traces_come_back_byte_for_byte,
         a_published_azure_trace_is_served_alike_from_azure_and_vidur,
         standard_input_is_converted_where_one_pass_is_enough)


def main():
    n_failed = 0
    for test in TESTS:
        with runs.work_folder() as folder:
            root = pathlib.Path(folder)
            config = root / "config.ini"
            config.write_text(CONFIG, encoding="utf-8")
            faults = test(root, config)
        n_failed += bool(faults)
        print(f"{'FAILED' if faults else 'ok'}: {test.__name__}")
        for fault in faults[:5]:
            print(f"  {fault}")
    sys.exit(1 if n_failed else 0)


if __name__ == "__main__":
    main()
