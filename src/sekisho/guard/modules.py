"""Modules that are there already: their ``forward`` guarded, and they stay modules."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final, cast

from sekisho.errors import DeclarationError
from sekisho.worlds import class_of, loaded_worlds

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract import Options

__all__ = ["guard_module", "is_module"]

_Guarded = weakref.WeakValueDictionary["Options", type]
_guarded: Final[weakref.WeakKeyDictionary[type, _Guarded]] = weakref.WeakKeyDictionary()
"""The guarded class of each class, by its decorator's options, the same for all its modules.

Held by its modules, not from here: it holds the class that it is made of.
"""


def is_module(target: Any) -> bool:
    """Whether this is a module with parameters: an instance, no class."""
    return any(world.is_module(target) for world in loaded_worlds())


def guard_module(
    module: Any, guard: Callable[[Any], Any], options: Options, again: Callable[..., Any]
) -> Any:
    """Guard a module's ``forward`` and hand the same module back.

    Its class becomes a subclass of what it was, of the same name, whose ``forward`` is guarded: so
    a copy of the module, or one that is loaded again, has a guard of its own, which a function
    among its attributes would not be.

    Args:
        module: the module.
        guard: what guards a function.
        options: the decorator's options.
        again: what makes a module that was pickled, and guards it: from the options, and
            what Python would call, with its arguments.

    Raises:
        DeclarationError: if its class cannot be changed (``torch.jit.ScriptModule``).
    """
    kind = class_of(module)
    known = _guarded.setdefault(kind, _Guarded())
    guarded = known.get(options)
    try:
        if guarded is None:
            made = _subclass(kind, guard(kind.forward), options, again)
            guarded = known.setdefault(options, made)
        module.__class__ = guarded
    except (AttributeError, RuntimeError, TypeError) as error:
        raise DeclarationError(
            f"{options.kind}(): this {kind.__name__} cannot be guarded: {error}\n"
            f"  hint: decorate its class, or the function that calls it"
        ) from None
    return module


def _subclass(kind: Any, forward: Any, options: Options, again: Callable[..., Any]) -> type:
    def reduce(self: Any, protocol: Any) -> Any:
        make, arguments, *state = kind.__reduce_ex__(self, protocol)
        return again, (options, make, _without(arguments, guarded, kind)), *state

    names = {name: getattr(kind, name) for name in ("__module__", "__qualname__", "__doc__")}
    members = {**names, "forward": forward, "__reduce_ex__": reduce}
    guarded = cast("type", type(kind)(kind.__name__, (kind,), members))
    return guarded


def _without(arguments: Any, guarded: type, kind: type) -> Any:
    return tuple(kind if each is guarded else each for each in arguments)
