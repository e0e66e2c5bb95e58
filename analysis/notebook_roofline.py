# %% [markdown]
# # The price of a step, and policies side by side
#
# analysis/roofline.png and analysis/compare.svg, as in the manual.
# `/usr/bin/python3 analysis/notebook_roofline.py [FOLDER]`

# %%
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "analysis"))
import servesim

OUT = Path(os.environ.get("NOTEBOOK_OUT", sys.argv[1] if len(sys.argv) > 1 else "notebook"))
REQUESTS = int(os.environ.get("NOTEBOOK_REQUESTS", 0))  # 0: the whole trace
OUT.mkdir(parents=True, exist_ok=True)
OUT = OUT.resolve()
os.chdir(ROOT)  # configurations name their files from here

# %% [markdown]
# One replica by the roofline, without a trace.

# %%
machine = servesim.roofline("configs/examples/demo.ini", out=OUT / "machine", overwrite=True)
servesim.plot(machine, OUT / "roofline.png")
decode = machine.read("decode.csv")
print(decode[["context", "batch", "operation_ms", "mfu_percent", "usd_per_mtok"]]
      .groupby("context").last().to_string())

# %% [markdown]
# Ten policies on a trace in which 400 jobs come at once.

# %%
POLICIES = ("static,triton-dynamic,orca,vllm-v0,vllm-v1,sarathi,sglang,srpt,edf,vtc"
            if not REQUESTS else "static,vllm-v1,srpt")
few = {"workload.limit": REQUESTS} if REQUESTS else {}
variants = servesim.compare("configs/examples/policies.ini", {"pool.main.policy": POLICIES}, few,
                            out=OUT / "policies", overwrite=True)
shutil.copyfile(OUT / "policies/compare.svg", OUT / "compare.svg")
print(variants.table[["pool.main.policy", "p99_ttft_ms", "mean_e2el_ms", "jain_fairness",
                      "wins"]].to_string(index=False))
