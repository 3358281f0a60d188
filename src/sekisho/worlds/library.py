"""What sekisho itself asks of an array library, beyond what a user's `World` may define.

Nothing here is stable: a member may be renamed, or go, in any release. So the library's own worlds
subclass `Library`, and a user's world is looked at through `Described`, which reads its stable
members only. A method of a user's class that happens to have a name of this module is never called.
"""

from __future__ import annotations

import importlib
import math
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sekisho.worlds.alias import Alias
from sekisho.worlds.dtypes import class_of, package_of
from sekisho.worlds.layout import Layout
from sekisho.worlds.policy import Policy
from sekisho.worlds.shown import Shown
from sekisho.worlds.supplement import Supplement
from sekisho.worlds.tested import Tested
from sekisho.worlds.together import Together
from sekisho.worlds.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["STABLE_MEMBERS", "Described", "Library", "library_of"]


class Library(Shown, Tested, Together, World):
    """A world with everything that sekisho asks of it.

    Attributes:
        is_mutable: whether ``x /= 2`` writes into the array, and so fails for integers.
        is_resident: whether guards test for its arrays inline before the library is imported.
        opens: for each of its classes that is not an array, code that turns an instance into one.
        readers: code that reads a file ``{0}``, by the end of its name.
        read_only_because: why shared memory is read-only, for messages; None if it is writable.
        supplement: facts that static analysis cannot read from the library's code.
        layouts: memory layouts of its arrays other than contiguous, for tests.
        plain: code that makes a contiguous, independent copy of an array ``{0}``.
        scarce: dtypes of `PLAIN_DTYPES` that few of the library's operations support.
        host_fields: field names of a structured dtype whose NumPy arrays count as this world's.
    """

    is_mutable: bool = False
    is_resident: bool = False
    opens: Mapping[str, str] = {}
    readers: Mapping[str, str] = {}
    read_only_because: str | None = None
    supplement: Supplement = Supplement()
    layouts: Mapping[str, Layout] = {}
    plain: str = "{0}"
    scarce: frozenset[str] = frozenset()
    host_fields: tuple[str, ...] = ("",)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by name, because worlds are compared by identity."""
        from sekisho.worlds.registry import world_named  # noqa: PLC0415 - circular import

        return world_named, (self.name,)

    # --- the library

    def module(self) -> Any:
        """Return the library, or None if it has not been imported."""
        return sys.modules.get(self.name)

    def on_load(self) -> None:
        """Run once after the library has been imported. The default does nothing."""

    # --- whose value is it, and what is it

    def takes(self, value: Any) -> bool:
        """Return whether this world accepts a value unconverted: its own, or its NumPy arrays."""
        if not issubclass(class_of(value), np.ndarray):
            return self.owns(value)
        package, fields = package_of(type(value)), value.dtype.names
        return self.owns(value) or package == self.name or fields == self.host_fields

    def is_module(self, value: object) -> bool:  # noqa: ARG002 - most libraries have none
        """Return whether a value is a module with parameters, whose ``forward`` can be guarded."""
        return False

    def alias(self, hint: Any) -> Alias | None:  # noqa: ARG002 - most libraries have none
        """Parse an annotation of an array class with a dtype; None for any other annotation."""
        return None

    def is_dtype(self, value: object) -> bool:
        """Return whether a value is one of the library's dtypes."""
        try:
            return type(value) is not str and value in self.dtypes()
        except Exception:  # noqa: BLE001 - not hashable: a metaclass may raise anything
            return False

    def kind_of(self, value: Any) -> str | None:
        """Return what messages call a value of another class than the usual; None for most."""
        kind: Any = value.__class__
        return None if kind is self.array_type() else kind.__name__

    def size(self, value: Any) -> int:
        """Return the number of elements."""
        return math.prod(value.shape)

    def sampled(self, value: Any, steps: tuple[int, ...]) -> Any:
        """Return every n-th element along each axis; None if that would read the whole value.

        Returns the value itself if only a conversion can tell what it contains.
        """
        return value[tuple(slice(None, None, step) for step in steps)]

    def why_shapeless(self, value: Any) -> tuple[str, str] | None:  # noqa: ARG002 - most have shapes
        """Return why reading a value's shape raises, and a hint; None if unknown."""
        return None

    def nbytes(self, value: Any) -> int:
        """Return the number of bytes of the elements."""
        return int(getattr(value, "nbytes", 0))

    # --- where it is

    def devices(self) -> tuple[Any, ...]:
        """Return the available devices, host first, for `parse_device`; empty if unknown."""
        return ()

    def device_question(self, device: Any) -> tuple[str, str | None] | None:  # noqa: ARG002
        """Return how generated code checks the device: an attribute, and the literal to compare.

        If the literal is None, the attribute is compared with the device object. If the result is
        None, the fast path does not check the device, and `is_on` decides for each value.
        """
        return "device", None

    # --- crossing

    def write_count(self, value: Any) -> int | None:  # noqa: ARG002
        """Return how often a value has been written to; None if the library does not count."""
        return None

    def counting_writes(self) -> Any:
        """Return a ``with`` block in which new values support `write_count`."""
        return nullcontext()

    def quick_to_host(
        self,
        dtypes: frozenset[Any] | None,  # noqa: ARG002
        *,
        read_only: bool,  # noqa: ARG002
    ) -> Callable[[Any], Any] | None:
        """Make the fast path to NumPy, if this world has one: a function that shares memory.

        It handles the simplest values only. For all others it returns None, and `to_host` takes
        over. It is never called while a compiler traces.

        Args:
            dtypes: the host's dtypes to share; None for all.
            read_only: whether the NumPy array must be read-only.
        """
        return None

    def quick_from_host(self, dtypes: frozenset[Any] | None) -> Callable[[Any], Any] | None:  # noqa: ARG002
        """Make the fast path from NumPy; see `quick_to_host`."""
        return None

    def quick_is_compiling(self) -> Callable[[], bool] | None:
        """Return the fastest test for tracing that is valid where the fast paths are called."""
        return None

    # --- used by messages and hints, never by the fast path

    def host_values(self, value: Any) -> Any:
        """Return the values as a NumPy array to inspect, in a NumPy dtype that holds them all."""
        return _readable(np.asarray(self.to_host(value, Policy(detach=True, extended=True)).value))

    def rounded_to(self, values: Any, dtype: str) -> tuple[Any, float]:
        """Return host values rounded to the library's dtype, and the dtype's machine epsilon."""
        found = next(each for each, name in self.dtypes().items() if name == dtype)
        ml_dtypes = importlib.import_module("ml_dtypes")
        finite: Any = ml_dtypes.finfo if "float" in dtype else np.finfo
        return _readable(values.astype(np.dtype(found))), float(finite(np.dtype(found)).eps)

    def shaped_like(self, value: Any, dtype: str) -> Any:
        """Return an array like a value, with another dtype and if possible without own memory."""
        return self.cast(value, dtype)

    def making_calls(
        self, dtype: str | None, *, is_number: bool
    ) -> Iterable[tuple[str, str | None]]:
        """Yield code that may make an array of numbers or of one number, best first.

        Args:
            dtype: the required dtype; None for any.
            is_number: whether the value is one number, which may become an array of one.

        Returns:
            Calls, ``{0}`` being the value; with each, the call whose values it must reproduce.
        """
        _ = dtype, is_number
        return ()

    def round(self, value: Any) -> Any:
        """Round each element to a whole number, keeping the dtype."""
        return self.namespace().round(value)


STABLE_MEMBERS: Final = frozenset(name for name in vars(World) if not name.startswith("_"))
"""What a user's world may define, and what sekisho reads of it."""


class Described(Library):
    """A user's world: its stable members, and the defaults of everything else."""

    def __init__(self, world: World) -> None:
        self.world = world

    def device_question(self, device: Any) -> None:  # noqa: ARG002
        """Leave the device to `World.is_on`: the arrays need no attribute ``device``."""
        return


def _read_from_world(name: str) -> property:
    return property(lambda described: getattr(described.world, name))


for _name in STABLE_MEMBERS:
    setattr(Described, _name, _read_from_world(_name))


_described: Final[dict[World, Described]] = {}
"""One for each world, since worlds are compared by identity."""


def library_of(world: World) -> Library:
    """Return a world with everything that sekisho asks of it: itself, if sekisho has written it."""
    if isinstance(world, Library):
        return world
    return _described.setdefault(world, Described(world))


def _readable(array: Any) -> Any:
    """Return the values in a dtype of NumPy itself that holds them all."""
    if array.dtype.kind != "V" or array.dtype.names is not None or array.dtype.char == "V":
        # Kind "V" with neither fields nor raw bytes is a dtype of ml_dtypes.
        return array
    name = array.dtype.type.__name__
    return array.astype("int64" if "int" in name else "float64")
