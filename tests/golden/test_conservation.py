#!/usr/bin/env python3
"""conservation: analysis/conserve.py finds nothing in real results, and much in spoilt ones.

Every one of its checks is shown a result folder in which one number was changed, and must
say so: a check that cannot fail proves nothing.
"""

import csv
import pathlib
import shutil
import subprocess
import sys
from fractions import Fraction

import runs

sys.path.insert(0, "analysis")
import conserve  # noqa: E402
import result_folder  # noqa: E402

TROUBLE = ("workload.unservable=reject", "workload.client_timeout=41s", "workload.rate_scale=2.7",
           "workload.warmup=3.7", "workload.cooldown=4.1", "pool.main.replicas=2",
           "pool.main.num_gpu_blocks=61", "output.interval=1.37", "output.steps=yes",
           "slo.e2e_ms=20000", "slo.itl_ms=4099")
LINEAR = ("pool.main.max_num_seqs=8", "pool.main.decode_seq_us=137.0137", "output.interval=0.37",
          "pool.main.num_gpu_blocks=1500")
FAILING = ("pool.main.replicas=3", "scale.main.boot_s=1.37", "fail.backoff=0.137",
           "scale.main.policy=queue", "scale.main.target=3", "scale.main.max=5",
           "scale.main.interval=3.7", "scale.main.down_cooldown=11", "output.steps=yes",
           "workload.rate_scale=2.7", "output.interval=1.37")
DRAFTING = ("speculative.method=draft", "speculative.draft_model=llama-3.2-1b",
            "speculative.adaptive=yes", "workload.client_timeout=41s", "output.steps=yes")


def growing(path):
    """Short prompts and long answers: preemptions."""
    return runs.write_trace(path, [
        (at, 1 + prompt // 16, output) for at, prompt, output
        in runs.read_trace(runs.generate(path.with_suffix(".raw"), ["workload.requests=400"]))])


def failures(path):
    path.write_text("time_s,replica,kind,duration_s,notice_s\n"
                    "4.137,0,fail,2.37,\n11.37,1,reclaim,3,0.5\n20.0137,2,fail,,\n",
                    encoding="utf-8")
    return path


def make_runs(root):
    """Result folders by name, and the preemptions, timeouts and rejections they must have."""
    server, linear = root / "server.ini", root / "linear.ini"
    server.write_text(runs.SERVER, encoding="utf-8")
    linear.write_text(runs.LINEAR, encoding="utf-8")
    made = runs.generate(root / "made.csv", ["workload.requests=1500"])
    plans = [("generated", server, [f"workload.trace={made}"]),
             ("trouble", server, [f"workload.trace={growing(root / 'growing.csv')}", *TROUBLE]),
             ("linear", linear, [f"workload.trace={made}", *LINEAR]),
             ("capped", server, [f"workload.trace={made}", "power.power_cap=357.7",
                                 "power.host_idle_w=41.37", "power.host_active_w=13.7"]),
             ("failing", server, [f"workload.trace={made}",
                                  f"fail.events={failures(root / 'failures.csv')}", *FAILING]),
             ("drafting", server, [f"workload.trace={made}", *DRAFTING])]
    if runs.AZURE.is_dir():
        plans += [("conv", server, [f"workload.trace={runs.CONV}"]),
                  ("conv-overloaded", server, [f"workload.trace={runs.CONV}", "slo.e2e_ms=30000",
                                               "workload.rate_scale=8", "workload.limit=7000",
                                               "pool.main.num_gpu_blocks=1500"]),
                  ("code-impatient", server, [f"workload.trace={runs.CODE}", "output.interval=1",
                                              "workload.rate_scale=20",
                                              "workload.client_timeout=20s"])]
    else:
        print(f"skipped: the runs of published traces: nothing at {runs.AZURE}")
    for name, config, settings in plans:
        runs.run(config, root / name, settings)
    return [root / name for name, _, _ in plans]


def spoil(folder, file, pick, column, change):
    """Changes one field of the first row that pick() likes."""
    path = folder / file
    rows = runs.read_table(path)
    row = next(row for row in rows if pick(row))
    row[column] = change(row[column])
    with open(path, "w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def more(amount):
    """Adds to the printed number, with its decimals."""
    def change(text):
        decimals = len(text.partition(".")[2])
        value = (Fraction(text) + Fraction(amount)) * 10**decimals
        return f"{int(value) // 10**decimals}" + (
            f".{int(value) % 10**decimals:0{decimals}d}" if decimals else "")
    return change


def metric(name):
    return lambda row: row["metric"] == name


def done(row):
    return row["status"] == "completed" and int(row["output_tokens"]) > 3


def timed_out(row):
    return row["status"] == "timed_out" and row["first_token_s"] != ""


def always(row):
    return True


def to(value):
    return lambda text: value


NS, TICK = "0.000000001", "0.000001"
SUM, ROWS, REPLICAS, TIME, STEPS, BILL, TENANTS = (f"{name}.csv" for name in (
    "summary", "requests", "replicas", "timeline", "steps", "bill", "tenants"))
PICO = "0.000000000001"

# check, file, row, column, change: each must make that check fail.
SPOILT = [
    ("shape", SUM, metric("completed"), "metric", to("rejected")),
    ("owners", ROWS, done, "stall_s", more(NS)),
    ("owners", ROWS, timed_out, "prefill_s", more(NS)),
    ("order", ROWS, done, "first_scheduled_s", more(NS)),
    ("order", ROWS, done, "ttft_s", more(NS)),
    ("order", ROWS, done, "arrival_s", more("4099")),
    ("gaps", ROWS, done, "tpot_s", more(NS)),
    ("gaps", ROWS, done, "max_itl_s", to("0.000000137")),
    ("little", SUM, metric("requests_in_system_area"), "value", more(1)),
    ("little", SUM, metric("sojourn_sum"), "value", more(-1)),
    ("little", ROWS, timed_out, "finish_s", more(NS)),
    ("statuses", ROWS, done, "status", to("timed_out")),
    ("statuses", SUM, metric("injected_requests"), "value", more(1)),
    ("statuses", SUM, metric("completed"), "value", more(-1)),
    ("tokens", SUM, metric("computed_tokens"), "value", more(1)),
    ("tokens", SUM, metric("computed_tokens_recomputed"), "value", more(-1)),
    ("tokens", SUM, metric("emitted_tokens_discarded"), "value", more(1)),
    ("tokens", ROWS, done, "prompt_tokens", more(1)),
    ("tokens", REPLICAS, always, "decode_tokens", more(1)),
    ("tokens", ROWS, done, "preemptions", more(1)),
    ("time", REPLICAS, always, "idle_s", more(NS)),
    ("time", SUM, metric("steps"), "value", more(1)),
    ("time", SUM, metric("busy_share"), "value", more(TICK)),
    ("money", SUM, metric("total_cost_usd"), "value", more(NS)),
    ("money", SUM, metric("lost_cost_usd"), "value", more("0.00000001")),
    ("money", ROWS, done, "cost_usd", more("0.00000001")),
    ("money", ROWS, timed_out, "cost_usd", more("0.00000001")),
    ("money", REPLICAS, always, "cost_usd", more("0.00000001")),
    *(("bill", BILL, lambda row, item=item: row["item"] == item, column, more(least))
      for item in ("attributed", "idle", "lost", "unused_node", "total")
      for column, least in (("replica_s", NS), ("gpu_s", NS), ("usd", PICO),
                            ("energy_j", PICO))),
    ("bill", ROWS, done, "cost_usd", more(PICO)),
    ("bill", ROWS, done, "energy_j", more(TICK)),
    ("bill", ROWS, timed_out, "cost_usd", more(PICO)),
    ("bill", SUM, metric("total_cost_usd"), "value", more(NS)),
    ("bill", SUM, metric("output_cost_usd"), "value", more(PICO)),
    ("bill", REPLICAS, always, "failed_s", more(NS)),
    *(("bill", TENANTS, always, column, more(least)) for column, least in (
        ("requests", 1), ("completed", 1), ("input_tokens", 1), ("energy_j", TICK),
        ("attributed_usd", PICO), ("with_overhead_usd", PICO))),
    ("energy", SUM, metric("attributed_energy_j"), "value", more("0.00137")),
    ("energy", ROWS, done, "energy_j", more("0.00137")),
    ("energy", REPLICAS, always, "energy_j", more("0.00137")),
    ("energy", SUM, metric("mean_power"), "value", more("0.00137")),
    ("energy", SUM, metric("remainder_energy_j"), "value", more("0.0000137")),
    ("timeline_grid", TIME, always, "t_s", more(NS)),
    ("timeline_grid", TIME, always, "usd_per_h", more("0.01")),
    ("timeline_tokens", TIME, always, "decode_tokens_per_s", more(1)),
    ("timeline_tokens", TIME, always, "prefill_tokens_per_s", more(1)),
    ("timeline_state", TIME, always, "waiting", more("0.001")),
    ("timeline_state", SUM, metric("mean_running"), "value", more("0.00137")),
    ("timeline_energy", TIME, always, "power_w", more("0.01")),
    ("kv", TIME, always, "kv_used_fraction", more("0.00137")),
    ("kv", SUM, metric("mean_kv_used_fraction"), "value", more("0.000137")),
    ("kv", REPLICAS, always, "peak_kv_used_fraction", to("1.000001")),
    ("roofs", TIME, always, "mfu", to("1.000001")),
    ("roofs", REPLICAS, always, "mbu", to("1.000001")),
    ("roofs", TIME, always, "power_w", to("1400.000001")),
    ("roofs", REPLICAS, always, "kv_bound_share", more("0.00001")),
    *(("latencies", SUM, metric(f"{what}_{of}_ms"), "value",
       more("0.00137" if what == "std" else TICK))
      for of in ("ttft", "tpot", "e2el", "queue")
      for what in ("mean", "median", "std", "p90", "p95", "p99", "max")),
    ("itl", SUM, metric("n_itl"), "value", to("1")),
    ("itl", SUM, metric("max_itl_ms"), "value", more(TICK)),
    ("throughput", SUM, metric("request_throughput"), "value", more(TICK)),
    ("throughput", SUM, metric("total_output_tokens"), "value", more(1)),
    ("throughput", SUM, metric("duration"), "value", more(NS)),
    ("slo", ROWS, lambda row: row["slo_met"] == "1", "slo_met", to("0")),
    ("slo", SUM, metric("slo_met_requests"), "value", more(1)),
    ("slo", SUM, metric("slo_attainment"), "value", more(TICK)),
    ("slo", SUM, metric("request_goodput"), "value", more(TICK)),
    ("steps", STEPS, always, "tokens", more(1)),
    ("steps", STEPS, always, "end_s", more(NS)),
    ("steps", STEPS, lambda row: row["preempted"] == "1", "preempted", to("0")),
    ("steps", STEPS, always, "blocks", to("61")),
]
# What only a run without the troubles has to its last digit.
SPOILT_PLAIN = [
    ("itl", SUM, metric("n_itl"), "value", more(1)),
    ("itl", SUM, metric("mean_itl_ms"), "value", more(TICK)),
    ("timeline_state", TIME, always, "running", more("0.001")),
    ("slo", SUM, metric("slo_met_requests"), "value", more(-1)),
]


def missed(good, root, spoilt):
    """The changes that their check did not notice."""
    faults = []
    for check, file, pick, column, change in spoilt:
        bad = root / "spoilt"
        skip = None if file == STEPS else shutil.ignore_patterns(STEPS)  # it is long
        shutil.copytree(good, bad, ignore=skip)
        spoil(bad, file, pick, column, change)
        said, holds = conserve.CHECKS[check](result_folder.ResultFolder(bad))
        if holds:
            faults.append(f"{check} does not notice a changed {column} in {file}: {said}")
        shutil.rmtree(bad)
    return faults


def missed_field(good, root):
    """A comma where none belongs."""
    bad = root / "spoilt"
    shutil.copytree(good, bad)
    path = bad / REPLICAS
    path.write_text(path.read_text(encoding="utf-8")[:-1] + ",\n", encoding="utf-8")
    _, holds = conserve.CHECKS["shape"](result_folder.ResultFolder(bad))
    shutil.rmtree(bad)
    return ["shape does not notice a field too many"] if holds else []


def main():
    with runs.work_folder() as folder:
        root = pathlib.Path(folder)
        folders = make_runs(root)
        told = subprocess.run([sys.executable, "analysis/conserve.py", *folders], check=False,
                              capture_output=True, text=True)
        print(told.stdout + told.stderr, end="")
        faults = ["conserve.py found faults"] if told.returncode != 0 else []
        trouble = runs.read_summary(root / "trouble")
        for name in ("preemptions", "all_timed_out_requests", "all_rejected_requests",
                     "all_completed_requests", "emitted_tokens_discarded"):
            if int(trouble[name]) < 3:
                faults.append(f"the run with trouble has only {trouble[name]} {name}")
        faults += missed(root / "trouble", root, SPOILT)
        faults += missed(root / "generated", root, SPOILT_PLAIN)
        faults += missed_field(root / "generated", root)
        faults += [f"no spoilt folder for check {name}"
                   for name in sorted(conserve.CHECKS.keys() - {case[0] for case in SPOILT})]
        spoil(root / "linear", *SPOILT[0][1:])
        if subprocess.run([sys.executable, "analysis/conserve.py", root / "linear"], check=False,
                          capture_output=True).returncode != 1:
            faults.append("conserve.py does not exit 1")
    print(f"{len(SPOILT) + len(SPOILT_PLAIN)} spoilt folders, {len(faults)} faults")
    for fault in faults:
        print(f"  {fault}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
