"""What a library passes to the methods of a class whose ``apply`` calls its ``forward``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sekisho.inference.value_types import Value, instance

if TYPE_CHECKING:
    import ast

    from sekisho.inference.frame import Frame
    from sekisho.inference.overloads import Arguments

__all__ = ["applied_argument", "applied_in", "with_context"]

_SETUP: Final = "setup_context"
_OF_GRADIENTS: Final = frozenset({"backward", "vjp"})
"""They get the context and an array for each result of ``forward``."""


def applied_in(frame: Frame, cls: str) -> str:
    """Return the world whose arrays a class's ``apply`` takes; "" if it does not call its ``forward``."""
    applied = frame.knowledge.applied
    return next((applied[each] for each in frame.program.mro(cls) if each in applied), "")


def with_context(frame: Frame, forward: str, call: Arguments) -> Arguments:
    """Return the arguments of `forward`, where ``apply`` gets these.

    The context is taken for an instance of the class: what `forward` assigns to it, ``backward`` finds there.
    """
    cls = forward.rpartition(".")[0]
    setup = frame.program.member(cls, _SETUP)
    if setup is not None and frame.program.is_own(setup[0]):
        return call  # the context is passed to this method instead
    return call._replace(args=(instance(cls), *call.args))


def applied_argument(frame: Frame, index: int, default: ast.expr | None) -> Value | None:
    """Return what the library passes to a method as one of its parameters; None if that is not known."""
    cls, last = frame.unit.owner, frame.unit.name.rpartition(".")[2]
    is_called = last in _OF_GRADIENTS or last == _SETUP
    if not is_called or default is not None or "staticmethod" not in frame.unit.traits:
        return None
    world = applied_in(frame, cls) if cls else ""
    if not world:
        return None
    if index == 0:
        return instance(cls)
    return frame.knowledge.array_of(world) if last in _OF_GRADIENTS else None
