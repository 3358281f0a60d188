"""Helpers that join arrays of one world, and the array API namespace for everything else."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, overload

import numpy as np
from numpy import concatenate, ndarray

from sekisho.errors import (
    BoundaryError,
    ShapeError,
    Violation,
    WorldError,
    first_line,
    hide_in_pytest,
)
from sekisho.helpers.operands import (
    inlined_class,
    is_axis,
    refuse_argument,
    refuse_world,
    tell_of_worlds,
)
from sekisho.utils import refuse_words, shown_without
from sekisho.worlds import Library, StandardArray, class_of, describe, find_world

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from numpy.typing import NDArray

    from sekisho.worlds import TorchTensor

__all__ = [
    "concat",
    "namespace",
    "stack",
]

__tracebackhide__ = hide_in_pytest

S = TypeVar("S", bound="np.generic")
R = TypeVar("R")  # a record
library: Any
_FIRST: Final = 0
"""Joining along axis 0 omits the argument, because torch takes 0.1 us to parse it."""

Tensor: Any = inlined_class(globals())


@overload
def concat(arrays: Sequence[NDArray[S]], /, *, axis: int | None = ...) -> NDArray[S]: ...
@overload
def concat(arrays: Sequence[TorchTensor], /, *, axis: int | None = ...) -> TorchTensor: ...
@overload
def concat(arrays: Sequence[StandardArray], /, *, axis: int | None = ...) -> StandardArray: ...
@overload
def concat(arrays: Sequence[R], /, *, axis: int | None = ...) -> R: ...
@shown_without("more", "dim")
def concat(arrays: Any, /, more: None = None, *, axis: int | None = 0, dim: None = None) -> Any:
    """Join arrays or tensors along an existing axis.

    NumPy's ``np.concatenate``, PyTorch's ``torch.cat``.

    Records of arrays are joined array by array, as in `stack`.

    Args:
        arrays: arrays of one world, with the same shape except along `axis`; or records of them.
        axis: the axis to join along; None flattens the arrays first.

    Returns:
        A new array or tensor.

    Raises:
        WorldError: if the arrays belong to two worlds, or to none.
        ShapeError: if their shapes do not fit.
        BoundaryError: if `arrays` is not a sequence, records differ, or `axis` is neither an int nor None.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.concat([np.zeros((2, 3)), np.ones((1, 3))]).shape
        (3, 3)
    """
    if more is not None or dim is not None:
        _refuse_words("concat", more, dim)
    try:
        if type(arrays[0]) is Tensor and axis is not None:  # torch.cat raises if others follow
            return library.cat(arrays) if axis is _FIRST else library.cat(arrays, axis)
        # The fast path for NumPy: every item must be a plain array.
        for each in arrays:
            if type(each) is not ndarray:
                break
        else:
            return concatenate(arrays, axis)
        if find_world(arrays[0]) is None and _are_records(arrays):
            return _join_records("concat", arrays, partial(concat, axis=axis))
        return _one_world("concat", arrays).concat(arrays, axis)
    except (LookupError, RuntimeError, TypeError, ValueError) as error:
        _refuse_join("concat", arrays, axis, error)


@overload
def stack(arrays: Sequence[NDArray[S]], /, *, axis: int = ...) -> NDArray[S]: ...
@overload
def stack(arrays: Sequence[TorchTensor], /, *, axis: int = ...) -> TorchTensor: ...
@overload
def stack(arrays: Sequence[StandardArray], /, *, axis: int = ...) -> StandardArray: ...
@overload
def stack(arrays: Sequence[R], /, *, axis: int = ...) -> R: ...
@shown_without("more", "dim")
def stack(arrays: Any, /, more: None = None, *, axis: int = 0, dim: None = None) -> Any:
    """Join arrays or tensors of one shape along a new axis: samples become a batch.

    Dicts, tuples, dataclasses and other records of arrays are joined array by array, to any depth, as a
    collate function does. What is no array becomes the list of its values.

    Args:
        arrays: arrays of one world and one shape; or records of such arrays, all of one structure.
        axis: position of the new axis in the result.

    Returns:
        A new array or tensor with one more axis.

    Raises:
        WorldError: if the arrays belong to two worlds, or to none.
        ShapeError: if their shapes differ.
        BoundaryError: if `arrays` is not a sequence, records differ, or `axis` is not an int.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.stack([np.zeros(3), np.ones(3)]).shape
        (2, 3)
        >>> samples = [{"x": np.zeros(3), "name": "a"}, {"x": np.ones(3), "name": "b"}]
        >>> sk.stack(samples)["x"].shape, sk.stack(samples)["name"]
        ((2, 3), ['a', 'b'])
    """
    if more is not None or dim is not None:
        _refuse_words("stack", more, dim)
    try:
        if type(arrays[0]) is Tensor:  # torch.stack raises if others follow
            return library.stack(arrays) if axis is _FIRST else library.stack(arrays, axis)
        for each in arrays:
            if type(each) is not ndarray:
                if find_world(arrays[0]) is None and _are_records(arrays):
                    return _join_records("stack", arrays, partial(stack, axis=axis))
                return _one_world("stack", arrays).stack(arrays, axis)
        return np.stack(arrays, axis)
    except (LookupError, RuntimeError, TypeError, ValueError) as error:
        _refuse_join("stack", arrays, axis, error)


def _refuse_words(function: str, more: object, dim: object) -> NoReturn:
    """Refuse arrays passed one by one, an axis without keyword, and torch's name ``dim``."""
    if dim is None and not isinstance(more, int):
        refuse_words(function, f"{function}([a, b])", {}, "the arrays are one list.")
    words: dict[str, Any] = {} if dim is None else {"dim": dim}
    reason = "" if words else "the axis goes by its name."
    refuse_words(function, f"{function}(arrays, axis=...)", words, reason)


def _are_records(arrays: Any) -> bool:
    from sekisho.helpers.collating import holds_arrays  # noqa: PLC0415 - importing sekisho stays light

    return isinstance(arrays, (list, tuple)) and holds_arrays(arrays[0])


def _join_records(function: str, records: Any, join: Callable[[list[Any]], Any]) -> Any:
    from sekisho.helpers.collating import join_records  # noqa: PLC0415 - importing sekisho stays light

    return join_records(function, list(records), join)


def namespace(*xs: Any) -> ModuleType:
    """Return the array API namespace of some arrays or tensors, for functions not in sekisho.

    The namespace comes from array-api-compat (https://data-apis.org/array-api-compat/).

    Args:
        xs: arrays or tensors of one world.

    Raises:
        WorldError: if the arrays belong to two worlds, or to none.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> x = np.array([3.0, 4.0])
        >>> xp = sk.namespace(x)
        >>> float(xp.linalg.vector_norm(x))
        5.0
    """
    _one_world("namespace", xs)
    from array_api_compat import array_namespace  # noqa: PLC0415 - importing sekisho stays light

    found: ModuleType = array_namespace(*xs)
    return found


def _one_world(function: str, arrays: Any) -> Any:
    """Return the world of all items, or raise the error for the first item of another world."""
    worlds = [find_world(each) for each in arrays]
    if not worlds:
        raise ShapeError(Violation(function, "its arguments", "at least one array", "none"))
    for index, (each, world) in enumerate(zip(arrays, worlds, strict=True)):
        if world is None:
            refuse_world(function, f"item {index}", each, f"arrays[{index}]")
        if world is not worlds[0]:
            assert worlds[0] is not None
            raise WorldError(
                Violation(
                    function,
                    f"item {index}",
                    f"{worlds[0].noun}, as item 0 is",
                    describe(each),
                    hint=_how_to_take_all_to(worlds[0], arrays),
                )
            )
    tell_of_worlds()
    return worlds[0]


def _how_to_take_all_to(world: Library, arrays: Any) -> str | None:
    """Return code that converts the whole list, if each item only needs a conversion."""
    from sekisho.hints import Wanted, find_hint  # noqa: PLC0415 - only for the message

    hints = {find_hint(each, Wanted(world, crosses=False, scalars=True)) for each in arrays}
    call = f"to_{world.name}({{0}})"
    return f"[{call.format('each')} for each in arrays]" if hints == {None, call} else None


def _do_shapes_fit(arrays: Any, axis: int | None) -> bool:
    """Return whether the shapes fit, so that the error has another cause.

    The libraries raise different types of errors for shapes that do not fit.
    """
    if not isinstance(axis, int) or len({len(each.shape) for each in arrays}) > 1:
        return not isinstance(axis, int)
    others = {tuple(n for i, n in enumerate(a.shape) if i != axis % len(a.shape)) for a in arrays}
    return len(others) == 1


def _shape_text(array: Any) -> str:
    try:
        return str(list(array.shape))
    except RuntimeError:  # a nested tensor
        return describe(array)


def _refuse_join(function: str, arrays: Any, axis: int | None, error: Exception) -> NoReturn:
    """Raise the reason why arrays cannot be joined: not a sequence, two worlds, or their shapes."""
    if isinstance(error, BoundaryError):
        raise error
    if not hasattr(class_of(arrays), "__getitem__"):
        got = describe(arrays)
        hint = "list(arrays)" if hasattr(class_of(arrays), "__iter__") else None
        violation = Violation(function, "its arguments", "a sequence of arrays", got, hint=hint)
        raise BoundaryError(violation) from None
    if not getattr(arrays, "shape", True):  # of no axes: neither a sequence nor one of arrays
        got = f"{describe(arrays)}, which is one array"
        raise BoundaryError(
            Violation(function, "its arguments", "a sequence of arrays", got)
        ) from None
    _one_world(function, arrays)
    if not is_axis(axis) and (axis is not None or function == "stack"):
        refuse_argument(
            function, "axis", axis, "an int" if function == "stack" else "an int or None"
        )
    if isinstance(error, TypeError) and _do_shapes_fit(arrays, axis):
        if find_world(arrays) is None:
            raise error
        got = f"{describe(arrays)}, which is one array"
        violation = Violation(
            function, "its arguments", "a sequence of arrays", got, hint="list(arrays)"
        )
        raise BoundaryError(violation) from None
    got = ", ".join(_shape_text(each) for each in arrays[:8])
    raise ShapeError(
        Violation(
            function,
            "its arguments",
            f"shapes that fit along axis {axis}",
            got + (", ..." if len(arrays) > len(arrays[:8]) else ""),
            first_line(error),
        )
    ) from None
