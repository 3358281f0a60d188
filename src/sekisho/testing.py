"""What tests of code that crosses the border import."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from sekisho.helpers import make_to_world
from sekisho.recording import record_crossings
from sekisho.worlds import (
    HOST,
    World,
    asked_worlds,
    describe,
    dtype_name,
    find_world,
    flatten,
    with_leaves,
    world_named,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["assert_same_values", "assert_stays", "both_worlds"]

__tracebackhide__: Any = methodcaller("errisinstance", AssertionError)

R = TypeVar("R")


def assert_same_values(
    a: Any,
    b: Any,
    *,
    world: bool = False,
    dtype: bool = True,
    shape: bool = True,
    rtol: float = 0.0,
    atol: float = 0.0,
) -> None:
    """Assert that two arrays or tensors, of whichever world, have the same values.

    NumPy's own asserts broadcast, so that a 0-d array equals any array of its value; this one
    does not, unless told.

    Args:
        a: an array, a tensor, or nested lists, tuples and dicts of them.
        b: likewise.
        world: whether they must be of one world too.
        dtype: whether their dtypes must have the same name.
        shape: whether their shapes must be the same; otherwise they are broadcast.
        rtol: the relative difference allowed, as in `numpy.isclose`.
        atol: the absolute difference allowed.

    Raises:
        AssertionError: naming the first pair that differs and how; values are not printed.

    Examples:
        >>> import numpy as np
        >>> import torch
        >>> from sekisho.testing import assert_same_values
        >>> assert_same_values(np.ones(2), torch.ones(2, dtype=torch.float64))
        >>> assert_same_values(np.ones(2), torch.ones(2))
        Traceback (most recent call last):
        ...
        AssertionError: float64[2] (NumPy) and float32[2] (PyTorch): the dtypes differ
    """
    left, right = list(flatten(a)), list(flatten(b))
    if len(left) != len(right):
        raise AssertionError(f"{len(left)} values and {len(right)} values")
    asked = _Asked(world, dtype, shape, rtol, atol)
    for number, (x, y) in enumerate(zip(left, right, strict=True)):
        problem = _difference(x, y, asked)
        if problem:
            which = "" if len(left) == 1 else f"value {number}: "
            raise AssertionError(f"{which}{describe(x)} and {describe(y)}: {problem}")


class _Asked(NamedTuple):
    """What `assert_same_values` was asked to compare."""

    world: bool
    dtype: bool
    shape: bool
    rtol: float
    atol: float


def _difference(x: Any, y: Any, asked: _Asked) -> str | None:
    worlds = find_world(x), find_world(y)
    if None in worlds:
        return None if worlds == (None, None) and x == y else "they are not equal"
    if asked.world and worlds[0] is not worlds[1]:
        return "the worlds differ"
    if asked.dtype and dtype_name(x.dtype) != dtype_name(y.dtype):
        return "the dtypes differ"
    if asked.shape and tuple(x.shape) != tuple(y.shape):
        return "the shapes differ"
    left, right = _values(x), _values(y)
    try:
        close = np.isclose(left, right, asked.rtol, asked.atol, equal_nan=True)
    except TypeError:  # no numbers
        close = np.asarray(left == right)
    different = int(np.count_nonzero(~close))
    return f"{different} of {close.size} values differ" if different else None


def _values(x: Any) -> Any:
    return (find_world(x) or HOST).host_values(x)


def assert_stays(function: Callable[..., R], /, *args: Any, **kwargs: Any) -> R:
    """Assert that a call makes no crossing: every guard in it gets values of its own world.

    Args:
        function: what to call.
        args: its arguments.
        kwargs: its keyword arguments.

    Returns:
        What the call returned.

    Raises:
        AssertionError: with the table of the crossings that it made.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> from sekisho.testing import assert_stays
        >>> double = sk.numpy_world(lambda x: x * 2)
        >>> assert_stays(double, np.ones(2))
        array([2., 2.])
    """
    with record_crossings() as log:
        result = function(*args, **kwargs)
    if len(log):
        name = getattr(function, "__qualname__", repr(function))
        raise AssertionError(f"{name}() does not stay in one world:\n{log}")
    return result


def both_worlds(
    function: Callable[..., Any],
    /,
    *args: Any,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    worlds: Sequence[str] | None = None,
    **kwargs: Any,
) -> Any:
    """Call a `same_world` function with arrays, then with tensors, and compare the results.

    Args:
        function: what to call.
        args: its arguments; arrays and tensors among them, in containers too, are given to it in
            the one world and then in the other, and anything else as it is.
        rtol: the relative difference allowed, since the libraries add up in other orders.
        atol: the absolute difference allowed.
        worlds: the names of the worlds to call it in, if not these two: ``("numpy", "jax")``.
        kwargs: its keyword arguments, likewise.

    Returns:
        The result of the call with arrays.

    Raises:
        AssertionError: if the results differ, or one of them is not of the world of its call.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> from sekisho.testing import both_worlds
        >>> both_worlds(sk.transpose2d, np.array([[1, 2, 3], [4, 5, 6]])).shape
        (3, 2)
    """
    results: list[Any] = []
    names = worlds or [world.name for world in asked_worlds() if world.is_resident]
    for world in map(world_named, names):

        def given(x: Any, world: World = world) -> Any:
            return x if find_world(x) is None else make_to_world(world.name)(x)

        result = function(*with_leaves(args, given), **with_leaves(kwargs, given))
        for value in flatten(result):
            found = find_world(value)
            if found is not None and found is not world:
                raise AssertionError(f"called in {world.name}, it returned {describe(value)}")
        results.append(result)
    try:
        for other in results[1:]:
            assert_same_values(results[0], other, rtol=rtol, atol=atol)
    except AssertionError as error:
        raise error.with_traceback(None) from None
    return results[0]
