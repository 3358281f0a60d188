"""The record of an array library that a user may write: the small part that stays as it is.

A world is an instance of a subclass of `World`. It must define a name, an array class, its dtypes,
and how its arrays get into host memory and out of it. Everything else has a default that suits most
libraries. What else sekisho asks of a library is in `library`, with a default for such a world.

Conversions go through host memory, as NumPy arrays. So N worlds need N modules, not one per pair.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from sekisho.errors import with_class
from sekisho.utils import is_being_imported
from sekisho.worlds.policy import Converted, Policy, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.worlds.shown import OperationKind

__all__ = ["World"]


class World:
    """A description of one array library. Subclass it, and register an instance.

    A subclass must define `name`, `label`, `array_class`, `dtypes`, `to_host` and `from_host`.

    Attributes:
        name: the name that `world_of` returns; also the name of the library's module.
        label: the library's name in messages.
        array_class: name of the array class in that module.
        noun: what messages call one value.
        package: what to install if the library is missing and `name` is not the package.
        options: options of its decorator in addition to the common ones: any of ``detach``,
            ``device``, ``scalars``, ``local``.
        operations: operations that may convert arrays, by what they do: dotted names of functions
            and methods inside the library. Crossings in them are counted while a program is
            recorded, and refused in strict mode. The keys are ``"look"`` (inspects an array),
            ``"scalar"`` (returns Python numbers), ``"export"`` (returns a host array), ``"import"``
            (makes an array from any argument), ``"compute"`` (may have a foreign operand),
            ``"move"`` (moves an array between devices) and ``"wait"`` (waits for a device).
        spelling: the library's own code for a helper, or for creating and casting an array, with
            ``{0}`` for the value. Hints show it beside the helper's name.
        words: the library's own names for operations, with the helper that does the same here.
        makers: functions that people annotate with by mistake, in place of the array class.
    """

    name: str = ""
    label: str = ""
    array_class: str = "Array"
    noun: str = "an array"
    package: str = ""
    options: frozenset[str] = frozenset({"detach"})
    operations: Mapping[OperationKind, tuple[str, ...]] = {}
    spelling: Mapping[str, str] = {}
    words: Mapping[str, str] = {}
    makers: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"<world {self.name}>"

    # --- the library

    def load(self) -> Any:
        """Return the library, and import it if necessary.

        Call this only for a library that the user has named.

        Raises:
            Refusal: if the library is not installed, or its import fails.
        """
        module = sys.modules.get(self.name)
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
        raise Refusal(f"{self.label} cannot be imported: {with_class(error)}") from None

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
        module = sys.modules.get(self.name)
        return self.array_type() is not None and not is_being_imported(module)

    def namespace(self) -> Any:
        """Return the functions of the array API standard; by default the library's module."""
        return sys.modules.get(self.name)

    # --- whose value is it, and what is it

    def owns(self, value: object) -> bool:
        """Return whether a value belongs to this world; subclasses and scalars count, too."""
        array_type = self.array_type()
        return array_type is not None and isinstance(value, array_type)

    def is_scalar(self, value: object) -> bool:  # noqa: ARG002 - most libraries have none
        """Return whether a value of this world is a scalar rather than an array."""
        return False

    def dtypes(self) -> Mapping[Any, str]:
        """Map the library's dtypes to jaxtyping's names for them; empty while not loaded."""
        raise NotImplementedError

    # --- where it is

    def device(self, value: Any) -> Any:  # noqa: ARG002 - most are on the host
        """Return the device of a value, as `is_on` accepts it; None if there are no devices."""
        return None

    def device_name(self, value: Any) -> str:  # noqa: ARG002 - most are on the host
        """Return the device's name for messages and the log; ``"cpu"`` is the host."""
        return "cpu"

    def parse_device(self, device: Any) -> Any:
        """Convert a user's device argument to a device.

        Raises:
            Refusal: if it is not a device.
        """
        raise Refusal(f"{self.label} has no device {device!r}")

    def is_on(self, value: Any, device: Any) -> bool:
        """Return whether a value is on a device; one without an index matches any of its type."""
        return bool(self.device(value) == device)

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
            return Converted(value.copy(), "copy=True") if policy.copy else Converted(value, None)
        raise Refusal(f"{self.label} moves no values between devices")

    def runs_plainly(self) -> bool:
        """Return whether the library just computes: no transform or trace is active."""
        return True

    def cast(self, value: Any, dtype: str) -> Any:
        """Cast a value to the named dtype; gradients flow through."""
        return value.astype(dtype)

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
