"""servesim: runs of the simulator from Python, and their results as pandas tables.

    import servesim

    result = servesim.run("configs/examples/demo.ini", pool__main__policy="sarathi")
    result.metric("p99_ttft_ms")
    result.requests.groupby("tenant")["ttft_s"].median()
    servesim.plot(result, "run.png")

Put the folder of this file on PYTHONPATH.  The program is $SERVESIM, or the one installed
with this file, or `servesim` on the PATH, or build/release/servesim of the source tree.
What the program refuses raises `Error` with its sentence; its warnings are Python warnings.
Times are floats in seconds, as the names of the columns say.

A configuration is the path of an INI file, or a dict of sections, {"pool.main": {"model":
"llama-3.1-8b", ...}, ...}.  Single keys are set with a dict, {"pool.main.replicas": 4}, or as
keywords with two underscores for each dot, pool__main__replicas=4.

Needs Debian's python3-pandas, and python3-matplotlib for plot().
"""

import configparser
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
import weakref
from pathlib import Path

import pandas as pd

__all__ = ["Error", "Result", "Study", "capacity", "compare", "diff", "gen", "plot", "program",
           "read", "roofline", "run", "sweep"]

HERE = Path(__file__).resolve().parent

TEXTS = {"request_id", "status", "pool", "tenant", "session_id", "reason", "event", "detail",
         "kind", "bound", "item", "name", "unit", "metric", "variant", "column", "winner",
         "calibration", "error", "load_verdict", "price_basis", "power_model"}
INTEGERS = {"prompt_tokens", "output_tokens", "cached_tokens", "replica", "preemptions",
            "priority", "attempts", "prefill_replica", "requests", "completed", "slo_met",
            "input_tokens", "replicas", "steps", "step", "peak_batch", "tokens", "context",
            "blocks", "preempted", "point", "gpus", "pareto", "wins", "best"}


class Error(Exception):
    """What the program or a file refused, in one sentence; `code` is the exit status."""

    def __init__(self, sentence, code=1):
        super().__init__(sentence)
        self.code = code


def program() -> str:
    """The path of the program."""
    named = os.environ.get("SERVESIM")
    if named:
        return named
    is_installed = HERE.parts[-3:] == ("share", "servesim", "analysis")
    places = [HERE.parents[2] / "bin/servesim" if is_installed else None,
              shutil.which("servesim"), HERE.parent / "build/release/servesim",
              HERE.parent / "build/dev/servesim"]
    for place in places:
        if place and Path(place).is_file() and os.access(place, os.X_OK):
            return str(place)
    raise Error("there is no program: set SERVESIM to its path, or build build/release/servesim")


def _word(value) -> str:
    """A value as a configuration has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_word, value))
    return str(value)


def _settings(settings, keywords) -> list:
    """-s section.key=value, of a dict and of keywords."""
    pairs = dict(settings or {})
    pairs.update({name.replace("__", "."): value for name, value in keywords.items()})
    for name in pairs:
        if "." not in name:
            raise Error(f"{name}: a key is section.key, as in 'pool.main.replicas', or "
                        "pool__main__replicas as a keyword")
    return [word for name, value in pairs.items() for word in ("-s", f"{name}={_word(value)}")]


def _execute(words, place=None):
    """Runs the program.  What it says of a file in a temporary place is said without it."""
    try:
        done = subprocess.run([program(), *map(str, words)], stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              encoding="utf-8")
    except OSError as error:
        raise Error(f"{program()}: cannot be run: {error.strerror}") from None
    said = done.stderr
    if place is not None and "scratch" in vars(place):
        said = said.replace(f"{place.scratch}/", "")
    told = [line.removeprefix("servesim: ") for line in said.splitlines() if line]
    if done.returncode != 0:
        raise Error(told[0] if told else f"exit status {done.returncode}", done.returncode)
    for line in told:
        warnings.warn(line.removeprefix("warning: "), stacklevel=3)


class _Place:
    """A folder that is the caller's, or one that goes when nobody needs it any more."""

    def __init__(self, out):
        self.path = self.scratch / "out" if out is None else Path(out)

    @functools.cached_property
    def scratch(self) -> Path:
        """A folder that is removed with this."""
        folder = tempfile.mkdtemp(prefix="servesim-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)


def _config_path(config, place) -> Path:
    """The file of a configuration; a dict is written beside the results."""
    if not isinstance(config, dict):
        return Path(config)
    path = place.scratch / "config.ini"
    lines = []
    for section, keys in config.items():
        lines += [f"[{section}]", *(f"{key} = {_word(value)}" for key, value in keys.items()), ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _read_csv(path) -> pd.DataFrame:
    """A table with the right types: missing integers are <NA>, missing times NaN."""
    try:
        columns = pd.read_csv(path, nrows=0).columns
        texts = {name: str for name in columns if name in TEXTS}
        table = pd.read_csv(path, dtype=texts, keep_default_na=False,
                            na_values={name: [""] for name in columns if name not in TEXTS})
    except FileNotFoundError:
        raise Error(f"{path}: is not there") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise Error(f"{path}: is not a CSV file: {str(error).strip()}") from None
    for name in table.columns:
        if name == "slo_met" and "request_id" in table.columns:
            table[name] = table[name].astype("boolean")
        elif name in INTEGERS and pd.api.types.is_numeric_dtype(table[name]):
            whole = table[name].dropna()
            if (whole == whole.round()).all():
                table[name] = table[name].astype("Int64")
    return table


class _Folder:
    """Tables are read when they are first asked for."""

    def __init__(self, folder, place=None):
        self.folder = Path(folder)
        self._place = place  # a temporary folder lives as long as this
        if not self.folder.is_dir():
            raise Error(f"{self.folder}: there is no such folder")

    def read(self, name) -> pd.DataFrame:
        """A CSV file of the folder."""
        return _read_csv(self.folder / name)

    @property
    def files(self) -> list:
        return sorted(path.name for path in self.folder.iterdir())

    @functools.cached_property
    def config(self) -> configparser.ConfigParser:
        """config.ini: every value in force, as text."""
        config = configparser.ConfigParser(interpolation=None, delimiters=("=",),
                                           comment_prefixes=(";",), strict=False)
        config.read(self.folder / "config.ini", encoding="utf-8")
        return config

    def save(self, folder) -> Path:
        """Copies the folder to a place of its own, which must not exist."""
        return Path(shutil.copytree(self.folder, folder))

    def plot(self, path, kind=None):
        """plot() of it."""
        return plot(self, path, kind)

    def __repr__(self):
        return f"<{type(self).__name__} {self.folder}>"


class Result(_Folder):
    """What one run wrote.  Tables that it did not write (events, sessions, steps) are None."""

    def _table(self, name):
        return self.read(name) if (self.folder / name).exists() else None

    @functools.cached_property
    def _summary(self):
        return self.read("summary.csv")

    @functools.cached_property
    def summary(self) -> pd.Series:
        """Every metric by its name: floats, None where there is none, and texts."""
        values = []
        for text in self._summary["value"].astype("string").fillna(""):
            try:
                values.append(float(text) if text else None)
            except ValueError:
                values.append(text)
        return pd.Series(values, index=self._summary["metric"], name="value", dtype=object)

    @functools.cached_property
    def units(self) -> pd.Series:
        """The unit of every metric, "" for pure numbers."""
        return self._summary.set_index("metric")["unit"]

    def metric(self, name) -> float:
        """A number of the summary; NaN where the run has none."""
        if name not in self.summary.index:
            raise Error(f"{self.folder}/summary.csv: has no metric {name}")
        value = self.summary[name]
        if isinstance(value, str):
            raise Error(f"{name}: '{value}' is no number; see .summary")
        return float("nan") if value is None else value

    @functools.cached_property
    def requests(self) -> pd.DataFrame:
        return self.read("requests.csv")

    @functools.cached_property
    def timeline(self) -> pd.DataFrame:
        return self.read("timeline.csv")

    @functools.cached_property
    def replicas(self) -> pd.DataFrame:
        return self.read("replicas.csv")

    @functools.cached_property
    def bill(self) -> pd.DataFrame:
        return self.read("bill.csv")

    @functools.cached_property
    def tenants(self):
        return self._table("tenants.csv")

    @functools.cached_property
    def sessions(self):
        return self._table("sessions.csv")

    @functools.cached_property
    def events(self):
        return self._table("events.csv")

    @functools.cached_property
    def steps(self):
        return self._table("steps.csv")


class Study(_Folder):
    """What a study wrote: `table` is sweep.csv, capacity.csv or compare.csv."""

    NAMES = ("sweep.csv", "capacity.csv", "compare.csv", "machine.csv")

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        for name in self.NAMES:
            if (self.folder / name).exists():
                return self.read(name)
        raise Error(f"{self.folder}: holds none of {', '.join(self.NAMES)}")


def run(config, settings=None, *, out=None, overwrite=False, stepwise=False, trace_json=False,
        **keywords) -> Result:
    """Simulates `config` and reads what came out.  Without `out` the results are in a
    temporary folder that goes with the Result; Result.save() keeps them."""
    place = _Place(out)
    words = ["run", _config_path(config, place), "-q", "-o", place.path,
             *_settings(settings, keywords)]
    words += ["--overwrite"] * overwrite + ["--stepwise"] * stepwise
    words += ["--trace-json"] * trace_json
    _execute(words, place)
    return Result(place.path, place)


def _axes(over) -> list:
    """--over of a dict: {"pool.main.replicas": [1, 2]} or "1..8"; keys that vary together are
    "slo.ttft_ms+slo.tpot_ms": [(500, 50), (1000, 30)]."""
    words = []
    for name, values in (over or {}).items():
        if not isinstance(values, str):
            values = [":".join(map(_word, value)) if isinstance(value, tuple) else _word(value)
                      for value in values]
            if any("," in value for value in values):
                raise Error(f"{name}: a value to vary cannot have a comma")
            values = ",".join(values)
        words += ["--over", f"{name}={values}"]
    return words


def _study(command, config, over, settings, keywords, out, overwrite, jobs, more=()) -> Study:
    place = _Place(out)
    words = [command, _config_path(config, place), "-o", place.path, *_axes(over), *more,
             *_settings(settings, keywords)]
    words += ["--overwrite"] * overwrite + (["-j", jobs] if jobs is not None else [])
    _execute(words, place)
    return Study(place.path, place)


def sweep(config, over=None, settings=None, *, jobs=None, out=None, overwrite=False,
          **keywords) -> Study:
    """Every combination of the values of `over`, or of the section [over]: `table` has a row
    per point.  With `out` an interrupted sweep goes on where it ended."""
    return _study("sweep", config, over, settings, keywords, out, overwrite, jobs, ("-q",))


def compare(config, over=None, settings=None, *, jobs=None, out=None, overwrite=False,
            **keywords) -> Study:
    """Variants of one configuration on the same trace."""
    return _study("compare", config, over, settings, keywords, out, overwrite, jobs)


def capacity(config, over=None, settings=None, *, jobs=None, out=None, overwrite=False,
             **keywords) -> Study:
    """The highest rate at which every variant does what [slo] asks."""
    return _study("capacity", config, over, settings, keywords, out, overwrite, jobs)


def roofline(config, settings=None, *, out=None, overwrite=False, **keywords) -> Study:
    """What the step model says of one replica, without a trace: read("decode.csv") ..."""
    return _study("roofline", config, None, settings, keywords, out, overwrite, None)


def gen(workload, out, settings=None, **keywords) -> Path:
    """Generates the trace that a workload's description stands for."""
    _execute(["gen", workload, "-o", out, *_settings(settings, keywords)])
    return Path(out)


def diff(before, after) -> pd.DataFrame:
    """What changed between two runs: the table of `servesim diff`."""
    folders = [run.folder if isinstance(run, _Folder) else run for run in (before, after)]
    with tempfile.TemporaryDirectory(prefix="servesim-") as place:
        path = Path(place) / "diff.csv"
        _execute(["diff", *folders, "-q", "-o", path])
        return pd.read_csv(path, dtype={"before": str, "after": str, "better": str},
                           keep_default_na=False, na_values={"change": [""], "percent": [""]})


def read(folder):
    """A folder that `servesim run -o` wrote as a Result, that of a study as a Study."""
    is_run = (Path(folder) / "requests.csv").exists()
    return Result(folder) if is_run or not Path(folder).is_dir() else Study(folder)


def plot(what, path, kind=None) -> Path:
    """Draws a result, a study or a folder into a .png or .svg file.

    `kind` is "run", "policies", "generations" or "roofline"; by default it is the one that
    the files of the folder are for."""
    if str(HERE) not in sys.path:
        sys.path.append(str(HERE))
    folder = what.folder if isinstance(what, _Folder) else Path(what)
    kinds = {"run": "summary.csv", "policies": "sweep.csv", "generations": "capacity.csv",
             "roofline": "machine.csv"}
    if kind is None:
        kind = next((name for name, file in kinds.items() if (folder / file).exists()), None)
    if kind not in kinds:
        raise Error(f"{folder}: there is no picture for it: expected one of "
                    f"{', '.join(kinds.values())}")
    if Path(path).suffix not in (".png", ".svg"):
        raise Error(f"{path}: the name of a picture ends with .png or .svg")
    try:
        if kind == "run":
            import plot as run_picture
            run_picture.draw(run_picture.Results(str(folder)), str(path))
        elif kind == "roofline":
            import plot_roofline
            plot_roofline.draw(plot_roofline.Machine(str(folder)), str(path))
        else:
            import plot_studies
            plot_studies.save(kind, str(folder), str(path))
    except SystemExit as error:  # how the scripts say what is wrong
        raise Error(str(error.code).partition(": ")[2]) from None
    except Exception as error:
        if type(error).__name__ == "Fault":
            raise Error(str(error).rstrip(".")) from None
        raise
    return Path(path)
