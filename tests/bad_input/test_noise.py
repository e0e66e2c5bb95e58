#!/usr/bin/env python3
"""noise: random bytes as a trace or a configuration are refused in one sentence, and a good
file with a few wrong bytes is read or refused: never a crash, a hang or a rest on the disk.
"""

import gzip
import random

import broken
from broken import DONE, FAILED, HEADER, LINEAR, TRACE

SEEDS = range(20)
N_BYTES = 100_000
READ = ["run", "linear.ini", "-q", "-o", "out", "-s", "workload.trace=noise"]


def outcome_faults(content, arguments, codes):
    with broken.work_folder() as folder:
        broken.make(folder, {**broken.FILES, "noise": content})
        before = broken.picture(folder)
        code, stdout, stderr = broken.execute(arguments, folder)
        if code not in codes:
            yield f"exit {code}: {stderr[:300]!r}"
        if code == FAILED:
            yield from broken.sentence_faults(stderr)
            yield from broken.left_faults(before, folder)
        if stdout != b"":
            yield f"on standard output: {stdout[:200]!r}"


def damaged(content, source):
    """One to five bytes of the content replaced, dropped or doubled."""
    content = bytearray(content)
    for _ in range(source.randint(1, 5)):
        at = source.randrange(len(content))
        how = source.randrange(3)
        content[at:at + 1] = ([source.randrange(256)] if how == 0 else
                              [] if how == 1 else [content[at]] * 2)
    return bytes(content)


def main():
    report = broken.Report()
    skip = ["-s", "workload.on_bad_row=skip"]
    config = ["run", "noise", "-q", "-o", "out"]
    for seed in SEEDS:
        source = random.Random(seed)
        noise = source.randbytes(N_BYTES)
        lines = HEADER.encode() + noise
        either = (DONE, FAILED)
        for name, content, arguments, codes in (
                ("bytes_as_a_trace", noise, READ, (FAILED,)),
                ("bytes_as_rows", lines, READ, (FAILED,)),
                ("bytes_as_rows_to_be_skipped", lines, READ + skip, (FAILED,)),
                ("bytes_behind_the_mark_of_gzip", b"\x1f\x8b\x08" + noise, READ, (FAILED,)),
                ("bytes_behind_the_mark_of_zstd", b"\x28\xb5\x2f\xfd" + noise, READ,
                 (FAILED,)),
                ("bytes_as_a_config", noise, config, (FAILED,)),
                ("a_damaged_trace", damaged(TRACE.encode(), source), READ, either),
                ("a_damaged_gzip_trace",
                 damaged(gzip.compress(TRACE.encode(), mtime=0), source), READ, either),
                ("a_damaged_config", damaged(LINEAR.encode(), source), config, either)):
            report.add(f"{name}_{seed}", outcome_faults(content, arguments, codes))
    report.end()


if __name__ == "__main__":
    main()
