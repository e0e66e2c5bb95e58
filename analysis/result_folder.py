"""result_folder: a folder of results as integers and fractions, for those who check it.

A printed number may be off by half a unit of its last decimal, a sum of printed numbers by
that many halves.
"""

import configparser
import csv
import math
from fractions import Fraction

OWNERS = ("queue_s", "prefill_s", "decode_s", "stall_s", "recompute_s", "transfer_s")


def ns(text):
    """Seconds with nine decimals to integer nanoseconds; None for an empty field."""
    if text == "":
        return None
    whole, fraction = text.split(".")
    assert len(fraction) == 9, text
    return int(whole) * 10**9 + int(fraction)


def half(text):
    """Half a unit of the last decimal that is printed."""
    return Fraction(1, 2 * 10 ** len(text.partition(".")[2]))


def near(text, value, slack=0):
    """Whether `text` is what `value` prints as, give or take `slack`."""
    return abs(Fraction(text) - value) <= half(text) + slack


def total(texts):
    """The sum of printed numbers, and by how much it may be off."""
    texts = list(texts)
    return sum(map(Fraction, texts)), sum(map(half, texts))


def agree(texts, value, slack=0):
    found, room = total(texts)
    return abs(found - value) <= room + slack


class Request:
    """A row of requests.csv in integers."""

    def __init__(self, row):
        self.row, self.id, self.status = row, row["request_id"], row["status"]
        self.output, self.prompt = int(row["output_tokens"]), int(row["prompt_tokens"])
        self.arrival, self.finish = ns(row["arrival_s"]), ns(row["finish_s"])
        self.scheduled, self.first = ns(row["first_scheduled_s"]), ns(row["first_token_s"])
        self.queue, self.ttft, self.e2e = (ns(row[name]) for name in ("queue_s", "ttft_s", "e2e_s"))
        self.tpot, self.gap = ns(row["tpot_s"]), ns(row["max_itl_s"])
        self.owners = [ns(row[name]) for name in OWNERS]
        self.done = self.status == "completed"
        self.preemptions = int(row["preemptions"])
        self.counted = True


def read_rows(path):
    """The rows; a field too many is under None, one that is missing is None."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


HOSTS = {"idle_power": ["host_idle_w"], "tdp": ["host_idle_w", "host_active_w"]}


class ResultFolder:
    """What a run wrote into a folder."""

    def __init__(self, folder):
        config = configparser.ConfigParser(interpolation=None, delimiters=("=",),
                                           comment_prefixes=(";",))
        config.read(folder / "config.ini", encoding="utf-8")
        self.config = config
        self.pools = {name[5:]: config[name] for name in config.sections() if name[:5] == "pool."}
        self.requests = list(map(Request, read_rows(folder / "requests.csv")))
        self.metrics = read_rows(folder / "summary.csv")
        self.summary = {row["metric"]: row["value"] for row in self.metrics}
        self.replicas = read_rows(folder / "replicas.csv")
        self.timeline = read_rows(folder / "timeline.csv")
        self.events = read_rows(folder / "events.csv") if (folder / "events.csv").exists() else []
        self.steps = read_rows(folder / "steps.csv") if (folder / "steps.csv").exists() else None
        self.bill = read_rows(folder / "bill.csv")
        self.tenants = read_rows(folder / "tenants.csv")
        self.sessions = (read_rows(folder / "sessions.csv")
                         if (folder / "sessions.csv").exists() else None)
        self.end = ns(self.summary["simulated_time"])
        self.done = [request for request in self.requests if request.done]
        workload = config["workload"]
        first = Fraction(workload["warmup"]) * 10**9
        last = self.requests[-1].arrival - Fraction(workload["cooldown"]) * 10**9
        for request in self.requests:
            request.counted = first <= request.arrival and (
                workload["cooldown"] == "0" or request.arrival <= last)
        self.counted = [request for request in self.requests if request.counted]
        self.counted_done = [request for request in self.counted if request.done]

    def bounds(self):
        return {name: int(Fraction(self.config["slo"][name]) * 10**6)
                for name in ("ttft_ms", "tpot_ms", "itl_ms", "e2e_ms", "ttfat_ms")}

    def per_gpu(self, pool, key):
        """A figure of the accelerator for a whole replica; 0 if there is none.  Power is that
        of GPUs within [power] power_cap, and of their hosts."""
        section = self.pools[pool]
        n_gpus = math.prod(int(section[f"{kind}_parallel"])
                           for kind in ("tensor", "pipeline", "data"))
        figure = Fraction(section.get(key, "0"))
        if key in HOSTS and "power" in self.config:
            power = self.config["power"]
            figure = min(figure, Fraction(power["power_cap"]) or figure)
            figure += sum(Fraction(power[host]) for host in HOSTS[key])
        return figure * n_gpus

    def through_front_end(self):
        """{request id: when it is through its replica's front end}: one at a time."""
        free, through = {}, {}
        for request in self.requests:
            if request.status != "rejected":
                first, *_ = self.pools.values()
                section = self.pools.get(request.row["pool"], first)
                delay_ns, request_ns = (Fraction(section[name]) * 10**6
                                        for name in ("frontend_ms", "frontend_request_ms"))
                token_ns = Fraction(section["frontend_token_us"]) * 1000
                work_ns = request_ns + math.floor(token_ns * request.prompt + Fraction(1, 2))
                where = request.row["replica"]
                free[where] = max(free.get(where, 0), request.arrival) + work_ns
                through[request.id] = free[where] + delay_ns
        return through

    def lengths(self):
        """Each pool's timeline rows with their lengths in ns."""
        for pool in self.pools:
            before = 0
            for row in (row for row in self.timeline if row["pool"] == pool):
                yield row, ns(row["t_s"]) - before
                before = ns(row["t_s"])

    def integral(self, column, scale=1):
        """The integral of a timeline column over seconds, and by how much it may be off."""
        found = room = Fraction(0)
        for row, length in self.lengths():
            found += Fraction(row[column]) * length / 10**9 * scale
            room += half(row[column]) * length / 10**9 * scale
        return found, room
