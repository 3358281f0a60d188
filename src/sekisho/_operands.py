"""What the helpers may be given, and the errors for everything else."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from sekisho.errors import ShapeError, Violation, WorldError
from sekisho.worlds import NUMPY, TORCH, class_of, describe

__all__ = ["Tensor", "insert_axes", "operand", "refuse_shape", "refuse_world"]


class _NoTensorYet:
    """Nothing is an instance of this."""


Tensor: Any = TORCH.array_type() or _NoTensorYet
"""The tensor class, from the first tensor on that a helper is given."""


def operand(function: str, x: Any) -> Any:
    """The array or tensor that a helper was given, its class not having been recognised quickly.

    Raises:
        WorldError: if it is neither.
    """
    global Tensor  # noqa: PLW0603 - torch was imported after sekisho: found out once
    if TORCH.owns(x):
        Tensor = TORCH.array_type() or Tensor
    elif not NUMPY.owns(x):
        refuse_world(function, "argument 'x'", x, "x")
    return x if hasattr(class_of(x), "__getitem__") else np.asarray(x)


def refuse_world(function: str, place: str, x: object, name: str) -> NoReturn:
    """Refuse a value that belongs to no world, with the call that makes an array of it."""
    from sekisho._convert import how_to_make  # noqa: PLC0415 - only for the message

    hint = how_to_make(x, NUMPY)
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


def insert_axes(function: str, x: Any, axis: int | tuple[int, ...]) -> Any:
    """A view of `x` with new axes of size 1; `axis` says where they stand in the result."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    ndim = x.ndim + len(axes)
    places = {each % ndim for each in axes if -ndim <= each < ndim}
    if len(places) < len(axes):
        refuse_shape(function, x, f"room for a new axis at {axis}, with {ndim} axes in the result")
    return x[tuple(None if i in places else slice(None) for i in range(ndim))]
