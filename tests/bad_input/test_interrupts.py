#!/usr/bin/env python3
"""interrupts: Ctrl-C and SIGTERM end a run with a sentence, exit 1 and nothing left."""

import signal
import subprocess
import time

import broken
from broken import FAILED, HEADER

DRAIN = HEADER + "0.0137,7,100000000\n" * 251
ROWS = HEADER + "".join(f"{i}.0137,7,3\n" for i in range(4099))


def begin(folder, arguments):
    return subprocess.Popen([broken.SERVESIM, *arguments], cwd=folder,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def wait_until_it_writes(process, folder):
    """Whether the run got as far as its temporary folder and is still at it."""
    end = time.monotonic() + broken.MOST_S
    while process.poll() is None and time.monotonic() < end:
        if list(folder.glob("out.tmp.*")):
            time.sleep(0.05)
            return process.poll() is None
        time.sleep(0.002)
    return False


def interrupt_faults(number, arguments, expected):
    """A run of hours gets the signal while it writes."""
    with broken.work_folder() as folder:
        broken.make(folder, {**broken.FILES, "day.csv": ROWS, "drain.csv": DRAIN,
                             "out/config.ini": "mine"})
        before = broken.picture(folder)
        process = begin(folder, arguments)
        try:
            if not wait_until_it_writes(process, folder):
                yield f"it ended before the signal: exit {process.poll()}"
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=broken.MOST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            yield f"it went on for {broken.MOST_S} s after the signal"
            return
        if (process.returncode, stdout, stderr.decode()) != (FAILED, b"", expected):
            yield f"exit {process.returncode}: {stdout!r} {stderr!r}"
        yield from broken.left_faults(before, folder)


def main():
    report = broken.Report()
    expected = "servesim: interrupted: nothing was written\n"
    arguments = ["run", "linear.ini", "-q", "-o", "out", "--overwrite", "-s",
                 "workload.repeat=100000"]
    drain = ["run", "linear.ini", "-q", "-o", "out", "--overwrite", "--stepwise", "-s",
             "workload.trace=drain.csv", "-s", "pool.main.num_gpu_blocks=100000000"]
    for number in (signal.SIGINT, signal.SIGTERM):
        report.add(f"{number.name}_after_the_last_arrival",
                   interrupt_faults(number, drain, expected))
        for options in ([], ["--stepwise"], ["-s", "output.steps=yes"]):
            report.add("_".join([number.name, "in_a_run", *options]),
                       interrupt_faults(number, arguments + options, expected))
    report.end()


if __name__ == "__main__":
    main()
