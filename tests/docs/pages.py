#!/usr/bin/env python3
"""pages: what README.md and the pages of sim/manual/ show is what happens.

    pages.py PAGE [--accept]     README.md, sim/manual/fleets.md ...

Every console block of the page is run, in order, in a place where the first run of the
README was done before, and its output compared; so is the output of every python block
with the text block below it. Links lead somewhere, results.md names every column and
metric there is, and the manual's index every page. --accept writes what came out into the
page, for somebody to read before it is committed.
"""

import csv
import re
import shlex
import sys

import world

MANUAL = world.ROOT / "sim/manual"
FIRST_RUN = "bash configs/examples/demo.sh"
FILES = ("requests.csv", "summary.csv", "timeline.csv", "replicas.csv", "bill.csv",
         "tenants.csv", "sessions.csv", "events.csv", "steps.csv")
# Runs that together write every file, column and metric there is.
RUNS = ("policies.ini -s output.steps=yes -s output.sessions=yes -s speculative.method=ngram "
        "-s workload.client_retries=3 -s lora.max_loras=2 -s workload.limit=137",
        "failures.ini -s workload.limit=137",
        "disaggregated.ini -s workload.trace=configs/examples/policies.csv -s workload.limit=17",
        "autoscale.ini -s workload.trace=configs/examples/policies.csv -s workload.limit=17",
        "linear.ini -s workload.trace=configs/examples/policies.csv -s workload.limit=17 "
        "-s pool.main.data_parallel=2 -s pool.main.data_parallel_mode=lockstep")
ACCEPTS = "--accept" in sys.argv[1:]
FRONT = world.ROOT / "README.md"
PAGE = world.ROOT / sys.argv[1]
# What a block needs that is not in the repository, and where tests look for it.
NEEDS = ((re.compile(r"fetch\.sh|examples/azure-|(?<!demo/)\bout/"), world.AZURE),
         (re.compile(r"original/mooncake"), world.MOONCAKE),
         (re.compile(r"shared/validation/|\bclosed\.txt"), world.VALIDATION))


def run_console(place, block, faults):
    """Runs a console block; its lines as they came out."""
    lines = []
    for command, expected in block.commands():
        status, got = place.run(command)
        if status != 0:
            faults.append(f"{PAGE.name}:{block.start + 1}: {command}: exit {status}: {got}")
        elif not ACCEPTS and not world.agree(expected, got):
            faults.append(f"{PAGE.name}:{block.start + 1}: {command}: printed\n" + "\n".join(got))
        lines += [f"$ {command}", *(expected if "..." in expected else got)]
    return lines


def run_python(place, block, shown, faults):
    """Runs a python block; what it printed."""
    script = "\n".join(block.lines)
    status, got = place.run(f"exec /usr/bin/python3 -c {shlex.quote(script)}")
    same = ACCEPTS or got == [line.rstrip() for line in shown.lines]
    if status != 0 or not same:
        faults.append(f"{PAGE.name}:{block.start + 1}: python: exit {status}, printed\n"
                      + "\n".join(got))
    return got


def lacks(block):
    """What the block needs and is not there, or None."""
    text = "\n".join(block.lines)
    return next((folder for pattern, folder in NEEDS
                 if pattern.search(text) and not folder.is_dir()), None)


def check_blocks(place, blocks, faults, skipped):
    """Runs all blocks; those whose lines are to be replaced, with the new ones."""
    news = []
    for i, block in enumerate(blocks):
        if block.language not in ("console", "python"):
            continue
        lacking = lacks(block)
        if lacking is not None:
            skipped.append(f"{PAGE.name}:{block.start}: needs {lacking.relative_to(world.ROOT.parent)}")
        elif block.language == "console":
            news.append((block, run_console(place, block, faults)))
        elif i + 1 < len(blocks) and blocks[i + 1].language == "text":
            news.append((blocks[i + 1], run_python(place, block, blocks[i + 1], faults)))
        else:
            faults.append(f"{PAGE.name}:{block.start}: a python block without its output")
    return news


def accept(news):
    lines = PAGE.read_text(encoding="utf-8").split("\n")
    for block, new in reversed(news):
        lines[block.start:block.start + len(block.lines)] = new
    PAGE.write_text("\n".join(lines), encoding="utf-8")


def documented(text, title):
    """The names in the first column of the table below `### title`."""
    section = text.split(f"\n### {title}\n")[1]
    section = re.split(r"\n##+ ", section)[0]
    rows = [line.split("|")[1] for line in section.split("\n") if line.startswith("| `")]
    return [full for row in rows for name in re.findall(r"`([^`]+)`", row)
            for full in world.expand(name)]


def written(place, name):
    """What the runs' files of that name have in their first rows, or columns."""
    found = {}
    for path in sorted(place.folder.glob(f"all*/{name}")):
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        found |= dict.fromkeys(row[0] for row in rows[1:]) if name == "summary.csv" \
            else dict.fromkeys(rows[0])
    return list(found)


def check_columns(place, faults):
    """The tables name what runs with everything on write, in the order they do."""
    for i, run in enumerate(RUNS):
        status, got = place.run(f"servesim run configs/examples/{run} -o all{i} -q")
        if status != 0:
            sys.exit(f"FAILED: {got}")
    text = PAGE.read_text(encoding="utf-8")
    for name in FILES:
        there, told = written(place, name), documented(text, name)
        if name == "summary.csv": # grouped on the page, so in another order
            there, told = sorted(there), sorted(told)
        if there != told:
            faults.append(f"{PAGE.name}: {name}: not told {sorted(set(there) - set(told))}, "
                          f"not there {sorted(set(told) - set(there))}, or in another order")
    return len(FILES)


def anchors(text):
    """What links to headings may say."""
    return {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
            for title in re.findall(r"^#+ (.*)$", text, re.M)}


def check_links(faults):
    """Every relative link leads to a file, every anchor to a heading."""
    links = re.findall(r"\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    for link in links:
        name, _, anchor = link.partition("#")
        path = PAGE.parent / name if name else PAGE
        if "://" in link:
            continue
        if not path.exists():
            faults.append(f"{PAGE.name}: {name} is not there")
        elif anchor and anchor not in anchors(path.read_text(encoding="utf-8")):
            faults.append(f"{PAGE.name}: no heading for {link}")
    return len(links)


def check_index(faults):
    """The manual's index has a link to every page."""
    text = PAGE.read_text(encoding="utf-8")
    pages = sorted(path.name for path in MANUAL.glob("*.md") if path != PAGE)
    faults += [f"{PAGE.name}: no link to {name}" for name in pages if f"{name})" not in text]
    return len(pages)


def main():
    faults, skipped = [], []
    n = 1 # every block has an end
    blocks = world.read_blocks(PAGE)
    if any(block.language in ("console", "python") for block in blocks):
        with world.World() as place:
            status, got = place.run(FIRST_RUN) if PAGE != FRONT else (0, "")
            if status != 0:
                sys.exit(f"FAILED: {FIRST_RUN}: {got}")
            news = check_blocks(place, blocks, faults, skipped)
            if ACCEPTS:
                accept(news)
            n += len(news)
            n += check_columns(place, faults) if PAGE == MANUAL / "results.md" else 0
    n += check_links(faults)
    n += check_index(faults) if PAGE == MANUAL / "README.md" else 0
    world.finish(faults, n, skipped)


main()
