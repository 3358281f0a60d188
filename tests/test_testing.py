from __future__ import annotations

import numpy as np
import pytest

import sekisho as sk
from sekisho.testing import assert_same_values, assert_stays, both_worlds


def test_the_same_values_are_the_same_in_both_worlds(world, other):
    assert_same_values(world.range(2, 3), other.range(2, 3))
    assert_same_values({"a": [world.zeros(2), 1]}, {"a": [other.zeros(2), 1]})
    nan = world.zeros(2) + float("nan")
    assert_same_values(nan, nan)


@pytest.mark.parametrize(
    ("make", "switch", "words"),
    [
        (lambda k, o: (k.zeros(2), o.zeros(2)), "world", "the worlds differ"),
        (lambda k, o: (k.zeros(2), o.zeros(2, dtype="float64")), "dtype", "the dtypes differ"),
        (lambda k, o: (k.zeros(), o.zeros(2)), "shape", "the shapes differ"),
        (lambda k, o: (k.zeros(1), o.zeros(2)), "shape", "the shapes differ"),
    ],
)
def test_each_difference_is_told_and_switchable(make, switch, words, world, other):
    a, b = make(world, other)
    with pytest.raises(AssertionError, match=words):
        assert_same_values(a, b, **{switch: True})
    assert_same_values(a, b, **{switch: False})


def test_other_values_are_counted_and_not_printed(world, other):
    b = other.zeros(4)
    b[1:3] = 12345
    with pytest.raises(AssertionError, match="2 of 4 values differ, the most") as caught:
        assert_same_values(world.zeros(4), b)
    assert "12345" not in str(caught.value)
    assert_same_values(world.zeros(4), b, atol=20000)
    with pytest.raises(AssertionError, match=r"^1 value and 2 values$"):
        assert_same_values([b], [b, b])
    with pytest.raises(AssertionError, match="value 1: an int and an int: they are not equal"):
        assert_same_values([b, 1], [b, 2])


def test_dtypes_that_numpy_lacks_are_compared_exactly(torch):
    for dtype in (torch.bfloat16, torch.float8_e5m2):
        x = torch.tensor([1.5, -2.0]).to(dtype)
        assert_same_values(x, x.clone())
        with pytest.raises(AssertionError, match="1 of 2 values differ"):
            assert_same_values(x, torch.tensor([1.5, 2.0]).to(dtype))


def test_a_call_that_stays_returns_its_result(world, other):
    f = world.decorate(lambda x: x)
    x = world.zeros(2)
    assert assert_stays(f, x) is x
    with pytest.raises(AssertionError, match=r"does not stay in one world:\ncrossings"):
        assert_stays(f, other.zeros(2))


def test_both_worlds_compares_a_function_with_itself(torch):
    @sk.same_world
    def center(x: sk.Array, options=None):
        return {"centered": x - x.mean()}

    result = both_worlds(center, np.arange(4.0), options={"weights": torch.ones(2)})
    assert result["centered"].tolist() == [-1.5, -0.5, 0.5, 1.5]

    with pytest.raises(
        AssertionError, match=r"called in numpy, it returned float32\[2\] \(PyTorch\)"
    ):
        both_worlds(lambda x: torch.ones(2), np.ones(2))
    with pytest.raises(AssertionError, match="values differ"):
        both_worlds(lambda x: x + sk.is_torch(x), np.ones(2))


def test_values_that_are_no_numbers_are_compared_too():
    x = np.array(["a", "b"], dtype=object)
    assert_same_values(x, x.copy())
    with pytest.raises(AssertionError, match="1 of 2"):
        assert_same_values(x, np.array(["a", "c"], dtype=object))
