"""Measurements that are not races of calls: the import, memory, mode "off"."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import tracemalloc

import numpy as np
from jaxtyping import Float32

import sekisho as sk


def import_ratio():
    """Return the seconds to import NumPy and sekisho, divided by those for NumPy alone."""
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
    """Return the bytes of one guarded function of three parameters: at first, and after a call."""
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
    """Return whether a function decorated in mode "off" is the original function."""

    def function(x): ...

    with sk.mode("off"):
        return sk.numpy_world(function) is function
