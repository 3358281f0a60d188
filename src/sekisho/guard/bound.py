"""Read the contract of a function that is to be called, with what is bound to it."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.contract import Options, display_name
from sekisho.errors import DeclarationError
from sekisho.guard.body import closed_over
from sekisho.guard.modules import is_module
from sekisho.guard.stub import contract_of, options_of
from sekisho.guard.targets import guard_target
from sekisho.worlds import world_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sekisho.contract import Contract

__all__ = ["BoundContract", "bind_contract"]

_PLAIN_OPTIONS: Final = Options("boundary")

_BATCHING: Final = re.compile(
    r"\b_?(?:filter_)?(vmap|pmap|shard_map|vectorize)(?:Wrapper)?\b", re.IGNORECASE
)
"""Libraries' functions whose results take arrays with more axes than the function that they wrap."""

_LIBRARIES: Final = frozenset({"equinox", "flax", *world_names()})


class BoundContract(NamedTuple):
    """The contract of one function or bound method.

    Attributes:
        call: the guard, bound to its instance if it is a method.
        bare: the function without its guard.
        name: the function's name in messages.
        contract: the contract without the parameter that is bound.
        known: ``{self}``, whose attributes the axes may use.
    """

    call: Callable[..., Any]
    bare: Any
    name: str
    contract: Contract
    known: Mapping[str, Any]


def bind_contract(function: Any) -> BoundContract:
    """Read the contract of a function, of a method of an instance, or of a module's ``forward``.

    A function that is only annotated gets the contract of a `boundary`.

    Raises:
        DeclarationError: if it is no function, has no contract, or one that cannot be read.
    """
    if is_module(function):
        # What torch.compile makes of a module has that module, whose forward has the annotations.
        function = getattr(function, "_orig_mod", function).forward
    instance = getattr(function, "__self__", None)
    guard = getattr(function, "__func__", function)
    if not callable(function) or isinstance(function, type):
        raise DeclarationError(f"expected a function, got {function!r}.")
    _refuse_batched(guard)
    options = options_of(guard)
    if options is None:
        guard = guard_target(guard, _PLAIN_OPTIONS, None)
        options = options_of(guard)
        function = guard if instance is None else guard.__get__(instance)
    bare: Any = inspect.unwrap(guard)
    name = display_name(bare)
    if options is None:
        raise DeclarationError(f"{name}() has no contract: it is marked as unguarded.")
    contract = contract_of(guard)
    known: dict[str, Any] = {}
    if instance is not None:
        known = {f"{{{contract.parameters[0].name}}}": instance}
        contract = contract._replace(parameters=contract.parameters[1:])
    return BoundContract(function, bare, name, contract, known)


def _refuse_batched(function: Any) -> None:
    """Refuse what `vmap` and the like return: the axes that they add are not in the contract."""
    bare = inspect.unwrap(function)
    while function is not bare:
        # JAX puts a wrapper of its own around each result, which has the result in its closure.
        for each in (function, *closed_over(function)):
            made_by = _BATCHING.search(_name_of_maker(each))
            if made_by and each is not bare:
                name = display_name(bare)
                raise DeclarationError(
                    f"{name}() is wrapped by {made_by[1]}, which adds axes that its contract does not "
                    f"name.\n  hint: annotate a function that calls {made_by[1]}({name})"
                )
        function = function.__wrapped__


def _name_of_maker(each: Any) -> str:
    """Return the qualified name of a library's code or class; "" for what is of no library.

    Not by ``__module__``, which wrappers copy from the function that they wrap.
    """
    code, names = getattr(each, "__code__", None), getattr(each, "__globals__", {})
    module = type(each).__module__ if code is None else str(names.get("__name__"))
    if module.partition(".")[0] not in _LIBRARIES:
        return ""
    name: str = type(each).__qualname__ if code is None else code.co_qualname
    return name
