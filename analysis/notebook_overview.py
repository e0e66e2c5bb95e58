# %% [markdown]
# # One run, and the picture in the README
#
# Cells begin with `# %%`: open this in VS Code or Spyder, turn it into a notebook with
# jupytext, or run it as it is: `/usr/bin/python3 analysis/notebook_overview.py [FOLDER]`.

# %%
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "analysis"))
import servesim

OUT = Path(os.environ.get("NOTEBOOK_OUT", sys.argv[1] if len(sys.argv) > 1 else "notebook"))
REQUESTS = int(os.environ.get("NOTEBOOK_REQUESTS", 0))  # 0: all; tests take fewer
OUT.mkdir(parents=True, exist_ok=True)
OUT = OUT.resolve()

# %% [markdown]
# An hour of conversations, like Azure's, on two H100s: what configs/examples/demo.sh runs.

# %%
os.chdir(ROOT)  # configurations name their files from here
few = {"workload.requests": REQUESTS} if REQUESTS else {}
trace = servesim.gen("configs/workloads/azure-conv-2023.ini", OUT / "trace.csv", few)
result = servesim.run("configs/examples/demo.ini", {"workload.trace": trace}, out=OUT / "run",
                      overwrite=True)
print(result.summary[["completed", "p99_ttft_ms", "p99_tpot_ms", "usd_per_million_tokens"]])

# %% [markdown]
# The picture: analysis/overview.png.

# %%
servesim.plot(result, OUT / "overview.png")

# %% [markdown]
# Who was slow, and why: the owners of the time of the slowest hundredth.

# %%
OWNERS = ["queue_s", "prefill_s", "decode_s", "stall_s", "recompute_s", "transfer_s"]
done = result.requests[result.requests["status"] == "completed"]
slow = done[done["e2e_s"] >= done["e2e_s"].quantile(0.99)]
owners = slow[OWNERS].mean() / slow["e2e_s"].mean()
print(f"\n{len(slow)} requests of {slow['e2e_s'].min():.3g} s and more:")
print((100 * owners).round(1).to_string())
assert abs(owners.sum() - 1) < 1e-6  # every nanosecond has an owner

# %% [markdown]
# What changes with another policy.

# %%
other = servesim.run("configs/examples/demo.ini", {"workload.trace": trace},
                     pool__main__policy="sarathi")
change = servesim.diff(result, other)
columns = ["name", "before", "after", "percent", "better"]
metrics = change[(change["kind"] == "metric") & change["better"].ne("")]
print(metrics.sort_values("percent", key=abs, ascending=False)[columns].head(8).to_string(index=False))
