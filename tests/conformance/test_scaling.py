#!/usr/bin/env python3
"""scaling: small fleets that grow, shrink and take turns, worked out by hand.

Unless a case says otherwise a step takes a second and a replica runs one request at a time,
so that a request of n output tokens has a replica for n seconds. Each case lists every event of
events.csv; the comments are the reasoning. The program must agree in spans and step by step, to
the nanosecond and, between the two, to the byte.
"""

import pathlib
import re
import subprocess
import sys
from fractions import Fraction

sys.path.insert(0, "tests/golden")
import runs  # noqa: E402

POOL = """[pool.{name}]
cost = linear
base_us = 1000000
num_gpu_blocks = 137
max_num_seqs = 1
replicas = {replicas}
"""

HARDWARE = """[pool.{name}]
accelerator = h100-sxm
model = llama-3.1-8b
policy = vllm-v1
replicas = 1
"""

SCALE = "[scale.main]\ninterval = 10s\nboot_s = 7\n"


def pool(name="main", replicas=1, more=""):
    return POOL.format(name=name, replicas=replicas) + more


def weight_bytes():
    done = subprocess.run([runs.SERVESIM, "list", "models", "llama-3.1-8b"], check=True,
                          stdout=subprocess.PIPE, text=True)
    return int(re.search(r"bytes of weights: (\d+)", done.stdout).group(1))


def moved_s(bytes_per_s):
    """Seconds in which the weights move, rounded half up to a nanosecond."""
    return Fraction(int(Fraction(weight_bytes() * 10**9, bytes_per_s) + Fraction(1, 2)), 10**9)


def read_events(path):
    return [(Fraction(row["t_s"]), int(row["replica"]), row["event"], row["detail"])
            for row in runs.read_table(path)] if path.exists() else []


def try_case(case, out):
    """Runs it in both modes; sentences about what is not as expected."""
    name, config, trace, events, requests, summary = case
    (out / "c.ini").write_text("[workload]\ntrace = -\n" + config, encoding="utf-8")
    (out / "t.csv").write_text(
        "arrival_s,prompt_tokens,output_tokens,prefix_hash,model\n" +
        "".join(f"{','.join(map(str, row))}{',' * (5 - len(row))}\n" for row in trace),
        encoding="utf-8")
    faults = []
    for mode, stepwise in (("spans", False), ("stepwise", True)):
        with open(out / "t.csv", encoding="utf-8") as stdin:
            runs.run(out / "c.ini", out / mode, stepwise=stepwise, stdin=stdin)
    faults += runs.differences(out / "spans", out / "stepwise")
    expected = [(Fraction(str(at)), *rest) for at, *rest in events]
    found = read_events(out / "spans" / "events.csv")
    faults += [f"expected {a}, found {b}" for a, b in zip(expected, found) if a != b]
    if len(expected) != len(found):
        faults.append(f"{len(found)} events, expected {len(expected)}: {found}")
    rows = runs.read_table(out / "spans" / "requests.csv")
    for i, column, value in requests:
        got = rows[i][column]
        if (Fraction(got) if column.endswith("_s") else got) != value:
            faults.append(f"request {i}: {column} is {got}, expected {value}")
    told = runs.read_summary(out / "spans")
    faults += [f"{metric} is {told.get(metric)}, expected {value}"
               for metric, value in summary if told.get(metric) != value]
    return [f"{name}: {fault}" for fault in faults]


def cases():
    # One runs from 0.5 on, 13 seconds each. 10: 6 wait, 3 wanted. 20: 5 wait. 30: 4 wait, 2
    # wanted, 20 s after the last change; nobody is on 2. 40 and 50: 3 wait. 60: 2 wait. 100: the
    # last left at 91.5, and none is wanted. At 201.25 somebody finds nobody.
    yield ("queue_to_zero_and_back",
           pool() + SCALE + "policy = queue\ntarget = 2\nmin = 0\nmax = 3\ndown_cooldown = 20\n"
           "[route]\npolicy = least_requests\n",
           [(0.5, 10, 13)] * 7 + [(201.25, 10, 3)],
           [(10, 1, "start", "queue"), (10, 2, "start", "queue"),
            (17, 1, "ready", ""), (17, 2, "ready", ""),
            (30, 2, "drain", "queue"), (30, 2, "stop", ""),
            (60, 1, "drain", "queue"), (60, 1, "stop", ""),
            (100, 0, "drain", "queue"), (100, 0, "stop", ""),
            (201.25, 0, "start", "held"), (208.25, 0, "ready", "")],
           [(6, "finish_s", Fraction("91.5")), (7, "first_scheduled_s", Fraction("208.25")),
            (7, "queue_s", 7), (7, "finish_s", Fraction("211.25"))],
           [("scale_ups", "2"), ("scale_downs", "3"), ("peak_replicas", "3"),
            ("held_requests", "1"), ("mean_hold_ms", "7000.000000"),
            # 103 on place 0, 43 on 1, 13 on 2, of 211.25 s
            ("mean_replicas", "0.752663")])
    # 9 there at 10: 3 wanted, one more allowed. 20: too soon after 10. 30: 9 there, one more. All
    # are on place 0, 31 seconds each. 100: 6 there, 2 wanted. 190: 3 there, 1 wanted.
    yield ("concurrency_in_steps",
           pool() + SCALE + "policy = concurrency\ntarget = 3\nmax = 5\nup_step = 1\n"
           "up_cooldown = 15\ndown_step = 0\ndown_cooldown = 40\n",
           [(0.5, 10, 31)] * 9,
           [(10, 1, "start", "concurrency"), (17, 1, "ready", ""),
            (30, 2, "start", "concurrency"), (37, 2, "ready", ""),
            (100, 2, "drain", "concurrency"), (100, 2, "stop", ""),
            (190, 1, "drain", "concurrency"), (190, 1, "stop", "")],
           [], [("scale_ups", "2"), ("scale_downs", "2")])
    # Blocks of one token; 50 of 200 are the target. The prompt takes 41, and each step after the
    # first one more when it starts: the tenth has ended at 10, with 50, and the next has not
    # begun. 20: 60. 60: nobody is there.
    yield ("kv_as_of_the_last_boundary",
           pool(more="block_size = 1\n").replace("= 137", "= 201") + SCALE +
           "policy = kv\ntarget = 0.25\nmax = 4\ndown_cooldown = 0\n",
           [(0, 41, 60)],
           [(20, 1, "start", "kv"), (27, 1, "ready", ""), (60, 1, "drain", "kv"),
            (60, 1, "stop", "")],
           [], [])
    # A request a second, half as many for each replica. 10: 10 came in 10 s; the one of this
    # instant is not seen. 20: 12 in 20 s want 1.2. 30: 2 in 20 s.
    yield ("rate_in_a_window",
           pool() + SCALE + "policy = rate\ntarget = 0.5\nwindow = 20\nmax = 4\n"
           "down_cooldown = 5\n",
           [(i, 10, 1) for i in range(11)] + [(12, 10, 1), (41, 10, 1)],
           [(10, 1, "start", "rate"), (17, 1, "ready", ""), (30, 1, "drain", "rate"),
            (30, 1, "stop", "")],
           [], [])
    # They take 4, 8 and 12 s where 5 are allowed. 10: 1 of 2 met it. 20: 0 of 1. 30: 1 of 1, and
    # only 10 s after the last change. 40: nobody there. 50: too soon. 60: as at 40.
    yield ("slo_up_and_down",
           pool() + SCALE.replace("7", "3") + "policy = slo\nmax = 3\ndown_cooldown = 15\n"
           "[slo]\ne2e_ms = 5000\nattainment = 0.9\n",
           [(0.5, 10, 4)] * 3 + [(25, 10, 2), (70.5, 10, 1)],
           [(10, 1, "start", "slo"), (13, 1, "ready", ""),
            (20, 2, "start", "slo"), (23, 2, "ready", ""),
            (40, 2, "drain", "slo"), (40, 2, "stop", ""),
            (60, 1, "drain", "slo"), (60, 1, "stop", "")],
           [], [])
    # Looked at every 10 s; cool-downs and steps do not count. 80 is the begin of a period.
    yield ("schedule_of_40_seconds",
           pool() + SCALE.replace("7", "4") + "policy = schedule\nperiod = 40s\n"
           "schedule = 0:1 5:3 20:2\n",
           [(0.5, 10, 1), (85, 10, 1)],
           [(10, 1, "start", "schedule"), (10, 2, "start", "schedule"),
            (14, 1, "ready", ""), (14, 2, "ready", ""),
            (20, 2, "drain", "schedule"), (20, 2, "stop", ""),
            (40, 1, "drain", "schedule"), (40, 1, "stop", ""),
            (50, 1, "start", "schedule"), (50, 2, "start", "schedule"),
            (54, 1, "ready", ""), (54, 2, "ready", ""),
            (60, 2, "drain", "schedule"), (60, 2, "stop", ""),
            (80, 1, "drain", "schedule"), (80, 1, "stop", "")],
           [], [])
    # 10: nobody waits, and both run until 30.5: 1 drains. At 12 six find 0 only. 20: 3 wanted:
    # the one that drains is taken back, one boots. 40: 0 is at its second, 4 wait. 50: 2 wait.
    yield ("who_drains_is_taken_back_first",
           pool(replicas=2) + SCALE + "policy = queue\ntarget = 2\nmax = 3\ndown_cooldown = 0\n",
           [(0.5, 10, 30)] * 2 + [(12, 10, 5)] * 6,
           [(10, 1, "drain", "queue"), (20, 1, "undrain", "queue"), (20, 2, "start", "queue"),
            (27, 2, "ready", ""), (40, 2, "drain", "queue"), (40, 2, "stop", ""),
            (50, 1, "drain", "queue"), (50, 1, "stop", "")],
           [(i, "replica", "0") for i in range(2, 8)], [])
    # A replica that drains serves whom it has. 10: nobody waits. It would be empty at 30.5.
    yield ("a_drain_ends_with_its_last_request",
           pool(replicas=2) + SCALE + "policy = queue\ntarget = 2\ndown_cooldown = 0\n",
           [(0.5, 10, 30)] * 2 + [(12, 10, 25)],
           [(10, 1, "drain", "queue"), (Fraction("30.5"), 1, "stop", "")],
           [(1, "replica", "1"), (1, "finish_s", Fraction("30.5")), (2, "replica", "0")], [])
    # 10: 2 wait for 1 each. 20: one waits, and the boot that would end at 35 is broken off.
    yield ("a_boot_is_broken_off",
           pool() + SCALE.replace("7", "25") + "policy = queue\ntarget = 1\nmax = 3\n"
           "down_cooldown = 0\n",
           [(0.5, 10, 11)] * 3,
           [(10, 1, "start", "queue"), (20, 1, "stop", "queue")],
           [], [("starting_share", "0.229885")])  # 10 of 43.5 s
    # A boot of no length is over in the instant in which it begins, before who arrives then.
    yield ("a_boot_of_no_length",
           pool() + "[scale.main]\ninterval = 10s\nimage_s = 0\ngraph_capture_s = 0\n"
           "policy = schedule\nschedule = 0:1 10:2\nmin = 0\n",
           [(0.5, 10, 31), (10, 10, 1), (10, 10, 1)],
           [(10, 1, "start", "schedule"), (10, 1, "ready", "")],
           [(1, "replica", "1"), (1, "finish_s", 11), (2, "replica", "0")], [])
    # 10: nobody there. 40.5 to 47.5: the boot; the text is not known any more. At 60 it is: the
    # decision of that instant comes before, but 19.5 s after the last change.
    yield ("a_cache_is_empty_after_a_boot",
           pool() + SCALE + "policy = queue\ntarget = 2\nmin = 0\ndown_cooldown = 20\n",
           [(0.5, 33, 3, "x"), (5, 33, 3, "x"), (40.5, 33, 3, "x"), (60, 33, 3, "x")],
           [(10, 0, "drain", "queue"), (10, 0, "stop", ""), (40.5, 0, "start", "held"),
            (47.5, 0, "ready", "")],
           [(0, "cached_tokens", "0"), (1, "cached_tokens", "32"), (2, "cached_tokens", "0"),
            (3, "cached_tokens", "32")], [])
    # 10: 3 wait where 2 may. 20, 30: one boots. 40: 2 wait, which one alone may have.
    yield ("wva_waits_for_a_boot",
           pool() + SCALE.replace("7", "25") + "policy = wva\nmax = 4\ndown_cooldown = 0\n",
           [(0.5, 10, 30)] * 4,
           [(10, 1, "start", "wva"), (35, 1, "ready", ""), (40, 1, "drain", "wva"),
            (40, 1, "stop", "")],
           [], [])
    # Below `min` nothing is asked of steps or cool-downs.
    yield ("min_comes_first",
           pool() + SCALE + "policy = queue\ntarget = 1\nmin = 3\nmax = 4\nup_step = 1\n",
           [(0.5, 10, 12)],
           [(10, 1, "start", "queue"), (10, 2, "start", "queue")], [], [])
    # Bursts of three; the third still waits at 10, 30 and 50, and all are gone at 20 and 40.
    thrash = (pool() + SCALE.replace("7", "3") + "policy = queue\ntarget = 0.5\nmax = 4\n"
              "down_cooldown = {}\n")
    bursts = [(at, 10, 4) for at in (5, 25, 45) for _ in range(3)]
    yield ("thrash_without_a_cooldown", thrash.format(0), bursts,
           [(at + more, 1, event, detail) for at in (10, 30) for more, event, detail in (
               (0, "start", "queue"), (3, "ready", ""), (10, "drain", "queue"), (10, "stop", ""))]
           + [(50, 1, "start", "queue"), (53, 1, "ready", "")], [], [("scale_ups", "3")])
    # 20 is too soon. At 25 both are there, and get one and two; at 30 nobody waits.
    yield ("less_thrash_with_one", thrash.format(15), bursts,
           [(10, 1, "start", "queue"), (13, 1, "ready", ""), (30, 1, "drain", "queue"),
            (33, 1, "stop", ""), (50, 1, "start", "queue"), (53, 1, "ready", "")],
           [], [("scale_ups", "2")])
    # Ranks come and go together, and those who were held are spread over them. 10: 5 wait. 20: 3
    # wait. 30: one waits. 60: the last left at 52.5.
    yield ("ranks_in_lockstep",
           pool(more="data_parallel = 2\ndata_parallel_mode = lockstep\n") + SCALE +
           "policy = queue\ntarget = 2\nmin = 0\nmax = 2\ndown_cooldown = 0\n",
           [(0.5, 10, 13)] * 7 + [(101.25, 10, 3)] * 3,
           [(at, i, *rest) for at, replicas, *rest in (
               (10, (2, 3), "start", "queue"), (17, (2, 3), "ready", ""),
               (30, (2, 3), "drain", "queue"), (30, (2, 3), "stop", ""),
               (60, (0, 1), "drain", "queue"), (60, (0, 1), "stop", ""),
               (101.25, (0, 1), "start", "held"), (108.25, (0, 1), "ready", ""))
            for i in replicas],
           [(7, "replica", "1"), (8, "replica", "0"), (9, "replica", "1"),
            (9, "finish_s", Fraction("114.25"))],
           [("peak_replicas", "2"), ("scale_ups", "2"), ("held_requests", "3")])
    # The weights are read once per replica.
    boot = Fraction("13.7") + moved_s(1370000000) + Fraction("4.1")
    yield ("a_boot_reads_the_weights",
           HARDWARE.format(name="main") + "[scale.main]\npolicy = schedule\n"
           "schedule = 0:1 10:2\ninterval = 10s\nimage_s = 13.7\nstorage_bandwidth = 1.37\n"
           "graph_capture_s = 4.1\n",
           [(0.5, 10, 1), (60, 10, 1)],
           [(10, 1, "start", "schedule"), (10 + boot, 1, "ready", "")], [], [])
    short = "max_model_len = 100\n"
    long = "max_model_len = 300\nshares_gpus_with = a\n"
    sleep = "[sleep]\nmax_dwell = {}\nsleep_ms = 1500\nwake_ms = 2500\n"
    # Long prompts are for b. At 1.25 both of a are busy, 0 until 13.5: it drains from 5 on, and
    # goes to b, which takes 4 s; the second long prompt waits for the same one.
    yield ("a_model_sleeps_when_its_turn_is_over",
           pool("a", 2, short) + pool("b", 2, long) + sleep.format(5),
           [(0.5, 10, 13), (0.5, 10, 21), (1.25, 150, 4), (1.5, 150, 9), (6, 10, 1)],
           [(5, 0, "drain", "b"), (13.5, 0, "sleep", "b"), (13.5, 2, "wake", "held"),
            (17.5, 2, "ready", "")],
           [(2, "replica", "2"), (2, "first_scheduled_s", Fraction("17.5")), (3, "replica", "2"),
            (3, "first_scheduled_s", Fraction("21.5")), (4, "replica", "1"),
            (4, "finish_s", Fraction("22.5"))],
           [("peak_replicas", "2"), ("held_requests", "2"), ("mean_hold_ms", "16125.000000")])
    # At 5.25 place 0 is busy and place 1 is not.
    yield ("gpus_that_nobody_uses_go_at_once",
           pool("a", 2, short) + pool("b", 2, long) + sleep.format(1000),
           [(0.5, 10, 13), (0.5, 10, 2), (5.25, 150, 4)],
           [(5.25, 1, "sleep", "b"), (5.25, 3, "wake", "held"), (9.25, 3, "ready", "")],
           [(2, "replica", "3"), (2, "finish_s", Fraction("13.25"))], [])
    # They are empty at 2.5 and long before their turn is over.
    yield ("gpus_that_become_free_go_at_once",
           pool("a", 1, short) + pool("b", 1, long) + sleep.format(1000),
           [(0.5, 10, 2), (1.25, 150, 4)],
           [(2.5, 0, "sleep", "b"), (2.5, 1, "wake", "held"), (6.5, 1, "ready", "")],
           [(1, "finish_s", Fraction("10.5"))], [])
    # Each way over the GPU's link to the host.
    yield ("weights_go_to_the_host_and_back",
           HARDWARE.format(name="a") + short + HARDWARE.format(name="b") + long +
           "host_bandwidth = 13.7\n",
           [(0.5, 10, 1), (5, 150, 1)],
           [(5, 0, "sleep", "b"), (5, 1, "wake", "held"),
            (5 + moved_s(25000000000) + moved_s(13700000000), 1, "ready", "")], [], [])
    # Two models by name on the same GPUs. 3.5: nobody is on them any more, and y is wanted; 4 s
    # later x is held. y drains from 11.5 on, 4 s after it became ready, and is empty at 16.5,
    # without whoever came at 12; he is held until x has been served, and nobody is on x at 24.5.
    yield ("two_models_take_turns",
           pool("x", 1, "served_model = x\n") +
           pool("y", 1, "served_model = y\nshares_gpus_with = x\n") + sleep.format(4),
           [(0.5, 10, 3, "", "x"), (2, 10, 4, "", "y"), (7, 10, 4, "", "x"),
            (8, 10, 5, "", "y"), (12, 10, 2, "", "y")],
           [(3.5, 0, "sleep", "y"), (3.5, 1, "wake", "held"), (7.5, 1, "ready", ""),
            (11.5, 1, "drain", "x"), (16.5, 1, "sleep", "x"), (16.5, 0, "wake", "held"),
            (20.5, 0, "ready", ""), (24.5, 0, "sleep", "y"), (24.5, 1, "wake", "held"),
            (28.5, 1, "ready", "")],
           [(1, "finish_s", Fraction("11.5")), (2, "finish_s", Fraction("24.5")),
            (3, "finish_s", Fraction("16.5")), (4, "finish_s", Fraction("30.5"))],
           [("peak_replicas", "1"), ("held_requests", "3")])
    # x always has a request until 20, where its turn is over and it drains; who comes in that
    # instant is let in before. It is empty at 23, and y at 28, where somebody is held for x.
    yield ("a_busy_model_gives_way",
           pool("x", 1, "served_model = x\n").replace("seqs = 1", "seqs = 2") +
           pool("y", 1, "served_model = y\nshares_gpus_with = x\n") + sleep.format(20),
           [(0, 10, 11, "", "x"), (10, 10, 13, "", "x"), (10.5, 10, 1, "", "y"),
            (20, 10, 1, "", "x"), (20.5, 10, 1, "", "x")],
           [(20, 0, "drain", "y"), (23, 0, "sleep", "y"), (23, 1, "wake", "held"),
            (27, 1, "ready", ""), (28, 1, "sleep", "x"), (28, 0, "wake", "held"),
            (32, 0, "ready", "")],
           [(2, "finish_s", 28), (3, "finish_s", 21), (4, "finish_s", 33)],
           [("held_requests", "2")])


def main():
    faults = []
    n = 0
    for case in cases():
        n += 1
        with runs.work_folder() as out:
            found = try_case(case, pathlib.Path(out))
            # a case that is changed must fail
            changed = (*case[:3], [(at, i + 1, *rest) for at, i, *rest in case[3]], *case[4:])
        with runs.work_folder() as out:
            if n == 1 and not try_case(changed, pathlib.Path(out)):
                found.append("a changed case goes unnoticed")
        print(f"{'FAILED' if found else 'ok'}: {case[0]}")
        faults += found
    print("\n".join(faults[:40]))
    print(f"{n} cases, {len(faults)} faults")
    sys.exit(1 if faults or n < 23 else 0)


if __name__ == "__main__":
    main()
