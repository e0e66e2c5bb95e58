"""report_pictures: the charts of a report as PNG or SVG, for slides and papers.

They are the same descriptions that report.js draws, so that page and pictures agree.
"""

import os

os.environ["SOURCE_DATE_EPOCH"] = "0"  # matplotlib stamps an SVG with it

try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
except ImportError as missing:
    from plot_results import Fault
    raise Fault(f"--png and --svg need Python's module '{missing.name}': Debian has it in "
                f"python3-matplotlib.") from None

from plot import STYLE
from plot_results import Fault
from report_chart import COLOURS
from report_text import SI, clip, digits, quantity

OTHERS = {"grey": "#8A8A8A", "pale": "#CBD0D7", "ink": "#222222"}
DASHES = ("-", (0, (6, 3)), (0, (1.5, 2)))
MARKERS = "o^sD*Pxd"


def colour(which):
    return OTHERS[which] if isinstance(which, str) else COLOURS[which % len(COLOURS)]


def plain(text):
    """matplotlib takes what is between two dollars for mathematics."""
    return str(text).replace("$", "\\$")


def ticks(axis):
    """How numbers of an axis are written; its label says the unit of all others."""
    unit = axis["unit"] if axis["unit"] in ("s", "%", *SI) else ""
    dollar = "$" if axis["unit"] == "$" else ""

    def text(value, _):
        if unit == "s" and axis.get("log") and value >= 1:
            return f"{digits(value)} s"
        return plain(dollar + quantity(value, unit))
    return FuncFormatter(text)


def set_axis(axes, which, axis):
    along = axes.xaxis if which == "x" else axes.yaxis
    if axis.get("log"):
        getattr(axes, f"set_{which}scale")("log")
        low, high = along.get_view_interval()
        if high / max(low, 1e-12) < 50:
            along.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
        along.set_minor_formatter(NullFormatter())
    along.set_major_formatter(ticks(axis))
    getattr(axes, f"set_{which}label")(plain(axis["label"]))
    limits = {"left" if which == "x" else "bottom": axis.get("min"),
              "right" if which == "x" else "top": axis.get("max")}
    getattr(axes, f"set_{which}lim")(**{k: v for k, v in limits.items() if v is not None})


def draw_bars(axes, chart):
    n = len(chart["categories"])
    stacked = chart.get("stacked")
    width = 0.8 if stacked else 0.8 / max(1, len(chart["series"]))
    left = [0.0] * n
    for j, series in enumerate(chart["series"]):
        values = [value or 0 for value in series["data"]]
        at = [i if stacked else i - 0.4 + width * (j + 0.5) for i in range(n)]
        axes.barh(at, values, height=width, left=left if stacked else None,
                  color=colour(series["colour"]), label=plain(series["label"]))
        if chart.get("values"):
            axes.bar_label(axes.containers[-1], padding=3, fontsize=8,
                           labels=["" if value is None else
                                   plain(quantity(value, chart["x"]["unit"]))
                                   for value in series["data"]])
        if stacked:
            left = [a + b for a, b in zip(left, values)]
    axes.set_yticks(range(n), [plain(each) for each in chart["categories"]])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    set_axis(axes, "x", chart["x"])


def draw_stack(axes, chart):
    xs = [point[0] for point in chart["series"][0]["data"]]
    rows = [[point[1] or 0 for point in series["data"]] for series in chart["series"]]
    axes.stackplot(xs, rows, colors=[colour(series["colour"]) for series in chart["series"]],
                   labels=[plain(series["label"]) for series in chart["series"]],
                   alpha=0.75, linewidth=0)


def draw_lines(axes, chart):
    for series in chart["series"]:
        data = [(x, float("nan") if y is None else y) for x, y in series["data"]]
        xs, ys = zip(*data) if data else ((), ())
        how = {"color": colour(series["colour"]), "label": plain(series["label"])}
        place = series["colour"] if isinstance(series["colour"], int) else 0
        if series.get("points"):
            axes.plot(xs, ys, linestyle="", marker=MARKERS[place % len(MARKERS)],
                      markersize=4.5, **how)
            continue
        axes.plot(xs, ys, linestyle=DASHES[series.get("dash") or 0], linewidth=1.6,
                  marker="o" if series.get("dots") else "", markersize=4,
                  drawstyle="steps-post" if series.get("step") else "default", **how)
        if series.get("fill"):
            axes.fill_between(xs, ys, step="post", color=how["color"], alpha=0.18, linewidth=0)


def save(figure, path, ending):
    metadata = {"Date": None, "Creator": None} if ending == "svg" else {"Software": None}
    figure.savefig(path, format=ending, dpi=110, bbox_inches="tight", metadata=metadata)
    plt.close(figure)


def draw(chart, path, ending):
    rows = len(chart.get("categories", ()))
    size = (7.2, max(2.4, 1.3 + 0.28 * rows) if chart["kind"] == "bar" else 3.9)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=size, layout="constrained")
        if chart["kind"] == "bar":
            draw_bars(axes, chart)
        else:
            stack = any(series.get("fill") == "stack" for series in chart["series"])
            (draw_stack if stack else draw_lines)(axes, chart)
        for mark in chart["marks"]:
            if mark.get("hidden"):
                continue
            across = axes.axvline if mark["axis"] == "x" else axes.axhline
            for i, at in enumerate(mark["at"]):
                across(at, color=colour(mark["colour"]), linewidth=1.2, linestyle=(0, (4, 3)),
                       label=plain(mark["label"]) if i == 0 else None)
        if chart["kind"] != "bar":
            set_axis(axes, "x", chart["x"])
            set_axis(axes, "y", chart["y"])
        named = [label for label in axes.get_legend_handles_labels()[1] if label]
        axes.set_title(plain(chart["title"]))
        if len(named) > 1:
            figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center"
                          if matplotlib.__version_info__ >= (3, 7) else "lower center",
                          bbox_to_anchor=(0.5, 1.0), ncols=min(len(named), 4))
        save(figure, path, ending)


def draw_heat(heat, one, path, ending):
    """One metric of a heat map, with its values in the cells."""
    sign = 1 if one["better"] >= 0 else -1
    values = [[float("nan") if value is None else sign * value for value in row]
              for row in one["values"]]
    size = (2 + 0.9 * len(heat["xs"]), 1.4 + 0.45 * len(heat["ys"]))
    with plt.rc_context({**STYLE, "axes.grid": False}):
        figure, axes = plt.subplots(figsize=size, layout="constrained")
        axes.imshow(values, cmap="Blues", aspect="auto", alpha=0.7)
        for i, row in enumerate(one["texts"]):
            for j, text in enumerate(row):
                axes.text(j, i, plain(text), ha="center", va="center", fontsize=9)
        axes.set_xticks(range(len(heat["xs"])), [plain(clip(x, 14)) for x in heat["xs"]])
        axes.set_yticks(range(len(heat["ys"])), [plain(clip(y, 24)) for y in heat["ys"]])
        axes.set_xlabel(plain(heat["across"]))
        axes.set_ylabel(plain(heat["down"]))
        axes.set_title(plain(one["title"]))
        save(figure, path, ending)


def pictures(items):
    """(name, who draws it) of every picture."""
    for item in items:
        if item["type"] == "chart":
            yield item["id"], lambda path, ending, item=item: draw(item, path, ending)
        elif item["type"] == "heat":
            for one in item["maps"]:
                yield (f"{item['id']}-{one['name']}",
                       lambda path, ending, item=item, one=one:
                       draw_heat(item, one, path, ending))


def draw_all(items, folder, ending):
    """Every chart and heat map as FOLDER/ID.png or .svg; each file appears whole or not at all."""
    try:
        os.makedirs(folder, exist_ok=True)
        for name, draw_it in pictures(items):
            path = os.path.join(folder, f"{name}.{ending}")
            beside = f"{path}.tmp.{os.getpid()}"
            try:
                draw_it(beside, ending)
                os.replace(beside, path)
            finally:
                if os.path.lexists(beside):
                    os.unlink(beside)
    except OSError as error:
        raise Fault(f"{folder}: cannot be written: {error.strerror}.") from None
