"""report_roofline: the roof of each pool's accelerator and where a run stood below it.

The figures are those of config.ini.  A point is one stretch of the timeline: its MFU times
the peak is what was computed, its MBU times the bandwidth what was moved; their ratio is the
intensity.
"""

import numpy as np

import report_chart as rc

MOST_POOLS = 4
MOST_POINTS = 60
RATES = {"fp8": "fp8_flops", "int8": "int8_flops", "fp4": "fp4_flops", "mxfp4": "fp4_flops",
         "nvfp4": "fp4_flops"}


def number(settings, key):
    """A figure of the configuration, 0 where it has none."""
    try:
        value = float(settings.get(key, "0") or 0)
    except ValueError:
        return 0.0
    return value if np.isfinite(value) else 0.0


def peak_tflops(settings):
    """The dense peak that MFU is a share of: the fastest format that the model computes in,
    as power_peak_flop_per_s() of sim/model/power.c has it."""
    compute = settings.get("compute_precision", "same")
    whole = settings.get("weight_precision", "bf16")
    kinds = [whole]
    if number(settings, "experts") > 0:
        kinds += [whole if settings.get(key, "same") == "same" else settings.get(key)
                  for key in ("attention_precision", "expert_precision")]
    if number(settings, "index_heads") > 0:
        kinds.append("fp8")
    if compute != "same":
        kinds = [kind if kind == "bf16" else compute for kind in kinds]
    bf16 = number(settings, "bf16_flops")
    rates = [number(settings, RATES[kind]) or bf16 if kind in RATES else bf16
             for kind in kinds]
    best = max([bf16, *rates])
    return best * (number(settings, "sparse_speedup") or 1) \
        if settings.get("sparsity", "none") == "2:4" else best


def pool_points(run, pool, peak, bandwidth):
    """(FLOP per byte, TFLOPS of a GPU) of stretches in which something was computed."""
    mfu, mbu = run.timeline.mean("mfu", pool), run.timeline.mean("mbu", pool)
    kept = np.flatnonzero((np.nan_to_num(mfu) > 1e-6) & (np.nan_to_num(mbu) > 1e-6))
    kept = kept[:: max(1, -(-len(kept) // MOST_POINTS))]
    return [(mfu[i] * peak / (mbu[i] * bandwidth), mfu[i] * peak) for i in kept]


def roofline(run):
    """The chart, or None where the cost of steps is not a roofline's."""
    roofs, points = [], []
    for name, settings in list(run.pools().items())[:MOST_POOLS]:
        peak, bandwidth = peak_tflops(settings), number(settings, "memory_bandwidth")
        if settings.get("cost", "roofline") != "roofline" or not peak or not bandwidth \
                or name not in run.timeline.pools:
            continue
        found = pool_points(run, name, peak, bandwidth)
        if found:
            points.append((name, found))
            roofs.append((settings.get("accelerator", "") or name, peak, bandwidth))
    if not points:
        return None
    xs = [x for _, found in points for x, _ in found]
    left = min(xs) / 3
    right = max(max(xs), max(peak / bandwidth for _, peak, bandwidth in roofs)) * 4
    low = min(y for _, found in points for _, y in found) / 3
    series, drawn = [], set()
    for i, ((name, found), (device, peak, bandwidth)) in enumerate(zip(points, roofs)):
        if (device, peak) not in drawn:
            drawn.add((device, peak))
            ridge = peak / bandwidth
            start = max(left, low / bandwidth)
            series.append(rc.line(f"{device}, data sheet", i, [start, ridge, right],
                                  [start * bandwidth, peak, peak], dash=i % 3))
        series.append(rc.line(f"pool {name}", i, *zip(*found), points=True))
    ridge = ", ".join(f"{peak / bandwidth:.0f} ({device})"
                      for device, peak, bandwidth in dict.fromkeys(roofs))
    return rc.chart(
        "roofline", "Roofline: how hard the GPUs were used",
        "Each dot is a stretch of the run, idle time included; both axes are logarithmic. The sloped part of the line is "
        "what memory bandwidth allows, the flat part what the arithmetic units allow. Dots left "
        f"of the bend, at {ridge} FLOP per byte, are bound by memory; the further below the "
        "line, the more time went to overheads, the network or idling.",
        "timeline.csv: mfu, mbu; config.ini: memory_bandwidth, …_flops",
        rc.axis("intensity (FLOP per byte moved)", "", log=True,
                min=rc.rounded(left), max=rc.rounded(right)),
        rc.axis("TFLOPS per GPU", "", log=True, min=rc.rounded(low),
                max=rc.rounded(2 * max(peak for _, peak, _ in roofs))),
        series, kind="scatter", tooltip="nearest")
