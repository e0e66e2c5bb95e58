#!/usr/bin/env python3
"""python: analysis/servesim.py runs, sweeps and reads; its notebooks draw the README's pictures.

What the module says is held against the files of the runs. The notebooks run in a small form;
where the full form takes no time, its pictures are the committed ones, byte for byte, with the
matplotlib that drew them.
"""

import csv
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import world

sys.dont_write_bytecode = True
sys.path.insert(0, str(world.ROOT / "analysis"))
os.environ["SERVESIM"] = str(world.SERVESIM)
os.chdir(world.ROOT)

import matplotlib
import pandas as pd

import servesim

DRAWN_WITH = "3.6.3"  # the matplotlib of Debian 12
LINEAR = {
    "workload": {"trace": "configs/examples/policies.csv", "limit": 137, "client_timeout": "900ms"},
    "output": {"steps": True, "sessions": True},
    "pool.main": {"cost": "linear", "base_us": 9000, "num_gpu_blocks": 4099, "replicas": 2},
    "route": {"policy": "least_requests"},
}


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def same(table, path):
    """Whether the table has the file's values, in types that hold them."""
    for name in table.columns:
        for got, text in zip(table[name], (row[name] for row in rows(path))):
            if text == "":
                ok = pd.isna(got) or got == ""
            elif isinstance(got, str):
                ok = got == text
            else:
                ok = abs(float(got) - float(text)) <= 1e-12 * abs(float(text))
            if not ok:
                yield f"{path.name}: {name} is {got!r}, and {text!r}"
                return


def check_run(place, faults):
    result = servesim.run(LINEAR, pool__main__max_num_seqs=7)
    if result.config["pool.main"]["max_num_seqs"] != "7" or len(result.requests) != 137:
        faults.append("run: a keyword is not what was run")
    for name in ("requests", "timeline", "replicas", "bill", "tenants", "sessions", "steps"):
        faults += same(getattr(result, name), result.folder / f"{name}.csv")
    kinds = {"request_id": "object", "prompt_tokens": "Int64", "e2e_s": "float64",
             "ttft_s": "float64", "replica": "Int64", "slo_met": "boolean", "tenant": "object"}
    for name, kind in kinds.items():
        if str(result.requests[name].dtype) != kind:
            faults.append(f"{name} is {result.requests[name].dtype} instead of {kind}")
    done = result.requests["status"] == "completed"
    if done.all() or not result.requests.loc[~done, "tpot_s"].isna().all():
        faults.append("nobody gave up, or has a TPOT all the same")
    if result.events is not None:
        faults.append("events of a run in which nothing happened")
    for row in rows(result.folder / "summary.csv"):
        value = result.summary[row["metric"]]
        if str(value) != row["value"] and not (row["value"] == "" and value is None) and \
                abs(float(value) - float(row["value"])) > 0:
            faults.append(f"{row['metric']}: {value!r}, and {row['value']!r}")
    if result.metric("completed") != done.sum() or result.units["mean_ttft_ms"] != "ms":
        faults.append("metric() or units")
    kept = result.save(place / "kept")
    folder = result.folder
    del result
    if folder.exists() or len(servesim.read(kept).requests) != 137:
        faults.append("a temporary folder stays, or a saved one does not")


def check_studies(place, faults):
    over = {"pool.main.max_num_seqs": [3, 17], "workload.limit+workload.seed": []}
    del over["workload.limit+workload.seed"]
    sweep = servesim.sweep(LINEAR, over, jobs=2, output__steps=False)
    table = sweep.table
    if list(table["pool.main.max_num_seqs"]) != [3, 17] or str(table["point"].dtype) != "Int64":
        faults.append(f"sweep: {table.iloc[:, :4]}")
    one = servesim.run(LINEAR, {"pool.main.max_num_seqs": 17})
    if table["mean_ttft_ms"][1] != one.metric("mean_ttft_ms"):
        faults.append("sweep: a point is not its run")
    compare = servesim.compare(LINEAR, {"pool.main.max_num_seqs+pool.main.replicas":
                                        [(3, 2), (17, 1)]})
    if list(compare.table["pool.main.replicas"]) != [2, 1]:
        faults.append(f"compare: {compare.table.iloc[:, :4]}")
    changed = servesim.diff(one, servesim.run(LINEAR, pool__main__max_num_seqs=3))
    key = changed[changed["name"] == "pool.main.max_num_seqs"].iloc[0]
    if (key["before"], key["after"], key["change"]) != ("17", "3", -14.0):
        faults.append(f"diff: {key}")
    if not servesim.diff(one, one).query("kind != 'requests'").empty:
        faults.append("diff: a run differs from itself")


REFUSED = (
    (lambda: servesim.run("nowhere.ini"), "nowhere.ini: cannot be opened: No such file or "
     "directory"),
    (lambda: servesim.run(LINEAR, pool__main__color=3),
     "-s pool.main.color=3: [pool.main] unknown key 'color' (see 'servesim list keys')"),
    (lambda: servesim.run(LINEAR | {"pool.main": {"model": "llama-3.1-8b"}}),
     "config.ini:"),
    (lambda: servesim.run(LINEAR, seed=3), "seed: a key is section.key, as in "
     "'pool.main.replicas', or pool__main__replicas as a keyword"),
    (lambda: servesim.read("nowhere"), "nowhere: there is no such folder"),
    (lambda: servesim.read("configs").table,
     "configs: holds none of sweep.csv, capacity.csv, compare.csv, machine.csv"),
    (lambda: servesim.sweep(LINEAR, {"pool.main.policy": ["a,b"]}),
     "pool.main.policy: a value to vary cannot have a comma"),
    (lambda: servesim.run(LINEAR).metric("speed"), "has no metric speed"),
    (lambda: servesim.plot("configs", "a.png"), "configs: there is no picture for it"),
    (lambda: servesim.plot(servesim.run(LINEAR), "a.pdf"),
     "a.pdf: the name of a picture ends with .png or .svg"),
    (lambda: servesim.plot(servesim.run(LINEAR, workload__client_timeout="1us"), "a.png"),
     "requests.csv: no request completed: there is nothing to draw"),
)


def check_refusals(faults):
    for call, sentence in REFUSED:
        try:
            call()
            faults.append(f"not refused: {sentence}")
        except servesim.Error as error:
            if sentence not in str(error) or error.code not in (1, 2):
                faults.append(f"refused with {str(error)!r} instead of {sentence!r}")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        servesim.run(LINEAR | {"output": {"trace_json": True, "trace_events": 1}})
    if len(told) != 1 or "trace.json ends at second" not in str(told[0].message):
        faults.append(f"warnings: {[str(warning.message) for warning in told]}")


def notebook(name, place, faults, requests=None):
    more = {"NOTEBOOK_REQUESTS": str(requests)} if requests else {}
    done = subprocess.run([sys.executable, world.ROOT / f"analysis/notebook_{name}.py", place],
                          env={**os.environ, **more}, check=False, text=True, cwd=place.parent,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0 or done.stderr:
        faults.append(f"notebook_{name}.py: exit {done.returncode}: {done.stderr}")


def check_notebooks(place, faults):
    notebook("overview", place / "overview", faults)
    notebook("roofline", place / "roofline", faults)
    notebook("studies", place / "studies", faults, 200)
    for name in ("studies/generations.png", "studies/policies-at-load.png"):
        if not (place / name).is_file() or (place / name).stat().st_size < 20000:
            faults.append(f"{name} is not drawn")
    same_version = matplotlib.__version__ == DRAWN_WITH
    for name in ("overview/overview.png", "roofline/roofline.png", "roofline/compare.svg"):
        drawn = place / name
        if not drawn.is_file():
            faults.append(f"{name} is not drawn")
        elif (same_version or name.endswith("compare.svg")) and \
                drawn.read_bytes() != (world.ROOT / "analysis" / drawn.name).read_bytes():
            faults.append(f"{name} is not analysis/{drawn.name}")


def main():
    faults = []
    with tempfile.TemporaryDirectory(prefix="servesim-python-") as name:
        place = pathlib.Path(name)
        check_run(place, faults)
        check_studies(place, faults)
        check_refusals(faults)
        check_notebooks(place, faults)
    world.finish(faults, 4 + len(REFUSED))


main()
