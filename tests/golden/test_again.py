#!/usr/bin/env python3
"""again: the same run gives the same bytes, however its trace came in.

A result folder's own config.ini, plain or compressed traces, standard input, and the lines
that the published traces are written with: nothing but config.ini may differ.
"""

import gzip
import pathlib
import sys

import runs

TROUBLE = ("workload.unservable=reject", "workload.client_timeout=41s", "workload.rate_scale=2.7",
           "pool.main.replicas=2", "pool.main.num_gpu_blocks=401", "workload.warmup=13.7",
           "output.interval=0.137", "slo.e2e_ms=4099")


def but_config(faults):
    return [fault for fault in faults if not fault.startswith("config.ini")]


def its_own_config_gives_the_same_bytes_in_every_file(root, config):
    faults = []
    for steps in ("no", "yes"):
        first, second = root / f"own-{steps}", root / f"own-{steps}-again"
        runs.run(config, first, [*TROUBLE, f"output.steps={steps}"])
        runs.run(first / "config.ini", second)
        faults += runs.differences(first, second)
    return faults


def a_changed_byte_in_any_file_is_noticed(root, config):
    first, second = root / "changed", root / "changed-again"
    runs.run(config, first)
    runs.run(config, second)
    faults = runs.differences(first, second)
    for path in sorted(second.iterdir()):
        good = path.read_bytes()
        path.write_bytes(good[:-2] + b"x" + good[-1:])
        if len(runs.differences(first, second)) != 1:
            faults.append(f"a changed {path.name} went unnoticed")
        path.write_bytes(good)
    return faults


def spans_and_stepwise_agree_whether_or_not_steps_are_written(root, config):
    folders = []
    for steps in ("no", "yes"):
        for stepwise in (False, True):
            folders.append(root / f"written-{steps}-{stepwise}")
            runs.run(config, folders[-1], [*TROUBLE, f"output.steps={steps}"], stepwise)
    (folders[2] / "steps.csv").rename(root / "steps.csv")
    faults = [] if (root / "steps.csv").read_bytes() == (
        folders[3] / "steps.csv").read_bytes() else ["steps.csv differs"]
    (folders[3] / "steps.csv").unlink()
    return faults + [fault for other in folders[1:]
                     for fault in but_config(runs.differences(folders[0], other))]


def compressed_traces_and_standard_input_give_the_same_results(root, config):
    plain = runs.generate(root / "plain.csv", ["workload.requests=1370"])
    folder = root / "plain"
    runs.run(config, folder, [*TROUBLE, f"workload.trace={plain}"])
    faults = []
    for ending in ("gz", "zst"):
        packed = runs.generate(root / f"packed.csv.{ending}", ["workload.requests=1370"])
        if packed.read_bytes()[:20] == plain.read_bytes()[:20]:
            faults.append(f"{packed.name} is not compressed")
        runs.run(config, root / ending, [*TROUBLE, f"workload.trace={packed}"])
        faults += but_config(runs.differences(folder, root / ending))
    with open(plain, encoding="utf-8") as file:
        runs.run(config, root / "stdin", [*TROUBLE, "workload.trace=-"], stdin=file)
    return faults + but_config(runs.differences(folder, root / "stdin"))


def a_published_trace_may_be_compressed_or_piped(root, config):
    if not runs.CONV.is_file():
        print(f"skipped: no published trace at {runs.CONV}")
        return []
    packed = root / "conv.csv.gz"
    packed.write_bytes(gzip.compress(runs.CONV.read_bytes(), 1))
    runs.run(config, root / "conv", [f"workload.trace={runs.CONV}"])
    runs.run(config, root / "conv-gz", [f"workload.trace={packed}"])
    with open(runs.CONV, encoding="utf-8") as file:
        runs.run(config, root / "conv-stdin", stdin=file)
    return (but_config(runs.differences(root / "conv", root / "conv-gz"))
            + but_config(runs.differences(root / "conv", root / "conv-stdin")))


def repeating_a_trace_is_the_same_as_writing_it_twice(root, config):
    """Copy k is later by k x (last - first + mean gap)."""
    rows = runs.read_trace(runs.generate(root / "once.csv", ["workload.requests=137"]))
    span_ns = rows[-1][0] - rows[0][0]
    period_ns = span_ns + (2 * span_ns + len(rows) - 1) // (2 * (len(rows) - 1))
    runs.write_trace(root / "thrice.csv", [(at + k * period_ns, prompt, output)
                                           for k in range(3) for at, prompt, output in rows])
    runs.run(config, root / "repeat", [f"workload.trace={root}/once.csv", "workload.repeat=3"])
    runs.run(config, root / "written", [f"workload.trace={root}/thrice.csv"])
    return but_config(runs.differences(root / "repeat", root / "written"))


TESTS = (its_own_config_gives_the_same_bytes_in_every_file,
         a_changed_byte_in_any_file_is_noticed,
         spans_and_stepwise_agree_whether_or_not_steps_are_written,
         compressed_traces_and_standard_input_give_the_same_results,
         a_published_trace_may_be_compressed_or_piped,
         repeating_a_trace_is_the_same_as_writing_it_twice)


def main():
    n_failed = 0
    for test in TESTS:
        with runs.work_folder() as folder:
            root = pathlib.Path(folder)
            config = root / "config.ini"
            trace = runs.generate(root / "trace.csv", ["workload.requests=600"])
            config.write_text(runs.SERVER.replace("trace = -", f"trace = {trace}")
                              if test != a_published_trace_may_be_compressed_or_piped
                              else runs.SERVER, encoding="utf-8")
            faults = test(root, config)
        n_failed += bool(faults)
        print(f"{'FAILED' if faults else 'ok'}: {test.__name__}")
        for fault in faults[:5]:
            print(f"  {fault}")
    sys.exit(1 if n_failed else 0)


if __name__ == "__main__":
    main()
