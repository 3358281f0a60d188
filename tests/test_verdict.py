"""sekisho accepts what `jaxtyped(typechecker=beartype)` accepts, and nothing else."""

from __future__ import annotations

from typing import Any

import beartype
import jaxtyping
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import jaxtyped

import sekisho as sk

torch: Any
try:
    import torch
except ImportError:
    torch = None

DTYPES = ["bool", "int8", "uint8", "int64", "float16", "float32", "float64", "complex64"]
CATEGORIES = [
    *("Bool", "UInt8", "Int8", "Int64", "Float16", "Float32", "Float64", "Complex64"),
    *("UInt", "Int", "Integer", "Float", "Complex", "Inexact", "Real", "Num", "Shaped"),
]
NAMES = ["a", "b", "c"]

axis = st.one_of(
    st.integers(0, 3).map(str),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES).map("#{}".format),
    st.integers(1, 3).map("#{}".format),
    st.sampled_from(["_", "_a", "rows=2", "b=3"]),
)
variadic = st.sampled_from(["...", "*a", "*s", "*#s", "#*s", "*_", "*_s"])


@st.composite
def axis_strings(draw: Any) -> str:
    words = draw(st.lists(axis, max_size=3))
    if draw(st.booleans()):
        words.insert(draw(st.integers(0, len(words))), draw(variadic))
    return " ".join(words)


@st.composite
def annotations(draw: Any, array_type: Any) -> Any:
    category = draw(st.sampled_from(CATEGORIES + ["Shaped", "Float"] * 8))
    array = getattr(jaxtyping, category)[array_type, draw(axis_strings())]
    return array | None if draw(st.booleans()) and draw(st.booleans()) else array


shapes = st.lists(st.integers(0, 3), max_size=4).map(tuple)
values = st.one_of(
    st.tuples(st.just("float32"), shapes),
    st.tuples(st.just("float32"), shapes),
    st.tuples(st.sampled_from(DTYPES), shapes),
    st.sampled_from([None, 1, 2.0, "text", [1]]),
)


def verdict(function: Any, arguments: Any) -> bool:
    try:
        function(*arguments)
    except (sk.BoundaryError, jaxtyping.TypeCheckError):
        return False
    return True


def compare(library: Any, array_type: Any, data: Any) -> None:
    hints = [data.draw(annotations(array_type), label="annotation") for _ in range(3)]
    drawn = [data.draw(values, label="value") for _ in range(3)]
    arguments = [
        library.zeros(each[1], dtype=getattr(library, each[0])) if isinstance(each, tuple) else each
        for each in drawn
    ]

    def function(x, y, result):
        return result

    function.__annotations__ = {"x": hints[0], "y": hints[1], "return": hints[2]}
    oracle = jaxtyped(typechecker=beartype.beartype)(function)
    assert verdict(sk.boundary(function), arguments) == verdict(oracle, arguments)


@settings(max_examples=1000, deadline=None)
@given(st.data())
def test_the_verdict_on_arrays_is_jaxtypings(data):
    compare(np, np.ndarray, data)


@pytest.mark.skipif(torch is None, reason="torch is not installed")
@settings(max_examples=1000, deadline=None)
@given(st.data())
def test_the_verdict_on_tensors_is_jaxtypings(data):
    compare(torch, torch.Tensor, data)
