"""Guard the ``forward`` of a module that exists already; it stays the same object."""

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
"""For each class its guarded subclasses, by the decorator's options.

Weak, since a guarded class refers to its base: only its modules keep it alive.
"""


def is_module(target: Any) -> bool:
    """Return whether a value is a module with parameters: an instance, not a class."""
    return any(world.is_module(target) for world in loaded_worlds())


def guard_module(
    module: Any, guard: Callable[[Any], Any], options: Options, again: Callable[..., Any]
) -> Any:
    """Guard the ``forward`` of a module, and return the same module.

    The module's class becomes a subclass of the same name, whose ``forward`` is guarded. So a
    copied or unpickled module gets a guard of its own. A guard stored as an attribute would be
    shared.

    Args:
        module: the module.
        guard: the function that guards a function.
        options: the decorator's options.
        again: the function that makes and guards a module when it is unpickled. It takes the
            options, and the callable and the arguments that ``__reduce_ex__`` gives.

    Raises:
        DeclarationError: if its class cannot be changed (``torch.jit.ScriptModule``).
    """
    kind = class_of(module)
    known = _guarded.setdefault(kind, _Guarded())
    guarded = known.get(options)
    try:
        if guarded is None:
            made = _subclass(kind, guard(kind.forward), options, again)
            # Of two threads, the second takes the class that the first has made.
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
        # Pickle the original class: the guarded one cannot be imported by its name.
        return again, (options, make, _without(arguments, guarded, kind)), *state

    names = {name: getattr(kind, name) for name in ("__module__", "__qualname__", "__doc__")}
    members = {**names, "forward": forward, "__reduce_ex__": reduce}
    guarded = cast("type", type(kind)(kind.__name__, (kind,), members))
    return guarded


def _without(arguments: Any, guarded: type, kind: type) -> Any:
    return tuple(kind if each is guarded else each for each in arguments)
