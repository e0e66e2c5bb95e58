"""report writes one page that is whole, the same each time, escapes everything that a user may
have written, and says in one sentence what is wrong with a folder."""

import csv
import html.parser
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

SERVESIM = os.path.abspath(os.environ.get("SERVESIM", "build/dev/servesim"))
EVIL = "<script>alert('x')</script>"
EVIL_NAME = "<img src=x onerror=alert(1)>"


def read_text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write_text(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Page(html.parser.HTMLParser):
    """The tags of a page, its visible text, and its scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.scripts, self.open = [], "", [], None
        self.stack, self.unclosed = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open = tag
        if tag not in ("meta", "link"):
            self.stack.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.open = None
        if not self.stack or self.stack.pop() != tag:
            self.unclosed.append(tag)

    def handle_data(self, data):
        if self.open == "script":
            self.scripts[-1] += data
        elif self.open != "style":
            self.text += data

    def charts(self):
        return json.loads(self.scripts[0])


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="servesim-report-")
        cls.run_folder = os.path.join(cls.folder, "out")
        trace = os.path.join(cls.folder, "trace.csv")
        with open(trace, "w", encoding="utf-8") as file:
            file.write("arrival_s,prompt_tokens,output_tokens,tenant\n")
            for i in range(337):
                tenant = EVIL if i % 3 else "chat & code"
                file.write(f"{i * 0.0137:.4f},{40 + i * 4099 % 1999},{1 + i * 919 % 137},"
                           f"{tenant}\n")
        cls.trace = trace
        cls.servesim("run", "configs/examples/demo.ini", "-q", "-o", cls.run_folder, "-s",
                     f"workload.trace={trace}", "-s", "output.interval=100ms")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @staticmethod
    def servesim(*arguments, check=True):
        return subprocess.run([SERVESIM, *arguments], capture_output=True, text=True,
                              check=check)

    def path(self, name):
        return os.path.join(self.folder, name)

    def report(self, *folders, name="a.html"):
        path = self.path(name)
        done = self.servesim("report", *folders, "-o", path, "--overwrite", check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return read_text(path)

    def refused(self, text, *arguments):
        before = sorted(os.listdir(self.folder))
        done = self.servesim("report", *arguments, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (1, "", f"servesim: {text}\n"))
        self.assertEqual(before, sorted(os.listdir(self.folder)))

    def copy(self, name):
        target = self.path(name)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.run_folder, target)
        return target

    def changed(self, name, file, old, new):
        """A copy of the run with something else in one file."""
        folder = self.copy(name)
        text = read_text(f"{folder}/{file}")
        self.assertIn(old, text)
        write_text(f"{folder}/{file}", text.replace(old, new))
        return folder

    def test_a_page_has_every_section_and_chart_and_is_small(self):
        text = self.report(self.run_folder)
        page = Page(text)
        self.assertEqual(page.unclosed, [])
        self.assertEqual(page.stack, [])
        for title in ("Latency", "Why the p99 is what it is", "The servers over time",
                      "What limits the hardware", "Cost and energy", "Tenants",
                      "What the words mean"):
            self.assertIn(title, page.text)
        names = {chart["id"] for chart in page.charts()}
        wanted = {"latency-cdf", "time-ttft", "time-tpot", "time-itl", "owners-e2e",
                  "slowest-e2e", "slowest-ttft", "running", "waiting", "kv", "tokens",
                  "bound-replicas", "roofline", "bill-usd", "bill-energy", "power", "tenants"}
        self.assertEqual(wanted - names, set())
        self.assertLess(len(text.encode()), 2_000_000)
        figures = {attrs["id"] for tag, attrs in page.tags if tag == "figure"}
        self.assertEqual(names, figures)

    def test_every_chart_is_described_and_has_units_and_marks_to_draw(self):
        for chart in Page(self.report(self.run_folder)).charts():
            self.assertTrue(chart["title"] and chart["read"] and chart["source"], chart["id"])
            self.assertTrue(chart["x"]["label"], chart["id"])
            values = [value for series in chart["series"] for value in series["data"]]
            self.assertGreater(len(values), 0, chart["id"])

    def test_the_page_asks_for_nothing_from_anywhere(self):
        text = self.report(self.run_folder)
        page = Page(text)
        for tag, attrs in page.tags:
            for name in ("src", "href", "action", "data", "poster"):
                value = attrs.get(name) or ""
                self.assertTrue(value == "" or value.startswith(("#", "data:")),
                                f"{tag} {name} {value}")
        policy = [attrs for tag, attrs in page.tags if tag == "meta"
                  and attrs.get("http-equiv") == "Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy[0]["content"])
        own = "".join(page.scripts[2:])
        for word in ("fetch(", "XMLHttpRequest", "innerHTML", "eval(", "document.write"):
            self.assertNotIn(word, own)

    def test_text_of_traces_names_and_files_never_becomes_markup(self):
        trace = self.path(f"trace {EVIL_NAME}.csv")
        shutil.copy(self.trace, trace)
        folder = self.path(f"out {EVIL_NAME}")
        self.servesim("run", "configs/examples/demo.ini", "-q", "-o", folder, "-s",
                      f"workload.trace={trace}")
        rows = read_text(f"{folder}/requests.csv").splitlines()
        rows[1] = rows[1].replace("0,", f"</script><b>{EVIL},", 1)
        rows[2] = rows[2].replace(",completed,", f",{EVIL_NAME},")
        write_text(f"{folder}/requests.csv", "\n".join(rows) + "\n")
        text = self.report(folder)
        page = Page(text)
        self.assertEqual({tag for tag, _ in page.tags} & {"img", "b", "iframe"}, set())
        self.assertEqual(sum(tag == "script" for tag, _ in page.tags), 4)
        self.assertEqual(page.unclosed, [])
        self.assertIn(EVIL_NAME, page.text)  # it is shown, as it is
        self.assertNotIn(EVIL, text)
        self.assertNotIn("onerror=alert(1)>", page.scripts[0])
        many = self.report(folder, self.run_folder)
        self.assertNotIn(EVIL_NAME, many)

    def test_the_same_folder_gives_the_same_bytes(self):
        self.assertEqual(self.report(self.run_folder, name="one.html"),
                         self.report(self.run_folder, name="two.html"))

    def test_cards_have_the_numbers_of_summary_csv(self):
        summary = dict(line.split(",")[:2] for line in
                       read_text(f"{self.run_folder}/summary.csv").splitlines())
        text = Page(self.report(self.run_folder)).text
        self.assertIn(f"{float(summary['p99_ttft_ms']):.3g}\u00a0ms", text)
        self.assertIn(f"{summary['completed']} of {summary['injected_requests']} requests "
                      "completed", text)

    def test_the_curve_of_ttft_is_that_of_requests_csv(self):
        with open(f"{self.run_folder}/requests.csv", encoding="utf-8") as file:
            header = file.readline().rstrip().split(",")
            values = sorted(float(line.split(",")[header.index("ttft_s")]) for line in file)
        chart = next(each for each in Page(self.report(self.run_folder)).charts()
                     if each["id"] == "latency-cdf")
        curve = next(each for each in chart["series"] if each["label"] == "TTFT")
        for value, percent in curve["data"]:
            rank = max(1, -(-round(percent * len(values) / 100 * 1e6) // 10**6))
            self.assertAlmostEqual(value / values[rank - 1], 1, delta=0.0021)

    def test_owners_of_the_slowest_add_up_to_their_time(self):
        chart = next(each for each in Page(self.report(self.run_folder)).charts()
                     if each["id"] == "slowest-e2e")
        with open(f"{self.run_folder}/requests.csv", encoding="utf-8") as file:
            header = file.readline().rstrip().split(",")
            times = {line.split(",")[0]: float(line.split(",")[header.index("e2e_s")])
                     for line in file}
        slowest = sorted(times, key=lambda name: -times[name])[:12]
        self.assertEqual(chart["categories"], slowest)
        for i, name in enumerate(slowest):
            total = sum(series["data"][i] for series in chart["series"])
            self.assertAlmostEqual(total, times[name], delta=1e-5 * times[name])

    def test_run_with_report_writes_the_page_beside_the_folder(self):
        folder = self.path("with")
        arguments = ("run", "configs/examples/demo.ini", "-o", folder, "--report", "-s",
                     f"workload.trace={self.trace}")
        done = self.servesim(*arguments)
        self.assertIn(f"{folder}.html: ", done.stdout.splitlines()[-1])
        self.assertEqual(len(Page(read_text(f"{folder}.html")).unclosed), 0)
        again = self.servesim(*arguments, check=False)
        self.assertEqual((again.returncode, again.stderr),
                         (1, f"servesim: {folder}.html: exists already; --overwrite replaces "
                             "it\n"))
        lost = self.servesim("run", "configs/examples/demo.ini", "--report", check=False)
        self.assertEqual((lost.returncode, lost.stderr),
                         (1, "servesim: --report: -o DIR is missing: the page is made of its "
                             "files\n"))

    def test_several_runs_are_compared_and_each_is_there_in_a_fold(self):
        other = self.path("other")
        self.servesim("run", "configs/examples/demo.ini", "-q", "-o", other, "--overwrite",
                      "-s", f"workload.trace={self.trace}", "-s", "pool.main.replicas=1")
        page = Page(self.report(self.run_folder, other))
        names = [chart["id"] for chart in page.charts()]
        self.assertEqual(len(names), len(set(names)))
        self.assertIn("cdf-ttft_s", names)
        self.assertIn("r1-latency-cdf", names)
        self.assertEqual(sum(tag == "details" and attrs.get("class") == "run"
                             for tag, attrs in page.tags), 2)
        self.assertIn("in brackets the difference to the first", page.text)

    def test_a_sweep_has_heat_maps_lines_and_the_front(self):
        folder = self.path("swept")
        self.servesim("sweep", "configs/examples/demo.ini", "-q", "-o", folder, "-s",
                      f"workload.trace={self.trace}", "--over", "pool.main.replicas=1,2,3",
                      "--over", "route.policy=round_robin,least_requests")
        page = Page(self.report(folder))
        names = {chart["id"] for chart in page.charts()}
        self.assertLessEqual({"pareto-speed", "pareto-cost", "lines-p99_ttft_ms"}, names)
        speed = next(each for each in page.charts() if each["id"] == "pareto-speed")
        dots = [dot for series in speed["series"] if series.get("points")
                for dot in series["data"]]
        self.assertEqual(len(dots), 6)
        edge = speed["series"][-1]["data"]
        for x, y in dots:  # what is not on the line is beaten by something that is
            self.assertTrue([x, y] in edge or any(a >= x and b >= y for a, b in edge))
        for (a, b), (x, y) in zip(edge, edge[1:]):
            self.assertTrue(a < x and b > y)
        self.assertGreater(sum(tag == "tbody" and "data-map" in attrs
                               for tag, attrs in page.tags), 5)

    def test_the_cheapest_of_a_sweep_is_none_that_is_overloaded(self):
        folder = self.path("loads")
        self.servesim("sweep", "configs/examples/demo.ini", "-q", "-o", folder, "-s",
                      f"workload.trace={self.trace}", "--over", "pool.main.replicas=1,2",
                      "--over", "workload.rate_scale=0.2,1,100")
        with open(os.path.join(folder, "sweep.csv"), encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        cheapest = min(rows, key=lambda row: float(row["usd_per_million_tokens"]))
        self.assertEqual(cheapest["load_verdict"], "overloaded")
        best = min((row for row in rows if row["load_verdict"] != "overloaded"),
                   key=lambda row: float(row["usd_per_million_tokens"]))
        page = Page(self.report(folder))
        self.assertRegex(page.text, f"replicas {best['pool.main.replicas']}, rate_scale "
                         f"{best['workload.rate_scale']} has .*the lowest cost per million "
                         "tokens of those that are not overloaded")
        lines = next(each for each in page.charts() if each["id"] == "lines-p99_ttft_ms")
        self.assertEqual([series["label"] for series in lines["series"]],
                         ["replicas 1", "replicas 2"])

    def test_a_capacity_of_one_variant_is_a_sentence_and_no_bars(self):
        folder = self.path("alone")
        self.servesim("capacity", "configs/examples/fleet.ini", "-o", folder)
        page = Page(self.report(folder))
        self.assertEqual(page.charts(), [])
        self.assertRegex(page.text, r"The fleet serves [0-9.]+ requests/s within the SLO")

    def test_compare_and_capacity_folders_have_pages(self):
        over = ("--over", "route.policy=round_robin,least_requests")
        common = ("configs/examples/fleet.ini", *over, "--overwrite", "-o")
        for command, file in (("compare", "compare.csv"), ("capacity", "capacity.csv")):
            folder = self.path(command)
            self.servesim(command, *common, folder)
            page = Page(self.report(folder))
            self.assertIn("least_requests", page.text)
            self.assertTrue(all(file in chart["source"] for chart in page.charts()))
            self.assertGreaterEqual(len(page.charts()), 7)

    def test_pictures_are_made_with_the_same_command(self):
        compared, folder = self.path("compared"), self.path("svg")
        self.servesim("compare", "configs/examples/fleet.ini", "-o", compared, "--over",
                      "route.policy=round_robin,least_requests")
        self.servesim("report", compared, "-q", "-o", self.path("p.html"), "--svg", folder)
        charts = Page(read_text(self.path("p.html"))).charts()
        self.assertEqual(sorted(os.listdir(folder)),
                         sorted(f"{chart['id']}.svg" for chart in charts))
        text = read_text(f"{folder}/bars-p99_ttft_ms.svg")
        self.assertIn("<!-- TTFT, p99 -->", text)
        self.assertIsNone(re.search(r"<dc:date>", text))

    def test_a_folder_that_is_none_or_holds_something_else_is_told(self):
        self.refused("no/where: there is no such folder", "no/where")
        empty = self.path("empty")
        os.makedirs(empty, exist_ok=True)
        self.refused(f"{empty}: holds no results; expected what servesim run, compare, sweep, "
                     "capacity or size wrote with -o", empty)
        lacking = self.copy("lacking")
        os.unlink(f"{lacking}/timeline.csv")
        self.refused(f"{lacking}: holds no timeline.csv; expected a folder that 'servesim run "
                     "-o' wrote", lacking)

    def test_a_file_that_was_cut_off_or_is_no_table_is_told(self):
        cut = self.copy("cut")
        text = read_text(f"{cut}/requests.csv")
        write_text(f"{cut}/requests.csv", text[: len(text) // 2])
        self.refused(f"{cut}/requests.csv: the last line is not whole: the file was cut off",
                     cut)
        rows = text.splitlines(True)
        write_text(f"{cut}/requests.csv", "".join(rows[:101]))
        self.refused(f"{cut}/requests.csv: has 100 rows, but summary.csv tells of 337 requests: "
                     "a file was cut off or is of another run", cut)
        write_text(f"{cut}/requests.csv", "")
        self.refused(f"{cut}/requests.csv: is empty", cut)
        lacking = self.changed("lacking2", "timeline.csv", "kv_used_blocks", "kv_blocks")
        self.refused(f"{lacking}/timeline.csv: has no column kv_used_blocks", lacking)
        strange = self.changed("strange", "replicas.csv", "0,main,", "0,main,many")
        number = read_text(f"{strange}/replicas.csv").splitlines()[1].split(",")[2]
        self.refused(f"{strange}/replicas.csv: busy_s: '{number}' is not a number", strange)
        strange = self.changed("strange", "requests.csv", ",completed,", ",completed,,,,,")
        done = self.servesim("report", strange, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{strange}/requests.csv: is not the CSV file it should be: ",
                      done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_a_page_that_is_there_is_kept_unless_it_may_go(self):
        path = self.path("kept.html")
        write_text(path, "mine")
        self.refused(f"{path}: exists already; --overwrite replaces it", self.run_folder,
                     "-o", path)
        self.assertEqual(read_text(path), "mine")
        nowhere = self.path("no/where.html")
        self.refused(f"{nowhere}: cannot be written: No such file or directory",
                     self.run_folder, "-o", nowhere)
        self.refused(f"-o {self.folder}: is a folder; expected the name of an HTML file",
                     self.run_folder, "-o", self.folder, "--overwrite")

    def test_a_run_in_which_nothing_completed_has_a_page_that_says_so(self):
        folder = self.changed("none", "requests.csv", ",completed,", ",timed_out,")
        self.assertIn("No request completed: there are no latencies",
                      Page(self.report(folder)).text)


if __name__ == "__main__":
    unittest.main()
