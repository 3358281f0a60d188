"""Measure the cost of a run of `sekisho.testing.fuzz`, and of one input relative to a guard's error.

python benchmarks/fuzzing.py
"""

import statistics
import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
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
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
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
    integers = st.integers(0, 2**24 - 1)
    pair = st.tuples(arrays("float32", (3, 4)), arrays("float32", (2, 4)))
    ours = a_draw(inputs_of(outer))
    print(f"100 examples of a function of two arrays: {run:.2f} s")
    print(f"one input: {ours * 1e3:.2f} ms, {ours / error:.1f} times a guard's error")
    print(
        f"  beside five integers of Hypothesis' own: {ours / a_draw(st.tuples(*[integers] * 5)):.2f}"
    )
    print(f"  beside two arrays of hypothesis.extra.numpy: {ours / a_draw(pair):.2f}")


def a_draw(strategy):
    """Return the seconds for one example."""

    @settings(max_examples=300, database=None, deadline=None)
    @given(strategy)
    def draw(drawn):
        return None

    draw()
    return seconds(draw, 5) / 300


if __name__ == "__main__":
    main()
