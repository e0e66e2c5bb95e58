#!/usr/bin/env python3
"""diff: what is no result folder, or a broken one, is said in one sentence."""

import broken
from broken import Case

HEAD = "request_id,prompt_tokens,output_tokens,status,ttft_s,tpot_s,e2e_s\n"
GOOD = {
    "a/config.ini": "[run]\nseed = 7\n",
    "a/summary.csv": "metric,value,unit\ncompleted,2,\nmfu,0.137,\n",
    "a/requests.csv": HEAD + "0,41,7,completed,0.5,0.0137,1.25\n1,4099,1,rejected,,,\n",
}
GOOD |= {name.replace("a/", "b/"): text for name, text in GOOD.items()}
WANTED = "expected a folder that 'servesim run -o' wrote"


def case(name, says, *arguments, **files):
    changed = dict(GOOD)
    for path, text in files.items():
        path = path.replace("__", "/").replace("_", ".")
        if text is None:
            del changed[path]
        else:
            changed[path] = text
    return Case(name, ["diff", "a", "b", *arguments], says, changed)


CASES = [
    Case("a_folder_that_is_not_there", ["diff", "nowhere", "b"],
         "nowhere: there is no such folder", GOOD),
    Case("a_file_for_a_folder", ["diff", "a", "b/summary.csv"],
         "b/summary.csv: there is no such folder", GOOD),
    case("a_folder_without_a_summary", f"b: holds no summary.csv; {WANTED}",
         b__summary_csv=None),
    case("a_folder_without_requests", f"a: holds no requests.csv; {WANTED}",
         a__requests_csv=None),
    case("a_folder_without_a_configuration", f"b: holds no config.ini; {WANTED}",
         b__config_ini=None),
    case("a_summary_that_is_something_else",
         "b/summary.csv: does not begin with 'metric,value,unit'", b__summary_csv="x,y\n1,2\n"),
    case("an_empty_summary", "b/summary.csv: does not begin with 'metric,value,unit'",
         b__summary_csv=""),
    case("a_metric_without_a_unit", "b/summary.csv:2: is not 'metric,value,unit'",
         b__summary_csv="metric,value,unit\ncompleted,2\n"),
    case("a_metric_with_a_comma", "b/summary.csv:2: is not 'metric,value,unit'",
         b__summary_csv="metric,value,unit\ncompleted,2,,\n"),
    case("a_metric_that_writes_to_the_terminal",
         "b/summary.csv:2: has a control character",
         b__summary_csv="metric,value,unit\ncompleted,\x1b[2J,\n"),
    case("more_metrics_than_there_can_be", "b/summary.csv:2002: more than 2000 metrics",
         b__summary_csv="metric,value,unit\n" + "x,1,\n" * 2001),
    case("a_table_of_requests_that_lacks_a_column", "b/requests.csv: has no column tpot_s",
         b__requests_csv=HEAD.replace("tpot_s,", "")),
    case("an_empty_table_of_requests", "b/requests.csv: has no column request_id",
         b__requests_csv=""),
    case("a_table_of_too_many_columns", "b/requests.csv:1: more than 200 columns",
         b__requests_csv="x," * 200 + "y\n"),
    case("a_row_that_is_cut_off",
         "b/requests.csv:3: 3 columns, and the first line has 7",
         b__requests_csv=GOOD["b/requests.csv"].replace("1,rejected,,,", "1")),
    case("a_time_that_is_none", "b/requests.csv:2: ttft_s: 'soon' is not a time in seconds",
         b__requests_csv=GOOD["b/requests.csv"].replace("0.5,", "soon,")),
    case("a_configuration_that_is_none", None, b__config_ini="seed = 7\n"),
    case("a_share_that_is_no_number", "--least: 'much' is not a number of percent",
         "--least", "much"),
    case("a_negative_share", "--least: '-3' is not a number of percent", "--least", "-3"),
    case("a_table_in_no_folder", None, "-o", "no/where.csv"),
]


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.end()


main()
