"""plot_roofline.py draws what `servesim roofline -o` wrote, twice the same, and says what it
lacks."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

SERVESIM = os.environ.get("SERVESIM", "build/dev/servesim")
PLOT = "analysis/plot_roofline.py"
CONFIG = "configs/examples/azure-code-h100.ini"


class PlotRoofline(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="servesim-plot-")
        cls.results = os.path.join(cls.folder, "out")
        subprocess.run([SERVESIM, "roofline", CONFIG, "-q", "-o", cls.results,
                        "--context", "700,4099"], check=True)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def plot(self, *arguments):
        return subprocess.run([sys.executable, PLOT, *arguments], capture_output=True,
                              text=True, check=False)

    def draw(self, name, folder=None):
        done = self.plot(folder or self.results, "-o", self.path(name))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        with open(self.path(name), "rb") as file:
            return file.read()

    def refused(self, text, *arguments):
        done = self.plot(*arguments)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, f"plot_roofline.py: {text}\n")

    def test_a_png_is_drawn_twice_the_same(self):
        first = self.draw("a.png")
        self.assertEqual(first[:8], b"\x89PNG\r\n\x1a\n")
        self.assertGreater(len(first), 50000)
        self.assertEqual(first, self.draw("b.png"))

    def test_an_svg_has_four_panels(self):
        root = ElementTree.fromstring(self.draw("a.svg"))
        groups = [element.get("id", "") for element in root.iter()]
        self.assertEqual(sum(group.startswith("axes_") for group in groups), 4)

    def test_a_single_batch_and_context_is_enough(self):
        small = self.path("small")
        subprocess.run([SERVESIM, "roofline", CONFIG, "-q", "-o", small, "--context", "7",
                        "--batch", "3", "--prompt", "11", "-s",
                        "pool.main.usd_per_hour=0"], check=True)
        self.draw("small.png", small)

    def test_what_is_missing_is_told(self):
        self.refused("no/where: there is no such folder.", "no/where")
        lacking = self.path("lacking")
        shutil.copytree(self.results, lacking)
        os.unlink(f"{lacking}/critical.csv")
        self.refused(f"{lacking}: holds no critical.csv; expected a folder that 'servesim "
                     "roofline -o' wrote.", lacking)
        self.refused("-o a.pdf: expected a name that ends with .png or .svg.",
                     self.results, "-o", "a.pdf")


unittest.main()
