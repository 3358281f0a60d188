"""The record that describes an array library: everything that differs between libraries.

A world is an instance of a subclass of `World`. It must define a name, an array class, its dtypes,
and how its arrays get into host memory and out of it. Everything else has a default that suits most
libraries. Other packages ask the world and never test for a particular one.

Conversions go through host memory, as NumPy arrays. So N worlds need N modules, not one per pair.
"""

from __future__ import annotations

import importlib
import math
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from sekisho.utils import is_being_imported
from sekisho.worlds.alias import Alias
from sekisho.worlds.dtypes import class_of, package_of
from sekisho.worlds.layout import Layout
from sekisho.worlds.policy import Converted, Policy, Refusal
from sekisho.worlds.shown import Shown
from sekisho.worlds.supplement import Supplement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Alias", "World"]


class World(Shown):
    """A description of one array library. Subclass it, and register an instance.

    Attributes:
        name: the name that `world_of` returns; also the name of the library's module.
        label: the library's name in messages.
        array_class: name of the array class in that module.
        noun: what messages call one value.
        package: what to install if the library is missing and `name` is not the package.
        is_resident: whether guards test for its arrays inline before the library is imported.
        options: options of its decorator in addition to the common ones: any of ``detach``,
            ``device``, ``scalars``, ``local``.
        shows_all, watched, cheaper: see `Shown`.
        spelling: the library's own code for a helper, or for creating and casting an array, with
            ``{0}`` for the value. Hints show it beside the helper's name.
        opens: for each of its classes that is not an array, code that turns an instance into one.
        words: the library's own names for operations, with the helper that does the same here.
        readers: code that reads a file ``{0}``, by the end of its name.
        makers: functions that people annotate with by mistake, in place of the array class.
        read_only_because: why shared memory is read-only, for messages; None if it is writable.
        supplement: facts that static analysis cannot read from the library's code.
        layouts: memory layouts of its arrays other than contiguous, for tests.
        plain: code that makes a contiguous, independent copy of an array ``{0}``.
        scarce: dtypes of `PLAIN_DTYPES` that few of the library's operations support.
        host_fields: field names of a structured dtype whose NumPy arrays count as this world's.
    """

    name: str = ""
    label: str = ""
    array_class: str = "Array"
    noun: str = "an array"
    package: str = ""
    is_resident: bool = False
    options: frozenset[str] = frozenset({"detach"})
    spelling: Mapping[str, str] = {}
    opens: Mapping[str, str] = {}
    words: Mapping[str, str] = {}
    readers: Mapping[str, str] = {}
    makers: frozenset[str] = frozenset()
    read_only_because: str | None = None
    supplement: Supplement = Supplement()
    layouts: Mapping[str, Layout] = {}
    plain: str = "{0}"
    scarce: frozenset[str] = frozenset()
    host_fields: tuple[str, ...] = ("",)

    def __repr__(self) -> str:
        return f"<world {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by name, because worlds are compared by identity."""
        from sekisho.worlds.registry import world_named  # noqa: PLC0415 - circular import

        return world_named, (self.name,)

    # --- the library

    def module(self) -> Any:
        """Return the library, or None if it has not been imported."""
        return sys.modules.get(self.name)

    def load(self) -> Any:
        """Return the library, and import it if necessary.

        Call this only for a library that the user has named.

        Raises:
            Refusal: if the library is not installed, or its import fails.
        """
        module = self.module()
        if module is not None and not is_being_imported(module):
            return module
        try:
            return importlib.import_module(self.name)  # waits if another thread is importing it
        except ModuleNotFoundError as error:
            if error.name != self.name:
                self._refuse_broken(error)
            raise Refusal(
                f"{self.label} is not installed", f"install {self.package or self.name}"
            ) from None
        except Exception as error:  # noqa: BLE001 - an import may raise any exception
            self._refuse_broken(error)

    def _refuse_broken(self, error: Exception) -> NoReturn:
        why = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise Refusal(f"{self.label} cannot be imported: {why}") from None

    def on_load(self) -> None:
        """Run once after the library has been imported. The default does nothing."""

    def array_type(self) -> Any:
        """Return the array class, or None if the library is not imported or has none yet."""
        try:
            return getattr(sys.modules.get(self.name), self.array_class, None)
        except Exception:  # noqa: BLE001 - a lazy or mocked module may raise any exception
            return None

    def is_loaded(self) -> bool:
        """Return whether the library's import is complete, so that its names can be cached.

        While another thread imports it, the array class may exist before the dtypes do.
        """
        return self.array_type() is not None and not is_being_imported(self.module())

    def namespace(self) -> Any:
        """Return the functions of the array API standard; by default the library's module."""
        return self.module()

    # --- whose value is it, and what is it

    def owns(self, value: object) -> bool:
        """Return whether a value belongs to this world; subclasses and scalars count, too."""
        array_type = self.array_type()
        return array_type is not None and isinstance(value, array_type)

    def takes(self, value: Any) -> bool:
        """Return whether this world accepts a value unconverted: its own, or its NumPy arrays."""
        if not issubclass(class_of(value), np.ndarray):
            return self.owns(value)
        package, fields = package_of(type(value)), value.dtype.names
        return self.owns(value) or package == self.name or fields == self.host_fields

    def is_scalar(self, value: object) -> bool:  # noqa: ARG002 - most libraries have none
        """Return whether a value of this world is a scalar rather than an array."""
        return False

    def is_module(self, value: object) -> bool:  # noqa: ARG002 - most libraries have none
        """Return whether a value is a module with parameters, whose ``forward`` can be guarded."""
        return False

    def alias(self, hint: Any) -> Alias | None:  # noqa: ARG002 - most libraries have none
        """Parse an annotation of an array class with a dtype; None for any other annotation."""
        return None

    def dtypes(self) -> Mapping[Any, str]:
        """Map the library's dtypes to jaxtyping's names for them; empty while not loaded."""
        raise NotImplementedError

    def can_make(self, dtype: str) -> bool:
        """Return whether an array of the named dtype can be created; a setting may forbid it."""
        if dtype not in self.dtypes().values():
            return False
        try:
            zero = np.zeros((), dtype)
        except TypeError:
            return True  # NumPy lacks the dtype, and no setting forbids a cast to it
        try:
            self.from_host(zero, Policy(extended=True))
        except Exception:  # noqa: BLE001 - a library may list a dtype without supporting it
            return False
        return True

    def is_dtype(self, value: object) -> bool:
        """Return whether a value is one of the library's dtypes."""
        try:
            return type(value) is not str and value in self.dtypes()
        except TypeError:  # the value is not hashable
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

    def device(self, value: Any) -> Any:  # noqa: ARG002 - most are on the host
        """Return the device of a value, as `is_on` accepts it; None if there are no devices."""
        return None

    def device_name(self, value: Any) -> str:  # noqa: ARG002 - most are on the host
        """Return the device's name for messages and the log; ``"cpu"`` is the host."""
        return "cpu"

    def devices(self) -> tuple[Any, ...]:
        """Return the available devices, host first, for `parse_device`; empty if unknown."""
        return ()

    def parse_device(self, device: Any) -> Any:
        """Convert a user's device argument to a device.

        Raises:
            Refusal: if it is not a device.
        """
        raise Refusal(f"{self.label} has no device {device!r}")

    def is_on(self, value: Any, device: Any) -> bool:
        """Return whether a value is on a device; one without an index matches any of its type."""
        return bool(self.device(value) == device)

    def device_question(self, device: Any) -> tuple[str, str | None] | None:  # noqa: ARG002
        """Return how generated code checks the device: an attribute, and the literal to compare.

        If the literal is None, the attribute is compared with the device object. If the result is
        None, the fast path does not check the device, and `is_on` decides for each value.
        """
        return "device", None

    def device_of_module(self, module: Any) -> Any:
        """Return the device of a module's first parameter; None if it has none."""
        # A loop, because the compiler of torch 2.7 does not support next() with a default.
        for parameter in module.parameters() if hasattr(module, "parameters") else ():
            return self.device(parameter)
        return None

    # --- crossing

    def to_host(self, value: Any, policy: Policy) -> Converted:
        """Convert a value of this world to a NumPy array with the same bits.

        Raises:
            Refusal: if that would change a value, cut a graph, or copy against the policy.
        """
        raise NotImplementedError

    def from_host(self, array: Any, policy: Policy) -> Converted:
        """Convert a NumPy array or scalar to a value of this world with the same bits.

        Raises:
            Refusal: if that would change a value, or copy against the policy.
        """
        raise NotImplementedError

    def move(self, value: Any, policy: Policy) -> Converted:
        """Return a value on the policy's device, and copy it only if necessary.

        Raises:
            Refusal: if it cannot be moved there.
        """
        if policy.device is None or self.is_on(value, policy.device):
            return (
                Converted(self.copied(value), "copy=True")
                if policy.copy
                else Converted(value, None)
            )
        raise Refusal(f"{self.label} moves no values between devices")

    def copied(self, value: Any) -> Any:
        """Return a copy that has its own memory."""
        return value.copy()

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

    def runs_plainly(self) -> bool:
        """Return whether the library just computes: no transform or trace is active."""
        return True

    def host_values(self, value: Any) -> Any:
        """Return the values as a NumPy array to inspect, in a NumPy dtype that holds them all."""
        return _readable(np.asarray(self.to_host(value, Policy(detach=True, extended=True)).value))

    def rounded_to(self, values: Any, dtype: str) -> tuple[Any, float]:
        """Return host values rounded to the library's dtype, and the dtype's machine epsilon."""
        found = next(each for each, name in self.dtypes().items() if name == dtype)
        ml_dtypes = importlib.import_module("ml_dtypes")
        finite: Any = ml_dtypes.finfo if "float" in dtype else np.finfo
        return _readable(values.astype(np.dtype(found))), float(finite(np.dtype(found)).eps)

    def cast(self, value: Any, dtype: str) -> Any:
        """Cast a value to the named dtype; gradients flow through."""
        return value.astype(dtype)

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

    # --- the operations of the helpers

    def permute_dims(self, x: Any, axes: tuple[int, ...]) -> Any:
        """Permute the axes."""
        return self.namespace().permute_dims(x, axes)

    def moveaxis(self, x: Any, source: Any, destination: Any) -> Any:
        """Move axes to other positions."""
        return self.namespace().moveaxis(x, source, destination)

    def squeeze(self, x: Any, axis: Any) -> Any:
        """Remove axes of size 1."""
        return self.namespace().squeeze(x, axis=axis)

    def concat(self, arrays: Any, axis: int | None) -> Any:
        """Join arrays along an axis; with None, flatten them first."""
        return self.namespace().concat(arrays, axis=axis)

    def stack(self, arrays: Any, axis: int) -> Any:
        """Join arrays along a new axis."""
        return self.namespace().stack(arrays, axis=axis)


def _readable(array: Any) -> Any:
    """Return the values in a dtype of NumPy itself that holds them all."""
    if array.dtype.kind != "V" or array.dtype.names is not None or array.dtype.char == "V":
        # Kind "V" with neither fields nor raw bytes is a dtype of ml_dtypes.
        return array
    name = array.dtype.type.__name__
    return array.astype("int64" if "int" in name else "float64")
