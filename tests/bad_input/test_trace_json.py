#!/usr/bin/env python3
"""trace_json: JSON that is hostile or half a trace is refused by a sentence, in every format
made of it, and a conversion that fails leaves nothing.
"""

import gzip

import broken
from broken import DONE, HEADER, TRACE, Case

ROW = '{"timestamp": 17, "input_length": 700, "output_length": 9}\n'
CALL = '{"input_toks": 700, "output_toks": 9, "arrival_time_ns": 17}\n'
BENCH = '{"tokenizer_id": "m", "request_rate": "inf", "input_lens": [7], "output_lens": [9]}'
UNKNOWN = " is of no trace format known here; `servesim list formats` has them all"
MEGABYTE = 1 << 20


def run(name, content, says, *settings):
    """A trace that is read from t.json by a run."""
    arguments = ["run", "linear.ini", "-q", "-o", "out", "-s", "workload.trace=t.json"]
    for setting in settings:
        arguments += ["-s", setting]
    return Case(name, arguments, says, {"t.json": content})


def convert(name, content, says, *flags, stdin=b""):
    return Case(name, ["trace", "convert", "t.json", *flags], says, {"t.json": content},
                stdin=stdin)


def nested(depth):
    return ROW.replace('{"timestamp"', '{"x": ' + "[" * depth + "]" * depth + ', "timestamp"')


def packed(text):
    return gzip.compress(text.encode(), mtime=0)


HOSTILE = [
    run("a_list_that_nests_without_end", ROW + ROW.replace("17", "[" * 500000),
        "t.json:2: byte 500057: expected a value"),
    run("an_object_in_place_of_a_number", ROW.replace("700", '{"a": 700}'),
        "t.json:1: input_length: '{\"a\": 700}' is not a positive integer"),
    run("a_number_of_a_thousand_digits", ROW.replace("700", "7" * 1000),
        "t.json:1: input_length: '" + "7" * 64 + "...' is more than 1000000000"),
    run("a_time_of_a_thousand_digits", ROW.replace("17", "7" * 1000),
        "t.json:1: timestamp: '" + "7" * 64 + "...' is not a time in milliseconds such as "
        "27482"),
    run("a_number_that_is_none", ROW.replace("700", "NaN"),
        "t.json:1: input_length: 'NaN' is not a positive integer"),
    run("a_number_below_zero", ROW.replace("700", "-700"),
        "t.json:1: input_length: '-700' is not a positive integer"),
    run("a_number_with_an_exponent", ROW.replace("700", "7e2"),
        "t.json:1: input_length: '7e2' is not a positive integer"),
    run("a_key_that_is_there_twice", ROW + ROW.replace("output_length", "input_length"),
        "t.json:2: key 'input_length' is there twice"),
    run("a_line_that_holds_a_nul", ROW + ROW.replace("17", "1\0007"),
        "t.json:2: the line holds a NUL byte: this is no text in UTF-8"),
    run("bytes_that_are_no_text", b'{"timestamp": "\xff\xfe\x80", "input_length": 1}\n',
        "t.json:1: key 'output_length' is missing"),
    run("a_label_of_bytes_that_are_no_text",
        ROW.encode().replace(b"}", b', "request_id": [\xff]}'),
        "t.json:1: request_id: '[?]' is not a text or a number"),
    run("json_in_utf_16", ROW.encode("utf-16"),
        "t.json:1: the line holds a NUL byte: this is no text in UTF-8"),
    run("a_line_of_a_hundred_megabytes",
        packed(ROW + '{"timestamp": 17, "text": "' + "x" * (100 * MEGABYTE) + '"}\n'),
        "t.json:2: the line is longer than 1 MiB"),
    run("a_string_without_an_end", ROW + '{"timestamp": 17, "text": "' + "x" * 99 + "\n",
        "t.json:2: byte 127: expected a value"),
    run("an_object_without_a_key_that_is_known", '{"a": 1}\n',
        "t.json:1: the first line '{\"a\": 1}'" + UNKNOWN),
    run("a_list_instead_of_lines", f"[{ROW.strip()}]\n",
        f"t.json:1: the first line '[{ROW.strip()}]'" + UNKNOWN),
    run("a_call_that_waits_for_a_list_of_numbers_that_ends",
        ROW.replace("}", ', "wait_for": [1, 2'),
        "t.json:1: byte 77: expected a value"),
    run("a_call_of_a_session_that_is_cut_off",
        '{"arrival_time_ns": 1, "sub_requests": [{"input_toks": 7, "outp',
        "t.json:1: the last line breaks off at byte 64: the file is cut off"),
    run("a_session_of_no_calls", '{"arrival_time_ns": 1, "sub_requests": []}\n',
        "t.json:1: sub_requests: '[]' holds no call"),
    run("ids_of_tokens_that_are_texts",
        CALL.replace("}", ', "input_tok_ids": ["a"]}'),
        "t.json:1: input_tok_ids: '[\"a\"]' is not a list of integers of at least 0"),
    run("a_result_of_a_benchmark_without_lists", '{"tokenizer_id": "m"}',
        "t.json: input_lens: is missing: save it with --save-detailed"),
    run("a_result_of_a_benchmark_that_is_cut_off", BENCH[:-1],
        "t.json:1:82: not JSON: '}' expected near end of file"),
    run("two_results_of_a_benchmark_in_one_file", BENCH + "\n" + BENCH,
        "t.json:2:1: not JSON: end of file expected near '{'"),
    run("lengths_of_a_benchmark_that_are_texts", BENCH.replace("[7]", '["7"]'),
        "t.json: input_lens[0]: expected a number of tokens"),
    run("a_benchmark_of_which_nothing_was_answered", BENCH.replace("[9]", "[0]"),
        "t.json: the trace holds no requests: 1 failed when it was taken"),
    run("a_benchmark_of_no_requests", BENCH.replace("[7]", "[]").replace("[9]", "[]"),
        "t.json: the trace holds no requests"),
    run("a_list_of_a_benchmark_that_nests_without_end",
        BENCH.replace("[7]", "[" * 100000), None),
    run("a_file_of_more_than_256_megabytes",
        packed(BENCH[:-1] + ', "generated_texts": ["' + "x" * (257 * MEGABYTE) + '"]}'),
        "t.json: more than 256 MB"),
    run("a_file_that_is_named_another_format", ROW,
        "t.json:1: key 'arrival_time_ns' is missing", "workload.format=llmservingsim"),
]

CONVERSIONS = [
    convert("a_format_that_cannot_be_written", TRACE,
            "--to: 'results' is no trace format that can be written: give one of plain, "
            "azure, burstgpt, llmservingsim, mooncake, splitwise, vidur", "--to", "results"),
    Case("a_generator_that_writes_no_such_format", ["gen", "spec.ini", "--to", "json"],
         "--to: 'json' is no trace format that can be written: give one of plain, "
         "azure, burstgpt, llmservingsim, mooncake, splitwise, vidur"),
    convert("a_trace_that_is_not_named_rightly", TRACE,
            "'csv' is no trace format: give one of auto, azure, burstgpt, vidur, splitwise, "
            "tracev2, vllm-bench, llmservingsim, mooncake, results, plain",
            "--format", "csv"),
    convert("a_trace_without_rows", HEADER, "t.json: the trace holds no requests",
            "-o", "new.csv"),
    convert("a_trace_of_bad_rows", HEADER + "x,7,1\n",
            "t.json: all rows were skipped, the first: t.json:2: arrival_s: 'x' is not a time "
            "in seconds such as 12.0375", "-o", "new.csv", "--on-bad-row", "skip"),
    convert("a_bad_row_behind_good_ones", TRACE + "1.5,0,1\n",
            "t.json:5: prompt_tokens: '0' is not a positive integer", "-o", "new.gz",
            "--to", "mooncake"),
    convert("a_folder_that_is_not_there", TRACE,
            "gone/new.csv: cannot create: No such file or directory", "-o",
            "gone/new.csv"),
    convert("a_disk_that_is_full", TRACE, "the trace cannot be written: No space left on "
            "device", "-o", "/dev/full"),
    Case("a_conversion_of_nothing", ["trace", "convert", "gone.csv", "-o", "new.csv"],
         "gone.csv: cannot be opened: No such file or directory"),
    Case("standard_input_that_must_be_read_twice", ["trace", "convert", "-"],
         "the columns of plain are known when all rows were read, and standard input cannot "
         "be read twice: give a file", stdin=TRACE.encode()),
]

FINE = [
    Case("values_that_nest_deeply_are_passed_over",
         ["trace", "convert", "t.json", "-o", "new.csv"],
         "warning: t.json: not read: x", {"t.json": nested(100000)}, DONE,
         leaves=["new.csv"]),
    Case("bad_rows_may_be_skipped",
         ["trace", "convert", "t.json", "-o", "new.csv", "--on-bad-row", "skip"],
         "warning: t.json: 1 bad row was skipped, the first: t.json:2: byte 1: expected '{'",
         {"t.json": ROW + "x\n" + ROW}, DONE, leaves=["new.csv"]),
    Case("requests_that_failed_are_left_out",
         ["trace", "convert", "t.json", "-o", "new.csv"],
         "warning: t.json: 1 request failed when the trace was taken and left out, the first "
         "in line 1", {"t.json": BENCH.replace("[7]", "[7, 8]").replace("[9]", "[9, 0]")},
         DONE, leaves=["new.csv"]),
]


def main():
    report = broken.Report()
    report.add_cases(HOSTILE)
    report.add_cases(CONVERSIONS)
    report.add_cases(FINE)
    report.end()


if __name__ == "__main__":
    main()
