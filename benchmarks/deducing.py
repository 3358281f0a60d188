"""Measure how long `sekisho adopt` reads, deduces and writes for a package of many functions.

    python benchmarks/deducing.py [--functions 500]

A package of that many functions in files of 25 is made, each function is called with twelve sizes from
three callers, and the seconds after the run are measured, as the command would take them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from sekisho.adoption import Settings, deduce_all, make_plan, read_solution, values_seen
from sekisho.code import Cache
from sekisho.inference import solve
from sekisho.tracer import environment_for, read_journals

BODIES = (
    "def {name}(x, y):\n    n, d = x.shape\n    return x @ y.T / np.sqrt(d)\n",
    "def {name}(x, y=None):\n    if y is None:\n        y = x\n    return np.einsum('ij,kj->ik', x, y)\n",
    "def {name}(x, y):\n    assert len(x) == len(y)\n    return np.concatenate([x, y], axis=1)\n",
    "def {name}(x, y, scale=2.0):\n    z = x - y[:1]\n    return {{'mean': z.mean(axis=0) * scale, 'all': z}}\n",
    "def {name}(x, y):\n    total = np.zeros(len(x))\n    total += x @ y[0]\n    return total, len(y)\n",
)
CALLERS = "def {caller}():\n    for n in range(2, 6):\n        every(n + {more}, 3)\n"


def make(folder, functions):
    """Write the package and the program that calls it."""
    package = folder / "many"
    package.mkdir()
    (package / "__init__.py").write_text("")
    calls = []
    for start in range(0, functions, 25):
        names = [f"f{number}" for number in range(start, min(start + 25, functions))]
        texts = [BODIES[int(name[1:]) % len(BODIES)].format(name=name) for name in names]
        (package / f"part{start}.py").write_text("import numpy as np\n\n\n" + "\n\n".join(texts))
        calls += [f"from many.part{start} import {', '.join(names)}"]
    uses = "\n".join(
        f"    f{number}(np.ones((n, d)), np.ones((n, d)))" for number in range(functions)
    )
    callers = "\n".join(
        CALLERS.format(caller=f"use{more}", more=more) + f"\nuse{more}()\n" for more in (0, 4, 8)
    )
    head = "\n".join(["import numpy as np", *calls])
    (folder / "program.py").write_text(f"{head}\n\n\ndef every(n, d):\n{uses}\n\n\n{callers}")
    return package


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--functions", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.path.realpath(name))
        package = make(folder, options.functions)
        journals = folder / "journals"
        journals.mkdir()
        environment = environment_for(journals, [str(package)])
        command = [sys.executable, "program.py"]
        subprocess.run(command, cwd=folder, env={**os.environ, **environment}, check=True)
        marks = [(time.process_time(), "")]
        observed, travels = read_journals(journals)
        marks.append((time.process_time(), "journals"))
        solution = solve((str(package),), Cache(), values_seen(observed))
        reading = read_solution(solution, {(each.path, each.name) for each in observed})
        marks.append((time.process_time(), "reading"))
        seen = deduce_all(observed, travels, reading)
        marks.append((time.process_time(), "deduction"))
        plan = make_plan(seen, Settings())
        marks.append((time.process_time(), "writing"))
    written = sum(choice.edit is not None for file in plan.files for choice in file.choices)
    parts = [f"{what} {end - start:.1f} s" for (start, _), (end, what) in pairwise(marks)]
    print(f"{len(observed)} functions, {written} written: {', '.join(parts)}")


if __name__ == "__main__":
    main()
