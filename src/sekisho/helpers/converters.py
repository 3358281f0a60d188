"""The helpers that cross the border on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from sekisho.context import open_logs
from sekisho.errors import ConversionError, DeviceError, Violation, hide_in_pytest
from sekisho.ground import refuse_words
from sekisho.helpers.operands import refuse_world
from sekisho.worlds import (
    NUMPY,
    TORCH,
    World,
    WorldName,
    describe,
    find_world,
    is_compiling,
    look_at_version,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import torch
    from numpy.typing import NDArray

__all__ = ["to_numpy", "to_torch", "to_world_of"]

__tracebackhide__ = hide_in_pytest


def to_numpy(
    x: torch.Tensor | NDArray[Any] | np.generic,
    /,
    *,
    copy: bool | None = None,
    detach: bool = False,
    **words: Any,
) -> NDArray[Any]:
    """Take a tensor to NumPy, its values bit-equal. An array is returned as it is.

    The array shares the tensor's memory where that is safe; a tensor on another device is copied
    to the host. What exports its memory (a PIL image, a JAX array) is taken too.

    Args:
        x: a tensor or an array of any shape.
        copy: None copies if needed, True always, False never.
        detach: whether a tensor that requires grad may be cut from its graph.
        **words: other libraries' (``force``, ``dtype``) are refused, and told what there is here.

    Returns:
        An array of the same dtype and shape.

    Raises:
        WorldError: if `x` is neither tensor nor array, with the call that makes an array of it.
        ConversionError: if a value, a gradient or a meaning would be lost.

    Examples:
        >>> import torch
        >>> import sekisho as sk
        >>> sk.to_numpy(torch.tensor([1, 2, 3]))
        array([1, 2, 3])
    """
    if words:
        refuse_words("to_numpy", "to_numpy(x)", words)
    if copy is None and not detach and not is_compiling() and not open_logs():
        array: NDArray[Any] | None = _share("torch", x)
        if array is not None:
            return array
    converted: NDArray[Any] = _convert("to_numpy", x, NUMPY, copy=copy, device=None, detach=detach)
    return converted


def to_torch(
    x: NDArray[Any] | np.generic | torch.Tensor,
    /,
    *,
    copy: bool | None = None,
    device: str | torch.device | None = None,
    **words: Any,
) -> torch.Tensor:
    """Take an array to PyTorch, its values bit-equal. A tensor on the device is returned as it is.

    The tensor shares the array's memory where that is safe: a read-only array, one with negative
    strides or of foreign byte order is copied.

    Args:
        x: an array or a tensor of any shape.
        copy: None copies if needed, True always, False never.
        device: where the tensor must end up; None is the host for an array, and where it is for
            a tensor.
        **words: other libraries' (``dtype``) are refused, and told what there is here.

    Returns:
        A tensor of the same dtype and shape.

    Raises:
        WorldError: if `x` is neither array nor tensor, with the call that makes one of it.
        ConversionError: if a value or a meaning would be lost.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.to_torch(np.array([1.0, 2.0]))
        tensor([1., 2.], dtype=torch.float64)
    """
    if words:
        refuse_words("to_torch", "to_torch(x)", words)
    if copy is None and device is None and not is_compiling() and not open_logs():
        tensor: torch.Tensor | None = _share("numpy", x)
        if tensor is not None:
            return tensor
    converted: torch.Tensor = _convert("to_torch", x, TORCH, copy=copy, device=device, detach=False)
    return converted


@overload
def to_world_of(
    x: Any, like: NDArray[Any], /, *, copy: bool | None = ..., detach: bool = ...
) -> NDArray[Any]: ...
@overload
def to_world_of(
    x: Any, like: torch.Tensor, /, *, copy: bool | None = ..., detach: bool = ...
) -> torch.Tensor: ...
def to_world_of(x: Any, like: Any, /, *, copy: bool | None = None, detach: bool = False) -> Any:
    """Take `x` to the world, and the device, of `like`.

    Args:
        x: an array or a tensor of any shape.
        like: an array or a tensor, of which only world and device matter.
        copy: see `to_numpy`.
        detach: see `to_numpy`.

    Returns:
        An array or a tensor of the same dtype and shape as `x`.

    Raises:
        WorldError: if either belongs to no world.
        ConversionError: if a value, a gradient or a meaning would be lost.

    Examples:
        >>> import numpy as np
        >>> import torch
        >>> import sekisho as sk
        >>> sk.to_world_of(np.array([1, 2]), torch.zeros(1))
        tensor([1, 2])
    """
    world = find_world(like)
    if world is None:
        refuse_world("to_world_of", "argument 'like'", like, "like")
    device = like.device if world is TORCH else None
    return _convert("to_world_of", x, world, copy=copy, device=device, detach=detach)


_sharers: dict[str, Callable[[Any], Any]] = {}


def _share(source: WorldName, x: Any) -> Any:
    """The plainest crossing out of a world, or None if it is not of the plainest kind."""
    share = _sharers.get(source)
    if share is None:
        if TORCH.array_type() is None:
            return None
        look_at_version()
        from sekisho.worlds import make_share_array, make_share_tensor  # noqa: PLC0415 - see _convert

        _sharers["torch"] = make_share_tensor(read_only=False)
        _sharers["numpy"] = make_share_array()
        share = _sharers[source]
    return share(x)


def _convert(
    function: str, x: Any, target: World, *, copy: bool | None, device: Any, detach: bool
) -> Any:
    # Importing sekisho stays light: what converts is imported by the first conversion.
    from sekisho.context import cross  # noqa: PLC0415 - as said
    from sekisho.remedy import Wanted, find_remedy  # noqa: PLC0415 - as said
    from sekisho.worlds import (  # noqa: PLC0415 - as said
        Policy,
        Refusal,
        exports_memory,
    )

    look_at_version()
    policy = Policy(copy, device and _device(function, device), detach)
    if find_world(x) is None and not exports_memory(x):
        refuse_world(function, "argument 'x'", x, "x")
    try:
        return cross(x, target, policy, function, "argument 'x'")
    except Refusal as refusal:
        reason = refusal.reason
    hint = find_remedy(x, Wanted(target, policy=policy, scalars=True))
    expected = f"{target.noun}, or what converts to one"
    violation = Violation(function, "argument 'x'", expected, describe(x), reason)
    raise ConversionError(violation._replace(hint=hint and hint.format("x")))


def _device(function: str, device: Any) -> Any:
    try:
        return TORCH.load().device(device)
    except ImportError:
        return None  # said by the conversion
    except (RuntimeError, TypeError) as error:
        reason = str(error).splitlines()[0]
    violation = Violation(function, "argument 'device'", "a device", repr(device), reason)
    raise DeviceError(violation)
