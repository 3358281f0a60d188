"""`returns="caller"`: results go back to the library of the first array argument."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import sekisho as sk


@pytest.fixture
def add(world):
    @world.decorate(returns="caller")
    def add(options: Any, x: world.array_type, *more: world.array_type, last=None):
        total = x
        for each in more:
            total = total + each
        return total if last is None else (total, {"last": [last, 1]})

    return add


@pytest.mark.parametrize("first", ["world", "other"])
@pytest.mark.parametrize("second", ["world", "other"])
def test_the_first_array_decides_in_a_mixed_call_too(first, second, world, other, add):
    kits = {"world": world, "other": other}
    x, y = kits[first].zeros(2), kits[second].zeros(2)
    assert isinstance(add(None, x, y), kits[first].array_type)
    total, nested = add({"no": "array"}, x, last=y)
    assert isinstance(total, kits[first].array_type)
    assert isinstance(nested["last"][0], kits[first].array_type)
    assert nested["last"][1] == 1


def test_containers_are_searched_in_order(world, other, add):
    assert isinstance(add({"a": [1, other.zeros(1)]}, world.zeros(1)), other.array_type)
    assert isinstance(add([[], (world.zeros(1),)], other.zeros(1)), world.array_type)


def test_the_dtype_stays(world, other):
    @world.decorate(returns="caller")
    def f(x: world.array_type):
        return x

    back = f(other.zeros(2, dtype="int32"))
    assert str(back.dtype).endswith("int32")


def test_self_is_no_argument(world, other):
    class Holder:
        @world.decorate(returns="caller")
        def f(self, x: world.array_type):
            return x + 1

    assert isinstance(Holder().f(other.zeros(2)), other.array_type)


def test_without_an_array_argument_results_stay_as_they_are(world):
    @world.decorate(returns="caller")
    def f(n: int) -> world.array_type:
        return world.zeros(n)

    assert isinstance(f(3), world.array_type)


def test_results_go_back_to_the_device_of_the_caller(torch):
    @sk.torch_world(device="meta", returns="caller")
    def f(x: torch.Tensor):
        return x

    with pytest.raises(sk.ConversionError, match="holds no values"):
        f(np.zeros(2))
    meta = torch.zeros(2, device="meta")
    assert f(meta) is meta


def test_what_cannot_go_back_says_so(torch):
    @sk.numpy_world(returns="caller")
    def f(x: np.ndarray):
        return np.array(["text"])

    with pytest.raises(sk.ConversionError) as caught:
        f(torch.zeros(1))
    assert str(caught.value).startswith(
        "f() the result: expected a value that can go back to PyTorch, got str_[1] (NumPy)."
    )


def test_a_list_or_dict_without_arrays_comes_back_as_the_same_object(torch):
    result = {"a": [1, 2]}
    f = sk.numpy_world(returns="caller")(lambda x: result)
    assert f(torch.zeros(1)) is result


def test_named_tuples_and_dicts_of_ones_own_keep_their_type(torch):
    class Pair(NamedTuple):
        a: Any
        b: Any

    class Named(dict):
        pass

    f = sk.numpy_world(returns="caller")(lambda x: Pair(x + 1, Named(c=x)))
    pair = f(torch.zeros(2))
    assert type(pair) is Pair
    assert type(pair.b) is Named
    assert isinstance(pair.a, torch.Tensor)
    assert isinstance(pair.b["c"], torch.Tensor)


def test_a_container_that_holds_itself_is_searched_once(torch):
    endless: list[Any] = []
    endless.append(endless)
    f = sk.numpy_world(returns="caller")(lambda options, x: x)
    assert isinstance(f(endless, torch.zeros(1)), torch.Tensor)
