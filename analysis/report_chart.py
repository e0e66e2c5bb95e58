"""report_chart: what a chart says, whoever draws it: report.js on the page, or matplotlib.

A chart is a dict of plain values, written into the page as JSON:

    kind    line, scatter or bar (bars lie: one row per category)
    x, y    axes: label, unit (see report_text), log, min, max
    series  label, colour (a place in the palette, or "grey", "ink"), dash, data
    marks   lines across: axis, at, label, colour
"""

import math

import numpy as np

# Okabe and Ito's palette: told apart with any colour vision.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#8C6D1F",
           "#5D3A9B")
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BROWN, VIOLET = range(8)

EVENT_COLOURS = (("fail", RED), ("stop", ORANGE), ("ready", GREEN))
MOST_MARKS = 40
CALM_MARKS = 12  # more than so many are there for those who ask for them


def rounded(number):
    """Six figures are more than a screen shows, and keep the page small."""
    if number is None or not math.isfinite(number):
        return None
    return float(f"{number:.6g}")


def axis(label, unit="", **more):
    return {"label": label, "unit": unit, **more}


def line(label, colour, xs, ys, **more):
    data = [[rounded(float(x)), rounded(float(y)) if y is not None else None]
            for x, y in zip(xs, ys)]
    return {"label": label, "colour": colour, "data": data, **more}


def mark(label, at, colour, which="x"):
    return {"label": label, "axis": which, "at": [rounded(float(value)) for value in at],
            "colour": colour}


def chart(name, title, read, source, x, y, series, kind="line", **more):
    """`read` is the sentence below it that says how to read it, `source` where it is from."""
    return {"type": "chart", "id": name, "title": title, "read": read, "source": source,
            "kind": kind, "x": x, "y": y, "series": series, "marks": more.pop("marks", []),
            **more}


def bars(name, title, read, source, x, categories, series, **more):
    """Bars that lie, so that names have room; series: (label, colour, one value each)."""
    return chart(name, title, read, source, x, axis(""),
                 [{"label": label, "colour": colour,
                   "data": [rounded(value) for value in values]}
                  for label, colour, values in series],
                 kind="bar", categories=[str(each) for each in categories], **more)


def table(title, columns, rows, **more):
    """columns: names; rows: texts.  The first column names the row."""
    return {"type": "table", "title": title, "columns": list(columns),
            "rows": [[str(cell) for cell in row] for row in rows], **more}


def text(words, **more):
    return {"type": "text", "text": words, **more}


def section(name, title, items, **more):
    return {"id": name, "title": title, "items": [each for each in items if each], **more}


def clock(end_s):
    """The unit of a time axis that suits its length, and its seconds."""
    for unit, size, least in (("days", 86400, 3 * 86400), ("h", 3600, 3 * 3600),
                              ("min", 60, 300)):
        if end_s > least:
            return unit, size
    return "s", 1


def time_axis(end_s):
    unit, size = clock(end_s)
    return axis(f"time since the start ({unit})", "", min=0, max=rounded(end_s / size))


def front(points):
    """Indexes of the points (x, y) that no other beats, both the greater the better."""
    found, best = [], -math.inf
    for i in sorted(range(len(points)), key=lambda i: (-points[i][0], -points[i][1])):
        if points[i][1] > best:
            best = points[i][1]
            found.append(i)
    return found[::-1]


def steps(starts, values, end):
    """Means of stretches as a line that holds each value to the end of its stretch."""
    values = [None if np.isnan(value) else value for value in values]
    return np.append(starts, end), [*values, values[-1]]


def blocks(starts, values, end):
    """The same with both ends of each stretch, for areas that are stacked: these need every x
    once, so that one stretch ends just before the next."""
    ends = np.append(starts[1:] - 1e-3 * (starts[1:] - starts[:-1]), end)
    xs = np.column_stack((starts, ends)).ravel()
    return xs, [None if np.isnan(value) else value for value in np.repeat(values, 2)]


def event_marks(run):
    """Lines at failures and at replicas that come and go, where these are not too many."""
    marks, size = [], clock(run.end_s)[1]
    for event, colour in EVENT_COLOURS:
        at = run.events["t_s"][run.events["event"] == event].to_numpy()
        if 0 < len(at) <= MOST_MARKS:
            marks.append(mark(f"{event} ({len(at)})", at / size, colour))
    if sum(len(each["at"]) for each in marks) > CALM_MARKS:
        for each in marks:
            each["hidden"] = not each["label"].startswith("fail")
    return marks
