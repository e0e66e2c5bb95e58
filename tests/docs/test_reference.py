#!/usr/bin/env python3
"""reference: the manual's pages of policies, sections and files are what the program says.

    test_reference.py [--accept]

A page per policy, per section of a configuration or workload file, and per result file is
made of what `servesim list` prints, which is what the program itself goes by. --accept
writes them, for somebody to read before they are committed.
"""

import pathlib
import re
import subprocess
import sys

import world

MANUAL = world.ROOT / "sim/manual"
PARTS = ("batching", "order")
# Where a section is told of in sentences; a section that is not named here fails the test.
CHAPTERS = {
    "run": "configuration", "workload": "configuration", "slo": "configuration",
    "pool.NAME": "configuration", "tenant.NAME": "policies", "output": "results",
    "speculative": "speculative", "offload": "prefix-cache", "route": "fleets",
    "disaggregate": "fleets", "scale.POOL": "fleets", "sleep": "fleets", "fail": "fleets",
    "admit": "fleets", "lora": "fleets", "price": "bill", "power": "bill",
    "study": "studies", "capacity": "capacity", "size": "size", "tune": "tune",
}
WORKLOAD_CHAPTERS = dict.fromkeys(("client.NAME", "sessions", "agent", "gap", "prefix", "reasoning"),
                                  "sessions")
WORKLOAD_CHAPTER = "workloads"
NOTE = ("*Made of what `{}` prints; [all pages of this kind](../reference.md).*\n")


def listed(*arguments):
    done = subprocess.run([world.SERVESIM, "list", *arguments], stdout=subprocess.PIPE,
                          text=True, check=True, cwd=world.ROOT)
    return done.stdout


def cell(text):
    return text.replace("|", "\\|")


def names(kind):
    """{name: help} of a kind that is listed a line each."""
    return dict(re.findall(r"^(\S+) +(.*)$", listed(kind), re.M))


def keys(kind):
    """{section: {key: [help, range]}}, a section's variants side by side."""
    found = {}
    for place, key, told, bounds in re.findall(r"^\[(.+)\] (\S+)\n    (.*)\n    (.*)$",
                                               listed(kind), re.M):
        found.setdefault(place, {})[key] = [told, bounds]
    return found


def file_name(section):
    """pool.NAME -> pool.md"""
    return re.sub(r"\W+(NAME|POOL)?", "-", section).strip("-").lower() + ".md"


def key_rows(table):
    lines = ["| key | | |", "|---|---|---|"]
    return lines + [f"| `{key}` | {cell(told)} | {cell(bounds)} |"
                    for key, (told, bounds) in table.items()]


def policy_page(name, of_pool, choices):
    """What its file says, and what each of its keys means."""
    path = f"configs/policies/{name}.ini"
    text = (world.ROOT / path).read_text(encoding="utf-8")
    comment = "\n".join(line[1:].strip() for line in text.split("\n[")[0].splitlines())
    lines = [f"# {name}", "", comment.strip(), "",
             f"`policy = {name}` in a pool stands for these keys "
             f"([the file](../../../{path})); a pool may override any of them.", "",
             "| key | value | what it is |", "|---|---|---|"]
    for key, value in re.findall(r"^(\w+) = (.*)$", text, re.M):
        told = choices.get(key, {}).get(value.strip())
        meaning = told if told is not None else of_pool[key][0]
        lines.append(f"| `{key}` | `{value.strip()}` | {cell(meaning)} |")
    return "\n".join([*lines, "", "[Policies](../policies.md) tells what each part does and "
                      "what tells policies apart.", "", NOTE.format(f"servesim list policies {name}")])


def section_page(section, tables, chapter, command):
    """The keys of a section; of one with variants, a table for each."""
    lines = [f"# [{section}]", "", f"Told in sentences [here](../{chapter}.md)."]
    for title, table in tables.items():
        if title:
            lines += ["", f"## {title}"]
        lines += ["", *key_rows(table)]
    return "\n".join([*lines, "", NOTE.format(command)])


def file_pages():
    """A page per result file of `servesim list columns`."""
    found = {}
    for block in listed("columns").strip().split("\n\n"):
        first, *rest = block.split("\n")
        name, told = first.split(": ", 1)
        lines = [f"# {name}", "", told[0].upper() + told[1:] + ".", "",
                 "| column | unit | |", "|---|---|---|"]
        for row in rest:
            column, told, unit = re.fullmatch(r" {4}(\S+) +(.*?)(?: \[(\S+)\])?", row).groups()
            lines.append(f"| `{column}` | {unit or ''} | {cell(told)} |")
        lines += ["", "[Results](../results.md) has definitions and what adds up to what.", "",
                  NOTE.format(f"servesim list columns {name}")]
        found[f"file/{name.replace('.csv', '')}.md"] = "\n".join(lines)
    return found


def section_pages(faults):
    found = {}
    for section, table in keys("keys").items():
        if section not in CHAPTERS:
            faults.append(f"[{section}] is not in CHAPTERS of this test")
            continue
        found[f"section/{file_name(section)}"] = section_page(
            section, {"": table}, CHAPTERS[section], "servesim list keys")
    groups = {}
    for place, table in keys("workload-keys").items():
        section, _, variant = place.partition(", " if not place.startswith("prompt") else "\0")
        if place.startswith("prompt"): # [prompt, output, distribution = fixed]
            section, _, variant = place.partition(", distribution")
            variant = variant and "distribution" + variant
        groups.setdefault(section, {})[f"`{variant}`" if variant else ""] = table
    for section, tables in groups.items():
        found[f"section/workload-{file_name(section)}"] = section_page(
            section, tables, WORKLOAD_CHAPTERS.get(section, WORKLOAD_CHAPTER),
            "servesim list workload-keys")
    return found


def index_page(pages):
    """Links to all of them."""
    titles = {"policy": "Policies", "section": "Sections", "file": "Result files"}
    lines = ["# Reference", "",
             "A page for every policy, every section of a configuration (`workload-...`: of "
             "the description of a workload) and every result file, each made of the tables "
             "that the program itself goes by."]
    for folder, title in titles.items():
        lines += ["", f"## {title}", ""]
        lines += [f"- [{path.split('/')[1].removesuffix('.md')}]({path})"
                  for path in sorted(pages) if path.startswith(folder + "/")]
    return "\n".join(lines) + "\n"


def check_names(of_pool, faults):
    """What names.md says things are called here: keys of a pool, columns and metrics."""
    parts = re.split(r"^## ", (MANUAL / "names.md").read_text(encoding="utf-8"), flags=re.M)
    rows = {part.split("\n")[0]: [line.strip("|").split("|") for line in part.split("\n")
                                  if line.startswith("|")][2:] for part in parts}
    results = (MANUAL / "results.md").read_text(encoding="utf-8")
    cells = [line.split("|")[1] for line in results.split("\n") if line.startswith("| `")]
    told = {full for text in cells for name in re.findall(r"`([^`]+)`", text)
            for full in world.expand(name)}
    keys_told = [name for row in rows["Flags of vLLM and SGLang"]
                 for name in re.findall(r"`(\w+)`", row[2])]
    metrics = [name for row in rows["Metrics"] for name in re.findall(r"`(\w+)`", row[0])]
    faults += [f"names.md: no pool has a key {name}" for name in keys_told
               if name not in of_pool]
    faults += [f"names.md: results.md tells nothing of {name}" for name in metrics
               if name not in told]
    return len(keys_told) + len(metrics)


def main():
    faults = []
    choices = {part: names(part) for part in PARTS}
    of_pool = keys("keys")["pool.NAME"]
    pages = {f"policy/{name}.md": policy_page(name, of_pool, choices)
             for name in names("policies")}
    pages |= section_pages(faults) | file_pages()
    pages["reference.md"] = index_page(pages)
    there = {str(path.relative_to(MANUAL)) for path in MANUAL.glob("*/*.md")}
    if "--accept" in sys.argv[1:]:
        for name in there - pages.keys():
            (MANUAL / name).unlink()
        for name, text in pages.items():
            (MANUAL / name).parent.mkdir(exist_ok=True)
            (MANUAL / name).write_text(text, encoding="utf-8")
        there = set(pages) - {"reference.md"}
    for name, text in sorted(pages.items()):
        path = MANUAL / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            faults.append(f"sim/manual/{name} is not what the program says: --accept writes it")
    faults += [f"sim/manual/{name}: the program knows no such thing"
               for name in sorted(there - pages.keys())]
    n = check_names(of_pool, faults)
    world.finish(faults, len(pages) + n)


main()
