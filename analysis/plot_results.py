"""plot_results: the files of one result folder, as plot.py needs them.

What is missing or is something else raises a Fault that says so in one sentence.
"""

import configparser
import os
import re

import pandas as pd

FILES = ("requests.csv", "timeline.csv", "replicas.csv", "summary.csv", "config.ini")
SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600}
OWNERS = ("queue", "prefill", "decode", "stall", "recompute", "transfer")
BOUNDS = ("compute", "weight", "kv", "network", "overhead")
TIMELINE = (
    "running",
    "waiting",
    "kv_used_blocks",
    "kv_total_blocks",
    "prefill_tokens_per_s",
    "decode_tokens_per_s",
)


class Fault(Exception):
    """What is wrong with the folder, in one sentence."""


def read_config(path):
    config = configparser.ConfigParser(
        interpolation=None, inline_comment_prefixes=(";",), strict=False
    )
    try:
        config.read(path, encoding="utf-8")
    except configparser.Error as error:
        raise Fault(f"{path}: is not an INI file: {str(error).splitlines()[0]}")
    return config


def read_table(path):
    try:
        return pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise Fault(f"{path}: is not a CSV file: {str(error).strip()}")


class Results:
    """The files of one folder."""

    def __init__(self, folder):
        self.folder = folder
        if not os.path.isdir(folder):
            raise Fault(f"{folder}: there is no such folder.")
        for name in FILES:
            if not os.path.isfile(os.path.join(folder, name)):
                raise Fault(
                    f"{folder}: holds no {name}; expected a folder that 'servesim run -o' wrote."
                )
        self.config = read_config(os.path.join(folder, "config.ini"))
        owners = [f"{name}_s" for name in OWNERS]
        bounds = [f"{name}_bound_share" for name in BOUNDS]
        latencies = ("arrival_s", "ttft_s", "e2e_s")
        self.requests = self.table("requests.csv", "status", *latencies, *owners)
        self.timeline = self.table("timeline.csv", "t_s", *TIMELINE)
        self.replicas = self.table("replicas.csv", "busy_s", "peak_kv_used_fraction", *bounds)
        summary = self.table("summary.csv", "metric", "value")
        self.summary = dict(zip(summary["metric"], summary["value"]))
        self.done = self.requests[self.requests["status"] == "completed"]
        if self.done.empty:
            raise Fault(f"{folder}/requests.csv: no request completed: there is nothing to draw.")

    def table(self, name, *columns):
        path = os.path.join(self.folder, name)
        table = read_table(path)
        for column in columns:
            if column not in table.columns:
                raise Fault(f"{path}: has no column {column}.")
        if table.empty:
            raise Fault(f"{path}: has no rows.")
        return table

    def value(self, name):
        """A number of the summary, or NaN."""
        return pd.to_numeric(self.summary.get(name), errors="coerce")

    def slo_s(self, key):
        """A bound of [slo] in seconds, or None."""
        text = self.config.get("slo", key, fallback="0")
        match = re.fullmatch(r"([0-9.]+) ?(ns|us|ms|s|min|h)?", text)
        if match is None:
            raise Fault(f"{self.folder}/config.ini: {key}: '{text}' is not a time.")
        return float(match[1]) * SECONDS[match[2] or "ms"] or None

    def pool(self):
        """Name and settings of the pool."""
        for section in self.config.sections():
            if section.startswith("pool."):
                return section[len("pool.") :], self.config[section]
        raise Fault(f"{self.folder}/config.ini: has no [pool.NAME] section.")
