"""browser: Chromium without a window, driven through chromedriver's WebDriver protocol by
Python's own library.

    with browser.Browser() as page:
        page.open(path); page.run("return 1 + 1"); page.picture("a.png")
"""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request


def missing():
    """What is not installed, or None."""
    for name in ("chromium", "chromedriver"):
        if shutil.which(name) is None:
            return f"{name} is not installed"
    return None


class Browser:
    """One window; closed and forgotten at the end of the `with`."""

    def __init__(self, width=1280, height=900, dark=False):
        self.width, self.height, self.dark = width, height, dark

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="servesim-browser-")
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL, env=dict(os.environ, HOME=self.folder))
        try:
            self.base = f"http://127.0.0.1:{self.port()}"
            self.wait_for_driver()
            self.session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome",
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                "goog:chromeOptions": {"binary": shutil.which("chromium"),
                                       "args": self.arguments()}}}})["sessionId"]
        except BaseException:
            self.__exit__()
            raise
        self.path = f"/session/{self.session}"
        return self

    def arguments(self):
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu",
                     "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
                     "--disable-extensions", "--disable-background-networking",
                     f"--user-data-dir={self.folder}/profile",
                     f"--window-size={self.width},{self.height}"]
        return arguments + (["--force-dark-mode"] if self.dark else [])

    def __exit__(self, *_):
        try:
            if hasattr(self, "path"):
                self.ask("DELETE", self.path)
        finally:
            self.driver.terminate()
            try:
                self.driver.wait(10)
            except subprocess.TimeoutExpired:
                self.driver.kill()
                self.driver.wait()
            self.driver.stdout.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def port(self):
        """The one that chromedriver took; it says so, and little more after that."""
        for line in self.driver.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                return found[1]
        raise RuntimeError("chromedriver did not start")

    def wait_for_driver(self):
        for _ in range(200):
            try:
                if self.ask("GET", "/status")["ready"]:
                    return
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.05)
        raise RuntimeError("chromedriver does not answer")

    def ask(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()[:600]) from None

    def open(self, path):
        self.ask("POST", f"{self.path}/url", {"url": f"file://{os.path.abspath(path)}"})

    def run(self, script, *arguments):
        return self.ask("POST", f"{self.path}/execute/sync",
                        {"script": script, "args": list(arguments)})

    def tell(self, command, **parameters):
        """A command of Chrome's own protocol."""
        return self.ask("POST", f"{self.path}/goog/cdp/execute",
                        {"cmd": command, "params": parameters})

    def log(self, kind):
        return self.ask("POST", f"{self.path}/se/log", {"type": kind})

    def resize(self, width, height, mobile=False):
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=mobile)

    def picture(self, path, whole=True):
        """A PNG of the whole page, or of what is seen of it."""
        more = {}
        if whole:
            size = self.tell("Page.getLayoutMetrics")["cssContentSize"]
            more = {"captureBeyondViewport": True,
                    "clip": {"x": 0, "y": 0, "width": size["width"],
                             "height": min(size["height"], 16000), "scale": 1}}
        data = self.tell("Page.captureScreenshot", format="png", **more)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def paper(self, path):
        """The page as PDF."""
        data = self.ask("POST", f"{self.path}/print", {"background": True})
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def drag(self, selector, share_from, share_to):
        """The mouse from one place of an element to another, as shares of its width."""
        box = self.run("const e = document.querySelector(arguments[0]);"
                       "e.scrollIntoView({block: 'center'});"
                       "const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]",
                       selector)
        x, y = (lambda share: box[0] + share * box[2]), box[1] + box[3] / 2
        steps = [("mouseMoved", x(share_from), 0), ("mousePressed", x(share_from), 1),
                 ("mouseMoved", x((share_from + share_to) / 2), 1),
                 ("mouseMoved", x(share_to), 1), ("mouseReleased", x(share_to), 0)]
        for kind, at, buttons in steps:
            self.tell("Input.dispatchMouseEvent", type=kind, x=at, y=y, buttons=buttons,
                      button="none" if kind == "mouseMoved" and not buttons else "left",
                      clickCount=1 if kind != "mouseMoved" else 0)
