#!/usr/bin/env python3
"""traces: what a row of each trace format costs to read, in instructions and in seconds.

    cmake --preset release && cmake --build --preset release --target read_trace
    /usr/bin/python3 tests/bench/traces.py build/release/tests/read_trace
        [--check | --record | --long]

Counts what callgrind counts, in files of 20,000 and 120,000 rows, so that what a process
costs anyhow does not count; --check fails where a row costs over 1.1 times as much as
recorded.json has.  --long writes ten million rows of our own format and of Azure's instead
and reads them on one core, five times each: the best one counts.
"""
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
RECORDED = HERE / "recorded.json"
FEW, MANY, LONG = 20_000, 120_000, 10_000_000
LEAST = {"plain": 3e6, "azure": 3e6, "burstgpt": 2e6, "vidur": 2e6}  # rows per second

HEADERS = {
    "plain": "arrival_s,prompt_tokens,output_tokens",
    "labelled": "arrival_s,prompt_tokens,output_tokens,request_id,tenant,priority,session_id",
    "azure": "TIMESTAMP,ContextTokens,GeneratedTokens",
    "burstgpt": "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,"
                "Total tokens,Log Type",
    "vidur": "arrived_at,num_prefill_tokens,num_decode_tokens",
    "splitwise": "request_id,request_type,application_id,arrival_timestamp,batch_size,"
                 "prompt_size,token_size",
    "tracev2": "request_id,client_id,tenant_id,slo_class,session_id,round_index,prefix_group,"
               "prefix_length,streaming,input_tokens,output_tokens,text_tokens,image_tokens,"
               "audio_tokens,video_tokens,reason_ratio,model,deadline_us,server_input_tokens,"
               "arrival_time_us,send_time_us,first_chunk_time_us,last_chunk_time_us,num_chunks,"
               "status,error_message,finish_reason",
}


def line(name, i, ns, prompt, output):
    """The i-th request, `ns` nanoseconds after the first."""
    seconds, rest = divmod(ns, 10**9)
    if name == "azure":
        day, clock = divmod(seconds, 86400)
        return (f"2023-11-{16 + day % 14:02} {clock // 3600:02}:{clock // 60 % 60:02}:"
                f"{clock % 60:02}.{rest // 1000:06}0,{prompt},{output}")
    if name == "burstgpt":
        session = f"1722ac82-0a46-4bf0-aa08-{i:012}" if i % 20 == 0 else ""
        return (f"{seconds}.{rest // 10**8},{session},43,ChatGPT,{prompt},{output},"
                f"{prompt + output},API log")
    if name == "splitwise":
        return f"{i},2,0,{ns / 1e9!r},1,{prompt},{output}"
    if name == "vidur":
        return f"{ns / 1e9!r},{prompt},{output}"
    if name == "tracev2":
        us = ns // 1000
        return (f"{i},c{i % 3},tenant-{i % 7},standard,s{i // 5},0,sys,512,true,{prompt},"
                f"{output},{prompt},0,0,0,0,m,0,0,{us},{us},{us + 7},{us + 90000},{output},ok,,"
                "stop")
    row = f"{seconds}.{rest:09},{prompt},{output}"
    return row + f",r{i},tenant-{i % 7},{i % 3},s{i // 5}" if name == "labelled" else row


def write(path, name, n):
    rng = random.Random(1)
    ns = 0
    with open(path, "w", encoding="ascii") as out:
        out.write(HEADERS[name] + "\n")
        for i in range(n):
            ns += rng.randrange(100_000)
            out.write(line(name, i, ns, rng.randint(1, 8000), rng.randint(1, 1000)) + "\n")


def instructions(binary, path, folder):
    """Without the file's sha256: valgrind hides the instructions that processors have for it."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind", binary,
         path], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    report = subprocess.run(
        ["callgrind_annotate", "--threshold=100", "--auto=no", f"{folder}/callgrind"],
        capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^ *([\d,]+) .*?(PROGRAM TOTALS|libnettle)", report, re.M)
    counts = {"PROGRAM TOTALS": 0, "libnettle": 0}
    for number, name in lines:
        counts[name] += int(number.replace(",", ""))
    return counts["PROGRAM TOTALS"] - counts["libnettle"]


def count(binary, folder):
    counts = {}
    for name in HEADERS:
        sums = []
        for n in (FEW, MANY):
            write(folder / "t.csv", name, n)
            sums.append(instructions(binary, folder / "t.csv", folder))
        counts[name] = round((sums[1] - sums[0]) / (MANY - FEW))
    return counts


def measure(binary, folder):
    """What is slower than it should be."""
    slow = []
    for name, least in LEAST.items():
        path = folder / "t.csv"
        write(path, name, LONG)
        rates = []
        for _ in range(5):
            done = subprocess.run([binary, path], capture_output=True, text=True, check=True)
            seconds = float(re.search(r"rows in ([\d.]+) s", done.stdout).group(1))
            rates.append(LONG / seconds)
        size = path.stat().st_size
        print(f"{name:12} {LONG / 1e6:.0f} million rows, {size / 1e6:.0f} MB: "
              f"{max(rates) / 1e6:.1f} million rows/s (worst {min(rates) / 1e6:.1f})",
              flush=True)
        if max(rates) < least:
            slow.append(f"{name}: less than {least / 1e6:.0f} million rows/s")
    return slow


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="servesim-traces-"))
    try:
        if "--long" in sys.argv:
            worse = measure(binary, folder)
        else:
            recorded = json.loads(RECORDED.read_text(encoding="ascii"))
            counts = count(binary, folder)
            worse = []
            for name, n in counts.items():
                before = recorded.get("trace_rows", {}).get(name)
                print(f"a row of {name:12} {n:6} instructions" +
                      (f", {n / before:.3f} x the recorded {before}" if before else ""))
                if before is None or n > 1.1 * before:
                    worse.append(name)
            if "--record" in sys.argv:
                recorded["trace_rows"] = counts
                RECORDED.write_text(json.dumps(recorded, indent=4) + "\n", encoding="ascii")
                worse = []
            elif "--check" not in sys.argv:
                worse = []
        print("".join(f"worse: {what}\n" for what in worse), end="")
        return 1 if worse else 0
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
