"""Helpers for tests of code that uses more than one array library."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import numpy as np

from sekisho.errors import ConversionError, Violation
from sekisho.helpers import make_to_world
from sekisho.recording import record_crossings
from sekisho.utils import counted
from sekisho.worlds import (
    HOST,
    Library,
    Refusal,
    asked_worlds,
    describe,
    dtype_name,
    find_world,
    flatten,
    with_leaves,
    world_named,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

__all__ = [
    "arrays_of",
    "assert_same_values",
    "assert_stays",
    "both_worlds",
    "fuzz",
    "inputs_of",
]

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

    NumPy's own asserts broadcast, so a 0-d array equals any array of its value. This one does not
    broadcast, unless ``shape=False``.

    Args:
        a: an array, a tensor, or nested lists, tuples and dicts of them.
        b: the same, possibly of another world.
        world: whether both must be of one world.
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
        raise AssertionError(" and ".join(counted(len(each), "value") for each in (left, right)))
    asked = _Asked(world, dtype, shape, rtol, atol)
    for number, (x, y) in enumerate(zip(left, right, strict=True)):
        problem = _difference(x, y, asked)
        if problem:
            which = "" if len(left) == 1 else f"value {number}: "
            raise AssertionError(f"{which}{describe(x)} and {describe(y)}: {problem}")


class _Asked(NamedTuple):
    """The comparisons that `assert_same_values` has to make."""

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
        close = np.asarray(np.isclose(left, right, asked.rtol, asked.atol, equal_nan=True))
    except TypeError:  # dtypes that are not numbers
        close = np.asarray(left == right)
    different = int(np.count_nonzero(~close))
    if not different:
        return None
    left, right = np.broadcast_arrays(left, right)
    how = _largest(left, right, ~close, asked)
    return f"{different} of {close.size} values differ, {how}"


def _largest(left: Any, right: Any, differs: Any, asked: _Asked) -> str:
    """Say where two arrays differ most, by how much, and which difference is allowed."""
    if left.dtype.kind not in "iufc" or right.dtype.kind not in "iufc":
        return f"the first at {_index(differs, np.argmax(differs))}"
    with np.errstate(all="ignore"):
        wide = np.result_type(left, right, np.float64)
        errors = np.where(differs, np.abs(left.astype(wide) - right.astype(wide)), -1.0)
    is_endless = differs & ~np.isfinite(errors)  # an infinity, or NaN, on one side only
    if is_endless.any():
        at = np.argmax(is_endless)
        return f"the first at {_index(differs, at)}: a value there is infinity or NaN"
    at = np.argmax(errors)
    allowed = asked.atol + asked.rtol * float(np.abs(right.flat[at]))
    return (
        f"the most at {_index(differs, at)}: by {errors.flat[at]:.3g}, where rtol={asked.rtol:g} "
        f"and atol={asked.atol:g} allow {allowed:.3g}"
    )


def _index(array: Any, at: Any) -> list[int]:
    return [int(each) for each in np.unravel_index(int(at), array.shape)]


def _values(x: Any) -> Any:
    return (find_world(x) or HOST).host_values(x)


def assert_stays(function: Callable[..., R], /, *args: Any, **kwargs: Any) -> R:
    """Assert that a call makes no crossing: every guard in it gets values of its own world.

    Args:
        function: the function to call.
        args: its arguments.
        kwargs: its keyword arguments.

    Returns:
        The result of the call.

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
        function: the function to call.
        args: its arguments. Arrays and tensors among them, also in containers, are converted to
            each world; anything else is passed as it is.
        rtol: the relative difference allowed, since libraries add up in different orders.
        atol: the absolute difference allowed.
        worlds: the names of the worlds to call it in, if not these two: ``("numpy", "jax")``.
        kwargs: its keyword arguments, converted in the same way.

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

        def given(x: Any, world: Library = world) -> Any:
            return x if find_world(x) is None else make_to_world(world.name)(x)

        try:
            here = with_leaves((args, kwargs), given)
        except Refusal as refusal:
            where = "both_worlds", "its arguments", "what can be given in each world", "a container"
            raise ConversionError(Violation(*where, f"it {refusal.reason}")) from None
        result = function(*here[0], **here[1])
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


_MOST_ELEMENTS: Final = 2**22


def arrays_of(
    annotation: Any, *, hostile: bool = True, most_elements: int = _MOST_ELEMENTS
) -> SearchStrategy[Any]:
    """Return a Hypothesis strategy for the values that an annotation accepts.

    Args:
        annotation: of an array or of a container of arrays: ``Float32[ndarray, "b 3 h w"]``,
            ``dict[str, Tensor]``, a dataclass.
        hostile: whether to draw layouts and values that often break code: views of all kinds, axes
            of size 0 and 1, NaN and infinities.
        most_elements: the largest number of elements of an array.

    Returns:
        The strategy. An annotation that names no world, such as `sekisho.Array`, gives arrays, and
        tensors if PyTorch is imported.

    Raises:
        DeclarationError: if the annotation cannot be read, or nothing satisfies it.

    Examples:
        >>> import numpy as np
        >>> from hypothesis import given
        >>> from jaxtyping import Float32
        >>> from sekisho.testing import arrays_of
        >>> @given(arrays_of(Float32[np.ndarray, "n n+1"]))
        ... def test(x):
        ...     assert x.shape[1] == x.shape[0] + 1
        >>> test()
    """
    from sekisho.fuzzing import values_of  # noqa: PLC0415 - it needs Hypothesis

    values: SearchStrategy[Any] = values_of(annotation, hostile=hostile, most=most_elements)
    return values


def inputs_of(
    function: Callable[..., Any],
    /,
    *,
    hostile: bool = True,
    given: Mapping[str, SearchStrategy[Any]] | None = None,
    mutates: Collection[str] = (),
    worlds: Sequence[str] | None = None,
    most_elements: int = _MOST_ELEMENTS,
) -> SearchStrategy[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Return a Hypothesis strategy for the calls that a function's contract accepts.

    Args:
        function: a guarded function, or a method of an instance. A function that is only annotated
            works, too.
        hostile: see `arrays_of`.
        given: strategies for parameters whose annotations do not say enough.
        mutates: the parameters whose memory is writable, beside those of its decorator.
        worlds: for a function that takes arrays of any world, the names of those to draw. The
            default is NumPy, and PyTorch if it is imported.
        most_elements: see `arrays_of`.

    Returns:
        The strategy of ``(args, kwargs)``. Arrays of one annotation have the same dtype in one
        call, and axes of different names have different sizes, unless one is 0 or 1.

    Raises:
        DeclarationError: when Hypothesis draws, if nothing satisfies the contract, or if it is not
            known what an argument may be.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> from hypothesis import given
        >>> from jaxtyping import Float
        >>> from sekisho.testing import inputs_of
        >>> @sk.numpy_world
        ... def outer(x: Float[np.ndarray, "n"], y: Float[np.ndarray, "m"]):
        ...     return x[:, None] * y
        >>> @given(inputs_of(outer, hostile=False))
        ... def test(call):
        ...     args, kwargs = call
        ...     assert outer(*args, **kwargs).ndim == 2
        >>> test()
    """
    from sekisho.fuzzing import calls_of, find_target  # noqa: PLC0415 - they need Hypothesis

    target = find_target(function, worlds)
    writes = target.mutates | frozenset(mutates)
    calls: SearchStrategy[Any] = calls_of(
        target, given or {}, hostile=hostile, writes=writes, most=most_elements
    )
    return calls.map(methodcaller("make"))


def fuzz(
    function: Callable[..., Any],
    /,
    *,
    allow: tuple[type[BaseException], ...] = (),
    mutates: Collection[str] = (),
    rtol: float | None = None,
    given: Mapping[str, SearchStrategy[Any]] | None = None,
    worlds: Sequence[str] | None = None,
    examples: int = 100,
    hostile: bool = True,
    compile: bool | Mapping[str, Any] = False,  # noqa: A002 - torch's word for it
    seconds: float = 10.0,
    seed: int | None = None,
    most_elements: int = _MOST_ELEMENTS,
) -> None:
    """Call a function with inputs that its contract accepts, and report what must not happen.

    Reported are crashes, results that break the contract, crossings, changed arguments, cut gradients,
    small integers that wrap around, and other results for equal values in another layout or world. An
    undeclared ``raise`` of the function's own is a warning.

    Args:
        function: see `inputs_of`.
        allow: errors that it may raise, beside those that its docstring names.
        mutates: the parameters that it may change, beside those of its decorator.
        rtol: how far results may differ, relative to the largest number; None is half the digits.
        given: see `inputs_of`.
        worlds: see `inputs_of`; their results are compared.
        hostile: see `inputs_of`.
        most_elements: see `inputs_of`.
        examples: how many inputs to try, each with a few variations.
        compile: whether to compare with ``torch.compile`` or ``jax.jit``; or options of these.
        seconds: the time that one call may take; what JAX compiles in it does not count.
        seed: a number that makes the inputs the same each time.

    Raises:
        AssertionError: with the smallest input found, as code to paste.
        DeclarationError: see `inputs_of`; also for options that the compiler refuses.

    Examples:
        >>> import numpy as np, sekisho as sk
        >>> from jaxtyping import Float32
        >>> @sk.numpy_world
        ... def peak(x: Float32[np.ndarray, "n"]) -> np.float32:
        ...     return x.max()
        >>> fuzz(peak, seed=0)
        Traceback (most recent call last):
        ...
        AssertionError: peak() raises ValueError: zero-size array to reduction operation ...
    """
    from sekisho.fuzzing import Demands, compile_options, find_target, fuzz_target  # noqa: PLC0415

    target = find_target(function, worlds)
    demands = Demands(allow, target.mutates | {*mutates}, rtol, seconds, compile_options(compile))
    sizes: Any = {"examples": examples, "hostile": hostile, "most": most_elements, "seeded": seed}
    fuzz_target(target, demands, given or {}, **sizes)
