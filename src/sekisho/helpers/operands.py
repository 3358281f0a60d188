"""Validation of the helpers' arguments, and their errors."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from sekisho.errors import (
    BoundaryError,
    ShapeError,
    Violation,
    WorldError,
    first_line,
    hide_in_pytest,
)
from sekisho.utils import runs_while_tracing
from sekisho.worlds import (
    HOST,
    Library,
    class_of,
    describe,
    find_world,
    loaded_worlds,
    look_for_worlds,
    on_load,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "inlined_class",
    "insert_axes",
    "is_axis",
    "operand",
    "refuse_argument",
    "refuse_axes",
    "refuse_operation",
    "refuse_shape",
    "refuse_world",
    "tell_of_worlds",
    "world_of_operand",
]

__tracebackhide__ = hide_in_pytest


class _NotLoaded:
    """The initial value of ``Tensor`` in a helper's module. It has no instances."""


_homes: Final[list[dict[str, Any]]] = []


def inlined_class(home: dict[str, Any]) -> Any:
    """Return the array class for the global ``Tensor`` of a helper's module.

    Until the library is imported, this is a class without instances. The first value of another
    world that any helper receives replaces it with the real class, and sets the global ``library``.
    A global of the same module is the fastest lookup: an attribute of another module, even
    ``np.ndarray``, costs half as much as ``x[None]``.
    """
    _homes.append(home)
    home["library"] = None
    world = _inlined_world()
    return _NotLoaded if world is None else _inline(world, home)


def _inlined_world() -> Library | None:
    """Return torch's world if it is loaded: besides the host, helpers see its values most."""
    return next((each for each in loaded_worlds() if each.is_resident and each is not HOST), None)


def _inline(world: Library, home: dict[str, Any]) -> Any:
    home["library"] = world.module()
    home["Tensor"] = world.array_type()
    return home["Tensor"]


def _tell() -> None:
    """Set the class in all modules of helpers, once its library is imported."""
    world = _inlined_world()
    if world is not None:
        for home in _homes:
            _inline(world, home)


on_load(_tell)


@runs_while_tracing  # a compiler that traces it would write the changed globals back
def tell_of_worlds() -> None:
    """Look for newly imported libraries, because a helper received a value of an unknown class."""
    look_for_worlds()
    _tell()


def operand(function: str, x: Any, fits: Callable[[Any], bool] | None = None) -> Any:
    """Validate a helper's argument whose class the fast path does not know, and return an array.

    Args:
        function: the name of the helper.
        x: the argument.
        fits: whether an array meets the helper's needs, to find a call that the hint can suggest.

    Raises:
        WorldError: if `x` is neither an array nor a tensor.
    """
    world = find_world(x)
    if world is None:
        refuse_world(function, "argument 'x'", x, "x", fits)
    tell_of_worlds()
    return x if hasattr(class_of(x), "__getitem__") else np.asarray(x)


def world_of_operand(x: Any) -> Library:
    """Return the world of a value that `operand` has accepted."""
    return find_world(x) or HOST


def refuse_world(
    function: str, place: str, x: object, name: str, fits: Callable[[Any], bool] | None = None
) -> NoReturn:
    """Refuse a value that belongs to no world, with a hint that makes an array of it.

    Args:
        function: the name of the helper.
        place: the argument, for the message.
        x: the value.
        name: the variable to use in the hint.
        fits: whether an array meets the helper's needs.
    """
    from sekisho.hints import Wanted, find_hint, value_hint  # noqa: PLC0415 - only for the message

    hint = find_hint(x, Wanted(None, crosses=False, scalars=True, fits=fits))
    if type(x) is FunctionType and function in {"to_numpy", "to_torch", "to_jax"}:
        hint = f"it converts arrays; the decorator is @{function.removeprefix('to_')}_world"
    elif x is not None:
        hint = hint or value_hint(x, is_result=False)
    reason = None if x is None else f"{describe(x)} is not an array"
    got = describe(x)
    violation = Violation(function, place, "an array or a tensor", got, reason)
    raise WorldError(violation._replace(hint=hint and hint.format(name))) from None


def refuse_shape(
    function: str, x: object, expected: str, reason: str | None = None, hint: str | None = None
) -> NoReturn:
    """Refuse an array or a tensor that does not have the axes that a helper needs."""
    got = describe(x)
    raise ShapeError(
        Violation(function, "argument 'x'", expected, got, reason, hint=hint)
    ) from None


def refuse_axes(
    function: str, axes: Any, name: str = "axis", wanted: str = "an int, or a tuple of ints"
) -> None:
    """Refuse values that cannot be axes, such as a float; the library validates a tuple of ints.

    Args:
        function: the name of the helper.
        axes: the argument.
        name: the name of the argument.
        wanted: what the argument accepts.
    """
    is_list, is_tuple = isinstance(axes, list), isinstance(axes, tuple)
    several: Any = axes if is_list or is_tuple else (axes,)
    are_axes = all(map(is_axis, several))
    if is_list or not are_axes:
        refuse_argument(function, name, axes, wanted, f"tuple({name})" if are_axes else None)


def is_axis(value: object) -> bool:
    """Return whether a value may be the number of an axis."""
    return hasattr(class_of(value), "__index__")


def refuse_argument(
    function: str, name: str, value: object, wanted: str, hint: str | None = None
) -> NoReturn:
    """Refuse an argument of a wrong type."""
    raise BoundaryError(
        Violation(function, f"argument {name!r}", wanted, describe(value), hint=hint)
    ) from None


def refuse_operation(function: str, x: object, error: Exception) -> NoReturn:
    """Refuse a value that its library cannot use in this operation, such as a nested tensor."""
    reason = first_line(error)
    violation = Violation(
        function, "argument 'x'", "an array or a plain tensor", describe(x), reason
    )
    raise BoundaryError(violation) from None


_ALL: Final = slice(None)


def insert_axes(function: str, x: Any, axis: int | tuple[int, ...]) -> Any:
    """Return a view of `x` with new axes of size 1, at the positions `axis` of the result."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    ndim = x.ndim + len(axes)
    index: list[slice | None] = [_ALL] * ndim
    try:
        for each in axes:
            index[each] = None
    except IndexError:
        pass  # the count below raises the error
    except TypeError:
        refuse_axes(function, axis)
        raise
    # A position that occurs twice sets one entry only.
    if index.count(None) < len(axes):
        refuse_shape(function, x, f"room for a new axis at {axis}, with {ndim} axes in the result")
    try:
        return x[tuple(index)]
    except (RuntimeError, ValueError) as error:
        refuse_operation(function, x, error)
