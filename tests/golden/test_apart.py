#!/usr/bin/env python3
"""apart: no two named policies are the same.

    python3 tests/golden/test_apart.py [--table]

Every preset of configs/policies runs on every world in tests/golden/apart, small traces that
each ask one question. What differs in the requests' own times tells policies apart: each two
must differ somewhere. --table prints, for each world, who answers alike and why; the page of policies
has that table.
"""

import itertools
import pathlib
import sys

import runs

WORLDS = pathlib.Path("tests/golden/apart")
POLICIES = pathlib.Path("configs/policies")
PAGE = pathlib.Path("sim/manual/policies.md")


def answer(world, policy, folder):
    """What happened to the requests; the world's limits stand in place of the preset's."""
    results = pathlib.Path(folder) / f"{world.name} {policy}"
    runs.run(world / "config.ini", results, [f"pool.main.policy={policy}"])
    rows = runs.read_table(results / "requests.csv")
    return tuple((row["status"], row["first_token_s"], row["finish_s"]) for row in rows)


def classes_of(answers, world):
    """Policies that answered alike, largest class first."""
    classes = {}
    for (name, policy), found in sorted(answers.items()):
        if name == world:
            classes.setdefault(found, []).append(policy)
    return sorted(classes.values(), key=lambda names: (-len(names), names))


def comment(world):
    """The question and the answer at the head of its configuration."""
    lines = (world / "config.ini").read_text(encoding="utf-8").splitlines()
    head = itertools.takewhile(lambda line: line.startswith(";"), lines)
    question, answer = "\n".join(line[2:] for line in head).split("\n\n")
    return question.replace("\n", " "), answer.replace("\n", " ")


def table_of(answers, worlds):
    """As Markdown: each world, who answers alike in it, and why."""
    lines = ["| world | who answers alike | why |", "|---|---|---|"]
    for world in worlds:
        question, answer = comment(world)
        alike = " · ".join(", ".join(names) for names in classes_of(answers, world.name))
        lines.append(f"| *{world.name}*: {question} | {alike} | {answer} |")
    return "\n".join(lines) + "\n"


def main():
    policies = sorted(path.stem for path in POLICIES.glob("*.ini"))
    worlds = sorted(path for path in WORLDS.iterdir() if path.is_dir())
    with runs.work_folder() as folder:
        answers = {(world.name, policy): answer(world, policy, folder)
                   for world in worlds for policy in policies}
    table = table_of(answers, worlds)
    if "--table" in sys.argv[1:]:
        print(table, end="")
        return
    told = table in PAGE.read_text(encoding="utf-8")
    if not told:
        print("FAILED: sim/manual/policies.md does not have the table that --table prints")
    twins = [pair for pair in itertools.combinations(policies, 2)
             if all(answers[world.name, pair[0]] == answers[world.name, pair[1]]
                    for world in worlds)]
    for one, other in twins:
        print(f"FAILED: {one} and {other} are the same in every world")
    for world in worlds:
        print(f"ok: {world.name}: {len(classes_of(answers, world.name))} different answers")
    n_pairs = len(policies) * (len(policies) - 1) // 2
    print(f"{n_pairs} pairs of {len(policies)} policies, {len(twins)} alike")
    sys.exit(1 if twins or not told or len(policies) < 2 else 0)


if __name__ == "__main__":
    main()
