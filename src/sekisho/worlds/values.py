"""The world of a value, and descriptions of values for messages."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import numpy as np

from sekisho.errors import with_article
from sekisho.worlds.dtypes import class_of, dtype_name, package_of
from sekisho.worlds.registry import find_world, world_named
from sekisho.worlds.tracing import is_compiling

if TYPE_CHECKING:
    import jax
    import torch
    from typing_extensions import TypeIs

__all__ = [
    "Array",
    "Convertible",
    "ExportsDLPack",
    "ExportsInterface",
    "FollowsStandard",
    "JaxArray",
    "StandardArray",
    "TorchDevice",
    "TorchTensor",
    "describe",
    "is_jax",
    "is_numpy",
    "is_torch",
    "make_is_world",
    "short",
    "type_name",
    "world_of",
]


class FollowsStandard(Protocol):
    """An object that follows the array API standard: arrays of NumPy, JAX, CuPy and more."""

    def __array_namespace__(self, *, api_version: Any = ...) -> Any: ...
    def __getitem__(self, key: Any, /) -> Any: ...


StandardArray = TypeVar("StandardArray", bound=FollowsStandard)


class ExportsInterface(Protocol):
    """An object that exports its memory with ``__array_interface__``, such as a PIL image."""

    @property
    def __array_interface__(self) -> Any: ...


class ExportsDLPack(Protocol):
    """An object that exports its memory with DLPack: Arrow arrays and those of most libraries."""

    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...


if TYPE_CHECKING:
    Convertible = (
        torch.Tensor
        | np.ndarray[Any, Any]
        | np.generic
        | FollowsStandard
        | ExportsInterface
        | ExportsDLPack
    )
    """What a converter takes: an array of a world, or what offers its memory as one."""
    TorchTensor = torch.Tensor
    TorchDevice = torch.device
    JaxArray = jax.Array
    Array = TypeVar("Array", "np.ndarray[Any, Any]", torch.Tensor)
    """An array of either world, the same throughout one signature: ``Float[sk.Array, "n d"]``."""
else:
    Convertible = TorchTensor = TorchDevice = JaxArray = Any
    # Unconstrained, because naming torch.Tensor would import torch. jaxtyping treats it as Any.
    Array = TypeVar("Array")


def world_of(x: object) -> str | None:
    """Return the name of the world that a value belongs to.

    Args:
        x: any value.

    Returns:
        ``"numpy"`` for arrays and NumPy scalars, ``"torch"`` for tensors, ``"jax"``, ``"cupy"``, or
        the name of a registered world. Subclasses count, too. None for values that belong to no
        world, such as lists, numbers and data frames.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.world_of(np.zeros(3)), sk.world_of([0, 0, 0])
        ('numpy', None)
    """
    world = find_world(x)
    return world.name if world else None


def is_numpy(x: object) -> TypeIs[np.ndarray[Any, Any] | np.generic]:
    """Return whether `x` is a NumPy array or scalar. Type checkers narrow on it.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.is_numpy(np.float32(1)), sk.is_numpy(1.0)
        (True, False)
    """
    return isinstance(x, (np.ndarray, np.generic))


def is_torch(x: object) -> TypeIs[torch.Tensor]:
    """Return whether `x` is a tensor. Type checkers narrow on it. Never imports torch.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.is_torch(np.zeros(3))
        False
    """
    return world_named("torch").owns(x)


def is_jax(x: object) -> TypeIs[jax.Array]:
    """Return whether `x` is a JAX array or a tracer of one. Never imports jax.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.is_jax(np.zeros(3))
        False
    """
    return world_named("jax").owns(x)


def make_is_world(name: str) -> Any:
    """Make the function ``is_<name>`` for a registered world.

    Raises:
        DeclarationError: if there is no world of this name.
    """
    world = world_named(name)

    def is_world(x: object) -> bool:
        return world.owns(x)

    is_world.__name__ = is_world.__qualname__ = f"is_{name}"
    is_world.__doc__ = f"Tell whether `x` is {world.noun} of {world.label}."
    return is_world


def describe(value: object) -> str:
    """Describe a value for a message: its dtype, shape and world, never its contents.

    If reading the value's attributes raises, the description is its type alone.
    """
    try:
        return _describe(value)
    except Exception:  # noqa: BLE001 - the message must not fail, whatever the value raises
        return with_article(type(value).__qualname__)


def _describe(value: Any) -> str:
    if value is None:
        return "None"
    world = find_world(value)
    if world is None:
        return with_article(type_name(class_of(value)))
    where, device = world.label, world.device_name(value)
    if device != "cpu":
        where += f" on {device}"
    if world.is_scalar(value):
        return f"{dtype_name(value.dtype)} scalar ({where})"
    kind = world.kind_of(value)
    if kind is not None:
        where = f"{kind}, {where}"
    return f"{dtype_name(value.dtype)}{list(value.shape)} ({where})"


def short(key: object) -> str:
    """Return a mapping's key as messages show it: shortened, and safe if its ``repr`` raises."""
    try:
        text = repr(key)
    except Exception:  # noqa: BLE001 - the message must not fail, whatever the key raises
        return f"<{type_name(class_of(key))}>"
    return text if len(text) <= _KEY_LENGTH else f"{text[:_KEY_LENGTH]}..."


_KEY_LENGTH: Final = 60


def type_name(kind: type) -> str:
    """Return a type's name as readers know it: ``list``, ``pandas.DataFrame``."""
    if is_compiling():
        return kind.__name__  # the only attribute of a class that a compiler can trace
    name = kind.__qualname__.rpartition("<locals>.")[2]
    package = package_of(kind)
    if name.partition(".")[0] in sys.modules:  # `jax.Array` has its module in its name
        name = name.rpartition(".")[2]
    return name if package in {"", "builtins", "__main__"} else f"{package}.{name}"
