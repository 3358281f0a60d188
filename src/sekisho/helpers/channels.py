"""Helpers that move or add the channel axis of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
from numpy import ndarray

from sekisho.errors import hide_in_pytest
from sekisho.helpers.operands import (
    inlined_class,
    insert_axes,
    operand,
    refuse_operation,
    refuse_shape,
    world_of_operand,
)
from sekisho.worlds import StandardArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.worlds import TorchTensor

__all__ = [
    "add_channel_dim",
    "channels_first",
    "channels_last",
]

__tracebackhide__ = hide_in_pytest

S = TypeVar("S", bound="np.generic")
Tensor: Any = inlined_class(globals())

_IMAGE_NDIM = 3


@overload
def add_channel_dim(x: NDArray[S], /, axis: int = ...) -> NDArray[S]: ...
@overload
def add_channel_dim(x: TorchTensor, /, axis: int = ...) -> TorchTensor: ...
@overload
def add_channel_dim(x: StandardArray, /, axis: int = ...) -> StandardArray: ...
def add_channel_dim(x: Any, /, axis: int = -3) -> Any:
    """Add a channel axis of size 1 to a grey image or a batch of them.

    Args:
        x: an array or a tensor of shape ``(*batch, h, w)``.
        axis: position of the new axis in the result: -3 for channels first, as models expect in
            both worlds, or -1 for channels last, as in image files.

    Returns:
        A view of shape ``(*batch, 1, h, w)``, or ``(*batch, h, w, 1)`` for ``axis=-1``.

    Raises:
        WorldError: if `x` is neither an array nor a tensor.
        ShapeError: if `x` has fewer than two axes.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.add_channel_dim(np.zeros((28, 28))).shape
        (1, 28, 28)
    """
    if type(x) is not ndarray and not isinstance(x, Tensor):
        x = operand("add_channel_dim", x, lambda a: a.ndim >= _IMAGE_NDIM - 1)
    if x.ndim < _IMAGE_NDIM - 1:
        refuse_shape("add_channel_dim", x, "axes h and w at the end")
    return insert_axes("add_channel_dim", x, axis)


@overload
def channels_first(x: NDArray[S], /) -> NDArray[S]: ...
@overload
def channels_first(x: TorchTensor, /) -> TorchTensor: ...
@overload
def channels_first(x: StandardArray, /) -> StandardArray: ...
def channels_first(x: Any, /) -> Any:
    """Move the last axis before height and width, from image files' layout to that of models.

    Args:
        x: an array or a tensor of shape ``(*batch, h, w, c)``.

    Returns:
        A view of shape ``(*batch, c, h, w)``.

    Raises:
        WorldError: if `x` is neither an array nor a tensor.
        ShapeError: if `x` has fewer than three axes.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.channels_first(np.zeros((32, 64, 3))).shape
        (3, 32, 64)
    """
    return _move_channels("channels_first", x, -1, -3)


@overload
def channels_last(x: NDArray[S], /) -> NDArray[S]: ...
@overload
def channels_last(x: TorchTensor, /) -> TorchTensor: ...
@overload
def channels_last(x: StandardArray, /) -> StandardArray: ...
def channels_last(x: Any, /) -> Any:
    """Move the channel axis after height and width, from models' layout to that of image files.

    Args:
        x: an array or a tensor of shape ``(*batch, c, h, w)``.

    Returns:
        A view of shape ``(*batch, h, w, c)``.

    Raises:
        WorldError: if `x` is neither an array nor a tensor.
        ShapeError: if `x` has fewer than three axes.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.channels_last(np.zeros((3, 32, 64))).shape
        (32, 64, 3)
    """
    return _move_channels("channels_last", x, -3, -1)


def _move_channels(function: str, x: Any, source: int, destination: int) -> Any:
    if type(x) is not ndarray and not isinstance(x, Tensor):
        x = operand(function, x, lambda a: a.ndim >= _IMAGE_NDIM)
    if x.ndim < _IMAGE_NDIM:
        order = "h, w and c" if source == -1 else "c, h and w"
        refuse_shape(function, x, f"axes {order} at the end")
    try:
        if type(x) is ndarray:
            return np.moveaxis(x, source, destination)
        return world_of_operand(x).moveaxis(x, source, destination)
    except (RuntimeError, ValueError) as error:
        refuse_operation(function, x, error)
