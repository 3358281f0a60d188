"""sekisho accepts what `jaxtyped(typechecker=beartype)` accepts, and nothing else.

Generated: signatures of up to four annotations over array categories, axis strings of the whole
grammar, unions, containers and scalars; and values that mostly fit them. Left out, since sekisho
differs on purpose (docs/contract.md lists it): defaults, and lists of several items, of which
beartype looks at one.
"""

from __future__ import annotations

from typing import Any

import beartype
import jaxtyping
import numpy as np
import pytest
from hypothesis import event, given, settings
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
SIZES = {"a": 1, "b": 2, "c": 3, "s": (2, 1), "t": ()}

# Each axis, and the size that fits when every name has its size of SIZES.
AXES: list[tuple[str, int]] = [
    *((str(n), n) for n in range(4)),
    *((name, SIZES[name]) for name in "abcabc"),
    *((f"#{name}", SIZES[name]) for name in "abc"),
    *((f"#{name}", 1) for name in "bc3"),
    *(("_", 2), ("_a", 3), ("rows=2", 2), ("b=3", 3)),
]
SYMBOLIC = [("a+1", 2), ("2*b", 4), ("b*c-1", 5), ("max(a,b)", 2), ("c//2", 1), ("#b+c", 1)]
VARIADIC: list[tuple[str, tuple[int, ...]]] = [
    *(("...", (2,)), ("*s", (2, 1)), ("*s", (2, 1)), ("*t", ()), ("*_", ()), ("*_s", (3, 3))),
    *(("*#s", (2, 1)), ("#*s", (1,)), ("*#t", (3,)), ("*#s", (2, 3))),
]


@st.composite
def axes(draw: Any, *, symbolic: bool) -> tuple[str, tuple[int, ...]]:
    """An axis string, and a shape that fits it."""
    words = draw(st.lists(st.sampled_from(AXES + (SYMBOLIC if symbolic else [])), max_size=3))
    parts = [(word, (size,)) for word, size in words]
    if draw(st.integers(0, 2)) == 0:
        parts.insert(draw(st.integers(0, len(parts))), draw(st.sampled_from(VARIADIC)))
    return " ".join(word for word, _ in parts), sum((shape for _, shape in parts), ())


@st.composite
def arrays(draw: Any, library: Any, array_type: Any, *, symbolic: bool) -> tuple[Any, Any]:
    """An array annotation, and a value that mostly fits it."""
    category = draw(st.sampled_from(["Shaped", "Float"] * 40 + CATEGORIES))
    string, shape = draw(axes(symbolic=symbolic))
    if draw(st.integers(0, 9)) == 0:
        shape = tuple(draw(st.lists(st.integers(0, 3), max_size=4)))
    dtype = draw(st.sampled_from(["float32"] * 90 + DTYPES))
    value = library.zeros(shape, dtype=getattr(library, dtype))
    if draw(st.integers(0, 30)) == 0:
        value = draw(st.sampled_from([None, 1, 2.0, "text", [1]]))
    return getattr(jaxtyping, category)[array_type, string], value


@st.composite
def pairs(draw: Any, library: Any, array_type: Any, *, symbolic: bool) -> tuple[Any, Any]:
    """An annotation of any kind, and a value that mostly fits it."""

    def array() -> tuple[Any, Any]:
        return draw(arrays(library, array_type, symbolic=symbolic))

    hint, value = array()
    kind = draw(
        st.sampled_from(["array"] * 6 + ["optional", "union", "list", "tuple", "dict", "int"])
    )
    if kind == "optional":
        return hint | None, draw(st.sampled_from([value, None]))
    if kind == "union":
        other, other_value = array()
        return hint | other, value if draw(st.booleans()) else other_value
    if kind == "list":
        return list[hint], draw(st.sampled_from([[value], [], value]))
    if kind == "tuple":
        other, other_value = array()
        if draw(st.booleans()):
            return tuple[hint, other], draw(
                st.sampled_from([(value, other_value), (value,), value])
            )
        third = draw(st.sampled_from([1, None, "a"]))
        return tuple[hint, other | None, int | None], (
            value,
            draw(st.sampled_from([other_value, None])),
            third,
        )
    if kind == "dict":
        return dict[str, hint], draw(st.sampled_from([{"k": value}, {}, {1: value}]))
    if kind == "int":
        return draw(st.sampled_from([int, str, int | None])), draw(st.sampled_from([1, None, "a"]))
    return hint, value


def verdict(function: Any, arguments: Any) -> bool | None:
    try:
        function(*arguments)
    except (sk.BoundaryError, jaxtyping.TypeCheckError):
        return False
    except (jaxtyping.AnnotationError, sk.DeclarationError):
        return None
    return True


def compare(library: Any, array_type: Any, data: Any) -> None:
    # If a first argument binds all names, the others may be symbolic.
    symbolic = data.draw(st.booleans())
    first = jaxtyping.Shaped[array_type, "a b c" if symbolic else "..."]
    drawn = [data.draw(pairs(library, array_type, symbolic=symbolic)) for _ in range(3)]
    hints = [first, *(hint for hint, _ in drawn)]
    arguments = [library.zeros((1, 2, 3)), *(value for _, value in drawn)]

    def plain(w, x, y, result):
        return result

    def starred(w, x, result, *y):
        return result

    function: Any = plain
    if data.draw(st.booleans()):
        function = starred
        y = arguments.pop(2)
        arguments += [y] * data.draw(st.integers(0, 2))
    function.__annotations__ = dict(zip(("w", "x", "y", "return"), hints, strict=True))
    expected = verdict(jaxtyped(typechecker=beartype.beartype)(function), arguments)
    guarded = sk.boundary(function)
    event(f"verdict: {expected}")
    if expected is not None:
        assert verdict(guarded, arguments) == expected


@pytest.mark.slow
@settings(max_examples=1100)
@given(st.data())
def test_the_verdict_on_arrays_is_jaxtypings(data):
    compare(np, np.ndarray, data)


@pytest.mark.slow
@pytest.mark.skipif(torch is None, reason="torch is not installed")
@settings(max_examples=1100)
@given(st.data())
def test_the_verdict_on_tensors_is_jaxtypings(data):
    compare(torch, torch.Tensor, data)
