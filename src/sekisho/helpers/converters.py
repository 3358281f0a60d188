"""Helpers that convert between worlds explicitly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar, overload

from sekisho.context import cross, open_logs
from sekisho.errors import ConversionError, DeviceError, Violation, hide_in_pytest
from sekisho.helpers.operands import refuse_world
from sekisho.utils import refuse_words, shown_without
from sekisho.worlds import (
    Convertible,
    JaxArray,
    Library,
    Policy,
    Refusal,
    StandardArray,
    TorchDevice,
    TorchTensor,
    describe,
    exports_memory,
    find_world,
    is_compiling,
    loaded_worlds,
    look_for_worlds,
    on_load,
    quick_share,
    world_named,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ClassVar

    from numpy.typing import NDArray

    class _Dataclass(Protocol):
        __dataclass_fields__: ClassVar[dict[str, Any]]

    class _AttrsClass(Protocol):
        __attrs_attrs__: ClassVar[Any]

    Key = TypeVar("Key")
    Record = TypeVar("Record", bound=_Dataclass | _AttrsClass)

__all__ = ["make_to_world", "to_jax", "to_numpy", "to_torch", "to_world_of"]

__tracebackhide__ = hide_in_pytest


def _refuse_more(function: str, call: str, more: tuple[Any, ...]) -> NoReturn:
    """Refuse what stands behind the array: an option without its name, or a dtype.

    Raises:
        DeclarationError: with a call that is right.
    """
    is_dtype = any(world.is_dtype(more[0]) for world in loaded_worlds())
    words = {"dtype": more[0]} if is_dtype else {}
    refuse_words(function, call, words, "it takes one array, and its options are named.")


@overload
def to_numpy(x: Convertible, /, *, copy: bool | None = ..., detach: bool = ...) -> NDArray[Any]: ...
@overload
def to_numpy(
    x: dict[Key, Any], /, *, copy: bool | None = ..., detach: bool = ...
) -> dict[Key, Any]: ...
@overload
def to_numpy(x: list[Any], /, *, copy: bool | None = ..., detach: bool = ...) -> list[Any]: ...
@overload
def to_numpy(
    x: tuple[Any, ...], /, *, copy: bool | None = ..., detach: bool = ...
) -> tuple[Any, ...]: ...
@overload
def to_numpy(x: Record, /, *, copy: bool | None = ..., detach: bool = ...) -> Record: ...
@shown_without("more", "words")
def to_numpy(
    x: Any,
    /,
    *more: Any,
    copy: bool | None = None,
    detach: bool = False,
    **words: Any,
) -> Any:
    """Convert a tensor to a NumPy array with the same bits. An array is returned unchanged.

    The array shares the tensor's memory where that is safe; a tensor on another device is copied to
    the host. Other objects that export their memory (a PIL image, a JAX array) are accepted, too.

    Args:
        x: a tensor or an array of any shape; or a dict, a list, a tuple, a dataclass or another record, to any
            depth, whose arrays are converted. What is no array stays as it is.
        copy: None copies if needed, True always, False never.
        detach: whether a tensor that requires grad may be detached from its graph.

    Returns:
        An array of the same dtype and shape; of a container, one of the same class with arrays in it,
        or `x` itself if it has nothing to convert.

    Raises:
        WorldError: if `x` is neither a tensor nor an array, nor has one in it; the hint is a call that
            makes an array.
        ConversionError: if a value, a gradient or the meaning of a subclass would be lost; it names
            where in a container that is.

    Examples:
        >>> import torch
        >>> import sekisho as sk
        >>> sk.to_numpy(torch.tensor([1, 2, 3]))
        array([1, 2, 3])
        >>> sk.to_numpy({"scores": [torch.tensor([1, 2])], "name": "a"})
        {'scores': [array([1, 2])], 'name': 'a'}
    """
    if more:
        _refuse_more("to_numpy", "to_numpy(x)", more)
    if words:
        refuse_words("to_numpy", "to_numpy(x)", words, known=("copy", "detach"))
    # The fast path has no options, and it records no crossing.
    if copy is None and not detach and not is_compiling() and not open_logs():
        array = _share("numpy", x)
        if array is not None:
            return array
    return _convert("numpy", x, copy=copy, detach=detach)


@overload
def to_torch(
    x: Convertible, /, *, copy: bool | None = ..., device: str | TorchDevice | None = ...
) -> TorchTensor: ...
@overload
def to_torch(
    x: dict[Key, Any], /, *, copy: bool | None = ..., device: str | TorchDevice | None = ...
) -> dict[Key, Any]: ...
@overload
def to_torch(
    x: list[Any], /, *, copy: bool | None = ..., device: str | TorchDevice | None = ...
) -> list[Any]: ...
@overload
def to_torch(
    x: tuple[Any, ...], /, *, copy: bool | None = ..., device: str | TorchDevice | None = ...
) -> tuple[Any, ...]: ...
@overload
def to_torch(
    x: Record, /, *, copy: bool | None = ..., device: str | TorchDevice | None = ...
) -> Record: ...
@shown_without("more", "words")
def to_torch(
    x: Any,
    /,
    *more: Any,
    copy: bool | None = None,
    device: str | TorchDevice | None = None,
    **words: Any,
) -> Any:
    """Convert an array to a tensor with the same bits. A tensor already there is unchanged.

    The tensor shares the array's memory where that is safe. A read-only array, or one with negative
    strides or foreign byte order, is copied.

    Args:
        x: an array or a tensor of any shape, or a container of them: see `to_numpy`.
        copy: None copies if needed, True always, False never.
        device: the device of the result. With None, an array stays on the host and a tensor on its
            device.

    Returns:
        A tensor of the same dtype and shape.

    Raises:
        WorldError: if `x` is neither an array nor a tensor; the hint is a call that makes one.
        ConversionError: if a value or the meaning of a subclass would be lost.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.to_torch(np.array([1.0, 2.0]))
        tensor([1., 2.], dtype=torch.float64)
    """
    if more:
        _refuse_more("to_torch", "to_torch(x, device='cuda')", more)
    if words:
        refuse_words("to_torch", "to_torch(x)", words, known=("copy", "device"))
    # The fast path has no options, and it records no crossing.
    if copy is None and device is None and not is_compiling() and not open_logs():
        tensor = _share("torch", x)
        if tensor is not None:
            return tensor
    return _convert("torch", x, copy=copy, device=device)


def make_to_world(name: str) -> Callable[..., Any]:
    """Make ``to_<name>`` for a world. It accepts the arguments of `to_torch`, and ``detach=``.

    Args:
        name: the world's name.
    """
    function = f"to_{name}"

    def to_world(
        x: Any,
        /,
        *more: Any,
        copy: bool | None = None,
        device: Any = None,
        detach: bool = False,
        **words: Any,
    ) -> Any:
        if more:
            _refuse_more(function, f"{function}(x, device=...)", more)
        if words:
            refuse_words(function, f"{function}(x)", words, known=("copy", "device", "detach"))
        return _convert(name, x, copy=copy, device=device, detach=detach)

    to_world.__name__ = to_world.__qualname__ = function
    to_world.__doc__ = f"Take an array of any world to {name}: see `to_torch`."
    return to_world


_to_jax = make_to_world("jax")


@overload
def to_jax(
    x: Convertible, /, *, copy: bool | None = ..., device: Any = ..., detach: bool = ...
) -> JaxArray: ...
@overload
def to_jax(
    x: dict[Key, Any], /, *, copy: bool | None = ..., device: Any = ..., detach: bool = ...
) -> dict[Key, Any]: ...
@overload
def to_jax(
    x: list[Any], /, *, copy: bool | None = ..., device: Any = ..., detach: bool = ...
) -> list[Any]: ...
@overload
def to_jax(
    x: tuple[Any, ...], /, *, copy: bool | None = ..., device: Any = ..., detach: bool = ...
) -> tuple[Any, ...]: ...
@overload
def to_jax(
    x: Record, /, *, copy: bool | None = ..., device: Any = ..., detach: bool = ...
) -> Record: ...
@shown_without("more", "words")
def to_jax(
    x: Any,
    /,
    *more: Any,
    copy: bool | None = None,
    device: Any = None,
    detach: bool = False,
    **words: Any,
) -> Any:
    """Convert an array of any world to a JAX array with the same bits.

    A JAX array is returned unchanged. All others are copied: JAX arrays never change, but the
    memory of another library may.

    Args:
        x: an array or a tensor of any shape, or a container of them: see `to_numpy`.
        copy: None copies if needed, True always. False never copies, and so accepts JAX arrays
            only.
        device: ``"cpu"``, ``"gpu:0"``, a `jax.Device` or a `jax.sharding.Sharding`. With None, JAX
            chooses, and a JAX array stays on its device.
        detach: whether a tensor that requires grad may be detached from its graph.

    Returns:
        An array of the same dtype and shape.

    Raises:
        WorldError: if `x` is not an array; the hint is a call that makes one.
        ConversionError: if a value or a meaning would be lost, such as a 64-bit dtype where JAX has
            only 32 bits, a tracer, or a PRNG key.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.to_jax(np.array([1.0, 2.0], "float32"))  # doctest: +SKIP
        Array([1., 2.], dtype=float32)
    """
    return _to_jax(x, *more, copy=copy, device=device, detach=detach, **words)


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
    """Convert `x` to the world and the device of `like`.

    Args:
        x: an array or a tensor of any shape.
        like: an array or a tensor. Only its world and device are used.
        copy: see `to_numpy`.
        detach: see `to_numpy`.

    Returns:
        An array or a tensor of the same dtype and shape as `x`.

    Raises:
        WorldError: if either belongs to no world.
        ConversionError: if a value, a gradient or the meaning of a subclass would be lost.

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


# The fast path into each world. It depends on which libraries are loaded, so a new one clears it.
_sharers: dict[str, Callable[[Any], Any]] = {}
on_load(_sharers.clear)


def _share(target: str, x: Any) -> Any:
    """Try the fast path into a world; return None if the value needs the slow path."""
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


def _convert_to(target: Library, function: str, x: Any, policy: Policy) -> Any:
    look_for_worlds()
    if find_world(x) is not None:
        return _convert_one(target, function, x, policy, "")
    # Importing sekisho stays light: most programs convert arrays only.
    from sekisho.helpers.nested import convert_nested, is_nested  # noqa: PLC0415 - see above
    from sekisho.helpers.together import in_one_call  # noqa: PLC0415 - see above

    if is_nested(x):

        def convert(array: Any, path: str, policy: Policy = policy) -> Any:
            return _convert_one(target, function, array, policy, path)

        together = in_one_call(target, policy, convert)
        converted, count = convert_nested(x, convert, function, _expected(target), together)
        if count:
            return converted
    elif exports_memory(x):
        return _convert_one(target, function, x, policy, "")
    return refuse_world(function, "argument 'x'", x, "x")


def _expected(target: Library) -> str:
    return f"{target.noun}, or what converts to one"


def _convert_one(target: Library, function: str, x: Any, policy: Policy, path: str) -> Any:
    """Convert an array; `path` is where it is inside the argument."""
    try:
        return cross(x, target, policy, function, "argument 'x'").value
    except Refusal as refusal:
        reason = refusal.reason
    # Importing sekisho stays light: the search for hints is imported by the first refusal.
    from sekisho.hints import Wanted, find_hint  # noqa: PLC0415 - only for the message

    hint = find_hint(x, Wanted(target, policy=policy, scalars=True))
    # Raised outside of the except block, so that the refusal is not shown as its context.
    violation = Violation(function, f"argument 'x'{path}", _expected(target), describe(x), reason)
    raise ConversionError(violation._replace(hint=hint and hint.format(f"x{path}")))


def _device(function: str, target: Library, device: Any) -> Any:
    try:
        target.load()
    except Refusal:
        return None  # the conversion raises the same refusal
    try:
        return target.parse_device(device)
    except Refusal as refusal:
        reason = refusal.reason
    violation = Violation(function, "argument 'device'", "a device", repr(device), reason)
    raise DeviceError(violation)
