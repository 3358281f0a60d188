"""The record that every world is: what differs between array libraries, and nothing else.

A world is an instance of a subclass of `World`. What it must say is a name, an array class, its
dtypes, and how its arrays get into host memory and out of it; all else has a meaning here that most
libraries can keep. Whoever needs to know something of a library asks its world: no code outside of
this package compares with a certain world.

Crossings go by way of host memory, as NumPy arrays: so N worlds need N files, and no pair needs one.
"""

from __future__ import annotations

import importlib
import math
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from sekisho.ground import is_being_imported
from sekisho.worlds.alias import Alias
from sekisho.worlds.dtypes import class_of, package_of
from sekisho.worlds.layout import Layout
from sekisho.worlds.policy import Converted, Policy, Refusal
from sekisho.worlds.shown import Shown
from sekisho.worlds.unsaid import Unsaid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Alias", "World"]


class World(Shown):
    """What sekisho knows of one array library. Subclass it, and register an instance.

    Attributes:
        name: as in `world_of`, and the module whose presence means that the library is loaded.
        label: its name in messages.
        array_class: the name of its array class in that module.
        noun: what one value is called in messages.
        package: what is to be installed where the library is missing, if not its name.
        is_resident: whether guards ask for its arrays inline before its library is imported.
        options: what its decorator takes beside the options that all take: any of ``detach``,
            ``device``, ``scalars``, ``local``.
        shows_all: see `Shown`.
        watched: the operations by which arrays may cross, by what they do; see `Shown`.
        cheaper: for an operation of these that always copies, the call that shares.
        spelling: the library's own words for a helper, or for making and casting an array, ``{0}``
            being the value: they stand beside the helper's name in hints.
        opens: by the names of its classes that are no arrays, the call that makes one of such.
        words: what the library calls by other names, and the helper that does it here.
        makers: the functions that people write where the array class should stand.
        read_only_because: why its memory is shared read-only, in a message; None if it is not.
        unsaid: what its code does not say, for whoever reads programs without running them.
        layouts: how its arrays may lie in memory, if not contiguously.
        plain: the code that makes a contiguous copy, cut from all else, of an array ``{0}``.
        scarce: the dtypes of `PLAIN_DTYPES` for which few of its operations are written.
        host_fields: of a structured dtype by which NumPy's arrays are at home here.
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
    makers: frozenset[str] = frozenset()
    read_only_because: str | None = None
    unsaid: Unsaid = Unsaid()
    layouts: Mapping[str, Layout] = {}
    plain: str = "{0}"
    scarce: frozenset[str] = frozenset()
    host_fields: tuple[str, ...] = ("",)

    def __repr__(self) -> str:
        return f"<world {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """A world is the same world in every process: it is compared by identity."""
        from sekisho.worlds.registry import world_named  # noqa: PLC0415 - which imports this

        return world_named, (self.name,)

    # --- the library

    def module(self) -> Any:
        """The library, or None while nobody has imported it."""
        return sys.modules.get(self.name)

    def load(self) -> Any:
        """The library, imported if need be. Only for what a user asked for by name.

        Raises:
            Refusal: if it is not installed, or broken.
        """
        module = self.module()
        if module is not None and not is_being_imported(module):
            return module
        try:
            return importlib.import_module(self.name)  # it waits for another thread that imports it
        except ModuleNotFoundError as error:
            if error.name != self.name:
                self._refuse_broken(error)
            raise Refusal(
                f"{self.label} is not installed", f"install {self.package or self.name}"
            ) from None
        except Exception as error:  # noqa: BLE001 - an import may raise anything
            self._refuse_broken(error)

    def _refuse_broken(self, error: Exception) -> NoReturn:
        why = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise Refusal(f"{self.label} cannot be imported: {why}") from None

    def on_load(self) -> None:
        """Called once, when the library has been imported by whoever imports it."""

    def array_type(self) -> Any:
        """The array class, or None while the library has none: nobody imports it, or it is at its start."""
        try:
            return getattr(sys.modules.get(self.name), self.array_class, None)
        except Exception:  # noqa: BLE001 - a module that stands for it (lazy, mocked) may raise anything
            return None

    def is_loaded(self) -> bool:
        """Whether the library is imported to its end, so that what is read of it may be kept.

        While another thread is importing it, its array class may be there, and its dtypes not yet.
        """
        return self.array_type() is not None and not is_being_imported(self.module())

    def namespace(self) -> Any:
        """The functions of the array API standard, by the library's own module."""
        return self.module()

    # --- whose value is it, and what is it

    def owns(self, value: object) -> bool:
        """Whether `value` belongs to this world: subclasses and scalars too."""
        array_type = self.array_type()
        return array_type is not None and isinstance(value, array_type)

    def takes(self, value: Any) -> bool:
        """Whether a value is at home here: this world's own, or an array of NumPy's that it makes."""
        if not issubclass(class_of(value), np.ndarray):
            return self.owns(value)
        package, fields = package_of(type(value)), value.dtype.names
        return self.owns(value) or package == self.name or fields == self.host_fields

    def is_scalar(self, value: object) -> bool:  # noqa: ARG002 - most libraries have none
        """Whether a value of this world is no array, but one number."""
        return False

    def is_module(self, value: object) -> bool:  # noqa: ARG002 - most libraries have none
        """Whether this is a module with parameters, whose ``forward`` can be guarded."""
        return False

    def alias(self, hint: Any) -> Alias | None:  # noqa: ARG002 - most libraries have none
        """Read what names an array class and its dtype; None for any other annotation."""
        return None

    def dtypes(self) -> Mapping[Any, str]:
        """The library's dtypes and their names, as jaxtyping calls them; empty while not loaded."""
        raise NotImplementedError

    def can_make(self, dtype: str) -> bool:
        """Whether an array of the dtype so named can be made now: a setting may forbid it."""
        if dtype not in self.dtypes().values():
            return False
        try:
            zero = np.zeros((), dtype)
        except TypeError:
            return True  # NumPy lacks it, and nobody forbids a cast
        try:
            self.from_host(zero, Policy(extended=True))
        except Exception:  # noqa: BLE001 - a library that lists a dtype may still have no such array
            return False
        return True

    def is_dtype(self, value: object) -> bool:
        """Whether this is one of the library's dtypes."""
        try:
            return type(value) is not str and value in self.dtypes()
        except TypeError:  # not hashable
            return False

    def kind_of(self, value: Any) -> str | None:
        """What a message calls a value whose class is not the plain one; None for most."""
        kind: Any = value.__class__
        return None if kind is self.array_type() else kind.__name__

    def size(self, value: Any) -> int:
        """How many elements a value has."""
        return math.prod(value.shape)

    def sampled(self, value: Any, steps: tuple[int, ...]) -> Any:
        """A part of a value, each axis taken in steps; None if that would read all of it.

        It is the value itself where only a conversion can tell what the value is.
        """
        return value[tuple(slice(None, None, step) for step in steps)]

    def why_shapeless(self, value: Any) -> tuple[str, str] | None:  # noqa: ARG002 - most have shapes
        """Why a value that raises when its shape is read has none, and what helps; None if unknown."""
        return None

    def nbytes(self, value: Any) -> int:
        """How many bytes its elements take."""
        return int(getattr(value, "nbytes", 0))

    # --- where it is

    def device(self, value: Any) -> Any:  # noqa: ARG002 - most are on the host
        """Where a value is, as `is_on` takes it; None if the library knows no devices."""
        return None

    def device_name(self, value: Any) -> str:  # noqa: ARG002 - likewise
        """Where it is, in a message and in the log; ``"cpu"`` is the host."""
        return "cpu"

    def devices(self) -> tuple[Any, ...]:
        """The devices that there are, the host first, as `parse_device` reads them; none if unknown."""
        return ()

    def parse_device(self, device: Any) -> Any:
        """Read what a user wrote for a device.

        Raises:
            Refusal: if it is none.
        """
        raise Refusal(f"{self.label} has no device {device!r}")

    def is_on(self, value: Any, device: Any) -> bool:
        """Whether a value is where it must be; a device without an index is any of its kind."""
        return bool(self.device(value) == device)

    def device_question(self, device: Any) -> tuple[str, str | None] | None:  # noqa: ARG002
        """What hot paths ask instead: an attribute, and the literal that it must equal.

        None as the literal stands for the device itself; None alone has hot paths ask nothing, and
        `is_on` answer each time.
        """
        return "device", None

    def device_of_module(self, module: Any) -> Any:
        """Where a module's first parameter is; None if it has none."""
        # A loop: the compiler of torch 2.7 knows no next() that has a default.
        for parameter in module.parameters() if hasattr(module, "parameters") else ():
            return self.device(parameter)
        return None

    # --- crossing

    def to_host(self, value: Any, policy: Policy) -> Converted:
        """One of this world's values as a NumPy array, bit-equal.

        Raises:
            Refusal: if that would change a value, cut a graph, or copy against the policy.
        """
        raise NotImplementedError

    def from_host(self, array: Any, policy: Policy) -> Converted:
        """A NumPy array, or scalar, as one of this world's values, bit-equal.

        Raises:
            Refusal: if that would change a value or copy against the policy.
        """
        raise NotImplementedError

    def move(self, value: Any, policy: Policy) -> Converted:
        """One of this world's values at the device asked for; a copy only if it must be one.

        Raises:
            Refusal: if it cannot be there.
        """
        if policy.device is None or self.is_on(value, policy.device):
            return (
                Converted(self.copied(value), "copy=True")
                if policy.copy
                else Converted(value, None)
            )
        raise Refusal(f"{self.label} moves no values between devices")

    def copied(self, value: Any) -> Any:
        """A value of its own memory."""
        return value.copy()

    def write_count(self, value: Any) -> int | None:  # noqa: ARG002
        """How often a value has been written into so far; None where the library does not count."""
        return None

    def counting_writes(self) -> Any:
        """Return a ``with`` block. `write_count` knows the values that are made inside of it."""
        return nullcontext()

    def quick_to_host(
        self,
        dtypes: frozenset[Any] | None,  # noqa: ARG002
        *,
        read_only: bool,  # noqa: ARG002
    ) -> Callable[[Any], Any] | None:
        """Make what shares the plainest values after a look, or returns None: it is left to `to_host`.

        None if there is no quicker way than `to_host`. Never called by a compiler.

        Args:
            dtypes: which of the host's dtypes alone are shared; None is all of them.
            read_only: whether the host's array is to refuse writes.
        """
        return None

    def quick_from_host(self, dtypes: frozenset[Any] | None) -> Callable[[Any], Any] | None:  # noqa: ARG002
        """The same for arrays that become this world's."""
        return None

    def quick_is_compiling(self) -> Callable[[], bool] | None:
        """The quickest question whether a compiler traces, where the two above may be asked."""
        return None

    # --- what messages try: never on a hot path

    def runs_plainly(self) -> bool:
        """Whether the library just computes here: no transform or trace takes part."""
        return True

    def host_values(self, value: Any) -> Any:
        """The values as a NumPy array to be looked at, in a dtype that NumPy has and that holds all."""
        return _readable(np.asarray(self.to_host(value, Policy(detach=True, extended=True)).value))

    def rounded_to(self, values: Any, dtype: str) -> tuple[Any, float]:
        """Host values as the library's dtype would hold them, and the step between 1 and the next."""
        found = next(each for each, name in self.dtypes().items() if name == dtype)
        ml_dtypes = importlib.import_module("ml_dtypes")
        finite: Any = ml_dtypes.finfo if "float" in dtype else np.finfo
        return _readable(values.astype(np.dtype(found))), float(finite(np.dtype(found)).eps)

    def cast(self, value: Any, dtype: str) -> Any:
        """A value with the dtype so named; gradients flow through."""
        return value.astype(dtype)

    def shaped_like(self, value: Any, dtype: str) -> Any:
        """Something of a value's shape and place, of another dtype, that takes no memory if it can."""
        return self.cast(value, dtype)

    def making_calls(
        self, dtype: str | None, *, is_number: bool
    ) -> Iterable[tuple[str, str | None]]:
        """The calls that may make an array of numbers, or of one, best first.

        Args:
            dtype: what it must be of; None is any.
            is_number: whether the value is one number, which may become an array of one.

        Returns:
            Calls, ``{0}`` being the value; with each, the call whose values it must have.
        """
        _ = dtype, is_number
        return ()

    def round(self, value: Any) -> Any:
        """Each element rounded to a whole number, of the same dtype."""
        return self.namespace().round(value)

    # --- the operations of the helpers

    def permute_dims(self, x: Any, axes: tuple[int, ...]) -> Any:
        """The axes in another order."""
        return self.namespace().permute_dims(x, axes)

    def moveaxis(self, x: Any, source: Any, destination: Any) -> Any:
        """Axes moved elsewhere."""
        return self.namespace().moveaxis(x, source, destination)

    def squeeze(self, x: Any, axis: Any) -> Any:
        """Axes of size 1 removed, each of which has it."""
        return self.namespace().squeeze(x, axis=axis)

    def concat(self, arrays: Any, axis: int | None) -> Any:
        """Arrays joined along an axis; None flattens them first."""
        return self.namespace().concat(arrays, axis=axis)

    def stack(self, arrays: Any, axis: int) -> Any:
        """Arrays joined along a new axis."""
        return self.namespace().stack(arrays, axis=axis)


def _readable(array: Any) -> Any:
    """The values in a dtype of NumPy's own that holds them all."""
    if array.dtype.kind != "V" or array.dtype.names is not None or array.dtype.char == "V":
        return array
    name = array.dtype.type.__name__
    return array.astype("int64" if "int" in name else "float64")
