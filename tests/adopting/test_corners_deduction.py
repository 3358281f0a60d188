"""The deduced contract holds for every call, however the sizes depend on each other."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from sekisho.contract import match_shape, parse_axes
from sekisho.deduction import Said
from sekisho.deduction.forms import Slot
from sekisho.deduction.sizes import axes_of

NAMES = ("x", "y", "z", "return")


def size(word, n, m):
    """Return a size that depends on two others in one of the ways that axes can express."""
    ways = {"n": n, "m": m, "n+1": n + 1, "2*n": 2 * n, "n*m": n * m, "n+m": n + m, "3": 3}
    return ways[word]


AXIS = st.sampled_from(["n", "n", "n", "m", "n+1", "2*n", "n*m", "n+m", "3"])
WORDS = st.lists(AXIS, min_size=1, max_size=3)
SIGNATURES = st.lists(WORDS, min_size=2, max_size=4)
NUMBERS = st.lists(st.tuples(st.integers(2, 20), st.integers(2, 20)), min_size=1, max_size=8)
ONES = st.sets(st.tuples(st.integers(0, 7), st.integers(0, 3)), max_size=4)


@given(SIGNATURES, NUMBERS, ONES, st.integers(1, 2))
@example(
    # That x broadcasts is known too late for y, which is computed from it.
    [["n"], ["n+1"], ["n"]],
    [(4, 1), (6, 1), (9, 1), (11, 1), (13, 1), (17, 1)],
    {(0, 0)},
    2,
)
def test_every_call_keeps_what_is_made_of_sizes_that_belong_together(
    signature, numbers, ones, uses
):
    """In some calls all axes of a place are 1, while others of the same name are not."""
    slots = [Slot(name, ()) for name, _ in zip(NAMES, signature, strict=False)]
    for call, (n, m) in enumerate(numbers):
        for at, (slot, words) in enumerate(zip(slots, signature, strict=False)):
            shape = tuple(1 if (call, at) in ones else size(word, n, m) for word in words)
            slot.add(call, ("array", "numpy", "float32", shape, "cpu"))
    found, _ = axes_of(slots, {}, Said(), uses)
    for call in range(len(numbers)):
        bound = {}
        for slot in slots:
            shape = slot.shapes[call][1]
            assert match_shape(parse_axes(found[slot]), shape, bound) is None, found
