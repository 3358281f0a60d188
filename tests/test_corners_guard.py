"""Guards where several questions meet: tuples, unions, options. Mutants that nobody noticed led here."""

import itertools
from collections.abc import Callable
from typing import Literal, NewType

import pytest
from jaxtyping import Float32

import sekisho as sk


def verdict(guard, *given):
    """Whether a guard takes a call, or the class of its refusal."""
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
        for _ in range(2):  # the first call takes the slow path, the second the fast one
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
