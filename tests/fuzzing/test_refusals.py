"""What fuzzing tells as a refusal of an input, and not as a failure."""

from __future__ import annotations

import warnings
from typing import Protocol, runtime_checkable

import numpy as np
import pytest
from jaxtyping import Float, Float64

import sekisho as sk
from sekisho.fuzzing.declared import declared_errors
from sekisho.testing import fuzz

A = np.ndarray


def warned(function):
    with pytest.warns(UserWarning, match=" refuses inputs that ") as caught:
        fuzz(function, seed=0)
    (message,) = [str(each.message) for each in caught]
    return message


def passes(function):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fuzz(function, seed=0)


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_a_matrix_without_an_inverse_is_refused_by_the_library(library):
    module = pytest.importorskip(library)
    array = module.ndarray if library == "numpy" else module.Tensor

    @getattr(sk, f"{library}_world")
    def inverse(x: Float64[array, "n n"]) -> Float64[array, "n n"]:
        return module.linalg.inv(x)

    assert warned(inverse).startswith("inverse() refuses inputs that its contract accepts: raise ")
    assert "LinAlgError" in warned(inverse)


def test_a_sentence_of_the_docstring_declares_an_error():
    @sk.numpy_world
    def inverse(x: Float64[A, "n n"]) -> Float64[A, "n n"]:
        """Return the inverse.

        Raise ValueError if the matrix is singular; numpy.linalg.LinAlgError is one.
        """
        return np.linalg.inv(x)

    passes(inverse)


@pytest.mark.parametrize(
    "text",
    [
        "Raises a `ValueError` for one row.",
        "It raises :class:`ValueError` if there is one row.",
        "Raise ValueError where it has one row.",
    ],
)
def test_the_forms_of_such_a_sentence(text):
    def rows(x): ...

    rows.__doc__ = text
    assert list(declared_errors(rows)) == [ValueError]


def test_a_call_without_any_of_the_optional_arrays_may_be_refused():
    @sk.numpy_world
    def area(x: Float64[A, "n 2"] = None, sides: Float64[A, "n"] | None = None):
        return (x[:, 0] * x[:, 1] if sides is None else sides**2) * 1.0

    assert warned(area).startswith(
        "area() refuses inputs that its contract accepts: raise TypeError: 'NoneType'"
    )


def test_a_call_with_an_empty_list_of_arrays_is_no_call_without_arrays():
    @sk.numpy_world
    def first(xs: list[Float64[A, "n"]] = ()):
        return xs[0]

    with pytest.raises(AssertionError, match="raises IndexError"):
        fuzz(first, seed=0)


def test_the_number_of_an_axis_keeps_its_default():
    seen = set()

    @sk.numpy_world
    def norm(x: Float[A, "n m"], axis: int | None = None, dim: int = -1, k: int = 0):
        seen.add((axis, dim))
        return np.sum(x, axis=axis) + k

    passes(norm)
    assert seen == {(None, -1)}


def test_a_raise_with_a_name_error_is_the_functions_own():
    @sk.numpy_world
    def unit(x: Float64[A, "3"]) -> Float64[A, "3"]:
        if not x.any():
            raise NameError("it must be nonzero")
        return x

    assert "raise NameError: it must be nonzero (line " in warned(unit)


def test_an_alternative_of_which_nothing_is_known_is_left_out():
    @runtime_checkable
    class Unknown(Protocol):
        def unknown_to_everyone(self, size: int) -> bytes: ...

    seen = set()

    @sk.numpy_world
    def f(x: Float64[A, "n"] | Unknown | int):
        seen.add(type(x))

    passes(f)
    assert int in seen
    assert all(issubclass(each, (A, int)) for each in seen)
