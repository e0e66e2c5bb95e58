# %% [markdown]
# # Two studies, and their pictures in the README
#
# What eight batching policies bear, and what a million tokens cost on GPUs of ten years:
# configs/studies/policies-at-load.ini and gpu-generations.ini. The second takes some minutes;
# NOTEBOOK_REQUESTS=400 makes runs shorter, and both rougher.
# `/usr/bin/python3 analysis/notebook_studies.py [FOLDER]`

# %%
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "analysis"))
import servesim

OUT = Path(os.environ.get("NOTEBOOK_OUT", sys.argv[1] if len(sys.argv) > 1 else "notebook"))
REQUESTS = int(os.environ.get("NOTEBOOK_REQUESTS", 0))  # 0: as the studies say
OUT.mkdir(parents=True, exist_ok=True)
OUT = OUT.resolve()
os.chdir(ROOT)  # configurations name their files from here

# %% [markdown]
# Policies against load: analysis/policies-at-load.png.

# %%
few, axes = {}, None
if REQUESTS:
    few = {"workload.limit": REQUESTS, "workload.count_from": 0, "workload.count_to": 0}
    axes = {"pool.main.policy": ["static", "sarathi", "vllm-v1"], "workload.rate_rps": [2, 8, 16]}
load = servesim.sweep("configs/studies/policies-at-load.ini", axes, few, out=OUT / "load",
                      overwrite=True)
servesim.plot(load, OUT / "policies-at-load.png")

# %% [markdown]
# The rate up to which nine requests in ten are within the SLO.

# %%
table = load.table
met = table[table["slo_attainment"] >= 0.9]
print(met.groupby("pool.main.policy")["offered_rate"].max().sort_values().to_string())

# %% [markdown]
# Generations of GPUs: analysis/generations.png.

# %%
few, axes = {}, None
if REQUESTS:
    few = {"study.requests": REQUESTS, "study.draws": 1, "capacity.best_of": ""}
    axes = {"pool.main.accelerator": ["h100-sxm", "b200-sxm"],
            "pool.main.weight_precision": ["bf16", "fp8"],
            "pool.main.model": ["llama-3.1-8b"],
            "workload.generator+slo.ttft_ms+slo.tpot_ms":
                [("configs/workloads/azure-conv-2023.ini", 500, 50)]}
gpus = servesim.capacity("configs/studies/gpu-generations.ini", axes, few, out=OUT / "gpus",
                         overwrite=True)
servesim.plot(gpus, OUT / "generations.png")

# %%
columns = ["pool.main.accelerator", "pool.main.weight_precision", "pool.main.model",
           "meets_rps", "usd_per_million_tokens"]
print(gpus.table[[name for name in columns if name in gpus.table]].to_string(index=False))
