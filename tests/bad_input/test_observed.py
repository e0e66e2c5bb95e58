#!/usr/bin/env python3
"""observed: what `servesim validate --observed` and `run --interval` refuse is said in one
sentence, and nothing is printed or written."""

import broken
from broken import USAGE

COLUMNS = "t_s,running,waiting,n_requests,prompt_tokens\n"
GOOD = COLUMNS + "0,0,0,,\n10,0,0,3,407\n"
CLOSED = "model,prec,isl,osl,conc,ttft_ms,tpot_ms\nm,bf16,7,7,1,13.7,4.1\n"
KIND = ("--observed: expected a server's metrics, which have a column t_s (servesim import "
        "prometheus)")


def case(name, says, metrics=GOOD, config="linear.ini", more=(), **others):
    files = {"server.csv": metrics, **others.pop("files", {})}
    return broken.Case(name, ["validate", "--observed", "server.csv", config, "-o", "out.csv",
                              *more], says, files=files, **others)


def refused_interval(name, value, says=None, config="server.ini", **others):
    return broken.Case(name, ["run", config, "--interval", value, "-o", "out"],
                       says or f"--interval: '{value}' is not a number from 1 to 99", **others)


BUSY = COLUMNS + "10,0,0,3,407\n2000,1,0,1,7\n2010,1,0,1,7\n"
CASES = [
    case("two_configurations", "validate: --observed: expected one CONFIG and nothing else",
         more=["server.ini"], code=USAGE),
    case("a_configuration_that_is_not_there", None, config="none.ini"),
    case("another_kind_of_measurements", f"server.csv:1: {KIND}", CLOSED),
    case("an_empty_file", "server.csv: the file is empty", ""),
    case("no_rows", "server.csv: holds no interval: expected a row after second 0", COLUMNS),
    case("nothing_but_the_start",
         "server.csv: holds no interval: expected a row after second 0", COLUMNS + "0,0,0,,\n"),
    case("intervals_that_go_back",
         "server.csv:4: t_s: 9.500 is not after the row above's 10.000",
         GOOD + "9.5,0,0,1,7\n"),
    case("an_interval_of_nothing",
         "server.csv:3: t_s: 0.000 is not after the row above's 0.000",
         COLUMNS + "0,0,0,,\n0,0,0,,\n"),
    case("a_trace_that_is_too_short",
         "server.csv:4: t_s: the server still worked after 2010.000 s, but all of day.csv is "
         "served after 1.283 s: it is not the trace that was replayed", BUSY),
    case("a_trace_from_standard_input",
         "--observed: standard input cannot be read twice: give a trace",
         more=["-s", "workload.trace=-"]),
    case("a_folder_that_is_not_there", None, more=["-o", "none/out.csv"]),
    refused_interval("an_interval_that_is_no_number", "x"),
    refused_interval("an_interval_of_nothing_at_all", ""),
    refused_interval("an_interval_of_nought_percent", "0"),
    refused_interval("an_interval_of_everything", "100"),
    refused_interval("an_interval_with_a_unit", "80%"),
    refused_interval("an_interval_with_a_minus", "-80"),
    refused_interval("an_interval_of_a_trace_from_standard_input", "80",
                     "--interval: standard input cannot be read three times: give a file",
                     files={"server.ini": broken.SERVER.replace("day.csv", "-")}),
]


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.end()


if __name__ == "__main__":
    main()
