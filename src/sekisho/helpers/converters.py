"""The helpers that cross the border on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from sekisho.context import cross, open_logs
from sekisho.errors import ConversionError, DeviceError, Violation, hide_in_pytest
from sekisho.ground import refuse_words
from sekisho.helpers.operands import refuse_world
from sekisho.worlds import (
    Convertible,
    JaxArray,
    Policy,
    Refusal,
    StandardArray,
    TorchDevice,
    TorchTensor,
    World,
    describe,
    exports_memory,
    find_world,
    is_compiling,
    look_for_worlds,
    on_load,
    quick_share,
    world_named,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["make_to_world", "to_jax", "to_numpy", "to_torch", "to_world_of"]

__tracebackhide__ = hide_in_pytest


def to_numpy(
    x: Convertible,
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
        refuse_words("to_numpy", "to_numpy(x)", words, known=("copy", "detach"))
    if copy is None and not detach and not is_compiling() and not open_logs():
        array: NDArray[Any] | None = _share("numpy", x)
        if array is not None:
            return array
    converted: NDArray[Any] = _convert("numpy", x, copy=copy, detach=detach)
    return converted


def to_torch(
    x: Convertible,
    /,
    *,
    copy: bool | None = None,
    device: str | TorchDevice | None = None,
    **words: Any,
) -> TorchTensor:
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
        refuse_words("to_torch", "to_torch(x)", words, known=("copy", "device"))
    if copy is None and device is None and not is_compiling() and not open_logs():
        tensor: TorchTensor | None = _share("torch", x)
        if tensor is not None:
            return tensor
    converted: TorchTensor = _convert("torch", x, copy=copy, device=device)
    return converted


def make_to_world(name: str) -> Callable[..., Any]:
    """Make ``to_<name>`` of a world, which takes what `to_torch` takes, and ``detach=``.

    Args:
        name: the world's name.
    """
    function = f"to_{name}"

    def to_world(
        x: Any,
        /,
        *,
        copy: bool | None = None,
        device: Any = None,
        detach: bool = False,
        **words: Any,
    ) -> Any:
        if words:
            refuse_words(function, f"{function}(x)", words, known=("copy", "device", "detach"))
        return _convert(name, x, copy=copy, device=device, detach=detach)

    to_world.__name__ = to_world.__qualname__ = function
    to_world.__doc__ = f"Take an array of any world to {name}: see `to_torch`."
    return to_world


_to_jax = make_to_world("jax")


def to_jax(
    x: Convertible,
    /,
    *,
    copy: bool | None = None,
    device: Any = None,
    detach: bool = False,
    **words: Any,
) -> JaxArray:
    """Take an array of any world to JAX, its values bit-equal. An array of JAX is returned as it is.

    It is copied: JAX's arrays never change, and the memory of another library may.

    Args:
        x: an array or a tensor of any shape.
        copy: None copies if needed, True always, False never: then only JAX's own may pass.
        device: ``"cpu"``, ``"gpu:0"``, a `jax.Device` or a `jax.sharding.Sharding`; None is JAX's
            choice, and where it is for an array of JAX.
        detach: whether a tensor that requires grad may be cut from its graph.
        **words: other libraries' (``dtype``) are refused, and told what there is here.

    Returns:
        An array of the same dtype and shape.

    Raises:
        WorldError: if `x` is no array, with the call that makes one of it.
        ConversionError: if a value or a meaning would be lost: of 64 bits where JAX has 32, of a
            tracer, of a PRNG key.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.to_jax(np.array([1.0, 2.0], "float32"))  # doctest: +SKIP
        Array([1., 2.], dtype=float32)
    """
    converted: JaxArray = _to_jax(x, copy=copy, device=device, detach=detach, **words)
    return converted


@overload
def to_world_of(
    x: Any, like: NDArray[Any], /, *, copy: bool | None = ..., detach: bool = ...
) -> NDArray[Any]: ...
@overload
def to_world_of(
    x: Any, like: StandardArray, /, *, copy: bool | None = ..., detach: bool = ...
) -> StandardArray: ...
@overload
def to_world_of(
    x: Any, like: TorchTensor, /, *, copy: bool | None = ..., detach: bool = ...
) -> TorchTensor: ...
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
    policy = Policy(copy, world.device(like), detach)
    return _convert_to(world, "to_world_of", x, policy)


_sharers: dict[str, Callable[[Any], Any]] = {}
on_load(_sharers.clear)


def _share(target: str, x: Any) -> Any:
    """The plainest crossing into a world, or None if it is not of the plainest kind."""
    share = _sharers.get(target)
    if share is None:
        look_for_worlds()
        quick = quick_share(world_named(target), read_only=False)
        if quick is None:
            return None
        share = _sharers[target] = quick.share
    return share(x)


def _convert(
    name: str, x: Any, *, copy: bool | None, device: Any = None, detach: bool = False
) -> Any:
    function, target = f"to_{name}", world_named(name)
    place = None if device is None else _device(function, target, device)
    return _convert_to(target, function, x, Policy(copy, place, detach))


def _convert_to(target: World, function: str, x: Any, policy: Policy) -> Any:
    look_for_worlds()
    if find_world(x) is None and not exports_memory(x):
        refuse_world(function, "argument 'x'", x, "x")
    try:
        return cross(x, target, policy, function, "argument 'x'").value
    except Refusal as refusal:
        reason = refusal.reason
    # Importing sekisho stays light: what finds the words is imported by the first refusal.
    from sekisho.remedy import Wanted, find_remedy  # noqa: PLC0415 - as said

    hint = find_remedy(x, Wanted(target, policy=policy, scalars=True))
    expected = f"{target.noun}, or what converts to one"
    violation = Violation(function, "argument 'x'", expected, describe(x), reason)
    raise ConversionError(violation._replace(hint=hint and hint.format("x")))


def _device(function: str, target: World, device: Any) -> Any:
    try:
        target.load()
    except Refusal:
        return None  # said by the conversion
    try:
        return target.parse_device(device)
    except Refusal as refusal:
        reason = refusal.reason
    violation = Violation(function, "argument 'device'", "a device", repr(device), reason)
    raise DeviceError(violation)
