"""How long `sekisho server` takes from a keystroke to its diagnostics, by a client that types.

    python benchmarks/editor.py [FOLDER] [JSON]

The folder is read, src of this repository if none is named; nothing in it is written. Each scenario
types into one file of the largest tenth, waits for the diagnostics of what was typed, and does so again
until there are enough. A cold `check` of the same folder is measured beside it: the ratio tells more than seconds.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "editor"))
from client import Client  # noqa: E402 - found by the line above

TIMES = 60


def cold_check(folder):
    """Seconds of `check` with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "SEKISHO_CACHE_DIR": cache, "PYTHONPATH": str(ROOT / "src")}
        command = [sys.executable, "-m", "sekisho", "check", str(folder), "--exit-zero", "-q"]
        start = time.perf_counter()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start


def typed_file(folder):
    """A long file of many functions, and how many lines there are in all."""
    sizes = {path: path.read_text("utf-8").count("\n") for path in folder.rglob("*.py")}
    order = sorted(sizes, key=sizes.get, reverse=True)
    usable = (
        path
        for path in order[len(order) // 10 :]
        if re.search(
            r"^def \w+\([^)]*\)[^:]*:\n    [^\n]*\"\"\"\n", path.read_text("utf-8"), re.MULTILINE
        )
    )
    return next(usable), sum(sizes.values())


def place_in(text):
    """The first line of a function's body, from 0, and that of its ``def``."""
    found = re.search(r"^def (\w+)\([^)]*\)[^:]*:\n    [^\n]*\"\"\"\n", text, re.MULTILINE)
    return text[: found.end()].count("\n"), text[: found.start()].count("\n"), found[1]


class Typist:
    """Types into one file, and measures until the server has told of it."""

    def __init__(self, client, path):
        self.client = client
        self.text = path.read_text("utf-8")
        self.uri = client.open(path)
        self.found = []
        self.cpu = 0.0

    def wait(self, start):
        self.client.pull(self.uri)
        self.found.append(time.perf_counter() - start)

    def type(self, *change):
        start = time.perf_counter()
        self.client.change(self.uri, change)
        self.wait(start)

    def body(self):
        """A statement, letter by letter, in a function: most of the time it does not parse."""
        line, _, _ = place_in(self.text)
        self.type(line, 0, line, 0, "    \n")
        for column, letter in enumerate("edited = str([3, (4)])", 4):
            self.type(line, column, line, column, letter)
        self.type(line, 0, line + 1, 0, "")

    def signature(self, number):
        """A new parameter of a function that others call."""
        _, line, name = place_in(self.text)
        column = len(f"def {name}(")
        self.type(line, column, line, column, f"edited{number}: object, ")
        self.type(line, column, line, column + len(f"edited{number}: object, "), "")

    def function(self, number):
        """A new function."""
        line = self.text.count("\n")
        self.type(line, 0, line, 0, f"\n\ndef edited{number}(x: int) -> int:\n    return x\n")


def take(typist):
    """The median, the 95th percentile, and how long the server's processor worked on each in the mean."""
    found, typist.found = typist.found, []
    ordered = sorted(found)
    before, typist.cpu = typist.cpu, cpu_of(typist.client.process)
    worked = (typist.cpu - before) / len(found)
    return statistics.median(found), ordered[int(len(ordered) * 0.95)], worked


def memory_of(process):
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return None
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1024


def measure(folder, cache, cold):
    path, lines = typed_file(folder)
    start = time.perf_counter()
    client = Client(folder, cache, source=ROOT / "src")
    client.initialize(capabilities={"textDocument": {"diagnostic": {}}})
    rows = {"lines": lines, "cold check": cold, "file": str(path.relative_to(folder))}
    typist = Typist(client, path)
    typist.wait(start)
    rows["start"] = typist.found.pop()
    typist.cpu = cpu_of(client.process)
    while len(typist.found) < TIMES:
        typist.body()
    rows["a keystroke in a body"] = take(typist)
    for number in range(TIMES // 3):
        typist.signature(number)
    rows["an edit of a signature"] = take(typist)
    for number in range(TIMES // 3):
        typist.function(number)
    rows["a new function"] = take(typist)
    for _ in range(TIMES // 3):
        begin = time.perf_counter()
        client.hover(typist.uri, place_in(typist.text)[1], 5)
        typist.found.append(time.perf_counter() - begin)
    rows["a hover"] = take(typist)
    rows["megabytes"] = memory_of(client.process)
    before = cpu_of(client.process)
    time.sleep(3)
    rows["CPU seconds of 3 idle ones"] = cpu_of(client.process) - before
    client.stop()
    client.kill()
    return rows


def cpu_of(process):
    stat = Path(f"/proc/{process.pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(title, rows):
    cold = rows["cold check"]
    print(f"{title}: {rows['lines']:,} lines, typing in {rows['file']}; a cold check: {cold:.1f} s")
    for name, value in rows.items():
        if isinstance(value, tuple):
            median, late, worked = value
            print(
                f"  {name}: median {median * 1000:.0f} ms, 95th percentile {late * 1000:.0f} ms; "
                f"1/{cold / median:.0f} and 1/{cold / late:.0f} of a cold check; "
                f"{worked * 1000:.0f} ms of CPU in the mean"
            )
    print(f"  start until the first diagnostics: {rows['start']:.1f} s")
    print(f"  memory at most: {rows['megabytes']:.0f} MB")
    print(f"  idle: {rows['CPU seconds of 3 idle ones']:.2f} s of CPU in 3 s", flush=True)


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "src").resolve()
    cold = cold_check(folder)
    with tempfile.TemporaryDirectory() as cache:
        found = {title: measure(folder, cache, cold) for title in ("no cache yet", "started again")}
    for title, rows in found.items():
        show(title, rows)
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
