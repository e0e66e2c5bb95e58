"""report_html: a report's sections as one HTML page that loads nothing from anywhere.

Every text goes through escape(), everything that report.js reads through script_json():
nothing from a trace, a configuration or a file name can become markup.
"""

import json
import math
import os

from plot_results import Fault
from report_text import GLOSSARY, escape

HERE = os.path.dirname(os.path.abspath(__file__))
# Debian's libjs-chart.js, or the file beside this one.
LIBRARIES = ("/usr/share/javascript/chart.js/chart.min.js", os.path.join(HERE, "chart.min.js"))
POLICY = ("default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
          "img-src data:")


def script_json(value):
    """JSON that cannot end the script it is in, whatever its texts are."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def read_text(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise Fault(f"{path}: cannot be read: {error.strerror}.") from None


def library():
    """Chart.js, version 3, without the name of its map, which nobody could load."""
    for path in LIBRARIES:
        if os.path.isfile(path):
            lines = [line for line in read_text(path).splitlines()
                     if not line.startswith("//# sourceMappingURL")]
            text = "\n".join(lines)
            if "</script" in text.lower() or "Chart.js v3" not in text[:200]:
                raise Fault(f"{path}: is not the chart.min.js of Chart.js 3.")
            return text
    raise Fault("report needs the library Chart.js 3: install Debian's libjs-chart.js; "
                f"there is no {LIBRARIES[0]}.")


def is_numbers(cells):
    """Whether a column stands at the right."""
    return all(cell == "" or cell[0] in "0123456789$−–" for cell in cells)


def table_html(table):
    kinds = ["" if is_numbers([row[i] for row in table["rows"]]) else ' class="word"'
             for i in range(len(table["columns"]))]
    head = "".join(f'<th scope="col"{kind}>{escape(name)}</th>'
                   for kind, name in zip(kinds, table["columns"]))
    body = "".join(
        "<tr>" + "".join(f'<th scope="row">{escape(cell)}</th>' if i == 0 else
                         f"<td{kinds[i]}>{escape(cell)}</td>"
                         for i, cell in enumerate(row)) + "</tr>"
        for row in table["rows"])
    inner = (f'<div class="scroll" tabindex="0" role="region" '
             f'aria-label="{escape(table["title"])}"><table><thead><tr>{head}</tr></thead>'
             f"<tbody>{body}</tbody></table></div>")
    if table.get("fold"):
        return f"<details class=\"wide\"><summary>{escape(table['title'])}</summary>" \
               f"{inner}</details>"
    return f'<div class="wide"><h3>{escape(table["title"])}</h3>{inner}</div>'


def numbers_html(chart):
    """The numbers of a chart of few bars, or its own small table, for those who cannot see
    it or want to copy them."""
    from report_text import quantity
    table = chart.get("table")
    if table is None and chart["kind"] == "bar" and len(chart["categories"]) <= 40:
        unit = chart["x"]["unit"]
        table = {"title": "Numbers", "columns":
                 ["", *(series["label"] or chart["title"] for series in chart["series"])],
                 "rows": [[name, *(quantity(series["data"][i], unit)
                                   for series in chart["series"])]
                          for i, name in enumerate(chart["categories"])]}
    if table is None:
        return ""
    return table_html({**table, "fold": True}).replace('class="wide"', 'class="numbers"', 1)


def chart_html(chart):
    size = " small" if chart.get("small") else ""
    rows = len(chart.get("categories", ())) if chart["kind"] == "bar" else 0
    height = f' style="height:{74 + 26 * max(rows, 2)}px"' if rows else ""
    label = f"{chart['title']}. {chart['read']}"
    read = f"{escape(chart['read'])} " if chart["read"] else ""
    return (f'<figure class="chart{size}" id="{escape(chart["id"])}">'
            f'<h3>{escape(chart["title"])}</h3>'
            f'<div class="legend" role="group" aria-label="Show or hide"></div>'
            f'<div class="plot"{height}><canvas role="img" tabindex="0" '
            f'aria-label="{escape(label)}"></canvas>'
            f'<button type="button" class="reset" hidden>Reset zoom</button></div>'
            f'<figcaption>{read}<span class="source">Source: {escape(chart["source"])}.</span>'
            f"</figcaption>{numbers_html(chart)}</figure>")


def heat_cells(heat, one):
    """Rows of a heat map; the colour says how good a cell is among its like."""
    values = [value for row in one["values"] for value in row if value is not None]
    low, high = min(values, default=0), max(values, default=0)
    along = math.log if low > 0 and high > 50 * low else float  # one cell would outshine all
    low, high = along(low), along(high)
    body = ""
    for name, row, texts in zip(heat["ys"], one["values"], one["texts"]):
        cells = ""
        for value, text in zip(row, texts):
            level = 0.5 if value is None or high == low else \
                (along(value) - low) / (high - low)
            level = 1 - level if one["better"] < 0 else level
            kind = "none" if value is None else f"l{round(level * 8)}"
            cells += f'<td class="{kind}">{escape(text)}</td>'
        body += f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'
    return body


def heat_html(heat):
    head = "".join(f'<th scope="col">{escape(x)}</th>' for x in heat["xs"])
    options = "".join(f'<option value="{i}">{escape(one["title"])}</option>'
                      for i, one in enumerate(heat["maps"]))
    bodies = "".join(
        f'<tbody data-map="{i}"{"" if i == 0 else " hidden"}>{heat_cells(heat, one)}</tbody>'
        for i, one in enumerate(heat["maps"]))
    return (f'<figure class="heat wide" id="{escape(heat["id"])}">'
            f'<h3>{escape(heat["title"])}</h3><label>Show '
            f"<select>{options}</select></label>"
            f'<div class="scroll" tabindex="0" role="region" aria-label="Heat map"><table>'
            f'<thead><tr><td></td><th class="key" colspan="{len(heat["xs"])}">'
            f'{escape(heat["across"])}</th></tr>'
            f'<tr><th class="key">{escape(heat["down"])}</th>{head}</tr></thead>{bodies}'
            f'</table></div><figcaption>{escape(heat["read"])} <span class="source">Source: '
            f'{escape(heat["source"])}.</span></figcaption></figure>')


def item_html(item):
    if item["type"] == "table":
        return table_html(item)
    if item["type"] == "chart":
        return chart_html(item)
    if item["type"] == "heat":
        return heat_html(item)
    if item.get("heading"):
        return f'<h3 class="wide group">{escape(item["text"])}</h3>'
    kind = "story wide warning" if item.get("warn") else "story wide"
    return f'<p class="{kind}">{escape(item["text"])}</p>'


def rename(items, prefix):
    """The charts of the same kind of several runs have ids of their own."""
    for item in items:
        if "id" in item:
            item["id"] = prefix + item["id"]


def section_html(section, level="h2"):
    body = "".join(item_html(item) for item in section["items"])
    return (f'<section id="{escape(section["id"])}"><{level}>{escape(section["title"])}'
            f'</{level}><div class="grid">{body}</div></section>')


def cards_html(cards):
    return '<div class="cards">' + "".join(
        f'<div class="card"><span class="name">{escape(name)}</span>'
        f"<strong>{escape(value)}</strong><small>{escape(small)}</small></div>"
        for name, value, small in cards) + "</div>"


def facts_html(facts):
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    return f'<dl class="facts">{rows}</dl>'


def warnings_html(warnings):
    if not warnings:
        return ""
    rows = "".join(f"<li>{escape(text)}</li>" for text in warnings)
    return f'<div class="warning" role="note"><h2>Read with care</h2><ul>{rows}</ul></div>'


def glossary_html():
    rows = "".join(f"<dt>{escape(word)}</dt><dd>{escape(means)}</dd>"
                   for word, means in GLOSSARY)
    return (f'<details class="glossary" id="glossary"><summary>What the words mean</summary>'
            f"<dl>{rows}</dl></details>")


def drawn_items(sections):
    """Charts and heat maps: what there are pictures of."""
    return [item for section in sections for item in section["items"]
            if item["type"] in ("chart", "heat")]


def page(title, head, parts, items):
    """parts: (id, name in the menu, HTML); head: HTML below the title."""
    charts = [item for item in items if item["type"] == "chart"]
    menu = "".join(f'<a href="#{escape(name)}">{escape(words)}</a>'
                   for name, words, _ in parts)
    body = "".join(text for _, _, text in parts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>
{read_text(os.path.join(HERE, "report.css"))}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
<header>
<button type="button" id="theme" aria-label="Light or dark">Dark</button>
{head}
</header>
<nav aria-label="Sections">{menu}<a href="#glossary">Glossary</a></nav>
<noscript><p class="warning">The charts need JavaScript; text and tables do not.</p></noscript>
<main id="main">
{body}
{glossary_html()}
</main>
<footer>Percentiles are by nearest rank. Curves are drawn from buckets 0.2 % wide, lines over
time from buckets 1 % wide; cards have the exact numbers of summary.csv. Charts: drag to zoom,
double-click or press 0 to reset, arrow keys and + − when a chart has the focus. Drawn with
Chart.js (MIT licence). This page loads nothing.</footer>
<script type="application/json" id="charts">{script_json(charts)}</script>
<script>{library()}</script>
<script>
{read_text(os.path.join(HERE, "report_axes.js"))}</script>
<script>
{read_text(os.path.join(HERE, "report.js"))}</script>
</body>
</html>
"""
