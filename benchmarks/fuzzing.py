"""What a run of `sekisho.testing.fuzz` costs, and an input beside a guard's own error.

python benchmarks/fuzzing.py
"""

import statistics
import time

import numpy as np
from hypothesis import given, settings
from jaxtyping import Float32

import sekisho as sk
from sekisho.testing import fuzz, inputs_of

A = np.ndarray


@sk.numpy_world
def outer(x: Float32[A, "n d"], y: Float32[A, "m d"]) -> Float32[A, "n m"]:
    return np.einsum("nd,md->nm", x, y)


def seconds(call, repeat):
    taken = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def refuse():
    try:
        outer(np.zeros((2, 3), "float32"), np.zeros((2, 4), "float32"))
    except sk.ShapeError as error:
        str(error)


def main():
    numbers = iter(range(1000))
    run = seconds(lambda: fuzz(outer, seed=next(numbers)), 7)
    error = seconds(refuse, 500)
    counted = {"examples": 0}

    @settings(max_examples=300, database=None, deadline=None)
    @given(inputs_of(outer))
    def draw(call):
        counted["examples"] += 1

    draw()
    counted["examples"] = 0
    one = seconds(draw, 3) / (counted["examples"] / 3)
    print(f"100 examples of a function of two arrays: {run:.2f} s")
    print(
        f"one input: {one * 1e3:.2f} ms, {one / error:.1f} times a guard's error ({error * 1e3:.2f} ms)"
    )


if __name__ == "__main__":
    main()
