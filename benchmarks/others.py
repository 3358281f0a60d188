"""What is no race of calls: imports, memory, a training step, watching, the mode off, instructions."""

from __future__ import annotations

import gc
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import imports
import numpy as np
import recording
import strict
import training
from jaxtyping import Float32

import sekisho as sk

HERE = Path(__file__).parent


def import_ratio():
    """Seconds to import sekisho after NumPy, with NumPy's own seconds added, by NumPy's alone."""
    program = (
        "import time; a = time.perf_counter(); import numpy; b = time.perf_counter(); "
        "import sekisho; c = time.perf_counter(); print((c - a) / (b - a))"
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        ratios = [
            float(subprocess.check_output([sys.executable, "-c", program], env=environment))
            for _ in range(11)
        ]
    return statistics.median(ratios[1:])


def memory():
    """Bytes that one guarded function of three parameters holds: made, and after its first call."""
    x, count = np.ones((2, 2), np.float32), 500

    def make():
        def function(x, y, scale=1.0):
            return x

        hint = Float32[np.ndarray, "b c"]
        function.__annotations__ = {"x": hint, "y": hint, "scale": float, "return": hint}
        return function

    sk.numpy_world(make())(x, x)
    functions = [make() for _ in range(count)]
    gc.collect()
    tracemalloc.start()
    guards = [sk.numpy_world(function) for function in functions]
    gc.collect()
    made = tracemalloc.get_traced_memory()[0] / count
    for guard in guards:
        guard(x, x)
    gc.collect()
    called = tracemalloc.get_traced_memory()[0] / count
    tracemalloc.stop()
    return {"made": made, "called": called}


def mode_off():
    """Whether a function decorated in mode off is the very same function."""

    def function(x): ...

    with sk.mode("off"):
        return sk.numpy_world(function) is function


def instructions():
    """Instructions a call of workload a, sekisho by by hand; None if nothing here counts them."""
    if shutil.which("valgrind") is None:
        return None
    counts = {}
    for name in ("by hand", "sekisho"):
        for calls in (1000, 3000):
            program = (
                f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
                f"from workloads import WORKLOADS\n"
                f"call = WORKLOADS['a numpy'][1]()[{name!r}]()\n"
                f"for _ in range({calls}): call()\n"
            )
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(
                    [
                        *("valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"),
                        *(sys.executable, "-c", program),
                    ],
                    capture_output=True,
                    text=True,
                    check=False,
                )
            found = [line for line in done.stderr.splitlines() if "Collected" in line]
            if not found:
                return None
            counts[name, calls] = int(found[0].rpartition(":")[2])
    each = {n: (counts[n, 3000] - counts[n, 1000]) / 2000 for n in ("by hand", "sekisho")}
    return {**each, "ratio": each["sekisho"] / each["by hand"]}


def measure_all():
    """All of them, by name."""
    return {
        "import": import_ratio(),
        "memory": memory(),
        "mode off": mode_off(),
        "hook": imports.measure_all(),
        "strict": strict.measure_all(),
        "recording": recording.measure_all(),
        "training": training.measure_all(),
        "instructions": instructions(),
    }
