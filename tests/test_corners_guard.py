"""Guards with several conditions: tuples, unions, options. Unnoticed mutants led to these tests."""

import itertools
from collections.abc import Callable
from typing import Literal, NewType

import numpy as np
import pytest
from jaxtyping import Float32

import sekisho as sk
from sekisho.validation import Boundary


def verdict(guard, *given):
    """Return whether a guard accepts a call, or the class of its error."""
    try:
        guard(*given)
    except sk.BoundaryError as error:
        return type(error)
    return None


# --- tuples ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("items", [2, 3, 4])
def test_an_axis_named_twice_in_one_tuple_has_one_size(world, items):
    array = Float32[world.array_type, "n"]
    hint = tuple[(array,) * items]

    @world.decorate
    def f(x: hint): ...

    for sizes in itertools.product([2, 3], repeat=items):
        given = tuple(world.zeros(size) for size in sizes)
        for _ in range(2):  # the first call takes the slow path, the second the fast path
            assert verdict(f, given) is (None if len(set(sizes)) == 1 else sk.ShapeError), sizes


def test_an_axis_of_a_tuple_is_the_one_of_the_other_arguments(world):
    array = Float32[world.array_type, "n"]

    @world.decorate
    def f(x: tuple[array, array], y: array): ...

    for a, b, c in itertools.product([2, 3], repeat=3):
        given = (world.zeros(a), world.zeros(b)), world.zeros(c)
        assert verdict(f, *given) is (None if a == b == c else sk.ShapeError), (a, b, c)


# --- values in a body ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hint", "good", "bad"),
    [
        (Literal["a", 3], "a", "b"),
        (list[int], [1], ["a"]),
        (dict[str, float], {"a": 1}, {1: 1.0}),
        (Callable[[int], int], abs, 3),
        (type[int], bool, str),
        (int | Literal["a"], "a", "b"),
        (tuple[int, ...], (1, 2), ("a",)),
        (NewType("Count", int), 3, "a"),
    ],
)
def test_check_holds_what_is_no_array_to_its_annotation_as_a_guard_does(world, hint, good, bad):
    @world.decorate
    def f(x: hint): ...

    assert sk.check(good, hint) is good
    f(good)
    for refused in (lambda: sk.check(bad, hint), lambda: f(bad)):
        with pytest.raises(sk.BoundaryError):
            refused()


# --- valid calls take the fast path ----------------------------------------------------------------------


def forms(array):
    """Return annotations, each with a valid value made of arrays, for n = 3 and m = 2."""
    n, n_m, fixed = Float32[array, "n"], Float32[array, "n m"], Float32[array, "2"]
    return {
        "an array": (n, lambda new: new(3)),
        "a plain array": (array, lambda new: new(3)),
        "several axes": (n_m, lambda new: new(3, 2)),
        "None": (n | None, lambda new: None),
        "not None": (n | None, lambda new: new(3)),
        "one of two ranks": (n | n_m, lambda new: new(3, 2)),
        "an array or a number": (n | int, lambda new: 3),
        "a pair": (tuple[n, int], lambda new: (new(3), 1)),
        "a list": (list[n], lambda new: [new(3), new(3)]),
        "a list of matrices": (list[n_m], lambda new: [new(3, 2), new(3, 2)]),
        "a list with None": (list[fixed | None], lambda new: [new(2), None]),
        "a list of pairs": (list[tuple[fixed, int]], lambda new: [(new(2), 1)]),
        "a tuple of any length": (tuple[n, ...], lambda new: (new(3), new(3))),
        "a dict": (dict[str, n], lambda new: {"a": new(3)}),
        "a number": (int, lambda new: 3),
        "a string": (str, lambda new: "a"),
        "not annotated": (None, lambda new: 3),
    }


@pytest.fixture
def slow_calls(monkeypatch):
    seen = []
    real = Boundary.validate

    def validate(self, *given, **named):
        seen.append(self)
        return real(self, *given, **named)

    monkeypatch.setattr(Boundary, "validate", validate)
    return seen


@pytest.mark.parametrize("form", forms(np.ndarray))
@pytest.mark.parametrize("where", ["alone", "after", "star", "stars", "default"])
def test_a_valid_call_takes_the_fast_path(world, slow_calls, form, where):
    hint, make = forms(world.array_type)[form]
    value, first = make(world.zeros), world.zeros(3)
    if where in {"star", "stars"} and form not in {"an array", "a plain array", "a number"}:
        pytest.skip("of what is passed by a star, only some is asked in the text")
    if where == "default" and form.startswith(("a list", "a tuple", "a dict")):
        pytest.skip("containers with a default are the slow path's")
    functions = {
        "alone": (lambda x: 0, (value,), {}),
        "after": (lambda y, x: 0, (first, value), {}),
        "default": (lambda y, x=None: 0, (first, value), {}),
        "star": (lambda *x: 0, (value, value), {}),
        "stars": (lambda **x: 0, (), {"a": value, "b": value}),
    }
    function, given, named = functions[where]
    function.__annotations__ = {} if hint is None else {"x": hint}
    if where in {"after", "default"}:
        function.__annotations__["y"] = Float32[world.array_type, "n"]
    guard = world.decorate(function)
    for _ in range(2):
        guard(*given, **named)
    slow_calls.clear()
    guard(*given, **named)
    assert slow_calls == []


@pytest.mark.parametrize("axes", ["n", "3", "n 2", "n n", "a b", "..."])
@pytest.mark.parametrize("where", ["alone", "after"])
def test_a_plain_array_of_the_other_world_crosses_on_the_fast_path(
    world, other, slow_calls, axes, where
):
    shape = {"n": (3,), "3": (3,), "n 2": (3, 2), "n n": (3, 3)}.get(axes, (2, 4))
    function = (lambda x: x) if where == "alone" else (lambda y, x: x)
    function.__annotations__ = {"x": Float32[world.array_type, axes]}
    if where == "after":
        function.__annotations__["y"] = Float32[world.array_type, "n"]
    guard = world.decorate(function)
    given = ([world.zeros(3)] if where == "after" else []) + [other.zeros(*shape)]
    for _ in range(2):
        guard(*given)
    slow_calls.clear()
    assert sk.world_of(guard(*given)) == world.name
    assert slow_calls == []
