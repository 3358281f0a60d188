"""Helpers that add, remove and reorder axes: the same function for every world.

Names and arguments follow the array API standard where it has the function
(https://data-apis.org/array-api/latest/API_specification/). Each function returns a view where both
libraries do, keeps gradients, and raises a `WorldError` unless the argument is an array or a
tensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, overload

import numpy as np
from numpy import ndarray

from sekisho.errors import WorldError, hide_in_pytest
from sekisho.helpers.operands import (
    inlined_class,
    insert_axes,
    operand,
    refuse_axes,
    refuse_operation,
    refuse_shape,
    world_of_operand,
)
from sekisho.utils import refuse_words, shown_without
from sekisho.worlds import StandardArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.worlds import TorchTensor

__all__ = [
    "add_batch_dim",
    "expand_dims",
    "moveaxis",
    "permute_dims",
    "remove_batch_dim",
    "squeeze",
    "transpose2d",
]

__tracebackhide__ = hide_in_pytest

S = TypeVar("S", bound="np.generic")
Tensor: Any = inlined_class(globals())
Axes = int | tuple[int, ...]
_NOT_GIVEN: Any = object()


@overload
def add_batch_dim(x: NDArray[S], /) -> NDArray[S]: ...
@overload
def add_batch_dim(x: TorchTensor, /) -> TorchTensor: ...
@overload
def add_batch_dim(x: StandardArray, /) -> StandardArray: ...
def add_batch_dim(x: Any, /) -> Any:
    """Add a first axis of size 1: one sample becomes a batch of one.

    NumPy's ``x[None]``, PyTorch's ``x.unsqueeze(0)``.

    Args:
        x: an array or a tensor of any shape ``(*shape)``.

    Returns:
        A view of shape ``(1, *shape)``.

    Raises:
        WorldError: if `x` is neither an array nor a tensor.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.add_batch_dim(np.array([1, 2, 3]))
        array([[1, 2, 3]])
    """
    try:
        # The fast path: the most common classes, without a lookup of their world.
        if type(x) is ndarray or isinstance(x, Tensor):
            return x[None]
        return operand("add_batch_dim", x)[None]
    except (RuntimeError, ValueError) as error:  # torch cannot index this kind of tensor
        refuse_operation("add_batch_dim", x, error)


@overload
def remove_batch_dim(x: NDArray[S], /) -> NDArray[S]: ...
@overload
def remove_batch_dim(x: TorchTensor, /) -> TorchTensor: ...
@overload
def remove_batch_dim(x: StandardArray, /) -> StandardArray: ...
def remove_batch_dim(x: Any, /) -> Any:
    """Remove the first axis, which must have size 1: a batch of one becomes one sample.

    Args:
        x: an array or a tensor of shape ``(1, *shape)``.

    Returns:
        A view of shape ``(*shape)``.

    Raises:
        WorldError: if `x` is neither an array nor a tensor.
        ShapeError: if the first axis has another size, or `x` has no axes.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.remove_batch_dim(np.array([[1, 2, 3]]))
        array([1, 2, 3])
    """
    if type(x) is not ndarray and not isinstance(x, Tensor):
        x = operand("remove_batch_dim", x, lambda a: a.shape[:1] == (1,))
    try:
        if x.ndim == 0 or x.shape[0] != 1:
            reason = "a batch of several has no single sample; take one by its index, as in x[0]"
            wanted = "a first axis of size 1"
            refuse_shape("remove_batch_dim", x, wanted, reason if x.ndim else None)
        return x[0]
    except RuntimeError as error:
        refuse_operation("remove_batch_dim", x, error)


@overload
def expand_dims(x: NDArray[S], /, axis: Axes = ...) -> NDArray[S]: ...
@overload
def expand_dims(x: TorchTensor, /, axis: Axes = ...) -> TorchTensor: ...
@overload
def expand_dims(x: StandardArray, /, axis: Axes = ...) -> StandardArray: ...
@shown_without("dim")
def expand_dims(x: Any, /, axis: Axes = 0, dim: None = None) -> Any:
    """Add axes of size 1 at any position.

    NumPy's ``np.expand_dims(x, axis)``, PyTorch's ``x.unsqueeze(axis)``.

    Args:
        x: an array or a tensor of any shape.
        axis: positions of the new axis or axes in the result; negative ones count from the end.

    Returns:
        A view with one more axis for each position.

    Raises:
        WorldError: if `x` is neither an array nor a tensor.
        ShapeError: if a position is out of range or occurs twice.
        BoundaryError: if `axis` is neither an int nor a tuple of ints.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.expand_dims(np.zeros((2, 2)), axis=1).shape
        (2, 1, 2)
    """
    if dim is not None:
        refuse_words("expand_dims", "expand_dims(x, axis)", {"dim": dim})
    if type(x) is not ndarray:
        if not isinstance(x, Tensor):
            x = operand("expand_dims", x)
        elif type(axis) is int:
            try:
                return x.unsqueeze(axis)
            except IndexError:
                pass  # `insert_axes` raises the error
    return insert_axes("expand_dims", x, axis)


@overload
def squeeze(x: NDArray[S], /, axis: Axes) -> NDArray[S]: ...
@overload
def squeeze(x: TorchTensor, /, axis: Axes) -> TorchTensor: ...
@overload
def squeeze(x: StandardArray, /, axis: Axes) -> StandardArray: ...
@shown_without("dim")
def squeeze(x: Any, /, axis: Axes | None = None, dim: None = None) -> Any:
    """Remove axes of size 1. In every world, an axis of another size is an error.

    Args:
        x: an array or a tensor.
        axis: the axis or axes to remove; each must have size 1.

    Returns:
        A view without these axes.

    Raises:
        WorldError: if `x` is neither an array nor a tensor.
        ShapeError: if an axis does not exist or has another size, which ``torch.squeeze`` silently
            ignores.
        BoundaryError: if `axis` is neither an int nor a tuple of ints.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.squeeze(np.zeros((2, 1)), axis=1).shape
        (2,)
    """
    if axis is None:
        words: dict[str, Any] = {} if dim is None else {"dim": dim}
        refuse_words("squeeze", "squeeze(x, axis)", words, "" if words else "which axis?")
    is_known = type(x) is ndarray or isinstance(x, Tensor)
    if not is_known:
        x = operand("squeeze", x)
    try:
        # Checked here, because torch keeps an axis of another size silently.
        ndim = x.ndim
        for each in axis if isinstance(axis, tuple) else (axis,):
            if not -ndim <= each < ndim or x.shape[each] != 1:
                refuse_shape("squeeze", x, f"axis {each} of size 1")
        return x.squeeze(axis) if is_known else world_of_operand(x).squeeze(x, axis)
    except TypeError:
        refuse_axes("squeeze", axis)
        raise
    except (RuntimeError, ValueError) as error:
        if isinstance(axis, tuple) and len({each % x.ndim for each in axis}) < len(axis):
            refuse_shape("squeeze", x, f"each of the axes {axis} once")
        refuse_operation("squeeze", x, error)


@overload
def transpose2d(x: NDArray[S], /) -> NDArray[S]: ...
@overload
def transpose2d(x: TorchTensor, /) -> TorchTensor: ...
@overload
def transpose2d(x: StandardArray, /) -> StandardArray: ...
def transpose2d(x: Any, /) -> Any:
    """Swap the two axes of a matrix.

    NumPy's ``x.T``, PyTorch's ``x.permute(1, 0)``.

    Args:
        x: an array or a tensor of shape ``(n, m)``.

    Returns:
        A view of shape ``(m, n)``.

    Raises:
        WorldError: if `x` is neither an array nor a tensor.
        ShapeError: if `x` does not have two axes; `permute_dims` reorders any number.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.transpose2d(np.array([[1, 2, 3], [4, 5, 6]]))
        array([[1, 4],
               [2, 5],
               [3, 6]])
    """
    if type(x) is ndarray:
        if x.ndim == 2:  # noqa: PLR2004 - a matrix
            return x.T
    elif not isinstance(x, Tensor):
        x = operand("transpose2d", x, lambda a: a.ndim == 2)  # noqa: PLR2004 - a matrix
    if x.ndim != 2:  # noqa: PLR2004 - a matrix
        refuse_shape("transpose2d", x, "2 axes", "permute_dims reorders any number of axes")
    try:
        return x.T
    except (RuntimeError, ValueError) as error:
        refuse_operation("transpose2d", x, error)


@overload
def permute_dims(x: NDArray[S], /, axes: tuple[int, ...]) -> NDArray[S]: ...
@overload
def permute_dims(x: TorchTensor, /, axes: tuple[int, ...]) -> TorchTensor: ...
@overload
def permute_dims(x: StandardArray, /, axes: tuple[int, ...]) -> StandardArray: ...
@shown_without("_1", "_2", "_3", "_4", "_5", "dims")
def permute_dims(
    x: Any,
    /,
    axes: Any = _NOT_GIVEN,
    _1: Any = _NOT_GIVEN,
    _2: Any = _NOT_GIVEN,
    _3: Any = _NOT_GIVEN,
    _4: Any = _NOT_GIVEN,
    _5: Any = _NOT_GIVEN,
    dims: Any = _NOT_GIVEN,
) -> Any:
    """Reorder the axes.

    NumPy's ``x.transpose(axes)``, PyTorch's ``x.permute(axes)``.

    Args:
        x: an array or a tensor.
        axes: for each axis of the result, the axis of `x`; each axis exactly once.

    Returns:
        A view.

    Raises:
        WorldError: if `x` is neither an array nor a tensor.
        ShapeError: if `axes` is not a permutation of the axes of `x`.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.permute_dims(np.zeros((2, 3, 4)), (2, 0, 1)).shape
        (4, 2, 3)
    """
    try:
        if type(x) is ndarray:
            return x.transpose(axes)
        if isinstance(x, Tensor):
            return x.permute(axes)
        x = operand("permute_dims", x)
        return world_of_operand(x).permute_dims(x, axes)
    except WorldError:
        raise
    except (IndexError, RuntimeError, TypeError, ValueError):
        _refuse_permutation(x, axes, _1, dims)


def _refuse_permutation(x: Any, axes: Any, second: Any, dims: Any) -> NoReturn:
    """Raise the error for `axes` that are not a permutation.

    The parameters after `axes` catch torch's form ``x.permute(1, 0)``. Unlike ``*axes``, which
    would double the time of a call, they cost nothing if they are not passed.
    """
    if dims is not _NOT_GIVEN:
        refuse_words("permute_dims", "permute_dims(x, axes)", {"dims": dims})
    if second is not _NOT_GIVEN or axes is _NOT_GIVEN or not hasattr(axes, "__len__"):
        refuse_words("permute_dims", "permute_dims(x, (1, 0))", {}, "the axes are one tuple.")
    refuse_axes("permute_dims", tuple(axes), name="axes", wanted="a tuple of ints")
    refuse_shape("permute_dims", x, f"one axis for each of {tuple(axes)}")


@overload
def moveaxis(x: NDArray[S], /, source: Axes, destination: Axes) -> NDArray[S]: ...
@overload
def moveaxis(x: TorchTensor, /, source: Axes, destination: Axes) -> TorchTensor: ...
@overload
def moveaxis(x: StandardArray, /, source: Axes, destination: Axes) -> StandardArray: ...
def moveaxis(x: Any, /, source: Axes, destination: Axes) -> Any:
    """Move axes to other positions; the other axes keep their order.

    Args:
        x: an array or a tensor.
        source: the axis or axes to move.
        destination: the position of each in the result.

    Returns:
        A view.

    Raises:
        WorldError: if `x` is neither an array nor a tensor.
        ShapeError: if an axis does not exist or occurs twice.
        BoundaryError: if `source` or `destination` is neither an int nor a tuple of ints.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.moveaxis(np.zeros((8, 9, 3)), -1, 0).shape
        (3, 8, 9)
    """
    try:
        if type(x) is ndarray:
            return np.moveaxis(x, source, destination)
        if isinstance(x, Tensor):
            return x.moveaxis(source, destination)
        x = operand("moveaxis", x)
        return world_of_operand(x).moveaxis(x, source, destination)
    except (IndexError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, WorldError):
            raise
        refuse_axes("moveaxis", source, name="source")
        refuse_axes("moveaxis", destination, name="destination")
        refuse_shape("moveaxis", x, f"axes {source}, to be moved to {destination}")
