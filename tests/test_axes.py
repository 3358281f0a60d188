"""The axis grammar: jaxtyping decides which strings are malformed and which shapes match."""

from __future__ import annotations

from typing import Any

import jaxtyping
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Shaped

from sekisho.contract.axes import match_shape, parse_axes

sizes = st.integers(0, 3)
word = st.one_of(
    sizes.map(str),
    st.sampled_from(["a", "b", "#a", "#b", "#2", "_", "_a", "n=3"]),
    st.sampled_from(["a+1", "2*a", "a-b", "#a+b", "min(a,b)", "a//b", "-a+3", "a%2", "a**2"]),
)
variadic = st.sampled_from(["...", "*s", "*#s", "#*s", "*_", "*t"])


@st.composite
def axis_strings(draw: Any) -> str:
    words = draw(st.lists(word, max_size=3))
    if draw(st.booleans()):
        words.insert(draw(st.integers(0, len(words))), draw(variadic))
    return " ".join(words)


def jaxtyping_verdicts(strings: list[str], shapes: list[tuple[int, ...]]) -> list[bool]:
    """Check shapes one after the other in one scope; stop at one that jaxtyping cannot decide."""
    verdicts: list[bool] = []
    with jaxtyping.jaxtyped("context"):
        for string, shape in zip(strings, shapes, strict=True):
            try:
                verdicts.append(isinstance(np.empty(shape), Shaped[np.ndarray, string]))
            except (jaxtyping.AnnotationError, ArithmeticError):
                break
    return verdicts


@settings(max_examples=2000)
@given(st.lists(st.tuples(axis_strings(), st.lists(sizes, max_size=4).map(tuple)), max_size=4))
def test_shapes_match_as_in_jaxtyping(pairs):
    strings, shapes = [string for string, _ in pairs], [shape for _, shape in pairs]
    bound: Any = {}
    verdicts = [
        match_shape(parse_axes(string), shape, bound) is None
        for string, shape in zip(strings, shapes, strict=True)
    ]
    expected = jaxtyping_verdicts(strings, shapes)
    assert verdicts[: len(expected)] == expected


@settings(max_examples=500)
@given(
    st.lists(
        st.text("ab_*#?.=,+(3 ", max_size=5).map(str.strip).filter(lambda word: "?" not in word),
        max_size=3,
    )
)
def test_what_jaxtyping_calls_malformed_is_malformed(words):
    string = " ".join(words)
    try:
        Shaped[np.ndarray, string]
    except ValueError:
        with pytest.raises(ValueError):
            parse_axes(string)


@pytest.mark.parametrize(
    ("string", "text"),
    [
        ("a,b", "separated by spaces"),
        ("...a", "stands on its own"),
        ("*a *b", "only one axis may be variadic"),
        ("##a", "'#' stands twice"),
        ("#_", "cannot be broadcastable"),
        ("*3", "only a named axis"),
        ("_3", "only a named axis"),
        ("?", "has no name"),
        ("a.b", "may use names, integers"),
        ("a[0]", "may use names, integers"),
        ("open(a)", "may use names, integers"),
        ("a+0.5", "may use names, integers"),
        ("a+", "is no axis and no expression"),
    ],
)
def test_a_malformed_axis_is_refused_with_its_reason(string, text):
    with pytest.raises(ValueError, match=text.replace("*", r"\*")):
        parse_axes(string)


def test_a_failed_match_binds_nothing():
    bound: Any = {"a": 1}
    assert match_shape(parse_axes("b a c"), (5, 2, 6), bound) is not None
    assert bound == {"a": 1}


@pytest.mark.parametrize(
    ("axes", "shape", "text"),
    [
        ("a 3", (1, 2), "axis 1 of {it} is 2, not 3"),
        ("a", (), "{it} has 0 axes, not 1"),
        ("... a", (), "{it} has 0 axes, not at least 1"),
        ("a a+1", (1, 3), "axis 1 of {it} is 3, not a+1 = 2 (a=1)"),
        ("a a//0", (1, 3), "axis 1 of {it} is 'a//0', which fails here: "),
        ("a+1 a", (1, 3), "axis 0 of {it} is 'a+1', but nothing has bound 'a'"),
        ("a a", (1, 3), "axis 1 of {it} is 3"),
    ],
)
def test_a_mismatch_says_what_does_not_fit(axes, shape, text):
    mismatch = match_shape(parse_axes(axes), shape, {})
    assert mismatch is not None
    assert mismatch.text.startswith(text)
