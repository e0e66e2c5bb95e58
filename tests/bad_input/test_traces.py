#!/usr/bin/env python3
"""traces: a trace that is wrong is refused by file, line, column and value; what is passed
over on request is counted; names that are odd but legal are read.
"""

import csv
import gzip
import hashlib

import broken
from broken import AZURE_HEADER, HEADER, TRACE, Case

COLUMNS = ("needed: arrival_s, prompt_tokens, output_tokens; optional: request_id, tenant, "
           "priority, session_id, prefix_hash, deadline_s, model, class, adapter, "
           "prefix_tokens, reasoning_tokens, parent_id, think_s")
FORMATS = "is of no trace format known here; `servesim list formats` has them all"
GZIP = gzip.compress(TRACE.encode(), mtime=0)
ZSTD = bytes.fromhex("28b52ffd2443190200")  # the start of a frame of 67 bytes


def run(*settings, trace="t.csv"):
    arguments = ["run", "linear.ini", "-q", "-o", "out", "-s", f"workload.trace={trace}"]
    for setting in settings:
        arguments += ["-s", setting]
    return arguments


def case(name, content, says, *settings):
    """A trace that is read from t.csv."""
    return Case(name, run(*settings), says, {"t.csv": content})


def rows(name, text, says, *settings):
    """Rows below the plain header."""
    return case(name, HEADER + text, says, *settings)


def option(name, says, *settings, trace="day.csv"):
    return Case(name, run(*settings, trace=trace), says)


FILES = [
    option("a_trace_that_is_not_there", "gone.csv: cannot be opened: No such file or "
           "directory", trace="gone.csv"),
    option("a_trace_below_a_file", "spec.ini/t.csv: cannot be opened: Not a directory",
           trace="spec.ini/t.csv"),
    Case("a_trace_that_is_a_folder", run(trace="folder"),
         "folder: cannot be read: Is a directory", {"folder": None}),
    case("an_empty_trace", "", "t.csv: the file is empty"),
    option("an_empty_device", "/dev/null: the file is empty", trace="/dev/null"),
    option("an_empty_standard_input", "standard input: the file is empty", trace="-"),
    case("a_header_and_nothing_else", HEADER, "t.csv: the trace holds no requests"),
    case("a_header_without_a_newline", HEADER.strip(),
         "t.csv: the trace holds no requests"),
    case("a_header_of_no_known_format", "time,in,out\n1,2,3\n",
         f"t.csv:1: the first line 'time,in,out' {FORMATS}"),
    case("a_trace_without_a_header", "0.5,7,1\n",
         f"t.csv:1: the first line '0.5,7,1' {FORMATS}"),
    case("a_column_that_is_missing", "arrival_s,prompt_tokens\n0.5,7\n",
         f"t.csv:1: column 'output_tokens' is missing ({COLUMNS})"),
    case("a_column_that_is_not_known", HEADER.strip() + ",colour\n0.5,7,1,red\n",
         f"t.csv:1: column 'colour' is not known ({COLUMNS})"),
    case("a_column_that_is_there_twice", HEADER.strip() + ",arrival_s\n0.5,7,1,0.5\n",
         f"t.csv:1: column 'arrival_s' is there twice ({COLUMNS})"),
    case("an_azure_trace_without_a_column", "TIMESTAMP,ContextTokens\n",
         "t.csv:1: column 'GeneratedTokens' is missing (needed: TIMESTAMP, ContextTokens, "
         "GeneratedTokens)"),
    case("a_trace_with_another_sha256", TRACE,
         f"t.csv: its sha256 is {hashlib.sha256(TRACE.encode()).hexdigest()}, and "
         f"[workload] trace_sha256 expects {'5eed' * 16}",
         f"workload.trace_sha256={'5eed' * 16}"),
    case("a_sha256_that_is_none", TRACE,
         "[workload] trace_sha256: '5eed' is not 64 lower-case hex digits",
         "workload.trace_sha256=5eed"),
]

FIELDS = [
    case("a_deadline_that_is_no_number", HEADER.strip() + ",deadline_s\n0.5,7,1,soon\n",
         "t.csv:2: deadline_s: 'soon' is not a time in seconds such as 12.0375"),
    case("a_deadline_before_the_arrival", HEADER.strip() + ",deadline_s\n0.5,7,1,-1\n",
         "t.csv:2: deadline_s: '-1' is not a time in seconds such as 12.0375"),
    rows("negative_tokens", "0.5,-3,1\n",
         "t.csv:2: prompt_tokens: '-3' is not a positive integer"),
    rows("zero_tokens", "0.5,7,0\n",
         "t.csv:2: output_tokens: '0' is not a positive integer"),
    rows("fractional_tokens", "0.5,7.5,1\n",
         "t.csv:2: prompt_tokens: '7.5' is not a positive integer"),
    rows("tokens_with_a_plus", "0.5,+7,1\n",
         "t.csv:2: prompt_tokens: '+7' is not a positive integer"),
    rows("tokens_with_a_blank", "0.5, 7,1\n",
         "t.csv:2: prompt_tokens: ' 7' is not a positive integer"),
    rows("tokens_beyond_the_limit", "0.5,7,1000000001\n",
         "t.csv:2: output_tokens: '1000000001' is more than 1000000000"),
    rows("tokens_beyond_64_bits", "0.5,7,18446744073709551617\n",
         "t.csv:2: output_tokens: '18446744073709551617' is more than 1000000000"),
    rows("tokens_that_are_no_number", "0.5,seven,1\n",
         "t.csv:2: prompt_tokens: 'seven' is not a positive integer"),
    rows("empty_tokens", "0.5,,1\n",
         "t.csv:2: prompt_tokens: '' is not a positive integer"),
    rows("a_long_value_is_cut_in_the_message", "0.5,7," + "x" * 4099 + "\n",
         f"t.csv:2: output_tokens: '{'x' * 64}...' is not a positive integer"),
    rows("control_characters_are_shown_as_question_marks", "0.5,\x1b[31m,1\n",
         "t.csv:2: prompt_tokens: '?[31m' is not a positive integer"),
    rows("a_negative_arrival", "-0.5,7,1\n",
         "t.csv:2: arrival_s: '-0.5' is not a time in seconds such as 12.0375"),
    rows("an_arrival_that_is_no_number", "nan,7,1\n",
         "t.csv:2: arrival_s: 'nan' is not a time in seconds such as 12.0375"),
    rows("an_arrival_since_1970", "1700137023.5,7,1\n",
         "t.csv:2: arrival_s: '1700137023.5' is more than 1000000000"),
    rows("an_arrival_beyond_every_exponent", "1e999999999999,7,1\n",
         "t.csv:2: arrival_s: '1e999999999999' is more than 1000000000"),
    rows("arrivals_that_are_not_sorted", "0.5,7,1\n1.25,7,1\n1.249999999,7,1\n",
         "t.csv:4: arrival_s: 1.249999999 is before the row above (1.25): rows must be in "
         "order of time"),
    case("a_month_that_does_not_exist",
         AZURE_HEADER + "2023-13-16 18:17:03.97,7,1\n",
         "t.csv:2: TIMESTAMP: '2023-13-16 18:17:03.97' is not a time such as 2023-11-16 "
         "18:17:03.9799600"),
    case("seconds_in_an_azure_trace", AZURE_HEADER + "0.5,7,1\n",
         "t.csv:2: TIMESTAMP: '0.5' is not a time such as 2023-11-16 18:17:03.9799600"),
    case("a_label_that_would_need_quotes",
         HEADER.strip() + ",tenant\n0.5,7,1,\"a,b\"\n",
         "t.csv:2: tenant: 'a,b' is not a label (at most 64 bytes without comma, double "
         "quote or control character)"),
    case("a_priority_beyond_32_bits", HEADER.strip() + ",priority\n0.5,7,1,2147483648\n",
         "t.csv:2: priority: '2147483648' is not an integer from -2147483648 to "
         "2147483647"),
]

MOONCAKE = '{"timestamp": 17, "input_length": 700, "output_length": 9, "hash_ids": [0, 7]}\n'

JSON = [
    case("a_first_line_of_json_that_is_no_request", '{"model": "x"}\n',
         "t.csv:1: the first line '{\"model\": \"x\"}' is of no trace format known here; "
         "`servesim list formats` has them all"),
    case("json_without_a_key", MOONCAKE + MOONCAKE.replace("output_length", "output"),
         "t.csv:2: key 'output_length' is missing"),
    case("json_with_a_key_twice", MOONCAKE.replace("hash_ids", "timestamp"),
         "t.csv:1: key 'timestamp' is there twice"),
    case("json_that_is_cut_off", MOONCAKE + MOONCAKE[:41],
         "t.csv:2: the last line breaks off at byte 42: the file is cut off"),
    case("json_with_a_comma_too_many", MOONCAKE.replace("]}", "],}"),
         "t.csv:1: byte 79: expected a key in double quotes"),
    case("json_with_something_behind_it", MOONCAKE.replace("]}", "]} x"),
         "t.csv:1: byte 80: expected the end of the line"),
    case("a_line_that_is_no_json", MOONCAKE + "17,700,9\n", "t.csv:2: byte 1: expected '{'"),
    case("a_timestamp_that_is_a_text", MOONCAKE.replace("17", '"17"'),
         "t.csv:1: timestamp: '\"17\"' is not a time in milliseconds such as 27482"),
    case("a_timestamp_since_1970", MOONCAKE.replace("17", "1700137023500"),
         "t.csv:1: timestamp: '1700137023500' is more than 1000000000000"),
    case("timestamps_that_are_not_sorted", MOONCAKE + MOONCAKE.replace("17", "16.5"),
         "t.csv:2: timestamp: 16.5 is before the row above (17): rows must be in order of "
         "time"),
    case("an_answer_of_nothing", MOONCAKE.replace("9", "0"),
         "t.csv:1: output_length: '0' is not a positive integer"),
    case("a_prompt_that_is_a_fraction", MOONCAKE.replace("700", "700.0"),
         "t.csv:1: input_length: '700.0' is not a positive integer"),
    case("a_hash_id_that_is_negative", MOONCAKE.replace("0, 7", "0, -7"),
         "t.csv:1: hash_ids: '[0, -7]' is not a list of integers of at least 0"),
    case("a_hash_id_beyond_64_bits", MOONCAKE.replace("0, 7", "0, 9223372036854775808"),
         "t.csv:1: hash_ids: '[0, 9223372036854775808]' is not a list of integers of at "
         "least 0"),
    case("hash_ids_that_are_no_list", MOONCAKE.replace("[0, 7]", "7"),
         "t.csv:1: hash_ids: '7' is not a list of integers of at least 0"),
    case("hash_ids_of_other_blocks", MOONCAKE.replace("0, 7", "0, 7, 8"),
         "t.csv:1: hash_ids: 3 ids, and 2 blocks of 512 tokens are the 700 of input_length"),
    case("more_hash_ids_than_a_prompt_can_have",
         MOONCAKE.replace("0, 7", "0" + ", 7" * 65536),
         "t.csv:1: hash_ids: there are more than 65536"),
]

def stats(name, content, says, *options):
    """What `trace stats` says of t.csv."""
    return Case(name, ["trace", "stats", "t.csv", *options], says, {"t.csv": content})


STATS = [
    stats("statistics_of_a_bad_row", HEADER + "0.5,-3,1\n",
          "t.csv:2: prompt_tokens: '-3' is not a positive integer"),
    stats("statistics_of_bad_rows_alone", HEADER + "0.5,-3,1\n",
          "t.csv: all rows were skipped, the first: t.csv:2: prompt_tokens: '-3' is not a "
          "positive integer", "--on-bad-row", "skip"),
    stats("statistics_of_no_requests", HEADER, "t.csv: the trace holds no requests"),
    stats("a_cache_of_nothing", TRACE, "--cache-blocks: '0' is less than 1",
          "--cache-blocks", "7,0"),
    stats("a_cache_without_a_size", TRACE, "--cache-blocks: '' is not a count (a whole number, "
          "bare or with k, m, K or M)", "--cache-blocks", "7,,8"),
    stats("more_caches_than_there_is_room_for", TRACE,
          "--cache-blocks: more than 20 numbers", "--cache-blocks", ",".join(["7"] * 21)),
    stats("a_block_of_half_a_token", TRACE, "--block-tokens: '1.5' is not a whole number",
          "--block-tokens", "1.5"),
    stats("statistics_into_a_folder_that_is_not_there", TRACE,
          "gone/x.csv: cannot create: No such file or directory", "-o", "gone/x.csv"),
]

def fit(name, content, says, *options):
    """What `trace fit` says of t.csv; the spec is not written."""
    return Case(name, ["trace", "fit", "t.csv", "-o", "spec.ini", *options], says,
                {"t.csv": content})


def many(row, n=150):
    """`n` rows, {} in each becoming its number."""
    return HEADER + "".join(row.format(i) + "\n" for i in range(n))


FITS = [
    stats("a_tick_that_is_no_time", TRACE, "--detick: '3 parsecs' is not a time (a number with "
          "ns, us, ms, s, min or h; bare numbers are s)", "--detick", "3 parsecs"),
    fit("a_fit_of_a_few_requests", many("{},7,1", 99),
        "t.csv: has 99 requests, and a fit needs 100"),
    fit("a_fit_of_one_instant", many("13.7,7,1"),
        "t.csv: all requests arrive at one instant, and there is nothing to fit a rate to"),
    fit("a_fit_of_no_arrivals", "num_prefill_tokens,num_decode_tokens\n" + "7,13\n" * 150,
        "t.csv: the trace has no arrivals to fit a process to"),
    fit("a_fit_of_a_request_in_a_month", many("{}00000,7,1"),
        "t.csv: its mean rate is 1e-05 requests/s, and generators draw from 0.001 to 1000000"),
    fit("a_fit_of_a_bad_row", many("{},7,1") + "150,0,1\n",
        "t.csv:152: prompt_tokens: '0' is not a positive integer"),
    fit("a_fit_of_nothing", HEADER, "t.csv: has 0 requests, and a fit needs 100"),
    fit("a_fit_into_a_folder_that_is_not_there", many("{},7,1"),
        "gone/x.ini: cannot create: No such file or directory", "-o", "gone/x.ini"),
    Case("ticks_of_standard_input", ["trace", "stats", "-", "--detick", "3s"],
         "--detick: standard input cannot be read twice: give a file",
         stdin=many("{},7,1").encode()),
    Case("a_fit_of_ticks_of_standard_input", ["trace", "fit", "-", "--detick", "3s"],
         "--detick: standard input cannot be read twice: give a file",
         stdin=many("{},7,1").encode()),
]

LINES = [
    rows("a_last_line_that_is_cut_off", "0.5,7,1\n1.25,7",
         "t.csv:3: the last line ends after 2 of 3 columns: the file is cut off"),
    rows("a_line_with_too_few_columns", "0.5,7,1\n1.25,7\n2,7,1\n",
         "t.csv:3: the line has 2 columns, line 1 has 3"),
    rows("a_line_with_too_many_columns", "0.5,7,1,1\n",
         "t.csv:2: the line has 4 columns, line 1 has 3"),
    rows("a_nul_byte", "0.5,7\0,1\n",
         "t.csv:2: the line holds a NUL byte: this is no text in UTF-8"),
    rows("a_blank_line_in_the_middle", "0.5,7,1\n\n1.25,7,1\n",
         "t.csv:3: the line is empty"),
    rows("a_line_of_ten_megabytes", "0.5,7,1\n1.25," + "7" * 10**7 + ",1\n",
         "t.csv:3: the line is longer than 1 MiB"),
    case("a_header_of_ten_megabytes", "arrival_s," * 10**6 + "\n",
         "t.csv:1: the line is longer than 1 MiB"),
    rows("a_quote_that_is_not_closed", "0.5,\"7,1\n",
         "t.csv:2: column 2: the double quote is not closed on this line"),
    rows("a_quote_inside_a_field", "0.5,7\"7,1\n",
         "t.csv:2: column 2: a double quote stands inside a field (write it twice and "
         "quote the whole field)"),
    case("a_trace_in_utf_16", TRACE.encode("utf-16"),
         "t.csv:1: the line holds a NUL byte: this is no text in UTF-8"),
    case("a_truncated_gzip_file", GZIP[:-13],
         f"t.csv: the gzip data breaks off at byte {len(GZIP) - 13}, the end of the file: "
         "the file is cut off"),
    case("a_gzip_file_with_a_wrong_checksum", GZIP[:-8] + b"\0\0\0\0" + GZIP[-4:],
         f"t.csv: the gzip data is broken near byte {len(GZIP) - 4} of the file "
         "(incorrect data check)"),
    case("a_gzip_file_with_junk_behind_it", GZIP + b"junk",
         f"t.csv: the gzip data is broken near byte {len(GZIP) + 2} of the file "
         "(incorrect header check)"),
    case("a_truncated_zstd_file", ZSTD,
         "t.csv: the zstd data breaks off at byte 9, the end of the file: the file is cut "
         "off"),
    case("a_zstd_file_with_a_reserved_block", ZSTD[:6] + b"\x07\0\0junk",
         None),
]

WORKLOADS = [
    option("a_request_that_the_cache_can_never_hold",
           "day.csv:4: the request's 300 prompt and 33 output tokens need 21 KV blocks and "
           "the pool has 20; '[workload] unservable = reject' passes over it",
           "pool.main.num_gpu_blocks=21"),
    option("a_request_without_a_token_to_spare",
           "day.csv:4: the request's 300 prompt tokens, in whole blocks, and 33 output tokens "
           "are not fewer than the 336 of the KV cache, as batching = sglang expects; "
           "'[workload] unservable = reject' passes over it",
           "pool.main.batching=sglang", "pool.main.num_gpu_blocks=22"),
    option("a_request_beyond_max_model_len",
           "day.csv:2: the request's 100 prompt and 20 output tokens are more than the 119 "
           "of max_model_len; '[workload] unservable = reject' passes over it",
           "pool.main.max_model_len=119"),
    rows("a_request_beyond_every_cache", "0.5,1000000000,1000000000\n",
         "t.csv:2: the request's 1000000000 prompt and 1000000000 output tokens need "
         "125000000 KV blocks and the pool has 4098; '[workload] unservable = reject' "
         "passes over it"),
    rows("a_rate_that_is_not_defined", "0.5,7,1\n0.5,7,1\n",
         "t.csv: [workload] rate_rps: the trace's rate is not defined: its requests arrive "
         "at one instant", "workload.rate_rps=3.7"),
    rows("an_arrival_beyond_the_clock", "0.5,7,1\n999999999.7,7,1\n",
         "t.csv:3: the arrival is too late for this clock once it is scaled",
         "workload.rate_scale=0.000001"),
    rows("a_timeline_of_too_many_rows", "0.5,7,1\n999999999.7,7,1\n",
         "[output] interval: the timeline would have more than 10000000 rows: raise it "
         "(the run has come to second 999999999)"),
    rows("a_run_of_more_than_a_lifetime", "0.5,1000000000,1000000000\n",
         "the run has come to second 2305844000 (73 years): it can go no further",
         "output.interval=1000000000", "pool.main.num_gpu_blocks=1000000000",
         "pool.main.base_us=1000000000"),
    Case("rate_rps_on_standard_input", run("workload.rate_rps=3.7", trace="-"), None,
         stdin=TRACE.encode()),
    Case("repeat_on_standard_input", run("workload.repeat=7", trace="-"), None,
         stdin=TRACE.encode()),
]


def statuses(folder):
    with open(folder / "out" / "requests.csv", newline="", encoding="utf-8") as file:
        return [(row["arrival_s"], row["status"]) for row in csv.DictReader(file)]


def accepted_faults(case, expected):
    """A run that ends well, says what the case says and has these requests."""
    with broken.work_folder() as folder:
        yield from broken.case_faults(case, folder)
        if (folder / "out").is_dir() and statuses(folder) != expected:
            yield f"the requests are {statuses(folder)}"


def accepted(name, text, says, settings, expected):
    case = Case(name, run(*settings), says, {"t.csv": HEADER + text}, broken.DONE,
                leaves=("out",))
    return case, expected


ACCEPTED = [
    accepted("rows_that_cannot_be_read_are_skipped_and_counted",
             "0.5,7,1\n1.25,x,1\n\n1.5,3,-4\n1.75\n0.1,7,1\n2.125,7,7\n",
             "warning: t.csv: 5 bad rows were skipped:\n"
             "  t.csv:3: prompt_tokens: 'x' is not a positive integer\n"
             "  t.csv:4: the line is empty\n"
             "  t.csv:5: output_tokens: '-4' is not a positive integer\n"
             "  t.csv:6: the line has 1 column, line 1 has 3\n"
             "  t.csv:7: arrival_s: 0.1 is before the row above (0.5): rows must be in "
             "order of time", ["workload.on_bad_row=skip"],
             [("0.500000000", "completed"), ("2.125000000", "completed")]),
    accepted("a_line_of_ten_megabytes_is_skipped",
             "0.5,7,1\n1.25," + "7" * 10**7 + ",1\n2.125,7,7\n",
             "warning: t.csv: 1 bad row was skipped:\n"
             "  t.csv:3: the line is longer than 1 MiB", ["workload.on_bad_row=skip"],
             [("0.500000000", "completed"), ("2.125000000", "completed")]),
    accepted("a_request_that_never_fits_is_rejected_where_asked",
             "0.5,7,1\n1.25,1000000000,1000000000\n2.125,7,7\n", "",
             ["workload.unservable=reject"],
             [("0.500000000", "completed"), ("1.250000000", "rejected"),
              ("2.125000000", "completed")]),
    accepted("a_trace_of_nothing_but_rejected_requests", "0.5,1000,1000\n", "",
             ["workload.unservable=reject", "pool.main.num_gpu_blocks=2"],
             [("0.500000000", "rejected")]),
    accepted("empty_lines_at_the_end_are_no_rows", "0.5,7,1\r\n\r\n\n", "", [],
             [("0.500000000", "completed")]),
]

ODD_NAMES = ["a b.csv", "q'\"x.csv", "semi;colon.csv", "#hash.csv", "caf\u00e9.csv",
             "a=b.csv", "[pool.x].csv", "-dash.csv", "%s%n.csv", "d/" * 90 + "t.csv"]


def odd_name_faults(name):
    """The trace of that name runs, and the config.ini it leaves runs to the same bytes."""
    with broken.work_folder() as folder:
        broken.make(folder, {**broken.FILES, name: TRACE})
        again = ["run", "out/config.ini", "-q", "-o", "again"]
        for arguments in (run(trace=name), again):
            code, _, stderr = broken.execute(arguments, folder)
            if (code, stderr) != (broken.DONE, b""):
                yield f"{arguments[1]}: exit {code}: {stderr!r}"
                return
        if broken.picture(folder / "out") != broken.picture(folder / "again"):
            yield "config.ini did not give the same bytes again"


def main():
    report = broken.Report()
    report.add_cases(FILES + FIELDS + JSON + STATS + FITS + LINES + WORKLOADS)
    for case, expected in ACCEPTED:
        report.add(case.name, accepted_faults(case, expected))
    for name in ODD_NAMES:
        report.add(f"a_trace_named_{name}", odd_name_faults(name))
    report.end()


if __name__ == "__main__":
    main()
