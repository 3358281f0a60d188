"""The workloads: what is called, its arguments, and the checks as a careful engineer writes them.

Each workload is a function without arguments that returns a dict: by the name of a contender, a
function without arguments that makes its call. Its imports happen in the contender's own process
only. A contender that cannot run a workload is not in the dict.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from containers import CONTAINERS
from contenders import Array, annotate, jaxtyped
from guards import GUARDS, two_arrays
from helpers import HELPERS
from jaxtyping import Float32

import sekisho as sk


def decoration():
    """Make different functions with names of their own, as in a program."""
    x, y = np.ones((2, 2), np.float32), np.ones((2, 2), np.float32)

    def fresh(number):
        names = {}
        exec(f"def f{number}(x{number}, y{number}):\n    return x{number}", names)
        axes = [f"{axis}{number}" for axis in "bcd"]
        hints = {
            f"x{number}": Float32[Array, f"{axes[0]} {axes[1]}"],
            f"y{number}": Float32[Array, f"{axes[1]} {axes[2]}"],
            "return": Float32[Array, f"{axes[0]} {axes[2]}"],
        }
        return annotate(names[f"f{number}"], **hints)

    def make(decorate):
        functions = iter([fresh(number) for number in range(5000)])

        def decorate_and_call():
            decorate(next(functions))(x, y)

        return decorate_and_call

    return {
        "sekisho": lambda: make(sk.numpy_world),
        "jaxtyping + beartype": lambda: make(jaxtyped),
    }


def error():
    guard = sk.numpy_world(annotate(lambda x, y: x, x=Float32[Array, "b c"], y=Float32[Array, "c"]))
    x, y = np.ones((2, 2), np.float32), np.ones(3, np.float32)

    def fails():
        try:
            guard(x, y)
        except sk.ShapeError as refusal:
            return str(refusal)
        raise AssertionError

    return {"sekisho": lambda: fails}


def eight_threads():
    def make(function):
        def call():
            for _ in range(500):
                function()

        def run():
            threads = [threading.Thread(target=call) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        return run

    one = two_arrays(Array)
    return {name: (lambda n=name: make(one[n]())) for name in ("by hand", "sekisho")}


WORKLOADS: dict[str, tuple[str, Any]] = {
    **GUARDS,
    **CONTAINERS,
    **HELPERS,
    "i": ("decoration and first call, one function", decoration),
    "l": ("an error raised and worded", error),
    "o": ("8 threads, 500 calls each", eight_threads),
}
