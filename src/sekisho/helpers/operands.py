"""What the helpers may be given, and the errors for everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from sekisho.errors import BoundaryError, ShapeError, Violation, WorldError, hide_in_pytest
from sekisho.ground import runs_while_tracing
from sekisho.worlds import (
    HOST,
    World,
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
    """Nothing is an instance of this."""


_homes: Final[list[dict[str, Any]]] = []


def inlined_class(home: dict[str, Any]) -> Any:
    """The array class that helpers ask for beside NumPy's, for the global ``Tensor`` of a module.

    Until its library is imported it is a class that nothing is an instance of; the first value of
    another world that any helper is given puts the real one there, and the library as ``library``. A global
    of its own is what a helper asks quickest: an attribute of another module, ``np.ndarray`` as well,
    costs half of ``x[None]``.
    """
    _homes.append(home)
    home["library"] = None
    world = _inlined_world()
    return _NotLoaded if world is None else _inline(world, home)


def _inlined_world() -> World | None:
    """The world, beside the host's, whose values most helpers are given, if it is loaded."""
    return next((each for each in loaded_worlds() if each.is_resident and each is not HOST), None)


def _inline(world: World, home: dict[str, Any]) -> Any:
    home["library"] = world.module()
    home["Tensor"] = world.array_type()
    return home["Tensor"]


def _tell() -> None:
    """Put the class into the modules of helpers, now that its library is imported."""
    world = _inlined_world()
    if world is not None:
        for home in _homes:
            _inline(world, home)


on_load(_tell)


@runs_while_tracing  # a compiler that traced it would write whole modules back
def tell_of_worlds() -> None:
    """A helper has been given what it did not recognise quickly: is another library there?"""
    look_for_worlds()
    _tell()


def operand(function: str, x: Any, fits: Callable[[Any], bool] | None = None) -> Any:
    """The array or tensor that a helper was given, its class not having been recognised quickly.

    Args:
        function: the helper.
        x: what it was given.
        fits: what it asks of an array, for the call that makes one to be offered.

    Raises:
        WorldError: if it is neither.
    """
    world = find_world(x)
    if world is None:
        refuse_world(function, "argument 'x'", x, "x", fits)
    tell_of_worlds()
    return x if hasattr(class_of(x), "__getitem__") else np.asarray(x)


def world_of_operand(x: Any) -> World:
    """The world of what `operand` has let pass."""
    return find_world(x) or HOST


def refuse_world(
    function: str, place: str, x: object, name: str, fits: Callable[[Any], bool] | None = None
) -> NoReturn:
    """Refuse a value that belongs to no world, with the call that makes an array of it.

    Args:
        function: the helper.
        place: where the value is.
        x: the value.
        name: what it is called in the call.
        fits: what the helper asks of an array.
    """
    from sekisho.remedy import Wanted, find_remedy  # noqa: PLC0415 - only for the message

    hint = find_remedy(x, Wanted(None, crosses=False, scalars=True, fits=fits))
    reason = None if x is None else f"{describe(x)} is not an array"
    got = describe(x)
    violation = Violation(function, place, "an array or a tensor", got, reason)
    raise WorldError(violation._replace(hint=hint and hint.format(name))) from None


def refuse_shape(
    function: str, x: object, expected: str, reason: str | None = None, hint: str | None = None
) -> NoReturn:
    """Refuse an array or a tensor whose axes are not those that a helper needs."""
    got = describe(x)
    raise ShapeError(
        Violation(function, "argument 'x'", expected, got, reason, hint=hint)
    ) from None


def refuse_axes(
    function: str, axes: Any, name: str = "axis", wanted: str = "an int, or a tuple of ints"
) -> None:
    """Refuse what names no axis of an array, such as a float; a tuple is left to its library.

    Args:
        function: the helper.
        axes: what it was given.
        name: as which argument.
        wanted: what it takes.
    """
    several: Any = axes if isinstance(axes, tuple) else (axes,)
    if not all(map(is_axis, several)):
        is_list = type(axes) is list and all(map(is_axis, axes))
        hint = f"tuple({name})" if is_list else None
        refuse_argument(function, name, axes, wanted, hint)


def is_axis(value: object) -> bool:
    """Whether this may be the number of an axis."""
    return hasattr(class_of(value), "__index__")


def refuse_argument(
    function: str, name: str, value: object, wanted: str, hint: str | None = None
) -> NoReturn:
    """Refuse an argument that is of no type that a helper takes there."""
    raise BoundaryError(
        Violation(function, f"argument {name!r}", wanted, describe(value), hint=hint)
    ) from None


def refuse_operation(function: str, x: object, error: Exception) -> NoReturn:
    """Refuse a value of a kind that its library cannot do this with, such as a nested tensor."""
    reason = str(error).partition("\n")[0]
    violation = Violation(
        function, "argument 'x'", "an array or a plain tensor", describe(x), reason
    )
    raise BoundaryError(violation) from None


_ALL: Final = slice(None)


def insert_axes(function: str, x: Any, axis: int | tuple[int, ...]) -> Any:
    """A view of `x` with new axes of size 1; `axis` says where they stand in the result."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    ndim = x.ndim + len(axes)
    index: list[slice | None] = [_ALL] * ndim
    try:
        for each in axes:
            index[each] = None
    except IndexError:
        pass  # said below
    except TypeError:
        refuse_axes(function, axis)
        raise
    if index.count(None) < len(axes):
        refuse_shape(function, x, f"room for a new axis at {axis}, with {ndim} axes in the result")
    try:
        return x[tuple(index)]
    except (RuntimeError, ValueError) as error:
        refuse_operation(function, x, error)
