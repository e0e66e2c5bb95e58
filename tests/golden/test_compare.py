#!/usr/bin/env python3
"""compare: a row is what a run of its own says, to the byte, on any number of threads; the
winners are the best; nothing is written unless all is."""

import csv
import itertools
import pathlib
import signal
import subprocess
import sys
import time
import xml.dom.minidom

import runs

CONFIG = runs.SERVER.replace("trace = -", "trace = {trace}")
POLICIES = ["vllm-v1", "sglang", "trtllm"]
SEQS = ["17", "256"]
OVER = ["--over", "pool.main.policy=" + ",".join(POLICIES),
        "--over", "pool.main.max_num_seqs=" + " , ".join(SEQS)]
# Who is best: the least, or the greatest, of the exact values.
LESS = ["mean_ttft_ms", "p99_ttft_ms", "mean_tpot_ms", "p99_tpot_ms", "p99_itl_ms",
        "mean_e2el_ms", "preemptions", "usd_per_million_tokens", "joules_per_output_token"]
MORE = ["completed", "request_goodput", "output_throughput", "mfu", "mbu", "jain_fairness"]
UNITS = {"mean_ttft_ms": "ms", "request_goodput": "req/s", "mfu": "",
         "usd_per_million_tokens": "usd"}


def compare(config, *arguments):
    done = subprocess.run([runs.SERVESIM, "compare", config, *map(str, arguments)],
                          check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"FAILED: compare {arguments}: exit {done.returncode}: {done.stderr}")
    return done.stdout, done.stderr


def rows_are_what_single_runs_say(place, config):
    compare(config, *OVER, "-o", place / "rows")
    rows = runs.read_table(place / "rows/compare.csv")
    order = list(itertools.product(POLICIES, SEQS))
    got = [(row["pool.main.policy"], row["pool.main.max_num_seqs"]) for row in rows]
    if got != order:
        yield f"the variants are {got}"
    for i, (policy, seqs) in enumerate(order):
        runs.run(config, place / f"single{i}",
                 [f"pool.main.policy={policy}", f"pool.main.max_num_seqs={seqs}"])
        want = {"pool.main.policy": policy, "pool.main.max_num_seqs": seqs,
                **runs.read_summary(place / f"single{i}"), "wins": rows[i]["wins"]}
        if list(rows[i].items()) != list(want.items()):
            yield f"{policy}, {seqs}: {dict(set(rows[i].items()) ^ set(want.items()))}"


def threads_change_no_byte(place, config):
    said = []
    for threads in ("1", "2", "7"):
        said.append(compare(config, *OVER, "--threads", threads, "-o", place / "threads",
                            "--overwrite"))
        (place / "threads").rename(place / f"threads{threads}")
    if said[0] != said[1] or said[0] != said[2]:
        yield "the tables differ"
    for other in ("2", "7"):
        yield from runs.differences(place / "threads1", place / f"threads{other}")


def expected_winners(rows):
    """(column, label) of every winner: the best where not all are alike."""
    found = {}
    for column in LESS + MORE:
        values = {i: float(row[column]) for i, row in enumerate(rows) if row.get(column)}
        best = (min if column in LESS else max)(values.values(), default=None)
        if len(set(values.values())) > 1:
            found[column] = [i for i in values if values[i] == best]
        elif values and column != "completed": # a column only where it differs
            found[column] = []
    return found


def winners_are_the_best(place, config):
    table, _ = compare(config, *OVER, "-o", place / "winners")
    rows = runs.read_table(place / "winners/compare.csv")
    labels = [f"policy={row['pool.main.policy']} max_num_seqs={row['pool.main.max_num_seqs']}"
              for row in rows]
    expected = expected_winners(rows)
    told = runs.read_table(place / "winners/winners.csv")
    for column, winners in expected.items():
        want = [(labels[i], rows[i][column]) for i in winners] or [("", "")]
        got = [(row["winner"], row["value"]) for row in told if row["column"] == column]
        if got != want:
            yield f"{column}: told {got} instead of {want}"
    for row in told:
        if row["unit"] != UNITS.get(row["column"], row["unit"]):
            yield f"{row['column']}: its unit is {row['unit']!r}"
    if {row["column"] for row in told} != expected.keys():
        yield f"the columns are {sorted({row['column'] for row in told})}"
    wins = [sum(i in winners for winners in expected.values()) for i in range(len(rows))]
    if [row["wins"] for row in rows] != list(map(str, wins)):
        yield f"wins are {[row['wins'] for row in rows]} instead of {wins}"
    marks = {label: line.count("*") for label in labels for line in table.splitlines()
             if line.startswith(label + " ")}
    if marks != dict(zip(labels, wins)):
        yield f"marks: {marks}, wins {wins}"
    if not any(wins) or "preempted  (all alike)" not in table:
        yield f"the example shows too little:\n{table}"


def columns_without_a_value_are_left_out(place, _):
    linear = place / "linear.ini"
    linear.write_text(runs.LINEAR.replace("trace = -", f"trace = {place / 'day.csv'}"),
                      encoding="utf-8")
    table, _ = compare(linear, "--over", "pool.main.max_num_seqs=3,17", "-s", "output.itl=no")
    heads = table.splitlines()[2]
    if heads.split() != ("variant mean TTFT p99 TTFT mean TPOT p99 TPOT mean E2E output KV "
                         "used preempted won").split():
        yield f"the heads are {heads!r}"


def a_value_that_is_missing_is_a_dash(place, config):
    """Without a bound there is no goodput; completed requests show where they differ."""
    table, _ = compare(config, "--over", "slo.ttft_ms=0,137", "-s", "slo.tpot_ms=0", "--over",
                       "workload.limit=97,211")
    at = table.splitlines()[2].replace("mean ", "mean_").replace("p99 ", "p99_").split()
    rows = [line.replace("*", "").split() for line in table.splitlines()[4:8]]
    goodput, completed = at.index("goodput") + 1, at.index("completed") + 1
    if [row[goodput] == "-" for row in rows] != [True, True, False, False]:
        yield f"goodput: {[row[goodput] for row in rows]}"
    if [row[completed] for row in rows] != ["97", "211"] * 2:
        yield f"completed: {[row[completed] for row in rows]}"


def keys_of_one_name_are_told_apart(place, config):
    table, _ = compare(config, "--over", "pool.main.policy=vllm-v1", "--over",
                       "route.policy=round_robin,least_requests")
    for label in ("pool.main.policy=vllm-v1 route.policy=round_robin ",
                  "pool.main.policy=vllm-v1 route.policy=least_requests "):
        if f"\n{label}" not in table:
            yield f"no row {label!r}:\n{table}"


def the_base_compares_again(place, config):
    compare(config, *OVER, "-s", "workload.rate_scale=0.5", "-o", place / "first")
    compare(place / "first/config.ini", *OVER, "-o", place / "again")
    names = ("config.ini", "compare.csv", "winners.csv")
    for name in names:
        if (place / "first" / name).read_bytes() != (place / "again" / name).read_bytes():
            yield f"{name} differs"
    if sorted(path.name for path in (place / "first").iterdir()) != sorted(
            [*names, "compare.svg"]):
        yield f"files: {list((place / 'first').iterdir())}"


def values_may_hold_what_csv_and_xml_must_quote(place, config):
    odd = 'a "b" <c> & d'
    compare(config, "--over", f"pool.main.price_source={odd},plain", "-o", place / "odd")
    with open(place / "odd/compare.csv", encoding="utf-8", newline="") as file:
        if next(csv.DictReader(file))["pool.main.price_source"] != odd:
            yield "compare.csv has another value"
    picture = xml.dom.minidom.parse(str(place / "odd/compare.svg"))
    texts = [node.firstChild.data for node in picture.getElementsByTagName("text")]
    if f"price_source={odd}" not in texts:
        yield f"the picture has {texts[:9]}"


def numbers_in_the_picture_do_not_overlap(place, config):
    """Each row of a panel has its bar, its value behind it, and room to the next panel."""
    compare(config, *OVER, "-o", place / "picture")
    picture = xml.dom.minidom.parse(str(place / "picture/compare.svg"))
    lines = {}
    for node in picture.getElementsByTagName("text"):
        size = float(node.getAttribute("font-size") or 12)
        x, letters = float(node.getAttribute("x")), len(node.firstChild.data)
        lines.setdefault(node.getAttribute("y"), []).append((x, x + letters * size * 0.66))
    width = float(picture.documentElement.getAttribute("width"))
    for y, spans in lines.items():
        spans.sort()
        if any(one[1] > other[0] for one, other in itertools.pairwise(spans)):
            yield f"texts overlap at y = {y}: {spans}"
        if spans[-1][1] > width:
            yield f"a text at y = {y} is cut off"


def results_are_overwritten_only_if_asked(place, config):
    compare(config, *OVER, "-o", place / "old")
    compare(config, "--over", "pool.main.max_num_seqs=3,5", "-o", place / "old", "--overwrite")
    compare(config, "--over", "pool.main.max_num_seqs=3,5", "-o", place / "new")
    yield from runs.differences(place / "old", place / "new")
    if list(place.glob("*.tmp.*")):
        yield "a temporary folder was left behind"


def warnings_come_once(place, _):
    trace = place / "bad.csv"
    trace.write_text("arrival_s,prompt_tokens,output_tokens\n0.0137,7,3\n0.5,x,3\n",
                     encoding="utf-8")
    config = place / "bad.ini"
    config.write_text(CONFIG.format(trace=trace), encoding="utf-8")
    _, said = compare(config, *OVER, "--threads", "3", "-s", "workload.on_bad_row=skip")
    if said.count("1 bad row was skipped") != 1:
        yield f"said {said!r}"


def an_interrupt_leaves_nothing(place, config):
    for number in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen(
            [runs.SERVESIM, "compare", config, *OVER, "-o", place / "gone", "-s",
             "workload.repeat=100000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        end = time.monotonic() + 10
        while not list(place.glob("gone.tmp.*")) and time.monotonic() < end:
            time.sleep(0.002)
        time.sleep(0.05)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
        if (process.returncode, stdout, stderr) != (
                1, b"", b"servesim: interrupted: nothing was written\n"):
            yield f"exit {process.returncode}: {stdout!r} {stderr!r}"
        if list(place.glob("gone*")):
            yield "something was left behind"


TESTS = [rows_are_what_single_runs_say, threads_change_no_byte, winners_are_the_best,
         columns_without_a_value_are_left_out, a_value_that_is_missing_is_a_dash,
         keys_of_one_name_are_told_apart, the_base_compares_again,
         values_may_hold_what_csv_and_xml_must_quote, numbers_in_the_picture_do_not_overlap,
         results_are_overwritten_only_if_asked, warnings_come_once,
         an_interrupt_leaves_nothing]


def main():
    n_failed = 0
    with runs.work_folder() as name:
        place = pathlib.Path(name)
        runs.generate(place / "day.csv", ["workload.requests=700", "arrivals.rate_rps=13"])
        config = place / "server.ini"
        config.write_text(CONFIG.format(trace=place / "day.csv"), encoding="utf-8")
        for test in TESTS:
            faults = list(test(place, config))
            n_failed += bool(faults)
            for fault in faults:
                print(f"FAILED: {test.__name__}: {fault}")
    print(f"{len(TESTS)} tests, {n_failed} failed")
    sys.exit(1 if n_failed else 0)


main()
