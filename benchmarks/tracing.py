"""Measure tracing: a command with and without it, in turns; without a command, the memory of a million calls.

    python benchmarks/tracing.py FOLDER/PACKAGE -- -m pytest FOLDER/tests
    python benchmarks/tracing.py

Seconds are those that the processes themselves computed for, since other work may run beside them.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from sekisho.tracer import environment_for

MILLION = """
import re
import numpy as np
from traced import pair
x, y = np.empty((3, 4)), np.empty((4, 5))
def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])
before = most = resident()
for n in range(1_000_000):
    pair(np.empty((n % 1000, 4)), y, n)
    if n % 100_000 == 0:
        most = max(most, resident())
print(before, most)
"""
PAIR = "def pair(x, y, n):\n    return x\n"


def _children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed(command, root, *, traced):
    with tempfile.TemporaryDirectory() as folder:
        environment = environment_for(Path(folder), [os.path.realpath(root)]) if traced else {}
        start = _children_seconds()
        done = subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
        seconds = _children_seconds() - start
        size = sum(path.stat().st_size for path in Path(folder).glob("*.calls"))
    return seconds, size, done


def side_by_side(root, command):
    """Run the command without tracing and with it, twice in turns; keep the least of each."""
    rounds = [
        (timed(command, root, traced=False), timed(command, root, traced=True)) for _ in range(2)
    ]
    plain = min(each[0][0] for each in rounds)
    traced = min(each[1][0] for each in rounds)
    _, size, done = rounds[-1][1]
    print(
        f"{plain:.1f} s, traced {traced:.1f} s: {traced / plain:.2f}", done.stdout.splitlines()[-1:]
    )
    return {"seconds": plain, "traced": traced, "ratio": traced / plain, "bytes written": size}


def million():
    """Call one function a million times, always with other arrays, without tracing and with it."""
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "traced.py").write_text(PAIR)
        script = Path(folder) / "million.py"
        script.write_text(MILLION)
        for traced in (False, True):
            seconds, size, done = timed(
                [sys.executable, str(script)], Path(folder) / "traced.py", traced=traced
            )
            before, after = map(int, done.stdout.split())
            grown = (after - before) / 1000
            figures[f"million, traced={traced}"] = {"seconds": seconds, "grown": grown}
            print(
                f"a million calls, traced={traced}: {seconds:.1f} s, {grown:.1f} MB more, "
                f"{size / 1e6:.2f} MB written"
            )
    return figures


def main():
    at = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    has_command = at < len(sys.argv)
    command = [sys.executable, *sys.argv[at + 1 :]]
    print(json.dumps(side_by_side(sys.argv[1], command) if has_command else million()))


if __name__ == "__main__":
    main()
