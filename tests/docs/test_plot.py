"""plot.py draws a small run as a valid picture, twice the same, and says what it lacks."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
import zlib

SERVESIM = os.environ.get("SERVESIM", "build/dev/servesim")
PLOT = "analysis/plot.py"
TRACE_ROWS = 137
TITLES = (
    "Time to first token and end to end",
    "Requests running and waiting",
    "KV cache in use",
    "Where the time of a request goes",
    "Tokens computed",
    "What steps are bound by (% of busy time)",
)


def read_text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write_trace(path):
    with open(path, "w", encoding="utf-8") as trace:
        trace.write("arrival_s,prompt_tokens,output_tokens\n")
        for i in range(TRACE_ROWS):
            trace.write(f"{i * 0.0137:.4f},{40 + i * 4099 % 1999},{1 + i * 919 % 137}\n")


def png_pixels(path):
    """Width, height and the rows of an 8-bit RGBA PNG; every chunk's checksum is checked."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "signature"
    at, body, size, names = 8, b"", None, []
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        name, chunk = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert zlib.crc32(name + chunk) == checksum, name
        names.append(name)
        if name == b"IHDR":
            size = struct.unpack(">IIBB", chunk[:10])
        if name == b"IDAT":
            body += chunk
        at += 12 + length
    assert names[-1] == b"IEND", "cut off"
    width, height, depth, kind = size
    assert (depth, kind) == (8, 6), "not RGBA"
    rows = zlib.decompress(body)
    assert len(rows) == height * (1 + 4 * width), "rows"
    return width, height, rows, names


class Plot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="servesim-plot-")
        cls.results = os.path.join(cls.folder, "out")
        trace = os.path.join(cls.folder, "trace.csv")
        write_trace(trace)
        subprocess.run(
            [SERVESIM, "run", "configs/examples/demo.ini", "--quiet", "-o", cls.results,
             "-s", f"workload.trace={trace}", "-s", "output.interval=100ms"],
            check=True,
        )  # fmt: skip

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def plot(self, *arguments):
        return subprocess.run(
            [sys.executable, PLOT, *arguments], capture_output=True, text=True, check=False
        )

    def draw(self, name):
        done = self.plot(self.results, "-o", self.path(name))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        return self.path(name)

    def refused(self, text, *arguments):
        done = self.plot(*arguments)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, f"plot.py: {text}\n")

    def copy(self, name):
        target = self.path(name)
        shutil.copytree(self.results, target)
        return target

    def test_a_png_is_whole_wide_and_has_many_colours(self):
        width, height, rows, names = png_pixels(self.draw("a.png"))
        self.assertEqual(width, 1600)
        self.assertGreater(height, 800)
        self.assertNotIn(b"tIME", names)
        self.assertGreater(len(set(rows)), 100)
        self.assertGreater(os.path.getsize(self.path("a.png")), 50000)
        self.assertLess(os.path.getsize(self.path("a.png")), 250000)

    def test_an_svg_is_well_formed_and_has_every_panel(self):
        text = read_text(self.draw("a.svg"))
        root = ElementTree.fromstring(text)
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        groups = [element.get("id", "") for element in root.iter()]
        self.assertEqual(sum(group.startswith("axes_") for group in groups), 6)
        for title in TITLES:  # matplotlib says in a comment what its outlines spell
            self.assertIn(f"<!-- {title} -->", text)
        self.assertIn(f"<!-- {TRACE_ROWS} of {TRACE_ROWS} requests -->", text)
        self.assertNotIn("<dc:date>", text)

    def test_the_same_folder_gives_the_same_bytes(self):
        for ending in ("png", "svg"):
            pictures = []
            for name in ("one", "two"):
                with open(self.draw(f"{name}.{ending}"), "rb") as file:
                    pictures.append(file.read())
            self.assertEqual(pictures[0], pictures[1])

    def test_another_run_gives_another_picture(self):
        other = self.copy("other")
        rows = read_text(f"{other}/requests.csv").splitlines(True)
        with open(f"{other}/requests.csv", "w", encoding="utf-8") as file:
            file.writelines(rows[: len(rows) // 2])
        done = self.plot(other)  # beside the folder, under its name
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        _, _, one, _ = png_pixels(self.draw("all.png"))
        _, _, half, _ = png_pixels(other + ".png")
        self.assertNotEqual(one, half)

    def test_a_missing_folder_or_file_is_told(self):
        self.refused("no/where: there is no such folder.", "no/where")
        lacking = self.copy("lacking")
        os.unlink(f"{lacking}/timeline.csv")
        self.refused(
            f"{lacking}: holds no timeline.csv; expected a folder that 'servesim run -o' wrote.",
            lacking,
        )

    def test_a_file_that_is_something_else_is_told(self):
        strange = self.copy("strange")
        with open(f"{strange}/replicas.csv", "w", encoding="utf-8") as file:
            file.write("replica,pool\n0,main\n")
        self.refused(f"{strange}/replicas.csv: has no column busy_s.", strange)
        with open(f"{strange}/replicas.csv", "w", encoding="utf-8") as file:
            file.write("")
        self.refused(
            f"{strange}/replicas.csv: is not a CSV file: No columns to parse from file", strange
        )

    def test_a_run_in_which_nothing_completed_is_told(self):
        empty = self.copy("empty")
        table = read_text(f"{empty}/requests.csv")
        with open(f"{empty}/requests.csv", "w", encoding="utf-8") as file:
            file.write(table.replace(",completed,", ",timed_out,"))
        self.refused(
            f"{empty}/requests.csv: no request completed: there is nothing to draw.", empty
        )

    def test_a_name_of_another_ending_or_in_no_folder_is_told(self):
        self.refused(
            "a.pdf: the name of a picture ends with .png or .svg.", self.results, "-o", "a.pdf"
        )
        nowhere = self.path("no/where.png")
        self.refused(
            f"{nowhere}: cannot be written: No such file or directory.", self.results, "-o", nowhere
        )


if __name__ == "__main__":
    unittest.main()
