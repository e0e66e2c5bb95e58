"""report_run: the folder of one run, as a report needs it."""

import os

import numpy as np
import pandas as pd

from plot_results import SECONDS, Fault, read_config
from report_requests import MOST_NUMBER, Requests, check_end, check_sizes, chunks

MOST_BINS = 200  # of time that a line shows
MOST_EVENTS = 2000  # that are kept of events.csv
RATES = ("running", "waiting", "kv_used_blocks", "kv_total_blocks", "prefill_tokens_per_s",
         "decode_tokens_per_s", "mfu", "mbu", "power_w", "usd_per_h", "replicas")


def read_small(path, *columns):
    """A CSV file that is small by its nature, as text where it is text."""
    check_end(path)
    try:
        table = pd.read_csv(path, keep_default_na=False, na_values=[""],
                            encoding_errors="replace", low_memory=False)
    except (ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        said = " ".join(str(error).split())
        raise Fault(f"{path}: is not a CSV file: {said}.") from None
    for column in columns:
        if column not in table.columns:
            raise Fault(f"{path}: has no column {column}.")
    return table


def numbers_of(table, path, *columns):
    """The same with these columns as numbers; a Fault where one is none."""
    for column in columns:
        values = pd.to_numeric(table[column], errors="coerce")
        bad = table[column][values.isna() & table[column].notna()]
        if len(bad):
            shown = " ".join(str(bad.iloc[0]).split())[:60]
            raise Fault(f"{path}: {column}: '{shown}' is not a number.")
        table[column] = values.astype(float)
    check_sizes(table, columns, path)
    return table


class Timeline:
    """Means over at most MOST_BINS stretches of time, of each pool."""

    def __init__(self, path, end_s):
        self.path, self.pools, self.bins = path, [], {}
        self.width_s, self.end_s, last = None, end_s, {}
        for part in chunks(path, ("t_s", *RATES), ("pool", "bound"), ("mfu", "mbu")):
            if self.width_s is None:
                interval = part["t_s"].iloc[0]
                if not 0 < interval < np.inf:
                    raise Fault(f"{path}: t_s: {interval:g} ends no interval.")
                self.width_s = interval * max(1, np.ceil(end_s / interval / MOST_BINS))
                self.n = max(1, int(np.ceil(end_s / self.width_s - 1e-6)))
            for pool, rows in part.groupby("pool", sort=False):
                if pool not in self.pools:
                    self.pools.append(pool)
                times = rows["t_s"].to_numpy()
                before = np.concatenate(([last.get(pool, 0.0)], times[:-1]))
                if not (times > before).all():
                    raise Fault(f"{path}: t_s of pool {pool} does not grow from row to row.")
                last[pool] = times[-1]
                self.add(pool, rows, before, times)
        if self.width_s is None:
            raise Fault(f"{path}: has no rows.")

    def add(self, pool, rows, before, times):
        at = np.clip(((before + times) / 2 / self.width_s).astype(int), 0, self.n - 1)
        lengths = times - before
        book = self.bins.setdefault(pool, {"seconds": np.zeros(self.n)})
        book["seconds"] += np.bincount(at, weights=lengths, minlength=self.n)
        for name in RATES:
            sums = book.setdefault(name, np.zeros(self.n))
            values = rows[name].fillna(0).to_numpy()
            sums += np.bincount(at, weights=values * lengths, minlength=self.n)
        for bound, rows_at in rows.assign(_at=at, _s=lengths).groupby("bound"):
            sums = book.setdefault(f"bound {bound}", np.zeros(self.n))
            sums += np.bincount(rows_at["_at"], weights=rows_at["_s"], minlength=self.n)

    def starts(self):
        return np.arange(self.n) * self.width_s

    def mean(self, name, pool=None):
        """Per stretch; of all pools together without one.  NaN where there is no row."""
        pools = [pool] if pool is not None else self.pools
        total = np.zeros(self.n)
        known = np.zeros(self.n, dtype=bool)
        for each in pools:
            seconds = self.bins[each]["seconds"]
            there = seconds > 0
            values = self.bins[each].get(name, np.zeros(self.n))
            total[there] += values[there] / seconds[there]
            known |= there
        return np.where(known, total, np.nan)


class Run:
    """What 'servesim run -o' wrote into a folder."""

    def __init__(self, folder, label):
        self.folder, self.label = folder, label
        for name in ("summary.csv", "config.ini", "requests.csv", "timeline.csv",
                     "replicas.csv"):
            if not os.path.isfile(self.path(name)):
                raise Fault(f"{folder}: holds no {name}; expected a folder that 'servesim run "
                            f"-o' wrote.")
        self.config = read_config(self.path("config.ini"))
        self.version = self.read_version()
        summary = read_small(self.path("summary.csv"), "metric", "value")
        self.summary = {str(row.metric): "" if row.value != row.value else str(row.value)
                        for row in summary.itertuples()}
        self.end_s = self.value("simulated_time")
        if not 0 < self.end_s < MOST_NUMBER:
            raise Fault(f"{self.path('summary.csv')}: simulated_time: "
                        f"'{self.summary.get('simulated_time', '')}' is no time above 0.")
        self.requests = Requests(self.path("requests.csv"), self.end_s)
        injected = self.value("injected_requests")
        if injected == injected and injected != self.requests.n_rows:
            raise Fault(f"{self.path('requests.csv')}: has {self.requests.n_rows} rows, but "
                        f"summary.csv tells of {injected:.0f} requests: a file was cut off "
                        f"or is of another run.")
        self.timeline = Timeline(self.path("timeline.csv"), self.end_s)
        path = self.path("replicas.csv")
        bounds = [f"{name}_bound_share" for name in
                  ("compute", "weight", "kv", "network", "overhead")]
        columns = ("busy_s", "idle_s", "starting_s", "failed_s", "peak_kv_used_fraction",
                   *bounds)
        self.replicas = numbers_of(read_small(path, "replica", "pool", *columns), path,
                                   *columns)
        self.bill = self.table("bill.csv", ("item", "pool"), ("usd", "energy_j", "gpu_s"))
        self.tenants = self.table(
            "tenants.csv", ("tenant",), ("requests", "completed", "slo_met", "input_tokens",
                                         "output_tokens", "attributed_usd",
                                         "with_overhead_usd", "energy_j"))
        self.events = self.table("events.csv", ("pool", "replica", "event", "detail"),
                                 ("t_s",))
        self.n_events = len(self.events)
        self.events = self.events.head(MOST_EVENTS)

    def path(self, name):
        return os.path.join(self.folder, name)

    def table(self, name, texts, numbers):
        """An optional file; an empty table where there is none."""
        path = self.path(name)
        if not os.path.isfile(path):
            return pd.DataFrame(columns=[*texts, *numbers])
        table = numbers_of(read_small(path, *texts, *numbers), path, *numbers)
        for column in texts:
            table[column] = table[column].fillna("").astype(str)
        return table

    def read_version(self):
        """From the first line of config.ini: "... of a run of servesim 0.1.0: ..."."""
        with open(self.path("config.ini"), encoding="utf-8", errors="replace") as file:
            words = file.readline().split("servesim ")
        return words[1].split(":")[0].strip() if len(words) > 1 else ""

    def value(self, name):
        """A number of the summary, or NaN."""
        return float(pd.to_numeric(self.summary.get(name, ""), errors="coerce"))

    def pools(self):
        """{name: its settings}."""
        return {name[5:]: self.config[name] for name in self.config.sections()
                if name.startswith("pool.")}

    def slo(self):
        """{"ttft": seconds, ...} of the bounds that there are."""
        found = {}
        for name in ("ttft", "tpot", "itl", "e2e"):
            text = self.config.get("slo", f"{name}_ms", fallback="0").strip()
            number = text.rstrip("nusmih").strip()
            unit = text[len(number):].strip() or "ms"
            try:
                seconds = float(number) * SECONDS[unit]
            except (ValueError, KeyError):
                raise Fault(f"{self.path('config.ini')}: {name}_ms: '{text[:60]}' is not a "
                            f"time.") from None
            if seconds > 0:
                found[name] = seconds
        return found
