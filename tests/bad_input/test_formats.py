#!/usr/bin/env python3
"""formats: foreign traces that are wrong are refused by file, line, column and value, and a
format that is named is the one that is read.
"""

import random
import subprocess

import broken
from broken import TRACE, Case

BURSTGPT = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
VIDUR = "arrived_at,num_prefill_tokens,num_decode_tokens\n"
SPLITWISE = ("request_id,request_type,application_id,arrival_timestamp,batch_size,"
             "prompt_size,token_size\n")
TRACEV2 = "request_id,session_id,input_tokens,output_tokens,arrival_time_us,status\n"
RESULTS = "request_id,arrival_s,prompt_tokens,output_tokens,cached_tokens,status,pool\n"
KNOWN = ", ".join(["auto", *(line.split()[0] for line in subprocess.run(
    [broken.SERVESIM, "list", "formats"], capture_output=True, text=True,
    check=True).stdout.splitlines())])
# header, a good row, the same row earlier
GOOD = {
    "burstgpt": (BURSTGPT, "7,GPT-4,17,9,26,API log", "6,GPT-4,17,9,26,API log"),
    "vidur": (VIDUR, "7.25,17,9", "7.125,17,9"),
    "splitwise": (SPLITWISE, "1,2,0,7.25,1,17,9", "2,2,0,7.125,1,17,9"),
    "tracev2": (TRACEV2, "1,s,17,9,7250000,ok", "2,s,17,9,7125000,ok"),
    "results": (RESULTS, "1,7.25,17,9,0,completed,main", "2,7.125,17,9,0,completed,main"),
    "azure": ("TIMESTAMP,ContextTokens,GeneratedTokens\n", "2024-05-10 00:00:07+00:00,17,9",
              "2024-05-10 00:00:06.999999999+00:00,17,9"),
}


def run(*settings):
    arguments = ["run", "linear.ini", "-q", "-o", "out", "-s", "workload.trace=t.csv"]
    for setting in settings:
        arguments += ["-s", setting]
    return arguments


def case(name, content, says, *settings):
    return Case(name, run(*settings), says, {"t.csv": content})


def hostile(name):
    """What must not pass in any format; what is said of it, or None."""
    header, row, earlier = GOOD[name]
    n = header.count(",") + 1
    good = header + row + "\n"
    yield case(f"{name}_of_a_header_alone", header, "t.csv: the trace holds no requests")
    yield case(f"{name}_with_a_nul", good + row.replace("17", "1\0007") + "\n",
               "t.csv:3: the line holds a NUL byte: this is no text in UTF-8")
    yield case(f"{name}_cut_off", good + "7",
               f"t.csv:3: the last line ends after 1 of {n} columns: the file is cut off")
    yield case(f"{name}_with_a_short_line", good + "7\n" + row + "\n",
               f"t.csv:3: the line has 1 column, line 1 has {n}")
    yield case(f"{name}_with_a_quote_that_stays_open", good + '"' + row + "\n",
               "t.csv:3: column 1: the double quote is not closed on this line")
    yield case(f"{name}_with_an_empty_line", good + "\n" + row + "\n",
               "t.csv:3: the line is empty")
    yield case(f"{name}_in_the_wrong_order", good + earlier + "\n", None)
    for value in ("-17", "1e2", "nan", "0x11", "17 ", "9" * 40):
        yield case(f"{name}_with_{value.strip()}_tokens", good + row.replace("17", value) + "\n",
                   None)


NAMED = [
    case("a_format_that_nobody_knows", TRACE,
         f"linear.ini: [workload] format: 'blis' is no trace format: give one of {KNOWN}",
         "workload.format=blis"),
    case("an_empty_format", TRACE,
         f"linear.ini: [workload] format: '' is no trace format: give one of {KNOWN}",
         "workload.format="),
    case("a_format_that_the_file_is_not", TRACE,
         "t.csv:1: column 'num_prefill_tokens' is missing (needed: num_prefill_tokens, "
         "num_decode_tokens; optional: arrived_at)", "workload.format=vidur"),
    case("a_csv_file_that_is_said_to_be_json", TRACE,
         "t.csv:1: byte 1: expected '{'", "workload.format=mooncake"),
    Case("a_format_beside_a_generator",
         ["run", "linear.ini", "-q", "-o", "out", "-s", "workload.trace=",
          "-s", "workload.generator=spec.ini", "-s", "workload.format=azure"],
         "linear.ini: [workload] format: goes with trace, and with generator there is none"),
    Case("an_unknown_format_in_trace_stats",
         ["trace", "stats", "day.csv", "--format", "blis"],
         f"'blis' is no trace format: give one of {KNOWN}"),
    case("a_header_of_tracev2_alone", "trace_version: 2\ntime_unit: microseconds\n",
         "t.csv: this is the header of a TraceV2 trace without its requests: give the CSV "
         "file that goes with it"),
    case("a_log_of_nothing_but_failures", BURSTGPT + "7,GPT-4,17,0,17,API log\n" * 3,
         "t.csv: the trace holds no requests: 3 failed when it was taken"),
    case("a_rate_without_arrivals", "num_prefill_tokens,num_decode_tokens\n17,9\n18,9\n",
         "t.csv: [workload] rate_rps: the trace's rate is not defined: its requests arrive "
         "at one instant", "workload.rate_rps=3.7"),
]


def noise_faults(name, seed):
    """A file with some bytes changed is read or refused, never worse, and stays a sentence."""
    rng = random.Random(seed)
    header, row, _ = GOOD[name]
    content = bytearray((header + (row + "\n") * 7).encode())
    for _ in range(rng.randint(1, 9)):
        at = rng.randrange(len(content))
        how = rng.randrange(3)
        if how == 0:
            content[at] = rng.randrange(256)
        elif how == 1:
            del content[at]
        else:
            content[at:at] = rng.choice((b",", b'"', b"\r", b"-", b"9" * 30, b"\xff", b"."))
    with broken.work_folder() as folder:
        broken.make(folder, {**broken.FILES, "t.csv": bytes(content)})
        code, stdout, stderr = broken.execute(["trace", "stats", "t.csv"], folder)
        if code not in (broken.DONE, broken.FAILED):
            yield f"exit {code}: {bytes(content)!r}"
        elif code == broken.FAILED:
            yield from broken.sentence_faults(stderr)
            if stdout:
                yield f"on standard output: {stdout[:200]!r}"


def main():
    report = broken.Report()
    for name in GOOD:
        report.add_cases(list(hostile(name)))
        for seed in range(7):
            report.add(f"{name}_with_noise_{seed}", noise_faults(name, seed))
    report.add_cases(NAMED)
    report.end()


if __name__ == "__main__":
    main()
