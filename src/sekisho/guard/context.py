"""What a whole call needs to know first: the array class of its world, and where its module is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.context import is_noted
from sekisho.errors import DeviceError, Violation, hide_in_pytest
from sekisho.validation import first_array_of
from sekisho.worlds import HOST, Library, array_class, describe, find_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract import Contract

__all__ = ["make_array_type_of", "module_device"]

__tracebackhide__ = hide_in_pytest


def make_array_type_of(contract: Contract) -> Callable[..., type]:
    """Make the function that finds the array class of the world that a call is in."""
    first_array = first_array_of(contract)

    def array_type_of(*arguments: Any) -> type:
        """Return the array class of the first array's world, or NumPy's."""
        found: type = array_class(find_world(first_array(*arguments)) or HOST)
        return found

    return array_type_of


def module_device(contract: Contract, home: Library | None, module: Any) -> Any:
    """Return the device of a module's first parameter."""
    device = home and _device_of_parameters(home, module)
    if device is None:
        reason = "device='module' is where the first parameter is, and there is none"
        expected = "a module with parameters"
        is_module = home is not None and home.is_module(module)
        hint = None if is_module else "device='module' is for the methods of a module"
        place = contract.parameters[0].place
        violation = Violation(
            contract.function, place, expected, describe(module), reason, hint=hint
        )
        error = DeviceError(violation)
        if not is_noted(error, contract.function, place):
            raise error
    return device


def _device_of_parameters(home: Library, module: Any) -> Any:
    # A loop, because the compiler of torch 2.7 does not support next() with a default.
    for parameter in module.parameters() if hasattr(module, "parameters") else ():
        return home.device(parameter)
    return None
