#!/usr/bin/env python3
"""draws: requests that are drawn while they are served are those that `gen` writes first.

Every file but config.ini must have the same bytes, and config.ini must give them again.
"""

import pathlib
import sys

import runs

SPEC = pathlib.Path("configs/workloads/azure-conv-2023.ini")
SERVERS = {
    "open": ("workload.warmup=13.7", "workload.cooldown=17", "pool.main.num_gpu_blocks=1370",
             "workload.rate_scale=1.7", "output.interval=1.37"),
    "closed": ("workload.mode=closed", "workload.concurrency=13", "workload.warmup=13.7"),
    "sessions": ("workload.infer_sessions=yes", "pool.main.enable_prefix_caching=yes"),
    "late": ("workload.client_timeout=1.7", "workload.client_retries=2", "output.steps=yes"),
}


def but_config(faults):
    return [fault for fault in faults if not fault.startswith("config.ini")]


def drawn(config, folder, *settings):
    runs.run(config, folder, [f"workload.generator={SPEC}", *settings])


def written(config, folder, trace, *settings):
    runs.run(config, folder, [f"workload.trace={trace}", *settings])


def a_generator_gives_what_gen_writes(root, config):
    trace = runs.generate(root / "trace.csv", ["workload.requests=1370"])
    faults = []
    for name, settings in SERVERS.items():
        written(config, root / f"{name}-written", trace, *settings)
        drawn(config, root / f"{name}-drawn", "workload.limit=1370", *settings)
        faults += but_config(runs.differences(root / f"{name}-written", root / f"{name}-drawn"))
    return faults


def the_seed_of_the_run_is_added_to_that_of_the_description(root, config):
    trace = runs.generate(root / "trace.csv", ["workload.requests=137", "workload.seed=41"])
    written(config, root / "written", trace, "run.seed=41")
    drawn(config, root / "drawn", "workload.limit=137", "run.seed=41")
    drawn(config, root / "first", "workload.limit=137")
    faults = but_config(runs.differences(root / "written", root / "drawn"))
    if not but_config(runs.differences(root / "first", root / "drawn")):
        faults.append("another seed drew the same")
    return faults


def a_rate_is_that_of_another_description(root, config):
    trace = runs.generate(root / "trace.csv", ["workload.requests=137", "arrivals.rate_rps=13.7"])
    written(config, root / "written", trace)
    drawn(config, root / "drawn", "workload.limit=137", "workload.rate_rps=13.7")
    return but_config(runs.differences(root / "written", root / "drawn"))


LENGTHS = ("[workload]\nrequests = 137\n[prompt]\ndistribution = gamma_mix\nw = 1\nshape = 2\n"
           "scale = 137\n[output]\ndistribution = quantiles\nquantiles = 0:1, 0.5:40, 1:137\n"
           "[arrivals]\n")
CHANGING = {
    "mmpp": "process = mmpp\nstates = 7:62s, 400:1s, 0:5s\n",
    "profile": "process = weibull\ncv = 2\n[modulation]\nprofile = 0:1, 20min:7, 40min:2\n"
               "period_s = 1h\nspike_every_s = 60\n",
    "servegen": "process = servegen\nclients = {root}\n",
}


def rates_that_change_are_replaced_by_a_mean_one(root, config):
    (root / "chunk-1-trace.csv").write_text("0,2,3,Gamma,1,1\n600,1,2,Weibull,1,1\n")
    (root / "chunk-2-trace.csv").write_text("0,0,,,,\n600,0.5,2,Weibull,1,1\n")
    faults = []
    for name, arrivals in CHANGING.items():
        spec, trace = root / f"{name}.ini", root / f"{name}.csv"
        spec.write_text(LENGTHS + arrivals.format(root=root))
        runs.execute(["gen", spec, "-s", "arrivals.rate_rps=3.7", "-o", trace])
        written(config, root / f"{name}-written", trace)
        runs.run(config, root / f"{name}-drawn", [f"workload.generator={spec}",
                                                  "workload.limit=137", "workload.rate_rps=3.7"])
        faults += but_config(runs.differences(root / f"{name}-written", root / f"{name}-drawn"))
    return faults


def its_own_config_draws_the_same_again(root, config):
    trace = runs.generate(root / "trace.csv", ["workload.requests=137"])
    drawn(config, root / "drawn", "workload.limit=137", "run.seed=7")
    runs.run(root / "drawn/config.ini", root / "drawn-again")
    written(config, root / "blocks", trace, "workload.resample=7", "run.seed=7",
            "workload.cooldown=1.7")
    runs.run(root / "blocks/config.ini", root / "blocks-again")
    written(config, root / "others", trace, "workload.resample=7", "run.seed=8",
            "workload.cooldown=1.7")
    faults = (runs.differences(root / "drawn", root / "drawn-again")
              + runs.differences(root / "blocks", root / "blocks-again"))
    if "trace_sha256 =\n" not in (root / "drawn/config.ini").read_text(encoding="utf-8"):
        faults.append("a generator has no trace_sha256")
    if not but_config(runs.differences(root / "blocks", root / "others")):
        faults.append("another seed drew the same blocks")
    return faults


TESTS = (a_generator_gives_what_gen_writes,
         the_seed_of_the_run_is_added_to_that_of_the_description,
         a_rate_is_that_of_another_description,
         rates_that_change_are_replaced_by_a_mean_one,
         its_own_config_draws_the_same_again)


def main():
    n_failed = 0
    for test in TESTS:
        with runs.work_folder() as folder:
            root = pathlib.Path(folder)
            config = root / "config.ini"
            config.write_text(runs.SERVER.replace("trace = -\n", ""), encoding="utf-8")
            faults = test(root, config)
        n_failed += bool(faults)
        print(f"{'FAILED' if faults else 'ok'}: {test.__name__}")
        for fault in faults[:5]:
            print(f"  {fault}")
    sys.exit(1 if n_failed else 0)


if __name__ == "__main__":
    main()
