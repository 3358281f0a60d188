"""What the helpers may be given, and the errors for everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from sekisho.errors import BoundaryError, ShapeError, Violation, WorldError, hide_in_pytest
from sekisho.ground import runs_while_tracing
from sekisho.worlds import NUMPY, TORCH, class_of, describe, look_at_version

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "insert_axes",
    "operand",
    "refuse_operation",
    "refuse_shape",
    "refuse_world",
    "tell_of_torch",
    "tensor_class",
]

__tracebackhide__ = hide_in_pytest


class _NoTensorYet:
    """Nothing is an instance of this."""


_homes: Final[list[dict[str, Any]]] = []


def tensor_class(home: dict[str, Any]) -> Any:
    """The tensor class, for the global ``Tensor`` of a module of helpers.

    Until torch is imported it is a class that nothing is an instance of; the first tensor that
    any helper is given puts the real one there. A global of its own is what a helper asks
    quickest: an attribute of another module, ``np.ndarray`` as well, costs half of ``x[None]``.
    """
    _homes.append(home)
    return TORCH.array_type() or _NoTensorYet


@runs_while_tracing  # a compiler that traced it would write whole modules back
def tell_of_torch() -> None:
    """Put the real tensor class into the modules of helpers: a helper has been given a tensor."""
    look_at_version()
    for home in _homes:
        home["Tensor"] = TORCH.array_type()


def operand(function: str, x: Any, fits: Callable[[Any], bool] | None = None) -> Any:
    """The array or tensor that a helper was given, its class not having been recognised quickly.

    Args:
        function: the helper.
        x: what it was given.
        fits: what it asks of an array, for the call that makes one to be offered.

    Raises:
        WorldError: if it is neither.
    """
    if TORCH.owns(x):
        tell_of_torch()
    elif not NUMPY.owns(x):
        refuse_world(function, "argument 'x'", x, "x", fits)
    return x if hasattr(class_of(x), "__getitem__") else np.asarray(x)


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


def refuse_operation(function: str, x: object, error: Exception) -> NoReturn:
    """Refuse a tensor of a kind that torch cannot do this with, such as a nested one."""
    reason = str(error).partition("\n")[0]
    violation = Violation(
        function, "argument 'x'", "an array or a plain tensor", describe(x), reason
    )
    raise BoundaryError(violation) from None


def insert_axes(function: str, x: Any, axis: int | tuple[int, ...]) -> Any:
    """A view of `x` with new axes of size 1; `axis` says where they stand in the result."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    ndim = x.ndim + len(axes)
    places = {each % ndim for each in axes if -ndim <= each < ndim}
    if len(places) < len(axes):
        refuse_shape(function, x, f"room for a new axis at {axis}, with {ndim} axes in the result")
    try:
        return x[tuple(None if i in places else slice(None) for i in range(ndim))]
    except RuntimeError as error:
        refuse_operation(function, x, error)
