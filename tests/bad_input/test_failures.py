#!/usr/bin/env python3
"""failures: a section [fail] and a file of events that cannot be are refused."""

import broken
from broken import Case

HEADER = "time_s,kind,pool,replica,node,duration_s,notice_s,factor\n"
COLUMNS = ("needed: time_s, kind; optional: pool, replica, node, duration_s, notice_s, "
           "factor")


def events(name, text, says):
    return Case(name, ["run", "linear.ini", "-q", "-o", "out", "-s",
                       "fail.events=breaks.csv"], "breaks.csv" + says,
                files={"breaks.csv": text})


def row(name, line, says):
    return events(name, HEADER + "0.0137,fail,main,0,,4.1,,\n" + line + "\n", ":3: " + says)


def option(name, setting, says):
    return Case(name, ["run", "linear.ini", "-q", "-o", "out", "-s", setting],
                f"-s {setting}: {says}")


CASES = [
    option("a_mean_time_that_is_negative", "fail.mtbf=-1", "'-1' is less than 0 s"),
    option("an_action_that_is_not_there", "fail.on_failure=pray",
           "'pray' is not one of retry, migrate, fail"),
    option("waits_that_shrink", "fail.backoff_factor=0.5", "'0.5' is less than 1"),
    option("replicas_that_are_fast", "pool.main.slow_factor=0.9", "'0.9' is less than 1"),
    option("more_slow_replicas_than_there_are", "pool.main.slow_share=1.1",
           "'1.1' is greater than 1"),
    Case("what_is_taken_back_and_shared",
         ["run", "linear.ini", "-q", "-o", "out", "-s", "fail.spot_mtbf=5"],
         "linear.ini: [pool.more] shares_gpus_with: GPUs that several models share cannot be "
         "taken back; [fail] spot_mtbf and events of kind reclaim need pools with GPUs of "
         "their own",
         files={"linear.ini": broken.LINEAR + broken.POOL.replace("main", "more")
                + "shares_gpus_with = main\n[sleep]\nsleep_ms = 5\nwake_ms = 5\n"}),
    Case("a_file_that_is_not_there",
         ["run", "linear.ini", "-q", "-o", "out", "-s", "fail.events=gone.csv"],
         "gone.csv: cannot be opened: No such file or directory"),
    events("an_empty_file", "", ": the file is empty"),
    events("a_column_that_is_not_known", "time_s,kind,rack\n",
           f":1: column 'rack' is not known ({COLUMNS})"),
    events("a_column_that_is_missing", "time_s,replica\n",
           f":1: column 'kind' is missing ({COLUMNS})"),
    row("a_time_that_is_none", "soon,fail,main,0,,,,",
        "time_s: 'soon' is not a time in seconds such as 12.0375"),
    row("a_time_past_all_times", "1000000001,fail,main,0,,,,",
        "time_s: '1000000001' is more than 1000000000"),
    row("a_kind_that_is_none", "1,flood,main,0,,,,",
        "kind: 'flood' is not fail, reclaim or slow"),
    row("a_pool_that_is_none", "1,fail,mine,0,,,,",
        "pool: 'mine' is not the name of a [pool.NAME] section"),
    row("a_replica_that_is_none", "1,fail,main,1,,,,",
        "replica: '1' is not there: [pool.main] has 1 replica, counted from 0 as nodes are"),
    row("a_node_that_is_none", "1,fail,main,,4099,,,",
        "node: '4099' is not there: [pool.main] has 1 replica, counted from 0 as nodes are"),
    row("a_part_of_a_replica", "1,fail,main,0.5,,,,",
        "replica: '0.5' is not a whole number from 0 on"),
    row("a_replica_and_a_node", "1,fail,main,0,0,,,",
        "replica, node: one of them says what fails"),
    row("neither_replica_nor_node", "1,fail,main,,,,,",
        "replica, node: one of them says what fails"),
    row("a_notice_of_a_failure", "1,fail,main,0,,,30,",
        "notice_s: '30' has no meaning here: it is of kind reclaim"),
    row("a_factor_of_a_failure", "1,fail,main,0,,,,2",
        "factor: '2' has no meaning here: it is of kind slow"),
    row("slow_by_nothing", "1,slow,main,0,,,,",
        "factor: '' is not a number from 1 to 1000"),
    row("slow_by_less_than_nothing", "1,slow,main,0,,,,0.9",
        "factor: '0.9' is not a number from 1 to 1000"),
    row("a_duration_that_is_none", "1,fail,main,0,,for ever,,",
        "duration_s: 'for ever' is not a time in seconds such as 12.0375"),
    events("a_file_that_is_cut_off", HEADER + "1,fail,main,0,,4",
           ":2: the last line ends after 6 of 8 columns: the file is cut off"),
]


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.end()


if __name__ == "__main__":
    main()
