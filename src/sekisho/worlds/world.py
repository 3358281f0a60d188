"""The worlds: how to recognise their values, name their dtypes, and describe what is neither.

A *world* is an array library and its values. Each is one `World` record; a third world is one
more record. A world's library is looked up in ``sys.modules`` and never imported for the user:
a process that has not imported torch holds no tensor.
"""

from __future__ import annotations

import importlib
import re
import sys
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar

import numpy as np

from sekisho.errors import with_article

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch
    from typing_extensions import TypeIs

__all__ = ["Array", "WorldName", "is_numpy", "is_torch", "world_of"]

WorldName = Literal["numpy", "torch"]

if TYPE_CHECKING:
    Array = TypeVar("Array", "np.ndarray[Any, Any]", torch.Tensor)
    """An array of either world, the same throughout one signature: ``Float[sk.Array, "n d"]``."""
else:
    # Unconstrained, since naming torch.Tensor would import torch. jaxtyping reads it as Any.
    Array = TypeVar("Array")


class _NotLoaded(type):
    """Stands in for a world's array class until the world's library is imported.

    Then it answers for the real class, so that no value slips through a guard that was generated
    before: `isinstance(x, stand_in)` is right at all times, and merely slower than a real class.
    """

    world: World

    def __instancecheck__(cls, value: object) -> bool:
        array_type = cls.world.array_type()
        return array_type is not None and isinstance(value, array_type)


class World(NamedTuple):
    """What sekisho knows of one array library.

    Attributes:
        name: as in `world_of`, and the module whose presence means that the library is loaded.
        label: its name in messages.
        array_class: the name of its array class in that module.
        noun: what one value is called in messages.
    """

    name: WorldName
    label: str
    array_class: str
    noun: str

    def __reduce__(self) -> str:
        """A world is the same world in every process: it is compared by identity."""
        return self.name.upper()

    def module(self) -> Any:
        """The library, or None while nobody has imported it."""
        return sys.modules.get(self.name)

    def load(self) -> Any:
        """The library, imported if need be. Only for what a user asked for by name.

        Raises:
            ImportError: if it is not installed.
        """
        return self.module() or importlib.import_module(self.name)

    def array_type(self) -> type | None:
        """The array class, or None while the library is not (wholly) imported."""
        return getattr(sys.modules.get(self.name), self.array_class, None)

    def owns(self, value: object) -> bool:
        """Whether `value` belongs to this world."""
        array_type = self.array_type()
        if array_type is None:
            return False
        return isinstance(value, array_type) or (self is NUMPY and isinstance(value, np.generic))

    def dtypes(self) -> dict[Any, str]:
        """The library's dtypes and their names; empty while it is not loaded."""
        return {} if self.array_type() is None else _dtypes(self.name)


NUMPY: Final = World("numpy", "NumPy", "ndarray", "an array")
TORCH: Final = World("torch", "PyTorch", "Tensor", "a tensor")
WORLDS: Final = (NUMPY, TORCH)


@cache
def _dtypes(name: WorldName) -> dict[Any, str]:
    if name == "numpy":
        known: Iterable[Any] = (np.dtype(char) for char in np.typecodes["All"])
    else:
        module = sys.modules[name]
        known = (each for each in vars(module).values() if isinstance(each, module.dtype))
    return {dtype: dtype_name(dtype) for dtype in known}


class _TensorStandIn(metaclass=_NotLoaded):
    world = TORCH


def array_class(world: World) -> type:
    """The world's array class for `isinstance`, or its stand-in while it is not loaded."""
    return world.array_type() or _TensorStandIn


def other_world(world: World) -> World:
    """The world on the far side of the border."""
    return TORCH if world is NUMPY else NUMPY


def find_world(value: object) -> World | None:
    """The record of the world that `value` belongs to, or None if it belongs to none."""
    for world in WORLDS:
        if world.owns(value):
            return world
    return None


def is_compiling() -> bool:
    """Whether a compiler of torch is tracing what runs now. It sees plain Python only."""
    try:
        compiling: bool = sys.modules["torch"].compiler.is_compiling()
    except (KeyError, AttributeError):  # not imported, or in the middle of it
        return False
    return compiling


OLDEST_TORCH: Final = (2, 13)
"""The oldest release that this library is tested with; pyproject.toml names it too."""

_is_version_known = False


def look_at_version() -> None:
    """Warn once of a release of torch that nobody has tested: older ones have lost values.

    On 2.4, for one, a lazy zero tensor becomes memory that was never written. Called where tensors
    are met first; in mode ``"off"`` nobody comes here.
    """
    global _is_version_known  # noqa: PLW0603 - one process, one torch
    version = str(getattr(TORCH.module(), "__version__", ""))
    if _is_version_known or not version:
        return
    _is_version_known = True
    found = tuple(int(each) for each in re.findall(r"\d+", version)[:2])
    if found and found < OLDEST_TORCH:
        oldest = ".".join(map(str, OLDEST_TORCH))
        warnings.warn(
            f"torch {version} is older than {oldest}, the oldest that sekisho is tested with: "
            f"on some such releases values are lost.\n"
            f"  hint: torch>={oldest}, or SEKISHO_MODE=off",
            RuntimeWarning,
            stacklevel=2,
        )


def runs_plainly() -> bool:
    """Whether torch just computes here: no transform, trace or mode takes operations for its own."""
    torch = sys.modules.get("torch")
    inside = getattr(torch, "_C", None)
    if torch is None or inside is None:
        return True
    return bool(
        inside._functorch.peek_interpreter_stack() is None  # noqa: SLF001 - no public way
        and inside._get_tracing_state() is None  # noqa: SLF001
        and not inside._len_torch_dispatch_stack()  # noqa: SLF001
    )


def world_of(x: object) -> WorldName | None:
    """Name the world that a value belongs to.

    Args:
        x: anything.

    Returns:
        ``"numpy"`` for arrays and NumPy scalars, ``"torch"`` for tensors, each with their
        subclasses, and None for what belongs to no world: lists, numbers, data frames.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.world_of(np.zeros(3)), sk.world_of([0, 0, 0])
        ('numpy', None)
    """
    world = find_world(x)
    return world.name if world else None


def is_numpy(x: object) -> TypeIs[np.ndarray[Any, Any] | np.generic]:
    """Tell whether `x` is an array or a scalar of NumPy. Type checkers narrow on it.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.is_numpy(np.float32(1)), sk.is_numpy(1.0)
        (True, False)
    """
    return isinstance(x, (np.ndarray, np.generic))


def is_torch(x: object) -> TypeIs[torch.Tensor]:
    """Tell whether `x` is a tensor. Type checkers narrow on it. Never imports torch.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> sk.is_torch(np.zeros(3))
        False
    """
    return TORCH.owns(x)


def class_of(value: object) -> Any:
    """The type of a value, as one that type checkers let be asked anything."""
    return type(value)


_NUMPY_DTYPE: Final[Any] = np.dtype


def dtype_name(dtype: Any) -> str:
    """Name a dtype as jaxtyping does: ``"float32"``, the same word in both worlds.

    One difference, on purpose: NumPy's C-named twins (``ulonglong``, what ``np.array([2**63])``
    is) go by the name of the dtype that they equal.
    """
    if not isinstance(dtype, _NUMPY_DTYPE):
        return str(dtype).rpartition(".")[2]
    if dtype.names is not None:
        return str(dtype)
    if dtype.kind in "iu":
        return f"{'u' if dtype.kind == 'u' else ''}int{8 * dtype.itemsize}"
    name: str = dtype.type.__name__
    return name


def describe(value: object) -> str:
    """Summarise a value for a message: its dtype, shape and world, never its contents.

    A value whose own attributes raise is described by its type alone.
    """
    try:
        return _describe(value)
    except Exception:  # noqa: BLE001 - whatever the value does, the message must be made
        return f"a {type(value).__qualname__}"


def _describe(value: Any) -> str:
    if value is None:
        return "None"
    world = find_world(value)
    kind = class_of(value)
    if world is None:
        return with_article(type_name(kind))
    where = world.label
    if world is TORCH and value.device.type != "cpu":
        where += f" on {value.device}"
    if issubclass(kind, np.generic):
        return f"{dtype_name(value.dtype)} scalar ({where})"
    if kind is not world.array_type():
        where = f"{kind.__name__}, {where}"
    return f"{dtype_name(value.dtype)}{list(value.shape)} ({where})"


def short(key: object) -> str:
    """A mapping's key, as a message shows it: briefly, and whatever its ``repr`` does."""
    try:
        text = repr(key)
    except Exception:  # noqa: BLE001 - the message must be made
        return f"<{type_name(class_of(key))}>"
    return text if len(text) <= _KEY_LENGTH else f"{text[:_KEY_LENGTH]}..."


_KEY_LENGTH: Final = 60


def type_name(kind: type) -> str:
    """A type's name as a reader knows it: ``list``, ``pandas.DataFrame``."""
    if is_compiling():
        return kind.__name__  # all that a compiler can ask of a class
    name = kind.__qualname__.rpartition("<locals>.")[2]
    package = kind.__module__.partition(".")[0]
    return name if package in {"builtins", "__main__"} else f"{package}.{name}"
