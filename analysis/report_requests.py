"""report_requests: requests.csv of any length as the few numbers that a page shows.

It is read once, CHUNK rows at a time.  Latencies are counted in buckets that are 0.2 % wide
(1 % where they are also told apart by time), and what belongs to a bucket is added up, so
that memory does not grow with the file: about 15 MB of counts and a chunk of some 60 MB.
"""

import os

import numpy as np
import pandas as pd

from plot_results import Fault
from report_text import OWNERS

CHUNK = 100_000
MOST_NUMBER = 1e18
LATENCIES = ("ttft_s", "tpot_s", "e2e_s", "queue_s", "max_itl_s")
NUMBERS = ("arrival_s", "prompt_tokens", "output_tokens", "cached_tokens", "preemptions",
           *LATENCIES, *(f"{name}_s" for name in OWNERS if name != "queue"))
TEXTS = ("request_id", "status", "tenant", "reason", "replica")
OPTIONAL = ("tenant", "reason", "cached_tokens", "max_itl_s")
SLOWEST = 12
N_TIMES = 96
FEW = 6  # requests of a stretch of time: fewer have no percentiles to speak of
QUANTILES = np.concatenate((np.linspace(0, 0.98, 99), np.linspace(0.9825, 0.999, 40),
                            [0.9995, 1]))


class Buckets:
    """Positive numbers as indexes of buckets, each `step` times as wide as the one before."""

    def __init__(self, step, least=1e-7, most=1e8):
        self.log, self.least = np.log(step), least
        self.n = int(np.ceil(np.log(most / least) / self.log)) + 2

    def index(self, values):
        with np.errstate(divide="ignore"):
            at = np.floor(np.log(np.asarray(values) / self.least) / self.log) + 1
        return np.clip(np.nan_to_num(at, neginf=0), 0, self.n - 1).astype(np.int64)

    def value(self, index):
        """The middle of a bucket; the lowest holds zeros."""
        return np.where(index == 0, 0.0,
                        self.least * np.exp((np.asarray(index) - 0.5) * self.log))


FINE, COARSE = Buckets(1.002), Buckets(1.01)


class Counts:
    """How many values fell into each bucket."""

    def __init__(self, buckets=FINE):
        self.buckets, self.counts = buckets, np.zeros(buckets.n, dtype=np.int64)
        self.least, self.most = np.inf, 0.0

    def add(self, values):
        values = values[~np.isnan(values)]
        if len(values):
            self.counts += np.bincount(self.buckets.index(values), minlength=self.buckets.n)
            self.least, self.most = min(self.least, values.min()), max(self.most, values.max())

    @property
    def n(self):
        return int(self.counts.sum())

    def quantiles(self, shares):
        """By nearest rank, as summary.csv has them, to the width of a bucket."""
        ranks = np.maximum(np.ceil(np.asarray(shares) * self.n), 1)
        found = self.buckets.value(np.searchsorted(np.cumsum(self.counts), ranks))
        return np.clip(found, self.least, self.most)


class Sums:
    """What requests had, added up by the bucket of one latency: who is slow, and why."""

    COLUMNS = (*(f"{name}_s" for name in OWNERS), "prompt_tokens", "output_tokens",
               "preemptions", "e2e_s", "ttft_s")

    def __init__(self, column):
        self.column = column
        self.counts = np.zeros(FINE.n, dtype=np.int64)
        self.sums = {name: np.zeros(FINE.n) for name in self.COLUMNS}

    def add(self, rows):
        at = FINE.index(rows[self.column].fillna(0).to_numpy())
        self.counts += np.bincount(at, minlength=FINE.n)
        for name in self.COLUMNS:
            self.sums[name] += np.bincount(at, weights=rows[name].fillna(0).to_numpy(),
                                           minlength=FINE.n)

    def group(self, low, high):
        """Means over the requests between two quantiles, and how many they are; the buckets
        at the edges are taken in proportion."""
        total = self.counts.sum()
        ends = np.cumsum(self.counts)
        begins = ends - self.counts
        taken = np.clip(np.minimum(ends, high * total) - np.maximum(begins, low * total), 0,
                        None)
        n = taken.sum()
        share = np.divide(taken, self.counts, out=np.zeros(FINE.n), where=self.counts > 0)
        means = {name: float((sums * share).sum() / n) if n else 0.0
                 for name, sums in self.sums.items()}
        return means, float(n)


def check_end(path):
    """A file that somebody cut off does not end with the end of a line."""
    try:
        with open(path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                raise Fault(f"{path}: the last line is not whole: the file was cut off.")
    except OSError as error:
        what = "is empty" if os.path.isfile(path) else f"cannot be read: {error.strerror}"
        raise Fault(f"{path}: {what}.") from None


def check_sizes(table, names, path):
    """No run writes infinities, or numbers that a sum of some of them could make one of."""
    for name in names:
        bad = table[name][table[name].abs() > MOST_NUMBER]
        if len(bad):
            raise Fault(f"{path}: {name}: {bad.iloc[0]:g} is no number that a run writes.")


def chunks(path, numbers, texts, optional=(), rows=CHUNK):
    """The file's rows, so many at a time: numbers as floats, all else as text."""
    check_end(path)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            header = file.readline().rstrip("\r\n").split(",")
        for name in (*numbers, *texts):
            if name not in header and name not in optional:
                raise Fault(f"{path}: has no column {name}.")
        numbers = [name for name in numbers if name in header]
        there = [name for name in (*numbers, *texts) if name in header]
        table = pd.read_csv(path, usecols=there, chunksize=rows, keep_default_na=False,
                            na_values={name: [""] for name in numbers},
                            dtype={name: float if name in numbers else str for name in there},
                            encoding_errors="replace")
        for part in table:
            check_sizes(part, numbers, path)
            for name in optional:
                if name not in part:
                    part[name] = "" if name in texts else np.nan
            yield part
    except (ValueError, pd.errors.ParserError, OSError) as error:
        said = " ".join(str(error).split())
        raise Fault(f"{path}: is not the CSV file it should be: {said}.") from None


class Requests:
    """What a page shows of requests.csv; `end_s` is when the run ended."""

    def __init__(self, path, end_s):
        self.end_s = end_s
        self.n_rows = 0
        self.statuses, self.tenants = {}, set()
        self.latencies = {name: Counts() for name in LATENCIES}
        self.tokens = {name: Counts() for name in ("prompt_tokens", "output_tokens")}
        self.by_time = {name: np.zeros((N_TIMES, COARSE.n), dtype=np.int32)
                        for name in ("ttft_s", "tpot_s", "max_itl_s")}
        self.sums = {name: Sums(name) for name in ("e2e_s", "ttft_s")}
        self.slowest = {name: [] for name in self.sums}
        self.arrivals = np.zeros(N_TIMES)
        for part in chunks(path, NUMBERS, TEXTS, OPTIONAL):
            self.add(part)
        if self.n_rows == 0:
            raise Fault(f"{path}: has no rows.")
        self.slowest = {name: pd.concat(parts) if parts else pd.DataFrame()
                        for name, parts in self.slowest.items()}

    def add(self, part):
        self.n_rows += len(part)
        times = np.clip(part["arrival_s"].fillna(0) / self.end_s * N_TIMES, 0, N_TIMES - 1)
        times = times.astype(int).to_numpy()
        self.arrivals += np.bincount(times, minlength=N_TIMES)
        for key, n in part.groupby(["status", "reason"], sort=True).size().items():
            self.statuses[key] = self.statuses.get(key, 0) + int(n)
        is_done = (part["status"] == "completed").to_numpy()
        done, times = part[is_done], times[is_done]
        for name, counts in (*self.latencies.items(), *self.tokens.items()):
            counts.add(done[name].to_numpy())
        for name, grid in self.by_time.items():
            values = done[name].to_numpy()
            known = ~np.isnan(values)
            np.add.at(grid, (times[known], COARSE.index(values[known])), 1)
        for name, sums in self.sums.items():
            sums.add(done)
            kept = pd.concat([*self.slowest[name], done.nlargest(SLOWEST, name)])
            self.slowest[name] = [kept.nlargest(SLOWEST, name)]

    @property
    def n_completed(self):
        return sum(n for (status, _), n in self.statuses.items() if status == "completed")

    def over_time(self, name, share):
        """(middle of each stretch of time in s, quantile or None where nobody arrived); the
        fewer requests, the longer the stretches."""
        arrived = max(1, np.count_nonzero(self.arrivals))
        per_stretch = self.latencies[name].n / arrived
        width = next((n for n in (1, 2, 3, 4, 6, 8, 12) if n * per_stretch >= FEW), 16)
        grid = self.by_time[name].reshape(N_TIMES // width, width, -1).sum(axis=1)
        found = []
        for i, counts in enumerate(grid):
            n = counts.sum()
            at = np.searchsorted(np.cumsum(counts), max(np.ceil(share * n), 1)) if n else 0
            middle = (i + 0.5) * self.end_s * width / N_TIMES
            found.append((middle, float(COARSE.value(at)) if n else None))
        return found
