"""Time `sekisho map`: cold, again, and after edits; on a tree, and on two and four copies of it.

    python benchmarks/reading.py [LINES]

The tree is real code: the sources of installed packages, copied until there are enough lines. The
larger trees are several copies, each with its own root. Each measurement has its own process; for
the smallest tree it is the best of three. An edit is a statement in the body of a function. Signatures are
edited of a function, of a method and of `__init__`, one after the other, and the slowest counts.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PACKAGES = ("sklearn", "scipy", "torch")
CODE = """
import contextlib, io, resource, sys, time
start = time.perf_counter()
from sekisho.__main__ import main
with contextlib.redirect_stdout(io.StringIO()):
    main(["map", sys.argv[1]])
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def make_tree(folder, lines):
    count = 0
    for name in PACKAGES:
        source = Path(importlib.util.find_spec(name).origin).parent
        for path in sorted(source.rglob("*.py")):
            if count >= lines:
                return count
            target = folder / name / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
            count += path.read_text("utf-8").count("\n")
    return count


def measure(folder, cache):
    environment = {**os.environ, "SEKISHO_CACHE_DIR": str(cache)}
    command = [sys.executable, "-c", CODE, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds, kilobytes = done.stdout.split()
    return float(seconds), int(kilobytes) / 1024


def edit(folder):
    """Put a statement into the body of some function."""
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text("utf-8")
        if text.count("\n") > 300 and "        return self\n" in text:
            mark = f"        edited = {time.time()}\n        return self\n"
            path.write_text(text.replace("        return self\n", mark, 1), "utf-8")
            return


SIGNATURES = (r"^def \w+\(", r"^    def [a-z]\w+\(self, ", r"^    def __init__\(self, ")


def edit_signature(folder, pattern):
    """Give one more parameter to some function."""
    paths = sorted(folder.rglob("*.py"))
    for path in paths[len(paths) // 2 :]:
        text = path.read_text("utf-8")
        found = [*re.finditer(pattern, text, re.MULTILINE)]
        if text.count("\n") > 300 and found:
            end = found[len(found) // 2].end()
            path.write_text(f"{text[:end]}edited_{time.time_ns()}, {text[end:]}", "utf-8")
            return


def run(lines, copies, times):
    rows = {"cold": [], "again": [], "after an edit": []}
    slowest = []
    peak = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "tree"
        count = sum(make_tree(folder / f"copy{number}", lines) for number in range(copies))
        for _ in range(times):
            cache = Path(tempfile.mkdtemp(dir=name))
            for kind, found in rows.items():
                if kind == "after an edit":
                    edit(folder)
                seconds, megabytes = measure(folder, cache)
                found.append(seconds)
                peak = max(peak, megabytes)
            found = []
            for pattern in SIGNATURES:
                edit_signature(folder, pattern)
                seconds, megabytes = measure(folder, cache)
                found.append(seconds)
                peak = max(peak, megabytes)
            slowest.append(max(found))
    rows["after a signature's edit"] = slowest
    return count, {kind: min(found) for kind, found in rows.items()}, peak


def main():
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    found = []
    for factor in (1, 2, 4):
        count, seconds, megabytes = run(lines, factor, 3 if factor == 1 else 1)
        shown = ", ".join(f"{kind} {value:.2f} s" for kind, value in seconds.items())
        print(f"{count:,} lines: {shown}; at most {megabytes:.0f} MB", flush=True)
        found.append({"lines": count, **seconds, "megabytes": megabytes})
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
