#!/usr/bin/env python3
"""report: result folders of servesim as one HTML page that works offline.

    servesim report DIR... [-o FILE.html] [--png FOLDER] [--svg FOLDER] [--overwrite]

DIR is what `servesim run`, compare, sweep, capacity or size wrote with -o.  Needs Debian's
python3-pandas and libjs-chart.js, and for pictures python3-matplotlib.  The same folders give
the same bytes with the same versions of these.
"""

import argparse
import os
import sys
import time

sys.dont_write_bytecode = True  # nothing appears beside this file

try:
    import numpy as np
    from plot_results import Fault, read_config
    import report_studies as studies
    import report_summary as summary
    from report_chart import section, table
    from report_fleet import fleet_sections
    from report_html import (cards_html, drawn_items, escape, facts_html, page, rename,
                             section_html, warnings_html)
    from report_latency import latency_sections
    from report_roofline import roofline
    from report_run import Run
    from report_size import size_section
except ImportError as missing:
    sys.exit(f"servesim: report needs Python's module '{missing.name}': Debian has it in "
             f"python3-pandas")

KINDS = (("sweep.csv", "schema_version", studies.sweep_section),
         ("compare.csv", "schema_version", studies.compare_section),
         ("capacity.csv", "meets_rps", studies.capacity_section))
MOST_RUNS = 24


def kind_of(folder):
    """"run", "size" or the row of KINDS that the folder's files say it is."""
    if not os.path.isdir(folder):
        raise Fault(f"{folder}: there is no such folder.")
    names = set(os.listdir(folder))
    for each in KINDS:
        if each[0] in names:
            return each
    if "size.csv" in names:
        return "size"
    if "summary.csv" in names:
        return "run"
    raise Fault(f"{folder}: holds no results; expected what servesim run, compare, sweep, "
                f"capacity or size wrote with -o.")


def labels_of(folders):
    """Short names; the paths themselves where short ones are the same."""
    short = [os.path.basename(os.path.normpath(folder)) for folder in folders]
    return short if len(set(short)) == len(short) else [os.path.normpath(f) for f in folders]


def run_sections(run):
    sections = [*latency_sections(run), *fleet_sections(run, roofline(run))]
    rows = summary.outcome_rows(run)
    items = [table("What requests asked for", ["", "median", "p90", "p99", "max"],
                   summary.shape_rows(run)),
             table("What became of requests", ["status", "reason", "requests"], rows)]
    return [*sections, section("requests", "The requests", items)]


def run_head(run):
    return (f'<p class="lead">{escape(summary.takeaway(run))}</p>'
            f"{warnings_html(summary.warnings(run))}{cards_html(summary.cards(run))}"
            f"<details><summary>What was simulated</summary>"
            f"{facts_html(summary.facts(run))}</details>")


def one_run(run):
    title, trace = summary.heading(run)
    head = (f"<h1>{escape(title)}</h1><p class=\"under\">{escape(run.label)} · trace "
            f"{escape(trace)} · servesim {escape(run.version)}</p>{run_head(run)}")
    sections = run_sections(run)
    return (f"{title}, {run.label}", head,
            [(each["id"], each["title"], section_html(each)) for each in sections],
            drawn_items(sections))


def fold_run(run, number):
    """A run among several: closed until somebody wants it."""
    prefix = f"r{number}-"
    sections = run_sections(run)
    for each in sections:
        rename(each["items"], prefix)
        each["id"] = prefix + each["id"]
        for item in each["items"]:
            item["group"] = prefix
    title, trace = summary.heading(run)
    body = "".join(section_html(each, "h3") for each in sections)
    return (f"{prefix}run", run.label,
            f'<details class="run" id="{prefix}run"><summary>{escape(run.label)}: '
            f"{escape(title)}, trace {escape(trace)}</summary>{run_head(run)}{body}</details>",
            drawn_items(sections))


def many(runs, sections):
    """Several runs, studies, or both."""
    parts, items = [], []
    if len(runs) > 1:
        compared = studies.compare_runs(runs)
        sections = [compared, *sections]
    for number, each in enumerate(sections):
        if len(sections) > 1:
            rename(each["items"], f"s{number}-")
            each["id"] = f"s{number}-{each['id']}"
        parts.append((each["id"], each["title"], section_html(each)))
        items += drawn_items([each])
    for number, run in enumerate(runs):
        name, words, text, drawn = fold_run(run, number)
        parts.append((name, words, text))
        items += drawn
    return parts, items


def study_words(folder, command):
    """What a study varied, and what it started from: from the config.ini that it wrote."""
    words = f"servesim {command}"
    path = os.path.join(folder, "config.ini")
    if os.path.isfile(path):
        base = summary.Configured(read_config(path))
        title, trace = summary.heading(base)
        words += f" from {title}, trace {trace}"
    return words


def build(folders):
    """Title, head, parts, charts and heat maps of the page."""
    runs, sections, facts = [], [], []
    labels = labels_of(folders)
    for folder, label in zip(folders, labels):
        kind = kind_of(folder)
        if kind == "run":
            runs.append(Run(folder, label))
            if len(runs) > MOST_RUNS:
                raise Fault(f"{folder}: more than {MOST_RUNS} runs are not shown on one page; "
                            f"servesim sweep and compare make tables of any number.")
            continue
        if kind == "size":
            each = size_section(folder, label)
        else:
            each = kind[2](studies.Study(folder, label, *kind[:2]))
        each["title"] = f"{each['title']}: {label}" if len(folders) > 1 else each["title"]
        sections.append(each)
        facts.append((label, study_words(folder, "size" if kind == "size" else kind[0][:-4])))
    if len(runs) == 1 and not sections:
        return one_run(runs[0])
    parts, items = many(runs, sections)
    facts += [(run.label, ", trace ".join(summary.heading(run))) for run in runs]
    title = " · ".join(labels[:4]) + (f" and {len(labels) - 4} more" if len(labels) > 4 else "")
    if len(folders) == 1:
        title = f"{sections[0]['title']}: {labels[0]}"
        head = f"<h1>{escape(title)}</h1><p class=\"under\">{escape(facts[0][1])}</p>"
    else:
        head = f"<h1>{escape(title)}</h1>{facts_html(facts)}"
    return title, head, parts, items


def default_path(folders):
    """Beside the folder, under its name; of several: report.html."""
    path = os.path.normpath(folders[0])
    return f"{path}.html" if len(folders) == 1 and os.path.basename(path) not in ("..", ".") \
        else "report.html"


def write(path, text):
    """Beside its place, then put there: it appears whole or not at all."""
    beside = f"{path}.tmp.{os.getpid()}"
    try:
        with open(beside, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(beside, path)
    except OSError as error:
        raise Fault(f"{path}: cannot be written: {error.strerror}.") from None
    finally:
        if os.path.lexists(beside):
            os.unlink(beside)


def main():
    parser = argparse.ArgumentParser(prog="servesim report", description=__doc__)
    parser.add_argument("folders", metavar="DIR", nargs="+")
    parser.add_argument("-o", "--output", metavar="FILE.html")
    parser.add_argument("--png", metavar="FOLDER")
    parser.add_argument("--svg", metavar="FOLDER")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    path = options.output or default_path(options.folders)
    begin = time.monotonic()
    np.seterr(all="ignore")  # what is no number is shown as a dash
    try:
        for there in (path, options.png, options.svg):
            if there is not None and os.path.lexists(there) and not options.overwrite:
                raise Fault(f"{there}: exists already; --overwrite replaces it.")
        if os.path.isdir(path):
            raise Fault(f"-o {path}: is a folder; expected the name of an HTML file.")
        title, head, parts, items = build(options.folders)
        text = page(title, head, parts, items)
        for folder, ending in ((options.png, "png"), (options.svg, "svg")):
            if folder is not None:
                from report_pictures import draw_all
                draw_all(items, folder, ending)
        write(path, text)
    except Fault as fault:
        print(f"servesim: {str(fault).removesuffix('.')}", file=sys.stderr)  # as the program
        return 1
    except KeyboardInterrupt:
        print(f"servesim: interrupted: {path} was not written", file=sys.stderr)
        return 1
    if not options.quiet:
        print(f"{path}: {len(text.encode()) / 1e6:.1f} MB, {len(items)} charts, in "
              f"{time.monotonic() - begin:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
