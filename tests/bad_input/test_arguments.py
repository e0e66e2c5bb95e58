#!/usr/bin/env python3
"""arguments: wrong usage is exit 2, one sentence and the command's usage line; a name that
does not exist is exit 1; a reader of standard output may leave when it likes.
"""

import os

import broken
from broken import DONE, FAILED, TRACE, USAGE

LINES = {
    "run": "run CONFIG [-o DIR] [-s section.key=value]... [--stepwise] [--quiet] "
           "[--overwrite] [--on-bad-row stop|skip] [--interval PERCENT] [--report] "
           "[--trace-json]",
    "check": "check CONFIG [-s section.key=value]...",
    "gen": "gen WORKLOAD.ini [-o FILE] [--to FORMAT] [-s section.key=value]...",
    "trace": "trace stats FILE [-o FILE.csv] [--cache-blocks LIST] [--block-tokens N] "
             "[--session-prefix] [--detick TIME] [--format NAME] [--on-bad-row stop|skip]\n"
             "       servesim trace fit FILE [-o SPEC.ini] [--detick TIME] [--format NAME]\n"
             "                [--on-bad-row stop|skip]\n"
             "       servesim trace convert FILE [-o FILE] [--to NAME] [--format NAME]\n"
             "                       [--on-bad-row stop|skip]",
    "list": "list [KIND [NAME]]",
    "validate": "validate MEASURED.csv [CONFIG] | --observed SERVER.csv CONFIG "
                "[-o FILE.csv] [--worst N] [-j N]",
}


def wrong(name, arguments, says):
    """Wrong usage of a command that exists."""
    command = arguments[0]
    return broken.Case(name, arguments, None, code=USAGE), (
        f"servesim {command}: {says}\nusage: servesim {LINES[command]}\n")


USAGES = [
    wrong("run_without_a_config", ["run"], "an argument is missing"),
    wrong("check_without_a_config", ["check", "-s", "run.seed=7"],
          "an argument is missing"),
    wrong("observations_without_a_config", ["validate", "--observed", "server.csv"],
          "an argument is missing"),
    wrong("gen_without_a_spec", ["gen", "-o", "new.csv"], "an argument is missing"),
    wrong("two_configs", ["run", "linear.ini", "server.ini"],
          "one argument too many: server.ini"),
    wrong("two_configs_around_an_option", ["run", "linear.ini", "-q", "server.ini"],
          "one argument too many: server.ini"),
    wrong("two_specs", ["gen", "spec.ini", "linear.ini"],
          "one argument too many: linear.ini"),
    wrong("three_arguments_of_list", ["list", "models", "llama-3.1-8b", "again"],
          "one argument too many: again"),
    wrong("statistics_of_no_trace", ["trace", "stats"], "an argument is missing"),
    wrong("an_operation_on_traces_that_does_not_exist", ["trace", "fold", "day.csv"],
          "no such operation: fold"),
    wrong("an_option_of_convert_for_stats", ["trace", "stats", "day.csv", "--to", "azure"],
          "this operation takes no such option: to"),
    wrong("an_option_of_stats_for_convert",
          ["trace", "convert", "day.csv", "--block-tokens", "16"],
          "this operation takes no such option: block-tokens"),
    wrong("an_option_of_stats_for_fit", ["trace", "fit", "day.csv", "--cache-blocks", "7"],
          "this operation takes no such option: cache-blocks"),
    wrong("an_unknown_option", ["run", "linear.ini", "--frobnicate"],
          "no such option: --frobnicate"),
    wrong("an_unknown_letter", ["run", "linear.ini", "-x"], "no such option: -x"),
    wrong("an_option_of_another_command", ["check", "linear.ini", "--stepwise"],
          "no such option: --stepwise"),
    wrong("an_option_that_list_does_not_take", ["list", "-q"], "no such option: -q"),
    wrong("an_option_that_gen_does_not_take", ["gen", "spec.ini", "--overwrite"],
          "no such option: --overwrite"),
    wrong("output_without_a_value", ["run", "linear.ini", "-o"],
          "an option lacks its value: -o"),
    wrong("long_output_without_a_value", ["run", "linear.ini", "--output"],
          "an option lacks its value: --output"),
    wrong("set_without_a_value", ["check", "linear.ini", "-s"],
          "an option lacks its value: -s"),
]


def usage_faults(case, expected):
    with broken.work_folder() as folder:
        broken.make(folder, case.files)
        before = broken.picture(folder)
        code, stdout, stderr = broken.execute(case.arguments, folder)
        if (code, stdout, stderr.decode()) != (case.code, b"", expected):
            yield f"exit {code}: {stdout!r} {stderr!r}"
        yield from broken.left_faults(before, folder)


OTHERS = [
    broken.Case("a_trace_json_without_a_folder", ["run", "linear.ini", "--trace-json"],
                "--trace-json: is written to the folder of -o DIR, which is not given"),
    broken.Case("an_unknown_command", ["simulate", "linear.ini"],
                "no command 'simulate'; 'servesim --help' lists them", code=USAGE),
    broken.Case("an_option_in_the_place_of_a_command", ["-q", "run", "linear.ini"],
                "no command '-q'; 'servesim --help' lists them", code=USAGE),
    broken.Case("an_empty_command", [""],
                "no command ''; 'servesim --help' lists them", code=USAGE),
    broken.Case("a_preset_that_is_not_there", ["list", "models", "gpt-5"],
                "there is no 'gpt-5' among the models; 'servesim list models' has them",
                code=FAILED),
]


def listed_kind_faults():
    code, stdout, stderr = broken.execute(["list", "gpus"], ".")
    expected = ("servesim list: 'gpus' is not one of accelerators, models, engines, "
                "policies, prices, batching, order, route, scale, formats, keys, columns\n")
    if (code, stdout, stderr.decode()) != (USAGE, b"", expected):
        yield f"exit {code}: {stdout!r} {stderr!r}"


def no_arguments_faults():
    """The help, on standard error."""
    _, helped, _ = broken.execute(["--help"], ".")
    code, stdout, stderr = broken.execute([], ".")
    if (code, stdout, stderr) != (USAGE, b"", helped):
        yield f"exit {code}: {stdout!r} {stderr!r}"


def closed_pipe_faults(arguments, leaves=()):
    """The reader of standard output is gone before a byte was written."""
    with broken.work_folder() as folder:
        broken.make(folder, broken.FILES)
        before = broken.picture(folder)
        reader, writer = os.pipe()
        os.close(reader)
        try:
            code, _, stderr = broken.execute(arguments, folder, stdout=writer)
        finally:
            os.close(writer)
        if (code, stderr) != (DONE, b""):
            yield f"exit {code}: {stderr!r}"
        yield from broken.left_faults(before, folder, leaves)


def standard_input_faults():
    """A trace from standard input gives the results of the same trace in a file."""
    with broken.work_folder() as folder:
        broken.make(folder, broken.FILES)
        piped = ["run", "linear.ini", "-q", "-o", "piped", "-s", "workload.trace=-"]
        for arguments in (["run", "linear.ini", "-q", "-o", "read"], piped):
            code, _, stderr = broken.execute(arguments, folder, TRACE.encode())
            if (code, stderr) != (DONE, b""):
                yield f"exit {code}: {stderr!r}"
        for name in ("requests.csv", "summary.csv", "timeline.csv"):
            if broken.picture(folder / "read").get(name) != \
                    broken.picture(folder / "piped").get(name):
                yield f"{name} is not the same"


def main():
    report = broken.Report()
    report.add_cases(OTHERS)
    for case, expected in USAGES:
        report.add(case.name, usage_faults(case, expected))
    report.add("no_arguments_at_all", no_arguments_faults())
    report.add("an_unknown_kind_of_list", listed_kind_faults())
    report.add("a_trace_on_standard_input", standard_input_faults())
    for arguments in (["list", "keys"], ["--help"], ["check", "server.ini"]):
        report.add(f"{'_'.join(arguments)}_for_a_reader_that_left",
                   closed_pipe_faults(arguments))
    report.add("results_are_written_for_a_reader_that_left",
               closed_pipe_faults(["run", "linear.ini", "-o", "out"], ("out",)))
    report.end()


if __name__ == "__main__":
    main()
