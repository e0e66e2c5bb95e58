#!/usr/bin/env python3
"""speculation: what drafting gives is what its theory says, and where it loses, it loses.

Of k drafted tokens, each right with probability p if all before it are, a step gives

    E = (1 - p^(k+1)) / (1 - p)

tokens in the mean (Leviathan et al., 2022), and exactly 1 if p is 0 and k + 1 if p is 1. With
cost = linear the time per token is the price of such a step over E. With a roofline it is
better for one client and worse for many, where matrices are bound by computing; adaptive
drafting is never much worse than none.
"""

import pathlib
import sys
from fractions import Fraction

sys.path.insert(0, "tests/golden")
import runs  # noqa: E402

BASE, TOKEN, PASS = 1000, 13, 37  # microseconds
MOST_ERRORS = 4.5  # standard errors; one run in 100,000 is further off by chance

LINEAR = f"""
[workload]
trace = -
[speculative]
method = draft
draft_base_us = {PASS}
[pool.main]
batching = unified
cost = linear
base_us = {BASE}
prefill_token_us = {TOKEN}
num_gpu_blocks = 4099
max_num_seqs = 1
"""

# Textbook hardware, short contexts: what a large batch is bound by is computing.
ROOFLINE = """
[workload]
trace = -
mode = closed
[speculative]
draft_model = llama-3.2-1b
num_speculative_tokens = 3
acceptance = 0.7
[pool.main]
accelerator = h100-sxm
model = llama-3.1-70b
engine = ideal
policy = vllm-v1
max_num_seqs = 2048
tensor_parallel = 4
"""


def summary(folder):
    return {row["metric"]: row["value"] for row in runs.read_table(folder / "summary.csv")}


def moments(shares):
    """Mean and variance of the tokens that a step gives."""
    odds, reached = [], Fraction(1)  # of a right ones and no more, a = 0, 1, ...
    for share in shares:
        odds.append(reached * (1 - share))
        reached *= share
    odds.append(reached)
    mean = sum(p * (a + 1) for a, p in enumerate(odds))
    return mean, sum(p * (a + 1 - mean) ** 2 for a, p in enumerate(odds))


def try_linear(root, shares, faults):
    """Long answers, one at a time."""
    k, output, n = len(shares), 3001, 20
    trace = runs.write_trace(root / "long.csv", [(i, 1, output) for i in range(n)])
    out = root / ("linear" + "-".join(map(str, shares)))
    runs.run(root / "linear.ini", out, [
        f"workload.trace={trace}", f"speculative.num_speculative_tokens={k}",
        "speculative.acceptance_by_position=" + " ".join(map(str, shares))])
    told = summary(out)
    steps = int(told["steps"]) - n  # that decode
    mean, variance = moments([Fraction(share) for share in shares])
    what = f"k = {k}, acceptance {' '.join(shares)}"
    if set(shares) == {"0"} and steps != n * (output - 1):
        faults.append(f"{what}: {steps} steps for {n} x {output - 1} tokens")
    if set(shares) == {"1"} and steps != n * -(-(output - 1) // (k + 1)):
        faults.append(f"{what}: {steps} steps for {n} x {output - 1} tokens")
    # the last k tokens of an answer have fewer drafted: at most k steps more
    found = Fraction(n * (output - 1), steps)
    error = MOST_ERRORS * float(variance / steps) ** 0.5 + float(mean) * k * n / steps
    if abs(found - mean) > error:
        faults.append(f"{what}: {float(found):.4f} tokens a step, theory {float(mean):.4f}")
    tpot = float(told["mean_tpot_ms"]) * 1000
    theory = (BASE + k * (TOKEN + PASS)) / float(mean)
    if abs(tpot / theory - 1) > error / float(mean) + 0.002:
        faults.append(f"{what}: {tpot:.2f} us a token, theory {theory:.2f}")
    print(f"{what}: {float(found):.4f} tokens a step, theory {float(mean):.4f}; "
          f"{tpot:.2f} us a token, theory {theory:.2f}")


def try_roofline(root, clients, faults):
    """Decode time per token, without, with and with adaptive drafting."""
    trace = runs.write_trace(root / "short.csv", [(0, 13, 41)] * (2 * clients))
    tpot = {}
    for name, settings in (("none", ["method=none"]), ("always", ["method=draft"]),
                           ("adaptive", ["method=draft", "adaptive=yes"])):
        out = root / f"{name}-{clients}"
        runs.run(root / "roofline.ini", out, [
            f"workload.trace={trace}", f"workload.concurrency={clients}",
            *(f"speculative.{setting}" for setting in settings)])
        tpot[name] = float(summary(out)["mean_tpot_ms"])
    print(f"{clients} clients: " + ", ".join(f"{name} {ms:.3f} ms" for name, ms in tpot.items()))
    wins = tpot["always"] < tpot["none"]
    if wins != (clients == 1):
        faults.append(f"{clients} clients: drafting {'wins' if wins else 'loses'}")
    if tpot["adaptive"] > 1.02 * min(tpot["none"], tpot["always"]):
        faults.append(f"{clients} clients: adaptive drafting is worse than both")


def main():
    faults = []
    with runs.work_folder() as folder:
        root = pathlib.Path(folder)
        (root / "linear.ini").write_text(LINEAR, encoding="utf-8")
        (root / "roofline.ini").write_text(ROOFLINE, encoding="utf-8")
        for shares in (["0"] * 3, ["1"] * 4, ["0.7"] * 4, ["0.9"] * 7, ["0.37"],
                       ["0.8", "0.6", "0.5"], ["0.8", "0", "1"]):
            try_linear(root, shares, faults)
        for clients in (1, 2048):
            try_roofline(root, clients, faults)
    for fault in faults:
        print(f"FAILED: {fault}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
